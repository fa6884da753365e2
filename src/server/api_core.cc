// SPDX-License-Identifier: Apache-2.0
// The core sample: what stood over and under one entity, in eight layers on one clock. Which
// entities belong to it comes from holdings and the attributes of entities; points come from
// samples (gauges: mean of the step, counters: rate) and, where a signal is a histogram, from the
// minutes.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "minutes/layout.h"
#include "server/api.h"
#include "server/jobs.h"

namespace strata::server {
namespace {

using base::Json;
using base::Result;
using base::Status;
using store::Rows;

using Related = std::map<std::string, std::set<std::string>>;  // entity type -> ids

struct Ask {
  std::int64_t from, to, step;
  std::string origin;
  store::Params params() const {
    return {{"from", std::to_string(from)},
            {"to", std::to_string(to)},
            {"step", std::to_string(step)},
            {"origin", origin}};
  }
};

struct Wanted {
  std::string_view layer;
  std::vector<std::string_view> signals;
};

// What a core sample shows of each layer, most telling first.
const std::vector<Wanted>& WantedSignals() {
  static const std::vector<Wanted> wanted = {
      {"l1_gpu",
       {"gpu.utilization", "gpu.sm.active", "gpu.tensor.active", "gpu.memory.used", "gpu.power",
        "gpu.temperature"}},
      {"l2_comm", {"comm.rank.lateness", "comm.rank.wait", "comm.collective.busbw"}},
      {"l3_host",
       {"system.cpu.utilization", "system.cpu.time", "system.memory.utilization",
        "system.memory.usage", "system.pressure.some", "system.disk.io", "system.network.io",
        "system.network.tcp.retransmits", "process.cpu.time", "process.memory.usage"}},
      {"l4_sched", {"gpu.holding.share"}},
      {"l5_train",
       {"train.step.duration", "train.loss", "train.grad_norm", "train.mfu",
        "train.data_wait.duration"}},
      {"l6_infer",
       {"inference.requests_running", "inference.requests_waiting", "inference.kv_usage_ratio",
        "inference.preemptions", "inference.generation_tokens", "inference.prompt_tokens"}},
      {"l7_genai", {}},
      {"l8_cost", {}}};
  return wanted;
}

std::string Quote(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "'";
}

std::string InList(const std::set<std::string>& ids) {
  std::string out;
  for (const std::string& id : ids) out += (out.empty() ? "" : ",") + Quote(id);
  return "(" + (out.empty() ? "''" : out) + ")";
}

void AddHolding(const Rows& rows, std::size_t i, Related* related) {
  const auto add = [&](const char* type, std::string id) {
    if (!id.empty() && id != "/") (*related)[type].insert(std::move(id));
  };
  const std::string gpu(rows.text(i, "gpu"));
  if (!gpu.starts_with("cpu:")) add("gpu", gpu);
  add("node", std::string(rows.text(i, "node")));
  if (!rows.text(i, "pod").empty())
    add("pod", std::string(rows.text(i, "namespace")) + "/" + std::string(rows.text(i, "pod")));
  add("engine", std::string(rows.text(i, "engine")));
  add("job", std::string(rows.text(i, "job")));
}

// Holdings in the window that touch what is already related; two hops (gpu -> pod -> its other
// GPUs).
Status FollowHoldings(const Services& s, const Ask& ask, Related* related) {
  ASSIGN_OR_RETURN(
      const Rows rows,
      s.store.Query("SELECT gpu, node, namespace, pod, engine, job FROM holdings WHERE origin = "
                    "{origin:String} AND "
                    "valid_from < fromUnixTimestamp64Nano({to:Int64}, 'UTC') AND (valid_to IS NULL "
                    "OR valid_to > fromUnixTimestamp64Nano({from:Int64}, 'UTC')) LIMIT 20000",
                    ask.params()));
  const bool by_node = related->size() == 1 && related->begin()->first == "node";
  for (int hop = 0; hop < 2; ++hop) {
    const Related before = *related;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto has = [&](const char* type, const std::string& id) {
        const auto it = before.find(type);
        return it != before.end() && it->second.contains(id);
      };
      const bool touches = has("gpu", std::string(rows.text(i, "gpu"))) ||
                           has("engine", std::string(rows.text(i, "engine"))) ||
                           has("job", std::string(rows.text(i, "job"))) ||
                           has("pod", std::string(rows.text(i, "namespace")) + "/" +
                                          std::string(rows.text(i, "pod"))) ||
                           (by_node && hop == 0 && has("node", std::string(rows.text(i, "node"))));
      if (touches) AddHolding(rows, i, related);
    }
  }
  return Status::Ok();
}

// Entities whose attributes name a related pod, node or engine: an engine knows its pod and model,
// a GPU its node.
Status FollowEntities(const Services& s, const Ask& ask, Related* related) {
  ASSIGN_OR_RETURN(
      const Rows rows,
      s.store.Query(
          "SELECT type, id, attributes FROM entities WHERE origin = {origin:String} AND valid_to "
          "IS NULL AND "
          "type IN ('gpu', 'engine', 'job', 'rank', 'communicator', 'process') LIMIT 50000",
          ask.params()));
  for (int hop = 0; hop < 2; ++hop) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::string type(rows.text(i, "type")), id(rows.text(i, "id"));
      const model::Attributes a = rows.attributes(i, rows.column("attributes"));
      const std::string pod =
          std::string(a.get("k8s.namespace.name")) + "/" + std::string(a.get("k8s.pod.name"));
      const std::string node(a.get("host.name"));
      const bool mine = (*related)[type].contains(id);
      if (mine) {
        if (!node.empty()) (*related)["node"].insert(node);
        if (pod.size() > 1) (*related)["pod"].insert(pod);
        if (a.has("gen_ai.request.model"))
          (*related)["model"].insert(std::string(a.get("gen_ai.request.model")));
      } else if (pod.size() > 1 && (*related)["pod"].contains(pod)) {
        (*related)[type].insert(id);
      }
    }
  }
  return Status::Ok();
}

struct Line {  // one series of points
  std::string layer, signal, unit, kind, entity;
  model::Attributes attributes;
};

Json PointsJson(const std::vector<std::pair<std::int64_t, double>>& points) {
  Json array = Json::MakeArray();
  for (const auto& [t, v] : points) {
    Json pair = Json::MakeArray();
    pair.push(static_cast<double>(t) / 1e9).push(v);
    array.push(std::move(pair));
  }
  return array;
}

Json LineJson(const Line& line, const std::vector<std::pair<std::int64_t, double>>& points) {
  Json j;
  j.set("signal", line.signal).set("unit", line.unit).set("entity", line.entity);
  Json attributes = Json::MakeObject();
  for (const auto& [k, v] : line.attributes) attributes.set(k, v);
  j.set("attributes", std::move(attributes)).set("points", PointsJson(points));
  return j;
}

// Attributes that tell series of one signal and entity apart and that people look at.
model::Attributes Telling(const model::Attributes& all) {
  model::Attributes out;
  for (const auto& [k, v] : all) {
    for (const std::string_view key :
         {"resource", "cpu.mode", "state", "system.memory.state", "direction",
          "network.io.direction", "disk.io.direction", "device", "system.device", "rank", "dl.rank",
          "operation", "reason"}) {
      if (k == key) out.set(k, v);
    }
  }
  return out;
}

const model::Signal* FindSignal(const Services& s, std::string_view id) {
  for (const model::Catalog* catalog : s.catalogs) {
    for (const model::Signal& signal : catalog->signals) {
      if (signal.id == id) return &signal;
    }
  }
  return nullptr;
}

// Two sources may tell one thing (DCGM's utilisation and its engine activity): the better one by
// the catalog is shown.
std::set<std::uint64_t> BestSources(const Services& s, const Rows& series) {
  std::map<std::string, std::pair<int, std::set<std::uint64_t>>> best;
  for (std::size_t i = 0; i < series.size(); ++i) {
    const model::Signal* signal = FindSignal(s, series.text(i, "signal"));
    const int rank =
        signal == nullptr ? 0 : minutes::Layout::SourceRank(*signal, series.text(i, "source"));
    const std::string key = std::string(series.text(i, "signal")) + "|" +
                            std::string(series.text(i, "entity")) + "|" +
                            Telling(series.attributes(i, series.column("attributes"))).text();
    auto& entry = best[key];
    if (entry.second.empty() || rank < entry.first) entry = {rank, {}};
    if (rank == entry.first) entry.second.insert(series.u64(i, "id"));
  }
  std::set<std::uint64_t> ids;
  for (const auto& [key, entry] : best) ids.insert(entry.second.begin(), entry.second.end());
  return ids;
}

// Who held the related devices in the window, as events of L4.
Status HoldingEvents(const Services& s, const Ask& ask, const Related& related,
                     std::map<std::string, Json>* events) {
  std::set<std::string> devices;
  if (const auto it = related.find("gpu"); it != related.end()) devices = it->second;
  if (const auto it = related.find("node"); it != related.end()) {
    for (const std::string& node : it->second) devices.insert("cpu:" + node);
  }
  if (devices.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(
      const Rows rows,
      s.store.Query("SELECT gpu, namespace, pod, engine, job, share, share_kind, source, "
                    "toUnixTimestamp64Nano(valid_from) AS at, valid_to FROM holdings WHERE "
                    "origin = {origin:String} AND gpu IN " +
                        InList(devices) +
                        " AND valid_from < fromUnixTimestamp64Nano({to:Int64}, 'UTC') AND "
                        "(valid_to IS NULL OR valid_to > fromUnixTimestamp64Nano({from:Int64}, "
                        "'UTC')) ORDER BY valid_from LIMIT 200",
                    ask.params()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string holder =
        !rows.text(i, "pod").empty()
            ? std::string(rows.text(i, "namespace")) + "/" + std::string(rows.text(i, "pod"))
        : !rows.text(i, "engine").empty() ? "engine " + std::string(rows.text(i, "engine"))
                                          : "job " + std::string(rows.text(i, "job"));
    char share[32];
    std::snprintf(share, sizeof share, "%.3g", rows.f64(i, "share"));
    const std::int64_t at = std::max(rows.i64(i, "at"), ask.from);
    Json e;
    e.set("time", base::FormatTime(at))
        .set("t", static_cast<double>(at) / 1e9)
        .set("event", "holding");
    const std::string gpu(rows.text(i, "gpu"));
    e.set("entity", gpu.starts_with("cpu:") ? "node:" + gpu.substr(4) : "gpu:" + gpu)
        .set("severity", "info");
    e.set("message", holder + " held share " + share + " of " + gpu + " as " +
                         std::string(rows.text(i, "share_kind")) + ", says " +
                         std::string(rows.text(i, "source")) +
                         (rows.is_null(i, "valid_to")
                              ? ""
                              : ", until " + base::FormatTime(rows.i64(i, "valid_to"))));
    (*events)["l4_sched"].push(std::move(e));
  }
  return Status::Ok();
}

Result<std::map<std::string, Json>> SampleLines(const Services& s, const Ask& ask,
                                                const Related& related) {
  std::map<std::string, Json> by_layer;
  std::string entities, signals;
  for (const auto& [type, ids] : related) {
    for (const std::string& id : ids)
      entities += (entities.empty() ? "(" : ",(") + Quote(type) + "," + Quote(id) + ")";
  }
  for (const Wanted& w : WantedSignals()) {
    for (const std::string_view signal : w.signals)
      signals += (signals.empty() ? "" : ",") + Quote(signal);
  }
  if (entities.empty()) return by_layer;
  ASSIGN_OR_RETURN(
      const Rows series,
      s.store.Query(
          "SELECT * FROM (SELECT id, layer, signal, unit, kind, entity_type, entity, attributes, "
          "source FROM series WHERE "
          "origin = {origin:String} AND signal IN (" +
              signals + ") AND (entity_type, entity) IN (" + entities +
              ") LIMIT 1 BY id) ORDER BY signal, entity, id LIMIT 6 BY signal, entity LIMIT 400",
          ask.params()));
  std::map<std::uint64_t, Line> lines;
  std::string ids;
  const std::set<std::uint64_t> best = BestSources(s, series);
  for (std::size_t i = 0; i < series.size(); ++i) {
    const std::uint64_t id = series.u64(i, "id");
    if (!best.contains(id)) continue;
    lines[id] = {
        std::string(series.text(i, "layer")),
        std::string(series.text(i, "signal")),
        std::string(series.text(i, "unit")),
        std::string(series.text(i, "kind")),
        std::string(series.text(i, "entity_type")) + ":" + std::string(series.text(i, "entity")),
        Telling(series.attributes(i, "attributes"))};
    ids += (ids.empty() ? "" : ",") + std::to_string(id);
  }
  if (ids.empty()) return by_layer;
  ASSIGN_OR_RETURN(
      const Rows rows,
      s.store.Query("SELECT series, intDiv(toUnixTimestamp64Nano(ts), {step:Int64}) * {step:Int64} "
                    "AS at, avg(value) AS mean, argMin(value, ts) AS first, "
                    "argMax(value, ts) AS last, toUnixTimestamp64Nano(min(ts)) AS first_ts, "
                    "toUnixTimestamp64Nano(max(ts)) AS last_ts FROM samples "
                    "WHERE series IN (" +
                        ids +
                        ") AND ts >= fromUnixTimestamp64Nano({from:Int64}, 'UTC') AND ts < "
                        "fromUnixTimestamp64Nano({to:Int64}, 'UTC') "
                        "AND NOT isNaN(value) GROUP BY series, at ORDER BY series, at",
                    ask.params()));
  std::map<std::uint64_t, std::vector<std::pair<std::int64_t, double>>> points;
  std::uint64_t current = 0;
  std::int64_t last_ts = 0;
  double last = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::uint64_t id = rows.u64(i, "series");
    if (id != current) current = id, last_ts = 0;
    const std::int64_t at = rows.i64(i, "at");
    if (lines[id].kind != "counter") {
      points[id].emplace_back(at, rows.f64(i, "mean"));
      continue;
    }
    const double end = rows.f64(i, "last");
    const std::int64_t end_ts = rows.i64(i, "last_ts");
    if (last_ts == 0) last = rows.f64(i, "first"), last_ts = rows.i64(i, "first_ts");
    if (end_ts > last_ts) {
      points[id].emplace_back(
          at, (end >= last ? end - last : end) / (static_cast<double>(end_ts - last_ts) / 1e9));
    }
    last = end;
    last_ts = end_ts;
  }
  for (const Wanted& w : WantedSignals()) {
    for (const std::string_view signal : w.signals) {
      for (auto& [id, line] : lines) {
        if (line.signal != signal || points[id].empty()) continue;
        if (line.kind == "counter") line.unit += "/s";
        by_layer[line.layer].push(LineJson(line, points[id]));
      }
    }
  }
  return by_layer;
}

// Columns of minute tables as lines: quantiles of engines, calls, money.
Status MinuteLines(const Services& s, const Ask& ask, const std::string& sql,
                   const std::string& layer, const std::vector<Line>& lines,
                   std::map<std::string, Json>* out) {
  ASSIGN_OR_RETURN(const Rows rows, s.store.Query(sql, ask.params()));
  std::map<std::pair<std::string, std::size_t>, std::vector<std::pair<std::int64_t, double>>>
      points;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t k = 0; k < lines.size(); ++k) {
      const int column = rows.column(lines[k].kind);
      if (column >= 0 && !rows.is_null(i, column)) {
        points[{std::string(rows.text(i, "who")), k}].emplace_back(rows.i64(i, "at"),
                                                                   rows.f64(i, column));
      }
    }
  }
  for (auto& [key, values] : points) {
    Line line = lines[key.second];
    line.entity += key.first;
    (*out)[layer].push(LineJson(line, values));
  }
  return Status::Ok();
}

Status LayersFromMinutes(const Services& s, const Ask& ask, const Related& related,
                         std::map<std::string, Json>* out) {
  const std::string window =
      " AND minute >= toDateTime({from:Int64} / 1000000000, 'UTC') AND minute < "
      "toDateTime({to:Int64} / 1000000000, 'UTC') "
      "AND origin = {origin:String}";
  const auto ids = [&](const char* type) {
    const auto it = related.find(type);
    return it == related.end() ? std::set<std::string>() : it->second;
  };
  const std::string at = "toUnixTimestamp(minute) * 1000000000 AS at";
  if (const auto engines = ids("engine"); !engines.empty()) {
    RETURN_IF_ERROR(MinuteLines(
        s, ask,
        "SELECT " + at +
            ", engine AS who, ttft_p50_s, ttft_p99_s, itl_p99_s FROM engine_minute WHERE engine "
            "IN " +
            InList(engines) + window + " ORDER BY minute",
        "l6_infer",
        {{"l6_infer", "inference.ttft", "s", "ttft_p50_s", "engine:", {{"quantile", "0.5"}}},
         {"l6_infer", "inference.ttft", "s", "ttft_p99_s", "engine:", {{"quantile", "0.99"}}},
         {"l6_infer", "inference.itl", "s", "itl_p99_s", "engine:", {{"quantile", "0.99"}}}},
        out));
    RETURN_IF_ERROR(MinuteLines(
        s, ask,
        "SELECT " + at +
            ", model AS who, sum(calls) AS calls, sum(errors) + sum(aborted) AS failed, "
            "sum(output_tokens) AS output_tokens, max(ttft_p99_s) AS ttft_p99_s FROM "
            "request_minute WHERE engine IN " +
            InList(engines) + window + " GROUP BY minute, model ORDER BY minute",
        "l7_genai",
        {{"l7_genai", "calls", "{call}/min", "calls", "model:", {}},
         {"l7_genai", "failed calls", "{call}/min", "failed", "model:", {}},
         {"l7_genai", "output tokens", "{token}/min", "output_tokens", "model:", {}},
         {"l7_genai", "time to first token p99", "s", "ttft_p99_s", "model:", {}}},
        out));
  }
  std::set<std::string> devices = ids("gpu");
  for (const std::string& node : ids("node")) devices.insert("cpu:" + node);
  if (devices.empty()) return Status::Ok();
  return MinuteLines(
      s, ask,
      "SELECT " + at +
          ", class AS who, toFloat64(sum(cost)) * 60 AS cost FROM ledger WHERE device IN " +
          InList(devices) + window + " GROUP BY minute, class ORDER BY minute",
      "l8_cost", {{"l8_cost", "cost", "USD/h", "cost", "class:", {}}}, out);
}

Result<std::map<std::string, Json>> EventsByLayer(const Services& s, const Ask& ask,
                                                  const Related& related) {
  std::map<std::string, Json> by_layer;
  std::string entities;
  for (const auto& [type, ids] : related) {
    for (const std::string& id : ids)
      entities += (entities.empty() ? "(" : ",(") + Quote(type) + "," + Quote(id) + ")";
  }
  if (entities.empty()) return by_layer;
  ASSIGN_OR_RETURN(
      const Rows rows,
      s.store.Query("SELECT toUnixTimestamp64Nano(ts) AS at, layer, event, entity_type, entity, "
                    "severity, message FROM events WHERE origin = {origin:String} AND "
                    "ts >= fromUnixTimestamp64Nano({from:Int64}, 'UTC') AND ts < "
                    "fromUnixTimestamp64Nano({to:Int64}, 'UTC') AND (entity_type, entity) IN (" +
                        entities + ") ORDER BY ts LIMIT 500",
                    ask.params()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Json e;
    e.set("time", base::FormatTime(rows.i64(i, "at")))
        .set("t", static_cast<double>(rows.i64(i, "at")) / 1e9);
    e.set("event", rows.text(i, "event"))
        .set("entity",
             std::string(rows.text(i, "entity_type")) + ":" + std::string(rows.text(i, "entity")));
    e.set("severity", rows.text(i, "severity")).set("message", rows.text(i, "message"));
    by_layer[std::string(rows.text(i, "layer"))].push(std::move(e));
  }
  return by_layer;
}

const char* LayerOfType(std::string_view type) {
  if (type == "gpu") return "l1_gpu";
  if (type == "communicator" || type == "rank") return "l2_comm";
  if (type == "node" || type == "process") return "l3_host";
  if (type == "pod" || type == "container" || type == "namespace") return "l4_sched";
  if (type == "job") return "l5_train";
  if (type == "engine") return "l6_infer";
  return "l7_genai";
}

}  // namespace

Result<Json> CoreAnswer(const Services& s, std::string_view entity, std::int64_t from,
                        std::int64_t to, std::int64_t step, std::string_view origin) {
  Ask ask{from, to, step, std::string(origin)};
  if (ask.step <= 0) {  // about 240 points, a round number of seconds
    const std::int64_t raw = (to - from) / 240 / base::kSecond;
    for (const std::int64_t nice : {1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600}) {
      ask.step = nice * base::kSecond;
      if (nice >= raw) break;
    }
  }
  if ((to - from) / ask.step > 20'000)
    return base::Invalid("more than 20,000 points: choose a larger step");
  ASSIGN_OR_RETURN(const EntityName who, FindEntity(s, entity, origin));
  Related related;
  related[who.type].insert(who.id);
  RETURN_IF_ERROR(FollowHoldings(s, ask, &related));
  RETURN_IF_ERROR(FollowEntities(s, ask, &related));
  RETURN_IF_ERROR(FollowHoldings(s, ask, &related));
  ASSIGN_OR_RETURN(auto lines, SampleLines(s, ask, related));
  RETURN_IF_ERROR(LayersFromMinutes(s, ask, related, &lines));
  ASSIGN_OR_RETURN(auto events, EventsByLayer(s, ask, related));
  RETURN_IF_ERROR(HoldingEvents(s, ask, related, &events));
  ASSIGN_OR_RETURN(const Json findings, FindingsAnswer(s, from, to, origin));
  Json layers = Json::MakeArray();
  for (const model::Catalog* catalog : s.catalogs) {
    const std::string name(catalog->layer);
    Json ids = Json::MakeArray();
    for (const auto& [type, set] : related) {
      if (LayerOfType(type) != name) continue;
      for (const std::string& id : set) ids.push(type + ":" + id);
    }
    Json of_layer = Json::MakeArray();
    for (const Json& f : findings["findings"].array()) {
      const std::string& cause = f["cause"].as_string();
      if (cause.starts_with(name.substr(0, 2) + ".")) of_layer.push(f);
    }
    Json layer;
    layer.set("layer", name)
        .set("title", catalog->title)
        .set("question", catalog->question)
        .set("entities", std::move(ids));
    const bool none = !lines.contains(name) && !events.contains(name);
    if (none)
      layer.set("why", "nothing of this layer was measured on or around this entity in the window");
    layer.set("signals", lines.contains(name) ? std::move(lines[name]) : Json::MakeArray());
    layer.set("events", events.contains(name) ? std::move(events[name]) : Json::MakeArray());
    layer.set("findings", std::move(of_layer));
    layers.push(std::move(layer));
  }
  Json j;
  j.set("entity", who.type + ":" + who.id)
      .set("origin", origin)
      .set("from", base::FormatTime(from))
      .set("to", base::FormatTime(to));
  j.set("step", static_cast<double>(ask.step) / 1e9).set("layers", std::move(layers));
  return j;
}

}  // namespace strata::server
