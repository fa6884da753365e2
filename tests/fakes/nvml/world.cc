// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <chrono>
#include <cstring>
#include <map>
#include <thread>

namespace fake_nvml {
namespace {

using namespace strata::l1_gpu;  // NOLINT: the interface, nothing else

std::int64_t Monotonic() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::mutex g_functions_mutex;
std::map<std::string, Function*>& functions() {
  static std::map<std::string, Function*> all;
  return all;
}

Target Named(const Script& script, NvmlDevice handle) {
  for (const Device& device : script.devices) {
    if (handle == &device) return {const_cast<Device*>(&device), nullptr};
    for (const Instance& instance : device.instances) {
      if (handle == &instance)
        return {const_cast<Device*>(&device), const_cast<Instance*>(&instance)};
    }
  }
  return {};
}

NvmlReturn Play(const std::vector<Rule>& rules, const char* call) {
  for (const Rule& rule : rules) {
    if (rule.call != call) continue;
    if (!rule.when.Now(world().Now())) continue;
    if (rule.sleep_s > 0) std::this_thread::sleep_for(std::chrono::duration<double>(rule.sleep_s));
    while (rule.hang && rule.when.Now(world().Now()))
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (rule.result != kNvmlOk) return rule.result;
  }
  return kNvmlOk;
}

}  // namespace

World& world() {
  static World* w = new World;  // threads that hang may outlive main
  return *w;
}

double World::Now() const {
  return clock_runs ? static_cast<double>(Monotonic() - began_ns) * 1e-9 : 0;
}

Function::Function(const char* function) : name(function) {
  const std::lock_guard lock(g_functions_mutex);
  functions()[name] = this;
}

long CallsOf(const std::string& name) {
  const std::lock_guard lock(g_functions_mutex);
  const auto it = functions().find(name);
  return it == functions().end() ? 0 : it->second->calls.load();
}

NvmlReturn Enter(Function& function, NvmlDevice handle, Target* target) {
  ++function.calls;
  World& w = world();
  if (w.started == 0) return kNvmlUninitialized;
  const Script& script = *w.script.load();
  if (!script.rules.empty()) {
    if (const NvmlReturn bad = Play(script.rules, function.name); bad != kNvmlOk) return bad;
  }
  if (target == nullptr) return kNvmlOk;
  *target = Named(script, handle);
  Device* device = target->device;
  if (device == nullptr) return kNvmlInvalidArgument;
  if (device->loses && (device->is_lost || device->lost.Now(w.Now()))) {
    device->is_lost = true;
    return kNvmlGpuLost;
  }
  if (target->instance != nullptr && !target->instance->when.Now(w.Now())) return kNvmlNotFound;
  return device->rules.empty() ? kNvmlOk : Play(device->rules, function.name);
}

NvmlReturn EnterDevice(Function& function, NvmlDevice handle, Device** device) {
  Target target;
  const NvmlReturn bad = Enter(function, handle, &target);
  *device = target.device;
  if (bad != kNvmlOk) return bad;
  return target.instance != nullptr ? kNvmlNotSupported : kNvmlOk;
}

NvmlReturn PutText(const std::string& text, char* out, unsigned length) {
  if (out == nullptr) return kNvmlInvalidArgument;
  if (text.size() >= length) return kNvmlInsufficientSize;
  std::memcpy(out, text.c_str(), text.size() + 1);
  return kNvmlOk;
}

}  // namespace fake_nvml
