// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <protozero/pbf_writer.hpp>

#include "base/file.h"
#include "wire/decode.h"

namespace strata::wire {
namespace {

using protozero::pbf_writer;

constexpr std::int64_t kNow = 1'780'000'000'000'000'000;
const std::string kGolden = std::string(STRATA_SOURCE_DIR) + "/tests/golden/wire/";

using Build = std::function<void(pbf_writer*)>;

void Sub(pbf_writer* to, std::uint32_t tag, const Build& build) {
  pbf_writer sub(*to, tag);
  build(&sub);
}
void Pair(pbf_writer* to, std::uint32_t tag, const std::string& key, const std::string& value) {
  Sub(to, tag, [&](pbf_writer* kv) {
    kv->add_string(1, key);
    Sub(kv, 2, [&](pbf_writer* any) { any->add_string(1, value); });
  });
}
// A request with one resource {service.name=svc} and one scope; `scoped` writes ScopeX's field 2.
std::string Request(const Build& scoped,
                    const model::Attributes& resource = {{"service.name", "svc"}}) {
  std::string bytes;
  pbf_writer request(bytes);
  Sub(&request, 1, [&](pbf_writer* group) {
    Sub(group, 2, [&](pbf_writer* scope) { scoped(scope); });
    Sub(group, 1, [&](pbf_writer* r) {  // behind what it describes: order must not matter
      for (const auto& [k, v] : resource) Pair(r, 1, k, v);
    });
  });
  return bytes;
}
std::string Metric(const std::string& name, std::uint32_t kind, const Build& data) {
  return Request([&](pbf_writer* scope) {
    Sub(scope, 2, [&](pbf_writer* metric) {
      metric->add_string(1, name);
      metric->add_string(3, "By");
      Sub(metric, kind, data);
    });
  });
}
void Number(pbf_writer* data, double value, std::uint64_t ts = kNow, std::uint64_t start = 0) {
  Sub(data, 1, [&](pbf_writer* point) {
    Pair(point, 7, "k", "v");
    if (start != 0) point->add_fixed64(2, start);
    point->add_fixed64(3, ts);
    point->add_double(4, value);
  });
}

struct Decoded {
  using Decoder = base::Status (*)(std::string_view, const Context&, model::Batch*);
  Decoded(Decoder decode, std::string_view bytes, bool trusted = false, bool keep_content = false) {
    context.namer = &namer;
    context.now_ns = kNow;
    context.trusted = trusted;
    context.keep_content = keep_content;
    status = decode(bytes, context, &batch);
  }
  std::uint64_t refused(base::Reason reason) const { return batch.refused.count(reason); }
  model::Namer namer{{}};
  Context context;
  model::Batch batch;
  base::Status status;
};

// ---- metrics
TEST(OtlpMetrics, GaugeSumAndTemporality) {
  const Decoded gauge(DecodeOtlpMetrics, Metric("g", 5, [](pbf_writer* d) { Number(d, 1.5); }));
  ASSERT_EQ(gauge.batch.samples.size(), 1u);
  EXPECT_EQ(gauge.batch.samples.value[0], 1.5);
  EXPECT_EQ(gauge.batch.series[0].kind, model::Kind::gauge);
  EXPECT_EQ(gauge.batch.series[0].unit, "By");
  EXPECT_EQ(gauge.batch.series[0].attributes,
            (model::Attributes{{"k", "v"}, {"service.name", "svc"}}));
  const auto sum = [](std::uint64_t temporality, bool monotonic) {
    return Metric("s", 7, [=](pbf_writer* d) {
      Number(d, 4, kNow, kNow - 1000);
      d->add_uint64(2, temporality);
      d->add_bool(3, monotonic);
    });
  };
  const Decoded cumulative(DecodeOtlpMetrics, sum(2, true));
  EXPECT_EQ(cumulative.batch.series[0].kind, model::Kind::counter);
  EXPECT_EQ(cumulative.batch.series[0].temporality, model::Temporality::cumulative);
  EXPECT_EQ(cumulative.batch.samples.start_ts[0], kNow - 1000);
  const Decoded delta(DecodeOtlpMetrics, sum(1, true));
  EXPECT_EQ(delta.batch.series[0].temporality, model::Temporality::delta);
  EXPECT_EQ(Decoded(DecodeOtlpMetrics, sum(2, false)).batch.series[0].kind, model::Kind::gauge);
  EXPECT_EQ(Decoded(DecodeOtlpMetrics, sum(1, false)).refused(base::Reason::unsupported), 1u);
}

TEST(OtlpMetrics, IntegersFlagsAndBadValues) {
  const Decoded d(
      DecodeOtlpMetrics, Metric("g", 5, [](pbf_writer* data) {
        Sub(data, 1,
            [](pbf_writer* p) { p->add_fixed64(3, kNow), p->add_sfixed64(6, (1LL << 53) + 1); });
        Sub(data, 1, [](pbf_writer* p) { p->add_fixed64(3, kNow), p->add_uint64(8, 1); });
        Number(data, std::nan(""));
        Number(data, 1, 0);
        Number(data, 1, kNow + 700'000'000'000ULL);
        Number(data, 1, ~0ULL);
        Sub(data, 1, [](pbf_writer* p) { p->add_fixed64(3, kNow); });
      }));
  ASSERT_EQ(d.batch.samples.size(), 2u);
  EXPECT_EQ(d.batch.samples.value[0], 9007199254740992.0);  // the nearest double
  EXPECT_TRUE(model::IsStale(d.batch.samples.value[1]));
  EXPECT_EQ(d.refused(base::Reason::not_a_number), 1u);
  EXPECT_EQ(d.refused(base::Reason::future), 1u);
  EXPECT_EQ(d.refused(base::Reason::malformed), 3u);
}

TEST(OtlpMetrics, Histograms) {
  const auto histogram = [](std::vector<std::uint64_t> counts, std::vector<double> bounds,
                            std::uint64_t count) {
    return Decoded(DecodeOtlpMetrics, Metric("h", 9, [&](pbf_writer* data) {
                     Sub(data, 1, [&](pbf_writer* p) {
                       p->add_fixed64(3, kNow);
                       p->add_fixed64(4, count);
                       p->add_double(5, 2.5);
                       p->add_packed_fixed64(6, counts.begin(), counts.end());
                       p->add_packed_double(7, bounds.begin(), bounds.end());
                     });
                     data->add_uint64(2, 2);
                   }));
  };
  const Decoded good = histogram({1, 2}, {0.5}, 3);
  ASSERT_EQ(good.batch.histograms.size(), 1u);
  EXPECT_EQ(good.batch.histograms[0].counts, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(good.batch.histograms[0].sum, 2.5);
  EXPECT_TRUE(std::isnan(good.batch.histograms[0].min));
  EXPECT_EQ(histogram({}, {}, 3).batch.histograms.size(), 1u);
  EXPECT_EQ(histogram({1, 2}, {0.5}, 4).refused(base::Reason::malformed), 1u);
  EXPECT_EQ(histogram({1, 2}, {0.5, 0.6}, 3).refused(base::Reason::malformed), 1u);
  EXPECT_EQ(histogram({1, 1, 1}, {0.6, 0.5}, 3).refused(base::Reason::malformed), 1u);
  EXPECT_EQ(histogram(std::vector<std::uint64_t>(20'000), std::vector<double>(19'999), 0)
                .refused(base::Reason::oversize),
            1u);
}

TEST(OtlpMetrics, SummaryBecomesQuantilesSumAndCount) {
  const Decoded d(
      DecodeOtlpMetrics, Metric("s", 11, [](pbf_writer* data) {
        Sub(data, 1, [](pbf_writer* p) {
          p->add_fixed64(3, kNow);
          p->add_fixed64(4, 7);
          p->add_double(5, 3.5);
          Sub(p, 6, [](pbf_writer* q) { q->add_double(1, 0.5), q->add_double(2, 0.25); });
          Sub(p, 6, [](pbf_writer* q) { q->add_double(1, 0.99), q->add_double(2, std::nan("")); });
        });
      }));
  ASSERT_EQ(d.batch.series.size(), 3u);
  EXPECT_EQ(d.batch.series[0].attributes.get("quantile"), "0.5");
  EXPECT_EQ(d.batch.series[1].signal, "s_sum");
  EXPECT_EQ(d.batch.series[2].signal, "s_count");
  EXPECT_EQ(d.batch.series[2].kind, model::Kind::counter);
  EXPECT_EQ(d.batch.samples.value, (std::vector<double>{0.25, 3.5, 7}));
}

TEST(OtlpMetrics, LimitsAndReservedWords) {
  const Decoded many(DecodeOtlpMetrics, Metric("g", 5, [](pbf_writer* data) {
                       Sub(data, 1, [](pbf_writer* p) {
                         for (int i = 0; i < 10'000; ++i) Pair(p, 7, "k" + std::to_string(i), "v");
                         p->add_fixed64(3, kNow), p->add_double(4, 1);
                       });
                       Sub(data, 1, [](pbf_writer* p) {
                         Pair(p, 7, "k", std::string(5000, 'x')), p->add_fixed64(3, kNow),
                             p->add_double(4, 1);
                       });
                       Number(data, 2);
                     }));
  EXPECT_EQ(many.refused(base::Reason::label_limit), 1u);
  EXPECT_EQ(many.refused(base::Reason::oversize), 1u);
  EXPECT_EQ(many.batch.samples.size(), 1u);
  const std::string reserved = Request(
      [](pbf_writer* scope) {
        Sub(scope, 2, [](pbf_writer* m) {
          m->add_string(1, "g"), Sub(m, 5, [](pbf_writer* d) { Number(d, 1); });
        });
      },
      {{"strata.origin", "demo"}, {"strata.agent", "a"}});
  const Decoded untrusted(DecodeOtlpMetrics, reserved);
  EXPECT_EQ(untrusted.batch.series[0].origin, "");
  EXPECT_EQ(untrusted.refused(base::Reason::reserved), 2u);
  EXPECT_EQ(Decoded(DecodeOtlpMetrics, reserved, true).batch.series[0].origin, "demo");
}

TEST(OtlpMetrics, KnownSeriesAreFoundByTheirBytes) {
  const std::string request = Metric("g", 5, [](pbf_writer* d) { Number(d, 1.5); });
  Decoded d(DecodeOtlpMetrics, request);
  ASSERT_TRUE(DecodeOtlpMetrics(request, d.context, &d.batch).ok());
  EXPECT_EQ(d.batch.series.size(), 1u);
  EXPECT_EQ(d.batch.samples.series[0], d.batch.samples.series[1]);
}

// ---- traces
std::string OneSpan(const Build& more) {
  return Request([&](pbf_writer* scope) {
    Sub(scope, 2, [&](pbf_writer* s) {
      s->add_string(1, std::string(15, '\1') + "\xAB");
      s->add_string(2, std::string(8, '\2'));
      s->add_string(5, "chat");
      s->add_uint64(6, 3);
      s->add_fixed64(7, kNow);
      s->add_fixed64(8, kNow + 5);
      more(s);
    });
  });
}

TEST(OtlpTraces, SpanAsTheCollectorsExporterSpellsIt) {
  const Decoded d(
      DecodeOtlpTraces, OneSpan([](pbf_writer* s) {
        Pair(s, 9, "gen_ai.request.model", "m");
        Sub(s, 11, [](pbf_writer* e) {
          e->add_fixed64(1, kNow), e->add_string(2, "first"), Pair(e, 3, "a", "b");
        });
        Sub(s, 13, [](pbf_writer* l) {
          l->add_string(1, std::string(16, '\3')), l->add_string(2, std::string(8, '\4'));
        });
        Sub(s, 15, [](pbf_writer* st) { st->add_string(2, "boom"), st->add_uint64(3, 2); });
      }));
  ASSERT_EQ(d.batch.spans.size(), 1u);
  const model::Span& span = d.batch.spans[0];
  EXPECT_EQ(span.trace_id, "010101010101010101010101010101ab");
  EXPECT_EQ(span.span_id, "0202020202020202");
  EXPECT_EQ(span.parent_span_id, "");
  EXPECT_EQ(span.kind, "Client");
  EXPECT_EQ(span.status, "Error");
  EXPECT_EQ(span.status_message, "boom");
  EXPECT_EQ(span.service, "svc");
  EXPECT_EQ(span.end_ns - span.start_ns, 5);
  ASSERT_EQ(span.events.size(), 1u);
  EXPECT_EQ(span.events[0].attributes.get("a"), "b");
  ASSERT_EQ(span.links.size(), 1u);
  EXPECT_EQ(span.links[0].span_id, "0404040404040404");
}

TEST(OtlpTraces, ContentIsRemovedAtTheDoorUnlessKept) {
  const std::string request = OneSpan([](pbf_writer* s) {
    for (const char* key :
         {"gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.prompt.0.content",
          "gen_ai.completion.0.content", "gen_ai.system_instructions",
          "llm.input_messages.0.message.content", "llm.output_messages.0.message.role",
          "llm.prompts", "traceloop.entity.input", "traceloop.entity.output", "input.value",
          "output.value", "process.command_args", "process.command_line"}) {
      Pair(s, 9, key, "secret");
    }
    Pair(s, 9, "db.statement", "select 1");
    Pair(s, 9, "gen_ai.usage.input_tokens", "5");
    Sub(s, 11,
        [](pbf_writer* e) { e->add_fixed64(1, kNow), Pair(e, 3, "gen_ai.prompt", "secret"); });
  });
  const Decoded removed(DecodeOtlpTraces, request);
  EXPECT_EQ(removed.batch.spans[0].attributes,
            (model::Attributes{{"db.statement", "select 1"}, {"gen_ai.usage.input_tokens", "5"}}));
  EXPECT_TRUE(removed.batch.spans[0].events[0].attributes.empty());
  EXPECT_EQ(removed.refused(base::Reason::content_removed), 15u);
  const Decoded kept(DecodeOtlpTraces, request, false, true);
  EXPECT_EQ(kept.batch.spans[0].attributes.size(), 16u);
  EXPECT_EQ(kept.refused(base::Reason::content_removed), 0u);
}

TEST(OtlpTraces, BadSpansAreCountedAndTheRestIsKept) {
  const std::string request = Request([](pbf_writer* scope) {
    const auto span = [&](const std::string& trace, std::uint64_t start, std::uint64_t end) {
      Sub(scope, 2, [&](pbf_writer* s) {
        s->add_string(1, trace), s->add_string(2, std::string(8, '\2')), s->add_fixed64(7, start),
            s->add_fixed64(8, end);
      });
    };
    span("", kNow, kNow);
    span(std::string(16, '\0'), kNow, kNow);
    span(std::string(7, '\1'), kNow, kNow);
    span(std::string(16, '\1'), kNow, kNow - 1);
    span(std::string(16, '\1'), 0, kNow);
    scope->add_message(2, std::string("\x0a\x7f", 2));  // says 127 bytes, has none
    span(std::string(16, '\1'), kNow, kNow + 1);
  });
  const Decoded d(DecodeOtlpTraces, request);
  EXPECT_TRUE(d.status.ok());
  EXPECT_EQ(d.batch.spans.size(), 1u);
  EXPECT_EQ(d.refused(base::Reason::unnamed), 2u);
  EXPECT_EQ(d.refused(base::Reason::malformed), 4u);
}

TEST(OtlpTraces, AttributesBeyondTheLimitsAreCut) {
  const Decoded d(DecodeOtlpTraces, OneSpan([](pbf_writer* s) {
                    Pair(s, 9, "long", std::string(5000, 'x'));
                    for (int i = 0; i < 100; ++i) Pair(s, 9, "k" + std::to_string(i), "v");
                  }));
  ASSERT_EQ(d.batch.spans.size(), 1u);
  EXPECT_EQ(d.batch.spans[0].attributes.size(), model::kMaxAttributes);
  EXPECT_EQ(d.batch.spans[0].attributes.get("long").size(), model::kMaxValueBytes);
  EXPECT_EQ(d.refused(base::Reason::label_limit), 37u);
  EXPECT_EQ(d.refused(base::Reason::oversize), 1u);
}

TEST(OtlpTraces, NestedValuesAreJsonAndHaveADepth) {
  const auto nested = [](int depth) {
    std::string any;
    pbf_writer(any).add_int64(3, 1);
    for (int i = 0; i < depth; ++i) {
      std::string list, outer;
      pbf_writer(list).add_message(1, any);
      pbf_writer(outer).add_message(5, list);
      any = outer;
    }
    return OneSpan([&](pbf_writer* s) {
      Sub(s, 9, [&](pbf_writer* kv) { kv->add_string(1, "deep"), kv->add_message(2, any); });
    });
  };
  EXPECT_EQ(Decoded(DecodeOtlpTraces, nested(3)).batch.spans[0].attributes.get("deep"), "[[[1]]]");
  const Decoded deep(DecodeOtlpTraces, nested(2000));
  EXPECT_FALSE(deep.batch.spans[0].attributes.has("deep"));
  EXPECT_EQ(deep.refused(base::Reason::oversize), 1u);
}

// ---- logs
std::string OneLog(const std::string& event, const std::string& body,
                   const model::Attributes& attributes, const model::Attributes& resource) {
  return Request(
      [&](pbf_writer* scope) {
        Sub(scope, 2, [&](pbf_writer* l) {
          l->add_fixed64(1, kNow);
          l->add_uint64(2, 13);
          if (!event.empty()) l->add_string(12, event);
          Sub(l, 5, [&](pbf_writer* any) { any->add_string(1, body); });
          for (const auto& [k, v] : attributes) Pair(l, 6, k, v);
        });
      },
      resource);
}

TEST(OtlpLogs, KnownEventsBecomeEvents) {
  const Decoded d(DecodeOtlpLogs, OneLog("gpu.fault.event", "Xid 79", {{"code", "79"}},
                                         {{"hw.id", "GPU-1"}, {"host.name", "n1"}}));
  ASSERT_EQ(d.batch.events.size(), 1u);
  const model::Event& event = d.batch.events[0];
  EXPECT_EQ(event.layer, "l1_gpu");
  EXPECT_EQ(event.message, "Xid 79");
  EXPECT_EQ(event.severity, "warning");
  EXPECT_EQ(event.attributes.get("code"), "79");
  EXPECT_EQ(event.attributes.get("host.name"), "n1");
  const Decoded old(DecodeOtlpLogs, OneLog("", "x", {{"event.name", "host.oom_kill"}}, {}));
  ASSERT_EQ(old.batch.events.size(), 1u);
  EXPECT_EQ(Decoded(DecodeOtlpLogs, OneLog("", "x", {}, {})).batch.logs.size(), 1u);
}

TEST(OtlpLogs, BodiesOfGenAiEventsAreContent) {
  const std::string request = OneLog("gen_ai.user.message", "secret", {}, {});
  const Decoded removed(DecodeOtlpLogs, request);
  ASSERT_EQ(removed.batch.logs.size(), 1u);
  EXPECT_EQ(removed.batch.logs[0].body, "");
  EXPECT_EQ(removed.refused(base::Reason::content_removed), 1u);
  EXPECT_EQ(Decoded(DecodeOtlpLogs, request, false, true).batch.logs[0].body, "secret");
}

TEST(OtlpLogs, ReservedRecordsNeedTrust) {
  const std::string request =
      OneLog("strata.holding", "",
             {{"gpu", "GPU-1"}, {"share", "0.5"}, {"valid_from", "1779999999000000000"}}, {});
  const Decoded untrusted(DecodeOtlpLogs, request);
  EXPECT_EQ(untrusted.refused(base::Reason::reserved), 1u);
  EXPECT_EQ(untrusted.batch.holdings.size() + untrusted.batch.logs.size(), 0u);
  const Decoded trusted(DecodeOtlpLogs, request, true);
  ASSERT_EQ(trusted.batch.holdings.size(), 1u);
  EXPECT_EQ(trusted.batch.holdings[0].share, 0.5);
  EXPECT_EQ(trusted.batch.holdings[0].valid_from, 1'779'999'999'000'000'000);
  EXPECT_EQ(Decoded(DecodeOtlpLogs,
                    OneLog("strata.holding", "", {{"share", "2"}, {"gpu", "g"}}, {}), true)
                .refused(base::Reason::malformed),
            1u);
  EXPECT_EQ(Decoded(DecodeOtlpLogs, OneLog("strata.else", "", {}, {}), true)
                .refused(base::Reason::unsupported),
            1u);
}

// ---- JSON
std::string Read(const std::string& name) {
  auto bytes = base::ReadFile(kGolden + name);
  EXPECT_TRUE(bytes.ok()) << name;
  return bytes.ok() ? *bytes : std::string();
}

TEST(OtlpJson, TheExamplesOfTheProtocol) {
  const Decoded metrics(DecodeOtlpJson, Read("metrics.json"));
  ASSERT_TRUE(metrics.status.ok()) << metrics.status.message();
  EXPECT_EQ(metrics.batch.refused.total(), 0u) << metrics.batch.refused.example();
  ASSERT_EQ(metrics.batch.samples.size(), 2u);
  EXPECT_EQ(metrics.batch.series[0].signal, "my.counter");
  EXPECT_EQ(metrics.batch.series[0].temporality, model::Temporality::delta);
  EXPECT_EQ(metrics.batch.series[0].attributes.get("otel.scope.name"), "my.library");
  ASSERT_EQ(metrics.batch.histograms.size(), 2u);
  EXPECT_EQ(metrics.batch.histograms[0].counts, (std::vector<std::uint64_t>{1, 1}));
  EXPECT_EQ(metrics.batch.histograms[0].max, 2);
  EXPECT_TRUE(metrics.batch.histograms[1].exponential);
  EXPECT_EQ(metrics.batch.histograms[1].positive_offset, 1);
  EXPECT_EQ(metrics.batch.histograms[1].counts, (std::vector<std::uint64_t>{0, 2}));
  EXPECT_EQ(metrics.batch.histograms[1].zero_count, 1u);
  const Decoded traces(DecodeOtlpJson, Read("trace.json"));
  ASSERT_EQ(traces.batch.spans.size(), 1u);
  EXPECT_EQ(traces.batch.spans[0].trace_id, "5b8efff798038103d269b633813fc60c");
  EXPECT_EQ(traces.batch.spans[0].kind, "Server");
  const Decoded logs(DecodeOtlpJson, Read("logs.json"));
  ASSERT_EQ(logs.batch.logs.size(), 1u);
  const model::LogRecord& log = logs.batch.logs[0];
  EXPECT_EQ(log.body, "Example log record");
  EXPECT_EQ(log.severity_number, 10);
  EXPECT_EQ(log.attributes.get("double.attribute"), "637.704");
  EXPECT_EQ(log.attributes.get("boolean.attribute"), "true");
  EXPECT_EQ(log.attributes.get("array.attribute"), R"(["many","values"])");
  EXPECT_EQ(log.attributes.get("map.attribute"), R"({"some.map.key":"some value"})");
}

TEST(OtlpJson, SpellingsThatPeopleSend) {
  const std::string span =
      R"("spanId":"eee19b7ec3c1b174","startTimeUnixNano":1770000000000000000,"endTimeUnixNano":"1770000000000000001")";
  for (
      const std::string& json :
      {std::string(
           R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","kind":"SPAN_KIND_CLIENT",)") +
           span + "}]}]}]}",
       std::string(
           R"({"resource_spans":[{"instrumentationLibrarySpans":[{"spans":[{"trace_id":"5b8efff798038103d269b633813fc60c","kind":3,)") +
           span + "}]}]}]}",
       std::string(
           R"([{"resource":{},"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","kind":"3",)") +
           span + "}]}]}]"}) {
    const Decoded d(DecodeOtlpJson, json);
    ASSERT_TRUE(d.status.ok()) << d.status.message() << json;
    ASSERT_EQ(d.batch.spans.size(), 1u) << json;
    EXPECT_EQ(d.batch.spans[0].kind, "Client");
    EXPECT_EQ(d.batch.spans[0].end_ns, 1'770'000'000'000'000'001);
  }
}

TEST(OtlpJson, OneBadRecordCostsOneRecord) {
  const std::string point = R"({"asInt":"7","timeUnixNano":"1770000000000000000"})";
  const Decoded d(
      DecodeOtlpJson,
      R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":[)" +
          point + R"(,{"asInt":"x"},{"asDouble":"NaN","timeUnixNano":"1770000000000000000"},5,)" +
          point + "]}}]}]}]}");
  EXPECT_TRUE(d.status.ok());
  EXPECT_EQ(d.batch.samples.size(), 2u);
  EXPECT_EQ(d.refused(base::Reason::malformed), 2u);
  EXPECT_EQ(d.refused(base::Reason::not_a_number), 1u);
}

TEST(OtlpJson, LinesAndWhatIsNoOtlp) {
  const std::string line =
      R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1770000000000000000","body":{"stringValue":"x"}}]}]}]})";
  const Decoded lines(DecodeOtlpJson, line + "\n\nnot json\n" + line + "\n");
  EXPECT_TRUE(lines.status.ok());
  EXPECT_EQ(lines.batch.logs.size(), 2u);
  EXPECT_EQ(lines.refused(base::Reason::malformed), 1u);
  for (const std::string& bad :
       {std::string("{"), std::string(""), std::string("5"), std::string(R"({"a":1})"),
        std::string("[[]]"), std::string(R"({"resourceSpans":5})"), std::string(100'000, '['),
        std::string("\xff\xfe")}) {
    EXPECT_FALSE(Decoded(DecodeOtlpJson, bad).status.ok()) << bad.substr(0, 40);
  }
  EXPECT_TRUE(Decoded(DecodeOtlpJson, "{}").status.ok());
}

}  // namespace
}  // namespace strata::wire
