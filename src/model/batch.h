// SPDX-License-Identifier: Apache-2.0
// What a decoder gives: named series and columns of samples, histograms, events, spans, logs and
// the rest, with what was refused and why. Columnar, so that a sample costs three numbers and no
// allocation. One thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/drop.h"
#include "model/attributes.h"
#include "model/catalog.h"

namespace strata::model {

enum class SeriesId : std::uint64_t {};

enum class Temporality : std::uint8_t { none, cumulative, delta };

// The Prometheus stale marker; the only NaN that is kept, and it ends a series.
inline constexpr std::uint64_t kStaleNanBits = 0x7ff0000000000002ULL;
double StaleNan();
bool IsStale(double value);

// Everything about a measurement but its time and value.
struct Series {
  SeriesId id{};
  std::string layer;   // "l1_gpu" … "l8_cost", "other"
  std::string signal;  // catalog id, or the raw name where layer is "other"
  std::string unit;
  Kind kind = Kind::gauge;
  Temporality temporality = Temporality::none;
  std::string entity_type;
  std::string entity;
  Attributes attributes;
  std::string source;  // "dcgm_exporter:DCGM_FI_DEV_GPU_UTIL", "otlp", "l3_host:/proc/stat"
  std::string origin;  // "" = live, else the world's name
};
SeriesId MakeSeriesId(
    const Series& series);  // hash of signal, entity, attributes, temporality, source, origin

struct Samples {  // columns of equal length
  std::vector<SeriesId> series;
  std::vector<std::int64_t> ts;
  std::vector<std::int64_t> start_ts;  // 0 = not told
  std::vector<double> value;
  std::size_t size() const { return ts.size(); }
  void push(SeriesId id, std::int64_t at, std::int64_t start, double v) {
    series.push_back(id);
    ts.push_back(at);
    start_ts.push_back(start);
    value.push_back(v);
  }
  void clear() { series.clear(), ts.clear(), start_ts.clear(), value.clear(); }
};

struct Histogram {
  SeriesId series{};
  std::int64_t ts = 0, start_ts = 0;
  std::uint64_t count = 0;
  double sum = 0;           // NaN = not told
  double min = 0, max = 0;  // NaN = not told
  bool exponential = false;
  std::vector<double> bounds;         // explicit: upper bounds without +Inf
  std::vector<std::uint64_t> counts;  // explicit: bounds.size() + 1, not cumulative
  std::int32_t scale = 0;             // exponential: OTLP's fields
  std::int32_t positive_offset = 0, negative_offset = 0;
  std::vector<std::uint64_t> negative_counts;  // exponential; positives stand in `counts`
  std::uint64_t zero_count = 0;
};

struct Event {
  std::int64_t ts = 0;
  std::string layer, event;  // "l1_gpu", "gpu.fault.event"
  std::string entity_type, entity;
  std::string severity;  // info | warning | error
  std::string message;
  Attributes attributes;
  std::string source, origin;
};

struct SpanEvent {
  std::int64_t ts = 0;
  std::string name;
  Attributes attributes;
};
struct SpanLink {
  std::string trace_id, span_id;
  Attributes attributes;
};
struct Span {
  std::string trace_id, span_id, parent_span_id;  // lower-case hex
  std::string trace_state, name, kind;  // kind as the exporter spells it: "Server", "Client", …
  std::int64_t start_ns = 0, end_ns = 0;
  std::string status, status_message;  // "Unset" | "Ok" | "Error"
  std::string service, scope_name, scope_version;
  Attributes resource, attributes;
  std::vector<SpanEvent> events;
  std::vector<SpanLink> links;
  std::string origin;
};

struct LogRecord {
  std::int64_t ts = 0;
  std::string trace_id, span_id;
  std::uint8_t flags = 0;
  std::string severity_text;
  std::uint8_t severity_number = 0;
  std::string service, body, event_name, scope_name, scope_version;
  Attributes resource, scope, attributes;
  std::string origin;
};

// One rank's part in one collective.
struct Collective {
  std::string communicator;
  std::uint64_t seq = 0;
  std::string operation;  // AllReduce, …
  std::uint64_t bytes = 0;
  std::int32_t rank = -1, nranks = 0;
  std::string gpu, node;
  std::int64_t start_ns = 0;
  double duration_s = 0;        // NaN while open
  double algbw = 0, busbw = 0;  // By/s, NaN = not told
  std::string algorithm, protocol;
  bool done = true;
  std::string origin;
};

// "somebody held share of a GPU at this moment, says source": sightings become intervals in
// l4_sched.
struct Holding {
  std::string gpu, node, ns, pod, container, workload_kind, workload, team, queue, job, engine;
  std::string cluster, user, account, partition;
  std::string share_kind;  // whole | mig | hami | timeslice | mps | dra | slurm | process
  double share = 1;
  std::uint64_t memory_bytes = 0;             // 0 = not told
  std::string source;                         // exporter | kubelet | hami | process | …
  std::int64_t valid_from = 0, valid_to = 0;  // valid_to 0 = still held
  std::string origin;
};

struct Entity {
  std::string type, id, name;
  Attributes attributes;
  std::int64_t seen_ns = 0;
  std::string origin;
};

// The state of one source at one moment (a scrape, a collector, a log reader).
struct SourceState {
  std::string name;  // "scrape engines 127.0.0.1:8000"
  std::string layer;
  std::string state;   // live | stale | failed | absent
  std::string detail;  // why, and what to do
  std::int64_t last_ns = 0;
  std::string origin;
};

struct Batch {
  std::vector<Series> series;  // not announced before by the Namer that named them
  Samples samples;
  std::vector<Histogram> histograms;
  std::vector<Event> events;
  std::vector<Span> spans;
  std::vector<LogRecord> logs;
  std::vector<Collective> collectives;
  std::vector<Holding> holdings;
  std::vector<Entity> entities;
  std::vector<SourceState> sources;
  base::Refusals refused;

  std::size_t records() const {
    return samples.size() + histograms.size() + events.size() + spans.size() + logs.size() +
           collectives.size();
  }
  void clear();
};

}  // namespace strata::model
