// SPDX-License-Identifier: Apache-2.0
#include "server/access.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <sstream>

#include "base/file.h"

namespace strata::server {
namespace {

using base::Code;
using base::Result;
using base::Status;

// An address as /proc/net/tcp{,6} prints it: each 32-bit word as the machine holds it. "" = not an
// address.
std::string KernelAddress(std::string_view address, bool ipv6) {
  std::uint32_t words[4] = {};
  const std::string text(address);
  std::size_t n = 4;
  if (::inet_pton(AF_INET6, text.c_str(), words) == 1) {
    if (!ipv6) return {};
  } else if (::inet_pton(AF_INET, text.c_str(), words) == 1) {
    if (!ipv6)
      n = 1;
    else
      words[3] = words[0], words[2] = htonl(0xFFFF), words[0] = 0;  // ::ffff:1.2.3.4
  } else {
    return {};
  }
  std::string out;
  for (std::size_t i = 0; i < n; ++i) {
    char word[9];
    std::snprintf(word, sizeof word, "%08X", words[i]);
    out += word;
  }
  return out;
}

// The uid of the rows whose local end is the peer's and whose remote port is ours. The address
// counts: anybody may bind a port that is in use on another address of 127.0.0.0/8. Rows without an
// inode (TIME_WAIT, orphans) are of no process and say uid 0. Rows that disagree prove nothing: -1.
int UidIn(const char* path, std::string_view peer, std::uint16_t peer_port,
          std::uint16_t local_port) {
  char wanted[6];
  std::snprintf(wanted, sizeof wanted, ":%04X", peer_port);
  const std::string wanted_local = std::string(peer) + wanted;
  std::snprintf(wanted, sizeof wanted, ":%04X", local_port);
  auto text = base::ReadFile(path);
  if (!text.ok() || peer.empty()) return -1;
  std::istringstream lines(*text);
  std::string line;
  std::getline(lines, line);
  int found = -1;
  while (std::getline(lines, line)) {
    if (line.find(wanted_local) == std::string::npos) continue;
    std::istringstream fields(line);
    std::string slot, local, remote, state, queues, timer, retransmit, timeout;
    int uid = -1;
    std::uint64_t inode = 0;
    fields >> slot >> local >> remote >> state >> queues >> timer >> retransmit >> uid >> timeout >>
        inode;
    if (local != wanted_local || !remote.ends_with(wanted) || inode == 0) continue;
    if (found >= 0 && found != uid) return -1;
    found = uid;
  }
  return found;
}

std::string_view HostOf(std::string_view host) {
  if (!host.empty() && host[0] == '[') {
    const std::size_t end = host.find(']');
    return end == std::string_view::npos ? host : host.substr(1, end - 1);
  }
  const std::size_t colon = host.find(':');
  return colon == std::string_view::npos || host.find(':', colon + 1) != std::string_view::npos
             ? host
             : host.substr(0, colon);
}

std::string_view OriginHost(std::string_view origin) {
  const std::size_t slashes = origin.find("://");
  return slashes == std::string_view::npos ? std::string_view() : origin.substr(slashes + 3);
}

std::string DecodeBase64(std::string_view text) {
  std::string out;
  unsigned value = 0;
  int bits = 0;
  for (const char c : text) {
    int digit;
    if (c >= 'A' && c <= 'Z')
      digit = c - 'A';
    else if (c >= 'a' && c <= 'z')
      digit = c - 'a' + 26;
    else if (c >= '0' && c <= '9')
      digit = c - '0' + 52;
    else if (c == '+')
      digit = 62;
    else if (c == '/')
      digit = 63;
    else
      break;
    value = (value << 6) | static_cast<unsigned>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<char>((value >> bits) & 0xFF));
    }
  }
  return out;
}

std::string TokenOf(std::string_view authorization) {
  if (authorization.starts_with("Bearer ") || authorization.starts_with("bearer "))
    return std::string(authorization.substr(7));
  if (authorization.starts_with("Basic ")) {
    const std::string pair = DecodeBase64(authorization.substr(6));
    const std::size_t colon = pair.find(':');
    return colon == std::string::npos ? std::string() : pair.substr(colon + 1);
  }
  return {};
}

Result<Scope> ParseScope(std::string_view text) {
  if (text == "read") return Scope::read;
  if (text == "write") return Scope::write;
  if (text == "agent") return Scope::agent;
  return base::Invalid("scope \"" + std::string(text) + "\": read, write or agent");
}

}  // namespace

bool IsLoopback(std::string_view address) {
  if (address.starts_with("::ffff:")) address.remove_prefix(7);
  if (address == "::1" || address == "localhost") return true;
  // 127.0.0.0/8 in four numbers: a name such as 127.0.0.1.evil.example is somebody else's.
  return address.starts_with("127.") &&
         address.find_first_not_of("0123456789.") == std::string_view::npos;
}

int LoopbackPeerUid(std::string_view peer, std::uint16_t peer_port, std::uint16_t local_port) {
  const int uid = UidIn("/proc/net/tcp", KernelAddress(peer, false), peer_port, local_port);
  return uid >= 0 ? uid : UidIn("/proc/net/tcp6", KernelAddress(peer, true), peer_port, local_port);
}

Result<Access> Access::Make(const Config& config) {
  Access access;
  access.listen_ = config.listen;
  access.loopback_ = IsLoopback(config.listen);
  access.insecure_ = config.insecure;
  if (!config.auth.tokens_file.empty()) {
    ASSIGN_OR_RETURN(const std::string text, base::ReadFile(config.auth.tokens_file, 1u << 20));
    std::istringstream lines(text);
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
      if (line.empty() || line[0] == '#') continue;
      std::istringstream fields(line);
      std::string token, scope, name;
      fields >> token >> scope >> name;
      const std::string where = config.auth.tokens_file + ":" + std::to_string(number);
      if (token.size() < 16) return base::Invalid(where + ": a token has at least 16 characters");
      auto parsed = ParseScope(scope);
      if (!parsed.ok()) return parsed.status().With(where);
      access.tokens_[token] = {*parsed, name.empty() ? "token " + std::to_string(number) : name};
    }
  }
  if (!access.loopback_ && !config.insecure &&
      (access.tokens_.empty() || config.tls.cert.empty())) {
    return Status(Code::denied, "listening on " + config.listen +
                                    " needs tls.cert, tls.key and auth.tokens_file in the "
                                    "configuration; --insecure does without");
  }
  return access;
}

Result<Caller> Access::Decide(std::string_view address, std::uint16_t peer_port,
                              std::uint16_t local_port, std::string_view token, Scope needed,
                              std::atomic<int>* peer_uid) const {
  if (!token.empty() && !tokens_.empty()) {
    const auto it = tokens_.find(token);
    if (it == tokens_.end()) return Status(Code::denied, "this token is not known here");
    if (it->second.scope < needed)
      return Status(Code::denied,
                    "the token \"" + it->second.name + "\" has too small a scope for this");
    return it->second;
  }
  if (address.empty()) return Caller{Scope::agent, "local"};  // a Unix socket with mode 0600
  if (IsLoopback(address)) {
    int uid = peer_uid != nullptr ? peer_uid->load() : -1;
    if (uid < 0) uid = LoopbackPeerUid(address, peer_port, local_port);
    if (peer_uid != nullptr) peer_uid->store(uid);
    if (uid == 0 || uid == static_cast<int>(::geteuid())) return Caller{Scope::agent, "local"};
    if (uid < 0 && ::geteuid() == 0)
      return Status(Code::denied,
                    "the process behind this connection could not be found: use a token");
    return Status(Code::denied, "this process belongs to another user: use a token");
  }
  if (insecure_) return Caller{needed > Scope::write ? Scope::none : Scope::write, "insecure"};
  return Status(Code::denied, "a token is needed: Authorization: Bearer …");
}

Result<Caller> Access::Check(const base::ServerRequest& request, Scope needed) const {
  const std::string_view host = HostOf(request.header("host"));
  if (loopback_ && !request.peer_address.empty() && !host.empty() && !IsLoopback(host) &&
      host != listen_) {
    return Status(Code::denied, "Host \"" + std::string(host) + "\" is not this server");
  }
  const std::string_view origin = request.header("origin");
  if (!origin.empty() && OriginHost(origin) != request.header("host")) {
    return Status(Code::denied, "a page of another site may not ask here");
  }
  const std::string_view site = request.header("sec-fetch-site");
  if (site == "cross-site" || (site == "same-site" && request.method != "GET")) {
    return Status(Code::denied, "a page of another site may not ask here");
  }
  std::string token = TokenOf(request.header("authorization"));
  if (token.empty()) token = request.header("x-clickhouse-key");
  return Decide(request.peer_address, request.peer_port, request.local_port, token, needed,
                request.peer_uid);
}

Result<Caller> Access::Check(std::string_view grpc_peer, std::uint16_t local_port,
                             std::string_view authorization, Scope needed) const {
  // "ipv4:127.0.0.1:4242", "ipv6:%5B::1%5D:4242", "ipv6:[::1]:4242"
  const std::size_t scheme = grpc_peer.find(':');
  const std::size_t colon = grpc_peer.rfind(':');
  std::string address;
  unsigned port = 0;
  if (scheme != std::string_view::npos && colon > scheme) {
    address = base::UrlDecode(grpc_peer.substr(scheme + 1, colon - scheme - 1), false);
    std::from_chars(grpc_peer.data() + colon + 1, grpc_peer.data() + grpc_peer.size(), port);
    if (!address.empty() && address.front() == '[') address = address.substr(1, address.size() - 2);
  }
  return Decide(address.empty() ? "unknown" : address, static_cast<std::uint16_t>(port), local_port,
                TokenOf(authorization), needed, nullptr);
}

}  // namespace strata::server
