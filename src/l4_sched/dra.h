// SPDX-License-Identifier: Apache-2.0
// Dynamic resource allocation: which device a claim was given, and for whom it is reserved.
// resource.k8s.io v1, v1beta2 (attributes on the device) and v1beta1 (under `basic`).
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/status.h"

namespace strata::l4_sched {

struct DraDevice {
  std::string driver, pool, name, node;
  std::string type;               // gpu | mig | vfio, as its driver says
  std::string uuid, parent_uuid;  // of a MIG device: its own and its GPU's
  std::string profile, product;   // 1g.10gb; "NVIDIA H100 80GB HBM3"
  std::string pci_bdf;
  std::map<std::string, double> capacity;  // memory in bytes, multiprocessors, …
  std::set<std::string> counter_sets;      // what it is a partition of
  bool shared = false;                     // allowMultipleAllocations
};

struct DraPools {
  std::map<std::tuple<std::string, std::string, std::string>, DraDevice> devices;
  std::vector<std::string>
      incomplete;  // pools whose slices are not all there: nothing of them counts
  const DraDevice* find(std::string_view driver, std::string_view pool,
                        std::string_view name) const;
};
// ResourceSliceList. Only the highest generation of a pool counts, and only when it is whole.
base::Result<DraPools> ParseSlices(std::string_view json);

struct DraResult {
  std::string request, driver, pool, device, share_id;
  bool admin = false;                      // a monitor: holds nothing
  std::map<std::string, double> consumed;  // consumedCapacity
};
struct DraClaim {
  std::string ns, name, uid;
  std::int64_t allocated_ns = 0;  // 0 = not told
  std::vector<DraResult> results;
  struct Consumer {
    std::string resource, name, uid;
  };
  std::vector<Consumer> reserved_for;
  double asked = 0;  // devices, when nothing is allocated yet
  std::int64_t created_ns = 0;
};
base::Result<std::vector<DraClaim>> ParseClaims(std::string_view json);

// What one result is of its physical device: the device and a share. `consumers` share alike.
struct DraShare {
  std::string gpu, why;  // gpu "" = unknown, and why
  double share = 0;      // 0 = not told
};
DraShare ShareOf(const DraResult& result, const DraPools& pools, std::size_t consumers);

}  // namespace strata::l4_sched
