// SPDX-License-Identifier: Apache-2.0
// What happens on NCCL's threads: an event begins, its parts begin and end. At most 150 ns each, no
// allocation, no lock, no system call (the clock is read through the vDSO). Everything is static:
// the library stays in memory until the process ends.
#pragma once

#include <atomic>
#include <cstdint>

#include "abi.h"
#include "pool.h"
#include "texts.h"

namespace strata::nccl {

constexpr std::uint32_t kMaxCommunicators = 1024;  // of a process at a time

struct Communicator {
  // unused -> live (init) -> ended (finalize) -> unused (draining thread, when it has said so)
  enum State : std::uint32_t { unused, live, ended };
  std::atomic<std::uint32_t> state;
  std::atomic<std::uint32_t> known;  // hash and rank are told: at init, before v4 by an event
  std::atomic<std::uint64_t> hash;
  std::atomic<std::int32_t> rank;
  std::int32_t nranks, nnodes;
  std::uint8_t abi, has_gpu, uuid[16];
  char name[128];
  alignas(64) std::atomic<std::uint64_t> order, sends, recvs;
  // The draining thread's own.
  bool told, closing;
  std::uint64_t finished_plan;  // the newest launch of which an event has ended
  std::int64_t finished_tick;   // when that was seen, monotonic
};

struct Recorder {
  Pool pool;
  Texts texts;
  Communicator communicators[kMaxCommunicators] = {};
  std::atomic<std::uint32_t> used_communicators{0};
  std::atomic<std::uint64_t> plans{0};  // launches so far
  std::atomic<std::int32_t> pid{0};
  struct {
    std::atomic<std::uint64_t> pool_full{0}, stale{0}, homeless{0};
  } counts;
};
extern Recorder recorder;

inline std::uint32_t NumberOf(const Communicator* c) {
  return static_cast<std::uint32_t>(c - recorder.communicators);
}
// Wall clock, nanoseconds.
std::int64_t NowNs();
// At most sizeof(to) - 1 bytes, the rest zero; nullptr is "".
template <std::size_t N>
void CopyText(char (&to)[N], const char* from);

// The three callbacks for one version of the interface; 0 is ncclSuccess, and never anything else.
template <int kVersion>
int StartEvent(void* context, void** handle, const void* descriptor);
int StopEvent(void* handle);
int RecordState(void* handle, int state, const void* args);

}  // namespace strata::nccl
