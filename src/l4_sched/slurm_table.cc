// SPDX-License-Identifier: Apache-2.0
// Tables of squeue, sacct and sinfo: columns divided by '|' (-p, -P, -o, -O) or by blanks (the
// default forms). Columns are known by their headings. A table without headings is read as far as
// its contents say what they are: state, TRES, job id, nodes; what cannot be told stays empty.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "l4_sched/slurm.h"

namespace strata::l4_sched {
namespace {

using std::string_view;
using Row = std::vector<string_view>;

string_view Trim(string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  return text;
}

std::string Upper(string_view text) {
  std::string out(Trim(text));
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

string_view TakeLine(string_view* text) {
  const string_view line = text->substr(0, text->find('\n'));
  text->remove_prefix(std::min(text->size(), line.size() + 1));
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

Row SplitAt(string_view line, string_view by) {
  Row out;
  for (std::size_t at = 0;;) {
    const std::size_t end = line.find(by, at);
    out.push_back(Trim(line.substr(at, end - at)));
    if (end == string_view::npos) break;
    at = end + by.size();
  }
  return out;
}

Row SplitBlanks(string_view line, std::size_t columns) {
  Row out;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t begin = line.find_first_not_of(" \t", at);
    if (begin == string_view::npos) break;
    if (out.size() + 1 == columns) {  // the last one may hold blanks: (Resources, not yet)
      out.push_back(Trim(line.substr(begin)));
      break;
    }
    const std::size_t end = std::min(line.find_first_of(" \t", begin), line.size());
    out.push_back(line.substr(begin, end - begin));
    at = end;
  }
  return out;
}

// Headings that mean one thing, over the programs and their options.
constexpr std::pair<string_view, string_view> kNames[] = {{"JOBID", "id"},
                                                          {"JOBIDRAW", "raw"},
                                                          {"ARRAY_JOB_ID", "array"},
                                                          {"NAME", "name"},
                                                          {"JOBNAME", "name"},
                                                          {"USER", "user"},
                                                          {"ACCOUNT", "account"},
                                                          {"PARTITION", "partition"},
                                                          {"QOS", "qos"},
                                                          {"CLUSTER", "cluster"},
                                                          {"ST", "state"},
                                                          {"STATE", "state"},
                                                          {"REASON", "reason"},
                                                          {"NODELIST", "nodes"},
                                                          {"NODELIST(REASON)", "nodes"},
                                                          {"ALLOCTRES", "alloc"},
                                                          {"TRES_ALLOC", "alloc"},
                                                          {"TRES-ALLOC", "alloc"},
                                                          {"REQTRES", "asked"},
                                                          {"ALLOCGRES", "allocgres"},
                                                          {"REQGRES", "reqgres"},
                                                          {"TRES_PER_NODE", "per"},
                                                          {"START", "start"},
                                                          {"START_TIME", "start"},
                                                          {"END", "end"},
                                                          {"END_TIME", "end"},
                                                          {"SUBMIT", "submit"},
                                                          {"SUBMIT_TIME", "submit"},
                                                          {"GRES", "gres"},
                                                          {"GRES_USED", "gres_used"},
                                                          {"HOSTNAMES", "host"},
                                                          {"NODES", "count"},
                                                          {"NNODES", "count"},
                                                          {"AVAIL", "avail"},
                                                          {"TIMELIMIT", "limit"},
                                                          {"TRES", "asked"}};

struct Table {
  std::map<string_view, std::size_t> columns;
  std::vector<Row> rows;
  std::size_t width = 0;
  bool headed = false;
  bool sacct = false;  // it alone writes its headings in mixed case
  string_view get(const Row& row, string_view name) const {
    const auto it = columns.find(name);
    return it == columns.end() || it->second >= row.size() ? string_view() : row[it->second];
  }
  bool has(string_view name) const { return columns.contains(name); }
};

void ReadHead(const Row& head, Table* t) {
  std::size_t known = 0;
  for (std::size_t i = 0; i < head.size(); ++i) {
    const std::string name = Upper(head[i]);
    t->sacct = t->sacct || head[i] == "JobID" || head[i] == "JobIDRaw";
    for (const auto& [heading, meaning] : kNames) {
      if (name == heading) ++known, t->columns.emplace(meaning, i);
    }
  }
  t->headed = known >= 2 && (t->has("id") || t->has("raw") || t->has("avail") || t->has("gres") ||
                             t->has("host"));
  if (!t->headed) t->columns.clear();
  t->width = head.size();
}

bool IsState(string_view text) {
  static const std::set<std::string, std::less<>> kStates = {
      "BOOT_FAIL", "CANCELLED", "COMPLETED", "CONFIGURING",  "COMPLETING", "DEADLINE",
      "FAILED",    "NODE_FAIL", "PENDING",   "PREEMPTED",    "RUNNING",    "SUSPENDED",
      "TIMEOUT",   "STOPPED",   "REQUEUED",  "OUT_OF_MEMORY"};
  return kStates.contains(SlurmState(text));
}

bool IsJobId(string_view text) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == 0 || text.empty()) return false;
  return digits == string_view::npos || text[digits] == '_' || text[digits] == '+' ||
         text[digits] == '.';
}

// No headings: what the columns hold tells what they are.
void GuessColumns(Table* t) {
  const auto all = [&](std::size_t column, auto test) {
    return std::ranges::all_of(
        t->rows, [&](const Row& r) { return column < r.size() && test(r, r[column]); });
  };
  for (std::size_t c = 0; c < t->width; ++c) {
    if (!t->has("state") && all(c, [](const Row&, string_view v) { return IsState(v); }))
      t->columns["state"] = c;
    if (!t->has("tres") && all(c, [](const Row&, string_view v) {
          return v.starts_with("cpu=") || v.starts_with("billing=");
        }))
      t->columns["tres"] = c;
    std::set<string_view> distinct;
    if (!t->has("id") &&
        all(c, [&](const Row&, string_view v) { return IsJobId(v) && distinct.insert(v).second; }))
      t->columns["id"] = c;
  }
  if (!t->has("state")) return;
  for (std::size_t c = 0; c < t->width && !t->has("nodes"); ++c) {
    bool named = false;
    const bool fits = all(c, [&](const Row& r, string_view v) {
      const bool pending = SlurmState(t->get(r, "state")) == "PENDING";
      named = named || !pending;
      return pending ? v.empty()
                     : !v.empty() && std::isalpha(static_cast<unsigned char>(v[0])) != 0;
    });
    if (fits && named) t->columns["nodes"] = c;
  }
}

base::Result<Table> ReadTable(string_view text) {
  Table t;
  string_view rest = text, line;
  while (!rest.empty() && Trim(line = TakeLine(&rest)).empty()) {
  }
  const bool pipes = line.find('|') != string_view::npos;
  const string_view by = line.find("|#") != string_view::npos ? "|#" : "|";
  ReadHead(pipes ? SplitAt(line, by) : SplitBlanks(line, 256), &t);
  if (!t.headed && !pipes) return base::Invalid("no table of squeue, sacct or sinfo");
  if (!t.headed) rest = text;
  while (!rest.empty()) {
    line = TakeLine(&rest);
    if (Trim(line).empty() || line.starts_with("---")) continue;
    t.rows.push_back(pipes ? SplitAt(line, by) : SplitBlanks(line, t.width));
  }
  if (!t.headed) GuessColumns(&t);
  if (!t.headed && !(t.has("id") && t.has("state")))
    return base::Invalid("a table without headings in which no job id and state can be told");
  return t;
}

string_view Told(string_view v) {
  return v == "N/A" || v == "(null)" || v == "Unknown" || v == "None" || v == "None assigned"
             ? string_view()
             : v;
}

double GresGpus(string_view text) {
  double n = 0;
  for (const Gres& g : ParseGres(text)) n += g.name == "gpu" ? g.count : 0;
  return n;
}

SlurmJob ReadJob(const Table& t, const Row& row, std::int64_t zone_s) {
  SlurmJob job;
  job.id = t.has("id") ? t.get(row, "id") : t.get(row, "raw");
  job.raw_id = t.has("raw") ? t.get(row, "raw") : string_view(job.id);
  const std::size_t mark = job.id.find_first_of("_+");
  if (mark != std::string::npos)
    (job.id[mark] == '_' ? job.array_id : job.het_id) = job.id.substr(0, mark);
  const auto text = [&](const char* name) { return std::string(Told(t.get(row, name))); };
  job.name = text("name"), job.user = text("user"), job.account = text("account");
  job.partition = text("partition"), job.qos = text("qos"), job.cluster = text("cluster");
  job.state = SlurmState(t.get(row, "state"));
  job.reason = text("reason");
  job.nodes = text("nodes");
  if (job.nodes.starts_with('(')) {  // NODELIST(REASON)
    job.reason = job.nodes.substr(1, job.nodes.find(')') - 1);
    job.nodes.clear();
  }
  job.submit_ns = SlurmTime(t.get(row, "submit"), zone_s);
  if (!job.pending()) job.start_ns = SlurmTime(t.get(row, "start"), zone_s);
  if (!job.pending() && !job.running()) job.end_ns = SlurmTime(t.get(row, "end"), zone_s);
  const double nodes = [&] {
    const string_view n = t.get(row, "count");
    return n.empty() || n.find_first_not_of("0123456789") != string_view::npos || n.size() > 6
               ? 1.0
               : std::stod(std::string(n));
  }();
  job.gpus = GpusOfTres(t.get(row, "alloc"));
  job.gpus_asked = std::max(GpusOfTres(t.get(row, "asked")), GresGpus(t.get(row, "reqgres")));
  if (job.gpus == 0) job.gpus = GresGpus(t.get(row, "allocgres"));
  // One list for both: what a job that waits asks for, what another was given.
  const double tres = GpusOfTres(t.get(row, "tres"));
  const string_view per = t.has("per") ? t.get(row, "per") : t.get(row, "gres");
  const double either = tres > 0 ? tres : GresGpus(per) * nodes;
  if (job.gpus_asked == 0) job.gpus_asked = std::max(either, job.gpus);
  if (job.gpus == 0 && !t.has("alloc")) job.gpus = either;
  if (job.pending()) job.gpus = 0;
  return job;
}

void ReadNodes(const Table& t, const Row& row, SlurmFacts* out) {
  const string_view names = t.has("host") ? t.get(row, "host") : t.get(row, "nodes");
  for (std::string& name : ExpandHosts(names)) {
    const bool again =
        std::ranges::any_of(out->nodes, [&](const SlurmNode& n) { return n.name == name; });
    if (again) continue;  // once per partition it is in
    SlurmNode node;
    node.name = std::move(name);
    node.state = SlurmState(t.get(row, "state"));
    node.partition = t.get(row, "partition");
    node.gpus_used = std::nan("");
    for (const Gres& g : ParseGres(t.get(row, "gres"))) {
      if (g.name == "gpu") node.gpus += g.count, node.gpu_type = g.type;
    }
    if (t.has("gres_used")) node.gpus_used = GresGpus(t.get(row, "gres_used"));
    out->nodes.push_back(std::move(node));
  }
}

}  // namespace

bool LooksSlurmTable(string_view text) {
  const string_view head = text.substr(0, std::min<std::size_t>(text.size(), 65536));
  string_view rest = head;
  const string_view line = TakeLine(&rest);
  if (line.find('|') != string_view::npos) {
    Table t;
    ReadHead(SplitAt(line, line.find("|#") != string_view::npos ? "|#" : "|"), &t);
    if (t.headed) return t.has("state") || t.has("alloc") || t.has("nodes");
    if (SplitAt(line, "|").size() < 5) return false;
    return ReadTable(head.substr(0, head.rfind('\n'))).ok();
  }
  Table t;
  ReadHead(SplitBlanks(line, 256), &t);
  return t.headed && (t.has("state") || t.has("avail"));
}

base::Result<SlurmFacts> ParseSlurmTable(string_view text, std::int64_t zone_offset_s) {
  auto table = ReadTable(text);
  if (!table.ok()) return table.status();
  SlurmFacts out;
  const bool jobs = table->has("id") || table->has("raw");
  out.form = !jobs ? "sinfo" : table->sacct ? "sacct" : "squeue";
  std::set<std::string, std::less<>> told;
  for (const Row& row : table->rows) {
    if (!jobs) {
      out.nodes_told = true;
      ReadNodes(*table, row, &out);
      continue;
    }
    SlurmJob job = ReadJob(*table, row, zone_offset_s);
    if (!IsJobId(job.id)) {
      ++out.bad;
      if (out.bad_example.empty()) out.bad_example = "a row without a job id";
      continue;
    }
    const std::size_t dot = job.id.find('.');
    if (dot == std::string::npos) {
      told.insert(job.id);
      out.jobs.push_back(std::move(job));
      continue;
    }
    out.form = "sacct", out.steps_told = true;
    out.steps.push_back({job.id.substr(0, dot), job.id.substr(dot + 1), job.name, job.state,
                         job.nodes, job.gpus, job.start_ns, job.end_ns});
  }
  if (out.form == "sacct") {  // a job of which only steps are listed
    for (const SlurmStep& step : out.steps) {
      if (!told.insert(step.job).second) continue;
      SlurmJob job;
      job.id = job.raw_id = step.job;
      job.nodes = step.nodes;
      out.jobs.push_back(std::move(job));
    }
  }
  out.jobs_told = jobs;
  return out;
}

}  // namespace strata::l4_sched
