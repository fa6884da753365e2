// SPDX-License-Identifier: Apache-2.0
// Recorded answers of a real kubelet, its moods, and a socket that never answers. A real gRPC
// server answers in tests/program/test_kubernetes.py.
#include "l4_sched/kube_podresources.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

namespace strata::l4_sched {
namespace {

constexpr std::int64_t kT0 = 1'795'000'000 * base::kSecond;

std::string Golden(const std::string& name) {
  auto text =
      base::ReadFile(std::string(STRATA_SOURCE_DIR) + "/tests/golden/l4/podresources/" + name);
  EXPECT_TRUE(text.ok()) << text.status().message();
  return text.ok() ? *text : std::string();
}
std::string Uuid(int n) {
  return "GPU-0000000" + std::to_string(n) + "-1111-2222-3333-444444444444";
}

struct Kubelet {
  std::string list, allocatable;
  base::Status failure;
  KubeletOptions Options() {
    KubeletOptions options;
    options.node = "n1";
    options.cluster = "c";
    options.call = [this](const std::string& method) -> base::Result<std::string> {
      if (!failure.ok()) return failure;
      return method.ends_with("/List") ? list : allocatable;
    };
    return options;
  }
};

std::vector<std::string> Rows(const model::Batch& batch) {
  std::vector<std::string> rows;
  for (const model::Holding& h : batch.holdings) {
    char share[32];
    std::snprintf(share, sizeof share, "%.3f", h.share);
    rows.push_back(h.gpu.substr(0, 12) + " " + h.ns + "/" + h.pod + "/" + h.container + " " +
                   h.share_kind + " " + share);
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

TEST(PodResources, RealAnswers) {
  std::vector<KubeletContainer> list;
  ASSERT_TRUE(ParsePodResources(Golden("admitted-list.bin"), &list).ok());
  ASSERT_EQ(list.size(), 5u);
  EXPECT_EQ(list[0].ns, "ml");
  EXPECT_EQ(list[0].pod, "llm-serve-78b7bc58c7-cjv64");
  EXPECT_EQ(list[0].container, "vllm");
  ASSERT_EQ(list[0].devices.size(), 2u);
  EXPECT_EQ(list[0].devices[1].ids, std::vector<std::string>{Uuid(3)});
  ASSERT_EQ(list[4].claims.size(), 1u);
  EXPECT_EQ(list[4].claims[0].claim, "dra-pod-g-cszqb");
  EXPECT_EQ(list[4].claims[0].device, "gpu-0");
  std::vector<KubeletDevices> offered;
  ASSERT_TRUE(ParseAllocatable(Golden("admitted-allocatable.bin"), &offered).ok());
  EXPECT_EQ(offered.size(), 9u);
}

TEST(PodResources, SightingsOfARealNode) {
  Kubelet kubelet{Golden("admitted-list.bin"), Golden("admitted-allocatable.bin"), {}};
  KubeletOptions options = kubelet.Options();
  options.resolve = [](std::string_view id, model::Holding* out) {
    if (!id.starts_with("MIG-aaaa")) return false;
    out->gpu = "GPU-of-the-MIG";
    out->share = 1.0 / 7;
    return true;
  };
  KubeletCollector collector(options);
  model::Batch batch;
  collector.Collect(kT0, &batch);
  EXPECT_EQ(Rows(batch),
            (std::vector<std::string>{"GPU-00000002 ml/llm-serve-78b7bc58c7-cjv64/vllm whole 1.000",
                                      "GPU-00000003 ml/llm-serve-78b7bc58c7-cjv64/vllm whole 1.000",
                                      "GPU-00000004 ml/hami-style/c timeslice 0.333",
                                      "GPU-of-the-M ml/train-a-knxww/trainer mig 0.143"}));
  EXPECT_EQ(batch.holdings[0].source, "kubelet");
  EXPECT_EQ(batch.holdings[0].node, "n1");
  EXPECT_EQ(batch.holdings[0].valid_from, kT0);
  EXPECT_EQ(collector.state().state, "live");
  EXPECT_EQ(collector.state().detail,
            "4 devices held, 9 offered (v1); 1 claimed devices that the API does not tell");
}

// share-a and share-b have two containers each on one claimed device; admin-mon only looks.
TEST(PodResources, ClaimsAreSharedOutAndLookingIsNoHolding) {
  Kubelet kubelet{Golden("plugin-dead-list.bin"), Golden("plugin-dead-allocatable.bin"), {}};
  KubeletOptions options = kubelet.Options();
  options.resolve_claim = [](const KubeletClaim& claim, model::Holding* out) {
    if (claim.claim == "admin-all") return ClaimIs::looked_at;
    if (claim.device == "share-0") return ClaimIs::unknown;
    out->gpu = claim.device == "gpu-0" ? Uuid(8) : Uuid(9);
    return ClaimIs::held;
  };
  options.describe = [](const KubeletContainer& container, model::Holding* out) {
    out->team = "t";
    return container.pod != "train-a-6qskb";  // has ended
  };
  KubeletCollector collector(options);
  model::Batch batch;
  collector.Collect(kT0, &batch);
  EXPECT_EQ(
      Rows(batch),
      (std::vector<std::string>{
          "GPU-00000000 ml/llm-serve-78b7bc58c7-m9ctk/vllm whole 1.000",
          "GPU-00000001 ml/llm-serve-78b7bc58c7-m9ctk/vllm whole 1.000",
          "GPU-00000004 ml/hami-style/c timeslice 0.333", "GPU-00000008 ml/dra-pod/c dra 1.000",
          "GPU-00000009 ml/share-a/c1 dra 0.250", "GPU-00000009 ml/share-a/c2 dra 0.250",
          "GPU-00000009 ml/share-b/c1 dra 0.250", "GPU-00000009 ml/share-b/c2 dra 0.250"}));
  EXPECT_EQ(batch.holdings[0].team, "t");
  EXPECT_NE(collector.state().detail.find("2 claimed devices"), std::string::npos);
}

TEST(PodResources, AnEmptyAnswerAfterARestartIsNotNobody) {
  Kubelet kubelet{Golden("admitted-list.bin"), Golden("admitted-allocatable.bin"), {}};
  KubeletCollector collector(kubelet.Options());
  model::Batch batch;
  collector.Collect(kT0, &batch);
  ASSERT_FALSE(batch.holdings.empty());
  batch.clear();
  kubelet.list = Golden("kubelet-restarted-1-list.bin");
  kubelet.allocatable = Golden("kubelet-restarted-1-allocatable.bin");
  collector.Collect(kT0 + 10 * base::kSecond, &batch);
  EXPECT_EQ(collector.state().state, "stale");
  EXPECT_EQ(collector.state().last_ns, kT0);
  EXPECT_TRUE(batch.holdings.empty());
  collector.Collect(kT0 + 80 * base::kSecond, &batch);  // it stays so: the devices are gone
  EXPECT_EQ(collector.state().state, "live");
}

TEST(PodResources, ADeadPluginsReplicasAreRemembered) {
  Kubelet kubelet{Golden("admitted-list.bin"), Golden("admitted-allocatable.bin"), {}};
  KubeletCollector collector(kubelet.Options());
  model::Batch batch;
  collector.Collect(kT0, &batch);
  const auto before = Rows(batch);
  batch.clear();
  kubelet.allocatable.clear();
  collector.Collect(kT0 + base::kSecond, &batch);
  EXPECT_EQ(Rows(batch), before);
  // Never known: not guessed.
  KubeletCollector fresh(kubelet.Options());
  batch.clear();
  fresh.Collect(kT0, &batch);
  EXPECT_EQ(batch.holdings.size(), 2u);
  EXPECT_NE(fresh.state().detail.find("1 replicas of a device whose number is not known"),
            std::string::npos)
      << fresh.state().detail;
}

TEST(PodResources, WhatIdsTell) {
  const auto f = [](std::string_view id, std::string_view gpu, std::string_view kind) {
    const KubeletDevice d = DeviceOf("nvidia.com/gpu", id);
    EXPECT_EQ(d.gpu, gpu) << id;
    EXPECT_EQ(d.share_kind, kind) << id;
    EXPECT_EQ(d.gpu.empty(), !d.why.empty()) << id;
  };
  f(Uuid(1), Uuid(1), "whole");
  f(Uuid(1) + "::3", Uuid(1), "timeslice");
  f(Uuid(1) + "-3", "", "hami");
  f("MIG-aaaaaaaa-1111-2222-3333-444444444444", "", "mig");
  f("MIG-aaaaaaaa-1111-2222-3333-444444444444::1", "", "mig");
  f("nvidia0/gi1", "", "whole");
  f("", "", "whole");
}

TEST(PodResources, BrokenBytes) {
  const std::string good = Golden("plugin-dead-list.bin");
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    std::vector<KubeletContainer> out;
    static_cast<void>(ParsePodResources(good.substr(0, cut), &out));
    std::string bad = good;
    bad[cut] = static_cast<char>(bad[cut] ^ 0x55);
    static_cast<void>(ParsePodResources(bad, &out));
    std::vector<KubeletDevices> devices;
    static_cast<void>(ParseAllocatable(bad, &devices));
  }
  std::vector<KubeletContainer> out;
  EXPECT_FALSE(ParsePodResources("\x0a\xff", &out).ok());
}

TEST(PodResources, FailuresAreStates) {
  Kubelet kubelet{Golden("admitted-list.bin"), Golden("admitted-allocatable.bin"), {}};
  KubeletCollector collector(kubelet.Options());
  const auto state = [&](base::Status failure) {
    kubelet.failure = std::move(failure);
    model::Batch batch;
    collector.Collect(kT0, &batch);
    return collector.state().state;
  };
  EXPECT_EQ(state(base::NotFound("no socket")), "absent");
  EXPECT_EQ(state(base::Unavailable("timeout")), "failed");
  EXPECT_EQ(state({}), "live");
  EXPECT_EQ(state(base::Exhausted("too many")), "stale");
}

// A kubelet that takes the connection and says nothing costs its deadline.
TEST(PodResources, AHungKubeletCostsItsDeadline) {
  const std::string path = ::testing::TempDir() + "/hung-kubelet.sock";
  ::unlink(path.c_str());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd, 4), 0);
  KubeletClient client(path);
  const std::int64_t began = base::monotonic_ns();
  const auto list = client.List(300);
  EXPECT_LT(base::monotonic_ns() - began, 2 * base::kSecond);
  ASSERT_FALSE(list.ok());
  EXPECT_EQ(list.status().code(), base::Code::unavailable) << list.status().message();
  ::close(fd);  // a dead kubelet leaves its socket behind
  const auto dead = client.List(300);
  ASSERT_FALSE(dead.ok());
  EXPECT_EQ(dead.status().code(), base::Code::unavailable) << dead.status().message();
  ::unlink(path.c_str());
  EXPECT_EQ(client.List(300).status().code(), base::Code::not_found);
}

}  // namespace
}  // namespace strata::l4_sched
