// SPDX-License-Identifier: Apache-2.0
// What waits for GPUs and why: computed from what nodes offer and pods ask, then checked against
// what the scheduler itself said. And how torn the free GPUs are. Pure functions; linear in pods
// plus, for each pod that waits, in nodes.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "l4_sched/pods.h"
#include "l4_sched/queues.h"

namespace strata::l4_sched {

// ---- why a pod has no node

// The parts of "0/5 nodes are available: 3 Insufficient nvidia.com/gpu, 2 node(s) had …".
struct SchedulerSays {
  int nodes = -1;  // looked at, -1 = no such message
  struct Part {
    int nodes = 0;
    std::string why;   // capacity | taint | selector | volume | ports | other
    std::string what;  // the resource, or the words
  };
  std::vector<Part> parts;
};
SchedulerSays ParseFailedScheduling(std::string_view message);

enum class WaitReason : unsigned char {
  none,           // it would fit: its turn is still to come
  capacity,       // fewer GPUs free in the whole cluster than it asks
  fragmentation,  // enough in total, on no node enough
  taint,          // on nodes that it may not use there would be room
  selector,       // likewise, by node selector
  quota,          // its queue may not have more
  not_offered,    // no node offers the resource at all
  unknown,        // nothing of the nodes is known
};
std::string_view wait_reason_name(WaitReason reason);

// ---- what is free

struct FreeGpus {
  std::string resource;
  double allocatable = 0, requested = 0, free = 0;
  double largest = 0;             // placeable request: what is free on the node with most
  double closed = 0;              // of the free ones: on nodes that are cordoned or not ready
  double fragmentation() const {  // 0 = one request could have all that is free; NaN = none is free
    return free > 0 ? 1 - largest / free : std::numeric_limits<double>::quiet_NaN();
  }
};
// Per resource with the role count or mig. Pods that ended hold nothing; pods without a node ask.
std::vector<FreeGpus> FindFree(std::span<const Node> nodes, std::span<const Pod> pods);

// ---- what waits

struct Waiting {
  std::string queue, ns, name;  // queue "" = none
  std::string kind;             // pod | workload
  std::string resource;         // that is missing, or the one asked most
  double gpus = 0;
  std::int64_t since_ns = 0;
  WaitReason reason = WaitReason::unknown;
  bool agrees = true;  // with what the scheduler said; true where it said nothing
  std::string said;    // its words
};
struct QueueDemand {
  std::string queue;
  double gpus = 0;
  std::size_t asks = 0;
  std::int64_t oldest_ns = 0;
  double by_reason[8] = {};  // GPUs, by WaitReason
};
struct Demand {
  std::vector<Waiting> waiting;     // oldest first
  std::vector<QueueDemand> queues;  // by name
};
// Pods that are Pending without a node, and work that its queue has not let in (whose pods are not
// there yet). Work and its own pods are not counted twice.
Demand FindDemand(std::span<const Node> nodes, std::span<const Pod> pods, const Queues& queues);

}  // namespace strata::l4_sched
