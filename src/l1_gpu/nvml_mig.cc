// SPDX-License-Identifier: Apache-2.0
// The GPU instances of a partitioned device: entities of their own below it, with memory and what
// GPM tells of them. An instance that is split once more into compute instances stays one: memory
// and counters are the instance's.
#include <algorithm>
#include <cmath>

#include "l1_gpu/nvml_device.h"

namespace strata::l1_gpu {
namespace {

constexpr unsigned kMaxInstances = 64;

// The profile stands in a MIG device's name ("NVIDIA A100-SXM4-40GB MIG 1g.5gb"). An older driver
// gives no such name: then from slices and memory, which NVIDIA names by eighths of the device's.
std::string Profile(std::string_view name, const NvmlAttributes& attributes, double device_bytes) {
  if (const std::size_t at = name.find(" MIG "); at != std::string_view::npos)
    return std::string(name.substr(at + 5));
  if (attributes.gpu_slices == 0 || !(device_bytes > 0)) return {};
  const double share = static_cast<double>(attributes.memory_mb) * 1048576 / device_bytes;
  const double gigabytes = std::ceil(share * 8) / 8 * std::ceil(device_bytes / 1073741824);
  std::string out =
      std::to_string(attributes.gpu_slices) + "g." + std::to_string(std::lround(gigabytes)) + "gb";
  if (attributes.compute_slices != 0 && attributes.compute_slices < attributes.gpu_slices)
    out = std::to_string(attributes.compute_slices) + "c." + out;
  return out;
}

}  // namespace

const MigInstance* DeviceReader::Instance(unsigned id) const {
  for (const auto& instance : instances_) {
    if (instance->id == id) return instance.get();
  }
  return nullptr;
}

void DeviceReader::EndInstance(MigInstance& instance, const Calls* calls,
                               std::vector<std::uint64_t>* ended) {
  ended->push_back(instance.owner->hash);
  if (calls != nullptr) instance.gpm.Free(*calls);
  for (auto it = processes_.begin(); it != processes_.end();) {
    if (it->first.second == instance.id) {
      ended->push_back(it->second.owner->hash);
      it = processes_.erase(it);
    } else {
      ++it;
    }
  }
}

void DeviceReader::FindInstances(const Calls& calls, std::vector<std::uint64_t>* ended) {
  const NvmlLibrary& nvml = calls.nvml;
  unsigned mode = 0, pending = 0, most = 0;
  const bool on =
      Ask(calls, Question::mig_mode, "nvmlDeviceGetMigMode", nvml.mig_mode, &mode, &pending) &&
      mode == 1;
  if (on != mig_on_) {  // what may be asked of the device is another matter now
    mig_on_ = on;
    refused_.reset();
    changed_ = true;
  }
  for (auto& instance : instances_) instance->seen = false;
  if (on && calls("nvmlDeviceGetMaxMigDeviceCount", nvml.mig_max, handle_, &most) == kNvmlOk) {
    for (unsigned i = 0; i < std::min(most, kMaxInstances); ++i) {
      NvmlDevice handle = nullptr;
      const NvmlReturn result =
          calls("nvmlDeviceGetMigDeviceHandleByIndex", nvml.mig_handle, handle_, i, &handle);
      lost_ = lost_ || result == kNvmlGpuLost;
      if (result == kNvmlOk) AddInstance(calls, handle);
    }
  }
  if (lost_) return;
  for (auto it = instances_.begin(); it != instances_.end();) {
    if ((*it)->seen) {
      ++it;
      continue;
    }
    EndInstance(**it, &calls, ended);
    it = instances_.erase(it);
  }
}

void DeviceReader::AddInstance(const Calls& calls, NvmlDevice handle) {
  const NvmlLibrary& nvml = calls.nvml;
  unsigned id = 0;
  char uuid[96] = {}, name[96] = {};
  if (calls("nvmlDeviceGetGpuInstanceId", nvml.gpu_instance, handle, &id) != kNvmlOk) return;
  calls("nvmlDeviceGetUUID", nvml.uuid, handle, &uuid[0], 95U);
  for (auto& instance : instances_) {
    if (instance->id != id) continue;
    if (instance->seen) return;  // its second compute instance
    if (instance->uuid == uuid) {
      instance->seen = true;
      instance->handle = handle;
      return;
    }
  }
  NvmlAttributes attributes{};
  calls("nvmlDeviceGetAttributes_v2", nvml.attributes, handle, &attributes);
  calls("nvmlDeviceGetName", nvml.name, handle, &name[0], 95U);
  double device_bytes = 0;
  for (const Value& v : reading_.values) {
    if (v.owner == 0 && v.def->signal == "gpu.memory.total") device_bytes = v.value;
  }
  model::Attributes resource = owner_->resource;
  resource.set("hw.parent", uuid_);
  resource.set("gpu.mig.id", std::to_string(id));
  if (uuid[0] != 0) resource.set("gpu.mig.uuid", &uuid[0]);
  const std::string profile = Profile(&name[0], attributes, device_bytes);
  if (!profile.empty()) resource.set("gpu.mig.profile", profile);
  if (attributes.gpu_slices != 0)
    resource.set("gpu.mig.slices", std::to_string(attributes.gpu_slices));
  auto instance = std::make_unique<MigInstance>();
  instance->id = id;
  instance->uuid = &uuid[0];
  instance->handle = handle;
  instance->seen = true;
  instance->owner = MakeOwner(std::move(resource));
  instances_.push_back(std::move(instance));
}

void DeviceReader::ReadInstances(const Calls& calls) {
  const NvmlLibrary& nvml = calls.nvml;
  for (auto& instance : instances_) {
    const std::uint32_t owner = AddOwner(instance->owner);
    if (!instance->memory_refused) {
      NvmlMemoryV2 memory{};
      memory.version = NvmlVersion(sizeof memory, 2);
      const NvmlReturn result =
          calls("nvmlDeviceGetMemoryInfo_v2", nvml.memory, instance->handle, &memory);
      lost_ = lost_ || result == kNvmlGpuLost;
      instance->memory_refused = IsLastingRefusal(result);
      if (result == kNvmlOk) PutMemory(memory, owner);
    }
    if (instance->gpm_refused) continue;
    bool told = false;
    const NvmlReturn result = instance->gpm.Take(calls, handle_, instance->id, &told);
    lost_ = lost_ || result == kNvmlGpuLost;
    instance->gpm_refused = IsLastingRefusal(result);
    const auto defs = gpm_defs();
    for (std::size_t i = 0; told && i < defs.size(); ++i) {
      // PCIe and NVLink belong to the whole device.
      if (instance->gpm.result(i) == kNvmlOk && !defs[i].counted)
        Put(defs[i].def, instance->gpm.value(i), owner);
    }
    if (lost_) return;
  }
}

}  // namespace strata::l1_gpu
