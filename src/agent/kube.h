// SPDX-License-Identifier: Apache-2.0
// The agent's two sources of ownership: what the kubelet of this machine gave to whom, and what the
// Kubernetes API knows of the pods here, or of the whole cluster. Each has a thread of its own, so
// that neither a kubelet that hangs nor an API server that is gone holds up the rest.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "agent/feed.h"
#include "base/clock.h"
#include "l4_sched/kube_world.h"

namespace strata::agent {

struct KubeOptions {
  bool enabled = false;
  bool whole_cluster = false;  // follow everything, for all agents: once in a cluster
  std::string kubeconfig;      // "" = the service account of the pod this runs in
  std::string context;         // of the kubeconfig; "" = the current one
  std::string kubelet_socket;  // "" = where a kubelet has it, below the root
  std::string node;            // name in Kubernetes; "" = K8S_NODE_NAME, else the host's name
  l4_sched::TeamRules teams;
  std::vector<l4_sched::KubeResource> resources;  // further kinds to follow
  std::int64_t interval_ns = 10 * base::kSecond;  // between looks at the kubelet
};

class KubeSources {
 public:
  using MakeFeed = std::function<std::unique_ptr<Feed>(std::size_t max_series)>;
  // `host` is the agent's own node, `root` where its files are.
  KubeSources(KubeOptions options, std::string cluster, std::string host, const std::string& root,
              MakeFeed feed);
  ~KubeSources();  // Stop
  void Stop();

 private:
  void ApiLoop(const std::stop_token& stop);
  void KubeletLoop(const std::stop_token& stop);

  KubeOptions options_;
  std::string cluster_, host_;
  bool socket_given_ = false;
  MakeFeed feed_;
  base::Status config_status_;
  std::unique_ptr<l4_sched::KubeWorld> world_;  // nullptr = no API server is known
  std::vector<std::jthread> threads_;
};

}  // namespace strata::agent
