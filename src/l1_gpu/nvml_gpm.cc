// SPDX-License-Identifier: Apache-2.0
#include "l1_gpu/nvml_gpm.h"

#include <cmath>
#include <utility>

namespace strata::l1_gpu {
namespace {

constexpr std::int64_t kApart = 100 * base::kMillisecond;  // NVML's least time between two samples
constexpr double kPercent = 0.01, kMebibyte = 1048576;

constexpr Def Gauge(std::string_view signal) {
  return {signal, model::Kind::gauge, {}, {}, "nvml:gpm"};
}
constexpr Def Pipe(std::string_view pipe) {
  return {"gpu.vector.active", model::Kind::gauge, {"gpu.pipe", pipe}, {}, "nvml:gpm"};
}
constexpr Def Rate(std::string_view signal, std::string_view direction) {
  return {signal, model::Kind::gauge, {"network.io.direction", direction}, "By/s", "nvml:gpm"};
}

// Ids and units: go-nvml gen/nvml/nvml.h (NVML_GPM_METRIC_*). The first is gpu.utilization.
constexpr GpmDef kDefs[kGpmDefs] = {
    {1, kPercent, Gauge("gpu.utilization"), false},
    {2, kPercent, Gauge("gpu.sm.active"), false},
    {3, kPercent, Gauge("gpu.sm.occupancy"), false},
    {5, kPercent, Gauge("gpu.tensor.active"), false},
    {10, kPercent, Gauge("gpu.memory.bandwidth.utilization"), false},
    {11, kPercent, Pipe("fp64"), false},
    {12, kPercent, Pipe("fp32"), false},
    {13, kPercent, Pipe("fp16"), false},
    {4, kPercent, Pipe("int"), false},
    {20, kMebibyte, Rate("gpu.pcie.io", "transmit"), true},
    {21, kMebibyte, Rate("gpu.pcie.io", "receive"), true},
    {61, kMebibyte, Rate("gpu.link.io", "transmit"), true},
    {60, kMebibyte, Rate("gpu.link.io", "receive"), true},
};

// As the library wants it, with room for the largest array any version of it has.
struct Question {
  NvmlGpmRequest head;
  NvmlGpmMetric metrics[kNvmlGpmMaxMetrics];
};
static_assert(sizeof(Question) == 24 + 40 * kNvmlGpmMaxMetrics);

}  // namespace

std::span<const GpmDef> gpm_defs() { return kDefs; }

NvmlReturn GpmPair::Take(const Calls& calls, NvmlDevice handle, unsigned instance, bool* told) {
  *told = false;
  const NvmlLibrary& nvml = calls.nvml;
  for (NvmlGpmSample* sample : {&earlier_, &later_}) {
    if (*sample != nullptr) continue;
    const NvmlReturn result = calls("nvmlGpmSampleAlloc", nvml.gpm_alloc, sample);
    if (result != kNvmlOk) return result;
  }
  const std::int64_t now = base::monotonic_ns();
  if (have_ && now - at_ns_ < kApart) return kNvmlOk;
  NvmlReturn result =
      instance == kNvmlNoInstance
          ? calls("nvmlGpmSampleGet", nvml.gpm_sample, handle, later_)
          : calls("nvmlGpmMigSampleGet", nvml.gpm_mig_sample, handle, instance, later_);
  if (result == kNvmlOk && have_) result = Ask(calls), *told = result == kNvmlOk;
  have_ = result == kNvmlOk;
  at_ns_ = base::monotonic_ns();  // after the call: the next sample is really so much later
  std::swap(earlier_, later_);
  // An argument is wrong for this pair, say after a reset; the next one may be good.
  return result == kNvmlInvalidArgument ? kNvmlNoData : result;
}

NvmlReturn GpmPair::Ask(const Calls& calls) {
  static thread_local Question question;
  question.head = {kNvmlGpmVersion, kGpmDefs, earlier_, later_};
  for (std::size_t i = 0; i < kGpmDefs; ++i)
    question.metrics[i] = {kDefs[i].id, kNvmlNoData, 0, {}};
  const NvmlReturn result = calls("nvmlGpmMetricsGet", calls.nvml.gpm_metrics, &question.head);
  if (result != kNvmlOk) return result;
  for (std::size_t i = 0; i < kGpmDefs; ++i) {
    const NvmlGpmMetric& m = question.metrics[i];
    results_[i] = m.result == kNvmlOk && std::isnan(m.value) ? kNvmlNoData : m.result;
    values_[i] = m.value * kDefs[i].scale;
  }
  return kNvmlOk;
}

void GpmPair::Free(const Calls& calls) {
  for (NvmlGpmSample* sample : {&earlier_, &later_}) {
    if (*sample != nullptr) calls("nvmlGpmSampleFree", calls.nvml.gpm_free, *sample);
    *sample = nullptr;
  }
  have_ = false;
}

}  // namespace strata::l1_gpu
