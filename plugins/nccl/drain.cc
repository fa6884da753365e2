// SPDX-License-Identifier: Apache-2.0
#include "drain.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "recorder.h"

namespace strata::nccl {
namespace {

constexpr std::int64_t kMs = 1'000'000, kSecond = 1000 * kMs;
constexpr std::int64_t kQuiet = 200 * kMs;    // no part for so long: there is none to come
constexpr std::int64_t kSuccessor = kSecond;  // a later launch ended so long ago: so did this one
constexpr std::int64_t kInvisible = 60 * kSecond;  // no part at all: its end cannot be seen
constexpr std::int64_t kRetry = kSecond;           // between attempts to reach the agent
constexpr std::uint32_t kFrames = 16;              // packed and not sent: half a megabyte

struct Frame {
  std::uint32_t events;
  std::uint32_t bytes;
  char data[kFrameBytes];
};

std::int64_t MonotonicNs() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

std::uint32_t Used() { return recorder.used_communicators.load(std::memory_order_acquire); }

class Drain {
 public:
  DrainOptions options{};
  pthread_t thread{};
  bool running = false;
  pthread_mutex_t mutex;  // of `stop`
  pthread_cond_t wake;
  bool stop = false;
  int fd = -1;

  void Run();
  void InitLocks() {
    pthread_mutex_init(&mutex, nullptr);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&wake, &monotonic);
  }
  void Reset() {
    if (fd >= 0) ::close(fd);
    fd = -1, running = false;
    used_ = 0, first_ = 0, number_ = 0;
    recorded_ = unheard_ = abandoned_ = inferred_ = 0;
    said_ = {};
  }

 private:
  bool Sleep(std::int64_t ns);
  void Round();
  bool Look(Slot* slot);
  void Tell(const Slot& slot, bool done, bool inferred);
  void Introduce(Communicator* c);
  void End(Communicator* c);
  void TellCounts();
  template <typename Record>
  void Pack(const Record& record, bool event);
  void NewFrame();
  void ThrowOldest();
  void Connect();
  void Lost();
  void Send();

  Frame frames_[kFrames];
  std::uint32_t first_ = 0, used_ = 0;  // the last one used is being filled
  std::uint64_t number_ = 0;
  std::int64_t started_ = 0, now_ = 0;               // wall clock
  std::int64_t tried_ = 0, counted_ = 0, tick_ = 0;  // monotonic
  std::uint64_t recorded_ = 0, unheard_ = 0, abandoned_ = 0, inferred_ = 0;
  std::uint32_t seen_ = 0;  // events under way in the last round
  Counts said_{};
};

Drain drain;

// True when it is to stop.
bool Drain::Sleep(std::int64_t ns) {
  const std::int64_t at = MonotonicNs() + ns;
  const timespec until{at / kSecond, at % kSecond};
  pthread_mutex_lock(&mutex);
  if (!stop) pthread_cond_timedwait(&wake, &mutex, &until);
  const bool ends = stop;
  pthread_mutex_unlock(&mutex);
  return ends;
}

void Drain::Run() {
  started_ = NowNs();
  tried_ = counted_ = MonotonicNs() - kRetry;
  bool ends = false;
  while (!ends) {
    // 20 ms, and down to 1 ms as the pool fills, so that it holds what comes meanwhile.
    const std::int64_t pause = seen_ * 4 > recorder.pool.size() ? kMs : 20 * kMs;
    ends = Sleep(pause);
    Round();
  }
  // The last parts are reported by another thread of NCCL; what is there now is all there will be.
  TellCounts();
  Send();
  // The communicator waits for this: a busy agent gets a tenth of a second, no more.
  for (int i = 0; i < 20 && fd >= 0 && used_ > 0; ++i) {
    const timespec pause{0, 5 * kMs};
    ::nanosleep(&pause, nullptr);
    Send();
  }
  if (fd >= 0) ::close(fd);
  fd = -1;
}

void Drain::Round() {
  now_ = NowNs(), tick_ = MonotonicNs();
  if (fd < 0 && tick_ - tried_ >= kRetry) Connect();
  for (std::uint32_t i = 0; i < Used(); ++i) {
    Communicator& c = recorder.communicators[i];
    const std::uint32_t state = c.state.load(std::memory_order_acquire);
    // Seen before the events are looked at: those of a closing one are all given up now.
    c.closing = state == Communicator::ended;
    if (state == Communicator::live) Introduce(&c);
  }
  seen_ = 0;
  recorder.pool.Walk([this](Slot* slot) {
    const bool over = Look(slot);
    recorded_ += over ? 1 : 0;
    return over;
  });
  for (std::uint32_t i = 0; i < Used(); ++i) {
    if (recorder.communicators[i].closing) End(&recorder.communicators[i]);
  }
  if (tick_ - counted_ >= kSecond) {
    counted_ = tick_;
    TellCounts();
  }
  Send();
}

// True when the slot is to be freed.
bool Drain::Look(Slot* slot) {
  ++seen_;
  Communicator& c = recorder.communicators[slot->communicator];
  if (c.known.load(std::memory_order_acquire) != 2) return false;  // being learnt
  const bool stopped = slot->stopped.load(std::memory_order_acquire) != 0;
  const std::uint32_t ended = slot->parts.ended.load(std::memory_order_acquire);
  const std::uint32_t begun = slot->parts.begun.load(std::memory_order_relaxed);
  // Where the number of parts is not told, they are all there when no more come.
  const bool quiet = begun > 0 && ended == begun &&
                     now_ - slot->parts.ended_ns.load(std::memory_order_relaxed) > kQuiet;
  if (stopped && (slot->channels > 0 ? ended >= slot->channels : quiet)) {
    if (slot->plan > c.finished_plan) c.finished_plan = slot->plan, c.finished_tick = tick_;
    Tell(*slot, true, false);
    return true;
  }
  // Launches of one communicator run one after the other.
  const bool passed =
      slot->plan != 0 && slot->plan < c.finished_plan && tick_ - c.finished_tick > kSuccessor;
  const bool invisible = slot->channels == 0 && begun == 0 && now_ - slot->enqueued_ns > kInvisible;
  if (stopped && (passed || invisible)) {
    if (passed) ++inferred_;
    Tell(*slot, true, passed);
    return true;
  }
  if (c.closing) {
    ++abandoned_;
    return true;
  }
  const std::int64_t since = slot->parts.told_ns != 0 ? slot->parts.told_ns : slot->enqueued_ns;
  if (now_ - since >= options.open_ns && fd >= 0) {
    slot->parts.told_ns = now_;
    Tell(*slot, false, false);
  }
  return false;
}

void Drain::Tell(const Slot& slot, bool done, bool inferred) {
  Communicator& c = recorder.communicators[slot.communicator];
  Introduce(&c);
  constexpr auto kRelaxed = std::memory_order_relaxed;
  EventRecord r;
  r.kind = slot.kind;
  r.done = done ? 1 : 0;
  r.inferred = inferred ? 1 : 0;
  r.communicator = slot.communicator;
  r.peer = slot.peer;
  r.seq = slot.seq, r.order = slot.order, r.count = slot.count;
  r.enqueued_ns = slot.enqueued_ns;
  r.begun_ns = slot.parts.begun_ns.load(kRelaxed), r.ended_ns = slot.parts.ended_ns.load(kRelaxed);
  r.gpu_start = slot.parts.gpu_start.load(kRelaxed), r.gpu_end = slot.parts.gpu_end.load(kRelaxed);
  const std::uint64_t slowest = slot.parts.slowest.load(kRelaxed),
                      fastest = slot.parts.fastest.load(kRelaxed);
  r.slowest_ns = slowest >> 8, r.slowest = slowest & 0xFF;
  r.fastest_ns = fastest >> 8, r.fastest = fastest & 0xFF;
  r.channels = slot.channels;
  r.begun = static_cast<std::uint16_t>(slot.parts.begun.load(kRelaxed));
  r.ended = static_cast<std::uint16_t>(slot.parts.ended.load(kRelaxed));
  // Times of which a part is missing are no times of the whole.
  const bool whole = r.channels > 0 ? r.ended >= r.channels : r.begun == r.ended;
  if (r.ended != 0 && (whole || !done)) {
    r.timing = slot.parts.gpu_timed.load(kRelaxed) != 0 ? Timing::gpu
               : c.abi < 3                              ? Timing::proxy
                                                        : Timing::host;
  }
  std::memcpy(r.func, recorder.texts.Of(slot.func), sizeof r.func);
  std::memcpy(r.datatype, recorder.texts.Of(slot.datatype), sizeof r.datatype);
  std::memcpy(r.algo, recorder.texts.Of(slot.algo), sizeof r.algo);
  std::memcpy(r.proto, recorder.texts.Of(slot.proto), sizeof r.proto);
  r.now_ns = now_;
  Pack(r, true);
}

// To this connection, once.
void Drain::Introduce(Communicator* c) {
  if (fd < 0 || c->told || c->known.load(std::memory_order_acquire) != 2) return;
  CommunicatorRecord r;
  r.number = NumberOf(c);
  r.hash = c->hash.load(), r.rank = c->rank.load();
  r.nranks = c->nranks, r.nnodes = c->nnodes;
  r.abi = c->abi, r.has_gpu = c->has_gpu;
  std::memcpy(r.uuid, c->uuid, sizeof r.uuid);
  std::memcpy(r.name, c->name, sizeof r.name);
  Pack(r, false);
  c->told = true;
}

// Its place may be taken by another one.
void Drain::End(Communicator* c) {
  if (c->told) {
    EndRecord r;
    r.number = NumberOf(c), r.now_ns = now_;
    Pack(r, false);
  }
  c->told = c->closing = false;
  c->finished_plan = 0;
  c->state.store(Communicator::unused, std::memory_order_release);
}

void Drain::TellCounts() {
  CountsRecord r;
  r.counts.recorded = recorded_;
  r.counts.pool_full = recorder.counts.pool_full.load();
  r.counts.stale = recorder.counts.stale.load();
  r.counts.homeless = recorder.counts.homeless.load();
  r.counts.unheard = unheard_, r.counts.abandoned = abandoned_, r.counts.inferred = inferred_;
  r.now_ns = now_;
  if (fd < 0 || std::memcmp(&r.counts, &said_, sizeof said_) == 0) return;
  said_ = r.counts;
  Pack(r, false);
}

void Drain::NewFrame() {
  if (used_ == kFrames) ThrowOldest();
  Frame& frame = frames_[(first_ + used_++) % kFrames];
  const FrameHeader header{{'S', 'T', 'N', 'C'},
                           kFormatVersion,
                           0,
                           sizeof(FrameHeader),
                           static_cast<std::uint32_t>(recorder.pid.load()),
                           ++number_};
  std::memcpy(frame.data, &header, sizeof header);
  frame.bytes = sizeof header, frame.events = 0;
}

void Drain::ThrowOldest() {
  unheard_ += frames_[first_].events;
  first_ = (first_ + 1) % kFrames;
  --used_;
}

template <typename Record>
void Drain::Pack(const Record& record, bool event) {
  if (used_ == 0 || frames_[(first_ + used_ - 1) % kFrames].bytes + sizeof record > kFrameBytes)
    NewFrame();
  Frame& frame = frames_[(first_ + used_ - 1) % kFrames];
  std::memcpy(frame.data + frame.bytes, &record, sizeof record);
  frame.bytes += sizeof record;
  frame.events += event ? 1 : 0;
  FrameHeader header;
  std::memcpy(&header, frame.data, sizeof header);
  ++header.records;
  header.bytes = frame.bytes;
  std::memcpy(frame.data, &header, sizeof header);
}

void Drain::Connect() {
  tried_ = tick_;
  const int made = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (made < 0) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, options.socket, sizeof address.sun_path);
  if (::connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(made);
    return;
  }
  fd = made;
  // What was packed for nobody would name communicators that this reader has not heard of.
  while (used_ > 0) ThrowOldest();
  ProcessRecord r;
  r.started_ns = started_, r.now_ns = now_;
  r.pool = recorder.pool.size(), r.mask = options.mask;
  ::gethostname(r.host, sizeof r.host - 1);
  Pack(r, false);
  said_ = {};
  for (Communicator& c : recorder.communicators) c.told = false;
}

void Drain::Lost() {
  ::close(fd);
  fd = -1;
}

void Drain::Send() {
  if (fd < 0) {  // nobody listens
    while (used_ > 0) ThrowOldest();
    return;
  }
  while (used_ > 0) {
    const Frame& frame = frames_[first_];
    const ssize_t sent = ::send(fd, frame.data, frame.bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) Lost();
      return;
    }
    first_ = (first_ + 1) % kFrames;
    --used_;
  }
}

void* Entry(void*) {
  pthread_setname_np(pthread_self(), "strata-nccl");
  drain.Run();
  return nullptr;
}

}  // namespace

bool StartDrain(const DrainOptions& options) {
  if (drain.running) return true;
  drain.options = options;
  drain.InitLocks();
  drain.stop = false;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  // Signals are the program's affair.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  drain.running = pthread_create(&drain.thread, &attributes, Entry, nullptr) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return drain.running;
}

void StopDrain() {
  if (!drain.running) return;
  pthread_mutex_lock(&drain.mutex);
  drain.stop = true;
  pthread_cond_signal(&drain.wake);
  pthread_mutex_unlock(&drain.mutex);
  pthread_join(drain.thread, nullptr);
  drain.running = false;
}

void ForgetDrain() { drain.Reset(); }

}  // namespace strata::nccl
