// SPDX-License-Identifier: Apache-2.0
// Who uses a device: memory and share of the SMs, by process. Ids are those of the host; in another
// pid namespace they name other processes, or none.
#include <algorithm>

#include "base/drop.h"
#include "l1_gpu/nvml_device.h"

namespace strata::l1_gpu {
namespace {

constexpr Def kMemory{"gpu.process.memory"}, kUse{"gpu.process.utilization"};
constexpr std::size_t kMaxProcesses = 1024;        // of a device; what is beyond is counted
constexpr std::size_t kMaxListed = 4096;           // in one answer
constexpr std::int64_t kUseEvery = base::kSecond;  // the driver samples once in 1/6 s to 1 s
constexpr std::size_t kMaxName = 128;

std::string NameOf(const Calls& calls, unsigned pid) {
  char text[kMaxName] = {};
  if (calls("nvmlSystemGetProcessName", calls.nvml.process_name, pid, &text[0],
            static_cast<unsigned>(sizeof text - 1)) != kNvmlOk)
    return {};
  const std::string_view all(&text[0]);
  const std::string_view word =
      all.substr(0, all.find(' '));  // no arguments: they may hold secrets
  return std::string(word.substr(word.rfind('/') + 1));
}

}  // namespace

DeviceReader::Process* DeviceReader::FindProcess(const Calls& calls, unsigned pid,
                                                 unsigned gpu_instance) {
  const auto key = std::pair(pid, gpu_instance);
  auto it = processes_.find(key);
  if (it == processes_.end()) {
    if (processes_.size() >= kMaxProcesses) {
      base::Drop(base::Reason::oversize);
      return nullptr;
    }
    const MigInstance* instance = Instance(gpu_instance);
    model::Attributes resource = (instance != nullptr ? instance->owner : owner_)->resource;
    resource.set("process.pid", std::to_string(pid));
    if (const std::string name = NameOf(calls, pid); !name.empty())
      resource.set("process.executable.name", name);
    it = processes_.emplace(key, Process{}).first;
    it->second.owner = MakeOwner(std::move(resource));
  }
  Process& process = it->second;
  if (process.index == 0) process.index = AddOwner(process.owner);
  return &process;
}

// Fills list_ and takes up what it holds. One process may stand in several lists (compute and
// graphics): it is one, with the same memory.
void DeviceReader::ListProcesses(const Calls& calls, Question q, const char* name,
                                 NvmlLibrary::Processes* function) {
  if (!Due(q)) return;
  NvmlReturn result = kNvmlInsufficientSize;
  unsigned n = 0;
  for (int i = 0; i < 4 && result == kNvmlInsufficientSize; ++i) {
    // Between asking how many and asking which, more may have begun.
    const std::size_t room = std::min<std::size_t>(std::max<std::size_t>(n + 16, 64), kMaxListed);
    if (list_.size() < room) list_.resize(room);
    n = static_cast<unsigned>(list_.size());
    result = calls(name, function, handle_, &n, list_.data());
  }
  Note(static_cast<std::size_t>(q), result);
  if (result != kNvmlOk) return;
  for (std::size_t i = 0; i < std::min<std::size_t>(n, list_.size()); ++i) {
    const NvmlProcess& listed = list_[i];
    Process* process = FindProcess(calls, listed.pid, listed.gpu_instance);
    if (process == nullptr) continue;
    const bool silent = listed.used == kNvmlNoMemory;
    changed_ = changed_ || (silent && !no_process_memory_);
    no_process_memory_ = no_process_memory_ || silent;
    if (silent || process->memory_told) continue;
    process->memory_told = true;
    process->memory = listed.used;
  }
}

void DeviceReader::UseOf(unsigned pid, unsigned sm) {
  for (auto it = processes_.lower_bound({pid, 0}); it != processes_.end() && it->first.first == pid;
       ++it) {
    if (it->second.index == 0) continue;
    it->second.use_told = true;
    it->second.sm = std::max(it->second.sm, sm);
    return;
  }
}

// The newer call tells every process of the last period; the older one a list of samples since a
// time, of processes that used the device at all. What is running and not in it used nothing.
void DeviceReader::ReadProcessUse(const Calls& calls) {
  const NvmlLibrary& nvml = calls.nvml;
  unsigned long long newest = use_since_us_;
  NvmlReturn result = kNvmlNotSupported;
  if (Due(Question::processes_use)) {
    NvmlProcessesUtilization ask{NvmlVersion(sizeof ask, 1), 0, use_since_us_, nullptr};
    for (int i = 0; i < 3; ++i) {
      if (use_.size() < ask.count + 16) use_.resize(ask.count + 64);
      ask.count = static_cast<unsigned>(use_.size());
      ask.processes = use_.data();
      result = calls("nvmlDeviceGetProcessesUtilizationInfo", nvml.processes_use, handle_, &ask);
      if (result != kNvmlInsufficientSize || ask.count > kMaxListed) break;
    }
    const bool none = result == kNvmlNotFound;
    Note(static_cast<std::size_t>(Question::processes_use), none ? kNvmlOk : result);
    if (result == kNvmlOk) {
      for (std::size_t i = 0; i < std::min<std::size_t>(ask.count, use_.size()); ++i) {
        UseOf(use_[i].pid, use_[i].sm);
        newest = std::max(newest, use_[i].timestamp_us);
      }
    }
  }
  if (!Due(Question::processes_use) && Due(Question::process_use)) {
    unsigned n = 0;
    for (int i = 0; i < 3; ++i) {
      if (use_old_.size() < n + 16) use_old_.resize(n + 64);
      n = static_cast<unsigned>(use_old_.size());
      result = calls("nvmlDeviceGetProcessUtilization", nvml.process_use, handle_, use_old_.data(),
                     &n, use_since_us_);
      if (result != kNvmlInsufficientSize || n > kMaxListed) break;
    }
    const bool none = result == kNvmlNotFound;
    Note(static_cast<std::size_t>(Question::process_use), none ? kNvmlOk : result);
    if (result == kNvmlOk) {
      for (std::size_t i = 0; i < std::min<std::size_t>(n, use_old_.size()); ++i) {
        UseOf(use_old_[i].pid, use_old_[i].sm);
        newest = std::max(newest, use_old_[i].timestamp_us);
      }
    }
  }
  use_since_us_ = newest;
  if (result != kNvmlOk && result != kNvmlNotFound) return;
  for (auto& [key, process] : processes_) process.use_told = process.use_told || process.index != 0;
}

void DeviceReader::ReadProcesses(const Calls& calls, std::vector<std::uint64_t>* ended) {
  const NvmlLibrary& nvml = calls.nvml;
  for (auto& [key, process] : processes_)
    process.index = 0, process.memory_told = process.use_told = false, process.sm = 0;
  ListProcesses(calls, Question::compute, "nvmlDeviceGetComputeRunningProcesses_v3", nvml.compute);
  ListProcesses(calls, Question::graphics, "nvmlDeviceGetGraphicsRunningProcesses_v3",
                nvml.graphics);
  ListProcesses(calls, Question::mps, "nvmlDeviceGetMPSComputeRunningProcesses_v3", nvml.mps);
  const std::int64_t now = base::monotonic_ns();
  if (!processes_.empty() && now - use_at_ns_ >= kUseEvery) {
    use_at_ns_ = now;
    ReadProcessUse(calls);
  }
  // A list that failed this time says nothing about who has ended.
  const auto lists = {Question::compute, Question::graphics, Question::mps};
  const bool whole = std::all_of(lists.begin(), lists.end(), [this](Question q) {
    return !Due(q) || last_[static_cast<std::size_t>(q)] == kNvmlOk;
  });
  for (auto it = processes_.begin(); it != processes_.end();) {
    Process& process = it->second;
    if (process.index == 0 && whole) {
      ended->push_back(process.owner->hash);
      it = processes_.erase(it);
      continue;
    }
    if (process.memory_told) Put(kMemory, static_cast<double>(process.memory), process.index);
    if (process.use_told && process.index != 0) Put(kUse, process.sm / 100.0, process.index);
    ++it;
  }
}

}  // namespace strata::l1_gpu
