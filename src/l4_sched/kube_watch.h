// SPDX-License-Identifier: Apache-2.0
// Follows one kind of object of a Kubernetes API server: lists it page by page, then watches from
// where the list ended, for ever. What a server does to its clients (429, 500, 410, a stream cut
// in the middle of an object, silence) costs time, never an object: after a gap the list is made
// again and what is missing in it is told as deleted. One thread runs it; others may look.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <random>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>

#include "l4_sched/kube_client.h"
#include "l4_sched/kube_frames.h"
#include "l4_sched/kube_object.h"
#include "model/batch.h"

namespace strata::l4_sched {

enum class KubeChange : std::uint8_t {
  listed,  // was there when the first list was made: nothing is known to have happened to it
  added,
  modified,
  deleted,
};

struct KubeUpdate {
  const KubeResource& resource;
  KubeChange change;
  const KubeObject& object;  // of a deleted one its last state
  const KubeObject* before;  // what was known of it; nullptr = nothing
  std::string_view json;     // the object as it came; "" where a list without it told its end
};
// Called on the watching thread; whatever the pointers and views lead to lives until it returns.
using KubeSink = std::function<void(const KubeUpdate&)>;

struct KubeWatchOptions {
  int page = 500;                         // objects asked for at once
  std::int64_t watch_s = 300;             // the server ends a watch after 0.8..1 of this
  std::int64_t backoff_ns = 800'000'000;  // first pause after a failure; doubles
  std::int64_t max_backoff_ns = 30'000'000'000;
  std::int64_t absent_ns = 60'000'000'000;  // until a refusal or an unknown kind is asked again
  std::int64_t list_timeout_ms = 120'000;   // one page
  std::int64_t idle_ms = 30'000;            // beyond what the server announced
  std::size_t max_objects = 200'000;        // more are not followed, counted
  std::size_t max_object_bytes = 4u << 20;  // etcd takes 1.5 MiB
};

class KubeWatch {
 public:
  KubeWatch(KubeResource resource, KubeConfig config, KubeWatchOptions options, KubeSink sink);

  void Run(const std::stop_token& stop);  // until it is asked to stop

  // From any thread.
  const KubeResource& resource() const { return resource_; }
  bool Find(const std::string& key, KubeObject* out) const;  // "namespace/name"
  void ForEach(const std::function<void(const KubeObject&)>& take) const;
  std::size_t size() const;
  bool synced() const;  // a whole list has been seen
  // live | stale (there was a list, it is not followed now) | failed | absent (not permitted, or
  // not served).
  model::SourceState state() const;
  struct Facts {
    std::uint64_t lists = 0, watches = 0, gone = 0, cut = 0, malformed = 0, oversize = 0,
                  beyond = 0;
  };
  Facts facts() const;

 private:
  enum class Next : std::uint8_t { go_on, pause, relist, wait_absent };
  struct Outcome {
    Next next = Next::go_on;
    std::string why;
    std::int64_t pause_ns = 0;  // as the server asks
  };
  struct Kept {
    KubeObject object;
    std::uint32_t round = 0;
  };

  Outcome List(const std::stop_token& stop);
  Outcome Page(const std::stop_token& stop);
  Outcome Watch(const std::stop_token& stop);
  Outcome Refused(const KubeAnswer& answer, std::string why);
  bool TakeFrame(std::string_view json, Outcome* outcome);
  void Apply(KubeObject object, KubeChange change, std::string_view json);
  void Remove(const KubeObject& object, std::string_view json);
  void Sweep();
  void Forget();
  void Say(std::string state, std::string detail);
  std::int64_t Pause(const Outcome& outcome);

  const KubeResource resource_;
  KubeClient client_;
  const KubeWatchOptions options_;
  KubeSink sink_;
  KubeParser parser_;
  std::minstd_rand random_;

  std::string version_, next_;  // where to go on watching, and listing
  bool listing_ = false, listed_once_ = false;
  std::uint32_t round_ = 0;
  int attempts_ = 0;
  std::uint64_t fed_ = 0;  // frames of the open watch

  mutable std::mutex mutex_;  // what other threads read; only the watching thread writes
  std::unordered_map<std::string, Kept> objects_;
  bool synced_ = false;
  std::string said_ = "absent", detail_ = "not asked yet";
  std::int64_t last_ns_ = 0, watching_since_ = 0;  // the latter monotonic; 0 = not watching
  Facts facts_;
};

}  // namespace strata::l4_sched
