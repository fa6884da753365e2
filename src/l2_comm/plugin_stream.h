// SPDX-License-Identifier: Apache-2.0
// What one process's NCCL profiler plugin sends (docs/format/nccl-plugin.md), as rows of
// `collectives`. One object per connection, one thread; memory is bounded whatever a frame claims.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/status.h"
#include "model/batch.h"
#include "wire/decode.h"

namespace strata::l2_comm {

// Cumulative, as the plugin counts them since its process started.
struct PluginCounts {
  std::uint64_t recorded = 0, pool_full = 0, unheard = 0, stale = 0, abandoned = 0, homeless = 0,
                inferred = 0;
  std::uint64_t lost() const { return pool_full + unheard + homeless; }
};

struct PluginCommunicator {
  std::string id;    // "0x9e7a479f95a66c", as NCCL Inspector and RAS print it
  std::string name;  // given by the program; may be empty
  std::int32_t rank = -1, nranks = 0, nnodes = 0;  // 0 = not told
  int abi = 0;
  std::string gpu;  // "GPU-…", "" = not told
};

class PluginStream {
 public:
  static constexpr std::size_t kMaxFrame = 65'536;
  static constexpr std::size_t kMaxCommunicators = 4096;

  // One frame. Rows go to batch->collectives, communicators to batch->entities; node and origin
  // come from the context. Not ok when the frame is refused as a whole (counted as malformed or
  // unsupported); records that cannot be used are counted one by one.
  base::Status Decode(std::string_view frame, const wire::Context& context, model::Batch* batch);

  std::uint32_t pid() const { return pid_; }
  const std::string& host() const { return host_; }
  const PluginCounts& counts() const { return counts_; }
  std::uint64_t frames() const { return frames_; }
  std::uint64_t missing_frames() const { return missing_; }  // by their numbers
  std::uint64_t events() const { return events_; }           // open and done
  const std::unordered_map<std::uint32_t, PluginCommunicator>& communicators() const {
    return communicators_;
  }

 private:
  // The GPU's clock against the host's: the smallest host time less GPU time of this and the last
  // minute.
  struct Offset {
    std::int64_t minute = 0, now = kUnknown, before = kUnknown;
    static constexpr std::int64_t kUnknown = INT64_MAX;
    std::int64_t best() const { return now < before ? now : before; }
  };
  void Process(std::string_view record);
  void NewCommunicator(std::string_view record, const wire::Context& context, model::Batch* batch);
  void Event(std::string_view record, const wire::Context& context, model::Batch* batch);
  void Times(std::string_view record, const PluginCommunicator& c, model::Collective* row);

  std::uint32_t pid_ = 0;
  std::string host_;
  PluginCounts counts_;
  std::uint64_t frames_ = 0, missing_ = 0, next_ = 0, events_ = 0;
  std::unordered_map<std::uint32_t, PluginCommunicator> communicators_;
  std::unordered_map<std::string, Offset> offsets_;  // by GPU, or by communicator
};

// Bytes of an element of a datatype as NCCL spells it; 0 = not known.
std::uint64_t DatatypeBytes(std::string_view name);

}  // namespace strata::l2_comm
