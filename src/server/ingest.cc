// SPDX-License-Identifier: Apache-2.0
// The ingest thread and the mover.
#include "server/ingest.h"

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <future>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

#include "server/place.h"
#include "store/rows.h"
#include "wire/decode.h"

namespace strata::server {
namespace {

using base::Code;
using base::Status;

constexpr std::size_t kGroupBytes = 32u << 20;  // decoded together at most
constexpr std::int64_t kTick = 250 * base::kMillisecond;

Status Decode(const Incoming& in, const wire::Context& context, model::Batch* batch) {
  switch (in.protocol) {
    case Protocol::otlp_metrics: return wire::DecodeOtlpMetrics(in.body, context, batch);
    case Protocol::otlp_traces: return wire::DecodeOtlpTraces(in.body, context, batch);
    case Protocol::otlp_logs: return wire::DecodeOtlpLogs(in.body, context, batch);
    case Protocol::otlp_json: return wire::DecodeOtlpJson(in.body, context, batch);
    case Protocol::remote_write1: return wire::DecodeRemoteWrite1(in.body, context, batch);
    case Protocol::remote_write2: return wire::DecodeRemoteWrite2(in.body, context, batch);
    case Protocol::prometheus_text:
      return wire::DecodePrometheusText(in.body, false, context, batch);
    case Protocol::openmetrics: return wire::DecodePrometheusText(in.body, true, context, batch);
  }
  return base::Unsupported("unknown protocol");
}

}  // namespace

struct Ingest::State {
  Options options;
  const base::Clock& clock;
  log::Log& log;
  store::Store& store;
  Place& place;
  model::Namer namer;

  std::mutex mutex;
  std::condition_variable wake;  // of the ingest thread
  std::deque<Incoming> queue;
  std::uint64_t queue_bytes = 0;
  bool stopping = false;
  bool seal_now = false;
  std::uint64_t seals = 0;  // how many times the ingest thread looked at seal_now
  std::condition_variable sealed;

  std::mutex mover_mutex;
  std::condition_variable mover_wake, moved;
  bool mover_stopping = false;
  bool mover_idle = true;

  std::atomic<std::int64_t> hot_until{0};  // monotonic
  std::atomic<std::uint64_t> samples{0}, spans{0}, logs{0}, events{0}, requests{0}, bytes{0};
  std::uint64_t tried_segment = ~0ull;  // of the mover
  int tries = 0;
  std::atomic<std::uint64_t> moved_segments{0}, move_failures{0}, syncs{0};
  std::atomic<std::int64_t> sync_ns{0}, last_move_ns{0}, cpu_ns{0}, mover_cpu_ns{0};
  mutable std::mutex error_mutex;
  std::string move_error;

  // Of the ingest thread.
  model::Batch batch;
  std::vector<store::TableRows> rows;
  std::vector<log::Part> parts;
  std::int64_t last_seal = 0;  // monotonic
  std::uint64_t active_rows = 0;

  std::thread ingest_thread, mover_thread;

  State(const Options& o, const base::Clock& c, std::span<const model::Catalog* const> catalogs,
        log::Log& l, store::Store& s, Place& p)
      : options(o), clock(c), log(l), store(s), place(p), namer(catalogs, o.max_series) {}

  Outcome Keep(const Incoming& in) {
    Outcome outcome;
    const std::int64_t now = clock.now_ns();
    if (log.seen(in.batch, now)) {
      base::Drop(base::Reason::duplicate);
      outcome.duplicate = true;
      return outcome;
    }
    batch.clear();
    wire::Context context;
    context.namer = &namer;
    context.now_ns = now;
    context.keep_content = options.keep_content;
    context.trusted = in.trusted;
    outcome.status = Decode(in, context, &batch);
    outcome.refused = batch.refused;
    for (const auto& [reason, n] : outcome.refused.counts()) base::Drop(reason, n);
    if (!outcome.status.ok()) return outcome;
    outcome.accepted = batch.records();
    for (store::TableRows& t : rows) t.rows = 0, t.bytes.clear();
    place.Update(&batch, now, &rows);
    store::EncodeBatch(batch, now, &rows);
    parts.clear();
    std::uint64_t row_count = 0;
    for (const store::TableRows& t : rows) {
      if (t.rows == 0) continue;
      parts.push_back({static_cast<std::uint16_t>(t.table), t.rows, t.bytes});
      row_count += t.rows;
    }
    if (!parts.empty()) {
      outcome.status = log.Append(in.batch, now, parts);
      if (!outcome.status.ok()) {
        namer.forget();
        base::Drop(base::Reason::queue_full);
        return outcome;
      }
      active_rows += row_count;
    }
    samples += batch.samples.size() + batch.histograms.size();
    spans += batch.spans.size();
    logs += batch.logs.size();
    events += batch.events.size();
    return outcome;
  }

  void SealIfDue(bool asked) {
    const std::int64_t now = base::monotonic_ns();
    const bool hot = now < hot_until.load();
    const std::int64_t period = hot ? options.seal_hot_ns : options.seal_cold_ns;
    if (active_rows == 0) {
      last_seal = now;
      return;
    }
    if (!asked && !log.full() && active_rows < options.segment_rows && now - last_seal < period)
      return;
    if (log.Seal().ok()) {
      active_rows = 0;
      last_seal = now;
      const std::lock_guard lock(mover_mutex);
      mover_idle = false;
      mover_wake.notify_one();
    }
  }

  void Run() {
    std::vector<Incoming> group;
    std::vector<Outcome> outcomes;
    last_seal = base::monotonic_ns();
    for (;;) {
      bool asked = false, stop = false;
      {
        std::unique_lock lock(mutex);
        wake.wait_for(lock, std::chrono::nanoseconds(kTick),
                      [&] { return stopping || seal_now || !queue.empty(); });
        std::size_t taken = 0;
        group.clear();
        while (!queue.empty() && taken < kGroupBytes) {
          taken += queue.front().body.size();
          group.push_back(std::move(queue.front()));
          queue.pop_front();
        }
        queue_bytes -= taken;
        asked = seal_now && queue.empty();
        stop = stopping && queue.empty();
      }
      outcomes.clear();
      bool appended = false;
      for (const Incoming& in : group) {
        outcomes.push_back(Keep(in));
        appended = appended || (outcomes.back().status.ok() && outcomes.back().accepted > 0);
        ++requests;
        bytes += in.body.size();
      }
      if (appended) {
        const std::int64_t before = base::monotonic_ns();
        const Status synced = log.Sync();
        sync_ns += base::monotonic_ns() - before;
        ++syncs;
        if (!synced.ok()) {
          namer.forget();
          for (Outcome& o : outcomes) {
            if (o.status.ok()) o.status = Status(Code::unavailable, synced.message());
          }
        }
      }
      for (std::size_t i = 0; i < group.size(); ++i) {
        if (group[i].done) group[i].done(outcomes[i]);
      }
      SealIfDue(asked || stop);
      cpu_ns = base::thread_cpu_ns();
      if (asked) {
        const std::lock_guard lock(mutex);
        seal_now = false;
        ++seals;
        sealed.notify_all();
      }
      if (stop) return;
    }
  }

  // How often a segment is tried that the engine answers with an error, while it works for others:
  // what is wrong with the data itself shows at once, any other failure may pass.
  static int Patience(const Status& status) {
    switch (status.code()) {
      case Code::unavailable:
      case Code::exhausted: return std::numeric_limits<int>::max();
      case Code::invalid:
      case Code::unsupported:
      case Code::not_found: return 3;
      default: return 30;
    }
  }

  // Moves the oldest segment; false when there is none or it failed. A segment that is refused for
  // good is set aside, all of it but the refused tables moved.
  bool MoveOne() {
    const std::vector<std::uint64_t> waiting = log.Sealed();
    if (waiting.empty()) return false;
    const std::uint64_t segment = waiting.front();
    if (segment != tried_segment) tried_segment = segment, tries = 0;
    ++tries;
    Status status, refused;
    std::uint64_t refused_rows = 0;
    auto tables = log.Read(segment);
    if (tables.ok()) {
      const std::string name = log.segment_name(segment);
      for (const log::TablePart& t : *tables) {
        const std::string_view table = store::table_name(static_cast<store::Table>(t.table));
        status = store.Insert(table, t.bytes, name + ":" + std::string(table));
        if (status.ok()) continue;
        if (tries < Patience(status) || !store.Query("SELECT 1").ok()) break;
        refused = std::exchange(status, Status::Ok());
        refused_rows += t.rows;
      }
    } else if (tables.status().code() != Code::not_found && tries < Patience(tables.status())) {
      status = tables.status();
    } else {
      refused = tables.status();
      refused_rows = 1;  // nobody can say how many
    }
    if (status.ok() && refused.ok()) status = log.Done(segment);
    if (status.ok() && !refused.ok()) {
      auto file = log.SetAside(segment);
      status = file.status();
      if (file.ok()) {
        base::Drop(base::Reason::store_failed, refused_rows);
        std::fprintf(
            stderr,
            "strata: %llu rows refused by the engine for good (%.300s); the segment stays in %s\n",
            static_cast<unsigned long long>(refused_rows), refused.message().c_str(),
            file->c_str());
      }
    }
    const std::lock_guard lock(error_mutex);
    if (!status.ok()) {
      ++move_failures;
      move_error = status.message();
      return false;
    }
    move_error.clear();
    ++moved_segments;
    last_move_ns = clock.now_ns();
    return true;
  }

  void RunMover() {
    std::int64_t back_off = 100 * base::kMillisecond;
    for (;;) {
      bool empty = log.Sealed().empty();
      if (!empty) {
        if (MoveOne()) {
          back_off = 100 * base::kMillisecond;
        } else {
          std::unique_lock lock(mover_mutex);
          mover_wake.wait_for(lock, std::chrono::nanoseconds(back_off),
                              [&] { return mover_stopping; });
          back_off = std::min<std::int64_t>(back_off * 2, 5 * base::kSecond);
        }
        empty = log.Sealed().empty();
      }
      mover_cpu_ns = base::thread_cpu_ns();
      std::unique_lock lock(mover_mutex);
      if (mover_stopping) return;
      if (empty && log.Sealed().empty()) {
        mover_idle = true;
        moved.notify_all();
        mover_wake.wait_for(lock, std::chrono::seconds(1),
                            [&] { return mover_stopping || !mover_idle; });
      }
    }
  }
};

Ingest::Ingest(const Options& options, const base::Clock& clock,
               std::span<const model::Catalog* const> catalogs, log::Log& log, store::Store& store,
               Place& place)
    : state_(std::make_unique<State>(options, clock, catalogs, log, store, place)) {
  state_->ingest_thread = std::thread([s = state_.get()] { s->Run(); });
  state_->mover_thread = std::thread([s = state_.get()] { s->RunMover(); });
}

Ingest::~Ingest() { Stop(); }

bool Ingest::Submit(Incoming incoming) {
  State& s = *state_;
  const std::lock_guard lock(s.mutex);
  if (s.stopping || s.queue.size() >= s.options.max_queue_requests ||
      s.queue_bytes + incoming.body.size() > s.options.max_queue_bytes) {
    base::Drop(base::Reason::queue_full);
    return false;
  }
  s.queue_bytes += incoming.body.size();
  s.queue.push_back(std::move(incoming));
  s.wake.notify_one();
  return true;
}

Outcome Ingest::SubmitAndWait(Incoming incoming) {
  std::promise<Outcome> promise;
  std::future<Outcome> future = promise.get_future();
  incoming.done = [&promise](const Outcome& outcome) { promise.set_value(outcome); };
  if (!Submit(std::move(incoming))) {
    Outcome full;
    full.status =
        base::Unavailable("the server is behind: its queue is full; send again in a few seconds");
    return full;
  }
  return future.get();
}

void Ingest::Look() { state_->hot_until = base::monotonic_ns() + 15 * base::kSecond; }

bool Ingest::looked_at() const { return base::monotonic_ns() < state_->hot_until.load(); }

bool Ingest::Flush(std::int64_t timeout_ns) {
  State& s = *state_;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(timeout_ns);
  {
    std::unique_lock lock(s.mutex);
    const std::uint64_t before = s.seals;
    s.seal_now = true;
    s.wake.notify_one();
    if (!s.sealed.wait_until(lock, deadline, [&] { return s.seals > before || s.stopping; }))
      return false;
  }
  std::unique_lock lock(s.mover_mutex);
  s.mover_wake.notify_one();
  return s.moved.wait_until(lock, deadline, [&] { return s.mover_idle || s.mover_stopping; });
}

void Ingest::Stop() {
  State& s = *state_;
  {
    const std::lock_guard lock(s.mutex);
    s.stopping = true;
    s.wake.notify_one();
  }
  if (s.ingest_thread.joinable()) s.ingest_thread.join();
  {
    const std::lock_guard lock(s.mover_mutex);
    s.mover_stopping = true;
    s.mover_wake.notify_one();
    s.moved.notify_all();
  }
  if (s.mover_thread.joinable()) s.mover_thread.join();
}

IngestFacts Ingest::facts() const {
  State& s = *state_;
  IngestFacts f;
  f.samples = s.samples;
  f.spans = s.spans;
  f.logs = s.logs;
  f.events = s.events;
  f.requests = s.requests;
  f.bytes = s.bytes;
  f.moved_segments = s.moved_segments;
  f.move_failures = s.move_failures;
  f.syncs = s.syncs;
  f.sync_ns_total = s.sync_ns;
  f.last_move_ns = s.last_move_ns;
  f.cpu_ns = s.cpu_ns;
  f.mover_cpu_ns = s.mover_cpu_ns;
  f.log = s.log.facts();
  {
    const std::lock_guard lock(s.error_mutex);
    f.move_error = s.move_error;
  }
  const std::lock_guard lock(s.mutex);
  f.queued = s.queue.size();
  f.queued_bytes = s.queue_bytes;
  return f;
}

}  // namespace strata::server
