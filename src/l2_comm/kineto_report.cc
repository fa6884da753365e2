// SPDX-License-Identifier: Apache-2.0
// What is told of traces: reports, histograms of kernel times, and the reader behind `strata read`.
#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "l2_comm/kineto_ranks.h"
#include "l2_comm/l2_comm.h"

namespace strata::l2_comm {
namespace {

using base::Json;

constexpr std::size_t kTop = 20;        // names in a report
constexpr std::size_t kMaxLabel = 200;  // bytes of a kernel's name as an attribute

double Seconds(std::int64_t ns) { return static_cast<double>(ns) / 1e9; }

template <typename T>
Json Maybe(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json Number(double value) { return std::isnan(value) ? Json() : Json(value); }

Json TextOrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

// A name that fits an attribute; cut between characters.
std::string Label(const std::string& name) {
  if (name.size() <= kMaxLabel) return name;
  std::size_t end = kMaxLabel;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
  return name.substr(0, end) + "…";
}

Json StepsJson(const KinetoTrace& trace) {
  Json steps = Json::MakeArray();
  for (const TraceStep& step : trace.steps) {
    Json j;
    j.set("step", step.number).set("duration_s", Seconds(step.window.to - step.window.from));
    j.set("compute_s", Number(step.compute_s)).set("comm_s", Number(step.comm_s));
    j.set("comm_exposed_s", Number(step.comm_exposed_s)).set("memcpy_s", Number(step.memcpy_s));
    j.set("idle_s", Number(step.idle_s));
    steps.push(std::move(j));
  }
  return steps;
}

// Adds a name's use to another's, for labels that are the same once shortened.
void Merge(const KernelUse& from, KernelUse* to) {
  const bool first = to->count == 0;
  to->count += from.count;
  to->zeros += from.zeros;
  to->total_ns += from.total_ns;
  to->longest_ns = std::max(to->longest_ns, from.longest_ns);
  to->shortest_ns = first ? from.shortest_ns : std::min(to->shortest_ns, from.shortest_ns);
  if (from.buckets.size() > to->buckets.size()) to->buckets.resize(from.buckets.size());
  for (std::size_t i = 0; i < from.buckets.size(); ++i) to->buckets[i] += from.buckets[i];
}

model::Histogram HistogramOf(const KernelUse& use) {
  model::Histogram h;
  h.count = use.count;
  h.sum = Seconds(use.total_ns);
  h.min = Seconds(use.shortest_ns);
  h.max = Seconds(use.longest_ns);
  h.exponential = true;
  h.scale = KernelUse::kScale;
  h.zero_count = use.zeros;
  std::size_t first = 0;
  while (first < use.buckets.size() && use.buckets[first] == 0) ++first;
  h.positive_offset = KernelUse::kFirstBucket + static_cast<std::int32_t>(first);
  h.counts.assign(use.buckets.begin() + static_cast<std::ptrdiff_t>(first), use.buckets.end());
  return h;
}

}  // namespace

Json ReportOf(const KinetoTrace& trace) {
  const bool any = trace.has_device();
  const auto count = [&](std::uint64_t n) { return any ? Json(n) : Json(); };
  Json j;
  j.set("layer", "l2_comm").set("report", "kineto").set("file", trace.name);
  j.set("rank", Maybe(trace.rank)).set("world_size", Maybe(trace.world_size));
  j.set("device", TextOrNull(trace.device)).set("backend", TextOrNull(trace.backend));
  j.set("events", trace.events);
  j.set("span_s",
        trace.span == Interval{} ? Json() : Json(Seconds(trace.span.to - trace.span.from)));
  j.set("kernels", count(trace.kernels)).set("kernel_s", Number(trace.kernel_s));
  j.set("comm_kernels", count(trace.comm_kernels)).set("comm_s", Number(trace.comm_s));
  j.set("comm_exposed_s", Number(trace.comm_exposed_s)).set("memcpy_s", Number(trace.memcpy_s));
  j.set("idle_s", Number(trace.idle_s));
  j.set("device_span_s",
        any ? Json(Seconds(trace.device_span.to - trace.device_span.from)) : Json());
  j.set("busy_s", Number(trace.busy_s)).set("compute_s", Number(trace.compute_s));
  Json top = Json::MakeArray();
  for (std::size_t i = 0; i < std::min(kTop, trace.uses.size()); ++i) {
    const KernelUse& use = trace.uses[i];
    Json one;
    one.set("name", use.name).set("count", use.count).set("total_s", Seconds(use.total_ns));
    top.push(std::move(one.set("p99_s", use.Quantile(0.99))));
  }
  j.set("top", any ? std::move(top) : Json()).set("steps", StepsJson(trace));
  if (trace.uses_sampled) j.set("p99_estimated", "of every n-th kernel");
  if (trace.closed_gaps_s > 0) j.set("busy_too_long_by_at_most_s", trace.closed_gaps_s);
  j.set("complete", !trace.cut).set("refused", trace.refused.total());
  return j;
}

Json ReportOf(const RanksResult& result) {
  Json late = Json::MakeArray(), per_rank = Json::MakeArray();
  const auto share = [&](const RankTotal& rank) {
    return result.lateness_s > 0 ? Json(rank.lateness_s / result.lateness_s) : Json();
  };
  for (const std::size_t i : result.late) {
    const RankTotal& rank = result.per_rank[i];
    Json j;
    j.set("rank", rank.rank).set("lateness_s", rank.lateness_s).set("share", share(rank));
    late.push(std::move(j.set("came_last", rank.last).set("of", rank.matched)));
  }
  for (const RankTotal& rank : result.per_rank) {
    const bool matched = rank.matched > 0;
    Json j;
    j.set("rank", rank.rank).set("comm_s", Number(rank.comm_s));
    j.set("wait_s", matched ? Json(rank.wait_s) : Json()).set("compute_s", Number(rank.compute_s));
    j.set("lateness_s", matched ? Json(rank.lateness_s) : Json());
    per_rank.push(std::move(j.set("clock_shift_s", matched ? Json(rank.clock_shift_s) : Json())));
  }
  Json j;
  j.set("layer", "l2_comm").set("report", "collectives");
  j.set("ranks", static_cast<std::uint64_t>(result.ranks));
  j.set("groups", static_cast<std::uint64_t>(result.groups));
  j.set("collectives", result.collectives).set("unmatched", result.unmatched);
  j.set("late", std::move(late)).set("per_rank", std::move(per_rank));
  return j;
}

void Histograms(const KinetoTrace& trace, const wire::Context& context, model::Batch* batch) {
  if (context.namer == nullptr || trace.uses.empty()) return;
  std::map<std::string, KernelUse> uses;
  for (std::size_t i = 0; i < trace.uses.size(); ++i)
    Merge(trace.uses[i], &uses[i < kMaxKernelSeries ? Label(trace.uses[i].name) : "(other)"]);
  const std::int64_t base = trace.EpochOffset(context.now_ns) + context.shift_ns;
  model::Attributes resource =
      context.resource != nullptr ? *context.resource : model::Attributes();
  if (!context.origin.empty()) resource.set("strata.origin", context.origin);
  for (const auto& [name, use] : uses) {
    model::Attributes attributes;
    attributes.set("kernel", name);
    if (trace.rank) attributes.set("rank", std::to_string(*trace.rank));
    const std::uint64_t key = base::Hash64("kineto" + attributes.text() + '\0' + resource.text());
    const auto* targets = context.namer->find(key);
    if (targets == nullptr) {
      model::RawMetric raw;
      raw.name = "cuda.kernel.duration";
      raw.unit = "s";
      raw.kind = model::Kind::histogram;
      raw.temporality = model::Temporality::delta;
      raw.attributes = &attributes;
      raw.resource = &resource;
      raw.source = "l2_comm:kineto";
      targets = &context.namer->Resolve(key, raw, &batch->refused);
      context.namer->take_fresh(&batch->series);
    }
    for (const model::Target& target : *targets) {
      model::Histogram h = HistogramOf(use);
      h.series = target.series;
      h.start_ts = trace.device_span.from + base;
      h.ts = trace.device_span.to + base;
      batch->histograms.push_back(std::move(h));
    }
  }
}

struct KinetoTraces::Ranks : KinetoRanks {};

KinetoTraces::KinetoTraces() : ranks_(std::make_unique<Ranks>()) {}
KinetoTraces::~KinetoTraces() = default;

base::Status KinetoTraces::Read(base::InputStream* stream, const wire::Context& context,
                                model::Batch* batch, Json* report) {
  auto trace = KinetoReader::Read(stream);
  if (!trace.ok()) return trace.status();
  if (report != nullptr) *report = ReportOf(*trace);
  Histograms(*trace, context, batch);
  batch->refused.merge(trace->refused);
  ranks_->Add(std::move(*trace));
  return base::Status::Ok();
}

Json KinetoTraces::Close(const wire::Context& context, model::Batch* batch) {
  if (ranks_->empty()) return Json();
  const RanksResult result = ranks_->Compare();
  ranks_->Rows(context, batch);
  ranks_ = std::make_unique<Ranks>();
  return result.ranks < 2 ? Json() : ReportOf(result);
}

bool LooksKineto(std::string_view head) {
  const std::size_t at = head.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  if (at == std::string_view::npos) return false;
  if (head[at] == '{')
    return head.find("\"traceEvents\"") != std::string_view::npos ||
           (head.find("\"schemaVersion\"") != std::string_view::npos &&
            head.find("\"deviceProperties\"") != std::string_view::npos);
  // A bare array of events.
  const std::string_view start = head.substr(0, 65536);
  return head[at] == '[' && start.find("\"ph\"") != std::string_view::npos &&
         start.find("\"ts\"") != std::string_view::npos;
}

}  // namespace strata::l2_comm
