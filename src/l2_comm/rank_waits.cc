// SPDX-License-Identifier: Apache-2.0
// Who came last to a collective, and what that cost the others; and bus bandwidth. Pure functions.
#include <algorithm>
#include <cmath>
#include <limits>

#include "l2_comm/l2_comm.h"

namespace strata::l2_comm {
namespace {

struct Arrival {
  const model::Collective* row;
  double at_s;  // relative to the first one seen
};

// Start times, relative to the earliest, when the ends show that the clocks agree. False otherwise.
bool ByStart(std::span<const model::Collective> rows, std::vector<Arrival>* out) {
  std::int64_t first = std::numeric_limits<std::int64_t>::max();
  for (const model::Collective& row : rows) {
    if (row.start_ns <= 0) return false;
    first = std::min(first, row.start_ns);
  }
  double latest_start = 0, first_end = std::numeric_limits<double>::infinity(), last_end = 0;
  std::size_t ended = 0;
  for (const model::Collective& row : rows) {
    const double start = static_cast<double>(row.start_ns - first) / 1e9;
    out->push_back({&row, start});
    latest_start = std::max(latest_start, start);
    if (!row.done || std::isnan(row.duration_s)) continue;
    ++ended;
    first_end = std::min(first_end, start + row.duration_s);
    last_end = std::max(last_end, start + row.duration_s);
  }
  return ended == 0 || last_end - first_end <= 0.5 * latest_start;
}

bool ByDuration(std::span<const model::Collective> rows, std::vector<Arrival>* out) {
  double longest = 0;
  for (const model::Collective& row : rows) {
    if (!row.done || std::isnan(row.duration_s) || row.duration_s < 0) continue;
    longest = std::max(longest, row.duration_s);
  }
  for (const model::Collective& row : rows) {
    if (!row.done || std::isnan(row.duration_s) || row.duration_s < 0) continue;
    out->push_back({&row, longest - row.duration_s});
  }
  return out->size() >= 2;
}

}  // namespace

std::vector<RankWait> RankWaits(std::span<const model::Collective> rows) {
  std::vector<RankWait> out;
  if (rows.size() < 2) return out;
  for (const model::Collective& row : rows) {
    if (row.operation == "Send" || row.operation == "Recv") return out;
  }
  std::vector<Arrival> arrivals;
  const bool by_start = ByStart(rows, &arrivals);
  if (!by_start) {
    arrivals.clear();
    if (!ByDuration(rows, &arrivals)) return out;
  }
  // The same rank twice (a resend): the later row counts.
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const Arrival& a, const Arrival& b) { return a.row->rank < b.row->rank; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    if (kept > 0 && arrivals[kept - 1].row->rank == arrivals[i].row->rank) {
      arrivals[kept - 1] = arrivals[i];
    } else {
      arrivals[kept++] = arrivals[i];
    }
  }
  arrivals.resize(kept);
  if (kept < 2) return out;
  // Sorted copy and running sums: the mean wait of the others in O(n log n).
  std::vector<double> sorted;
  for (const Arrival& a : arrivals) sorted.push_back(a.at_s);
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> sums(sorted.size() + 1, 0);
  for (std::size_t i = 0; i < sorted.size(); ++i) sums[i + 1] = sums[i] + sorted[i];
  for (const Arrival& a : arrivals) {
    RankWait wait;
    wait.rank = a.row->rank;
    wait.gpu = a.row->gpu;
    wait.node = a.row->node;
    wait.wait_s = sorted.back() - a.at_s;
    const auto before = static_cast<std::size_t>(
        std::lower_bound(sorted.begin(), sorted.end(), a.at_s) - sorted.begin());
    wait.lateness_s = std::max(0.0, (a.at_s * static_cast<double>(before) - sums[before]) /
                                        static_cast<double>(sorted.size() - 1));
    wait.by_start = by_start;
    out.push_back(std::move(wait));
  }
  return out;
}

double BusBandwidth(std::string_view operation, double algbw, std::int32_t nranks) {
  if (nranks < 1) return std::numeric_limits<double>::quiet_NaN();
  const double n = nranks;
  if (operation == "AllReduce") return algbw * 2 * (n - 1) / n;
  for (const std::string_view gathered :
       {"AllGather", "ReduceScatter", "AllToAll", "Gather", "Scatter"}) {
    if (operation == gathered) return algbw * (n - 1) / n;
  }
  for (const std::string_view plain : {"Broadcast", "Reduce", "Send", "Recv", "SendRecv"}) {
    if (operation == plain) return algbw;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace strata::l2_comm
