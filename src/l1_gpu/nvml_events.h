// SPDX-License-Identifier: Apache-2.0
// The thread that waits for Xids. The driver tells only what happens after registration, on Linux;
// what came before stands in the kernel log. Internal to `l1_gpu`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "l1_gpu/nvml_shared.h"

namespace strata::l1_gpu {

class EventWatcher {
 public:
  struct Device {
    NvmlDevice handle = nullptr;
    std::string uuid, name;
    model::Attributes resource;
  };
  // Begins the thread. Why there are no events then stands in Shared::events.
  static std::shared_ptr<EventWatcher> Start(std::shared_ptr<NvmlCollector::Shared> shared,
                                             const NvmlLibrary& nvml, std::vector<Device> devices);
  // Asks it to end and waits; false when it hangs in a call: then the library must not be shut.
  bool Stop();

 private:
  void Run(const std::shared_ptr<NvmlCollector::Shared>& shared);
  std::string Register(const Calls& calls, NvmlEventSet* set);
  void Take(const NvmlEvent& event, NvmlCollector::Shared* shared) const;

  NvmlLibrary nvml_;
  std::vector<Device> devices_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool stop_ = false, done_ = false;
};

}  // namespace strata::l1_gpu
