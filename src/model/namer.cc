// SPDX-License-Identifier: Apache-2.0
// The index of raw names over all catalogs, and the making of canonical series.
#include "model/namer.h"

#include <charconv>
#include <cmath>

#include "base/hash.h"

namespace strata::model {
namespace {

// Resource attributes that say who sent a thing, not what it is.
bool IsSenderDetail(std::string_view key) {
  return key.starts_with("strata.") || key.starts_with("telemetry.sdk.") ||
         key == "process.command_args" || key == "process.command_line" || key == "process.command";
}

// `wanted` may list alternatives: "a|b"; "*" is any value but an absent one.
bool ValueMatches(std::string_view have, std::string_view wanted) {
  if (wanted == "*") return !have.empty();
  while (true) {
    const std::size_t bar = wanted.find('|');
    if (have == wanted.substr(0, bar)) return true;
    if (bar == std::string_view::npos) return false;
    wanted.remove_prefix(bar + 1);
  }
}

std::string_view LabelFor(const Adapter* adapter, std::string_view label) {
  if (adapter != nullptr) {
    for (const LabelRule& rule : adapter->labels) {
      if (rule.label == label) return rule.attribute;
    }
  }
  return label;
}

std::string Number(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace

Namer::Namer(std::span<const Catalog* const> catalogs, std::size_t max_series)
    : catalogs_(catalogs), max_series_(max_series) {
  for (const Catalog* catalog : catalogs_) {
    const auto adapter_named = [&](std::string_view name) -> const Adapter* {
      for (const Adapter& a : catalog->adapters) {
        if (a.name == name) return &a;
      }
      return nullptr;
    };
    for (const Signal& signal : catalog->signals) {
      by_name_[signal.id].push_back({catalog, &signal, nullptr, nullptr});
      if (!signal.otel.empty() && signal.otel != signal.id)
        by_name_[signal.otel].push_back({catalog, &signal, nullptr, nullptr});
      for (const SourceName& source : signal.sources) {
        by_name_[source.name].push_back({catalog, &signal, &source, adapter_named(source.adapter)});
      }
    }
    for (const Adapter& adapter : catalog->adapters) {
      for (const AttributeRule& alias : adapter.prefix_aliases)
        prefix_aliases_.emplace_back(alias.key, alias.value);
    }
  }
}

const std::vector<Target>* Namer::find(std::uint64_t raw_key) const {
  const auto it = resolved_.find(raw_key);
  return it == resolved_.end() ? nullptr : &it->second;
}

bool Namer::Matches(const Row& row, const RawMetric& raw) const {
  const auto have = [&](std::string_view key) {
    std::string_view v = raw.attributes != nullptr ? raw.attributes->get(key) : std::string_view();
    if (v.empty() && raw.resource != nullptr) v = raw.resource->get(key);
    return v;
  };
  if (row.source == nullptr) {
    // The same OpenTelemetry name may serve several signals, told apart by attributes.
    if (row.signal->id == raw.name) return true;
    for (const AttributeRule& rule : row.signal->otel_attributes) {
      if (!ValueMatches(have(rule.key), rule.value)) return false;
    }
    return true;
  }
  for (const AttributeRule& rule : row.source->where) {
    if (!ValueMatches(have(rule.key), rule.value)) return false;
  }
  return true;
}

Series Namer::Make(const RawMetric& raw, const Row* row) const {
  Series s;
  const Adapter* adapter = row != nullptr ? row->adapter : nullptr;
  if (row != nullptr) {
    s.layer = row->catalog->layer;
    s.signal = row->signal->id;
    s.unit = row->signal->unit;
    s.kind = row->signal->kind;
    if (s.kind == Kind::histogram && raw.kind != Kind::histogram)
      s.kind = raw.kind_known ? raw.kind : Kind::gauge;
    if (raw.kind == Kind::histogram) s.kind = Kind::histogram;
    // Named by id or OpenTelemetry name: a gauge of a counted signal is its rate, and the sender
    // says the unit.
    if (row->source == nullptr && raw.kind_known && raw.kind == Kind::gauge &&
        s.kind == Kind::counter) {
      s.kind = Kind::gauge;
      if (!raw.unit.empty()) s.unit = raw.unit;
    }
    if (row->source != nullptr && row->source->form == Form::rate) {
      s.kind = Kind::gauge;
      s.unit += "/s";
    }
    if (row->source != nullptr && row->source->form != Form::value &&
        row->source->form != Form::rate)
      s.kind = Kind::gauge;
    s.entity_type = row->signal->entity;
  } else {
    s.layer = "other";
    s.signal = raw.name;
    s.unit = raw.unit;
    s.kind = raw.kind;
  }
  if (s.kind == Kind::counter || s.kind == Kind::histogram) {
    s.temporality =
        raw.temporality == Temporality::delta ? Temporality::delta : Temporality::cumulative;
  }
  s.source = raw.source;
  if (row != nullptr && row->source != nullptr)
    s.source = std::string(row->source->adapter) + ":" + std::string(row->source->name);
  if (raw.attributes != nullptr) {
    for (const auto& [k, v] : *raw.attributes) {
      if (v.empty()) continue;  // an empty label is an absent one
      if (row != nullptr && row->source != nullptr && row->source->form == Form::label &&
          k == row->source->value_label)
        continue;
      s.attributes.set(LabelFor(adapter, k), v);
    }
    // Two labels may tell one attribute (namespace, exported_namespace): the rule listed first
    // counts.
    for (std::size_t i = adapter != nullptr ? adapter->labels.size() : 0; i-- > 0;) {
      const std::string_view value = raw.attributes->get(adapter->labels[i].label);
      if (!value.empty()) s.attributes.set(adapter->labels[i].attribute, value);
    }
  }
  if (raw.resource != nullptr) {
    for (const auto& [k, v] : *raw.resource) {
      if (!v.empty() && !IsSenderDetail(k)) s.attributes.set_if_absent(LabelFor(adapter, k), v);
    }
    s.origin = raw.resource->get("strata.origin");
  }
  if (row != nullptr && row->source != nullptr && row->source->form != Form::bits) {
    for (const AttributeRule& rule : row->source->add) s.attributes.set(rule.key, rule.value);
  }
  if (adapter != nullptr && !adapter->vendor.empty())
    s.attributes.set_if_absent("hw.vendor", adapter->vendor);
  if (s.entity_type.empty()) {
    s.entity_type = s.attributes.has("service.instance.id") ? "target" : "";
    s.entity = s.attributes.get("service.instance.id");
  } else {
    s.entity = EntityId(s.entity_type, s.attributes);
    if (s.entity.empty()) s.entity = s.attributes.get("service.instance.id");
    if (s.entity.empty()) s.entity = s.attributes.get("host.name");
  }
  return s;
}

void Namer::Announce(Series series, const Target& prototype, std::vector<Target>* targets,
                     base::Refusals* refused) {
  series.id = MakeSeriesId(series);
  const auto id = static_cast<std::uint64_t>(series.id);
  if (!known_.contains(id)) {
    if (known_.size() >= max_series_) {
      refused->add(base::Reason::series_limit, 1, series.signal);
      return;
    }
    known_.insert(id);
    fresh_.push_back(std::move(series));
  }
  Target target = prototype;
  target.series = SeriesId{id};
  targets->push_back(target);
}

void Namer::AddRow(const RawMetric& raw, const Row& row, std::vector<Target>* targets,
                   base::Refusals* refused) {
  Target target;
  target.min = row.signal->min, target.max = row.signal->max;
  target.signal = row.signal->id;
  if (row.source == nullptr) {
    Announce(Make(raw, &row), target, targets, refused);
    return;
  }
  if (!row.source->blanks.empty())
    target.blanks = row.source->blanks;
  else if (row.adapter != nullptr)
    target.blanks = row.adapter->blanks;
  target.scale = row.source->scale;
  if (const double whole = std::round(1 / target.scale); whole > 1 && 1 / whole == target.scale)
    target.scale = 1, target.divide = whole;
  target.form = row.source->form;
  if (target.form == Form::bits) {
    for (const AttributeRule& rule : row.source->add) {
      std::from_chars(rule.value.data(), rule.value.data() + rule.value.size(), target.bit);
      Series series = Make(raw, &row);
      series.attributes.set("reason", rule.key);
      series.kind = Kind::gauge;
      Announce(std::move(series), target, targets, refused);
    }
    return;
  }
  if (target.form == Form::label) {
    const std::string_view text = raw.attributes != nullptr
                                      ? raw.attributes->get(row.source->value_label)
                                      : std::string_view();
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || text.empty())
      return;  // "None": not told
    target.fixed = number * target.scale / target.divide;
  }
  Announce(Make(raw, &row), target, targets, refused);
}

const std::vector<Target>& Namer::Resolve(std::uint64_t raw_key, const RawMetric& raw,
                                          base::Refusals* refused) {
  if (resolved_.size() >= max_series_ * 4)
    resolved_.clear();  // the cache is bounded; ids are made again from names
  std::vector<Target>& targets = resolved_[raw_key];
  targets.clear();
  RawMetric named = raw;
  std::string aliased;
  auto rows = by_name_.find(raw.name);
  if (rows == by_name_.end()) {
    for (const auto& [from, to] : prefix_aliases_) {
      if (!raw.name.starts_with(from)) continue;
      aliased = std::string(to) + std::string(raw.name.substr(from.size()));
      rows = by_name_.find(aliased);
      if (rows != by_name_.end()) break;
    }
  }
  if (rows != by_name_.end()) {
    for (const Row& row : rows->second) {
      if (!Matches(row, named)) continue;
      // One raw metric feeds a signal once: the first row that fits.
      bool again = false;
      for (const Row& earlier : rows->second) {
        if (&earlier == &row) break;
        again = again || (earlier.signal == row.signal && Matches(earlier, named));
      }
      if (!again) AddRow(named, row, &targets, refused);
    }
  }
  if (targets.empty()) Announce(Make(named, nullptr), Target{}, &targets, refused);
  return targets;
}

void Namer::take_fresh(std::vector<Series>* out) {
  out->insert(out->end(), std::make_move_iterator(fresh_.begin()),
              std::make_move_iterator(fresh_.end()));
  fresh_.clear();
}

void Namer::forget() {
  resolved_.clear();
  known_.clear();
  fresh_.clear();
}

bool Namer::Apply(const Target& target, double raw, double* out, base::Refusals* refused) {
  for (const double blank : target.blanks) {
    if (raw == blank) return false;
  }
  switch (target.form) {
    case Form::label: *out = target.fixed; break;
    case Form::bits:
      if (!(raw >= 0) || raw > 1.8e19) return false;
      *out = static_cast<double>((static_cast<std::uint64_t>(raw) >> target.bit) & 1U);
      break;
    default:
      *out = IsStale(raw) ? raw : target.divide == 1 ? raw * target.scale : raw / target.divide;
  }
  if (*out >= target.min && *out <= target.max) return true;
  if (std::isnan(*out)) return true;  // a stale marker; decoders refuse any other NaN
  std::string example;
  if (refused->example().empty())
    example = std::string(target.signal.empty() ? "a value" : target.signal) + " = " + Number(*out);
  refused->add(base::Reason::implausible, 1, example);
  return false;
}

std::string Namer::EntityId(std::string_view type, const Attributes& attributes) {
  for (const EntityType& e : entity_types()) {
    if (e.type != type) continue;
    std::string id;
    for (const std::string_view key : e.keys) {
      const std::string_view value = attributes.get(key);
      if (value.empty()) return {};
      if (!id.empty()) id.push_back('/');
      id.append(value);
    }
    for (const std::string_view key : e.optional) {
      const std::string_view value = attributes.get(key);
      if (value.empty()) continue;
      id.push_back('/');
      id.append(value);
    }
    return id;
  }
  return {};
}

}  // namespace strata::model
