// SPDX-License-Identifier: Apache-2.0
// NCCL Inspector's own samples, damage, and who waited for whom.
#include "l2_comm/l2_comm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace strata::l2_comm {
namespace {

std::string Golden(const std::string& name) {
  auto text = base::ReadFile(std::string(STRATA_SOURCE_DIR) + "/tests/golden/l2/" + name);
  EXPECT_TRUE(text.ok()) << text.status().message();
  return text.ok() ? *text : std::string();
}

wire::Context At(std::int64_t now_ns) {
  wire::Context context;
  context.now_ns = now_ns;
  return context;
}

constexpr std::int64_t kNow = 1'795'000'000'000'000'000;

TEST(Inspector, ReadmeSamples) {
  model::Batch batch;
  base::Json report;
  const base::InputFile file{"samples.jsonl", Golden("inspector-readme-samples.jsonl")};
  ASSERT_TRUE(LooksInspector(file.bytes));
  const auto read = ReadInspector(file, At(kNow), &batch, &report);
  ASSERT_TRUE(read.ok()) << read.status().message();
  ASSERT_EQ(batch.collectives.size(), 2u);
  const model::Collective& a = batch.collectives[0];
  EXPECT_EQ(a.operation, "AllReduce");
  EXPECT_EQ(a.communicator, "0x7f8c496ae9f661");
  EXPECT_EQ(a.rank, 2);
  EXPECT_EQ(a.nranks, 8);
  EXPECT_EQ(a.seq, 1407u);
  EXPECT_EQ(a.bytes, 17179869184u);
  EXPECT_DOUBLE_EQ(a.duration_s, 0.061974);
  EXPECT_DOUBLE_EQ(a.busbw, 485.119099e9);
  EXPECT_EQ(a.node, "example-hostname");
  EXPECT_EQ(a.start_ns, 1748030377748202000 - 61974000);  // terse: the dump less the execution
  const model::Collective& b = batch.collectives[1];
  EXPECT_EQ(b.operation, "ReduceScatter");
  EXPECT_EQ(b.bytes, 2147483648u);
  EXPECT_DOUBLE_EQ(b.duration_s, 0.041057);
  EXPECT_DOUBLE_EQ(b.busbw, 366.134533e9);
  EXPECT_EQ(b.start_ns, 1752867229235181000);  // verbose: the first kernel
  EXPECT_EQ(report["records"].as_int(), 2);
  EXPECT_EQ(report["communicators"].as_int(), 2);
  EXPECT_EQ(report["operations"]["AllReduce"].as_int(), 1);
  // The reference arithmetic agrees with what the inspector printed.
  EXPECT_NEAR(BusBandwidth("AllReduce", a.algbw, 8), a.busbw, 1e4);
  EXPECT_NEAR(BusBandwidth("ReduceScatter", b.algbw, 8), b.busbw, 1e4);
}

TEST(Inspector, PointToPointAndVerboseChannels) {
  const std::string head =
      R"({"header":{"id":"0x1","comm_name":"pp","rank":2,"n_ranks":8,"nnodes":1},)"
      R"("metadata":{"inspector_output_format_version":"v4.0","dump_timestamp_us":)"
      R"(1752867229276385,"hostname":"n1","pid":4},)";
  const std::string terse =
      R"("p2p_perf":{"p2p":"Send","p2p_sn":7,"p2p_peer":3,"p2p_msg_size_bytes":4096,"p2p_exec_time_us":50,)"
      R"("p2p_timing_source":"kernel_gpu","p2p_algobw_gbs":0.08,"p2p_busbw_gbs":0.08)";
  model::Batch batch;
  const std::string verbose =
      R"(,"event_trace_ts":{"p2p_start_ts":1752867229235000,"p2p_stop_ts":1752867229235050,"kernel_events":[)"
      R"({"channel_id":0,"kernel_start_ts":1752867229235020},{"channel_id":1,"kernel_start_ts":1752867229235010}]})";
  const std::string no_kernels =
      R"(,"event_trace_ts":{"p2p_start_ts":1752867229235000,"p2p_stop_ts":1752867229235050,"kernel_events":[]})";
  ASSERT_TRUE(DecodeInspector(head + terse + "}}\n" + head + terse + verbose + "}}\n" + head +
                                  terse + no_kernels + "}}\n",
                              At(kNow), &batch)
                  .ok());
  ASSERT_EQ(batch.collectives.size(), 3u);
  EXPECT_EQ(batch.collectives[0].operation, "Send");
  EXPECT_EQ(batch.collectives[0].seq, 7u);
  EXPECT_EQ(batch.collectives[0].bytes, 4096u);
  EXPECT_DOUBLE_EQ(batch.collectives[0].busbw, 0.08e9);
  EXPECT_EQ(batch.collectives[0].start_ns, (1752867229276385 - 50) * 1000);
  EXPECT_EQ(batch.collectives[1].start_ns, 1752867229235010 * 1000);  // the first channel to start
  EXPECT_EQ(batch.collectives[2].start_ns, 1752867229235000 * 1000);
  // A job of a million ranks is not believed.
  std::string million = head;
  million.replace(million.find("\"n_ranks\":8"), 11, "\"n_ranks\":1000000");
  EXPECT_FALSE(DecodeInspector(million + terse + "}}\n", At(kNow), &batch).ok());
  EXPECT_EQ(batch.refused.total(), 1u);
}

TEST(Inspector, PrometheusTextfileNames) {
  const model::Catalog* catalogs[] = {&catalog()};
  model::Namer namer(catalogs);
  model::Batch batch;
  wire::Context context = At(kNow);
  context.namer = &namer;
  const std::string labels =
      R"(version="v2.29",slurm_job_id="77",node="n1",gpu="GPU0",comm_name="dp",n_nodes="2",nranks="16",)";
  ASSERT_TRUE(
      wire::DecodePrometheusText(
          "nccl_bus_bandwidth_gbs{" + labels +
              "collective=\"AllReduce\",message_size=\"4-5GB\",algo_proto=\"Ring_ll\"} 312.5\n" +
              "nccl_p2p_exec_time_microseconds{" + labels +
              "p2p_operation=\"Send\",message_size=\"4-5GB\"} 250\n",
          false, context, &batch)
          .ok());
  namer.take_fresh(&batch.series);
  ASSERT_EQ(batch.series.size(), 2u);
  EXPECT_EQ(batch.series[0].signal, "comm.collective.busbw");
  EXPECT_EQ(batch.series[0].entity, "dp");
  EXPECT_EQ(batch.series[0].attributes.get("operation"), "AllReduce");
  EXPECT_DOUBLE_EQ(batch.samples.value[0], 312.5e9);
  EXPECT_EQ(batch.series[1].signal, "comm.collective.exec_time");
  EXPECT_EQ(batch.series[1].attributes.get("operation"), "Send");
  EXPECT_DOUBLE_EQ(batch.samples.value[1], 250e-6);
}

TEST(Inspector, DamageIsCountedAndTheRestKept) {
  const std::string good = Golden("inspector-readme-samples.jsonl");
  const std::string first = good.substr(0, good.find('\n') + 1);
  const auto f = [&](const std::string& text, std::size_t rows, std::uint64_t refused, bool ok) {
    model::Batch batch;
    const base::Status status = DecodeInspector(text, At(kNow), &batch);
    EXPECT_EQ(status.ok(), ok) << text.substr(0, 60);
    EXPECT_EQ(batch.collectives.size(), rows) << text.substr(0, 60);
    EXPECT_EQ(batch.refused.total(), refused) << text.substr(0, 60);
  };
  f("", 0, 0, true);
  f("not json\n", 0, 1, false);
  f("\n\n" + first + "\r\n", 1, 0, true);
  f(first + first.substr(0, first.size() / 2), 1, 1, true);  // cut in the middle of a line
  f("garbage\n" + good, 2, 1, true);
  f("{\"header\":{}}\n" + good, 2, 1, true);
  f("{\"header\":7,\"coll_perf\":[]}\n" + good, 2, 1, true);
  std::string rank = first;
  rank.replace(rank.find("\"rank\":2"), 8, "\"rank\":9");  // beyond n_ranks
  f(rank + good, 2, 1, true);
  model::Batch ahead;
  EXPECT_TRUE(DecodeInspector(good, At(1'000'000'000'000'000'000), &ahead).ok());
  EXPECT_EQ(ahead.collectives.size(), 0u);
  EXPECT_EQ(ahead.refused.count(base::Reason::future), 2u);
}

model::Collective Row(std::int32_t rank, double start_s, double duration_s) {
  model::Collective row;
  row.communicator = "c";
  row.operation = "AllReduce";
  row.rank = rank;
  row.nranks = 4;
  row.start_ns = 1'000'000'000'000 + static_cast<std::int64_t>(std::llround(start_s * 1e9));
  row.duration_s = duration_s;
  return row;
}

TEST(RankWaits, OneClock) {
  const std::vector<model::Collective> rows = {Row(0, 0, 0.2), Row(1, 0.01, 0.19),
                                               Row(2, 0.15, 0.05), Row(3, 0, 0.2)};
  const auto waits = RankWaits(rows);
  ASSERT_EQ(waits.size(), 4u);
  EXPECT_TRUE(waits[0].by_start);
  EXPECT_NEAR(waits[0].wait_s, 0.15, 1e-9);
  EXPECT_NEAR(waits[0].lateness_s, 0, 1e-9);
  EXPECT_NEAR(waits[1].lateness_s, 0.02 / 3, 1e-9);  // two others waited 10 ms for it, one did not
  EXPECT_NEAR(waits[2].wait_s, 0, 1e-9);
  EXPECT_NEAR(waits[2].lateness_s, (0.15 + 0.14 + 0.15) / 3, 1e-9);
}

TEST(RankWaits, ClocksDisagreeSoTheShortestDurationCameLast) {
  const std::vector<model::Collective> rows = {Row(0, 0, 0.2), Row(1, 37, 0.05), Row(2, -4, 0.2)};
  const auto waits = RankWaits(rows);
  ASSERT_EQ(waits.size(), 3u);
  EXPECT_FALSE(waits[1].by_start);
  EXPECT_NEAR(waits[1].lateness_s, 0.15, 1e-9);
  EXPECT_NEAR(waits[1].wait_s, 0, 1e-9);
  EXPECT_NEAR(waits[0].wait_s, 0.15, 1e-9);
}

TEST(RankWaits, WhatHasNoAnswer) {
  EXPECT_TRUE(RankWaits({}).empty());
  const std::vector<model::Collective> one = {Row(0, 0, 0.1)};
  EXPECT_TRUE(RankWaits(one).empty());
  std::vector<model::Collective> pair = {Row(0, 0, 0.1), Row(1, 0, 0.1)};
  for (auto& row : pair) row.operation = "Send";
  EXPECT_TRUE(RankWaits(pair).empty());
  const std::vector<model::Collective> twice = {Row(0, 0, 0.1), Row(0, 0, 0.1)};
  EXPECT_TRUE(RankWaits(twice).empty());
}

TEST(RankWaits, OpenRowsCountWhereStartsAreKnown) {
  std::vector<model::Collective> rows = {Row(0, 0, 0), Row(1, 0.3, 0)};
  for (auto& row : rows)
    row.done = false, row.duration_s = std::numeric_limits<double>::quiet_NaN();
  const auto waits = RankWaits(rows);
  ASSERT_EQ(waits.size(), 2u);
  EXPECT_NEAR(waits[1].lateness_s, 0.3, 1e-9);
}

}  // namespace
}  // namespace strata::l2_comm
