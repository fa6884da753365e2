// SPDX-License-Identifier: Apache-2.0
// The words of the Prometheus text formats: labels, numbers, times, and what a sample name means
// after the TYPE lines seen so far. Internal to `wire`. Views point into the text; nothing here
// allocates per sample.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "model/catalog.h"

namespace strata::wire {

inline constexpr std::size_t kMaxNameBytes = 1024;
inline constexpr std::size_t kMaxBuckets = 16'384;

enum class Type : std::uint8_t {
  unknown,
  gauge,
  counter,
  histogram,
  gauge_histogram,
  summary,
  info,
  state_set
};

struct Family {
  std::string_view name;
  Type type = Type::unknown;
  std::string_view unit;
};

// What a sample name means. Depends on the name and the families seen, so it is worked out once per
// run of lines.
struct Role {
  enum What : std::uint8_t { number, counter, bucket, sum, count, created } what = number;
  bool typed = true;      // from a TYPE line, not guessed
  bool quantile = false;  // NaN means "no observation"
  model::Kind kind = model::Kind::gauge;
  bool kind_known = true;
  std::string_view
      series_name;  // as the Namer hears it: a histogram's base name, else the sample's own
  std::string_view unit;
  std::uint64_t hash = 0;
  Type created_of = Type::unknown;
};

struct Label {
  std::string_view key, value;  // between the quotes, escapes still in
  std::size_t begin = 0, end = 0;
  bool key_quoted = false, name = false;  // name: a quoted metric name without '='
};

enum class Step { label, end, bad };

inline bool IsBlank(char c) { return c == ' ' || c == '\t'; }
inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == ':';
}

// The closing quote of a string whose first byte is at `p`; npos when there is none.
std::size_t CloseQuote(std::string_view s, std::size_t p);
// The next label of `s` from *p on; *p ends behind it, or on the closing brace.
Step NextLabel(std::string_view s, std::size_t* p, Label* label);
std::string Unescape(std::string_view s);
bool ParseDouble(std::string_view token, double* value);
bool ParseCount(std::string_view token, std::uint64_t* count);  // also "11008.0"
// "1520430000.123" in nanoseconds, exactly where it is plain decimal. 0 when it is no usable time.
std::uint64_t SecondsToNs(std::string_view token);
Type TypeOf(std::string_view word);
std::string_view UnitOf(std::string_view word);  // OpenMetrics' unit words as UCUM
// `name` without `suffix`; "" when it does not end so or nothing is left.
std::string_view Strip(std::string_view name, std::string_view suffix);

// The TYPE and UNIT lines of one page. Names must outlive it.
class Families {
 public:
  enum class Seen { fresh, again, dates_current };  // again: a histogram family for the second time
  Seen Add(std::string_view name, Type type);
  void SetUnit(std::string_view name, std::string_view unit);
  Role RoleOf(std::string_view name) const;

 private:
  const Family* Known(std::string_view name) const;

  std::unordered_map<std::string_view, Family> families_;
  Family current_;
};

}  // namespace strata::wire
