// SPDX-License-Identifier: Apache-2.0
// Taking rows in: refusing what cannot be, grouping by collective, thinning when there are too
// many.
#include "l2_comm/analysis.h"

#include <algorithm>
#include <cmath>

#include "l2_comm/l2_comm.h"

namespace strata::l2_comm {
namespace {

constexpr double kLongestS = 86400;
constexpr std::uint64_t kMostStride = 1u << 20;

bool Gathers(std::string_view operation) {
  return operation == "AllGather" || operation == "ReduceScatter" || operation == "AllToAll" ||
         operation == "Gather" || operation == "Scatter";
}

}  // namespace

double MessageBytes(std::string_view operation, std::uint64_t bytes, std::int32_t nranks) {
  return static_cast<double>(bytes) * (Gathers(operation) ? std::max(nranks, 1) : 1);
}

bool Synchronises(std::string_view operation) {
  return operation == "AllReduce" || operation == "AllGather" || operation == "ReduceScatter" ||
         operation == "AllToAll" || operation == "Barrier";
}

std::uint32_t CommWindow::GroupOf(const model::Collective& row) {
  if (!groups_.empty()) {
    const Group& last = groups_[last_group_];
    if (last.seq == row.seq && last.operation == row.operation) return last_group_;
  }
  const auto [it, fresh] =
      index_[row.operation].try_emplace(row.seq, static_cast<std::uint32_t>(groups_.size()));
  if (fresh) groups_.push_back({row.operation, row.seq, row.bytes, 0, false});
  last_group_ = it->second;
  return it->second;
}

void CommWindow::Add(const model::Collective& row) {
  if (row.nranks > kMostRanks || row.rank >= kMostRanks)
    return refused_.add(base::Reason::oversize, 1, "more ranks than 16384");
  if (row.rank < 0 || row.nranks < 0 || (row.nranks > 0 && row.rank >= row.nranks))
    return refused_.add(base::Reason::malformed, 1, "a rank outside its communicator");
  if (row.done && !(row.duration_s >= 0 && row.duration_s <= kLongestS))
    return refused_.add(base::Reason::not_a_number, 1, "a duration that cannot be");
  nranks_ = std::max(nranks_, row.nranks);
  seen_ranks_ = std::max(seen_ranks_, row.rank + 1);
  const auto rank = static_cast<std::size_t>(row.rank);
  if (names_.size() <= rank) names_.resize(rank + 1);
  if (names_[rank].first != row.gpu && !row.gpu.empty()) names_[rank].first = row.gpu;
  if (names_[rank].second != row.node && !row.node.empty()) names_[rank].second = row.node;
  if (row.seq % stride_ != 0) return;
  if (parts_.size() >= options_.most_parts) {
    Thin();
    if (row.seq % stride_ != 0) return;
    if (parts_.size() >= options_.most_parts)
      return refused_.add(base::Reason::oversize, 1, "more rows than a window may hold");
  }
  const std::uint32_t group = GroupOf(row);
  Group& g = groups_[group];
  g.mismatched = g.mismatched || g.bytes != row.bytes;
  ++g.parts;
  parts_.push_back({group, row.rank, row.start_ns, row.done ? row.duration_s : kUnknown});
}

void CommWindow::Thin() {
  while (parts_.size() > options_.most_parts / 2 && stride_ < kMostStride) {
    stride_ *= 2;
    std::vector<std::uint32_t> moved(groups_.size(), ~0u);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      if (groups_[i].seq % stride_ != 0) continue;
      moved[i] = static_cast<std::uint32_t>(kept);
      if (kept != i) groups_[kept] = std::move(groups_[i]);
      ++kept;
    }
    groups_.resize(kept);
    std::erase_if(parts_, [&](const Part& p) { return moved[p.group] == ~0u; });
    for (Part& p : parts_) p.group = moved[p.group];
    index_.clear();
    for (std::size_t i = 0; i < groups_.size(); ++i)
      index_[groups_[i].operation][groups_[i].seq] = static_cast<std::uint32_t>(i);
    last_group_ = 0;
  }
}

}  // namespace strata::l2_comm
