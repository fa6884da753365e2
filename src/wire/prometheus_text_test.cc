// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/file.h"
#include "base/json.h"
#include "wire/decode.h"

namespace strata::wire {
namespace {

constexpr std::int64_t kNow = 1'780'000'000'000'000'000;
const std::string kGolden = std::string(STRATA_SOURCE_DIR) + "/tests/golden/exposition/";

// One page read by a fresh Namer without catalogs, so that names stay as they are on the wire.
struct Page {
  explicit Page(std::string_view text, bool openmetrics = false) {
    context.namer = &namer;
    context.now_ns = kNow;
    status = DecodePrometheusText(text, openmetrics, context, &batch, &facts);
  }
  const model::Series* series(model::SeriesId id) const {
    for (const model::Series& s : batch.series) {
      if (s.id == id) return &s;
    }
    return nullptr;
  }
  static bool Fits(const model::Series& s, const std::string& name,
                   const model::Attributes& attributes) {
    if (s.signal != name) return false;
    for (const auto& [k, v] : attributes) {
      if (s.attributes.get(k) != v) return false;
    }
    return true;
  }
  // The last value of the series with this name and these labels; NaN when there is none.
  double value(const std::string& name, const model::Attributes& attributes = {}) const {
    double found = std::nan("");
    for (std::size_t i = 0; i < batch.samples.size(); ++i) {
      const model::Series* s = series(batch.samples.series[i]);
      if (s != nullptr && Fits(*s, name, attributes)) found = batch.samples.value[i];
    }
    return found;
  }
  const model::Histogram* histogram(const std::string& name,
                                    const model::Attributes& attributes = {}) const {
    for (const model::Histogram& h : batch.histograms) {
      const model::Series* s = series(h.series);
      if (s != nullptr && Fits(*s, name, attributes)) return &h;
    }
    return nullptr;
  }
  const model::Series* named(const std::string& name) const {
    for (const model::Series& s : batch.series) {
      if (s.signal == name) return &s;
    }
    return nullptr;
  }

  model::Namer namer{{}};
  Context context;
  model::Batch batch;
  TextFacts facts;
  base::Status status;
};

std::string Read(const std::string& name) {
  std::string bytes;
  const base::Status status = base::ForEachInput(kGolden + name, [&](base::InputFile file) {
    bytes = std::move(file.bytes);
    return base::Status();
  });
  EXPECT_TRUE(status.ok()) << status.message();
  return bytes;
}

// ---- facts of the recorded pages (the rows of the data's README)
TEST(PrometheusText, RecordedPagesHaveTheirSampleAndTypeCounts) {
  struct Want {
    const char* file;
    std::uint64_t samples, types, bad;
  };
  for (const Want& want :
       std::initializer_list<Want>{{"a100-mig-disabled-two-scrapes.prom", 46, 46, 3},
                                   {"aicr-h100x8-with-pod.prom", 30, 0, 0},
                                   {"fraction-1-workload.prom", 38, 19, 0},
                                   {"kops-cluster.prom", 23, 23, 0},
                                   {"mig-a100-4-active.prom", 56, 14, 1},
                                   {"t4-integrations-core.prom", 38, 38, 0},
                                   {"sglang-llama3.1-8b-loaded.prom", 93, 14, 0},
                                   {"tgi.prom", 1888, 24, 0},
                                   {"triton.prom", 377, 32, 0},
                                   {"vllm-v0-opt125m.prom", 120, 29, 0},
                                   {"vllm-v1-qwen2.5-0.5b-idle.prom", 395, 83, 0},
                                   {"exposition-alltypes-237-families.prom.gz", 1857, 237, 0}}) {
    const std::string text = Read(want.file);
    const Page page(text);
    EXPECT_TRUE(page.status.ok()) << want.file;
    EXPECT_EQ(page.facts.samples, want.samples) << want.file;
    EXPECT_EQ(page.facts.families, want.types) << want.file;
    EXPECT_EQ(page.facts.bad_lines, want.bad) << want.file << ": " << page.batch.refused.example();
    EXPECT_EQ(page.batch.refused.total(), want.bad)
        << want.file << ": " << page.batch.refused.example();
  }
}

TEST(PrometheusText, DcgmValues) {
  const std::string mig_text = Read("mig-a100-4-active.prom");
  const Page mig(mig_text);
  const std::string signal = "DCGM_FI_PROF_GR_ENGINE_ACTIVE";
  EXPECT_EQ(mig.value(signal, {{"GPU_I_ID", "8"}}), 0.408493);
  EXPECT_EQ(mig.value(signal, {{"GPU_I_ID", "7"}}), 0.0);
  EXPECT_EQ(mig.value("DCGM_FI_DEV_FB_USED", {{"GPU_I_ID", "8"}}), 4384);
  EXPECT_EQ(mig.value("DCGM_FI_DEV_FB_USED", {{"GPU_I_ID", "5"}}), 13);
  const std::string aicr_text = Read("aicr-h100x8-with-pod.prom");
  const Page aicr(aicr_text);
  EXPECT_EQ(aicr.value("DCGM_FI_DEV_POWER_USAGE", {{"gpu", "0"}}), 113.611);
  EXPECT_EQ(aicr.value("DCGM_FI_DEV_POWER_USAGE", {{"gpu", "1"}}), 68.347);
  EXPECT_EQ(aicr.value("DCGM_FI_DEV_GPU_TEMP", {{"pod", "vllm-agg-0-vllmdecodeworker-s65j5"}}), 30);
  const std::string t4_text = Read("t4-integrations-core.prom");
  const Page t4(t4_text);
  EXPECT_EQ(t4.value("DCGM_FI_DEV_FB_FREE", {{"gpu", "0"}}), 15109);
  EXPECT_EQ(t4.value("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", {{"gpu", "0"}}), 128996013);
  ASSERT_NE(t4.named("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"), nullptr);
  EXPECT_EQ(t4.named("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION")->kind, model::Kind::counter);
}

TEST(PrometheusText, EngineValues) {
  const std::string sglang_text = Read("sglang-llama3.1-8b-loaded.prom");
  const Page sglang(sglang_text);
  EXPECT_EQ(sglang.value("sglang:token_usage"), 0.28);
  EXPECT_EQ(sglang.value("sglang:generation_tokens_total"), 7557572);
  EXPECT_EQ(sglang.value("sglang:num_queue_reqs"), 2826);
  const model::Histogram* ttft = sglang.histogram("sglang:time_to_first_token_seconds");
  ASSERT_NE(ttft, nullptr);  // _sum stands before the buckets
  EXPECT_EQ(ttft->count, 11008u);
  EXPECT_NEAR(ttft->sum / 11008, 213.65, 0.01);
  EXPECT_EQ(ttft->bounds.back(), 30);
  EXPECT_EQ(ttft->counts.back(), 8495u);

  const std::string tgi_text = Read("tgi.prom");
  const Page tgi(tgi_text);
  EXPECT_EQ(tgi.value("tgi_request_count"), 111);  // a counter named _count
  EXPECT_EQ(tgi.named("tgi_request_count")->kind, model::Kind::counter);
  EXPECT_EQ(tgi.value("tgi_queue_size"), 0);
  EXPECT_EQ(tgi.value("tgi_batch_inference_count", {{"method", "decode"}}), 1509);
  ASSERT_NE(tgi.histogram("tgi_request_inference_duration"), nullptr);
  EXPECT_DOUBLE_EQ(tgi.histogram("tgi_request_inference_duration")->sum, 245.91743839099996);

  const std::string v0_text = Read("vllm-v0-opt125m.prom");
  const Page v0(v0_text);
  EXPECT_EQ(v0.value("vllm:gpu_cache_usage_perc"), 0.0);
  EXPECT_EQ(v0.value("vllm:generation_tokens_total"), 7);
  EXPECT_EQ(v0.histogram("vllm:time_to_first_token_seconds")->sum, 0.31326723098754883);
  EXPECT_EQ(v0.histogram("vllm:e2e_request_latency_seconds")->sum, 0.5034303665161133);

  const std::string triton_text = Read("triton.prom");
  const Page triton(triton_text);
  EXPECT_EQ(triton.value("nv_inference_request_duration_us",
                         {{"model", "densenet_onnx"}, {"version", "1"}}),
            1327965);
}

TEST(PrometheusText, VllmV1KeepsEmptyHistogramsAndTurnsCreatedIntoStartTimes) {
  const std::string text = Read("vllm-v1-qwen2.5-0.5b-idle.prom");
  const Page page(text);
  EXPECT_EQ(page.value("vllm:engine_sleep_state", {{"sleep_state", "awake"}}), 1);
  EXPECT_EQ(page.value("process_resident_memory_bytes"), 1.126473728e+09);
  const model::Histogram* tokens =
      page.histogram("vllm:iteration_tokens_total");  // a histogram named _total
  ASSERT_NE(tokens, nullptr);
  EXPECT_EQ(tokens->count, 0u);
  EXPECT_GT(tokens->start_ts, 1'774'000'000'000'000'000 - 1);
  for (const model::Series& s : page.batch.series)
    EXPECT_FALSE(s.signal.ends_with("_created")) << s.signal;
  bool dated = false;
  for (std::size_t i = 0; i < page.batch.samples.size(); ++i) {
    if (page.series(page.batch.samples.series[i])->signal == "vllm:estimated_flops_per_gpu_total")
      dated = page.batch.samples.start_ts[i] != 0;
  }
  EXPECT_TRUE(dated);
}

TEST(PrometheusText, AlltypesValuesAndEmptyQuantiles) {
  const std::string text = Read("exposition-alltypes-237-families.prom.gz");
  const Page page(text);
  EXPECT_EQ(page.value("go_gc_heap_objects_objects"), 580217);
  EXPECT_EQ(page.value("prometheus_build_info", {{"goversion", "go1.23.4"}}), 1);
  for (std::size_t i = 0; i < page.batch.samples.size(); ++i)
    EXPECT_FALSE(std::isnan(page.batch.samples.value[i]));
}

// ---- the format
TEST(PrometheusText, CreatedDatesCountersSummariesAndHistograms) {
  const Page page(
      "# TYPE a counter\na_total{x=\"1\"} 5\na_created{x=\"1\"} 1500000000.25\n"
      "a_total{x=\"2\"} 6\na_created{x=\"2\"} 1500000001\n"
      "# TYPE s summary\ns_sum 1\ns_count 2\ns{quantile=\"0.5\"} 3\ns_created 1500000002\n"
      "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum "
      "3\nh_created 1500000003\n# EOF\n",
      true);
  ASSERT_EQ(page.batch.samples.size(), 5u);
  EXPECT_EQ(page.batch.samples.start_ts[0], 1'500'000'000'250'000'000);
  EXPECT_EQ(page.batch.samples.start_ts[1], 1'500'000'001'000'000'000);
  EXPECT_EQ(page.batch.samples.start_ts[2], 1'500'000'002'000'000'000);
  EXPECT_EQ(page.batch.samples.start_ts[4], 0);  // the quantile is a gauge
  ASSERT_EQ(page.batch.histograms.size(), 1u);
  EXPECT_EQ(page.batch.histograms[0].start_ts, 1'500'000'003'000'000'000);
  EXPECT_EQ(page.facts.samples, 13u);
}

TEST(PrometheusText, CreatedGaugesOfThePythonClientFollowTheirFamily) {
  const Page page(
      "# TYPE a_total counter\na_total{x=\"1\"} 5\n# HELP a_created h\n# TYPE a_created "
      "gauge\na_created{x=\"1\"} 1.5e+09\n"
      "# TYPE kube_pod_created gauge\nkube_pod_created 1.4e9\n");
  EXPECT_EQ(page.batch.samples.start_ts[0], 1'500'000'000'000'000'000);
  EXPECT_EQ(page.value("kube_pod_created"), 1.4e9);  // nothing it could date: a gauge
  EXPECT_EQ(page.batch.samples.size(), 2u);
}

TEST(PrometheusText, HistogramsArePutTogetherOrAbsent) {
  const auto count = [](std::string_view text) { return Page(text).batch.histograms.size(); };
  EXPECT_EQ(count("# TYPE h histogram\nh_sum{a=\"b\"} 9\nh_bucket{le=\"2\",a=\"b\"} "
                  "3\nh_bucket{le=\"+Inf\",a=\"b\"} 4\nh_count{a=\"b\"} 4\n"),
            1u);
  EXPECT_EQ(count("# TYPE h histogram\nh_bucket{le=\"2\"} 3\nh_count 4\n"), 0u);  // no +Inf
  EXPECT_EQ(count("# TYPE h histogram\nh_bucket{le=\"2\"} 5\nh_bucket{le=\"+Inf\"} 4\n"),
            0u);  // falling
  EXPECT_EQ(count("# TYPE h histogram\nh_bucket{le=\"2\"} x\nh_bucket{le=\"+Inf\"} 4\n"),
            0u);  // a bad part
  EXPECT_EQ(count("h_bucket{le=\"2\"} 3\nh_bucket{le=\"+Inf\"} 4\nh_sum 1\nh_count 4\n"),
            1u);  // untyped
  const Page page(
      "h_sum{a=\"1\"} 7\nh_count{a=\"1\"} 4\nh_bucket{a=\"1\",le=\"2\",b=\"2\"} "
      "1\nh_bucket{a=\"1\",le=\"+Inf\",b=\"2\"} 4\n"
      "h_sum{a=\"1\",b=\"2\"} 8\n");
  ASSERT_EQ(page.batch.histograms.size(), 1u);
  EXPECT_EQ(page.batch.histograms[0].sum, 8);
  EXPECT_EQ(page.batch.histograms[0].counts, (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(page.value("h_sum", {{"a", "1"}}),
            7);  // no buckets of its label set: numbers of their own
  const Page twice(
      "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\n");
  ASSERT_EQ(twice.batch.histograms.size(), 2u);  // two scrapes in one file
  EXPECT_EQ(twice.batch.histograms[1].count, 2u);
}

TEST(PrometheusText, IncompleteHistogramIsCountedAsMalformed) {
  const Page page("# TYPE h histogram\nh_bucket{le=\"2\"} 3\nh_count 4\nok 1\n");
  EXPECT_EQ(page.batch.refused.count(base::Reason::malformed), 1u);
  EXPECT_EQ(page.value("ok"), 1);
}

TEST(PrometheusText, TimesAreMillisecondsOrSeconds) {
  EXPECT_EQ(Page("a 1 1500000000123\n").batch.samples.ts[0], 1'500'000'000'123'000'000);
  EXPECT_EQ(Page("a 1 1500000000.123456789\n# EOF\n").batch.samples.ts[0],
            1'500'000'000'123'456'789);
  EXPECT_EQ(Page("a 1\n").batch.samples.ts[0], kNow);
  const Page future("a 1 1900000000000\nb 2 0\nc 3 -5\nd 4 99999999999999999999\n");
  EXPECT_EQ(future.batch.samples.size(), 0u);
  EXPECT_EQ(future.batch.refused.count(base::Reason::future), 1u);
  EXPECT_EQ(future.batch.refused.count(base::Reason::malformed), 3u);
}

TEST(PrometheusText, SpecialNumbers) {
  const Page page(
      "a +Inf\nb -Inf\nc NaN\nd 1e-400\ne 1_2\nf 0x10\n# TYPE s summary\ns{quantile=\"0.5\"} "
      "NaN\n");
  EXPECT_EQ(page.value("a"), HUGE_VAL);
  EXPECT_EQ(page.value("b"), -HUGE_VAL);
  EXPECT_EQ(page.value("d"), 0);
  EXPECT_EQ(page.batch.samples.size(), 3u);
  EXPECT_EQ(page.batch.refused.count(base::Reason::not_a_number), 1u);
  EXPECT_EQ(page.batch.refused.count(base::Reason::malformed), 2u);
}

TEST(PrometheusText, LabelsEscapesAndBraces) {
  const Page page(
      "a{x=\"} \\\"q\\\" \\\\ \\n \\z\" , y = \"2\",} 1\n{\"my.metric\", \"a.b\"=\"c\"} "
      "2\n{\"plain\"} 3\n");
  EXPECT_EQ(page.value("a", {{"x", "} \"q\" \\ \n \\z"}, {"y", "2"}}), 1);
  EXPECT_EQ(page.value("my.metric", {{"a.b", "c"}}), 2);
  EXPECT_EQ(page.value("plain"), 3);
  EXPECT_EQ(page.facts.bad_lines, 0u) << page.batch.refused.example();
}

TEST(PrometheusText, ExemplarsAreSkippedAlsoWithoutOpenMetricsType) {
  for (const bool openmetrics : {false, true}) {
    const Page page(
        "# TYPE a counter\na_total{x=\"1\"} 5 # {trace=\"}x\"} 0.5 123\na_total{x=\"2\"} 6 # {} 1\n"
        "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 3 # {t=\"b\"} 1\n",
        openmetrics);
    EXPECT_EQ(page.value("a_total", {{"x", "1"}}), 5);
    EXPECT_EQ(page.value("a_total", {{"x", "2"}}), 6);
    EXPECT_EQ(page.batch.histograms.size(), 1u);
    EXPECT_EQ(page.facts.bad_lines, 0u) << page.batch.refused.example();
  }
}

TEST(PrometheusText, KindsAndUnits) {
  const Page page(
      "# TYPE a_seconds counter\n# UNIT a_seconds seconds\na_seconds_total 1\n# TYPE i "
      "info\ni_info{v=\"1\"} 1\n"
      "# TYPE st stateset\nst{st=\"on\"} 1\n# TYPE g gaugehistogram\ng_bucket{le=\"+Inf\"} "
      "3\ng_gcount 3\ng_gsum 2\nu 4\nv_total 5\n# EOF\n");
  EXPECT_EQ(page.named("a_seconds_total")->unit, "s");
  EXPECT_EQ(page.named("a_seconds_total")->kind, model::Kind::counter);
  EXPECT_EQ(page.named("i_info")->kind, model::Kind::gauge);
  EXPECT_EQ(page.named("st")->kind, model::Kind::state);
  EXPECT_EQ(page.named("g_bucket")->kind, model::Kind::gauge);  // a snapshot: never differenced
  EXPECT_EQ(page.named("u")->kind, model::Kind::gauge);
  EXPECT_EQ(page.named("v_total")->kind, model::Kind::counter);
}

TEST(PrometheusText, LimitsAreCountedAndTheRestIsKept) {
  std::string bomb = "a{";
  for (int i = 0; i < 10'000; ++i) bomb += "l" + std::to_string(i) + "=\"v\",";
  bomb += "} 1\nb{x=\"" + std::string(5000, 'x') + "\"} 1\n" + std::string(2000, 'n') + " 1\nc 2\n";
  const Page page(bomb);
  EXPECT_EQ(page.batch.refused.count(base::Reason::label_limit), 1u);
  EXPECT_EQ(page.batch.refused.count(base::Reason::oversize), 2u);
  EXPECT_EQ(page.value("c"), 2);
}

TEST(PrometheusText, BadLinesAreNamedAndNothingButBadLinesIsAnError) {
  const Page some("ok 1\nA100 MIG disabled\n-----\nx{a=\"1\",a=\"2\"} 1\ny{a=\"1} 2\nz\n");
  EXPECT_TRUE(some.status.ok());
  EXPECT_EQ(some.facts.bad_lines, 5u);
  EXPECT_TRUE(some.batch.refused.example().starts_with("malformed: line 2: "))
      << some.batch.refused.example();
  EXPECT_FALSE(Page("<html>\n<body>not found</body>\n</html>\n").status.ok());
  EXPECT_TRUE(Page("").status.ok());
}

TEST(PrometheusText, ASecondScrapeIsKnownAndAddsNoSeries) {
  const std::string text = Read("vllm-v0-opt125m.prom");
  Page page(text);
  const std::size_t series = page.batch.series.size(), samples = page.batch.samples.size(),
                    histograms = page.batch.histograms.size();
  page.batch.clear();
  ASSERT_TRUE(DecodePrometheusText(text, false, page.context, &page.batch).ok());
  EXPECT_GT(series, 0u);
  EXPECT_EQ(page.batch.series.size(), 0u);
  EXPECT_EQ(page.batch.samples.size(), samples);
  EXPECT_EQ(page.batch.histograms.size(), histograms);
}

TEST(PrometheusText, TheTargetIsPartOfTheSeries) {
  model::Namer namer{{}};
  model::Batch batch;
  const model::Attributes a{{"service.instance.id", "a:1"}}, b{{"service.instance.id", "b:1"}};
  Context context;
  context.namer = &namer;
  context.now_ns = kNow;
  context.origin = "demo";
  for (const model::Attributes* resource : {&a, &b}) {
    context.resource = resource;
    ASSERT_TRUE(DecodePrometheusText("up 1\n", false, context, &batch).ok());
  }
  ASSERT_EQ(batch.series.size(), 2u);
  EXPECT_EQ(batch.series[0].attributes.get("service.instance.id"), "a:1");
  EXPECT_EQ(batch.series[1].origin, "demo");
  EXPECT_NE(batch.samples.series[0], batch.samples.series[1]);
}

// ---- strict conformance
TEST(OpenMetrics, AgreesWithAllCasesOfTheSpecification) {
  std::map<std::string, std::string> metrics;
  std::map<std::string, bool> wanted;
  const base::Status status =
      base::ForEachInput(kGolden + "openmetrics_parser_cases.tar.gz", [&](base::InputFile file) {
        const std::size_t slash = file.name.rfind('/');
        const std::string path = file.name.substr(0, slash);
        if (file.name.substr(slash + 1) == "metrics") metrics[path] = file.bytes;
        if (file.name.substr(slash + 1) == "test.json")
          wanted[path] = base::ParseJson(file.bytes).value()["shouldParse"].as_bool();
        return base::Status();
      });
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(metrics.size(), 211u);
  std::size_t accepted = 0;
  for (const auto& [path, text] : metrics) {
    const base::Status verdict = CheckOpenMetrics(text);
    EXPECT_EQ(verdict.ok(), wanted.at(path)) << path << ": " << verdict.message();
    accepted += verdict.ok();
  }
  EXPECT_EQ(accepted, 44u);
}

// The lenient reader must take a number out of everything that conforms.
TEST(OpenMetrics, EveryConformingCaseIsReadWithoutABadLine) {
  ASSERT_TRUE(
      base::ForEachInput(kGolden + "openmetrics_parser_cases.tar.gz", [&](base::InputFile file) {
        if (!file.name.ends_with("/metrics") || !CheckOpenMetrics(file.bytes).ok())
          return base::Status();
        if (file.name.find("timestamps") != std::string::npos)
          return base::Status();  // times of 1970 are refused
        const Page page(file.bytes, true);
        EXPECT_EQ(page.facts.bad_lines, 0u) << file.name << ": " << page.batch.refused.example();
        return base::Status();
      }).ok());
}

}  // namespace
}  // namespace strata::wire
