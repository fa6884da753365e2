// SPDX-License-Identifier: Apache-2.0
// What is asked of every device, as tables: calls that give one number, fields that are asked for
// in one call, and the few calls that give more. Ids, units and fallbacks: go-nvml
// gen/nvml/nvml.h.
#include "l1_gpu/nvml_device.h"

#include <algorithm>
#include <optional>

#include "base/hash.h"

namespace strata::l1_gpu {
namespace {

using model::Kind;

constexpr Def kUtilization{"gpu.utilization"}, kController{"gpu.memory.controller.active"},
    kUsed{"gpu.memory.used"}, kTotal{"gpu.memory.total"}, kFree{"gpu.memory.free"},
    kReserved{"gpu.memory.reserved"},
    kUsedV1{"gpu.memory.used", Kind::gauge, {}, {}, "nvml:memory_v1"},
    kEncoder{"gpu.encoder.utilization"}, kDecoder{"gpu.decoder.utilization"},
    kTemperature{"gpu.temperature"}, kEnergy{"gpu.energy", Kind::counter}, kCore{"gpu.clock.core"},
    kMemoryClock{"gpu.clock.memory"}, kCoreMax{"gpu.clock.core.max"}, kPower{"gpu.power"},
    kPowerAverage{"gpu.power", Kind::gauge, {}, {}, "nvml:power_average"},
    kPowerCall{"gpu.power", Kind::gauge, {}, {}, "nvml:power_usage"},
    kLinksActive{"gpu.link.active"};

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

// Calls (device, unsigned*) that give one number.
struct NumberDef {
  Question question;
  const char* call;
  NvmlLibrary::Number* NvmlLibrary::*function;
  double scale;
  Def def;
  bool slow;
};
constexpr NumberDef kNumbers[] = {
    {Question::power_limit,
     "nvmlDeviceGetEnforcedPowerLimit",
     &NvmlLibrary::power_limit,
     1e-3,
     {"gpu.power.limit"},
     false},
    {Question::replays,
     "nvmlDeviceGetPcieReplayCounter",
     &NvmlLibrary::replays,
     1,
     {"gpu.pcie.replays", Kind::counter},
     false},
    {Question::pcie_generation,
     "nvmlDeviceGetCurrPcieLinkGeneration",
     &NvmlLibrary::pcie_generation,
     1,
     {"gpu.pcie.link.generation"},
     false},
    {Question::pcie_width,
     "nvmlDeviceGetCurrPcieLinkWidth",
     &NvmlLibrary::pcie_width,
     1,
     {"gpu.pcie.link.width"},
     false},
    {Question::pcie_max_generation,
     "nvmlDeviceGetMaxPcieLinkGeneration",
     &NvmlLibrary::pcie_max_generation,
     1,
     {"gpu.pcie.link.generation.max"},
     true},
    {Question::pcie_max_width,
     "nvmlDeviceGetMaxPcieLinkWidth",
     &NvmlLibrary::pcie_max_width,
     1,
     {"gpu.pcie.link.width.max"},
     true},
    {Question::power_default,
     "nvmlDeviceGetPowerManagementDefaultLimit",
     &NvmlLibrary::power_default,
     1e-3,
     {"gpu.power.limit.default"},
     true},
};

// Values that are asked for in one call. Of those with the same `group` the first that is told
// counts: they say the same thing, the earlier one better.
struct FieldDef {
  unsigned id;
  double scale;
  Def def;
  unsigned scope = 0;
  bool slow = false;
  unsigned group = 0;  // a bit
  bool last = false;   // speaks only when its group has not
};
constexpr unsigned kGroupPower = 1, kGroupThermal = 2;
constexpr Def Io(std::string_view signal, std::string_view direction) {
  return {signal, Kind::counter, {"network.io.direction", direction}};
}
constexpr Def Errors(std::string_view signal, std::string_view type) {
  return {signal, Kind::counter, {"error.type", type}};
}
constexpr Def OfKind(std::string_view signal, std::string_view kind) {
  return {signal, Kind::gauge, {"kind", kind}};
}
constexpr Def Held(std::string_view reason) {
  return {"gpu.throttle.time", Kind::counter, {"reason", reason}};
}
constexpr FieldDef kFields[] = {
    {186, 1e-3, kPower, 0, false, kGroupPower},
    {185, 1e-3, kPowerAverage, 0, false, kGroupPower, true},
    {82, 1, {"gpu.memory.temperature"}},
    {197, 1, Io("gpu.pcie.io", "transmit")},
    {198, 1, Io("gpu.pcie.io", "receive")},
    {138, 1024, Io("gpu.link.io", "transmit"), kNvmlAllLinks},
    {139, 1024, Io("gpu.link.io", "receive"), kNvmlAllLinks},
    {74, 1e-9, Held("power_cap")},
    {76, 1e-9, Held("sync_boost")},
    {77, 1e-9, Held("board_limit")},
    {79, 1e-9, Held("reliability")},
    {269, 1e-9, Held("sw_thermal"), 0, false, kGroupThermal},
    {270, 1e-9, Held("hw_thermal"), 0, false, kGroupThermal},
    {271, 1e-9, Held("hw_power_brake")},
    {75, 1e-9, Held("thermal"), 0, false, kGroupThermal, true},
    {3, 1, Errors("gpu.ecc.errors", "corrected")},
    {4, 1, Errors("gpu.ecc.errors", "uncorrected")},
    {230, 1, {"gpu.health"}},
    {5, 1, Errors("gpu.ecc.errors.lifetime", "corrected"), 0, true},
    {6, 1, Errors("gpu.ecc.errors.lifetime", "uncorrected"), 0, true},
    {142, 1, OfKind("gpu.row_remap", "corrected"), 0, true},
    {143, 1, OfKind("gpu.row_remap", "uncorrected"), 0, true},
    {144, 1, OfKind("gpu.row_remap", "pending"), 0, true},
    {145, 1, OfKind("gpu.row_remap", "failed"), 0, true},
    {29, 1, OfKind("gpu.retired_pages", "corrected"), 0, true},
    {30, 1, OfKind("gpu.retired_pages", "uncorrected"), 0, true},
    {31, 1, OfKind("gpu.retired_pages", "pending"), 0, true},
    {161, 1, Errors("gpu.link.errors", "replay"), kNvmlAllLinks, true},
    {162, 1, Errors("gpu.link.errors", "recovery"), kNvmlAllLinks, true},
    {163, 1, Errors("gpu.link.errors", "crc"), kNvmlAllLinks, true},
    {188, 1e-3, {"gpu.power.limit.max"}, 0, true},
    {91, 1, {"gpu.link.count"}, 0, true},
};
static_assert(std::size(kFields) < kMaxFields);  // and one for the state of the links
constexpr std::size_t kLinkQuestion = kFirstField + std::size(kFields);
constexpr unsigned kLinkState = 165, kLinkCount = 91;

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

std::string Label(const Def& def) {
  std::string text(def.signal);
  if (!def.attribute.key.empty()) text.append(" ").append(def.attribute.value);
  return text;
}

}  // namespace

OwnerPtr MakeOwner(model::Attributes resource) {
  static std::atomic<std::uint64_t> next{1};
  auto owner = std::make_shared<Owner>();
  owner->resource = std::move(resource);
  owner->hash = base::Mix(0x6e766d6cULL, next++);
  return owner;
}

DeviceReader::DeviceReader(std::string uuid, std::string name, model::Attributes resource)
    : uuid_(std::move(uuid)), name_(std::move(name)), owner_(MakeOwner(std::move(resource))) {
  last_.fill(-1);
}

void DeviceReader::Begin(NvmlDevice handle, model::Attributes resource,
                         std::vector<std::uint64_t>* ended) {
  handle_ = handle;
  if (owner_ == nullptr || !(owner_->resource == resource)) {
    End(ended);
    owner_ = MakeOwner(std::move(resource));
  }
  refused_.reset();
  last_.fill(-1);
  changed_ = true;
  slow_at_ns_ = reask_at_ns_ = 0;
  gpm_on_ = false;
}

void DeviceReader::End(std::vector<std::uint64_t>* ended) {
  for (auto& [key, process] : processes_) ended->push_back(process.owner->hash);
  processes_.clear();
  for (auto& instance : instances_) EndInstance(*instance, nullptr, ended);
  instances_.clear();
  if (owner_ != nullptr) ended->push_back(owner_->hash);
  owner_ = nullptr;
}

void DeviceReader::Free(const Calls& calls) {
  gpm_.Free(calls);
  for (auto& instance : instances_) instance->gpm.Free(calls);
}

void DeviceReader::Note(std::size_t question, NvmlReturn result) {
  lost_ = lost_ || result == kNvmlGpuLost;
  uninitialized_ = uninitialized_ || result == kNvmlUninitialized;
  if (IsLastingRefusal(result)) refused_.set(question);
  if (last_[question] == result) return;
  last_[question] = static_cast<std::int16_t>(result);
  changed_ = true;
}

DeviceReader::Result DeviceReader::Read(const Calls& calls, const NvmlOptions& options,
                                        std::vector<std::uint64_t>* ended) {
  const std::int64_t now = base::monotonic_ns();
  lost_ = uninitialized_ = false;
  reading_.owners.clear();
  reading_.values.clear();
  AddOwner(owner_);
  if (now >= reask_at_ns_) {
    refused_.reset();
    reask_at_ns_ = now + options.reask_ns;
  }
  const bool slow = now >= slow_at_ns_;
  reading_.slow = slow;
  if (slow) slow_at_ns_ = now + options.slow_ns;
  // First what fails at once when the device is gone: the rest is not asked then.
  ReadMemory(calls);
  if (!lost_ && slow) FindInstances(calls, ended);
  if (!lost_) ReadGpm(calls);
  if (!lost_) ReadActivity(calls);
  if (!lost_) ReadState(calls);
  if (!lost_) ReadFields(calls, slow);
  if (!lost_ && slow) ReadSlow(calls);
  if (!lost_) ReadInstances(calls);
  if (!lost_) ReadProcesses(calls, ended);
  reading_.ts = base::Clock::system().now_ns();
  if (uninitialized_) return Result::uninitialized;
  return lost_ ? Result::lost : Result::read;
}

void DeviceReader::PutMemory(const NvmlMemoryV2& memory, std::uint32_t owner) {
  Put(kTotal, static_cast<double>(memory.total), owner);
  Put(kUsed, static_cast<double>(memory.used), owner);
  Put(kFree, static_cast<double>(memory.free), owner);
  Put(kReserved, static_cast<double>(memory.reserved), owner);
}

void DeviceReader::ReadMemory(const Calls& calls) {
  NvmlMemoryV2 memory{};
  memory.version = NvmlVersion(sizeof memory, 2);
  if (Ask(calls, Question::memory, "nvmlDeviceGetMemoryInfo_v2", calls.nvml.memory, &memory))
    return PutMemory(memory, 0);
  if (Due(Question::memory)) return;
  NvmlMemoryV1 old{};
  if (Ask(calls, Question::memory_v1, "nvmlDeviceGetMemoryInfo", calls.nvml.memory_v1, &old)) {
    Put(kTotal, static_cast<double>(old.total));
    Put(kUsedV1, static_cast<double>(old.used));
    Put(kFree, static_cast<double>(old.free));
  }
}

void DeviceReader::ReadActivity(const Calls& calls) {
  const NvmlLibrary& nvml = calls.nvml;
  NvmlUtilization busy{};
  if (Ask(calls, Question::utilization, "nvmlDeviceGetUtilizationRates", nvml.utilization, &busy)) {
    // GPM counts cycles where this one looks whether any kernel was resident.
    if (!gpm_on_) Put(kUtilization, busy.gpu / 100.0);
    Put(kController, busy.memory / 100.0);
  }
  unsigned n = 0, period = 0;
  if (Ask(calls, Question::encoder, "nvmlDeviceGetEncoderUtilization", nvml.encoder, &n, &period))
    Put(kEncoder, n / 100.0);
  if (Ask(calls, Question::decoder, "nvmlDeviceGetDecoderUtilization", nvml.decoder, &n, &period))
    Put(kDecoder, n / 100.0);
}

void DeviceReader::ReadState(const Calls& calls) {
  const NvmlLibrary& nvml = calls.nvml;
  unsigned n = 0;
  unsigned long long big = 0;
  if (Ask(calls, Question::temperature, "nvmlDeviceGetTemperature", nvml.temperature, 0, &n)) {
    Put(kTemperature, n);
  } else if (!Due(Question::temperature)) {
    NvmlTemperature t{NvmlVersion(sizeof(NvmlTemperature), 1), 0, 0};
    if (Ask(calls, Question::temperature_v, "nvmlDeviceGetTemperatureV", nvml.temperature_v, &t))
      Put(kTemperature, t.temperature);
  }
  if (Ask(calls, Question::energy, "nvmlDeviceGetTotalEnergyConsumption", nvml.energy, &big))
    Put(kEnergy, static_cast<double>(big) / 1000.0);
  if (Ask(calls, Question::clock_core, "nvmlDeviceGetClockInfo", nvml.clock,
          static_cast<int>(kNvmlClockSm), &n))
    Put(kCore, n * 1e6);
  if (Ask(calls, Question::clock_memory, "nvmlDeviceGetClockInfo", nvml.clock,
          static_cast<int>(kNvmlClockMemory), &n))
    Put(kMemoryClock, n * 1e6);
  if (Ask(calls, Question::reasons, "nvmlDeviceGetCurrentClocksEventReasons", nvml.reasons, &big)) {
    for (const ReasonBit& reason : kReasons) Put(reason.def, (big & reason.bit) != 0 ? 1 : 0);
  }
  for (const NumberDef& number : kNumbers) {
    if (!number.slow && Ask(calls, number.question, number.call, nvml.*number.function, &n))
      Put(number.def, n * number.scale);
  }
}

void DeviceReader::ReadSlow(const Calls& calls) {
  const NvmlLibrary& nvml = calls.nvml;
  unsigned n = 0, pending = 0;
  for (const NumberDef& number : kNumbers) {
    if (number.slow && Ask(calls, number.question, number.call, nvml.*number.function, &n))
      Put(number.def, n * number.scale);
  }
  if (Ask(calls, Question::clock_max, "nvmlDeviceGetMaxClockInfo", nvml.max_clock,
          static_cast<int>(kNvmlClockSm), &n))
    Put(kCoreMax, n * 1e6);
  const bool ecc_was_off = ecc_off_;
  ecc_off_ =
      Ask(calls, Question::ecc_mode, "nvmlDeviceGetEccMode", nvml.ecc_mode, &n, &pending) && n == 0;
  changed_ = changed_ || ecc_off_ != ecc_was_off;
  NvmlRemapBanks banks{};
  if (Ask(calls, Question::remap_banks, "nvmlDeviceGetRowRemapperHistogram", nvml.remap_banks,
          &banks)) {
    static constexpr Def kBanks[] = {{"gpu.row_remap.banks", Kind::gauge, {"level", "max"}},
                                     {"gpu.row_remap.banks", Kind::gauge, {"level", "high"}},
                                     {"gpu.row_remap.banks", Kind::gauge, {"level", "partial"}},
                                     {"gpu.row_remap.banks", Kind::gauge, {"level", "low"}},
                                     {"gpu.row_remap.banks", Kind::gauge, {"level", "none"}}};
    const unsigned counts[] = {banks.max, banks.high, banks.partial, banks.low, banks.none};
    for (std::size_t i = 0; i < std::size(kBanks); ++i) Put(kBanks[i], counts[i]);
  }
  ReadLinks(calls);
}

void DeviceReader::ReadFields(const Calls& calls, bool slow) {
  AskFields(calls, slow);
  unsigned told = 0;
  for (const NvmlFieldValue& value : fields_) {
    const auto* def = std::find_if(std::begin(kFields), std::end(kFields),
                                   [&](const FieldDef& f) { return f.id == value.field; });
    PutField(static_cast<std::size_t>(def - kFields), value, &told);
  }
  unsigned n = 0;
  if ((told & kGroupPower) == 0 &&
      Ask(calls, Question::power, "nvmlDeviceGetPowerUsage", calls.nvml.power, &n))
    Put(kPowerCall, n / 1000.0);
}

// Fills fields_ with what is due and has not been refused, in one call. A driver that refuses the
// whole list because of one id it does not know is asked for each by itself.
void DeviceReader::AskFields(const Calls& calls, bool slow) {
  fields_.clear();
  for (std::size_t i = 0; i < std::size(kFields); ++i) {
    if ((kFields[i].slow && !slow) || refused_.test(kFirstField + i)) continue;
    NvmlFieldValue& value = fields_.emplace_back();
    value.field = kFields[i].id;
    value.scope = kFields[i].scope;
    value.result = kNvmlNoData;
  }
  if (fields_.empty()) return;
  const NvmlReturn all = calls("nvmlDeviceGetFieldValues", calls.nvml.fields, handle_,
                               static_cast<int>(fields_.size()), fields_.data());
  if (all == kNvmlOk) return;
  for (NvmlFieldValue& value : fields_) {
    const NvmlReturn one =
        all == kNvmlInvalidArgument
            ? calls("nvmlDeviceGetFieldValues", calls.nvml.fields, handle_, 1, &value)
            : all;
    if (one != kNvmlOk) value.result = one;
  }
}

void DeviceReader::PutField(std::size_t index, const NvmlFieldValue& value, unsigned* told) {
  const FieldDef& field = kFields[index];
  NvmlReturn result = value.result;
  const std::optional<double> number = Number(value);
  if (result == kNvmlOk && !number) result = kNvmlNoData;
  Note(kFirstField + index, result);
  if (result != kNvmlOk) return;
  if (field.last && (*told & field.group) != 0) return;
  *told |= field.group;
  Put(field.def, *number * field.scale);
  if (field.def.signal == "gpu.pcie.io") io_told_[0] = true;
  if (field.def.signal == "gpu.link.io") io_told_[1] = true;
  if (field.id == kLinkCount)
    links_ = static_cast<unsigned>(std::clamp(*number, 0.0, double{kNvmlMaxLinks}));
}

// How many links are up: one call for all, each with its own answer.
void DeviceReader::ReadLinks(const Calls& calls) {
  if (links_ == 0 || refused_.test(kLinkQuestion)) return;
  NvmlFieldValue values[kNvmlMaxLinks] = {};
  for (unsigned i = 0; i < links_; ++i)
    values[i].field = kLinkState, values[i].scope = i, values[i].result = kNvmlNoData;
  NvmlReturn result = calls("nvmlDeviceGetFieldValues", calls.nvml.fields, handle_,
                            static_cast<int>(links_), &values[0]);
  unsigned active = 0, answered = 0;
  for (unsigned i = 0; i < links_ && result == kNvmlOk; ++i) {
    if (values[i].result != kNvmlOk) continue;
    ++answered;
    active += Number(values[i]).value_or(0) != 0 ? 1 : 0;
  }
  if (result == kNvmlOk && answered == 0) result = values[0].result;
  Note(kLinkQuestion, result);
  if (result == kNvmlOk) Put(kLinksActive, active);
}

void DeviceReader::ReadGpm(const Calls& calls) {
  constexpr auto kGpm = static_cast<std::size_t>(Question::gpm);
  if (!Due(Question::gpm)) return;
  if (!gpm_on_) {
    NvmlGpmSupport support{kNvmlGpmVersion, 0};
    NvmlReturn result =
        calls("nvmlGpmQueryDeviceSupport", calls.nvml.gpm_support, handle_, &support);
    if (result == kNvmlOk && support.supported == 0) result = kNvmlNotSupported;
    Note(kGpm, result);
    if (result != kNvmlOk) return;
  }
  bool told = false;
  const NvmlReturn result = gpm_.Take(calls, handle_, kNvmlNoInstance, &told);
  Note(kGpm, result);
  gpm_on_ = !IsLastingRefusal(result);
  if (!told) return;
  const auto defs = gpm_defs();
  for (std::size_t i = 0; i < defs.size(); ++i) {
    Note(kFirstGpm + i, gpm_.result(i));
    if (gpm_.result(i) != kNvmlOk) continue;
    if (defs[i].counted && io_told_[defs[i].def.signal == "gpu.link.io" ? 1 : 0]) continue;
    Put(defs[i].def, gpm_.value(i));
  }
}

std::map<std::string, std::string> DeviceReader::Unanswered(const NvmlLibrary& nvml) {
  std::map<std::string, std::string> out;
  std::vector<std::string> told;
  const auto note = [&](std::size_t question, const Def& def) {
    const NvmlReturn result = last_[question];
    if (result == -1) return;
    std::string label = Label(def);
    if (result == kNvmlOk) return told.push_back(std::move(label));
    std::string why = nvml.Text(result);
    if (ecc_off_ && def.signal.starts_with("gpu.ecc.")) why = "ECC is switched off";
    if (mig_on_ && result == kNvmlNotSupported) why = "not told while MIG is on";
    out[std::move(label)] = std::move(why);
  };
  const auto call = [&](Question q, std::initializer_list<const Def*> defs) {
    for (const Def* def : defs) note(static_cast<std::size_t>(q), *def);
  };
  // Of two that tell the same the better one's reason stays, so it comes later.
  call(Question::memory_v1, {&kTotal, &kUsed, &kFree});
  call(Question::memory, {&kTotal, &kUsed, &kFree, &kReserved});
  call(Question::utilization, {&kUtilization, &kController});
  call(Question::encoder, {&kEncoder});
  call(Question::decoder, {&kDecoder});
  call(Question::temperature_v, {&kTemperature});
  call(Question::temperature, {&kTemperature});
  call(Question::energy, {&kEnergy});
  call(Question::clock_core, {&kCore});
  call(Question::clock_memory, {&kMemoryClock});
  call(Question::clock_max, {&kCoreMax});
  call(Question::power, {&kPower});
  static constexpr Def kActive{"gpu.throttle.active"}, kBanks{"gpu.row_remap.banks"},
      kProcessMemory{"gpu.process.memory"}, kProcessUse{"gpu.process.utilization"};
  call(Question::reasons, {&kActive});
  call(Question::remap_banks, {&kBanks});
  call(Question::compute, {&kProcessMemory});
  call(Question::process_use, {&kProcessUse});
  call(Question::processes_use, {&kProcessUse});
  for (const NumberDef& number : kNumbers)
    note(static_cast<std::size_t>(number.question), number.def);
  for (std::size_t i = 0; i < std::size(kFields); ++i) note(kFirstField + i, kFields[i].def);
  note(kLinkQuestion, kLinksActive);
  const auto defs = gpm_defs();
  for (std::size_t i = 0; i < defs.size(); ++i) {
    if (last_[static_cast<std::size_t>(Question::gpm)] == kNvmlOk) {
      note(kFirstGpm + i, defs[i].def);
    } else if (i > 0 && !defs[i].counted) {
      note(static_cast<std::size_t>(Question::gpm), defs[i].def);
    }
  }
  if (no_process_memory_) out["gpu.process.memory"] = "the driver does not tell it for a process";
  for (const std::string& label : told) out.erase(label);
  changed_ = false;
  return out;
}

}  // namespace strata::l1_gpu
