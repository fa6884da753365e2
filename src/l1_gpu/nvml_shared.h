// SPDX-License-Identifier: Apache-2.0
// What the reading threads and the collecting one have in common: readings, faults, which call is
// under way. Internal to `l1_gpu`. Everything mutable in Shared stands under its mutex, which is
// never held during a call into the library; Watch is atomic.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "l1_gpu/nvml.h"
#include "l1_gpu/nvml_abi.h"

namespace strata::l1_gpu {

// A value that a device may tell.
struct Def {
  std::string_view signal;
  model::Kind kind = model::Kind::gauge;
  model::AttributeRule attribute{};
  std::string_view unit{};           // "" = the catalog's
  std::string_view source = "nvml";  // what asked
};

// What values belong to: a device, a MIG instance of it, a process on one of them. Never changed
// once shared.
struct Owner {
  model::Attributes resource;
  std::uint64_t hash = 0;  // of what tells it from others; never used again after its end
};
using OwnerPtr = std::shared_ptr<const Owner>;

struct Value {
  const Def* def;
  std::uint32_t owner;  // in Reading::owners
  double value;
};

struct Reading {  // of one device
  std::int64_t ts = 0;
  bool taken = true;
  bool slow = false;             // holds what is asked for seldom
  std::vector<OwnerPtr> owners;  // [0] is the device
  std::vector<Value> values;

  void Put(const Def& def, double value, std::uint32_t owner = 0) {
    values.push_back({&def, owner, value});
  }
  // Values of an earlier reading of the same owners that this one lacks.
  void Keep(const Reading& earlier) {
    const std::size_t own = values.size();
    for (const Value& v : earlier.values) {
      const auto same = [&](const Value& w) { return w.def == v.def && w.owner == v.owner; };
      if (std::none_of(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(own), same))
        values.push_back(v);
    }
    slow = true;
  }
};

struct Fault {
  std::int64_t ts = 0;
  std::uint64_t code = 0;
  bool inferred = false;  // no Xid came: the device stopped answering
  std::string uuid, name;
  model::Attributes resource;
  unsigned gpu_instance = kNvmlNoInstance;
};
inline constexpr std::size_t kMaxFaults = 1024;

// The call that one thread is making.
struct Watch {
  std::atomic<const char*> call{""};
  std::atomic<std::int64_t> since_ns{0};  // monotonic; 0 = none
  int device = -1;                        // slot, -1 = none; under Shared::mutex
  bool abandoned = false;                 // another thread has taken over; under Shared::mutex
};

// The library, and a note of what is being called.
struct Calls {
  const NvmlLibrary& nvml;
  Watch& watch;

  template <typename F, typename... Args>
  NvmlReturn operator()(const char* name, F* function, Args... args) const {
    if (function == nullptr) return kNvmlFunctionNotFound;
    watch.call.store(name, std::memory_order_relaxed);
    watch.since_ns.store(base::monotonic_ns(), std::memory_order_release);
    const NvmlReturn result = function(args...);
    watch.since_ns.store(0, std::memory_order_release);
    return result;
  }
};

// A device as the collecting thread sees it.
struct Slot {
  std::string uuid, name;
  OwnerPtr owner;
  Reading reading;
  std::map<std::string, std::string> unanswered;  // signal -> why it is absent
  bool lost = false;
  std::string held;                // the call in which a thread hangs with it; "" = none
  std::int64_t held_since_ns = 0;  // monotonic
  std::int64_t loss_seen_ns = 0;   // monotonic; 0 = it is here, or was not when we began
  bool loss_told = false;
  std::int64_t xid79_ns = 0;  // when the driver said that it fell off the bus
};

struct Session;

struct NvmlCollector::Shared {
  NvmlOptions options;
  mutable std::mutex mutex;
  std::condition_variable changed;
  bool stop = false;
  int threads = 0;  // reading threads that have not ended
  std::string state = "absent", detail = "starting";
  std::string events = "";  // why there are no events; "" = they come
  std::int64_t last_ns = 0;
  std::vector<Slot> slots;
  std::vector<Fault> faults;
  std::vector<std::uint64_t> ended;  // Owner::hash of what is gone
  std::shared_ptr<Session> session;
  std::shared_ptr<Watch> watch;  // of the thread that reads
  std::atomic<std::int64_t> cpu_ns{0};
  std::atomic<std::uint64_t> rounds{0};

  bool Stopped() const {
    const std::lock_guard lock(mutex);
    return stop;
  }
  // False when it is to stop.
  bool Sleep(std::int64_t ns) {
    std::unique_lock lock(mutex);
    return !changed.wait_for(lock, std::chrono::nanoseconds(ns), [this] { return stop; });
  }
  void AddFault(Fault fault);
  // When the reading thread hangs in a device's call, begins another for the other devices.
  static void TakeOver(const std::shared_ptr<Shared>& shared);
};

// Begins a reading thread; with a session it goes on with that one.
void StartReader(const std::shared_ptr<NvmlCollector::Shared>& shared,
                 std::shared_ptr<Session> session);

}  // namespace strata::l1_gpu
