// SPDX-License-Identifier: Apache-2.0
// NCCL Inspector's JSON lines: a record per rank and collective (or per point-to-point transfer).
// Any thread.
#include <simdjson.h>

#include <cmath>
#include <limits>

#include "l2_comm/l2_comm.h"

namespace strata::l2_comm {
namespace {

namespace dom = simdjson::dom;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kMaxExecUs = 1e12;  // eleven days
constexpr double kGiga = 1e9;        // decimal, as nccl-tests and the inspector count

std::string Text(const dom::element& object, const char* key) {
  std::string_view text;
  if (object[key].get(text) == simdjson::SUCCESS) return std::string(text);
  return {};
}

// Numbers stand as integers or as floats; negative and unreadable ones are "not told".
bool Number(const dom::element& object, const char* key, double* out) {
  double value = 0;
  if (object[key].get(value) != simdjson::SUCCESS || !std::isfinite(value) || value < 0)
    return false;
  *out = value;
  return true;
}

bool Integer(const dom::element& object, const char* key, std::uint64_t* out) {
  return object[key].get(*out) == simdjson::SUCCESS;
}

// Microseconds since the epoch as nanoseconds; 0 when they do not fit.
std::int64_t MicrosToNs(std::uint64_t us) {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / 1000);
  return us > kMax ? 0 : static_cast<std::int64_t>(us) * 1000;
}

// When the first kernel of a verbose record started; 0 when the record is terse.
std::int64_t FirstKernelNs(const dom::element& perf) {
  dom::element trace;
  if (perf["event_trace_ts"].get(trace) != simdjson::SUCCESS) return 0;
  std::uint64_t first = 0;
  dom::array kernels;
  if (trace["kernel_events"].get(kernels) == simdjson::SUCCESS) {
    for (const dom::element kernel : kernels) {
      std::uint64_t at = 0;
      if (Integer(kernel, "kernel_start_ts", &at) && at > 0 && (first == 0 || at < first))
        first = at;
    }
  }
  if (first == 0 && !Integer(trace, "coll_start_ts", &first))
    Integer(trace, "p2p_start_ts", &first);
  return MicrosToNs(first);
}

struct Names {
  const char *operation, *seq, *bytes, *exec, *algbw, *busbw;
};
constexpr Names kCollective = {
    "coll",          "coll_sn", "coll_msg_size_bytes", "coll_exec_time_us", "coll_algobw_gbs",
    "coll_busbw_gbs"};
constexpr Names kPeer = {
    "p2p", "p2p_sn", "p2p_msg_size_bytes", "p2p_exec_time_us", "p2p_algobw_gbs", "p2p_busbw_gbs"};

// False when the line is no record.
bool MakeRow(const dom::element& line, const wire::Context& context, model::Collective* row) {
  dom::element header, metadata, perf;
  if (line["header"].get(header) != simdjson::SUCCESS) return false;
  const bool has_metadata = line["metadata"].get(metadata) == simdjson::SUCCESS;
  const Names* names = &kCollective;
  if (line["coll_perf"].get(perf) != simdjson::SUCCESS) {
    if (line["p2p_perf"].get(perf) != simdjson::SUCCESS) return false;
    names = &kPeer;
  }
  row->communicator = Text(header, "id");
  row->operation = Text(perf, names->operation);
  std::uint64_t rank = 0, nranks = 0;
  double exec_us = 0;
  if (row->communicator.empty() || row->operation.empty() || !Integer(header, "rank", &rank) ||
      !Integer(header, "n_ranks", &nranks) || !Integer(perf, names->seq, &row->seq) ||
      !Number(perf, names->exec, &exec_us) || exec_us > kMaxExecUs || nranks > kMaxRanks ||
      rank >= nranks) {
    return false;
  }
  row->rank = static_cast<std::int32_t>(rank);
  row->nranks = static_cast<std::int32_t>(nranks);
  Integer(perf, names->bytes, &row->bytes);
  row->duration_s = exec_us / 1e6;
  double gbs = 0;
  row->algbw = Number(perf, names->algbw, &gbs) ? gbs * kGiga : kNan;
  row->busbw = Number(perf, names->busbw, &gbs) ? gbs * kGiga : kNan;
  row->start_ns = FirstKernelNs(perf);
  if (has_metadata) {
    row->node = Text(metadata, "hostname");
    std::uint64_t dumped = 0;
    if (row->start_ns == 0 && Integer(metadata, "dump_timestamp_us", &dumped)) {
      row->start_ns = MicrosToNs(dumped) - static_cast<std::int64_t>(exec_us * 1e3);
    }
  }
  if (row->start_ns <= 0) row->start_ns = context.now_ns;
  row->algorithm = Text(perf, "coll_algo");
  row->protocol = Text(perf, "coll_proto");
  if (context.resource != nullptr) {
    if (row->node.empty()) row->node = context.resource->get("host.name");
    row->gpu = context.resource->get("hw.id");
  }
  row->origin = context.origin;
  return true;
}

bool Admit(const wire::Context& context, model::Collective* row) {
  if (__builtin_add_overflow(row->start_ns, context.shift_ns, &row->start_ns)) return false;
  return context.max_ahead_ns <= 0 || row->start_ns <= context.now_ns ||
         row->start_ns - context.now_ns <= context.max_ahead_ns;
}

}  // namespace

base::Status DecodeInspector(std::string_view text, const wire::Context& context,
                             model::Batch* batch, InspectorFacts* facts) {
  InspectorFacts own;
  InspectorFacts& f = facts != nullptr ? *facts : own;
  dom::parser parser;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty()) continue;
    ++f.lines;
    model::Collective row;
    dom::element element;
    if (parser.parse(line.data(), line.size()).get(element) != simdjson::SUCCESS ||
        !MakeRow(element, context, &row)) {
      ++f.bad_lines;
      batch->refused.add(base::Reason::malformed, 1, "an inspector line that is no record");
      continue;
    }
    if (!Admit(context, &row)) {
      batch->refused.add(base::Reason::future, 1, "a collective ahead of the clock");
      continue;
    }
    ++f.records;
    ++f.operations[row.operation];
    ++f.communicators[row.communicator];
    batch->collectives.push_back(std::move(row));
  }
  if (f.records == 0 && f.bad_lines > 0)
    return base::Invalid("no line is an NCCL Inspector record");
  return base::Status::Ok();
}

bool LooksInspector(std::string_view head) {
  const std::size_t at = head.find_first_not_of(" \t\r\n");
  if (at == std::string_view::npos || head[at] != '{') return false;
  return head.find("\"coll_perf\"") != std::string_view::npos ||
         head.find("\"p2p_perf\"") != std::string_view::npos ||
         head.find("\"inspector_output_format_version\"") != std::string_view::npos;
}

base::Result<bool> ReadInspector(const base::InputFile& file, const wire::Context& context,
                                 model::Batch* batch, base::Json* report) {
  InspectorFacts facts;
  if (base::Status status = DecodeInspector(file.bytes, context, batch, &facts); !status.ok())
    return status.With(file.name);
  if (report != nullptr) {
    report->set("layer", "l2_comm").set("report", "inspector").set("records", facts.records);
    report->set("communicators", static_cast<std::uint64_t>(facts.communicators.size()));
    base::Json operations = base::Json::MakeObject();
    for (const auto& [operation, n] : facts.operations) operations.set(operation, n);
    report->set("operations", std::move(operations)).set("refused", batch->refused.total());
  }
  return true;
}

}  // namespace strata::l2_comm
