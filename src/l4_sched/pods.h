// SPDX-License-Identifier: Apache-2.0
// Kubernetes pods and nodes as their JSON tells them: what they ask for, where they are, who made
// them. Pure functions, any thread; memory is bounded by the input.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace strata::l4_sched {

// ---- resources

// Extended resources (those with a domain) and their amounts; "nvidia.com/gpu" -> 2.
using Resources = std::map<std::string, double, std::less<>>;
using Texts = std::map<std::string, std::string, std::less<>>;  // labels, annotations

enum class ResourceRole : unsigned char {
  none,            // no accelerator
  count,           // devices, or replicas or virtual devices that are offered as devices
  mig,             // instances: nvidia.com/mig-1g.10gb
  memory_mib,      // device memory of a shared device
  memory_percent,  // share of the device's memory
  cores_percent,   // share of the device's compute
};
// By a table of the names that vendors' and HAMi's plugins have as defaults.
ResourceRole RoleOf(std::string_view resource);
// Kubernetes quantity: "2", "500m", "16Gi", "1e3", "2k". NaN when it is none.
double ParseQuantity(std::string_view text);
// Devices and instances asked for: the sum of the roles count and mig.
double GpusOf(const Resources& resources);

// ---- pods

struct Owner {
  std::string api_version, kind, name, uid;
  bool controller = false;
};

struct Container {
  std::string name;
  std::string id;       // without "containerd://"
  std::string runtime;  // containerd | cri-o | docker
  Resources requests, limits;
  bool init = false;
  bool sidecar = false;        // an init container that stays (restartPolicy Always)
  std::int64_t restarts = -1;  // -1 = not told
  std::string state, reason;   // waiting | running | terminated, and why
  std::int64_t started_ns = 0, finished_ns = 0;
};

struct ClaimRef {
  std::string name;   // in the pod
  std::string claim;  // ResourceClaim, "" = not made yet
};

struct Toleration {
  std::string key, op, value, effect;
};

struct Pod {
  std::string ns, name, uid, node, phase, reason, scheduler, priority_class;
  std::string config_hash;  // a static pod's UID on the node
  Texts labels, annotations, node_selector;
  std::vector<Owner> owners;
  std::vector<Container> containers;  // init containers first, as HAMi counts them
  std::vector<ClaimRef> claims;
  std::vector<Toleration> tolerations;
  std::int64_t created_ns = 0, started_ns = 0, scheduled_ns = 0, deleted_ns = 0;
  std::string unschedulable;  // the scheduler's message while there is no node for it
  std::int64_t unschedulable_ns = 0;
  bool running() const { return phase == "Running"; }
  bool over() const { return phase == "Succeeded" || phase == "Failed"; }
  const Owner* controller() const;  // nullptr: nobody's
  const Container* container(std::string_view name) const;
  // What the scheduler counts: the sum of what runs together, or the largest init container.
  Resources effective_requests() const;
  std::string queue() const;  // by the labels of Kueue, Volcano and KAI
};

// A PodList (API server or kubelet /pods), one Pod, or JSON lines of watch events. An item that is
// no pod is counted in `bad`.
base::Result<std::vector<Pod>> ParsePods(std::string_view json, std::uint64_t* bad = nullptr);

// ---- owners

struct OwnedObject {  // anything with metadata: ReplicaSet, Job, StatefulSet, custom resources
  std::string ns, uid, kind, name;
  std::vector<Owner> owners;
};
base::Result<std::vector<OwnedObject>> ParseOwned(std::string_view json);
// The top of the chain of controllers, by UID and never by name, at most 8 steps. An owner that is
// not known ends the chain: it is then the answer itself. A pod without one: kind "Pod", its name.
std::pair<std::string, std::string> TopOwner(
    const Pod& pod, const std::map<std::string, OwnedObject, std::less<>>& by_uid);

// ---- nodes

struct Taint {
  std::string key, value, effect;
};

struct Node {
  std::string name, uid, region, zone, instance_type, provider_id;
  std::string gpu_product;       // nvidia.com/gpu.product without -SHARED
  std::string sharing_strategy;  // none | mps | time-slicing, "" = not told
  std::string mig_strategy;      // none | single | mixed
  int gpu_replicas = 0;          // 0 = not told
  double gpu_memory_mib = 0;
  Resources allocatable, capacity;
  Texts labels, annotations;
  std::vector<Taint> taints;
  bool unschedulable = false;
  bool ready = false;
  std::string kubelet_version;
};
base::Result<std::vector<Node>> ParseNodes(std::string_view json, std::uint64_t* bad = nullptr);
bool Tolerates(const Pod& pod, const Node& node);  // taints NoSchedule and NoExecute, cordon

}  // namespace strata::l4_sched
