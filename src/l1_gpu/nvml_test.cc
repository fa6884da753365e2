// SPDX-License-Identifier: Apache-2.0
// The whole way from a dynamic library to samples, against the fake of tests/fakes/nvml and the
// scripts it plays.
#include "l1_gpu/nvml.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "base/clock.h"
#include "l1_gpu/catalog.gen.h"

namespace strata::l1_gpu {
namespace {

const model::Catalog* const kCatalogs[] = {&catalog()};

bool Until(const std::function<bool()>& done) {
  for (int i = 0; i < 1500; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

std::string Profile(const std::string& name) {
  return std::string(STRATA_SOURCE_DIR) + "/tests/fakes/nvml/profiles/" + name;
}

constexpr const char* kTwo = R"(
driver: 590.48.01
devices:
  - count: 2
    uuid: GPU-<i>
    name: NVIDIA A100
    architecture: ampere
    pci: 00000000:1<i>:00.0
    memory: {total: 1000, reserved: 100, used: 300}
    values: {utilization: 97, memory_utilization: 41, temperature: 64, power_mw: 612345, power_limit_mw: 700000,
             clock_sm_mhz: 1980, reasons: [power_cap, hw_thermal], pcie_replays: 3, pcie_generation: 3, pcie_width: 8,
             pcie_max_generation: 4, pcie_max_width: 16}
    fields: {197: 1099511627776, 198: not_supported, 138: 1000, 82: 78, 4: 2}
)";

class Nvml : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "nvml_" + std::to_string(::getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override {
    std::filesystem::remove_all(folder_);  // what hangs while a file is there goes on
    collector_.reset();
  }
  // Plays a script, or a profile's file.
  void Play(const std::string& script, const char* library = STRATA_FAKE_NVML) {
    std::string path = script;
    if (script.find('\n') != std::string::npos) {
      path = folder_ + "/script.yaml";
      std::ofstream(path) << script;
    }
    library_ = library;
    fake_ = ::dlopen(library, RTLD_NOW);
    ASSERT_NE(fake_, nullptr) << ::dlerror();
    reinterpret_cast<void (*)()>(::dlsym(fake_, "fake_nvml_forget"))();
    ::setenv("STRATA_FAKE_NVML_SCRIPT", path.c_str(), 1);
    NvmlOptions options;
    options.library = library_;
    options.node = "n";
    options.interval_ns = 20 * base::kMillisecond;
    options.deadline_ns = 300 * base::kMillisecond;
    options.slow_ns = 100 * base::kMillisecond;
    options.retry_ns = 200 * base::kMillisecond;
    collector_ = NvmlCollector::Start(options);
  }
  long Calls(const char* name) const {
    return reinterpret_cast<long (*)(const char*)>(::dlsym(fake_, "fake_nvml_calls"))(name);
  }
  void Touch(const std::string& file) { std::ofstream(folder_ + "/" + file) << ""; }
  void Remove(const std::string& file) { std::filesystem::remove(folder_ + "/" + file); }
  std::map<std::string, std::string> States() const {
    std::vector<model::SourceState> sources;
    collector_->Sources(base::Clock::system().now_ns(), &sources);
    std::map<std::string, std::string> out;
    for (const auto& s : sources) out[s.name] = s.state + ": " + s.detail;
    return out;
  }
  bool Becomes(const std::string& source, const std::string& beginning) {
    return Until([&] {
      Take();
      return States()[source].starts_with(beginning);
    });
  }
  // What has been read since: "entity signal attributes…" -> its newest value, NaN where it ended.
  const std::map<std::string, double>& Take() {
    batch_.clear();
    collector_->Collect(namer_, &batch_);
    for (const auto& s : batch_.series) series_[s.id] = s;
    for (std::size_t i = 0; i < batch_.samples.size(); ++i) {
      const model::Series& s = series_.at(batch_.samples.series[i]);
      std::string key = s.entity + " " + s.signal;
      for (const char* own : {"reason", "network.io.direction", "error.type", "kind", "gpu.pipe",
                              "level", "process.pid"}) {
        if (s.attributes.has(own)) key += " " + std::string(s.attributes.get(own));
      }
      got_[key] = batch_.samples.value[i];
      count_[key] += 1;
    }
    for (const auto& e : batch_.events) events_.push_back(e);
    return got_;
  }
  bool Comes(const std::string& key) {
    return Until([&] { return Take().contains(key); });
  }
  const model::Series& SeriesOf(const std::string& entity, const std::string& signal) const {
    static const model::Series kNone;
    for (const auto& [id, s] : series_) {
      if (s.entity == entity && s.signal == signal) return s;
    }
    return kNone;
  }
  void Want(const std::string& key, double want) {
    const auto it = got_.find(key);
    ASSERT_NE(it, got_.end()) << key;
    EXPECT_DOUBLE_EQ(it->second, want) << key;
  }

  std::string folder_, library_;
  void* fake_ = nullptr;
  std::unique_ptr<NvmlCollector> collector_;
  model::Namer namer_{kCatalogs};
  model::Batch batch_;
  std::map<model::SeriesId, model::Series> series_;
  std::map<std::string, double> got_;
  std::map<std::string, int> count_;
  std::vector<model::Event> events_;
};

TEST_F(Nvml, ReadsInCanonicalUnits) {
  Play(kTwo);
  ASSERT_TRUE(Comes("GPU-1 gpu.power"));
  ASSERT_TRUE(Comes("GPU-0 gpu.pcie.link.width.max"));
  Want("GPU-0 gpu.utilization", 0.97);
  Want("GPU-0 gpu.memory.controller.active", 0.41);
  Want("GPU-0 gpu.memory.total", 1000);
  Want("GPU-0 gpu.memory.used", 300);
  Want("GPU-0 gpu.memory.reserved", 100);
  Want("GPU-0 gpu.memory.free", 600);
  Want("GPU-1 gpu.power", 612.345);
  Want("GPU-0 gpu.power.limit", 700);
  Want("GPU-0 gpu.temperature", 64);
  Want("GPU-0 gpu.memory.temperature", 78);
  Want("GPU-0 gpu.clock.core", 1.98e9);
  Want("GPU-0 gpu.throttle.active power_cap", 1);
  Want("GPU-0 gpu.throttle.active hw_thermal", 1);
  Want("GPU-0 gpu.throttle.active sw_thermal", 0);
  Want("GPU-0 gpu.pcie.io transmit", 1099511627776.0);
  Want("GPU-0 gpu.link.io transmit", 1024000);
  Want("GPU-0 gpu.ecc.errors uncorrected", 2);
  Want("GPU-0 gpu.pcie.replays", 3);
  Want("GPU-0 gpu.pcie.link.generation", 3);
  Want("GPU-0 gpu.pcie.link.generation.max", 4);
  Want("GPU-0 gpu.pcie.link.width", 8);
  Want("GPU-0 gpu.pcie.link.width.max", 16);
  for (const char* absent : {"GPU-0 gpu.energy", "GPU-0 gpu.pcie.io receive", "GPU-0 gpu.sm.active",
                             "GPU-0 gpu.ecc.errors corrected"})
    EXPECT_FALSE(got_.contains(absent)) << absent << ": absent is not zero";
  for (const auto& [id, s] : series_) {
    EXPECT_EQ(s.layer, "l1_gpu") << s.signal << " is in no catalog";
    EXPECT_EQ(s.attributes.get("hw.model"), "NVIDIA A100");
    EXPECT_EQ(s.attributes.get("host.name"), "n");
    EXPECT_EQ(s.attributes.get("hw.driver_version"), "590.48.01");
  }
  EXPECT_EQ(SeriesOf("GPU-1", "gpu.power").attributes.get("pci.address"), "00000000:11:00.0");
}

TEST_F(Nvml, AnH100UnderLoadTellsEveryRow) {
  Play(Profile("h100x8-load.yaml"));
  const std::string gpu = "GPU-00000003-0000-0000-0000-000000000003";
  ASSERT_TRUE(Comes(gpu + " gpu.tensor.active"));
  ASSERT_TRUE(Comes(gpu + " gpu.link.active"));
  Want(gpu + " gpu.utilization", 0.998);  // GPM's
  Want(gpu + " gpu.sm.active", 0.985);
  Want(gpu + " gpu.memory.bandwidth.utilization", 0.415);
  Want(gpu + " gpu.vector.active fp32", 0.042);
  Want(gpu + " gpu.vector.active fp64", 0);
  Want(gpu + " gpu.link.active", 18);
  Want(gpu + " gpu.link.count", 18);
  Want(gpu + " gpu.row_remap.banks max", 2560);
  Want(gpu + " gpu.row_remap pending", 0);
  Want(gpu + " gpu.power.limit.max", 700);
  Want(gpu + " gpu.power.limit.default", 700);
  Want(gpu + " gpu.clock.core.max", 1.98e9);
  Want(gpu + " gpu.ecc.errors.lifetime corrected", 0);
  Want(gpu + " gpu.health", 0);
  Want(gpu + " gpu.throttle.time hw_thermal", 0);
  EXPECT_GT(got_.at(gpu + " gpu.power"), 588);  // the instantaneous one
  EXPECT_EQ(SeriesOf(gpu, "gpu.power").source, "nvml");
  EXPECT_FALSE(got_.contains(gpu + " gpu.throttle.time thermal")) << "told apart already";
  EXPECT_EQ(SeriesOf(gpu, "gpu.pcie.io").kind, model::Kind::counter) << "not GPM's rate";
  const auto states = States();
  EXPECT_EQ(states.size(), 9u);
  EXPECT_EQ(states.at("nvml"), "live: driver 590.48.01");
  // Nothing is absent but what such a board does not have.
  EXPECT_EQ(states.at("nvml " + gpu),
            "live: absent: gpu.retired_pages corrected, gpu.retired_pages pending, "
            "gpu.retired_pages uncorrected (not supported)");
  EXPECT_EQ(Calls("nvmlDeviceGetPcieThroughput"), 0) << "it blocks";
}

TEST_F(Nvml, ProcessesAndTheirShare) {
  Play(Profile("h100x8-load.yaml"));
  const std::string gpu = "GPU-00000003-0000-0000-0000-000000000003";
  ASSERT_TRUE(Comes(gpu + " gpu.process.utilization 113435"));
  Want(gpu + " gpu.process.memory 113435", 16452157440.0);
  Want(gpu + " gpu.process.utilization 113435", 0.99);
  Want(gpu + " gpu.process.utilization 113237", 0);  // runs, and used nothing
  std::set<std::string> names;
  for (const auto& [id, s] : series_) {
    if (s.signal == "gpu.process.memory")
      names.insert(std::string(s.attributes.get("process.executable.name")));
  }
  EXPECT_EQ(names, (std::set<std::string>{"memhog", "gpu_burn"}));
}

TEST_F(Nvml, AProcessThatEndsIsNotZero) {
  Play(R"(
devices:
  - uuid: GPU-0
    name: x
    memory: {total: 1000, used: 300}
    processes: [{pid: 7, name: a, memory: 100, use: 5, while: runs}, {pid: 8, name: b, memory: 50, use: 0}]
)");
  Touch("runs");
  ASSERT_TRUE(Comes("GPU-0 gpu.process.memory 7"));
  Remove("runs");
  ASSERT_TRUE(Until([&] { return std::isnan(Take().at("GPU-0 gpu.process.memory 7")); }));
  Want("GPU-0 gpu.process.memory 8", 50);
  Touch("runs");
  ASSERT_TRUE(Until([&] { return Take().at("GPU-0 gpu.process.memory 7") == 100; }));
}

TEST_F(Nvml, MigInstancesAreEntitiesBelowTheirDevice) {
  Play(Profile("h100-mig.yaml"));
  const std::string gpu = "GPU-00000000-0000-0000-0000-000000000000";
  ASSERT_TRUE(Comes(gpu + "/1 gpu.sm.active"));
  ASSERT_TRUE(Comes(gpu + " gpu.sm.active"));
  Want(gpu + "/1 gpu.memory.used", 7847542784.0);
  Want(gpu + "/1 gpu.utilization", 0.997);
  Want(gpu + "/9 gpu.utilization", 0);
  Want(gpu + " gpu.memory.used", 11665408000.0);
  Want(gpu + "/9 gpu.process.memory 21180", 2407530496.0);
  const model::Series& s = SeriesOf(gpu + "/1", "gpu.sm.active");
  EXPECT_EQ(s.attributes.get("hw.parent"), gpu);
  EXPECT_EQ(s.attributes.get("gpu.mig.profile"), "3g.40gb");
  EXPECT_EQ(s.attributes.get("gpu.mig.uuid"), "MIG-11111111-0000-0000-0000-000000000001");
  EXPECT_EQ(s.attributes.get("gpu.mig.slices"), "3");
  // The third has no name of its own: its profile is made from slices and memory.
  EXPECT_EQ(SeriesOf(gpu + "/11", "gpu.sm.active").attributes.get("gpu.mig.profile"), "1g.10gb");
  EXPECT_FALSE(got_.contains(gpu + " gpu.memory.controller.active"));
  EXPECT_NE(States().at("nvml " + gpu).find("(not told while MIG is on)"), std::string::npos);
}

TEST_F(Nvml, MigLayoutMayChange) {
  Play(R"(
devices:
  - uuid: GPU-0
    name: x
    architecture: hopper
    memory: {total: 85520809984, used: 300}
    mig:
      mode: 1
      instances:
        - {gi: 1, uuid: MIG-a, memory: {total: 10, used: 1}, while: first}
        - {gi: 2, uuid: MIG-b, slices: 1, memory_mb: 9856, memory: {total: 20, used: 2}, while: second}
)");
  Touch("first");
  ASSERT_TRUE(Comes("GPU-0/1 gpu.memory.used"));
  Remove("first");
  Touch("second");
  ASSERT_TRUE(Comes("GPU-0/2 gpu.memory.used"));
  ASSERT_TRUE(Until([&] { return std::isnan(Take().at("GPU-0/1 gpu.memory.used")); }));
  EXPECT_EQ(SeriesOf("GPU-0/2", "gpu.memory.used").attributes.get("gpu.mig.profile"), "1g.10gb");
}

TEST_F(Nvml, WhatIsRefusedIsNotAskedAgain) {
  Play(kTwo);
  ASSERT_TRUE(Comes("GPU-1 gpu.power"));
  const long once = Calls("nvmlDeviceGetTotalEnergyConsumption"),
             busy = Calls("nvmlDeviceGetTemperature");
  ASSERT_TRUE(Until([&] { return Calls("nvmlDeviceGetTemperature") > busy + 20; }));
  EXPECT_EQ(Calls("nvmlDeviceGetTotalEnergyConsumption"), once);
  const auto states = States();
  const std::string& one = states.at("nvml GPU-1");
  EXPECT_TRUE(one.starts_with("live: absent: ")) << one;
  for (const char* absent : {"gpu.energy", "gpu.pcie.io receive", "gpu.sm.active"})
    EXPECT_NE(one.find(absent), std::string::npos) << absent << " in " << one;
  EXPECT_EQ(one.find("gpu.power,"), std::string::npos) << one;
}

TEST_F(Nvml, SaysWhyAThingIsAbsent) {
  Play(R"(
calls: {nvmlDeviceGetTotalEnergyConsumption: {return: no_permission}, nvmlDeviceGetTemperature: {return: unknown}}
devices:
  - {uuid: GPU-0, name: x, memory: {total: 9, used: 1}, values: {ecc_mode: 0, temperature: 4}, fields: {82: no_data}}
)");
  ASSERT_TRUE(Comes("GPU-0 gpu.memory.used"));
  ASSERT_TRUE(Until([&] { return States()["nvml GPU-0"].find("ECC") != std::string::npos; }));
  const std::string state = States()["nvml GPU-0"];
  EXPECT_NE(state.find("gpu.energy (not permitted: run as root)"), std::string::npos) << state;
  EXPECT_NE(state.find("gpu.ecc.errors.lifetime uncorrected (ECC is switched off)"),
            std::string::npos)
      << state;
  EXPECT_NE(state.find("gpu.temperature (unknown)"), std::string::npos) << state;
  EXPECT_NE(state.find("gpu.memory.temperature (no data)"), std::string::npos) << state;
  const long asked = Calls("nvmlDeviceGetTemperature");  // that may pass: asked again
  EXPECT_TRUE(Until([&] { return Calls("nvmlDeviceGetTemperature") > asked + 3; }));
  EXPECT_FALSE(got_.contains("GPU-0 gpu.temperature"));
}

TEST_F(Nvml, AnOldDriver) {
  Play(kTwo, STRATA_FAKE_NVML_OLD);
  ASSERT_TRUE(Comes("GPU-1 gpu.power"));
  Want("GPU-0 gpu.memory.used", 400);  // the first call counts what is reserved
  Want("GPU-0 gpu.throttle.active power_cap", 1);
  Want("GPU-0 gpu.temperature", 64);
  EXPECT_FALSE(got_.contains("GPU-0 gpu.memory.reserved"));
  EXPECT_EQ(SeriesOf("GPU-0", "gpu.memory.used").source, "nvml:memory_v1");
  const std::string state = States().at("nvml GPU-0");
  EXPECT_NE(state.find("gpu.memory.reserved"), std::string::npos) << state;
  EXPECT_NE(state.find("(this driver does not have it)"), std::string::npos) << state;
}

TEST_F(Nvml, GpmThatIsBlankIsAbsent) {
  Play(R"(
devices:
  - {uuid: GPU-0, name: x, architecture: hopper, memory: {total: 9, used: 1}, values: {utilization: 50, memory_utilization: 1},
     gpm: {1: 40, 2: .nan, 3: 10}}
)");
  ASSERT_TRUE(Comes("GPU-0 gpu.sm.occupancy"));
  Want("GPU-0 gpu.utilization", 0.4);
  EXPECT_FALSE(got_.contains("GPU-0 gpu.sm.active"));
  EXPECT_NE(States()["nvml GPU-0"].find("gpu.sm.active (no data)"), std::string::npos);
}

TEST_F(Nvml, WithoutCountersGpmTellsTheRate) {
  Play(R"(
devices:
  - {uuid: GPU-0, name: x, architecture: blackwell, memory: {total: 9, used: 1}, gpm: {1: 40, 61: 1000, 60: 2000}}
)");
  ASSERT_TRUE(Comes("GPU-0 gpu.link.io transmit"));
  Want("GPU-0 gpu.link.io transmit", 1048576000);
  Want("GPU-0 gpu.link.io receive", 2097152000);
  EXPECT_EQ(SeriesOf("GPU-0", "gpu.link.io").kind, model::Kind::gauge);
  EXPECT_EQ(SeriesOf("GPU-0", "gpu.link.io").unit, "By/s");
}

TEST_F(Nvml, AHungCallCostsItsDeviceAlone) {
  Play(std::string(kTwo) + R"(
  - {uuid: GPU-h, name: h, memory: {total: 9, used: 1}, values: {temperature: 5}, calls: {nvmlDeviceGetTemperature: {hang: true, while: stuck}}}
)");
  ASSERT_TRUE(Comes("GPU-h gpu.memory.used"));
  Touch("stuck");
  ASSERT_TRUE(Becomes("nvml GPU-h", "stale: nvmlDeviceGetTemperature has not returned for"));
  EXPECT_TRUE(States()["nvml"].starts_with("live")) << States()["nvml"];
  const int before = count_["GPU-1 gpu.power"];
  EXPECT_TRUE(Until([&] { return Take(), count_["GPU-1 gpu.power"] > before + 3; }))
      << "the others go on";
  const std::int64_t begin = base::monotonic_ns();
  Take();
  EXPECT_LT(base::monotonic_ns() - begin, base::kSecond);
  Remove("stuck");
  EXPECT_TRUE(Becomes("nvml GPU-h", "live"));
  const int again = count_["GPU-h gpu.memory.used"];
  EXPECT_TRUE(Until([&] { return Take(), count_["GPU-h gpu.memory.used"] > again + 3; }));
}

TEST_F(Nvml, WhenEveryDeviceHangsTheLibraryIsStale) {
  Play("calls: {nvmlDeviceGetTemperature: {hang: true, while: stuck}}" + std::string(kTwo));
  ASSERT_TRUE(Comes("GPU-1 gpu.power"));
  Touch("stuck");
  EXPECT_TRUE(Becomes("nvml", "stale: nvmlDeviceGetTemperature has not returned for"));
  EXPECT_TRUE(States()["nvml GPU-0"].starts_with("stale"));
  const std::int64_t begin = base::monotonic_ns();
  collector_.reset();
  EXPECT_LT(base::monotonic_ns() - begin, 5 * base::kSecond) << "the end waits for no driver";
}

TEST_F(Nvml, AStartThatHangsIsNamed) {
  Touch("stuck");
  Play("calls: {nvmlInit_v2: {hang: true, while: stuck}}" + std::string(kTwo));
  EXPECT_TRUE(Becomes("nvml", "stale: nvmlInit_v2 has not returned for"));
  Remove("stuck");
  EXPECT_TRUE(Becomes("nvml", "live"));
}

TEST_F(Nvml, EveryXidIsAnEvent) {
  Play(R"(
devices:
  - uuid: GPU-0
    name: NVIDIA A100
    pci: 00000000:10:00.0
    memory: {total: 9, used: 1}
    mig: {mode: 1, instances: [{gi: 3, uuid: MIG-a, memory: {total: 3, used: 1}}]}
    xids: [{while: storm, code: 94}, {while: storm, code: 94}, {while: storm, code: 94}, {while: storm, code: 48},
           {while: storm, code: 43, gi: 3}, {while: storm, code: 999}]
)");
  ASSERT_TRUE(Comes("GPU-0 gpu.memory.used"));
  ASSERT_TRUE(Until([&] { return Calls("nvmlEventSetWait_v2") > 0; }));
  Touch("storm");
  ASSERT_TRUE(Until([&] { return Take(), events_.size() >= 6; }));
  std::map<std::string, int> codes;
  for (const auto& e : events_) codes[std::string(e.attributes.get("code"))] += 1;
  EXPECT_EQ(codes, (std::map<std::string, int>{{"94", 3}, {"48", 1}, {"43", 1}, {"999", 1}}));
  EXPECT_EQ(events_[0].event, "gpu.fault.event");
  EXPECT_EQ(events_[0].entity, "GPU-0");
  EXPECT_EQ(events_[0].attributes.get("action"), "restart_app");
  EXPECT_EQ(events_[3].severity, "error");
  EXPECT_EQ(events_[3].attributes.get("action"), "follow_ecc_flow");
  EXPECT_EQ(events_[3].message,
            "Xid 48 on NVIDIA A100 (00000000:10:00.0): Uncorrectable (double-bit) ECC error; look "
            "for 63/64/94/95 within minutes and act on the worst");
  EXPECT_EQ(events_[4].entity, "GPU-0/3") << "of the MIG instance";
}

TEST_F(Nvml, WithoutEventsTheReasonIsTold) {
  Play("calls: {nvmlDeviceRegisterEvents: {return: not_supported}}" + std::string(kTwo));
  EXPECT_TRUE(Becomes("nvml", "live: driver 590.48.01; no Xid events: GPU-0: not supported"));
}

TEST_F(Nvml, ADeviceThatFallsOffTheBus) {
  Play(std::string(kTwo) + R"(
  - {uuid: GPU-lost, name: NVIDIA L, memory: {total: 9, used: 1}, lost: {while: gone, vanish: true}}
)");
  ASSERT_TRUE(Comes("GPU-lost gpu.memory.used"));
  const long starts = Calls("nvmlInit_v2");
  Touch("gone");
  ASSERT_TRUE(Becomes("nvml GPU-lost", "failed: the GPU is lost: it has fallen off the bus"));
  ASSERT_TRUE(Until([&] { return std::isnan(Take().at("GPU-lost gpu.memory.used")); })) << "not 0";
  ASSERT_TRUE(Until([&] { return Take(), !events_.empty(); })) << "although no Xid came";
  EXPECT_EQ(events_[0].entity, "GPU-lost");
  EXPECT_EQ(events_[0].attributes.get("code"), "79");
  EXPECT_EQ(events_[0].attributes.get("inferred"), "GPU_IS_LOST");
  EXPECT_EQ(events_[0].severity, "error");
  ASSERT_TRUE(Until([&] { return Calls("nvmlInit_v2") > starts + 1; })) << "it is looked for";
  EXPECT_TRUE(States()["nvml GPU-lost"].starts_with("failed"));
  const int before = count_["GPU-1 gpu.power"];
  EXPECT_TRUE(Until([&] { return Take(), count_["GPU-1 gpu.power"] > before + 10; }));
  EXPECT_FALSE(std::isnan(got_["GPU-1 gpu.power"]));
  Remove("gone");
  EXPECT_TRUE(Becomes("nvml GPU-lost", "live"));
  EXPECT_TRUE(Until([&] { return Take().at("GPU-lost gpu.memory.used") == 1; }));
  EXPECT_EQ(events_.size(), 1u) << "told once";
}

TEST_F(Nvml, ALossWithItsXidIsOneEvent) {
  Play(R"(
devices:
  - {uuid: GPU-0, name: x, memory: {total: 9, used: 1}, lost: {while: gone}, xids: [{while: gone, code: 79}]}
)");
  ASSERT_TRUE(Comes("GPU-0 gpu.memory.used"));
  ASSERT_TRUE(Until([&] { return Calls("nvmlEventSetWait_v2") > 0; }));
  Touch("gone");
  ASSERT_TRUE(Until([&] { return Take(), !events_.empty(); }));
  const std::int64_t begin = base::monotonic_ns();
  ASSERT_TRUE(Until([&] { return Take(), base::monotonic_ns() - begin > 3 * base::kSecond; }));
  EXPECT_EQ(events_.size(), 1u);
  EXPECT_FALSE(events_[0].attributes.has("inferred"));
}

TEST_F(Nvml, NoDriverIsAbsent) {
  Play("calls: {nvmlInit_v2: {return: driver_not_loaded}}\n");
  EXPECT_TRUE(Becomes("nvml", "absent: nvmlInit_v2: the driver is not loaded"));
}

TEST_F(Nvml, NoDeviceIsAbsent) {
  Play("driver: 590.48.01\n");
  EXPECT_TRUE(Becomes("nvml", "absent: no NVIDIA device"));
}

TEST_F(Nvml, DrivenByProfilesOfOtherBoards) {
  Play(Profile("rtx4080-super.yaml"));
  const std::string gpu = "GPU-00000000-4080-0000-0000-000000000000";
  ASSERT_TRUE(Comes(gpu + " gpu.process.memory 2165"));
  Want(gpu + " gpu.power", 27.74);
  Want(gpu + " gpu.pcie.link.generation", 1);
  Want(gpu + " gpu.process.memory 2165", 26214400);  // once, although it stands in two lists
  const std::string state = States().at("nvml " + gpu);
  for (const char* absent : {"gpu.memory.temperature", "gpu.ecc.errors corrected", "gpu.sm.active",
                             "gpu.row_remap pending", "gpu.link.io transmit"})
    EXPECT_NE(state.find(absent), std::string::npos) << absent << " in " << state;
}

TEST_F(Nvml, AnAmpereMigTellsTheMemoryOfItsInstances) {
  Play(Profile("a100-mig.yaml"));
  const std::string gpu = "GPU-473571f2-fb37-ef7e-50fe-9885b74a23cd";
  ASSERT_TRUE(Comes(gpu + "/8 gpu.memory.used"));
  Want(gpu + "/8 gpu.memory.used", 4596957184.0);
  Want(gpu + "/5 gpu.memory.used", 13631488);
  EXPECT_EQ(SeriesOf(gpu + "/5", "gpu.memory.used").attributes.get("gpu.mig.profile"), "2g.10gb");
  EXPECT_FALSE(got_.contains(gpu + "/8 gpu.utilization"));
  EXPECT_FALSE(got_.contains(gpu + " gpu.utilization"));
}

TEST_F(Nvml, EightDevicesCostLittle) {
  Play(Profile("h100x8-load.yaml"));
  ASSERT_TRUE(Until([&] { return Take(), collector_->rounds() > 50; }));
  const double ms =
      static_cast<double>(collector_->cpu_ns()) * 1e-6 / static_cast<double>(collector_->rounds());
  std::printf("a round of 8 devices: %.3f ms CPU (this build)\n", ms);
  EXPECT_LT(ms, 40) << "2 ms is the budget of the release build, held by bench/";
}

TEST(NvmlAbsent, NoLibrary) {
  NvmlOptions options;
  options.library = "libnvidia-ml-that-is-not-there.so.1";
  auto collector = NvmlCollector::Start(options);
  std::vector<model::SourceState> sources;
  EXPECT_TRUE(Until([&] {
    sources.clear();
    collector->Sources(0, &sources);
    return sources[0].detail != "starting";
  }));
  EXPECT_EQ(sources[0].state, "absent");
  EXPECT_EQ(sources[0].detail, "libnvidia-ml-that-is-not-there.so.1 not found");
  model::Namer namer(kCatalogs);
  model::Batch batch;
  collector->Collect(namer, &batch);
  EXPECT_EQ(batch.samples.size(), 0u);
}

TEST(NvmlAbsent, ALibraryThatIsNotNvml) {
  NvmlOptions options;
  options.library = "libz.so.1";
  auto collector = NvmlCollector::Start(options);
  std::vector<model::SourceState> sources;
  EXPECT_TRUE(Until([&] {
    sources.clear();
    collector->Sources(0, &sources);
    return sources[0].state == "failed";
  }));
  EXPECT_TRUE(sources[0].detail.starts_with("libz.so.1 is not NVML")) << sources[0].detail;
}

}  // namespace
}  // namespace strata::l1_gpu
