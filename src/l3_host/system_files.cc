// SPDX-License-Identifier: Apache-2.0
// CPU, load, memory and paging of the whole machine, from /proc/stat, loadavg, uptime, meminfo and
// vmstat.
#include <algorithm>
#include <string>

#include "base/clock.h"
#include "l3_host/sources.h"

namespace strata::l3_host {
namespace {

using model::Kind;

constexpr std::string_view kStat = "l3_host:/proc/stat";
constexpr std::string_view kLoad = "l3_host:/proc/loadavg";
constexpr std::string_view kMemory = "l3_host:/proc/meminfo";
constexpr std::string_view kVm = "l3_host:/proc/vmstat";

constexpr Def Cpu(std::string_view mode) {
  return {"system.cpu.time", "s", Kind::counter, kStat, {"cpu.mode", mode}};
}
// In the order of the columns of /proc/stat; softirq (the seventh) is added to interrupt, guest
// stands inside user.
constexpr Def kCpu[] = {Cpu("user"),   Cpu("nice"),      Cpu("system"), Cpu("idle"),
                        Cpu("iowait"), Cpu("interrupt"), Cpu("steal")};
constexpr Def Share(std::string_view mode) {
  return {"system.cpu.utilization", "1", Kind::gauge, kStat, {"cpu.mode", mode}};
}
constexpr Def kShares[] = {Share("user"),   Share("nice"),      Share("system"), Share("idle"),
                           Share("iowait"), Share("interrupt"), Share("steal")};
constexpr Def kCores = {"system.cpu.logical.count", "{cpu}", Kind::gauge, kStat};
constexpr Def kRunning = {
    "system.process.count", "{process}", Kind::gauge, kStat, {"process.state", "running"}};
constexpr Def kBlocked = {
    "system.process.count", "{process}", Kind::gauge, kStat, {"process.state", "blocked"}};
constexpr Def kCreated = {"system.process.created", "{process}", Kind::counter, kStat};
constexpr Def kSwitches = {"system.cpu.context_switches", "{context_switch}", Kind::counter, kStat};
constexpr Def kUptime = {"system.uptime", "s", Kind::gauge, "l3_host:/proc/uptime"};
constexpr Def kLoads[] = {{"system.cpu.load_average.1m", "{thread}", Kind::gauge, kLoad},
                          {"system.cpu.load_average.5m", "{thread}", Kind::gauge, kLoad},
                          {"system.cpu.load_average.15m", "{thread}", Kind::gauge, kLoad}};

constexpr Def Memory(std::string_view state) {
  return {"system.memory.usage", "By", Kind::gauge, kMemory, {"system.memory.state", state}};
}
constexpr Def kUsed = Memory("used"), kFree = Memory("free"), kBuffers = Memory("buffers"),
              kCached = Memory("cached");
constexpr Def kUsedShare = {
    "system.memory.utilization", "1", Kind::gauge, kMemory, {"system.memory.state", "used"}};
constexpr Def kLimit = {"system.memory.limit", "By", Kind::gauge, kMemory};
constexpr Def kAvailable = {"system.memory.linux.available", "By", Kind::gauge, kMemory};
constexpr Def Swap(std::string_view state) {
  return {"system.paging.usage", "By", Kind::gauge, kMemory, {"system.paging.state", state}};
}
constexpr Def kSwapUsed = Swap("used"), kSwapFree = Swap("free");

constexpr Def Faults(std::string_view type) {
  return {
      "system.paging.faults", "{fault}", Kind::counter, kVm, {"system.paging.fault.type", type}};
}
constexpr Def kMajor = Faults("major"), kMinor = Faults("minor");
constexpr Def Swapped(std::string_view direction) {
  return {"system.paging.operations",
          "{operation}",
          Kind::counter,
          kVm,
          {"system.paging.direction", direction},
          {"system.paging.fault.type", "major"}};
}
constexpr Def kOomKills = {"system.oom_kills", "{event}", Kind::counter, kVm};
constexpr Def kSwapIn = Swapped("in"), kSwapOut = Swapped("out");

// Idle time of a processor that was unplugged and came back falls; smaller steps back are the
// kernel's rounding.
constexpr std::uint64_t kUnplugTicks = 300;

double FromKilo(std::uint64_t kib) { return static_cast<double>(kib) * 1024; }

}  // namespace

SystemFiles::SystemFiles(const Host& host)
    : stat_(host.path("proc/stat")),
      load_(host.path("proc/loadavg")),
      uptime_(host.path("proc/uptime")),
      memory_(host.path("proc/meminfo")),
      vm_(host.path("proc/vmstat")) {}

void SystemFiles::Read(Host* host, Emitter* emit) {
  ReadStat(host, emit);
  ReadLoad(*host, emit);
  ReadMemory(*host, emit);
  ReadVm(*host, emit);
}

void SystemFiles::ReadCpu(std::string_view line, Cpu* cpu, const Object& object, const Host& host,
                          Emitter* emit) {
  std::uint64_t now[8] = {};
  for (std::uint64_t& ticks : now) {
    if (!ParseU64(NextWord(&line), &ticks)) break;  // older kernels have fewer columns
  }
  const bool unplugged = cpu->seen && now[3] + kUnplugTicks < cpu->ticks[3];
  for (int i = 0; i < 8; ++i) {
    if (!cpu->seen || unplugged || now[i] > cpu->ticks[i]) cpu->ticks[i] = now[i];
  }
  cpu->seen = true;
  const std::uint64_t* t = cpu->ticks;
  const std::uint64_t by_mode[] = {t[0], t[1], t[2], t[3], t[4], t[5] + t[6], t[7]};
  for (std::size_t i = 0; i < std::size(kCpu); ++i) {
    emit->Put(kCpu[i], object, static_cast<double>(by_mode[i]) / host.ticks_per_s);
  }
  if (cpu == &whole_) PutShares(by_mode, cpu, object, emit);
}

// Shares of the time since the round before; the first round has none.
void SystemFiles::PutShares(const std::uint64_t* by_mode, Cpu* cpu, const Object& object,
                            Emitter* emit) {
  std::uint64_t sum = 0, before = 0;
  for (std::size_t i = 0; i < std::size(kShares); ++i) {
    sum += by_mode[i];
    before += cpu->before[i];
  }
  if (before > 0 && sum > before) {
    for (std::size_t i = 0; i < std::size(kShares); ++i) {
      const std::uint64_t more = by_mode[i] > cpu->before[i] ? by_mode[i] - cpu->before[i] : 0;
      emit->Put(kShares[i], object, static_cast<double>(more) / static_cast<double>(sum - before));
    }
  }
  std::copy(by_mode, by_mode + std::size(kShares), cpu->before);
}

void SystemFiles::ReadStat(Host* host, Emitter* emit) {
  if (!stat_.Read(&buffer_)) return;
  std::string_view text = buffer_, line;
  // The boot time stands behind the CPU lines and is needed for them.
  if (host->boot_ns == 0) {
    const std::size_t at = buffer_.find("\nbtime ");
    std::uint64_t seconds = 0;
    if (at != std::string::npos) {
      std::string_view rest = text.substr(at + 7);
      if (NextLine(&rest, &line) && ParseU64(line, &seconds))
        host->boot_ns = static_cast<std::int64_t>(seconds) * base::kSecond;
    }
  }
  std::uint32_t cores = 0;
  while (NextLine(&text, &line)) {
    const std::string_view word = NextWord(&line);
    std::uint64_t n = 0;
    if (word == "cpu") {
      ReadCpu(line, &whole_, host->whole(), *host, emit);
    } else if (word.starts_with("cpu")) {
      ++cores;
      if (!host->per_core || !ParseU64(word.substr(3), &n) || n > 4096) continue;
      if (per_core_.size() <= n) per_core_.resize(n + 1);
      Cpu& cpu = per_core_[n];
      if (cpu.hash == 0) {
        cpu.hash = base::Mix(host->seed, base::Hash64(word));
        cpu.own.set("cpu.logical_number", word.substr(3));
      }
      ReadCpu(line, &cpu, {cpu.hash, &host->resource, &cpu.own, host->boot_ns}, *host, emit);
    } else if (word == "ctxt" && ParseU64(NextWord(&line), &n)) {
      emit->Put(kSwitches, host->whole(), static_cast<double>(n));
    } else if (word == "processes" && ParseU64(NextWord(&line), &n)) {
      forks_ = n;
      emit->Put(kCreated, host->whole(), static_cast<double>(n));
    } else if (word == "procs_running" && ParseU64(NextWord(&line), &n)) {
      emit->Put(kRunning, host->whole(), static_cast<double>(n));
    } else if (word == "procs_blocked" && ParseU64(NextWord(&line), &n)) {
      emit->Put(kBlocked, host->whole(), static_cast<double>(n));
    }
  }
  host->cores = cores;
  if (cores > 0) emit->Put(kCores, host->whole(), cores);
}

void SystemFiles::ReadLoad(const Host& host, Emitter* emit) {
  if (load_.Read(&buffer_)) {
    std::string_view line = buffer_;
    for (const Def& def : kLoads) {
      double value = 0;
      if (ParseF64(NextWord(&line), &value)) emit->Put(def, host.whole(), value);
    }
  }
  if (uptime_.Read(&buffer_)) {
    std::string_view line = buffer_;
    double seconds = 0;
    if (ParseF64(NextWord(&line), &seconds)) emit->Put(kUptime, host.whole(), seconds);
  }
}

void SystemFiles::ReadMemory(const Host& host, Emitter* emit) {
  if (!memory_.Read(&buffer_)) return;
  enum { kTotal, kFreeMem, kAvail, kBuf, kCache, kReclaim, kSwapTotalRow, kSwapFreeRow, kRows };
  static constexpr std::string_view kNames[kRows] = {
      "MemTotal:", "MemFree:",      "MemAvailable:", "Buffers:",
      "Cached:",   "SReclaimable:", "SwapTotal:",    "SwapFree:"};
  std::uint64_t kib[kRows] = {};
  bool has[kRows] = {};
  std::string_view text = buffer_, line;
  while (NextLine(&text, &line)) {
    const std::string_view word = NextWord(&line);
    for (int i = 0; i < kRows; ++i) {
      if (word == kNames[i]) has[i] = ParseU64(NextWord(&line), &kib[i]);
    }
  }
  const Object object = host.whole();
  if (has[kTotal]) emit->Put(kLimit, object, FromKilo(kib[kTotal]));
  if (has[kFreeMem]) emit->Put(kFree, object, FromKilo(kib[kFreeMem]));
  if (has[kBuf]) emit->Put(kBuffers, object, FromKilo(kib[kBuf]));
  const std::uint64_t cached = kib[kCache] + kib[kReclaim];  // as free(1) counts it
  if (has[kCache]) emit->Put(kCached, object, FromKilo(cached));
  if (has[kAvail]) emit->Put(kAvailable, object, FromKilo(kib[kAvail]));
  const std::uint64_t unused = kib[kFreeMem] + kib[kBuf] + cached;
  if (has[kTotal] && has[kFreeMem] && has[kBuf] && has[kCache] && unused <= kib[kTotal]) {
    emit->Put(kUsed, object, FromKilo(kib[kTotal] - unused));
    emit->Put(kUsedShare, object,
              static_cast<double>(kib[kTotal] - unused) / static_cast<double>(kib[kTotal]));
  }
  if (has[kSwapTotalRow] && has[kSwapFreeRow] && kib[kSwapFreeRow] <= kib[kSwapTotalRow]) {
    emit->Put(kSwapUsed, object, FromKilo(kib[kSwapTotalRow] - kib[kSwapFreeRow]));
    emit->Put(kSwapFree, object, FromKilo(kib[kSwapFreeRow]));
  }
}

void SystemFiles::ReadVm(const Host& host, Emitter* emit) {
  if (!vm_.Read(&buffer_)) return;
  std::uint64_t faults = 0, major = 0, n = 0;
  bool has_faults = false, has_major = false;
  const Object object = host.whole();
  std::string_view text = buffer_, line;
  while (NextLine(&text, &line)) {
    if (!line.starts_with("pg") && !line.starts_with("ps") && !line.starts_with("oom")) continue;
    const std::string_view word = NextWord(&line);
    if (word == "pgfault") {
      has_faults = ParseU64(NextWord(&line), &faults);
    } else if (word == "pgmajfault") {
      has_major = ParseU64(NextWord(&line), &major);
    } else if (word == "pswpin" && ParseU64(NextWord(&line), &n)) {
      emit->Put(kSwapIn, object, static_cast<double>(n));
    } else if (word == "pswpout" && ParseU64(NextWord(&line), &n)) {
      emit->Put(kSwapOut, object, static_cast<double>(n));
    } else if (word == "oom_kill" && ParseU64(NextWord(&line), &n)) {
      emit->Put(kOomKills, object, static_cast<double>(n));
      if (oom_known_ && n > oom_kills_) {
        model::Event event{emit->now_ns(), "l3_host", "host.oom_kill", "node",           host.node,
                           "error",        {},        host.resource,   std::string(kVm), {}};
        event.message = "the kernel killed " + std::to_string(n - oom_kills_) +
                        " process(es) for lack of memory";
        event.attributes.set("count", std::to_string(n - oom_kills_));
        emit->batch()->events.push_back(std::move(event));
      }
      oom_kills_ = n;
      oom_known_ = true;
    }
  }
  if (has_major) emit->Put(kMajor, object, static_cast<double>(major));
  if (has_faults && has_major && major <= faults)
    emit->Put(kMinor, object, static_cast<double>(faults - major));
}

void SystemFiles::Reaches(std::vector<Reach>* out) const {
  for (const KeptFile* file : {&stat_, &load_, &memory_, &vm_}) out->push_back(ReachOf(*file));
}

}  // namespace strata::l3_host
