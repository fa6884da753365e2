// SPDX-License-Identifier: Apache-2.0
// The socket that NCCL profiler plugins of this node connect to (docs/format/nccl-plugin.md): takes
// their frames, reduces their rows to what is worth sending, and tells how it stands. One thread;
// nothing that a job sends can make it wait or grow without limit.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/feed.h"
#include "base/status.h"
#include "l2_comm/plugin_stream.h"
#include "l2_comm/reduce.h"

namespace strata::agent {

struct NcclOptions {
  std::string socket;  // "" = do not listen
  // Whose processes may connect besides root's and our own user's; nullopt = anybody's.
  std::optional<std::vector<std::uint32_t>> uids = std::vector<std::uint32_t>{};
  double rows_per_s = 200;  // of this node; beyond, per-second summaries
};

class NcclSocket {
 public:
  static constexpr std::size_t kMaxConnections = 256;
  static constexpr int kMaxFramesARound = 64;  // of one connection before the others' turn

  // Listens; a socket that nobody answers on is taken over. exists: another agent listens there.
  static base::Result<std::unique_ptr<NcclSocket>> Listen(NcclOptions options, std::string node);
  ~NcclSocket();
  NcclSocket(const NcclSocket&) = delete;
  NcclSocket& operator=(const NcclSocket&) = delete;

  // Until stopped; ships through the feed once a second.
  void Run(Feed* feed, const std::stop_token& stop);

 private:
  struct Connection {
    int fd = -1;
    std::uint32_t uid = 0;
    l2_comm::PluginStream stream;
    l2_comm::PluginCounts said;  // losses that are already counted
    std::uint64_t missing = 0;
    bool over = false;
  };
  NcclSocket(NcclOptions options, std::string node, int fd);
  bool MayConnect(std::uint32_t uid) const;
  void Accept(model::Batch* batch);
  void Read(Connection* connection, Feed* feed, std::int64_t now_ns);
  void CountLosses(Connection* connection);
  void Say(std::int64_t now_ns, model::Batch* batch) const;

  NcclOptions options_;
  std::string node_;
  model::Attributes resource_;
  int fd_ = -1;
  std::uint64_t inode_ = 0;  // of the socket that we made
  std::vector<std::unique_ptr<Connection>> connections_;
  std::string frame_;
  l2_comm::CollectiveReducer reducer_;
  std::uint64_t events_ = 0, lost_ = 0, turned_away_ = 0;
  std::int64_t last_ns_ = 0;
  std::string turned_away_why_;
};

}  // namespace strata::agent
