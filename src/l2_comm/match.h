// SPDX-License-Identifier: Apache-2.0
// Matches collectives across ranks: who entered, who did not, who entered something else, and which
// ranks all the others wait for in the end. Pure functions of what was recorded (a flight recorder,
// live rows); nothing is guessed from clocks. From 2 ranks to the limit of the room; time and
// memory grow with the entries and the members of groups, O((entries + members) log members).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace strata::l2_comm {

// One rank entered one collective. Point-to-point operations do not belong here: their sequence
// numbers are each rank's own.
struct Entered {
  std::uint32_t group = 0;      // index into MatchInput::groups
  std::int32_t rank = -1;       // of the whole job, as in the members of groups
  std::int64_t seq = 0;         // of the collective in its group: the same on all ranks
  std::uint64_t signature = 0;  // hash of operation, size and type; 0 = cannot be compared
  std::int64_t created_ns = 0;  // orders the answer; 0 = not told
  bool done = false;
  bool meets = false;  // nobody can finish it before all have entered
};

// "this rank entered all collectives of the group up to here", where entries may be gone.
struct Progress {
  std::uint32_t group = 0;
  std::int32_t rank = -1;
  std::int64_t entered = -1;
};

// A collective that some wait in. At most one per group, the first: later ones follow from it.
struct StuckCollective {
  std::uint32_t group = 0;
  std::int64_t seq = 0;
  std::size_t example = 0;  // index into MatchInput::entered of one that is as it should be
  std::vector<std::int32_t> missing;       // were heard whole and did not enter, ascending
  std::vector<std::int32_t> unheard;       // not heard whole, and no sign that they entered
  std::vector<std::int32_t> waiting;       // entered, not done
  std::vector<std::int32_t> other;         // entered another operation, size or type (desync)
  std::vector<std::size_t> other_entries;  // what they entered: indices into MatchInput::entered
  std::vector<std::int32_t> blamed;        // of `other`: whatever those unheard may have entered
};

struct MatchInput {
  std::vector<std::vector<std::int32_t>> groups;  // members, ascending, each once
  std::vector<std::int32_t> seen;                 // ranks whose record is whole, ascending
  std::vector<Entered> entered;
  std::vector<Progress> progress;
  std::vector<StuckCollective> doubts;  // beside the groups: who may wait for whom of the unheard
};

enum class Verdict : std::uint8_t { complete, stuck, desync };

struct MatchResult {
  Verdict verdict = Verdict::complete;
  std::vector<StuckCollective> stuck;   // oldest first
  std::vector<std::int32_t> culprits;   // ascending; empty where nobody can be named
  std::vector<StuckCollective> doubts;  // who may wait for those unheard, with the input's
  std::vector<std::int32_t> suspects;   // those of what is known, where nobody is proven a culprit
  std::vector<std::int32_t> silent;     // members of groups that were not heard whole
};

// What a member did that was not heard whole is unknown: it is never missing and never a culprit,
// and nobody is a culprit who may be waiting for it. Where every member that was heard entered a
// collective that is not done, it is told with nobody missing, and only when that is all that can
// be said.
MatchResult MatchCollectives(const MatchInput& input);

// The ranks that are waited for and do not themselves wait for another of the rows: the ends of the
// chains, or a whole ring of ranks that wait for each other. A row in which nobody is missing may
// wait for those unheard, who are never an answer. Ascending.
std::vector<std::int32_t> RootRanks(std::span<const StuckCollective> rows);

}  // namespace strata::l2_comm
