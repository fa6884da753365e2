// SPDX-License-Identifier: Apache-2.0
// A tree of plain data (none, bool, numbers, text, lists, dicts), filled from a pickle (pickle.h)
// or a JSON text. Nodes stand in one arena, so neither depth nor cycles of a hostile input cost a
// stack. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace strata::l2_comm {

struct PlainLimits {
  std::size_t values = 4u << 20;  // of one tree; a node takes 64 bytes
  std::size_t depth = 100;        // open containers
};

class Plain {
 public:
  enum class Type : std::uint8_t { none, boolean, integer, real, text, list, dict };

  // A look at one value. Asking a value for what it is not answers the neutral one.
  class Ref {
   public:
    Ref() = default;
    Type type() const;
    bool is(Type t) const { return type() == t; }
    explicit operator bool() const { return type() != Type::none; }
    // Numbers; also text that holds one, as the JSON form of the flight recorder has them.
    bool Integer(std::int64_t* out) const;
    double AsReal(double otherwise) const;
    bool AsBool(bool otherwise = false) const;
    std::string_view text() const;
    std::size_t size() const;                    // of a list; pairs of a dict
    Ref at(std::size_t i) const;                 // of a list
    Ref key(std::size_t i) const;                // of a dict
    Ref value(std::size_t i) const;              // of a dict
    Ref operator[](std::string_view key) const;  // the last one wins, as in Python

   private:
    friend class Plain;
    Ref(const Plain* tree, std::uint32_t index) : tree_(tree), index_(index) {}
    const Plain* tree_ = nullptr;
    std::uint32_t index_ = 0;
  };

  struct Node {
    Type type = Type::none;
    std::int64_t integer = 0;
    double real = 0;
    std::string_view text;
    std::vector<std::uint32_t> items;  // of a dict: key, value, key, value …
  };

  // JSON, one text. Strings are copied.
  static base::Result<Plain> FromJson(std::string_view text, const PlainLimits& limits = {});

  Ref root() const { return nodes_.empty() ? Ref() : Ref(this, root_); }

  // ---- for those who fill it
  std::uint32_t Add(Type type) {
    nodes_.emplace_back().type = type;
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }
  Node& node(std::uint32_t i) { return nodes_[i]; }
  const Node& node(std::uint32_t i) const { return nodes_[i]; }
  std::size_t size() const { return nodes_.size(); }
  std::string_view Keep(std::string text) { return texts_.emplace_back(std::move(text)); }
  void set_root(std::uint32_t i) { root_ = i; }

 private:
  std::vector<Node> nodes_;
  std::deque<std::string> texts_;  // does not move what it holds
  std::uint32_t root_ = 0;
};

}  // namespace strata::l2_comm
