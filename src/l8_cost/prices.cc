// SPDX-License-Identifier: Apache-2.0
#include "l8_cost/prices.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "l8_cost/price_book.gen.h"

namespace strata::l8_cost {
namespace {

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::vector<std::string> WordsOf(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  for (const char c : Lower(text) + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      word += c;
    } else if (!word.empty()) {
      if (word != "nvidia" && word != "amd" && word != "tesla") out.push_back(word);
      word.clear();
    }
  }
  return out;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// "sxm" stands for "sxm5", but "l4" not for "l40s".
bool SameWord(const std::string& wanted, const std::string& word) {
  if (wanted == word) return true;
  if (word.size() <= wanted.size() || word.compare(0, wanted.size(), wanted) != 0 ||
      IsDigit(wanted.back()))
    return false;
  return std::all_of(word.begin() + static_cast<std::ptrdiff_t>(wanted.size()), word.end(),
                     IsDigit);
}

int ConfidenceOf(std::string_view text) { return text == "high" ? 2 : text == "medium" ? 1 : 0; }

// A rate nobody pays: a study's assumption, a fallback for any device, a price that moves by the
// hour.
bool IsMarketRow(const BookRow& row) {
  return row.term == "on_demand" && row.provider != "generic" && row.gpu != "any";
}

}  // namespace

bool NamesDevice(std::string_view wanted, std::string_view name) {
  const std::vector<std::string> words = WordsOf(wanted), of = WordsOf(name);
  if (words.empty()) return false;
  return std::all_of(words.begin(), words.end(), [&](const std::string& w) {
    return std::any_of(of.begin(), of.end(), [&](const std::string& o) { return SameWord(w, o); });
  });
}

PriceBook::PriceBook(Options options) : options_(std::move(options)) {}

void PriceBook::AddBuiltin(Options* options) {
  for (const PriceRow& r : price_rows()) {
    const auto usd = Money::Parse(r.usd);
    CHECK(usd.ok(), "a price of the built-in book is no decimal");
    BookRow row;
    row.id = r.id, row.provider = r.provider, row.region = r.region, row.sku = r.sku,
    row.gpu = r.gpu;
    row.usd = *usd;
    row.as_of = r.as_of;
    if (!r.as_of.empty()) {
      const auto time = base::ParseTime(std::string(r.as_of) + "T00:00:00Z", 0);
      CHECK(time.ok(), "a date of the built-in book is no date");
      row.as_of_ns = *time;
    }
    row.source = r.source, row.confidence = r.confidence, row.scope = r.scope, row.term = r.term;
    options->rows.push_back(std::move(row));
  }
  for (const GpuAlias& alias : gpu_aliases())
    options->aliases.emplace(alias.pattern, alias.gpu);  // the first is the best
  options->stale_after_ns = price_book_stale_after_days() * base::kDay;
}

std::string PriceBook::KeyOf(std::string_view gpu_model) const {
  if (const auto it = options_.aliases.find(Lower(gpu_model)); it != options_.aliases.end())
    return it->second;
  const std::vector<std::string> words = WordsOf(gpu_model);
  for (const BookRow& row : options_.rows) {
    if (row.gpu != "any" && WordsOf(row.gpu) == words) return row.gpu;
  }
  return {};
}

std::optional<Price> PriceBook::Find(const PriceQuery& query) const {
  if (query.gpu_model.empty()) return std::nullopt;
  const std::string key = KeyOf(query.gpu_model);
  const auto place = [&](const std::string& told, const std::string& asked) {
    return told.empty() || told == asked;
  };

  const PriceOverride* best = nullptr;
  std::size_t best_rank = 0;
  for (const PriceOverride& o : options_.overrides) {
    if (query.at_ns < o.from_ns || (o.to_ns > 0 && query.at_ns >= o.to_ns)) continue;
    if (!place(o.provider, query.provider) || !place(o.region, query.region)) continue;
    if (!NamesDevice(o.gpu, query.gpu_model) && (key.empty() || !NamesDevice(o.gpu, key))) continue;
    const std::size_t rank =
        WordsOf(o.gpu).size() * 4 + (o.provider.empty() ? 0 : 1) + (o.region.empty() ? 0 : 1);
    // The more specific first, then the later dated, then the later in the file.
    if (best == nullptr || rank > best_rank || (rank == best_rank && o.from_ns >= best->from_ns)) {
      best = &o;
      best_rank = rank;
    }
  }
  if (best != nullptr) {
    return Price{best->per_hour, "override:" + (best->source.empty() ? best->gpu : best->source),
                 "override", false, best->energy_excluded};
  }
  if (key.empty()) return std::nullopt;

  std::vector<const BookRow*> rows;
  for (const BookRow& row : options_.rows) {
    if (row.gpu == key && row.as_of_ns <= query.at_ns) rows.push_back(&row);
  }
  // A price that is known only from a later date is still the nearest one known, and marked stale.
  bool early = false;
  if (rows.empty()) {
    early = true;
    for (const BookRow& row : options_.rows) {
      if (row.gpu == key) rows.push_back(&row);
    }
  }
  const auto answer = [&](const BookRow& row, std::string match) {
    Price price;
    price.per_hour = row.usd;
    price.source = row.id + "@" + (row.as_of.empty() ? "undated" : row.as_of);
    price.match = std::move(match);
    price.stale =
        early || row.as_of_ns == 0 || query.at_ns - row.as_of_ns > options_.stale_after_ns;
    price.energy_excluded = row.scope.find("energy_excluded") != std::string::npos;
    return price;
  };
  // Newest, then best known, then first.
  const auto newest = [&](auto matches) -> const BookRow* {
    const BookRow* found = nullptr;
    for (const BookRow* row : rows) {
      if (!matches(*row)) continue;
      if (found == nullptr || row->as_of_ns > found->as_of_ns ||
          (row->as_of_ns == found->as_of_ns &&
           ConfidenceOf(row->confidence) > ConfidenceOf(found->confidence))) {
        found = row;
      }
    }
    return found;
  };
  if (!query.provider.empty()) {
    const auto* row = newest([&](const BookRow& r) {
      return r.provider == query.provider && ((!query.sku.empty() && r.sku == query.sku) ||
                                              (!query.region.empty() && r.region == query.region));
    });
    if (row != nullptr) return answer(*row, "exact");
    row = newest([&](const BookRow& r) { return r.provider == query.provider && IsMarketRow(r); });
    if (row != nullptr) return answer(*row, "provider");
  }
  if (const auto* row = newest([](const BookRow& r) { return r.provider == "generic"; }))
    return answer(*row, "generic");

  // The middle one of the providers' newest rows, an existing row so that its source can be named.
  std::vector<const BookRow*> market;
  for (const BookRow* row : rows) {
    if (!IsMarketRow(*row)) continue;
    const auto* latest =
        newest([&](const BookRow& r) { return IsMarketRow(r) && r.provider == row->provider; });
    if (latest == row) market.push_back(row);
  }
  if (market.empty()) return std::nullopt;
  std::stable_sort(market.begin(), market.end(),
                   [](const BookRow* a, const BookRow* b) { return a->usd < b->usd; });
  return answer(*market[(market.size() - 1) / 2], "market");
}

std::optional<Price> PriceBook::cpu_core() const {
  if (!options_.cpu_core_per_hour) return std::nullopt;
  return Price{*options_.cpu_core_per_hour, options_.cpu_source,
               options_.cpu_builtin ? "generic" : "override", options_.cpu_builtin, false};
}

Money PriceBook::EnergyCost(double joules) const {
  if (options_.usd_per_kwh < 0 || !std::isfinite(joules) || joules <= 0) return {};
  return Money::Near(joules / 3.6e6 * options_.usd_per_kwh * options_.pue);
}

}  // namespace strata::l8_cost
