// SPDX-License-Identifier: Apache-2.0
// libchdb by dlopen: its C interface declared here by hand (the package ships no header) and
// wrapped. A connection is a session of its own (settings, current database). Making one and
// setting it up costs more than a small query, so those of our own requests are kept, each for
// requests with exactly the same settings; those of free SQL never are.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace strata::engine {

struct ChdbAnswer {
  std::string error;  // "Code: 62. DB::Exception: …", "" = fine
  std::string body;
  std::uint64_t rows_read = 0, bytes_read = 0;
  double elapsed_s = 0;
};

class Chdb {
 public:
  // One per process; never unloaded. `arguments` are those of clickhouse-local: --path=…,
  // --config-file=….
  static base::Result<std::unique_ptr<Chdb>> Load(const std::string& library,
                                                  std::vector<std::string> arguments);
  ~Chdb();  // closes the database

  class Connection {
   public:
    ~Connection();
    Connection(Connection&& other) noexcept
        : chdb_(other.chdb_), raw_(std::exchange(other.raw_, nullptr)) {}
    Connection(const Connection&) = delete;

    using Params = std::vector<std::pair<std::string, std::string>>;
    ChdbAnswer Query(std::string_view sql, std::string_view format, const Params& params = {});

   private:
    friend class Chdb;
    Connection(const Chdb* chdb, void* raw) : chdb_(chdb), raw_(raw) {}
    const Chdb* chdb_;
    void* raw_;
  };
  base::Result<Connection> Connect() const;  // thread-safe
  // A kept connection of this setup, or nullptr; Keep gives one back after a request that went
  // well. Thread-safe.
  std::unique_ptr<Connection> Take(const std::string& setup) const;
  void Keep(const std::string& setup, std::unique_ptr<Connection> connection) const;

 private:
  struct Functions;
  Chdb() = default;
  // In this order: what closes a connection outlives every connection.
  std::unique_ptr<Functions> functions_;
  std::vector<std::string> arguments_;
  std::unique_ptr<Connection> keeper_;  // the database stays open while one connection lives
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::vector<std::unique_ptr<Connection>>>
      kept_;  // setup -> at most two
};

}  // namespace strata::engine
