// SPDX-License-Identifier: Apache-2.0
#include "l4_sched/hami.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "l4_sched/json_view.h"

namespace strata::l4_sched {
namespace {

using std::string_view;

constexpr std::size_t kMaxContainers = 256, kMaxDevices = 256;

double Number(string_view text) {
  double out = std::numeric_limits<double>::quiet_NaN();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size())
    return std::numeric_limits<double>::quiet_NaN();
  return out;
}

string_view Take(string_view* rest, char until) {
  const string_view part = rest->substr(0, rest->find(until));
  rest->remove_prefix(std::min(rest->size(), part.size() + 1));
  return part;
}

bool ReadDevice(string_view text, VirtualDevice* out) {
  string_view uuid = Take(&text, ',');
  out->type = Take(&text, ',');
  out->memory_mib = Number(Take(&text, ','));
  out->cores_percent = Number(Take(&text, ','));
  if (const std::size_t bracket = uuid.find('['); bracket != string_view::npos) {
    out->slot = uuid.substr(bracket);
    uuid = uuid.substr(0, bracket);
  }
  out->uuid = uuid;
  return !out->uuid.empty() && std::isfinite(out->memory_mib) && out->memory_mib >= 0 &&
         std::isfinite(out->cores_percent) && out->cores_percent >= 0;
}

// HAMi's keys per vendor all end so; kunlun's does not.
bool IsAllocation(string_view key) {
  return (key.starts_with("hami.io/") && key.ends_with("-devices-allocated")) ||
         key == "hami.io/kunlun-allocated";
}

void AddMig(string_view json, std::vector<ContainerDevices>* containers) {
  JsonDocument document;
  auto root = document.Parse(json);
  if (!root.ok()) return;
  root->each([&](JsonView m) {
    const auto c = static_cast<std::size_t>(m["containerIndex"].integer(-1));
    const auto d = static_cast<std::size_t>(m["deviceIndex"].integer(0));
    if (c >= containers->size() || d >= (*containers)[c].size()) return;
    VirtualDevice& device = (*containers)[c][d];
    device.mig_profile = m["profile"].str();
    device.mig_uuid = m["migUUID"].str();
  });
}

std::int64_t Seconds(const Pod& pod, string_view key) {
  const auto it = pod.annotations.find(key);
  if (it == pod.annotations.end()) return 0;
  const double s = Number(it->second);
  return s > 0 && s < 9e9 ? static_cast<std::int64_t>(s) * 1'000'000'000 : 0;
}

}  // namespace

base::Result<std::vector<ContainerDevices>> ParseDevicesAllocated(string_view text) {
  std::vector<ContainerDevices> out;
  while (!text.empty()) {
    if (out.size() >= kMaxContainers) return base::Invalid("more containers than a pod can have");
    string_view container = Take(&text, ';');
    ContainerDevices devices;
    while (!container.empty()) {
      const string_view entry = Take(&container, ':');
      if (entry.empty()) continue;
      VirtualDevice device;
      if (devices.size() >= kMaxDevices || !ReadDevice(entry, &device))
        return base::Invalid("no \"UUID,type,MiB,cores\": " + std::string(entry.substr(0, 80)));
      devices.push_back(std::move(device));
    }
    out.push_back(std::move(devices));
  }
  return out;
}

bool SharesOf(const Pod& pod, PodShares* out) {
  if (const auto phase = pod.annotations.find("hami.io/bind-phase");
      phase != pod.annotations.end() && phase->second == "failed")
    return false;
  bool any = false;
  for (const auto& [key, value] : pod.annotations) {
    const bool volcano = key == "volcano.sh/vgpu-ids-new";
    if (!volcano && !IsAllocation(key)) continue;
    any = true;
    auto containers = ParseDevicesAllocated(value);
    if (!containers.ok()) {
      out->why = key + ": " + containers.status().message();
      continue;
    }
    out->scheduler = volcano ? "volcano" : "hami";
    if (out->containers.size() < containers->size()) out->containers.resize(containers->size());
    for (std::size_t i = 0; i < containers->size(); ++i) {
      for (VirtualDevice& d : (*containers)[i]) out->containers[i].push_back(std::move(d));
    }
  }
  if (!any) return false;
  if (const auto mig = pod.annotations.find("hami.io/vgpu-mig-allocations");
      mig != pod.annotations.end())
    AddMig(mig->second, &out->containers);
  for (const char* key :
       {"hami.io/bind-time", "hami.io/vgpu-time", "volcano.sh/bind-time", "volcano.sh/vgpu-time"}) {
    if (out->bound_ns == 0) out->bound_ns = Seconds(pod, key);
  }
  return true;
}

base::Result<std::vector<RegisteredDevice>> ParseNodeRegister(string_view text) {
  std::vector<RegisteredDevice> out;
  if (text.starts_with("[")) {
    JsonDocument document;
    auto root = document.Parse(text);
    if (!root.ok()) return root.status();
    root->each([&](JsonView d) {  // what is 0 or false is left out
      const auto number = [&](const char* key) {
        const double n = d[key].number();
        return std::isfinite(n) ? n : 0;
      };
      out.push_back({d["id"].str(), d["type"].str(), d["mode"].str(),
                     static_cast<int>(d["index"].integer()), static_cast<int>(d["count"].integer()),
                     number("devmem"), number("devcore"), d["health"].truth()});
    });
    return out;
  }
  while (!text.empty()) {
    string_view entry = Take(&text, ':');
    if (entry.empty()) continue;
    RegisteredDevice d;
    d.id = Take(&entry, ',');
    const double count = Number(Take(&entry, ','));
    d.memory_mib = Number(Take(&entry, ','));
    d.cores_percent = Number(Take(&entry, ','));
    d.type = Take(&entry, ',');
    (void)Take(&entry, ',');  // numa
    d.health = Take(&entry, ',') == "true";
    const double index = Number(Take(&entry, ','));
    d.mode = Take(&entry, ',');
    if (d.id.empty() || !(count >= 0 && count < 1e6) || !std::isfinite(d.memory_mib) ||
        out.size() >= kMaxDevices)
      return base::Invalid("no node register of HAMi");
    d.count = static_cast<int>(count);
    d.index = index >= 0 && index < 1e6 ? static_cast<int>(index) : -1;
    if (!std::isfinite(d.cores_percent)) d.cores_percent = 0;
    out.push_back(std::move(d));
  }
  return out;
}

std::vector<RegisteredDevice> RegisteredOn(const Node& node) {
  std::vector<RegisteredDevice> out;
  for (const auto& [key, value] : node.annotations) {
    if (!key.starts_with("hami.io/node-") || !key.ends_with("-register")) {
      if (key != "volcano.sh/node-vgpu-register") continue;
    }
    if (auto devices = ParseNodeRegister(value); devices.ok())
      out.insert(out.end(), devices->begin(), devices->end());
  }
  return out;
}

double ShareOf(const VirtualDevice& device, double device_memory_mib) {
  const double memory = device_memory_mib > 0 ? device.memory_mib / device_memory_mib : 0;
  return std::max(memory, device.cores_percent / 100);
}

}  // namespace strata::l4_sched
