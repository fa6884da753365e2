// SPDX-License-Identifier: Apache-2.0
// What every decoder does alike: times are shifted and checked, numbers are put where their targets
// want them, and whatever is refused is counted. Internal to `wire`. One per decode call, one
// thread.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/drop.h"
#include "base/hash.h"
#include "model/batch.h"
#include "model/namer.h"
#include "wire/decode.h"

namespace strata::wire {

using base::Reason;

class Sink {
 public:
  Sink(const Context& context, model::Batch* batch, std::string_view protocol)
      : context_(context), batch_(batch) {
    seed_ = base::Mix(base::Hash64(protocol), base::Hash64(context.origin));
    seed_ = base::Mix(seed_, context.trusted ? 1 : 2);
    if (context.resource != nullptr) seed_ = context.resource->hash(seed_);
  }

  const Context& context() const { return context_; }
  model::Batch* batch() const { return batch_; }
  model::Namer* namer() const { return context_.namer; }
  std::uint64_t seed() const { return seed_; }  // of every raw key of this call

  void Refuse(Reason reason, std::string_view example, std::uint64_t n = 1) {
    batch_->refused.add(reason, n, example);
  }

  // A time of the input, moved by the shift; false (and counted) when it is none or lies ahead.
  bool Admit(std::uint64_t raw_ns, std::int64_t* at) {
    std::int64_t moved = 0;
    if (raw_ns == 0 ||
        raw_ns > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) ||
        __builtin_add_overflow(static_cast<std::int64_t>(raw_ns), context_.shift_ns, &moved) ||
        moved <= 0) {
      Refuse(Reason::malformed, "a time that is zero, negative or beyond the year 2262");
      return false;
    }
    if (context_.max_ahead_ns > 0 && moved > context_.now_ns &&
        moved - context_.now_ns > context_.max_ahead_ns) {
      Refuse(Reason::future, "a time ahead of the clock: check the sender's clock");
      return false;
    }
    *at = moved;
    return true;
  }
  // A start time: what cannot be used is "not told" (0), never a reason to refuse.
  std::int64_t Start(std::uint64_t raw_ns, std::int64_t at) const {
    std::int64_t moved = 0;
    if (raw_ns == 0 ||
        raw_ns > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) ||
        __builtin_add_overflow(static_cast<std::int64_t>(raw_ns), context_.shift_ns, &moved)) {
      return 0;
    }
    return moved > 0 && moved <= at ? moved : 0;
  }

  // NaN that is no stale marker is dropped and counted. A source's blank ("not measured") is
  // absent, not refused.
  void Number(const std::vector<model::Target>& targets, std::int64_t at, std::int64_t start,
              double raw) {
    if (std::isnan(raw) && !model::IsStale(raw)) {
      Refuse(Reason::not_a_number, "a value that is NaN");
      return;
    }
    if (targets.empty()) Refuse(Reason::series_limit, "a series beyond the limit");
    for (const model::Target& target : targets) {
      double value = 0;
      if (model::Namer::Apply(target, raw, &value, &batch_->refused))
        batch_->samples.push(target.series, at, start, value);
    }
  }

  // Takes the histogram with raw units; a target's scale goes on bounds, sum, minimum and maximum.
  void Histogram(const std::vector<model::Target>& targets, model::Histogram&& histogram) {
    if (targets.empty()) Refuse(Reason::series_limit, "a series beyond the limit");
    for (std::size_t i = 0; i < targets.size(); ++i) {
      model::Histogram h = i + 1 < targets.size() ? histogram : std::move(histogram);
      h.series = targets[i].series;
      if (const double scale = targets[i].scale; scale != 1 && !h.exponential) {
        for (double& bound : h.bounds) bound *= scale;
        h.sum *= scale, h.min *= scale, h.max *= scale;
      } else if (scale != 1) {
        Refuse(Reason::unsupported, "an exponential histogram in another unit than its signal's");
        continue;
      }
      batch_->histograms.push_back(std::move(h));
    }
  }

 private:
  const Context& context_;
  model::Batch* batch_;
  std::uint64_t seed_ = 0;
};

}  // namespace strata::wire
