// SPDX-License-Identifier: Apache-2.0
// libFuzzer target of the reader of nccl-tests tables and all_reduce_bench text.
#include "l2_comm/l2_comm.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  strata::model::Batch batch;
  strata::base::Json report;
  (void)strata::l2_comm::ReadNcclTests({"x", {reinterpret_cast<const char*>(data), size}}, {},
                                       &batch, &report)
      .ok();
  return 0;
}
