// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l3_host/catalog.yaml: edit that file.
#pragma once

#include "model/catalog.h"

namespace strata::l3_host {

const model::Catalog& catalog();  // Host

}  // namespace strata::l3_host
