// SPDX-License-Identifier: Apache-2.0
#include "recorder.h"

#include <time.h>
#include <unistd.h>

namespace strata::nccl {

Recorder recorder;

namespace {

constexpr std::uint32_t kGroupMark = 0xFF;  // last byte of the handle of a launch

std::uint64_t Value(const void* handle) { return reinterpret_cast<std::uintptr_t>(handle); }
void* Handle(std::uint64_t value) { return reinterpret_cast<void*>(value); }

void Count(std::atomic<std::uint64_t>* counter) {
  counter->fetch_add(1, std::memory_order_relaxed);
}

template <typename T>
void Raise(std::atomic<T>* to, T value) {
  T now = to->load(std::memory_order_relaxed);
  while (now < value && !to->compare_exchange_weak(now, value, std::memory_order_relaxed)) {
  }
}
// 0 is "nothing yet".
template <typename T>
void Lower(std::atomic<T>* to, T value) {
  T now = to->load(std::memory_order_relaxed);
  while ((now == 0 || now > value) &&
         !to->compare_exchange_weak(now, value, std::memory_order_relaxed)) {
  }
}

// Text of a descriptor: a pointer, or an enumerator in v1.
template <bool kNumbers, std::size_t kNames>
std::uint8_t Name(const void* d, std::uint16_t at, const char* const (&names)[kNames]) {
  if (at == kNone) return Texts::kEmpty;
  if constexpr (kNumbers) {
    const auto number = Get<std::uint8_t>(d, at);
    return recorder.texts.Number(number < kNames ? names[number] : nullptr);
  }
  return recorder.texts.Number(Get<const char*>(d, at));
}

// Before v4 an event says whose it is.
void Learn(Communicator* c, const TaskLayout& at, const void* d) {
  std::uint32_t unknown = 0;
  if (!c->known.compare_exchange_strong(unknown, 1)) return;
  c->hash.store(Get<std::uint64_t>(d, at.hash));
  c->rank.store(Get<int>(d, kRank));
  CopyText(c->name, Get<const char*>(d, at.name));
  c->known.store(2, std::memory_order_release);
}

template <int kVersion>
Slot* StartTask(Communicator* c, Kind kind, const void* d) {
  constexpr const Layout& kLayout = kLayouts[kVersion - 1];
  const TaskLayout& at = kind == Kind::collective ? kLayout.coll
                         : kind == Kind::p2p      ? kLayout.p2p
                                                  : kLayout.ce;
  if (at.func == kNone) return nullptr;  // this version has no such event
  if constexpr (kLayout.coll.hash != kNone) {
    if (c->known.load(std::memory_order_acquire) == 0) Learn(c, at, d);
  }
  // Counted also when there is no slot, so that the order is the same on all ranks.
  const std::uint64_t order = c->order.fetch_add(1, std::memory_order_relaxed);
  Slot* slot = recorder.pool.Claim();
  if (slot == nullptr) {
    Count(&recorder.counts.pool_full);
    return nullptr;
  }
  slot->communicator = NumberOf(c);
  slot->kind = kind;
  slot->order = order;
  slot->enqueued_ns = NowNs();
  slot->count = Get<std::uint64_t>(d, at.count);
  slot->peer = Get<int>(d, at.peer);
  slot->channels = at.channels == kNone ? 0 : Get<std::uint8_t>(d, at.channels);
  slot->plan = at.group == kNone ? 0 : Value(Get<void*>(d, at.group)) >> 8;
  slot->func = Name<kLayout.numbers>(d, at.func, kFuncs);
  slot->datatype = Name<kLayout.numbers>(d, at.datatype, kDatatypes);
  slot->algo = Name<kLayout.numbers>(d, at.algo, kAlgos);
  slot->proto = Name<kLayout.numbers>(d, at.proto, kProtos);
  if (at.seq != kNone) {
    slot->seq = Get<std::uint64_t>(d, at.seq);
  } else {  // counted here, per operation
    const bool sends = recorder.texts.Of(slot->func)[0] == 'S';
    slot->seq = (sends ? c->sends : c->recvs).fetch_add(1, std::memory_order_relaxed);
  }
  Pool::Publish(slot);
  return slot;
}

// A kernel channel or a proxy operation begins; its handle.
std::uint64_t StartPart(const void* d, bool proxy, bool timer) {
  Slot* slot = recorder.pool.Find(Value(Get<void*>(d, kParent)));
  if (slot == nullptr) {
    if (Get<void*>(d, kParent) != nullptr) Count(&recorder.counts.stale);
    return 0;
  }
  if (slot->parts.begun_ns.load(std::memory_order_relaxed) == 0)
    Lower(&slot->parts.begun_ns, NowNs());
  if (proxy) {
    slot->parts.begun.fetch_add(1, std::memory_order_relaxed);
    return recorder.pool.HandleOf(slot, kChannels + 2);
  }
  std::uint32_t place = kChannels;
  const auto channel = Get<std::uint8_t>(d, kChannel);
  if (channel < kChannels) place = channel;
  const std::uint64_t start = timer ? Get<std::uint64_t>(d, kTimer) : 0;
  slot->channel_start[place].store(start, std::memory_order_relaxed);
  if (start != 0) Lower(&slot->parts.gpu_start, start);
  slot->parts.begun.fetch_add(1, std::memory_order_relaxed);
  return recorder.pool.HandleOf(slot, place + 1);
}

}  // namespace

std::int64_t NowNs() {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

template <std::size_t N>
void CopyText(char (&to)[N], const char* from) {
  std::size_t n = from == nullptr ? 0 : ::strnlen(from, N - 1);
  if (n != 0) std::memcpy(to, from, n);
  std::memset(to + n, 0, N - n);
}
template void CopyText<128>(char (&)[128], const char*);
template void CopyText<64>(char (&)[64], const char*);

template <int kVersion>
int StartEvent(void* context, void** handle, const void* descriptor) {
  constexpr const Layout& kLayout = kLayouts[kVersion - 1];
  if (handle == nullptr) return 0;
  *handle = nullptr;
  if (descriptor == nullptr) return 0;
  const std::uint64_t type = kLayout.wide_type ? Get<std::uint64_t>(descriptor, kType)
                                               : Get<std::uint8_t>(descriptor, kType);
  if (type == kKernelCh && kVersion >= 3) {
    *handle = Handle(StartPart(descriptor, false, kLayout.kernel_timer));
    return 0;
  }
  if (type == kProxyOp) {
    // Of use only where there are no kernel channels. A proxy may serve another process: then the
    // parent is a handle of that one.
    if (kVersion < 3 &&
        Get<int>(descriptor, kProxyPid) == recorder.pid.load(std::memory_order_relaxed))
      *handle = Handle(StartPart(descriptor, true, false));
    return 0;
  }
  const bool task = type == kColl || type == kP2p || type == kCeColl;
  if (!task && type != kGroup) return 0;
  auto* c = static_cast<Communicator*>(context);
  if (c == nullptr || c->state.load(std::memory_order_relaxed) != Communicator::live) {
    if (task) Count(&recorder.counts.homeless);
    return 0;
  }
  if (type == kGroup) {
    // Up to NCCL 2.27 an event without a group is not reported, and later a captured one is not
    // counted. The number tells launches apart.
    const std::uint64_t plan = recorder.plans.fetch_add(1, std::memory_order_relaxed) + 1;
    *handle = Handle(plan << 8 | kGroupMark);
    return 0;
  }
  const Kind kind = type == kColl ? Kind::collective : type == kP2p ? Kind::p2p : Kind::copy_engine;
  if (const Slot* slot = StartTask<kVersion>(c, kind, descriptor))
    *handle = Handle(recorder.pool.HandleOf(slot, 0));
  return 0;
}
template int StartEvent<1>(void*, void**, const void*);
template int StartEvent<2>(void*, void**, const void*);
template int StartEvent<3>(void*, void**, const void*);
template int StartEvent<4>(void*, void**, const void*);
template int StartEvent<5>(void*, void**, const void*);
template int StartEvent<6>(void*, void**, const void*);
template int StartEvent<7>(void*, void**, const void*);

int StopEvent(void* handle) {
  const std::uint64_t value = Value(handle);
  const std::uint32_t part = value & 0xFF;
  if (value == 0 || part == kGroupMark) return 0;
  Slot* slot = recorder.pool.Find(value);
  if (slot == nullptr) {
    Count(&recorder.counts.stale);
    return 0;
  }
  if (part == 0) {  // only says that it is enqueued
    slot->stopped.store(1, std::memory_order_release);
    return 0;
  }
  Raise(&slot->parts.ended_ns, NowNs());
  slot->parts.ended.fetch_add(1, std::memory_order_release);
  return 0;
}

int RecordState(void* handle, int state, const void* args) {
  const std::uint64_t value = Value(handle);
  const std::uint32_t part = value & 0xFF;
  if (state != kKernelChStop || args == nullptr || part == 0 || part > kChannels + 1) return 0;
  Slot* slot = recorder.pool.Find(value);
  if (slot == nullptr) return 0;  // StopEvent follows and counts it
  const auto end = Get<std::uint64_t>(args, 0);
  if (end == 0) return 0;
  Raise(&slot->parts.gpu_end, end);
  slot->parts.gpu_timed.store(1, std::memory_order_relaxed);
  const std::uint64_t start = slot->channel_start[part - 1].load(std::memory_order_relaxed);
  if (part > kChannels || start == 0 || end < start || end - start > ~std::uint64_t{0} >> 8)
    return 0;
  const std::uint64_t took = (end - start) << 8 | (part - 1);
  Raise(&slot->parts.slowest, took);
  Lower(&slot->parts.fastest, took);
  return 0;
}

}  // namespace strata::nccl
