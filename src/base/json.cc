// SPDX-License-Identifier: Apache-2.0
// The JSON value: nlohmann's SAX parser reads into it; writing is done here.
#include "base/json.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace strata::base {
namespace {

const Json kNull;
const std::string kNoString;
const Json::Array kNoArray;
const Json::Object kNoObject;

class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Builder(int max_depth) : max_depth_(max_depth) {}

  bool null() override { return Put(Json()); }
  bool boolean(bool v) override { return Put(Json(v)); }
  bool number_integer(number_integer_t v) override {
    return Put(Json(static_cast<std::int64_t>(v)));
  }
  bool number_unsigned(number_unsigned_t v) override {
    return Put(Json(static_cast<std::uint64_t>(v)));
  }
  bool number_float(number_float_t v, const string_t&) override {
    return Put(Json(static_cast<double>(v)));
  }
  bool string(string_t& v) override { return Put(Json(std::move(v))); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return Open(Json::MakeObject()); }
  bool end_object() override { return Close(); }
  bool start_array(std::size_t) override { return Open(Json::MakeArray()); }
  bool end_array() override { return Close(); }
  bool key(string_t& v) override {
    keys_.back() = std::move(v);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& e) override {
    position_ = position;
    error_ = e.what();
    return false;
  }

  Json take() { return std::move(root_); }
  const std::string& error() const { return error_; }

 private:
  bool Open(Json value) {
    if (static_cast<int>(stack_.size()) >= max_depth_) {
      error_ = "nesting deeper than " + std::to_string(max_depth_);
      return false;
    }
    stack_.push_back(std::move(value));
    keys_.emplace_back();
    return true;
  }
  bool Close() {
    Json done = std::move(stack_.back());
    stack_.pop_back();
    keys_.pop_back();
    return Put(std::move(done));
  }
  bool Put(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
    } else if (stack_.back().is_array()) {
      stack_.back().push(std::move(value));
    } else {
      stack_.back().set(keys_.back(), std::move(value));
    }
    return true;
  }

  int max_depth_;
  Json root_;
  std::vector<Json> stack_;
  std::vector<std::string> keys_;
  std::size_t position_ = 0;
  std::string error_;
};

// Length of the valid UTF-8 sequence that starts `s`, or 0.
std::size_t Utf8Length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto tail = [&](std::size_t i) { return i < s.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned char c = byte(0);
  if (c < 0x80) return 1;
  if (c >= 0xC2 && c <= 0xDF) return tail(1) ? 2 : 0;
  if ((c & 0xF0) == 0xE0) {
    if (!tail(1) || !tail(2)) return 0;
    if (c == 0xE0 && byte(1) < 0xA0) return 0;
    if (c == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (c >= 0xF0 && c <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (c == 0xF0 && byte(1) < 0x90) return 0;
    if (c == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

Json::Json(std::uint64_t v) {
  if (v <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    value_ = static_cast<std::int64_t>(v);
  } else {
    value_ = static_cast<double>(v);
  }
}

bool Json::as_bool(bool otherwise) const {
  const bool* v = std::get_if<bool>(&value_);
  return v ? *v : otherwise;
}

std::int64_t Json::as_int(std::int64_t otherwise) const {
  if (const auto* v = std::get_if<std::int64_t>(&value_)) return *v;
  if (const auto* v = std::get_if<double>(&value_)) {
    if (std::isfinite(*v) && std::fabs(*v) < 9.2e18) return static_cast<std::int64_t>(*v);
  }
  return otherwise;
}

double Json::as_double(double otherwise) const {
  if (const auto* v = std::get_if<double>(&value_)) return *v;
  if (const auto* v = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*v);
  return otherwise;
}

const std::string& Json::as_string() const {
  const auto* v = std::get_if<std::string>(&value_);
  return v ? *v : kNoString;
}

const Json::Array& Json::array() const {
  const auto* v = std::get_if<Array>(&value_);
  return v ? *v : kNoArray;
}

const Json::Object& Json::object() const {
  const auto* v = std::get_if<Object>(&value_);
  return v ? *v : kNoObject;
}

std::size_t Json::size() const { return is_array() ? array().size() : object().size(); }

const Json* Json::find(std::string_view key) const {
  for (const auto& [k, v] : object()) {
    if (k == key) return &v;
  }
  return nullptr;
}

const Json& Json::operator[](std::string_view key) const {
  const Json* v = find(key);
  return v ? *v : kNull;
}

const Json& Json::at(std::size_t i) const { return i < array().size() ? array()[i] : kNull; }

Json& Json::member(std::string_view key) {
  if (!is_object()) value_ = Object{};
  auto& object = std::get<Object>(value_);
  for (auto& [k, v] : object) {
    if (k == key) return v;
  }
  object.emplace_back(std::string(key), Json());
  return object.back().second;
}

Json& Json::set(std::string_view key, Json value) {
  member(key) = std::move(value);
  return *this;
}

Json& Json::push(Json value) {
  if (!is_array()) value_ = Array{};
  std::get<Array>(value_).push_back(std::move(value));
  return *this;
}

std::string Json::dump(int indent) const {
  std::string out;
  append_to(&out, indent);
  return out;
}

void Json::append_to(std::string* out, int indent, int depth) const {
  const auto line = [&](int d) {
    if (indent > 0) {
      out->push_back('\n');
      out->append(static_cast<std::size_t>(indent * d), ' ');
    }
  };
  if (is_null()) {
    out->append("null");
  } else if (const auto* b = std::get_if<bool>(&value_)) {
    out->append(*b ? "true" : "false");
  } else if (const auto* i = std::get_if<std::int64_t>(&value_)) {
    out->append(std::to_string(*i));
  } else if (const auto* d = std::get_if<double>(&value_)) {
    AppendJsonNumber(*d, out);
  } else if (const auto* s = std::get_if<std::string>(&value_)) {
    AppendJsonString(*s, out);
  } else if (const auto* a = std::get_if<Array>(&value_)) {
    out->push_back('[');
    bool first = true;
    for (const Json& v : *a) {
      if (!first) out->push_back(',');
      first = false;
      line(depth + 1);
      v.append_to(out, indent, depth + 1);
    }
    if (!a->empty()) line(depth);
    out->push_back(']');
  } else {
    out->push_back('{');
    bool first = true;
    for (const auto& [k, v] : object()) {
      if (!first) out->push_back(',');
      first = false;
      line(depth + 1);
      AppendJsonString(k, out);
      out->append(indent > 0 ? ": " : ":");
      v.append_to(out, indent, depth + 1);
    }
    if (!object().empty()) line(depth);
    out->push_back('}');
  }
}

Result<Json> ParseJson(std::string_view text, int max_depth) {
  Builder builder(max_depth);
  try {
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
      return Invalid("JSON: " + (builder.error().empty() ? "not readable" : builder.error()));
    }
  } catch (const std::exception& e) {
    return Invalid(std::string("JSON: ") + e.what());
  }
  return builder.take();
}

void AppendJsonString(std::string_view text, std::string* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out->push_back('"');
  while (!text.empty()) {
    const unsigned char c = static_cast<unsigned char>(text[0]);
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(static_cast<char>(c));
      text.remove_prefix(1);
    } else if (c < 0x20) {
      switch (c) {
        case '\n': out->append("\\n"); break;
        case '\t': out->append("\\t"); break;
        case '\r': out->append("\\r"); break;
        default:
          out->append("\\u00");
          out->push_back(kHex[c >> 4]);
          out->push_back(kHex[c & 15]);
      }
      text.remove_prefix(1);
    } else {
      const std::size_t n = Utf8Length(text);
      if (n == 0) {
        out->append("\xEF\xBF\xBD");
        text.remove_prefix(1);
      } else {
        out->append(text.substr(0, n));
        text.remove_prefix(n);
      }
    }
  }
  out->push_back('"');
}

void AppendJsonNumber(double value, std::string* out) {
  if (!std::isfinite(value)) {
    out->append("null");
    return;
  }
  char text[40];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  out->append(text, static_cast<std::size_t>(end - text));
}

}  // namespace strata::base
