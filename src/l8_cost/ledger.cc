// SPDX-License-Identifier: Apache-2.0
// Closing a minute: device by device cut into stretches with the same holders, shares charged,
// worked split from idle, worked dealt over tokens. Every division goes through Deal, so nothing is
// lost on the way.
#include "l8_cost/ledger.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/check.h"
#include "l8_cost/tokens.h"

namespace strata::l8_cost {
namespace {

constexpr double kWhole = 1 - 1e-9;
constexpr std::string_view kNotAssessed =
    "not assessed";  // worked, and nothing tells for whom or what

bool Known(double v) { return !std::isnan(v); }
double Clamp1(double v) { return std::clamp(v, 0.0, 1.0); }

// What a holder is charged of one device in this minute.
struct Claim {
  const Holder* holder = nullptr;
  Money cost;
  std::int64_t device_ns = 0;  // dealt
  std::int64_t held_ns = 0;    // wall time
  bool alone = true;           // nobody else held the device meanwhile
  std::string flags;
};

struct Worked {
  double fraction = kNotKnown;
  std::string policy;
  bool estimated = false;
};

class Closer {
 public:
  explicit Closer(const MinuteInputs& inputs) : in_(inputs) {
    for (const EngineFacts& e : in_.engines) engines_[e.engine] = &e;
    for (const JobFacts& j : in_.jobs) jobs_[j.job] = &j;
    std::map<std::string, std::vector<const CallFacts*>> calls;
    for (const CallFacts& c : in_.calls) calls[c.engine].push_back(&c);
    for (const auto& [engine, list] : calls)
      tokens_[engine] = GatherTokens(in_, engine_facts(engine), list);
    for (const auto& [engine, facts] : engines_) {
      if (!tokens_.contains(engine)) tokens_[engine] = GatherTokens(in_, facts, {});
    }
  }

  Ledger Run() {
    for (const Device& device : in_.devices) CutDevice(device);
    for (const auto& [device, claims] : claims_) {
      for (const Claim& claim : claims) held_ns_[claim.holder->engine] += claim.device_ns;
    }
    for (const auto& [device, claims] : claims_) {
      for (const Claim& claim : claims) Spend(*device, claim);
    }
    for (const auto& [engine, tokens] : tokens_) {
      const EngineFacts* facts = engine_facts(engine);
      const bool worked =
          tokens.any || tokens.live_s > 0 || (facts != nullptr && facts->running_s > 0);
      if (worked && !held_ns_.contains(engine)) ledger_.engines_without_device.push_back(engine);
    }
    Money sum;
    std::int64_t ns = 0;
    for (const LedgerRow& row : ledger_.rows) sum += row.cost, ns += row.device_ns;
    CHECK(sum == ledger_.bill, "the books of a minute do not close");
    CHECK(ns == ledger_.device_ns, "the device time of a minute does not add up");
    return std::move(ledger_);
  }

 private:
  struct DevicePrice {
    std::string source, flags, currency;
    std::int64_t total_ns = 0;
  };

  const EngineFacts* engine_facts(const std::string& engine) const {
    const auto it = engines_.find(engine);
    return it == engines_.end() ? nullptr : it->second;
  }

  bool Observed(const Device& device, std::span<const Holder* const> holders) const {
    if (device.measured) return true;
    return std::any_of(holders.begin(), holders.end(), [&](const Holder* h) {
      const EngineFacts* engine = h->engine.empty() ? nullptr : engine_facts(h->engine);
      const auto job = jobs_.find(h->job);
      return (engine != nullptr && !engine->empty()) ||
             (job != jobs_.end() && Known(job->second->step_s)) || Known(h->cpu_s) ||
             Known(h->sm_share);
    });
  }

  Money PriceMinute(const Device& device, std::int64_t from, std::int64_t to,
                    DevicePrice* out) const {
    if (in_.prices == nullptr) return {};
    std::optional<Price> price;
    if (device.kind == "cpu") {
      price = in_.prices->cpu_core();
      if (price) {
        price->per_hour = Money::FromUnits(
            MulDiv(price->per_hour.units(), std::llround(device.cores * 1000), 1000));
      }
    } else {
      price = in_.prices->Find(
          {device.gpu_model, device.provider, device.region, device.sku, in_.from_ns});
    }
    if (!price) return {};
    out->source = price->source;
    out->currency = in_.prices->currency();
    if (price->stale) AddFlag("stale_price", &out->flags);
    Money bill = CostOf(price->per_hour, from, to);
    if (price->energy_excluded) {
      if (Known(device.energy_j))
        bill += in_.prices->EnergyCost(device.energy_j);
      else
        AddFlag("energy_unknown", &out->flags);
    }
    return bill;
  }

  LedgerRow RowOf(const Device& d) const {
    LedgerRow row;
    row.minute_ns = in_.from_ns;
    row.device = d.id, row.device_kind = d.kind, row.gpu_model = d.gpu_model, row.node = d.node;
    row.cluster = d.cluster, row.region = d.region, row.zone = d.zone, row.rack = d.rack;
    const DevicePrice& price = prices_.at(&d);
    row.currency = price.currency;
    row.price_source = price.source;
    row.flags = price.flags;
    return row;
  }

  void Emit(const Device& device, LedgerRow row, Money cost, std::int64_t ns) {
    row.cost = cost;
    row.device_ns = ns;
    const std::int64_t total = prices_.at(&device).total_ns;
    if (Known(device.energy_j) && total > 0) {
      row.joules = device.energy_j * static_cast<double>(ns) / static_cast<double>(total);
    }
    ledger_.rows.push_back(std::move(row));
  }

  void CutDevice(const Device& device) {
    const std::int64_t from = std::max(in_.from_ns, device.from_ns);
    const std::int64_t to = device.to_ns > 0 ? std::min(in_.to_ns, device.to_ns) : in_.to_ns;
    if (from >= to || (device.kind == "cpu" && device.cores <= 0)) return;
    std::vector<const Holder*> holders;
    std::vector<std::int64_t> cuts = {from, to};
    const auto start = [&](const Holder& h) { return std::clamp(h.from_ns, from, to); };
    const auto end = [&](const Holder& h) {
      return h.to_ns > 0 ? std::clamp(h.to_ns, from, to) : to;
    };
    for (const Holder& h : in_.holders) {
      if (h.device != device.id || start(h) >= end(h)) continue;
      holders.push_back(&h);
      cuts.push_back(start(h));
      cuts.push_back(end(h));
    }
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());

    DevicePrice& price = prices_[&device];
    const Money bill = PriceMinute(device, from, to, &price);
    const std::int64_t wall = to - from;
    price.total_ns =
        device.kind == "cpu" ? std::llround(device.cores * static_cast<double>(wall)) : wall;
    ledger_.bill += bill;
    ledger_.device_ns += price.total_ns;
    if (!Observed(device, holders)) {
      LedgerRow row = RowOf(device);
      row.class_ = kUnobserved;
      row.share = 1;
      Emit(device, std::move(row), bill, price.total_ns);
      return;
    }

    std::vector<Claim>& claims =
        claims_.emplace_back(&device, std::vector<Claim>(holders.size())).second;
    for (std::size_t i = 0; i < holders.size(); ++i) claims[i].holder = holders[i];
    std::vector<std::int64_t> lengths;
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i) lengths.push_back(cuts[i + 1] - cuts[i]);
    const std::vector<Money> money = Deal(bill, lengths);
    const std::vector<std::int64_t> time = Deal(price.total_ns, lengths);
    Money free_cost;
    std::int64_t free_ns = 0;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      std::vector<Claim*> live;
      for (Claim& c : claims) {
        if (start(*c.holder) <= cuts[i] && end(*c.holder) >= cuts[i + 1]) live.push_back(&c);
      }
      DealStretch(lengths[i], money[i], time[i], live, &free_cost, &free_ns);
    }
    if (!free_cost.is_zero() || free_ns > 0) {
      LedgerRow row = RowOf(device);
      row.class_ = kUnallocated;
      row.flags = device.unallocated_reason.empty() ? "unknown" : device.unallocated_reason;
      row.share = static_cast<double>(free_ns) / static_cast<double>(price.total_ns);
      Emit(device, std::move(row), free_cost, free_ns);
    }
  }

  static double ShareOf(const Holder& h) {
    const bool timed = h.share_kind == "timeslice" || h.share_kind == "mps";
    const double share = timed && Known(h.sm_share) ? h.sm_share : h.share;
    return std::isfinite(share) ? Clamp1(share) : 0;
  }

  static void DealStretch(std::int64_t length, Money money, std::int64_t time,
                          std::span<Claim* const> live, Money* free_cost, std::int64_t* free_ns) {
    std::vector<double> shares;
    double sum = 0;
    int exclusive = 0;
    for (const Claim* c : live) {
      shares.push_back(ShareOf(*c->holder));
      sum += shares.back();
      if (shares.back() >= kWhole) ++exclusive;
    }
    const bool over = sum > 1 + 1e-9;
    shares.push_back(over ? 0 : std::max(0.0, 1 - sum));  // the rest: unallocated
    if (shares.back() < 1e-9) shares.back() = 0;          // seven sevenths are a whole
    if (sum <= 0) shares.back() = 1;
    const std::vector<std::int64_t> weights = Weights(shares);
    const std::vector<Money> parts = Deal(money, weights);
    const std::vector<std::int64_t> times = Deal(time, weights);
    for (std::size_t i = 0; i < live.size(); ++i) {
      live[i]->cost += parts[i];
      live[i]->device_ns += times[i];
      live[i]->held_ns += length;
      if (live.size() > 1) live[i]->alone = false;
      if (over) AddFlag(exclusive > 1 ? "disputed" : "scaled", &live[i]->flags);
    }
    *free_cost += parts.back();
    *free_ns += times.back();
  }

  // Worked time of a holding, by the first source that exists.
  Worked WorkedOf(const Device& device, const Claim& claim) const {
    const Holder& h = *claim.holder;
    const double held_s = static_cast<double>(claim.held_ns) / 1e9;
    if (!h.engine.empty()) {
      const EngineFacts* facts = engine_facts(h.engine);
      const auto tokens = tokens_.find(h.engine);
      const bool computed = tokens != tokens_.end() && tokens->second.any;
      if (facts != nullptr && Known(facts->running_s) && (facts->running_s > 0 || !computed)) {
        return {Clamp1(facts->running_s / held_s), "engine_running"};
      }
      // A gauge that is read every few seconds misses short requests: the calls themselves show
      // them.
      if (computed && tokens->second.live_s > 0)
        return {Clamp1(tokens->second.live_s / held_s), "calls_live", true};
    }
    if (const auto job = jobs_.find(h.job);
        !h.job.empty() && job != jobs_.end() && Known(job->second->step_s)) {
      return {Clamp1(job->second->step_s / held_s), "step_seconds"};
    }
    const double charged =
        static_cast<double>(claim.device_ns) / static_cast<double>(prices_.at(&device).total_ns);
    if (Known(h.sm_share) && charged > 0) return {Clamp1(h.sm_share / charged), "sm_active"};
    if (device.kind == "cpu") {
      if (!Known(h.cpu_s)) return {};
      const double cores =
          static_cast<double>(claim.device_ns) / static_cast<double>(claim.held_ns);
      return {Clamp1(h.cpu_s / (cores * held_s)), "cpu_seconds"};
    }
    // The device's own activity is the holder's only when nobody else held it.
    if (!claim.alone) return {};
    const double share = ShareOf(h) > 0 ? ShareOf(h) : 1;
    if (Known(device.sm_active)) return {Clamp1(device.sm_active / share), "sm_active"};
    if (Known(device.gr_active)) return {Clamp1(device.gr_active / share), "gr_active"};
    if (Known(device.utilisation)) return {Clamp1(device.utilisation / share), "utilisation", true};
    return {};
  }

  // The one model by which an engine's rows are called, so that idle and worked stand in one
  // service.
  std::string ModelOf(const Holder& h) const {
    if (const EngineFacts* facts = engine_facts(h.engine);
        facts != nullptr && !facts->model.empty())
      return facts->model;
    if (!h.model.empty()) return h.model;
    std::map<std::string, double> seen;
    if (const auto it = tokens_.find(h.engine); it != tokens_.end()) {
      for (const TokenGroup& g : it->second.groups) seen[g.model] += g.output + g.live_s;
    }
    std::string best;
    double most = -1;
    for (const auto& [model, n] : seen) {
      if (n > most && !model.empty()) best = model, most = n;
    }
    return best;
  }

  void Spend(const Device& device, const Claim& claim) {
    const Holder& h = *claim.holder;
    LedgerRow row = RowOf(device);
    row.ns = h.ns, row.team = h.team, row.workload_kind = h.workload_kind,
    row.workload = h.workload;
    row.pod = h.pod, row.container = h.container, row.engine = h.engine, row.job = h.job,
    row.queue = h.queue;
    row.user = h.user, row.account = h.account, row.partition = h.partition;
    row.holder_kind = h.holder_kind, row.share_kind = h.share_kind;
    row.share =
        static_cast<double>(claim.device_ns) / static_cast<double>(prices_.at(&device).total_ns);
    if (!h.engine.empty()) {
      row.model = ModelOf(h);
      row.service = row.cluster + "/" + h.ns + "/" + row.model;
    }
    AddFlags(claim.flags, &row.flags);

    const Worked worked = WorkedOf(device, claim);
    row.policy = worked.policy;
    if (worked.estimated) AddFlag("estimated", &row.flags);
    if (!Known(worked.fraction)) {
      row.class_ = kHeldNotAssessed;
      Emit(device, row, claim.cost, claim.device_ns);
      DealTokens(device, row, {}, 0);
      return;
    }
    const double parts[] = {worked.fraction, 1 - worked.fraction};
    const std::vector<std::int64_t> weights = Weights(parts);
    const std::vector<Money> money = Deal(claim.cost, weights);
    const std::vector<std::int64_t> time = Deal(claim.device_ns, weights);
    if (!money[1].is_zero() || time[1] > 0) {
      LedgerRow idle = row;
      idle.class_ = kIdleHeld;
      Emit(device, std::move(idle), money[1], time[1]);
    }
    if (!h.engine.empty()) {
      DealTokens(device, row, money[0], time[0]);
    } else if (!money[0].is_zero() || time[0] > 0) {
      row.class_ = h.job.empty() ? kNotAssessed : kGoodput;
      Emit(device, row, money[0], time[0]);
    }
  }

  void DealTokens(const Device& device, const LedgerRow& holder, Money money, std::int64_t time) {
    struct Part {
      const TokenGroup* group;
      std::string_view kind;
      double tokens, weight;
    };
    std::vector<Part> parts;
    bool weighs = false;
    const auto it = tokens_.find(holder.engine);
    if (it != tokens_.end() && !holder.engine.empty()) {
      const SplitPolicy& p = in_.policy;
      for (const TokenGroup& g : it->second.groups) {
        for (const Part& part : {Part{&g, "input", g.input, g.input * p.input},
                                 Part{&g, "cached", g.cached, g.cached * p.cached},
                                 Part{&g, "output", g.output, g.output * p.output},
                                 Part{&g, "draft", g.draft, g.draft * p.output}}) {
          if (part.tokens > 0) parts.push_back(part);
          weighs = weighs || part.weight > 0;
        }
      }
      if (!weighs) {  // live, and no token of theirs fell into this minute: by the time they were
                      // live
        parts.clear();
        for (const TokenGroup& g : it->second.groups) {
          if (g.live_s > 0) parts.push_back({&g, "", kNotKnown, g.live_s});
        }
      }
    }
    if (parts.empty()) {
      if (money.is_zero() && time == 0) return;
      LedgerRow row = holder;
      row.class_ = kNotAssessed;
      Emit(device, std::move(row), money, time);
      return;
    }
    std::vector<double> weights;
    for (const Part& part : parts) weights.push_back(part.weight);
    const std::vector<std::int64_t> dealt = Weights(weights);
    const std::vector<Money> costs = Deal(money, dealt);
    const std::vector<std::int64_t> times = Deal(time, dealt);
    // An engine on several devices computed its tokens once: each device carries its part of them.
    const double of_engine =
        holder.share * static_cast<double>(prices_.at(&device).total_ns) /
        static_cast<double>(std::max<std::int64_t>(1, held_ns_.at(holder.engine)));
    for (std::size_t i = 0; i < parts.size(); ++i) {
      LedgerRow row = holder;
      row.class_ = parts[i].group->class_;
      row.tenant = parts[i].group->tenant;
      if (row.team.empty()) row.team = parts[i].group->team;
      row.token_kind = parts[i].kind;
      row.tokens = parts[i].tokens * of_engine;
      row.policy += (row.policy.empty() ? "" : ";") + in_.policy.text();
      AddFlags(parts[i].group->flags, &row.flags);
      Emit(device, std::move(row), costs[i], times[i]);
    }
  }

  const MinuteInputs& in_;
  std::map<std::string, const EngineFacts*> engines_;
  std::map<std::string, const JobFacts*> jobs_;
  std::map<std::string, EngineTokens> tokens_;
  std::map<const Device*, DevicePrice> prices_;
  std::vector<std::pair<const Device*, std::vector<Claim>>> claims_;
  std::map<std::string, std::int64_t> held_ns_;  // by engine
  Ledger ledger_;
};

}  // namespace

bool EngineFacts::empty() const {
  return std::isnan(running_s) && std::isnan(prompt_tokens) && std::isnan(cached_tokens) &&
         std::isnan(generation_tokens);
}

std::string SplitPolicy::text() const {
  if (name != "ratio") return name;
  const auto number = [](double v) {
    std::string s = std::to_string(v);
    while (s.back() == '0') s.pop_back();
    if (s.back() == '.') s.pop_back();
    return s;
  };
  return "ratio(k=" + number(output / input) + ",cached=" + number(cached / input) + ")";
}

Ledger Close(const MinuteInputs& inputs) { return Closer(inputs).Run(); }

Device MakeCpuDevice(std::string_view node, double node_cores, std::span<const CoreHolder> holders,
                     std::vector<Holder>* out) {
  Device device;
  device.id = "cpu:" + std::string(node);
  device.kind = "cpu";
  device.node = node;
  const auto cores = [&](const CoreHolder& h) {
    return h.cores > 0 && h.cores < node_cores ? h.cores : node_cores;
  };
  double held = 0;
  for (const CoreHolder& h : holders) held += cores(h);
  device.cores = std::min(held, node_cores);
  for (const CoreHolder& h : holders) {
    if (device.cores <= 0) break;
    Holder holder = h.holder;
    holder.device = device.id;
    holder.share = Clamp1(cores(h) / device.cores);
    out->push_back(std::move(holder));
  }
  return device;
}

}  // namespace strata::l8_cost
