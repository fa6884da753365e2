// SPDX-License-Identifier: Apache-2.0
// Who may talk to a door. On loopback a connection without a token is accepted from processes of
// the same user or root (looked up in /proc/net/tcp); a foreign Host header or a cross-site Origin
// is refused; anywhere else a token decides.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/http_server.h"
#include "base/status.h"
#include "server/config.h"

namespace strata::server {

enum class Scope : std::uint8_t { none, read, write, agent };  // each includes those before it

struct Caller {
  Scope scope = Scope::none;
  std::string name;  // of the token; "local" on loopback
};

class Access {
 public:
  // Refuses a configuration that would listen beyond loopback without TLS and tokens, unless
  // `insecure`. Tokens file: one per line, `TOKEN SCOPE NAME`; lines starting with # are comments.
  static base::Result<Access> Make(const Config& config);

  // For an HTTP request: Host, Origin, Sec-Fetch-Site and the bearer token (Authorization: Bearer
  // …, or the password of Basic, or X-ClickHouse-Key for ClickHouse clients).
  base::Result<Caller> Check(const base::ServerRequest& request, Scope needed) const;
  // For gRPC: the peer as grpc prints it ("ipv4:127.0.0.1:4242") and the authorization metadata.
  base::Result<Caller> Check(std::string_view grpc_peer, std::uint16_t local_port,
                             std::string_view authorization, Scope needed) const;

 private:
  base::Result<Caller> Decide(std::string_view address, std::uint16_t peer_port,
                              std::uint16_t local_port, std::string_view token, Scope needed,
                              std::atomic<int>* peer_uid) const;
  std::map<std::string, Caller, std::less<>> tokens_;
  bool insecure_ = false;
  bool loopback_ = true;
  std::string listen_;
};

bool IsLoopback(std::string_view address);
// uid of the process at the other end of a loopback TCP connection; -1 when it cannot be found, or
// not without doubt.
int LoopbackPeerUid(std::string_view peer, std::uint16_t peer_port, std::uint16_t local_port);

}  // namespace strata::server
