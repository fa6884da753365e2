// SPDX-License-Identifier: Apache-2.0
// libFuzzer target of the frames of the NCCL plugin: the input is cut into frames by a length in
// two bytes, so that one input can name a communicator first and use it then; what comes out is
// reduced.
#include <cstring>

#include "l2_comm/l2_comm.h"
#include "l2_comm/plugin_stream.h"
#include "l2_comm/reduce.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace strata;
  static const model::Catalog* const catalogs[] = {&l2_comm::catalog()};
  model::Namer namer(catalogs, 1000);
  l2_comm::PluginStream stream;
  l2_comm::CollectiveReducer reducer({.rows_per_s = 2});
  model::Batch batch;
  wire::Context context;
  context.now_ns = 1'795'000'000'000'000'000;
  context.namer = &namer;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  while (bytes.size() > 2) {
    std::uint16_t length = 0;
    std::memcpy(&length, bytes.data(), 2);
    bytes.remove_prefix(2);
    const std::string_view frame = bytes.substr(0, length);
    bytes.remove_prefix(frame.size());
    (void)stream.Decode(frame, context, &batch).ok();
    reducer.Reduce(context.now_ns, &batch);
    context.now_ns += 400'000'000;
  }
  reducer.Flush(context.now_ns, namer, &batch);
  return 0;
}
