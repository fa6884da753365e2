// SPDX-License-Identifier: Apache-2.0
// Durability as a reader of the directory sees it: what was synced is there, what was torn is cut
// off, nothing twice.
#include "log/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"

namespace strata::log {
namespace {

class LogTest : public testing::Test {
 protected:
  LogTest() {
    dir_ = testing::TempDir() + "strata-log-" + std::to_string(::getpid()) + "-" +
           testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(dir_);
    options_.dir = dir_;
  }
  ~LogTest() override { std::filesystem::remove_all(dir_); }

  std::unique_ptr<Log> Open() {
    auto log = Log::Open(options_, kNow);
    EXPECT_TRUE(log.ok()) << log.status().message();
    return std::move(*log);
  }
  static base::Status Put(Log& log, std::uint64_t id, std::string_view bytes,
                          std::uint32_t rows = 1) {
    const Part part{3, rows, bytes};
    return log.Append({0, id}, kNow, {&part, 1});
  }
  std::string OnlySegmentPath() const {
    for (const auto& e : std::filesystem::directory_iterator(dir_)) {
      if (e.path().extension() == ".wal") return e.path().string();
    }
    return {};
  }

  static constexpr std::int64_t kNow = 1'764'000'000'000'000'000;
  std::string dir_;
  Options options_;
};

std::string AllRows(Log& log, std::uint16_t table) {
  std::string all;
  for (const std::uint64_t segment : log.Sealed()) {
    auto parts = log.Read(segment);
    EXPECT_TRUE(parts.ok());
    for (const TablePart& part : *parts) {
      if (part.table == table) all += part.bytes;
    }
  }
  return all;
}

TEST_F(LogTest, HandsOnWhatWasAppendedPerTable) {
  auto log = Open();
  const Part parts[] = {{1, 2, "ab"}, {2, 1, "x"}};
  ASSERT_TRUE(log->Append({0, 1}, kNow, parts).ok());
  ASSERT_TRUE(Put(*log, 2, "cd", 2).ok());
  ASSERT_TRUE(log->Sync().ok());
  ASSERT_TRUE(log->Seal().ok());
  EXPECT_EQ(AllRows(*log, 1), "ab");
  EXPECT_EQ(AllRows(*log, 2), "x");
  EXPECT_EQ(AllRows(*log, 3), "cd");
  ASSERT_TRUE(log->Done(log->Sealed()[0]).ok());
  EXPECT_TRUE(log->Sealed().empty());
  EXPECT_TRUE(OnlySegmentPath().empty());
}

TEST_F(LogTest, WhatIsSetAsideStaysOnDiskAndIsNeverHandedOnAgain) {
  auto log = Open();
  ASSERT_TRUE(Put(*log, 1, "bad").ok());
  ASSERT_TRUE(log->Sync().ok());
  ASSERT_TRUE(log->Seal().ok());
  const std::string held = *base::ReadFile(OnlySegmentPath());
  const auto file = log->SetAside(log->Sealed()[0]);
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_TRUE(file->ends_with(".refused"));
  EXPECT_EQ(*base::ReadFile(*file), held);
  EXPECT_TRUE(log->Sealed().empty());
  EXPECT_TRUE(log->seen({0, 1}, kNow));  // the sender's retry is not taken again
  log.reset();
  log = Open();
  EXPECT_TRUE(log->Sealed().empty());
  EXPECT_TRUE(log->seen({0, 1}, kNow));
}

TEST_F(LogTest, KeepsWhatAnEarlierProcessSyncedAndKnowsItsBatches) {
  {
    auto log = Open();
    ASSERT_TRUE(Put(*log, 7, "kept").ok());
    ASSERT_TRUE(log->Sync().ok());
  }  // ends without Seal, as kill -9 would
  auto log = Open();
  EXPECT_EQ(AllRows(*log, 3), "kept");
  EXPECT_EQ(log->facts().recovered_rows, 1u);
  EXPECT_TRUE(log->seen({0, 7}, kNow));
  EXPECT_FALSE(log->seen({0, 8}, kNow));
}

TEST_F(LogTest, CutsOffATornTailAtEveryLength) {
  {
    auto log = Open();
    ASSERT_TRUE(Put(*log, 1, "first").ok());
    ASSERT_TRUE(Put(*log, 2, "second").ok());
    ASSERT_TRUE(log->Sync().ok());
  }
  const std::string path = OnlySegmentPath();
  const std::string whole = *base::ReadFile(path);
  const std::size_t first_end =
      16 + (whole.size() - 16 - 1) / 2;  // the second frame is one byte longer
  for (std::size_t n = 0; n < whole.size(); ++n) {
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_);
    std::ofstream(path, std::ios::binary) << whole.substr(0, n);
    auto log = Open();
    const std::string rows = AllRows(*log, 3);
    EXPECT_EQ(rows, n >= first_end ? "first" : "") << "cut at " << n;
    const bool clean = n == 0 || n == 16 || n == first_end;
    EXPECT_EQ(log->facts().damaged_frames, clean ? 0u : 1u) << "cut at " << n;
  }
}

TEST_F(LogTest, AFlippedBitStopsAtThatFrame) {
  {
    auto log = Open();
    ASSERT_TRUE(Put(*log, 1, "first").ok());
    ASSERT_TRUE(Put(*log, 2, "second").ok());
    ASSERT_TRUE(log->Sync().ok());
  }
  const std::string path = OnlySegmentPath();
  std::string bytes = *base::ReadFile(path);
  bytes[bytes.size() - 2] = static_cast<char>(bytes[bytes.size() - 2] ^ 4);
  ASSERT_TRUE(base::WriteFile(path, bytes).ok());
  auto log = Open();
  EXPECT_EQ(AllRows(*log, 3), "first");
  EXPECT_EQ(log->facts().damaged_frames, 1u);
}

TEST_F(LogTest, RemembersBatchesOfSegmentsThatAreGoneForAnHour) {
  {
    auto log = Open();
    ASSERT_TRUE(Put(*log, 9, "x").ok());
    ASSERT_TRUE(log->Seal().ok());
    ASSERT_TRUE(log->Done(log->Sealed()[0]).ok());
  }
  auto log = Open();
  EXPECT_TRUE(log->seen({0, 9}, kNow + 59 * 60 * 1'000'000'000LL));
  EXPECT_FALSE(log->seen({0, 9}, kNow + 61 * 60 * 1'000'000'000LL));
}

TEST_F(LogTest, AFullDiskRefusesAndLeavesNothingBehind) {
  auto log = Open();
  ASSERT_TRUE(Put(*log, 1, "kept").ok());
  bool full = true;
  log->set_fault_point([&](std::string_view point) { return full && point == "write"; });
  const base::Status refused = Put(*log, 2, "refused");
  EXPECT_EQ(refused.code(), base::Code::exhausted);
  full = false;
  ASSERT_TRUE(Put(*log, 3, "after").ok());
  ASSERT_TRUE(log->Seal().ok());
  EXPECT_EQ(AllRows(*log, 3), "keptafter");
  EXPECT_FALSE(log->seen({0, 2}, kNow));
}

TEST_F(LogTest, AFailedSyncTakesBackWhatItCouldNotKeep) {
  auto log = Open();
  ASSERT_TRUE(Put(*log, 1, "kept").ok());
  ASSERT_TRUE(log->Sync().ok());
  bool fails = true;
  log->set_fault_point([&](std::string_view point) { return fails && point == "sync"; });
  ASSERT_TRUE(Put(*log, 2, "lost").ok());
  EXPECT_FALSE(log->Sync().ok());
  fails = false;
  EXPECT_FALSE(log->seen({0, 2}, kNow));
  ASSERT_TRUE(Put(*log, 2, "again").ok());
  ASSERT_TRUE(log->Sync().ok());
  ASSERT_TRUE(log->Seal().ok());
  EXPECT_EQ(AllRows(*log, 3), "keptagain");
}

TEST_F(LogTest, RefusesBeyondItsBound) {
  options_.max_bytes = 200;
  auto log = Open();
  ASSERT_TRUE(Put(*log, 1, "small").ok());
  EXPECT_EQ(Put(*log, 2, std::string(500, 'x')).code(), base::Code::exhausted);
}

TEST_F(LogTest, ASecondProcessIsToldWhoHasTheDirectory) {
  auto log = Open();
  auto second = Log::Open(options_, kNow);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.status().message().find(std::to_string(::getpid())), std::string::npos);
}

TEST_F(LogTest, NumbersUsedAgainNeverRepeatAName) {
  std::string first;
  for (int i = 0; i < 2; ++i) {
    auto log = Open();
    ASSERT_TRUE(Put(*log, static_cast<std::uint64_t>(i), "x").ok());
    ASSERT_TRUE(log->Seal().ok());
    const std::uint64_t segment = log->Sealed()[0];
    const std::string name = log->segment_name(segment);
    EXPECT_NE(name, first);
    first = name;
    ASSERT_TRUE(log->Done(segment).ok());
  }
}

}  // namespace
}  // namespace strata::log
