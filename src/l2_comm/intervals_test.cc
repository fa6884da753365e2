// SPDX-License-Identifier: Apache-2.0
#include "l2_comm/intervals.h"

#include <gtest/gtest.h>

#include <random>

namespace strata::l2_comm {
namespace {

TEST(Intervals, UnionMergesWhatOverlapsTouchesOrNests) {
  EXPECT_EQ(Union({}), Intervals{});
  EXPECT_EQ(Union({{5, 5}, {7, 6}}), Intervals{});
  EXPECT_EQ(Union({{10, 20}, {0, 5}, {5, 8}, {12, 14}, {19, 25}}), (Intervals{{0, 8}, {10, 25}}));
  EXPECT_EQ(Union(Intervals{{0, 2}, {8, 9}}, Intervals{{1, 3}, {9, 12}, {20, 21}}),
            (Intervals{{0, 3}, {8, 12}, {20, 21}}));
}

TEST(Intervals, OverlapAndExposedShareATotal) {
  const Intervals a = {{0, 10}, {20, 30}}, b = {{5, 22}, {29, 40}};
  EXPECT_EQ(Overlap(a, b), 5 + 2 + 1);
  EXPECT_EQ(Exposed(a, b), 12);
  EXPECT_EQ(Exposed(b, a), 17 + 11 - 8);
  EXPECT_EQ(Overlap(a, {}), 0);
  EXPECT_EQ(Exposed(a, {}), 20);
}

TEST(Intervals, ClipCutsAtBothEnds) {
  const Intervals a = {{0, 10}, {20, 30}, {40, 50}};
  EXPECT_EQ(Clip(a, {5, 45}), (Intervals{{5, 10}, {20, 30}, {40, 45}}));
  EXPECT_EQ(Clip(a, {10, 20}), Intervals{});
  EXPECT_EQ(Clip(a, {22, 23}), (Intervals{{22, 23}}));
  EXPECT_EQ(Clip(a, {60, 50}), Intervals{});
}

TEST(Intervals, CollectorAgreesWithTheUnionOfAll) {
  std::mt19937 random(7);
  std::vector<Interval> all;
  UnionCollector collector;
  for (int i = 0; i < 200'000; ++i) {
    const auto from = static_cast<std::int64_t>(random() % 100'000'000);
    all.push_back({from, from + static_cast<std::int64_t>(random() % 400)});
    collector.Add(all.back());
  }
  EXPECT_EQ(collector.Finish(), Union(all));
  EXPECT_EQ(collector.closed_ns(), 0);
}

TEST(Intervals, CollectorStaysBelowItsLimitAndSaysWhatItClosed) {
  UnionCollector collector(1000);
  std::int64_t length = 0;
  for (std::int64_t i = 0; i < 300'000; ++i) {
    collector.Add({i * 100, i * 100 + 60});
    length += 60;
  }
  const Intervals& got = collector.Finish();
  EXPECT_LE(got.size(), 1000u);
  EXPECT_GT(collector.closed_ns(), 0);
  EXPECT_EQ(Length(got), length + collector.closed_ns());
}

TEST(Intervals, CollectorTakesAnyOrder) {
  UnionCollector collector(16);
  for (std::int64_t i = 400'000; i > 0; --i) collector.Add({i * 10, i * 10 + 10});
  EXPECT_EQ(collector.Finish(), (Intervals{{10, 4'000'010}}));
}

}  // namespace
}  // namespace strata::l2_comm
