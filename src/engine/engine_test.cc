// SPDX-License-Identifier: Apache-2.0
// What of the engine can be tested without libchdb; with it: src/store/store_test.cc.
#include "engine/engine.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "engine/confine.h"
#include "engine/http.h"

namespace strata::engine {
namespace {

TEST(Insert, DataStandApartFromText) {
  const auto f = [](std::string_view sql, std::string_view into, std::string_view format) {
    InsertHead head;
    const bool is = SplitInsert(sql, &head);
    EXPECT_EQ(is, !into.empty()) << sql;
    EXPECT_EQ(head.into, into) << sql;
    EXPECT_EQ(head.format, format) << sql;
  };
  f("INSERT INTO t FORMAT RowBinary", "INSERT INTO t", "RowBinary");
  f("  insert into `a b` (`x`, `y`)\nformat\tNative ; ", "insert into `a b` (`x`, `y`)", "Native");
  f("INSERT INTO t (format) FORMAT CSV\n", "INSERT INTO t (format)", "CSV");
  f("INSERT INTO t VALUES (1)", "", "");
  f("INSERT INTO t SELECT 1", "", "");
  f("INSERT INTO t SELECT xformat y", "", "");
  f("SELECT 1 FORMAT CSV", "", "");
  f("", "", "");
  f("INSERT", "", "");
}

TEST(Arguments, AreNeededAndChecked) {
  const auto good = ParseArguments({"--path", "/a", "--socket", "/b", "--library", "/c", "--memory",
                                    "5", "--threads", "2", "--no-stdin"});
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(good->path, "/a");
  EXPECT_EQ(good->memory_bytes, 5u);
  EXPECT_EQ(good->threads, 2);
  EXPECT_FALSE(good->watch_stdin);
  EXPECT_FALSE(ParseArguments({}).ok());
  EXPECT_FALSE(ParseArguments({"--path"}).ok());
  EXPECT_FALSE(
      ParseArguments({"--path", "/a", "--socket", "/b", "--library", "/c", "--memory", "x"}).ok());
  EXPECT_FALSE(ParseArguments({"--nope", "/a"}).ok());
}

TEST(Confine, ReachesOnlyItsDirectory) {
  char name[] = "/tmp/strata-confine-XXXXXX";
  const std::string own = ::mkdtemp(name);
  const std::string other = own + ".other";
  ASSERT_TRUE(base::WriteFile(other, "secret").ok());
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (!Confine({own}, {}).empty()) ::_exit(77);
    const int inside = ::open((own + "/x").c_str(), O_WRONLY | O_CREAT, 0600);
    const int outside = ::open(other.c_str(), O_RDONLY);
    const int proc = ::open("/proc/meminfo", O_RDONLY);
    ::_exit((inside >= 0 ? 1 : 0) + (outside < 0 ? 2 : 0) + (proc >= 0 ? 4 : 0));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  std::filesystem::remove_all(own);
  std::filesystem::remove(other);
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(Engine, SaysWhyItCannotStart) {
  EngineOptions options;
  options.path = "/proc/nowhere";
  EXPECT_EQ(RunEngine(options), 1);
}

}  // namespace
}  // namespace strata::engine
