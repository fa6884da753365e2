// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l1_gpu/catalog.yaml: edit that file.
#pragma once

#include "model/catalog.h"

namespace strata::l1_gpu {

const model::Catalog& catalog();  // GPU hardware

}  // namespace strata::l1_gpu
