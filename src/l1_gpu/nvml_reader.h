// SPDX-License-Identifier: Apache-2.0
// The thread that reads. It starts the library, reads device after device, and starts the library
// anew while a device is lost. When a call hangs, NvmlCollector lets another such thread go on with
// the same session; this one then ends as soon as the call returns. Internal to `l1_gpu`.
#pragma once

#include <memory>
#include <vector>

#include "l1_gpu/nvml_device.h"
#include "l1_gpu/nvml_events.h"

namespace strata::l1_gpu {

// What a running library knows. A device is read by the thread whose Watch::device it is.
struct Session {
  NvmlLibrary nvml;
  std::vector<std::unique_ptr<DeviceReader>> devices;  // same index as Shared::slots
  std::shared_ptr<EventWatcher> events;
  std::int64_t begun_ns = 0;  // monotonic
  std::int64_t retry_ns = 0;  // grows while starting it anew does not help
  bool incomplete = false;    // a device could not be opened
  bool again = false;         // the library says it was shut
};

}  // namespace strata::l1_gpu
