// SPDX-License-Identifier: Apache-2.0
// The engine's process: started, watched, ended. It ends by itself when our end of its standard
// input closes, also when we are killed. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "base/status.h"

namespace strata::store {

class Child {
 public:
  struct Options {
    std::string binary;  // run as: binary engine --path … --socket … --library … --memory N
    std::string library;
    std::string path, socket;
    std::uint64_t memory_bytes = 0;
  };
  explicit Child(Options options) : options_(std::move(options)) {}
  ~Child() { Stop(); }

  base::Status Start();  // returns when it answers /ping, or why it does not
  void Stop();           // asks, waits, then kills
  bool alive();          // false also when it has ended by itself
  int pid() const;
  std::uint64_t rss_bytes() const;  // 0 when it does not run

 private:
  base::Status Spawn();
  bool AliveLocked();

  Options options_;
  mutable std::mutex mutex_;
  int pid_ = 0;
  int stdin_ = -1;
  std::string ended_;  // how it ended
};

// libchdb.so by Options::engine_library, STRATA_CHDB, beside the program, build/chdb, the system's
// folders; "" = none.
std::string FindEngineLibrary(const std::string& wanted);

}  // namespace strata::store
