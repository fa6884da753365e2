// SPDX-License-Identifier: Apache-2.0
#include "l2_comm/intervals.h"

#include <algorithm>

namespace strata::l2_comm {
namespace {

constexpr std::size_t kFresh = 1u << 16;  // intervals that wait for being sorted in

void Append(Interval next, Intervals* out) {
  if (next.from >= next.to) return;
  if (!out->empty() && next.from <= out->back().to) {
    out->back().to = std::max(out->back().to, next.to);
  } else {
    out->push_back(next);
  }
}

}  // namespace

Intervals Union(std::vector<Interval> intervals) {
  std::sort(intervals.begin(), intervals.end(),
            [](const Interval& a, const Interval& b) { return a.from < b.from; });
  Intervals out;
  for (const Interval& i : intervals) Append(i, &out);
  return out;
}

Intervals Union(const Intervals& a, const Intervals& b) {
  Intervals out;
  out.reserve(a.size() + b.size());
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    const bool first = j == b.size() || (i < a.size() && a[i].from <= b[j].from);
    Append(first ? a[i++] : b[j++], &out);
  }
  return out;
}

std::int64_t Length(const Intervals& a) {
  std::int64_t out = 0;
  for (const Interval& i : a) out += i.to - i.from;
  return out;
}

std::int64_t Overlap(const Intervals& a, const Intervals& b) {
  std::int64_t out = 0;
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    const std::int64_t from = std::max(a[i].from, b[j].from), to = std::min(a[i].to, b[j].to);
    if (from < to) out += to - from;
    if (a[i].to < b[j].to) {
      ++i;
    } else {
      ++j;
    }
  }
  return out;
}

Intervals Clip(const Intervals& a, Interval window) {
  Intervals out;
  auto at = std::lower_bound(a.begin(), a.end(), window.from,
                             [](const Interval& i, std::int64_t from) { return i.to <= from; });
  for (; at != a.end() && at->from < window.to; ++at) {
    Append({std::max(at->from, window.from), std::min(at->to, window.to)}, &out);
  }
  return out;
}

void UnionCollector::Add(Interval interval) {
  if (interval.from >= interval.to) return;
  // Most come in order of one stream: the last one is often continued.
  if (!fresh_.empty() && interval.from == fresh_.back().to) {
    fresh_.back().to = interval.to;
    return;
  }
  fresh_.push_back(interval);
  if (fresh_.size() >= kFresh + union_.size() / 4) Fold();
}

const Intervals& UnionCollector::Finish() {
  Fold();
  return union_;
}

void UnionCollector::Fold() {
  if (fresh_.empty()) return;
  union_ = Union(union_, Union(std::move(fresh_)));
  fresh_.clear();
  if (union_.size() <= limit_) return;
  std::vector<std::int64_t> gaps;
  gaps.reserve(union_.size());
  for (std::size_t i = 1; i < union_.size(); ++i) gaps.push_back(union_[i].from - union_[i - 1].to);
  const std::size_t close = union_.size() - limit_ / 2;
  std::nth_element(gaps.begin(), gaps.begin() + static_cast<std::ptrdiff_t>(close), gaps.end());
  const std::int64_t longest = gaps[close];
  std::size_t kept = 0, closed = 0;
  for (std::size_t i = 1; i < union_.size(); ++i) {
    const std::int64_t gap = union_[i].from - union_[kept].to;
    if (gap < longest || (gap == longest && closed < close)) {
      ++closed;
      closed_ns_ += gap;
      union_[kept].to = union_[i].to;
    } else {
      union_[++kept] = union_[i];
    }
  }
  union_.resize(kept + 1);
  union_.shrink_to_fit();
}

}  // namespace strata::l2_comm
