// SPDX-License-Identifier: Apache-2.0
// OTLP protobuf out of a batch, such that our own decoders (as a trusted sender) give the batch
// back. Records are grouped by resource and scope as encoded bytes. A series whose announcement is
// unknown is dropped and counted.
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <map>
#include <protozero/pbf_writer.hpp>

#include "wire/decode.h"

namespace strata::wire {
namespace {

using protozero::pbf_writer;
using std::string_view;

using GroupKey = std::pair<std::string, std::string>;  // encoded resource, encoded scope
using Groups = std::map<GroupKey, std::string>;        // → encoded `repeated X = 2` of ScopeX

void AddText(pbf_writer* to, std::uint32_t tag, string_view text) {
  if (!text.empty()) to->add_bytes(tag, text.data(), text.size());
}
void AddTime(pbf_writer* to, std::uint32_t tag, std::int64_t ns) {
  if (ns > 0) to->add_fixed64(tag, static_cast<std::uint64_t>(ns));
}

// KeyValue under `tag`; the value by its type. Not told (empty text, NaN) is not written.
void AddPair(pbf_writer* to, std::uint32_t tag, string_view key, string_view value) {
  if (value.empty()) return;
  pbf_writer pair(*to, tag);
  pair.add_bytes(1, key.data(), key.size());
  pbf_writer any(pair, 2);
  any.add_bytes(1, value.data(), value.size());
}
void AddPair(pbf_writer* to, std::uint32_t tag, string_view key, std::int64_t value) {
  pbf_writer pair(*to, tag);
  pair.add_bytes(1, key.data(), key.size());
  pbf_writer any(pair, 2);
  any.add_int64(3, value);
}
void AddPair(pbf_writer* to, std::uint32_t tag, string_view key, double value) {
  if (std::isnan(value)) return;
  pbf_writer pair(*to, tag);
  pair.add_bytes(1, key.data(), key.size());
  pbf_writer any(pair, 2);
  any.add_double(4, value);
}
void AddAttributes(pbf_writer* to, std::uint32_t tag, const model::Attributes& attributes) {
  for (const auto& [key, value] : attributes) AddPair(to, tag, key, string_view(value));
}

std::string ResourceBytes(const model::Attributes& own, const model::Attributes& base,
                          string_view origin) {
  model::Attributes all = own;
  for (const auto& [key, value] : base) all.set_if_absent(key, value);
  if (!origin.empty()) all.set("strata.origin", origin);
  std::string bytes;
  pbf_writer to(bytes);
  AddAttributes(&to, 1, all);
  return bytes;
}

std::string ScopeBytes(string_view name, string_view version, const model::Attributes& attributes) {
  std::string bytes;
  pbf_writer to(bytes);
  AddText(&to, 1, name);
  AddText(&to, 2, version);
  AddAttributes(&to, 3, attributes);
  return bytes;
}

// An export request of the groups.
std::string Request(const Groups& groups) {
  std::string out;
  pbf_writer request(out);
  for (const auto& [key, records] : groups) {
    std::string scoped;
    pbf_writer scope(scoped);
    if (!key.second.empty()) scope.add_message(1, key.second);
    scoped += records;
    pbf_writer group(request, 1);
    group.add_message(1, key.first);
    group.add_message(2, scoped);
  }
  return out;
}

std::string Unhex(string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned byte = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    out.push_back(static_cast<char>(byte));
  }
  return out;
}
void AddId(pbf_writer* to, std::uint32_t tag, string_view hex) {
  if (!hex.empty()) to->add_bytes(tag, Unhex(hex));
}

// ---- metrics
struct MetricKey {
  std::string name, unit;
  model::Kind kind = model::Kind::gauge;
  bool delta = false, exponential = false;
  auto operator<=>(const MetricKey&) const = default;
};
using Metrics =
    std::map<GroupKey, std::map<MetricKey, std::string>>;  // → encoded `repeated points = 1`

// Puts `points` under the field that the kind has in Metric.
void AddMetric(pbf_writer* to, const MetricKey& key, const std::string& points) {
  pbf_writer metric(*to, 2);
  AddText(&metric, 1, key.name);
  AddText(&metric, 3, key.unit);
  const bool histogram = key.kind == model::Kind::histogram;
  const bool counter = key.kind == model::Kind::counter;
  std::string data = points;
  pbf_writer tail(data);
  if (histogram || counter) tail.add_uint64(2, key.delta ? 1 : 2);
  if (counter) tail.add_bool(3, true);
  metric.add_message(histogram ? (key.exponential ? 10 : 9) : counter ? 7 : 5, data);
  if (key.kind == model::Kind::state)
    AddPair(&metric, 12, "prometheus.type", string_view("stateset"));
}

void AddNumber(std::string* points, const model::Attributes& attributes, std::int64_t ts,
               std::int64_t start, double value) {
  pbf_writer list(*points);
  pbf_writer point(list, 1);
  AddAttributes(&point, 7, attributes);
  AddTime(&point, 2, start);
  AddTime(&point, 3, ts);
  if (model::IsStale(value)) {
    point.add_uint64(8, 1);
  } else {
    point.add_double(4, value);
  }
}

void AddDistribution(pbf_writer* point, const model::Histogram& h) {
  const auto told = [&](std::uint32_t tag, double value) {
    if (!std::isnan(value)) point->add_double(tag, value);
  };
  point->add_fixed64(4, h.count);
  told(5, h.sum);
  if (!h.exponential) {
    point->add_packed_fixed64(6, h.counts.begin(), h.counts.end());
    point->add_packed_double(7, h.bounds.begin(), h.bounds.end());
    told(11, h.min);
    told(12, h.max);
    return;
  }
  point->add_sint32(6, h.scale);
  point->add_fixed64(7, h.zero_count);
  const auto buckets = [&](std::uint32_t tag, std::int32_t offset,
                           const std::vector<std::uint64_t>& counts) {
    if (counts.empty() && offset == 0) return;
    pbf_writer list(*point, tag);
    list.add_sint32(1, offset);
    list.add_packed_uint64(2, counts.begin(), counts.end());
  };
  buckets(8, h.positive_offset, h.counts);
  buckets(9, h.negative_offset, h.negative_counts);
  told(12, h.min);
  told(13, h.max);
}

void AddHistogram(std::string* points, const model::Attributes& attributes,
                  const model::Histogram& h) {
  pbf_writer list(*points);
  pbf_writer point(list, 1);
  AddAttributes(&point, h.exponential ? 1 : 9, attributes);
  AddTime(&point, 2, h.start_ts);
  AddTime(&point, 3, h.ts);
  AddDistribution(&point, h);
}

void AddStaleHistogram(std::string* points, const model::Attributes& attributes, std::int64_t ts) {
  pbf_writer list(*points);
  pbf_writer point(list, 1);
  AddAttributes(&point, 9, attributes);
  AddTime(&point, 3, ts);
  point.add_uint64(10, 1);
}

// Where the points of one series go, and the attributes that are not already on its resource.
struct Place {
  std::string* points = nullptr;
  model::Attributes attributes;
};

class MetricsWriter {
 public:
  MetricsWriter(const model::Attributes& resource,
                const std::unordered_map<std::uint64_t, model::Series>& known,
                const model::Batch& batch)
      : resource_(resource), known_(known) {
    for (const model::Series& s : batch.series) fresh_[static_cast<std::uint64_t>(s.id)] = &s;
  }

  std::string Write(const model::Batch& batch) {
    for (std::size_t i = 0; i < batch.samples.size(); ++i) {
      const model::Samples& s = batch.samples;
      const model::Series* series = Find(s.series[i]);
      if (series == nullptr) continue;
      Place& place = PlaceOf(*series, false);
      if (series->kind != model::Kind::histogram) {
        AddNumber(place.points, place.attributes, s.ts[i], s.start_ts[i], s.value[i]);
      } else if (model::IsStale(s.value[i])) {
        AddStaleHistogram(place.points, place.attributes, s.ts[i]);
      }
    }
    for (const model::Histogram& h : batch.histograms) {
      const model::Series* series = Find(h.series);
      if (series == nullptr) continue;
      Place& place = PlaceOf(*series, h.exponential);
      AddHistogram(place.points, place.attributes, h);
    }
    Groups groups;
    for (const auto& [key, metrics] : metrics_) {
      pbf_writer to(groups[key]);
      for (const auto& [metric, points] : metrics) AddMetric(&to, metric, points);
    }
    return Request(groups);
  }

 private:
  const model::Series* Find(model::SeriesId id) {
    const auto key = static_cast<std::uint64_t>(id);
    if (const auto it = fresh_.find(key); it != fresh_.end()) return it->second;
    if (const auto it = known_.find(key); it != known_.end()) return &it->second;
    base::Drop(base::Reason::unnamed);
    return nullptr;
  }

  Place& PlaceOf(const model::Series& series, bool exponential) {
    Place& place = places_[exponential][static_cast<std::uint64_t>(series.id)];
    if (place.points != nullptr) return place;
    model::Attributes entity, scope;
    place.attributes = series.attributes;
    for (const model::EntityType& type : model::entity_types()) {
      if (type.type != series.entity_type) continue;
      for (const auto keys : {type.keys, type.optional}) {
        for (const string_view key : keys) {
          if (!place.attributes.has(key)) continue;
          entity.set(key, place.attributes.get(key));
          place.attributes.erase(key);
        }
      }
    }
    if (!series.source.empty()) scope.set("strata.source", series.source);
    const GroupKey group{ResourceBytes(entity, resource_, series.origin),
                         ScopeBytes("strata", "", scope)};
    const MetricKey metric{series.signal, series.unit, series.kind,
                           series.temporality == model::Temporality::delta, exponential};
    place.points = &metrics_[group][metric];
    return place;
  }

  const model::Attributes& resource_;
  const std::unordered_map<std::uint64_t, model::Series>& known_;
  std::unordered_map<std::uint64_t, const model::Series*> fresh_;
  std::array<std::unordered_map<std::uint64_t, Place>, 2> places_;
  Metrics metrics_;
};

// ---- spans
void AddSpan(pbf_writer* to, const model::Span& span) {
  static constexpr string_view kKinds[] = {"Unspecified", "Internal", "Server",
                                           "Client",      "Producer", "Consumer"};
  pbf_writer s(*to, 2);
  AddId(&s, 1, span.trace_id);
  AddId(&s, 2, span.span_id);
  AddText(&s, 3, span.trace_state);
  AddId(&s, 4, span.parent_span_id);
  AddText(&s, 5, span.name);
  for (std::uint64_t kind = 1; kind < std::size(kKinds); ++kind) {
    if (span.kind == kKinds[kind]) s.add_uint64(6, kind);
  }
  AddTime(&s, 7, span.start_ns);
  AddTime(&s, 8, span.end_ns);
  AddAttributes(&s, 9, span.attributes);
  for (const model::SpanEvent& event : span.events) {
    pbf_writer e(s, 11);
    AddTime(&e, 1, event.ts);
    AddText(&e, 2, event.name);
    AddAttributes(&e, 3, event.attributes);
  }
  for (const model::SpanLink& link : span.links) {
    pbf_writer l(s, 13);
    AddId(&l, 1, link.trace_id);
    AddId(&l, 2, link.span_id);
    AddAttributes(&l, 4, link.attributes);
  }
  pbf_writer status(s, 15);
  AddText(&status, 2, span.status_message);
  if (span.status == "Ok") status.add_uint64(3, 1);
  if (span.status == "Error") status.add_uint64(3, 2);
}

// ---- log records
// Starts a record of ours: its name stands in event_name and, for Collectors that do not know that
// field, in the attribute event.name as well.
void StartRecord(pbf_writer* record, string_view name, std::int64_t ts,
                 std::uint32_t severity = 9) {
  AddTime(record, 1, ts);
  record->add_uint64(2, severity);
  AddPair(record, 6, "event.name", name);
  AddText(record, 12, name);
}

void AddEvent(pbf_writer* to, const model::Event& event) {
  pbf_writer record(*to, 2);
  StartRecord(&record, event.event, event.ts,
              event.severity == "error"     ? 17
              : event.severity == "warning" ? 13
                                            : 9);
  AddText(&record, 3, event.severity);
  if (!event.message.empty()) {
    pbf_writer body(record, 5);
    AddText(&body, 1, event.message);
  }
  AddAttributes(&record, 6, event.attributes);
  AddPair(&record, 6, "strata.layer", string_view(event.layer.empty() ? "other" : event.layer));
  AddPair(&record, 6, "strata.entity_type", string_view(event.entity_type));
  AddPair(&record, 6, "strata.entity", string_view(event.entity));
  AddPair(&record, 6, "strata.source", string_view(event.source));
}

void AddHolding(pbf_writer* to, const model::Holding& h) {
  pbf_writer record(*to, 2);
  StartRecord(&record, "strata.holding", h.valid_from);
  const std::pair<string_view, const std::string*> kTexts[] = {{"gpu", &h.gpu},
                                                               {"node", &h.node},
                                                               {"namespace", &h.ns},
                                                               {"pod", &h.pod},
                                                               {"container", &h.container},
                                                               {"workload_kind", &h.workload_kind},
                                                               {"workload", &h.workload},
                                                               {"team", &h.team},
                                                               {"queue", &h.queue},
                                                               {"job", &h.job},
                                                               {"engine", &h.engine},
                                                               {"cluster", &h.cluster},
                                                               {"user", &h.user},
                                                               {"account", &h.account},
                                                               {"partition", &h.partition},
                                                               {"share_kind", &h.share_kind},
                                                               {"source", &h.source}};
  for (const auto& [key, text] : kTexts) AddPair(&record, 6, key, string_view(*text));
  AddPair(&record, 6, "share", h.share);
  if (h.memory_bytes != 0)
    AddPair(&record, 6, "memory_bytes", static_cast<std::int64_t>(h.memory_bytes));
  if (h.valid_from != 0) AddPair(&record, 6, "valid_from", h.valid_from);
  if (h.valid_to != 0) AddPair(&record, 6, "valid_to", h.valid_to);
}

void AddCollective(pbf_writer* to, const model::Collective& c) {
  pbf_writer record(*to, 2);
  StartRecord(&record, "strata.collective", c.start_ns);
  const std::pair<string_view, const std::string*> kTexts[] = {{"communicator", &c.communicator},
                                                               {"operation", &c.operation},
                                                               {"gpu", &c.gpu},
                                                               {"node", &c.node},
                                                               {"algorithm", &c.algorithm},
                                                               {"protocol", &c.protocol}};
  for (const auto& [key, text] : kTexts) AddPair(&record, 6, key, string_view(*text));
  AddPair(&record, 6, "seq", static_cast<std::int64_t>(c.seq));
  AddPair(&record, 6, "bytes", static_cast<std::int64_t>(c.bytes));
  AddPair(&record, 6, "rank", static_cast<std::int64_t>(c.rank));
  AddPair(&record, 6, "nranks", static_cast<std::int64_t>(c.nranks));
  AddPair(&record, 6, "start", c.start_ns);
  AddPair(&record, 6, "duration_s", c.duration_s);
  AddPair(&record, 6, "algbw", c.algbw);
  AddPair(&record, 6, "busbw", c.busbw);
  AddPair(&record, 6, "state", string_view(c.done ? "done" : "open"));
}

void AddSource(pbf_writer* to, const model::SourceState& s) {
  pbf_writer record(*to, 2);
  StartRecord(&record, "strata.source", s.last_ns);
  AddPair(&record, 6, "name", string_view(s.name));
  AddPair(&record, 6, "layer", string_view(s.layer));
  AddPair(&record, 6, "state", string_view(s.state));
  AddPair(&record, 6, "detail", string_view(s.detail));
  if (s.last_ns != 0) AddPair(&record, 6, "last", s.last_ns);
}

void AddEntity(pbf_writer* to, const model::Entity& e) {
  pbf_writer record(*to, 2);
  StartRecord(&record, "strata.entity", e.seen_ns);
  AddAttributes(&record, 6, e.attributes);
  AddPair(&record, 6, "strata.entity_type", string_view(e.type));
  AddPair(&record, 6, "strata.entity", string_view(e.id));
  AddPair(&record, 6, "strata.entity_name", string_view(e.name));
}

void AddLog(pbf_writer* to, const model::LogRecord& log) {
  pbf_writer record(*to, 2);
  AddTime(&record, 1, log.ts);
  if (log.severity_number != 0) record.add_uint64(2, log.severity_number);
  AddText(&record, 3, log.severity_text);
  if (!log.body.empty()) {
    pbf_writer body(record, 5);
    AddText(&body, 1, log.body);
  }
  AddAttributes(&record, 6, log.attributes);
  if (log.flags != 0) record.add_fixed32(8, log.flags);
  AddId(&record, 9, log.trace_id);
  AddId(&record, 10, log.span_id);
  AddText(&record, 12, log.event_name);
}

}  // namespace

void OtlpEncoder::remember(const model::Batch& batch) {
  for (const model::Series& s : batch.series) known_[static_cast<std::uint64_t>(s.id)] = s;
}

std::string OtlpEncoder::Metrics(const model::Batch& batch) const {
  return MetricsWriter(resource_, known_, batch).Write(batch);
}

std::string OtlpEncoder::Traces(const model::Batch& batch) const {
  Groups groups;
  for (const model::Span& span : batch.spans) {
    pbf_writer to(groups[{ResourceBytes(span.resource, resource_, span.origin),
                          ScopeBytes(span.scope_name, span.scope_version, {})}]);
    AddSpan(&to, span);
  }
  return Request(groups);
}

std::string OtlpEncoder::Logs(const model::Batch& batch) const {
  Groups groups;
  const std::string scope = ScopeBytes("strata", "", {});
  const auto each = [&](const auto& list, auto add) {
    for (const auto& item : list) {
      pbf_writer to(groups[{ResourceBytes({}, resource_, item.origin), scope}]);
      add(&to, item);
    }
  };
  for (const model::LogRecord& log : batch.logs) {
    pbf_writer to(groups[{ResourceBytes(log.resource, resource_, log.origin),
                          ScopeBytes(log.scope_name, log.scope_version, log.scope)}]);
    AddLog(&to, log);
  }
  each(batch.events, AddEvent);
  each(batch.holdings, AddHolding);
  each(batch.collectives, AddCollective);
  each(batch.sources, AddSource);
  each(batch.entities, AddEntity);
  return Request(groups);
}

}  // namespace strata::wire
