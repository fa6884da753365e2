// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l7_genai/catalog.yaml: edit that file.
#pragma once

#include "model/catalog.h"

namespace strata::l7_genai {

const model::Catalog& catalog();  // GenAI API

}  // namespace strata::l7_genai
