// SPDX-License-Identifier: Apache-2.0
// The programs that stay: up, server, agent. Signals end them in order: sources first, then doors,
// then the store.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stop_token>
#include <thread>

#include "agent/agent.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/decode_any.h"
#include "cli/player.h"
#include "server/access.h"
#include "server/server.h"

namespace strata::cli {
namespace {

using base::Result;
using base::Status;

// Blocks the ending signals in all threads to come; Wait takes the first one.
class EndSignals {
 public:
  EndSignals() {
    sigemptyset(&set_);
    for (const int s : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set_, s);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
  }
  // True when a signal came before the timeout.
  bool Wait(int timeout_s) const {
    timespec t{timeout_s, 0};
    return sigtimedwait(&set_, nullptr, &t) > 0;
  }

 private:
  sigset_t set_;
};

// web/dist beside the source tree the program was built in, or installed beside it.
std::string PageFolder() {
  if (const char* folder = std::getenv("STRATA_WEB")) return folder;
  const std::filesystem::path self = base::SelfPath();
  for (const char* relative :
       {"../../web/dist", "../web/dist", "../share/strata/web", "web/dist"}) {
    std::error_code error;
    const auto folder = std::filesystem::weakly_canonical(self.parent_path() / relative, error);
    if (!error && std::filesystem::exists(folder / "index.html", error)) return folder.string();
  }
  return {};
}

void PrintPorts(const server::Config& config, const server::Ports& ports) {
  const std::string host =
      config.listen.find(':') != std::string::npos ? "[" + config.listen + "]" : config.listen;
  const char* scheme = config.tls.cert.empty() ? "http" : "https";
  std::fprintf(stderr, "strata: OTLP/gRPC %s:%d\n", host.c_str(), ports.otlp_grpc);
  std::fprintf(stderr, "strata: OTLP/HTTP %s:%d\n", host.c_str(), ports.otlp_http);
  std::fprintf(stderr, "strata: page and API %s://%s:%d\n", scheme, host.c_str(), ports.api);
}

agent::AgentOptions AgentOptionsOf(const server::Config& config, const std::string& to,
                                   const std::string& token, const std::string& root) {
  agent::AgentOptions o;
  o.to = to;
  o.token = token;
  o.root = root;
  o.cluster = config.cluster;
  o.interval_ns = config.agent.interval_ns;
  o.discover_engines = config.discover.engines;
  o.spool_dir = config.store.path + "/spool";
  o.spool_bytes = config.agent.spool_bytes;
  o.kernel_log = config.agent.kernel_log;
  o.nvml = config.nvml.library;
  o.nvml_interval_ns = config.nvml.interval_ns;
  o.nvml_deadline_ns = config.nvml.deadline_ns;
  o.nccl.socket = config.nccl.socket;
  o.nccl.uids = config.nccl.uids;
  if (config.nccl.any_uid) o.nccl.uids.reset();
  o.nccl.rows_per_s = config.nccl.rows_per_s;
  o.kubernetes.enabled = config.discover.kubernetes;
  o.kubernetes.whole_cluster = config.kubernetes.cluster;
  o.kubernetes.kubeconfig = config.kubernetes.kubeconfig;
  o.kubernetes.context = config.kubernetes.context;
  o.kubernetes.kubelet_socket = config.kubernetes.kubelet_socket;
  o.kubernetes.node = config.kubernetes.node;
  o.kubernetes.teams = {config.teams.label, config.teams.namespaces};
  for (const auto& kind : config.kubernetes.resources)
    o.kubernetes.resources.push_back({kind.group, kind.version, kind.plural, {}, false});
  for (const server::ScrapeJob& job : config.scrape) {
    for (const std::string& target : job.targets) {
      agent::ScrapeTarget t;
      t.job = job.job;
      t.target = target;
      t.interval_ns = job.interval_ns;
      t.timeout_ns = job.timeout_ns;
      t.layer = job.layer;
      t.path = job.path;
      o.scrape.push_back(std::move(t));
    }
  }
  o.nccl_watch.ras = config.nccl.ras;
  o.nccl_watch.ras_every_ns = config.nccl.ras_every_ns;
  o.nccl_watch.stuck_after_ns = config.nccl.stuck_after_ns;
  o.nccl_watch.inspector = config.nccl.inspector;
  o.nccl_watch.flight_recorder = config.nccl.flight_recorder;
  o.nccl_watch.quiet_ns = config.nccl.quiet_ns;
  for (const server::FileSource& file : config.files) {
    agent::TailFile t;
    t.path = file.path;
    t.job = file.job;
    t.kind = file.kind;
    t.layer = file.kind == "train-log" ? "l5_train" : "l2_comm";
    t.decode = [decode = std::make_shared<DecodeAny>(), kind = file.kind](
                   std::string_view lines, const wire::Context& context, model::Batch* batch) {
      const Status status = decode->Decode(kind, lines, context, batch);
      if (!status.ok()) batch->refused.add(base::Reason::malformed, 1, status.message());
    };
    o.files.push_back(std::move(t));
  }
  return o;
}

// The first summary that a person sees: a few seconds after the start, when the first samples are
// in; beside a world when its first minutes are in the ledger, or half a minute has passed.
void FirstSummary(const std::stop_token& stop, const std::string& url, bool replays) {
  Ask ask;
  ask.url = url;
  for (int s = 0; s < (replays ? 30 : 6); ++s) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    if (stop.stop_requested()) return;
    if (s < 5) continue;
    const auto status = Get(ask, "status");
    if (!status.ok() || (*status)["layers"].array().empty()) continue;
    const std::string state = (*status)["layers"].array().back()["state"].as_string();
    if (state != "absent" && state != "stale") break;
  }
  std::printf("\n");
  ShowStatus(ask);
  std::printf("\nopen %s    ask: strata cost, strata why, strata top    end: Ctrl-C\n",
              url.c_str());
  std::fflush(stdout);
}

// WORLD[,speed=N]
Result<PlayOptions> ParseReplay(const std::string& text) {
  PlayOptions o;
  const std::size_t comma = text.find(',');
  o.world = text.substr(0, comma);
  if (comma == std::string::npos) return o;
  const std::string rest = text.substr(comma + 1);
  if (!rest.starts_with("speed="))
    return base::Invalid("--replay " + text + ": expected WORLD or WORLD,speed=N");
  o.speed = std::atof(rest.c_str() + 6);
  if (!(o.speed > 0)) return base::Invalid("--replay " + text + ": speed must be above 0");
  if (o.speed != 1) o.backfill = false;
  return o;
}

}  // namespace

int RunServer(const RunOptions& options) {
  auto config = LoadConfig(options);
  if (!config.ok()) return Fail(config.status());
  if (options.check) {
    if (auto access = server::Access::Make(*config); !access.ok()) return Fail(access.status());
    std::printf("%s: good\n",
                options.config_file.empty() ? "defaults" : options.config_file.c_str());
    return 0;
  }
  const EndSignals signals;
  std::unique_ptr<base::Clock> file_clock;
  if (!options.clock_file.empty()) {
    file_clock = base::MakeFileClock(options.clock_file);
    // In 1970 everything would be refused as of the future, and what is kept would be past its
    // retention.
    if (file_clock->now_ns() == 0)
      return Fail(base::Invalid("--clock " + options.clock_file +
                                ": the file's first line is no time (RFC 3339 or unix seconds)"));
  }
  const base::Clock& clock = file_clock ? *file_clock : base::Clock::system();
  auto server = server::Server::Start(*config, clock, PageFolder());
  if (!server.ok()) return Fail(server.status());
  PrintPorts(*config, (*server)->ports());
  while (!signals.Wait(3600)) {
  }
  (*server)->Stop();
  return 0;
}

int RunAgent(const RunOptions& options) {
  auto config = LoadConfig(options);
  if (!config.ok()) return Fail(config.status());
  const EndSignals signals;
  const std::string to = options.to.empty() ? "http://127.0.0.1:4318" : options.to;
  config->kubernetes.cluster = config->kubernetes.cluster || options.cluster;
  auto agent = agent::Agent::Start(AgentOptionsOf(*config, to, options.token, options.root),
                                   server::Layers());
  if (!agent.ok()) return Fail(agent.status());
  std::fprintf(stderr, "strata: agent sends to %s\n", to.c_str());
  while (!signals.Wait(3600)) {
  }
  (*agent)->Stop();
  return 0;
}

int Up(const RunOptions& options) {
  auto config = LoadConfig(options);
  if (!config.ok()) return Fail(config.status());
  const EndSignals signals;
  std::unique_ptr<Player> player;
  if (!options.replay.empty()) {
    auto play = ParseReplay(options.replay);
    if (!play.ok()) return Fail(play.status()), 2;
    auto made = Player::Make(*play);
    if (!made.ok()) return Fail(made.status());
    player = std::move(*made);
  }
  std::fprintf(stderr, "strata: starting (data in %s)\n", config->store.path.c_str());
  auto server = server::Server::Start(*config, base::Clock::system(), PageFolder());
  if (!server.ok()) return Fail(server.status());
  const server::Ports ports = (*server)->ports();
  const std::string to = std::string(config->tls.cert.empty() ? "http" : "https") +
                         "://127.0.0.1:" + std::to_string(ports.otlp_http);
  agent::AgentOptions agent_options =
      AgentOptionsOf(*config, to, options.token, options.root.empty() ? "/" : options.root);
  for (const int port : {ports.otlp_grpc, ports.otlp_http, ports.api})
    agent_options.own_ports.push_back(static_cast<std::uint16_t>(port));
  auto agent = agent::Agent::Start(std::move(agent_options), server::Layers());
  if (!agent.ok()) {
    std::fprintf(stderr, "strata: no agent: %s\n", agent.status().message().c_str());
  }
  PrintPorts(*config, ports);
  std::jthread replay;
  if (player) {
    player->set_to(to);
    std::fprintf(stderr, "strata: replaying the recorded world \"%s\": %s\n",
                 player->name().c_str(), player->title().c_str());
    replay = std::jthread([&](std::stop_token stop) {
      const Status status = player->Play(stop, nullptr);
      if (!status.ok()) std::fprintf(stderr, "strata: replay: %s\n", status.message().c_str());
    });
  }
  const std::string url = "http://127.0.0.1:" + std::to_string(ports.api);
  std::jthread summary;
  if (::isatty(STDOUT_FILENO) == 1 || std::getenv("STRATA_SUMMARY") != nullptr)
    summary = std::jthread(
        [&](const std::stop_token& stop) { FirstSummary(stop, url, player != nullptr); });
  while (!signals.Wait(3600)) {
  }
  std::fprintf(stderr, "\nstrata: stopping\n");
  if (summary.joinable()) summary.request_stop(), summary.join();
  if (replay.joinable()) replay.request_stop(), replay.join();
  if (agent.ok()) (*agent)->Stop();
  (*server)->Stop();
  return 0;
}

int Replay(const ReplayOptions& options) {
  for (const std::string& path : options.paths) {
    PlayOptions play;
    play.world = path;
    play.to = options.to;
    play.token = options.token;
    play.speed = options.speed;
    play.original_times = options.original_times;
    play.backfill = false;
    play.forever = false;
    if (std::error_code none; !std::filesystem::exists(path + "/world.yaml", none)) {
      std::uint64_t records = 0;
      const Status status = Player::MakeForFiles(play, "replay")->SendFiles(path, &records);
      if (!status.ok()) return Fail(status);
      std::fprintf(stderr, "%s: %llu records sent as origin \"replay\"\n", path.c_str(),
                   static_cast<unsigned long long>(records));
      continue;
    }
    auto player = Player::Make(play);
    if (!player.ok()) return Fail(player.status());
    const bool bar = ::isatty(STDERR_FILENO) == 1;
    std::uint64_t sent = 0;
    const Status status = (*player)->Play({}, [&](double t, std::uint64_t records) {
      sent = records;
      if (bar)
        std::fprintf(stderr, "\r%s: %.0f s of the world, %llu records ", path.c_str(), t,
                     static_cast<unsigned long long>(records));
    });
    if (bar) std::fprintf(stderr, "\n");
    if (!status.ok()) return Fail(status);
    std::fprintf(stderr, "%llu records sent as origin \"%s\"\n",
                 static_cast<unsigned long long>(sent), (*player)->name().c_str());
  }
  return 0;
}

}  // namespace strata::cli
