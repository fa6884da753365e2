// SPDX-License-Identifier: Apache-2.0
// Sorted key-value pairs, the labels of everything. Values are text; numbers and booleans are
// spelled as OpenTelemetry prints them. Never more than kMaxAttributes; what is beyond is dropped
// and counted by the decoder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::model {

inline constexpr std::size_t kMaxAttributes = 64;
inline constexpr std::size_t kMaxKeyBytes = 256;
inline constexpr std::size_t kMaxValueBytes = 4096;

class Attributes {
 public:
  using Pair = std::pair<std::string, std::string>;

  Attributes() = default;
  Attributes(std::initializer_list<Pair> pairs);

  std::string_view get(std::string_view key) const;  // "" when absent
  bool has(std::string_view key) const;
  void set(std::string_view key, std::string_view value);  // replaces
  void set_if_absent(std::string_view key, std::string_view value);
  void erase(std::string_view key);
  std::string take(std::string_view key);  // value, and removes it

  std::vector<Pair>::const_iterator begin() const { return pairs_.begin(); }
  std::vector<Pair>::const_iterator end() const { return pairs_.end(); }
  std::size_t size() const { return pairs_.size(); }
  bool empty() const { return pairs_.empty(); }
  bool operator==(const Attributes&) const = default;
  std::uint64_t hash(std::uint64_t seed = 0) const;
  std::string text() const;  // {a="b",c="d"}, for people

 private:
  std::vector<Pair> pairs_;  // sorted by key, keys unique
};

}  // namespace strata::model
