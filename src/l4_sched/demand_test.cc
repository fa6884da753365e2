// SPDX-License-Identifier: Apache-2.0
// Why pods and queued work have no GPU, against the scheduler's own words; and torn free GPUs.
#include "l4_sched/demand.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"

namespace strata::l4_sched {
namespace {

Node MakeNode(const std::string& name, double gpus) {
  Node n;
  n.name = name;
  n.ready = true;
  n.allocatable["nvidia.com/gpu"] = gpus;
  return n;
}

Pod MakePod(const std::string& name, const std::string& node, double gpus,
            const std::string& resource = "nvidia.com/gpu") {
  Pod p;
  p.ns = "ml", p.name = name, p.node = node;
  p.phase = node.empty() ? "Pending" : "Running";
  p.created_ns = 1000;
  p.containers.push_back({});
  p.containers[0].requests[resource] = gpus;
  return p;
}

TEST(Demand, FreeAndLargestPlaceable) {
  std::vector<Node> nodes = {MakeNode("a", 8), MakeNode("b", 8), MakeNode("c", 8)};
  nodes[2].unschedulable = true;
  Pod over = MakePod("over", "a", 8);
  over.phase = "Succeeded";
  const std::vector<Pod> pods = {MakePod("1", "a", 5), MakePod("2", "b", 4), over};
  const auto free = FindFree(nodes, pods);
  ASSERT_EQ(free.size(), 1u);
  EXPECT_EQ(free[0].allocatable, 24);
  EXPECT_EQ(free[0].requested, 9);
  EXPECT_EQ(free[0].free, 15);
  EXPECT_EQ(free[0].closed, 8);
  EXPECT_EQ(free[0].largest, 4);
  EXPECT_NEAR(free[0].fragmentation(), 1 - 4.0 / 15, 1e-12);
  const auto full = FindFree(std::vector{MakeNode("a", 1)}, std::vector{MakePod("1", "a", 1)});
  EXPECT_TRUE(std::isnan(full[0].fragmentation()));
  EXPECT_TRUE(FindFree({}, {}).empty());
}

TEST(Demand, EachReason) {
  std::vector<Node> nodes = {MakeNode("a", 8), MakeNode("b", 8), MakeNode("t", 8)};
  nodes[2].taints.push_back({"team", "x", "NoSchedule"});
  nodes[2].labels["pool"] = "x";
  std::vector<Pod> pods = {MakePod("1", "a", 5), MakePod("2", "b", 5)};
  const auto reason = [&](Pod pod) {
    pods.push_back(std::move(pod));
    const Demand d = FindDemand(nodes, pods, {});
    pods.pop_back();
    EXPECT_EQ(d.waiting.size(), 1u);
    return std::string(wait_reason_name(d.waiting[0].reason));
  };
  EXPECT_EQ(reason(MakePod("p", "", 3)), "none");
  EXPECT_EQ(reason(MakePod("p", "", 4)), "fragmentation");  // 3 + 3 are free
  EXPECT_EQ(reason(MakePod("p", "", 8)), "taint");          // 8 on the node that it may not use
  EXPECT_EQ(reason(MakePod("p", "", 9)), "capacity");
  EXPECT_EQ(reason(MakePod("p", "", 1, "amd.com/gpu")), "not_offered");
  Pod selective = MakePod("p", "", 2);
  selective.node_selector["pool"] = "none";
  EXPECT_EQ(reason(selective), "selector");
  Pod tolerant = MakePod("p", "", 8);
  tolerant.tolerations.push_back({"team", "Equal", "x", "NoSchedule"});
  EXPECT_EQ(reason(tolerant), "none");
  nodes.clear();
  EXPECT_EQ(reason(MakePod("p", "", 1)), "unknown");
}

TEST(Demand, TheSchedulersOwnWords) {
  const auto pod =
      ParsePods(*base::ReadFile(std::string(STRATA_SOURCE_DIR) +
                                "/tests/golden/l4/kube/pod-message-pending-pod-resources.json"));
  ASSERT_TRUE(pod.ok());
  const SchedulerSays says = ParseFailedScheduling((*pod)[0].unschedulable);
  EXPECT_GE(says.nodes, 1);
  ASSERT_FALSE(says.parts.empty());
  EXPECT_EQ(says.parts[0].why, "capacity");
  const SchedulerSays many = ParseFailedScheduling(
      "0/5 nodes are available: 2 Insufficient nvidia.com/gpu, 1 node(s) had untolerated taint "
      "{a: b, c}, 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/5 nodes are "
      "available: 5 Preemption is not helpful for scheduling.");
  EXPECT_EQ(many.nodes, 5);
  ASSERT_EQ(many.parts.size(), 3u);
  EXPECT_EQ(many.parts[0].what, "nvidia.com/gpu");
  EXPECT_EQ(many.parts[1].why, "taint");
  EXPECT_EQ(many.parts[2].why, "selector");
  EXPECT_EQ(many.parts[2].nodes, 2);
  EXPECT_EQ(ParseFailedScheduling("skip schedule deleting pod: a/b").nodes, -1);
  // Computed and said: they agree, or the answer says that they do not.
  Pod waits = MakePod("p", "", 4);
  waits.unschedulable = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.";
  EXPECT_TRUE(FindDemand(std::vector{MakeNode("a", 2)}, std::vector{waits}, {}).waiting[0].agrees);
  EXPECT_FALSE(FindDemand(std::vector{MakeNode("a", 8)}, std::vector{waits}, {}).waiting[0].agrees);
}

TEST(Demand, PerQueueWithoutCountingTwice) {
  Queues queues;
  queues.queues.push_back({"kueue", "ml", "lq", "", "cq", {}, {}, 0, false});
  queues.queues.push_back(
      {"kueue", "", "cq", "", "", {{"nvidia.com/gpu", 16}}, {{"nvidia.com/gpu", 12}}, 0, false});
  QueuedWork w;
  w.scheduler = "kueue", w.ns = "ml", w.name = "w1", w.queue = "lq", w.owner = "job-1";
  w.asked["nvidia.com/gpu"] = 8, w.state = "pending", w.since_ns = 500;
  queues.work.push_back(w);
  w.name = "w2", w.owner = "job-2", w.asked["nvidia.com/gpu"] = 4, w.since_ns = 100;
  queues.work.push_back(w);
  w.name = "w3", w.state = "admitted";
  queues.work.push_back(w);
  Pod pod = MakePod("job-2-x", "", 4);  // the pods of w2 are there already
  pod.labels["kueue.x-k8s.io/queue-name"] = "lq";
  pod.owners.push_back({"batch/v1", "Job", "job-2", "u", true});
  const Demand d =
      FindDemand(std::vector{MakeNode("a", 2), MakeNode("b", 2)}, std::vector{pod}, queues);
  ASSERT_EQ(d.queues.size(), 1u);
  EXPECT_EQ(d.queues[0].queue, "lq");
  EXPECT_EQ(d.queues[0].gpus, 12);
  EXPECT_EQ(d.queues[0].asks, 2u);
  EXPECT_EQ(d.queues[0].oldest_ns, 500);
  EXPECT_EQ(d.queues[0].by_reason[static_cast<int>(WaitReason::quota)], 8);
  EXPECT_EQ(d.queues[0].by_reason[static_cast<int>(WaitReason::fragmentation)], 4);
}

}  // namespace
}  // namespace strata::l4_sched
