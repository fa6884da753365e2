// SPDX-License-Identifier: Apache-2.0
// The door of this room: facts in, findings that name a cause out. Deterministic rules and evidence
// from causes.yaml; no model between evidence and answer. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "diagnose/causes.h"
#include "diagnose/facts.h"
#include "diagnose/judge.h"

namespace strata::diagnose {

inline constexpr double kOfferLine = 0.4;  // below it a cause is not named

struct Sign {  // a symptom that was seen
  const Symptom* symptom = nullptr;
  const Rule* rule = nullptr;
  Verdict verdict;
};

struct Evidence {
  const Rule* rule = nullptr;
  Verdict verdict;
};

struct Explanation {
  const Cause* cause = nullptr;
  double score = 0;
  std::string entity_type, entity;  // where the strongest evidence stands
  std::int64_t since_ns = 0;
  std::vector<Evidence> evidence, against;
  std::vector<std::string> chain;  // this cause and the mechanisms it explains
  bool mechanism = false;          // another cause explains it
  std::string text() const;        // "the KV cache is full (kv_usage_max_ratio 0.98) and …"
};

struct NotAssessed {
  std::string signal, entity, why;
  auto operator<=>(const NotAssessed&) const = default;
};

struct Diagnosis {  // of one sign
  Sign sign;
  std::vector<Explanation> causes;  // best first; empty: unknown
  std::vector<NotAssessed> not_assessed;
};

// All symptoms at facts.at_ns, the gravest first. `symptom` and `entity` narrow the search where
// they are given; a symptom may be named in short ("ttft"). An entity also stands for what it is
// tied to (a pod for its engine).
std::vector<Diagnosis> Diagnose(const Facts& facts, std::string_view symptom = {},
                                std::string_view entity = {});

// `strata why --json`.
base::Json WhyAnswer(const Facts& facts, std::string_view symptom, std::string_view entity);

// Parts of the answer, also kept in `findings`.
base::Json ToJson(const std::vector<Evidence>& evidence);
base::Json ToJson(const std::vector<std::string>& chain);
double CostPerHour(const Facts& facts,
                   const Diagnosis& diagnosis);  // NaN = the ledger does not say

}  // namespace strata::diagnose
