// SPDX-License-Identifier: Apache-2.0
#include "minutes/gpu_judge.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <tuple>

namespace strata::minutes {
namespace {

struct Device {
  std::string_view model;
  bool instance = false;
  std::int64_t from_ns = std::numeric_limits<std::int64_t>::max();
  std::vector<const SeriesData*> warmth;
};

// Since when a series tells of its device; a counter that began shortly before its first sample
// was counted from there on.
std::int64_t Began(const SeriesData& data) {
  if (data.points.empty()) return std::numeric_limits<std::int64_t>::max();
  const Point& first = data.points.front();
  return first.start_ts > 0 && first.start_ts < first.ts && first.ts - first.start_ts <= kGapNs
             ? first.start_ts
             : first.ts;
}

// Several series of the best source are one stream: a label changed.
std::vector<Point> BestOf(std::vector<const SeriesData*> parts, Window window) {
  const auto source = [](const SeriesData* d) {
    return std::tie(d->named->rank, d->named->series.source);
  };
  std::stable_sort(parts.begin(), parts.end(),
                   [&](const SeriesData* a, const SeriesData* b) { return source(a) < source(b); });
  std::vector<Point> out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!out.empty() && source(parts[i]) != source(parts[i - 1])) break;
    for (const Point& p : parts[i]->points) {
      if (p.ts >= window.from && p.ts < window.to && !std::isnan(p.value)) out.push_back(p);
    }
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Point& a, const Point& b) { return a.ts < b.ts; });
  return out;
}

}  // namespace

void JudgeGpus(const Layout& layout, Window window, std::span<const SeriesData> series,
               const GpuJudge& judge, std::vector<MinuteRow>* rows) {
  const int table = layout.table("gpu_minute");
  if (table < 0) return;
  const int warmth = layout.tables()[static_cast<std::size_t>(table)].fact("temperature_c");
  std::map<std::string_view, Device> devices;
  for (const SeriesData& data : series) {
    const Named& named = *data.named;
    for (std::size_t i = 0; i < named.uses.size(); ++i) {
      if (named.uses[i].table != table) continue;
      Device& device = devices[named.keys[i][0]];
      const model::Attributes& attributes = named.series.attributes;
      if (device.model.empty()) device.model = attributes.get("hw.model");
      device.from_ns = std::min(device.from_ns, Began(data));
      device.instance = device.instance || attributes.has("gpu.mig.id");
      if (named.uses[i].fact == warmth) device.warmth.push_back(&data);
    }
  }
  for (MinuteRow& row : *rows) {
    if (row.table != table) continue;
    const Device& device = devices[row.keys[0]];
    const Window part{std::clamp(device.from_ns, window.from, window.to), window.to};
    const std::vector<Point> celsius = BestOf(device.warmth, part);
    judge({layout, part, device.model, device.instance, celsius}, &row);
  }
}

}  // namespace strata::minutes
