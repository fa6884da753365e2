// SPDX-License-Identifier: Apache-2.0
#include "minutes/closer.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "minutes/write.h"

namespace strata::minutes {
namespace {

// From the answer to a sender until a query sees the rows; what was received this long before a
// close may have been missed.
constexpr std::int64_t kVisibleNs = 17 * base::kSecond;
constexpr std::int64_t kLookEveryNs = 30 * base::kSecond, kLookHoursEveryNs = 5 * base::kMinute,
                       kLookDayEveryNs = base::kHour;
constexpr std::int64_t kNear = 10 * base::kMinute, kHours = 2 * base::kHour;  // behind what is due
constexpr std::int64_t kOriginsEveryNs = base::kMinute, kNewestEveryNs = 10 * base::kSecond,
                       kTickEveryNs = 2 * base::kSecond;
constexpr std::int64_t kRelaxed =
    3;  // nobody looks: late data is looked for as many times seldomer
constexpr std::size_t kMostListed = 4000;  // series named one by one in a query
constexpr int kProbeEvery = 3;             // running minutes without a kind, between two questions
constexpr std::int64_t kWorldEndedNs = 30 * base::kSecond;  // without anything new, a world is over

std::int64_t MinuteOf(std::int64_t ns) { return ns / base::kMinute * base::kMinute; }

}  // namespace

Closer::Closer(store::Store& store, std::span<const model::Catalog* const> catalogs,
               Options options)
    : layout_(std::make_unique<Layout>(catalogs)), options_(std::move(options)) {
  shelf_ = MakeStoreShelf(&store, layout_.get());
}

Closer::Closer(std::unique_ptr<Shelf> shelf, std::unique_ptr<Layout> layout, Options options)
    : layout_(std::move(layout)), shelf_(std::move(shelf)), options_(std::move(options)) {}

Closer::~Closer() = default;

void Closer::Fail(const base::Status& status) {
  const std::lock_guard lock(mutex_);
  ++stats_.failed;
  stats_.last_error = status.message();
}

void Closer::Tick(std::int64_t now_ns) {
  const bool same_minute =
      MinuteOf(now_ns - options_.lateness_ns) == MinuteOf(ticked_at_ - options_.lateness_ns);
  if (same_minute && now_ns - ticked_at_ < kTickEveryNs) return;
  ticked_at_ = now_ns;
  if (!same_minute || (!relaxed_ && now_ns - refreshed_at_ >= options_.provisional_ns)) {
    if (const base::Status status = RefreshSeries(now_ns); !status.ok())
      return Fail(status.With("reading series"));
  }
  if (now_ns - origins_at_ >= kOriginsEveryNs || origins_.empty()) {
    const auto names = shelf_->Origins();
    if (!names.ok()) return Fail(names.status().With("reading origins"));
    for (const std::string& name : *names) origins_.try_emplace(name);
    origins_at_ = now_ns;
  }
  const std::int64_t came = std::exchange(came_ns_, kNever);
  for (auto& [name, origin] : origins_) {
    if (came < origin.next_ns - kNear)
      origin.came_ns = std::min(origin.came_ns, came), origin.came_at = now_ns;
    if (const base::Status status = TickOrigin(name, &origin, now_ns); !status.ok()) {
      Fail(status.With("closing minutes of " + name));
    }
  }
  std::erase_if(handled_, [&](const auto& entry) {
    return now_ns - entry.second.second > 10 * base::kMinute;
  });
}

base::Status Closer::RefreshSeries(std::int64_t now_ns) {
  ASSIGN_OR_RETURN(std::vector<model::Series> fresh, shelf_->Series(series_since_s_));
  for (model::Series& series : fresh) {
    const auto id = static_cast<std::uint64_t>(series.id);
    if (series_.contains(id)) continue;
    Origin& origin = origins_[series.origin];
    (series.kind == model::Kind::histogram ? origin.histograms : origin.samples).push_back(id);
    series_.emplace(id, Resolve(*layout_, std::move(series)));
  }
  series_since_s_ = std::max<std::int64_t>(0, now_ns / base::kSecond - 60);
  refreshed_at_ = now_ns;
  return {};
}

// A world that is being replayed brings its own time; once it has ended, the server's clock goes on
// for it.
base::Result<std::int64_t> Closer::ClockOf(const std::string& name, std::int64_t now_ns,
                                           bool* running) {
  *running = true;
  if (name == "live") return now_ns;
  Clocked& clock = clocks_[name];
  if (now_ns - clock.asked_at >= (relaxed_ ? 2 : 1) * kNewestEveryNs) {
    ASSIGN_OR_RETURN(const std::int64_t newest, shelf_->Newest(name, clock.newest_ns));
    if (newest > clock.newest_ns) clock.newest_ns = newest, clock.seen_at = now_ns;
    clock.asked_at = now_ns;
  }
  *running = now_ns - clock.seen_at <= kWorldEndedNs;
  return *running ? std::min(now_ns, clock.newest_ns) : now_ns;
}

base::Status Closer::Start(const std::string& name, Origin* origin, std::int64_t now_ns) {
  std::int64_t anchor = now_ns;
  if (name != "live") {
    ASSIGN_OR_RETURN(const std::int64_t newest, shelf_->Newest(name, 0));
    if (newest > 0) anchor = std::min(anchor, newest);
  }
  const std::int64_t from = MinuteOf(anchor - options_.reopen_ns);
  ASSIGN_OR_RETURN(origin->closed, shelf_->Closed(name, from));
  origin->next_ns = origin->closed.empty() ? from : origin->closed.rbegin()->first + base::kMinute;
  origin->started = true;
  // A world comes in a heap, part of it before anybody knew of it.
  origin->came_ns = from, origin->came_at = now_ns;
  return {};
}

base::Status Closer::TickOrigin(const std::string& name, Origin* origin, std::int64_t now_ns) {
  if (!origin->started) RETURN_IF_ERROR(Start(name, origin, now_ns));
  bool running = true;
  ASSIGN_OR_RETURN(const std::int64_t clock_ns, ClockOf(name, now_ns, &running));
  std::vector<Job> jobs;
  const std::int64_t due =
      MinuteOf(clock_ns - options_.lateness_ns);  // minutes that begin before this are over
  const bool heap = name != "live" && due - origin->next_ns > base::kMinute;
  if (origin->next_ns < due && (!heap || !options_.flush || options_.flush())) {
    ASSIGN_OR_RETURN(std::vector<std::int64_t> minutes,
                     shelf_->MinutesWithData(name, {origin->next_ns, due}));
    if (options_.comm.minutes) {
      for (const std::int64_t m : options_.comm.minutes(name, {origin->next_ns, due}))
        minutes.push_back(m);
      std::sort(minutes.begin(), minutes.end());
      minutes.erase(std::unique(minutes.begin(), minutes.end()), minutes.end());
    }
    const bool all = minutes.size() <= options_.minutes_per_tick;
    if (!all) minutes.resize(options_.minutes_per_tick);
    for (const std::int64_t minute : minutes) jobs.push_back({minute, false, true, {}});
    if (!jobs.empty()) RETURN_IF_ERROR(CloseAll(name, origin, std::move(jobs), now_ns));
    jobs.clear();
    origin->next_ns = all ? due : minutes.back() + base::kMinute;
  }
  RETURN_IF_ERROR(LookForLate(name, origin, now_ns, &jobs));
  for (std::size_t from = 0; from < jobs.size(); from += options_.minutes_per_tick) {
    const std::size_t to = std::min(jobs.size(), from + options_.minutes_per_tick);
    const base::Status status =
        CloseAll(name, origin,
                 std::vector<Job>(jobs.begin() + static_cast<std::ptrdiff_t>(from),
                                  jobs.begin() + static_cast<std::ptrdiff_t>(to)),
                 now_ns);
    if (status.ok()) continue;
    handled_.clear();  // nothing is taken for done: the next look finds it all again
    origin->looked_at = origin->looked_hours_at = origin->looked_day_at = 0;
    return status;
  }
  if (relaxed_ || now_ns - origin->provisional_at >= options_.provisional_ns) {
    if (running && !relaxed_) {
      RETURN_IF_ERROR(Provisional(name, origin, clock_ns));
    } else {
      const std::lock_guard lock(mutex_);
      provisional_.erase(name);
      provisional_requests_.erase(name);
    }
    origin->provisional_at = relaxed_ ? 0 : now_ns;
  }
  std::erase_if(origin->closed, [&](const auto& c) {
    return c.first < clock_ns - options_.reopen_ns - base::kHour;
  });
  std::erase_if(origin->waiting,
                [&](const auto& w) { return w.first < origin->next_ns - 3 * base::kMinute; });
  return {};
}

base::Status Closer::LookForLate(const std::string& name, Origin* origin, std::int64_t now_ns,
                                 std::vector<Job>* jobs) {
  if (origin->closed.empty()) return {};
  std::map<std::int64_t, Job> found;
  const std::int64_t end = origin->next_ns;
  // Near minutes often, far ones seldom, unless something far has come: a look reads the arrival
  // times of everything in its window. A wide look is a near one too.
  const std::int64_t often = relaxed_ ? kRelaxed * kLookEveryNs : kLookEveryNs;
  const std::int64_t came = MinuteOf(origin->came_ns);
  const std::tuple<std::int64_t*, std::int64_t, std::int64_t> looks[] = {
      {&origin->looked_day_at, came < end - kHours ? often : kLookDayEveryNs, options_.reopen_ns},
      {&origin->looked_hours_at, came < end - kNear ? often : kLookHoursEveryNs, kHours},
      {&origin->looked_at, often, kNear}};
  bool looked = false;
  for (const auto& [at, every, back] : looks) {
    if (!looked && now_ns - *at >= every) {
      const std::int64_t since = *at == 0 ? 0 : *at - 2 * kVisibleNs;
      RETURN_IF_ERROR(LookAt(name, origin, {MinuteOf(end - back), end}, since, now_ns, &found));
      looked = true;
      // What came just now may not be visible yet: it is looked for once more.
      if (now_ns - origin->came_at >= 2 * kVisibleNs) origin->came_ns = kNever;
    }
    if (looked) *at = now_ns;
  }
  for (auto& [minute, job] : found) jobs->push_back(std::move(job));
  return {};
}

base::Status Closer::LookAt(const std::string& name, Origin* origin, Window window,
                            std::int64_t since_ns, std::int64_t now_ns,
                            std::map<std::int64_t, Job>* jobs) {
  // What came before the oldest close of the window was seen by it.
  std::int64_t oldest = now_ns;
  for (auto it = origin->closed.lower_bound(window.from);
       it != origin->closed.end() && it->first < window.to; ++it) {
    oldest = std::min(oldest, static_cast<std::int64_t>(it->second));
  }
  since_ns = std::max(since_ns, oldest - kVisibleNs);
  ASSIGN_OR_RETURN(const std::vector<Arrival> arrivals,
                   shelf_->Arrivals(name, window, since_ns / base::kSecond));
  for (const Arrival& a : arrivals) {
    if (a.minute_ns >= origin->next_ns) continue;  // a call of a trace that goes on: not due yet
    if (a.what == 's' || a.what == 'h') {          // the shelf names those of other origins too
      const auto it = series_.find(a.series);
      if (it == series_.end() || it->second.series.origin != name) continue;
    }
    const auto closed = origin->closed.find(a.minute_ns);
    const std::int64_t closed_at =
        closed == origin->closed.end() ? 0 : static_cast<std::int64_t>(closed->second);
    if ((a.received_s + 1) * base::kSecond <= closed_at - kVisibleNs) continue;
    if (a.series != 0 && !series_.contains(a.series))
      continue;  // its announcement is not visible yet: next time
    auto& [rows, at] = handled_[{name, a.minute_ns, a.what, a.series, a.entity, a.received_s}];
    if (rows == a.rows) continue;
    rows = a.rows;
    at = now_ns;
    // Seen by the close already, unless it was only becoming visible then: closing once more is
    // harmless.
    // Entity by entity, also where the minute was never closed: as a whole closes only what is due.
    Job& job = jobs->try_emplace(a.minute_ns, Job{a.minute_ns, true, false, {}}).first->second;
    if (a.what == 'q') {
      job.requests = true;
    } else if (a.what == 's' || a.what == 'h') {
      const auto it = series_.find(a.series);
      for (std::size_t i = 0; i < it->second.uses.size(); ++i) {
        if (!it->second.keys[i][0].empty())
          job.wanted.emplace(it->second.uses[i].table, it->second.keys[i][0]);
      }
    } else {
      for (std::size_t t = 0; t < layout_->tables().size(); ++t) {
        if (layout_->tables()[t].entity_type == a.entity_type)
          job.wanted.emplace(static_cast<int>(t), a.entity);
      }
    }
  }
  std::erase_if(*jobs, [](const auto& j) { return j.second.wanted.empty() && !j.second.requests; });
  return {};
}

base::Status Closer::CloseAll(const std::string& name, Origin* origin, std::vector<Job> jobs,
                              std::int64_t now_ns) {
  const std::int64_t begun = base::monotonic_ns();
  if (refreshed_at_ != now_ns)
    RETURN_IF_ERROR(RefreshSeries(now_ns));  // a minute may hold series that are new
  std::uint64_t version =
      std::max<std::uint64_t>(static_cast<std::uint64_t>(now_ns), last_version_);
  const std::string token = name + "/" + std::to_string(version);
  std::map<std::string, std::string> tables;
  std::string closes;
  std::vector<std::pair<Job, Read>> done;
  std::size_t count = 0;
  const auto close_row = [&](std::string_view table, std::int64_t minute, std::string_view entity) {
    closes += CloseBytes(table, minute, entity, version, name, now_ns);
  };
  for (std::size_t j = 0; j < jobs.size(); ++j) {  // `jobs` may grow at its end
    const Job job = jobs[j];
    const Window window{job.minute_ns, job.minute_ns + base::kMinute};
    ASSIGN_OR_RETURN(Read read, ReadMinute(name, origin, window, job));
    last_version_ = ++version;  // of this minute in this pass: it may be in it once more
    Wanted entities =
        job.wanted;       // an entity without rows any more closes too: its old rows vanish
    std::set<int> whole;  // tables of a minute that closes for the first time
    for (MinuteRow& row : read.rows) {
      row.origin = name;
      tables[layout_->tables()[static_cast<std::size_t>(row.table)].name + "_v"] +=
          RowBytes(row, version, now_ns);
      ++count;
      if (layout_->tables()[static_cast<std::size_t>(row.table)].name == "request_minute") continue;
      if (job.again)
        entities.emplace(row.table, row.keys[0]);
      else
        whole.insert(row.table);
    }
    for (const int table : whole)
      close_row(layout_->tables()[static_cast<std::size_t>(table)].name, job.minute_ns, "");
    for (const auto& [table, entity] : entities)
      close_row(layout_->tables()[static_cast<std::size_t>(table)].name, job.minute_ns, entity);
    if (job.requests && options_.join) {
      for (const RequestRow& request : read.requests)
        tables["requests_v"] += RequestBytes(request, job.minute_ns, version, name, now_ns);
      close_row("requests", job.minute_ns, "");
      close_row("request_minute", job.minute_ns, "");
    }
    if (!job.again) {
      // Counters that were waiting for their next sample and found it here: the minutes before
      // close again, with it.
      for (auto& [minute, waiting] : origin->waiting) {
        Job again{minute, true, false, {}};
        for (auto it = waiting.begin(); it != waiting.end();) {
          if (!read.with_samples.contains(it->first)) {
            ++it;
            continue;
          }
          again.wanted.insert(it->second.begin(), it->second.end());
          it = waiting.erase(it);
        }
        if (!again.wanted.empty()) jobs.push_back(std::move(again));
      }
      if (!read.waiting.empty()) origin->waiting[job.minute_ns] = read.waiting;
      // A counter that came back after a gap: its increment belongs to the minutes in between, too.
      std::map<std::int64_t, Job> filled;
      for (const Gap& gap : read.gaps) {
        const Named& named = series_.at(gap.series);
        for (std::int64_t m = MinuteOf(gap.from_ns); m < job.minute_ns; m += base::kMinute) {
          Job& again = filled.try_emplace(m, Job{m, true, false, {}}).first->second;
          again.gap.push_back(gap.series);
          for (std::size_t i = 0; i < named.uses.size(); ++i) {
            if (!named.keys[i][0].empty())
              again.wanted.emplace(named.uses[i].table, named.keys[i][0]);
          }
        }
      }
      for (auto& [minute, again] : filled) {
        if (!again.wanted.empty()) jobs.push_back(std::move(again));
      }
    }
    done.emplace_back(job, std::move(read));
  }
  for (const auto& [table, bytes] : tables)
    RETURN_IF_ERROR(shelf_->Write(table, bytes, table + "/" + token));
  if (!closes.empty()) RETURN_IF_ERROR(shelf_->Write("closes", closes, "closes/" + token));
  for (const auto& [job, read] : done) {
    origin->closed[job.minute_ns] = version;
    if (options_.on_closed)
      options_.on_closed({name, job.minute_ns, job.again, read.rows, read.requests});
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [job, read] : done) {
    ++(job.again ? stats_.closed_again : stats_.closed);
    if (name == "live" && !job.again)
      stats_.newest_live_ns = std::max(stats_.newest_live_ns, job.minute_ns + base::kMinute);
  }
  stats_.rows += count;
  stats_.last_pass_ns = base::monotonic_ns() - begun;
  return {};
}

base::Status Closer::Provisional(const std::string& name, Origin* origin, std::int64_t clock_ns) {
  std::vector<MinuteRow> rows;
  std::vector<RequestRow> requests;
  // The minute that has ended and waits for late data, then the running one. In its first seconds
  // that would be empty.
  const std::int64_t ended = MinuteOf(clock_ns) - base::kMinute;
  const std::int64_t m = origin->next_ns <= ended ? ended : MinuteOf(clock_ns);
  const Window window{m, std::min(m + base::kMinute, clock_ns + 1)};
  Job job{m, false, true, {}};
  job.running = true;
  ASSIGN_OR_RETURN(Read read, ReadMinute(name, origin, window, job));
  for (MinuteRow& row : read.rows) {
    row.origin = name;
    row.provisional = true;
    rows.push_back(std::move(row));
  }
  requests = std::move(read.requests);
  const std::lock_guard lock(mutex_);
  provisional_[name] = std::move(rows);
  provisional_requests_[name] = std::move(requests);
  return {};
}

base::Result<Closer::Read> Closer::ReadMinute(const std::string& name, Origin* origin,
                                              Window window, const Job& job) {
  Read out;
  const Wanted* wanted = job.again ? &job.wanted : nullptr;
  const bool probe = !job.running || origin->probes++ % kProbeEvery == 0;
  const auto few = [](const std::vector<std::uint64_t>& ids) {
    return ids.size() <= kMostListed ? std::span<const std::uint64_t>(ids)
                                     : std::span<const std::uint64_t>();
  };
  if (wanted == nullptr || !wanted->empty()) {
    std::map<std::uint64_t, SeriesData> data;
    if (!origin->samples.empty()) {
      ASSIGN_OR_RETURN(const std::vector<SamplePoint> samples,
                       shelf_->Samples(name, window, few(origin->samples)));
      for (const SamplePoint& s : samples) {
        const auto it = series_.find(s.series);
        if (it == series_.end()) continue;
        SeriesData& d = data[s.series];
        d.named = &it->second;
        d.points.push_back(s.point);
      }
    }
    RETURN_IF_ERROR(FindOutside(window, job, &data, &out.gaps));
    if (!origin->histograms.empty() && (probe || origin->has_histograms)) {
      ASSIGN_OR_RETURN(std::vector<model::Histogram> histograms,
                       shelf_->Histograms(name, window, few(origin->histograms)));
      if (!job.again) origin->has_histograms = !histograms.empty();
      for (model::Histogram& h : histograms) {
        const auto it = series_.find(static_cast<std::uint64_t>(h.series));
        if (it == series_.end()) continue;
        SeriesData& d = data[it->first];
        d.named = &it->second;
        d.histograms.push_back(std::move(h));
      }
    }
    std::vector<SeriesData> list;
    for (auto& [id, d] : data) {
      const std::int64_t last = d.histograms.empty() ? d.points.back().ts : d.histograms.back().ts;
      const bool stale = d.histograms.empty() && std::isnan(d.points.back().value);
      if (last >= window.from) out.with_samples.insert(id);
      const bool grows = d.named->series.kind == model::Kind::counter ||
                         d.named->series.kind == model::Kind::histogram;
      if (grows && last >= window.from && last < window.to && !stale &&
          d.named->series.temporality != model::Temporality::delta) {
        for (std::size_t i = 0; i < d.named->uses.size(); ++i) {
          if (!d.named->keys[i][0].empty())
            out.waiting[id].emplace(d.named->uses[i].table, d.named->keys[i][0]);
        }
      }
      list.push_back(std::move(d));
    }
    std::vector<EventCount> events;
    if (probe || origin->has_events) {
      ASSIGN_OR_RETURN(events, shelf_->Events(name, window));
      if (!job.again) origin->has_events = !events.empty();
    }
    CommFacts comm;
    // Most closes for late data want no communicator.
    const bool communicators =
        wanted == nullptr || std::any_of(wanted->begin(), wanted->end(), [&](const auto& w) {
          return layout_->tables()[static_cast<std::size_t>(w.first)].entity_type == "communicator";
        });
    if (communicators && (probe || origin->has_collectives)) {
      RETURN_IF_ERROR(ReadCollectives(name, window, !job.running, &comm));
      if (!job.again) origin->has_collectives = !comm.observed.empty();
    }
    if (communicators && options_.comm.standing) options_.comm.standing(name, window, &comm);
    out.rows = Gather(*layout_, window, list, events, comm.observed, comm.labels, wanted);
    if (options_.gpu) JudgeGpus(*layout_, window, list, options_.gpu, &out.rows);
  }
  if (job.requests && options_.join && (probe || origin->has_calls)) {
    ASSIGN_OR_RETURN(const store::Rows calls, shelf_->Calls(name, window));
    if (!job.again) origin->has_calls = calls.size() > 0;
    if (calls.size() > 0) {
      out.requests = options_.join(calls, name);
      std::erase_if(out.requests,
                    [&](const RequestRow& r) { return r.ts < window.from || r.ts >= window.to; });
      for (MinuteRow& row : FoldRequests(*layout_, MinuteOf(window.from), out.requests))
        out.rows.push_back(std::move(row));
    }
  }
  return out;
}

// Samples further away than was read: of counters that come back in this minute after a gap, and,
// when minutes inside a gap close again, of the counters on both sides of it.
base::Status Closer::FindOutside(Window window, const Job& job,
                                 std::map<std::uint64_t, SeriesData>* data,
                                 std::vector<Gap>* gaps) {
  if (job.running) return {};
  std::vector<std::uint64_t> ids = job.gap;
  if (!job.again) {
    for (const auto& [id, d] : *data) {
      if (d.named->series.kind != model::Kind::counter ||
          d.named->series.temporality == model::Temporality::delta)
        continue;
      if (d.points.front().ts >= window.from && d.points.front().ts < window.to) ids.push_back(id);
    }
  }
  if (ids.empty()) return {};
  ASSIGN_OR_RETURN(const std::vector<SamplePoint> outside, shelf_->Outside(window, ids));
  for (const SamplePoint& s : outside) {
    const auto it = series_.find(s.series);
    if (it == series_.end()) continue;
    SeriesData& d = (*data)[s.series];
    d.named = &it->second;
    const auto at = std::lower_bound(d.points.begin(), d.points.end(), s.point.ts,
                                     [](const Point& p, std::int64_t ts) { return p.ts < ts; });
    if (at != d.points.end() && at->ts == s.point.ts) continue;
    if (!job.again && s.point.ts < window.from && !std::isnan(s.point.value))
      gaps->push_back({s.series, s.point.ts});
    d.points.insert(at, s.point);
  }
  return {};
}

namespace {

// What the ranks of one communicator told themselves, one list per rank, operation and signal.
void ObserveRows(std::span<const model::Collective> rows, std::vector<Observed>* out) {
  constexpr std::string_view kSignals[] = {"comm.collective.duration", "comm.collective.bytes",
                                           "comm.collective.algbw", "comm.collective.busbw"};
  std::map<std::pair<std::int32_t, std::string_view>, std::size_t> places;
  for (const model::Collective& c : rows) {
    const auto [it, fresh] = places.try_emplace({c.rank, c.operation}, out->size());
    if (fresh) {
      model::Attributes attributes{{"rank", std::to_string(c.rank)}, {"operation", c.operation}};
      if (!c.node.empty()) attributes.set("host.name", c.node);
      for (const std::string_view signal : kSignals)
        out->push_back({std::string(signal), c.communicator, attributes, {}});
    }
    const double values[] = {c.duration_s, static_cast<double>(c.bytes), c.algbw, c.busbw};
    for (std::size_t i = 0; i < std::size(values); ++i) {
      if (!std::isnan(values[i])) (*out)[it->second + i].values.push_back(values[i]);
    }
  }
}

}  // namespace

base::Status Closer::ReadCollectives(const std::string& name, Window window, bool closed,
                                     CommFacts* out) {
  ASSIGN_OR_RETURN(const std::vector<model::Collective> rows, shelf_->Collectives(name, window));
  for (std::size_t i = 0; i < rows.size();) {
    std::size_t end = i;
    while (end < rows.size() && rows[end].communicator == rows[i].communicator) ++end;
    const auto one = std::span(rows).subspan(i, end - i);
    ObserveRows(one, &out->observed);
    if (options_.comm.rows) options_.comm.rows(name, window, closed, one, out);
    i = end;
  }
  return {};
}

std::string Closer::RowBytes(const MinuteRow& row, std::uint64_t version,
                             std::int64_t now_ns) const {
  return MinuteBytes(layout_->tables()[static_cast<std::size_t>(row.table)], row, version, now_ns);
}

std::vector<MinuteRow> Closer::provisional(std::string_view table, std::string_view origin) const {
  const int index = layout_->table(table);
  std::vector<MinuteRow> out;
  const std::lock_guard lock(mutex_);
  const auto it = provisional_.find(std::string(origin));
  if (it == provisional_.end()) return out;
  for (const MinuteRow& row : it->second) {
    if (row.table == index) out.push_back(row);
  }
  return out;
}

std::vector<RequestRow> Closer::provisional_requests(std::string_view origin) const {
  const std::lock_guard lock(mutex_);
  const auto it = provisional_requests_.find(std::string(origin));
  return it == provisional_requests_.end() ? std::vector<RequestRow>{} : it->second;
}

CloserStats Closer::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace strata::minutes
