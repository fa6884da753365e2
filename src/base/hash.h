// SPDX-License-Identifier: Apache-2.0
// 64- and 128-bit hashes of bytes (XXH3). Stable across machines and releases: ids of series are
// made from them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace strata::base {

std::uint64_t Hash64(std::string_view bytes, std::uint64_t seed = 0);

struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const Hash128&) const = default;
  std::string hex() const;  // 32 lower-case digits
};
Hash128 HashBytes128(std::string_view bytes);

// Mixes one more value into a running hash; order matters.
inline std::uint64_t Mix(std::uint64_t seed, std::uint64_t value) {
  seed ^= value + 0x9e3779b97f4a7c15ULL + (seed << 12) + (seed >> 4);
  return seed * 0xff51afd7ed558ccdULL;
}

}  // namespace strata::base
