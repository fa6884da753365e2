// SPDX-License-Identifier: Apache-2.0
// The collecting side: takes readings and faults from the reading threads, names them, and says how
// the sources stand. It also notices a call that hangs and lets another thread go on.
#include "l1_gpu/nvml.h"

#include <algorithm>
#include <chrono>
#include <unordered_map>

#include "base/hash.h"
#include "l1_gpu/nvml_shared.h"
#include "l1_gpu/xid.h"

namespace strata::l1_gpu {
namespace {

std::string Since(std::int64_t ns) {
  return base::FormatDuration(ns / base::kSecond * base::kSecond);
}

// "not supported: gpu.energy, gpu.x; not permitted: …": reasons are few, signals many.
std::string Absences(const std::map<std::string, std::string>& unanswered) {
  std::map<std::string, std::string> by_reason;
  for (const auto& [signal, why] : unanswered) {
    std::string& list = by_reason[why];
    list += (list.empty() ? "" : ", ") + signal;
  }
  std::string out;
  for (const auto& [why, list] : by_reason)
    out += (out.empty() ? "absent: " : "; ") + list + " (" + why + ")";
  return out;
}

model::Event EventOf(const Fault& fault) {
  model::Event event;
  event.ts = fault.ts;
  event.source = "nvml";
  event.entity_type = "gpu";
  event.attributes = fault.resource;
  if (fault.gpu_instance != kNvmlNoInstance)
    event.attributes.set("gpu.mig.id", std::to_string(fault.gpu_instance));
  event.entity = model::Namer::EntityId("gpu", event.attributes);
  std::string where = fault.name.empty() ? fault.uuid : fault.name;
  const std::string_view address = fault.resource.get("pci.address");
  if (!address.empty()) where.append(" (").append(address).append(")");
  DescribeXid(fault.code, where, &event);
  if (fault.inferred) {
    event.message = where +
                    " does not answer any more: it has fallen off the bus, although the "
                    "driver reported no Xid 79; " +
                    std::string(ActionText("reboot_node"));
    event.attributes.set("inferred", "GPU_IS_LOST");
  }
  return event;
}

}  // namespace

struct NvmlCollector::Taken {
  std::unordered_map<std::uint64_t, std::vector<model::SeriesId>> series;  // by Owner::hash
  std::vector<Fault> faults;
  std::vector<std::uint64_t> ended;
};

NvmlCollector::NvmlCollector(std::shared_ptr<Shared> shared)
    : shared_(std::move(shared)), taken_(std::make_unique<Taken>()) {}

std::unique_ptr<NvmlCollector> NvmlCollector::Start(NvmlOptions options) {
  auto shared = std::make_shared<Shared>();
  shared->options = std::move(options);
  StartReader(shared, nullptr);
  return std::unique_ptr<NvmlCollector>(new NvmlCollector(shared));
}

NvmlCollector::~NvmlCollector() {
  std::unique_lock lock(shared_->mutex);
  shared_->stop = true;
  shared_->changed.notify_all();
  shared_->changed.wait_for(lock, std::chrono::seconds(2),
                            [this] { return shared_->threads == 0; });
}

std::int64_t NvmlCollector::cpu_ns() const { return shared_->cpu_ns.load(); }
std::uint64_t NvmlCollector::rounds() const { return shared_->rounds.load(); }

// A thread that hangs with a device keeps it; another goes on with the rest.
void NvmlCollector::Shared::TakeOver(const std::shared_ptr<Shared>& shared) {
  {
    const std::lock_guard lock(shared->mutex);
    Watch& watch = *shared->watch;
    const std::int64_t since = watch.since_ns.load(std::memory_order_acquire);
    if (shared->stop || watch.abandoned || watch.device < 0 || since == 0 ||
        base::monotonic_ns() - since <= shared->options.deadline_ns)
      return;
    watch.abandoned = true;
    Slot& slot = shared->slots[static_cast<std::size_t>(watch.device)];
    slot.held = watch.call.load(std::memory_order_relaxed);
    slot.held_since_ns = since;
  }
  StartReader(shared, shared->session);
}

void NvmlCollector::Collect(model::Namer& namer, model::Batch* batch) {
  Shared::TakeOver(shared_);
  {
    const std::lock_guard lock(shared_->mutex);
    std::swap(taken_->faults, shared_->faults);
    std::swap(taken_->ended, shared_->ended);
    for (Slot& slot : shared_->slots) {
      Reading& reading = slot.reading;
      if (reading.taken) continue;
      reading.taken = true;
      for (const Value& v : reading.values) {
        const Owner& owner = *reading.owners[v.owner];
        const std::uint64_t key = base::Mix(
            owner.hash, static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(v.def)));
        const std::vector<model::Target>* targets = namer.find(key);
        if (targets == nullptr) {
          model::Attributes own;
          if (!v.def->attribute.key.empty()) own.set(v.def->attribute.key, v.def->attribute.value);
          model::RawMetric raw;
          raw.name = v.def->signal;
          raw.kind = v.def->kind;
          raw.unit = v.def->unit;
          raw.attributes = &own;
          raw.resource = &owner.resource;
          raw.source = v.def->source;
          targets = &namer.Resolve(key, raw, &batch->refused);
          auto& series = taken_->series[owner.hash];
          for (const model::Target& target : *targets) {
            if (std::find(series.begin(), series.end(), target.series) == series.end())
              series.push_back(target.series);
          }
        }
        for (const model::Target& target : *targets)
          batch->samples.push(target.series, reading.ts, 0, v.value);
      }
    }
  }
  const std::int64_t now = base::Clock::system().now_ns();
  for (const std::uint64_t owner : taken_->ended) {
    const auto it = taken_->series.find(owner);
    if (it == taken_->series.end()) continue;
    for (const model::SeriesId id : it->second) batch->samples.push(id, now, 0, model::StaleNan());
    taken_->series.erase(it);
  }
  taken_->ended.clear();
  for (const Fault& fault : taken_->faults) batch->events.push_back(EventOf(fault));
  taken_->faults.clear();
  namer.take_fresh(&batch->series);
}

void NvmlCollector::Sources(std::int64_t now_ns, std::vector<model::SourceState>* out) const {
  const std::lock_guard lock(shared_->mutex);
  const std::int64_t deadline = shared_->options.deadline_ns, mono = base::monotonic_ns();
  model::SourceState library{"nvml",          "l1_gpu",         shared_->state,
                             shared_->detail, shared_->last_ns, {}};
  if (!shared_->events.empty()) library.detail += "; no Xid events: " + shared_->events;
  const std::int64_t since = shared_->watch->since_ns.load(std::memory_order_acquire);
  std::string hung;  // the call that the reading thread, or all of them, hang in
  std::int64_t hung_ns = 0;
  if (since != 0 && mono - since > deadline) {
    hung = shared_->watch->call.load(std::memory_order_relaxed);
    hung_ns = mono - since;
  }
  std::size_t held = 0;
  for (const Slot& slot : shared_->slots) {
    if (slot.held.empty()) continue;
    ++held;
    if (held == shared_->slots.size() && hung.empty())
      hung = slot.held, hung_ns = mono - slot.held_since_ns;
  }
  const auto hangs = [](const std::string& call, std::int64_t ns) {
    return call + " has not returned for " + Since(ns) +
           ": the driver hangs; look at the kernel log";
  };
  if (!hung.empty()) library.state = "stale", library.detail = hangs(hung, hung_ns);
  out->push_back(std::move(library));
  for (const Slot& slot : shared_->slots) {
    const Reading& reading = slot.reading;
    model::SourceState source{"nvml " + slot.uuid, "l1_gpu", "live", {}, reading.ts, {}};
    if (slot.lost) {
      source.state = "failed";
      source.detail = "the GPU is lost: it has fallen off the bus; reboot the node";
    } else if (!slot.held.empty()) {
      source.state = "stale";
      source.detail = hangs(slot.held, mono - slot.held_since_ns);
    } else if (!hung.empty() || (reading.ts != 0 && now_ns - reading.ts > deadline)) {
      source.state = "stale";
      source.detail = "no reading since then";
    } else if (reading.ts == 0) {
      source.state = "absent";
      source.detail = "not read yet";
    } else {
      source.detail = Absences(slot.unanswered);
    }
    out->push_back(std::move(source));
  }
}

}  // namespace strata::l1_gpu
