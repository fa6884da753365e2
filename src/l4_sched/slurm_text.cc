// SPDX-License-Identifier: Apache-2.0
// `scontrol show job -d`, `show step`, `show node`, one record a paragraph or (-o) a line: words of
// the form Key=Value, where values may hold blanks.
#include <algorithm>
#include <cmath>

#include "l4_sched/slurm.h"

namespace strata::l4_sched {
namespace {

using std::string_view;

// A word that begins a new value: an identifier followed by '='.
bool IsKey(string_view word, string_view* key, string_view* value) {
  const std::size_t equal = word.find('=');
  if (equal == string_view::npos || equal == 0) return false;
  *key = word.substr(0, equal);
  *value = word.substr(equal + 1);
  return (*key)[0] >= 'A' && (*key)[0] <= 'Z' &&
         key->find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:/.") ==
             string_view::npos;
}

bool Told(string_view v) {
  return !v.empty() && v != "(null)" && v != "N/A" && v != "None" && v != "Unknown" && v != "n/a";
}

class Reader {
 public:
  explicit Reader(std::int64_t zone_offset_s) : zone_s_(zone_offset_s) {}

  void Field(string_view key, string_view value) {
    if (key == "JobId") return NewJob(value);
    if (key == "StepId") return NewStep(value);
    if (key == "NodeName") return NewNode(value);
    if (kind_ == 'j') return JobField(key, value);
    if (kind_ == 's') return StepField(key, value);
    if (kind_ == 'n') return NodeField(key, value);
    ++facts_.bad;
    if (facts_.bad_example.empty()) facts_.bad_example = "a word before any JobId";
  }

  SlurmFacts Finish() {
    facts_.form = "scontrol";
    for (SlurmJob& job : facts_.jobs) {
      if (job.pending()) job.start_ns = job.end_ns = 0;  // forecasts
      if (job.running()) job.end_ns = 0;
      if (job.gpus == 0 && !job.pending()) {
        for (const SlurmGrant& g : job.grants) {
          for (const Gres& gres : g.gres) job.gpus += gres.name == "gpu" ? gres.count : 0;
        }
      }
    }
    return std::move(facts_);
  }

 private:
  void NewJob(string_view id) {
    kind_ = 'j';
    facts_.jobs_told = true;
    nodes_ = {};
    SlurmJob& job = facts_.jobs.emplace_back();
    job.raw_id = id;
    job.id = id;
  }
  void NewStep(string_view id) {
    kind_ = 's';
    facts_.steps_told = true;
    SlurmStep& step = facts_.steps.emplace_back();
    const std::size_t dot = id.find('.');
    step.job = id.substr(0, dot);
    step.id = dot == string_view::npos ? string_view() : id.substr(dot + 1);
  }
  void NewNode(string_view name) {
    kind_ = 'n';
    facts_.nodes_told = true;
    SlurmNode& node = facts_.nodes.emplace_back();
    node.name = name;
    node.gpus_used = std::nan("");
  }

  void JobField(string_view key, string_view value) {
    SlurmJob& job = facts_.jobs.back();
    if (key == "ArrayJobId") {
      job.array_id = value;
    } else if (key == "ArrayTaskId") {
      const bool one = value.find_first_not_of("0123456789") == string_view::npos;
      job.id = job.array_id + (one ? "_" : "_[") + std::string(value) + (one ? "" : "]");
    } else if (key == "HetJobId" || key == "PackJobId") {
      job.het_id = value;
    } else if (key == "HetJobOffset" || key == "PackJobOffset") {
      job.id = job.het_id + "+" + std::string(value);
    } else if (key == "JobName") {
      job.name = value;
    } else if (key == "UserId") {
      job.user = value.substr(0, value.find('('));
    } else if (key == "Account" && Told(value)) {
      job.account = value;
    } else if (key == "Partition") {
      job.partition = value;
    } else if (key == "QOS") {
      job.qos = value;
    } else if (key == "JobState") {
      job.state = SlurmState(value);
    } else if (key == "Reason") {
      job.reason = value;
    } else if (key == "NodeList" && Told(value)) {
      job.nodes = value;
    } else if (key == "SubmitTime") {
      job.submit_ns = SlurmTime(value, zone_s_);
    } else if (key == "StartTime") {
      job.start_ns = SlurmTime(value, zone_s_);
    } else if (key == "EndTime") {
      job.end_ns = SlurmTime(value, zone_s_);
    } else if (key == "TRES" || key == "AllocTRES") {
      job.gpus = job.pending() ? 0 : GpusOfTres(value);
      if (key == "TRES") job.gpus_asked = GpusOfTres(value);
    } else if (key == "ReqTRES") {
      job.gpus_asked = GpusOfTres(value);
    } else if (key == "Nodes") {
      nodes_ = value;
    } else if ((key == "GRES" || key == "GRES_IDX") && !nodes_.empty() && Told(value)) {
      // Several nodes on one line were given the same devices.
      for (std::string& node : ExpandHosts(nodes_)) job.grants.push_back({node, ParseGres(value)});
    }
  }

  void StepField(string_view key, string_view value) {
    SlurmStep& step = facts_.steps.back();
    if (key == "State") step.state = SlurmState(value);
    if (key == "Name") step.name = value;
    if (key == "NodeList") step.nodes = value;
    if (key == "TRES") step.gpus = GpusOfTres(value);
    if (key == "StartTime") step.start_ns = SlurmTime(value, zone_s_);
  }

  void NodeField(string_view key, string_view value) {
    SlurmNode& node = facts_.nodes.back();
    if (key == "State") node.state = SlurmState(value);
    if (key == "Partitions") node.partition = value.substr(0, value.find(','));
    const auto gpus = [&] {
      double n = 0;
      for (const Gres& g : ParseGres(value)) {
        if (g.name == "gpu") n += g.count, node.gpu_type = g.type;
      }
      return n;
    };
    if (key == "Gres") node.gpus = gpus();
    if (key == "GresUsed") node.gpus_used = gpus();
    if (key == "AllocTRES" && std::isnan(node.gpus_used)) node.gpus_used = GpusOfTres(value);
  }

  std::int64_t zone_s_;
  SlurmFacts facts_;
  char kind_ = 0;
  string_view nodes_;
};

// What a user wrote: it may hold " Account=other".
bool IsFreeText(string_view key) {
  for (const string_view k : {"JobName", "Command", "WorkDir", "StdErr", "StdIn", "StdOut",
                              "Comment", "AdminComment", "SystemComment", "Extra"}) {
    if (key == k) return true;
  }
  return false;
}

// One line of a record. A record begins at the beginning of a line only; free text goes to the end
// of its line, except where the whole record stands on one (-o): there it goes to the next key.
void ReadLine(string_view line, Reader* reader) {
  const bool one_line = line.find(" JobState=") != string_view::npos;
  string_view key, value;
  bool open = false, first = true;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t begin = line.find_first_not_of(" \t\r", at);
    if (begin == string_view::npos) break;
    const std::size_t end = std::min(line.find_first_of(" \t\r", begin), line.size());
    at = end;
    string_view next_key, next_value;
    const bool record = !first && IsKey(line.substr(begin, end - begin), &next_key, &next_value) &&
                        (next_key == "JobId" || next_key == "StepId" || next_key == "NodeName");
    if (!record && IsKey(line.substr(begin, end - begin), &next_key, &next_value)) {
      if (open) reader->Field(key, value);
      key = next_key, value = next_value, open = true;
      if (IsFreeText(key) && !one_line) {
        value = line.substr(static_cast<std::size_t>(value.data() - line.data()));
        break;
      }
    } else if (open) {
      value = string_view(value.data(), static_cast<std::size_t>(line.data() + end - value.data()));
    }
    first = false;
  }
  if (open) reader->Field(key, value);
}

}  // namespace

base::Result<SlurmFacts> ParseSlurmText(string_view text, std::int64_t zone_offset_s) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const string_view head = first == string_view::npos ? string_view() : text.substr(first);
  if (!head.starts_with("JobId=") && !head.starts_with("StepId=") && !head.starts_with("NodeName="))
    return ParseSlurmTable(text, zone_offset_s);
  Reader reader(zone_offset_s);
  while (!text.empty()) {
    const string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    ReadLine(line, &reader);
  }
  return reader.Finish();
}

}  // namespace strata::l4_sched
