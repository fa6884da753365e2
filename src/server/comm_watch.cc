// SPDX-License-Identifier: Apache-2.0
#include "server/comm_watch.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>

#include "base/clock.h"
#include "base/drop.h"
#include "l2_comm/analysis.h"
#include "l2_comm/hang.h"

namespace strata::server {
namespace {

using l2_comm::CommReport;
using l2_comm::Hang;
using l2_comm::LateKind;
using l2_comm::Straggler;

// Agents tell of their open collectives one after the other: a hang is named when it looked the
// same for so long.
constexpr std::int64_t kSettleNs = 5 * base::kSecond;
constexpr std::uint32_t kLeastLast =
    12;                           // collectives to which a straggler came last, over minutes
constexpr int kCleanMinutes = 2;  // without it, and it is over
constexpr std::size_t kMostStragglers = 4;      // of one communicator
constexpr std::size_t kMostCulprits = 64;       // with a row of their own in a minute
constexpr std::size_t kMostEnded = 10'000;      // incidents that are over and remembered
constexpr std::size_t kMostFollowed = 100'000;  // communicators with a straggler or a suspicion

std::string Origin(const std::string& origin) { return origin.empty() ? "live" : origin; }
std::string EventOrigin(const std::string& name) { return name == "live" ? "" : name; }
std::string_view KindName(LateKind kind) {
  return kind == LateKind::compute ? "compute" : "communication";
}

std::string Number(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", v);
  return text;
}
std::string Percent(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * v);
  return text;
}

using Key = std::pair<std::string, std::string>;  // origin, communicator

model::Event MakeEvent(const char* name, const Key& key, std::int64_t ts, std::string incident,
                       bool open) {
  model::Event e;
  e.ts = ts, e.layer = "l2_comm", e.event = name;
  e.entity_type = "communicator", e.entity = key.second;
  e.severity = open ? "warning" : "info";
  e.source = "strata", e.origin = EventOrigin(key.first);
  e.attributes.set("state", open ? "open" : "closed");
  e.attributes.set("incident", std::move(incident));
  return e;
}

struct HangIncident {
  Hang hang;
  std::string id;  // operation and sequence number
  std::int64_t closed_ns = 0;
};

std::string HangId(const Hang& hang) {
  return "hang/" + hang.operation + "/" + std::to_string(hang.seq);
}
std::vector<std::int32_t> RanksOf(const Hang& hang) {
  std::vector<std::int32_t> out;
  for (const l2_comm::HangRank& r : hang.culprits) out.push_back(r.rank);
  return out;
}

struct Suspicion {  // a hang that is not named yet
  std::string id;
  std::vector<std::int32_t> ranks;
  std::int64_t first_ns = 0;
};

struct StragglerIncident {
  Straggler last;  // as last seen
  std::uint32_t came_last = 0;
  int clean = 0;
  bool open = false;
};
struct Followed {              // one communicator
  std::int64_t minute_ns = 0;  // the newest one judged
  std::map<std::pair<LateKind, std::int32_t>, StragglerIncident> stragglers;
};

std::pair<LateKind, std::int32_t> IdOf(const Straggler& s) {
  return {s.kind, s.peer < 0 ? s.rank : std::min(s.rank, s.peer)};
}
std::string StragglerId(const std::pair<LateKind, std::int32_t>& id) {
  return "straggler/" + std::string(KindName(id.first)) + "/" + std::to_string(id.second);
}

void Describe(const Straggler& s, model::Event* e) {
  e->attributes.set("kind", std::string(KindName(s.kind)));
  if (!s.operation.empty()) e->attributes.set("operation", s.operation);
  e->attributes.set("rank", std::to_string(s.rank));
  if (s.peer >= 0) e->attributes.set("peer", std::to_string(s.peer));
  if (!s.gpu.empty()) e->attributes.set("gpu", s.gpu);
  if (!s.node.empty()) e->attributes.set("node", s.node);
  e->attributes.set("lateness_s", Number(s.lateness_s));
  e->attributes.set("last_ratio", Number(s.last_ratio));
  if (!std::isnan(s.lost_ratio)) e->attributes.set("lost_ratio", Number(s.lost_ratio));
  const std::string where = s.gpu + (s.gpu.empty() || s.node.empty() ? "" : " on ") + s.node;
  e->message = "rank " + std::to_string(s.rank) + (where.empty() ? "" : " (" + where + ")");
  if (s.kind == LateKind::compute) {
    e->message += " comes late with its work";
  } else if (s.peer >= 0) {
    e->message += " and rank " + std::to_string(s.peer) + " leave late: the link between them";
  } else {
    e->message += " leaves late: its link";
  }
  e->message += ", by " + Number(s.lateness_s) + " s on average, last in " + Percent(s.last_ratio) +
                " of its " + s.operation;
  if (!std::isnan(s.lost_ratio)) e->message += ", " + Percent(s.lost_ratio) + " of the time lost";
}

// ---- a report as facts of comm_minute

class FactsOf {
 public:
  FactsOf(const std::string& communicator, minutes::CommFacts* out)
      : communicator_(communicator), out_(out) {}

  void Report(const CommReport& report) {
    for (const l2_comm::RankFacts& f : report.ranks) Rank(f, report);
    rank_ = {};
    Put("comm.rank.lost", report.judged > 0 ? report.lost_s : l2_comm::kUnknown);
    Put("comm.clock.aligned", report.aligned_ratio);
    const auto most = std::max_element(
        report.classes.begin(), report.classes.end(),
        [](const auto& a, const auto& b) { return a.total_bytes < b.total_bytes; });
    if (most != report.classes.end()) {
      Put("comm.transfer.duration", most->time_p50_s);
      Put("comm.transfer.algbw", most->algbw);
      Put("comm.transfer.busbw", most->busbw);
    }
    if (report.stragglers.empty()) return;
    const Straggler& s = report.stragglers.front();
    Text("straggler_kind", std::string(KindName(s.kind)));
    Text("straggler_rank", std::to_string(s.rank));
    Text("straggler_gpu", s.gpu);
    Text("straggler_node", s.node);
    if (s.peer >= 0) Text("straggler_peer", std::to_string(s.peer));
  }

  void Hanging(const HangIncident& incident, minutes::Window window, std::int64_t at_ns) {
    const Hang& hang = incident.hang;
    const bool over = incident.closed_ns != 0 && incident.closed_ns < window.to;
    const std::int64_t to =
        std::min(window.to, incident.closed_ns != 0 ? incident.closed_ns : at_ns);
    const double hung = static_cast<double>(to - std::max(window.from, hang.since_ns)) / 1e9;
    rank_ = {};
    Put("comm.hang.duration", hung);
    Text("hang_state", over ? "closed" : "open");
    Text("hang_kind", std::string(l2_comm::HangKindName(hang.kind)));
    Text("hang_ranks", l2_comm::RankRanges(RanksOf(hang)));
    for (std::size_t i = 0; i < std::min(hang.culprits.size(), kMostCulprits); ++i) {
      const l2_comm::HangRank& r = hang.culprits[i];
      rank_ = {{"rank", std::to_string(r.rank)}};
      if (!r.node.empty()) rank_.set("host.name", r.node);
      Put("comm.hang.duration", hung);
      Text("gpu", r.gpu);
    }
  }

 private:
  void Rank(const l2_comm::RankFacts& f, const CommReport& report) {
    rank_ = {{"rank", std::to_string(f.rank)}};
    if (!f.node.empty()) rank_.set("host.name", f.node);
    Text("gpu", f.gpu);
    Put("comm.rank.wait", f.wait_mean_s);
    Put("comm.rank.wait.max", f.wait_max_s);
    Put("comm.rank.lateness", f.lateness_mean_s);
    Put("comm.rank.lateness.max", f.lateness_max_s);
    Put("comm.rank.deviation", f.deviation);
    Put("comm.rank.last", f.last_ratio);
    Put("comm.rank.lost", f.lost_s);
    Put("comm.rank.left_late", f.left_late_s);
    Put("comm.clock.offset", f.clock_offset_s);
    double compute = f.judged > 0 ? 0 : l2_comm::kUnknown;
    double communication = std::isnan(f.left_late_s) ? l2_comm::kUnknown : 0;
    for (const Straggler& s : report.stragglers) {
      if (s.rank == f.rank) (s.kind == LateKind::compute ? compute : communication) = s.lost_ratio;
    }
    Put("comm.straggler.compute", compute);
    Put("comm.straggler.communication", communication);
  }
  void Put(const char* signal, double value) {
    if (std::isfinite(value)) out_->observed.push_back({signal, communicator_, rank_, {value}});
  }
  void Text(const char* column, std::string text) {
    if (!text.empty())
      out_->labels.push_back(
          {communicator_, std::string(rank_.get("rank")), column, std::move(text)});
  }

  const std::string& communicator_;
  minutes::CommFacts* out_;
  model::Attributes rank_;
};

}  // namespace

struct CommWatch::State {
  std::mutex mutex;  // guards progress
  std::map<std::string, l2_comm::Progress> progress;
  base::Refusals counted;  // of progress, told to Drop already

  // Of the jobs thread.
  std::map<Key, HangIncident> hangs;
  std::map<Key, Suspicion> suspicions;
  std::deque<std::pair<Key, HangIncident>> ended;
  std::map<Key, Followed> followed;
  std::map<std::string, std::int64_t> clocks;  // of each origin at the last look
  std::vector<model::Event> events;            // waiting for the next look
  std::int64_t forgot_ns = 0;

  void LookAt(const std::string& origin, const std::vector<Hang>& found, std::int64_t at_ns,
              std::int64_t now_ns) {
    std::map<Key, const Hang*> now;
    for (const Hang& hang : found) now[{origin, hang.communicator}] = &hang;
    for (auto it = hangs.begin(); it != hangs.end();) {
      const auto seen = now.find(it->first);
      if (it->first.first != origin ||
          (seen != now.end() && HangId(*seen->second) == it->second.id)) {
        if (seen != now.end()) it->second.hang = *seen->second, now.erase(seen);
        ++it;
        continue;
      }
      Close(it->first, &it->second, at_ns);
      it = hangs.erase(it);
    }
    std::erase_if(suspicions,
                  [&](const auto& s) { return s.first.first == origin && !now.contains(s.first); });
    for (const auto& [key, hang] : now) {
      Suspicion& s = suspicions[key];
      const std::string id = HangId(*hang);
      const std::vector<std::int32_t> ranks = RanksOf(*hang);
      if (s.id != id || s.ranks != ranks) s = {id, ranks, now_ns};
      if (now_ns - s.first_ns < kSettleNs) continue;
      Open(key, *hang, at_ns);
      suspicions.erase(key);
    }
  }

  void Open(const Key& key, const Hang& hang, std::int64_t at_ns) {
    const std::string id = HangId(hang);
    model::Event e = MakeEvent("comm.hang", key, at_ns, id, true);
    e.severity = "error";
    e.message = hang.Text(at_ns);
    e.attributes.set("kind", std::string(l2_comm::HangKindName(hang.kind)));
    e.attributes.set("operation", hang.operation);
    e.attributes.set("seq", std::to_string(hang.seq));
    e.attributes.set("bytes", std::to_string(hang.bytes));
    e.attributes.set("nranks", std::to_string(hang.nranks));
    e.attributes.set("waiting", std::to_string(hang.waiting.size()));
    e.attributes.set("since", base::FormatTime(hang.since_ns));
    if (!hang.culprits.empty()) {
      const l2_comm::HangRank& first = hang.culprits.front();
      e.attributes.set("ranks", l2_comm::RankRanges(RanksOf(hang)));
      if (!first.gpu.empty()) e.attributes.set("gpu", first.gpu);
      if (!first.node.empty()) e.attributes.set("node", first.node);
      const auto unseen = std::count_if(hang.culprits.begin(), hang.culprits.end(),
                                        [](const auto& r) { return !r.seen; });
      if (unseen > 0) e.attributes.set("never_seen", std::to_string(unseen));
    }
    events.push_back(std::move(e));
    hangs[key] = {hang, id, 0};
  }

  void Close(const Key& key, HangIncident* incident, std::int64_t at_ns) {
    incident->closed_ns = at_ns;
    model::Event e = MakeEvent("comm.hang", key, at_ns, incident->id, false);
    e.message = incident->hang.operation + " " + std::to_string(incident->hang.seq) +
                " hangs no more, or its job is gone";
    events.push_back(std::move(e));
    ended.emplace_back(key, std::move(*incident));
    if (ended.size() > kMostEnded) ended.pop_front();
  }

  // Stragglers of a minute that is over; minutes come in order, late data changes nothing here.
  void Follow(const Key& key, minutes::Window window, const CommReport& report) {
    auto it = followed.find(key);
    if (it == followed.end()) {
      if (report.stragglers.empty() || followed.size() >= kMostFollowed) return;
      it = followed.emplace(key, Followed()).first;
    }
    Followed& f = it->second;
    if (window.from <= f.minute_ns) return;
    f.minute_ns = window.from;
    const std::int64_t ts = window.to - base::kSecond / 1000;
    std::map<std::pair<LateKind, std::int32_t>, const Straggler*> now;
    for (const Straggler& s : report.stragglers) {
      if (now.size() < kMostStragglers) now.try_emplace(IdOf(s), &s);
    }
    for (const auto& [id, s] : now) {
      StragglerIncident& incident = f.stragglers[id];
      incident.last = *s, incident.clean = 0;
      incident.came_last += s->last;
      if (incident.open || incident.came_last < kLeastLast) continue;
      incident.open = true;
      model::Event e = MakeEvent("comm.straggler", key, ts, StragglerId(id), true);
      Describe(*s, &e);
      events.push_back(std::move(e));
    }
    const bool judged = report.judged >= l2_comm::AnalysisOptions().least_collectives;
    for (auto one = f.stragglers.begin(); one != f.stragglers.end();) {
      auto& [id, incident] = *one;
      if (now.contains(id) || !judged || ++incident.clean < kCleanMinutes) {
        ++one;
        continue;
      }
      if (incident.open) {
        model::Event e = MakeEvent("comm.straggler", key, ts, StragglerId(id), false);
        e.message = "rank " + std::to_string(incident.last.rank) + " holds nobody back any more";
        e.attributes.set("rank", std::to_string(incident.last.rank));
        events.push_back(std::move(e));
      }
      one = f.stragglers.erase(one);
    }
    if (f.stragglers.empty()) followed.erase(it);
  }

  void Judge(const std::string& origin, minutes::Window window, bool closed,
             std::span<const model::Collective> rows, minutes::CommFacts* out) {
    l2_comm::CommWindow comm;
    for (const model::Collective& row : rows) comm.Add(row);
    const CommReport report = comm.Finish();
    FactsOf(rows.front().communicator, out).Report(report);
    if (!closed) return;
    Follow({origin, rows.front().communicator}, window, report);
  }

  template <typename F>
  void EachHang(const std::string& origin, minutes::Window window, F each) const {
    for (const auto& [key, incident] : ended) {
      if (key.first == origin && incident.hang.since_ns < window.to &&
          incident.closed_ns > window.from)
        each(key, incident);
    }
    for (const auto& [key, incident] : hangs) {
      if (key.first == origin && incident.hang.since_ns < window.to) each(key, incident);
    }
  }

  std::int64_t ClockOf(const std::string& origin) const {
    const auto it = clocks.find(origin);
    return it == clocks.end() ? 0 : it->second;
  }
};

CommWatch::CommWatch() : state_(std::make_unique<State>()) {}
CommWatch::~CommWatch() = default;

void CommWatch::Saw(std::span<const model::Collective> rows, std::int64_t now_ns) {
  if (rows.empty()) return;
  State& s = *state_;
  const std::lock_guard lock(s.mutex);
  for (const model::Collective& row : rows)
    s.progress[Origin(row.origin)].Add(row, row.origin.empty() ? now_ns : 0);
}

std::vector<model::Event> CommWatch::Look(std::int64_t now_ns) {
  State& s = *state_;
  std::map<std::string, std::vector<Hang>> found;
  base::Refusals refused;
  {
    const std::lock_guard lock(s.mutex);
    for (auto& [origin, progress] : s.progress) {
      const std::int64_t at = origin == "live" ? now_ns : progress.newest_ns();
      s.clocks[origin] = at;
      found[origin] = progress.Hangs(at);
      if (now_ns - s.forgot_ns > base::kMinute) progress.Forget(at);
      refused.merge(progress.refused());
    }
  }
  if (now_ns - s.forgot_ns > base::kMinute) s.forgot_ns = now_ns;
  for (const auto& [reason, n] : refused.counts()) {
    if (n > s.counted.count(reason)) base::Drop(reason, n - s.counted.count(reason));
  }
  s.counted = std::move(refused);
  for (const auto& [origin, hangs] : found) s.LookAt(origin, hangs, s.clocks[origin], now_ns);
  return std::exchange(s.events, {});
}

minutes::CommJudge CommWatch::judge() {
  State& s = *state_;
  minutes::CommJudge out;
  out.rows = [&s](const std::string& origin, minutes::Window window, bool closed,
                  std::span<const model::Collective> rows,
                  minutes::CommFacts* facts) { s.Judge(origin, window, closed, rows, facts); };
  out.standing = [&s](const std::string& origin, minutes::Window window,
                      minutes::CommFacts* facts) {
    s.EachHang(origin, window, [&](const Key& key, const HangIncident& incident) {
      FactsOf(key.second, facts).Hanging(incident, window, s.ClockOf(origin));
    });
  };
  out.minutes = [&s](const std::string& origin, minutes::Window window) {
    std::vector<std::int64_t> minutes;
    s.EachHang(origin, window, [&](const Key&, const HangIncident& incident) {
      const std::int64_t from = std::max(window.from, incident.hang.since_ns);
      const std::int64_t to =
          incident.closed_ns != 0 ? std::min(window.to, incident.closed_ns) : window.to;
      for (std::int64_t m = from / base::kMinute * base::kMinute; m < to; m += base::kMinute)
        minutes.push_back(m);
    });
    return minutes;
  };
  return out;
}

base::Status CommWatch::Restore(store::Store& store, std::int64_t now_ns) {
  State& s = *state_;
  const store::Params since = {{"since", std::to_string((now_ns - base::kHour) / base::kSecond)}};
  // The newest ended and the newest open collective of each rank; which of several open ones is the
  // oldest comes again with the next rows.
  ASSIGN_OR_RETURN(
      const store::Rows rows,
      store.Query("SELECT communicator, seq, operation, bytes, rank, nranks, gpu, node, start, "
                  "duration_s, state, origin FROM collectives WHERE received >= "
                  "fromUnixTimestamp({since:Int64}) ORDER BY seq DESC LIMIT 1 BY origin, "
                  "communicator, operation, rank, state LIMIT 1000000",
                  since));
  std::vector<model::Collective> restored(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    model::Collective& c = restored[i];
    c.communicator = rows.text(i, 0), c.seq = rows.u64(i, 1), c.operation = rows.text(i, 2);
    c.bytes = rows.u64(i, 3);
    c.rank = static_cast<std::int32_t>(rows.i64(i, 4));
    c.nranks = static_cast<std::int32_t>(rows.i64(i, 5));
    c.gpu = rows.text(i, 6), c.node = rows.text(i, 7);
    c.start_ns = rows.i64(i, 8), c.duration_s = rows.f64(i, 9);
    c.done = rows.text(i, 10) == "done";
    c.origin = EventOrigin(std::string(rows.text(i, 11)));
  }
  Saw(restored, now_ns);
  ASSIGN_OR_RETURN(
      const store::Rows open,
      store.Query("SELECT origin, entity, event, argMax(attributes, ts) AS a, max(ts) FROM events "
                  "WHERE event IN ('comm.hang', 'comm.straggler') AND source = 'strata' AND "
                  "received >= fromUnixTimestamp({since:Int64}) - 82800 GROUP BY origin, entity, "
                  "event, attributes['incident'] HAVING a['state'] = 'open'",
                  since));
  for (std::size_t i = 0; i < open.size(); ++i) {
    const Key key{std::string(open.text(i, 0)), std::string(open.text(i, 1))};
    const model::Attributes a = open.attributes(i, 3);
    const auto number = [&](std::string_view name) {
      return std::strtoll(std::string(a.get(name)).c_str(), nullptr, 10);
    };
    if (open.text(i, 2) == "comm.hang") {
      HangIncident& h = s.hangs[key];
      h.id = a.get("incident");
      h.hang.communicator = key.second, h.hang.operation = a.get("operation");
      h.hang.seq = static_cast<std::uint64_t>(number("seq"));
      const auto began = base::ParseTime(a.get("since"), now_ns);
      h.hang.since_ns = began.ok() ? *began : open.i64(i, 4);
      continue;
    }
    StragglerIncident incident;
    incident.open = true, incident.came_last = kLeastLast;
    incident.last.kind = a.get("kind") == "compute" ? LateKind::compute : LateKind::communication;
    incident.last.rank = static_cast<std::int32_t>(number("rank"));
    incident.last.peer = a.has("peer") ? static_cast<std::int32_t>(number("peer")) : -1;
    Followed& f = s.followed[key];
    f.minute_ns = open.i64(i, 4) / base::kMinute * base::kMinute;
    f.stragglers[IdOf(incident.last)] = incident;
  }
  return {};
}

}  // namespace strata::server
