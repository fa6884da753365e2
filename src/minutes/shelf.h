// SPDX-License-Identifier: Apache-2.0
// What the closer reads and writes, as an interface: read.cc speaks SQL behind it, tests put an
// in-memory shelf there. Origins are spelled as stored: "live" or the world's name.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "minutes/fold.h"
#include "minutes/gather.h"
#include "minutes/layout.h"
#include "model/batch.h"
#include "store/rows.h"
#include "store/store.h"

namespace strata::minutes {

inline constexpr std::int64_t kAroundNs = 2 * base::kMinute;
inline constexpr std::int64_t kLongestGapNs =
    base::kHour;  // a counter that was silent for longer tells nothing of it

struct SamplePoint {
  std::uint64_t series = 0;
  Point point;
};

// Something of a minute arrived at a second. `what`: s(ample), h(istogram), e(vent), c(ollective),
// q (a call). Those of series may be of another origin.
struct Arrival {
  std::int64_t minute_ns = 0;
  char what = 's';
  std::uint64_t series = 0;
  std::string entity_type, entity;  // of e and c
  std::int64_t received_s = 0;
  std::uint64_t rows = 0;
};

class Shelf {
 public:
  virtual ~Shelf() = default;
  // Series that feed minute columns and were announced at or after this second.
  virtual base::Result<std::vector<model::Series>> Series(std::int64_t received_s) = 0;
  // Origins of anything at all.
  virtual base::Result<std::vector<std::string>> Origins() = 0;
  // From kAroundNs before the window to kAroundNs after it, of these series (none named: all of the
  // origin); sorted by series and time, each fact once.
  virtual base::Result<std::vector<SamplePoint>> Samples(const std::string& origin, Window window,
                                                         std::span<const std::uint64_t> series) = 0;
  virtual base::Result<std::vector<model::Histogram>> Histograms(
      const std::string& origin, Window window, std::span<const std::uint64_t> series) = 0;
  // Of each series the last sample before the window and the first after it, at most kLongestGapNs
  // away.
  virtual base::Result<std::vector<SamplePoint>> Outside(Window window,
                                                         std::span<const std::uint64_t> series) = 0;
  virtual base::Result<std::vector<EventCount>> Events(const std::string& origin,
                                                       Window window) = 0;
  virtual base::Result<std::vector<model::Collective>> Collectives(const std::string& origin,
                                                                   Window window) = 0;
  virtual base::Result<store::Rows> Calls(const std::string& origin, Window window) = 0;
  // Minutes in the window that hold anything, in order.
  virtual base::Result<std::vector<std::int64_t>> MinutesWithData(const std::string& origin,
                                                                  Window window) = 0;
  // Newest time of anything at or after `from_ns`; 0 = nothing.
  virtual base::Result<std::int64_t> Newest(const std::string& origin, std::int64_t from_ns) = 0;
  // Newest version by minute, over all minute tables and requests.
  virtual base::Result<std::map<std::int64_t, std::uint64_t>> Closed(const std::string& origin,
                                                                     std::int64_t from_ns) = 0;
  virtual base::Result<std::vector<Arrival>> Arrivals(const std::string& origin, Window window,
                                                      std::int64_t received_s) = 0;
  virtual base::Status Write(std::string_view table, std::string_view rowbinary,
                             std::string_view token) = 0;
};

std::unique_ptr<Shelf> MakeStoreShelf(store::Store* store, const Layout* layout);

}  // namespace strata::minutes
