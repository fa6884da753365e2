// SPDX-License-Identifier: Apache-2.0
// Keeps the engine to its own directory by Landlock, so that a hole in the SQL gate reads no file
// of the machine. Called before the first thread starts; a kernel without Landlock is told, not
// refused.
#pragma once

#include <string>
#include <vector>

namespace strata::engine {

// "" = confined; else why not. `read_write` and what is below may be changed, system folders and
// `read_only` be read.
std::string Confine(const std::vector<std::string>& read_write,
                    const std::vector<std::string>& read_only);

}  // namespace strata::engine
