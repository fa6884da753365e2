// SPDX-License-Identifier: Apache-2.0
// Pure folds: the samples of one series around a minute become one number. Each takes the samples
// inside [from, to) and, where they exist, the last before and the first after, in order of time.
// Nothing measured = NaN, never 0.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <vector>

#include "base/clock.h"
#include "model/batch.h"
#include "model/catalog.h"

namespace strata::minutes {

inline constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();
inline constexpr std::int64_t kHoldNs =
    5 * base::kMinute;  // how long a sample stands without a successor
inline constexpr std::int64_t kGapNs =
    2 * base::kMinute;  // a wider gap between two samples is marked estimated

struct Window {
  std::int64_t from = 0, to = 0;  // [from, to), nanoseconds
};

struct Point {
  std::int64_t ts = 0, start_ts = 0;  // start 0 = not told
  double value = 0;                   // NaN = stale marker: the series ended here
};

struct Folded {
  double value = kAbsent;
  bool estimated = false;  // spread over a gap of more than kGapNs
  bool beyond = false;     // a quantile above the last finite bound: the value is that bound, the
                           // truth lies above
};

// mean, max, min, last, count and p50/p95/p99 of the samples in the window (plain, not weighted by
// time); seconds_over by sample-and-hold.
Folded FoldGauge(std::span<const Point> points, Window window, model::Fold fold,
                 double threshold = 0);

// Seconds of the window during which the held value was above the threshold. A sample holds until
// the next one or a stale marker, at most kHoldNs. NaN when no sample holds anywhere in the window.
double SecondsOver(std::span<const Point> points, Window window, double threshold);

// The held value integrated over the window, for a rate that is to be added up. NaN as above.
double Integral(std::span<const Point> points, Window window);

// The increment of a counter within the window. Cumulative: the difference of two neighbours,
// spread evenly over the time between them; a smaller value or a later start time is a reset and
// counts from zero. The first sample of all counts only when its start is told and at most kGapNs
// before it. Stale markers are passed over: a counter that comes back goes on. Delta: each value
// spread over (start, ts], all at ts without a start.
Folded Increase(std::span<const Point> points, Window window, model::Temporality temporality);

// ---- histograms

// Counts by bucket, fractional because an increment may be spread over two minutes.
struct Buckets {
  bool exponential = false;
  std::vector<double> bounds, counts;  // explicit: counts.size() == bounds.size() + 1
  std::int32_t scale = 0;              // exponential
  std::map<std::int32_t, double> positive, negative;
  double zero = 0;
  double count = 0, sum = 0;  // sum NaN = not told
  bool estimated = false;
  bool empty() const { return count <= 0; }
};

// The increment within the window, by the rules of Increase. A change of the bounds is a reset.
// Absent (nothing overlaps the window): `known` is false.
struct HistogramFold {
  Buckets buckets;
  bool known = false;
};
HistogramFold HistogramIncrease(std::span<const model::Histogram> points, Window window,
                                model::Temporality temporality);

// Adds another series' increment (same signal, other attributes). False when the bounds differ:
// nothing is added.
bool Add(const Buckets& from, Buckets* to);

// Explicit: linear inside the bucket, the first starting at 0 (or at its bound when that is
// negative); exponential: geometric inside the bucket. NaN without observations.
Folded Quantile(const Buckets& buckets, double q);

// p50/p95/p99, mean (sum / count), count, increase (of the sum). Others are not known of a
// histogram: NaN.
Folded FoldHistogram(const HistogramFold& histogram, model::Fold fold);

// Of plain values, by linear interpolation between order statistics; sorts them. NaN without any.
double QuantileOf(std::vector<double>* values, double q);

}  // namespace strata::minutes
