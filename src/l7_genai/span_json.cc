// SPDX-License-Identifier: Apache-2.0
// Files with spans in the forms that people keep them in. Each is brought into the form of an
// OTLP/JSON request and read by the one decoder that the wire uses. For files; what comes over the
// network goes through `wire` directly.
#include <cmath>

#include "base/hash.h"
#include "l7_genai/l7_genai.h"

namespace strata::l7_genai {
namespace {

using base::Json;

int Digit64(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

// Base64 of 8 or 16 bytes as hex; what is no such thing stays as it is.
std::string HexId(const std::string& text) {
  std::string bytes;
  std::uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    if (c == '=') break;
    const int digit = Digit64(c);
    if (digit < 0) return text;
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    if ((have += 6) >= 8) bytes.push_back(static_cast<char>((bits >> (have -= 8)) & 0xFF));
  }
  if (bytes.size() != 8 && bytes.size() != 16) return text;
  std::string hex;
  for (const char c : bytes) {
    hex.push_back("0123456789abcdef"[(static_cast<unsigned char>(c) >> 4) & 15]);
    hex.push_back("0123456789abcdef"[static_cast<unsigned char>(c) & 15]);
  }
  return hex;
}

Json AnyValue(const Json& v) {
  Json out = Json::MakeObject();
  if (v.is_bool()) return out.set("boolValue", v);
  if (v.is_int()) return out.set("intValue", std::to_string(v.as_int()));
  if (v.is_number()) return out.set("doubleValue", v);
  if (v.is_array()) {
    Json values = Json::MakeArray();
    for (const Json& item : v.array()) values.push(AnyValue(item));
    return out.set("arrayValue", Json::MakeObject().set("values", std::move(values)));
  }
  if (v.is_object()) return out.set("stringValue", v.dump());
  return out.set("stringValue", v.as_string());
}

Json KeyValues(const Json& object) {
  Json out = Json::MakeArray();
  for (const auto& [key, value] : object.object()) {
    if (!value.is_null())
      out.push(Json::MakeObject().set("key", key).set("value", AnyValue(value)));
  }
  return out;
}

std::int64_t SpanKind(const Json& kind) {
  if (kind.is_int()) return kind.as_int();
  constexpr std::string_view kNames[] = {"UNSPECIFIED", "INTERNAL", "SERVER",
                                         "CLIENT",      "PRODUCER", "CONSUMER"};
  std::string_view name = kind.as_string();
  if (name.starts_with("SPAN_KIND_")) name.remove_prefix(10);
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (name == kNames[i]) return static_cast<std::int64_t>(i);
  }
  return 0;
}

std::int64_t StatusCode(const Json& code) {
  if (code.is_int()) return code.as_int();
  return code.as_string() == "STATUS_CODE_ERROR" ? 2 : code.as_string() == "STATUS_CODE_OK" ? 1 : 0;
}

// [seconds, nanoseconds] of the JavaScript SDK.
std::int64_t PairNs(const Json& pair) {
  if (pair.size() != 2) return 0;
  const std::int64_t seconds = pair.at(0).as_int(), rest = pair.at(1).as_int();
  if (seconds < 0 || seconds > 9'000'000'000 || rest < 0 || rest >= 1'000'000'000) return 0;
  return seconds * 1'000'000'000 + rest;
}

class Normaliser {
 public:
  explicit Normaliser(std::int64_t now_ns) : now_ns_(now_ns) {}

  // Adds what `root` holds to the request; false when it is none of the forms.
  bool Add(const Json& root) {
    if (root.is_array()) {
      bool any = false;
      for (const Json& item : root.array()) any = Add(item) || any;
      return any;
    }
    if (root["body"].is_object()) return AddRequest(root["body"]);
    if (!root["resourceSpans"].is_null()) return AddRequest(root);
    if (root["spanContext"].is_object() || root["startTime"].is_array()) return AddSdkSpan(root);
    if (root["attributes"].is_array() && root["name"].is_string()) return Put(root, ""), true;
    for (const auto& [key, value] : root.object()) {
      if (!key.starts_with("gen_ai.") && !key.starts_with("llm.") && !key.starts_with("ai.") &&
          !key.starts_with("openinference."))
        continue;
      Json attributes = Json::MakeObject(), span = Json::MakeObject();
      for (const auto& [k, v] : root.object()) {
        if (k != "input" && k != "output") attributes.set(k, v);  // what was said
      }
      span.set("name", root["gen_ai.operation.name"].as_string())
          .set("attributes", KeyValues(attributes));
      return Put(std::move(span), ""), true;
    }
    return false;
  }

  Json take() { return Json::MakeObject().set("resourceSpans", std::move(resource_spans_)); }

 private:
  bool AddRequest(const Json& request) {
    for (const Json& resource : request["resourceSpans"].array()) {
      Json out = Json::MakeObject();
      if (!resource["resource"].is_null()) out.set("resource", resource["resource"]);
      Json scopes = Json::MakeArray();
      for (const char* key : {"scopeSpans", "instrumentationLibrarySpans"}) {
        for (const Json& scope : resource[key].array()) {
          Json spans = Json::MakeArray();
          for (const Json& span : scope["spans"].array()) spans.push(Whole(span));
          const Json& name =
              scope["scope"].is_null() ? scope["instrumentationLibrary"] : scope["scope"];
          scopes.push(Json::MakeObject().set("scope", name).set("spans", std::move(spans)));
        }
      }
      resource_spans_.push(out.set("scopeSpans", std::move(scopes)));
    }
    return request["resourceSpans"].is_array();
  }

  bool AddSdkSpan(const Json& span) {
    Json out = Json::MakeObject();
    out.set("name", span["name"])
        .set("traceId", span["spanContext"]["traceId"])
        .set("spanId", span["spanContext"]["spanId"]);
    const Json& parent = span["parentSpanContext"]["spanId"];
    out.set("parentSpanId", parent.is_null() ? span["parentSpanId"] : parent);
    // The SDK counts kinds from 0 = internal; OTLP from 1.
    out.set("kind", span["kind"].is_int() ? span["kind"].as_int() + 1 : 1);
    out.set("startTimeUnixNano", std::to_string(PairNs(span["startTime"])))
        .set("endTimeUnixNano", std::to_string(PairNs(span["endTime"])));
    out.set("status", span["status"]).set("attributes", KeyValues(span["attributes"]));
    Json events = Json::MakeArray();
    for (const Json& event : span["events"].array()) {
      events.push(Json::MakeObject()
                      .set("name", event["name"])
                      .set("timeUnixNano", std::to_string(PairNs(event["time"])))
                      .set("attributes", KeyValues(event["attributes"])));
    }
    Put(out.set("events", std::move(events)), span["instrumentationScope"]["name"].as_string());
    return true;
  }

  void Put(Json span, const std::string& scope) {
    Json scopes = Json::MakeArray();
    scopes.push(Json::MakeObject()
                    .set("scope", Json::MakeObject().set("name", scope))
                    .set("spans", Json::MakeArray().push(Whole(span))));
    resource_spans_.push(Json::MakeObject().set("scopeSpans", std::move(scopes)));
  }

  // Ids in hex, words as numbers; a span out of its context gets an id from its bytes and the time
  // of reading.
  Json Whole(const Json& span) {
    Json out = span;
    const auto id = [&](const char* key) { return HexId(span[key].as_string()); };
    std::string trace = id("traceId"), own = id("spanId");
    if (trace.empty() || own.empty()) {
      const base::Hash128 hash = base::HashBytes128(span.dump() + std::to_string(++count_));
      if (trace.empty()) trace = hash.hex();
      if (own.empty()) own = hash.hex().substr(0, 16);
    }
    out.set("traceId", trace).set("spanId", own).set("kind", SpanKind(span["kind"]));
    if (const std::string parent = id("parentSpanId"); !parent.empty()) {
      out.set("parentSpanId", parent);
    } else {
      out.set("parentSpanId", "");
    }
    const std::string now = std::to_string(now_ns_);
    if (span["startTimeUnixNano"].is_null())
      out.set("startTimeUnixNano", now).set("endTimeUnixNano", now);
    Json status = span["status"].is_object() ? span["status"] : Json::MakeObject();
    out.set("status", status.set("code", StatusCode(span["status"]["code"])));
    if (span["events"].is_array()) {
      Json events = Json::MakeArray();
      for (Json event : span["events"].array()) {
        if (event["timeUnixNano"].is_null()) event.set("timeUnixNano", out["startTimeUnixNano"]);
        events.push(std::move(event));
      }
      out.set("events", std::move(events));
    }
    return out;
  }

  std::int64_t now_ns_;
  Json resource_spans_ = Json::MakeArray();
  std::uint64_t count_ = 0;
};

}  // namespace

base::Status SpansFromJson(std::string_view text, const wire::Context& context,
                           model::Batch* batch) {
  Normaliser normaliser(context.now_ns - context.shift_ns);
  bool any = false;
  if (const auto whole = base::ParseJson(text); whole.ok()) {
    any = normaliser.Add(*whole);
  } else {
    std::uint64_t bad = 0;
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      const auto json = base::ParseJson(line);
      if (!json.ok()) {
        ++bad;
        continue;
      }
      any = normaliser.Add(*json) ||
            any;  // a line of metrics or logs holds no span, which is no fault
    }
    if (!any) return whole.status();
    if (bad > 0) batch->refused.add(base::Reason::malformed, bad, "a line that is no JSON");
  }
  if (!any) return base::Invalid("JSON without a span in it");
  wire::Context decode = context;
  model::Namer nameless({});  // spans need none
  if (decode.namer == nullptr) decode.namer = &nameless;
  return wire::DecodeOtlpJson(normaliser.take().dump(), decode, batch);
}

bool LooksSpans(std::string_view head) {
  const std::size_t at = head.find_first_not_of(" \t\r\n");
  if (at == std::string_view::npos || (head[at] != '{' && head[at] != '[')) return false;
  for (const std::string_view mark :
       {"\"resourceSpans\"", "\"spanContext\"", "\"openinference.span.kind\"", "\"gen_ai.",
        "\"SPAN_KIND_", "\"llm.system\"", "\"ai.operationId\""}) {
    if (head.find(mark) != std::string_view::npos) return true;
  }
  return false;
}

base::Result<bool> ReadSpans(const base::InputFile& file, const wire::Context& context,
                             model::Batch* batch, Json* report) {
  const std::size_t before = batch->spans.size();
  if (base::Status status = SpansFromJson(file.bytes, context, batch); !status.ok())
    return status.With(file.name);
  std::vector<Call> calls;
  for (std::size_t i = before; i < batch->spans.size(); ++i) {
    if (IsModelCall(batch->spans[i])) calls.push_back(MakeCall(batch->spans[i]));
  }
  const std::vector<Request> requests = JoinCalls(calls);
  std::uint64_t ok = 0, error = 0, aborted = 0;
  double sums[4] = {0, 0, 0, 0};
  bool told[4] = {false, false, false, false};
  for (const Request& r : requests) {
    ok += r.status == "ok", error += r.status == "error", aborted += r.status == "aborted";
    const std::optional<double> tokens[4] = {r.input_tokens, r.cached_tokens, r.output_tokens,
                                             r.reasoning_tokens};
    for (int i = 0; i < 4; ++i) {
      if (tokens[i]) sums[i] += *tokens[i], told[i] = true;
    }
  }
  if (report != nullptr) {
    report->set("layer", "l7_genai").set("report", "calls");
    report->set("spans", static_cast<std::uint64_t>(batch->spans.size() - before));
    report->set("calls", static_cast<std::uint64_t>(calls.size()))
        .set("requests", static_cast<std::uint64_t>(requests.size()));
    report->set("ok", ok).set("error", error).set("aborted", aborted);
    constexpr const char* kNames[4] = {"input_tokens", "cached_tokens", "output_tokens",
                                       "reasoning_tokens"};
    for (int i = 0; i < 4; ++i) report->set(kNames[i], told[i] ? Json(sums[i]) : Json());
  }
  return true;
}

}  // namespace strata::l7_genai
