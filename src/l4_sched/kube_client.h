// SPDX-License-Identifier: Apache-2.0
// Requests to a Kubernetes API server: address, certificates and token of a KubeConfig, the error
// that a Status object tells. Reads only: there is no way to send a verb other than GET. One
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/http_client.h"
#include "base/status.h"
#include "l4_sched/kube_config.h"
#include "l4_sched/kube_object.h"

namespace strata::l4_sched {

// A kind by its place in the API; `group` "" = the core group.
struct KubeResource {
  std::string group, version = "v1", plural;
  std::string field_selector;  // "spec.nodeName=node-1"
  bool metadata_only = false;  // labels and owners suffice

  std::string path() const;  // /api/v1/pods, /apis/apps/v1/deployments
  std::string name() const;  // pods, deployments.apps
};

struct KubeAnswer {
  int status = 0;                   // HTTP; 0 = no answer
  std::int64_t retry_after_ns = 0;  // as the server asks; 0 = it does not
  std::string error;                // "HTTP 403: pods is forbidden: …"; "" = 200
  std::string body;                 // of Get
  bool ok() const { return status == 200 && error.empty(); }
};

class KubeClient {
 public:
  explicit KubeClient(KubeConfig config) : config_(std::move(config)) {}

  struct Limits {
    std::int64_t timeout_ms = 30'000, idle_ms = 15'000;
    std::size_t max_bytes = 8u << 20;
  };
  KubeAnswer Get(const std::string& path, bool metadata_only, const Limits& limits,
                 const std::stop_token& stop);
  // The body in pieces; an error's body too.
  KubeAnswer Stream(const std::string& path, bool metadata_only, const Limits& limits,
                    const std::stop_token& stop, const std::function<bool(std::string_view)>& take);
  const std::string& source() const { return config_.source(); }

 private:
  base::HttpRequest Request(const std::string& path, bool metadata_only, const Limits& limits,
                            const std::stop_token& stop);
  KubeAnswer Answer(base::Result<base::HttpAnswer> answer);

  KubeConfig config_;
  base::HttpClient http_;
};

// Percent-encodes a query value.
std::string KubeQuote(std::string_view text);
// What an answer other than 200 says: a Status object's message, else its first words.
std::string KubeErrorText(int status, std::string_view body);

}  // namespace strata::l4_sched
