// SPDX-License-Identifier: Apache-2.0
// Made-up jobs with one thing wrong, and many with nothing wrong; clocks; bandwidth; bounds.
#include "l2_comm/analysis.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/clock.h"
#include "l2_comm/clocks.h"
#include "l2_comm/l2_comm.h"
#include "l2_comm/synthetic.h"

namespace strata::l2_comm {
namespace {

CommReport Analyse(SyntheticJob job, int collectives) {
  CommWindow window;
  for (int i = 0; i < collectives; ++i) {
    for (const model::Collective& row : job.Next()) window.Add(row);
  }
  return window.Finish();
}

std::string Told(const CommReport& report) {
  std::string out;
  for (const Straggler& s : report.stragglers) {
    out += (out.empty() ? "" : "; ") +
           std::string(s.kind == LateKind::compute ? "compute " : "communication ") +
           std::to_string(s.rank);
    if (s.peer >= 0) out += "-" + std::to_string(s.peer);
  }
  return out;
}

TEST(Analysis, ALateRankAmong1024) {
  Faults faults;
  faults.late_rank = 517;
  const CommReport report = Analyse(SyntheticJob(1024, 1, faults), 1000);
  ASSERT_EQ(Told(report), "compute 517");
  const Straggler& s = report.stragglers[0];
  EXPECT_EQ(s.gpu, "GPU-517");
  EXPECT_EQ(s.node, "n64");
  EXPECT_EQ(s.operation, "AllReduce");  // the one after the long computation, of three in a step
  EXPECT_NEAR(s.last_ratio, 1, 0.01);
  EXPECT_NEAR(report.ranks[517].last_ratio, 1.0 / 3, 0.01);
  EXPECT_GT(s.lost_share, 0.8);
  EXPECT_NEAR(s.lateness_s, 0.03, 0.001);
  EXPECT_NEAR(s.lost_s, 1000.0 / 3 * 0.027, 0.7);  // 30 ms less what the next one was late anyway
  EXPECT_NEAR(s.lost_ratio, s.lost_s / report.span_s, 1e-9);
  EXPECT_EQ(report.judged, 1000u);
  EXPECT_EQ(report.partial, 0u);
  EXPECT_DOUBLE_EQ(report.aligned_ratio, 1);
  // The time without the waiting is the transfer, whoever came late.
  for (const ClassFacts& c : report.classes) {
    const double bytes = c.operation == "ReduceScatter" ? 16 << 20 : c.bytes;
    EXPECT_NEAR(c.time_p50_s, 30e-6 + bytes / 10e9, 60e-6) << c.operation << " " << c.bytes;
  }
}

TEST(Analysis, ASlowLinkAmong1024) {
  Faults faults;
  faults.link_rank = 300;
  const CommReport report = Analyse(SyntheticJob(1024, 2, faults), 1000);
  ASSERT_EQ(report.stragglers.size(), 2u) << Told(report);
  for (const Straggler& s : report.stragglers) {
    EXPECT_EQ(s.kind, LateKind::communication);
    EXPECT_TRUE((s.rank == 300 && s.peer == 301) || (s.rank == 301 && s.peer == 300))
        << Told(report);
  }
  // Without small messages the clock of a node, which eight ranks share, still tells.
  faults.one_size = true;
  EXPECT_EQ(Analyse(SyntheticJob(64, 3, Faults{-1, 0, 30, 0.4, true}), 300).stragglers.size(), 2u);
}

TEST(Analysis, BothAtOnceAreToldApart) {
  Faults faults;
  faults.late_rank = 9, faults.late_s = 0.02, faults.link_rank = 40, faults.link_ratio = 0.6;
  const CommReport report = Analyse(SyntheticJob(64, 4, faults), 600);
  ASSERT_EQ(report.stragglers.size(), 3u) << Told(report);
  EXPECT_EQ(report.stragglers[0].rank, 9);
  EXPECT_EQ(report.stragglers[0].kind, LateKind::compute);
}

TEST(Analysis, NobodyIsBlamedIn100QuietRuns) {
  // Fewer ranks than above, so that this stays quick under ASan; the smallest are the hardest.
  constexpr std::int32_t kRanks[] = {2, 3, 4, 8, 16, 64, 128};
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const std::int32_t ranks = kRanks[seed % std::size(kRanks)];
    Faults faults;
    faults.one_size = seed % 2 == 1;
    const CommReport report = Analyse(SyntheticJob(ranks, 1000 + seed, faults), 240);
    EXPECT_EQ(Told(report), "") << seed << ": " << ranks << " ranks";
  }
}

TEST(Analysis, ALateRankIsNamedFromTwoRanksOn) {
  for (const std::int32_t ranks : {2, 3, 4, 8, 16, 250}) {
    Faults faults;
    faults.late_rank = ranks / 2, faults.late_s = 0.01;
    EXPECT_EQ(Told(Analyse(SyntheticJob(ranks, 77, faults), 240)),
              "compute " + std::to_string(ranks / 2));
  }
}

TEST(Analysis, TheLongestDurationIsNeverBlamed) {
  Faults faults;
  faults.late_rank = 3;
  const CommReport report = Analyse(SyntheticJob(8, 5, faults), 120);
  ASSERT_EQ(Told(report), "compute 3");
  for (const RankFacts& r : report.ranks) {
    if (r.rank == 3) {
      EXPECT_LT(r.wait_mean_s, 0.002);
    } else {
      EXPECT_GT(r.wait_mean_s, 0.009);
      EXPECT_LT(r.lateness_mean_s, 0.001);
    }
  }
}

TEST(Analysis, ClocksThatStepFallBackToDurations) {
  SyntheticJob job(16, 6, Faults{5, 0.03, -1, 0, false});
  CommWindow window;
  for (int i = 0; i < 240; ++i) {
    for (model::Collective row : job.Next()) {
      if (row.node == "n1" && i > 100) row.start_ns += (i % 7) * base::kSecond;
      window.Add(row);
    }
  }
  const CommReport report = window.Finish();
  EXPECT_EQ(Told(report), "compute 5");
  EXPECT_NEAR(report.aligned_ratio, 0.5, 1e-9);
  EXPECT_TRUE(std::isnan(report.ranks[8].clock_offset_s));
  EXPECT_FALSE(std::isnan(report.ranks[0].clock_offset_s));
  EXPECT_TRUE(std::isnan(report.ranks[8].left_late_s)) << "not told, not 0";
}

TEST(Analysis, LateToOneOperationOfManyInAShortMinute) {
  // Four ranks, eleven steps: two seconds late to one collective of three, which is little data of
  // great variance over all, and plain within the one.
  EXPECT_EQ(Told(Analyse(SyntheticJob(4, 12, Faults{3, 2.0, -1, 0, false}), 33)), "compute 3");
  EXPECT_EQ(Told(Analyse(SyntheticJob(4, 12), 33)), "");
}

TEST(Analysis, RowsWithoutStartsAndNodes) {
  SyntheticJob job(8, 7, Faults{2, 0.03, -1, 0, false});
  CommWindow window;
  for (int i = 0; i < 120; ++i) {
    for (model::Collective row : job.Next()) {
      row.start_ns = 0, row.node.clear(), row.gpu.clear(), row.nranks = 0;
      window.Add(row);
    }
  }
  const CommReport report = window.Finish();
  ASSERT_EQ(Told(report), "compute 2");
  EXPECT_EQ(report.nranks, 8);
  EXPECT_DOUBLE_EQ(report.aligned_ratio, 0);
  EXPECT_TRUE(std::isnan(report.stragglers[0].lost_ratio));
}

TEST(Analysis, Bandwidth) {
  CommWindow window;
  const auto add = [&](const char* operation, std::uint64_t seq, std::uint64_t bytes, double slow) {
    for (std::int32_t rank = 0; rank < 4; ++rank) {
      model::Collective c;
      c.communicator = "c", c.operation = operation, c.seq = seq, c.bytes = bytes;
      c.rank = rank, c.nranks = 4, c.start_ns = 1'000'000'000;
      c.duration_s = rank == 0 ? 0.01 : slow;  // the others waited for rank 0
      window.Add(c);
    }
  };
  for (std::uint64_t i = 0; i < 5; ++i) add("AllReduce", i, 1'000'000'000, 0.05);
  for (std::uint64_t i = 0; i < 5; ++i) add("AllGather", i, 1'000'000'000, 0.5);
  for (std::uint64_t i = 0; i < 5; ++i) add("Broadcast", i, 1'000'000'000, 0.02);
  const CommReport report = window.Finish();
  ASSERT_EQ(report.classes.size(), 3u);
  EXPECT_EQ(report.classes[0].operation, "AllGather");
  EXPECT_EQ(report.classes[0].bytes, 1u << 29);
  EXPECT_DOUBLE_EQ(report.classes[0].algbw, 400e9);  // each rank told its quarter
  EXPECT_DOUBLE_EQ(report.classes[0].busbw, 300e9);
  EXPECT_DOUBLE_EQ(report.classes[1].algbw, 100e9);
  EXPECT_DOUBLE_EQ(report.classes[1].busbw, 150e9);
  EXPECT_DOUBLE_EQ(report.classes[2].busbw, 100e9);
  EXPECT_EQ(report.judged, 10u) << "a broadcast is no meeting of all";
}

TEST(Analysis, WhatCannotBeIsRefusedAndCounted) {
  CommWindow window;
  model::Collective row;
  row.communicator = "c", row.operation = "AllReduce", row.start_ns = 1, row.duration_s = 0.1;
  const auto f = [&](std::int32_t rank, std::int32_t nranks, double duration) {
    row.rank = rank, row.nranks = nranks, row.duration_s = duration;
    window.Add(row);
  };
  f(3, 1'000'000, 0.1);
  f(999'999, 0, 0.1);
  f(-1, 8, 0.1);
  f(8, 8, 0.1);
  f(0, 8, -1);
  f(0, 8, std::nan(""));
  f(0, 8, 1e300);
  const CommReport report = window.Finish();
  EXPECT_EQ(report.refused.count(base::Reason::oversize), 2u);
  EXPECT_EQ(report.refused.count(base::Reason::malformed), 2u);
  EXPECT_EQ(report.refused.count(base::Reason::not_a_number), 3u);
  EXPECT_TRUE(report.ranks.empty());
  EXPECT_EQ(CommWindow().Finish().collectives, 0u);
}

TEST(Analysis, TooManyRowsAreThinnedEvenly) {
  AnalysisOptions options;
  options.most_parts = 4096;
  CommWindow window(options);
  SyntheticJob job(64, 8, Faults{5, 0.03, -1, 0, false});
  for (int i = 0; i < 1000; ++i) {
    for (const model::Collective& row : job.Next()) window.Add(row);
  }
  const CommReport report = window.Finish();
  EXPECT_EQ(report.stride, 16u);
  EXPECT_EQ(report.collectives, 63u);
  EXPECT_EQ(Told(report), "compute 5");
  // The same collective over and over cannot be thinned: refused, and counted.
  CommWindow stubborn(options);
  for (int i = 0; i < 5000; ++i) stubborn.Add(job.Next()[0]);
  SyntheticJob other(64, 8);
  model::Collective same = other.Next()[0];
  for (int i = 0; i < 10000; ++i) stubborn.Add(same);
  EXPECT_GT(stubborn.Finish().refused.count(base::Reason::oversize), 0u);
}

TEST(Clocks, OffsetAndDriftAreFound) {
  std::vector<Meeting> meetings;
  for (int i = 0; i < 60; ++i) {
    const double t = i * 1.0, noise = (i * 37 % 11 - 5) * 1e-6;
    meetings.push_back(
        {{t, t + 3 + 40e-6 * t + noise, i % 3 == 0 ? kUnknown : t - 2, i < 3 ? t : kUnknown},
         0.01});
  }
  const std::vector<Clock> clocks = AlignClocks(meetings, 4);
  EXPECT_TRUE(clocks[1].aligned);
  EXPECT_NEAR(clocks[1].drift - clocks[0].drift, 40e-6, 1e-6);
  EXPECT_NEAR(clocks[1].at(33) - clocks[0].at(30), 3 + 40e-6 * 30, 20e-6);
  EXPECT_NEAR(clocks[2].at(28) - clocks[0].at(30), -2, 20e-6);
  EXPECT_FALSE(clocks[3].aligned) << "three meetings are too few";
}

}  // namespace
}  // namespace strata::l2_comm
