// SPDX-License-Identifier: Apache-2.0
// The order matters: lock, confine (before any thread), load libchdb with its signal handlers off,
// then listen. The socket appears only when queries can be answered.
#include "engine/engine.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "base/file.h"
#include "base/http_server.h"
#include "engine/chdb.h"
#include "engine/confine.h"
#include "engine/http.h"

namespace strata::engine {
namespace {

// The engine of a server that was killed may take a moment to end: wait for its lock.
base::Status Lock(const std::string& path) {
  const int fd = ::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return base::FromErrno(path + "/lock");
  for (int tries = 0; tries < 100; ++tries) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return {};  // held until the process ends
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  ::close(fd);
  return base::Status(base::Code::exists, path + " is in use by another engine");
}

// Sizes that suit a small server; the defaults are made for large ones (mark cache 5 GiB).
std::string ConfigXml(const EngineOptions& options) {
  const std::uint64_t mib = 1 << 20;
  const std::uint64_t cache =
      std::clamp<std::uint64_t>(options.memory_bytes / 64, 4 * mib, 256 * mib);
  const auto line = [](std::string_view name, std::uint64_t value) {
    return "  <" + std::string(name) + ">" + std::to_string(value) + "</" + std::string(name) +
           ">\n";
  };
  std::string xml = "<clickhouse>\n";
  xml += line("max_server_memory_usage", options.memory_bytes);
  for (const auto name : {"mark_cache_size", "primary_index_cache_size"}) xml += line(name, cache);
  for (const auto name : {"index_mark_cache_size", "query_condition_cache_size",
                          "compiled_expression_cache_size", "text_index_header_cache_size",
                          "text_index_postings_cache_size", "text_index_tokens_cache_size",
                          "parquet_metadata_cache_size", "iceberg_metadata_files_cache_size"}) {
    xml += line(name, std::max<std::uint64_t>(cache / 8, mib));
  }
  for (const auto name :
       {"uncompressed_cache_size", "index_uncompressed_cache_size", "page_cache_max_size"})
    xml += line(name, 0);
  xml += line("background_pool_size", 2);
  xml += line("max_thread_pool_size", 200);
  xml += line("max_thread_pool_free_size", 8);
  xml += line("memory_worker_period_ms", 1000);
  // Where no cgroup is mounted the worker prints a stack trace before it does without.
  const bool cgroup = ::access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0 ||
                      ::access("/sys/fs/cgroup/memory/memory.stat", F_OK) == 0;
  xml += line("memory_worker_use_cgroup", cgroup ? 1 : 0);
  xml += line("max_io_thread_pool_size", 8);
  xml += line("max_io_thread_pool_free_size", 0);
  xml += "  <merge_tree>\n";
  xml += line("merge_max_block_size", 4096);
  xml += line("fsync_after_insert", 1);
  xml += line("fsync_part_directory", 1);
  xml +=
      "  </merge_tree>\n  <custom_settings_prefixes></custom_settings_prefixes>\n</clickhouse>\n";
  return xml;
}

base::Result<std::string> Prepare(const EngineOptions& options) {
  RETURN_IF_ERROR(base::MakeDirectories(options.path));
  std::error_code error;
  // With a relative path fsync_part_directory fails every insert.
  std::string path = std::filesystem::canonical(options.path, error).string();
  if (error) return base::Failed(options.path + ": " + error.message());
  RETURN_IF_ERROR(Lock(path));
  RETURN_IF_ERROR(base::MakeDirectories(path + "/data"));
  RETURN_IF_ERROR(base::WriteFile(path + "/config.xml", ConfigXml(options)));
  return path;
}

void WaitForEnd(int signals, bool watch_stdin) {
  pollfd fds[2] = {{signals, POLLIN, 0}, {watch_stdin ? STDIN_FILENO : -1, POLLIN, 0}};
  while (true) {
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) return;
    if (fds[0].revents != 0) return;
    if (fds[1].revents != 0) {
      char scrap[256];
      const ssize_t n = ::read(STDIN_FILENO, scrap, sizeof scrap);
      if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) return;
    }
  }
}

base::Status Serve(const EngineOptions& options) {
  ASSIGN_OR_RETURN(const std::string path, Prepare(options));
  const std::filesystem::path socket_folder =
      std::filesystem::absolute(options.socket).parent_path();
  const std::filesystem::path library = std::filesystem::absolute(options.library);
  std::error_code ignored;
  const std::string real_library = std::filesystem::canonical(library, ignored).string();
  // libchdb reads the program too, for stack traces, and aborts when it cannot.
  if (const std::string why = Confine({path, socket_folder.string()},
                                      {library.string(), real_library, base::SelfPath()});
      !why.empty()) {
    std::fprintf(stderr, "engine: not confined to its directory: %s\n", why.c_str());
  }
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, nullptr);  // every later thread inherits this
  const int signals = ::signalfd(-1, &set, SFD_CLOEXEC);
  ::signal(SIGPIPE, SIG_IGN);
  ASSIGN_OR_RETURN(
      auto chdb, Chdb::Load(real_library.empty() ? options.library : real_library,
                            {"--path=" + path + "/data", "--config-file=" + path + "/config.xml"}));
  base::ServerOptions server_options;
  server_options.unix_socket = std::filesystem::absolute(options.socket).string();
  server_options.threads = std::max(1, options.threads);
  server_options.max_body = 1u << 30;
  server_options.max_header = 1u << 20;  // a query may stand in the address
  server_options.max_connections = 256;
  ASSIGN_OR_RETURN(auto server, base::HttpServer::Start(
                                    server_options, [&chdb](const base::ServerRequest& request) {
                                      return AnswerRequest(*chdb, request);
                                    }));
  WaitForEnd(signals, options.watch_stdin);
  // What is acknowledged is on disk; a running query or merge may be cut off.
  std::thread([] {
    std::this_thread::sleep_for(std::chrono::seconds(5));
    ::_exit(0);
  }).detach();
  server->Stop();
  ::close(signals);
  return {};
}

}  // namespace

base::Result<EngineOptions> ParseArguments(const std::vector<std::string>& arguments) {
  EngineOptions options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    if (name == "--no-stdin") {
      options.watch_stdin = false;
      continue;
    }
    if (i + 1 == arguments.size())
      return base::Invalid("engine: '" + name + "' is unknown or lacks its value");
    const std::string& value = arguments[++i];
    const auto number = [&value](auto* out) {
      return std::from_chars(value.data(), value.data() + value.size(), *out).ptr ==
                 value.data() + value.size() &&
             !value.empty();
    };
    bool good = true;
    if (name == "--path")
      options.path = value;
    else if (name == "--socket")
      options.socket = value;
    else if (name == "--library")
      options.library = value;
    else if (name == "--memory")
      good = number(&options.memory_bytes);
    else if (name == "--threads")
      good = number(&options.threads);
    else
      return base::Invalid("engine: unknown option '" + name + "'");
    if (!good) return base::Invalid("engine: " + name + " needs a number, not '" + value + "'");
  }
  if (options.path.empty() || options.socket.empty() || options.library.empty()) {
    return base::Invalid(
        "engine: --path, --socket and --library are needed (the server starts this command; it is "
        "not for hand use)");
  }
  return options;
}

int RunEngine(const EngineOptions& options) {
  if (const base::Status status = Serve(options); !status.ok()) {
    std::fprintf(stderr, "engine: %s\n", status.message().c_str());
    return 1;
  }
  // libchdb's own end takes long and may hang in static destructors; everything acknowledged is on
  // disk.
  std::fflush(nullptr);
  ::_exit(0);
}

}  // namespace strata::engine
