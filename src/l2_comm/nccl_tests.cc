// SPDX-License-Identifier: Apache-2.0
// nccl-tests (and rccl-tests) tables: the columns are taken from the table's own heading, so that
// versions with and without redop, root, in-place and #wrong read alike. And the text that torch's
// all_reduce_bench prints. Bandwidths there are decimal: GB/s = 1e9 By/s, Gbps = 1e9 bit/s.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

#include "l2_comm/l2_comm.h"

namespace strata::l2_comm {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kGiga = 1e9;
constexpr std::size_t kMaxRows = 1u << 20;

std::string_view NextLine(std::string_view* text) {
  const std::string_view line = text->substr(0, text->find('\n'));
  text->remove_prefix(std::min(text->size(), line.size() + 1));
  return line;
}

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> out;
  while (out.size() < 64) {
    const std::size_t from = line.find_first_not_of(" \t\r");
    if (from == std::string_view::npos) break;
    line.remove_prefix(from);
    const std::size_t n = std::min(line.find_first_of(" \t\r"), line.size());
    out.push_back(line.substr(0, n));
    line.remove_prefix(n);
  }
  return out;
}

// NaN for N/A and whatever is no number or none that can be measured.
double Number(std::string_view word) {
  double value = kNan;
  const auto r = std::from_chars(word.data(), word.data() + word.size(), value);
  return r.ec == std::errc() && r.ptr == word.data() + word.size() && std::isfinite(value) &&
                 value >= 0
             ? value
             : kNan;
}

// What mpirun and srun put before a line: "[1,0]<stdout>:", "3: ".
std::string_view WithoutPrefix(std::string_view line) {
  if (line.starts_with('[')) {
    const std::size_t end = line.find(">:");
    if (end != std::string_view::npos && end < 40) return line.substr(end + 2);
  }
  std::size_t i = 0;
  while (i < line.size() && (line[i] == ' ' || (line[i] >= '0' && line[i] <= '9'))) ++i;
  if (i > 0 && i < line.size() && line[i] == ':' && line[i - 1] != ' ' &&
      (i + 1 == line.size() || line[i + 1] == ' ' || line[i + 1] == '#'))
    return line.substr(i + 1);
  return line;
}

struct Measured {
  double bytes = kNan, time_s = kNan, algbw = kNan, busbw = kNan, wrong = kNan;
};

struct Run {
  std::string version, test;         // "2.18.0", "all_reduce_perf"
  std::vector<std::string> columns;  // of the heading, without '#'
  double time_per_s = 1e6, bandwidth_scale = kGiga;
  std::set<std::int64_t> ranks;
  std::vector<Measured> rows, in_place;
  double avg_busbw = kNan, out_of_bounds = kNan;
  bool reduces = false;
};

base::Json OrNull(double value) { return std::isnan(value) ? base::Json() : base::Json(value); }

base::Json Count(double value) {
  return std::isnan(value) ? base::Json() : base::Json(static_cast<std::int64_t>(value));
}

base::Json RowsJson(const std::vector<Measured>& rows) {
  base::Json out = base::Json::MakeArray();
  for (const Measured& m : rows) {
    base::Json row;
    row.set("bytes", Count(m.bytes)).set("time_s", OrNull(m.time_s));
    row.set("algbw", OrNull(m.algbw)).set("busbw", OrNull(m.busbw)).set("wrong", Count(m.wrong));
    out.push(std::move(row));
  }
  return out;
}

struct Named {
  std::string_view word, operation;
};
constexpr Named kNamed[] = {{"allreduce", "AllReduce"}, {"allgather", "AllGather"},
                            {"alltoall", "AllToAll"},   {"reducescatter", "ReduceScatter"},
                            {"broadcast", "Broadcast"}, {"sendrecv", "SendRecv"},
                            {"hypercube", "HyperCube"}, {"scatter", "Scatter"},
                            {"gather", "Gather"},       {"reduce", "Reduce"}};

// "all_reduce_perf_mpi", "nccl_allgather.log"; "" when none is named.
std::string OperationIn(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (c != '_' && c != '-')
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  for (const Named& n : kNamed) {
    if (plain.find(n.word) != std::string::npos) return std::string(n.operation);
  }
  return {};
}

// Of a table that nobody named: the ratio of bus to algorithm bandwidth and the columns tell
// AllReduce and ReduceScatter; the old heading without redop was AllGather's.
std::string OperationOfTable(const Run& run) {
  const double n = static_cast<double>(run.ranks.size());
  const bool has_redop =
      std::find(run.columns.begin(), run.columns.end(), "redop") != run.columns.end();
  const bool has_root =
      std::find(run.columns.begin(), run.columns.end(), "root") != run.columns.end();
  const Measured* best = nullptr;
  for (const Measured& m : run.rows) {
    if (m.algbw > 0 && (best == nullptr || m.algbw > best->algbw)) best = &m;
  }
  if (best == nullptr || n < 3) return {};
  const double factor = best->busbw / best->algbw;
  const auto near = [&](double want) { return std::abs(factor - want) < 0.02 * want; };
  if (run.reduces && near(2 * (n - 1) / n)) return "AllReduce";
  if (run.reduces && near((n - 1) / n)) return "ReduceScatter";
  if (!has_redop && !has_root && near((n - 1) / n)) return "AllGather";
  return {};
}

class Reader {
 public:
  explicit Reader(model::Batch* batch) : batch_(batch) {}

  void Read(std::string_view text) {
    while (!text.empty()) {
      std::string_view line = WithoutPrefix(NextLine(&text));
      const std::size_t from = line.find_first_not_of(" \t");
      if (from == std::string_view::npos) continue;
      line.remove_prefix(from);
      if (line[0] == '#') {
        Comment(line.substr(1));
      } else if (line[0] >= '0' && line[0] <= '9') {
        Row(line);
      } else if (test_.empty() && line.find("_perf") != std::string_view::npos) {
        test_ = OperationIn(line.substr(0, 4096));  // the command that started it
      }
    }
  }
  std::vector<Run>& runs() { return runs_; }
  const std::string& command() const { return test_; }

 private:
  Run& run() {
    if (runs_.empty()) runs_.emplace_back();
    return runs_.back();
  }
  // What starts a run where the last one has its rows already.
  Run& Fresh() {
    if (runs_.empty() || !runs_.back().rows.empty()) runs_.emplace_back();
    return runs_.back();
  }

  void Comment(std::string_view line) {
    const std::vector<std::string_view> words = Words(line);
    if (words.empty()) return;
    if (words[0].ends_with("ccl-tests") && words.size() > 2 && words[1] == "version") {
      Fresh().version = words[2];
    } else if (words[0] == "Collective" && words.size() > 3 && words[2] == "starting:") {
      Fresh().test = words[3];
    } else if (words[0] == "nThread" || words[0] == "nThreads") {
      Fresh();
    } else if (words[0] == "Rank" && words.size() > 1) {
      std::int64_t rank = -1;
      std::from_chars(words[1].data(), words[1].data() + words[1].size(), rank);
      if (rank < 0) return;
      if (rank >= static_cast<std::int64_t>(kMaxRanks)) {
        batch_->refused.add(base::Reason::oversize, 1, "a rank beyond what is believed");
        return;
      }
      Fresh().ranks.insert(rank);
    } else if (std::find(words.begin(), words.end(), "busbw") != words.end() &&
               std::find(words.begin(), words.end(), "size") != words.end()) {
      Run& r = Fresh();
      r.columns.assign(words.begin(), words.end());
      reads_ = true;
    } else if (words[0] == "(B)") {
      for (const std::string_view unit : words) {
        if (unit == "(ms)") run().time_per_s = 1e3;
        if (unit == "(s)") run().time_per_s = 1;
        if (unit == "(MB/s)") run().bandwidth_scale = 1e6;
      }
    } else if (words[0] == "Avg" || words[0] == "Out") {
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos) return;
      const std::vector<std::string_view> values = Words(line.substr(colon + 1));
      if (values.empty()) return;
      if (words[0] == "Out") {
        run().out_of_bounds = Number(values[0]);
      } else {
        run().avg_busbw = Number(values[0]) * run().bandwidth_scale;
      }
    }
  }

  void Row(std::string_view line) {
    if (!reads_) return;  // numbers before any table are no rows
    const std::vector<std::string_view> words = Words(line);
    Run& r = run();
    if (words.size() < 4 || std::isnan(Number(words[0])) || std::isnan(Number(words[1]))) return;
    if (words.size() != r.columns.size() || r.rows.size() >= kMaxRows) {
      batch_->refused.add(
          words.size() != r.columns.size() ? base::Reason::malformed : base::Reason::oversize, 1,
          "a row that does not fit its table");
      return;
    }
    Measured both[2];
    int set = -1;
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::string& name = r.columns[i];
      if (name == "size") both[0].bytes = both[1].bytes = Number(words[i]);
      if (name == "redop") r.reduces |= words[i] != "none";
      if (name == "time") set = std::min(set + 1, 1);
      if (set < 0) continue;
      if (name == "time") both[set].time_s = Number(words[i]) / r.time_per_s;
      if (name == "algbw") both[set].algbw = Number(words[i]) * r.bandwidth_scale;
      if (name == "busbw") both[set].busbw = Number(words[i]) * r.bandwidth_scale;
      if (name == "#wrong" || name == "error") both[set].wrong = Number(words[i]);
    }
    if (set < 0 || std::isnan(both[0].time_s) || std::isnan(both[0].busbw)) {
      batch_->refused.add(base::Reason::not_a_number, 1, "a row without a time or a bandwidth");
      return;
    }
    // "error" was a relative error before it became a count.
    for (Measured& m : both)
      if (m.wrong != std::floor(m.wrong)) m.wrong = kNan;
    r.rows.push_back(both[0]);
    if (set == 1) r.in_place.push_back(both[1]);
  }

  model::Batch* batch_;
  std::vector<Run> runs_;
  std::string test_;
  bool reads_ = false;
};

base::Json RunJson(const Run& run, const std::string& hint) {
  std::string operation = OperationIn(run.test);
  if (operation.empty()) operation = hint;
  if (operation.empty()) operation = OperationOfTable(run);
  base::Json out;
  out.set("operation", operation.empty() ? base::Json() : base::Json(operation));
  out.set("ranks", run.ranks.empty() ? base::Json()
                                     : base::Json(static_cast<std::uint64_t>(run.ranks.size())));
  out.set("version", run.version.empty() ? base::Json() : base::Json(run.version));
  out.set("rows", RowsJson(run.rows)).set("in_place", RowsJson(run.in_place));
  out.set("avg_busbw", OrNull(run.avg_busbw)).set("out_of_bounds", Count(run.out_of_bounds));
  return out;
}

void Put(base::Json from, base::Json* report) {
  report->set("layer", "l2_comm").set("report", "nccl_tests");
  for (const auto& [key, value] : from.object()) report->set(key, value);
}

// ---- torch all_reduce_bench: each rank prints its time, its throughput (2 bits sent per bit
// reduced) and its bus bandwidth, in the wild order of many processes. The bus bandwidth is a
// falling function of the time, so the k-th shortest time belongs to the k-th largest bandwidth.

double After(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) return kNan;
  const std::vector<std::string_view> words = Words(line.substr(at + key.size()));
  return words.empty() ? kNan : Number(words[0]);
}

bool LooksBench(std::string_view head) {
  return head.find("algo throughput:") != std::string_view::npos &&
         head.find("busbw:") != std::string_view::npos;
}

void ReadBench(std::string_view text, model::Batch* batch, base::Json* report) {
  std::vector<double> times, bandwidths;
  std::set<std::int64_t> ranks;
  double bytes = kNan;
  while (!text.empty()) {
    const std::string_view line = NextLine(&text);
    if (const double s = After(line, "duration:"); !std::isnan(s)) times.push_back(s);
    if (const double gbps = After(line, "busbw:"); !std::isnan(gbps))
      bandwidths.push_back(gbps * kGiga / 8);
    if (const double gb = After(line, "data size:"); !std::isnan(gb)) {
      bytes = gb * kGiga;
      std::int64_t rank = -1;
      const std::vector<std::string_view> words = Words(line);
      std::from_chars(words[0].data(), words[0].data() + words[0].size(), rank);
      if (rank >= 0 && rank < static_cast<std::int64_t>(kMaxRanks)) ranks.insert(rank);
    }
  }
  const bool paired = times.size() == bandwidths.size();
  if (!paired) {
    batch->refused.add(base::Reason::malformed, 1,
                       "times and bandwidths of different number: not paired");
  }
  std::vector<std::size_t> order(times.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return times[a] < times[b]; });
  std::sort(bandwidths.begin(), bandwidths.end(), std::greater<>());
  Run run;
  run.test = "all_reduce";
  run.ranks = std::move(ranks);
  run.rows.resize(times.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    Measured& m = run.rows[order[i]];
    m.bytes = bytes;
    m.time_s = times[order[i]];
    m.algbw = m.time_s > 0 ? bytes / m.time_s : kNan;
    if (paired) m.busbw = bandwidths[i];
  }
  if (report != nullptr) Put(RunJson(run, {}), report);
}

}  // namespace

bool LooksNcclTests(std::string_view head) {
  return head.find("# nThread ") != std::string_view::npos ||
         head.find("ccl-tests version") != std::string_view::npos ||
         (head.find("algbw") != std::string_view::npos &&
          head.find("busbw") != std::string_view::npos &&
          head.find("(elements)") != std::string_view::npos) ||
         LooksBench(head);
}

base::Result<bool> ReadNcclTests(const base::InputFile& file, const wire::Context&,
                                 model::Batch* batch, base::Json* report) {
  Reader reader(batch);
  reader.Read(file.bytes);
  const std::vector<Run>& runs = reader.runs();
  const bool any = std::any_of(runs.begin(), runs.end(),
                               [](const Run& r) { return !r.rows.empty() || !r.columns.empty(); });
  if (!any) {
    if (!LooksBench(file.bytes)) return base::Invalid(file.name + ": no table of nccl-tests");
    ReadBench(file.bytes, batch, report);
    return true;
  }
  if (report == nullptr) return true;
  std::string hint = reader.command();
  if (hint.empty()) hint = OperationIn(file.name.substr(file.name.find_last_of("/!") + 1));
  Put(RunJson(runs.front(), hint), report);
  if (runs.size() == 1) return true;
  base::Json all = base::Json::MakeArray();  // several tests in one log; the first stands above
  for (const Run& run : runs) all.push(RunJson(run, run.test.empty() ? std::string() : hint));
  report->set("runs", std::move(all));
  return true;
}

}  // namespace strata::l2_comm
