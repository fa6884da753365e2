// SPDX-License-Identifier: Apache-2.0
// The fake's processes, MIG devices, GPM and events.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>
#include <thread>

#include "world.h"

using namespace fake_nvml;       // NOLINT
using namespace strata::l1_gpu;  // NOLINT: the interface, nothing else
using U32 = unsigned;
using U64 = unsigned long long;

namespace {

bool MigOn(const Device& device) { return device.mig_mode.At(world().Now()).whole == 1; }

U64 NowUs() {
  return static_cast<U64>(std::chrono::duration_cast<std::chrono::microseconds>(
                              std::chrono::system_clock::now().time_since_epoch())
                              .count());
}

// A MIG device has its own instance's, a device everybody's.
NvmlReturn List(const Target& target, bool Process::*kind, U32* count, NvmlProcess* out) {
  if (count == nullptr) return kNvmlInvalidArgument;
  const double t = world().Now();
  U32 n = 0;
  for (const Process& p : target.device->processes) {
    if (!(p.*kind) || !p.when.Now(t)) continue;
    if (target.instance != nullptr && target.instance->gpu_instance != p.gpu_instance) continue;
    if (out != nullptr && n < *count) {
      const Answer memory = p.memory.At(t);
      out[n] = {p.pid, memory.result == kNvmlOk ? memory.whole : kNvmlNoMemory, p.gpu_instance,
                p.gpu_instance == kNvmlNoInstance ? kNvmlNoInstance : 0};
    }
    ++n;
  }
  const bool fits = n <= *count && (out != nullptr || n == 0);
  *count = n;
  return fits ? kNvmlOk : kNvmlInsufficientSize;
}

// Processes that used the device at all since a time.
template <typename F>
U32 Users(const Device& device, U64 since_us, const F& take) {
  const double t = world().Now();
  const U64 now = NowUs() / 100000 * 100000;  // a period of the driver
  if (now <= since_us) return 0;
  U32 n = 0;
  for (const Process& p : device.processes) {
    const Answer use = p.use.At(t);
    if (!p.when.Now(t) || use.result != kNvmlOk || use.whole == 0) continue;
    take(n++, p, static_cast<U32>(use.whole), now);
  }
  return n;
}

struct Sample {  // of GPM
  Target target;
  double t = -1;
};

struct EventSet {
  struct Registered {
    Device* device;
    double since;
    std::set<const Xid*> told;
  };
  std::mutex mutex;
  std::vector<Registered> devices;

  bool Next(NvmlEvent* event) {
    const std::lock_guard lock(mutex);
    const double t = world().Now();
    for (Registered& r : devices) {
      for (const Xid& xid : r.device->xids) {
        const bool due =
            xid.file.empty() ? xid.at >= r.since && xid.at <= t : When{0, 1e300, xid.file}.Now(t);
        if (!due || !r.told.insert(&xid).second) continue;
        *event = {r.device, kNvmlEventXid, xid.code, xid.gpu_instance, kNvmlNoInstance};
        return true;
      }
    }
    return false;
  }
};

}  // namespace

extern "C" {

// ---- processes
NvmlReturn nvmlDeviceGetComputeRunningProcesses_v2(NvmlDevice handle, U32* count,
                                                   NvmlProcess* out) {
  FAKE_ANY(handle);
  return List(target, &Process::compute, count, out);
}
NvmlReturn nvmlDeviceGetGraphicsRunningProcesses_v2(NvmlDevice handle, U32* count,
                                                    NvmlProcess* out) {
  FAKE_ANY(handle);
  return List(target, &Process::graphics, count, out);
}
NvmlReturn nvmlDeviceGetProcessUtilization(NvmlDevice handle, NvmlProcessSample* out, U32* count,
                                           U64 since_us) {
  FAKE_DEVICE(handle);
  if (MigOn(*device)) return kNvmlNotSupported;
  const U32 room = out != nullptr ? *count : 0;
  const U32 n = Users(*device, since_us, [&](U32 i, const Process& p, U32 use, U64 now) {
    if (i < room) out[i] = {p.pid, now, use, 0, 0, 0};
  });
  *count = n;
  return n == 0 ? kNvmlNotFound : n > room ? kNvmlInsufficientSize : kNvmlOk;
}

// ---- MIG
NvmlReturn nvmlDeviceGetMigMode(NvmlDevice handle, U32* current, U32* pending) {
  FAKE_DEVICE(handle);
  const Answer mode = device->mig_mode.At(world().Now());
  if (mode.result != kNvmlOk) return mode.result;
  *current = *pending = static_cast<U32>(mode.whole);
  return kNvmlOk;
}
NvmlReturn nvmlDeviceGetMaxMigDeviceCount(NvmlDevice handle, U32* count) {
  FAKE_DEVICE(handle);
  return *count = device->mig_max, kNvmlOk;
}
NvmlReturn nvmlDeviceGetMigDeviceHandleByIndex(NvmlDevice handle, U32 index, NvmlDevice* out) {
  FAKE_DEVICE(handle);
  if (!MigOn(*device)) return kNvmlNotSupported;
  if (index >= device->mig_max) return kNvmlInvalidArgument;
  if (index >= device->instances.size() || !device->instances[index].when.Now(world().Now()))
    return kNvmlNotFound;
  return *out = &device->instances[index], kNvmlOk;
}
NvmlReturn nvmlDeviceIsMigDeviceHandle(NvmlDevice handle, U32* is) {
  FAKE_ANY(handle);
  return *is = target.instance != nullptr ? 1 : 0, kNvmlOk;
}
NvmlReturn nvmlDeviceGetDeviceHandleFromMigDeviceHandle(NvmlDevice handle, NvmlDevice* out) {
  FAKE_ANY(handle);
  if (target.instance == nullptr) return kNvmlInvalidArgument;
  return *out = target.device, kNvmlOk;
}
NvmlReturn nvmlDeviceGetGpuInstanceId(NvmlDevice handle, U32* id) {
  FAKE_ANY(handle);
  if (target.instance == nullptr) return kNvmlNotSupported;
  return *id = target.instance->gpu_instance, kNvmlOk;
}
NvmlReturn nvmlDeviceGetComputeInstanceId(NvmlDevice handle, U32* id) {
  FAKE_ANY(handle);
  if (target.instance == nullptr) return kNvmlNotSupported;
  return *id = target.instance->compute_instance, kNvmlOk;
}
NvmlReturn nvmlDeviceGetAttributes_v2(NvmlDevice handle, NvmlAttributes* out) {
  FAKE_ANY(handle);
  if (target.instance == nullptr) return kNvmlNotSupported;
  return *out = target.instance->attributes, kNvmlOk;
}

// ---- events
NvmlReturn nvmlDeviceGetSupportedEventTypes(NvmlDevice handle, U64* types) {
  FAKE_DEVICE(handle);
  return *types = 0x1f, kNvmlOk;
}
NvmlReturn nvmlEventSetCreate(NvmlEventSet* set) {
  FAKE_CALL();
  return *set = new EventSet, kNvmlOk;
}
NvmlReturn nvmlEventSetFree(NvmlEventSet set) {
  FAKE_CALL();
  delete static_cast<EventSet*>(set);
  return kNvmlOk;
}
NvmlReturn nvmlDeviceRegisterEvents(NvmlDevice handle, U64 types, NvmlEventSet set) {
  FAKE_DEVICE(handle);
  if ((types & ~0x1fULL) != 0) return kNvmlNotSupported;
  EventSet* to = static_cast<EventSet*>(set);
  const std::lock_guard lock(to->mutex);
  to->devices.push_back({device, world().Now(), {}});
  return kNvmlOk;
}
NvmlReturn nvmlEventSetWait_v2(NvmlEventSet set, NvmlEvent* event, U32 timeout_ms) {
  FAKE_CALL();
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (!static_cast<EventSet*>(set)->Next(event)) {
    if (std::chrono::steady_clock::now() >= end) return kNvmlTimeout;
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(timeout_ms, 50U)));
  }
  return kNvmlOk;
}

#ifndef FAKE_NVML_OLD
NvmlReturn nvmlDeviceGetComputeRunningProcesses_v3(NvmlDevice handle, U32* count,
                                                   NvmlProcess* out) {
  FAKE_ANY(handle);
  return List(target, &Process::compute, count, out);
}
NvmlReturn nvmlDeviceGetGraphicsRunningProcesses_v3(NvmlDevice handle, U32* count,
                                                    NvmlProcess* out) {
  FAKE_ANY(handle);
  return List(target, &Process::graphics, count, out);
}
NvmlReturn nvmlDeviceGetMPSComputeRunningProcesses_v3(NvmlDevice handle, U32* count,
                                                      NvmlProcess* out) {
  FAKE_ANY(handle);
  return List(target, &Process::mps, count, out);
}
NvmlReturn nvmlDeviceGetProcessesUtilizationInfo(NvmlDevice handle, NvmlProcessesUtilization* ask) {
  FAKE_DEVICE(handle);
  if (ask->version != 0x01000018) return kNvmlArgumentVersionMismatch;
  if (MigOn(*device)) return kNvmlNotSupported;
  const U32 room = ask->processes != nullptr ? ask->count : 0;
  ask->count = Users(*device, ask->last_seen_us, [&](U32 i, const Process& p, U32 use, U64 now) {
    if (i < room) ask->processes[i] = {now, p.pid, use, 0, 0, 0, 0, 0};
  });
  return ask->count == 0 ? kNvmlNotFound : ask->count > room ? kNvmlInsufficientSize : kNvmlOk;
}

// ---- GPM
NvmlReturn nvmlGpmQueryDeviceSupport(NvmlDevice handle, NvmlGpmSupport* out) {
  FAKE_ANY(handle);
  if (out->version != 1) return kNvmlArgumentVersionMismatch;
  out->supported = target.device->architecture >= kNvmlHopper && !target.device->gpm.empty();
  return kNvmlOk;
}
NvmlReturn nvmlGpmSampleAlloc(NvmlGpmSample* sample) {
  FAKE_CALL();
  return *sample = new Sample, kNvmlOk;
}
NvmlReturn nvmlGpmSampleFree(NvmlGpmSample sample) {
  FAKE_CALL();
  delete static_cast<Sample*>(sample);
  return kNvmlOk;
}
NvmlReturn nvmlGpmSampleGet(NvmlDevice handle, NvmlGpmSample sample) {
  FAKE_ANY(handle);
  if (target.device->architecture < kNvmlHopper) return kNvmlNotSupported;
  *static_cast<Sample*>(sample) = {target, world().Now()};
  return kNvmlOk;
}
NvmlReturn nvmlGpmMigSampleGet(NvmlDevice handle, U32 gpu_instance, NvmlGpmSample sample) {
  FAKE_DEVICE(handle);
  if (device->architecture < kNvmlHopper) return kNvmlNotSupported;
  for (Instance& instance : device->instances) {
    if (instance.gpu_instance != gpu_instance || !instance.when.Now(world().Now())) continue;
    *static_cast<Sample*>(sample) = {{device, &instance}, world().Now()};
    return kNvmlOk;
  }
  return kNvmlInvalidArgument;
}
NvmlReturn nvmlGpmMetricsGet(NvmlGpmRequest* request) {
  FAKE_CALL();
  if (request->version != 1) return kNvmlArgumentVersionMismatch;
  const Sample* earlier = static_cast<const Sample*>(request->earlier);
  const Sample* later = static_cast<const Sample*>(request->later);
  if (earlier == nullptr || later == nullptr || earlier->t < 0 || later->t - earlier->t < 0.1 ||
      earlier->target.device != later->target.device ||
      earlier->target.instance != later->target.instance)
    return kNvmlInvalidArgument;
  const auto& gpm =
      later->target.instance != nullptr ? later->target.instance->gpm : later->target.device->gpm;
  auto* metrics = reinterpret_cast<NvmlGpmMetric*>(request + 1);
  for (U32 i = 0; i < request->count; ++i) {
    const auto it = gpm.find(metrics[i].id);
    const Answer a = it == gpm.end() ? Answer{} : it->second.At((earlier->t + later->t) / 2);
    metrics[i].result = a.result;
    metrics[i].value = a.result == kNvmlOk ? a.value : std::nan("");
  }
  return kNvmlOk;
}
#endif

}  // extern "C"
