// SPDX-License-Identifier: Apache-2.0
// libFuzzer target of all readers of this room: the first byte chooses one, the rest is its input.
// The same body is what the deterministic test in read_test.cc runs.
#include "l4_sched/damage.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  strata::l4_sched::Damage(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
