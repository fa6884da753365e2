// SPDX-License-Identifier: Apache-2.0
// The dialects of GenAI spans as data: OpenTelemetry (current and up to 1.36), OpenInference,
// OpenLLMetry, LiteLLM, the Vercel AI SDK, vLLM and SGLang. Constant; a renamed attribute is one
// line. Order within a field is preference.
#pragma once

#include <string_view>

namespace strata::l7_genai {

enum class Field : unsigned char {
  provider,
  operation,
  request_model,
  response_model,
  original_model,
  input_tokens,
  output_tokens,
  cached_tokens,
  cache_write_tokens,
  reasoning_tokens,
  finish_reason,
  stream,
  choices,
  response_id,
  request_id,
  ttft,
  queue,
  prefill,
  decode,
  e2e,
  tenant,
  team,
  error_type,
  server_address,
  server_port,
};

struct Alias {
  Field field;
  std::string_view name;
  double scale = 1;  // numbers only
};

inline constexpr Alias kAliases[] = {
    {Field::provider, "gen_ai.provider.name"},
    {Field::provider, "gen_ai.system"},      // until 1.37
    {Field::provider, "llm.provider"},       // OpenInference: who hosts
    {Field::provider, "llm.system"},         // OpenInference: whose family
    {Field::provider, "llm.vendor"},         // OpenLLMetry, old
    {Field::provider, "ai.model.provider"},  // Vercel
    {Field::operation, "gen_ai.operation.name"},
    {Field::operation, "llm.request.type"},            // OpenLLMetry, LiteLLM
    {Field::original_model, "gen_ai.original.model"},  // Envoy AI Gateway: before its override
    {Field::request_model, "gen_ai.request.model"},
    {Field::request_model, "llm.request.model_name"},
    {Field::request_model, "llm.request.model"},
    {Field::request_model, "ai.model.id"},
    {Field::response_model, "gen_ai.response.model"},
    {Field::response_model, "llm.response.model_name"},
    {Field::response_model, "llm.response.model"},
    {Field::response_model, "llm.model_name"},
    {Field::response_model, "embedding.model_name"},
    {Field::response_model, "ai.response.model"},
    {Field::input_tokens, "gen_ai.usage.input_tokens"},
    {Field::input_tokens, "gen_ai.usage.prompt_tokens"},  // until 1.27; vLLM, SGLang
    {Field::input_tokens, "llm.token_count.prompt"},
    {Field::input_tokens, "llm.usage.prompt_tokens"},
    {Field::input_tokens, "ai.usage.inputTokens"},
    {Field::input_tokens, "ai.usage.promptTokens"},
    {Field::input_tokens, "ai.usage.tokens"},  // Vercel embeddings
    {Field::output_tokens, "gen_ai.usage.output_tokens"},
    {Field::output_tokens, "gen_ai.usage.completion_tokens"},
    {Field::output_tokens, "llm.token_count.completion"},
    {Field::output_tokens, "llm.usage.completion_tokens"},
    {Field::output_tokens, "ai.usage.outputTokens"},
    {Field::output_tokens, "ai.usage.completionTokens"},
    {Field::cached_tokens, "gen_ai.usage.cache_read.input_tokens"},
    {Field::cached_tokens, "gen_ai.usage.cached_tokens"},
    {Field::cached_tokens, "gen_ai.usage.cache_read_input_tokens"},
    {Field::cached_tokens, "llm.token_count.prompt_details.cache_read"},
    {Field::cached_tokens, "ai.usage.cachedInputTokens"},
    {Field::cache_write_tokens, "gen_ai.usage.cache_creation.input_tokens"},
    {Field::cache_write_tokens, "gen_ai.usage.cache_write.input_tokens"},
    {Field::cache_write_tokens, "gen_ai.usage.cache_creation_input_tokens"},
    {Field::cache_write_tokens, "llm.token_count.prompt_details.cache_write"},
    {Field::cache_write_tokens, "llm.token_count.prompt_details.cache_creation"},
    {Field::reasoning_tokens, "gen_ai.usage.reasoning.output_tokens"},
    {Field::reasoning_tokens, "gen_ai.usage.reasoning_tokens"},
    {Field::reasoning_tokens, "llm.usage.reasoning_tokens"},
    {Field::reasoning_tokens, "llm.token_count.completion_details.reasoning"},
    {Field::reasoning_tokens, "ai.usage.reasoningTokens"},
    {Field::finish_reason, "gen_ai.response.finish_reasons"},
    {Field::finish_reason, "gen_ai.response.finish_reason"},
    {Field::finish_reason, "gen_ai.response.stop_reason"},
    {Field::finish_reason, "llm.finish_reason"},
    {Field::finish_reason, "llm.response.finish_reason"},
    {Field::finish_reason, "llm.response.stop_reason"},
    {Field::finish_reason, "ai.response.finishReason"},
    {Field::stream, "gen_ai.request.stream"},
    {Field::stream, "gen_ai.is_streaming"},
    {Field::stream, "llm.is_streaming"},
    {Field::choices, "gen_ai.request.choice.count"},
    {Field::choices, "gen_ai.request.n"},
    {Field::response_id, "gen_ai.response.id"},
    {Field::response_id, "llm.response.id"},
    {Field::response_id, "ai.response.id"},
    {Field::request_id, "gen_ai.request.id"},  // vLLM, SGLang
    {Field::ttft, "gen_ai.response.time_to_first_chunk"},
    {Field::ttft, "gen_ai.latency.time_to_first_token"},
    {Field::ttft, "gen_ai.server.time_to_first_token"},
    {Field::ttft, "ai.response.msToFirstChunk", 1e-3},
    {Field::queue, "gen_ai.latency.time_in_queue"},
    {Field::prefill, "gen_ai.latency.time_in_model_prefill"},
    {Field::decode, "gen_ai.latency.time_in_model_decode"},
    {Field::e2e, "gen_ai.latency.e2e"},
    {Field::e2e, "ai.response.msToFinish", 1e-3},
    {Field::tenant, "tenant.id"},
    {Field::tenant, "enduser.id"},
    {Field::tenant, "user.id"},
    {Field::tenant, "enduser.pseudo.id"},
    {Field::tenant, "llm.user"},
    {Field::tenant, "metadata.user_api_key_end_user_id"},  // LiteLLM
    {Field::tenant, "traceloop.association.properties.user_id"},
    {Field::tenant, "ai.telemetry.metadata.userId"},
    {Field::team, "team"},
    {Field::team, "team.id"},
    {Field::team, "metadata.user_api_key_team_alias"},
    {Field::team, "metadata.user_api_key_team_id"},
    {Field::error_type, "error.type"},
    {Field::error_type, "exception.type"},
    {Field::server_address, "server.address"},
    {Field::server_address, "net.peer.name"},
    {Field::server_port, "server.port"},
    {Field::server_port, "net.peer.port"},
};

struct Word {
  std::string_view from, to;
};

// OpenTelemetry's spelling of providers. What is not here stays as it is.
inline constexpr Word kProviders[] = {
    {"az.ai.openai", "azure.ai.openai"},
    {"azure.openai", "azure.ai.openai"},
    {"azure", "azure.ai.openai"},
    {"az.ai.inference", "azure.ai.inference"},
    {"aws.anthropic", "aws.bedrock"},
    {"aws", "aws.bedrock"},
    {"bedrock", "aws.bedrock"},
    {"amazon-bedrock", "aws.bedrock"},
    {"gcp.anthropic", "gcp.vertex_ai"},
    {"vertex_ai", "gcp.vertex_ai"},
    {"vertexai", "gcp.vertex_ai"},
    {"google.vertex", "gcp.vertex_ai"},
    {"gemini", "gcp.gemini"},
    {"google.generative-ai", "gcp.gemini"},
    {"xai", "x_ai"},
    {"mistral", "mistral_ai"},
    {"mistralai", "mistral_ai"},
    {"ibm.watson.ai", "ibm.watsonx.ai"},
    {"moonshot", "moonshot_ai"},
    {"hosted_vllm", "vllm"},
};

// Operations of every dialect. An empty `to` is no model call.
inline constexpr Word kOperations[] = {
    {"chat", "chat"},
    {"generate_content", "generate_content"},
    {"text_completion", "text_completion"},
    {"embeddings", "embeddings"},
    {"completion", "text_completion"},
    {"messages", "chat"},
    {"responses", "chat"},
    {"embedding", "embeddings"},
    {"rerank", "rerank"},
    {"image_generation", "image_generation"},
    {"speech", "speech"},
    {"transcription", "transcription"},
    {"translation", "translation"},
    {"fetch_response", ""},
    {"tokenize", ""},
    {"count_tokens", ""},
    {"responses_input_tokens", ""},
    {"retrieval", ""},
    {"execute_tool", ""},
    {"create_agent", ""},
    {"invoke_agent", ""},
    {"invoke_workflow", ""},
    {"plan", ""},
};

// LiteLLM's function names, which say "completion" for a chat.
inline constexpr Word kLitellmOperations[] = {
    {"completion", "chat"},
    {"acompletion", "chat"},
    {"anthropic_messages", "chat"},
    {"aresponses", "chat"},
    {"responses", "chat"},
    {"text_completion", "text_completion"},
    {"atext_completion", "text_completion"},
    {"embedding", "embeddings"},
    {"aembedding", "embeddings"},
    {"rerank", "rerank"},
    {"arerank", "rerank"},
    {"image_generation", "image_generation"},
    {"aimage_generation", "image_generation"},
    {"speech", "speech"},
    {"aspeech", "speech"},
    {"transcription", "transcription"},
    {"atranscription", "transcription"},
};

inline constexpr Word kOpenInferenceKinds[] = {{"LLM", "chat"}, {"EMBEDDING", "embeddings"}};

// Vercel: the inner spans are the calls, the outer ones ("ai.streamText") their sum.
inline constexpr Word kVercelOperations[] = {
    {"ai.generateText.doGenerate", "chat"},   {"ai.streamText.doStream", "chat"},
    {"ai.generateObject.doGenerate", "chat"}, {"ai.streamObject.doStream", "chat"},
    {"ai.embed.doEmbed", "embeddings"},       {"ai.embedMany.doEmbed", "embeddings"},
};

inline constexpr Word kFinishReasons[] = {
    {"end_turn", "stop"},
    {"stop_sequence", "stop"},
    {"completed", "stop"},
    {"max_tokens", "length"},
    {"max_output_tokens", "length"},
    {"model_context_window_exceeded", "length"},
    {"tool_use", "tool_calls"},
    {"tool_call", "tool_calls"},
    {"tool-calls", "tool_calls"},
    {"function_call", "tool_calls"},
    {"content-filter", "content_filter"},
    {"refusal", "content_filter"},
    {"safety", "content_filter"},
    {"aborted", "abort"},
    {"cancelled", "abort"},
    {"canceled", "abort"},
};

// Error types (their last dotted part, without case) with which the client gave up, not the
// service: a cancelled task, a closed generator, a cancelled Go context, an AbortController, a
// broken connection seen by a gateway, HTTP 499.
inline constexpr std::string_view kAbortTypes[] = {
    "cancellederror",
    "generatorexit",
    "keyboardinterrupt",
    "cancelled",
    "canceled",
    "context canceled",
    "contextcanceled",
    "aborterror",
    "aborted",
    "abort",
    "apiuseraborterror",
    "clientdisconnect",
    "clientdisconnected",
    "clientdisconnectederror",
    "client_disconnected",
    "clientclosedrequest",
    "499",
};

}  // namespace strata::l7_genai
