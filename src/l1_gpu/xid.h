// SPDX-License-Identifier: Apache-2.0
// What a fault code of an NVIDIA device means and what to do about it: Xids of the driver, SXids of
// NVSwitch, the unit words of NVLink5, the recovery action. The tables are made from xid.yaml.
// Constant, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "model/batch.h"

namespace strata::l1_gpu {

struct XidFact {
  int code;
  std::string_view name;  // as the driver's source spells it
  std::string_view meaning;
  std::string_view
      origin;  // suspected first: app, app_first, hw, hw_or_driver, link, …; "" = unknown
  std::string_view scope;     // none | process | link | gpu | vm | node; "" = unknown
  std::string_view severity;  // info | warning | error | critical | depends
  std::string_view action;    // key of fault_actions()
  std::string_view note;      // "" = none
};

struct SxidFact {
  int code;
  std::string_view meaning;
  std::string_view kind;    // non_fatal | potentially_fatal | always_fatal
  std::string_view effect;  // what the kind does to whom
};

// Of Xid 144 to 150: the unit and the error status word of the log line decide.
struct NvlinkRule {
  int xid;
  std::string_view unit;  // "RLW_REMAP"
  std::uint32_t status;
  std::string_view severity, action;
  bool certain;  // false: of this status a few variants ask for nothing
};

struct FaultAction {
  std::string_view key, text;
};

std::span<const XidFact> xid_facts();  // ascending by code
std::span<const SxidFact> sxid_facts();
std::span<const NvlinkRule> nvlink_rules();
std::span<const FaultAction> fault_actions();
std::span<const std::string_view> recovery_actions();  // by value: 0 none, 1 gpu_reset, …

const XidFact* FindXid(int code);  // nullptr: no such code is public
const SxidFact* FindSxid(int code);
// The rule of a unit whose name the log's word is, and of exactly that status. nullptr: none.
const NvlinkRule* FindNvlinkRule(int xid, std::string_view unit, std::uint32_t status);
std::string_view ActionText(std::string_view action);            // "" for an unknown key
std::string_view RecoveryAction(std::uint64_t value);            // "" for an unknown value
std::string_view EventSeverity(std::string_view fact_severity);  // info | warning | error

// Fills in what does not depend on where an Xid was seen: event, layer, severity, message and the
// attributes code, name, scope, origin, action. `where` names the device in the message. A code
// that is not in the table is an error with the action contact_support.
void DescribeXid(std::uint64_t code, std::string_view where, model::Event* event);

}  // namespace strata::l1_gpu
