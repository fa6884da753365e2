// SPDX-License-Identifier: Apache-2.0
// proc/PID/cgroup -> container and pod. Every runtime and cgroup driver spells the path its own
// way; the facts that hold for all of them are a pod's UID behind "pod" and a container's 64 hex
// digits, the last ones counting.
#include <cctype>
#include <string>

#include "l3_host/l3_host.h"
#include "l3_host/scan.h"

namespace strata::l3_host {
namespace {

bool IsHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

std::string LastContainer(std::string_view path) {
  std::string last;
  std::size_t run = 0;
  for (std::size_t i = 0; i <= path.size(); ++i) {
    if (i < path.size() && IsHex(path[i])) {
      ++run;
      continue;
    }
    if (run == 64) last = path.substr(i - 64, 64);
    run = 0;
  }
  return last;
}

// 8-4-4-4-12 hex digits with '-', '_' or nothing between, behind "pod"; the last hit.
std::string LastPodUid(std::string_view path) {
  static constexpr int kGroups[] = {8, 4, 4, 4, 12};
  std::string last;
  for (std::size_t at = path.find("pod"); at != std::string_view::npos;
       at = path.find("pod", at + 1)) {
    std::size_t i = at + 3;
    std::string uid;
    bool good = true, separated = false;
    for (int group = 0; group < 5 && good; ++group) {
      if (group > 0 && i < path.size() && (path[i] == '-' || path[i] == '_')) {
        ++i;
        uid.push_back('-');
        separated = true;
      }
      for (int n = 0; n < kGroups[group] && good; ++n, ++i) {
        good = i < path.size() && IsHex(path[i]);
        if (good) uid.push_back(path[i]);
      }
    }
    if (good && (!separated || uid.size() == 36)) last = uid;
  }
  return last;
}

}  // namespace

Cgroup ParseCgroup(std::string_view text) {
  Cgroup best;
  int best_rank = -1;
  std::string_view line;
  while (NextLine(&text, &line)) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view number = line.substr(0, first),
                           controllers = line.substr(first + 1, second - first - 1);
    const std::string_view path = line.substr(second + 1);
    const bool unified = number == "0" && controllers.empty();
    // Version 2 counts, unless it is only the empty root beside version 1.
    const int rank = unified && path != "/"         ? 3
                     : controllers == "memory"      ? 2
                     : controllers.find("cpu") == 0 ? 1
                                                    : 0;
    if (rank <= best_rank) continue;
    best_rank = rank;
    best.path = path;
    best.unified = unified;
  }
  if (best.path.find("crio-conmon-") == std::string::npos)
    best.container = LastContainer(best.path);
  best.pod_uid = LastPodUid(best.path);
  return best;
}

}  // namespace strata::l3_host
