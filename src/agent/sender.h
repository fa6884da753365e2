// SPDX-License-Identifier: Apache-2.0
// Takes encoded OTLP from the sources, puts together what came within a second, and posts it until
// the other side has it: a batch id per request that stays the same in every attempt, exponential
// back-off, a bounded queue in memory, a bounded spool on disk. One thread; Push from any thread,
// never blocks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/spool.h"
#include "base/clock.h"
#include "base/status.h"

namespace strata::agent {

struct SenderOptions {
  std::string to;         // base address: http://host:4318
  std::string token;      // "" = none
  std::string spool_dir;  // "" = in memory
  std::uint64_t spool_bytes = 1u << 30;
  std::uint64_t memory_bytes = 16u << 20;  // not yet compressed, or waiting without a spool
  std::uint64_t request_bytes = 4u << 20;  // of one request before compression
  std::int64_t flush_ns = base::kSecond;
  std::int64_t backoff_min_ns = 500 * base::kMillisecond, backoff_max_ns = 30 * base::kSecond;
  std::int64_t timeout_ms = 10'000;
};

struct SenderFacts {
  std::uint64_t requests = 0, records = 0, bytes = 0;  // acknowledged; bytes as sent
  std::uint64_t failures = 0;                          // attempts
  std::uint64_t dropped_records = 0;  // refused by the other side, queue_full, spool_full
  std::uint64_t waiting_bytes = 0, spool_bytes = 0;
  std::int64_t last_sent_ns = 0;
  std::string error;  // of the last attempt; "" = it went well
};

class Sender {
 public:
  static base::Result<std::unique_ptr<Sender>> Start(SenderOptions options);
  ~Sender();  // Stop(0)

  // `body` is a whole export request of protobuf; several are put together by appending, which
  // protobuf allows. Beyond memory_bytes it is dropped and counted as queue_full.
  void Push(Signal signal, std::string body, std::uint32_t records);
  // Sends what waits for at most `grace_ns`, spools the rest, joins the thread.
  void Stop(std::int64_t grace_ns = 2 * base::kSecond);
  SenderFacts facts() const;

 private:
  struct State;
  explicit Sender(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace strata::agent
