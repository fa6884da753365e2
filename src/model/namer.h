// SPDX-License-Identifier: Apache-2.0
// Turns what a source calls a thing into what the catalog calls it. A decoder hashes the raw bytes
// that identify a series; only when the hash is new does it decode the attributes and ask the
// Namer, which answers with the canonical series (one raw metric may feed several signals). Owned
// by one thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/drop.h"
#include "model/batch.h"
#include "model/catalog.h"

namespace strata::model {

// A metric as its source names it. `attributes` are the point's own, `resource` those of the whole
// sender (scrape target, OTLP resource). The resource attributes `strata.origin` and `strata.agent`
// are understood and not kept as labels.
struct RawMetric {
  std::string_view name;
  std::string_view unit;  // "" = not told
  Kind kind = Kind::gauge;
  bool kind_known = true;
  Temporality temporality = Temporality::none;
  const Attributes* attributes = nullptr;
  const Attributes* resource = nullptr;
  std::string_view source;  // "otlp", "scrape", "remote_write", "l3_host:…"; the adapter's name is
                            // put in front where one matched
};

// Where a raw value goes.
struct Target {
  SeriesId series{};
  double scale = 1;
  double divide = 1;  // a scale of 0.01 is a division by 100: 7 % is 0.07, not 0.07000000000000001
  double fixed = 0;   // Form::label: the value itself
  Form form = Form::value;
  std::int32_t bit = -1;  // Form::bits: value = (raw >> bit) & 1
  // What no catalog knows may be anything: a budget without a limit is told as +Inf.
  double min = -kUnbounded, max = kUnbounded;
  std::span<const double> blanks{};
  std::string_view signal{};  // catalog id, for the refusal's example; "" where layer is "other"
};

class Namer {
 public:
  // `catalogs` live as long as the Namer. At most `max_series` distinct series are named; beyond,
  // Resolve answers an empty span and counts series_limit.
  explicit Namer(std::span<const Catalog* const> catalogs, std::size_t max_series = 1'000'000);

  // nullptr when the key is new.
  const std::vector<Target>* find(std::uint64_t raw_key) const;
  // Names a new raw metric and remembers it under the key; the series it made wait in take_fresh().
  const std::vector<Target>& Resolve(std::uint64_t raw_key, const RawMetric& raw,
                                     base::Refusals* refused);

  // Series named since the last call, to be put in Batch::series.
  void take_fresh(std::vector<Series>* out);
  std::size_t size() const { return known_.size(); }
  // Forgets everything, so that every series is announced again (its announcement may not have
  // become durable).
  void forget();

  // Value for a target; false when there is none: a blank sentinel is absent, a value outside the
  // signal's bounds is counted in `refused` as implausible. Stale markers pass.
  static bool Apply(const Target& target, double raw, double* out, base::Refusals* refused);

  // Entity id of a type from attributes; "" when a key is missing.
  static std::string EntityId(std::string_view type, const Attributes& attributes);

 private:
  struct Row {
    const Catalog* catalog;
    const Signal* signal;
    const SourceName* source;  // nullptr: matched by catalog id or otel name
    const Adapter* adapter;
  };
  Series Make(const RawMetric& raw, const Row* row) const;
  bool Matches(const Row& row, const RawMetric& raw) const;
  void Announce(Series series, const Target& prototype, std::vector<Target>* targets,
                base::Refusals* refused);
  void AddRow(const RawMetric& raw, const Row& row, std::vector<Target>* targets,
              base::Refusals* refused);

  std::span<const Catalog* const> catalogs_;
  std::size_t max_series_;
  std::unordered_map<std::string_view, std::vector<Row>> by_name_;
  std::vector<std::pair<std::string_view, std::string_view>> prefix_aliases_;
  std::unordered_map<std::uint64_t, std::vector<Target>> resolved_;
  std::unordered_set<std::uint64_t> known_;
  std::vector<Series> fresh_;
};

}  // namespace strata::model
