// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l8_cost/price-book.yaml: edit that file. Prices seen in public, not offers; every row says
// where and when. Constant tables, any thread.
#pragma once

#include <span>
#include <string_view>

namespace strata::l8_cost {

struct PriceRow {
  std::string_view id;          // "aws-h100": a figure shown names it
  std::string_view provider, region, sku;
  std::string_view gpu;         // the book's key, "H100-SXM5-80GB"; "any" is for no device
  std::string_view usd;         // per GPU-hour, the decimal digits as written
  std::string_view as_of;       // "2026-11-09"; "" = the source gave no date
  std::string_view source;      // where it was read
  std::string_view confidence;  // high | medium | low
  std::string_view scope;       // instance_share: CPU, RAM and disk of the instance are inside
  std::string_view term;        // on_demand | spot | assumption (never a market price)
  std::string_view superseded_by;  // id of a newer row of the same offer, or ""
};

// A device model as NVML, DCGM or an SMI tool prints it, in lower case -> the book's gpu key. Equal or not at all.
struct GpuAlias {
  std::string_view pattern, gpu;
};

std::span<const PriceRow> price_rows();
std::span<const GpuAlias> gpu_aliases();  // sorted by pattern; one pattern may have several keys, best first
std::string_view price_book_compiled();   // date of the book
int price_book_stale_after_days();        // an older row is used with a warning

}  // namespace strata::l8_cost
