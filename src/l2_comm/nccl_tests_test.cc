// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "l2_comm/l2_comm.h"

namespace strata::l2_comm {
namespace {

struct Read {
  base::Json report;
  model::Batch batch;
};

Read ReadText(const std::string& name, const std::string& bytes) {
  Read out;
  EXPECT_TRUE(LooksNcclTests(bytes)) << name;
  const auto read = ReadNcclTests({name, bytes}, {}, &out.batch, &out.report);
  EXPECT_TRUE(read.ok()) << read.status().message();
  return out;
}

std::string Golden(const std::string& name) {
  auto text = base::ReadFile(std::string(STRATA_SOURCE_DIR) + "/tests/golden/l2/" + name);
  EXPECT_TRUE(text.ok()) << text.status().message();
  return text.ok() ? *text : std::string();
}

TEST(NcclTests, RealLogs) {
  const auto f = [](const std::string& file, const std::string& name, const std::string& operation,
                    double avg, double time_us, double algbw, double busbw, double in_place_us,
                    double in_place_busbw) {
    const Read r = ReadText(name, Golden(file));
    EXPECT_EQ(r.report["report"].as_string(), "nccl_tests");
    EXPECT_EQ(r.report["operation"].as_string(), operation) << name;
    EXPECT_EQ(r.report["ranks"].as_int(), 8);
    ASSERT_EQ(r.report["rows"].size(), 34u);
    ASSERT_EQ(r.report["in_place"].size(), 34u);
    const base::Json& last = r.report["rows"].at(33);
    EXPECT_EQ(last["bytes"].as_int(), 8589934592);
    EXPECT_DOUBLE_EQ(last["time_s"].as_double(), time_us / 1e6);
    EXPECT_DOUBLE_EQ(last["algbw"].as_double(), algbw * 1e9);
    EXPECT_DOUBLE_EQ(last["busbw"].as_double(), busbw * 1e9);
    EXPECT_TRUE(last["wrong"].is_null());  // N/A is not 0
    EXPECT_DOUBLE_EQ(r.report["in_place"].at(33)["time_s"].as_double(), in_place_us * 1e-6);
    EXPECT_DOUBLE_EQ(r.report["in_place"].at(33)["busbw"].as_double(), in_place_busbw * 1e9);
    EXPECT_DOUBLE_EQ(r.report["avg_busbw"].as_double(), avg * 1e9);
    EXPECT_EQ(r.report["out_of_bounds"].as_int(-1), 0);
    EXPECT_TRUE(r.batch.refused.empty());
  };
  // With the file's name, and from a pipe, where only the table itself can tell.
  for (const bool named : {true, false}) {
    const auto name = [&](const std::string& n) { return named ? n : std::string("-"); };
    f("nccl-tests-allreduce-a100x8.log", name("allreduce.log"), "AllReduce", 68.4048, 63896, 134.44,
      235.26, 63959, 235.03);
    f("nccl-tests-allgather-a100x8.log", name("nccl_allgather.log"), "AllGather", 58.2651, 33646,
      255.31, 223.39, 32669, 230.07);
    f("nccl-tests-reducescatter-a100x8.log", name("reduce_scatter"), "ReduceScatter", 60.168, 32464,
      264.60, 231.52, 32502, 231.25);
  }
}

constexpr const char* kNew =
    R"([1,0]<stdout>:# nccl-tests version 2.18.0 nccl-headers=22907 nccl-library=22907
[1,0]<stdout>:# Collective test starting: alltoall_perf_mpi
[1,0]<stdout>:# nThread 1 nGpus 1 minBytes 4194304 maxBytes 8388608 step: 2(factor) warmup iters: 10 iters: 50 agg iters: 1 validation: 1 graph: 0
[1,0]<stdout>:#
[1,0]<stdout>:# Using devices
[1,0]<stdout>:#  Rank  0 Group  0 Pid 2994729 on        lab device  0 [0000:01:00] NVIDIA H100
[1,0]<stdout>:#  Rank  1 Group  0 Pid 2994730 on        lab device  1 [0000:02:00] NVIDIA H100
[1,0]<stdout>:#                                                              out-of-place                       in-place
[1,0]<stdout>:#       size         count      type   redop    root     time   algbw   busbw  #wrong     time   algbw   busbw  #wrong
[1,0]<stdout>:#        (B)    (elements)                               (us)  (GB/s)  (GB/s)             (us)  (GB/s)  (GB/s)
[1,1]<stdout>:lab:21:21 [0] NCCL INFO comm 0x7f9c rank 1 nranks 2
[1,0]<stdout>:     4194304       1048576     float    none      -1  4374.00    0.96    0.48       3  4375.49    0.96    0.48     N/A
[1,0]<stdout>:     8388608       2097152     float    none      -1  1.2e+04    1.91    0.95       0  4394.16    1.91    0.95     N/A
[1,0]<stdout>:# Out of bounds values : 3 FAILED
[1,0]<stdout>:# Avg bus bandwidth    : 0.72
[1,0]<stdout>:# Collective test concluded: alltoall_perf_mpi
)";

TEST(NcclTests, NewHeadingUnderMpirun) {
  const Read r = ReadText("x.log", kNew);
  EXPECT_EQ(r.report["operation"].as_string(), "AllToAll");
  EXPECT_EQ(r.report["version"].as_string(), "2.18.0");
  EXPECT_EQ(r.report["ranks"].as_int(), 2);
  ASSERT_EQ(r.report["rows"].size(), 2u);
  EXPECT_EQ(r.report["rows"].at(0)["wrong"].as_int(-1), 3);
  EXPECT_TRUE(r.report["in_place"].at(0)["wrong"].is_null());
  EXPECT_DOUBLE_EQ(r.report["rows"].at(1)["time_s"].as_double(), 0.012);
  EXPECT_EQ(r.report["out_of_bounds"].as_int(), 3);
}

TEST(NcclTests, SeveralRunsInOneLog) {
  std::string second = kNew;
  for (std::size_t at; (at = second.find("alltoall")) != std::string::npos;)
    second.replace(at, 8, "all_reduce");
  const Read r = ReadText("x.log", std::string(kNew) + second);
  EXPECT_EQ(r.report["operation"].as_string(), "AllToAll");
  ASSERT_EQ(r.report["runs"].size(), 2u);
  EXPECT_EQ(r.report["runs"].at(1)["operation"].as_string(), "AllReduce");
  EXPECT_EQ(r.report["runs"].at(1)["rows"].size(), 2u);
}

TEST(NcclTests, DamagedRowsAreCounted) {
  const std::string text = kNew;
  const std::size_t row = text.find("[1,0]<stdout>:     4194304");
  const auto f = [&](const std::string& line, std::size_t rows, std::uint64_t refused) {
    const Read r = ReadText("x.log", text.substr(0, row) + line + "\n" + text.substr(row));
    EXPECT_EQ(r.report["rows"].size(), rows) << line;
    EXPECT_EQ(r.batch.refused.total(), refused) << line;
  };
  f("", 2, 0);
  f("4194304 1048576 float none", 2, 1);                               // cut
  f("4194304 1048576 float none -1 x y z 0 4375 0.96 0.48 0", 2, 1);   // no numbers
  f("4194304 1048576 float none -1 -5 1 1 0 4375 0.96 0.48 0", 2, 1);  // a negative time
  f("4194304 1048576 float none -1 nan 1 1 0 4375 0.96 0.48 0", 2, 1);
  f("12 34", 2, 0);  // no row
  f("#  Rank  1000000 Group  0 Pid 1 on lab device 0", 2, 1);
  model::Batch batch;
  EXPECT_FALSE(ReadNcclTests({"x", "nothing of the kind"}, {}, &batch, nullptr).ok());
  EXPECT_FALSE(ReadNcclTests({"x", ""}, {}, &batch, nullptr).ok());
}

TEST(NcclTests, AllReduceBench) {
  const Read r = ReadText("x.txt", Golden("all_reduce_bench-a100-n4.txt"));
  EXPECT_EQ(r.report["operation"].as_string(), "AllReduce");
  EXPECT_EQ(r.report["ranks"].as_int(), 32);
  const auto& rows = r.report["rows"].array();
  ASSERT_EQ(rows.size(), 160u);
  double shortest = 1e9, longest = 0, least = 1e18, most = 0;
  for (const base::Json& row : rows) {
    EXPECT_EQ(row["bytes"].as_int(), 4'000'000'000);
    const double time = row["time_s"].as_double(), busbw = row["busbw"].as_double();
    shortest = std::min(shortest, time), longest = std::max(longest, time);
    least = std::min(least, busbw), most = std::max(most, busbw);
    // Pairs belong together: the printed bandwidth follows from the time.
    EXPECT_NEAR(BusBandwidth("AllReduce", row["algbw"].as_double(), 32) / busbw, 1, 0.002);
  }
  EXPECT_DOUBLE_EQ(shortest, 1.5186);
  EXPECT_DOUBLE_EQ(longest, 4.2224);
  EXPECT_DOUBLE_EQ(least, 14.6836e9 / 8);
  EXPECT_DOUBLE_EQ(most, 40.8277e9 / 8);
  EXPECT_TRUE(r.report["avg_busbw"].is_null());  // the text has none
}

}  // namespace
}  // namespace strata::l2_comm
