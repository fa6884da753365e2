// SPDX-License-Identifier: Apache-2.0
// One device: what it may be asked, what it refused, and its reading. Internal to `l1_gpu`; one
// thread at a time, the one that reads.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "l1_gpu/nvml_gpm.h"
#include "l1_gpu/nvml_shared.h"

namespace strata::l1_gpu {

// The calls that are made one by one; fields and GPM metrics have numbers of their own after these.
enum class Question : std::size_t {
  utilization,
  memory,
  memory_v1,
  encoder,
  decoder,
  temperature,
  temperature_v,
  energy,
  clock_core,
  clock_memory,
  clock_max,
  reasons,
  power,
  power_limit,
  power_default,
  replays,
  pcie_generation,
  pcie_width,
  pcie_max_generation,
  pcie_max_width,
  ecc_mode,
  remap_banks,
  compute,
  graphics,
  mps,
  processes_use,
  process_use,
  mig_mode,
  gpm,
  kCount,
};
inline constexpr std::size_t kMaxFields = 48;
inline constexpr std::size_t kFirstField = static_cast<std::size_t>(Question::kCount);
inline constexpr std::size_t kFirstGpm = kFirstField + kMaxFields;
inline constexpr std::size_t kQuestions = kFirstGpm + kGpmDefs;

// A GPU instance of a partitioned device.
struct MigInstance {
  unsigned id = 0;
  NvmlDevice handle = nullptr;
  OwnerPtr owner;
  GpmPair gpm;
  bool seen = false, gpm_refused = false, memory_refused = false;
  std::string uuid;
};

class DeviceReader {
 public:
  enum class Result { read, lost, uninitialized };

  // `resource` is what stands on every series of the device; hw.id is its UUID.
  DeviceReader(std::string uuid, std::string name, model::Attributes resource);

  // Before the first reading, and when the library was started anew: everything may be asked again.
  void Begin(NvmlDevice handle, model::Attributes resource, std::vector<std::uint64_t>* ended);
  Result Read(const Calls& calls, const NvmlOptions& options, std::vector<std::uint64_t>* ended);
  // The device is gone, and with it all that stood on it.
  void End(std::vector<std::uint64_t>* ended);
  void Free(const Calls& calls);

  const std::string& uuid() const { return uuid_; }
  const std::string& name() const { return name_; }
  NvmlDevice handle() const { return handle_; }
  const OwnerPtr& owner() const { return owner_; }
  Reading& reading() { return reading_; }
  // What is asked for seldom was read and not taken: once more.
  void RepeatSlow() { slow_at_ns_ = 0; }
  bool unanswered_changed() const { return changed_; }
  // "gpu.energy" or "gpu.pcie.io receive" -> why it is absent.
  std::map<std::string, std::string> Unanswered(const NvmlLibrary& nvml);

 private:
  struct Process {
    OwnerPtr owner;
    std::uint32_t index = 0;  // of the owner in this reading; 0 = not seen in it
    bool memory_told = false, use_told = false;
    unsigned long long memory = 0;
    unsigned sm = 0;
  };

  bool Due(Question q) const { return !refused_.test(static_cast<std::size_t>(q)); }
  void Note(std::size_t question, NvmlReturn result);
  template <typename F, typename... Args>
  bool Ask(const Calls& calls, Question q, const char* name, F* function, Args... args) {
    if (!Due(q)) return false;
    const NvmlReturn result = calls(name, function, handle_, args...);
    Note(static_cast<std::size_t>(q), result);
    return result == kNvmlOk;
  }
  void Put(const Def& def, double value, std::uint32_t owner = 0) {
    reading_.Put(def, value, owner);
  }
  std::uint32_t AddOwner(const OwnerPtr& owner) {
    reading_.owners.push_back(owner);
    return static_cast<std::uint32_t>(reading_.owners.size() - 1);
  }

  void ReadActivity(const Calls& calls);
  void ReadMemory(const Calls& calls);
  void PutMemory(const NvmlMemoryV2& memory, std::uint32_t owner);
  void ReadState(const Calls& calls);
  void ReadFields(const Calls& calls, bool slow);
  void AskFields(const Calls& calls, bool slow);
  void PutField(std::size_t index, const NvmlFieldValue& value, unsigned* told);
  void ReadLinks(const Calls& calls);
  void ReadSlow(const Calls& calls);
  void ReadGpm(const Calls& calls);
  // nvml_process.cc
  void ReadProcesses(const Calls& calls, std::vector<std::uint64_t>* ended);
  void ListProcesses(const Calls& calls, Question q, const char* name,
                     NvmlLibrary::Processes* function);
  void ReadProcessUse(const Calls& calls);
  Process* FindProcess(const Calls& calls, unsigned pid, unsigned gpu_instance);
  void UseOf(unsigned pid, unsigned sm);
  // nvml_mig.cc
  void FindInstances(const Calls& calls, std::vector<std::uint64_t>* ended);
  void AddInstance(const Calls& calls, NvmlDevice handle);
  void ReadInstances(const Calls& calls);
  const MigInstance* Instance(unsigned id) const;
  void EndInstance(MigInstance& instance, const Calls* calls, std::vector<std::uint64_t>* ended);

  std::string uuid_, name_;
  NvmlDevice handle_ = nullptr;
  OwnerPtr owner_;
  Reading reading_;
  std::bitset<kQuestions> refused_;              // not asked any more
  std::array<std::int16_t, kQuestions> last_{};  // NvmlReturn of the last time; -1 = not asked yet
  bool changed_ = true;                          // last_ has, since Unanswered()
  std::int64_t slow_at_ns_ = 0, reask_at_ns_ = 0, use_at_ns_ = 0;  // monotonic; 0 = at once
  bool lost_ = false, uninitialized_ = false;
  bool ecc_off_ = false, mig_on_ = false, io_told_[2] = {};  // bytes of PCIe, of NVLink
  bool no_process_memory_ = false;
  unsigned links_ = kNvmlMaxLinks;
  GpmPair gpm_;
  bool gpm_on_ = false;
  std::vector<NvmlFieldValue> fields_;
  std::vector<NvmlProcess> list_;
  std::vector<NvmlProcessUtilization> use_;
  std::vector<NvmlProcessSample> use_old_;
  unsigned long long use_since_us_ = 0;
  std::map<std::pair<unsigned, unsigned>, Process> processes_;  // (pid, GPU instance)
  std::vector<std::unique_ptr<MigInstance>> instances_;
};

// A new owner of values: `resource` must tell it from all others.
OwnerPtr MakeOwner(model::Attributes resource);

}  // namespace strata::l1_gpu
