// SPDX-License-Identifier: Apache-2.0
#include "l2_comm/hang.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "l2_comm/analysis.h"

namespace strata::l2_comm {
namespace {

constexpr std::uint32_t kLongestFades = 256;

bool SameSizeEverywhere(std::string_view operation) {
  return operation == "AllReduce" || operation == "AllGather" || operation == "ReduceScatter" ||
         operation == "Broadcast" || operation == "Reduce";
}

}  // namespace

std::string_view HangKindName(HangKind kind) {
  switch (kind) {
    case HangKind::missing: return "missing";
    case HangKind::desync: return "desync";
    case HangKind::behind: return "behind";
    case HangKind::stuck: return "stuck";
  }
  return "";
}

std::string RankRanges(const std::vector<std::int32_t>& ranks, std::size_t most) {
  std::string out;
  std::size_t ranges = 0;
  for (std::size_t i = 0; i < ranks.size();) {
    std::size_t end = i + 1;
    while (end < ranks.size() && ranks[end] == ranks[end - 1] + 1) ++end;
    if (ranges++ == most) return out + " and " + std::to_string(ranks.size() - i) + " more";
    out += (out.empty() ? "" : ", ") + std::to_string(ranks[i]);
    if (end - i > 1) out += (end - i > 2 ? "-" : ", ") + std::to_string(ranks[end - 1]);
    i = end;
  }
  return out;
}

std::string Hang::Text(std::int64_t now_ns) const {
  std::string out = operation + " " + std::to_string(seq) + " (" + std::to_string(nranks) +
                    " ranks) has not ended for " +
                    std::to_string((now_ns - since_ns) / base::kSecond) + " s: ";
  std::vector<std::int32_t> ranks;
  for (const HangRank& r : culprits) ranks.push_back(r.rank);
  const std::string who = (ranks.size() == 1 ? "rank " : "ranks ") + RankRanges(ranks);
  switch (kind) {
    case HangKind::missing: out += "no sign of " + who; break;
    case HangKind::desync:
      if (culprits.empty()) {
        out += "the ranks disagree about it";
      } else {
        const HangRank& r = culprits.front();
        out += who + (ranks.size() == 1 ? " is" : " are") + " in " + r.operation + " " +
               std::to_string(r.seq) + " of " + std::to_string(r.bytes) + " bytes";
      }
      break;
    case HangKind::behind: out += who + " did not leave it, the others did"; break;
    case HangKind::stuck: out += "all ranks entered and none has left"; break;
  }
  if (!culprits.empty() && kind != HangKind::stuck) {
    const HangRank& r = culprits.front();
    std::string where = r.gpu + (r.gpu.empty() || r.node.empty() ? "" : " on ") + r.node;
    if (!where.empty())
      out += " (" + (ranks.size() > 1 ? "rank " + std::to_string(r.rank) + ": " : "") + where + ")";
  }
  return out;
}

void Progress::MakeRoom(const std::string& keep) {
  while (states_ > most_states_ && all_.size() > 1) {
    auto oldest = all_.end();
    for (auto it = all_.begin(); it != all_.end(); ++it) {
      if (it->first == keep) continue;
      if (oldest == all_.end() || it->second.heard_ns < oldest->second.heard_ns) oldest = it;
    }
    refused_.add(base::Reason::series_limit, oldest->second.states, "too many ranks to follow");
    states_ -= oldest->second.states;
    all_.erase(oldest);
  }
}

void Progress::Add(const model::Collective& row, std::int64_t heard_ns) {
  if (row.nranks > kMostRanks || row.rank >= kMostRanks)
    return refused_.add(base::Reason::oversize, 1, "more ranks than 16384");
  if (row.rank < 0 || row.nranks < 0 || (row.nranks > 0 && row.rank >= row.nranks))
    return refused_.add(base::Reason::malformed, 1, "a rank outside its communicator");
  // A pair, not a meeting: who waits for whom is not in the row.
  if (row.operation == "Send" || row.operation == "Recv") return;
  Communicator& c = all_[row.communicator];
  const auto rank = static_cast<std::size_t>(row.rank);
  const bool ends = row.done && row.duration_s >= 0;
  const std::int64_t at =
      row.start_ns +
      (ends ? static_cast<std::int64_t>(std::min(row.duration_s, 86400.0) * 1e9) : 0);
  c.nranks = std::max(c.nranks, row.nranks);
  c.heard_ns = std::max({c.heard_ns, at, heard_ns});
  newest_ns_ = std::max(newest_ns_, at);
  if (c.names.size() <= rank) c.names.resize(rank + 1), c.seen.resize(rank + 1, false);
  c.seen[rank] = true;
  if (!row.gpu.empty() && c.names[rank].first != row.gpu) c.names[rank].first = row.gpu;
  if (!row.node.empty() && c.names[rank].second != row.node) c.names[rank].second = row.node;
  auto it = c.operations.find(row.operation);
  if (it == c.operations.end()) {
    if (c.operations.size() >= 32)
      return refused_.add(base::Reason::label_limit, 1, "operations of a communicator");
    it = c.operations.emplace(row.operation, std::vector<State>()).first;
  }
  std::vector<State>& states = it->second;
  if (states.size() <= rank) {
    c.states += rank + 1 - states.size(), states_ += rank + 1 - states.size();
    states.resize(rank + 1);
  }
  State& s = states[rank];
  const std::uint64_t seq = row.seq + 1;
  const bool was_open = s.open != 0;
  s.entered = std::max(s.entered, seq);
  if (row.done) {
    s.done = std::max(s.done, seq);
    if (ends && ++c.ended >= kLongestFades) c.ended = 0, c.longest_s /= 2;
    if (ends) c.longest_s = std::max(c.longest_s, row.duration_s);
    if (s.open != 0 && s.open <= s.done) {
      s.open = 0;
      // It told of a later one already: that one is open since now.
      if (s.entered > s.done) s.open = s.done + 1, s.open_ns = at, s.open_bytes = 0;
    }
  } else if (seq > s.done && (s.open == 0 || seq <= s.open)) {
    s.open = seq, s.open_ns = row.start_ns, s.open_bytes = row.bytes;
  }
  c.open += (s.open != 0 ? 1 : 0);
  c.open -= (was_open ? 1 : 0);
  if (states_ > most_states_) MakeRoom(row.communicator);
}

HangRank Progress::RankOf(const Communicator& c, const std::vector<State>& states,
                          std::int32_t rank) {
  HangRank out;
  out.rank = rank;
  const auto i = static_cast<std::size_t>(rank);
  if (i < c.names.size()) out.gpu = c.names[i].first, out.node = c.names[i].second;
  out.seen = i < c.seen.size() && c.seen[i];
  if (i < states.size()) out.last_seq = static_cast<std::int64_t>(states[i].entered) - 1;
  return out;
}

// Who is to blame for the collective out->seq: those that are not in it, unless they are the more.
void Progress::Blame(const Communicator& c, const std::vector<State>& states, Hang* out) {
  const std::uint64_t seq = out->seq + 1;
  std::vector<HangRank> missing, elsewhere, left;
  std::map<std::uint64_t, std::vector<std::int32_t>> sizes;
  for (std::int32_t rank = 0; rank < out->nranks; ++rank) {
    const auto i = static_cast<std::size_t>(rank);
    const State s = i < states.size() ? states[i] : State{};
    if (s.done >= seq) {
      left.push_back({});
      continue;
    }
    if (s.entered >= seq) {
      out->waiting.push_back(rank);
      if (s.open == seq && s.open_bytes > 0) sizes[s.open_bytes].push_back(rank);
      continue;
    }
    HangRank r = RankOf(c, states, rank);
    for (const auto& [operation, others] : c.operations) {
      if (&others == &states || i >= others.size() || others[i].open == 0) continue;
      r.operation = operation, r.seq = others[i].open - 1, r.bytes = others[i].open_bytes;
    }
    if (r.operation.empty() && s.open != 0)
      r.operation = out->operation, r.seq = s.open - 1, r.bytes = s.open_bytes;
    (r.operation.empty() ? missing : elsewhere).push_back(std::move(r));
  }
  if (!elsewhere.empty()) {
    out->kind = HangKind::desync;
    // The fewer went astray; of two halves neither is named.
    if (elsewhere.size() < out->waiting.size()) out->culprits = std::move(elsewhere);
    for (HangRank& r : missing) out->culprits.push_back(std::move(r));
    std::sort(out->culprits.begin(), out->culprits.end(),
              [](const HangRank& a, const HangRank& b) { return a.rank < b.rank; });
  } else if (!missing.empty()) {
    out->kind = HangKind::missing;
    out->culprits = std::move(missing);
  } else if (sizes.size() > 1 && SameSizeEverywhere(out->operation)) {
    out->kind = HangKind::desync;
    const auto most = std::max_element(
        sizes.begin(), sizes.end(),
        [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
    out->bytes = most->first;
    for (const auto& [bytes, ranks] : sizes) {
      if (bytes == most->first || ranks.size() == most->second.size()) continue;
      for (const std::int32_t rank : ranks) {
        HangRank r = RankOf(c, states, rank);
        r.operation = out->operation, r.seq = out->seq, r.bytes = bytes;
        out->culprits.push_back(std::move(r));
      }
    }
    std::sort(out->culprits.begin(), out->culprits.end(),
              [](const HangRank& a, const HangRank& b) { return a.rank < b.rank; });
  } else if (!left.empty()) {
    out->kind = HangKind::behind;
    for (const std::int32_t rank : out->waiting) out->culprits.push_back(RankOf(c, states, rank));
  } else {
    out->kind = HangKind::stuck;
  }
}

bool Progress::Look(const std::string& name, const Communicator& c, const std::string& operation,
                    const std::vector<State>& states, std::int64_t now_ns, Hang* out) {
  const auto longest = static_cast<std::int64_t>(kHangOfLongest * c.longest_s * 1e9);
  const std::int64_t overdue = now_ns - std::max(kHangNs, longest);
  // The collective in which most ranks wait, then the earliest: one rank alone in an old one is the
  // one that is astray.
  std::map<std::uint64_t, std::size_t> waiting;
  for (const State& s : states) {
    if (s.open != 0 && s.open_ns <= overdue) ++waiting[s.open];
  }
  if (waiting.empty()) return false;
  std::uint64_t seq = 0;
  std::size_t most = 0;
  for (const auto& [open, ranks] : waiting) {
    if (ranks > most) seq = open, most = ranks;
  }
  out->communicator = name, out->operation = operation;
  out->seq = seq - 1;
  out->nranks = std::max(c.nranks, static_cast<std::int32_t>(c.names.size()));
  out->since_ns = now_ns;
  for (const State& s : states) {
    if (s.open != seq) continue;
    out->since_ns = std::min(out->since_ns, s.open_ns);
    if (out->bytes == 0) out->bytes = s.open_bytes;
  }
  Blame(c, states, out);
  return true;
}

std::vector<Hang> Progress::Hangs(std::int64_t now_ns) const {
  std::vector<Hang> out;
  for (const auto& [name, c] : all_) {
    if (c.open == 0 || now_ns - c.heard_ns > kGoneNs) continue;
    Hang worst;
    for (const auto& [operation, states] : c.operations) {
      Hang hang;
      if (!Look(name, c, operation, states, now_ns, &hang)) continue;
      if (worst.waiting.empty() || hang.waiting.size() > worst.waiting.size())
        worst = std::move(hang);
    }
    if (!worst.waiting.empty()) out.push_back(std::move(worst));
  }
  std::sort(out.begin(), out.end(),
            [](const Hang& a, const Hang& b) { return a.communicator < b.communicator; });
  return out;
}

void Progress::Forget(std::int64_t now_ns) {
  std::erase_if(all_, [&](const auto& entry) {
    if (now_ns - entry.second.heard_ns <= 2 * kGoneNs) return false;
    states_ -= entry.second.states;
    return true;
  });
}

}  // namespace strata::l2_comm
