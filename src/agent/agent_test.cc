// SPDX-License-Identifier: Apache-2.0
// The whole way: pages and files in, OTLP out, against servers in this process.
#include "agent/agent.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/receiver.h"

namespace strata::agent {
namespace {

constexpr const char* kPage =
    "# TYPE vllm:num_requests_running gauge\n"
    "vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 3\n"
    "# TYPE vllm:num_requests_waiting gauge\n"
    "vllm:num_requests_waiting{engine=\"0\",model_name=\"m\"} 2\n"
    "# TYPE vllm:time_to_first_token_seconds histogram\n"
    "vllm:time_to_first_token_seconds_bucket{model_name=\"m\",le=\"0.5\"} 4\n"
    "vllm:time_to_first_token_seconds_bucket{model_name=\"m\",le=\"+Inf\"} 5\n"
    "vllm:time_to_first_token_seconds_sum{model_name=\"m\"} 2.5\n"
    "vllm:time_to_first_token_seconds_count{model_name=\"m\"} 5\n";
constexpr const char* kPageWithoutWaiting =
    "# TYPE vllm:num_requests_running gauge\n"
    "vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 4\n";

class AgentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("strata-agent-" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  AgentOptions Options(const std::string& to) const {
    AgentOptions options;
    options.to = to;
    options.node = "n";
    options.interval_ns = 200 * base::kMillisecond;
    options.discover_engines = false;
    options.nvml = "libnvidia-ml-that-is-not-there.so.1";
    options.kernel_log = false;  // of the machine that runs the tests
    options.spool_dir = (folder_ / "spool").string();
    return options;
  }
  static ScrapeTarget TargetOf(const PageServer& page) {
    ScrapeTarget target;
    target.job = "engines";
    target.target = page.target();
    target.interval_ns = 100 * base::kMillisecond;
    target.timeout_ns = base::kSecond;
    return target;
  }
  std::unique_ptr<Agent> Start(AgentOptions options) {
    auto agent = Agent::Start(std::move(options), Catalogs());
    EXPECT_TRUE(agent.ok()) << agent.status().message();
    return std::move(*agent);
  }
  std::filesystem::path folder_;
};

TEST_F(AgentTest, TheHostArrives) {
  Receiver receiver;
  auto agent = Start(Options(receiver.url()));
  EXPECT_TRUE(Until([&] { return receiver.Points("system.cpu.time", "n").size() > 14; }));
  const auto series = receiver.SeriesOf("system.cpu.time");
  ASSERT_FALSE(series.empty());
  EXPECT_EQ(series[0].layer, "l3_host");
  EXPECT_EQ(series[0].entity_type, "node");
  EXPECT_TRUE(Until([&] { return receiver.LastState("host /proc/stat") == "live: "; }));
  EXPECT_TRUE(Until(
      [&] {
        return receiver.LastState("nvml") ==
               "absent: libnvidia-ml-that-is-not-there.so.1 not found";
      },
      20));
  EXPECT_FALSE(receiver.SeriesOf("process.memory.usage").empty());
}

TEST_F(AgentTest, ATargetIsScrapedAndItsGoingIsTold) {
  Receiver receiver;
  PageServer page;
  page.Set(kPage);
  AgentOptions options = Options(receiver.url());
  options.scrape.push_back(TargetOf(page));
  const std::string instance = page.target();
  auto agent = Start(options);
  ASSERT_TRUE(Until([&] { return !receiver.Points("up", instance).empty(); }));
  const auto up = receiver.Points("up", instance);
  ASSERT_FALSE(up.empty());
  EXPECT_EQ(up[0].value, 1);
  EXPECT_EQ(receiver.Points("scrape_samples_scraped", instance).at(0).value, 6);
  EXPECT_GT(receiver.Points("scrape_duration_seconds", instance).at(0).value, 0);
  EXPECT_TRUE(page.accept().starts_with("application/openmetrics-text"));
  EXPECT_TRUE(
      Until([&] { return receiver.LastState("scrape engines " + instance) == "live: vllm"; }));
  // The engine's own signals: named, with the instance as entity and the job as attribute.
  const auto ttft = receiver.SeriesOf("inference.ttft");
  ASSERT_EQ(ttft.size(), 1u);
  EXPECT_EQ(ttft[0].entity_type, "engine");
  EXPECT_EQ(ttft[0].entity, instance);
  EXPECT_EQ(ttft[0].attributes.get("job"), "engines");
  EXPECT_EQ(ttft[0].attributes.get("host.name"), "n");
  ASSERT_FALSE(receiver.Rest().histograms.empty());
  EXPECT_EQ(receiver.Rest().histograms[0].count, 5u);

  const std::string waiting = "inference.requests_waiting";
  ASSERT_FALSE(receiver.Points(waiting, instance).empty());
  page.Set(kPageWithoutWaiting);
  EXPECT_TRUE(
      Until([&] { return model::IsStale(receiver.Points(waiting, instance).back().value); }));
  const std::size_t ended = receiver.Points(waiting, instance).size();

  page.Set("", 500);
  EXPECT_TRUE(Until([&] { return receiver.Points("up", instance).back().value == 0; }));
  EXPECT_TRUE(Until([&] {
    return receiver.LastState("scrape engines " + instance).starts_with("failed: HTTP 500");
  }));
  EXPECT_EQ(receiver.Points(waiting, instance).size(), ended) << "one stale marker ends it";
  page.Set(kPage);
  EXPECT_TRUE(Until([&] { return receiver.Points("up", instance).back().value == 1; }));
  EXPECT_TRUE(Until([&] { return receiver.Points(waiting, instance).back().value == 2; }));
}

TEST_F(AgentTest, ATargetThatIsNotThere) {
  Receiver receiver;
  std::string target;
  {
    const PageServer page;
    target = page.target();
  }
  AgentOptions options = Options(receiver.url());
  options.scrape.push_back({"engines", target, 100 * base::kMillisecond, 100 * base::kMillisecond,
                            "l6_infer", "/metrics"});
  auto agent = Start(options);
  EXPECT_TRUE(Until([&] { return !receiver.Points("up", target).empty(); }));
  EXPECT_EQ(receiver.Points("up", target)[0].value, 0);
  EXPECT_TRUE(Until(
      [&] { return receiver.LastState("scrape engines " + target).starts_with("failed: "); }));
}

TEST_F(AgentTest, AFileIsFollowed) {
  Receiver receiver;
  AgentOptions options = Options(receiver.url());
  const std::string path = (folder_ / "train.log").string();
  std::ofstream(path) << "first\n";
  options.files.push_back(
      {path, "run-1", "train-log", "l5_train",
       [](std::string_view lines, const wire::Context& context, model::Batch* batch) {
         EXPECT_NE(context.namer, nullptr);
         EXPECT_EQ(context.resource->get("job"), "run-1");
         batch->events.push_back({context.now_ns,
                                  "l5_train",
                                  "train.checkpoint",
                                  "job",
                                  "run-1",
                                  "info",
                                  std::string(lines),
                                  {},
                                  "file",
                                  {}});
       }});
  {
    auto agent = Start(options);
    EXPECT_TRUE(Until([&] { return receiver.Rest().events.size() == 1; }));
    EXPECT_EQ(receiver.Rest().events.at(0).message, "first\n");
  }
  std::ofstream(path, std::ios::app) << "second\n";
  auto agent = Start(options);
  EXPECT_TRUE(Until([&] { return receiver.Rest().events.size() == 2; }));
  EXPECT_EQ(receiver.Rest().events.at(1).message, "second\n");
  EXPECT_TRUE(Until(
      [&] { return receiver.LastState("train-log " + path).starts_with("live: last line "); }));
}

TEST_F(AgentTest, AnEngineOfThisMachineIsFoundOnItsOwn) {
  // This test's own page server listens; it is found by its socket when the program's name says
  // that it serves.
  Receiver receiver;
  PageServer page;
  page.Set(kPage);
  const std::filesystem::path root = folder_ / "root";
  const auto write = [&](const std::string& file, const std::string& text) {
    std::filesystem::create_directories((root / file).parent_path());
    std::ofstream(root / file) << text;
  };
  write("proc/stat", "cpu  1 2 3 4 5 6 7 8\ncpu0 1 2 3 4\ncpu1 1 2 3 4\nbtime 1700000000\n");
  const std::string target = page.target();
  char port[8];
  std::snprintf(port, sizeof port, "%04X", std::atoi(target.substr(target.rfind(':') + 1).c_str()));
  const std::string head = "  sl  local_address rem_address   st\n";
  write("proc/net/tcp",
        head + "   0: 0100007F:" + port +
            " 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 0 77 1\n");
  write("proc/50/stat", "50 (vllm) S 1 50 50 0 -1 0 0 0 0 0 10 10 0 0 20 0 4 0 100 1000 500 0\n");
  std::filesystem::create_directories(root / "proc/50/fd");
  std::filesystem::create_symlink("socket:[77]", root / "proc/50/fd/3");
  AgentOptions options = Options(receiver.url());
  options.root = root.string();
  options.discover_engines = true;
  options.discover_every_ns = 300 * base::kMillisecond;
  auto agent = Start(options);
  EXPECT_TRUE(Until([&] { return !receiver.Points("up", target).empty(); }));
  ASSERT_TRUE(Until([&] { return !receiver.Rest().holdings.empty(); }));
  const model::Holding h = receiver.Rest().holdings[0];
  EXPECT_EQ(h.gpu, "cpu:n");
  EXPECT_EQ(h.engine, target);
  EXPECT_EQ(h.share, 1);
  EXPECT_EQ(h.source, "process");
  EXPECT_EQ(h.workload, "vllm");
  ASSERT_TRUE(Until([&] { return !receiver.Rest().entities.empty(); }));
  EXPECT_EQ(receiver.Rest().entities[0].attributes.get("process.pid"), "50");
  write("proc/net/tcp", head);  // it ends
  EXPECT_TRUE(Until([&] {
    return receiver.LastState("scrape vllm " + target) == "absent: it does not listen any more";
  }));
  EXPECT_TRUE(Until([&] { return model::IsStale(receiver.Points("up", target).back().value); }));
  EXPECT_EQ(agent->facts().targets, 0u);
}

TEST_F(AgentTest, ABadRootAndABusySpoolAreErrors) {
  AgentOptions options = Options("http://127.0.0.1:1");
  options.root = folder_.string();
  auto agent = Agent::Start(options, Catalogs());
  ASSERT_FALSE(agent.ok());
  EXPECT_NE(agent.status().message().find("proc/stat"), std::string::npos);
  auto first = Start(Options("http://127.0.0.1:1"));
  auto second = Agent::Start(Options("http://127.0.0.1:1"), Catalogs());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), base::Code::exists);
}

}  // namespace
}  // namespace strata::agent
