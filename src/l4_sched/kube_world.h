// SPDX-License-Identifier: Apache-2.0
// What the Kubernetes API tells strata, as entities, events and samples: one watch a kind, each on
// a thread of its own. On a node it follows the pods of that node only; once per cluster somebody
// (`strata agent --cluster`) follows everything. Nobody waits for the API server: Collect takes
// what has come.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "l4_sched/kube_owners.h"
#include "l4_sched/kube_podresources.h"
#include "l4_sched/kube_watch.h"
#include "l4_sched/l4_sched.h"
#include "model/batch.h"
#include "model/namer.h"

namespace strata::l4_sched {

struct KubeWorldOptions {
  std::string cluster;         // k8s.cluster.name of everything
  std::string node;            // follow what runs here …
  std::string host;            // what this node is called by its own collectors; "" = the same
  bool whole_cluster = false;  // … or everything, and tell events and samples
  TeamRules teams;
  std::vector<KubeResource> more;  // further kinds to be followed, for `raw`
  KubeSink raw;                    // is told everything too, on the watching threads
  KubeWatchOptions watch;
  std::int64_t samples_ns = 15'000'000'000;  // between samples
  std::int64_t renew_ns = 600'000'000'000;   // entities are told again after
  std::size_t max_objects_a_round = 500;     // entities are made of, by one Collect
};

class KubeWorld {
 public:
  KubeWorld(const KubeConfig& config, KubeWorldOptions options);
  ~KubeWorld();  // Stop
  KubeWorld(const KubeWorld&) = delete;
  void Start();
  void Stop();

  // What is new, at most a piece of it; true = there is more already. One thread.
  bool Collect(std::int64_t now_ns, model::Namer& namer, model::Batch* batch);
  void Sources(std::vector<model::SourceState>* out) const;

  // For the kubelet's answers; any thread. What the API knows of the pod; false when it has ended.
  bool Describe(const KubeletContainer& container, model::Holding* out);
  // Which device a claim got, by its ResourceClaim and the ResourceSlices of this node. Asks the
  // server for a claim that is new, at most two seconds; one thread.
  ClaimIs ResolveClaim(const KubeletClaim& claim, model::Holding* out);

  const KubeWatch* find(std::string_view name) const;  // "pods"; nullptr = not followed

 private:
  struct Emit;
  void Add(const KubeConfig& config, KubeResource resource);
  void Told(const KubeUpdate& update);
  void PodTold(const KubeUpdate& update);
  std::string HostOf(const std::string& node) const;
  void Say(model::Event event, const std::string& once);
  void PodEntities(const KubeObject& pod, std::int64_t now_ns, model::Batch* batch);
  void Renew(std::int64_t now_ns);
  std::vector<std::string> NewlyOwned();
  void Samples(std::int64_t now_ns, model::Namer& namer, model::Batch* batch);

  KubeWorldOptions options_;
  KubeOwners owners_;
  struct Claim {
    KubeObject object;
    std::int64_t again_ns = 0;  // monotonic
  };
  const KubeObject* ClaimOf(const KubeletClaim& claim);
  KubeClient claim_client_;
  KubeParser claim_parser_;
  std::map<std::string, Claim> claims_;  // of the thread that asks the kubelet
  std::int64_t claims_pause_ns_ = 0;     // the server did not answer: not asked before
  std::vector<std::unique_ptr<KubeWatch>> watches_;
  std::vector<std::jthread> threads_;

  std::mutex mutex_;
  std::set<std::pair<std::string, std::string>> changed_;  // resource, key
  std::deque<model::Event> events_;
  std::unordered_set<std::string> told_;  // events that two sources tell
  // of the collecting thread
  std::unordered_set<std::string> workloads_;  // told in this round
  std::unordered_set<std::string> unowned_;    // pods whose chain of owners is not whole
  std::vector<std::pair<std::string, std::string>> renewing_;  // resource, key
  std::uint64_t generation_ = 0;
  std::int64_t sampled_ns_ = 0, renewed_ns_ = 0;
};

}  // namespace strata::l4_sched
