// SPDX-License-Identifier: Apache-2.0
// Follows the kernel's log at /dev/kmsg: what stands there since the machine started (a day at
// most), then what comes. Where it may not be read the source is absent with the reason. Also the
// rule for what two sources report. One thread, but Duplicates.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "l1_gpu/l1_gpu.h"
#include "model/batch.h"
#include "wire/decode.h"

namespace strata::agent {

// An Xid comes from NVML and from the kernel's log, a kill for memory from a counter and from the
// log: of one thing that two sources report the first report is kept. Counts what is open per key;
// bounded, thread-safe.
class Duplicates {
 public:
  static constexpr std::int64_t kWindow = 30'000'000'000;
  // `n` reports of `key` by `source` at `now_ns`: how many of them are new.
  std::uint64_t New(const std::string& source, const std::string& key, std::uint64_t n,
                    std::int64_t now_ns);
  // Takes away events of the batch that another source has reported.
  void Remove(std::int64_t now_ns, std::vector<model::Event>* events);

 private:
  struct Open {
    std::string source;
    std::uint64_t n = 0;
    std::int64_t ts = 0;
  };
  std::mutex mutex_;
  std::map<std::string, std::deque<Open>> open_;
};

struct KernelFollowerOptions {
  std::string root = "/";
  std::string node;
  std::string state_file;  // remembers what was read, across restarts; "" = nowhere
};

class KernelFollower {
 public:
  explicit KernelFollower(KernelFollowerOptions options);
  ~KernelFollower();
  KernelFollower(const KernelFollower&) = delete;
  KernelFollower& operator=(const KernelFollower&) = delete;

  // Opens the log if need be, waits at most `wait_ms` for a line and takes what is there; true when
  // lines came.
  bool Poll(int wait_ms, const wire::Context& context, model::Batch* batch);
  // Of a log that is read, `last_ns` is the last look; the last record's time stands in the detail.
  model::SourceState State() const;
  // Writes the state file; false when there is none or nothing is new.
  bool Save();

 private:
  bool Open(std::int64_t now_ns);
  void Close();
  void Take(std::string_view lines, const wire::Context& context, model::Batch* batch);
  void LearnDevices();
  std::string UuidOf(const std::string& pci);
  std::string Path(std::string_view below) const;

  KernelFollowerOptions options_;
  std::unique_ptr<l1_gpu::KernelLog> log_;
  std::map<std::string, std::string> uuids_;
  std::string boot_id_, detail_, rest_, buffer_;
  int fd_ = -1;
  bool live_ = false, backlog_ = true;
  std::int64_t boot_ns_ = 0, last_ns_ = 0, checked_ns_ = 0, tried_ns_ = 0;
  std::int64_t sequence_ = -1, saved_ = -1;  // of the last record taken
  std::uint64_t lost_ = 0;
};

}  // namespace strata::agent
