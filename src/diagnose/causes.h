// SPDX-License-Identifier: Apache-2.0
// Symptoms, causes and their evidence as tables; causes.gen.cc fills them from causes.yaml, which
// explains every word. Constant, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace strata::diagnose {

enum class Test : std::uint8_t {
  above,
  below,
  up,
  down,
  skew,
  skew_low,
  present,
  objective,
  stopped
};
enum class Role : std::uint8_t { need, support, veto };

// A number of one entity and minute: a column, or the quotient of two columns of one table. table
// "event": `a` is the name.
struct FactName {
  std::string_view table, a, b;   // b "" = a alone
  std::string_view signal, unit;  // catalog id behind `a`
  bool a_adds_up = false,
       b_adds_up = false;  // grows with the length of the minute: a running minute is scaled
};

struct Rule {
  FactName fact;
  Test test = Test::above;
  double line = 0, ratio = 1, floor = 0, least = 0;
  int minutes = 1;
  std::string_view objective;  // ttft | tpot | e2e
  FactName while_fact;         // table "" = none
  double while_line = 0;
  FactName unless;
  Role role = Role::need;
  int group = 0;  // 0 = stands alone
  double weight = 1;
  std::span<const int> codes;
  std::string_view severity;  // of the event; "" = any
  std::string_view says;
};

struct Symptom {
  std::string_view id, layer, text;
  std::span<const Rule> detect;
};

struct Cause {
  std::string_view id, layer;
  bool cascade = false;
  std::span<const std::string_view> symptoms;
  std::string_view text;
  std::span<const Rule> evidence;  // empty: no rule yet
  std::span<const std::string_view> explains;
  std::string_view remedy;
};

std::span<const Symptom> symptoms();
std::span<const Cause> causes();

}  // namespace strata::diagnose
