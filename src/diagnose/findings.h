// SPDX-License-Identifier: Apache-2.0
// Symptoms over time become findings: opened when a symptom was seen twice, closed when it was gone
// for three minutes. One tracker per origin; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "diagnose/diagnose.h"

namespace strata::diagnose {

struct Finding {
  std::string id, origin;                     // origin as stored
  std::int64_t opened_ns = 0, closed_ns = 0;  // closed 0 = open
  std::string symptom, entity_type, entity, cause, layer;
  double score = 0, value = kAbsent, baseline = kAbsent;
  std::string unit, text, evidence, against, chain, remedy;  // the three in the middle: JSON arrays
  double cost_per_hour = kAbsent;
  std::uint64_t version = 0;
};

class Findings {
 public:
  explicit Findings(std::string origin) : origin_(std::move(origin)) {}

  // Findings that stand open in the store, after a restart.
  void Restore(std::vector<Finding> open);
  // What one look found; returns the findings that are new, changed their cause or closed, to be
  // stored. A finding whose figures only moved is returned once a minute.
  std::vector<Finding> Update(const Facts& facts, const std::vector<Diagnosis>& diagnoses,
                              std::int64_t now_ns);
  std::vector<Finding> open() const;

 private:
  struct Watched {
    Finding finding;
    int seen = 0;
    bool opened = false;
    std::int64_t last_seen_ns = 0, stored_ns = 0;
  };
  std::string origin_;
  std::map<std::pair<std::string, std::string>, Watched> watched_;  // (symptom, entity)
};

base::Json ToJson(const Finding& finding);
// A row of findings_v, RowBinary.
std::string FindingBytes(const Finding& finding, std::int64_t now_ns);

}  // namespace strata::diagnose
