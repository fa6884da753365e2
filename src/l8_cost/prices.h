// SPDX-License-Identifier: Apache-2.0
// What an hour of a device costs, from the user's own rates and a dated, sourced book. Order: user
// override, exact (provider and region or sku), provider, generic row, middle of the market. An
// unknown device has no price.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "l8_cost/money.h"

namespace strata::l8_cost {

struct BookRow {
  std::string id, provider, region, sku, gpu;
  Money usd;                  // per GPU-hour
  std::int64_t as_of_ns = 0;  // 0 = the source has no date
  std::string as_of, source, confidence, scope;
  std::string term = "on_demand";  // spot and assumption are no market prices
};

struct PriceOverride {
  std::string gpu;  // a book key, a model name, or words of one: "H100 SXM"
  Money per_hour;
  std::int64_t from_ns = 0,
               to_ns =
                   0;  // to 0 = open; a change takes effect with the minute that begins after it
  std::string source{}, provider{}, region{};
  bool energy_excluded = false;
};

struct PriceQuery {
  std::string gpu_model;              // as the device calls itself: "NVIDIA H100 80GB HBM3"
  std::string provider, region, sku;  // "" = not known
  std::int64_t at_ns = 0;
};

struct Price {
  Money per_hour;
  std::string source;  // names the row and its date: "aws-h100@2026-11-09", "override:contract"
  std::string match;   // override | exact | provider | generic | market
  bool stale = false;  // undated, or older than stale_after at the time asked for
  bool energy_excluded = false;
};

class PriceBook {
 public:
  struct Options {
    std::vector<BookRow> rows;
    std::map<std::string, std::string, std::less<>> aliases;  // lower-case model name -> book key
    std::vector<PriceOverride> overrides;
    std::optional<Money> cpu_core_per_hour;
    std::string cpu_source = "override:cpu_core_usd_per_hour";
    bool cpu_builtin = false;  // not the user's own and undated: every row that uses it says so
    std::string currency = "USD";
    double usd_per_kwh = -1,
           pue = 1;  // electricity, for prices marked energy: excluded; < 0 = not told
    std::int64_t stale_after_ns = 90 * base::kDay;
  };
  explicit PriceBook(Options options);
  // The book that is built into the program (price_book.gen), into Options.
  static void AddBuiltin(Options* options);

  std::optional<Price> Find(const PriceQuery& query) const;
  std::optional<Price> cpu_core() const;
  const std::string& currency() const { return options_.currency; }
  // Electricity of so many joules at the board; zero when its price was not told.
  Money EnergyCost(double joules) const;
  // The book's key for what a device calls itself; "" when the book does not know it.
  std::string KeyOf(std::string_view gpu_model) const;

 private:
  Options options_;
};

// Are all words of `wanted` words of `name`? "h100 sxm" is in "H100-SXM5-80GB", "l4" is not in
// "L40S-48GB".
bool NamesDevice(std::string_view wanted, std::string_view name);

}  // namespace strata::l8_cost
