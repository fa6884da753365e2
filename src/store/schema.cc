// SPDX-License-Identifier: Apache-2.0
#include "store/schema.h"

#include <iterator>
#include <set>
#include <utility>

#include "base/hash.h"

namespace strata::store {
namespace {

// kMigrations[v - 1] brings version v to v + 1. Statements must bear being run twice.
struct Migration {
  int from;
  std::vector<std::string> statements;
};
const std::vector<Migration>& Migrations() {
  static const std::vector<Migration> all = {
      // A minute of the ledger was closed device by device, always all of them in one pass.
      {1,
       {"INSERT INTO closes (table, minute, entity, version, origin, received) SELECT table, "
        "minute, '', max(version), origin, max(received) FROM closes WHERE table = 'ledger' AND "
        "entity != '' GROUP BY table, minute, origin"}},
      // Samples stood as binary numbers in a table of the name that is a view now.
      {2,
       {"CREATE TABLE IF NOT EXISTS samples (series UInt64, ts DateTime64(9, 'UTC'), start_ts "
        "DateTime64(9, 'UTC'), value Float64, received DateTime('UTC')) ENGINE = MergeTree ORDER "
        "BY series",
        "CREATE TABLE IF NOT EXISTS samples_packed (series UInt64, ts DateTime64(9, 'UTC'), "
        "start_ts DateTime64(9, 'UTC'), mantissa Int64 CODEC(Delta(8), T64('bit'), ZSTD(1)), scale "
        "Int8 CODEC(ZSTD(1)), raw Float64 CODEC(Gorilla, ZSTD(1)), received DateTime('UTC') "
        "CODEC(Delta(4), ZSTD(1))) ENGINE = ReplacingMergeTree PARTITION BY toStartOfHour(ts) "
        "ORDER BY (series, ts, start_ts) SETTINGS non_replicated_deduplication_window = 10000, "
        "ttl_only_drop_parts = 1",
        "INSERT INTO samples_packed (series, ts, start_ts, mantissa, scale, raw, received) SELECT "
        "series, ts, start_ts, 0, -128, value, received FROM samples SETTINGS "
        "max_partitions_per_insert_block = 0",
        "DROP TABLE samples"}}};
  return all;
}

std::int64_t Days(Keep keep, const Options& options) {
  switch (keep) {
    case Keep::forever: return 0;
    case Keep::day: return 1;
    case Keep::samples: return options.samples_days;
    case Keep::spans: return options.spans_days;
    case Keep::logs: return options.logs_days;
    case Keep::minutes: return options.minutes_days;
    case Keep::requests: return options.requests_days;
    case Keep::ledger: return options.ledger_days;
  }
  return 0;
}

std::string Ttl(const TableDef& table, const Options& options) {
  const std::int64_t days = Days(table.keep, options);
  return days <= 0 ? std::string() : "received + toIntervalDay(" + std::to_string(days) + ")";
}

// Everything that Migrate would do, as one number: the same as at the last start means nothing to
// do.
std::string Fingerprint(const Options& options, std::string_view published) {
  std::string all = std::to_string(kSchemaVersion) + std::string(published);
  for (const TableDef& table : MakeTables(options.catalogs)) all += CreateStatement(table, options);
  for (const ViewDef& view : MakeViewDefs(options.catalogs)) all += view.create;
  for (const std::string& name : published_names()) all += name;
  return base::HashBytes128(all).hex();
}

base::Status AddMissingColumns(const TableDef& table, const SchemaDoor& door) {
  ASSIGN_OR_RETURN(const Rows rows,
                   door.query("SELECT name FROM system.columns WHERE database = '" +
                              std::string(kDatabase) + "' AND table = '" + table.name + "'"));
  std::set<std::string, std::less<>> known;
  for (std::size_t i = 0; i < rows.size(); ++i) known.emplace(rows.text(i, 0));
  std::string adds;
  for (const Column& column : table.columns) {
    if (known.contains(column.name)) continue;
    adds += (adds.empty() ? " ADD COLUMN `" : ", ADD COLUMN `") + column.name + "` " + column.type;
  }
  if (adds.empty()) return {};
  return door.execute("ALTER TABLE " + table.name + adds);
}

base::Status MakeAll(const Options& options, std::string_view published, bool fresh,
                     const SchemaDoor& door) {
  for (const TableDef& table : MakeTables(options.catalogs)) {
    std::string create = CreateStatement(table, options);
    create.insert(std::string_view("CREATE TABLE ").size(), "IF NOT EXISTS ");
    RETURN_IF_ERROR(door.execute(create).With("table " + table.name));
    if (fresh) continue;
    RETURN_IF_ERROR(AddMissingColumns(table, door).With("table " + table.name));
    if (const std::string ttl = Ttl(table, options); !ttl.empty()) {
      // Only new parts and merges look at it: no rewrite of what stands.
      RETURN_IF_ERROR(door.execute("ALTER TABLE " + table.name + " MODIFY TTL " + ttl +
                                   " SETTINGS materialize_ttl_after_modify = 0")
                          .With("table " + table.name));
    }
  }
  for (const ViewDef& view : MakeViewDefs(options.catalogs))
    RETURN_IF_ERROR(door.execute(view.create).With("view " + view.name));
  for (const std::string& name : published_names()) {
    RETURN_IF_ERROR(door.execute("CREATE OR REPLACE VIEW " + std::string(published) + "." + name +
                                 " AS SELECT * FROM " + std::string(kDatabase) + "." + name)
                        .With("view " + name));
  }
  return {};
}

}  // namespace

std::string CreateStatement(const TableDef& table, const Options& options) {
  const std::string ttl = Ttl(table, options);
  return table.create + (ttl.empty() ? "" : " TTL " + ttl) +
         (table.settings.empty() ? "" : " SETTINGS " + table.settings);
}

base::Status Migrate(const Options& options, std::string_view published, const SchemaDoor& door) {
  const std::string database(kDatabase);
  RETURN_IF_ERROR(door.execute("CREATE DATABASE IF NOT EXISTS " + database));
  RETURN_IF_ERROR(door.execute("CREATE DATABASE IF NOT EXISTS " + std::string(published)));
  RETURN_IF_ERROR(door.execute("CREATE TABLE IF NOT EXISTS " + database +
                               ".schema_version (version UInt32, fingerprint String, step UInt64) "
                               "ENGINE = MergeTree ORDER BY step"));
  ASSIGN_OR_RETURN(const Rows rows,
                   door.query("SELECT version, fingerprint, step FROM " + database +
                              ".schema_version ORDER BY step DESC LIMIT 1"));
  const int found = rows.size() == 0 ? 0 : static_cast<int>(rows.i64(0, 0));
  const std::int64_t step = rows.size() == 0 ? 0 : rows.i64(0, 2);
  if (found > kSchemaVersion) {
    return base::Unsupported("the data were written by a newer strata (schema " +
                             std::to_string(found) + ", this program knows " +
                             std::to_string(kSchemaVersion) +
                             "): use that program, or another data directory");
  }
  const std::string fingerprint = Fingerprint(options, published);
  if (found == kSchemaVersion && rows.text(0, 1) == fingerprint) return {};
  for (const Migration& migration : Migrations()) {
    if (found == 0 || migration.from < found) continue;
    for (const std::string& statement : migration.statements) {
      RETURN_IF_ERROR(
          door.execute(statement).With("migration from schema " + std::to_string(migration.from)));
    }
  }
  RETURN_IF_ERROR(MakeAll(options, published, found == 0, door));
  return door.execute("INSERT INTO " + database + ".schema_version VALUES (" +
                      std::to_string(kSchemaVersion) + ", '" + fingerprint + "', " +
                      std::to_string(step + 1) + ")");
}

}  // namespace strata::store
