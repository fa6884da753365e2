// SPDX-License-Identifier: Apache-2.0
// The door of the agent: collects on one node and sends OTLP. It starts collectors (host, NVIDIA
// devices, the kernel's log), scrapes targets and those it finds on this machine, follows files,
// and sends all of it. Threads of its own; Stop joins them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/kube.h"
#include "agent/nccl_socket.h"
#include "agent/nccl_watch.h"
#include "agent/scrape.h"
#include "agent/sender.h"
#include "agent/tail.h"
#include "base/clock.h"
#include "base/status.h"
#include "model/catalog.h"

namespace strata::agent {

struct AgentOptions {
  std::string to = "http://127.0.0.1:4318";  // OTLP/HTTP
  std::string token;
  std::string root = "/";  // where proc/, sys/ and dev/ are
  std::string cluster;     // put on holdings
  std::string node;        // "" = the host name of the root
  std::int64_t interval_ns = 5 * base::kSecond;
  std::vector<ScrapeTarget> scrape;
  bool discover_engines = true;
  std::int64_t discover_every_ns = 15 * base::kSecond;
  std::vector<std::uint16_t> own_ports;  // never asked for metrics
  std::vector<TailFile> files;
  NcclWatchOptions nccl_watch;
  std::string spool_dir;  // "" = what cannot be sent waits in memory only
  std::uint64_t spool_bytes = 1u << 30;
  KubeOptions kubernetes;
  std::string nvml = "libnvidia-ml.so.1";  // "" = do not look for NVIDIA devices
  std::int64_t nvml_interval_ns = 0;       // 0 = interval_ns
  std::int64_t nvml_deadline_ns = 10 * base::kSecond;
  bool kernel_log = true;  // follow ROOT/dev/kmsg
  NcclOptions nccl;        // where NCCL profiler plugins connect
};

struct AgentFacts {
  SenderFacts sender;
  std::uint64_t targets = 0, targets_up = 0;
  std::int64_t collect_cpu_ns = 0;  // of the last round of the host collector
};

class Agent {
 public:
  // `catalogs` outlive the agent. Fails when the root has no proc/stat, `to` is no address, or the
  // spool is in use.
  static base::Result<std::unique_ptr<Agent>> Start(
      AgentOptions options, std::span<const model::Catalog* const> catalogs);
  ~Agent();
  // Ends the sources, sends what waits for two seconds, spools the rest.
  void Stop();
  AgentFacts facts() const;
  const std::string& node() const;

 private:
  struct State;
  explicit Agent(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace strata::agent
