// SPDX-License-Identifier: Apache-2.0
// Which engine a page is from, and which engine answers at an address.
#include "l6_infer/l6_infer.h"

#include <gtest/gtest.h>

namespace strata::l6_infer {
namespace {

TEST(Detect, ByNames) {
  const auto f = [](std::vector<std::string_view> names, std::string_view want) {
    EXPECT_EQ(DetectEngine(names), want);
  };
  f({"python_gc_objects", "vllm:num_requests_running"}, "vllm");
  f({"sglang_num_running_reqs"}, "sglang");
  f({"llamacpp:requests_processing"}, "llamacpp");
  f({"tgi_request_count"}, "tgi");
  f({"trtllm_request_success_total"}, "trtllm_serve");
  f({"nv_inference_request_success"}, "triton_core");
  f({"nv_inference_request_success", "nv_trt_llm_request_metrics"}, "triton_trtllm");
  f({"nv_inference_count", "vllm:prompt_tokens_total"}, "vllm");  // vLLM inside Triton
  f({"dynamo_component_inflight_requests", "vllm:kv_cache_usage_perc"}, "vllm");  // passed through
  f({"dynamo_frontend_requests_total"}, "dynamo_frontend");
  f({"ray_vllm_num_requests_running"}, "ray_serve_llm");
  f({"litellm_requests_metric_total"}, "litellm_proxy");
  f({"num_request_max", "request_finish_total", "gpu_cache_usage_perc"}, "nvidia_nim");
  f({"num_request_max"}, "");
  f({"node_cpu_seconds_total"}, "");
  f({}, "");
}

TEST(Detect, ByPage) {
  EXPECT_EQ(DetectEngineOfPage(
                "# HELP vllm:num_requests_running n\n# TYPE vllm:num_requests_running gauge\n"),
            "vllm");
  EXPECT_EQ(DetectEngineOfPage("llamacpp:prompt_tokens_total 5\n"), "llamacpp");
  EXPECT_EQ(DetectEngineOfPage("up 1\n# a comment about vllm:\n"), "");
  EXPECT_EQ(DetectEngineOfPage(""), "");
}

TEST(Address, OneSpelling) {
  EXPECT_EQ(EngineAddress("localhost", "8000"), "127.0.0.1:8000");
  EXPECT_EQ(EngineAddress("::1", "8000"), "[::1]:8000");
  EXPECT_EQ(EngineAddress("vllm.chat.svc", ""), "vllm.chat.svc");
  EXPECT_EQ(EngineAddress("", "8000"), "");
}

model::Series Series(const std::string& entity, const std::string& source,
                     model::Attributes attributes) {
  model::Series s;
  s.layer = "l6_infer";
  s.signal = "inference.requests_running";
  s.entity_type = "engine";
  s.entity = entity;
  s.source = source;
  s.attributes = std::move(attributes);
  return s;
}

TEST(Facts, KindModelsAndAddress) {
  EngineFacts facts;
  facts.Learn(Series("127.0.0.1:8000", "vllm:vllm:num_requests_running",
                     {{"gen_ai.request.model", "tiny"}}));
  facts.Learn(Series("127.0.0.1:8000", "otlp", {{"gen_ai.request.model", "tiny-lora"}}));
  facts.Learn(Series("10.1.2.3:8080", "llamacpp:llamacpp:requests_processing",
                     {{"k8s.pod.name", "llama-0"}, {"k8s.namespace.name", "chat"}}));
  model::Series world = Series("127.0.0.1:9000", "vllm:vllm:num_requests_running", {});
  world.origin = "demo";
  facts.Learn(world);
  facts.Learn(Series("127.0.0.1:4000", "litellm_proxy:litellm_requests_metric_total",
                     {{"inference.role", "gateway"}}));
  facts.Learn(Series("10.9.9.9:8081", "dynamo_worker:dynamo_component_inflight_requests", {}));
  facts.Learn(Series("10.9.9.9:8081", "vllm:vllm:kv_cache_usage_perc", {}));
  facts.Learn(Series("10.9.9.9:8081", "dynamo_worker:dynamo_component_inflight_requests", {}));
  model::Series gpu = Series("GPU-1", "x", {});
  gpu.entity_type = "gpu";
  facts.Learn(gpu);
  EXPECT_EQ(facts.engines().size(), 5u);
  EXPECT_EQ(facts.ids(),
            (std::vector<std::string>{"10.1.2.3:8080", "10.9.9.9:8081", "127.0.0.1:8000"}));
  EXPECT_EQ(facts.ids("demo"), std::vector<std::string>{"127.0.0.1:9000"});
  const auto* vllm = facts.find("127.0.0.1:8000");
  ASSERT_NE(vllm, nullptr);
  EXPECT_EQ(vllm->kind, "vllm");
  EXPECT_EQ(facts.find("10.9.9.9:8081")->kind, "vllm");
  EXPECT_TRUE(facts.find("127.0.0.1:4000")->gateway);
  EXPECT_EQ(vllm->models, (std::set<std::string>{"tiny", "tiny-lora"}));
  EXPECT_EQ(facts.at("localhost", "8000"), "127.0.0.1:8000");
  EXPECT_EQ(facts.at("llama-0", "8080"), "10.1.2.3:8080");
  EXPECT_EQ(facts.at("llama-0", "8081"), "");
  EXPECT_EQ(facts.at("127.0.0.1", "9000"), "");  // another origin
  EXPECT_EQ(facts.at("api.openai.com", "443"), "");
}

}  // namespace
}  // namespace strata::l6_infer
