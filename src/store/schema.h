// SPDX-License-Identifier: Apache-2.0
// Brings the database to this program's schema: makes it, migrates an older one step by step, adds
// the minute columns that the catalogs gained, follows changed retentions; a newer one is refused.
// Runs once, before anything else.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "store/store.h"
#include "store/tables.h"

namespace strata::store {

inline constexpr std::string_view kDatabase = "strata";

struct SchemaDoor {
  std::function<base::Status(std::string_view sql)>
      execute;  // in kDatabase, which may not exist yet
  std::function<base::Result<Rows>(std::string_view sql)> query;
};

base::Status Migrate(const Options& options, std::string_view published_database,
                     const SchemaDoor& door);

// For tests: CREATE TABLE with TTL and settings.
std::string CreateStatement(const TableDef& table, const Options& options);

}  // namespace strata::store
