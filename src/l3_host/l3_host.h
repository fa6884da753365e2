// SPDX-License-Identifier: Apache-2.0
// The door of L3: what the machine around the GPU did. Reads /proc and /sys below a root, one
// collector per thread; files stay open, buffers are reused, a sample costs no allocation after the
// first round. Never reads process arguments beyond the name of the program, nor environments.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "l3_host/catalog.gen.h"
#include "model/batch.h"
#include "model/namer.h"

namespace strata::l3_host {

struct HostOptions {
  std::string root = "/";
  std::string node;  // "" = what the root says: its kernel's host name
  bool per_core =
      false;  // system.cpu.time also per core (cpu.logical_number), besides the whole machine
  int max_processes = 128;                     // sampled every round; the rest is only looked at
  std::int64_t scan_every_ns = 5'000'000'000;  // how often the process list is walked
};

class HostCollector {
 public:
  // Fails when there is no readable proc/stat under the root.
  static base::Result<std::unique_ptr<HostCollector>> Make(HostOptions options = {});
  static base::Result<std::unique_ptr<HostCollector>> Make(const std::string& root);
  ~HostCollector();

  // One round of samples at `now_ns`, with series newly named in batch->series. Events
  // (host.oom_kill) are told from the second round on.
  void Collect(std::int64_t now_ns, model::Namer& namer, model::Batch* batch);
  // What was readable and what was not, with the reason; one entry per source.
  void Sources(std::int64_t now_ns, std::vector<model::SourceState>* out) const;

  const std::string& node() const;
  int cores() const;  // as counted in proc/stat; 0 before the first round

 private:
  struct State;
  explicit HostCollector(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// `strata read proc`: one round over a recorded tree that holds proc/ and sys/, and the report
// `host`.
base::Status ReadHost(const std::string& root, std::int64_t now_ns, model::Namer& namer,
                      model::Batch* batch, base::Json* report);

// Where a process belongs, from its proc/PID/cgroup.
struct Cgroup {
  std::string path;       // of the unified hierarchy, else of the memory or cpu controller
  bool unified = false;   // version 2
  std::string container;  // 64 hex digits, "" = none
  std::string pod_uid;    // with dashes, "" = none
};
Cgroup ParseCgroup(std::string_view text);

}  // namespace strata::l3_host
