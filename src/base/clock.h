// SPDX-License-Identifier: Apache-2.0
// Time comes in through here so that a test can set it. Wall time is int64 nanoseconds since the
// epoch, UTC.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace strata::base {

inline constexpr std::int64_t kSecond = 1'000'000'000;
inline constexpr std::int64_t kMillisecond = 1'000'000;
inline constexpr std::int64_t kMinute = 60 * kSecond;
inline constexpr std::int64_t kHour = 60 * kMinute;
inline constexpr std::int64_t kDay = 24 * kHour;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t now_ns() const = 0;
  static const Clock& system();
};

// A clock that a test moves by hand.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t now_ns) : now_(now_ns) {}
  std::int64_t now_ns() const override { return now_.load(); }
  void set(std::int64_t now_ns) { now_.store(now_ns); }
  void advance(std::int64_t ns) { now_.fetch_add(ns); }

 private:
  std::atomic<std::int64_t> now_;
};

// Reads the time from a file that holds an RFC 3339 time or unix seconds (`strata server --clock
// FILE`); the last good value stands while the file is unreadable.
std::unique_ptr<Clock> MakeFileClock(std::string path);

std::int64_t monotonic_ns();
std::int64_t process_cpu_ns();
std::int64_t thread_cpu_ns();

// "2026-11-24T12:00:00.5Z", unix seconds ("1764000000", "1764000000.25"), "now", "now-15m".
Result<std::int64_t> ParseTime(std::string_view text, std::int64_t now_ns);
// "15s", "1h30m", "250ms", "15d", "400d"; a bare number is refused.
Result<std::int64_t> ParseDuration(std::string_view text);
// RFC 3339 in UTC with as many decimals as needed (0, 3, 6 or 9).
std::string FormatTime(std::int64_t ns);
std::string FormatDuration(std::int64_t ns);

}  // namespace strata::base
