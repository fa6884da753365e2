// SPDX-License-Identifier: Apache-2.0
#include "server/join.h"

#include <cmath>
#include <memory>
#include <set>

#include "l7_genai/l7_genai.h"

namespace strata::server {
namespace {

using store::Rows;

std::optional<double> Number(const Rows& rows, std::size_t row, std::string_view name) {
  const int column = rows.column(name);
  if (column < 0 || rows.is_null(row, column)) return std::nullopt;
  return rows.f64(row, column);
}

l7_genai::Call CallOf(const Rows& rows, std::size_t i) {
  const auto text = [&](std::string_view name) { return std::string(rows.text(i, name)); };
  l7_genai::Call c;
  c.ts = rows.i64(i, "ts");
  c.end_ts = rows.i64(i, "end_ts");
  c.trace_id = text("trace_id");
  c.span_id = text("span_id");
  c.parent_span_id = text("parent_span_id");
  c.kind = text("kind");
  c.response_id = text("response_id");
  c.engine = text("engine");
  c.server_address = text("server_address");
  c.server_port = text("server_port");
  c.model = text("model");
  c.tenant = text("tenant");
  c.team = text("team");
  c.service = text("service");
  c.status = text("status");
  c.finish_reason = text("finish_reason");
  c.operation = text("operation");
  c.provider = text("provider");
  c.input_tokens = Number(rows, i, "input_tokens");
  c.cached_tokens = Number(rows, i, "cached_tokens");
  c.output_tokens = Number(rows, i, "output_tokens");
  c.reasoning_tokens = Number(rows, i, "reasoning_tokens");
  c.ttft_s = Number(rows, i, "ttft_s");
  c.queue_s = Number(rows, i, "queue_s");
  c.prefill_s = Number(rows, i, "prefill_s");
  c.decode_s = Number(rows, i, "decode_s");
  c.e2e_s = Number(rows, i, "e2e_s");
  c.stream = rows.u64(i, "stream") != 0;
  c.error_type = text("error_type");
  c.token_source = text("token_source");
  c.attributes = rows.attributes(i, "attributes");
  c.origin = text("origin") == "live" ? "" : text("origin");
  return c;
}

double Or(const std::optional<double>& v) { return v ? *v : std::nan(""); }

// The class of a whole request and whether its tokens were useful; NaN where nothing can tell.
void Judge(const std::vector<l8_cost::SloRule>& slos, bool truncated_is_waste,
           minutes::RequestRow* r) {
  l8_cost::CallFacts c;
  c.model = r->model;
  c.tenant = r->tenant;
  c.start_ns = r->ts;
  c.ttft_s = r->ttft_s;
  c.tpot_s = r->tpot_s;
  c.e2e_s = r->e2e_s;
  const l8_cost::SloVerdict verdict = l8_cost::JudgeSlo(slos, c);
  if (r->status != "ok") {
    r->class_ = r->status;
    r->useful = 0;
  } else if (verdict == l8_cost::SloVerdict::missed) {
    r->class_ = std::string(l8_cost::kSloMiss);
    r->useful = 0;
  } else if (truncated_is_waste && r->finish_reason == "length") {
    r->class_ = std::string(l8_cost::kTruncated);
    r->useful = 0;
  } else {
    r->class_ = std::string(l8_cost::kUseful);
    r->useful = verdict == l8_cost::SloVerdict::met || slos.empty() ? 1 : std::nan("");
  }
}

}  // namespace

minutes::JoinCalls MakeJoin(std::function<std::vector<std::string>(const std::string&)> engines,
                            std::vector<l8_cost::SloRule> slos, bool truncated_is_waste) {
  // Services that were seen to report how answers end: one of theirs without was cut off.
  auto reports_end = std::make_shared<std::set<std::string>>();
  return [engines = std::move(engines), slos = std::move(slos), truncated_is_waste, reports_end](
             const Rows& rows, const std::string& origin) {
    std::vector<l7_genai::Call> calls;
    calls.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) calls.push_back(CallOf(rows, i));
    const std::vector<std::string> known = engines(origin);
    l7_genai::JoinOptions options;
    options.known_engines = known;
    for (const l7_genai::Call& c : calls) {
      if (l7_genai::ReportsEnd(c) && reports_end->size() < 10'000)
        reports_end->insert(l7_genai::ServiceKey(c));
    }
    const std::vector<std::string> services(reports_end->begin(), reports_end->end());
    options.reports_end = services;
    std::vector<minutes::RequestRow> out;
    for (l7_genai::Request& q : l7_genai::JoinCalls(calls, options)) {
      minutes::RequestRow r;
      r.ts = q.ts;
      r.end_ts = q.end_ts;
      r.trace_id = std::move(q.trace_id);
      r.span_id = std::move(q.span_id);
      r.response_id = std::move(q.response_id);
      r.engine = std::move(q.engine);
      r.node = std::move(q.node);
      r.ns = std::move(q.ns);
      r.model = std::move(q.model);
      r.tenant = std::move(q.tenant);
      r.team = std::move(q.team);
      r.service = std::move(q.service);
      r.operation = std::move(q.operation);
      r.provider = std::move(q.provider);
      r.status = std::move(q.status);
      r.finish_reason = std::move(q.finish_reason);
      r.error_type = std::move(q.error_type);
      r.input_tokens = Or(q.input_tokens);
      r.cached_tokens = Or(q.cached_tokens);
      r.output_tokens = Or(q.output_tokens);
      r.reasoning_tokens = Or(q.reasoning_tokens);
      r.queue_s = Or(q.queue_s);
      r.prefill_s = Or(q.prefill_s);
      r.decode_s = Or(q.decode_s);
      r.ttft_s = Or(q.ttft_s);
      r.tpot_s = Or(q.tpot_s);
      r.e2e_s = Or(q.e2e_s);
      r.stream = q.stream;
      r.retry_of = std::move(q.retry_of);
      r.token_source = std::move(q.token_source);
      Judge(slos, truncated_is_waste, &r);
      out.push_back(std::move(r));
    }
    return out;
  };
}

}  // namespace strata::server
