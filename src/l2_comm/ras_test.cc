// SPDX-License-Identifier: Apache-2.0
// Answers of NCCL RAS in the forms that client_support.cc writes (2.24 to 2.30); values are ours.
#include "l2_comm/ras.h"

#include <gtest/gtest.h>

namespace strata::l2_comm {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

wire::Context At(std::int64_t s) {
  wire::Context context;
  context.now_ns = s * kSecond;
  return context;
}

constexpr const char* kWell = R"(NCCL version 2.28.9 compiled with CUDA 13.0
CUDA runtime version 13000, driver version 13000

Job summary
===========

  Nodes  Processes         GPUs  Processes     GPUs
(total)   per node  per process    (total)  (total)
      4          8            1         32       32

Communicators... (0.00s)
=============

Group     Comms     Nodes     Ranks     Ranks     Ranks    Status  Errors
    #  in group  per comm  per node  per comm  in group
    0         8         4         1         4        32   RUNNING      OK

)";

constexpr const char* kTrouble = R"(Job summary
===========

  Nodes  Processes         GPUs  Processes     GPUs
(total)   per node  per process    (total)  (total)
      4          8            1         32       32

Communicators... (2.05s)
=============

Group     Comms     Nodes     Ranks     Ranks     Ranks    Status  Errors
    #  in group  per comm  per node  per comm  in group
    0         1         4       7-8        32        32   RUNNING  INCOMPLETE
    1         1         4         8         8        32   RUNNING  MISMATCH

Errors
======

INCOMPLETE
  Missing communicator data from 1 job process
  Process 3487984 on node 10.0.0.213 managing GPU 5

DEAD
  1 job process is considered dead (unreachable via the RAS network)
  Process 3487984 on node 10.0.0.213 managing GPU 5

#0-0 (cf264af53edbe986) INCOMPLETE
  Missing communicator data from 3 ranks
  The missing ranks: 3,21-22

Warnings
========

TIMEOUT
  Encountered 2 communication timeouts while gathering communicator data

#1-0 (27a079b828ff1a75) MISMATCH
  Communicator ranks have different AllReduce operation counts
  6 ranks have launched up to operation 6650
  1 ranks have launched up to operation 6649
  Rank 5 -- GPU 5 managed by process 483078 on node 10.0.0.210
  Rank 7 has not launched any operations -- GPU 7 managed by process 483079 on node 10.0.0.210

)";

std::string Json(int first, int second, bool missing) {
  const auto rank = [](int r, int n) {
    return R"({"rank":)" + std::to_string(r) +
           R"(,"host":"10.0.0.1","pid":15,"cuda_dev":0,"nvml_dev":)" + std::to_string(r) +
           R"(,"status":{"init_state":0,"async_error":0,"finalize_called":false,"destroy_flag":false,)"
           R"("abort_flag":false},"collective_counts":{"AllReduce":)" +
           std::to_string(n) + R"(,"Broadcast":1}})";
  };
  return R"({"nccl_version":"2.29.1","cuda_runtime_version":13000,"cuda_driver_version":13000,)"
         R"("timestamp":"2026-01-01 13:06:53","communicators_count":1,"communicators":[{"hash":"0xae94",)"
         R"("secondary_hash":"0x1:0x2","size":3,"ranks_count":2,"missing_ranks_count":)" +
         std::to_string(missing ? 1 : 0) + R"(,"ranks":[)" + rank(0, first) + "," +
         rank(1, second) + R"(],"missing_ranks":[)" +
         (missing ? R"({"rank":2,"host":"10.0.0.2","pid":16,"cuda_dev":1,"nvml_dev":1,"status":)"
                    R"({"unresponsive":true,"considered_dead":false}})"
                  : "") +
         R"(]}],"ras":{"collection_time_sec":0.1,"timeouts_count":4}})";
}

TEST(Ras, TextOfAJobThatIsWell) {
  ASSERT_TRUE(LooksRas(kWell));
  auto answer = ParseRas(kWell);
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(answer->nccl_version, "2.28.9");
  EXPECT_EQ(answer->communicators, 8);
  EXPECT_EQ(answer->processes, 32);
  EXPECT_EQ(answer->gpus, 32);
  EXPECT_TRUE(answer->comms.empty());  // the text lists only trouble
  model::Batch batch;
  RasWatch(0).Take(*answer, At(1), &batch);
  EXPECT_TRUE(batch.events.empty());
}

TEST(Ras, TextOfTrouble) {
  model::Batch batch;
  base::Json report;
  ASSERT_TRUE(ReadRas({"x", kTrouble}, At(1), &batch, &report).ok());
  EXPECT_EQ(report["report"].as_string(), "nccl_ras");
  EXPECT_EQ(report["communicators"].as_int(), 2);
  EXPECT_EQ(report["timeouts"].as_int(), 2);
  EXPECT_EQ(report["dead_processes"].as_int(), 1);
  ASSERT_EQ(report["missing"].size(), 3u);
  EXPECT_EQ(report["missing"].at(0)["communicator"].as_string(), "0xcf264af53edbe986");
  EXPECT_EQ(report["missing"].at(2)["rank"].as_int(), 22);
  ASSERT_EQ(report["behind"].size(), 1u);
  EXPECT_EQ(report["behind"].at(0)["operation"].as_string(), "AllReduce");
  EXPECT_EQ(report["behind"].at(0)["most"].as_int(), 6650);
  EXPECT_EQ(report["behind"].at(0)["ranks"].dump(), "[5,7]");
  // Only ranks that do not answer are told from one look: the others may be moving.
  ASSERT_EQ(batch.events.size(), 1u);
  EXPECT_EQ(batch.events[0].attributes.get("culprits"), "3,21,22");
  EXPECT_EQ(batch.events[0].attributes.get("nranks"), "32");
}

TEST(Ras, OutliersAheadAreNotBehind) {
  auto answer = ParseRas(
      "Job summary\n===========\n\nWarnings\n========\n\n#0-0 (1a) MISMATCH\n"
      "  Communicator ranks have different collective operation counts\n"
      "  26 ranks have launched up to operation 6649\n"
      "  1 ranks have launched up to operation 6650\n"
      "  Rank 5 -- GPU 5 managed by process 483078 on node 10.0.0.210\n");
  ASSERT_TRUE(answer.ok());
  ASSERT_EQ(answer->comms.size(), 1u);
  EXPECT_TRUE(answer->comms[0].behind.empty());
  EXPECT_EQ(answer->comms[0].ranks.at(0).pid, 483078);
}

TEST(Ras, JsonAnswer) {
  model::Batch batch;
  base::Json report;
  const std::string text = Json(10, 9, true);
  ASSERT_TRUE(LooksRas(text));
  ASSERT_TRUE(ReadRas({"x", text}, At(1), &batch, &report).ok());
  EXPECT_EQ(report["version"].as_string(), "2.29.1");
  EXPECT_EQ(report["ranks"].as_int(), 3);
  EXPECT_EQ(report["missing"].at(0)["host"].as_string(), "10.0.0.2");
  EXPECT_EQ(report["behind"].at(0)["ranks"].dump(), "[1]");
  EXPECT_EQ(report["timeouts"].as_int(), 4);
  ASSERT_EQ(batch.events.size(), 1u);
  EXPECT_EQ(batch.events[0].entity, "0xae94");
  EXPECT_EQ(batch.events[0].attributes.get("culprits"), "2");
}

TEST(Ras, CountsThatStandStillAreAHang) {
  RasWatch watch(30 * kSecond);
  const auto events = [&](const std::string& text, std::int64_t s) {
    auto answer = ParseRas(text);
    EXPECT_TRUE(answer.ok());
    model::Batch batch;
    watch.Take(*answer, At(s), &batch);
    return batch.events.size();
  };
  EXPECT_EQ(events(Json(10, 9, false), 100), 0u);
  EXPECT_EQ(events(Json(11, 10, false), 120), 0u);  // still differ, but move
  EXPECT_EQ(events(Json(11, 10, false), 140), 0u);
  EXPECT_EQ(events(Json(11, 10, false), 150), 1u);
  EXPECT_EQ(events(Json(11, 10, false), 160), 0u);  // once
  EXPECT_EQ(events(Json(12, 12, false), 170), 0u);
  EXPECT_EQ(events(Json(12, 12, false), 900), 0u);  // idle and level is no hang
  EXPECT_EQ(events(Json(12, 12, true), 910), 1u);
  EXPECT_EQ(events(Json(12, 12, true), 920), 0u);
}

TEST(Ras, WhatIsNotBelieved) {
  const auto f = [](const std::string& text) {
    model::Batch batch;
    EXPECT_FALSE(ReadRas({"x", text}, At(1), &batch, nullptr).ok()) << text.substr(0, 80);
    EXPECT_EQ(batch.refused.total(), 1u);
  };
  f("");
  f("{");
  f("{}");
  f("hello\n");
  f("ERROR: Unknown command\n");
  f(R"({"communicators":[{"hash":"0x1","size":1000000}]})");
  f(R"({"communicators":[{"hash":"0x1","size":2,"ranks":[{"rank":1000000}]}]})");
  f(R"({"communicators":[{"hash":"0x1","size":2,"ranks":[7]}]})");
  f("Job summary\n===========\n\nErrors\n======\n\n#0-0 (1a) INCOMPLETE\n  The missing ranks: "
    "0-999999\n");
  const std::string good = Json(1, 2, true);
  for (std::size_t n = 0; n < good.size(); n += 7)
    EXPECT_FALSE(ParseRas(good.substr(0, n)).ok()) << n;
}

}  // namespace
}  // namespace strata::l2_comm
