// SPDX-License-Identifier: Apache-2.0
// libFuzzer target of span files (to calls and requests) and of answer streams.
#include "l7_genai/l7_genai.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  strata::model::Batch batch;
  strata::base::Json report;
  strata::wire::Context context;
  context.now_ns = 1'795'000'000'000'000'000;
  context.keep_content = size % 2 == 0;
  (void)strata::l7_genai::ReadSpans({"x", text}, context, &batch, &report).ok();
  (void)strata::l7_genai::ReadStream({"x", text}, context, &batch, &report).ok();
  return 0;
}
