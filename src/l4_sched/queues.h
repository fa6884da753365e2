// SPDX-License-Identifier: Apache-2.0
// What waits in a queue and what a queue may have: Kueue (Workload, ClusterQueue, LocalQueue),
// Volcano (PodGroup, Queue), KAI (PodGroup, Queue), and the fractions of KAI and run:ai. Pure
// functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "l4_sched/pods.h"

namespace strata::l4_sched {

struct QueuedWork {
  std::string scheduler;  // kueue | volcano | kai
  std::string ns, name, uid;
  std::string queue;          // as the user named it (LocalQueue, Queue)
  std::string cluster_queue;  // Kueue: where its quota is
  std::string owner_kind, owner;
  Resources asked;
  // pending | inadmissible | reserved | admitted | running | evicted | finished | unknown
  std::string state = "unknown";
  std::string reason, message;
  std::int64_t created_ns = 0;
  std::int64_t since_ns = 0;  // of the state, 0 = not told
};
struct Queue {
  std::string scheduler, ns, name, cohort, cluster_queue;
  Resources quota, used;  // absent = no limit told
  double weight = 0;      // 0 = not told
  bool stopped = false;
};
struct Queues {
  std::vector<QueuedWork> work;
  std::vector<Queue> queues;
  std::uint64_t other = 0;  // objects of kinds that are none of these
};
// Any mix of their objects and lists.
base::Result<Queues> ParseQueues(std::string_view json);

// A fraction of KAI or run:ai: the real device is held by a reservation pod of the same group.
struct Fraction {
  std::string group;      // runai-gpu-group
  std::string container;  // "" = the first
  double share = 0;       // 0 = told in MiB
  double memory_mib = 0;
  int devices = 1;
  bool mps = false;
};
bool FractionOf(const Pod& pod, Fraction* out);
bool IsReservation(const Pod& pod);
// By name and namespace alone, where that is all there is.
bool IsReservationPod(std::string_view ns, std::string_view name);

}  // namespace strata::l4_sched
