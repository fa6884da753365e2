// SPDX-License-Identifier: Apache-2.0
#include "l4_sched/demand.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <tuple>

namespace strata::l4_sched {
namespace {

using std::string_view;

bool IsDevice(string_view resource) {
  const ResourceRole role = RoleOf(resource);
  return role == ResourceRole::count || role == ResourceRole::mig;
}

bool Open(const Node& node) { return node.ready && !node.unschedulable; }

bool Selected(const Pod& pod, const Node& node) {
  return std::ranges::all_of(pod.node_selector, [&](const auto& want) {
    const auto it = node.labels.find(want.first);
    return it != node.labels.end() && it->second == want.second;
  });
}

// What is left of each node, by its place in the list.
std::vector<Resources> Left(std::span<const Node> nodes, std::span<const Pod> pods) {
  std::map<string_view, std::size_t> place;
  std::vector<Resources> left(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    place[nodes[i].name] = i;
    for (const auto& [name, amount] : nodes[i].allocatable) {
      if (IsDevice(name)) left[i][name] = amount;
    }
  }
  for (const Pod& pod : pods) {
    const auto it = place.find(pod.node);
    if (pod.node.empty() || pod.over() || it == place.end()) continue;
    for (const auto& [name, amount] : pod.effective_requests()) {
      if (const auto at = left[it->second].find(name); at != left[it->second].end())
        at->second -= amount;
    }
  }
  return left;
}

bool Fits(const Resources& asked, const Resources& left) {
  return std::ranges::all_of(asked, [&](const auto& want) {
    if (!IsDevice(want.first)) return true;
    const auto it = left.find(want.first);
    return it != left.end() && it->second >= want.second - 1e-9;
  });
}

double FreeOf(const Resources& left, const std::string& resource) {
  const auto it = left.find(resource);
  return it == left.end() ? 0 : std::max(0.0, it->second);
}

// Why a pod that asks this has no node.
WaitReason Why(const Pod& pod, const Resources& asked, const std::string& resource,
               std::span<const Node> nodes, const std::vector<Resources>& left) {
  if (nodes.empty()) return WaitReason::unknown;
  bool offered = false, selector = false, taint = false;
  double usable = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    offered = offered || left[i].contains(resource);
    const bool fits = Fits(asked, left[i]);
    if (!Selected(pod, nodes[i])) {
      selector = selector || fits;
      continue;
    }
    if (!nodes[i].ready || !Tolerates(pod, nodes[i])) {
      taint = taint || fits;
      continue;
    }
    if (fits) return WaitReason::none;
    usable += FreeOf(left[i], resource);
  }
  if (!offered) return WaitReason::not_offered;
  const auto want = asked.find(resource);
  if (want != asked.end() && usable >= want->second) return WaitReason::fragmentation;
  return taint ? WaitReason::taint : selector ? WaitReason::selector : WaitReason::capacity;
}

// Does the scheduler's own reason say the same? It knows no fragmentation: each node lacks
// capacity.
bool Agrees(WaitReason reason, const SchedulerSays& says) {
  if (says.nodes < 0) return true;
  const auto has = [&](string_view why) {
    return std::ranges::any_of(says.parts, [&](const auto& p) { return p.why == why; });
  };
  switch (reason) {
    case WaitReason::capacity:
    case WaitReason::fragmentation:
    case WaitReason::not_offered: return has("capacity");
    case WaitReason::taint: return has("taint");
    case WaitReason::selector: return has("selector");
    case WaitReason::none: return false;  // it names a reason where none was found
    case WaitReason::quota:
    case WaitReason::unknown: return true;
  }
  return true;
}

std::string Most(const Resources& asked) {
  std::string out;
  double most = 0;
  for (const auto& [name, amount] : asked) {
    if (IsDevice(name) && amount > most) out = name, most = amount;
  }
  return out;
}

bool WaitsInQueue(const QueuedWork& w) {
  return w.state == "pending" || w.state == "inadmissible" || w.state == "evicted";
}

// Would it take its queue above what that may have?
bool OverQuota(const QueuedWork& w, const Queues& queues) {
  std::string name = w.cluster_queue.empty() ? w.queue : w.cluster_queue;
  for (const Queue& q : queues.queues) {  // a LocalQueue leads to where the quota is
    if (!q.cluster_queue.empty() && q.name == w.queue && q.ns == w.ns) name = q.cluster_queue;
  }
  for (const Queue& q : queues.queues) {
    if (q.name != name || !q.cluster_queue.empty() || q.scheduler != w.scheduler) continue;
    if (q.stopped) return true;
    for (const auto& [resource, amount] : w.asked) {
      const auto quota = q.quota.find(resource);
      if (quota == q.quota.end()) continue;
      const auto used = q.used.find(resource);
      if (amount + (used == q.used.end() ? 0 : used->second) > quota->second + 1e-9) return true;
    }
  }
  return w.message.find("quota") != std::string::npos;
}

// Fits pods of `asked` anywhere? Work has no node selector that is known here.
WaitReason WhyWork(const QueuedWork& w, const Queues& queues, std::span<const Node> nodes,
                   const std::vector<Resources>& left) {
  if (w.state == "inadmissible" || OverQuota(w, queues)) return WaitReason::quota;
  if (nodes.empty()) return WaitReason::unknown;
  const std::string resource = Most(w.asked);
  double free = 0;
  bool offered = false;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    offered = offered || left[i].contains(resource);
    if (Open(nodes[i])) free += FreeOf(left[i], resource);
  }
  if (!offered) return WaitReason::not_offered;
  return free < w.asked.find(resource)->second ? WaitReason::capacity : WaitReason::none;
}

}  // namespace

std::string_view wait_reason_name(WaitReason reason) {
  constexpr string_view kNames[] = {"none",     "capacity", "fragmentation", "taint",
                                    "selector", "quota",    "not_offered",   "unknown"};
  return kNames[static_cast<int>(reason)];
}

SchedulerSays ParseFailedScheduling(string_view message) {
  SchedulerSays out;
  int of = 0;
  const std::size_t slash = message.find('/');
  const std::size_t marks = message.find(" nodes are available");
  if (slash == string_view::npos || marks == string_view::npos || slash > marks) return out;
  const auto [end, error] = std::from_chars(message.data() + slash + 1, message.data() + marks, of);
  if (error != std::errc() || end != message.data() + marks) return out;
  out.nodes = of;
  const std::size_t colon = message.find(':', marks);
  if (colon == string_view::npos) return out;
  string_view rest = message.substr(colon + 1);
  rest = rest.substr(0, rest.find(" preemption:"));
  if (rest.ends_with('.')) rest.remove_suffix(1);
  while (!rest.empty()) {
    // Parts begin with a number; words may hold commas and braces.
    std::size_t cut = rest.find(", ");
    while (cut != string_view::npos && cut + 2 < rest.size() &&
           !std::isdigit(static_cast<unsigned char>(rest[cut + 2])))
      cut = rest.find(", ", cut + 1);
    string_view part = rest.substr(0, cut);
    rest.remove_prefix(cut == string_view::npos ? rest.size() : cut + 2);
    while (part.starts_with(' ')) part.remove_prefix(1);
    SchedulerSays::Part p;
    const auto [after, bad] = std::from_chars(part.data(), part.data() + part.size(), p.nodes);
    if (bad != std::errc()) continue;
    part.remove_prefix(static_cast<std::size_t>(after - part.data()));
    while (part.starts_with(' ')) part.remove_prefix(1);
    p.what = part;
    const auto has = [part](string_view text) { return part.find(text) != string_view::npos; };
    if (part.starts_with("Insufficient ")) {
      p.why = "capacity";
      p.what = part.substr(13);
    } else if (has("taint") || has("unschedulable")) {
      p.why = "taint";
    } else if (has("affinity") || has("selector")) {
      p.why = "selector";
    } else if (has("volume") || has("persistentvolume")) {
      p.why = "volume";
    } else {
      p.why = has("free ports") ? "ports" : "other";
    }
    out.parts.push_back(std::move(p));
  }
  return out;
}

std::vector<FreeGpus> FindFree(std::span<const Node> nodes, std::span<const Pod> pods) {
  const std::vector<Resources> left = Left(nodes, pods);
  std::map<std::string, FreeGpus> by;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const auto& [name, rest] : left[i]) {
      FreeGpus& f = by[name];
      f.resource = name;
      const double all = nodes[i].allocatable.find(name)->second, free = std::max(0.0, rest);
      f.allocatable += all;
      f.requested += all - free;
      f.free += free;
      if (Open(nodes[i])) {
        f.largest = std::max(f.largest, free);
      } else {
        f.closed += free;
      }
    }
  }
  std::vector<FreeGpus> out;
  for (auto& [name, f] : by) out.push_back(std::move(f));
  return out;
}

Demand FindDemand(std::span<const Node> nodes, std::span<const Pod> pods, const Queues& queues) {
  Demand out;
  const std::vector<Resources> left = Left(nodes, pods);
  std::set<std::string> owners;  // of pods that wait: their work is not counted again
  for (const Pod& pod : pods) {
    if (!pod.node.empty() || pod.phase != "Pending" || pod.deleted_ns != 0) continue;
    const Resources asked = pod.effective_requests();
    Waiting w;
    w.gpus = GpusOf(asked);
    if (w.gpus <= 0) continue;
    w.queue = pod.queue(), w.ns = pod.ns, w.name = pod.name, w.kind = "pod";
    w.resource = Most(asked);
    w.since_ns =
        pod.unschedulable_ns > 0
            ? std::min(pod.unschedulable_ns, pod.created_ns > 0 ? pod.created_ns : INT64_MAX)
            : pod.created_ns;
    w.reason = Why(pod, asked, w.resource, nodes, left);
    w.said = pod.unschedulable;
    w.agrees = Agrees(w.reason, ParseFailedScheduling(pod.unschedulable));
    if (const Owner* owner = pod.controller()) owners.insert(pod.ns + "/" + owner->name);
    out.waiting.push_back(std::move(w));
  }
  for (const QueuedWork& work : queues.work) {
    if (!WaitsInQueue(work) || owners.contains(work.ns + "/" + work.owner)) continue;
    Waiting w;
    w.gpus = GpusOf(work.asked);
    if (w.gpus <= 0) continue;
    w.queue = work.queue, w.ns = work.ns, w.name = work.name, w.kind = "workload";
    w.resource = Most(work.asked);
    w.since_ns = work.since_ns;
    w.reason = WhyWork(work, queues, nodes, left);
    w.said = work.message;
    out.waiting.push_back(std::move(w));
  }
  std::ranges::sort(out.waiting, {}, [](const Waiting& w) {
    return std::tuple(w.since_ns, std::string_view(w.ns), std::string_view(w.name));
  });
  std::map<std::string, QueueDemand> by;
  for (const Waiting& w : out.waiting) {
    QueueDemand& q = by[w.queue];
    q.queue = w.queue;
    q.gpus += w.gpus;
    ++q.asks;
    if (w.since_ns > 0 && (q.oldest_ns == 0 || w.since_ns < q.oldest_ns)) q.oldest_ns = w.since_ns;
    q.by_reason[static_cast<int>(w.reason)] += w.gpus;
  }
  for (auto& [name, q] : by) out.queues.push_back(std::move(q));
  return out;
}

}  // namespace strata::l4_sched
