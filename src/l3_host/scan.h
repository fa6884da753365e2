// SPDX-License-Identifier: Apache-2.0
// Walking the text of /proc and /sys: lines, words and numbers as views, and a file that stays open
// between samples. Internal to `l3_host`. Nothing here allocates once the buffers are large enough.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace strata::l3_host {

// A file that is read again and again: it stays open, so that a sample costs one pread. One thread.
class KeptFile {
 public:
  KeptFile() = default;
  explicit KeptFile(std::string path) : path_(std::move(path)) {}
  KeptFile(KeptFile&& other) noexcept;
  KeptFile& operator=(KeptFile&& other) noexcept;
  ~KeptFile();

  // The whole file in `buffer`; false when it is absent or unreadable, and then errno_value() says
  // why. A file that was absent is looked for again at most every `kRetry` calls.
  bool Read(std::string* buffer) { return ReadUntil(buffer, false); }
  // The same for files that the kernel gives in one piece (those of one process, single values):
  // one system call.
  bool ReadOnce(std::string* buffer) { return ReadUntil(buffer, true); }
  int errno_value() const { return errno_; }
  const std::string& path() const { return path_; }
  void Close();

  static constexpr int kRetry = 30;

 private:
  bool ReadUntil(std::string* buffer, bool once);

  std::string path_;
  int fd_ = -1;
  int errno_ = 0;
  int skip_ = 0;  // calls until an absent file is looked for again
};

// Takes the next line off `text`; false at the end.
bool NextLine(std::string_view* text, std::string_view* line);
// Takes the next word (blanks and tabs separate) off `line`; "" at the end.
std::string_view NextWord(std::string_view* line);
bool ParseU64(std::string_view word, std::uint64_t* value);
bool ParseI64(std::string_view word, std::int64_t* value);
bool ParseF64(std::string_view word, double* value);
std::string_view Trimmed(std::string_view text);

}  // namespace strata::l3_host
