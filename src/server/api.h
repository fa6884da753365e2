// SPDX-License-Identifier: Apache-2.0
// The JSON API of interface.md section 2, the page and the ClickHouse HTTP interface. Handlers run
// on the HTTP server's workers and share nothing that changes but what Services points to, all of
// which is thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/http_server.h"
#include "base/json.h"
#include "server/access.h"
#include "server/config.h"
#include "server/ingest.h"
#include "server/place.h"
#include "store/store.h"

namespace strata::server {

class Jobs;

inline constexpr std::string_view kVersion = "0.1.0";

struct Services {
  const Config& config;
  const base::Clock& clock;
  std::span<const model::Catalog* const> catalogs;
  const Access& access;
  store::Store& store;
  Ingest& ingest;
  Place& place;
  Jobs& jobs;
  std::int64_t started_ns = 0;
};

// TYPE:ID, or a bare id that only one entity has; not_found where the origin knows none. A rank or
// a MIG instance is known by what it is part of.
struct EntityName {
  std::string type, id;
};
base::Result<EntityName> FindEntity(const Services& s, std::string_view text,
                                    std::string_view origin);

// Answers of one endpoint each; the same JSON as the commands print. `origin` is live, a world's
// name or all.
base::Json StatusAnswer(const Services& s);
base::Result<base::Json> EntitiesAnswer(const Services& s, std::string_view type,
                                        std::string_view origin);
base::Result<base::Json> CoreAnswer(const Services& s, std::string_view entity, std::int64_t from,
                                    std::int64_t to, std::int64_t step, std::string_view origin);
base::Result<base::Json> CostOf(const Services& s, std::int64_t from, std::int64_t to,
                                std::string_view by, std::string_view origin);
base::Result<base::Json> WhyOf(const Services& s, std::string_view symptom, std::string_view entity,
                               std::int64_t at, std::string_view origin);
base::Result<base::Json> FindingsAnswer(const Services& s, std::int64_t from, std::int64_t to,
                                        std::string_view origin);
struct RequestFilter {
  std::string_view model, tenant, status;
  std::int64_t limit = 200;
};
base::Result<base::Json> RequestsAnswer(const Services& s, std::int64_t from, std::int64_t to,
                                        const RequestFilter& filter, std::string_view origin);
base::Result<base::Json> TraceAnswer(const Services& s, std::string_view trace_id);
base::Json CatalogAnswer(std::span<const model::Catalog* const> catalogs);
base::Json LiveTick(const Services& s);
std::string MetricsText(const Services& s);  // own /metrics

// Everything on the API port.
base::ServerAnswer ApiDoor(const base::ServerRequest& request, const Services& s);
// POST or GET below /clickhouse/.
base::ServerAnswer ClickHouseDoor(const base::ServerRequest& request, const Services& s);

}  // namespace strata::server
