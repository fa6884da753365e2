// SPDX-License-Identifier: Apache-2.0
// Requests that could not be sent yet, oldest first: in segment files of a folder, or in memory
// where there is none. What Append accepted outlives the process (folder) and is handed out until
// Pop. One thread; one process per folder.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "base/status.h"

namespace strata::agent {

enum class Signal : std::uint8_t { metrics = 1, logs = 2, traces = 3 };

// One OTLP request, compressed, as it will be sent.
struct Request {
  Signal signal = Signal::metrics;
  std::string batch;     // x-strata-batch: the same in every attempt
  std::string encoding;  // of body: "zstd", "gzip"
  std::string body;
  std::uint32_t records = 0;
};

class Spool {
 public:
  // "" as folder: memory only. exists: another process uses the folder.
  static base::Result<std::unique_ptr<Spool>> Open(const std::string& folder,
                                                   std::uint64_t max_bytes);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // exhausted: no room left; failed: the disk said no. In both cases the request is not kept.
  base::Status Append(const Request& request);
  // The oldest request, nullptr when there is none. What is damaged on disk is skipped and counted
  // as malformed.
  const Request* Front();
  void Pop();

  bool empty() { return Front() == nullptr; }
  std::uint64_t bytes() const { return bytes_; }  // on disk or in memory
  bool durable() const { return !folder_.empty(); }

 private:
  struct Segment {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
  };
  Spool(std::string folder, std::uint64_t max_bytes)
      : folder_(std::move(folder)), max_bytes_(max_bytes) {}
  base::Status Recover();
  base::Status StartSegment();
  std::string PathOf(std::uint64_t number) const;
  bool LoadOldest();
  void DropOldest();

  std::string folder_;
  std::uint64_t max_bytes_;
  std::uint64_t bytes_ = 0;
  std::deque<Segment> segments_;  // oldest first; the last one may be the one written
  int lock_fd_ = -1, write_fd_ = -1;
  std::deque<Request> loaded_;  // of the oldest segment; memory only: all
  std::uint64_t loaded_number_ = 0;
};

}  // namespace strata::agent
