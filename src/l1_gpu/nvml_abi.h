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
using NvmlDevice = void*;
using NvmlEventSet = void*;

inline constexpr NvmlReturn kNvmlOk = 0, kNvmlUninitialized = 1, kNvmlNotSupported = 3,
                            kNvmlNoPermission = 4, kNvmlDriverNotLoaded = 9, kNvmlTimeout = 10,
                            kNvmlFunctionNotFound = 13, kNvmlGpuLost = 15, kNvmlNoData = 21;

struct NvmlUtilization {
  unsigned gpu, memory;  // per cent
};
static_assert(sizeof(NvmlUtilization) == 8);

struct NvmlMemoryV2 {
  unsigned version;
  unsigned long long total, reserved, free, used;
};
static_assert(sizeof(NvmlMemoryV2) == 40);
inline constexpr unsigned kNvmlMemoryV2 = 0x02000028;

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

enum NvmlClock : int { kNvmlClockSm = 1, kNvmlClockMemory = 2 };

struct NvmlLibrary {
  NvmlReturn (*init)() = nullptr;
  NvmlReturn (*shutdown)() = nullptr;
  const char* (*error)(NvmlReturn) = nullptr;
  NvmlReturn (*driver)(char*, unsigned) = nullptr;
  NvmlReturn (*count)(unsigned*) = nullptr;
  NvmlReturn (*handle)(unsigned, NvmlDevice*) = nullptr;
  NvmlReturn (*name)(NvmlDevice, char*, unsigned) = nullptr;
  NvmlReturn (*uuid)(NvmlDevice, char*, unsigned) = nullptr;
  NvmlReturn (*pci)(NvmlDevice, NvmlPci*) = nullptr;
  NvmlReturn (*utilization)(NvmlDevice, NvmlUtilization*) = nullptr;
  NvmlReturn (*memory)(NvmlDevice, NvmlMemoryV2*) = nullptr;
  NvmlReturn (*encoder)(NvmlDevice, unsigned*, unsigned*) = nullptr;
  NvmlReturn (*decoder)(NvmlDevice, unsigned*, unsigned*) = nullptr;
  NvmlReturn (*temperature)(NvmlDevice, int, unsigned*) = nullptr;
  NvmlReturn (*power)(NvmlDevice, unsigned*) = nullptr;
  NvmlReturn (*power_limit)(NvmlDevice, unsigned*) = nullptr;
  NvmlReturn (*energy)(NvmlDevice, unsigned long long*) = nullptr;
  NvmlReturn (*clock)(NvmlDevice, int, unsigned*) = nullptr;
  NvmlReturn (*reasons)(NvmlDevice, unsigned long long*) = nullptr;
  NvmlReturn (*replays)(NvmlDevice, unsigned*) = nullptr;
  NvmlReturn (*fields)(NvmlDevice, int, NvmlFieldValue*) = nullptr;
  NvmlReturn (*event_set)(NvmlEventSet*) = nullptr;
  NvmlReturn (*register_events)(NvmlDevice, unsigned long long, NvmlEventSet) = nullptr;
  NvmlReturn (*wait)(NvmlEventSet, NvmlEvent*, unsigned) = nullptr;

  // not_found: the library is not there; failed: it is not NVML. What was loaded stays loaded for
  // ever.
  static base::Result<NvmlLibrary> Load(const std::string& library);
  std::string Text(NvmlReturn result) const;
};

}  // namespace strata::l1_gpu
