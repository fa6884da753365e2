// SPDX-License-Identifier: Apache-2.0
// Times, JSON, compression and refusals, as tables of input and answer.
#include <gtest/gtest.h>

#include <cmath>

#include "base/clock.h"
#include "base/compress.h"
#include "base/drop.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"

namespace strata::base {
namespace {

constexpr std::int64_t kNow = 1'764'000'000 * kSecond;

TEST(Time, ParsesWhatPeopleWrite) {
  const auto f = [](const char* text, std::int64_t want) {
    auto t = ParseTime(text, kNow);
    ASSERT_TRUE(t.ok()) << text << ": " << t.status().message();
    EXPECT_EQ(*t, want) << text;
  };
  f("now", kNow);
  f("now-15m", kNow - 15 * kMinute);
  f("now-1h30m", kNow - 90 * kMinute);
  f("1764000000", kNow);
  f("1764000000.25", kNow + 250 * kMillisecond);
  f("2025-11-24T16:00:00Z", kNow);
  f("2025-11-24T16:00:00.5Z", kNow + 500 * kMillisecond);
  f("2025-11-24T17:00:00+01:00", kNow);
  f("2025-11-24 16:00", kNow);
  f("1970-01-01", 0);
  f("2000-02-29T00:00:00Z", 951'782'400 * kSecond);
}

TEST(Time, RefusesTheRest) {
  for (const char* text : {"", "yesterday", "now-", "now-15", "2025-13-01", "2025-11-24T25:00:00Z",
                           "12e9", "99999999999999"}) {
    EXPECT_FALSE(ParseTime(text, kNow).ok()) << text;
  }
  for (const char* text : {"", "15", "s", "-3s", "3 parsecs", "nan s", "1e99d"})
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
}

TEST(Time, FormatsWithTheDecimalsItNeeds) {
  EXPECT_EQ(FormatTime(kNow), "2025-11-24T16:00:00Z");
  EXPECT_EQ(FormatTime(kNow + 1'500'000), "2025-11-24T16:00:00.001500Z");
  EXPECT_EQ(FormatTime(-1), "1969-12-31T23:59:59.999999999Z");
  for (const std::int64_t t : {kNow, kNow + 1, kNow + 123'456'789})
    EXPECT_EQ(*ParseTime(FormatTime(t), 0), t);
}

TEST(Json, ReadsAndWritesTheSame) {
  for (const char* text : {"null", "true", "-7", "1.5", "\"a\\n\\\"b\"", "[]", "[1,[2,{}]]",
                           "{\"b\":1,\"a\":[null]}", "9007199254740993"}) {
    auto v = ParseJson(text);
    ASSERT_TRUE(v.ok()) << text;
    EXPECT_EQ(v->dump(), text);
  }
  EXPECT_EQ(Json(std::nan("")).dump(), "null");
  EXPECT_EQ(Json("\xff\xc3").dump(), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
  EXPECT_EQ(Json(0.1).dump(), "0.1");
}

TEST(Json, RefusesDamageAndDepth) {
  for (const char* text : {"", "{", "[1,]", "nul", "{\"a\":}", "\"\\u12\"", "1 2"})
    EXPECT_FALSE(ParseJson(text).ok()) << text;
  EXPECT_TRUE(ParseJson(std::string(64, '[') + std::string(64, ']')).ok());
  EXPECT_FALSE(ParseJson(std::string(65, '[') + std::string(65, ']')).ok());
  EXPECT_FALSE(ParseJson(std::string(1'000'000, '[')).ok());
}

TEST(Compress, RoundTripsAndKeepsItsCeiling) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "line " + std::to_string(i * 7919 % 1000) + "\n";
  EXPECT_EQ(*Decompress("gzip", GzipCompress(text)), text);
  EXPECT_EQ(*Decompress("gzip", GzipCompress(text) + GzipCompress("x")), text + "x");
  EXPECT_EQ(*Decompress("zstd", ZstdCompress(text)), text);
  EXPECT_EQ(*Decompress("snappy", SnappyCompress(text)), text);
  EXPECT_EQ(*Decompress("", text), text);
  const std::string bomb(300u << 20, 'a');
  for (const std::string& packed : {GzipCompress(bomb, 9), ZstdCompress(bomb)}) {
    const char* encoding = packed[0] == '\x1f' ? "gzip" : "zstd";
    EXPECT_EQ(Decompress(encoding, packed).status().code(), Code::exhausted);
  }
  EXPECT_EQ(Decompress("br", text).status().code(), Code::unsupported);
  EXPECT_EQ(Decompress("gzip", GzipCompress(text), 100).status().code(), Code::exhausted);
}

TEST(Compress, DamageIsAnErrorAtEveryLength) {
  const std::string text = "a short text, a short text, a short text";
  const std::string gzip = GzipCompress(text), zstd = ZstdCompress(text),
                    snappy = SnappyCompress(text);
  for (std::size_t n = 0; n < gzip.size(); ++n)
    EXPECT_FALSE(Decompress("gzip", gzip.substr(0, n)).ok()) << n;
  for (std::size_t n = 1; n < zstd.size(); ++n)
    EXPECT_FALSE(Decompress("zstd", zstd.substr(0, n)).ok()) << n;
  for (std::size_t n = 0; n < snappy.size(); ++n)
    EXPECT_FALSE(Decompress("snappy", snappy.substr(0, n)).ok()) << n;
}

TEST(Refusals, CountByReasonAndKeepTheFirstExample) {
  Refusals r;
  r.add(Reason::malformed, 2, "line 3");
  r.add(Reason::future, 1, "line 9");
  EXPECT_EQ(r.total(), 3u);
  EXPECT_EQ(r.count(Reason::malformed), 2u);
  EXPECT_EQ(r.example(), "malformed: line 3");
}

TEST(Hash, IsStable) {
  EXPECT_EQ(Hash64("strata"), Hash64("strata"));
  EXPECT_NE(Hash64("strata"), Hash64("Strata"));
  EXPECT_EQ(HashBytes128("").hex(),
            "99aa06d3014798d86001c324468d497f");  // XXH3-128 of nothing, from its specification
}

}  // namespace
}  // namespace strata::base
