// SPDX-License-Identifier: Apache-2.0
// simdjson's DOM over one object at a time: the bytes are small and most of them are looked over.
#include "l4_sched/kube_object.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/clock.h"
#include "l4_sched/pods.h"

namespace strata::l4_sched {
namespace {

namespace dom = simdjson::dom;
using std::string_view;

constexpr std::size_t kMaxAnnotation = 1024;
constexpr std::size_t kMaxAnnotations = 32;
constexpr std::size_t kMaxContainers = 256;
constexpr std::size_t kMaxDevices = 1024;
constexpr std::size_t kMaxAmounts = 256;
constexpr std::size_t kMaxText = 2048;

string_view Text(const dom::element& from, string_view key) {
  string_view text;
  if (from[key].get(text) != simdjson::SUCCESS) return {};
  return text;
}
std::string Kept(const dom::element& from, string_view key) {
  return std::string(Text(from, key).substr(0, kMaxText));
}
std::int64_t Number(const dom::element& from, string_view key, std::int64_t otherwise) {
  std::int64_t value = 0;
  return from[key].get(value) == simdjson::SUCCESS ? value : otherwise;
}
bool True(const dom::element& from, string_view key) {
  bool value = false;
  return from[key].get(value) == simdjson::SUCCESS && value;
}
std::int64_t Time(const dom::element& from, string_view key) {
  const string_view text = Text(from, key);
  if (text.empty()) return 0;
  const auto time = base::ParseTime(text, 0);
  return time.ok() ? *time : 0;
}

template <typename F>
void Each(const dom::element& from, string_view key, std::size_t limit, F&& take) {
  dom::array items;
  if (from[key].get(items) != simdjson::SUCCESS) return;
  for (const dom::element item : items) {
    if (limit-- == 0) return;
    take(item);
  }
}

template <typename F>
void EachPair(const dom::element& from, string_view key, F&& take) {
  dom::object pairs;
  if (from[key].get(pairs) != simdjson::SUCCESS) return;
  for (const auto [name, value] : pairs) {
    string_view text;
    if (value.get(text) == simdjson::SUCCESS) take(name, text);
  }
}

void Amounts(const dom::element& from, string_view key, bool extended, KubeAmounts* out) {
  EachPair(from, key, [&](string_view name, string_view text) {
    if (extended && name.find('/') == string_view::npos) return;
    const double value = ParseQuantity(text);
    if (std::isnan(value) || out->size() >= kMaxAmounts) return;
    const auto same = std::ranges::find(*out, name, &KubeAmounts::value_type::first);
    if (same == out->end()) out->emplace_back(name, value);
  });
}

// "containerd://3f4e…" without the scheme.
string_view Bare(string_view id) {
  const std::size_t at = id.find("://");
  return at == string_view::npos ? id : id.substr(at + 3);
}

void Metadata(const dom::element& object, KubeObject* out) {
  dom::element meta;
  if (object["metadata"].get(meta) != simdjson::SUCCESS) return;
  out->ns = Text(meta, "namespace");
  out->name = Text(meta, "name");
  out->uid = Text(meta, "uid");
  out->version = Text(meta, "resourceVersion");
  out->created_ns = Time(meta, "creationTimestamp");
  out->deleting = !Text(meta, "deletionTimestamp").empty();
  EachPair(meta, "labels", [&](string_view key, string_view value) {
    // Node feature discovery writes a hundred of these, and they push out what is asked for.
    if (key.starts_with("feature.node.kubernetes.io/")) return;
    if (out->labels.size() < model::kMaxAttributes) out->labels.set(key, value);
  });
  EachPair(meta, "annotations", [&](string_view key, string_view value) {
    if (value.size() <= kMaxAnnotation && out->annotations.size() < kMaxAnnotations)
      out->annotations.set(key, value);
  });
  Each(meta, "ownerReferences", 64, [&](const dom::element& owner) {
    if (!True(owner, "controller") || !out->owner.uid.empty()) return;
    out->owner = {Kept(owner, "apiVersion"), Kept(owner, "kind"), Kept(owner, "name"),
                  Kept(owner, "uid")};
  });
}

void Containers(const dom::element& spec, string_view key, KubeObject* out) {
  Each(spec, key, kMaxContainers, [&](const dom::element& from) {
    KubeContainer& c = out->containers.emplace_back();
    c.name = Text(from, "name");
    c.image = Kept(from, "image");
    dom::element resources;
    if (from["resources"].get(resources) != simdjson::SUCCESS) return;
    Amounts(resources, "requests", true, &c.requests);
    Amounts(resources, "limits", true, &c.requests);  // where only the limit is written
  });
}

void Ended(const dom::element& state, KubeContainer* c) {
  dom::element ended;
  if (state["terminated"].get(ended) != simdjson::SUCCESS) return;
  const std::int64_t at = Time(ended, "finishedAt");
  if (at < c->ended_ns) return;
  c->ended_ns = at;
  c->ended_reason = Kept(ended, "reason");
  c->ended_code = Number(ended, "exitCode", -1);
}

void ContainerStates(const dom::element& status, string_view key, KubeObject* out) {
  Each(status, key, kMaxContainers, [&](const dom::element& from) {
    const auto c = std::ranges::find(out->containers, Text(from, "name"), &KubeContainer::name);
    if (c == out->containers.end()) return;
    c->id = Bare(Text(from, "containerID"));
    c->restarts = Number(from, "restartCount", -1);
    dom::element state;
    if (from["state"].get(state) == simdjson::SUCCESS) {
      for (const string_view what : {"waiting", "terminated"}) {
        dom::element why;
        if (state[what].get(why) == simdjson::SUCCESS) c->state_reason = Kept(why, "reason");
      }
      Ended(state, &*c);
    }
    if (from["lastState"].get(state) == simdjson::SUCCESS) Ended(state, &*c);
  });
}

void PodParts(const dom::element& spec, const dom::element& status, KubeObject* out) {
  Containers(spec, "containers", out);
  Containers(spec, "initContainers", out);
  Containers(spec, "ephemeralContainers", out);
  out->phase = Kept(status, "phase");
  out->reason = Kept(status, "reason");
  out->message = Kept(status, "message");
  out->started_ns = Time(status, "startTime");
  for (const string_view key :
       {"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"})
    ContainerStates(status, key, out);
  Each(status, "conditions", 64, [&](const dom::element& c) {
    const string_view type = Text(c, "type"), state = Text(c, "status");
    if (type == "PodScheduled" && state == "False") out->unscheduled = Kept(c, "message");
    if (type == "DisruptionTarget" && state == "True") {
      out->disruption = Kept(c, "reason");
      if (out->message.empty()) out->message = Kept(c, "message");
    }
  });
  Each(status, "resourceClaimStatuses", 64, [&](const dom::element& c) {
    out->claims.emplace_back(Kept(c, "name"), Kept(c, "resourceClaimName"));
  });
}

// Attributes of a device: {"uuid": {"string": "GPU-…"}}; older versions have them below "basic".
void Devices(const dom::element& spec, KubeObject* out) {
  dom::element pool;
  out->driver = Kept(spec, "driver");
  if (spec["pool"].get(pool) == simdjson::SUCCESS) out->pool = Kept(pool, "name");
  Each(spec, "devices", kMaxDevices, [&](const dom::element& from) {
    KubeDevice& device = out->devices.emplace_back();
    device.name = Kept(from, "name");
    dom::element holder, attributes, memory;
    if (from["basic"].get(holder) != simdjson::SUCCESS) holder = from;
    if (holder["capacity"]["memory"].get(memory) == simdjson::SUCCESS) {
      const double amount = ParseQuantity(Text(memory, "value"));
      if (amount > 0) device.memory = amount;
    }
    if (holder["attributes"].get(attributes) != simdjson::SUCCESS) return;
    const auto attribute = [&](string_view name) {
      dom::element value;
      return attributes[name].get(value) == simdjson::SUCCESS ? Kept(value, "string")
                                                              : std::string();
    };
    device.uuid = attribute("uuid");
    device.parent_uuid = attribute("parentUUID");
    device.type = attribute("type");
  });
}

void Results(const dom::element& status, KubeObject* out) {
  dom::element devices;
  if (status["allocation"]["devices"].get(devices) != simdjson::SUCCESS) return;
  Each(devices, "results", kMaxDevices, [&](const dom::element& from) {
    KubeResult& r = out->results.emplace_back();
    r.driver = Kept(from, "driver");
    r.pool = Kept(from, "pool");
    r.device = Kept(from, "device");
    r.share_id = Kept(from, "shareID");
    r.admin = True(from, "adminAccess");
    dom::element consumed;
    if (from["consumedCapacity"].get(consumed) != simdjson::SUCCESS) return;
    const double amount = ParseQuantity(Text(consumed, "memory"));
    if (amount > 0) r.memory = amount;
  });
}

void EventParts(const dom::element& object, KubeObject* out) {
  dom::element about;
  for (const string_view key : {"involvedObject", "regarding"}) {  // core/v1, events.k8s.io/v1
    if (object[key].get(about) != simdjson::SUCCESS) continue;
    out->about_kind = Kept(about, "kind");
    out->about_name = Kept(about, "name");
    out->about_uid = Kept(about, "uid");
  }
  if (out->about_kind.empty()) return;
  out->reason = Kept(object, "reason");
  out->message = Kept(object, "message");
  if (out->message.empty()) out->message = Kept(object, "note");
  out->count = Number(object, "count", 1);
  for (const string_view key : {"lastTimestamp", "eventTime", "firstTimestamp"}) {
    if (out->last_ns == 0) out->last_ns = Time(object, key);
  }
  dom::element series;
  if (object["series"].get(series) == simdjson::SUCCESS) {
    out->count = Number(series, "count", out->count);
    out->last_ns = std::max(out->last_ns, Time(series, "lastObservedTime"));
  }
  if (out->last_ns == 0) out->last_ns = out->created_ns;
}

void ReadObject(const dom::element& object, KubeObject* out) {
  *out = KubeObject();
  out->api_version = Kept(object, "apiVersion");
  out->kind = Kept(object, "kind");
  Metadata(object, out);
  dom::element spec, status;
  const bool has_spec = object["spec"].get(spec) == simdjson::SUCCESS;
  const bool has_status = object["status"].get(status) == simdjson::SUCCESS;
  if (has_spec) {
    out->node = Kept(spec, "nodeName");
    out->unschedulable = True(spec, "unschedulable");
    if (!Text(spec, "driver").empty()) Devices(spec, out);
  }
  if (has_spec && has_status) PodParts(spec, status, out);
  if (has_status) {
    Amounts(status, "capacity", true, &out->capacity);
    Amounts(status, "allocatable", true, &out->allocatable);
    Amounts(status, "hard", false, &out->capacity);
    Amounts(status, "used", false, &out->allocatable);
    Results(status, out);
  }
  EventParts(object, out);
}

void ReadStatus(const dom::element& object, KubeHead* out) {
  out->kind = Kept(object, "kind");
  out->code = static_cast<int>(Number(object, "code", 0));
  out->reason = Kept(object, "reason");
  out->message = Kept(object, "message");
  dom::element meta;
  if (object["metadata"].get(meta) != simdjson::SUCCESS) return;
  out->version = Text(meta, "resourceVersion");
  out->next = Text(meta, "continue");
}

}  // namespace

bool IsAccelerator(string_view resource) {
  // Resource names of device plugins; whose rest counts memory or cores is no device.
  constexpr string_view kPrefixes[] = {
      "nvidia.com/",     "amd.com/gpu",     "huawei.com/Ascend", "huawei.com/npu",
      "gpu.intel.com/",  "habana.ai/gaudi", "google.com/tpu",    "aws.amazon.com/neuron",
      "volcano.sh/vgpu", "cambricon.com/",  "hygon.com/dcu",     "metax-tech.com/",
      "mthreads.com/",   "enflame.com/",    "iluvatar.ai/"};
  const auto has = [&](string_view word) { return resource.find(word) != string_view::npos; };
  if (has("mem") || has("cores") || has("hostdev") || has("rdma")) return false;
  return std::ranges::any_of(kPrefixes, [&](string_view p) { return resource.starts_with(p); });
}

struct KubeParser::State {
  dom::parser parser;
};

KubeParser::KubeParser() : state_(std::make_unique<State>()) {}
KubeParser::~KubeParser() = default;

base::Status KubeParser::Object(string_view json, KubeObject* out) {
  dom::element object;
  if (const auto error = state_->parser.parse(json.data(), json.size()).get(object))
    return base::Invalid(std::string("object: ") + simdjson::error_message(error));
  ReadObject(object, out);
  if (out->name.empty()) return base::Invalid("object: no metadata.name");
  return {};
}

base::Status KubeParser::Frame(string_view json, std::string* type, KubeObject* out,
                               KubeHead* error) {
  dom::element frame, object;
  if (const auto broken = state_->parser.parse(json.data(), json.size()).get(frame))
    return base::Invalid(std::string("watch frame: ") + simdjson::error_message(broken));
  *error = {};
  *type = Text(frame, "type");
  if (type->empty() && Text(frame, "kind") == "Status") {  // the answer itself is the error
    *type = "ERROR";
    object = frame;
  } else if (frame["object"].get(object) != simdjson::SUCCESS) {
    return base::Invalid("watch frame: no object");
  }
  if (*type == "ERROR") {
    ReadStatus(object, error);
    return {};
  }
  ReadObject(object, out);
  if (out->name.empty() && *type != "BOOKMARK") return base::Invalid("watch frame: no name");
  return {};
}

base::Status KubeParser::Head(string_view json, KubeHead* out) {
  *out = {};
  dom::element object;
  if (const auto error = state_->parser.parse(json.data(), json.size()).get(object))
    return base::Invalid(std::string("list: ") + simdjson::error_message(error));
  ReadStatus(object, out);
  return {};
}

// ---- the scheduler's message
namespace {

// First match counts; words of the scheduler's plugins.
constexpr std::pair<string_view, string_view> kCauses[] = {
    {"Insufficient ", "insufficient"},
    {"Too many pods", "insufficient"},
    {"cannot allocate all claims", "insufficient"},
    {"taint", "taint"},
    {"were unschedulable", "cordoned"},
    {"was unschedulable", "cordoned"},
    {"anti-affinity", "anti_affinity"},
    {"affinity", "affinity"},
    {"selector", "affinity"},
    {"topology spread", "topology_spread"},
    {"volume", "volume"},
    {"PersistentVolume", "volume"},
    {"persistentvolumeclaim", "volume"},
    {"free ports", "ports"},
    {"exceeded quota", "quota"},
    {"queue", "quota"},
    {"resourceclaim", "claim"},
};

}  // namespace

SchedulingReason ParseScheduling(string_view message) {
  SchedulingReason out;
  message = message.substr(0, message.find(" preemption:"));
  const string_view mark = " nodes are available";
  const std::size_t at = message.find(mark);
  string_view rest = message;
  if (at != string_view::npos && at < 32) {
    const std::size_t slash = message.find('/');
    std::int64_t nodes = 0;
    if (slash < at &&
        std::from_chars(message.data() + slash + 1, message.data() + at, nodes).ec == std::errc())
      out.nodes = nodes;
    rest = message.substr(std::min(message.size(), at + mark.size()));
    while (!rest.empty() && (rest.front() == ':' || rest.front() == ' ')) rest.remove_prefix(1);
  }
  while (!rest.empty() &&
         out.parts.size() < 32) {  // ", 20 Insufficient …": a part begins with a count
    std::size_t end = rest.find(", ");
    while (end != string_view::npos && end + 2 < rest.size() &&
           (rest[end + 2] < '0' || rest[end + 2] > '9'))
      end = rest.find(", ", end + 2);
    string_view part = rest.substr(0, end);
    rest = end == string_view::npos ? string_view() : rest.substr(end + 2);
    std::int64_t count = 0;
    const auto [text, error] = std::from_chars(part.data(), part.data() + part.size(), count);
    if (error == std::errc()) part.remove_prefix(static_cast<std::size_t>(text - part.data()));
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == '.') part.remove_suffix(1);
    if (!part.empty()) out.parts.emplace_back(count, part);
  }
  std::int64_t most = -1;
  for (const auto& [count, text] : out.parts) {
    const auto* cause = std::ranges::find_if(
        kCauses, [&said = text](const auto& c) { return said.find(c.first) != std::string::npos; });
    if (count <= most) continue;
    most = count;
    out.cause = cause == std::end(kCauses) ? "other" : cause->second;
    out.resource.clear();
    if (text.starts_with("Insufficient ")) out.resource = text.substr(13);
  }
  return out;
}

}  // namespace strata::l4_sched
