// SPDX-License-Identifier: Apache-2.0
// From a span of any dialect to a call. Pure functions over aliases.h; no allocation beyond the
// result.
#include <charconv>
#include <cmath>

#include "l7_genai/aliases.h"
#include "l7_genai/l7_genai.h"

namespace strata::l7_genai {
namespace {

using std::string_view;

string_view Find(const model::Attributes& attributes, Field field, double* scale = nullptr) {
  for (const Alias& alias : kAliases) {
    if (alias.field != field) continue;
    const string_view value = attributes.get(alias.name);
    if (value.empty()) continue;
    if (scale != nullptr) *scale = alias.scale;
    return value;
  }
  return {};
}

string_view FindAnywhere(const model::Span& span, Field field) {
  const string_view own = Find(span.attributes, field);
  return own.empty() ? Find(span.resource, field) : own;
}

std::optional<double> Number(const model::Attributes& attributes, Field field) {
  double scale = 1, value = 0;
  const string_view text = Find(attributes, field, &scale);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() ||
      !std::isfinite(value) || value < 0) {
    return std::nullopt;
  }
  return value * scale;
}

// The word's other spelling; the word itself where the table has none.
template <std::size_t N>
string_view Translate(const Word (&table)[N], string_view word, bool* known = nullptr) {
  for (const Word& w : table) {
    if (w.from != word) continue;
    if (known != nullptr) *known = true;
    return w.to;
  }
  if (known != nullptr) *known = false;
  return word;
}

std::string Lower(string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool IsTrue(string_view text) { return text == "true" || text == "True" || text == "1"; }

bool IsLitellm(const model::Span& span) {
  return span.scope_name == "litellm" || span.name == "litellm_request";
}

bool IsEngine(const model::Span& span) {
  if (span.attributes.has("gen_ai.latency.e2e")) return true;
  return span.name == "llm_request" && span.attributes.has("gen_ai.request.id");
}

bool IsGateway(const model::Span& span) {
  if (IsLitellm(span) || span.attributes.has("gen_ai.original.model")) return true;
  for (const string_view who : {string_view(span.scope_name), string_view(span.service)}) {
    for (const string_view mark : {"ai-gateway", "ai_gateway", "aigateway", "litellm"}) {
      if (who.find(mark) != string_view::npos) return true;
    }
  }
  return false;
}

bool HasModel(const model::Span& span) {
  return !Find(span.attributes, Field::request_model).empty() ||
         !Find(span.attributes, Field::response_model).empty();
}

bool HasTokens(const model::Span& span) {
  return Number(span.attributes, Field::input_tokens).has_value() ||
         Number(span.attributes, Field::output_tokens).has_value();
}

// The operation in OpenTelemetry's spelling; "" when the span is no model call.
std::string Operation(const model::Span& span) {
  const model::Attributes& a = span.attributes;
  bool known = false;
  if (a.has("traceloop.span.kind")) return {};
  if (const string_view id = a.get("ai.operationId"); !id.empty()) {
    const string_view op = Translate(kVercelOperations, id, &known);
    return known ? std::string(op) : std::string();
  }
  if (const string_view kind = a.get("openinference.span.kind"); !kind.empty()) {
    const string_view op = Translate(kOpenInferenceKinds, kind, &known);
    if (known && op == "chat" && span.name == "Completion") return "text_completion";
    return known ? std::string(op) : std::string();
  }
  const std::string named = Lower(Find(a, Field::operation));
  if (IsLitellm(span)) {
    const string_view op = Translate(kLitellmOperations, named, &known);
    if (known) return HasModel(span) ? std::string(op) : std::string();
  }
  if (!named.empty()) {
    const string_view op = Translate(kOperations, named, &known);
    if (known)
      return op.empty() || !(HasModel(span) || HasTokens(span)) ? std::string() : std::string(op);
    return HasModel(span) && HasTokens(span) ? named : std::string();
  }
  if (IsEngine(span)) return "chat";
  // Older instrumentations name a provider and a model and no operation.
  return HasModel(span) && !Find(a, Field::provider).empty() ? "chat" : std::string();
}

std::string ProviderName(string_view raw) {
  const std::string name = Lower(raw);
  bool known = false;
  const string_view whole = Translate(kProviders, name, &known);
  if (known) return std::string(whole);
  // Vercel puts the endpoint behind: "openai.responses", "google.vertex.chat".
  for (const string_view tail : {".chat", ".responses", ".completion", ".messages", ".embedding"}) {
    if (!string_view(name).ends_with(tail)) continue;
    return std::string(
        Translate(kProviders, string_view(name).substr(0, name.size() - tail.size())));
  }
  return name;
}

bool IsAbortWord(string_view type) {
  std::string word = Lower(type);
  if (const std::size_t dot = word.rfind('.'); dot != std::string::npos) word.erase(0, dot + 1);
  for (const string_view known : kAbortTypes) {
    if (word == known) return true;
  }
  return false;
}

void FillStatus(const model::Span& span, Call* call) {
  call->error_type = Find(span.attributes, Field::error_type);
  bool aborted = IsAbortWord(call->error_type) || call->finish_reason == "abort";
  for (const model::SpanEvent& event : span.events) {
    if (event.name != "exception") continue;
    const string_view type = event.attributes.get("exception.type");
    aborted =
        aborted || IsAbortWord(type) ||
        event.attributes.get("exception.message").find("context canceled") != string_view::npos;
    if (call->error_type.empty()) call->error_type = type;
  }
  const string_view message = span.status_message;
  for (const string_view mark : {"context canceled", "CancelledError", "GeneratorExit"}) {
    aborted = aborted || message.find(mark) != string_view::npos;
  }
  const string_view http = span.attributes.get("http.response.status_code");
  aborted = aborted || http == "499";
  const bool failed =
      span.status == "Error" || !call->error_type.empty() || (http.size() == 3 && http[0] >= '4');
  call->status = aborted ? "aborted" : failed ? "error" : "ok";
}

// OpenInference keeps the request's settings and the whole answer as JSON text.
void FillFromBodies(const model::Span& span, Call* call, std::string* request_model) {
  if (const string_view text = span.attributes.get("llm.invocation_parameters"); !text.empty()) {
    if (const auto settings = base::ParseJson(text); settings.ok()) {
      if (request_model->empty()) *request_model = (*settings)["model"].as_string();
      call->stream = call->stream || (*settings)["stream"].as_bool();
    }
  }
  if (!call->finish_reason.empty() && !call->response_id.empty()) return;
  if (const string_view text = span.attributes.get("output.value"); text.starts_with('{')) {
    const auto answer = base::ParseJson(text);
    if (!answer.ok()) return;
    if (call->response_id.empty()) call->response_id = (*answer)["id"].as_string();
    const base::Json& choices = (*answer)["choices"];
    if (call->finish_reason.empty() && choices.is_array() && choices.size() > 0) {
      call->finish_reason = NormalFinishReason(choices.at(0)["finish_reason"].as_string());
    }
  }
}

// An engine names a request by the API's id with its own additions: "0_chatcmpl-x" (choice),
// "cmpl-x-0" (prompt).
std::string ApiId(string_view id) {
  std::size_t digits = 0;
  while (digits < id.size() && id[digits] >= '0' && id[digits] <= '9') ++digits;
  if (digits > 0 && digits < id.size() && id[digits] == '_') id.remove_prefix(digits + 1);
  if (id.starts_with("cmpl-")) {
    std::size_t end = id.size();
    while (end > 0 && id[end - 1] >= '0' && id[end - 1] <= '9') --end;
    if (end < id.size() && end > 5 && id[end - 1] == '-') id = id.substr(0, end - 1);
  }
  return std::string(id);
}

void FillTokens(const model::Span& span, Call* call) {
  const model::Attributes& a = span.attributes;
  call->input_tokens = Number(a, Field::input_tokens);
  call->output_tokens = Number(a, Field::output_tokens);
  call->cached_tokens = Number(a, Field::cached_tokens);
  call->reasoning_tokens = Number(a, Field::reasoning_tokens);
  // OpenTelemetry counts cached tokens inside the input; Anthropic's API does not. More cached than
  // input shows it.
  if (call->input_tokens && call->cached_tokens && *call->cached_tokens > *call->input_tokens) {
    *call->input_tokens += *call->cached_tokens + Number(a, Field::cache_write_tokens).value_or(0);
    call->attributes.set("adjusted", "input_tokens: cached tokens added");
  }
  if (call->input_tokens || call->output_tokens) {
    call->token_source = call->kind == "engine"    ? "engine"
                         : call->kind == "gateway" ? "gateway"
                                                   : "provider";
  }
}

void FillTimes(const model::Span& span, Call* call) {
  const model::Attributes& a = span.attributes;
  call->ttft_s = Number(a, Field::ttft);
  call->queue_s = Number(a, Field::queue);
  call->prefill_s = Number(a, Field::prefill);
  call->decode_s = Number(a, Field::decode);
  call->e2e_s = Number(a, Field::e2e);
  if (span.end_ns > span.start_ns && (call->kind != "engine" || !call->e2e_s)) {
    call->e2e_s = static_cast<double>(span.end_ns - span.start_ns) / 1e9;  // what the caller saw
  }
  for (const model::SpanEvent& event : span.events) {
    if (event.name != "First Token Stream Event" && event.name != "ai.stream.firstChunk") continue;
    call->stream = true;
    if (!call->ttft_s && event.ts > span.start_ns && span.start_ns > 0) {
      call->ttft_s = static_cast<double>(event.ts - span.start_ns) / 1e9;
    }
  }
}

}  // namespace

std::string NormalFinishReason(std::string_view reason) {
  // One word, or a JSON list of them: the first.
  if (reason.starts_with('[')) {
    const std::size_t open = reason.find_first_of("\"'");
    if (open == string_view::npos) return {};
    const std::size_t close = reason.find(reason[open], open + 1);
    if (close == string_view::npos) return {};
    reason = reason.substr(open + 1, close - open - 1);
  }
  const std::string word = Lower(reason);
  return std::string(Translate(kFinishReasons, word));
}

bool IsModelCall(const model::Span& span) { return !Operation(span).empty(); }

Call MakeCall(const model::Span& span) {
  const model::Attributes& a = span.attributes;
  Call call;
  call.ts = span.start_ns;
  call.end_ts = span.end_ns > span.start_ns ? span.end_ns : span.start_ns;
  call.trace_id = span.trace_id;
  call.span_id = span.span_id;
  call.parent_span_id = span.parent_span_id;
  call.kind = IsEngine(span) ? "engine" : IsGateway(span) ? "gateway" : "caller";
  call.operation = Operation(span);
  call.provider = ProviderName(Find(a, Field::provider));
  call.service = span.service;
  call.origin = span.origin;
  call.server_address = Find(a, Field::server_address);
  call.server_port = Find(a, Field::server_port);
  call.tenant = FindAnywhere(span, Field::tenant);
  call.team = FindAnywhere(span, Field::team);
  call.stream = IsTrue(Find(a, Field::stream)) ||
                a.get("ai.operationId").find(".doStream") != string_view::npos;
  call.finish_reason = NormalFinishReason(Find(a, Field::finish_reason));
  call.response_id = Find(a, Field::response_id);
  if (call.kind == "engine") {
    call.engine = span.resource.get("service.instance.id");
    if (call.response_id.empty()) {
      const string_view id = Find(a, Field::request_id);
      call.response_id = ApiId(id);
      if (call.response_id != id) call.attributes.set("request_id", id);
    }
  }
  std::string asked(Find(a, Field::request_model));
  FillFromBodies(span, &call, &asked);
  const string_view answered = Find(a, Field::response_model);
  call.model = asked.empty() ? std::string(answered) : asked;
  if (!answered.empty() && answered != call.model) call.attributes.set("response_model", answered);
  if (const string_view original = Find(a, Field::original_model);
      !original.empty() && original != call.model) {
    call.attributes.set("original_model", original);
  }
  if (const string_view n = Find(a, Field::choices); !n.empty() && n != "1")
    call.attributes.set("choices", n);
  FillTokens(span, &call);
  FillTimes(span, &call);
  FillStatus(span, &call);
  const bool generates = call.operation == "chat" || call.operation == "text_completion" ||
                         call.operation == "generate_content";
  if (call.kind == "caller" && generates && call.status == "ok" && !call.response_id.empty() &&
      call.finish_reason.empty() && !call.output_tokens) {
    // An answer began and neither its reason to end nor its usage came: the stream was closed
    // early. JoinCalls takes it back where this service never tells how its answers end.
    call.status = "aborted";
    call.attributes.set("unfinished", "no finish reason and no usage");
  }
  return call;
}

}  // namespace strata::l7_genai
