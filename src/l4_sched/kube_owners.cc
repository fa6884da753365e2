// SPDX-License-Identifier: Apache-2.0
#include "l4_sched/kube_owners.h"

#include <algorithm>

#include "base/clock.h"
#include "base/json.h"
#include "l4_sched/kube_frames.h"

namespace strata::l4_sched {
namespace {

constexpr int kMaxDepth = 8;
constexpr std::size_t kMaxWanted = 20'000;
constexpr std::size_t kMaxGroups = 64;
constexpr std::size_t kMaxObject = 4u << 20;
constexpr std::int64_t kDiscoveryNs = 600 * base::kSecond;
// Pods come in crowds: what the first of them lacks, the others lack too.
constexpr std::int64_t kGather = 50 * base::kMillisecond;

}  // namespace

KubeOwners::KubeOwners(KubeConfig config, KubeOwnersOptions options)
    : client_(std::move(config)), options_(options) {}

KubeWorkload KubeOwners::WorkloadOf(const KubeObject& pod) {
  if (pod.owner.uid.empty()) return {"Pod", pod.name, true};
  const std::int64_t now = base::monotonic_ns();
  const std::lock_guard lock(mutex_);
  const KubeOwner* at = &pod.owner;
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    const auto it = known_.find(at->uid);
    const bool ask = it == known_.end() || (it->second.retry_ns != 0 && it->second.retry_ns <= now);
    if (ask && wanted_.size() < kMaxWanted &&
        wanted_.try_emplace(at->uid, Wanted{*at, pod.ns}).second)
      wake_.notify_all();
    if (it == known_.end() || it->second.retry_ns != 0) return {at->kind, at->name, false};
    if (it->second.owner.uid.empty()) return {at->kind, at->name, true};
    at = &it->second.owner;
  }
  return {at->kind, at->name, false};
}

void KubeOwners::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::vector<Wanted> wanted;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, stop, [this] { return !wanted_.empty(); });
      if (stop.stop_requested()) return;
      wake_.wait_for(lock, stop, std::chrono::nanoseconds(kGather), [] { return false; });
      for (const auto& [uid, w] : wanted_) wanted.push_back(w);
    }
    Resolve(wanted, stop);
    const std::lock_guard lock(mutex_);
    for (const Wanted& w : wanted) wanted_.erase(w.object.uid);
    ++generation_;
  }
}

void KubeOwners::Resolve(const std::vector<Wanted>& wanted, const std::stop_token& stop) {
  std::map<std::pair<std::string, std::string>, std::vector<const Wanted*>> kinds;
  for (const Wanted& w : wanted) kinds[{w.object.api_version, w.object.kind}].push_back(&w);
  for (const auto& [kind, group] : kinds) {
    KubeResource resource;
    bool namespaced = true;
    const Known later{{}, base::monotonic_ns() + options_.retry_ns};
    if (!Find(group.front()->object, &resource, &namespaced, stop)) {
      for (const Wanted* w : group) Learn(w->object.uid, later);
      continue;
    }
    const bool listed =
        options_.list_from > 0 && group.size() >= options_.list_from && ListAll(resource, stop);
    for (const Wanted* w : group) {
      if (stop.stop_requested()) return;
      if (listed) {
        const std::lock_guard lock(mutex_);
        if (!known_.contains(w->object.uid)) known_[w->object.uid] = later;  // deleted meanwhile
      } else {
        GetOne(resource, namespaced, *w, stop);
      }
    }
  }
}

// Where the server has a kind; asked once per group and version, and again after a while.
bool KubeOwners::Find(const KubeOwner& object, KubeResource* resource, bool* namespaced,
                      const std::stop_token& stop) {
  const std::size_t slash = object.api_version.find('/');
  resource->group = slash == std::string::npos ? "" : object.api_version.substr(0, slash);
  resource->version =
      slash == std::string::npos ? object.api_version : object.api_version.substr(slash + 1);
  if (groups_.size() >= kMaxGroups && !groups_.contains(object.api_version)) groups_.clear();
  Group& group = groups_[object.api_version];
  const std::int64_t now = base::monotonic_ns();
  const std::int64_t patience = group.kinds.empty() ? options_.retry_ns : kDiscoveryNs;
  if (group.asked_ns == 0 ||
      (!group.kinds.contains(object.kind) && now - group.asked_ns > patience)) {
    group.asked_ns = now;
    const std::string path =
        (resource->group.empty() ? "/api/" : "/apis/" + resource->group + "/") +
        KubeQuote(resource->version);
    const KubeAnswer answer = client_.Get(path, false, {}, stop);
    Failed(answer, object.api_version);
    const auto json = base::ParseJson(answer.ok() ? answer.body : "");
    if (json.ok()) {
      for (const base::Json& r : (*json)["resources"].array()) {
        const std::string& plural = r["name"].as_string();
        if (plural.find('/') == std::string::npos)
          group.kinds[r["kind"].as_string()] = {plural, r["namespaced"].as_bool(true)};
      }
    }
  }
  const auto place = group.kinds.find(object.kind);
  if (place == group.kinds.end()) return false;
  resource->plural = place->second.plural;
  resource->metadata_only = true;
  *namespaced = place->second.namespaced;
  return true;
}

bool KubeOwners::ListAll(const KubeResource& resource, const std::stop_token& stop) {
  std::string next;
  do {
    KubeFrames frames(KubeFrames::Shape::list, kMaxObject);
    KubeClient::Limits limits;
    limits.timeout_ms = 120'000;
    limits.max_bytes = std::size_t{4} << 30;
    const std::string path =
        resource.path() + "?limit=1000" + (next.empty() ? "" : "&continue=" + KubeQuote(next));
    const KubeAnswer answer = client_.Stream(path, true, limits, stop, [&](std::string_view bytes) {
      return frames.Push(bytes, [&](std::string_view json) {
        KubeObject object;
        if (parser_.Object(json, &object).ok() && !object.uid.empty())
          Learn(object.uid, {object.owner, 0});
        return true;
      });
    });
    KubeHead head;
    Failed(answer, resource.name());
    if (!answer.ok() || !frames.whole() || !parser_.Head(frames.head(), &head).ok()) return false;
    next = head.next;
  } while (!next.empty());
  return true;
}

void KubeOwners::GetOne(const KubeResource& resource, bool namespaced, const Wanted& wanted,
                        const std::stop_token& stop) {
  KubeResource one = resource;
  if (namespaced) one.plural = "namespaces/" + KubeQuote(wanted.ns) + "/" + one.plural;
  const KubeAnswer answer =
      client_.Get(one.path() + "/" + KubeQuote(wanted.object.name), true, {}, stop);
  Failed(answer, resource.name());
  KubeObject object;
  // Another object of that name is not the owner.
  if (answer.ok() && parser_.Object(answer.body, &object).ok() && object.uid == wanted.object.uid) {
    Learn(object.uid, {object.owner, 0});
  } else {
    Learn(wanted.object.uid, {{}, base::monotonic_ns() + options_.retry_ns});
  }
}

void KubeOwners::Learn(const std::string& uid, Known known) {
  const std::lock_guard lock(mutex_);
  if (known_.size() >= options_.max_known && !known_.contains(uid)) known_.clear();
  known_[uid] = std::move(known);
}

void KubeOwners::Failed(const KubeAnswer& answer, const std::string& what) {
  const std::lock_guard lock(mutex_);
  ++requests_;
  if (answer.ok() || answer.status == 404) {  // 404: deleted meanwhile
    refused_.erase(what);
    last_ns_ = base::Clock::system().now_ns();
  } else if (refused_.size() < 32) {
    refused_[what] = answer.error;
  }
}

std::uint64_t KubeOwners::generation() const {
  const std::lock_guard lock(mutex_);
  return generation_;
}
std::uint64_t KubeOwners::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

model::SourceState KubeOwners::state() const {
  const std::lock_guard lock(mutex_);
  std::string detail = std::to_string(known_.size()) + " owners known";
  for (const auto& [what, why] : refused_) detail += "; " + what + ": " + why;
  const bool nothing = last_ns_ == 0;
  return {"kubernetes api owners",
          "l4_sched",
          nothing ? "absent" : "live",
          nothing && refused_.empty() ? "no pod with an owner yet" : detail,
          last_ns_,
          {}};
}

}  // namespace strata::l4_sched
