// SPDX-License-Identifier: Apache-2.0
#include "l1_gpu/derived.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace strata::l1_gpu {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWord(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z'); }

// Does `name` stand in `text` as whole words?
bool HasWord(std::string_view text, std::string_view name) {
  for (std::size_t at = text.find(name); at != std::string_view::npos;
       at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || !IsWord(text[at - 1])) && (end == text.size() || !IsWord(text[end])))
      return true;
  }
  return false;
}

// "GRID T4-8C", "NVIDIA A100-40C", "… MIG 1g.5gb": a share of a board whose rest others use.
bool IsShare(std::string_view model) {
  if (HasWord(model, "mig")) return true;
  if (model.starts_with("grid ") || model.find(" grid ") != std::string_view::npos) return true;
  const std::size_t dash = model.rfind('-');
  if (dash == std::string_view::npos) return false;
  const std::string_view suffix = model.substr(dash + 1);
  if (suffix.size() < 2 || std::string_view("abcq").find(suffix.back()) == std::string_view::npos)
    return false;
  return std::all_of(suffix.begin(), suffix.end() - 1, IsDigit);
}

bool IsRatio(double v) { return v >= 0 && v <= 1.0001; }

constexpr Condition kIdle[] = {{Input::resident, false, 0.05}};
constexpr Condition kMemory[] = {{Input::memory, true, 0.4}, {Input::memory_over_tensor, true, 0}};
constexpr Condition kTensor[] = {{Input::tensor, true, 0.15}};
constexpr Condition kVector[] = {{Input::sm, true, 0.5}};
constexpr Condition kMoving[] = {{Input::traffic, true, 1e9}};
constexpr Condition kResident[] = {{Input::resident, true, 0.9}};

constexpr StateRule kRules[] = {
    {"idle", kIdle, "a kernel was resident for less than 5 % of the time"},
    {"memory bound", kMemory,
     "40 % or more of the memory bandwidth was in use, a larger share than of the tensor pipes"},
    {"computing", kTensor, "the tensor pipes were busy for 15 % of the time or more"},
    {"computing", kVector, "half or more of the SMs had work, outside the tensor pipes"},
    {"communicating", kMoving,
     "little was computed while 1 GB/s or more moved over NVLink or PCIe"},
    {"communicating", kResident,
     "a kernel stayed resident while hardly anything ran: so looks a collective that waits for a "
     "peer"},
    {"starved", {}, "kernels came and went with little work in them: the host did not keep up"},
};

double ValueOf(Input input, const Activity& a) {
  switch (input) {
    case Input::resident:
      return std::isnan(a.utilization_ratio) ? a.sm_active_ratio : a.utilization_ratio;
    case Input::sm: return a.sm_active_ratio;
    case Input::tensor: return a.tensor_active_ratio;
    case Input::memory: return a.memory_bandwidth_ratio;
    case Input::memory_over_tensor: return a.memory_bandwidth_ratio - a.tensor_active_ratio;
    case Input::traffic:
      if (std::isnan(a.link_bytes_per_s)) return a.pcie_bytes_per_s;
      if (std::isnan(a.pcie_bytes_per_s)) return a.link_bytes_per_s;
      return a.link_bytes_per_s + a.pcie_bytes_per_s;
  }
  return kNotMeasured;
}

}  // namespace

const GpuSpec* FindGpuSpec(std::string_view model) {
  std::string lower(model.substr(0, 256));
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (IsShare(lower)) return nullptr;
  for (const GpuName& n : gpu_names()) {
    if (HasWord(lower, n.name) && (n.unless.empty() || !HasWord(lower, n.unless)))
      return &gpu_specs()[n.spec];
  }
  return nullptr;
}

Estimate MemoryBytesPerSecond(const GpuSpec* spec, double dram_active_ratio) {
  if (!IsRatio(dram_active_ratio)) return {.not_assessed = "memory activity was not measured"};
  if (spec == nullptr) return {.not_assessed = "no peak is known of this device"};
  if (std::isnan(spec->memory.value))
    return {.not_assessed = "no memory bandwidth is known of this device"};
  return {spec->memory.value * std::min(dram_active_ratio, 1.0), spec->memory.grade, {}};
}

Estimate TensorFlopsBound(const GpuSpec* spec, double tensor_active_ratio, double clock_hz,
                          double clock_max_hz) {
  if (!IsRatio(tensor_active_ratio)) return {.not_assessed = "tensor activity was not measured"};
  if (spec == nullptr) return {.not_assessed = "no peak is known of this device"};
  const Peak& peak = std::isnan(spec->bf16.value) ? spec->fp16 : spec->bf16;
  if (std::isnan(peak.value)) return {.not_assessed = "no 16 bit peak is known of this device"};
  const double clock =
      clock_hz > 0 && clock_max_hz > 0 ? std::min(clock_hz / clock_max_hz, 1.0) : 1.0;
  return {peak.value * std::min(tensor_active_ratio, 1.0) * clock, peak.grade, {}};
}

std::span<const StateRule> state_rules() { return kRules; }

std::string_view InputName(Input input) {
  switch (input) {
    case Input::resident: return "gpu.utilization";
    case Input::sm: return "gpu.sm.active";
    case Input::tensor: return "gpu.tensor.active";
    case Input::memory: return "gpu.memory.bandwidth.utilization";
    case Input::memory_over_tensor: return "gpu.tensor.active";
    case Input::traffic: return "gpu.link.io";
  }
  return {};
}

State StateOf(const Activity& activity) {
  for (const StateRule& rule : kRules) {
    bool holds = true;
    std::string_view missing;
    for (const Condition& condition : rule.when) {
      const double value = ValueOf(condition.input, activity);
      if (std::isnan(value)) {
        if (missing.empty()) missing = InputName(condition.input);
      } else if ((value >= condition.line) != condition.at_least) {
        holds = false;
      }
    }
    if (!holds) continue;
    if (!missing.empty()) return {{}, {}, missing};
    return {rule.state, rule.says, {}};
  }
  return {};
}

double PcieLaneBytesPerSecond(double generation) {
  // PCI-SIG: transfers a second × line code (8b/10b, then 128b/130b, FLIT from 6 on).
  constexpr double kLane[] = {0.25e9, 0.5e9, 0.985e9, 1.969e9, 3.938e9, 7.563e9};
  const int g = std::isnan(generation) ? 0 : static_cast<int>(generation);
  return g >= 1 && g <= 6 && generation == g ? kLane[g - 1] : kNotMeasured;
}

LinkTraining PcieTraining(const PcieLink& link) {
  const double can = PcieLaneBytesPerSecond(link.generation_max) * link.width_max;
  const double now = PcieLaneBytesPerSecond(link.generation) * link.width;
  if (!(can > 0) || !(now > 0)) return {.not_assessed = "width or generation was not measured"};
  if (std::isnan(link.utilization_ratio))
    return {.not_assessed = "it is not known whether the device was at work"};
  if (link.utilization_ratio < 0.05)
    return {.not_assessed = "the device was idle: its link may go down to save power"};
  const double lost = std::max(0.0, 1 - now / can);
  return {true, link.width < link.width_max || link.generation < link.generation_max, lost, {}};
}

double CelsiusPerMinute(std::span<const HeatSample> samples) {
  double n = 0, sum_t = 0, sum_c = 0;
  std::int64_t first = 0, last = 0;
  for (const HeatSample& s : samples) {
    if (std::isnan(s.celsius)) continue;
    if (n == 0) first = last = s.ts_ns;
    first = std::min(first, s.ts_ns), last = std::max(last, s.ts_ns);
    ++n, sum_c += s.celsius;
  }
  if (n < 4 || last - first < 20'000'000'000) return kNotMeasured;
  const auto minutes = [first](const HeatSample& s) {
    return static_cast<double>(s.ts_ns - first) / 60e9;
  };
  for (const HeatSample& s : samples) sum_t += std::isnan(s.celsius) ? 0 : minutes(s);
  double above = 0, below = 0;
  for (const HeatSample& s : samples) {
    if (std::isnan(s.celsius)) continue;
    const double t = minutes(s) - sum_t / n;
    above += t * (s.celsius - sum_c / n);
    below += t * t;
  }
  return below > 0 ? above / below : kNotMeasured;
}

}  // namespace strata::l1_gpu
