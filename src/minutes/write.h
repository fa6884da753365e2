// SPDX-License-Identifier: Apache-2.0
// Rows of this room as RowBinary, in the column order of store/tables.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "minutes/layout.h"
#include "minutes/requests.h"

namespace strata::minutes {

std::string MinuteBytes(const MinuteTable& table, const MinuteRow& row, std::uint64_t version,
                        std::int64_t now_ns);
std::string RequestBytes(const RequestRow& request, std::int64_t minute_ns, std::uint64_t version,
                         std::string_view origin, std::int64_t now_ns);
std::string CloseBytes(std::string_view table, std::int64_t minute_ns, std::string_view entity,
                       std::uint64_t version, std::string_view origin, std::int64_t now_ns);

}  // namespace strata::minutes
