// SPDX-License-Identifier: Apache-2.0
// A segment is a file NNNNNNNNNNNN.spool of records: "STSP", signal, length of the encoding's name,
// two zero bytes, records (u32), length of the batch id (u32), length of the body (u32), XXH3-64 of
// what follows (u64), batch id, encoding, body; little endian. A record that is cut short or does
// not fit its hash ends the segment.
#include "agent/spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/drop.h"
#include "base/file.h"
#include "base/hash.h"

namespace strata::agent {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little endian");

constexpr char kMagic[4] = {'S', 'T', 'S', 'P'};
constexpr std::uint64_t kSegmentBytes = 4u << 20;
constexpr std::uint32_t kMaxBody = 64u << 20;

struct Header {
  char magic[4];
  std::uint8_t signal, encoding_bytes;
  std::uint8_t zero[2];
  std::uint32_t records, batch_bytes, body_bytes;
  std::uint32_t pad;
  std::uint64_t hash;
};
static_assert(sizeof(Header) == 32);

std::string Encode(const Request& request) {
  const std::string rest = request.batch + request.encoding + request.body;
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.signal = static_cast<std::uint8_t>(request.signal);
  header.encoding_bytes = static_cast<std::uint8_t>(request.encoding.size());
  header.records = request.records;
  header.batch_bytes = static_cast<std::uint32_t>(request.batch.size());
  header.body_bytes = static_cast<std::uint32_t>(request.body.size());
  header.hash = base::Hash64(rest, header.signal);
  std::string out(reinterpret_cast<const char*>(&header), sizeof header);
  return out + rest;
}

// Takes one record off `bytes`; false when what stands there is none.
bool Decode(std::string_view* bytes, Request* request) {
  Header header;
  if (bytes->size() < sizeof header) return false;
  std::memcpy(&header, bytes->data(), sizeof header);
  const std::uint64_t rest_bytes =
      std::uint64_t{header.batch_bytes} + header.encoding_bytes + header.body_bytes;
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.signal < 1 ||
      header.signal > 3)
    return false;
  if (header.body_bytes > kMaxBody || header.batch_bytes > 256 ||
      rest_bytes > bytes->size() - sizeof header)
    return false;
  const std::string_view rest = bytes->substr(sizeof header, rest_bytes);
  if (base::Hash64(rest, header.signal) != header.hash) return false;
  request->signal = static_cast<Signal>(header.signal);
  request->records = header.records;
  request->batch = rest.substr(0, header.batch_bytes);
  request->encoding = rest.substr(header.batch_bytes, header.encoding_bytes);
  request->body = rest.substr(header.batch_bytes + header.encoding_bytes);
  bytes->remove_prefix(sizeof header + rest_bytes);
  return true;
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

base::Result<std::unique_ptr<Spool>> Spool::Open(const std::string& folder,
                                                 std::uint64_t max_bytes) {
  std::unique_ptr<Spool> spool(new Spool(folder, max_bytes));
  if (!folder.empty()) RETURN_IF_ERROR(spool->Recover().With("spool"));
  return spool;
}

Spool::~Spool() {
  if (write_fd_ >= 0) ::close(write_fd_);
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

std::string Spool::PathOf(std::uint64_t number) const {
  char name[32];
  std::snprintf(name, sizeof name, "/%012llu.spool", static_cast<unsigned long long>(number));
  return folder_ + name;
}

base::Status Spool::Recover() {
  RETURN_IF_ERROR(base::MakeDirectories(folder_));
  const std::string lock = folder_ + "/lock";
  lock_fd_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_fd_ < 0) return base::FromErrno(lock);
  if (::flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    return {
        base::Code::exists,
        folder_ + " is used by another agent: end it, or give this one its own folder (--data)"};
  }
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder_, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::uint64_t number = 0;
    const auto [rest, failed] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (failed != std::errc() || std::string_view(rest) != ".spool") continue;
    segments_.push_back({number, it->file_size(error)});
    bytes_ += segments_.back().bytes;
  }
  if (error) return base::Failed(folder_ + ": " + error.message());
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& a, const Segment& b) { return a.number < b.number; });
  return {};
}

base::Status Spool::StartSegment() {
  if (write_fd_ >= 0) ::close(write_fd_);
  const std::uint64_t number = segments_.empty() ? std::max<std::uint64_t>(loaded_number_, 0) + 1
                                                 : segments_.back().number + 1;
  const std::string path = PathOf(number);
  write_fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
  if (write_fd_ < 0) return base::FromErrno(path);
  segments_.push_back({number, 0});
  return {};
}

base::Status Spool::Append(const Request& request) {
  if (!durable()) {
    if (bytes_ + request.body.size() > max_bytes_) return base::Exhausted("the queue is full");
    bytes_ += request.body.size();
    loaded_.push_back(request);
    return {};
  }
  const std::string record = Encode(request);
  if (bytes_ + record.size() > max_bytes_) return base::Exhausted(folder_ + " is full");
  const bool fresh = write_fd_ < 0 || segments_.empty() ||
                     segments_.back().bytes >= kSegmentBytes ||
                     (loaded_number_ == segments_.back().number && !loaded_.empty());
  if (fresh) RETURN_IF_ERROR(StartSegment());
  Segment& segment = segments_.back();
  if (!WriteAll(write_fd_, record) || ::fdatasync(write_fd_) != 0) {
    const base::Status status = base::FromErrno(PathOf(segment.number));
    // Half a record would hide those after it: go back to where it began.
    if (::ftruncate(write_fd_, static_cast<off_t>(segment.bytes)) != 0) {
      ::close(write_fd_);
      write_fd_ = -1;
    }
    return status;
  }
  segment.bytes += record.size();
  bytes_ += record.size();
  return {};
}

bool Spool::LoadOldest() {
  const Segment oldest = segments_.front();
  loaded_number_ = oldest.number;
  if (write_fd_ >= 0 && segments_.size() == 1) {  // what is read is not written any more
    ::close(write_fd_);
    write_fd_ = -1;
  }
  auto text = base::ReadFile(PathOf(oldest.number),
                             std::max<std::size_t>(oldest.bytes + kMaxBody, 1u << 20));
  if (!text.ok()) {
    base::Drop(base::Reason::malformed);
    DropOldest();
    return false;
  }
  std::string_view rest = *text;
  Request request;
  while (Decode(&rest, &request)) loaded_.push_back(std::move(request));
  if (!rest.empty())
    base::Drop(base::Reason::malformed);  // cut short when the machine stopped, or damaged
  if (loaded_.empty()) DropOldest();
  return !loaded_.empty();
}

void Spool::DropOldest() {
  bytes_ -= std::min(bytes_, segments_.front().bytes);
  std::error_code error;
  std::filesystem::remove(PathOf(segments_.front().number), error);
  segments_.pop_front();
}

const Request* Spool::Front() {
  while (loaded_.empty() && !segments_.empty()) LoadOldest();
  return loaded_.empty() ? nullptr : &loaded_.front();
}

void Spool::Pop() {
  if (Front() == nullptr) return;
  if (!durable()) bytes_ -= loaded_.front().body.size();
  loaded_.pop_front();
  if (durable() && loaded_.empty()) DropOldest();
}

}  // namespace strata::agent
