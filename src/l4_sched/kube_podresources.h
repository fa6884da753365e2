// SPDX-License-Identifier: Apache-2.0
// Asks the kubelet which devices it gave to which container: PodResources v1 (v1alpha1 where a
// kubelet knows no other) over its Unix socket. A call has a deadline: a kubelet that hangs costs
// this thread that long and nobody else anything. Source: kubernetes/kubelet
// pkg/apis/podresources/v1/api.proto.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_client.h"
#include "base/status.h"
#include "model/batch.h"

namespace strata::l4_sched {

struct KubeletDevices {
  std::string resource;          // "nvidia.com/gpu"
  std::vector<std::string> ids;  // as the device plugin named them
};
struct KubeletClaim {  // a device of a ResourceClaim (DRA)
  std::string claim_ns, claim, driver, pool, device;
  std::string share_id;  // of a part of a device that is shared out
};
struct KubeletContainer {
  std::string ns, pod, container;
  std::vector<KubeletDevices> devices;
  std::vector<KubeletClaim> claims;
};

// ListPodResourcesResponse and GetPodResourcesResponse. At most 10,000 containers and 100,000 ids;
// not ok when the bytes are no such message.
base::Status ParsePodResources(std::string_view protobuf, std::vector<KubeletContainer>* out);
// AllocatableResourcesResponse.
base::Status ParseAllocatable(std::string_view protobuf, std::vector<KubeletDevices>* out);

// One gRPC server on a Unix socket.
class KubeletClient {
 public:
  using CallFn = std::function<base::Result<std::string>(const std::string& method)>;
  explicit KubeletClient(std::string socket, CallFn call = {})
      : socket_(std::move(socket)), call_(std::move(call)) {}
  // A unary call: the answer's message. unavailable: nobody answers in time; unsupported: the
  // method is not known; exhausted: too many calls; denied: the socket is not ours to open.
  base::Result<std::string> Call(const std::string& method, std::string_view message,
                                 std::int64_t timeout_ms, const std::stop_token& stop = {});
  // By name of the method, v1 first.
  base::Result<std::vector<KubeletContainer>> List(std::int64_t timeout_ms,
                                                   const std::stop_token& stop = {});
  base::Result<std::vector<KubeletDevices>> Allocatable(std::int64_t timeout_ms,
                                                        const std::stop_token& stop = {});
  base::Result<std::vector<KubeletContainer>> Get(const std::string& ns, const std::string& pod,
                                                  std::int64_t timeout_ms,
                                                  const std::stop_token& stop = {});
  const std::string& version() const { return version_; }  // "v1" | "v1alpha1"

 private:
  std::string socket_, version_ = "v1";
  CallFn call_;
  base::HttpClient http_;
};

// Which device an id of a device plugin is, where the id itself tells.
struct KubeletDevice {
  std::string gpu;         // "" = the id does not tell
  std::string share_kind;  // whole | timeslice | mig | hami
  std::string why;         // of an empty gpu: what would have to be asked
};
KubeletDevice DeviceOf(std::string_view resource, std::string_view id);

enum class ClaimIs : std::uint8_t {
  held,
  looked_at,  // with administrator's access: monitoring, no owner
  unknown,
};

struct KubeletOptions {
  std::string socket = "/var/lib/kubelet/pod-resources/kubelet.sock";
  std::string node, cluster;
  // In place of the socket, for tests: the answer's message of a method.
  std::function<base::Result<std::string>(const std::string& method)> call;
  std::int64_t timeout_ms = 2'000;
  // Device and share of an id that does not tell them (a MIG UUID, a vendor's own name).
  std::function<bool(std::string_view id, model::Holding* out)> resolve;
  // The same for a device of a ResourceClaim.
  std::function<ClaimIs(const KubeletClaim& claim, model::Holding* out)> resolve_claim;
  // What else is known of a pod (workload, team, queue); false = it has ended and holds nothing.
  std::function<bool(const KubeletContainer& container, model::Holding* out)> describe;
};

// Sightings of who holds which device, one look at a time. One thread.
class KubeletCollector {
 public:
  explicit KubeletCollector(KubeletOptions options);
  // Adds a holding a device and container, seen at `now_ns`, and the source's state.
  void Collect(std::int64_t now_ns, model::Batch* batch, const std::stop_token& stop = {});
  model::SourceState state() const { return state_; }

 private:
  std::size_t Offered(const std::stop_token& stop);
  void Sight(const KubeletContainer& container, std::int64_t now_ns, model::Batch* batch);
  void HoldDevice(model::Holding h, std::string_view id, const KubeletDevice& device,
                  model::Batch* batch);
  void HoldClaim(model::Holding h, const KubeletClaim& claim, model::Batch* batch);
  void Keep(model::Holding h, model::Batch* batch);

  KubeletOptions options_;
  KubeletClient client_;
  model::SourceState state_;
  std::map<std::string, int, std::less<>> replicas_;  // device -> virtual devices the plugin offers
  std::map<std::string, std::size_t> unknown_;        // why -> ids whose device is not known
  std::map<std::string, int> claimants_;              // claim and device -> containers here
  std::string offered_why_;                           // why the last answer about them is missing
  std::size_t sighted_ = 0;
  bool had_devices_ = false;
  std::int64_t empty_since_ns_ = 0;
};

}  // namespace strata::l4_sched
