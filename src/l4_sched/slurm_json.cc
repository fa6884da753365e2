// SPDX-License-Identifier: Apache-2.0
// Slurm's JSON: openapi v0.0.36 to v0.0.43 and slurmrestd. Numbers are plain, or since v0.0.39
// {"set":…,"infinite":…,"number":…}; states are a word, or since v0.0.40 a list; squeue lists
// devices in gres_detail, one text per node; sacct's TRES are objects.
#include <cmath>

#include "l4_sched/json_view.h"
#include "l4_sched/slurm.h"

namespace strata::l4_sched {
namespace {

using std::string_view;

double Number(JsonView v) {
  if (v.is_object())
    return v["set"].some() && !v["set"].truth() ? std::nan("") : v["number"].number();
  return v.number();
}

std::int64_t Time(JsonView v) {
  const double s = Number(v);
  return s > 0 && s < 4e9 ? static_cast<std::int64_t>(s) * 1'000'000'000 : 0;
}

std::string State(JsonView v) {
  std::string out;
  if (v.is_string()) return SlurmState(v.text());
  v.each([&](JsonView word) {
    if (out.empty()) out = SlurmState(word.text());
  });
  return out;
}

std::string Id(JsonView v) {
  const double n = Number(v);
  if (n > 0 && n < 4294967294.0) return std::to_string(static_cast<std::int64_t>(n));
  return v.is_string() ? v.str() : std::string();
}

// [{"type":"gres","name":"gpu","count":2},…] or the text.
double Gpus(JsonView tres) {
  if (tres.is_string()) return GpusOfTres(tres.text());
  double whole = 0, typed = 0;
  tres.each([&](JsonView t) {
    if (t["type"].text() != "gres") return;
    const double n = Number(t["count"]);
    if (!std::isfinite(n)) return;
    if (t["name"].text() == "gpu") whole = n;
    if (t["name"].text().starts_with("gpu:")) typed += n;
  });
  return std::max(whole, typed);
}

void Ids(JsonView array_id, JsonView task, JsonView tasks, JsonView het, JsonView offset,
         SlurmJob* job) {
  job->id = job->raw_id;
  job->array_id = Id(array_id);
  const double n = Number(task);
  if (!job->array_id.empty() && std::isfinite(n) && n < 4294967294.0) {
    job->id = job->array_id + "_" + std::to_string(static_cast<std::int64_t>(n));
  } else if (!job->array_id.empty() && !tasks.text().empty()) {
    job->id = job->array_id + "_[" + tasks.str() + "]";
  }
  job->het_id = Id(het);
  const double o = Number(offset);
  if (!job->het_id.empty() && std::isfinite(o) && o < 4294967294.0)
    job->id = job->het_id + "+" + std::to_string(static_cast<std::int64_t>(o));
}

void ReadGrants(JsonView j, SlurmJob* job) {
  const JsonView detail = j["gres_detail"];
  if (detail.size() == 0) return;
  const std::vector<std::string> hosts = ExpandHosts(job->nodes);
  std::size_t i = 0;
  detail.each([&](JsonView text) {
    if (i < hosts.size()) job->grants.push_back({hosts[i], ParseGres(text.text())});
    ++i;
  });
}

SlurmJob ReadQueued(JsonView j) {
  SlurmJob job;
  job.raw_id = Id(j["job_id"]);
  Ids(j["array_job_id"], j["array_task_id"], j["array_task_string"], j["het_job_id"],
      j["het_job_offset"], &job);
  job.name = j["name"].str();
  job.user = j["user_name"].str();
  job.account = j["account"].str();
  job.partition = j["partition"].str();
  job.qos = j["qos"].str();
  job.cluster = j["cluster"].str();
  job.state = State(j["job_state"]);
  job.reason = j["state_reason"].str();
  job.nodes = j["nodes"].str();
  job.submit_ns = Time(j["submit_time"]);
  job.start_ns = job.pending() ? 0 : Time(j["start_time"]);  // of one that waits: a forecast
  job.end_ns = job.running() || job.pending() ? 0 : Time(j["end_time"]);
  ReadGrants(j, &job);
  job.gpus_asked = Gpus(j["tres_req_str"]);
  job.gpus = job.pending() ? 0 : Gpus(j["tres_alloc_str"]);
  if (job.gpus == 0) {  // plugins that do not account gres: what was given by name
    for (const SlurmGrant& g : job.grants) {
      for (const Gres& gres : g.gres) job.gpus += gres.name == "gpu" ? gres.count : 0;
    }
  }
  return job;
}

SlurmJob ReadAccounted(JsonView j, SlurmFacts* facts) {
  SlurmJob job;
  job.raw_id = Id(j["job_id"]);
  Ids(j["array"]["job_id"], j["array"]["task_id"], j["array"]["task"], j["het"]["job_id"],
      j["het"]["job_offset"], &job);
  job.name = j["name"].str();
  job.user = j["user"].is_string() ? j["user"].str() : j["association"]["user"].str();
  job.account = j["account"].str();
  job.partition = j["partition"].str();
  job.qos = j["qos"].str();
  job.cluster = j["cluster"].str();
  job.state = State(j["state"]["current"]);
  job.reason = j["state"]["reason"].str();
  job.nodes = j["nodes"].str();
  job.submit_ns = Time(j["time"]["submission"]);
  job.start_ns = Time(j["time"]["start"]);
  job.end_ns = Time(j["time"]["end"]);
  job.gpus = Gpus(j["tres"]["allocated"]);
  job.gpus_asked = Gpus(j["tres"]["requested"]);
  j["steps"].each([&](JsonView s) {
    SlurmStep& step = facts->steps.emplace_back();
    step.job = job.id;
    const JsonView id = s["step"]["id"];
    step.id = id.is_string() ? id.str() : Id(id);
    if (id.is_object())
      step.id = Id(id["step_id"]).empty() ? id["step_id"].str() : Id(id["step_id"]);
    if (!id.is_string() && step.id.empty() && Number(id) == 0) step.id = "0";
    step.name = s["step"]["name"].str();
    step.state = State(s["state"]);
    step.nodes = s["nodes"]["range"].str();
    step.gpus = Gpus(s["tres"]["allocated"]);
    step.start_ns = Time(s["time"]["start"]);
    step.end_ns = Time(s["time"]["end"]);
  });
  return job;
}

void ReadNode(JsonView n, SlurmFacts* facts) {
  SlurmNode node;
  node.name = n["name"].is_string() ? n["name"].str() : n["hostname"].str();
  node.state = State(n["state"]);
  node.gpus_used = std::nan("");
  for (const Gres& g : ParseGres(n["gres"].text())) {
    if (g.name != "gpu") continue;
    node.gpus += g.count;
    node.gpu_type = g.type;
  }
  if (n["gres_used"].is_string()) {
    node.gpus_used = 0;
    for (const Gres& g : ParseGres(n["gres_used"].text()))
      node.gpus_used += g.name == "gpu" ? g.count : 0;
  }
  if (node.gpus == 0) node.gpus = GpusOfTres(n["tres"].text());
  n["partitions"].each([&](JsonView p) {
    if (node.partition.empty()) node.partition = p.str();
  });
  facts->nodes.push_back(std::move(node));
}

// `sinfo --json` since 23.02: rows of nodes that are alike.
void ReadInfo(JsonView row, SlurmFacts* facts) {
  row["nodes"]["nodes"].each([&](JsonView name) {
    SlurmNode node;
    node.name = name.str();
    node.state = State(row["node"]["state"]);
    node.partition = row["partition"]["name"].str();
    node.gpus_used = std::nan("");
    for (const Gres& g : ParseGres(row["gres"]["total"].text())) {
      if (g.name == "gpu") node.gpus += g.count, node.gpu_type = g.type;
    }
    for (const SlurmNode& other : facts->nodes) {
      if (other.name == node.name) return;  // once per partition it is in
    }
    if (row["gres"]["used"].is_string()) {
      node.gpus_used = 0;
      for (const Gres& g : ParseGres(row["gres"]["used"].text()))
        node.gpus_used += g.name == "gpu" ? g.count : 0;
    }
    facts->nodes.push_back(std::move(node));
  });
}

}  // namespace

base::Result<SlurmFacts> ParseSlurmJson(string_view json) {
  JsonDocument document;
  auto root = document.Parse(json);
  if (!root.ok()) return root.status();
  SlurmFacts out;
  bool any = false;
  const auto bad = [&](const char* what) {
    ++out.bad;
    if (out.bad_example.empty()) out.bad_example = what;
  };
  if (const JsonView jobs = (*root)["jobs"]; jobs.is_array()) {
    any = out.jobs_told = true;
    out.form = "squeue";
    jobs.each([&](JsonView j) {
      const bool accounted = j["state"].is_object() || j["steps"].is_array();
      if (accounted) out.form = "sacct", out.steps_told = true;
      SlurmJob job = accounted ? ReadAccounted(j, &out) : ReadQueued(j);
      if (job.raw_id.empty()) return bad("a job without a job_id");
      out.jobs.push_back(std::move(job));
    });
  }
  if (const JsonView nodes = (*root)["nodes"]; nodes.is_array()) {
    any = out.nodes_told = true;
    if (out.form.empty()) out.form = "sinfo";
    nodes.each([&](JsonView n) { ReadNode(n, &out); });
  }
  if (const JsonView rows = (*root)["sinfo"]; rows.is_array()) {
    any = out.nodes_told = true;
    out.form = "sinfo";
    rows.each([&](JsonView row) { ReadInfo(row, &out); });
  }
  if (!any) return base::Invalid("JSON without jobs, nodes or sinfo: not of Slurm");
  std::erase_if(out.nodes, [](const SlurmNode& n) { return n.name.empty(); });
  return out;
}

}  // namespace strata::l4_sched
