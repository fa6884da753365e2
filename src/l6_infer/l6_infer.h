// SPDX-License-Identifier: Apache-2.0
// The door of L6: where a request's time went inside the engine. The engines' names are data in
// catalog.yaml; here stand what data cannot say: which engine a page is from, and which address an
// engine answers at. No state, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "l6_infer/catalog.gen.h"
#include "model/batch.h"

namespace strata::l6_infer {

// "vllm", "sglang", "tgi", "trtllm_serve", "triton_core", "triton_trtllm", "llamacpp",
// "dynamo_frontend", "dynamo_worker", "lmdeploy", "ray_serve_llm", "llmd_epp", "litellm_proxy",
// "nvidia_nim" (the catalog's adapters); "" when no name tells. `names` are raw metric names of one
// target. Where several match the engine counts before what stands around it (a Dynamo worker
// passes vllm: through).
std::string DetectEngine(std::span<const std::string_view> names);
// By the start of a page: reads sample and TYPE lines.
std::string DetectEngineOfPage(std::string_view page);

// "host:port" as scrape targets and callers spell it: localhost becomes 127.0.0.1, IPv6 gets
// brackets. "" without host.
std::string EngineAddress(std::string_view host, std::string_view port);
inline constexpr std::uint16_t kKnownPorts[] = {8000,  30000, 8080, 8002,
                                                23333, 80,    9090};  // by default, in this order

// What series said about the engines so far: kind, models and address of each. One thread.
class EngineFacts {
 public:
  struct Engine {
    std::string id;        // entity: service.instance.id (host:port of a scrape)
    std::string kind;      // as DetectEngine
    bool gateway = false;  // stands in front of engines
    int order = 100;       // of the name that told the kind; internal
    std::string version;
    std::set<std::string> models;
    std::string node, ns, pod;
    std::string origin;
  };
  // Takes what an announced series tells; others than engines' are ignored.
  void Learn(const model::Series& series);

  const std::map<std::string, Engine>& engines() const {
    return engines_;
  }  // by origin + '\n' + id
  std::vector<std::string> ids(
      std::string_view origin = {}) const;  // without gateways; for l7_genai::JoinOptions
  // The engine that answers at an address: its id, else the pod name or node with that port; ""
  // when none is known.
  std::string at(std::string_view host, std::string_view port, std::string_view origin = {}) const;
  const Engine* find(std::string_view id, std::string_view origin = {}) const;

 private:
  std::map<std::string, Engine> engines_;
};

}  // namespace strata::l6_infer
