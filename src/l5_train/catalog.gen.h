// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l5_train/catalog.yaml: edit that file.
#pragma once

#include "model/catalog.h"

namespace strata::l5_train {

const model::Catalog& catalog();  // Training

}  // namespace strata::l5_train
