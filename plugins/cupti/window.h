// SPDX-License-Identifier: Apache-2.0
// What a window of kernel records comes to: time by kernel name, copies, busy time. Knows nothing
// of CUPTI. Allocates once; a window of any number of records stays within its tables. Not
// thread-safe: the caller holds a lock.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata_cupti {

class Window {
 public:
  static constexpr std::size_t kNames = 256;       // kernel names; the rest is counted as "(other)"
  static constexpr std::size_t kNameBytes = 200;   // longer names are cut
  static constexpr int kScale = 2;                 // OTLP exponential buckets: four per doubling
  static constexpr int kFirstBucket = -120;        // 2^-30 s
  static constexpr std::size_t kBuckets = 168;     // to 2^12 s
  static constexpr std::size_t kSpans = 1u << 16;  // busy intervals of one window; see dropped()

  Window();
  void Begin(std::int64_t now_ns);
  // Times in ns of one clock; a record that ends before it starts is counted as dropped.
  void Kernel(std::string_view name, std::int64_t from_ns, std::int64_t to_ns);
  void Memcpy(std::int64_t from_ns, std::int64_t to_ns, std::uint64_t bytes);
  void Dropped(std::uint64_t n) { dropped_ += n; }  // records that the source lost
  // One line: an OTLP metrics export request in JSON. `attributes` are the resource's.
  std::string Line(std::int64_t now_ns,
                   const std::vector<std::pair<std::string, std::string>>& attributes);

  std::uint64_t kernels() const { return kernels_; }
  std::uint64_t dropped() const { return dropped_; }
  // Time in which something ran, ns; -1 when the window had more intervals than kSpans or lost
  // records, so that nobody takes what was not seen for idle.
  std::int64_t BusyNs();

 private:
  struct Use {
    char name[kNameBytes];
    std::uint32_t length = 0;
    std::uint64_t count = 0, zeros = 0;
    std::int64_t total_ns = 0, shortest_ns = 0, longest_ns = 0;
    std::array<std::uint32_t, kBuckets> buckets{};
  };
  struct Span {
    std::int64_t from, to;
  };
  Use* Find(std::string_view name);
  void Busy(std::int64_t from_ns, std::int64_t to_ns);

  std::vector<Use> uses_;
  std::vector<std::uint16_t> index_;  // open addressing over uses_
  std::size_t names_ = 0;
  std::vector<Span> spans_;
  bool overfull_ = false;
  std::int64_t began_ns_ = 0, copy_ns_ = 0;
  std::uint64_t kernels_ = 0, copies_ = 0, copied_bytes_ = 0, dropped_ = 0;
};

}  // namespace strata_cupti
