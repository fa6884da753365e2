// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "base/file.h"
#include "wire/decode.h"

namespace strata::wire {
namespace {

constexpr std::int64_t kNow = 1'780'000'000'000'000'000;
const std::string kGolden = std::string(STRATA_SOURCE_DIR) + "/tests/golden/wire/";

// A layer of two signals, enough to be named by id.
constexpr std::array<model::Signal, 2> kSignals{{{.id = "gpu.power.draw",
                                                  .unit = "W",
                                                  .kind = model::Kind::gauge,
                                                  .entity = "gpu",
                                                  .otel = "",
                                                  .meaning = ""},
                                                 {.id = "gpu.energy",
                                                  .unit = "J",
                                                  .kind = model::Kind::counter,
                                                  .entity = "gpu",
                                                  .otel = "",
                                                  .meaning = ""}}};
constexpr model::Catalog kCatalog{
    .layer = "l1_gpu", .title = "GPU", .question = "", .signals = kSignals};
constexpr const model::Catalog* kCatalogs[] = {&kCatalog};

std::string Hexed(double value) {
  std::ostringstream out;
  if (model::IsStale(value)) return "stale";
  if (std::isnan(value)) return "not told";
  out.precision(17);
  out << value;
  return out.str();
}

// Everything a batch holds as sorted lines, so that order does not matter and a difference can be
// read.
std::string Dump(const model::Batch& batch, const std::vector<model::Series>& known) {
  std::vector<std::string> lines;
  const auto line = [&](auto&&... parts) {
    std::ostringstream out;
    ((out << parts << ' '), ...);
    lines.push_back(out.str());
    lines.back().pop_back();
  };
  const auto name = [&](model::SeriesId id) -> std::string {
    for (const model::Series& s : known) {
      if (s.id == id) {
        return s.layer + " " + s.signal + " [" + s.unit + "] kind " +
               std::to_string(static_cast<int>(s.kind)) + " temporality " +
               std::to_string(static_cast<int>(s.temporality)) + " " + s.entity_type + "=" +
               s.entity + " " + s.attributes.text() + " from " + s.source + " origin '" + s.origin +
               "'";
      }
    }
    return "unknown series";
  };
  const model::Samples& s = batch.samples;
  for (std::size_t i = 0; i < s.size(); ++i)
    line("sample", name(s.series[i]), "ts", s.ts[i], "start", s.start_ts[i], "=",
         Hexed(s.value[i]));
  for (const model::Histogram& h : batch.histograms) {
    std::ostringstream buckets;
    for (const double b : h.bounds) buckets << b << ",";
    buckets << "/";
    for (const std::uint64_t n : h.counts) buckets << n << ",";
    buckets << "/";
    for (const std::uint64_t n : h.negative_counts) buckets << n << ",";
    line("histogram", name(h.series), "ts", h.ts, "start", h.start_ts, "count", h.count, "sum",
         Hexed(h.sum), "min", Hexed(h.min), "max", Hexed(h.max), buckets.str(), h.exponential,
         h.scale, h.positive_offset, h.negative_offset, h.zero_count);
  }
  for (const model::Event& e : batch.events) {
    line("event", e.ts, e.layer, e.event, e.entity_type + "=" + e.entity, e.severity,
         "'" + e.message + "'", e.attributes.text(), e.source, e.origin);
  }
  for (const model::Holding& h : batch.holdings) {
    line("holding", h.gpu, h.node, h.ns, h.pod, h.container, h.workload_kind, h.workload, h.team,
         h.queue, h.job, h.engine, h.cluster, h.user, h.account, h.partition, h.share_kind, h.share,
         h.memory_bytes, h.source, h.valid_from, h.valid_to, h.origin);
  }
  for (const model::Collective& c : batch.collectives) {
    line("collective", c.communicator, c.seq, c.operation, c.bytes, c.rank, c.nranks, c.gpu, c.node,
         c.start_ns, Hexed(c.duration_s), Hexed(c.algbw), Hexed(c.busbw), c.algorithm, c.protocol,
         c.done ? "done" : "open", c.origin);
  }
  for (const model::SourceState& state : batch.sources) {
    line("source", state.name, state.layer, state.state, "'" + state.detail + "'", state.last_ns,
         state.origin);
  }
  for (const model::Entity& e : batch.entities)
    line("entity", e.type, e.id, e.name, e.attributes.text(), e.seen_ns, e.origin);
  for (const model::Span& span : batch.spans) {
    line("span", span.trace_id, span.span_id, span.parent_span_id, span.name, span.kind,
         span.start_ns, span.end_ns, span.status, span.status_message, span.service,
         span.scope_name, span.resource.text(), span.attributes.text(), span.events.size(),
         span.events.empty() ? "" : span.events[0].attributes.text(), span.links.size(),
         span.origin);
  }
  for (const model::LogRecord& log : batch.logs) {
    line("log", log.ts, log.trace_id, log.span_id, log.severity_text, int{log.severity_number},
         log.service, log.body, log.event_name, log.scope_name, log.resource.text(),
         log.scope.text(), log.attributes.text(), log.origin);
  }
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const std::string& text : lines) out += text + "\n";
  return out;
}

struct Reader {
  model::Namer namer{kCatalogs};
  model::Batch batch;
  Context context() {
    Context c;
    c.namer = &namer;
    c.now_ns = kNow;
    c.trusted = true;
    return c;
  }
};

void Decode(const OtlpEncoder& encoder, const model::Batch& batch, Reader* to) {
  const Context context = to->context();
  ASSERT_TRUE(DecodeOtlpMetrics(encoder.Metrics(batch), context, &to->batch).ok());
  ASSERT_TRUE(DecodeOtlpTraces(encoder.Traces(batch), context, &to->batch).ok());
  ASSERT_TRUE(DecodeOtlpLogs(encoder.Logs(batch), context, &to->batch).ok());
  EXPECT_EQ(to->batch.refused.total(), 0u) << to->batch.refused.example();
}

// ---- golden files: OTLP/JSON in, text out; the same again after our own encoder
class Golden : public testing::TestWithParam<const char*> {};

TEST_P(Golden, IsReadAsWrittenAndSurvivesTheEncoder) {
  const std::string path = kGolden + GetParam();
  const auto json = base::ReadFile(path + ".json");
  ASSERT_TRUE(json.ok());
  Reader first;
  ASSERT_TRUE(DecodeOtlpJson(*json, first.context(), &first.batch).ok());
  EXPECT_EQ(first.batch.refused.total(), 0u) << first.batch.refused.example();
  const std::string got = Dump(first.batch, first.batch.series);
  if (std::getenv("STRATA_GOLDEN") != nullptr) {
    ASSERT_TRUE(base::WriteFile(path + ".want", got).ok());
  }
  const auto want = base::ReadFile(path + ".want");
  ASSERT_TRUE(want.ok());
  EXPECT_EQ(got, *want);

  const OtlpEncoder encoder(model::Attributes{{"strata.agent", "node-1"}});
  Reader second;
  Decode(encoder, first.batch, &second);
  EXPECT_EQ(Dump(second.batch, second.batch.series), got);
}

INSTANTIATE_TEST_SUITE_P(Wire, Golden,
                         testing::Values("agent-metrics", "agent-event", "agent-holding",
                                         "agent-collective", "agent-source", "agent-entity"));

// ---- round trips of batches made here
TEST(OtlpEncoder, MetricsComeBackAsTheyWere) {
  Reader made;
  const std::string page =
      "# TYPE a_total counter\na_total{x=\"1\"} 5\n# TYPE a_created gauge\na_created{x=\"1\"} "
      "1.7e9\n"
      "# TYPE h histogram\nh_bucket{le=\"0.1\",m=\"q\"} 1\nh_bucket{le=\"+Inf\",m=\"q\"} "
      "3\nh_sum{m=\"q\"} 0.7\nh_count{m=\"q\"} 3\n"
      "# TYPE st stateset\nst{st=\"on\"} 1\n{\"gpu.power.draw\",\"hw.id\"=\"GPU-1\"} 301.5\n";
  const model::Attributes target{{"service.instance.id", "n:1"}, {"job", "j"}};
  Context context = made.context();
  context.resource = &target;
  ASSERT_TRUE(DecodePrometheusText(page, true, context, &made.batch).ok());
  made.batch.samples.push(made.batch.series[0].id, kNow, 0, model::StaleNan());
  model::Histogram exponential;
  for (const model::Series& s : made.batch.series) {
    if (s.kind == model::Kind::histogram) exponential.series = s.id;
  }
  exponential.ts = kNow;
  exponential.exponential = true;
  exponential.scale = -3;
  exponential.positive_offset = -2;
  exponential.counts = {1, 0, 2};
  exponential.negative_counts = {4};
  exponential.zero_count = 1;
  exponential.count = 8;
  exponential.sum = std::nan("");
  exponential.min = -5;
  exponential.max = 5;
  made.batch.histograms.push_back(exponential);
  EXPECT_EQ(made.batch.samples.size(), 4u);
  EXPECT_EQ(made.batch.histograms.size(), 2u);
  Reader back;
  Decode(OtlpEncoder({}), made.batch, &back);
  EXPECT_EQ(Dump(back.batch, back.batch.series), Dump(made.batch, made.batch.series));
  for (const model::Series& s : back.batch.series) EXPECT_EQ(s.id, model::MakeSeriesId(s));
  const auto ids = [](const model::Batch& batch) {
    std::vector<model::SeriesId> list;
    for (const model::Series& s : batch.series) {
      if (s.kind != model::Kind::event) list.push_back(s.id);
    }
    std::sort(list.begin(), list.end());
    return list;
  };
  EXPECT_EQ(ids(back.batch), ids(made.batch));  // a series keeps its id over the wire
}

TEST(OtlpEncoder, ARateOfACountedSignalStaysAGauge) {
  Reader made;
  const model::Attributes gpu{{"hw.id", "GPU-1"}};
  model::RawMetric raw;
  raw.name = "gpu.energy";
  raw.unit = "J/s";
  raw.attributes = &gpu;
  raw.source = "somewhere";
  made.batch.samples.push(made.namer.Resolve(1, raw, &made.batch.refused).at(0).series, kNow, 0, 5);
  made.namer.take_fresh(&made.batch.series);
  Reader back;
  Decode(OtlpEncoder({}), made.batch, &back);
  ASSERT_EQ(back.batch.series.size(), 1u);
  EXPECT_EQ(back.batch.series[0].kind, model::Kind::gauge);
  EXPECT_EQ(back.batch.series[0].unit, "J/s");
  EXPECT_EQ(back.batch.series[0].id, made.batch.series[0].id);
}

TEST(OtlpEncoder, RemembersSeriesAndDropsUnknownOnesCounted) {
  Reader made;
  ASSERT_TRUE(DecodePrometheusText("a 1\n", false, made.context(), &made.batch).ok());
  OtlpEncoder encoder({});
  encoder.remember(made.batch);
  const std::vector<model::Series> series = made.batch.series;
  made.batch.clear();
  ASSERT_TRUE(DecodePrometheusText("a 2\n", false, made.context(), &made.batch).ok());
  made.batch.samples.push(model::SeriesId{42}, kNow, 0, 1);
  const auto dropped = [] {
    for (const base::DropFact& fact : base::Drops()) {
      if (fact.reason == base::Reason::unnamed) return fact.count;
    }
    return std::uint64_t{0};
  };
  const std::uint64_t before = dropped();
  Reader back;
  Decode(encoder, made.batch, &back);
  ASSERT_EQ(back.batch.samples.size(), 1u);
  EXPECT_EQ(back.batch.samples.value[0], 2);
  EXPECT_EQ(dropped(), before + 1);
  EXPECT_EQ(encoder.Metrics(model::Batch{}), "");
  EXPECT_EQ(encoder.Logs(model::Batch{}), "");
}

TEST(OtlpEncoder, SpansAndLogsComeBackAsTheyWere) {
  Reader made;
  model::Span span;
  span.trace_id = "000102030405060708090a0b0c0d0eff";
  span.span_id = "1122334455667788";
  span.parent_span_id = "aabbccddeeff0011";
  span.name = "chat";
  span.kind = "Server";
  span.start_ns = kNow - 10;
  span.end_ns = kNow;
  span.status = "Ok";
  span.service = "app";
  span.scope_name = "lib";
  span.resource = {{"service.name", "app"}};
  span.attributes = {{"a", "b"}};
  span.events = {{kNow - 5, "first", {{"x", "y"}}}};
  span.links = {{"000102030405060708090a0b0c0d0e00", "1122334455667700", {}}};
  made.batch.spans.push_back(span);
  span.span_id = "1122334455667789";
  span.origin = "demo";
  made.batch.spans.push_back(span);
  model::LogRecord log;
  log.ts = kNow;
  log.trace_id = span.trace_id;
  log.span_id = span.span_id;
  log.severity_text = "WARN";
  log.severity_number = 13;
  log.service = "app";
  log.body = "text";
  log.event_name = "something";
  log.scope_name = "lib";
  log.scope = {{"s", "t"}};
  log.resource = {{"service.name", "app"}};
  log.attributes = {{"k", "v"}};
  made.batch.logs.push_back(log);
  Reader back;
  Decode(OtlpEncoder(model::Attributes{{"strata.agent", "n"}}), made.batch, &back);
  EXPECT_EQ(Dump(back.batch, {}), Dump(made.batch, {}));
}

}  // namespace
}  // namespace strata::wire
