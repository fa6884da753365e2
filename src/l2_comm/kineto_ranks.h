// SPDX-License-Identifier: Apache-2.0
// Sets the traces of several ranks of one job beside each other: which kernels are one collective,
// by how much each rank's clock is off, who waited for whom. Owned by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "l2_comm/kineto.h"
#include "model/batch.h"
#include "wire/decode.h"

namespace strata::l2_comm {

// What a rank came to over all collectives that all traced ranks of their group took part in.
struct RankTotal {
  std::int64_t rank = -1;
  double comm_s = 0, compute_s = 0;     // of the whole trace, NaN where there was no device
  double wait_s = 0;                    // inside collectives, for the last one
  double lateness_s = 0;                // what the others waited for it, mean over the others
  double clock_shift_s = 0;             // added to its clock to agree with the reference rank's
  std::uint64_t last = 0, matched = 0;  // collectives to which it came last; that were matched
};

struct RanksResult {
  std::size_t ranks = 0, groups = 0;  // traced; communicators that more than one of them shares
  std::uint64_t collectives = 0;      // matched over all ranks of their group
  std::uint64_t unmatched = 0;        // kernels that have no partner on some traced rank
  double lateness_s = 0;              // sum over ranks
  std::vector<RankTotal> per_rank;    // by rank
  std::vector<std::size_t> late;      // indices of those that held the others back, worst first
};

// A sequence of one rank's collectives in one group, as indices into KinetoTrace::comm.
struct RankSequence {
  std::size_t trace = 0;
  std::vector<std::uint32_t> comm;
  std::int64_t first = 0;     // number of the first one, so that equal numbers are one collective
  std::int64_t shift_ns = 0;  // to be added to this rank's clock within the group
  bool fits = true;           // it lies beside the group's longest sequence somewhere
};

class KinetoRanks {
 public:
  static constexpr std::size_t kMaxKernels = 1'500'000;  // communication kernels kept of all traces
  static constexpr std::size_t kMaxRows = 200'000;       // rows of `collectives` made of them

  // Keeps what later comparison needs. A rank that was there before, or has no number, stays out of
  // the comparison; its rows are made all the same.
  void Add(KinetoTrace trace);
  bool empty() const { return traces_.empty(); }
  std::size_t size() const { return traces_.size(); }
  // Numbers the collectives of each group alike on all ranks and compares them.
  RanksResult Compare();
  // After Compare: a row per rank and collective; beyond kMaxRows they are counted in
  // batch->refused as oversize.
  void Rows(const wire::Context& context, model::Batch* batch) const;

 private:
  struct Group {
    std::string name;
    std::vector<RankSequence> ranks;
  };
  void MakeGroups();
  void Compare(const Group& group, RanksResult* result);
  bool Meeting(const Group& group, std::size_t i, std::vector<model::Collective>* rows) const;

  std::vector<KinetoTrace> traces_;
  std::vector<bool> compared_;  // this trace takes part
  std::vector<Group> groups_;
  std::size_t kernels_ = 0;
};

// Finds how two sequences of one group lie beside each other: the number of `b`'s first collective
// when `a`'s first has number 0. Operations (and sizes where both tell) must agree; of those places
// the one where the ends differ most evenly is right, since ranks leave a collective together
// whatever their clocks say. `shift_ns` brings b's clock to a's. False when no place fits.
bool Align(const std::vector<CommKernel>& a, const std::vector<std::uint32_t>& a_comm,
           const std::vector<CommKernel>& b, const std::vector<std::uint32_t>& b_comm,
           std::int64_t* first, std::int64_t* shift_ns);

// The reports `kineto` and `collectives` of docs/reference/interface.md.
base::Json ReportOf(const KinetoTrace& trace);
base::Json ReportOf(const RanksResult& result);
// cuda.kernel.duration: a histogram per kernel name, the longest kMaxSeries in total and the rest
// as one.
inline constexpr std::size_t kMaxKernelSeries = 50;
void Histograms(const KinetoTrace& trace, const wire::Context& context, model::Batch* batch);

}  // namespace strata::l2_comm
