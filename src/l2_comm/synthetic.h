// SPDX-License-Identifier: Apache-2.0
// A made-up training job for tests and benchmarks: ranks compute, meet, transfer and go on, each on
// the clock of its node. Seeded; what is wrong with it is set in Faults.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "model/batch.h"

namespace strata::l2_comm {

struct Faults {
  std::int32_t late_rank = -1;
  double late_s = 0.03;         // more compute in every step
  std::int32_t link_rank = -1;  // it and the next one leave large messages late
  double link_ratio = 0.4;      // of the transfer
  bool one_size = false;        // no small messages: only clocks shared by a node can tell
};

class SyntheticJob {
 public:
  static constexpr std::int64_t kBegin = 1'795'000'000'000'000'000;
  static constexpr int kPerNode = 8;

  SyntheticJob(std::int32_t ranks, std::uint64_t seed, Faults faults = {}, double clock_s = 5,
               double drift = 50e-6)
      : faults_(faults),
        random_(seed),
        free_(static_cast<std::size_t>(ranks), 0),
        rows_(free_.size()) {
    std::uniform_real_distribution<double> offset(-clock_s, clock_s), slope(-drift, drift);
    const std::int32_t nodes = (ranks + kPerNode - 1) / kPerNode;
    for (std::int32_t n = 0; n < nodes; ++n) clocks_.push_back({offset(random_), slope(random_)});
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      model::Collective& c = rows_[r];
      c.communicator = "job", c.nranks = ranks, c.rank = static_cast<std::int32_t>(r);
      c.gpu = "GPU-" + std::to_string(r), c.node = "n" + std::to_string(r / kPerNode);
      c.algbw = c.busbw = std::numeric_limits<double>::quiet_NaN();
    }
  }

  // The rows of the next collective, one per rank; valid until the next call. A step is a long
  // computation and an AllReduce of 64 MiB, a short one and a ReduceScatter of 16 MiB, and an
  // AllReduce of 8 KiB.
  const std::vector<model::Collective>& Next() {
    const int part = static_cast<int>(seq_ % 3);
    const bool large = part != 2 || faults_.one_size;
    const std::uint64_t bytes = part == 2 && !faults_.one_size ? 8 << 10
                                : part == 1                    ? 16 << 20
                                                               : 64 << 20;
    const double transfer = 30e-6 + static_cast<double>(bytes) / 100e9 * 10;
    std::normal_distribution<double> jitter(0, part == 0 ? 1e-3 : 0.1e-3), leave(0, 5e-6);
    arrived_.resize(free_.size());
    double last = 0;
    for (std::size_t r = 0; r < free_.size(); ++r) {
      double compute = (part == 0 ? 20e-3 : 2e-3) + std::max(-1.5e-3, jitter(random_));
      if (part == 0 && static_cast<std::int32_t>(r) == faults_.late_rank) compute += faults_.late_s;
      arrived_[r] = free_[r] + compute;
      last = std::max(last, arrived_[r]);
    }
    for (std::size_t r = 0; r < free_.size(); ++r) {
      const auto rank = static_cast<std::int32_t>(r);
      const bool link = faults_.link_rank >= 0 && large &&
                        (rank == faults_.link_rank || rank == faults_.link_rank + 1);
      free_[r] = last + transfer * (link ? 1 + faults_.link_ratio : 1) + std::abs(leave(random_));
      const auto [offset, slope] = clocks_[r / kPerNode];
      const auto local = [&](double t) { return t + offset + slope * t; };
      model::Collective& c = rows_[r];
      c.seq = seq_, c.bytes = bytes, c.operation = part == 1 ? "ReduceScatter" : "AllReduce";
      c.start_ns = kBegin + static_cast<std::int64_t>(local(arrived_[r]) * 1e9);
      c.duration_s = local(free_[r]) - local(arrived_[r]);
      c.done = true;
    }
    now_s_ = last + transfer;
    ++seq_;
    return rows_;
  }
  double now_s() const { return now_s_; }  // true time, since kBegin
  std::int64_t now_ns() const { return kBegin + static_cast<std::int64_t>(now_s_ * 1e9); }

 private:
  Faults faults_;
  std::mt19937_64 random_;
  std::vector<double> free_, arrived_;
  std::vector<model::Collective> rows_;
  std::vector<std::pair<double, double>> clocks_;
  std::uint64_t seq_ = 0;
  double now_s_ = 0;
};

}  // namespace strata::l2_comm
