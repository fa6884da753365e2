// SPDX-License-Identifier: Apache-2.0
// What a poll of NVIDIA devices costs the host: nvml_bench LIBRARY SECONDS [INTERVAL_MS], with the
// library's script in STRATA_FAKE_NVML_SCRIPT. Prints the CPU of a poll in milliseconds as JSON:
// that of the reading thread, the collecting one, and all of the process (events and the fake too).
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "base/clock.h"
#include "l1_gpu/l1_gpu.h"

namespace {

double ProcessCpuMs() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto ms = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) * 1e-3;
  };
  return ms(use.ru_utime) + ms(use.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace strata;
  if (argc < 3) return std::fprintf(stderr, "nvml_bench LIBRARY SECONDS [INTERVAL_MS]\n"), 2;
  l1_gpu::NvmlOptions options;
  options.library = argv[1];
  options.node = "bench";
  options.interval_ns = (argc > 3 ? std::atoll(argv[3]) : 1000) * base::kMillisecond;
  const model::Catalog* const catalogs[] = {&l1_gpu::catalog()};
  model::Namer namer(catalogs);
  model::Batch batch;
  const auto collector = l1_gpu::NvmlCollector::Start(options);
  const auto pause = std::chrono::nanoseconds(options.interval_ns);
  const auto take = [&] { batch.clear(), collector->Collect(namer, &batch); };
  for (int i = 0; i < 4; ++i) std::this_thread::sleep_for(pause), take();  // everything is named
  const double process = ProcessCpuMs();
  const std::int64_t reading = collector->cpu_ns(), taking = base::thread_cpu_ns();
  const std::uint64_t before = collector->rounds();
  std::size_t samples = 0, most = 0;
  for (std::int64_t n = std::atoll(argv[2]) * base::kSecond / options.interval_ns; n > 0; --n) {
    std::this_thread::sleep_for(pause);
    take();
    samples += batch.samples.size();
    most = std::max(most, batch.samples.size());
  }
  const double rounds = static_cast<double>(collector->rounds() - before);
  if (rounds < 1 || samples == 0) return std::fprintf(stderr, "nothing was read\n"), 1;
  std::printf(
      "{\"poll_cpu_ms\": %.3f, \"reading_ms\": %.3f, \"collecting_ms\": %.3f, \"rounds\": %.0f, "
      "\"samples_per_poll\": %.0f, \"most_samples\": %zu}\n",
      (ProcessCpuMs() - process) / rounds,
      static_cast<double>(collector->cpu_ns() - reading) * 1e-6 / rounds,
      static_cast<double>(base::thread_cpu_ns() - taking) * 1e-6 / rounds, rounds,
      static_cast<double>(samples) / rounds, most);
  return 0;
}
