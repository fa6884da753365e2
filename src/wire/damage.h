// SPDX-License-Identifier: Apache-2.0
// One call of one decoder on any bytes, with what must hold afterwards whatever they were. For the
// fuzz target and the damage test only.
#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "wire/decode.h"

namespace strata::wire {

inline constexpr unsigned kDecoders = 8;
inline constexpr std::int64_t kDamageNow = 1'780'000'000'000'000'000;

// What no input may do: columns of unequal length, a NaN that is no stale marker, a time ahead, a
// broken histogram.
inline void CheckBatch(const model::Batch& batch) {
  const model::Samples& s = batch.samples;
  CHECK(s.series.size() == s.size() && s.start_ts.size() == s.size() && s.value.size() == s.size(),
        "columns of equal length");
  for (std::size_t i = 0; i < s.size(); ++i) {
    CHECK(!std::isnan(s.value[i]) || model::IsStale(s.value[i]), "no NaN but the stale marker");
    CHECK(s.ts[i] > 0 && s.ts[i] <= kDamageNow + 600'000'000'000, "a time that was admitted");
    CHECK(s.start_ts[i] >= 0 && s.start_ts[i] <= s.ts[i], "a start before the sample");
  }
  for (const model::Histogram& h : batch.histograms) {
    std::uint64_t total = h.zero_count;
    for (const std::uint64_t n : h.counts) total += n;
    for (const std::uint64_t n : h.negative_counts) total += n;
    CHECK(total == h.count, "buckets that add up");
    CHECK(h.exponential || h.counts.size() == h.bounds.size() + 1, "a count per bucket");
  }
  for (const model::Series& series : batch.series)
    CHECK(series.attributes.size() <= 3 * model::kMaxAttributes, "few attributes");
}

inline void Damage(unsigned which, std::string_view bytes) {
  model::Namer namer({}, 10'000);
  model::Batch batch;
  Context context;
  context.namer = &namer;
  context.now_ns = kDamageNow;
  context.trusted = (which & 0x80) != 0;
  context.keep_content = (which & 0x40) != 0;
  base::Status status;
  switch (which % kDecoders) {
    case 0: status = DecodePrometheusText(bytes, false, context, &batch); break;
    case 1: status = DecodePrometheusText(bytes, true, context, &batch); break;
    case 2: status = DecodeOtlpMetrics(bytes, context, &batch); break;
    case 3: status = DecodeOtlpTraces(bytes, context, &batch); break;
    case 4: status = DecodeOtlpLogs(bytes, context, &batch); break;
    case 5: status = DecodeOtlpJson(bytes, context, &batch); break;
    case 6: status = DecodeRemoteWrite1(bytes, context, &batch); break;
    default: status = DecodeRemoteWrite2(bytes, context, &batch);
  }
  CheckBatch(batch);
  if (which % kDecoders < 2) status = CheckOpenMetrics(bytes);
}

}  // namespace strata::wire
