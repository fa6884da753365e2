// SPDX-License-Identifier: Apache-2.0
// `strata read kmsg`: a whole log from a file, as text, as `dmesg --json` or as lines of
// `journalctl -o json`.
#include <algorithm>
#include <cmath>

#include "l1_gpu/kernel_log.h"

namespace strata::l1_gpu {
namespace {

constexpr std::size_t kLookAt = 64;  // lines of a file, to tell what it is

std::string_view NextLine(std::string_view* text) {
  const std::size_t end = text->find('\n');
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  return line;
}

std::string_view SkipSpaces(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text;
}

bool LooksDmesgJson(std::string_view text) {
  text = SkipSpaces(text);
  return text.starts_with("{") && SkipSpaces(text.substr(1)).starts_with("\"dmesg\"");
}

bool LooksJournalJson(std::string_view text) {
  text = SkipSpaces(text);
  const std::string_view line = text.substr(0, text.find('\n'));
  return line.starts_with("{") && line.find("\"__REALTIME_TIMESTAMP\"") != std::string_view::npos &&
         line.find("\"MESSAGE\"") != std::string_view::npos;
}

bool HasFault(std::string_view line) {
  for (const std::string_view words :
       {"NVRM: Xid (", "SXid (PCI:", "NVRM: GPU ", "nvidia-peermem ", "oom-kill:constraint="}) {
    if (line.find(words) != std::string_view::npos) return true;
  }
  return false;
}

// The last second since boot of the records: the file was written then, at `now` as far as we know.
// `decorated`: lines that are of a kernel log for sure.
std::int64_t BootOf(std::string_view text, std::int64_t now_ns, std::uint64_t* decorated) {
  double last = 0;
  while (!text.empty()) {
    const LogLine line = ParseLogLine(NextLine(&text), now_ns);
    *decorated += line.decorated ? 1 : 0;
    if (line.ts_ns == 0 && line.since_boot_s > last) last = line.since_boot_s;
  }
  return last > 0 && last < 1e9 ? now_ns - static_cast<std::int64_t>(last * 1e9) : 0;
}

double Number(const base::Json& value) {
  if (value.is_number()) return value.as_double();
  const std::string& text = value.as_string();
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  return text.empty() || *end != 0 ? std::nan("") : number;
}

base::Status ReadDmesgJson(std::string_view text, const wire::Context& context, model::Batch* batch,
                           KernelLogFacts* facts) {
  ASSIGN_OR_RETURN(const base::Json document, base::ParseJson(text));
  const base::Json& records = document["dmesg"];
  KernelLogOptions options;
  double last = 0;
  for (const base::Json& record : records.array()) {
    if (Number(record["time"]) > last) last = Number(record["time"]);
  }
  if (last > 0 && last < 1e9)
    options.boot_ns = context.now_ns - static_cast<std::int64_t>(last * 1e9);
  KernelLog log(options);
  for (const base::Json& record : records.array()) {
    LogLine line;
    line.message = record["msg"].as_string();
    const std::string& time = record["time"].as_string();
    if (time.empty()) {
      line.since_boot_s = Number(record["time"]);
    } else {  // --time-format with --json: text
      line = ParseLogLine(time, context.now_ns);
      line.message = record["msg"].as_string();
    }
    const std::int64_t priority = record["pri"].as_int(-1);
    if (priority >= 0 && priority < 0x10000) {
      line.facility = static_cast<int>(priority >> 3);
      line.level = static_cast<int>(priority & 7);
    }
    log.TakeLine(line, context, batch);
  }
  *facts = log.facts();
  return base::Status::Ok();
}

void ReadJournalJson(std::string_view text, const wire::Context& context, model::Batch* batch,
                     KernelLogFacts* facts) {
  KernelLog log({});
  while (!text.empty()) {
    const std::string_view one = SkipSpaces(NextLine(&text));
    if (one.empty()) continue;
    const auto record = base::ParseJson(one);
    if (!record.ok() || !record->is_object()) {
      batch->refused.add(base::Reason::malformed, 1, one.substr(0, 120));
      continue;
    }
    const base::Json& r = *record;
    LogLine line;
    line.message = r["MESSAGE"].as_string();
    line.host = r["_HOSTNAME"].as_string();
    line.program = r["SYSLOG_IDENTIFIER"].as_string();
    if (line.program.empty() && r["_TRANSPORT"].as_string() == "kernel") line.program = "kernel";
    const double us = Number(r["__REALTIME_TIMESTAMP"]);
    if (us > 0 && us < 9e15) {
      line.ts_ns = static_cast<std::int64_t>(us) * 1000;
      line.zone_told = true;
    }
    log.TakeLine(line, context, batch);
  }
  *facts = log.facts();
}

base::Json Counts(const std::map<int, std::uint64_t>& counts) {
  base::Json out = base::Json::MakeObject();
  for (const auto& [code, n] : counts) out.set(std::to_string(code), n);
  return out;
}

}  // namespace

bool LooksKernelLog(std::string_view head) {
  if (LooksDmesgJson(head) || LooksJournalJson(head)) return true;
  std::size_t lines = 0, ours = 0;
  while (!head.empty() && lines < kLookAt) {
    const std::string_view line = NextLine(&head);
    if (SkipSpaces(line).empty() || line[0] == ' ') continue;
    ++lines;
    const bool fault = HasFault(line);
    if (fault || ParseLogLine(line, 4'000'000'000'000'000'000).decorated) ++ours;
  }
  return ours > 0 && ours * 2 >= lines;
}

base::Result<bool> ReadKernelLog(const base::InputFile& file, const wire::Context& context,
                                 model::Batch* batch, base::Json* report) {
  KernelLogFacts facts;
  if (LooksDmesgJson(file.bytes)) {
    RETURN_IF_ERROR(ReadDmesgJson(file.bytes, context, batch, &facts));
  } else if (LooksJournalJson(file.bytes)) {
    ReadJournalJson(file.bytes, context, batch, &facts);
  } else {
    KernelLogOptions options;
    std::uint64_t decorated = 0;
    options.boot_ns = BootOf(file.bytes, context.now_ns, &decorated);
    KernelLog log(options);
    const std::size_t before = batch->events.size();
    log.Feed(file.bytes, context, batch);
    facts = log.facts();
    if (decorated == 0 && batch->events.size() == before) return false;
  }
  report->set("layer", "l1_gpu")
      .set("report", "kmsg")
      .set("lines", facts.lines)
      .set("xids", Counts(facts.xids))
      .set("sxids", Counts(facts.sxids))
      .set("off_bus_without_xid", facts.off_bus)
      .set("driver_errors", facts.driver_errors)
      .set("oom_kills", facts.oom_kills)
      .set("process_crashes", facts.crashes);
  return true;
}

}  // namespace strata::l1_gpu
