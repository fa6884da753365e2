// SPDX-License-Identifier: Apache-2.0
// A JSON value for configuration, API answers and small inputs: keys keep their order, integers
// stay integers. Big inputs are read with simdjson in `wire`, not here. nlohmann-json parses behind
// json.cc (depth is limited).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"

namespace strata::base {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;                                            // null
  Json(std::nullptr_t) {}                                      // NOLINT
  Json(bool v) : value_(v) {}                                  // NOLINT
  Json(int v) : value_(static_cast<std::int64_t>(v)) {}        // NOLINT
  Json(unsigned v) : value_(static_cast<std::int64_t>(v)) {}   // NOLINT
  Json(std::int64_t v) : value_(v) {}                          // NOLINT
  Json(long long v) : value_(static_cast<std::int64_t>(v)) {}  // NOLINT
  Json(std::uint64_t v);                                // NOLINT above int64 it becomes a double
  Json(double v) : value_(v) {}                         // NOLINT NaN and infinities print as null
  Json(const char* v) : value_(std::string(v)) {}       // NOLINT
  Json(std::string_view v) : value_(std::string(v)) {}  // NOLINT
  Json(std::string v) : value_(std::move(v)) {}         // NOLINT
  Json(Array v) : value_(std::move(v)) {}               // NOLINT
  Json(Object v) : value_(std::move(v)) {}              // NOLINT
  static Json MakeArray() { return Json(Array{}); }
  static Json MakeObject() { return Json(Object{}); }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<std::int64_t>(value_); }
  bool is_number() const { return is_int() || std::holds_alternative<double>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  bool as_bool(bool otherwise = false) const;
  std::int64_t as_int(std::int64_t otherwise = 0) const;  // truncates a double
  double as_double(double otherwise = 0) const;
  const std::string& as_string() const;  // "" when it is none
  const Array& array() const;            // empty when it is none
  const Object& object() const;
  std::size_t size() const;

  const Json* find(std::string_view key) const;        // nullptr when absent or no object
  const Json& operator[](std::string_view key) const;  // null when absent
  const Json& at(std::size_t i) const;
  Json& set(std::string_view key, Json value);  // makes an object of a null; returns *this
  Json& push(Json value);                       // makes an array of a null; returns *this
  Json& member(std::string_view key);           // finds or inserts

  std::string dump(int indent = 0) const;  // 0 = one line
  void append_to(std::string* out, int indent = 0, int depth = 0) const;
  bool operator==(const Json&) const = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

// One JSON text; the error names line and column. Nesting deeper than `max_depth` is refused.
Result<Json> ParseJson(std::string_view text, int max_depth = 64);

void AppendJsonString(std::string_view text,
                      std::string* out);                // with quotes; bad UTF-8 becomes U+FFFD
void AppendJsonNumber(double value, std::string* out);  // shortest form that reads back the same

}  // namespace strata::base
