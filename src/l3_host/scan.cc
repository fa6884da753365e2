// SPDX-License-Identifier: Apache-2.0
#include "l3_host/scan.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

namespace strata::l3_host {

KeptFile::KeptFile(KeptFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      errno_(other.errno_),
      skip_(other.skip_) {}

KeptFile& KeptFile::operator=(KeptFile&& other) noexcept {
  if (this == &other) return *this;
  Close();
  path_ = std::move(other.path_);
  fd_ = std::exchange(other.fd_, -1);
  errno_ = other.errno_;
  skip_ = other.skip_;
  return *this;
}

KeptFile::~KeptFile() { Close(); }

void KeptFile::Close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool KeptFile::ReadUntil(std::string* buffer, bool once) {
  if (fd_ < 0) {
    if (skip_ > 0) {
      --skip_;
      return false;
    }
    fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) {
      errno_ = errno;
      skip_ = kRetry;
      return false;
    }
  }
  std::size_t used = 0;
  buffer->resize(buffer->capacity());
  for (;;) {
    if (buffer->size() - used < 1024)
      buffer->resize(std::max<std::size_t>(buffer->size() * 2, 8192));
    const ssize_t n =
        ::pread(fd_, buffer->data() + used, buffer->size() - used, static_cast<off_t>(used));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      errno_ = errno;
      Close();
      skip_ = kRetry;
      return false;
    }
    if (n == 0) break;
    used += static_cast<std::size_t>(n);
    if (once && used < buffer->size()) break;
  }
  buffer->resize(used);
  errno_ = 0;
  return true;
}

bool NextLine(std::string_view* text, std::string_view* line) {
  if (text->empty()) return false;
  const std::size_t end = text->find('\n');
  *line = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  return true;
}

std::string_view NextWord(std::string_view* line) {
  std::size_t begin = 0;
  while (begin < line->size() && ((*line)[begin] == ' ' || (*line)[begin] == '\t')) ++begin;
  std::size_t end = begin;
  while (end < line->size() && (*line)[end] != ' ' && (*line)[end] != '\t') ++end;
  const std::string_view word = line->substr(begin, end - begin);
  line->remove_prefix(end);
  return word;
}

namespace {
template <typename T>
bool ParseNumber(std::string_view word, T* value) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), *value);
  return error == std::errc() && end == word.data() + word.size();
}
}  // namespace

bool ParseU64(std::string_view word, std::uint64_t* value) { return ParseNumber(word, value); }
bool ParseI64(std::string_view word, std::int64_t* value) { return ParseNumber(word, value); }
bool ParseF64(std::string_view word, double* value) { return ParseNumber(word, value); }

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

}  // namespace strata::l3_host
