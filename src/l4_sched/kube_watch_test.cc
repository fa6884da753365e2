// SPDX-License-Identifier: Apache-2.0
// List and watch against an API server that fails in the ways real ones do.
#include "l4_sched/kube_watch.h"

#include <gtest/gtest.h>

#include <set>

#include "base/clock.h"
#include "base/file.h"
#include "l4_sched/kube_fake_api.h"

namespace strata::l4_sched {
namespace {

const std::string kPods = "/api/v1/pods";

struct Follower {
  explicit Follower(const FakeApi& api, KubeWatchOptions options = Quick(),
                    KubeResource resource = {{}, "v1", "pods", {}, false})
      : watch(std::move(resource), api.Config(), options, [this](const KubeUpdate& u) {
          const std::lock_guard lock(mutex);
          constexpr const char* kWords[] = {"listed", "added", "modified", "deleted"};
          told.push_back(std::string(kWords[static_cast<int>(u.change)]) + " " + u.object.key());
          if (!u.json.empty()) bytes.emplace_back(u.json);
        }) {}
  static KubeWatchOptions Quick() {
    KubeWatchOptions options;
    options.backoff_ns = 20 * base::kMillisecond;
    options.max_backoff_ns = 100 * base::kMillisecond;
    options.absent_ns = 200 * base::kMillisecond;
    options.page = 3;
    return options;
  }
  void Start() {
    thread = std::jthread([this](const std::stop_token& stop) { watch.Run(stop); });
  }
  bool Told(const std::string& what, int seconds = 10) {
    return Until(
        [&] {
          const std::lock_guard lock(mutex);
          return std::find(told.begin(), told.end(), what) != told.end();
        },
        seconds);
  }
  std::vector<std::string> Drain() {
    const std::lock_guard lock(mutex);
    return std::exchange(told, {});
  }
  std::mutex mutex;
  std::vector<std::string> told, bytes;
  KubeWatch watch;
  std::jthread thread;  // last: ends first
};

void SetPod(FakeApi* api, const std::string& name, const std::string& phase = "Running",
            const std::string& uid = {}) {
  api->Set(
      kPods, "ml", name,
      R"("spec":{"nodeName":"n1","containers":[{"name":"c"}]},"status":{"phase":")" + phase + "\"}",
      {}, uid);
}

TEST(KubeWatch, ListsPageByPageAndFollows) {
  FakeApi api;
  for (int i = 0; i < 8; ++i) SetPod(&api, "p" + std::to_string(i));
  Follower f(api);
  f.Start();
  ASSERT_TRUE(Until([&] { return f.watch.synced(); }));
  EXPECT_EQ(f.watch.size(), 8u);
  EXPECT_EQ(f.Drain().size(), 8u);
  int pages = 0;
  for (const std::string& asked : api.asked()) pages += asked.find("limit=3") != std::string::npos;
  EXPECT_EQ(pages, 3);
  SetPod(&api, "p8");
  ASSERT_TRUE(f.Told("added ml/p8"));
  SetPod(&api, "p8", "Failed");
  ASSERT_TRUE(f.Told("modified ml/p8"));
  KubeObject pod;
  ASSERT_TRUE(f.watch.Find("ml/p8", &pod));
  EXPECT_EQ(pod.phase, "Failed");
  EXPECT_EQ(pod.node, "n1");
  api.Delete(kPods, "ml/p8");
  ASSERT_TRUE(f.Told("deleted ml/p8"));
  EXPECT_EQ(f.watch.size(), 8u);
  EXPECT_EQ(f.watch.state().state, "live");
  EXPECT_EQ(f.watch.state().detail, "8 objects");
  for (const std::string& json : f.bytes) {  // what a parser of somebody else gets is the object
    EXPECT_TRUE(json.starts_with(R"({"metadata":{"name":"p)")) << json;
    EXPECT_TRUE(json.ends_with("}")) << json;
  }
  EXPECT_EQ(f.bytes.size(), 11u);
}

// After each kind of failure the pods are the server's pods, and what went in the gap is told.
TEST(KubeWatch, NoFailureLosesAnObject) {
  FakeApi api;
  for (int i = 0; i < 7; ++i) SetPod(&api, "p" + std::to_string(i));
  for (const int status : {429, 500, 503, 200}) api.Fail({status, 0, false});
  Follower f(api);
  f.Start();
  ASSERT_TRUE(Until([&] { return f.watch.synced(); }));
  EXPECT_EQ(f.watch.size(), 7u);
  EXPECT_EQ(f.watch.facts().lists, 1u);
  EXPECT_GE(f.watch.facts().cut, 1u);
  int n = 7;
  for (const int status : {429, 500, 504, 200, 410}) {
    ASSERT_TRUE(Until([&] { return api.watching() == 1; }));
    api.Fail({status, 0, true});
    api.Kick();
    SetPod(&api, "p" + std::to_string(n));
    ASSERT_TRUE(f.Told("added ml/p" + std::to_string(n))) << status;
    ++n;
  }
  EXPECT_EQ(f.watch.size(), static_cast<std::size_t>(n));
  EXPECT_EQ(f.watch.facts().gone, 1u);
  EXPECT_EQ(f.watch.facts().malformed, 0u);
}

TEST(KubeWatch, WhatWentInAGapIsDeleted) {
  FakeApi api;
  for (const char* name : {"a", "b", "c", "d", "e"}) SetPod(&api, name);
  Follower f(api);
  f.Start();
  ASSERT_TRUE(Until([&] { return api.watching() == 1; }));
  f.Drain();
  // Deleted, made anew under its name, and made, in a time that the server has forgotten.
  api.Fail({500, 0, true});
  api.Fail({500, 0, true});
  api.Kick();
  api.Delete(kPods, "ml/b");
  SetPod(&api, "c", "Pending", "another-uid");
  SetPod(&api, "f");
  api.Compact();
  ASSERT_TRUE(f.Told("added ml/f"));
  ASSERT_TRUE(f.Told("deleted ml/b"));
  auto told = f.Drain();
  std::sort(told.begin(), told.end());
  EXPECT_EQ(told,
            (std::vector<std::string>{"added ml/c", "added ml/f", "deleted ml/b", "deleted ml/c"}));
  EXPECT_EQ(f.watch.facts().gone, 1u);
  EXPECT_EQ(f.watch.facts().lists, 2u);
}

TEST(KubeWatch, ABookmarkSavesAList) {
  FakeApi api;
  SetPod(&api, "a");
  Follower f(api);
  f.Start();
  ASSERT_TRUE(Until([&] { return api.watching() == 1; }));
  api.Bookmark();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  api.Kick();
  ASSERT_TRUE(Until([&] { return f.watch.facts().watches >= 2; }));
  const auto asked = api.asked();
  EXPECT_NE(asked.back().find("resourceVersion=102"), std::string::npos) << asked.back();
  EXPECT_EQ(f.watch.facts().lists, 1u);
}

TEST(KubeWatch, RetryAfterIsObeyed) {
  FakeApi api;
  SetPod(&api, "a");
  api.Fail({429, 1, false});
  Follower f(api);
  const std::int64_t began = base::monotonic_ns();
  f.Start();
  ASSERT_TRUE(Until([&] { return f.watch.state().state == "failed"; }));
  EXPECT_NE(f.watch.state().detail.find("HTTP 429: told to fail; next try in 1.0s"),
            std::string::npos)
      << f.watch.state().detail;
  ASSERT_TRUE(Until([&] { return f.watch.synced(); }));
  EXPECT_GE(base::monotonic_ns() - began, base::kSecond);
}

TEST(KubeWatch, WithoutPermissionTheFactIsAbsentAndComesWithIt) {
  FakeApi api;
  SetPod(&api, "a");
  api.Forbid(kPods);
  Follower f(api);
  f.Start();
  ASSERT_TRUE(Until([&] { return f.watch.state().detail.starts_with("not permitted"); }));
  EXPECT_EQ(f.watch.state().state, "absent");
  EXPECT_EQ(f.watch.state().detail, "not permitted: HTTP 403: /api/v1/pods is forbidden");
  api.Allow(kPods);
  ASSERT_TRUE(f.Told("listed ml/a"));
  // Taken away again: what may not be seen is not known.
  ASSERT_TRUE(Until([&] { return api.watching() == 1; }));
  api.Forbid(kPods);
  api.Kick();
  ASSERT_TRUE(f.Told("deleted ml/a"));
  EXPECT_EQ(f.watch.size(), 0u);
}

TEST(KubeWatch, AKindThatIsNotServedIsAbsent) {
  FakeApi api;
  Follower f(api, Follower::Quick(), {"kueue.x-k8s.io", "v1beta1", "workloads", {}, false});
  f.Start();
  ASSERT_TRUE(Until([&] { return f.watch.state().detail.starts_with("not served"); }));
  EXPECT_EQ(f.watch.state().name, "kubernetes api workloads.kueue.x-k8s.io");
  api.Set("/apis/kueue.x-k8s.io/v1beta1/workloads", "ml", "w1", {});
  ASSERT_TRUE(f.Told("listed ml/w1"));
}

TEST(KubeWatch, ObjectsBeyondTheLimitAreCounted) {
  FakeApi api;
  for (int i = 0; i < 10; ++i) SetPod(&api, "p" + std::to_string(i));
  KubeWatchOptions options = Follower::Quick();
  options.max_objects = 4;
  Follower f(api, options);
  f.Start();
  ASSERT_TRUE(Until([&] { return f.watch.synced(); }));
  EXPECT_EQ(f.watch.size(), 4u);
  EXPECT_EQ(f.watch.facts().beyond, 6u);
  EXPECT_NE(f.watch.state().detail.find("6 beyond the limit"), std::string::npos);
}

TEST(KubeWatch, ALargeObjectCostsItselfOnly) {
  FakeApi api;
  SetPod(&api, "a");
  api.Set(kPods, "ml", "big", R"("spec":{"nodeName":")" + std::string(100'000, 'x') + "\"}");
  SetPod(&api, "z");
  KubeWatchOptions options = Follower::Quick();
  options.max_object_bytes = 50'000;
  Follower f(api, options);
  f.Start();
  ASSERT_TRUE(Until([&] { return f.watch.synced(); }));
  EXPECT_EQ(f.watch.size(), 2u);
  EXPECT_EQ(f.watch.facts().oversize, 1u);
  EXPECT_NE(f.watch.state().detail.find("1 could not be read"), std::string::npos);
}

TEST(KubeWatch, StopsWhileItWaits) {
  FakeApi api;
  SetPod(&api, "a");
  Follower f(api);
  f.Start();
  ASSERT_TRUE(Until([&] { return api.watching() == 1; }));
  const std::int64_t began = base::monotonic_ns();
  f.thread.request_stop();
  f.thread.join();
  EXPECT_LT(base::monotonic_ns() - began, 3 * base::kSecond);
}

TEST(KubeWatch, NobodyAnswers) {
  auto config = KubeConfig::FromText(
      "clusters: [{name: c, cluster: {server: \"http://127.0.0.1:1\"}}]\nusers: []\n"
      "contexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n",
      "/");
  ASSERT_TRUE(config.ok()) << config.status().message();
  KubeWatch watch({{}, "v1", "pods", {}, false}, *config, Follower::Quick(), {});
  std::jthread thread([&](const std::stop_token& stop) { watch.Run(stop); });
  ASSERT_TRUE(Until([&] { return watch.state().state == "failed"; }));
  EXPECT_NE(watch.state().detail.find("127.0.0.1:1"), std::string::npos) << watch.state().detail;
}

// ---- frames

TEST(KubeFrames, CutsAtAnyByte) {
  const std::string list =
      R"({"kind":"PodList","metadata":{"resourceVersion":"7","x":[1,[2]]},"items":[{"a":"}]{"},)"
      "\n"
      R"({"b":["\"}",{"c":{}}]} , {}],"more":{"items":[{"d":1}]}})";
  for (std::size_t cut = 0; cut <= list.size(); ++cut) {
    KubeFrames frames(KubeFrames::Shape::list, 1000);
    std::vector<std::string> objects;
    const auto take = [&](std::string_view o) { return objects.emplace_back(o), true; };
    ASSERT_TRUE(frames.Push(std::string_view(list).substr(0, cut), take));
    EXPECT_EQ(frames.whole(), cut == 0 || cut == list.size());
    ASSERT_TRUE(frames.Push(std::string_view(list).substr(cut), take));
    EXPECT_EQ(objects,
              (std::vector<std::string>{R"({"a":"}]{"})", R"({"b":["\"}",{"c":{}}]})", "{}"}));
    KubeHead head;
    ASSERT_TRUE(KubeParser().Head(frames.head(), &head).ok()) << frames.head();
    EXPECT_EQ(head.version, "7");
  }
}

TEST(KubeFrames, RefusesWhatIsNoFraming) {
  KubeFrames frames(KubeFrames::Shape::stream, 1000);
  EXPECT_FALSE(frames.Push("}", [](std::string_view) { return true; }));
  KubeFrames deep(KubeFrames::Shape::stream, 1000);
  EXPECT_FALSE(deep.Push(std::string(5000, '['), [](std::string_view) { return true; }));
  KubeFrames page(KubeFrames::Shape::stream, 1000);
  EXPECT_TRUE(page.Push("<html>\"busy\"</html>", [](std::string_view) { return true; }));
  EXPECT_EQ(page.head(), "<html>\"busy\"</html>");
}

}  // namespace
}  // namespace strata::l4_sched
