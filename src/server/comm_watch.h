// SPDX-License-Identifier: Apache-2.0
// Keeps an eye on communicators between minutes: follows how far each rank has come as rows arrive,
// says once when a collective hangs or a rank holds the others back and once when that is over, and
// gives the minutes what l2_comm makes of their collectives. Saw runs on the ingest thread, all
// else on the jobs thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "minutes/closer.h"
#include "model/batch.h"
#include "store/store.h"

namespace strata::server {

class CommWatch {
 public:
  CommWatch();
  ~CommWatch();

  // Incidents and open collectives that an earlier run left.
  base::Status Restore(store::Store& store, std::int64_t now_ns);

  void Saw(std::span<const model::Collective> rows, std::int64_t now_ns);

  // What began or ended since the last look: comm.hang within kSettleNs of being overdue,
  // comm.straggler when a minute closes. Live by this clock; a world by the time of its newest row.
  std::vector<model::Event> Look(std::int64_t now_ns);

  minutes::CommJudge judge();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::server
