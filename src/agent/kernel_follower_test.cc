// SPDX-License-Identifier: Apache-2.0
// A log that is a plain file or a pipe of records stands in for the device.
#include "agent/kernel_follower.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "base/file.h"

namespace strata::agent {
namespace {

class KernelFollowerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::temp_directory_path() / ("strata-kmsg-" + std::to_string(::getpid()));
    std::filesystem::remove_all(root_);
    for (const char* folder :
         {"dev", "proc/sys/kernel/random", "proc/driver/nvidia/gpus/0000:18:00.0"})
      std::filesystem::create_directories(root_ / folder);
    Write("proc/sys/kernel/random/boot_id", "b0\n");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void Write(const std::string& path, const std::string& text, bool append = false) {
    std::ofstream(root_ / path, append ? std::ios::app : std::ios::trunc) << text;
  }
  KernelFollower Make() {
    KernelFollowerOptions options;
    options.root = root_.string();
    options.node = "n";
    options.state_file = (root_ / "state.json").string();
    return KernelFollower(options);
  }
  static std::vector<model::Event> Poll(KernelFollower* follower) {
    model::Batch batch;
    wire::Context context;
    context.now_ns = base::Clock::system().now_ns();
    follower->Poll(0, context, &batch);
    return batch.events;
  }
  std::string Record(int sequence, double seconds_ago, const std::string& text) const {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const double up = static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
    return "4," + std::to_string(sequence) + "," +
           std::to_string(static_cast<long long>((up - seconds_ago) * 1e6)) + ",-;" + text + "\n";
  }
  std::filesystem::path root_;
};

const char* const kXid =
    "NVRM: Xid (PCI:0000:18:00): 79, pid=7, name=python, GPU has fallen off the bus.";

TEST_F(KernelFollowerTest, WhatStandsThereAndWhatComes) {
  Write("proc/driver/nvidia/gpus/0000:18:00.0/information",
        "Model: \t\t NVIDIA H100\nIRQ:   \t\t 12\nGPU UUID: \t "
        "GPU-0a0b0c0d-1111-2222-3333-444444444444\n");
  Write("dev/kmsg", Record(1, 5, "hello") + Record(2, 4, kXid) + " SUBSYSTEM=pci\n");
  KernelFollower follower = Make();
  const std::int64_t before = base::Clock::system().now_ns();
  std::vector<model::Event> events = Poll(&follower);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].entity, "GPU-0a0b0c0d-1111-2222-3333-444444444444");
  EXPECT_EQ(events[0].attributes.get("host.name"), "n");
  EXPECT_NEAR(static_cast<double>(before - events[0].ts) / 1e9, 4, 0.5);
  EXPECT_EQ(follower.State().state, "live");
  EXPECT_TRUE(Poll(&follower).empty());
  Write("proc/driver/nvidia/gpus/0000:18:00.0/information",
        "GPU UUID: \t GPU-" + std::string(8, '?') + "\n");
  Write("dev/kmsg", Record(3, 0, kXid) + Record(4, 0, kXid) + Record(5, 0, kXid), true);
  events = Poll(&follower);
  ASSERT_EQ(events.size(), 3u);  // the same code three times
  EXPECT_EQ(events[2].entity, "GPU-0a0b0c0d-1111-2222-3333-444444444444");  // known from before
  EXPECT_GE(events[2].ts, before);
}

TEST_F(KernelFollowerTest, ARestartTakesNothingTwice) {
  Write("dev/kmsg", Record(1, 5, kXid));
  std::int64_t ts = 0;
  {
    KernelFollower follower = Make();
    const auto events = Poll(&follower);
    ASSERT_EQ(events.size(), 1u);
    ts = events[0].ts;
    EXPECT_TRUE(follower.Save());
    EXPECT_FALSE(follower.Save());
  }
  Write("dev/kmsg", Record(2, 1, kXid), true);
  KernelFollower follower = Make();
  const auto events = Poll(&follower);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].attributes.get("log.record"), "2");
  EXPECT_GT(events[0].ts, ts);
  Write("proc/sys/kernel/random/boot_id", "b1\n");  // another boot counts from the beginning
  KernelFollower after = Make();
  EXPECT_EQ(Poll(&after).size(), 2u);
}

TEST_F(KernelFollowerTest, OlderThanADayIsLeft) {
  const std::int64_t boot = base::Clock::system().now_ns() - 2 * base::kDay;
  Write("state.json",
        R"({"boot_id": "b0", "sequence": 0, "boot_ns": )" + std::to_string(boot) + "}");
  Write("dev/kmsg", "4,1,1000000,-;" + std::string(kXid) + "\n4,2,172000000000,-;" + kXid + "\n");
  KernelFollower follower = Make();
  const auto events = Poll(&follower);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].attributes.get("log.record"), "2");
}

TEST_F(KernelFollowerTest, GapsAreTold) {
  Write("dev/kmsg", Record(1, 1, "a"));
  KernelFollower follower = Make();
  Poll(&follower);
  Poll(&follower);
  Write("dev/kmsg", Record(9, 0, "b"), true);
  Poll(&follower);
  EXPECT_TRUE(
      follower.State().detail.ends_with("; 7 records were overwritten before they were read"));
}

TEST_F(KernelFollowerTest, ASilentKernelIsNoStaleSource) {
  Write("dev/kmsg", Record(1, 5, "hello"));
  KernelFollower follower = Make();
  Poll(&follower);
  const model::SourceState first = follower.State();
  EXPECT_TRUE(first.detail.starts_with("last record 2"));
  ::usleep(20'000);
  const std::int64_t before = base::Clock::system().now_ns();
  Poll(&follower);
  EXPECT_GE(follower.State().last_ns, before);
  EXPECT_EQ(follower.State().detail, first.detail) << "the record's time stays";
}

TEST_F(KernelFollowerTest, AbsentWithTheReason) {
  KernelFollower follower = Make();
  EXPECT_TRUE(Poll(&follower).empty());
  EXPECT_EQ(follower.State().state, "absent");
  EXPECT_NE(follower.State().detail.find("No such file"), std::string::npos);
  EXPECT_EQ(follower.State().last_ns, 0);
}

TEST(Duplicates, OneOfWhatTwoSourcesReport) {
  const std::int64_t t = 1'000'000'000'000;
  Duplicates d;
  EXPECT_EQ(d.New("kmsg", "k", 1, t), 1u);
  EXPECT_EQ(d.New("nvml", "k", 1, t), 0u);  // the same one
  EXPECT_EQ(d.New("nvml", "k", 1, t), 1u);  // another
  EXPECT_EQ(d.New("nvml", "k", 2, t), 2u);
  EXPECT_EQ(d.New("kmsg", "k", 4, t), 1u);                            // three of them are known
  EXPECT_EQ(d.New("kmsg", "k", 1, t), 1u);                            // one source counts every one
  EXPECT_EQ(d.New("nvml", "k", 1, t + 2 * Duplicates::kWindow), 1u);  // too long ago
  EXPECT_EQ(d.New("nvml", "other", 1, t), 1u);
}

TEST(Duplicates, EventsOfNvmlAndTheLog) {
  const auto fault = [](const char* source, const char* pci, const char* code) {
    model::Event event;
    event.ts = 1'000'000'000'000, event.event = "gpu.fault.event", event.entity_type = "gpu";
    event.source = source;
    event.attributes = {{"pci.address", pci}, {"code", code}};
    return event;
  };
  Duplicates d;
  std::vector<model::Event> log = {fault("kmsg", "0000:18:00.0", "31"),
                                   fault("kmsg", "0000:18:00.0", "31")};
  std::vector<model::Event> nvml = {
      fault("nvml", "00000000:18:00.0", "31"), fault("nvml", "00000000:18:00.0", "31"),
      fault("nvml", "00000000:18:00.0", "31"), fault("nvml", "00000000:19:00.0", "31")};
  d.Remove(1'000'000'000'000, &log);
  d.Remove(1'000'000'000'000, &nvml);
  EXPECT_EQ(log.size(), 2u);
  EXPECT_EQ(nvml.size(), 2u);
  model::Event counted;
  counted.ts = 1'000'000'000'000, counted.event = "host.oom_kill",
  counted.source = "l3_host:/proc/vmstat";
  counted.attributes = {{"host.name", "n"}, {"count", "3"}};
  model::Event logged = counted;
  logged.source = "kmsg";
  logged.attributes.set("count", "1");
  std::vector<model::Event> a = {logged}, b = {counted};
  d.Remove(1'000'000'000'000, &a);
  d.Remove(1'000'000'000'000, &b);
  ASSERT_EQ(b.size(), 1u);
  EXPECT_EQ(b[0].attributes.get("count"), "2");
}

}  // namespace
}  // namespace strata::agent
