// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l6_infer/catalog.yaml: edit that file. Constant tables, any thread.
#include "l6_infer/catalog.gen.h"

namespace strata::l6_infer {
namespace {

using model::Fold;
using model::Form;
using model::Kind;

constexpr model::AttributeRule kRules1[] = {{"inference.role", "gateway"}};
constexpr model::SourceName kSources1[] = {
    {"vllm", "vllm:time_to_first_token_seconds", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:time_to_first_token_seconds", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_time_to_first_token_seconds", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:time_to_first_token_seconds", 1, Form::value, "", {}, {}},
    {"triton_core", "nv_inference_first_response_histogram_ms", 0.001, Form::value, "", {}, {}},
    {"nvidia_nim", "time_to_first_token_seconds", 1, Form::value, "", {}, {}},
    {"dynamo_frontend", "dynamo_frontend_time_to_first_token_seconds", 1, Form::value, "", {}, kRules1},
    {"dynamo_worker", "dynamo_component_router_time_to_first_token_seconds", 1, Form::value, "", {}, {}},
    {"llmd_epp", "llm_d_epp_request_ttft_seconds", 1, Form::value, "", {}, kRules1},
    {"envoy_ai_gateway", "gen_ai_server_time_to_first_token_seconds", 1, Form::value, "", {}, kRules1},
    {"litellm_proxy", "litellm_llm_api_time_to_first_token_metric", 1, Form::value, "", {}, kRules1},
};
constexpr model::MinuteColumn kMinute1[] = {
    {"engine_minute", "ttft_p50_s", Fold::p50, 0, {}, ""},
    {"engine_minute", "ttft_p95_s", Fold::p95, 0, {}, ""},
    {"engine_minute", "ttft_p99_s", Fold::p99, 0, {}, ""},
};
constexpr model::SourceName kSources2[] = {
    {"vllm", "vllm:inter_token_latency_seconds", 1, Form::value, "", {}, {}},
    {"vllm", "vllm:time_per_output_token_seconds", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:inter_token_latency_seconds", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:time_per_output_token_seconds", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:iter_token_latency", 1, Form::value, "", {}, {}},
    {"nvidia_nim", "time_per_output_token_seconds", 1, Form::value, "", {}, {}},
    {"dynamo_frontend", "dynamo_frontend_inter_token_latency_seconds", 1, Form::value, "", {}, kRules1},
    {"dynamo_worker", "dynamo_component_router_inter_token_latency_seconds", 1, Form::value, "", {}, {}},
    {"llmd_epp", "llm_d_epp_request_streaming_itl_seconds", 1, Form::value, "", {}, kRules1},
};
constexpr model::MinuteColumn kMinute2[] = {
    {"engine_minute", "itl_p50_s", Fold::p50, 0, {}, ""},
    {"engine_minute", "itl_p95_s", Fold::p95, 0, {}, ""},
    {"engine_minute", "itl_p99_s", Fold::p99, 0, {}, ""},
};
constexpr model::SourceName kSources3[] = {
    {"vllm", "vllm:request_time_per_output_token_seconds", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_request_mean_time_per_token_duration", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_time_per_output_token_seconds", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:time_per_output_token_seconds", 1, Form::value, "", {}, {}},
    {"llmd_epp", "llm_d_epp_request_streaming_tpot_seconds", 1, Form::value, "", {}, kRules1},
    {"envoy_ai_gateway", "gen_ai_server_time_per_output_token_seconds", 1, Form::value, "", {}, kRules1},
    {"litellm_proxy", "litellm_deployment_latency_per_output_token", 1, Form::value, "", {}, kRules1},
};
constexpr model::MinuteColumn kMinute3[] = {
    {"engine_minute", "tpot_p50_s", Fold::p50, 0, {}, ""},
    {"engine_minute", "tpot_p95_s", Fold::p95, 0, {}, ""},
    {"engine_minute", "tpot_p99_s", Fold::p99, 0, {}, ""},
};
constexpr model::SourceName kSources4[] = {
    {"vllm_production_stack_router", "vllm:request_latency_seconds", 1, Form::value, "", {}, kRules1},
    {"vllm", "vllm:e2e_request_latency_seconds", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:e2e_request_latency_seconds", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_request_duration", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_e2e_request_latency_seconds", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:e2e_request_latency_seconds", 1, Form::value, "", {}, {}},
    {"triton_core", "nv_inference_request_duration_us", 1e-06, Form::value, "", {}, {}},
    {"nvidia_nim", "e2e_request_latency_seconds", 1, Form::value, "", {}, {}},
    {"dynamo_frontend", "dynamo_frontend_request_duration_seconds", 1, Form::value, "", {}, kRules1},
    {"dynamo_worker", "dynamo_component_request_duration_seconds", 1, Form::value, "", {}, {}},
    {"llmd_epp", "llm_d_epp_request_duration_seconds", 1, Form::value, "", {}, kRules1},
    {"llmd_epp", "inference_objective_request_duration_seconds", 1, Form::value, "", {}, kRules1},
    {"llmd_epp", "inference_model_request_duration_seconds", 1, Form::value, "", {}, kRules1},
    {"envoy_ai_gateway", "gen_ai_server_request_duration_seconds", 1, Form::value, "", {}, kRules1},
    {"litellm_proxy", "litellm_request_total_latency_metric", 1, Form::value, "", {}, kRules1},
};
constexpr model::MinuteColumn kMinute4[] = {
    {"engine_minute", "e2e_p50_s", Fold::p50, 0, {}, ""},
    {"engine_minute", "e2e_p95_s", Fold::p95, 0, {}, ""},
    {"engine_minute", "e2e_p99_s", Fold::p99, 0, {}, ""},
};
constexpr model::SourceName kSources5[] = {
    {"vllm", "vllm:request_queue_time_seconds", 1, Form::value, "", {}, {}},
    {"vllm", "vllm:time_in_queue_requests", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:queue_time_seconds", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_request_queue_duration", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_request_queue_time_seconds", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:request_queue_time_seconds", 1, Form::value, "", {}, {}},
    {"triton_core", "nv_inference_queue_duration_us", 1e-06, Form::value, "", {}, {}},
    {"dynamo_worker", "dynamo_request_plane_queue_seconds", 1, Form::value, "", {}, {}},
    {"llmd_epp", "llm_d_epp_flow_control_request_queue_duration_seconds", 1, Form::value, "", {}, kRules1},
};
constexpr model::MinuteColumn kMinute5[] = {
    {"engine_minute", "queue_p50_s", Fold::p50, 0, {}, ""},
    {"engine_minute", "queue_p95_s", Fold::p95, 0, {}, ""},
    {"engine_minute", "queue_p99_s", Fold::p99, 0, {}, ""},
};
constexpr model::AttributeRule kRules2[] = {{"method", "prefill"}};
constexpr model::SourceName kSources6[] = {
    {"vllm", "vllm:request_prefill_time_seconds", 1, Form::value, "", {}, {}},
    {"llamacpp", "llamacpp:prompt_seconds_total", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_batch_inference_duration", 1, Form::value, "", kRules2, {}},
    {"trtllm_serve", "trtllm_request_prefill_time_seconds", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:request_prefill_time_seconds", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute6[] = {{"engine_minute", "prefill_s", Fold::increase, 0, {}, ""}};
constexpr model::AttributeRule kRules3[] = {{"method", "decode"}};
constexpr model::SourceName kSources7[] = {
    {"vllm", "vllm:request_decode_time_seconds", 1, Form::value, "", {}, {}},
    {"llamacpp", "llamacpp:tokens_predicted_seconds_total", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_batch_inference_duration", 1, Form::value, "", kRules3, {}},
    {"trtllm_serve", "trtllm_request_decode_time_seconds", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:request_decode_time_seconds", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute7[] = {{"engine_minute", "decode_s", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources8[] = {
    {"vllm", "vllm:request_inference_time_seconds", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_request_inference_duration", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_request_inference_time_seconds", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:request_inference_time_seconds", 1, Form::value, "", {}, {}},
    {"triton_core", "nv_inference_compute_infer_duration_us", 1e-06, Form::value, "", {}, {}},
};
constexpr model::AttributeRule kRules4[] = {{"server", "*"}};
constexpr model::AttributeRule kRules5[] = {{"request_type", "scheduled"}};
constexpr model::SourceName kSources9[] = {
    {"vllm_production_stack_router", "vllm:num_requests_running", 1, Form::value, "", kRules4, kRules1},
    {"vllm", "vllm:num_requests_running", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:num_running_reqs", 1, Form::value, "", {}, {}},
    {"llamacpp", "llamacpp:requests_processing", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_batch_current_size", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_num_requests_running", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:num_requests_running", 1, Form::value, "", {}, {}},
    {"triton_trtllm", "nv_trt_llm_request_metrics", 1, Form::value, "", kRules5, {}},
    {"nvidia_nim", "num_requests_running", 1, Form::value, "", {}, {}},
    {"dynamo_frontend", "dynamo_frontend_active_requests", 1, Form::value, "", {}, kRules1},
    {"dynamo_frontend", "dynamo_frontend_inflight_requests", 1, Form::value, "", {}, kRules1},
    {"dynamo_worker", "dynamo_component_inflight_requests", 1, Form::value, "", {}, {}},
    {"llmd_epp", "llm_d_epp_request_running", 1, Form::value, "", {}, kRules1},
    {"litellm_proxy", "litellm_in_flight_requests", 1, Form::value, "", {}, kRules1},
};
constexpr model::MinuteColumn kMinute8[] = {
    {"engine_minute", "running_mean", Fold::mean, 0, {}, ""},
    {"engine_minute", "running_max", Fold::max, 0, {}, ""},
    {"engine_minute", "running_s", Fold::seconds_over, 0, {}, ""},
};
constexpr model::AttributeRule kRules6[] = {{"request_type", "waiting"}};
constexpr model::SourceName kSources10[] = {
    {"vllm_production_stack_router", "vllm:num_requests_waiting", 1, Form::value, "", kRules4, kRules1},
    {"vllm", "vllm:num_requests_waiting", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:num_queue_reqs", 1, Form::value, "", {}, {}},
    {"llamacpp", "llamacpp:requests_deferred", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_queue_size", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_num_requests_waiting", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:num_requests_waiting", 1, Form::value, "", {}, {}},
    {"triton_core", "nv_inference_pending_request_count", 1, Form::value, "", {}, {}},
    {"triton_trtllm", "nv_trt_llm_request_metrics", 1, Form::value, "", kRules6, {}},
    {"nvidia_nim", "num_requests_waiting", 1, Form::value, "", {}, {}},
    {"dynamo_frontend", "dynamo_frontend_queued_requests", 1, Form::value, "", {}, kRules1},
    {"dynamo_worker", "dynamo_frontend_router_queue_pending_requests", 1, Form::value, "", {}, {}},
    {"llmd_epp", "llm_d_epp_flow_control_queue_size", 1, Form::value, "", {}, kRules1},
};
constexpr model::MinuteColumn kMinute9[] = {
    {"engine_minute", "waiting_mean", Fold::mean, 0, {}, ""},
    {"engine_minute", "waiting_max", Fold::max, 0, {}, ""},
};
constexpr model::AttributeRule kRules7[] = {{"reason", "capacity"}};
constexpr model::SourceName kSources11[] = {
    {"vllm", "vllm:num_requests_waiting_by_reason", 1, Form::value, "", kRules7, {}},
};
constexpr model::MinuteColumn kMinute10[] = {{"engine_minute", "waiting_capacity_max", Fold::max, 0, {}, ""}};
constexpr model::SourceName kSources12[] = {
    {"vllm", "vllm:num_requests_swapped", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:num_paused_reqs", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_num_paused_requests", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute11[] = {{"engine_minute", "swapped_max", Fold::max, 0, {}, ""}};
constexpr model::SourceName kSources13[] = {
    {"vllm", "vllm:iteration_tokens_total", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_prefill_batch_tokens", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:iteration_tokens_total", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute12[] = {
    {"engine_minute", "step_tokens_p50", Fold::p50, 0, {}, ""},
    {"engine_minute", "steps", Fold::count, 0, {}, ""},
};
constexpr model::SourceName kSources14[] = {
    {"vllm", "vllm:num_requests_running", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:num_running_reqs", 1, Form::value, "", {}, {}},
    {"llamacpp", "llamacpp:n_busy_slots_per_decode", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_batch_current_size", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_num_scheduled_requests", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_scheduled_batch_size", 1, Form::value, "", {}, {}},
    {"triton_trtllm", "nv_trt_llm_request_metrics", 1, Form::value, "", kRules5, {}},
};
constexpr model::AttributeRule kRules8[] = {{"kv_cache_block_type", "fraction"}};
constexpr model::SourceName kSources15[] = {
    {"vllm", "vllm:kv_cache_usage_perc", 1, Form::value, "", {}, {}},
    {"vllm", "vllm:gpu_cache_usage_perc", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:token_usage", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:full_token_usage", 1, Form::value, "", {}, {}},
    {"llamacpp", "llamacpp:kv_cache_usage_ratio", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_kv_cache_utilization", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:gpu_cache_usage_perc", 1, Form::value, "", {}, {}},
    {"triton_trtllm", "nv_trt_llm_kv_cache_block_metrics", 1, Form::value, "", kRules8, {}},
    {"nvidia_nim", "gpu_cache_usage_perc", 1, Form::value, "", {}, {}},
    {"dynamo_worker", "dynamo_component_gpu_cache_usage_percent", 1, Form::value, "", {}, {}},
    {"dynamo_worker", "dynamo_component_kvstats_gpu_cache_usage_percent", 1, Form::value, "", {}, {}},
    {"llmd_epp", "llm_d_epp_average_kv_cache_utilization", 1, Form::value, "", {}, kRules1},
    {"llmd_epp", "inference_pool_average_kv_cache_utilization", 1, Form::value, "", {}, kRules1},
};
constexpr model::MinuteColumn kMinute13[] = {
    {"engine_minute", "kv_usage_mean_ratio", Fold::mean, 0, {}, ""},
    {"engine_minute", "kv_usage_max_ratio", Fold::max, 0, {}, ""},
    {"engine_minute", "kv_over_90_s", Fold::seconds_over, 0.9, {}, ""},
};
constexpr model::AttributeRule kRules9[] = {{"kv_cache_block_type", "max"}};
constexpr model::SourceName kSources16[] = {
    {"vllm", "vllm:cache_config_info", 1, Form::label, "num_gpu_blocks", {}, {}},
    {"sglang", "sglang:num_pages", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:cache_config_info", 1, Form::label, "num_pages", {}, {}},
    {"trtllm_serve", "trtllm_kv_cache_max_blocks", 1, Form::value, "", {}, {}},
    {"triton_trtllm", "nv_trt_llm_kv_cache_block_metrics", 1, Form::value, "", kRules9, {}},
    {"dynamo_frontend", "dynamo_frontend_model_total_kv_blocks", 1, Form::value, "", {}, kRules1},
    {"dynamo_worker", "dynamo_component_total_blocks", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute14[] = {{"engine_minute", "kv_blocks", Fold::last, 0, {}, ""}};
constexpr model::AttributeRule kRules10[] = {{"kv_cache_block_type", "tokens_per"}};
constexpr model::SourceName kSources17[] = {
    {"vllm", "vllm:cache_config_info", 1, Form::label, "block_size", {}, {}},
    {"sglang", "sglang:page_size", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_kv_cache_tokens_per_block", 1, Form::value, "", {}, {}},
    {"triton_trtllm", "nv_trt_llm_kv_cache_block_metrics", 1, Form::value, "", kRules10, {}},
    {"dynamo_frontend", "dynamo_frontend_model_kv_cache_block_size", 1, Form::value, "", {}, kRules1},
};
constexpr model::MinuteColumn kMinute15[] = {{"engine_minute", "kv_block_tokens", Fold::last, 0, {}, ""}};
constexpr model::SourceName kSources18[] = {
    {"vllm", "vllm:cache_config_info", 1, Form::label, "kv_cache_size_tokens", {}, {}},
    {"sglang", "sglang:max_total_num_tokens", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute16[] = {{"engine_minute", "kv_capacity_tokens", Fold::last, 0, {}, ""}};
constexpr model::SourceName kSources19[] = {
    {"sglang", "sglang:kv_used_tokens", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:num_used_tokens", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute17[] = {{"engine_minute", "kv_used_tokens", Fold::mean, 0, {}, ""}};
constexpr model::SourceName kSources20[] = {{"sglang", "sglang:kv_evictable_tokens", 1, Form::value, "", {}, {}}};
constexpr model::SourceName kSources21[] = {{"sglang", "sglang:evicted_tokens_total", 1, Form::value, "", {}, {}}};
constexpr model::MinuteColumn kMinute18[] = {{"engine_minute", "kv_evicted_tokens", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources22[] = {
    {"vllm", "vllm:prefix_cache_queries_total", 1, Form::value, "", {}, {}},
    {"vllm", "vllm:gpu_prefix_cache_queries_total", 1, Form::value, "", {}, {}},
    {"vllm", "vllm:external_prefix_cache_queries_total", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute19[] = {{"engine_minute", "prefix_queries", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources23[] = {
    {"vllm", "vllm:prefix_cache_hits_total", 1, Form::value, "", {}, {}},
    {"vllm", "vllm:gpu_prefix_cache_hits_total", 1, Form::value, "", {}, {}},
    {"vllm", "vllm:external_prefix_cache_hits_total", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute20[] = {{"engine_minute", "prefix_hits", Fold::increase, 0, {}, ""}};
constexpr double kBlanks1[] = {-1};
constexpr model::SourceName kSources24[] = {
    {"vllm", "vllm:gpu_prefix_cache_hit_rate", 1, Form::value, "", {}, {}, kBlanks1},
    {"trtllm_serve", "trtllm_kv_cache_hit_rate", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_kv_cache_iter_reuse_rate", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:prefix_cache_hit_rate", 1, Form::value, "", {}, {}},
    {"dynamo_frontend", "dynamo_component_router_kv_hit_rate", 1, Form::value, "", {}, kRules1},
    {"llmd_epp", "llm_d_epp_prefix_indexer_hit_ratio", 1, Form::value, "", {}, kRules1},
};
constexpr model::MinuteColumn kMinute21[] = {{"engine_minute", "prefix_hit_ratio", Fold::mean, 0, {}, ""}};
constexpr model::AttributeRule kRules11[] = {{"reason", "backpressure"}};
constexpr model::SourceName kSources25[] = {
    {"vllm", "vllm:num_preemptions_total", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:num_retracted_requests_total", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_batch_concat", 1, Form::value, "", kRules11, {}},
};
constexpr model::MinuteColumn kMinute22[] = {{"engine_minute", "preemptions", Fold::increase, 0, {}, ""}};
constexpr model::AttributeRule kRules12[] = {{"gen_ai.token.source", "computed"}};
constexpr model::AttributeRule kRules13[] = {{"gen_ai.token.source", "cached"}};
constexpr model::AttributeRule kRules14[] = {{"gen_ai_token_type", "input"}};
constexpr model::SourceName kSources26[] = {
    {"vllm", "vllm:prompt_tokens_total", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:prompt_tokens_total", 1, Form::value, "", {}, {}},
    {"llamacpp", "llamacpp:prompt_tokens_total", 1, Form::value, "", {}, kRules12},
    {"llamacpp", "llamacpp:prompt_tokens_cached_total", 1, Form::value, "", {}, kRules13},
    {"tgi", "tgi_request_input_length_sum", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_request_input_length", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_prompt_tokens_total", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:prompt_tokens_total", 1, Form::value, "", {}, {}},
    {"nvidia_nim", "prompt_tokens_total", 1, Form::value, "", {}, {}},
    {"dynamo_frontend", "dynamo_frontend_input_sequence_tokens_sum", 1, Form::value, "", {}, kRules1},
    {"dynamo_frontend", "dynamo_frontend_input_sequence_tokens", 1, Form::value, "", {}, kRules1},
    {"llmd_epp", "llm_d_epp_request_input_tokens_sum", 1, Form::value, "", {}, kRules1},
    {"llmd_epp", "llm_d_epp_request_input_tokens", 1, Form::value, "", {}, kRules1},
    {"envoy_ai_gateway", "gen_ai_client_token_usage_sum", 1, Form::value, "", kRules14, kRules1},
    {"envoy_ai_gateway", "gen_ai_client_token_usage", 1, Form::value, "", kRules14, kRules1},
    {"envoy_ai_gateway", "gen_ai_client_token_usage_token_sum", 1, Form::value, "", kRules14, kRules1},
    {"envoy_ai_gateway", "gen_ai_client_token_usage_token", 1, Form::value, "", kRules14, kRules1},
    {"litellm_proxy", "litellm_input_tokens_metric_total", 1, Form::value, "", {}, kRules1},
    {"litellm_proxy", "litellm_input_tokens_total", 1, Form::value, "", {}, kRules1},
};
constexpr model::MinuteColumn kMinute23[] = {{"engine_minute", "prompt_tokens", Fold::increase, 0, {}, ""}};
constexpr model::AttributeRule kRules15[] = {{"cache_source", "total"}};
constexpr model::AttributeRule kRules16[] = {{"gen_ai_token_type", "cached_input"}};
constexpr model::SourceName kSources27[] = {
    {"vllm", "vllm:prompt_tokens_cached_total", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:cached_tokens_total", 1, Form::value, "", kRules15, {}},
    {"llamacpp", "llamacpp:prompt_tokens_cached_total", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_prompt_cached_tokens_total", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_prompt_cache_hit_tokens_total", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:cached_tokens_total", 1, Form::value, "", {}, {}},
    {"dynamo_frontend", "dynamo_frontend_cached_tokens_sum", 1, Form::value, "", {}, kRules1},
    {"dynamo_frontend", "dynamo_frontend_cached_tokens", 1, Form::value, "", {}, kRules1},
    {"llmd_epp", "llm_d_epp_request_cached_tokens_sum", 1, Form::value, "", {}, kRules1},
    {"llmd_epp", "llm_d_epp_request_cached_tokens", 1, Form::value, "", {}, kRules1},
    {"envoy_ai_gateway", "gen_ai_client_token_usage_sum", 1, Form::value, "", kRules16, kRules1},
    {"envoy_ai_gateway", "gen_ai_client_token_usage", 1, Form::value, "", kRules16, kRules1},
    {"envoy_ai_gateway", "gen_ai_client_token_usage_token_sum", 1, Form::value, "", kRules16, kRules1},
    {"envoy_ai_gateway", "gen_ai_client_token_usage_token", 1, Form::value, "", kRules16, kRules1},
};
constexpr model::MinuteColumn kMinute24[] = {{"engine_minute", "cached_tokens", Fold::increase, 0, {}, ""}};
constexpr model::AttributeRule kRules17[] = {{"source", "local_compute"}};
constexpr model::SourceName kSources28[] = {
    {"vllm", "vllm:prompt_tokens_by_source_total", 1, Form::value, "", kRules17, {}},
    {"sglang", "sglang:uncached_prompt_tokens_histogram", 1, Form::value, "", {}, {}},
    {"llamacpp", "llamacpp:prompt_tokens_total", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute25[] = {{"engine_minute", "prefill_tokens", Fold::increase, 0, {}, ""}};
constexpr model::AttributeRule kRules18[] = {{"mode", "decode"}};
constexpr model::AttributeRule kRules19[] = {{"gen_ai_token_type", "output"}};
constexpr model::SourceName kSources29[] = {
    {"vllm", "vllm:generation_tokens_total", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:generation_tokens_total", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:realtime_tokens_total", 1, Form::value, "", kRules18, {}},
    {"llamacpp", "llamacpp:tokens_predicted_total", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_request_generated_tokens_sum", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_request_generated_tokens", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_generation_tokens_total", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:generation_tokens_total", 1, Form::value, "", {}, {}},
    {"nvidia_nim", "generation_tokens_total", 1, Form::value, "", {}, {}},
    {"dynamo_frontend", "dynamo_frontend_output_tokens_total", 1, Form::value, "", {}, kRules1},
    {"llmd_epp", "llm_d_epp_request_output_tokens_sum", 1, Form::value, "", {}, kRules1},
    {"llmd_epp", "llm_d_epp_request_output_tokens", 1, Form::value, "", {}, kRules1},
    {"envoy_ai_gateway", "gen_ai_client_token_usage_sum", 1, Form::value, "", kRules19, kRules1},
    {"envoy_ai_gateway", "gen_ai_client_token_usage", 1, Form::value, "", kRules19, kRules1},
    {"envoy_ai_gateway", "gen_ai_client_token_usage_token_sum", 1, Form::value, "", kRules19, kRules1},
    {"envoy_ai_gateway", "gen_ai_client_token_usage_token", 1, Form::value, "", kRules19, kRules1},
    {"litellm_proxy", "litellm_output_tokens_metric_total", 1, Form::value, "", {}, kRules1},
    {"litellm_proxy", "litellm_output_tokens_total", 1, Form::value, "", {}, kRules1},
};
constexpr model::MinuteColumn kMinute26[] = {{"engine_minute", "generation_tokens", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources30[] = {
    {"vllm", "vllm:request_prompt_tokens", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:prompt_tokens_histogram", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_request_input_length", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:request_prompt_tokens", 1, Form::value, "", {}, {}},
    {"nvidia_nim", "request_prompt_tokens", 1, Form::value, "", {}, {}},
    {"dynamo_frontend", "dynamo_frontend_input_sequence_tokens", 1, Form::value, "", {}, kRules1},
    {"llmd_epp", "llm_d_epp_request_input_tokens", 1, Form::value, "", {}, kRules1},
};
constexpr model::SourceName kSources31[] = {
    {"vllm", "vllm:request_generation_tokens", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:generation_tokens_histogram", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_request_generated_tokens", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:request_generation_tokens", 1, Form::value, "", {}, {}},
    {"nvidia_nim", "request_generation_tokens", 1, Form::value, "", {}, {}},
    {"dynamo_frontend", "dynamo_frontend_output_sequence_tokens", 1, Form::value, "", {}, kRules1},
    {"llmd_epp", "llm_d_epp_request_output_tokens", 1, Form::value, "", {}, kRules1},
};
constexpr model::SourceName kSources32[] = {
    {"vllm", "vllm:request_success_total", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:num_requests_total", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_request_success", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_request_success_total", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_num_requests_completed_total", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:request_success_total", 1, Form::value, "", {}, {}},
    {"triton_core", "nv_inference_request_success", 1, Form::value, "", {}, {}},
    {"nvidia_nim", "request_finish_total", 1, Form::value, "", {}, {}},
    {"dynamo_frontend", "dynamo_frontend_requests_total", 1, Form::value, "", {}, kRules1},
    {"dynamo_worker", "dynamo_component_requests_total", 1, Form::value, "", {}, {}},
    {"llmd_epp", "llm_d_epp_request_total", 1, Form::value, "", {}, kRules1},
    {"litellm_proxy", "litellm_proxy_total_requests_metric_total", 1, Form::value, "", {}, kRules1},
};
constexpr model::AttributeRule kRules20[] = {{"finish_reason", "abort|cancelled"}};
constexpr model::MinuteColumn kMinute27[] = {
    {"engine_minute", "finished", Fold::increase, 0, {}, ""},
    {"engine_minute", "aborted", Fold::increase, 0, kRules20, ""},
};
constexpr model::SourceName kSources33[] = {
    {"sglang", "sglang:http_requests_total", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_request_count", 1, Form::value, "", {}, {}},
    {"dynamo_frontend", "dynamo_frontend_requests_started_total", 1, Form::value, "", {}, kRules1},
};
constexpr model::MinuteColumn kMinute28[] = {{"engine_minute", "started", Fold::increase, 0, {}, ""}};
constexpr model::AttributeRule kRules21[] = {{"finished_reason", "error"}};
constexpr model::AttributeRule kRules22[] = {{"status", "error"}};
constexpr model::SourceName kSources34[] = {
    {"vllm_production_stack_router", "vllm:request_errors_total", 1, Form::value, "", {}, kRules1},
    {"vllm", "vllm:request_success_total", 1, Form::value, "", kRules21, {}},
    {"sglang", "sglang:num_aborted_requests_total", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_request_failure", 1, Form::value, "", {}, {}},
    {"tgi", "tgi_batch_inference_failure", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_request_error_total", 1, Form::value, "", {}, {}},
    {"triton_core", "nv_inference_request_failure", 1, Form::value, "", {}, {}},
    {"nvidia_nim", "request_failure_total", 1, Form::value, "", {}, {}},
    {"dynamo_frontend", "dynamo_frontend_requests_total", 1, Form::value, "", kRules22, kRules1},
    {"dynamo_frontend", "dynamo_frontend_model_rejection_total", 1, Form::value, "", {}, kRules1},
    {"dynamo_worker", "dynamo_component_errors_total", 1, Form::value, "", {}, {}},
    {"llmd_epp", "llm_d_epp_request_error_total", 1, Form::value, "", {}, kRules1},
    {"litellm_proxy", "litellm_proxy_failed_requests_metric_total", 1, Form::value, "", {}, kRules1},
    {"litellm_proxy", "litellm_deployment_failure_responses_total", 1, Form::value, "", {}, kRules1},
};
constexpr model::MinuteColumn kMinute29[] = {{"engine_minute", "errors", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources35[] = {
    {"vllm", "vllm:spec_decode_num_draft_tokens_total", 1, Form::value, "", {}, {}},
    {"llamacpp", "llamacpp:spec_decode_num_draft_tokens_total", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_spec_decode_num_draft_tokens_total", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_spec_decode_drafted_tokens_total", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:spec_decode_num_draft_tokens_total", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute30[] = {{"engine_minute", "draft_tokens", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources36[] = {
    {"vllm", "vllm:spec_decode_num_accepted_tokens_total", 1, Form::value, "", {}, {}},
    {"llamacpp", "llamacpp:spec_decode_num_accepted_tokens_total", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_spec_decode_num_accepted_tokens_total", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_spec_decode_accepted_tokens_total", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:spec_decode_num_accepted_tokens_total", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute31[] = {{"engine_minute", "accepted_tokens", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources37[] = {
    {"vllm", "vllm:spec_decode_num_drafts_total", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:spec_verify_calls_total", 1, Form::value, "", {}, {}},
    {"llamacpp", "llamacpp:spec_decode_num_drafts_total", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:spec_decode_num_drafts_total", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources38[] = {
    {"vllm", "vllm:spec_decode_draft_acceptance_rate", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:spec_accept_rate", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:spec_decode_mean_accept_rate", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources39[] = {
    {"sglang", "sglang:spec_accept_length", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_spec_decode_acceptance_length", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:spec_decode_mean_accept_length", 1, Form::value, "", {}, {}},
};
constexpr model::AttributeRule kRules23[] = {{"request_type", "max"}};
constexpr model::SourceName kSources40[] = {
    {"vllm", "vllm:cache_config_info", 1, Form::label, "kv_cache_max_concurrency", {}, {}},
    {"trtllm_serve", "trtllm_max_num_active_requests", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_max_batch_size_runtime", 1, Form::value, "", {}, {}},
    {"triton_trtllm", "nv_trt_llm_request_metrics", 1, Form::value, "", kRules23, {}},
    {"nvidia_nim", "num_request_max", 1, Form::value, "", {}, {}},
    {"dynamo_frontend", "dynamo_frontend_model_max_num_seqs", 1, Form::value, "", {}, kRules1},
};
constexpr model::MinuteColumn kMinute32[] = {{"engine_minute", "running_limit", Fold::last, 0, {}, ""}};
constexpr model::SourceName kSources41[] = {
    {"vllm", "vllm:cache_config_info", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_model_config_info", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_kv_cache_config_info", 1, Form::value, "", {}, {}},
    {"trtllm_serve", "trtllm_parallel_config_info", 1, Form::value, "", {}, {}},
    {"lmdeploy", "lmdeploy:backend_config_info", 1, Form::value, "", {}, {}},
};
constexpr model::AttributeRule kRules24[] = {{"sleep_state", "awake"}};
constexpr model::SourceName kSources42[] = {{"vllm", "vllm:engine_sleep_state", 1, Form::value, "", kRules24, {}}};
constexpr model::MinuteColumn kMinute33[] = {{"engine_minute", "awake_ratio", Fold::mean, 0, {}, ""}};
constexpr model::AttributeRule kRules25[] = {{"disaggregated_serving_type", "kv_cache_transfer_ms"}};
constexpr model::SourceName kSources43[] = {
    {"vllm", "vllm:nixl_xfer_time_seconds", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:kv_transfer_latency_ms", 0.001, Form::value, "", {}, {}},
    {"triton_trtllm", "nv_trt_llm_disaggregated_serving_metrics", 0.001, Form::value, "", kRules25, {}},
    {"dynamo_worker", "trtllm_kv_transfer_latency_seconds", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute34[] = {
    {"engine_minute", "kv_transfer_s", Fold::increase, 0, {}, ""},
    {"engine_minute", "kv_transfer_p99_s", Fold::p99, 0, {}, ""},
};
constexpr model::SourceName kSources44[] = {
    {"vllm", "vllm:estimated_flops_per_gpu_total", 1, Form::value, "", {}, {}},
    {"sglang", "sglang:estimated_flops_per_gpu_total", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute35[] = {{"engine_minute", "model_flops", Fold::increase, 0, {}, ""}};
constexpr model::AttributeRule kRules26[] = {{"kv_cache_block_type", "used"}};
constexpr model::SourceName kSources45[] = {
    {"trtllm_serve", "trtllm_kv_cache_used_blocks", 1, Form::value, "", {}, {}},
    {"triton_trtllm", "nv_trt_llm_kv_cache_block_metrics", 1, Form::value, "", kRules26, {}},
    {"dynamo_frontend", "dynamo_frontend_worker_active_decode_blocks", 1, Form::value, "", {}, kRules1},
};
constexpr model::MinuteColumn kMinute36[] = {{"engine_minute", "kv_used_blocks", Fold::mean, 0, {}, ""}};
constexpr model::SourceName kSources46[] = {{"vllm", "vllm:kv_block_lifetime_seconds", 1, Form::value, "", {}, {}}};
constexpr model::SourceName kSources47[] = {
    {"trtllm_serve", "trtllm_kv_cache_reused_blocks_total", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources48[] = {
    {"sglang", "sglang:per_stage_req_latency_seconds", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources49[] = {
    {"sglang", "sglang:context_len", 1, Form::value, "", {}, {}},
    {"dynamo_frontend", "dynamo_frontend_model_context_length", 1, Form::value, "", {}, kRules1},
};
constexpr model::SourceName kSources50[] = {
    {"sglang", "sglang:gen_throughput", 1, Form::value, "", {}, {}},
    {"llamacpp", "llamacpp:predicted_tokens_seconds", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources51[] = {{"vllm", "vllm:cpu_cache_usage_perc", 1, Form::value, "", {}, {}}};
constexpr model::AttributeRule kRules27[] = {{"inference.scope", "endpoint"}, {"inference.role", "gateway"}};
constexpr model::SourceName kSources52[] = {
    {"llmd_epp", "llm_d_epp_average_queue_size", 1, Form::value, "", {}, kRules1},
    {"llmd_epp", "llm_d_epp_per_endpoint_queue_size", 1, Form::value, "", {}, kRules27},
    {"llmd_epp", "inference_pool_per_pod_queue_size", 1, Form::value, "", {}, kRules27},
    {"llmd_epp", "inference_pool_average_queue_size", 1, Form::value, "", {}, kRules1},
};
constexpr model::SourceName kSources53[] = {
    {"llmd_epp", "llm_d_epp_average_running_requests", 1, Form::value, "", {}, kRules1},
};
constexpr model::SourceName kSources54[] = {
    {"vllm", "vllm:kv_offload_load_time_total", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources55[] = {
    {"sglang", "sglang:forward_execution_seconds_total", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute37[] = {{"engine_minute", "restarts", Fold::count, 0, {}, ""}};
constexpr model::LabelRule kLabels1[] = {{"server", "server.address"}, {"model", "gen_ai.request.model"}};
constexpr std::string_view kPrefixes1[] = {"vllm:", "ray_vllm_", "ray_vllm:"};
constexpr model::LabelRule kLabels2[] = {
    {"model_name", "gen_ai.request.model"},
    {"model", "gen_ai.request.model"},
    {"engine", "inference.replica"},
    {"version", "inference.model.version"},
    {"finished_reason", "finish_reason"},
    {"ReplicaId", "inference.replica"},
    {"WorkerId", "inference.worker"},
    {"dynamo_namespace", "dynamo.namespace"},
};
constexpr model::AttributeRule kRules28[] = {{"ray_vllm_", "vllm:"}, {"ray_vllm:", "vllm:"}};
constexpr std::string_view kPrefixes2[] = {"sglang:", "sglang_"};
constexpr model::LabelRule kLabels3[] = {
    {"model_name", "gen_ai.request.model"},
    {"engine_type", "inference.role"},
    {"dp_rank", "inference.replica"},
    {"tp_rank", "inference.tp_rank"},
    {"pp_rank", "inference.pp_rank"},
    {"moe_ep_rank", "inference.ep_rank"},
    {"priority", "inference.priority"},
};
constexpr model::AttributeRule kRules29[] = {{"sglang_", "sglang:"}};
constexpr std::string_view kPrefixes3[] = {"llamacpp:"};
constexpr model::LabelRule kLabels4[] = {{"model", "gen_ai.request.model"}};
constexpr std::string_view kPrefixes4[] = {"tgi_"};
constexpr model::LabelRule kLabels5[] = {
    {"method", "inference.phase"},
    {"err", "error.type"},
    {"reason", "reason"},
};
constexpr std::string_view kPrefixes5[] = {"trtllm_", "trtllm:"};
constexpr model::LabelRule kLabels6[] = {
    {"model_name", "gen_ai.request.model"},
    {"engine_type", "inference.engine.type"},
    {"finished_reason", "finish_reason"},
};
constexpr model::AttributeRule kRules30[] = {{"trtllm:", "trtllm_"}};
constexpr std::string_view kPrefixes6[] = {"lmdeploy:"};
constexpr model::LabelRule kLabels7[] = {
    {"model_name", "gen_ai.request.model"},
    {"engine", "inference.replica"},
    {"finished_reason", "finish_reason"},
};
constexpr std::string_view kPrefixes7[] = {
    "nv_inference_",
    "nv_gpu_",
    "nv_cache_",
    "nv_model_",
    "nv_cpu_",
    "nv_pinned_",
    "nv_energy_",
};
constexpr model::LabelRule kLabels8[] = {
    {"model", "gen_ai.request.model"},
    {"version", "inference.model.version"},
    {"gpu_uuid", "hw.id"},
    {"namespace", "triton.namespace"},
    {"reason", "error.type"},
};
constexpr std::string_view kPrefixes8[] = {"nv_trt_llm_"};
constexpr model::LabelRule kLabels9[] = {
    {"model", "gen_ai.request.model"},
    {"version", "inference.model.version"},
};
constexpr model::LabelRule kLabels10[] = {
    {"model_name", "gen_ai.request.model"},
    {"finished_reason", "finish_reason"},
};
constexpr std::string_view kPrefixes9[] = {"dynamo_frontend_", "nv_llm_http_service_"};
constexpr model::LabelRule kLabels11[] = {{"model", "gen_ai.request.model"}, {"error_type", "error.type"}};
constexpr model::AttributeRule kRules31[] = {{"nv_llm_http_service_", "dynamo_frontend_"}};
constexpr std::string_view kPrefixes10[] = {"dynamo_component_"};
constexpr model::LabelRule kLabels12[] = {
    {"model", "gen_ai.request.model"},
    {"dynamo_component", "dynamo.component"},
    {"dynamo_endpoint", "dynamo.endpoint"},
    {"dynamo_namespace", "dynamo.namespace"},
    {"worker_id", "inference.worker"},
    {"dp_rank", "inference.replica"},
};
constexpr std::string_view kPrefixes11[] = {
    "llm_d_epp_",
    "llm_d_router_epp_",
    "inference_objective_",
    "inference_model_",
    "inference_pool_",
    "inference_extension_",
    "llm_d_inference_scheduler_",
};
constexpr model::LabelRule kLabels13[] = {
    {"model_name", "gen_ai.request.model"},
    {"target_model_name", "inference.target_model"},
    {"fairness_id", "tenant.id"},
    {"priority", "inference.priority"},
    {"name", "inference.pool"},
};
constexpr std::string_view kPrefixes12[] = {"gen_ai_"};
constexpr model::LabelRule kLabels14[] = {
    {"gen_ai_request_model", "gen_ai.request.model"},
    {"gen_ai_response_model", "gen_ai.response.model"},
    {"gen_ai_provider_name", "gen_ai.provider.name"},
    {"gen_ai_operation_name", "gen_ai.operation.name"},
};
constexpr std::string_view kPrefixes13[] = {"litellm_"};
constexpr model::LabelRule kLabels15[] = {
    {"model", "gen_ai.request.model"},
    {"team", "team"},
    {"end_user", "tenant.id"},
};
constexpr model::Signal kSignals1[] = {
    {"inference.ttft", "s", Kind::histogram, "engine", "gen_ai.server.time_to_first_token", {}, "request arrival at the server to first output token", kSources1, kMinute1, 0, 1000000000000},
    {"inference.itl", "s", Kind::histogram, "engine", "", {}, "gap between successive output events of one request", kSources2, kMinute2, 0, 1000000000000},
    {"inference.tpot", "s", Kind::histogram, "engine", "gen_ai.server.time_per_output_token", {}, "per-request mean decode time per output token after the first", kSources3, kMinute3, 0, 1000000000000},
    {"inference.e2e_latency", "s", Kind::histogram, "engine", "gen_ai.server.request.duration", {}, "request arrival at the server to its last output token", kSources4, kMinute4, 0, 1000000000000},
    {"inference.queue_wait", "s", Kind::histogram, "engine", "", {}, "request arrival to being scheduled first", kSources5, kMinute5, 0, 1000000000000},
    {"inference.prefill_time", "s", Kind::histogram, "engine", "", {}, "scheduled first to first output token", kSources6, kMinute6, 0, 1000000000000},
    {"inference.decode_time", "s", Kind::histogram, "engine", "", {}, "first to last output token", kSources7, kMinute7, 0, 1000000000000},
    {"inference.inference_time", "s", Kind::histogram, "engine", "", {}, "scheduled to last token", kSources8, {}, 0, 1000000000000},
    {"inference.requests_running", "{request}", Kind::gauge, "engine", "", {}, "requests in the running batch", kSources9, kMinute8},
    {"inference.requests_waiting", "{request}", Kind::gauge, "engine", "", {}, "requests that wait to be scheduled", kSources10, kMinute9},
    {"inference.requests_waiting_capacity", "{request}", Kind::gauge, "engine", "", {}, "waiting because there is no room (the KV-pressure signal)", kSources11, kMinute10},
    {"inference.requests_swapped", "{request}", Kind::gauge, "engine", "", {}, "requests put aside after they had started", kSources12, kMinute11},
    {"inference.batch_tokens_per_step", "{token}", Kind::histogram, "engine", "", {}, "tokens computed in one engine step", kSources13, kMinute12},
    {"inference.batch_size", "{request}", Kind::gauge, "engine", "", {}, "requests computed together in one step", kSources14, {}},
    {"inference.kv_usage_ratio", "1", Kind::gauge, "engine", "", {}, "share of the KV cache held by live requests; cached blocks that can be reused count as free", kSources15, kMinute13, 0, 1.01, true},
    {"inference.kv_blocks_total", "{block}", Kind::gauge, "engine", "", {}, "blocks of the KV cache", kSources16, kMinute14},
    {"inference.kv_block_size_tokens", "{token}", Kind::gauge, "engine", "", {}, "tokens of one KV block", kSources17, kMinute15},
    {"inference.kv_capacity_tokens", "{token}", Kind::gauge, "engine", "", {}, "tokens the KV cache can hold", kSources18, kMinute16},
    {"inference.kv_used", "{token}", Kind::gauge, "engine", "", {}, "tokens held in the KV cache", kSources19, kMinute17},
    {"inference.kv_evictable", "{token}", Kind::gauge, "engine", "", {}, "cached tokens that can be thrown out to make room", kSources20, {}},
    {"inference.kv_evictions", "{token}", Kind::counter, "engine", "", {}, "tokens thrown out of the KV cache", kSources21, kMinute18, 0, model::kFinite},
    {"inference.prefix_cache_queries", "{token}", Kind::counter, "engine", "", {}, "prompt tokens looked up in the prefix cache", kSources22, kMinute19, 0, model::kFinite},
    {"inference.prefix_cache_hits", "{token}", Kind::counter, "engine", "", {}, "prompt tokens found in the prefix cache", kSources23, kMinute20, 0, model::kFinite},
    {"inference.prefix_cache_hit_ratio", "1", Kind::gauge, "engine", "", {}, "share of prompt tokens found in the prefix cache, as the engine tells it", kSources24, kMinute21, 0, 1.01, true},
    {"inference.preemptions", "{event}", Kind::counter, "engine", "", {}, "running requests thrown back to the queue to make room", kSources25, kMinute22, 0, model::kFinite},
    {"inference.prompt_tokens", "{token}", Kind::counter, "engine", "", {}, "logical prompt tokens incl. cache hits", kSources26, kMinute23, 0, model::kFinite},
    {"inference.cached_prompt_tokens", "{token}", Kind::counter, "engine", "", {}, "prompt tokens taken from the cache instead of being computed", kSources27, kMinute24, 0, model::kFinite},
    {"inference.prefill_computed_tokens", "{token}", Kind::counter, "engine", "", {}, "prompt tokens computed", kSources28, kMinute25, 0, model::kFinite},
    {"inference.generation_tokens", "{token}", Kind::counter, "engine", "", {}, "output tokens made", kSources29, kMinute26, 0, model::kFinite},
    {"inference.request_prompt_tokens", "{token}", Kind::histogram, "engine", "", {}, "prompt length of finished requests", kSources30, {}},
    {"inference.request_generation_tokens", "{token}", Kind::histogram, "engine", "", {}, "output length of finished requests", kSources31, {}},
    {"inference.requests_finished", "{request}", Kind::counter, "engine", "", {}, "requests that ended, however they ended (attribute finish_reason)", kSources32, kMinute27, 0, model::kFinite},
    {"inference.requests_started", "{request}", Kind::counter, "engine", "", {}, "requests accepted", kSources33, kMinute28, 0, model::kFinite},
    {"inference.request_errors", "{request}", Kind::counter, "engine", "", {}, "requests that failed", kSources34, kMinute29, 0, model::kFinite},
    {"inference.spec_draft_tokens", "{token}", Kind::counter, "engine", "", {}, "tokens proposed by speculative decoding", kSources35, kMinute30, 0, model::kFinite},
    {"inference.spec_accepted_tokens", "{token}", Kind::counter, "engine", "", {}, "proposed tokens that were accepted", kSources36, kMinute31, 0, model::kFinite},
    {"inference.spec_drafts", "{draft}", Kind::counter, "engine", "", {}, "rounds of speculative decoding", kSources37, {}, 0, model::kFinite},
    {"inference.spec_accept_rate", "1", Kind::gauge, "engine", "", {}, "share of proposed tokens accepted, as the engine tells it", kSources38, {}, 0, 1.01, true},
    {"inference.spec_accept_length", "{token}", Kind::gauge, "engine", "", {}, "tokens per verify step incl. the bonus token", kSources39, {}},
    {"inference.max_running_requests", "{request}", Kind::gauge, "engine", "", {}, "most requests the engine runs at once", kSources40, kMinute32},
    {"inference.model_info", "1", Kind::gauge, "engine", "", {}, "1; its attributes tell the configuration", kSources41, {}},
    {"inference.engine_awake", "1", Kind::gauge, "engine", "", {}, "1 while the engine is awake (vLLM sleep mode)", kSources42, kMinute33},
    {"inference.kv_transfer_time", "s", Kind::histogram, "engine", "", {}, "time to move KV cache between instances or tiers", kSources43, kMinute34, 0, 1000000000000},
    {"inference.model_flops", "FLOP", Kind::counter, "engine", "", {}, "floating point operations per GPU, estimated by the engine", kSources44, kMinute35, 0, model::kFinite},
    {"inference.kv_used_blocks", "{block}", Kind::gauge, "engine", "", {}, "blocks of the KV cache in use", kSources45, kMinute36},
    {"inference.kv_block_lifetime", "s", Kind::histogram, "engine", "", {}, "how long a KV block lived, sampled", kSources46, {}, 0, 1000000000000},
    {"inference.prefix_cache_hit_blocks", "{block}", Kind::counter, "engine", "", {}, "KV blocks found in the prefix cache", kSources47, {}, 0, model::kFinite},
    {"inference.stage_latency", "s", Kind::histogram, "engine", "", {}, "time of a request in each stage of the engine (attribute stage)", kSources48, {}, 0, 1000000000000},
    {"inference.context_length", "{token}", Kind::gauge, "engine", "", {}, "longest context the engine serves", kSources49, {}},
    {"inference.generation_throughput", "{token}/s", Kind::gauge, "engine", "", {}, "output tokens per second as the engine tells it; 0 when idle", kSources50, {}},
    {"inference.kv_cpu_usage_ratio", "1", Kind::gauge, "engine", "", {}, "share of the KV swap space in host memory in use", kSources51, {}, 0, 1.01, true},
    {"inference.pool_requests_waiting", "{request}", Kind::gauge, "engine", "", {}, "mean queue of the engines behind a router, or of one of them", kSources52, {}},
    {"inference.pool_requests_running", "{request}", Kind::gauge, "engine", "", {}, "mean running requests of the engines behind a router", kSources53, {}},
    {"inference.kv_offload_load_time", "s", Kind::counter, "engine", "", {}, "time spent loading KV cache from another tier", kSources54, {}, 0, 1000000000000},
    {"inference.forward_time", "s", Kind::counter, "engine", "", {}, "time spent in forward passes (attribute category)", kSources55, {}, 0, 1000000000000},
    {"inference.preemption", "{event}", Kind::event, "engine", "", {}, "requests were thrown back to the queue to make room", {}, {}},
    {"engine.restart", "{event}", Kind::event, "engine", "", {}, "a serving instance started again", {}, kMinute37},
    {"change.engine", "{event}", Kind::event, "engine", "", {}, "version or configuration of a serving instance changed", {}, {}},
};
constexpr model::Adapter kAdapters1[] = {
    {"vllm_production_stack_router", {}, {}, kLabels1, "", {}},
    {"vllm", kPrefixes1, kRules28, kLabels2, "", {}},
    {"sglang", kPrefixes2, kRules29, kLabels3, "", {}},
    {"llamacpp", kPrefixes3, {}, kLabels4, "", {}},
    {"tgi", kPrefixes4, {}, kLabels5, "", {}},
    {"trtllm_serve", kPrefixes5, kRules30, kLabels6, "", {}},
    {"lmdeploy", kPrefixes6, {}, kLabels7, "", {}},
    {"triton_core", kPrefixes7, {}, kLabels8, "", {}},
    {"triton_trtllm", kPrefixes8, {}, kLabels9, "", {}},
    {"nvidia_nim", {}, {}, kLabels10, "", {}},
    {"dynamo_frontend", kPrefixes9, kRules31, kLabels11, "", {}},
    {"dynamo_worker", kPrefixes10, {}, kLabels12, "", {}},
    {"llmd_epp", kPrefixes11, {}, kLabels13, "", {}},
    {"envoy_ai_gateway", kPrefixes12, {}, kLabels14, "", {}},
    {"litellm_proxy", kPrefixes13, {}, kLabels15, "", {}},
};

constexpr model::Catalog kCatalog = {"l6_infer", "Inference engine",
                                     "Where does a request's time go - queue, prefill, decode, cache?",
                                     kSignals1, kAdapters1};

}  // namespace

const model::Catalog& catalog() { return kCatalog; }

}  // namespace strata::l6_infer
