// SPDX-License-Identifier: Apache-2.0
#include "store/gate.h"

#include <algorithm>
#include <cctype>

#include "store/function_names.h"
#include "store/tables.h"

namespace strata::store {
namespace {

constexpr std::size_t kMaxStatement = 200u << 10;  // the engine's own parser stops at 256 KiB
constexpr std::size_t kMaxNodes = 20'000;

// Statements.
constexpr std::string_view kRoots[] = {"SelectWithUnionQuery",
                                       "SelectIntersectExceptQuery",
                                       "Explain",
                                       "ShowTables",
                                       "ShowColumns",
                                       "ShowFunctions",
                                       "DescribeQuery",
                                       "ExistsTableQuery",
                                       "ExistsViewQuery",
                                       "ExistsDatabaseQuery",
                                       "ShowCreateTableQuery",
                                       "ShowCreateViewQuery"};
// What may stand below them. Not here, on purpose: Set (a SETTINGS clause), ColumnsApplyTransformer
// (a function by name that the tree does not show), ParallelWithClause.
constexpr std::string_view kNodes[] = {"SelectWithUnionQuery",
                                       "SelectIntersectExceptQuery",
                                       "SelectQuery",
                                       "ExpressionList",
                                       "Function",
                                       "Identifier",
                                       "Literal",
                                       "Asterisk",
                                       "QualifiedAsterisk",
                                       "ColumnsRegexpMatcher",
                                       "ColumnsListMatcher",
                                       "QualifiedColumnsRegexpMatcher",
                                       "QualifiedColumnsListMatcher",
                                       "ColumnsTransformerList",
                                       "ColumnsExceptTransformer",
                                       "ColumnsReplaceTransformer",
                                       "ColumnsReplaceTransformer::Replacement",
                                       "TablesInSelectQuery",
                                       "TablesInSelectQueryElement",
                                       "TableExpression",
                                       "TableJoin",
                                       "ArrayJoin",
                                       "TableIdentifier",
                                       "Subquery",
                                       "WithElement",
                                       "OrderByElement",
                                       "InterpolateElement",
                                       "WindowDefinition",
                                       "WindowListElement",
                                       "SampleRatio",
                                       "QueryParameter"};
constexpr std::string_view kTableFunctions[] = {
    "numbers", "numbers_mt", "zeros", "zeros_mt", "generate_series", "generateSeries", "values"};
constexpr std::string_view kSystemTables[] = {
    "system.databases", "system.tables", "system.columns", "system.settings",
    "system.functions", "system.one",    "system.numbers"};
constexpr std::string_view kInFunctions[] = {"in",
                                             "notin",
                                             "globalin",
                                             "globalnotin",
                                             "nullin",
                                             "notnullin",
                                             "globalnullin",
                                             "globalnotnullin",
                                             "inignoreset",
                                             "notinignoreset",
                                             "globalinignoreset",
                                             "globalnotinignoreset",
                                             "nullinignoreset",
                                             "notnullinignoreset",
                                             "globalnullinignoreset",
                                             "globalnotnullinignoreset"};
// After an aggregate's own name.
constexpr std::string_view kCombinators[] = {
    "if",    "array",      "map",     "distinct",    "ordefault", "ornull", "state",
    "merge", "mergestate", "foreach", "simplestate", "resample",  "argmin", "argmax"};
constexpr std::string_view kFormats[] = {"JSON",
                                         "JSONStrings",
                                         "JSONCompact",
                                         "JSONCompactStrings",
                                         "JSONColumns",
                                         "JSONCompactColumns",
                                         "JSONColumnsWithMetadata",
                                         "JSONEachRow",
                                         "JSONStringsEachRow",
                                         "JSONCompactEachRow",
                                         "JSONCompactEachRowWithNames",
                                         "JSONCompactEachRowWithNamesAndTypes",
                                         "JSONCompactStringsEachRow",
                                         "JSONCompactStringsEachRowWithNames",
                                         "JSONCompactStringsEachRowWithNamesAndTypes",
                                         "JSONEachRowWithProgress",
                                         "JSONObjectEachRow",
                                         "JSONLines",
                                         "NDJSON",
                                         "CSV",
                                         "CSVWithNames",
                                         "CSVWithNamesAndTypes",
                                         "TSV",
                                         "TSVRaw",
                                         "TSVWithNames",
                                         "TSVWithNamesAndTypes",
                                         "TSVRawWithNames",
                                         "TabSeparated",
                                         "TabSeparatedRaw",
                                         "TabSeparatedWithNames",
                                         "TabSeparatedWithNamesAndTypes",
                                         "TabSeparatedRawWithNames",
                                         "Native",
                                         "RowBinary",
                                         "RowBinaryWithNames",
                                         "RowBinaryWithNamesAndTypes",
                                         "Pretty",
                                         "PrettyNoEscapes",
                                         "PrettyMonoBlock",
                                         "PrettyCompact",
                                         "PrettyCompactMonoBlock",
                                         "PrettyCompactNoEscapes",
                                         "PrettySpace",
                                         "PrettyJSONEachRow",
                                         "Vertical",
                                         "Values",
                                         "XML",
                                         "Markdown",
                                         "Null",
                                         "Parquet",
                                         "Arrow",
                                         "ArrowStream",
                                         "ORC"};
constexpr std::string_view kSettings[] = {"session_timezone",
                                          "date_time_output_format",
                                          "date_time_input_format",
                                          "output_format_json_quote_64bit_integers",
                                          "output_format_json_quote_denormals",
                                          "output_format_json_quote_decimals",
                                          "output_format_json_quote_64bit_floats",
                                          "output_format_json_named_tuples_as_objects",
                                          "output_format_json_array_of_rows",
                                          "output_format_json_escape_forward_slashes",
                                          "output_format_native_encode_types_in_binary_format",
                                          "output_format_native_write_json_as_string",
                                          "output_format_binary_write_json_as_string",
                                          "output_format_csv_crlf_end_of_line",
                                          "output_format_decimal_trailing_zeros",
                                          "output_format_pretty_max_rows",
                                          "output_format_pretty_color",
                                          "join_use_nulls",
                                          "extremes",
                                          "max_block_size",
                                          "allow_experimental_time_series_aggregate_functions",
                                          "use_uncompressed_cache",
                                          "group_by_use_nulls",
                                          "union_default_mode",
                                          "aggregate_functions_null_for_empty",
                                          "transform_null_in",
                                          "prefer_column_name_to_alias"};

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

template <std::size_t N>
bool In(const std::string_view (&list)[N], std::string_view name) {
  return std::ranges::find(list, name) != std::end(list);
}

const std::unordered_set<std::string>& AllowedFunctions() {
  static const std::unordered_set<std::string> names = [] {
    std::unordered_set<std::string> out;
    for (std::string_view text : kAllowedFunctions) {
      while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
        if (end > 0) out.emplace(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
      }
    }
    return out;
  }();
  return names;
}

bool FunctionAllowed(std::string_view name) {
  std::string lower = Lower(name);
  while (true) {
    if (AllowedFunctions().contains(lower)) return true;
    const auto combinator = std::ranges::find_if(kCombinators, [&](std::string_view c) {
      return lower.size() > c.size() && lower.ends_with(c);
    });
    if (combinator == std::end(kCombinators)) return false;
    lower.resize(lower.size() - combinator->size());
  }
}

std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

base::Status No(std::string_view what) {
  return base::Denied("this SQL is not allowed here: " + std::string(what));
}

}  // namespace

// One line of EXPLAIN AST.
struct Gate::Node {
  std::size_t depth = 0;
  std::string kind, name;
  int parent = -1;
};

bool Gate::FormatAllowed(std::string_view format) { return In(kFormats, format); }
bool Gate::SettingAllowed(std::string_view name) { return In(kSettings, name); }

base::Status Gate::LoadFunctions() {
  const std::lock_guard lock(mutex_);
  if (!engine_functions_.empty()) return {};
  ASSIGN_OR_RETURN(const Rows rows, ask_("SELECT name FROM system.functions", {}));
  for (std::size_t i = 0; i < rows.size(); ++i) engine_functions_.insert(Lower(rows.text(i, 0)));
  return {};
}

base::Status Gate::CheckTable(std::string_view name) const {
  // The engine takes a table it does not know for a file or an address; readonly stops that too.
  if (name.find('/') != std::string_view::npos)
    return No("a file or an address as a table: " + std::string(name));
  if (name.find('.') == std::string_view::npos) return {};  // of the published database, or a WITH
  if (In(kSystemTables, name)) return {};
  if (name.size() > database_.size() && name.starts_with(database_) &&
      name[database_.size()] == '.' &&
      std::ranges::find(published_names(), name.substr(database_.size() + 1)) !=
          published_names().end()) {
    return {};
  }
  return No("the table " + std::string(name) +
            " is not published; SHOW TABLES lists those that are");
}

base::Status Gate::CheckIdentifier(const std::vector<Node>& nodes, std::size_t i) {
  const Node& node = nodes[i];
  const Node& parent = nodes[static_cast<std::size_t>(node.parent)];
  if (parent.kind == "ExpressionList" && parent.parent >= 0) {
    const Node& owner = nodes[static_cast<std::size_t>(parent.parent)];
    if (owner.kind == "Function") {
      // `x IN name` reads the table of that name, and a function's name can be the argument of
      // another.
      if (In(kInFunctions, Lower(owner.name)) && node.name.find('.') != std::string::npos) {
        const bool second = std::ranges::any_of(
            nodes.begin() + node.parent + 1, nodes.begin() + static_cast<std::ptrdiff_t>(i),
            [&](const Node& other) { return other.parent == node.parent; });
        if (second) RETURN_IF_ERROR(CheckTable(node.name));
      }
      const std::string lower = Lower(node.name);
      if (engine_functions_.contains(lower) && !FunctionAllowed(lower))
        return No("the function " + node.name);
    }
    return {};
  }
  const bool names_output =
      parent.kind != "SelectQuery" && (parent.kind.ends_with("Query") || In(kRoots, parent.kind));
  if (!names_output) return {};
  // FORMAT of a statement, or the names in SHOW, DESCRIBE and EXISTS.
  const bool published = node.name == database_ ||
                         std::ranges::find(published_names(), node.name) != published_names().end();
  if (parent.kind.starts_with("ShowCreate") || parent.kind.starts_with("Exists")) {
    return published || FormatAllowed(node.name) ? base::Status()
                                                 : No(node.name + " is not published");
  }
  if (FormatAllowed(node.name) || (parent.kind != "SelectWithUnionQuery" && published)) return {};
  return No("the format " + node.name);
}

base::Status Gate::CheckNode(const std::vector<Node>& nodes, std::size_t i) {
  const Node& node = nodes[i];
  if (node.parent < 0) {
    if (i == 0 && In(kRoots, node.kind)) return {};
    return No("only one SELECT, WITH, SHOW, DESCRIBE, EXPLAIN or EXISTS (this is " + node.kind +
              ")");
  }
  const Node& parent = nodes[static_cast<std::size_t>(node.parent)];
  if (node.kind == "Set") return No("a SETTINGS clause; settings go with the request");
  if (!In(kNodes, node.kind)) return No("a statement or clause of the kind " + node.kind);
  if (node.kind == "Literal") {
    const bool of_output = parent.kind.ends_with("UnionQuery") ||
                           parent.kind == "SelectIntersectExceptQuery" || In(kRoots, parent.kind);
    return of_output ? No("INTO OUTFILE") : base::Status();
  }
  if (node.kind == "TableIdentifier") return CheckTable(node.name);
  if (node.kind == "Identifier") return CheckIdentifier(nodes, i);
  if (node.kind == "Function") {
    const bool table = parent.kind == "TableExpression";
    if (table ? In(kTableFunctions, node.name) : FunctionAllowed(node.name)) return {};
    return No((table ? "the table function " : "the function ") + node.name);
  }
  return {};
}

base::Status Gate::Walk(const std::vector<Node>& nodes) {
  if (nodes.empty()) return No("an empty statement");
  for (std::size_t i = 0; i < nodes.size(); ++i) RETURN_IF_ERROR(CheckNode(nodes, i));
  return {};
}

base::Result<std::string> Gate::Check(std::string_view sql, const Params& params) {
  if (sql.size() > kMaxStatement) return base::Exhausted("the statement is longer than 200 KiB");
  if (sql.find('\0') != std::string_view::npos)
    return base::Invalid("the statement holds a NUL byte");
  RETURN_IF_ERROR(LoadFunctions());
  ASSIGN_OR_RETURN(const Rows formatted, ask_("SELECT formatQuery(" + Quoted(sql) + ")", {}));
  if (formatted.size() != 1) return base::Failed("the engine did not format the statement");
  std::string canonical(formatted.text(0, 0));
  ASSIGN_OR_RETURN(const Rows lines, ask_("EXPLAIN AST " + canonical, params));
  if (lines.size() > kMaxNodes) return base::Exhausted("the statement is too large");
  std::vector<Node> nodes;
  std::vector<int> last_at;  // the last node of each depth
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string_view line = lines.text(i, 0);
    Node node;
    node.depth = std::min(line.find_first_not_of(' '), line.size());
    line.remove_prefix(node.depth);
    if (const std::size_t end = line.rfind(" (children "); end != std::string_view::npos)
      line = line.substr(0, end);
    const std::size_t space = std::min(line.find(' '), line.size());
    node.kind = std::string(line.substr(0, space));
    std::string_view name = line.substr(std::min(space + 1, line.size()));
    if (node.kind == "Function" || node.kind == "Identifier" || node.kind == "TableIdentifier") {
      if (const std::size_t alias = name.find(" (alias "); alias != std::string_view::npos)
        name = name.substr(0, alias);
    }
    node.name = std::string(name);
    if (node.depth > last_at.size()) return No("a statement whose tree cannot be read");
    last_at.resize(node.depth);
    node.parent = last_at.empty() ? -1 : last_at.back();
    last_at.push_back(static_cast<int>(i));
    nodes.push_back(std::move(node));
  }
  RETURN_IF_ERROR(Walk(nodes));
  return canonical;
}

}  // namespace strata::store
