// SPDX-License-Identifier: Apache-2.0
// Who made a pod in the end: the chain of controlling ownerReferences up to the object that nobody
// controls (pod -> ReplicaSet -> Deployment, pod -> Job -> JobSet -> TrainJob, whatever a cluster
// has). No kind is known by name: where a kind is found is asked of the server's discovery. Only
// metadata is asked for, once per object; what is not permitted ends the chain and is told. One
// thread of its own asks; others use what is known.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "l4_sched/kube_client.h"
#include "l4_sched/kube_object.h"
#include "model/batch.h"

namespace strata::l4_sched {

struct KubeWorkload {
  std::string kind, name;
  bool whole = false;  // the end of the chain was reached; else the last owner that is known
};

struct KubeOwnersOptions {
  // So many unknown objects of one kind are asked for as one list of the whole cluster; 0 = never.
  std::size_t list_from = 16;
  std::size_t max_known = 50'000;          // beyond, all is forgotten and learnt anew
  std::int64_t retry_ns = 60'000'000'000;  // until what was refused or missing is asked for again
};

class KubeOwners {
 public:
  KubeOwners(KubeConfig config, KubeOwnersOptions options);
  void Run(const std::stop_token& stop);

  // From any thread; never waits for the network. What is missing is asked for, and generation()
  // rises when it came.
  KubeWorkload WorkloadOf(const KubeObject& pod);
  std::uint64_t generation() const;
  std::uint64_t requests() const;
  model::SourceState state() const;

 private:
  struct Wanted {
    KubeOwner object;
    std::string ns;
  };
  struct Known {
    KubeOwner owner;            // uid empty = nobody controls it
    std::int64_t retry_ns = 0;  // monotonic; != 0: it could not be seen, ask again then
  };
  struct Place {
    std::string plural;
    bool namespaced = true;
  };
  void Resolve(const std::vector<Wanted>& wanted, const std::stop_token& stop);
  bool ListAll(const KubeResource& resource, const std::stop_token& stop);
  void GetOne(const KubeResource& resource, bool namespaced, const Wanted& wanted,
              const std::stop_token& stop);
  bool Find(const KubeOwner& object, KubeResource* resource, bool* namespaced,
            const std::stop_token& stop);
  void Learn(const std::string& uid, Known known);
  void Failed(const KubeAnswer& answer, const std::string& what);

  KubeClient client_;
  const KubeOwnersOptions options_;
  KubeParser parser_;
  struct Group {
    std::map<std::string, Place> kinds;
    std::int64_t asked_ns = 0;
  };
  std::map<std::string, Group> groups_;  // by group/version; the asking thread's

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::unordered_map<std::string, Known> known_;    // by uid
  std::unordered_map<std::string, Wanted> wanted_;  // by uid
  std::uint64_t generation_ = 0, requests_ = 0;
  std::map<std::string, std::string> refused_;  // kind -> why
  std::int64_t last_ns_ = 0;
};

}  // namespace strata::l4_sched
