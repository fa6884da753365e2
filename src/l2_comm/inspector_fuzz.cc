// SPDX-License-Identifier: Apache-2.0
// libFuzzer target of the NCCL Inspector reader and of what is made of its rows.
#include "l2_comm/analysis.h"
#include "l2_comm/hang.h"
#include "l2_comm/l2_comm.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  strata::model::Batch batch;
  strata::wire::Context context;
  context.now_ns = 1'795'000'000'000'000'000;
  (void)strata::l2_comm::DecodeInspector({reinterpret_cast<const char*>(data), size}, context,
                                         &batch)
      .ok();
  (void)strata::l2_comm::RankWaits(batch.collectives);
  strata::l2_comm::CommWindow window;
  strata::l2_comm::Progress progress;
  for (const strata::model::Collective& row : batch.collectives) window.Add(row), progress.Add(row);
  (void)window.Finish();
  (void)progress.Hangs(context.now_ns);
  return 0;
}
