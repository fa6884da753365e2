// SPDX-License-Identifier: Apache-2.0
#include "l1_gpu/derived.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

namespace strata::l1_gpu {
namespace {

constexpr double kNan = kNotMeasured;

TEST(GpuSpecs, ByTheNamesThatToolsPrint) {
  const auto f = [](std::string_view model, std::string_view want) {
    const GpuSpec* spec = FindGpuSpec(model);
    EXPECT_EQ(spec == nullptr ? "" : spec->id, want) << model;
  };
  f("NVIDIA H100 80GB HBM3", "h100-sxm5");
  f("NVIDIA H100 PCIe", "h100-pcie");
  f("NVIDIA H100 NVL", "h100-nvl");
  f("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "");
  f("NVIDIA H200", "h200-sxm");
  f("NVIDIA H200 NVL", "h200-nvl");
  f("NVIDIA H20", "h20");
  f("NVIDIA A100-SXM4-40GB", "a100-sxm4-40gb");
  f("NVIDIA A100 80GB PCIe", "a100-pcie-80gb");
  f("NVIDIA A10", "a10");
  f("NVIDIA A10G", "a10g");
  f("NVIDIA L4", "l4");
  f("NVIDIA L40", "l40");
  f("NVIDIA L40S", "l40s");
  f("NVIDIA B200", "b200");
  f("NVIDIA GB200", "gb200");
  f("NVIDIA GB300", "gb300");
  f("Tesla T4", "t4");
  f("Tesla V100-SXM2-32GB", "v100-sxm2");
  f("Tesla V100S-PCIE-32GB", "v100s-pcie");
  f("NVIDIA GeForce RTX 4090", "rtx-4090");
  f("NVIDIA GeForce RTX 4090 D", "");
  f("AMD Instinct MI300X", "mi300x");
  f("AMD_Instinct_MI300X_OAM", "mi300x");
  f("910B3", "ascend-910b");
  f("HL-225", "gaudi2");
  // Unknown, a share of a board, or a name that does not tell the variant.
  f("", "");
  f("NVIDIA Thing 9000", "");
  f("NVIDIA H100", "");
  f("GRID T4-8C", "");
  f("NVIDIA A100-40C", "");
  f("NVIDIA H100L-1-12C", "");
  f("NVIDIA L4-24Q", "");
}

TEST(GpuSpecs, EveryNameFindsItsOwnRow) {
  std::set<std::string_view> ids;
  for (const GpuSpec& spec : gpu_specs()) EXPECT_TRUE(ids.insert(spec.id).second);
  EXPECT_GE(ids.size(), 41u);
  for (const GpuName& name : gpu_names())
    EXPECT_EQ(FindGpuSpec(name.name), &gpu_specs()[name.spec]) << name.name;
}

TEST(Derived, BytesAndFlopsNameTheirGradeOrWhyThereAreNone) {
  const GpuSpec* h100 = FindGpuSpec("NVIDIA H100 80GB HBM3");
  const Estimate bytes = MemoryBytesPerSecond(h100, 0.5);
  EXPECT_DOUBLE_EQ(bytes.value, 1675e9);
  EXPECT_EQ(bytes.grade, 'A');
  EXPECT_DOUBLE_EQ(TensorFlopsBound(h100, 0.4).value, 0.4 * 989e12);
  EXPECT_DOUBLE_EQ(TensorFlopsBound(h100, 0.4, 990e6, 1980e6).value, 0.2 * 989e12);
  EXPECT_DOUBLE_EQ(TensorFlopsBound(FindGpuSpec("Tesla T4"), 1).value, 65e12);  // no bf16
  EXPECT_EQ(MemoryBytesPerSecond(FindGpuSpec("NVIDIA H20"), 0.5).grade, 'C');   // unsure there
  EXPECT_EQ(TensorFlopsBound(FindGpuSpec("NVIDIA H20"), 0.5).grade, 'B');
  EXPECT_DOUBLE_EQ(MemoryBytesPerSecond(FindGpuSpec("AMD Instinct MI250X"), 1).value,
                   1638e9);  // one GCD
  for (const Estimate& none :
       {MemoryBytesPerSecond(nullptr, 0.5), MemoryBytesPerSecond(h100, kNan),
        MemoryBytesPerSecond(h100, -1), MemoryBytesPerSecond(h100, 12),
        MemoryBytesPerSecond(FindGpuSpec("NVIDIA GH200 480GB"), 0.5),  // two variants
        TensorFlopsBound(nullptr, 0.5), TensorFlopsBound(h100, kNan)}) {
    EXPECT_TRUE(std::isnan(none.value));
    EXPECT_EQ(none.grade, 0);
    EXPECT_FALSE(none.not_assessed.empty());
  }
}

TEST(Derived, StateOfAMinute) {
  const auto f = [](Activity a, std::string_view want, std::string_view missing = "") {
    const State state = StateOf(a);
    EXPECT_EQ(state.state, want);
    EXPECT_EQ(state.missing, missing);
    EXPECT_EQ(state.says.empty(), want.empty());
  };
  //  utilisation, SM, tensor, memory, links, PCIe
  f({0.01, 0.0, 0.0, 0.0, 0, 0}, "idle");
  f({0.01, kNan, kNan, kNan, kNan, kNan}, "idle");      // before Hopper, by NVML alone
  f({kNan, 0.01, 0.0, 0.0, kNan, kNan}, "idle");        // a MIG instance
  f({1.0, 0.9, 0.55, 0.45, 2e9, 1e9}, "computing");     // training
  f({1.0, 0.8, 0.08, 0.75, 0, 1e8}, "memory bound");    // decoding
  f({1.0, 0.8, 0.5, 0.5, 0, 1e8}, "memory bound");      // both peaks equally near
  f({1.0, 0.7, 0.0, 0.2, 0, 0}, "computing");           // vector work
  f({1.0, 0.1, 0.01, 0.05, 2e10, 0}, "communicating");  // collectives that move bytes
  f({1.0, 0.1, 0.0, 0.0, 0, 0}, "communicating");       // … that wait for a peer
  f({0.4, 0.2, 0.05, 0.1, 1e6, 1e8}, "starved");
  f({0.4, 0.2, 0.05, 0.1, kNan, 1e8}, "starved");  // no NVLink in this device
  f({0.9, kNan, kNan, kNan, kNan, kNan}, "", "gpu.memory.bandwidth.utilization");
  f({0.9, 0.9, kNan, 0.1, 0, 0}, "", "gpu.tensor.active");
  f({0.9, 0.9, kNan, 0.7, 0, 0}, "", "gpu.tensor.active");  // memory bound, if tensor is below
  f({0.4, 0.2, 0.05, 0.1, kNan, kNan}, "", "gpu.link.io");
  f({}, "", "gpu.utilization");
}

TEST(Derived, StateRulesAreWhole) {
  const std::set<std::string_view> words = {"computing", "memory bound", "communicating", "starved",
                                            "idle"};
  std::set<std::string_view> seen;
  for (const StateRule& rule : state_rules()) {
    EXPECT_TRUE(words.contains(rule.state)) << rule.state;
    EXPECT_FALSE(rule.says.empty());
    seen.insert(rule.state);
  }
  EXPECT_EQ(seen, words);
  EXPECT_TRUE(state_rules().back().when.empty());  // something is always said when all is measured
}

TEST(Derived, PcieLinkBelowWhatItCan) {
  const LinkTraining ok = PcieTraining({5, 5, 16, 16, 0.9});
  EXPECT_TRUE(ok.assessed);
  EXPECT_FALSE(ok.down);
  EXPECT_EQ(ok.lost_ratio, 0);
  const LinkTraining half = PcieTraining({3, 3, 8, 16, 0.9});
  EXPECT_TRUE(half.down);
  EXPECT_DOUBLE_EQ(half.lost_ratio, 0.5);
  EXPECT_NEAR(PcieTraining({4, 5, 16, 16, 0.9}).lost_ratio, 0.5, 0.001);
  for (const LinkTraining& none :
       {PcieTraining({1, 4, 16, 16, 0.0}), PcieTraining({1, 4, 16, 16, kNan}),
        PcieTraining({kNan, 4, 16, 16, 1}), PcieTraining({4, 4, 0, 16, 1}),
        PcieTraining({9, 9, 16, 16, 1})}) {
    EXPECT_FALSE(none.assessed);
    EXPECT_FALSE(none.down);
    EXPECT_FALSE(none.not_assessed.empty());
  }
}

TEST(Derived, HeatSlope) {
  std::vector<HeatSample> samples;
  for (int i = 0; i <= 12; ++i)
    samples.push_back(
        {1'000'000'000'000LL + i * 5'000'000'000LL, 50 + i * 0.5 + (i % 2 == 0 ? 0.2 : -0.2)});
  EXPECT_NEAR(CelsiusPerMinute(samples), 6, 0.2);
  samples[5].celsius = kNan;
  EXPECT_NEAR(CelsiusPerMinute(samples), 6, 0.2);
  EXPECT_TRUE(std::isnan(CelsiusPerMinute(std::span(samples).first(3))));
  EXPECT_TRUE(std::isnan(CelsiusPerMinute({})));
  const HeatSample burst[] = {{0, 1}, {1, 2}, {2, 3}, {3, 4}};
  EXPECT_TRUE(std::isnan(CelsiusPerMinute(burst)));
  const HeatSample flat[] = {
      {0, 40}, {20'000'000'000, 40}, {40'000'000'000, 40}, {60'000'000'000, 40}};
  EXPECT_EQ(CelsiusPerMinute(flat), 0);
}

}  // namespace
}  // namespace strata::l1_gpu
