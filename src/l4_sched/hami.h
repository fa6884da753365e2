// SPDX-License-Identifier: Apache-2.0
// What HAMi and Volcano's vGPU write about a shared device: the scheduler's decision on the pod,
// the node's register, and the region that the library in the container keeps. Formats: HAMi
// v2.8 to v2.10, HAMi-core. Pure functions; a pod's author can write the first and the last.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "l4_sched/pods.h"

namespace strata::l4_sched {

struct VirtualDevice {
  std::string uuid, type;
  double memory_mib = 0, cores_percent = 0;  // 0 cores = no limit
  std::string slot;  // MIG of older releases: what stood in brackets behind the UUID
  std::string mig_uuid, mig_profile;
};
using ContainerDevices = std::vector<VirtualDevice>;

// "UUID,TYPE,MEM,CORES:UUID,…:;…;": one list per container, init containers first, empty ones kept.
// Not ok where an entry has no UUID or a number is none.
base::Result<std::vector<ContainerDevices>> ParseDevicesAllocated(std::string_view text);

struct PodShares {
  std::string scheduler;  // hami | volcano
  std::vector<ContainerDevices> containers;
  std::int64_t bound_ns = 0;
  std::string why;  // why there are none although an annotation stands
};
// Of any vendor's annotation (hami.io/*-devices-allocated and its kin, volcano.sh/vgpu-ids-new).
// False when the pod has none, or the binding failed.
bool SharesOf(const Pod& pod, PodShares* out);

struct RegisteredDevice {
  std::string id, type, mode;
  int index = 0, count = 0;                  // count: into how many it may be split
  double memory_mib = 0, cores_percent = 0;  // after scaling
  bool health = false;
};
// hami.io/node-*-register: JSON since v2.8, colons before.
base::Result<std::vector<RegisteredDevice>> ParseNodeRegister(std::string_view text);
std::vector<RegisteredDevice> RegisteredOn(const Node& node);  // every vendor's

// max(memory, cores) of the device, 0..1 or above when the annotation says more than there is. 0 =
// cannot be told: the device's memory is not known and no cores are set.
double ShareOf(const VirtualDevice& device, double device_memory_mib);

// ---- the region file of HAMi-core: <hook>/vgpu/containers/<podUID>_<container>/*.cache

struct RegionProcess {
  std::int32_t pid = 0, host_pid = 0;
  std::vector<std::uint64_t> used_bytes;  // per device
  std::vector<double> sm_percent;
};
struct Region {
  std::string version;  // "v1.1" | "v1.1-mutant" | "v1.2"
  struct Limit {
    std::string uuid;
    std::uint64_t memory_bytes = 0;  // 0 = none
    double sm_percent = 0;
  };
  std::vector<Limit> devices;
  std::vector<RegionProcess> processes;  // alive ones
  bool torn = false;                     // a slot was being written: it is left out
};
base::Result<Region> DecodeRegion(std::string_view bytes);
// "<podUID>_<container>" -> both; false when the name is no such.
bool SplitRegionFolder(std::string_view folder, std::string* pod_uid, std::string* container);

}  // namespace strata::l4_sched
