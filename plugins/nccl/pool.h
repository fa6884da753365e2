// SPDX-License-Identifier: Apache-2.0
// The events that are under way, in memory mapped once. NCCL's threads claim a slot and count its
// parts as they begin and end; the plugin's one thread (drain.cc) reads what is finished and frees
// it. No locks, no allocation, no system call on NCCL's threads.
//
// A slot is found by a number, not by a pointer: what NCCL hands back may be old, or from another
// process, and then it must be recognised, not followed. A handle holds the slot's index, its
// generation, and which part is meant.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "frame.h"

namespace strata::nccl {

constexpr int kChannels = 64;  // MAXCHANNELS of NCCL; parts beyond share one place without a time

// The first line is all that the thread which enqueues touches; its other fields are written before
// `ready` and then only read. A slot that is free has zeros in the second part.
struct alignas(64) Slot {
  std::atomic<std::uint64_t> generation;
  std::uint64_t seq, order, count, plan;
  std::int64_t enqueued_ns;
  std::uint32_t communicator;
  std::int32_t peer;
  std::uint8_t func, datatype, algo, proto;  // numbers of Texts
  Kind kind;
  std::uint8_t channels;                     // that will report; 0 = not told
  std::atomic<std::uint8_t> ready, stopped;  // published; the enqueue is over

  struct Parts {  // kernel channels or proxy operations, as other threads report them
    std::atomic<std::uint32_t> begun, ended;
    std::atomic<std::uint32_t> gpu_timed;  // 1 = a part ended with a GPU time
    std::atomic<std::int64_t> begun_ns, ended_ns;
    std::atomic<std::uint64_t> gpu_start, gpu_end;
    std::atomic<std::uint64_t> slowest, fastest;  // nanoseconds << 8 | channel
    std::int64_t told_ns;                         // the draining thread's own
  };
  alignas(64) Parts parts;
  // GPU time at which each channel began.
  std::atomic<std::uint64_t> channel_start[kChannels + 1];

  void Clear();  // the second part
};
static_assert(offsetof(Slot, parts) == 64);

class Pool {
 public:
  static constexpr std::uint32_t kMaxSlots = 1u << 16;

  // Maps `slots` (rounded up to 64, at most kMaxSlots). False when there is no memory.
  bool Map(std::uint32_t slots);
  std::uint32_t size() const { return words_ * 64; }

  // nullptr when all are taken. The caller fills the slot and publishes it.
  Slot* Claim() {
    for (std::uint32_t w = 0; w < words_; ++w) {
      std::uint64_t bits = free_[w].load(std::memory_order_relaxed);
      while (bits != 0) {
        const std::uint64_t bit = bits & (~bits + 1);
        bits = free_[w].fetch_and(~bit, std::memory_order_acquire);
        if ((bits & bit) == 0) continue;
        // The draining thread's core has the slots that it freed: the next one is fetched
        // meanwhile.
        if (const std::uint64_t rest = bits & ~bit; rest != 0)
          __builtin_prefetch(&slots_[w * 64 + Position(rest & (~rest + 1))], 1);
        return &slots_[w * 64 + Position(bit)];
      }
    }
    return nullptr;
  }
  // A plain store: a locked instruction would wait until all that was written before has reached
  // this core's cache.
  static void Publish(Slot* slot) { slot->ready.store(1, std::memory_order_release); }

  // Draining thread: calls take(slot) for each published slot; true frees it.
  template <typename Take>
  void Walk(Take take) {
    for (std::uint32_t w = 0; w < words_; ++w) {
      std::uint64_t bits = ~free_[w].load(std::memory_order_acquire);
      while (bits != 0) {
        const std::uint64_t bit = bits & (~bits + 1);
        bits &= ~bit;
        Slot* slot = &slots_[w * 64 + Position(bit)];
        if (slot->ready.load(std::memory_order_acquire) == 0 || !take(slot)) continue;
        slot->Clear();
        slot->generation.fetch_add(1, std::memory_order_release);
        free_[w].fetch_or(bit, std::memory_order_release);
      }
    }
  }
  // In the child of a fork: all is free, and no old handle is valid. One thread.
  void Reset();

  // part 0 = the event itself, else channel + 1.
  std::uint64_t HandleOf(const Slot* slot, std::uint32_t part) const {
    const std::uint64_t now = slot->generation.load(std::memory_order_relaxed) + salt_;
    return (now << 24) | (std::uint64_t{IndexOf(slot)} << 8) | part;
  }
  // nullptr when the handle is none of ours or its event is over.
  Slot* Find(std::uint64_t handle) const {
    const auto at = static_cast<std::uint32_t>(handle >> 8 & 0xFFFF);
    if (at >= size()) return nullptr;
    Slot* slot = &slots_[at];
    const std::uint64_t now = slot->generation.load(std::memory_order_acquire) + salt_;
    return (now & kGenerations) == handle >> 24 ? slot : nullptr;
  }

 private:
  static constexpr std::uint64_t kGenerations = (std::uint64_t{1} << 40) - 1;
  static std::uint32_t Position(std::uint64_t bit) {
    return static_cast<std::uint32_t>(__builtin_ctzll(bit));
  }
  std::uint32_t IndexOf(const Slot* slot) const {
    return static_cast<std::uint32_t>(slot - slots_);
  }

  Slot* slots_ = nullptr;  // zero bytes are a slot that was never used
  std::uint32_t words_ = 0;
  std::uint64_t salt_ = 0;  // generations begin here: a handle of another process hardly ever fits
  std::atomic<std::uint64_t> free_[kMaxSlots / 64] = {};
};

}  // namespace strata::nccl
