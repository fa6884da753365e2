// SPDX-License-Identifier: Apache-2.0
#include "cli/player.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "base/clock.h"
#include "base/compress.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/http_client.h"
#include "base/json.h"
#include "cli/decode_any.h"
#include "model/namer.h"
#include "server/server.h"
#include "wire/decode.h"

namespace strata::cli {
namespace {

using base::Json;
using base::Result;
using base::Status;

constexpr double kStep = 1.0;           // seconds of the world sent together while playing
constexpr double kBackfillStep = 10.0;  // and while catching up

struct Entry {
  double t = 0;
  std::string kind, target, body;
  model::Attributes resource;
};

// Ids of a trace are changed with each pass, or its spans would be those of the pass before.
void ChangeId(std::string* id, std::uint64_t pass) {
  if (id->size() < 16 || pass == 0) return;
  static constexpr char kHex[] = "0123456789abcdef";
  std::uint64_t mask = pass * 0x9e3779b97f4a7c15ULL;
  for (std::size_t i = 0; i < 8; ++i, mask >>= 4) {
    const char c = (*id)[i];
    const unsigned digit =
        c <= '9' ? static_cast<unsigned>(c - '0') : static_cast<unsigned>(c - 'a' + 10);
    (*id)[i] = kHex[(digit ^ mask) & 15];
  }
}

}  // namespace

struct Player::State {
  PlayOptions options;
  std::string name, title;
  double duration_s = 0;
  bool loop = false;
  std::vector<Entry> entries;
  std::unique_ptr<model::Namer> namer;
  std::unique_ptr<wire::OtlpEncoder> encoder;
  DecodeAny decode;
  base::HttpClient http;
  std::mt19937_64 random{std::random_device{}()};
  std::uint64_t sent = 0;

  void Prepare() {
    namer = std::make_unique<model::Namer>(server::Layers());
    encoder = std::make_unique<wire::OtlpEncoder>(
        model::Attributes{{"strata.agent", "replay"}, {"strata.origin", name}});
  }

  Status Load() {
    const std::string file = options.world + "/world.yaml";
    ASSIGN_OR_RETURN(const std::string text, base::ReadFile(file));
    try {
      const YAML::Node world = YAML::Load(text);
      name = world["name"].as<std::string>();
      title = world["title"].as<std::string>("");
      duration_s = world["duration_s"].as<double>();
      loop = world["loop"].as<bool>(false);
    } catch (const YAML::Exception& e) {
      return base::Invalid(file + ": " + e.what());
    }
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(options.world, error)) {
      const std::string path = entry.path().string();
      if (path.find(".jsonl") == std::string::npos) continue;
      RETURN_IF_ERROR(
          base::ForEachInput(path, [&](base::InputFile input) { return AddLines(input); }));
    }
    if (entries.empty())
      return base::Invalid(options.world + ": no *.jsonl.gz files: is this a world's folder?");
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Entry& a, const Entry& b) { return a.t < b.t; });
    return Status::Ok();
  }

  Status AddLines(const base::InputFile& input) {
    std::string_view rest = input.bytes;
    for (int number = 1; !rest.empty(); ++number) {
      const std::size_t end = rest.find('\n');
      const std::string_view line = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      if (line.empty()) continue;
      auto json = base::ParseJson(line, 128);
      if (!json.ok()) return json.status().With(input.name + ":" + std::to_string(number));
      Entry e;
      e.t = (*json)["t"].as_double();
      e.kind = (*json)["kind"].as_string();
      e.target = (*json)["target"].as_string();
      for (const auto& [k, v] : (*json)["resource"].object()) e.resource.set(k, v.as_string());
      const Json& body = (*json)["body"];
      e.body = body.is_string() ? body.as_string() : body.dump();
      if (!e.target.empty()) e.resource.set("service.instance.id", e.target);
      e.resource.set("strata.origin", name);
      entries.push_back(std::move(e));
    }
    return Status::Ok();
  }

  Status Post(const std::string& path, const std::string& body) {
    if (body.empty()) return Status::Ok();
    const std::string packed = base::ZstdCompress(body, 1);
    const std::string batch = name + "-" + std::to_string(random());
    for (int attempt = 0;; ++attempt) {
      base::HttpRequest request;
      request.method = "POST";
      request.url = options.to + path;
      request.headers = {{"Content-Type", "application/x-protobuf"},
                         {"Content-Encoding", "zstd"},
                         {"x-strata-batch", batch}};
      if (!options.token.empty())
        request.headers.emplace_back("Authorization", "Bearer " + options.token);
      request.body = packed;
      request.timeout_ms = 30'000;
      auto answer = http.Send(request);
      if (answer.ok() && answer->status == 200) return Status::Ok();
      if (answer.ok() && answer->status < 500) {
        return base::Failed(request.url + " answered " + std::to_string(answer->status) + ": " +
                            answer->body.substr(0, 300));
      }
      if (attempt == 5)
        return answer.ok()
                   ? base::Unavailable("the server answered " + std::to_string(answer->status))
                   : answer.status();
      std::this_thread::sleep_for(std::chrono::milliseconds(200 << attempt));
    }
  }

  Status Send(model::Batch* batch, std::uint64_t pass) {
    namer->take_fresh(&batch->series);
    for (model::Span& span : batch->spans) {
      ChangeId(&span.trace_id, pass);
      ChangeId(&span.span_id, pass);
      ChangeId(&span.parent_span_id, pass);
      span.origin = name;
    }
    for (model::Event& e : batch->events) e.origin = name;
    for (model::Collective& c : batch->collectives) {
      c.origin = name;
      if (pass > 0) c.communicator += "." + std::to_string(pass);
    }
    for (model::LogRecord& l : batch->logs) ChangeId(&l.trace_id, pass), l.origin = name;
    encoder->remember(*batch);
    RETURN_IF_ERROR(Post("/v1/metrics", encoder->Metrics(*batch)));
    RETURN_IF_ERROR(Post("/v1/traces", encoder->Traces(*batch)));
    RETURN_IF_ERROR(Post("/v1/logs", encoder->Logs(*batch)));
    sent += batch->records();
    batch->clear();
    return Status::Ok();
  }

  // One pass that begins at the wall time `start_ns`; entries before `from_ns` are left out, those
  // up to now are sent in larger steps without waiting.
  Status Pass(std::int64_t start_ns, std::uint64_t pass, std::int64_t from_ns, std::stop_token stop,
              const std::function<void(double, std::uint64_t)>& progress) {
    model::Batch batch;
    std::mutex mutex;
    std::condition_variable_any wake;
    const double speed = options.speed;
    const std::int64_t began = base::Clock::system().now_ns();
    double step_end = 0;
    std::size_t first = 0;
    while (options.backfill && first < entries.size() &&
           start_ns + static_cast<std::int64_t>(entries[first].t * 1e9) < from_ns)
      ++first;
    for (std::size_t i = first; i < entries.size() && !stop.stop_requested();) {
      const std::int64_t now = base::Clock::system().now_ns();
      const bool behind =
          options.backfill &&
          start_ns + static_cast<std::int64_t>(entries[i].t * 1e9) < now - base::kMinute / 6;
      step_end = entries[i].t + (behind ? kBackfillStep : kStep * std::max(1.0, speed / 10));
      if (!behind) {
        const std::int64_t due =
            options.backfill ? start_ns + static_cast<std::int64_t>(entries[i].t * 1e9)
                             : began + static_cast<std::int64_t>(entries[i].t / speed * 1e9);
        std::unique_lock lock(mutex);
        wake.wait_for(lock, stop, std::chrono::nanoseconds(std::max<std::int64_t>(0, due - now)),
                      [] { return false; });
        if (stop.stop_requested()) return Status::Ok();
      }
      for (; i < entries.size() && entries[i].t < step_end; ++i) {
        const Entry& e = entries[i];
        wire::Context context;
        context.namer = namer.get();
        context.now_ns = start_ns + static_cast<std::int64_t>(e.t * 1e9);
        context.max_ahead_ns = 0;
        context.shift_ns = start_ns;
        context.trusted = true;
        context.resource = &e.resource;
        context.origin = name;
        RETURN_IF_ERROR(decode.Decode(e.kind, e.body, context, &batch)
                            .With(options.world + " at " + std::to_string(e.t) + " s"));
      }
      RETURN_IF_ERROR(Send(&batch, pass));
      if (progress) progress(step_end, sent);
    }
    return Status::Ok();
  }
};

Player::Player(std::unique_ptr<State> state) : state_(std::move(state)) {}
Player::~Player() = default;
std::unique_ptr<Player> Player::MakeForFiles(const PlayOptions& options, std::string name) {
  auto state = std::make_unique<State>();
  state->options = options;
  state->name = std::move(name);
  state->Prepare();
  return std::unique_ptr<Player>(new Player(std::move(state)));
}

Status Player::SendFiles(const std::string& path, std::uint64_t* sent) {
  State& s = *state_;
  const model::Attributes resource{{"strata.origin", s.name}};
  wire::Context context;
  context.namer = s.namer.get();
  context.max_ahead_ns = 0;
  context.trusted = true;
  context.resource = &resource;
  context.origin = s.name;
  Status status = base::ForEachStream(path, [&](base::InputStream& stream) -> Status {
    model::Batch batch;
    context.now_ns = base::Clock::system().now_ns();
    FileFacts facts;
    RETURN_IF_ERROR(
        s.decode.DecodeStream("", &stream, context, &batch, &facts).With(stream.name()));
    return s.Send(&batch, 0);
  });
  model::Batch rest;
  s.decode.Close(context, &rest);
  if (status.ok() && rest.records() > 0) status = s.Send(&rest, 0);
  *sent += s.sent;
  s.sent = 0;
  return status;
}

const std::string& Player::name() const { return state_->name; }
const std::string& Player::title() const { return state_->title; }
void Player::set_to(std::string to) { state_->options.to = std::move(to); }

Result<std::unique_ptr<Player>> Player::Make(const PlayOptions& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  RETURN_IF_ERROR(state->Load());
  state->Prepare();
  return std::unique_ptr<Player>(new Player(std::move(state)));
}

// Passes begin at whole multiples of the world's duration since 1970, so that the same second of
// the clock always plays the same second of the world: what a second player sends again is the same
// facts, and counts once.
Status Player::Play(std::stop_token stop,
                    const std::function<void(double, std::uint64_t)>& progress) {
  State& s = *state_;
  if (s.options.original_times) return s.Pass(1, 0, 0, stop, progress);
  const std::int64_t duration = static_cast<std::int64_t>(s.duration_s * 1e9);
  const std::int64_t now = base::Clock::system().now_ns();
  if (!s.options.backfill) {
    std::int64_t start = now;
    do {
      RETURN_IF_ERROR(
          s.Pass(start, static_cast<std::uint64_t>(start / base::kSecond), start, stop, progress));
      start += duration;
    } while (s.loop && s.options.forever && !stop.stop_requested());
    return Status::Ok();
  }
  const std::int64_t from = now - duration;
  std::int64_t pass = from / duration;
  do {
    RETURN_IF_ERROR(
        s.Pass(pass * duration, static_cast<std::uint64_t>(pass), from, stop, progress));
    ++pass;
  } while (s.loop && s.options.forever && !stop.stop_requested());
  return Status::Ok();
}

}  // namespace strata::cli
