// SPDX-License-Identifier: Apache-2.0
// Ledger rows of a time range become the answer of `strata cost --json`. Every grouping adds up to
// the same bill; the residual is computed in exact decimals, not asserted.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "l8_cost/ledger.h"

namespace strata::l8_cost {

// Finished calls of the range, for cost per request; labels as in LedgerRow, "" where a label is
// not known of calls.
struct CallCount {
  std::string engine, node, ns, service, model, tenant, team;
  double calls = 0;
};

struct CostQuestion {
  std::int64_t from_ns = 0, to_ns = 0;
  std::vector<std::string> by;   // keys of cost_keys()
  std::string currency = "USD";  // shown when no row has one
  std::span<const CallCount> calls{};
};

// The keys that `--by` takes: cluster, region, …, service, class, minute.
const std::vector<std::string>& cost_keys();

// An unknown key is refused, with the list. Rows outside [from, to) are passed over.
base::Result<base::Json> CostAnswer(std::span<const LedgerRow> rows, const CostQuestion& question);

}  // namespace strata::l8_cost
