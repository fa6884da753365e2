// SPDX-License-Identifier: Apache-2.0
// How to reach a Kubernetes API server and as whom: the service account of a pod, or a kubeconfig.
// Tokens and certificates that stand in files are read again, because they are rotated. Programs
// that a kubeconfig names (exec, auth-provider) are never run. One thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace strata::l4_sched {

// What one request needs.
struct KubeAccess {
  std::string server;  // https://host:port, no slash at the end
  std::string ca_pem, cert_pem, key_pem, token;
  bool verify_peer = true;
};

class KubeConfig {
 public:
  // The service account below `folder`; host and port as KUBERNETES_SERVICE_HOST and _PORT tell
  // them. not_found when this is no pod.
  static base::Result<KubeConfig> InCluster(
      const std::string& host, const std::string& port,
      const std::string& folder = "/var/run/secrets/kubernetes.io/serviceaccount");
  static base::Result<KubeConfig> InCluster();  // from the environment
  // Files of a kubeconfig, joined as kubectl joins them (the first entry of a name counts);
  // `context` "" = the current one. unsupported: exec, auth-provider, user and password,
  // impersonation, proxies.
  static base::Result<KubeConfig> FromFiles(const std::vector<std::string>& paths,
                                            const std::string& context = {});
  // A kubeconfig as text; relative paths in it are below `folder`.
  static base::Result<KubeConfig> FromText(std::string_view yaml, const std::string& folder,
                                           const std::string& context = {});

  // As it is now. Files are read at most every `reread_ns`; one that cannot be read leaves what was
  // read last.
  const KubeAccess& access(std::int64_t now_ns);
  void Reread() { read_ns_ = 0; }                        // the server said 401
  const std::string& source() const { return source_; }  // "service account", "kubeconfig FILE"

  static constexpr std::int64_t reread_ns = 60'000'000'000;

 private:
  struct Entries;
  static base::Result<KubeConfig> Choose(const Entries& entries, const std::string& context);
  base::Status ReadFiles(bool first);

  KubeAccess access_;
  std::string source_;
  std::string ca_file_, cert_file_, key_file_, token_file_;  // "" = given as text, or not at all
  std::int64_t read_ns_ = 0;
};

}  // namespace strata::l4_sched
