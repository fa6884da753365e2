// SPDX-License-Identifier: Apache-2.0
// All readers of this room, and what is made of what they read, on bytes that may be anything: the
// body of the fuzz target and of the deterministic test of damage.
#pragma once

#include "l4_sched/demand.h"
#include "l4_sched/hami.h"
#include "l4_sched/pod_resources.h"
#include "l4_sched/process_owner.h"
#include "l4_sched/read.h"
#include "l4_sched/resolver.h"
#include "l4_sched/slurm.h"

namespace strata::l4_sched {

inline void ResolveAnything(std::string_view text) {
  Resolver resolver({});
  if (auto pods = ParsePods(text); pods.ok()) {
    (void)FindDemand({}, *pods, {});
    resolver.SetPods(std::move(*pods));
  }
  if (auto grants = ParsePodResources(text); grants.ok()) resolver.SetPodResources("n", *grants);
  if (auto claims = ParseClaims(text); claims.ok()) resolver.SetClaims(*claims);
  if (auto pools = ParseSlices(text); pools.ok()) resolver.SetSlices(*pools);
  if (auto slurm = ParseSlurm(text); slurm.ok()) resolver.SetSlurm(*slurm);
  if (auto nodes = ParseNodes(text); nodes.ok()) resolver.SetNodes(*nodes);
  HoldingTracker tracker({});
  for (int i = 1; i <= 2; ++i) {
    model::Batch batch;
    resolver.Look(i * 1'000'000'000, &batch);
    (void)tracker.Update(&batch, i * 1'000'000'000);
  }
}

inline void Damage(unsigned choice, const std::string& text) {
  constexpr Read* kReads[] = {ReadPods, ReadSummary, ReadPodResources, ReadSlurm, ReadHami};
  choice %= 10;
  if (choice < 5) {
    static const model::Catalog* const kCatalogs[] = {&catalog()};
    model::Namer namer(kCatalogs);
    model::Batch batch;
    base::Json report;
    wire::Context context;
    context.namer = &namer;
    context.now_ns = 1'795'000'000'000'000'000;
    (void)kReads[choice]({"fuzz", text}, context, &batch, &report).ok();
  } else if (choice == 5) {
    (void)ParseDevicesAllocated(text).ok();
    (void)ParseNodeRegister(text).ok();
  } else if (choice == 6) {
    (void)OwnerOf(text, text);
    (void)ResolveDeviceId(text, text, DeviceIndex());
  } else if (choice == 7) {
    (void)ParseQueues(text).ok();
    (void)ParseFailedScheduling(text);
  } else if (choice == 8) {
    (void)DecodeAllocatable(text).ok();
    (void)ExpandHosts(text, 1000);
    (void)ParseGres(text);
  } else {
    ResolveAnything(text);
  }
}

}  // namespace strata::l4_sched
