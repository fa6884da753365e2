// SPDX-License-Identifier: Apache-2.0
// Inputs of this layer that are recognised and not read yet. Saying so is better than taking them
// for something else.
#include "l2_comm/l2_comm.h"

namespace strata::l2_comm {
namespace {

base::Status NotYet(const base::InputFile& file, std::string_view what) {
  return base::Unsupported(file.name + ": " + std::string(what) +
                           " is recognised and not read by this version");
}

}  // namespace

bool LooksKineto(std::string_view head) {
  return head.find("\"traceEvents\"") != std::string_view::npos ||
         (head.find("\"schemaVersion\"") != std::string_view::npos &&
          head.find("\"deviceProperties\"") != std::string_view::npos);
}

base::Result<bool> ReadKineto(const base::InputFile& file, const wire::Context&, model::Batch*,
                              base::Json*) {
  return NotYet(file, "a Kineto trace");
}

}  // namespace strata::l2_comm
