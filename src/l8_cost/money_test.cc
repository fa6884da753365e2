// SPDX-License-Identifier: Apache-2.0
#include "l8_cost/money.h"

#include <gtest/gtest.h>

#include <random>

#include "base/clock.h"

namespace strata::l8_cost {
namespace {

Money M(std::string_view text) { return Money::Parse(text).value(); }

TEST(Money, ReadsAndPrintsExactly) {
  const auto f = [](std::string_view in, std::string_view want) {
    EXPECT_EQ(M(in).text(), want) << in;
  };
  f("2.10", "2.1");
  f("0", "0");
  f("-0.5", "-0.5");
  f(".000000000001", "0.000000000001");
  f("0.0319999999990000", "0.031999999999");
  f("999999999999999.999999999999", "999999999999999.999999999999");
  for (const char* bad : {"", "-", ".", "1e3", "1.2.3", "0.0000000000001", "1000000000000001",
                          "12,50", "NaN", " 1"}) {
    EXPECT_FALSE(Money::Parse(bad).ok()) << bad;
  }
}

TEST(Money, NeighbouringMinutesAddUpToTheHour) {
  const Money price = M("2");
  Money sum;
  const std::int64_t start = 1'764'000'000 * base::kSecond;
  for (int m = 0; m < 60; ++m)
    sum += CostOf(price, start + m * base::kMinute, start + (m + 1) * base::kMinute);
  EXPECT_EQ(sum.text(), "2") << "60 roundings of 1/30 lose nothing";
  EXPECT_TRUE(CostOf(price, start, start).is_zero());
}

TEST(Money, MulDivRoundsDown) {
  EXPECT_EQ(static_cast<long>(MulDiv(7, 3, 2)), 10);
  EXPECT_EQ(static_cast<long>(MulDiv(-7, 3, 2)), -11);
  const Int128 big = Int128{1'000'000'000'000'000'000} * 1'000'000'000;
  EXPECT_TRUE(MulDiv(big, 9'000'000'000'000'000'000, 9'000'000'000'000'000'000) == big);
}

TEST(Deal, LargestRemainderAndExactSum) {
  const std::vector<std::int64_t> thirds = {1, 1, 1};
  const auto parts = Deal(M("1"), thirds);
  EXPECT_EQ(parts[0].text(), "0.333333333334");
  EXPECT_EQ(parts[1].text(), "0.333333333333");
  const std::vector<std::int64_t> weights = {2, 3, 2};
  EXPECT_EQ(Deal(std::int64_t{10}, weights), (std::vector<std::int64_t>{3, 4, 3}));
  EXPECT_EQ(Deal(std::int64_t{-10}, weights), (std::vector<std::int64_t>{-3, -4, -3}));
  EXPECT_EQ(Deal(std::int64_t{5}, std::vector<std::int64_t>{0, 0}),
            (std::vector<std::int64_t>{5, 0}));
}

TEST(Deal, AlwaysAddsUpAndIsNeverOffByMoreThanOneUnit) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 5000; ++round) {
    std::vector<std::int64_t> weights(1 + random() % 9);
    std::int64_t total_weight = 0;
    for (auto& w : weights) {
      w = static_cast<std::int64_t>(random() >> (10 + random() % 54));
      total_weight += w;
    }
    const Int128 total =
        static_cast<Int128>(random()) * static_cast<std::int64_t>(random() % 1'000'000);
    Money sum;
    const auto parts = Deal(Money::FromUnits(total), weights);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      sum += parts[i];
      if (total_weight > 0) {
        const Int128 floor = MulDiv(total, weights[i], total_weight);
        EXPECT_TRUE(parts[i].units() == floor || parts[i].units() == floor + 1);
      }
    }
    EXPECT_TRUE(sum.units() == total);
  }
}

TEST(Weights, KeepProportions) {
  const std::vector<double> v = {0.25, 0.25, 0.5, -1, 0.0 / 1};
  const auto w = Weights(v);
  EXPECT_EQ(w[0], w[1]);
  EXPECT_EQ(w[0] * 2, w[2]);
  EXPECT_EQ(w[3], 0);
}

}  // namespace
}  // namespace strata::l8_cost
