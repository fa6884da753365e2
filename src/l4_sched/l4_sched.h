// SPDX-License-Identifier: Apache-2.0
// The door of L4: whose GPU it was at that moment. Sightings ("an exporter's series names a pod",
// "the kubelet lists a device") become holdings with a beginning and an end. In memory,
// deterministic, one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "l4_sched/catalog.gen.h"
#include "model/batch.h"

namespace strata::l4_sched {

// ---- names

// What a pod's name says about the workload that made it; a guess, because names may be anything.
struct WorkloadGuess {
  std::string
      kind;  // Deployment | StatefulSet | Job | CronJob | "" (made by a controller of unknown kind)
  std::string name;
};
// name-HASH-xxxxx -> Deployment; name-STAMP-xxxxx -> CronJob; name-N-xxxxx -> Job (indexed);
// name-xxxxx -> kind unknown; name-N -> StatefulSet; else a bare pod: kind "", name = the pod's.
WorkloadGuess GuessWorkload(std::string_view pod);

// Is this pod the exporter that reports the GPU, not its owner? (An exporter's own labels name
// itself on idle GPUs.)
bool IsExporterPod(std::string_view pod);

// ---- teams

struct TeamRules {
  std::string label;                              // pod label whose value is the team
  std::map<std::string, std::string> namespaces;  // namespace -> team, where no label tells
};
std::string TeamOf(const TeamRules& rules, const model::Attributes& attributes,
                   std::string_view ns);

// ---- holdings

struct HoldingOptions {
  TeamRules teams;
  std::int64_t interval_ns = 60'000'000'000;  // between sightings, until a source has shown its own
  int missed = 2;                             // intervals without a sighting that end a holding
  std::int64_t keep_ns =
      26 * 3600'000'000'000;           // closed holdings are remembered so long for held_at
  std::size_t max_holdings = 100'000;  // open and remembered together; the oldest closed go first
  std::size_t max_pods = 500'000;      // of which facts are remembered
};

struct HoldingRow {
  model::Holding holding;
  std::uint64_t version = 0;  // rises with every change of the row
};

// What the API server (or the kubelet's copy) knows of a pod and a sighting of its device does not.
struct PodFacts {
  std::string workload_kind, workload, team, queue, node;
  bool operator==(const PodFacts&) const = default;
};

class HoldingTracker {
 public:
  explicit HoldingTracker(HoldingOptions options);
  ~HoldingTracker();
  HoldingTracker(HoldingTracker&&) noexcept;
  HoldingTracker& operator=(HoldingTracker&&) noexcept;

  // Remembers a series of a GPU, and whom its k8s.* attributes name. Others are ignored.
  void Learn(const model::Series& series);
  // A sample of a learned series: its GPU was seen at `ts_ns`, held by whom the series names, or by
  // nobody.
  void Saw(model::SeriesId series, std::int64_t ts_ns);
  // A sighting that another source gives whole: gpu and source must be set, and valid_from = the
  // moment it was seen; or valid_from = since when it is known to hold and valid_to = the moment it
  // was seen. A share of 0 is not told: an equal part of what others leave. Whom to believe where
  // sources disagree: trust.h.
  void Saw(const model::Holding& sighting);
  // An entity of type pod: its workload, team and queue. May come before or after what it is about;
  // rows that stand are then written again.
  void Know(const model::Entity& pod);
  // Learn, Know, Saw and Settle for all of a batch; returns the rows to store. Events go into the
  // batch.
  std::vector<HoldingRow> Update(model::Batch* batch, std::int64_t now_ns);

  // Holdings that were open when the server stopped, known to have held until `seen_ns`: they go on
  // when they are seen again, and end when they are not.
  void Restore(const std::vector<model::Holding>& open, std::int64_t seen_ns);

  // Opens, closes and shares out what was seen; call it when a batch is done, and now and then
  // without one.
  void Settle(std::int64_t now_ns);
  // Rows that changed since the last call, in a fixed order, and what was disputed.
  std::vector<HoldingRow> TakeChanged();
  std::vector<model::Event> TakeEvents();

  // Who held the device at a time, by the sources that count.
  std::vector<model::Holding> held_at(std::string_view gpu, std::int64_t ts_ns,
                                      std::string_view origin = {}) const;
  std::vector<model::Holding> held(std::string_view origin = {}) const;  // open now
  std::size_t size() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::l4_sched
