// SPDX-License-Identifier: Apache-2.0
// Does a rule hold for an entity at a time? Fixed lines, the entity's own past (robust z), its
// peers, events. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "diagnose/causes.h"
#include "diagnose/facts.h"

namespace strata::diagnose {

inline constexpr std::int64_t kFreshNs =
    3 * base::kMinute;  // an older minute says nothing about now
inline constexpr std::int64_t kBaselineNs = 60 * base::kMinute;  // the own past
inline constexpr std::int64_t kEventNs = 10 * base::kMinute;     // an event counts so long

enum class Holds : std::uint8_t {
  absent,
  no,
  yes
};  // absent: not measured, or too little past to compare with

struct Verdict {
  Holds holds = Holds::absent;
  std::string entity_type, entity;  // with "/member" where a member is meant
  double value = kAbsent, baseline = kAbsent;
  std::int64_t since_ns = 0;
  std::string note;  // an event's message, the node of a rank
};

// The value of a fact by minute; minutes in which it was not measured are left out, running minutes
// under 20 s too, and of a quotient those whose divisor is below `least`.
std::vector<std::pair<std::int64_t, double>> ValuesOf(const Facts& facts, const Track& track,
                                                      const FactName& name, double least = 0);

// All tests but skew, present.
Verdict Judge(const Facts& facts, const Rule& rule, const Track& track);
// One member against the others: tracks of one entity, or GPUs of one scope.
Verdict JudgePeers(const Facts& facts, const Rule& rule, const std::vector<const Track*>& members);
Verdict JudgeEvents(const Facts& facts, const Rule& rule,
                    const std::vector<const EventFact*>& events);

double Median(std::vector<double> values);

}  // namespace strata::diagnose
