// SPDX-License-Identifier: Apache-2.0
#include "l2_comm/trace_event.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace strata::l2_comm {
namespace {

namespace od = simdjson::ondemand;
using What = TraceEvent::What;

// Part of an event: what follows it in memory serves as padding.
simdjson::padded_string_view Padded(std::string_view text) {
  return simdjson::padded_string_view(text.data(), text.size(),
                                      text.size() + simdjson::SIMDJSON_PADDING);
}

// A key as it stands in the text, without its quotes.
std::string_view KeyOf(od::field* field) {
  const char* raw = field->key().raw();
  std::size_t n = 0;
  // Keys of interest are short and hold no escape; padding makes the read safe.
  while (n < 40 && raw[n] != '"') ++n;
  return {raw, n};
}

// A string's text as it stands, escapes and all, or a bare token's; "" for lists and objects.
std::string_view Scalar(od::value value) {
  std::string_view token = value.raw_json_token();
  while (!token.empty() && (token.back() == ' ' || token.back() == '\n' || token.back() == '\r' ||
                            token.back() == '\t' || token.back() == ','))
    token.remove_suffix(1);
  if (token.empty() || token[0] == '{' || token[0] == '[') return {};
  if (token[0] != '"') return token;
  token.remove_prefix(1);
  if (!token.empty() && token.back() == '"') token.remove_suffix(1);
  return token;
}

std::int64_t Whole(od::value value) {
  const std::string_view text = Scalar(value);
  std::int64_t out = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && out >= 0 && (end == text.data() + text.size() || *end == '.') ? out
                                                                                               : -1;
}

// A list as it stands ("[0, 1]"), also where the writer made a string of it.
std::string_view ListText(od::value value) {
  od::json_type type;
  if (value.type().get(type) == simdjson::SUCCESS && type == od::json_type::array) {
    od::array list;
    std::string_view raw;
    if (value.get_array().get(list) != simdjson::SUCCESS ||
        list.raw_json().get(raw) != simdjson::SUCCESS)
      return {};
    return raw;
  }
  return Scalar(value);
}

bool SameNoCase(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] + 32) : a[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// By category; `kernel`, `Kernel` (before 1.11) and so on. Names refine it later.
What ByCategory(std::string_view cat) {
  if (SameNoCase(cat, "cpu_op")) return What::other;  // most are
  if (SameNoCase(cat, "kernel")) return What::kernel;
  if (SameNoCase(cat, "gpu_memcpy") || SameNoCase(cat, "memcpy")) return What::memcpy;
  if (SameNoCase(cat, "gpu_memset") || SameNoCase(cat, "memset")) return What::memset;
  if (SameNoCase(cat, "trace")) return What::window;
  for (const std::string_view runtime :
       {"cuda_runtime", "cuda_driver", "runtime", "hip_runtime", "privateuse1_runtime"}) {
    if (SameNoCase(cat, runtime)) return What::launch;
  }
  return What::other;
}

// Flows and metadata are half of many traces, and their first key says so.
bool InstantAtSight(std::string_view text) {
  std::size_t i = 1;
  const auto spaces = [&] {
    while (i < text.size() && (text[i] == ' ' || text[i] == '\n')) ++i;
  };
  spaces();
  if (!text.substr(i).starts_with("\"ph\":")) return false;
  i += 5;
  spaces();
  return i + 2 < text.size() && text[i] == '"' && text[i + 1] != 'X' && text[i + 2] == '"';
}

// What only the name tells.
What Refine(What what, std::string_view cat, std::string_view name) {
  if (what == What::launch)
    return name.find("aunch") != std::string_view::npos ? What::launch : What::other;
  if (what != What::other) return what;
  if (name == "record_param_comms") return What::collective;
  if (name.starts_with("ProfilerStep#") && !SameNoCase(cat, "gpu_user_annotation"))
    return What::step;
  return What::other;
}

}  // namespace

bool ParseMicros(std::string_view token, std::int64_t* ns) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max() / 1000 - 1;
  std::size_t i = 0;
  const bool minus = !token.empty() && token[0] == '-';
  if (minus) ++i;
  std::int64_t whole = 0, part = 0;
  const std::size_t digits = i;
  for (; i < token.size() && token[i] >= '0' && token[i] <= '9'; ++i) {
    whole = whole * 10 + (token[i] - '0');
    if (whole > kMax) return false;
  }
  if (i == digits) return false;
  if (i < token.size() && token[i] == '.') {
    std::int64_t unit = 100;
    for (++i; i < token.size() && token[i] >= '0' && token[i] <= '9'; ++i, unit /= 10)
      part += (token[i] - '0') * unit;
  }
  if (i < token.size()) {  // an exponent, or no number
    double value = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
    if (error != std::errc() || end != token.data() + token.size() || !std::isfinite(value) ||
        std::abs(value) > static_cast<double>(kMax))
      return false;
    *ns = std::llround(value * 1000);
    return true;
  }
  *ns = minus ? -(whole * 1000 + part) : whole * 1000 + part;
  return true;
}

bool EventReader::ReadArgs(std::string_view text, TraceEvent* event) {
  od::document document;
  if (inner_.iterate(Padded(text)).get(document) != simdjson::SUCCESS) return false;
  od::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS) return false;
  for (auto result : object) {
    od::field field;
    if (std::move(result).get(field) != simdjson::SUCCESS) return false;
    const std::string_view key = KeyOf(&field);
    CollectiveArgs& comm = event->comm;
    switch (key.empty() ? 0 : key[0]) {
      case 'C':
        if (key == "Collective name") comm.collective = Scalar(field.value());
        break;
      case 'E':
        if (key == "External id") event->external = Whole(field.value());
        break;
      case 'G':
        if (key == "Group size") comm.group_size = Whole(field.value());
        break;
      case 'I':
        if (key == "In msg nelems") comm.in_elements = Whole(field.value());
        break;
      case 'O':
        if (key == "Out msg nelems") comm.out_elements = Whole(field.value());
        break;
      case 'P':
        if (key == "Process Group Name") comm.group = Scalar(field.value());
        if (key == "Process Group Description") comm.description = Scalar(field.value());
        if (key == "Process Group Ranks") comm.ranks = ListText(field.value());
        break;
      case 'S':
        if (key == "Seq") comm.seq = Whole(field.value());
        break;
      case 'c':
        if (key == "correlation") event->correlation = Whole(field.value());
        break;
      case 'd':
        if (key == "device") event->device = Whole(field.value());
        if (key == "dtype") comm.dtype = Scalar(field.value());
        break;
      case 'e':
        if (key == "external id") event->external = Whole(field.value());
        break;
      case 's':
        if (key == "stream") event->stream = Whole(field.value());
        break;
      default: break;
    }
  }
  return true;
}

EventReader::Verdict EventReader::Read(std::string_view text, TraceEvent* event) {
  *event = {};
  if (InstantAtSight(text)) {
    event->what = What::instant;
    return Verdict::ok;
  }
  od::document document;
  if (outer_.iterate(Padded(text)).get(document) != simdjson::SUCCESS) return Verdict::malformed;
  od::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS) return Verdict::malformed;
  std::string_view phase, cat, name, args, ts, duration;
  for (auto result : object) {
    od::field field;
    if (std::move(result).get(field) != simdjson::SUCCESS) return Verdict::malformed;
    const std::string_view key = KeyOf(&field);
    if (key == "ph") {
      phase = Scalar(field.value());
      if (phase != "X" && !phase.empty()) break;  // what it says is not asked
    } else if (key == "cat") {
      cat = Scalar(field.value());
    } else if (key == "name") {
      name = Scalar(field.value());
    } else if (key == "ts") {
      ts = Scalar(field.value());
    } else if (key == "dur") {
      duration = Scalar(field.value());
    } else if (key == "args") {
      od::object inner;
      if (field.value().get_object().get(inner) == simdjson::SUCCESS &&
          inner.raw_json().get(args) != simdjson::SUCCESS)
        return Verdict::malformed;
    }
  }
  if (phase != "X") {
    event->what = What::instant;
    return phase.empty() ? Verdict::malformed : Verdict::ok;
  }
  if (!ParseMicros(ts, &event->from_ns) || !ParseMicros(duration, &event->duration_ns))
    return Verdict::no_time;
  if (event->duration_ns < 0) return Verdict::negative;
  std::int64_t end = 0;
  if (__builtin_add_overflow(event->from_ns, event->duration_ns, &end)) return Verdict::no_time;
  event->what = Refine(ByCategory(cat), cat, name);
  switch (event->what) {
    case What::other:
    case What::window: return Verdict::ok;
    case What::kernel:
    case What::step:
      event->name = Unescape(name);
      if (event->name.empty()) return Verdict::malformed;
      break;
    default: break;
  }
  if (!args.empty() && event->what != What::step && !ReadArgs(args, event))
    return Verdict::malformed;
  return Verdict::ok;
}

// The text of a string; "" when it is none. Most hold no escape and stay where they are.
std::string_view EventReader::Unescape(std::string_view raw) {
  if (raw.find('\\') == std::string_view::npos) return raw;
  name_.assign(1, '"').append(raw).push_back('"');
  name_.reserve(name_.size() + simdjson::SIMDJSON_PADDING);
  std::string_view plain;
  if (inner_.iterate(name_).get(name_document_) != simdjson::SUCCESS ||
      name_document_.get_string().get(plain) != simdjson::SUCCESS)
    return {};
  name_.assign(plain);
  return name_;
}

bool IsCommKernel(std::string_view kernel) {
  return kernel.find("nccl") != std::string_view::npos ||
         kernel.find("rccl") != std::string_view::npos || kernel.starts_with("hccl");
}

std::string_view Operation(std::string_view collective, std::string_view kernel) {
  struct Spelling {
    std::string_view part, operation;
  };
  // Longer spellings first: "reduce_scatter" holds "reduce".
  static constexpr Spelling kCollectives[] = {{"reduce_scatter", "ReduceScatter"},
                                              {"allgather", "AllGather"},
                                              {"all_gather", "AllGather"},
                                              {"allreduce", "AllReduce"},
                                              {"all_reduce", "AllReduce"},
                                              {"all_to_all", "AllToAll"},
                                              {"alltoall", "AllToAll"},
                                              {"broadcast", "Broadcast"},
                                              {"barrier", "AllReduce"},
                                              {"reduce", "Reduce"},
                                              {"gather", "Gather"},
                                              {"scatter", "Scatter"},
                                              {"send", "Send"},
                                              {"recv", "Recv"}};
  for (const Spelling& s : kCollectives) {
    if (collective.find(s.part) != std::string_view::npos) return s.operation;
  }
  static constexpr Spelling kKernels[] = {{"ReduceScatter", "ReduceScatter"},
                                          {"AllGather", "AllGather"},
                                          {"AllReduce", "AllReduce"},
                                          {"AllToAll", "AllToAll"},
                                          {"Broadcast", "Broadcast"},
                                          {"SendRecv", "SendRecv"},
                                          {"Reduce", "Reduce"}};
  const std::string_view name = kernel.substr(0, kernel.find('('));
  for (const Spelling& s : kKernels) {
    if (name.find(s.part) != std::string_view::npos) return s.operation;
  }
  return {};
}

std::string_view KernelAlgorithm(std::string_view kernel) {
  const std::string_view name = kernel.substr(0, kernel.find('('));
  for (const std::string_view algorithm :
       {"NVLS_TREE", "NVLS", "COLLNET_DIRECT", "COLLNET_CHAIN", "RING", "TREE", "PAT"}) {
    const std::size_t at = name.find(algorithm);
    if (at != std::string_view::npos && at > 0 && name[at - 1] == '_') return algorithm;
  }
  return {};
}

std::string_view KernelProtocol(std::string_view kernel) {
  const std::string_view name = kernel.substr(0, kernel.find('('));
  for (const std::string_view protocol : {"_LL128", "_SIMPLE", "_LL"}) {
    if (name.find(protocol) != std::string_view::npos) return protocol.substr(1);
  }
  return {};
}

std::int64_t ElementBytes(std::string_view dtype) {
  struct Size {
    std::string_view dtype;
    std::int64_t bytes;
  };
  static constexpr Size kSizes[] = {
      {"Float", 4},          {"BFloat16", 2},     {"Half", 2},
      {"Double", 8},         {"Long", 8},         {"Int", 4},
      {"Short", 2},          {"Char", 1},         {"Byte", 1},
      {"Bool", 1},           {"ComplexFloat", 8}, {"ComplexDouble", 16},
      {"Float8_e4m3fn", 1},  {"Float8_e5m2", 1},  {"Float8_e4m3fnuz", 1},
      {"Float8_e5m2fnuz", 1}};
  for (const Size& s : kSizes) {
    if (s.dtype == dtype) return s.bytes;
  }
  return 0;
}

}  // namespace strata::l2_comm
