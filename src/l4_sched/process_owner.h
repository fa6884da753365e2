// SPDX-License-Identifier: Apache-2.0
// Whose a process is, from the texts of /proc/PID/cgroup and /proc/PID/environ: a container of a
// pod, a step of a Slurm job, or nobody's but its user's. Pure, allocation only for the answer.
#pragma once

#include <string>
#include <string_view>

namespace strata::l4_sched {

struct ProcessOwner {
  std::string pod_uid;    // with dashes; 32 hex digits of a static pod as they are
  std::string container;  // 64 hex digits
  std::string runtime;    // containerd | cri-o | docker | podman, "" = the path does not tell
  std::string qos;        // of the pod: guaranteed | burstable | besteffort
  std::string slurm_job, slurm_step, slurm_user, slurm_account, slurm_partition;
  std::string slurm_id;      // as Slurm shows it: 7_1 of an array, 10+0 of a het job
  std::string devices;       // what its environment lets it see: "0,1", "GPU-…", "" = not told
  std::string kind() const;  // pod | container | slurm | user
};
// `environ` may be empty (not readable). What the path says is believed before the environment: a
// process cannot leave its cgroup, but may set any variable.
ProcessOwner OwnerOf(std::string_view cgroup, std::string_view environ);

}  // namespace strata::l4_sched
