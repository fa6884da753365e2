// SPDX-License-Identifier: Apache-2.0
#include "server/diagnosis.h"

#include <map>

#include "base/clock.h"
#include "diagnose/diagnose.h"
#include "diagnose/findings.h"
#include "diagnose/read.h"

namespace strata::server {

using base::Json;
using base::Result;
using base::Status;

namespace {

constexpr std::string_view kTables[] = {"gpu_minute", "host_minute", "engine_minute",
                                        "job_minute", "comm_minute", "request_minute"};

}  // namespace

struct Diagnosis::State {
  store::Store& store;
  const minutes::Closer& closer;
  const base::Clock& clock;
  std::map<std::string, diagnose::Findings> findings;  // of the jobs thread
  diagnose::FactsReader reader;
  std::vector<diagnose::Objective> objectives;

  mutable std::mutex mutex;
  std::map<std::string, Json> open;

  State(store::Store& s, const minutes::Closer& c, const base::Clock& k, std::int64_t lateness_ns)
      : store(s), closer(c), clock(k), reader(&s, lateness_ns + 5 * base::kSecond) {}

  // Minutes of the last hour before a time; near now also those that are still running.
  Result<diagnose::Facts> FactsAt(const std::string& origin, std::int64_t at_ns) const {
    ASSIGN_OR_RETURN(diagnose::Facts facts, diagnose::ReadFacts(store, origin, at_ns));
    RETURN_IF_ERROR(diagnose::ReadCost(store, origin, at_ns, &facts));
    if (at_ns >= clock.now_ns() - 2 * base::kMinute) AddRunning(origin, &facts);
    facts.objectives = objectives;
    return facts;
  }

  void AddRunning(const std::string& origin, diagnose::Facts* facts) const {
    std::vector<diagnose::RunningRow> running;
    const minutes::Layout& layout = closer.layout();
    for (const std::string_view table : kTables) {
      for (const minutes::MinuteRow& row : closer.provisional(table, origin)) {
        running.push_back(
            {std::string(table), row.minute_ns, row.keys,
             [&layout, row](std::string_view column) { return layout.value(row, column); }});
      }
    }
    diagnose::AddRunning(running, facts);
  }
};

Diagnosis::Diagnosis(const Config& config, const base::Clock& clock, store::Store& store,
                     const minutes::Closer& closer)
    : state_(std::make_unique<State>(store, closer, clock, config.minutes.lateness_ns)) {
  for (const Slo& slo : config.slo) {
    diagnose::Objective o;
    o.model = slo.model;
    o.tenant = slo.tenant;
    if (slo.ttft_s) o.ttft_s = *slo.ttft_s;
    if (slo.tpot_s) o.tpot_s = *slo.tpot_s;
    if (slo.e2e_s) o.e2e_s = *slo.e2e_s;
    state_->objectives.push_back(std::move(o));
  }
}
Diagnosis::~Diagnosis() = default;

Status Diagnosis::Look(const std::string& origin, std::int64_t now_ns) {
  State& s = *state_;
  auto it = s.findings.find(origin);
  if (it == s.findings.end()) {
    it = s.findings.emplace(origin, diagnose::Findings(origin)).first;
    ASSIGN_OR_RETURN(std::vector<diagnose::Finding> open,
                     diagnose::ReadOpenFindings(s.store, origin));
    it->second.Restore(std::move(open));
  }
  ASSIGN_OR_RETURN(diagnose::Facts facts, s.reader.Read(origin, now_ns));
  s.AddRunning(origin, &facts);
  facts.objectives = s.objectives;
  const std::vector<diagnose::Diagnosis> found = diagnose::Diagnose(facts);
  if (!found.empty()) RETURN_IF_ERROR(diagnose::ReadCost(s.store, origin, now_ns, &facts));
  const std::vector<diagnose::Finding> changed = it->second.Update(facts, found, now_ns);
  if (!changed.empty()) RETURN_IF_ERROR(diagnose::WriteFindings(s.store, changed, now_ns));
  Json list = Json::MakeArray();
  for (const diagnose::Finding& f : it->second.open()) {
    Json j = diagnose::ToJson(f);
    j.set("origin", origin);
    list.push(std::move(j));
  }
  const std::lock_guard lock(s.mutex);
  s.open[origin] = std::move(list);
  return Status::Ok();
}

Json Diagnosis::open() const {
  const std::lock_guard lock(state_->mutex);
  Json all = Json::MakeArray();
  for (const auto& [origin, list] : state_->open) {
    for (const Json& finding : list.array()) all.push(finding);
  }
  return all;
}

Result<Json> Diagnosis::Why(std::string_view symptom, std::string_view entity, std::int64_t at_ns,
                            std::string_view origin) const {
  ASSIGN_OR_RETURN(const diagnose::Facts facts, state_->FactsAt(std::string(origin), at_ns));
  Json answer = diagnose::WhyAnswer(facts, symptom, entity);
  answer.set("origin", origin);
  return answer;
}

}  // namespace strata::server
