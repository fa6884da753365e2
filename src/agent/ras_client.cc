// SPDX-License-Identifier: Apache-2.0
#include "agent/ras_client.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/clock.h"

namespace strata::agent {
namespace {

using base::Status;

constexpr std::size_t kMaxAnswer = 64u << 20;

class Connection {
 public:
  Connection(std::int64_t deadline_ns, const std::stop_token& stop)
      : deadline_ns_(deadline_ns), stop_(stop) {}
  ~Connection() {
    if (fd_ >= 0) ::close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Status Open(const std::string& host, const std::string& port) {
    addrinfo hints{}, *list = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &list); error != 0)
      return base::Failed(::gai_strerror(error));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(list, ::freeaddrinfo);
    Status status = base::Failed("no address");
    for (const addrinfo* a = list; a != nullptr; a = a->ai_next) {
      status = Connect(*a);
      if (status.ok()) return status;
    }
    return status;
  }

  Status Send(std::string_view text) {
    while (!text.empty()) {
      RETURN_IF_ERROR(Wait(POLLOUT));
      const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (n < 0) return base::FromErrno("send");
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return Status::Ok();
  }

  // A line of the dialogue; what came after it stays for Rest().
  base::Result<std::string> Line() {
    std::size_t end = 0;
    while ((end = got_.find('\n')) == std::string::npos) {
      bool more = false;
      RETURN_IF_ERROR(Receive(&more));
      if (!more) return base::Failed("the connection ended within the dialogue");
      if (got_.size() > 4096 && got_.find('\n') == std::string::npos)
        return base::Invalid("it does not speak the protocol of NCCL RAS");
    }
    std::string line = got_.substr(0, end);
    got_.erase(0, end + 1);
    return line;
  }

  // Up to the end of the connection.
  base::Result<std::string> Rest() {
    for (bool more = true; more;) {
      RETURN_IF_ERROR(Receive(&more));
      if (got_.size() > kMaxAnswer) return base::Exhausted("an answer of more than 64 MiB");
    }
    return std::move(got_);
  }

 private:
  Status Connect(const addrinfo& address) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) return base::FromErrno("socket");
    if (::connect(fd_, address.ai_addr, address.ai_addrlen) == 0) return Status::Ok();
    if (errno != EINPROGRESS) return base::FromErrno("connect");
    RETURN_IF_ERROR(Wait(POLLOUT));
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) return Status::Ok();
    return base::Unavailable(std::string("connect: ") + std::strerror(error));
  }

  Status Wait(short events) {
    for (;;) {
      if (stop_.stop_requested()) return base::Unavailable("stopping");
      const std::int64_t left_ms = (deadline_ns_ - base::monotonic_ns()) / 1'000'000;
      if (left_ms <= 0) return base::Unavailable("no answer in time");
      pollfd p{fd_, events, 0};
      const int n = ::poll(&p, 1, static_cast<int>(std::min<std::int64_t>(left_ms, 100)));
      if (n > 0) return Status::Ok();
      if (n < 0 && errno != EINTR) return base::FromErrno("poll");
    }
  }

  Status Receive(bool* more) {
    char buffer[16384];
    for (;;) {
      RETURN_IF_ERROR(Wait(POLLIN));
      const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
      if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (n < 0) return base::FromErrno("recv");
      *more = n > 0;
      got_.append(buffer, static_cast<std::size_t>(n));
      return Status::Ok();
    }
  }

  std::int64_t deadline_ns_;
  const std::stop_token& stop_;
  int fd_ = -1;
  std::string got_;
};

}  // namespace

base::Result<std::string> AskRas(const std::string& target, std::int64_t timeout_ns,
                                 const std::stop_token& stop) {
  const std::size_t colon = target.rfind(':');
  std::string host = target.substr(0, colon);
  const std::string port = colon == std::string::npos ? "28028" : target.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  Connection connection(base::monotonic_ns() + timeout_ns, stop);
  RETURN_IF_ERROR(connection.Open(host, port));
  RETURN_IF_ERROR(connection.Send("CLIENT PROTOCOL 2\n"));
  ASSIGN_OR_RETURN(std::string line, connection.Line());
  if (!line.starts_with("SERVER PROTOCOL "))
    return base::Invalid("it does not speak the protocol of NCCL RAS");
  // How long its RAS threads wait for those that are silent: within our own patience.
  const std::int64_t seconds = std::max<std::int64_t>(1, timeout_ns / 2 / base::kSecond);
  RETURN_IF_ERROR(connection.Send("TIMEOUT " + std::to_string(seconds) + "\n"));
  ASSIGN_OR_RETURN(line, connection.Line());
  RETURN_IF_ERROR(connection.Send("SET FORMAT json\n"));
  ASSIGN_OR_RETURN(line, connection.Line());
  // The verbose text lists all outliers; JSON holds everything anyway.
  RETURN_IF_ERROR(connection.Send(line.starts_with("OK") ? "STATUS\n" : "VERBOSE STATUS\n"));
  return connection.Rest();
}

}  // namespace strata::agent
