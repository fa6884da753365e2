// SPDX-License-Identifier: Apache-2.0
// The threads of the agent: one collects, four scrape, one listens to NCCL plugins, one looks for
// engines, one follows files, one the kernel's log, one sends (sender.cc). What they share, the
// list of targets, stands under one mutex; a target is handed to one scraping thread at a time.
#include "agent/agent.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <ctime>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>

#include "agent/feed.h"
#include "agent/kernel_follower.h"
#include "agent/local.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "l1_gpu/l1_gpu.h"
#include "l3_host/l3_host.h"

namespace strata::agent {
namespace {

constexpr int kScrapeThreads = 4;
constexpr std::int64_t kSourcesEvery = 15 * base::kSecond;
constexpr int kKernelWaitMs = 500;
constexpr std::int64_t kTailEvery = base::kSecond;
constexpr std::int64_t kProbeTimeoutMs = 1000;
constexpr std::size_t kMaxProbe = 16u << 20;

// Sleeps until `at` of the monotonic clock; false when it is to stop.
bool SleepUntil(std::int64_t at, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  const std::int64_t wait = at - base::monotonic_ns();
  if (wait > 0) wake.wait_for(lock, stop, std::chrono::nanoseconds(wait), [] { return false; });
  return !stop.stop_requested();
}

}  // namespace

struct Agent::State {
  struct Target {
    std::unique_ptr<Scraper> scraper;
    std::int64_t due_ns = 0;  // monotonic
    bool busy = false, found = false;
    std::string ending;  // why it is to be ended; "" = it stays
  };
  struct Followed {
    TailFile file;
    std::unique_ptr<Tail> tail;
    std::unique_ptr<Feed> feed;
    model::Attributes resource;
    std::int64_t said_ns = 0, last_ns = 0;
    bool failed = false;
  };

  AgentOptions options;
  std::span<const model::Catalog* const> catalogs;
  std::string node;
  std::unique_ptr<Sender> sender;
  std::unique_ptr<l3_host::HostCollector> host;
  std::unique_ptr<l1_gpu::NvmlCollector> nvml;
  std::unique_ptr<KernelFollower> kernel;
  Duplicates duplicates;  // of the kernel's log and of what else reports the same
  std::unique_ptr<NcclSocket> nccl_socket;
  std::string nccl_error;  // why there is none
  std::atomic<std::int64_t> collect_cpu_ns{0};

  mutable std::mutex mutex;
  std::condition_variable_any wake;
  std::map<std::string, Target> targets;  // by instance and path
  std::uint64_t changes = 0;              // of the list, or of what is due

  std::vector<Followed> files;            // the tailing thread's
  std::unique_ptr<NcclWatch> nccl_watch;  // its own thread's
  std::vector<std::jthread> threads;
  std::unique_ptr<KubeSources> kubernetes;

  std::unique_ptr<Feed> NewFeed(std::size_t max_series = 100'000) const {
    return std::make_unique<Feed>(catalogs, model::Attributes{{"strata.agent", node}}, sender.get(),
                                  max_series);
  }
  void AddTarget(ScrapeTarget target, bool found);
  void CollectLoop(const std::stop_token& stop);
  void KernelLoop(const std::stop_token& stop);
  void ScrapeLoop(const std::stop_token& stop);
  void NcclSocketLoop(const std::stop_token& stop);
  void OpenNccl();
  void DiscoverLoop(const std::stop_token& stop);
  void Discover(LocalFinder* finder, Feed* feed);
  void TailLoop(const std::stop_token& stop);
  void NcclWatchLoop(const std::stop_token& stop);
  void TailOnce(Followed* followed);
  void LoadOffsets();
  void SaveOffsets() const;
};

void Agent::State::AddTarget(ScrapeTarget target, bool found) {
  const std::string key = InstanceOf(target.target) + target.path;
  const std::lock_guard lock(mutex);
  if (const auto it = targets.find(key); it != targets.end()) {
    it->second.ending.clear();
    return;
  }
  Target& entry = targets[key];
  // Spread over the interval, so that targets are not all asked at once.
  const std::int64_t spread = static_cast<std::int64_t>(
      base::Hash64(key) %
      static_cast<std::uint64_t>(std::max<std::int64_t>(target.interval_ns, 1)));
  entry.due_ns = base::monotonic_ns() + std::min<std::int64_t>(spread, base::kSecond);
  entry.found = found;
  entry.scraper = std::make_unique<Scraper>(std::move(target), node, NewFeed());
  ++changes;
  wake.notify_all();
}

// ---- the machine and its devices
void Agent::State::CollectLoop(const std::stop_token& stop) {
  const std::unique_ptr<Feed> feed = NewFeed(20'000);
  std::int64_t next = base::monotonic_ns(), said = 0;
  std::string stands;
  do {
    const std::int64_t begin = base::thread_cpu_ns();
    const std::int64_t now = base::Clock::system().now_ns();
    host->Collect(now, feed->namer(), &feed->batch());
    if (nvml) nvml->Collect(feed->namer(), &feed->batch());
    // A device that hangs or is lost is told at once, the rest every few rounds.
    std::vector<model::SourceState>& sources = feed->batch().sources;
    if (nvml) nvml->Sources(now, &sources);
    std::string standing;
    for (const model::SourceState& source : sources) standing += source.name + source.state + ' ';
    if (said == 0 || now - said >= kSourcesEvery || standing != stands) {
      said = now;
      stands = std::move(standing);
      host->Sources(now, &sources);
    } else {
      sources.clear();
    }
    duplicates.Remove(now, &feed->batch().events);
    feed->Ship();
    collect_cpu_ns = base::thread_cpu_ns() - begin;
    next = std::max(next + options.interval_ns, base::monotonic_ns());
  } while (SleepUntil(next, stop));
}

void Agent::State::KernelLoop(const std::stop_token& stop) {
  const std::unique_ptr<Feed> feed = NewFeed(1'000);
  std::int64_t said = 0, saved = base::monotonic_ns();
  bool live = false;
  while (!stop.stop_requested()) {
    wire::Context context;
    context.now_ns = base::Clock::system().now_ns();
    context.namer = &feed->namer();
    kernel->Poll(kKernelWaitMs, context, &feed->batch());
    const std::int64_t now = base::Clock::system().now_ns();
    duplicates.Remove(now, &feed->batch().events);
    model::SourceState state = kernel->State();
    const bool say = said == 0 || now - said >= kSourcesEvery || live != (state.state == "live");
    if (say) {
      said = now;
      live = state.state == "live";
      feed->batch().sources.push_back(std::move(state));
    }
    if (say || !feed->batch().events.empty()) feed->Ship();
    if (base::monotonic_ns() - saved > 10 * base::kSecond) {
      saved = base::monotonic_ns();
      kernel->Save();
    }
  }
  kernel->Save();
}

// ---- targets
void Agent::State::ScrapeLoop(const std::stop_token& stop) {
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    auto next = targets.end();
    for (auto it = targets.begin(); it != targets.end(); ++it) {
      if (!it->second.busy && (next == targets.end() || it->second.due_ns < next->second.due_ns))
        next = it;
    }
    const std::int64_t now = base::monotonic_ns();
    if (next == targets.end() || next->second.due_ns > now) {
      const std::int64_t wait = next == targets.end() ? base::kHour : next->second.due_ns - now;
      wake.wait_for(lock, stop, std::chrono::nanoseconds(wait),
                    [this, seen = changes] { return changes != seen; });
      continue;
    }
    Target& target = next->second;  // a map's entries do not move
    const std::string ending = target.ending;
    target.busy = true;
    lock.unlock();
    if (ending.empty()) {
      target.scraper->Scrape(base::Clock::system().now_ns());
    } else {
      target.scraper->End(base::Clock::system().now_ns(), ending);
    }
    lock.lock();
    target.busy = false;
    if (!ending.empty() && !target.ending.empty()) {
      targets.erase(next);
      continue;
    }
    const std::int64_t interval = target.scraper->target().interval_ns;
    target.due_ns = std::max(target.due_ns + interval, base::monotonic_ns() + interval / 10);
  }
}

// ---- jobs with the NCCL plugin
void Agent::State::NcclSocketLoop(const std::stop_token& stop) {
  const std::unique_ptr<Feed> feed = NewFeed(20'000);
  while (nccl_socket == nullptr && !stop.stop_requested()) {
    feed->batch().sources.push_back(
        {"nccl plugin " + options.nccl.socket, "l2_comm", "absent", nccl_error, 0, {}});
    feed->Ship();
    if (!SleepUntil(base::monotonic_ns() + kSourcesEvery, stop)) return;
    OpenNccl();
  }
  if (nccl_socket) nccl_socket->Run(feed.get(), stop);
}

// Tried again: another agent may end, a folder may appear.
void Agent::State::OpenNccl() {
  auto listens = NcclSocket::Listen(options.nccl, node);
  if (listens.ok()) {
    nccl_socket = std::move(*listens);
  } else {
    nccl_error = listens.status().message();
  }
}

// ---- what runs on this machine
void Agent::State::DiscoverLoop(const std::stop_token& stop) {
  base::HttpClient client;
  LocalFinder finder(options.root, node,
                     [&](const std::string& target) -> base::Result<std::string> {
                       base::HttpRequest request;
                       request.url = "http://" + target + "/metrics";
                       request.timeout_ms = kProbeTimeoutMs;
                       request.max_bytes = kMaxProbe;
                       request.headers = {{"User-Agent", "strata"}};
                       ASSIGN_OR_RETURN(base::HttpAnswer answer, client.Send(request));
                       if (answer.status != 200)
                         return base::Failed("HTTP " + std::to_string(answer.status));
                       return std::move(answer.body);
                     });
  const std::unique_ptr<Feed> feed = NewFeed(1'000);
  do {
    Discover(&finder, feed.get());
  } while (SleepUntil(base::monotonic_ns() + options.discover_every_ns, stop));
}

void Agent::State::Discover(LocalFinder* finder, Feed* feed) {
  const std::int64_t now = base::Clock::system().now_ns();
  const std::vector<LocalService> services = finder->Find(now, options.own_ports);
  const bool accelerator = finder->has_accelerator();
  model::Batch& batch = feed->batch();
  std::vector<std::string> alive;
  std::string names;
  for (const LocalService& service : services) {
    const std::string instance = InstanceOf(service.target);
    names += (names.empty() ? "" : ", ") + service.kind + " at " + service.target;
    if (service.kind == "node_exporter") {
      names += " (not scraped: the agent reads the same itself)";
      continue;
    }
    ScrapeTarget target;
    target.job = service.kind;
    target.target = service.target;
    target.interval_ns = options.interval_ns;
    target.timeout_ns = std::min<std::int64_t>(options.interval_ns, 5 * base::kSecond);
    target.layer = service.engine ? "l6_infer" : "l1_gpu";
    alive.push_back(instance + target.path);
    AddTarget(std::move(target), true);
    if (!service.engine) continue;
    model::Entity entity{"engine", instance, service.kind + " " + service.target, {}, now, {}};
    entity.attributes = {
        {"service.instance.id", instance}, {"host.name", node}, {"inference.engine", service.kind}};
    if (service.pid != 0) {
      entity.attributes.set("process.pid", std::to_string(service.pid));
      entity.attributes.set("process.executable.name", service.name);
    }
    if (!service.container.empty()) entity.attributes.set("container.id", service.container);
    if (!service.pod_uid.empty()) entity.attributes.set("k8s.pod.uid", service.pod_uid);
    batch.entities.push_back(std::move(entity));
    if (service.pid != 0 && !accelerator && !service.uses_gpu && service.cores > 0) {
      batch.holdings.push_back(
          CpuHolding(service, instance, node, options.cluster, finder->node_cores(), now));
    }
  }
  batch.sources.push_back({"discover local engines",
                           "l6_infer",
                           "live",
                           names.empty() ? "none listens on this machine" : names,
                           now,
                           {}});
  feed->Ship();
  const std::lock_guard lock(mutex);
  for (auto& [key, target] : targets) {
    if (!target.found || std::find(alive.begin(), alive.end(), key) != alive.end()) continue;
    target.ending = "it does not listen any more";
    target.due_ns = base::monotonic_ns();
    ++changes;
  }
  wake.notify_all();
}

// ---- files
void Agent::State::TailLoop(const std::stop_token& stop) {
  LoadOffsets();
  std::int64_t saved = base::monotonic_ns();
  do {
    for (Followed& followed : files) TailOnce(&followed);
    if (base::monotonic_ns() - saved > 10 * base::kSecond) {
      SaveOffsets();
      saved = base::monotonic_ns();
    }
  } while (SleepUntil(base::monotonic_ns() + kTailEvery, stop));
  SaveOffsets();
}

void Agent::State::TailOnce(Followed* followed) {
  const std::int64_t now = base::Clock::system().now_ns();
  wire::Context context;
  context.now_ns = now;
  context.resource = &followed->resource;
  const bool read = followed->tail->Poll([&](std::string_view lines) {
    context.namer = &followed->feed->namer();
    followed->file.decode(lines, context, &followed->feed->batch());
  });
  if (read) followed->last_ns = now;
  const bool failed = !followed->tail->error().empty();
  const bool say = followed->said_ns == 0 || failed != followed->failed ||
                   now - followed->said_ns >= kSourcesEvery;
  if (say) {
    followed->said_ns = now;
    followed->failed = failed;
    std::string detail = followed->tail->error();
    if (!failed && followed->last_ns > 0)
      detail = "last line " + base::FormatTime(followed->last_ns);
    followed->feed->batch().sources.push_back(
        {followed->file.kind + " " + followed->file.path,
         followed->file.layer,
         failed ? "absent" : "live",
         std::move(detail),
         failed ? followed->last_ns : now,  // nobody need write to a file that is well
         {}});
  }
  if (read || say) followed->feed->Ship();
}

// {"files": {PATH: [inode, offset]}}
void Agent::State::LoadOffsets() {
  if (options.spool_dir.empty()) return;
  auto text = base::ReadFile(options.spool_dir + "/files.json", 1u << 20);
  if (!text.ok()) return;
  auto json = base::ParseJson(*text);
  if (!json.ok()) return;
  for (Followed& followed : files) {
    const base::Json& at = (*json)["files"][followed.file.path];
    if (at.size() == 2) {
      followed.tail->Resume(static_cast<std::uint64_t>(at.at(0).as_int()),
                            static_cast<std::uint64_t>(at.at(1).as_int()));
    }
  }
}

void Agent::State::SaveOffsets() const {
  if (options.spool_dir.empty() || files.empty()) return;
  base::Json offsets = base::Json::MakeObject();
  for (const Followed& followed : files) {
    if (followed.tail->inode() == 0) continue;
    base::Json at = base::Json::MakeArray();
    at.push(followed.tail->inode()).push(followed.tail->offset());
    offsets.set(followed.file.path, std::move(at));
  }
  // Lost offsets mean lines read twice, which the server tells apart: not worth stopping for.
  static_cast<void>(
      base::ReplaceFile(options.spool_dir + "/files.json",
                        base::Json::MakeObject().set("files", std::move(offsets)).dump() + "\n"));
}

// ---- NCCL: RAS, inspector folders, flight recorder dumps
void Agent::State::NcclWatchLoop(const std::stop_token& stop) {
  const std::string state = options.spool_dir.empty() ? "" : options.spool_dir + "/nccl.json";
  std::string saved;
  if (!state.empty()) {
    auto text = base::ReadFile(state, 1u << 20);
    if (auto json = base::ParseJson(text.ok() ? *text : "{}"); json.ok()) nccl_watch->Resume(*json);
  }
  do {
    nccl_watch->Poll(base::Clock::system().now_ns(), stop);
    if (std::string now = nccl_watch->Offsets().dump(); !state.empty() && now != saved) {
      // Lost, a dump would be told once more after a restart: not worth stopping for.
      static_cast<void>(base::ReplaceFile(state, now + "\n"));
      saved = std::move(now);
    }
  } while (SleepUntil(base::monotonic_ns() + kTailEvery, stop));
}

// ---- the door
Agent::Agent(std::unique_ptr<State> state) : state_(std::move(state)) {}

base::Result<std::unique_ptr<Agent>> Agent::Start(AgentOptions options,
                                                  std::span<const model::Catalog* const> catalogs) {
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  state->catalogs = catalogs;
  AgentOptions& o = state->options;
  if (o.root.empty()) o.root = "/";
  o.interval_ns = std::max<std::int64_t>(o.interval_ns, 100 * base::kMillisecond);
  l3_host::HostOptions host;
  host.root = o.root;
  host.node = o.node;
  ASSIGN_OR_RETURN(state->host, l3_host::HostCollector::Make(host));
  state->node = state->host->node();
  SenderOptions sender;
  sender.to = o.to;
  sender.token = o.token;
  sender.spool_dir = o.spool_dir;
  sender.spool_bytes = o.spool_bytes;
  ASSIGN_OR_RETURN(state->sender, Sender::Start(sender));
  if (!o.nvml.empty()) {
    l1_gpu::NvmlOptions nvml;
    nvml.library = o.nvml;
    nvml.node = state->node;
    nvml.interval_ns = o.nvml_interval_ns > 0 ? o.nvml_interval_ns : o.interval_ns;
    nvml.deadline_ns = std::max(o.nvml_deadline_ns, 2 * nvml.interval_ns);
    state->nvml = l1_gpu::NvmlCollector::Start(nvml);
  }
  if (o.kernel_log) {
    KernelFollowerOptions kernel;
    kernel.root = o.root;
    kernel.node = state->node;
    if (!o.spool_dir.empty()) kernel.state_file = o.spool_dir + "/kernel_log.json";
    state->kernel = std::make_unique<KernelFollower>(kernel);
  }
  for (const ScrapeTarget& target : o.scrape) state->AddTarget(target, false);
  for (TailFile& file : o.files) {
    State::Followed followed;
    followed.tail = std::make_unique<Tail>(file.path);
    followed.feed = state->NewFeed();
    followed.resource = {{"host.name", state->node}};
    if (!file.job.empty()) followed.resource.set("job", file.job);
    followed.file = std::move(file);
    state->files.push_back(std::move(followed));
  }
  if (!o.nccl_watch.empty())
    state->nccl_watch = std::make_unique<NcclWatch>(o.nccl_watch, state->node, state->NewFeed());
  State* s = state.get();
  s->threads.emplace_back([s](const std::stop_token& stop) { s->CollectLoop(stop); });
  if (s->kernel) s->threads.emplace_back([s](const std::stop_token& stop) { s->KernelLoop(stop); });
  for (int i = 0; i < kScrapeThreads; ++i)
    s->threads.emplace_back([s](const std::stop_token& stop) { s->ScrapeLoop(stop); });
  if (!o.nccl.socket.empty()) {
    s->OpenNccl();
    s->threads.emplace_back([s](const std::stop_token& stop) { s->NcclSocketLoop(stop); });
  }
  if (o.discover_engines)
    s->threads.emplace_back([s](const std::stop_token& stop) { s->DiscoverLoop(stop); });
  if (!s->files.empty())
    s->threads.emplace_back([s](const std::stop_token& stop) { s->TailLoop(stop); });
  if (s->nccl_watch)
    s->threads.emplace_back([s](const std::stop_token& stop) { s->NcclWatchLoop(stop); });
  s->kubernetes =
      std::make_unique<KubeSources>(o.kubernetes, o.cluster, s->node, o.root,
                                    [s](std::size_t max_series) { return s->NewFeed(max_series); });
  return std::unique_ptr<Agent>(new Agent(std::move(state)));
}

Agent::~Agent() { Stop(); }

void Agent::Stop() {
  for (std::jthread& thread : state_->threads) thread.request_stop();
  state_->threads.clear();
  if (state_->kubernetes) state_->kubernetes->Stop();
  state_->nvml.reset();
  state_->nccl_watch.reset();
  state_->sender->Stop();
}

AgentFacts Agent::facts() const {
  AgentFacts facts;
  facts.sender = state_->sender->facts();
  facts.collect_cpu_ns = state_->collect_cpu_ns.load();
  const std::lock_guard lock(state_->mutex);
  facts.targets = state_->targets.size();
  for (const auto& [key, target] : state_->targets)
    facts.targets_up += !target.busy && target.scraper->up() ? 1 : 0;
  return facts;
}

const std::string& Agent::node() const { return state_->node; }

}  // namespace strata::agent
