// SPDX-License-Identifier: Apache-2.0
#include "l2_comm/plain.h"

#include <simdjson.h>

#include <charconv>
#include <cmath>

namespace strata::l2_comm {
namespace {

namespace dom = simdjson::dom;

class JsonFiller {
 public:
  JsonFiller(Plain* out, const PlainLimits& limits) : out_(out), limits_(limits) {}

  // The node's index; false in `ok` when a limit was reached.
  std::uint32_t Fill(const dom::element& element, bool* ok) {
    if (out_->size() >= limits_.values) {
      *ok = false;
      return 0;
    }
    switch (element.type()) {
      case dom::element_type::OBJECT: {
        const std::uint32_t at = out_->Add(Plain::Type::dict);
        std::vector<std::uint32_t> items;
        for (const auto& [key, value] : dom::object(element)) {
          items.push_back(Text(key));
          items.push_back(Fill(value, ok));
          if (!*ok) return 0;
        }
        out_->node(at).items = std::move(items);
        return at;
      }
      case dom::element_type::ARRAY: {
        const std::uint32_t at = out_->Add(Plain::Type::list);
        std::vector<std::uint32_t> items;
        for (const dom::element value : dom::array(element)) {
          items.push_back(Fill(value, ok));
          if (!*ok) return 0;
        }
        out_->node(at).items = std::move(items);
        return at;
      }
      case dom::element_type::STRING: return Text(std::string_view(element));
      case dom::element_type::BOOL: {
        const std::uint32_t at = out_->Add(Plain::Type::boolean);
        out_->node(at).integer = bool(element) ? 1 : 0;
        return at;
      }
      case dom::element_type::INT64: {
        const std::uint32_t at = out_->Add(Plain::Type::integer);
        out_->node(at).integer = std::int64_t(element);
        return at;
      }
      case dom::element_type::UINT64:
      case dom::element_type::DOUBLE: {
        const std::uint32_t at = out_->Add(Plain::Type::real);
        out_->node(at).real = double(element);
        return at;
      }
      default: return out_->Add(Plain::Type::none);
    }
  }

 private:
  std::uint32_t Text(std::string_view text) {
    const std::uint32_t at = out_->Add(Plain::Type::text);
    out_->node(at).text = out_->Keep(std::string(text));
    return at;
  }

  Plain* out_;
  const PlainLimits& limits_;
};

}  // namespace

base::Result<Plain> Plain::FromJson(std::string_view text, const PlainLimits& limits) {
  dom::parser parser;
  if (parser.allocate(0, limits.depth) != simdjson::SUCCESS)
    return base::Exhausted("no memory for a JSON parser");
  dom::element element;
  if (const auto error = parser.parse(text.data(), text.size()).get(element);
      error != simdjson::SUCCESS) {
    return base::Invalid("JSON: " + std::string(simdjson::error_message(error)));
  }
  Plain out;
  bool ok = true;
  out.set_root(JsonFiller(&out, limits).Fill(element, &ok));
  if (!ok) return base::Exhausted("more than " + std::to_string(limits.values) + " values");
  return out;
}

Plain::Type Plain::Ref::type() const {
  return tree_ == nullptr ? Type::none : tree_->node(index_).type;
}

bool Plain::Ref::Integer(std::int64_t* out) const {
  if (is(Type::integer) || is(Type::boolean)) {
    *out = tree_->node(index_).integer;
    return true;
  }
  if (!is(Type::text)) return false;
  const std::string_view t = text();
  const auto [end, error] = std::from_chars(t.data(), t.data() + t.size(), *out);
  return error == std::errc() && end == t.data() + t.size();
}

double Plain::Ref::AsReal(double otherwise) const {
  if (is(Type::real)) return tree_->node(index_).real;
  std::int64_t integer = 0;
  return Integer(&integer) ? static_cast<double>(integer) : otherwise;
}

bool Plain::Ref::AsBool(bool otherwise) const {
  return is(Type::boolean) || is(Type::integer) ? tree_->node(index_).integer != 0 : otherwise;
}

std::string_view Plain::Ref::text() const {
  return is(Type::text) ? tree_->node(index_).text : std::string_view();
}

std::size_t Plain::Ref::size() const {
  if (is(Type::list)) return tree_->node(index_).items.size();
  return is(Type::dict) ? tree_->node(index_).items.size() / 2 : 0;
}

Plain::Ref Plain::Ref::at(std::size_t i) const {
  return is(Type::list) && i < size() ? Ref(tree_, tree_->node(index_).items[i]) : Ref();
}

Plain::Ref Plain::Ref::key(std::size_t i) const {
  return is(Type::dict) && i < size() ? Ref(tree_, tree_->node(index_).items[2 * i]) : Ref();
}

Plain::Ref Plain::Ref::value(std::size_t i) const {
  return is(Type::dict) && i < size() ? Ref(tree_, tree_->node(index_).items[2 * i + 1]) : Ref();
}

Plain::Ref Plain::Ref::operator[](std::string_view name) const {
  for (std::size_t i = is(Type::dict) ? size() : 0; i-- > 0;) {
    if (key(i).text() == name) return value(i);
  }
  return {};
}

}  // namespace strata::l2_comm
