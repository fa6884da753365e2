// SPDX-License-Identifier: Apache-2.0
// One look-up per sample: the series' facts hold what freshness, the page and the holdings need.
#include "server/place.h"

#include <algorithm>
#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "base/clock.h"
#include "base/hash.h"
#include "l6_infer/l6_infer.h"
#include "l7_genai/l7_genai.h"
#include "server/comm_watch.h"
#include "server/config.h"

namespace strata::server {
namespace {

constexpr std::size_t kMaxSparks = 600;
constexpr std::size_t kSparkPoints = 180;
constexpr std::int64_t kSparkStep = 5 * base::kSecond;
constexpr std::size_t kMaxEntities = 200'000;

// What the strips of the page show. A counter is shown as its rate, a histogram as the mean of its
// increment.
constexpr std::array<std::string_view, 24> kKeySignals = {"gpu.utilization",
                                                          "gpu.sm.active",
                                                          "gpu.power",
                                                          "gpu.memory.used",
                                                          "gpu.temperature",
                                                          "comm.collective.duration",
                                                          "comm.rank.lateness",
                                                          "comm.collective.busbw",
                                                          "system.cpu.utilization",
                                                          "system.memory.utilization",
                                                          "system.pressure.some",
                                                          "system.network.tcp.retransmits",
                                                          "gpu.holding.share",
                                                          "train.step.duration",
                                                          "train.loss",
                                                          "train.mfu",
                                                          "train.tokens",
                                                          "inference.ttft",
                                                          "inference.kv_usage_ratio",
                                                          "inference.requests_waiting",
                                                          "inference.requests_running",
                                                          "inference.generation_tokens",
                                                          "gen_ai.client.operation.duration",
                                                          "gen_ai.client.token.usage"};

// Attributes that say what an entity is, by prefix; the rest belongs to the measurement.
bool DescribesEntity(std::string_view key) {
  for (const std::string_view prefix :
       {"hw.", "host.", "k8s.", "gpu.index", "gpu.mig.", "pci.", "gen_ai.request.model", "service.",
        "container.", "cloud.", "process.executable.name"}) {
    if (key.starts_with(prefix)) return true;
  }
  return false;
}

bool IsKey(std::string_view signal) {
  return std::find(kKeySignals.begin(), kKeySignals.end(), signal) != kKeySignals.end();
}

struct Ring {
  Spark spark;
  model::Kind kind = model::Kind::gauge;
  std::map<std::uint64_t, std::pair<std::int64_t, std::pair<double, double>>>
      last;  // series -> ts, (value, count)
  void Add(std::int64_t ts, double value, bool sums) {
    auto& p = spark.points;
    const std::int64_t slot = ts - ts % kSparkStep;
    if (!p.empty() && slot < p.back().ts) return;  // late: the page reads it from the store
    if (!p.empty() && p.back().ts == slot) {
      p.back().value = sums ? p.back().value + value : value;
      return;
    }
    if (p.size() >= kSparkPoints)
      p.erase(p.begin(), p.begin() + static_cast<std::ptrdiff_t>(kSparkPoints / 6));
    p.push_back({slot, value});
  }
};

struct SeriesInfo {
  SignalFacts* signal = nullptr;
  Ring* ring = nullptr;
};

std::string OriginName(const std::string& origin) { return origin.empty() ? "live" : origin; }

void AppendCall(const l7_genai::Call& c, std::int64_t received_ns, store::TableRows* out) {
  store::RowWriter w(&out->bytes);
  const auto number = [&](const std::optional<double>& v) {
    w.nullable_f64(v ? *v : std::nan(""));
  };
  w.i64(c.ts), w.i64(c.end_ts);
  for (const std::string* text :
       {&c.trace_id, &c.span_id, &c.parent_span_id, &c.kind, &c.response_id, &c.engine,
        &c.server_address, &c.server_port, &c.model, &c.tenant, &c.team, &c.service, &c.status,
        &c.finish_reason, &c.operation, &c.provider}) {
    w.text(*text);
  }
  for (const auto* v : {&c.input_tokens, &c.cached_tokens, &c.output_tokens, &c.reasoning_tokens,
                        &c.ttft_s, &c.queue_s, &c.prefill_s, &c.decode_s, &c.e2e_s}) {
    number(*v);
  }
  w.u8(c.stream ? 1 : 0);
  w.text(c.error_type), w.text(c.token_source);
  w.map(c.attributes);
  w.text(OriginName(c.origin));
  w.u32(static_cast<std::uint32_t>(received_ns / base::kSecond));
  ++out->rows;
}

void AppendHolding(const l4_sched::HoldingRow& row, const std::string& cluster,
                   std::int64_t received_ns, store::TableRows* out) {
  const model::Holding& h = row.holding;
  store::RowWriter w(&out->bytes);
  for (const std::string* text : {&h.gpu, &h.node, &h.ns, &h.pod, &h.container, &h.workload_kind,
                                  &h.workload, &h.team, &h.queue, &h.job, &h.engine}) {
    w.text(*text);
  }
  w.text(h.cluster.empty() ? cluster : h.cluster);
  w.text(""), w.text(""), w.text("");  // region, zone, rack: not told by today's sources
  w.text(h.user), w.text(h.account), w.text(h.partition), w.text(h.share_kind);
  w.f64(h.share);
  w.nullable_f64(h.memory_bytes > 0 ? static_cast<double>(h.memory_bytes) : std::nan(""));
  w.text(h.source);
  w.i64(h.valid_from);
  w.u8(h.valid_to == 0 ? 1 : 0);
  if (h.valid_to != 0) w.i64(h.valid_to);
  w.u64(row.version);
  w.text(OriginName(h.origin));
  w.u32(static_cast<std::uint32_t>(received_ns / base::kSecond));
  ++out->rows;
}

store::TableRows* RowsOf(store::Table table, std::vector<store::TableRows>* rows) {
  for (store::TableRows& t : *rows) {
    if (t.table == table) return &t;
  }
  rows->push_back({table, 0, {}});
  return &rows->back();
}

}  // namespace

struct Place::State {
  std::string cluster;
  CommWatch* comm = nullptr;
  l4_sched::HoldingTracker tracker;
  std::int64_t oldest_ns = std::numeric_limits<std::int64_t>::max();
  boost::unordered_flat_map<std::uint64_t, SeriesInfo> series;
  std::unordered_set<std::uint64_t> entities;

  mutable std::mutex mutex;  // guards what the accessors copy
  std::map<std::string, std::map<std::string, SignalFacts>> signals;
  std::map<std::string, std::map<std::string, std::uint64_t>> counts;
  l6_infer::EngineFacts engines;
  std::map<std::string, Ring> rings;
  std::map<std::string, model::SourceState> sources;

  explicit State(l4_sched::HoldingOptions options) : tracker(std::move(options)) {}

  void Learn(const model::Series& s, std::int64_t seen_ns, model::Batch* batch) {
    SeriesInfo info;
    const std::string origin = OriginName(s.origin);
    info.signal = &signals[origin][s.signal];
    ++info.signal->series;
    const std::string_view mode = s.attributes.get("cpu.mode");
    const bool waits = mode == "idle" || mode == "iowait" || mode == "wait";  // the line shows work
    if (IsKey(s.signal) && !waits && rings.size() < kMaxSparks) {
      Ring& ring = rings[origin + "|" + s.signal + "|" + s.entity];
      if (ring.spark.signal.empty()) {
        ring.spark = {s.layer, s.signal, s.unit, s.entity_type, s.entity, origin, {}};
        ring.kind = s.kind;
        if (s.kind == model::Kind::counter) ring.spark.unit += "/s";
      }
      info.ring = &ring;
    }
    series[static_cast<std::uint64_t>(s.id)] = info;
    engines.Learn(s);
    AddEntity(s, seen_ns, batch);
  }

  void AddEntity(const model::Series& s, std::int64_t seen_ns, model::Batch* batch) {
    if (s.entity.empty() || entities.size() >= kMaxEntities) return;
    model::Entity e;
    e.type = s.entity_type;
    e.id = s.entity;
    e.name = s.entity;
    e.seen_ns = seen_ns;
    e.origin = s.origin;
    for (const auto& [k, v] : s.attributes) {
      if (DescribesEntity(k)) e.attributes.set(k, v);
    }
    std::uint64_t key = base::Hash64(e.type + "|" + e.id + "|" + e.origin);
    if (!entities.contains(key)) {
      entities.insert(key);
      ++counts[OriginName(s.origin)][e.type];
    }
    key = e.attributes.hash(key);
    if (!entities.insert(key).second) return;
    batch->entities.push_back(std::move(e));
    // What the entity stands on is an entity as well.
    const auto implied = [&](const char* type, std::string_view id) {
      if (id.empty() || (s.entity_type == type && s.entity == id)) return;
      const std::uint64_t k =
          base::Hash64(std::string(type) + "|" + std::string(id) + "|" + s.origin);
      if (!entities.insert(k).second) return;
      ++counts[OriginName(s.origin)][type];
      model::Entity x;
      x.type = type;
      x.id = x.name = id;
      x.seen_ns = seen_ns;
      x.origin = s.origin;
      batch->entities.push_back(std::move(x));
    };
    implied("node", s.attributes.get("host.name"));
    implied("namespace", s.attributes.get("k8s.namespace.name"));
    if (s.attributes.has("k8s.pod.name") &&
        !l4_sched::IsExporterPod(s.attributes.get("k8s.pod.name"))) {
      implied("pod", std::string(s.attributes.get("k8s.namespace.name")) + "/" +
                         std::string(s.attributes.get("k8s.pod.name")));
    }
    implied("model", s.attributes.get("gen_ai.request.model"));
  }

  // Collectives are rows and no series: their communicator is an entity, their duration and
  // bandwidth are lines.
  void Learn(const model::Collective& c, model::Batch* batch) {
    const std::string origin = OriginName(c.origin);
    if (entities.size() < kMaxEntities &&
        entities.insert(base::Hash64("communicator|" + c.communicator + "|" + c.origin)).second) {
      ++counts[origin]["communicator"];
      model::Entity e;
      e.type = "communicator";
      e.id = e.name = c.communicator;
      e.seen_ns = c.start_ns;
      e.origin = c.origin;
      if (!c.node.empty()) e.attributes.set("host.name", c.node);
      batch->entities.push_back(std::move(e));
    }
    const auto line = [&](const char* signal, const char* unit, double value) {
      if (!std::isfinite(value)) return;
      const std::string key = origin + "|" + signal + "|" + c.communicator;
      if (!rings.contains(key) && rings.size() >= kMaxSparks) return;
      Ring& ring = rings[key];
      if (ring.spark.signal.empty())
        ring.spark = {"l2_comm", signal, unit, "communicator", c.communicator, origin, {}};
      ring.Add(c.start_ns + static_cast<std::int64_t>(c.duration_s * 1e9), value, false);
    };
    if (c.done)
      line("comm.collective.duration", "s", c.duration_s),
          line("comm.collective.busbw", "By/s", c.busbw);
  }

  // Several series of one line: modes of a CPU are summed, pressures of several resources give the
  // highest.
  static void AddSample(Ring& ring, std::uint64_t id, std::int64_t ts, double value) {
    if (ring.kind != model::Kind::counter) {
      const bool modes = ring.spark.signal == "system.cpu.utilization";
      if (modes || ring.spark.signal == "system.pressure.some") {
        ring.last[id] = {ts, {value, 0}};
        value = 0;
        for (const auto& [series, point] : ring.last) {
          if (point.first > ts - base::kMinute)
            value = modes ? value + point.second.first : std::max(value, point.second.first);
        }
      }
      ring.Add(ts, value, false);
      return;
    }
    auto& last = ring.last[id];
    if (last.first != 0 && ts > last.first) {
      const double gone = static_cast<double>(ts - last.first) / 1e9;
      const double more = value >= last.second.first ? value - last.second.first : value;
      ring.Add(ts, more / gone, true);
    }
    last = {ts, {value, 0}};
  }

  static void AddHistogram(Ring& ring, const model::Histogram& h) {
    auto& last = ring.last[static_cast<std::uint64_t>(h.series)];
    const double count = static_cast<double>(h.count);
    if (last.first != 0 && count > last.second.second && h.sum >= last.second.first) {
      ring.Add(h.ts, (h.sum - last.second.first) / (count - last.second.second), false);
    }
    last = {h.ts, {h.sum, count}};
  }
};

Place::Place(std::span<const model::Catalog* const>, const Config& config, CommWatch& comm) {
  l4_sched::HoldingOptions options;
  options.teams.label = config.teams.label;
  for (const auto& [ns, team] : config.teams.namespaces) options.teams.namespaces[ns] = team;
  state_ = std::make_unique<State>(std::move(options));
  state_->cluster = config.cluster;
  state_->comm = &comm;
}

Place::~Place() = default;

void Place::Update(model::Batch* batch, std::int64_t now_ns, std::vector<store::TableRows>* rows) {
  State& s = *state_;
  const std::lock_guard lock(s.mutex);
  const std::vector<l4_sched::HoldingRow> changed = s.tracker.Update(batch, now_ns);
  if (!changed.empty()) {
    store::TableRows* out = RowsOf(store::Table::holdings, rows);
    for (const l4_sched::HoldingRow& row : changed) AppendHolding(row, s.cluster, now_ns, out);
  }
  batch->holdings.clear();  // sightings; what is kept are the rows above
  for (const model::Span& span : batch->spans) {
    if (l7_genai::IsModelCall(span)) {
      AppendCall(l7_genai::MakeCall(span), now_ns, RowsOf(store::Table::calls, rows));
      s.oldest_ns = std::min(s.oldest_ns, span.start_ns);
    }
  }
  // An entity was seen when its first sample was taken, which for recorded data is long before it
  // came.
  std::int64_t seen_ns = now_ns;
  for (const std::int64_t ts : batch->samples.ts) seen_ns = std::min(seen_ns, ts);
  s.oldest_ns = std::min(s.oldest_ns, seen_ns);
  for (const model::Histogram& h : batch->histograms) s.oldest_ns = std::min(s.oldest_ns, h.ts);
  for (const model::Event& e : batch->events) s.oldest_ns = std::min(s.oldest_ns, e.ts);
  for (const model::Collective& c : batch->collectives)
    s.oldest_ns = std::min(s.oldest_ns, c.start_ns);
  for (const model::Series& series : batch->series) s.Learn(series, seen_ns, batch);
  for (std::size_t i = 0; i < batch->samples.size(); ++i) {
    const auto id = static_cast<std::uint64_t>(batch->samples.series[i]);
    const auto it = s.series.find(id);
    if (it == s.series.end()) continue;
    const std::int64_t ts = batch->samples.ts[i];
    const double value = batch->samples.value[i];
    it->second.signal->last_ns = std::max(it->second.signal->last_ns, ts);
    if (it->second.ring != nullptr && std::isfinite(value))
      State::AddSample(*it->second.ring, id, ts, value);
  }
  for (const model::Histogram& h : batch->histograms) {
    const auto it = s.series.find(static_cast<std::uint64_t>(h.series));
    if (it == s.series.end()) continue;
    it->second.signal->last_ns = std::max(it->second.signal->last_ns, h.ts);
    if (it->second.ring != nullptr) State::AddHistogram(*it->second.ring, h);
  }
  for (const model::SourceState& source : batch->sources)
    s.sources[OriginName(source.origin) + "|" + source.name] = source;
  const auto saw = [&](const std::string& origin, const char* signal, std::int64_t ts) {
    SignalFacts& f = s.signals[OriginName(origin)][signal];
    f.last_ns = std::max(f.last_ns, ts);
  };
  for (const model::Span& span : batch->spans) saw(span.origin, "trace.span", span.end_ns);
  for (const model::Collective& c : batch->collectives) {
    s.Learn(c, batch);
    saw(c.origin, "comm.collective.duration", c.start_ns);
    saw(c.origin, "comm.collective.bytes", c.start_ns);
  }
  s.comm->Saw(batch->collectives, now_ns);
  for (const model::Event& e : batch->events) saw(e.origin, e.event.c_str(), e.ts);
}

std::map<std::string, std::map<std::string, SignalFacts>> Place::signals() const {
  const std::lock_guard lock(state_->mutex);
  return state_->signals;
}

std::vector<model::SourceState> Place::sources() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<model::SourceState> out;
  for (const auto& [name, source] : state_->sources) out.push_back(source);
  return out;
}

std::map<std::string, std::map<std::string, std::uint64_t>> Place::entity_counts() const {
  const std::lock_guard lock(state_->mutex);
  return state_->counts;
}

std::int64_t Place::TakeOldest() {
  const std::lock_guard lock(state_->mutex);
  return std::exchange(state_->oldest_ns, std::numeric_limits<std::int64_t>::max());
}

std::vector<std::string> Place::origins() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<std::string> out;
  for (const auto& [origin, signals] : state_->signals) out.push_back(origin);
  return out;
}

std::vector<Spark> Place::sparks(std::string_view origin, std::int64_t since_ns) const {
  const std::lock_guard lock(state_->mutex);
  std::vector<Spark> out;
  for (const auto& [key, ring] : state_->rings) {
    if (!origin.empty() && ring.spark.origin != origin) continue;
    Spark spark = ring.spark;
    std::erase_if(spark.points, [&](const Point& p) { return p.ts < since_ns; });
    if (!spark.points.empty()) out.push_back(std::move(spark));
  }
  return out;
}

std::vector<std::string> Place::engines(std::string_view origin) const {
  const std::lock_guard lock(state_->mutex);
  return state_->engines.ids(origin == "live" ? "" : origin);
}

void Place::Restore(const std::vector<model::Holding>& open, std::int64_t seen_ns) {
  const std::lock_guard lock(state_->mutex);
  state_->tracker.Restore(open, seen_ns);
}

std::vector<model::Holding> Place::held(std::string_view origin) const {
  const std::lock_guard lock(state_->mutex);
  return state_->tracker.held(origin == "live" ? "" : origin);
}

}  // namespace strata::server
