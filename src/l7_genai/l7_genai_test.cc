// SPDX-License-Identifier: Apache-2.0
// Spans of every dialect to calls: the recorded files, and one span per alias, word and way to give
// up.
#include "l7_genai/l7_genai.h"

#include <gtest/gtest.h>

#include "l7_genai/aliases.h"

namespace strata::l7_genai {
namespace {

constexpr std::int64_t kNow = 1'795'600'000'000'000'000;

// All that the file holds, as `read` takes it (.gz too).
model::Batch Read(const std::string& name, base::Json* report, bool keep_content = false) {
  model::Batch batch;
  wire::Context context;
  context.now_ns = kNow;
  context.max_ahead_ns = 0;
  context.keep_content = keep_content;
  const base::Status status = base::ForEachInput(
      std::string(STRATA_SOURCE_DIR) + "/tests/golden/l7/" + name, [&](base::InputFile file) {
        EXPECT_TRUE(LooksSpans(std::string_view(file.bytes).substr(0, 4096))) << file.name;
        const auto read = ReadSpans(file, context, &batch, report);
        return read.ok() ? base::Status::Ok() : read.status();
      });
  EXPECT_TRUE(status.ok()) << name << ": " << status.message();
  return batch;
}

std::vector<Call> Calls(const model::Batch& batch) {
  std::vector<Call> out;
  for (const model::Span& span : batch.spans) {
    if (IsModelCall(span)) out.push_back(MakeCall(span));
  }
  return out;
}

using Tokens = std::optional<double>;

TEST(Files, OneSpanEach) {
  const auto f = [](const std::string& name, Tokens in, Tokens out, Tokens cached, Tokens reasoning,
                    const std::string& model, const std::string& operation,
                    const std::string& finish, const std::string& status, bool stream) {
    base::Json report;
    const auto calls = Calls(Read("otlp_spans/" + name + ".json", &report, true));
    ASSERT_EQ(calls.size(), 1u) << name;
    const Call& c = calls[0];
    EXPECT_EQ(c.kind, "caller") << name;
    EXPECT_EQ(c.input_tokens, in) << name;
    EXPECT_EQ(c.output_tokens, out) << name;
    EXPECT_EQ(c.cached_tokens, cached) << name;
    EXPECT_EQ(c.reasoning_tokens, reasoning) << name;
    EXPECT_EQ(c.model, model) << name;
    EXPECT_EQ(c.operation, operation) << name;
    EXPECT_EQ(c.finish_reason, finish) << name;
    EXPECT_EQ(c.status, status) << name;
    EXPECT_EQ(c.stream, stream) << name;
    EXPECT_EQ(c.token_source, in ? "provider" : "") << name;
    EXPECT_EQ(report["spans"].as_int(), 1) << name;
    EXPECT_EQ(report["calls"].as_int(), 1) << name;
    EXPECT_EQ(report["input_tokens"].is_null(), !in) << name;
  };
  const Tokens none;
  f("openinference-chat-bad-request", none, none, none, none, "gpt-5-nano", "chat", "", "error",
    false);
  f("openinference-chat-basic", 8, 377, 0, 320, "gpt-5-nano", "chat", "stop", "ok", false);
  f("openinference-chat-detailed-usage", 12, 100, 0, 100, "gpt-5-nano", "chat", "length", "ok",
    false);
  f("openinference-chat-reasoning", 27, 267, 0, 192, "gpt-5-nano", "chat", "stop", "ok", false);
  f("openinference-chat-streaming-detailed-usage", 12, 100, 0, 100, "gpt-5-nano", "chat", "length",
    "ok", true);
  f("openinference-chat-tools", 162, 287, 0, 256, "gpt-5-nano", "chat", "tool_calls", "ok", false);
  f("openinference-completion-basic", 31, 25, none, none, "babbage-002", "text_completion",
    "length", "ok", false);
  f("openinference-completion-streaming-usage", 31, 25, none, none, "babbage-002",
    "text_completion", "length", "ok", true);
  f("openinference-embeddings-basic", 7, none, none, none, "text-embedding-3-small", "embeddings",
    "", "ok", false);
  f("otel_genai_client_span_tool_calls", 97, 52, none, none, "gpt-4", "chat", "stop", "ok", false);
  f("vercel-v6-ai-streamText-doStream", 15, 112, 0, 0, "gpt-4o-mini", "chat", "stop", "ok", true);
}

TEST(Files, StreamWithoutUsageKeepsItsTokensUntold) {
  base::Json report;
  const auto calls = Calls(Read("otlp_spans/openinference-chat-streaming.json", &report, true));
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_FALSE(calls[0].input_tokens || calls[0].output_tokens);
  EXPECT_TRUE(calls[0].stream);
  EXPECT_TRUE(report["output_tokens"].is_null());
}

TEST(Files, AToolIsNoModelCall) {
  base::Json report;
  const model::Batch batch = Read("otlp_spans/otel_genai_tool_execution_span.json", &report);
  EXPECT_EQ(batch.spans.size(), 1u);
  EXPECT_TRUE(Calls(batch).empty());
}

TEST(Files, DetailsOfTheVercelSpan) {
  base::Json report;
  const auto calls = Calls(Read("otlp_spans/vercel-v6-ai-streamText-doStream.json", &report));
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].provider, "openai");
  EXPECT_NEAR(calls[0].ttft_s.value_or(0), 0.4268535, 1e-9);
  EXPECT_NEAR(calls[0].e2e_s.value_or(0), 5.386307375, 1e-6);
  EXPECT_EQ(calls[0].trace_id, "478d4dcc697ecfabc5e7a3d6e4216291");
  EXPECT_EQ(calls[0].ts, 1770132000598000000);
  EXPECT_EQ(calls[0].attributes.get("response_model"), "gpt-4o-mini-2024-07-18");
}

TEST(Files, ContentStaysOutAndTheRestIsTheSame) {
  base::Json with, without;
  const auto full = Calls(Read("otlp_spans/openinference-chat-basic.json", &with, true));
  const model::Batch bare = Read("otlp_spans/openinference-chat-basic.json", &without);
  for (const auto& [key, value] : bare.spans.at(0).attributes) {
    EXPECT_EQ(value.find("Hello!"), std::string::npos) << key;
    EXPECT_EQ(value.find("How can I help"), std::string::npos) << key;
  }
  const auto calls = Calls(bare);
  EXPECT_EQ(calls.at(0).output_tokens, full.at(0).output_tokens);
  EXPECT_EQ(calls.at(0).model, full.at(0).model);
}

TEST(Live, OpenAiClient) {
  base::Json report;
  const auto calls = Calls(Read("client-default.jsonl", &report));
  ASSERT_EQ(calls.size(), 6u);
  EXPECT_EQ(report["requests"].as_int(), 6);
  EXPECT_EQ(report["ok"].as_int(), 2);
  EXPECT_EQ(report["error"].as_int(), 3);
  EXPECT_EQ(report["aborted"].as_int(), 1);
  EXPECT_EQ(report["input_tokens"].as_int(), 54);
  EXPECT_EQ(calls[0].finish_reason, "length");
  EXPECT_EQ(calls[0].provider, "openai");
  EXPECT_EQ(calls[0].server_address, "127.0.0.1");
  EXPECT_EQ(calls[0].server_port, "18000");
  EXPECT_EQ(calls[0].trace_id.size(), 32u);
  EXPECT_EQ(calls[0].trace_id, "209cf1782f8d1b50059ceead4cb60a28");  // base64 in the file
  EXPECT_EQ(calls[0].span_id, "0abeb1d5d087ffa1");
  EXPECT_EQ(calls[2].status, "aborted");  // closed early: no usage, no error status
  EXPECT_EQ(calls[3].error_type, "NotFoundError");
  EXPECT_EQ(calls[4].error_type, "BadRequestError");
  EXPECT_EQ(calls[5].error_type, "APIConnectionError");
}

TEST(Live, LiteLlmIsAGatewayWithFiveCalls) {
  base::Json report;
  const auto calls = Calls(Read("litellm.jsonl.gz", &report));
  ASSERT_EQ(calls.size(), 5u);
  int ok = 0, streams = 0;
  double input = 0, output = 0;
  for (const Call& c : calls) {
    EXPECT_EQ(c.kind, "gateway");
    EXPECT_EQ(c.operation, "chat");
    EXPECT_EQ(c.model, "tiny");
    ok += c.status == "ok";
    streams += c.stream;
    input += c.input_tokens.value_or(0);
    output += c.output_tokens.value_or(0);
    EXPECT_EQ(c.finish_reason, c.status == "ok" ? "length" : "");
    EXPECT_EQ(c.token_source, c.status == "ok" ? "gateway" : "");
  }
  EXPECT_EQ(ok, 4);
  EXPECT_EQ(streams, 1);
  EXPECT_EQ(input, 48);
  EXPECT_EQ(output, 48);
}

TEST(Live, VllmEngineSpans) {
  base::Json report;
  const auto calls = Calls(Read("vllm.jsonl.gz", &report));
  ASSERT_EQ(calls.size(), 40u);
  for (const Call& c : calls) {
    EXPECT_EQ(c.kind, "engine");
    EXPECT_EQ(c.status, "ok");
    EXPECT_TRUE(c.queue_s && c.prefill_s && c.decode_s && c.ttft_s && c.e2e_s && c.input_tokens &&
                c.output_tokens);
    EXPECT_EQ(c.engine.size(), 36u);
    EXPECT_EQ(c.token_source, "engine");
    EXPECT_FALSE(c.response_id.ends_with("-0")) << c.response_id;
  }
  EXPECT_EQ(report["requests"].as_int() <= 40, true);
}

model::Span Span(model::Attributes attributes) {
  model::Span span;
  span.trace_id = "11111111111111111111111111111111";
  span.span_id = "2222222222222222";
  span.start_ns = kNow;
  span.end_ns = kNow + 2'000'000'000;
  span.status = "Unset";
  span.attributes = std::move(attributes);
  return span;
}

TEST(Aliases, EveryNameReachesItsField) {
  const auto number = [](const Call& c, Field field) -> Tokens {
    switch (field) {
      case Field::input_tokens: return c.input_tokens;
      case Field::output_tokens: return c.output_tokens;
      case Field::cached_tokens: return c.cached_tokens;
      case Field::reasoning_tokens: return c.reasoning_tokens;
      case Field::ttft: return c.ttft_s;
      case Field::queue: return c.queue_s;
      case Field::prefill: return c.prefill_s;
      case Field::decode: return c.decode_s;
      default: return std::nullopt;
    }
  };
  const auto text = [](const Call& c, Field field) -> std::string {
    switch (field) {
      case Field::provider: return c.provider;
      case Field::request_model:
      case Field::response_model: return c.model;
      case Field::finish_reason: return c.finish_reason;
      case Field::response_id: return c.response_id;
      case Field::tenant: return c.tenant;
      case Field::team: return c.team;
      case Field::error_type: return c.error_type;
      case Field::server_address: return c.server_address;
      case Field::server_port: return c.server_port;
      default: return {};
    }
  };
  int tried = 0;
  for (const Alias& alias : kAliases) {
    const Call n = MakeCall(Span({{std::string(alias.name), "25"}}));
    if (number(n, alias.field)) {
      EXPECT_DOUBLE_EQ(*number(n, alias.field), 25 * alias.scale) << alias.name;
      ++tried;
      continue;
    }
    const Call t = MakeCall(Span({{std::string(alias.name), "word"}}));
    if (text(t, alias.field).empty()) continue;
    EXPECT_EQ(text(t, alias.field), "word") << alias.name;
    ++tried;
  }
  EXPECT_GE(tried, 65);
  // The preferred name wins.
  EXPECT_EQ(
      MakeCall(Span({{"gen_ai.usage.input_tokens", "5"}, {"gen_ai.usage.prompt_tokens", "6"}}))
          .input_tokens,
      5);
  EXPECT_EQ(MakeCall(Span({{"gen_ai.usage.input_tokens", "-5"}})).input_tokens, std::nullopt);
  EXPECT_EQ(MakeCall(Span({{"gen_ai.usage.input_tokens", "many"}})).input_tokens, std::nullopt);
}

TEST(Calls, WhatIsOneAndWhatIsNot) {
  const auto f = [](model::Attributes attributes, bool want, const std::string& operation = {}) {
    const model::Span span = Span(attributes);
    EXPECT_EQ(IsModelCall(span), want) << attributes.text();
    EXPECT_EQ(want ? MakeCall(span).operation : operation, operation) << attributes.text();
  };
  f({{"gen_ai.operation.name", "chat"}, {"gen_ai.request.model", "m"}}, true, "chat");
  f({{"gen_ai.operation.name", "generate_content"}, {"gen_ai.request.model", "m"}}, true,
    "generate_content");
  f({{"gen_ai.operation.name", "embeddings"}, {"gen_ai.request.model", "m"}}, true, "embeddings");
  f({{"gen_ai.operation.name", "completion"}, {"gen_ai.request.model", "m"}}, true,
    "text_completion");
  f({{"gen_ai.operation.name", "chat"}}, false);  // names neither model nor tokens
  for (const char* no : {"execute_tool", "invoke_agent", "create_agent", "invoke_workflow",
                         "retrieval", "tokenize"}) {
    f({{"gen_ai.operation.name", no},
       {"gen_ai.request.model", "m"},
       {"gen_ai.usage.input_tokens", "9"}},
      false);
  }
  f({{"openinference.span.kind", "LLM"}}, true, "chat");
  f({{"openinference.span.kind", "EMBEDDING"}}, true, "embeddings");
  f({{"openinference.span.kind", "CHAIN"}, {"llm.token_count.prompt", "9"}}, false);
  f({{"openinference.span.kind", "AGENT"}, {"llm.token_count.prompt", "9"}}, false);
  f({{"traceloop.span.kind", "workflow"},
     {"gen_ai.request.model", "m"},
     {"gen_ai.system", "openai"}},
    false);
  f({{"llm.request.type", "chat"}, {"gen_ai.system", "openai"}, {"gen_ai.request.model", "m"}},
    true, "chat");
  f({{"gen_ai.system", "openai"}, {"gen_ai.request.model", "m"}}, true,
    "chat");  // before operation.name
  f({{"ai.operationId", "ai.streamText"}, {"ai.usage.inputTokens", "9"}, {"ai.model.id", "m"}},
    false);
  f({{"ai.operationId", "ai.embed.doEmbed"}, {"ai.model.id", "m"}}, true, "embeddings");
  f({{"http.request.method", "POST"}}, false);
  f({}, false);
}

TEST(Calls, Words) {
  const auto provider = [](const char* raw, const std::string& want) {
    EXPECT_EQ(MakeCall(Span({{"gen_ai.system", raw}})).provider, want) << raw;
  };
  provider("az.ai.openai", "azure.ai.openai");
  provider("vertex_ai", "gcp.vertex_ai");
  provider("xai", "x_ai");
  provider("openai.responses", "openai");
  provider("OpenAI", "openai");
  provider("hosted_vllm", "vllm");
  provider("my-own", "my-own");
  const auto finish = [](const char* raw, const std::string& want) {
    EXPECT_EQ(NormalFinishReason(raw), want) << raw;
  };
  finish("[\"stop\"]", "stop");
  finish("['length']", "length");
  finish("[\"max_tokens\",\"stop\"]", "length");
  finish("end_turn", "stop");
  finish("tool_use", "tool_calls");
  finish("[]", "");
  finish("", "");
}

TEST(Calls, StatusErrorAndGivingUp) {
  const auto f = [](model::Attributes more, const std::string& span_status,
                    const std::string& message, const std::string& want) {
    model::Attributes attributes = {{"gen_ai.operation.name", "chat"},
                                    {"gen_ai.request.model", "m"}};
    for (const auto& [k, v] : more) attributes.set(k, v);
    model::Span span = Span(attributes);
    span.status = span_status;
    span.status_message = message;
    EXPECT_EQ(MakeCall(span).status, want) << attributes.text() << message;
  };
  f({}, "Unset", "", "ok");
  f({}, "Error", "boom", "error");
  f({{"error.type", "RateLimitError"}}, "Error", "", "error");
  f({{"error.type", "APITimeoutError"}}, "Error", "",
    "error");  // the service was too slow: its fault
  f({{"http.response.status_code", "503"}}, "Unset", "", "error");
  f({{"http.response.status_code", "200"}}, "Ok", "", "ok");
  f({{"http.response.status_code", "499"}}, "Unset", "", "aborted");
  f({{"error.type", "CancelledError"}}, "Error", "", "aborted");
  f({{"error.type", "asyncio.exceptions.CancelledError"}}, "Error", "", "aborted");
  f({{"error.type", "GeneratorExit"}}, "Error", "", "aborted");
  f({{"error.type", "AbortError"}}, "Error", "", "aborted");
  f({}, "Error", "Post \"http://x\": context canceled", "aborted");
  f({{"gen_ai.response.finish_reasons", "[\"abort\"]"}}, "Unset", "", "aborted");
  // An answer that began and never told how it ended.
  f({{"gen_ai.response.id", "r"}}, "Unset", "", "aborted");
  f({{"gen_ai.response.id", "r"}, {"gen_ai.usage.output_tokens", "3"}}, "Unset", "", "ok");
  f({{"gen_ai.response.id", "r"}, {"gen_ai.response.finish_reasons", "[\"stop\"]"}}, "Unset", "",
    "ok");
  model::Span span = Span({{"gen_ai.operation.name", "chat"}, {"gen_ai.request.model", "m"}});
  span.status = "Error";
  span.events.push_back({kNow, "exception", {{"exception.type", "asyncio.CancelledError"}}});
  EXPECT_EQ(MakeCall(span).status, "aborted");
  EXPECT_EQ(MakeCall(span).error_type, "asyncio.CancelledError");
}

TEST(Calls, AnthropicCountsTheCacheApart) {
  const Call c = MakeCall(Span({{"gen_ai.usage.input_tokens", "4"},
                                {"gen_ai.usage.cache_read_input_tokens", "1165"},
                                {"gen_ai.usage.output_tokens", "221"}}));
  EXPECT_EQ(c.input_tokens, 1169);
  EXPECT_TRUE(c.attributes.has("adjusted"));
  const Call inside = MakeCall(
      Span({{"gen_ai.usage.input_tokens", "1169"}, {"gen_ai.usage.cached_tokens", "1165"}}));
  EXPECT_EQ(inside.input_tokens, 1169);
  EXPECT_FALSE(inside.attributes.has("adjusted"));
}

TEST(Files, Damage) {
  const auto f = [](const std::string& text, bool ok, std::size_t spans, std::uint64_t refused) {
    model::Batch batch;
    wire::Context context;
    context.now_ns = kNow;
    EXPECT_EQ(SpansFromJson(text, context, &batch).ok(), ok) << text;
    EXPECT_EQ(batch.spans.size(), spans) << text;
    EXPECT_EQ(batch.refused.count(base::Reason::malformed), refused) << text;
  };
  const std::string good = R"({"gen_ai.operation.name":"chat","gen_ai.request.model":"m"})";
  f("", false, 0, 0);
  f("{", false, 0, 0);
  f("[]", false, 0, 0);
  f("{\"a\":1}", false, 0, 0);
  f(good, true, 1, 0);
  f(good + "\n" + good, true, 2, 0);
  f(good + "\n{\"cut\":", true, 1, 1);
  f(R"({"resourceSpans":7})", false, 0, 0);
  f(R"({"name":"x","attributes":[{"key":1},{"value":{}}]})", true, 0, 1);
}

}  // namespace
}  // namespace strata::l7_genai
