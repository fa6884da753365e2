// SPDX-License-Identifier: Apache-2.0
// Objects of an API server as entities, events and samples; chains of owners of kinds that nobody
// here knows.
#include "l4_sched/kube_world.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "l4_sched/kube_fake_api.h"

namespace strata::l4_sched {
namespace {

std::string Owner(const std::string& api, const std::string& kind, const std::string& name,
                  const std::string& uid) {
  return R"("ownerReferences":[{"apiVersion":")" + api + R"(","kind":")" + kind + R"(","name":")" +
         name + R"(","uid":")" + uid + R"(","controller":true}])";
}

struct World {
  explicit World(KubeWorldOptions options = {}) {
    for (const char* path :
         {"/api/v1/pods", "/api/v1/nodes", "/api/v1/namespaces", "/api/v1/events",
          "/api/v1/resourcequotas", "/apis/resource.k8s.io/v1/resourceslices"})
      api.Set(path, "", "seed", {}), api.Delete(path, "/seed");
    options.watch.backoff_ns = 20 * base::kMillisecond;
    options.watch.max_backoff_ns = 100 * base::kMillisecond;
    options.cluster = "lab";
    world = std::make_unique<KubeWorld>(api.Config(), std::move(options));
  }
  // Collects until what is wanted has come.
  bool Until(const std::function<bool()>& done) {
    return l4_sched::Until([&] {
      while (world->Collect(base::Clock::system().now_ns(), namer, &batch)) {
      }
      return done();
    });
  }
  const model::Entity* Find(std::string_view type, std::string_view id) const {
    for (auto it = batch.entities.rbegin(); it != batch.entities.rend(); ++it) {
      if (it->type == type && it->id == id) return &*it;
    }
    return nullptr;
  }
  const model::Event* Event(std::string_view name) const {
    for (const model::Event& e : batch.events) {
      if (e.event == name) return &e;
    }
    return nullptr;
  }
  std::string WorkloadOf(const std::string& pod) const {
    const model::Entity* e = Find("pod", pod);
    if (e == nullptr) return "no pod";
    return std::string(e->attributes.get("k8s.workload.kind")) + "/" +
           std::string(e->attributes.get("k8s.workload.name"));
  }
  FakeApi api;
  const model::Catalog* catalogs[1] = {&catalog()};
  model::Namer namer{catalogs};
  model::Batch batch;
  std::unique_ptr<KubeWorld> world;
};

KubeWorldOptions Whole() {
  KubeWorldOptions options;
  options.whole_cluster = true;
  options.samples_ns = 50 * base::kMillisecond;
  return options;
}

void Serve(FakeApi* api, const std::string& group_version, const std::string& resources) {
  api->ServeText(
      (group_version.find('/') == std::string::npos ? "/api/" : "/apis/") + group_version,
      R"({"kind":"APIResourceList","resources":[)" + resources + "]}");
}

// pod -> ReplicaSet -> Deployment; pod -> Gadget -> Machine (cluster-wide), kinds of nobody's.
TEST(KubeWorld, OwnersOfAnyKind) {
  World w(Whole());
  Serve(&w.api, "apps/v1",
        R"({"name":"replicasets","kind":"ReplicaSet","namespaced":true},)"
        R"({"name":"replicasets/status","kind":"ReplicaSet","namespaced":true},)"
        R"({"name":"deployments","kind":"Deployment","namespaced":true})");
  Serve(&w.api, "acme.io/v1alpha7",
        R"({"name":"gadgetry","kind":"Gadget","namespaced":true},)"
        R"({"name":"machines","kind":"Machine","namespaced":false})");
  w.api.ServeText("/apis/apps/v1/namespaces/ml/replicasets/web-abc",
                  R"({"metadata":{"name":"web-abc","namespace":"ml","uid":"rs1",)" +
                      Owner("apps/v1", "Deployment", "web", "d1") + "}}");
  w.api.ServeText("/apis/apps/v1/namespaces/ml/deployments/web",
                  R"({"metadata":{"name":"web","namespace":"ml","uid":"d1"}})");
  w.api.ServeText("/apis/acme.io/v1alpha7/namespaces/ml/gadgetry/g",
                  R"({"metadata":{"name":"g","namespace":"ml","uid":"g1",)" +
                      Owner("acme.io/v1alpha7", "Machine", "m", "m1") + "}}");
  w.api.ServeText("/apis/acme.io/v1alpha7/machines/m", R"({"metadata":{"name":"m","uid":"m1"}})");
  // A pod whose owner was made anew under its name: that one is not the owner.
  w.api.ServeText("/apis/acme.io/v1alpha7/namespaces/ml/gadgetry/old",
                  R"({"metadata":{"name":"old","namespace":"ml","uid":"other"}})");
  const std::string pod = R"("spec":{"nodeName":"n1"},"status":{"phase":"Running"})";
  w.api.Set("/api/v1/pods", "ml", "web-abc-1", pod,
            Owner("apps/v1", "ReplicaSet", "web-abc", "rs1"));
  w.api.Set("/api/v1/pods", "ml", "g-1", pod, Owner("acme.io/v1alpha7", "Gadget", "g", "g1"));
  w.api.Set("/api/v1/pods", "ml", "old-1", pod, Owner("acme.io/v1alpha7", "Gadget", "old", "gone"));
  w.api.Set("/api/v1/pods", "ml", "bare", pod);
  w.world->Start();
  ASSERT_TRUE(w.Until([&] {
    return w.WorkloadOf("ml/web-abc-1") == "Deployment/web" &&
           w.WorkloadOf("ml/g-1") == "Machine/m";
  })) << w.WorkloadOf("ml/web-abc-1")
      << " " << w.WorkloadOf("ml/g-1");
  EXPECT_EQ(w.WorkloadOf("ml/bare"), "Pod/bare");
  EXPECT_EQ(w.WorkloadOf("ml/old-1"), "/");  // not guessed
  ASSERT_NE(w.Find("workload", "ml/web"), nullptr);
  EXPECT_EQ(w.Find("workload", "ml/web")->attributes.get("k8s.workload.kind"), "Deployment");
}

TEST(KubeWorld, ManyOwnersAreListedAtOnce) {
  World w(Whole());
  Serve(&w.api, "batch/v1", R"({"name":"jobs","kind":"Job","namespaced":true})");
  for (int i = 0; i < 300; ++i) {
    const std::string n = std::to_string(i);
    w.api.Set("/apis/batch/v1/jobs", "ml", "job-" + n, {}, {}, "j" + n);
    w.api.Set("/api/v1/pods", "ml", "job-" + n + "-x", R"("spec":{},"status":{})",
              Owner("batch/v1", "Job", "job-" + n, "j" + n));
  }
  w.world->Start();
  ASSERT_TRUE(w.Until([&] { return w.WorkloadOf("ml/job-299-x") == "Job/job-299"; }));
  EXPECT_EQ(w.WorkloadOf("ml/job-0-x"), "Job/job-0");
  int asked = 0;
  for (const std::string& a : w.api.asked()) asked += a.find("/batch/v1") != std::string::npos;
  EXPECT_LE(asked, 40);
}

TEST(KubeWorld, OwnersThatMayNotBeSeenAreSaid) {
  World w(Whole());
  w.api.Forbid("/apis/batch/v1");
  w.api.Set("/api/v1/pods", "ml", "p", R"("spec":{},"status":{})",
            Owner("batch/v1", "Job", "j", "j1"));
  w.world->Start();
  ASSERT_TRUE(w.Until([&] {
    std::vector<model::SourceState> states;
    w.world->Sources(&states);
    return states.back().detail.find("HTTP 403") != std::string::npos;
  }));
  EXPECT_EQ(w.WorkloadOf("ml/p"), "/");
}

TEST(KubeWorld, EventsAndSamples) {
  World w(Whole());
  const auto pod = [&](const std::string& name, const std::string& status) {
    w.api.Set("/api/v1/pods", "ml", name,
              R"("spec":{"nodeName":"n1","containers":[{"name":"c","resources":{"limits":)"
              R"({"nvidia.com/gpu":"2","cpu":"4"}}}]},"status":{)" +
                  status + "}");
  };
  const std::string evicted = R"("phase":"Failed","reason":"Evicted","message":"disk pressure")";
  pod("old", evicted);  // before our time
  pod("a", R"("phase":"Running")");
  pod("b", R"("phase":"Running")");
  w.api.Set("/api/v1/nodes", "", "n1",
            R"("spec":{},"status":{"capacity":{"nvidia.com/gpu":"8","cpu":"64"},)"
            R"("allocatable":{"nvidia.com/gpu":"7"}})",
            R"("labels":{"topology.kubernetes.io/zone":"z1","nvidia.com/gpu.product":"H100"})");
  w.api.Set("/api/v1/namespaces", "", "ml", {}, R"("labels":{"team":"search"})");
  w.world->Start();
  ASSERT_TRUE(w.Until(
      [&] { return w.Find("pod", "ml/b") && w.Find("node", "n1") && w.Find("namespace", "ml"); }));
  EXPECT_EQ(w.Find("node", "n1")->attributes.get("cloud.availability_zone"), "z1");
  EXPECT_EQ(w.Find("node", "n1")->attributes.get("k8s.node.label.nvidia.com/gpu.product"), "H100");
  EXPECT_EQ(w.Find("namespace", "ml")->attributes.get("k8s.namespace.label.team"), "search");
  EXPECT_EQ(w.Find("pod", "ml/a")->attributes.get("k8s.cluster.name"), "lab");
  EXPECT_TRUE(w.batch.events.empty());
  pod("a", evicted);
  pod("b", R"("phase":"Running","containerStatuses":[{"name":"c","restartCount":1,"lastState":)"
           R"({"terminated":{"reason":"OOMKilled","exitCode":137,)"
           R"("finishedAt":"2026-11-24T10:00:00Z"}}}])");
  pod("c", R"("phase":"Pending","conditions":[{"type":"PodScheduled","status":"False",)"
           R"("reason":"Unschedulable","message":"0/5 nodes are available: 5 Insufficient )"
           R"(nvidia.com/gpu."}])");
  // The same eviction as the Events API tells it: one event.
  w.api.Set("/api/v1/events", "ml", "a.1",
            R"("reason":"Evicted","message":"x","type":"Warning","count":1,"involvedObject":)"
            R"({"kind":"Pod","name":"a","namespace":"ml","uid":"uid-ml/a"})");
  w.api.Set("/api/v1/nodes", "", "n1",
            R"("spec":{"unschedulable":true},"status":{"capacity":{"nvidia.com/gpu":"8"},)"
            R"("allocatable":{"nvidia.com/gpu":"7"}})");
  ASSERT_TRUE(w.Until([&] { return w.batch.events.size() >= 4; }));
  EXPECT_EQ(w.batch.events.size(), 4u);
  ASSERT_NE(w.Event("k8s.pod.evicted"), nullptr);
  EXPECT_EQ(w.Event("k8s.pod.evicted")->entity, "ml/a");
  EXPECT_EQ(w.Event("k8s.pod.evicted")->attributes.get("reason"), "Evicted");
  ASSERT_NE(w.Event("k8s.container.oom_killed"), nullptr);
  EXPECT_EQ(w.Event("k8s.container.oom_killed")->entity, "ml/b/c");
  EXPECT_EQ(base::FormatTime(w.Event("k8s.container.oom_killed")->ts), "2026-11-24T10:00:00Z");
  ASSERT_NE(w.Event("k8s.pod.failed_scheduling"), nullptr);
  EXPECT_EQ(w.Event("k8s.pod.failed_scheduling")->attributes.get("resource"), "nvidia.com/gpu");
  ASSERT_NE(w.Event("node.cordoned"), nullptr);
  w.batch.samples.clear();
  ASSERT_TRUE(w.Until([&] { return w.batch.samples.size() > 8; }));
  std::vector<model::Series> series;
  w.namer.take_fresh(&series);
  std::map<std::string, double> values;
  for (std::size_t i = 0; i < w.batch.samples.size(); ++i) {
    for (const model::Series& s : series) {
      if (s.id == w.batch.samples.series[i])
        values[s.signal + " " + s.entity] = w.batch.samples.value[i];
    }
  }
  EXPECT_EQ(values["k8s.node.gpu.capacity n1"], 8);
  EXPECT_EQ(values["k8s.node.gpu.allocatable n1"], 7);
  EXPECT_EQ(values["k8s.node.unschedulable n1"], 1);
  EXPECT_EQ(values["k8s.container.gpu.request ml/a/c"], 2);
  EXPECT_EQ(values["k8s.container.restart.count ml/b/c"], 1);
  EXPECT_EQ(values["k8s.pod.phase ml/c"], 1);
}

TEST(KubeWorld, ANodesAgentAsksForItsOwnOnlyAndDescribesHolders) {
  KubeWorldOptions options;
  options.node = "n1";
  options.host = "host-1";
  options.teams.label = "team";
  World w(std::move(options));
  Serve(&w.api, "batch/v1", R"({"name":"jobs","kind":"Job","namespaced":true})");
  w.api.ServeText("/apis/batch/v1/namespaces/ml/jobs/j",
                  R"({"metadata":{"name":"j","namespace":"ml","uid":"j1"}})");
  w.api.Set("/api/v1/pods", "ml", "p", R"("spec":{"nodeName":"n1"},"status":{"phase":"Running"})",
            R"("labels":{"team":"search","kueue.x-k8s.io/queue-name":"q1"},)" +
                Owner("batch/v1", "Job", "j", "j1"));
  w.api.Set("/api/v1/pods", "ml", "done", R"("spec":{},"status":{"phase":"Succeeded"})");
  w.api.Set("/apis/resource.k8s.io/v1/resourceslices", "", "s",
            R"("spec":{"driver":"d","pool":{"name":"n1"},"nodeName":"n1","devices":[)"
            R"({"name":"gpu-0","attributes":{"uuid":{"string":"GPU-1"}},)"
            R"("capacity":{"memory":{"value":"80Gi"}}}]})");
  const auto claim = [&](const std::string& name, const std::string& result) {
    w.api.ServeText("/apis/resource.k8s.io/v1/namespaces/ml/resourceclaims/" + name,
                    R"({"metadata":{"name":")" + name +
                        R"("},"status":{"allocation":{"devices":)"
                        R"({"results":[{"driver":"d","pool":"n1","device":"gpu-0")" +
                        result + "}]}}}}");
  };
  claim("all", "");
  claim("part", R"(,"shareID":"s1","consumedCapacity":{"memory":"20Gi"})");
  claim("looks", R"(,"adminAccess":true)");
  w.world->Start();
  ASSERT_TRUE(w.Until([&] { return w.WorkloadOf("ml/p") == "Job/j"; }));
  EXPECT_EQ(w.Find("pod", "ml/p")->attributes.get("host.name"), "host-1");
  model::Holding h;
  ASSERT_TRUE(w.world->Describe({"ml", "p", "c", {}, {}}, &h));
  EXPECT_EQ(h.workload_kind + "/" + h.workload + "/" + h.team + "/" + h.queue, "Job/j/search/q1");
  EXPECT_FALSE(w.world->Describe({"ml", "done", "c", {}, {}}, &h));
  EXPECT_TRUE(w.world->Describe({"ml", "not-seen-yet", "c", {}, {}}, &h));
  ASSERT_TRUE(
      w.Until([&] { return w.world->find("resourceslices.resource.k8s.io")->size() == 1; }));
  const auto is = [&](const std::string& name, const std::string& share_id = {}) {
    h = model::Holding();
    return w.world->ResolveClaim({"ml", name, "d", "n1", "gpu-0", share_id}, &h);
  };
  EXPECT_EQ(is("all"), ClaimIs::held);
  EXPECT_EQ(h.gpu, "GPU-1");
  EXPECT_EQ(h.share, 1);
  EXPECT_EQ(is("part", "s1"), ClaimIs::held);
  EXPECT_EQ(h.share, 0.25);
  EXPECT_EQ(is("part", "s2"), ClaimIs::unknown);
  EXPECT_EQ(is("looks"), ClaimIs::looked_at);
  EXPECT_EQ(is("ghost"), ClaimIs::unknown);
  for (const std::string& a : w.api.asked()) {
    if (a.starts_with("/api/v1/pods"))
      EXPECT_NE(a.find("fieldSelector=spec.nodeName%3Dn1"), std::string::npos) << a;
  }
}

TEST(KubeWorld, WhatMayNotBeSeenIsSaid) {
  World w(Whole());
  w.api.Forbid("/api/v1/nodes");
  w.world->Start();
  std::vector<model::SourceState> states;
  ASSERT_TRUE(w.Until([&] {
    states.clear();
    w.world->Sources(&states);
    return states[0].state == "live" && states[1].state == "absent" &&
           states[1].detail.starts_with("not permitted");
  }));
  EXPECT_EQ(states[1].name, "kubernetes api nodes");
}

}  // namespace
}  // namespace strata::l4_sched
