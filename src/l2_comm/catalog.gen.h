// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l2_comm/catalog.yaml: edit that file.
#pragma once

#include "model/catalog.h"

namespace strata::l2_comm {

const model::Catalog& catalog();  // Kernels and collectives

}  // namespace strata::l2_comm
