// SPDX-License-Identifier: Apache-2.0
// The plugin's own thread: every few milliseconds it looks through the pool, packs what has ended
// or has been open for too long into frames and sends them. It never waits for the agent: what
// cannot be sent stays in a few frames, then the oldest is thrown away and counted.
#pragma once

#include <cstdint>

namespace strata::nccl {

struct DrainOptions {
  char socket[108];      // of the agent
  std::int64_t open_ns;  // an event that is open for so long is told, and again as often
  std::uint32_t mask;    // for the record of the process
};

// Both under the lock of plugin.cc.
bool StartDrain(const DrainOptions& options);  // false: no thread could be made
void StopDrain();                              // sends what has ended, joins
// In the child of a fork: the thread is gone; forgets the socket.
void ForgetDrain();

}  // namespace strata::nccl
