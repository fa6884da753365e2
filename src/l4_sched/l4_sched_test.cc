// SPDX-License-Identifier: Apache-2.0
// Sightings to holdings: real exporter pages, changes of owner, silence, disputes, shares; and what
// names tell.
#include "l4_sched/l4_sched.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "wire/decode.h"

namespace strata::l4_sched {
namespace {

constexpr std::int64_t kS = 1'000'000'000;
constexpr std::int64_t kT0 = 1'795'000'000 * kS;

std::string Golden(const std::string& name) {
  auto text = base::ReadFile(std::string(STRATA_SOURCE_DIR) + "/tests/golden/l4/" + name);
  EXPECT_TRUE(text.ok()) << text.status().message();
  return text.ok() ? *text : std::string();
}

// The part of the GPU catalog that the pages need; the room itself knows no other layer.
constexpr std::string_view kPrefixes[] = {"DCGM_"};
constexpr model::LabelRule kLabels[] = {{"UUID", "hw.id"},
                                        {"pod", "k8s.pod.name"},
                                        {"namespace", "k8s.namespace.name"},
                                        {"container", "k8s.container.name"},
                                        {"Hostname", "host.name"},
                                        {"GPU_I_ID", "gpu.mig.id"},
                                        {"GPU_I_PROFILE", "gpu.mig.profile"},
                                        {"modelName", "hw.model"}};
constexpr model::Adapter kAdapters[] = {
    {.name = "dcgm_exporter", .prefixes = kPrefixes, .labels = kLabels}};
constexpr model::SourceName kPower[] = {
    {.adapter = "dcgm_exporter", .name = "DCGM_FI_DEV_POWER_USAGE", .value_label = {}}};
constexpr model::SourceName kUsed[] = {
    {.adapter = "dcgm_exporter", .name = "DCGM_FI_DEV_FB_USED", .value_label = {}}};
constexpr model::Signal kSignals[] = {
    {.id = "gpu.power", .unit = "W", .entity = "gpu", .otel = {}, .meaning = {}, .sources = kPower},
    {.id = "gpu.memory.used",
     .unit = "By",
     .entity = "gpu",
     .otel = {},
     .meaning = {},
     .sources = kUsed}};
constexpr model::Catalog kCatalog = {
    .layer = "l1_gpu", .title = {}, .question = {}, .signals = kSignals, .adapters = kAdapters};

struct Scraper {
  const model::Catalog* catalogs[1] = {&kCatalog};
  model::Namer namer{catalogs};
  model::Batch Page(const std::string& text, std::int64_t at_ns) {
    model::Batch batch;
    wire::Context context;
    context.namer = &namer;
    context.now_ns = at_ns;
    EXPECT_TRUE(wire::DecodePrometheusText(text, false, context, &batch).ok());
    return batch;
  }
};

TEST(Exporter, OneGpuOfEightIsOwned) {
  Scraper scraper;
  HoldingTracker tracker(
      {.teams = {.label = "team", .namespaces = {{"dynamo-workload", "serving"}}}});
  const std::string page = Golden("aicr-h100x8-with-pod.prom");
  model::Batch batch = scraper.Page(page, kT0);
  const auto rows = tracker.Update(&batch, kT0);
  ASSERT_EQ(rows.size(), 1u);
  const model::Holding& h = rows[0].holding;
  EXPECT_EQ(h.gpu, "GPU-c4529c8d-69c4-b61d-e0bc-7b2460096005");
  EXPECT_EQ(h.pod, "vllm-agg-0-vllmdecodeworker-s65j5");
  EXPECT_EQ(h.ns, "dynamo-workload");
  EXPECT_EQ(h.container, "main");
  EXPECT_EQ(h.node, "gpu-node-1");
  EXPECT_EQ(h.team, "serving");
  EXPECT_EQ(h.workload, "vllm-agg-0-vllmdecodeworker");
  EXPECT_EQ(h.workload_kind, "guess");
  EXPECT_EQ(h.share_kind, "whole");
  EXPECT_EQ(h.source, "exporter");
  EXPECT_EQ(h.share, 1);
  EXPECT_EQ(h.valid_from, kT0);
  EXPECT_EQ(h.valid_to, 0);
  // Seen again: nothing changes. Known series are not announced again.
  for (int i = 1; i <= 5; ++i) {
    model::Batch next = scraper.Page(page, kT0 + i * 10 * kS);
    EXPECT_TRUE(tracker.Update(&next, kT0 + i * 10 * kS).empty());
  }
  // The pod goes: after two missed intervals the holding ends one interval after its last sighting.
  std::string free_page = page;
  const std::string owner =
      ",container=\"main\",namespace=\"dynamo-workload\",pod=\"vllm-agg-0-vllmdecodeworker-s65j5\","
      "pod_uid=\"\"";
  for (std::size_t at; (at = free_page.find(owner)) != std::string::npos;)
    free_page.erase(at, owner.size());
  std::vector<HoldingRow> closed;
  for (int i = 6; i <= 9 && closed.empty(); ++i) {
    model::Batch next = scraper.Page(free_page, kT0 + i * 10 * kS);
    closed = tracker.Update(&next, kT0 + i * 10 * kS);
    EXPECT_EQ(closed.empty(), i < 8) << i;
  }
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].holding.valid_from, kT0);
  EXPECT_EQ(closed[0].holding.valid_to, kT0 + 60 * kS);
  EXPECT_GT(closed[0].version, rows[0].version);
  EXPECT_EQ(tracker.held_at(h.gpu, kT0 + 59 * kS).size(), 1u);
  EXPECT_TRUE(tracker.held_at(h.gpu, kT0 + 60 * kS).empty());
  EXPECT_TRUE(tracker.held_at("GPU-bc5610b9-79c8-fedd-8899-07539c7f868a", kT0).empty());
  EXPECT_TRUE(tracker.held().empty());
}

TEST(Exporter, FractionPageNamesTheReservation) {
  Scraper scraper;
  HoldingTracker tracker({});
  model::Batch batch = scraper.Page(Golden("fraction-1-workload.prom"), kT0);
  const auto rows = tracker.Update(&batch, kT0);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].holding.gpu, "GPU-7a2e92f2-be71-d37e-a744-541600ffc722");
  EXPECT_EQ(rows[0].holding.ns, "runai-reservation");
  EXPECT_EQ(rows[0].holding.share, 1);
}

TEST(Exporter, MigInstancesAreSharesAndAnEmptyLabelIsNobody) {
  Scraper scraper;
  HoldingTracker tracker({});
  const std::string page = Golden("mig-a100-4-active.prom");
  model::Batch batch = scraper.Page(page, kT0);
  EXPECT_TRUE(tracker.Update(&batch, kT0).empty());
  // The same page with owners: one pod with two instances, another with one.
  const auto own = [](std::string text, const std::string& id, const std::string& pod) {
    const std::string mark = "GPU_I_ID=\"" + id + "\"";
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; ++at) {
      const std::size_t label = text.find("namespace=\"\",pod=\"\"", at);
      text.replace(label, 19, "namespace=\"ml\",pod=\"" + pod + "\"");
    }
    return text;
  };
  model::Batch owned =
      scraper.Page(own(own(own(page, "7", "small-0"), "5", "big-0"), "8", "big-0"), kT0 + 10 * kS);
  const auto rows = tracker.Update(&owned, kT0 + 10 * kS);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].holding.pod, "big-0");
  EXPECT_EQ(rows[0].holding.share_kind, "mig");
  EXPECT_NEAR(rows[0].holding.share, 3.0 / 7, 1e-12);  // 2g.10gb and 1g.5gb
  EXPECT_EQ(rows[0].holding.gpu, "GPU-473571f2-fb37-ef7e-50fe-9885b74a23cd");
  EXPECT_EQ(rows[1].holding.pod, "small-0");
  EXPECT_NEAR(rows[1].holding.share, 1.0 / 7, 1e-12);
  EXPECT_TRUE(tracker.TakeEvents().empty());
}

model::Holding Sight(const std::string& source, const std::string& pod, std::int64_t at_s,
                     double share = 1, const std::string& kind = "whole") {
  model::Holding h;
  h.gpu = "GPU-1";
  h.ns = "ns";
  h.pod = pod;
  h.source = source;
  h.share = share;
  h.share_kind = kind;
  h.valid_from = kT0 + at_s * kS;
  return h;
}

TEST(Tracker, AnotherOwnerEndsTheFirst) {
  HoldingTracker tracker({});
  tracker.Saw(Sight("kubelet", "a", 0));
  tracker.Settle(kT0);
  tracker.Saw(Sight("kubelet", "a", 10));
  tracker.Settle(kT0 + 10 * kS);
  EXPECT_EQ(tracker.TakeChanged().size(), 1u);
  tracker.Saw(Sight("kubelet", "b", 20));
  tracker.Settle(kT0 + 20 * kS);
  const auto rows = tracker.TakeChanged();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].holding.pod, "a");
  EXPECT_EQ(rows[0].holding.valid_to, kT0 + 20 * kS);
  EXPECT_EQ(rows[1].holding.pod, "b");
  EXPECT_EQ(rows[1].holding.valid_from, kT0 + 20 * kS);
  EXPECT_EQ(tracker.held_at("GPU-1", kT0 + 19 * kS)[0].pod, "a");
  EXPECT_EQ(tracker.held_at("GPU-1", kT0 + 20 * kS)[0].pod, "b");
  EXPECT_TRUE(tracker.TakeEvents().empty());
  // A late sighting of the first owner changes nothing.
  tracker.Saw(Sight("kubelet", "a", 15));
  tracker.Settle(kT0 + 21 * kS);
  EXPECT_TRUE(tracker.TakeChanged().empty());
}

TEST(Tracker, RivalsOfOneMomentShareAndAreTold) {
  HoldingTracker tracker({});
  const auto look = [&](std::int64_t at_s) {
    tracker.Saw(Sight("exporter", "a", at_s));
    tracker.Saw(Sight("exporter", "b", at_s));
    tracker.Settle(kT0 + at_s * kS);
  };
  look(0);
  double sum = 0;
  for (const auto& h : tracker.held()) sum += h.share;
  EXPECT_EQ(tracker.held().size(), 2u);
  EXPECT_NEAR(sum, 1, 1e-12);
  const auto events = tracker.TakeEvents();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].event, "holding.dispute");
  EXPECT_EQ(events[0].entity, "GPU-1");
  look(10);
  EXPECT_TRUE(tracker.TakeEvents().empty());  // told once
  // One goes: the other's row is ended and begun anew with the whole device; history keeps its
  // half.
  tracker.Saw(Sight("exporter", "a", 20));
  tracker.Settle(kT0 + 20 * kS);
  EXPECT_EQ(tracker.held_at("GPU-1", kT0 + 5 * kS).size(), 2u);
  const auto now = tracker.held_at("GPU-1", kT0 + 21 * kS);
  ASSERT_EQ(now.size(), 1u);
  EXPECT_EQ(now[0].pod, "a");
  EXPECT_NEAR(now[0].share, 1, 1e-12);
  EXPECT_EQ(now[0].valid_from, kT0 + 20 * kS);
}

TEST(Tracker, TheBetterSourceCountsAndAContradictionIsAnEvent) {
  HoldingTracker tracker({});
  tracker.Saw(Sight("hami", "a", 0, 0.5, "hami"));
  tracker.Saw(Sight("kubelet", "a", 0));
  tracker.Saw(Sight("process", "", 0));
  tracker.Settle(kT0);
  ASSERT_EQ(tracker.held().size(), 1u);
  EXPECT_EQ(tracker.held()[0].source, "hami");
  EXPECT_EQ(tracker.held()[0].share, 0.5);
  EXPECT_TRUE(tracker.TakeEvents().empty());
  tracker.Saw(Sight("hami", "a", 10, 0.5, "hami"));
  tracker.Saw(Sight("kubelet", "z", 10));
  tracker.Settle(kT0 + 10 * kS);
  ASSERT_EQ(tracker.held().size(), 1u);
  EXPECT_EQ(tracker.held()[0].pod, "a");
  const auto events = tracker.TakeEvents();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_NE(events[0].message.find("ns/z"), std::string::npos);
}

TEST(Tracker, SilenceEndsByTheClockNotByOldData) {
  HoldingTracker tracker({});
  // A replay of last year: the sightings are old, the clock is not.
  const std::int64_t clock = kT0 + 365 * 86400 * kS;
  for (int i = 0; i < 4; ++i) {
    tracker.Saw(Sight("exporter", "a", i * 10));
    tracker.Settle(clock + i * 10 * kS);
  }
  EXPECT_EQ(tracker.held().size(), 1u);
  tracker.Settle(clock + 40 * kS);
  EXPECT_EQ(tracker.held().size(), 1u);
  tracker.Settle(clock + 60 * kS);  // the source has been silent for more than two of its intervals
  EXPECT_TRUE(tracker.held().empty());
  const auto rows = tracker.TakeChanged();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].holding.valid_to, kT0 + 40 * kS);
}

TEST(Tracker, SightingsThatTellSinceWhen) {
  HoldingTracker tracker({});
  const auto look = [&](const std::string& job, std::int64_t since_s, std::int64_t at_s) {
    model::Holding h = Sight("process", "", since_s, 0.25, "process");
    h.job = job;
    h.valid_to = kT0 + at_s * kS;
    tracker.Saw(h);
  };
  for (int i = 0; i < 6; ++i) {
    look("old", -3600, i * 10);
    if (i >= 2) look("new", 15, i * 10);
    tracker.Settle(kT0 + i * 10 * kS);
  }
  const auto rows = tracker.TakeChanged();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].holding.valid_from, kT0 - 3600 * kS);
  EXPECT_EQ(rows[1].holding.valid_from, kT0 + 15 * kS);
  EXPECT_EQ(rows[0].holding.valid_to, 0);
  EXPECT_EQ(tracker.held().size(), 2u);
  EXPECT_TRUE(tracker.TakeEvents().empty());
  // A sender that only ever tells the beginning keeps both as well, while it tells them together.
  HoldingTracker plain({});
  for (int i = 0; i < 30; ++i) {
    for (const auto& [job, since_s] : {std::pair{"old", -3600}, {"new", 15}}) {
      model::Holding h = Sight("process", "", since_s, 0.25, "process");
      h.job = job;
      plain.Saw(h);
    }
    plain.Settle(kT0 + (20 + i * 10) * kS);
    plain.Settle(kT0 + (25 + i * 10) * kS);
  }
  EXPECT_EQ(plain.held().size(), 2u);
  EXPECT_EQ(plain.TakeChanged().size(), 2u);
}

TEST(Tracker, GoesOnAfterARestart) {
  HoldingTracker before({});
  before.Saw(Sight("kubelet", "a", 0));
  before.Settle(kT0);
  const auto open = before.held();
  HoldingTracker after({});
  after.Restore(open, kT0 + 3600 * kS);
  after.Saw(Sight("kubelet", "a", 3610));
  after.Settle(kT0 + 3610 * kS);
  EXPECT_TRUE(after.TakeChanged().empty());
  EXPECT_EQ(after.held_at("GPU-1", kT0 + kS).size(), 1u);
  after.Saw(Sight("kubelet", "b", 3620));
  after.Settle(kT0 + 3620 * kS);
  const auto rows = after.TakeChanged();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].holding.valid_from, kT0);
  EXPECT_EQ(rows[0].holding.valid_to, kT0 + 3620 * kS);
}

TEST(Tracker, WorldsDoNotMix) {
  HoldingTracker tracker({});
  model::Holding world = Sight("exporter", "w", 0);
  world.origin = "demo";
  tracker.Saw(world);
  tracker.Saw(Sight("exporter", "a", 0));
  tracker.Settle(kT0);
  ASSERT_EQ(tracker.held().size(), 1u);
  EXPECT_EQ(tracker.held()[0].pod, "a");
  EXPECT_EQ(tracker.held("demo")[0].pod, "w");
  EXPECT_TRUE(tracker.TakeEvents().empty());
}

TEST(Names, Workloads) {
  const auto f = [](std::string_view pod, std::string_view kind, std::string_view name) {
    const WorkloadGuess guess = GuessWorkload(pod);
    EXPECT_EQ(guess.kind, kind) << pod;
    EXPECT_EQ(guess.name, name) << pod;
  };
  f("chat-api-7d9c6b5f4-x2v9k", "Deployment", "chat-api");
  f("vllm-agg-0-vllmdecodeworker-s65j5", "", "vllm-agg-0-vllmdecodeworker");
  f("web-0", "StatefulSet", "web");
  f("train-llm-3-bz4wq", "Job", "train-llm");
  f("nightly-28391520-c7hgq", "CronJob", "nightly");
  f("singlepod", "", "singlepod");
  f("train-final", "", "train-final");
  f("", "", "");
  f("-", "", "-");
}

TEST(Names, ExportersAndTeams) {
  EXPECT_TRUE(IsExporterPod("nvidia-dcgm-exporter-s228n"));
  EXPECT_TRUE(IsExporterPod("nvidia-dcgm-x9f2k"));
  EXPECT_FALSE(IsExporterPod("vllm-0"));
  const TeamRules rules{.label = "team", .namespaces = {{"chat", "search-team"}}};
  EXPECT_EQ(TeamOf(rules, {{"k8s.pod.label.team", "core"}}, "chat"), "core");
  EXPECT_EQ(TeamOf(rules, {}, "chat"), "search-team");
  EXPECT_EQ(TeamOf(rules, {}, "other"), "");
}

TEST(Exporter, ItsOwnPodOwnsNothing) {
  HoldingTracker tracker({});
  model::Series series;
  series.id = model::SeriesId{7};
  series.entity_type = "gpu";
  series.entity = "GPU-9";
  series.attributes = {{"hw.id", "GPU-9"},
                       {"k8s.pod.name", "nvidia-dcgm-exporter-s228n"},
                       {"k8s.namespace.name", "gpu-operator"}};
  tracker.Learn(series);
  tracker.Saw(series.id, kT0);
  tracker.Settle(kT0);
  EXPECT_TRUE(tracker.held().empty());
  EXPECT_TRUE(tracker.TakeChanged().empty());
}

}  // namespace
}  // namespace strata::l4_sched
