// SPDX-License-Identifier: Apache-2.0
// Naming against a small catalog of its own: what a source calls a thing, and what comes of it.
#include "model/namer.h"

#include <gtest/gtest.h>

#include <cmath>

namespace strata::model {
namespace {

constexpr AttributeRule kRunning[] = {{"state", "running|active"}};
constexpr AttributeRule kTransmit[] = {{"network.io.direction", "transmit"}};
constexpr AttributeRule kBits[] = {{"power", "2"}, {"thermal", "5"}};
constexpr double kZero[] = {0};
constexpr SourceName kUtilSources[] = {
    {.adapter = "dcgm", .name = "DCGM_UTIL", .scale = 0.01},
    {.adapter = "dcgm", .name = "DCGM_BLANK_0", .scale = 0.01, .blanks = kZero}};
constexpr SourceName kIoSources[] = {
    {.adapter = "dcgm", .name = "DCGM_TX", .form = Form::rate, .add = kTransmit}};
constexpr SourceName kThrottleSources[] = {
    {.adapter = "dcgm", .name = "DCGM_REASONS", .form = Form::bits, .add = kBits}};
constexpr SourceName kRequestSources[] = {
    {.adapter = "engine", .name = "engine:requests", .where = kRunning}};
constexpr SourceName kBlockSources[] = {
    {.adapter = "engine", .name = "engine:info", .form = Form::label, .value_label = "blocks"}};
constexpr SourceName kBatchSources[] = {
    {.adapter = "engine", .name = "engine:requests", .where = kRunning}};
constexpr Signal kSignals[] = {{.id = "t.util",
                                .unit = "1",
                                .kind = Kind::gauge,
                                .entity = "gpu",
                                .otel = "hw.t.util",
                                .meaning = "",
                                .sources = kUtilSources,
                                .min = 0,
                                .max = 1.01},
                               {.id = "t.io",
                                .unit = "By",
                                .kind = Kind::counter,
                                .entity = "gpu",
                                .otel = "",
                                .meaning = "",
                                .sources = kIoSources},
                               {.id = "t.throttle",
                                .unit = "1",
                                .kind = Kind::state,
                                .entity = "gpu",
                                .otel = "",
                                .meaning = "",
                                .sources = kThrottleSources},
                               {.id = "t.running",
                                .unit = "{request}",
                                .kind = Kind::gauge,
                                .entity = "engine",
                                .otel = "",
                                .meaning = "",
                                .sources = kRequestSources},
                               {.id = "t.batch",
                                .unit = "{request}",
                                .kind = Kind::gauge,
                                .entity = "engine",
                                .otel = "",
                                .meaning = "",
                                .sources = kBatchSources},
                               {.id = "t.blocks",
                                .unit = "{block}",
                                .kind = Kind::gauge,
                                .entity = "engine",
                                .otel = "",
                                .meaning = "",
                                .sources = kBlockSources}};
constexpr LabelRule kLabels[] = {{"UUID", "hw.id"}, {"pod", "k8s.pod.name"}};
constexpr double kBlanks[] = {2147483632};
constexpr AttributeRule kAliases[] = {{"ray_engine_", "engine:"}};
constexpr Adapter kAdapters[] = {
    {.name = "dcgm", .labels = kLabels, .vendor = "nvidia", .blanks = kBlanks},
    {.name = "engine", .prefix_aliases = kAliases}};
constexpr Catalog kCatalog = {
    .layer = "l1_gpu", .title = "", .question = "", .signals = kSignals, .adapters = kAdapters};
const Catalog* const kCatalogs[] = {&kCatalog};

class NamerTest : public testing::Test {
 protected:
  std::vector<Target> Resolve(std::string_view name, Attributes attributes,
                              Attributes resource = {}, Kind kind = Kind::gauge) {
    attributes_ = std::move(attributes);
    resource_ = std::move(resource);
    RawMetric raw;
    raw.name = name;
    raw.kind = kind;
    raw.attributes = &attributes_;
    raw.resource = &resource_;
    raw.source = "scrape";
    const std::vector<Target> targets = namer_.Resolve(++key_, raw, &refused_);
    fresh_.clear();
    namer_.take_fresh(&fresh_);
    return targets;
  }
  Namer namer_{kCatalogs};
  Attributes attributes_, resource_;
  std::uint64_t key_ = 0;
  base::Refusals refused_;
  std::vector<Series> fresh_;
};

TEST_F(NamerTest, GivesTheCatalogsNameUnitEntityAndScale) {
  const auto targets =
      Resolve("DCGM_UTIL", {{"UUID", "GPU-1"}, {"pod", "p"}, {"empty", ""}}, {{"job", "dcgm"}});
  ASSERT_EQ(targets.size(), 1u);
  ASSERT_EQ(fresh_.size(), 1u);
  EXPECT_EQ(fresh_[0].signal, "t.util");
  EXPECT_EQ(fresh_[0].source, "dcgm:DCGM_UTIL");
  EXPECT_EQ(fresh_[0].entity, "GPU-1");
  EXPECT_EQ(
      fresh_[0].attributes,
      (Attributes{
          {"hw.id", "GPU-1"}, {"hw.vendor", "nvidia"}, {"job", "dcgm"}, {"k8s.pod.name", "p"}}));
  double value = 0;
  ASSERT_TRUE(Namer::Apply(targets[0], 37, &value, &refused_));
  EXPECT_DOUBLE_EQ(value, 0.37);
  EXPECT_FALSE(Namer::Apply(targets[0], 2147483632, &value, &refused_))
      << "a blank is not a measurement";
  EXPECT_TRUE(IsStale((Namer::Apply(targets[0], StaleNan(), &value, &refused_), value)));
}

TEST_F(NamerTest, KnowsCatalogIdsAndOtelNames) {
  EXPECT_EQ(Resolve("t.util", {{"hw.id", "GPU-1"}}).size(), 1u);
  EXPECT_EQ(fresh_[0].layer, "l1_gpu");
  EXPECT_EQ(Resolve("hw.t.util", {{"hw.id", "GPU-2"}}).size(), 1u);
  EXPECT_EQ(fresh_[0].signal, "t.util");
}

TEST_F(NamerTest, ARateIsAGaugePerSecond) {
  Resolve("DCGM_TX", {{"UUID", "GPU-1"}});
  ASSERT_EQ(fresh_.size(), 1u);
  EXPECT_EQ(fresh_[0].kind, Kind::gauge);
  EXPECT_EQ(fresh_[0].unit, "By/s");
  EXPECT_EQ(fresh_[0].attributes.get("network.io.direction"), "transmit");
}

TEST_F(NamerTest, BitsBecomeOneSeriesEach) {
  const auto targets = Resolve("DCGM_REASONS", {{"UUID", "GPU-1"}});
  ASSERT_EQ(targets.size(), 2u);
  double power = 0, thermal = 0;
  ASSERT_TRUE(Namer::Apply(targets[0], 4, &power, &refused_));
  ASSERT_TRUE(Namer::Apply(targets[1], 4, &thermal, &refused_));
  EXPECT_EQ(power, 1);
  EXPECT_EQ(thermal, 0);
  EXPECT_FALSE(Namer::Apply(targets[0], -1, &power, &refused_));
}

TEST_F(NamerTest, OneRawMetricMayFeedSeveralSignalsAndSelectorsDecide) {
  EXPECT_EQ(
      Resolve("engine:requests", {{"state", "active"}}, {{"service.instance.id", "h:1"}}).size(),
      2u);
  EXPECT_EQ(
      Resolve("engine:requests", {{"state", "waiting"}}, {{"service.instance.id", "h:1"}}).size(),
      1u);
  EXPECT_EQ(fresh_[0].layer, "other") << "nothing is thrown away for being new";
  EXPECT_EQ(Resolve("ray_engine_requests", {{"state", "running"}}, {{"service.instance.id", "h:2"}})
                .size(),
            2u);
}

TEST_F(NamerTest, ALabelMayHoldTheValue) {
  const auto targets = Resolve("engine:info", {{"blocks", "24"}, {"dtype", "auto"}},
                               {{"service.instance.id", "h:1"}});
  ASSERT_EQ(targets.size(), 1u);
  double value = 0;
  ASSERT_TRUE(Namer::Apply(targets[0], 1, &value, &refused_));
  EXPECT_EQ(value, 24);
  EXPECT_FALSE(fresh_[0].attributes.has("blocks"));
  EXPECT_EQ(Resolve("engine:info", {{"blocks", "None"}}, {{"service.instance.id", "h:3"}})[0].form,
            Form::value)
      << "kept raw";
}

TEST_F(NamerTest, RefusesWhatTheSignalCannotBeAndNamesIt) {
  const auto targets = Resolve("DCGM_UTIL", {{"UUID", "GPU-1"}});
  ASSERT_EQ(targets.size(), 1u);
  double value = 0;
  EXPECT_TRUE(Namer::Apply(targets[0], 0, &value, &refused_));
  EXPECT_TRUE(Namer::Apply(targets[0], 100, &value, &refused_));
  EXPECT_TRUE(Namer::Apply(targets[0], StaleNan(), &value, &refused_)) << "the end of a series";
  EXPECT_TRUE(refused_.empty());
  EXPECT_FALSE(Namer::Apply(targets[0], 1000, &value, &refused_));
  EXPECT_EQ(refused_.example(), "implausible: t.util = 10");
  EXPECT_FALSE(Namer::Apply(targets[0], -1, &value, &refused_));
  EXPECT_FALSE(Namer::Apply(targets[0], 2147483632, &value, &refused_)) << "a blank is absent";
  EXPECT_FALSE(Namer::Apply(targets[0], kUnbounded, &value, &refused_));
  EXPECT_EQ(refused_.count(base::Reason::implausible), 3u);

  // A gateway tells a budget without a limit as +Inf: what no catalog knows may be anything.
  EXPECT_TRUE(Namer::Apply(Resolve("x", {})[0], kUnbounded, &value, &refused_));
}

TEST_F(NamerTest, ASourceMayHaveBlanksOfItsOwn) {
  const auto targets = Resolve("DCGM_BLANK_0", {{"UUID", "GPU-1"}});
  ASSERT_EQ(targets.size(), 1u);
  double value = 0;
  EXPECT_FALSE(Namer::Apply(targets[0], 0, &value, &refused_));
  EXPECT_TRUE(Namer::Apply(targets[0], 40, &value, &refused_));
  EXPECT_TRUE(refused_.empty());
}

TEST_F(NamerTest, StopsAtItsLimitAndCounts) {
  Namer small(kCatalogs, 2);
  RawMetric raw;
  raw.name = "x";
  raw.attributes = &attributes_;
  raw.source = "scrape";
  for (int i = 0; i < 3; ++i) {
    attributes_ = {{"i", std::to_string(i)}};
    EXPECT_EQ(small.Resolve(static_cast<std::uint64_t>(i + 1), raw, &refused_).empty(), i == 2);
  }
  EXPECT_EQ(refused_.count(base::Reason::series_limit), 1u);
}

TEST_F(NamerTest, OriginIsPartOfTheIdentityAndNoLabel) {
  Resolve("x", {}, {{"strata.origin", "demo"}, {"host.name", "n"}});
  const Series demo = fresh_[0];
  Resolve("x", {}, {{"host.name", "n"}});
  EXPECT_EQ(demo.origin, "demo");
  EXPECT_FALSE(demo.attributes.has("strata.origin"));
  EXPECT_NE(demo.id, fresh_[0].id);
}

}  // namespace
}  // namespace strata::model
