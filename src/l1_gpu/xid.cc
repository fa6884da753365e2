// SPDX-License-Identifier: Apache-2.0
#include "l1_gpu/xid.h"

#include <algorithm>

namespace strata::l1_gpu {
namespace {

template <typename Fact>
const Fact* ByCode(std::span<const Fact> facts, int code) {
  const auto it = std::lower_bound(facts.begin(), facts.end(), code,
                                   [](const Fact& fact, int c) { return fact.code < c; });
  return it != facts.end() && it->code == code ? &*it : nullptr;
}

}  // namespace

const XidFact* FindXid(int code) { return ByCode(xid_facts(), code); }

const SxidFact* FindSxid(int code) { return ByCode(sxid_facts(), code); }

const NvlinkRule* FindNvlinkRule(int xid, std::string_view unit, std::uint32_t status) {
  for (const NvlinkRule& rule : nvlink_rules()) {
    if (rule.xid == xid && rule.unit == unit && rule.status == status) return &rule;
  }
  return nullptr;
}

std::string_view ActionText(std::string_view action) {
  for (const FaultAction& a : fault_actions()) {
    if (a.key == action) return a.text;
  }
  return {};
}

std::string_view RecoveryAction(std::uint64_t value) {
  const auto actions = recovery_actions();
  return value < actions.size() ? actions[value] : std::string_view{};
}

std::string_view EventSeverity(std::string_view fact_severity) {
  if (fact_severity == "critical" || fact_severity == "error") return "error";
  return fact_severity == "info" ? "info" : "warning";
}

void DescribeXid(std::uint64_t code, std::string_view where, model::Event* event) {
  const XidFact* fact = code <= 0xffff ? FindXid(static_cast<int>(code)) : nullptr;
  event->layer = "l1_gpu";
  event->event = "gpu.fault.event";
  event->severity = fact != nullptr ? EventSeverity(fact->severity) : "error";
  const std::string_view action = fact != nullptr ? fact->action : "contact_support";
  event->message = "Xid " + std::to_string(code);
  if (!where.empty()) event->message.append(" on ").append(where);
  event->message.append(": ").append(fact != nullptr ? fact->meaning
                                                     : "a code without a public meaning");
  event->message.append("; ").append(ActionText(action));
  event->attributes.set("code", std::to_string(code));
  event->attributes.set("action", action);
  event->attributes.set("vendor", "nvidia");
  if (fact == nullptr) return;
  event->attributes.set("name", fact->name);
  if (!fact->scope.empty()) event->attributes.set("scope", fact->scope);
  if (!fact->origin.empty()) event->attributes.set("origin", fact->origin);
}

}  // namespace strata::l1_gpu
