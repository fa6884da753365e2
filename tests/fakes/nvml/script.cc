// SPDX-License-Identifier: Apache-2.0
#include "script.h"

#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace fake_nvml {
namespace {

using namespace strata::l1_gpu;  // NOLINT: the interface, nothing else

struct Name {
  const char* name;
  NvmlReturn result;
};
constexpr Name kResults[] = {
    {"ok", 0},
    {"uninitialized", 1},
    {"invalid_argument", 2},
    {"not_supported", 3},
    {"no_permission", 4},
    {"not_found", 6},
    {"insufficient_size", 7},
    {"driver_not_loaded", 9},
    {"timeout", 10},
    {"function_not_found", 13},
    {"gpu_lost", 15},
    {"reset_required", 16},
    {"version_mismatch", 18},
    {"no_data", 21},
    {"insufficient_resources", 23},
    {"argument_version_mismatch", 25},
    {"deprecated", 26},
    {"not_ready", 27},
    {"gpu_not_found", 28},
    {"unknown", 999},
};
constexpr Name kArchitectures[] = {{"volta", 5}, {"turing", 6}, {"ampere", 7},
                                   {"ada", 8},   {"hopper", 9}, {"blackwell", 10}};
constexpr Name kReasons[] = {
    {"gpu_idle", 1},      {"clocks_setting", 2},    {"power_cap", 4},
    {"hw_slowdown", 8},   {"sync_boost", 0x10},     {"sw_thermal", 0x20},
    {"hw_thermal", 0x40}, {"hw_power_brake", 0x80}, {"display_clocks", 0x100}};
// What a device may tell under `values`, in NVML's own units.
constexpr const char* kValues[] = {"utilization",
                                   "memory_utilization",
                                   "encoder",
                                   "decoder",
                                   "temperature",
                                   "power_mw",
                                   "power_limit_mw",
                                   "power_default_limit_mw",
                                   "energy_mj",
                                   "clock_graphics_mhz",
                                   "clock_sm_mhz",
                                   "clock_memory_mhz",
                                   "clock_video_mhz",
                                   "clock_max_graphics_mhz",
                                   "clock_max_sm_mhz",
                                   "clock_max_memory_mhz",
                                   "clock_max_video_mhz",
                                   "reasons",
                                   "performance_state",
                                   "pcie_generation",
                                   "pcie_width",
                                   "pcie_max_generation",
                                   "pcie_max_width",
                                   "pcie_replays",
                                   "ecc_mode",
                                   "remapped_corrected",
                                   "remapped_uncorrected",
                                   "remapped_pending",
                                   "remapped_failed",
                                   "banks_max",
                                   "banks_high",
                                   "banks_partial",
                                   "banks_low",
                                   "banks_none"};

struct Mistake {
  std::string text;
};

[[noreturn]] void Wrong(const YAML::Node& at, const std::string& text) {
  throw Mistake{std::to_string(at.Mark().line + 1) + ": " + text};
}

void Keys(const YAML::Node& map, const std::set<std::string>& known) {
  if (!map.IsMap()) Wrong(map, "expected a map");
  for (const auto& entry : map) {
    const auto key = entry.first.as<std::string>();
    if (!known.contains(key)) Wrong(entry.first, "unknown key " + key);
  }
}

double Number(const YAML::Node& node) {
  try {
    return node.as<double>();
  } catch (const YAML::Exception&) {
    Wrong(node, "expected a number");
  }
}

template <std::size_t N>
const Name* Find(const Name (&names)[N], const std::string& text) {
  const auto* it = std::find_if(std::begin(names), std::end(names),
                                [&](const Name& n) { return text == n.name; });
  return it == std::end(names) ? nullptr : it;
}

NvmlReturn ResultOf(const YAML::Node& node) {
  const Name* name = Find(kResults, node.as<std::string>());
  if (name == nullptr) Wrong(node, "no result is called " + node.as<std::string>());
  return name->result;
}

Curve ReadCurve(const YAML::Node& node);

Curve ReadMapCurve(const YAML::Node& node) {
  Keys(node, {"ramp", "sine", "over", "period", "phase", "steps", "counter", "rate", "wrap"});
  Curve c;
  const auto number = [&](const char* key, double otherwise) {
    return node[key] ? Number(node[key]) : otherwise;
  };
  if (node["counter"]) {
    c.kind = Curve::Kind::counter;
    c.start = node["counter"].as<unsigned long long>();
    c.a = number("rate", 0);
    c.wrap = static_cast<unsigned long long>(number("wrap", 0));
    return c;
  }
  if (node["steps"]) {
    c.kind = Curve::Kind::steps;
    for (const auto& step : node["steps"]) {
      if (!step.IsSequence() || step.size() != 2) Wrong(step, "a step is [time, value]");
      c.steps.emplace_back(Number(step[0]), ReadCurve(step[1]));
    }
    return c;
  }
  const char* key = node["ramp"] ? "ramp" : "sine";
  const YAML::Node ends = node[key];
  if (!ends || ends.size() != 2) Wrong(node, "expected ramp, sine, steps or counter");
  c.kind = node["ramp"] ? Curve::Kind::ramp : Curve::Kind::sine;
  c.a = Number(ends[0]), c.b = Number(ends[1]);
  c.over = std::max(1e-6, number(node["ramp"] ? "over" : "period", 60));
  c.phase = number("phase", 0);
  return c;
}

Curve ReadCurve(const YAML::Node& node) {
  if (node.IsMap()) return ReadMapCurve(node);
  Curve c;
  if (node.IsSequence()) {  // names of clock event reasons
    c.kind = Curve::Kind::constant;
    for (const auto& reason : node) {
      const Name* name = Find(kReasons, reason.as<std::string>());
      if (name == nullptr) Wrong(reason, "no reason is called " + reason.as<std::string>());
      c.a += name->result;
    }
    return c;
  }
  if (const Name* name = Find(kResults, node.as<std::string>("")); name != nullptr) {
    c.kind = Curve::Kind::failure;
    c.failure = name->result;
    return c;
  }
  c.kind = Curve::Kind::constant;
  c.a = Number(node);
  return c;
}

class Reader {
 public:
  explicit Reader(const std::string& path)
      : folder_(path.find('/') == std::string::npos ? "." : path.substr(0, path.rfind('/'))) {}

  std::unique_ptr<Script> Read(const YAML::Node& node) {
    Keys(node, {"origin", "driver", "nvml", "cuda", "calls", "devices", "definitions"});
    auto script = std::make_unique<Script>();
    script->driver = node["driver"].as<std::string>(script->driver);
    script->nvml = node["nvml"].as<std::string>(script->nvml);
    script->cuda = node["cuda"].as<int>(script->cuda);
    ReadRules(node["calls"], &script->rules);
    for (const auto& device : node["devices"]) {
      const int count = device["count"].as<int>(1);
      for (int i = 0; i < count; ++i)
        ReadDevice(Numbered(device, i), &script->devices.emplace_back());
    }
    for (std::size_t i = 0; i < script->devices.size(); ++i)
      script->devices[i].index = script->devices[i].minor = static_cast<unsigned>(i);
    return script;
  }

 private:
  // The node with <i> in every text replaced by the number of the copy.
  static YAML::Node Numbered(const YAML::Node& node, int i) {
    if (node.IsScalar()) {
      std::string text = node.Scalar();
      bool any = false;
      for (std::size_t at; (at = text.find("<i>")) != std::string::npos; any = true)
        text.replace(at, 3, std::to_string(i));
      return any ? YAML::Node(text) : node;
    }
    if (node.IsNull()) return node;
    YAML::Node out(node.Type());
    if (node.IsMap()) {
      for (const auto& entry : node) out[entry.first] = Numbered(entry.second, i);
    } else {
      for (const auto& item : node) out.push_back(Numbered(item, i));
    }
    return out;
  }

  When ReadWhen(const YAML::Node& node) const {
    When when;
    if (node["from"]) when.from = Number(node["from"]);
    if (node["to"]) when.to = Number(node["to"]);
    if (node["while"]) when.file = Path(node["while"]);
    return when;
  }
  std::string Path(const YAML::Node& node) const {
    const auto text = node.as<std::string>();
    return text.starts_with('/') ? text : folder_ + "/" + text;
  }

  void ReadRules(const YAML::Node& node, std::vector<Rule>* rules) const {
    if (!node) return;
    for (const auto& entry : node) {
      const YAML::Node& what = entry.second;
      Keys(what, {"return", "sleep", "hang", "from", "to", "while"});
      Rule rule;
      rule.call = entry.first.as<std::string>();
      rule.when = ReadWhen(what);
      if (what["return"]) rule.result = ResultOf(what["return"]);
      if (what["sleep"]) rule.sleep_s = Number(what["sleep"]);
      rule.hang = what["hang"].as<bool>(false);
      rules->push_back(std::move(rule));
    }
  }

  static void ReadMemory(const YAML::Node& node, Memory* memory) {
    if (!node) return;
    Keys(node, {"total", "reserved", "used"});
    for (const auto& [key, curve] : {std::pair{"total", &memory->total},
                                     {"reserved", &memory->reserved},
                                     {"used", &memory->used}}) {
      if (node[key]) *curve = ReadCurve(node[key]);
    }
  }
  static void ReadGpm(const YAML::Node& node, std::map<unsigned, Curve>* gpm) {
    if (!node) return;
    for (const auto& entry : node) (*gpm)[entry.first.as<unsigned>()] = ReadCurve(entry.second);
  }

  void ReadDevice(const YAML::Node& node, Device* d) const {
    Keys(node, {"count", "uuid", "name", "pci", "architecture", "memory", "values", "fields", "gpm",
                "processes", "xids", "mig", "calls", "lost"});
    d->uuid = node["uuid"].as<std::string>();
    d->name = node["name"].as<std::string>();
    d->pci = node["pci"].as<std::string>("00000000:01:00.0");
    const auto architecture = node["architecture"].as<std::string>("ampere");
    const Name* known = Find(kArchitectures, architecture);
    if (known == nullptr) Wrong(node["architecture"], "no architecture is called " + architecture);
    d->architecture = known->result;
    ReadMemory(node["memory"], &d->memory);
    for (const auto& entry : node["values"]) {
      const auto key = entry.first.as<std::string>();
      if (std::find(std::begin(kValues), std::end(kValues), key) == std::end(kValues))
        Wrong(entry.first, "no value is called " + key);
      d->values[key] = ReadCurve(entry.second);
    }
    for (const auto& entry : node["fields"]) {  // 138, or 165/3 for link 3
      const auto key = entry.first.as<std::string>();
      const std::size_t slash = key.find('/');
      const int scope = slash == std::string::npos ? -1 : std::stoi(key.substr(slash + 1));
      d->fields[{static_cast<unsigned>(std::stoul(key)), scope}] = ReadCurve(entry.second);
    }
    ReadGpm(node["gpm"], &d->gpm);
    for (const auto& p : node["processes"]) d->processes.push_back(ReadProcess(p));
    for (const auto& x : node["xids"]) ReadXid(x, d);
    if (node["mig"]) ReadMig(node["mig"], d);
    ReadRules(node["calls"], &d->rules);
    if (node["lost"]) {
      Keys(node["lost"], {"from", "to", "while", "vanish"});
      d->loses = true;
      d->vanishes = node["lost"]["vanish"].as<bool>(false);
      d->lost = ReadWhen(node["lost"]);
    }
  }

  Process ReadProcess(const YAML::Node& node) const {
    Keys(node, {"pid", "name", "memory", "use", "type", "gi", "from", "to", "while"});
    Process p;
    p.pid = node["pid"].as<unsigned>();
    p.name = node["name"].as<std::string>("");
    p.gpu_instance = node["gi"].as<unsigned>(kNvmlNoInstance);
    const auto type = node["type"].as<std::string>("C");
    p.compute = type.find('C') != std::string::npos;
    p.graphics = type.find('G') != std::string::npos;
    p.mps = type.find('M') != std::string::npos;
    if (node["memory"]) p.memory = ReadCurve(node["memory"]);
    if (node["use"]) p.use = ReadCurve(node["use"]);
    p.when = ReadWhen(node);
    return p;
  }

  void ReadXid(const YAML::Node& node, Device* d) const {
    Keys(node, {"at", "code", "gi", "while"});
    Xid xid;
    xid.code = node["code"].as<unsigned long long>();
    xid.gpu_instance = node["gi"].as<unsigned>(kNvmlNoInstance);
    if (node["while"]) xid.file = Path(node["while"]);
    if (!node["at"] && !node["while"]) Wrong(node, "an Xid needs at or while");
    if (!node["at"]) return d->xids.push_back(xid);
    const YAML::Node times = node["at"];
    for (std::size_t i = 0; i < (times.IsSequence() ? times.size() : 1); ++i) {
      xid.at = Number(times.IsSequence() ? times[i] : times);
      d->xids.push_back(xid);
    }
  }

  void ReadMig(const YAML::Node& node, Device* d) const {
    Keys(node, {"mode", "max", "instances"});
    d->mig_mode = ReadCurve(node["mode"]);
    d->mig_max = node["max"].as<unsigned>(7);
    for (const auto& i : node["instances"]) {
      Keys(i, {"gi", "ci", "uuid", "name", "slices", "compute_slices", "multiprocessors",
               "memory_mb", "memory", "gpm", "from", "to", "while"});
      Instance& instance = d->instances.emplace_back();
      instance.parent = d;
      instance.gpu_instance = i["gi"].as<unsigned>();
      instance.compute_instance = i["ci"].as<unsigned>(0);
      instance.uuid = i["uuid"].as<std::string>();
      instance.name = i["name"].as<std::string>(d->name);
      instance.attributes.gpu_slices = i["slices"].as<unsigned>(1);
      instance.attributes.compute_slices =
          i["compute_slices"].as<unsigned>(instance.attributes.gpu_slices);
      instance.attributes.multiprocessors = i["multiprocessors"].as<unsigned>(14);
      instance.attributes.memory_mb = i["memory_mb"].as<unsigned long long>(0);
      ReadMemory(i["memory"], &instance.memory);
      ReadGpm(i["gpm"], &instance.gpm);
      instance.when = ReadWhen(i);
    }
  }

  std::string folder_;
};

}  // namespace

Answer Curve::At(double t) const {
  const auto of = [](double v) {
    return Answer{kNvmlOk, v, v > 0 ? static_cast<unsigned long long>(std::llround(v)) : 0};
  };
  constexpr double kTurn = 6.283185307179586;
  switch (kind) {
    case Kind::none: return {};
    case Kind::constant: return std::isnan(a) ? Answer{kNvmlOk, a, 0} : of(a);
    case Kind::failure: return {failure, 0, 0};
    case Kind::ramp: return of(a + (b - a) * std::clamp(t / over, 0.0, 1.0));
    case Kind::sine: return of((a + b) / 2 + (b - a) / 2 * std::sin(kTurn * (t + phase) / over));
    case Kind::steps: {
      const Curve* now = nullptr;
      for (const auto& [from, curve] : steps) {
        if (t >= from) now = &curve;
      }
      return now != nullptr ? now->At(t) : Answer{};
    }
    case Kind::counter: {
      unsigned long long n = start + static_cast<unsigned long long>(std::max(0.0, a * t));
      if (wrap != 0) n %= wrap;
      return {kNvmlOk, static_cast<double>(n), n};
    }
  }
  return {};
}

bool When::Now(double t) const {
  return t >= from && t < to && (file.empty() || ::access(file.c_str(), F_OK) == 0);
}

const Curve& Device::Value(std::string_view name) const {
  static const Curve kNone;
  const auto it = values.find(name);
  return it == values.end() ? kNone : it->second;
}

const char* ResultName(NvmlReturn result) {
  for (const Name& name : kResults) {
    if (name.result == result) return name.name;
  }
  return "unknown";
}

std::unique_ptr<Script> ReadScript(const std::string& path, std::string* error) {
  try {
    return Reader(path).Read(YAML::LoadFile(path));
  } catch (const Mistake& mistake) {
    *error = path + ":" + mistake.text;
  } catch (const std::exception& e) {
    *error = path + ": " + e.what();
  }
  return nullptr;
}

}  // namespace fake_nvml
