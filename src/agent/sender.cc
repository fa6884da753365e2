// SPDX-License-Identifier: Apache-2.0
#include "agent/sender.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "base/compress.h"
#include "base/drop.h"
#include "base/http_client.h"

namespace strata::agent {
namespace {

constexpr int kStubborn =
    10;  // attempts after which a request that makes the other side fail is given up

constexpr std::string_view kPaths[] = {"", "/v1/metrics", "/v1/logs", "/v1/traces"};

// What an answer means for the request.
enum class Verdict { taken, later, never };

struct Attempt {
  Verdict verdict = Verdict::later;
  std::string error;
  std::int64_t wait_ns = 0;  // as the other side asked for; 0 = nothing said
};

std::string RandomId(std::mt19937_64* random) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string id;
  for (int half = 0; half < 2; ++half) {
    std::uint64_t bits = (*random)();
    for (int i = 0; i < 16; ++i, bits >>= 4) id.push_back(kDigits[bits & 15]);
  }
  return id;
}

std::mt19937_64 Seeded() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device(),
                     device(), device(), device(), device()};
  return std::mt19937_64(seed);
}

}  // namespace

struct Sender::State {
  explicit State(SenderOptions o) : options(std::move(o)), random(Seeded()) {
    while (options.to.ends_with('/')) options.to.pop_back();
  }

  // ---- shared, under `mutex`
  struct Piece {
    std::string body;
    std::uint32_t records = 0;
  };
  SenderOptions options;
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::vector<Piece> pending[4];  // by signal
  std::uint64_t pending_bytes = 0;
  bool stopping = false;
  std::int64_t stop_by_ns = 0;  // monotonic
  SenderFacts facts;

  // ---- the thread's own
  std::unique_ptr<Spool> spool;
  base::HttpClient client;
  std::mt19937_64 random;
  std::int64_t backoff_ns = 0, next_try_ns = 0;  // monotonic
  int failed_inside = 0;                         // answers of 500 in a row
  std::string encoding = "zstd";
  std::thread thread;

  void Run();
  std::deque<Request> Gather(std::vector<Piece> (*taken)[4]);
  void Deliver(std::deque<Request> fresh);
  void Keep(const Request& request);
  void Drain();
  bool Post(const Request& request);
  Attempt Try(const Request& request);
  bool StopDue() const {
    const std::lock_guard lock(mutex);
    return stopping && base::monotonic_ns() >= stop_by_ns;
  }
};

// Waits for the next flush, the next attempt or the end.
void Sender::State::Run() {
  for (;;) {
    std::vector<Piece> taken[4];
    bool last = false;
    {
      std::unique_lock lock(mutex);
      const std::int64_t now = base::monotonic_ns();
      std::int64_t wait = options.flush_ns;
      if (next_try_ns > now && facts.spool_bytes > 0) wait = std::min(wait, next_try_ns - now);
      wake.wait_for(lock, std::chrono::nanoseconds(wait),
                    [this] { return stopping || pending_bytes >= options.request_bytes; });
      for (int i = 0; i < 4; ++i) taken[i].swap(pending[i]);
      pending_bytes = 0;
      last = stopping;
    }
    Deliver(Gather(&taken));
    Drain();
    const std::lock_guard lock(mutex);
    facts.spool_bytes = spool->bytes();
    if (last) return;
  }
}

// Appends pieces to requests of at most request_bytes and compresses them.
std::deque<Request> Sender::State::Gather(std::vector<Piece> (*taken)[4]) {
  std::deque<Request> out;
  for (int i = 1; i < 4; ++i) {
    std::string whole;
    std::uint32_t records = 0;
    const auto seal = [&] {
      if (whole.empty()) return;
      Request request;
      request.signal = static_cast<Signal>(i);
      request.batch = RandomId(&random);
      request.encoding = encoding;
      request.body =
          encoding == "zstd" ? base::ZstdCompress(whole, 1) : base::GzipCompress(whole, 4);
      request.records = records;
      out.push_back(std::move(request));
      whole.clear();
      records = 0;
    };
    for (Piece& piece : (*taken)[i]) {
      if (!whole.empty() && whole.size() + piece.body.size() > options.request_bytes) seal();
      if (whole.empty())
        whole = std::move(piece.body);
      else
        whole += piece.body;
      records += piece.records;
    }
    seal();
  }
  return out;
}

// Straight out while nothing waits, else to the end of the line.
void Sender::State::Deliver(std::deque<Request> fresh) {
  for (const Request& request : fresh) {
    const bool line = !spool->empty() || base::monotonic_ns() < next_try_ns;
    if (line || !Post(request)) Keep(request);
  }
}

void Sender::State::Keep(const Request& request) {
  const base::Status kept = spool->Append(request);
  if (kept.ok()) return;
  base::Drop(spool->durable() ? base::Reason::spool_full : base::Reason::queue_full,
             request.records);
  const std::lock_guard lock(mutex);
  facts.dropped_records += request.records;
  if (kept.code() != base::Code::exhausted) facts.error = kept.message();
}

void Sender::State::Drain() {
  while (const Request* oldest = spool->Front()) {
    bool ending = false;
    {
      const std::lock_guard lock(mutex);
      ending = stopping;
      if (pending_bytes >= options.request_bytes) return;  // room must be made
    }
    if (base::monotonic_ns() < next_try_ns) return;
    if (ending && StopDue()) return;
    if (!Post(*oldest)) return;
    spool->Pop();
  }
}

// True when the request is done with: taken, or refused for good.
bool Sender::State::Post(const Request& request) {
  Attempt attempt = Try(request);
  const std::int64_t now = base::monotonic_ns();
  if (attempt.verdict == Verdict::later) {
    backoff_ns = std::clamp(backoff_ns * 2, options.backoff_min_ns, options.backoff_max_ns);
    const std::int64_t jitter =
        static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(backoff_ns / 4 + 1));
    next_try_ns =
        now + std::min(std::max(backoff_ns - jitter, attempt.wait_ns), options.backoff_max_ns * 2);
  } else {
    backoff_ns = next_try_ns = 0;
  }
  const std::lock_guard lock(mutex);
  facts.error = attempt.error;
  if (attempt.verdict == Verdict::taken) {
    ++facts.requests;
    facts.records += request.records;
    facts.bytes += request.body.size();
    facts.last_sent_ns = base::Clock::system().now_ns();
    return true;
  }
  ++facts.failures;
  if (attempt.verdict == Verdict::never) facts.dropped_records += request.records;
  return attempt.verdict == Verdict::never;
}

Attempt Sender::State::Try(const Request& request) {
  base::HttpRequest http;
  http.method = "POST";
  http.url = options.to + std::string(kPaths[static_cast<int>(request.signal)]);
  http.headers = {{"content-type", "application/x-protobuf"},
                  {"content-encoding", request.encoding},
                  {"x-strata-batch", request.batch}};
  if (!options.token.empty()) http.headers.emplace_back("authorization", "Bearer " + options.token);
  http.timeout_ms = options.timeout_ms;
  http.max_bytes = 1u << 20;
  std::string plain;
  if (request.encoding == "zstd" &&
      encoding != "zstd") {  // the other side has said that it does not read zstd
    if (auto whole = base::Decompress("zstd", request.body, std::size_t{1} << 30); whole.ok()) {
      plain = base::GzipCompress(*whole, 4);
      http.headers[1].second = "gzip";
    }
  }
  http.body = plain.empty() ? std::string_view(request.body) : std::string_view(plain);
  auto answer = client.Send(http);
  if (!answer.ok()) return {Verdict::later, answer.status().message(), 0};
  const int status = answer->status;
  if (status != 500) failed_inside = 0;
  if (status >= 200 && status < 300) return {Verdict::taken, {}, 0};
  std::string error = http.url + ": HTTP " + std::to_string(status);
  if (!answer->body.empty() && answer->body.size() < 2000) error += ": " + answer->body;
  if (status == 415 && encoding == "zstd") {
    encoding = "gzip";
    return {Verdict::later, error, 0};
  }
  if (status == 400 || status == 413 || status == 422) {  // it will not be better next time
    base::Drop(status == 413 ? base::Reason::oversize : base::Reason::malformed, request.records);
    return {Verdict::never, error, 0};
  }
  if (status == 500 && ++failed_inside >= kStubborn) {
    failed_inside = 0;
    base::Drop(base::Reason::store_failed, request.records);
    return {Verdict::never, error, 0};
  }
  std::int64_t wait_ns = 0;
  const std::string_view after = answer->header("retry-after");
  std::int64_t seconds = 0;
  for (const char c : after)
    seconds = c >= '0' && c <= '9' && seconds < 3600 ? seconds * 10 + (c - '0') : 3600;
  if (!after.empty()) wait_ns = seconds * base::kSecond;
  return {Verdict::later, error, wait_ns};
}

Sender::Sender(std::unique_ptr<State> state) : state_(std::move(state)) {}

base::Result<std::unique_ptr<Sender>> Sender::Start(SenderOptions options) {
  if (!options.to.starts_with("http://") && !options.to.starts_with("https://")) {
    return base::Invalid("\"" + options.to +
                         "\" is no address to send to: expected http://host:4318");
  }
  auto state = std::make_unique<State>(std::move(options));
  const bool disk = !state->options.spool_dir.empty();
  ASSIGN_OR_RETURN(state->spool,
                   Spool::Open(state->options.spool_dir,
                               disk ? state->options.spool_bytes : state->options.memory_bytes));
  state->facts.spool_bytes = state->spool->bytes();
  std::unique_ptr<Sender> sender(new Sender(std::move(state)));
  sender->state_->thread = std::thread([s = sender->state_.get()] { s->Run(); });
  return sender;
}

Sender::~Sender() { Stop(0); }

void Sender::Push(Signal signal, std::string body, std::uint32_t records) {
  if (body.empty()) return;
  State& s = *state_;
  const std::lock_guard lock(s.mutex);
  if (s.stopping || s.pending_bytes + body.size() > s.options.memory_bytes) {
    base::Drop(base::Reason::queue_full, records);
    s.facts.dropped_records += records;
    return;
  }
  s.pending_bytes += body.size();
  s.pending[static_cast<int>(signal)].push_back({std::move(body), records});
  if (s.pending_bytes >= s.options.request_bytes) s.wake.notify_one();
}

void Sender::Stop(std::int64_t grace_ns) {
  if (!state_->thread.joinable()) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->stop_by_ns = base::monotonic_ns() + grace_ns;
  }
  state_->wake.notify_all();
  state_->thread.join();
  if (state_->spool->durable()) return;
  while (const Request* lost = state_->spool->Front()) {
    base::Drop(base::Reason::queue_full, lost->records);
    state_->spool->Pop();
  }
}

SenderFacts Sender::facts() const {
  const std::lock_guard lock(state_->mutex);
  SenderFacts facts = state_->facts;
  facts.waiting_bytes = state_->pending_bytes;
  return facts;
}

}  // namespace strata::agent
