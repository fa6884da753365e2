// SPDX-License-Identifier: Apache-2.0
#include "minutes/fold.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace strata::minutes {
namespace {

using model::Fold;
using model::Temporality;
constexpr std::int64_t kS = base::kSecond;
constexpr Window kMinute{600 * kS, 660 * kS};
const double kStale = model::StaleNan();

std::vector<Point> At(std::initializer_list<std::pair<int, double>> points) {
  std::vector<Point> out;
  for (const auto& [s, v] : points) out.push_back({s * kS, 0, v});
  return out;
}

TEST(FoldGauge, TakesTheSamplesOfTheMinuteOnly) {
  const auto p = At({{599, 100}, {600, 1}, {630, 4}, {659, 7}, {660, 100}});
  EXPECT_EQ(FoldGauge(p, kMinute, Fold::mean).value, 4);
  EXPECT_EQ(FoldGauge(p, kMinute, Fold::max).value, 7);
  EXPECT_EQ(FoldGauge(p, kMinute, Fold::min).value, 1);
  EXPECT_EQ(FoldGauge(p, kMinute, Fold::last).value, 7);
  EXPECT_EQ(FoldGauge(p, kMinute, Fold::count).value, 3);
  EXPECT_EQ(FoldGauge(p, kMinute, Fold::p50).value, 4);
}

TEST(FoldGauge, AbsentIsNotZero) {
  const auto none = At({{599, 5}, {660, 5}});
  for (const Fold f : {Fold::mean, Fold::max, Fold::min, Fold::last, Fold::count, Fold::p95}) {
    EXPECT_TRUE(std::isnan(FoldGauge(none, kMinute, f).value)) << static_cast<int>(f);
  }
  EXPECT_TRUE(std::isnan(FoldGauge({}, kMinute, Fold::seconds_over).value));
  const auto stale = At({{601, 3}, {602, kStale}});
  EXPECT_EQ(FoldGauge(stale, kMinute, Fold::mean).value, 3);
  EXPECT_EQ(FoldGauge(stale, kMinute, Fold::last).value, 3);
}

TEST(SecondsOver, HoldsUntilTheNextSampleAStaleMarkerOrFiveMinutes) {
  struct Case {
    std::vector<Point> points;
    double want;
  };
  for (const Case& c : {
           Case{At({{590, 1}, {610, 0}, {650, 1}}), 10 + 10},  // in from before, and to the end
           Case{At({{590, 1}, {620, kStale}}), 20},            // ended by the marker
           Case{At({{310, 1}}), 10},                           // 310 + 300 = 610
           Case{At({{590, 0}, {610, 0}}), 0},                  // known, never over
           Case{At({{600, 1}, {700, 0}}), 60},
       }) {
    EXPECT_NEAR(SecondsOver(c.points, kMinute, 0), c.want, 1e-9);
  }
  EXPECT_TRUE(std::isnan(SecondsOver(At({{299, 1}}), kMinute, 0)));
}

TEST(Integral, OfAHeldRate) {
  EXPECT_NEAR(Integral(At({{590, 2}, {630, 4}}), kMinute), 30 * 2 + 30 * 4, 1e-9);
}

TEST(Increase, SpreadsByTimeAndKnowsResets) {
  const auto inc = [](std::vector<Point> p) {
    return Increase(p, kMinute, Temporality::cumulative);
  };
  EXPECT_NEAR(inc(At({{590, 10}, {610, 30}, {650, 70}, {670, 90}})).value, 10 + 40 + 10, 1e-9);
  EXPECT_NEAR(inc(At({{600, 100}, {630, 10}})).value, 10, 1e-9) << "a smaller value is a reset";
  EXPECT_NEAR(inc(At({{600, 5}, {620, kStale}, {630, 8}})).value, 3, 1e-9)
      << "a stale marker is passed over";
  EXPECT_EQ(inc(At({{600, 5}, {630, 5}})).value, 0);
  EXPECT_TRUE(std::isnan(inc(At({{630, 5}})).value)) << "one sample says nothing";
  const Folded gap = inc(At({{540, 0}, {720, 180}}));
  EXPECT_NEAR(gap.value, 60, 1e-9);
  EXPECT_TRUE(gap.estimated);
  EXPECT_FALSE(inc(At({{600, 0}, {630, 180}})).estimated);
}

TEST(Increase, UsesToldStartTimes) {
  std::vector<Point> p = {{590 * kS, 100 * kS, 50},
                          {620 * kS, 610 * kS, 60}};  // restarted, and already past 50
  EXPECT_NEAR(Increase(p, kMinute, Temporality::cumulative).value, 60, 1e-9);
  p = {{630 * kS, 610 * kS, 7}};
  EXPECT_NEAR(Increase(p, kMinute, Temporality::cumulative).value, 7, 1e-9)
      << "first sample of a fresh counter";
  p = {{630 * kS, 10 * kS, 7000}};
  EXPECT_TRUE(std::isnan(Increase(p, kMinute, Temporality::cumulative).value))
      << "old counter, first seen now";
  p = {{630 * kS, 630 * kS, 7000}};
  EXPECT_TRUE(std::isnan(Increase(p, kMinute, Temporality::cumulative).value))
      << "start = time: start unknown";
}

TEST(Increase, DeltaAdds) {
  std::vector<Point> p = {
      {610 * kS, 590 * kS, 10}, {640 * kS, 610 * kS, 6}, {680 * kS, 640 * kS, 8}};
  EXPECT_NEAR(Increase(p, kMinute, Temporality::delta).value, 5 + 6 + 4, 1e-9);
  EXPECT_NEAR(
      Increase(At({{599, 1}, {600, 2}, {659, 4}, {660, 8}}), kMinute, Temporality::delta).value, 6,
      1e-9);
}

// Whatever the sampling, the increments of neighbouring minutes add up to the whole.
TEST(Increase, MinutesAddUpToTheWhole) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<Point> p;
    std::int64_t t = static_cast<std::int64_t>(random() % (20 * kS));
    double value = 0;
    while (t < 600 * kS) {
      p.push_back({t, 0, value});
      t += 1 + static_cast<std::int64_t>(random() % (90 * kS));
      const double step = static_cast<double>(random() % 1000);
      value = random() % 10 == 0 ? step : value + step;
    }
    double truth = 0;
    for (std::size_t i = 1; i < p.size(); ++i) {
      truth += p[i].value >= p[i - 1].value ? p[i].value - p[i - 1].value : p[i].value;
    }
    double sum = 0;
    for (std::int64_t m = 0; m < 600 * kS; m += 60 * kS) {
      const Folded f = Increase(p, {m, m + 60 * kS}, Temporality::cumulative);
      if (!std::isnan(f.value)) sum += f.value;
    }
    EXPECT_NEAR(sum, truth, 1e-6 * std::max(1.0, truth));
  }
}

model::Histogram Explicit(int s, std::vector<double> bounds, std::vector<std::uint64_t> counts,
                          double sum) {
  model::Histogram h;
  h.ts = s * kS;
  h.bounds = std::move(bounds);
  h.counts = std::move(counts);
  for (const auto n : h.counts) h.count += n;
  h.sum = sum;
  return h;
}

TEST(HistogramIncrease, DifferencesAndSpreads) {
  const std::vector<double> bounds = {1, 2, 4};
  const std::vector<model::Histogram> p = {Explicit(600, bounds, {10, 0, 0, 0}, 5),
                                           Explicit(630, bounds, {10, 10, 0, 0}, 20),
                                           Explicit(690, bounds, {10, 10, 20, 0}, 80)};
  const HistogramFold f = HistogramIncrease(p, kMinute, Temporality::cumulative);
  ASSERT_TRUE(f.known);
  EXPECT_NEAR(f.buckets.count, 10 + 10, 1e-9);
  EXPECT_NEAR(f.buckets.sum, 15 + 30, 1e-9);
  EXPECT_NEAR(FoldHistogram(f, Fold::p50).value, 2, 1e-9);
  EXPECT_NEAR(FoldHistogram(f, Fold::mean).value, 45 / 20.0, 1e-9);
  EXPECT_EQ(FoldHistogram(f, Fold::count).value, f.buckets.count);
  EXPECT_TRUE(std::isnan(FoldHistogram(f, Fold::max).value));
  EXPECT_FALSE(HistogramIncrease(std::span(p).first(1), kMinute, Temporality::cumulative).known);
}

TEST(HistogramIncrease, ResetAndChangedBoundsCountFromZero) {
  const std::vector<model::Histogram> p = {Explicit(600, {1, 2}, {9, 9, 9}, 5),
                                           Explicit(630, {1, 2}, {3, 0, 0}, 1),
                                           Explicit(650, {1, 3}, {0, 4, 0}, 1)};
  const HistogramFold f = HistogramIncrease(p, kMinute, Temporality::cumulative);
  EXPECT_NEAR(f.buckets.count, 4, 1e-9);
  EXPECT_EQ(f.buckets.bounds, (std::vector<double>{1, 3}));
}

TEST(Quantile, AboveTheLastBoundIsSaid) {
  const std::vector<model::Histogram> p = {Explicit(600, {1, 2}, {0, 0, 0}, 0),
                                           Explicit(630, {1, 2}, {90, 0, 10}, 0)};
  const HistogramFold f = HistogramIncrease(p, kMinute, Temporality::cumulative);
  EXPECT_NEAR(FoldHistogram(f, Fold::p50).value, 50 / 90.0, 1e-9);
  EXPECT_FALSE(FoldHistogram(f, Fold::p50).beyond);
  EXPECT_EQ(FoldHistogram(f, Fold::p99).value, 2);
  EXPECT_TRUE(FoldHistogram(f, Fold::p99).beyond);
}

TEST(Quantile, ExponentialOfTheTrueValuesWithinABucket) {
  std::mt19937_64 random(3);
  std::lognormal_distribution<double> draw(0, 1);
  model::Histogram a, b;
  a.exponential = b.exponential = true;
  a.ts = 600 * kS;
  b.ts = 659 * kS;
  a.scale = b.scale = 3;
  b.positive_offset = -80;
  b.counts.resize(160);
  std::vector<double> truth;
  for (int i = 0; i < 20000; ++i) {
    const double v = draw(random);
    truth.push_back(v);
    const int index = static_cast<int>(std::ceil(std::log2(v) * 8)) - 1;
    b.counts[static_cast<std::size_t>(index + 80)]++;
    b.count++;
  }
  const std::vector<model::Histogram> p = {a, b};
  const HistogramFold f = HistogramIncrease(p, kMinute, Temporality::cumulative);
  for (const double q : {0.5, 0.95, 0.99}) {
    EXPECT_NEAR(Quantile(f.buckets, q).value / QuantileOf(&truth, q), 1, 0.02) << q;
  }
}

TEST(HistogramIncrease, ExponentialWithAFallingScale) {
  model::Histogram a, b;
  a.exponential = b.exponential = true;
  a.ts = 600 * kS, b.ts = 650 * kS;
  a.scale = 1, a.positive_offset = 4, a.counts = {2, 2}, a.count = 4;  // indexes 4, 5 at scale 1
  b.scale = 0, b.positive_offset = 2, b.counts = {6, 1}, b.count = 7;  // index 2, 3 at scale 0
  const std::vector<model::Histogram> p = {a, b};
  const HistogramFold f = HistogramIncrease(p, kMinute, Temporality::cumulative);
  EXPECT_NEAR(f.buckets.count, 3, 1e-9);
  EXPECT_NEAR(f.buckets.positive.at(2), 2, 1e-9);
  EXPECT_NEAR(f.buckets.positive.at(3), 1, 1e-9);
}

TEST(AddBuckets, RefusesOtherBounds) {
  Buckets a, b;
  a.bounds = {1}, a.counts = {1, 0}, a.count = 1;
  b.bounds = {2}, b.counts = {1, 0}, b.count = 1;
  EXPECT_FALSE(Add(a, &b));
  EXPECT_EQ(b.count, 1);
  EXPECT_TRUE(Add(a, &a));
  EXPECT_EQ(a.count, 2);
}

}  // namespace
}  // namespace strata::minutes
