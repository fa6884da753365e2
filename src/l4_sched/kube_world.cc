// SPDX-License-Identifier: Apache-2.0
// Attribute names: OpenTelemetry semantic conventions for Kubernetes and cloud.
#include "l4_sched/kube_world.h"

#include <algorithm>

#include "base/clock.h"
#include "base/hash.h"

namespace strata::l4_sched {
namespace {

using std::string_view;

constexpr std::size_t kMaxEvents = 10'000;
constexpr std::size_t kMaxTold = 20'000;
constexpr std::size_t kMaxClaims = 4096;
constexpr std::int64_t kClaimTimeoutMs = 2'000;
constexpr std::int64_t kClaimAgain = 60 * base::kSecond;
constexpr std::size_t kMaxLabels = 40;  // of an entity, beside what has a name of its own

// Where queues of schedulers are named; the first that is there counts.
constexpr string_view kQueueKeys[] = {"kueue.x-k8s.io/queue-name", "kai.scheduler/queue",
                                      "scheduling.volcano.sh/queue-name", "volcano.sh/queue-name",
                                      "runai/queue"};

string_view QueueOf(const KubeObject& pod) {
  for (const string_view key : kQueueKeys) {
    if (const string_view queue = pod.labels.get(key); !queue.empty()) return queue;
    if (const string_view queue = pod.annotations.get(key); !queue.empty()) return queue;
  }
  return {};
}

void AddLabels(const KubeObject& object, const std::string& prefix, model::Attributes* out) {
  std::size_t n = 0;
  for (const auto& [key, value] : object.labels) {
    if (++n > kMaxLabels) return;
    out->set(prefix + key, value);
  }
}

void SetIf(model::Attributes* to, string_view key, string_view value) {
  if (!value.empty()) to->set(key, value);
}

bool Asks(const KubeObject& pod) {
  return std::ranges::any_of(pod.containers, [](const KubeContainer& c) {
    return std::ranges::any_of(c.requests, [](const auto& r) { return IsAccelerator(r.first); });
  });
}

model::Event PodEvent(const KubeObject& pod, std::string name, std::int64_t ts) {
  model::Event event;
  event.ts = ts;
  event.layer = "l4_sched";
  event.event = std::move(name);
  event.entity_type = "pod";
  event.entity = pod.key();
  event.severity = "warning";
  event.message = pod.message;
  event.source = "l4_sched:kubernetes api";
  event.attributes = {{"k8s.namespace.name", pod.ns}, {"k8s.pod.name", pod.name}};
  SetIf(&event.attributes, "k8s.pod.uid", pod.uid);
  SetIf(&event.attributes, "k8s.node.name", pod.node);
  return event;
}

model::Event SchedulingEvent(const KubeObject& pod, const std::string& message, std::int64_t ts) {
  model::Event event = PodEvent(pod, "k8s.pod.failed_scheduling", ts);
  const SchedulingReason reason = ParseScheduling(message);
  event.message = message;
  SetIf(&event.attributes, "reason", reason.cause);
  SetIf(&event.attributes, "resource", reason.resource);
  if (reason.nodes >= 0) event.attributes.set("nodes", std::to_string(reason.nodes));
  return event;
}

}  // namespace

// ---- life
KubeWorld::KubeWorld(const KubeConfig& config, KubeWorldOptions options)
    : options_(std::move(options)),
      owners_(config, {.list_from = options_.whole_cluster ? std::size_t{16} : std::size_t{0}}),
      claim_client_(config) {
  const std::string here = options_.whole_cluster ? "" : "=" + options_.node;
  const auto on_node = [&](const char* field) { return here.empty() ? here : field + here; };
  Add(config, {"", "v1", "pods", on_node("spec.nodeName"), false});
  Add(config, {"", "v1", "nodes", on_node("metadata.name"), false});
  Add(config, {"resource.k8s.io", "v1", "resourceslices", on_node("spec.nodeName"), false});
  if (options_.whole_cluster) {
    Add(config, {"", "v1", "namespaces", "", true});
    Add(config, {"", "v1", "events", "type=Warning", false});
    Add(config, {"", "v1", "resourcequotas", "", false});
    for (const KubeResource& resource : options_.more) Add(config, resource);
  }
}

KubeWorld::~KubeWorld() { Stop(); }

void KubeWorld::Add(const KubeConfig& config, KubeResource resource) {
  watches_.push_back(std::make_unique<KubeWatch>(std::move(resource), config, options_.watch,
                                                 [this](const KubeUpdate& u) { Told(u); }));
}

void KubeWorld::Start() {
  for (const auto& watch : watches_)
    threads_.emplace_back([w = watch.get()](const std::stop_token& stop) { w->Run(stop); });
  threads_.emplace_back([this](const std::stop_token& stop) { owners_.Run(stop); });
}

void KubeWorld::Stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
}

const KubeWatch* KubeWorld::find(string_view name) const {
  for (const auto& watch : watches_) {
    if (watch->resource().name() == name) return watch.get();
  }
  return nullptr;
}

void KubeWorld::Sources(std::vector<model::SourceState>* out) const {
  for (const auto& watch : watches_) out->push_back(watch->state());
  out->push_back(owners_.state());
}

// ---- on the watching threads
void KubeWorld::Say(model::Event event, const std::string& once) {
  const std::lock_guard lock(mutex_);
  if (told_.size() >= kMaxTold) told_.clear();
  if (!told_.insert(event.event + "\n" + once).second) return;
  if (events_.size() >= kMaxEvents) {
    events_.pop_front();
    base::Drop(base::Reason::queue_full);
  }
  events_.push_back(std::move(event));
}

void KubeWorld::Told(const KubeUpdate& update) {
  if (options_.raw) options_.raw(update);
  const std::string& plural = update.resource.plural;
  const bool known = plural == "pods" || plural == "nodes" || plural == "namespaces";
  if (known && update.change != KubeChange::deleted) {
    const std::lock_guard lock(mutex_);
    changed_.emplace(plural, update.object.key());
  }
  if (!options_.whole_cluster || update.change == KubeChange::listed ||
      update.change == KubeChange::deleted)
    return;
  const std::int64_t now = base::Clock::system().now_ns();
  const KubeObject& o = update.object;
  if (plural == "pods") {
    PodTold(update);
  } else if (plural == "nodes" && o.unschedulable && update.before != nullptr &&
             !update.before->unschedulable) {
    model::Event event{now, "l4_sched", "node.cordoned", "node", o.name, "info", "", {}, {}, {}};
    event.attributes = {{"host.name", o.name}, {"k8s.node.name", o.name}};
    event.source = "l4_sched:kubernetes api";
    Say(std::move(event), o.uid + o.version);
  } else if (plural == "events" && o.about_kind == "Pod") {
    KubeObject pod;
    pod.ns = o.ns, pod.name = o.about_name, pod.uid = o.about_uid, pod.message = o.message;
    if (o.reason == "FailedScheduling") {
      const SchedulingReason why = ParseScheduling(o.message);
      Say(SchedulingEvent(pod, o.message, o.last_ns), pod.uid + why.cause + why.resource);
    } else if (o.reason == "Evicted" || o.reason == "Preempted" ||
               o.reason == "TaintManagerEviction") {
      model::Event event = PodEvent(pod, "k8s.pod.evicted", o.last_ns);
      event.attributes.set("reason", o.reason);
      Say(std::move(event), pod.uid);
    }
  }
}

void KubeWorld::PodTold(const KubeUpdate& update) {
  const KubeObject& pod = update.object;
  const std::int64_t now = base::Clock::system().now_ns();
  if (pod.reason == "Evicted" || !pod.disruption.empty()) {
    model::Event event = PodEvent(pod, "k8s.pod.evicted", now);
    event.attributes.set("reason", pod.disruption.empty() ? pod.reason : pod.disruption);
    Say(std::move(event), pod.uid);
  }
  if (!pod.unscheduled.empty()) {
    const SchedulingReason why = ParseScheduling(pod.unscheduled);
    Say(SchedulingEvent(pod, pod.unscheduled, now), pod.uid + why.cause + why.resource);
  }
  for (const KubeContainer& c : pod.containers) {
    if (c.ended_reason != "OOMKilled") continue;
    const KubeContainer* was = nullptr;
    if (update.before != nullptr) {
      const auto it = std::ranges::find(update.before->containers, c.name, &KubeContainer::name);
      if (it != update.before->containers.end()) was = &*it;
    }
    if (was != nullptr && was->ended_ns == c.ended_ns) continue;
    model::Event event =
        PodEvent(pod, "k8s.container.oom_killed", c.ended_ns != 0 ? c.ended_ns : now);
    event.entity_type = "container";
    event.entity = pod.key() + "/" + c.name;
    event.message = "container " + c.name + " was killed for want of memory";
    event.attributes.set("k8s.container.name", c.name);
    Say(std::move(event), pod.uid + c.name + std::to_string(c.ended_ns));
  }
}

std::string KubeWorld::HostOf(const std::string& node) const {
  return node == options_.node && !options_.host.empty() ? options_.host : node;
}

// ---- on the collecting thread
void KubeWorld::PodEntities(const KubeObject& pod, std::int64_t now_ns, model::Batch* batch) {
  model::Attributes where = {{"k8s.namespace.name", pod.ns}, {"k8s.pod.name", pod.name}};
  SetIf(&where, "k8s.pod.uid", pod.uid);
  SetIf(&where, "k8s.cluster.name", options_.cluster);
  SetIf(&where, "k8s.node.name", pod.node);
  SetIf(&where, "host.name", HostOf(pod.node));
  const KubeWorkload workload = owners_.WorkloadOf(pod);
  if (workload.whole) {
    unowned_.erase(pod.key());
    where.set("k8s.workload.kind", workload.kind);
    where.set("k8s.workload.name", workload.name);
    model::Entity entity{"workload", pod.ns + "/" + workload.name, workload.name, {}, now_ns, {}};
    entity.attributes = {{"k8s.namespace.name", pod.ns},
                         {"k8s.workload.name", workload.name},
                         {"k8s.workload.kind", workload.kind}};
    SetIf(&entity.attributes, "k8s.cluster.name", options_.cluster);
    if (workloads_.insert(entity.id).second) batch->entities.push_back(std::move(entity));
  } else if (unowned_.size() < options_.watch.max_objects) {
    unowned_.insert(pod.key());
  }
  SetIf(&where, "queue.name", QueueOf(pod));
  model::Entity entity{"pod", pod.key(), pod.name, where, now_ns, {}};
  SetIf(&entity.attributes, "k8s.pod.status.phase", pod.phase);
  SetIf(&entity.attributes, "k8s.pod.status.reason", pod.reason);
  if (pod.started_ns != 0)
    entity.attributes.set("k8s.pod.start_time", base::FormatTime(pod.started_ns));
  if (!pod.unscheduled.empty())
    SetIf(&entity.attributes, "k8s.pod.pending.reason", ParseScheduling(pod.unscheduled).cause);
  AddLabels(pod, "k8s.pod.label.", &entity.attributes);
  batch->entities.push_back(std::move(entity));
  for (const KubeContainer& c : pod.containers) {
    model::Entity container{"container", pod.key() + "/" + c.name, c.name, where, now_ns, {}};
    container.attributes.set("k8s.container.name", c.name);
    SetIf(&container.attributes, "container.id", c.id);
    SetIf(&container.attributes, "container.image.name", c.image);
    batch->entities.push_back(std::move(container));
  }
}

namespace {

model::Entity NodeEntity(const KubeObject& node, const std::string& host,
                         const std::string& cluster, std::int64_t now_ns) {
  model::Entity entity{"node", host, node.name, {}, now_ns, {}};
  model::Attributes& a = entity.attributes;
  a = {{"host.name", host}, {"k8s.node.name", node.name}};
  SetIf(&a, "k8s.node.uid", node.uid);
  SetIf(&a, "k8s.cluster.name", cluster);
  constexpr std::pair<string_view, string_view> kLabels[] = {
      {"topology.kubernetes.io/region", "cloud.region"},
      {"failure-domain.beta.kubernetes.io/region", "cloud.region"},
      {"topology.kubernetes.io/zone", "cloud.availability_zone"},
      {"failure-domain.beta.kubernetes.io/zone", "cloud.availability_zone"},
      {"node.kubernetes.io/instance-type", "host.type"},
      {"beta.kubernetes.io/instance-type", "host.type"},
      {"kubernetes.io/arch", "host.arch"},
      {"kubernetes.io/os", "os.type"}};
  for (const auto& [label, attribute] : kLabels) {
    if (const string_view value = node.labels.get(label); !value.empty())
      a.set_if_absent(attribute, value);
  }
  AddLabels(node, "k8s.node.label.", &a);
  return entity;
}

}  // namespace

// Entities that have not changed are told again now and then, after those that have.
void KubeWorld::Renew(std::int64_t now_ns) {
  if (renewed_ns_ == 0) renewed_ns_ = now_ns;
  if (now_ns - renewed_ns_ < options_.renew_ns) return;
  renewed_ns_ = now_ns;
  renewing_.clear();
  for (const auto& watch : watches_) {
    const std::string& plural = watch->resource().plural;
    if (plural != "pods" && plural != "nodes" && plural != "namespaces") continue;
    watch->ForEach([&](const KubeObject& o) { renewing_.emplace_back(plural, o.key()); });
  }
}

// Pods whose chain of owners has become whole.
std::vector<std::string> KubeWorld::NewlyOwned() {
  std::vector<std::string> out;
  const std::uint64_t generation = owners_.generation();
  if (generation == generation_) return out;
  generation_ = generation;
  const KubeWatch* pods = find("pods");
  std::erase_if(unowned_, [&](const std::string& key) {
    KubeObject pod;
    if (!pods->Find(key, &pod)) return true;
    if (owners_.WorkloadOf(pod).whole) out.push_back(key);
    return false;
  });
  return out;
}

bool KubeWorld::Collect(std::int64_t now_ns, model::Namer& namer, model::Batch* batch) {
  Renew(now_ns);
  const std::vector<std::string> owned = NewlyOwned();
  std::vector<std::pair<std::string, std::string>> round;
  bool more = false;
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& pod : owned) changed_.emplace("pods", pod);
    while (!changed_.empty() && round.size() < options_.max_objects_a_round)
      round.push_back(std::move(changed_.extract(changed_.begin()).value()));
    more = !changed_.empty();
    batch->events.insert(batch->events.end(), std::make_move_iterator(events_.begin()),
                         std::make_move_iterator(events_.end()));
    events_.clear();
  }
  while (!renewing_.empty() && round.size() < options_.max_objects_a_round) {
    round.push_back(std::move(renewing_.back()));
    renewing_.pop_back();
  }
  workloads_.clear();
  for (const auto& [plural, key] : round) {
    KubeObject object;
    if (!find(plural)->Find(key, &object)) continue;
    if (plural == "pods") {
      PodEntities(object, now_ns, batch);
    } else if (plural == "nodes") {
      batch->entities.push_back(NodeEntity(object, HostOf(object.name), options_.cluster, now_ns));
    } else {
      model::Entity entity{"namespace", object.name, object.name, {}, now_ns, {}};
      entity.attributes = {{"k8s.namespace.name", object.name}};
      SetIf(&entity.attributes, "k8s.cluster.name", options_.cluster);
      AddLabels(object, "k8s.namespace.label.", &entity.attributes);
      batch->entities.push_back(std::move(entity));
    }
  }
  if (options_.whole_cluster && now_ns - sampled_ns_ >= options_.samples_ns) {
    sampled_ns_ = now_ns;
    Samples(now_ns, namer, batch);
  }
  return more;
}

void KubeWorld::Samples(std::int64_t now_ns, model::Namer& namer, model::Batch* batch) {
  const auto push = [&](string_view name, string_view unit, model::Kind kind, double value,
                        const model::Attributes& attributes) {
    const std::uint64_t key = base::Hash64(name, attributes.hash(4));
    const std::vector<model::Target>* targets = namer.find(key);
    if (targets == nullptr) {
      model::RawMetric raw;
      raw.name = name;
      raw.unit = unit;
      raw.kind = kind;
      if (kind == model::Kind::counter) raw.temporality = model::Temporality::cumulative;
      raw.attributes = &attributes;
      raw.source = "l4_sched:kubernetes api";
      targets = &namer.Resolve(key, raw, &batch->refused);
    }
    for (const model::Target& target : *targets) {
      double out = 0;
      if (model::Namer::Apply(target, value, &out, &batch->refused))
        batch->samples.push(target.series, now_ns, 0, out);
    }
  };
  find("nodes")->ForEach([&](const KubeObject& node) {
    model::Attributes a = {{"host.name", node.name}};
    SetIf(&a, "k8s.cluster.name", options_.cluster);
    bool gpus = false;
    for (const auto& [amounts, name] : {std::pair{&node.capacity, "k8s.node.gpu.capacity"},
                                        {&node.allocatable, "k8s.node.gpu.allocatable"}}) {
      for (const auto& [resource, value] : *amounts) {
        if (!IsAccelerator(resource)) continue;
        gpus = true;
        model::Attributes with = a;
        with.set("resource", resource);
        push(name, "{gpu}", model::Kind::gauge, value, with);
      }
    }
    if (gpus) push("k8s.node.unschedulable", "1", model::Kind::state, node.unschedulable, a);
  });
  find("pods")->ForEach([&](const KubeObject& pod) {
    if (!Asks(pod)) return;
    model::Attributes a = {{"k8s.namespace.name", pod.ns}, {"k8s.pod.name", pod.name}};
    SetIf(&a, "k8s.cluster.name", options_.cluster);
    SetIf(&a, "host.name", pod.node);
    if (!pod.phase.empty()) {
      model::Attributes with = a;
      with.set("phase", pod.phase);
      push("k8s.pod.phase", "1", model::Kind::state, 1, with);
    }
    for (const KubeContainer& c : pod.containers) {
      model::Attributes of = a;
      of.set("k8s.container.name", c.name);
      if (c.restarts >= 0)
        push("k8s.container.restart.count", "{restart}", model::Kind::counter,
             static_cast<double>(c.restarts), of);
      for (const auto& [resource, value] : c.requests) {
        if (!IsAccelerator(resource)) continue;
        model::Attributes with = of;
        with.set("resource", resource);
        push("k8s.container.gpu.request", "{gpu}", model::Kind::gauge, value, with);
      }
    }
  });
}

// ---- for the kubelet's answers
bool KubeWorld::Describe(const KubeletContainer& container, model::Holding* out) {
  const KubeWatch* pods = find("pods");
  KubeObject pod;
  if (!pods->Find(container.ns + "/" + container.pod, &pod)) return true;
  if (pod.phase == "Succeeded" || pod.phase == "Failed") return false;
  model::Attributes labels;
  AddLabels(pod, "k8s.pod.label.", &labels);
  // By its label only: what a namespace tells is the server's to say.
  out->team = TeamOf({options_.teams.label, {}}, labels, pod.ns);
  out->queue = QueueOf(pod);
  const KubeWorkload workload = owners_.WorkloadOf(pod);
  if (workload.whole) {
    out->workload_kind = workload.kind;
    out->workload = workload.name;
  }
  return true;
}

const KubeObject* KubeWorld::ClaimOf(const KubeletClaim& claim) {
  const std::string key = claim.claim_ns + "/" + claim.claim;
  const std::int64_t now = base::monotonic_ns();
  if (claims_.size() >= kMaxClaims && !claims_.contains(key)) claims_.clear();
  Claim& known = claims_[key];
  if (known.again_ns <= now && claims_pause_ns_ <= now) {
    KubeClient::Limits limits;
    limits.timeout_ms = kClaimTimeoutMs;
    const KubeAnswer answer =
        claim_client_.Get("/apis/resource.k8s.io/v1/namespaces/" + KubeQuote(claim.claim_ns) +
                              "/resourceclaims/" + KubeQuote(claim.claim),
                          false, limits, {});
    if (answer.status == 0) claims_pause_ns_ = now + kClaimAgain;
    if (answer.status != 0) known.again_ns = now + kClaimAgain;
    if (!answer.ok() || !claim_parser_.Object(answer.body, &known.object).ok())
      known.object = KubeObject();
  }
  return known.object.name.empty() ? nullptr : &known.object;
}

ClaimIs KubeWorld::ResolveClaim(const KubeletClaim& claim, model::Holding* out) {
  const KubeObject* object = ClaimOf(claim);
  if (object == nullptr) return ClaimIs::unknown;
  const auto result = std::ranges::find_if(object->results, [&](const KubeResult& r) {
    return r.driver == claim.driver && r.pool == claim.pool && r.device == claim.device &&
           r.share_id == claim.share_id;
  });
  if (result == object->results.end()) return ClaimIs::unknown;
  if (result->admin) return ClaimIs::looked_at;
  KubeDevice device;
  find("resourceslices.resource.k8s.io")->ForEach([&](const KubeObject& slice) {
    if (slice.driver != claim.driver || slice.pool != claim.pool) return;
    const auto it = std::ranges::find(slice.devices, claim.device, &KubeDevice::name);
    if (it != slice.devices.end()) device = *it;
  });
  // Of a MIG instance the slice says the parent but not how much of it.
  if (device.uuid.empty() || device.type == "mig") return ClaimIs::unknown;
  if (!result->share_id.empty()) {
    if (result->memory <= 0 || device.memory < result->memory) return ClaimIs::unknown;
    out->share = result->memory / device.memory;
    out->memory_bytes = static_cast<std::uint64_t>(result->memory);
  }
  out->gpu = device.uuid;
  return ClaimIs::held;
}

}  // namespace strata::l4_sched
