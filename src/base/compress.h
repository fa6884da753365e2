// SPDX-License-Identifier: Apache-2.0
// gzip, zstd and snappy, always with a ceiling on what comes out: a small body must not become a
// large one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/status.h"

namespace strata::base {

inline constexpr std::size_t kMaxBody = 64u << 20;  // decompressed bytes of one request

// `encoding`: "", "identity", "gzip", "deflate", "zstd", "snappy" (block format). More than
// `max_bytes` out, or a ratio above 1000 past the first MiB, is Code::exhausted; bad bytes are
// Code::invalid; another encoding Code::unsupported.
Result<std::string> Decompress(std::string_view encoding, std::string_view body,
                               std::size_t max_bytes = kMaxBody);

std::string GzipCompress(std::string_view body, int level = 6);
std::string ZstdCompress(std::string_view body, int level = 3);
std::string SnappyCompress(std::string_view body);

}  // namespace strata::base
