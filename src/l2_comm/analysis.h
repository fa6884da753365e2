// SPDX-License-Identifier: Apache-2.0
// All collectives of one communicator in one window (a minute) become an answer: how fast the data
// moved, who waited for whom, who came last again and again, and whether its work or its link was
// late. Pure, one owner. Cost O(ranks) per collective, memory bounded by most_parts whatever the
// rows claim. The formulas: README.md.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/drop.h"
#include "model/batch.h"

namespace strata::l2_comm {

inline constexpr std::int32_t kMostRanks = 16384;  // a row that claims more is refused
inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// Bytes that nccl-tests divide by the time: a row tells the count of one rank, which for the
// gathering operations is the nranks-th part of the message.
double MessageBytes(std::string_view operation, std::uint64_t bytes, std::int32_t nranks);

// Only these let all ranks go at about the same time: AllReduce, AllGather, ReduceScatter,
// AllToAll, Barrier.
bool Synchronises(std::string_view operation);

struct AnalysisOptions {
  std::size_t most_parts = 4'000'000;  // rows kept (24 bytes each); beyond it every 2nd, 4th, …
                                       // sequence number
  // A straggler, all of:
  std::uint32_t least_collectives = 8;  // judged, and in which it came last
  double least_deviation = 5;           // robust z of its mean lateness over its peers
  double least_last_ratio = 0.1;        // and four deviations above pure chance
  double least_lost_share = 0.25;       // of what all collectives lost by waiting for the last
  double least_lost_ratio = 0.01;       // of the window's time
};

struct RankFacts {
  std::int32_t rank = -1;
  std::string gpu, node;  // "" = not told
  std::uint32_t judged = 0;
  double wait_mean_s = kUnknown, wait_max_s = kUnknown;
  double lateness_mean_s = kUnknown, lateness_max_s = kUnknown;
  // Robust z of its lateness over the other ranks', in the operation and size in which it lost
  // most.
  double deviation = kUnknown;
  double last_ratio = kUnknown;   // share of the judged collectives in which it came last
  double lost_s = kUnknown;       // the collectives could have begun so much earlier without it
  double left_late_s = kUnknown;  // how much later than its peers it left, mean; NaN = cannot be
                                  // told from its clock
  double left_deviation = kUnknown, left_last_ratio = kUnknown, left_lost_s = kUnknown;
  double clock_offset_s = kUnknown;  // NaN = could not be aligned: durations inverted
};

struct ClassFacts {  // one (operation, size class)
  std::string operation;
  std::uint64_t bytes = 0;  // messages of this many bytes and less than twice as many
  std::uint32_t collectives = 0;
  double time_p50_s = kUnknown;  // of the time without the waiting: the shortest over the ranks
  double algbw = kUnknown, busbw = kUnknown;  // By/s, median over the collectives
  double total_bytes = 0;
};

enum class LateKind : std::uint8_t {
  compute,        // it arrives late and leaves with the others
  communication,  // it arrives with the others and leaves late
};
struct Straggler {
  LateKind kind = LateKind::compute;
  std::int32_t rank = -1, peer = -1;  // peer: the other end of a slow link, where two stand out
  std::string gpu, node;
  std::string operation;                 // to which it is late
  double lateness_s = 0;                 // mean, to these
  double deviation = 0, last_ratio = 0;  // likewise
  double lost_s = 0, lost_ratio = 0;     // of the window
  double lost_share = 0;                 // of what all collectives lost
  std::uint32_t last = 0;                // collectives
};

struct CommReport {
  std::vector<RankFacts> ranks;  // those seen, by rank
  std::vector<ClassFacts> classes;
  std::vector<Straggler> stragglers;  // worst first
  std::int32_t nranks = 0;            // the largest told, else seen
  std::uint32_t collectives = 0, judged = 0;
  std::uint32_t partial = 0;        // without a row of every rank
  std::uint32_t mismatched = 0;     // ended, though ranks told different sizes
  std::uint32_t stride = 1;         // every n-th sequence number was kept
  double aligned_ratio = kUnknown;  // share of judged arrivals by aligned clocks, the rest by
                                    // inverted durations
  double span_s = kUnknown;         // first arrival to last end
  double lost_s = 0;                // by waiting for the last, over all judged collectives
  base::Refusals refused;
};

class CommWindow {
 public:
  explicit CommWindow(AnalysisOptions options = {}) : options_(options) {}

  // Rows of one communicator, in any order; cheapest when those of one collective follow each
  // other. Refused and counted: a rank outside 0…nranks-1, more than kMostRanks, a duration that is
  // no number, negative or longer than a day.
  void Add(const model::Collective& row);
  CommReport Finish();  // may be called again after more rows

  // One rank's part in a collective; of a row that is open only that it was seen.
  struct Part {
    std::uint32_t group;
    std::int32_t rank;
    std::int64_t start_ns;
    double duration_s;  // NaN = open
  };
  struct Group {  // one collective
    std::string operation;
    std::uint64_t seq = 0, bytes = 0;
    std::uint32_t parts = 0;
    bool mismatched = false;
  };

 private:
  friend class Analyst;
  void Thin();
  std::uint32_t GroupOf(const model::Collective& row);

  AnalysisOptions options_;
  std::vector<Part> parts_;
  std::vector<Group> groups_;
  std::unordered_map<std::string, std::unordered_map<std::uint64_t, std::uint32_t>> index_;
  std::uint32_t last_group_ = 0;
  std::uint64_t stride_ = 1;
  std::int32_t nranks_ = 0, seen_ranks_ = 0;
  std::vector<std::pair<std::string, std::string>> names_;  // by rank: gpu, node
  base::Refusals refused_;
};

}  // namespace strata::l2_comm
