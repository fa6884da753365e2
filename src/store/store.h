// SPDX-License-Identifier: Apache-2.0
// The one door to the database, a child engine or a cluster: schema, inserts, typed queries, gated
// free SQL. Thread-safe: every call takes a connection from a small pool. No SQL of ours calls
// now(): time is a parameter.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/http_client.h"
#include "base/status.h"
#include "model/catalog.h"
#include "store/rows.h"

namespace strata::store {

struct Options {
  std::string path =
      "./strata-data";  // child engine: its directory is path/engine, its socket stands in it
  std::string url, cluster, user, password_file;  // or a ClickHouse cluster
  std::uint64_t memory_bytes =
      1ull << 30;              // store.memory: server, query and cache settings follow from it
  std::string engine_binary;   // "" = STRATA_ENGINE_BINARY, else this program (`strata engine`)
  std::string engine_library;  // libchdb.so; "" = STRATA_CHDB, else beside the program, else
                               // build/chdb, else the system's
  std::int64_t samples_days = 15, spans_days = 15, logs_days = 15, minutes_days = 400,
               requests_days = 90, ledger_days = 1826;
  std::span<const model::Catalog* const> catalogs;  // minute columns become table columns
};

struct EngineFacts {
  bool ready = false;
  int pid = 0;
  std::uint64_t restarts = 0;
  std::uint64_t rss_bytes = 0;
  std::string detail;
};

// Named parameters of a query: {name:Type} in the SQL, ClickHouse's own substitution.
using Params = std::vector<std::pair<std::string, std::string>>;

class Store {
 public:
  // Starts the child (or connects), waits until it answers, migrates the schema.
  static base::Result<std::unique_ptr<Store>> Open(const Options& options);
  ~Store();  // stops the child

  // Rows of one table in the order of TableDef's columns, RowBinary; of samples_packed as they are
  // before packing (pack.h). The same token again adds nothing.
  base::Status Insert(std::string_view table, std::string_view rowbinary, std::string_view token);

  // SQL of ours. The answer is typed columns.
  base::Result<Rows> Query(std::string_view sql, const Params& params = {});
  base::Status Execute(std::string_view sql, const Params& params = {});

  // Free SQL behind the gate (design section 2): the raw answer in `format` (ClickHouse's name,
  // e.g. "JSONCompact"), or the reason for refusal (denied: the gate; invalid: "Code: 62.
  // DB::Exception: …"). A query that fails while it runs is an answer with a status of 400 and
  // more. `settings` are those a client sent; only allow-listed ones are passed on, the rest is
  // ignored. `params` are plain text, not yet in the engine's escaped form.
  base::Result<base::HttpAnswer> Free(std::string_view sql, std::string_view format,
                                      const Params& settings = {}, const Params& params = {},
                                      std::string_view database = {});

  EngineFacts engine() const;
  // Called by the owner about once a second: restarts the child when it is dead or above its memory
  // for too long.
  void Supervise();

  // For tests: called at "before_send", "after_send", "before_answer"; true = fail there.
  void set_fault_point(std::function<bool(std::string_view point)> fault);

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace strata::store
