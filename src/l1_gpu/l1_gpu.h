// SPDX-License-Identifier: Apache-2.0
// The door of L1: what the silicon did. Exporters' pages are named through the catalog; NVIDIA
// devices of this machine are read directly (nvml.h); the kernel's log tells faults (kernel_log.h).
#pragma once

#include "l1_gpu/catalog.gen.h"  // catalog()
#include "l1_gpu/derived.h"
#include "l1_gpu/kernel_log.h"
#include "l1_gpu/nvml.h"
#include "l1_gpu/smi.h"
