// SPDX-License-Identifier: Apache-2.0
// From what each source lists to sightings that HoldingTracker understands: which physical device,
// what share of it, of whose. Joins what belongs together (a device id with the node's devices, an
// annotation with the device's memory, a fraction with its reservation pod); it judges nothing,
// that is trust.h. Each Set… replaces what the same source of the same node said before. One
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "l4_sched/device_id.h"
#include "l4_sched/dra.h"
#include "l4_sched/hami.h"
#include "l4_sched/l4_sched.h"
#include "l4_sched/pod_resources.h"
#include "l4_sched/pods.h"
#include "l4_sched/process_owner.h"
#include "l4_sched/slurm.h"
#include "model/batch.h"

namespace strata::l4_sched {

struct ResolverOptions {
  std::string cluster, origin;
  TeamRules teams;
  std::map<std::string, std::string> accounts;  // Slurm account -> team; else the account itself
};

// HAMi-core's region file of one container.
struct RegionFile {
  std::string pod_uid, container;
  Region region;
};
// A process that has a device open.
struct DeviceProcess {
  std::string gpu;
  int pid = 0;
  std::int64_t started_ns = 0;
  std::uint64_t memory_bytes = 0;
  std::string user, program;
  ProcessOwner owner;
};

class Resolver {
 public:
  explicit Resolver(ResolverOptions options);
  ~Resolver();

  void SetDevices(const std::string& node, std::vector<Device> devices);
  void SetNodes(std::vector<Node> nodes);
  void SetPods(std::vector<Pod> pods);
  void SetOwners(std::vector<OwnedObject> owners);
  void SetPodResources(const std::string& node, std::vector<PodGrants> pods);
  void SetAllocatable(const std::string& node, std::vector<DeviceGrant> devices);
  void SetSlices(DraPools pools);
  void SetClaims(std::vector<DraClaim> claims);
  void SetRegions(const std::string& node, std::vector<RegionFile> files);
  void SetSlurm(SlurmFacts facts);
  void SetProcesses(const std::string& node, std::vector<DeviceProcess> processes);

  // Adds to the batch, as of `now_ns`: a holding per source, device and holder; an entity per pod
  // that holds or asks for a device; an event for each lie (a share above 1, a device nobody
  // knows). A thing that was told once is not told again while it stands.
  void Look(std::int64_t now_ns, model::Batch* batch);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::l4_sched
