// SPDX-License-Identifier: Apache-2.0
// The messages and what they become. Forms of NVIDIA's lines: NVIDIA/open-gpu-kernel-modules
// (nvErrorLog, nvswitch_os_print) and logs that people published; of kills mm/oom_kill.c, of
// crashes arch/x86/mm/fault.c of the Linux kernel.
#include "l1_gpu/kernel_log.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/clock.h"
#include "l1_gpu/xid.h"

namespace strata::l1_gpu {
namespace {

constexpr std::size_t kMaxKnown = 4096;        // devices and processes remembered
constexpr std::uint64_t kMaxRepeats = 10'000;  // of one line that says how often it was repeated
constexpr std::int64_t kSameLoss = 10 * base::kSecond;  // two lines of one device falling off

bool IsHex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool Take(std::string_view* text, std::string_view what) {
  if (!text->starts_with(what)) return false;
  text->remove_prefix(what.size());
  return true;
}

template <typename T>
bool TakeNumber(std::string_view* text, T* value, int base = 10) {
  const auto [end, error] =
      std::from_chars(text->data(), text->data() + text->size(), *value, base);
  if (error != std::errc()) return false;
  text->remove_prefix(static_cast<std::size_t>(end - text->data()));
  return true;
}

// Up to the first of `ends`, which stays.
std::string_view Until(std::string_view* text, std::string_view ends) {
  const std::string_view head = text->substr(0, text->find_first_of(ends));
  text->remove_prefix(head.size());
  return head;
}

std::string_view After(std::string_view text, std::string_view what) {
  const std::size_t at = text.find(what);
  return at == std::string_view::npos ? std::string_view() : text.substr(at + what.size());
}

// Bounded, printable: a log line may hold anything.
std::string Clean(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && out.size() < 1024; ++i) {
    unsigned value = 0;
    std::string_view hex = text.substr(i).substr(0, 4);
    if (hex.size() == 4 && Take(&hex, "\\x") && TakeNumber(&hex, &value, 16) && hex.empty()) {
      out.push_back(value >= 32 && value < 127 ? static_cast<char>(value) : ' ');
      i += 3;
    } else {
      const auto c = static_cast<unsigned char>(text[i]);
      out.push_back(c < 32 || c == 127 ? ' ' : text[i]);
    }
  }
  return out;
}

// ", pid=12, name=python3, text" -> text; "unknown", quoted or not, is not told.
struct Process {
  std::uint64_t pid = 0;  // 0 = not told
  std::string_view name;
};
std::string_view Told(std::string_view value) {
  while (!value.empty() && (value.front() == '\'' || value.front() == '"' || value.front() == '<'))
    value.remove_prefix(1);
  while (!value.empty() && (value.back() == '\'' || value.back() == '"' || value.back() == '>'))
    value.remove_suffix(1);
  return value == "unknown" ? std::string_view() : value;
}
Process TakeProcess(std::string_view* text) {
  Process process;
  std::string_view rest = *text;
  if (Take(&rest, "pid=")) {
    std::string_view pid = Told(Until(&rest, ","));
    if (!TakeNumber(&pid, &process.pid) || !pid.empty()) process.pid = 0;
    if (Take(&rest, ",")) Take(&rest, " ");
    *text = rest;
  }
  if (Take(&rest, "name=")) {
    process.name = Told(Until(&rest, ","));
    if (Take(&rest, ",")) Take(&rest, " ");
    *text = rest;
  }
  return process;
}

void SetProcess(const Process& process, model::Event* event) {
  if (process.pid != 0) event->attributes.set("process.pid", std::to_string(process.pid));
  if (!process.name.empty())
    event->attributes.set("process.executable.name", Clean(process.name.substr(0, 64)));
}

// Xid 144 to 150: "<UNIT> <Nonfatal|Fatal> <XC0> i<n> Link <nn> (<info> <status> …)"; the rule of
// unit and status says what to do, without one the word says how bad it is.
void DescribeNvlink(int code, std::string_view text, model::Event* event) {
  const std::string_view unit = Until(&text, " ");
  Take(&text, " ");
  const std::string_view word = Until(&text, " ");
  if (word != "Fatal" && word != "Nonfatal") return;
  event->attributes.set("nvlink.unit", unit);
  event->attributes.set("nvlink.severity", word == "Fatal" ? "fatal" : "non_fatal");
  event->severity = word == "Fatal" ? "error" : "warning";
  std::string_view link = After(text, "Link ");
  int number = 0;
  if (TakeNumber(&link, &number)) event->attributes.set("gpu.link", std::to_string(number));
  std::string_view words = After(text, "(0x");
  std::uint32_t info = 0, status = 0;
  if (!TakeNumber(&words, &info, 16) || !Take(&words, " 0x") || !TakeNumber(&words, &status, 16))
    return;
  event->attributes.set("nvlink.subcode", std::to_string((info >> 20) & 0x3f));
  const NvlinkRule* rule = FindNvlinkRule(code, unit, status);
  if (rule == nullptr) return;
  event->attributes.set("action", rule->action);
  event->severity = EventSeverity(rule->severity);
  if (!rule->certain) event->attributes.set("certain", "false");
}

// "GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)"
void DescribeRecovery(std::string_view text, model::Event* event) {
  std::string_view to = After(text, "recovery action changed from 0x");
  unsigned value = 0;
  if (!TakeNumber(&to, &value, 16)) return;
  to = After(to, " to 0x");
  if (!TakeNumber(&to, &value, 16)) return;
  event->attributes.set("recovery_action.code", std::to_string(value));
  const std::string_view name = RecoveryAction(value);
  if (!name.empty()) event->attributes.set("recovery_action", name);
  event->severity = value == 0 ? "info" : "error";
  if (Take(&to, " (")) event->message.append(": ").append(Clean(Until(&to, ")")));
}

}  // namespace

std::string PciAddress(std::string_view text) {
  // [domain:]bus:device[.function]
  unsigned part[3] = {0, 0, 0};
  int parts = 0;
  std::string_view rest = text;
  while (parts < 3) {
    const std::string_view digits = rest.substr(0, rest.find_first_of(":."));
    std::string_view number = digits;
    if (digits.empty() || digits.size() > 8 || !std::all_of(digits.begin(), digits.end(), IsHex) ||
        !TakeNumber(&number, &part[parts++], 16))
      return {};
    rest.remove_prefix(digits.size());
    if (!Take(&rest, ":")) break;
  }
  if (parts < 2) return {};
  unsigned function = 0;
  if (Take(&rest, ".") && (!TakeNumber(&rest, &function, 16) || function > 7)) return {};
  if (!rest.empty()) return {};
  const unsigned domain = parts == 3 ? part[0] : 0, bus = part[parts - 2], device = part[parts - 1];
  if (bus > 0xff || device > 0x1f) return {};
  char out[32];
  std::snprintf(out, sizeof out, "%04x:%02x:%02x.%x", domain, bus, device, function);
  return out;
}

// ---- NVIDIA
void KernelLog::Device(const std::string& pci, model::Event* event) const {
  event->entity_type = "gpu";
  event->attributes.set("pci.address", pci);
  std::string uuid;
  if (const auto it = uuids_.find(pci); it != uuids_.end()) uuid = it->second;
  if (uuid.empty() && options_.uuid_of) uuid = options_.uuid_of(pci);
  if (!uuid.empty()) {
    event->attributes.set("hw.id", uuid);
    event->entity = uuid;
  } else {
    event->entity = "pci:" + pci;  // the same device as another source's UUID: not known here
  }
}

// "NVRM: GPU at PCI:0000:9b:00: GPU-509665ad-…"
void KernelLog::Learn(std::string_view text) {
  std::string_view rest = After(text, "NVRM: GPU at PCI:");
  if (rest.empty()) return;
  const std::size_t uuid = rest.find(": GPU-");
  if (uuid == std::string_view::npos) return;
  const std::string pci = PciAddress(rest.substr(0, uuid));
  const std::string_view id = rest.substr(uuid + 2, 40);
  if (pci.empty() || id.find('?') != std::string_view::npos || uuids_.size() >= kMaxKnown) return;
  uuids_[pci] = std::string(id.substr(0, id.find_first_not_of("GPU-0123456789abcdefABCDEF")));
}

// "NVRM: Xid (PCI:0000:18:00[ GPU-I:05]): 79, [pid=…, name=…, ]text"
bool KernelLog::TakeXid(std::string_view text, const Out& out) {
  std::string_view rest = After(text, "NVRM: Xid (");
  if (rest.empty()) return false;
  Take(&rest, "PCI:");
  const std::string pci = PciAddress(Until(&rest, " )"));
  std::string_view instance;
  if (Take(&rest, " GPU-I:")) instance = Until(&rest, ")");
  int code = 0;
  if (pci.empty() || !Take(&rest, "): ") || !TakeNumber(&rest, &code) || code < 0 ||
      code > 0xffff) {
    out.batch->refused.add(base::Reason::malformed, 1, text.substr(0, 200));
    return true;
  }
  if (Take(&rest, ",")) Take(&rest, " ");
  model::Event event;
  Device(pci, &event);
  const Process process = TakeProcess(&rest);
  DescribeXid(static_cast<std::uint64_t>(code), pci, &event);
  SetProcess(process, &event);
  if (!instance.empty()) {
    unsigned id = 0;
    std::string_view digits = instance;
    if (TakeNumber(&digits, &id) && digits.empty()) {
      event.attributes.set("gpu.mig.id", std::to_string(id));
      if (event.attributes.has("hw.id")) event.entity += "/" + std::to_string(id);
    }
  }
  if (code >= 144 && code <= 150) DescribeNvlink(code, rest, &event);
  if (code == 154) DescribeRecovery(rest, &event);
  if (!rest.empty()) event.attributes.set("text", Clean(rest));
  if (code == 79 && SameLoss(pci, true, out.ts)) {
    --facts_.off_bus;  // the Xid came after all
    return true;
  }
  facts_.xids[code] += out.line->times;
  Put(std::move(event), out);
  return true;
}

// The driver says it twice, by an Xid and by a sentence that it may repeat. Whichever comes first
// is the event; every further Xid is one of its own.
bool KernelLog::SameLoss(const std::string& pci, bool by_xid, std::int64_t ts) {
  const auto before = lost_.find(pci);
  const bool same = before != lost_.end() && std::abs(ts - before->second.ts) < kSameLoss &&
                    !(by_xid && before->second.by_xid);
  if (before != lost_.end() || lost_.size() < kMaxKnown)
    lost_[pci] = {ts, by_xid || (same && before->second.by_xid)};
  return same;
}

void KernelLog::PutOffBus(const std::string& pci, std::string_view text, const Out& out) {
  if (SameLoss(pci, false, out.ts)) return;
  model::Event event;
  Device(pci, &event);
  DescribeXid(79, pci, &event);
  event.attributes.set("implied", "no Xid was printed");
  event.attributes.set("text", Clean(text));
  facts_.xids[79] += out.line->times;
  facts_.off_bus += out.line->times;
  Put(std::move(event), out);
}

// "NVRM: GPU 0000:18:00.0: GPU has fallen off the bus.", "NVRM: GPU at 0000:18:00.0 has fallen off
// the bus.", and at the driver's start "NVRM: The NVIDIA GPU 0000:18:00.0 … has fallen off the bus
// and is not responding to commands." over several lines.
bool KernelLog::TakeOffBus(std::string_view text, const Out& out) {
  if (text.find("NVRM: ") == std::string_view::npos) return false;
  std::string_view installed = After(text, "NVRM: The NVIDIA GPU ");
  if (!installed.empty()) announced_ = PciAddress(Until(&installed, " \\"));
  const std::size_t fallen = text.find("fallen off the bus");
  if (fallen == std::string_view::npos) return !installed.empty();
  std::string pci;
  std::string_view rest = After(text.substr(0, fallen), "NVRM: GPU ");
  Take(&rest, "at ");
  Take(&rest, "PCI:");
  if (!rest.empty()) {
    std::string_view address = Until(&rest, " ");
    if (address.ends_with(":")) address.remove_suffix(1);
    pci = PciAddress(address);
  } else {
    pci = announced_;
  }
  announced_.clear();
  if (pci.empty()) return false;
  PutOffBus(pci, text.substr(text.find("NVRM: ")), out);
  return true;
}

void KernelLog::Sxid(int code, bool fatal, std::string_view pci, std::string_view link,
                     std::string_view text, const Out& out, std::string_view source) {
  model::Event event;
  event.source = source;
  const SxidFact* fact = FindSxid(code);
  event.layer = "l1_gpu";
  event.event = "gpu.fault.event";
  event.entity_type = "switch";
  const std::string where = PciAddress(pci);
  event.severity = fatal ? "error" : "warning";
  const std::string_view kind = fact != nullptr ? fact->kind : "";
  const std::string_view action = !fatal                   ? "watch_then_service"
                                  : kind == "always_fatal" ? "reboot_node"
                                                           : "nvlink_flow";
  event.message = "SXid " + std::to_string(code) + " on NVSwitch " + where + ": ";
  event.message += fact != nullptr ? std::string(fact->meaning) : Clean(text);
  event.message.append(fatal ? " (fatal); " : " (non-fatal); ").append(ActionText(action));
  event.attributes = {{"code", std::to_string(code)},
                      {"name", "SXid"},
                      {"vendor", "nvidia"},
                      {"hw.type", "nvswitch"},
                      {"nvlink.severity", fatal ? "fatal" : "non_fatal"}};
  event.attributes.set("action", action);
  event.attributes.set("pci.address", where);
  event.attributes.set("switch", where);
  if (!kind.empty()) event.attributes.set("kind", kind);
  if (fact != nullptr) event.attributes.set("effect", fact->effect);
  if (!link.empty()) event.attributes.set("gpu.link", link);
  event.attributes.set("text", Clean(text));
  event.entity = where;
  facts_.sxids[code] += out.line->times;
  Put(std::move(event), out);
}

// "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 24007, Fatal, Link 46 text"; the lines "Severity …"
// and "Data {…}" that follow carry details of the same one.
bool KernelLog::TakeSxid(std::string_view text, const Out& out) {
  std::string_view rest = After(text, "SXid (PCI:");
  if (rest.empty()) return false;
  const std::string_view pci = Until(&rest, ")");
  int code = 0;
  if (!Take(&rest, "): ") || !TakeNumber(&rest, &code) || code <= 0 || PciAddress(pci).empty()) {
    out.batch->refused.add(base::Reason::malformed, 1, text.substr(0, 200));
    return true;
  }
  if (Take(&rest, ",")) Take(&rest, " ");
  const std::string_view said = rest;
  const bool fatal = Take(&rest, "Fatal");
  if (!fatal && !Take(&rest, "Non-fatal")) return true;
  std::string_view link = After(rest, "Link ");
  Sxid(code, fatal, pci, link.substr(0, link.find_first_not_of("0123456789")), said, out);
  return true;
}

// "detected NVSwitch non-fatal error 12028 on fid 0 on NVSwitch pci bus id 00000000:86:00.0
// physical id 3 port 61", of the fabric manager.
bool KernelLog::TakeFabricManager(std::string_view text, const Out& out) {
  std::string_view rest = After(text, "detected NVSwitch ");
  if (rest.empty()) return false;
  const bool fatal = !Take(&rest, "non-");
  int code = 0;
  std::string_view pci = After(rest, "pci bus id ");
  pci = pci.substr(0, pci.find(' '));
  if (!Take(&rest, "fatal error ") || !TakeNumber(&rest, &code) || PciAddress(pci).empty())
    return false;
  std::string_view port = After(rest, "port ");
  Sxid(code, fatal, pci, port.substr(0, port.find_first_not_of("0123456789")),
       text.substr(text.find("detected NVSwitch ")), out, "fabricmanager");
  return true;
}

// "nvidia-peermem nv_get_p2p_free_callback:127 ERROR detected invalid context, …"
bool KernelLog::TakePeermem(std::string_view text, const Out& out) {
  std::size_t at = text.find("nvidia-peermem ");
  if (at == std::string_view::npos) at = text.find("nvidia_peermem ");
  if (at == std::string_view::npos) return false;
  std::string_view said = After(text.substr(at), "ERROR ");
  if (said.empty()) return false;
  model::Event event;
  event.layer = "l1_gpu";
  event.event = "gpu.driver.error";
  event.entity_type = "node";
  event.severity = "error";
  event.message = "nvidia-peermem: " + Clean(said) +
                  "; transfers between network cards and GPU memory failed or fall back";
  event.attributes = {{"code", "nvidia-peermem"}, {"vendor", "nvidia"}, {"action", "update_sw"}};
  event.attributes.set("text", Clean(text.substr(at)));
  facts_.driver_errors += out.line->times;
  Put(std::move(event), out);
  return true;
}

// ---- the host
// "Out of memory: Killed process 12 (python) total-vm:…kB, anon-rss:…kB, …"; the line "oom-kill:…"
// before it tells the control group.
bool KernelLog::TakeKill(std::string_view text, const Out& out) {
  if (std::string_view plan = After(text, "oom-kill:constraint="); !plan.empty()) {
    std::string_view group = After(plan, "task_memcg="), pid_text = After(plan, ",pid=");
    std::uint64_t pid = 0;
    if (!group.empty() && TakeNumber(&pid_text, &pid)) {
      if (cgroups_.size() >= kMaxKnown) cgroups_.clear();
      cgroups_[pid] = Clean(group.substr(0, group.find(',')));
    }
    return true;
  }
  if (text.find("ut of memory") == std::string_view::npos) return false;
  std::string_view rest = After(text, "Killed process ");
  std::uint64_t pid = 0;
  if (rest.empty() || !TakeNumber(&rest, &pid)) return false;
  std::string_view name;
  Take(&rest, ",");  // "Killed process 12, UID 0, (python)" of older kernels
  if (const std::size_t open = rest.find('('); open != std::string_view::npos) {
    rest.remove_prefix(open + 1);
    name = rest.substr(0, rest.find(')'));
  }
  model::Event event;
  event.layer = "l3_host";
  event.event = "host.oom_kill";
  event.entity_type = "node";
  event.severity = "error";
  const bool group = text.find("emory cgroup out of memory") != std::string_view::npos;
  event.message = "the kernel killed " + Clean(name.substr(0, 64)) + " (pid " +
                  std::to_string(pid) + ") because " +
                  (group ? "its control group" : "the machine") + " ran out of memory";
  SetProcess({pid, name}, &event);
  event.attributes.set("count", "1");
  event.attributes.set("scope", group ? "cgroup" : "node");
  std::string_view rss = After(rest, "anon-rss:");
  std::uint64_t kib = 0;
  if (TakeNumber(&rss, &kib) && kib < (1ULL << 53))
    event.attributes.set("process.memory.anonymous_bytes", std::to_string(kib * 1024));
  if (const auto it = cgroups_.find(pid); it != cgroups_.end()) {
    event.attributes.set("cgroup", it->second);
    cgroups_.erase(it);
  }
  facts_.oom_kills += out.line->times;
  Put(std::move(event), out);
  return true;
}

// "pt_main_thread[2536443]: segfault at … error 4 in libnccl.so.2[…]",
// "traps: python[12] general protection fault ip:… in libcuda.so.1[…]"
bool KernelLog::TakeCrash(std::string_view text, const Out& out) {
  std::size_t at = text.find("]: segfault at ");
  if (at == std::string_view::npos) at = text.find("] general protection fault ip:");
  if (at == std::string_view::npos) return false;
  const std::string_view who = text.substr(0, at);
  const std::size_t open = who.rfind('[');
  std::uint64_t pid = 0;
  std::string_view digits = open == std::string_view::npos ? "" : who.substr(open + 1);
  if (!TakeNumber(&digits, &pid) || !digits.empty()) return false;
  std::string_view name = who.substr(0, open);
  name.remove_prefix(std::min(name.size(), name.rfind(' ') + 1));
  std::string_view library = After(text.substr(at), " in ");
  library = library.substr(0, library.find_first_of("[ "));
  model::Event event;
  event.layer = "l3_host";
  event.event = "host.process_crash";
  event.entity_type = "node";
  event.severity = "error";
  event.message = Clean(name.substr(0, 64)) + " (pid " + std::to_string(pid) +
                  ") died of a bad memory access" +
                  (library.empty() ? std::string() : " in " + Clean(library.substr(0, 128)));
  SetProcess({pid, name}, &event);
  if (!library.empty()) event.attributes.set("library", Clean(library.substr(0, 128)));
  event.attributes.set("text", Clean(text.substr(open - name.size())));
  facts_.crashes += out.line->times;
  Put(std::move(event), out);
  return true;
}

// ---- lines
std::int64_t KernelLog::TimeOf(const LogLine& line, std::int64_t now_ns) const {
  if (line.ts_ns != 0) return line.ts_ns;
  if (options_.boot_ns == 0 || !(std::abs(line.since_boot_s) < 1e9)) return now_ns;
  return options_.boot_ns + static_cast<std::int64_t>(line.since_boot_s * 1e9);
}

void KernelLog::Put(model::Event event, const Out& out) {
  const LogLine& line = *out.line;
  event.ts = out.ts;
  if (__builtin_add_overflow(event.ts, out.context->shift_ns, &event.ts) ||
      (out.context->max_ahead_ns > 0 &&
       event.ts > out.context->now_ns + out.context->max_ahead_ns)) {
    out.batch->refused.add(base::Reason::future, line.times);
    return;
  }
  std::string node = options_.node;
  if (node.empty() && out.context->resource != nullptr)
    node = out.context->resource->get("host.name");
  if (node.empty()) node = Clean(line.host.substr(0, 253));
  if (!node.empty()) event.attributes.set("host.name", node);
  if (event.entity_type == "node") event.entity = node;
  if (event.entity_type == "switch" && !node.empty()) event.entity = node + "/" + event.entity;
  if (event.entity_type == "gpu" && !event.attributes.has("hw.id") && !node.empty())
    event.entity = node + "/" + event.entity;
  if (event.source.empty()) event.source = "kmsg";
  event.origin = out.context->origin;
  // Two reports of one moment stay two: the record's number, else the line's, tells them apart.
  event.attributes.set("log.record", line.sequence >= 0 ? std::to_string(line.sequence)
                                                        : "line " + std::to_string(line_));
  if (line.facility > 0) event.attributes.set("log.facility", std::to_string(line.facility));
  if (line.ts_ns != 0 && !line.zone_told)
    event.attributes.set("time.zone", "not told, read as UTC");
  if (line.ts_ns == 0 && line.since_boot_s >= 0) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6f", line.since_boot_s);
    event.attributes.set("time.since_boot_s", text);
  }
  const std::uint64_t times = std::min(line.times, kMaxRepeats);
  if (line.times > times) out.batch->refused.add(base::Reason::oversize, line.times - times);
  for (std::uint64_t i = 1; i < times; ++i) {
    out.batch->events.push_back(event);
    out.batch->events.back().attributes.set("log.repeat", std::to_string(i));
  }
  out.batch->events.push_back(std::move(event));
}

void KernelLog::TakeLine(const LogLine& line, const wire::Context& context, model::Batch* batch) {
  ++line_;
  if (line.message.empty()) return;
  ++facts_.lines;
  if (!line.program.empty() && line.program != "kernel" && line.program != "nv-fabricmanager")
    return;  // another program that repeats the kernel's words
  const std::string_view text = line.message;
  const Out out{&line, &context, batch, TimeOf(line, context.now_ns)};
  Learn(text);
  TakeXid(text, out) || TakeSxid(text, out) || TakeFabricManager(text, out) ||
      TakeOffBus(text, out) || TakePeermem(text, out) || TakeKill(text, out) ||
      TakeCrash(text, out);
}

void KernelLog::Feed(std::string_view lines, const wire::Context& context, model::Batch* batch) {
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    TakeLine(ParseLogLine(line, context.now_ns), context, batch);
  }
}

}  // namespace strata::l1_gpu
