// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l8_cost/catalog.yaml: edit that file.
#pragma once

#include "model/catalog.h"

namespace strata::l8_cost {

const model::Catalog& catalog();  // Cost and energy

}  // namespace strata::l8_cost
