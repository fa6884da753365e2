// SPDX-License-Identifier: Apache-2.0
// NVIDIA devices through libnvidia-ml, loaded at run time. A thread of its own makes every call, so
// that one that hangs holds nobody else up; Collect takes what it has read last and never blocks.
// Without the library, or with a device that cannot tell a thing, the reason stands in Sources().
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
  std::int64_t deadline_ns = 10'000'000'000;  // without a new reading for so long: stale
  std::int64_t retry_ns =
      60'000'000'000;  // between attempts to load the library or to start it again
};

class NvmlCollector {
 public:
  static std::unique_ptr<NvmlCollector> Start(NvmlOptions options);
  // Asks the thread to end and waits two seconds for it; one that hangs in a call is left behind.
  ~NvmlCollector();

  // The newest reading of every device that was not taken yet, and faults reported since.
  void Collect(model::Namer& namer, model::Batch* batch);
  // One entry for the library, one per device: live | stale | failed | absent.
  void Sources(std::int64_t now_ns, std::vector<model::SourceState>* out) const;

  struct Shared;

 private:
  explicit NvmlCollector(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  std::shared_ptr<Shared> shared_;
};

}  // namespace strata::l1_gpu
