// SPDX-License-Identifier: Apache-2.0
#include "server/jobs.h"

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <set>
#include <thread>
#include <tuple>

#include "base/hash.h"
#include "minutes/closer.h"
#include "server/books.h"
#include "server/comm_watch.h"
#include "server/diagnosis.h"
#include "server/gpu_state.h"
#include "server/ingest.h"
#include "server/join.h"
#include "server/place.h"
#include "wire/decode.h"

namespace strata::server {
namespace {

using base::Json;
using base::Result;
using base::Status;

}  // namespace

struct Jobs::State {
  const Config& config;
  const base::Clock& clock;
  std::span<const model::Catalog* const> catalogs;
  store::Store& store;
  Place& place;
  Ingest& ingest;
  CommWatch& comm;
  std::unique_ptr<Books> books;
  std::unique_ptr<minutes::Closer> closer;
  std::unique_ptr<Diagnosis> diagnosis;

  std::map<std::string, std::set<std::int64_t>> to_book;  // of the jobs thread
  std::map<std::string, std::int64_t> booked_at;  // late data does not make the books anew at once
  std::set<std::string> fresh;                    // origins that have a minute never booked before
  std::int64_t closed_at = 0;
  std::int64_t diagnosed_at = 0;
  model::Batch untold;  // events of our own
  std::set<std::string>
      closed_since;  // origins of which a minute was closed since the last diagnosis

  std::mutex thread_mutex;
  std::condition_variable wake, passed;
  bool stopping = false, asked = false;
  bool relaxed = false;  // nobody looked at the last pass: running minutes were not read
  std::uint64_t passes = 0;
  std::thread thread;
  std::atomic<std::int64_t> cpu_ns{0};

  mutable std::mutex mutex;
  std::map<std::string, Json> headlines;
  std::map<std::string, std::int64_t> ledger_last;
  Json findings = Json::MakeArray();
  std::string error;
  // Answers of `cost`, asked every few seconds by an open page; the books change only in Book,
  // which empties it.
  struct Told {
    std::int64_t at = 0;
    Json answer;
  };
  std::map<std::tuple<std::int64_t, std::int64_t, std::string, std::string, bool>, Told> told;
  std::uint64_t editions = 0;

  State(const Config& c, const base::Clock& k, std::span<const model::Catalog* const> cats,
        store::Store& s, Place& p, Ingest& i, CommWatch& w)
      : config(c), clock(k), catalogs(cats), store(s), place(p), ingest(i), comm(w) {}

  void Closed(const minutes::ClosedMinute& m) {
    std::set<std::int64_t>& minutes = to_book[m.origin];
    minutes.insert(m.minute_ns);
    closed_since.insert(m.origin);
    if (!m.again) fresh.insert(m.origin);
    // A call that ended changes the books of every minute in which it ran.
    for (const minutes::RequestRow& r : m.requests) {
      const std::int64_t last = std::min(r.end_ts, r.ts + base::kHour);
      for (std::int64_t at = r.ts - r.ts % base::kMinute;
           at < last && at <= m.minute_ns + base::kHour; at += base::kMinute)
        minutes.insert(at);
    }
  }

  // The same minutes of the same books; only the clock has gone on within a minute.
  Result<Json> Cost(std::int64_t from, std::int64_t to, std::string_view by,
                    std::string_view origin, bool rows) {
    const std::int64_t now = clock.now_ns();
    const auto key = std::make_tuple(from / base::kMinute, (to - 1) / base::kMinute,
                                     std::string(by), std::string(origin), rows);
    std::uint64_t edition = 0;
    {
      const std::lock_guard lock(mutex);
      const auto it = told.find(key);
      if (it != told.end() && now - it->second.at < base::kMinute) {
        Json answer = it->second.answer;
        answer.set("to", base::FormatTime(to));
        return answer;
      }
      edition = editions;
    }
    ASSIGN_OR_RETURN(Json answer, books->Cost(from, to, by, origin, rows));
    const std::lock_guard lock(mutex);
    if (told.size() >= 32) told.clear();
    if (edition == editions && to > now - base::kMinute) told[key] = {now, answer};
    return answer;
  }

  void Book(std::int64_t now) {
    for (auto& [origin, minutes] : to_book) {
      if (minutes.empty()) continue;
      if (!fresh.contains(origin) &&
          now - booked_at[origin] < (ingest.looked_at() ? 20 * base::kSecond : base::kMinute))
        continue;
      // Only minutes that are over; the rest waits for its own close.
      std::set<std::int64_t> due;
      for (const std::int64_t minute : minutes) {
        if (minute + base::kMinute + config.minutes.lateness_ns <= now && due.size() < 60)
          due.insert(minute);
      }
      const Status status = books->Book(origin, due, now);
      {
        const std::lock_guard lock(mutex);
        told.clear();
        ++editions;
      }
      if (!status.ok()) {
        Report("ledger", status);
        continue;
      }
      if (due.size() < 60) fresh.erase(origin);
      booked_at[origin] = now;
      for (const std::int64_t minute : due) minutes.erase(minute);
      std::erase_if(minutes, [&](std::int64_t m) {
        return m + base::kMinute + config.minutes.lateness_ns > now;
      });
      auto headline = books->Cost(now - base::kHour, now, "", origin, false);
      const std::lock_guard lock(mutex);
      if (headline.ok()) headlines[origin] = std::move(*headline);
      ledger_last = books->last();
    }
  }

  // Events of our own go the way of all others: durable first, then stored. What the queue does not
  // take is told at the next pass.
  void Tell(std::int64_t now) {
    for (model::Event& e : comm.Look(now)) untold.events.push_back(std::move(e));
    if (untold.events.empty()) return;
    Incoming in{Protocol::otlp_logs,  wire::OtlpEncoder({}).Logs(untold), {}, true, "strata",
                [](const Outcome&) {}};
    in.batch = base::HashBytes128(in.body);
    if (ingest.Submit(std::move(in))) untold.clear();
  }

  // With running minutes every 10 s while somebody looks, else when a minute was closed.
  void Diagnose(std::int64_t now, bool seldom) {
    if (now - diagnosed_at < 10 * base::kSecond) return;
    diagnosed_at = now;
    for (const std::string& origin : place.origins()) {
      if (seldom && !closed_since.contains(origin)) continue;
      closed_since.erase(origin);
      const Status status = diagnosis->Look(origin, now);
      if (!status.ok()) Report("diagnosis", status);
    }
    Json open = diagnosis->open();
    const std::lock_guard lock(mutex);
    findings = std::move(open);
  }

  // Each trouble is said once until it changes.
  void Report(const char* what, const Status& status) {
    const std::string text = std::string(what) + ": " + status.message();
    const std::lock_guard lock(mutex);
    if (text != error) std::fprintf(stderr, "strata: %s\n", text.substr(0, 600).c_str());
    error = text;
  }

  // Whoever begins to look gets the running minute too: what waits is moved, and a pass is made.
  void CatchUp() {
    {
      const std::lock_guard lock(thread_mutex);
      if (!relaxed || stopping) return;
    }
    ingest.Look();
    ingest.Flush(2 * base::kSecond);
    std::unique_lock lock(thread_mutex);
    asked = true;
    wake.notify_all();
    passed.wait_for(lock, std::chrono::seconds(3), [&] { return stopping || !relaxed; });
  }

  void Run() {
    for (;;) {
      {
        std::unique_lock lock(thread_mutex);
        wake.wait_for(lock, std::chrono::seconds(1), [&] { return stopping || asked; });
        if (stopping) return;
        asked = false;
      }
      const bool seldom = !ingest.looked_at();
      closer->set_relaxed(seldom);
      store.Supervise();
      const std::int64_t now = clock.now_ns();
      // Before minutes close: what was accepted is in the store, however seldom segments are
      // sealed.
      const std::int64_t closing = (now - config.minutes.lateness_ns) / base::kMinute;
      if (closing != closed_at) ingest.Flush(2 * base::kSecond);
      closed_at = closing;
      closer->Came(place.TakeOldest());
      closer->Tick(now);
      if (const minutes::CloserStats stats = closer->stats(); !stats.last_error.empty()) {
        Report("minutes", base::Failed(stats.last_error));
      }
      Tell(now);
      Book(now);
      Diagnose(now, seldom);
      cpu_ns = base::thread_cpu_ns();
      const std::lock_guard lock(thread_mutex);
      relaxed = seldom;
      ++passes;
      passed.notify_all();
    }
  }
};

Jobs::Jobs(const Config& config, const base::Clock& clock,
           std::span<const model::Catalog* const> catalogs, store::Store& store, Place& place,
           Ingest& ingest, CommWatch& comm)
    : state_(std::make_unique<State>(config, clock, catalogs, store, place, ingest, comm)) {}

Jobs::~Jobs() { Stop(); }

Status Jobs::Start() {
  State& s = *state_;
  ASSIGN_OR_RETURN(s.books, Books::Make(s.config, s.store));
  minutes::Options options;
  options.lateness_ns = s.config.minutes.lateness_ns;
  options.reopen_ns = s.config.minutes.reopen_ns;
  options.join = MakeJoin([&s](const std::string& origin) { return s.place.engines(origin); },
                          s.books->slos(), s.config.truncated_is_waste);
  options.comm = s.comm.judge();
  options.gpu = MakeGpuJudge();
  options.flush = [&s] { return s.ingest.Flush(2 * base::kSecond); };
  options.on_closed = [&s](const minutes::ClosedMinute& m) { s.Closed(m); };
  s.closer = std::make_unique<minutes::Closer>(s.store, s.catalogs, std::move(options));
  s.diagnosis = std::make_unique<Diagnosis>(s.config, s.clock, s.store, *s.closer);
  s.thread = std::thread([&s] { s.Run(); });
  return Status::Ok();
}

void Jobs::Stop() {
  State& s = *state_;
  {
    const std::lock_guard lock(s.thread_mutex);
    s.stopping = true;
    s.wake.notify_all();
    s.passed.notify_all();
  }
  if (s.thread.joinable()) s.thread.join();
}

Json Jobs::headline(const std::string& origin) const {
  const std::lock_guard lock(state_->mutex);
  const auto it = state_->headlines.find(origin);
  return it == state_->headlines.end() ? Json() : it->second;
}

Json Jobs::open_findings() const {
  const std::lock_guard lock(state_->mutex);
  return state_->findings;
}

std::map<std::string, std::int64_t> Jobs::ledger_last() const {
  const std::lock_guard lock(state_->mutex);
  return state_->ledger_last;
}

double Jobs::close_seconds() const {
  return state_->closer ? static_cast<double>(state_->closer->stats().last_pass_ns) / 1e9 : 0;
}

double Jobs::lag_seconds() const {
  if (!state_->closer) return 0;
  const std::int64_t newest = state_->closer->stats().newest_live_ns;
  return newest == 0 ? 0
                     : static_cast<double>(state_->clock.now_ns() - newest -
                                           state_->config.minutes.lateness_ns) /
                           1e9;
}

std::int64_t Jobs::cpu_ns() const { return state_->cpu_ns; }

Result<Json> Jobs::Cost(std::int64_t from, std::int64_t to, std::string_view by,
                        std::string_view origin, bool rows) {
  if (!state_->books) return base::Unavailable("starting");
  return state_->Cost(from, to, by, origin, rows);
}

Result<Json> Jobs::Why(std::string_view symptom, std::string_view entity, std::int64_t at,
                       std::string_view origin) {
  if (!state_->diagnosis) return base::Unavailable("starting");
  if (at > state_->clock.now_ns() - 2 * base::kMinute) state_->CatchUp();
  return state_->diagnosis->Why(symptom, entity, at, origin);
}

}  // namespace strata::server
