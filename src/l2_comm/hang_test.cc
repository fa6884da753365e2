// SPDX-License-Identifier: Apache-2.0
// Who is missing, astray or left behind, while it hangs; and who is not.
#include "l2_comm/hang.h"

#include <gtest/gtest.h>

#include <cmath>

#include "l2_comm/synthetic.h"

namespace strata::l2_comm {
namespace {

constexpr std::int64_t kT = 1'795'000'000'000'000'000, kS = base::kSecond;

model::Collective Row(std::int32_t rank, std::uint64_t seq, bool done, std::int64_t start_ns = kT,
                      const char* operation = "AllReduce", std::uint64_t bytes = 1024,
                      std::int32_t nranks = 8) {
  model::Collective c;
  c.communicator = "c", c.operation = operation, c.seq = seq, c.bytes = bytes;
  c.rank = rank, c.nranks = nranks;
  c.gpu = "GPU-" + std::to_string(rank), c.node = "n" + std::to_string(rank / 4);
  c.start_ns = start_ns, c.done = done;
  c.duration_s = done ? 0.01 : std::nan("");
  return c;
}

std::vector<std::int32_t> Culprits(const Hang& hang) {
  std::vector<std::int32_t> out;
  for (const HangRank& r : hang.culprits) out.push_back(r.rank);
  return out;
}
using Ranks = std::vector<std::int32_t>;

// A job of 1,024 ranks that stops at its 1,000th collective; `part` gives the rows of that one.
template <typename Last>
std::vector<Hang> LargeJob(Last part) {
  Progress progress;
  SyntheticJob job(1024, 11);
  for (int i = 0; i < 999; ++i) {
    for (const model::Collective& row : job.Next()) progress.Add(row);
  }
  const std::int64_t at = job.now_ns();
  EXPECT_TRUE(progress.Hangs(at).empty());
  for (model::Collective row : job.Next()) {
    row.done = false, row.duration_s = std::nan("");
    if (part(&row)) progress.Add(row);
  }
  EXPECT_TRUE(progress.Hangs(at + 10 * kS).empty()) << "ten seconds are no hang";
  return progress.Hangs(at + 60 * kS);
}

TEST(Hang, TwoMissingOf1024) {
  const auto hangs =
      LargeJob([](model::Collective* row) { return row->rank != 400 && row->rank != 913; });
  ASSERT_EQ(hangs.size(), 1u);
  EXPECT_EQ(hangs[0].kind, HangKind::missing);
  EXPECT_EQ(hangs[0].seq, 999u);
  EXPECT_EQ(hangs[0].nranks, 1024);
  EXPECT_EQ(hangs[0].waiting.size(), 1022u);
  ASSERT_EQ(Culprits(hangs[0]), (Ranks{400, 913}));
  EXPECT_EQ(hangs[0].culprits[0].gpu, "GPU-400");
  EXPECT_EQ(hangs[0].culprits[0].node, "n50");
  // AllReduce is every collective of a step but one; NCCL counts operations apart, others together.
  EXPECT_EQ(hangs[0].culprits[0].last_seq, 998);
}

TEST(Hang, OneAstrayOf1024) {
  const auto hangs = LargeJob([](model::Collective* row) {
    if (row->rank == 77) row->operation = "AllGather", row->seq = 12;
    return true;
  });
  ASSERT_EQ(hangs.size(), 1u);
  EXPECT_EQ(hangs[0].kind, HangKind::desync);
  ASSERT_EQ(Culprits(hangs[0]), (Ranks{77}));
  EXPECT_EQ(hangs[0].culprits[0].operation, "AllGather");
  EXPECT_EQ(hangs[0].culprits[0].seq, 12u);
  EXPECT_NE(hangs[0].Text(kT).find("rank 77 is in AllGather 12"), std::string::npos);
}

TEST(Hang, OtherSizeOf1024) {
  const auto hangs = LargeJob([](model::Collective* row) {
    if (row->rank == 5) row->bytes += 64;
    return true;
  });
  ASSERT_EQ(hangs.size(), 1u);
  EXPECT_EQ(hangs[0].kind, HangKind::desync);
  EXPECT_EQ(Culprits(hangs[0]), (Ranks{5}));
}

TEST(Hang, EndsWhenTheRowsSaySo) {
  Progress progress;
  for (int r = 0; r < 8; ++r) progress.Add(Row(r, 4, true));
  for (int r = 0; r < 7; ++r) progress.Add(Row(r, 5, false));
  EXPECT_EQ(Culprits(progress.Hangs(kT + 40 * kS).at(0)), (Ranks{7}));
  // The same rows again change nothing, and the missing one may come and all may end.
  for (int r = 0; r < 8; ++r) progress.Add(Row(r, 5, false));
  EXPECT_EQ(progress.Hangs(kT + 40 * kS).at(0).kind, HangKind::stuck);
  EXPECT_TRUE(progress.Hangs(kT + 40 * kS)[0].culprits.empty());
  for (int r = 0; r < 7; ++r) progress.Add(Row(r, 5, true));
  EXPECT_EQ(progress.Hangs(kT + 40 * kS).at(0).kind, HangKind::behind);
  EXPECT_EQ(Culprits(progress.Hangs(kT + 40 * kS)[0]), (Ranks{7}));
  progress.Add(Row(7, 5, true));
  EXPECT_TRUE(progress.Hangs(kT + 40 * kS).empty());
  for (int r = 0; r < 8; ++r) progress.Add(Row(r, 5, false));  // late, after its end
  EXPECT_TRUE(progress.Hangs(kT + 90 * kS).empty());
}

TEST(Hang, OneIsACollectiveBehind) {
  Progress progress;
  for (int r = 0; r < 8; ++r) progress.Add(Row(r, 4, true));
  for (int r = 0; r < 8; ++r) {
    if (r == 2) {
      progress.Add(Row(r, 5, false));
    } else {
      progress.Add(Row(r, 5, true)), progress.Add(Row(r, 6, false));
    }
  }
  const auto hangs = progress.Hangs(kT + 60 * kS);
  ASSERT_EQ(hangs.size(), 1u);
  EXPECT_EQ(hangs[0].seq, 6u);
  EXPECT_EQ(Culprits(hangs[0]), (Ranks{2}));
  EXPECT_EQ(hangs[0].culprits[0].seq, 5u);
}

TEST(Hang, TwoHalvesAreNotBlamed) {
  Progress progress;
  for (int r = 0; r < 8; ++r) progress.Add(Row(r, 5, false, kT, r < 4 ? "AllReduce" : "AllGather"));
  const auto hangs = progress.Hangs(kT + 60 * kS);
  ASSERT_EQ(hangs.size(), 1u);
  EXPECT_EQ(hangs[0].kind, HangKind::desync);
  EXPECT_TRUE(hangs[0].culprits.empty());
}

TEST(Hang, SampledRowsAndSlowStepsAreNoHang) {
  Progress progress;
  // Only some ended ones are told: a rank that is further on is not missing.
  for (int r = 0; r < 8; ++r) progress.Add(Row(r, static_cast<std::uint64_t>(40 + r % 3), true));
  EXPECT_TRUE(progress.Hangs(kT + 600 * kS).empty());
  // A wait of 50 s at every checkpoint: twice that is not yet overdue.
  model::Collective slow = Row(0, 50, true);
  slow.duration_s = 50;
  progress.Add(slow);
  for (int r = 0; r < 7; ++r) progress.Add(Row(r, 60, false));
  EXPECT_TRUE(progress.Hangs(kT + 100 * kS).empty());
  EXPECT_FALSE(progress.Hangs(kT + 160 * kS).empty());
  EXPECT_TRUE(progress.Hangs(kT + 50 * kS + kGoneNs + kS).empty()) << "its job is gone";
}

TEST(Hang, NeverSeenIsSaid) {
  Progress progress;
  for (int r = 0; r < 6; ++r) progress.Add(Row(r, 0, false));
  const auto hangs = progress.Hangs(kT + 60 * kS);
  ASSERT_EQ(Culprits(hangs.at(0)), (Ranks{6, 7}));
  EXPECT_FALSE(hangs[0].culprits[0].seen);
  EXPECT_EQ(hangs[0].culprits[0].last_seq, -1);
}

TEST(Hang, BoundsAreKept) {
  Progress progress(100);
  progress.Add(Row(0, 1, false, kT, "AllReduce", 1, 1'000'000));
  progress.Add(Row(-1, 1, false));
  EXPECT_EQ(progress.refused().count(base::Reason::oversize), 1u);
  EXPECT_EQ(progress.refused().count(base::Reason::malformed), 1u);
  for (int i = 0; i < 100; ++i) {
    model::Collective row = Row(7, 1, false, kT + i * kS);
    row.communicator = "c" + std::to_string(i);
    progress.Add(row);
  }
  EXPECT_LE(progress.communicators(), 13u);
  EXPECT_GT(progress.refused().count(base::Reason::series_limit), 0u);
  progress.Forget(kT + 24 * base::kHour);
  EXPECT_EQ(progress.communicators(), 0u);
}

TEST(Hang, RangesOfRanks) {
  EXPECT_EQ(RankRanges({}), "");
  EXPECT_EQ(RankRanges({3}), "3");
  EXPECT_EQ(RankRanges({3, 4, 7, 8, 9, 11}), "3, 4, 7-9, 11");
  EXPECT_EQ(RankRanges({1, 3, 5, 7}, 2), "1, 3 and 2 more");
}

}  // namespace
}  // namespace strata::l2_comm
