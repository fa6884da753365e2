// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l7_genai/catalog.yaml: edit that file. Constant tables, any thread.
#include "l7_genai/catalog.gen.h"

namespace strata::l7_genai {
namespace {

using model::Form;
using model::Kind;

constexpr model::AttributeRule kRules1[] = {{"gen_ai.token.type", "input"}};
constexpr model::AttributeRule kRules2[] = {{"gen_ai.token.type", "output"}};
constexpr model::SourceName kSources1[] = {
    {"otel_genai_next", "gen_ai.client.inference.operation.input_tokens", 1, Form::value, "", {}, kRules1},
    {"otel_genai_next", "gen_ai.client.inference.operation.output_tokens", 1, Form::value, "", {}, kRules2},
    {"otel_prometheus", "gen_ai_client_token_usage", 1, Form::value, "", {}, {}},
    {"otel_prometheus", "gen_ai_client_token_usage_token", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources2[] = {
    {"otel_genai_next", "gen_ai.client.inference.duration", 1, Form::value, "", {}, {}},
    {"litellm_otel", "gen_ai.client.response.duration", 1, Form::value, "", {}, {}},
    {"otel_prometheus", "gen_ai_client_operation_duration_seconds", 1, Form::value, "", {}, {}},
    {"otel_prometheus", "gen_ai_client_operation_duration", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources3[] = {
    {"otel_genai_next", "gen_ai.client.inference.time_to_first_chunk", 1, Form::value, "", {}, {}},
    {"litellm_otel", "gen_ai.client.response.time_to_first_token", 1, Form::value, "", {}, {}},
    {"otel_prometheus", "gen_ai_client_operation_time_to_first_chunk_seconds", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources4[] = {
    {"otel_genai_next", "gen_ai.client.inference.time_per_output_chunk", 1, Form::value, "", {}, {}},
    {"litellm_otel", "gen_ai.client.response.time_per_output_token", 1, Form::value, "", {}, {}},
    {"otel_prometheus", "gen_ai_client_operation_time_per_output_chunk_seconds", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources5[] = {
    {"otel_genai_next", "gen_ai.client.inference.usage.input_tokens", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources6[] = {
    {"otel_genai_next", "gen_ai.client.inference.usage.output_tokens", 1, Form::value, "", {}, {}},
};
constexpr model::AttributeRule kRules3[] = {{"what", "read"}};
constexpr model::AttributeRule kRules4[] = {{"what", "write"}};
constexpr model::SourceName kSources7[] = {
    {"otel_genai_next", "gen_ai.client.inference.usage.cache_read.input_tokens", 1, Form::value, "", {}, kRules3},
    {"otel_genai_next", "gen_ai.client.inference.usage.cache_write.input_tokens", 1, Form::value, "", {}, kRules4},
};
constexpr model::SourceName kSources8[] = {
    {"otel_genai_next", "gen_ai.client.inference.usage.reasoning.output_tokens", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources9[] = {
    {"openllmetry", "llm.chat_completions.streaming_time_to_generate", 1, Form::value, "", {}, {}},
};
constexpr model::AttributeRule kRules5[] = {{"gen_ai.provider.name", "openai"}};
constexpr model::AttributeRule kRules6[] = {{"gen_ai.provider.name", "anthropic"}};
constexpr model::SourceName kSources10[] = {
    {"openllmetry", "llm.openai.chat_completions.exceptions", 1, Form::value, "", {}, kRules5},
    {"openllmetry", "llm.anthropic.completion.exceptions", 1, Form::value, "", {}, kRules6},
};
constexpr model::SourceName kSources11[] = {
    {"litellm_proxy", "litellm_request_total_latency_metric", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources12[] = {
    {"litellm_proxy", "litellm_llm_api_latency_metric", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources13[] = {
    {"litellm_proxy", "litellm_overhead_latency_metric", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources14[] = {
    {"litellm_proxy", "litellm_proxy_total_requests_metric_total", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources15[] = {
    {"litellm_proxy", "litellm_proxy_failed_requests_metric_total", 1, Form::value, "", {}, {}},
};
constexpr model::AttributeRule kRules7[] = {{"outcome", "success"}};
constexpr model::AttributeRule kRules8[] = {{"outcome", "failure"}};
constexpr model::SourceName kSources16[] = {
    {"litellm_proxy", "litellm_deployment_success_responses_total", 1, Form::value, "", {}, kRules7},
    {"litellm_proxy", "litellm_deployment_failure_responses_total", 1, Form::value, "", {}, kRules8},
};
constexpr model::SourceName kSources17[] = {
    {"litellm_proxy", "litellm_input_tokens_metric_total", 1, Form::value, "", {}, kRules1},
    {"litellm_proxy", "litellm_input_tokens_total", 1, Form::value, "", {}, kRules1},
    {"litellm_proxy", "litellm_output_tokens_metric_total", 1, Form::value, "", {}, kRules2},
    {"litellm_proxy", "litellm_output_tokens_total", 1, Form::value, "", {}, kRules2},
};
constexpr model::SourceName kSources18[] = {
    {"litellm_proxy", "litellm_spend_metric_total", 1, Form::value, "", {}, {}},
};
constexpr std::string_view kPrefixes1[] = {"gen_ai.client.inference."};
constexpr std::string_view kPrefixes2[] = {"gen_ai.client.response.", "gen_ai.client.token.cost"};
constexpr std::string_view kPrefixes3[] = {"llm."};
constexpr model::LabelRule kLabels1[] = {{"gen_ai.system", "gen_ai.provider.name"}};
constexpr std::string_view kPrefixes4[] = {"gen_ai_client_"};
constexpr model::LabelRule kLabels2[] = {
    {"gen_ai_request_model", "gen_ai.request.model"},
    {"gen_ai_response_model", "gen_ai.response.model"},
    {"gen_ai_token_type", "gen_ai.token.type"},
    {"gen_ai_provider_name", "gen_ai.provider.name"},
    {"gen_ai_system", "gen_ai.provider.name"},
    {"gen_ai_operation_name", "gen_ai.operation.name"},
    {"error_type", "error.type"},
};
constexpr std::string_view kPrefixes5[] = {"litellm_"};
constexpr model::LabelRule kLabels3[] = {
    {"model", "gen_ai.response.model"},
    {"requested_model", "gen_ai.request.model"},
    {"api_provider", "gen_ai.provider.name"},
    {"team", "team"},
    {"end_user", "tenant.id"},
};
constexpr model::Signal kSignals1[] = {
    {"gen_ai.client.token.usage", "{token}", Kind::histogram, "service", "", {}, "tokens of a call (attribute gen_ai.token.type = input, output)", kSources1, {}},
    {"gen_ai.client.operation.duration", "s", Kind::histogram, "service", "", {}, "time of a call as the caller saw it", kSources2, {}, 0, 1000000000000},
    {"gen_ai.client.operation.time_to_first_chunk", "s", Kind::histogram, "service", "", {}, "time from the call to the first chunk of its answer as the caller saw it", kSources3, {}, 0, 1000000000000},
    {"gen_ai.client.operation.time_per_output_chunk", "s", Kind::histogram, "service", "", {}, "time between chunks of an answer as the caller saw it", kSources4, {}, 0, 1000000000000},
    {"gen_ai.client.input_tokens", "{token}", Kind::counter, "service", "", {}, "input tokens of all calls", kSources5, {}, 0, model::kFinite},
    {"gen_ai.client.output_tokens", "{token}", Kind::counter, "service", "", {}, "output tokens of all calls", kSources6, {}, 0, model::kFinite},
    {"gen_ai.client.cached_tokens", "{token}", Kind::counter, "service", "", {}, "input tokens of all calls that came from or went to a provider's cache (attribute what = read, write)", kSources7, {}, 0, model::kFinite},
    {"gen_ai.client.reasoning_tokens", "{token}", Kind::counter, "service", "", {}, "output tokens of all calls spent on reasoning", kSources8, {}, 0, model::kFinite},
    {"gen_ai.client.token.cost", "USD", Kind::histogram, "service", "", {}, "what a gateway or library says a call cost; not our ledger", {}, {}},
    {"gen_ai.client.generation.choices", "{choice}", Kind::counter, "service", "", {}, "answers asked for in one call", {}, {}, 0, model::kFinite},
    {"gen_ai.client.streaming.time_to_generate", "s", Kind::histogram, "service", "", {}, "time from the first to the last chunk of an answer", kSources9, {}, 0, 1000000000000},
    {"gen_ai.client.exceptions", "{exception}", Kind::counter, "service", "", {}, "calls that ended in an exception of the library", kSources10, {}, 0, model::kFinite},
    {"gen_ai.server.request.duration", "s", Kind::histogram, "service", "", {}, "time of a call as a server or gateway saw it", {}, {}, 0, 1000000000000},
    {"gen_ai.server.time_to_first_token", "s", Kind::histogram, "service", "", {}, "time to the first token as a server or gateway saw it", {}, {}, 0, 1000000000000},
    {"gen_ai.server.time_per_output_token", "s", Kind::histogram, "service", "", {}, "time per output token after the first as a server or gateway saw it", {}, {}, 0, 1000000000000},
    {"gateway.request.duration", "s", Kind::histogram, "service", "", {}, "time of a call as the gateway saw it", kSources11, {}, 0, 1000000000000},
    {"gateway.upstream.duration", "s", Kind::histogram, "service", "", {}, "time the provider or engine behind the gateway took", kSources12, {}, 0, 1000000000000},
    {"gateway.overhead.duration", "s", Kind::histogram, "service", "", {}, "time the gateway itself added", kSources13, {}, 0, 1000000000000},
    {"gateway.requests", "{request}", Kind::counter, "service", "", {}, "calls that came to the gateway", kSources14, {}, 0, model::kFinite},
    {"gateway.requests.failed", "{request}", Kind::counter, "service", "", {}, "calls the gateway answered with an error", kSources15, {}, 0, model::kFinite},
    {"gateway.upstream.requests", "{request}", Kind::counter, "service", "", {}, "calls to the providers behind the gateway by outcome (attribute outcome = success, failure)", kSources16, {}, 0, model::kFinite},
    {"gateway.tokens", "{token}", Kind::counter, "service", "", {}, "tokens the gateway counted (attribute gen_ai.token.type)", kSources17, {}, 0, model::kFinite},
    {"gateway.spend", "USD", Kind::counter, "service", "", {}, "what the gateway says the calls cost; a replay from its response cache counts in full", kSources18, {}, 0, model::kFinite},
    {"change.slo", "{event}", Kind::event, "model", "", {}, "an objective for latency or errors changed", {}, {}},
};
constexpr model::Adapter kAdapters1[] = {
    {"otel_genai_next", kPrefixes1, {}, {}, "", {}},
    {"litellm_otel", kPrefixes2, {}, {}, "", {}},
    {"openllmetry", kPrefixes3, {}, kLabels1, "", {}},
    {"otel_prometheus", kPrefixes4, {}, kLabels2, "", {}},
    {"litellm_proxy", kPrefixes5, {}, kLabels3, "", {}},
};

constexpr model::Catalog kCatalog = {"l7_genai", "GenAI API",
                                     "What did an application ask of a model, and what did it get?",
                                     kSignals1, kAdapters1};

}  // namespace

const model::Catalog& catalog() { return kCatalog; }

}  // namespace strata::l7_genai
