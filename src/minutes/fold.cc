// SPDX-License-Identifier: Apache-2.0
// Folds of plain samples: gauges and counters.
#include "minutes/fold.h"

#include <algorithm>
#include <cmath>

namespace strata::minutes {
namespace {

double Seconds(std::int64_t ns) { return static_cast<double>(ns) / 1e9; }

// Calls f(value, seconds) for each stretch of the window in which a value is held.
template <typename F>
bool ForHeld(std::span<const Point> points, Window window, F f) {
  bool any = false;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (std::isnan(points[i].value)) continue;
    std::int64_t end = points[i].ts + kHoldNs;
    if (i + 1 < points.size()) end = std::min(end, points[i + 1].ts);
    const std::int64_t a = std::max(points[i].ts, window.from), b = std::min(end, window.to);
    if (a >= b) continue;
    any = true;
    f(points[i].value, Seconds(b - a));
  }
  return any;
}

// Share of (from, to] that lies within the window; an empty interval lies at its end.
double Overlap(std::int64_t from, std::int64_t to, Window window) {
  if (from >= to) return to >= window.from && to < window.to ? 1 : 0;
  const std::int64_t a = std::max(from, window.from), b = std::min(to, window.to);
  if (a >= b) return 0;
  return static_cast<double>(b - a) / static_cast<double>(to - from);
}

void AddSpread(double amount, std::int64_t from, std::int64_t to, Window window, Folded* out) {
  const double share = Overlap(from, to, window);
  if (share <= 0) return;
  out->value = (std::isnan(out->value) ? 0 : out->value) + amount * share;
  if (to - from > kGapNs) out->estimated = true;
}

}  // namespace

double QuantileOf(std::vector<double>* values, double q) {
  if (values->empty()) return kAbsent;
  std::sort(values->begin(), values->end());
  const double at = q * static_cast<double>(values->size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, values->size() - 1);
  return (*values)[low] + ((*values)[high] - (*values)[low]) * (at - static_cast<double>(low));
}

double SecondsOver(std::span<const Point> points, Window window, double threshold) {
  double over = 0;
  const bool any = ForHeld(points, window, [&](double value, double seconds) {
    if (value > threshold) over += seconds;
  });
  return any ? over : kAbsent;
}

double Integral(std::span<const Point> points, Window window) {
  double sum = 0;
  const bool any =
      ForHeld(points, window, [&](double value, double seconds) { sum += value * seconds; });
  return any ? sum : kAbsent;
}

Folded FoldGauge(std::span<const Point> points, Window window, model::Fold fold, double threshold) {
  if (fold == model::Fold::seconds_over) return {SecondsOver(points, window, threshold)};
  if (fold == model::Fold::increase) return {Integral(points, window)};
  std::vector<double> inside;
  for (const Point& p : points) {
    if (p.ts >= window.from && p.ts < window.to && !std::isnan(p.value)) inside.push_back(p.value);
  }
  if (inside.empty()) return {};
  switch (fold) {
    case model::Fold::max: return {*std::max_element(inside.begin(), inside.end())};
    case model::Fold::min: return {*std::min_element(inside.begin(), inside.end())};
    case model::Fold::last: return {inside.back()};
    case model::Fold::count: return {static_cast<double>(inside.size())};
    case model::Fold::p50: return {QuantileOf(&inside, 0.50)};
    case model::Fold::p95: return {QuantileOf(&inside, 0.95)};
    case model::Fold::p99: return {QuantileOf(&inside, 0.99)};
    default: break;
  }
  double sum = 0;
  for (const double v : inside) sum += v;
  return {sum / static_cast<double>(inside.size())};
}

Folded Increase(std::span<const Point> points, Window window, model::Temporality temporality) {
  Folded out;
  const Point* before = nullptr;
  for (const Point& p : points) {
    if (std::isnan(p.value)) continue;
    if (temporality == model::Temporality::delta) {
      AddSpread(p.value, p.start_ts > 0 ? std::min(p.start_ts, p.ts) : p.ts, p.ts, window, &out);
      continue;
    }
    const bool started =
        p.start_ts > 0 && p.start_ts < p.ts;  // a start equal to the time says "unknown"
    if (before == nullptr) {
      if (started && p.ts - p.start_ts <= kGapNs)
        AddSpread(p.value, p.start_ts, p.ts, window, &out);
    } else if (started && p.start_ts > before->ts) {
      AddSpread(p.value, p.start_ts, p.ts, window, &out);
    } else if (p.ts > before->ts) {
      const bool reset = p.value < before->value;
      AddSpread(reset ? p.value : p.value - before->value, before->ts, p.ts, window, &out);
    }
    before = &p;
  }
  return out;
}

}  // namespace strata::minutes
