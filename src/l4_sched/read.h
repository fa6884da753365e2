// SPDX-License-Identifier: Apache-2.0
// Whole files of this room's sources for `strata read`, and what they come to as measurements and
// entities. Looks… says by content whether a file is of the kind; Read… gives true = read, false =
// not of this kind.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/json.h"
#include "base/status.h"
#include "model/batch.h"
#include "wire/decode.h"

namespace strata::l4_sched {

struct SummaryFacts {
  std::string node;
  std::uint64_t pods = 0, containers = 0;
};
base::Status DecodeSummary(std::string_view json, const wire::Context& context, model::Batch* batch,
                           SummaryFacts* facts);

bool LooksPods(std::string_view head);
bool LooksSummary(std::string_view head);
bool LooksPodResources(std::string_view head);
bool LooksSlurm(std::string_view head);
bool LooksHami(std::string_view head);

using Read = base::Result<bool>(const base::InputFile&, const wire::Context&, model::Batch*,
                                base::Json* report);
Read ReadPods, ReadSummary, ReadPodResources, ReadSlurm, ReadHami;

}  // namespace strata::l4_sched
