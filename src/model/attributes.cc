// SPDX-License-Identifier: Apache-2.0
#include "model/attributes.h"

#include <algorithm>

#include "base/hash.h"
#include "base/json.h"

namespace strata::model {
namespace {

auto Find(auto& pairs, std::string_view key) {
  return std::lower_bound(pairs.begin(), pairs.end(), key,
                          [](const auto& p, std::string_view k) { return p.first < k; });
}

}  // namespace

Attributes::Attributes(std::initializer_list<Pair> pairs) {
  for (const auto& [k, v] : pairs) set(k, v);
}

std::string_view Attributes::get(std::string_view key) const {
  const auto it = Find(pairs_, key);
  return it != pairs_.end() && it->first == key ? std::string_view(it->second) : std::string_view();
}

bool Attributes::has(std::string_view key) const {
  const auto it = Find(pairs_, key);
  return it != pairs_.end() && it->first == key;
}

void Attributes::set(std::string_view key, std::string_view value) {
  const auto it = Find(pairs_, key);
  if (it != pairs_.end() && it->first == key) {
    it->second.assign(value);
  } else {
    pairs_.emplace(it, std::string(key), std::string(value));
  }
}

void Attributes::set_if_absent(std::string_view key, std::string_view value) {
  if (!has(key)) set(key, value);
}

void Attributes::erase(std::string_view key) {
  const auto it = Find(pairs_, key);
  if (it != pairs_.end() && it->first == key) pairs_.erase(it);
}

std::string Attributes::take(std::string_view key) {
  const auto it = Find(pairs_, key);
  if (it == pairs_.end() || it->first != key) return {};
  std::string value = std::move(it->second);
  pairs_.erase(it);
  return value;
}

std::uint64_t Attributes::hash(std::uint64_t seed) const {
  for (const auto& [k, v] : pairs_)
    seed = base::Mix(base::Mix(seed, base::Hash64(k)), base::Hash64(v));
  return seed;
}

std::string Attributes::text() const {
  std::string out = "{";
  for (const auto& [k, v] : pairs_) {
    if (out.size() > 1) out.push_back(',');
    out.append(k).push_back('=');
    base::AppendJsonString(v, &out);
  }
  out.push_back('}');
  return out;
}

}  // namespace strata::model
