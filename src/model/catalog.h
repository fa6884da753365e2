// SPDX-License-Identifier: Apache-2.0
// The tables that a layer's catalog.yaml becomes. `tools/gen` writes one `catalog.gen.cc` per layer
// room that fills these structs; nothing here is written by hand anywhere else. All views point at
// static storage.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace strata::model {

enum class Kind : std::uint8_t { gauge, counter, histogram, state, event };

// How the samples of one minute become one number (see minutes/fold.h for the exact meaning of
// each).
enum class Fold : std::uint8_t {
  mean,  // time-plain mean of the samples
  max,
  min,
  last,
  increase,  // reset-aware increment of a counter within the minute (a rate series is integrated)
  p50,       // quantiles of a histogram's increment, or of samples where the signal is a gauge
  p95,
  p99,
  count,         // observations of a histogram within the minute, or number of events
  seconds_over,  // seconds during which value > threshold
};

// How a raw number becomes a value of the signal.
enum class Form : std::uint8_t {
  value,  // raw * scale
  rate,   // raw * scale is already per second: the series is a gauge with the unit "<unit>/s"
  label,  // the value is the number that stands in the label `value_label` (info metrics)
  bits,   // raw is a bit mask: `add` lists {reason, bit number}; one 0/1 series per bit with the
          // attribute `reason`
};

// Bounds of a signal that has none of its own: any finite number, or any number at all.
inline constexpr double kFinite = std::numeric_limits<double>::max();
inline constexpr double kUnbounded = std::numeric_limits<double>::infinity();

struct AttributeRule {
  std::string_view key;
  std::string_view value;
};

// One raw name that feeds a signal.
struct SourceName {
  std::string_view adapter;  // "dcgm_exporter"
  std::string_view name;     // as it stands on the wire; for a histogram the family's base name
  double scale = 1.0;
  Form form = Form::value;
  std::string_view value_label;            // Form::label only
  std::span<const AttributeRule> where{};  // raw labels that must match (value may be a|b)
  std::span<const AttributeRule> add{};    // attributes given to the canonical series
  std::span<const double> blanks{};        // raw values that mean "not measured"
};

struct MinuteColumn {
  std::string_view table;   // "gpu_minute"
  std::string_view column;  // "power_w": unit last
  Fold fold = Fold::mean;
  double threshold = 0;                    // Fold::seconds_over
  std::span<const AttributeRule> where{};  // attributes of the canonical series that must match
  std::string_view split{};                // reserved: attribute whose values are added up
};

struct Signal {
  std::string_view id;  // "gpu.sm.occupancy"
  std::string_view
      unit;  // UCUM as OpenTelemetry spells it: "1", "By", "s", "W", "J", "Cel", "Hz", "{token}"
  Kind kind = Kind::gauge;
  std::string_view entity;  // entity type: "gpu", "node", "engine", …
  std::string_view
      otel;  // OpenTelemetry metric name under which it is exported; "" = the id itself
  std::span<const AttributeRule> otel_attributes{};
  std::string_view meaning;
  std::span<const SourceName> sources{};
  std::span<const MinuteColumn> minute{};
  double min = -kFinite, max = kFinite;  // a value outside is refused as implausible
  bool ratio = false;                    // a share of a whole, shown in percent
};

// raw label -> canonical attribute key.
struct LabelRule {
  std::string_view label;
  std::string_view attribute;
};

struct Adapter {
  std::string_view name;
  std::span<const std::string_view> prefixes{};     // of metric names, for detection
  std::span<const AttributeRule> prefix_aliases{};  // "sglang_" -> "sglang:"
  std::span<const LabelRule> labels{};
  std::string_view vendor{};
  std::span<const double> blanks{};  // of every source that lists none itself
};

struct Catalog {
  std::string_view layer;     // "l1_gpu"
  std::string_view title;     // "GPU hardware"
  std::string_view question;  // what people ask of this layer
  std::span<const Signal> signals{};
  std::span<const Adapter> adapters{};
};

// Entity type -> the attribute keys that form its id, in order, joined with '/'. A key in
// `optional` is used if present.
struct EntityType {
  std::string_view type;
  std::span<const std::string_view> keys{};
  std::span<const std::string_view> optional{};
};

std::span<const EntityType> entity_types();

}  // namespace strata::model
