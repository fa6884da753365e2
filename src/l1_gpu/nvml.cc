// SPDX-License-Identifier: Apache-2.0
// The reading thread and what it hands over. Everything mutable between the two stands in Shared,
// under one mutex that is never held during a call into the library.
#include "l1_gpu/nvml.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/hash.h"
#include "l1_gpu/nvml_abi.h"

namespace strata::l1_gpu {
namespace {

using model::Kind;

// A value that a device may tell.
struct Def {
  std::string_view signal;
  Kind kind = Kind::gauge;
  model::AttributeRule attribute{};
};
constexpr Def kUtilization{"gpu.utilization"}, kController{"gpu.memory.controller.active"},
    kUsed{"gpu.memory.used"}, kTotal{"gpu.memory.total"}, kFree{"gpu.memory.free"},
    kReserved{"gpu.memory.reserved"}, kEncoder{"gpu.encoder.utilization"},
    kDecoder{"gpu.decoder.utilization"}, kTemperature{"gpu.temperature"},
    kMemoryTemperature{"gpu.memory.temperature"}, kPower{"gpu.power"},
    kPowerLimit{"gpu.power.limit"}, kEnergy{"gpu.energy", Kind::counter}, kCore{"gpu.clock.core"},
    kMemoryClock{"gpu.clock.memory"}, kReplays{"gpu.pcie.replays", Kind::counter};

struct ReasonBit {
  unsigned long long bit;
  Def def;
};
constexpr Def Throttle(std::string_view reason) {
  return {"gpu.throttle.active", Kind::gauge, {"reason", reason}};
}
constexpr ReasonBit kReasons[] = {
    {0x1, Throttle("gpu_idle")},         {0x2, Throttle("clocks_setting")},
    {0x4, Throttle("power_cap")},        {0x8, Throttle("hw_slowdown")},
    {0x10, Throttle("sync_boost")},      {0x20, Throttle("sw_thermal")},
    {0x40, Throttle("hw_thermal")},      {0x80, Throttle("hw_power_brake")},
    {0x100, Throttle("display_clocks")},
};

// Values that are asked for in one call.
struct Field {
  unsigned id;
  double scale;
  Def def;
  bool whole_device = false;  // scope all links
};
constexpr Def Io(std::string_view signal, std::string_view direction) {
  return {signal, Kind::counter, {"network.io.direction", direction}};
}
constexpr Def Ecc(std::string_view signal, std::string_view type) {
  return {signal, Kind::counter, {"error.type", type}};
}
constexpr Def Remap(std::string_view kind) {
  return {"gpu.row_remap", Kind::gauge, {"kind", kind}};
}
constexpr Def Held(std::string_view reason) {
  return {"gpu.throttle.time", Kind::counter, {"reason", reason}};
}
constexpr Field kFields[] = {
    {82, 1, kMemoryTemperature},
    {197, 1, Io("gpu.pcie.io", "transmit")},
    {198, 1, Io("gpu.pcie.io", "receive")},
    {138, 1024, Io("gpu.link.io", "transmit"), true},
    {139, 1024, Io("gpu.link.io", "receive"), true},
    {3, 1, Ecc("gpu.ecc.errors", "corrected")},
    {4, 1, Ecc("gpu.ecc.errors", "uncorrected")},
    {5, 1, Ecc("gpu.ecc.errors.lifetime", "corrected")},
    {6, 1, Ecc("gpu.ecc.errors.lifetime", "uncorrected")},
    {142, 1, Remap("corrected")},
    {143, 1, Remap("uncorrected")},
    {144, 1, Remap("pending")},
    {145, 1, Remap("failed")},
    {74, 1e-9, Held("power_cap")},
    {75, 1e-9, Held("thermal")},
    {76, 1e-9, Held("sync_boost")},
    {77, 1e-9, Held("board_limit")},
};

std::optional<double> Number(const NvmlFieldValue& v) {
  switch (v.type) {
    case 0: return v.value.d;
    case 1: return v.value.u32;
    case 2: return static_cast<double>(v.value.ul);
    case 3: return static_cast<double>(v.value.u64);
    case 4: return static_cast<double>(v.value.i64);
    case 5: return v.value.i32;
    case 6: return v.value.u16;
    default: return std::nullopt;
  }
}

struct Value {
  const Def* def;
  double value;
};

struct Missing {
  std::string_view signal;
  std::string why;
};

struct Device {
  NvmlDevice handle = nullptr;  // the reading thread's
  std::string uuid, name;
  model::Attributes resource;
  std::uint64_t hash = 0;
};

struct Reading {  // of one device
  std::int64_t ts = 0;
  bool taken = false;
  std::vector<Value> values;
  std::vector<Missing> missing;
  std::string failure;  // "" = could be read
};

struct Fault {
  std::int64_t ts;
  std::size_t device;
  unsigned long long code;
};

constexpr std::size_t kMaxFaults = 1024;

}  // namespace

struct NvmlCollector::Shared {
  NvmlOptions options;
  std::atomic<const char*> call{""};           // the one that is under way
  std::atomic<std::int64_t> call_since_ns{0};  // monotonic
  mutable std::mutex mutex;
  std::condition_variable changed;
  bool stop = false, done = false;
  std::string state = "absent", detail = "starting";
  std::int64_t last_ns = 0;
  std::vector<Device> devices;
  std::vector<Reading> readings;  // of devices, same index
  std::vector<Fault> faults;

  bool Stopped() const {
    const std::lock_guard lock(mutex);
    return stop;
  }
};

namespace {

using Shared = NvmlCollector::Shared;

class Reader {
 public:
  explicit Reader(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  void Run() {
    while (!shared_->Stopped()) {
      if (Begin()) Poll();
      Sleep(shared_->options.retry_ns);
    }
    const std::lock_guard lock(shared_->mutex);
    shared_->done = true;
    shared_->changed.notify_all();
  }

 private:
  // Remembers what is being called, so that a call that never returns can be named.
  template <typename F, typename... Args>
  NvmlReturn Call(const char* name, F* function, Args... args) {
    if (function == nullptr) return kNvmlFunctionNotFound;
    shared_->call.store(name);
    shared_->call_since_ns.store(base::monotonic_ns());
    const NvmlReturn result = function(args...);
    shared_->call_since_ns.store(0);
    return result;
  }

  void Say(std::string state, std::string detail) {
    const std::lock_guard lock(shared_->mutex);
    shared_->state = std::move(state);
    shared_->detail = std::move(detail);
  }

  void Sleep(std::int64_t ns) {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait_for(lock, std::chrono::nanoseconds(ns), [this] { return shared_->stop; });
  }

  bool Begin();
  bool Find();
  void Poll();
  bool Read(std::size_t index);
  void ReadFields(const Device& device, Reading* reading);
  void TakeFaults();

  // Puts a value or the reason why there is none.
  void Put(const Def& def, NvmlReturn result, double value, Reading* reading) {
    if (result == kNvmlOk) {
      reading->values.push_back({&def, value});
    } else {
      lost_ = lost_ || result == kNvmlGpuLost || result == kNvmlUninitialized;
      if (reading->missing.empty() || reading->missing.back().signal != def.signal) {
        reading->missing.push_back({def.signal, nvml_.Text(result)});
      }
    }
  }

  std::shared_ptr<Shared> shared_;
  NvmlLibrary nvml_;
  bool loaded_ = false, lost_ = false;
  std::vector<Device> devices_;
  NvmlEventSet events_ = nullptr;
};

bool Reader::Begin() {
  if (!loaded_) {
    auto library = NvmlLibrary::Load(shared_->options.library);
    if (!library.ok()) {
      Say(library.status().code() == base::Code::not_found ? "absent" : "failed",
          library.status().message());
      return false;
    }
    nvml_ = *library;
    loaded_ = true;
  }
  if (const NvmlReturn result = Call("nvmlInit_v2", nvml_.init); result != kNvmlOk) {
    Say(result == kNvmlDriverNotLoaded ? "absent" : "failed", "nvmlInit_v2: " + nvml_.Text(result));
    return false;
  }
  if (Find()) return true;
  Call("nvmlShutdown", nvml_.shutdown);
  return false;
}

bool Reader::Find() {
  unsigned count = 0;
  if (const NvmlReturn result = Call("nvmlDeviceGetCount_v2", nvml_.count, &count);
      result != kNvmlOk) {
    Say("failed", "nvmlDeviceGetCount_v2: " + nvml_.Text(result));
    return false;
  }
  char text[96] = {};
  std::string driver;
  if (Call("nvmlSystemGetDriverVersion", nvml_.driver, text, 80U) == kNvmlOk) driver = text;
  devices_.clear();
  std::string unreadable;
  for (unsigned i = 0; i < count; ++i) {
    Device device;
    NvmlReturn result = Call("nvmlDeviceGetHandleByIndex_v2", nvml_.handle, i, &device.handle);
    if (result == kNvmlOk) result = Call("nvmlDeviceGetUUID", nvml_.uuid, device.handle, text, 96U);
    if (result != kNvmlOk) {
      unreadable += " GPU " + std::to_string(i) + ": " + nvml_.Text(result) + ".";
      continue;
    }
    device.uuid = text;
    if (Call("nvmlDeviceGetName", nvml_.name, device.handle, text, 96U) == kNvmlOk)
      device.name = text;
    device.hash = base::Hash64(device.uuid, 1);
    device.resource = {
        {"hw.id", device.uuid}, {"gpu.index", std::to_string(i)}, {"hw.vendor", "nvidia"}};
    if (!device.name.empty()) device.resource.set("hw.model", device.name);
    if (!shared_->options.node.empty()) device.resource.set("host.name", shared_->options.node);
    if (!driver.empty()) device.resource.set("hw.driver_version", driver);
    NvmlPci pci{};
    if (Call("nvmlDeviceGetPciInfo_v3", nvml_.pci, device.handle, &pci) == kNvmlOk) {
      pci.bus_id[sizeof pci.bus_id - 1] = 0;
      device.resource.set("pci.address", pci.bus_id);
    }
    devices_.push_back(std::move(device));
  }
  events_ = nullptr;
  if (nvml_.wait != nullptr && nvml_.register_events != nullptr &&
      Call("nvmlEventSetCreate", nvml_.event_set, &events_) == kNvmlOk) {
    for (const Device& device : devices_)
      Call("nvmlDeviceRegisterEvents", nvml_.register_events, device.handle, kNvmlEventXid,
           events_);
  }
  const std::lock_guard lock(shared_->mutex);
  shared_->devices = devices_;
  shared_->readings.assign(devices_.size(), {});
  shared_->state = devices_.empty() && unreadable.empty() ? "absent"
                   : unreadable.empty()                   ? "live"
                                                          : "failed";
  shared_->detail =
      devices_.empty() && unreadable.empty() ? "no NVIDIA device" : "driver " + driver + unreadable;
  return true;
}

void Reader::Poll() {
  lost_ = false;
  while (!shared_->Stopped() && !lost_ && !devices_.empty()) {
    const std::int64_t begin = base::monotonic_ns();
    for (std::size_t i = 0; i < devices_.size(); ++i) lost_ = !Read(i) || lost_;
    {
      const std::lock_guard lock(shared_->mutex);
      shared_->last_ns = base::Clock::system().now_ns();
    }
    const std::int64_t left = shared_->options.interval_ns - (base::monotonic_ns() - begin);
    if (left <= 0 || lost_) continue;
    if (events_ != nullptr) TakeFaults();
    const std::int64_t still = shared_->options.interval_ns - (base::monotonic_ns() - begin);
    if (still > 0) Sleep(still);
  }
  Call("nvmlShutdown", nvml_.shutdown);
}

// Collects what has been reported since the last time, without waiting.
void Reader::TakeFaults() {
  for (std::size_t i = 0; i < kMaxFaults; ++i) {
    NvmlEvent event{};
    if (Call("nvmlEventSetWait_v2", nvml_.wait, events_, &event, 0U) != kNvmlOk) return;
    if (event.type != kNvmlEventXid) continue;
    for (std::size_t d = 0; d < devices_.size(); ++d) {
      if (devices_[d].handle != event.device) continue;
      const std::lock_guard lock(shared_->mutex);
      if (shared_->faults.size() < kMaxFaults) {
        shared_->faults.push_back({base::Clock::system().now_ns(), d, event.data});
      } else {
        base::Drop(base::Reason::queue_full);
      }
    }
  }
}

bool Reader::Read(std::size_t index) {
  const Device& device = devices_[index];
  NvmlDevice h = device.handle;
  Reading r;
  const bool lost_before = lost_;
  lost_ = false;
  NvmlUtilization busy{};
  NvmlReturn result = Call("nvmlDeviceGetUtilizationRates", nvml_.utilization, h, &busy);
  Put(kUtilization, result, busy.gpu / 100.0, &r);
  Put(kController, result, busy.memory / 100.0, &r);
  NvmlMemoryV2 memory{};
  memory.version = kNvmlMemoryV2;
  result = Call("nvmlDeviceGetMemoryInfo_v2", nvml_.memory, h, &memory);
  Put(kTotal, result, static_cast<double>(memory.total), &r);
  Put(kUsed, result, static_cast<double>(memory.used), &r);
  Put(kFree, result, static_cast<double>(memory.free), &r);
  Put(kReserved, result, static_cast<double>(memory.reserved), &r);
  unsigned n = 0, period = 0;
  result = Call("nvmlDeviceGetEncoderUtilization", nvml_.encoder, h, &n, &period);
  Put(kEncoder, result, n / 100.0, &r);
  result = Call("nvmlDeviceGetDecoderUtilization", nvml_.decoder, h, &n, &period);
  Put(kDecoder, result, n / 100.0, &r);
  result = Call("nvmlDeviceGetTemperature", nvml_.temperature, h, 0, &n);
  Put(kTemperature, result, n, &r);
  result = Call("nvmlDeviceGetPowerUsage", nvml_.power, h, &n);
  Put(kPower, result, n / 1000.0, &r);
  result = Call("nvmlDeviceGetEnforcedPowerLimit", nvml_.power_limit, h, &n);
  Put(kPowerLimit, result, n / 1000.0, &r);
  unsigned long long big = 0;
  result = Call("nvmlDeviceGetTotalEnergyConsumption", nvml_.energy, h, &big);
  Put(kEnergy, result, static_cast<double>(big) / 1000.0, &r);
  result = Call("nvmlDeviceGetClockInfo", nvml_.clock, h, static_cast<int>(kNvmlClockSm), &n);
  Put(kCore, result, n * 1e6, &r);
  result = Call("nvmlDeviceGetClockInfo", nvml_.clock, h, static_cast<int>(kNvmlClockMemory), &n);
  Put(kMemoryClock, result, n * 1e6, &r);
  result = Call("nvmlDeviceGetCurrentClocksEventReasons", nvml_.reasons, h, &big);
  for (const ReasonBit& reason : kReasons)
    Put(reason.def, result, (big & reason.bit) != 0 ? 1 : 0, &r);
  result = Call("nvmlDeviceGetPcieReplayCounter", nvml_.replays, h, &n);
  Put(kReplays, result, n, &r);
  ReadFields(device, &r);
  if (lost_) r.failure = nvml_.Text(kNvmlGpuLost);
  const bool here = !lost_;
  lost_ = lost_before;
  r.ts = base::Clock::system().now_ns();
  const std::lock_guard lock(shared_->mutex);
  shared_->readings[index] = std::move(r);
  return here;
}

void Reader::ReadFields(const Device& device, Reading* reading) {
  NvmlFieldValue values[std::size(kFields)] = {};
  for (std::size_t i = 0; i < std::size(kFields); ++i) {
    values[i].field = kFields[i].id;
    values[i].scope = kFields[i].whole_device ? 0xffffffffU : 0;
  }
  const NvmlReturn all = Call("nvmlDeviceGetFieldValues", nvml_.fields, device.handle,
                              static_cast<int>(std::size(kFields)), &values[0]);
  for (std::size_t i = 0; i < std::size(kFields); ++i) {
    NvmlReturn result = all != kNvmlOk ? all : values[i].result;
    const std::optional<double> number = Number(values[i]);
    if (result == kNvmlOk && !number) result = kNvmlNoData;
    Put(kFields[i].def, result, number.value_or(0) * kFields[i].scale, reading);
  }
}

}  // namespace

std::unique_ptr<NvmlCollector> NvmlCollector::Start(NvmlOptions options) {
  auto shared = std::make_shared<Shared>();
  shared->options = std::move(options);
  // Detached: a thread that hangs inside the driver can never be joined. It owns a share of what it
  // touches.
  std::thread([shared] { Reader(shared).Run(); }).detach();
  return std::unique_ptr<NvmlCollector>(new NvmlCollector(shared));
}

NvmlCollector::~NvmlCollector() {
  std::unique_lock lock(shared_->mutex);
  shared_->stop = true;
  shared_->changed.notify_all();
  shared_->changed.wait_for(lock, std::chrono::seconds(2), [this] { return shared_->done; });
}

void NvmlCollector::Collect(model::Namer& namer, model::Batch* batch) {
  const std::lock_guard lock(shared_->mutex);
  for (std::size_t i = 0; i < shared_->readings.size(); ++i) {
    Reading& reading = shared_->readings[i];
    const Device& device = shared_->devices[i];
    if (reading.taken || reading.ts == 0) continue;
    reading.taken = true;
    for (const Value& v : reading.values) {
      const std::uint64_t key = base::Mix(
          device.hash, static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(v.def)));
      const std::vector<model::Target>* targets = namer.find(key);
      if (targets == nullptr) {
        model::Attributes own;
        if (!v.def->attribute.key.empty()) own.set(v.def->attribute.key, v.def->attribute.value);
        model::RawMetric raw;
        raw.name = v.def->signal;
        raw.kind = v.def->kind;
        raw.attributes = &own;
        raw.resource = &device.resource;
        raw.source = "nvml";
        targets = &namer.Resolve(key, raw, &batch->refused);
      }
      for (const model::Target& target : *targets)
        batch->samples.push(target.series, reading.ts, 0, v.value);
    }
  }
  for (const Fault& fault : shared_->faults) {
    if (fault.device >= shared_->devices.size()) continue;  // found anew, and fewer
    const Device& device = shared_->devices[fault.device];
    model::Event event{fault.ts, "l1_gpu", "gpu.fault.event", "gpu",  device.uuid,
                       "error",  {},       device.resource,   "nvml", {}};
    event.message = "Xid " + std::to_string(fault.code) + " on " + device.name;
    event.attributes.set("code", std::to_string(fault.code));
    batch->events.push_back(std::move(event));
  }
  shared_->faults.clear();
  namer.take_fresh(&batch->series);
}

void NvmlCollector::Sources(std::int64_t now_ns, std::vector<model::SourceState>* out) const {
  const std::int64_t since = shared_->call_since_ns.load();
  const std::int64_t hung_ns = since == 0 ? 0 : base::monotonic_ns() - since;
  const std::lock_guard lock(shared_->mutex);
  model::SourceState library{"nvml",          "l1_gpu",         shared_->state,
                             shared_->detail, shared_->last_ns, {}};
  const bool hung = hung_ns > shared_->options.deadline_ns;
  if (hung) {
    library.state = "stale";
    library.detail = std::string(shared_->call.load()) + " has not returned for " +
                     base::FormatDuration(hung_ns / base::kSecond * base::kSecond) +
                     ": the driver hangs; look at the kernel log";
  }
  out->push_back(std::move(library));
  for (std::size_t i = 0; i < shared_->readings.size(); ++i) {
    const Reading& reading = shared_->readings[i];
    model::SourceState source{
        "nvml " + shared_->devices[i].uuid, "l1_gpu", "live", {}, reading.ts, {}};
    if (!reading.failure.empty()) {
      source.state = "failed";
      source.detail = reading.failure;
    } else if (hung || (reading.ts != 0 && now_ns - reading.ts > shared_->options.deadline_ns)) {
      source.state = "stale";
      source.detail = "no reading since then";
    } else if (reading.ts == 0) {
      source.state = "absent";
      source.detail = "not read yet";
    } else {
      for (const Missing& missing : reading.missing) {
        source.detail += (source.detail.empty() ? "absent: " : "; ") + std::string(missing.signal) +
                         " (" + missing.why + ")";
      }
    }
    out->push_back(std::move(source));
  }
}

}  // namespace strata::l1_gpu
