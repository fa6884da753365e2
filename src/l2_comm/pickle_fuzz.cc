// SPDX-License-Identifier: Apache-2.0
// libFuzzer target of the pickle reader and of what the flight recorder makes of one or two dumps.
#include "l2_comm/flight_recorder.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  strata::model::Batch batch;
  strata::base::Json report;
  strata::wire::Context context;
  context.now_ns = 1'795'000'000'000'000'000;
  strata::l2_comm::FlightRecorder recorder;
  (void)recorder.Add({"_dump_0", bytes}, &batch.refused).ok();
  (void)recorder.Add({"_dump_1", bytes.substr(size / 2)}, &batch.refused).ok();
  recorder.Finish(context, &batch, &report);
  return 0;
}
