// SPDX-License-Identifier: Apache-2.0
// Requests: rows that the wiring joins from call fragments, and their facts per engine, model and
// tenant.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "minutes/fold.h"
#include "minutes/layout.h"
#include "store/rows.h"

namespace strata::minutes {

// One row of `requests`; NaN = not told.
struct RequestRow {
  std::int64_t ts = 0, end_ts = 0;
  std::string trace_id, span_id, response_id, engine, node, ns, model, tenant, team, service,
      operation, provider;
  std::string status, finish_reason, error_type;
  double input_tokens = kAbsent, cached_tokens = kAbsent, output_tokens = kAbsent,
         reasoning_tokens = kAbsent;
  double queue_s = kAbsent, prefill_s = kAbsent, decode_s = kAbsent, ttft_s = kAbsent,
         tpot_s = kAbsent, e2e_s = kAbsent;
  bool stream = false;
  std::string retry_of, class_;
  double useful = kAbsent;  // 1, 0, NaN = not assessed
  std::string token_source;
};

// Rows of `calls` (all its columns) to requests. Handed in by the wiring, so that no layer is known
// here. The calls are those of a minute and all that share a trace or response id with one of them;
// requests that start outside the minute are left out by the caller.
using JoinCalls =
    std::function<std::vector<RequestRow>(const store::Rows& calls, const std::string& origin)>;

// Facts of the requests that started in one minute, one row per (engine, model, tenant).
std::vector<MinuteRow> FoldRequests(const Layout& layout, std::int64_t minute_ns,
                                    std::span<const RequestRow> requests);

}  // namespace strata::minutes
