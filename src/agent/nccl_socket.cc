// SPDX-License-Identifier: Apache-2.0
#include "agent/nccl_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "base/drop.h"

namespace strata::agent {
namespace {

constexpr std::int64_t kFlushEvery = base::kSecond;
constexpr std::int64_t kSayEvery = 15 * base::kSecond;

bool AddressOf(const std::string& path, sockaddr_un* address) {
  *address = {};
  address->sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address->sun_path) return false;
  std::memcpy(address->sun_path, path.data(), path.size());
  return true;
}

int NewSocket() { return ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

// Does somebody answer there? A file that is no socket counts as taken: it is not ours to remove.
bool Taken(const std::string& path, const sockaddr_un& address) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0) return false;
  if (!S_ISSOCK(facts.st_mode)) return true;
  const int fd = NewSocket();
  const bool refused =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno == ECONNREFUSED;
  ::close(fd);
  return !refused;
}

}  // namespace

base::Result<std::unique_ptr<NcclSocket>> NcclSocket::Listen(NcclOptions options,
                                                             std::string node) {
  const std::string& path = options.socket;
  sockaddr_un address;
  if (!AddressOf(path, &address))
    return base::Invalid("nccl.socket " + path + ": a socket's path has 1 to 107 bytes");
  const std::size_t slash = path.rfind('/');
  // Only the last folder is made: /run/strata on a machine that has /run.
  if (slash != std::string::npos && slash > 0 &&
      ::mkdir(path.substr(0, slash).c_str(), 0755) != 0 && errno != EEXIST)
    return base::FromErrno(path.substr(0, slash));
  if (Taken(path, address))
    return base::Status(base::Code::exists, path + ": another agent listens there");
  ::unlink(path.c_str());
  const int fd = NewSocket();
  if (fd < 0) return base::FromErrno(path);
  // Made closed and opened as far as it is wanted, whatever the umask is.
  const mode_t before = ::umask(0177);
  const int bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::umask(before);
  const bool open = !options.uids.has_value() || !options.uids->empty();
  if (bound != 0 || ::chmod(path.c_str(), open ? 0666 : 0600) != 0 || ::listen(fd, 128) != 0) {
    const base::Status status = base::FromErrno(path);
    ::close(fd);
    return status;
  }
  return std::unique_ptr<NcclSocket>(new NcclSocket(std::move(options), std::move(node), fd));
}

NcclSocket::NcclSocket(NcclOptions options, std::string node, int fd)
    : options_(std::move(options)),
      node_(std::move(node)),
      resource_({{"host.name", node_}}),
      fd_(fd),
      reducer_({options_.rows_per_s}) {
  struct stat facts {};
  if (::lstat(options_.socket.c_str(), &facts) == 0) inode_ = facts.st_ino;
  frame_.resize(l2_comm::PluginStream::kMaxFrame + 1);
}

NcclSocket::~NcclSocket() {
  for (const auto& connection : connections_) ::close(connection->fd);
  ::close(fd_);
  // Not the one that a later agent made under this name.
  struct stat facts {};
  if (::lstat(options_.socket.c_str(), &facts) == 0 && facts.st_ino == inode_)
    ::unlink(options_.socket.c_str());
}

bool NcclSocket::MayConnect(std::uint32_t uid) const {
  if (uid == 0 || uid == ::geteuid() || !options_.uids.has_value()) return true;
  return std::find(options_.uids->begin(), options_.uids->end(), uid) != options_.uids->end();
}

void NcclSocket::Accept(model::Batch* batch) {
  for (int i = 0; i < 32; ++i) {
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    ucred peer{};
    socklen_t length = sizeof peer;
    const bool known = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0;
    if (known && MayConnect(peer.uid) && connections_.size() < kMaxConnections) {
      auto connection = std::make_unique<Connection>();
      connection->fd = fd;
      connection->uid = peer.uid;
      connections_.push_back(std::move(connection));
      continue;
    }
    ::close(fd);
    ++turned_away_;
    if (connections_.size() >= kMaxConnections) {
      turned_away_why_ = "more than " + std::to_string(kMaxConnections) + " processes";
      batch->refused.add(base::Reason::queue_full, 1, turned_away_why_);
    } else {
      turned_away_why_ = "user " + std::to_string(peer.uid) + " is not in nccl.uids";
      batch->refused.add(base::Reason::reserved, 1, turned_away_why_);
    }
  }
}

void NcclSocket::Read(Connection* connection, Feed* feed, std::int64_t now_ns) {
  wire::Context context;
  context.namer = &feed->namer();
  context.now_ns = now_ns;
  context.resource = &resource_;
  for (int i = 0; i < kMaxFramesARound; ++i) {
    const ssize_t n = ::recv(connection->fd, frame_.data(), frame_.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n <= 0) {
      connection->over = true;
      return;
    }
    last_ns_ = now_ns;
    const std::uint64_t before = connection->stream.events();
    // What is refused is counted in the batch; the next frame may be good.
    static_cast<void>(
        connection->stream
            .Decode({frame_.data(), static_cast<std::size_t>(n)}, context, &feed->batch())
            .ok());
    events_ += connection->stream.events() - before;
    CountLosses(connection);
  }
}

// What the plugin had to lose is lost data of ours: told where all of it is.
void NcclSocket::CountLosses(Connection* connection) {
  const l2_comm::PluginCounts& now = connection->stream.counts();
  std::uint64_t lost = 0;
  if (now.lost() > connection->said.lost()) lost = now.lost() - connection->said.lost();
  connection->said = now;
  if (lost == 0) return;
  lost_ += lost;
  base::Drop(base::Reason::queue_full, lost);
}

void NcclSocket::Say(std::int64_t now_ns, model::Batch* batch) const {
  model::SourceState state;
  state.name = "nccl plugin " + options_.socket;
  state.layer = "l2_comm";
  state.last_ns = last_ns_;
  std::size_t communicators = 0;
  for (const auto& connection : connections_)
    communicators += connection->stream.communicators().size();
  if (connections_.empty()) {
    state.state = last_ns_ == 0 ? "absent" : "stale";
    state.detail = last_ns_ == 0 ? "listens; no job has connected: NCCL_PROFILER_PLUGIN="
                                   "libnccl-profiler-strata.so in its environment"
                                 : "listens; the jobs have ended";
  } else {
    state.state = "live";
    state.detail = std::to_string(connections_.size()) + " processes, " +
                   std::to_string(communicators) + " communicators, " + std::to_string(events_) +
                   " events";
    if (reducer_.one_in() > 1)
      state.detail += ", rows for one in " + std::to_string(reducer_.one_in());
  }
  if (lost_ > 0) state.detail += "; " + std::to_string(lost_) + " events lost in the jobs";
  if (turned_away_ > 0)
    state.detail += "; " + std::to_string(turned_away_) + " turned away: " + turned_away_why_;
  batch->sources.push_back(std::move(state));
}

void NcclSocket::Run(Feed* feed, const std::stop_token& stop) {
  std::int64_t flushed = base::monotonic_ns(), said = 0;
  std::size_t said_of = 0, reduced = 0;
  while (!stop.stop_requested()) {
    std::vector<pollfd> fds{{fd_, POLLIN, 0}};
    for (const auto& connection : connections_) fds.push_back({connection->fd, POLLIN, 0});
    // Short, so that Stop does not wait long; an idle wake-up costs microseconds.
    ::poll(fds.data(), fds.size(), 100);
    const std::int64_t now = base::Clock::system().now_ns();
    for (std::size_t i = 1; i < fds.size(); ++i) {
      if (fds[i].revents != 0) Read(connections_[i - 1].get(), feed, now);
    }
    if (fds[0].revents != 0) Accept(&feed->batch());
    reducer_.Reduce(now, &feed->batch(), reduced);
    reduced = feed->batch().collectives.size();
    std::erase_if(connections_, [](const auto& connection) {
      if (connection->over) ::close(connection->fd);
      return connection->over;
    });
    const std::int64_t tick = base::monotonic_ns();
    if (tick - flushed < kFlushEvery) continue;
    flushed = tick;
    reducer_.Flush(now, feed->namer(), &feed->batch());
    if (said == 0 || tick - said >= kSayEvery || connections_.size() != said_of) {
      said = tick;
      said_of = connections_.size();
      Say(now, &feed->batch());
    }
    feed->Ship();
    reduced = 0;
  }
  const std::int64_t now = base::Clock::system().now_ns();
  reducer_.Flush(now, feed->namer(), &feed->batch());
  feed->Ship();
}

}  // namespace strata::agent
