// SPDX-License-Identifier: Apache-2.0
// An input while it is read, decompressed on the way: for inputs too large to hold. Memory is a
// window and what was peeked, whatever the size. One thread at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace strata::base {

// Up to `n` bytes into `out`; 0 is the end. A failure may follow good bytes: what was given before
// it stands. Not called again after a failure or the end.
using ByteReader = std::function<Result<std::size_t>(char* out, std::size_t n)>;

class InputStream {
 public:
  InputStream(std::string name, ByteReader read) : name_(std::move(name)), read_(std::move(read)) {}

  const std::string& name() const { return name_; }  // path, or path!member
  // Up to `n` bytes; fewer than `n` only at the end, 0 is the end.
  Result<std::size_t> Read(char* out, std::size_t n);
  // The next bytes without taking them, fewer than `n` only at the end or before damage. Valid
  // until the next call.
  std::string_view Peek(std::size_t n);
  // All that is left; more than `max_bytes` is Code::exhausted.
  Result<std::string> Rest(std::size_t max_bytes);

 private:
  Result<std::size_t> Fill(char* out, std::size_t n);

  std::string name_;
  ByteReader read_;
  std::string peeked_;
  std::size_t at_ = 0;  // in peeked_
  Status failure_;      // what ended the source, told once the good bytes are read
  bool ended_ = false;
};

// Descriptor `fd` to its end; closes it when the reader goes.
ByteReader FdReader(int fd, std::string name);
// Decompresses while reading; `encoding` is "gzip" or "zstd". Input that ends inside its stream is
// Code::invalid ("cut short") after the bytes before the cut.
ByteReader Decompressing(std::string_view encoding, ByteReader from);

}  // namespace strata::base
