// SPDX-License-Identifier: Apache-2.0
// What an engine's worked minute bought: tokens of the calls live in it, by class. Inside l8_cost
// only.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "l8_cost/ledger.h"

namespace strata::l8_cost {

struct TokenGroup {
  std::string model, tenant, team, class_, flags;
  double input = 0, cached = 0, output = 0, draft = 0;  // of this minute; input without cached
  double live_s = 0;                                    // seconds that its calls were live
};

struct EngineTokens {
  std::vector<TokenGroup> groups;  // sorted, so that the same minute gives the same rows
  double live_s = 0;               // union of all calls, seconds
  bool any = false;                // some token was computed
};

// Deals the calls' tokens to this minute: output evenly from first token to end, input from start
// to first token. What the engine's own counters show beyond the known calls (all of it without
// calls, else above 5 %) is a group `useful` with the flag no_calls, an upper bound. `facts` may be
// null.
EngineTokens GatherTokens(const MinuteInputs& inputs, const EngineFacts* facts,
                          std::span<const CallFacts* const> calls);

void AddFlag(std::string_view flag, std::string* flags);
void AddFlags(std::string_view several, std::string* flags);  // comma-separated

}  // namespace strata::l8_cost
