// SPDX-License-Identifier: Apache-2.0
#include "l8_cost/answer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "base/clock.h"
#include "l8_cost/tokens.h"

namespace strata::l8_cost {
namespace {

using base::Json;

struct Key {
  std::string_view name;
  std::string LedgerRow::*row;
  std::string CallCount::*call;  // nullptr: not known of calls
};
constexpr Key kKeys[] = {
    {"cluster", &LedgerRow::cluster, nullptr},
    {"region", &LedgerRow::region, nullptr},
    {"zone", &LedgerRow::zone, nullptr},
    {"rack", &LedgerRow::rack, nullptr},
    {"node", &LedgerRow::node, &CallCount::node},
    {"device", &LedgerRow::device, nullptr},
    {"device_kind", &LedgerRow::device_kind, nullptr},
    {"gpu_model", &LedgerRow::gpu_model, nullptr},
    {"namespace", &LedgerRow::ns, &CallCount::ns},
    {"team", &LedgerRow::team, &CallCount::team},
    {"workload_kind", &LedgerRow::workload_kind, nullptr},
    {"workload", &LedgerRow::workload, nullptr},
    {"pod", &LedgerRow::pod, nullptr},
    {"container", &LedgerRow::container, nullptr},
    {"engine", &LedgerRow::engine, &CallCount::engine},
    {"service", &LedgerRow::service, &CallCount::service},
    {"model", &LedgerRow::model, &CallCount::model},
    {"tenant", &LedgerRow::tenant, &CallCount::tenant},
    {"job", &LedgerRow::job, nullptr},
    {"queue", &LedgerRow::queue, nullptr},
    {"user", &LedgerRow::user, nullptr},
    {"account", &LedgerRow::account, nullptr},
    {"partition", &LedgerRow::partition, nullptr},
    {"holder_kind", &LedgerRow::holder_kind, nullptr},
    {"share_kind", &LedgerRow::share_kind, nullptr},
    {"class", &LedgerRow::class_, nullptr},
    {"token_kind", &LedgerRow::token_kind, nullptr},
};
constexpr std::string_view kMinuteKey = "minute";

const Key* FindKey(std::string_view name) {
  if (name == "gpu") name = "device";
  for (const Key& key : kKeys) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

std::string ValueOf(const LedgerRow& row, std::string_view key) {
  if (key == kMinuteKey) return base::FormatTime(row.minute_ns);
  return row.*(FindKey(key)->row);
}

// Sums of device time outgrow 64 bits at 292 device-years.
double Hours(Int128 ns) { return static_cast<double>(ns) / 3.6e12; }
Json Ratio(std::optional<double> a, std::optional<double> b) {
  return a && b && *b > 0 && std::isfinite(*a) ? Json(*a / *b) : Json();
}
Json Told(std::optional<double> v) { return v ? Json(*v) : Json(); }
bool Unnamed(const LedgerRow& row) {
  return row.class_ == kUnallocated || row.class_ == kUnobserved;
}
bool IsService(const LedgerRow& row) { return !Unnamed(row) && !row.engine.empty(); }

struct Sums {
  Money cost, input_cost, cached_cost, output_cost;
  Int128 gpu_ns = 0, core_ns = 0;
  double joules = 0;
  bool joules_known = false;
  std::optional<double> input, cached, output, useful;  // nothing: no such tokens were told
  std::map<std::string, Money> classes;
  Money truncated;  // of which
  bool any_truncated = false;
  std::set<std::string> policies, estimated, not_assessed;
  double calls = 0;
  bool calls_known = false;

  void Take(const LedgerRow& row) {
    cost += row.cost;
    (row.device_kind == "cpu" ? core_ns : gpu_ns) += row.device_ns;
    if (!std::isnan(row.joules)) joules += row.joules, joules_known = true;
    classes[row.class_] += row.cost;
    if (HasFlag(row.flags, "truncated")) truncated += row.cost, any_truncated = true;
    if (!row.policy.empty()) policies.insert(row.policy);
    const auto add = [&](std::optional<double>* sum, bool counts) {
      if (!std::isnan(row.tokens)) *sum = sum->value_or(0) + (counts ? row.tokens : 0);
    };
    if (row.token_kind == "input") input_cost += row.cost, add(&input, true);
    if (row.token_kind == "cached") cached_cost += row.cost, add(&cached, true);
    if (row.token_kind == "output") {
      output_cost += row.cost;
      add(&output, true);
      add(&useful, row.class_ == kUseful);
    }
    for (const auto& [flag, what] : {std::pair{"scaled", "shares scaled to 1"},
                                     {"disputed", "disputed holdings"},
                                     {"stale_price", "price out of date"},
                                     {"energy_unknown", "electricity not measured"}}) {
      if (HasFlag(row.flags, flag)) estimated.insert(what);
    }
    if (HasFlag(row.flags, "estimated")) {
      estimated.insert(row.token_kind.empty() ? "worked time (" + row.policy + ")"
                                              : "tokens per minute");
    }
    if (row.class_ == kHeldNotAssessed) not_assessed.insert("worked time");
    if (row.class_ == "not assessed") not_assessed.insert("what the work bought");
    if (row.token_kind.empty()) return;
    if (HasFlag(row.flags, "no_calls")) {
      for (const char* c : {"error", "aborted", "duplicate", "slo_miss"}) not_assessed.insert(c);
    }
    if (HasFlag(row.flags, "no_slo")) not_assessed.insert("slo_miss");
    if (HasFlag(row.flags, "no_draft_count")) not_assessed.insert("rejected_draft");
    if (HasFlag(row.flags, "no_recompute_count")) not_assessed.insert("recomputed");
  }
};

Json ToJson(const std::set<std::string>& texts) {
  Json out = Json::MakeArray();
  for (const std::string& t : texts) out.push(t);
  return out;
}

void Fill(const Sums& s, Json* out) {
  const double cost = s.cost.value();
  out->set("cost", cost);
  out->set("gpu_hours", Hours(s.gpu_ns));
  out->set("core_hours", Hours(s.core_ns));
  out->set("joules", s.joules_known ? Json(s.joules) : Json());
  Json classes = Json::MakeObject();
  for (const auto& [name, money] : s.classes) classes.set(name, money.value());
  out->set("classes", std::move(classes));
  if (s.any_truncated) out->set("of_which_truncated", s.truncated.value());
  Json tokens = Json::MakeObject();
  tokens.set("input", Told(s.input))
      .set("cached", Told(s.cached))
      .set("output", Told(s.output))
      .set("useful", Told(s.useful));
  out->set("tokens", std::move(tokens));
  Json million = Json::MakeObject();
  million.set("input", Ratio(s.input_cost.value() * 1e6, s.input));
  million.set("cached", Ratio(s.cached_cost.value() * 1e6, s.cached));
  million.set("output", Ratio(s.output_cost.value() * 1e6, s.output));
  million.set("output_all_in", Ratio(cost * 1e6, s.output));
  million.set("useful", Ratio(cost * 1e6, s.useful));
  out->set("cost_per_million", std::move(million));
  out->set("cost_per_request", s.calls_known ? Ratio(cost, s.calls) : Json());
  out->set("joules_per_token", s.joules_known ? Ratio(s.joules, s.output) : Json());
  out->set("tokens_per_joule", s.joules_known ? Ratio(s.output, s.joules) : Json());
  std::string policy;
  for (const std::string& p : s.policies) policy += (policy.empty() ? "" : ", ") + p;
  out->set("policy", policy);
  out->set("estimated", ToJson(s.estimated));
  out->set("not_assessed", ToJson(s.not_assessed));
}

// Unallocated and unobserved, dealt over services and training by held device time, per kind of
// device where somebody held one of that kind, else over all.
Money LoadOf(const std::vector<const LedgerRow*>& rows) {
  std::map<std::string, Money> idle;
  std::map<std::string, std::pair<Int128, Int128>> held;  // of services, of services and training
  for (const LedgerRow* row : rows) {
    if (Unnamed(*row)) {
      idle[row->device_kind] += row->cost;
    } else if (!row->engine.empty() || !row->job.empty()) {
      if (!row->engine.empty())
        held[row->device_kind].first += row->device_ns, held[""].first += row->device_ns;
      held[row->device_kind].second += row->device_ns;
      held[""].second += row->device_ns;
    }
  }
  Money out;
  for (const auto& [kind, money] : idle) {
    const auto it = held.find(kind);
    const auto& [service, all] = it != held.end() && it->second.second > 0 ? it->second : held[""];
    if (all <= 0) continue;
    const double parts[] = {static_cast<double>(service), static_cast<double>(all - service)};
    out += Deal(money, Weights(parts))[0];
  }
  return out;
}

}  // namespace

const std::vector<std::string>& cost_keys() {
  static const std::vector<std::string> keys = [] {
    std::vector<std::string> out;
    for (const Key& key : kKeys) out.emplace_back(key.name);
    out.emplace_back(kMinuteKey);
    return out;
  }();
  return keys;
}

base::Result<Json> CostAnswer(std::span<const LedgerRow> all_rows, const CostQuestion& question) {
  for (const std::string& key : question.by) {
    if (key == kMinuteKey || FindKey(key) != nullptr) continue;
    std::string known;
    for (const std::string& k : cost_keys()) known += (known.empty() ? "" : ", ") + k;
    return base::Invalid("--by " + key + " is no key; use one of " + known);
  }
  std::vector<const LedgerRow*> rows;
  std::string currency;
  for (const LedgerRow& row : all_rows) {
    if (row.minute_ns < question.from_ns || row.minute_ns >= question.to_ns) continue;
    rows.push_back(&row);
    if (currency.empty()) currency = row.currency;
  }
  if (currency.empty()) currency = question.currency;

  Sums bill, unallocated, unobserved, services;
  std::map<std::string, Money> reasons;
  std::map<std::pair<std::string, std::string>, Int128> unpriced;
  std::map<std::vector<std::string>, Sums> groups;
  for (const LedgerRow* row : rows) {
    bill.Take(*row);
    if (row->price_source.empty()) {
      unpriced[{row->device, row->gpu_model.empty() ? row->device_kind : row->gpu_model}] +=
          row->device_ns;
    }
    if (row->class_ == kUnallocated) {
      unallocated.Take(*row);
      reasons[row->flags] += row->cost;
    } else if (row->class_ == kUnobserved) {
      unobserved.Take(*row);
    } else {
      std::vector<std::string> key;
      for (const std::string& k : question.by) key.push_back(ValueOf(*row, k));
      groups[key].Take(*row);
      if (IsService(*row)) services.Take(*row);
    }
  }
  const bool by_calls = std::all_of(
      question.by.begin(), question.by.end(),
      [](const std::string& k) { return k != kMinuteKey && FindKey(k)->call != nullptr; });
  if (by_calls && !question.calls.empty()) {
    for (auto& [key, sums] : groups) sums.calls_known = true;
    for (const CallCount& call : question.calls) {
      std::vector<std::string> key;
      for (const std::string& k : question.by) key.push_back(call.*(FindKey(k)->call));
      if (const auto it = groups.find(key); it != groups.end()) it->second.calls += call.calls;
    }
  }

  Json out = Json::MakeObject();
  out.set("from", base::FormatTime(question.from_ns))
      .set("to", base::FormatTime(question.to_ns))
      .set("currency", currency);
  Json head = Json::MakeObject();
  head.set("cost", bill.cost.value())
      .set("gpu_hours", Hours(bill.gpu_ns))
      .set("core_hours", Hours(bill.core_ns));
  head.set("joules", bill.joules_known ? Json(bill.joules) : Json());
  head.set("joules_boundary", "board");
  out.set("bill", std::move(head));

  Money left = bill.cost - unallocated.cost - unobserved.cost;
  std::vector<std::pair<const std::vector<std::string>*, const Sums*>> order;
  for (const auto& [key, sums] : groups) order.emplace_back(&key, &sums);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second->cost > b.second->cost; });
  Json list = Json::MakeArray();
  for (const auto& [key, sums] : order) {
    left -= sums->cost;
    Json row = Json::MakeObject();
    for (std::size_t i = 0; i < question.by.size(); ++i) row.set(question.by[i], (*key)[i]);
    Fill(*sums, &row);
    list.push(std::move(row));
  }
  out.set("rows", std::move(list));

  const bool priced = services.useful.value_or(0) > 0 && !services.cost.is_zero();
  out.set("headline", priced ? Ratio(services.cost.value(), services.useful) : Json());
  out.set("headline_loaded",
          priced ? Ratio((services.cost + LoadOf(rows)).value(), services.useful) : Json());
  out.set("useful_bound", services.not_assessed.empty() ? "exact" : "upper");
  Json free = Json::MakeObject();
  free.set("cost", unallocated.cost.value()).set("gpu_hours", Hours(unallocated.gpu_ns));
  Json why = Json::MakeObject();
  for (const auto& [reason, money] : reasons) why.set(reason, money.value());
  free.set("reasons", std::move(why));
  out.set("unallocated", std::move(free));
  Json unseen = Json::MakeObject();
  unseen.set("cost", unobserved.cost.value()).set("gpu_hours", Hours(unobserved.gpu_ns));
  out.set("unobserved", std::move(unseen));
  Json no_price = Json::MakeArray();
  for (const auto& [device, ns] : unpriced) {
    Json row = Json::MakeObject();
    row.set("gpu", device.first).set("model", device.second).set("gpu_hours", Hours(ns));
    no_price.push(std::move(row));
  }
  out.set("unpriced", std::move(no_price));
  out.set("not_assessed", ToJson(services.not_assessed));
  out.set("residual", left.is_zero() ? Json(0) : Json(left.text()));
  return out;
}

}  // namespace strata::l8_cost
