// SPDX-License-Identifier: Apache-2.0
// PyTorch's flight recorder: dumps of many ranks (pickle or JSON, a file a rank or a line a rank)
// in, one verdict out. Keeps what matching needs and one dump's tree at a time. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/status.h"
#include "l2_comm/match.h"
#include "l2_comm/plain.h"
#include "model/batch.h"
#include "wire/decode.h"

namespace strata::l2_comm {

class FlightRecorder {
 public:
  // One file: a pickle, a JSON dump, {"rank", "dump"}, a JSON array or JSON lines of either. The
  // rank is told in the file or by its name (RankOfName). What cannot be read is counted in
  // `refused`; not ok when nothing of the file could be (the reason, and the global that a pickle
  // wanted to import). The ranks of dumps that are there and could not be read are unknown: they
  // are neither missing nor culprits.
  base::Status Add(const base::InputFile& file, base::Refusals* refused);
  // A file that may hold dumps and could not be read to its end: of the rank in its name, else of
  // any rank that is not read.
  void AddLost(const std::string& name);
  // A file that is no dump by its content, yet by its name ("_dump_3", "rank3"): one that is
  // empty or overwritten.
  void AddStranger(const std::string& name);

  std::size_t ranks() const { return ranks_.size(); }

  // The report (interface.md, section 6, and `culprits_last`: what each culprit entered last, with
  // its stack where the dump has one), and one comm.hang event unless all is complete.
  void Finish(const wire::Context& context, model::Batch* batch, base::Json* report);

 private:
  struct Detail {             // what was entered, told once however many ranks entered it
    std::string name, dtype;  // "nccl:all_reduce", "BFloat16"
    base::Json input_sizes;
  };
  struct Group {
    std::string name, desc;
    std::vector<std::int32_t> members;
    bool told = false;     // members come from pg_config; else from who entered
    bool has_p2p = false;  // its pg_status counts both kinds: no use for collectives
    bool refused = false;  // its members are not believed
  };
  struct Last {  // what a rank entered last
    std::uint32_t group = 0, detail = 0;
    std::int64_t record = -1, seq = 0;
    bool done = false, p2p = false;
    std::vector<std::string> frames;
  };
  struct Rank {
    std::uint64_t entries = 0;
    bool whole = true;  // all its entries could be read
    Last last;
    std::map<std::int64_t, std::int64_t> status;        // pg_id -> last enqueued
    std::map<std::int64_t, std::uint32_t> group_of_pg;  // as its entries tell
    std::vector<std::uint32_t> groups;                  // that its pg_config lists
  };
  // Sends and receives from one rank to another that are not done, and when the newest was.
  struct Pair {
    std::uint64_t open[2] = {0, 0};  // [0] sends, [1] receives
    std::int64_t oldest[2] = {0, 0}, newest_done[2] = {0, 0}, seq[2] = {0, 0};
    std::uint32_t detail[2] = {0, 0};
  };
  struct PairKey {
    std::uint32_t group;
    std::int32_t from, to;
    auto operator<=>(const PairKey&) const = default;
  };

  base::Status AddText(const base::InputFile& file, base::Refusals* refused);
  base::Status AddValue(Plain::Ref value, std::int64_t rank, const std::string& file,
                        base::Refusals* refused);
  base::Status AddDump(Plain::Ref dump, Plain::Ref entries, std::int64_t rank,
                       base::Refusals* refused);
  void Lose(std::int64_t rank, const std::string& file);
  base::Status ReadGroups(Plain::Ref config, Rank* rank);
  std::uint32_t GroupOf(std::string_view name, std::string_view desc, std::string_view members);
  void ReadEntry(Plain::Ref entry, std::int32_t id, bool first,
                 const std::unordered_map<std::string, std::uint32_t>& groups, Rank* rank);
  void ReadP2p(std::string_view name, std::int32_t id, std::uint32_t group, std::uint32_t detail,
               const Entered& e);
  std::uint32_t DetailOf(Plain::Ref entry);
  void Progresses();
  std::vector<StuckCollective> P2pRows() const;
  std::vector<StuckCollective> P2pDoubts() const;
  bool Heard(std::int32_t rank) const;
  bool JudgeP2p(MatchResult* result) const;
  std::vector<std::int32_t> Unreadable(const MatchResult& result) const;
  base::Json RowJson(const StuckCollective& row, bool p2p) const;
  base::Json LastJson(std::int32_t rank, const Last& last) const;
  void Tell(const MatchResult& result, bool p2p, const std::vector<std::int32_t>& unreadable,
            const std::vector<std::int32_t>& no_dump, const wire::Context& context,
            model::Batch* batch) const;

  std::string version_;
  std::map<std::int32_t, Rank> ranks_;
  std::vector<Group> groups_;
  std::unordered_map<std::string, std::uint32_t> group_index_, detail_index_;
  std::vector<Detail> details_;
  MatchInput input_;
  std::vector<std::uint32_t> detail_of_;  // beside input_.entered
  std::map<PairKey, Pair> pairs_;
  std::set<std::int32_t> lost_;      // ranks with a file that could not be read
  std::set<std::string> cut_files_;  // that held dumps of ranks nobody knows; kMostCut at most
};

// The rank that a file's name tells: "12.json", "_dump_12", "rank3.json.gz", "nccl_trace_rank_7".
// A number is one only alone, after "rank", or after the last "_" of the name; else -1.
std::int64_t RankOfName(std::string_view name);

}  // namespace strata::l2_comm
