// SPDX-License-Identifier: Apache-2.0
#include "store/pack.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <unordered_map>
#include <vector>

namespace strata::store {
namespace {

constexpr int kMostDecimals =
    9;  // more are the noise of a computed number: packed they gain nothing
constexpr double kPowers[kMostDecimals + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
constexpr double kMostWhole = 9007199254740992.0;  // 2^53

struct Sample {
  std::int64_t ts, start_ts;
  double value;
  std::uint32_t received;
};

template <typename T>
T At(const char* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// NaN, infinities and the zero below zero stand in raw without troubling their run.
bool Packs(double value) { return std::isfinite(value) && !(value == 0 && std::signbit(value)); }

// The whole number that is `value` at this scale, if that gives the same bits back.
bool Whole(double value, int scale, std::int64_t* mantissa) {
  const double scaled = value * kPowers[scale];
  if (!(std::fabs(scaled) < kMostWhole)) return false;  // NaN as well
  *mantissa = static_cast<std::int64_t>(scaled + std::copysign(0.5, scaled));
  const double back = static_cast<double>(*mantissa) / kPowers[scale];
  return std::bit_cast<std::uint64_t>(back) == std::bit_cast<std::uint64_t>(value);
}

// How many of the zeros at the end of `number`, at most `most`, are there.
int Zeros(std::int64_t number, int most) {
  int zeros = 0;
  while (zeros < most && number % 10 == 0) number /= 10, ++zeros;
  return zeros;
}

// The least scale at which all values of the run are whole; kRawScale when there is none.
int ScaleOf(const Sample* from, const Sample* to) {
  int scale = 0, zeros = kMostDecimals;
  std::int64_t whole = 0;
  for (const Sample* s = from; s != to; ++s) {
    if (!Packs(s->value)) continue;
    while (!Whole(s->value, scale, &whole)) {
      if (++scale > kMostDecimals) return kRawScale;
    }
    if (scale == 0 && zeros > 0 && whole != 0) zeros = Zeros(whole, zeros);
  }
  if (scale == 0) return zeros == kMostDecimals ? 0 : -zeros;
  for (const Sample* s = from; s != to; ++s) {  // a large one may not bear the scale of a small one
    if (Packs(s->value) && !Whole(s->value, scale, &whole)) return kRawScale;
  }
  return scale;
}

// The rows in the order of the table: series by series, each by time.
struct Sorted {
  std::vector<std::uint64_t> series;  // sorted
  std::vector<std::size_t> begin;     // series.size() + 1, into samples
  std::vector<Sample> samples;
};

Sorted Sort(std::string_view rows, std::size_t n) {
  Sorted out;
  std::unordered_map<std::uint64_t, std::uint32_t> number;
  std::vector<std::uint32_t> of(n);
  std::vector<std::size_t> count;
  for (std::size_t i = 0; i < n; ++i) {
    const auto [it, added] =
        number.try_emplace(At<std::uint64_t>(rows.data() + i * kSampleRowBytes),
                           static_cast<std::uint32_t>(count.size()));
    if (added) count.push_back(0);
    of[i] = it->second;
    ++count[it->second];
  }
  std::vector<std::pair<std::uint64_t, std::uint32_t>> order(number.begin(), number.end());
  std::sort(order.begin(), order.end());
  std::vector<std::size_t> next(count.size());
  std::size_t at = 0;
  for (const auto& [id, k] : order) {
    out.series.push_back(id);
    out.begin.push_back(at);
    next[k] = at;
    at += count[k];
  }
  out.begin.push_back(at);
  out.samples.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const char* row = rows.data() + i * kSampleRowBytes;
    out.samples[next[of[i]]++] = {At<std::int64_t>(row + 8), At<std::int64_t>(row + 16),
                                  At<double>(row + 24), At<std::uint32_t>(row + 32)};
  }
  const auto before = [](const Sample& a, const Sample& b) {
    return a.ts != b.ts ? a.ts < b.ts : a.start_ts < b.start_ts;
  };
  for (std::size_t k = 0; k < out.series.size(); ++k) {
    Sample* from = out.samples.data() + out.begin[k];
    Sample* to = out.samples.data() + out.begin[k + 1];
    if (!std::is_sorted(from, to, before)) std::stable_sort(from, to, before);
  }
  return out;
}

// One block of the Native format: sizes as varints, then each column's name, type and bytes.
class Native {
 public:
  Native(std::size_t columns, std::size_t rows) : rows_(rows) {
    out_.reserve(rows * 53 + 256);
    Number(columns);
    Number(rows);
  }
  template <typename T>
  T* Column(std::string_view name, std::string_view type) {
    Text(name);
    Text(type);
    cells_.resize(rows_ * sizeof(T));
    return reinterpret_cast<T*>(cells_.data());
  }
  void End() { out_.append(cells_.data(), cells_.size()); }
  std::string Take() { return std::move(out_); }

 private:
  void Number(std::size_t v) {
    for (; v >= 0x80; v >>= 7) out_ += static_cast<char>(v | 0x80);
    out_ += static_cast<char>(v);
  }
  void Text(std::string_view text) {
    Number(text.size());
    out_ += text;
  }
  std::size_t rows_;
  std::string out_;
  std::vector<char> cells_;  // one column, aligned
};

}  // namespace

base::Result<std::string> PackSamples(std::string_view rowbinary) {
  const std::size_t n = rowbinary.size() / kSampleRowBytes;
  if (rowbinary.size() % kSampleRowBytes != 0)
    return base::Invalid("samples: " + std::to_string(rowbinary.size()) + " bytes are no rows of " +
                         std::to_string(kSampleRowBytes));
  const Sorted sorted = Sort(rowbinary, n);
  std::vector<std::int8_t> scales(n, kRawScale);
  std::vector<std::int64_t> mantissas(n, 0);
  for (std::size_t k = 0; k < sorted.series.size(); ++k) {
    const std::size_t from = sorted.begin[k], to = sorted.begin[k + 1];
    const int scale = ScaleOf(sorted.samples.data() + from, sorted.samples.data() + to);
    if (scale == kRawScale) continue;
    const std::int64_t multiple = static_cast<std::int64_t>(kPowers[scale < 0 ? -scale : 0]);
    for (std::size_t i = from; i < to; ++i) {
      if (!Packs(sorted.samples[i].value) ||
          !Whole(sorted.samples[i].value, std::max(scale, 0), &mantissas[i]))
        continue;
      mantissas[i] /= multiple;
      scales[i] = static_cast<std::int8_t>(scale);
    }
  }
  Native block(7, n);
  auto* series = block.Column<std::uint64_t>("series", "UInt64");
  for (std::size_t k = 0; k < sorted.series.size(); ++k)
    std::fill(series + sorted.begin[k], series + sorted.begin[k + 1], sorted.series[k]);
  block.End();
  auto* ts = block.Column<std::int64_t>("ts", "DateTime64(9, 'UTC')");
  for (std::size_t i = 0; i < n; ++i) ts[i] = sorted.samples[i].ts;
  block.End();
  auto* start = block.Column<std::int64_t>("start_ts", "DateTime64(9, 'UTC')");
  for (std::size_t i = 0; i < n; ++i) start[i] = sorted.samples[i].start_ts;
  block.End();
  auto* mantissa = block.Column<std::int64_t>("mantissa", "Int64");
  std::copy(mantissas.begin(), mantissas.end(), mantissa);
  block.End();
  auto* scale = block.Column<std::int8_t>("scale", "Int8");
  std::copy(scales.begin(), scales.end(), scale);
  block.End();
  auto* raw = block.Column<double>("raw", "Float64");
  for (std::size_t i = 0; i < n; ++i) raw[i] = scales[i] == kRawScale ? sorted.samples[i].value : 0;
  block.End();
  auto* received = block.Column<std::uint32_t>("received", "DateTime('UTC')");
  for (std::size_t i = 0; i < n; ++i) received[i] = sorted.samples[i].received;
  block.End();
  return block.Take();
}

}  // namespace strata::store
