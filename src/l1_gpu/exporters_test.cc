// SPDX-License-Identifier: Apache-2.0
// Real pages of exporters through the catalog: what becomes of their names, units and labels.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/clock.h"
#include "base/file.h"
#include "l1_gpu/catalog.gen.h"
#include "wire/decode.h"

namespace strata::l1_gpu {
namespace {

const model::Catalog* const kCatalogs[] = {&catalog()};

struct Page {
  model::Namer namer{kCatalogs};
  model::Batch batch;
  wire::TextFacts facts;
  std::map<std::uint64_t, model::Series> series;

  void Text(const std::string& text) {
    wire::Context context;
    context.namer = &namer;
    context.now_ns = 1'795'000'000'000'000'000;
    ASSERT_TRUE(wire::DecodePrometheusText(text, false, context, &batch, &facts).ok());
    namer.take_fresh(&batch.series);
    for (const model::Series& s : batch.series) series[static_cast<std::uint64_t>(s.id)] = s;
  }
  void Golden(const std::string& path) {
    auto text = base::ReadFile(std::string(STRATA_SOURCE_DIR) + "/tests/golden/" + path);
    ASSERT_TRUE(text.ok()) << path;
    Text(*text);
  }
  std::vector<double> All(std::string_view signal,
                          const std::map<std::string, std::string>& where = {}) const {
    std::vector<double> out;
    for (std::size_t i = 0; i < batch.samples.size(); ++i) {
      const model::Series& s = series.at(static_cast<std::uint64_t>(batch.samples.series[i]));
      bool fits = s.signal == signal;
      for (const auto& [k, v] : where)
        fits = fits && (k == "entity"   ? s.entity == v
                        : k == "source" ? s.source == v
                        : k == "unit"   ? s.unit == v
                                        : s.attributes.get(k) == v);
      if (fits) out.push_back(batch.samples.value[i]);
    }
    return out;
  }
  double One(std::string_view signal, const std::map<std::string, std::string>& where = {}) const {
    const std::vector<double> all = All(signal, where);
    EXPECT_EQ(all.size(), 1u) << signal;
    return all.size() == 1 ? all[0] : std::nan("");
  }
};

constexpr double kMiB = 1048576;

TEST(Exporters, NvidiaGpuExporterOfAnH100) {
  Page idle, load, mig;
  idle.Golden("l1_gpu/exporters/linux-x86_64__nvidia-h100-80gb-hbm3__590.48.01__idle.metrics");
  load.Golden("l1_gpu/exporters/linux-x86_64__nvidia-h100-80gb-hbm3__590.48.01__load.metrics");
  mig.Golden("l1_gpu/exporters/linux-x86_64__nvidia-h100-mig__590.48.01__load.metrics");
  EXPECT_EQ(idle.facts.samples, 132u);
  EXPECT_EQ(load.facts.samples, 138u);
  EXPECT_EQ(mig.facts.samples, 128u);
  EXPECT_EQ(idle.facts.families, 132u);
  EXPECT_EQ(idle.One("gpu.power", {{"source", "nvidia_gpu_exporter:nvidia_smi_power_draw_watts"}}),
            69.85);
  EXPECT_EQ(load.One("gpu.power", {{"source", "nvidia_gpu_exporter:nvidia_smi_power_draw_watts"}}),
            631.95);
  EXPECT_EQ(idle.One("gpu.utilization"), 0);
  EXPECT_EQ(load.One("gpu.utilization"), 1);
  EXPECT_EQ(load.One("gpu.memory.used"), 20780679168);
  EXPECT_EQ(load.One("gpu.process.memory", {{"process.pid", "11327"}}), 2690646016);
  EXPECT_TRUE(mig.All("gpu.utilization").empty());  // not measured on a device with MIG
  EXPECT_EQ(load.One("gpu.pcie.link.width"), 16);
}

TEST(Exporters, DcgmWithMigInstances) {
  Page page;
  page.Golden("exposition/mig-a100-4-active.prom");
  EXPECT_EQ(page.facts.samples, 56u);
  EXPECT_EQ(page.facts.families, 14u);
  EXPECT_EQ(page.facts.bad_lines, 1u);
  const std::map<std::string, double> used = {{"7", 6}, {"8", 4384}, {"9", 6}, {"5", 13}};
  for (const auto& [id, mib] : used)
    EXPECT_EQ(page.One("gpu.memory.used", {{"gpu.mig.id", id}}), mib * kMiB);
  EXPECT_DOUBLE_EQ(
      page.One("gpu.utilization",
               {{"gpu.mig.id", "8"}, {"source", "dcgm_exporter:DCGM_FI_PROF_GR_ENGINE_ACTIVE"}}),
      0.408493);
  EXPECT_EQ(page.All("gpu.memory.used", {{"gpu.mig.profile", "1g.5gb"}}).size(), 3u);
}

TEST(Exporters, DcgmPagesOfOtherDevices) {
  Page kops, t4, fraction, off;
  kops.Golden("exposition/kops-cluster.prom");
  EXPECT_EQ(kops.One("gpu.temperature"), 31);
  EXPECT_EQ(kops.One("gpu.power"), 16.365);
  t4.Golden("exposition/t4-integrations-core.prom");
  EXPECT_EQ(t4.One("gpu.memory.free"), 15109 * kMiB);
  EXPECT_EQ(t4.One("gpu.power", {{"entity", "GPU-20c56d28-0da5-6d26-a36a-e7af1ce2586e"}}), 8.969);
  EXPECT_DOUBLE_EQ(t4.One("gpu.energy"), 128996.013);
  fraction.Golden("exposition/fraction-1-workload.prom");
  EXPECT_EQ(fraction.One("gpu.memory.used", {{"gpu.index", "0"}}), 128 * kMiB);
  EXPECT_EQ(fraction.One("gpu.memory.used", {{"gpu.index", "1"}}), 5 * kMiB);
  off.Golden("exposition/a100-mig-disabled-two-scrapes.prom");
  EXPECT_EQ(off.All("gpu.memory.used"), (std::vector<double>{0, 0}));
}

TEST(Exporters, DcgmNamesOfVersion46ReadTheSame) {
  Page old_page, new_page;
  const std::string labels = "{gpu=\"0\",UUID=\"GPU-1\",Hostname=\"n\"} ";
  old_page.Text("DCGM_FI_DEV_GPU_UTIL" + labels + "90\nDCGM_FI_PROF_SM_ACTIVE" + labels +
                "0.5\nDCGM_FI_PROF_DRAM_ACTIVE" + labels + "0.25\nDCGM_FI_DEV_POWER_USAGE" +
                labels + "300\nDCGM_FI_DEV_XID_ERRORS" + labels +
                "79\n"
                "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL" +
                labels + "5\n");
  new_page.Text("DCGM_FI_DEV_GPU_UTIL_RATIO" + labels + "90\nDCGM_FI_PROF_SM_UTIL_RATIO" + labels +
                "0.5\nDCGM_FI_PROF_DRAM_UTIL_RATIO" + labels +
                "0.25\nDCGM_FI_DEV_BOARD_POWER_WATTS" + labels + "300\nDCGM_FI_DEV_XID_ERROR" +
                labels +
                "79\n"
                "DCGM_FI_DEV_NVLINK_THROUGHPUT_TOTAL" +
                labels + "5\n");
  for (const char* signal : {"gpu.utilization", "gpu.sm.active", "gpu.memory.bandwidth.utilization",
                             "gpu.power", "gpu.fault.last_code", "gpu.link.io"})
    EXPECT_EQ(old_page.One(signal), new_page.One(signal)) << signal;
  EXPECT_EQ(old_page.One("gpu.utilization"), 0.9);
  EXPECT_EQ(old_page.One("gpu.link.io", {{"unit", "By/s"}}), 5 * 1024000);
}

TEST(Exporters, DcgmBlanksAreAbsentAndRenamedPodLabelsCount) {
  Page page;
  page.Text(
      "DCGM_FI_DEV_MEMORY_TEMP{gpu=\"0\",UUID=\"GPU-1\"} 9223372036854775794\n"
      "DCGM_FI_DEV_FB_USED{gpu=\"0\",UUID=\"GPU-1\"} 2147483632\n"
      "DCGM_FI_PROF_SM_ACTIVE{gpu=\"0\",UUID=\"GPU-1\"} 140737488355328\n"
      "DCGM_FI_DEV_GPU_TEMP{gpu=\"0\", UUID=\"GPU-1\", "
      "exported_pod=\"mine\",pod=\"exporters-own\",exported_namespace=\"team\"} 40\n"
      "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL{nvlink=\"3\",gpu=\"0\",gpu_uuid=\"GPU-1\","
      "hostname=\"n\"} 2\n");
  EXPECT_TRUE(page.All("gpu.memory.temperature").empty());
  EXPECT_TRUE(page.All("gpu.memory.used").empty());
  EXPECT_TRUE(page.All("gpu.sm.active").empty());
  EXPECT_EQ(page.One("gpu.temperature", {{"k8s.pod.name", "mine"}, {"k8s.namespace.name", "team"}}),
            40);
  EXPECT_EQ(
      page.One("gpu.link.errors", {{"gpu.link", "3"}, {"entity", "GPU-1"}, {"host.name", "n"}}), 2);
}

TEST(Exporters, AmdAscendAndTheOthers) {
  Page amd, ascend, rest;
  amd.Golden("l1_gpu/exporters/amd_device_metrics_exporter-mini.prom");
  EXPECT_EQ(amd.facts.samples, 5u);
  EXPECT_EQ(amd.facts.families, 5u);
  EXPECT_EQ(amd.One("gpu.power", {{"entity", "6699c0a8-4200-4242-037f-f97e6cae0f09"},
                                  {"source", "amd_exporter:gpu_power_usage"}}),
            41);
  EXPECT_EQ(amd.One("gpu.memory.total"), 68702e6);
  ascend.Golden("l1_gpu/exporters/910A-npu-exporter-excerpt.prom");
  EXPECT_EQ(ascend.facts.samples, 11u);
  EXPECT_EQ(ascend.facts.families, 4u);
  EXPECT_EQ(ascend.All("gpu.clock.core").size(), 8u);
  std::size_t own_times = 0;
  for (const std::int64_t ts : ascend.batch.samples.ts)
    own_times += ts < 1'795'000'000'000'000'000 ? 1 : 0;
  EXPECT_EQ(own_times, 9u);
  rest.Text(
      "mlu_utilization{mlu=\"0\",uuid=\"m\"} 50\nmlu_pcie_write_throughput{mlu=\"0\",uuid=\"m\"} "
      "1000\n"
      "dcu_utilizationrate{minor_number=\"0\",device_id=\"d\"} 50\n"
      "mx_board_power{deviceId=\"0\",uuid=\"x\"} 250000\nmx_memory_used{uuid=\"x\",type=\"vram\"} "
      "2\nmx_memory_used{uuid=\"x\",type=\"gtt\"} 9\n"
      "ix_mem_used{gpu=\"0\",uuid=\"i\"} "
      "3\nhw_gpu_utilization_ratio{hw_id=\"h\",hw_gpu_task=\"general\"} 0.5\n"
      "hw_gpu_io_bytes_total{hw_id=\"h\",network_io_direction=\"transmit\"} 7\n"
      "amd_gpu_gfx_activity{gpu_uuid=\"a\"} 50\n"
      "gpu_usage{host=\"somebody elses\"} 50\n");
  EXPECT_EQ(rest.All("gpu.utilization"), (std::vector<double>{0.5, 0.5, 0.5, 0.5}));
  EXPECT_EQ(rest.One("gpu.power", {{"entity", "x"}}), 250);
  EXPECT_EQ(rest.One("gpu.memory.used", {{"entity", "x"}}), 2048);
  EXPECT_EQ(rest.One("gpu.memory.used", {{"entity", "i"}}), 3 * kMiB);
  EXPECT_EQ(rest.One("gpu.pcie.io", {{"entity", "m"}}), 50000);
  EXPECT_EQ(rest.One("gpu.link.io", {{"network.io.direction", "transmit"}}), 7);
  EXPECT_EQ(rest.All("gpu_usage").size(), 1u);  // kept under its own name
}

}  // namespace
}  // namespace strata::l1_gpu
