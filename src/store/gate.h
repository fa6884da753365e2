// SPDX-License-Identifier: Apache-2.0
// What free SQL may do. It decides on the engine's own parse, never on text: formatQuery gives the
// one statement in canonical form (two statements are a syntax error there, and comments and
// heredocs are gone), EXPLAIN AST its tree; every node of the tree must be allowed. What is run is
// the canonical text. Thread-safe.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/status.h"
#include "store/rows.h"

namespace strata::store {

class Gate {
 public:
  using Params = std::vector<std::pair<std::string, std::string>>;
  // Asks the engine on a connection with readonly = 1.
  using Ask = std::function<base::Result<Rows>(std::string_view sql, const Params& params)>;

  // `database` holds exactly what is published; a name without a database can mean nothing else.
  Gate(std::string database, Ask ask) : database_(std::move(database)), ask_(std::move(ask)) {}

  // The statement to run, or why not: denied = not allowed, invalid = does not parse ("Code: 62.
  // …").
  base::Result<std::string> Check(std::string_view sql, const Params& params = {});

  static bool FormatAllowed(std::string_view format);
  // A setting that a client sent and that may be passed on; caps are held whatever it says.
  static bool SettingAllowed(std::string_view name);

 private:
  struct Node;
  base::Status Walk(const std::vector<Node>& nodes);
  base::Status CheckNode(const std::vector<Node>& nodes, std::size_t i);
  base::Status CheckTable(std::string_view name) const;
  base::Status CheckIdentifier(const std::vector<Node>& nodes, std::size_t i);
  base::Status LoadFunctions();

  std::string database_;
  Ask ask_;
  std::mutex mutex_;
  std::unordered_set<std::string> engine_functions_;  // lower case, loaded once
};

}  // namespace strata::store
