// SPDX-License-Identifier: Apache-2.0
#include "agent/tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/drop.h"

namespace strata::agent {

Tail::~Tail() { Close(); }

void Tail::Close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool Tail::Open() {
  fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat facts {};
  if (fd_ < 0 || ::fstat(fd_, &facts) != 0) {
    error_ = std::strerror(errno);
    Close();
    return false;
  }
  error_.clear();
  rest_.clear();
  skipping_ = false;
  inode_ = facts.st_ino;
  const bool resumed =
      resume_inode_ == inode_ && resume_offset_ <= static_cast<std::uint64_t>(facts.st_size);
  offset_ = resumed ? resume_offset_ : 0;
  resume_inode_ = 0;
  return true;
}

bool Tail::Poll(const std::function<void(std::string_view lines)>& take) {
  struct stat now {};
  const bool there = ::stat(path_.c_str(), &now) == 0;
  if (fd_ >= 0 && there && static_cast<std::uint64_t>(now.st_ino) == inode_ &&
      static_cast<std::uint64_t>(now.st_size) < offset_) {
    offset_ = 0;  // cut back: written anew
    rest_.clear();
  }
  if (fd_ < 0 && !Open()) return false;
  error_ = there ? "" : "the file is gone";  // what its writer still adds is read all the same
  std::size_t had = rest_.size(), total = 0;
  while (total < kMaxRead) {
    rest_.resize(had + 65536);
    const ssize_t n = ::pread(fd_, rest_.data() + had, 65536, static_cast<off_t>(offset_));
    rest_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    had += static_cast<std::size_t>(n);
    total += static_cast<std::size_t>(n);
    offset_ += static_cast<std::uint64_t>(n);
  }
  // The old file is read to its end before the new one under the name is opened.
  if (total == 0 && there && static_cast<std::uint64_t>(now.st_ino) != inode_) {
    Close();
    return Open() && Poll(take);
  }
  if (skipping_) {
    const std::size_t end = rest_.find('\n');
    rest_.erase(0, end == std::string::npos ? rest_.size() : end + 1);
    skipping_ = end == std::string::npos;
  }
  const std::size_t last = rest_.rfind('\n');
  if (last == std::string::npos) {
    if (rest_.size() > kMaxLine) {
      base::Drop(base::Reason::oversize);
      rest_.clear();
      skipping_ = true;
    }
    return false;
  }
  take(std::string_view(rest_).substr(0, last + 1));
  rest_.erase(0, last + 1);
  return true;
}

}  // namespace strata::agent
