// SPDX-License-Identifier: Apache-2.0
// The thread that computes: closes minutes, writes the ledger, diagnoses, and looks after the
// engine child. Accessors copy what the last pass found.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/status.h"
#include "model/catalog.h"
#include "server/config.h"
#include "store/store.h"

namespace strata::server {

class Place;
class Ingest;
class CommWatch;

class Jobs {
 public:
  Jobs(const Config& config, const base::Clock& clock,
       std::span<const model::Catalog* const> catalogs, store::Store& store, Place& place,
       Ingest& ingest, CommWatch& comm);
  ~Jobs();  // Stop()
  base::Status Start();
  void Stop();

  // cost --json of the last hour without its rows; null before the first pass.
  base::Json headline(const std::string& origin) const;
  base::Json open_findings() const;
  std::map<std::string, std::int64_t> ledger_last()
      const;  // origin -> end of the newest ledger minute
  double close_seconds() const;
  double lag_seconds() const;
  std::int64_t cpu_ns() const;

  // Answers that need the running minute as well as the store; any thread.
  base::Result<base::Json> Cost(std::int64_t from, std::int64_t to, std::string_view by,
                                std::string_view origin, bool rows);
  base::Result<base::Json> Why(std::string_view symptom, std::string_view entity, std::int64_t at,
                               std::string_view origin);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::server
