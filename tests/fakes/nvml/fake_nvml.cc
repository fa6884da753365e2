// SPDX-License-Identifier: Apache-2.0
// A small library that speaks NVML's C interface: two devices, the second of which cannot tell its
// energy. A test turns its knobs through fake_nvml_set. Built only for tests.
#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include "l1_gpu/nvml_abi.h"

namespace {

using namespace strata::l1_gpu;  // NOLINT: the interface, nothing else

std::atomic<long> g_hang, g_lost, g_xid, g_no_driver, g_inits;
int g_devices[2];

int Index(NvmlDevice device) { return device == &g_devices[1] ? 1 : 0; }

NvmlReturn Set(unsigned* out, unsigned value) {
  *out = value;
  return kNvmlOk;
}

}  // namespace

extern "C" {

void fake_nvml_set(const char* what, long value) {
  if (std::strcmp(what, "hang") == 0) g_hang = value;
  if (std::strcmp(what, "lost") == 0) g_lost = value;
  if (std::strcmp(what, "xid") == 0) g_xid = value;
  if (std::strcmp(what, "no_driver") == 0) g_no_driver = value;
}
long fake_nvml_inits() { return g_inits; }

NvmlReturn nvmlInit_v2() {
  ++g_inits;
  return g_no_driver != 0 ? kNvmlDriverNotLoaded : kNvmlOk;
}
NvmlReturn nvmlShutdown() { return kNvmlOk; }
const char* nvmlErrorString(NvmlReturn) { return "a fake error"; }
NvmlReturn nvmlSystemGetDriverVersion(char* text, unsigned) {
  return std::strcpy(text, "590.48.01"), kNvmlOk;
}
NvmlReturn nvmlDeviceGetCount_v2(unsigned* count) { return Set(count, 2); }
NvmlReturn nvmlDeviceGetHandleByIndex_v2(unsigned index, NvmlDevice* device) {
  *device = &g_devices[index];
  return kNvmlOk;
}
NvmlReturn nvmlDeviceGetName(NvmlDevice, char* text, unsigned) {
  return std::strcpy(text, "NVIDIA H100 80GB HBM3"), kNvmlOk;
}
NvmlReturn nvmlDeviceGetUUID(NvmlDevice device, char* text, unsigned) {
  return std::strcpy(text, Index(device) == 0 ? "GPU-0" : "GPU-1"), kNvmlOk;
}
NvmlReturn nvmlDeviceGetPciInfo_v3(NvmlDevice device, NvmlPci* pci) {
  return std::strcpy(pci->bus_id, Index(device) == 0 ? "00000000:1B:00.0" : "00000000:43:00.0"),
         kNvmlOk;
}
NvmlReturn nvmlDeviceGetUtilizationRates(NvmlDevice device, NvmlUtilization* out) {
  if (Index(device) == 1 && g_lost != 0) return kNvmlGpuLost;
  *out = {97, 41};
  return kNvmlOk;
}
NvmlReturn nvmlDeviceGetMemoryInfo_v2(NvmlDevice, NvmlMemoryV2* out) {
  if (out->version != kNvmlMemoryV2) return 25;
  out->total = 85520809984ULL, out->reserved = 559349760ULL, out->free = 1000,
  out->used = 84961459224ULL;
  return kNvmlOk;
}
NvmlReturn nvmlDeviceGetTemperature(NvmlDevice, int sensor, unsigned* out) {
  return sensor == 0 ? Set(out, 64) : 2;
}
NvmlReturn nvmlDeviceGetPowerUsage(NvmlDevice, unsigned* out) {
  while (g_hang != 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return Set(out, 612345);
}
NvmlReturn nvmlDeviceGetEnforcedPowerLimit(NvmlDevice, unsigned* out) { return Set(out, 700000); }
NvmlReturn nvmlDeviceGetTotalEnergyConsumption(NvmlDevice device, unsigned long long* out) {
  if (Index(device) == 1) return kNvmlNotSupported;
  *out = 123456789;
  return kNvmlOk;
}
NvmlReturn nvmlDeviceGetClockInfo(NvmlDevice, int clock, unsigned* out) {
  return Set(out, clock == kNvmlClockSm ? 1980 : 2619);
}
NvmlReturn nvmlDeviceGetCurrentClocksThrottleReasons(NvmlDevice, unsigned long long* out) {
  *out = 0x4 | 0x40;  // the older of the two names: an older driver
  return kNvmlOk;
}
NvmlReturn nvmlDeviceGetPcieReplayCounter(NvmlDevice, unsigned* out) { return Set(out, 3); }
NvmlReturn nvmlDeviceGetFieldValues(NvmlDevice device, int count, NvmlFieldValue* values) {
  for (int i = 0; i < count; ++i) {
    NvmlFieldValue& v = values[i];
    v.result = kNvmlOk;
    v.type = 3;
    if (v.field == 197)
      v.value.u64 = 1ULL << 40;
    else if (v.field == 138 && v.scope == 0xffffffffU)
      v.value.u64 = 1000;
    else if (v.field == 82)
      v.type = 1, v.value.u32 = 78;
    else if (v.field == 4)
      v.value.u64 = Index(device) == 0 ? 2 : 0;
    else
      v.result = kNvmlNotSupported;
  }
  return kNvmlOk;
}
NvmlReturn nvmlEventSetCreate(NvmlEventSet* set) { return *set = &g_devices, kNvmlOk; }
NvmlReturn nvmlDeviceRegisterEvents(NvmlDevice, unsigned long long types, NvmlEventSet) {
  return types == kNvmlEventXid ? kNvmlOk : 3;
}
NvmlReturn nvmlEventSetWait_v2(NvmlEventSet, NvmlEvent* event, unsigned) {
  const long xid = g_xid.exchange(0);
  if (xid == 0) return kNvmlTimeout;
  *event = {&g_devices[1], kNvmlEventXid, static_cast<unsigned long long>(xid), 0xffffffffU,
            0xffffffffU};
  return kNvmlOk;
}

}  // extern "C"
