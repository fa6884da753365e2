// SPDX-License-Identifier: Apache-2.0
#include "minutes/layout.h"

#include <algorithm>
#include <limits>

#include "minutes/fold.h"
#include "model/namer.h"

namespace strata::minutes {
namespace {

constexpr std::string_view kTables[] = {"gpu_minute", "host_minute", "engine_minute",
                                        "job_minute", "comm_minute", "request_minute"};

std::string_view EntityTypeOf(std::string_view key) {
  if (key == "gpu" || key == "node" || key == "engine" || key == "job" || key == "communicator")
    return key;
  return "";
}

// Attributes that a key is read from, the first that is there.
std::vector<std::string_view> AttributesOf(std::string_view key) {
  if (key == "node") return {"host.name", "k8s.node.name"};
  if (key == "model") return {"gen_ai.request.model", "gen_ai.response.model"};
  if (key == "namespace") return {"k8s.namespace.name"};
  if (key == "pod") return {"k8s.pod.name"};
  if (key == "rank") return {"rank"};
  if (key == "tenant") return {"tenant.id"};
  return {};
}

bool OneOf(std::string_view alternatives, std::string_view value) {
  while (true) {
    const std::size_t bar = std::min(alternatives.find('|'), alternatives.size());
    if (alternatives.substr(0, bar) == value) return true;
    if (bar == alternatives.size()) return false;
    alternatives.remove_prefix(bar + 1);
  }
}

}  // namespace

int MinuteTable::fact(std::string_view wanted) const {
  const auto it = std::find(facts.begin(), facts.end(), wanted);
  return it == facts.end() ? -1 : static_cast<int>(it - facts.begin());
}

Layout::Layout(std::span<const model::Catalog* const> catalogs) {
  for (store::TableDef& def : store::MakeTables(catalogs)) {
    for (const std::string_view name : kTables) {
      if (def.name != std::string(name) + "_v") continue;
      MinuteTable table;
      table.name = name;
      table.keys = store::minute_keys(name);
      table.entity_type = EntityTypeOf(table.keys.front());
      for (const store::Column& column : def.columns) {
        if (column.type == "Nullable(Float64)") table.facts.push_back(column.name);
        if (column.type == store::kLabelType) table.labels.push_back(column.name);
      }
      const auto rank = std::find(table.keys.begin(), table.keys.end(), "rank");
      if (rank != table.keys.end()) table.rank_key = static_cast<int>(rank - table.keys.begin());
      table.def = std::move(def);
      tables_.push_back(std::move(table));
      break;
    }
  }
  for (const model::Catalog* catalog : catalogs) {
    for (const model::Signal& signal : catalog->signals) {
      for (const model::MinuteColumn& column : signal.minute) {
        const int table_index = table(column.table);
        if (table_index < 0 || column.table == "request_minute")
          continue;  // those come from requests
        const int fact = tables_[static_cast<std::size_t>(table_index)].fact(column.column);
        if (fact >= 0) uses_[signal.id].push_back({&signal, &column, table_index, fact});
      }
      if (uses_.contains(signal.id)) {
        (signal.kind == model::Kind::event ? events_ : signals_).emplace_back(signal.id);
      }
    }
  }
}

int Layout::table(std::string_view name) const {
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    if (tables_[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

std::span<const Use> Layout::uses(std::string_view signal) const {
  const auto it = uses_.find(signal);
  return it == uses_.end() ? std::span<const Use>{} : std::span<const Use>(it->second);
}

double Layout::value(const MinuteRow& row, std::string_view fact) const {
  const int i = tables_[static_cast<std::size_t>(row.table)].fact(fact);
  return i < 0 ? kAbsent : row.facts[static_cast<std::size_t>(i)];
}

std::string_view Layout::label(const MinuteRow& row, std::string_view label) const {
  const auto& labels = tables_[static_cast<std::size_t>(row.table)].labels;
  const auto it = std::find(labels.begin(), labels.end(), label);
  const auto i = static_cast<std::size_t>(it - labels.begin());
  return i < row.labels.size() ? std::string_view(row.labels[i]) : std::string_view{};
}

std::string_view Layout::key(const MinuteRow& row, std::string_view key) const {
  const std::vector<std::string>& keys = tables_[static_cast<std::size_t>(row.table)].keys;
  const auto it = std::find(keys.begin(), keys.end(), key);
  return it == keys.end() ? std::string_view{}
                          : std::string_view(row.keys[static_cast<std::size_t>(it - keys.begin())]);
}

void Layout::set_value(MinuteRow* row, std::string_view fact, double value) const {
  const int i = tables_[static_cast<std::size_t>(row->table)].fact(fact);
  if (i >= 0) row->facts[static_cast<std::size_t>(i)] = value;
}

void Layout::set_label(MinuteRow* row, std::string_view label, std::string_view text) const {
  const auto& labels = tables_[static_cast<std::size_t>(row->table)].labels;
  const auto it = std::find(labels.begin(), labels.end(), label);
  if (it == labels.end()) return;
  row->labels.resize(labels.size());
  row->labels[static_cast<std::size_t>(it - labels.begin())] = text;
}

int Layout::SourceRank(const model::Signal& signal, std::string_view source) {
  // "dcgm_exporter:DCGM_FI_DEV_GPU_UTIL", or "dcgm_exporter:otlp" where only the adapter is told.
  const std::string_view adapter = source.substr(0, source.find(':'));
  const std::string_view name =
      source.find(':') == std::string_view::npos ? "" : source.substr(source.find(':') + 1);
  int by_adapter = std::numeric_limits<int>::max();
  for (std::size_t i = 0; i < signal.sources.size(); ++i) {
    if (signal.sources[i].adapter != adapter) continue;
    if (signal.sources[i].name == name) return static_cast<int>(i);
    by_adapter = std::min(by_adapter, static_cast<int>(i));
  }
  return by_adapter;
}

std::vector<std::string> Layout::KeysOf(int table, const model::Series& series) const {
  const MinuteTable& t = tables_[static_cast<std::size_t>(table)];
  std::vector<std::string> out(t.keys.size());
  out[0] = series.entity_type == t.entity_type
               ? series.entity
               : model::Namer::EntityId(t.entity_type, series.attributes);
  for (std::size_t i = 1; i < t.keys.size(); ++i) {
    for (const std::string_view attribute : AttributesOf(t.keys[i])) {
      if (out[i].empty()) out[i] = series.attributes.get(attribute);
    }
  }
  return out;
}

bool Layout::Matches(std::span<const model::AttributeRule> where,
                     const model::Attributes& attributes) {
  return std::all_of(where.begin(), where.end(), [&](const model::AttributeRule& rule) {
    return OneOf(rule.value, attributes.get(rule.key));
  });
}

}  // namespace strata::minutes
