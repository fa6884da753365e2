// SPDX-License-Identifier: Apache-2.0
// Reads the fields that matter out of pod and node JSON; managedFields and the copy that kubectl
// leaves in an annotation are never looked at.
#include "l4_sched/pods.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/clock.h"
#include "l4_sched/json_view.h"
#include "l4_sched/object_json.h"

namespace strata::l4_sched {

using std::string_view;

std::int64_t TimeOf(JsonView view) {
  if (view.text().empty()) return 0;
  const auto time = base::ParseTime(view.text(), 0);
  return time.ok() ? *time : 0;
}

Texts TextsOf(JsonView view) {
  Texts out;
  view.fields([&](string_view key, JsonView value) {
    if (value.is_string() && key != "kubectl.kubernetes.io/last-applied-configuration")
      out.emplace(key, value.text());
  });
  return out;
}

Resources ResourcesOf(JsonView view) {
  Resources out;
  view.fields([&](string_view key, JsonView value) {
    if (RoleOf(key) == ResourceRole::none) return;
    const double amount = value.is_string() ? ParseQuantity(value.text()) : value.number();
    if (std::isfinite(amount) && amount >= 0) out[std::string(key)] = amount;
  });
  return out;
}

std::vector<Owner> OwnersOf(JsonView metadata) {
  std::vector<Owner> out;
  metadata["ownerReferences"].each([&](JsonView o) {
    out.push_back({o["apiVersion"].str(), o["kind"].str(), o["name"].str(), o["uid"].str(),
                   o["controller"].truth()});
  });
  return out;
}

base::Status ForEachObject(string_view text, const std::function<void(JsonView)>& take) {
  JsonDocument document;
  auto root = document.Parse(text);
  if (root.ok()) {
    if ((*root)["items"].is_array()) {
      (*root)["items"].each(take);
    } else if (root->is_array()) {
      root->each(take);
    } else if ((*root)["object"].is_object() && (*root)["type"].is_string()) {
      take((*root)["object"]);
    } else {
      take(*root);
    }
    return base::Status::Ok();
  }
  // A watch: one event or object a line, the last one may be cut.
  std::size_t good = 0;
  JsonDocument line_document;
  for (string_view rest = text; !rest.empty();) {
    const string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.find_first_not_of(" \t\r") == string_view::npos) continue;
    auto parsed = line_document.Parse(line);
    if (!parsed.ok() || !parsed->is_object()) {
      if (good == 0) return root.status();
      continue;
    }
    ++good;
    take((*parsed)["object"].is_object() ? (*parsed)["object"] : *parsed);
  }
  return good > 0 ? base::Status::Ok() : root.status();
}

namespace {

void ReadSpec(JsonView list, bool init, std::vector<Container>* out) {
  list.each([&](JsonView c) {
    Container container;
    container.name = c["name"].str();
    container.init = init;
    container.sidecar = init && c["restartPolicy"].text() == "Always";
    container.requests = ResourcesOf(c["resources"]["requests"]);
    container.limits = ResourcesOf(c["resources"]["limits"]);
    for (const auto& [name, amount] : container.limits)  // extended: a limit alone is a request too
      container.requests.try_emplace(name, amount);
    out->push_back(std::move(container));
  });
}

void ReadStatuses(JsonView list, std::vector<Container>* containers) {
  list.each([&](JsonView s) {
    const auto it =
        std::find_if(containers->begin(), containers->end(),
                     [name = s["name"].text()](const Container& c) { return c.name == name; });
    if (it == containers->end()) return;
    const string_view id = s["containerID"].text();
    if (const std::size_t scheme = id.find("://"); scheme != string_view::npos) {
      it->runtime = id.substr(0, scheme);
      it->id = id.substr(scheme + 3);
    }
    it->restarts = s["restartCount"].integer(-1);
    for (const char* state : {"waiting", "running", "terminated"}) {
      const JsonView at = s["state"][state];
      if (!at.is_object()) continue;
      it->state = state;
      it->reason = at["reason"].str();
      it->started_ns = TimeOf(at["startedAt"]);
      it->finished_ns = TimeOf(at["finishedAt"]);
    }
  });
}

void ReadConditions(JsonView conditions, Pod* pod) {
  conditions.each([&](JsonView c) {
    if (c["type"].text() != "PodScheduled") return;
    if (c["status"].text() == "True") {
      pod->scheduled_ns = TimeOf(c["lastTransitionTime"]);
    } else if (c["reason"].text() == "Unschedulable") {
      pod->unschedulable = c["message"].str();
      pod->unschedulable_ns = TimeOf(c["lastTransitionTime"]);
    }
  });
}

bool ReadPod(JsonView object, Pod* pod) {
  const JsonView metadata = object["metadata"], spec = object["spec"], status = object["status"];
  const string_view kind = object["kind"].text();  // items of a list do not always say theirs
  if (kind.empty() ? !spec["containers"].is_array() : kind != "Pod") return false;
  pod->name = metadata["name"].str();
  if (pod->name.empty() || !spec.is_object()) return false;
  pod->ns = metadata["namespace"].str();
  pod->uid = metadata["uid"].str();
  pod->labels = TextsOf(metadata["labels"]);
  pod->annotations = TextsOf(metadata["annotations"]);
  if (const auto hash = pod->annotations.find("kubernetes.io/config.hash");
      hash != pod->annotations.end())
    pod->config_hash = hash->second;
  pod->owners = OwnersOf(metadata);
  pod->created_ns = TimeOf(metadata["creationTimestamp"]);
  pod->deleted_ns = TimeOf(metadata["deletionTimestamp"]);
  pod->node = spec["nodeName"].str();
  pod->scheduler = spec["schedulerName"].str();
  pod->priority_class = spec["priorityClassName"].str();
  pod->node_selector = TextsOf(spec["nodeSelector"]);
  ReadSpec(spec["initContainers"], true, &pod->containers);
  ReadSpec(spec["containers"], false, &pod->containers);
  spec["tolerations"].each([&](JsonView t) {
    pod->tolerations.push_back(
        {t["key"].str(), t["operator"].str(), t["value"].str(), t["effect"].str()});
  });
  spec["resourceClaims"].each([&](JsonView c) {
    pod->claims.push_back({c["name"].str(), c["resourceClaimName"].str()});
  });
  status["resourceClaimStatuses"].each([&](JsonView c) {
    for (ClaimRef& ref : pod->claims) {
      if (ref.name == c["name"].text() && c["resourceClaimName"].is_string())
        ref.claim = c["resourceClaimName"].str();
    }
  });
  pod->phase = status["phase"].str();
  pod->reason = status["reason"].str();
  pod->started_ns = TimeOf(status["startTime"]);
  ReadConditions(status["conditions"], pod);
  ReadStatuses(status["initContainerStatuses"], &pod->containers);
  ReadStatuses(status["containerStatuses"], &pod->containers);
  return true;
}

}  // namespace

const Owner* Pod::controller() const {
  for (const Owner& o : owners) {
    if (o.controller) return &o;
  }
  return nullptr;
}

const Container* Pod::container(string_view name_) const {
  for (const Container& c : containers) {
    if (c.name == name_) return &c;
  }
  return nullptr;
}

Resources Pod::effective_requests() const {
  Resources together, start;
  for (const Container& c : containers) {
    for (const auto& [name_, amount] : c.requests) {
      if (c.init && !c.sidecar) {
        start[name_] = std::max(start[name_], amount);
      } else {
        together[name_] += amount;
      }
    }
  }
  for (const auto& [name_, amount] : start) together[name_] = std::max(together[name_], amount);
  return together;
}

std::string Pod::queue() const {
  for (const char* key :
       {"kueue.x-k8s.io/queue-name", "kueue.x-k8s.io/local-queue-name", "volcano.sh/queue-name",
        "kai.scheduler/queue", "runai/queue", "scheduling.run.ai/queue"}) {
    if (const auto it = labels.find(key); it != labels.end()) return it->second;
  }
  if (const auto it = annotations.find("scheduling.volcano.sh/queue-name"); it != annotations.end())
    return it->second;
  return {};
}

base::Result<std::vector<Pod>> ParsePods(string_view json, std::uint64_t* bad) {
  std::vector<Pod> out;
  RETURN_IF_ERROR(ForEachObject(json, [&](JsonView object) {
    Pod pod;
    if (ReadPod(object, &pod)) {
      out.push_back(std::move(pod));
    } else if (bad != nullptr && object["kind"].text() != "Status" &&
               object["metadata"]["name"].is_string()) {
      ++*bad;  // a watch's bookmark has no name: it is no object
    }
  }));
  return out;
}

base::Result<std::vector<OwnedObject>> ParseOwned(string_view json) {
  std::vector<OwnedObject> out;
  std::string list_kind;
  {
    JsonDocument document;
    if (auto root = document.Parse(json); root.ok()) list_kind = (*root)["kind"].str();
  }
  if (list_kind.ends_with("List")) list_kind.resize(list_kind.size() - 4);
  RETURN_IF_ERROR(ForEachObject(json, [&](JsonView object) {
    OwnedObject o;
    const JsonView metadata = object["metadata"];
    o.kind = object["kind"].str();
    if (o.kind.empty()) o.kind = list_kind;  // items of a list of a built-in kind do not say theirs
    o.ns = metadata["namespace"].str();
    o.name = metadata["name"].str();
    o.uid = metadata["uid"].str();
    o.owners = OwnersOf(metadata);
    if (!o.uid.empty()) out.push_back(std::move(o));
  }));
  return out;
}

std::pair<std::string, std::string> TopOwner(
    const Pod& pod, const std::map<std::string, OwnedObject, std::less<>>& by_uid) {
  const Owner* owner = pod.controller();
  if (owner == nullptr) return {"Pod", pod.name};
  for (int depth = 0; depth < 8; ++depth) {
    const auto it = by_uid.find(owner->uid);
    if (it == by_uid.end()) break;
    const auto next = std::find_if(it->second.owners.begin(), it->second.owners.end(),
                                   [](const Owner& o) { return o.controller; });
    if (next == it->second.owners.end()) break;
    owner = &*next;
  }
  return {owner->kind, owner->name};
}

}  // namespace strata::l4_sched
