// SPDX-License-Identifier: Apache-2.0
#include "agent/kube.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>

namespace strata::agent {
namespace {

constexpr std::int64_t kSourcesEvery = 15 * base::kSecond;
constexpr std::int64_t kApiEvery = base::kSecond / 5;  // a change is to be seen within a second
constexpr int kPieces = 4;
constexpr std::string_view kSocket = "var/lib/kubelet/pod-resources/kubelet.sock";
constexpr std::size_t kMaxSeries = 400'000;  // a cluster's pods and their containers

bool Wait(std::int64_t ns, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, std::chrono::nanoseconds(ns), [] { return false; });
  return !stop.stop_requested();
}

base::Result<l4_sched::KubeConfig> ConfigOf(const KubeOptions& options) {
  if (options.kubeconfig.empty()) return l4_sched::KubeConfig::InCluster();
  return l4_sched::KubeConfig::FromFiles({options.kubeconfig}, options.context);
}

}  // namespace

KubeSources::KubeSources(KubeOptions options, std::string cluster, std::string host,
                         const std::string& root, MakeFeed feed)
    : options_(std::move(options)),
      cluster_(std::move(cluster)),
      host_(std::move(host)),
      socket_given_(!options_.kubelet_socket.empty()),
      feed_(std::move(feed)) {
  if (!options_.enabled) return;
  if (!socket_given_)
    options_.kubelet_socket = root + (root.ends_with('/') ? "" : "/") + std::string(kSocket);
  if (const char* name = std::getenv("K8S_NODE_NAME"); options_.node.empty() && name != nullptr)
    options_.node = name;
  if (options_.node.empty()) options_.node = host_;
  auto config = ConfigOf(options_);
  if (config.ok()) {
    l4_sched::KubeWorldOptions world;
    world.cluster = cluster_;
    world.node = options_.node;
    world.host = host_;
    world.whole_cluster = options_.whole_cluster;
    world.teams = options_.teams;
    world.more = options_.resources;
    world_ = std::make_unique<l4_sched::KubeWorld>(*config, std::move(world));
    world_->Start();
  } else {
    config_status_ = config.status();
  }
  // No pod and nothing asked for: there is no API server to speak of.
  const bool silent = !world_ && options_.kubeconfig.empty() && !options_.whole_cluster &&
                      config_status_.code() == base::Code::not_found;
  if (!silent) threads_.emplace_back([this](const std::stop_token& stop) { ApiLoop(stop); });
  threads_.emplace_back([this](const std::stop_token& stop) { KubeletLoop(stop); });
}

KubeSources::~KubeSources() { Stop(); }

void KubeSources::Stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
  world_.reset();
}

void KubeSources::ApiLoop(const std::stop_token& stop) {
  const std::unique_ptr<Feed> feed = feed_(kMaxSeries);
  std::int64_t said = 0;
  do {
    const std::int64_t now = base::Clock::system().now_ns();
    // A cluster's first list goes in pieces: what is sent must fit into one request.
    for (int i = 0; world_ && i < kPieces; ++i) {
      if (!world_->Collect(now, feed->namer(), &feed->batch())) break;
      feed->Ship();
    }
    if (said == 0 || now - said >= kSourcesEvery) {
      said = now;
      std::vector<model::SourceState>& sources = feed->batch().sources;
      if (world_) {
        world_->Sources(&sources);
      } else {
        sources.push_back(
            {"kubernetes api", "l4_sched", "failed", config_status_.message(), 0, {}});
      }
    }
    feed->Ship();
  } while (Wait(kApiEvery, stop));
}

void KubeSources::KubeletLoop(const std::stop_token& stop) {
  const std::unique_ptr<Feed> feed = feed_(1'000);
  l4_sched::KubeletOptions options;
  options.socket = options_.kubelet_socket;
  options.node = host_;
  options.cluster = cluster_;
  if (world_) {
    options.describe = [this](const l4_sched::KubeletContainer& container, model::Holding* out) {
      return world_->Describe(container, out);
    };
    options.resolve_claim = [this](const l4_sched::KubeletClaim& claim, model::Holding* out) {
      return world_->ResolveClaim(claim, out);
    };
  }
  l4_sched::KubeletCollector collector(std::move(options));
  bool seen = socket_given_;
  do {
    collector.Collect(base::Clock::system().now_ns(), &feed->batch(), stop);
    // A machine that never had a kubelet has no source that is missing.
    seen = seen || collector.state().state != "absent";
    if (!seen) feed->batch().clear();
    feed->Ship();
  } while (Wait(options_.interval_ns, stop));
}

}  // namespace strata::agent
