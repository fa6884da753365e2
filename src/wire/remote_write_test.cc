// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <protozero/pbf_writer.hpp>

#include "wire/decode.h"

namespace strata::wire {
namespace {

using protozero::pbf_writer;

constexpr std::int64_t kNow = 1'780'000'000'000'000'000;
constexpr std::int64_t kNowMs = kNow / 1'000'000;

struct Decoded {
  explicit Decoded(bool second, std::string_view bytes) {
    context.namer = &namer;
    context.now_ns = kNow;
    status = second ? DecodeRemoteWrite2(bytes, context, &batch)
                    : DecodeRemoteWrite1(bytes, context, &batch);
  }
  const model::Series& series(const std::string& signal) const {
    static const model::Series kNone;
    for (const model::Series& s : batch.series) {
      if (s.signal == signal) return s;
    }
    ADD_FAILURE() << "no series " << signal;
    return kNone;
  }
  model::Namer namer{{}};
  Context context;
  model::Batch batch;
  base::Status status;
};

using Labels = std::vector<std::pair<std::string, std::string>>;

void Sample(pbf_writer* series, double value, std::int64_t ms, std::int64_t start_ms = 0) {
  pbf_writer sample(*series, 2);
  sample.add_double(1, value);
  sample.add_int64(2, ms);
  if (start_ms != 0) sample.add_int64(3, start_ms);
}

void Series1(pbf_writer* request, const Labels& labels, double value, std::int64_t ms = kNowMs) {
  pbf_writer series(*request, 1);
  for (const auto& [name, text] : labels) {
    pbf_writer label(series, 1);
    label.add_string(1, name);
    label.add_string(2, text);
  }
  Sample(&series, value, ms);
}

TEST(RemoteWrite1, KindsComeFromNamesAndClassicHistogramsStayCounters) {
  std::string bytes;
  pbf_writer request(bytes);
  Series1(&request, {{"__name__", "a_total"}, {"instance", "n:1"}, {"job", "j"}}, 5);
  Series1(&request, {{"__name__", "h_bucket"}, {"le", "0.5"}}, 2);
  Series1(&request, {{"__name__", "h_sum"}}, 1.5);
  Series1(&request, {{"__name__", "h_count"}}, 2);
  Series1(&request, {{"__name__", "g"}}, std::bit_cast<double>(model::kStaleNanBits));
  Series1(&request, {{"__name__", "g"}}, std::nan(""));
  const Decoded d(false, bytes);
  EXPECT_TRUE(d.status.ok());
  ASSERT_EQ(d.batch.samples.size(), 5u);
  EXPECT_EQ(d.series("a_total").kind, model::Kind::counter);
  EXPECT_EQ(d.series("a_total").attributes,
            (model::Attributes{{"job", "j"}, {"service.instance.id", "n:1"}}));
  EXPECT_EQ(d.series("h_bucket").kind, model::Kind::counter);
  EXPECT_EQ(d.series("h_bucket").attributes.get("le"), "0.5");
  EXPECT_EQ(d.series("h_count").kind, model::Kind::counter);
  EXPECT_EQ(d.series("g").kind, model::Kind::gauge);
  EXPECT_TRUE(model::IsStale(d.batch.samples.value[4]));
  EXPECT_EQ(d.batch.samples.ts[0], kNow);
  EXPECT_EQ(d.batch.refused.count(base::Reason::not_a_number), 1u);
}

TEST(RemoteWrite1, MetadataOfTheSameRequestDecidesTheKind) {
  std::string bytes;
  pbf_writer request(bytes);
  Series1(&request, {{"__name__", "requests"}}, 5);
  Series1(&request, {{"__name__", "thing_count"}}, 5);
  const auto metadata = [&](std::uint32_t type, const std::string& family) {
    pbf_writer m(request, 3);
    m.add_uint32(1, type);
    m.add_string(2, family);
  };
  metadata(1, "requests");
  metadata(2, "thing_count");
  const Decoded d(false, bytes);
  EXPECT_EQ(d.series("requests").kind, model::Kind::counter);
  EXPECT_EQ(d.series("thing_count").kind, model::Kind::gauge);
}

TEST(RemoteWrite1, WhatIsRefusedIsCountedAndTheRestKept) {
  std::string bytes;
  pbf_writer request(bytes);
  Labels many{{"__name__", "many"}};
  for (int i = 0; i < 10'000; ++i) many.emplace_back("l" + std::to_string(i), "v");
  Series1(&request, many, 1);
  Series1(&request, {{"__name__", "long"}, {"x", std::string(5000, 'x')}}, 1);
  Series1(&request, {{"a", "no name"}}, 1);
  Series1(&request, {{"__name__", "twice"}, {"a", "1"}, {"a", "2"}}, 1);
  Series1(&request, {{"__name__", "future"}}, 1, kNowMs + 700'000);
  Series1(&request, {{"__name__", "past"}}, 1, -1);
  {
    pbf_writer series(request, 1);
    series.add_message(4, std::string("\x08\x01"));
  }
  request.add_message(1, std::string("\x0a\x7f", 2));
  Series1(&request, {{"__name__", "good"}}, 7);
  const Decoded d(false, bytes);
  EXPECT_TRUE(d.status.ok());
  ASSERT_EQ(d.batch.samples.size(), 1u);
  EXPECT_EQ(d.batch.samples.value[0], 7);
  const auto count = [&](base::Reason reason) { return d.batch.refused.count(reason); };
  EXPECT_EQ(count(base::Reason::label_limit), 1u);
  EXPECT_EQ(count(base::Reason::oversize), 1u);
  EXPECT_EQ(count(base::Reason::unnamed), 1u);
  EXPECT_EQ(count(base::Reason::future), 1u);
  EXPECT_EQ(count(base::Reason::unsupported), 1u);
  EXPECT_EQ(count(base::Reason::malformed), 3u);
}

TEST(RemoteWrite1, GarbageIsAnError) {
  EXPECT_FALSE(Decoded(false, "\x0a\x7fgarbage").status.ok());
  EXPECT_TRUE(Decoded(false, "").status.ok());
}

struct Request2 {
  std::string bytes;
  pbf_writer request{bytes};
  std::vector<std::string> symbols{""};
  std::uint32_t symbol(const std::string& text) {
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      if (symbols[i] == text) return static_cast<std::uint32_t>(i);
    }
    symbols.push_back(text);
    return static_cast<std::uint32_t>(symbols.size() - 1);
  }
  void Add(const Labels& labels, std::uint32_t type, const std::string& unit,
           std::int64_t created_ms, std::int64_t start_ms, double value) {
    std::vector<std::uint32_t> refs;
    for (const auto& [name, text] : labels)
      refs.push_back(symbol(name)), refs.push_back(symbol(text));
    pbf_writer series(request, 5);
    series.add_packed_uint32(1, refs.begin(), refs.end());
    Sample(&series, value, kNowMs, start_ms);
    pbf_writer metadata(series, 5);
    metadata.add_uint32(1, type);
    metadata.add_uint32(4, symbol(unit));
    metadata.commit();
    if (created_ms != 0) series.add_int64(6, created_ms);
  }
  const std::string& Finish() {
    for (const std::string& s : symbols) request.add_string(4, s);
    return bytes;
  }
};

TEST(RemoteWrite2, SymbolsMetadataAndStartTimes) {
  Request2 r;
  r.Add({{"__name__", "bytes_total"}, {"a", "b"}}, 1, "bytes", kNowMs - 1000, 0, 5);
  r.Add({{"__name__", "other_total"}}, 1, "", kNowMs - 1000, kNowMs - 500, 6);
  r.Add({{"__name__", "s"}, {"quantile", "0.5"}}, 5, "", 0, 0, 7);
  r.Add({{"__name__", "s_sum"}}, 5, "", 0, 0, 8);
  r.Add({{"__name__", "g_bucket"}, {"le", "1"}}, 4, "", 0, 0, 9);
  const Decoded d(true, r.Finish());
  ASSERT_TRUE(d.status.ok()) << d.status.message();
  EXPECT_EQ(d.batch.refused.total(), 0u) << d.batch.refused.example();
  EXPECT_EQ(d.series("bytes_total").kind, model::Kind::counter);
  EXPECT_EQ(d.series("bytes_total").unit, "By");
  EXPECT_EQ(d.series("bytes_total").attributes, (model::Attributes{{"a", "b"}}));
  EXPECT_EQ(d.series("s").kind, model::Kind::gauge);
  EXPECT_EQ(d.series("s_sum").kind, model::Kind::counter);
  EXPECT_EQ(d.series("g_bucket").kind, model::Kind::gauge);
  EXPECT_EQ(d.batch.samples.start_ts[0], kNow - 1'000'000'000);
  EXPECT_EQ(d.batch.samples.start_ts[1], kNow - 500'000'000);
  EXPECT_EQ(d.batch.samples.start_ts[2], 0);
}

TEST(RemoteWrite2, TheSameSeriesUnderOtherReferencesIsTheSameSeries) {
  Request2 first, second;
  first.Add({{"__name__", "a"}, {"x", "y"}}, 2, "", 0, 0, 1);
  second.symbol("something else");
  second.Add({{"__name__", "a"}, {"x", "y"}}, 2, "", 0, 0, 2);
  Decoded d(true, first.Finish());
  ASSERT_TRUE(DecodeRemoteWrite2(second.Finish(), d.context, &d.batch).ok());
  EXPECT_EQ(d.batch.series.size(), 1u);
  EXPECT_EQ(d.batch.samples.series[0], d.batch.samples.series[1]);
}

TEST(RemoteWrite2, ReferencesBeyondTheTableAreMalformed) {
  Request2 r;
  {
    const std::vector<std::uint32_t> beyond{1, 900}, odd{0};
    pbf_writer(r.request, 5).add_packed_uint32(1, beyond.begin(), beyond.end());
    pbf_writer(r.request, 5).add_packed_uint32(1, odd.begin(), odd.end());
  }
  r.Add({{"__name__", "good"}}, 2, "", 0, 0, 1);
  const Decoded d(true, r.Finish());
  EXPECT_EQ(d.batch.samples.size(), 1u);
  EXPECT_EQ(d.batch.refused.count(base::Reason::malformed), 2u);
}

}  // namespace
}  // namespace strata::wire
