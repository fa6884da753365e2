// SPDX-License-Identifier: Apache-2.0
// Whose clock says what: offsets and drifts of the clocks of one communicator, from the ends of
// collectives that let all ranks go at once. One clock per node, or per rank where no node is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace strata::l2_comm {

// Ends of one synchronising collective, one per clock; NaN = not there. Seconds after a common
// moment.
struct Meeting {
  std::vector<double> end_s;
  double spread_s = 0;  // longest less shortest duration: how far apart the ranks arrived
};

struct Clock {
  double offset_s = 0, drift = 0;  // its time = true time + offset + drift · (its time - middle)
  double middle_s = 0;
  double noise_s = 0;    // 1.4826 · MAD of what the fit leaves
  bool aligned = false;  // the fit leaves much less than the ranks' arrivals differ
  double at(double clock_s) const { return offset_s + drift * (clock_s - middle_s); }
};

inline constexpr std::size_t kLeastMeetings = 6;

// `meetings` in order of time. Median offsets against one clock first, then against the median of
// all clocks; drift between the medians of the first and the last third. A clock in fewer than
// kLeastMeetings meetings, or whose residual is above max(0.5 ms, a quarter of the median spread of
// arrivals), is not aligned: it stepped, or these ends do not meet.
std::vector<Clock> AlignClocks(std::span<const Meeting> meetings, std::size_t clocks);

// Reorders; NaN when empty. The lower of the two in the middle.
double TakeMedian(std::vector<double>* values);

}  // namespace strata::l2_comm
