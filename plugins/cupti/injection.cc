// SPDX-License-Identifier: Apache-2.0
// The library that the CUDA driver loads for CUDA_INJECTION64_PATH: short windows of kernel records
// through CUPTI's activity interface, one JSON line each into a file that the agent follows. Off
// unless STRATA_CUPTI=on; never fails the program it sits in: what does not work ends the windows
// and is said on that line, or not at all. One thread of its own; CUPTI calls back from its own.
#include <cupti.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "window.h"

namespace {

using strata_cupti::Window;

constexpr std::size_t kBuffers = 8, kBufferBytes = 1u << 20;  // all that CUPTI ever gets
constexpr off_t kMaxFile = 4 << 20;                           // then the file starts anew

std::int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

double Setting(const char* name, double otherwise, double least, double most) {
  const char* text = std::getenv(name);
  char* end = nullptr;
  const double value = text != nullptr ? std::strtod(text, &end) : otherwise;
  return text == nullptr || end == text || !(value >= least && value <= most) ? otherwise : value;
}

// CUPTI's functions, found at run time so that this library loads where there is no CUPTI.
struct Cupti {
  decltype(&cuptiSubscribe) subscribe = nullptr;
  decltype(&cuptiUnsubscribe) unsubscribe = nullptr;
  decltype(&cuptiActivityRegisterCallbacks) callbacks = nullptr;
  decltype(&cuptiActivityEnable) enable = nullptr;
  decltype(&cuptiActivityDisable) disable = nullptr;
  decltype(&cuptiActivityFlushAll) flush = nullptr;
  decltype(&cuptiActivityGetNextRecord) next = nullptr;
  decltype(&cuptiActivityGetNumDroppedRecords) dropped = nullptr;

  bool Load() {
    void* library = nullptr;
    for (const char* name : {"libcupti.so.13", "libcupti.so.12", "libcupti.so"}) {
      library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
      if (library != nullptr) break;
    }
    if (library == nullptr) return false;
    const auto find = [&](auto* to, const char* name) {
      *to = reinterpret_cast<std::remove_pointer_t<decltype(to)>>(dlsym(library, name));
      return *to != nullptr;
    };
    return find(&subscribe, "cuptiSubscribe") && find(&unsubscribe, "cuptiUnsubscribe") &&
           find(&callbacks, "cuptiActivityRegisterCallbacks") &&
           find(&enable, "cuptiActivityEnable") && find(&disable, "cuptiActivityDisable") &&
           find(&flush, "cuptiActivityFlushAll") && find(&next, "cuptiActivityGetNextRecord") &&
           find(&dropped, "cuptiActivityGetNumDroppedRecords");
  }
};

struct Injection {
  Cupti cupti;
  std::mutex lock;  // the window's
  Window window;
  std::atomic<bool> taken[kBuffers] = {};
  alignas(8) unsigned char buffers[kBuffers][kBufferBytes];
  std::mutex wake_lock;
  std::condition_variable wake;
  bool stop = false, ended = false;
};
Injection* injection = nullptr;  // made once, never freed: CUPTI may call late

void CUPTIAPI Requested(std::uint8_t** buffer, std::size_t* size, std::size_t* records) {
  *buffer = nullptr;
  *size = 0;  // CUPTI drops and counts
  *records = 0;
  for (std::size_t i = 0; i < kBuffers; ++i) {
    if (injection->taken[i].exchange(true)) continue;
    *buffer = injection->buffers[i];
    *size = kBufferBytes;
    return;
  }
}

void CUPTIAPI Completed(CUcontext context, std::uint32_t stream, std::uint8_t* buffer, std::size_t,
                        std::size_t valid) {
  if (buffer == nullptr) return;
  {
    const std::lock_guard held(injection->lock);
    Window& window = injection->window;
    CUpti_Activity* record = nullptr;
    while (valid > 0 && injection->cupti.next(buffer, valid, &record) == CUPTI_SUCCESS) {
      if (record->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL) {
        // start, end and name lie alike in every version of the record since the fourth.
        const auto* kernel = reinterpret_cast<const CUpti_ActivityKernel4*>(record);
        window.Kernel(kernel->name != nullptr ? kernel->name : "(unnamed)",
                      static_cast<std::int64_t>(kernel->start),
                      static_cast<std::int64_t>(kernel->end));
      } else if (record->kind == CUPTI_ACTIVITY_KIND_MEMCPY) {
        const auto* copy = reinterpret_cast<const CUpti_ActivityMemcpy4*>(record);
        window.Memcpy(static_cast<std::int64_t>(copy->start), static_cast<std::int64_t>(copy->end),
                      copy->bytes);
      }
    }
    std::size_t lost = 0;
    if (injection->cupti.dropped(context, stream, &lost) == CUPTI_SUCCESS) window.Dropped(lost);
  }
  const auto at = static_cast<std::size_t>(buffer - injection->buffers[0]) / kBufferBytes;
  if (at < kBuffers) injection->taken[at].store(false);
}

// UUID of the first device, as NVML and nvidia-smi print it; "" when the driver does not tell.
std::string DeviceUuid() {
  using GetUuid = CUresult (*)(CUuuid*, CUdevice);
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);  // the one that loaded us
  if (driver == nullptr) return {};
  const auto get = reinterpret_cast<GetUuid>(dlsym(driver, "cuDeviceGetUuid_v2"));
  CUuuid uuid{};
  if (get == nullptr || get(&uuid, 0) != CUDA_SUCCESS) return {};
  std::string out = "GPU-";
  for (std::size_t i = 0; i < sizeof uuid.bytes; ++i) {
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02x", static_cast<unsigned char>(uuid.bytes[i]));
    out.append(hex);
    if (i == 3 || i == 5 || i == 7 || i == 9) out.push_back('-');
  }
  return out;
}

void Write(const std::string& path, const std::string& line) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) return;
  struct stat info {};
  if (fstat(fd, &info) == 0 && info.st_size > kMaxFile && ftruncate(fd, 0) != 0) info = {};
  if (write(fd, line.data(), line.size()) < 0)
    errno = 0;  // a disk that is full: the agent misses a window
  close(fd);
}

// True when it was told to stop while waiting.
bool Wait(double seconds) {
  std::unique_lock held(injection->wake_lock);
  return injection->wake.wait_for(held, std::chrono::duration<double>(seconds),
                                  [] { return injection->stop; });
}

void CUPTIAPI Ignore(void*, CUpti_CallbackDomain, CUpti_CallbackId, const void*) {}

void OneWindow(double seconds, const std::string& path) {
  Injection& in = *injection;
  // Another tool that is attached keeps CUPTI: this window does not happen.
  CUpti_SubscriberHandle subscriber = nullptr;
  if (in.cupti.subscribe(&subscriber, Ignore, nullptr) != CUPTI_SUCCESS) return;
  bool kernels = false, copies = false;
  if (in.cupti.callbacks(Requested, Completed) == CUPTI_SUCCESS) {
    {
      const std::lock_guard held(in.lock);
      in.window.Begin(NowNs());
    }
    kernels = in.cupti.enable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL) == CUPTI_SUCCESS;
    copies = in.cupti.enable(CUPTI_ACTIVITY_KIND_MEMCPY) == CUPTI_SUCCESS;
  }
  const bool stopped = (kernels || copies) && Wait(seconds);
  const std::int64_t now = NowNs();
  if (stopped) return;  // the program ends: CUPTI is left alone
  if (kernels) in.cupti.disable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
  if (copies) in.cupti.disable(CUPTI_ACTIVITY_KIND_MEMCPY);
  if (kernels || copies) in.cupti.flush(1);
  in.cupti.unsubscribe(subscriber);
  if (!kernels || !copies) return;  // half a picture would show idle time that was none
  std::vector<std::pair<std::string, std::string>> attributes = {
      {"process.pid", std::to_string(getpid())}};
  char host[256] = "";
  if (gethostname(host, sizeof host - 1) == 0) attributes.emplace_back("host.name", host);
  const std::string uuid = DeviceUuid();
  if (!uuid.empty()) attributes.emplace_back("hw.id", uuid);
  std::string line;
  {
    const std::lock_guard held(in.lock);
    line = in.window.Line(now, attributes);
  }
  Write(path, line);
}

void Run(std::string path, double seconds, double every) {
  if (injection->cupti.Load()) {
    while (!Wait(every - seconds)) OneWindow(seconds, path);
  }
  const std::lock_guard held(injection->wake_lock);
  injection->ended = true;
  injection->wake.notify_all();
}

void AtExit() {
  std::unique_lock held(injection->wake_lock);
  injection->stop = true;
  injection->wake.notify_all();
  injection->wake.wait_for(held, std::chrono::milliseconds(200), [] { return injection->ended; });
}

}  // namespace

// Called by the driver inside cuInit; 1 = all is well, which it always is for the program.
extern "C" __attribute__((visibility("default"))) int InitializeInjection(void) {
  const char* on = std::getenv("STRATA_CUPTI");
  const char* folder = std::getenv("STRATA_CUPTI_DIR");
  if (on == nullptr || std::strcmp(on, "on") != 0 || injection != nullptr) return 1;
  const double every = Setting("STRATA_CUPTI_EVERY", 60, 1, 86400);
  const double seconds = Setting("STRATA_CUPTI_WINDOW", 2, 0.1, every / 2);
  const std::string path = std::string(folder != nullptr ? folder : "/run/strata/cupti") +
                           "/cupti-" + std::to_string(getpid()) + ".jsonl";
  // The thread takes none of the program's signals.
  sigset_t all, before;
  sigfillset(&all);
  if (pthread_sigmask(SIG_BLOCK, &all, &before) != 0) return 1;
  injection = new (std::nothrow) Injection;
  if (injection != nullptr) {
    try {
      std::thread(Run, path, seconds, every).detach();
      std::atexit(AtExit);
    } catch (...) {  // no thread to be had: no windows
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return 1;
}
