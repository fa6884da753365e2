// SPDX-License-Identifier: Apache-2.0
#include "engine/confine.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace strata::engine {
namespace {

constexpr std::uint64_t kRead =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE;
constexpr std::uint64_t kFileRights =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE;
constexpr std::uint64_t kRefer = 1ULL << 13;     // version 2 of the interface
constexpr std::uint64_t kTruncate = 1ULL << 14;  // version 3
constexpr std::uint64_t kBindTcp = 1ULL << 0, kConnectTcp = 1ULL << 1;  // version 4

struct Attributes {  // landlock_ruleset_attr as of version 4; older headers lack the second member
  std::uint64_t fs = 0;
  std::uint64_t net = 0;
};

// What the C library, the loader and ClickHouse look at: time zones, /proc/meminfo, cgroup limits.
constexpr const char* kSystem[] = {
    "/usr",           "/lib",          "/lib64",       "/proc",    "/sys", "/etc/ld.so.cache",
    "/etc/localtime", "/etc/timezone", "/dev/urandom", "/dev/null"};

void Allow(int ruleset, const std::string& path, std::uint64_t rights) {
  const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) return;
  struct stat info {};
  if (::fstat(fd, &info) == 0 && !S_ISDIR(info.st_mode)) rights &= kFileRights | kTruncate;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = rights;
  rule.parent_fd = fd;
  ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  ::close(fd);
}

}  // namespace

std::string Confine(const std::vector<std::string>& read_write,
                    const std::vector<std::string>& read_only) {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return "this kernel has no Landlock";
  Attributes attributes;
  attributes.fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // all of version 1
  if (version >= 2) attributes.fs |= kRefer;
  if (version >= 3) attributes.fs |= kTruncate;
  if (version >= 4) attributes.net = kBindTcp | kConnectTcp;
  const std::size_t size = version >= 4 ? sizeof attributes : sizeof attributes.fs;
  const int ruleset =
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0));
  if (ruleset < 0) return std::string("Landlock: ") + std::strerror(errno);
  for (const std::string& path : read_write) Allow(ruleset, path, attributes.fs);
  for (const std::string& path : read_only) Allow(ruleset, path, kRead);
  for (const char* path : kSystem) Allow(ruleset, path, kRead);
  Allow(ruleset, "/dev/null", attributes.fs);
  std::string why;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
    why = std::string("Landlock: ") + std::strerror(errno);
  }
  ::close(ruleset);
  return why;
}

}  // namespace strata::engine
