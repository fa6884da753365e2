// SPDX-License-Identifier: Apache-2.0
#include "l2_comm/match.h"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>

namespace strata::l2_comm {
namespace {

using Ranks = std::vector<std::int32_t>;

Ranks UpTo(std::int32_t n) {
  Ranks out(static_cast<std::size_t>(n));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

void Enter(MatchInput* in, std::uint32_t group, std::int64_t seq, const Ranks& ranks, bool done,
           std::uint64_t signature = 1) {
  for (const std::int32_t rank : ranks)
    in->entered.push_back({group, rank, seq, signature, 1000 + seq, done});
}

TEST(Match, AllCameAndWent) {
  MatchInput in;
  in.groups = {UpTo(4)};
  in.seen = UpTo(4);
  Enter(&in, 0, 1, UpTo(4), true);
  const MatchResult r = MatchCollectives(in);
  EXPECT_EQ(r.verdict, Verdict::complete);
  EXPECT_TRUE(r.stuck.empty());
  EXPECT_TRUE(r.culprits.empty());
  EXPECT_EQ(MatchCollectives({}).verdict, Verdict::complete);
}

TEST(Match, OneDidNotCome) {
  MatchInput in;
  in.groups = {UpTo(4)};
  in.seen = UpTo(4);
  Enter(&in, 0, 1, UpTo(4), true);
  Enter(&in, 0, 2, {0, 1, 3}, false);
  Enter(&in, 0, 3, {0, 1}, false);  // follows from the second: not told
  const MatchResult r = MatchCollectives(in);
  EXPECT_EQ(r.verdict, Verdict::stuck);
  ASSERT_EQ(r.stuck.size(), 1u);
  EXPECT_EQ(r.stuck[0].seq, 2);
  EXPECT_EQ(r.stuck[0].missing, Ranks({2}));
  EXPECT_EQ(r.stuck[0].waiting, Ranks({0, 1, 3}));
  EXPECT_EQ(r.culprits, Ranks({2}));
}

TEST(Match, WhoWaitsHimselfIsNotBlamed) {
  // 0 and 1 wait for 2 in group 0, 2 waits for 3 in group 1, 3 is nowhere.
  MatchInput in;
  in.groups = {{0, 1, 2}, {2, 3}};
  in.seen = UpTo(4);
  Enter(&in, 0, 9, {0, 1}, false);
  Enter(&in, 1, 4, {2}, false);
  const MatchResult r = MatchCollectives(in);
  EXPECT_EQ(r.stuck.size(), 2u);
  EXPECT_EQ(r.stuck[0].group, 1u);  // the older one first
  EXPECT_EQ(r.culprits, Ranks({3}));
}

TEST(Match, ARingOfWaitingNamesTheRing) {
  // 0 sits in group 0, 1 in group 1: the order of calls differs, neither can go on. 2 waits
  // outside.
  MatchInput in;
  in.groups = {{0, 1}, {0, 1}, {0, 2}};
  in.seen = UpTo(3);
  Enter(&in, 0, 1, {0}, false);
  Enter(&in, 1, 1, {1}, false);
  Enter(&in, 2, 1, {2}, false);
  EXPECT_EQ(MatchCollectives(in).culprits, Ranks({0, 1}));
}

TEST(Match, AnotherOperation) {
  MatchInput in;
  in.groups = {UpTo(4)};
  in.seen = UpTo(4);
  Enter(&in, 0, 5, {0, 1, 3}, false, 7);
  Enter(&in, 0, 5, {2}, false, 8);
  MatchResult r = MatchCollectives(in);
  EXPECT_EQ(r.verdict, Verdict::desync);
  ASSERT_EQ(r.stuck.size(), 1u);
  EXPECT_EQ(r.stuck[0].other, Ranks({2}));
  EXPECT_EQ(in.entered[r.stuck[0].example].signature, 7u);
  EXPECT_EQ(r.culprits, Ranks({2}));
  // Without a majority both are named; what cannot be compared is no difference.
  in.entered.resize(2);
  in.entered[1].signature = 8;
  EXPECT_EQ(MatchCollectives(in).culprits, Ranks({0, 1}));
  in.entered[1].signature = 0;
  EXPECT_EQ(MatchCollectives(in).verdict, Verdict::stuck);
}

TEST(Match, ProgressStandsInForEntriesThatAreGone) {
  MatchInput in;
  in.groups = {UpTo(3)};
  in.seen = UpTo(3);
  Enter(&in, 0, 2, {0}, false);  // its completion was not noticed; 1 and 2 are beyond
  in.progress = {{0, 1, 7}, {0, 2, 2}};
  const MatchResult r = MatchCollectives(in);
  EXPECT_EQ(r.verdict, Verdict::stuck);  // open, and nobody is missing
  EXPECT_TRUE(r.stuck[0].missing.empty());
  EXPECT_TRUE(r.culprits.empty());
}

TEST(Match, WhoWasNotHeard) {
  MatchInput in;
  in.groups = {UpTo(4)};
  in.seen = {0, 1, 3};
  Enter(&in, 0, 2, {0, 1, 3}, false);
  MatchResult r = MatchCollectives(in);  // all that were heard came
  EXPECT_EQ(r.verdict, Verdict::stuck);
  EXPECT_TRUE(r.culprits.empty());
  EXPECT_TRUE(r.stuck.at(0).missing.empty());
  EXPECT_EQ(r.stuck.at(0).unheard, Ranks({2}));
  EXPECT_EQ(r.silent, Ranks({2}));
  in.seen = {0};  // one dump of four: the others are not accused
  in.entered.resize(1);
  EXPECT_TRUE(MatchCollectives(in).culprits.empty());
  EXPECT_EQ(MatchCollectives(in).silent, Ranks({1, 2, 3}));
}

TEST(Match, WhoMayWaitForOneThatWasNotHeardIsNotBlamed) {
  // 0 and 1 wait for 2 and 3. 2 waits with 4, of whom nothing is known; 3 waits for nobody.
  MatchInput in;
  in.groups = {{0, 1, 2, 3}, {2, 4}};
  in.seen = UpTo(4);
  Enter(&in, 0, 9, {0, 1}, false);
  Enter(&in, 1, 4, {2}, false);
  EXPECT_EQ(MatchCollectives(in).culprits, Ranks({3}));
  in.groups[0] = {0, 1, 2};
  const MatchResult r = MatchCollectives(in);
  EXPECT_TRUE(r.culprits.empty());
  ASSERT_EQ(r.stuck.size(), 2u);  // the chain is told to where it is lost
  EXPECT_EQ(r.stuck[0].unheard, Ranks({4}));
  EXPECT_EQ(r.stuck[1].missing, Ranks({2}));
  // The same doubt from beside the groups.
  in.groups[1] = {2};
  EXPECT_EQ(MatchCollectives(in).culprits, Ranks({2}));
  in.doubts.emplace_back().waiting = {2};
  in.doubts[0].unheard = {4};
  EXPECT_TRUE(MatchCollectives(in).culprits.empty());
}

TEST(Match, TheMajorityMayBeAmongThoseUnheard) {
  MatchInput in;
  in.groups = {UpTo(4)};
  in.seen = UpTo(3);
  Enter(&in, 0, 5, {0, 1}, false, 7);
  Enter(&in, 0, 5, {2}, false, 8);
  EXPECT_EQ(MatchCollectives(in).culprits, Ranks({2}));  // at best two against two
  in.groups = {UpTo(5)};
  const MatchResult r = MatchCollectives(in);
  EXPECT_EQ(r.verdict, Verdict::desync);
  EXPECT_TRUE(r.culprits.empty());
  EXPECT_EQ(r.stuck.at(0).other, Ranks({2}));
}

TEST(Match, WhatDoesNotFitIsPassedOver) {
  MatchInput in;
  in.groups = {{0, 1}};
  in.seen = {0, 1, 9};
  in.entered = {{7, 0, 1, 1, 0, false}, {0, 9, 1, 1, 0, false}};
  in.progress = {{9, 0, 1}, {0, 9, 1}};
  EXPECT_EQ(MatchCollectives(in).culprits, Ranks({0, 1}));  // rank 9 is there, its members are not
}

TEST(Match, SixteenThousandRanksGrowLinearly) {
  double seconds[2];
  for (int round = 0; round < 2; ++round) {
    const std::int32_t n = round == 0 ? 4096 : 16384;
    MatchInput in;
    in.groups = {UpTo(n)};
    in.seen = UpTo(n);
    for (std::int64_t seq = 0; seq < 20; ++seq) {
      Ranks there = UpTo(n);
      if (seq == 19) there.erase(there.begin() + n / 3);
      Enter(&in, 0, seq, there, seq < 19);
    }
    const auto begin = std::chrono::steady_clock::now();
    const MatchResult r = MatchCollectives(in);
    seconds[round] =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    EXPECT_EQ(r.culprits, Ranks({n / 3}));
  }
  EXPECT_LT(seconds[1], 20 * seconds[0] + 0.5);  // four times the ranks
}

}  // namespace
}  // namespace strata::l2_comm
