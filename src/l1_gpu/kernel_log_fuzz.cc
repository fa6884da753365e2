// SPDX-License-Identifier: Apache-2.0
// libFuzzer target of the kernel log: lines in every decoration, whole files in every form.
#include "l1_gpu/kernel_log.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  strata::model::Batch batch;
  strata::wire::Context context;
  context.now_ns = 1'795'000'000'000'000'000;
  strata::base::InputFile file{"fuzz", {reinterpret_cast<const char*>(data), size}};
  (void)strata::l1_gpu::LooksKernelLog(file.bytes);
  strata::base::Json report;
  (void)strata::l1_gpu::ReadKernelLog(file, context, &batch, &report).ok();
  return 0;
}
