// SPDX-License-Identifier: Apache-2.0
#include "l2_comm/reduce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "base/clock.h"
#include "l2_comm/catalog.gen.h"

namespace strata::l2_comm {
namespace {

constexpr std::int64_t kNow = 1'795'000'000'000'000'000;
const model::Catalog* const kCatalogs[] = {&catalog()};

model::Collective Row(std::uint64_t seq, std::int32_t rank = 0) {
  model::Collective row;
  row.communicator = "0x1";
  row.seq = seq;
  row.operation = "AllReduce";
  row.bytes = 1 << 20;
  row.rank = rank, row.nranks = 8;
  row.start_ns = kNow + static_cast<std::int64_t>(seq) * 1000;
  row.duration_s = 1e-3;
  row.algbw = 1e9, row.busbw = 2e9;
  return row;
}

struct Totals {
  std::uint64_t rows = 0, open = 0, histogram = 0;
  double bytes = 0, seconds = 0;
  std::set<std::uint64_t> seqs;
};

// Seconds of `rate` collectives of one rank through a reducer.
Totals Play(CollectiveReducer* reducer, int seconds, int rate, std::int32_t rank = 0) {
  model::Namer namer(kCatalogs);
  Totals t;
  std::uint64_t seq = 0;
  for (int s = 0; s < seconds; ++s) {
    model::Batch batch;
    for (int i = 0; i < rate; ++i) batch.collectives.push_back(Row(seq++, rank));
    reducer->Reduce(kNow + s * base::kSecond, &batch);
    reducer->Flush(kNow + (s + 1) * base::kSecond, namer, &batch);
    t.rows += batch.collectives.size();
    for (const model::Collective& row : batch.collectives) {
      t.seqs.insert(row.seq);
      t.seconds += row.duration_s;
      t.bytes += static_cast<double>(row.bytes);
    }
    namer.take_fresh(&batch.series);
    for (const model::Histogram& h : batch.histograms) {
      t.histogram += h.count;
      t.seconds += h.sum;
      std::uint64_t in_buckets = 0;
      for (const std::uint64_t n : h.counts) in_buckets += n;
      EXPECT_EQ(in_buckets, h.count);
      EXPECT_DOUBLE_EQ(h.max, 1e-3);
    }
    for (std::size_t i = 0; i < batch.samples.size(); ++i) {
      if (batch.samples.start_ts[i] != 0) t.bytes += batch.samples.value[i];
    }
    for (const model::Series& series : batch.series) {
      EXPECT_EQ(series.layer, "l2_comm");
      EXPECT_EQ(series.entity, "0x1");
      EXPECT_EQ(series.attributes.get("size_class"), "1MiB");
    }
    EXPECT_TRUE(batch.refused.empty());
  }
  return t;
}

TEST(Reducer, BelowTheRateEveryRowIsSent) {
  CollectiveReducer reducer({.rows_per_s = 200});
  const Totals t = Play(&reducer, 5, 150);
  EXPECT_EQ(t.rows, 750u);
  EXPECT_EQ(t.histogram, 0u);
}

TEST(Reducer, AboveItNothingIsLostAndNothingCountsTwice) {
  CollectiveReducer reducer({.rows_per_s = 100});
  const Totals t = Play(&reducer, 10, 10'000);
  EXPECT_EQ(t.rows + t.histogram, 100'000u);
  EXPECT_NEAR(t.seconds, 100, 1e-6);
  EXPECT_DOUBLE_EQ(t.bytes, 100'000.0 * (1 << 20));
  EXPECT_LT(t.rows, 10 * 100 * 2 + 2000u);  // the first second learns the rate while it runs
  EXPECT_GT(t.rows, 200u);
}

TEST(Reducer, AFewRowsJustBeforeAFlushAreNoRate) {
  CollectiveReducer reducer;
  model::Namer namer(kCatalogs);
  model::Batch batch;
  for (std::uint64_t i = 0; i < 40; ++i) batch.collectives.push_back(Row(i));
  reducer.Reduce(kNow, &batch);
  reducer.Flush(kNow + 10 * base::kMillisecond, namer, &batch);
  EXPECT_EQ(reducer.one_in(), 1u);
  EXPECT_EQ(batch.collectives.size(), 40u);
}

TEST(Reducer, WhatWaitsToBeSentIsLookedAtOnce) {
  CollectiveReducer reducer;
  model::Namer namer(kCatalogs);
  model::Batch batch;
  for (std::uint64_t i = 0; i < 40; ++i) batch.collectives.push_back(Row(i));
  for (std::size_t round = 0, seen = 0; round < 10; ++round) {
    reducer.Reduce(kNow, &batch, seen);
    seen = batch.collectives.size();
  }
  reducer.Flush(kNow + base::kSecond, namer, &batch);
  EXPECT_EQ(reducer.one_in(), 1u);
  EXPECT_EQ(batch.collectives.size(), 40u);
}

TEST(Reducer, RanksKeepTheSameCollectives) {
  CollectiveReducer a({.rows_per_s = 100}), b({.rows_per_s = 400});
  const Totals fast = Play(&a, 8, 6400, 0), slow = Play(&b, 8, 6400, 1);
  std::size_t common = 0;
  for (const std::uint64_t seq : fast.seqs) common += slow.seqs.count(seq);
  // All but each second's newest row and the first second's beginning are shared.
  EXPECT_GT(common, fast.seqs.size() * 9 / 10);
}

TEST(Reducer, OpenRowsAlwaysGo) {
  CollectiveReducer reducer({.rows_per_s = 1});
  model::Namer namer(kCatalogs);
  Play(&reducer, 3, 1000);
  model::Batch batch;
  for (std::uint64_t i = 0; i < 50; ++i) {
    batch.collectives.push_back(Row(i));
    batch.collectives.back().done = false;
    batch.collectives.back().duration_s = std::numeric_limits<double>::quiet_NaN();
  }
  reducer.Reduce(kNow + 10 * base::kSecond, &batch);
  EXPECT_EQ(batch.collectives.size(), 50u);
}

TEST(Reducer, QuietAgainSendsAllAgain) {
  CollectiveReducer reducer({.rows_per_s = 100});
  Play(&reducer, 3, 10'000);
  EXPECT_GT(reducer.one_in(), 1u);
  Play(&reducer, 2, 10);
  EXPECT_EQ(reducer.one_in(), 1u);
}

TEST(Reducer, KindsAreBounded) {
  CollectiveReducer reducer({.rows_per_s = 1, .max_groups = 10});
  model::Namer namer(kCatalogs);
  model::Batch batch;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    batch.collectives.push_back(Row(i));
    batch.collectives.back().communicator = std::to_string(i % 500);
  }
  reducer.Reduce(kNow, &batch);
  reducer.Flush(kNow + base::kSecond, namer, &batch);
  EXPECT_LE(batch.histograms.size(), 10u);
  EXPECT_GT(batch.refused.count(base::Reason::series_limit), 0u);
}

TEST(SizeClass, Bounds) {
  EXPECT_EQ(SizeClass(0), "4KiB");
  EXPECT_EQ(SizeClass(4096), "4KiB");
  EXPECT_EQ(SizeClass(4097), "64KiB");
  EXPECT_EQ(SizeClass(std::uint64_t{4} << 30), "4GiB");
  EXPECT_EQ(SizeClass((std::uint64_t{4} << 30) + 1), "more");
}

}  // namespace
}  // namespace strata::l2_comm
