// SPDX-License-Identifier: Apache-2.0
// libFuzzer target of the Kineto reader, in pieces of a size that the input picks, and of what is
// made of two traces.
#include <algorithm>
#include <cstring>

#include "l2_comm/kineto_ranks.h"
#include "l2_comm/l2_comm.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace strata;
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 200;
  model::Batch batch;
  model::Namer namer{{}};
  wire::Context context;
  context.namer = &namer;
  context.now_ns = 1'795'000'000'000'000'000;
  l2_comm::KinetoTraces traces;
  const std::size_t half = size / 2;
  for (const std::size_t from : {std::size_t{0}, half}) {
    std::size_t at = from;
    base::InputStream stream("x", [&](char* out, std::size_t n) -> base::Result<std::size_t> {
      const std::size_t take = std::min({n, piece, size - at});
      std::memcpy(out, data + at, take);
      at += take;
      return take;
    });
    base::Json report;
    (void)traces.Read(&stream, context, &batch, &report).ok();
  }
  (void)traces.Close(context, &batch);
  return 0;
}
