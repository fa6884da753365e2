// SPDX-License-Identifier: Apache-2.0
// Samples on their way into the engine: sorted as the table is, columns instead of rows, and
// decimals as whole numbers. What people measure has few decimals; 21.4 as 214 and a power of ten
// packs into a third of the bytes that the binary digits of 21.4 need, and comes back as the very
// same double.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace strata::store {

inline constexpr std::size_t kSampleRowBytes = 36;  // series, ts, start_ts, value, received

// RowBinary rows of (series UInt64, ts Int64, start_ts Int64, value Float64, received UInt32) as
// one block in ClickHouse's Native format for samples_packed: (series, ts, start_ts, mantissa,
// scale, raw, received), sorted by series, ts and start_ts; rows that are equal there stay in their
// order. value = mantissa / 10^scale to the last bit (a scale below 0 multiplies); kRawScale: it
// stands in raw. One series has one scale in a block. Invalid when the bytes are no whole number of
// rows.
inline constexpr std::int8_t kRawScale = -128;
base::Result<std::string> PackSamples(std::string_view rowbinary);

// How a view gives the value back.
inline constexpr std::string_view kValueOfPacked =
    "if(scale = -128, raw, toFloat64(mantissa) * intExp10(greatest(-scale, 0)) / "
    "intExp10(greatest(scale, 0)))";

}  // namespace strata::store
