// SPDX-License-Identifier: Apache-2.0
// The tables as data. A line of `columns` is "name type [CODEC(…)]"; the order of the lines is the
// order of RowBinary. Partitions of samples are hours, so that a closing minute reads at most an
// hour of each series.
#include "store/tables.h"

#include <algorithm>

#include "base/check.h"
#include "store/pack.h"

namespace strata::store {
namespace {

struct Spec {
  std::string_view name;
  std::string_view meaning;
  std::string_view columns;
  std::string_view engine;  // ENGINE … ORDER BY …
  Keep keep;
  std::string_view computed = {};  // DEFAULT columns and indexes: not part of an insert
};

constexpr std::string_view kTail = R"(
origin LowCardinality(String)
received DateTime('UTC') CODEC(Delta(4), ZSTD(1))
)";

constexpr Spec kSpecs[] = {
    {"series",
     "What a sample's number belongs to; the id is a 64-bit hash of everything here but layer, "
     "unit and received. "
     "Announced again after a restart: read it with LIMIT 1 BY id.",
     R"(
id UInt64
layer LowCardinality(String)
signal LowCardinality(String)
unit LowCardinality(String)
kind LowCardinality(String)
temporality LowCardinality(String)
entity_type LowCardinality(String)
entity String
attributes Map(LowCardinality(String), String)
source LowCardinality(String)
origin LowCardinality(String)
received DateTime('UTC')
)",
     "ENGINE = ReplacingMergeTree(received) ORDER BY id", Keep::forever},
    {"samples_packed",
     "What `samples` is read from: value = mantissa / 10^scale, or raw where scale is -128 "
     "(pack.h). "
     "The same (series, ts, start_ts) may stand twice until parts merge.",
     R"(
series UInt64 CODEC(ZSTD(1))
ts DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1))
start_ts DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1))
mantissa Int64 CODEC(Delta(8), T64('bit'), ZSTD(1))
scale Int8 CODEC(ZSTD(1))
raw Float64 CODEC(Gorilla, ZSTD(1))
received DateTime('UTC') CODEC(Delta(4), ZSTD(1))
)",
     "ENGINE = ReplacingMergeTree PARTITION BY toStartOfHour(ts) ORDER BY (series, ts, start_ts)",
     Keep::samples},
    {"histogram_samples",
     "Histograms as received. form = explicit (bounds without +Inf, counts one longer, not "
     "cumulative) or "
     "exponential (scale, offsets, counts = the positive buckets).",
     R"(
series UInt64 CODEC(ZSTD(1))
ts DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1))
start_ts DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1))
count UInt64 CODEC(Delta(8), ZSTD(1))
sum Nullable(Float64) CODEC(ZSTD(1))
min Nullable(Float64) CODEC(ZSTD(1))
max Nullable(Float64) CODEC(ZSTD(1))
form LowCardinality(String)
bounds Array(Float64) CODEC(ZSTD(1))
counts Array(UInt64) CODEC(ZSTD(1))
scale Int32 CODEC(ZSTD(1))
positive_offset Int32 CODEC(ZSTD(1))
negative_offset Int32 CODEC(ZSTD(1))
negative_counts Array(UInt64) CODEC(ZSTD(1))
zero_count UInt64 CODEC(ZSTD(1))
received DateTime('UTC') CODEC(DoubleDelta, ZSTD(1))
)",
     "ENGINE = ReplacingMergeTree PARTITION BY toStartOfHour(ts) ORDER BY (series, ts, start_ts)",
     Keep::samples},
    {"events", "Things that happened at one moment.",
     R"(
ts DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1))
layer LowCardinality(String)
event LowCardinality(String)
entity_type LowCardinality(String)
entity String CODEC(ZSTD(1))
severity LowCardinality(String)
message String CODEC(ZSTD(1))
attributes Map(LowCardinality(String), String) CODEC(ZSTD(1))
source LowCardinality(String)
)",
     "ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(ts) ORDER BY (ts, layer, event, "
     "entity_type, entity, message, origin)",
     Keep::minutes},
    {"otel_traces",
     "Spans in the schema of the OpenTelemetry Collector's ClickHouse exporter, and origin and "
     "received.",
     R"(
Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1))
TraceId String CODEC(ZSTD(1))
SpanId String CODEC(ZSTD(1))
ParentSpanId String CODEC(ZSTD(1))
TraceState String CODEC(ZSTD(1))
SpanName LowCardinality(String) CODEC(ZSTD(1))
SpanKind LowCardinality(String) CODEC(ZSTD(1))
ServiceName LowCardinality(String) CODEC(ZSTD(1))
ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1))
ScopeName String CODEC(ZSTD(1))
ScopeVersion String CODEC(ZSTD(1))
SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1))
Duration UInt64 CODEC(ZSTD(1))
StatusCode LowCardinality(String) CODEC(ZSTD(1))
StatusMessage String CODEC(ZSTD(1))
`Events.Timestamp` Array(DateTime64(9)) CODEC(ZSTD(1))
`Events.Name` Array(LowCardinality(String)) CODEC(ZSTD(1))
`Events.Attributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1))
`Links.TraceId` Array(String) CODEC(ZSTD(1))
`Links.SpanId` Array(String) CODEC(ZSTD(1))
`Links.TraceState` Array(String) CODEC(ZSTD(1))
`Links.Attributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1))
)",
     "ENGINE = ReplacingMergeTree PARTITION BY toDate(Timestamp) "
     "ORDER BY (ServiceName, SpanName, toDateTime(Timestamp), TraceId, SpanId)",
     Keep::spans, "INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1"},
    {"otel_logs",
     "Log records in the schema of the OpenTelemetry Collector's ClickHouse exporter, and origin "
     "and received.",
     R"(
Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1))
TraceId String CODEC(ZSTD(1))
SpanId String CODEC(ZSTD(1))
TraceFlags UInt8
SeverityText LowCardinality(String) CODEC(ZSTD(1))
SeverityNumber UInt8
ServiceName LowCardinality(String) CODEC(ZSTD(1))
Body String CODEC(ZSTD(1))
ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1))
ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1))
ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1))
ScopeName String CODEC(ZSTD(1))
ScopeVersion LowCardinality(String) CODEC(ZSTD(1))
ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1))
LogAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1))
EventName String CODEC(ZSTD(1))
)",
     "ENGINE = MergeTree PARTITION BY toDate(Timestamp) PRIMARY KEY (ServiceName, TimestampTime) "
     "ORDER BY (ServiceName, TimestampTime, Timestamp)",
     Keep::logs,
     "TimestampTime DateTime DEFAULT toDateTime(Timestamp), INDEX idx_trace_id TraceId TYPE "
     "bloom_filter(0.001) GRANULARITY 1"},
    {"entities_seen", "Sightings of entities; the view `entities` makes validity of them.",
     R"(
type LowCardinality(String)
id String
name String
attributes Map(LowCardinality(String), String)
seen DateTime64(9, 'UTC')
)",
     "ENGINE = ReplacingMergeTree ORDER BY (origin, type, id, seen)", Keep::ledger},
    {"holdings_v",
     "Who held what share of a device; a later version of the same (gpu, holder, source, "
     "valid_from) replaces the "
     "earlier. valid_to NULL = still held, memory_bytes NULL = not told.",
     R"(
gpu String
node String
namespace String
pod String
container String
workload_kind LowCardinality(String)
workload String
team LowCardinality(String)
queue LowCardinality(String)
job String
engine String
cluster LowCardinality(String)
region LowCardinality(String)
zone LowCardinality(String)
rack LowCardinality(String)
user LowCardinality(String)
account LowCardinality(String)
partition LowCardinality(String)
share_kind LowCardinality(String)
share Float64
memory_bytes Nullable(Float64)
source LowCardinality(String)
valid_from DateTime64(9, 'UTC')
valid_to Nullable(DateTime64(9, 'UTC'))
version UInt64
)",
     "ENGINE = MergeTree ORDER BY (origin, gpu, valid_from, namespace, pod, container, job, "
     "engine, source, version)",
     Keep::ledger},
    {"collectives",
     "One row per rank and collective. ts = its end, or its start while open; duration_s NULL "
     "while open. A row "
     "`done` replaces the row `open` when parts merge: read with ORDER BY state LIMIT 1 BY "
     "communicator, seq, rank, "
     "operation.",
     R"(
ts DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1))
communicator String CODEC(ZSTD(1))
seq UInt64 CODEC(Delta(8), ZSTD(1))
operation LowCardinality(String)
bytes UInt64 CODEC(ZSTD(1))
rank Int32 CODEC(ZSTD(1))
nranks Int32 CODEC(ZSTD(1))
gpu LowCardinality(String)
node LowCardinality(String)
start DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1))
duration_s Nullable(Float64) CODEC(ZSTD(1))
algbw Nullable(Float64) CODEC(ZSTD(1))
busbw Nullable(Float64) CODEC(ZSTD(1))
algorithm LowCardinality(String)
protocol LowCardinality(String)
state LowCardinality(String)
)",
     "ENGINE = ReplacingMergeTree PARTITION BY toStartOfHour(start) ORDER BY (communicator, seq, "
     "rank, operation, start, origin)",
     Keep::day},
    {"calls",
     "Fragments of model calls, one per span or stream; `requests` is joined from them. kind = "
     "caller | gateway | engine.",
     R"(
ts DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1))
end_ts DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1))
trace_id String CODEC(ZSTD(1))
span_id String CODEC(ZSTD(1))
parent_span_id String CODEC(ZSTD(1))
kind LowCardinality(String)
response_id String CODEC(ZSTD(1))
engine LowCardinality(String)
server_address LowCardinality(String)
server_port LowCardinality(String)
model LowCardinality(String)
tenant LowCardinality(String)
team LowCardinality(String)
service LowCardinality(String)
status LowCardinality(String)
finish_reason LowCardinality(String)
operation LowCardinality(String)
provider LowCardinality(String)
input_tokens Nullable(Float64)
cached_tokens Nullable(Float64)
output_tokens Nullable(Float64)
reasoning_tokens Nullable(Float64)
ttft_s Nullable(Float64)
queue_s Nullable(Float64)
prefill_s Nullable(Float64)
decode_s Nullable(Float64)
e2e_s Nullable(Float64)
stream UInt8
error_type LowCardinality(String)
token_source LowCardinality(String)
attributes Map(LowCardinality(String), String) CODEC(ZSTD(1))
)",
     "ENGINE = ReplacingMergeTree PARTITION BY toDate(ts) ORDER BY (ts, trace_id, span_id, kind, "
     "origin)",
     Keep::requests},
    {"sources", "The last state of each source: live | stale | failed | absent.",
     R"(
name String
layer LowCardinality(String)
state LowCardinality(String)
detail String
last DateTime64(9, 'UTC')
)",
     "ENGINE = ReplacingMergeTree(last) ORDER BY (origin, layer, name)", Keep::minutes},
    {"requests_v",
     "One row per model call, versioned. `minute` is the minute of ts under which it was closed; "
     "its closes have "
     "entity ''. useful: 1, 0 or NULL = not assessed; class = useful | error | aborted | slo_miss "
     "| …",
     R"(
minute DateTime('UTC') CODEC(Delta(4), ZSTD(1))
ts DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1))
end_ts DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1))
trace_id String CODEC(ZSTD(1))
span_id String CODEC(ZSTD(1))
response_id String CODEC(ZSTD(1))
engine LowCardinality(String)
node LowCardinality(String)
namespace LowCardinality(String)
model LowCardinality(String)
tenant LowCardinality(String)
team LowCardinality(String)
service LowCardinality(String)
operation LowCardinality(String)
provider LowCardinality(String)
status LowCardinality(String)
finish_reason LowCardinality(String)
error_type LowCardinality(String)
input_tokens Nullable(Float64)
cached_tokens Nullable(Float64)
output_tokens Nullable(Float64)
reasoning_tokens Nullable(Float64)
queue_s Nullable(Float64)
prefill_s Nullable(Float64)
decode_s Nullable(Float64)
ttft_s Nullable(Float64)
tpot_s Nullable(Float64)
e2e_s Nullable(Float64)
stream UInt8
retry_of String CODEC(ZSTD(1))
class LowCardinality(String)
useful Nullable(Float64)
token_source LowCardinality(String)
version UInt64
)",
     "ENGINE = MergeTree PARTITION BY toYYYYMM(minute) ORDER BY (minute, ts, trace_id, span_id, "
     "version)",
     Keep::requests},
    {"ledger_v",
     "Money and joules of one minute, device, holder and class, versioned. Its closes have entity "
     "''. cost is "
     "exact to 1e-12, device_ns are nanoseconds of the device. token_kind = input | cached | "
     "output | ''.",
     R"(
minute DateTime('UTC') CODEC(Delta(4), ZSTD(1))
device LowCardinality(String)
device_kind LowCardinality(String)
gpu_model LowCardinality(String)
node LowCardinality(String)
cluster LowCardinality(String)
region LowCardinality(String)
zone LowCardinality(String)
rack LowCardinality(String)
namespace LowCardinality(String)
team LowCardinality(String)
workload_kind LowCardinality(String)
workload LowCardinality(String)
pod LowCardinality(String)
container LowCardinality(String)
engine LowCardinality(String)
service LowCardinality(String)
model LowCardinality(String)
tenant LowCardinality(String)
job LowCardinality(String)
queue LowCardinality(String)
user LowCardinality(String)
account LowCardinality(String)
partition LowCardinality(String)
holder_kind LowCardinality(String)
class LowCardinality(String)
token_kind LowCardinality(String)
device_ns Int64 CODEC(ZSTD(1))
cost Decimal(38, 12) CODEC(ZSTD(1))
currency LowCardinality(String)
joules Nullable(Float64) CODEC(ZSTD(1))
tokens Nullable(Float64) CODEC(ZSTD(1))
share Float64 CODEC(ZSTD(1))
share_kind LowCardinality(String)
policy LowCardinality(String)
price_source LowCardinality(String)
flags LowCardinality(String)
version UInt64
)",
     "ENGINE = MergeTree PARTITION BY toYYYYMM(minute) ORDER BY (minute, device, class, version)",
     Keep::ledger},
    {"findings_v",
     "Symptoms with their cause; a later version of an id replaces the earlier. closed NULL = "
     "still open. evidence, "
     "against and chain are JSON arrays as `why --json` prints them.",
     R"(
id String
opened DateTime64(9, 'UTC')
closed Nullable(DateTime64(9, 'UTC'))
symptom LowCardinality(String)
entity_type LowCardinality(String)
entity String
cause LowCardinality(String)
layer LowCardinality(String)
score Float64
value Nullable(Float64)
baseline Nullable(Float64)
unit LowCardinality(String)
text String
evidence String
against String
chain String
remedy String
cost_per_hour Nullable(Float64)
version UInt64
)",
     "ENGINE = MergeTree ORDER BY (origin, id, version)", Keep::minutes},
    {"closes",
     "One row when all rows of one (table, minute, entity) stand with one version. `table` is the "
     "public name. "
     "entity '' = the whole minute; a later row with an entity replaces that entity's part of it.",
     R"(
table LowCardinality(String)
minute DateTime('UTC') CODEC(Delta(4), ZSTD(1))
entity String CODEC(ZSTD(1))
version UInt64 CODEC(Delta(8), ZSTD(1))
)",
     "ENGINE = MergeTree PARTITION BY toYYYYMM(minute) ORDER BY (table, origin, minute, entity, "
     "version)",
     Keep::ledger},
};

struct MinuteSpec {
  std::string_view table;
  std::string_view meaning;
  std::string_view keys;         // space-separated
  std::string_view facts;        // fixed ones, before `version`
  std::string_view labels = {};  // texts, NULL = not known; no part of a row's identity
};

constexpr MinuteSpec kMinutes[] = {
    {"gpu_minute",
     "One minute of one GPU or other accelerator. state = computing | memory bound | communicating "
     "| starved | idle, NULL = not assessed; state_rule = the rule that said so, or what it "
     "lacked. "
     "memory_bytes_per_s and tensor_flops_bound (16 bit, at most) are shares of the model's peak, "
     "NULL where none is known, as of a MIG instance; peak_grade = the weakest of those peaks: A a "
     "vendor's document, B public tables agree, C disputed. pcie_degraded = 1 while at work below "
     "what device and slot can.",
     "gpu node", "memory_bytes_per_s tensor_flops_bound pcie_degraded temperature_slope_c_per_min",
     "state state_rule peak_grade"},
    {"host_minute", "One minute of one machine.", "node", ""},
    {"engine_minute", "One minute of one serving instance.", "engine model node namespace pod", ""},
    {"job_minute", "One minute of one rank of a training job (rank '' = the job).", "job rank", ""},
    {"comm_minute",
     "One minute of one rank of a communicator (rank '' = the communicator as a whole). Of a rank: "
     "gpu. Of the whole: straggler_* = the rank that held the others back most, kind = compute | "
     "communication, peer = the other end of a slow link; hang_state = open | closed, kind = "
     "missing "
     "| desync | behind | stuck, ranks = who is missing, astray or behind.",
     "communicator rank node", "",
     "gpu straggler_kind straggler_rank straggler_gpu straggler_node straggler_peer hang_state "
     "hang_kind hang_ranks"},
    {"request_minute", "One minute of the calls of one engine, model and tenant.",
     "engine model tenant",
     "calls ok errors aborted input_tokens cached_tokens output_tokens useful_tokens "
     "ttft_p50_s ttft_p95_s ttft_p99_s tpot_p50_s tpot_p95_s tpot_p99_s queue_p50_s queue_p95_s "
     "queue_p99_s "
     "prefill_p50_s prefill_p95_s prefill_p99_s decode_p50_s decode_p95_s decode_p99_s e2e_p50_s "
     "e2e_p95_s e2e_p99_s"},
};

std::vector<std::string> Words(std::string_view text, char separator = ' ') {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t at = std::min(text.find(separator), text.size());
    if (at > 0) out.emplace_back(text.substr(0, at));
    text.remove_prefix(std::min(at + 1, text.size()));
  }
  return out;
}

// Adds the lines of `columns` to the definition and to the text of its CREATE.
void AddColumns(std::string_view columns, TableDef* def, std::string* body) {
  for (const std::string& line : Words(columns, '\n')) {
    const std::size_t space = line.find(' ');
    CHECK(space != std::string::npos, "a column line without a type");
    std::string name = line.substr(0, space);
    std::string type = line.substr(space + 1);
    if (const std::size_t codec = type.find(" CODEC("); codec != std::string::npos)
      type.resize(codec);
    const bool quoted = name.front() == '`';
    body->append(body->empty() ? "" : ",\n  ");
    body->append(quoted ? name : "`" + name + "`").append(line, space);
    if (quoted) name = name.substr(1, name.size() - 2);
    def->columns.push_back({std::move(name), std::move(type)});
  }
}

TableDef FromSpec(const Spec& spec) {
  TableDef def;
  def.name = spec.name;
  def.meaning = spec.meaning;
  def.keep = spec.keep;
  std::string body;
  AddColumns(spec.columns, &def, &body);
  if (spec.columns.find("\nreceived ") == std::string_view::npos) AddColumns(kTail, &def, &body);
  if (!spec.computed.empty()) body.append(",\n  ").append(spec.computed);
  def.create = "CREATE TABLE " + def.name + " (\n  " + body + "\n) " + std::string(spec.engine);
  def.settings = "non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1";
  return def;
}

TableDef FromMinute(const MinuteSpec& spec, std::span<const model::Catalog* const> catalogs) {
  TableDef def;
  def.name = std::string(spec.table) + "_v";
  def.meaning = spec.meaning;
  def.keep = Keep::minutes;
  std::string lines = "minute DateTime('UTC') CODEC(Delta(4), ZSTD(1))\n";
  for (const std::string& key : Words(spec.keys)) lines += key + " LowCardinality(String)\n";
  for (const std::string& fact : Words(spec.facts))
    lines += fact + " Nullable(Float64) CODEC(ZSTD(1))\n";
  for (const std::string& label : Words(spec.labels))
    lines += label + " " + std::string(kLabelType) + "\n";
  lines += "version UInt64 CODEC(ZSTD(1))\nprovisional UInt8\n";
  lines += kTail;
  const std::vector<std::string> fixed = Words(spec.facts);
  for (const std::string& fact : minute_columns(catalogs, spec.table)) {
    if (std::ranges::find(fixed, fact) != fixed.end()) continue;
    lines += fact + " Nullable(Float64) CODEC(ZSTD(1))\n";
  }
  std::string body;
  AddColumns(lines, &def, &body);
  std::string keys;
  for (const std::string& key : Words(spec.keys)) keys += key + ", ";
  def.create = "CREATE TABLE " + def.name + " (\n  " + body +
               "\n) ENGINE = MergeTree PARTITION BY toYYYYMM(minute) ORDER BY (minute, " + keys +
               "origin, version)";
  def.settings = "non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1";
  return def;
}

std::string AllColumns(const std::vector<TableDef>& tables, std::string_view table) {
  for (const TableDef& def : tables) {
    if (def.name != table) continue;
    std::string out;
    for (const Column& column : def.columns) out += (out.empty() ? "`" : ", `") + column.name + "`";
    return out;
  }
  CHECK(false, "no such table");
  return {};
}

}  // namespace

std::string NewestClosed(std::string_view table, std::string_view bound) {
  const std::string mine = " FROM closes WHERE table = '" + std::string(table) + "'" +
                           std::string(bound) + " AND entity ";
  const std::string whole = "(minute, origin, version) IN (SELECT minute, origin, max(version)" +
                            mine + "= '' GROUP BY minute, origin)";
  const std::vector<std::string> keys = minute_keys(table);
  if (keys.empty() || table == "request_minute") return whole;  // always closed as a whole
  const std::string key = "(minute, " + keys[0] + ", origin";
  return "((" + whole + " AND " + key + ") NOT IN (SELECT minute, entity, origin" + mine +
         "!= '') OR " + key + ", version) IN (SELECT minute, entity, origin, max(version)" + mine +
         "!= '' GROUP BY minute, entity, origin)))";
}

std::vector<std::string> minute_columns(std::span<const model::Catalog* const> catalogs,
                                        std::string_view table) {
  std::vector<std::string> out;
  for (const model::Catalog* catalog : catalogs) {
    for (const model::Signal& signal : catalog->signals) {
      for (const model::MinuteColumn& column : signal.minute) {
        if (column.table != table) continue;
        if (std::ranges::find(out, column.column) == out.end()) out.emplace_back(column.column);
      }
    }
  }
  return out;
}

std::vector<std::string> minute_keys(std::string_view table) {
  for (const MinuteSpec& spec : kMinutes) {
    if (spec.table == table) return Words(spec.keys);
  }
  return {};
}

std::vector<TableDef> MakeTables(std::span<const model::Catalog* const> catalogs) {
  std::vector<TableDef> out;
  for (const Spec& spec : kSpecs) out.push_back(FromSpec(spec));
  for (const MinuteSpec& spec : kMinutes) out.push_back(FromMinute(spec, catalogs));
  return out;
}

std::vector<ViewDef> MakeViewDefs(std::span<const model::Catalog* const> catalogs) {
  const std::vector<TableDef> tables = MakeTables(catalogs);
  std::vector<ViewDef> out;
  const auto view = [&out](std::string name, std::string select, std::string meaning) {
    out.push_back({name, "CREATE OR REPLACE VIEW " + name + " AS " + select, std::move(meaning)});
  };
  const std::string named =
      " INNER JOIN (SELECT * FROM series LIMIT 1 BY id) AS d ON s.series = d.id";
  view("samples",
       "SELECT series, ts, start_ts, " + std::string(kValueOfPacked) +
           " AS value, received FROM samples_packed",
       "Numbers as received, counters too. start_ts is 1970 when it was not told. NaN is the stale "
       "marker and nothing else.");
  view("measurements",
       "SELECT s.ts AS ts, d.layer AS layer, d.signal AS signal, d.unit AS unit, d.kind AS kind, "
       "s.value AS value, "
       "d.entity_type AS entity_type, d.entity AS entity, d.attributes AS attributes, d.source AS "
       "source, "
       "d.temporality AS temporality, s.start_ts AS start_ts, s.series AS series, d.origin AS "
       "origin, s.received AS received "
       "FROM samples AS s" +
           named + " WHERE NOT isNaN(s.value)",
       "Samples with their series, without stale markers.");
  view("histograms",
       "SELECT s.ts AS ts, d.layer AS layer, d.signal AS signal, d.unit AS unit, s.count AS count, "
       "s.sum AS sum, "
       "s.min AS min, s.max AS max, s.form AS form, s.bounds AS bounds, s.counts AS counts, "
       "s.scale AS scale, "
       "s.positive_offset AS positive_offset, s.negative_offset AS negative_offset, "
       "s.negative_counts AS negative_counts, "
       "s.zero_count AS zero_count, d.entity_type AS entity_type, d.entity AS entity, d.attributes "
       "AS attributes, "
       "d.source AS source, d.temporality AS temporality, s.start_ts AS start_ts, s.series AS "
       "series, d.origin AS origin, "
       "s.received AS received FROM histogram_samples AS s" +
           named,
       "Histograms with their series.");
  view("entities",
       "SELECT id, type, name, attributes, valid_from, if(seen = max(seen) OVER (PARTITION BY "
       "origin, type, id), NULL, seen) "
       "AS valid_to, seen, origin, received FROM (SELECT id, type, name, attributes, min(e.seen) "
       "AS valid_from, max(e.seen) AS seen, "
       "origin, max(e.received) AS received FROM entities_seen AS e GROUP BY origin, type, id, "
       "name, attributes)",
       "Entities with the time in which their attributes held; valid_to NULL = the latest known.");
  view("holdings",
       "SELECT * FROM holdings_v ORDER BY version DESC LIMIT 1 BY origin, gpu, valid_from, "
       "namespace, pod, container, job, "
       "engine, source",
       "The newest version of each holding.");
  view("requests",
       "SELECT " + AllColumns(tables, "requests_v") + " FROM requests_v WHERE " +
           NewestClosed("requests"),
       "One row per model call, newest closed version.");
  view("ledger",
       "SELECT " + AllColumns(tables, "ledger_v") +
           ", device_ns / 1e9 AS device_s FROM ledger_v WHERE " + NewestClosed("ledger"),
       "Money and joules, newest closed version.");
  view("findings", "SELECT * FROM findings_v ORDER BY version DESC LIMIT 1 BY origin, id",
       "The newest version of each finding.");
  view("otel_traces_trace_id_ts",
       "SELECT TraceId, min(Timestamp) AS Start, max(Timestamp) AS End FROM otel_traces WHERE "
       "TraceId != '' GROUP BY TraceId",
       "When a trace was, as the exporter's tools look it up.");
  for (const MinuteSpec& spec : kMinutes) {
    const std::string stored = std::string(spec.table) + "_v";
    view(std::string(spec.table),
         "SELECT " + AllColumns(tables, stored) + " FROM " + stored + " WHERE " +
             NewestClosed(spec.table),
         std::string(spec.meaning) + " Newest closed version.");
  }
  return out;
}

std::vector<std::string> MakeViews(std::span<const model::Catalog* const> catalogs) {
  std::vector<std::string> out;
  for (ViewDef& def : MakeViewDefs(catalogs)) out.push_back(std::move(def.create));
  return out;
}

const std::vector<std::string>& published_names() {
  static const std::vector<std::string> names = {"measurements",
                                                 "histograms",
                                                 "series",
                                                 "samples",
                                                 "events",
                                                 "collectives",
                                                 "calls",
                                                 "sources",
                                                 "otel_traces",
                                                 "otel_logs",
                                                 "otel_traces_trace_id_ts",
                                                 "requests",
                                                 "entities",
                                                 "holdings",
                                                 "ledger",
                                                 "findings",
                                                 "gpu_minute",
                                                 "host_minute",
                                                 "engine_minute",
                                                 "job_minute",
                                                 "comm_minute",
                                                 "request_minute"};
  return names;
}

}  // namespace strata::store
