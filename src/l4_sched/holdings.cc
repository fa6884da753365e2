// SPDX-License-Identifier: Apache-2.0
// From sightings to intervals. For each device the sightings of every source are kept as claims;
// Settle ends those that were not seen again, takes the claims of the source that counts for each
// holder, and deals out shares so that they never pass 1. A row whose share changes is ended and
// begun anew: history is never rewritten.
#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <charconv>
#include <cmath>
#include <deque>
#include <optional>
#include <tuple>

#include "base/hash.h"
#include "l4_sched/device_id.h"
#include "l4_sched/l4_sched.h"
#include "l4_sched/trust.h"

namespace strata::l4_sched {
namespace {

using model::Holding;
using std::string_view;

constexpr std::size_t kMaxSeries = 2'000'000;  // more than a Namer names
constexpr std::int64_t kSweepNs = 5'000'000'000;

// Who holds, without how much and since when. The device and the origin stand outside.
using Holder = std::tuple<std::string, std::string, std::string, std::string,
                          std::string>;  // ns, pod, container, job, engine
Holder HolderOf(const Holding& h) { return {h.ns, h.pod, h.container, h.job, h.engine}; }

struct Claim {
  Holding as;  // as the source says; share is the claim
  std::int64_t first_ns = 0, last_ns = 0;
  std::int64_t first_seen_ns = 0;  // first_ns may lie before it: since when it is known to hold
  std::uint64_t round = 0;         // of the view when it was last seen
  std::map<std::string, std::pair<double, std::int64_t>> parts;  // MIG instance -> share, last seen
};

// One source's view of one device.
struct View {
  std::int64_t last_ns = 0;      // newest sighting of the device, held or not
  std::int64_t interval_ns = 0;  // 0 = not shown yet
  std::int64_t arrived_ns = 0;   // clock time of the newest sighting: data may be old, or replayed
  bool seen = false;             // since the last Settle
  std::uint64_t round = 1;       // rises with each Settle in which the device was seen
  std::int64_t gaps[3] = {0, 0, 0};
  std::size_t n_gaps = 0;
  std::map<Holder, Claim> claims;
  // The newest sighting by a series: a scrape has dozens with one time and owner.
  std::int64_t sighted_ns = 0;
  std::uint64_t sighted_round = 0;
  std::size_t sighted_owner = 0;
};

struct Open {
  HoldingRow row;
  std::string source;
};

struct Wanted {
  const Claim* claim = nullptr;
  string_view source;
  double share = 0;
};

struct HeldDevice {
  std::map<std::string, View> views;  // by source
  std::map<Holder, Open> open;
  std::map<Holder, std::int64_t>
      ends;                  // of the last closed row: a late sighting opens nothing before it
  std::string dispute;       // the one that stands, so that it is told once
  View* exporter = nullptr;  // views["exporter"]; views are never removed
  const std::pair<std::string, std::string>* key = nullptr;  // its own, of the map
  bool touched = false;                                      // since the last Settle
};

// Where a pod was seen, and what is known of it beside.
struct PodPlaces {
  std::vector<HeldDevice*> devices;
  bool annotated = false;  // a source that needs a witness named it
  std::optional<PodFacts> facts;
};

// What is known of the pod goes before what its name lets guess. True = something changed.
bool Tell(const PodFacts& facts, Holding* h) {
  bool changed = false;
  const auto set = [&](const std::string& from, std::string* to) {
    if (from.empty() || *to == from) return;
    *to = from;
    changed = true;
  };
  set(facts.workload, &h->workload);
  set(facts.workload_kind, &h->workload_kind);
  set(facts.team, &h->team);
  set(facts.queue, &h->queue);
  if (h->node.empty()) set(facts.node, &h->node);
  return changed;
}

struct Learned {
  std::string gpu, origin, node, mig;
  Holding owner;  // pod empty: nobody is named
  bool owned = false;
  std::size_t owner_number = 0;  // the same for all series that name one holder
  HeldDevice* device = nullptr;  // devices are never removed
};

// An instance whose profile is not told is the smallest there is.
double MigShare(string_view profile, string_view model) {
  const double share = MigProfileShare(profile, model);
  return share > 0 ? share : MigProfileShare("1g", model);
}

std::string First(const model::Attributes& a, std::initializer_list<string_view> keys) {
  for (const string_view key : keys) {
    if (const string_view value = a.get(key); !value.empty()) return std::string(value);
  }
  return {};
}

}  // namespace

struct HoldingTracker::State {
  HoldingOptions options;
  boost::unordered_flat_map<std::uint64_t, Learned*> series;
  std::deque<Learned> learned;
  std::map<std::pair<std::string, std::string>, HeldDevice> devices;  // origin, gpu
  std::vector<HeldDevice*> touched;                                   // since the last Settle
  std::map<Holder, std::size_t> owner_numbers;
  boost::unordered_flat_map<std::uint64_t, PodPlaces> pods;  // by PodKey
  std::vector<std::uint64_t> told;  // pods of which facts came since the last Settle
  std::deque<HoldingRow> closed;
  std::vector<HoldingRow> changed;
  std::vector<model::Event> events;
  std::uint64_t version = 0;
  std::int64_t clock_ns = 0, next_sweep_ns = 0;

  // Rises within a run and, because it starts at the clock, over restarts.
  std::uint64_t NextVersion() {
    return version = std::max(version + 1, static_cast<std::uint64_t>(clock_ns));
  }

  static std::uint64_t PodKey(string_view origin, const Holding& h) {
    return base::Hash64(h.pod, base::Hash64(h.ns, base::Hash64(origin)));
  }

  // Remembers that a pod is on the device. Its other devices are looked at again, because sources
  // may contradict each other about which it has.
  void Place(HeldDevice& device, const Holding& h) {
    if (h.pod.empty()) return;
    PodPlaces& places = pods[PodKey(h.origin, h)];
    places.annotated = places.annotated || TrustOf(h.source).needs_witness;
    if (std::ranges::find(places.devices, &device) != places.devices.end()) return;
    for (HeldDevice* other : places.devices) Touch(*other);
    places.devices.push_back(&device);
  }

  void Leave(HeldDevice& device, const Holding& h) {
    if (h.pod.empty()) return;
    const auto it = pods.find(PodKey(device.key->first, h));
    if (it == pods.end()) return;
    for (const auto& [source, view] : device.views) {
      for (const auto& [holder, claim] : view.claims) {
        if (SamePod(claim.as, h)) return;
      }
    }
    std::erase(it->second.devices, &device);
    for (HeldDevice* other : it->second.devices) Touch(*other);
    if (it->second.devices.empty()) pods.erase(it);
  }

  // Facts that came after the rows they belong to: the rows are written again with them.
  void TellLate() {
    if (told.empty()) return;
    std::sort(told.begin(), told.end());
    const auto late = [this](HoldingRow* row) {
      const std::uint64_t key = PodKey(row->holding.origin, row->holding);
      if (row->holding.pod.empty() || !std::binary_search(told.begin(), told.end(), key)) return;
      const auto it = pods.find(key);
      if (it == pods.end() || !it->second.facts || !Tell(*it->second.facts, &row->holding)) return;
      row->version = NextVersion();
      changed.push_back(*row);
    };
    for (const std::uint64_t key : told) {
      const auto it = pods.find(key);
      if (it == pods.end()) continue;
      for (HeldDevice* device : it->second.devices) {
        for (auto& [holder, open] : device->open) late(&open.row);
      }
    }
    for (HoldingRow& row : closed) late(&row);
    told.clear();
  }

  std::int64_t Interval(const View& view) const {
    return view.interval_ns > 0 ? view.interval_ns : options.interval_ns;
  }

  HeldDevice& Touch(const std::string& origin, const std::string& gpu) {
    const auto it = devices.try_emplace({origin, gpu}).first;
    it->second.key = &it->first;
    Touch(it->second);
    return it->second;
  }
  void Touch(HeldDevice& device) {
    if (!device.touched) touched.push_back(&device);
    device.touched = true;
  }

  // The device was seen by this source. The interval is the longest of the last three gaps: one
  // missed scrape does not end a holding, and a slower scrape is learned.
  void See(View& view, std::int64_t ts_ns) {
    view.seen = true;
    if (ts_ns > view.last_ns) {
      if (view.last_ns > 0) {
        view.gaps[view.n_gaps++ % 3] = ts_ns - view.last_ns;
        if (view.n_gaps >= 2)
          view.interval_ns =
              *std::max_element(view.gaps, view.gaps + std::min<std::size_t>(view.n_gaps, 3));
        view.interval_ns = std::min(view.interval_ns, std::int64_t{600'000'000'000});
      }
      view.last_ns = ts_ns;
    }
  }

  void Claimed(HeldDevice& device, View& view, Holding h, std::int64_t ts_ns,
               const std::string& part) {
    Claim& claim = view.claims[HolderOf(h)];
    claim.round = view.round;
    if (claim.first_ns == 0) {
      claim.first_ns = h.valid_to != 0 ? h.valid_from : ts_ns;
      claim.first_seen_ns = ts_ns;
      Place(device, h);
    }
    const double part_of = h.share;
    if (ts_ns >= claim.last_ns) {
      const double share = claim.as.share;
      claim.as = std::move(h);
      claim.last_ns = ts_ns;
      if (!part.empty()) claim.as.share = share;
    }
    if (part.empty()) return;
    auto& [part_share, seen] = claim.parts[part];
    part_share = part_of;
    seen = std::max(seen, ts_ns);
    double sum = 0;
    for (const auto& [name, p] : claim.parts) sum += p.first;
    claim.as.share = std::min(1.0, sum);
  }

  void Close(HeldDevice& device, std::map<Holder, Open>::iterator it, std::int64_t at_ns) {
    HoldingRow& row = it->second.row;
    row.holding.valid_to = std::max(at_ns, row.holding.valid_from);
    row.version = NextVersion();
    device.ends[it->first] = row.holding.valid_to;
    changed.push_back(row);
    closed.push_back(std::move(row));
    device.open.erase(it);
  }

  void Begin(HeldDevice& device, const Claim& claim, string_view source, double share,
             std::int64_t from_ns) {
    Open open;
    open.source = source;
    open.row.holding = claim.as;
    open.row.holding.source = source;
    open.row.holding.share = share;
    if (const auto end = device.ends.find(HolderOf(claim.as)); end != device.ends.end())
      from_ns = std::max(from_ns, end->second);
    open.row.holding.valid_from = from_ns;
    open.row.holding.valid_to = 0;
    if (const auto pod = pods.find(PodKey(claim.as.origin, claim.as));
        !claim.as.pod.empty() && pod != pods.end() && pod->second.facts)
      Tell(*pod->second.facts, &open.row.holding);
    open.row.version = NextVersion();
    changed.push_back(open.row);
    device.open[HolderOf(claim.as)] = std::move(open);
  }

  // Drops claims that ended; says when each holder was last seen.
  void Expire(HeldDevice& device, std::int64_t now_ns, std::map<Holder, std::int64_t>* ended) {
    for (auto& [source, view] : device.views) {
      const std::int64_t interval = Interval(view), patience = interval * options.missed;
      if (view.seen || view.arrived_ns == 0) view.arrived_ns = now_ns;
      const std::uint64_t round =
          view.seen ? view.round : view.round - 1;  // the newest look at the device
      if (view.seen) ++view.round;
      view.seen = false;
      const bool silent = now_ns - view.arrived_ns > patience;
      const auto over = [silent, patience, newest = view.last_ns](std::int64_t last_ns) {
        return silent || newest - last_ns > patience;
      };
      for (auto it = view.claims.begin(); it != view.claims.end();) {
        Claim& claim = it->second;
        std::erase_if(claim.parts, [&](const auto& p) { return over(p.second.second); });
        if (claim.as.share_kind == "mig" && !claim.parts.empty()) {
          double sum = 0;
          for (const auto& [name, p] : claim.parts) sum += p.first;
          claim.as.share = std::min(1.0, sum);
        }
        // Another owner of the whole device in a newer look: this one ended when the other began.
        std::int64_t other_ns = 0;
        if (claim.as.share_kind == "whole" && claim.last_ns < view.last_ns) {
          for (const auto& [holder, other] : view.claims) {
            if (holder != it->first && other.last_ns > claim.last_ns &&
                other.as.share_kind == "whole") {
              other_ns = other_ns == 0
                             ? std::max(other.first_ns, claim.last_ns)
                             : std::min(other_ns, std::max(other.first_ns, claim.last_ns));
            }
          }
        }
        if (other_ns == 0 && (!over(claim.last_ns) || (!silent && claim.round >= round))) {
          ++it;
          continue;
        }
        std::int64_t& end = (*ended)[it->first];
        end = std::max(end, other_ns != 0 ? other_ns : claim.last_ns + interval);
        const Holding gone = std::move(claim.as);
        it = view.claims.erase(it);
        Leave(device, gone);
      }
    }
  }

  // What the pod's other devices say of it.
  void LookElsewhere(const HeldDevice& here, const std::string& origin, Said* said) const {
    const auto it = pods.find(PodKey(origin, *said->as));
    if (it == pods.end() || !it->second.annotated) return;
    std::map<string_view, double> witnessed;
    for (const HeldDevice* device : it->second.devices) {
      if (device == &here) continue;
      bool annotated = false, seen = false;
      for (const auto& [source, view] : device->views) {
        const Trust& trust = TrustOf(source);
        if (!trust.needs_witness && !trust.witness) continue;
        for (const auto& [holder, claim] : view.claims) {
          if (!SamePod(claim.as, *said->as)) continue;
          if (trust.needs_witness) said->annotated_elsewhere += claim.as.share, annotated = true;
          if (trust.witness) witnessed[source] += claim.as.share, seen = true;
        }
      }
      said->confirmed_elsewhere = said->confirmed_elsewhere || (annotated && seen);
    }
    for (const auto& [source, share] : witnessed)
      said->witnessed_elsewhere = std::max(said->witnessed_elsewhere, share);
  }

  std::vector<Said> AllSaid(const HeldDevice& device, std::vector<const Claim*>* claims) const {
    std::vector<Said> out;
    for (const auto& [source, view] : device.views) {
      const Trust& trust = TrustOf(source);
      for (const auto& [holder, claim] : view.claims) {
        Said said;
        said.as = &claim.as;
        said.source = source;
        said.old_enough = claim.last_ns - claim.first_seen_ns >= Interval(view) * options.missed;
        if (!claim.as.pod.empty() && (trust.needs_witness || trust.witness))
          LookElsewhere(device, device.key->first, &said);
        out.push_back(said);
        claims->push_back(&claim);
      }
    }
    return out;
  }

  void SettleDevice(const std::pair<std::string, std::string>& key, HeldDevice& device,
                    std::int64_t now_ns) {
    std::map<Holder, std::int64_t> ended;
    Expire(device, now_ns, &ended);
    std::vector<const Claim*> claims;
    const std::vector<Said> said = AllSaid(device, &claims);
    const Verdict verdict = Judge(said);
    const std::string& dispute = verdict.dispute;
    std::map<Holder, Wanted> wanted;
    for (const auto& [i, share] : verdict.counted)
      wanted[HolderOf(claims[i]->as)] = {claims[i], said[i].source, share};
    std::int64_t at_ns = 0;  // a change of shares takes effect with the newest sighting
    for (const auto& [source, view] : device.views) at_ns = std::max(at_ns, view.last_ns);
    for (auto it = device.open.begin(); it != device.open.end();) {
      const auto here = it++;
      const auto want = wanted.find(here->first);
      if (want == wanted.end()) {
        const auto end = ended.find(here->first);
        Close(device, here, end != ended.end() ? end->second : at_ns);
        continue;
      }
      const Wanted& w = want->second;
      const Holding& h = here->second.row.holding;
      if (std::fabs(h.share - w.share) < 1e-12 && here->second.source == w.source &&
          h.share_kind == w.claim->as.share_kind) {
        continue;
      }
      const std::int64_t from = std::max(at_ns, h.valid_from);
      Close(device, here, from);
      Begin(device, *w.claim, w.source, w.share, from);
    }
    for (const auto& [holder, w] : wanted) {
      if (device.open.contains(holder)) continue;
      Begin(device, *w.claim, w.source, w.share, w.claim->first_ns);
    }
    if (!dispute.empty() && dispute != device.dispute) Dispute(key, dispute, at_ns);
    device.dispute = dispute;
  }

  void Dispute(const std::pair<std::string, std::string>& key, const std::string& text,
               std::int64_t at_ns) {
    model::Event event;
    event.ts = at_ns;
    event.layer = "l4_sched";
    event.event = "holding.dispute";
    event.entity_type = "gpu";
    event.entity = key.second;
    event.severity = "warning";
    event.message = text;
    event.source = "l4_sched";
    event.origin = key.first;
    events.push_back(std::move(event));
  }

  void Forget(std::int64_t now_ns) {
    while (!closed.empty() && (closed.front().holding.valid_to < now_ns - options.keep_ns ||
                               closed.size() > options.max_holdings)) {
      closed.pop_front();
    }
  }
};

HoldingTracker::HoldingTracker(HoldingOptions options) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
}
HoldingTracker::~HoldingTracker() = default;
HoldingTracker::HoldingTracker(HoldingTracker&&) noexcept = default;
HoldingTracker& HoldingTracker::operator=(HoldingTracker&&) noexcept = default;

void HoldingTracker::Learn(const model::Series& series) {
  if (series.entity_type != "gpu" || series.entity.empty() || state_->series.size() >= kMaxSeries)
    return;
  const model::Attributes& a = series.attributes;
  Learned learned;
  learned.mig = First(a, {"gpu.mig.id", "gpu.mig.uuid"});
  learned.gpu =
      series.entity.substr(0, series.entity.find('/'));  // an instance is a share of its device
  if (const string_view id = a.get("hw.id"); !id.empty()) learned.gpu = id.substr(0, id.find('/'));
  learned.origin = series.origin;
  Holding& h = learned.owner;
  h.gpu = learned.gpu;
  h.origin = series.origin;
  h.node = First(a, {"k8s.node.name", "host.name"});
  h.ns = a.get("k8s.namespace.name");
  h.pod = a.get("k8s.pod.name");
  h.container = a.get("k8s.container.name");
  h.cluster = a.get("k8s.cluster.name");
  h.source = "exporter";
  learned.owned = !h.pod.empty() && !IsExporterPod(h.pod);
  if (learned.owned) {
    h.team = TeamOf(state_->options.teams, a, h.ns);
    for (const auto& [key, kind] : {std::pair{"k8s.deployment.name", "Deployment"},
                                    {"k8s.statefulset.name", "StatefulSet"},
                                    {"k8s.daemonset.name", "DaemonSet"},
                                    {"k8s.cronjob.name", "CronJob"},
                                    {"k8s.job.name", "Job"}}) {
      if (!h.workload.empty() || a.get(key).empty()) continue;
      h.workload = a.get(key);
      h.workload_kind = kind;
    }
    if (h.workload.empty()) {
      const WorkloadGuess guess = GuessWorkload(h.pod);
      h.workload = guess.name;
      h.workload_kind = guess.kind.empty() ? "guess" : "guess:" + guess.kind;
    }
    h.share_kind = learned.mig.empty() ? "whole" : "mig";
    h.share = learned.mig.empty() ? 1
                                  : MigShare(a.get("gpu.mig.profile"),
                                             First(a, {"hw.model", "hw.name", "gpu.model"}));
  }
  if (learned.mig.empty() && learned.owned) {
    learned.owner_number =
        state_->owner_numbers.try_emplace(HolderOf(h), state_->owner_numbers.size() + 1)
            .first->second;
  }
  Learned*& known = state_->series[static_cast<std::uint64_t>(series.id)];
  if (known == nullptr) known = &state_->learned.emplace_back();
  *known = std::move(learned);
}

void HoldingTracker::Saw(model::SeriesId series, std::int64_t ts_ns) {
  const auto it = state_->series.find(static_cast<std::uint64_t>(series));
  if (it == state_->series.end()) return;
  Learned& learned = *it->second;
  if (learned.device == nullptr) learned.device = &state_->Touch(learned.origin, learned.gpu);
  HeldDevice& device = *learned.device;
  if (device.exporter == nullptr) device.exporter = &device.views["exporter"];
  View& view = *device.exporter;
  if (learned.mig.empty() && view.sighted_ns == ts_ns && view.sighted_round == view.round &&
      view.sighted_owner == learned.owner_number) {
    return;  // only the first of each owner does work
  }
  state_->Touch(device);
  state_->See(view, ts_ns);
  if (learned.mig.empty()) {
    view.sighted_ns = ts_ns, view.sighted_round = view.round;
    view.sighted_owner = learned.owner_number;
  }
  if (!learned.owned) return;
  if (learned.mig.empty()) {
    const auto claim = view.claims.find(HolderOf(learned.owner));
    if (claim != view.claims.end() && claim->second.last_ns >= ts_ns) {
      claim->second.round = view.round;
      return;
    }
  }
  state_->Claimed(device, view, learned.owner, ts_ns, learned.mig);
}

void HoldingTracker::Saw(const Holding& sighting) {
  if (sighting.gpu.empty() || sighting.source.empty() || sighting.valid_from <= 0) return;
  Holding h = sighting;
  h.share = std::isfinite(h.share) ? std::clamp(h.share, 0.0, 1.0) : 1;
  if (h.share_kind.empty()) h.share_kind = "whole";
  if (!TrustOf(h.source).tells_team) h.team.clear();
  if (h.team.empty()) h.team = TeamOf(state_->options.teams, {}, h.ns);
  if (h.workload.empty() && !h.pod.empty()) {
    const WorkloadGuess guess = GuessWorkload(h.pod);
    h.workload = guess.name;
    h.workload_kind = guess.kind.empty() ? "guess" : "guess:" + guess.kind;
  }
  const std::int64_t seen_ns = std::max(h.valid_from, h.valid_to);
  HeldDevice& device = state_->Touch(h.origin, h.gpu);
  View& view = device.views[h.source];
  state_->See(view, seen_ns);
  state_->Claimed(device, view, std::move(h), seen_ns, {});
}

void HoldingTracker::Know(const model::Entity& pod) {
  if (pod.type != "pod") return;
  const model::Attributes& a = pod.attributes;
  Holding h;
  h.ns = a.get("k8s.namespace.name");
  h.pod = a.get("k8s.pod.name");
  PodFacts facts;
  facts.workload_kind = a.get("k8s.workload.kind");
  facts.workload = a.get("k8s.workload.name");
  facts.queue = a.get("queue.name");
  facts.node = a.get("k8s.node.name");
  facts.team = TeamOf(state_->options.teams, a, h.ns);
  if (h.pod.empty() || (facts.workload.empty() && facts.team.empty() && facts.queue.empty()))
    return;
  if (state_->pods.size() >= state_->options.max_pods) {  // those of pods without devices go
    boost::unordered::erase_if(state_->pods,
                               [](const auto& p) { return p.second.devices.empty(); });
    if (state_->pods.size() >= state_->options.max_pods) return;
  }
  const std::uint64_t key = State::PodKey(pod.origin, h);
  PodPlaces& places = state_->pods[key];
  if (places.facts && *places.facts == facts) return;
  places.facts = std::move(facts);
  state_->told.push_back(key);
}

void HoldingTracker::Restore(const std::vector<Holding>& open, std::int64_t seen_ns) {
  State& s = *state_;
  s.clock_ns = std::max(s.clock_ns, seen_ns);
  for (const Holding& h : open) {
    if (h.gpu.empty() || h.source.empty() || h.valid_to != 0) continue;
    const auto it = s.devices.try_emplace({h.origin, h.gpu}).first;
    HeldDevice& device = it->second;
    device.key = &it->first;
    View& view = device.views[h.source];
    view.last_ns = std::max({view.last_ns, h.valid_from, seen_ns});
    Claim& claim = view.claims[HolderOf(h)];
    claim.as = h;
    claim.first_ns = claim.first_seen_ns = h.valid_from;
    s.Place(device, h);
    claim.last_ns = std::max(h.valid_from, seen_ns);
    Open& row = device.open[HolderOf(h)];
    row.source = h.source;
    row.row = {h, s.NextVersion()};
  }
}

std::vector<HoldingRow> HoldingTracker::Update(model::Batch* batch, std::int64_t now_ns) {
  for (const model::Series& series : batch->series) Learn(series);
  for (std::size_t i = 0; i < batch->samples.size(); ++i)
    Saw(batch->samples.series[i], batch->samples.ts[i]);
  for (const model::Entity& entity : batch->entities) Know(entity);
  for (const Holding& holding : batch->holdings) Saw(holding);
  Settle(now_ns);
  for (model::Event& event : TakeEvents()) batch->events.push_back(std::move(event));
  return TakeChanged();
}

void HoldingTracker::Settle(std::int64_t now_ns) {
  State& s = *state_;
  s.clock_ns = std::max(s.clock_ns, now_ns);
  // What is open may also end by silence: now and then all of it is looked at.
  const bool sweep = now_ns >= s.next_sweep_ns || now_ns < s.next_sweep_ns - 2 * kSweepNs;
  if (sweep) s.next_sweep_ns = now_ns + kSweepNs;
  if (sweep) {
    for (auto& [key, device] : s.devices) {
      if (!device.open.empty()) s.Touch(device);
    }
  }
  std::sort(s.touched.begin(), s.touched.end(),
            [](const HeldDevice* a, const HeldDevice* b) { return *a->key < *b->key; });
  for (std::size_t i = 0; i < s.touched.size(); ++i) {  // a pod that left makes its others wait too
    HeldDevice* device = s.touched[i];
    device->touched = false;
    s.SettleDevice(*device->key, *device, now_ns);
  }
  s.touched.clear();
  s.TellLate();
  s.Forget(now_ns);
}

std::vector<HoldingRow> HoldingTracker::TakeChanged() {
  // Only the last state of a row matters; a row is (origin, gpu, holder, source, valid_from).
  std::vector<HoldingRow> out;
  std::swap(out, state_->changed);
  const auto key = [](const HoldingRow& r) {
    const Holding& h = r.holding;
    return std::tie(h.origin, h.gpu, h.valid_from, h.ns, h.pod, h.container, h.job, h.engine,
                    h.source);
  };
  std::sort(out.begin(), out.end(), [&](const HoldingRow& a, const HoldingRow& b) {
    return key(a) != key(b) ? key(a) < key(b) : a.version > b.version;
  });
  out.erase(std::unique(out.begin(), out.end(),
                        [&](const auto& a, const auto& b) { return key(a) == key(b); }),
            out.end());
  return out;
}

std::vector<model::Event> HoldingTracker::TakeEvents() {
  std::vector<model::Event> out;
  std::swap(out, state_->events);
  return out;
}

std::vector<Holding> HoldingTracker::held_at(string_view gpu, std::int64_t ts_ns,
                                             string_view origin) const {
  std::vector<Holding> out;
  const auto device = state_->devices.find({std::string(origin), std::string(gpu)});
  if (device == state_->devices.end()) return out;
  for (const auto& [holder, open] : device->second.open) {
    if (open.row.holding.valid_from <= ts_ns) out.push_back(open.row.holding);
  }
  for (const HoldingRow& row : state_->closed) {
    const Holding& h = row.holding;
    if (h.gpu == gpu && h.origin == origin && h.valid_from <= ts_ns && ts_ns < h.valid_to)
      out.push_back(h);
  }
  return out;
}

std::vector<Holding> HoldingTracker::held(string_view origin) const {
  std::vector<Holding> out;
  for (const auto& [key, device] : state_->devices) {
    if (key.first != origin) continue;
    for (const auto& [holder, open] : device.open) out.push_back(open.row.holding);
  }
  return out;
}

std::size_t HoldingTracker::size() const {
  std::size_t n = state_->closed.size();
  for (const auto& [key, device] : state_->devices) n += device.open.size();
  return n;
}

}  // namespace strata::l4_sched
