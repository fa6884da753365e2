// SPDX-License-Identifier: Apache-2.0
#include "server/gpu_state.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "l1_gpu/derived.h"

namespace strata::server {
namespace {

using minutes::GpuMinute;
using minutes::MinuteRow;

// Both directions added; one direction alone is not the sum.
double PerSecond(const GpuMinute& minute, const MinuteRow& row, const std::string& wire) {
  const auto value = [&](const char* direction) {
    return minute.layout.value(row, wire + direction);
  };
  double bytes = value("_tx_bytes") + value("_rx_bytes");
  if (std::isnan(bytes)) bytes = value("_both_bytes");
  return bytes * base::kSecond / static_cast<double>(minute.window.to - minute.window.from);
}

void PutState(const GpuMinute& minute, MinuteRow* row) {
  const auto value = [&](const char* fact) { return minute.layout.value(*row, fact); };
  l1_gpu::Activity activity;
  activity.utilization_ratio = value("utilization_ratio");
  activity.sm_active_ratio = value("sm_active_ratio");
  activity.tensor_active_ratio = value("tensor_active_ratio");
  activity.memory_bandwidth_ratio = value("memory_bandwidth_ratio");
  activity.link_bytes_per_s = PerSecond(minute, *row, "link");
  activity.pcie_bytes_per_s = PerSecond(minute, *row, "pcie");
  const l1_gpu::State state = l1_gpu::StateOf(activity);
  minute.layout.set_label(row, "state", state.state);
  minute.layout.set_label(row, "state_rule",
                          state.state.empty() ? "not assessed: no " + std::string(state.missing)
                                              : std::string(state.says));
}

void PutPeaks(const GpuMinute& minute, MinuteRow* row) {
  const l1_gpu::GpuSpec* spec = minute.instance ? nullptr : l1_gpu::FindGpuSpec(minute.model);
  const auto value = [&](const char* fact) { return minute.layout.value(*row, fact); };
  const l1_gpu::Estimate memory =
      l1_gpu::MemoryBytesPerSecond(spec, value("memory_bandwidth_ratio"));
  // Without the clock: its maximum is no fact of a minute. The bound is only looser for it.
  const l1_gpu::Estimate tensor = l1_gpu::TensorFlopsBound(spec, value("tensor_active_ratio"));
  minute.layout.set_value(row, "memory_bytes_per_s", memory.value);
  minute.layout.set_value(row, "tensor_flops_bound", tensor.value);
  if (const char grade = std::max(memory.grade, tensor.grade); grade != 0)
    minute.layout.set_label(row, "peak_grade", std::string_view(&grade, 1));
}

void PutHealth(const GpuMinute& minute, MinuteRow* row) {
  const auto value = [&](const char* fact) { return minute.layout.value(*row, fact); };
  // The best that the link did in the minute, so that a pause in which it went down is no fault.
  const l1_gpu::LinkTraining link = l1_gpu::PcieTraining(
      {value("pcie_generation"), value("pcie_max_generation"), value("pcie_lanes"),
       value("pcie_max_lanes"), value("utilization_ratio")});
  if (link.assessed) minute.layout.set_value(row, "pcie_degraded", link.down ? 1 : 0);
  std::vector<l1_gpu::HeatSample> heat;
  heat.reserve(minute.celsius.size());
  for (const minutes::Point& p : minute.celsius) heat.push_back({p.ts, p.value});
  minute.layout.set_value(row, "temperature_slope_c_per_min", l1_gpu::CelsiusPerMinute(heat));
}

}  // namespace

minutes::GpuJudge MakeGpuJudge() {
  return [](const GpuMinute& minute, MinuteRow* row) {
    PutState(minute, row);
    PutPeaks(minute, row);
    PutHealth(minute, row);
  };
}

}  // namespace strata::server
