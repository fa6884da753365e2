// SPDX-License-Identifier: Apache-2.0
// The part of NVML's C interface that is used, declared from its documented sizes and numbers.
// Internal to `l1_gpu`. Symbols are asked for by their versioned name first; a function that is not
// there is a null pointer.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace strata::l1_gpu {

using NvmlReturn = int;
using NvmlDevice = void*;  // also a MIG device
using NvmlEventSet = void*;
using NvmlGpmSample = void*;

inline constexpr NvmlReturn kNvmlOk = 0, kNvmlUninitialized = 1, kNvmlInvalidArgument = 2,
                            kNvmlNotSupported = 3, kNvmlNoPermission = 4, kNvmlNotFound = 6,
                            kNvmlInsufficientSize = 7, kNvmlDriverNotLoaded = 9, kNvmlTimeout = 10,
                            kNvmlFunctionNotFound = 13, kNvmlGpuLost = 15, kNvmlResetRequired = 16,
                            kNvmlVersionMismatch = 18, kNvmlNoData = 21,
                            kNvmlArgumentVersionMismatch = 25, kNvmlDeprecated = 26,
                            kNvmlNotReady = 27, kNvmlGpuNotFound = 28, kNvmlUnknown = 999;

inline constexpr unsigned kNvmlNoInstance = 0xffffffffU;    // a gpuInstanceId: not on MIG
inline constexpr unsigned kNvmlAllLinks = 0xffffffffU;      // scope of an NVLink field
inline constexpr unsigned long long kNvmlNoMemory = ~0ULL;  // of a process: not told
inline constexpr unsigned kNvmlMaxLinks = 36;
inline constexpr int kNvmlHopper = 9;  // architectures count up from here

// A structure with a version carries its size and number: the library refuses any other.
constexpr unsigned NvmlVersion(std::size_t size, unsigned number) {
  return static_cast<unsigned>(size) | number << 24U;
}

struct NvmlUtilization {
  unsigned gpu, memory;  // per cent
};
static_assert(sizeof(NvmlUtilization) == 8);

struct NvmlMemoryV1 {
  unsigned long long total, free, used;  // used holds what the driver reserves
};
static_assert(sizeof(NvmlMemoryV1) == 24);

struct NvmlMemoryV2 {
  unsigned version;
  unsigned long long total, reserved, free, used;
};
static_assert(NvmlVersion(sizeof(NvmlMemoryV2), 2) == 0x02000028);

struct NvmlTemperature {
  unsigned version;
  int sensor, temperature;
};
static_assert(NvmlVersion(sizeof(NvmlTemperature), 1) == 0x0100000c);

struct NvmlFieldValue {
  unsigned field, scope;
  long long timestamp_us, latency_us;
  int type;  // 0 double, 1 u32, 2 unsigned long, 3 u64, 4 i64, 5 int, 6 u16
  NvmlReturn result;
  union {
    double d;
    unsigned u32;
    unsigned long ul;
    unsigned long long u64;
    long long i64;
    int i32;
    unsigned short u16;
  } value;
};
static_assert(sizeof(NvmlFieldValue) == 40);

struct NvmlPci {
  char legacy_id[16];
  unsigned domain, bus, device, device_id, subsystem_id;
  char bus_id[32];
};
static_assert(sizeof(NvmlPci) == 68);

struct NvmlEvent {
  NvmlDevice device;
  unsigned long long type, data;
  unsigned gpu_instance, compute_instance;
};
static_assert(sizeof(NvmlEvent) == 32);
inline constexpr unsigned long long kNvmlEventXid = 8;

struct NvmlProcess {
  unsigned pid;
  unsigned long long used;
  unsigned gpu_instance, compute_instance;
};
static_assert(sizeof(NvmlProcess) == 24);

struct NvmlProcessSample {  // of the older call
  unsigned pid;
  unsigned long long timestamp_us;
  unsigned sm, memory, encoder, decoder;  // per cent
};
static_assert(sizeof(NvmlProcessSample) == 32);

struct NvmlProcessUtilization {
  unsigned long long timestamp_us;
  unsigned pid, sm, memory, encoder, decoder, jpeg, ofa;  // per cent
};
static_assert(sizeof(NvmlProcessUtilization) == 40);

struct NvmlProcessesUtilization {
  unsigned version, count;
  unsigned long long last_seen_us;
  NvmlProcessUtilization* processes;
};
static_assert(NvmlVersion(sizeof(NvmlProcessesUtilization), 1) == 0x01000018);

struct NvmlAttributes {  // of a MIG device
  unsigned multiprocessors, copy_engines, decoders, encoders, jpegs, ofas, gpu_slices,
      compute_slices;
  unsigned long long memory_mb;
};
static_assert(sizeof(NvmlAttributes) == 40);

struct NvmlRemapBanks {  // banks of memory by how many spare rows they have left
  unsigned max, high, partial, low, none;
};
static_assert(sizeof(NvmlRemapBanks) == 20);

struct NvmlGpmSupport {
  unsigned version, supported;
};
static_assert(sizeof(NvmlGpmSupport) == 8);

struct NvmlGpmMetric {
  unsigned id;
  NvmlReturn result;
  double value;  // per cent, or MiB per second; NaN = blank
  struct {
    const char *short_name, *long_name, *unit;
  } info;
};
static_assert(sizeof(NvmlGpmMetric) == 40);

// The head of what GpmMetricsGet takes; the metrics follow. How many the library's own type holds
// grew (98, 210, 333) while the version stayed 1: it reads `count` of them, so never its sizeof.
struct NvmlGpmRequest {
  unsigned version, count;
  NvmlGpmSample earlier, later;
};
static_assert(sizeof(NvmlGpmRequest) == 24);
inline constexpr unsigned kNvmlGpmVersion = 1;
inline constexpr std::size_t kNvmlGpmMaxMetrics = 333;

enum NvmlClock : int { kNvmlClockSm = 1, kNvmlClockMemory = 2 };

struct NvmlLibrary {
  using Number = NvmlReturn(NvmlDevice, unsigned*);
  using Processes = NvmlReturn(NvmlDevice, unsigned*, NvmlProcess*);
  NvmlReturn (*init)() = nullptr;
  NvmlReturn (*shutdown)() = nullptr;
  const char* (*error)(NvmlReturn) = nullptr;
  NvmlReturn (*driver)(char*, unsigned) = nullptr;
  NvmlReturn (*process_name)(unsigned, char*, unsigned) = nullptr;
  NvmlReturn (*count)(unsigned*) = nullptr;
  NvmlReturn (*handle)(unsigned, NvmlDevice*) = nullptr;
  NvmlReturn (*name)(NvmlDevice, char*, unsigned) = nullptr;
  NvmlReturn (*uuid)(NvmlDevice, char*, unsigned) = nullptr;
  NvmlReturn (*pci)(NvmlDevice, NvmlPci*) = nullptr;
  NvmlReturn (*utilization)(NvmlDevice, NvmlUtilization*) = nullptr;
  NvmlReturn (*memory)(NvmlDevice, NvmlMemoryV2*) = nullptr;
  NvmlReturn (*memory_v1)(NvmlDevice, NvmlMemoryV1*) = nullptr;
  NvmlReturn (*encoder)(NvmlDevice, unsigned*, unsigned*) = nullptr;
  NvmlReturn (*decoder)(NvmlDevice, unsigned*, unsigned*) = nullptr;
  NvmlReturn (*temperature)(NvmlDevice, int, unsigned*) = nullptr;
  NvmlReturn (*temperature_v)(NvmlDevice, NvmlTemperature*) = nullptr;
  NvmlReturn (*energy)(NvmlDevice, unsigned long long*) = nullptr;
  NvmlReturn (*clock)(NvmlDevice, int, unsigned*) = nullptr;
  NvmlReturn (*max_clock)(NvmlDevice, int, unsigned*) = nullptr;
  NvmlReturn (*reasons)(NvmlDevice, unsigned long long*) = nullptr;
  NvmlReturn (*ecc_mode)(NvmlDevice, unsigned*, unsigned*) = nullptr;
  NvmlReturn (*remap_banks)(NvmlDevice, NvmlRemapBanks*) = nullptr;
  NvmlReturn (*fields)(NvmlDevice, int, NvmlFieldValue*) = nullptr;
  Number *power = nullptr, *power_limit = nullptr, *power_default = nullptr, *replays = nullptr,
         *pcie_generation = nullptr, *pcie_width = nullptr, *pcie_max_generation = nullptr,
         *pcie_max_width = nullptr, *mig_max = nullptr, *gpu_instance = nullptr;
  Processes *compute = nullptr, *graphics = nullptr, *mps = nullptr;
  NvmlReturn (*process_use)(NvmlDevice, NvmlProcessSample*, unsigned*,
                            unsigned long long) = nullptr;
  NvmlReturn (*processes_use)(NvmlDevice, NvmlProcessesUtilization*) = nullptr;
  NvmlReturn (*mig_mode)(NvmlDevice, unsigned*, unsigned*) = nullptr;
  NvmlReturn (*mig_handle)(NvmlDevice, unsigned, NvmlDevice*) = nullptr;
  NvmlReturn (*attributes)(NvmlDevice, NvmlAttributes*) = nullptr;
  NvmlReturn (*gpm_support)(NvmlDevice, NvmlGpmSupport*) = nullptr;
  NvmlReturn (*gpm_alloc)(NvmlGpmSample*) = nullptr;
  NvmlReturn (*gpm_free)(NvmlGpmSample) = nullptr;
  NvmlReturn (*gpm_sample)(NvmlDevice, NvmlGpmSample) = nullptr;
  NvmlReturn (*gpm_mig_sample)(NvmlDevice, unsigned, NvmlGpmSample) = nullptr;
  NvmlReturn (*gpm_metrics)(NvmlGpmRequest*) = nullptr;
  NvmlReturn (*event_types)(NvmlDevice, unsigned long long*) = nullptr;
  NvmlReturn (*event_set)(NvmlEventSet*) = nullptr;
  NvmlReturn (*event_free)(NvmlEventSet) = nullptr;
  NvmlReturn (*register_events)(NvmlDevice, unsigned long long, NvmlEventSet) = nullptr;
  NvmlReturn (*wait)(NvmlEventSet, NvmlEvent*, unsigned) = nullptr;

  // not_found: the library is not there; failed: it is not NVML. What was loaded stays loaded for
  // ever.
  static base::Result<NvmlLibrary> Load(const std::string& library);
  std::string Text(NvmlReturn result) const;
};

// The answer will be the same next time: the device or driver has no such thing, or the program is
// not allowed to ask.
constexpr bool IsLastingRefusal(NvmlReturn result) {
  return result == kNvmlNotSupported || result == kNvmlNoPermission ||
         result == kNvmlFunctionNotFound || result == kNvmlInvalidArgument ||
         result == kNvmlArgumentVersionMismatch || result == kNvmlDeprecated;
}

}  // namespace strata::l1_gpu
