// SPDX-License-Identifier: Apache-2.0
// The golden ownership table: for every kind of sharing, what its sources list and who then holds
// which share, with the sum for each device. And lies, late facts, restarts, and the time it takes.
#include "l4_sched/resolver.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "base/clock.h"
#include "base/file.h"
#include "l4_sched/trust.h"

namespace strata::l4_sched {
namespace {

constexpr std::int64_t kS = 1'000'000'000;
constexpr std::int64_t kT0 = 1'795'520'000 * kS;
const std::string kNode = "n1";
const std::string kGpu = "GPU-00000001-1111-2222-3333-444444444444";
const std::string kGpu2 = "GPU-00000002-1111-2222-3333-444444444444";

std::vector<Device> TwoGpus() {
  std::vector<Device> out(2);
  for (int i = 0; i < 2; ++i) {
    out[i].uuid = i == 0 ? kGpu : kGpu2;
    out[i].index = i;
    out[i].model = "NVIDIA H100 80GB HBM3";
    out[i].memory_bytes = 80000ull << 20;
  }
  out[0].instances = {{"MIG-one", "1g.10gb", 9}, {"MIG-three", "3g.40gb", 1}};
  return out;
}

Pod MakePod(const std::string& name, const std::string& annotation = "") {
  Pod p;
  p.ns = "ml";
  p.name = name;
  p.uid = "uid-" + name;
  p.node = kNode;
  p.phase = "Running";
  p.labels["team"] = "team-" + name;
  p.owners.push_back({"apps/v1", "StatefulSet", "set-" + name, "u", true});
  p.containers.push_back({});
  p.containers[0].name = "c";
  if (!annotation.empty()) p.annotations["hami.io/vgpu-devices-allocated"] = annotation;
  return p;
}

PodGrants Granted(const std::string& pod, const std::string& id,
                  const std::string& resource = "nvidia.com/gpu") {
  return {"ml", pod, {{"c", {{resource, {id}, {}}}, {}, 0}}};
}

// A cluster of one node, looked at every 10 s.
struct House {
  Resolver resolver{{.cluster = "c1",
                     .origin = "",
                     .teams = {.label = "team", .namespaces = {}},
                     .accounts = {}}};
  HoldingTracker tracker{{.teams = {.label = "team", .namespaces = {}}, .max_holdings = 100'000}};
  std::int64_t now = kT0;
  std::vector<model::Event> events;
  House() { resolver.SetDevices(kNode, TwoGpus()); }
  void Look(int times = 1) {
    for (int i = 0; i < times; ++i, now += 10 * kS) {
      model::Batch batch;
      resolver.Look(now, &batch);
      (void)tracker.Update(&batch, now);
      for (auto& e : batch.events) events.push_back(std::move(e));
    }
  }
  // "pod container kind share source" of each holder of the device, and the sum.
  std::string Table(const std::string& gpu) {
    std::string out;
    double sum = 0;
    for (const model::Holding& h : tracker.held_at(gpu, now - 10 * kS)) {
      char line[256];
      const std::string who = h.pod.empty() ? "job:" + h.job : h.pod;
      std::snprintf(line, sizeof line, "%s %s %.4f %s %s\n", who.c_str(), h.share_kind.c_str(),
                    h.share, h.source.c_str(), h.team.c_str());
      out += line;
      sum += h.share;
    }
    char line[64];
    std::snprintf(line, sizeof line, "sum %.4f", sum);
    return out + line;
  }
  std::size_t disputes() const {
    return static_cast<std::size_t>(std::count_if(
        events.begin(), events.end(), [](const auto& e) { return e.event == "holding.dispute"; }));
  }
};

// ---- the table

TEST(Ownership, WholeGpu) {
  House h;
  h.resolver.SetPods({MakePod("a")});
  h.resolver.SetPodResources(kNode, {Granted("a", kGpu)});
  h.Look(3);
  EXPECT_EQ(h.Table(kGpu), "a whole 1.0000 kubelet team-a\nsum 1.0000");
  EXPECT_EQ(h.Table(kGpu2), "sum 0.0000");  // unallocated
  EXPECT_EQ(h.disputes(), 0u);
  const auto held = h.tracker.held();
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].workload_kind + "/" + held[0].workload, "StatefulSet/set-a");
  EXPECT_EQ(held[0].container, "c");
  EXPECT_EQ(held[0].node, kNode);
  EXPECT_EQ(held[0].cluster, "c1");
}

TEST(Ownership, FourQuartersOfHami) {
  House h;
  std::vector<Pod> pods;
  std::vector<PodGrants> grants;
  for (const char* name : {"a", "b", "c", "d"}) {
    pods.push_back(MakePod(name, kGpu + ",NVIDIA,20000,25:;"));
    grants.push_back(Granted(name, kGpu + "-" + std::to_string(grants.size())));
  }
  h.resolver.SetPods(pods);
  h.resolver.SetPodResources(kNode, grants);
  h.Look(4);
  EXPECT_EQ(h.Table(kGpu),
            "a hami 0.2500 hami team-a\nb hami 0.2500 hami team-b\nc hami 0.2500 hami team-c\n"
            "d hami 0.2500 hami team-d\nsum 1.0000");
  EXPECT_EQ(h.disputes(), 0u);
  EXPECT_EQ(h.tracker.held()[0].memory_bytes, 20000ull << 20);
}

TEST(Ownership, MigOneAndThreeOnOneDevice) {
  House h;
  h.resolver.SetPods({MakePod("one"), MakePod("three")});
  h.resolver.SetPodResources(kNode, {Granted("one", "MIG-one", "nvidia.com/mig-1g.10gb"),
                                     Granted("three", "MIG-three", "nvidia.com/mig-3g.40gb")});
  h.Look(2);
  EXPECT_EQ(h.Table(kGpu),
            "one mig 0.1429 kubelet team-one\nthree mig 0.4286 kubelet team-three\nsum 0.5714");
  EXPECT_EQ(h.disputes(), 0u);
}

TEST(Ownership, TimeSliceOfFour) {
  House h;
  std::vector<PodGrants> grants;
  DeviceGrant offered{"nvidia.com/gpu", {}, {}};
  for (int i = 0; i < 4; ++i) offered.ids.push_back(kGpu + "::" + std::to_string(i));
  for (const char* name : {"a", "b", "c"})
    grants.push_back(Granted(name, kGpu + "::" + std::to_string(grants.size())));
  h.resolver.SetAllocatable(kNode, {offered});
  h.resolver.SetPodResources(kNode, grants);
  h.Look(2);
  EXPECT_EQ(
      h.Table(kGpu),
      "a timeslice 0.2500 kubelet \nb timeslice 0.2500 kubelet \nc timeslice 0.2500 kubelet \n"
      "sum 0.7500");  // the fourth replica is unallocated
  // How many replicas there are is not known: equal parts of those who hold.
  House unknown;
  unknown.resolver.SetPodResources(kNode, grants);
  unknown.Look(2);
  EXPECT_NE(unknown.Table(kGpu).find("a timeslice 0.3333"), std::string::npos);
  EXPECT_EQ(unknown.disputes(), 0u);
}

TEST(Ownership, Mps) {
  House h;
  Node node;
  node.name = kNode;
  node.sharing_strategy = "mps";
  node.gpu_replicas = 2;
  h.resolver.SetNodes({node});
  h.resolver.SetPodResources(kNode, {Granted("a", kGpu + "::0"), Granted("b", kGpu + "::1")});
  h.Look(2);
  EXPECT_EQ(h.Table(kGpu), "a mps 0.5000 kubelet \nb mps 0.5000 kubelet \nsum 1.0000");
}

TEST(Ownership, SharedClaimOfDra) {
  House h;
  const std::string root = std::string(STRATA_SOURCE_DIR) + "/tests/golden/l4/kube/";
  h.resolver.SetSlices(*ParseSlices(*base::ReadFile(root + "resourceslices.json")));
  h.resolver.SetClaims(*ParseClaims(*base::ReadFile(root + "resourceclaims-shared.json")));
  h.Look(2);
  EXPECT_EQ(h.Table("GPU-00000008-1111-2222-3333-444444444444"),
            "dra-pod dra 1.0000 dra \nsum 1.0000");
  EXPECT_EQ(h.Table("GPU-00000009-1111-2222-3333-444444444444"),
            "share-a dra 0.5000 dra \nshare-b dra 0.5000 dra \nsum 1.0000");
  EXPECT_EQ(h.tracker.held()[0].node, "gpunode1");
  EXPECT_EQ(h.disputes(), 0u);
  // The kubelet's answer to the same says the same.
  const std::string list =
      std::string(STRATA_SOURCE_DIR) + "/tests/golden/l4/podres/dra-shared-list.bin";
  h.resolver.SetPodResources("gpunode1", *DecodePodResources(*base::ReadFile(list)));
  h.Look(3);
  EXPECT_EQ(h.Table("GPU-00000009-1111-2222-3333-444444444444"),
            "share-a dra 0.5000 dra \nshare-b dra 0.5000 dra \nsum 1.0000");
}

TEST(Ownership, SlurmJobItsStepAndItsProcess) {
  House h;
  SlurmJob job;
  job.id = "7_1", job.raw_id = "8", job.array_id = "7", job.state = "RUNNING", job.gpus = 1;
  job.user = "ada", job.account = "phys", job.partition = "gpu", job.name = "train";
  job.start_ns = kT0 - 3600 * kS;
  job.grants = {{kNode, ParseGres("gpu:h100:1(IDX:1)")}};
  SlurmFacts facts;
  facts.jobs = {job};
  h.resolver.SetSlurm(facts);
  DeviceProcess p;  // of step 0 of the same job
  p.gpu = kGpu2;
  p.owner = OwnerOf("4:memory:/slurm/uid_5/job_8/step_0/task_0\n",
                    "SLURM_JOB_ID=8\nSLURM_ARRAY_JOB_ID=7\nSLURM_ARRAY_TASK_ID=1\n");
  h.resolver.SetProcesses(kNode, {p});
  h.Look(2);
  EXPECT_EQ(h.Table(kGpu2), "job:7_1 slurm 1.0000 slurm phys\nsum 1.0000");
  const auto held = h.tracker.held();
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].user + " " + held[0].account + " " + held[0].partition, "ada phys gpu");
  EXPECT_EQ(held[0].valid_from, kT0 - 3600 * kS);
  EXPECT_EQ(h.disputes(), 0u);
}

TEST(Ownership, BareProcess) {
  House h;
  DeviceProcess p;
  p.gpu = kGpu;
  p.user = "ada";
  p.program = "python3";
  p.started_ns = kT0 - 60 * kS;
  p.owner = OwnerOf("0::/user.slice/user-1000.slice/session-3.scope\n", "");
  h.resolver.SetProcesses(kNode, {p});
  h.Look(2);
  EXPECT_EQ(h.Table(kGpu), "job:ada/python3 process 1.0000 process \nsum 1.0000");
  EXPECT_EQ(h.tracker.held()[0].user, "ada");
  EXPECT_EQ(h.tracker.held()[0].valid_from, kT0 - 60 * kS);
}

TEST(Ownership, FractionOfKaiNotItsReservation) {
  House h;
  Pod reservation = MakePod("gpu-reservation-n1-x");
  reservation.ns = "kai-resource-reservation";
  reservation.labels["runai-gpu-group"] = "g1";
  Pod half = MakePod("half"), quarter = MakePod("quarter");
  half.annotations["gpu-fraction"] = "0.5";
  quarter.annotations["gpu-memory"] = "20000";
  half.labels["runai-gpu-group"] = quarter.labels["runai-gpu-group"] = "g1";
  h.resolver.SetPods({reservation, half, quarter});
  PodGrants grant = Granted(reservation.name, kGpu);
  grant.ns = reservation.ns;
  h.resolver.SetPodResources(kNode, {grant});
  h.Look(2);
  EXPECT_EQ(h.Table(kGpu),
            "half timeslice 0.5000 kai team-half\nquarter timeslice 0.2500 kai team-quarter\n"
            "sum 0.7500");
  EXPECT_EQ(h.disputes(), 0u);
}

// ---- who is believed

TEST(Disputes, AnnotationNamesAnotherDeviceThanTheKubelet) {
  // Equal shares: the scheduler's decision counts, because the kubelet's ids are only numbers.
  House h;
  h.resolver.SetPods({MakePod("a", kGpu2 + ",NVIDIA,20000,25:;")});
  auto grants = std::vector{Granted("a", kGpu + "-3")};
  h.resolver.SetPodResources(kNode, grants);
  h.Look(3);
  EXPECT_EQ(h.Table(kGpu2), "a hami 0.2500 hami team-a\nsum 0.2500");
  EXPECT_EQ(h.Table(kGpu), "sum 0.0000");
  ASSERT_EQ(h.disputes(), 1u);
  EXPECT_NE(h.events[0].message.find("hami"), std::string::npos);
  EXPECT_NE(h.events[0].message.find("kubelet"), std::string::npos);
  // The author writes 1 % where the requests say a half: the larger share is charged, there.
  House lie;
  Pod pod = MakePod("a", kGpu2 + ",NVIDIA,800,1:;");
  pod.containers[0].requests = {{"nvidia.com/gpu", 1}, {"nvidia.com/gpumem", 40000}};
  lie.resolver.SetPods({pod});
  lie.resolver.SetPodResources(kNode, grants);
  lie.Look(3);
  EXPECT_EQ(lie.Table(kGpu), "a hami 0.5000 kubelet team-a\nsum 0.5000");
  EXPECT_EQ(lie.Table(kGpu2), "sum 0.0000");
  EXPECT_EQ(lie.disputes(), 1u);
}

TEST(Disputes, AnnotationSmallerThanItsWitness) {
  House h;
  h.resolver.SetPods({MakePod("a", kGpu + ",NVIDIA,8000,10:;")});
  Region region;
  region.devices = {{kGpu, 40000ull << 20, 0}};
  h.resolver.SetRegions(kNode, {{"uid-a", "c", region}});
  h.Look(3);
  EXPECT_EQ(h.Table(kGpu), "a hami 0.5000 hami team-a\nsum 0.5000");
  ASSERT_EQ(h.disputes(), 1u);
  EXPECT_NE(h.events[0].message.find("region says 0.5"), std::string::npos);
  // The region file confirms: no dispute, even where the kubelet names another device.
  House good;
  good.resolver.SetPods({MakePod("a", kGpu + ",NVIDIA,40000,0:;")});
  good.resolver.SetRegions(kNode, {{"uid-a", "c", region}});
  good.resolver.SetPodResources(kNode, {Granted("a", kGpu2 + "-1")});
  good.Look(4);
  EXPECT_EQ(good.Table(kGpu), "a hami 0.5000 hami team-a\nsum 0.5000");
  EXPECT_EQ(good.Table(kGpu2), "sum 0.0000");
  EXPECT_EQ(good.disputes(), 0u);
}

TEST(Disputes, NobodyConfirmsAnAnnotation) {
  House h;
  h.resolver.SetPods({MakePod("a", kGpu + ",NVIDIA,40000,0:;")});
  h.Look(2);
  EXPECT_EQ(h.disputes(), 0u);  // a witness may still come
  h.Look(12);
  EXPECT_EQ(h.Table(kGpu), "a hami 0.5000 hami team-a\nsum 0.5000");
  ASSERT_EQ(h.disputes(), 1u);
  EXPECT_NE(h.events[0].message.find("neither kubelet nor region"), std::string::npos);
}

TEST(Disputes, LiesAreAbsentOrCapped) {
  House h;
  h.resolver.SetPods({MakePod("big", kGpu + ",NVIDIA,800000,300:;"),
                      MakePod("unknown", "GPU-who,NVIDIA,100,1:;"),
                      MakePod("torn", kGpu2 + ",NVIDIA,lots")});
  h.resolver.SetPodResources(kNode, {Granted("big", kGpu + "-0")});
  h.Look(3);
  EXPECT_EQ(h.Table(kGpu), "big hami 1.0000 hami team-big\nsum 1.0000");
  EXPECT_EQ(h.Table("GPU-who"), "sum 0.0000");
  EXPECT_EQ(h.Table(kGpu2), "sum 0.0000");
  EXPECT_EQ(h.disputes(), 3u);  // each told once, not at every look
}

TEST(Disputes, TwoPodsOnOneExclusiveGpu) {
  House h;
  h.resolver.SetPodResources(kNode, {Granted("a", kGpu), Granted("b", kGpu)});
  h.Look(3);
  EXPECT_EQ(h.Table(kGpu), "a whole 0.5000 kubelet \nb whole 0.5000 kubelet \nsum 1.0000");
  ASSERT_EQ(h.disputes(), 1u);
  EXPECT_NE(h.events[0].message.find("ml/a"), std::string::npos);
  EXPECT_NE(h.events[0].message.find("ml/b"), std::string::npos);
}

TEST(Disputes, SlurmWithoutDevicesHoldsNothing) {
  House h;
  SlurmJob job;
  job.id = job.raw_id = "9", job.state = "RUNNING", job.gpus = 2, job.nodes = kNode;
  SlurmFacts facts;
  facts.jobs = {job};
  h.resolver.SetSlurm(facts);
  h.Look(2);
  EXPECT_TRUE(h.tracker.held().empty());
  ASSERT_EQ(h.disputes(), 1u);
  EXPECT_NE(h.events[0].message.find("does not say which"), std::string::npos);
}

TEST(Disputes, OrderOfTrustIsTheTable) {
  EXPECT_LT(SourcePrecedence("hami"), SourcePrecedence("region"));
  EXPECT_LT(SourcePrecedence("region"), SourcePrecedence("kubelet"));
  EXPECT_LT(SourcePrecedence("dra"), SourcePrecedence("kubelet"));
  EXPECT_LT(SourcePrecedence("kubelet"), SourcePrecedence("slurm"));
  EXPECT_LT(SourcePrecedence("slurm"), SourcePrecedence("exporter"));
  EXPECT_LT(SourcePrecedence("exporter"), SourcePrecedence("process"));
  EXPECT_LT(SourcePrecedence("process"), SourcePrecedence("who knows"));
  // A process cannot say which team pays.
  HoldingTracker tracker({});
  model::Holding h;
  h.gpu = kGpu, h.source = "process", h.job = "j", h.team = "others", h.valid_from = kT0;
  tracker.Saw(h);
  tracker.Settle(kT0);
  EXPECT_EQ(tracker.held()[0].team, "");
}

// ---- time

TEST(Time, EndedPodsThatTheKubeletStillLists) {
  House h;
  h.resolver.SetPods({MakePod("a")});
  h.resolver.SetPodResources(kNode, {Granted("a", kGpu)});
  h.Look(4);
  Pod over = MakePod("a");
  over.phase = "Succeeded";
  h.resolver.SetPods({over});
  h.Look(8);
  EXPECT_TRUE(h.tracker.held().empty());
  EXPECT_EQ(h.tracker.held_at(kGpu, kT0 + 20 * kS).size(), 1u);
}

TEST(Time, APodKnownAfterItsDevice) {
  House h;
  h.resolver.SetPodResources(kNode, {Granted("a", kGpu)});
  h.Look(3);
  EXPECT_EQ(h.tracker.held()[0].team, "");
  const std::int64_t since = h.tracker.held()[0].valid_from;
  // From the API server, by another way than the sighting: the row that stands is written again.
  model::Batch batch;
  model::Entity e;
  e.type = "pod";
  e.attributes = {{"k8s.namespace.name", "ml"},        {"k8s.pod.name", "a"},
                  {"k8s.workload.kind", "RayCluster"}, {"k8s.workload.name", "ray"},
                  {"k8s.pod.label.team", "core"},      {"queue.name", "q"}};
  batch.entities.push_back(e);
  const auto rows = h.tracker.Update(&batch, h.now);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].holding.team + rows[0].holding.workload + rows[0].holding.queue, "corerayq");
  EXPECT_EQ(rows[0].holding.valid_from, since);
  EXPECT_EQ(h.tracker.held_at(kGpu, since)[0].workload_kind, "RayCluster");
  // Told again: nothing changes. And it stays when the sightings go on without it.
  model::Batch again;
  again.entities.push_back(e);
  EXPECT_TRUE(h.tracker.Update(&again, h.now).empty());
  h.Look(2);
  EXPECT_EQ(h.tracker.held()[0].team, "core");
}

TEST(Time, RestartOpensNoSecondHoldingAndLosesNoEnd) {
  House before;
  std::vector<Pod> pods;
  std::vector<PodGrants> grants;
  for (const char* name : {"a", "b"}) {
    pods.push_back(MakePod(name, kGpu + ",NVIDIA,20000,25:;"));
    grants.push_back(Granted(name, kGpu + "-" + std::to_string(grants.size())));
  }
  before.resolver.SetPods(pods);
  before.resolver.SetPodResources(kNode, grants);
  before.Look(3);
  const auto open = before.tracker.held();
  ASSERT_EQ(open.size(), 2u);
  // Both server and agent start anew; b ended meanwhile.
  House after;
  after.now = before.now + 600 * kS;
  after.tracker.Restore(open, before.now - 10 * kS);
  pods.pop_back();
  grants.pop_back();
  after.resolver.SetPods(pods);
  after.resolver.SetPodResources(kNode, grants);
  std::vector<HoldingRow> rows;
  for (int i = 0; i < 30; ++i, after.now += 10 * kS) {
    model::Batch batch;
    after.resolver.Look(after.now, &batch);
    for (const HoldingRow& row : after.tracker.Update(&batch, after.now)) rows.push_back(row);
  }
  ASSERT_EQ(rows.size(), 1u);  // only b's end
  EXPECT_EQ(rows[0].holding.pod, "b");
  EXPECT_NE(rows[0].holding.valid_to, 0);
  EXPECT_LE(rows[0].holding.valid_to, before.now + 600 * kS + 60 * kS);
  ASSERT_EQ(after.tracker.held().size(), 1u);
  EXPECT_EQ(after.tracker.held()[0].valid_from, open[0].valid_from);
}

TEST(Time, HundredThousandHoldings) {
#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__)
  constexpr int kNodes = 12'500;
#else
  constexpr int kNodes = 500;  // with sanitizers: that it works, not how long it takes
#endif
  constexpr int kPer = 8;
  House h;
  std::vector<Pod> pods;
  std::vector<PodGrants> all;
  for (int n = 0; n < kNodes; ++n) {
    std::vector<Device> devices(kPer);
    PodGrants pod{"ml", "train-" + std::to_string(n), {{"c", {{"nvidia.com/gpu", {}, {}}}, {}, 0}}};
    for (int i = 0; i < kPer; ++i) {
      char uuid[48];
      std::snprintf(uuid, sizeof uuid, "GPU-%08x-1111-2222-3333-%012x", n, i);
      devices[i].uuid = uuid;
      devices[i].index = i;
      pod.containers[0].devices[0].ids.push_back(uuid);
    }
    const std::string node = "node-" + std::to_string(n);
    pods.push_back(MakePod(pod.name));
    pods.back().node = node;
    h.resolver.SetDevices(node, std::move(devices));
    h.resolver.SetPodResources(node, {std::move(pod)});
  }
  h.resolver.SetPods(std::move(pods));
  const auto look = [&](const char* what) {
    // Processor time: one thread does it, and others may use the machine.
    const std::int64_t begin = base::thread_cpu_ns(), wall = base::monotonic_ns();
    h.Look();
    const double s = static_cast<double>(base::thread_cpu_ns() - begin) / 1e9;
    std::printf("%s: %zu holdings in %.3f CPU-s, %.3f s\n", what, h.tracker.held().size(), s,
                static_cast<double>(base::monotonic_ns() - wall) / 1e9);
    return s;
  };
  const double first = look("first look");
  const double second = look("second look");
  EXPECT_EQ(h.tracker.held().size(), static_cast<std::size_t>(kNodes * kPer));
#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__)
  EXPECT_LE(first, 1.0);
  EXPECT_LE(second, 1.0);
#else
  (void)first, (void)second;
#endif
}

}  // namespace
}  // namespace strata::l4_sched
