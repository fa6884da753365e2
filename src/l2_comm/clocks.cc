// SPDX-License-Identifier: Apache-2.0
#include "l2_comm/clocks.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace strata::l2_comm {
namespace {

constexpr double kRobust = 1.4826;
constexpr double kLeastNoiseS = 0.5e-3, kNoiseOfSpread = 0.25;

// Ends of one clock against the reference of each meeting.
struct Residuals {
  std::vector<double> at_s, value_s;
};

Clock Fit(const Residuals& r) {
  Clock clock;
  const std::size_t n = r.at_s.size();
  if (n == 0) return clock;
  const auto median_of = [](const std::vector<double>& v, std::size_t from, std::size_t to) {
    std::vector<double> part(v.begin() + static_cast<std::ptrdiff_t>(from),
                             v.begin() + static_cast<std::ptrdiff_t>(to));
    return TakeMedian(&part);
  };
  clock.middle_s = median_of(r.at_s, 0, n);
  const std::size_t third = n / 3;
  if (third >= 2) {
    const double early = median_of(r.at_s, 0, third), late = median_of(r.at_s, n - third, n);
    if (late > early)
      clock.drift =
          (median_of(r.value_s, n - third, n) - median_of(r.value_s, 0, third)) / (late - early);
  }
  std::vector<double> rest(n);
  for (std::size_t i = 0; i < n; ++i)
    rest[i] = r.value_s[i] - clock.drift * (r.at_s[i] - clock.middle_s);
  std::vector<double> copy = rest;
  clock.offset_s = TakeMedian(&copy);
  for (double& v : rest) v = std::abs(v - clock.offset_s);
  clock.noise_s = kRobust * TakeMedian(&rest);
  return clock;
}

// What each clock says at a meeting less what `reference` says of it.
template <typename Reference>
std::vector<Clock> FitAll(std::span<const Meeting> meetings, std::size_t clocks,
                          Reference reference, std::vector<std::size_t>* counts) {
  std::vector<double> references;
  for (const Meeting& m : meetings) references.push_back(reference(m));
  std::vector<Clock> out;
  counts->clear();
  Residuals r;
  for (std::size_t c = 0; c < clocks; ++c) {
    r.at_s.clear(), r.value_s.clear();
    for (std::size_t i = 0; i < meetings.size(); ++i) {
      const double end = meetings[i].end_s[c];
      if (std::isnan(end) || std::isnan(references[i])) continue;
      r.at_s.push_back(end);
      r.value_s.push_back(end - references[i]);
    }
    out.push_back(Fit(r));
    counts->push_back(r.at_s.size());
  }
  return out;
}

}  // namespace

double TakeMedian(std::vector<double>* values) {
  if (values->empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto middle = values->begin() + static_cast<std::ptrdiff_t>((values->size() - 1) / 2);
  std::nth_element(values->begin(), middle, values->end());
  return *middle;
}

std::vector<Clock> AlignClocks(std::span<const Meeting> meetings, std::size_t clocks) {
  std::vector<Clock> out(clocks);
  if (meetings.empty() || clocks == 0) return out;
  // The clock that was at most meetings: a median over clocks that are seconds apart would jump
  // wherever one of them is absent.
  std::vector<std::size_t> counts(clocks, 0);
  for (const Meeting& m : meetings) {
    for (std::size_t c = 0; c < clocks; ++c) counts[c] += std::isnan(m.end_s[c]) ? 0 : 1;
  }
  const auto first =
      static_cast<std::size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin());
  out = FitAll(
      meetings, clocks, [&](const Meeting& m) { return m.end_s[first]; }, &counts);
  // Of two clocks the median is one of them, whichever suits: there the first stays the reference.
  std::vector<double> ends;
  if (clocks > 2) {
    out = FitAll(
        meetings, clocks,
        [&](const Meeting& m) {
          ends.clear();
          for (std::size_t c = 0; c < clocks; ++c) {
            if (!std::isnan(m.end_s[c])) ends.push_back(m.end_s[c] - out[c].at(m.end_s[c]));
          }
          return TakeMedian(&ends);
        },
        &counts);
  }
  std::vector<double> spreads;
  for (const Meeting& m : meetings) spreads.push_back(m.spread_s);
  const double most_noise = std::max(kLeastNoiseS, kNoiseOfSpread * TakeMedian(&spreads));
  for (std::size_t c = 0; c < clocks; ++c)
    out[c].aligned = counts[c] >= kLeastMeetings && out[c].noise_s <= most_noise;
  return out;
}

}  // namespace strata::l2_comm
