// SPDX-License-Identifier: Apache-2.0
// Answers of the kubelet's PodResourcesLister, v1 and v1alpha1, as protobuf or as JSON (grpcurl,
// protojson). Field numbers: k8s.io/kubelet pkg/apis/podresources/{v1,v1alpha1}/api.proto.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace strata::l4_sched {

struct DeviceGrant {
  std::string resource;
  std::vector<std::string> ids;
  std::vector<std::int64_t> numa;
};
struct ClaimGrant {
  std::string claim, claim_ns, driver, pool, device, share_id;
  std::vector<std::string> cdi;
};
struct ContainerGrants {
  std::string name;
  std::vector<DeviceGrant> devices;
  std::vector<ClaimGrant> claims;
  std::size_t cpus = 0;
};
struct PodGrants {  // no UID: name and namespace are all it tells
  std::string ns, name;
  std::vector<ContainerGrants> containers;
};

// List (and Get, which holds one pod in the same field). An empty answer is whole: no pods.
base::Result<std::vector<PodGrants>> DecodePodResources(std::string_view protobuf);
base::Result<std::vector<PodGrants>> ParsePodResources(std::string_view json);
// GetAllocatableResources: devices that pods can have.
base::Result<std::vector<DeviceGrant>> DecodeAllocatable(std::string_view protobuf);
base::Result<std::vector<DeviceGrant>> ParseAllocatable(std::string_view json);

}  // namespace strata::l4_sched
