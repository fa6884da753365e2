// SPDX-License-Identifier: Apache-2.0
// NVIDIA devices through libnvidia-ml, loaded at run time. A thread of its own makes the calls, one
// more waits for events; Collect takes what they have read last and never blocks. A call that hangs
// costs its device: another thread goes on with the others until it returns. Without the library,
// or with a device that cannot tell a thing, the reason stands in Sources().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/batch.h"
#include "model/namer.h"

namespace strata::l1_gpu {

struct NvmlOptions {
  std::string library = "libnvidia-ml.so.1";
  std::string node;                           // host.name of every series
  std::int64_t interval_ns = 1'000'000'000;   // between two readings of all devices
  std::int64_t deadline_ns = 10'000'000'000;  // a call that takes longer hangs; no reading: stale
  std::int64_t slow_ns = 15'000'000'000;      // between looks at limits, errors of old, MIG layout
  // Between attempts to load the library, or to start it again because a device is lost.
  std::int64_t retry_ns = 60'000'000'000;
  std::int64_t reask_ns = 600'000'000'000;  // after this long a thing refused is asked for again
};

class NvmlCollector {
 public:
  static std::unique_ptr<NvmlCollector> Start(NvmlOptions options);
  // Asks the threads to end and waits two seconds for them; one that hangs in a call is left
  // behind.
  ~NvmlCollector();

  // The newest reading of every device that was not taken yet, and faults reported since. The
  // series of what is gone (a device, a MIG instance, a process) end with a stale marker. One
  // thread at a time, the same one.
  void Collect(model::Namer& namer, model::Batch* batch);
  // One entry for the library, one per device: live | stale | failed | absent, with what it cannot
  // tell and why.
  void Sources(std::int64_t now_ns, std::vector<model::SourceState>* out) const;
  // CPU time of the threads that read, since the start.
  std::int64_t cpu_ns() const;
  // Readings of all devices since the start.
  std::uint64_t rounds() const;

  struct Shared;

 private:
  explicit NvmlCollector(std::shared_ptr<Shared> shared);
  struct Taken;  // what Collect remembers
  std::shared_ptr<Shared> shared_;
  std::unique_ptr<Taken> taken_;
};

}  // namespace strata::l1_gpu
