// SPDX-License-Identifier: Apache-2.0
// Hands each device's minute to whoever knows what follows from it: this room brings together the
// facts, the model and the temperatures, the wiring says what that means. Pure; ticking thread.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "minutes/fold.h"
#include "minutes/gather.h"
#include "minutes/layout.h"

namespace strata::minutes {

struct GpuMinute {
  const Layout& layout;            // names the facts of the row
  Window window;                   // of the minute, from the first that was measured of it on
  std::string_view model;          // "" = its series do not tell
  bool instance = false;           // a MIG instance: part of a device
  std::span<const Point> celsius;  // of the best source, within the window, in order of time
};
// Adds to a row of gpu_minute whose sums stand.
using GpuJudge = std::function<void(const GpuMinute& minute, MinuteRow* row)>;

// `series` = those that the rows were gathered from.
void JudgeGpus(const Layout& layout, Window window, std::span<const SeriesData> series,
               const GpuJudge& judge, std::vector<MinuteRow>* rows);

}  // namespace strata::minutes
