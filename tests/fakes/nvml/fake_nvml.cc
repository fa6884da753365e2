// SPDX-License-Identifier: Apache-2.0
// A libnvidia-ml.so.1 that plays a script (STRATA_FAKE_NVML_SCRIPT): the same names, structures and
// return codes as NVIDIA's, so that whatever speaks NVML takes it for a machine with GPUs. Here:
// the library and the values of a device; the rest in fake_parts.cc. With FAKE_NVML_OLD it has only
// what a driver of 2021 had.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "world.h"

using namespace fake_nvml;       // NOLINT
using namespace strata::l1_gpu;  // NOLINT: the interface, nothing else
using U32 = unsigned;            // as nvml.h's prototypes have it
using U64 = unsigned long long;

namespace {

NvmlReturn Put(const Curve& curve, U32* out) {
  const Answer a = curve.At(world().Now());
  if (out == nullptr) return kNvmlInvalidArgument;
  if (a.result == kNvmlOk) *out = static_cast<U32>(a.whole);
  return a.result;
}
NvmlReturn Put(const Curve& curve, U64* out) {
  const Answer a = curve.At(world().Now());
  if (out == nullptr) return kNvmlInvalidArgument;
  if (a.result == kNvmlOk) *out = a.whole;
  return a.result;
}

NvmlReturn Start() {
  World& w = world();
  const std::lock_guard lock(w.mutex);
  if (w.started > 0) return ++w.started, kNvmlOk;
  if (w.script == nullptr) {
    const char* path = std::getenv("STRATA_FAKE_NVML_SCRIPT");
    std::string error = "STRATA_FAKE_NVML_SCRIPT is not set";
    auto script = path != nullptr ? ReadScript(path, &error) : nullptr;
    if (script == nullptr) {
      std::fprintf(stderr, "fake nvml: %s\n", error.c_str());
      return kNvmlUnknown;
    }
    w.script = script.get();
    w.scripts.push_back(std::move(script));
    w.began_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                     std::chrono::steady_clock::now().time_since_epoch())
                     .count();
    w.clock_runs = true;
  }
  for (const Rule& rule : w.script.load()->rules) {  // nothing is started yet that could play them
    if (rule.call != "nvmlInit_v2" || !rule.when.Now(w.Now())) continue;
    while (rule.hang && rule.when.Now(w.Now()))
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (rule.result != kNvmlOk) return rule.result;
  }
  // A device that came back answers only from a new start on.
  for (Device& device : w.script.load()->devices)
    device.is_lost = device.loses && device.lost.Now(w.Now());
  w.started = 1;
  return kNvmlOk;
}

bool Vanished(const Device& device) { return device.vanishes && device.is_lost; }

Device* Nth(U32 index) {
  for (Device& device : world().script.load()->devices) {
    if (Vanished(device)) continue;
    if (index-- == 0) return &device;
  }
  return nullptr;
}

NvmlReturn ReadMemory(const Memory& memory, NvmlMemoryV2* out) {
  const double t = world().Now();
  const Answer total = memory.total.At(t), used = memory.used.At(t);
  const Answer reserved = memory.reserved.At(t);
  if (total.result != kNvmlOk) return total.result;
  if (used.result != kNvmlOk) return used.result;
  out->total = total.whole;
  out->reserved = reserved.result == kNvmlOk ? reserved.whole : 0;
  out->used = used.whole;
  out->free = out->total - std::min(out->total, out->used + out->reserved);
  return kNvmlOk;
}

NvmlReturn ReadClock(const Device& device, const char* max, int clock, U32* out) {
  static constexpr const char* kClocks[] = {"graphics", "sm", "memory", "video"};
  if (clock < 0 || clock > 3) return kNvmlInvalidArgument;
  return Put(device.Value(std::string("clock_") + max + kClocks[clock] + "_mhz"), out);
}

}  // namespace

extern "C" {

// ---- for tests of the fake's users
long fake_nvml_calls(const char* name) { return CallsOf(name); }
long fake_nvml_started() { return world().started; }
// Reads another script at the next start.
void fake_nvml_forget() {
  World& w = world();
  const std::lock_guard lock(w.mutex);
  w.script = nullptr;
  w.started = 0;
  w.clock_runs = false;
}

// ---- the library
NvmlReturn nvmlInit_v2() {
  static Function function(__func__);
  ++function.calls;
  return Start();
}
NvmlReturn nvmlInit() { return nvmlInit_v2(); }
NvmlReturn nvmlInitWithFlags(U32) { return nvmlInit_v2(); }
NvmlReturn nvmlShutdown() {
  World& w = world();
  const std::lock_guard lock(w.mutex);
  if (w.started == 0) return kNvmlUninitialized;
  --w.started;
  return kNvmlOk;
}
const char* nvmlErrorString(NvmlReturn result) { return ResultName(result); }
NvmlReturn nvmlSystemGetDriverVersion(char* text, U32 length) {
  FAKE_CALL();
  return PutText(world().script.load()->driver, text, length);
}
NvmlReturn nvmlSystemGetNVMLVersion(char* text, U32 length) {
  FAKE_CALL();
  return PutText(world().script.load()->nvml, text, length);
}
NvmlReturn nvmlSystemGetCudaDriverVersion_v2(int* version) {
  FAKE_CALL();
  *version = world().script.load()->cuda;
  return kNvmlOk;
}
NvmlReturn nvmlSystemGetCudaDriverVersion(int* version) {
  return nvmlSystemGetCudaDriverVersion_v2(version);
}
NvmlReturn nvmlSystemGetProcessName(U32 pid, char* name, U32 length) {
  FAKE_CALL();
  for (const Device& device : world().script.load()->devices) {
    for (const Process& process : device.processes) {
      if (process.pid == pid) return PutText(process.name, name, length);
    }
  }
  return kNvmlNotFound;
}

// ---- which devices there are
NvmlReturn nvmlDeviceGetCount_v2(U32* count) {
  FAKE_CALL();
  *count = 0;
  for (const Device& device : world().script.load()->devices) *count += Vanished(device) ? 0 : 1;
  return kNvmlOk;
}
NvmlReturn nvmlDeviceGetCount(U32* count) { return nvmlDeviceGetCount_v2(count); }
NvmlReturn nvmlDeviceGetHandleByIndex_v2(U32 index, NvmlDevice* handle) {
  FAKE_CALL();
  Device* device = Nth(index);
  if (device == nullptr) return kNvmlInvalidArgument;
  if (device->is_lost) return kNvmlGpuLost;
  return *handle = device, kNvmlOk;
}
NvmlReturn nvmlDeviceGetHandleByIndex(U32 index, NvmlDevice* handle) {
  return nvmlDeviceGetHandleByIndex_v2(index, handle);
}
NvmlReturn nvmlDeviceGetHandleByUUID(const char* uuid, NvmlDevice* handle) {
  FAKE_CALL();
  for (Device& device : world().script.load()->devices) {
    if (device.uuid == uuid) return *handle = &device, kNvmlOk;
    for (Instance& instance : device.instances) {
      if (instance.uuid == uuid) return *handle = &instance, kNvmlOk;
    }
  }
  return kNvmlNotFound;
}
NvmlReturn nvmlDeviceGetHandleByPciBusId_v2(const char* id, NvmlDevice* handle) {
  FAKE_CALL();
  for (Device& device : world().script.load()->devices) {
    if (device.pci == id) return *handle = &device, kNvmlOk;
  }
  return kNvmlNotFound;
}
NvmlReturn nvmlDeviceGetName(NvmlDevice handle, char* text, U32 length) {
  FAKE_ANY(handle);
  return PutText(target.instance != nullptr ? target.instance->name : target.device->name, text,
                 length);
}
NvmlReturn nvmlDeviceGetUUID(NvmlDevice handle, char* text, U32 length) {
  FAKE_ANY(handle);
  return PutText(target.instance != nullptr ? target.instance->uuid : target.device->uuid, text,
                 length);
}
NvmlReturn nvmlDeviceGetIndex(NvmlDevice handle, U32* index) {
  FAKE_DEVICE(handle);
  return *index = device->index, kNvmlOk;
}
NvmlReturn nvmlDeviceGetMinorNumber(NvmlDevice handle, U32* minor) {
  FAKE_DEVICE(handle);
  return *minor = device->minor, kNvmlOk;
}
NvmlReturn nvmlDeviceGetPciInfo_v3(NvmlDevice handle, NvmlPci* pci) {
  FAKE_DEVICE(handle);
  *pci = {};
  std::snprintf(pci->bus_id, sizeof pci->bus_id, "%s", device->pci.c_str());
  std::snprintf(pci->legacy_id, sizeof pci->legacy_id, "%s",
                device->pci.size() > 4 ? device->pci.c_str() + 4 : "");
  std::sscanf(device->pci.c_str(), "%x:%x:%x", &pci->domain, &pci->bus, &pci->device);
  return kNvmlOk;
}
NvmlReturn nvmlDeviceGetArchitecture(NvmlDevice handle, U32* architecture) {
  FAKE_DEVICE(handle);
  return *architecture = static_cast<U32>(device->architecture), kNvmlOk;
}

// ---- values
NvmlReturn nvmlDeviceGetUtilizationRates(NvmlDevice handle, NvmlUtilization* out) {
  FAKE_DEVICE(handle);
  if (device->mig_mode.At(world().Now()).whole == 1) return kNvmlNotSupported;
  const NvmlReturn bad = Put(device->Value("utilization"), &out->gpu);
  return bad != kNvmlOk ? bad : Put(device->Value("memory_utilization"), &out->memory);
}
NvmlReturn nvmlDeviceGetMemoryInfo(NvmlDevice handle, NvmlMemoryV1* out) {
  FAKE_ANY(handle);
  NvmlMemoryV2 m{};
  const NvmlReturn bad =
      ReadMemory(target.instance != nullptr ? target.instance->memory : target.device->memory, &m);
  if (bad == kNvmlOk) *out = {m.total, m.free, m.used + m.reserved};
  return bad;
}
NvmlReturn nvmlDeviceGetEncoderUtilization(NvmlDevice handle, U32* out, U32* period_us) {
  FAKE_DEVICE(handle);
  *period_us = 167000;
  return Put(device->Value("encoder"), out);
}
NvmlReturn nvmlDeviceGetDecoderUtilization(NvmlDevice handle, U32* out, U32* period_us) {
  FAKE_DEVICE(handle);
  *period_us = 167000;
  return Put(device->Value("decoder"), out);
}
NvmlReturn nvmlDeviceGetTemperature(NvmlDevice handle, int sensor, U32* out) {
  FAKE_DEVICE(handle);
  return sensor != 0 ? kNvmlInvalidArgument : Put(device->Value("temperature"), out);
}
NvmlReturn nvmlDeviceGetPowerUsage(NvmlDevice handle, U32* out) {
  FAKE_DEVICE(handle);
  return Put(device->Value("power_mw"), out);
}
NvmlReturn nvmlDeviceGetEnforcedPowerLimit(NvmlDevice handle, U32* out) {
  FAKE_DEVICE(handle);
  return Put(device->Value("power_limit_mw"), out);
}
NvmlReturn nvmlDeviceGetPowerManagementLimit(NvmlDevice handle, U32* out) {
  FAKE_DEVICE(handle);
  return Put(device->Value("power_limit_mw"), out);
}
NvmlReturn nvmlDeviceGetPowerManagementDefaultLimit(NvmlDevice handle, U32* out) {
  FAKE_DEVICE(handle);
  return Put(device->Value("power_default_limit_mw"), out);
}
NvmlReturn nvmlDeviceGetTotalEnergyConsumption(NvmlDevice handle, U64* out) {
  FAKE_DEVICE(handle);
  return Put(device->Value("energy_mj"), out);
}
NvmlReturn nvmlDeviceGetClockInfo(NvmlDevice handle, int clock, U32* out) {
  FAKE_DEVICE(handle);
  return ReadClock(*device, "", clock, out);
}
NvmlReturn nvmlDeviceGetMaxClockInfo(NvmlDevice handle, int clock, U32* out) {
  FAKE_DEVICE(handle);
  return ReadClock(*device, "max_", clock, out);
}
NvmlReturn nvmlDeviceGetPerformanceState(NvmlDevice handle, int* state) {
  FAKE_DEVICE(handle);
  U32 n = 0;
  const NvmlReturn bad = Put(device->Value("performance_state"), &n);
  return *state = static_cast<int>(n), bad;
}
NvmlReturn nvmlDeviceGetCurrentClocksThrottleReasons(NvmlDevice handle, U64* out) {
  FAKE_DEVICE(handle);
  return Put(device->Value("reasons"), out);
}
// Blocks as the real one does: nobody who polls should call it.
NvmlReturn nvmlDeviceGetPcieThroughput(NvmlDevice handle, int, U32* out) {
  FAKE_DEVICE(handle);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  return *out = 0, kNvmlOk;
}
NvmlReturn nvmlDeviceGetCurrPcieLinkGeneration(NvmlDevice handle, U32* out) {
  FAKE_DEVICE(handle);
  return Put(device->Value("pcie_generation"), out);
}
NvmlReturn nvmlDeviceGetCurrPcieLinkWidth(NvmlDevice handle, U32* out) {
  FAKE_DEVICE(handle);
  return Put(device->Value("pcie_width"), out);
}
NvmlReturn nvmlDeviceGetMaxPcieLinkGeneration(NvmlDevice handle, U32* out) {
  FAKE_DEVICE(handle);
  return Put(device->Value("pcie_max_generation"), out);
}
NvmlReturn nvmlDeviceGetMaxPcieLinkWidth(NvmlDevice handle, U32* out) {
  FAKE_DEVICE(handle);
  return Put(device->Value("pcie_max_width"), out);
}
NvmlReturn nvmlDeviceGetPcieReplayCounter(NvmlDevice handle, U32* out) {
  FAKE_DEVICE(handle);
  return Put(device->Value("pcie_replays"), out);
}
NvmlReturn nvmlDeviceGetEccMode(NvmlDevice handle, U32* current, U32* pending) {
  FAKE_DEVICE(handle);
  const NvmlReturn bad = Put(device->Value("ecc_mode"), current);
  return *pending = *current, bad;
}
NvmlReturn nvmlDeviceGetTotalEccErrors(NvmlDevice handle, int error, int counter, U64* out) {
  FAKE_DEVICE(handle);
  const auto it = device->fields.find({static_cast<U32>(3 + counter * 2 + error), -1});
  return it == device->fields.end() ? kNvmlNotSupported : Put(it->second, out);
}
NvmlReturn nvmlDeviceGetRemappedRows(NvmlDevice handle, U32* corrected, U32* uncorrected,
                                     U32* pending, U32* failed) {
  FAKE_DEVICE(handle);
  NvmlReturn bad = Put(device->Value("remapped_corrected"), corrected);
  if (bad == kNvmlOk) bad = Put(device->Value("remapped_uncorrected"), uncorrected);
  if (bad == kNvmlOk) bad = Put(device->Value("remapped_pending"), pending);
  return bad == kNvmlOk ? Put(device->Value("remapped_failed"), failed) : bad;
}
NvmlReturn nvmlDeviceGetRowRemapperHistogram(NvmlDevice handle, NvmlRemapBanks* out) {
  FAKE_DEVICE(handle);
  NvmlReturn bad = Put(device->Value("banks_max"), &out->max);
  if (bad == kNvmlOk) bad = Put(device->Value("banks_high"), &out->high);
  if (bad == kNvmlOk) bad = Put(device->Value("banks_partial"), &out->partial);
  if (bad == kNvmlOk) bad = Put(device->Value("banks_low"), &out->low);
  return bad == kNvmlOk ? Put(device->Value("banks_none"), &out->none) : bad;
}
NvmlReturn nvmlDeviceGetFieldValues(NvmlDevice handle, int count, NvmlFieldValue* values) {
  FAKE_DEVICE(handle);
  if (count <= 0 || values == nullptr) return kNvmlInvalidArgument;
  const double t = world().Now();
  for (int i = 0; i < count; ++i) {
    NvmlFieldValue& v = values[i];
    auto it = device->fields.find({v.field, static_cast<int>(v.scope)});
    if (it == device->fields.end()) it = device->fields.find({v.field, -1});
    const Answer a = it == device->fields.end() ? Answer{} : it->second.At(t);
    v.timestamp_us = std::chrono::duration_cast<std::chrono::microseconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    v.latency_us = 0;
    v.result = a.result;
    if (a.result != kNvmlOk) continue;
    // Of the types that the real one uses: 32 bits for what is small by nature.
    const bool small = v.field == 82 || (v.field >= 185 && v.field <= 190) || v.field == 230;
    v.type = small ? 1 : 3;
    if (small) {
      v.value.u32 = static_cast<U32>(a.whole);
    } else {
      v.value.u64 = a.whole;
    }
  }
  return kNvmlOk;
}

#ifndef FAKE_NVML_OLD
NvmlReturn nvmlDeviceGetMemoryInfo_v2(NvmlDevice handle, NvmlMemoryV2* out) {
  FAKE_ANY(handle);
  if (out->version != 0x02000028) return kNvmlArgumentVersionMismatch;
  return ReadMemory(target.instance != nullptr ? target.instance->memory : target.device->memory,
                    out);
}
NvmlReturn nvmlDeviceGetTemperatureV(NvmlDevice handle, NvmlTemperature* out) {
  FAKE_DEVICE(handle);
  if (out->version != 0x0100000c) return kNvmlArgumentVersionMismatch;
  U32 n = 0;
  const NvmlReturn bad =
      out->sensor != 0 ? kNvmlInvalidArgument : Put(device->Value("temperature"), &n);
  return out->temperature = static_cast<int>(n), bad;
}
NvmlReturn nvmlDeviceGetCurrentClocksEventReasons(NvmlDevice handle, U64* out) {
  FAKE_DEVICE(handle);
  return Put(device->Value("reasons"), out);
}
#endif

}  // extern "C"
