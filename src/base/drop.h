// SPDX-License-Identifier: Apache-2.0
// The only way to lose data: a declared reason with a severity and advice, counted. Thread-safe,
// lock-free to count.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace strata::base {

enum class Reason : std::uint8_t {
  malformed,        // bytes that do not follow their protocol
  oversize,         // a body, label or list beyond its limit
  not_a_number,     // NaN that is no stale marker, or an unreadable number
  future,           // more than 10 minutes ahead of the server's clock
  too_old,          // older than the retention of its table
  wrong_type,       // a value whose kind contradicts its series
  duplicate,        // the same batch again
  series_limit,     // the limit of distinct series was reached
  label_limit,      // too many attributes on one series
  queue_full,       // a bounded queue was full
  reserved,         // strata.* from a sender without scope agent
  unsupported,      // a form that is known and not kept (native histograms)
  content_removed,  // message content or arguments taken away at the door
  spool_full,       // the agent's disk spool was full
  store_failed,     // the engine refused a segment for good
  unnamed,          // nothing to call it by: no metric name, no trace id
  implausible,      // outside what its signal can physically be (catalog: min, max)
  kCount,
};

struct DropFact {
  Reason reason;
  std::string_view name;
  std::string_view severity;  // error | warning | info
  std::string_view advice;
  std::uint64_t count;
};

std::string_view reason_name(Reason reason);

// Counts process-wide.
void Drop(Reason reason, std::uint64_t n = 1);
std::vector<DropFact> Drops();

// Refusals of one request or file, by reason; added to the process-wide count by whoever owns the
// request.
class Refusals {
 public:
  void add(Reason reason, std::uint64_t n = 1, std::string_view example = {});
  void merge(const Refusals& other);
  std::uint64_t total() const;
  std::uint64_t count(Reason reason) const;
  bool empty() const { return counts_.empty(); }
  const std::map<Reason, std::uint64_t>& counts() const { return counts_; }
  const std::string& example() const {
    return example_;
  }  // the first one, for the answer to the sender
  void clear();

 private:
  std::map<Reason, std::uint64_t> counts_;
  std::string example_;
};

}  // namespace strata::base
