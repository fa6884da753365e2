// SPDX-License-Identifier: Apache-2.0
#include "l1_gpu/smi.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/clock.h"
#include "l1_gpu/catalog.gen.h"

namespace strata::l1_gpu {
namespace {

constexpr std::int64_t kNow = 1'795'000'000'000'000'000;
const model::Catalog* const kCatalogs[] = {&catalog()};
using ReadFunction = base::Result<bool> (*)(const base::InputFile&, const wire::Context&,
                                            model::Batch*, base::Json*);

struct Reading {
  model::Namer namer{kCatalogs};
  model::Batch batch;
  base::Json report;
  std::map<std::uint64_t, model::Series> series;

  base::Result<bool> Read(ReadFunction read, const std::string& text) {
    wire::Context context;
    context.namer = &namer;
    context.now_ns = kNow;
    context.max_ahead_ns = 0;
    auto result = read({"t", text}, context, &batch, &report);
    namer.take_fresh(&batch.series);
    for (const model::Series& s : batch.series) series[static_cast<std::uint64_t>(s.id)] = s;
    return result;
  }
  void Golden(ReadFunction read, bool (*looks)(std::string_view), const std::string& name) {
    auto text = base::ReadFile(std::string(STRATA_SOURCE_DIR) + "/tests/golden/l1_gpu/" + name);
    ASSERT_TRUE(text.ok()) << name;
    EXPECT_TRUE(looks(*text)) << name;
    const auto result = Read(read, *text);
    ASSERT_TRUE(result.ok()) << result.status().message();
    EXPECT_TRUE(*result);
  }
  // Values of a signal, where every attribute given has this value ("" = it has none), in order.
  std::vector<double> All(std::string_view signal,
                          std::map<std::string, std::string> where = {}) const {
    std::vector<double> out;
    for (std::size_t i = 0; i < batch.samples.size(); ++i) {
      const model::Series& s = series.at(static_cast<std::uint64_t>(batch.samples.series[i]));
      bool fits = s.signal == signal;
      for (const auto& [k, v] : where)
        fits = fits && (k == "source"   ? s.source == v
                        : k == "entity" ? s.entity == v
                                        : s.attributes.get(k) == v);
      if (fits) out.push_back(batch.samples.value[i]);
    }
    return out;
  }
  double One(std::string_view signal, std::map<std::string, std::string> where = {}) const {
    const std::vector<double> all = All(signal, std::move(where));
    EXPECT_EQ(all.size(), 1u) << signal;
    return all.size() == 1 ? all[0] : std::nan("");
  }
};

constexpr double kMiB = 1048576;

TEST(SmiValue, NumbersUnitsAndWhatIsNotMeasured) {
  const auto f = [](std::string_view in, double want) {
    double got = std::nan("");
    EXPECT_TRUE(ParseSmiValue(in, &got)) << in;
    EXPECT_DOUBLE_EQ(got, want) << in;
  };
  f("69.85 W", 69.85);
  f("81559 MiB", 81559 * kMiB);
  f("0 MiB", 0);
  f("45 %", 0.45);
  f("100%", 1);
  f("41 C", 41);
  f("16x", 16);
  f("2619 MHz", 2.619e9);
  f("(300Mhz)", 3e8);
  f("352 KB/s", 352000);
  f("12 us", 12e-6);
  f("2560 bank(s)", 2560);
  f("Active", 1);
  f("Not Active", 0);
  f("Drain and Reset", 4);
  f("-5 C", -5);
  for (const char* nothing :
       {"", "N/A", "[N/A]", "Not Supported", "[Not Supported]", "[Unknown Error]", "ERR!", "-",
        "Insufficient Permissions", "Requested functionality has been deprecated", "nan", "inf",
        "Not available in WDDM driver model", "12 parsecs", "0x3f"}) {
    double got = 0;
    EXPECT_FALSE(ParseSmiValue(nothing, &got)) << nothing;
  }
}

// ---- nvidia-smi -q -x: the facts of every real file
struct XmlFacts {
  std::string file, dtd, driver, cuda, model;
  std::size_t gpus;
  double temperature, power, used_mib, total_mib;
  std::size_t processes;
  double sum_power;  // 0 = one device
};

TEST(NvidiaSmiXml, FactsOfRealFiles) {
  const XmlFacts all[] = {
      {"a100x1-driver570.xml", "nvsmi_device_v12.dtd", "570.148.08", "12.8",
       "NVIDIA A100-SXM4-40GB", 1, 33, 49.68, 0, 40960, 0, 0},
      {"a10g-telegraf.xml", "nvsmi_device_v11.dtd", "515.105.01", "11.7", "NVIDIA A10G", 1, 17,
       25.58, 22, 23028, 1, 0},
      {"gb300x4-driver580.xml", "nvsmi_device_v13.dtd", "580.173.02", "13.0", "NVIDIA GB300", 4, 38,
       180.36, 0, 284208, 0, 712.59},
      {"h100x8-driver580.xml", "nvsmi_device_v13.dtd", "580.105.08", "13.0",
       "NVIDIA H100 80GB HBM3", 8, 29, 68.57, 0, 81559, 0, 547.04},
      {"rtx3080-dtd12-telegraf.xml", "nvsmi_device_v12.dtd", "536.40", "12.2",
       "NVIDIA GeForce RTX 3080", 1, 31, 22.78, 1128, 10240, 5, 0},
      {"tesla-t4-telegraf.xml", "nvsmi_device_v11.dtd", "515.105.01", "11.7", "Tesla T4", 1, 40,
       26.78, 1032, 15360, 2, 0},
  };
  for (const XmlFacts& want : all) {
    SCOPED_TRACE(want.file);
    Reading r;
    r.Golden(ReadNvidiaSmiXml, LooksNvidiaSmiXml, "nvidia_smi_xml/" + want.file);
    const base::Json& out = r.report["outputs"].at(0);
    EXPECT_EQ(out["format"].as_string(), want.dtd);
    EXPECT_EQ(out["driver_version"].as_string(), want.driver);
    EXPECT_EQ(out["cuda_version"].as_string(), want.cuda);
    EXPECT_EQ(out["attached_gpus"].as_int(), static_cast<std::int64_t>(want.gpus));
    EXPECT_EQ(out["gpus"].size(), want.gpus);
    EXPECT_EQ(out["processes"].as_int(), static_cast<std::int64_t>(want.processes));
    EXPECT_EQ(out["gpus"].at(0)["model"].as_string(), want.model);
    const std::map<std::string, std::string> first = {{"gpu.index", "0"}};
    EXPECT_EQ(r.One("gpu.temperature", first), want.temperature);
    EXPECT_EQ(r.One("gpu.memory.used", first), want.used_mib * kMiB);
    EXPECT_EQ(r.One("gpu.memory.total", first), want.total_mib * kMiB);
    EXPECT_EQ(r.One("gpu.utilization", first), 0);
    const std::vector<double> power = r.All("gpu.power", first);
    EXPECT_NE(std::find(power.begin(), power.end(), want.power), power.end());
    if (want.sum_power > 0) {
      double sum = 0;
      for (const double w :
           r.All("gpu.power", {{"source", "nvidia_smi_xml:gpu_power_readings/average_power_draw"}}))
        sum += w;
      EXPECT_NEAR(sum, want.sum_power, 0.005);
    }
    EXPECT_EQ(r.batch.refused.total(), 0u);
    for (const auto& [id, s] : r.series) EXPECT_EQ(s.layer, "l1_gpu") << s.signal;
  }
}

TEST(NvidiaSmiXml, WhatIsNotAvailableIsAbsentNotZero) {
  Reading r;
  r.Golden(ReadNvidiaSmiXml, LooksNvidiaSmiXml, "nvidia_smi_xml/rtx3080-dtd12-telegraf.xml");
  EXPECT_TRUE(r.All("gpu.ecc.errors").empty());
  EXPECT_TRUE(r.All("gpu.row_remap").empty());
  EXPECT_TRUE(r.All("gpu.memory.temperature").empty());
  EXPECT_EQ(r.One("gpu.memory.controller.active"), 0.37);
  EXPECT_EQ(r.All("gpu.process.memory").size(), 5u);
  EXPECT_EQ(r.One("gpu.process.memory", {{"process.pid", "835"}}), 550 * kMiB);
  EXPECT_EQ(r.One("gpu.throttle.active", {{"reason", "gpu_idle"}}), 1);
  EXPECT_EQ(r.One("gpu.throttle.active", {{"reason", "hw_thermal"}}), 0);
  EXPECT_EQ(base::FormatTime(r.batch.samples.ts[0]), "2023-07-20T17:00:50Z");
}

TEST(NvidiaSmiXml, OldNamesAndLinkState) {
  Reading r;
  r.Golden(ReadNvidiaSmiXml, LooksNvidiaSmiXml, "nvidia_smi_xml/tesla-t4-telegraf.xml");
  EXPECT_EQ(r.One("gpu.pcie.link.width"), 8);
  EXPECT_EQ(r.One("gpu.pcie.link.width.max"), 16);
  EXPECT_EQ(r.One("gpu.pcie.link.generation"), 3);
  EXPECT_EQ(
      r.One("gpu.power.limit", {{"source", "nvidia_smi_xml:power_readings/enforced_power_limit"}}),
      70);
  EXPECT_EQ(r.One("gpu.throttle.active", {{"reason", "gpu_idle"}}), 0);
  EXPECT_EQ(r.One("gpu.retired_pages", {{"kind", "uncorrected"}}), 0);
  EXPECT_EQ(r.One("gpu.process.memory", {{"process.executable.name", "Xorg"}}), 22 * kMiB);
  Reading gb;
  gb.Golden(ReadNvidiaSmiXml, LooksNvidiaSmiXml, "nvidia_smi_xml/gb300x4-driver580.xml");
  EXPECT_EQ(gb.One("gpu.row_remap.banks", {{"level", "max"}, {"gpu.index", "0"}}), 5952);
  EXPECT_EQ(gb.One("gpu.health", {{"gpu.index", "0"}}), 0);
  EXPECT_EQ(gb.All("gpu.ecc.errors", {{"error.type", "uncorrected"}, {"gpu.index", "3"}}).size(),
            3u);
}

TEST(NvidiaSmiXml, MigDevicesAreEntitiesOfTheirOwn) {
  Reading r;
  r.Golden(ReadNvidiaSmiXml, LooksNvidiaSmiXml, "nvidia_smi_xml/mig-made.xml");
  const std::string gpu = "GPU-f124aa59-d406-d45b-9481-8fcd694e6c9e";
  EXPECT_EQ(r.One("gpu.memory.used", {{"entity", gpu}}), 4437 * kMiB);
  EXPECT_EQ(r.One("gpu.memory.used", {{"entity", gpu + "/1"}}), 37 * kMiB);
  EXPECT_EQ(r.One("gpu.memory.used", {{"entity", gpu + "/2"}}), 4400 * kMiB);
  EXPECT_EQ(r.One("gpu.ecc.errors", {{"entity", gpu + "/1"}}), 2);
  EXPECT_EQ(r.One("gpu.process.memory", {{"entity", gpu + "/2"}}), 4360 * kMiB);
  EXPECT_TRUE(r.All("gpu.utilization").empty());
  EXPECT_EQ(r.All("gpu.temperature").size(), 1u);  // ERR! is none
  EXPECT_EQ(r.One("gpu.ecc.errors", {{"gpu.index", "1"}, {"error.type", "corrected"}}), 3);
  EXPECT_EQ(r.report["outputs"].at(0)["mig_devices"].as_int(), 2);
}

TEST(NvidiaSmiXml, CutAndBrokenInput) {
  auto text = base::ReadFile(std::string(STRATA_SOURCE_DIR) +
                             "/tests/golden/l1_gpu/nvidia_smi_xml/h100x8-driver580.xml");
  ASSERT_TRUE(text.ok());
  Reading cut;
  ASSERT_TRUE(cut.Read(ReadNvidiaSmiXml, text->substr(0, text->size() / 2)).ok());
  const std::size_t kept = cut.report["outputs"].at(0)["gpus"].size();
  EXPECT_GE(kept, 4u);
  EXPECT_LE(kept, 5u);
  EXPECT_EQ(cut.batch.refused.count(base::Reason::malformed), 1u);
  const auto bad = [](const std::string& xml) {
    Reading r;
    const auto result = r.Read(ReadNvidiaSmiXml, xml);
    EXPECT_FALSE(result.ok()) << xml;
    EXPECT_EQ(r.batch.samples.size(), 0u);
  };
  bad("");
  bad("<other/>");
  bad("<!DOCTYPE nvidia_smi_log [<!ENTITY a \"b\">]><nvidia_smi_log><gpu "
      "id=\"1\"><uuid>&a;</uuid></gpu></nvidia_smi_log>");
  std::string deep = "<nvidia_smi_log>";
  for (int i = 0; i < 10000; ++i) deep += "<a>";
  bad(deep);
}

// ---- what it prints for people
TEST(NvidiaSmi, CaptureOfAnH100HoldsEveryOutput) {
  Reading r;
  r.Golden(ReadNvidiaSmi, LooksNvidiaSmi,
           "nvidia_smi/linux-x86_64__nvidia-h100-80gb-hbm3__590.48.01.txt");
  std::map<std::string, int> formats;
  for (const base::Json& out : r.report["outputs"].array()) ++formats[out["format"].as_string()];
  EXPECT_EQ(formats["-q"], 2);
  EXPECT_EQ(formats["table"], 2);
  EXPECT_EQ(formats["query-gpu"], 2);
  EXPECT_GE(formats["nvlink"], 1);
  EXPECT_EQ(r.All("gpu.temperature", {{"source", "nvidia_smi:Temperature/GPU Current Temp"}}),
            (std::vector<double>{41, 59}));
  EXPECT_EQ(r.All("gpu.temperature", {{"source", "nvidia_smi:table/Temp"}}),
            (std::vector<double>{41, 59}));
  EXPECT_EQ(r.All("gpu.power", {{"source", "nvidia_smi:table/Pwr:Usage"}}),
            (std::vector<double>{69, 629}));
  EXPECT_EQ(r.All("gpu.power", {{"source", "nvidia_smi:query/power.draw"}}).at(0), 69.85);
  EXPECT_EQ(r.All("gpu.memory.used", {{"source", "nvidia_smi:table/Memory-Usage:Used"}}),
            (std::vector<double>{0, 19818 * kMiB}));
  EXPECT_EQ(r.All("gpu.utilization", {{"source", "nvidia_smi:Utilization/GPU"}}),
            (std::vector<double>{0, 1}));
  EXPECT_EQ(r.All("gpu.utilization", {{"source", "nvidia_smi:query/utilization.gpu"}}),
            (std::vector<double>{0, 1}));
  EXPECT_EQ(r.All("gpu.pcie.replays").at(0), 9);
  EXPECT_EQ(r.All("gpu.link.speed").size(), 18u);
  EXPECT_DOUBLE_EQ(r.All("gpu.link.speed", {{"gpu.link", "17"}}).at(0), 26.562e9);
  EXPECT_EQ(r.All("gpu.process.memory",
                  {{"process.pid", "11345"}, {"source", "nvidia_smi:Processes/Used GPU Memory"}})
                .at(0),
            15690 * kMiB);
  for (const auto& [id, s] : r.series) EXPECT_EQ(s.layer, "l1_gpu") << s.signal;
  EXPECT_EQ(base::FormatTime(r.batch.samples.ts.back()).substr(0, 10), "2026-07-14");
  EXPECT_EQ(r.batch.refused.total(), 0u);
}

TEST(NvidiaSmi, CaptureOfAConsumerCard) {
  Reading r;
  r.Golden(ReadNvidiaSmi, LooksNvidiaSmi,
           "nvidia_smi/linux-x86_64__nvidia-geforce-rtx-4080-super__595.71.05.txt");
  EXPECT_TRUE(r.All("gpu.ecc.errors").empty());
  EXPECT_TRUE(r.All("gpu.memory.temperature").empty());
  EXPECT_EQ(
      r.All("gpu.process.memory", {{"process.executable.name", "ffmpeg"}, {"process.pid", "5022"}})
          .at(0),
      503 * kMiB);
  EXPECT_EQ(r.All("gpu.memory.used", {{"source", "nvidia_smi:table/Memory-Usage:Used"}}).at(0),
            596 * kMiB);
}

TEST(NvidiaSmi, TableWithMigDevices) {
  Reading r;
  r.Golden(ReadNvidiaSmi, LooksNvidiaSmi, "nvidia_smi/table-mig-made.txt");
  EXPECT_EQ(r.One("gpu.memory.used", {{"entity", "pci:0000:e3:00.0"}}), 259 * kMiB);
  EXPECT_EQ(r.One("gpu.memory.used", {{"entity", "pci:0000:e3:00.0/2"}}), 37 * kMiB);
  EXPECT_EQ(r.One("gpu.power"), 46);
  EXPECT_EQ(r.One("gpu.utilization"), 0.07);
  EXPECT_EQ(r.One("gpu.ecc.errors"), 1);
  EXPECT_EQ(r.One("gpu.process.memory", {{"gpu.mig.id", "2"}}), 21 * kMiB);
  EXPECT_EQ(base::FormatTime(r.batch.samples.ts[0]), "2025-05-22T04:11:56Z");
}

TEST(NvidiaSmi, NvlinkStatusOfEightA100) {
  Reading r;
  r.Golden(ReadNvidiaSmi, LooksNvidiaSmi, "nvidia_smi/nvlink-status-a100.txt");
  const base::Json& out = r.report["outputs"].at(0);
  EXPECT_EQ(out["gpus"].size(), 8u);
  EXPECT_EQ(out["links"].as_int(), 96);
  EXPECT_EQ(r.One("gpu.link.speed", {{"gpu.link", "0"}, {"gpu.index", "0"}}), 25e9);
  EXPECT_EQ(r.All("gpu.link.speed").size(), 96u);
}

TEST(NvidiaSmi, QueriesAsPeopleSaveThem) {
  Reading r;
  const std::string csv =
      "index, uuid, utilization.gpu [%], memory.used [MiB], power.draw [W], clocks.sm [MHz]\n"
      "0, GPU-1, 98 %, 1024 MiB, 301.50 W, 1980 MHz\n1, GPU-2, [N/A], 0 MiB, [Not Supported], 345 "
      "MHz\n";
  EXPECT_TRUE(LooksNvidiaSmi(csv));
  ASSERT_TRUE(r.Read(ReadNvidiaSmi, csv).ok());
  EXPECT_DOUBLE_EQ(r.One("gpu.utilization", {{"entity", "GPU-1"}}), 0.98);
  EXPECT_EQ(r.All("gpu.utilization").size(), 1u);
  EXPECT_EQ(r.One("gpu.power"), 301.5);
  EXPECT_EQ(r.One("gpu.clock.core", {{"entity", "GPU-2"}}), 345e6);
  Reading plain;  // nounits
  ASSERT_TRUE(
      plain.Read(ReadNvidiaSmi, "uuid, utilization.gpu [%], memory.used [MiB]\nGPU-1, 98, 1024\n")
          .ok());
  EXPECT_DOUBLE_EQ(plain.One("gpu.utilization"), 0.98);
  EXPECT_EQ(plain.One("gpu.memory.used"), 1024 * kMiB);
  Reading none;
  EXPECT_FALSE(none.Read(ReadNvidiaSmi, "hello\n").ok());
}

// ---- rocm-smi
TEST(RocmSmi, FactsOfRealFiles) {
  Reading mi;
  mi.Golden(ReadRocmSmi, LooksRocmSmi, "amd_rocm_smi/mi100_rocm602.json");
  const std::map<std::string, std::string> card0 = {{"gpu.index", "0"}};
  EXPECT_EQ(mi.One("gpu.temperature",
                   {{"gpu.index", "0"}, {"source", "rocm_smi:Temperature (Sensor edge) (C)"}}),
            53);
  EXPECT_EQ(mi.One("gpu.power", card0), 36);
  EXPECT_EQ(mi.One("gpu.utilization", card0), 0);
  EXPECT_EQ(mi.One("gpu.memory.used", card0), 6750208);
  EXPECT_EQ(mi.One("gpu.clock.core", card0), 300e6);
  EXPECT_EQ(mi.One("gpu.pcie.link.generation", card0), 4);
  EXPECT_EQ(mi.One("gpu.pcie.link.width", card0), 16);
  EXPECT_EQ(mi.All("gpu.power").size(), 4u);
  EXPECT_EQ(mi.report["outputs"].at(0)["driver_version"].as_string(), "6.3.6");
  EXPECT_EQ(mi.report["outputs"].at(0)["gpus"].at(0)["uuid"].as_string(), "0x79ccd55167a2124a");
  Reading rx;
  rx.Golden(ReadRocmSmi, LooksRocmSmi, "amd_rocm_smi/rx6700xt_rocm612.json");
  EXPECT_EQ(rx.One("gpu.temperature", {{"source", "rocm_smi:Temperature (Sensor edge) (C)"}}), 45);
  EXPECT_EQ(rx.One("gpu.power"), 6);
  EXPECT_EQ(rx.One("gpu.memory.used"), 1572745216);
  EXPECT_EQ(rx.One("gpu.utilization", {{"entity", "pci:0000:07:00.0"}}), 0);  // no unique id
  EXPECT_EQ(rx.One("gpu.memory.controller.active"), 0);
}

TEST(RocmSmi, BadInput) {
  Reading r;
  EXPECT_FALSE(r.Read(ReadRocmSmi, "{\"card0\": {").ok());
  ASSERT_TRUE(
      r.Read(
           ReadRocmSmi,
           "{\"cardx\": {}, \"card1\": {\"GPU use (%)\": \"N/A\", \"PCI Bus\": \"0000:07:00.0\"}}")
          .ok());
  EXPECT_EQ(r.batch.samples.size(), 0u);
  EXPECT_EQ(r.batch.refused.count(base::Reason::malformed), 1u);
}

}  // namespace
}  // namespace strata::l1_gpu
