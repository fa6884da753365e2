// SPDX-License-Identifier: Apache-2.0
#include "model/batch.h"

#include <bit>

#include "base/hash.h"

namespace strata::model {

double StaleNan() { return std::bit_cast<double>(kStaleNanBits); }
bool IsStale(double value) { return std::bit_cast<std::uint64_t>(value) == kStaleNanBits; }

SeriesId MakeSeriesId(const Series& series) {
  std::uint64_t h = base::Hash64(series.signal);
  h = base::Mix(h, base::Hash64(series.entity_type));
  h = base::Mix(h, base::Hash64(series.entity));
  h = series.attributes.hash(h);
  h = base::Mix(h, static_cast<std::uint64_t>(series.temporality) * 16 +
                       static_cast<std::uint64_t>(series.kind));
  h = base::Mix(h, base::Hash64(series.source));
  return SeriesId{base::Mix(h, base::Hash64(series.origin))};
}

void Batch::clear() {
  series.clear();
  samples.clear();
  histograms.clear();
  events.clear();
  spans.clear();
  logs.clear();
  collectives.clear();
  holdings.clear();
  entities.clear();
  sources.clear();
  refused.clear();
}

}  // namespace strata::model
