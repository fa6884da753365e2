// SPDX-License-Identifier: Apache-2.0
#include "pool.h"

#include <sys/mman.h>
#include <time.h>

namespace strata::nccl {

void Slot::Clear() {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  ready.store(0, kRelaxed), stopped.store(0, kRelaxed);
  parts.begun.store(0, kRelaxed), parts.ended.store(0, kRelaxed);
  parts.gpu_timed.store(0, kRelaxed);
  parts.begun_ns.store(0, kRelaxed), parts.ended_ns.store(0, kRelaxed);
  parts.gpu_start.store(0, kRelaxed), parts.gpu_end.store(0, kRelaxed);
  parts.slowest.store(0, kRelaxed), parts.fastest.store(0, kRelaxed);
  parts.told_ns = 0;
}

bool Pool::Map(std::uint32_t slots) {
  const std::uint32_t wanted = slots < 64 ? 64 : slots > kMaxSlots ? kMaxSlots : slots;
  const std::uint32_t words = (wanted + 63) / 64;
  // Pages that no event has needed yet cost nothing.
  void* memory = ::mmap(nullptr, std::size_t{words} * 64 * sizeof(Slot), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  slots_ = static_cast<Slot*>(memory);
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  salt_ = (static_cast<std::uint64_t>(now.tv_nsec) * 2654435761u & 0x3FFFFFFF) + 1;
  words_ = words;
  for (std::uint32_t w = 0; w < words; ++w) free_[w].store(~std::uint64_t{0});
  return true;
}

void Pool::Reset() {
  salt_ += 0x10000001;
  for (std::uint32_t w = 0; w < words_; ++w) {
    for (std::uint64_t bits = ~free_[w].load(); bits != 0; bits &= bits - 1)
      slots_[w * 64 + Position(bits & (~bits + 1))].Clear();
    free_[w].store(~std::uint64_t{0});
  }
}

}  // namespace strata::nccl
