// SPDX-License-Identifier: Apache-2.0
// libFuzzer target of the training log reader; the first byte is the size of the pieces it is fed
// in.
#include "l5_train/l5_train.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] + 1u;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const strata::model::Catalog* catalogs[] = {&strata::l5_train::catalog()};
  strata::model::Namer namer(catalogs);
  strata::model::Batch batch;
  strata::base::Json report;
  strata::wire::Context context;
  context.namer = &namer;
  context.now_ns = 1'795'000'000'000'000'000;
  strata::l5_train::TrainLogReader reader({});
  for (std::size_t at = 0; at < text.size(); at += piece)
    reader.Feed(text.substr(at, piece), context, &batch);
  reader.Finish(context, &batch);
  (void)reader.report().dump();
  (void)strata::l5_train::ReadTrainLog({"x", std::string(text)}, context, &batch, &report).ok();
  return 0;
}
