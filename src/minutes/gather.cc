// SPDX-License-Identifier: Apache-2.0
#include "minutes/gather.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

namespace strata::minutes {
namespace {

using model::Fold;

bool IsAmount(std::string_view unit) {
  return unit == "By" || unit == "W" || unit == "J" ||
         (unit.size() > 1 && unit.front() == '{' && unit.back() == '}');
}

// One series' part in a column.
struct Part {
  const SeriesData* data;
  int rank;
};

// Values of several series at one time become one.
double Combine(const std::vector<std::pair<const SeriesData*, double>>& values, const Use& use) {
  double sum = 0, high = -std::numeric_limits<double>::infinity(), low = -high;
  std::size_t n = 0;
  std::set<std::uint64_t> rests;
  for (const auto& [data, value] : values) {
    if (std::isnan(value)) continue;
    sum += value, high = std::max(high, value), low = std::min(low, value), ++n;
    if (!use.column->split.empty()) {
      model::Attributes rest = data->named->series.attributes;
      rest.erase(use.column->split);
      rests.insert(rest.hash());
    }
  }
  if (n == 0) return kAbsent;
  if (!use.column->split.empty()) return sum / static_cast<double>(rests.size());
  if (IsAmount(use.signal->unit)) return sum;
  if (use.column->fold == Fold::max) return high;
  if (use.column->fold == Fold::min) return low;
  return sum / static_cast<double>(n);
}

Folded FoldGauges(std::span<const Part> parts, Window window, const Use& use) {
  const model::MinuteColumn& column = *use.column;
  if (parts.size() == 1)
    return FoldGauge(parts[0].data->points, window, column.fold, column.threshold);
  std::map<std::int64_t, std::vector<std::pair<const SeriesData*, double>>> times;
  std::size_t total = 0;
  std::vector<std::pair<std::int64_t, std::int64_t>> spans;
  for (const Part& part : parts) {
    const auto& points = part.data->points;
    for (const Point& p : points) times[p.ts].emplace_back(part.data, p.value), ++total;
    if (!points.empty()) spans.emplace_back(points.front().ts, points.back().ts);
  }
  std::sort(spans.begin(), spans.end());
  bool meanwhile = false;
  for (std::size_t i = 1; i < spans.size(); ++i)
    meanwhile = meanwhile || spans[i].first < spans[i - 1].second;
  const bool apart = times.size() == total;  // no time is shared
  const bool quantile =
      column.fold == Fold::p50 || column.fold == Fold::p95 || column.fold == Fold::p99;
  if (apart && meanwhile && !quantile) {
    std::vector<std::pair<const SeriesData*, double>> folded;
    for (const Part& part : parts) {
      folded.emplace_back(
          part.data, FoldGauge(part.data->points, window, column.fold, column.threshold).value);
    }
    if (column.fold == Fold::count || column.fold == Fold::increase) {
      double sum = kAbsent;
      for (const auto& [data, v] : folded) {
        if (!std::isnan(v)) sum = (std::isnan(sum) ? 0 : sum) + v;
      }
      return {sum};
    }
    if (column.fold == Fold::seconds_over) {
      double high = kAbsent;
      for (const auto& [data, v] : folded) high = std::isnan(high) ? v : std::fmax(high, v);
      return {high};
    }
    return {Combine(folded, use)};
  }
  std::vector<Point> stream;
  for (const auto& [ts, values] : times) {
    if (quantile) {
      for (const auto& [data, v] : values) stream.push_back({ts, 0, v});
    } else {
      stream.push_back({ts, 0, Combine(values, use)});
    }
  }
  return FoldGauge(stream, window, column.fold, column.threshold);
}

Folded FoldParts(std::span<const Part> parts, Window window, const Use& use) {
  bool histogram = false, counter = false;
  for (const Part& part : parts) {
    histogram = histogram || !part.data->histograms.empty();
    counter = counter || part.data->named->series.kind == model::Kind::counter;
  }
  if (histogram) {
    HistogramFold sum;
    for (const Part& part : parts) {
      HistogramFold one =
          HistogramIncrease(part.data->histograms, window, part.data->named->series.temporality);
      if (!one.known) continue;
      if (!sum.known) {
        sum = std::move(one);
      } else if (!Add(one.buckets, &sum.buckets) && one.buckets.count > sum.buckets.count) {
        sum = std::move(one);  // other bounds cannot be added: the larger part speaks
      }
    }
    return FoldHistogram(sum, use.column->fold);
  }
  if (counter && use.column->fold == Fold::increase) {
    Folded sum;
    for (const Part& part : parts) {
      const Folded one = Increase(part.data->points, window, part.data->named->series.temporality);
      if (std::isnan(one.value)) continue;
      sum.value = (std::isnan(sum.value) ? 0 : sum.value) + one.value;
      sum.estimated = sum.estimated || one.estimated;
    }
    return sum;
  }
  return FoldGauges(parts, window, use);
}

double FoldValues(std::vector<double> values, Fold fold) {
  if (values.empty()) return kAbsent;
  double sum = 0;
  for (const double v : values) sum += v;
  switch (fold) {
    case Fold::count: return static_cast<double>(values.size());
    case Fold::increase: return sum;
    case Fold::max: return *std::max_element(values.begin(), values.end());
    case Fold::min: return *std::min_element(values.begin(), values.end());
    case Fold::last: return values.back();
    case Fold::p50: return QuantileOf(&values, 0.50);
    case Fold::p95: return QuantileOf(&values, 0.95);
    case Fold::p99: return QuantileOf(&values, 0.99);
    default: return sum / static_cast<double>(values.size());
  }
}

class Rows {
 public:
  Rows(const Layout& layout, Window window, const Wanted* wanted)
      : layout_(layout), window_(window), wanted_(wanted) {}

  // nullptr when the row is not wanted or has no owner.
  MinuteRow* row(int table, const std::vector<std::string>& keys) {
    if (keys.empty() || keys[0].empty()) return nullptr;
    if (wanted_ != nullptr && !wanted_->contains({table, keys[0]})) return nullptr;
    const MinuteTable& t = layout_.tables()[static_cast<std::size_t>(table)];
    const std::string rank = t.rank_key >= 0 ? keys[static_cast<std::size_t>(t.rank_key)] : "";
    MinuteRow& row = rows_[{table, keys[0], rank}];
    if (row.keys.empty()) {
      row.table = table;
      row.minute_ns = window_.from / base::kMinute * base::kMinute;
      row.keys = keys;
      row.facts.assign(t.facts.size(), kAbsent);
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (row.keys[i].empty()) row.keys[i] = keys[i];
    }
    return &row;
  }

  std::vector<MinuteRow> take() {
    std::vector<MinuteRow> out;
    for (auto& [key, row] : rows_) {
      if (std::all_of(row.facts.begin(), row.facts.end(), [](double v) { return std::isnan(v); }))
        continue;
      out.push_back(std::move(row));
    }
    return out;
  }

 private:
  const Layout& layout_;
  Window window_;
  const Wanted* wanted_;
  std::map<std::tuple<int, std::string, std::string>, MinuteRow> rows_;
};

}  // namespace

Named Resolve(const Layout& layout, model::Series series) {
  Named out;
  for (const Use& use : layout.uses(series.signal)) {
    if (!Layout::Matches(use.column->where, series.attributes)) continue;
    out.uses.push_back(use);
    out.keys.push_back(layout.KeysOf(use.table, series));
    out.rank = Layout::SourceRank(*use.signal, series.source);
  }
  out.series = std::move(series);
  return out;
}

std::vector<MinuteRow> Gather(const Layout& layout, Window window,
                              std::span<const SeriesData> series,
                              std::span<const EventCount> events,
                              std::span<const Observed> observed, std::span<const Label> labels,
                              const Wanted* wanted) {
  Rows rows(layout, window, wanted);
  std::map<std::pair<MinuteRow*, int>, std::pair<Use, std::vector<Part>>> columns;
  for (const SeriesData& data : series) {
    for (std::size_t i = 0; i < data.named->uses.size(); ++i) {
      const Use& use = data.named->uses[i];
      MinuteRow* row = rows.row(use.table, data.named->keys[i]);
      if (row == nullptr) continue;
      auto& [column_use, parts] = columns[{row, use.fact}];
      column_use = use;
      parts.push_back({&data, data.named->rank});
    }
  }
  for (auto& [where, column] : columns) {
    auto& [use, parts] = column;
    std::stable_sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
      return std::tie(a.rank, a.data->named->series.source) <
             std::tie(b.rank, b.data->named->series.source);
    });
    for (std::size_t from = 0; from < parts.size();) {
      std::size_t to = from;
      while (to < parts.size() && parts[to].rank == parts[from].rank &&
             parts[to].data->named->series.source == parts[from].data->named->series.source) {
        ++to;
      }
      const Folded folded = FoldParts(std::span(parts).subspan(from, to - from), window, use);
      if (!std::isnan(folded.value)) {
        where.first->facts[static_cast<std::size_t>(where.second)] = folded.value;
        where.first->estimated = where.first->estimated || folded.estimated;
        break;
      }
      from = to;
    }
  }
  const auto put = [&](const Use& use, const model::Series& who, double value, bool add) {
    MinuteRow* row = rows.row(use.table, layout.KeysOf(use.table, who));
    if (row == nullptr || std::isnan(value)) return;
    double& fact = row->facts[static_cast<std::size_t>(use.fact)];
    if (std::isnan(fact))
      fact = value;
    else if (add)
      fact += value;
  };
  for (const EventCount& event : events) {
    for (const Use& use : layout.uses(event.event)) {
      if (use.column->fold != Fold::count || !Layout::Matches(use.column->where, event.attributes))
        continue;
      model::Series who;
      who.entity_type = event.entity_type, who.entity = event.entity,
      who.attributes = event.attributes;
      put(use, who, event.count, true);
    }
  }
  // Rows of one entity and signal with other attributes (operations) are put together first.
  std::map<std::tuple<const model::MinuteColumn*, std::string, std::string>,
           std::pair<Use, Observed>>
      joined;
  for (const Observed& o : observed) {
    for (const Use& use : layout.uses(o.signal)) {
      if (!Layout::Matches(use.column->where, o.attributes)) continue;
      auto& [u, all] = joined[{use.column, o.entity, std::string(o.attributes.get("rank"))}];
      u = use;
      if (all.entity.empty()) all.entity = o.entity, all.attributes = o.attributes;
      all.values.insert(all.values.end(), o.values.begin(), o.values.end());
    }
  }
  for (auto& [key, value] : joined) {
    model::Series who;
    who.entity_type = layout.tables()[static_cast<std::size_t>(value.first.table)].entity_type;
    who.entity = value.second.entity, who.attributes = value.second.attributes;
    put(value.first, who, FoldValues(std::move(value.second.values), value.first.column->fold),
        false);
  }
  const int comm = layout.table("comm_minute");
  for (const Label& label : labels) {
    if (comm < 0) break;
    const MinuteTable& table = layout.tables()[static_cast<std::size_t>(comm)];
    const auto column = std::find(table.labels.begin(), table.labels.end(), label.column);
    std::vector<std::string> keys(table.keys.size());
    keys[0] = label.communicator, keys[static_cast<std::size_t>(table.rank_key)] = label.rank;
    MinuteRow* row = column == table.labels.end() ? nullptr : rows.row(comm, keys);
    if (row == nullptr) continue;
    row->labels.resize(table.labels.size());
    row->labels[static_cast<std::size_t>(column - table.labels.begin())] = label.text;
  }
  return rows.take();
}

}  // namespace strata::minutes
