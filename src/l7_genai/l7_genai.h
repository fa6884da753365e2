// SPDX-License-Identifier: Apache-2.0
// The door of L7: what an application asked of a model. Spans of every dialect become calls
// (fragments), calls of one request become one row: the caller's truth about what came of it, the
// engine's about tokens and time. No state.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/status.h"
#include "l7_genai/catalog.gen.h"
#include "model/batch.h"
#include "wire/decode.h"

namespace strata::l7_genai {

// A fragment of a model call, one per span: the columns of table `calls`. Times in ns, durations in
// seconds; an absent number was not told.
struct Call {
  std::int64_t ts = 0, end_ts = 0;
  std::string trace_id, span_id, parent_span_id;
  std::string kind;  // caller | gateway | engine
  std::string
      response_id;     // as the API gave it; an engine's request id without its sequence suffix
  std::string engine;  // engine spans: service.instance.id of their resource
  std::string server_address, server_port;
  std::string model;  // as asked for; as answered where only that is known
  std::string tenant, team, service;
  std::string status;         // ok | error | aborted
  std::string finish_reason;  // stop | length | tool_calls | content_filter | abort | …
  std::string operation;      // chat | text_completion | embeddings | …
  std::string provider;
  std::optional<double> input_tokens, cached_tokens, output_tokens, reasoning_tokens;
  std::optional<double> ttft_s, queue_s, prefill_s, decode_s, e2e_s;
  bool stream = false;
  std::string error_type;
  std::string token_source;      // engine | provider | gateway | estimated; "" without tokens
  model::Attributes attributes;  // what has no column: response_model, unfinished, adjusted, …
  std::string origin;
};

// Is this span one call of a model? Tools, agents, workflows, retrieval and the outer spans of
// frameworks are not: their token sums would count twice.
bool IsModelCall(const model::Span& span);
// What the span tells. For a span that is no model call the answer is meaningless.
Call MakeCall(const model::Span& span);

// One request: the columns of table `requests`. `node`, `ns`, `class_` and `useful` are left to
// whoever closes the minute.
struct Request {
  std::int64_t ts = 0, end_ts = 0;
  std::string trace_id, span_id, response_id;
  std::string engine, node, ns, model, tenant, team, service, operation, provider;
  std::string status, finish_reason, error_type;
  std::optional<double> input_tokens, cached_tokens, output_tokens, reasoning_tokens;
  std::optional<double> queue_s, prefill_s, decode_s, ttft_s, tpot_s, e2e_s;
  bool stream = false;
  std::string retry_of;  // span id of the attempt before
  std::string class_;
  std::optional<double> useful;
  std::string token_source;
  model::Attributes
      attributes;  // disagreement, attempts, ttft_source, gateway, engine_instance, estimate
  std::string origin;
};

struct JoinOptions {
  // Ids of engine entities that are known (host:port of a scrape, service.instance.id …). A request
  // takes the first of its candidates that stands here; without a match the address that was called
  // last, else the engine span's own id.
  std::span<const std::string> known_engines{};
  // ServiceKey of callers that were seen to report how answers end, beyond what the calls at hand
  // show. Only there does an answer without usage and finish reason count as aborted, and it stays
  // so where the engine had finished before it noticed: nobody read that answer to its end.
  std::span<const std::string> reports_end{};
};
std::string ServiceKey(const Call& call);  // service, the address it calls, streamed or not
bool ReportsEnd(const Call& call);         // a caller's span with usage or a finish reason
// One request per caller span, per gateway span without a caller and per engine span without
// either, in order of start. An engine span belongs to the caller whose child it is, else to the
// one of the same trace around it, else to the one with the same response id. Tokens: engine before
// provider before gateway before estimate. Deterministic: the same calls in any order give the same
// requests.
std::vector<Request> JoinCalls(std::span<const Call> calls, const JoinOptions& options = {});

// ---- reading files

// Spans from OTLP/JSON (whole, or one bare span), protobuf printed as JSON (ids in base64), a span
// dump of the JavaScript SDK, or a bare object of attributes; one JSON text or one a line. Damaged
// lines are counted in `refused`. Message content is left out unless context.keep_content. Times
// absent: context.now_ns.
base::Status SpansFromJson(std::string_view text, const wire::Context& context,
                           model::Batch* batch);

bool LooksSpans(std::string_view head);
base::Result<bool> ReadSpans(const base::InputFile& file, const wire::Context& context,
                             model::Batch* batch, base::Json* report);

// A recorded answer stream: SSE of OpenAI chat, completions and Responses, Anthropic Messages;
// Ollama's JSON lines.
struct StreamFacts {
  std::string api;  // openai-chat | openai-completions | openai-responses | anthropic-messages |
                    // ollama-chat
  std::string model, response_id, finish_reason, error;
  std::optional<double> input_tokens, cached_tokens, output_tokens, reasoning_tokens;
  bool complete = false;                // the end that the API defines was seen
  std::uint64_t events = 0;             // data lines, [DONE] among them
  std::uint64_t first_token_event = 0;  // 1-based; 0 = none carried generated content
  std::uint64_t bad_events = 0;
};
base::Status DecodeStream(std::string_view text, StreamFacts* facts);

bool LooksStream(std::string_view head);
base::Result<bool> ReadStream(const base::InputFile& file, const wire::Context& context,
                              model::Batch* batch, base::Json* report);

// Shared by stream and span reading: other words for the reasons that OpenAI's API gives.
std::string NormalFinishReason(std::string_view reason);

}  // namespace strata::l7_genai
