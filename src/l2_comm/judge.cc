// SPDX-License-Identifier: Apache-2.0
// From the rows of a window to its report: align clocks, take arrivals collective by collective,
// sum by rank, compare ranks.
#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <numeric>

#include "l2_comm/analysis.h"
#include "l2_comm/clocks.h"
#include "l2_comm/l2_comm.h"

namespace strata::l2_comm {
namespace {

constexpr double kRobust = 1.4826;
constexpr double kLastTenth = 0.1;      // as late as the last: within this of its distance
constexpr double kLeastGapS = 20e-6;    // nobody came last to a meeting this punctual
constexpr double kLeastScaleS = 50e-6;  // of a robust z
constexpr double kScaleOfTime = 0.05;   // of the mean time of a collective
constexpr double kChanceDeviations = 4;
constexpr std::size_t kMostKinds = 32;
constexpr std::size_t kMostMeetings = 96, kEnoughMeetings = 24;
constexpr int kBiggerClasses = 2;         // a quarter of the size moves fast enough to set clocks
constexpr std::uint32_t kClockMates = 3;  // ranks on one clock that tell each other apart

struct Sum {  // of one rank
  std::uint32_t judged = 0, last = 0, left_judged = 0, left_last = 0;
  double wait = 0, wait_max = 0, late = 0, late_squared = 0, late_max = 0, lost = 0;
  double left = 0, left_squared = 0, left_lost = 0;
};

struct Arrival {
  float at_s = 0;  // after the first
  std::int32_t rank = 0;
};

int ClassOf(std::uint64_t bytes) { return bytes == 0 ? 0 : std::bit_width(bytes); }

// By time, in O(n): the bits of floats that are not negative are in the order of the floats.
void Sort(std::vector<Arrival>* list, std::vector<Arrival>* spare) {
  if (list->size() < 256) {
    std::sort(list->begin(), list->end(),
              [](const Arrival& a, const Arrival& b) { return a.at_s < b.at_s; });
    return;
  }
  constexpr int kBits = 11;
  spare->resize(list->size());
  for (int shift = 0; shift < 32; shift += kBits) {
    std::uint32_t counts[(1 << kBits) + 1] = {};
    const auto key = [&](const Arrival& a) {
      return (std::bit_cast<std::uint32_t>(a.at_s) >> shift) & ((1u << kBits) - 1);
    };
    for (const Arrival& a : *list) ++counts[key(a) + 1];
    std::partial_sum(std::begin(counts), std::end(counts), std::begin(counts));
    for (const Arrival& a : *list) (*spare)[counts[key(a)]++] = a;
    list->swap(*spare);
  }
}

// Standard error of a mean.
double Error(std::uint32_t n, double sum, double squares) {
  if (n < 2) return std::numeric_limits<double>::infinity();
  const double count = n, mean = sum / count;
  return std::sqrt(std::max(0.0, squares / count - mean * mean) / (count - 1));
}

// How far each value lies above the others' median, in robust deviations of the others; NaN stays.
// With few ranks one's own value would move the median that it is held against.
class Peers {
 public:
  explicit Peers(const std::vector<double>& values) {
    for (const double v : values) {
      if (!std::isnan(v)) all_.push_back(v);
    }
    if (all_.size() >= kMany) Take(all_, &median_, &spread_);
  }
  double Deviation(double value, double floor) const {
    if (std::isnan(value) || all_.size() < 2) return kUnknown;
    double median = median_, spread = spread_;
    if (all_.size() < kMany) {
      std::vector<double> others = all_;
      others.erase(std::find(others.begin(), others.end(), value));
      Take(std::move(others), &median, &spread);
    }
    return (value - median) / std::max(spread, floor);
  }

 private:
  static constexpr std::size_t kMany = 16;
  static void Take(std::vector<double> values, double* median, double* spread) {
    *median = TakeMedian(&values);
    for (double& v : values) v = std::abs(v - *median);
    *spread = kRobust * TakeMedian(&values);
  }
  std::vector<double> all_;
  double median_ = kUnknown, spread_ = 0;
};

}  // namespace

class Analyst {
 public:
  explicit Analyst(const CommWindow& w)
      : w_(w), n_(static_cast<std::size_t>(w.seen_ranks_)), aligned_parts_(0) {}

  CommReport Run() {
    report_.refused = w_.refused_;
    report_.stride = static_cast<std::uint32_t>(w_.stride_);
    report_.nranks = w_.nranks_ > 0 ? w_.nranks_ : w_.seen_ranks_;
    Arrange();
    Clocks();
    for (std::size_t g = 0; g < w_.groups_.size(); ++g) Judge(g);
    Classes();
    Ranks();
    Name();
    return std::move(report_);
  }

 private:
  using Part = CommWindow::Part;

  // Parts of one collective side by side, a rank once: the later row counts.
  void Arrange() {
    const auto& groups = w_.groups_;
    std::vector<std::size_t> at(groups.size() + 1, 0);
    for (std::size_t g = 0; g < groups.size(); ++g) at[g + 1] = at[g] + groups[g].parts;
    std::vector<Part> sorted;
    if (!std::is_sorted(w_.parts_.begin(), w_.parts_.end(),
                        [](const Part& a, const Part& b) { return a.group < b.group; })) {
      sorted.resize(w_.parts_.size());
      std::vector<std::size_t> next(at.begin(), at.end());
      for (const Part& p : w_.parts_) sorted[next[p.group]++] = p;
    }
    const std::vector<Part>& parts = sorted.empty() ? w_.parts_ : sorted;
    parts_.reserve(parts.size());
    std::vector<std::size_t> held(n_, ~std::size_t{0});
    begin_.assign(1, 0);
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const std::size_t from = parts_.size();
      for (std::size_t i = at[g]; i < at[g + 1]; ++i) {
        std::size_t& where = held[static_cast<std::size_t>(parts[i].rank)];
        if (where != ~std::size_t{0} && where >= from) {
          parts_[where] = parts[i];
          continue;
        }
        where = parts_.size();
        parts_.push_back(parts[i]);
      }
      begin_.push_back(parts_.size());
    }
    base_ns_ = std::numeric_limits<std::int64_t>::max();
    for (const Part& p : parts_) {
      if (p.start_ns > 0) base_ns_ = std::min(base_ns_, p.start_ns);
    }
  }

  std::span<const Part> PartsOf(std::size_t group) const {
    return std::span(parts_).subspan(begin_[group], begin_[group + 1] - begin_[group]);
  }
  double Start(const Part& p) const { return static_cast<double>(p.start_ns - base_ns_) / 1e9; }

  bool Usable(std::size_t group) const {
    if (!Synchronises(w_.groups_[group].operation)) return false;
    std::size_t ended = 0;
    for (const Part& p : PartsOf(group)) ended += std::isnan(p.duration_s) ? 0 : 1;
    return ended >= 2;
  }

  // One clock per node, or per rank where no node is told. The smallest messages set the clocks:
  // their ends hardly depend on links.
  void Clocks() {
    std::map<std::string, std::size_t> nodes;
    std::vector<std::uint32_t> mates;
    for (std::size_t r = 0; r < n_; ++r) {
      const std::string& node = w_.names_[r].second;
      const auto it = node.empty() ? nodes.end() : nodes.find(node);
      std::size_t clock = mates.size();
      if (it != nodes.end()) clock = it->second;
      if (clock == mates.size()) mates.push_back(0);
      if (!node.empty()) nodes.emplace(node, clock);
      ++mates[clock];
      clock_of_.push_back(clock);
    }
    mates_ = std::move(mates);
    std::map<int, std::vector<std::size_t>> by_class;
    for (std::size_t g = 0; g < w_.groups_.size(); ++g) {
      if (Usable(g)) by_class[ClassOf(w_.groups_[g].bytes)].push_back(g);
    }
    std::vector<std::size_t> chosen;
    for (const auto& [size, list] : by_class) {
      if (chosen.size() >= kEnoughMeetings) break;
      chosen.insert(chosen.end(), list.begin(), list.end());
      clock_class_ = size;
    }
    std::vector<std::pair<double, std::size_t>> ordered;
    for (const std::size_t g : chosen) ordered.emplace_back(FirstEnd(g), g);
    std::sort(ordered.begin(), ordered.end());
    const std::size_t step = (ordered.size() + kMostMeetings - 1) / kMostMeetings;
    std::vector<Meeting> meetings;
    for (std::size_t i = 0; i < ordered.size(); i += std::max<std::size_t>(step, 1)) {
      if (!std::isnan(ordered[i].first)) meetings.push_back(MeetingOf(ordered[i].second));
    }
    clocks_ = AlignClocks(meetings, mates_.size());
    std::vector<double> noise;
    for (const Clock& c : clocks_) {
      if (c.aligned) noise.push_back(c.noise_s);
    }
    noise_s_ = noise.empty() ? 0 : TakeMedian(&noise);
  }

  double FirstEnd(std::size_t group) const {
    for (const Part& p : PartsOf(group)) {
      if (p.start_ns > 0 && !std::isnan(p.duration_s)) return Start(p) + p.duration_s;
    }
    return kUnknown;
  }

  Meeting MeetingOf(std::size_t group) {
    Meeting m;
    m.end_s.assign(mates_.size(), kUnknown);
    double longest = 0, shortest = std::numeric_limits<double>::infinity();
    by_clock_.clear();
    for (const Part& p : PartsOf(group)) {
      if (p.start_ns <= 0 || std::isnan(p.duration_s)) continue;
      longest = std::max(longest, p.duration_s), shortest = std::min(shortest, p.duration_s);
      by_clock_.emplace_back(clock_of_[static_cast<std::size_t>(p.rank)], Start(p) + p.duration_s);
    }
    m.spread_s = std::max(0.0, longest - shortest);
    std::sort(by_clock_.begin(), by_clock_.end());
    for (std::size_t i = 0; i < by_clock_.size();) {
      std::size_t end = i;
      while (end < by_clock_.size() && by_clock_[end].first == by_clock_[i].first) ++end;
      m.end_s[by_clock_[i].first] = by_clock_[(i + end - 1) / 2].second;
      i = end;
    }
    return m;
  }

  void Judge(std::size_t group) {
    const CommWindow::Group& g = w_.groups_[group];
    const std::span<const Part> parts = PartsOf(group);
    ++report_.collectives;
    std::size_t ended = 0;
    double shortest = std::numeric_limits<double>::infinity();
    for (const Part& p : parts) {
      if (std::isnan(p.duration_s)) continue;
      ++ended;
      shortest = std::min(shortest, p.duration_s);
    }
    if (ended < static_cast<std::size_t>(report_.nranks)) ++report_.partial;
    if (ended > 0 && g.mismatched && g.operation != "AllToAll") ++report_.mismatched;
    if (ended > 0 && shortest > 0 && g.operation != "Send" && g.operation != "Recv")
      times_[{g.operation, ClassOf(g.bytes)}].emplace_back(
          shortest, MessageBytes(g.operation, g.bytes, report_.nranks));
    if (ended < 2 || !Synchronises(g.operation)) return;
    ++report_.judged;
    kind_ = &KindOf(g);
    kind_->time += shortest, ++kind_->judged;
    const double end = TakeArrivals(parts);
    JudgeArrivals();
    if (!std::isnan(end)) JudgeEnds(parts, ClassOf(g.bytes), end, shortest);
  }

  // Ranks are compared within one (operation, size class): a rank may be late to one of three,
  // always to the same. The rarest beyond kMostKinds share one.
  struct Kind {
    std::string operation;
    std::vector<Sum> sums;  // by rank
    double time = 0, left_time = 0;
    std::uint32_t judged = 0, left_judged = 0;
  };
  Kind& KindOf(const CommWindow::Group& g) {
    std::pair<std::string, int> key{g.operation, ClassOf(g.bytes)};
    if (!kinds_.contains(key) && kinds_.size() >= kMostKinds) key = {"", 0};
    Kind& kind = kinds_[key];
    if (kind.sums.empty()) kind.operation = key.first, kind.sums.resize(n_);
    return kind;
  }

  // Arrivals on one clock; answers the common end, NaN when no clock is aligned.
  double TakeArrivals(std::span<const Part> parts) {
    ends_.clear();
    for (const Part& p : parts) {
      if (std::isnan(p.duration_s) || p.start_ns <= 0) continue;
      const Clock& clock = clocks_[clock_of_[static_cast<std::size_t>(p.rank)]];
      if (!clock.aligned) continue;
      const double at = Start(p) + p.duration_s;
      ends_.push_back(at - clock.at(at));
    }
    const bool any = !ends_.empty();
    copy_ = ends_;
    const double end = TakeMedian(&copy_);
    exact_.clear();
    double first = std::numeric_limits<double>::infinity();
    std::size_t next = 0;
    for (const Part& p : parts) {
      if (std::isnan(p.duration_s)) continue;
      const Clock& clock = clocks_[clock_of_[static_cast<std::size_t>(p.rank)]];
      const bool aligned = any && p.start_ns > 0 && clock.aligned;
      aligned_parts_ += aligned ? 1 : 0;
      const double at = (aligned ? ends_[next++] : any ? end : 0) - p.duration_s;
      first = std::min(first, at);
      exact_.emplace_back(at, p.rank);
    }
    if (any) first_s_ = std::min(first_s_, first);
    if (any) end_max_s_ = std::max(end_max_s_, end);
    arrivals_.clear();
    for (const auto& [at, rank] : exact_)
      arrivals_.push_back({static_cast<float>(at - first), rank});
    Sort(&arrivals_, &spare_);
    return any ? end : kUnknown;
  }

  void JudgeArrivals() {
    const std::size_t n = arrivals_.size();
    const double last = arrivals_.back().at_s, median = arrivals_[(n - 1) / 2].at_s;
    const bool gap = last - median > std::max(kLeastGapS, 3 * noise_s_);
    const double line = last - kLastTenth * (last - median);
    std::size_t outside = n;  // those from here on came last
    while (gap && outside > 0 && arrivals_[outside - 1].at_s >= line) --outside;
    const double next = outside > 0 && gap ? arrivals_[outside - 1].at_s : last;
    report_.lost_s += last - next;
    double before = 0;
    for (std::size_t i = 0; i < n; ++i) {
      Sum& sum = kind_->sums[static_cast<std::size_t>(arrivals_[i].rank)];
      const double at = arrivals_[i].at_s;
      const double late =
          std::max(0.0, (at * static_cast<double>(i) - before) / static_cast<double>(n - 1));
      before += at;
      ++sum.judged;
      sum.wait += last - at, sum.wait_max = std::max(sum.wait_max, last - at);
      sum.late += late, sum.late_squared += late * late;
      sum.late_max = std::max(sum.late_max, late);
      if (i >= outside) ++sum.last, sum.lost += at - next;
    }
  }

  // Who left late. A clock that was set by messages of this size, and by this rank alone, has
  // swallowed the answer.
  void JudgeEnds(std::span<const Part> parts, int size, double end, double time) {
    double last = -std::numeric_limits<double>::infinity();
    left_.clear();
    std::size_t next = 0;
    for (const Part& p : parts) {
      if (std::isnan(p.duration_s)) continue;
      const std::size_t clock = clock_of_[static_cast<std::size_t>(p.rank)];
      if (!clocks_[clock].aligned || p.start_ns <= 0) continue;
      const double late = ends_[next++] - end;
      if (size < clock_class_ + kBiggerClasses && mates_[clock] < kClockMates) continue;
      left_.emplace_back(late, p.rank);
      last = std::max(last, late);
    }
    if (left_.size() < 2) return;
    kind_->left_time += time, ++kind_->left_judged;
    const bool gap = last > std::max({kLeastGapS, 3 * noise_s_, kScaleOfTime * time});
    const double line = (1 - kLastTenth) * last;
    double below = 0;
    for (const auto& [late, rank] : left_) {
      if (gap && late < line) below = std::max(below, late);
    }
    for (const auto& [late, rank] : left_) {
      Sum& sum = kind_->sums[static_cast<std::size_t>(rank)];
      ++sum.left_judged;
      sum.left += late, sum.left_squared += late * late;
      if (gap && late >= line) ++sum.left_last, sum.left_lost += late - below;
    }
    if (gap) left_lost_s_ += last - below;
  }

  void Classes() {
    for (auto& [key, list] : times_) {
      ClassFacts f;
      f.operation = key.first;
      f.bytes = key.second == 0 ? 0 : std::uint64_t{1} << (key.second - 1);
      f.collectives = static_cast<std::uint32_t>(list.size());
      std::vector<double> times, rates;
      for (const auto& [time, bytes] : list) {
        times.push_back(time), rates.push_back(bytes / time);
        f.total_bytes += bytes;
      }
      f.time_p50_s = TakeMedian(&times);
      if (f.total_bytes > 0) f.algbw = TakeMedian(&rates);
      f.busbw = BusBandwidth(f.operation, f.algbw, report_.nranks);
      report_.classes.push_back(std::move(f));
    }
  }

  // The kind of collective in which a rank lost most, and how it did there.
  struct Worst {
    const Kind* kind = nullptr;
    double mean = kUnknown, deviation = kUnknown, last_ratio = kUnknown, lost = -1;
    std::uint32_t judged = 0;
  };

  void CompareWithin(const Kind& kind, bool left) {
    std::vector<double> means(n_, kUnknown);
    for (std::size_t r = 0; r < n_; ++r) {
      const Sum& s = kind.sums[r];
      const std::uint32_t judged = left ? s.left_judged : s.judged;
      if (judged > 0) means[r] = (left ? s.left : s.late) / judged;
    }
    const double judged = left ? kind.left_judged : kind.judged;
    if (judged == 0) return;
    const double scale =
        std::max(kLeastScaleS, kScaleOfTime * (left ? kind.left_time : kind.time) / judged);
    const Peers peers(means);
    for (std::size_t r = 0; r < n_; ++r) {
      const Sum& s = kind.sums[r];
      Worst& worst = (left ? left_worst_ : worst_)[r];
      const std::uint32_t n = left ? s.left_judged : s.judged;
      const double lost = left ? s.left_lost : s.lost;
      if (n == 0 || lost <= worst.lost) continue;
      const double error =
          left ? Error(n, s.left, s.left_squared) : Error(n, s.late, s.late_squared);
      worst = {&kind,
               means[r],
               peers.Deviation(means[r], std::max(scale, error)),
               static_cast<double>(left ? s.left_last : s.last) / n,
               lost,
               n};
    }
  }

  void Ranks() {
    report_.span_s = end_max_s_ > first_s_ ? end_max_s_ - first_s_ : SpanOfOne();
    worst_.resize(n_), left_worst_.resize(n_), sums_.resize(n_);
    std::size_t parts = 0;
    for (const auto& [key, kind] : kinds_) {
      CompareWithin(kind, false);
      CompareWithin(kind, true);
      for (std::size_t r = 0; r < n_; ++r) {
        const Sum& from = kind.sums[r];
        Sum& to = sums_[r];
        parts += from.judged;
        to.judged += from.judged, to.last += from.last, to.left_judged += from.left_judged;
        to.left_last += from.left_last;
        to.wait += from.wait, to.late += from.late, to.lost += from.lost, to.left += from.left;
        to.left_lost += from.left_lost;
        to.wait_max = std::max(to.wait_max, from.wait_max);
        to.late_max = std::max(to.late_max, from.late_max);
      }
    }
    if (parts > 0)
      report_.aligned_ratio = static_cast<double>(aligned_parts_) / static_cast<double>(parts);
    std::vector<bool> seen(n_, false);
    for (const Part& p : parts_) seen[static_cast<std::size_t>(p.rank)] = true;
    for (std::size_t r = 0; r < n_; ++r) {
      if (seen[r]) report_.ranks.push_back(FactsOf(r));
    }
  }

  RankFacts FactsOf(std::size_t r) const {
    const Sum& s = sums_[r];
    RankFacts f;
    f.rank = static_cast<std::int32_t>(r);
    f.gpu = w_.names_[r].first, f.node = w_.names_[r].second;
    f.judged = s.judged;
    const Clock& clock = clocks_[clock_of_[r]];
    if (clock.aligned) f.clock_offset_s = clock.offset_s;
    if (s.judged > 0) {
      f.wait_mean_s = s.wait / s.judged, f.wait_max_s = s.wait_max;
      f.lateness_mean_s = s.late / s.judged, f.lateness_max_s = s.late_max;
      f.last_ratio = static_cast<double>(s.last) / s.judged, f.lost_s = s.lost;
      f.deviation = worst_[r].deviation;
    }
    if (s.left_judged > 0) {
      f.left_late_s = s.left / s.left_judged, f.left_lost_s = s.left_lost;
      f.left_last_ratio = static_cast<double>(s.left_last) / s.left_judged;
      f.left_deviation = left_worst_[r].deviation;
    }
    return f;
  }

  // By one rank's own clock, where the clocks are not one.
  double SpanOfOne() const {
    double first = std::numeric_limits<double>::infinity(), last = -first;
    for (const Part& p : parts_) {
      if (p.rank != parts_.front().rank || p.start_ns <= 0 || std::isnan(p.duration_s)) continue;
      first = std::min(first, Start(p)), last = std::max(last, Start(p) + p.duration_s);
    }
    return last > first ? last - first : kUnknown;
  }

  // Is it this rank, or is it chance?
  bool Persists(const Worst& w, double lost_s, double all_lost_s) const {
    const AnalysisOptions& o = w_.options_;
    const double last = w.last_ratio * w.judged;
    if (w.judged < o.least_collectives || last < o.least_collectives - 0.5) return false;
    const double chance = 1 / static_cast<double>(std::max<std::size_t>(report_.ranks.size(), 2));
    const double line = chance + kChanceDeviations * std::sqrt(chance * (1 - chance) / w.judged);
    return w.deviation >= o.least_deviation && w.last_ratio >= std::max(o.least_last_ratio, line) &&
           lost_s >= o.least_lost_share * all_lost_s &&
           !(lost_s < o.least_lost_ratio * report_.span_s);
  }

  Straggler Named(const RankFacts& f, LateKind kind) const {
    const bool compute = kind == LateKind::compute;
    const auto r = static_cast<std::size_t>(f.rank);
    const Worst& worst = compute ? worst_[r] : left_worst_[r];
    Straggler out;
    out.kind = kind, out.rank = f.rank, out.gpu = f.gpu, out.node = f.node;
    out.operation = worst.kind->operation;
    out.lateness_s = worst.mean, out.deviation = worst.deviation;
    out.last_ratio = worst.last_ratio;
    out.lost_s = compute ? f.lost_s : f.left_lost_s;
    out.last = compute ? sums_[r].last : sums_[r].left_last;
    out.lost_ratio = out.lost_s / report_.span_s;
    out.lost_share = out.lost_s / (compute ? report_.lost_s : left_lost_s_);
    return out;
  }

  void Name() {
    std::vector<Straggler> links;
    for (const RankFacts& f : report_.ranks) {
      const auto r = static_cast<std::size_t>(f.rank);
      const bool link = Persists(left_worst_[r], sums_[r].left_lost, left_lost_s_);
      if (link) links.push_back(Named(f, LateKind::communication));
      // Who leaves late comes late to the next one: that is the same delay once more.
      if (link && f.left_late_s >= 0.5 * f.lateness_mean_s) continue;
      if (Persists(worst_[r], sums_[r].lost, report_.lost_s))
        report_.stragglers.push_back(Named(f, LateKind::compute));
    }
    const auto worse = [](const Straggler& a, const Straggler& b) { return a.lost_s > b.lost_s; };
    std::stable_sort(links.begin(), links.end(), worse);
    if (links.size() == 2) {
      links[0].peer = links[1].rank;
      links[1].peer = links[0].rank;
    }
    for (Straggler& s : links) report_.stragglers.push_back(std::move(s));
    std::stable_sort(report_.stragglers.begin(), report_.stragglers.end(), worse);
  }

  const CommWindow& w_;
  std::size_t n_;
  CommReport report_;
  std::vector<Part> parts_;
  std::vector<std::size_t> begin_;  // of each group in parts_
  std::int64_t base_ns_ = 0;
  std::vector<std::size_t> clock_of_;  // by rank
  std::vector<std::uint32_t> mates_;   // ranks by clock
  std::vector<Clock> clocks_;
  int clock_class_ = 0;  // the largest messages that set them
  double noise_s_ = 0;
  std::map<std::pair<std::string, int>, Kind> kinds_;
  Kind* kind_ = nullptr;                   // of the collective that is judged
  std::vector<Sum> sums_;                  // by rank, over all kinds
  std::vector<Worst> worst_, left_worst_;  // by rank
  std::map<std::pair<std::string, int>, std::vector<std::pair<double, double>>> times_;
  std::size_t aligned_parts_;
  double left_lost_s_ = 0;
  double first_s_ = std::numeric_limits<double>::infinity(), end_max_s_ = 0;
  // Of one collective, kept for their memory.
  std::vector<std::pair<std::size_t, double>> by_clock_;
  std::vector<double> ends_, copy_;
  std::vector<std::pair<double, std::int32_t>> exact_, left_;
  std::vector<Arrival> arrivals_, spare_;
};

CommReport CommWindow::Finish() { return Analyst(*this).Run(); }

}  // namespace strata::l2_comm
