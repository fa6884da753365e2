// SPDX-License-Identifier: Apache-2.0
// The store against a real engine. A sanitised build cannot load libchdb, so the child is the
// release program: STRATA_ENGINE_BINARY, else build/release/strata; without it these tests are
// skipped, or fail when STRATA_REQUIRE_ENGINE=1.
#include "store/store.h"

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <bit>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/file.h"
#include "store/pack.h"
#include "store/schema.h"
#include "store/tables.h"

namespace strata::store {
namespace {

namespace fs = std::filesystem;
// Recent, since the TTL counts by the machine's clock; a whole minute, so that rows are easy to
// name.
const std::int64_t kT0 =
    base::Clock::system().now_ns() / base::kMinute * base::kMinute - 10 * base::kMinute;
const std::uint32_t kMinute0 = static_cast<std::uint32_t>(kT0 / base::kSecond);

std::string EngineBinary() {
  if (const char* named = std::getenv("STRATA_ENGINE_BINARY"); named != nullptr && *named != 0)
    return named;
  const std::string built = std::string(STRATA_SOURCE_DIR) + "/build/release/strata";
  return fs::exists(built) ? built : std::string();
}

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.engine_binary = EngineBinary();
    options_.engine_library = std::getenv("STRATA_CHDB") != nullptr
                                  ? ""
                                  : std::string(STRATA_SOURCE_DIR) + "/build/chdb/libchdb.so";
    if (options_.engine_binary.empty() ||
        (!options_.engine_library.empty() && !fs::exists(options_.engine_library))) {
      const char* required = std::getenv("STRATA_REQUIRE_ENGINE");
      if (required != nullptr && std::string_view(required) == "1")
        FAIL() << "no engine program or libchdb.so";
      GTEST_SKIP() << "no engine program (build/release/strata) or libchdb.so; make build";
    }
    char name[] = "/tmp/strata-store-XXXXXX";
    options_.path = ::mkdtemp(name);
    options_.catalogs = catalogs_;
  }
  void TearDown() override {
    store_.reset();
    if (!options_.path.empty()) fs::remove_all(options_.path);
  }
  void Open() {
    store_.reset();
    auto opened = Store::Open(options_);
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    store_ = std::move(opened).value();
  }
  Rows Ask(std::string_view sql, const Params& params = {}) {
    auto rows = store_->Query(sql, params);
    EXPECT_TRUE(rows.ok()) << rows.status().message();
    return rows.ok() ? std::move(rows).value() : Rows();
  }
  std::int64_t Count(const std::string& from) {
    return Ask("SELECT count() FROM " + from).i64(0, 0);
  }
  void InsertBatch(const model::Batch& batch, const std::string& token) {
    std::vector<TableRows> encoded;
    EncodeBatch(batch, kT0, &encoded);
    for (const TableRows& rows : encoded) {
      const base::Status status = store_->Insert(table_name(rows.table), rows.bytes, token);
      EXPECT_TRUE(status.ok()) << status.message();
    }
  }

  static constexpr model::MinuteColumn kPower[] = {{"gpu_minute", "power_w"}};
  static constexpr model::Signal kSignals[] = {
      {"gpu.power", "W", model::Kind::gauge, "gpu", "", {}, "power", {}, kPower}};
  static constexpr model::Catalog kCatalog = {"l1_gpu", "GPU", "", kSignals, {}};
  const model::Catalog* const catalogs_[1] = {&kCatalog};
  Options options_;
  std::unique_ptr<Store> store_;
};

model::Batch Everything() {
  model::Batch b;
  model::Series s;
  s.layer = "l1_gpu", s.signal = "gpu.power", s.unit = "W", s.entity_type = "gpu",
  s.entity = "GPU-1";
  s.attributes = {{"host", "n'1\\"}, {"k", "v"}};
  s.source = "test";
  s.id = model::MakeSeriesId(s);
  b.series.push_back(s);
  for (int i = 0; i < 10; ++i) b.samples.push(s.id, kT0 + i * base::kSecond, 0, 100.0 + i);
  b.samples.push(s.id, kT0 + 10 * base::kSecond, 0, model::StaleNan());
  model::Histogram h;
  h.series = s.id, h.ts = kT0, h.count = 3, h.sum = 1.5, h.min = std::nan(""), h.max = std::nan("");
  h.bounds = {0.1, 1}, h.counts = {1, 1, 1};
  b.histograms.push_back(h);
  model::Event e;
  e.ts = kT0, e.layer = "l1_gpu", e.event = "gpu.fault.event", e.severity = "error",
  e.message = "Xid 79", e.attributes = {{"code", "79"}};
  b.events.push_back(e);
  model::Span span;
  span.trace_id = "0af7651916cd43dd8448eb211c80319c", span.span_id = "b7ad6b7169203331",
  span.name = "chat", span.kind = "Client";
  span.start_ns = kT0, span.end_ns = kT0 + 1500, span.status = "Ok", span.service = "app";
  span.events.push_back({kT0 + 1, "first", {{"a", "b"}}});
  span.links.push_back({"t", "s", {}});
  b.spans.push_back(span);
  model::LogRecord log;
  log.ts = kT0, log.body = "hello", log.event_name = "x", log.severity_number = 9;
  b.logs.push_back(log);
  model::Collective c;
  c.communicator = "0xabc", c.seq = 7, c.operation = "AllReduce", c.rank = 3, c.nranks = 8,
  c.start_ns = kT0, c.duration_s = 0.5;
  c.algbw = std::nan(""), c.busbw = 1e9;
  b.collectives.push_back(c);
  model::Holding hold;
  hold.gpu = "GPU-1", hold.ns = "chat", hold.share_kind = "whole", hold.share = 1,
  hold.valid_from = kT0, hold.source = "kubelet";
  b.holdings.push_back(hold);
  model::Entity entity;
  entity.type = "gpu", entity.id = "GPU-1", entity.name = "H100", entity.seen_ns = kT0,
  entity.attributes = {{"x", "1"}};
  b.entities.push_back(entity);
  entity.attributes = {{"x", "2"}}, entity.seen_ns = kT0 + base::kMinute;
  b.entities.push_back(entity);
  b.sources.push_back({"scrape a", "l1_gpu", "live", "", kT0, ""});
  return b;
}

TEST_F(StoreTest, KeepsEverythingOfABatch) {
  Open();
  InsertBatch(Everything(), "segment-1");
  const Rows m =
      Ask("SELECT ts, value, signal, entity, attributes, origin FROM measurements ORDER BY ts");
  ASSERT_EQ(m.size(), 10u);  // the stale marker is no measurement
  EXPECT_EQ(m.i64(9, "ts"), kT0 + 9 * base::kSecond);
  EXPECT_EQ(m.f64(9, "value"), 109.0);
  EXPECT_EQ(m.text(0, "signal"), "gpu.power");
  EXPECT_EQ(m.attributes(0, "attributes").get("host"), "n'1\\");
  EXPECT_EQ(m.text(0, "origin"), "live");
  EXPECT_EQ(Count("samples"), 11);
  const Rows h = Ask("SELECT sum, min, bounds, counts FROM histograms");
  ASSERT_EQ(h.size(), 1u);
  EXPECT_TRUE(h.is_null(0, "min"));
  EXPECT_EQ(h.f64s(0, 2), (std::vector<double>{0.1, 1}));
  EXPECT_EQ(h.u64s(0, 3), (std::vector<std::uint64_t>{1, 1, 1}));
  EXPECT_EQ(Ask("SELECT message FROM events").text(0, 0), "Xid 79");
  const Rows t =
      Ask("SELECT Duration, Events.Name, Events.Attributes, Links.SpanId FROM otel_traces");
  EXPECT_EQ(t.u64(0, 0), 1500u);
  EXPECT_EQ(t.text(0, 1), R"(["first"])");
  EXPECT_EQ(t.text(0, 2), R"([{"a":"b"}])");
  EXPECT_EQ(Ask("SELECT Start FROM otel_traces_trace_id_ts WHERE TraceId = "
                "'0af7651916cd43dd8448eb211c80319c'")
                .i64(0, 0),
            kT0);
  EXPECT_EQ(Ask("SELECT EventName FROM otel_logs").text(0, 0), "x");
  const Rows c = Ask("SELECT ts, algbw, busbw, state FROM collectives");
  EXPECT_EQ(c.i64(0, 0), kT0 + base::kSecond / 2);
  EXPECT_TRUE(c.is_null(0, 1));
  EXPECT_EQ(c.text(0, 3), "done");
  const Rows hold = Ask("SELECT namespace, valid_to, memory_bytes FROM holdings");
  ASSERT_EQ(hold.size(), 1u);
  EXPECT_TRUE(hold.is_null(0, 1));
  const Rows e = Ask("SELECT attributes, valid_from, valid_to FROM entities ORDER BY valid_from");
  ASSERT_EQ(e.size(), 2u);
  EXPECT_FALSE(e.is_null(0, 2));
  EXPECT_TRUE(e.is_null(1, 2));
  EXPECT_EQ(Ask("SELECT state FROM sources").text(0, 0), "live");
}

TEST_F(StoreTest, TheSameTokenAddsNothing) {
  Open();
  InsertBatch(Everything(), "segment-1");
  InsertBatch(Everything(), "segment-1");
  EXPECT_EQ(Count("samples"), 11);
  EXPECT_EQ(Count("otel_logs"), 1);
  // The answer was lost: the insert counts once after the retry.
  store_->set_fault_point([](std::string_view point) { return point == "after_send"; });
  std::vector<TableRows> encoded;
  EncodeBatch(Everything(), kT0, &encoded);
  EXPECT_FALSE(store_->Insert("otel_logs", encoded[5].bytes, "segment-2").ok());
  store_->set_fault_point(nullptr);
  ASSERT_EQ(encoded[5].table, Table::otel_logs);
  EXPECT_TRUE(store_->Insert("otel_logs", encoded[5].bytes, "segment-2").ok());
  EXPECT_EQ(Count("otel_logs"), 2);
  EXPECT_EQ(store_->Insert("nope", "x", "").code(), base::Code::not_found);
  EXPECT_FALSE(store_->Insert("otel_logs", "cut", "segment-3").ok());
}

TEST_F(StoreTest, ViewsShowTheNewestClosedVersion) {
  Open();
  const auto minute = [&](std::uint64_t version, double power) {
    std::string row;
    RowWriter w(&row);
    w.u32(kMinute0);
    w.text("GPU-1");
    w.text("n1");
    for (int fact = 0; fact < 4; ++fact) w.nullable_f64(std::nan(""));
    for (int label = 0; label < 3; ++label) w.nullable_text({});
    w.u64(version);
    w.u8(0);
    w.text("live");
    w.u32(kMinute0 + 60);
    w.nullable_f64(power);
    ASSERT_TRUE(store_->Insert("gpu_minute_v", row, "m" + std::to_string(version)).ok());
  };
  const auto close = [&](std::uint64_t version) {
    std::string row;
    RowWriter w(&row);
    w.text("gpu_minute");
    w.u32(kMinute0);
    w.text("GPU-1");
    w.u64(version);
    w.text("live");
    w.u32(kMinute0 + 60);
    ASSERT_TRUE(store_->Insert("closes", row, "c" + std::to_string(version)).ok());
  };
  minute(1, 100);
  EXPECT_EQ(Count("gpu_minute"), 0);  // not closed yet
  close(1);
  minute(2, std::nan(""));
  EXPECT_EQ(Ask("SELECT power_w FROM gpu_minute").f64(0, 0), 100);
  close(2);
  const Rows rows = Ask("SELECT power_w, version FROM gpu_minute");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_TRUE(rows.is_null(0, 0));
  minute(3, 300);  // never closed
  EXPECT_EQ(Ask("SELECT version FROM gpu_minute").u64(0, 0), 2u);
}

TEST_F(StoreTest, AMinuteClosesAsAWholeAndThenEntityByEntity) {
  Open();
  const auto row = [&](const char* gpu, int version) {
    ASSERT_TRUE(
        store_
            ->Execute(
                "INSERT INTO gpu_minute_v (minute, gpu, node, version, origin, received) VALUES "
                "({m:UInt32}, {g:String}, 'n1', {v:UInt64}, 'live', {m:UInt32})",
                {{"m", std::to_string(kMinute0)}, {"g", gpu}, {"v", std::to_string(version)}})
            .ok());
  };
  const auto close = [&](const char* entity, int version) {
    ASSERT_TRUE(
        store_
            ->Execute(
                "INSERT INTO closes VALUES ('gpu_minute', {m:UInt32}, {e:String}, "
                "{v:UInt64}, 'live', {m:UInt32})",
                {{"m", std::to_string(kMinute0)}, {"e", entity}, {"v", std::to_string(version)}})
            .ok());
  };
  const auto seen = [&] {
    return std::string(Ask("SELECT arrayStringConcat(arraySort(groupArray(concat(gpu, ' ', "
                           "toString(version)))), ', ') FROM gpu_minute")
                           .text(0, 0));
  };
  row("GPU-1", 1), row("GPU-2", 1), row("GPU-3", 1);
  EXPECT_EQ(seen(), "");
  close("", 1);
  EXPECT_EQ(seen(), "GPU-1 1, GPU-2 1, GPU-3 1");
  row("GPU-2", 2), close("GPU-2", 2);  // late data of one
  close("GPU-3", 3);                   // and one that has nothing any more
  EXPECT_EQ(seen(), "GPU-1 1, GPU-2 2");
  row("GPU-2", 4), close("GPU-2", 4);
  EXPECT_EQ(seen(), "GPU-1 1, GPU-2 4");
}

TEST_F(StoreTest, ALedgerOfSchemaOneIsBroughtUp) {
  Open();
  for (const int version : {7, 9}) {
    for (const char* device : {"GPU-1", "GPU-2"}) {
      ASSERT_TRUE(
          store_
              ->Execute(
                  "INSERT INTO ledger_v (minute, device, version, origin, received) VALUES "
                  "({m:UInt32}, {d:String}, {v:UInt64}, 'live', {m:UInt32})",
                  {{"m", std::to_string(kMinute0)}, {"d", device}, {"v", std::to_string(version)}})
              .ok());
      ASSERT_TRUE(
          store_
              ->Execute(
                  "INSERT INTO closes VALUES ('ledger', {m:UInt32}, {d:String}, "
                  "{v:UInt64}, 'live', {m:UInt32})",
                  {{"m", std::to_string(kMinute0)}, {"d", device}, {"v", std::to_string(version)}})
              .ok());
    }
  }
  ASSERT_TRUE(store_->Execute("INSERT INTO strata.schema_version VALUES (1, 'older', 1000)").ok());
  store_.reset();
  Open();
  EXPECT_EQ(Ask("SELECT device, version FROM ledger").size(), 2u);
  EXPECT_EQ(Ask("SELECT min(version) FROM ledger").u64(0, 0), 9u);
}

TEST_F(StoreTest, ACloseWithoutRowsRemovesTheEarlier) {
  Open();
  std::string row;
  RowWriter w(&row);
  w.u32(kMinute0);
  w.text("n1");
  w.u64(1);
  w.u8(0);
  w.text("live");
  w.u32(kMinute0);
  ASSERT_TRUE(store_->Insert("host_minute_v", row, "a").ok());
  const auto close = [&](int version) {
    return store_->Execute(
        "INSERT INTO closes VALUES ('host_minute', {m:UInt32}, 'n1', {v:UInt64}, 'live', "
        "{m:UInt32})",
        {{"m", std::to_string(kMinute0)}, {"v", std::to_string(version)}});
  };
  ASSERT_TRUE(close(1).ok());
  EXPECT_EQ(Count("host_minute"), 1);
  ASSERT_TRUE(close(2).ok());
  EXPECT_EQ(Count("host_minute"), 0);
}

TEST_F(StoreTest, FullDiskIsToldAndPasses) {
  const std::string disk = options_.path + "/disk";
  fs::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=48m") != 0)
    GTEST_SKIP() << "needs the right to mount a tmpfs";
  const std::string outer = options_.path;
  options_.path = disk + "/data";
  Open();
  std::string rows;
  for (int i = 0; i < 100'000; ++i) {
    RowWriter w(&rows);
    w.u64(static_cast<std::uint64_t>(i) * 7919);
    w.i64(kT0 + i * 1000);
    w.i64(0);
    w.f64(i * 1.7);
    w.u32(kMinute0);
  }
  EXPECT_TRUE(store_->Insert("samples_packed", rows, "a").ok());
  {
    std::ofstream filler(disk + "/filler", std::ios::binary);
    const std::string block(1 << 16, 'x');
    while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  EXPECT_EQ(store_->Insert("samples_packed", rows, "b").code(), base::Code::exhausted);
  EXPECT_EQ(Count("samples"), 100'000);
  fs::remove(disk + "/filler");
  EXPECT_TRUE(store_->Insert("samples_packed", rows, "b").ok());
  EXPECT_EQ(Count("samples"), 200'000);
  store_.reset();
  ::umount2(disk.c_str(), MNT_DETACH);
  options_.path = outer;
}

TEST_F(StoreTest, LedgerMoneyIsExact) {
  Open();
  std::string row;
  RowWriter w(&row);
  w.u32(kMinute0);
  for (int i = 0; i < 26; ++i) w.text(i == 0 ? "GPU-1" : "x");
  w.i64(60'000'000'000);
  w.i128(static_cast<__int128>(123456789012345678LL) * 1000);
  w.text("USD");
  w.nullable_f64(1);
  w.nullable_f64(std::nan(""));
  w.f64(1);
  for (int i = 0; i < 4; ++i) w.text("y");
  w.u64(9);
  w.text("live");
  w.u32(kMinute0 + 60);
  ASSERT_TRUE(store_->Insert("ledger_v", row, "l").ok());
  ASSERT_TRUE(
      store_
          ->Execute("INSERT INTO closes VALUES ('ledger', {m:UInt32}, '', 9, 'live', {m:UInt32})",
                    {{"m", std::to_string(kMinute0)}})
          .ok());
  const Rows rows = Ask("SELECT cost, device_s, tokens FROM ledger");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_TRUE(rows.i128(0, 0) == static_cast<__int128>(123456789012345678LL) * 1000);
  EXPECT_EQ(rows.text(0, 0), "123456789.012345678");
  EXPECT_EQ(rows.f64(0, 1), 60);
  EXPECT_TRUE(rows.is_null(0, 2));
}

TEST_F(StoreTest, ParamsAndTypes) {
  Open();
  const Rows p = Ask("SELECT {s:String}, {n:Int64}, fromUnixTimestamp64Nano({t:Int64}, 'UTC')",
                     {{"s", "a'b\\c\n\t"}, {"n", "-5"}, {"t", std::to_string(kT0 + 1)}});
  EXPECT_EQ(p.text(0, 0), "a'b\\c\n\t");
  EXPECT_EQ(p.i64(0, 1), -5);
  EXPECT_EQ(p.i64(0, 2), kT0 + 1);
  const auto f = [&](const std::string& sql, const std::string& want) {
    EXPECT_EQ(Ask("SELECT " + sql).text(0, 0), want) << sql;
  };
  f("toUInt64(18446744073709551615)", "18446744073709551615");
  f("toInt8(-3)", "-3");
  f("toFloat32(1.5)", "1.5");
  f("true", "true");
  f("toFixedString('ab', 2)", "ab");
  f("toLowCardinality('x')", "x");
  f("NULL", "");
  f("toNullable(7)", "7");
  f("toDate('2026-11-24')", "2026-11-24T00:00:00Z");
  f("toDateTime('2026-11-24 01:02:03', 'UTC')", "2026-11-24T01:02:03Z");
  f("toDateTime64('2026-11-24 01:02:03.5', 3, 'UTC')", "2026-11-24T01:02:03.500Z");
  f("CAST('b', 'Enum8(\\'a\\' = 1, \\'b\\' = -2)')", "b");
  f("toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')", "61f0c404-5cb3-11e7-907b-a6006ad3dba0");
  f("toDecimal64(-1.25, 4)", "-1.25");
  f("[1, 2]", "[1,2]");
  f("map('a', [1.5])", R"({"a":[1.5]})");
  f("tuple(1, 'x')", R"([1,"x"])");
  f("toInt128('-170141183460469231731687303715884105728')",
    "-170141183460469231731687303715884105728");
  EXPECT_EQ(store_->Query("SELECT nope").status().code(), base::Code::not_found);
  EXPECT_EQ(store_->Query("SELECT (").status().code(), base::Code::invalid);
}

TEST_F(StoreTest, SurvivesKillAndIsRestarted) {
  Open();
  InsertBatch(Everything(), "segment-1");
  const int pid = store_->engine().pid;
  ASSERT_GT(pid, 0);
  ::kill(pid, SIGKILL);
  for (int i = 0; i < 200 && store_->engine().ready; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(Count("samples"), 11);  // a query restarts it
  EXPECT_EQ(store_->engine().restarts, 1u);
  ::kill(store_->engine().pid, SIGKILL);
  for (int i = 0; i < 200 && store_->engine().ready; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  store_->Supervise();
  EXPECT_TRUE(store_->engine().ready);
  EXPECT_EQ(store_->engine().restarts, 2u);
  InsertBatch(Everything(), "segment-1");  // the token outlives the engine
  EXPECT_EQ(Count("samples"), 11);
}

TEST_F(StoreTest, DirectoryHasOneOwnerAndSchemaAVersion) {
  Open();
  const auto second = Store::Open(options_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), base::Code::exists);
  InsertBatch(Everything(), "segment-1");
  options_.samples_days = 3;  // a changed retention is followed
  Open();
  EXPECT_EQ(Count("samples"), 11);
  const Rows create =
      Ask("SELECT create_table_query FROM system.tables WHERE database = 'strata' AND name = "
          "'samples_packed'");
  EXPECT_NE(create.text(0, 0).find("toIntervalDay(3)"), std::string::npos) << create.text(0, 0);
  options_.catalogs = {};  // fewer columns now, and back: nothing breaks
  Open();
  ASSERT_TRUE(store_
                  ->Execute("INSERT INTO schema_version VALUES ({v:UInt32}, '', 1000)",
                            {{"v", std::to_string(kSchemaVersion + 1)}})
                  .ok());
  store_.reset();
  const auto newer = Store::Open(options_);
  ASSERT_FALSE(newer.ok());
  EXPECT_NE(newer.status().message().find("newer strata"), std::string::npos)
      << newer.status().message();
}

TEST_F(StoreTest, SamplesComeBackToTheLastBit) {
  Open();
  const double odd[] = {0,
                        -0.0,
                        0.1,
                        0.1 + 0.2,
                        -21.4,
                        1e300,
                        5e-324,
                        1.0 / 3,
                        9007199254740992.0,
                        9007199254740993e3,
                        123456.789012345,
                        INFINITY};
  std::string rows;
  std::map<std::pair<std::uint64_t, std::int64_t>, std::uint64_t> want;
  const auto add = [&](std::uint64_t series, std::int64_t ts, double value) {
    RowWriter w(&rows);
    w.u64(series);
    w.i64(ts);
    w.i64(0);
    w.f64(value);
    w.u32(kMinute0);
    want[{series, ts}] = std::bit_cast<std::uint64_t>(value);
  };
  for (int i = 20; i-- > 0;) {  // backwards: it is sorted on its way
    const std::int64_t ts = kT0 + i * base::kSecond;
    add(9, ts, i == 7 ? model::StaleNan() : i * 0.1);
    add(3, ts, odd[i % std::size(odd)]);
    add(1ull << 63, ts, i * 1000.0);
    add(2, ts, i == 3 ? -0.0 : i / 4000.0);
    add(4, ts, i / 100.0);
    add(1, ts, 0);
    add(5, ts, static_cast<double>(i) / 7);
  }
  ASSERT_TRUE(store_->Insert("samples_packed", rows, "odd").ok());
  const Rows got = Ask("SELECT series, ts, reinterpretAsUInt64(value) AS bits FROM samples");
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_EQ(got.u64(i, "bits"), (want[{got.u64(i, "series"), got.i64(i, "ts")}])) << i;
  const Rows scales =
      Ask("SELECT series, max(scale) AS s FROM samples_packed GROUP BY series ORDER BY series");
  const std::int64_t want_scales[] = {0, 5, kRawScale, 2, kRawScale, kRawScale, -3};
  ASSERT_EQ(scales.size(), std::size(want_scales));
  for (std::size_t i = 0; i < scales.size(); ++i)  // sevenths and 3 * 0.1 have no decimals
    EXPECT_EQ(scales.i64(i, "s"), want_scales[i]) << scales.u64(i, "series");
  EXPECT_FALSE(store_->Insert("samples_packed", rows.substr(1), "cut").ok());
}

TEST_F(StoreTest, SamplesOfSchemaTwoArePacked) {
  Open();
  InsertBatch(Everything(), "segment-1");
  const Rows before =
      Ask("SELECT series, ts, reinterpretAsUInt64(value) AS bits FROM samples ORDER BY ts");
  for (const char* sql :
       {"CREATE TABLE old (series UInt64, ts DateTime64(9, 'UTC'), start_ts DateTime64(9, 'UTC'), "
        "value Float64, received DateTime('UTC')) ENGINE = MergeTree ORDER BY series",
        "INSERT INTO old SELECT * FROM samples", "DROP VIEW samples", "DROP TABLE samples_packed",
        "RENAME TABLE old TO samples", "INSERT INTO schema_version VALUES (2, '', 900)"}) {
    const auto done = store_->Execute(sql);
    ASSERT_TRUE(done.ok()) << sql << done.message();
  }
  Open();
  const Rows after =
      Ask("SELECT series, ts, reinterpretAsUInt64(value) AS bits FROM samples ORDER BY ts");
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after.u64(i, "bits"), before.u64(i, "bits"));
    EXPECT_EQ(after.u64(i, "series"), before.u64(i, "series"));
  }
}

TEST_F(StoreTest, MemoryIsCappedAndGivenBack) {
  options_.memory_bytes = 400u << 20;
  Open();
  const auto heavy = store_->Query("SELECT groupArray(number) FROM numbers(200000000)");
  EXPECT_EQ(heavy.status().code(), base::Code::exhausted) << heavy.status().message();
  const std::string status =
      *base::ReadFile("/proc/" + std::to_string(store_->engine().pid) + "/status");
  const std::uint64_t peak_kib =
      std::strtoull(status.c_str() + status.find("VmHWM:") + 6, nullptr, 10);
  EXPECT_LT(peak_kib << 10, options_.memory_bytes + (300u << 20));
  ASSERT_TRUE(
      store_->Query("SELECT uniqExact(number) FROM numbers(2000000)").ok());  // it answers on
  store_->Supervise();
  EXPECT_LT(store_->engine().rss_bytes, 330u << 20);
}

// One statement a paragraph; "# refused" and "# allowed" begin the parts. A refused one may be
// stopped by the gate or by the caps of its connection; an allowed one must answer.
TEST_F(StoreTest, GateHoldsAgainstTheCorpus) {
  Open();
  InsertBatch(Everything(), "segment-1");
  std::ifstream file(std::string(STRATA_SOURCE_DIR) + "/tests/golden/sql_escapes.txt");
  ASSERT_TRUE(file.good());
  std::string line, sql;
  bool allowed = false;
  int refused_n = 0, allowed_n = 0;
  const auto run = [&] {
    if (sql.empty()) return;
    auto answer = store_->Free(sql, "JSONCompact");
    const bool ran = answer.ok() && answer->status == 200;
    EXPECT_EQ(ran, allowed) << sql << "\n-> "
                            << (answer.ok() ? answer->body : answer.status().message());
    ++(allowed ? allowed_n : refused_n);
    sql.clear();
  };
  while (std::getline(file, line)) {
    if (line.starts_with("# ")) {
      run();
      if (line.starts_with("# refused")) allowed = false;
      if (line.starts_with("# allowed")) allowed = true;
    } else if (line.empty()) {
      run();
    } else {
      sql += (sql.empty() ? "" : "\n") + line;
    }
  }
  run();
  EXPECT_GT(refused_n, 90);
  EXPECT_GT(allowed_n, 40);
  EXPECT_FALSE(fs::exists("/tmp/strata_escape"));
  EXPECT_EQ(Count("samples"), 11);
}

TEST_F(StoreTest, FreeSqlForOfficialClients) {
  Open();
  const auto f = [&](const std::string& sql, const Params& settings = {},
                     const Params& params = {}) {
    auto answer = store_->Free(sql, "Native", settings, params);
    EXPECT_TRUE(answer.ok() && answer->status == 200)
        << sql << ": " << (answer.ok() ? answer->body : answer.status().message());
  };
  f("SELECT version(), timezone()");
  f("SELECT name, value, readonly as readonly FROM system.settings LIMIT 10000\n FORMAT Native");
  f("SELECT name, value, readonly FROM system.settings WHERE name IN ('max_threads', "
    "'session_timezone')");
  f("DESCRIBE TABLE `measurements`");
  f("SELECT count() FROM measurements WHERE signal = {s:String} FORMAT Native",
    {{"session_timezone", "UTC"}, {"send_receive_timeout", "1"}}, {{"s", "gpu.power"}});
  const auto names =
      store_->Free("SELECT database, name FROM system.tables ORDER BY name", "TabSeparated");
  ASSERT_TRUE(names.ok());
  EXPECT_NE(names->body.find("default\tmeasurements\n"), std::string::npos);
  EXPECT_EQ(names->body.find("strata\t"), std::string::npos) << names->body;
  EXPECT_EQ(names->body.find("system\t"), std::string::npos);
  const auto big = store_->Free("SELECT repeat('x', 1000000) FROM numbers(1000)", "TabSeparated");
  EXPECT_FALSE(big.ok() && big->status == 200);
  EXPECT_EQ(store_->Free("SELECT 1", "Template").status().code(), base::Code::denied);
  EXPECT_EQ(store_->Free("SELECT 1", "CSV", {}, {}, "system").status().code(),
            base::Code::not_found);
  EXPECT_TRUE(store_->Free("SELECT 1", "CSV", {}, {}, "default").ok());
}

}  // namespace
}  // namespace strata::store
