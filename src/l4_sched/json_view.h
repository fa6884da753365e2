// SPDX-License-Identifier: Apache-2.0
// Looking into a JSON document without asking at each step whether it is there: what is absent or
// of another type is an empty view. Internal to `l4_sched`; a view lives as long as its document.
#pragma once

#include <simdjson.h>

#include <cmath>
#include <limits>
#include <string>
#include <string_view>

#include "base/status.h"

namespace strata::l4_sched {

class JsonView {
 public:
  JsonView() = default;
  explicit JsonView(simdjson::dom::element element) : element_(element), some_(true) {}

  bool some() const { return some_ && !element_.is_null(); }
  bool is_object() const { return some_ && element_.is_object(); }
  bool is_array() const { return some_ && element_.is_array(); }
  bool is_string() const { return some_ && element_.is_string(); }

  JsonView operator[](std::string_view key) const {
    simdjson::dom::object object;
    simdjson::dom::element value;
    if (!some_ || element_.get(object) != simdjson::SUCCESS) return {};
    if (object.at_key(key).get(value) != simdjson::SUCCESS) return {};
    return JsonView(value);
  }
  std::string_view text() const {  // "" when it is no string
    std::string_view out;
    if (!some_ || element_.get(out) != simdjson::SUCCESS) return {};
    return out;
  }
  std::string str() const { return std::string(text()); }
  bool truth() const {
    bool out = false;
    return some_ && element_.get(out) == simdjson::SUCCESS && out;
  }
  double number() const {  // NaN when it is none
    double out = 0;
    if (some_ && !element_.is_string() && element_.get(out) == simdjson::SUCCESS) return out;
    return std::numeric_limits<double>::quiet_NaN();
  }
  std::int64_t integer(std::int64_t otherwise = 0) const {
    const double n = number();
    return n > -9.2e18 && n < 9.2e18 ? static_cast<std::int64_t>(n) : otherwise;
  }
  std::size_t size() const {
    simdjson::dom::array array;
    return some_ && element_.get(array) == simdjson::SUCCESS ? array.size() : 0;
  }
  template <typename F>
  void each(F&& take) const {  // of an array
    simdjson::dom::array array;
    if (!some_ || element_.get(array) != simdjson::SUCCESS) return;
    for (const simdjson::dom::element item : array) take(JsonView(item));
  }
  template <typename F>
  void fields(F&& take) const {  // of an object
    simdjson::dom::object object;
    if (!some_ || element_.get(object) != simdjson::SUCCESS) return;
    for (const auto field : object) take(field.key, JsonView(field.value));
  }

 private:
  simdjson::dom::element element_;
  bool some_ = false;
};

// One document; the view it gives lives as long as this object.
class JsonDocument {
 public:
  base::Result<JsonView> Parse(std::string_view text) {
    simdjson::dom::element root;
    const auto code = parser_.parse(text.data(), text.size()).get(root);
    if (code != simdjson::SUCCESS)
      return base::Invalid(std::string("not whole JSON: ") + simdjson::error_message(code));
    return JsonView(root);
  }

 private:
  simdjson::dom::parser parser_;
};

}  // namespace strata::l4_sched
