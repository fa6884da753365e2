// SPDX-License-Identifier: Apache-2.0
// Recorded answer streams of five APIs, whole and cut off at every byte.
#include <gtest/gtest.h>

#include "l7_genai/l7_genai.h"

namespace strata::l7_genai {
namespace {

using Tokens = std::optional<double>;

std::string Golden(const std::string& name) {
  auto text = base::ReadFile(std::string(STRATA_SOURCE_DIR) + "/tests/golden/l7/streams/" + name);
  EXPECT_TRUE(text.ok()) << text.status().message();
  return text.ok() ? *text : std::string();
}

TEST(Stream, Recorded) {
  const auto f = [](const std::string& name, const std::string& api, const std::string& model,
                    Tokens in, Tokens cached, Tokens out, Tokens reasoning,
                    const std::string& finish, std::uint64_t events) {
    const std::string text = Golden(name);
    EXPECT_TRUE(LooksStream(text)) << name;
    model::Batch batch;
    base::Json report;
    const auto read = ReadStream({name, text}, {}, &batch, &report);
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_EQ(report["report"].as_string(), "stream");
    EXPECT_EQ(report["api"].as_string(), api) << name;
    EXPECT_EQ(report["model"].as_string(), model) << name;
    const auto number = [&](const char* key, const Tokens& want) {
      EXPECT_EQ(report[key].is_null(), !want) << name << " " << key;
      EXPECT_EQ(report[key].as_double(-1), want.value_or(-1)) << name << " " << key;
    };
    number("input_tokens", in);
    number("cached_tokens", cached);
    number("output_tokens", out);
    number("reasoning_tokens", reasoning);
    EXPECT_EQ(report["finish_reason"].as_string(), finish) << name;
    EXPECT_TRUE(report["complete"].as_bool()) << name;
    EXPECT_EQ(static_cast<std::uint64_t>(report["events"].as_int()), events) << name;
    EXPECT_GT(report["first_token_event"].as_int(), 0) << name;
  };
  const Tokens none;
  f("anthropic_stream.response.sse", "anthropic-messages", "claude-3-haiku-20240307", 17, none, 171,
    none, "stop", 76);
  f("anthropic_stream_cache_read.response.sse", "anthropic-messages", "claude-3-5-sonnet-20240620",
    1169, 1165, 221, none, "stop", 46);
  f("anthropic_stream_cache_write.response.sse", "anthropic-messages", "claude-3-5-sonnet-20240620",
    1169, 0, 201, none, "stop", 39);
  f("ollama_chat_stream.response.ndjson", "ollama-chat", "llama3", 17, none, 50, none, "stop", 50);
  f("openai_chat_stream_2choices.response.sse", "openai-chat", "gpt-4o-mini-2024-07-18", 26, 0, 104,
    0, "stop", 110);
  f("openai_chat_stream_tools.response.sse", "openai-chat", "gpt-4o-mini-2024-07-18", 75, 0, 51, 0,
    "tool_calls", 19);
  f("openai_chat_stream_usage.response.sse", "openai-chat", "gpt-4-0613", 12, 0, 5, 0, "stop", 9);
  f("openai_responses_stream.response.sse", "openai-responses", "gpt-4o-mini-2024-07-18", 22, 0, 6,
    0, "stop", 13);
  f("vllm_completions_stream.response.sse", "openai-completions", "facebook/opt-125m", none, none,
    none, none, "length", 21);
}

TEST(Stream, CutOffIsNotComplete) {
  for (const char* name :
       {"anthropic_stream.response.sse", "openai_chat_stream_usage.response.sse",
        "openai_responses_stream.response.sse", "ollama_chat_stream.response.ndjson"}) {
    const std::string text = Golden(name);
    StreamFacts facts;
    ASSERT_TRUE(DecodeStream(std::string_view(text).substr(0, text.size() / 2), &facts).ok())
        << name;
    EXPECT_FALSE(facts.complete) << name;
    EXPECT_GT(facts.events, 0u) << name;
  }
  const std::string text = Golden("openai_chat_stream_usage.response.sse");
  for (std::size_t n = 0; n < text.size(); n += 7) {
    StreamFacts facts;
    const base::Status status = DecodeStream(std::string_view(text).substr(0, n), &facts);
    EXPECT_FALSE(facts.complete) << n;
    EXPECT_EQ(status.ok(), facts.events > facts.bad_events) << n;
  }
}

TEST(Stream, ErrorInsideAndRunningUsage) {
  StreamFacts facts;
  ASSERT_TRUE(
      DecodeStream(
          "data: "
          "{\"id\":\"1\",\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":{"
          "\"prompt_tokens\":5,\"completion_tokens\":1}}\n\n"
          "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\ndata: "
          "[DONE]\n",
          &facts)
          .ok());
  EXPECT_EQ(facts.output_tokens, 2);  // the last, not the sum
  EXPECT_EQ(facts.first_token_event, 1u);
  EXPECT_TRUE(facts.complete);
  ASSERT_TRUE(
      DecodeStream("data: {\"error\":{\"type\":\"overloaded\"}}\n\ndata: [DONE]\n", &facts).ok());
  EXPECT_FALSE(facts.complete);
  EXPECT_EQ(facts.error, "overloaded");
  EXPECT_FALSE(DecodeStream("", &facts).ok());
  EXPECT_FALSE(DecodeStream("hello\n", &facts).ok());
  EXPECT_FALSE(DecodeStream("data: nonsense\n", &facts).ok());
}

}  // namespace
}  // namespace strata::l7_genai
