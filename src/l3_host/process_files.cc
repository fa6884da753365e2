// SPDX-License-Identifier: Apache-2.0
// Processes, from /proc/PID: stat, io, schedstat, fd, cgroup. Of the command line only the
// program's name is used.
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <string>

#include "base/clock.h"
#include "l3_host/l3_host.h"
#include "l3_host/sources.h"

namespace strata::l3_host {
namespace {

using model::Kind;

constexpr std::string_view kProcess = "l3_host:/proc/PID";
constexpr double kMatteringCores = 0.01;
constexpr std::size_t kTop = 20;
constexpr std::int64_t kLinger =
    60 * base::kSecond;                 // one that mattered is followed on for so long
constexpr std::size_t kMaxLooks = 512;  // of one scan, besides processes that are new
constexpr std::size_t kMaxPids = 65'536;

constexpr Def kUser = {"process.cpu.time", "s", Kind::counter, kProcess, {"cpu.mode", "user"}};
constexpr Def kSystem = {"process.cpu.time", "s", Kind::counter, kProcess, {"cpu.mode", "system"}};
constexpr Def kRss = {"process.memory.usage", "By", Kind::gauge, kProcess};
constexpr Def kThreads = {"process.thread.count", "{thread}", Kind::gauge, kProcess};
constexpr Def kMajorFaults = {"process.paging.faults",
                              "{fault}",
                              Kind::counter,
                              kProcess,
                              {"system.paging.fault.type", "major"}};
constexpr Def kReadBytes = {
    "process.disk.io", "By", Kind::counter, kProcess, {"disk.io.direction", "read"}};
constexpr Def kWriteBytes = {
    "process.disk.io", "By", Kind::counter, kProcess, {"disk.io.direction", "write"}};
constexpr Def kRunDelay = {"process.cpu.wait_time", "s", Kind::counter, kProcess};
constexpr Def kOpenFiles = {"process.unix.file_descriptor.count", "{file_descriptor}", Kind::gauge,
                            kProcess};
constexpr const Def* kAll[] = {&kUser,      &kSystem,     &kRss,      &kThreads,  &kMajorFaults,
                               &kReadBytes, &kWriteBytes, &kRunDelay, &kOpenFiles};

struct State {
  char letters[4];
  Def def;
};
constexpr Def Count(std::string_view state) {
  return {"system.process.count", "{process}", Kind::gauge, kProcess, {"process.state", state}};
}
// "running" and "blocked" stand in /proc/stat, fresher.
constexpr State kStates[] = {
    {"SI", Count("sleeping")}, {"Tt", Count("stopped")}, {"Z", Count("defunct")}};

}  // namespace

ProcessFiles::ProcessFiles(const Host& host, int max_processes, std::int64_t scan_every_ns)
    : max_processes_(max_processes), scan_every_ns_(scan_every_ns) {
  proc_fd_ = ::open(host.path("proc").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct statfs fs {};
  real_proc_ = proc_fd_ >= 0 && ::fstatfs(proc_fd_, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
  if (const long page = ::sysconf(_SC_PAGESIZE); page > 0)
    page_bytes_ = static_cast<std::size_t>(page);
}

ProcessFiles::~ProcessFiles() {
  if (proc_fd_ >= 0) ::close(proc_fd_);
}

// "26231 (a b ) ( c) R 5392 …": the name ends at the last parenthesis.
bool ProcessFiles::ParseStat(std::string_view text, Stat* stat) {
  const std::size_t open = text.find('('), close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close <= open)
    return false;
  stat->name = text.substr(open + 1, close - open - 1);
  std::string_view line = text.substr(close + 1);
  const std::string_view state = NextWord(&line);
  if (state.size() != 1) return false;
  stat->state = state[0];
  for (int field = 4; field <= 24; ++field) {
    const std::string_view word = NextWord(&line);
    if (word.empty()) return false;
    std::uint64_t* out = field == 12   ? &stat->major_faults
                         : field == 14 ? &stat->user_ticks
                         : field == 15 ? &stat->system_ticks
                         : field == 20 ? &stat->threads
                         : field == 22 ? &stat->start_ticks
                         : field == 24 ? &stat->rss_pages
                                       : nullptr;
    if (out != nullptr && !ParseU64(word, out)) return false;
  }
  return true;
}

bool ProcessFiles::ReadAt(int pid, const char* file) {
  char path[64];
  std::snprintf(path, sizeof path, "%d/%s", pid, file);
  const int fd = ::openat(proc_fd_, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  buffer_.resize(std::max<std::size_t>(buffer_.capacity(), 4096));
  const ssize_t n = ::read(fd, buffer_.data(), buffer_.size());
  ::close(fd);
  buffer_.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return n > 0;
}

void ProcessFiles::Read(const Host& host, Emitter* emit) {
  if (proc_fd_ < 0) return;
  if (scan_ == 0 || emit->now_ns() - scanned_ns_ >= scan_every_ns_) {
    Scan(host, emit);
    Choose(emit);
    CountStates(host, emit);
    scanned_ns_ = emit->now_ns();
  }
  for (auto it = followed_.begin(); it != followed_.end();) {
    if (Follow(host, it->first, &it->second, emit)) {
      ++it;
    } else {
      End(it->second, emit);
      it = followed_.erase(it);
    }
  }
}

void ProcessFiles::Scan(const Host& host, Emitter* emit) {
  ++scan_;
  pids_.clear();
  {
    const int again = ::openat(proc_fd_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (again < 0) return;
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(again), ::closedir);
    if (folder == nullptr) return;
    while (const dirent* entry = ::readdir(folder.get())) {
      const std::string_view name = entry->d_name;
      int pid = 0;
      const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
      if (error != std::errc() || end != name.data() + name.size() || pids_.size() >= kMaxPids)
        continue;
      pids_.push_back(pid);
    }
  }
  std::size_t looks = 0;
  const std::size_t n = pids_.size();
  const std::size_t begin = n == 0 ? 0 : cursor_ % n;
  cursor_ = n <= kMaxLooks ? 0 : (begin + kMaxLooks) % n;
  for (std::size_t i = 0; i < n; ++i) {
    const int pid = pids_[(begin + i) % n];
    const auto [it, fresh] = processes_.try_emplace(pid);
    it->second.scan = scan_;
    if (followed_.contains(pid)) continue;  // is looked at anyway
    if (fresh || looks++ < kMaxLooks) Look(host, pid, emit->now_ns(), &it->second);
  }
  for (auto it = processes_.begin(); it != processes_.end();)
    it = it->second.scan != scan_ ? processes_.erase(it) : std::next(it);
}

void ProcessFiles::Look(const Host& host, int pid, std::int64_t now_ns, Process* process) {
  Stat stat;
  if (ReadAt(pid, "stat") && ParseStat(buffer_, &stat)) Note(host, stat, now_ns, process);
}

void ProcessFiles::Note(const Host& host, const Stat& stat, std::int64_t now_ns, Process* process) {
  const std::uint64_t ticks = stat.user_ticks + stat.system_ticks;
  if (process->seen_ns == 0 || stat.start_ticks != process->start_ticks ||
      ticks < process->cpu_ticks) {
    const double born_s = static_cast<double>(host.boot_ns) / 1e9 +
                          static_cast<double>(stat.start_ticks) / host.ticks_per_s;
    const double lived_s = static_cast<double>(now_ns) / 1e9 - born_s;
    process->cores = host.boot_ns > 0 && lived_s > 0
                         ? static_cast<double>(ticks) / host.ticks_per_s / lived_s
                         : 0;
    process->cpu_ticks = ticks;
    process->seen_ns = now_ns;
  } else if (now_ns - process->seen_ns >=
             base::kSecond * 9 / 10) {  // ticks are too coarse for less
    process->cores = static_cast<double>(ticks - process->cpu_ticks) / host.ticks_per_s /
                     (static_cast<double>(now_ns - process->seen_ns) / 1e9);
    process->cpu_ticks = ticks;
    process->seen_ns = now_ns;
  }
  process->start_ticks = stat.start_ticks;
  process->rss_pages = stat.rss_pages;
  process->state = stat.state;
}

// Marks those that matter now, follows them, and lets go of those that have not mattered for a
// while.
void ProcessFiles::Choose(Emitter* emit) {
  const std::int64_t now = emit->now_ns();
  const auto mark_top = [&](auto weight, double always) {
    order_.clear();
    for (const auto& [pid, process] : processes_) {
      if (const double w = weight(process); w > 0) order_.emplace_back(w, pid);
    }
    const std::size_t top = std::min(kTop, order_.size());
    std::partial_sort(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(top),
                      order_.end(), std::greater<>());
    for (std::size_t i = 0; i < order_.size(); ++i) {
      if (i < top || order_[i].first >= always) processes_[order_[i].second].mattered_ns = now;
    }
  };
  mark_top([](const Process& p) { return static_cast<double>(p.rss_pages); }, 1e300);
  mark_top([](const Process& p) { return p.cores; }, kMatteringCores);
  for (auto it = followed_.begin(); it != followed_.end();) {
    const auto process = processes_.find(it->first);
    if (process == processes_.end() || now - process->second.mattered_ns > kLinger) {
      End(it->second, emit);
      it = followed_.erase(it);
    } else {
      ++it;
    }
  }
  // Most CPU first, as order_ stands.
  for (const auto& [cores, pid] : order_) {
    if (static_cast<int>(followed_.size()) >= max_processes_) break;
    if (processes_[pid].mattered_ns == now) followed_.try_emplace(pid);
  }
  for (const auto& [pid, process] : processes_) {
    if (static_cast<int>(followed_.size()) >= max_processes_) break;
    if (process.mattered_ns == now) followed_.try_emplace(pid);
  }
}

void ProcessFiles::Start(const Host& host, int pid, const Stat& stat, Followed* followed) {
  const std::string name(stat.name);
  const std::string number = std::to_string(pid);
  followed->name = name;
  followed->start_ticks = stat.start_ticks;
  followed->start_ns =
      host.boot_ns == 0
          ? 0
          : host.boot_ns + static_cast<std::int64_t>(static_cast<double>(stat.start_ticks) /
                                                     host.ticks_per_s * 1e9);
  followed->hash = base::Mix(base::Mix(host.seed, base::Mix(7, static_cast<std::uint64_t>(pid))),
                             base::Hash64(name, stat.start_ticks));
  followed->resource = host.resource;
  followed->resource.set("process.pid", number);
  followed->resource.set("process.executable.name", name);
  const std::string folder = host.path("proc/") + number;
  if (followed->io.path().empty()) {
    followed->io = KeptFile(folder + "/io");
    followed->schedstat = KeptFile(folder + "/schedstat");
  }
  if (ReadAt(pid, "cgroup")) {
    const Cgroup cgroup = ParseCgroup(buffer_);
    if (!cgroup.container.empty()) followed->resource.set("container.id", cgroup.container);
    if (!cgroup.pod_uid.empty()) followed->resource.set("k8s.pod.uid", cgroup.pod_uid);
  }
}

bool ProcessFiles::Follow(const Host& host, int pid, Followed* followed, Emitter* emit) {
  if (followed->stat.path().empty())
    followed->stat = KeptFile(host.path("proc/") + std::to_string(pid) + "/stat");
  Stat stat;
  if (!followed->stat.ReadOnce(&buffer_) || !ParseStat(buffer_, &stat)) return false;
  const bool fresh = followed->hash == 0;
  if (!fresh && stat.start_ticks != followed->start_ticks)
    return false;  // another process under the same number
  Note(host, stat, emit->now_ns(), &processes_[pid]);
  const double user_s = static_cast<double>(stat.user_ticks) / host.ticks_per_s;
  const double system_s = static_cast<double>(stat.system_ticks) / host.ticks_per_s;
  const Stat numbers = stat;  // its name points into buffer_
  if (fresh || stat.name != followed->name) {
    if (!fresh) End(*followed, emit);  // it has become another program
    const std::string name(stat.name);
    stat.name = name;
    Start(host, pid, stat, followed);
  }
  const Object object = followed->object();
  emit->Put(kUser, object, user_s);
  emit->Put(kSystem, object, system_s);
  emit->Put(kRss, object,
            static_cast<double>(numbers.rss_pages) * static_cast<double>(page_bytes_));
  emit->Put(kThreads, object, static_cast<double>(numbers.threads));
  emit->Put(kMajorFaults, object, static_cast<double>(numbers.major_faults));
  std::uint64_t n = 0;
  if (followed->schedstat.ReadOnce(&buffer_)) {
    std::string_view line = buffer_;
    NextWord(&line);  // time on a processor
    if (ParseU64(NextWord(&line), &n)) emit->Put(kRunDelay, object, static_cast<double>(n) / 1e9);
  }
  if (followed->io.ReadOnce(&buffer_)) {
    std::string_view text = buffer_, line;
    while (NextLine(&text, &line)) {
      const std::string_view key = NextWord(&line);
      if (key == "read_bytes:" && ParseU64(NextWord(&line), &n))
        emit->Put(kReadBytes, object, static_cast<double>(n));
      if (key == "write_bytes:" && ParseU64(NextWord(&line), &n))
        emit->Put(kWriteBytes, object, static_cast<double>(n));
    }
  } else if (followed->io.errno_value() == EACCES) {
    followed->denied = true;
  }
  CountOpenFiles(pid, *followed, emit);
  return true;
}

// Since Linux 6.2 the size of the folder is the number of open files; counting them costs more and
// is done with a scan.
void ProcessFiles::CountOpenFiles(int pid, const Followed& followed, Emitter* emit) {
  char path[64];
  std::snprintf(path, sizeof path, "%d/fd", pid);
  struct stat facts {};
  if (real_proc_ && ::fstatat(proc_fd_, path, &facts, 0) == 0 && facts.st_size > 0) {
    // The size is told to everybody, as 0 where it may not be read.
    emit->Put(kOpenFiles, followed.object(), static_cast<double>(facts.st_size));
    return;
  }
  if (emit->now_ns() != scanned_ns_) return;
  const int fd = ::openat(proc_fd_, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(fd), ::closedir);
  if (folder == nullptr) return;
  int count = 0;
  while (const dirent* entry = ::readdir(folder.get())) count += entry->d_name[0] != '.' ? 1 : 0;
  emit->Put(kOpenFiles, followed.object(), count);
}

void ProcessFiles::End(const Followed& followed, Emitter* emit) {
  if (followed.hash == 0) return;
  for (const Def* def : kAll) emit->End(*def, followed.object());
}

void ProcessFiles::CountStates(const Host& host, Emitter* emit) {
  std::size_t counts[std::size(kStates)] = {};
  for (const auto& [pid, process] : processes_) {
    for (std::size_t i = 0; i < std::size(kStates); ++i) {
      if (std::string_view(kStates[i].letters).find(process.state) != std::string_view::npos)
        ++counts[i];
    }
  }
  for (std::size_t i = 0; i < std::size(kStates); ++i)
    emit->Put(kStates[i].def, host.whole(), static_cast<double>(counts[i]));
}

void ProcessFiles::Reaches(std::vector<Reach>* out) const {
  const bool denied = std::any_of(followed_.begin(), followed_.end(),
                                  [](const auto& f) { return f.second.denied; });
  Reach reach{"/proc/PID", !processes_.empty(), processes_.empty() ? "no process below proc" : ""};
  if (denied)
    reach.why =
        "disk traffic of other users' processes is hidden: run as root or with CAP_SYS_PTRACE";
  out->push_back(std::move(reach));
}

}  // namespace strata::l3_host
