// SPDX-License-Identifier: Apache-2.0
#include "l4_sched/queues.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "l4_sched/object_json.h"

namespace strata::l4_sched {
namespace {

using std::string_view;

void Add(const Resources& from, double times, Resources* to) {
  for (const auto& [name, amount] : from) (*to)[name] += amount * times;
}

Resources PodSpecRequests(JsonView spec) {
  Resources out;
  spec["containers"].each([&](JsonView c) {
    Resources requests = ResourcesOf(c["resources"]["requests"]);
    for (const auto& [name, amount] : ResourcesOf(c["resources"]["limits"]))
      requests.try_emplace(name, amount);
    Add(requests, 1, &out);
  });
  return out;
}

QueuedWork Begin(JsonView object, string_view scheduler) {
  const JsonView metadata = object["metadata"];
  QueuedWork out;
  out.scheduler = scheduler;
  out.ns = metadata["namespace"].str();
  out.name = metadata["name"].str();
  out.uid = metadata["uid"].str();
  out.created_ns = TimeOf(metadata["creationTimestamp"]);
  for (const Owner& o : OwnersOf(metadata)) {
    if (o.controller || out.owner.empty()) out.owner_kind = o.kind, out.owner = o.name;
  }
  return out;
}

QueuedWork KueueWorkload(JsonView object) {
  QueuedWork out = Begin(object, "kueue");
  const JsonView spec = object["spec"], status = object["status"];
  out.queue = spec["queueName"].str();
  out.cluster_queue = status["admission"]["clusterQueue"].str();
  spec["podSets"].each([&](JsonView set) {
    const double n = set["count"].number();
    Add(PodSpecRequests(set["template"]["spec"]), std::isfinite(n) ? n : 1, &out.asked);
  });
  out.state = "pending";
  out.since_ns = out.created_ns;
  // Later ones in this order decide; a workload that was evicted waits again.
  struct Rule {
    const char* type;
    const char* state;
  };
  constexpr Rule kRules[] = {{"QuotaReserved", "reserved"},
                             {"Admitted", "admitted"},
                             {"Evicted", "evicted"},
                             {"Finished", "finished"}};
  for (const Rule& rule : kRules) {
    status["conditions"].each([&](JsonView c) {
      if (c["type"].text() != rule.type) return;
      const bool yes = c["status"].text() == "True";
      const bool refused = !yes && string_view(rule.type) == "QuotaReserved";
      if (!yes && !refused) return;
      const string_view reason = c["reason"].text();
      out.state = yes ? rule.state : reason == "Inadmissible" ? "inadmissible" : "pending";
      out.reason = reason;
      out.message = c["message"].str();
      if (yes) out.since_ns = TimeOf(c["lastTransitionTime"]);
    });
  }
  if (!spec["active"].some() || spec["active"].truth()) return out;
  if (out.state != "finished") out.state = "inadmissible", out.reason = "Deactivated";
  return out;
}

Queue KueueQueue(JsonView object, bool local) {
  Queue out;
  out.scheduler = "kueue";
  out.ns = object["metadata"]["namespace"].str();
  out.name = object["metadata"]["name"].str();
  const JsonView spec = object["spec"], status = object["status"];
  const string_view stop = spec["stopPolicy"].text();
  out.stopped = !stop.empty() && stop != "None";
  if (local) {
    out.cluster_queue = spec["clusterQueue"].str();
  } else {
    out.cohort = spec["cohort"].is_string() ? spec["cohort"].str() : spec["cohortName"].str();
    spec["resourceGroups"].each([&](JsonView group) {
      group["flavors"].each([&](JsonView flavor) {
        flavor["resources"].each([&](JsonView r) {
          if (RoleOf(r["name"].text()) == ResourceRole::none) return;
          const JsonView quota = r["nominalQuota"];
          const double n = quota.is_string() ? ParseQuantity(quota.text()) : quota.number();
          if (std::isfinite(n)) out.quota[r["name"].str()] += n;
        });
      });
    });
  }
  for (const char* key : {"flavorsUsage", "flavorUsage"}) {
    status[key].each([&](JsonView flavor) {
      flavor["resources"].each([&](JsonView r) {
        if (RoleOf(r["name"].text()) == ResourceRole::none) return;
        const JsonView total = r["total"];
        const double n = total.is_string() ? ParseQuantity(total.text()) : total.number();
        if (std::isfinite(n)) out.used[r["name"].str()] += n;
      });
    });
  }
  return out;
}

QueuedWork VolcanoGroup(JsonView object) {
  QueuedWork out = Begin(object, "volcano");
  out.queue = object["spec"]["queue"].str();
  out.asked = ResourcesOf(object["spec"]["minResources"]);
  const string_view phase = object["status"]["phase"].text();
  out.since_ns = out.created_ns;
  if (phase == "Pending" || phase == "Inqueue" || phase.empty()) out.state = "pending";
  if (phase == "Running") out.state = "running";
  if (phase == "Completed") out.state = "finished";
  object["status"]["conditions"].each([&](JsonView c) {
    if (c["type"].text() == "Unschedulable" && c["status"].text() == "True" &&
        out.state == "pending") {
      out.reason = c["reason"].str();
      out.message = c["message"].str();
    }
  });
  return out;
}

Queue VolcanoQueue(JsonView object) {
  Queue out;
  out.scheduler = "volcano";
  out.name = object["metadata"]["name"].str();
  const JsonView spec = object["spec"];
  out.cohort = spec["parent"].str();
  out.quota = ResourcesOf(spec["capability"]);
  if (out.quota.empty()) out.quota = ResourcesOf(spec["deserved"]);
  out.used = ResourcesOf(object["status"]["allocated"]);
  const double weight = spec["weight"].number();
  out.weight = std::isfinite(weight) ? weight : 0;
  out.stopped = object["status"]["state"].text() == "Closed";
  return out;
}

QueuedWork KaiGroup(JsonView object) {
  QueuedWork out = Begin(object, "kai");
  out.queue = object["spec"]["queue"].str();
  const string_view phase = object["status"]["phase"].text();
  out.state = phase == "Running" ? "running" : phase == "Completed" ? "finished" : "pending";
  out.since_ns = out.created_ns;
  object["status"]["schedulingConditions"].each([&](JsonView c) {
    out.reason = c["reason"].str();
    out.message = c["message"].str();
  });
  return out;
}

Queue KaiQueue(JsonView object) {
  Queue out;
  out.scheduler = "kai";
  out.name = object["metadata"]["name"].str();
  out.cohort = object["spec"]["parentQueue"].str();
  const JsonView gpu = object["spec"]["resources"]["gpu"];
  const double quota = gpu["quota"].number(), weight = gpu["overQuotaWeight"].number();
  if (quota >= 0) out.quota["nvidia.com/gpu"] = quota;  // -1 = no limit
  if (std::isfinite(weight)) out.weight = weight;
  object["status"]["allocated"].fields([&](string_view name, JsonView v) {
    const double n = v.is_string() ? ParseQuantity(v.text()) : v.number();
    if (RoleOf(name) != ResourceRole::none && std::isfinite(n)) out.used[std::string(name)] = n;
  });
  return out;
}

}  // namespace

base::Result<Queues> ParseQueues(string_view json) {
  Queues out;
  RETURN_IF_ERROR(ForEachObject(json, [&](JsonView object) {
    const string_view api = object["apiVersion"].text(), kind = object["kind"].text();
    if (api.starts_with("kueue.x-k8s.io/") && kind == "Workload")
      out.work.push_back(KueueWorkload(object));
    else if (api.starts_with("kueue.x-k8s.io/") && kind.ends_with("Queue"))
      out.queues.push_back(KueueQueue(object, kind == "LocalQueue"));
    else if (api.starts_with("scheduling.volcano.sh/") && kind == "PodGroup")
      out.work.push_back(VolcanoGroup(object));
    else if (api.starts_with("scheduling.volcano.sh/") && kind == "Queue")
      out.queues.push_back(VolcanoQueue(object));
    else if (api.starts_with("scheduling.run.ai/") && kind == "PodGroup")
      out.work.push_back(KaiGroup(object));
    else if (api.starts_with("scheduling.run.ai/") && kind == "Queue")
      out.queues.push_back(KaiQueue(object));
    else
      ++out.other;
  }));
  return out;
}

bool FractionOf(const Pod& pod, Fraction* out) {
  const auto annotation = [&](string_view key) -> string_view {
    const auto it = pod.annotations.find(key);
    return it == pod.annotations.end() ? string_view() : string_view(it->second);
  };
  const double share = ParseQuantity(annotation("gpu-fraction"));
  const double memory = ParseQuantity(annotation("gpu-memory"));
  if (IsReservation(pod) || (!std::isfinite(share) && !std::isfinite(memory))) return false;
  *out = {};
  if (std::isfinite(share)) out->share = share;
  if (std::isfinite(memory)) out->memory_mib = memory;
  const double devices = ParseQuantity(annotation("gpu-fraction-num-devices"));
  if (devices >= 1 && devices <= 64) out->devices = static_cast<int>(devices);
  out->container = annotation("gpu-fraction-container-name");
  out->mps = annotation("mps") == "true";
  for (const auto& [key, value] : pod.labels) {
    if (key == "runai-gpu-group") out->group = value;
    if (key.starts_with("runai-gpu-group/") && out->group.empty()) out->group = value;
  }
  return true;
}

bool IsReservationPod(string_view ns, string_view name) {
  return ns == "kai-resource-reservation" || ns == "runai-reservation" ||
         name.starts_with("gpu-reservation-") || name.starts_with("runai-reservation-gpu-");
}

bool IsReservation(const Pod& pod) { return IsReservationPod(pod.ns, pod.name); }

}  // namespace strata::l4_sched
