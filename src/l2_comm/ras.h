// SPDX-License-Identifier: Apache-2.0
// NCCL RAS (2.24 and later): what any node's RAS thread tells of all communicators of a job, as the
// text or the JSON (2.28.7) of ncclras. Source: NVIDIA/nccl src/ras/client_support.cc and the user
// guide's page on RAS. RasWatch compares answers over time: counts that differ are normal while
// they move, and a hang when they do not. No sockets here (agent/ras.h has them). One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "l2_comm/l2_comm.h"

namespace strata::l2_comm {

struct RasRank {
  std::int32_t rank = -1;
  std::string host;  // as RAS knows it, an address
  std::int64_t pid = -1;
  std::int32_t gpu = -1;  // NVML index where told
  // Of a rank that answered:
  std::int32_t init_state = 0, async_error = 0;
  bool finalizing = false, aborting = false;
  std::map<std::string, std::uint64_t> counts;  // operations launched; JSON only
  // Of one that did not:
  bool missing = false, unresponsive = false, dead = false;
};

// Ranks that fell behind in one operation. The text has them as outliers, the JSON as counts.
struct RasBehind {
  std::string operation;  // "" where the text (before 2.26) does not tell
  std::uint64_t most = 0;
  std::vector<std::int32_t> ranks;
};

struct RasCommunicator {
  std::string hash;  // "0xae94423cfbb2ef4a"
  std::int64_t size = 0;
  std::int64_t missing = 0;  // how many did not answer
  std::string status;        // text: INCOMPLETE, MISMATCH, ERROR; JSON: ""
  std::vector<RasRank> ranks;
  std::vector<RasBehind> behind;
};

struct RasAnswer {
  std::string nccl_version;
  bool json = false;
  std::int64_t communicators = -1;  // in all; the text lists only those in trouble; -1 = not told
  std::int64_t processes = -1, gpus = -1;
  std::int64_t timeouts = 0, dead_processes = 0, missing_processes = 0;
  std::vector<RasCommunicator> comms;
};

// Either form. Not ok when it is neither, or claims more ranks than kMaxRanks.
base::Result<RasAnswer> ParseRas(std::string_view text);

base::Json RasReport(const RasAnswer& answer);

// Tells comm.hang: once when ranks of a communicator do not answer, and when counts that differ
// have stood still for `stuck_after_ns`. Again after it had been well.
class RasWatch {
 public:
  explicit RasWatch(std::int64_t stuck_after_ns) : stuck_after_ns_(stuck_after_ns) {}
  void Take(const RasAnswer& answer, const wire::Context& context, model::Batch* batch);

 private:
  struct Known {
    std::uint64_t state = 0;  // hash of all counts
    std::int64_t since_ns = 0;
    std::string told;  // what has been said of it
    std::uint64_t round = 0;
  };
  std::int64_t stuck_after_ns_;
  std::uint64_t round_ = 0;
  std::map<std::string, Known> known_;
};

}  // namespace strata::l2_comm
