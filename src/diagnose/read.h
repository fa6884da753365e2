// SPDX-License-Identifier: Apache-2.0
// Facts out of the store: the closed minutes of the last hour, holdings and events around a time.
// All SQL of this room.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "diagnose/facts.h"
#include "diagnose/findings.h"
#include "store/store.h"

namespace strata::diagnose {

// The columns of a table that some rule looks at, in a fixed order.
std::vector<std::string> ColumnsOf(std::string_view table);

// Closed minutes (at - 65 min, at], links and events. `origin` as stored.
base::Result<Facts> ReadFacts(store::Store& store, const std::string& origin, std::int64_t at_ns);
// What GPUs, engines and jobs cost per hour, of the last ten minutes: only a finding asks for it.
base::Status ReadCost(store::Store& store, const std::string& origin, std::int64_t at_ns,
                      Facts* facts);

// ReadFacts for whoever asks every few seconds: minutes and holdings are read once a minute,
// when a minute has just been closed, events each time. Thread-safe; one per store.
class FactsReader {
 public:
  // `closed_after_ns`: how long after its end a minute stands closed (lateness and a little).
  explicit FactsReader(store::Store* store, std::int64_t closed_after_ns = 25 * base::kSecond)
      : store_(store), closed_after_ns_(closed_after_ns) {}
  base::Result<Facts> Read(const std::string& origin, std::int64_t at_ns);

 private:
  struct Kept {
    std::int64_t key = -1;
    std::shared_ptr<const Facts> facts;
  };
  store::Store* store_;
  std::int64_t closed_after_ns_;
  std::mutex mutex_;
  std::map<std::string, Kept> kept_;  // by origin
};

// Rows of minutes that are not closed yet, as whoever closes minutes keeps them: keys in the order
// of store::minute_keys(table), value(column) NaN = not measured. A minute that stands closed
// already is left as it is.
struct RunningRow {
  std::string table;
  std::int64_t minute_ns = 0;
  std::vector<std::string> keys;
  std::function<double(std::string_view column)> value;
};
void AddRunning(const std::vector<RunningRow>& rows, Facts* facts);

base::Result<std::vector<Finding>> ReadOpenFindings(store::Store& store, const std::string& origin);
base::Status WriteFindings(store::Store& store, const std::vector<Finding>& findings,
                           std::int64_t now_ns);

}  // namespace strata::diagnose
