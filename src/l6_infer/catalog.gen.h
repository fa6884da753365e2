// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l6_infer/catalog.yaml: edit that file.
#pragma once

#include "model/catalog.h"

namespace strata::l6_infer {

const model::Catalog& catalog();  // Inference engine

}  // namespace strata::l6_infer
