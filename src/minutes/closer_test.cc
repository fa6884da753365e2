// SPDX-License-Identifier: Apache-2.0
// The closer on a shelf in memory: what is due, what comes late, what waits for its next sample,
// what is provisional.
#include "minutes/closer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace strata::minutes {
namespace {

using model::Fold;
using model::Kind;
constexpr std::int64_t kS = base::kSecond;
constexpr std::int64_t kT = 1'764'000'000 * kS / base::kMinute * base::kMinute;  // a full minute

constexpr model::SourceName kUtilSources[] = {{"good", "util", 1.0, model::Form::value, ""},
                                              {"poor", "utilisation", 1.0, model::Form::value, ""}};
constexpr model::AttributeRule kBusy[] = {{"mode", "user|system"}},
                               kAbort[] = {{"reason", "abort"}};
constexpr model::MinuteColumn kUtil[] = {{"gpu_minute", "utilization_ratio"},
                                         {"gpu_minute", "utilization_max_ratio", Fold::max}};
constexpr model::MinuteColumn kMemory[] = {{"gpu_minute", "memory_bytes"}};
constexpr model::MinuteColumn kWarmth[] = {{"gpu_minute", "temperature_c", Fold::max}};
constexpr model::MinuteColumn kTokens[] = {{"engine_minute", "tokens", Fold::increase}};
constexpr model::MinuteColumn kDone[] = {{"engine_minute", "finished", Fold::increase},
                                         {"engine_minute", "aborted", Fold::increase, 0, kAbort}};
constexpr model::MinuteColumn kRunning[] = {{"engine_minute", "running_s", Fold::seconds_over, 0}};
constexpr model::MinuteColumn kTtft[] = {{"engine_minute", "ttft_p50_s", Fold::p50}};
constexpr model::MinuteColumn kCpu[] = {{"host_minute", "cpu_ratio", Fold::mean, 0, kBusy, "mode"}};
constexpr model::MinuteColumn kLate[] = {{"comm_minute", "lateness_max_s", Fold::max}};
constexpr model::MinuteColumn kHung[] = {{"comm_minute", "hung_s", Fold::max}};
constexpr model::MinuteColumn kFault[] = {{"gpu_minute", "faults", Fold::count}};
constexpr model::Signal kSignals[] = {
    {"gpu.util", "1", Kind::gauge, "gpu", "", {}, "", kUtilSources, kUtil},
    {"gpu.memory", "By", Kind::gauge, "gpu", "", {}, "", {}, kMemory},
    {"gpu.warmth", "Cel", Kind::gauge, "gpu", "", {}, "", kUtilSources, kWarmth},
    {"eng.tokens", "{token}", Kind::counter, "engine", "", {}, "", {}, kTokens},
    {"eng.done", "{request}", Kind::counter, "engine", "", {}, "", {}, kDone},
    {"eng.running", "{request}", Kind::gauge, "engine", "", {}, "", {}, kRunning},
    {"eng.ttft", "s", Kind::histogram, "engine", "", {}, "", {}, kTtft},
    {"host.cpu", "1", Kind::gauge, "node", "", {}, "", {}, kCpu},
    {"comm.rank.lateness.max", "s", Kind::gauge, "communicator", "", {}, "", {}, kLate},
    {"comm.hang.duration", "s", Kind::gauge, "communicator", "", {}, "", {}, kHung},
    {"gpu.fault", "{event}", Kind::event, "gpu", "", {}, "", {}, kFault},
};
constexpr model::Catalog kCatalog = {"l0", "", "", kSignals, {}};
const model::Catalog* const kCatalogs[] = {&kCatalog};

class MemoryShelf final : public Shelf {
 public:
  std::map<std::uint64_t, model::Series> named;
  struct Sample {
    std::uint64_t series;
    Point point;
    std::int64_t received_s;
  };
  std::vector<Sample> samples;
  std::vector<model::Histogram> histograms;
  std::vector<model::Collective> collectives;
  std::vector<std::pair<std::string, std::string>> written;
  bool broken = false;

  std::uint64_t Add(std::string signal, Kind kind, std::string type, std::string entity,
                    model::Attributes attributes, std::string source = "good:util",
                    std::string origin = "live") {
    model::Series s;
    s.signal = std::move(signal), s.kind = kind, s.entity_type = std::move(type),
    s.entity = std::move(entity);
    s.attributes = std::move(attributes), s.source = std::move(source),
    s.origin = std::move(origin);
    s.temporality =
        kind == Kind::counter ? model::Temporality::cumulative : model::Temporality::none;
    const std::uint64_t id = 1 + named.size();
    s.id = model::SeriesId{id};
    named[id] = std::move(s);
    return id;
  }
  void Put(std::uint64_t id, std::int64_t at_s, double value, std::int64_t delay_s = 0) {
    samples.push_back({id, {kT + at_s * kS, 0, value}, kT / kS + at_s + delay_s});
  }

  base::Result<std::vector<model::Series>> Series(std::int64_t) override {
    std::vector<model::Series> out;
    for (const auto& [id, s] : named) out.push_back(s);
    return out;
  }
  base::Result<std::vector<std::string>> Origins() override {
    std::set<std::string> out;
    for (const auto& [id, s] : named) out.insert(s.origin);
    return std::vector<std::string>(out.begin(), out.end());
  }
  base::Result<std::vector<SamplePoint>> Samples(const std::string& origin, Window w,
                                                 std::span<const std::uint64_t>) override {
    return Find([&](std::uint64_t id, const Point& p) {
      return named[id].origin == origin && p.ts >= w.from - kAroundNs && p.ts < w.to + kAroundNs;
    });
  }
  base::Result<std::vector<SamplePoint>> Outside(Window w,
                                                 std::span<const std::uint64_t> ids) override {
    std::vector<SamplePoint> out;
    for (const std::uint64_t wanted : ids) {
      const SamplePoint *before = nullptr, *after = nullptr;
      const auto all = Find([&](std::uint64_t id, const Point&) { return id == wanted; });
      for (const SamplePoint& p : all) {
        if (p.point.ts < w.from && p.point.ts >= w.from - kLongestGapNs) before = &p;
        if (p.point.ts >= w.to && after == nullptr) after = &p;
      }
      if (before != nullptr) out.push_back(*before);
      if (after != nullptr) out.push_back(*after);
    }
    return out;
  }
  template <typename F>
  std::vector<SamplePoint> Find(F wanted) {
    std::vector<SamplePoint> out;
    for (const Sample& p : samples) {
      if (p.received_s * kS <= now && wanted(p.series, p.point)) out.push_back({p.series, p.point});
    }
    std::sort(out.begin(), out.end(), [](const SamplePoint& a, const SamplePoint& b) {
      return std::tie(a.series, a.point.ts) < std::tie(b.series, b.point.ts);
    });
    return out;
  }
  base::Result<std::vector<model::Histogram>> Histograms(const std::string&, Window,
                                                         std::span<const std::uint64_t>) override {
    return histograms;
  }
  base::Result<std::vector<EventCount>> Events(const std::string&, Window w) override {
    if (w.from != kT) return std::vector<EventCount>{};
    return std::vector<EventCount>{{"gpu.fault", "gpu", "G0", {}, 2}};
  }
  base::Result<std::vector<model::Collective>> Collectives(const std::string&, Window w) override {
    return w.from == kT ? collectives : std::vector<model::Collective>{};
  }
  base::Result<store::Rows> Calls(const std::string&, Window) override { return store::Rows{}; }
  base::Result<std::vector<std::int64_t>> MinutesWithData(const std::string& origin,
                                                          Window w) override {
    std::set<std::int64_t> out;
    for (const Sample& p : samples) {
      if (named[p.series].origin == origin && p.point.ts >= w.from && p.point.ts < w.to &&
          p.received_s * kS <= now) {
        out.insert(p.point.ts / base::kMinute * base::kMinute);
      }
    }
    return std::vector<std::int64_t>(out.begin(), out.end());
  }
  base::Result<std::int64_t> Newest(const std::string& origin, std::int64_t) override {
    std::int64_t newest = 0;
    for (const Sample& p : samples) {
      if (named[p.series].origin == origin && p.received_s * kS <= now)
        newest = std::max(newest, p.point.ts);
    }
    return newest;
  }
  base::Result<std::map<std::int64_t, std::uint64_t>> Closed(const std::string&,
                                                             std::int64_t) override {
    return closed;
  }
  base::Result<std::vector<Arrival>> Arrivals(const std::string& origin, Window w,
                                              std::int64_t received_s) override {
    std::map<std::tuple<std::int64_t, std::uint64_t, std::int64_t>, std::uint64_t> groups;
    for (const Sample& p : samples) {
      if (named[p.series].origin != origin || p.point.ts < w.from || p.point.ts >= w.to) continue;
      if (p.received_s < received_s || p.received_s * kS > now) continue;
      ++groups[{p.point.ts / base::kMinute * base::kMinute, p.series, p.received_s}];
    }
    std::vector<Arrival> out;
    for (const auto& [key, n] : groups)
      out.push_back({std::get<0>(key), 's', std::get<1>(key), "", "", std::get<2>(key), n});
    out.insert(out.end(), late_calls.begin(), late_calls.end());
    return out;
  }
  base::Status Write(std::string_view table, std::string_view bytes, std::string_view) override {
    if (broken) return base::Failed("no space left on device");
    written.emplace_back(table, bytes);
    return {};
  }

  std::int64_t now = 0;
  std::map<std::int64_t, std::uint64_t> closed;
  std::vector<Arrival> late_calls;
};

struct Seen {
  std::int64_t minute = 0;
  bool again = false;
  std::vector<MinuteRow> rows;
};

class CloserTest : public ::testing::Test {
 protected:
  CloserTest() {
    auto shelf = std::make_unique<MemoryShelf>();
    shelf_ = shelf.get();
    Options options;
    options.on_closed = [this](const ClosedMinute& m) {
      seen_.push_back({m.minute_ns, m.again, std::vector<MinuteRow>(m.rows.begin(), m.rows.end())});
    };
    options.comm.rows = [](const std::string&, Window, bool closed,
                           std::span<const model::Collective> rows, CommFacts* out) {
      EXPECT_TRUE(closed);
      for (const auto& c : rows) {
        const std::string rank = std::to_string(c.rank);
        out->observed.push_back({"comm.rank.lateness.max",
                                 c.communicator,
                                 {{"rank", rank}, {"host.name", c.node}},
                                 {c.rank == 1 ? 0.4 : 0}});
        out->labels.push_back({c.communicator, rank, "gpu", "G" + rank});
        out->labels.push_back({c.communicator, rank, "no such column", "x"});
      }
    };
    options.comm.minutes = [this](const std::string&, Window w) {
      std::vector<std::int64_t> out = hung_minutes_;
      std::erase_if(out, [&](std::int64_t m) { return m < w.from || m >= w.to; });
      return out;
    };
    options.comm.standing = [this](const std::string&, Window w, CommFacts* out) {
      for (const std::int64_t m : hung_minutes_) {
        if (m == w.from) out->observed.push_back({"comm.hang.duration", "hung", {}, {60}});
      }
    };
    options.gpu = [this](const GpuMinute& m, MinuteRow* row) {
      judged_.push_back({row->keys[0], std::string(m.model), m.instance,
                         m.layout.value(*row, "utilization_ratio"),
                         std::vector<Point>(m.celsius.begin(), m.celsius.end())});
      m.layout.set_value(row, "memory_bytes_per_s", 1000 * static_cast<double>(m.celsius.size()));
      m.layout.set_label(row, "state", "judged");
      m.layout.set_label(row, "no such label", "x");
    };
    options.flush = [this] { return visible_; };
    closer_ =
        std::make_unique<Closer>(std::move(shelf), std::make_unique<Layout>(kCatalogs), options);
  }
  void TickAt(std::int64_t s) {
    shelf_->now = kT + s * kS;
    closer_->Tick(kT + s * kS);
  }
  double Fact(const Seen& seen, std::string_view table, std::string_view entity,
              std::string_view fact) {
    for (const MinuteRow& row : seen.rows) {
      if (row.table == closer_->layout().table(table) && row.keys[0] == entity)
        return closer_->layout().value(row, fact);
    }
    return kAbsent;
  }
  MemoryShelf* shelf_ = nullptr;
  std::unique_ptr<Closer> closer_;
  std::vector<Seen> seen_;
  struct Judged {
    std::string gpu, model;
    bool instance = false;
    double utilization = 0;
    std::vector<Point> celsius;
  };
  std::vector<Judged> judged_;
  std::vector<std::int64_t> hung_minutes_;
  bool visible_ = true;  // what was accepted is in the store
};

TEST_F(CloserTest, ClosesAMinuteTwentySecondsAfterItsEnd) {
  const auto util = shelf_->Add("gpu.util", Kind::gauge, "gpu", "G0", {{"host.name", "n1"}});
  const auto tokens =
      shelf_->Add("eng.tokens", Kind::counter, "engine", "E", {{"gen_ai.request.model", "m"}});
  for (int s = -10; s < 75; s += 5)
    shelf_->Put(util, s, 0.5), shelf_->Put(tokens, s, 1000 + 10 * s);
  TickAt(79);
  EXPECT_TRUE(seen_.empty() || seen_.back().minute < kT);
  seen_.clear();
  TickAt(80);
  ASSERT_EQ(seen_.size(), 1u);
  EXPECT_EQ(seen_[0].minute, kT);
  EXPECT_NEAR(Fact(seen_[0], "gpu_minute", "G0", "utilization_ratio"), 0.5, 1e-12);
  EXPECT_NEAR(Fact(seen_[0], "engine_minute", "E", "tokens"), 600, 1e-9);
  EXPECT_EQ(Fact(seen_[0], "gpu_minute", "G0", "faults"), 2);
  const MinuteRow& row = seen_[0].rows[0];
  EXPECT_EQ(closer_->layout().key(row, "node"), "n1");
  std::set<std::string> tables;
  for (const auto& [table, bytes] : shelf_->written) tables.insert(table);
  EXPECT_TRUE(tables.contains("gpu_minute_v") && tables.contains("engine_minute_v") &&
              tables.contains("closes"));
  EXPECT_EQ(shelf_->written.back().first, "closes") << "rows first, then what makes them count";
  EXPECT_EQ(closer_->stats().newest_live_ns, kT + 60 * kS);
}

TEST_F(CloserTest, LateDataClosesTheMinuteAgainAndOnlyItsEntity) {
  const auto a = shelf_->Add("gpu.util", Kind::gauge, "gpu", "A", {});
  const auto b = shelf_->Add("gpu.util", Kind::gauge, "gpu", "B", {});
  for (int s = 0; s < 300; s += 5) shelf_->Put(a, s, 0.2), shelf_->Put(b, s, 0.2);
  for (int s = 1; s < 60; s += 5) shelf_->Put(b, s, 0.8, 100);  // received 100 s later
  TickAt(80);
  seen_.clear();
  TickAt(90);
  EXPECT_TRUE(seen_.empty());
  for (int s = 100; s <= 200; s += 10) TickAt(s);
  std::size_t again = 0;
  Seen last;
  for (const Seen& m : seen_) {
    if (!m.again) continue;
    ++again;
    last = m;
    EXPECT_EQ(m.minute, kT);
    ASSERT_EQ(m.rows.size(), 1u);
    EXPECT_EQ(m.rows[0].keys[0], "B");
  }
  ASSERT_GE(again, 1u);
  EXPECT_NEAR(Fact(last, "gpu_minute", "B", "utilization_ratio"), 0.5, 0.02);
  seen_.clear();
  for (int s = 210; s <= 290; s += 10) TickAt(s);
  for (const Seen& m : seen_) EXPECT_FALSE(m.again) << "settled: nothing new, nothing closed again";
}

TEST_F(CloserTest, HoursThatComeAtOnceAreClosedWithinTwoMinutes) {
  const auto a = shelf_->Add("gpu.util", Kind::gauge, "gpu", "A", {});
  for (int s = 0; s < 60; s += 5) shelf_->Put(a, s, 0.2);
  for (int s = 100; s <= 200; s += 10) TickAt(s);
  seen_.clear();
  constexpr int kHour = 3600;
  for (int s = -6 * kHour; s < -5 * kHour; s += 15) shelf_->Put(a, s, 0.4, 210 - s);
  closer_->Came(kT - 6 * kHour * base::kSecond);
  for (int s = 210; s <= 330; s += 10) TickAt(s);
  std::set<std::int64_t> minutes;
  for (const Seen& m : seen_) {
    if (m.minute >= kT - kHour * base::kSecond) continue;
    minutes.insert(m.minute);
  }
  EXPECT_EQ(minutes.size(), 60u);
}

TEST_F(CloserTest, ALateCallOfARunningMinuteDoesNotCloseIt) {
  const auto a = shelf_->Add("gpu.util", Kind::gauge, "gpu", "A", {});
  for (int s = 0; s < 200; s += 5) shelf_->Put(a, s, 0.2);
  TickAt(80);
  const std::int64_t running = kT + base::kMinute;
  shelf_->late_calls = {{kT, 'q', 0, "", "", kT / kS + 85, 1},
                        {running, 'q', 0, "", "", kT / kS + 85, 1}};
  seen_.clear();
  for (int s = 90; s < 138; s += 6) TickAt(s);
  ASSERT_FALSE(seen_.empty()) << "the minute that is over closes again with its call";
  for (const Seen& m : seen_) EXPECT_EQ(m.minute, kT);
  TickAt(141);
  EXPECT_EQ(seen_.back().minute, running);
}

TEST_F(CloserTest, ASlowCounterIsCompletedWhenItsNextSampleComes) {
  const auto tokens = shelf_->Add("eng.tokens", Kind::counter, "engine", "E", {});
  for (int s = -30; s < 200; s += 60)
    shelf_->Put(tokens, s, 1000 + 10 * s);  // at :30 of each minute
  TickAt(80);
  ASSERT_FALSE(seen_.empty());
  EXPECT_NEAR(Fact(seen_.back(), "engine_minute", "E", "tokens"), 300, 1e-9)
      << "half the minute is known";
  seen_.clear();
  TickAt(140);
  ASSERT_EQ(seen_.size(), 2u);
  EXPECT_FALSE(seen_[0].again);
  EXPECT_TRUE(seen_[1].again);
  EXPECT_EQ(seen_[1].minute, kT);
  EXPECT_NEAR(Fact(seen_[1], "engine_minute", "E", "tokens"), 600, 1e-9);
}

TEST_F(CloserTest, AnIncrementOverAGapIsSpreadOverTheMinutesOfTheGap) {
  const auto tokens = shelf_->Add("eng.tokens", Kind::counter, "engine", "E", {});
  for (int s = 0; s <= 60; s += 5) shelf_->Put(tokens, s, 10 * s);
  for (int s = 600; s < 700; s += 5)
    shelf_->Put(tokens, s, 10 * s);  // nine minutes of silence, and it went on
  for (int s = 80; s <= 690; s += 10) TickAt(s);
  std::map<std::int64_t, double> minutes;
  for (const Seen& m : seen_) {
    const double v = Fact(m, "engine_minute", "E", "tokens");
    if (!std::isnan(v)) minutes[(m.minute - kT) / base::kMinute] = v;
  }
  ASSERT_EQ(minutes.size(), 11u);
  for (const auto& [minute, tokens_in] : minutes) EXPECT_NEAR(tokens_in, 600, 1e-6) << minute;
  for (const Seen& m : seen_) {
    if (m.again && m.minute == kT + 5 * base::kMinute) {
      EXPECT_TRUE(m.rows[0].estimated);
    }
  }
}

TEST_F(CloserTest, KeepsTheRunningMinuteInMemory) {
  const auto util = shelf_->Add("gpu.util", Kind::gauge, "gpu", "G0", {});
  const auto running = shelf_->Add("eng.running", Kind::gauge, "engine", "E", {});
  for (int s = 0; s < 60; s += 5) shelf_->Put(util, s, 0.5), shelf_->Put(running, s, 1);
  TickAt(30);
  const auto rows = closer_->provisional("engine_minute");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_TRUE(rows[0].provisional);
  EXPECT_NEAR(closer_->layout().value(rows[0], "running_s"), 30, 1) << "not beyond now";
  EXPECT_TRUE(closer_->provisional("engine_minute", "somewhere").empty());
  TickAt(80);
  TickAt(95);
  for (const MinuteRow& row : closer_->provisional("gpu_minute"))
    EXPECT_GE(row.minute_ns, kT + 60 * kS);
}

TEST_F(CloserTest, CatchesUpFromTheLastCloseAndKeepsATickShort) {
  const auto util = shelf_->Add("gpu.util", Kind::gauge, "gpu", "G0", {});
  for (int m = 0; m < 100; ++m) shelf_->Put(util, m * 60 + 30, 0.5);
  shelf_->closed[kT + 9 * base::kMinute] = static_cast<std::uint64_t>(kT + 600 * kS);
  TickAt(100 * 60 + 30);
  std::size_t first = 0;
  for (const Seen& m : seen_) first += m.again ? 0 : 1;
  EXPECT_EQ(first, 30u);
  EXPECT_EQ(seen_.front().minute, kT + 10 * base::kMinute);
  for (int i = 0; i < 5; ++i) TickAt(100 * 60 + 33 + 3 * i);
  std::set<std::int64_t> minutes;
  for (const Seen& m : seen_) minutes.insert(m.minute);
  EXPECT_EQ(minutes.size(), 90u);
}

TEST_F(CloserTest, AFailedWriteIsTriedAgain) {
  const auto util = shelf_->Add("gpu.util", Kind::gauge, "gpu", "G0", {});
  for (int s = 0; s < 100; s += 5) shelf_->Put(util, s, 0.5);
  shelf_->broken = true;
  TickAt(80);
  EXPECT_TRUE(seen_.empty());
  EXPECT_GE(closer_->stats().failed, 1u);
  EXPECT_NE(closer_->stats().last_error.find("no space"), std::string::npos);
  shelf_->broken = false;
  TickAt(83);
  ASSERT_EQ(seen_.size(), 1u);
  EXPECT_EQ(seen_[0].minute, kT);
}

TEST_F(CloserTest, AWorldIsClosedByItsOwnTime) {
  const auto util = shelf_->Add("gpu.util", Kind::gauge, "gpu", "G0", {}, "good:util", "demo");
  for (int s = 0; s < 150; s += 5) {  // recorded a day ago, played ten times as fast
    shelf_->samples.push_back({util, {kT - base::kDay + s * kS, 0, 0.5}, kT / kS + s / 10});
  }
  TickAt(2);  // its clock stands at second 25
  EXPECT_TRUE(seen_.empty());
  const auto first = [&] {  // without what is closed again: it came too shortly before its close
    return std::count_if(seen_.begin(), seen_.end(), [](const Seen& m) { return !m.again; });
  };
  TickAt(12);
  ASSERT_EQ(first(), 1);
  EXPECT_EQ(seen_[0].minute, kT - base::kDay);
  TickAt(60);
  TickAt(95);  // nothing new for half a minute: the world has ended, the rest closes
  EXPECT_EQ(first(), 3);
}

TEST_F(CloserTest, AWorldThatPoursInWaitsUntilAllOfItIsVisible) {
  const auto util = shelf_->Add("gpu.util", Kind::gauge, "gpu", "G0", {}, "good:util", "demo");
  for (int s = 0; s < 600; s += 5)
    shelf_->samples.push_back({util, {kT + s * kS, 0, 0.5}, kT / kS});
  visible_ = false;
  TickAt(700);
  EXPECT_TRUE(seen_.empty());
  visible_ = true;
  TickAt(703);
  EXPECT_EQ(seen_.size(), 9u);
}

TEST_F(CloserTest, CollectivesTellWhoCameLast) {
  const auto util = shelf_->Add("gpu.util", Kind::gauge, "gpu", "G0", {});
  shelf_->Put(util, 30, 0.5);
  for (int rank = 0; rank < 2; ++rank) {
    model::Collective c;
    c.communicator = "comm", c.seq = 1, c.operation = "AllReduce", c.rank = rank,
    c.node = "n" + std::to_string(rank);
    c.duration_s = rank == 1 ? 0.1 : 0.5, c.algbw = c.busbw = kAbsent;
    shelf_->collectives.push_back(c);
  }
  TickAt(80);
  ASSERT_EQ(seen_.size(), 1u);
  std::map<std::string, double> late;
  for (const MinuteRow& row : seen_[0].rows) {
    if (closer_->layout().key(row, "communicator") == "comm") {
      late[std::string(closer_->layout().key(row, "rank"))] =
          closer_->layout().value(row, "lateness_max_s");
    }
  }
  EXPECT_EQ(late["0"], 0);
  EXPECT_EQ(late["1"], 0.4);
  for (const MinuteRow& row : seen_[0].rows) {
    if (closer_->layout().key(row, "communicator") != "comm") continue;
    EXPECT_EQ(closer_->layout().label(row, "gpu"),
              "G" + std::string(closer_->layout().key(row, "rank")));
    EXPECT_EQ(closer_->layout().label(row, "straggler_rank"), "");
    EXPECT_EQ(closer_->layout().key(row, "node"),
              "n" + std::string(closer_->layout().key(row, "rank")));
  }
}

TEST_F(CloserTest, AMinuteThatHoldsNothingButAHangClosesToo) {
  const auto util = shelf_->Add("gpu.util", Kind::gauge, "gpu", "G0", {});
  shelf_->Put(util, 30, 0.5);
  hung_minutes_ = {kT + 2 * base::kMinute};
  TickAt(290);
  ASSERT_EQ(seen_.size(), 2u);
  EXPECT_EQ(Fact(seen_[1], "comm_minute", "hung", "hung_s"), 60);
}

TEST_F(CloserTest, WhatFollowsFromAGpusMinuteStandsInItsRowAlsoWhenItClosesAgain) {
  const auto util = shelf_->Add("gpu.util", Kind::gauge, "gpu", "G0", {{"hw.model", "M"}});
  const auto warm = shelf_->Add("gpu.warmth", Kind::gauge, "gpu", "G0", {});
  const auto poor = shelf_->Add("gpu.warmth", Kind::gauge, "gpu", "G0", {}, "poor:utilisation");
  const auto part =
      shelf_->Add("gpu.util", Kind::gauge, "gpu", "G0/1", {{"hw.model", "M"}, {"gpu.mig.id", "1"}});
  for (int s = -30; s < 290; s += 10)
    shelf_->Put(util, s, 0.5), shelf_->Put(warm, s, 60 + s), shelf_->Put(poor, s, 1),
        shelf_->Put(part, s, 0.1);
  shelf_->Put(warm, 5, 65, 100);  // comes 100 s later
  TickAt(20);
  seen_.clear(), judged_.clear();
  TickAt(80);
  ASSERT_EQ(seen_.size(), 1u);
  ASSERT_EQ(judged_.size(), 4u) << "the running minute too";
  EXPECT_EQ(judged_[0].gpu, "G0");
  EXPECT_EQ(judged_[0].model, "M");
  EXPECT_FALSE(judged_[0].instance);
  EXPECT_NEAR(judged_[0].utilization, 0.5, 1e-12) << "the sums stand before";
  ASSERT_EQ(judged_[0].celsius.size(), 6u) << "of the best source, within the minute";
  EXPECT_EQ(judged_[0].celsius[1].value, 70);
  EXPECT_EQ(judged_[1].gpu, "G0/1");
  EXPECT_TRUE(judged_[1].instance);
  EXPECT_TRUE(judged_[1].celsius.empty());
  ASSERT_EQ(closer_->provisional("gpu_minute").size(), 2u);
  EXPECT_EQ(closer_->layout().label(closer_->provisional("gpu_minute")[0], "state"), "judged");
  const MinuteRow first = seen_[0].rows[0];
  EXPECT_EQ(closer_->layout().label(first, "state"), "judged");
  EXPECT_EQ(closer_->layout().label(first, "peak_grade"), "");
  EXPECT_EQ(closer_->layout().value(first, "memory_bytes_per_s"), 6000);
  seen_.clear();
  for (int s = 90; s <= 200; s += 10) TickAt(s);
  std::erase_if(seen_, [](const Seen& m) { return !m.again || m.minute != kT; });
  ASSERT_FALSE(seen_.empty());
  EXPECT_EQ(Fact(seen_.back(), "gpu_minute", "G0", "memory_bytes_per_s"), 7000);
  EXPECT_EQ(closer_->layout().label(seen_.back().rows[0], "state"), "judged");
}

// ---- several series of one column

struct Part {
  model::Attributes attributes;
  std::string source;
  std::vector<Point> points;
};

double GatherOne(std::string_view signal, std::string_view fact, std::vector<Part> parts,
                 std::string_view type, Kind kind) {
  const Layout layout(kCatalogs);
  std::vector<Named> named;
  named.reserve(parts.size());
  std::vector<SeriesData> data;
  for (auto& [attributes, source, points] : parts) {
    model::Series s;
    s.signal = signal, s.kind = kind, s.entity_type = type, s.entity = "X",
    s.attributes = attributes, s.source = source;
    s.temporality = model::Temporality::cumulative;
    named.push_back(Resolve(layout, s));
    data.push_back({&named.back(), points, {}});
  }
  const auto rows = Gather(layout, {kT, kT + 60 * kS}, data, {}, {}, {}, nullptr);
  return rows.empty() ? kAbsent : layout.value(rows[0], fact);
}

std::vector<Point> Flat(double value, int first_s = 0, int step_s = 10, int last_s = 59) {
  std::vector<Point> out;
  for (int s = first_s; s <= last_s; s += step_s) out.push_back({kT + s * kS, 0, value});
  return out;
}

TEST(Gather, OneSourceSpeaksTheOthersAreSilent) {
  EXPECT_EQ(GatherOne("gpu.util", "utilization_ratio",
                      {{{}, "poor:utilisation", Flat(0.25)}, {{}, "good:util", Flat(0.75)}}, "gpu",
                      Kind::gauge),
            0.75);
  EXPECT_EQ(
      GatherOne("gpu.util", "utilization_ratio",
                {{{}, "poor:utilisation", Flat(0.25)}, {{}, "good:util", {}}}, "gpu", Kind::gauge),
      0.25);
}

TEST(Gather, AmountsAreSummedRatiosAveraged) {
  EXPECT_EQ(
      GatherOne("gpu.memory", "memory_bytes",
                {{{{"p", "1"}}, "s", Flat(3)}, {{{"p", "2"}}, "s", Flat(4)}}, "gpu", Kind::gauge),
      7);
  EXPECT_EQ(GatherOne("gpu.memory", "memory_bytes",
                      {{{{"p", "1"}}, "s", Flat(3)}, {{{"p", "2"}}, "s", Flat(4, 5)}}, "gpu",
                      Kind::gauge),
            7)
      << "read at other times meanwhile";
  EXPECT_EQ(GatherOne("gpu.memory", "memory_bytes",
                      {{{{"pod", "1"}}, "s", Flat(3, 0, 10, 29)},
                       {{{"pod", "2"}}, "s", Flat(5, 30, 10, 59)}},
                      "gpu", Kind::gauge),
            4)
      << "a label changed: one stream";
  EXPECT_NEAR(
      GatherOne("gpu.util", "utilization_ratio",
                {{{{"p", "1"}}, "good:util", Flat(0.2)}, {{{"p", "2"}}, "good:util", Flat(0.4)}},
                "gpu", Kind::gauge),
      0.3, 1e-12);
  EXPECT_EQ(
      GatherOne("gpu.util", "utilization_max_ratio",
                {{{{"p", "1"}}, "good:util", Flat(0.2)}, {{{"p", "2"}}, "good:util", Flat(0.4)}},
                "gpu", Kind::gauge),
      0.4);
}

TEST(Gather, SplitAddsUpOneAttributeAndAveragesTheRest) {
  EXPECT_NEAR(GatherOne("host.cpu", "cpu_ratio",
                        {{{{"cpu", "0"}, {"mode", "user"}}, "s", Flat(0.3)},
                         {{{"cpu", "0"}, {"mode", "system"}}, "s", Flat(0.1)},
                         {{{"cpu", "1"}, {"mode", "user"}}, "s", Flat(0.8)},
                         {{{"cpu", "1"}, {"mode", "idle"}}, "s", Flat(0.2)}},
                        "node", Kind::gauge),
              (0.4 + 0.8) / 2, 1e-12);
}

TEST(Gather, WhereChoosesAndIncreaseSums) {
  const std::vector<Point> five = {{kT - kS, 0, 0}, {kT, 0, 0}, {kT + 59 * kS, 0, 5}},
                           two = {{kT, 0, 0}, {kT + 59 * kS, 0, 2}};
  std::vector<Part> parts = {{{{"reason", "stop"}}, "s", five}, {{{"reason", "abort"}}, "s", two}};
  EXPECT_EQ(GatherOne("eng.done", "finished", parts, "engine", Kind::counter), 7);
  EXPECT_EQ(GatherOne("eng.done", "aborted", parts, "engine", Kind::counter), 2);
}

}  // namespace
}  // namespace strata::minutes
