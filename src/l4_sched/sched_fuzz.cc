// SPDX-License-Identifier: Apache-2.0
// libFuzzer target of all readers of this room and of what is made of what they read: the first
// byte chooses one, the rest is its input.
#include "l4_sched/demand.h"
#include "l4_sched/hami.h"
#include "l4_sched/pod_resources.h"
#include "l4_sched/process_owner.h"
#include "l4_sched/read.h"
#include "l4_sched/resolver.h"
#include "l4_sched/slurm.h"

namespace {

using namespace strata::l4_sched;

void Resolve(std::string_view text) {
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
    strata::model::Batch batch;
    resolver.Look(i * 1'000'000'000, &batch);
    (void)tracker.Update(&batch, i * 1'000'000'000);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr Read* kReads[] = {ReadPods, ReadSummary, ReadPodResources, ReadSlurm, ReadHami};
  const unsigned choice = data[0] % 10;
  if (choice < 5) {
    static const strata::model::Catalog* const kCatalogs[] = {&catalog()};
    strata::model::Namer namer(kCatalogs);
    strata::model::Batch batch;
    strata::base::Json report;
    strata::wire::Context context;
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
    Resolve(text);
  }
  return 0;
}
