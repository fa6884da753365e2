// SPDX-License-Identifier: Apache-2.0
// What the dumps of all ranks say together.
#include <algorithm>
#include <iterator>

#include "l2_comm/flight_recorder.h"
#include "l2_comm/l2_comm.h"

namespace strata::l2_comm {
namespace {

constexpr std::size_t kMaxListed = 1024;  // ranks in the text of an event

std::string Listed(const std::vector<std::int32_t>& ranks) {
  std::string out;
  for (std::size_t i = 0; i < std::min(ranks.size(), kMaxListed); ++i)
    out += (i > 0 ? "," : "") + std::to_string(ranks[i]);
  if (ranks.size() > kMaxListed) out += ",…";
  return out;
}

base::Json RanksJson(const std::vector<std::int32_t>& ranks) {
  base::Json out = base::Json::MakeArray();
  for (const std::int32_t rank : ranks) out.push(rank);
  return out;
}

const char* VerdictName(Verdict verdict) {
  return verdict == Verdict::complete ? "complete" : verdict == Verdict::stuck ? "stuck" : "desync";
}

}  // namespace

std::string OperationOf(std::string_view name) {
  if (const std::size_t colon = name.find(':'); colon != std::string_view::npos)
    name.remove_prefix(colon + 1);
  name = name.substr(0, name.find(' '));  // "send 0->1"
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"all_reduce", "AllReduce"},
      {"allreduce", "AllReduce"},
      {"allreduce_coalesced", "AllReduce"},
      {"all_gather", "AllGather"},
      {"_all_gather_base", "AllGather"},
      {"_allgather_base", "AllGather"},
      {"all_gather_into_tensor_coalesced", "AllGather"},
      {"ALLGATHER_coalesced", "AllGather"},
      {"reduce_scatter", "ReduceScatter"},
      {"_reduce_scatter_base", "ReduceScatter"},
      {"reduce_scatter_tensor_coalesced", "ReduceScatter"},
      {"REDUCE_SCATTER_coalesced", "ReduceScatter"},
      {"broadcast", "Broadcast"},
      {"_broadcast_oop", "Broadcast"},
      {"reduce", "Reduce"},
      {"_reduce_oop", "Reduce"},
      {"all_to_all", "AllToAll"},
      {"all_to_allv", "AllToAll"},
      {"alltoall_base", "AllToAll"},
      {"gather", "Gather"},
      {"scatter", "Scatter"},
      {"barrier", "Barrier"},
      {"all_reduce_barrier", "Barrier"},
      {"send", "Send"},
      {"recv", "Recv"},
  };
  for (const auto& [torch, ours] : kNames) {
    if (name == torch) return std::string(ours);
  }
  return std::string(name);
}

// Where a rank has no entry of a group left, its pg_status tells how far it came. A group's number
// there (pg_id) is known from the rank's own entries, else from those of its members, as far as
// they agree. Groups that also carry point-to-point operations count both in one number: not used.
void FlightRecorder::Progresses() {
  std::vector<std::int64_t> pg_of(groups_.size(), -1);  // -2: members differ
  for (const auto& [id, rank] : ranks_) {
    for (const auto& [pg, group] : rank.group_of_pg)
      pg_of[group] = pg_of[group] == -1 || pg_of[group] == pg ? pg : -2;
  }
  for (const auto& [id, rank] : ranks_) {
    for (const std::uint32_t group : rank.groups) {
      if (groups_[group].has_p2p) continue;
      std::int64_t pg = pg_of[group];
      for (const auto& [own, g] : rank.group_of_pg) {
        if (g == group) pg = own;
      }
      const auto taken = rank.group_of_pg.find(pg);
      if (pg < 0 || (taken != rank.group_of_pg.end() && taken->second != group)) continue;
      if (const auto last = rank.status.find(pg); last != rank.status.end())
        input_.progress.push_back({group, id, last->second});
    }
  }
}

// Sends without their receives and the other way round. A peer that finished a newer one has
// answered, whatever the other side noticed.
std::vector<StuckCollective> FlightRecorder::P2pRows() const {
  std::vector<StuckCollective> rows;
  for (const auto& [key, pair] : pairs_) {
    const int ahead = pair.open[0] > pair.open[1] ? 0 : 1, behind = 1 - ahead;
    if (pair.open[0] == pair.open[1]) continue;
    const std::int32_t waits = ahead == 0 ? key.from : key.to;
    const std::int32_t missing = ahead == 0 ? key.to : key.from;
    if (!Heard(missing) || pair.newest_done[behind] > pair.oldest[ahead]) continue;
    StuckCollective row;
    row.group = key.group;
    row.seq = pair.seq[ahead];
    row.example = pair.detail[ahead];
    row.missing = {missing};
    row.waiting = {waits};
    rows.push_back(std::move(row));
  }
  return rows;
}

// Sends and receives that are not done and whose peer was not heard whole.
std::vector<StuckCollective> FlightRecorder::P2pDoubts() const {
  std::vector<StuckCollective> rows;
  for (const auto& [key, pair] : pairs_) {
    for (int side = 0; side < 2; ++side) {
      const std::int32_t peer = side == 0 ? key.to : key.from;
      if (pair.open[side] == 0 || Heard(peer)) continue;
      StuckCollective row;
      row.group = key.group;
      row.seq = pair.seq[side];
      row.example = pair.detail[side];
      row.unheard = {peer};
      row.waiting = {side == 0 ? key.from : key.to};
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

bool FlightRecorder::Heard(std::int32_t rank) const {
  const auto it = ranks_.find(rank);
  return it != ranks_.end() && it->second.whole;
}

// Point-to-point only where no collective explains it: a chain through a pipeline would name ranks
// that are themselves held up. True when its rows took the place of the collectives'.
bool FlightRecorder::JudgeP2p(MatchResult* result) const {
  if (result->verdict == Verdict::desync) return false;
  for (const StuckCollective& row : result->stuck)
    if (!row.missing.empty()) return false;
  std::vector<StuckCollective> rows = P2pRows();
  if (rows.empty() && result->stuck.empty()) rows = input_.doubts;
  if (rows.empty()) return false;
  std::vector<StuckCollective> all = rows;
  const auto& doubts = result->stuck.empty() ? input_.doubts : result->doubts;
  all.insert(all.end(), doubts.begin(), doubts.end());
  result->verdict = Verdict::stuck;
  result->culprits = RootRanks(all);
  if (result->culprits.empty()) result->suspects = RootRanks(rows);
  result->stuck = std::move(rows);
  return true;
}

// Ranks whose dump is there and could not be read; with a cut file beside, all that were not read.
std::vector<std::int32_t> FlightRecorder::Unreadable(const MatchResult& result) const {
  std::vector<std::int32_t> out;
  std::copy_if(lost_.begin(), lost_.end(), std::back_inserter(out),
               [&](std::int32_t rank) { return !Heard(rank); });
  for (const auto& [id, rank] : ranks_) {
    if (!rank.whole) out.push_back(id);
  }
  if (!cut_files_.empty()) out.insert(out.end(), result.silent.begin(), result.silent.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

base::Json FlightRecorder::RowJson(const StuckCollective& row, bool p2p) const {
  const Detail& detail = details_[p2p ? row.example : detail_of_[row.example]];
  const Group& group = groups_[row.group];
  base::Json out;
  out.set("process_group", base::Json::MakeArray().push(group.name).push(group.desc));
  out.set("operation", OperationOf(detail.name)).set("profiling_name", detail.name);
  out.set("seq", row.seq).set("input_sizes", detail.input_sizes);
  out.set("dtype", detail.dtype.empty() ? base::Json() : base::Json(detail.dtype));
  out.set("missing_ranks", RanksJson(row.missing)).set("waiting_ranks", RanksJson(row.waiting));
  if (!row.unheard.empty()) out.set("unknown_ranks", RanksJson(row.unheard));
  if (row.other.empty()) return out;
  // Each of those who entered something else, with what it was.
  base::Json others = base::Json::MakeArray();
  for (const std::size_t i : row.other_entries) {
    const Detail& own = details_[detail_of_[i]];
    base::Json other;
    other.set("rank", input_.entered[i].rank).set("operation", OperationOf(own.name));
    other.set("input_sizes", own.input_sizes).set("dtype", own.dtype);
    others.push(std::move(other));
  }
  return out.set("other", std::move(others));
}

base::Json FlightRecorder::LastJson(std::int32_t rank, const Last& last) const {
  base::Json out;
  out.set("rank", rank);
  if (last.record < 0) return out.set("operation", base::Json());  // its ring is empty
  const Group& group = groups_[last.group];
  out.set("process_group", base::Json::MakeArray().push(group.name).push(group.desc));
  out.set("operation", OperationOf(details_[last.detail].name)).set("seq", last.seq);
  out.set("done", last.done);
  base::Json frames = base::Json::MakeArray();
  for (const std::string& frame : last.frames) frames.push(frame);
  return out.set("frames", last.frames.empty() ? base::Json() : std::move(frames));
}

void FlightRecorder::Tell(const MatchResult& result, bool p2p,
                          const std::vector<std::int32_t>& unreadable,
                          const std::vector<std::int32_t>& no_dump, const wire::Context& context,
                          model::Batch* batch) const {
  const StuckCollective& row = result.stuck.front();
  const Detail& detail = details_[p2p ? row.example : detail_of_[row.example]];
  const Group& group = groups_[row.group];
  model::Event event;
  event.layer = "l2_comm";
  event.event = "comm.hang";
  event.entity_type = "communicator";
  event.entity = group.desc.empty() ? group.name : group.desc + "/" + group.name;
  event.severity = result.culprits.empty() ? "warning" : "error";
  event.source = "flight_recorder";
  event.origin = context.origin;
  if (!p2p) event.ts = input_.entered[row.example].created_ns;
  const bool told = event.ts > 0 && (context.max_ahead_ns <= 0 ||
                                     event.ts - context.now_ns <= context.max_ahead_ns);
  if (!told || __builtin_add_overflow(event.ts, context.shift_ns, &event.ts))
    event.ts = context.now_ns;
  const std::string operation = OperationOf(detail.name);
  event.message = operation + " " + std::to_string(row.seq) + " of " + event.entity + ": ";
  if (result.verdict == Verdict::desync) {
    event.message += "ranks " + Listed(row.other) + " entered something else";
  } else if (row.missing.empty()) {
    event.message += row.unheard.empty() ? "all ranks entered, " : "all others entered, ";
    event.message += std::to_string(row.waiting.size()) + " are not done";
  } else {
    event.message += "ranks " + Listed(row.missing) + " did not enter, " +
                     std::to_string(row.waiting.size()) + " wait";
  }
  if (!result.culprits.empty())
    event.message += "; waited for in the end: " + Listed(result.culprits);
  if (!unreadable.empty()) event.message += "; dumps not read: " + Listed(unreadable);
  if (!no_dump.empty()) event.message += "; no dump: " + Listed(no_dump);
  event.attributes = {
      {"communicator", event.entity},        {"operation", operation},
      {"seq", std::to_string(row.seq)},      {"verdict", VerdictName(result.verdict)},
      {"culprits", Listed(result.culprits)}, {"missing_ranks", Listed(row.missing)},
      {"waiting_ranks", Listed(row.waiting)}};
  if (!unreadable.empty()) event.attributes.set("unreadable_ranks", Listed(unreadable));
  if (!no_dump.empty()) event.attributes.set("ranks_without_dump", Listed(no_dump));
  if (context.resource != nullptr) {
    for (const auto& [key, value] : *context.resource) {
      if (event.attributes.get(key).empty()) event.attributes.set(key, value);
    }
  }
  batch->events.push_back(std::move(event));
}

void FlightRecorder::Finish(const wire::Context& context, model::Batch* batch, base::Json* report) {
  for (const auto& [id, rank] : ranks_) {
    if (Heard(id)) input_.seen.push_back(id);
  }
  input_.doubts = P2pDoubts();
  Progresses();
  for (const Group& group : groups_) input_.groups.push_back(group.members);
  for (const Entered& e : input_.entered) {
    if (!groups_[e.group].told) input_.groups[e.group].push_back(e.rank);
  }
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    auto& members = input_.groups[g];
    std::sort(members.begin(), members.end());
    members.erase(std::unique(members.begin(), members.end()), members.end());
  }
  MatchResult result = MatchCollectives(input_);
  const bool p2p = JudgeP2p(&result);
  const std::vector<std::int32_t> unreadable = Unreadable(result);
  std::vector<std::int32_t> no_dump;
  std::set_difference(result.silent.begin(), result.silent.end(), unreadable.begin(),
                      unreadable.end(), std::back_inserter(no_dump));
  if (!result.stuck.empty()) Tell(result, p2p, unreadable, no_dump, context, batch);
  if (report == nullptr) return;
  base::Json entries = base::Json::MakeObject();
  for (const auto& [id, rank] : ranks_) entries.set(std::to_string(id), rank.entries);
  base::Json stuck = base::Json::MakeArray(), last = base::Json::MakeArray();
  for (const StuckCollective& row : result.stuck) stuck.push(RowJson(row, p2p));
  for (const std::int32_t rank : result.culprits) {
    const auto it = ranks_.find(rank);
    if (it != ranks_.end()) last.push(LastJson(rank, it->second.last));
  }
  report->set("layer", "l2_comm").set("report", "flight_recorder");
  report->set("version", version_.empty() ? base::Json() : base::Json(version_));
  report->set("ranks", static_cast<std::uint64_t>(ranks_.size()));
  report->set("entries", std::move(entries)).set("stuck", std::move(stuck));
  // Where a dump could not be read, "complete" is not known.
  const bool unknown =
      result.verdict == Verdict::complete && (!unreadable.empty() || !cut_files_.empty());
  report->set("verdict", unknown ? "unknown" : VerdictName(result.verdict));
  report->set("incomplete", !unreadable.empty() || !no_dump.empty() || !cut_files_.empty());
  report->set("culprits", RanksJson(result.culprits));
  report->set("suspects", RanksJson(result.suspects));
  report->set("culprits_last", std::move(last));
  report->set("ranks_without_dump", RanksJson(no_dump));
  report->set("unreadable_ranks", RanksJson(unreadable));
  base::Json cut = base::Json::MakeArray();
  for (const std::string& name : cut_files_) cut.push(name);
  report->set("cut_inputs", std::move(cut));
}

}  // namespace strata::l2_comm
