// SPDX-License-Identifier: Apache-2.0
#include "l2_comm/match.h"

#include <algorithm>
#include <limits>
#include <map>
#include <unordered_map>

namespace strata::l2_comm {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

struct Key {
  std::uint32_t group;
  std::int64_t seq;
  bool operator==(const Key&) const = default;
};
struct KeyHash {
  std::size_t operator()(const Key& key) const {
    return (static_cast<std::uint64_t>(key.seq) * 0x9e3779b97f4a7c15ULL) ^
           (static_cast<std::uint64_t>(key.group) << 32 | key.group);
  }
};

// One collective with its entries as a chain through Matcher::next_.
struct Bucket {
  Key key;
  std::size_t first = kNone;
  std::uint64_t signature = 0;
  bool open = false, differs = false, meets = true;
};

class Matcher {
 public:
  explicit Matcher(const MatchInput& input) : in_(input) {}
  MatchResult Run();

 private:
  void FillBuckets();
  void FillReached();
  std::int64_t* Reached(std::uint32_t group, std::int32_t rank);
  bool Heard(std::int32_t rank) const {
    return std::binary_search(in_.seen.begin(), in_.seen.end(), rank);
  }
  // The first of each group: that differs, that misses somebody, that is merely open.
  struct First {
    std::size_t differs = kNone, misses = kNone, open = kNone;
  };
  std::vector<StuckCollective> Doubts() const;
  void BlameRoots(MatchResult* out) const;
  StuckCollective RowOf(const Bucket& bucket) const;
  void SplitByMajority(const Bucket& bucket, StuckCollective* row) const;

  const MatchInput& in_;
  std::vector<Bucket> buckets_;
  std::vector<std::size_t> next_;
  std::vector<std::vector<std::int64_t>> reached_;  // per group and member: the highest it entered
  std::vector<std::int64_t> passed_;  // per group: what one that was heard has finished
  std::vector<std::int64_t> lowest_;  // per group, over its members that were heard
};

void Matcher::FillBuckets() {
  std::unordered_map<Key, std::size_t, KeyHash> index;
  index.reserve(in_.entered.size() / 4 + 1);
  next_.assign(in_.entered.size(), kNone);
  for (std::size_t i = in_.entered.size(); i-- > 0;) {  // chains come out in the input's order
    const Entered& e = in_.entered[i];
    if (e.group >= in_.groups.size()) continue;
    const auto [it, fresh] = index.try_emplace(Key{e.group, e.seq}, buckets_.size());
    if (fresh) buckets_.push_back({{e.group, e.seq}});
    Bucket& bucket = buckets_[it->second];
    next_[i] = bucket.first;
    bucket.first = i;
    bucket.open |= !e.done;
    bucket.meets &= e.meets;
    if (e.signature == 0) continue;
    bucket.differs |= bucket.signature != 0 && bucket.signature != e.signature;
    bucket.signature = e.signature;
  }
}

std::int64_t* Matcher::Reached(std::uint32_t group, std::int32_t rank) {
  if (group >= in_.groups.size()) return nullptr;
  const auto& members = in_.groups[group];
  const auto it = std::lower_bound(members.begin(), members.end(), rank);
  if (it == members.end() || *it != rank) return nullptr;
  return &reached_[group][static_cast<std::size_t>(it - members.begin())];
}

void Matcher::FillReached() {
  for (const auto& members : in_.groups) reached_.emplace_back(members.size(), -1);
  for (const Entered& e : in_.entered) {
    if (std::int64_t* at = Reached(e.group, e.rank)) *at = std::max(*at, e.seq);
  }
  for (const Progress& p : in_.progress) {
    if (std::int64_t* at = Reached(p.group, p.rank)) *at = std::max(*at, p.entered);
  }
  auto finished = reached_;
  for (const Entered& e : in_.entered) {
    const std::int64_t* at = e.done ? nullptr : Reached(e.group, e.rank);
    if (at == nullptr) continue;
    std::int64_t& own = finished[e.group][static_cast<std::size_t>(at - reached_[e.group].data())];
    own = std::min(own, e.seq - 1);
  }
  for (std::size_t g = 0; g < in_.groups.size(); ++g) {
    std::int64_t& passed = passed_.emplace_back(-1);
    for (std::size_t i = 0; i < in_.groups[g].size(); ++i) {
      if (Heard(in_.groups[g][i])) passed = std::max(passed, finished[g][i]);
    }
    std::int64_t& lowest = lowest_.emplace_back(std::numeric_limits<std::int64_t>::max());
    for (std::size_t i = 0; i < in_.groups[g].size(); ++i) {
      if (Heard(in_.groups[g][i])) lowest = std::min(lowest, reached_[g][i]);
    }
  }
}

// Those who entered what most entered are right; without a majority all are named. Blamed is
// whoever could not come to be in the majority even if all that were not heard entered the same as
// it.
void Matcher::SplitByMajority(const Bucket& bucket, StuckCollective* row) const {
  std::map<std::uint64_t, std::size_t> votes;
  for (std::size_t i = bucket.first; i != kNone; i = next_[i]) ++votes[in_.entered[i].signature];
  votes.erase(0);
  const auto most = std::max_element(
      votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  std::size_t total = 0;
  for (const auto& [signature, n] : votes) total += n;
  const bool majority = 2 * most->second > total;
  row->example = kNone;
  for (std::size_t i = bucket.first; i != kNone; i = next_[i]) {
    const Entered& e = in_.entered[i];
    if (e.signature == 0) continue;
    if (majority && e.signature == most->first) {
      if (row->example == kNone) row->example = i;
    } else {
      row->other.push_back(e.rank);
      row->other_entries.push_back(i);
      if (2 * (votes[e.signature] + row->unheard.size()) <= total + row->unheard.size())
        row->blamed.push_back(e.rank);
    }
  }
  if (row->example == kNone) row->example = bucket.first;
  std::sort(row->other.begin(), row->other.end());
  row->other.erase(std::unique(row->other.begin(), row->other.end()), row->other.end());
}

StuckCollective Matcher::RowOf(const Bucket& bucket) const {
  StuckCollective row;
  row.group = bucket.key.group;
  row.seq = bucket.key.seq;
  row.example = bucket.first;
  std::vector<std::int32_t>& waiting = row.waiting;
  for (std::size_t i = bucket.first; i != kNone; i = next_[i]) {
    const Entered& e = in_.entered[i];
    if (e.done) continue;
    if (waiting.empty()) row.example = i;
    waiting.push_back(e.rank);
  }
  std::sort(waiting.begin(), waiting.end());
  waiting.erase(std::unique(waiting.begin(), waiting.end()), waiting.end());
  const auto& members = in_.groups[row.group];
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (reached_[row.group][i] < row.seq)
      (Heard(members[i]) ? row.missing : row.unheard).push_back(members[i]);
  }
  if (bucket.differs) SplitByMajority(bucket, &row);
  return row;
}

// Per group with members that were not heard: the first collective in which these may be missing,
// and all who wait in it or a later one. What another member has finished, all had entered.
std::vector<StuckCollective> Matcher::Doubts() const {
  std::map<std::uint32_t, std::pair<std::size_t, std::vector<std::int32_t>>> of_group;
  for (std::size_t b = 0; b < buckets_.size(); ++b) {
    const Bucket& bucket = buckets_[b];
    const std::uint32_t g = bucket.key.group;
    if (!bucket.open || (bucket.meets && bucket.key.seq <= passed_[g])) continue;
    auto& [first, waiting] = of_group.try_emplace(g, b, std::vector<std::int32_t>()).first->second;
    if (bucket.key.seq < buckets_[first].key.seq) first = b;
    for (std::size_t i = bucket.first; i != kNone; i = next_[i])
      if (!in_.entered[i].done) waiting.push_back(in_.entered[i].rank);
  }
  std::vector<StuckCollective> rows;
  for (auto& [g, doubt] : of_group) {
    StuckCollective row = RowOf(buckets_[doubt.first]);
    row.missing.clear();
    row.unheard.clear();
    for (const std::int32_t rank : in_.groups[g])
      if (!Heard(rank)) row.unheard.push_back(rank);
    if (row.unheard.empty()) continue;
    row.waiting = std::move(doubt.second);
    std::sort(row.waiting.begin(), row.waiting.end());
    row.waiting.erase(std::unique(row.waiting.begin(), row.waiting.end()), row.waiting.end());
    rows.push_back(std::move(row));
  }
  return rows;
}

// Who misses one collective may wait in another for somebody who was not heard: then it is not
// blamed, and where nobody is left it is a suspect and these others are told too.
void Matcher::BlameRoots(MatchResult* out) const {
  const std::vector<StuckCollective> told = Doubts();
  std::vector<StuckCollective> all = out->doubts;
  all.insert(all.end(), out->stuck.begin(), out->stuck.end());
  out->culprits = RootRanks(all);
  if (!out->culprits.empty()) return;
  out->suspects = RootRanks(out->stuck);
  for (const StuckCollective& row : told) {
    const bool there = std::any_of(out->stuck.begin(), out->stuck.end(),
                                   [&](const auto& r) { return r.group == row.group; });
    if (!there) out->stuck.push_back(row);
  }
}

MatchResult Matcher::Run() {
  FillBuckets();
  FillReached();
  std::vector<First> first(in_.groups.size());
  const auto earlier = [&](std::size_t* at, std::size_t b) {
    if (*at == kNone || buckets_[b].key.seq < buckets_[*at].key.seq) *at = b;
  };
  for (std::size_t b = 0; b < buckets_.size(); ++b) {
    First& f = first[buckets_[b].key.group];
    if (buckets_[b].differs) earlier(&f.differs, b);
    if (!buckets_[b].open) continue;
    earlier(&f.open, b);
    if (lowest_[buckets_[b].key.group] < buckets_[b].key.seq) earlier(&f.misses, b);
  }
  MatchResult out;
  bool misses = false;
  for (const First& f : first) {
    if (f.differs != kNone) out.verdict = Verdict::desync;
    misses |= f.misses != kNone;
  }
  for (const First& f : first) {
    std::size_t b = f.differs != kNone ? f.differs : f.misses;
    if (b == kNone && out.verdict == Verdict::complete && !misses) b = f.open;
    if (b != kNone) out.stuck.push_back(RowOf(buckets_[b]));
  }
  if (out.verdict == Verdict::desync) {
    for (const StuckCollective& row : out.stuck)
      out.culprits.insert(out.culprits.end(), row.blamed.begin(), row.blamed.end());
    std::sort(out.culprits.begin(), out.culprits.end());
    out.culprits.erase(std::unique(out.culprits.begin(), out.culprits.end()), out.culprits.end());
  } else if (!out.stuck.empty()) {
    out.verdict = Verdict::stuck;
    out.doubts = Doubts();
    out.doubts.insert(out.doubts.end(), in_.doubts.begin(), in_.doubts.end());
    if (misses) BlameRoots(&out);
  }
  std::stable_sort(out.stuck.begin(), out.stuck.end(), [&](const auto& a, const auto& b) {
    return in_.entered[a.example].created_ns < in_.entered[b.example].created_ns;
  });
  for (const auto& members : in_.groups) {
    for (const std::int32_t rank : members)
      if (!Heard(rank)) out.silent.push_back(rank);
  }
  std::sort(out.silent.begin(), out.silent.end());
  out.silent.erase(std::unique(out.silent.begin(), out.silent.end()), out.silent.end());
  return out;
}

// Strongly connected parts of "waits for", Tarjan's algorithm without recursion. Nodes: ranks, then
// rows; edges: a waiting rank to its row, a row to the ranks it misses (else to those unheard).
class WaitGraph {
 public:
  explicit WaitGraph(std::span<const StuckCollective> rows) {
    for (const StuckCollective& row : rows) {
      ranks_.insert(ranks_.end(), row.missing.begin(), row.missing.end());
      ranks_.insert(ranks_.end(), row.unheard.begin(), row.unheard.end());
      ranks_.insert(ranks_.end(), row.waiting.begin(), row.waiting.end());
    }
    std::sort(ranks_.begin(), ranks_.end());
    ranks_.erase(std::unique(ranks_.begin(), ranks_.end()), ranks_.end());
    edges_.resize(ranks_.size() + rows.size());
    missed_.resize(ranks_.size());
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const bool known = !rows[r].missing.empty();
      const auto& targets = known ? rows[r].missing : rows[r].unheard;
      if (targets.empty()) continue;
      for (const std::int32_t rank : rows[r].waiting) {
        // One that is missing itself does not wait here.
        if (!std::binary_search(targets.begin(), targets.end(), rank))
          edges_[NodeOf(rank)].push_back(ranks_.size() + r);
      }
      for (const std::int32_t rank : targets) {
        edges_[ranks_.size() + r].push_back(NodeOf(rank));
        if (known) missed_[NodeOf(rank)] = true;
      }
    }
  }

  std::vector<std::int32_t> Roots() {
    part_.assign(edges_.size(), kNone);
    order_ = low_ = part_;
    for (std::size_t node = 0; node < edges_.size(); ++node) {
      if (order_[node] == kNone) Visit(node);
    }
    std::vector<bool> leaves(parts_);
    for (std::size_t node = 0; node < edges_.size(); ++node) {
      for (const std::size_t to : edges_[node]) {
        if (part_[to] != part_[node]) leaves[part_[node]] = true;
      }
    }
    std::vector<std::int32_t> roots;
    for (std::size_t node = 0; node < ranks_.size(); ++node) {
      if (missed_[node] && !leaves[part_[node]]) roots.push_back(ranks_[node]);
    }
    return roots;
  }

 private:
  std::size_t NodeOf(std::int32_t rank) const {
    return static_cast<std::size_t>(std::lower_bound(ranks_.begin(), ranks_.end(), rank) -
                                    ranks_.begin());
  }

  void Visit(std::size_t root) {
    struct Frame {
      std::size_t node, edge;
    };
    std::vector<Frame> frames = {{root, 0}};
    Open(root);
    while (!frames.empty()) {
      const std::size_t node = frames.back().node;
      if (frames.back().edge < edges_[node].size()) {
        const std::size_t to = edges_[node][frames.back().edge++];
        if (order_[to] == kNone) {
          Open(to);
          frames.push_back({to, 0});
        } else if (part_[to] == kNone) {
          low_[node] = std::min(low_[node], order_[to]);
        }
        continue;
      }
      frames.pop_back();
      if (!frames.empty())
        low_[frames.back().node] = std::min(low_[frames.back().node], low_[node]);
      if (low_[node] != order_[node]) continue;
      for (std::size_t member = kNone; member != node;) {
        member = open_.back();
        open_.pop_back();
        part_[member] = parts_;
      }
      ++parts_;
    }
  }
  void Open(std::size_t node) {
    order_[node] = low_[node] = visited_++;
    open_.push_back(node);
  }

  std::vector<std::int32_t> ranks_;
  std::vector<std::vector<std::size_t>> edges_;
  std::vector<bool> missed_;
  std::vector<std::size_t> order_, low_, part_, open_;
  std::size_t visited_ = 0, parts_ = 0;
};

}  // namespace

std::vector<std::int32_t> RootRanks(std::span<const StuckCollective> rows) {
  return WaitGraph(rows).Roots();
}

MatchResult MatchCollectives(const MatchInput& input) { return Matcher(input).Run(); }

}  // namespace strata::l2_comm
