// SPDX-License-Identifier: Apache-2.0
// Detect symptoms, try the causes of each on the entities tied to it, rank what holds.
#include "diagnose/diagnose.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "diagnose/scope.h"

namespace strata::diagnose {
namespace {

constexpr double kAgainstWeight = 0.5,
                 kMissingWeight = 0.25;  // of a support that does not hold, that was not measured
constexpr double kLateFactor = 0.8;      // evidence that began after the symptom
constexpr std::int64_t kOnsetSlackNs = base::kMinute;  // nothing is ordered inside one minute

bool Stronger(const Verdict& a, const Verdict& b) {
  if (a.holds != b.holds) return a.holds > b.holds;
  if (a.holds == Holds::yes && a.since_ns != b.since_ns) return a.since_ns < b.since_ns;
  return std::abs(a.value) > std::abs(b.value);
}

// An idle GPU is no peer of those that work: its clock and heat are its own.
bool IsBusy(const Facts& facts, const Track& gpu) {
  constexpr FactName kUtilisation = {"gpu_minute", "utilization_ratio", "", "", "", false, false};
  const auto values = ValuesOf(facts, gpu, kUtilisation);
  return values.empty() || values.back().second > 0.1;
}

// The strongest verdict of a rule over everything in the scope.
Verdict Best(const Facts& facts, const Scope& scope, const Rule& rule) {
  if (rule.test == Test::present) {
    std::vector<const EventFact*> events;
    for (const EventFact& e : facts.events) {
      if (scope.has(e.entity_type, e.entity)) events.push_back(&e);
    }
    return JudgeEvents(facts, rule, events);
  }
  const std::vector<const Track*> tracks = TracksOf(facts, scope, rule.fact.table);
  Verdict best;
  if (rule.test == Test::skew || rule.test == Test::skew_low) {
    std::map<std::string, std::vector<const Track*>>
        peers;  // ranks of one communicator; GPUs of the scope
    for (const Track* t : tracks) {
      if (t->table != "gpu_minute")
        peers[t->entity].push_back(t);
      else if (IsBusy(facts, *t))
        peers[""].push_back(t);
    }
    for (const auto& [name, members] : peers) {
      const Verdict v = JudgePeers(facts, rule, members);
      if (Stronger(v, best)) best = v;
    }
    return best;
  }
  for (const Track* t : tracks) {
    const Verdict v = Judge(facts, rule, *t);
    if (Stronger(v, best)) best = v;
  }
  return best;
}

Rule Fixed(const FactName& fact, Test test, double line) {
  Rule rule;
  rule.fact = fact;
  rule.test = test;
  rule.line = line;
  rule.ratio = 1.2;
  return rule;
}

// The other conditions of a symptom: `while` and `unless`; a stopped job must still hold something,
// or hang.
bool Conditions(const Facts& facts, const Rule& rule, const Track& track, const Scope& scope) {
  if (!rule.while_fact.table.empty() &&
      Best(facts, scope, Fixed(rule.while_fact, Test::above, rule.while_line)).holds !=
          Holds::yes) {
    return false;
  }
  if (!rule.unless.table.empty() &&
      Judge(facts, Fixed(rule.unless, Test::up, 0), track).holds != Holds::no)
    return false;
  if (rule.test != Test::stopped) return true;
  for (const Link& l : facts.links) {
    if (l.job == track.entity && l.from_ns <= facts.at_ns &&
        (l.to_ns == 0 || l.to_ns > facts.at_ns))
      return true;
  }
  return std::any_of(facts.events.begin(), facts.events.end(), [&](const EventFact& e) {
    return e.event == "comm.hang" && scope.has(e.entity_type, e.entity);
  });
}

// By type and name of the entity; the first rule that holds speaks for it.
using Signs = std::map<std::pair<std::string, std::string>, Sign>;

// A rank that comes late, or never, is its job's trouble.
void TakeJob(const Facts& facts, Verdict* v) {
  const Scope scope = ScopeOf(facts, v->entity_type, v->entity);
  if (scope.jobs.size() == 1) v->entity_type = "job", v->entity = *scope.jobs.begin();
}

// Every entity of whom events tell it; it need not be measured.
void DetectEvents(const Facts& facts, const Symptom& symptom, const Rule& rule, Signs* seen) {
  std::map<std::pair<std::string, std::string>, std::vector<const EventFact*>> by_entity;
  for (const EventFact& e : facts.events) {
    if (e.event == rule.fact.a) by_entity[{e.entity_type, e.entity}].push_back(&e);
  }
  for (const auto& [entity, events] : by_entity) {
    const Verdict v = JudgeEvents(facts, rule, events);
    if (v.holds == Holds::yes) seen->try_emplace(entity, Sign{&symptom, &rule, v});
  }
}

void Detect(const Facts& facts, const Symptom& symptom, std::vector<Sign>* out) {
  Signs seen;
  for (const Rule& rule : symptom.detect) {
    if (rule.test == Test::present) {
      DetectEvents(facts, symptom, rule, &seen);
      continue;
    }
    std::map<std::string, std::vector<const Track*>> peers;
    for (const Track& track : facts.tracks) {
      if (track.table != rule.fact.table) continue;
      if (rule.test == Test::skew || rule.test == Test::skew_low) {
        peers[track.entity].push_back(&track);
        continue;
      }
      Verdict v = Judge(facts, rule, track);
      if (v.holds != Holds::yes) continue;
      if (!Conditions(facts, rule, track, ScopeOf(facts, track.entity_type, track.entity)))
        continue;
      v.entity_type = track.entity_type, v.entity = track.entity;
      if (track.table == "comm_minute") TakeJob(facts, &v);
      seen.try_emplace({v.entity_type, v.entity}, Sign{&symptom, &rule, v});
    }
    for (const auto& [entity, members] : peers) {
      Verdict v = JudgePeers(facts, rule, members);
      if (v.holds != Holds::yes) continue;
      v.entity_type = members[0]->entity_type;
      v.entity = entity;
      TakeJob(facts, &v);
      seen.try_emplace({v.entity_type, v.entity}, Sign{&symptom, &rule, v});
    }
  }
  for (auto& [entity, sign] : seen) out->push_back(std::move(sign));
}

int LayerOf(std::string_view layer) { return layer.size() > 1 ? layer[1] - '0' : 9; }

class Trial {
 public:
  Trial(const Facts& facts, const Sign& sign, std::vector<NotAssessed>* not_assessed)
      : facts_(facts),
        sign_(sign),
        scope_(ScopeOf(facts, sign.verdict.entity_type, sign.verdict.entity)),
        not_assessed_(not_assessed) {}

  // True when the cause is offered.
  bool Try(const Cause& cause, Explanation* out) {
    if (cause.evidence.empty()) {
      not_assessed_->push_back(
          {std::string(cause.id), sign_.verdict.entity, "no rule for this cause yet"});
      return false;
    }
    out->cause = &cause;
    std::map<int, std::vector<Evidence>>
        needs;  // by group; those alone get groups of their own below zero
    double held = 0, against = 0, missing = 0;
    int alone = 0;
    for (const Rule& rule : cause.evidence) {
      Evidence e{&rule, Best(facts_, scope_, rule)};
      if (rule.role == Role::veto) {
        if (e.verdict.holds == Holds::yes) return false;
      } else if (rule.role == Role::need) {
        needs[rule.group > 0 ? rule.group : --alone].push_back(std::move(e));
      } else if (e.verdict.holds == Holds::yes) {
        held += rule.weight;
        out->evidence.push_back(std::move(e));
      } else if (e.verdict.holds == Holds::no) {
        against += rule.weight;
        out->against.push_back(std::move(e));
      } else {
        missing += rule.weight;
      }
    }
    std::vector<Evidence> proof;
    std::vector<const Rule*> unknown;
    for (auto& [group, list] : needs) {
      const auto holds = [](Holds h) {
        return [h](const Evidence& e) { return e.verdict.holds == h; };
      };
      if (std::none_of(list.begin(), list.end(), holds(Holds::yes))) {
        // Measured, and not so. That no event came says little of what was not measured beside it.
        const auto event = [](const Evidence& e) { return e.rule->test == Test::present; };
        const bool events_alone = std::all_of(list.begin(), list.end(), event);
        if (std::any_of(list.begin(), list.end(), [&](const Evidence& e) {
              return e.verdict.holds == Holds::no && (events_alone || !event(e));
            }))
          return false;
        unknown.push_back(list.front().rule);
        continue;
      }
      double weight = 0;
      for (Evidence& e : list) {
        if (e.verdict.holds != Holds::yes) continue;
        weight = std::max(weight, e.rule->weight);
        proof.push_back(std::move(e));
      }
      held += weight;
    }
    if (!unknown.empty()) {
      for (const Rule* rule : unknown)
        not_assessed_->push_back(
            {std::string(rule->fact.signal), sign_.verdict.entity, Why(*rule)});
      return false;
    }
    out->evidence.insert(out->evidence.begin(), proof.begin(), proof.end());
    const Verdict& first = out->evidence.front().verdict;
    out->entity_type = first.entity_type, out->entity = first.entity;
    out->since_ns = first.since_ns;
    for (const Evidence& e : proof) out->since_ns = std::min(out->since_ns, e.verdict.since_ns);
    out->score = held / (held + kAgainstWeight * against + kMissingWeight * missing);
    if (out->since_ns > sign_.verdict.since_ns + kOnsetSlackNs) out->score *= kLateFactor;
    out->score = std::round(out->score * 1000) / 1000;
    return out->score >= kOfferLine;
  }

 private:
  std::string Why(const Rule& rule) const {
    const std::string_view table = rule.fact.table;
    if (table == "gpu_minute" && scope_.gpus.empty()) return "no GPU is known to belong to it";
    if (table == "host_minute" && scope_.nodes.empty())
      return "no machine is known to belong to it";
    if (table == "comm_minute" && scope_.communicators.empty())
      return "no communicator is known to belong to it";
    if (table == "job_minute" && scope_.jobs.empty())
      return "no training job is known to belong to it";
    if (rule.test == Test::up || rule.test == Test::down)
      return "not measured, or less than three minutes of past";
    return "not measured";
  }

  const Facts& facts_;
  const Sign& sign_;
  Scope scope_;
  std::vector<NotAssessed>* not_assessed_;
};

void Rank(std::vector<Explanation>* causes) {
  for (Explanation& root : *causes) {
    root.chain = {std::string(root.cause->id)};
    for (Explanation& other : *causes) {
      const auto& explains = root.cause->explains;
      if (std::find(explains.begin(), explains.end(), other.cause->id) == explains.end()) continue;
      if (root.since_ns > other.since_ns + kOnsetSlackNs)
        continue;  // it began later: no root of that
      other.mechanism = true;
      root.chain.emplace_back(other.cause->id);
    }
  }
  const auto key = [](const Explanation& e) {
    return std::tuple(e.mechanism, e.cause->cascade, -std::round(e.score * 20),
                      LayerOf(e.cause->layer), e.since_ns, e.cause->id);
  };
  std::sort(causes->begin(), causes->end(),
            [&](const Explanation& a, const Explanation& b) { return key(a) < key(b); });
}

bool IsCost(const Symptom& symptom) { return symptom.layer == "L8"; }

}  // namespace

std::string Explanation::text() const {
  std::string out(cause->text);
  std::string proof;
  for (const Evidence& e : evidence) {
    if (e.rule->says.empty() || proof.size() > 200) continue;
    proof += (proof.empty() ? ": " : "; ") + std::string(e.rule->says);
    if (!e.verdict.note.empty()) proof += " (" + e.verdict.note.substr(0, 80) + ")";
  }
  return out + proof;
}

std::vector<Diagnosis> Diagnose(const Facts& facts, std::string_view symptom,
                                std::string_view entity) {
  std::vector<Sign> signs;
  for (const Symptom& s : symptoms()) {
    if (!symptom.empty() && s.id != symptom && !s.id.starts_with(std::string(symptom) + "_"))
      continue;
    Detect(facts, s, &signs);
  }
  if (!entity.empty()) {
    const std::set<std::string> types = TypesOf(facts, entity);
    std::erase_if(signs, [&](const Sign& sign) {
      if (sign.verdict.entity == entity) return false;
      for (const std::string& type : types) {
        if (ScopeOf(facts, type, entity, Ties::known)
                .has(sign.verdict.entity_type, sign.verdict.entity))
          return false;
      }
      return true;
    });
  }
  std::stable_sort(signs.begin(), signs.end(), [](const Sign& a, const Sign& b) {
    return IsCost(*a.symptom) < IsCost(*b.symptom);
  });
  std::vector<Diagnosis> out;
  for (Sign& sign : signs) {
    Diagnosis d;
    d.sign = std::move(sign);
    Trial trial(facts, d.sign, &d.not_assessed);
    for (const Cause& cause : causes()) {
      if (std::find(cause.symptoms.begin(), cause.symptoms.end(), d.sign.symptom->id) ==
          cause.symptoms.end())
        continue;
      Explanation e;
      if (trial.Try(cause, &e)) d.causes.push_back(std::move(e));
    }
    Rank(&d.causes);
    std::sort(d.not_assessed.begin(), d.not_assessed.end());
    d.not_assessed.erase(std::unique(d.not_assessed.begin(), d.not_assessed.end()),
                         d.not_assessed.end());
    out.push_back(std::move(d));
  }
  return out;
}

double CostPerHour(const Facts& facts, const Diagnosis& d) {
  const auto at = [&](const std::string& entity) {
    const auto it = facts.cost_per_hour.find(entity);
    return it == facts.cost_per_hour.end() ? kAbsent : it->second;
  };
  const double own = at(d.sign.verdict.entity);
  if (!std::isnan(own)) return own;
  // A job or model costs what its GPUs cost.
  const Scope scope = ScopeOf(facts, d.sign.verdict.entity_type, d.sign.verdict.entity);
  double sum = kAbsent;
  for (const std::string& gpu : scope.gpus) {
    const double cost = at(gpu);
    if (!std::isnan(cost)) sum = (std::isnan(sum) ? 0 : sum) + cost;
  }
  return sum;
}

}  // namespace strata::diagnose
