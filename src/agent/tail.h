// SPDX-License-Identifier: Apache-2.0
// Follows a file as it grows, like tail -F: a new file under the name is read from its beginning,
// one that shrank as well. Whole lines only. What was read is remembered across restarts when a
// state file is given. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "model/batch.h"
#include "wire/decode.h"

namespace strata::agent {

// Turns whole lines into samples and events; called on the tailing thread, in order.
using LineDecoder =
    std::function<void(std::string_view lines, const wire::Context& context, model::Batch* batch)>;

struct TailFile {
  std::string path;
  std::string job;
  std::string kind;  // for the name of the source: "nccl-inspector", "train-log", "otlp"
  std::string layer;
  LineDecoder decode;
};

class Tail {
 public:
  static constexpr std::size_t kMaxRead = 4u << 20;  // of one Poll
  static constexpr std::size_t kMaxLine = 1u
                                          << 20;  // a longer one is dropped and counted as oversize

  explicit Tail(std::string path) : path_(std::move(path)) {}
  ~Tail();
  Tail(const Tail&) = delete;
  Tail& operator=(const Tail&) = delete;

  // Gives what has been added since, in whole lines; false when nothing was. An unreadable file
  // leaves a reason in error() and is looked for again with the next call.
  bool Poll(const std::function<void(std::string_view lines)>& take);
  const std::string& error() const { return error_; }

  // Where reading stands: inode and offset of the next line.
  std::uint64_t inode() const { return inode_; }
  std::uint64_t offset() const { return offset_ - rest_.size(); }
  void Resume(std::uint64_t inode, std::uint64_t offset) {
    resume_inode_ = inode, resume_offset_ = offset;
  }

 private:
  bool Open();
  void Close();

  std::string path_, rest_, error_;
  int fd_ = -1;
  bool skipping_ = false;  // inside a line that is too long
  std::uint64_t inode_ = 0, offset_ = 0;
  std::uint64_t resume_inode_ = 0, resume_offset_ = 0;
};

}  // namespace strata::agent
