// SPDX-License-Identifier: Apache-2.0
// Clocks, and times as people write them.
#include "base/clock.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>

namespace strata::base {
namespace {

class SystemClock final : public Clock {
 public:
  std::int64_t now_ns() const override {
    timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * kSecond + t.tv_nsec;
  }
};

class FileClock final : public Clock {
 public:
  explicit FileClock(std::string path) : path_(std::move(path)) {}
  std::int64_t now_ns() const override {
    std::ifstream in(path_);
    std::string text;
    if (in && std::getline(in, text)) {
      auto time = ParseTime(text, last_.load());
      if (time.ok()) last_.store(*time);
    }
    return last_.load();
  }

 private:
  std::string path_;
  mutable std::atomic<std::int64_t> last_{0};
};

// Days since 1970-01-01 of a proleptic Gregorian date.
std::int64_t DaysFromCivil(std::int64_t y, unsigned m, unsigned d) {
  return std::chrono::sys_days(std::chrono::year(static_cast<int>(y)) / static_cast<int>(m) /
                               static_cast<int>(d))
      .time_since_epoch()
      .count();
}

bool TakeDigits(std::string_view& s, int n, std::int64_t* out) {
  if (static_cast<int>(s.size()) < n) return false;
  std::int64_t value = 0;
  for (int i = 0; i < n; ++i) {
    if (s[i] < '0' || s[i] > '9') return false;
    value = value * 10 + (s[i] - '0');
  }
  s.remove_prefix(n);
  *out = value;
  return true;
}

bool TakeChar(std::string_view& s, char c) {
  if (s.empty() || s[0] != c) return false;
  s.remove_prefix(1);
  return true;
}

// Fraction after a '.' as nanoseconds; digits past the ninth are dropped.
bool TakeFraction(std::string_view& s, std::int64_t* ns) {
  *ns = 0;
  if (s.empty() || s[0] != '.') return true;
  s.remove_prefix(1);
  std::int64_t unit = kSecond / 10;
  std::size_t n = 0;
  while (n < s.size() && s[n] >= '0' && s[n] <= '9') {
    *ns += (s[n] - '0') * unit;
    unit /= 10;
    ++n;
  }
  s.remove_prefix(n);
  return n > 0;
}

bool ParseRfc3339(std::string_view s, std::int64_t* out) {
  std::int64_t y, mo, d, h = 0, mi = 0, sec = 0, frac = 0, offset_s = 0;
  if (!TakeDigits(s, 4, &y) || !TakeChar(s, '-') || !TakeDigits(s, 2, &mo) || !TakeChar(s, '-') ||
      !TakeDigits(s, 2, &d))
    return false;
  if (mo < 1 || mo > 12 || d < 1 || d > 31) return false;
  if (!s.empty()) {
    if (!(TakeChar(s, 'T') || TakeChar(s, 't') || TakeChar(s, ' '))) return false;
    if (!TakeDigits(s, 2, &h) || !TakeChar(s, ':') || !TakeDigits(s, 2, &mi)) return false;
    if (TakeChar(s, ':')) {
      if (!TakeDigits(s, 2, &sec) || !TakeFraction(s, &frac)) return false;
    }
    if (h > 23 || mi > 59 || sec > 60) return false;
    if (!s.empty() && s != "Z" && s != "z") {
      const bool minus = s[0] == '-';
      if (!minus && s[0] != '+') return false;
      s.remove_prefix(1);
      std::int64_t oh, om = 0;
      if (!TakeDigits(s, 2, &oh)) return false;
      TakeChar(s, ':');
      if (!s.empty() && !TakeDigits(s, 2, &om)) return false;
      if (!s.empty()) return false;
      offset_s = (oh * 3600 + om * 60) * (minus ? -1 : 1);
    }
  }
  const std::int64_t days = DaysFromCivil(y, static_cast<unsigned>(mo), static_cast<unsigned>(d));
  if (days > 106'000 || days < -106'000) return false;  // outside what int64 nanoseconds hold
  *out = (days * 86'400 + h * 3600 + mi * 60 + sec - offset_s) * kSecond + frac;
  return true;
}

}  // namespace

const Clock& Clock::system() {
  static const SystemClock clock;
  return clock;
}

std::unique_ptr<Clock> MakeFileClock(std::string path) {
  return std::make_unique<FileClock>(std::move(path));
}

std::int64_t monotonic_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * kSecond + t.tv_nsec;
}

std::int64_t process_cpu_ns() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * kSecond + t.tv_nsec;
}

std::int64_t thread_cpu_ns() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * kSecond + t.tv_nsec;
}

Result<std::int64_t> ParseDuration(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t ns;
  };
  static constexpr Unit kUnits[] = {{"ns", 1},      {"us", 1'000},   {"ms", kMillisecond},
                                    {"s", kSecond}, {"m", kMinute},  {"h", kHour},
                                    {"d", kDay},    {"w", 7 * kDay}, {"y", 365 * kDay}};
  const auto wrong = [&] {
    return Invalid("\"" + std::string(text) + "\" is not a duration such as 30s, 15m or 90d");
  };
  std::string_view rest = text;
  if (rest.empty()) return wrong();
  double total = 0;
  while (!rest.empty()) {
    double number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc() || number < 0 || !std::isfinite(number)) return wrong();
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    std::size_t letters = 0;
    while (letters < rest.size() && rest[letters] >= 'a' && rest[letters] <= 'z') ++letters;
    const std::string_view name = rest.substr(0, letters);
    std::int64_t unit = 0;
    for (const Unit& u : kUnits) {
      if (u.name == name) unit = u.ns;
    }
    if (unit == 0) return wrong();
    total += number * static_cast<double>(unit);
    rest.remove_prefix(letters);
  }
  if (total > 9e18) return wrong();
  return static_cast<std::int64_t>(std::llround(total));
}

Result<std::int64_t> ParseTime(std::string_view text, std::int64_t now_ns) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\r'))
    text.remove_suffix(1);
  if (text == "now") return now_ns;
  if (text.substr(0, 3) == "now" && text.size() > 4 && (text[3] == '-' || text[3] == '+')) {
    ASSIGN_OR_RETURN(const std::int64_t delta, ParseDuration(text.substr(4)));
    return text[3] == '-' ? now_ns - delta : now_ns + delta;
  }
  std::int64_t ns = 0;
  if (ParseRfc3339(text, &ns)) return ns;
  std::string_view rest = text;
  const bool minus = TakeChar(rest, '-');
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), seconds);
  if (error == std::errc() && end != rest.data() && seconds >= 0 && seconds < 9'200'000'000) {
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    std::int64_t fraction = 0;
    if (TakeFraction(rest, &fraction) && rest.empty()) {
      const std::int64_t value = seconds * kSecond + fraction;
      return minus ? -value : value;
    }
  }
  return Invalid("\"" + std::string(text) +
                 "\" is not a time: use RFC 3339 (2026-11-24T12:00:00Z), unix seconds or now-15m");
}

std::string FormatTime(std::int64_t ns) {
  std::int64_t seconds = ns / kSecond;
  std::int64_t fraction = ns % kSecond;
  if (fraction < 0) {
    fraction += kSecond;
    --seconds;
  }
  const std::time_t t = seconds;
  std::tm tm;
  gmtime_r(&t, &tm);
  char text[64];
  int n = std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900,
                        tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
  if (fraction != 0) {
    if (fraction % 1'000'000 == 0) {
      n +=
          std::snprintf(text + n, sizeof text - n, ".%03d", static_cast<int>(fraction / 1'000'000));
    } else if (fraction % 1'000 == 0) {
      n += std::snprintf(text + n, sizeof text - n, ".%06d", static_cast<int>(fraction / 1'000));
    } else {
      n += std::snprintf(text + n, sizeof text - n, ".%09d", static_cast<int>(fraction));
    }
  }
  text[n++] = 'Z';
  return std::string(text, static_cast<std::size_t>(n));
}

std::string FormatDuration(std::int64_t ns) {
  char text[48];
  const double s = static_cast<double>(ns) / 1e9;
  if (ns < kMillisecond) {
    std::snprintf(text, sizeof text, "%.0fus", s * 1e6);
  } else if (ns < kSecond) {
    std::snprintf(text, sizeof text, "%.0fms", s * 1e3);
  } else if (ns < kMinute) {
    std::snprintf(text, sizeof text, "%.1fs", s);
  } else if (ns < kHour) {
    std::snprintf(text, sizeof text, "%.1fm", s / 60);
  } else if (ns < kDay) {
    std::snprintf(text, sizeof text, "%.1fh", s / 3600);
  } else {
    std::snprintf(text, sizeof text, "%.1fd", s / 86400);
  }
  return text;
}

}  // namespace strata::base
