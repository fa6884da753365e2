// SPDX-License-Identifier: Apache-2.0
// CHECK stops the program when we were wrong ("BUG: …"); it is never used for what the world may do
// to us.
#pragma once

namespace strata::base {
[[noreturn]] void Bug(const char* file, int line, const char* condition, const char* message);
}  // namespace strata::base

#define CHECK(condition, message) \
  ((condition) ? (void)0 : ::strata::base::Bug(__FILE__, __LINE__, #condition, message))
