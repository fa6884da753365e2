// SPDX-License-Identifier: Apache-2.0
// The tables that NCCL looks for, ncclProfiler_v1 to ncclProfiler_v7, and what happens when a
// communicator is made or ends. NCCL unloads a plugin with the last communicator; this library
// stays
// (-z nodelete), so that a late callback finds it.
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdlib>

#include "drain.h"
#include "recorder.h"

namespace strata::nccl {
namespace {

// States of the process, under the lock.
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
bool prepared = false, refused = false;
std::uint32_t alive = 0;  // communicators
DrainOptions options{};

const char* Setting(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && value[0] != 0 ? value : otherwise;
}

std::uint64_t Number(const char* name, std::uint64_t otherwise, std::uint64_t low,
                     std::uint64_t high) {
  const char* text = Setting(name, nullptr);
  if (text == nullptr) return otherwise;
  char* end = nullptr;
  const unsigned long long value = std::strtoull(text, &end, 0);
  return *end != 0 || value < low || value > high ? otherwise : value;
}

// A fork takes no lock along that another thread holds, and no thread.
void BeforeFork() { pthread_mutex_lock(&lock); }
void AfterForkHere() { pthread_mutex_unlock(&lock); }
void AfterForkInChild() {
  pthread_mutex_init(&lock, nullptr);
  ForgetDrain();
  recorder.pool.Reset();
  const std::uint32_t used = recorder.used_communicators.load();
  for (std::uint32_t i = 0; i < used && i < kMaxCommunicators; ++i) {
    recorder.communicators[i].state.store(Communicator::unused);
    recorder.communicators[i].told = false;
  }
  recorder.pid.store(::getpid());
  alive = 0;
}

// Once in a process. False: there is no memory, or it is switched off.
bool Prepare() {
  if (prepared) return true;
  if (refused) return false;
  const char* socket = Setting("STRATA_NCCL_SOCKET", "/run/strata/nccl.sock");
  refused =
      ::strlen(socket) >= sizeof options.socket || Number("STRATA_NCCL_DISABLE", 0, 0, 1) != 0 ||
      !recorder.pool.Map(
          static_cast<std::uint32_t>(Number("STRATA_NCCL_EVENTS", 4096, 64, Pool::kMaxSlots)));
  if (refused) return false;
  std::strncpy(options.socket, socket, sizeof options.socket - 1);
  options.open_ns =
      static_cast<std::int64_t>(Number("STRATA_NCCL_OPEN_MS", 10'000, 10, 86'400'000)) * 1'000'000;
  recorder.pid.store(::getpid());
  pthread_atfork(BeforeFork, AfterForkHere, AfterForkInChild);
  prepared = true;
  return true;
}

// UUID of the device that is current on this thread, which NCCL sets to the communicator's. Asked
// of the driver that the process has loaded itself; without one the GPU is not told.
bool CurrentGpu(std::uint8_t (&uuid)[16]) {
  void* driver = ::dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
  if (driver == nullptr) return false;
  using Device = int (*)(int*);
  using Uuid = int (*)(std::uint8_t*, int);
  const auto device = reinterpret_cast<Device>(::dlsym(driver, "cuCtxGetDevice"));
  auto get = reinterpret_cast<Uuid>(::dlsym(driver, "cuDeviceGetUuid_v2"));
  if (get == nullptr) get = reinterpret_cast<Uuid>(::dlsym(driver, "cuDeviceGetUuid"));
  int number = 0;
  const bool told =
      device != nullptr && get != nullptr && device(&number) == 0 && get(uuid, number) == 0;
  ::dlclose(driver);
  return told;
}

std::uint32_t FreePlace() {
  const std::uint32_t used = recorder.used_communicators.load();
  for (std::uint32_t i = 0; i < used; ++i) {
    if (recorder.communicators[i].state.load(std::memory_order_acquire) == Communicator::unused)
      return i;
  }
  return used;
}

struct Birth {
  int version;
  const char* name = nullptr;
  std::uint64_t hash = 0;
  int nnodes = -1, nranks = -1, rank = -1;
};

int Init(void** context, int* mask, const Birth& birth) {
  if (context == nullptr || mask == nullptr) return 0;
  *context = nullptr;
  pthread_mutex_lock(&lock);
  std::uint32_t at = kMaxCommunicators;
  if (Prepare()) {
    // Kernel channels came with v3; before, proxy operations are all that shows an end.
    const std::uint64_t usual = kColl | kP2p | kKernelCh | (birth.version < 3 ? kProxyOp : Event{});
    options.mask = static_cast<std::uint32_t>(Number("STRATA_NCCL_MASK", usual, 0, 0xFFFF));
    *mask = static_cast<int>(options.mask);
    at = FreePlace();
  }
  if (at < kMaxCommunicators && StartDrain(options)) {
    Communicator& c = recorder.communicators[at];
    c.abi = static_cast<std::uint8_t>(birth.version);
    c.nranks = birth.nranks, c.nnodes = birth.nnodes;
    c.order.store(0), c.sends.store(0), c.recvs.store(0), c.known.store(0);
    c.has_gpu = CurrentGpu(c.uuid) ? 1 : 0;
    if (birth.version >= 4) {
      c.hash.store(birth.hash), c.rank.store(birth.rank);
      CopyText(c.name, birth.name);
      c.known.store(2);
    }
    c.state.store(Communicator::live, std::memory_order_release);
    if (at == recorder.used_communicators.load())
      recorder.used_communicators.store(at + 1, std::memory_order_release);
    ++alive;
    *context = &c;
  }
  pthread_mutex_unlock(&lock);
  return 0;
}

int Finalize(void* context) {
  if (context == nullptr) return 0;
  auto* c = static_cast<Communicator*>(context);
  pthread_mutex_lock(&lock);
  if (c >= recorder.communicators && c < recorder.communicators + kMaxCommunicators &&
      c->state.load() == Communicator::live) {
    c->state.store(Communicator::ended, std::memory_order_release);
    if (--alive == 0) StopDrain();
  }
  pthread_mutex_unlock(&lock);
  return 0;
}

int InitPlain1(void** context, int* mask) { return Init(context, mask, {1}); }
int InitPlain2(void** context, int* mask) { return Init(context, mask, {2}); }
int InitPlain3(void** context, int* mask) { return Init(context, mask, {3}); }
int Init4(void** context, int* mask, const char* name, std::uint64_t hash, int nnodes, int nranks,
          int rank, void* /*logger*/) {
  return Init(context, mask, {4, name, hash, nnodes, nranks, rank});
}
template <int kVersion>
int Init5(void** context, std::uint64_t hash, int* mask, const char* name, int nnodes, int nranks,
          int rank, void* /*logger*/) {
  return Init(context, mask, {kVersion, name, hash, nnodes, nranks, rank});
}

// Six pointers; a downstream v7 reads a seventh, of which null means "none".
template <typename InitFunction>
struct Table {
  const char* name;
  InitFunction init;
  int (*start)(void*, void**, const void*);
  int (*stop)(void*);
  int (*record)(void*, int, const void*);
  int (*finalize)(void*);
  void* none[2];
};
using Plain = int (*)(void**, int*);
using Fourth = int (*)(void**, int*, const char*, std::uint64_t, int, int, int, void*);
using Fifth = int (*)(void**, std::uint64_t, int*, const char*, int, int, int, void*);
constexpr const char* kName = "strata";

}  // namespace
}  // namespace strata::nccl

using namespace strata::nccl;

#define STRATA_TABLE(version, kind, init)                                                      \
  extern "C" __attribute__((visibility("default"))) const Table<kind> ncclProfiler_v##version; \
  const Table<kind> ncclProfiler_v##version = {                                                \
      kName, init, StartEvent<version>, StopEvent, RecordState, Finalize, {}};

STRATA_TABLE(1, Plain, InitPlain1)
STRATA_TABLE(2, Plain, InitPlain2)
STRATA_TABLE(3, Plain, InitPlain3)
STRATA_TABLE(4, Fourth, Init4)
STRATA_TABLE(5, Fifth, Init5<5>)
STRATA_TABLE(6, Fifth, Init5<6>)
STRATA_TABLE(7, Fifth, Init5<7>)
