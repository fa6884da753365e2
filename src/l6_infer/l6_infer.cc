// SPDX-License-Identifier: Apache-2.0
// Which engine is it, and where does it answer.
#include "l6_infer/l6_infer.h"

#include <algorithm>

namespace strata::l6_infer {
namespace {

using std::string_view;

constexpr std::size_t kMaxEngines = 100'000, kMaxModels = 256;

struct Prefix {
  string_view prefix, kind;
  int order;  // the lowest wins
};
constexpr Prefix kPrefixes[] = {
    {"vllm:", "vllm", 0},
    {"sglang:", "sglang", 0},
    {"sglang_", "sglang", 0},
    {"tgi_", "tgi", 0},
    {"trtllm_", "trtllm_serve", 0},
    {"trtllm:", "trtllm_serve", 0},
    {"llamacpp:", "llamacpp", 0},
    {"lmdeploy:", "lmdeploy", 0},
    {"ray_vllm_", "ray_serve_llm", 0},
    {"ray_vllm:", "ray_serve_llm", 0},
    {"nv_trt_llm_", "triton_trtllm", 1},
    {"nv_inference_", "triton_core", 2},
    {"dynamo_component_", "dynamo_worker", 3},
    {"dynamo_frontend_", "dynamo_frontend", 3},
    {"nv_llm_http_service_", "dynamo_frontend", 3},
    {"llm_d_epp_", "llmd_epp", 4},
    {"llm_d_router_epp_", "llmd_epp", 4},
    {"inference_extension_", "llmd_epp", 4},
    {"inference_pool_", "llmd_epp", 4},
    {"litellm_", "litellm_proxy", 5},
};
// NIM strips the prefix of the engine inside: three bare names together tell.
constexpr string_view kNim[] = {"num_request_max", "request_finish_total", "gpu_cache_usage_perc"};

const Prefix* Match(string_view name) {
  const auto it =
      std::ranges::find_if(kPrefixes, [&](const Prefix& p) { return name.starts_with(p.prefix); });
  return it == std::end(kPrefixes) ? nullptr : &*it;
}

string_view First(const model::Attributes& a, std::initializer_list<string_view> keys) {
  for (const string_view key : keys) {
    if (const string_view value = a.get(key); !value.empty()) return value;
  }
  return {};
}

void Fill(std::string* to, string_view value) {
  if (to->empty()) to->assign(value);
}

}  // namespace

std::string DetectEngine(std::span<const string_view> names) {
  const Prefix* best = nullptr;
  bool nim[3] = {false, false, false};
  for (const string_view name : names) {
    const Prefix* match = Match(name);
    if (match != nullptr && (best == nullptr || match->order < best->order)) best = match;
    for (std::size_t i = 0; i < 3; ++i) nim[i] = nim[i] || name == kNim[i];
  }
  if (best != nullptr) return std::string(best->kind);
  return nim[0] && nim[1] && nim[2] ? "nvidia_nim" : "";
}

std::string DetectEngineOfPage(string_view page) {
  std::vector<string_view> names;
  while (!page.empty()) {
    const std::size_t end = page.find('\n');
    string_view line = page.substr(0, end);
    page.remove_prefix(end == string_view::npos ? page.size() : end + 1);
    if (line.starts_with("# TYPE ") || line.starts_with("# HELP ")) line.remove_prefix(7);
    const string_view name = line.substr(0, line.find_first_of("{ \t"));
    if (!name.empty() && name[0] != '#' && (names.empty() || names.back() != name))
      names.push_back(name);
  }
  return DetectEngine(names);
}

std::string EngineAddress(string_view host, string_view port) {
  if (host.empty()) return {};
  std::string out(host == "localhost" ? string_view("127.0.0.1") : host);
  if (out.find(':') != std::string::npos && out[0] != '[') out = "[" + out + "]";
  return port.empty() ? out : out + ":" + std::string(port);
}

void EngineFacts::Learn(const model::Series& series) {
  if (series.entity_type != "engine" || series.entity.empty()) return;
  const std::string key = series.origin + "\n" + series.entity;
  auto it = engines_.find(key);
  if (it == engines_.end()) {
    if (engines_.size() >= kMaxEngines) return;
    it = engines_.emplace(key, Engine{}).first;
    it->second.id = series.entity;
    it->second.origin = series.origin;
  }
  Engine& engine = it->second;
  const model::Attributes& a = series.attributes;
  // The raw name stands behind the adapter in the source: "vllm:vllm:num_requests_running". The
  // name tells best, for an engine's names may come through somebody else's adapter; an engine wins
  // over what stands around it.
  const std::size_t colon = series.source.find(':');
  const string_view raw =
      colon == std::string::npos ? string_view() : string_view(series.source).substr(colon + 1);
  if (const Prefix* match = Match(raw); match != nullptr && match->order < engine.order) {
    engine.order = match->order;
    engine.kind = match->kind;
  } else if (engine.kind.empty() && colon != std::string::npos && series.layer == "l6_infer") {
    engine.kind = series.source.substr(0, colon);
  }
  engine.gateway = engine.gateway || a.get("inference.role") == "gateway";
  if (const string_view model = First(a, {"gen_ai.request.model", "model", "model_name"});
      !model.empty() && engine.models.size() < kMaxModels) {
    engine.models.emplace(model);
  }
  Fill(&engine.version, First(a, {"service.version", "version"}));
  Fill(&engine.node, First(a, {"k8s.node.name", "host.name"}));
  Fill(&engine.ns, a.get("k8s.namespace.name"));
  Fill(&engine.pod, a.get("k8s.pod.name"));
}

std::vector<std::string> EngineFacts::ids(string_view origin) const {
  std::vector<std::string> out;
  for (const auto& [key, engine] : engines_) {
    if (engine.origin == origin && !engine.gateway) out.push_back(engine.id);
  }
  return out;
}

const EngineFacts::Engine* EngineFacts::find(string_view id, string_view origin) const {
  const auto it = engines_.find(std::string(origin) + "\n" + std::string(id));
  return it == engines_.end() ? nullptr : &it->second;
}

std::string EngineFacts::at(string_view host, string_view port, string_view origin) const {
  const std::string address = EngineAddress(host, port);
  if (address.empty()) return {};
  if (find(address, origin) != nullptr) return address;
  const std::string tail = ":" + std::string(port);
  for (const auto& [key, engine] : engines_) {
    if (engine.origin != origin || (!port.empty() && !engine.id.ends_with(tail))) continue;
    if (engine.pod == host || engine.node == host) return engine.id;
  }
  return {};
}

}  // namespace strata::l6_infer
