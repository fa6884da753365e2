// SPDX-License-Identifier: Apache-2.0
// The way in: one thread takes requests from all doors, decodes, names and places them, writes
// their rows to the log and answers when they are durable. While a sync runs, requests gather: that
// is the group commit. A second thread moves sealed segments into the store.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/drop.h"
#include "base/hash.h"
#include "base/status.h"
#include "log/log.h"
#include "model/batch.h"
#include "model/namer.h"
#include "store/store.h"

namespace strata::server {

class Place;

enum class Protocol : std::uint8_t {
  otlp_metrics,
  otlp_traces,
  otlp_logs,  // protobuf
  otlp_json,  // any of the three
  remote_write1,
  remote_write2,
  prometheus_text,
  openmetrics,
};

struct Outcome {
  base::Status status;  // not ok: nothing of the request was kept
  bool duplicate = false;
  std::uint64_t accepted = 0;  // records
  base::Refusals refused;
};

struct Incoming {
  Protocol protocol;
  std::string body;      // uncompressed
  base::Hash128 batch;   // x-strata-batch, or sender and body hashed
  bool trusted = false;  // scope agent
  std::string sender;
  std::function<void(const Outcome&)> done;  // called once, on the ingest thread
};

struct IngestFacts {
  std::uint64_t samples = 0, spans = 0, logs = 0, events = 0, requests = 0, bytes = 0;
  std::uint64_t queued = 0, queued_bytes = 0;
  std::int64_t last_move_ns = 0;
  std::uint64_t moved_segments = 0, move_failures = 0;
  std::int64_t sync_ns_total = 0;
  std::uint64_t syncs = 0;
  std::int64_t cpu_ns = 0, mover_cpu_ns = 0;
  std::string move_error;
  log::Facts log;
};

class Ingest {
 public:
  struct Options {
    std::uint64_t max_queue_requests = 1024;
    std::uint64_t max_queue_bytes = 256u << 20;
    std::uint64_t max_series = 1'000'000;
    std::uint64_t segment_rows = 200'000;
    std::int64_t seal_hot_ns = 2 * base::kSecond, seal_cold_ns = 30 * base::kSecond;
    bool keep_content = false;
  };
  Ingest(const Options& options, const base::Clock& clock,
         std::span<const model::Catalog* const> catalogs, log::Log& log, store::Store& store,
         Place& place);
  ~Ingest();  // Stop()

  // False when the queue is full: the caller answers "try again later".
  bool Submit(Incoming incoming);
  // Submits and waits for the outcome.
  Outcome SubmitAndWait(Incoming incoming);

  // Somebody looks: segments are sealed every 2 s for the next 15 s.
  void Look();
  bool looked_at() const;  // within the last 15 s
  // Seals now and waits until everything accepted so far is in the store, or the timeout passes
  // (false).
  bool Flush(std::int64_t timeout_ns);
  void Stop();  // drains the queue, seals; segments that remain are moved at the next start

  IngestFacts facts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::server
