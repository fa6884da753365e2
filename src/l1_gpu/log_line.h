// SPDX-License-Identifier: Apache-2.0
// One line of a kernel log without its decorations: records of /dev/kmsg, every format of dmesg,
// journal and syslog text, NVIDIA's fabric manager log. Looks only, keeps nothing; any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

namespace strata::l1_gpu {

struct LogLine {
  std::int64_t ts_ns = 0;  // wall time; 0 = not told
  bool zone_told = false;  // else the wall time was taken as UTC
  double since_boot_s = std::numeric_limits<double>::quiet_NaN();  // NaN = not told
  std::int64_t sequence = -1;                                      // of a record of /dev/kmsg
  int facility = -1;  // 0 = the kernel itself, 1.. = written by a program; -1 = not told
  int level = -1;     // 0 emergency … 7 debug; -1 = not told
  std::string_view host, program;  // of syslog and journal text; "" = not told
  std::string_view message;
  std::uint64_t times = 1;  // "message repeated N times"
  bool decorated = false;   // it looks like a line of such a log, whatever it says
};

// Never fails: a line of no known format is all message. `now_ns` gives the year where a format
// has none (the last one that is not in the future). Views point into `line`.
LogLine ParseLogLine(std::string_view line, std::int64_t now_ns);

// Time of "Sun Feb 23 16:24:18 2025" and "Feb 25 2025 13:59:45", taken as UTC. False when it is
// none.
bool ParseCalendarTime(std::string_view text, std::int64_t* ns);

}  // namespace strata::l1_gpu
