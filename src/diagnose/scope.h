// SPDX-License-Identifier: Apache-2.0
// Which entities are tied to one another by holdings and topology: where to look for the cause of a
// symptom. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/facts.h"

namespace strata::diagnose {

struct Scope {
  std::set<std::string, std::less<>> engines, gpus, nodes, jobs, communicators, models;
  bool has(std::string_view type, std::string_view entity) const;
};

// The symptom's entity and what stands under it: engine or job -> GPUs -> machines ->
// communicators; also upward from a GPU or machine to who holds it. Where nothing links them and
// there is only one of a kind, that one is taken; not with Ties::known.
enum class Ties { known, guessed };
Scope ScopeOf(const Facts& facts, std::string_view type, std::string_view entity,
              Ties ties = Ties::guessed);

// What an id names in these facts: types of its minutes, and of its place in a holding.
std::set<std::string> TypesOf(const Facts& facts, std::string_view entity);

std::vector<const Track*> TracksOf(const Facts& facts, const Scope& scope, std::string_view table);

}  // namespace strata::diagnose
