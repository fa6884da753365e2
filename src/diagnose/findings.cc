// SPDX-License-Identifier: Apache-2.0
#include "diagnose/findings.h"

#include <cmath>

#include "base/clock.h"
#include "base/hash.h"
#include "store/rows.h"

namespace strata::diagnose {
namespace {

constexpr int kSeenToOpen = 2;
constexpr std::int64_t kGoneToCloseNs = 3 * base::kMinute;
constexpr std::int64_t kStoreEveryNs = base::kMinute;

void Fill(const Facts& facts, const Diagnosis& d, Finding* f) {
  const Verdict& v = d.sign.verdict;
  f->symptom = d.sign.symptom->id;
  f->entity_type = v.entity_type, f->entity = v.entity;
  f->value = v.value, f->baseline = v.baseline;
  f->unit = d.sign.rule->fact.unit;
  f->cost_per_hour = CostPerHour(facts, d);
  if (d.causes.empty()) {
    f->cause = "unknown";
    f->layer = d.sign.symptom->layer;
    f->score = 0;
    f->text = std::string(d.sign.symptom->text) + (v.note.empty() ? "" : " (" + v.note + ")") +
              "; no cause reaches the line";
    f->evidence = f->against = f->chain = "[]";
    f->remedy.clear();
    return;
  }
  const Explanation& e = d.causes.front();
  f->cause = e.cause->id, f->layer = e.cause->layer, f->score = e.score, f->text = e.text(),
  f->remedy = e.cause->remedy;
  f->evidence = ToJson(e.evidence).dump();
  f->against = ToJson(e.against).dump();
  f->chain = ToJson(e.chain).dump();
}

base::Json Number(double v) { return std::isnan(v) ? base::Json() : base::Json(v); }

base::Json Parsed(const std::string& text) {
  auto json = base::ParseJson(text);
  return json.ok() ? std::move(*json) : base::Json::MakeArray();
}

}  // namespace

void Findings::Restore(std::vector<Finding> open) {
  for (Finding& f : open) {
    Watched& w = watched_[{f.symptom, f.entity}];
    w.seen = kSeenToOpen;
    w.opened = true;
    w.last_seen_ns = static_cast<std::int64_t>(f.version);
    w.stored_ns = w.last_seen_ns;
    w.finding = std::move(f);
  }
}

std::vector<Finding> Findings::Update(const Facts& facts, const std::vector<Diagnosis>& diagnoses,
                                      std::int64_t now_ns) {
  std::vector<Finding> out;
  const auto store = [&](Watched* w) {
    w->finding.version = static_cast<std::uint64_t>(now_ns);
    w->stored_ns = now_ns;
    out.push_back(w->finding);
  };
  for (const Diagnosis& d : diagnoses) {
    Watched& w = watched_[{std::string(d.sign.symptom->id), d.sign.verdict.entity}];
    const std::string before = w.finding.cause;
    ++w.seen;
    w.last_seen_ns = now_ns;
    Fill(facts, d, &w.finding);
    if (!w.opened && w.seen >= kSeenToOpen) {
      w.opened = true;
      w.finding.origin = origin_;
      w.finding.opened_ns = d.sign.verdict.since_ns;
      w.finding.id =
          base::HashBytes128(origin_ + "\n" + w.finding.symptom + "\n" + w.finding.entity + "\n" +
                             std::to_string(w.finding.opened_ns))
              .hex()
              .substr(0, 16);
      store(&w);
    } else if (w.opened && (before != w.finding.cause || now_ns - w.stored_ns >= kStoreEveryNs)) {
      store(&w);
    }
  }
  for (auto it = watched_.begin(); it != watched_.end();) {
    Watched& w = it->second;
    const bool gone = now_ns - w.last_seen_ns >= (w.opened ? kGoneToCloseNs : base::kMinute);
    if (!gone) {
      ++it;
      continue;
    }
    if (w.opened) {
      w.finding.closed_ns = w.last_seen_ns;
      store(&w);
    }
    it = watched_.erase(it);
  }
  return out;
}

std::vector<Finding> Findings::open() const {
  std::vector<Finding> out;
  for (const auto& [key, w] : watched_) {
    if (w.opened) out.push_back(w.finding);
  }
  return out;
}

base::Json ToJson(const Finding& f) {
  base::Json out = base::Json::MakeObject();
  out.set("id", f.id).set("opened", base::FormatTime(f.opened_ns));
  out.set("closed", f.closed_ns == 0 ? base::Json() : base::Json(base::FormatTime(f.closed_ns)));
  out.set("symptom", f.symptom)
      .set("entity", f.entity)
      .set("entity_type", f.entity_type)
      .set("cause", f.cause);
  out.set("layer", f.layer)
      .set("score", f.score)
      .set("value", Number(f.value))
      .set("baseline", Number(f.baseline));
  out.set("unit", f.unit)
      .set("text", f.text)
      .set("evidence", Parsed(f.evidence))
      .set("against", Parsed(f.against));
  out.set("chain", Parsed(f.chain))
      .set("remedy", f.remedy)
      .set("cost_per_hour", Number(f.cost_per_hour));
  return out;
}

std::string FindingBytes(const Finding& f, std::int64_t now_ns) {
  std::string out;
  store::RowWriter w(&out);
  w.text(f.id);
  w.i64(f.opened_ns);
  w.u8(f.closed_ns == 0 ? 1 : 0);
  if (f.closed_ns != 0) w.i64(f.closed_ns);
  for (const std::string* text : {&f.symptom, &f.entity_type, &f.entity, &f.cause, &f.layer})
    w.text(*text);
  w.f64(f.score);
  w.nullable_f64(f.value);
  w.nullable_f64(f.baseline);
  for (const std::string* text : {&f.unit, &f.text, &f.evidence, &f.against, &f.chain, &f.remedy})
    w.text(*text);
  w.nullable_f64(f.cost_per_hour);
  w.u64(f.version);
  w.text(f.origin);
  w.u32(static_cast<std::uint32_t>(now_ns / base::kSecond));
  return out;
}

}  // namespace strata::diagnose
