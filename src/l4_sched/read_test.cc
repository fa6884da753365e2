// SPDX-License-Identifier: Apache-2.0
// The parsers of this room on recorded answers of real kubelets, API servers and Slurms, and on
// damaged ones.
#include "l4_sched/read.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "l4_sched/damage.h"
#include "l4_sched/device_id.h"
#include "l4_sched/dra.h"
#include "l4_sched/hami.h"
#include "l4_sched/l4_sched.h"
#include "l4_sched/pod_resources.h"
#include "l4_sched/pods.h"
#include "l4_sched/process_owner.h"
#include "l4_sched/queues.h"
#include "l4_sched/slurm.h"

namespace strata::l4_sched {
namespace {

std::string Golden(const std::string& name) {
  std::string out;
  const std::string path = std::string(STRATA_SOURCE_DIR) + "/tests/golden/l4/" + name;
  const base::Status status = base::ForEachInput(path, [&](base::InputFile file) {
    out = std::move(file.bytes);
    return base::Status::Ok();
  });
  EXPECT_TRUE(status.ok()) << status.message();
  return out;
}

struct ReadFile {
  const model::Catalog* catalogs[1] = {&catalog()};
  model::Namer namer{catalogs};
  model::Batch batch;
  base::Json report;
  bool ok = false;
  ReadFile(Read* read, const std::string& bytes) {
    wire::Context context;
    context.namer = &namer;
    context.now_ns = 1'795'000'000'000'000'000;
    auto done = read({"file", bytes}, context, &batch, &report);
    ok = done.ok() && *done;
  }
  double value(std::string_view signal, std::string_view entity) const {
    for (const model::Series& s : batch.series) {
      if (s.signal != signal || s.entity != entity) continue;
      for (std::size_t i = 0; i < batch.samples.size(); ++i) {
        if (batch.samples.series[i] == s.id) return batch.samples.value[i];
      }
    }
    return std::nan("");
  }
};

// ---- pods

TEST(Pods, KubeletAnswersOfOthers) {
  const auto f = [](const std::string& name, std::int64_t pods, std::int64_t containers,
                    const std::string& phases) {
    const std::string bytes = Golden("kube/" + name);
    EXPECT_TRUE(LooksPods(bytes));
    const ReadFile read(ReadPods, bytes);
    ASSERT_TRUE(read.ok) << name;
    EXPECT_EQ(read.report["pods"].as_int(), pods);
    EXPECT_EQ(read.report["containers"].as_int(), containers);
    EXPECT_EQ(read.report["phases"].dump(), phases);
    EXPECT_TRUE(read.batch.refused.empty()) << read.batch.refused.example();
    EXPECT_EQ(read.batch.entities.size(), static_cast<std::size_t>(pods));
  };
  f("podlist_containerd.json.gz", 8, 13, R"({"Pending":1,"Running":7})");
  f("pods.json.gz", 11, 13, R"({"Pending":5,"Running":5,"Succeeded":1})");
  f("pods_crashed.json.gz", 6, 8, R"({"Pending":1,"Running":5})");
  f("kubelet-pods.json", 4, 5, R"({"Running":4})");
}

TEST(Pods, WhatAPodSays) {
  auto pods = ParsePods(Golden("kube/kubelet-pods.json"));
  ASSERT_TRUE(pods.ok());
  const auto named = [&](std::string_view name) -> const Pod& {
    for (const Pod& p : *pods) {
      if (p.name.starts_with(name)) return p;
    }
    ADD_FAILURE() << name;
    return pods->front();
  };
  const Pod& hami = named("hami-style");
  EXPECT_EQ(hami.uid, "cbb0d5ab-5d04-4b11-8108-e24e776a1c87");
  EXPECT_EQ(hami.node, "gpunode1");
  EXPECT_EQ(hami.effective_requests(), (Resources{{"nvidia.com/gpu.shared", 1}}));
  EXPECT_FALSE(hami.annotations.contains("kubectl.kubernetes.io/last-applied-configuration"));
  const Pod& serve = named("llm-serve");
  ASSERT_NE(serve.controller(), nullptr);
  EXPECT_EQ(serve.controller()->kind, "ReplicaSet");
  EXPECT_EQ(serve.containers[0].runtime, "containerd");
  EXPECT_EQ(serve.containers[0].id.size(), 64u);
  EXPECT_EQ(GpusOf(serve.effective_requests()), 2);
  // Up the chain by UID.
  auto sets = ParseOwned(Golden("kube/replicasets.json"));
  ASSERT_TRUE(sets.ok());
  std::map<std::string, OwnedObject, std::less<>> by_uid;
  for (const OwnedObject& o : *sets) by_uid[o.uid] = o;
  const auto [kind, name] = TopOwner(serve, by_uid);
  EXPECT_EQ(kind, "Deployment");
  EXPECT_EQ(name, "llm-serve");
  EXPECT_EQ(TopOwner(serve, {}).first, "ReplicaSet");  // unknown above: the answer itself
  EXPECT_EQ(TopOwner(hami, by_uid), (std::pair<std::string, std::string>("Pod", "hami-style")));
}

TEST(Pods, FailuresAreEvents) {
  const ReadFile oom(ReadPods, Golden("kube/pod-message-oomkill-pod.json"));
  ASSERT_TRUE(oom.ok);
  ASSERT_EQ(oom.batch.events.size(), 1u);
  EXPECT_EQ(oom.batch.events[0].event, "k8s.container.oom_killed") << "as the live watch says";
  EXPECT_EQ(oom.batch.events[0].entity_type, "container");
  EXPECT_TRUE(oom.batch.events[0].attributes.has("k8s.container.name"));
  EXPECT_EQ(oom.report["phases"].dump(), R"({"Failed":1})");
  const ReadFile pending(ReadPods, Golden("kube/pod-message-pending-pod-resources.json"));
  ASSERT_EQ(pending.batch.events.size(), 1u);
  EXPECT_EQ(pending.batch.events[0].event, "k8s.pod.failed_scheduling");
  EXPECT_EQ(pending.batch.events[0].attributes.get("reason"), "insufficient");
  EXPECT_NE(pending.batch.events[0].message.find("nodes are available"), std::string::npos);
}

TEST(Pods, CutJsonIsRefusedWhole) {
  const std::string whole = Golden("kube/kubelet-pods.json");
  for (const std::size_t n :
       {std::size_t{1}, std::size_t{100}, whole.size() / 2, whole.size() - 2}) {
    const ReadFile read(ReadPods, whole.substr(0, n));
    EXPECT_FALSE(read.ok) << n;
    EXPECT_EQ(read.batch.refused.total(), 1u);
    EXPECT_TRUE(read.batch.entities.empty());
  }
  // A bookmark is no pod, and no fault.
  const ReadFile bookmark(
      ReadPods,
      R"({"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"5"}}})");
  EXPECT_TRUE(bookmark.ok && bookmark.batch.refused.empty());
  // Of watch lines the cut last one is lost, the others stay.
  auto lines =
      ParsePods(R"({"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"a"},"spec":{}}})"
                "\n"
                R"({"type":"ADDED","object":{"kind":"Pod","metadata":{"na)");
  ASSERT_TRUE(lines.ok());
  EXPECT_EQ(lines->size(), 1u);
}

TEST(Pods, InitContainersDoNotAddUp) {
  auto pods = ParsePods(R"({"kind":"Pod","metadata":{"name":"p"},"spec":{"initContainers":[
    {"name":"i","resources":{"limits":{"nvidia.com/gpu":"4"}}},
    {"name":"s","restartPolicy":"Always","resources":{"limits":{"nvidia.com/gpu":"1"}}}],
    "containers":[{"name":"a","resources":{"limits":{"nvidia.com/gpu":2,"cpu":"8"}}}]}})");
  ASSERT_TRUE(pods.ok());
  EXPECT_EQ((*pods)[0].effective_requests(), (Resources{{"nvidia.com/gpu", 4}}));
}

TEST(Nodes, WhereTheyStandAndWhatTheyOffer) {
  auto bundle = ParseNodes(Golden("kube/support-bundle-nodes.json.gz"));
  ASSERT_TRUE(bundle.ok());
  EXPECT_EQ(bundle->size(), 7u);
  auto nodes = ParseNodes(Golden("kube/nodes.json"));
  ASSERT_TRUE(nodes.ok());
  ASSERT_FALSE(nodes->empty());
  EXPECT_EQ((*nodes)[0].region, "r1");
  EXPECT_EQ((*nodes)[0].zone, "z1");
  auto gpu = ParseNodes(R"({"kind":"Node","metadata":{"name":"n","labels":{
    "nvidia.com/gpu.product":"NVIDIA-A100-SXM4-40GB-SHARED","nvidia.com/gpu.replicas":"4",
    "nvidia.com/gpu.sharing-strategy":"time-slicing","node.kubernetes.io/instance-type":"p4d"}},
    "spec":{"unschedulable":true,"taints":[{"key":"gpu","effect":"NoSchedule"}]},
    "status":{"allocatable":{"nvidia.com/gpu":"32","cpu":"96"}}})");
  ASSERT_TRUE(gpu.ok());
  EXPECT_EQ((*gpu)[0].gpu_product, "NVIDIA-A100-SXM4-40GB");
  EXPECT_EQ((*gpu)[0].gpu_replicas, 4);
  EXPECT_EQ((*gpu)[0].allocatable, (Resources{{"nvidia.com/gpu", 32}}));
  Pod pod;
  EXPECT_FALSE(Tolerates(pod, (*gpu)[0]));
  pod.tolerations.push_back({"", "Exists", "", ""});
  EXPECT_TRUE(Tolerates(pod, (*gpu)[0]));
}

TEST(Quantities, AsKubernetesWritesThem) {
  EXPECT_EQ(ParseQuantity("2"), 2);
  EXPECT_EQ(ParseQuantity("500m"), 0.5);
  EXPECT_EQ(ParseQuantity("16Gi"), 17179869184.0);
  EXPECT_EQ(ParseQuantity("1e3"), 1000);
  EXPECT_TRUE(std::isnan(ParseQuantity("")));
  EXPECT_TRUE(std::isnan(ParseQuantity("2 GPUs")));
}

// ---- the kubelet

TEST(Summary, NodeAndPods) {
  const std::string bytes = Golden("kube/stats_summary.json.gz");
  EXPECT_TRUE(LooksSummary(bytes));
  EXPECT_FALSE(LooksPods(bytes));
  const ReadFile read(ReadSummary, bytes);
  ASSERT_TRUE(read.ok);
  const std::string node = "gke-lenaic-pool-1-1c8b424c-wnkn";
  EXPECT_EQ(read.report["pods"].as_int(), 11);
  EXPECT_EQ(read.report["node"].as_string(), node);
  EXPECT_NEAR(read.value("k8s.node.cpu.usage", node), 0.112148031, 1e-12);
  EXPECT_EQ(read.value("k8s.node.memory.working_set", node), 1447833600);
  EXPECT_EQ(read.value("k8s.node.network.io", node), 6368322541.0);
  EXPECT_FALSE(ReadFile(ReadSummary, bytes.substr(0, 900)).ok);
}

TEST(PodResources, ProtobufAndJsonSayTheSame) {
  for (const char* name : {"admitted-list", "dra-shared-list", "fakeserver-list"}) {
    const std::string bin = Golden(std::string("podres/") + name + ".bin");
    const std::string json = Golden(std::string("podres/") + name + ".json");
    auto a = DecodePodResources(bin);
    auto b = ParsePodResources(json);
    ASSERT_TRUE(a.ok() && b.ok()) << name;
    const auto flat = [](const std::vector<PodGrants>& pods) {
      std::vector<std::string> out;
      for (const PodGrants& p : pods) {
        for (const ContainerGrants& c : p.containers) {
          const std::string who = p.ns + "/" + p.name + "/" + c.name + " ";
          for (const DeviceGrant& d : c.devices) {
            for (const std::string& id : d.ids) {
              std::string line = who + d.resource + " " + id;
              for (const auto numa : d.numa) line += " " + std::to_string(numa);
              out.push_back(line);
            }
          }
          for (const ClaimGrant& g : c.claims)
            out.push_back(who + g.claim_ns + "/" + g.claim + " " + g.driver + " " + g.pool + " " +
                          g.device + (g.cdi.empty() ? "" : " " + g.cdi[0]));
        }
      }
      std::sort(out.begin(), out.end());
      return out;
    };
    EXPECT_EQ(flat(*a), flat(*b)) << name;
    EXPECT_FALSE(flat(*a).empty());
    EXPECT_TRUE(LooksPodResources(bin)) << name;
    EXPECT_TRUE(LooksPodResources(json)) << name;
    EXPECT_TRUE(ReadFile(ReadPodResources, bin).ok);
  }
  auto allocatable = DecodeAllocatable(Golden("podres/admitted-allocatable.bin"));
  ASSERT_TRUE(allocatable.ok());
  EXPECT_GE(allocatable->size(), 4u);
  // A kubelet that has just started answers nothing: whole, and no pods.
  auto empty = DecodePodResources(Golden("podres/kubelet-restarted-1-list.bin"));
  ASSERT_TRUE(empty.ok());
  EXPECT_TRUE(empty->empty());
}

TEST(PodResources, DamageLosesTheAnswerNotTheProgram) {
  const std::string whole = Golden("podres/admitted-list.bin");
  EXPECT_FALSE(DecodePodResources(whole.substr(0, whole.size() - 3)).ok());
  EXPECT_FALSE(DecodePodResources("hello, this is no protobuf").ok());
  EXPECT_FALSE(ParsePodResources("[1,2").ok());
}

TEST(DeviceIds, EveryPluginSpellsItsOwn) {
  std::vector<Device> devices(2);
  devices[0].uuid = "GPU-0a";
  devices[0].index = 0;
  devices[0].pci_bdf = "00000000:3B:00.0";
  devices[0].instances = {{"MIG-1", "1g.10gb", 7}};
  devices[1].uuid = "GPU-11111111-2222-3333-4444-555555555555";
  devices[1].index = 1;
  const DeviceIndex index(devices);
  const auto f = [&](const char* id, const char* gpu, const char* kind, int replica, bool known) {
    const DeviceRef r = ResolveDeviceId(id, "nvidia.com/mig-2g.20gb", index);
    EXPECT_EQ(r.gpu, gpu) << id;
    EXPECT_EQ(r.share_kind, kind) << id;
    EXPECT_EQ(r.replica, replica) << id;
    EXPECT_EQ(r.known, known) << id;
    EXPECT_EQ(r.gpu.empty(), !r.why.empty()) << id;
  };
  const char* second = "GPU-11111111-2222-3333-4444-555555555555";
  f("GPU-0a", "GPU-0a", "whole", -1, true);
  f("GPU-0a::3", "GPU-0a", "timeslice", 3, true);
  f("MIG-1", "GPU-0a", "mig", -1, true);
  f("MIG-1::0", "GPU-0a", "mig", 0, true);
  f("MIG-2", "", "mig", -1, false);
  f("MIG-GPU-0a/7/0", "GPU-0a", "mig", -1, false);
  f("GPU-11111111-2222-3333-4444-555555555555-9", second, "hami", 9, true);
  f("GPU-99999999-2222-3333-4444-555555555555", "GPU-99999999-2222-3333-4444-555555555555", "whole",
    -1, false);
  f("nvidia1", second, "whole", -1, true);
  f("nvidia0/gi7", "GPU-0a", "mig", -1, true);
  f("nvidia0/gi7/vgpu1", "GPU-0a", "mig", 1, true);
  f("nvidia1/vgpu2", second, "timeslice", 2, true);
  f("nvidia9", "", "whole", -1, false);
  f("0000:3b:00.0", "GPU-0a", "whole", -1, true);
  f("Ascend910-1", second, "whole", -1, true);
  f("what", "", "whole", -1, false);
  f("", "", "whole", -1, false);
  EXPECT_EQ(ResolveDeviceId("MIG-1", "nvidia.com/gpu", index).profile, "1g.10gb");
  EXPECT_EQ(ResolveDeviceId("MIG-2", "nvidia.com/mig-2g.20gb", index).profile, "2g.20gb");
  EXPECT_NEAR(MigProfileShare("3g.40gb", "NVIDIA H100"), 3.0 / 7, 1e-12);
  EXPECT_NEAR(MigProfileShare("mig-1g.6gb", "NVIDIA A30"), 0.25, 1e-12);
  EXPECT_NEAR(MigProfileShare("1c.3g.40gb", "H100"), 1.0 / 7, 1e-12);
  EXPECT_EQ(MigProfileShare("whole", ""), 0);
}

// ---- DRA

TEST(Dra, SharedClaim) {
  auto pools = ParseSlices(Golden("kube/resourceslices.json"));
  ASSERT_TRUE(pools.ok());
  EXPECT_EQ(pools->devices.size(), 2u);
  auto claims = ParseClaims(Golden("kube/resourceclaims-shared.json"));
  ASSERT_TRUE(claims.ok());
  const auto shared = std::find_if(claims->begin(), claims->end(),
                                   [](const DraClaim& c) { return c.name == "shared-gpu"; });
  ASSERT_NE(shared, claims->end());
  ASSERT_EQ(shared->reserved_for.size(), 2u);
  const DraShare share = ShareOf(shared->results[0], *pools, shared->reserved_for.size());
  EXPECT_EQ(share.gpu, "GPU-00000009-1111-2222-3333-444444444444");
  EXPECT_EQ(share.share, 0.5);
}

TEST(Dra, GenerationsPartitionsAndCapacity) {
  const std::string slice = R"({"spec":{"driver":"d","pool":{"name":"p","generation":GEN,
    "resourceSliceCount":COUNT},"nodeName":"n","devices":[{"name":"DEV","allowMultipleAllocations":true,
    "attributes":{"uuid":{"string":"MIG-x"},"parentUUID":{"string":"GPU-p"},"type":{"string":"mig"},
    "profile":{"string":"3g.40gb"}},"capacity":{"memory":{"value":"40Gi"}}}]}})";
  const auto make = [&](const char* gen, const char* count, const char* device) {
    std::string s = slice;
    for (const auto& [from, to] : {std::pair{"GEN", gen}, {"COUNT", count}, {"DEV", device}})
      s.replace(s.find(from), std::string(from).size(), to);
    return s;
  };
  // An older generation and an incomplete pool do not count.
  auto old = ParseSlices("[" + make("2", "1", "new") + "," + make("1", "1", "old") + "]");
  ASSERT_TRUE(old.ok());
  EXPECT_NE(old->find("d", "p", "new"), nullptr);
  EXPECT_EQ(old->find("d", "p", "old"), nullptr);
  auto half = ParseSlices(make("1", "2", "x"));
  ASSERT_TRUE(half.ok());
  EXPECT_TRUE(half->devices.empty());
  EXPECT_EQ(half->incomplete.size(), 1u);
  DraResult result{"r", "d", "p", "new", "share-1", false, {{"memory", 10.0 * (1u << 30)}}};
  const DraShare share = ShareOf(result, *old, 1);
  EXPECT_EQ(share.gpu, "GPU-p");
  EXPECT_NEAR(share.share, 3.0 / 7 / 4, 1e-12);
  result.device = "gone";
  EXPECT_TRUE(ShareOf(result, *old, 1).gpu.empty());
  // v1beta1 keeps attributes under `basic`.
  auto beta = ParseSlices(R"({"spec":{"driver":"d","pool":{"name":"p","generation":1,
    "resourceSliceCount":1},"devices":[{"name":"g","basic":{"attributes":{"uuid":{"string":"GPU-b"}}}}]}})");
  ASSERT_TRUE(beta.ok());
  EXPECT_EQ(ShareOf({"r", "d", "p", "g", "", false, {}}, *beta, 1).gpu, "GPU-b");
}

// ---- HAMi

TEST(Hami, Allocations) {
  auto f = ParseDevicesAllocated("GPU-a,NVIDIA,3000,0:;;GPU-a,NVIDIA,5000,50:GPU-b,NVIDIA,100,1:;");
  ASSERT_TRUE(f.ok());
  ASSERT_EQ(f->size(), 3u);
  EXPECT_EQ((*f)[0][0].memory_mib, 3000);
  EXPECT_TRUE((*f)[1].empty());  // an init container without
  EXPECT_EQ((*f)[2][1].uuid, "GPU-b");
  auto ascend =
      ParseDevicesAllocated("68496E64-20E05477-92C31323-6E78030A-BD003019,Ascend310P,8192,0:;");
  ASSERT_TRUE(ascend.ok());
  EXPECT_EQ((*ascend)[0][0].uuid, "68496E64-20E05477-92C31323-6E78030A-BD003019");
  EXPECT_NEAR(ShareOf((*ascend)[0][0], 21527), 8192.0 / 21527, 1e-12);
  EXPECT_EQ(ShareOf((*ascend)[0][0], 0), 0);  // cannot be told
  auto mig = ParseDevicesAllocated("GPU-a[1-2],NVIDIA,20000,100:;");
  ASSERT_TRUE(mig.ok());
  EXPECT_EQ((*mig)[0][0].uuid, "GPU-a");
  EXPECT_EQ((*mig)[0][0].slot, "[1-2]");
  EXPECT_FALSE(ParseDevicesAllocated("GPU-a,NVIDIA,lots,50:;").ok());
  EXPECT_FALSE(ParseDevicesAllocated(",NVIDIA,1,50:;").ok());
  EXPECT_FALSE(ParseDevicesAllocated("GPU-a,NVIDIA,-5,50:;").ok());
}

TEST(Hami, NodeRegisters) {
  auto json = ParseNodeRegister(
      R"([{"id":"GPU-3c4a3856-fbb4-1425-9679-aed25f4d2977","count":10,"devmem":97887,"devcore":100,
      "type":"NVIDIA RTX PRO 6000 Blackwell Server Edition","mode":"hami-core","health":true}])");
  ASSERT_TRUE(json.ok());
  ASSERT_EQ(json->size(), 1u);
  EXPECT_EQ((*json)[0].memory_mib, 97887);
  EXPECT_EQ((*json)[0].count, 10);
  auto colons = ParseNodeRegister(
      "GPU-a,10,32768,100,NVIDIA-V100,0,true:GPU-b,10,32768,100,X,1,false,1,mig:");
  ASSERT_TRUE(colons.ok());
  ASSERT_EQ(colons->size(), 2u);
  EXPECT_TRUE((*colons)[0].health);
  EXPECT_EQ((*colons)[1].index, 1);
  EXPECT_EQ((*colons)[1].mode, "mig");
  EXPECT_FALSE(ParseNodeRegister("nonsense").ok());
}

TEST(Hami, RegionFile) {
  std::string bytes(2'008'953, '\0');
  const auto put = [&](std::size_t at, auto value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
  };
  put(0, std::int32_t{19920718}), put(4, std::uint32_t{1}), put(8, std::uint32_t{2});
  put(56, std::uint64_t{1});
  std::memcpy(bytes.data() + 64, "GPU-00000004-1111-2222-3333-444444444444", 40);
  put(1600, std::uint64_t{20000} << 20), put(1728, std::uint64_t{30});
  put(2008896, std::int32_t{2});
  put(1856, std::int32_t{7}), put(1856 + 4, std::int32_t{4711});
  put(1856 + 8 + 32, std::uint64_t{123456789});
  put(1856 + 1160 + 16, std::uint64_t{25}), put(1856 + 1928, std::int32_t{1});
  put(1856 + 1960 + 8 + 32, std::uint64_t{999});  // a dead slot keeps its numbers
  auto region = DecodeRegion(bytes);
  ASSERT_TRUE(region.ok()) << region.status().message();
  EXPECT_EQ(region->version, "v1.2");
  ASSERT_EQ(region->devices.size(), 1u);
  EXPECT_EQ(region->devices[0].uuid, "GPU-00000004-1111-2222-3333-444444444444");
  EXPECT_EQ(region->devices[0].memory_bytes, std::uint64_t{20000} << 20);
  ASSERT_EQ(region->processes.size(), 1u);
  EXPECT_EQ(region->processes[0].host_pid, 4711);
  EXPECT_EQ(region->processes[0].used_bytes[0], 123456789u);
  EXPECT_EQ(region->processes[0].sm_percent[0], 25);
  EXPECT_TRUE(LooksHami(bytes));
  EXPECT_TRUE(ReadFile(ReadHami, bytes).ok);
  put(2008896, std::int32_t{-5});
  EXPECT_TRUE(DecodeRegion(bytes)->processes.empty());
  put(56, ~std::uint64_t{0});  // a count that lies: clamped, and the devices behind are not ready
  EXPECT_FALSE(DecodeRegion(bytes).ok());
  EXPECT_FALSE(DecodeRegion(bytes.substr(0, 5000)).ok());
  std::string uid, container;
  EXPECT_TRUE(SplitRegionFolder("cbb0d5ab-5d04-4b11-8108-e24e776a1c87_c", &uid, &container));
  EXPECT_EQ(container, "c");
  EXPECT_FALSE(SplitRegionFolder("nothing", &uid, &container));
}

// ---- queues

TEST(Queues, KueueAndVolcano) {
  auto kueue = ParseQueues(Golden("kube/workloads.json"));
  ASSERT_TRUE(kueue.ok());
  ASSERT_EQ(kueue->work.size(), 1u);
  const QueuedWork& w = kueue->work[0];
  EXPECT_EQ(w.queue, "lq");
  EXPECT_EQ(w.cluster_queue, "cq-research");
  EXPECT_EQ(w.state, "admitted");
  EXPECT_EQ(w.owner_kind + "/" + w.owner, "Job/train-a");
  EXPECT_EQ(GpusOf(w.asked), 1);
  auto waiting =
      ParseQueues(R"({"apiVersion":"kueue.x-k8s.io/v1beta1","kind":"Workload","metadata":{
    "name":"w","namespace":"ml","creationTimestamp":"2026-11-24T08:00:00Z"},"spec":{"queueName":"lq",
    "podSets":[{"count":4,"template":{"spec":{"containers":[{"resources":{"limits":{"nvidia.com/gpu":"8"}}}]}}}]},
    "status":{"conditions":[{"type":"QuotaReserved","status":"False","reason":"Pending",
    "message":"couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu"}]}})");
  ASSERT_TRUE(waiting.ok());
  EXPECT_EQ(waiting->work[0].state, "pending");
  EXPECT_EQ(GpusOf(waiting->work[0].asked), 32);
  EXPECT_NE(waiting->work[0].message.find("insufficient unused quota"), std::string::npos);
  auto volcano = ParseQueues(Golden("kube/podgroups.json"));
  ASSERT_TRUE(volcano.ok());
  EXPECT_EQ(volcano->work[0].queue, "default");
  EXPECT_EQ(GpusOf(volcano->work[0].asked), 1);
  auto quota =
      ParseQueues(R"({"apiVersion":"kueue.x-k8s.io/v1beta1","kind":"ClusterQueue","metadata":{
    "name":"cq"},"spec":{"cohort":"all","resourceGroups":[{"flavors":[{"name":"h100","resources":[
    {"name":"nvidia.com/gpu","nominalQuota":16},{"name":"cpu","nominalQuota":100}]}]}]},"status":{
    "flavorsUsage":[{"name":"h100","resources":[{"name":"nvidia.com/gpu","total":"12"}]}]}})");
  ASSERT_TRUE(quota.ok());
  EXPECT_EQ(quota->queues[0].quota, (Resources{{"nvidia.com/gpu", 16}}));
  EXPECT_EQ(quota->queues[0].used, (Resources{{"nvidia.com/gpu", 12}}));
}

// ---- Slurm

TEST(Slurm, GresTresAndHosts) {
  const auto gres = ParseGres("gpu:h100:2(IDX:0-1),gpu:a100:1(IDX:3),mps:50(IDX:2),shard:4");
  ASSERT_EQ(gres.size(), 4u);
  EXPECT_EQ(gres[0].type, "h100");
  EXPECT_EQ(gres[0].indices, (std::vector<int>{0, 1}));
  EXPECT_EQ(gres[1].indices, (std::vector<int>{3}));
  EXPECT_EQ(gres[2].count, 50);
  EXPECT_EQ(ParseGres("gpu:gen:8(S:0-1)")[0].count, 8);
  EXPECT_TRUE(ParseGres("gpu:gen:8(S:0-1)")[0].indices.empty());
  EXPECT_EQ(ParseGres("gres:gpu:2")[0].count, 2);
  EXPECT_EQ(ParseGres("gres/gpu=8")[0].count, 8);
  EXPECT_EQ(ParseGres("gpu:h100")[0].count, 1);
  EXPECT_EQ(ParseGres("gpu:0")[0].count, 0);
  EXPECT_TRUE(ParseGres("(null)").empty());
  EXPECT_EQ(GpusOfTres("cpu=1,mem=200M,gres/gpu=2,gres/gpu:h100=2"), 2);
  EXPECT_EQ(GpusOfTres("gres/gpu:h100=2,gres/gpu:a100=1"), 3);
  EXPECT_EQ(GpusOfTres("cpu=1"), 0);
  EXPECT_EQ(ExpandHosts("node[01-03,7],login"),
            (std::vector<std::string>{"node01", "node02", "node03", "node7", "login"}));
  EXPECT_EQ(ExpandHosts("node[1281-1288,1301-1304,1309-1312,1365-1372,1377-1384]").size(), 32u);
  EXPECT_EQ(ExpandHosts("n[0-999999999]", 100).size(), 100u);
  EXPECT_EQ(ExpandHosts("r[1-2]n[1-2]").size(), 4u);
}

TEST(Slurm, EveryFormSaysTheSameJobs) {
  const auto f = [](const std::string& name, const char* jobs, const char* steps, double gpus) {
    const std::string bytes = Golden("slurm/" + name);
    EXPECT_TRUE(LooksSlurm(bytes)) << name;
    const ReadFile read(ReadSlurm, bytes);
    ASSERT_TRUE(read.ok) << name;
    EXPECT_EQ(read.report["jobs"].dump(), jobs) << name;
    EXPECT_EQ(read.report["steps"].dump(), steps) << name;
    EXPECT_EQ(read.report["gpus"].as_double(), gpus) << name;
    EXPECT_TRUE(read.batch.refused.empty()) << name << ": " << read.batch.refused.example();
  };
  f("squeue.json", "3", "null", 3);
  f("squeue-mixed.json", "3", "null", 4);
  f("scontrol-show-job-d.txt", "3", "null", 3);
  f("scontrol-show-job-d-mixed.txt", "3", "null", 4);
  f("scontrol-show-step.txt", "null", "4", 2);
  f("scontrol-show-node-d.txt", "null", "null", 4);
  f("sacct.txt", "3", "4", 3);
  f("sacct.json.gz", "3", "4", 3);
  f("sacct-final.txt", "8", "null", 10);
  f("sinfo.json", "null", "null", 4);
  f("sample-squeue-output.txt", "5", "null", 259);
  f("sample-sinfo-output.txt", "null", "null", 18);
  f("sample-sacct-output.txt.gz", "1", "68", 0);
}

TEST(Slurm, WhoHoldsWhichDevice) {
  for (const char* name : {"squeue-mixed.json", "scontrol-show-job-d-mixed.txt"}) {
    auto facts = ParseSlurm(Golden(std::string("slurm/") + name));
    ASSERT_TRUE(facts.ok());
    ASSERT_EQ(facts->jobs.size(), 3u);
    const auto job = [&](std::string_view id) -> const SlurmJob& {
      for (const SlurmJob& j : facts->jobs) {
        if (j.id == id) return j;
      }
      ADD_FAILURE() << id << " in " << name;
      return facts->jobs[0];
    };
    EXPECT_EQ(job("6").user, "games");
    EXPECT_EQ(job("6").account, "research");
    EXPECT_EQ(job("6").partition, "gpu");
    ASSERT_EQ(job("6").grants.size(), 1u);
    EXPECT_EQ(job("6").grants[0].node, "gpunode1");
    EXPECT_EQ(job("6").grants[0].gres[0].indices, (std::vector<int>{0, 1}));
    EXPECT_EQ(job("7_1").raw_id, "8");  // tasks of an array have jobs of their own
    EXPECT_EQ(job("7_1").grants[0].gres[0].indices, (std::vector<int>{2}));
    EXPECT_EQ(job("7_2").raw_id, "7");
    EXPECT_GT(job("6").start_ns, job("6").submit_ns);
    EXPECT_EQ(job("6").end_ns, 0);  // what squeue says is a limit, not an end
  }
}

TEST(Slurm, NewerJsonAndHetJobs) {
  auto facts = ParseSlurm(R"j({"meta":{"slurm":{"release":"25.05.1"}},"jobs":[
    {"job_id":101,"het_job_id":{"set":true,"infinite":false,"number":100},
     "het_job_offset":{"set":true,"infinite":false,"number":1},
     "array_job_id":{"set":true,"infinite":false,"number":0},
     "array_task_id":{"set":false,"infinite":false,"number":0},
     "job_state":["RUNNING"],"nodes":"n[1-2]","user_name":"ada","account":"phys","partition":"gpu",
     "start_time":{"set":true,"infinite":false,"number":1795510919},
     "tres_alloc_str":"cpu=2,gres/gpu=3","gres_detail":["gpu:2(IDX:0,3)","gpu:1(IDX:1)"]},
    {"job_id":200,"array_job_id":{"set":true,"infinite":false,"number":200},
     "array_task_id":{"set":false,"infinite":false,"number":0},"array_task_string":"3-9%2",
     "het_job_id":{"set":true,"infinite":false,"number":0},"job_state":["PENDING"],
     "state_reason":"Priority","nodes":"","start_time":{"set":true,"number":1999999999},
     "tres_req_str":"cpu=1,gres/gpu=8"}]})j");
  ASSERT_TRUE(facts.ok());
  ASSERT_EQ(facts->jobs.size(), 2u);
  const SlurmJob& het = facts->jobs[0];
  EXPECT_EQ(het.id, "100+1");
  EXPECT_EQ(het.state, "RUNNING");
  ASSERT_EQ(het.grants.size(), 2u);
  EXPECT_EQ(het.grants[1].node, "n2");
  EXPECT_EQ(het.grants[0].gres[0].indices, (std::vector<int>{0, 3}));
  const SlurmJob& waits = facts->jobs[1];
  EXPECT_EQ(waits.id, "200_[3-9%2]");
  EXPECT_EQ(waits.gpus, 0);
  EXPECT_EQ(waits.gpus_asked, 8);
  EXPECT_EQ(waits.start_ns, 0);
}

TEST(Slurm, DefaultTablesAndLies) {
  auto queue = ParseSlurm(
      "             JOBID PARTITION     NAME     USER ST       TIME  NODES NODELIST(REASON)\n"
      "             123_4       gpu    train      ada  R    1:02:03      2 n[1-2]\n"
      "               124       gpu    train      bob PD       0:00      1 (Resources, later)\n");
  ASSERT_TRUE(queue.ok());
  ASSERT_EQ(queue->jobs.size(), 2u);
  EXPECT_EQ(queue->jobs[0].state, "RUNNING");
  EXPECT_EQ(queue->jobs[0].nodes, "n[1-2]");
  EXPECT_EQ(queue->jobs[1].reason, "Resources, later");
  // A job's name, command or comment cannot make another account or another job.
  auto lie = ParseSlurm(
      "JobId=5 JobName=x Account=victim\n   UserId=eve(7) GroupId=eve(7)\n   Account=own "
      "QOS=normal\n"
      "   JobState=RUNNING Reason=None\n   Command=/bin/x JobId=6 Account=victim UserId=root(0)\n"
      "   Comment=JobId=7 Account=victim\n");
  ASSERT_TRUE(lie.ok());
  ASSERT_EQ(lie->jobs.size(), 1u);
  EXPECT_EQ(lie->jobs[0].account, "own");
  EXPECT_EQ(lie->jobs[0].user, "eve");
  EXPECT_FALSE(ParseSlurm("scontrol: unrecognized option '--json'\n").ok());
  EXPECT_FALSE(LooksSlurm("scontrol: unrecognized option '--json'\n"));
  EXPECT_FALSE(ParseSlurm("{\"jobs\":[{\"job_id\":1").ok());
  EXPECT_FALSE(ParseSlurm("").ok());
}

// ---- processes

TEST(Processes, ContainersStepsAndUsers) {
  const std::string id(64, 'a'), uid = "fc377eff-f3b5-440b-beb6-15ed6a7b205a";
  ProcessOwner o = OwnerOf("0::/kubepods/burstable/pod" + uid + "/" + id + "\n", "");
  EXPECT_EQ(o.pod_uid, uid);
  EXPECT_EQ(o.container, id);
  EXPECT_EQ(o.qos, "burstable");
  EXPECT_EQ(o.kind(), "pod");
  o = OwnerOf("0::/kubepods.slice/kubepods-podfc377eff_f3b5_440b_beb6_15ed6a7b205a.slice/crio-" +
                  id + ".scope\n",
              "");
  EXPECT_EQ(o.pod_uid, uid);
  EXPECT_EQ(o.runtime, "cri-o");
  EXPECT_EQ(o.qos, "guaranteed");
  o = OwnerOf("0::/system.slice/docker-" + id + ".scope\n", "");
  EXPECT_EQ(o.runtime, "docker");
  EXPECT_EQ(o.kind(), "container");
  // v1 beside an empty v2 root, as recorded.
  o = OwnerOf(Golden("slurm/proc-cgroup-job4-step0.txt"),
              Golden("slurm/proc-environ-job4-step0.txt"));
  EXPECT_EQ(o.kind(), "slurm");
  EXPECT_EQ(o.slurm_job, "4");
  EXPECT_EQ(o.slurm_step, "0");
  EXPECT_EQ(o.slurm_user, "root");
  EXPECT_EQ(o.slurm_account, "research");
  EXPECT_EQ(o.devices, "0");
  o = OwnerOf("0::/system.slice/slurmstepd.scope/job_12/step_batch/user/task_0\n", "");
  EXPECT_EQ(o.slurm_job, "12");
  EXPECT_EQ(o.slurm_step, "batch");
  const std::string env =
      std::string("SLURM_JOB_ID=8\0SLURM_ARRAY_JOB_ID=7\0SLURM_ARRAY_TASK_ID=1\0", 15 + 21 + 22);
  EXPECT_EQ(OwnerOf("0::/\n", env).slurm_id, "7_1");
  // An environment that contradicts the cgroup says nothing.
  o = OwnerOf("4:memory:/slurm/uid_0/job_9/step_0\n",
              env + std::string("SLURM_JOB_ACCOUNT=rich\0", 23));
  EXPECT_EQ(o.slurm_id, "9");
  EXPECT_EQ(o.slurm_account, "");
  EXPECT_EQ(OwnerOf("0::/user.slice/user-1000.slice/session-3.scope\n", "").kind(), "user");
  EXPECT_EQ(OwnerOf("0::/kubepods/pod" + uid + "/" + id + "\n", env).kind(), "pod");
}

TEST(Looks, KindsDoNotTakeEachOther) {
  const std::string pods = Golden("kube/kubelet-pods.json");
  const std::string podres = Golden("podres/admitted-list.json");
  const std::string slurm = Golden("slurm/squeue.json");
  EXPECT_FALSE(LooksSlurm(pods));
  EXPECT_FALSE(LooksPodResources(pods));
  EXPECT_FALSE(LooksPods(podres));
  EXPECT_FALSE(LooksPods(slurm));
  EXPECT_FALSE(LooksSlurm("a|b|c\n1|2|3\n"));
  EXPECT_FALSE(LooksSlurm("# TYPE up gauge\nup 1\n"));
  EXPECT_FALSE(LooksSlurm("iteration 5 | loss 2.3 | lr 1e-4 | tokens 5 | x 1\n"));
}

// Every recorded answer, cut and with bytes changed, through every reader: no crash, nothing that
// the sanitizers see. The same each time.
TEST(Damage, NothingBreaks) {
  std::uint64_t random = 88172645463325252ull;
  const auto next = [&random] {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    return random;
  };
  for (const char* name :
       {"kube/resourceclaims-shared.json", "kube/resourceslices.json", "kube/workloads.json",
        "kube/nodes.json", "podres/dra-shared-list.bin", "podres/admitted-list.json",
        "slurm/sinfo.json", "slurm/sacct.txt", "slurm/scontrol-show-job-d-mixed.txt",
        "slurm/scontrol-show-node-d.txt", "slurm/sample-squeue-output.txt",
        "slurm/sample-sinfo-output.txt", "slurm/proc-environ-job4-step0.txt"}) {
    const std::string whole = Golden(name);
    for (unsigned choice = 0; choice < 10; ++choice) {
      Damage(choice, whole);
      for (int i = 0; i < 12; ++i) {
        std::string text = whole.substr(0, i % 3 == 0 ? next() % whole.size() : whole.size());
        for (std::uint64_t n = next() % 8; n > 0 && !text.empty(); --n)
          text[next() % text.size()] =
              static_cast<char>(i % 2 == 0 ? next() : "0,:;|=-[]{}\"\n"[next() % 13]);
        Damage(choice, text);
      }
    }
  }
}

}  // namespace
}  // namespace strata::l4_sched
