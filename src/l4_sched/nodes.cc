// SPDX-License-Identifier: Apache-2.0
// Node objects: where they stand, what they offer, whom they keep away.
#include <algorithm>
#include <charconv>

#include "l4_sched/object_json.h"
#include "l4_sched/pods.h"

namespace strata::l4_sched {
namespace {

using std::string_view;

std::string First(const Texts& texts, std::initializer_list<string_view> keys) {
  for (const string_view key : keys) {
    if (const auto it = texts.find(key); it != texts.end() && !it->second.empty())
      return it->second;
  }
  return {};
}

bool ReadNode(JsonView object, Node* node) {
  const JsonView metadata = object["metadata"], spec = object["spec"], status = object["status"];
  const string_view kind = object["kind"].text();  // items of a list do not always say theirs
  if (kind.empty() ? !status["nodeInfo"].is_object() : kind != "Node") return false;
  node->name = metadata["name"].str();
  if (node->name.empty() || !status.is_object()) return false;
  node->uid = metadata["uid"].str();
  node->labels = TextsOf(metadata["labels"]);
  node->annotations = TextsOf(metadata["annotations"]);
  node->region = First(
      node->labels, {"topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"});
  node->zone = First(node->labels,
                     {"topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"});
  node->instance_type =
      First(node->labels, {"node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"});
  node->gpu_product = First(
      node->labels, {"nvidia.com/gpu.product", "amd.com/gpu.product-name",
                     "beta.amd.com/gpu.product-name", "gpu.intel.com/product", "accelerator"});
  if (node->gpu_product.ends_with("-SHARED"))
    node->gpu_product.resize(node->gpu_product.size() - 7);
  node->sharing_strategy = First(node->labels, {"nvidia.com/gpu.sharing-strategy"});
  node->mig_strategy = First(node->labels, {"nvidia.com/mig.strategy"});
  const auto number = [&](string_view key, auto* out) {
    const std::string text = First(node->labels, {key});
    std::from_chars(text.data(), text.data() + text.size(), *out);
  };
  number("nvidia.com/gpu.replicas", &node->gpu_replicas);
  number("nvidia.com/gpu.memory", &node->gpu_memory_mib);
  node->provider_id = spec["providerID"].str();
  node->unschedulable = spec["unschedulable"].truth();
  spec["taints"].each([&](JsonView t) {
    node->taints.push_back({t["key"].str(), t["value"].str(), t["effect"].str()});
  });
  node->allocatable = ResourcesOf(status["allocatable"]);
  node->capacity = ResourcesOf(status["capacity"]);
  status["conditions"].each([&](JsonView c) {
    if (c["type"].text() == "Ready") node->ready = c["status"].text() == "True";
  });
  node->kubelet_version = status["nodeInfo"]["kubeletVersion"].str();
  return true;
}

bool TolerationMatches(const Toleration& t, const Taint& taint) {
  if (!t.effect.empty() && t.effect != taint.effect) return false;
  if (t.key.empty()) return t.op == "Exists";
  if (t.key != taint.key) return false;
  return t.op == "Exists" || t.value == taint.value;
}

}  // namespace

base::Result<std::vector<Node>> ParseNodes(string_view json, std::uint64_t* bad) {
  std::vector<Node> out;
  RETURN_IF_ERROR(ForEachObject(json, [&](JsonView object) {
    Node node;
    if (ReadNode(object, &node)) {
      out.push_back(std::move(node));
    } else if (bad != nullptr) {
      ++*bad;
    }
  }));
  return out;
}

bool Tolerates(const Pod& pod, const Node& node) {
  const auto tolerated = [&](const Taint& taint) {
    return std::ranges::any_of(pod.tolerations,
                               [&](const Toleration& t) { return TolerationMatches(t, taint); });
  };
  if (node.unschedulable && !tolerated({"node.kubernetes.io/unschedulable", "", "NoSchedule"}))
    return false;
  return std::ranges::all_of(node.taints, [&](const Taint& taint) {
    return (taint.effect != "NoSchedule" && taint.effect != "NoExecute") || tolerated(taint);
  });
}

}  // namespace strata::l4_sched
