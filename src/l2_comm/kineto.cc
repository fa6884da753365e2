// SPDX-License-Identifier: Apache-2.0
#include "l2_comm/kineto.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/clock.h"
#include "base/hash.h"

namespace strata::l2_comm {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// Events of one profile lie within a day of each other; what does not was written by another clock.
constexpr std::int64_t kFarNs = base::kDay;
constexpr std::string_view kOtherKernels = "(other)";

double Seconds(std::int64_t ns) { return static_cast<double>(ns) / 1e9; }

void Widen(const TraceEvent& event, bool* any, Interval* span) {
  const std::int64_t to = event.from_ns + event.duration_ns;
  if (!*any) *span = {event.from_ns, to};
  *any = true;
  span->from = std::min(span->from, event.from_ns);
  span->to = std::max(span->to, to);
}

// What an operation moves: the whole of it where ranks hold parts (nccl-tests' convention).
std::int64_t BytesOf(const CollectiveArgs& args, std::string_view operation) {
  const std::int64_t each = ElementBytes(args.dtype);
  if (each == 0 || (args.in_elements < 0 && args.out_elements < 0)) return -1;
  std::int64_t elements = args.in_elements >= 0 ? args.in_elements : args.out_elements;
  if (operation == "AllGather" || operation == "ReduceScatter")
    elements = std::max(args.in_elements, args.out_elements);
  std::int64_t bytes = -1;
  return __builtin_mul_overflow(elements, each, &bytes) ? -1 : bytes;
}

}  // namespace

double KernelUse::Quantile(double q) const {
  if (sample_s.empty()) return kNan;
  std::vector<float> sorted = sample_s;
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(low);
  std::nth_element(sorted.begin(), middle, sorted.end());
  const double below = *middle;
  if (low + 1 == sorted.size()) return below;
  const double above = *std::min_element(middle + 1, sorted.end());
  return below + (at - static_cast<double>(low)) * (above - below);
}

std::int64_t KinetoTrace::EpochOffset(std::int64_t now_ns) const {
  // Before baseTimeNanoseconds came, times were the epoch's (2001 and later looks like it); without
  // either they count from the machine's start.
  if (base_ns) return *base_ns;
  return span.from > 1'000'000'000 * base::kSecond ? 0 : now_ns - span.to;
}

base::Result<KinetoTrace> KinetoReader::Read(base::InputStream* stream) {
  KinetoReader reader;
  reader.trace_.name = stream->name();
  TraceCutter cutter(stream);
  EventReader events;
  TraceEvent event;
  std::string_view text;
  base::Refusals& refused = reader.trace_.refused;
  while (cutter.Next(&text)) {
    ++reader.trace_.events;
    switch (events.Read(text, &event)) {
      case EventReader::Verdict::ok: reader.Take(event); break;
      case EventReader::Verdict::malformed:
        refused.add(base::Reason::malformed, 1, "a trace event that does not read");
        break;
      case EventReader::Verdict::no_time:
        refused.add(base::Reason::not_a_number, 1, "a trace event whose time is no number");
        break;
      case EventReader::Verdict::negative:
        refused.add(base::Reason::malformed, 1, "a trace event with a negative duration");
        break;
    }
  }
  if (!cutter.found()) {
    if (!cutter.failure().ok()) return cutter.failure();
    return base::Invalid("no traceEvents: not a Chrome trace");
  }
  reader.Finish(cutter);
  return std::move(reader.trace_);
}

bool KinetoReader::InTime(const TraceEvent& event) {
  if (!anchor_ns_) anchor_ns_ = event.from_ns;
  std::int64_t apart = 0;
  return !__builtin_sub_overflow(event.from_ns, *anchor_ns_, &apart) && apart < kFarNs &&
         apart > -kFarNs && event.duration_ns < kFarNs;
}

void KinetoReader::Take(const TraceEvent& event) {
  using What = TraceEvent::What;
  if (event.what == What::instant || event.what == What::window) return;
  if (!InTime(event)) {
    trace_.refused.add(base::Reason::malformed, 1, "a trace event a day away from the first");
    return;
  }
  bool any = trace_.span != Interval{};
  Widen(event, &any, &trace_.span);
  const bool on_device =
      event.what == What::kernel || event.what == What::memcpy || event.what == What::memset;
  if (on_device) {
    any = trace_.device_span != Interval{};
    Widen(event, &any, &trace_.device_span);
    ++devices_[event.device];
  }
  const Interval when{event.from_ns, event.from_ns + event.duration_ns};
  switch (event.what) {
    case What::kernel: TakeKernel(event); break;
    case What::memcpy:
      copies_.Add(when);
      copy_ns_ += event.duration_ns;
      break;
    case What::memset: sets_.Add(when); break;
    case What::step: {
      TraceStep step;
      step.window = when;
      const std::string_view number = event.name.substr(event.name.find('#') + 1);
      std::from_chars(number.data(), number.data() + number.size(), step.number);
      if (trace_.steps.size() < kMaxSteps) trace_.steps.push_back(step);
      break;
    }
    case What::launch:
      if (event.correlation >= 0 && event.external >= 0 && launches_.size() < kMaxCalls)
        launches_.emplace_back(event.correlation, event.external);
      break;
    case What::collective: {
      if (event.external < 0 || event.comm.collective.empty() || operators_.size() >= kMaxComm)
        break;
      Operator op;
      op.external = event.external;
      op.operation = Operation(event.comm.collective, {});
      op.bytes = BytesOf(event.comm, op.operation);
      op.seq = event.comm.seq;
      op.group = Group(event.comm);
      op.group_size = static_cast<std::int32_t>(
          std::min<std::int64_t>(event.comm.group_size, std::numeric_limits<std::int32_t>::max()));
      operators_.push_back(op);
      break;
    }
    default: break;
  }
}

void KinetoReader::TakeKernel(const TraceEvent& event) {
  ++trace_.kernels;
  kernel_ns_ += event.duration_ns;
  Use(event.name, event.duration_ns);
  const Interval when{event.from_ns, event.from_ns + event.duration_ns};
  if (!IsCommKernel(event.name) && event.comm.collective.empty()) {
    compute_.Add(when);
    return;
  }
  ++trace_.comm_kernels;
  comm_ns_ += event.duration_ns;
  comm_.Add(when);
  if (trace_.comm.size() >= kMaxComm) {
    trace_.refused.add(base::Reason::oversize, 1, "a collective beyond those kept one by one");
    return;
  }
  CommKernel kernel;
  kernel.from_ns = event.from_ns;
  kernel.duration_ns = event.duration_ns;
  kernel.correlation = event.correlation;
  kernel.external = event.external;
  kernel.stream = static_cast<std::int32_t>(event.stream & 0x7fffffff);
  if (event.stream < 0) kernel.stream = -1;
  kernel.operation = Operation(event.comm.collective, event.name);
  kernel.algorithm = KernelAlgorithm(event.name);
  kernel.protocol = KernelProtocol(event.name);
  if (!event.comm.collective.empty()) {
    kernel.bytes = BytesOf(event.comm, kernel.operation);
    kernel.seq = event.comm.seq;
    kernel.group = Group(event.comm);
    kernel.group_size = static_cast<std::int32_t>(
        std::min<std::int64_t>(event.comm.group_size, std::numeric_limits<std::int32_t>::max()));
  }
  trace_.comm.push_back(kernel);
}

void KinetoReader::Use(std::string_view name, std::int64_t duration_ns) {
  auto found = use_of_.find(name);
  if (found == use_of_.end()) {
    if (uses_.size() >= kMaxNames) name = kOtherKernels;
    found = use_of_.find(name);
    if (found == use_of_.end()) {
      uses_.emplace_back();
      uses_.back().name = name;
      uses_.back().shortest_ns = duration_ns;
      found = use_of_.emplace(uses_.back().name, uses_.size() - 1).first;
    }
  }
  KernelUse& use = uses_[found->second];
  if (use.count % stride_ == 0) {
    use.sample_s.push_back(static_cast<float>(Seconds(duration_ns)));
    if (++samples_ >= kMaxSample) ThinSamples();
  }
  ++use.count;
  use.total_ns += duration_ns;
  use.longest_ns = std::max(use.longest_ns, duration_ns);
  use.shortest_ns = std::min(use.shortest_ns, duration_ns);
  if (duration_ns == 0) {
    ++use.zeros;
    return;
  }
  // OTLP's index: the value lies in (base^index, base^(index + 1)], base = 2^(2^-scale).
  const double exact = std::log2(Seconds(duration_ns)) * (1 << KernelUse::kScale);
  const int index = static_cast<int>(std::ceil(exact)) - 1 - KernelUse::kFirstBucket;
  const auto bucket = static_cast<std::size_t>(std::max(index, 0));
  if (bucket >= use.buckets.size()) use.buckets.resize(bucket + 1);
  ++use.buckets[bucket];
}

// Keeps every other duration of each name, and from now on half as many.
void KinetoReader::ThinSamples() {
  stride_ *= 2;
  samples_ = 0;
  for (KernelUse& use : uses_) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < use.sample_s.size(); i += 2) use.sample_s[kept++] = use.sample_s[i];
    use.sample_s.resize(kept);
    use.sample_s.shrink_to_fit();
    samples_ += kept;
  }
}

void KinetoReader::Finish(const TraceCutter& cutter) {
  trace_.bytes = cutter.bytes();
  trace_.cut = cutter.cut();
  if (trace_.cut)
    trace_.why_cut =
        cutter.failure().ok() ? "the input ends inside the trace" : cutter.failure().message();
  base::Refusals& refused = trace_.refused;
  if (cutter.oversize() > 0)
    refused.add(base::Reason::oversize, cutter.oversize(), "a trace event longer than 8 MiB");
  if (cutter.strangers() > 0)
    refused.add(base::Reason::malformed, cutter.strangers(), "a trace event that is no object");
  if (trace_.cut) refused.add(base::Reason::malformed, 1, trace_.why_cut);
  if (cutter.frame_lost())
    refused.add(base::Reason::oversize, 1, "what stands around the events is longer than 8 MiB");
  FinishFrame(cutter.frame());
  FinishBusy();
  FinishComm();
  trace_.uses.assign(std::make_move_iterator(uses_.begin()), std::make_move_iterator(uses_.end()));
  std::sort(trace_.uses.begin(), trace_.uses.end(), [](const KernelUse& a, const KernelUse& b) {
    return a.total_ns != b.total_ns ? a.total_ns > b.total_ns : a.name < b.name;
  });
  trace_.uses_sampled = stride_ > 1;
}

void KinetoReader::FinishBusy() {
  const bool any = trace_.has_device();
  trace_.kernel_s = any ? Seconds(kernel_ns_) : kNan;
  trace_.comm_s = any ? Seconds(comm_ns_) : kNan;
  trace_.memcpy_s = any ? Seconds(copy_ns_) : kNan;
  for (const auto& [device, n] : devices_) trace_.devices += n > 0 ? 1 : 0;
  const Intervals &compute = compute_.Finish(), &comm = comm_.Finish(), &copies = copies_.Finish();
  const Intervals all = Union(Union(Union(compute, comm), copies), sets_.Finish());
  trace_.closed_gaps_s =
      Seconds(compute_.closed_ns() + comm_.closed_ns() + copies_.closed_ns() + sets_.closed_ns());
  trace_.busy_s = any ? Seconds(Length(all)) : kNan;
  trace_.compute_s = any ? Seconds(Length(compute)) : kNan;
  trace_.comm_busy_s = any ? Seconds(Length(comm)) : kNan;
  trace_.comm_exposed_s = any ? Seconds(Exposed(comm, compute)) : kNan;
  // Several devices in one trace: "some device is busy" says nothing about idle time.
  trace_.idle_s = any && trace_.devices == 1
                      ? Seconds(trace_.device_span.to - trace_.device_span.from) - trace_.busy_s
                      : kNan;
  trace_.idle_s = trace_.idle_s < 0 ? 0 : trace_.idle_s;
  std::sort(trace_.steps.begin(), trace_.steps.end(),
            [](const TraceStep& a, const TraceStep& b) { return a.window.from < b.window.from; });
  for (TraceStep& step : trace_.steps) {
    const Intervals own = Clip(compute, step.window), talk = Clip(comm, step.window);
    step.compute_s = any ? Seconds(Length(own)) : kNan;
    step.comm_s = any ? Seconds(Length(talk)) : kNan;
    step.comm_exposed_s = any ? Seconds(Exposed(talk, own)) : kNan;
    step.memcpy_s = any ? Seconds(Length(Clip(copies, step.window))) : kNan;
    step.idle_s = any && trace_.devices == 1
                      ? Seconds(step.window.to - step.window.from - Length(Clip(all, step.window)))
                      : kNan;
  }
}

}  // namespace strata::l2_comm
