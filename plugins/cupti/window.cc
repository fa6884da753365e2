// SPDX-License-Identifier: Apache-2.0
#include "window.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace strata_cupti {
namespace {

constexpr std::size_t kIndex = 1024;  // a power of two, four times the names
constexpr std::string_view kOther = "(other)";

std::uint32_t Hash(std::string_view text) {
  std::uint32_t h = 2166136261u;  // FNV-1a
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
  return h;
}

void Quote(std::string_view text, std::string* out) {
  out->push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out->push_back('\\');
    if (static_cast<unsigned char>(c) < 0x20) continue;
    out->push_back(c);
  }
  out->push_back('"');
}

void Number(double value, std::string* out) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  out->append(text);
}

void Attribute(std::string_view key, std::string_view value, std::string* out) {
  out->append("{\"key\":");
  Quote(key, out);
  out->append(",\"value\":{\"stringValue\":");
  Quote(value, out);
  out->append("}}");
}

void Times(std::int64_t from_ns, std::int64_t to_ns, std::string* out) {
  out->append("\"startTimeUnixNano\":\"" + std::to_string(from_ns) + "\",\"timeUnixNano\":\"" +
              std::to_string(to_ns) + "\"");
}

}  // namespace

Window::Window() : uses_(kNames), index_(kIndex) { spans_.reserve(kSpans); }

void Window::Begin(std::int64_t now_ns) {
  for (std::size_t i = 0; i < names_; ++i) uses_[i] = Use{};
  std::fill(index_.begin(), index_.end(), 0);
  names_ = 0;
  spans_.clear();
  overfull_ = false;
  began_ns_ = now_ns;
  copy_ns_ = 0;
  kernels_ = copies_ = copied_bytes_ = dropped_ = 0;
}

Window::Use* Window::Find(std::string_view name) {
  name = name.substr(0, kNameBytes);
  // Not in the middle of a character.
  while (!name.empty() && name.size() == kNameBytes &&
         (static_cast<unsigned char>(name.back()) & 0x80) != 0)
    name.remove_suffix(1);
  for (std::uint32_t at = Hash(name) % kIndex;; at = (at + 1) % kIndex) {
    if (index_[at] == 0) {
      if (names_ == kNames) return &uses_[kNames - 1];
      // The last place is for all names that find none.
      if (names_ == kNames - 1) name = kOther;
      Use& use = uses_[names_++];
      index_[at] = static_cast<std::uint16_t>(names_);
      use.length = static_cast<std::uint32_t>(name.size());
      std::memcpy(use.name, name.data(), name.size());
      return &use;
    }
    Use& use = uses_[index_[at] - 1];
    if (std::string_view(use.name, use.length) == name) return &use;
  }
}

void Window::Busy(std::int64_t from_ns, std::int64_t to_ns) {
  if (!spans_.empty() && from_ns <= spans_.back().to && from_ns >= spans_.back().from) {
    spans_.back().to = std::max(spans_.back().to, to_ns);
  } else if (spans_.size() < kSpans) {
    spans_.push_back({from_ns, to_ns});
  } else {
    overfull_ = true;
  }
}

void Window::Kernel(std::string_view name, std::int64_t from_ns, std::int64_t to_ns) {
  const std::int64_t took = to_ns - from_ns;
  if (from_ns <= 0 || took < 0) {
    ++dropped_;
    return;
  }
  Use* use = Find(name);
  use->shortest_ns = use->count == 0 ? took : std::min(use->shortest_ns, took);
  use->longest_ns = std::max(use->longest_ns, took);
  ++use->count;
  use->total_ns += took;
  ++kernels_;
  if (took == 0) {
    ++use->zeros;
    return;
  }
  const double exact = std::log2(static_cast<double>(took) / 1e9) * (1 << kScale);
  const int bucket = static_cast<int>(std::ceil(exact)) - 1 - kFirstBucket;
  ++use->buckets[static_cast<std::size_t>(std::clamp(bucket, 0, static_cast<int>(kBuckets) - 1))];
  Busy(from_ns, to_ns);
}

void Window::Memcpy(std::int64_t from_ns, std::int64_t to_ns, std::uint64_t bytes) {
  if (from_ns <= 0 || to_ns < from_ns) {
    ++dropped_;
    return;
  }
  ++copies_;
  copied_bytes_ += bytes;
  copy_ns_ += to_ns - from_ns;
  Busy(from_ns, to_ns);
}

std::int64_t Window::BusyNs() {
  if (overfull_ || dropped_ > 0) return -1;
  std::sort(spans_.begin(), spans_.end(),
            [](const Span& a, const Span& b) { return a.from < b.from; });
  std::int64_t busy = 0, reached = 0;
  for (const Span& span : spans_) {
    busy += std::max<std::int64_t>(0, span.to - std::max(span.from, reached));
    reached = std::max(reached, span.to);
  }
  return busy;
}

std::string Window::Line(std::int64_t now_ns,
                         const std::vector<std::pair<std::string, std::string>>& attributes) {
  std::string out = "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[";
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    if (i > 0) out.push_back(',');
    Attribute(attributes[i].first, attributes[i].second, &out);
  }
  out.append(
      "]},\"scopeMetrics\":[{\"scope\":{\"name\":\"strata.cupti\"},\"metrics\":[{\"name\":"
      "\"cuda.kernel.duration\",\"unit\":\"s\",\"exponentialHistogram\":{"
      "\"aggregationTemporality\":1,\"dataPoints\":[");
  for (std::size_t i = 0; i < names_; ++i) {
    const Use& use = uses_[i];
    std::size_t first = 0, last = kBuckets;
    while (first < kBuckets && use.buckets[first] == 0) ++first;
    while (last > first && use.buckets[last - 1] == 0) --last;
    out.append(i > 0 ? ",{\"attributes\":[" : "{\"attributes\":[");
    Attribute("kernel", {use.name, use.length}, &out);
    out.append("],");
    Times(began_ns_, now_ns, &out);
    out.append(",\"count\":\"" + std::to_string(use.count) + "\",\"sum\":");
    Number(static_cast<double>(use.total_ns) / 1e9, &out);
    out.append(",\"min\":");
    Number(static_cast<double>(use.shortest_ns) / 1e9, &out);
    out.append(",\"max\":");
    Number(static_cast<double>(use.longest_ns) / 1e9, &out);
    out.append(",\"scale\":" + std::to_string(kScale) + ",\"zeroCount\":\"" +
               std::to_string(use.zeros) + "\",\"positive\":{\"offset\":" +
               std::to_string(kFirstBucket + static_cast<int>(first)) + ",\"bucketCounts\":[");
    for (std::size_t b = first; b < last; ++b)
      out.append((b > first ? ",\"" : "\"") + std::to_string(use.buckets[b]) + "\"");
    out.append("]}}");
  }
  out.append("]}}");
  const auto gauge = [&](const char* name, const char* unit, double value) {
    out.append(std::string(",{\"name\":\"") + name + "\",\"unit\":\"" + unit +
               "\",\"gauge\":{\"dataPoints\":[{");
    Times(began_ns_, now_ns, &out);
    out.append(",\"asDouble\":");
    Number(value, &out);
    out.append("}]}}");
  };
  const double window_s = static_cast<double>(now_ns - began_ns_) / 1e9;
  if (window_s > 0 && dropped_ == 0) {
    gauge("cuda.memcpy.utilization", "1", static_cast<double>(copy_ns_) / 1e9 / window_s);
    gauge("cuda.memcpy.io.rate", "By/s", static_cast<double>(copied_bytes_) / window_s);
    const std::int64_t busy = BusyNs();
    if (busy >= 0)
      gauge("cuda.idle", "1", std::max(0.0, 1 - static_cast<double>(busy) / 1e9 / window_s));
  }
  gauge("cuda.records.dropped", "{record}", static_cast<double>(dropped_));
  out.append("]}]}]}\n");
  return out;
}

}  // namespace strata_cupti
