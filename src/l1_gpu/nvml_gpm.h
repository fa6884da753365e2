// SPDX-License-Identifier: Apache-2.0
// GPM: what the units of a Hopper or newer device did between two samples. Counters of the driver,
// no profiling lock: a profiler or DCGM may run beside it. Internal to `l1_gpu`, the reading
// thread's.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "l1_gpu/nvml_shared.h"

namespace strata::l1_gpu {

struct GpmDef {
  unsigned id;
  double scale;
  Def def;
  bool counted;  // the byte counters tell it better: only where there are none
};
std::span<const GpmDef> gpm_defs();
inline constexpr std::size_t kGpmDefs = 13;

// Two samples of one device or MIG instance, and the memory to ask with.
class GpmPair {
 public:
  // Takes a sample of `handle`, or of GPU instance `instance` of it. With one from 100 ms ago or
  // longer `told` becomes true and results() and values() are those of the time between. Not kOk:
  // the sample or the question failed, the pair begins anew.
  NvmlReturn Take(const Calls& calls, NvmlDevice handle, unsigned instance, bool* told);
  NvmlReturn result(std::size_t i) const { return results_[i]; }  // NaN is kNvmlNoData
  double value(std::size_t i) const { return values_[i]; }        // of gpm_defs()[i], scaled
  void Forget() { have_ = false; }
  void Free(const Calls& calls);

 private:
  NvmlReturn Ask(const Calls& calls);

  NvmlGpmSample earlier_ = nullptr, later_ = nullptr;
  bool have_ = false;
  std::int64_t at_ns_ = 0;
  std::array<NvmlReturn, kGpmDefs> results_{};
  std::array<double, kGpmDefs> values_{};
};

}  // namespace strata::l1_gpu
