// SPDX-License-Identifier: Apache-2.0
// Segments are files NNNNNNNNNNNNNNNN.wal; frames carry a length and an XXH3 checksum. A segment's
// head holds a random token that goes into its name for the engine, so that a number that is used
// again never repeats an old token.
#include "log/log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <unordered_map>

#include "base/clock.h"
#include "base/file.h"

namespace strata::log {
namespace {

using base::FromErrno;
using base::Hash128;
using base::Result;
using base::Status;

constexpr char kMagic[8] = {'S', 'T', 'R', 'A', 'T', 'A', 'W', '1'};
constexpr std::size_t kFileHead = 16;     // magic, u64 token
constexpr std::size_t kFrameHead = 12;    // u32 length, u64 checksum
constexpr std::size_t kPayloadHead = 26;  // 16 batch, 8 received, 2 parts
constexpr std::size_t kPartHead = 10;     // 2 table, 4 rows, 4 length
constexpr std::size_t kMaxFrame = 512u << 20;

struct HashOfHash {
  std::size_t operator()(const Hash128& h) const { return h.low; }
};

template <typename T>
void Put(std::string* out, T v) {
  out->append(reinterpret_cast<const char*>(&v), sizeof v);
}

template <typename T>
T Get(const char* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// Calls `take(batch, received, parts)` for each whole frame; returns the offset after the last one.
std::size_t ForEachFrame(
    std::string_view file,
    const std::function<void(const Hash128&, std::int64_t, std::span<const Part>)>& take) {
  if (file.size() < kFileHead || std::memcmp(file.data(), kMagic, sizeof kMagic) != 0) return 0;
  std::size_t at = kFileHead;
  std::vector<Part> parts;
  while (file.size() - at >= kFrameHead) {
    const std::uint32_t length = Get<std::uint32_t>(file.data() + at);
    const std::uint64_t sum = Get<std::uint64_t>(file.data() + at + 4);
    if (length < kPayloadHead || length > kMaxFrame || file.size() - at - kFrameHead < length)
      break;
    const std::string_view payload = file.substr(at + kFrameHead, length);
    if (base::Hash64(payload) != sum) break;
    const Hash128 batch{Get<std::uint64_t>(payload.data()), Get<std::uint64_t>(payload.data() + 8)};
    const std::int64_t received = Get<std::int64_t>(payload.data() + 16);
    const std::uint16_t n = Get<std::uint16_t>(payload.data() + 24);
    parts.clear();
    std::size_t p = kPayloadHead;
    bool whole = true;
    for (std::uint16_t i = 0; i < n && whole; ++i) {
      whole = payload.size() - p >= kPartHead;
      if (!whole) break;
      const std::uint32_t bytes = Get<std::uint32_t>(payload.data() + p + 6);
      whole = payload.size() - p - kPartHead >= bytes;
      if (!whole) break;
      parts.push_back({Get<std::uint16_t>(payload.data() + p),
                       Get<std::uint32_t>(payload.data() + p + 2),
                       payload.substr(p + kPartHead, bytes)});
      p += kPartHead + bytes;
    }
    if (!whole || p != payload.size()) break;
    take(batch, received, parts);
    at += kFrameHead + length;
  }
  return at;
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void SyncDirectory(const std::string& dir) {
  const int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

struct Log::State {
  Options options;
  std::uint64_t token = 0;  // of the segment being written
  int lock_fd = -1;
  int fd = -1;                // the segment being written
  std::uint64_t active = 0;   // its number
  std::uint64_t written = 0;  // its length
  std::uint64_t rows = 0;
  std::string frame;         // reused
  std::uint64_t synced = 0;  // length known to be on disk
  std::vector<Hash128> unsynced;
  bool broken = false;  // an fdatasync failed: a new segment must be opened first
  std::function<bool(std::string_view)> fault;

  mutable std::mutex mutex;  // guards what follows; both threads use it
  struct Segment {
    std::uint64_t bytes = 0, token = 0;
  };
  std::map<std::uint64_t, Segment> sealed;
  std::unordered_map<Hash128, std::int64_t, HashOfHash> seen;
  std::deque<std::pair<std::int64_t, Hash128>> seen_order;
  int seen_fd = -1;
  std::int64_t seen_file_hour = 0;
  Facts facts;

  ~State() {
    for (const int f : {fd, seen_fd, lock_fd}) {
      if (f >= 0) ::close(f);
    }
  }

  Status Leave(std::uint64_t segment, const std::string& aside);

  std::string Path(std::uint64_t segment) const {
    char file[32];
    std::snprintf(file, sizeof file, "/%016llx.wal", static_cast<unsigned long long>(segment));
    return options.dir + file;
  }

  bool Fails(std::string_view point) {
    if (fault && fault(point)) {
      errno = ENOSPC;
      return true;
    }
    return false;
  }

  Status TakeLock() {
    const std::string path = options.dir + "/lock";
    lock_fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock_fd < 0) return FromErrno(path);
    if (::flock(lock_fd, LOCK_EX | LOCK_NB) != 0) {
      char text[32] = {};
      const ssize_t n = ::read(lock_fd, text, sizeof text - 1);
      const std::string who = n > 0 ? std::string(text, static_cast<std::size_t>(n)) : "unknown";
      return Status(base::Code::exists,
                    options.dir + ": another strata (process " + who +
                        ") uses this data directory: stop it or choose another --data");
    }
    const std::string pid = std::to_string(::getpid());
    if (::ftruncate(lock_fd, 0) != 0 || !WriteAll(lock_fd, pid)) return FromErrno(path);
    return Status::Ok();
  }

  void Remember(const Hash128& batch, std::int64_t at) {
    if (seen.emplace(batch, at).second) seen_order.emplace_back(at, batch);
    while (!seen_order.empty() && seen_order.front().first < at - options.remember_ns) {
      seen.erase(seen_order.front().second);
      seen_order.pop_front();
    }
  }

  // Batch ids of segments that are about to be deleted go to seen.<hour>; files older than the
  // memory are deleted.
  Status KeepSeen(const std::vector<std::pair<std::int64_t, Hash128>>& batches) {
    if (batches.empty()) return Status::Ok();
    const std::int64_t hour = batches.back().first / base::kHour;
    if (seen_fd < 0 || hour != seen_file_hour) {
      if (seen_fd >= 0) ::close(seen_fd);
      const std::string path = options.dir + "/seen." + std::to_string(hour);
      seen_fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
      if (seen_fd < 0) return FromErrno(path);
      seen_file_hour = hour;
      ::unlink(
          (options.dir + "/seen." + std::to_string(hour - 2 - options.remember_ns / base::kHour))
              .c_str());
    }
    std::string bytes;
    for (const auto& [at, batch] : batches) {
      Put(&bytes, at);
      Put(&bytes, batch.high);
      Put(&bytes, batch.low);
    }
    if (!WriteAll(seen_fd, bytes) || ::fdatasync(seen_fd) != 0)
      return FromErrno(options.dir + "/seen");
    return Status::Ok();
  }

  void LoadSeen(std::int64_t now_ns) {
    std::error_code error;
    std::vector<std::pair<std::int64_t, Hash128>> all;
    for (const auto& entry : std::filesystem::directory_iterator(options.dir, error)) {
      if (!entry.path().filename().string().starts_with("seen.")) continue;
      auto bytes = base::ReadFile(entry.path().string());
      if (!bytes.ok()) continue;
      for (std::size_t at = 0; at + 24 <= bytes->size(); at += 24) {
        const char* p = bytes->data() + at;
        const std::int64_t when = Get<std::int64_t>(p);
        if (when >= now_ns - options.remember_ns)
          all.push_back({when, {Get<std::uint64_t>(p + 8), Get<std::uint64_t>(p + 16)}});
      }
    }
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [when, batch] : all) Remember(batch, when);
  }

  // Whole frames of what an earlier process left; the torn tail of each file is cut off.
  Status Recover() {
    std::error_code error;
    std::vector<std::uint64_t> numbers;
    for (const auto& entry : std::filesystem::directory_iterator(options.dir, error)) {
      const std::string file = entry.path().filename().string();
      if (entry.path().extension() == ".wal")
        numbers.push_back(std::strtoull(file.c_str(), nullptr, 16));
    }
    if (error) return base::Failed(options.dir + ": " + error.message());
    std::sort(numbers.begin(), numbers.end());
    for (const std::uint64_t number : numbers) {
      const std::string path = Path(number);
      ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(path, 2u << 30));
      std::uint64_t frames = 0;
      const std::size_t good = ForEachFrame(
          bytes, [&](const Hash128& batch, std::int64_t received, std::span<const Part> parts) {
            Remember(batch, received);
            ++frames;
            for (const Part& part : parts) facts.recovered_rows += part.rows;
          });
      active = std::max(active, number + 1);
      if (good < bytes.size()) {
        ++facts.damaged_frames;
        if (frames > 0 && ::truncate(path.c_str(), static_cast<off_t>(good)) != 0)
          return FromErrno(path);
      }
      if (frames == 0) {
        ::unlink(path.c_str());
      } else {
        sealed[number] = {good, Get<std::uint64_t>(bytes.data() + sizeof kMagic)};
      }
    }
    return Status::Ok();
  }

  Status OpenSegment() {
    const std::string path = Path(active);
    fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return FromErrno(path);
    std::random_device random;
    token = (static_cast<std::uint64_t>(random()) << 32) | random();
    std::string head(kMagic, sizeof kMagic);
    Put(&head, token);
    if (Fails("write") || !WriteAll(fd, head)) {
      const Status failure = FromErrno(path);
      ::close(fd);
      ::unlink(path.c_str());
      fd = -1;
      return failure;
    }
    SyncDirectory(options.dir);
    written = kFileHead;
    synced = 0;
    unsynced.clear();
    rows = 0;
    broken = false;
    return Status::Ok();
  }

  std::uint64_t PendingBytes() const {
    std::uint64_t total = written;
    for (const auto& [number, segment] : sealed) total += segment.bytes;
    return total;
  }
};

Log::Log(std::unique_ptr<State> state) : state_(std::move(state)) {}
Log::~Log() = default;

Result<std::unique_ptr<Log>> Log::Open(const Options& options, std::int64_t now_ns) {
  auto state = std::make_unique<State>();
  state->options = options;
  RETURN_IF_ERROR(base::MakeDirectories(options.dir));
  RETURN_IF_ERROR(state->TakeLock());
  state->LoadSeen(now_ns);
  RETURN_IF_ERROR(state->Recover());
  return std::unique_ptr<Log>(new Log(std::move(state)));
}

Status Log::Append(const Hash128& batch, std::int64_t received_ns, std::span<const Part> parts) {
  State& s = *state_;
  if (s.broken) RETURN_IF_ERROR(Seal());
  std::string& frame = s.frame;
  frame.assign(kFrameHead, '\0');
  Put(&frame, batch.high);
  Put(&frame, batch.low);
  Put(&frame, received_ns);
  Put(&frame, static_cast<std::uint16_t>(parts.size()));
  std::uint64_t rows = 0;
  for (const Part& part : parts) {
    Put(&frame, part.table);
    Put(&frame, part.rows);
    Put(&frame, static_cast<std::uint32_t>(part.bytes.size()));
    frame.append(part.bytes);
    rows += part.rows;
  }
  if (frame.size() > kMaxFrame)
    return base::Exhausted("one request's rows are larger than 512 MiB: send smaller batches");
  const std::uint32_t length = static_cast<std::uint32_t>(frame.size() - kFrameHead);
  const std::uint64_t sum = base::Hash64(std::string_view(frame).substr(kFrameHead));
  std::memcpy(frame.data(), &length, sizeof length);
  std::memcpy(frame.data() + 4, &sum, sizeof sum);
  {
    const std::lock_guard lock(s.mutex);
    if (s.PendingBytes() + frame.size() > s.options.max_bytes) {
      return base::Exhausted("the log holds " + std::to_string(s.options.max_bytes) +
                             " bytes that the engine has not taken: is the engine running?");
    }
  }
  if (s.fd < 0) RETURN_IF_ERROR(s.OpenSegment());
  if (s.Fails("write") || !WriteAll(s.fd, frame)) {
    const Status failure = FromErrno(s.Path(s.active));
    if (::ftruncate(s.fd, static_cast<off_t>(s.written)) != 0 || ::lseek(s.fd, 0, SEEK_END) < 0)
      s.broken = true;
    return failure;
  }
  const std::lock_guard lock(s.mutex);
  s.written += frame.size();
  s.rows += rows;
  s.Remember(batch, received_ns);
  s.unsynced.push_back(batch);
  return Status::Ok();
}

Status Log::Sync() {
  State& s = *state_;
  if (s.fd < 0) return Status::Ok();
  if (s.Fails("sync") || ::fdatasync(s.fd) != 0) {
    // What could not be made durable is taken back, so that the sender's retry is not mistaken for
    // a duplicate.
    const Status failure = FromErrno(s.Path(s.active));
    s.broken = true;
    if (::ftruncate(s.fd, static_cast<off_t>(std::max<std::uint64_t>(s.synced, kFileHead))) == 0) {
      ::lseek(s.fd, 0, SEEK_END);
      const std::lock_guard lock(s.mutex);
      s.written = std::max<std::uint64_t>(s.synced, kFileHead);
    }
    const std::lock_guard lock(s.mutex);
    for (const Hash128& batch : s.unsynced) s.seen.erase(batch);
    s.unsynced.clear();
    return failure;
  }
  s.synced = s.written;
  s.unsynced.clear();
  return Status::Ok();
}

Status Log::Seal() {
  State& s = *state_;
  if (s.fd < 0) return Status::Ok();
  if (s.rows == 0 && !s.broken) return Status::Ok();
  if (s.Fails("seal")) return FromErrno(s.Path(s.active));
  ::fdatasync(s.fd);
  ::close(s.fd);
  s.fd = -1;
  const std::lock_guard lock(s.mutex);
  s.sealed[s.active] = {s.written, s.token};
  ++s.active;
  s.written = 0;
  s.rows = 0;
  s.broken = false;
  return Status::Ok();
}

bool Log::full() const { return state_->written >= state_->options.segment_bytes; }

bool Log::seen(const Hash128& batch, std::int64_t now_ns) const {
  const std::lock_guard lock(state_->mutex);
  const auto it = state_->seen.find(batch);
  return it != state_->seen.end() && it->second >= now_ns - state_->options.remember_ns;
}

std::vector<std::uint64_t> Log::Sealed() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, segment_facts] : state_->sealed) numbers.push_back(number);
  return numbers;
}

Result<std::vector<TablePart>> Log::Read(std::uint64_t segment) const {
  const std::string path = state_->Path(segment);
  ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(path, 2u << 30));
  std::map<std::uint16_t, TablePart> tables;
  ForEachFrame(bytes, [&](const Hash128&, std::int64_t, std::span<const Part> parts) {
    for (const Part& part : parts) {
      TablePart& t = tables[part.table];
      t.table = part.table;
      t.rows += part.rows;
      t.bytes.append(part.bytes);
    }
  });
  std::vector<TablePart> out;
  for (auto& [number, part] : tables) out.push_back(std::move(part));
  return out;
}

Status Log::Done(std::uint64_t segment) { return state_->Leave(segment, ""); }

Result<std::string> Log::SetAside(std::uint64_t segment) {
  std::string file = state_->options.dir + "/" + segment_name(segment) + ".refused";
  RETURN_IF_ERROR(state_->Leave(segment, file));
  return file;
}

// Its batches stay known; the file is deleted, or renamed where a name is given.
Status Log::State::Leave(std::uint64_t segment, const std::string& aside) {
  State& s = *this;
  const std::string path = s.Path(segment);
  std::vector<std::pair<std::int64_t, Hash128>> batches;
  auto bytes = base::ReadFile(path, 2u << 30);
  if (bytes.ok()) {
    ForEachFrame(*bytes, [&](const Hash128& batch, std::int64_t received, std::span<const Part>) {
      batches.emplace_back(received, batch);
    });
  }
  const std::lock_guard lock(s.mutex);
  RETURN_IF_ERROR(s.KeepSeen(batches));
  if ((aside.empty() ? ::unlink(path.c_str()) : ::rename(path.c_str(), aside.c_str())) != 0 &&
      errno != ENOENT)
    return FromErrno(path);
  s.sealed.erase(segment);
  return Status::Ok();
}

Facts Log::facts() const {
  const std::lock_guard lock(state_->mutex);
  Facts facts = state_->facts;
  facts.segments = state_->sealed.size();
  facts.bytes = state_->PendingBytes();
  facts.active_rows = state_->rows;
  return facts;
}

std::string Log::segment_name(std::uint64_t segment) const {
  const std::lock_guard lock(state_->mutex);
  const auto it = state_->sealed.find(segment);
  char name[40];
  std::snprintf(name, sizeof name, "%016llx-%llx",
                static_cast<unsigned long long>(it == state_->sealed.end() ? 0 : it->second.token),
                static_cast<unsigned long long>(segment));
  return name;
}

void Log::set_fault_point(std::function<bool(std::string_view)> fault) {
  state_->fault = std::move(fault);
}

}  // namespace strata::log
