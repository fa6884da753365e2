// SPDX-License-Identifier: Apache-2.0
// One event of a Kineto trace: what it is, when it ran, and what it says about the collective it is
// part of. Knows the names that PyTorch's profiler gives on NVIDIA and AMD, old and new. One
// thread.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace strata::l2_comm {

// What a kernel, or the CPU operator that launched it, tells of its collective. Views into the
// event.
struct CollectiveArgs {
  std::string_view collective;                 // "allreduce", "_allgather_base", …; "" = not told
  std::string_view group, description, ranks;  // process group: name, description, "[0, 1]"
  std::string_view dtype;                      // "Float", "BFloat16", …
  std::int64_t in_elements = -1, out_elements = -1, group_size = -1, seq = -1;
};

struct TraceEvent {
  enum class What : std::uint8_t {
    other,    // something that lasts, of no interest but for its time
    instant,  // an event without a duration: flows, counters, metadata
    kernel,
    memcpy,
    memset,
    step,        // ProfilerStep#N on the CPU
    collective,  // the CPU operator that gives a collective its arguments
    launch,      // a runtime or driver call that launches kernels
    window,      // the profiler's own record of what it recorded
  };
  What what = What::other;
  std::string_view name;  // unescaped where `what` is kernel or step, else ""
  std::int64_t from_ns = 0, duration_ns = 0;
  std::int64_t device = -1, stream = -1, correlation = -1, external = -1;  // -1 = not told
  CollectiveArgs comm;
};

// Reads events one by one. Views in the event are valid until the next call.
class EventReader {
 public:
  enum class Verdict : std::uint8_t { ok, malformed, no_time, negative };
  // `text` has simdjson's padding behind it. no_time: the time or duration of an event that lasts
  // is missing or no number; negative: its duration is below zero.
  Verdict Read(std::string_view text, TraceEvent* event);

 private:
  bool ReadArgs(std::string_view text, TraceEvent* event);
  std::string_view Unescape(std::string_view raw);

  simdjson::ondemand::parser outer_, inner_;
  simdjson::ondemand::document name_document_;
  std::string name_;  // of an event whose name holds escapes
};

// Microseconds as they stand in the text ("1682725898236567.125", "1.5e3") as nanoseconds, exact to
// the third decimal. False when it is no finite number or does not fit.
bool ParseMicros(std::string_view token, std::int64_t* ns);

// A kernel that moves data between ranks, by its name.
bool IsCommKernel(std::string_view kernel);
// The operation by the name of the collective ("_allgather_base") or else of the kernel
// ("ncclDevKernel_AllGather_RING_LL(…)"), as interface.md spells it; "" when neither tells.
std::string_view Operation(std::string_view collective, std::string_view kernel);
// NCCL's algorithm and protocol as the kernel's name has them, in the Inspector's spelling ("RING",
// "LL"); "" when it does not.
std::string_view KernelAlgorithm(std::string_view kernel);
std::string_view KernelProtocol(std::string_view kernel);
// Bytes of an element of a torch dtype; 0 when unknown.
std::int64_t ElementBytes(std::string_view dtype);

}  // namespace strata::l2_comm
