// SPDX-License-Identifier: Apache-2.0
// Slurm as its own programs tell it, 20.11 to 25.x: `squeue`, `sacct`, `sinfo` and `scontrol` with
// --json, `scontrol show job -d | step | node`, and tables of squeue, sacct and sinfo. Pure
// functions. Times without a zone are the cluster's local time: `zone_offset_s` says which.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace strata::l4_sched {

// A GRES on one node: "gpu:h100:2(IDX:0-1)".
struct Gres {
  std::string name, type;  // gpu | mps | shard; h100, "" = not told
  double count = 0;
  std::vector<int> indices;  // empty = not told
};
// Several, comma separated; what is no GRES gives none. "(null)", "N/A", "" are none.
std::vector<Gres> ParseGres(std::string_view text);
// GPUs in a TRES list: "cpu=1,gres/gpu=2,gres/gpu:h100=2" -> 2. 0 = none are named.
double GpusOfTres(std::string_view tres);
// "node[01-03,7],login" -> node01 node02 node03 node7 login; at most `limit` names.
std::vector<std::string> ExpandHosts(std::string_view list, std::size_t limit = 100'000);

struct SlurmGrant {
  std::string node;
  std::vector<Gres> gres;
};
struct SlurmJob {
  std::string id;      // 8, 7_1 (array), 10+0 (het), 42271120_[7-8%1] (tasks that wait)
  std::string raw_id;  // the number of its own
  std::string array_id, het_id;
  std::string name, user, account, partition, qos, cluster, state, reason, nodes;
  double gpus = 0;  // given; 0 = none
  double gpus_asked = 0;
  std::int64_t submit_ns = 0, start_ns = 0, end_ns = 0;  // 0 = not told, or still to come
  std::vector<SlurmGrant> grants;  // which devices: only scontrol -d and --json tell
  bool running() const;
  bool pending() const { return state == "PENDING"; }
};
struct SlurmStep {
  std::string job, id;  // 4, 0 | batch | extern | interactive
  std::string name, state, nodes;
  double gpus = 0;
  std::int64_t start_ns = 0, end_ns = 0;
};
struct SlurmNode {
  std::string name, state, partition;
  double gpus = 0, gpus_used = 0;  // used: NaN = not told
  std::string gpu_type;
};
struct SlurmFacts {
  std::string form;  // squeue | sacct | sinfo | scontrol, json or text
  bool jobs_told = false, steps_told = false, nodes_told = false;
  std::vector<SlurmJob> jobs;
  std::vector<SlurmStep> steps;
  std::vector<SlurmNode> nodes;
  std::uint64_t bad = 0;  // lines or objects that could not be read
  std::string bad_example;
};

bool LooksSlurm(std::string_view head);
base::Result<SlurmFacts> ParseSlurm(std::string_view text, std::int64_t zone_offset_s = 0);
base::Result<SlurmFacts> ParseSlurmJson(std::string_view json);
base::Result<SlurmFacts> ParseSlurmText(std::string_view text, std::int64_t zone_offset_s);

// ---- tables (internal to the parsers of text)

bool LooksSlurmTable(std::string_view text);
base::Result<SlurmFacts> ParseSlurmTable(std::string_view text, std::int64_t zone_offset_s);
std::int64_t SlurmTime(std::string_view text, std::int64_t zone_offset_s);
std::string SlurmState(std::string_view text);  // "R", "drained*", "CANCELLED by 0" -> whole words

}  // namespace strata::l4_sched
