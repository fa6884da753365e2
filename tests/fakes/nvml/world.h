// SPDX-License-Identifier: Apache-2.0
// The state of the running fake, and what every exported function does first. Any thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "script.h"

namespace fake_nvml {

// An exported function; counts how often it was called.
struct Function {
  explicit Function(const char* function);
  const char* name;
  std::atomic<long> calls{0};
};
long CallsOf(const std::string& name);

struct Target {  // what a handle names
  Device* device = nullptr;
  Instance* instance = nullptr;  // a MIG device, else null
};

struct World {
  std::mutex mutex;  // starting and ending
  std::atomic<Script*> script{nullptr};
  std::vector<std::unique_ptr<Script>> scripts;  // all there were: a hung call may still read one
  std::atomic<int> started{0};
  std::atomic<bool> clock_runs{false};
  std::atomic<std::int64_t> began_ns{0};

  double Now() const;  // seconds since the first start
};
World& world();

// Counts the call, and plays what the script has for it: failure, delay, hang, a lost device. Any
// result but ok is the function's own. `handle` null: the call is about no device.
NvmlReturn Enter(Function& function, strata::l1_gpu::NvmlDevice handle, Target* target);
// For functions that only whole devices have.
NvmlReturn EnterDevice(Function& function, strata::l1_gpu::NvmlDevice handle, Device** device);

NvmlReturn PutText(const std::string& text, char* out, unsigned length);

}  // namespace fake_nvml

// The first line of an exported function about a whole device.
#define FAKE_DEVICE(handle)                                               \
  static fake_nvml::Function function(__func__);                          \
  fake_nvml::Device* device = nullptr;                                    \
  if (const auto bad = fake_nvml::EnterDevice(function, handle, &device); \
      bad != strata::l1_gpu::kNvmlOk)                                     \
  return bad
// … about a device or a MIG device.
#define FAKE_ANY(handle)                                            \
  static fake_nvml::Function function(__func__);                    \
  fake_nvml::Target target;                                         \
  if (const auto bad = fake_nvml::Enter(function, handle, &target); \
      bad != strata::l1_gpu::kNvmlOk)                               \
  return bad
// … about none.
#define FAKE_CALL()                                                  \
  static fake_nvml::Function function(__func__);                     \
  if (const auto bad = fake_nvml::Enter(function, nullptr, nullptr); \
      bad != strata::l1_gpu::kNvmlOk)                                \
  return bad
