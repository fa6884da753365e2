// SPDX-License-Identifier: Apache-2.0
#include "agent/sender.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "agent/feed.h"
#include "agent/receiver.h"
#include "base/drop.h"

namespace strata::agent {
namespace {

class SenderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("strata-sender-" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<Sender> Start(const std::string& to, std::uint64_t spool_bytes = 1u << 20) {
    SenderOptions options;
    options.to = to;
    options.spool_dir = folder_.string();
    options.spool_bytes = spool_bytes;
    options.flush_ns = 20 * base::kMillisecond;
    options.backoff_min_ns = 20 * base::kMillisecond;
    options.backoff_max_ns = 100 * base::kMillisecond;
    auto sender = Sender::Start(options);
    EXPECT_TRUE(sender.ok()) << sender.status().message();
    return std::move(*sender);
  }
  // One sample of the node "n" with this value.
  static void Push(Sender* sender, double value) {
    Feed feed(Catalogs(), {{"strata.agent", "n"}}, sender);
    const model::Attributes resource = {{"host.name", "n"}};
    model::RawMetric raw;
    raw.name = "system.uptime";
    raw.resource = &resource;
    raw.source = "test";
    const auto& targets = feed.namer().Resolve(1, raw, &feed.batch().refused);
    feed.batch().samples.push(targets.at(0).series,
                              1'764'000'000'000'000'000 + static_cast<std::int64_t>(value), 0,
                              value);
    feed.Ship();
  }
  static std::vector<double> Got(const Receiver& receiver) {
    std::vector<double> out;
    for (const auto& p : receiver.Points("system.uptime", "n")) out.push_back(p.value);
    return out;
  }
  static std::uint64_t Dropped(base::Reason reason) {
    for (const base::DropFact& fact : base::Drops()) {
      if (fact.reason == reason) return fact.count;
    }
    return 0;
  }
  std::filesystem::path folder_;
};

TEST_F(SenderTest, WhatCannotBeSentIsSentLaterOnceAndInOrder) {
  Receiver receiver;
  receiver.Answer(503);
  auto sender = Start(receiver.url());
  std::vector<double> want;
  for (int i = 1; i <= 10; ++i) {
    Push(sender.get(), i);
    want.push_back(i);
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }
  EXPECT_TRUE(Got(receiver).empty());
  EXPECT_NE(sender->facts().error.find("HTTP 503"), std::string::npos);
  receiver.Answer(200);
  EXPECT_TRUE(Until([&] { return Got(receiver).size() >= 10; }));
  EXPECT_EQ(Got(receiver), want);
  EXPECT_EQ(sender->facts().dropped_records, 0u);
  EXPECT_EQ(sender->facts().error, "");
  // The first request was tried again and again under one id.
  const std::vector<std::string> batches = receiver.batches();
  EXPECT_GE(std::count(batches.begin(), batches.end(), batches[0]), 2);
  EXPECT_EQ(batches[0].size(), 32u);
}

TEST_F(SenderTest, NothingIsLostOverARestart) {
  std::uint16_t port = 0;
  { port = Receiver().port(); }  // nobody listens there any more
  const std::string url = "http://127.0.0.1:" + std::to_string(port);
  {
    auto sender = Start(url);
    for (int i = 1; i <= 5; ++i) Push(sender.get(), i);
    sender->Stop();
  }
  Receiver receiver(port);
  auto sender = Start(url);
  Push(sender.get(), 6);
  EXPECT_TRUE(Until([&] { return Got(receiver).size() >= 6; }));
  EXPECT_EQ(Got(receiver), (std::vector<double>{1, 2, 3, 4, 5, 6}));
}

TEST_F(SenderTest, StopSendsWhatStillWaits) {
  Receiver receiver;
  auto sender = Start(receiver.url());
  Push(sender.get(), 1);
  sender->Stop();
  EXPECT_EQ(Got(receiver).size(), 1u);
}

TEST_F(SenderTest, AFullSpoolIsCounted) {
  Receiver receiver;
  receiver.Answer(503);
  auto sender = Start(receiver.url(), 600);
  const std::uint64_t before = Dropped(base::Reason::spool_full);
  for (int i = 1; i <= 10; ++i) {
    Push(sender.get(), i);
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }
  EXPECT_TRUE(Until([&] { return Dropped(base::Reason::spool_full) > before; }));
  EXPECT_EQ(sender->facts().dropped_records, Dropped(base::Reason::spool_full) - before);
}

TEST_F(SenderTest, WhatIsRefusedForGoodDoesNotHoldUpTheRest) {
  Receiver receiver;
  receiver.Answer(400);
  auto sender = Start(receiver.url());
  Push(sender.get(), 1);
  EXPECT_TRUE(Until([&] { return sender->facts().dropped_records == 1; }));
  receiver.Answer(200);
  Push(sender.get(), 2);
  EXPECT_TRUE(Until([&] { return Got(receiver).size() == 1; }));
  EXPECT_EQ(Got(receiver)[0], 2);
}

TEST_F(SenderTest, GzipWhereZstdIsNotRead) {
  Receiver receiver;
  receiver.Answer(415);
  auto sender = Start(receiver.url());
  Push(sender.get(), 1);
  EXPECT_TRUE(Until([&] { return Got(receiver).size() == 1; }));
  EXPECT_EQ(receiver.encodings(), std::set<std::string>{"gzip"});
}

TEST_F(SenderTest, AnAddressThatIsNone) {
  SenderOptions options;
  options.to = "localhost:4318";
  auto sender = Sender::Start(options);
  ASSERT_FALSE(sender.ok());
  EXPECT_NE(sender.status().message().find("http://host:4318"), std::string::npos);
}

}  // namespace
}  // namespace strata::agent
