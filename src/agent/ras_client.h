// SPDX-License-Identifier: Apache-2.0
// Asks NCCL's RAS thread (TCP, 28028 by default, loopback) for the state of a job. It costs the job
// a round of small messages between its RAS threads; training is not touched.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "base/status.h"

namespace strata::agent {

// One answer of `target` (host:port), JSON where the server knows it (NCCL 2.28.7), else text.
// Blocks for up to `timeout_ns`; a stop ends it within 0.1 s. At most 64 MiB.
base::Result<std::string> AskRas(const std::string& target, std::int64_t timeout_ns,
                                 const std::stop_token& stop = {});

}  // namespace strata::agent
