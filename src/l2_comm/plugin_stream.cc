// SPDX-License-Identifier: Apache-2.0
#include "l2_comm/plugin_stream.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "l2_comm/l2_comm.h"

namespace strata::l2_comm {
namespace {

using std::string_view;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kHeader = 24;
constexpr std::int64_t kMinuteNs = 60'000'000'000;
constexpr std::int64_t kLongest = 1'000'000'000'000'000;  // eleven days, as the inspector's reader
enum class Type : std::uint16_t { process = 1, communicator = 2, event = 3, end = 4, counts = 5 };

template <typename T>
T At(string_view bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// Text up to its first zero byte; control characters and bytes beyond ASCII become '?', since these
// names end up as labels.
std::string Text(string_view bytes, std::size_t at, std::size_t length) {
  const string_view padded = bytes.substr(at, length);
  std::string text(padded.substr(0, padded.find('\0')));
  for (char& c : text) {
    if (c < 0x20 || c > 0x7E) c = '?';
  }
  return text;
}

std::string GpuName(string_view uuid) {
  std::string name = "GPU-";
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) name += '-';
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02x", static_cast<unsigned char>(uuid[i]));
    name += hex;
  }
  return name;
}

// The size that nccl-tests bandwidths are defined on, of one rank's count.
double MessageBytes(string_view operation, double bytes, std::int32_t nranks) {
  for (const string_view spread : {"AllGather", "ReduceScatter", "AllToAll", "Gather", "Scatter"}) {
    if (operation == spread) return nranks > 0 ? bytes * nranks : kNan;
  }
  return bytes;
}

}  // namespace

std::uint64_t DatatypeBytes(string_view name) {
  if (name.starts_with("nccl")) name.remove_prefix(4);
  const std::pair<string_view, std::uint64_t> kSizes[] = {
      {"Int8", 1},       {"Char", 1},      {"Uint8", 1},   {"Int32", 4},   {"Int", 4},
      {"Uint32", 4},     {"Int64", 8},     {"Uint64", 8},  {"Float16", 2}, {"Half", 2},
      {"Float32", 4},    {"Float", 4},     {"Float64", 8}, {"Double", 8},  {"Bfloat16", 2},
      {"Float8e4m3", 1}, {"Float8e5m2", 1}};
  for (const auto& [known, bytes] : kSizes) {
    if (name == known) return bytes;
  }
  return 0;
}

base::Status PluginStream::Decode(string_view frame, const wire::Context& context,
                                  model::Batch* batch) {
  const auto refuse = [&](base::Reason reason, const char* why) {
    batch->refused.add(reason, 1, why);
    return base::Invalid(why);
  };
  if (frame.size() < kHeader || frame.size() > kMaxFrame || frame.substr(0, 4) != "STNC")
    return refuse(base::Reason::malformed, "no frame of the NCCL plugin");
  if (At<std::uint16_t>(frame, 4) != 1)
    return refuse(base::Reason::unsupported, "a frame of another version of the NCCL plugin");
  if (At<std::uint32_t>(frame, 8) != frame.size())
    return refuse(base::Reason::malformed, "an NCCL frame whose length is wrong");
  // All lengths before the first record is believed.
  const std::uint16_t records = At<std::uint16_t>(frame, 6);
  std::size_t at = kHeader;
  for (std::uint16_t i = 0; i < records; ++i) {
    if (frame.size() - at < 8) return refuse(base::Reason::malformed, "an NCCL frame cut short");
    const std::size_t length = At<std::uint16_t>(frame, at + 2);
    if (length < 8 || length % 8 != 0 || length > frame.size() - at)
      return refuse(base::Reason::malformed, "a record beyond its NCCL frame");
    at += length;
  }
  if (at != frame.size())
    return refuse(base::Reason::malformed, "an NCCL frame with more bytes than records");
  pid_ = At<std::uint32_t>(frame, 12);
  const std::uint64_t number = At<std::uint64_t>(frame, 16);
  if (next_ != 0 && number > next_) missing_ += number - next_;
  next_ = number + 1;
  ++frames_;

  for (at = kHeader; at < frame.size();) {
    const auto type = static_cast<Type>(At<std::uint16_t>(frame, at));
    const string_view record = frame.substr(at, At<std::uint16_t>(frame, at + 2));
    at += record.size();
    const auto whole = [&](std::size_t bytes) {
      if (record.size() >= bytes) return true;
      batch->refused.add(base::Reason::malformed, 1, "a record of the NCCL plugin that is short");
      return false;
    };
    switch (type) {
      case Type::process:
        if (whole(96)) Process(record);
        break;
      case Type::communicator:
        if (whole(192)) NewCommunicator(record, context, batch);
        break;
      case Type::event:
        if (whole(240)) Event(record, context, batch);
        break;
      case Type::end:
        if (whole(16)) communicators_.erase(At<std::uint32_t>(record, 4));
        break;
      case Type::counts:
        if (whole(72)) std::memcpy(&counts_, record.data() + 8, sizeof counts_);
        break;
      default: break;  // a later plugin
    }
  }
  return base::Status::Ok();
}

void PluginStream::Process(string_view record) { host_ = Text(record, 32, 64); }

void PluginStream::NewCommunicator(string_view record, const wire::Context& context,
                                   model::Batch* batch) {
  const std::uint32_t number = At<std::uint32_t>(record, 4);
  if (communicators_.size() >= kMaxCommunicators && communicators_.count(number) == 0) {
    batch->refused.add(base::Reason::series_limit, 1, "too many communicators of one process");
    return;
  }
  PluginCommunicator c;
  char id[24];
  std::snprintf(id, sizeof id, "0x%llx",
                static_cast<unsigned long long>(At<std::uint64_t>(record, 8)));
  c.id = id;
  c.rank = At<std::int32_t>(record, 16);
  c.nranks = std::max(At<std::int32_t>(record, 20), 0);
  c.nnodes = std::max(At<std::int32_t>(record, 24), 0);
  c.abi = static_cast<unsigned char>(record[28]);
  if (c.rank < 0 || c.nranks > 1 << 24 || (c.nranks > 0 && c.rank >= c.nranks)) {
    batch->refused.add(base::Reason::malformed, 1, "a communicator without a rank of its own");
    return;
  }
  if (record[29] != 0) c.gpu = GpuName(record.substr(32, 16));
  c.name = Text(record, 48, 128);
  model::Entity entity{"communicator", c.id, c.name, {{"communicator", c.id}}, 0, context.origin};
  entity.seen_ns = context.now_ns;
  if (c.nranks > 0) entity.attributes.set("nranks", std::to_string(c.nranks));
  if (c.nnodes > 0) entity.attributes.set("nnodes", std::to_string(c.nnodes));
  batch->entities.push_back(std::move(entity));
  communicators_[number] = std::move(c);
}

// Start and duration; see "How a row is made" in the format.
void PluginStream::Times(string_view record, const PluginCommunicator& c, model::Collective* row) {
  const auto enqueued = At<std::int64_t>(record, 40), begun = At<std::int64_t>(record, 48),
             ended = At<std::int64_t>(record, 56);
  const auto gpu_start = At<std::int64_t>(record, 64), gpu_end = At<std::int64_t>(record, 72);
  const int timing = record[6];
  row->duration_s = kNan;
  row->start_ns = begun > 0 ? begun : enqueued;
  if (!row->done || timing == 0) return;
  const bool gpu = timing == 1 && gpu_start > 0 && gpu_end >= gpu_start;
  const std::int64_t took = gpu ? gpu_end - gpu_start : ended - begun;
  if (begun <= 0 || took < 0 || took > kLongest) return;
  row->duration_s = static_cast<double>(took) / 1e9;
  if (!gpu || ended <= 0) return;
  if (offsets_.size() > kMaxCommunicators) offsets_.clear();  // long-lived, ever new communicators
  Offset& offset = offsets_[c.gpu.empty() ? c.id : c.gpu];
  const std::int64_t minute = ended / kMinuteNs;
  if (minute != offset.minute) {
    offset.before = minute == offset.minute + 1 ? offset.now : Offset::kUnknown;
    offset.now = Offset::kUnknown;
    offset.minute = minute;
  }
  std::int64_t gap = 0, start = 0;
  if (__builtin_sub_overflow(ended, gpu_end, &gap)) return;
  offset.now = std::min(offset.now, gap);
  if (!__builtin_add_overflow(gpu_start, offset.best(), &start) && start > 0) row->start_ns = start;
}

void PluginStream::Event(string_view record, const wire::Context& context, model::Batch* batch) {
  const auto found = communicators_.find(At<std::uint32_t>(record, 8));
  if (found == communicators_.end()) {
    batch->refused.add(base::Reason::unnamed, 1, "an event of a communicator that was not told");
    return;
  }
  const PluginCommunicator& c = found->second;
  model::Collective row;
  row.communicator = c.id;
  row.rank = c.rank;
  row.nranks = c.nranks;
  row.gpu = c.gpu;
  row.done = record[5] != 0;
  row.seq = At<std::uint64_t>(record, 16);
  row.operation = Text(record, 104, 40);
  if (row.operation == "AlltoAll") row.operation = "AllToAll";
  row.algorithm = Text(record, 168, 40);
  row.protocol = Text(record, 208, 24);
  if (record[4] == 3 && row.algorithm.empty()) row.algorithm = "COPY_ENGINE";
  Times(record, c, &row);
  if (row.operation.empty() || row.start_ns <= 0) {
    batch->refused.add(base::Reason::malformed, 1, "an event without an operation or a time");
    return;
  }
  if (__builtin_add_overflow(row.start_ns, context.shift_ns, &row.start_ns) ||
      (context.max_ahead_ns > 0 && row.start_ns > context.now_ns &&
       row.start_ns - context.now_ns > context.max_ahead_ns)) {
    batch->refused.add(base::Reason::future, 1, "a collective ahead of the clock");
    return;
  }
  if (__builtin_mul_overflow(At<std::uint64_t>(record, 32), DatatypeBytes(Text(record, 144, 24)),
                             &row.bytes) ||
      row.bytes > std::uint64_t{1} << 62) {
    batch->refused.add(base::Reason::malformed, 1, "a collective of more bytes than there are");
    return;
  }
  row.algbw = row.busbw = kNan;
  if (row.duration_s > 0 && row.bytes > 0) {
    row.algbw =
        MessageBytes(row.operation, static_cast<double>(row.bytes), row.nranks) / row.duration_s;
    row.busbw = BusBandwidth(row.operation, row.algbw, row.nranks);
  }
  if (context.resource != nullptr) row.node = context.resource->get("host.name");
  if (row.node.empty()) row.node = host_;
  row.origin = context.origin;
  ++events_;
  batch->collectives.push_back(std::move(row));
}

}  // namespace strata::l2_comm
