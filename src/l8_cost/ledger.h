// SPDX-License-Identifier: Apache-2.0
// The books of one minute: every device's money and time, dealt to holders, classes and tokens so
// that price x time = sum of holders + unallocated + unobserved, exactly. Pure; design section 6 is
// the law it follows.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "l8_cost/money.h"
#include "l8_cost/prices.h"

namespace strata::l8_cost {

inline constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();

// Classes. A class that cannot be seen is never guessed: see LedgerRow::flags.
inline constexpr std::string_view kUseful = "useful", kIdleHeld = "idle_held",
                                  kUnallocated = "unallocated", kUnobserved = "unobserved",
                                  kError = "error", kAborted = "aborted", kDuplicate = "duplicate",
                                  kSloMiss = "slo_miss", kTruncated = "truncated",
                                  kInFlight = "in_flight", kGoodput = "goodput",
                                  kHeldNotAssessed = "held, not assessed";

struct Device {
  std::string id;    // GPU UUID, or "cpu:NODE"
  std::string kind;  // gpu | cpu
  std::string gpu_model, node, cluster, region, zone, rack, provider, sku;
  double cores =
      0;  // cpu: cores that are held (see MakeCpuDevice); its device_ns counts core-nanoseconds
  std::int64_t from_ns = 0, to_ns = 0;  // validity; 0 = since ever, to ever
  bool measured = false;           // did any sample of the device itself arrive in this minute?
  std::string unallocated_reason;  // free | cordoned | faulty | stranded | "" = unknown
  double energy_j = kNotKnown;     // of the minute, at the board
  double sm_active = kNotKnown, gr_active = kNotKnown, utilisation = kNotKnown;  // means, 0..1
};

struct Holder {
  std::string device;
  std::string holder_kind;  // engine | job | pod | process
  std::string ns, team, workload_kind, workload, pod, container, engine, model, job, queue, user,
      account, partition;
  std::string share_kind;  // whole | mig | hami | timeslice | mps | dra | slurm | process
  double share = 1;        // the claim
  std::int64_t from_ns = 0, to_ns = 0;  // 0 = before / beyond the minute
  double sm_share = kNotKnown;          // timeslice, mps: measured SM share of the minute, 0..1
  double cpu_s = kNotKnown;             // cgroup CPU seconds of the minute
};

struct EngineFacts {
  std::string engine, model;
  double running_s = kNotKnown;  // seconds of the minute with running requests > 0
  double prompt_tokens = kNotKnown, cached_tokens = kNotKnown,
         generation_tokens = kNotKnown;  // increments
  double rejected_draft_tokens = kNotKnown, preemptions = kNotKnown;
  bool empty() const;  // nothing measured
};

struct JobFacts {
  std::string job;
  double step_s = kNotKnown;  // seconds of the minute inside training steps
};

// A call that was live in the minute.
struct CallFacts {
  std::string engine, model, tenant, team;
  std::int64_t start_ns = 0, first_token_ns = 0,
               end_ns = 0;  // first token 0 = not told, end 0 = still running
  std::string status;       // ok | error | aborted
  std::string finish_reason;
  double input_tokens = kNotKnown, cached_tokens = kNotKnown, output_tokens = kNotKnown;
  double ttft_s = kNotKnown, tpot_s = kNotKnown, e2e_s = kNotKnown;
  bool superseded = false;  // a retry answered instead
  bool tokens_estimated = false;
};

struct SloRule {
  std::string name;  // its version, for people
  std::string model = "*", tenant = "*";
  double ttft_s = kNotKnown, tpot_s = kNotKnown, e2e_s = kNotKnown;
  std::int64_t from_ns = 0;
};
enum class SloVerdict : unsigned char { met, missed, not_assessed };
// By the rule that fits best (model before tenant before "*") and was valid when the call started.
// A missed latency decides even where another is not known.
SloVerdict JudgeSlo(std::span<const SloRule> rules, const CallFacts& call);

// How the worked money of an engine is dealt over tokens. `ratio`: computed input 1, cached input
// 0.1, output 4, the usual proportions of price lists. `equal`: each token 1.
struct SplitPolicy {
  std::string name = "ratio";
  double input = 1, cached = 0.1, output = 4;
  static SplitPolicy Ratio(double output = 4, double cached = 0.1) {
    return {"ratio", 1, cached, output};
  }
  static SplitPolicy Equal() { return {"equal", 1, 1, 1}; }
  std::string text() const;  // "ratio(k=4,cached=0.1)"
};

struct MinuteInputs {
  std::int64_t from_ns = 0, to_ns = 0;
  std::vector<Device> devices;
  std::vector<Holder> holders;
  std::vector<EngineFacts> engines;
  std::vector<JobFacts> jobs;
  std::vector<CallFacts> calls;
  std::vector<SloRule> slos;
  SplitPolicy policy;
  bool truncated_is_waste = false;
  const PriceBook* prices = nullptr;  // nullptr: nothing has a price
};

// One row of the table `ledger`; names as its columns, `ns` is `namespace`.
struct LedgerRow {
  std::int64_t minute_ns = 0;
  std::string device, device_kind, gpu_model, node, cluster, region, zone, rack;
  std::string ns, team, workload_kind, workload, pod, container, engine, service, model, tenant,
      job, queue, user, account, partition;
  std::string holder_kind, class_, token_kind;  // token_kind: input | cached | output | ""
  std::int64_t device_ns = 0;                   // cpu: core-nanoseconds
  Money cost;
  std::string currency;
  double joules = kNotKnown, tokens = kNotKnown;
  double share = 0;                              // what is charged, 0..1
  std::string share_kind, policy, price_source;  // price_source "" = unpriced
  // Comma-separated: scaled, disputed, estimated, truncated, stale_price, energy_unknown, no_calls
  // (tokens from the engine's own counters: errors, aborts and SLO misses are not seen), no_slo,
  // no_draft_count, no_recompute_count. Of an unallocated row: its reason.
  std::string flags;
};

struct Ledger {
  std::vector<LedgerRow> rows;
  Money bill;
  std::int64_t device_ns = 0;
  std::vector<std::string> engines_without_device;  // worked, and no device is known to be theirs
};

// Rows and bill of the minute. The identity is checked before it returns: books that do not close
// are a bug.
Ledger Close(const MinuteInputs& inputs);

// CPU cores as a device, for a node without an accelerator: the cores that engines and jobs hold
// together, at most the node's. Each holder's `share` becomes its part of them. No holder, no
// device: `cores` is 0.
struct CoreHolder {
  Holder holder;     // share is set here
  double cores = 0;  // cgroup cpu.max, else affinity mask; 0 = all cores
};
Device MakeCpuDevice(std::string_view node, double node_cores, std::span<const CoreHolder> holders,
                     std::vector<Holder>* out);

bool HasFlag(std::string_view flags, std::string_view flag);

}  // namespace strata::l8_cost
