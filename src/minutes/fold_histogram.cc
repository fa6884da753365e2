// SPDX-License-Identifier: Apache-2.0
// Folds of histograms: the increment of a minute, and quantiles of it.
#include <algorithm>
#include <cmath>

#include "minutes/fold.h"

namespace strata::minutes {
namespace {

constexpr std::size_t kMaxExponentialBuckets = 1024;

double Overlap(std::int64_t from, std::int64_t to, Window window) {
  if (from >= to) return to >= window.from && to < window.to ? 1 : 0;
  const std::int64_t a = std::max(from, window.from), b = std::min(to, window.to);
  return a >= b ? 0 : static_cast<double>(b - a) / static_cast<double>(to - from);
}

Buckets Make(const model::Histogram& h) {
  Buckets out;
  out.exponential = h.exponential;
  out.count = static_cast<double>(h.count);
  out.sum = h.sum;
  if (!h.exponential) {
    out.bounds = h.bounds;
    out.counts.assign(h.counts.begin(), h.counts.end());
    out.counts.resize(h.bounds.size() + 1, 0);
    return out;
  }
  out.scale = h.scale;
  out.zero = static_cast<double>(h.zero_count);
  const auto take = [](const std::vector<std::uint64_t>& counts, std::int32_t offset,
                       std::map<std::int32_t, double>* to) {
    for (std::size_t i = 0; i < std::min(counts.size(), kMaxExponentialBuckets); ++i) {
      if (counts[i] > 0)
        (*to)[offset + static_cast<std::int32_t>(i)] = static_cast<double>(counts[i]);
    }
  };
  take(h.counts, h.positive_offset, &out.positive);
  take(h.negative_counts, h.negative_offset, &out.negative);
  return out;
}

// Merges pairs of neighbours until the scale is `scale`.
void Downscale(std::int32_t scale, Buckets* b) {
  if (b->scale <= scale) return;
  const int shift = std::min(b->scale - scale, 31);
  for (auto* side : {&b->positive, &b->negative}) {
    std::map<std::int32_t, double> merged;
    for (const auto& [index, n] : *side) merged[index >> shift] += n;
    side->swap(merged);
  }
  b->scale = scale;
}

void Scale(double by, Buckets* b) {
  for (double& n : b->counts) n *= by;
  for (auto* side : {&b->positive, &b->negative}) {
    for (auto& [index, n] : *side) n *= by;
  }
  b->zero *= by;
  b->count *= by;
  b->sum *= by;
}

// b -= a, false when some count would fall below zero: a reset.
bool Subtract(Buckets a, Buckets* b) {
  if (a.exponential != b->exponential || a.count > b->count) return false;
  if (!a.exponential) {
    if (a.bounds != b->bounds) return false;
    for (std::size_t i = 0; i < a.counts.size(); ++i) {
      if (a.counts[i] > b->counts[i]) return false;
    }
    for (std::size_t i = 0; i < a.counts.size(); ++i) b->counts[i] -= a.counts[i];
  } else {
    const std::int32_t scale = std::min(a.scale, b->scale);
    Downscale(scale, &a);
    Downscale(scale, b);
    for (const auto side : {&Buckets::positive, &Buckets::negative}) {
      for (const auto& [index, n] : a.*side) {
        double& left = (b->*side)[index];
        if (n > left) return false;
        left -= n;
      }
    }
    if (a.zero > b->zero) return false;
    b->zero -= a.zero;
  }
  b->count -= a.count;
  b->sum -= a.sum;
  return true;
}

double QuantileExplicit(const Buckets& b, double rank, Folded* out) {
  double below = 0;
  for (std::size_t i = 0; i < b.counts.size(); ++i) {
    if (b.counts[i] <= 0 || below + b.counts[i] < rank) {
      below += b.counts[i];
      continue;
    }
    if (i == b.bounds.size()) break;
    const double high = b.bounds[i];
    const double low = i > 0 ? b.bounds[i - 1] : std::min(0.0, high);
    return low + (high - low) * std::max(0.0, rank - below) / b.counts[i];
  }
  if (b.bounds.empty()) return kAbsent;
  out->beyond = true;
  return b.bounds.back();
}

double QuantileExponential(const Buckets& b, double rank) {
  const auto edge = [&](std::int32_t index) { return std::exp2(std::ldexp(index, -b.scale)); };
  double below = 0;
  for (auto it = b.negative.rbegin(); it != b.negative.rend(); ++it) {  // most negative first
    if (it->second > 0 && below + it->second >= rank) return -edge(it->first + 1);
    below += it->second;
  }
  if (b.zero > 0 && below + b.zero >= rank) return 0;
  below += b.zero;
  double last = kAbsent;
  for (const auto& [index, n] : b.positive) {
    if (n <= 0) continue;
    const double low = edge(index), high = edge(index + 1);
    if (below + n >= rank) return low * std::pow(high / low, std::max(0.0, rank - below) / n);
    below += n;
    last = high;
  }
  return last;  // only by rounding of fractional counts
}

}  // namespace

HistogramFold HistogramIncrease(std::span<const model::Histogram> points, Window window,
                                model::Temporality temporality) {
  HistogramFold out;
  const auto spread = [&](Buckets increment, std::int64_t from, std::int64_t to) {
    const double share = Overlap(from, to, window);
    if (share <= 0) return;
    Scale(share, &increment);
    if (to - from > kGapNs) increment.estimated = true;
    if (!out.known) {
      out.buckets = std::move(increment);
    } else if (!Add(increment, &out.buckets)) {
      out.buckets =
          std::move(increment);  // the bounds changed within the minute: the later ones count
    }
    out.known = true;
  };
  const model::Histogram* before = nullptr;
  for (const model::Histogram& h : points) {
    const bool started = h.start_ts > 0 && h.start_ts < h.ts;
    if (temporality == model::Temporality::delta) {
      spread(Make(h), started ? h.start_ts : h.ts, h.ts);
      continue;
    }
    if (before == nullptr) {
      if (started && h.ts - h.start_ts <= kGapNs) spread(Make(h), h.start_ts, h.ts);
    } else if (started && h.start_ts > before->ts) {
      spread(Make(h), h.start_ts, h.ts);
    } else if (h.ts > before->ts) {
      Buckets increment = Make(h);
      if (!Subtract(Make(*before), &increment)) increment = Make(h);
      spread(std::move(increment), before->ts, h.ts);
    }
    before = &h;
  }
  return out;
}

bool Add(const Buckets& from, Buckets* to) {
  if (from.exponential != to->exponential || from.bounds != to->bounds) return false;
  Buckets other = from;
  if (from.exponential) {
    const std::int32_t scale = std::min(from.scale, to->scale);
    Downscale(scale, &other);
    Downscale(scale, to);
    for (const auto side : {&Buckets::positive, &Buckets::negative}) {
      for (const auto& [index, n] : other.*side) (to->*side)[index] += n;
    }
    to->zero += other.zero;
  } else {
    for (std::size_t i = 0; i < to->counts.size(); ++i) to->counts[i] += other.counts[i];
  }
  to->count += other.count;
  to->sum += other.sum;
  to->estimated = to->estimated || other.estimated;
  return true;
}

Folded Quantile(const Buckets& buckets, double q) {
  Folded out;
  if (buckets.empty()) return out;
  out.estimated = buckets.estimated;
  // The buckets' own total, not `count`: a sender's count may disagree with its buckets.
  double total = buckets.zero;
  for (const double n : buckets.counts) total += n;
  for (const auto& [index, n] : buckets.positive) total += n;
  for (const auto& [index, n] : buckets.negative) total += n;
  if (total <= 0) return out;
  const double rank = q * total;
  out.value = buckets.exponential ? QuantileExponential(buckets, rank)
                                  : QuantileExplicit(buckets, rank, &out);
  return out;
}

Folded FoldHistogram(const HistogramFold& histogram, model::Fold fold) {
  if (!histogram.known) return {};
  const Buckets& b = histogram.buckets;
  switch (fold) {
    case model::Fold::p50: return Quantile(b, 0.50);
    case model::Fold::p95: return Quantile(b, 0.95);
    case model::Fold::p99: return Quantile(b, 0.99);
    case model::Fold::count: return {b.count, b.estimated};
    case model::Fold::increase: return {b.sum, b.estimated};
    case model::Fold::mean: return b.empty() ? Folded{} : Folded{b.sum / b.count, b.estimated};
    default: return {};
  }
}

}  // namespace strata::minutes
