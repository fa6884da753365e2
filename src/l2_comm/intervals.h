// SPDX-License-Identifier: Apache-2.0
// The algebra of busy time: when something ran, how much of it ran beside something else. Pure but
// for one collector whose memory is bounded however many intervals it is given. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace strata::l2_comm {

struct Interval {
  std::int64_t from = 0, to = 0;  // ns, half open
  bool operator==(const Interval&) const = default;
};

// A union: sorted, disjoint, not touching, none empty.
using Intervals = std::vector<Interval>;

// Any order, overlaps and empty ones allowed; O(n log n).
Intervals Union(std::vector<Interval> intervals);
// Of two unions; O(n + m).
Intervals Union(const Intervals& a, const Intervals& b);
// Total length of a union, ns.
std::int64_t Length(const Intervals& a);
// Time that lies in both of two unions, ns; O(n + m).
std::int64_t Overlap(const Intervals& a, const Intervals& b);
// Time of `a` in which nothing of `b` ran, ns.
inline std::int64_t Exposed(const Intervals& a, const Intervals& b) {
  return Length(a) - Overlap(a, b);
}
// The part of a union inside a window; O(log n + result).
Intervals Clip(const Intervals& a, Interval window);

// Collects intervals as they come and keeps their union. When the union holds more than `limit`
// pieces, the shortest gaps are closed until half is left: the length is then too long by at most
// closed_ns().
class UnionCollector {
 public:
  explicit UnionCollector(std::size_t limit = 1'000'000) : limit_(limit) {}
  void Add(Interval interval);
  const Intervals& Finish();
  std::int64_t closed_ns() const { return closed_ns_; }

 private:
  void Fold();

  std::size_t limit_;
  std::vector<Interval> fresh_;
  Intervals union_;
  std::int64_t closed_ns_ = 0;
};

}  // namespace strata::l2_comm
