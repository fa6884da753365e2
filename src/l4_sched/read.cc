// SPDX-License-Identifier: Apache-2.0
#include "l4_sched/read.h"

#include <cmath>
#include <map>
#include <set>

#include "l4_sched/device_id.h"
#include "l4_sched/hami.h"
#include "l4_sched/kube_object.h"
#include "l4_sched/measure.h"
#include "l4_sched/pod_resources.h"
#include "l4_sched/pods.h"
#include "l4_sched/slurm.h"

namespace strata::l4_sched {
namespace {

using base::Json;
using base::Reason;
using base::Result;
using model::Attributes;
using model::Kind;
using std::string_view;

base::Status Broken(const base::Status& status, model::Batch* batch) {
  batch->refused.add(Reason::malformed, 1, status.message());
  return status;
}

Attributes OfPod(const Pod& pod) {
  return {{"k8s.namespace.name", pod.ns}, {"k8s.pod.name", pod.name}};
}

void PodEntity(const Pod& pod, Measure* out) {
  Attributes a = OfPod(pod);
  a.set("k8s.pod.uid", pod.uid);
  if (!pod.node.empty()) a.set("k8s.node.name", pod.node);
  a.set("phase", pod.phase);
  const auto [kind, name] = TopOwner(pod, {});
  a.set("k8s.workload.kind", kind);
  a.set("k8s.workload.name", name);
  if (const std::string queue = pod.queue(); !queue.empty()) a.set("queue.name", queue);
  out->Entity("pod", pod.ns + "/" + pod.name, std::move(a));
}

void PodSamples(const Pod& pod, Measure* out) {
  Attributes phase = OfPod(pod);
  phase.set("phase", pod.phase);
  out->Put("k8s.pod.phase", "1", Kind::state, phase, pod.phase.empty() ? std::nan("") : 1);
  for (const Container& c : pod.containers) {
    Attributes a = OfPod(pod);
    a.set("k8s.container.name", c.name);
    if (c.restarts >= 0)
      out->Put("k8s.container.restart.count", "{restart}", Kind::counter, a,
               static_cast<double>(c.restarts));
    for (const auto& [resource, amount] : c.requests) {
      const ResourceRole role = RoleOf(resource);
      if (role != ResourceRole::count && role != ResourceRole::mig) continue;
      Attributes with = a;
      with.set("resource", resource);
      out->Put("k8s.container.gpu.request", "{gpu}", Kind::gauge, with, amount);
    }
  }
}

void PodEvents(const Pod& pod, Measure* out) {
  const auto happened = [&](const char* event, std::string message,
                            std::int64_t at) -> model::Event& {
    model::Event e;
    e.ts = at > 0 ? at : out->now_ns();
    e.layer = "l4_sched";
    e.event = event;
    e.entity_type = "pod";
    e.entity = pod.ns + "/" + pod.name;
    e.severity = "warning";
    e.message = std::move(message);
    e.attributes = OfPod(pod);
    e.source = "l4_sched:pods";
    return out->batch()->events.emplace_back(std::move(e));
  };
  if (pod.reason == "Evicted") happened("k8s.pod.evicted", "evicted", 0);
  // Under the names and attributes that the live watch (kube_world.cc) gives them.
  if (!pod.unschedulable.empty()) {
    const SchedulingReason why = ParseScheduling(pod.unschedulable);
    Attributes& a =
        happened("k8s.pod.failed_scheduling", pod.unschedulable, pod.unschedulable_ns).attributes;
    if (!why.cause.empty()) a.set("reason", why.cause);
    if (!why.resource.empty()) a.set("resource", why.resource);
    if (why.nodes >= 0) a.set("nodes", std::to_string(why.nodes));
  }
  for (const Container& c : pod.containers) {
    if (c.reason != "OOMKilled") continue;
    model::Event& e =
        happened("k8s.container.oom_killed",
                 "container " + c.name + " was killed for want of memory", c.finished_ns);
    e.entity_type = "container";
    e.entity += "/" + c.name;
    e.attributes.set("k8s.container.name", c.name);
  }
}

void NodeFacts(const Node& node, Measure* out) {
  Attributes a = {{"host.name", node.name}};
  const std::pair<const char*, const std::string*> kTexts[] = {
      {"cloud.region", &node.region},
      {"cloud.availability_zone", &node.zone},
      {"host.type", &node.instance_type},
      {"gpu.product", &node.gpu_product},
      {"gpu.sharing_strategy", &node.sharing_strategy}};
  Attributes entity = a;
  for (const auto& [key, text] : kTexts) {
    if (!text->empty()) entity.set(key, *text);
  }
  out->Entity("node", node.name, std::move(entity));
  out->Put("k8s.node.unschedulable", "1", Kind::state, a, node.unschedulable ? 1 : 0);
  for (const auto& [signal, resources] : {std::pair{"k8s.node.gpu.allocatable", &node.allocatable},
                                          {"k8s.node.gpu.capacity", &node.capacity}}) {
    for (const auto& [resource, amount] : *resources) {
      const ResourceRole role = RoleOf(resource);
      if (role != ResourceRole::count && role != ResourceRole::mig) continue;
      Attributes with = a;
      with.set("resource", resource);
      out->Put(signal, "{gpu}", Kind::gauge, with, amount);
    }
  }
}

bool Has(string_view text, string_view what) { return text.find(what) != string_view::npos; }

string_view Start(string_view head) {
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  return first == string_view::npos ? string_view() : head.substr(first);
}

}  // namespace

// ---- pods and nodes

bool LooksPods(string_view head) {
  const string_view text = Start(head).substr(0, 262144);
  if (!text.starts_with("{")) return false;
  const bool kind = Has(text, "\"PodList\"") || Has(text, "\"NodeList\"") ||
                    Has(text, "\"kind\":\"Pod\"") || Has(text, "\"kind\": \"Pod\"") ||
                    Has(text, "\"kind\":\"Node\"") || Has(text, "\"kind\": \"Node\"");
  const bool list = Has(text, "\"items\"") && Has(text, "\"containers\"") && Has(text, "\"spec\"");
  return (kind || list) && Has(text, "\"metadata\"");
}

Result<bool> ReadPods(const base::InputFile& file, const wire::Context& context,
                      model::Batch* batch, Json* report) {
  std::uint64_t no_pods = 0, no_nodes = 0;
  auto pods = ParsePods(file.bytes, &no_pods);
  if (!pods.ok()) return Broken(pods.status(), batch);
  auto nodes = ParseNodes(file.bytes, &no_nodes);
  if (!nodes.ok()) return Broken(nodes.status(), batch);
  Measure out("l4_sched:pods", context, batch);
  const std::uint64_t objects = pods->size() + no_pods;
  if (objects > pods->size() + nodes->size())
    batch->refused.add(Reason::malformed, objects - pods->size() - nodes->size(),
                       "an object that is no pod and no node");
  std::map<std::string, std::int64_t> phases;
  std::int64_t containers = 0;
  for (const Pod& pod : *pods) {
    if (!pod.phase.empty()) ++phases[pod.phase];
    for (const Container& c : pod.containers) containers += c.init ? 0 : 1;
    PodEntity(pod, &out);
    PodSamples(pod, &out);
    PodEvents(pod, &out);
  }
  for (const Node& node : *nodes) NodeFacts(node, &out);
  Json by_phase = Json::MakeObject();
  for (const auto& [phase, n] : phases) by_phase.set(phase, n);
  report->set("layer", "l4_sched").set("report", "pods").set("pods", pods->size());
  report->set("containers", containers).set("phases", std::move(by_phase));
  if (!nodes->empty()) report->set("nodes", nodes->size());
  return true;
}

Result<bool> ReadSummary(const base::InputFile& file, const wire::Context& context,
                         model::Batch* batch, Json* report) {
  SummaryFacts facts;
  RETURN_IF_ERROR(DecodeSummary(file.bytes, context, batch, &facts));
  report->set("layer", "l4_sched").set("report", "pods").set("pods", facts.pods);
  report->set("containers", facts.containers).set("phases", Json()).set("node", facts.node);
  return true;
}

// ---- pod resources

bool LooksPodResources(string_view head) {
  const string_view text = Start(head);
  if (text.starts_with("{"))
    return Has(text.substr(0, 65536), "\"podResources\"") ||
           Has(text.substr(0, 65536), "\"pod_resources\"");
  // Protobuf: field 1, a pod, whose field 1 is its name.
  if (head.size() < 6 || head[0] != '\x0a') return false;
  const std::size_t skip = (static_cast<unsigned char>(head[1]) & 0x80) == 0 ? 2 : 3;
  if (head[skip] != '\x0a') return false;
  const auto length = static_cast<unsigned char>(head[skip + 1]);
  return length > 0 && length < 0x80 && head.size() > skip + 2 + length &&
         head.substr(skip + 2, length)
                 .find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == string_view::npos;
}

Result<bool> ReadPodResources(const base::InputFile& file, const wire::Context& context,
                              model::Batch* batch, Json* report) {
  const bool json = Start(file.bytes).starts_with("{");
  auto pods = json ? ParsePodResources(file.bytes) : DecodePodResources(file.bytes);
  if (!pods.ok()) return Broken(pods.status(), batch);
  Measure out("l4_sched:pod-resources", context, batch);
  const DeviceIndex none;
  std::int64_t containers = 0, devices = 0, claims = 0;
  for (const PodGrants& pod : *pods) {
    for (const ContainerGrants& c : pod.containers) {
      ++containers;
      claims += static_cast<std::int64_t>(c.claims.size());
      for (const DeviceGrant& d : c.devices) {
        if (RoleOf(d.resource) == ResourceRole::none) continue;
        devices += static_cast<std::int64_t>(d.ids.size());
        for (const std::string& id : d.ids) {
          const DeviceRef ref = ResolveDeviceId(id, d.resource, none);
          if (ref.share_kind != "whole" || ref.gpu.empty()) continue;  // a share needs the node
          out.Put("gpu.holding.share", "1", Kind::state,
                  {{"hw.id", ref.gpu},
                   {"k8s.namespace.name", pod.ns},
                   {"k8s.pod.name", pod.name},
                   {"k8s.container.name", c.name},
                   {"share_kind", ref.share_kind}},
                  1);
        }
      }
    }
  }
  report->set("layer", "l4_sched").set("report", "pods").set("pods", pods->size());
  report->set("containers", containers).set("phases", Json());
  report->set("devices", devices).set("claims", claims);
  return true;
}

// ---- Slurm

Result<bool> ReadSlurm(const base::InputFile& file, const wire::Context& context,
                       model::Batch* batch, Json* report) {
  auto facts = ParseSlurm(file.bytes);
  if (!facts.ok()) return Broken(facts.status(), batch);
  if (facts->bad > 0) batch->refused.add(Reason::malformed, facts->bad, facts->bad_example);
  Measure out("l4_sched:slurm", context, batch);
  double gpus = 0, waiting = 0;
  for (const SlurmJob& job : facts->jobs) {
    gpus += job.gpus;
    if (job.pending()) waiting += job.gpus_asked;
    Attributes a = {{"slurm.job.id", job.id}};
    const std::pair<const char*, const std::string*> kTexts[] = {
        {"slurm.user", &job.user},
        {"slurm.account", &job.account},
        {"slurm.partition", &job.partition},
        {"slurm.state", &job.state}};
    for (const auto& [key, text] : kTexts) {
      if (!text->empty()) a.set(key, *text);
    }
    if (facts->form != "sacct" || job.running())
      out.Put("slurm.job.gpus", "{gpu}", Kind::gauge, a, job.pending() ? job.gpus_asked : job.gpus);
    if (!job.name.empty()) a.set("slurm.job.name", job.name);
    if (!job.nodes.empty()) a.set("slurm.nodes", job.nodes);
    out.Entity("slurm_job", job.id, std::move(a));
  }
  for (const SlurmNode& node : facts->nodes) {
    const Attributes a = {{"host.name", node.name}};
    out.Put("slurm.node.gpus", "{gpu}", Kind::gauge, a, node.gpus);
    out.Put("slurm.node.gpus_used", "{gpu}", Kind::gauge, a, node.gpus_used);
    if (!facts->jobs_told) gpus += node.gpus;
  }
  if (!facts->jobs_told && !facts->nodes_told) {
    for (const SlurmStep& step : facts->steps) gpus += step.gpus;
  }
  const auto told = [](bool is, std::size_t n) { return is ? Json(n) : Json(); };
  report->set("layer", "l4_sched").set("report", "slurm").set("form", facts->form);
  report->set("jobs", told(facts->jobs_told, facts->jobs.size()));
  report->set("steps", told(facts->steps_told, facts->steps.size()));
  report->set("gpus",
              gpus == std::floor(gpus) ? Json(static_cast<std::int64_t>(gpus)) : Json(gpus));
  report->set("nodes", told(facts->nodes_told, facts->nodes.size()));
  if (facts->jobs_told && waiting > 0) report->set("gpus_waited_for", waiting);
  return true;
}

// ---- HAMi

bool LooksHami(string_view head) {
  if (head.size() >= 4 && head.substr(0, 4) == string_view("N\xf7/\x01", 4)) return true;
  const string_view text = Start(head);
  return !text.starts_with("{") && (text.starts_with("# HELP hami_") ||
                                    text.starts_with("# TYPE hami_") || text.starts_with("hami_"));
}

namespace {

Result<bool> ReadRegion(const base::InputFile& file, const wire::Context& context,
                        model::Batch* batch, Json* report) {
  auto region = DecodeRegion(file.bytes);
  if (!region.ok()) return Broken(region.status(), batch);
  Measure out("l4_sched:hami-region", context, batch);
  for (std::size_t i = 0; i < region->devices.size(); ++i) {
    const Region::Limit& d = region->devices[i];
    const Attributes a = {{"hw.id", d.uuid}};
    if (d.memory_bytes > 0)
      out.Put("gpu.vgpu.memory.limit", "By", Kind::gauge, a, static_cast<double>(d.memory_bytes));
    if (d.sm_percent > 0) out.Put("gpu.vgpu.cores.limit", "1", Kind::gauge, a, d.sm_percent / 100);
    double used = 0;
    for (const RegionProcess& p : region->processes) used += static_cast<double>(p.used_bytes[i]);
    out.Put("gpu.vgpu.memory.used", "By", Kind::gauge, a, used);
  }
  report->set("layer", "l4_sched").set("report", "hami").set("form", "region");
  report->set("version", region->version).set("devices", region->devices.size());
  report->set("processes", region->processes.size());
  return true;
}

}  // namespace

Result<bool> ReadHami(const base::InputFile& file, const wire::Context& context,
                      model::Batch* batch, Json* report) {
  const string_view text = Start(file.bytes);
  if (string_view(file.bytes).starts_with(string_view("N\xf7/\x01", 4)))
    return ReadRegion(file, context, batch, report);
  if (!text.starts_with("{")) {
    wire::TextFacts facts;
    RETURN_IF_ERROR(wire::DecodePrometheusText(file.bytes, false, context, batch, &facts));
    report->set("layer", "l4_sched").set("report", "hami").set("form", "metrics");
    report->set("samples", facts.samples);
    return true;
  }
  auto pods = ParsePods(file.bytes);
  if (!pods.ok()) return Broken(pods.status(), batch);
  Measure out("l4_sched:hami", context, batch);
  std::int64_t holders = 0, shares = 0;
  for (const Pod& pod : *pods) {
    PodShares found;
    if (!SharesOf(pod, &found)) continue;
    if (!found.why.empty()) batch->refused.add(Reason::malformed, 1, found.why);
    ++holders;
    for (std::size_t i = 0; i < found.containers.size(); ++i) {
      for (const VirtualDevice& d : found.containers[i]) {
        ++shares;
        Attributes a = OfPod(pod);
        a.set("hw.id", d.uuid);
        if (i < pod.containers.size()) a.set("k8s.container.name", pod.containers[i].name);
        out.Put("gpu.vgpu.memory.allocated", "By", Kind::gauge, a, d.memory_mib * 1048576);
        if (d.cores_percent > 0)
          out.Put("gpu.vgpu.cores.allocated", "1", Kind::gauge, a, d.cores_percent / 100);
      }
    }
  }
  report->set("layer", "l4_sched").set("report", "hami").set("form", "annotations");
  report->set("pods", holders).set("devices", shares);
  return true;
}

}  // namespace strata::l4_sched
