// SPDX-License-Identifier: Apache-2.0
// What all Kubernetes objects have alike, read from JSON. Internal to `l4_sched`.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "l4_sched/json_view.h"
#include "l4_sched/pods.h"

namespace strata::l4_sched {

// Each object of a List, an array, a watch's lines, or the one object itself. Not ok only when
// nothing could be read.
base::Status ForEachObject(std::string_view text, const std::function<void(JsonView)>& take);

std::int64_t TimeOf(JsonView view);  // RFC 3339, 0 = not told
Texts TextsOf(JsonView view);
Resources ResourcesOf(JsonView view);  // accelerators only
std::vector<Owner> OwnersOf(JsonView metadata);

}  // namespace strata::l4_sched
