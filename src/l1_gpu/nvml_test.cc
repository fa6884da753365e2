// SPDX-License-Identifier: Apache-2.0
#include "l1_gpu/nvml.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "base/clock.h"
#include "l1_gpu/catalog.gen.h"

namespace strata::l1_gpu {
namespace {

const model::Catalog* const kCatalogs[] = {&catalog()};

std::string Library() {
#ifdef STRATA_FAKE_NVML
  return STRATA_FAKE_NVML;
#else
  const char* path = std::getenv("STRATA_FAKE_NVML");
  return path != nullptr ? path : "the fake library was not built";
#endif
}

bool Until(const std::function<bool()>& done) {
  for (int i = 0; i < 500; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

class Nvml : public ::testing::Test {
 protected:
  void SetUp() override {
    fake_ = ::dlopen(Library().c_str(), RTLD_NOW);
    ASSERT_NE(fake_, nullptr) << Library();
    set_ = reinterpret_cast<void (*)(const char*, long)>(::dlsym(fake_, "fake_nvml_set"));
    ASSERT_NE(set_, nullptr);
    for (const char* knob : {"hang", "lost", "xid", "no_driver"}) set_(knob, 0);
  }
  void TearDown() override {
    if (set_ != nullptr) set_("hang", 0);
  }
  std::unique_ptr<NvmlCollector> Start() {
    NvmlOptions options;
    options.library = Library();
    options.node = "n";
    options.interval_ns = 20 * base::kMillisecond;
    options.deadline_ns = 200 * base::kMillisecond;
    options.retry_ns = 50 * base::kMillisecond;
    return NvmlCollector::Start(options);
  }
  static std::map<std::string, std::string> States(const NvmlCollector& collector) {
    std::vector<model::SourceState> sources;
    collector.Sources(base::Clock::system().now_ns(), &sources);
    std::map<std::string, std::string> out;
    for (const auto& s : sources) out[s.name] = s.state + ": " + s.detail;
    return out;
  }
  // Collects until something came; signal{own attribute} of an entity -> value.
  std::map<std::string, double> Collect(NvmlCollector* collector) {
    batch_.clear();
    EXPECT_TRUE(Until([&] {
      collector->Collect(namer_, &batch_);
      return batch_.samples.size() > 40;
    }));
    for (const auto& s : batch_.series) series_[s.id] = s;
    std::map<std::string, double> out;
    for (std::size_t i = 0; i < batch_.samples.size(); ++i) {
      const model::Series& s = series_.at(batch_.samples.series[i]);
      std::string key = s.entity + " " + s.signal;
      for (const char* own : {"reason", "network.io.direction", "error.type"}) {
        if (s.attributes.has(own)) key += " " + std::string(s.attributes.get(own));
      }
      out[key] = batch_.samples.value[i];
    }
    return out;
  }
  void* fake_ = nullptr;
  void (*set_)(const char*, long) = nullptr;
  model::Namer namer_{kCatalogs};
  model::Batch batch_;
  std::map<model::SeriesId, model::Series> series_;
};

TEST_F(Nvml, ReadsBothDevicesInCanonicalUnits) {
  auto collector = Start();
  const auto got = Collect(collector.get());
  const auto f = [&](const std::string& key, double want) {
    const auto it = got.find(key);
    ASSERT_NE(it, got.end()) << key;
    EXPECT_DOUBLE_EQ(it->second, want) << key;
  };
  f("GPU-0 gpu.utilization", 0.97);
  f("GPU-0 gpu.memory.controller.active", 0.41);
  f("GPU-0 gpu.memory.used", 84961459224.0);
  f("GPU-0 gpu.memory.reserved", 559349760.0);
  f("GPU-1 gpu.power", 612.345);
  f("GPU-0 gpu.power.limit", 700);
  f("GPU-0 gpu.energy", 123456.789);
  f("GPU-0 gpu.temperature", 64);
  f("GPU-0 gpu.memory.temperature", 78);
  f("GPU-0 gpu.clock.core", 1.98e9);
  f("GPU-0 gpu.throttle.active power_cap", 1);
  f("GPU-0 gpu.throttle.active hw_thermal", 1);
  f("GPU-0 gpu.throttle.active sw_thermal", 0);
  f("GPU-0 gpu.pcie.io transmit", 1099511627776.0);
  f("GPU-0 gpu.link.io transmit", 1024000);
  f("GPU-0 gpu.ecc.errors uncorrected", 2);
  f("GPU-0 gpu.pcie.replays", 3);
  EXPECT_FALSE(got.contains("GPU-1 gpu.energy")) << "absent is not zero";
  EXPECT_FALSE(got.contains("GPU-0 gpu.pcie.io receive"));
  for (const auto& [id, s] : series_) {
    EXPECT_EQ(s.layer, "l1_gpu") << s.signal << " is in no catalog";
    EXPECT_EQ(s.attributes.get("hw.model"), "NVIDIA H100 80GB HBM3");
    EXPECT_EQ(s.attributes.get("host.name"), "n");
  }
}

TEST_F(Nvml, SaysWhatADeviceCannotTell) {
  auto collector = Start();
  Collect(collector.get());
  const auto states = States(*collector);
  EXPECT_EQ(states.at("nvml"), "live: driver 590.48.01");
  const std::string& second = states.at("nvml GPU-1");
  EXPECT_TRUE(second.starts_with("live: absent: ")) << second;
  EXPECT_NE(second.find("gpu.energy (not supported)"), std::string::npos) << second;
  EXPECT_NE(second.find("gpu.encoder.utilization (this driver does not have it)"),
            std::string::npos)
      << second;
  EXPECT_EQ(states.at("nvml GPU-0").find("gpu.energy"), std::string::npos);
}

TEST_F(Nvml, AHungCallMakesItStaleAndHoldsNobodyUp) {
  auto collector = Start();
  Collect(collector.get());
  set_("hang", 1);
  EXPECT_TRUE(Until([&] {
    return States(*collector)
        .at("nvml")
        .starts_with("stale: nvmlDeviceGetPowerUsage has not returned");
  }));
  EXPECT_TRUE(States(*collector).at("nvml GPU-0").starts_with("stale"));
  const std::int64_t begin = base::monotonic_ns();
  collector->Collect(namer_, &batch_);
  EXPECT_LT(base::monotonic_ns() - begin, base::kSecond);
  set_("hang", 0);
  EXPECT_TRUE(Until([&] { return States(*collector).at("nvml").starts_with("live"); }));
}

TEST_F(Nvml, EndsAlthoughACallHangs) {
  auto collector = Start();
  Collect(collector.get());
  set_("hang", 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  const std::int64_t begin = base::monotonic_ns();
  collector.reset();
  EXPECT_LT(base::monotonic_ns() - begin, 5 * base::kSecond);
}

TEST_F(Nvml, ALostDeviceFailsAndTheLibraryIsStartedAgain) {
  auto collector = Start();
  Collect(collector.get());
  const auto inits = reinterpret_cast<long (*)()>(::dlsym(fake_, "fake_nvml_inits"));
  const long before = inits();
  set_("lost", 1);
  EXPECT_TRUE(Until([&] { return inits() > before + 1; }));
  EXPECT_TRUE(Until([&] {
    return States(*collector)["nvml GPU-1"] == "failed: the GPU is lost: it has fallen off the bus";
  }));
  set_("lost", 0);
  EXPECT_TRUE(Until([&] { return States(*collector)["nvml GPU-1"].starts_with("live"); }));
}

TEST_F(Nvml, AnXidIsAnEventOfItsDevice) {
  auto collector = Start();
  Collect(collector.get());
  set_("xid", 79);
  EXPECT_TRUE(Until([&] {
    collector->Collect(namer_, &batch_);
    return !batch_.events.empty();
  }));
  ASSERT_EQ(batch_.events.size(), 1u);
  EXPECT_EQ(batch_.events[0].event, "gpu.fault.event");
  EXPECT_EQ(batch_.events[0].entity, "GPU-1");
  EXPECT_EQ(batch_.events[0].attributes.get("code"), "79");
}

TEST_F(Nvml, NoDriverIsAbsent) {
  set_("no_driver", 1);
  auto collector = Start();
  EXPECT_TRUE(Until([&] {
    return States(*collector).at("nvml") == "absent: nvmlInit_v2: the driver is not loaded";
  }));
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

}  // namespace
}  // namespace strata::l1_gpu
