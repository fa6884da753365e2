// SPDX-License-Identifier: Apache-2.0
#include "l1_gpu/nvml_reader.h"

#include <algorithm>
#include <set>
#include <thread>

#include "base/drop.h"

namespace strata::l1_gpu {
namespace {

using Shared = NvmlCollector::Shared;

constexpr std::size_t kMaxDevices = 256;
constexpr std::int64_t kMaxRetryTimes = 10;
// How long after a loss was seen the driver's own Xid 79 may still come, and how long before.
constexpr std::int64_t kLossAfter = 2 * base::kSecond, kLossBefore = 5 * base::kMinute;

class Reader {
 public:
  Reader(std::shared_ptr<Shared> shared, std::shared_ptr<Session> session,
         std::shared_ptr<Watch> watch)
      : shared_(std::move(shared)), session_(std::move(session)), watch_(std::move(watch)) {}

  void Run();

 private:
  bool Begin();
  bool Find();
  void Open(unsigned index, const std::string& driver, std::set<std::string>* found,
            std::string* unreadable);
  void WatchEvents(const std::set<std::string>& found);
  bool Round();
  bool ReadOne(std::size_t i);
  void TellLosses();
  bool MustRestart() const;
  bool Shut();

  Calls calls() const { return {session_->nvml, *watch_}; }
  void Say(std::string state, std::string detail) {
    const std::lock_guard lock(shared_->mutex);
    shared_->state = std::move(state);
    shared_->detail = std::move(detail);
  }
  void CountCpu() {
    const std::int64_t now = base::thread_cpu_ns();
    shared_->cpu_ns += now - cpu_ns_;
    cpu_ns_ = now;
  }

  std::shared_ptr<Shared> shared_;
  std::shared_ptr<Session> session_;
  std::shared_ptr<Watch> watch_;
  std::int64_t cpu_ns_ = 0;
};

void Reader::Run() {
  bool begun = session_ != nullptr;  // another thread's, that hangs
  while (!shared_->Stopped()) {
    const std::int64_t begin = base::monotonic_ns();
    if (!begun) begun = Begin();
    if (begun && !Round()) return;
    CountCpu();
    std::int64_t pause = shared_->options.retry_ns;
    if (begun) pause = shared_->options.interval_ns - (base::monotonic_ns() - begin);
    if (begun && MustRestart() && Shut()) begun = false, pause = 0;
    if (pause > 0 && !shared_->Sleep(pause)) break;
  }
  if (begun) Shut();
}

bool Reader::Begin() {
  if (session_ == nullptr) {
    auto library = NvmlLibrary::Load(shared_->options.library);
    if (!library.ok()) {
      Say(library.status().code() == base::Code::not_found ? "absent" : "failed",
          library.status().message());
      return false;
    }
    session_ = std::make_shared<Session>();
    session_->nvml = *library;
    session_->retry_ns = shared_->options.retry_ns;
  }
  const NvmlLibrary& nvml = session_->nvml;
  if (const NvmlReturn result = calls()("nvmlInit_v2", nvml.init); result != kNvmlOk) {
    Say(result == kNvmlDriverNotLoaded ? "absent" : "failed", "nvmlInit_v2: " + nvml.Text(result));
    return false;
  }
  if (Find()) return true;
  calls()("nvmlShutdown", nvml.shutdown);
  return false;
}

// Opens what is there. Devices of before keep their place: one that is not found again is lost.
bool Reader::Find() {
  const NvmlLibrary& nvml = session_->nvml;
  unsigned count = 0;
  if (const NvmlReturn result = calls()("nvmlDeviceGetCount_v2", nvml.count, &count);
      result != kNvmlOk) {
    Say("failed", "nvmlDeviceGetCount_v2: " + nvml.Text(result));
    return false;
  }
  char text[96] = {};
  std::string driver, unreadable;
  if (calls()("nvmlSystemGetDriverVersion", nvml.driver, &text[0], 80U) == kNvmlOk)
    driver = &text[0];
  std::set<std::string> found;
  for (unsigned i = 0; i < std::min<std::size_t>(count, kMaxDevices); ++i)
    Open(i, driver, &found, &unreadable);
  if (session_->devices.empty() && unreadable.empty()) {
    Say("absent", "no NVIDIA device");
    return false;
  }
  session_->begun_ns = base::monotonic_ns();
  session_->again = false;
  session_->incomplete = !unreadable.empty();
  WatchEvents(found);
  const std::lock_guard lock(shared_->mutex);
  shared_->session = session_;
  bool lost = false;
  for (std::size_t i = 0; i < session_->devices.size(); ++i) {
    Slot& slot = shared_->slots[i];
    slot.lost = !found.contains(slot.uuid);
    if (!slot.lost) slot.loss_seen_ns = 0, slot.loss_told = false;
    lost = lost || slot.lost;
  }
  session_->retry_ns =
      lost || session_->incomplete
          ? std::min(session_->retry_ns * 2, shared_->options.retry_ns * kMaxRetryTimes)
          : shared_->options.retry_ns;
  shared_->state = unreadable.empty() || lost ? "live" : "failed";
  shared_->detail = "driver " + driver + (lost ? "" : unreadable);
  return true;
}

void Reader::Open(unsigned index, const std::string& driver, std::set<std::string>* found,
                  std::string* unreadable) {
  const NvmlLibrary& nvml = session_->nvml;
  const Calls call = calls();
  NvmlDevice handle = nullptr;
  char uuid[96] = {}, name[96] = {};
  NvmlReturn result = call("nvmlDeviceGetHandleByIndex_v2", nvml.handle, index, &handle);
  if (result == kNvmlOk) result = call("nvmlDeviceGetUUID", nvml.uuid, handle, &uuid[0], 95U);
  if (result != kNvmlOk) {
    *unreadable += "; GPU " + std::to_string(index) + ": " + nvml.Text(result);
    return;
  }
  model::Attributes resource{
      {"hw.id", &uuid[0]}, {"gpu.index", std::to_string(index)}, {"hw.vendor", "nvidia"}};
  if (call("nvmlDeviceGetName", nvml.name, handle, &name[0], 95U) == kNvmlOk)
    resource.set("hw.model", &name[0]);
  if (!shared_->options.node.empty()) resource.set("host.name", shared_->options.node);
  if (!driver.empty()) resource.set("hw.driver_version", driver);
  NvmlPci pci{};
  if (call("nvmlDeviceGetPciInfo_v3", nvml.pci, handle, &pci) == kNvmlOk) {
    pci.bus_id[sizeof pci.bus_id - 1] = 0;
    resource.set("pci.address", &pci.bus_id[0]);
  }
  found->insert(&uuid[0]);
  std::size_t i = 0;
  while (i < session_->devices.size() && session_->devices[i]->uuid() != &uuid[0]) ++i;
  std::vector<std::uint64_t> ended;
  if (i == session_->devices.size()) {
    if (i >= kMaxDevices) return;
    session_->devices.push_back(
        std::make_unique<DeviceReader>(std::string(&uuid[0]), std::string(&name[0]), resource));
  }
  DeviceReader& device = *session_->devices[i];
  device.Begin(handle, std::move(resource), &ended);
  const std::lock_guard lock(shared_->mutex);
  if (i == shared_->slots.size()) shared_->slots.emplace_back();
  Slot& slot = shared_->slots[i];
  slot.uuid = device.uuid();
  slot.name = device.name();
  slot.owner = device.owner();
  shared_->ended.insert(shared_->ended.end(), ended.begin(), ended.end());
}

// Waits for Xids of all devices that are there.
void Reader::WatchEvents(const std::set<std::string>& found) {
  std::vector<EventWatcher::Device> devices;
  for (const auto& device : session_->devices) {
    if (!found.contains(device->uuid())) continue;
    devices.push_back(
        {device->handle(), device->uuid(), device->name(), device->owner()->resource});
  }
  session_->events = EventWatcher::Start(shared_, session_->nvml, std::move(devices));
}

// Reads every device once; false when another thread has taken over and this one is to end.
bool Reader::Round() {
  for (std::size_t i = 0; i < session_->devices.size(); ++i) {
    if (shared_->Stopped()) return true;
    if (!ReadOne(i)) return false;
  }
  TellLosses();
  const std::lock_guard lock(shared_->mutex);
  shared_->last_ns = base::Clock::system().now_ns();
  ++shared_->rounds;
  return true;
}

bool Reader::ReadOne(std::size_t i) {
  DeviceReader& device = *session_->devices[i];
  {
    const std::lock_guard lock(shared_->mutex);
    const Slot& slot = shared_->slots[i];
    if (slot.lost || !slot.held.empty()) return true;
    watch_->device = static_cast<int>(i);
  }
  std::vector<std::uint64_t> ended;
  const DeviceReader::Result result = device.Read(calls(), shared_->options, &ended);
  const bool lost = result == DeviceReader::Result::lost;
  if (lost) device.End(&ended);
  std::map<std::string, std::string> unanswered;
  const bool changed = device.unanswered_changed();
  if (changed) unanswered = device.Unanswered(session_->nvml);
  const std::lock_guard lock(shared_->mutex);
  watch_->device = -1;
  Slot& slot = shared_->slots[i];
  slot.held.clear();
  if (result == DeviceReader::Result::read) {
    Reading& fresh = device.reading();
    // What is asked for seldom waits until it is taken, however often the rest is read meanwhile.
    if (!slot.reading.taken && slot.reading.slow && !fresh.slow) {
      if (slot.reading.owners == fresh.owners)
        fresh.Keep(slot.reading);
      else
        device.RepeatSlow();
    }
    std::swap(slot.reading, fresh);
    slot.reading.taken = false;
  } else {
    if (lost) slot.lost = true, slot.loss_seen_ns = base::monotonic_ns();
    session_->again = session_->again || result == DeviceReader::Result::uninitialized;
  }
  if (changed) std::swap(slot.unanswered, unanswered);
  shared_->ended.insert(shared_->ended.end(), ended.begin(), ended.end());
  return !watch_->abandoned;
}

// A device that stops answering has fallen off the bus, also where the driver printed no Xid.
void Reader::TellLosses() {
  std::vector<Fault> faults;
  {
    const std::lock_guard lock(shared_->mutex);
    const std::int64_t now = base::Clock::system().now_ns();
    for (Slot& slot : shared_->slots) {
      if (!slot.lost || slot.loss_told || slot.loss_seen_ns == 0 ||
          base::monotonic_ns() - slot.loss_seen_ns < kLossAfter)
        continue;
      slot.loss_told = true;
      if (slot.xid79_ns != 0 && now - slot.xid79_ns < kLossBefore) continue;
      faults.push_back(
          {now, 79, true, slot.uuid, slot.name, slot.owner->resource, kNvmlNoInstance});
    }
  }
  for (Fault& fault : faults) shared_->AddFault(std::move(fault));
}

bool Reader::MustRestart() const {
  const std::lock_guard lock(shared_->mutex);
  bool lost = session_->incomplete;
  for (const Slot& slot : shared_->slots) {
    if (!slot.held.empty()) return false;  // a call is under way
    lost = lost || (slot.lost && (slot.loss_told || slot.loss_seen_ns == 0));
  }
  const std::int64_t since = base::monotonic_ns() - session_->begun_ns;
  return session_->again ? since >= base::kSecond : lost && since >= session_->retry_ns;
}

bool Reader::Shut() {
  if (!session_->events->Stop()) return false;
  {
    const std::lock_guard lock(shared_->mutex);
    for (const Slot& slot : shared_->slots) {
      if (!slot.held.empty()) return false;
    }
  }
  for (const auto& device : session_->devices) device->Free(calls());
  calls()("nvmlShutdown", session_->nvml.shutdown);
  return true;
}

}  // namespace

void StartReader(const std::shared_ptr<Shared>& shared, std::shared_ptr<Session> session) {
  auto watch = std::make_shared<Watch>();
  {
    const std::lock_guard lock(shared->mutex);
    shared->watch = watch;
    ++shared->threads;
  }
  // Detached: a thread that hangs inside the driver can never be joined. It owns a share of what it
  // touches.
  std::thread([shared, session = std::move(session), watch]() mutable {
    Reader(shared, std::move(session), watch).Run();
    const std::lock_guard lock(shared->mutex);
    --shared->threads;
    shared->changed.notify_all();
  }).detach();
}

void NvmlCollector::Shared::AddFault(Fault fault) {
  const std::lock_guard lock(mutex);
  if (fault.code == 79 && !fault.inferred) {
    for (Slot& slot : slots) {
      if (slot.uuid == fault.uuid) slot.xid79_ns = fault.ts;
    }
  }
  if (faults.size() < kMaxFaults) {
    faults.push_back(std::move(fault));
  } else {
    base::Drop(base::Reason::queue_full);
  }
}

}  // namespace strata::l1_gpu
