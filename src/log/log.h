// SPDX-License-Identifier: Apache-2.0
// The write-ahead log between the door and the engine: rows of a request are durable before the
// request is answered, and are handed on in segments, each until the taker says it has it. Format:
// docs/format/log.md. Append, Sync and Seal belong to one thread (the ingest thread); Sealed, Read
// and Done to another (the mover).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/status.h"

namespace strata::log {

struct Options {
  std::string dir;
  std::uint64_t max_bytes = 4ull << 30;  // of segments not yet handed on; beyond it Append refuses
  std::uint64_t segment_bytes = 32ull << 20;     // a segment is full beyond this
  std::int64_t remember_ns = 3'600'000'000'000;  // how long batch ids are known
};

// Rows of one table within one request; `table` is the taker's number.
struct Part {
  std::uint16_t table = 0;
  std::uint32_t rows = 0;
  std::string_view bytes;
};

// Rows of one table within one segment.
struct TablePart {
  std::uint16_t table = 0;
  std::uint64_t rows = 0;
  std::string bytes;
};

struct Facts {
  std::uint64_t segments = 0;        // sealed and not handed on
  std::uint64_t bytes = 0;           // of all segments on disk
  std::uint64_t active_rows = 0;     // in the segment being written
  std::uint64_t damaged_frames = 0;  // found at opening, cut off
  std::uint64_t recovered_rows = 0;  // found at opening
};

class Log {
 public:
  // Reads what an earlier process left: whole frames are kept, a torn tail is cut off and counted.
  // A second process on the same directory is refused (a lock file says which process has it).
  static base::Result<std::unique_ptr<Log>> Open(const Options& options, std::int64_t now_ns);
  ~Log();

  // Writes the rows of one request; durable only after Sync. On failure nothing of it remains in
  // the log. exhausted: the disk or the log is full, the sender must try again.
  base::Status Append(const base::Hash128& batch, std::int64_t received_ns,
                      std::span<const Part> parts);
  // fdatasync of everything appended. On failure what was appended since the last Sync must be
  // answered as failed.
  base::Status Sync();
  // Closes the segment being written so that it can be taken; nothing happens when it is empty.
  base::Status Seal();
  bool full() const;  // the active segment has reached segment_bytes

  // Was this batch appended within the last `remember_ns`?
  bool seen(const base::Hash128& batch, std::int64_t now_ns) const;

  std::vector<std::uint64_t> Sealed() const;  // oldest first
  // Rows per table of a sealed segment; frames after a damaged one are left out.
  base::Result<std::vector<TablePart>> Read(std::uint64_t segment) const;
  base::Status Done(std::uint64_t segment);  // every table has it: deleted
  // It cannot be taken: kept in the folder as <segment_name>.refused and never read again. Returns
  // that file.
  base::Result<std::string> SetAside(std::uint64_t segment);

  Facts facts() const;
  std::string segment_name(
      std::uint64_t segment) const;  // unique for ever: the dedup token's first half

  // Tests: called at "write", "sync", "seal"; true = fail there with ENOSPC.
  void set_fault_point(std::function<bool(std::string_view)> fault);

 private:
  struct State;
  explicit Log(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace strata::log
