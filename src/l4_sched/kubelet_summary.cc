// SPDX-License-Identifier: Apache-2.0
// The kubelet's /stats/summary: CPU, memory, network and filesystem of the node, its pods and their
// containers, under the names of OpenTelemetry's kubeletstats receiver. What is not in the answer
// gives no sample.
#include <limits>

#include "l4_sched/measure.h"
#include "l4_sched/object_json.h"
#include "l4_sched/read.h"

namespace strata::l4_sched {
namespace {

using model::Kind;
using std::string_view;

struct Names {
  string_view cpu_usage, cpu_time, memory, working_set, rss, available, network, errors, fs_used,
      fs_available, fs_capacity;
};
constexpr Names kNode = {"k8s.node.cpu.usage",          "k8s.node.cpu.time",
                         "k8s.node.memory.usage",       "k8s.node.memory.working_set",
                         "k8s.node.memory.rss",         "k8s.node.memory.available",
                         "k8s.node.network.io",         "k8s.node.network.errors",
                         "k8s.node.filesystem.usage",   "k8s.node.filesystem.available",
                         "k8s.node.filesystem.capacity"};
constexpr Names kPod = {"k8s.pod.cpu.usage",          "k8s.pod.cpu.time",
                        "k8s.pod.memory.usage",       "k8s.pod.memory.working_set",
                        "k8s.pod.memory.rss",         "k8s.pod.memory.available",
                        "k8s.pod.network.io",         "k8s.pod.network.errors",
                        "k8s.pod.filesystem.usage",   "k8s.pod.filesystem.available",
                        "k8s.pod.filesystem.capacity"};
constexpr Names kContainer = {"container.cpu.usage",
                              "container.cpu.time",
                              "container.memory.usage",
                              "container.memory.working_set",
                              "container.memory.rss",
                              "container.memory.available",
                              "",
                              "",
                              "container.filesystem.usage",
                              "container.filesystem.available",
                              "container.filesystem.capacity"};

void Put(JsonView of, const Names& names, const model::Attributes& who, Measure* out) {
  const JsonView cpu = of["cpu"], memory = of["memory"];
  const std::int64_t cpu_at = TimeOf(cpu["time"]), memory_at = TimeOf(memory["time"]);
  out->Put(names.cpu_usage, "{cpu}", Kind::gauge, who, cpu["usageNanoCores"].number() * 1e-9,
           cpu_at);
  out->Put(names.cpu_time, "s", Kind::counter, who, cpu["usageCoreNanoSeconds"].number() * 1e-9,
           cpu_at);
  for (const auto& [name, key] : {std::pair{names.memory, "usageBytes"},
                                  {names.working_set, "workingSetBytes"},
                                  {names.rss, "rssBytes"},
                                  {names.available, "availableBytes"}})
    out->Put(name, "By", Kind::gauge, who, memory[key].number(), memory_at);
  if (const JsonView network = of["network"]; network.is_object() && !names.network.empty()) {
    const std::int64_t at = TimeOf(network["time"]);
    for (const auto& [direction, bytes, errors] :
         {std::tuple{"receive", "rxBytes", "rxErrors"}, {"transmit", "txBytes", "txErrors"}}) {
      model::Attributes with = who;
      with.set("network.io.direction", direction);
      if (!network["name"].text().empty())
        with.set("network.interface.name", network["name"].text());
      out->Put(names.network, "By", Kind::counter, with, network[bytes].number(), at);
      out->Put(names.errors, "{error}", Kind::counter, with, network[errors].number(), at);
    }
  }
  const JsonView fs = of["fs"].is_object()                  ? of["fs"]
                      : of["ephemeral-storage"].is_object() ? of["ephemeral-storage"]
                                                            : of["rootfs"];
  const std::int64_t fs_at = TimeOf(fs["time"]);
  for (const auto& [name, key] : {std::pair{names.fs_used, "usedBytes"},
                                  {names.fs_available, "availableBytes"},
                                  {names.fs_capacity, "capacityBytes"}})
    out->Put(name, "By", Kind::gauge, who, fs[key].number(), fs_at);
}

}  // namespace

bool LooksSummary(string_view head) {
  return head.find("\"nodeName\"") != string_view::npos &&
         (head.find("\"systemContainers\"") != string_view::npos ||
          head.find("\"usageNanoCores\"") != string_view::npos) &&
         head.find("\"podResources\"") == string_view::npos;
}

base::Status DecodeSummary(string_view json, const wire::Context& context, model::Batch* batch,
                           SummaryFacts* facts) {
  JsonDocument document;
  auto root = document.Parse(json);
  if (!root.ok()) {
    batch->refused.add(base::Reason::malformed, 1, root.status().message());
    return root.status();
  }
  const JsonView node = (*root)["node"];
  if (!node.is_object() || node["nodeName"].text().empty())
    return base::Invalid("no answer of /stats/summary: it has no node.nodeName");
  Measure out("l4_sched:kubelet-summary", context, batch);
  const std::string name = node["nodeName"].str();
  facts->node = name;
  Put(node, kNode, {{"host.name", name}}, &out);
  (*root)["pods"].each([&](JsonView pod) {
    const std::string ns = pod["podRef"]["namespace"].str(), pod_name = pod["podRef"]["name"].str();
    if (pod_name.empty()) return batch->refused.add(base::Reason::unnamed, 1, "a pod without name");
    ++facts->pods;
    const model::Attributes who = {
        {"host.name", name}, {"k8s.namespace.name", ns}, {"k8s.pod.name", pod_name}};
    Put(pod, kPod, who, &out);
    pod["containers"].each([&](JsonView c) {
      if (c["name"].text().empty()) return;
      ++facts->containers;
      model::Attributes with = who;
      with.set("k8s.container.name", c["name"].text());
      Put(c, kContainer, with, &out);
    });
  });
  return base::Status::Ok();
}

}  // namespace strata::l4_sched
