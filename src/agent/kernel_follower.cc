// SPDX-License-Identifier: Apache-2.0
// Documentation/ABI/testing/dev-kmsg: a read gives one record; EPIPE says that records were
// overwritten before they were read, the next read goes on with the oldest there is.
#include "agent/kernel_follower.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>

#include "base/clock.h"
#include "base/drop.h"
#include "base/file.h"
#include "base/json.h"

namespace strata::agent {
namespace {

constexpr std::int64_t kRetry = base::kMinute;
constexpr std::int64_t kBacklog = base::kDay;  // older than minutes may be closed again
constexpr std::size_t kMaxLine = 16384;        // the kernel's own limit is 8192
constexpr std::size_t kMaxKeys = 4096;

std::int64_t MonotonicNow() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);  // what printk's clock follows
  return now.tv_sec * base::kSecond + now.tv_nsec;
}

// "oom", or device and code of a fault; "" = no other source reports it.
std::string KeyOf(const model::Event& event, std::uint64_t* n) {
  *n = 1;
  if (event.event == "host.oom_kill") {
    const std::string_view count = event.attributes.get("count");
    std::from_chars(count.data(), count.data() + count.size(), *n);
    return "oom " + std::string(event.attributes.get("host.name"));
  }
  if (event.event != "gpu.fault.event" || event.entity_type != "gpu") return {};
  const std::string pci = l1_gpu::PciAddress(event.attributes.get("pci.address"));
  return "fault " + (pci.empty() ? event.entity : pci) + " " +
         std::string(event.attributes.get("code"));
}

}  // namespace

std::uint64_t Duplicates::New(const std::string& source, const std::string& key, std::uint64_t n,
                              std::int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  if (open_.size() >= kMaxKeys && !open_.contains(key)) open_.clear();
  std::deque<Open>& open = open_[key];
  while (!open.empty() && now_ns - open.front().ts > kWindow) open.pop_front();
  std::uint64_t left = n;
  for (Open& other : open) {
    if (other.source == source) continue;
    const std::uint64_t same = std::min(left, other.n);
    other.n -= same;
    left -= same;
  }
  std::erase_if(open, [](const Open& o) { return o.n == 0; });
  if (left > 0 && open.size() < kMaxKeys) open.push_back({source, left, now_ns});
  return left;
}

void Duplicates::Remove(std::int64_t now_ns, std::vector<model::Event>* events) {
  std::erase_if(*events, [&](model::Event& event) {
    std::uint64_t n = 1;
    const std::string key = KeyOf(event, &n);
    if (key.empty() || now_ns - event.ts > kWindow) return false;
    const std::uint64_t fresh = New(event.source, key, n, now_ns);
    if (fresh > 0 && fresh != n) event.attributes.set("count", std::to_string(fresh));
    return fresh == 0;
  });
}

KernelFollower::KernelFollower(KernelFollowerOptions options) : options_(std::move(options)) {
  while (options_.root.ends_with('/')) options_.root.pop_back();
  if (auto id = base::ReadFile(Path("proc/sys/kernel/random/boot_id"), 4096); id.ok()) {
    boot_id_ = *id;
    while (!boot_id_.empty() && boot_id_.back() == '\n') boot_id_.pop_back();
  }
}

KernelFollower::~KernelFollower() { Close(); }

std::string KernelFollower::Path(std::string_view below) const {
  return options_.root + "/" + std::string(below);
}

void KernelFollower::Close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  live_ = false;
}

// Asks for every device while all are well: one that fell off the bus does not tell any more.
void KernelFollower::LearnDevices() {
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir(Path("proc/driver/nvidia/gpus").c_str()),
                                                 ::closedir);
  if (list == nullptr) return;
  while (const dirent* entry = ::readdir(list.get())) {
    const std::string pci = l1_gpu::PciAddress(entry->d_name);
    if (!pci.empty()) UuidOf(pci);
  }
}

// "GPU UUID: \t GPU-…" of /proc/driver/nvidia/gpus/ADDRESS/information, readable by everyone.
std::string KernelFollower::UuidOf(const std::string& pci) {
  if (const auto it = uuids_.find(pci); it != uuids_.end()) return it->second;
  std::string uuid;
  auto text = base::ReadFile(Path("proc/driver/nvidia/gpus/" + pci + "/information"), 65536);
  if (text.ok()) {
    const std::size_t at = text->find("GPU-");
    if (at != std::string::npos)
      uuid = text->substr(at, text->find_first_not_of("GPU-0123456789abcdef", at) - at);
    if (uuid.size() < 8 || text->find("????") != std::string::npos) uuid.clear();
  }
  if (!uuid.empty() && uuids_.size() < kMaxKeys) uuids_[pci] = uuid;
  return uuid;
}

bool KernelFollower::Open(std::int64_t now_ns) {
  if (tried_ns_ != 0 && now_ns - tried_ns_ < kRetry) return false;
  tried_ns_ = now_ns;
  fd_ = ::open(Path("dev/kmsg").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd_ < 0) {
    detail_ = std::string("/dev/kmsg: ") + std::strerror(errno);
    if (errno == EPERM || errno == EACCES)
      detail_ += ": run the agent as root or give it CAP_SYSLOG; faults come from NVML alone";
    return false;
  }
  boot_ns_ = now_ns - MonotonicNow();
  if (auto text = base::ReadFile(options_.state_file, 65536);
      !options_.state_file.empty() && text.ok()) {
    if (auto state = base::ParseJson(*text);
        state.ok() && !boot_id_.empty() && (*state)["boot_id"].as_string() == boot_id_) {
      sequence_ = saved_ = (*state)["sequence"].as_int(-1);
      boot_ns_ = (*state)["boot_ns"].as_int(boot_ns_);  // the same record, the same time
    }
  }
  l1_gpu::KernelLogOptions log;
  log.node = options_.node;
  log.boot_ns = boot_ns_;
  log.uuid_of = [this](const std::string& pci) { return UuidOf(pci); };
  log_ = std::make_unique<l1_gpu::KernelLog>(std::move(log));
  LearnDevices();
  backlog_ = live_ = true;
  detail_.clear();
  return true;
}

void KernelFollower::Take(std::string_view lines, const wire::Context& context,
                          model::Batch* batch) {
  rest_.append(lines);
  std::size_t from = 0;
  for (std::size_t end = rest_.find('\n'); end != std::string::npos;
       from = end + 1, end = rest_.find('\n', from)) {
    l1_gpu::LogLine line =
        l1_gpu::ParseLogLine(std::string_view(rest_).substr(from, end - from), context.now_ns);
    if (line.sequence >= 0) {
      if (line.sequence <= sequence_) continue;  // taken before a restart
      if (sequence_ >= 0 && line.sequence > sequence_ + 1 && !backlog_)
        lost_ += static_cast<std::uint64_t>(line.sequence - sequence_ - 1);
      sequence_ = line.sequence;
    }
    const std::int64_t ts = boot_ns_ + static_cast<std::int64_t>(line.since_boot_s * 1e9);
    if (backlog_ && line.since_boot_s >= 0 && context.now_ns - ts > kBacklog) continue;
    // printk's clock is not disciplined: what comes now is of now, what stood there is by its
    // clock.
    if (!backlog_ && line.sequence >= 0) line.ts_ns = context.now_ns, line.zone_told = true;
    log_->TakeLine(line, context, batch);
  }
  rest_.erase(0, from);
  if (rest_.size() > kMaxLine) {
    base::Drop(base::Reason::oversize);
    rest_.clear();
  }
}

bool KernelFollower::Poll(int wait_ms, const wire::Context& context, model::Batch* batch) {
  if (fd_ < 0 && !Open(context.now_ns)) {
    ::poll(nullptr, 0, wait_ms);
    return false;
  }
  pollfd ready{fd_, POLLIN, 0};
  if (!backlog_) ::poll(&ready, 1, wait_ms);
  wire::Context now = context;
  if (!backlog_) now.now_ns = base::Clock::system().now_ns();
  buffer_.resize(kMaxLine);
  bool any = false;
  for (int records = 0; records < 20'000; ++records) {
    const ssize_t n = ::read(fd_, buffer_.data(), buffer_.size());
    if (n > 0) {
      any = true;
      last_ns_ = now.now_ns;
      Take(std::string_view(buffer_).substr(0, static_cast<std::size_t>(n)), now, batch);
      continue;
    }
    if (n < 0 && (errno == EINTR || errno == EPIPE)) continue;
    if (n < 0 && errno != EAGAIN) {
      detail_ = std::string("/dev/kmsg: ") + std::strerror(errno);
      Close();
      tried_ns_ = context.now_ns;
      return any;
    }
    backlog_ = false;
    checked_ns_ = now.now_ns;
    if (n == 0 && !any) ::poll(nullptr, 0, wait_ms);  // a plain file does not make us wait
    break;
  }
  return any;
}

model::SourceState KernelFollower::State() const {
  model::SourceState state{"kernel log", "l1_gpu", live_ ? "live" : "absent",
                           detail_,      last_ns_, {}};
  if (!live_) return state;
  // A kernel may be silent for days: what counts is that the log was looked at.
  state.last_ns = std::max(checked_ns_, last_ns_);
  if (last_ns_ > 0) state.detail = "last record " + base::FormatTime(last_ns_);
  if (lost_ > 0)
    state.detail +=
        "; " + std::to_string(lost_) + " records were overwritten before they were read";
  return state;
}

bool KernelFollower::Save() {
  if (options_.state_file.empty() || boot_id_.empty() || sequence_ == saved_) return false;
  base::Json state;
  state.set("boot_id", boot_id_).set("sequence", sequence_).set("boot_ns", boot_ns_);
  if (!base::ReplaceFile(options_.state_file, state.dump() + "\n").ok()) return false;
  saved_ = sequence_;
  return true;
}

}  // namespace strata::agent
