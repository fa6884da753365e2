// SPDX-License-Identifier: Apache-2.0
// What the fake library plays: devices whose values, failures and faults follow the clock that
// starts with the first nvmlInit. The language is in README.md beside this file.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "l1_gpu/nvml_abi.h"

namespace fake_nvml {

using strata::l1_gpu::NvmlReturn;

// A number, or the failure that is told instead.
struct Answer {
  NvmlReturn result = strata::l1_gpu::kNvmlNotSupported;
  double value = 0;
  unsigned long long whole = 0;  // the same, exact for counters
};

class Curve {
 public:
  Answer At(double t) const;

  enum class Kind { none, constant, failure, ramp, sine, steps, counter };
  Kind kind = Kind::none;
  double a = 0, b = 0, over = 1, phase = 0;  // constant a; ramp a..b; sine a..b in `over` s
  unsigned long long start = 0, wrap = 0;    // counter; a is the rate
  NvmlReturn failure = strata::l1_gpu::kNvmlNotSupported;
  std::vector<std::pair<double, Curve>> steps;
};

// From one time to another, and while a file is there.
struct When {
  double from = 0, to = 1e300;
  std::string file;
  bool Now(double t) const;
};

// What befalls a call.
struct Rule {
  std::string call;
  When when;
  NvmlReturn result = strata::l1_gpu::kNvmlOk;
  double sleep_s = 0;
  bool hang = false;
};

struct Memory {
  Curve total, reserved, used;
};

struct Process {
  unsigned pid = 0, gpu_instance = strata::l1_gpu::kNvmlNoInstance;
  std::string name;
  bool compute = true, graphics = false, mps = false;
  Curve memory, use;
  When when;
};

struct Xid {
  double at = 0;
  std::string file;  // once, when it comes to be there
  unsigned long long code = 0;
  unsigned gpu_instance = strata::l1_gpu::kNvmlNoInstance;
};

struct Device;

struct Instance {  // a MIG device
  Device* parent = nullptr;
  unsigned gpu_instance = 0, compute_instance = 0;
  std::string uuid, name;
  strata::l1_gpu::NvmlAttributes attributes{};
  Memory memory;
  std::map<unsigned, Curve> gpm;
  When when;
};

struct Device {
  unsigned index = 0, minor = 0;
  std::string uuid, name, pci;
  int architecture = 0;
  Memory memory;
  std::map<std::string, Curve, std::less<>> values;
  std::map<std::pair<unsigned, int>, Curve> fields;  // (id, scope; -1 = any)
  std::map<unsigned, Curve> gpm;
  std::vector<Process> processes;
  std::vector<Xid> xids;
  Curve mig_mode;
  unsigned mig_max = 0;
  std::deque<Instance> instances;
  std::vector<Rule> rules;
  bool loses = false, vanishes = false;
  When lost;
  std::atomic<bool> is_lost{false};  // until the library is started anew

  const Curve& Value(std::string_view name) const;
};

struct Script {
  std::string driver = "590.48.01", nvml = "13.590.48.01";
  int cuda = 13000;
  std::vector<Rule> rules;  // for every device, and for calls without one
  std::deque<Device> devices;
};

// Reads a file; on a mistake null and `error` says where and what.
std::unique_ptr<Script> ReadScript(const std::string& path, std::string* error);
const char* ResultName(NvmlReturn result);

}  // namespace fake_nvml
