// SPDX-License-Identifier: Apache-2.0
#include "diagnose/read.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "diagnose/causes.h"
#include "diagnose/judge.h"
#include "store/tables.h"

namespace strata::diagnose {
namespace {

constexpr std::string_view kTables[] = {"gpu_minute", "host_minute", "engine_minute",
                                        "job_minute", "comm_minute", "request_minute"};
constexpr std::int64_t kReadNs = kBaselineNs + 5 * base::kMinute;

void TakeFact(const FactName& fact, std::string_view table, std::vector<std::string>* out) {
  if (fact.table != table) return;
  for (const std::string_view name : {fact.a, fact.b}) {
    if (!name.empty() && std::find(out->begin(), out->end(), name) == out->end())
      out->emplace_back(name);
  }
}

std::string EntityType(std::string_view first_key) { return std::string(first_key); }

// Finds tracks without walking through all of them.
class Tracks {
 public:
  explicit Tracks(Facts* facts) : facts_(facts) {
    for (std::size_t i = 0; i < facts_->tracks.size(); ++i) {
      const Track& t = facts_->tracks[i];
      index_[{t.table, t.entity, t.member}] = i;
    }
  }
  Track& at(std::string_view table, const std::vector<std::string>& names,
            const std::vector<std::string>& keys) {
    std::string entity = keys[0], member, type = EntityType(names[0]);
    model::Attributes attributes;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] == "rank")
        member = keys[i];
      else if (i > 0 && !keys[i].empty())
        attributes.set(names[i], keys[i]);
    }
    if (table == "host_minute" || table == "gpu_minute")
      attributes.set_if_absent("node", table == "host_minute" ? entity : "");
    if (table == "request_minute") {
      member = std::string(attributes.get("model")) + "/" + std::string(attributes.get("tenant"));
      if (entity.empty()) entity = attributes.get("model"), type = "model";
    }
    const auto [it, fresh] =
        index_.try_emplace({std::string(table), entity, member}, facts_->tracks.size());
    if (fresh) facts_->tracks.push_back({std::string(table), type, entity, member, {}, {}});
    Track& track = facts_->tracks[it->second];
    for (const auto& [key, value] : attributes) {
      if (!value.empty()) track.keys.set(key, value);
    }
    return track;
  }

 private:
  Facts* facts_;
  std::map<std::tuple<std::string, std::string, std::string>, std::size_t> index_;
};

store::Params Range(const std::string& origin, std::int64_t from_ns, std::int64_t at_ns) {
  return {{"origin", origin},
          {"from", std::to_string(from_ns / base::kSecond)},
          {"to", std::to_string(at_ns / base::kSecond)}};
}

base::Status ReadMinutes(store::Store& store, std::string_view table, const std::string& origin,
                         std::int64_t at_ns, Tracks* tracks) {
  const std::vector<std::string> keys = store::minute_keys(table), columns = ColumnsOf(table);
  if (columns.empty()) return {};
  // As the view does it, but only the closes of this hour are looked through.
  const std::string range =
      " AND origin = {origin:String} AND minute > fromUnixTimestamp({from:Int64}) AND minute <= "
      "fromUnixTimestamp({to:Int64})";
  std::string sql = "SELECT toUnixTimestamp(minute)";
  for (const std::string& key : keys) sql += ", `" + key + "`";
  for (const std::string& column : columns) sql += ", `" + column + "`";
  sql += " FROM " + std::string(table) + "_v WHERE " + store::NewestClosed(table, range) + range +
         " ORDER BY minute";
  ASSIGN_OR_RETURN(const store::Rows rows, store.Query(sql, Range(origin, at_ns - kReadNs, at_ns)));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<std::string> names;
    for (std::size_t k = 0; k < keys.size(); ++k)
      names.emplace_back(rows.text(i, static_cast<int>(1 + k)));
    Row row;
    row.minute_ns = rows.i64(i, 0) * base::kSecond;
    for (std::size_t c = 0; c < columns.size(); ++c)
      row.values.push_back(rows.f64(i, static_cast<int>(1 + keys.size() + c)));
    tracks->at(table, keys, names).rows.push_back(std::move(row));
  }
  return {};
}

base::Status ReadLinks(store::Store& store, const std::string& origin, std::int64_t at_ns,
                       Facts* facts) {
  ASSIGN_OR_RETURN(
      const store::Rows rows,
      store.Query("SELECT gpu, node, namespace, pod, engine, job, valid_from, ifNull(valid_to, "
                  "toDateTime64(0, 9, 'UTC')) FROM holdings WHERE origin = {origin:String} AND "
                  "valid_from <= "
                  "fromUnixTimestamp({to:Int64}) AND (valid_to IS NULL OR valid_to > "
                  "fromUnixTimestamp({from:Int64}))",
                  Range(origin, at_ns - 10 * base::kMinute, at_ns)));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto text = [&](int column) { return std::string(rows.text(i, column)); };
    facts->links.push_back(
        {text(0), text(1), text(2), text(3), text(4), text(5), rows.i64(i, 6), rows.i64(i, 7)});
  }
  return {};
}

base::Status ReadEvents(store::Store& store, const std::string& origin, std::int64_t at_ns,
                        Facts* facts) {
  ASSIGN_OR_RETURN(
      const store::Rows rows,
      store.Query("SELECT ts, event, entity_type, entity, message, attributes, severity FROM "
                  "events WHERE origin = {origin:String} AND "
                  "ts > fromUnixTimestamp({from:Int64}) AND ts <= "
                  "fromUnixTimestamp({to:Int64}) ORDER BY ts LIMIT 10000",
                  Range(origin, at_ns - kEventNs, at_ns)));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    facts->events.push_back({rows.i64(i, 0), std::string(rows.text(i, 1)),
                             std::string(rows.text(i, 2)), std::string(rows.text(i, 3)),
                             std::string(rows.text(i, 4)), rows.attributes(i, 5),
                             std::string(rows.text(i, 6))});
  }
  return {};
}

}  // namespace

std::vector<std::string> ColumnsOf(std::string_view table) {
  std::vector<std::string> out;
  const auto take = [&](const Rule& rule) {
    TakeFact(rule.fact, table, &out);
    TakeFact(rule.while_fact, table, &out);
    TakeFact(rule.unless, table, &out);
  };
  for (const Symptom& s : symptoms()) std::for_each(s.detect.begin(), s.detect.end(), take);
  for (const Cause& c : causes()) std::for_each(c.evidence.begin(), c.evidence.end(), take);
  std::sort(out.begin(), out.end());
  return out;
}

base::Result<Facts> ReadFacts(store::Store& store, const std::string& origin, std::int64_t at_ns) {
  Facts facts;
  facts.at_ns = at_ns;
  Tracks tracks(&facts);
  for (const std::string_view table : kTables) {
    facts.columns[std::string(table)] = ColumnsOf(table);
    RETURN_IF_ERROR(ReadMinutes(store, table, origin, at_ns, &tracks));
  }
  RETURN_IF_ERROR(ReadLinks(store, origin, at_ns, &facts));
  RETURN_IF_ERROR(ReadEvents(store, origin, at_ns, &facts));
  return facts;
}

base::Status ReadCost(store::Store& store, const std::string& origin, std::int64_t at_ns,
                      Facts* facts) {
  ASSIGN_OR_RETURN(const store::Rows rows,
                   store.Query("SELECT entity, sum(c) * 60 / greatest(1, uniqExact(minute)) FROM "
                               "(SELECT minute, arrayJoin([device, engine, "
                               "job]) AS entity, toFloat64(cost) AS c FROM ledger WHERE origin = "
                               "{origin:String} AND minute > "
                               "fromUnixTimestamp({from:Int64}) AND minute <= "
                               "fromUnixTimestamp({to:Int64})) WHERE entity != '' GROUP BY entity",
                               Range(origin, at_ns - 10 * base::kMinute, at_ns)));
  for (std::size_t i = 0; i < rows.size(); ++i)
    facts->cost_per_hour[std::string(rows.text(i, 0))] = rows.f64(i, 1);
  return {};
}

base::Result<Facts> FactsReader::Read(const std::string& origin, std::int64_t at_ns) {
  const std::int64_t key = (at_ns - closed_after_ns_) / base::kMinute;
  std::shared_ptr<const Facts> facts;
  {
    const std::lock_guard lock(mutex_);
    const Kept& kept = kept_[origin];
    if (kept.key == key) facts = kept.facts;
  }
  if (facts == nullptr) {
    ASSIGN_OR_RETURN(Facts fresh, ReadFacts(*store_, origin, at_ns));
    facts = std::make_shared<const Facts>(fresh);
    const std::lock_guard lock(mutex_);
    Kept& kept = kept_[origin];
    if (key > kept.key)
      kept = {key, facts};  // a question about the past does not push out the present
    return fresh;
  }
  Facts out = *facts;
  out.at_ns = at_ns;
  out.events.clear();
  RETURN_IF_ERROR(ReadEvents(*store_, origin, at_ns, &out));
  return out;
}

void AddRunning(const std::vector<RunningRow>& rows, Facts* facts) {
  Tracks tracks(facts);
  for (const RunningRow& running : rows) {
    const std::vector<std::string> names = store::minute_keys(running.table);
    if (names.empty() || names.size() != running.keys.size() || running.minute_ns > facts->at_ns)
      continue;
    std::vector<std::string>& columns = facts->columns[running.table];
    if (columns.empty()) columns = ColumnsOf(running.table);
    Track& track = tracks.at(running.table, names, running.keys);
    if (!track.rows.empty() && track.rows.back().minute_ns >= running.minute_ns) continue;
    Row row;
    row.minute_ns = running.minute_ns;
    row.covered_s = std::min(60.0, static_cast<double>(facts->at_ns - running.minute_ns) / 1e9);
    for (const std::string& column : columns) row.values.push_back(running.value(column));
    track.rows.push_back(std::move(row));
  }
}

base::Result<std::vector<Finding>> ReadOpenFindings(store::Store& store,
                                                    const std::string& origin) {
  ASSIGN_OR_RETURN(const store::Rows rows,
                   store.Query("SELECT id, opened, symptom, entity_type, entity, cause, layer, "
                               "score, value, baseline, unit, text, evidence, "
                               "against, chain, remedy, cost_per_hour, version FROM findings WHERE "
                               "origin = {origin:String} AND closed IS NULL",
                               {{"origin", origin}}));
  std::vector<Finding> out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Finding& f = out[i];
    f.origin = origin;
    f.id = rows.text(i, 0), f.opened_ns = rows.i64(i, 1);
    f.symptom = rows.text(i, 2), f.entity_type = rows.text(i, 3), f.entity = rows.text(i, 4);
    f.cause = rows.text(i, 5), f.layer = rows.text(i, 6);
    f.score = rows.f64(i, 7), f.value = rows.f64(i, 8), f.baseline = rows.f64(i, 9);
    f.unit = rows.text(i, 10), f.text = rows.text(i, 11), f.evidence = rows.text(i, 12),
    f.against = rows.text(i, 13);
    f.chain = rows.text(i, 14), f.remedy = rows.text(i, 15);
    f.cost_per_hour = rows.f64(i, 16);
    f.version = rows.u64(i, 17);
  }
  return out;
}

base::Status WriteFindings(store::Store& store, const std::vector<Finding>& findings,
                           std::int64_t now_ns) {
  if (findings.empty()) return {};
  std::string bytes, token = "findings/" + std::to_string(now_ns);
  for (const Finding& f : findings) {
    bytes += FindingBytes(f, now_ns);
    token += "/" + f.id;
  }
  return store.Insert("findings_v", bytes, token);
}

}  // namespace strata::diagnose
