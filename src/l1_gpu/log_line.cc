// SPDX-License-Identifier: Apache-2.0
// util-linux text-utils/dmesg.c, systemd's journalctl(1) and Documentation/ABI/testing/dev-kmsg say
// what the formats are.
#include "l1_gpu/log_line.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <string>

#include "base/clock.h"

namespace strata::l1_gpu {
namespace {

constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::string_view kFacilities[] = {"kern", "user", "mail", "daemon", "auth",     "syslog",
                                            "lpr",  "news", "uucp", "cron",   "authpriv", "ftp"};
constexpr std::string_view kLevels[] = {"emerg", "alert",  "crit", "err",
                                        "warn",  "notice", "info", "debug"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

void SkipSpaces(std::string_view* text) {
  text->remove_prefix(std::min(text->find_first_not_of(" \t"), text->size()));
}

std::string_view Trim(std::string_view text) {
  SkipSpaces(&text);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

template <typename T>
bool TakeNumber(std::string_view* text, T* value) {
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *value);
  if (error != std::errc()) return false;
  text->remove_prefix(static_cast<std::size_t>(end - text->data()));
  return true;
}

bool Take(std::string_view* text, std::string_view what) {
  if (!text->starts_with(what)) return false;
  text->remove_prefix(what.size());
  return true;
}

std::string_view Word(std::string_view* text) {
  SkipSpaces(text);
  const std::string_view word = text->substr(0, text->find(' '));
  text->remove_prefix(word.size());
  return word;
}

int MonthOf(std::string_view name) {  // 1..12, 0 = none
  for (int i = 0; i < 12; ++i) {
    if (kMonths[i] == name) return i + 1;
  }
  return 0;
}

// Days since 1970-01-01 of a day of the Gregorian calendar.
std::int64_t Days(int year, int month, int day) {
  const std::int64_t y = year - (month <= 2 ? 1 : 0);
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

// "16:24:18", "16:24:18.5", "16:24:18,285060", "16:24"
bool TakeClock(std::string_view* text, std::int64_t* ns) {
  unsigned h = 0, m = 0, s = 0;
  std::string_view rest = *text;
  if (rest.empty() || !IsDigit(rest[0]) || !TakeNumber(&rest, &h) || !Take(&rest, ":") ||
      rest.empty() || !IsDigit(rest[0]) || !TakeNumber(&rest, &m) || h > 23 || m > 59)
    return false;
  std::int64_t fraction = 0;
  if (rest.size() > 1 && rest[0] == ':' && IsDigit(rest[1])) {
    rest.remove_prefix(1);
    if (!TakeNumber(&rest, &s) || s > 60) return false;
    if (rest.size() > 1 && (rest[0] == '.' || rest[0] == ',') && IsDigit(rest[1])) {
      rest.remove_prefix(1);
      std::int64_t unit = base::kSecond / 10;
      for (; !rest.empty() && IsDigit(rest[0]); rest.remove_prefix(1), unit /= 10)
        fraction += (rest[0] - '0') * unit;
    }
  }
  *ns = (h * 3600 + m * 60 + s) * base::kSecond + fraction;
  *text = rest;
  return true;
}

bool MakeTime(int year, int month, int day, std::int64_t clock, std::int64_t* ns) {
  if (year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || day > 31) return false;
  *ns = Days(year, month, day) * base::kDay + clock;
  return true;
}

int YearOf(std::int64_t ns) {
  int year = 1970 + static_cast<int>(ns / base::kDay / 366);
  while (Days(year + 1, 1, 1) * base::kDay <= ns) ++year;
  return year;
}

// Month and day without a year: the newest that is not more than a day ahead.
bool YearlessTime(int month, int day, std::int64_t clock, std::int64_t now_ns, std::int64_t* ns) {
  if (now_ns < 0) return false;
  const int year = YearOf(now_ns);
  if (!MakeTime(year, month, day, clock, ns)) return false;
  return *ns <= now_ns + base::kDay || MakeTime(year - 1, month, day, clock, ns);
}

// "2025-02-23"
bool TakeDate(std::string_view* text, std::int64_t* ns) {
  int year = 0, month = 0, day = 0;
  std::string_view rest = *text;
  if (rest.size() < 10 || !IsDigit(rest[0]) || rest[4] != '-' || rest[7] != '-') return false;
  std::string_view y = rest.substr(0, 4), m = rest.substr(5, 2), d = rest.substr(8, 2);
  if (!TakeNumber(&y, &year) || !TakeNumber(&m, &month) || !TakeNumber(&d, &day) || !y.empty() ||
      !m.empty() || !d.empty() || !MakeTime(year, month, day, 0, ns))
    return false;
  text->remove_prefix(10);
  return true;
}

// "Z", "UTC", "+00:00", "+0000", "+00"; takes it away and gives what is to be subtracted.
bool TakeZone(std::string_view* text, std::int64_t* offset) {
  *offset = 0;
  if (Take(text, "Z") || Take(text, "UTC") || Take(text, "GMT")) return true;
  if (text->size() < 3 || ((*text)[0] != '+' && (*text)[0] != '-') || !IsDigit((*text)[1]))
    return false;
  const std::int64_t sign = (*text)[0] == '-' ? -1 : 1;
  std::string_view hours = text->substr(1, 2);
  int h = 0, m = 0;
  if (!TakeNumber(&hours, &h) || !hours.empty() || h > 15) return false;
  text->remove_prefix(3);
  Take(text, ":");
  if (text->size() >= 2 && IsDigit((*text)[0]) && IsDigit((*text)[1])) {
    std::string_view minutes = text->substr(0, 2);
    TakeNumber(&minutes, &m);
    text->remove_prefix(2);
  }
  *offset = sign * (h * base::kHour + m * base::kMinute);
  return true;
}

// "2025-01-21T04:41:44,285060+00:00", "2025-01-21 04:41:44[.5] [UTC]"
bool TakeIso(std::string_view* text, LogLine* line) {
  std::string_view rest = *text;
  std::int64_t day = 0, clock = 0, offset = 0;
  if (!TakeDate(&rest, &day) || rest.empty() || (rest[0] != 'T' && rest[0] != ' ')) return false;
  const bool spaced = rest[0] == ' ';
  rest.remove_prefix(1);
  if (!TakeClock(&rest, &clock)) return false;
  std::string_view zone = rest;
  if (spaced) SkipSpaces(&zone);
  line->zone_told = TakeZone(&zone, &offset);
  if (line->zone_told) rest = zone;
  if (!rest.empty() && rest[0] != ' ') return false;
  line->ts_ns = day + clock - offset;
  line->decorated = !spaced && text->size() > 20 && (*text)[19] == ',';  // dmesg --time-format iso
  *text = rest;
  return true;
}

// "Feb 23 16:24:18[.5] "
bool TakeSyslogTime(std::string_view* text, std::int64_t now_ns, LogLine* line) {
  std::string_view rest = *text;
  const int month = MonthOf(rest.substr(0, 3));
  if (month == 0) return false;
  rest.remove_prefix(3);
  SkipSpaces(&rest);
  int day = 0;
  std::int64_t clock = 0;
  if (!TakeNumber(&rest, &day) || !Take(&rest, " ") || !TakeClock(&rest, &clock) ||
      (!rest.empty() && rest[0] != ' ') || !YearlessTime(month, day, clock, now_ns, &line->ts_ns))
    return false;
  *text = rest;
  return true;
}

// "1740327858.123456 "
bool TakeUnixTime(std::string_view* text, LogLine* line) {
  std::string_view rest = *text;
  std::int64_t seconds = 0, fraction = 0, unit = base::kSecond / 10;
  if (rest.size() < 12 || !IsDigit(rest[0]) || !TakeNumber(&rest, &seconds) ||
      seconds < 1'000'000'000 || seconds > 7'000'000'000 || !Take(&rest, "."))
    return false;
  for (; !rest.empty() && IsDigit(rest[0]); rest.remove_prefix(1), unit /= 10)
    fraction += (rest[0] - '0') * unit;
  if (!rest.empty() && rest[0] != ' ') return false;
  line->ts_ns = seconds * base::kSecond + fraction;
  line->zone_told = true;
  *text = rest;
  return true;
}

// "prio,sequence,microseconds,flags[,…];message"
bool TakeRecord(std::string_view* text, LogLine* line) {
  std::string_view rest = *text;
  unsigned priority = 0;
  std::uint64_t sequence = 0, us = 0;
  if (rest.empty() || !IsDigit(rest[0]) || !TakeNumber(&rest, &priority) || !Take(&rest, ",") ||
      !TakeNumber(&rest, &sequence) || !Take(&rest, ",") || !TakeNumber(&rest, &us) ||
      !rest.starts_with(",") || priority > 0xffff)
    return false;
  const std::size_t end = rest.find(';');
  if (end == std::string_view::npos) return false;
  line->facility = static_cast<int>(priority >> 3);
  line->level = static_cast<int>(priority & 7);
  line->sequence = static_cast<std::int64_t>(sequence & 0x7fffffffffffffffULL);
  line->since_boot_s = static_cast<double>(us) / 1e6;
  rest.remove_prefix(end + 1);
  *text = rest;
  return true;
}

// "kern  :warn  : " of dmesg --decode, "<4>" of --raw
bool TakeLevel(std::string_view* text, LogLine* line) {
  std::string_view rest = *text;
  unsigned priority = 0;
  if (rest.size() > 2 && rest[0] == '<' && IsDigit(rest[1])) {
    rest.remove_prefix(1);
    if (!TakeNumber(&rest, &priority) || !Take(&rest, ">") || priority > 0xffff) return false;
    line->facility = static_cast<int>(priority >> 3);
    line->level = static_cast<int>(priority & 7);
    *text = rest;
    return true;
  }
  for (std::size_t f = 0; f < std::size(kFacilities); ++f) {
    if (!rest.starts_with(kFacilities[f])) continue;
    std::string_view after = rest.substr(kFacilities[f].size());
    SkipSpaces(&after);
    if (!Take(&after, ":")) continue;
    for (std::size_t l = 0; l < std::size(kLevels); ++l) {
      std::string_view end = after;
      if (!Take(&end, kLevels[l])) continue;
      SkipSpaces(&end);
      if (!Take(&end, ":")) continue;
      line->facility = static_cast<int>(f);
      line->level = static_cast<int>(l);
      Take(&end, " ");
      *text = end;
      return true;
    }
  }
  return false;
}

// What stands in brackets: seconds since boot, a calendar time, a difference, a caller. False when
// it belongs to the message ("[drm] …").
bool ReadBracket(std::string_view inside, std::int64_t now_ns, LogLine* line) {
  std::string_view text = Trim(inside);
  double seconds = 0;
  std::string_view rest = text;
  if (!rest.empty() && IsDigit(rest[0]) && TakeNumber(&rest, &seconds) &&
      text.find('.') != std::string_view::npos && seconds < 1e12) {
    rest = Trim(rest);
    if (!rest.empty() && !(rest.starts_with("<") && rest.ends_with(">"))) return false;
    line->since_boot_s = seconds;
    return true;
  }
  if (text.starts_with("<") && text.ends_with(">")) return true;  // time since the line before
  if (text.starts_with("+")) {
    text.remove_prefix(1);
    return TakeNumber(&text, &seconds) && text.empty();
  }
  if (text.size() > 1 && (text[0] == 'T' || text[0] == 'C')) {  // printk's caller: thread or CPU
    unsigned id = 0;
    std::string_view number = text.substr(1);
    if (TakeNumber(&number, &id) && number.empty()) return true;
  }
  if (ParseCalendarTime(text, &line->ts_ns)) return true;
  const int month = MonthOf(text.substr(0, 3));  // "Feb23 16:24" of --reltime
  if (month == 0) return false;
  text.remove_prefix(3);
  int day = 0;
  std::int64_t clock = 0;
  return TakeNumber(&text, &day) && Take(&text, " ") && TakeClock(&text, &clock) && text.empty() &&
         YearlessTime(month, day, clock, now_ns, &line->ts_ns);
}

bool TakeBrackets(std::string_view* text, std::int64_t now_ns, LogLine* line) {
  bool any = false;
  while (text->starts_with("[")) {
    const std::size_t end = text->find(']');
    if (end == std::string_view::npos || end > 64 ||
        !ReadBracket(text->substr(1, end - 1), now_ns, line))
      break;
    text->remove_prefix(end + 1);
    Take(text, " ");
    any = true;
  }
  return any;
}

// "host kernel: ", "host nv-fabricmanager[12]: ". A PCI address or "(sda1):" is no program.
bool TakeSender(std::string_view* text, LogLine* line) {
  std::string_view rest = *text;
  const std::string_view host = Word(&rest);
  std::string_view program = Word(&rest);
  if (host.empty() || host.ends_with(":") || program.size() < 2 || !program.ends_with(":"))
    return false;
  program.remove_suffix(1);
  program = program.substr(0, program.find('['));
  if (program.empty() || !std::isalpha(static_cast<unsigned char>(program[0])) ||
      program.find(':') != std::string_view::npos)
    return false;
  line->host = host;
  line->program = program;
  SkipSpaces(&rest);
  *text = rest;
  return true;
}

void TakeRepeats(LogLine* line) {
  std::string_view rest = line->message;
  std::uint64_t times = 0;
  if (!Take(&rest, "message repeated ") || !TakeNumber(&rest, &times) ||
      !Take(&rest, " times: [") || !rest.ends_with("]"))
    return;
  rest.remove_suffix(1);
  line->message = Trim(rest);
  line->times = times;
}

}  // namespace

bool ParseCalendarTime(std::string_view text, std::int64_t* ns) {
  std::string_view rest = text;
  std::string_view word = Word(&rest);
  if (MonthOf(word) == 0) word = Word(&rest);  // the day of the week stood before
  const int month = MonthOf(word);
  int day = 0, year = 0;
  std::int64_t clock = 0;
  SkipSpaces(&rest);
  if (month == 0 || !TakeNumber(&rest, &day)) return false;
  SkipSpaces(&rest);
  if (rest.size() > 4 && rest[4] == ' ' && !TakeNumber(&rest, &year)) return false;
  SkipSpaces(&rest);
  if (!TakeClock(&rest, &clock)) return false;
  SkipSpaces(&rest);
  if (year == 0 && !TakeNumber(&rest, &year)) return false;
  return Trim(rest).empty() && MakeTime(year, month, day, clock, ns);
}

LogLine ParseLogLine(std::string_view text, std::int64_t now_ns) {
  LogLine line;
  while (!text.empty() && (text.back() == '\r' || text.back() == '\n')) text.remove_suffix(1);
  if (TakeRecord(&text, &line)) {
    line.decorated = true;
    line.message = text;
    return line;
  }
  line.decorated = TakeLevel(&text, &line);
  if (TakeBrackets(&text, now_ns, &line)) {
    line.decorated = true;
    std::string_view after = text;  // journalctl -o short-monotonic
    LogLine sender;
    if (TakeSender(&after, &sender) && sender.program == "kernel") {
      line.host = sender.host, line.program = sender.program;
      text = after;
    }
  } else {
    std::string_view rest = text;
    const std::string_view weekday = Word(&rest);  // "Sun 2025-02-23 16:24:18 UTC host kernel: "
    SkipSpaces(&rest);
    if (weekday.size() == 3 && TakeIso(&rest, &line)) text = rest;
    const bool leveled = line.decorated;
    const bool timed = line.ts_ns != 0 || TakeIso(&text, &line) || TakeUnixTime(&text, &line) ||
                       TakeSyslogTime(&text, now_ns, &line);
    if (timed) {
      SkipSpaces(&text);
      const bool sent = TakeSender(&text, &line);
      line.decorated = leveled || line.decorated ||
                       (sent && (line.program == "kernel" || line.program == "nv-fabricmanager"));
      TakeBrackets(&text, now_ns, &line);
    }
  }
  line.message = Trim(text);
  TakeRepeats(&line);
  return line;
}

}  // namespace strata::l1_gpu
