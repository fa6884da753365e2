// SPDX-License-Identifier: Apache-2.0
// What a diagnosis looks at, as plain values: minutes of every entity, who held what, events,
// objectives. No store here, so that a test can write it down.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/attributes.h"

namespace strata::diagnose {

inline constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();

struct Row {
  std::int64_t minute_ns = 0;
  double covered_s = 60;  // of a running minute: what has passed; sums are scaled to a whole minute
  std::vector<double> values;  // as Facts::columns of the table; NaN = not measured
};

// The minutes of one entity, oldest first. request_minute: the entity is the engine (or the model,
// where no engine is known) and `member` tells models and tenants apart; comm_minute, job_minute:
// `member` is the rank.
struct Track {
  std::string table, entity_type, entity, member;
  model::Attributes keys;  // node, model, namespace, pod, tenant
  std::vector<Row> rows;
};

struct Link {  // a holding around the time asked for
  std::string gpu, node, ns, pod, engine, job;
  std::int64_t from_ns = 0, to_ns = 0;  // to 0 = still held
};

struct EventFact {
  std::int64_t ts = 0;
  std::string event, entity_type, entity, message;
  model::Attributes attributes;
  std::string severity;
};

struct Objective {
  std::string model = "*", tenant = "*";
  double ttft_s = kAbsent, tpot_s = kAbsent, e2e_s = kAbsent;
};

struct Facts {
  std::int64_t at_ns = 0;
  std::map<std::string, std::vector<std::string>, std::less<>> columns;  // table -> columns
  std::vector<Track> tracks;
  std::vector<Link> links;
  std::vector<EventFact> events;
  std::vector<Objective> objectives;
  std::map<std::string, double> cost_per_hour;  // by entity, where the ledger knows it

  // Adds a row to its track, making the track when it is new. `values` are by column name.
  Track& Add(std::string_view table, std::string_view entity_type, std::string_view entity,
             std::string_view member, const model::Attributes& keys);
};

}  // namespace strata::diagnose
