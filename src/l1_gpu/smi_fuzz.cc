// SPDX-License-Identifier: Apache-2.0
// libFuzzer target of what nvidia-smi and rocm-smi print; every reader sees every input.
#include "l1_gpu/catalog.gen.h"
#include "l1_gpu/smi.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const strata::model::Catalog* const kCatalogs[] = {&strata::l1_gpu::catalog()};
  strata::model::Namer namer(kCatalogs, 1000);
  strata::wire::Context context;
  context.namer = &namer;
  context.now_ns = 1'795'000'000'000'000'000;
  const strata::base::InputFile file{"fuzz", {reinterpret_cast<const char*>(data), size}};
  for (const auto read : {strata::l1_gpu::ReadNvidiaSmiXml, strata::l1_gpu::ReadNvidiaSmi,
                          strata::l1_gpu::ReadRocmSmi}) {
    strata::model::Batch batch;
    strata::base::Json report;
    (void)read(file, context, &batch, &report).ok();
  }
  (void)strata::l1_gpu::LooksNvidiaSmiXml(file.bytes);
  (void)strata::l1_gpu::LooksNvidiaSmi(file.bytes);
  (void)strata::l1_gpu::LooksRocmSmi(file.bytes);
  return 0;
}
