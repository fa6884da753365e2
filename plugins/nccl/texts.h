// SPDX-License-Identifier: Apache-2.0
// Names of operations, datatypes, algorithms and protocols by a number of one byte. NCCL passes
// pointers to a few dozen constants, so a pointer seen before is found at once; its text is
// compared all the same, since nothing promises that it is a constant. Any thread, no locks.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>

namespace strata::nccl {

class Texts {
 public:
  static constexpr std::uint8_t kEmpty = 0;    // no text
  static constexpr std::uint8_t kUnknown = 1;  // "unknown": the table is full
  static constexpr std::size_t kLength = 40;   // with the final zero; what is longer is cut

  std::uint8_t Number(const char* text) {
    if (text == nullptr || *text == 0) return kEmpty;
    const auto value = reinterpret_cast<std::uintptr_t>(text);
    std::uint32_t at = static_cast<std::uint32_t>(value >> 3 ^ value >> 10);
    for (int tries = 0; tries < 32; ++tries, ++at) {
      const std::uint32_t place = at % kPlaces;
      Entry& entry = entries_[place];
      const char* key = entry.key.load(std::memory_order_acquire);
      if (key == nullptr && entry.key.compare_exchange_strong(key, text)) {
        const std::size_t n = ::strnlen(text, kLength - 1);
        std::memcpy(entry.text, text, n);
        entry.whole.store(true, std::memory_order_release);
        return static_cast<std::uint8_t>(place + kFirst);
      }
      if (key == text && entry.whole.load(std::memory_order_acquire) &&
          std::strncmp(entry.text, text, kLength - 1) == 0)
        return static_cast<std::uint8_t>(place + kFirst);
    }
    return kUnknown;
  }
  // Of a number that was got before; kLength bytes, padded with zeros.
  const char* Of(std::uint8_t number) const {
    static constexpr char kEmptyText[kLength] = {}, kUnknownText[kLength] = "unknown";
    if (number == kEmpty) return kEmptyText;
    if (number == kUnknown) return kUnknownText;
    return entries_[number - kFirst].text;
  }

 private:
  static constexpr std::uint32_t kPlaces = 248, kFirst = 2;
  struct alignas(64) Entry {
    std::atomic<const char*> key{nullptr};
    std::atomic<bool> whole{false};
    char text[kLength] = {};
  };
  Entry entries_[kPlaces];
};

}  // namespace strata::nccl
