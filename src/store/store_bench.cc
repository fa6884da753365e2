// SPDX-License-Identifier: Apache-2.0
// The figures of docs/decisions/0001: start, insert, memory, idle of the engine. `store_bench DIR
// [ROWS ROUNDS]`; the engine program by STRATA_ENGINE_BINARY, libchdb by STRATA_CHDB. DIR is made
// and left.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/clock.h"
#include "base/file.h"
#include "store/store.h"

namespace strata::store {
namespace {

double CpuSeconds(int pid) {
  std::string text;
  if (!base::ReadFileInto(("/proc/" + std::to_string(pid) + "/stat").c_str(), &text)) return 0;
  unsigned long user = 0, system = 0;
  const char* fields = std::strrchr(text.c_str(), ')');
  if (fields == nullptr) return 0;
  std::sscanf(fields + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
  return static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double Mib(const Store& store) { return static_cast<double>(store.engine().rss_bytes) / (1 << 20); }

void Inserts(Store& store, int rows, int rounds) {
  const std::int64_t now = base::Clock::system().now_ns();
  model::Batch batch;
  for (int i = 0; i < 1000; ++i) {
    model::Series series;
    series.layer = "l1_gpu", series.signal = "gpu.power" + std::to_string(i % 50),
    series.entity_type = "gpu";
    series.entity = "GPU-" + std::to_string(i / 50), series.attributes = {{"i", std::to_string(i)}};
    series.id = model::MakeSeriesId(series);
    batch.series.push_back(series);
  }
  std::vector<model::SeriesId> ids;
  for (const auto& series : batch.series) ids.push_back(series.id);
  const double cpu = CpuSeconds(store.engine().pid);
  const std::int64_t start = base::monotonic_ns();
  for (int round = 0; round < rounds; ++round) {
    batch.samples.clear();
    for (int i = 0; i < rows; ++i) {
      const std::int64_t second = (static_cast<std::int64_t>(round) * rows + i) / 1000;
      batch.samples.push(ids[static_cast<std::size_t>(i % 1000)],
                         now - base::kHour + second * base::kSecond, 0,
                         300 + i * 7919LL % 1000 / 10.0);
    }
    std::vector<TableRows> out;
    EncodeBatch(batch, now, &out);
    batch.series.clear();
    for (const TableRows& part : out) {
      const base::Status status = store.Insert(table_name(part.table), part.bytes,
                                               std::to_string(now) + "-" + std::to_string(round));
      if (!status.ok()) std::printf("%s\n", status.message().c_str());
    }
  }
  const double wall = static_cast<double>(base::monotonic_ns() - start) / 1e9;
  std::printf(
      "insert of %d rows: engine CPU %.4f s per 100,000, wall %.4f s each; resident %.0f MiB\n",
      rows, (CpuSeconds(store.engine().pid) - cpu) / rounds / rows * 1e5, wall / rounds,
      Mib(store));
}

int Run(const char* folder, int rows, int rounds) {
  Options options;
  options.path = folder;
  const std::int64_t start = base::monotonic_ns();
  auto opened = Store::Open(options);
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.status().message().c_str());
    return 1;
  }
  Store& store = **opened;
  std::printf("open %.2f s, resident %.0f MiB\n",
              static_cast<double>(base::monotonic_ns() - start) / 1e9, Mib(store));
  if (rows <= 0) return 0;
  Inserts(store, rows, rounds);
  if (const auto merged = store.Execute("OPTIMIZE TABLE samples_packed FINAL"); !merged.ok())
    std::printf("%s\n", merged.message().c_str());
  if (const auto size = store.Query("SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts WHERE "
                                    "active AND table = 'samples_packed'");
      size.ok()) {
    std::printf("bytes per sample after merges %.3f\n", size->f64(0, 0));
  }
  const auto heavy = store.Query(
      "SELECT count() FROM (SELECT sum(cityHash64(number)) FROM numbers(20000000) GROUP BY number "
      "% 5000000)");
  std::printf("after a heavy query (%s) %.0f MiB",
              heavy.ok() ? "answered" : heavy.status().message().c_str(), Mib(store));
  store.Supervise();
  std::printf(", purged %.0f MiB\n", Mib(store));
  const double cpu = CpuSeconds(store.engine().pid);
  ::sleep(20);
  std::printf("idle %.2f %% of a core, %.0f MiB\n",
              (CpuSeconds(store.engine().pid) - cpu) / 20 * 100, Mib(store));
  return 0;
}

}  // namespace
}  // namespace strata::store

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) {
    std::fprintf(stderr, "usage: store_bench DIR [ROWS ROUNDS]\n");
    return 2;
  }
  return strata::store::Run(argv[1], argc == 4 ? std::atoi(argv[2]) : 0,
                            argc == 4 ? std::atoi(argv[3]) : 1);
}
