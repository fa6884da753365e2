// SPDX-License-Identifier: Apache-2.0
// The table of reasons and their process-wide counters.
#include "base/drop.h"

#include <array>
#include <atomic>

namespace strata::base {
namespace {

constexpr std::size_t kReasons = static_cast<std::size_t>(Reason::kCount);

struct Row {
  std::string_view name, severity, advice;
};

constexpr std::array<Row, kReasons> kTable = {{
    {"malformed", "warning",
     "the sender breaks its protocol: look at the example in the answer or the log"},
    {"oversize", "warning", "send smaller batches, or raise the limit"},
    {"not_a_number", "info", "the source printed NaN or no number: nothing was measured"},
    {"future", "warning", "a clock is more than 10 minutes ahead: check NTP on the sender"},
    {"too_old", "warning", "older than the retention: send sooner or raise it"},
    {"wrong_type", "warning", "the value's kind contradicts its series: fix the exporter"},
    {"duplicate", "info", "the same batch came twice and was counted once"},
    {"series_limit", "error", "too many distinct series: drop the label that explodes"},
    {"label_limit", "warning", "too many or too long attributes on one series"},
    {"queue_full", "error", "the server cannot keep up: the sender must retry"},
    {"reserved", "warning", "strata.* is accepted only from a token with scope agent"},
    {"unsupported", "info", "a known form that is not kept yet"},
    {"content_removed", "info", "message content is removed at the door unless content: keep"},
    {"spool_full", "error", "the spool on disk is full: the server was away for too long"},
    {"store_failed", "error", "the engine refused a segment: see the log"},
    {"unnamed", "warning", "records without a name or id cannot be kept"},
    {"implausible", "warning",
     "a value no such thing can have: fix the exporter, its unit or its sensor"},
}};

std::array<std::atomic<std::uint64_t>, kReasons> g_counts{};

}  // namespace

std::string_view reason_name(Reason reason) {
  return kTable[static_cast<std::size_t>(reason)].name;
}

void Drop(Reason reason, std::uint64_t n) {
  g_counts[static_cast<std::size_t>(reason)].fetch_add(n, std::memory_order_relaxed);
}

std::vector<DropFact> Drops() {
  std::vector<DropFact> facts;
  for (std::size_t i = 0; i < kReasons; ++i) {
    facts.push_back({static_cast<Reason>(i), kTable[i].name, kTable[i].severity, kTable[i].advice,
                     g_counts[i].load(std::memory_order_relaxed)});
  }
  return facts;
}

void Refusals::add(Reason reason, std::uint64_t n, std::string_view example) {
  if (n == 0) return;
  counts_[reason] += n;
  if (example_.empty() && !example.empty())
    example_ = std::string(reason_name(reason)) + ": " + std::string(example);
}

void Refusals::merge(const Refusals& other) {
  for (const auto& [reason, n] : other.counts_) counts_[reason] += n;
  if (example_.empty()) example_ = other.example_;
}

std::uint64_t Refusals::total() const {
  std::uint64_t n = 0;
  for (const auto& [reason, count] : counts_) n += count;
  return n;
}

std::uint64_t Refusals::count(Reason reason) const {
  const auto it = counts_.find(reason);
  return it == counts_.end() ? 0 : it->second;
}

void Refusals::clear() {
  counts_.clear();
  example_.clear();
}

}  // namespace strata::base
