// SPDX-License-Identifier: Apache-2.0
// Diagnoses as `why --json`.
#include <algorithm>
#include <cmath>
#include <set>

#include "diagnose/diagnose.h"

namespace strata::diagnose {
namespace {

using base::Json;

constexpr std::size_t kMostCauses = 5, kMostNotAssessed = 30;

Json Number(double v) { return std::isnan(v) ? Json() : Json(v); }
Json Time(std::int64_t ns) { return ns == 0 ? Json() : Json(base::FormatTime(ns)); }

std::string_view Direction(Test test) {
  switch (test) {
    case Test::above: return "high";
    case Test::objective: return "high";
    case Test::below: return "low";
    case Test::up: return "up";
    case Test::down: return "down";
    case Test::skew:
    case Test::skew_low: return "skew";
    case Test::present: return "present";
    case Test::stopped: return "flat";
  }
  return "";
}

std::string_view RoleName(Role role) {
  return role == Role::need ? "need" : role == Role::support ? "support" : "veto";
}

std::string FactText(const FactName& f) {
  if (f.table == "event") return std::string(f.a);
  return std::string(f.table) + "." + std::string(f.a) +
         (f.b.empty() ? "" : " / " + std::string(f.b));
}

Json SignToJson(const Sign& sign) {
  Json out = Json::MakeObject();
  const Verdict& v = sign.verdict;
  out.set("symptom", sign.symptom->id).set("entity", v.entity).set("entity_type", v.entity_type);
  out.set("since", Time(v.since_ns))
      .set("value", Number(v.value))
      .set("baseline", Number(v.baseline));
  out.set("unit", sign.rule->fact.unit)
      .set("signal", sign.rule->fact.signal)
      .set("fact", FactText(sign.rule->fact));
  out.set("text", sign.symptom->text);
  if (!v.note.empty()) out.set("note", v.note);
  return out;
}

Json CauseToJson(const Facts& facts, const Diagnosis& d, const Explanation& e) {
  Json out = Json::MakeObject();
  out.set("cause", e.cause->id)
      .set("layer", e.cause->layer)
      .set("score", e.score)
      .set("entity", e.entity);
  out.set("symptom", d.sign.symptom->id).set("since", Time(e.since_ns)).set("text", e.text());
  out.set("evidence", ToJson(e.evidence))
      .set("against", ToJson(e.against))
      .set("chain", ToJson(e.chain));
  out.set("remedy", e.cause->remedy).set("cost_per_hour", Number(CostPerHour(facts, d)));
  return out;
}

}  // namespace

Json ToJson(const std::vector<Evidence>& evidence) {
  Json out = Json::MakeArray();
  for (const Evidence& e : evidence) {
    Json line = Json::MakeObject();
    const Verdict& v = e.verdict;
    line.set("signal", e.rule->fact.signal)
        .set("fact", FactText(e.rule->fact))
        .set("entity", v.entity);
    line.set("value", Number(v.value))
        .set("baseline", Number(v.baseline))
        .set("unit", e.rule->fact.unit);
    line.set("since", Time(v.since_ns))
        .set("direction", Direction(e.rule->test))
        .set("role", RoleName(e.rule->role));
    if (e.rule->test == Test::above || e.rule->test == Test::below) line.set("line", e.rule->line);
    line.set("says", e.rule->says);
    if (!v.note.empty()) line.set("note", v.note);
    out.push(std::move(line));
  }
  return out;
}

Json ToJson(const std::vector<std::string>& chain) {
  Json out = Json::MakeArray();
  for (const std::string& cause : chain) out.push(cause);
  return out;
}

Json WhyAnswer(const Facts& facts, std::string_view symptom, std::string_view entity) {
  const std::vector<Diagnosis> diagnoses = Diagnose(facts, symptom, entity);
  Json out = Json::MakeObject();
  out.set("at", base::FormatTime(facts.at_ns)).set("entity", entity);
  Json signs = Json::MakeArray();
  struct Offer {
    const Diagnosis* diagnosis;
    const Explanation* cause;
  };
  std::vector<Offer> offers;
  std::set<NotAssessed> not_assessed;
  for (const Diagnosis& d : diagnoses) {
    signs.push(SignToJson(d.sign));
    for (const Explanation& e : d.causes) {
      const auto same = std::find_if(offers.begin(), offers.end(), [&](const Offer& o) {
        return o.cause->cause == e.cause && o.cause->entity == e.entity;
      });
      if (same == offers.end())
        offers.push_back({&d, &e});
      else if (e.score > same->cause->score && !e.mechanism)
        *same = {&d, &e};
    }
    not_assessed.insert(d.not_assessed.begin(), d.not_assessed.end());
  }
  // What costs money without hurting anybody comes after what hurts; then symptoms in the order of
  // causes.yaml. Within each the engine has ranked.
  const auto key = [](const Offer& o) {
    const Symptom* symptom = o.diagnosis->sign.symptom;
    return std::tuple(symptom->layer == "L8", o.cause->mechanism, o.cause->cause->cascade,
                      symptom - symptoms().data(), -std::round(o.cause->score * 20));
  };
  std::stable_sort(offers.begin(), offers.end(),
                   [&](const Offer& a, const Offer& b) { return key(a) < key(b); });
  Json causes = Json::MakeArray();
  for (std::size_t i = 0; i < std::min(offers.size(), kMostCauses); ++i) {
    causes.push(CauseToJson(facts, *offers[i].diagnosis, *offers[i].cause));
  }
  const bool measured = std::any_of(facts.tracks.begin(), facts.tracks.end(), [&](const Track& t) {
    return !t.rows.empty() && t.rows.back().minute_ns > facts.at_ns - kFreshNs;
  });
  if (!measured)
    not_assessed.insert(
        {"*", std::string(entity), "no minute was measured in the three minutes before this time"});
  out.set("symptoms", std::move(signs));
  out.set("verdict", diagnoses.empty() ? std::string_view(measured ? "healthy" : "unknown")
                     : offers.empty()  ? std::string_view("unknown")
                                       : offers.front().cause->cause->id);
  out.set("causes", std::move(causes));
  Json missing = Json::MakeArray();
  for (const NotAssessed& n : not_assessed) {
    if (missing.size() >= kMostNotAssessed) break;
    Json line = Json::MakeObject();
    line.set("signal", n.signal).set("entity", n.entity).set("why", n.why);
    missing.push(std::move(line));
  }
  out.set("not_assessed", std::move(missing));
  return out;
}

}  // namespace strata::diagnose
