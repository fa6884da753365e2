// SPDX-License-Identifier: Apache-2.0
// Engines and exporters that run on this machine without Kubernetes: listening ports from
// /proc/net/tcp, their processes by socket inode, and a look at /metrics on loopback. Of a process
// only its name is read, never its arguments. One thread; Find may take seconds.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/batch.h"

namespace strata::agent {

struct Listener {
  std::string host;  // to be asked at: "127.0.0.1", "[::1]" or the address itself
  std::uint16_t port = 0;
  std::uint64_t inode = 0;
  bool operator==(const Listener&) const = default;
};
// Sockets in state LISTEN of the text of /proc/net/tcp or tcp6; one that listens on every address
// is asked on loopback.
std::vector<Listener> ParseListeners(std::string_view text, bool v6);

// A service found on this machine.
struct LocalService {
  std::string kind;  // "vllm", "llamacpp", … as l6_infer; "dcgm_exporter", "node_exporter"
  bool engine = false;
  std::string target;     // host:port
  int pid = 0;            // 0 = not known (another user's process)
  std::string name;       // of the program
  std::string container;  // id, "" = none
  std::string pod_uid;
  bool uses_gpu = false;  // it or a process below it has an accelerator open
  double cores = 0;       // it may use; 0 = not known
};

class LocalFinder {
 public:
  // The page of http://TARGET/metrics, or why there is none; given in so that a test needs no
  // network.
  using Probe = std::function<base::Result<std::string>(const std::string& target)>;

  LocalFinder(std::string root, std::string node, Probe probe);

  // Services there are now. `skip` = ports of our own.
  std::vector<LocalService> Find(std::int64_t now_ns, const std::vector<std::uint16_t>& skip = {});
  // Cores of the machine as proc/stat counts them.
  double node_cores() const { return node_cores_; }
  // Is there an accelerator in this machine? Then CPU cores are no device of their own.
  bool has_accelerator() const;

 private:
  struct Process {
    std::string name;
    int parent = 0;
  };
  struct Known {  // what a probe said of a listener
    std::uint64_t inode = 0;
    std::string kind;
    std::int64_t asked_ns = 0;
  };
  void ReadProcesses();
  std::map<std::uint64_t, int> OwnersOf(const std::vector<Listener>& listeners) const;
  std::string KindOf(const Listener& listener, const std::string& target, std::int64_t now_ns);
  bool UsesGpu(int pid) const;
  double CoresOf(int pid, std::string_view cgroup_path, bool unified) const;
  std::string Path(std::string_view below) const { return root_ + "/" + std::string(below); }

  std::string root_, node_;
  Probe probe_;
  std::map<int, Process> processes_;
  std::map<std::string, Known> known_;  // by target
  double node_cores_ = 0;
};

// Does a program of this name look like an engine or an exporter? ("llama-server", "vllm",
// "VLLM::EngineCore", "python3", …)
bool LooksServing(std::string_view program);
// The layer room's name of what a page is from: an engine, else an exporter by its prefix; "" =
// neither.
std::string KindOfPage(std::string_view page, bool* engine);

// The claim of an engine on the cores of a machine without an accelerator; share 0 where the cores
// are not known.
model::Holding CpuHolding(const LocalService& service, const std::string& instance,
                          const std::string& node, const std::string& cluster, double node_cores,
                          std::int64_t now_ns);

}  // namespace strata::agent
