// SPDX-License-Identifier: Apache-2.0
// Sightings are gathered per source: several grants of one holder on one device (two instances, two
// replicas, two claims) are one sighting with the sum of their shares.
#include "l4_sched/resolver.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cmath>
#include <iterator>
#include <set>
#include <tuple>

#include "base/hash.h"
#include "l4_sched/queues.h"

namespace strata::l4_sched {
namespace {

using model::Holding;
using std::string_view;

constexpr double kMib = 1048576;

// Sums what one source says of one holder of one device.
class Gathered {
 public:
  void Add(Holding h) {
    std::uint64_t key = base::Hash64(h.gpu, base::Hash64(h.source));
    for (const std::string* part : {&h.ns, &h.pod, &h.container, &h.job})
      key = base::Hash64(*part, key);
    const auto [at, fresh] = place_.try_emplace(key, rows_.size());
    if (fresh) {
      rows_.push_back(std::move(h));
      return;
    }
    Holding& row = rows_[at->second];
    row.share = std::min(1.0, row.share + h.share);
    row.memory_bytes += h.memory_bytes;
  }
  void MoveTo(std::vector<Holding>* out) {
    if (out->empty()) {
      *out = std::move(rows_);
    } else {
      std::move(rows_.begin(), rows_.end(), std::back_inserter(*out));
    }
    rows_.clear();
    place_.clear();
  }

 private:
  std::vector<Holding> rows_;
  boost::unordered_flat_map<std::uint64_t, std::size_t> place_;
};

std::string Key(string_view ns, string_view name) {
  return std::string(ns) + "/" + std::string(name);
}

}  // namespace

struct Resolver::State {
  ResolverOptions options;
  std::map<std::string, std::vector<Device>> devices;  // by node
  std::map<std::string, DeviceIndex> index;
  std::map<std::string, const Device*, std::less<>> by_uuid;
  std::map<std::string, Node, std::less<>> nodes;
  std::vector<Pod> pods;
  std::map<std::string, const Pod*, std::less<>> by_name, by_uid;
  std::map<std::string, OwnedObject, std::less<>> owners;
  std::map<std::string, std::vector<PodGrants>> grants;
  std::map<std::string, std::map<std::string, int>> replicas;  // node -> device -> ids offered
  DraPools pools;
  std::vector<DraClaim> claims;
  std::map<std::string, std::vector<RegionFile>> regions;
  SlurmFacts slurm;
  std::map<std::string, std::vector<DeviceProcess>> processes;
  std::set<std::string> told, telling;  // disputes of the last look and of this one

  std::int64_t now_ns = 0;
  model::Batch* batch = nullptr;
  Gathered gathered;

  const Pod* Find(string_view ns, string_view name) const {
    const auto it = by_name.find(Key(ns, name));
    return it == by_name.end() ? nullptr : it->second;
  }

  void Dispute(const std::string& type, const std::string& entity, const std::string& text) {
    const std::string key = entity + "|" + text;
    telling.insert(key);
    if (told.contains(key)) return;
    model::Event e;
    e.ts = now_ns;
    e.layer = "l4_sched";
    e.event = "holding.dispute";
    e.entity_type = type;
    e.entity = entity;
    e.severity = "warning";
    e.message = text;
    e.source = "l4_sched";
    e.origin = options.origin;
    batch->events.push_back(std::move(e));
  }

  Holding Begin(const char* source, const std::string& node, string_view ns, string_view pod,
                string_view container) {
    Holding h;
    h.source = source;
    h.node = node;
    h.cluster = options.cluster;
    h.origin = options.origin;
    h.ns = ns;
    h.pod = pod;
    h.container = container;
    h.valid_from = now_ns;
    if (const Pod* p = Find(ns, pod); p != nullptr) Describe(*p, &h);
    return h;
  }

  void Describe(const Pod& pod, Holding* h) const {
    std::tie(h->workload_kind, h->workload) = TopOwner(pod, owners);
    h->queue = pod.queue();
    h->team = Team(pod);
    if (h->node.empty()) h->node = pod.node;
  }

  std::string Team(const Pod& pod) const {
    if (!options.teams.label.empty()) {
      for (const Texts* texts : {&pod.labels, &pod.annotations}) {
        if (const auto it = texts->find(options.teams.label); it != texts->end()) return it->second;
      }
    }
    const auto it = options.teams.namespaces.find(pod.ns);
    return it == options.teams.namespaces.end() ? std::string() : it->second;
  }

  double MemoryMib(const std::string& node, string_view uuid) const {
    if (const auto it = by_uuid.find(uuid); it != by_uuid.end() && it->second->memory_bytes > 0)
      return static_cast<double>(it->second->memory_bytes) / kMib;
    if (const auto it = nodes.find(node); it != nodes.end()) {
      for (const RegisteredDevice& d : RegisteredOn(it->second)) {
        if (d.id == uuid) return d.memory_mib;
      }
    }
    return 0;
  }

  std::string Model(string_view uuid) const {
    const auto it = by_uuid.find(uuid);
    return it == by_uuid.end() ? std::string() : it->second->model;
  }

  // ---- kubelet

  // Into how many the device is offered; 0 = not known.
  int Replicas(const std::string& node, const std::string& gpu) const {
    if (const auto it = replicas.find(node); it != replicas.end()) {
      if (const auto n = it->second.find(gpu); n != it->second.end()) return n->second;
    }
    const auto it = nodes.find(node);
    return it == nodes.end() ? 0 : it->second.gpu_replicas;
  }

  // What a container's requests say of its share of one HAMi device; 0 = nothing.
  double RequestedShare(const Pod& pod, string_view container, double device_mib) const {
    const Container* c = pod.container(container);
    if (c == nullptr) return 0;
    double share = 0;
    for (const auto& [name, amount] : c->requests) {
      const ResourceRole role = RoleOf(name);
      if (role == ResourceRole::cores_percent || role == ResourceRole::memory_percent)
        share = std::max(share, amount / 100);
      if (role == ResourceRole::memory_mib && device_mib > 0)
        share = std::max(share, amount / device_mib);
    }
    return std::min(1.0, share);
  }

  void Grant(const std::string& node, const PodGrants& pod, const ContainerGrants& container,
             const DeviceGrant& grant) {
    static const DeviceIndex kNone;
    const auto found = index.find(node);
    const DeviceIndex& here = found == index.end() ? kNone : found->second;
    const auto known = nodes.find(node);
    const Holding whose = Begin("kubelet", node, pod.ns, pod.name, container.name);
    for (const std::string& id : grant.ids) {
      const DeviceRef ref = ResolveDeviceId(id, grant.resource, here);
      if (ref.gpu.empty()) {
        Dispute("node", node, "kubelet gave " + Key(pod.ns, pod.name) + " " + id + ": " + ref.why);
        continue;
      }
      Holding h = whose;
      h.gpu = ref.gpu;
      h.share_kind = ref.share_kind;
      h.share = 1;
      if (ref.share_kind == "mig") {
        h.share = MigProfileShare(ref.profile, Model(ref.gpu));
      } else if (ref.share_kind == "timeslice") {
        const int n = Replicas(node, ref.gpu);
        h.share = n > 0 ? 1.0 / n : 0;
        if (known != nodes.end() && known->second.sharing_strategy == "mps") h.share_kind = "mps";
      } else if (ref.share_kind == "hami") {
        const Pod* p = Find(pod.ns, pod.name);
        const int n = Replicas(node, ref.gpu);
        h.share = p == nullptr ? 0 : RequestedShare(*p, container.name, MemoryMib(node, ref.gpu));
        if (h.share <= 0 && n > 0) h.share = 1.0 / n;
      }
      if (ref.replica >= 0 && ref.share_kind == "mig")
        h.share /= std::max(1, Replicas(node, ref.gpu));
      gathered.Add(std::move(h));
    }
  }

  // A claim in the kubelet's answer, where the API server's claims are not read.
  void GrantClaim(const std::string& node, const PodGrants& pod, const ContainerGrants& container,
                  const ClaimGrant& grant) {
    std::set<std::string> users;  // pods on this node that the same device of the claim was given
    for (const PodGrants& p : grants.at(node)) {
      for (const ContainerGrants& c : p.containers) {
        for (const ClaimGrant& g : c.claims) {
          if (g.claim == grant.claim && g.claim_ns == grant.claim_ns && g.device == grant.device)
            users.insert(Key(p.ns, p.name) + "/" + c.name);
        }
      }
    }
    const DraShare share =
        ShareOf({"", grant.driver, grant.pool, grant.device, grant.share_id, false, {}}, pools,
                users.size());
    if (share.gpu.empty()) return;  // without slices it cannot be told; the claims may tell
    Holding h = Begin("kubelet", node, pod.ns, pod.name, container.name);
    h.gpu = share.gpu;
    h.share_kind = "dra";
    h.share = share.share;
    gathered.Add(std::move(h));
  }

  void Kubelet() {
    for (const auto& [node, list] : grants) {
      for (const PodGrants& pod : list) {
        const Pod* p = Find(pod.ns, pod.name);
        if (p != nullptr && p->over()) continue;  // the kubelet goes on listing pods that ended
        if (IsReservationPod(pod.ns, pod.name) && fractions_of.contains(Key(pod.ns, pod.name)))
          continue;
        for (const ContainerGrants& c : pod.containers) {
          for (const DeviceGrant& d : c.devices) {
            if (RoleOf(d.resource) != ResourceRole::none) Grant(node, pod, c, d);
          }
          for (const ClaimGrant& g : c.claims) GrantClaim(node, pod, c, g);
        }
      }
    }
  }

  // ---- HAMi, Volcano

  void Annotated(const Pod& pod) {
    PodShares shares;
    if (!SharesOf(pod, &shares)) return;
    const std::string who = Key(pod.ns, pod.name);
    if (!shares.why.empty()) Dispute("pod", who, who + ": " + shares.why);
    for (std::size_t i = 0; i < shares.containers.size(); ++i) {
      const std::string container = i < pod.containers.size() ? pod.containers[i].name : "";
      if (i < pod.containers.size() && pod.containers[i].init && !pod.containers[i].sidecar &&
          pod.running())
        continue;  // its turn is over
      for (const VirtualDevice& d : shares.containers[i]) {
        const auto node = index.find(pod.node);
        if (node != index.end() && !node->second.by_id.contains(d.uuid)) {
          Dispute("pod", who,
                  shares.scheduler + " annotation of " + who + " names " + d.uuid +
                      ", which node " + pod.node + " does not have");
          continue;
        }
        Holding h = Begin(shares.scheduler.c_str(), pod.node, pod.ns, pod.name, container);
        h.gpu = d.uuid;
        const double mib = MemoryMib(pod.node, d.uuid);
        double share = ShareOf(d, mib);
        h.share_kind = "hami";
        if (!d.mig_profile.empty()) {
          h.share_kind = "mig";
          share = MigProfileShare(d.mig_profile, Model(d.uuid));
        }
        if (share > 1 + 1e-9) {
          char text[160];
          std::snprintf(text, sizeof text,
                        "%s annotation claims %.3f of a device: at most 1 counts",
                        shares.scheduler.c_str(), share);
          Dispute("gpu", d.uuid, who + ": " + text);
        }
        h.share = std::min(1.0, share);
        h.memory_bytes = static_cast<std::uint64_t>(std::min(d.memory_mib, 1e9) * kMib);
        // Since when it was bound, but not before the pod began.
        const std::int64_t since = std::max(shares.bound_ns, pod.started_ns);
        if (since > 0 && since < now_ns) h.valid_from = since, h.valid_to = now_ns;
        gathered.Add(std::move(h));
      }
    }
  }

  void Regions() {
    for (const auto& [node, files] : regions) {
      for (const RegionFile& file : files) {
        const auto pod = by_uid.find(file.pod_uid);
        if (pod == by_uid.end() || pod->second->over()) continue;
        for (const Region::Limit& d : file.region.devices) {
          Holding h = Begin("region", node, pod->second->ns, pod->second->name, file.container);
          h.gpu = d.uuid;
          h.share_kind = "hami";
          const double mib = MemoryMib(node, d.uuid);
          h.share = std::min(1.0, ShareOf({d.uuid, "", static_cast<double>(d.memory_bytes) / kMib,
                                           d.sm_percent >= 100 ? 0 : d.sm_percent, "", "", ""},
                                          mib));
          h.memory_bytes = d.memory_bytes;
          gathered.Add(std::move(h));
        }
      }
    }
  }

  // ---- KAI, run:ai

  std::set<std::string> fractions_of;  // reservation pods whose group has members

  // The device of the reservation pod of a group on a node; "" = not known.
  std::string Reserved(const std::string& node, const std::string& group, std::string* pod_key) {
    const auto list = grants.find(node);
    if (list == grants.end()) return {};
    for (const PodGrants& pod : list->second) {
      const Pod* p = Find(pod.ns, pod.name);
      if (p == nullptr || !IsReservation(*p)) continue;
      const auto label = p->labels.find("runai-gpu-group");
      if (label == p->labels.end() || label->second != group) continue;
      *pod_key = Key(pod.ns, pod.name);
      for (const ContainerGrants& c : pod.containers) {
        for (const DeviceGrant& d : c.devices) {
          for (const std::string& id : d.ids) {
            const DeviceRef ref = ResolveDeviceId(id, d.resource, DeviceIndex());
            if (!ref.gpu.empty()) return ref.gpu;
          }
        }
      }
    }
    return {};
  }

  void Fractions() {
    fractions_of.clear();
    for (const Pod& pod : pods) {
      Fraction f;
      if (pod.over() || pod.node.empty() || !FractionOf(pod, &f)) continue;
      std::string reservation;
      const std::string gpu = Reserved(pod.node, f.group, &reservation);
      if (gpu.empty()) continue;  // waits, or its reservation is not seen
      fractions_of.insert(reservation);
      Holding h = Begin("kai", pod.node, pod.ns, pod.name,
                        !f.container.empty()     ? f.container
                        : pod.containers.empty() ? std::string()
                                                 : pod.containers.back().name);
      h.gpu = gpu;
      h.share_kind = f.mps ? "mps" : "timeslice";
      const double mib = MemoryMib(pod.node, gpu);
      double share = f.share > 0 ? f.share : mib > 0 ? f.memory_mib / mib : 0;
      if (share > 1 + 1e-9)
        Dispute("gpu", gpu, Key(pod.ns, pod.name) + " asks for more than one device as a fraction");
      h.share = std::clamp(share, 0.0, 1.0);
      gathered.Add(std::move(h));
    }
  }

  // ---- DRA

  void Claims() {
    for (const DraClaim& claim : claims) {
      std::vector<const Pod*> users;
      std::size_t reserved = 0;
      for (const DraClaim::Consumer& c : claim.reserved_for) {
        if (c.resource != "pods") continue;
        ++reserved;
        const auto pod = by_uid.find(c.uid);
        if (pod != by_uid.end() && !pod->second->over()) users.push_back(pod->second);
      }
      // Pods that are not known (yet) hold all the same: by name.
      const std::size_t parts = users.empty() ? reserved : users.size();
      for (const DraClaim::Consumer& c : claim.reserved_for) {
        if (c.resource != "pods") continue;
        const auto pod = by_uid.find(c.uid);
        if (pod != by_uid.end() ? pod->second->over() : !users.empty()) continue;
        for (const DraResult& result : claim.results) {
          if (!result.admin) Result(claim, result, c.name, parts);
        }
      }
    }
  }

  void Result(const DraClaim& claim, const DraResult& result, const std::string& pod,
              std::size_t parts) {
    const DraShare share = ShareOf(result, pools, parts);
    if (share.gpu.empty()) {
      Dispute("pod", Key(claim.ns, pod),
              "claim " + claim.name + " of " + Key(claim.ns, pod) + ": " + share.why);
      return;
    }
    const DraDevice* device = pools.find(result.driver, result.pool, result.device);
    Holding h = Begin("dra", device->node, claim.ns, pod, "");
    h.gpu = share.gpu;
    h.share_kind = device->parent_uuid.empty() ? "dra" : "mig";
    h.share = share.share;
    if (claim.allocated_ns > 0 && claim.allocated_ns < now_ns)
      h.valid_from = claim.allocated_ns, h.valid_to = now_ns;
    gathered.Add(std::move(h));
  }

  // ---- Slurm

  void Jobs() {
    for (const SlurmJob& job : slurm.jobs) {
      if (!job.running()) continue;
      if (job.gpus > 0 && job.grants.empty()) {
        Dispute("slurm_job", job.id,
                "job " + job.id + " has " + std::to_string(static_cast<long>(job.gpus)) +
                    " GPUs, but this form does not say which: scontrol show job -d does");
        continue;
      }
      for (const SlurmGrant& grant : job.grants) {
        for (const Gres& gres : grant.gres) Gpus(job, grant.node, gres);
      }
    }
  }

  void Gpus(const SlurmJob& job, const std::string& node, const Gres& gres) {
    if (gres.name != "gpu" && gres.name != "mps" && gres.name != "shard") return;
    const auto here = index.find(node);
    for (const int i : gres.indices) {
      if (here == index.end() || !here->second.by_index.contains(i)) {
        Dispute("slurm_job", job.id,
                "job " + job.id + " holds GPU " + std::to_string(i) + " of " + node +
                    ", of which no UUID is known");
        continue;
      }
      Holding h = Begin("slurm", node, "", "", "");
      h.gpu = here->second.by_index.at(i)->uuid;
      h.job = job.id;
      h.user = job.user, h.account = job.account, h.partition = job.partition;
      h.queue = job.partition;
      const auto team = options.accounts.find(job.account);
      h.team = team == options.accounts.end() ? job.account : team->second;
      h.workload = job.name;
      h.workload_kind =
          job.het_id.empty() ? job.array_id.empty() ? "SlurmJob" : "SlurmArray" : "SlurmHetJob";
      h.share_kind = gres.name == "gpu" ? "slurm" : gres.name == "mps" ? "mps" : "timeslice";
      h.share = gres.name == "gpu" ? 1 : gres.name == "mps" ? std::min(1.0, gres.count / 100) : 0;
      if (job.start_ns > 0 && job.start_ns < now_ns)
        h.valid_from = job.start_ns, h.valid_to = now_ns;
      gathered.Add(std::move(h));
    }
  }

  // ---- processes

  void Processes() {
    for (const auto& [node, list] : processes) {
      for (const DeviceProcess& p : list) {
        const auto pod = p.owner.pod_uid.empty() ? by_uid.end() : by_uid.find(p.owner.pod_uid);
        Holding h = Begin("process", node, pod == by_uid.end() ? "" : pod->second->ns,
                          pod == by_uid.end() ? "" : pod->second->name, "");
        h.gpu = p.gpu;
        h.share_kind = "process";
        h.share = 0;
        h.memory_bytes = p.memory_bytes;
        if (pod != by_uid.end()) {
          for (const Container& c : pod->second->containers) {
            if (c.id == p.owner.container && !c.id.empty()) h.container = c.name;
          }
        } else if (!p.owner.slurm_id.empty()) {
          h.job = p.owner.slurm_id;
          h.user = p.owner.slurm_user, h.account = p.owner.slurm_account;
          h.partition = p.owner.slurm_partition;
        } else if (!p.owner.container.empty()) {
          h.container = p.owner.container;
        } else {
          h.user = p.user;
          h.job = p.program.empty() ? p.user : p.user + "/" + p.program;
        }
        if (p.started_ns > 0 && p.started_ns < now_ns)
          h.valid_from = p.started_ns, h.valid_to = now_ns;
        gathered.Add(std::move(h));
      }
    }
  }

  void Entities() {
    for (const Pod& pod : pods) {
      if (GpusOf(pod.effective_requests()) <= 0 && pod.claims.empty()) {
        PodShares shares;
        Fraction fraction;
        if (!SharesOf(pod, &shares) && !FractionOf(pod, &fraction)) continue;
      }
      Holding h;
      Describe(pod, &h);
      model::Entity e;
      e.type = "pod";
      e.id = e.name = Key(pod.ns, pod.name);
      e.seen_ns = now_ns;
      e.origin = options.origin;
      e.attributes = {{"k8s.namespace.name", pod.ns},
                      {"k8s.pod.name", pod.name},
                      {"k8s.workload.kind", h.workload_kind},
                      {"k8s.workload.name", h.workload}};
      for (const auto& [key, value] : {std::pair{"k8s.pod.uid", pod.uid},
                                       {"k8s.node.name", pod.node},
                                       {"queue.name", h.queue},
                                       {"phase", pod.phase}}) {
        if (!value.empty()) e.attributes.set(key, value);
      }
      if (!options.teams.label.empty() && !h.team.empty())
        e.attributes.set("k8s.pod.label." + options.teams.label, h.team);
      batch->entities.push_back(std::move(e));
    }
  }
};

Resolver::Resolver(ResolverOptions options) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
}
Resolver::~Resolver() = default;

void Resolver::SetDevices(const std::string& node, std::vector<Device> devices) {
  State& s = *state_;
  for (const Device& d : s.devices[node]) s.by_uuid.erase(d.uuid);
  for (Device& d : devices) d.node = node;
  const auto& kept = s.devices[node] = std::move(devices);
  s.index[node] = DeviceIndex(kept);
  for (const Device& d : kept) s.by_uuid[d.uuid] = &d;
}

void Resolver::SetNodes(std::vector<Node> nodes) {
  state_->nodes.clear();
  for (Node& n : nodes) {
    std::string name = n.name;
    state_->nodes[std::move(name)] = std::move(n);
  }
}

void Resolver::SetPods(std::vector<Pod> pods) {
  State& s = *state_;
  s.by_name.clear();
  s.by_uid.clear();
  s.pods = std::move(pods);
  for (const Pod& p : s.pods) {
    s.by_name[Key(p.ns, p.name)] = &p;
    if (!p.uid.empty()) s.by_uid[p.uid] = &p;
    if (!p.config_hash.empty()) s.by_uid[p.config_hash] = &p;
  }
}

void Resolver::SetOwners(std::vector<OwnedObject> owners) {
  state_->owners.clear();
  for (OwnedObject& o : owners) {
    std::string uid = o.uid;
    state_->owners[std::move(uid)] = std::move(o);
  }
}

void Resolver::SetPodResources(const std::string& node, std::vector<PodGrants> pods) {
  state_->grants[node] = std::move(pods);
}

void Resolver::SetAllocatable(const std::string& node, std::vector<DeviceGrant> devices) {
  auto& counts = state_->replicas[node];
  counts.clear();
  static const DeviceIndex kNone;
  const auto here = state_->index.find(node);
  for (const DeviceGrant& grant : devices) {
    for (const std::string& id : grant.ids) {
      const DeviceRef ref =
          ResolveDeviceId(id, grant.resource, here == state_->index.end() ? kNone : here->second);
      if (ref.replica >= 0 && !ref.gpu.empty()) ++counts[ref.gpu];
    }
  }
}

void Resolver::SetSlices(DraPools pools) { state_->pools = std::move(pools); }
void Resolver::SetClaims(std::vector<DraClaim> claims) { state_->claims = std::move(claims); }
void Resolver::SetRegions(const std::string& node, std::vector<RegionFile> files) {
  state_->regions[node] = std::move(files);
}
void Resolver::SetSlurm(SlurmFacts facts) { state_->slurm = std::move(facts); }
void Resolver::SetProcesses(const std::string& node, std::vector<DeviceProcess> processes) {
  state_->processes[node] = std::move(processes);
}

void Resolver::Look(std::int64_t now_ns, model::Batch* batch) {
  State& s = *state_;
  s.now_ns = now_ns;
  s.batch = batch;
  s.telling.clear();
  s.Fractions();
  s.Kubelet();
  for (const Pod& pod : s.pods) {
    if (!pod.over() && !pod.node.empty()) s.Annotated(pod);
  }
  s.Regions();
  s.Claims();
  s.Jobs();
  s.Processes();
  s.Entities();
  s.gathered.MoveTo(&batch->holdings);
  std::swap(s.told, s.telling);
}

}  // namespace strata::l4_sched
