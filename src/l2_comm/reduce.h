// SPDX-License-Identifier: Apache-2.0
// Keeps the stream of collectives of one node bounded. Up to `rows_per_s` every row is sent. Above,
// rows go on for what is open, for the newest of each operation, communicator and rank, and for a
// sample; all others become one histogram a second. Each collective is in exactly one of the two,
// so that counts and sums add up.
//
// The sample is chosen by communicator, operation and sequence number alone, one in 2^k: every
// agent takes the same collectives, and where agents differ in k the sparser sample is part of the
// denser one. So ranks can still be compared. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/batch.h"
#include "model/namer.h"

namespace strata::l2_comm {

struct ReducerOptions {
  double rows_per_s = 200;
  std::size_t max_groups = 4096;  // of a second; rows beyond are counted as series_limit
};

class CollectiveReducer {
 public:
  explicit CollectiveReducer(ReducerOptions options = {}) : options_(options) {}

  // Takes rows away from batch->collectives that will not be sent on their own. The rows before
  // `from` were looked at by an earlier call.
  void Reduce(std::int64_t now_ns, model::Batch* batch, std::size_t from = 0);
  // What was taken since the last call: histograms of comm.collective.duration, increments of
  // comm.collective.bytes, means of the bandwidths, and the newest rows. To be called about once a
  // second; sets the rate of the next second.
  void Flush(std::int64_t now_ns, model::Namer& namer, model::Batch* batch);

  std::uint64_t one_in() const { return one_in_; }

 private:
  struct Mean {
    double sum = 0;
    std::uint64_t n = 0;
  };
  struct Group {
    std::string communicator, operation, algorithm, protocol, size_class, node, origin;
    std::int32_t rank = -1, nranks = 0;
    std::uint64_t count = 0, bytes = 0;
    double sum = 0, min = 0, max = 0;
    std::vector<std::uint64_t> counts;
    Mean algbw, busbw;
  };
  bool Sampled(const model::Collective& row) const;
  void Fold(const model::Collective& row, model::Batch* batch);
  void Emit(std::int64_t now_ns, std::uint64_t key, const Group& group, model::Namer& namer,
            model::Batch* batch) const;

  ReducerOptions options_;
  std::uint64_t one_in_ = 1, seen_ = 0, kept_ = 0;
  std::int64_t since_ns_ = 0;
  std::unordered_map<std::uint64_t, Group> groups_;
  std::unordered_map<std::uint64_t, model::Collective> newest_;
};

// The smallest of 4KiB, 64KiB, 1MiB, 16MiB, 256MiB, 4GiB that holds so many bytes, else "more".
std::string_view SizeClass(std::uint64_t bytes);

}  // namespace strata::l2_comm
