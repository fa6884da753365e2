// SPDX-License-Identifier: Apache-2.0
#include "diagnose/judge.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace strata::diagnose {
namespace {

constexpr double kRobust = 1.4826, kDeviations = 3;
constexpr double kLeastSpread =
    0.05;  // of the median: a flat past is not taken for infinitely sure
constexpr std::size_t kLeastPast = 3, kShortPast = 8;
constexpr double kShortPastRatio = 1.5;  // with little past, only a clear change counts
constexpr double kLeastCovered = 20, kEnoughCovered = 45;

struct Past {
  bool known = false;
  double median = kAbsent, spread = 0;
  std::size_t size = 0;
};

Past PastOf(const std::vector<std::pair<std::int64_t, double>>& values, std::int64_t at_ns) {
  std::vector<double> old;
  for (const auto& [minute, value] : values) {
    if (minute >= at_ns - kFreshNs - kBaselineNs && minute < at_ns - kFreshNs) old.push_back(value);
  }
  Past out;
  out.size = old.size();
  if (old.size() < kLeastPast) return out;
  out.known = true;
  out.median = Median(old);
  for (double& v : old) v = std::abs(v - out.median);
  out.spread = std::max(kRobust * Median(old), kLeastSpread * std::abs(out.median));
  return out;
}

double ObjectiveOf(const Facts& facts, const Rule& rule, const Track& track) {
  const Objective* best = nullptr;
  for (const Objective& o : facts.objectives) {
    if (o.model != "*" && o.model != track.keys.get("model")) continue;
    if (o.tenant != "*" && o.tenant != track.keys.get("tenant")) continue;
    if (best == nullptr || (best->model == "*" && o.model != "*") ||
        (best->model == o.model && best->tenant == "*"))
      best = &o;
  }
  if (best == nullptr) return kAbsent;
  return rule.objective == "ttft"   ? best->ttft_s
         : rule.objective == "tpot" ? best->tpot_s
                                    : best->e2e_s;
}

bool Passes(const Rule& rule, double value, const Past& past, double line) {
  switch (rule.test) {
    case Test::above:
    case Test::objective: return value > line;
    case Test::below: return value < line;
    case Test::up:
    case Test::down: {
      const double change = rule.test == Test::up ? value - past.median : past.median - value;
      const double ratio = std::max(rule.ratio, past.size < kShortPast ? kShortPastRatio : 0.0);
      const double low = rule.test == Test::up ? past.median : value,
                   high = rule.test == Test::up ? value : past.median;
      return change > kDeviations * past.spread && change >= rule.floor && change > 0 &&
             high >= ratio * low;
    }
    default: return false;
  }
}

Verdict JudgeStopped(const Rule& rule, const Track& track,
                     const std::vector<std::pair<std::int64_t, double>>& values,
                     std::int64_t at_ns) {
  Verdict out;
  out.entity_type = track.entity_type;
  out.entity = track.entity;
  std::vector<std::int64_t> progress;
  std::vector<double> amounts;
  for (const auto& [minute, value] : values) {
    if (value > 0 && minute <= at_ns && minute >= at_ns - kBaselineNs)
      progress.push_back(minute), amounts.push_back(value);
  }
  if (progress.size() < kLeastPast) return out;
  std::int64_t widest = base::kMinute;
  for (std::size_t i = 1; i < progress.size(); ++i)
    widest = std::max(widest, progress[i] - progress[i - 1]);
  const std::int64_t still = at_ns - (progress.back() + base::kMinute);
  out.holds =
      still >= std::max(2 * base::kMinute, 3 * widest - base::kMinute) ? Holds::yes : Holds::no;
  out.value = 0;
  out.baseline = Median(amounts);
  out.since_ns = progress.back() + base::kMinute;
  return out;
}

// "rank 3 on node-1"
std::string NoteOf(const Track& track) {
  const std::string_view node = track.keys.get("node");
  return (track.member.empty() ? "" : "rank " + track.member + " ") +
         (node.empty() ? "" : "on " + std::string(node));
}

// An incident that is over: some later event says so.
bool IsOver(const EventFact& open, const std::vector<const EventFact*>& events,
            std::int64_t at_ns) {
  const std::string_view incident = open.attributes.get("incident");
  if (incident.empty()) return false;
  return std::any_of(events.begin(), events.end(), [&](const EventFact* e) {
    return e->event == open.event && e->entity == open.entity && e->ts >= open.ts &&
           e->ts <= at_ns && e->attributes.get("incident") == incident &&
           e->attributes.get("state") == "closed";
  });
}

}  // namespace

double Median(std::vector<double> values) {
  if (values.empty()) return kAbsent;
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

Track& Facts::Add(std::string_view table, std::string_view entity_type, std::string_view entity,
                  std::string_view member, const model::Attributes& keys) {
  for (Track& t : tracks) {
    if (t.table == table && t.entity == entity && t.member == member) {
      for (const auto& [key, value] : keys) t.keys.set(key, value);
      return t;
    }
  }
  tracks.push_back({std::string(table),
                    std::string(entity_type),
                    std::string(entity),
                    std::string(member),
                    keys,
                    {}});
  return tracks.back();
}

std::vector<std::pair<std::int64_t, double>> ValuesOf(const Facts& facts, const Track& track,
                                                      const FactName& name, double least) {
  std::vector<std::pair<std::int64_t, double>> out;
  const auto it = facts.columns.find(name.table);
  if (it == facts.columns.end()) return out;
  const auto index = [&](std::string_view column) {
    return static_cast<std::size_t>(std::find(it->second.begin(), it->second.end(), column) -
                                    it->second.begin());
  };
  const std::size_t a = index(name.a), b = name.b.empty() ? a : index(name.b);
  if (a >= it->second.size() || b >= it->second.size()) return out;
  for (const Row& row : track.rows) {
    if (row.minute_ns > facts.at_ns || row.values.size() <= std::max(a, b)) continue;
    double value = row.values[a], under = name.b.empty() ? 1 : row.values[b];
    if (std::isnan(value) || std::isnan(under)) continue;
    const bool running = row.covered_s < 59.5;
    if (running && (name.a_adds_up || name.b_adds_up) && row.covered_s < kLeastCovered) continue;
    if (running && name.a_adds_up) value *= 60 / row.covered_s;
    if (running && name.b_adds_up && !name.b.empty()) under *= 60 / row.covered_s;
    if (!name.b.empty() && (under == 0 || under < least)) continue;
    out.emplace_back(row.minute_ns, value / under);
  }
  return out;
}

Verdict Judge(const Facts& facts, const Rule& rule, const Track& track) {
  const auto values = ValuesOf(facts, track, rule.fact, rule.least);
  if (rule.test == Test::stopped) return JudgeStopped(rule, track, values, facts.at_ns);
  Verdict out;
  out.entity_type = track.entity_type;
  out.entity = track.entity;
  if ((track.table == "job_minute" || track.table == "comm_minute") && !track.member.empty()) {
    out.entity += "/" + track.member;
    out.note = NoteOf(track);
  }
  std::size_t fresh = 0;  // the last minutes, newest last
  while (fresh < values.size() && values[values.size() - 1 - fresh].first > facts.at_ns - kFreshNs)
    ++fresh;
  if (fresh == 0) return out;
  const bool against_past = rule.test == Test::up || rule.test == Test::down;
  const Past past = PastOf(values, facts.at_ns);
  if (against_past && !past.known) return out;
  const double line = rule.test == Test::objective ? ObjectiveOf(facts, rule, track) : rule.line;
  if (std::isnan(line)) return out;
  // The newest minute speaks; while it has hardly begun, the one before it may speak too.
  const std::size_t newest = values.size() - 1;
  const Row& last = track.rows.back();
  if (last.minute_ns != values[newest].first || last.covered_s >= kEnoughCovered) fresh = 1;
  std::size_t at = newest;
  out.holds = Holds::no;
  for (std::size_t back = 0; back < std::min<std::size_t>(fresh, 2); ++back) {
    if (!Passes(rule, values[newest - back].second, past, line)) continue;
    at = newest - back;
    out.holds = Holds::yes;
    break;
  }
  out.value = values[at].second;
  out.baseline = against_past || rule.test == Test::above ? past.median : line;
  std::size_t first = at;
  if (out.holds == Holds::yes) {
    while (first > 0 && Passes(rule, values[first - 1].second, past, line)) --first;
    if (at - first + 1 < static_cast<std::size_t>(rule.minutes)) out.holds = Holds::no;
  }
  out.since_ns = values[first].first;
  return out;
}

Verdict JudgePeers(const Facts& facts, const Rule& rule, const std::vector<const Track*>& members) {
  Verdict out;
  std::map<std::int64_t, std::vector<std::pair<double, const Track*>>> minutes;
  for (const Track* t : members) {
    for (const auto& [minute, value] : ValuesOf(facts, *t, rule.fact, rule.least))
      minutes[minute].emplace_back(value, t);
  }
  const bool high = rule.test == Test::skew;
  const Track* outlier = nullptr;
  std::size_t looked = 0;
  int lasted = 0;
  for (auto it = minutes.rbegin(); it != minutes.rend(); ++it) {
    auto& values = it->second;
    const bool fresh = it->first > facts.at_ns - kFreshNs;
    if (outlier == nullptr && (!fresh || looked == 2)) break;
    if (values.size() < 2) continue;
    ++looked;
    std::sort(values.begin(), values.end(), [&](const auto& a, const auto& b) {
      return a.first != b.first ? (high ? a.first > b.first : a.first < b.first)
                                : a.second->member < b.second->member;
    });
    std::vector<double> others;
    for (std::size_t i = 1; i < values.size(); ++i) others.push_back(values[i].first);
    const double peers = Median(others), top = values[0].first;
    const double larger = high ? top : peers, smaller = high ? peers : top;
    const bool stands_out = top > rule.line && larger >= rule.ratio * smaller && larger > smaller;
    if (outlier == nullptr) {
      if (out.holds == Holds::absent) {
        out = {Holds::no,
               values[0].second->entity_type,
               values[0].second->entity,
               top,
               peers,
               it->first,
               ""};
      }
      if (!stands_out) continue;
      outlier = values[0].second;
      lasted = 1;
      out.holds = Holds::yes;
      out.value = top, out.baseline = peers, out.since_ns = it->first;
      out.entity_type = outlier->entity_type;
      out.entity = outlier->entity + (outlier->member.empty() ? "" : "/" + outlier->member);
      out.note = NoteOf(*outlier);
    } else {
      if (!stands_out || values[0].second != outlier) break;
      out.since_ns = it->first;
      ++lasted;
    }
  }
  if (out.holds == Holds::yes && lasted < rule.minutes) out.holds = Holds::no;
  return out;
}

Verdict JudgeEvents(const Facts& facts, const Rule& rule,
                    const std::vector<const EventFact*>& events) {
  Verdict out;
  for (const EventFact* e : events) {
    if (e->event != rule.fact.a || e->ts > facts.at_ns || e->ts < facts.at_ns - kEventNs) continue;
    if (e->attributes.get("state") == "closed" || IsOver(*e, events, facts.at_ns)) continue;
    if (!rule.severity.empty() && e->severity != rule.severity) continue;
    if (!rule.codes.empty()) {
      const std::string_view text = e->attributes.get("code");
      int code = -1;
      std::from_chars(text.data(), text.data() + text.size(), code);
      if (std::find(rule.codes.begin(), rule.codes.end(), code) == rule.codes.end()) continue;
    }
    if (out.holds == Holds::yes) {
      out.value += 1;
      if (e->ts >= out.since_ns) continue;
    } else {
      out.value = 1;
    }
    out.holds = Holds::yes;
    out.entity_type = e->entity_type, out.entity = e->entity;
    out.since_ns = e->ts;
    out.note = e->message;
  }
  if (out.holds == Holds::absent) out.holds = Holds::no;  // events are told when they happen
  return out;
}

}  // namespace strata::diagnose
