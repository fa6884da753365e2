// SPDX-License-Identifier: Apache-2.0
#include "server/books.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/clock.h"

namespace strata::server {
namespace {

using base::Json;
using base::Result;
using base::Status;
using l8_cost::kNotKnown;
using store::Rows;

// Columns of the ledger that are text, as stored; the keys of a group.
constexpr std::string_view kLabels =
    "device, device_kind, gpu_model, node, cluster, region, zone, rack, namespace, team, "
    "workload_kind, workload, pod, container, "
    "engine, service, model, tenant, job, queue, user, account, partition, holder_kind, class, "
    "token_kind, currency, share_kind, "
    "policy, price_source, flags";

std::string WholeDevice(std::string_view gpu) { return std::string(gpu.substr(0, gpu.find('/'))); }

double Cell(const Rows& rows, std::size_t row, std::string_view name) {
  const int column = rows.column(name);
  return column < 0 ? kNotKnown : rows.f64(row, column);  // NULL is NaN
}

std::string Text(const Rows& rows, std::size_t row, std::string_view name) {
  return std::string(rows.text(row, name));
}

std::int64_t TimeOr(const Rows& rows, std::size_t row, std::string_view name,
                    std::int64_t otherwise) {
  const int column = rows.column(name);
  return column < 0 || rows.is_null(row, column) ? otherwise : rows.i64(row, column);
}

std::int64_t ParsedTime(const std::string& text) {
  auto t = base::ParseTime(text, 0);
  return t.ok() ? *t : 0;
}

}  // namespace

// Everything that a range of minutes needs, read once; minutes pick theirs.
struct Books::Facts {
  std::vector<l8_cost::Device> devices;
  std::map<std::pair<std::int64_t, std::string>, l8_cost::Device>
      measured;                                         // (minute, gpu) -> its facts
  std::map<std::int64_t, std::set<std::string>> nodes;  // minutes in which a host was measured
  std::vector<l8_cost::Holder> holders;
  std::map<std::string, double> node_cores;
  std::map<std::int64_t, std::vector<l8_cost::EngineFacts>> engines;
  std::map<std::string, std::pair<std::string, std::string>>
      engine_of_pod;  // ns/pod -> engine, model
  std::map<std::string, std::string> model_of_engine, job_of_pod;
  std::map<std::int64_t, std::vector<l8_cost::JobFacts>> jobs;
  std::vector<l8_cost::CallFacts> calls;
};

Result<std::unique_ptr<Books>> Books::Make(const Config& config, store::Store& store) {
  l8_cost::PriceBook::Options options;
  if (config.prices.book == "builtin") l8_cost::PriceBook::AddBuiltin(&options);
  for (const PriceOverride& o : config.prices.overrides) {
    l8_cost::PriceOverride p;
    p.gpu = o.gpu;
    ASSIGN_OR_RETURN(p.per_hour, l8_cost::Money::Parse(o.usd_per_hour));
    if (!o.from.empty()) p.from_ns = ParsedTime(o.from);
    p.source = o.source;
    p.provider = o.provider;
    p.region = o.region;
    p.energy_excluded = o.energy_excluded;
    options.overrides.push_back(std::move(p));
  }
  if (!config.prices.cpu_core_usd_per_hour.empty()) {
    ASSIGN_OR_RETURN(options.cpu_core_per_hour,
                     l8_cost::Money::Parse(config.prices.cpu_core_usd_per_hour));
  } else if (config.prices.book == "builtin") {
    // OpenCost's default for a core-hour (configs/default.json); undated, so it is named with every
    // figure it makes.
    ASSIGN_OR_RETURN(options.cpu_core_per_hour, l8_cost::Money::Parse("0.031611"));
    options.cpu_source = "opencost-default-cpu@undated";
    options.cpu_builtin = true;
  }
  if (config.prices.usd_per_kwh) options.usd_per_kwh = *config.prices.usd_per_kwh;
  options.pue = config.prices.pue;
  auto books =
      std::unique_ptr<Books>(new Books(config, store, l8_cost::PriceBook(std::move(options))));
  for (const Slo& slo : config.slo) {
    l8_cost::SloRule rule;
    rule.name = slo.model + "/" + slo.tenant + (slo.from.empty() ? "" : "@" + slo.from);
    rule.model = slo.model;
    rule.tenant = slo.tenant;
    if (slo.ttft_s) rule.ttft_s = *slo.ttft_s;
    if (slo.tpot_s) rule.tpot_s = *slo.tpot_s;
    if (slo.e2e_s) rule.e2e_s = *slo.e2e_s;
    if (!slo.from.empty()) rule.from_ns = ParsedTime(slo.from);
    books->slos_.push_back(std::move(rule));
  }
  return books;
}

Status Books::Read(const std::string& origin, std::int64_t from_ns, std::int64_t to_ns,
                   Facts* facts) const {
  const store::Params params = {
      {"origin", origin}, {"from", std::to_string(from_ns)}, {"to", std::to_string(to_ns)}};
  const std::string minutes =
      " WHERE origin = {origin:String} AND minute >= toDateTime(intDiv({from:Int64}, 1000000000), "
      "'UTC') "
      "AND minute < toDateTime(intDiv({to:Int64}, 1000000000), 'UTC')";
  ASSIGN_OR_RETURN(const Rows gpus,
                   store_.Query("SELECT id, argMax(attributes, seen) AS attributes, "
                                "min(valid_from) AS first FROM entities WHERE "
                                "type = 'gpu' AND origin = {origin:String} GROUP BY id ORDER BY id",
                                params));
  std::set<std::string> known;
  for (std::size_t i = 0; i < gpus.size(); ++i) {
    l8_cost::Device d;
    d.id = WholeDevice(gpus.text(i, "id"));
    if (!known.insert(d.id).second) continue;
    const model::Attributes a = gpus.attributes(i, "attributes");
    d.kind = "gpu";
    d.gpu_model = a.get("hw.model");
    d.node = a.get("host.name");
    d.cluster =
        a.has("k8s.cluster.name") ? std::string(a.get("k8s.cluster.name")) : config_.cluster;
    d.region = a.get("cloud.region");
    d.zone = a.get("cloud.availability_zone");
    d.provider = a.get("cloud.provider");
    d.from_ns = gpus.i64(i, "first");
    facts->devices.push_back(std::move(d));
  }
  if (origin == "live") {
    for (const InventoryItem& item : config_.inventory) {
      auto it = std::find_if(facts->devices.begin(), facts->devices.end(),
                             [&](const auto& d) { return d.id == item.gpu; });
      if (it == facts->devices.end()) {
        l8_cost::Device fresh;
        fresh.id = item.gpu;
        fresh.kind = "gpu";
        it = facts->devices.insert(facts->devices.end(), std::move(fresh));
      }
      if (!item.model.empty()) it->gpu_model = item.model;
      if (!item.node.empty()) it->node = item.node;
      it->cluster = config_.cluster;
      it->from_ns = item.from.empty() ? 0 : ParsedTime(item.from);
      it->to_ns = item.to.empty() ? 0 : ParsedTime(item.to);
    }
  }
  ASSIGN_OR_RETURN(
      const Rows gm,
      store_.Query(
          "SELECT minute, gpu, energy_j, sm_active_ratio, utilization_ratio FROM gpu_minute" +
              minutes,
          params));
  for (std::size_t i = 0; i < gm.size(); ++i) {
    l8_cost::Device& d = facts->measured[{gm.i64(i, "minute"), WholeDevice(gm.text(i, "gpu"))}];
    d.measured = true;
    // Rows of MIG instances show that the board was seen; energy and activity are those of the
    // whole.
    if (gm.text(i, "gpu") != WholeDevice(gm.text(i, "gpu"))) continue;
    d.energy_j = Cell(gm, i, "energy_j");
    d.sm_active = Cell(gm, i, "sm_active_ratio");
    d.utilisation = Cell(gm, i, "utilization_ratio");
  }
  ASSIGN_OR_RETURN(
      const Rows hm,
      store_.Query("SELECT DISTINCT minute, node FROM host_minute_v" + minutes, params));
  for (std::size_t i = 0; i < hm.size(); ++i)
    facts->nodes[hm.i64(i, "minute")].insert(Text(hm, i, "node"));
  ASSIGN_OR_RETURN(
      const Rows em,
      store_.Query(
          "SELECT minute, engine, model, namespace, pod, running_s, prompt_tokens, cached_tokens, "
          "generation_tokens, preemptions, draft_tokens, accepted_tokens FROM engine_minute" +
              minutes,
          params));
  for (std::size_t i = 0; i < em.size(); ++i) {
    l8_cost::EngineFacts e;
    e.engine = Text(em, i, "engine");
    e.model = Text(em, i, "model");
    e.running_s = Cell(em, i, "running_s");
    e.prompt_tokens = Cell(em, i, "prompt_tokens");
    e.cached_tokens = Cell(em, i, "cached_tokens");
    e.generation_tokens = Cell(em, i, "generation_tokens");
    e.preemptions = Cell(em, i, "preemptions");
    const double draft = Cell(em, i, "draft_tokens"), accepted = Cell(em, i, "accepted_tokens");
    e.rejected_draft_tokens = draft - accepted;
    if (!em.text(i, "pod").empty())
      facts->engine_of_pod[Text(em, i, "namespace") + "/" + Text(em, i, "pod")] = {e.engine,
                                                                                   e.model};
    facts->model_of_engine[e.engine] = e.model;
    facts->engines[em.i64(i, "minute")].push_back(std::move(e));
  }
  ASSIGN_OR_RETURN(
      const Rows jm,
      store_.Query("SELECT minute, job, max(steps * step_p50_s) AS busy FROM job_minute" + minutes +
                       " GROUP BY minute, job",
                   params));
  for (std::size_t i = 0; i < jm.size(); ++i) {
    facts->jobs[jm.i64(i, "minute")].push_back({Text(jm, i, "job"), Cell(jm, i, "busy")});
  }
  ASSIGN_OR_RETURN(
      const Rows je,
      store_.Query(
          "SELECT id, attributes FROM entities WHERE type = 'job' AND origin = {origin:String}",
          params));
  for (std::size_t i = 0; i < je.size(); ++i) {
    const model::Attributes a = je.attributes(i, "attributes");
    if (a.has("k8s.pod.name")) {
      facts->job_of_pod[std::string(a.get("k8s.namespace.name")) + "/" +
                        std::string(a.get("k8s.pod.name"))] = Text(je, i, "id");
    }
  }
  ASSIGN_OR_RETURN(const Rows cores,
                   store_.Query("SELECT entity, argMax(value, ts) AS cores FROM measurements WHERE "
                                "signal = 'system.cpu.logical.count' AND "
                                "origin = {origin:String} AND ts >= "
                                "fromUnixTimestamp64Nano({from:Int64} - 3600000000000, 'UTC') AND "
                                "ts < fromUnixTimestamp64Nano({to:Int64}, 'UTC') GROUP BY entity",
                                params));
  for (std::size_t i = 0; i < cores.size(); ++i)
    facts->node_cores[Text(cores, i, "entity")] = cores.f64(i, "cores");
  ASSIGN_OR_RETURN(
      const Rows held,
      store_.Query(
          "SELECT * FROM holdings WHERE origin = {origin:String} AND valid_from < "
          "fromUnixTimestamp64Nano({to:Int64}, 'UTC') "
          "AND (valid_to IS NULL OR valid_to > fromUnixTimestamp64Nano({from:Int64}, 'UTC'))",
          params));
  for (std::size_t i = 0; i < held.size(); ++i) {
    l8_cost::Holder h;
    h.device = WholeDevice(held.text(i, "gpu"));
    h.ns = Text(held, i, "namespace");
    h.team = Text(held, i, "team");
    h.workload_kind = Text(held, i, "workload_kind");
    h.workload = Text(held, i, "workload");
    h.pod = Text(held, i, "pod");
    h.container = Text(held, i, "container");
    h.engine = Text(held, i, "engine");
    h.job = Text(held, i, "job");
    h.queue = Text(held, i, "queue");
    h.user = Text(held, i, "user");
    h.account = Text(held, i, "account");
    h.partition = Text(held, i, "partition");
    h.share_kind = Text(held, i, "share_kind");
    h.share = held.f64(i, "share");
    h.from_ns = held.i64(i, "valid_from");
    h.to_ns = TimeOr(held, i, "valid_to", 0);
    const std::string pod = h.ns + "/" + h.pod;
    if (h.engine.empty() && !h.pod.empty()) {
      if (const auto it = facts->engine_of_pod.find(pod); it != facts->engine_of_pod.end())
        h.engine = it->second.first;
    }
    if (h.job.empty() && !h.pod.empty()) {
      if (const auto it = facts->job_of_pod.find(pod); it != facts->job_of_pod.end())
        h.job = it->second;
    }
    if (const auto it = facts->model_of_engine.find(h.engine); it != facts->model_of_engine.end())
      h.model = it->second;
    h.holder_kind = !h.engine.empty() ? "engine"
                    : !h.job.empty()  ? "job"
                    : !h.pod.empty()  ? "pod"
                                      : "process";
    facts->holders.push_back(std::move(h));
  }
  ASSIGN_OR_RETURN(
      const Rows calls,
      store_.Query(
          "SELECT ts, end_ts, engine, model, tenant, team, status, finish_reason, input_tokens, "
          "cached_tokens, output_tokens, ttft_s, tpot_s, e2e_s, class, token_source "
          "FROM requests WHERE origin = {origin:String} AND ts < "
          "fromUnixTimestamp64Nano({to:Int64}, 'UTC') AND end_ts >= "
          "fromUnixTimestamp64Nano({from:Int64}, 'UTC')",
          params));
  for (std::size_t i = 0; i < calls.size(); ++i) {
    l8_cost::CallFacts c;
    c.engine = Text(calls, i, "engine");
    c.model = Text(calls, i, "model");
    c.tenant = Text(calls, i, "tenant");
    c.team = Text(calls, i, "team");
    c.start_ns = calls.i64(i, "ts");
    c.end_ns = calls.i64(i, "end_ts");
    c.status = Text(calls, i, "status");
    c.finish_reason = Text(calls, i, "finish_reason");
    c.input_tokens = Cell(calls, i, "input_tokens");
    c.cached_tokens = Cell(calls, i, "cached_tokens");
    c.output_tokens = Cell(calls, i, "output_tokens");
    c.ttft_s = Cell(calls, i, "ttft_s");
    c.tpot_s = Cell(calls, i, "tpot_s");
    c.e2e_s = Cell(calls, i, "e2e_s");
    if (std::isfinite(c.ttft_s))
      c.first_token_ns = c.start_ns + static_cast<std::int64_t>(c.ttft_s * 1e9);
    c.superseded = calls.text(i, "class") == "duplicate";
    c.tokens_estimated = calls.text(i, "token_source") == "estimated";
    facts->calls.push_back(std::move(c));
  }
  return Status::Ok();
}

Status Books::Book(const std::string& origin, const std::set<std::int64_t>& minutes,
                   std::int64_t now_ns) {
  if (minutes.empty()) return Status::Ok();
  Facts facts;
  RETURN_IF_ERROR(Read(origin, *minutes.begin(), *minutes.rbegin() + base::kMinute, &facts));
  pending_rows_.clear();
  pending_closes_.clear();
  std::set<std::string> nodes_with_gpu;
  for (const l8_cost::Device& d : facts.devices) nodes_with_gpu.insert(d.node);
  for (const std::int64_t minute : minutes) {
    l8_cost::MinuteInputs in;
    in.from_ns = minute;
    in.to_ns = minute + base::kMinute;
    in.prices = &prices_;
    in.slos = slos_;
    in.truncated_is_waste = config_.truncated_is_waste;
    for (l8_cost::Device d : facts.devices) {
      if (d.from_ns >= in.to_ns || (d.to_ns != 0 && d.to_ns <= in.from_ns)) continue;
      if (const auto it = facts.measured.find({minute, d.id}); it != facts.measured.end()) {
        d.measured = true;
        d.energy_j = it->second.energy_j;
        d.sm_active = it->second.sm_active;
        d.utilisation = it->second.utilisation;
      }
      in.devices.push_back(std::move(d));
    }
    std::map<std::string, std::vector<l8_cost::CoreHolder>> on_cores;
    for (const l8_cost::Holder& h : facts.holders) {
      if (h.from_ns >= in.to_ns || (h.to_ns != 0 && h.to_ns <= in.from_ns)) continue;
      if (!h.device.starts_with("cpu:")) {
        in.holders.push_back(h);
        continue;
      }
      const std::string node = h.device.substr(4);
      const auto cores = facts.node_cores.find(node);
      if (nodes_with_gpu.contains(node) || cores == facts.node_cores.end()) continue;
      on_cores[node].push_back({h, h.share * cores->second});
    }
    for (const auto& [node, holders] : on_cores) {
      l8_cost::Device d =
          l8_cost::MakeCpuDevice(node, facts.node_cores[node], holders, &in.holders);
      d.cluster = config_.cluster;
      d.measured = facts.nodes[minute].contains(node);
      if (d.cores > 0) in.devices.push_back(std::move(d));
    }
    in.engines = facts.engines[minute];
    in.jobs = facts.jobs[minute];
    for (const l8_cost::CallFacts& c : facts.calls) {
      if (c.start_ns < in.to_ns && (c.end_ns == 0 || c.end_ns >= in.from_ns)) in.calls.push_back(c);
    }
    // Without a device nothing is billed, and what was billed before is not any more.
    RETURN_IF_ERROR(Write(origin, l8_cost::Close(in), in, now_ns));
    last_[origin] = std::max(last_[origin], in.to_ns);
  }
  if (pending_closes_.empty()) return Status::Ok();
  const std::string token = "books-" + origin + "-" + std::to_string(now_ns);
  RETURN_IF_ERROR(store_.Insert("ledger_v", pending_rows_, token));
  return store_.Insert("closes", pending_closes_, token + "-closes");
}

Status Books::Write(const std::string& origin, const l8_cost::Ledger& ledger,
                    const l8_cost::MinuteInputs& inputs, std::int64_t now_ns) {
  store::RowWriter w(&pending_rows_);
  const std::uint32_t received = static_cast<std::uint32_t>(now_ns / base::kSecond);
  for (const l8_cost::LedgerRow& r : ledger.rows) {
    w.u32(static_cast<std::uint32_t>(r.minute_ns / base::kSecond));
    for (const std::string* text :
         {&r.device, &r.device_kind, &r.gpu_model, &r.node,    &r.cluster,       &r.region,
          &r.zone,   &r.rack,        &r.ns,        &r.team,    &r.workload_kind, &r.workload,
          &r.pod,    &r.container,   &r.engine,    &r.service, &r.model,         &r.tenant,
          &r.job,    &r.queue,       &r.user,      &r.account, &r.partition,     &r.holder_kind,
          &r.class_, &r.token_kind}) {
      w.text(*text);
    }
    w.i64(r.device_ns);
    w.i128(r.cost.units());
    w.text(r.currency);
    w.nullable_f64(r.joules);
    w.nullable_f64(r.tokens);
    w.f64(r.share);
    w.text(r.share_kind), w.text(r.policy), w.text(r.price_source), w.text(r.flags);
    w.u64(static_cast<std::uint64_t>(now_ns));
    w.text(origin);
    w.u32(received);
  }
  store::RowWriter c(&pending_closes_);
  c.text("ledger");
  c.u32(static_cast<std::uint32_t>(inputs.from_ns / base::kSecond));
  c.text("");
  c.u64(static_cast<std::uint64_t>(now_ns));
  c.text(origin);
  c.u32(received);
  return Status::Ok();
}

Result<Json> Books::Cost(std::int64_t from_ns, std::int64_t to_ns, std::string_view by,
                         std::string_view origin, bool rows) const {
  l8_cost::CostQuestion question;
  question.from_ns = from_ns - from_ns % base::kMinute;
  question.to_ns = to_ns;
  for (std::string_view rest = by; !rest.empty();) {
    const std::size_t comma = rest.find(',');
    question.by.emplace_back(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  const bool by_minute =
      std::find(question.by.begin(), question.by.end(), "minute") != question.by.end();
  const store::Params params = {{"origin", std::string(origin)},
                                {"from", std::to_string(question.from_ns)},
                                {"to", std::to_string(to_ns)}};
  const std::string where =
      " WHERE ({origin:String} = 'all' OR origin = {origin:String}) AND minute >= "
      "toDateTime(intDiv({from:Int64}, 1000000000), 'UTC') "
      "AND minute < toDateTime(intDiv({to:Int64}, 1000000000), 'UTC') ";
  const std::string labels = (by_minute ? "minute, " : "") + std::string(kLabels);
  ASSIGN_OR_RETURN(
      const Rows r,
      store_.Query("SELECT " + labels + (by_minute ? "" : ", min(minute) AS first_minute") +
                       ", sum(device_ns) AS device_ns, sum(cost) AS cost, sum(joules) AS joules, "
                       "sum(tokens) AS tokens, "
                       "avg(share) AS share FROM ledger" +
                       where + "GROUP BY " + labels,
                   params));
  std::vector<l8_cost::LedgerRow> ledger(r.size());
  const int cost = r.column("cost");
  for (std::size_t i = 0; i < r.size(); ++i) {
    l8_cost::LedgerRow& row = ledger[i];
    row.minute_ns = r.i64(i, by_minute ? "minute" : "first_minute");
    const std::pair<std::string*, std::string_view> texts[] = {
        {&row.device, "device"},
        {&row.device_kind, "device_kind"},
        {&row.gpu_model, "gpu_model"},
        {&row.node, "node"},
        {&row.cluster, "cluster"},
        {&row.region, "region"},
        {&row.zone, "zone"},
        {&row.rack, "rack"},
        {&row.ns, "namespace"},
        {&row.team, "team"},
        {&row.workload_kind, "workload_kind"},
        {&row.workload, "workload"},
        {&row.pod, "pod"},
        {&row.container, "container"},
        {&row.engine, "engine"},
        {&row.service, "service"},
        {&row.model, "model"},
        {&row.tenant, "tenant"},
        {&row.job, "job"},
        {&row.queue, "queue"},
        {&row.user, "user"},
        {&row.account, "account"},
        {&row.partition, "partition"},
        {&row.holder_kind, "holder_kind"},
        {&row.class_, "class"},
        {&row.token_kind, "token_kind"},
        {&row.currency, "currency"},
        {&row.share_kind, "share_kind"},
        {&row.policy, "policy"},
        {&row.price_source, "price_source"},
        {&row.flags, "flags"}};
    for (const auto& [to, name] : texts) *to = r.text(i, name);
    row.device_ns = r.i64(i, "device_ns");
    row.cost = l8_cost::Money::FromUnits(r.i128(i, cost));
    row.joules = r.f64(i, "joules");
    row.tokens = r.f64(i, "tokens");
    row.share = r.f64(i, "share");
  }
  ASSIGN_OR_RETURN(const Rows c,
                   store_.Query("SELECT engine, node, namespace, model, tenant, team, count() AS "
                                "calls FROM requests WHERE "
                                "({origin:String} = 'all' OR origin = {origin:String}) AND end_ts "
                                ">= fromUnixTimestamp64Nano({from:Int64}, 'UTC') AND "
                                "end_ts < fromUnixTimestamp64Nano({to:Int64}, 'UTC') GROUP BY "
                                "engine, node, namespace, model, tenant, team",
                                params));
  std::vector<l8_cost::CallCount> counts(c.size());
  for (std::size_t i = 0; i < c.size(); ++i) {
    counts[i] = {Text(c, i, "engine"),    Text(c, i, "node"),
                 Text(c, i, "namespace"), {},
                 Text(c, i, "model"),     Text(c, i, "tenant"),
                 Text(c, i, "team"),      static_cast<double>(c.u64(i, "calls"))};
  }
  question.calls = counts;
  ASSIGN_OR_RETURN(Json answer, l8_cost::CostAnswer(ledger, question));
  answer.set("origin", origin);
  if (!rows) answer.set("rows", Json::MakeArray());
  return answer;
}

}  // namespace strata::server
