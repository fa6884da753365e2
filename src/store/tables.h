// SPDX-License-Identifier: Apache-2.0
// The schema: tables, their columns and the public views over them, versioned. Columns of the
// minute tables come from the catalogs. The page docs/reference/tables.md is printed from here by a
// test.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/catalog.h"

namespace strata::store {

inline constexpr int kSchemaVersion = 3;

struct Column {
  std::string name;
  std::string type;
};

// Which retention of Options a table follows; its TTL counts from `received`.
enum class Keep : unsigned char { forever, day, samples, spans, logs, minutes, requests, ledger };

struct TableDef {
  std::string name;             // stored name; versioned ones are "<public>_v"
  std::vector<Column> columns;  // in RowBinary order
  std::string create;           // CREATE TABLE … up to ORDER BY; Store adds TTL and SETTINGS
  Keep keep = Keep::forever;
  std::string settings;  // "a = 1, b = 2"
  std::string meaning;   // one sentence
};

// The type of a minute table's labels: texts beside the facts.
inline constexpr std::string_view kLabelType = "LowCardinality(Nullable(String))";

struct ViewDef {
  std::string name;
  std::string create;  // CREATE OR REPLACE VIEW …
  std::string meaning;
};

// All tables for these catalogs, and then the views of the public names.
std::vector<TableDef> MakeTables(std::span<const model::Catalog* const> catalogs);
std::vector<ViewDef> MakeViewDefs(std::span<const model::Catalog* const> catalogs);
std::vector<std::string> MakeViews(std::span<const model::Catalog* const> catalogs);

// Fact columns of a minute table, in table order (after the keys), e.g. for "gpu_minute".
std::vector<std::string> minute_columns(std::span<const model::Catalog* const> catalogs,
                                        std::string_view table);

// The key columns of a minute table, in table order; the first is the entity of its rows in
// `closes` (request_minute: the entity is ''). Empty for another table.
std::vector<std::string> minute_keys(std::string_view table);

// Which rows of the stored table of this public name count, as SQL: those of the newest version.
// `bound` = what else the rows in `closes` must fulfil (" AND minute > …"); without it all are
// read.
std::string NewestClosed(std::string_view table, std::string_view bound = {});

// Names that free SQL may read.
const std::vector<std::string>& published_names();

}  // namespace strata::store
