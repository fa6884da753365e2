// SPDX-License-Identifier: Apache-2.0
#include "l1_gpu/smi.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_set>

#include "base/clock.h"
#include "base/hash.h"
#include "l1_gpu/catalog.gen.h"
#include "l1_gpu/kernel_log.h"

namespace strata::l1_gpu {
namespace {

struct Factor {
  std::string_view word;
  double value;
};
// How the tools print a number's unit, and what it is in the catalog's. KB of a rate: whether 1000
// or 1024 is not documented; 1000 as for the NVML call behind it.
constexpr Factor kUnits[] = {
    {"", 1},        {"%", 0.01},      {"W", 1},      {"mW", 1e-3},
    {"C", 1},       {"MiB", 1048576}, {"KiB", 1024}, {"GiB", 1073741824},
    {"B", 1},       {"KB/s", 1e3},    {"MB/s", 1e6}, {"GB/s", 1e9},
    {"MHz", 1e6},   {"Mhz", 1e6},     {"us", 1e-6},  {"ms", 1e-3},
    {"s", 1},       {"J", 1},         {"mJ", 1e-3},  {"x", 1},
    {"bank(s)", 1},
};
// Words that are numbers: flags, and the recovery actions in NVML's order.
constexpr Factor kWords[] = {
    {"Active", 1}, {"Not Active", 0}, {"Yes", 1},
    {"No", 0},     {"None", 0},       {"Reset", 1},
    {"Reboot", 2}, {"Drain P2P", 3},  {"Drain and Reset", 4},
};

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '['))
    text.remove_prefix(1);
  while (!text.empty() &&
         (text.back() == ' ' || text.back() == '\t' || text.back() == '\r' || text.back() == ']'))
    text.remove_suffix(1);
  return text;
}

bool Told(std::string_view text) {
  return !text.empty() && text != "N/A" && text != "[N/A]" && text != "-";
}

std::string_view BaseName(std::string_view path) {
  const std::size_t slash = path.find_last_of("/\\");
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

class Putter {
 public:
  Putter(const SmiOutput& output, const wire::Context& context, model::Batch* batch)
      : output_(output), context_(context), batch_(batch) {
    ts_ = output.ts_ns != 0 ? output.ts_ns : context.now_ns;
    late_ = __builtin_add_overflow(ts_, context.shift_ns, &ts_) ||
            (context.max_ahead_ns > 0 && ts_ > context.now_ns + context.max_ahead_ns);
  }

  void Device(const SmiDevice& device, const model::Attributes& parent) {
    model::Attributes resource = parent;
    const auto set = [&](const char* key, const std::string& value) {
      if (Told(value)) resource.set(key, value);
    };
    const std::string pci = PciAddress(device.pci);
    set("hw.id", device.uuid);
    if (!pci.empty()) {
      resource.set("pci.address", device.pci);
      resource.set_if_absent("hw.id", "pci:" + pci);  // the tool told no UUID
    }
    if (device.index >= 0 && parent.empty())
      resource.set("gpu.index", std::to_string(device.index));
    set("hw.model", device.model);
    set("hw.serial_number", device.serial);
    set("hw.driver_version", output_.driver);
    set("gpu.mig.id", device.gpu_instance);
    set("gpu.mig.compute_id", device.compute_instance);
    if (context_.resource != nullptr) {
      for (const auto& [k, v] : *context_.resource) resource.set_if_absent(k, v);
    }
    for (const auto& [name, text] : device.readings) Put(name, text, {}, resource);
    for (const SmiProcess& process : device.processes) Process(process, resource);
    for (const SmiDevice& instance : device.instances) Device(instance, resource);
  }

 private:
  void Process(const SmiProcess& process, const model::Attributes& device) {
    model::Attributes own;
    own.set("process.pid", std::to_string(process.pid));
    const std::string_view name = BaseName(process.name);
    if (Told(name)) own.set("process.executable.name", name.substr(0, 128));
    if (Told(process.type)) own.set("gpu.process.type", process.type);
    if (Told(process.gpu_instance)) own.set("gpu.mig.id", process.gpu_instance);
    if (Told(process.compute_instance)) own.set("gpu.mig.compute_id", process.compute_instance);
    Put(output_.process_memory, process.memory, own, device);
  }

  void Put(std::string_view name, std::string_view text, const model::Attributes& own,
           const model::Attributes& resource) {
    double raw = 0;
    if (!ParseSmiValue(text, &raw)) return;
    if (late_) {
      batch_->refused.add(base::Reason::future);
      return;
    }
    // Two names of one link are told apart by what stands behind '#'.
    const std::size_t mark = name.find('#');
    model::Attributes attributes = own;
    if (mark != std::string_view::npos) attributes.set("gpu.link", name.substr(mark + 1));
    name = name.substr(0, mark);
    std::uint64_t key = base::Mix(base::Hash64(output_.adapter), base::Hash64(name));
    key = base::Mix(base::Mix(key, resource.hash()), attributes.hash());
    const std::vector<model::Target>* targets = context_.namer->find(key);
    if (targets == nullptr) {
      model::RawMetric metric;
      metric.name = name;
      metric.kind_known = false;
      metric.attributes = &attributes;
      metric.resource = &resource;
      metric.source = output_.adapter;
      targets = &context_.namer->Resolve(key, metric, &batch_->refused);
    }
    for (const model::Target& target : *targets) {
      double value = 0;
      if (model::Namer::Apply(target, raw, &value, &batch_->refused))
        batch_->samples.push(target.series, ts_, 0, value);
    }
  }

  const SmiOutput& output_;
  const wire::Context& context_;
  model::Batch* batch_;
  std::int64_t ts_ = 0;
  bool late_ = false;
};

base::Json Text(const std::string& text) { return Told(text) ? base::Json(text) : base::Json(); }

}  // namespace

bool ParseSmiValue(std::string_view text, double* value) {
  text = Trim(text);
  if (text.starts_with("(") && text.ends_with(")")) text = text.substr(1, text.size() - 2);
  for (const Factor& word : kWords) {
    if (text != word.word) continue;
    *value = word.value;
    return true;
  }
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number)) return false;
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (unit.starts_with(" ")) unit.remove_prefix(1);
  for (const Factor& known : kUnits) {
    if (unit != known.word) continue;
    *value = number * known.value;
    return true;
  }
  return false;
}

bool SmiOutput::Named(std::string_view adapter, std::string_view name) {
  static const std::unordered_set<std::string> names = [] {
    std::unordered_set<std::string> out;
    for (const model::Signal& signal : catalog().signals) {
      for (const model::SourceName& source : signal.sources) {
        if (source.adapter.ends_with("_smi") || source.adapter.ends_with("_smi_xml"))
          out.insert(std::string(source.adapter) + "\n" + std::string(source.name));
      }
    }
    return out;
  }();
  return names.contains(std::string(adapter) + "\n" + std::string(name));
}

void PutSmi(const SmiOutput& output, const wire::Context& context, model::Batch* batch) {
  Putter putter(output, context, batch);
  for (const SmiDevice& device : output.devices) putter.Device(device, {});
}

base::Json SmiReport(std::string_view name, const std::vector<SmiOutput>& outputs) {
  base::Json report, sections = base::Json::MakeArray();
  report.set("layer", "l1_gpu").set("report", name);
  for (const SmiOutput& output : outputs) {
    base::Json section, gpus = base::Json::MakeArray();
    std::uint64_t processes = 0, instances = 0, links = 0;
    for (const SmiDevice& device : output.devices) {
      base::Json gpu;
      gpu.set("uuid", Text(device.uuid))
          .set("model", Text(device.model))
          .set("pci", Text(PciAddress(device.pci)))
          .set("mig_devices", static_cast<std::uint64_t>(device.instances.size()))
          .set("processes", static_cast<std::uint64_t>(device.processes.size()));
      processes += device.processes.size();
      instances += device.instances.size();
      for (const auto& [reading, text] : device.readings)
        links += reading.find('#') != std::string::npos ? 1 : 0;
      gpus.push(std::move(gpu));
    }
    section.set("format", output.format)
        .set("time", output.ts_ns == 0 ? base::Json() : base::Json(base::FormatTime(output.ts_ns)))
        .set("driver_version", Text(output.driver))
        .set("cuda_version", Text(output.cuda))
        .set("attached_gpus", output.attached < 0 ? base::Json() : base::Json(output.attached))
        .set("gpus", std::move(gpus))
        .set("mig_devices", instances)
        .set("processes", processes);
    if (links > 0) section.set("links", links);
    sections.push(std::move(section));
  }
  report.set("outputs", std::move(sections));
  report.set("time_zone", "the tool prints local time without a zone; read as UTC");
  return report;
}

}  // namespace strata::l1_gpu
