// SPDX-License-Identifier: Apache-2.0
#include "l8_cost/tokens.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace strata::l8_cost {
namespace {

constexpr double kCounterTolerance =
    0.05;  // calls are spread evenly over their time, engines count unevenly

double Or0(double v) { return std::isfinite(v) && v > 0 ? v : 0; }

// Share of [from, to) that lies in the minute; a point lies in it or not.
double Within(std::int64_t from, std::int64_t to, const MinuteInputs& m) {
  if (from >= to) return from >= m.from_ns && from < m.to_ns ? 1 : 0;
  const std::int64_t a = std::max(from, m.from_ns), b = std::min(to, m.to_ns);
  return a >= b ? 0 : static_cast<double>(b - a) / static_cast<double>(to - from);
}

struct Verdict {
  std::string_view class_;
  bool no_slo = false;
};

// In the order of the design: error, aborted, duplicate, slo_miss, (truncated), useful.
Verdict Judge(const MinuteInputs& inputs, const CallFacts& call) {
  if (call.end_ns == 0) return {kInFlight};
  if (call.status == "error") return {kError};
  if (call.status == "aborted") return {kAborted};
  if (call.superseded) return {kDuplicate};
  const SloVerdict slo = JudgeSlo(inputs.slos, call);
  if (slo == SloVerdict::missed) return {kSloMiss};
  if (call.finish_reason == "length" && inputs.truncated_is_waste)
    return {kTruncated, slo == SloVerdict::not_assessed};
  return {kUseful, slo == SloVerdict::not_assessed};
}

double UnionSeconds(std::vector<std::pair<std::int64_t, std::int64_t>> spans) {
  std::sort(spans.begin(), spans.end());
  std::int64_t total = 0, end = INT64_MIN;
  for (const auto& [from, to] : spans) {
    const std::int64_t a = std::max(from, end);
    if (to > a) total += to - a;
    end = std::max(end, to);
  }
  return static_cast<double>(total) / 1e9;
}

}  // namespace

void AddFlag(std::string_view flag, std::string* flags) {
  if (flag.empty() || HasFlag(*flags, flag)) return;
  if (!flags->empty()) *flags += ',';
  *flags += flag;
}

void AddFlags(std::string_view several, std::string* flags) {
  while (!several.empty()) {
    const std::size_t comma = std::min(several.find(','), several.size());
    AddFlag(several.substr(0, comma), flags);
    several.remove_prefix(std::min(comma + 1, several.size()));
  }
}

bool HasFlag(std::string_view flags, std::string_view flag) {
  while (!flags.empty()) {
    const std::size_t comma = std::min(flags.find(','), flags.size());
    if (flags.substr(0, comma) == flag) return true;
    flags.remove_prefix(std::min(comma + 1, flags.size()));
  }
  return false;
}

SloVerdict JudgeSlo(std::span<const SloRule> rules, const CallFacts& call) {
  const SloRule* best = nullptr;
  int best_rank = -1;
  for (const SloRule& rule : rules) {
    if (call.start_ns < rule.from_ns) continue;
    if (rule.model != "*" && rule.model != call.model) continue;
    if (rule.tenant != "*" && rule.tenant != call.tenant) continue;
    const int rank = (rule.model != "*" ? 2 : 0) + (rule.tenant != "*" ? 1 : 0);
    if (rank > best_rank || (rank == best_rank && rule.from_ns >= best->from_ns)) {
      best = &rule;
      best_rank = rank;
    }
  }
  if (best == nullptr) return SloVerdict::not_assessed;
  bool known = false, unknown = false;
  for (const auto& [limit, value] :
       {std::pair(best->ttft_s, call.ttft_s), std::pair(best->tpot_s, call.tpot_s),
        std::pair(best->e2e_s, call.e2e_s)}) {
    if (std::isnan(limit)) continue;
    if (!std::isnan(value) && value > limit) return SloVerdict::missed;
    (std::isnan(value) ? unknown : known) = true;
  }
  // One output token has no time per output token: the limits that do apply decide.
  if (unknown && std::isnan(call.tpot_s) && call.output_tokens <= 1 && known) unknown = false;
  return known && !unknown ? SloVerdict::met : SloVerdict::not_assessed;
}

EngineTokens GatherTokens(const MinuteInputs& inputs, const EngineFacts* facts,
                          std::span<const CallFacts* const> calls) {
  EngineTokens out;
  std::string engine_flags;
  if (facts == nullptr || std::isnan(facts->rejected_draft_tokens))
    AddFlag("no_draft_count", &engine_flags);
  if (facts == nullptr || !(facts->preemptions == 0)) AddFlag("no_recompute_count", &engine_flags);

  std::map<std::tuple<std::string, std::string, std::string, std::string, std::string>, TokenGroup>
      groups;
  std::vector<std::pair<std::int64_t, std::int64_t>> spans;
  double input = 0, cached = 0, output = 0;
  for (const CallFacts* call : calls) {
    const std::int64_t end =
        call->end_ns == 0 ? inputs.to_ns : std::max(call->end_ns, call->start_ns);
    const double live = Within(call->start_ns, end, inputs);
    if (live <= 0) continue;
    const Verdict verdict = Judge(inputs, *call);
    std::string flags = engine_flags;
    if (verdict.no_slo) AddFlag("no_slo", &flags);
    if (call->finish_reason == "length") AddFlag("truncated", &flags);
    if (call->tokens_estimated || call->first_token_ns == 0) AddFlag("estimated", &flags);
    TokenGroup& group =
        groups[{call->model, call->tenant, call->team, std::string(verdict.class_), flags}];
    if (group.class_.empty())
      group = {call->model, call->tenant, call->team, std::string(verdict.class_), flags};
    const std::int64_t first = call->first_token_ns > 0
                                   ? std::clamp(call->first_token_ns, call->start_ns, end)
                                   : call->start_ns;
    const double read = Within(call->start_ns, first, inputs), wrote = Within(first, end, inputs);
    const double call_cached = std::min(Or0(call->cached_tokens), Or0(call->input_tokens));
    group.cached += call_cached * read;
    group.input += (Or0(call->input_tokens) - call_cached) * read;
    group.output += Or0(call->output_tokens) * wrote;
    group.live_s += live * static_cast<double>(end - call->start_ns) / 1e9;
    spans.emplace_back(std::max(call->start_ns, inputs.from_ns), std::min(end, inputs.to_ns));
    input += (Or0(call->input_tokens) - call_cached) * read;
    cached += call_cached * read;
    output += Or0(call->output_tokens) * wrote;
  }
  out.live_s = UnionSeconds(std::move(spans));
  for (auto& [key, group] : groups) out.groups.push_back(std::move(group));

  if (facts != nullptr) {
    TokenGroup rest{facts->model, "", "", std::string(kUseful), engine_flags};
    AddFlag("no_calls", &rest.flags);
    AddFlag("no_slo", &rest.flags);
    const auto beyond = [&](double counted, double seen) {
      const double left = Or0(counted) - seen;
      return left > (out.groups.empty() ? 0 : kCounterTolerance * counted + 1) ? left : 0;
    };
    rest.cached = beyond(facts->cached_tokens, cached);
    rest.input = beyond(
        Or0(facts->prompt_tokens) - std::min(Or0(facts->cached_tokens), Or0(facts->prompt_tokens)),
        input);
    rest.output = beyond(facts->generation_tokens, output);
    if (rest.input + rest.cached + rest.output > 0) out.groups.push_back(std::move(rest));
    if (Or0(facts->rejected_draft_tokens) > 0) {
      TokenGroup draft{facts->model, "", "", "rejected_draft", engine_flags};
      draft.draft = facts->rejected_draft_tokens;
      out.groups.push_back(std::move(draft));
    }
  }
  for (const TokenGroup& g : out.groups)
    out.any = out.any || g.input + g.cached + g.output + g.draft > 0;
  return out;
}

}  // namespace strata::l8_cost
