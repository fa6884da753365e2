// SPDX-License-Identifier: Apache-2.0
// The door of L2: how kernels and collectives ran on the GPU, down to the rank that held the others
// back. Reads NCCL Inspector records into one row per rank and collective; tells who waited for
// whom. No state, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/status.h"
#include "l2_comm/catalog.gen.h"
#include "model/batch.h"
#include "wire/decode.h"

namespace strata::l2_comm {

// More ranks than this in one job are not believed, whatever an input claims.
inline constexpr std::size_t kMaxRanks = 1u << 17;

// "nccl:_all_gather_base", "allreduce", "send 0->1" as the operation of interface.md (AllGather,
// …); a name that is not known stays as it is, without the backend.
std::string OperationOf(std::string_view name);

// ---- NCCL Inspector, JSON lines (2.28.3 and later, format v4.0)

struct InspectorFacts {
  std::uint64_t lines = 0, records = 0, bad_lines = 0;
  std::map<std::string, std::uint64_t> operations;     // records per operation
  std::map<std::string, std::uint64_t> communicators;  // records per communicator
};
// Adds a row per record to batch->collectives. A damaged line is counted in batch->refused and
// skipped; the last line may be cut. The start is the first kernel's where the record is verbose,
// else the dump's time less the execution time: the order of such rows is rough, their duration
// exact. Not ok only when no line could be read.
base::Status DecodeInspector(std::string_view text, const wire::Context& context,
                             model::Batch* batch, InspectorFacts* facts = nullptr);

// ---- who waited for whom

struct RankWait {
  std::int32_t rank = -1;
  std::string gpu, node;
  double wait_s = 0;      // how long this rank waited for the last one
  double lateness_s = 0;  // how long the others waited for it, mean over the others
  bool by_start = false;  // from start times; else from inverted durations
};
// Rows of one (communicator, seq), one per rank; sorted by rank in the answer. Empty with fewer
// than two ranks and for Send and Recv (a pair, no meeting of all). All ranks leave a collective at
// about the same time, so when the ends agree better than the starts the clocks are one and the
// starts decide; otherwise the shortest duration came last.
std::vector<RankWait> RankWaits(std::span<const model::Collective> rows);

// Bus bandwidth of a collective from its algorithm bandwidth (NVIDIA nccl-tests, PERFORMANCE.md):
// By/s, NaN when the operation is unknown or nranks < 1.
double BusBandwidth(std::string_view operation, double algbw, std::int32_t nranks);

// ---- `strata read`: true = read, false = not of this kind

bool LooksInspector(std::string_view head);
base::Result<bool> ReadInspector(const base::InputFile& file, const wire::Context& context,
                                 model::Batch* batch, base::Json* report);

// ---- Kineto traces (torch.profiler, Chrome trace events)

bool LooksKineto(std::string_view head);

// The traces of one folder: each is read as a stream in bounded memory, then the ranks are set
// beside each other.
class KinetoTraces {
 public:
  KinetoTraces();
  ~KinetoTraces();
  // One trace: its report `kineto`, histograms cuda.kernel.duration, refusals. Not ok when it is no
  // trace; one that is cut short is read to the cut and says so.
  base::Status Read(base::InputStream* stream, const wire::Context& context, model::Batch* batch,
                    base::Json* report);
  // After the last one: a row of `collectives` per rank and collective, and the report
  // `collectives` where at least two ranks were read (else null). Begins anew.
  base::Json Close(const wire::Context& context, model::Batch* batch);

 private:
  struct Ranks;
  std::unique_ptr<Ranks> ranks_;
};

// nccl-tests output (all versions' tables) and the text of torch all_reduce_bench: report
// `nccl_tests`. A line that begins as a row and is none is counted in batch->refused.
bool LooksNcclTests(std::string_view head);
base::Result<bool> ReadNcclTests(const base::InputFile& file, const wire::Context& context,
                                 model::Batch* batch, base::Json* report);

// One file of flight recorder dumps; many files are one report through FlightRecorder
// (flight_recorder.h). Every pickle looks like one: nothing else here reads pickles.
bool LooksFlightRecorder(std::string_view head);
base::Result<bool> ReadFlightRecorder(const base::InputFile& file, const wire::Context& context,
                                      model::Batch* batch, base::Json* report);

// What `ncclras` prints, text or JSON (ras.h).
bool LooksRas(std::string_view head);
base::Result<bool> ReadRas(const base::InputFile& file, const wire::Context& context,
                           model::Batch* batch, base::Json* report);

// Known, recognised and not read yet: the answer is Code::unsupported.
bool LooksKineto(std::string_view head);
base::Result<bool> ReadKineto(const base::InputFile& file, const wire::Context& context,
                              model::Batch* batch, base::Json* report);

}  // namespace strata::l2_comm
