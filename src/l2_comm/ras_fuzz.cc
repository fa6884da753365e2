// SPDX-License-Identifier: Apache-2.0
// libFuzzer target of the reader of NCCL RAS answers, text and JSON.
#include "l2_comm/ras.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  strata::model::Batch batch;
  strata::base::Json report;
  strata::wire::Context context;
  context.now_ns = 1'795'000'000'000'000'000;
  (void)strata::l2_comm::ReadRas({"x", {reinterpret_cast<const char*>(data), size}}, context,
                                 &batch, &report)
      .ok();
  return 0;
}
