// SPDX-License-Identifier: Apache-2.0
// What strata keeps of an object of the Kubernetes API: who it is, who made it, where it runs, what
// it asked for. Everything else (managedFields, volumes, env) is left in the bytes. Any kind is
// taken; fields that a kind has not stay empty.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "model/attributes.h"

namespace strata::l4_sched {

using KubeAmounts = std::vector<std::pair<std::string, double>>;  // resource name -> amount

struct KubeOwner {
  std::string api_version, kind, name, uid;
};

struct KubeContainer {
  std::string name;
  std::string id;  // without the runtime's scheme
  std::string image;
  KubeAmounts requests;          // extended resources only: names with a '/'
  std::int64_t restarts = -1;    // -1 = not told
  std::string state_reason;      // why it waits or ended: "CrashLoopBackOff", "OOMKilled", …
  std::string ended_reason;      // of the last run that ended: "OOMKilled", "Error", "Completed"
  std::int64_t ended_ns = 0;     // when that was
  std::int64_t ended_code = -1;  // its exit code; -1 = not told
};

// One device of a ResourceSlice.
struct KubeDevice {
  std::string name, uuid, parent_uuid, type;
  double memory = 0;  // its capacity of that name; 0 = not told
};
// One device that a ResourceClaim was given.
struct KubeResult {
  std::string driver, pool, device, share_id;
  bool admin = false;  // looked at (monitoring), not held
  double memory = 0;   // the part that was given, of a device that is shared out
};

struct KubeObject {
  std::string api_version, kind;  // empty in lists of one kind
  std::string ns, name, uid, version;
  std::int64_t created_ns = 0;
  bool deleting = false;
  KubeOwner owner;  // the one that controls it; uid empty = none
  model::Attributes labels;
  model::Attributes annotations;  // those of up to 1 KiB; longer ones are for who takes the bytes

  // pods
  std::string node, phase, reason, message;
  std::int64_t started_ns = 0;
  std::string unscheduled;  // the scheduler's message while it finds no node
  std::string disruption;   // why it is being thrown off its node
  std::vector<KubeContainer> containers;
  std::vector<std::pair<std::string, std::string>> claims;  // name in the pod -> ResourceClaim

  // nodes: extended resources; resource quotas: limit and use of all
  bool unschedulable = false;
  KubeAmounts capacity, allocatable;

  // events: about whom, how often, when last
  std::string about_kind, about_name, about_uid;
  std::int64_t count = 0, last_ns = 0;

  // resource slices
  std::string driver, pool;
  std::vector<KubeDevice> devices;

  // resource claims
  std::vector<KubeResult> results;

  std::string key() const { return ns.empty() ? name : ns + "/" + name; }
};

// Is an extended resource a number of accelerators? ("nvidia.com/gpu": yes; "nvidia.com/gpumem",
// "rdma/hca": no.)
bool IsAccelerator(std::string_view resource);

// The head of a list or a Status: what stands around the items.
struct KubeHead {
  std::string kind, version, next;  // next = continue token
  int code = 0;                     // of a Status
  std::string reason, message;
};

// Parses objects one after the other; keeps its buffers. One thread.
class KubeParser {
 public:
  KubeParser();
  ~KubeParser();
  // `json` is one object. Not ok when it is no JSON or has no name.
  base::Status Object(std::string_view json, KubeObject* out);
  // A watch frame {"type","object"}: the object of BOOKMARK has only a version, that of ERROR fills
  // `error`.
  base::Status Frame(std::string_view json, std::string* type, KubeObject* out, KubeHead* error);
  base::Status Head(std::string_view json, KubeHead* out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Why no node took a pod, from the scheduler's message: "0/21 nodes are available: 1 node(s) had
// untolerated taint {…}, 20 Insufficient nvidia.com/gpu. preemption: …".
struct SchedulingReason {
  std::int64_t nodes = -1;  // in the cluster; -1 = the message does not say
  std::string cause;     // of most nodes: insufficient | taint | affinity | volume | cordoned | …
  std::string resource;  // of insufficient: "nvidia.com/gpu"
  std::vector<std::pair<std::int64_t, std::string>> parts;  // nodes, reason as written
};
SchedulingReason ParseScheduling(std::string_view message);

}  // namespace strata::l4_sched
