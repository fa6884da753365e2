// SPDX-License-Identifier: Apache-2.0
// Answers read from the store row by row: entities, findings, requests, traces; and cost and why,
// which jobs computes.
#include <cmath>

#include "diagnose/causes.h"
#include "model/catalog.h"
#include "server/api.h"
#include "server/jobs.h"

namespace strata::server {
namespace {

using base::Json;
using base::Result;
using store::Rows;

// "live", a world's name, or every origin for "all".
constexpr std::string_view kOriginIs = "({origin:String} = 'all' OR origin = {origin:String})";

std::string Int(std::int64_t v) { return std::to_string(v); }

Json AttributesJson(const model::Attributes& attributes) {
  Json j = Json::MakeObject();
  for (const auto& [k, v] : attributes) j.set(k, v);
  return j;
}

// A column by its type: time, number or text.
Json Cell(const Rows& rows, std::size_t row, int column) {
  if (rows.is_null(row, column)) return Json();
  const std::string& type = rows.types()[static_cast<std::size_t>(column)];
  if (type.find("DateTime") != std::string::npos) return base::FormatTime(rows.i64(row, column));
  if (type.find("Map") != std::string::npos) return AttributesJson(rows.attributes(row, column));
  if (type.find("Float") != std::string::npos) return rows.f64(row, column);
  if (type.find("Int") != std::string::npos) return rows.i64(row, column);
  return rows.text(row, column);
}

Json RowJson(const Rows& rows, std::size_t row, std::initializer_list<std::string_view> skip = {}) {
  Json j = Json::MakeObject();
  for (std::size_t c = 0; c < rows.columns(); ++c) {
    const std::string& name = rows.names()[c];
    bool skipped = false;
    for (const std::string_view s : skip) skipped = skipped || s == name;
    if (!skipped) j.set(name, Cell(rows, row, static_cast<int>(c)));
  }
  return j;
}

// "healthy" about something that does not exist would be a false answer.
base::Status KnownSymptom(std::string_view symptom) {
  std::string known;
  for (const diagnose::Symptom& one : diagnose::symptoms()) {
    if (symptom.empty() || one.id == symptom || one.id.starts_with(std::string(symptom) + "_"))
      return {};
    known += (known.empty() ? "" : ", ") + std::string(one.id);
  }
  return base::Invalid("\"" + std::string(symptom) + "\" is no symptom; use one of " + known);
}

}  // namespace

Result<EntityName> FindEntity(const Services& s, std::string_view text, std::string_view origin) {
  EntityName name{{}, std::string(text)};
  for (const model::EntityType& known : model::entity_types()) {
    if (text.size() > known.type.size() && text.starts_with(known.type) &&
        text[known.type.size()] == ':') {
      name = {std::string(known.type), std::string(text.substr(known.type.size() + 1))};
    }
  }
  ASSIGN_OR_RETURN(
      const Rows rows,
      s.store.Query("SELECT DISTINCT type FROM entities WHERE " + std::string(kOriginIs) +
                        " AND ((id = {id:String} AND (type = {type:String} OR {type:String} = '')) "
                        "OR (id = {parent:String} AND id != {id:String}))",
                    {{"origin", std::string(origin)},
                     {"id", name.id},
                     {"type", name.type},
                     {"parent", name.id.substr(0, name.id.rfind('/'))}}));
  if (rows.size() == 0) {
    return base::NotFound("no entity \"" + std::string(text) + "\" of the origin " +
                          std::string(origin) + "; /api/v1/entities?origin=" + std::string(origin) +
                          " lists them (write TYPE:ID)");
  }
  if (!name.type.empty()) return name;
  if (rows.size() > 1) {
    return base::Invalid(
        "\"" + std::string(text) +
        "\" names several entities: write TYPE:ID, e.g. node:" + std::string(text));
  }
  name.type = rows.text(0, 0);
  return name;
}

Result<Json> EntitiesAnswer(const Services& s, std::string_view type, std::string_view origin) {
  std::string sql =
      "SELECT type, id, name, attributes, valid_from, valid_to, origin FROM entities WHERE "
      "valid_to IS NULL AND " +
      std::string(kOriginIs);
  if (!type.empty()) sql += " AND type = {type:String}";
  sql += " ORDER BY type, id LIMIT 10000";
  ASSIGN_OR_RETURN(const Rows rows, s.store.Query(sql, {{"origin", std::string(origin)},
                                                        {"type", std::string(type)}}));
  Json entities = Json::MakeArray();
  for (std::size_t i = 0; i < rows.size(); ++i) entities.push(RowJson(rows, i));
  Json j;
  j.set("entities", std::move(entities));
  return j;
}

Result<Json> FindingsAnswer(const Services& s, std::int64_t from, std::int64_t to,
                            std::string_view origin) {
  ASSIGN_OR_RETURN(
      const Rows rows,
      s.store.Query(
          "SELECT * FROM findings WHERE opened < fromUnixTimestamp64Nano({to:Int64}, 'UTC') AND "
          "(closed IS NULL OR closed >= fromUnixTimestamp64Nano({from:Int64}, 'UTC')) AND " +
              std::string(kOriginIs) + " ORDER BY opened DESC LIMIT 500",
          {{"from", Int(from)}, {"to", Int(to)}, {"origin", std::string(origin)}}));
  Json findings = Json::MakeArray();
  const int evidence = rows.column("evidence");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Json f = RowJson(rows, i, {"version", "received"});
    if (evidence >= 0) {
      auto parsed = base::ParseJson(rows.text(i, evidence));
      if (parsed.ok()) f.set("evidence", std::move(*parsed));
    }
    findings.push(std::move(f));
  }
  Json j;
  j.set("from", base::FormatTime(from))
      .set("to", base::FormatTime(to))
      .set("findings", std::move(findings));
  return j;
}

Result<Json> RequestsAnswer(const Services& s, std::int64_t from, std::int64_t to,
                            const RequestFilter& filter, std::string_view origin) {
  std::string where =
      "ts >= fromUnixTimestamp64Nano({from:Int64}, 'UTC') AND ts < "
      "fromUnixTimestamp64Nano({to:Int64}, 'UTC') AND " +
      std::string(kOriginIs);
  if (!filter.model.empty()) where += " AND model = {model:String}";
  if (!filter.tenant.empty()) where += " AND tenant = {tenant:String}";
  if (!filter.status.empty()) where += " AND status = {status:String}";
  const store::Params params = {{"from", Int(from)},
                                {"to", Int(to)},
                                {"origin", std::string(origin)},
                                {"model", std::string(filter.model)},
                                {"tenant", std::string(filter.tenant)},
                                {"status", std::string(filter.status)}};
  ASSIGN_OR_RETURN(
      const Rows rows,
      s.store.Query("SELECT * FROM requests WHERE " + where + " ORDER BY ts DESC LIMIT " +
                        Int(std::max<std::int64_t>(1, std::min<std::int64_t>(filter.limit, 5000))),
                    params));
  ASSIGN_OR_RETURN(const Rows sums,
                   s.store.Query("SELECT status, count() AS calls, sum(input_tokens) AS "
                                 "input_tokens, sum(cached_tokens) AS cached_tokens, "
                                 "sum(output_tokens) AS output_tokens FROM requests WHERE " +
                                     where + " GROUP BY status ORDER BY status",
                                 params));
  Json requests = Json::MakeArray();
  for (std::size_t i = 0; i < rows.size(); ++i)
    requests.push(RowJson(rows, i, {"version", "received", "minute"}));
  Json totals = Json::MakeArray();
  for (std::size_t i = 0; i < sums.size(); ++i) totals.push(RowJson(sums, i));
  Json j;
  j.set("from", base::FormatTime(from)).set("to", base::FormatTime(to));
  j.set("totals", std::move(totals)).set("requests", std::move(requests));
  return j;
}

Result<Json> TraceAnswer(const Services& s, std::string_view trace_id) {
  if (trace_id.size() != 32 ||
      trace_id.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
    return base::Invalid("a trace id has 32 lower-case hexadecimal digits");
  }
  ASSIGN_OR_RETURN(
      const Rows rows,
      s.store.Query(
          "SELECT Timestamp, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, "
          "ResourceAttributes, "
          "SpanAttributes, Duration, StatusCode, StatusMessage, origin FROM otel_traces "
          "WHERE TraceId = {id:String} ORDER BY Timestamp, SpanId LIMIT 1 BY SpanId LIMIT 5000",
          {{"id", std::string(trace_id)}}));
  if (rows.size() == 0)
    return base::NotFound("no span of trace " + std::string(trace_id) + " is kept");
  Json spans = Json::MakeArray();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Json span;
    const std::int64_t start = rows.i64(i, "Timestamp");
    span.set("span_id", rows.text(i, "SpanId")).set("parent_span_id", rows.text(i, "ParentSpanId"));
    span.set("name", rows.text(i, "SpanName"))
        .set("kind", rows.text(i, "SpanKind"))
        .set("service", rows.text(i, "ServiceName"));
    span.set("start", base::FormatTime(start)).set("start_s", static_cast<double>(start) / 1e9);
    span.set("duration_s", static_cast<double>(rows.u64(i, "Duration")) / 1e9);
    span.set("status", rows.text(i, "StatusCode"))
        .set("status_message", rows.text(i, "StatusMessage"));
    span.set("attributes", AttributesJson(rows.attributes(i, "SpanAttributes")));
    span.set("resource", AttributesJson(rows.attributes(i, "ResourceAttributes")))
        .set("origin", rows.text(i, "origin"));
    spans.push(std::move(span));
  }
  Json j;
  j.set("trace_id", trace_id).set("spans", std::move(spans));
  return j;
}

Result<Json> CostOf(const Services& s, std::int64_t from, std::int64_t to, std::string_view by,
                    std::string_view origin) {
  return s.jobs.Cost(from, to, by, origin, true);
}

Result<Json> WhyOf(const Services& s, std::string_view symptom, std::string_view entity,
                   std::int64_t at, std::string_view origin) {
  RETURN_IF_ERROR(KnownSymptom(symptom));
  if (entity.empty()) return s.jobs.Why(symptom, {}, at, origin);
  ASSIGN_OR_RETURN(const EntityName who, FindEntity(s, entity, origin));
  return s.jobs.Why(symptom, who.id, at, origin);
}

}  // namespace strata::server
