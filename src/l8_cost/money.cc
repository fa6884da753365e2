// SPDX-License-Identifier: Apache-2.0
#include "l8_cost/money.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/clock.h"

namespace strata::l8_cost {
namespace {

constexpr int kPlaces = 12;
constexpr Int128 kMaxWhole = Int128{1'000'000'000'000'000};

std::vector<Int128> DealUnits(Int128 total, std::span<const std::int64_t> weights) {
  std::vector<Int128> out(weights.size(), 0);
  if (weights.empty()) {
    CHECK(total == 0, "money dealt to nobody");
    return out;
  }
  Int128 sum = 0;
  for (const std::int64_t w : weights) {
    CHECK(w >= 0, "a negative weight");
    sum += w;
  }
  CHECK(sum < (Int128{1} << 62), "weights too large");
  if (sum == 0) {
    out[0] = total;
    return out;
  }
  const bool negative = total < 0;
  const Int128 amount = negative ? -total : total;
  const Int128 whole = amount / sum, rest = amount % sum;
  std::vector<Int128> remainders(weights.size());
  Int128 left = amount;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const Int128 part = rest * weights[i];  // < 2^124
    out[i] = whole * weights[i] + part / sum;
    remainders[i] = part % sum;
    left -= out[i];
  }
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return remainders[a] > remainders[b]; });
  for (std::size_t i = 0; left > 0; ++i, --left) {
    CHECK(i < order.size(), "more remainder than parts");
    ++out[order[i]];
  }
  if (negative) {
    for (Int128& v : out) v = -v;
  }
  return out;
}

}  // namespace

base::Result<Money> Money::Parse(std::string_view text) {
  const std::string shown(text.substr(0, 64));
  const auto bad = [&](const char* why) {
    return base::Invalid("\"" + shown + "\" is no amount of money: " + why);
  };
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  Int128 units = 0;
  int places = -1, digits = 0;
  for (const char c : text) {
    if (c == '.') {
      if (places >= 0) return bad("two decimal points");
      places = 0;
      continue;
    }
    if (c < '0' || c > '9') return bad("expected digits such as 2.10");
    if (places >= kPlaces) {
      if (c != '0') return bad("more than 12 decimal places");
      continue;
    }
    units = units * 10 + (c - '0');
    ++digits;
    if (places >= 0) ++places;
    if (units > kMaxWhole * kUnits) return bad("above 1e15");
  }
  if (digits == 0) return bad("expected digits such as 2.10");
  for (int i = std::max(places, 0); i < kPlaces; ++i) {
    units *= 10;
    if (units > kMaxWhole * kUnits) return bad("above 1e15");
  }
  return Money(negative ? -units : units);
}

Money Money::Near(double value) {
  if (!std::isfinite(value) || std::abs(value) > 1e15) return {};
  return Money(static_cast<Int128>(
      std::round(static_cast<long double>(value) * static_cast<long double>(kUnits))));
}

double Money::value() const {
  return static_cast<double>(static_cast<long double>(units_) / static_cast<long double>(kUnits));
}

std::string Money::text() const {
  Int128 left = units_ < 0 ? -units_ : units_;
  std::string fraction;
  for (int i = 0; i < kPlaces; ++i, left /= 10)
    fraction.insert(fraction.begin(), static_cast<char>('0' + static_cast<int>(left % 10)));
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  std::string whole;
  do {
    whole.insert(whole.begin(), static_cast<char>('0' + static_cast<int>(left % 10)));
    left /= 10;
  } while (left > 0);
  return (units_ < 0 ? "-" : "") + whole + (fraction.empty() ? "" : "." + fraction);
}

Int128 MulDiv(Int128 a, std::int64_t b, std::int64_t c) {
  CHECK(b >= 0 && c > 0, "MulDiv takes b >= 0, c > 0");
  Int128 q = a / c, r = a % c;
  if (r < 0) r += c, q -= 1;
  return q * b + (r * b) / c;
}

Money CostOf(Money per_hour, std::int64_t from_ns, std::int64_t to_ns) {
  if (to_ns <= from_ns || from_ns < 0) return {};
  return Money::FromUnits(MulDiv(per_hour.units(), to_ns, base::kHour) -
                          MulDiv(per_hour.units(), from_ns, base::kHour));
}

std::vector<Money> Deal(Money total, std::span<const std::int64_t> weights) {
  std::vector<Money> out;
  for (const Int128 units : DealUnits(total.units(), weights))
    out.push_back(Money::FromUnits(units));
  return out;
}

std::vector<std::int64_t> Deal(std::int64_t total, std::span<const std::int64_t> weights) {
  std::vector<std::int64_t> out;
  for (const Int128 n : DealUnits(total, weights)) out.push_back(static_cast<std::int64_t>(n));
  return out;
}

std::vector<std::int64_t> Weights(std::span<const double> values) {
  double sum = 0;
  for (const double v : values) sum += std::isfinite(v) && v > 0 ? v : 0;
  std::vector<std::int64_t> out(values.size(), 0);
  if (sum <= 0) return out;
  int exponent = 0;
  std::frexp(sum, &exponent);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i]) && values[i] > 0)
      out[i] = std::llround(std::ldexp(values[i], 52 - exponent));
  }
  return out;
}

}  // namespace strata::l8_cost
