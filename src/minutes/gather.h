// SPDX-License-Identifier: Apache-2.0
// All samples of one minute become rows of facts: pure, so that tests need no store. Several series
// of one column are put together by rules that are written at Gather.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "minutes/fold.h"
#include "minutes/layout.h"
#include "model/batch.h"

namespace strata::minutes {

// A named series that feeds some column, resolved once.
struct Named {
  model::Series series;
  std::vector<Use> uses;                       // whose `where` matches
  std::vector<std::vector<std::string>> keys;  // of each use
  int rank = 0;                                // Layout::SourceRank
};
Named Resolve(const Layout& layout, model::Series series);

struct SeriesData {
  const Named* named = nullptr;
  std::vector<Point> points;                 // in order of time
  std::vector<model::Histogram> histograms;  // in order of time
};

struct EventCount {
  std::string event, entity_type, entity;
  model::Attributes attributes;
  double count = 0;
};

// Numbers of one minute that come from rows rather than series (collectives): one vector per
// entity, signal and attributes.
struct Observed {
  std::string signal, entity;    // entity = first key
  model::Attributes attributes;  // rank, host.name, operation
  std::vector<double> values;
};

// A text of one minute's row of a rank; rank "" = the communicator as a whole.
struct Label {
  std::string communicator, rank, column, text;
};

// (table, first key) of rows that are wanted; nullptr = all.
using Wanted = std::set<std::pair<int, std::string>>;

// Rules where several series of one signal feed one column of one entity:
// - only series of the best source count (the catalog's order), the next one where the best gives
// nothing;
// - increase and count are summed over distinct attribute sets, histograms are added bucket by
// bucket;
// - gauges read at the same times are combined time by time, then folded: amounts ({…}, By, W, J)
// are summed, ratios and
//   the rest averaged (max and min take the extreme); with `split`, values of that attribute are
//   summed first;
// - gauges read at different times meanwhile are folded each, then combined the same way; one after
// the other they are
//   one stream (a label changed).
std::vector<MinuteRow> Gather(const Layout& layout, Window window,
                              std::span<const SeriesData> series,
                              std::span<const EventCount> events,
                              std::span<const Observed> observed, std::span<const Label> labels,
                              const Wanted* wanted);

}  // namespace strata::minutes
