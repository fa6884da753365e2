// SPDX-License-Identifier: Apache-2.0
// ClickHouse's HTTP interface over libchdb: what `store` and the official clients send, and what
// they get back. Thread-safe; a request takes a connection of its own.
#pragma once

#include "base/http_server.h"
#include "engine/chdb.h"

namespace strata::engine {

base::ServerAnswer AnswerRequest(const Chdb& chdb, const base::ServerRequest& request);

// The parts of an INSERT whose data come apart from its text: "INSERT INTO t (a, b)" and
// "RowBinary".
struct InsertHead {
  std::string into;
  std::string format;
};
// False when `sql` is not "INSERT INTO … FORMAT X" to its end.
bool SplitInsert(std::string_view sql, InsertHead* head);

}  // namespace strata::engine
