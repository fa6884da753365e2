// SPDX-License-Identifier: Apache-2.0
// Who took part in a trace's collectives: what stands around the events (rank, device, process
// groups), and which communicator each communication kernel belongs to.
#include <simdjson.h>

#include <algorithm>
#include <map>

#include "base/hash.h"
#include "l2_comm/kineto.h"

namespace strata::l2_comm {
namespace {

namespace dom = simdjson::dom;

// "default_pg/0-1c2d3e4f": description where told, name, and the ranks' hash where told, so that
// groups of the same name and other ranks stay apart.
std::string CommunicatorName(std::string_view name, std::string_view description,
                             std::string_view ranks) {
  std::string out(description.empty() || description == "undefined" ? "pg" : description);
  out.append("/").append(name);
  std::string list;
  for (const char c : ranks) {
    if (c == '.') return out;  // the writer shortened the list
    if ((c >= '0' && c <= '9') || (c == ',' && !list.empty())) list.push_back(c);
  }
  if (!list.empty()) out.append("-").append(base::HashBytes128(list).hex().substr(0, 8));
  return out;
}

std::string RanksText(const dom::element& config) {
  dom::array ranks;
  std::string out;
  if (config["ranks"].get(ranks) == simdjson::SUCCESS) {
    for (const dom::element rank : ranks) {
      std::int64_t number = 0;
      if (rank.get(number) != simdjson::SUCCESS) return {};
      if (!out.empty()) out.push_back(',');
      out.append(std::to_string(number));
    }
  }
  return out;
}

std::string Text(const dom::element& object, const char* key) {
  std::string_view text;
  if (object[key].get(text) == simdjson::SUCCESS) return std::string(text);
  std::int64_t number = 0;
  if (object[key].get(number) == simdjson::SUCCESS) return std::to_string(number);
  return {};
}

}  // namespace

std::uint32_t KinetoReader::Group(const std::string& name) {
  const auto found = group_of_.find(name);
  if (found != group_of_.end()) return found->second;
  if (trace_.groups.size() >= kMaxGroups) return 0;
  trace_.groups.push_back(name);
  const auto index = static_cast<std::uint32_t>(trace_.groups.size() - 1);
  group_of_.emplace(name, index);
  return index;
}

std::uint32_t KinetoReader::Group(const CollectiveArgs& args) {
  if (args.group.empty()) return 0;
  return Group(CommunicatorName(args.group, args.description, args.ranks));
}

void KinetoReader::FinishFrame(const std::string& frame) {
  dom::parser parser;
  dom::element root;
  if (parser.parse(frame).get(root) != simdjson::SUCCESS) {
    trace_.refused.add(base::Reason::malformed, 1, "what stands around the events does not read");
    return;
  }
  std::int64_t number = 0;
  if (root["baseTimeNanoseconds"].get(number) == simdjson::SUCCESS && number >= 0)
    trace_.base_ns = number;
  dom::element distributed;
  if (root["distributedInfo"].get(distributed) == simdjson::SUCCESS) {
    if (distributed["rank"].get(number) == simdjson::SUCCESS && number >= 0) trace_.rank = number;
    if (distributed["world_size"].get(number) == simdjson::SUCCESS && number > 0)
      trace_.world_size = number;
    trace_.backend = Text(distributed, "backend");
    dom::array configs;
    if (distributed["pg_config"].get(configs) == simdjson::SUCCESS) {
      for (const dom::element config : configs) {
        const std::string name = Text(config, "pg_name");
        if (!name.empty() && configured_.size() < kMaxGroups)
          configured_[name] = CommunicatorName(name, Text(config, "pg_desc"), RanksText(config));
      }
    }
  }
  // The device that most of the work ran on; a process that uses device 3 lists all of them.
  std::int64_t device = -1;
  std::uint64_t most = 0;
  for (const auto& [id, n] : devices_) {
    if (n > most) device = id, most = n;
  }
  dom::array properties;
  if (root["deviceProperties"].get(properties) != simdjson::SUCCESS || most == 0) return;
  for (const dom::element property : properties) {
    if (property["id"].get(number) == simdjson::SUCCESS && number == device)
      trace_.device = Text(property, "name");
  }
}

void KinetoReader::FinishComm() {
  const auto by_first = [](const auto& a, const auto& b) { return a.first < b.first; };
  std::sort(launches_.begin(), launches_.end(), by_first);
  std::sort(operators_.begin(), operators_.end(),
            [](const Operator& a, const Operator& b) { return a.external < b.external; });
  const auto operator_of = [&](std::int64_t external) -> const Operator* {
    const auto at =
        std::lower_bound(operators_.begin(), operators_.end(), external,
                         [](const Operator& o, std::int64_t id) { return o.external < id; });
    return external >= 0 && at != operators_.end() && at->external == external ? &*at : nullptr;
  };
  std::map<std::uint32_t, std::int32_t> sizes;
  std::map<std::int32_t, std::map<std::uint32_t, std::uint64_t>> told;  // stream -> group -> times
  for (CommKernel& kernel : trace_.comm) {
    if (kernel.group == 0) {
      const auto launch =
          std::lower_bound(launches_.begin(), launches_.end(),
                           std::pair<std::int64_t, std::int64_t>(kernel.correlation, 0), by_first);
      const Operator* op = nullptr;
      if (kernel.correlation >= 0 && launch != launches_.end() &&
          launch->first == kernel.correlation)
        op = operator_of(launch->second);
      if (op == nullptr) op = operator_of(kernel.external);
      if (op != nullptr) {
        if (!op->operation.empty()) kernel.operation = op->operation;
        kernel.bytes = op->bytes;
        kernel.seq = op->seq;
        kernel.group = op->group;
        kernel.group_size = op->group_size;
      }
    }
    if (kernel.group == 0) continue;
    ++told[kernel.stream][kernel.group];
    if (kernel.group_size > 0) sizes[kernel.group] = kernel.group_size;
  }
  // NCCL gives each communicator a stream: what is not told follows its stream, else the only group
  // there is, else the stream names it.
  for (CommKernel& kernel : trace_.comm) {
    if (kernel.group != 0) continue;
    const auto stream = told.find(kernel.stream);
    if (stream != told.end()) {
      kernel.group =
          std::max_element(stream->second.begin(), stream->second.end(),
                           [](const auto& a, const auto& b) { return a.second < b.second; })
              ->first;
    } else if (configured_.size() == 1) {
      kernel.group = Group(configured_.begin()->second);
    } else {
      kernel.group = Group("stream/" + std::to_string(kernel.stream));
    }
    const auto size = sizes.find(kernel.group);
    if (size != sizes.end()) kernel.group_size = size->second;
  }
  std::stable_sort(trace_.comm.begin(), trace_.comm.end(),
                   [](const CommKernel& a, const CommKernel& b) { return a.from_ns < b.from_ns; });
}

}  // namespace strata::l2_comm
