// SPDX-License-Identifier: Apache-2.0
// How far each rank of each communicator has come, from rows as they arrive; and from that, while
// it hangs, which ranks wait in a collective and which did not enter it. One owner. A row costs a
// hash look-up; memory is bounded by kMostStates rank states (40 bytes each), the communicator that
// was silent longest goes first.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/drop.h"
#include "model/batch.h"

namespace strata::l2_comm {

// A collective is overdue when it has been open for this long, and for three times the longest that
// ended lately: whoever waits a minute for a checkpoint at every step does not hang.
inline constexpr std::int64_t kHangNs = 30 * base::kSecond;
inline constexpr double kHangOfLongest = 3;
// Nothing was heard of a communicator for so long: its job is gone, not hung.
inline constexpr std::int64_t kGoneNs = 30 * base::kMinute;

enum class HangKind : std::uint8_t {
  missing,  // ranks gave no sign of entering
  desync,   // ranks are in another operation, size or sequence number
  behind,   // all entered, most have left
  stuck,    // all entered, nobody has left: the transfer itself
};
std::string_view HangKindName(HangKind kind);

struct HangRank {
  std::int32_t rank = -1;
  std::string gpu, node;
  bool seen = true;            // false: no row of it has ever come
  std::int64_t last_seq = -1;  // of this operation; -1 = none
  std::string operation;       // the other one it waits in; "" = none known
  std::uint64_t seq = 0, bytes = 0;
};

struct Hang {
  HangKind kind = HangKind::missing;
  std::string communicator, operation;
  std::uint64_t seq = 0, bytes = 0;
  std::int32_t nranks = 0;
  std::int64_t since_ns = 0;          // the first rank entered
  std::vector<std::int32_t> waiting;  // entered and did not leave
  std::vector<HangRank> culprits;     // by rank; empty when stuck, or when both sides are as many
  // "AllReduce 17 (8 ranks) has not ended for 41 s: no sign of ranks 3, 5-6"
  std::string Text(std::int64_t now_ns) const;
};

// "3, 5-7, 9 and 12 more" of sorted ranks, at most `most` ranges.
std::string RankRanges(const std::vector<std::int32_t>& ranks, std::size_t most = 24);

class Progress {
 public:
  static constexpr std::size_t kMostStates = 4'000'000;
  explicit Progress(std::size_t most_states = kMostStates) : most_states_(most_states) {}

  // What cannot be (a rank outside 0…nranks-1, more than kMostRanks ranks) is refused and counted.
  // `heard_ns`: when the row came, by the same clock as now_ns below; 0 = as it says itself.
  void Add(const model::Collective& row, std::int64_t heard_ns = 0);
  // Communicators with a collective that is overdue, by the clock the rows were stamped with; at
  // most one each, that in which most ranks wait.
  std::vector<Hang> Hangs(std::int64_t now_ns) const;
  // Forgets communicators that were silent for kGoneNs.
  void Forget(std::int64_t now_ns);
  std::size_t communicators() const { return all_.size(); }
  std::int64_t newest_ns() const { return newest_ns_; }  // time of the newest row
  const base::Refusals& refused() const { return refused_; }

 private:
  struct State {  // of one rank in one operation; sequence numbers + 1, 0 = none
    std::uint64_t done = 0, entered = 0, open = 0, open_bytes = 0;
    std::int64_t open_ns = 0;
  };
  struct Communicator {
    std::map<std::string, std::vector<State>, std::less<>> operations;  // by rank
    std::vector<std::pair<std::string, std::string>> names;             // by rank: gpu, node
    std::vector<bool> seen;
    std::int32_t nranks = 0;
    std::int64_t heard_ns = 0;
    double longest_s = 0;  // lately: halves with every 256 that end
    std::uint32_t ended = 0;
    std::size_t states = 0;
    std::size_t open = 0;  // states with an open collective
  };
  void MakeRoom(const std::string& keep);
  static bool Look(const std::string& name, const Communicator& c, const std::string& operation,
                   const std::vector<State>& states, std::int64_t now_ns, Hang* out);
  static void Blame(const Communicator& c, const std::vector<State>& states, Hang* out);
  static HangRank RankOf(const Communicator& c, const std::vector<State>& states,
                         std::int32_t rank);

  std::size_t most_states_, states_ = 0;
  std::unordered_map<std::string, Communicator> all_;
  std::int64_t newest_ns_ = 0;
  base::Refusals refused_;
};

}  // namespace strata::l2_comm
