// SPDX-License-Identifier: Apache-2.0
// The doors of `wire`: one function per protocol, bytes in, a batch out. All of them keep the good
// part of a damaged input, count the rest in batch->refused, allocate nothing per sample once a
// series is known, and never throw.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "model/batch.h"
#include "model/namer.h"

namespace strata::wire {

// What a decoder must know beside the bytes.
struct Context {
  model::Namer* namer = nullptr;
  std::int64_t now_ns = 0;  // time of the scrape or of receipt, for samples without their own
  std::int64_t max_ahead_ns =
      600'000'000'000;        // later than now + this: refused as future; <= 0: not checked
  std::int64_t shift_ns = 0;  // added to every time in the input (replay)
  bool keep_content = false;  // message content and process arguments
  bool trusted = false;       // strata.* attributes and records are accepted
  const model::Attributes* resource = nullptr;  // of a scrape target: service.instance.id, job, …
  std::string origin;  // forced origin ("" = from the input where trusted, else live)
};

// What a page of text held, for reports: sample lines that follow the format (also those whose
// value was dropped), lines that do not, and TYPE lines.
struct TextFacts {
  std::uint64_t lines = 0, samples = 0, bad_lines = 0, families = 0;
};
// Prometheus text 0.0.4 and OpenMetrics 1.0. `openmetrics` by content type, else by "# EOF" at the
// end. Not ok only when nothing at all could be read (strict OpenMetrics is in CheckOpenMetrics).
base::Status DecodePrometheusText(std::string_view text, bool openmetrics, const Context& context,
                                  model::Batch* batch, TextFacts* facts = nullptr);
// Strict OpenMetrics 1.0 conformance: ok or the first offence with its line.
base::Status CheckOpenMetrics(std::string_view text);

// OTLP export requests. JSON also takes the older "instrumentationLibrary*" names and one request
// or a bare resourceMetrics/resourceSpans/resourceLogs object.
base::Status DecodeOtlpMetrics(std::string_view protobuf, const Context& context,
                               model::Batch* batch);
base::Status DecodeOtlpTraces(std::string_view protobuf, const Context& context,
                              model::Batch* batch);
base::Status DecodeOtlpLogs(std::string_view protobuf, const Context& context, model::Batch* batch);
base::Status DecodeOtlpJson(std::string_view json, const Context& context,
                            model::Batch* batch);  // any of the three, or JSON lines

// Remote write, body already uncompressed. 1.0: prometheus.WriteRequest; 2.0:
// io.prometheus.write.v2.Request.
base::Status DecodeRemoteWrite1(std::string_view protobuf, const Context& context,
                                model::Batch* batch);
base::Status DecodeRemoteWrite2(std::string_view protobuf, const Context& context,
                                model::Batch* batch);

// ---- out: OTLP protobuf export requests of what a batch holds. Series must all be in `series_of`.
class OtlpEncoder {
 public:
  // `resource` is put on every resource (strata.agent, host.name); entity attributes of a series
  // become resource attributes where they form the entity's id.
  explicit OtlpEncoder(model::Attributes resource) : resource_(std::move(resource)) {}
  // Remembers series announced in a batch, so that later batches may refer to them.
  void remember(const model::Batch& batch);
  std::string Metrics(const model::Batch& batch) const;  // "" when there is nothing of the kind
  std::string Traces(const model::Batch& batch) const;
  std::string Logs(
      const model::Batch& batch) const;  // logs, events, holdings, collectives, source states

 private:
  model::Attributes resource_;
  std::unordered_map<std::uint64_t, model::Series> known_;
};

}  // namespace strata::wire
