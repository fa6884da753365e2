// SPDX-License-Identifier: Apache-2.0
// What follows from measurements of one GPU and one minute: bytes and FLOPs as shares of a peak,
// what it was doing, a PCIe link that runs below what it can, how fast it warms up. Pure functions,
// any thread. What is not known is NaN and stays "not assessed"; a peak names its grade.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace strata::l1_gpu {

inline constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();

// ---- peaks

struct Peak {
  double value = kNotMeasured;
  char grade = 0;  // A vendor's document, B public tables agree, C third party or disputed
};

// Of one device as software sees it; tensor path, dense. gpu_specs.yaml says where from.
struct GpuSpec {
  std::string_view id, vendor;            // "h100-sxm5", "nvidia"
  Peak tf32, bf16, fp16, fp8, int8, fp4;  // FLOP/s (OP/s for int8)
  Peak memory;                            // By/s
  Peak link;                              // By/s, all links, both directions added
  Peak tdp;                               // W
};
struct GpuName {
  std::string_view name, unless;  // lower case; `unless` vetoes
  std::size_t spec;
};
std::span<const GpuSpec> gpu_specs();
std::span<const GpuName> gpu_names();  // longest first

// By the name that NVML, DCGM or an SMI tool prints. nullptr: not in the table, or
// a share of a board (vGPU, MIG); an entity with gpu.mig.id has no peak either, whatever its name.
const GpuSpec* FindGpuSpec(std::string_view model);

struct Estimate {
  double value = kNotMeasured;
  char grade = 0;                 // of the peak it rests on; 0 = no value
  std::string_view not_assessed;  // why there is no value; "" = there is one
};

// Bytes a second over the device's memory: active share × peak (DCGM 1005, GPM DRAM_BW_UTIL). For a
// whole device only: a MIG instance's share is of its own slices.
Estimate MemoryBytesPerSecond(const GpuSpec* spec, double dram_active_ratio);

// FLOP/s that the tensor pipes did at most: active share × bf16 peak (fp16 where there is no bf16)
// × clock ÷ maximum clock where both are known. An upper bound for 16 bit work: a pipe counts as
// active also when it stalls; fp8 work can be up to twice as much.
Estimate TensorFlopsBound(const GpuSpec* spec, double tensor_active_ratio,
                          double clock_hz = kNotMeasured, double clock_max_hz = kNotMeasured);

// ---- what a GPU was doing

// Means over the minute; NaN = not measured.
struct Activity {
  double utilization_ratio = kNotMeasured;  // share of time a kernel was resident
  double sm_active_ratio = kNotMeasured;
  double tensor_active_ratio = kNotMeasured;
  double memory_bandwidth_ratio = kNotMeasured;
  double link_bytes_per_s = kNotMeasured;  // GPU to GPU, both directions added
  double pcie_bytes_per_s = kNotMeasured;  // both directions added
};

enum class Input : std::uint8_t {
  resident,            // utilization_ratio, else (MIG) sm_active_ratio
  sm,                  // sm_active_ratio
  tensor,              // tensor_active_ratio
  memory,              // memory_bandwidth_ratio
  memory_over_tensor,  // memory_bandwidth_ratio − tensor_active_ratio: which peak is nearer
  traffic,             // link and PCIe bytes a second, what is known of them
};
std::string_view InputName(Input input);

struct Condition {
  Input input;
  bool at_least;  // input >= line, else input < line
  double line;
};
struct StateRule {
  std::string_view state;           // computing | memory bound | communicating | starved | idle
  std::span<const Condition> when;  // all of them
  std::string_view says;
};
// The rule of the house, in order: the first that holds is the state. One that cannot be decided
// because an input was not measured ends the search: the minute is not assessed.
std::span<const StateRule> state_rules();

struct State {
  std::string_view state;    // "" = not assessed
  std::string_view says;     // why, in the rule's words
  std::string_view missing;  // the input that was not measured
};
State StateOf(const Activity& activity);

// ---- PCIe link

struct PcieLink {
  double generation = kNotMeasured, generation_max = kNotMeasured;
  double width = kNotMeasured, width_max = kNotMeasured;
  double utilization_ratio = kNotMeasured;  // an idle device goes down to save power
};
struct LinkTraining {
  bool assessed = false;
  bool down = false;
  double lost_ratio = kNotMeasured;  // of what the link could carry, 0..1
  std::string_view not_assessed;     // "" = assessed
};
LinkTraining PcieTraining(const PcieLink& link);
double PcieLaneBytesPerSecond(double generation);  // one lane, one direction; NaN = unknown

// ---- heat

struct HeatSample {
  std::int64_t ts_ns;
  double celsius;
};
// Degrees a minute by least squares; NaN with fewer than 4 samples or less than 20 s between first
// and last.
double CelsiusPerMinute(std::span<const HeatSample> samples);

}  // namespace strata::l1_gpu
