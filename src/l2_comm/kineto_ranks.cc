// SPDX-License-Identifier: Apache-2.0
#include "l2_comm/kineto_ranks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/clock.h"
#include "l2_comm/analysis.h"
#include "l2_comm/l2_comm.h"

namespace strata::l2_comm {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kFarthest = 512;  // places tried to each side
constexpr std::size_t kProbe = 4096;     // collectives looked at for each place
// Below these nobody is called late: one collective proves nothing, and microseconds are noise.
constexpr std::uint64_t kFewCollectives = 4;
constexpr double kSmallShare = 0.02;  // of a rank's time in communication

std::int64_t EndOf(const CommKernel& kernel) { return kernel.from_ns + kernel.duration_ns; }

bool Same(const CommKernel& a, const CommKernel& b) {
  return a.operation == b.operation && (a.bytes < 0 || b.bytes < 0 || a.bytes == b.bytes);
}

std::int64_t Median(std::vector<std::int64_t>* values) {
  const auto middle = values->begin() + static_cast<std::ptrdiff_t>(values->size() / 2);
  std::nth_element(values->begin(), middle, values->end());
  return *middle;
}

// Median and median deviation of a's ends less b's, where b[j] stands beside a[j + first].
struct Fit {
  std::size_t overlap = 0, differing = 0;
  std::int64_t shift_ns = 0, spread_ns = std::numeric_limits<std::int64_t>::max();
};
Fit Try(const std::vector<CommKernel>& a, const std::vector<std::uint32_t>& a_comm,
        const std::vector<CommKernel>& b, const std::vector<std::uint32_t>& b_comm,
        std::int64_t first) {
  Fit fit;
  std::vector<std::int64_t> apart;
  const auto from = static_cast<std::size_t>(std::max<std::int64_t>(0, -first));
  for (std::size_t j = from; j < b_comm.size() && fit.overlap < kProbe; ++j) {
    const auto i = static_cast<std::size_t>(static_cast<std::int64_t>(j) + first);
    if (i >= a_comm.size()) break;
    const CommKernel &x = a[a_comm[i]], &y = b[b_comm[j]];
    ++fit.overlap;
    if (!Same(x, y)) {
      ++fit.differing;
    } else if (Synchronises(x.operation)) {
      apart.push_back(EndOf(x) - EndOf(y));
    }
  }
  if (apart.empty()) return fit;
  fit.shift_ns = Median(&apart);
  for (std::int64_t& d : apart) d = std::abs(d - fit.shift_ns);
  fit.spread_ns = Median(&apart);
  return fit;
}

}  // namespace

bool Align(const std::vector<CommKernel>& a, const std::vector<std::uint32_t>& a_comm,
           const std::vector<CommKernel>& b, const std::vector<std::uint32_t>& b_comm,
           std::int64_t* first, std::int64_t* shift_ns) {
  const auto n = static_cast<std::int64_t>(a_comm.size()),
             m = static_cast<std::int64_t>(b_comm.size());
  if (n == 0 || m == 0) return false;
  // Most of the shorter one has to find a partner.
  const std::int64_t shorter = std::min(n, m), least = (3 * shorter + 3) / 4;
  const std::int64_t lowest = std::max(least - m, -kFarthest),
                     highest = std::min(n - least, kFarthest);
  bool any = false;
  Fit best;
  const auto offer = [&](std::int64_t at) {
    const Fit fit = Try(a, a_comm, b, b_comm, at);
    if (fit.overlap == 0 || fit.differing > fit.overlap / 20) return;
    // A farther place has to be clearly better.
    if (any && fit.spread_ns >= best.spread_ns / 2) return;
    any = true;
    best = fit;
    *first = at;
    *shift_ns = fit.shift_ns;
  };
  // PyTorch's own numbers settle it where both have them.
  const std::int64_t a_seq = a[a_comm[0]].seq, b_seq = b[b_comm[0]].seq;
  if (a_seq >= 0 && b_seq >= 0 && b_seq - a_seq >= lowest && b_seq - a_seq <= highest)
    offer(b_seq - a_seq);
  if (any && best.differing == 0) return true;
  for (std::int64_t far = 0; far <= std::max(-lowest, highest); ++far) {
    if (far <= highest) offer(far);
    if (far > 0 && -far >= lowest) offer(-far);
  }
  return any;
}

void KinetoRanks::Add(KinetoTrace trace) {
  // Ranks of one job: what another one left in the same folder stays out.
  bool compared = trace.rank.has_value();
  const auto first = std::find(compared_.begin(), compared_.end(), true);
  if (first != compared_.end()) {
    const KinetoTrace& job = traces_[static_cast<std::size_t>(first - compared_.begin())];
    compared = compared && job.world_size == trace.world_size && job.backend == trace.backend;
  }
  for (std::size_t i = 0; i < traces_.size() && compared; ++i) {
    if (compared_[i] && traces_[i].rank == trace.rank) compared = false;
  }
  if (kernels_ + trace.comm.size() > kMaxKernels) {
    trace.refused.add(base::Reason::oversize, trace.comm.size(),
                      "collectives beyond those that are compared over ranks");
    trace.comm = {};
  }
  kernels_ += trace.comm.size();
  trace.uses = {};
  trace.steps = {};
  traces_.push_back(std::move(trace));
  compared_.push_back(compared);
}

void KinetoRanks::MakeGroups() {
  std::map<std::string, std::size_t> index;
  groups_.clear();
  for (std::size_t t = 0; t < traces_.size(); ++t) {
    std::map<std::uint32_t, RankSequence> own;
    for (std::size_t k = 0; k < traces_[t].comm.size(); ++k)
      own[traces_[t].comm[k].group].comm.push_back(static_cast<std::uint32_t>(k));
    for (auto& [group, sequence] : own) {
      // A trace outside the comparison has groups of its own.
      std::string name = traces_[t].groups[group];
      const std::string key = compared_[t] ? name : name + "\n" + std::to_string(t);
      const auto [at, fresh] = index.emplace(key, groups_.size());
      if (fresh) groups_.push_back({std::move(name), {}});
      sequence.trace = t;
      groups_[at->second].ranks.push_back(std::move(sequence));
    }
  }
  for (Group& group : groups_) {
    // The longest sequence is the measure of the others.
    std::size_t reference = 0;
    for (std::size_t r = 1; r < group.ranks.size(); ++r) {
      if (group.ranks[r].comm.size() > group.ranks[reference].comm.size()) reference = r;
    }
    std::swap(group.ranks[0], group.ranks[reference]);
    const RankSequence& a = group.ranks[0];
    for (std::size_t r = 1; r < group.ranks.size(); ++r) {
      RankSequence& b = group.ranks[r];
      b.fits = Align(traces_[a.trace].comm, a.comm, traces_[b.trace].comm, b.comm, &b.first,
                     &b.shift_ns);
    }
  }
}

void KinetoRanks::Compare(const Group& group, RanksResult* result) {
  if (group.ranks.size() < 2) return;
  const bool fits = std::all_of(group.ranks.begin(), group.ranks.end(),
                                [](const RankSequence& s) { return s.fits; });
  std::uint64_t kernels = 0;
  for (const RankSequence& s : group.ranks) kernels += s.comm.size();
  if (!fits) {
    result->unmatched += kernels;
    return;
  }
  ++result->groups;
  std::vector<std::size_t> slot;  // sequence -> per_rank
  for (const RankSequence& s : group.ranks) {
    const auto at =
        std::find_if(result->per_rank.begin(), result->per_rank.end(),
                     [&](const RankTotal& rank) { return rank.rank == traces_[s.trace].rank; });
    slot.push_back(static_cast<std::size_t>(at - result->per_rank.begin()));
  }
  std::vector<model::Collective> rows(group.ranks.size());
  std::uint64_t matched = 0;
  for (std::size_t i = 0; i < group.ranks[0].comm.size(); ++i) {
    if (!Meeting(group, i, &rows)) continue;
    ++matched;
    if (!Synchronises(rows[0].operation)) continue;
    const RankWait* last = nullptr;
    const std::vector<RankWait> waits = RankWaits(rows);
    for (const RankWait& wait : waits) {
      const auto r = static_cast<std::size_t>(wait.rank);
      RankTotal& rank = result->per_rank[slot[r]];
      // A rank cannot wait longer than its kernel ran.
      rank.wait_s += std::min(wait.wait_s, rows[r].duration_s);
      rank.lateness_s += wait.lateness_s;
      ++rank.matched;
      if (last == nullptr || wait.lateness_s > last->lateness_s) last = &wait;
    }
    if (last != nullptr && last->lateness_s > 0)
      ++result->per_rank[slot[static_cast<std::size_t>(last->rank)]].last;
  }
  for (std::size_t r = 0; r < group.ranks.size(); ++r) {
    RankTotal& rank = result->per_rank[slot[r]];
    if (rank.clock_shift_s == 0)
      rank.clock_shift_s = static_cast<double>(group.ranks[r].shift_ns) / 1e9;
  }
  result->collectives += matched;
  result->unmatched += kernels - matched * group.ranks.size();
}

// The i-th collective of the group's reference as rows, on one clock, numbered by sequence. False
// when a rank's part in it was not traced.
bool KinetoRanks::Meeting(const Group& group, std::size_t i,
                          std::vector<model::Collective>* rows) const {
  const RankSequence& a = group.ranks[0];
  const CommKernel& reference = traces_[a.trace].comm[a.comm[i]];
  for (std::size_t r = 0; r < group.ranks.size(); ++r) {
    const RankSequence& s = group.ranks[r];
    const std::int64_t j = static_cast<std::int64_t>(i) - s.first;
    if (j < 0 || j >= static_cast<std::int64_t>(s.comm.size())) return false;
    const CommKernel& kernel = traces_[s.trace].comm[s.comm[static_cast<std::size_t>(j)]];
    if (!Same(reference, kernel)) return false;
    model::Collective& row = (*rows)[r];
    row.rank = static_cast<std::int32_t>(r);
    row.operation = kernel.operation;
    row.duration_s = static_cast<double>(kernel.duration_ns) / 1e9;
    // Waits are differences: any common origin will do, as long as all starts lie behind it.
    row.start_ns = kernel.from_ns + s.shift_ns - traces_[a.trace].span.from + 1000 * base::kSecond;
  }
  return true;
}

RanksResult KinetoRanks::Compare() {
  RanksResult result;
  for (std::size_t t = 0; t < traces_.size(); ++t) {
    if (!compared_[t]) continue;
    RankTotal rank;
    rank.rank = *traces_[t].rank;
    rank.comm_s = traces_[t].comm_busy_s;
    rank.compute_s = traces_[t].compute_s;
    result.per_rank.push_back(rank);
  }
  result.ranks = result.per_rank.size();
  std::sort(result.per_rank.begin(), result.per_rank.end(),
            [](const RankTotal& a, const RankTotal& b) { return a.rank < b.rank; });
  MakeGroups();
  for (const Group& group : groups_) Compare(group, &result);
  for (const RankTotal& rank : result.per_rank) result.lateness_s += rank.lateness_s;
  // Held the others back: more than twice its share of all lateness (or half again, of two), and
  // enough of it to matter beside the time spent in communication.
  const double fair = 1.0 / static_cast<double>(std::max<std::size_t>(1, result.ranks));
  const double bar = std::min(2 * fair, 0.75);
  for (std::size_t i = 0; i < result.per_rank.size(); ++i) {
    const RankTotal& rank = result.per_rank[i];
    if (rank.matched < kFewCollectives || result.lateness_s <= 0) continue;
    if (rank.lateness_s / result.lateness_s < bar) continue;
    if (rank.lateness_s < kSmallShare * rank.comm_s) continue;
    result.late.push_back(i);
  }
  std::sort(result.late.begin(), result.late.end(), [&](std::size_t a, std::size_t b) {
    return result.per_rank[a].lateness_s > result.per_rank[b].lateness_s;
  });
  return result;
}

void KinetoRanks::Rows(const wire::Context& context, model::Batch* batch) const {
  std::size_t made = 0;
  for (const Group& group : groups_) {
    // Ranks that entered the profile before the reference begin below its first collective.
    std::int64_t lowest = 0;
    for (const RankSequence& s : group.ranks) {
      if (s.fits) lowest = std::min(lowest, s.first);
    }
    for (const RankSequence& s : group.ranks) {
      const KinetoTrace& trace = traces_[s.trace];
      const std::int64_t base = trace.EpochOffset(context.now_ns) + context.shift_ns;
      for (std::size_t j = 0; j < s.comm.size(); ++j) {
        if (made >= kMaxRows) {
          batch->refused.add(base::Reason::oversize, 1, "collectives beyond 200,000 rows");
          continue;
        }
        const CommKernel& kernel = trace.comm[s.comm[j]];
        model::Collective row;
        if (__builtin_add_overflow(kernel.from_ns, base, &row.start_ns)) continue;
        row.communicator = group.name;
        row.seq = static_cast<std::uint64_t>(kernel.seq >= 0 ? kernel.seq
                                                             : static_cast<std::int64_t>(j) +
                                                                   (s.fits ? s.first - lowest : 0));
        row.operation = kernel.operation.empty() ? "unknown" : kernel.operation;
        row.bytes = kernel.bytes > 0 ? static_cast<std::uint64_t>(kernel.bytes) : 0;
        row.rank = trace.rank ? static_cast<std::int32_t>(*trace.rank & 0x7fffffff) : -1;
        row.nranks = kernel.group_size > 0 ? kernel.group_size : 0;
        row.duration_s = static_cast<double>(kernel.duration_ns) / 1e9;
        row.algbw = row.busbw = kNan;  // one rank's duration holds its waiting
        row.algorithm = kernel.algorithm;
        row.protocol = kernel.protocol;
        row.origin = context.origin;
        if (context.resource != nullptr) {
          row.node = context.resource->get("host.name");
          row.gpu = context.resource->get("hw.id");
        }
        batch->collectives.push_back(std::move(row));
        ++made;
      }
    }
  }
}

}  // namespace strata::l2_comm
