// SPDX-License-Identifier: Apache-2.0
#include "server/config.h"

#include <gtest/gtest.h>

namespace strata::server {
namespace {

TEST(Config, ReadsTheExampleOfTheInterface) {
  auto c = ParseConfig(R"(
cluster: lab-1
store: {path: ./d, memory: 512MiB}
scrape:
  - {job: engines, targets: ["127.0.0.1:8000"], interval: 5s, layer: l6_infer}
  - {job: dcgm, targets: ["127.0.0.1:9400"], interval: 10s}
discover: {kubernetes: auto, engines: off}
slo: [{model: "*", ttft: 2s, tpot: 100ms, objective: 0.99}]
prices: {book: builtin, overrides: [{gpu: "H100 SXM", usd_per_hour: 2.10, from: 2026-11-01, source: contract}], cpu_core_usd_per_hour: 0.032, electricity: {usd_per_kwh: 0.09, pue: 1.3}}
teams: {label: team, namespaces: {chat: search-team}}
retention: {samples: 15d, spans: 15d, logs: 15d, minutes: 400d, ledger: 5y}
)",
                       "strata.yaml");
  ASSERT_TRUE(c.ok()) << c.status().message();
  EXPECT_EQ(c->cluster, "lab-1");
  EXPECT_EQ(c->store.memory_bytes, 512u << 20);
  EXPECT_EQ(c->scrape.size(), 2u);
  EXPECT_EQ(c->scrape[0].interval_ns, 5 * base::kSecond);
  EXPECT_FALSE(c->discover.engines);
  EXPECT_DOUBLE_EQ(*c->slo[0].tpot_s, 0.1);
  EXPECT_EQ(c->prices.overrides[0].usd_per_hour, "2.10");
  EXPECT_EQ(c->teams.namespaces.at("chat"), "search-team");
  EXPECT_EQ(c->retention.ledger_days, 1825);
}

TEST(Config, Nvml) {
  auto c =
      ParseConfig("nvml: {library: /opt/x/libnvidia-ml.so.1, interval: 1s, deadline: 3s}", "s");
  ASSERT_TRUE(c.ok()) << c.status().message();
  EXPECT_EQ(c->nvml.library, "/opt/x/libnvidia-ml.so.1");
  EXPECT_EQ(c->nvml.interval_ns, base::kSecond);
  EXPECT_EQ(c->nvml.deadline_ns, 3 * base::kSecond);
  EXPECT_EQ(ParseConfig("nvml: {library: off}", "s")->nvml.library, "");
  EXPECT_EQ(ParseConfig("cluster: x", "s")->nvml.library, "libnvidia-ml.so.1");
}

TEST(Config, Nccl) {
  EXPECT_EQ(ParseConfig("", "s.yaml")->nccl.socket, "/run/strata/nccl.sock");
  EXPECT_EQ(ParseConfig("nccl: {socket: off}", "s.yaml")->nccl.socket, "");
  auto c = ParseConfig("nccl: {socket: /a/b, uids: [1000, 5], rows_per_second: 50}", "s.yaml");
  ASSERT_TRUE(c.ok()) << c.status().message();
  EXPECT_EQ(c->nccl.socket, "/a/b");
  EXPECT_EQ(c->nccl.uids, (std::vector<std::uint32_t>{1000, 5}));
  EXPECT_EQ(c->nccl.rows_per_s, 50);
  EXPECT_TRUE(ParseConfig("nccl: {uids: any}", "s.yaml")->nccl.any_uid);
}

TEST(Config, SaysWhereAndWhatWasExpected) {
  const auto f = [](const char* text, const char* want) {
    auto c = ParseConfig(text, "s.yaml");
    ASSERT_FALSE(c.ok()) << text;
    EXPECT_NE(c.status().message().find(want), std::string::npos) << c.status().message();
  };
  f("clutser: x", "s.yaml:1: clutser: unknown key; did you mean \"cluster\"?");
  f("a: 1\nb: 2", "s.yaml:1: a: unknown key");
  f("cluster: x\nretention: {samples: 15}",
    "s.yaml:2: retention.samples: \"15\" is not a duration");
  f("scrape: [{job: a, targets: [x]}]", "expected host:port");
  f("scrape: [{targets: [\"x:1\"]}]", "job is missing");
  f("ports: {api: 70000}", "expected a number from 0 to 65535");
  f("prices: {cpu_core_usd_per_hour: cheap}", "expected an amount");
  f("store: {memory: 12MiB}", "at least 256MiB");
  f("content: maybe", "expected keep or remove");
  f("slo: {ttft: 2s}", "expected a list");
  f("nvml: {library: nvidia}",
    "s.yaml:1: nvml.library: \"nvidia\" is no shared library; expected libnvidia-ml.so.1");
  f("nvml: {libary: off}", "did you mean \"library\"?");
  f("nvml: {deadline: 10ms}", "nvml.deadline");
  f("cluster: [", "s.yaml:");
  f("cluster: a\ncluster: b", "stands twice");
  f("nccl: {socket: run/x}", "expected off or a path from /");
  f("nccl: {uids: some}", "expected a list");
  f("files: [{path: /a, kind: kineto}]", "expected nccl-inspector, train-log or otlp");
  f("agent: {kernel_log: maybe}", "expected auto or off");
  f("nccl: {uids: [-1]}", "expected a number from 0");
}

}  // namespace
}  // namespace strata::server
