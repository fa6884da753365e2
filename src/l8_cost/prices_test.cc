// SPDX-License-Identifier: Apache-2.0
#include "l8_cost/prices.h"

#include <gtest/gtest.h>

namespace strata::l8_cost {
namespace {

constexpr std::int64_t kNow = 1'764'000'000 * base::kSecond;

BookRow Row(std::string id, std::string provider, std::string gpu, std::string_view usd,
            int days_old, std::string sku = "", std::string confidence = "medium") {
  BookRow r;
  r.id = std::move(id), r.provider = std::move(provider), r.gpu = std::move(gpu),
  r.sku = std::move(sku);
  r.usd = Money::Parse(usd).value();
  r.as_of_ns = days_old < 0 ? 0 : kNow - days_old * base::kDay;
  r.as_of = days_old < 0 ? "" : std::to_string(days_old) + "d";
  r.confidence = std::move(confidence);
  return r;
}

PriceBook MakeBook() {
  PriceBook::Options o;
  o.rows = {Row("aws", "aws", "H100-SXM5-80GB", "6.88", 10, "p5"),
            Row("lam8", "lambda", "H100-SXM5-80GB", "3.99", 60, "x8"),
            Row("lam1", "lambda", "H100-SXM5-80GB", "4.29", 60, "x1"),
            Row("old", "nebius", "H100-SXM5-80GB", "2.95", 300),
            Row("new", "nebius", "H100-SXM5-80GB", "4.50", 30),
            Row("spot", "gcp", "H100-SXM5-80GB", "1.00", 1),
            Row("a100", "aws", "A100-SXM4-80GB", "3.43", 200),
            Row("l4", "aws", "L4-24GB", "0.80", -1),
            Row("any", "generic", "any", "0.95", 1)};
  o.rows[5].term = "spot";
  o.aliases = {{"nvidia h100 80gb hbm3", "H100-SXM5-80GB"}};
  o.overrides = {{"A100", Money::Parse("1.5").value(), kNow - base::kDay, 0, "contract"},
                 {"H100 SXM", Money::Parse("2.10").value(), kNow + base::kDay, 0, "contract"}};
  return PriceBook(o);
}

TEST(NamesDevice, ByWholeWords) {
  EXPECT_TRUE(NamesDevice("H100 SXM", "H100-SXM5-80GB"));
  EXPECT_TRUE(NamesDevice("l40s", "NVIDIA L40S"));
  EXPECT_FALSE(NamesDevice("L4", "L40S-48GB"));
  EXPECT_FALSE(NamesDevice("H100", "H1000"));
  EXPECT_FALSE(NamesDevice("", "H100"));
}

TEST(PriceBook, LooksUpInTheDocumentedOrder) {
  const PriceBook book = MakeBook();
  const auto find = [&](PriceQuery q) { return book.Find(q); };
  const std::string h100 = "NVIDIA H100 80GB HBM3";
  EXPECT_EQ(find({h100, "", "", "", kNow + 2 * base::kDay})->source, "override:contract");
  EXPECT_EQ(find({h100, "lambda", "", "x1", kNow})->match, "exact");
  EXPECT_EQ(find({h100, "lambda", "", "x1", kNow})->per_hour.text(), "4.29");
  EXPECT_EQ(find({h100, "nebius", "", "", kNow})->source, "new@30d");
  EXPECT_EQ(find({h100, "nebius", "", "", kNow - 100 * base::kDay})->source, "old@300d")
      << "what was known then";
  EXPECT_EQ(find({h100, "", "", "", kNow})->match, "market");
  EXPECT_EQ(find({h100, "", "", "", kNow})->per_hour.text(), "4.5")
      << "3.99, 4.50, 6.88; the spot row is no rate";
}

TEST(PriceBook, SaysWhatIsStaleAndKnowsNoDefault) {
  const PriceBook book = MakeBook();
  EXPECT_FALSE(book.Find({"NVIDIA H100 80GB HBM3", "aws", "", "", kNow})->stale);
  EXPECT_TRUE(book.Find({"L4-24GB", "", "", "", kNow})->stale) << "undated";
  EXPECT_TRUE(book.Find({"NVIDIA A100-SXM4-80GB", "", "", "", kNow - 2 * base::kDay})->stale)
      << "200 days";
  EXPECT_EQ(book.Find({"NVIDIA A100-SXM4-80GB", "", "", "", kNow})->per_hour.text(), "1.5");
  EXPECT_FALSE(book.Find({"Quantum Accelerator 9", "aws", "", "", kNow}).has_value());
  EXPECT_FALSE(book.Find({"", "", "", "", kNow}).has_value());
  EXPECT_FALSE(book.cpu_core().has_value());
}

TEST(PriceBook, TheBuiltInBookKnowsTheCommonDevices) {
  PriceBook::Options o;
  PriceBook::AddBuiltin(&o);
  const PriceBook book(o);
  for (const char* model : {"NVIDIA H100 80GB HBM3", "NVIDIA A100-SXM4-80GB", "NVIDIA L40S"}) {
    const auto price = book.Find({model, "", "", "", kNow + 400 * base::kDay});
    ASSERT_TRUE(price.has_value()) << model;
    EXPECT_EQ(price->match, "market");
  }
  EXPECT_EQ(book.Find({"NVIDIA H100 80GB HBM3", "aws", "us-east-1", "", kNow + 400 * base::kDay})
                ->per_hour.text(),
            "6.88");
  EXPECT_FALSE(book.Find({"NVIDIA GeForce GTX 1050", "", "", "", kNow}).has_value());
}

TEST(PriceBook, Electricity) {
  PriceBook::Options o;
  EXPECT_TRUE(PriceBook(o).EnergyCost(3.6e6).is_zero());
  o.usd_per_kwh = 0.09, o.pue = 1.3;
  EXPECT_EQ(PriceBook(o).EnergyCost(3.6e6).text(), "0.117");
}

TEST(Prices, ABuiltInCoreHourSaysThatItIsUndated) {
  PriceBook::Options options;
  options.cpu_core_per_hour = *Money::Parse("0.031611");
  EXPECT_FALSE(PriceBook(options).cpu_core()->stale);
  EXPECT_EQ(PriceBook(options).cpu_core()->match, "override");
  options.cpu_builtin = true;
  EXPECT_TRUE(PriceBook(options).cpu_core()->stale);
  EXPECT_EQ(PriceBook(options).cpu_core()->match, "generic");
}

}  // namespace
}  // namespace strata::l8_cost
