// SPDX-License-Identifier: Apache-2.0
// Which signal feeds which column of which minute table, worked out once from the catalogs; and the
// rows themselves. Immutable after construction, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/batch.h"
#include "model/catalog.h"
#include "store/tables.h"

namespace strata::minutes {

struct MinuteRow {
  int table = 0;       // index into Layout::tables()
  std::string origin;  // "live" or the world's name, as stored
  std::int64_t minute_ns = 0;
  std::vector<std::string> keys;    // as MinuteTable::keys
  std::vector<double> facts;        // as MinuteTable::facts; NaN = not measured
  std::vector<std::string> labels;  // as MinuteTable::labels, "" = not known; empty = none
  bool provisional = false;
  bool estimated = false;  // some counter was spread over a gap of more than two minutes
};

struct MinuteTable {
  std::string name;         // "gpu_minute"
  std::string entity_type;  // of the first key
  std::vector<std::string> keys, facts, labels;
  store::TableDef def;                    // of "<name>_v"
  int fact(std::string_view name) const;  // -1 when there is none
  int rank_key = -1;                      // index of the key `rank`, which also tells rows apart
};

// One use of a signal: a column of a table.
struct Use {
  const model::Signal* signal = nullptr;
  const model::MinuteColumn* column = nullptr;
  int table = 0, fact = 0;
};

class Layout {
 public:
  explicit Layout(std::span<const model::Catalog* const> catalogs);

  const std::vector<MinuteTable>& tables() const { return tables_; }
  int table(std::string_view name) const;  // -1 when there is none
  std::span<const Use> uses(std::string_view signal) const;
  const std::vector<std::string>& signals() const {
    return signals_;
  }  // with samples, that feed some column
  const std::vector<std::string>& events() const {
    return events_;
  }  // events that feed some column
  // NaN when the table has no such column.
  double value(const MinuteRow& row, std::string_view fact) const;
  std::string_view label(const MinuteRow& row, std::string_view label) const;  // "" likewise
  std::string_view key(const MinuteRow& row, std::string_view key) const;
  // What is not there in the table is passed over.
  void set_value(MinuteRow* row, std::string_view fact, double value) const;
  void set_label(MinuteRow* row, std::string_view label, std::string_view text) const;

  // Where a source stands in the catalog's order of the signal's sources; later ones and unknown
  // ones count less.
  static int SourceRank(const model::Signal& signal, std::string_view source);
  // The keys of a row for this series; the first is "" when the series does not say whose it is.
  std::vector<std::string> KeysOf(int table, const model::Series& series) const;
  static bool Matches(std::span<const model::AttributeRule> where,
                      const model::Attributes& attributes);

 private:
  std::vector<MinuteTable> tables_;
  std::unordered_map<std::string_view, std::vector<Use>> uses_;
  std::vector<std::string> signals_, events_;
};

}  // namespace strata::minutes
