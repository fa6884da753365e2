// SPDX-License-Identifier: Apache-2.0
// What the agent watches of NCCL beside files that are named one by one: RAS sockets, folders into
// which the NCCL Inspector writes, and folders into which PyTorch's flight recorder dumps. One
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/feed.h"
#include "agent/tail.h"
#include "base/clock.h"
#include "base/json.h"
#include "l2_comm/ras.h"

namespace strata::agent {

struct NcclWatchOptions {
  std::vector<std::string> ras;  // host:port; one node of a job answers for the whole job
  std::int64_t ras_every_ns = 10 * base::kSecond;
  std::int64_t stuck_after_ns = 60 * base::kSecond;  // counts that differ and stand still
  std::vector<std::string> inspector;                // folders; every file in them is followed
  std::vector<std::string> flight_recorder;          // folders of dumps, also folders in them
  // Dumps are read once nothing in their folder has changed for so long.
  std::int64_t quiet_ns = 5 * base::kSecond;

  bool empty() const { return ras.empty() && inspector.empty() && flight_recorder.empty(); }
};

class NcclWatch {
 public:
  static constexpr std::size_t kMaxFiles = 4096;  // followed in one folder

  NcclWatch(NcclWatchOptions options, std::string node, std::unique_ptr<Feed> feed);
  // One look at everything that is due, and ships. `now_ns` of the wall clock.
  void Poll(std::int64_t now_ns, const std::stop_token& stop = {});

  // Which dumps have been read already, to be given to a later Resume.
  base::Json Offsets() const;
  void Resume(const base::Json& offsets);

 private:
  struct Socket {
    std::string target;
    l2_comm::RasWatch watch;
    std::int64_t due_ns = 0, last_ns = 0;
  };
  struct Folder {
    std::string path;
    std::int64_t said_ns = 0, last_ns = 0;
    std::map<std::string, std::unique_ptr<Tail>> tails;  // of the inspector
    std::string error;
  };
  struct Dumps {                        // one folder that holds dumps
    std::uint64_t state = 0, read = 0;  // hash of names, sizes and times; that of what was read
    std::int64_t since_ns = 0;
    bool there = false;
  };

  wire::Context Context(std::int64_t now_ns);
  void Ask(Socket* socket, std::int64_t now_ns, const std::stop_token& stop);
  void Follow(Folder* folder, std::int64_t now_ns);
  void LookForDumps(Folder* folder, std::int64_t now_ns);
  void ReadDumps(const std::vector<std::string>& files, Folder* folder, std::int64_t now_ns);
  void Say(const std::string& name, bool well, std::string detail, std::int64_t last_ns);

  NcclWatchOptions options_;
  std::unique_ptr<Feed> feed_;
  model::Attributes resource_;
  std::vector<Socket> sockets_;
  std::vector<Folder> inspector_, recorder_;
  std::map<std::string, Dumps> dumps_;  // by folder
};

}  // namespace strata::agent
