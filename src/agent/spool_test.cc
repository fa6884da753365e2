// SPDX-License-Identifier: Apache-2.0
#include "agent/spool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/file.h"

namespace strata::agent {
namespace {

Request Make(int n, std::size_t bytes = 100) {
  Request request;
  request.signal = n % 2 == 0 ? Signal::metrics : Signal::logs;
  request.batch = "batch-" + std::to_string(n);
  request.encoding = "zstd";
  request.body = std::string(bytes, static_cast<char>('a' + n % 26));
  request.records = static_cast<std::uint32_t>(n);
  return request;
}

class SpoolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("strata-spool-" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<Spool> Open(std::uint64_t max_bytes = 1u << 20) {
    auto spool = Spool::Open(folder_.string(), max_bytes);
    EXPECT_TRUE(spool.ok()) << spool.status().message();
    return std::move(*spool);
  }
  static void Expect(Spool* spool, int n) {
    const Request* front = spool->Front();
    ASSERT_NE(front, nullptr) << n;
    const Request want = Make(n, front->body.size());
    EXPECT_EQ(front->batch, want.batch);
    EXPECT_EQ(front->body, want.body);
    EXPECT_EQ(front->encoding, want.encoding);
    EXPECT_EQ(front->signal, want.signal);
    EXPECT_EQ(front->records, want.records);
    spool->Pop();
  }
  std::filesystem::path folder_;
};

TEST_F(SpoolTest, FirstInFirstOutAcrossRestarts) {
  {
    auto spool = Open();
    for (int n = 0; n < 5; ++n) ASSERT_TRUE(spool->Append(Make(n)).ok());
    Expect(spool.get(), 0);
  }
  auto spool = Open();
  // The one that was taken out of a segment that still held others comes again: its batch id says
  // so to the server.
  Expect(spool.get(), 0);
  ASSERT_TRUE(spool->Append(Make(5)).ok());
  for (int n = 1; n <= 5; ++n) Expect(spool.get(), n);
  EXPECT_TRUE(spool->empty());
  EXPECT_EQ(spool->bytes(), 0u);
}

TEST_F(SpoolTest, AppendWhileDraining) {
  auto spool = Open();
  int next = 0;
  for (int n = 0; n < 40; n += 2) {
    ASSERT_TRUE(spool->Append(Make(n)).ok());
    ASSERT_TRUE(spool->Append(Make(n + 1)).ok());
    Expect(spool.get(), next++);
  }
  while (next < 40) Expect(spool.get(), next++);
  EXPECT_TRUE(spool->empty());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1)
      << "only the lock is left";
}

TEST_F(SpoolTest, FullIsRefusedAndRoomComesBack) {
  auto spool = Open(1000);
  int n = 0;
  while (spool->Append(Make(n)).ok()) ++n;
  EXPECT_GT(n, 3);
  EXPECT_EQ(spool->Append(Make(n)).code(), base::Code::exhausted);
  for (int i = 0; i < n; ++i) Expect(spool.get(), i);
  EXPECT_TRUE(spool->Append(Make(n)).ok());
}

TEST_F(SpoolTest, ATornTailCostsOnlyItself) {
  {
    auto spool = Open();
    for (int n = 0; n < 3; ++n) ASSERT_TRUE(spool->Append(Make(n)).ok());
  }
  const std::string path = (folder_ / "000000000001.spool").string();
  auto bytes = base::ReadFile(path);
  ASSERT_TRUE(bytes.ok());
  ASSERT_TRUE(base::WriteFile(path, bytes->substr(0, bytes->size() - 10)).ok());
  auto spool = Open();
  Expect(spool.get(), 0);
  Expect(spool.get(), 1);
  EXPECT_TRUE(spool->empty());
}

TEST_F(SpoolTest, AFlippedByteIsNoRequest) {
  {
    auto spool = Open();
    ASSERT_TRUE(spool->Append(Make(1)).ok());
  }
  const std::string path = (folder_ / "000000000001.spool").string();
  auto bytes = base::ReadFile(path);
  (*bytes)[bytes->size() - 3] ^= 1;
  ASSERT_TRUE(base::WriteFile(path, *bytes).ok());
  auto spool = Open();
  EXPECT_TRUE(spool->empty());
  EXPECT_TRUE(spool->Append(Make(2)).ok());
  Expect(spool.get(), 2);
}

TEST_F(SpoolTest, ASecondProcessIsToldSo) {
  auto first = Open();
  auto second = Spool::Open(folder_.string(), 1000);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), base::Code::exists);
}

TEST(SpoolMemory, WithoutAFolder) {
  auto spool = std::move(*Spool::Open("", 250));
  EXPECT_TRUE(spool->Append(Make(1)).ok());
  EXPECT_TRUE(spool->Append(Make(2)).ok());
  EXPECT_EQ(spool->Append(Make(3)).code(), base::Code::exhausted);
  spool->Pop();
  EXPECT_EQ(spool->Front()->batch, "batch-2");
  spool->Pop();
  EXPECT_TRUE(spool->empty());
}

}  // namespace
}  // namespace strata::agent
