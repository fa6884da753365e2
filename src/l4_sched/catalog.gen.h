// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l4_sched/catalog.yaml: edit that file.
#pragma once

#include "model/catalog.h"

namespace strata::l4_sched {

const model::Catalog& catalog();  // Scheduling and ownership

}  // namespace strata::l4_sched
