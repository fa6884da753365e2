// SPDX-License-Identifier: Apache-2.0
// Traces of torch.profiler: facts that were computed from the files with other tools, damage of
// each kind, sizes beyond any window, and ranks set beside each other.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <random>

#include "base/compress.h"
#include "base/file.h"
#include "l2_comm/kineto_ranks.h"
#include "l2_comm/l2_comm.h"

namespace strata::l2_comm {
namespace {

const std::string kGolden = std::string(STRATA_SOURCE_DIR) + "/tests/golden/l2_comm/";

// Gives `text` in pieces of at most `piece` bytes.
base::InputStream Stream(std::string text, std::size_t piece = 1u << 20) {
  auto at = std::make_shared<std::size_t>(0);
  return {"trace.json",
          [=, text = std::move(text)](char* out, std::size_t n) -> base::Result<std::size_t> {
            const std::size_t take = std::min({n, piece, text.size() - *at});
            std::memcpy(out, text.data() + *at, take);
            *at += take;
            return take;
          }};
}

KinetoTrace Read(std::string text, std::size_t piece = 1u << 20) {
  base::InputStream stream = Stream(std::move(text), piece);
  auto trace = KinetoReader::Read(&stream);
  EXPECT_TRUE(trace.ok()) << trace.status().message();
  return trace.ok() ? std::move(*trace) : KinetoTrace();
}

KinetoTrace ReadGolden(const std::string& name) {
  KinetoTrace out;
  const base::Status status =
      base::ForEachStream(kGolden + name, [&](base::InputStream& stream) -> base::Status {
        ASSIGN_OR_RETURN(out, KinetoReader::Read(&stream));
        return {};
      });
  EXPECT_TRUE(status.ok()) << status.message();
  return out;
}

std::string Kernel(const std::string& name, double ts, double dur, int stream = 7,
                   const std::string& args = "") {
  return "{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"" + name +
         "\", \"pid\": 0, \"tid\": 7, \"ts\": " + std::to_string(ts) +
         ", \"dur\": " + std::to_string(dur) +
         ", \"args\": {\"device\": 0, \"stream\": " + std::to_string(stream) + args + "}}";
}

std::string Trace(const std::vector<std::string>& events, const std::string& frame = "") {
  std::string out = "{" + frame + (frame.empty() ? "" : ", ") + "\"traceEvents\": [";
  for (std::size_t i = 0; i < events.size(); ++i) out += (i > 0 ? ",\n" : "") + events[i];
  return out + "]}";
}

TEST(Kineto, FactsOfRealTraces) {
  struct Facts {
    const char* file;
    int rank, world, kernels, comm_kernels;
    double kernel_ms, comm_ms;
    const char* device;
  };
  const char* h100 = "NVIDIA H100 80GB HBM3";
  for (const Facts& f : {
           Facts{"128rank-sampled-rank0.json.gz", 0, 128, 1154, 10, 606.519, 396.199, ""},
           Facts{"128rank-sampled-rank1.json.gz", 1, 128, 1104, 10, 651.026, 379.053, ""},
           Facts{"a100-2rank-nccl-args.reduced.json.gz", 0, 2, 2700, 21, 162.532, 46.876,
                 "NVIDIA A100-PG509-200"},
           Facts{"kineto_gpt_8rank/rank0.json.gz", 0, 8, 2917, 76, 170.528, 48.340, h100},
           Facts{"kineto_gpt_8rank/rank1.json.gz", 1, 8, 3023, 76, 154.194, 23.126, h100},
           Facts{"kineto_gpt_8rank/rank4.json.gz", 4, 8, 3349, 81, 206.390, 57.749, h100},
           Facts{"kineto_gpt_8rank/rank7.json.gz", 7, 8, 3305, 84, 207.875, 58.948, h100},
       }) {
    const KinetoTrace t = ReadGolden(f.file);
    EXPECT_EQ(t.rank, f.rank) << f.file;
    EXPECT_EQ(t.world_size, f.world);
    EXPECT_EQ(t.kernels, static_cast<std::uint64_t>(f.kernels));
    EXPECT_EQ(t.comm_kernels, static_cast<std::uint64_t>(f.comm_kernels));
    EXPECT_NEAR(t.kernel_s * 1e3, f.kernel_ms, 0.001);
    EXPECT_NEAR(t.comm_s * 1e3, f.comm_ms, 0.001);
    EXPECT_EQ(t.device, f.device);
    EXPECT_TRUE(t.refused.empty());
    // Nothing is busy longer than there was time.
    const double device_s = static_cast<double>(t.device_span.to - t.device_span.from) / 1e9;
    EXPECT_LE(t.busy_s, device_s);
    EXPECT_NEAR(t.busy_s + t.idle_s, device_s, 1e-9);
    EXPECT_LE(t.comm_exposed_s, t.comm_busy_s);
    EXPECT_GE(t.compute_s + t.comm_exposed_s, t.busy_s - t.memcpy_s - 0.01);
  }
  EXPECT_EQ(ReadGolden("128rank-sampled-rank0.json.gz").events, 4855u);
}

// HTA's rules (overlap of merged intervals; idle from the first to the last device event), computed
// by a script that shares no code with this reader.
TEST(Kineto, BusyTimeOfRealTraces) {
  const auto f = [](const char* file, double exposed, double compute, double busy, double idle) {
    const KinetoTrace t = ReadGolden(file);
    EXPECT_NEAR(t.comm_exposed_s, exposed, 1e-8) << file;
    EXPECT_NEAR(t.compute_s, compute, 1e-8) << file;
    EXPECT_NEAR(t.busy_s, busy, 1e-8) << file;
    EXPECT_NEAR(t.idle_s, idle, 1e-8) << file;
  };
  f("128rank-sampled-rank0.json.gz", 0.336983, 0.21032, 0.547656, 0.675191);
  f("128rank-sampled-rank1.json.gz", 0.303523, 0.271973, 0.58005, 0.651136);
  f("a100-2rank-nccl-args.reduced.json.gz", 0.039559468, 0.115655847, 0.157500014, 0.503050992);
  f("kineto_gpt_8rank/rank0.json.gz", 0.040656111, 0.122121935, 0.164365164, 0.011927109);
  f("kineto_gpt_8rank/rank1.json.gz", 0.017483315, 0.13102625, 0.150547551, 0.034981285);
  f("kineto_gpt_8rank/rank5.json.gz", 0.050338231, 0.148516944, 0.200723039, 0.005643595);
}

// Sums of the file; p99 linear between neighbours, as pandas.Series.quantile does it.
TEST(Kineto, KernelsByName) {
  const KinetoTrace t = ReadGolden("128rank-sampled-rank0.json.gz");
  ASSERT_FALSE(t.uses.empty());
  EXPECT_EQ(t.uses[0].name,
            "ncclKernel_SendRecv_RING_SIMPLE_Sum_int8_t(ncclDevComm*, unsigned long, ncclWork*)");
  EXPECT_EQ(t.uses[0].count, 10u);
  EXPECT_NEAR(static_cast<double>(t.uses[0].total_ns) / 1e9, 0.396199, 1e-9);
  std::uint64_t kernels = 0;
  for (const KernelUse& use : t.uses) {
    std::uint64_t in_buckets = use.zeros;
    for (const std::uint32_t n : use.buckets) in_buckets += n;
    EXPECT_EQ(in_buckets, use.count) << use.name;
    kernels += use.count;
  }
  EXPECT_EQ(kernels, t.kernels);
  std::vector<std::string> events;
  for (int i = 1; i <= 100; ++i) events.push_back(Kernel("k", i * 1000.0, i));
  EXPECT_NEAR(Read(Trace(events)).uses[0].Quantile(0.99), 99.01e-6, 1e-11);
}

TEST(Kineto, WithoutADeviceNothingIsTold) {
  for (const char* name : {"cpu-only-gloo-rank34of300.json.gz", "rank-non-gpu.json.gz"}) {
    const KinetoTrace t = ReadGolden(name);
    const base::Json report = ReportOf(t);
    for (const char* key : {"kernels", "kernel_s", "comm_kernels", "comm_s", "comm_exposed_s",
                            "memcpy_s", "idle_s", "top", "device"})
      EXPECT_TRUE(report[key].is_null()) << key;
    EXPECT_GT(report["span_s"].as_double(), 0);
  }
  EXPECT_EQ(ReadGolden("cpu-only-gloo-rank34of300.json.gz").rank, 34);
  EXPECT_EQ(ReadGolden("rank-non-gpu.json.gz").world_size, std::nullopt);
}

TEST(Kineto, ArgumentsOfCollectives) {
  const KinetoTrace t = ReadGolden("a100-2rank-nccl-args.reduced.json.gz");
  ASSERT_EQ(t.comm.size(), 21u);
  int all_reduce = 0, told = 0;
  for (const CommKernel& kernel : t.comm) {
    if (kernel.operation == "AllReduce") ++all_reduce;
    if (kernel.bytes > 0 && kernel.group_size == 2) ++told;
    EXPECT_EQ(kernel.algorithm, "RING");
    EXPECT_EQ(kernel.protocol, "LL");
  }
  EXPECT_EQ(all_reduce, 15);
  EXPECT_EQ(told, 21);
  // No arguments on the kernels here: they come from the operators that launched them.
  const KinetoTrace gpt = ReadGolden("kineto_gpt_8rank/rank0.json.gz");
  int from_operators = 0;
  for (const CommKernel& kernel : gpt.comm) from_operators += kernel.bytes > 0 ? 1 : 0;
  EXPECT_EQ(from_operators, 56);
  EXPECT_EQ(gpt.groups.size(), 2u);  // "not told" and the only group
}

TEST(Kineto, BusyTimeBySmallExample) {
  // compute 0-100 and 150-200, communication 50-170 (another stream), a copy 190-260, idle 260-300.
  const KinetoTrace t = Read(Trace(
      {Kernel("gemm", 0, 100), Kernel("gemm", 150, 50),
       Kernel("ncclDevKernel_AllReduce_Sum_f32_TREE_LL128(x)", 50, 120, 9),
       R"({"ph":"X","cat":"gpu_memcpy","name":"m","pid":0,"tid":7,"ts":190,"dur":70,"args":{"device":0,"stream":7}})",
       Kernel("last", 300, 10),
       R"({"ph":"X","cat":"user_annotation","name":"ProfilerStep#3","pid":1,"tid":1,"ts":0,"dur":200,"args":{}})"},
      "\"baseTimeNanoseconds\": 1000000000000000000"));
  EXPECT_NEAR(t.comm_exposed_s, 50e-6, 1e-12);
  EXPECT_NEAR(t.compute_s, 160e-6, 1e-12);
  EXPECT_NEAR(t.busy_s, 270e-6, 1e-12);
  EXPECT_NEAR(t.idle_s, 40e-6, 1e-12);
  EXPECT_NEAR(t.memcpy_s, 70e-6, 1e-12);
  ASSERT_EQ(t.steps.size(), 1u);
  EXPECT_EQ(t.steps[0].number, 3);
  EXPECT_NEAR(t.steps[0].compute_s, 150e-6, 1e-12);
  EXPECT_NEAR(t.steps[0].memcpy_s, 10e-6, 1e-12);
  EXPECT_NEAR(t.steps[0].idle_s, 0, 1e-12);
  EXPECT_EQ(t.EpochOffset(5), 1'000'000'000'000'000'000);
  EXPECT_EQ(t.comm[0].algorithm, "TREE");
  EXPECT_EQ(t.comm[0].protocol, "LL128");
}

TEST(Kineto, StringsThatLookLikeStructure) {
  const std::string odd = R"(void f<\"}]{[\\\">(\u00e9 \\)";
  const std::string text = Trace({Kernel(odd, 0, 5), Kernel("b", 10, 5)});
  for (const std::size_t piece : {1u, 7u, 63u, 64u, 65u, 4096u}) {
    const KinetoTrace t = Read(text, piece);
    EXPECT_EQ(t.kernels, 2u);
    EXPECT_FALSE(t.cut);
    ASSERT_EQ(t.uses.size(), 2u);
    const bool first = t.uses[0].name != "b";
    EXPECT_EQ(t.uses[first ? 0 : 1].name, "void f<\"}]{[\\\">(é \\");
  }
}

TEST(Kineto, OtherForms) {
  EXPECT_EQ(Read("[" + Kernel("a", 0, 1) + "," + Kernel("b", 2, 1) + "]").kernels, 2u);
  // The format allows the closing bracket of a bare list to be left out; it is said all the same.
  const KinetoTrace open = Read("[" + Kernel("a", 0, 1) + ",\n");
  EXPECT_EQ(open.kernels, 1u);
  EXPECT_TRUE(open.cut);
  // Arguments first, numbers as strings, categories in capitals, what stands behind the events.
  const KinetoTrace t = Read(
      R"({"traceEvents":[{"args":{"stream":7,"device":0,"x":[{"ph":"M"}]},"dur":"2.5","ts":1e3,)"
      R"("name":"k","cat":"Kernel","ph":"X"}],"distributedInfo":{"rank":3,"world_size":4}})");
  EXPECT_EQ(t.kernels, 1u);
  EXPECT_NEAR(t.kernel_s, 2.5e-6, 1e-15);
  EXPECT_EQ(t.rank, 3);
  EXPECT_TRUE(LooksKineto("{\n  \"schemaVersion\": 1,\n  \"deviceProperties\": ["));
  EXPECT_TRUE(LooksKineto("[{\"name\":\"a\",\"ph\":\"X\",\"ts\":1}"));
  EXPECT_FALSE(LooksKineto("{\"header\":{}}"));
  base::InputStream none = Stream("{\"schemaVersion\": 1}");
  EXPECT_FALSE(KinetoReader::Read(&none).ok());
}

TEST(Kineto, BadEventsAreCountedAndTheRestIsRead) {
  const KinetoTrace t = Read(
      Trace({Kernel("a", 10, 1), Kernel("negative", 20, -3),
             R"({"ph":"X","cat":"kernel","name":"nan","ts":NaN,"dur":1,"args":{}})",
             R"({"ph":"X","cat":"kernel","name":"no dur","ts":5,"args":{}})", R"({"ph":"X",,})",
             R"("a string")", "17", R"([1, {"ph":2}])", Kernel("step of a clock", 2e14, 1),
             R"({"ph":"X","cat":"kernel","name":"huge","ts":9e300,"dur":1})",
             R"({"ph":"X","cat":"gpu_memcpy","name":"m","ts":12,"dur":1,"args":{"GB/s": inf}})",
             Kernel("b", 30, 1)}));
  EXPECT_EQ(t.kernels, 2u);
  EXPECT_NEAR(t.memcpy_s, 1e-6, 1e-15);
  EXPECT_EQ(t.events, 9u);
  EXPECT_EQ(t.refused.count(base::Reason::not_a_number), 3u);
  EXPECT_EQ(t.refused.count(base::Reason::malformed), 1u + 1 + 3 + 1);
  EXPECT_NEAR(static_cast<double>(t.span.to - t.span.from), 21e3, 1);
}

TEST(Kineto, CutAnywhereReadsToTheCut) {
  auto whole = base::ReadFile(kGolden + "cpu-only-gloo-rank34of300.json.gz");
  ASSERT_TRUE(whole.ok());
  const auto plain = base::Decompress("gzip", *whole);
  ASSERT_TRUE(plain.ok());
  for (std::size_t cut = plain->find("traceEvents") + 20; cut < plain->size() - 2; cut += 61) {
    const KinetoTrace t = Read(plain->substr(0, cut));
    EXPECT_TRUE(t.cut);
    EXPECT_EQ(t.rank, 34) << cut;
    EXPECT_LE(t.events, 30u);
  }
  // The same through gzip: what stands before the cut is there.
  const std::string path = std::filesystem::temp_directory_path() / "strata_cut.json.gz";
  auto big = base::ReadFile(kGolden + "128rank-sampled-rank0.json.gz");
  ASSERT_TRUE(base::WriteFile(path, big->substr(0, big->size() / 2)).ok());
  KinetoTrace t;
  ASSERT_TRUE(base::ForEachStream(path, [&](base::InputStream& s) -> base::Status {
                ASSIGN_OR_RETURN(t, KinetoReader::Read(&s));
                return {};
              }).ok());
  std::filesystem::remove(path);
  EXPECT_TRUE(t.cut);
  EXPECT_NE(t.why_cut.find("cut short"), std::string::npos);
  EXPECT_GT(t.events, 2000u);
  EXPECT_LT(t.events, 4855u);
  EXPECT_FALSE(ReportOf(t)["complete"].as_bool(true));
}

TEST(Kineto, AnEventLongerThanAnyWindowIsSkipped) {
  const std::string long_args = ", \"note\": \"" + std::string(9u << 20, 'x') + "\"";
  const std::string fits = ", \"note\": \"" + std::string(3u << 20, '{') + "\"";
  const KinetoTrace t = Read(Trace({Kernel("a", 0, 1), Kernel("long", 2, 1, 7, long_args),
                                    Kernel("fits", 4, 1, 7, fits), Kernel("b", 6, 1)}));
  EXPECT_EQ(t.kernels, 3u);
  EXPECT_EQ(t.refused.count(base::Reason::oversize), 1u);
  EXPECT_FALSE(t.cut);
}

// ---- ranks beside each other

// `n` collectives of 100 us; rank `late` comes `late_us` after the others, each rank's clock is
// off.
KinetoTrace SyntheticRank(int rank, int ranks, int n, int late, double late_us, double clock_us,
                          int skip = 0) {
  std::mt19937 random(static_cast<unsigned>(rank + 1));
  std::mt19937 shared(99);
  std::vector<std::string> events;
  double at = 1000 + clock_us;
  for (int i = 0; i < n; ++i) {
    at += 400 + shared() % 1000;
    const double jitter = random() % 20;
    const double mine = jitter + (rank == late ? late_us : 0);
    const double last = late >= 0 ? std::max(late_us, 20.0) : 20;
    if (i >= skip) {
      events.push_back(Kernel("gemm", at - 300, 290 + mine));
      events.push_back(Kernel(i % 3 == 0 ? "ncclDevKernel_AllGather_RING_LL(x)"
                                         : "ncclDevKernel_AllReduce_Sum_f32_RING_LL(x)",
                              at + mine, last + 100 - mine, 20));
    }
    at += last + 100;
  }
  return Read(Trace(
      events, "\"distributedInfo\": {\"backend\": \"nccl\", \"rank\": " + std::to_string(rank) +
                  ", \"world_size\": " + std::to_string(ranks) + "}"));
}

TEST(KinetoRanks, TheLateRankIsNamedWhateverTheClocksSay) {
  KinetoRanks ranks;
  // Rank 2 is late by 250 us; clocks are off by up to 40 ms; ranks entered the profile at different
  // collectives.
  for (int r = 0; r < 8; ++r) ranks.Add(SyntheticRank(r, 8, 60, 2, 250, r * 5000.0 - 7000, r % 3));
  const RanksResult result = ranks.Compare();
  EXPECT_EQ(result.ranks, 8u);
  EXPECT_EQ(result.groups, 1u);
  EXPECT_EQ(result.collectives, 58u);
  ASSERT_EQ(result.late.size(), 1u);
  const RankTotal& late = result.per_rank[result.late[0]];
  EXPECT_EQ(late.rank, 2);
  EXPECT_EQ(late.last, 58u);
  EXPECT_NEAR(late.lateness_s / 58, 250e-6, 15e-6);
  EXPECT_LT(late.wait_s, 1e-4);
  for (const RankTotal& rank : result.per_rank) {
    if (rank.rank != 2) EXPECT_NEAR(rank.wait_s / 58, 250e-6, 25e-6);
  }
  model::Batch batch;
  wire::Context context;
  context.now_ns = 1'795'000'000'000'000'000;
  ranks.Rows(context, &batch);
  EXPECT_EQ(batch.collectives.size(), 8u * 60 - 7);
  // Rows of one number are one collective.
  std::map<std::uint64_t, std::pair<std::string, int>> by_seq;
  for (const model::Collective& row : batch.collectives) {
    auto& [operation, n] = by_seq[row.seq];
    if (n++ > 0) EXPECT_EQ(operation, row.operation);
    operation = row.operation;
  }
  EXPECT_EQ(by_seq.size(), 60u);
}

TEST(KinetoRanks, NobodyIsBlamedWhenNobodyIsLate) {
  for (int run = 0; run < 20; ++run) {
    KinetoRanks ranks;
    for (int r = 0; r < 4; ++r) ranks.Add(SyntheticRank(r + 4 * run, 1000, 40, -1, 0, r * 3000.0));
    EXPECT_TRUE(ranks.Compare().late.empty()) << run;
  }
}

TEST(KinetoRanks, EightRealRanks) {
  KinetoTraces traces;
  model::Batch batch;
  model::Namer namer{{}};
  wire::Context context;
  context.namer = &namer;
  context.now_ns = 1'795'000'000'000'000'000;
  base::Json report;
  const base::Status status = base::ForEachStream(
      kGolden + "kineto_gpt_8rank",
      [&](base::InputStream& stream) { return traces.Read(&stream, context, &batch, &report); });
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_GT(batch.histograms.size(), 8u * 40);
  const base::Json all = traces.Close(context, &batch);
  EXPECT_EQ(all["ranks"].as_int(), 8);
  EXPECT_EQ(all["groups"].as_int(), 1);
  EXPECT_EQ(all["collectives"].as_int(), 76);
  ASSERT_EQ(all["late"].size(), 1u);
  EXPECT_EQ(all["late"].at(0)["rank"].as_int(), 1);  // the one with the least time in NCCL
  EXPECT_GT(all["late"].at(0)["share"].as_double(), 0.5);
  // One host, one clock: the shifts that were found are microseconds.
  for (const base::Json& rank : all["per_rank"].array())
    EXPECT_LT(std::abs(rank["clock_shift_s"].as_double()), 10e-6);
  EXPECT_EQ(batch.collectives.size(), 637u);
  // 2025-12-13, by the traces' own base time.
  EXPECT_EQ(batch.collectives[0].start_ns / 86'400'000'000'000, 20'435);
  EXPECT_TRUE(traces.Close(context, &batch).is_null());
}

TEST(KinetoRanks, RanksOfOtherJobsStayOut) {
  KinetoRanks ranks;
  ranks.Add(ReadGolden("128rank-sampled-rank0.json.gz"));
  ranks.Add(ReadGolden("a100-2rank-nccl-args.reduced.json.gz"));
  ranks.Add(ReadGolden("128rank-sampled-rank1.json.gz"));
  ranks.Add(ReadGolden("128rank-sampled-rank1.json.gz"));
  const RanksResult result = ranks.Compare();
  EXPECT_EQ(result.ranks, 2u);
  EXPECT_TRUE(result.late.empty());
}

}  // namespace
}  // namespace strata::l2_comm
