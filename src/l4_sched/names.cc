// SPDX-License-Identifier: Apache-2.0
// What names tell: workloads, exporters, teams. Pure functions.
#include <algorithm>

#include "l4_sched/l4_sched.h"

namespace strata::l4_sched {
namespace {

using std::string_view;

// The letters Kubernetes makes random suffixes of: no vowels, no look-alikes.
constexpr string_view kSafe = "bcdfghjklmnpqrstvwxz2456789";

bool AllOf(string_view text, string_view set) {
  return text.find_first_not_of(set) == string_view::npos;
}
bool IsDigits(string_view text) { return !text.empty() && AllOf(text, "0123456789"); }
bool IsRandom5(string_view text) { return text.size() == 5 && AllOf(text, kSafe); }
bool IsTemplateHash(string_view text) {
  if (text.size() < 6 || text.size() > 10 || !AllOf(text, kSafe)) return false;
  return text.find_first_of("2456789") !=
         string_view::npos;  // "frontend" could be a word; a hash has digits
}

// Splits the last "-part" off.
bool Cut(string_view* name, string_view* last) {
  const std::size_t dash = name->rfind('-');
  if (dash == string_view::npos || dash == 0 || dash + 1 == name->size()) return false;
  *last = name->substr(dash + 1);
  *name = name->substr(0, dash);
  return true;
}

}  // namespace

WorkloadGuess GuessWorkload(string_view pod) {
  string_view rest = pod, last;
  if (!Cut(&rest, &last)) return {"", std::string(pod)};
  if (IsRandom5(last)) {
    string_view name = rest, before;
    if (Cut(&name, &before)) {
      if (IsDigits(before) && before.size() >= 8) return {"CronJob", std::string(name)};
      if (IsTemplateHash(before)) return {"Deployment", std::string(name)};
      if (IsDigits(before)) return {"Job", std::string(name)};
    }
    return {"", std::string(rest)};
  }
  if (IsDigits(last) && last.size() <= 5) return {"StatefulSet", std::string(rest)};
  return {"", std::string(pod)};
}

bool IsExporterPod(string_view pod) {
  for (const string_view mark :
       {"dcgm-exporter", "nvidia-dcgm", "device-metrics-exporter", "amd-metrics-exporter",
        "npu-exporter", "nvidia-gpu-exporter", "gpu-exporter"}) {
    if (pod.find(mark) != string_view::npos) return true;
  }
  return false;
}

std::string TeamOf(const TeamRules& rules, const model::Attributes& attributes, string_view ns) {
  if (!rules.label.empty()) {
    for (const std::string& key :
         {"k8s.pod.label." + rules.label, "k8s.pod.labels." + rules.label, rules.label}) {
      if (const string_view team = attributes.get(key); !team.empty()) return std::string(team);
    }
  }
  const auto it = rules.namespaces.find(std::string(ns));
  return it == rules.namespaces.end() ? std::string() : it->second;
}

}  // namespace strata::l4_sched
