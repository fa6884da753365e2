// SPDX-License-Identifier: Apache-2.0
// The schema as people read it, and RowBinary without an engine.
#include "store/tables.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <set>

#include "base/file.h"
#include "store/gate.h"
#include "store/rows.h"

namespace strata::store {
namespace {

std::string TablesPage() {
  const auto tables = MakeTables({});
  const auto keep = [](Keep k) {
    switch (k) {
      case Keep::forever: return "kept";
      case Keep::day: return "24 h";
      case Keep::samples: return "retention.samples";
      case Keep::spans: return "retention.spans";
      case Keep::logs: return "retention.logs";
      case Keep::minutes: return "retention.minutes";
      case Keep::requests: return "90 d";
      case Keep::ledger: return "retention.ledger";
    }
    return "";
  };
  std::string out =
      "# Tables\n\nPrinted from `src/store/tables.cc` by `store_test` (`STRATA_REWRITE=1` writes "
      "it anew). First what people "
      "read, then what is stored.\n\n"
      "- `origin` is `live` or the replayed world's name. `received` is the TTL's clock. Times are "
      "UTC, DateTime64(9) is "
      "nanoseconds. NULL = not measured.\n"
      "- A row of a table `…_v` counts when `closes` names its version as the newest of its "
      "(table, minute, origin), or of its (table, minute, entity, origin) where that entity was "
      "closed again: "
      "write the rows, then the row in `closes`. A minute closes first as a whole (entity ''), and "
      "as a whole always for `ledger`, `requests` and `request_minute`. `closes.table` is the "
      "public name (`gpu_minute`), "
      "`version` grows "
      "(nanoseconds of the close by the server's clock). `holdings_v` and `findings_v` need no row "
      "in `closes`.\n"
      "- Inserts are RowBinary in exactly the order of the columns given here. The minute tables "
      "end with one "
      "`Nullable(Float64)` for each minute column of the catalogs, in catalog order "
      "(`minute_columns()`).\n"
      "- Our own SQL passes time as a parameter: `WHERE ts >= "
      "fromUnixTimestamp64Nano({from:Int64}, 'UTC')`.\n\n## Views\n";
  for (const auto& view : MakeViewDefs({})) {
    out += "\n### " + view.name + "\n" + view.meaning + "\n\n```sql\n" +
           view.create.substr(view.create.find("SELECT")) + "\n```\n";
  }
  out += "\n## Stored\n";
  for (const auto& table : tables) {
    out += "\n### " + table.name + "\n" + table.meaning + " Kept: " + keep(table.keep) + ". `" +
           table.create.substr(table.create.find("ENGINE = ")) + "`";
    if (const auto keys = minute_keys(table.name.substr(0, table.name.size() - 2)); !keys.empty()) {
      out += std::string(" Entity in closes: `") +
             (table.name == "request_minute_v" ? "''" : keys[0].c_str()) +
             "`. Then the minute columns of the catalogs.";
    }
    out += "\n\n| column | type |\n|---|---|\n";
    for (const auto& column : table.columns)
      out += "| " + column.name + " | " + column.type + " |\n";
  }
  return out;
}

TEST(Tables, PageIsUpToDate) {
  const std::string path = std::string(STRATA_SOURCE_DIR) + "/docs/reference/tables.md";
  if (std::getenv("STRATA_REWRITE") != nullptr) {
    ASSERT_TRUE(base::WriteFile(path, TablesPage()).ok());
  }
  const auto page = base::ReadFile(path);
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(*page, TablesPage()) << "STRATA_REWRITE=1 store_test writes it anew";
}

TEST(Tables, NamesAgree) {
  std::set<std::string> stored;
  for (const TableDef& table : MakeTables({})) stored.insert(table.name);
  for (int i = 0; i < static_cast<int>(Table::kCount); ++i) {
    EXPECT_TRUE(stored.contains(std::string(table_name(static_cast<Table>(i)))))
        << table_name(static_cast<Table>(i));
  }
  std::set<std::string> all = stored;
  for (const ViewDef& view : MakeViewDefs({})) all.insert(view.name);
  for (const std::string& name : published_names()) EXPECT_TRUE(all.contains(name)) << name;
}

TEST(Rows, RejectsWhatIsCutShort) {
  std::string whole;
  RowWriter w(&whole);
  w.size(2);
  w.text("a");
  w.text("b");
  w.text("String");
  w.text("Nullable(Float64)");
  w.text("hello");
  w.nullable_f64(1.5);
  w.text("");
  w.nullable_f64(std::nan(""));
  const auto rows = Rows::Parse(whole);
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ(rows->text(0, "a"), "hello");
  EXPECT_EQ(rows->f64(0, "b"), 1.5);
  EXPECT_TRUE(rows->is_null(1, "b"));
  const std::size_t head = whole.size() - 6 - 9 - 1 - 1;
  for (std::size_t n = 1; n < whole.size(); ++n) {
    const bool boundary = n == head || n == head + 15;
    EXPECT_EQ(Rows::Parse(whole.substr(0, n)).ok(), boundary) << n;
  }
  std::string odd;
  RowWriter o(&odd);
  o.size(1);
  o.text("a");
  o.text("JSON");
  EXPECT_EQ(Rows::Parse(odd).status().code(), base::Code::unsupported);
}

}  // namespace
}  // namespace strata::store
