// SPDX-License-Identifier: Apache-2.0
// From samples of one GPU, by the real catalog, to what its row of gpu_minute says.
#include "server/gpu_state.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "l1_gpu/l1_gpu.h"
#include "minutes/gather.h"

namespace strata::server {
namespace {

using minutes::Point;
constexpr std::int64_t kT = 1'764'000'000 * base::kSecond / base::kMinute * base::kMinute;
const model::Catalog* const kCatalogs[] = {&l1_gpu::catalog()};

// One device, sampled every 5 s from half a minute before the minute to half a minute after it.
struct Device {
  std::string id = "GPU-0";
  model::Attributes attributes{{"hw.model", "NVIDIA H100 80GB HBM3"}};
  minutes::Layout layout{kCatalogs};
  std::vector<model::Series> series;
  std::vector<std::vector<Point>> points;

  void Add(std::string signal, const std::function<double(int)>& value,
           std::string direction = "") {
    model::Series s;
    s.signal = std::move(signal), s.entity_type = "gpu", s.entity = id, s.attributes = attributes;
    s.source = "nvml";
    if (!direction.empty()) {
      s.attributes.set("network.io.direction", direction);
      s.kind = model::Kind::counter, s.temporality = model::Temporality::cumulative;
    }
    series.push_back(std::move(s));
    points.emplace_back();
    for (int t = -30; t < 90; t += 5)
      points.back().push_back({kT + t * base::kSecond, 0, value(t)});
  }
  void Gauge(std::string signal, double value) {
    Add(std::move(signal), [value](int) { return value; });
  }
  // It came `s` seconds after the minute began.
  void From(int s) {
    for (auto& p : points)
      std::erase_if(p, [s](const Point& x) { return x.ts < kT + s * base::kSecond; });
  }
  minutes::MinuteRow Row() {
    std::vector<minutes::Named> named;
    named.reserve(series.size());
    std::vector<minutes::SeriesData> data;
    for (std::size_t i = 0; i < series.size(); ++i) {
      named.push_back(minutes::Resolve(layout, series[i]));
      data.push_back({&named.back(), points[i], {}});
    }
    const minutes::Window window{kT, kT + base::kMinute};
    auto rows = minutes::Gather(layout, window, data, {}, {}, {}, nullptr);
    minutes::JudgeGpus(layout, window, data, MakeGpuJudge(), &rows);
    EXPECT_EQ(rows.size(), 1u);
    return rows.empty() ? minutes::MinuteRow() : rows[0];
  }
};

void Busy(Device* d) {
  d->Gauge("gpu.utilization", 1);
  d->Gauge("gpu.sm.active", 0.9);
  d->Gauge("gpu.tensor.active", 0.5);
  d->Gauge("gpu.memory.bandwidth.utilization", 0.2);
}

void Link(Device* d, double generation, double lanes) {
  d->Gauge("gpu.pcie.link.generation", generation);
  d->Gauge("gpu.pcie.link.generation.max", 5);
  d->Gauge("gpu.pcie.link.width", lanes);
  d->Gauge("gpu.pcie.link.width.max", 16);
}

TEST(GpuState, AnH100AtWork) {
  Device d;
  Busy(&d);
  Link(&d, 5, 8);
  d.Add("gpu.temperature", [](int t) { return 60 + 0.1 * t; });
  const minutes::MinuteRow row = d.Row();
  EXPECT_EQ(d.layout.label(row, "state"), "computing");
  EXPECT_EQ(d.layout.label(row, "state_rule"),
            "the tensor pipes were busy for 15 % of the time or more");
  EXPECT_EQ(d.layout.label(row, "peak_grade"), "A");
  EXPECT_NEAR(d.layout.value(row, "memory_bytes_per_s"), 0.2 * 3350e9, 1e3);
  EXPECT_NEAR(d.layout.value(row, "tensor_flops_bound"), 0.5 * 989e12, 1e6);
  EXPECT_EQ(d.layout.value(row, "pcie_degraded"), 1);
  EXPECT_NEAR(d.layout.value(row, "temperature_slope_c_per_min"), 6, 1e-9);
}

TEST(GpuState, ADeviceThatNobodyKnowsHasAStateAndNoShareOfAPeak) {
  Device d;
  d.attributes = {{"hw.model", "Acme 1"}};
  Busy(&d);
  Link(&d, 5, 16);
  const minutes::MinuteRow row = d.Row();
  EXPECT_EQ(d.layout.label(row, "state"), "computing");
  EXPECT_EQ(d.layout.label(row, "peak_grade"), "");
  EXPECT_TRUE(std::isnan(d.layout.value(row, "memory_bytes_per_s")));
  EXPECT_TRUE(std::isnan(d.layout.value(row, "tensor_flops_bound")));
  EXPECT_EQ(d.layout.value(row, "pcie_degraded"), 0);
  EXPECT_TRUE(std::isnan(d.layout.value(row, "temperature_slope_c_per_min")));
}

TEST(GpuState, AMigInstanceOfAKnownDeviceHasNoShareOfItsPeak) {
  Device d;
  d.id = "GPU-0/1";
  d.attributes.set("gpu.mig.id", "1");
  d.Gauge("gpu.sm.active", 0.9);
  d.Gauge("gpu.tensor.active", 0.5);
  d.Gauge("gpu.memory.bandwidth.utilization", 0.2);
  const minutes::MinuteRow row = d.Row();
  EXPECT_EQ(d.layout.label(row, "state"), "computing");
  EXPECT_TRUE(std::isnan(d.layout.value(row, "memory_bytes_per_s")));
  EXPECT_TRUE(std::isnan(d.layout.value(row, "tensor_flops_bound")));
  EXPECT_TRUE(std::isnan(d.layout.value(row, "pcie_degraded")));
  EXPECT_EQ(d.layout.label(row, "peak_grade"), "");
}

TEST(GpuState, WhatWasNotMeasuredIsNotAssessed) {
  Device d;
  d.Gauge("gpu.utilization", 1);
  Link(&d, 1, 16);
  const minutes::MinuteRow row = d.Row();
  EXPECT_EQ(d.layout.label(row, "state"), "");
  EXPECT_EQ(d.layout.label(row, "state_rule"), "not assessed: no gpu.memory.bandwidth.utilization");
  EXPECT_TRUE(std::isnan(d.layout.value(row, "memory_bytes_per_s")));
  Device idle;
  idle.Gauge("gpu.utilization", 0);
  Link(&idle, 1, 16);
  EXPECT_EQ(idle.layout.label(idle.Row(), "state"), "idle");
  EXPECT_TRUE(std::isnan(idle.layout.value(idle.Row(), "pcie_degraded"))) << "it saves power";
}

TEST(GpuState, TrafficIsBothDirectionsASecond) {
  const auto moving = [](double tx, double rx, int from = -30) {
    Device d;
    d.Gauge("gpu.utilization", 0.6);
    d.Gauge("gpu.sm.active", 0.1);
    d.Gauge("gpu.tensor.active", 0.01);
    d.Gauge("gpu.memory.bandwidth.utilization", 0.1);
    if (tx > 0)
      d.Add(
          "gpu.link.io", [tx](int t) { return tx * (t + 30); }, "transmit");
    if (rx > 0)
      d.Add(
          "gpu.link.io", [rx](int t) { return rx * (t + 30); }, "receive");
    d.From(from);
    return std::string(d.layout.label(d.Row(), "state"));
  };
  EXPECT_EQ(moving(0.6e9, 0.6e9), "communicating");
  EXPECT_EQ(moving(0.4e9, 0.4e9), "starved");
  EXPECT_EQ(moving(0.6e9, 0.6e9, 45), "communicating") << "a second of those it was there";
  EXPECT_EQ(moving(0.4e9, 0.4e9, 45), "starved");
  EXPECT_EQ(moving(0.4e9, 0), "") << "one direction alone is not the sum";
}

TEST(GpuState, TheBestOfTheMinuteIsTheLink) {
  Device d;
  Busy(&d);
  d.Add("gpu.pcie.link.generation", [](int t) { return t < 50 ? 1 : 5; });
  d.Gauge("gpu.pcie.link.generation.max", 5);
  d.Gauge("gpu.pcie.link.width", 16);
  d.Gauge("gpu.pcie.link.width.max", 16);
  EXPECT_EQ(d.layout.value(d.Row(), "pcie_degraded"), 0) << "it went down in a pause";
}

}  // namespace
}  // namespace strata::server
