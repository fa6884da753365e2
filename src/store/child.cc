// SPDX-License-Identifier: Apache-2.0
#include "store/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/http_client.h"

extern char** environ;

namespace strata::store {
namespace {

constexpr std::int64_t kStartTimeoutNs = 60 * base::kSecond;

std::string Ending(int status) {
  if (WIFSIGNALED(status))
    return "ended by signal " + std::to_string(WTERMSIG(status)) + " (" +
           strsignal(WTERMSIG(status)) + ")";
  return "ended with status " + std::to_string(WEXITSTATUS(status));
}

void Sleep(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

}  // namespace

base::Status Child::Spawn() {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return base::FromErrno("pipe");
  std::vector<std::string> arguments = {options_.binary, "engine",
                                        "--path",        options_.path,
                                        "--socket",      options_.socket,
                                        "--library",     options_.library,
                                        "--memory",      std::to_string(options_.memory_bytes)};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, pipe[0], STDIN_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);  // Ctrl-C in the terminal reaches us first
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  const int error =
      ::posix_spawn(&pid_, options_.binary.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  ::close(pipe[0]);
  if (error != 0) {
    ::close(pipe[1]);
    pid_ = 0;
    errno = error;
    return base::FromErrno("cannot start the engine " + options_.binary);
  }
  stdin_ = pipe[1];
  ended_.clear();
  return {};
}

base::Status Child::Start() {
  const std::lock_guard lock(mutex_);
  if (AliveLocked()) return {};
  RETURN_IF_ERROR(Spawn());
  base::HttpClient client;
  base::HttpRequest ping;
  ping.url = "http://engine/ping";
  ping.unix_socket = options_.socket;
  ping.timeout_ms = 2000;
  const std::int64_t deadline = base::monotonic_ns() + kStartTimeoutNs;
  while (base::monotonic_ns() < deadline) {
    if (!AliveLocked())
      return base::Failed("the engine " + ended_ + " while it started; its words stand above");
    if (const auto answer = client.Send(ping); answer.ok() && answer->status == 200) return {};
    Sleep(10);
  }
  return base::Unavailable("the engine did not answer within a minute");
}

bool Child::AliveLocked() {
  if (pid_ <= 0) return false;
  int status = 0;
  const int reaped = ::waitpid(pid_, &status, WNOHANG);
  if (reaped == 0) return true;
  ended_ = reaped == pid_ ? Ending(status) : "is gone";
  pid_ = 0;
  if (stdin_ >= 0) ::close(std::exchange(stdin_, -1));
  return false;
}

bool Child::alive() {
  const std::lock_guard lock(mutex_);
  return AliveLocked();
}

int Child::pid() const {
  const std::lock_guard lock(mutex_);
  return pid_;
}

std::uint64_t Child::rss_bytes() const {
  const int at = pid();
  std::string text;
  if (at <= 0 || !base::ReadFileInto(("/proc/" + std::to_string(at) + "/statm").c_str(), &text))
    return 0;
  const std::size_t space = text.find(' ');
  if (space == std::string::npos) return 0;
  return std::strtoull(text.c_str() + space, nullptr, 10) *
         static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void Child::Stop() {
  const std::lock_guard lock(mutex_);
  if (!AliveLocked()) return;
  if (stdin_ >= 0) ::close(std::exchange(stdin_, -1));
  ::kill(pid_, SIGTERM);
  for (int i = 0; i < 800 && AliveLocked(); ++i) Sleep(10);
  if (!AliveLocked()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

std::string FindEngineLibrary(const std::string& wanted) {
  std::vector<std::filesystem::path> places;
  if (!wanted.empty()) {
    places.emplace_back(wanted);
  } else {
    if (const char* named = std::getenv("STRATA_CHDB"); named != nullptr && *named != 0)
      places.emplace_back(named);
    const std::filesystem::path beside = std::filesystem::path(base::SelfPath()).parent_path();
    for (const char* place : {"libchdb.so", "chdb/libchdb.so", "../chdb/libchdb.so",
                              "../lib/strata/libchdb.so", "../../chdb/libchdb.so"}) {
      places.push_back(beside / place);
    }
    places.emplace_back("build/chdb/libchdb.so");
    for (const char* place :
         {"/usr/lib/strata/libchdb.so", "/usr/local/lib/libchdb.so", "/usr/lib/libchdb.so"})
      places.emplace_back(place);
  }
  std::error_code error;
  for (const auto& place : places) {
    if (std::filesystem::exists(place, error))
      return std::filesystem::absolute(place, error).lexically_normal().string();
  }
  return {};
}

}  // namespace strata::store
