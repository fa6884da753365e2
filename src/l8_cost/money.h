// SPDX-License-Identifier: Apache-2.0
// Money as a 128-bit decimal with twelve places, and the only two ways to divide it: by time, so
// that neighbouring minutes add up to the whole, and by largest remainder, so that parts add up to
// the sum. No floating point inside.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace strata::l8_cost {

using Int128 = __int128;

class Money {
 public:
  static constexpr std::int64_t kUnits = 1'000'000'000'000;  // 1e-12 of the currency

  constexpr Money() = default;
  static constexpr Money FromUnits(Int128 units) { return Money(units); }
  // "2.10", "-0.5", "12", ".5". Exact: more than twelve places, exponents and anything above 1e15
  // are refused.
  static base::Result<Money> Parse(std::string_view text);
  // The nearest decimal of a number that was never exact (electricity). NaN and infinities become
  // 0.
  static Money Near(double value);

  constexpr Int128 units() const { return units_; }
  double value() const;
  std::string text() const;  // exact, without trailing zeros: "0.033333333333", "12"
  constexpr bool is_zero() const { return units_ == 0; }

  constexpr Money& operator+=(Money o) {
    units_ += o.units_;
    return *this;
  }
  constexpr Money& operator-=(Money o) {
    units_ -= o.units_;
    return *this;
  }
  friend constexpr Money operator+(Money a, Money b) { return a += b; }
  friend constexpr Money operator-(Money a, Money b) { return a -= b; }
  constexpr auto operator<=>(const Money&) const = default;

 private:
  constexpr explicit Money(Int128 units) : units_(units) {}
  Int128 units_ = 0;
};

// a * b / c, rounded down (toward minus infinity), without overflow as long as the result fits. b
// >= 0, c > 0.
Int128 MulDiv(Int128 a, std::int64_t b, std::int64_t c);

// What [from, to) costs at a price per hour. Costs of neighbouring spans add up exactly to the cost
// of the whole span, because each is the difference of two roundings on one scale.
Money CostOf(Money per_hour, std::int64_t from_ns, std::int64_t to_ns);

// Parts in proportion to the weights that add up to the total exactly: rounded down, then one unit
// more to each of the largest remainders (the earlier first where equal). All weights 0: everything
// to the first. Sum of weights < 2^62.
std::vector<Money> Deal(Money total, std::span<const std::int64_t> weights);
std::vector<std::int64_t> Deal(std::int64_t total, std::span<const std::int64_t> weights);

// Weights from numbers >= 0, at the finest common scale that keeps the sum below 2^53. NaN and
// negatives count as 0.
std::vector<std::int64_t> Weights(std::span<const double> values);

}  // namespace strata::l8_cost
