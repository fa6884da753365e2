// SPDX-License-Identifier: Apache-2.0
#include "agent/tail.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace strata::agent {
namespace {

class TailTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = (std::filesystem::temp_directory_path() / ("strata-tail-" + std::to_string(::getpid())))
                .string();
  }
  void TearDown() override {
    std::filesystem::remove(path_);
    std::filesystem::remove(path_ + ".1");
  }
  void Add(const std::string& text) { std::ofstream(path_, std::ios::app) << text; }
  static std::string Read(Tail* tail) {
    std::string got;
    while (tail->Poll([&](std::string_view lines) { got += lines; })) {
    }
    return got;
  }
  std::string path_;
};

TEST_F(TailTest, WholeLinesAsTheyCome) {
  Tail tail(path_);
  EXPECT_EQ(Read(&tail), "");
  EXPECT_EQ(tail.error(), "No such file or directory");
  Add("one\ntwo\nthr");
  EXPECT_EQ(Read(&tail), "one\ntwo\n");
  EXPECT_EQ(tail.error(), "");
  Add("ee\n");
  EXPECT_EQ(Read(&tail), "three\n");
  EXPECT_EQ(Read(&tail), "");
}

TEST_F(TailTest, RotatedAndCutBack) {
  Tail tail(path_);
  Add("one\n");
  EXPECT_EQ(Read(&tail), "one\n");
  Add("late\n");
  std::filesystem::rename(path_, path_ + ".1");
  Add("new\n");
  EXPECT_EQ(Read(&tail), "late\nnew\n");
  std::ofstream(path_, std::ios::trunc) << "x\n";
  EXPECT_EQ(Read(&tail), "x\n");
}

TEST_F(TailTest, AFileThatIsGoneSaysSo) {
  Tail tail(path_);
  Add("one\n");
  EXPECT_EQ(Read(&tail), "one\n");
  std::filesystem::rename(path_, path_ + ".1");
  EXPECT_EQ(Read(&tail), "");
  EXPECT_EQ(tail.error(), "the file is gone");
  std::filesystem::rename(path_ + ".1", path_);
  EXPECT_EQ(Read(&tail), "");
  EXPECT_EQ(tail.error(), "");
}

TEST_F(TailTest, GoesOnWhereItStoodAfterARestart) {
  std::uint64_t inode = 0, offset = 0;
  {
    Tail tail(path_);
    Add("one\ntwo\npart");
    Read(&tail);
    inode = tail.inode();
    offset = tail.offset();
  }
  EXPECT_EQ(offset, 8u);
  Add("ial\n");
  Tail tail(path_);
  tail.Resume(inode, offset);
  EXPECT_EQ(Read(&tail), "partial\n");
  Tail other(path_);
  other.Resume(inode + 1, offset);  // another file under the name
  EXPECT_EQ(Read(&other), "one\ntwo\npartial\n");
}

TEST_F(TailTest, ALineThatNeverEndsIsDropped) {
  Tail tail(path_);
  Add(std::string(Tail::kMaxLine + 10, 'x'));
  EXPECT_EQ(Read(&tail), "");
  Add("xxx\nnext\n");
  EXPECT_EQ(Read(&tail), "next\n");
}

}  // namespace
}  // namespace strata::agent
