// SPDX-License-Identifier: Apache-2.0
// The child process that holds the database (`strata engine`): libchdb behind ClickHouse's HTTP
// interface on a private Unix socket. Started and supervised by `store`; it ends when its standard
// input ends, so it never outlives its parent.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace strata::engine {

struct EngineOptions {
  std::string path;                         // its directory; made when it is missing
  std::string socket;                       // Unix socket to answer on, mode 0600
  std::string library;                      // libchdb.so
  std::uint64_t memory_bytes = 1ull << 30;  // server, cache and pool sizes follow from it
  int threads = 4;                          // queries at the same time
  bool watch_stdin = true;                  // end when standard input ends
};

// --path DIR --socket PATH --library FILE [--memory BYTES] [--threads N] [--no-stdin]
base::Result<EngineOptions> ParseArguments(const std::vector<std::string>& arguments);

// Serves until SIGTERM, SIGINT or the end of standard input. Returns the exit status.
int RunEngine(const EngineOptions& options);

}  // namespace strata::engine
