// SPDX-License-Identifier: Apache-2.0
// The wiring of the ledger: reads what minutes, holdings, entities and requests say, lets l8_cost
// close the books, and keeps the rows. Belongs to the jobs thread; Cost may be asked from any.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "l8_cost/answer.h"
#include "l8_cost/ledger.h"
#include "l8_cost/prices.h"
#include "server/config.h"
#include "store/store.h"

namespace strata::server {

class Books {
 public:
  static base::Result<std::unique_ptr<Books>> Make(const Config& config, store::Store& store);

  // Books these minutes (starts, ns) of one origin anew. Rows get `now_ns` as version.
  base::Status Book(const std::string& origin, const std::set<std::int64_t>& minutes,
                    std::int64_t now_ns);

  // `strata cost`: the ledger of a window, grouped. `rows` false leaves the rows out (the page's
  // headline).
  base::Result<base::Json> Cost(std::int64_t from_ns, std::int64_t to_ns, std::string_view by,
                                std::string_view origin, bool rows) const;

  const std::vector<l8_cost::SloRule>& slos() const { return slos_; }
  // origin -> end of its newest booked minute
  const std::map<std::string, std::int64_t>& last() const { return last_; }

 private:
  Books(const Config& config, store::Store& store, l8_cost::PriceBook prices)
      : config_(config), store_(store), prices_(std::move(prices)) {}
  struct Facts;
  base::Status Read(const std::string& origin, std::int64_t from_ns, std::int64_t to_ns,
                    Facts* facts) const;
  base::Status Write(const std::string& origin, const l8_cost::Ledger& ledger,
                     const l8_cost::MinuteInputs& inputs, std::int64_t now_ns);

  const Config& config_;
  store::Store& store_;
  l8_cost::PriceBook prices_;
  std::vector<l8_cost::SloRule> slos_;
  std::map<std::string, std::int64_t> last_;
  std::string pending_rows_, pending_closes_;
};

}  // namespace strata::server
