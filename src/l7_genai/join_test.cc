// SPDX-License-Identifier: Apache-2.0
// Fragments to requests: who belongs to whom, whose number counts, and that the order of the input
// changes nothing.
#include <gtest/gtest.h>

#include <algorithm>

#include "l7_genai/l7_genai.h"

namespace strata::l7_genai {
namespace {

constexpr std::int64_t kS = 1'000'000'000;
constexpr std::int64_t kT0 = 1'795'600'000 * kS;

Call Make(const std::string& kind, const std::string& trace, const std::string& span,
          const std::string& parent, double at_s, double for_s) {
  Call c;
  c.kind = kind;
  c.trace_id = trace;
  c.span_id = span;
  c.parent_span_id = parent;
  c.ts = kT0 + static_cast<std::int64_t>(at_s * 1e9);
  c.end_ts = c.ts + static_cast<std::int64_t>(for_s * 1e9);
  c.e2e_s = for_s;
  c.status = "ok";
  c.operation = "chat";
  c.model = kind == "engine" ? "" : "tiny";
  c.service = kind == "caller" ? "app" : kind == "gateway" ? "gate" : "vllm";
  if (kind == "caller") c.server_address = "127.0.0.1", c.server_port = "8000";
  return c;
}

Call WithTokens(Call c, double in, double out) {
  c.input_tokens = in;
  c.output_tokens = out;
  c.token_source = c.kind == "engine" ? "engine" : c.kind == "gateway" ? "gateway" : "provider";
  return c;
}

Call EngineCall(const std::string& trace, const std::string& span, const std::string& parent,
                double at_s, double in, double out) {
  Call c = WithTokens(Make("engine", trace, span, parent, at_s, 1), in, out);
  c.queue_s = 0.1, c.prefill_s = 0.2, c.decode_s = 0.7, c.ttft_s = 0.3;
  c.engine = "uuid-1";
  return c;
}

TEST(Join, EngineSpanIsTheCallersChild) {
  Call caller = WithTokens(Make("caller", "t", "c", "root", 0, 1.2), 10, 8);
  caller.tenant = "acme";
  const std::vector<Call> calls = {EngineCall("t", "e", "c", 0.1, 10, 8), caller};
  const auto requests = JoinCalls(calls);
  ASSERT_EQ(requests.size(), 1u);
  const Request& r = requests[0];
  EXPECT_EQ(r.span_id, "c");
  EXPECT_EQ(r.tenant, "acme");
  EXPECT_EQ(r.model, "tiny");
  EXPECT_EQ(r.service, "app");
  EXPECT_EQ(r.engine, "127.0.0.1:8000");
  EXPECT_EQ(r.attributes.get("engine_instance"), "uuid-1");
  EXPECT_EQ(r.token_source, "engine");
  EXPECT_EQ(r.queue_s, 0.1);
  EXPECT_EQ(r.prefill_s, 0.2);
  EXPECT_EQ(r.decode_s, 0.7);
  EXPECT_EQ(r.ttft_s, 0.3);
  EXPECT_EQ(r.attributes.get("ttft_source"), "engine");
  EXPECT_DOUBLE_EQ(r.e2e_s.value(), 1.2);  // what the caller saw
  EXPECT_DOUBLE_EQ(r.tpot_s.value(), 0.1);
  EXPECT_FALSE(r.attributes.has("disagreement"));
  EXPECT_FALSE(r.useful.has_value());
}

TEST(Join, ThroughSpansThatAreNoCalls) {
  // The engine's parent is an HTTP span that nobody sent: the trace and the time tell.
  const std::vector<Call> calls = {WithTokens(Make("caller", "t", "c1", "r", 0, 1), 1, 1),
                                   WithTokens(Make("caller", "t", "c2", "r", 2, 2), 2, 2),
                                   EngineCall("t", "e2", "http", 2.5, 2, 2),
                                   EngineCall("t", "e1", "http", 0.5, 1, 1)};
  const auto requests = JoinCalls(calls);
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].input_tokens, 1);
  EXPECT_EQ(requests[1].input_tokens, 2);
  EXPECT_EQ(requests[1].token_source, "engine");
}

TEST(Join, ByResponseIdWithoutACommonTrace) {
  Call caller = Make("caller", "t1", "c", "", 0, 2);
  caller.response_id = "chatcmpl-1";
  Call engine = EngineCall("t2", "e", "", 0.5, 10, 8);
  engine.response_id = "chatcmpl-1";
  Call other = EngineCall("t3", "e3", "", 0.5, 3, 3);
  other.response_id = "chatcmpl-2";
  const auto requests = JoinCalls(std::vector<Call>{caller, engine, other});
  ASSERT_EQ(requests.size(), 2u);  // the engine span without a caller is a request of its own
  EXPECT_EQ(requests[0].output_tokens, 8);
  EXPECT_EQ(requests[1].span_id, "e3");
  EXPECT_EQ(requests[1].engine, "uuid-1");
}

TEST(Join, GatewayBetween) {
  Call caller = WithTokens(Make("caller", "t", "c", "", 0, 2), 10, 9);
  Call gateway = WithTokens(Make("gateway", "t", "g", "c", 0.1, 1.8), 10, 8);
  const auto requests =
      JoinCalls(std::vector<Call>{caller, gateway, EngineCall("t", "e", "g", 0.2, 10, 8)});
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].attributes.get("gateway"), "gate");
  EXPECT_EQ(requests[0].output_tokens, 8);
  EXPECT_EQ(requests[0].token_source, "engine");
  EXPECT_EQ(requests[0].attributes.get("disagreement"), "output: engine 8, provider 9, gateway 8");
  EXPECT_EQ(requests[0].engine,
            "uuid-1");  // the caller's address is the gateway's, which is no engine
}

TEST(Join, KnownEnginesDecide) {
  const std::vector<std::string> known = {"uuid-1", "10.0.0.5:8000"};
  const std::vector<Call> calls = {Make("caller", "t", "c", "", 0, 2),
                                   EngineCall("t", "e", "c", 0.2, 10, 8)};
  EXPECT_EQ(JoinCalls(calls, {.known_engines = known})[0].engine, "uuid-1");
  Call foreign = Make("caller", "t9", "c9", "", 0, 2);
  foreign.server_address = "api.openai.com", foreign.server_port = "443";
  EXPECT_EQ(JoinCalls(std::vector<Call>{foreign}, {.known_engines = known})[0].engine, "");
  EXPECT_EQ(JoinCalls(std::vector<Call>{foreign})[0].engine, "api.openai.com:443");
}

TEST(Join, OneCallInstrumentedTwiceIsOneRequest) {
  Call outer = WithTokens(Make("caller", "t", "o", "r", 0, 2), 10, 8),
       inner = WithTokens(Make("caller", "t", "i", "o", 0.1, 1.8), 10, 8);
  EXPECT_EQ(JoinCalls(std::vector<Call>{inner, outer}).size(), 1u);
  // Two calls side by side under one agent are two.
  EXPECT_EQ(JoinCalls(std::vector<Call>{WithTokens(Make("caller", "t", "a", "r", 0, 2), 1, 1),
                                        WithTokens(Make("caller", "t", "b", "r", 0.5, 2), 1, 1)})
                .size(),
            2u);
  // A resend is none.
  EXPECT_EQ(JoinCalls(std::vector<Call>{outer, outer, inner}).size(), 1u);
}

TEST(Join, RetriesPointAtTheAttemptBefore) {
  Call first = Make("caller", "t", "a1", "agent", 0, 1),
       second = Make("caller", "t", "a2", "agent", 1.5, 1),
       third = Make("caller", "t", "a3", "agent", 4, 1);
  first.status = "error", first.error_type = "RateLimitError";
  second.status = "error";
  const auto requests = JoinCalls(std::vector<Call>{third, second, first});
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].retry_of, "");
  EXPECT_EQ(requests[1].retry_of, "a1");
  EXPECT_EQ(requests[2].retry_of, "a2");
  third.model = "other";
  EXPECT_EQ(JoinCalls(std::vector<Call>{first, third})[1].retry_of, "");
}

TEST(Join, SeveralAnswersOfOneRequestAreSummed) {
  Call caller = Make("caller", "t", "c", "", 0, 2);
  caller.response_id = "x";
  Call e1 = EngineCall("t", "e1", "c", 0.1, 10, 8), e2 = EngineCall("t", "e2", "c", 0.1, 10, 5),
       failed = EngineCall("t", "e0", "c", 0.05, 10, 100);
  e1.response_id = e2.response_id = "x";
  failed.response_id = "earlier";
  const auto r = JoinCalls(std::vector<Call>{caller, e1, e2, failed});
  ASSERT_EQ(r.size(), 1u);
  EXPECT_EQ(r[0].input_tokens, 10);
  EXPECT_EQ(r[0].output_tokens, 13);
  EXPECT_EQ(r[0].attributes.get("attempts"), "2");
}

TEST(Join, AbortedCallsAreKnownFromTheCallerAndEstimated) {
  Call done = WithTokens(Make("caller", "t1", "c1", "", 0, 2.0), 10, 20);  // 0.1 s a token
  Call cut = Make("caller", "t2", "c2", "", 5, 1.05);
  cut.status = "aborted";
  cut.attributes.set("unfinished", "no finish reason and no usage");
  const auto r = JoinCalls(std::vector<Call>{done, cut});
  ASSERT_EQ(r.size(), 2u);
  EXPECT_EQ(r[1].status, "aborted");
  EXPECT_EQ(r[1].output_tokens, 10);
  EXPECT_EQ(r[1].token_source, "estimated");
  EXPECT_FALSE(r[1].input_tokens.has_value());
  // The engine finished before it noticed: still aborted, with the tokens that it counted.
  const auto late =
      JoinCalls(std::vector<Call>{done, cut, EngineCall("t2", "e", "c2", 5.1, 10, 9)});
  EXPECT_EQ(late[1].status, "aborted");
  EXPECT_EQ(late[1].output_tokens, 9);
  EXPECT_EQ(late[1].token_source, "engine");
  // Only whole answers are known to report usage here, streams are not: no verdict.
  Call stream = cut;
  stream.stream = true;
  EXPECT_EQ(JoinCalls(std::vector<Call>{done, stream})[1].status, "ok");
  // Nothing shows that this service ever reports usage: no verdict, no estimate.
  const auto alone = JoinCalls(std::vector<Call>{cut});
  EXPECT_EQ(alone[0].status, "ok");
  EXPECT_FALSE(alone[0].output_tokens.has_value());
  const std::vector<std::string> reports = {ServiceKey(cut)};
  EXPECT_EQ(JoinCalls(std::vector<Call>{cut}, {.reports_end = reports})[0].status, "aborted");
}

TEST(Join, TheOrderOfTheInputChangesNothingAndLoopsEnd) {
  std::vector<Call> calls;
  for (int i = 0; i < 6; ++i) {
    const std::string n = std::to_string(i);
    calls.push_back(WithTokens(Make("caller", "t" + n, "c" + n, "", i, 2), 10 + i, 8));
    calls.push_back(EngineCall("t" + n, "e" + n, "c" + n, i + 0.1, 10 + i, 8));
  }
  // Two spans that claim to be each other's parent.
  calls.push_back(Make("caller", "loop", "x", "y", 1, 1));
  calls.push_back(Make("caller", "loop", "y", "x", 1, 1));
  const auto print = [](const std::vector<Request>& requests) {
    std::string out;
    for (const Request& r : requests) {
      out += r.trace_id + r.span_id + r.status + r.token_source + r.attributes.text() +
             std::to_string(r.input_tokens.value_or(-1)) + "\n";
    }
    return out;
  };
  const std::string want = print(JoinCalls(calls));
  EXPECT_EQ(JoinCalls(calls).size(), 7u);
  for (int i = 0; i < 20; ++i) {
    std::rotate(calls.begin(), calls.begin() + 5, calls.end());
    std::swap(calls[0], calls[7]);
    EXPECT_EQ(print(JoinCalls(calls)), want);
  }
}

TEST(Join, RealClientAndEngineMeetByResponseId) {
  std::vector<Call> calls;
  for (const char* name : {"client-default.jsonl", "vllm.jsonl.gz", "litellm.jsonl.gz"}) {
    const base::Status status = base::ForEachInput(
        std::string(STRATA_SOURCE_DIR) + "/tests/golden/l7/" + name, [&](base::InputFile file) {
          model::Batch batch;
          wire::Context context;
          context.now_ns = kT0;
          context.max_ahead_ns = 0;
          RETURN_IF_ERROR(SpansFromJson(file.bytes, context, &batch));
          for (const model::Span& span : batch.spans) {
            if (IsModelCall(span)) calls.push_back(MakeCall(span));
          }
          return base::Status::Ok();
        });
    ASSERT_TRUE(status.ok()) << status.message();
  }
  ASSERT_EQ(calls.size(), 6u + 40u + 5u);
  const auto requests = JoinCalls(calls);
  std::size_t callers_with_engine = 0, gateways_with_engine = 0, callers = 0, gateways = 0;
  for (const Request& r : requests) {
    const bool engine = r.queue_s.has_value();
    if (r.service == "openai-client") ++callers, callers_with_engine += engine;
    if (r.attributes.has("gateway")) ++gateways, gateways_with_engine += engine;
    if (!engine) continue;
    EXPECT_FALSE(r.attributes.has("disagreement")) << r.attributes.get("disagreement");
    EXPECT_EQ(r.token_source, "engine");
  }
  EXPECT_EQ(callers, 6u);
  EXPECT_EQ(callers_with_engine,
            2u);  // two finished; the one that hung up has no engine span, three never reached it
  EXPECT_EQ(gateways, 5u);
  EXPECT_EQ(gateways_with_engine, 3u);  // three went to vLLM, one to llama.cpp, one failed
}

}  // namespace
}  // namespace strata::l7_genai
