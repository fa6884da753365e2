// SPDX-License-Identifier: Apache-2.0
// What is kept of real objects, and how an API server is reached.
#include "l4_sched/kube_object.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/clock.h"
#include "base/file.h"
#include "l4_sched/kube_client.h"
#include "l4_sched/kube_config.h"
#include "l4_sched/kube_frames.h"
#include "l4_sched/pods.h"

namespace strata::l4_sched {
namespace {

std::string Golden(const std::string& name) {
  auto text =
      base::ReadFile(std::string(STRATA_SOURCE_DIR) + "/tests/golden/l4/kubernetes/" + name);
  EXPECT_TRUE(text.ok()) << text.status().message();
  return text.ok() ? *text : std::string();
}

std::vector<KubeObject> List(const std::string& name) {
  KubeFrames frames(KubeFrames::Shape::list, 4u << 20);
  KubeParser parser;
  std::vector<KubeObject> out;
  EXPECT_TRUE(frames.Push(Golden(name), [&](std::string_view json) {
    const base::Status status = parser.Object(json, &out.emplace_back());
    EXPECT_TRUE(status.ok()) << status.message();
    return true;
  }));
  EXPECT_TRUE(frames.whole());
  return out;
}

TEST(KubeObject, RealPods) {
  const auto pods = List("pods.json");
  ASSERT_EQ(pods.size(), 4u);
  const KubeObject& serve = pods[2];
  EXPECT_EQ(serve.key(), "ml/llm-serve-78b7bc58c7-cjv64");
  EXPECT_EQ(serve.owner.kind, "ReplicaSet");
  EXPECT_EQ(serve.owner.api_version, "apps/v1");
  EXPECT_EQ(serve.node, "gpunode1");
  EXPECT_EQ(serve.phase, "Running");
  ASSERT_EQ(serve.containers.size(), 1u);
  EXPECT_EQ(serve.containers[0].requests, (KubeAmounts{{"nvidia.com/gpu", 2}}));
  EXPECT_EQ(serve.containers[0].id.find(':'), std::string::npos);
  EXPECT_EQ(serve.containers[0].id.size(), 64u);
  EXPECT_EQ(serve.containers[0].restarts, 0);
  ASSERT_EQ(pods[0].claims.size(), 1u);
  EXPECT_EQ(pods[0].claims[0].second, "dra-pod-g-cszqb");
  EXPECT_TRUE(pods[0].owner.uid.empty());
}

TEST(KubeObject, RealNodesSlicesAndClaims) {
  const auto nodes = List("nodes.json");
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].name, "gpunode1");
  const auto gpus =
      std::ranges::find(nodes[0].capacity, "nvidia.com/gpu", &KubeAmounts::value_type::first);
  ASSERT_NE(gpus, nodes[0].capacity.end());
  EXPECT_EQ(gpus->second, 4);
  const auto slices = List("resourceslices.json");
  ASSERT_EQ(slices.size(), 1u);
  EXPECT_EQ(slices[0].driver, "gpu.nvidia.com");
  EXPECT_EQ(slices[0].pool, "gpunode1");
  ASSERT_EQ(slices[0].devices.size(), 2u);
  EXPECT_EQ(slices[0].devices[1].name, "gpu-1");
  EXPECT_EQ(slices[0].devices[1].uuid, "GPU-00000009-1111-2222-3333-444444444444");
  const auto claims = List("resourceclaims-shared.json");
  const auto shared = std::ranges::find(claims, "shared-gpu", &KubeObject::name);
  ASSERT_NE(shared, claims.end());
  ASSERT_EQ(shared->results.size(), 1u);
  EXPECT_EQ(shared->results[0].device, "gpu-1");
  EXPECT_FALSE(shared->results[0].admin);
}

TEST(KubeObject, WhyAPodIsInTrouble) {
  const auto killed = List("pod-message-oomkill-pod.json");
  ASSERT_EQ(killed.size(), 1u);
  EXPECT_EQ(killed[0].phase, "Failed");
  ASSERT_FALSE(killed[0].containers.empty());
  EXPECT_EQ(killed[0].containers[0].ended_reason, "OOMKilled");
  EXPECT_EQ(killed[0].containers[0].ended_code, 137);
  EXPECT_GT(killed[0].containers[0].ended_ns, 0);
  const auto lacking = List("pod-message-pending-pod-resources.json");
  ASSERT_EQ(lacking.size(), 1u);
  const SchedulingReason gpu = ParseScheduling(lacking[0].unscheduled);
  EXPECT_EQ(gpu.cause, "insufficient");
  EXPECT_EQ(gpu.resource, "nvidia.com/gpu");
  EXPECT_EQ(gpu.nodes, 1);
  const auto picky = List("pod-message-pending-node-affinity.json");
  ASSERT_FALSE(picky.empty());
  EXPECT_EQ(ParseScheduling(picky[0].unscheduled).cause, "affinity");
}

TEST(KubeObject, TheSchedulersReasons) {
  const auto f = [](std::string_view message, std::string_view cause, std::string_view resource,
                    std::int64_t nodes, std::size_t parts) {
    const SchedulingReason r = ParseScheduling(message);
    EXPECT_EQ(r.cause, cause) << message;
    EXPECT_EQ(r.resource, resource) << message;
    EXPECT_EQ(r.nodes, nodes) << message;
    EXPECT_EQ(r.parts.size(), parts) << message;
  };
  f("0/21 nodes are available: 1 node(s) had untolerated taint {a: b, c}, 20 Insufficient "
    "nvidia.com/gpu. preemption: 0/21 nodes are available: 21 No preemption victims found.",
    "insufficient", "nvidia.com/gpu", 21, 2);
  f("0/3 nodes are available: 2 node(s) had untolerated taint {nvidia.com/gpu: }, 1 node(s) were "
    "unschedulable.",
    "taint", "", 3, 2);
  f("0/3 nodes are available: 3 node(s) were unschedulable.", "cordoned", "", 3, 1);
  f("0/4 nodes are available: 4 node(s) didn't match pod anti-affinity rules.", "anti_affinity", "",
    4, 1);
  f("0/2 nodes are available: 2 cannot allocate all claims.", "insufficient", "", 2, 1);
  f("no nodes available to schedule pods", "other", "", -1, 1);
  f("", "", "", -1, 0);
  f("0/99999999999999999999 nodes are available: ,,, 5", "other", "", -1, 1);
}

TEST(KubeObject, Quantities) {
  EXPECT_EQ(ParseQuantity("8"), 8);
  EXPECT_EQ(ParseQuantity("1500m"), 1.5);
  EXPECT_EQ(ParseQuantity("16Gi"), 17179869184.0);
  EXPECT_EQ(ParseQuantity("1e3"), 1000);
  EXPECT_EQ(ParseQuantity("2E"), 2e18);
  EXPECT_TRUE(std::isnan(ParseQuantity("")));
  EXPECT_TRUE(std::isnan(ParseQuantity("many")));
  EXPECT_TRUE(std::isnan(ParseQuantity("1Xi")));
}

TEST(KubeObject, WhatCountsAsAnAccelerator) {
  for (const char* yes : {"nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "nvidia.com/gpu.shared",
                          "amd.com/gpu", "huawei.com/Ascend910", "volcano.sh/vgpu-number"})
    EXPECT_TRUE(IsAccelerator(yes)) << yes;
  for (const char* no : {"nvidia.com/gpumem", "nvidia.com/gpucores", "rdma/hca", "cpu",
                         "huawei.com/Ascend910-memory", "volcano.sh/vgpu-memory"})
    EXPECT_FALSE(IsAccelerator(no)) << no;
}

TEST(KubeObject, RealWatches) {
  KubeFrames frames(KubeFrames::Shape::stream, 4u << 20);
  KubeParser parser;
  int added = 0, bookmarks = 0;
  std::string version;
  ASSERT_TRUE(frames.Push(Golden("pods-watchlist.jsonl"), [&](std::string_view json) {
    std::string type;
    KubeObject object;
    KubeHead error;
    EXPECT_TRUE(parser.Frame(json, &type, &object, &error).ok());
    added += type == "ADDED", bookmarks += type == "BOOKMARK";
    version = object.version;
    return true;
  }));
  EXPECT_GE(added, 4);
  EXPECT_GE(bookmarks, 1);
  EXPECT_FALSE(version.empty());
  KubeHead head;
  ASSERT_TRUE(parser.Head(Golden("secrets-forbidden.json"), &head).ok());
  EXPECT_EQ(head.code, 403);
  EXPECT_TRUE(KubeErrorText(403, Golden("secrets-forbidden.json"))
                  .starts_with("HTTP 403: secrets is forbidden"));
}

TEST(KubeObject, DamagedBytesCostThemselves) {
  KubeParser parser;
  for (const char* name : {"pods.json", "resourceslices.json", "claims-watch.jsonl"}) {
    const std::string good = Golden(name);
    for (std::size_t at = 0; at < good.size(); at += 61) {
      std::string bad = good;
      bad[at] = "{}[]\",:\\x"[at % 9];
      KubeFrames frames(name[0] == 'c' ? KubeFrames::Shape::stream : KubeFrames::Shape::list,
                        1u << 20);
      KubeObject object;
      KubeHead head;
      std::string type;
      static_cast<void>(frames.Push(bad, [&](std::string_view json) {
        static_cast<void>(parser.Object(json, &object));
        static_cast<void>(parser.Frame(json, &type, &object, &head));
        return true;
      }));
      static_cast<void>(parser.Head(frames.head(), &head));
    }
  }
}

// ---- how a server is reached

constexpr std::string_view kKubeconfig = R"(
apiVersion: v1
kind: Config
clusters:
- {name: lab, cluster: {server: "https://10.0.0.1:6443/", certificate-authority-data: Q0E=}}
- {name: open, cluster: {server: "http://127.0.0.1:8001", insecure-skip-tls-verify: true}}
- {name: far, cluster: {server: "https://h", proxy-url: "http://p"}}
users:
- {name: cert, user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}}
- {name: file, user: {tokenFile: token, token: old}}
- {name: cloud, user: {exec: {command: aws, args: [eks, get-token]}}}
- {name: broken, user: {client-certificate-data: "***"}}
contexts:
- {name: main, context: {cluster: lab, user: cert}}
- {name: files, context: {cluster: open, user: file}}
- {name: eks, context: {cluster: lab, user: cloud}}
- {name: bad64, context: {cluster: lab, user: broken}}
- {name: nobody, context: {cluster: lab, user: ghost}}
- {name: nowhere, context: {cluster: ghost, user: cert}}
- {name: proxied, context: {cluster: far, user: cert}}
current-context: main
)";

TEST(KubeConfig, Contexts) {
  auto config = KubeConfig::FromText(kKubeconfig, "/");
  ASSERT_TRUE(config.ok()) << config.status().message();
  const KubeAccess& access = config->access(1);
  EXPECT_EQ(access.server, "https://10.0.0.1:6443");
  EXPECT_EQ(access.ca_pem, "CA");
  EXPECT_EQ(access.cert_pem, "CERT");
  EXPECT_EQ(access.key_pem, "KEY");
  EXPECT_TRUE(access.verify_peer);
  const auto refused = [](const std::string& context, base::Code code, std::string_view word) {
    const auto c = KubeConfig::FromText(kKubeconfig, "/", context);
    ASSERT_FALSE(c.ok()) << context;
    EXPECT_EQ(c.status().code(), code) << c.status().message();
    EXPECT_NE(c.status().message().find(word), std::string::npos) << c.status().message();
  };
  refused("eks", base::Code::unsupported, "exec is not supported");
  refused("proxied", base::Code::unsupported, "proxy-url");
  refused("bad64", base::Code::invalid, "no base64");
  refused("nobody", base::Code::invalid, "no user \"ghost\"");
  refused("nowhere", base::Code::invalid, "no cluster \"ghost\"");
  refused("none", base::Code::invalid, "no context \"none\"");
  for (const char* text :
       {"", "[1, 2]", "a: [", "contexts: 7", "clusters: [1, {name: x}]", "current-context: {a: b}"})
    EXPECT_FALSE(KubeConfig::FromText(text, "/").ok()) << text;
}

TEST(KubeConfig, TokensInFilesAreReadAgain) {
  const std::string folder = ::testing::TempDir() + "/kubeconfig-test";
  std::filesystem::create_directories(folder);
  ASSERT_FALSE(KubeConfig::FromText(kKubeconfig, folder + "/none", "files").ok());
  ASSERT_TRUE(base::WriteFile(folder + "/token", "first\n").ok());
  auto config = KubeConfig::FromText(kKubeconfig, folder, "files");
  ASSERT_TRUE(config.ok()) << config.status().message();
  const std::int64_t t0 = 1'000'000 * base::kSecond;
  EXPECT_EQ(config->access(t0).token, "first");
  EXPECT_FALSE(config->access(t0).verify_peer);
  ASSERT_TRUE(base::WriteFile(folder + "/token", "second").ok());
  EXPECT_EQ(config->access(t0 + 30 * base::kSecond).token, "first");
  EXPECT_EQ(config->access(t0 + 61 * base::kSecond).token, "second");
  std::filesystem::remove(folder + "/token");
  EXPECT_EQ(config->access(t0 + 200 * base::kSecond).token, "second");
  ASSERT_TRUE(base::WriteFile(folder + "/token", "third").ok());
  config->Reread();  // after a 401
  EXPECT_EQ(config->access(t0 + 201 * base::kSecond).token, "third");
}

TEST(KubeConfig, ServiceAccounts) {
  const std::string folder = ::testing::TempDir() + "/serviceaccount-test";
  std::filesystem::create_directories(folder);
  ASSERT_TRUE(base::WriteFile(folder + "/token", "t").ok());
  ASSERT_TRUE(base::WriteFile(folder + "/ca.crt", "CA").ok());
  auto config = KubeConfig::InCluster("fd00::1", "443", folder);
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ(config->access(1).server, "https://[fd00::1]:443");
  EXPECT_EQ(config->access(1).token, "t");
  EXPECT_EQ(KubeConfig::InCluster("", "", folder).status().code(), base::Code::not_found);
  EXPECT_EQ(KubeConfig::InCluster("h", "1", folder + "/x").status().code(), base::Code::not_found);
}

}  // namespace
}  // namespace strata::l4_sched
