// SPDX-License-Identifier: Apache-2.0
// The wiring between `calls` and `requests`: rows to L7's calls, L7's join, and L8's verdict on
// each request.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "l8_cost/ledger.h"
#include "minutes/requests.h"

namespace strata::server {

// `engines(origin)`: ids of the known engine entities. `slos` and `truncated_is_waste` decide the
// class.
minutes::JoinCalls MakeJoin(std::function<std::vector<std::string>(const std::string&)> engines,
                            std::vector<l8_cost::SloRule> slos, bool truncated_is_waste);

}  // namespace strata::server
