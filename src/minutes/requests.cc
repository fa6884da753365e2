// SPDX-License-Identifier: Apache-2.0
#include "minutes/requests.h"

#include <cmath>
#include <map>
#include <tuple>

namespace strata::minutes {
namespace {

class Setter {
 public:
  Setter(const MinuteTable& table, MinuteRow* row) : table_(table), row_(row) {}
  void operator()(std::string_view fact, double value) const {
    const int i = table_.fact(fact);
    if (i >= 0) row_->facts[static_cast<std::size_t>(i)] = value;
  }

 private:
  const MinuteTable& table_;
  MinuteRow* row_;
};

constexpr std::pair<std::string_view, double RequestRow::*> kTimes[] = {
    {"ttft", &RequestRow::ttft_s},     {"tpot", &RequestRow::tpot_s},
    {"queue", &RequestRow::queue_s},   {"prefill", &RequestRow::prefill_s},
    {"decode", &RequestRow::decode_s}, {"e2e", &RequestRow::e2e_s}};

MinuteRow Fold(const MinuteTable& table, int index, std::int64_t minute_ns,
               const std::vector<const RequestRow*>& requests) {
  MinuteRow row;
  row.table = index;
  row.minute_ns = minute_ns;
  row.keys = {requests[0]->engine, requests[0]->model, requests[0]->tenant};
  row.facts.assign(table.facts.size(), kAbsent);
  const Setter set(table, &row);
  double ok = 0, errors = 0, aborted = 0;
  for (const RequestRow* r : requests)
    (r->status == "error" ? errors : r->status == "aborted" ? aborted : ok) += 1;
  set("calls", static_cast<double>(requests.size()));
  set("ok", ok);
  set("errors", errors);
  set("aborted", aborted);
  const auto sum = [&](double RequestRow::*field, auto counts) {
    double total = kAbsent;
    for (const RequestRow* r : requests) {
      if (!std::isnan(r->*field) && counts(*r)) total = (std::isnan(total) ? 0 : total) + r->*field;
    }
    return total;
  };
  const auto all = [](const RequestRow&) { return true; };
  set("input_tokens", sum(&RequestRow::input_tokens, all));
  set("cached_tokens", sum(&RequestRow::cached_tokens, all));
  set("output_tokens", sum(&RequestRow::output_tokens, all));
  set("useful_tokens",
      sum(&RequestRow::output_tokens, [](const RequestRow& r) { return r.useful > 0; }));
  for (const auto& [name, field] : kTimes) {
    std::vector<double> values;
    for (const RequestRow* r : requests) {
      if (!std::isnan(r->*field)) values.push_back(r->*field);
    }
    for (const auto& [suffix, q] :
         {std::pair("_p50_s", 0.50), std::pair("_p95_s", 0.95), std::pair("_p99_s", 0.99)}) {
      set(std::string(name) + suffix, QuantileOf(&values, q));
    }
  }
  return row;
}

}  // namespace

std::vector<MinuteRow> FoldRequests(const Layout& layout, std::int64_t minute_ns,
                                    std::span<const RequestRow> requests) {
  std::vector<MinuteRow> out;
  const int table = layout.table("request_minute");
  if (table < 0) return out;
  std::map<std::tuple<std::string, std::string, std::string>, std::vector<const RequestRow*>>
      groups;
  for (const RequestRow& r : requests) groups[{r.engine, r.model, r.tenant}].push_back(&r);
  for (const auto& [key, group] : groups) {
    out.push_back(Fold(layout.tables()[static_cast<std::size_t>(table)], table, minute_ns, group));
  }
  return out;
}

}  // namespace strata::minutes
