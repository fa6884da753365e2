// SPDX-License-Identifier: Apache-2.0
// The decoders on one core, series already known: what a server does all day. Goals: text >= 300
// MB/s, OTLP gauge points >= 2 M/s, remote write >= 5 M samples/s. `fresh` cases name every series
// anew.
#include <benchmark/benchmark.h>

#include <protozero/pbf_writer.hpp>
#include <string>

#include "base/file.h"
#include "wire/decode.h"

namespace {

using protozero::pbf_writer;
using namespace strata;

constexpr std::int64_t kNow = 1'780'000'000'000'000'000;
constexpr int kPoints = 1000;

using Decoder = base::Status (*)(std::string_view, const wire::Context&, model::Batch*);

base::Status Text(std::string_view text, const wire::Context& context, model::Batch* batch) {
  return wire::DecodePrometheusText(text, false, context, batch);
}

void Run(benchmark::State& state, Decoder decode, const std::string& input, bool fresh = false) {
  model::Namer namer{{}};
  model::Batch batch;
  wire::Context context;
  context.namer = &namer;
  context.now_ns = kNow;
  std::size_t numbers = 0;
  for (auto _ : state) {
    batch.clear();
    if (fresh) namer.forget();
    if (!decode(input, context, &batch).ok() || !batch.refused.empty()) {
      return state.SkipWithError(batch.refused.example().c_str());
    }
    numbers = batch.samples.size() + batch.histograms.size() + batch.spans.size();
    benchmark::DoNotOptimize(batch.samples.value.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * input.size()));
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * numbers));
}

std::string Recorded(const std::string& name) {
  std::string bytes;
  const base::Status status =
      base::ForEachInput(std::string(STRATA_SOURCE_DIR) + "/tests/golden/exposition/" + name,
                         [&](base::InputFile file) {
                           bytes = std::move(file.bytes);
                           return base::Status();
                         });
  return status.ok() ? bytes : std::string();
}

void Pair(pbf_writer* to, std::uint32_t tag, const std::string& key, const std::string& value) {
  pbf_writer kv(*to, tag);
  kv.add_string(1, key);
  pbf_writer any(kv, 2);
  any.add_string(1, value);
}

// 1000 gauge points of four attributes, about 166 bytes each.
std::string OtlpGauges() {
  std::string bytes;
  pbf_writer request(bytes);
  pbf_writer group(request, 1);
  {
    pbf_writer resource(group, 1);
    Pair(&resource, 1, "service.name", "vllm");
    Pair(&resource, 1, "host.name", "gpu-node-1");
  }
  pbf_writer scope(group, 2);
  pbf_writer metric(scope, 2);
  metric.add_string(1, "some.gauge");
  pbf_writer gauge(metric, 5);
  for (int i = 0; i < kPoints; ++i) {
    pbf_writer point(gauge, 1);
    Pair(&point, 7, "hw.id", "GPU-" + std::to_string(10'000'000 + i));
    Pair(&point, 7, "k8s.pod.name", "decode-worker-abcde");
    Pair(&point, 7, "host.name", "gpu-node-1.rack");
    Pair(&point, 7, "model", "llama-3.1-8b-inst");
    point.add_fixed64(2, kNow - 1000);
    point.add_fixed64(3, kNow);
    point.add_double(4, i * 1.5);
  }
  return bytes;
}

void AddSample(pbf_writer* series, double value) {
  pbf_writer sample(*series, 2);
  sample.add_double(1, value);
  sample.add_int64(2, kNow / 1'000'000);
}

std::vector<std::pair<std::string, std::string>> LabelsOf(int i) {
  return {{"__name__", "node_cpu_seconds_total"},
          {"cpu", std::to_string(i)},
          {"instance", "10.0.0.1:9100"},
          {"job", "node"},
          {"mode", "idle"}};
}

std::string RemoteWrite1() {
  std::string bytes;
  pbf_writer request(bytes);
  for (int i = 0; i < kPoints; ++i) {
    pbf_writer series(request, 1);
    for (const auto& [name, value] : LabelsOf(i)) {
      pbf_writer label(series, 1);
      label.add_string(1, name);
      label.add_string(2, value);
    }
    AddSample(&series, i);
  }
  return bytes;
}

std::string RemoteWrite2() {
  std::string bytes;
  pbf_writer request(bytes);
  std::vector<std::string> symbols{""};
  for (int i = 0; i < kPoints; ++i) {
    std::vector<std::uint32_t> refs;
    for (const auto& [name, value] : LabelsOf(i)) {
      for (const std::string& text : {name, value}) {
        std::size_t at = 0;
        while (at < symbols.size() && symbols[at] != text) ++at;
        if (at == symbols.size()) symbols.push_back(text);
        refs.push_back(static_cast<std::uint32_t>(at));
      }
    }
    pbf_writer series(request, 5);
    series.add_packed_uint32(1, refs.begin(), refs.end());
    AddSample(&series, i);
  }
  for (const std::string& symbol : symbols) request.add_string(4, symbol);
  return bytes;
}

std::string Spans() {
  std::string bytes;
  pbf_writer request(bytes);
  pbf_writer group(request, 1);
  pbf_writer scope(group, 2);
  for (int i = 0; i < kPoints; ++i) {
    pbf_writer span(scope, 2);
    span.add_string(1, std::string(15, 't') + static_cast<char>(i));
    span.add_string(2, std::string(7, 's') + static_cast<char>(i | 1));
    span.add_string(5, "chat llama");
    span.add_fixed64(7, kNow - 1000);
    span.add_fixed64(8, kNow);
    for (int k = 0; k < 12; ++k)
      Pair(&span, 9, "gen_ai.attribute." + std::to_string(k), "some value");
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  const auto add = [](const char* name, Decoder decode, std::string input, bool fresh = false) {
    benchmark::RegisterBenchmark(
        name, [=](benchmark::State& state) { Run(state, decode, input, fresh); });
  };
  add("text/dcgm", Text, Recorded("kops-cluster.prom"));
  add("text/sglang_histograms", Text, Recorded("sglang-llama3.1-8b-loaded.prom"));
  add("text/vllm_v1_created", Text, Recorded("vllm-v1-qwen2.5-0.5b-idle.prom"));
  add("text/tgi_buckets", Text, Recorded("tgi.prom"));
  add("text/alltypes", Text, Recorded("exposition-alltypes-237-families.prom.gz"));
  add("text/alltypes_fresh", Text, Recorded("exposition-alltypes-237-families.prom.gz"), true);
  add("otlp/gauges", wire::DecodeOtlpMetrics, OtlpGauges());
  add("otlp/gauges_fresh", wire::DecodeOtlpMetrics, OtlpGauges(), true);
  add("otlp/spans", wire::DecodeOtlpTraces, Spans());
  add("remote_write/v1", wire::DecodeRemoteWrite1, RemoteWrite1());
  add("remote_write/v2", wire::DecodeRemoteWrite2, RemoteWrite2());
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
