// SPDX-License-Identifier: Apache-2.0
// From the id that a device plugin gave the kubelet to a physical device, and what share of it the
// id stands for. Pure functions over what the node's devices are known to be.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace strata::l4_sched {

// A device as the node itself knows it (NVML, sysfs, ResourceSlice).
struct Device {
  std::string uuid;  // what holdings are about: hw.id of the GPU
  std::string node;
  std::string model;
  int index = -1;       // on its node, as nvidia-smi and GRES count; -1 = not told
  std::string pci_bdf;  // 0000:41:00.0
  std::uint64_t memory_bytes = 0;
  struct Instance {
    std::string uuid;     // MIG-…
    std::string profile;  // 1g.10gb
    int gpu_instance = -1;
  };
  std::vector<Instance> instances;
};

struct DeviceIndex {                                        // of one node
  std::map<std::string, const Device*, std::less<>> by_id;  // UUID, MIG UUID, PCI address
  std::map<int, const Device*> by_index;
  explicit DeviceIndex(const std::vector<Device>& devices);
  DeviceIndex() = default;
};

struct DeviceRef {
  std::string gpu;         // physical device; "" = unknown
  std::string instance;    // MIG UUID, "" = none
  std::string profile;     // of the instance, "" = not told
  std::string share_kind;  // whole | mig | timeslice | hami
  int replica = -1;        // n of "::n", -1 = none
  bool known = false;      // the node's own list has it
  std::string why;         // what is missing when gpu is empty
};

// NVIDIA: GPU-uuid, MIG-uuid, both with ::n (time-slicing or MPS), GPU-uuid-n (HAMi),
// MIG-GPU-uuid/gi/ci (before R470), nvidiaI, nvidiaI/giG, nvidiaI/vgpuK (GKE); AMD: PCI address,
// amdgpu_xcp or card number; Ascend: Ascend910-n. A number names the device with that index. An
// unknown UUID of a whole device stands for itself with known = false.
DeviceRef ResolveDeviceId(std::string_view id, std::string_view resource, const DeviceIndex& index);

// Compute slices of the profile over those of the device: 7, an A30 has 4. 1g.10gb, mig-1g.10gb,
// 1g.10gb.me, 1c.3g.40gb (compute slices of a shared instance). 0 = the profile does not tell.
double MigProfileShare(std::string_view profile, std::string_view model);

}  // namespace strata::l4_sched
