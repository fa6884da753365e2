// SPDX-License-Identifier: Apache-2.0
// What l1_gpu makes of one GPU's minute, put into its row: what it was doing and why we say so,
// bytes and FLOPs as shares of its peaks, a PCIe link below what it can, how fast it warms up.
#pragma once

#include "minutes/gpu_judge.h"

namespace strata::server {

minutes::GpuJudge MakeGpuJudge();

}  // namespace strata::server
