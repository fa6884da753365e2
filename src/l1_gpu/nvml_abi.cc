// SPDX-License-Identifier: Apache-2.0
#include "l1_gpu/nvml_abi.h"

#include <dlfcn.h>
#include <unistd.h>

namespace strata::l1_gpu {
namespace {

template <typename F>
void Find(void* library, F** out, const char* versioned, const char* plain = nullptr) {
  void* symbol = ::dlsym(library, versioned);
  if (symbol == nullptr && plain != nullptr) symbol = ::dlsym(library, plain);
  *out = reinterpret_cast<F*>(symbol);
}

void FindDevices(void* handle, NvmlLibrary* n) {
  Find(handle, &n->init, "nvmlInit_v2", "nvmlInit");
  Find(handle, &n->shutdown, "nvmlShutdown");
  Find(handle, &n->error, "nvmlErrorString");
  Find(handle, &n->driver, "nvmlSystemGetDriverVersion");
  Find(handle, &n->process_name, "nvmlSystemGetProcessName");
  Find(handle, &n->count, "nvmlDeviceGetCount_v2", "nvmlDeviceGetCount");
  Find(handle, &n->handle, "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex");
  Find(handle, &n->name, "nvmlDeviceGetName");
  Find(handle, &n->uuid, "nvmlDeviceGetUUID");
  Find(handle, &n->pci, "nvmlDeviceGetPciInfo_v3");
  Find(handle, &n->event_types, "nvmlDeviceGetSupportedEventTypes");
  Find(handle, &n->event_set, "nvmlEventSetCreate");
  Find(handle, &n->event_free, "nvmlEventSetFree");
  Find(handle, &n->register_events, "nvmlDeviceRegisterEvents");
  // The older wait fills a shorter structure: without the newer one there are no events.
  Find(handle, &n->wait, "nvmlEventSetWait_v2");
}

void FindValues(void* handle, NvmlLibrary* n) {
  Find(handle, &n->utilization, "nvmlDeviceGetUtilizationRates");
  Find(handle, &n->memory, "nvmlDeviceGetMemoryInfo_v2");
  Find(handle, &n->memory_v1, "nvmlDeviceGetMemoryInfo");
  Find(handle, &n->encoder, "nvmlDeviceGetEncoderUtilization");
  Find(handle, &n->decoder, "nvmlDeviceGetDecoderUtilization");
  Find(handle, &n->temperature, "nvmlDeviceGetTemperature");
  Find(handle, &n->temperature_v, "nvmlDeviceGetTemperatureV");
  Find(handle, &n->power, "nvmlDeviceGetPowerUsage");
  Find(handle, &n->power_limit, "nvmlDeviceGetEnforcedPowerLimit");
  Find(handle, &n->power_default, "nvmlDeviceGetPowerManagementDefaultLimit");
  Find(handle, &n->energy, "nvmlDeviceGetTotalEnergyConsumption");
  Find(handle, &n->clock, "nvmlDeviceGetClockInfo");
  Find(handle, &n->max_clock, "nvmlDeviceGetMaxClockInfo");
  Find(handle, &n->reasons, "nvmlDeviceGetCurrentClocksEventReasons",
       "nvmlDeviceGetCurrentClocksThrottleReasons");
  Find(handle, &n->ecc_mode, "nvmlDeviceGetEccMode");
  Find(handle, &n->remap_banks, "nvmlDeviceGetRowRemapperHistogram");
  Find(handle, &n->replays, "nvmlDeviceGetPcieReplayCounter");
  Find(handle, &n->pcie_generation, "nvmlDeviceGetCurrPcieLinkGeneration");
  Find(handle, &n->pcie_width, "nvmlDeviceGetCurrPcieLinkWidth");
  Find(handle, &n->pcie_max_generation, "nvmlDeviceGetMaxPcieLinkGeneration");
  Find(handle, &n->pcie_max_width, "nvmlDeviceGetMaxPcieLinkWidth");
  Find(handle, &n->fields, "nvmlDeviceGetFieldValues");
}

void FindParts(void* handle, NvmlLibrary* n) {
  Find(handle, &n->compute, "nvmlDeviceGetComputeRunningProcesses_v3",
       "nvmlDeviceGetComputeRunningProcesses_v2");
  Find(handle, &n->graphics, "nvmlDeviceGetGraphicsRunningProcesses_v3",
       "nvmlDeviceGetGraphicsRunningProcesses_v2");
  Find(handle, &n->mps, "nvmlDeviceGetMPSComputeRunningProcesses_v3",
       "nvmlDeviceGetMPSComputeRunningProcesses_v2");
  Find(handle, &n->process_use, "nvmlDeviceGetProcessUtilization");
  Find(handle, &n->processes_use, "nvmlDeviceGetProcessesUtilizationInfo");
  Find(handle, &n->mig_mode, "nvmlDeviceGetMigMode");
  Find(handle, &n->mig_max, "nvmlDeviceGetMaxMigDeviceCount");
  Find(handle, &n->mig_handle, "nvmlDeviceGetMigDeviceHandleByIndex");
  Find(handle, &n->gpu_instance, "nvmlDeviceGetGpuInstanceId");
  Find(handle, &n->attributes, "nvmlDeviceGetAttributes_v2");
  Find(handle, &n->gpm_support, "nvmlGpmQueryDeviceSupport");
  Find(handle, &n->gpm_alloc, "nvmlGpmSampleAlloc");
  Find(handle, &n->gpm_free, "nvmlGpmSampleFree");
  Find(handle, &n->gpm_sample, "nvmlGpmSampleGet");
  Find(handle, &n->gpm_mig_sample, "nvmlGpmMigSampleGet");
  Find(handle, &n->gpm_metrics, "nvmlGpmMetricsGet");
}

}  // namespace

base::Result<NvmlLibrary> NvmlLibrary::Load(const std::string& library) {
  void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr && library.find('/') == std::string::npos) {
    // Where container runtimes and WSL put it without telling the loader.
    for (const char* folder : {"/usr/local/nvidia/lib64/", "/usr/lib/wsl/lib/",
                               "/run/nvidia/driver/usr/lib/x86_64-linux-gnu/"}) {
      if (::access((folder + library).c_str(), F_OK) != 0) continue;
      handle = ::dlopen((folder + library).c_str(), RTLD_NOW | RTLD_LOCAL);
      if (handle != nullptr) break;
    }
  }
  if (handle == nullptr) {
    const char* why = ::dlerror();
    // "cannot open shared object file: No such file or directory": the usual host without a GPU.
    const std::string text = why != nullptr ? why : "";
    if (text.find("No such file") != std::string::npos)
      return base::NotFound(library + " not found");
    return base::Failed(library + " cannot be loaded: " + text);
  }
  NvmlLibrary n;
  FindDevices(handle, &n);
  FindValues(handle, &n);
  FindParts(handle, &n);
  if (n.init == nullptr || n.shutdown == nullptr || n.count == nullptr || n.handle == nullptr ||
      n.uuid == nullptr) {
    return base::Failed(library +
                        " is not NVML: nvmlInit_v2, nvmlDeviceGetCount_v2, … are missing");
  }
  return n;
}

std::string NvmlLibrary::Text(NvmlReturn result) const {
  switch (result) {
    case kNvmlInvalidArgument: return "this driver does not know it";
    case kNvmlNotSupported: return "not supported";
    case kNvmlNoPermission: return "not permitted: run as root";
    case kNvmlDriverNotLoaded: return "the driver is not loaded";
    case kNvmlFunctionNotFound: return "this driver does not have it";
    case kNvmlGpuLost: return "the GPU is lost: it has fallen off the bus";
    case kNvmlResetRequired: return "the GPU must be reset";
    case kNvmlVersionMismatch:
      return "library and driver are of different versions: reload the driver or reboot";
    case kNvmlNoData: return "no data";
    case kNvmlArgumentVersionMismatch: return "this driver wants another version of the structure";
    default: break;
  }
  const char* text = error != nullptr ? error(result) : nullptr;
  return text != nullptr ? text : "NVML error " + std::to_string(result);
}

}  // namespace strata::l1_gpu
