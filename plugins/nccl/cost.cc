// SPDX-License-Identifier: Apache-2.0
// What the plugin costs the thread that calls NCCL: nanoseconds, allocations and system calls per
// event, with an agent that reads beside it. Built without sanitizers; needs nothing of the house.
//   nccl_cost PLUGIN [EVENTS] [MAX_NS]   one JSON line; exit 1 when events were lost, when the
//   calling
//                                        thread allocated or made a system call, or above MAX_NS
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

#include "frame.h"
#include "walk_host.h"

// ---- allocations of a watched thread: this program's malloc stands before libc's for all
// libraries
namespace {
thread_local bool watched = false;
thread_local std::uint64_t allocations = 0;
}  // namespace
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* malloc(std::size_t n) {
  allocations += watched ? 1 : 0;
  return __libc_malloc(n);
}
void* calloc(std::size_t n, std::size_t size) {
  allocations += watched ? 1 : 0;
  return __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t n) {
  allocations += watched ? 1 : 0;
  return __libc_realloc(p, n);
}
}

namespace strata::nccl::walk {
namespace {

// ---- system calls of the calling thread: the kernel sends SIGSYS instead of making one
// (syscall user dispatch, Linux 5.11). The first one ends the watch, so this tells 0 from "some".
constexpr int kDispatch = 59, kDispatchOn = 1, kDispatchOff = 0;
thread_local volatile char selector = 0;  // 0 lets calls through, 1 does not
std::atomic<int> system_calls{0};

void OnSystemCall(int, siginfo_t*, void*) {
  selector = 0;
  system_calls.fetch_add(1);
}
bool WatchSystemCalls() {
  struct sigaction action {};
  action.sa_sigaction = OnSystemCall;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGSYS, &action, nullptr);
  return ::prctl(kDispatch, kDispatchOn, 0L, 0L, &selector) == 0;
}
void UnwatchSystemCalls() { ::prctl(kDispatch, kDispatchOff, 0L, 0L, 0L); }

std::int64_t Now() {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

// Counts the events that arrive and do nothing else with them.
class Reader {
 public:
  explicit Reader(const char* path) {
    listen_ = ::socket(AF_UNIX, SOCK_SEQPACKET, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (::bind(listen_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listen_, 4) != 0)
      std::abort();
    thread_ = std::thread([this] {
      const int fd = ::accept(listen_, nullptr, nullptr);
      connected.store(true);
      static char frame[65536];
      for (ssize_t n; (n = ::recv(fd, frame, sizeof frame, 0)) > 0;) {
        for (ssize_t at = sizeof(FrameHeader); at + 8 <= n;) {
          std::uint16_t type = 0, bytes = 0;
          std::memcpy(&type, frame + at, 2), std::memcpy(&bytes, frame + at + 2, 2);
          if (type == 3) events.fetch_add(1);
          at += bytes;
        }
      }
    });
  }
  void Join() { thread_.join(); }
  std::atomic<std::uint64_t> events{0};
  std::atomic<bool> connected{false};

 private:
  int listen_;
  std::thread thread_;
};

// Medians of the rounds, nanoseconds a callback. The event that a collective is has a start and a
// stop; so has each kernel channel, with a state between them.
struct Cost {
  double group = 0, start = 0, stop = 0, kernel = 0;
  double event() const { return start + stop; }
};

// Rounds of so many collectives as the pool holds without trouble, each callback in a loop of its
// own, so that a cheap one does not flatter a dear one.
constexpr int kRound = 512, kChannelsUsed = 2;

class Rounds {
 public:
  Rounds(Host* host, void* context, const Comm& comm)
      : host_(host), context_(context), comm_(comm) {
    task_.channels = kChannelsUsed;
  }
  Cost Run(int rounds, Reader* reader) {
    std::uint64_t expected = reader->events.load();
    for (int r = 0; r < rounds; ++r) {
      One();
      expected += kRound;
      for (int i = 0; i < 500 && reader->events.load() < expected; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return {Median(&group_), Median(&start_), Median(&stop_), Median(&kernel_)};
  }

 private:
  void One() {
    watched = true;
    selector = 1;
    const std::int64_t t0 = Now();
    for (void*& group : groups_) {
      group = host_->Group(context_);
      host_->Stop(group);
    }
    const std::int64_t t1 = Now();
    for (std::size_t i = 0; i < kRound; ++i) {
      ++task_.seq;
      open_[i] = host_->Coll(context_, groups_[i], comm_, task_);
    }
    const std::int64_t t2 = Now();
    for (void* coll : open_) host_->Stop(coll);
    const std::int64_t t3 = Now();
    for (void* coll : open_) {
      for (std::uint8_t ch = 0; ch < kChannelsUsed; ++ch)
        host_->EndKernel(host_->Kernel(context_, coll, ch, 1'000), 2'000);
    }
    const std::int64_t t4 = Now();
    watched = false;
    selector = 0;
    group_.push_back(static_cast<double>(t1 - t0) / (kRound * 2));
    start_.push_back(static_cast<double>(t2 - t1) / kRound);
    stop_.push_back(static_cast<double>(t3 - t2) / kRound);
    kernel_.push_back(static_cast<double>(t4 - t3) / (kRound * kChannelsUsed * 3));
  }
  static double Median(std::vector<double>* v) {
    std::nth_element(v->begin(), v->begin() + static_cast<std::ptrdiff_t>(v->size() / 2), v->end());
    return (*v)[v->size() / 2];
  }
  Host* host_;
  void* context_;
  Comm comm_;
  Task task_;
  std::vector<void*> groups_ = std::vector<void*>(kRound), open_ = std::vector<void*>(kRound);
  std::vector<double> group_, start_, stop_, kernel_;
};

}  // namespace
}  // namespace strata::nccl::walk

int main(int argc, char** argv) {
  using namespace strata::nccl::walk;
  if (argc < 2) return 2;
  const int events = argc > 2 ? std::atoi(argv[2]) : 200'000;
  const double limit = argc > 3 ? std::atof(argv[3]) : 1e9;
  char folder[] = "/tmp/strata-nccl-XXXXXX";
  if (::mkdtemp(folder) == nullptr) return 1;
  const std::string path = std::string(folder) + "/s";
  ::setenv("STRATA_NCCL_SOCKET", path.c_str(), 1);
  Reader reader(path.c_str());
  void* library = ::dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::fprintf(stderr, "%s\n", ::dlerror());
    return 1;
  }
  const auto host = HostFor(library, 6);
  const Comm comm;
  int mask = 0;
  void* context = host->Init(comm, &mask);
  while (!reader.connected.load()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const bool watching = WatchSystemCalls();
  const int rounds = std::max(events / kRound, 3);
  const Cost cost = Rounds(host.get(), context, comm).Run(rounds, &reader);
  UnwatchSystemCalls();
  host->Finalize(context);
  reader.Join();
  ::unlink(path.c_str());
  ::rmdir(folder);
  const std::uint64_t sent = static_cast<std::uint64_t>(rounds) * kRound,
                      got = reader.events.load();
  std::printf(
      "{\"ns/event\": %.1f, \"start_ns\": %.1f, \"stop_ns\": %.1f, \"group_ns\": %.1f, "
      "\"kernel_ns\": %.1f, "
      "\"collectives\": %llu, \"arrived\": %llu, \"allocations\": %llu, \"system_calls\": %s}\n",
      cost.event(), cost.start, cost.stop, cost.group, cost.kernel,
      static_cast<unsigned long long>(sent), static_cast<unsigned long long>(got),
      static_cast<unsigned long long>(allocations),
      watching ? std::to_string(system_calls.load()).c_str() : "null");
  return got == sent && allocations == 0 && system_calls.load() == 0 && cost.event() <= limit ? 0
                                                                                              : 1;
}
