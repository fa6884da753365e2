// SPDX-License-Identifier: Apache-2.0
// nvidia-smi -q -x, every DTD: a stream of elements, names of readings are their paths below <gpu>
// (below <mig_device> for an instance). The DTD is never fetched and a document that declares
// entities is refused.
#include <expat.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "l1_gpu/log_line.h"
#include "l1_gpu/smi.h"

namespace strata::l1_gpu {
namespace {

constexpr std::string_view kAdapter = "nvidia_smi_xml";
constexpr std::size_t kMaxText = 4096, kMaxDepth = 32, kMaxDevices = 4096;
constexpr std::size_t kMaxReadings = 512, kMaxProcesses = 65536;  // of a device

std::string_view Trim(std::string_view text) {
  while (!text.empty() && std::strchr(" \t\r\n", text.front()) != nullptr) text.remove_prefix(1);
  while (!text.empty() && std::strchr(" \t\r\n", text.back()) != nullptr) text.remove_suffix(1);
  return text;
}

struct Reader {
  XML_Parser parser = nullptr;
  SmiOutput out;
  std::string error;
  std::vector<std::string> path;  // element names
  std::string text;
  SmiDevice gpu, instance;
  SmiProcess process;
  bool in_gpu = false, in_instance = false, in_process = false;
  std::uint64_t lost = 0;  // beyond a limit

  void Fail(std::string why) {
    if (error.empty()) error = std::move(why);
    XML_StopParser(parser, XML_FALSE);
  }

  // Path below `element`, joined by '/'.
  std::string Below(std::string_view element) const {
    std::string out_path;
    bool below = false;
    for (const std::string& name : path) {
      if (below) out_path += (out_path.empty() ? "" : "/") + name;
      if (name == element) below = true;
    }
    return out_path;
  }

  void Open(std::string_view name, const char** attributes) {
    if (!error.empty()) return;
    if (path.size() >= kMaxDepth) return Fail("elements nested too deep");
    if (path.empty() && name != "nvidia_smi_log")
      return Fail("the root element is no nvidia_smi_log");
    path.emplace_back(name);
    text.clear();
    if (path.size() == 2 && name == "gpu") {
      in_gpu = true;
      gpu = {};
      gpu.index = static_cast<std::int64_t>(out.devices.size());
      for (const char** a = attributes; *a != nullptr; a += 2) {
        if (std::strcmp(a[0], "id") == 0) gpu.pci = a[1];
      }
    } else if (in_gpu && name == "mig_device") {
      in_instance = true;
      instance = {};
    } else if (in_gpu && name == "process_info") {
      in_process = true;
      process = {};
    }
  }

  void Close(std::string_view name) {
    if (!error.empty() || path.empty()) return;  // stopped: what is under way may still be called
    const std::string value(Trim(text));
    text.clear();
    if (!in_gpu) {
      Head(name, value);
    } else if (in_process) {
      Process(name, value);
    } else if (in_instance) {
      Instance(name, value);
    } else {
      Gpu(name, value);
    }
    path.pop_back();
  }

  void Head(std::string_view name, const std::string& value) {
    if (path.size() != 2) return;
    if (name == "driver_version") out.driver = value;
    if (name == "cuda_version") out.cuda = value;
    if (name == "timestamp") ParseCalendarTime(value, &out.ts_ns);
    if (name == "attached_gpus")
      std::from_chars(value.data(), value.data() + value.size(), out.attached);
  }

  void Gpu(std::string_view name, const std::string& value) {
    if (name == "gpu" && path.size() == 2) {
      in_gpu = false;
      if (out.devices.size() < kMaxDevices) {
        out.devices.push_back(std::move(gpu));
      } else {
        ++lost;
      }
      return;
    }
    if (path.size() == 3) {
      if (name == "uuid") gpu.uuid = value;
      if (name == "product_name") gpu.model = value;
      if (name == "serial") gpu.serial = value;
    }
    Keep(Below("gpu"), value, &gpu);
  }

  void Instance(std::string_view name, const std::string& value) {
    if (name == "mig_device") {
      in_instance = false;
      if (gpu.instances.size() < kMaxReadings) {
        gpu.instances.push_back(std::move(instance));
      } else {
        ++lost;
      }
      return;
    }
    if (name == "gpu_instance_id") instance.gpu_instance = value;
    if (name == "compute_instance_id") instance.compute_instance = value;
    Keep(Below("mig_device"), value, &instance);
  }

  void Process(std::string_view name, const std::string& value) {
    if (name == "process_info") {
      in_process = false;
      if (process.pid != 0 && gpu.processes.size() < kMaxProcesses) {
        gpu.processes.push_back(std::move(process));
      } else {
        ++lost;
      }
    } else if (name == "pid") {
      std::from_chars(value.data(), value.data() + value.size(), process.pid);
    } else if (name == "process_name") {
      process.name = value;
    } else if (name == "type") {
      process.type = value;
    } else if (name == "used_memory") {
      process.memory = value;
    } else if (name == "gpu_instance_id") {
      process.gpu_instance = value;
    } else if (name == "compute_instance_id") {
      process.compute_instance = value;
    }
  }

  void Keep(std::string name, const std::string& value, SmiDevice* device) {
    if (value.empty() || !SmiOutput::Named(kAdapter, name)) return;
    if (device->readings.size() < kMaxReadings) {
      device->readings.emplace_back(std::move(name), value);
    } else {
      ++lost;
    }
  }
};

void OnOpen(void* data, const XML_Char* name, const XML_Char** attributes) {
  static_cast<Reader*>(data)->Open(name, attributes);
}
void OnClose(void* data, const XML_Char* name) { static_cast<Reader*>(data)->Close(name); }
void OnText(void* data, const XML_Char* text, int size) {
  std::string& all = static_cast<Reader*>(data)->text;
  if (all.size() < kMaxText) all.append(text, static_cast<std::size_t>(size));
}
void OnDoctype(void* data, const XML_Char*, const XML_Char* system, const XML_Char*, int) {
  if (system != nullptr) static_cast<Reader*>(data)->out.format = system;
}
void OnEntity(void* data, const XML_Char*, int, const XML_Char*, int, const XML_Char*,
              const XML_Char*, const XML_Char*, const XML_Char*) {
  static_cast<Reader*>(data)->Fail("it declares entities");
}

}  // namespace

bool LooksNvidiaSmiXml(std::string_view head) {
  return head.substr(0, 4096).find("<nvidia_smi_log") != std::string_view::npos;
}

base::Result<bool> ReadNvidiaSmiXml(const base::InputFile& file, const wire::Context& context,
                                    model::Batch* batch, base::Json* report) {
  Reader reader;
  reader.out.adapter = kAdapter;
  reader.out.process_memory = "processes/process_info/used_memory";
  reader.parser = XML_ParserCreate(nullptr);
  if (reader.parser == nullptr) return base::Exhausted("no memory for the XML parser");
  XML_SetUserData(reader.parser, &reader);
  XML_SetElementHandler(reader.parser, OnOpen, OnClose);
  XML_SetCharacterDataHandler(reader.parser, OnText);
  XML_SetStartDoctypeDeclHandler(reader.parser, OnDoctype);
  XML_SetEntityDeclHandler(reader.parser, OnEntity);
  constexpr std::size_t kPiece = 1u << 20;
  bool ok = true;
  const std::string& bytes = file.bytes;
  for (std::size_t at = 0; ok && at <= bytes.size(); at += kPiece) {
    const std::size_t size = std::min(kPiece, bytes.size() - at);
    const bool last = at + kPiece > bytes.size();
    ok = XML_Parse(reader.parser, bytes.data() + at, static_cast<int>(size), last) == XML_STATUS_OK;
  }
  if (!ok && reader.error.empty()) {
    reader.error = std::string("line ") + std::to_string(XML_GetCurrentLineNumber(reader.parser)) +
                   ": " + XML_ErrorString(XML_GetErrorCode(reader.parser));
  }
  XML_ParserFree(reader.parser);
  // Of a document that is cut off the devices before the cut are whole; of the one that was cut
  // the readings that stood there are, once it is known which device it is.
  if (reader.in_gpu && !reader.gpu.uuid.empty())
    reader.out.devices.push_back(std::move(reader.gpu));
  if (!ok && reader.out.devices.empty()) return base::Invalid(reader.error);
  if (!ok) batch->refused.add(base::Reason::malformed, 1, reader.error);
  if (reader.lost > 0) batch->refused.add(base::Reason::oversize, reader.lost);
  if (reader.out.attached != static_cast<std::int64_t>(reader.out.devices.size())) {
    for (SmiDevice& device : reader.out.devices)
      device.index = -1;  // a selection: order says nothing
  }
  PutSmi(reader.out, context, batch);
  std::vector<SmiOutput> outputs;
  outputs.push_back(std::move(reader.out));
  *report = SmiReport("nvidia_smi", outputs);
  return true;
}

}  // namespace strata::l1_gpu
