// SPDX-License-Identifier: Apache-2.0
// What the ingest thread learns while rows pass: entities, who holds which device, the freshness of
// signals and sources, and the last minutes of the key signals for the page. Update runs on the
// ingest thread, snapshots on any.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "l4_sched/l4_sched.h"
#include "model/batch.h"
#include "model/catalog.h"
#include "store/rows.h"

namespace strata::server {

struct Config;
class CommWatch;

struct SignalFacts {
  std::int64_t last_ns = 0;
  std::uint64_t series = 0;
};

struct Point {
  std::int64_t ts = 0;
  double value = 0;
};

struct Spark {  // one signal of one entity, newest last
  std::string layer, signal, unit, entity_type, entity, origin;
  std::vector<Point> points;
};

class Place {
 public:
  // `comm` sees all collectives that pass; it outlives the place.
  Place(std::span<const model::Catalog* const> catalogs, const Config& config, CommWatch& comm);
  ~Place();

  // Holdings that an earlier run left open, known to have held until `seen_ns`.
  void Restore(const std::vector<model::Holding>& open, std::int64_t seen_ns);

  // Adds entities, holdings (opened, closed), and events to the batch; appends rows of model calls
  // to `rows`.
  void Update(model::Batch* batch, std::int64_t now_ns, std::vector<store::TableRows>* rows);

  // origin -> signal -> facts
  std::map<std::string, std::map<std::string, SignalFacts>> signals() const;
  std::vector<model::SourceState> sources() const;
  std::map<std::string, std::map<std::string, std::uint64_t>> entity_counts()
      const;  // origin -> type -> n
  std::vector<std::string> origins() const;
  // The oldest time of what minutes are made of, since it was last asked; none: the largest.
  std::int64_t TakeOldest();
  std::vector<Spark> sparks(std::string_view origin, std::int64_t since_ns) const;
  std::vector<model::Holding> held(std::string_view origin) const;
  std::vector<std::string> engines(std::string_view origin) const;  // ids of engine entities

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::server
