// SPDX-License-Identifier: Apache-2.0
// status, catalog, the live tick and the program's own metrics: all from memory, none asks the
// engine.
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/drop.h"
#include "base/file.h"
#include "server/api.h"
#include "server/jobs.h"

namespace strata::server {
namespace {

using base::Json;

constexpr std::int64_t kFresh = 3 * base::kMinute;  // older than this is stale

const char* KindName(model::Kind kind) {
  switch (kind) {
    case model::Kind::gauge: return "gauge";
    case model::Kind::counter: return "counter";
    case model::Kind::histogram: return "histogram";
    case model::Kind::state: return "state";
    case model::Kind::event: return "event";
  }
  return "gauge";
}

// What one layer knows, over all origins.
struct LayerFacts {
  std::int64_t live_last = 0, replay_last = 0;
  std::string world;
  std::uint64_t entities = 0;
};

const char* StateOf(const LayerFacts& f, std::int64_t now) {
  if (f.live_last > now - kFresh) return "live";
  if (f.replay_last > now - kFresh) return "replayed";
  return f.live_last != 0 || f.replay_last != 0 ? "stale" : "absent";
}

void Merge(LayerFacts* f, const std::string& origin, std::int64_t last) {
  if (origin == "live") {
    f->live_last = std::max(f->live_last, last);
  } else if (last > f->replay_last) {
    f->replay_last = last;
    f->world = origin;
  }
}

// A source that says nothing any more is stale, whatever it said last.
std::string_view StateOf(const model::SourceState& source, std::int64_t now) {
  return source.state == "live" && source.last_ns < now - kFresh ? "stale"
                                                                 : std::string_view(source.state);
}

Json SourceJson(const model::SourceState& source, std::int64_t now) {
  Json j;
  j.set("name", source.name).set("state", StateOf(source, now)).set("detail", source.detail);
  j.set("last", source.last_ns > 0 ? Json(base::FormatTime(source.last_ns)) : Json());
  if (!source.origin.empty()) j.set("origin", source.origin);
  return j;
}

// What the sources of one layer complain about: "1 failed, 1 stale: NAME: detail; NAME: detail".
// "" = nothing.
std::string TroubledOf(const std::vector<model::SourceState>& sources, std::string_view layer,
                       std::int64_t now) {
  constexpr std::size_t kMostNamed = 2;
  std::string counts, words;
  std::size_t named = 0, all = 0;
  for (const std::string_view state : {"failed", "stale"}) {
    std::size_t n = 0;
    for (const model::SourceState& source : sources) {
      if (source.layer != layer || StateOf(source, now) != state) continue;
      ++n;
      if (named == kMostNamed) continue;
      ++named;
      words += (words.empty() ? "" : "; ") + source.name;
      if (source.state == "live")
        words += ": silent since " + base::FormatTime(source.last_ns);
      else if (!source.detail.empty())
        words += ": " + source.detail;
    }
    all += n;
    if (n > 0)
      counts.append(counts.empty() ? "" : ", ").append(std::to_string(n) + " ").append(state);
  }
  if (all > named) words += "; …";
  return all == 0 ? "" : counts + ": " + words;
}

// Why a layer is absent: its sources' own words, those that failed first.
std::string WhyAbsent(const std::vector<model::SourceState>& sources, std::string_view layer,
                      std::int64_t now) {
  std::string why = TroubledOf(sources, layer, now);
  if (!why.empty()) return why;
  for (const model::SourceState& source : sources) {
    if (source.layer != layer || source.state != "absent" || source.detail.empty()) continue;
    why += (why.empty() ? "" : "; ") + source.name + ": " + source.detail;
  }
  return why.empty() ? "no source of this layer has sent anything" : why;
}

Json IngestJson(const Services& s) {
  const IngestFacts f = s.ingest.facts();
  Json refused = Json::MakeObject();
  for (const base::DropFact& drop : base::Drops()) {
    if (drop.count > 0) refused.set(drop.name, drop.count);
  }
  Json j;
  j.set("samples", f.samples).set("spans", f.spans).set("logs", f.logs).set("events", f.events);
  j.set("refused", std::move(refused));
  j.set("queued", f.queued).set("log_segments", f.log.segments).set("log_bytes", f.log.bytes);
  if (!f.move_error.empty()) j.set("store_error", f.move_error);
  return j;
}

// What a layer knows without a series of its own: when it was last fed, and signals that rows tell,
// with their state.
struct Derived {
  std::map<std::string, std::int64_t> last;                                 // by origin
  std::map<std::string_view, std::pair<const char*, const char*>> signals;  // id -> state, why
};

using Signals = std::map<std::string, std::map<std::string, SignalFacts>>;

Json LayerJson(const model::Catalog& catalog, const Signals& seen,
               const std::vector<model::SourceState>& sources,
               const std::map<std::string, std::map<std::string, std::uint64_t>>& counts,
               std::int64_t now, const Derived& derived) {
  LayerFacts facts;
  Json signals = Json::MakeArray();
  std::vector<std::string_view> types;
  for (const model::Signal& signal : catalog.signals) {
    std::int64_t last = 0;
    for (const auto& [origin, by_signal] : seen) {
      const auto it = by_signal.find(std::string(signal.id));
      if (it == by_signal.end() || it->second.last_ns == 0) continue;
      Merge(&facts, origin, it->second.last_ns);
      last = std::max(last, it->second.last_ns);
    }
    // A node's driver may speak in L1; the node is counted where it is measured.
    const bool own = signal.kind != model::Kind::event || signal.entity != "node";
    if (own && std::find(types.begin(), types.end(), signal.entity) == types.end())
      types.push_back(signal.entity);
    Json j;
    j.set("signal", signal.id).set("unit", signal.unit);
    if (const auto it = derived.signals.find(signal.id); last == 0 && it != derived.signals.end()) {
      j.set("state", it->second.first).set("why", it->second.second);
    } else if (last == 0) {
      j.set("state", "absent")
          .set("why", signal.sources.empty() && signal.kind != model::Kind::event
                          ? "no source"
                          : "no source has sent it");
    } else {
      j.set("state", "measured")
          .set("why", last < now - kFresh ? Json("last seen " + base::FormatTime(last)) : Json());
    }
    signals.push(std::move(j));
  }
  for (const auto& [origin, last] : derived.last) Merge(&facts, origin, last);
  for (const auto& [origin, by_type] : counts) {
    for (const auto& [type, n] : by_type) {
      if (std::find(types.begin(), types.end(), type) != types.end()) facts.entities += n;
    }
  }
  Json source_list = Json::MakeArray();
  for (const model::SourceState& source : sources) {
    if (source.layer == catalog.layer) source_list.push(SourceJson(source, now));
  }
  Json layer;
  layer.set("layer", catalog.layer).set("title", catalog.title).set("question", catalog.question);
  const char* state = StateOf(facts, now);
  layer.set("state", state);
  if (std::string_view(state) == "replayed") layer.set("origin", facts.world);
  if (std::string_view(state) == "absent")
    layer.set("why", WhyAbsent(sources, catalog.layer, now));
  else if (std::string troubled = TroubledOf(sources, catalog.layer, now); !troubled.empty())
    layer.set("troubled", std::move(troubled));
  const std::int64_t last = std::max(facts.live_last, facts.replay_last);
  layer.set("last", last > 0 ? Json(base::FormatTime(last)) : Json());
  layer.set("sources", std::move(source_list))
      .set("entities", facts.entities)
      .set("signals", std::move(signals));
  return layer;
}

// Holdings (L4), spans (L7) and the ledger (L8) are rows, not series.
Derived DerivedOf(const Services& s, std::string_view layer, const Signals& seen) {
  Derived d;
  const std::int64_t now = s.clock.now_ns();
  if (layer == "l4_sched") {
    for (const std::string& origin : s.place.origins()) {
      if (!s.place.held(origin).empty()) d.last[origin] = now;
    }
    if (!d.last.empty()) d.signals["gpu.holding.share"] = {"measured", "in the table holdings"};
  } else if (layer == "l7_genai") {
    for (const auto& [origin, by_signal] : seen) {
      const auto it = by_signal.find("trace.span");
      if (it != by_signal.end()) d.last[origin] = it->second.last_ns;
    }
    if (d.last.empty()) return d;
    for (const char* id : {"gen_ai.client.operation.duration", "gen_ai.client.input_tokens",
                           "gen_ai.client.output_tokens"}) {
      d.signals[id] = {"measured", "per call, from spans, in the table requests"};
    }
  } else if (layer == "l8_cost") {
    d.last = s.jobs.ledger_last();
    if (d.last.empty()) return d;
    for (const char* id : {"cost.bill", "cost.unallocated", "cost.idle", "cost.gpu_hour"})
      d.signals[id] = {"measured", "in the table ledger"};
    for (const char* id : {"cost.useful", "cost.per_useful_token", "cost.per_token",
                           "cost.per_request", "energy.per_token"}) {
      d.signals[id] = {"estimated", "dealt over tokens by the policy that each ledger row names"};
    }
  }
  return d;
}

struct ProcessFacts {
  std::uint64_t rss = 0;
  std::int64_t cpu_ns = 0;
};

ProcessFacts ReadProcess(int pid) {
  ProcessFacts f;
  const std::string base_path = "/proc/" + std::to_string(pid);
  if (auto statm = base::ReadFile(base_path + "/statm"); statm.ok()) {
    unsigned long size = 0, resident = 0;
    if (std::sscanf(statm->c_str(), "%lu %lu", &size, &resident) == 2) {
      f.rss = resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    }
  }
  if (auto stat = base::ReadFile(base_path + "/stat"); stat.ok()) {
    const std::size_t end = stat->rfind(')');
    unsigned long user = 0, system = 0;
    if (end != std::string::npos &&
        std::sscanf(stat->c_str() + end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                    &user, &system) == 2) {
      f.cpu_ns =
          static_cast<std::int64_t>(user + system) * (base::kSecond / ::sysconf(_SC_CLK_TCK));
    }
  }
  return f;
}

}  // namespace

Json StatusAnswer(const Services& s) {
  const std::int64_t now = s.clock.now_ns();
  const Signals seen = s.place.signals();
  const std::vector<model::SourceState> sources = s.place.sources();
  const auto counts = s.place.entity_counts();
  Json layers = Json::MakeArray();
  for (const model::Catalog* catalog : s.catalogs) {
    layers.push(
        LayerJson(*catalog, seen, sources, counts, now, DerivedOf(s, catalog->layer, seen)));
  }
  Json origins = Json::MakeArray();
  for (const std::string& origin : s.place.origins()) origins.push(origin);
  const store::EngineFacts engine = s.store.engine();
  Json engine_json;
  engine_json.set("ready", engine.ready)
      .set("restarts", engine.restarts)
      .set("rss_bytes", engine.rss_bytes);
  engine_json.set("detail", engine.detail);
  Json j;
  j.set("version", kVersion).set("cluster", s.config.cluster).set("now", base::FormatTime(now));
  j.set("uptime_s", (now - s.started_ns) / base::kSecond).set("origins", std::move(origins));
  j.set("layers", std::move(layers))
      .set("ingest", IngestJson(s))
      .set("engine", std::move(engine_json));
  return j;
}

Json CatalogAnswer(std::span<const model::Catalog* const> catalogs) {
  Json layers = Json::MakeArray();
  for (const model::Catalog* catalog : catalogs) {
    Json signals = Json::MakeArray();
    for (const model::Signal& signal : catalog->signals) {
      Json sources = Json::MakeArray();
      for (const model::SourceName& source : signal.sources) {
        Json x;
        x.set("adapter", source.adapter).set("name", source.name);
        if (source.scale != 1) x.set("scale", source.scale);
        sources.push(std::move(x));
      }
      Json columns = Json::MakeArray();
      for (const model::MinuteColumn& column : signal.minute)
        columns.push(std::string(column.table) + "." + std::string(column.column));
      Json j;
      j.set("signal", signal.id)
          .set("unit", signal.unit)
          .set("kind", KindName(signal.kind))
          .set("entity", signal.entity);
      j.set("otel", signal.otel.empty() ? Json() : Json(signal.otel))
          .set("meaning", signal.meaning);
      j.set("sources", std::move(sources)).set("minute", std::move(columns));
      signals.push(std::move(j));
    }
    Json layer;
    layer.set("layer", catalog->layer)
        .set("title", catalog->title)
        .set("question", catalog->question);
    layer.set("signals", std::move(signals));
    layers.push(std::move(layer));
  }
  Json j;
  j.set("layers", std::move(layers));
  return j;
}

Json LiveTick(const Services& s) {
  const std::int64_t now = s.clock.now_ns();
  std::map<std::string, Json> by_layer;
  for (const Spark& spark : s.place.sparks({}, now - 15 * base::kMinute)) {
    Json points = Json::MakeArray();
    for (const Point& p : spark.points) {
      Json pair = Json::MakeArray();
      pair.push(static_cast<double>(p.ts / base::kMillisecond) / 1e3).push(p.value);
      points.push(std::move(pair));
    }
    Json j;
    j.set("signal", spark.signal)
        .set("unit", spark.unit)
        .set("entity", spark.entity_type + ":" + spark.entity);
    j.set("origin", spark.origin).set("points", std::move(points));
    by_layer[spark.layer].push(std::move(j));
  }
  Json layers = Json::MakeArray();
  for (const model::Catalog* catalog : s.catalogs) {
    Json j;
    Json& sparks = by_layer[std::string(catalog->layer)];
    j.set("layer", catalog->layer)
        .set("sparkline", sparks.is_array() ? std::move(sparks) : Json::MakeArray());
    layers.push(std::move(j));
  }
  Json status = StatusAnswer(s);
  Json tick;
  Json origins = status["origins"];
  tick.set("status", std::move(status))
      .set("headline", s.jobs.headline("live"))
      .set("layers", std::move(layers));
  Json headlines = Json::MakeObject();
  for (const Json& origin : origins.array())
    headlines.set(origin.as_string(), s.jobs.headline(origin.as_string()));
  tick.set("headlines", std::move(headlines))
      .set("findings", s.jobs.open_findings())
      .set("origins", std::move(origins));
  return tick;
}

std::string MetricsText(const Services& s) {
  std::string out;
  const auto family = [&](const char* name, const char* type, const char* help) {
    out += "# HELP " + std::string(name) + " " + help + "\n# TYPE " + name + " " + type + "\n";
  };
  const auto sample = [&](const std::string& name, double value) {
    out += name + " ";
    base::AppendJsonNumber(value, &out);
    out += "\n";
  };
  const IngestFacts f = s.ingest.facts();
  family("strata_ingest_records_total", "counter", "Records accepted, by kind.");
  sample("strata_ingest_records_total{kind=\"sample\"}", static_cast<double>(f.samples));
  sample("strata_ingest_records_total{kind=\"span\"}", static_cast<double>(f.spans));
  sample("strata_ingest_records_total{kind=\"log\"}", static_cast<double>(f.logs));
  sample("strata_ingest_records_total{kind=\"event\"}", static_cast<double>(f.events));
  family("strata_ingest_requests_total", "counter", "Requests taken.");
  sample("strata_ingest_requests_total", static_cast<double>(f.requests));
  family("strata_ingest_bytes_total", "counter", "Bytes of requests after decompression.");
  sample("strata_ingest_bytes_total", static_cast<double>(f.bytes));
  family("strata_dropped_total", "counter", "Records refused or lost, by reason.");
  for (const base::DropFact& d : base::Drops()) {
    sample("strata_dropped_total{reason=\"" + std::string(d.name) + "\",severity=\"" +
               std::string(d.severity) + "\"}",
           static_cast<double>(d.count));
  }
  family("strata_queue_depth", "gauge", "Requests waiting for the ingest thread.");
  sample("strata_queue_depth", static_cast<double>(f.queued));
  family("strata_log_segments", "gauge", "Sealed segments that the engine has not taken.");
  sample("strata_log_segments", static_cast<double>(f.log.segments));
  family("strata_log_bytes", "gauge", "Bytes of the write-ahead log on disk.");
  sample("strata_log_bytes", static_cast<double>(f.log.bytes));
  family("strata_log_sync_seconds", "summary", "fdatasync of the log, the group commit.");
  sample("strata_log_sync_seconds_sum", static_cast<double>(f.sync_ns_total) / 1e9);
  sample("strata_log_sync_seconds_count", static_cast<double>(f.syncs));
  family("strata_store_segments_total", "counter", "Segments moved into the engine.");
  sample("strata_store_segments_total", static_cast<double>(f.moved_segments));
  family("strata_store_failures_total", "counter", "Failed attempts to move a segment.");
  sample("strata_store_failures_total", static_cast<double>(f.move_failures));
  family("strata_minute_close_seconds", "gauge", "Duration of the last pass that closed minutes.");
  sample("strata_minute_close_seconds", s.jobs.close_seconds());
  family("strata_minute_lag_seconds", "gauge",
         "Age of the newest closed minute beyond its end and lateness.");
  sample("strata_minute_lag_seconds", s.jobs.lag_seconds());
  const store::EngineFacts engine = s.store.engine();
  family("strata_engine_restarts_total", "counter", "Restarts of the engine child.");
  sample("strata_engine_restarts_total", static_cast<double>(engine.restarts));
  family("strata_room_cpu_seconds_total", "counter",
         "CPU time by room, where a room has a thread or process of its own.");
  sample("strata_room_cpu_seconds_total{room=\"server\"}",
         static_cast<double>(base::process_cpu_ns()) / 1e9);
  sample("strata_room_cpu_seconds_total{room=\"ingest\"}", static_cast<double>(f.cpu_ns) / 1e9);
  sample("strata_room_cpu_seconds_total{room=\"mover\"}",
         static_cast<double>(f.mover_cpu_ns) / 1e9);
  sample("strata_room_cpu_seconds_total{room=\"jobs\"}",
         static_cast<double>(s.jobs.cpu_ns()) / 1e9);
  family("strata_room_resident_bytes", "gauge", "Resident memory by process.");
  sample("strata_room_resident_bytes{room=\"server\"}",
         static_cast<double>(ReadProcess(::getpid()).rss));
  if (engine.pid > 0) {
    const ProcessFacts child = ReadProcess(engine.pid);
    sample("strata_room_resident_bytes{room=\"engine\"}", static_cast<double>(child.rss));
    out.insert(out.find("strata_room_cpu_seconds_total{room=\"ingest\"}"),
               "strata_room_cpu_seconds_total{room=\"engine\"} " +
                   std::to_string(static_cast<double>(child.cpu_ns) / 1e9) + "\n");
  }
  family("strata_build_info", "gauge", "Version.");
  sample("strata_build_info{version=\"" + std::string(kVersion) + "\"}", 1);
  return out;
}

}  // namespace strata::server
