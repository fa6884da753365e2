// SPDX-License-Identifier: Apache-2.0
#include "l1_gpu/nvml_events.h"

#include <thread>

namespace strata::l1_gpu {
namespace {

constexpr unsigned kWaitMs = 250;  // also how long the end of the program may wait
constexpr std::int64_t kAfterFailure = base::kSecond;

}  // namespace

std::shared_ptr<EventWatcher> EventWatcher::Start(std::shared_ptr<NvmlCollector::Shared> shared,
                                                  const NvmlLibrary& nvml,
                                                  std::vector<Device> devices) {
  auto watcher = std::make_shared<EventWatcher>();
  watcher->nvml_ = nvml;
  watcher->devices_ = std::move(devices);
  // Detached like the reading thread, and for its reason.
  std::thread([watcher, shared = std::move(shared)] {
    watcher->Run(shared);
    const std::lock_guard lock(watcher->mutex_);
    watcher->done_ = true;
    watcher->ended_.notify_all();
  }).detach();
  return watcher;
}

bool EventWatcher::Stop() {
  std::unique_lock lock(mutex_);
  stop_ = true;
  ended_.notify_all();
  return ended_.wait_for(lock, std::chrono::milliseconds(4 * kWaitMs), [this] { return done_; });
}

// "" when at least one device tells its Xids.
std::string EventWatcher::Register(const Calls& calls, NvmlEventSet* set) {
  if (nvml_.wait == nullptr || nvml_.register_events == nullptr)
    return "this driver does not have nvmlEventSetWait_v2";
  NvmlReturn result = calls("nvmlEventSetCreate", nvml_.event_set, set);
  if (result != kNvmlOk) return "nvmlEventSetCreate: " + nvml_.Text(result);
  std::string why = devices_.empty() ? "no device" : "";
  bool any = false;
  for (const Device& device : devices_) {
    unsigned long long types = 0;
    result = calls("nvmlDeviceGetSupportedEventTypes", nvml_.event_types, device.handle, &types);
    if (result == kNvmlOk && (types & kNvmlEventXid) == 0) result = kNvmlNotSupported;
    if (result == kNvmlOk || result == kNvmlFunctionNotFound)
      result = calls("nvmlDeviceRegisterEvents", nvml_.register_events, device.handle,
                     kNvmlEventXid, *set);
    any = any || result == kNvmlOk;
    if (result != kNvmlOk && why.empty()) why = device.uuid + ": " + nvml_.Text(result);
  }
  return any ? "" : why;
}

void EventWatcher::Run(const std::shared_ptr<NvmlCollector::Shared>& shared) {
  Watch watch;
  const Calls calls{nvml_, watch};
  NvmlEventSet set = nullptr;
  std::string why = Register(calls, &set);
  const bool deaf = !why.empty();
  {
    const std::lock_guard lock(shared->mutex);
    shared->events = std::move(why);
  }
  const auto stopped = [this] {
    const std::lock_guard lock(mutex_);
    return stop_;
  };
  while (!deaf && !stopped()) {
    NvmlEvent event{};
    const NvmlReturn result = calls("nvmlEventSetWait_v2", nvml_.wait, set, &event, kWaitMs);
    if (result == kNvmlOk) {
      Take(event, shared.get());
    } else if (result != kNvmlTimeout) {
      // A lost device makes the wait fail at once, and others may still have something to say.
      std::unique_lock lock(mutex_);
      ended_.wait_for(lock, std::chrono::nanoseconds(kAfterFailure), [this] { return stop_; });
    }
  }
  if (set != nullptr) calls("nvmlEventSetFree", nvml_.event_free, set);
}

void EventWatcher::Take(const NvmlEvent& event, NvmlCollector::Shared* shared) const {
  if (event.type != kNvmlEventXid) return;
  for (const Device& device : devices_) {
    if (device.handle != event.device) continue;
    Fault fault;
    fault.ts = base::Clock::system().now_ns();
    fault.code = event.data;
    fault.uuid = device.uuid;
    fault.name = device.name;
    fault.resource = device.resource;
    fault.gpu_instance = event.gpu_instance;
    shared->AddFault(std::move(fault));
    return;
  }
}

}  // namespace strata::l1_gpu
