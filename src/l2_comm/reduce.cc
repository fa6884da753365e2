// SPDX-License-Identifier: Apache-2.0
#include "l2_comm/reduce.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/clock.h"
#include "base/hash.h"

namespace strata::l2_comm {
namespace {

// Seconds, 1-2-5 from 10 µs: collectives take from tens of microseconds to minutes.
constexpr double kBounds[] = {1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2,
                              5e-2, 0.1,  0.2,  0.5,  1,    2,    5,    10,   20,   50,   100};

std::uint64_t KeyOf(const model::Collective& row) {
  return base::Mix(base::Hash64(row.communicator), base::Hash64(row.operation));
}

}  // namespace

std::string_view SizeClass(std::uint64_t bytes) {
  constexpr std::string_view kNames[] = {"4KiB", "64KiB", "1MiB", "16MiB", "256MiB", "4GiB"};
  std::uint64_t bound = 4096;
  for (const std::string_view name : kNames) {
    if (bytes <= bound) return name;
    bound *= 16;
  }
  return "more";
}

bool CollectiveReducer::Sampled(const model::Collective& row) const {
  // The upper half: in the lower one neighbours in sequence stay neighbours, and a sample of every
  // k-th collective of a step would always meet the same layer.
  return one_in_ == 1 || (base::Mix(KeyOf(row), row.seq) >> 32 & (one_in_ - 1)) == 0;
}

void CollectiveReducer::Reduce(std::int64_t now_ns, model::Batch* batch, std::size_t from) {
  if (since_ns_ == 0) since_ns_ = now_ns;
  std::vector<model::Collective>& rows = batch->collectives;
  std::size_t kept = from;
  for (std::size_t i = from; i < rows.size(); ++i) {
    model::Collective& row = rows[i];
    ++seen_;
    if (row.done && !Sampled(row)) {
      const std::uint64_t key = base::Mix(KeyOf(row), static_cast<std::uint64_t>(row.rank));
      const auto found = newest_.find(key);
      if (found == newest_.end() && newest_.size() < options_.max_groups) {
        newest_.emplace(key, std::move(row));
      } else if (found != newest_.end() && row.start_ns >= found->second.start_ns) {
        Fold(found->second, batch);
        found->second = std::move(row);
      } else {
        Fold(row, batch);
      }
      continue;
    }
    // A burst does not wait for the end of the second.
    if (row.done && ++kept_ >= static_cast<std::uint64_t>(2 * options_.rows_per_s) + 1) {
      one_in_ *= one_in_ < (1u << 20) ? 2 : 1;
      kept_ /= 2;
    }
    if (kept != i) rows[kept] = std::move(row);
    ++kept;
  }
  rows.resize(kept);
}

void CollectiveReducer::Fold(const model::Collective& row, model::Batch* batch) {
  const std::string_view size = SizeClass(row.bytes);
  std::uint64_t key = base::Mix(KeyOf(row), static_cast<std::uint64_t>(row.rank));
  for (const std::string_view part :
       {std::string_view(row.algorithm), std::string_view(row.protocol), size,
        std::string_view(row.origin)})
    key = base::Mix(key, base::Hash64(part));
  auto found = groups_.find(key);
  if (found == groups_.end()) {
    if (groups_.size() >= options_.max_groups) {
      batch->refused.add(base::Reason::series_limit, 1, "too many kinds of collectives a second");
      return;
    }
    Group group;
    group.communicator = row.communicator, group.operation = row.operation;
    group.algorithm = row.algorithm, group.protocol = row.protocol;
    group.size_class = size, group.node = row.node, group.origin = row.origin;
    group.rank = row.rank, group.nranks = row.nranks;
    group.counts.resize(std::size(kBounds) + 1);
    found = groups_.emplace(key, std::move(group)).first;
  }
  Group& group = found->second;
  group.bytes += row.bytes;
  if (!std::isfinite(row.duration_s)) return;  // its end could not be seen
  const auto* bound = std::lower_bound(std::begin(kBounds), std::end(kBounds), row.duration_s);
  ++group.counts[static_cast<std::size_t>(bound - std::begin(kBounds))];
  group.min = group.count == 0 ? row.duration_s : std::min(group.min, row.duration_s);
  group.max = group.count == 0 ? row.duration_s : std::max(group.max, row.duration_s);
  ++group.count;
  group.sum += row.duration_s;
  if (std::isfinite(row.algbw)) group.algbw.sum += row.algbw, ++group.algbw.n;
  if (std::isfinite(row.busbw)) group.busbw.sum += row.busbw, ++group.busbw.n;
}

void CollectiveReducer::Emit(std::int64_t now_ns, std::uint64_t key, const Group& group,
                             model::Namer& namer, model::Batch* batch) const {
  model::Attributes attributes{{"communicator", group.communicator},
                               {"operation", group.operation},
                               {"rank", std::to_string(group.rank)},
                               {"size_class", group.size_class}};
  if (group.nranks > 0) attributes.set("nranks", std::to_string(group.nranks));
  if (!group.algorithm.empty()) attributes.set("algorithm", group.algorithm);
  if (!group.protocol.empty()) attributes.set("protocol", group.protocol);
  model::Attributes resource;
  if (!group.node.empty()) resource.set("host.name", group.node);
  if (!group.origin.empty()) resource.set("strata.origin", group.origin);
  const auto targets = [&](std::uint64_t part, std::string_view name, std::string_view unit,
                           model::Kind kind) -> const std::vector<model::Target>& {
    const std::uint64_t raw_key = base::Mix(key, part);
    if (const auto* known = namer.find(raw_key)) return *known;
    model::RawMetric raw;
    raw.name = name;
    raw.unit = unit;
    raw.kind = kind;
    raw.temporality =
        kind == model::Kind::gauge ? model::Temporality::none : model::Temporality::delta;
    raw.attributes = &attributes;
    raw.resource = &resource;
    raw.source = "l2_comm:nccl_plugin";
    return namer.Resolve(raw_key, raw, &batch->refused);
  };
  if (group.count > 0) {
    for (const model::Target& t :
         targets(1, "comm.collective.duration", "s", model::Kind::histogram)) {
      model::Histogram h;
      h.series = t.series;
      h.ts = now_ns, h.start_ts = since_ns_;
      h.count = group.count;
      h.sum = group.sum, h.min = group.min, h.max = group.max;
      h.bounds.assign(std::begin(kBounds), std::end(kBounds));
      h.counts = group.counts;
      batch->histograms.push_back(std::move(h));
    }
  }
  for (const model::Target& t : targets(2, "comm.collective.bytes", "By", model::Kind::counter))
    batch->samples.push(t.series, now_ns, since_ns_, static_cast<double>(group.bytes));
  const auto mean = [&](std::uint64_t part, std::string_view name, const Mean& m) {
    if (m.n == 0) return;
    for (const model::Target& t : targets(part, name, "By/s", model::Kind::gauge))
      batch->samples.push(t.series, now_ns, 0, m.sum / static_cast<double>(m.n));
  };
  mean(3, "comm.collective.algbw", group.algbw);
  mean(4, "comm.collective.busbw", group.busbw);
}

void CollectiveReducer::Flush(std::int64_t now_ns, model::Namer& namer, model::Batch* batch) {
  for (auto& [key, row] : newest_) batch->collectives.push_back(std::move(row));
  newest_.clear();
  for (const auto& [key, group] : groups_) Emit(now_ns, key, group, namer, batch);
  groups_.clear();
  const double elapsed = static_cast<double>(now_ns - since_ns_) / base::kSecond;
  if (since_ns_ != 0 && elapsed > 0) {
    // A second at least: a few rows just before the first flush are no rate.
    const double rate = static_cast<double>(seen_) / std::max(elapsed, 1.0);
    one_in_ = 1;
    while (one_in_ < (1u << 20) && rate > options_.rows_per_s * static_cast<double>(one_in_))
      one_in_ *= 2;
  }
  seen_ = kept_ = 0;
  since_ns_ = now_ns;
}

}  // namespace strata::l2_comm
