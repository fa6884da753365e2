// SPDX-License-Identifier: Apache-2.0
// The cross-rank analysis on one core: rows in, report out; making the rows is not counted. Goals:
// 1,024 ranks x 1,000 collectives < 2 s, and the time per rank and collective stays about the same
// from 256 to 16,384 ranks. Progress is what each row costs as it arrives.
#include <benchmark/benchmark.h>

#include "base/clock.h"
#include "l2_comm/analysis.h"
#include "l2_comm/hang.h"
#include "l2_comm/synthetic.h"

namespace {

using namespace strata;

// CPU time of this thread: a busy machine does not change it.
double Seconds(std::int64_t ns) { return static_cast<double>(ns) / 1e9; }

void Ranks(benchmark::State& state) {
  const auto ranks = static_cast<std::int32_t>(state.range(0));
  const std::int64_t collectives = state.range(1);
  l2_comm::AnalysisOptions options;
  options.most_parts = 1u << 24;  // nothing is thinned here
  l2_comm::Faults faults;
  faults.late_rank = ranks / 3;
  for (auto _ : state) {
    l2_comm::SyntheticJob job(ranks, 1, faults);
    l2_comm::CommWindow window(options);
    std::int64_t spent = 0;
    for (std::int64_t i = 0; i < collectives; ++i) {
      const auto& rows = job.Next();
      const auto begun = base::thread_cpu_ns();
      for (const model::Collective& row : rows) window.Add(row);
      spent += base::thread_cpu_ns() - begun;
    }
    const auto begun = base::thread_cpu_ns();
    const l2_comm::CommReport report = window.Finish();
    spent += base::thread_cpu_ns() - begun;
    if (report.stragglers.size() != 1 || report.stragglers[0].rank != faults.late_rank)
      return state.SkipWithError("the late rank was not named");
    state.SetIterationTime(Seconds(spent));
    state.counters["ns_per_row"] = Seconds(spent) * 1e9 / static_cast<double>(collectives) / ranks;
  }
}
BENCHMARK(Ranks)->Args({1024, 1000})->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(Ranks)
    ->Args({256, 250})
    ->Args({1024, 250})
    ->Args({4096, 250})
    ->Args({16384, 250})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

void Progress(benchmark::State& state) {
  const auto ranks = static_cast<std::int32_t>(state.range(0));
  l2_comm::SyntheticJob job(ranks, 1);
  l2_comm::Progress progress;
  for (auto _ : state) {
    const auto& rows = job.Next();
    const auto begun = base::thread_cpu_ns();
    for (const model::Collective& row : rows) progress.Add(row);
    state.SetIterationTime(Seconds(base::thread_cpu_ns() - begun));
  }
  state.SetItemsProcessed(state.iterations() * ranks);
}
BENCHMARK(Progress)->Arg(1024)->Arg(16384)->UseManualTime();

}  // namespace

BENCHMARK_MAIN();
