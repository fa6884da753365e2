// SPDX-License-Identifier: Apache-2.0
#include "l4_sched/process_owner.h"

#include <algorithm>

namespace strata::l4_sched {
namespace {

using std::string_view;

bool IsHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// The last run of exactly 64 hex digits.
std::size_t LastContainer(string_view path) {
  std::size_t found = string_view::npos, run = 0;
  for (std::size_t i = 0; i <= path.size(); ++i) {
    if (i < path.size() && IsHex(path[i])) {
      ++run;
      continue;
    }
    if (run == 64) found = i - 64;
    run = 0;
  }
  return found;
}

std::string LastPodUid(string_view path) {
  std::string out;
  for (std::size_t at = path.find("pod"); at != string_view::npos; at = path.find("pod", at + 1)) {
    std::string uid;
    std::size_t i = at + 3;
    for (; i < path.size() && uid.size() < 37; ++i) {
      if (IsHex(path[i])) {
        uid.push_back(path[i]);
      } else if ((path[i] == '-' || path[i] == '_') &&
                 (uid.size() == 8 || uid.size() == 13 || uid.size() == 18 || uid.size() == 23)) {
        uid.push_back('-');
      } else {
        break;
      }
    }
    const bool dashes = uid.find('-') != std::string::npos;
    if (uid.size() == (dashes ? 36u : 32u)) out = uid;
  }
  return out;
}

string_view Part(string_view path, string_view prefix) {
  const std::size_t at = path.rfind(prefix);
  if (at == string_view::npos) return {};
  const string_view rest = path.substr(at + prefix.size());
  return rest.substr(0, rest.find('/'));
}

bool Digits(string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == string_view::npos;
}

void ReadPath(string_view path, ProcessOwner* out) {
  out->pod_uid = LastPodUid(path);
  if (!out->pod_uid.empty()) {
    out->qos = path.find("besteffort") != string_view::npos  ? "besteffort"
               : path.find("burstable") != string_view::npos ? "burstable"
                                                             : "guaranteed";
  }
  constexpr std::pair<string_view, string_view> kRuntimes[] = {{"cri-containerd", "containerd"},
                                                               {"containerd", "containerd"},
                                                               {"crio", "cri-o"},
                                                               {"docker", "docker"},
                                                               {"libpod", "podman"}};
  const std::size_t id = LastContainer(path);
  if (id != string_view::npos && path.find("crio-conmon-") == string_view::npos) {
    out->container = path.substr(id, 64);
    for (const auto& [mark, runtime] : kRuntimes) {
      if (out->runtime.empty() && path.substr(0, id).find(mark) != string_view::npos)
        out->runtime = runtime;
    }
  }
  // /slurm[_NODE]/uid_0/job_4/step_0 (v1), …/[NODE_]slurmstepd.scope/job_4/step_0 (v2)
  if (path.find("slurm") == string_view::npos) return;
  if (const string_view job = Part(path, "/job_"); Digits(job)) out->slurm_job = job;
  if (!out->slurm_job.empty()) out->slurm_step = Part(path, "/step_");
}

void ReadEnvironment(string_view environ, ProcessOwner* out) {
  std::string job, array, task, het, offset;
  const std::pair<string_view, std::string*> kKeys[] = {
      {"SLURM_JOB_ID", &job},
      {"SLURM_STEP_ID", &out->slurm_step},
      {"SLURM_JOB_USER", &out->slurm_user},
      {"SLURM_JOB_ACCOUNT", &out->slurm_account},
      {"SLURM_JOB_PARTITION", &out->slurm_partition},
      {"SLURM_ARRAY_JOB_ID", &array},
      {"SLURM_ARRAY_TASK_ID", &task},
      {"SLURM_HET_JOB_ID", &het},
      {"SLURM_HET_JOB_OFFSET", &offset},
      {"CUDA_VISIBLE_DEVICES", &out->devices},
      {"ROCR_VISIBLE_DEVICES", &out->devices},
      {"ASCEND_RT_VISIBLE_DEVICES", &out->devices},
      {"NVIDIA_VISIBLE_DEVICES", &out->devices}};
  while (!environ.empty()) {  // NUL between in /proc, newlines in recordings
    const string_view pair = environ.substr(0, environ.find_first_of(string_view("\0\n", 2)));
    environ.remove_prefix(std::min(environ.size(), pair.size() + 1));
    const std::size_t equal = pair.find('=');
    if (equal == string_view::npos) continue;
    for (const auto& [key, to] : kKeys) {
      if (pair.substr(0, equal) == key && to->empty()) *to = pair.substr(equal + 1);
    }
  }
  // Without a Slurm cgroup (ProctrackType=linuxproc) only the environment tells.
  if (out->slurm_job.empty() && out->pod_uid.empty() && Digits(job)) out->slurm_job = job;
  if (out->slurm_job.empty() || (Digits(job) && job != out->slurm_job)) {
    out->slurm_user.clear(), out->slurm_account.clear(), out->slurm_partition.clear();
    if (out->slurm_job.empty()) out->slurm_step.clear();
    out->slurm_id = out->slurm_job;
    return;
  }
  out->slurm_id = Digits(array) && Digits(task)   ? array + "_" + task
                  : Digits(het) && Digits(offset) ? het + "+" + offset
                                                  : out->slurm_job;
}

}  // namespace

std::string ProcessOwner::kind() const {
  if (!pod_uid.empty()) return "pod";
  if (!slurm_job.empty()) return "slurm";
  return container.empty() ? "user" : "container";
}

ProcessOwner OwnerOf(string_view cgroup, string_view environ) {
  ProcessOwner best;
  int best_rank = -1;
  while (!cgroup.empty()) {
    const string_view line = cgroup.substr(0, cgroup.find('\n'));
    cgroup.remove_prefix(std::min(cgroup.size(), line.size() + 1));
    const std::size_t first = line.find(':');
    const std::size_t second = first == string_view::npos ? first : line.find(':', first + 1);
    if (second == string_view::npos) continue;
    ProcessOwner owner;
    ReadPath(line.substr(second + 1), &owner);
    // On v1 and mixed hosts each line may tell another part: the one that tells most counts.
    const int rank = (owner.pod_uid.empty() ? 0 : 4) + (owner.container.empty() ? 0 : 2) +
                     (owner.slurm_job.empty() ? 0 : 2) + (owner.slurm_step.empty() ? 0 : 1);
    if (rank > best_rank) best = std::move(owner), best_rank = rank;
  }
  ReadEnvironment(environ, &best);
  return best;
}

}  // namespace strata::l4_sched
