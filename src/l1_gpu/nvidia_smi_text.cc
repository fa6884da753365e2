// SPDX-License-Identifier: Apache-2.0
// What nvidia-smi prints for people, one output or many after another in one file: -q (names of
// readings are "Section/Key"), the table ("table/GPU-Util"), --query-gpu as CSV
// ("query/power.draw") and nvlink --status ("nvlink/speed#LINK").
#include <algorithm>
#include <charconv>
#include <map>

#include "l1_gpu/kernel_log.h"
#include "l1_gpu/log_line.h"
#include "l1_gpu/smi.h"

namespace strata::l1_gpu {
namespace {

constexpr std::string_view kAdapter = "nvidia_smi";
constexpr std::string_view kQueryBegin = "==============NVSMI LOG==============";
constexpr std::size_t kMaxLine = 65536, kMaxDevices = 4096, kMaxReadings = 512, kMaxOutputs = 4096;

std::string_view Trim(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r"), text.size()));
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> Split(std::string_view line, char by) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t end = line.find(by);
    out.push_back(Trim(line.substr(0, end)));
    if (end == std::string_view::npos) return out;
    line.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> out;
  for (const std::string_view word : Split(line, ' ')) {
    if (!word.empty()) out.push_back(word);
  }
  return out;
}

template <typename T>
bool Number(std::string_view text, T* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

class Reader {
 public:
  explicit Reader(model::Batch* batch) : batch_(batch) {}

  void Line(std::string_view line) {
    const std::string_view text = Trim(line);
    if (text.size() > kMaxLine) {
      batch_->refused.add(base::Reason::oversize);
      return;
    }
    if (text == kQueryBegin) return Begin("-q");
    std::int64_t ts = 0;
    if (text.size() < 40 && ParseCalendarTime(text, &ts)) {  // above the table
      before_ts_ = ts;
      return;
    }
    if (text.starts_with("| NVIDIA-SMI")) return BeginTable(text);
    if (text.starts_with("GPU ") && text.find("(UUID: ") != std::string_view::npos)
      return Listed(text);
    if (format_ == "nvlink" && text.starts_with("Link ")) return Link(text);
    if (IsQueryHeader(text)) return BeginQuery(text);
    if (text.starts_with("####")) return End();  // a ruler between outputs of one file
    if (format_ == "-q") return Query(line);
    if (format_ == "table") return Table(text);
    if (format_ == "query-gpu" && !text.empty()) return Row(text);
  }

  std::vector<SmiOutput> Take() {
    End();
    return std::move(outputs_);
  }

 private:
  void Begin(std::string_view format) {
    End();
    format_ = format;
    out_ = {};
    out_.adapter = kAdapter;
    out_.process_memory = "Processes/Used GPU Memory";
    out_.format = format;
    stack_.clear();
  }

  void End() {
    Finish();
    if (!format_.empty() && !out_.devices.empty()) {
      if (outputs_.size() < kMaxOutputs) {
        outputs_.push_back(std::move(out_));
      } else {
        batch_->refused.add(base::Reason::oversize);
      }
    }
    out_ = {};
    format_ = "";
  }

  SmiDevice* NewDevice() {
    if (out_.devices.size() >= kMaxDevices) {
      batch_->refused.add(base::Reason::oversize);
      return nullptr;
    }
    out_.devices.emplace_back();
    return &out_.devices.back();
  }

  void Keep(std::string name, std::string_view value, SmiDevice* device) {
    if (device == nullptr || !SmiOutput::Named(kAdapter, name.substr(0, name.find('#')))) return;
    if (device->readings.size() < kMaxReadings) {
      device->readings.emplace_back(std::move(name), value);
    } else {
      batch_->refused.add(base::Reason::oversize);
    }
  }

  // ---- -q: sections by indentation, "Key : value"
  void Query(std::string_view line) {
    const std::size_t indent = line.find_first_not_of(' ');
    const std::string_view text = Trim(line);
    if (text.empty()) return;
    std::size_t colon = text.find(" : ");
    if (colon == std::string_view::npos && text.ends_with(" :")) colon = text.size() - 2;
    const std::string_view key = Trim(text.substr(0, colon));
    const std::string_view value =
        colon == std::string_view::npos ? std::string_view() : Trim(text.substr(colon + 2));
    if (indent == 0) return Head(text, key, value);
    if (out_.devices.empty()) return;
    while (!stack_.empty() && stack_.back().first >= indent) stack_.pop_back();
    if (stack_.size() < 16) stack_.emplace_back(indent, std::string(key.substr(0, 128)));
    Reading(key, value);
  }

  void Head(std::string_view text, std::string_view key, std::string_view value) {
    stack_.clear();
    if (key == "Timestamp") ParseCalendarTime(value, &out_.ts_ns);
    if (key == "Driver Version") out_.driver = value;
    if (key == "CUDA Version") out_.cuda = value;
    if (key == "Attached GPUs") Number(value, &out_.attached);
    if (text.starts_with("GPU ")) {
      if (SmiDevice* device = NewDevice()) {
        device->pci = text.substr(4);
        device->index = static_cast<std::int64_t>(out_.devices.size()) - 1;
      }
    }
  }

  // A reading of the device, of one of its MIG devices, or of a process.
  void Reading(std::string_view key, std::string_view value) {
    SmiDevice* device = &out_.devices.back();
    const std::string& section = stack_.front().second;
    if (section == "Processes") return Process(key, value, device);
    std::size_t from = 0;
    if (section == "MIG Device") {
      if (stack_.size() == 1) {
        if (device->instances.size() < kMaxReadings) device->instances.emplace_back();
        return;
      }
      if (device->instances.empty()) return;
      device = &device->instances.back();
      if (key == "GPU Instance ID") device->gpu_instance = value;
      if (key == "Compute Instance ID") device->compute_instance = value;
      from = 1;
    } else if (stack_.size() == 1) {
      if (key == "GPU UUID") device->uuid = value;
      if (key == "Product Name") device->model = value;
      if (key == "Serial Number") device->serial = value;
    }
    if (value.empty()) return;
    std::string name;
    for (std::size_t i = from; i < stack_.size(); ++i)
      name += (i > from ? "/" : "") + stack_[i].second;
    Keep(std::move(name), value, device);
  }

  void Process(std::string_view key, std::string_view value, SmiDevice* device) {
    if (key == "GPU instance ID") gpu_instance_ = value;
    if (key == "Compute instance ID") compute_instance_ = value;
    if (key == "Process ID") {
      SmiProcess process;
      if (!Number(value, &process.pid) || device->processes.size() >= 65536) {
        batch_->refused.add(base::Reason::malformed);
        return;
      }
      process.gpu_instance = gpu_instance_;
      process.compute_instance = compute_instance_;
      device->processes.push_back(std::move(process));
    }
    if (device->processes.empty()) return;
    SmiProcess& process = device->processes.back();
    if (key == "Type") process.type = value;
    if (key == "Name") process.name = value;
    if (key == "Used GPU Memory") process.memory = value;
  }

  // ---- the table
  void BeginTable(std::string_view text) {
    Begin("table");
    out_.ts_ns = before_ts_;
    before_ts_ = 0;
    const std::vector<std::string_view> words = Words(text);
    for (std::size_t i = 0; i + 2 < words.size(); ++i) {
      if (words[i] == "Driver" && words[i + 1] == "Version:") out_.driver = words[i + 2];
      if (words[i] == "CUDA" && words[i + 1] == "Version:") out_.cuda = words[i + 2];
    }
    part_ = Part::devices;
    second_row_ = false;
  }

  void Table(std::string_view text) {
    if (!text.starts_with("|")) return;
    std::vector<std::string_view> cells = Split(text, '|');
    if (cells.size() < 3) return;
    cells = {cells.begin() + 1, cells.end() - 1};
    if (cells[0].starts_with("Processes:")) part_ = Part::processes;
    if (cells[0].starts_with("MIG devices:")) part_ = Part::instances;
    if (cells[0].starts_with("GPU ") && part_ == Part::processes)
      instance_columns_ = text.find(" GI ") != std::string_view::npos;
    if (part_ == Part::devices && cells.size() == 3) DeviceRow(cells);
    if (part_ == Part::instances && cells.size() >= 2) InstanceRow(cells);
    if (part_ == Part::processes && cells.size() == 1) ProcessRow(Words(cells[0]));
  }

  // "0  NVIDIA H100 80GB HBM3  On | 00000000:00:09.0 Off | 0", then
  // "N/A  41C  P0  69W /  700W | 0MiB /  81559MiB | 0%  Default"
  void DeviceRow(const std::vector<std::string_view>& cells) {
    const std::vector<std::string_view> words = Words(cells[0]), bus = Words(cells[1]);
    std::int64_t index = 0;
    if (!words.empty() && !bus.empty() && Number(words[0], &index) && !PciAddress(bus[0]).empty()) {
      SmiDevice* device = NewDevice();
      if (device == nullptr) return;
      device->index = index;
      device->pci = bus[0];
      for (std::size_t i = 1; i + 1 < words.size(); ++i)
        device->model += (i > 1 ? " " : "") + std::string(words[i]);
      // A name that was cut names no model.
      if (device->model.ends_with("...")) device->model.clear();
      Keep("table/Volatile Uncorr. ECC", cells[2], device);
      second_row_ = true;
      return;
    }
    if (!second_row_ || words.size() < 3) return;
    second_row_ = false;
    SmiDevice* device = &out_.devices.back();
    const std::string_view power = cells[0];
    Keep("table/Temp", Unit(words[1], "C"), device);
    if (const std::size_t at = Separator(power); at != std::string_view::npos) {
      const std::vector<std::string_view> usage = Words(power.substr(0, at));
      if (!usage.empty()) Keep("table/Pwr:Usage", usage.back(), device);
      Keep("table/Pwr:Cap", Trim(power.substr(at + 1)), device);
    }
    Memory(cells[1], device);
    const std::vector<std::string_view> busy = Words(cells[2]);
    if (!busy.empty()) Keep("table/GPU-Util", busy[0], device);
  }

  // The '/' between usage and capacity: one that stands alone.
  static std::size_t Separator(std::string_view cell) {
    for (std::size_t i = 1; i + 1 < cell.size(); ++i) {
      if (cell[i] == '/' && cell[i - 1] == ' ' && cell[i + 1] == ' ') return i;
    }
    return std::string_view::npos;
  }
  static std::string_view Unit(std::string_view word, std::string_view unit) {
    return word.ends_with(unit) ? word : std::string_view();
  }
  void Memory(std::string_view cell, SmiDevice* device) {
    const std::size_t at = cell.find(" / ");
    if (at == std::string_view::npos) return;
    Keep("table/Memory-Usage:Used", Trim(cell.substr(0, at)), device);
    Keep("table/Memory-Usage:Total", Trim(cell.substr(at + 3)), device);
  }

  SmiDevice* Find(std::int64_t index) {
    for (SmiDevice& device : out_.devices) {
      if (device.index == index) return &device;
    }
    return nullptr;
  }

  // "0  2  0  0 | 19MiB / 40192MiB | 42  0 | …"; the row below it is of BAR1.
  void InstanceRow(const std::vector<std::string_view>& cells) {
    const std::vector<std::string_view> words = Words(cells[0]);
    std::int64_t index = 0, id = 0;
    if (words.size() < 4 || !Number(words[0], &index) || !Number(words[1], &id)) return;
    SmiDevice* device = Find(index);
    if (device == nullptr || device->instances.size() >= kMaxReadings) return;
    SmiDevice& instance = device->instances.emplace_back();
    instance.gpu_instance = words[1];
    instance.compute_instance = words[2];
    Memory(cells[1], &instance);
  }

  // "0  N/A  N/A  11327  C  /usr/bin/python3  2566MiB"; before 450 without the instances
  void ProcessRow(const std::vector<std::string_view>& words) {
    const std::size_t pid_at = instance_columns_ ? 3 : 1;
    std::int64_t index = 0;
    SmiProcess process;
    if (words.size() < pid_at + 3 || !Number(words[0], &index) ||
        !Number(words[pid_at], &process.pid))
      return;
    SmiDevice* device = Find(index);
    if (device == nullptr || device->processes.size() >= 65536) return;
    if (instance_columns_) process.gpu_instance = words[1], process.compute_instance = words[2];
    process.type = words[pid_at + 1];
    std::size_t end = words.size();
    if (words.back().ends_with("iB") || words.back() == "N/A") process.memory = words[--end];
    for (std::size_t i = pid_at + 2; i < end; ++i)
      process.name += (i > pid_at + 2 ? " " : "") + std::string(words[i]);
    device->processes.push_back(std::move(process));
  }

  // ---- --query-gpu=… --format=csv: names of fields, then a row a device
  static bool IsQueryHeader(std::string_view text) {
    const std::vector<std::string_view> fields = Split(text.substr(0, 4096), ',');
    if (fields.size() < 2 || text.starts_with("#")) return false;
    std::size_t named = 0;
    for (const std::string_view field : fields)
      named += SmiOutput::Named(kAdapter, "query/" + std::string(Field(field))) ? 1 : 0;
    return named > 0;
  }
  static std::string_view Field(std::string_view heading) {  // "memory.used [MiB]"
    return Trim(heading.substr(0, heading.find('[')));
  }

  void BeginQuery(std::string_view text) {
    Begin("query-gpu");
    columns_.clear();
    for (const std::string_view field : Split(text, ',')) columns_.emplace_back(field);
  }

  void Row(std::string_view text) {
    const std::vector<std::string_view> cells = Split(text, ',');
    if (cells.size() != columns_.size()) return End();  // the list is over
    SmiDevice* device = NewDevice();
    if (device == nullptr) return;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string_view field = Field(columns_[i]);
      if (field == "uuid" || field == "gpu_uuid") device->uuid = cells[i];
      if (field == "name" || field == "gpu_name") device->model = cells[i];
      if (field == "serial" || field == "gpu_serial") device->serial = cells[i];
      if (field == "pci.bus_id" || field == "gpu_bus_id") device->pci = cells[i];
      if (field == "index") Number(cells[i], &device->index);
      if (field == "driver_version") out_.driver = cells[i];
      if (field == "count") Number(cells[i], &out_.attached);
      if (field == "timestamp") Timestamp(cells[i]);
      std::string value(cells[i]);
      // With nounits the unit stands in the heading alone.
      const std::size_t unit = columns_[i].find('[');
      double plain = 0;
      if (unit != std::string::npos && Number(cells[i], &plain)) {
        value += " " + columns_[i].substr(unit + 1, columns_[i].find(']') - unit - 1);
      }
      Keep("query/" + std::string(field), value, device);
    }
    // A row that does not say whose it is measures nobody; order is the index then.
    if (device->index < 0 && device->uuid.empty() && device->pci.empty())
      device->index = static_cast<std::int64_t>(out_.devices.size()) - 1;
  }

  void Timestamp(std::string_view text) {  // "2026/07/14 08:12:38.696"
    std::string iso(text);
    std::replace(iso.begin(), iso.end(), '/', '-');
    out_.ts_ns = ParseLogLine(iso + " x", 0).ts_ns;
  }

  // ---- -L and nvlink --status
  void Listed(std::string_view text) {
    if (format_ != "nvlink") Begin("nvlink");
    SmiDevice* device = NewDevice();
    const std::size_t colon = text.find(": "), uuid = text.find("(UUID: ");
    if (device == nullptr || colon == std::string_view::npos) return;
    Number(text.substr(4, colon - 4), &device->index);
    device->model = uuid > colon + 2 ? Trim(text.substr(colon + 2, uuid - colon - 2)) : "";
    device->uuid = text.substr(uuid + 7, text.find(')', uuid) - uuid - 7);
  }

  void Link(std::string_view text) {  // "Link 0: 26.562 GB/s", "Link 3: <inactive>"
    const std::size_t colon = text.find(": ");
    int number = 0;
    if (colon == std::string_view::npos || out_.devices.empty() ||
        !Number(text.substr(5, colon - 5), &number))
      return;
    Keep("nvlink/speed#" + std::to_string(number), Trim(text.substr(colon + 2)),
         &out_.devices.back());
  }

  void Finish() {
    if (format_ != "-q" || out_.attached == static_cast<std::int64_t>(out_.devices.size())) return;
    for (SmiDevice& device : out_.devices) device.index = -1;  // a selection: order says nothing
  }

  enum class Part { devices, instances, processes };
  model::Batch* batch_;
  std::vector<SmiOutput> outputs_;
  SmiOutput out_;
  std::string_view format_;
  std::vector<std::pair<std::size_t, std::string>> stack_;  // indentation, key
  std::string gpu_instance_, compute_instance_;
  std::int64_t before_ts_ = 0;
  Part part_ = Part::devices;
  bool second_row_ = false, instance_columns_ = false;
  std::vector<std::string> columns_;
};

}  // namespace

bool LooksNvidiaSmi(std::string_view head) {
  if (head.find(kQueryBegin) != std::string_view::npos ||
      head.find("| NVIDIA-SMI ") != std::string_view::npos)
    return true;
  const std::string_view first = head.substr(0, head.find('\n'));
  return (first.starts_with("GPU ") && first.find("(UUID: ") != std::string_view::npos) ||
         (first.find(',') != std::string_view::npos &&
          (first.find("utilization.gpu") != std::string_view::npos ||
           first.find("memory.used [MiB]") != std::string_view::npos ||
           first.find("power.draw [W]") != std::string_view::npos));
}

base::Result<bool> ReadNvidiaSmi(const base::InputFile& file, const wire::Context& context,
                                 model::Batch* batch, base::Json* report) {
  Reader reader(batch);
  std::string_view rest = file.bytes;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    reader.Line(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  const std::vector<SmiOutput> outputs = reader.Take();
  if (outputs.empty()) return base::Invalid("no output of nvidia-smi that is read is in it");
  for (const SmiOutput& output : outputs) PutSmi(output, context, batch);
  *report = SmiReport("nvidia_smi", outputs);
  return true;
}

}  // namespace strata::l1_gpu
