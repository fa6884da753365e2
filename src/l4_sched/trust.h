// SPDX-License-Identifier: Apache-2.0
// Whom to believe about a device. The order of trust is the table below and nothing else; Judge
// applies it to what all sources say of one device at one moment. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/batch.h"

namespace strata::l4_sched {

struct Trust {
  std::string_view source;
  bool needs_witness;  // a pod's author can write it
  bool witness;        // can confirm what needs it
  bool tells_team;     // made of objects of the API server, or of Slurm's accounts
};
// Best first. HAMi decides devices in the scheduler and writes them on the pod, the kubelet's ids
// are then only numbers: so the annotation comes first, but is believed only with a witness.
inline constexpr Trust kTrust[] = {
    {"hami", true, false, true},       // hami.io/…-allocated
    {"volcano", true, false, true},    // volcano.sh/vgpu-ids-new
    {"region", false, true, false},    // HAMi-core's region file on the node
    {"dra", false, false, true},       // ResourceClaim and ResourceSlice
    {"kai", false, false, true},       // a fraction, joined with the reservation pod's device
    {"kubelet", false, true, true},    // PodResources
    {"slurm", false, false, true},     // GRES
    {"exporter", false, false, true},  // pod labels on an exporter's series
    {"process", false, false, false},  // processes seen on the device
};
const Trust& TrustOf(std::string_view source);
// Place in the table; behind it for a source that is not in it.
int SourcePrecedence(std::string_view source);

// What one source says of one holder of the device.
struct Said {
  const model::Holding* as = nullptr;  // share 0 = not told
  std::string_view source;
  bool old_enough = false;  // a witness would have come by now
  // Of the same pod on other devices: what is claimed there by sources that need a witness, by
  // witnesses; and whether a witness confirmed one of those claims anywhere.
  double annotated_elsewhere = 0, witnessed_elsewhere = 0;
  bool confirmed_elsewhere = false;
};
struct Verdict {
  struct Counted {
    std::size_t said = 0;  // index
    double share = 0;      // sums to at most 1 over all
  };
  std::vector<Counted> counted;
  std::string dispute;  // "" = none; names both sides
};
Verdict Judge(std::span<const Said> said);

bool SamePod(const model::Holding& a, const model::Holding& b);

}  // namespace strata::l4_sched
