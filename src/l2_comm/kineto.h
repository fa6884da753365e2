// SPDX-License-Identifier: Apache-2.0
// What a Kineto trace (torch.profiler; Chrome trace events) says about one rank: kernels by name,
// communication and what of it was exposed, copies, idle time, steps. Read as a stream: memory is
// bounded by the limits below, whatever the trace's size. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/drop.h"
#include "base/status.h"
#include "base/stream.h"
#include "l2_comm/intervals.h"
#include "l2_comm/trace_cutter.h"
#include "l2_comm/trace_event.h"

namespace strata::l2_comm {

// How a kernel of one name used the device.
struct KernelUse {
  static constexpr int kScale = 3;  // exponential buckets as OTLP has them: eight per doubling
  std::string name;
  std::uint64_t count = 0, zeros = 0;
  std::int64_t total_ns = 0, longest_ns = 0, shortest_ns = 0;
  std::vector<float> sample_s;               // every 1st, 2nd, 4th … duration
  std::vector<std::uint32_t> buckets;        // index kFirstBucket + i
  static constexpr int kFirstBucket = -240;  // 2^-30 s, just below 1 ns

  // Quantile of the durations kept, linear between neighbours; seconds. NaN when there are none.
  double Quantile(double q) const;
};

// One rank's part in one collective, as a kernel on its device.
struct CommKernel {
  std::int64_t from_ns = 0, duration_ns = 0;
  std::int64_t correlation = -1, external = -1;
  std::int64_t seq = -1, bytes = -1;  // -1 = not told
  std::int32_t stream = -1, group_size = -1;
  std::uint32_t group = 0;                          // index into KinetoTrace::groups; 0 = not told
  std::string_view operation, algorithm, protocol;  // static texts; "" = not told
};

struct TraceStep {
  std::int64_t number = 0;
  Interval window;  // on the CPU
  double compute_s = 0, comm_s = 0, comm_exposed_s = 0, memcpy_s = 0, idle_s = 0;
};

// A trace, read to its end. Times are in the trace's own clock; base_ns is what makes them
// nanoseconds since the epoch. Seconds are NaN where the trace has no device activity.
struct KinetoTrace {
  std::string name;  // of the file
  std::optional<std::int64_t> rank, world_size;
  std::string device, backend;  // "" = not told
  std::optional<std::int64_t> base_ns;
  std::uint64_t bytes = 0, events = 0, kernels = 0, comm_kernels = 0;
  bool cut = false;
  std::string why_cut;
  Interval span, device_span;  // of all that lasts; of what the device did
  std::size_t devices = 0;
  double kernel_s = 0, comm_s = 0, memcpy_s = 0;  // sums of durations: beyond the span when streams
                                                  // overlap
  double busy_s = 0, compute_s = 0, comm_busy_s = 0, comm_exposed_s = 0, idle_s = 0;  // of unions
  double closed_gaps_s = 0;     // by how much the unions may be too long
  std::vector<KernelUse> uses;  // by total time, longest first
  bool uses_sampled = false;    // quantiles are of every n-th duration
  std::vector<TraceStep> steps;
  std::vector<std::string> groups{""};  // names of communicators
  std::vector<CommKernel> comm;         // by start
  base::Refusals refused;

  // What makes this trace's times nanoseconds since the epoch; a trace that does not tell ended
  // now.
  std::int64_t EpochOffset(std::int64_t now_ns) const;
  bool has_device() const { return device_span.from < device_span.to || kernels > 0; }
};

class KinetoReader {
 public:
  static constexpr std::size_t kMaxNames = 10'000;      // kernels by name; the rest is one
  static constexpr std::size_t kMaxSample = 2'000'000;  // durations kept for quantiles
  static constexpr std::size_t kMaxComm = 400'000;      // collectives kept one by one
  static constexpr std::size_t kMaxCalls = 1'000'000;   // launches kept to find their operator
  static constexpr std::size_t kMaxUnion = 400'000;     // pieces of busy time
  static constexpr std::size_t kMaxSteps = 10'000;
  static constexpr std::size_t kMaxGroups = 65'536;

  // The whole trace. Not ok when the stream holds no list of events; a trace that is cut short or
  // holds damaged events is read as far as it goes and says so.
  static base::Result<KinetoTrace> Read(base::InputStream* stream);

 private:
  // Arguments that an operator on the CPU tells about the collective it launched.
  struct Operator {
    std::int64_t external = -1, bytes = -1, seq = -1;
    std::uint32_t group = 0;
    std::int32_t group_size = -1;
    std::string_view operation;
  };

  void Take(const TraceEvent& event);
  void TakeKernel(const TraceEvent& event);
  void Use(std::string_view name, std::int64_t duration_ns);
  void ThinSamples();
  std::uint32_t Group(const CollectiveArgs& args);
  std::uint32_t Group(const std::string& name);
  bool InTime(const TraceEvent& event);

  void Finish(const TraceCutter& cutter);
  void FinishFrame(const std::string& frame);
  void FinishBusy();
  void FinishComm();

  KinetoTrace trace_;
  std::unordered_map<std::string_view, std::size_t> use_of_;
  std::deque<KernelUse> uses_;  // names stay where they are
  std::size_t samples_ = 0, stride_ = 1;
  std::string last_name_;
  std::unordered_map<std::string, std::uint32_t> group_of_;
  std::vector<Operator> operators_;
  std::vector<std::pair<std::int64_t, std::int64_t>> launches_;  // correlation, external id
  std::unordered_map<std::int64_t, std::uint64_t> devices_;      // kernels by device
  UnionCollector compute_{kMaxUnion}, comm_{kMaxUnion}, copies_{kMaxUnion}, sets_{kMaxUnion};
  std::int64_t copy_ns_ = 0, kernel_ns_ = 0, comm_ns_ = 0;
  std::optional<std::int64_t> anchor_ns_;
  std::vector<std::pair<std::int64_t, std::string>> device_names_;
  std::unordered_map<std::string, std::string> configured_;  // group's name -> communicator
};

}  // namespace strata::l2_comm
