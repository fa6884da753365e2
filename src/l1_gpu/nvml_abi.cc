// SPDX-License-Identifier: Apache-2.0
#include "l1_gpu/nvml_abi.h"

#include <dlfcn.h>

namespace strata::l1_gpu {
namespace {

template <typename F>
void Find(void* library, F** out, const char* versioned, const char* plain = nullptr) {
  void* symbol = ::dlsym(library, versioned);
  if (symbol == nullptr && plain != nullptr) symbol = ::dlsym(library, plain);
  *out = reinterpret_cast<F*>(symbol);
}

}  // namespace

base::Result<NvmlLibrary> NvmlLibrary::Load(const std::string& library) {
  void* const handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return base::NotFound(library + " not found");
  NvmlLibrary n;
  Find(handle, &n.init, "nvmlInit_v2", "nvmlInit");
  Find(handle, &n.shutdown, "nvmlShutdown");
  Find(handle, &n.error, "nvmlErrorString");
  Find(handle, &n.driver, "nvmlSystemGetDriverVersion");
  Find(handle, &n.count, "nvmlDeviceGetCount_v2", "nvmlDeviceGetCount");
  Find(handle, &n.handle, "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex");
  Find(handle, &n.name, "nvmlDeviceGetName");
  Find(handle, &n.uuid, "nvmlDeviceGetUUID");
  Find(handle, &n.pci, "nvmlDeviceGetPciInfo_v3");
  Find(handle, &n.utilization, "nvmlDeviceGetUtilizationRates");
  Find(handle, &n.memory, "nvmlDeviceGetMemoryInfo_v2");
  Find(handle, &n.encoder, "nvmlDeviceGetEncoderUtilization");
  Find(handle, &n.decoder, "nvmlDeviceGetDecoderUtilization");
  Find(handle, &n.temperature, "nvmlDeviceGetTemperature");
  Find(handle, &n.power, "nvmlDeviceGetPowerUsage");
  Find(handle, &n.power_limit, "nvmlDeviceGetEnforcedPowerLimit");
  Find(handle, &n.energy, "nvmlDeviceGetTotalEnergyConsumption");
  Find(handle, &n.clock, "nvmlDeviceGetClockInfo");
  Find(handle, &n.reasons, "nvmlDeviceGetCurrentClocksEventReasons",
       "nvmlDeviceGetCurrentClocksThrottleReasons");
  Find(handle, &n.replays, "nvmlDeviceGetPcieReplayCounter");
  Find(handle, &n.fields, "nvmlDeviceGetFieldValues");
  Find(handle, &n.event_set, "nvmlEventSetCreate");
  Find(handle, &n.register_events, "nvmlDeviceRegisterEvents");
  Find(handle, &n.wait, "nvmlEventSetWait_v2");
  if (n.init == nullptr || n.count == nullptr || n.handle == nullptr || n.uuid == nullptr) {
    return base::Failed(library +
                        " is not NVML: nvmlInit_v2, nvmlDeviceGetCount_v2, … are missing");
  }
  return n;
}

std::string NvmlLibrary::Text(NvmlReturn result) const {
  switch (result) {
    case kNvmlNotSupported: return "not supported";
    case kNvmlNoPermission: return "not permitted: run as root";
    case kNvmlDriverNotLoaded: return "the driver is not loaded";
    case kNvmlFunctionNotFound: return "this driver does not have it";
    case kNvmlGpuLost: return "the GPU is lost: it has fallen off the bus";
    case kNvmlNoData: return "no data";
    default: break;
  }
  const char* text = error != nullptr ? error(result) : nullptr;
  return text != nullptr ? text : "NVML error " + std::to_string(result);
}

}  // namespace strata::l1_gpu
