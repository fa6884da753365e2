// SPDX-License-Identifier: Apache-2.0
// Every plugin spells its ids its own way; the forms are those of the device plugins' sources.
#include "l4_sched/device_id.h"

#include <algorithm>
#include <charconv>

namespace strata::l4_sched {
namespace {

using std::string_view;

bool Digits(string_view text) {
  return !text.empty() && text.size() <= 6 &&
         text.find_first_not_of("0123456789") == string_view::npos;
}

int Number(string_view text) {
  int out = -1;
  if (Digits(text)) std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

// "0000:41:00.0" as all sources spell it: lower case, four digits of domain.
std::string Bdf(string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
  });
  if (std::ranges::count(out, ':') == 1) out = "0000:" + out;
  if (out.size() == 16 && out.starts_with("0000")) out.erase(0, 4);
  return out;
}

void Found(const Device& device, DeviceRef* ref) {
  ref->gpu = device.uuid;
  ref->known = true;
}

const Device::Instance* InstanceOf(const Device& device, string_view uuid) {
  for (const Device::Instance& i : device.instances) {
    if (i.uuid == uuid) return &i;
  }
  return nullptr;
}

void ByUuid(string_view id, string_view resource, const DeviceIndex& index, DeviceRef* ref) {
  const auto it = index.by_id.find(id);
  if (it != index.by_id.end()) Found(*it->second, ref);
  if (id.starts_with("MIG-")) {
    ref->share_kind = "mig";
    ref->instance = id;
    if (const std::size_t mig = resource.find("/mig-"); mig != string_view::npos)
      ref->profile = resource.substr(mig + 5);
    if (it != index.by_id.end()) {
      if (const Device::Instance* i = InstanceOf(*it->second, id);
          i != nullptr && !i->profile.empty())
        ref->profile = i->profile;
    } else if (id.starts_with("MIG-GPU-")) {  // names its parent itself
      ref->gpu = id.substr(4, id.find('/') == string_view::npos ? id.size() : id.find('/') - 4);
    } else {
      ref->why = "no device of this node has the MIG instance " + std::string(id);
    }
    return;
  }
  if (it != index.by_id.end()) return;
  // HAMi: the UUID and a number behind it.
  const std::size_t dash = id.rfind('-');
  if (id.starts_with("GPU-") && std::ranges::count(id, '-') == 6 && Digits(id.substr(dash + 1))) {
    ref->share_kind = "hami";
    ref->replica = Number(id.substr(dash + 1));
    const string_view uuid = id.substr(0, dash);
    ref->gpu = uuid;
    ref->known = index.by_id.contains(uuid);
    return;
  }
  if (id.starts_with("GPU-")) ref->gpu = id;  // a device that the node has not listed yet
}

void ByIndex(int number, const DeviceIndex& index, string_view id, DeviceRef* ref) {
  const auto it = index.by_index.find(number);
  if (it == index.by_index.end()) {
    ref->why = "no device of this node has the index of " + std::string(id);
    return;
  }
  Found(*it->second, ref);
}

// nvidia0, nvidia0/gi3, nvidia0/vgpu1, nvidia0/gi3/vgpu1
bool Gke(string_view id, const DeviceIndex& index, DeviceRef* ref) {
  if (!id.starts_with("nvidia")) return false;
  string_view rest = id.substr(6);
  const string_view number = rest.substr(0, rest.find('/'));
  if (!Digits(number)) return false;
  ByIndex(Number(number), index, id, ref);
  rest.remove_prefix(number.size());
  if (rest.starts_with("/gi")) {
    const string_view gi = rest.substr(
        3, rest.find('/', 1) == string_view::npos ? string_view::npos : rest.find('/', 1) - 3);
    ref->share_kind = "mig";
    ref->instance = std::string(id.substr(0, 6 + number.size() + 3 + gi.size()));
    if (const auto it = index.by_index.find(Number(number)); it != index.by_index.end()) {
      for (const Device::Instance& i : it->second->instances) {
        if (i.gpu_instance == Number(gi)) ref->instance = i.uuid, ref->profile = i.profile;
      }
    }
    rest.remove_prefix(3 + gi.size());
  }
  if (rest.starts_with("/vgpu")) {
    if (ref->share_kind != "mig") ref->share_kind = "timeslice";
    ref->replica = Number(rest.substr(5));
  }
  return true;
}

}  // namespace

DeviceIndex::DeviceIndex(const std::vector<Device>& devices) {
  for (const Device& d : devices) {
    if (!d.uuid.empty()) by_id.emplace(d.uuid, &d);
    if (!d.pci_bdf.empty()) by_id.emplace(Bdf(d.pci_bdf), &d);
    if (d.index >= 0) by_index.emplace(d.index, &d);
    for (const Device::Instance& i : d.instances) {
      if (!i.uuid.empty()) by_id.emplace(i.uuid, &d);
    }
  }
}

DeviceRef ResolveDeviceId(string_view id, string_view resource, const DeviceIndex& index) {
  DeviceRef ref;
  ref.share_kind = "whole";
  if (id.empty()) return ref.why = "an empty device id", ref;
  if (const std::size_t at = id.find("::"); at != string_view::npos) {
    ref.replica = Number(id.substr(at + 2));
    id = id.substr(0, at);
    ref.share_kind = "timeslice";
    const DeviceRef whole = ResolveDeviceId(id, resource, index);
    const int replica = ref.replica;
    ref = whole;
    ref.replica = replica;
    if (whole.share_kind == "whole") ref.share_kind = "timeslice";
    return ref;
  }
  ByUuid(id, resource, index, &ref);
  if (!ref.gpu.empty() || !ref.why.empty() || Gke(id, index, &ref)) return ref;
  if (const auto it = index.by_id.find(Bdf(id)); it != index.by_id.end()) {
    Found(*it->second, &ref);
    return ref;
  }
  // Ascend910-3, card2, amdgpu_xcp_4, 3: the last number is the index.
  const std::size_t cut = id.find_last_not_of("0123456789");
  const string_view tail = cut == string_view::npos ? id : id.substr(cut + 1);
  const string_view head = id.substr(0, id.size() - tail.size());
  const bool counted = head.empty() || head == "card" || head.starts_with("Ascend") ||
                       head.starts_with("davinci") || head.starts_with("npu") ||
                       head.starts_with("neuron") || head.starts_with("accel");
  if (counted && Digits(tail)) {
    ByIndex(Number(tail), index, id, &ref);
    return ref;
  }
  ref.why = "a device id of a form that is not known: " + std::string(id.substr(0, 80));
  return ref;
}

double MigProfileShare(string_view profile, string_view model) {
  if (profile.starts_with("mig-")) profile.remove_prefix(4);
  int slices = 0;
  const auto read = [&](char unit) {
    const auto [end, error] =
        std::from_chars(profile.data(), profile.data() + profile.size(), slices);
    return error == std::errc() && end != profile.data() + profile.size() && *end == unit &&
           slices > 0;
  };
  if (!read('c') && !read('g')) return 0;
  const int whole = model.find("A30") != string_view::npos ? 4 : 7;
  return std::min(1.0, static_cast<double>(slices) / whole);
}

}  // namespace strata::l4_sched
