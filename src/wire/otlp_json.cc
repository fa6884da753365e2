// SPDX-License-Identifier: Apache-2.0
// OTLP/JSON becomes OTLP protobuf by one table of fields and is then read by the protobuf decoders,
// so both spellings mean the same. Hex ids, 64-bit integers as text or number, camelCase and
// snake_case keys, enums by name or number, one request, an array of them, or JSON lines. simdjson
// parses; nesting beyond kMaxDepth is refused.
#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <protozero/pbf_writer.hpp>
#include <span>
#include <string>
#include <utility>

#include "wire/otlp.h"

namespace strata::wire {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;
using std::string_view;

constexpr std::size_t kMaxDepth = 128;

enum class Form : std::uint8_t {
  text,
  id,
  base64,
  fixed64,
  sfixed64,
  fixed32,
  uint64,
  int64,
  sint32,
  boolean,
  real,
  choice,
  message
};

struct Message;
struct Field {
  string_view camel, snake;
  std::uint32_t tag = 0;
  Form form = Form::text;
  bool repeated = false;
  const Message* message = nullptr;
  std::span<const string_view> choices{};  // by number
};
// `record`: a broken one is dropped and counted, its neighbours are kept.
struct Message {
  std::span<const Field> fields;
  bool record = false;
};

extern const Message kAny;
extern const Message kKeyValue;

constexpr string_view kSpanKinds[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL",
                                      "SPAN_KIND_SERVER",      "SPAN_KIND_CLIENT",
                                      "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER"};
constexpr string_view kStatusCodes[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"};
constexpr string_view kTemporalities[] = {"AGGREGATION_TEMPORALITY_UNSPECIFIED",
                                          "AGGREGATION_TEMPORALITY_DELTA",
                                          "AGGREGATION_TEMPORALITY_CUMULATIVE"};
constexpr string_view kSeverities[] = {
    "SEVERITY_NUMBER_UNSPECIFIED", "SEVERITY_NUMBER_TRACE",  "SEVERITY_NUMBER_TRACE2",
    "SEVERITY_NUMBER_TRACE3",      "SEVERITY_NUMBER_TRACE4", "SEVERITY_NUMBER_DEBUG",
    "SEVERITY_NUMBER_DEBUG2",      "SEVERITY_NUMBER_DEBUG3", "SEVERITY_NUMBER_DEBUG4",
    "SEVERITY_NUMBER_INFO",        "SEVERITY_NUMBER_INFO2",  "SEVERITY_NUMBER_INFO3",
    "SEVERITY_NUMBER_INFO4",       "SEVERITY_NUMBER_WARN",   "SEVERITY_NUMBER_WARN2",
    "SEVERITY_NUMBER_WARN3",       "SEVERITY_NUMBER_WARN4",  "SEVERITY_NUMBER_ERROR",
    "SEVERITY_NUMBER_ERROR2",      "SEVERITY_NUMBER_ERROR3", "SEVERITY_NUMBER_ERROR4",
    "SEVERITY_NUMBER_FATAL",       "SEVERITY_NUMBER_FATAL2", "SEVERITY_NUMBER_FATAL3",
    "SEVERITY_NUMBER_FATAL4"};

constexpr Field Attributes(std::uint32_t tag) {
  return {"attributes", "attributes", tag, Form::message, true, &kKeyValue};
}
constexpr Field Start(std::uint32_t tag = 2) {
  return {"startTimeUnixNano", "start_time_unix_nano", tag, Form::fixed64};
}
constexpr Field Time(std::uint32_t tag = 3) {
  return {"timeUnixNano", "time_unix_nano", tag, Form::fixed64};
}
constexpr Field TraceId(std::uint32_t tag) { return {"traceId", "trace_id", tag, Form::id}; }
constexpr Field SpanId(std::uint32_t tag) { return {"spanId", "span_id", tag, Form::id}; }
constexpr Field Repeated(string_view camel, string_view snake, std::uint32_t tag,
                         const Message* message) {
  return {camel, snake, tag, Form::message, true, message};
}

// ---- common
constexpr Field kArrayFields[] = {{"values", "values", 1, Form::message, true, &kAny}};
constexpr Message kArray{kArrayFields};
constexpr Field kMapFields[] = {{"values", "values", 1, Form::message, true, &kKeyValue}};
constexpr Message kMap{kMapFields};
constexpr Field kAnyFields[] = {{"stringValue", "string_value", 1, Form::text},
                                {"boolValue", "bool_value", 2, Form::boolean},
                                {"intValue", "int_value", 3, Form::int64},
                                {"doubleValue", "double_value", 4, Form::real},
                                {"arrayValue", "array_value", 5, Form::message, false, &kArray},
                                {"kvlistValue", "kvlist_value", 6, Form::message, false, &kMap},
                                {"bytesValue", "bytes_value", 7, Form::base64}};
const Message kAny{kAnyFields};
constexpr Field kKeyValueFields[] = {{"key", "key", 1},
                                     {"value", "value", 2, Form::message, false, &kAny}};
const Message kKeyValue{kKeyValueFields};
constexpr Field kResourceFields[] = {Attributes(1)};
constexpr Message kResource{kResourceFields};
constexpr Field kScopeFields[] = {{"name", "name", 1}, {"version", "version", 2}, Attributes(3)};
constexpr Message kScope{kScopeFields};

// ---- metrics
constexpr Field kNumberFields[] = {Attributes(7),
                                   Start(),
                                   Time(),
                                   {"asDouble", "as_double", 4, Form::real},
                                   {"asInt", "as_int", 6, Form::sfixed64},
                                   {"flags", "flags", 8, Form::uint64}};
constexpr Message kNumberPoint{kNumberFields, true};
constexpr Field kNumbersFields[] = {Repeated("dataPoints", "data_points", 1, &kNumberPoint),
                                    {"aggregationTemporality", "aggregation_temporality", 2,
                                     Form::choice, false, nullptr, kTemporalities},
                                    {"isMonotonic", "is_monotonic", 3, Form::boolean}};
constexpr Message kNumbers{kNumbersFields};
constexpr Field kHistogramFields[] = {Attributes(9),
                                      Start(),
                                      Time(),
                                      {"count", "count", 4, Form::fixed64},
                                      {"sum", "sum", 5, Form::real},
                                      {"bucketCounts", "bucket_counts", 6, Form::fixed64, true},
                                      {"explicitBounds", "explicit_bounds", 7, Form::real, true},
                                      {"flags", "flags", 10, Form::uint64},
                                      {"min", "min", 11, Form::real},
                                      {"max", "max", 12, Form::real}};
constexpr Message kHistogramPoint{kHistogramFields, true};
constexpr Field kHistogramsFields[] = {Repeated("dataPoints", "data_points", 1, &kHistogramPoint),
                                       kNumbersFields[1]};
constexpr Message kHistograms{kHistogramsFields};
constexpr Field kBucketsFields[] = {{"offset", "offset", 1, Form::sint32},
                                    {"bucketCounts", "bucket_counts", 2, Form::uint64, true}};
constexpr Message kBuckets{kBucketsFields};
constexpr Field kExponentialFields[] = {
    Attributes(1),
    Start(),
    Time(),
    {"count", "count", 4, Form::fixed64},
    {"sum", "sum", 5, Form::real},
    {"scale", "scale", 6, Form::sint32},
    {"zeroCount", "zero_count", 7, Form::fixed64},
    {"positive", "positive", 8, Form::message, false, &kBuckets},
    {"negative", "negative", 9, Form::message, false, &kBuckets},
    {"flags", "flags", 10, Form::uint64},
    {"min", "min", 12, Form::real},
    {"max", "max", 13, Form::real}};
constexpr Message kExponentialPoint{kExponentialFields, true};
constexpr Field kExponentialsFields[] = {
    Repeated("dataPoints", "data_points", 1, &kExponentialPoint), kNumbersFields[1]};
constexpr Message kExponentials{kExponentialsFields};
constexpr Field kQuantileFields[] = {{"quantile", "quantile", 1, Form::real},
                                     {"value", "value", 2, Form::real}};
constexpr Message kQuantile{kQuantileFields};
constexpr Field kSummaryFields[] = {Attributes(7),
                                    Start(),
                                    Time(),
                                    {"count", "count", 4, Form::fixed64},
                                    {"sum", "sum", 5, Form::real},
                                    Repeated("quantileValues", "quantile_values", 6, &kQuantile),
                                    {"flags", "flags", 8, Form::uint64}};
constexpr Message kSummaryPoint{kSummaryFields, true};
constexpr Field kSummariesFields[] = {Repeated("dataPoints", "data_points", 1, &kSummaryPoint)};
constexpr Message kSummaries{kSummariesFields};
constexpr Field kMetricFields[] = {
    {"name", "name", 1},
    {"unit", "unit", 3},
    {"gauge", "gauge", 5, Form::message, false, &kNumbers},
    {"sum", "sum", 7, Form::message, false, &kNumbers},
    {"histogram", "histogram", 9, Form::message, false, &kHistograms},
    {"exponentialHistogram", "exponential_histogram", 10, Form::message, false, &kExponentials},
    {"summary", "summary", 11, Form::message, false, &kSummaries},
    {"metadata", "metadata", 12, Form::message, true, &kKeyValue}};
constexpr Message kMetric{kMetricFields, true};

// ---- traces and logs
constexpr Field kSpanEventFields[] = {Time(1), {"name", "name", 2}, Attributes(3)};
constexpr Message kSpanEvent{kSpanEventFields};
constexpr Field kLinkFields[] = {TraceId(1), SpanId(2), Attributes(4)};
constexpr Message kLink{kLinkFields};
constexpr Field kStatusFields[] = {{"message", "message", 2},
                                   {"code", "code", 3, Form::choice, false, nullptr, kStatusCodes}};
constexpr Message kStatus{kStatusFields};
constexpr Field kSpanFields[] = {TraceId(1),
                                 SpanId(2),
                                 {"traceState", "trace_state", 3},
                                 {"parentSpanId", "parent_span_id", 4, Form::id},
                                 {"name", "name", 5},
                                 {"kind", "kind", 6, Form::choice, false, nullptr, kSpanKinds},
                                 Start(7),
                                 {"endTimeUnixNano", "end_time_unix_nano", 8, Form::fixed64},
                                 Attributes(9),
                                 Repeated("events", "events", 11, &kSpanEvent),
                                 Repeated("links", "links", 13, &kLink),
                                 {"status", "status", 15, Form::message, false, &kStatus}};
constexpr Message kSpan{kSpanFields, true};
constexpr Field kLogFields[] = {
    Time(1),
    {"severityNumber", "severity_number", 2, Form::choice, false, nullptr, kSeverities},
    {"severityText", "severity_text", 3},
    {"body", "body", 5, Form::message, false, &kAny},
    Attributes(6),
    {"flags", "flags", 8, Form::fixed32},
    TraceId(9),
    SpanId(10),
    {"observedTimeUnixNano", "observed_time_unix_nano", 11, Form::fixed64},
    {"eventName", "event_name", 12}};
constexpr Message kLog{kLogFields, true};

constexpr Field Scoped() { return {"scope", "scope", 1, Form::message, false, &kScope}; }
constexpr Field OldScoped() {
  return {"instrumentationLibrary", "instrumentation_library", 1, Form::message, false, &kScope};
}
constexpr Field kScopeMetricsFields[] = {Scoped(), OldScoped(),
                                         Repeated("metrics", "metrics", 2, &kMetric)};
constexpr Message kScopeMetrics{kScopeMetricsFields, true};
constexpr Field kScopeSpansFields[] = {Scoped(), OldScoped(),
                                       Repeated("spans", "spans", 2, &kSpan)};
constexpr Message kScopeSpans{kScopeSpansFields, true};
constexpr Field kScopeLogsFields[] = {Scoped(), OldScoped(),
                                      Repeated("logRecords", "log_records", 2, &kLog),
                                      Repeated("logs", "logs", 2, &kLog)};
constexpr Message kScopeLogs{kScopeLogsFields, true};
constexpr Field kResourceField{"resource", "resource", 1, Form::message, false, &kResource};
constexpr Field kResourceMetricsFields[] = {
    kResourceField, Repeated("scopeMetrics", "scope_metrics", 2, &kScopeMetrics),
    Repeated("instrumentationLibraryMetrics", "instrumentation_library_metrics", 2,
             &kScopeMetrics)};
constexpr Message kResourceMetrics{kResourceMetricsFields, true};
constexpr Field kResourceSpansFields[] = {
    kResourceField, Repeated("scopeSpans", "scope_spans", 2, &kScopeSpans),
    Repeated("instrumentationLibrarySpans", "instrumentation_library_spans", 2, &kScopeSpans)};
constexpr Message kResourceSpans{kResourceSpansFields, true};
constexpr Field kResourceLogsFields[] = {
    kResourceField, Repeated("scopeLogs", "scope_logs", 2, &kScopeLogs),
    Repeated("instrumentationLibraryLogs", "instrumentation_library_logs", 2, &kScopeLogs)};
constexpr Message kResourceLogs{kResourceLogsFields, true};

using Decoder = base::Status (*)(string_view, const Context&, model::Batch*);
struct Signal {
  Field field;  // of the request
  Decoder decode;
};
constexpr Signal kSignals[] = {
    {Repeated("resourceMetrics", "resource_metrics", 1, &kResourceMetrics), &DecodeOtlpMetrics},
    {Repeated("resourceSpans", "resource_spans", 1, &kResourceSpans), &DecodeOtlpTraces},
    {Repeated("resourceLogs", "resource_logs", 1, &kResourceLogs), &DecodeOtlpLogs}};

// ---- values
std::optional<std::int64_t> Integer(const element& e) {
  std::int64_t i = 0;
  double d = 0;
  string_view text;
  if (e.get(i) == simdjson::SUCCESS) return i;
  if (std::uint64_t u = 0; e.get(u) == simdjson::SUCCESS)
    return static_cast<std::int64_t>(u);  // the same 64 bits
  if (e.get(d) == simdjson::SUCCESS) {
    if (d != std::floor(d) || std::fabs(d) > 9.2e18) return std::nullopt;
    return static_cast<std::int64_t>(d);
  }
  if (e.get(text) != simdjson::SUCCESS || text.empty()) return std::nullopt;
  const char* end = text.data() + text.size();
  auto read = std::from_chars(text.data(), end, i);
  if (read.ec == std::errc::result_out_of_range && text[0] != '-') {
    std::uint64_t u = 0;
    read = std::from_chars(text.data(), end, u);
    i = static_cast<std::int64_t>(u);
  }
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return i;
}

std::optional<double> Real(const element& e) {
  double d = 0;
  string_view text;
  if (e.get(d) == simdjson::SUCCESS) return d;
  if (e.get(text) != simdjson::SUCCESS) return std::nullopt;
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), d);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return d;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<std::string> FromHex(string_view text) {
  std::string out;
  if (text.size() % 2 != 0 || text.size() > 64) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = HexDigit(text[i]), low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high << 4 | low));
  }
  return out;
}

std::optional<std::string> FromBase64(string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int have = 0;
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  for (const char c : text) {
    const int digit = c >= 'A' && c <= 'Z'   ? c - 'A'
                      : c >= 'a' && c <= 'z' ? c - 'a' + 26
                      : c >= '0' && c <= '9' ? c - '0' + 52
                      : c == '+' || c == '-' ? 62
                      : c == '/' || c == '_' ? 63
                                             : -1;
    if (digit < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out.push_back(static_cast<char>(bits >> have & 0xFF));
  }
  return out;
}

class Transcoder {
 public:
  explicit Transcoder(Sink* sink) : sink_(sink) {}

  // False when a field has a value that its type cannot have.
  bool Write(const object& from, const Message& message, protozero::pbf_writer* to) {
    for (const auto& [key, value] : from) {
      if (value.is_null()) continue;  // proto3: the same as absent
      for (const Field& field : message.fields) {
        if (key != field.camel && key != field.snake) continue;
        if (!WriteField(value, field, to)) {
          if (offence_.empty()) offence_ = "field " + std::string(key.substr(0, 60));
          return false;
        }
        break;
      }
    }
    return true;
  }

  bool WriteField(const element& value, const Field& field, protozero::pbf_writer* to) {
    if (!field.repeated) return WriteOne(value, field, to);
    array list;
    if (value.get(list) != simdjson::SUCCESS) return false;
    if (field.form != Form::message) return WritePacked(list, field, to);
    for (const element item : list) {
      if (WriteOne(item, field, to)) continue;
      if (!field.message->record) return false;
      sink_->Refuse(Reason::malformed, offence_.empty() ? "a record that is no object" : offence_);
      offence_.clear();
    }
    return true;
  }

 private:
  bool WriteOne(const element& value, const Field& field, protozero::pbf_writer* to) {
    if (field.form == Form::message) return WriteMessage(value, field, to);
    if (field.form == Form::real) {
      const auto real = Real(value);
      if (real) to->add_double(field.tag, *real);
      return real.has_value();
    }
    if (field.form == Form::boolean) {
      bool b = false;
      if (value.get(b) != simdjson::SUCCESS) return false;
      to->add_bool(field.tag, b);
      return true;
    }
    if (field.form == Form::text || field.form == Form::id || field.form == Form::base64)
      return WriteText(value, field, to);
    auto integer = field.form == Form::choice ? Choice(value, field) : Integer(value);
    if (!integer) return false;
    switch (field.form) {
      case Form::fixed64: to->add_fixed64(field.tag, static_cast<std::uint64_t>(*integer)); break;
      case Form::sfixed64: to->add_sfixed64(field.tag, *integer); break;
      case Form::fixed32: to->add_fixed32(field.tag, static_cast<std::uint32_t>(*integer)); break;
      case Form::sint32: to->add_sint32(field.tag, static_cast<std::int32_t>(*integer)); break;
      case Form::int64: to->add_int64(field.tag, *integer); break;
      default: to->add_uint64(field.tag, static_cast<std::uint64_t>(*integer));
    }
    return true;
  }

  bool WriteMessage(const element& value, const Field& field, protozero::pbf_writer* to) {
    object inner;
    if (value.get(inner) != simdjson::SUCCESS) return false;
    protozero::pbf_writer sub(*to, field.tag);
    if (Write(inner, *field.message, &sub)) return true;
    sub.rollback();
    return false;
  }

  static bool WriteText(const element& value, const Field& field, protozero::pbf_writer* to) {
    string_view text;
    if (value.get(text) != simdjson::SUCCESS) return false;
    if (field.form == Form::text) {
      to->add_bytes(field.tag, text.data(), text.size());
      return true;
    }
    const auto bytes = field.form == Form::id ? FromHex(text) : FromBase64(text);
    if (bytes) to->add_bytes(field.tag, *bytes);
    return bytes.has_value();
  }

  static std::optional<std::int64_t> Choice(const element& value, const Field& field) {
    string_view name;
    if (value.get(name) != simdjson::SUCCESS) return Integer(value);
    for (std::size_t i = 0; i < field.choices.size(); ++i) {
      if (field.choices[i] == name) return static_cast<std::int64_t>(i);
    }
    return Integer(value);  // "2"
  }

  bool WritePacked(const array& list, const Field& field, protozero::pbf_writer* to) {
    std::vector<std::uint64_t> integers;
    std::vector<double> reals;
    for (const element item : list) {
      if (field.form == Form::real) {
        const auto real = Real(item);
        if (!real) return false;
        reals.push_back(*real);
      } else {
        const auto integer = Integer(item);
        if (!integer) return false;
        integers.push_back(static_cast<std::uint64_t>(*integer));
      }
    }
    if (field.form == Form::real) {
      to->add_packed_double(field.tag, reals.begin(), reals.end());
    } else if (field.form == Form::fixed64) {
      to->add_packed_fixed64(field.tag, integers.begin(), integers.end());
    } else {
      to->add_packed_uint64(field.tag, integers.begin(), integers.end());
    }
    return true;
  }

  Sink* sink_;
  std::string offence_;
};

class JsonReader {
 public:
  JsonReader(const Context& context, model::Batch* batch)
      : context_(context), batch_(batch), sink_(context, batch, "otlp_json") {}

  base::Status Read(string_view json) {
    std::string error;
    const bool whole = Parse(json, &error);
    if (!whole && json.find('\n') == string_view::npos) return Broken(error);
    if (whole) return Document();
    std::size_t good = 0, bad = 0, number = 0;
    while (!json.empty()) {
      const std::size_t end = std::min(json.find('\n'), json.size());
      const string_view line = json.substr(0, end);
      json.remove_prefix(std::min(end + 1, json.size()));
      ++number;
      if (line.find_first_not_of(" \t\r") == string_view::npos) continue;
      std::string line_error;
      const bool ok = Parse(line, &line_error) && Document().ok();
      ok ? ++good : ++bad;
      if (!ok && bad == 1)
        error = "line " + std::to_string(number) + ": " +
                (line_error.empty() ? "no OTLP object" : line_error);
    }
    if (good == 0) return Broken(error);
    if (bad > 0) sink_.Refuse(Reason::malformed, error, bad);
    return {};
  }

 private:
  base::Status Broken(const std::string& error) {
    sink_.Refuse(Reason::malformed, error);
    return base::Invalid("not OTLP/JSON: " + error);
  }

  bool Parse(string_view json, std::string* error) {
    if (parser_.capacity() < json.size() || parser_.max_depth() != kMaxDepth) {
      if (parser_.allocate(std::max<std::size_t>(json.size(), 4096), kMaxDepth) !=
          simdjson::SUCCESS)
        return *error = "out of memory", false;
    }
    const auto code = parser_.parse(json.data(), json.size()).get(root_);
    if (code != simdjson::SUCCESS) *error = simdjson::error_message(code);
    return code == simdjson::SUCCESS;
  }

  base::Status Document() {
    array list;
    if (root_.get(list) != simdjson::SUCCESS) return One(root_);
    std::size_t good = 0, bad = 0;
    for (const element item : list) One(item).ok() ? ++good : ++bad;
    if (bad > 0 && good > 0)
      sink_.Refuse(Reason::malformed, "an element that is no OTLP object", bad);
    return bad > 0 && good == 0 ? base::Invalid("no element is an OTLP object") : base::Status();
  }

  base::Status One(const element& root) {
    object request;
    if (root.get(request) != simdjson::SUCCESS)
      return base::Invalid("an OTLP request is a JSON object");
    bool any = request.size() == 0;
    for (const Signal& signal : kSignals) {
      element list;
      std::string bytes;
      protozero::pbf_writer writer(bytes);
      Transcoder transcoder(&sink_);
      if (request[signal.field.camel].get(list) == simdjson::SUCCESS ||
          request[signal.field.snake].get(list) == simdjson::SUCCESS) {
        any = true;
        if (!transcoder.WriteField(list, signal.field, &writer)) {
          return base::Invalid(std::string(signal.field.camel) + " is no list");
        }
      } else if (IsBare(request, *signal.field.message)) {
        any = true;
        protozero::pbf_writer sub(writer, signal.field.tag);
        if (!transcoder.Write(request, *signal.field.message, &sub))
          return base::Invalid("a field of the wrong type");
      }
      if (bytes.empty()) continue;
      RETURN_IF_ERROR(signal.decode(bytes, context_, batch_));
    }
    return any ? base::Status()
               : base::Invalid("no resourceMetrics, resourceSpans or resourceLogs");
  }

  // {resource, scopeMetrics} without the list around it.
  static bool IsBare(const object& request, const Message& message) {
    for (const Field& field : message.fields) {
      element found;
      if (field.tag == 2 && (request[field.camel].get(found) == simdjson::SUCCESS ||
                             request[field.snake].get(found) == simdjson::SUCCESS))
        return true;
    }
    return false;
  }

  const Context& context_;
  model::Batch* batch_;
  Sink sink_;
  simdjson::dom::parser parser_;
  element root_;
};

}  // namespace

base::Status DecodeOtlpJson(string_view json, const Context& context, model::Batch* batch) {
  return JsonReader(context, batch).Read(json);
}

}  // namespace strata::wire
