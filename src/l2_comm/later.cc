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

bool LooksNcclTests(std::string_view head) {
  return head.find("# nThread ") != std::string_view::npos ||
         head.find("# nccl-tests") != std::string_view::npos ||
         (head.find("#       size") != std::string_view::npos &&
          head.find("redop") != std::string_view::npos);
}

bool LooksFlightRecorder(std::string_view head) {
  // A pickle (protocol 2 and later) or its JSON form.
  if (head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5)
    return head.find("entries") != std::string_view::npos;
  return head.find("\"pg_config\"") != std::string_view::npos ||
         head.find("\"collective_seq_id\"") != std::string_view::npos;
}

base::Result<bool> ReadNcclTests(const base::InputFile& file, const wire::Context&, model::Batch*,
                                 base::Json*) {
  return NotYet(file, "nccl-tests output");
}
base::Result<bool> ReadFlightRecorder(const base::InputFile& file, const wire::Context&,
                                      model::Batch*, base::Json*) {
  return NotYet(file, "a flight recorder dump");
}

}  // namespace strata::l2_comm
