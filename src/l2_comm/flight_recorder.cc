// SPDX-License-Identifier: Apache-2.0
// Reading the dumps. The verdict stands in flight_verdict.cc.
#include "l2_comm/flight_recorder.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "base/hash.h"
#include "l2_comm/analysis.h"
#include "l2_comm/l2_comm.h"
#include "l2_comm/pickle.h"

namespace strata::l2_comm {
namespace {

using base::Status;

constexpr std::size_t kMaxEntries = 16u << 20;  // of all ranks
constexpr std::size_t kMaxDetails = 1u << 20;
constexpr std::size_t kMaxGroups = 1u << 20;
constexpr std::size_t kMaxFrames = 64, kMaxTensors = 64, kMaxDims = 16;

constexpr std::size_t kMostCut = 16;  // files that are named

constexpr std::string_view kDigits = "0123456789";

// The number that begins and ends `text`, if it may be a rank; else -1.
std::int64_t RankOf(std::string_view text) {
  std::int64_t rank = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rank);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && rank >= 0 && rank < static_cast<std::int64_t>(kMaxRanks) ? rank : -1;
}

// "…rank3…", "…rank_3…", not "frank3": the number after the last "rank" that has one; else -1.
std::int64_t RankAfterWord(std::string_view name) {
  for (std::size_t word = name.rfind("rank"); word != std::string_view::npos;
       word = word == 0 ? std::string_view::npos : name.rfind("rank", word - 1)) {
    const bool apart = word == 0 || !std::isalnum(static_cast<unsigned char>(name[word - 1]));
    std::string_view rest = name.substr(word + 4);
    if (rest.find_first_of("_-=") == 0) rest.remove_prefix(1);
    if (const auto rank = RankOf(rest.substr(0, rest.find_first_not_of(kDigits)));
        apart && rank >= 0)
      return rank;
  }
  return -1;
}

std::string_view BareName(std::string_view name) {
  name.remove_prefix(name.find_last_of("/!") + 1);  // npos + 1 = 0
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view end :
         {".gz", ".zst", ".json", ".jsonl", ".ndjson", ".pickle", ".pkl", ".pt", ".bin", ".txt"}) {
      if (!name.ends_with(end)) continue;
      name.remove_suffix(end.size());
      again = true;
    }
  }
  return name;
}

// {"rank": 13, … of a line that is cut; -1 where it does not tell.
std::int64_t RankOfLine(std::string_view line) {
  line = line.substr(0, 64);
  constexpr std::string_view kKey = "\"rank\":";
  const std::size_t key = line.find(kKey);
  if (key == std::string_view::npos || line.substr(0, key).find_first_not_of("{ \t") != line.npos)
    return -1;
  line.remove_prefix(key + kKey.size());
  line.remove_prefix(std::min(line.find_first_not_of(" \""), line.size()));
  const std::size_t end = line.find_first_not_of(kDigits);
  return end == std::string_view::npos ? -1 : RankOf(line.substr(0, end));
}

std::string_view WithoutBackend(std::string_view name) {
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

// Members as a list, or as text "[0, 1, 2]". False when they are not told whole or out of range.
Status Members(Plain::Ref ranks, std::vector<std::int32_t>* out) {
  const auto take = [&](std::int64_t rank) {
    if (rank < 0 || rank >= static_cast<std::int64_t>(kMaxRanks) || out->size() >= kMaxRanks)
      return false;
    out->push_back(static_cast<std::int32_t>(rank));
    return true;
  };
  const Status beyond = base::Exhausted("a process group of ranks beyond " +
                                        std::to_string(kMaxRanks) + ": not believed");
  if (ranks.is(Plain::Type::list)) {
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      std::int64_t rank = 0;
      if (!ranks.at(i).Integer(&rank)) return base::Invalid("a rank that is no number");
      if (!take(rank)) return beyond;
    }
  } else {
    const std::string_view text = ranks.text();
    if (text.find("...") != std::string_view::npos) {  // shortened: not told
      out->clear();
      return Status::Ok();
    }
    for (std::size_t i = 0; i < text.size();) {
      if (text[i] < '0' || text[i] > '9') {
        ++i;
        continue;
      }
      std::int64_t rank = -1;
      const auto r = std::from_chars(text.data() + i, text.data() + text.size(), rank);
      if (!take(r.ec == std::errc() ? rank : -1)) return beyond;
      i = static_cast<std::size_t>(r.ptr - text.data());
    }
  }
  std::sort(out->begin(), out->end());
  out->erase(std::unique(out->begin(), out->end()), out->end());
  return Status::Ok();
}

// [[4096, 1, 5120], …] with its number of elements; NaN where it is not told.
base::Json Sizes(Plain::Ref sizes, double* elements) {
  base::Json out = base::Json::MakeArray();
  *elements = sizes.is(Plain::Type::list) ? 0 : std::nan("");
  for (std::size_t i = 0; i < std::min(sizes.size(), kMaxTensors); ++i) {
    const Plain::Ref shape = sizes.at(i);
    base::Json dims = base::Json::MakeArray();
    double n = shape.size() == 0 ? 0 : 1;
    for (std::size_t d = 0; d < std::min(shape.size(), kMaxDims); ++d) {
      std::int64_t dim = 0;
      if (!shape.at(d).Integer(&dim)) continue;
      dims.push(dim);
      n *= static_cast<double>(dim);
    }
    *elements += n;
    out.push(std::move(dims));
  }
  return out;
}

std::string Dtype(Plain::Ref dtypes) {
  return std::string(dtypes.is(Plain::Type::list) ? dtypes.at(0).text() : dtypes.text());
}

// Operations to which every rank brings as much as the others.
bool Symmetric(std::string_view operation) {
  for (const std::string_view name :
       {"all_reduce", "allreduce_coalesced", "broadcast", "_broadcast_oop", "reduce", "_reduce_oop",
        "reduce_scatter", "_reduce_scatter_base", "reduce_scatter_tensor_coalesced", "all_gather",
        "_all_gather_base", "all_gather_into_tensor_coalesced"}) {
    if (operation == name) return true;
  }
  return false;
}

std::uint64_t Signature(std::string_view name, std::string_view dtype, double elements) {
  std::string key(WithoutBackend(name));
  const bool symmetric = Symmetric(key);
  key += '|';
  key += dtype;
  if (symmetric) {
    key += '|';
    base::AppendJsonNumber(elements, &key);
  }
  const std::uint64_t hash = base::Hash64(key);
  return hash == 0 ? 1 : hash;
}

bool Done(Plain::Ref entry) {
  const std::string_view state = entry["state"].text();
  if (!state.empty()) return state == "completed";
  std::int64_t at = 0;
  return entry["time_discovered_completed_ns"].Integer(&at) && at > 0;
}

std::vector<std::string> Frames(Plain::Ref frames) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < std::min(frames.size(), kMaxFrames); ++i) {
    const Plain::Ref f = frames.at(i);
    std::int64_t line = 0;
    std::string text(f["name"].text());
    text += " ";
    text += f["filename"].text();
    if (f["line"].Integer(&line)) text += ":" + std::to_string(line);
    out.push_back(std::move(text));
  }
  return out;
}

// What has no name or no number in its group cannot be set beside the entries of other ranks.
bool IsEntry(Plain::Ref entry) {
  std::int64_t seq = 0;
  return !entry["profiling_name"].text().empty() &&
         (entry["collective_seq_id"].Integer(&seq) || entry["seq_id"].Integer(&seq) ||
          entry["p2p_seq_id"].Integer(&seq));
}

bool IsDump(Plain::Ref value) {
  return value["entries"].is(Plain::Type::list) || value["pg_config"].is(Plain::Type::dict) ||
         value["pg_status"].is(Plain::Type::dict);
}

}  // namespace

std::int64_t RankOfName(std::string_view name) {
  name = BareName(name);
  if (const std::int64_t rank = RankOf(name); rank >= 0) return rank;
  if (const std::int64_t rank = RankAfterWord(name); rank >= 0) return rank;
  const std::size_t last = name.rfind('_');
  return last == std::string_view::npos ? -1 : RankOf(name.substr(last + 1));
}

void FlightRecorder::Lose(std::int64_t rank, const std::string& file) {
  if (rank >= 0 && rank < static_cast<std::int64_t>(kMaxRanks)) {
    lost_.insert(static_cast<std::int32_t>(rank));
  } else if (cut_files_.size() < kMostCut) {
    cut_files_.insert(file);
  }
}

void FlightRecorder::AddLost(const std::string& name) { Lose(RankOfName(name), name); }

void FlightRecorder::AddStranger(const std::string& name) {
  const std::string_view bare = BareName(name);
  if (!bare.starts_with("_dump_") && RankAfterWord(bare) < 0) return;
  if (const std::int64_t rank = RankOfName(name);
      rank >= 0 && !ranks_.contains(static_cast<std::int32_t>(rank)))
    Lose(rank, name);
}

Status FlightRecorder::Add(const base::InputFile& file, base::Refusals* refused) {
  Status status;
  const std::size_t at = file.bytes.find_first_not_of(" \t\r\n");
  const bool text = at != std::string::npos && (file.bytes[at] == '{' || file.bytes[at] == '[');
  if (text) {
    status = AddText(file, refused);
  } else if (auto tree = ReadPickle(file.bytes); tree.ok()) {
    status = AddValue(tree->root(), RankOfName(file.name), file.name, refused);
  } else {
    status = tree.status();
    AddLost(file.name);
  }
  if (!status.ok()) {
    const base::Reason reason = status.code() == base::Code::exhausted ? base::Reason::oversize
                                : status.code() == base::Code::exists  ? base::Reason::duplicate
                                : status.code() == base::Code::denied  ? base::Reason::unsupported
                                                                       : base::Reason::malformed;
    refused->add(reason, 1, file.name + ": " + status.message());
  }
  return status.With(file.name);
}

// One JSON text, or JSON lines.
Status FlightRecorder::AddText(const base::InputFile& file, base::Refusals* refused) {
  if (auto tree = Plain::FromJson(file.bytes); tree.ok())
    return AddValue(tree->root(), RankOfName(file.name), file.name, refused);
  std::string_view rest = file.bytes;
  Status first;
  std::size_t read = 0;
  std::set<std::int64_t> lost;  // -1: of one that does not tell
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto tree = Plain::FromJson(line);
    const Status status =
        tree.ok() ? AddValue(tree->root(), -1, file.name, refused) : tree.status();
    if (status.ok()) {
      ++read;
      continue;
    }
    if (!tree.ok()) lost.insert(RankOfLine(line));
    if (first.ok()) first = status;
    if (read > 0) {
      refused->add(
          status.code() == base::Code::exhausted ? base::Reason::oversize : base::Reason::malformed,
          1, file.name + ": " + status.message());
    }
  }
  // One damaged dump over many lines is of the rank in the file's name.
  if (read == 0) lost = {RankOfName(file.name)};
  for (const std::int64_t rank : lost) Lose(rank, file.name);
  return read > 0 ? Status::Ok() : first;
}

// What cannot be read is noted as lost, but for a second dump of the same rank.
Status FlightRecorder::AddValue(Plain::Ref value, std::int64_t rank, const std::string& file,
                                base::Refusals* refused) {
  const bool bare = value.at(0)["profiling_name"].is(Plain::Type::text);  // of PyTorch 2.1 and 2.2
  if (value.is(Plain::Type::list) && !bare) {
    if (value.size() > kMaxRanks)
      return base::Exhausted("dumps of more than " + std::to_string(kMaxRanks) + " ranks");
    Status first;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const Status status = value.at(i).is(Plain::Type::list)
                                ? base::Invalid("no dump: a list of lists")
                                : AddValue(value.at(i), -1, file, refused);
      if (first.ok()) first = status;
    }
    return first;
  }
  const Plain::Ref inner = value["dump"];
  const Plain::Ref dump = IsDump(inner) ? inner : value;
  const Plain::Ref entries = bare ? value : dump["entries"];
  std::int64_t told = 0;
  for (const Plain::Ref at :
       {value["rank"], dump["rank"], dump["pg_config"].value(0)["rank"], entries.at(0)["rank"]}) {
    if (!at.Integer(&told)) continue;
    rank = told;
    break;
  }
  const Status status =
      bare           ? AddDump({}, value, rank, refused)
      : IsDump(dump) ? AddDump(dump, entries, rank, refused)
                     : base::Invalid("no flight recorder dump: it has no entries and no pg_config");
  if (!status.ok() && status.code() != base::Code::exists) Lose(rank, file);
  return status;
}

std::uint32_t FlightRecorder::GroupOf(std::string_view name, std::string_view desc,
                                      std::string_view members) {
  std::string key(name);
  key += '\n';
  key += members;
  const auto [it, fresh] =
      group_index_.try_emplace(std::move(key), static_cast<std::uint32_t>(groups_.size()));
  if (fresh) groups_.push_back({std::string(name), std::string(desc), {}, false, false});
  if (groups_[it->second].desc.empty()) groups_[it->second].desc = desc;
  return it->second;
}

// Groups that share a name and not their members (each rank's own "1") are kept apart.
Status FlightRecorder::ReadGroups(Plain::Ref config, Rank* rank) {
  for (std::size_t i = 0; i < config.size(); ++i) {
    const Plain::Ref group = config.value(i);
    std::string_view name = group["name"].text();
    if (name.empty()) name = config.key(i).text();
    std::string members;
    const Plain::Ref ranks = group["ranks"];
    if (ranks.is(Plain::Type::list)) {
      if (ranks.size() > kMaxRanks)
        return base::Exhausted("a process group of " + std::to_string(ranks.size()) +
                               " ranks: not believed");
      for (std::size_t r = 0; r < ranks.size(); ++r) {
        std::int64_t n = -1;
        ranks.at(r).Integer(&n);
        members += std::to_string(n) + ",";
      }
    } else {
      members = std::string(ranks.text());
    }
    if (groups_.size() >= kMaxGroups) return base::Exhausted("too many process groups");
    const std::size_t known = groups_.size();
    const std::uint32_t id = GroupOf(name, group["desc"].text(), members);
    if (id == known) {
      const Status status = Members(ranks, &groups_[id].members);
      groups_[id].refused = !status.ok();
      if (!status.ok()) groups_[id].members.clear();
      groups_[id].told = !groups_[id].members.empty();
      RETURN_IF_ERROR(status);
    }
    if (groups_[id].refused) return base::Exhausted("a process group that is not believed");
    rank->groups.push_back(id);
  }
  return Status::Ok();
}

Status FlightRecorder::AddDump(Plain::Ref dump, Plain::Ref entries, std::int64_t id,
                               base::Refusals* refused) {
  if (id < 0)
    return base::Invalid(
        "whose dump it is is not told: no \"rank\" inside and no name like rank_N or _dump_N");
  if (id >= static_cast<std::int64_t>(kMaxRanks))
    return base::Exhausted("rank " + std::to_string(id) + " is beyond " +
                           std::to_string(kMaxRanks));
  if (input_.entered.size() + input_.progress.size() + entries.size() > kMaxEntries)
    return base::Exhausted("more than " + std::to_string(kMaxEntries) + " entries in all");
  const auto number = static_cast<std::int32_t>(id);
  if (ranks_.contains(number))
    return Status(base::Code::exists, "rank " + std::to_string(id) + " has a dump already");
  Rank rank;
  RETURN_IF_ERROR(ReadGroups(dump["pg_config"], &rank));
  std::unordered_map<std::string, std::uint32_t> groups;
  for (const std::uint32_t g : rank.groups) groups.emplace(groups_[g].name, g);
  const Plain::Ref status = dump["pg_status"];
  for (std::size_t i = 0; i < status.size(); ++i) {
    std::int64_t pg = 0, last = 0;
    if (status.key(i).Integer(&pg) && status.value(i)["last_enqueued_collective"].Integer(&last))
      rank.status[pg] = last;
  }
  if (version_.empty()) version_ = dump["version"].text();
  std::size_t last = 0;  // whose stack is kept
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!IsEntry(entries.at(i))) continue;
    ++rank.entries;
    const std::int64_t record = rank.last.record;
    ReadEntry(entries.at(i), number, i == 0, groups, &rank);
    if (rank.last.record != record) last = i;
  }
  if (rank.entries < entries.size()) {
    refused->add(base::Reason::malformed, entries.size() - rank.entries,
                 "rank " + std::to_string(id) + ": entries without a name or a sequence number");
    rank.whole = false;  // what they were is not known
  }
  rank.last.frames = Frames(entries.at(last)["frames"]);
  ranks_.emplace(number, std::move(rank));
  return Status::Ok();
}

std::uint32_t FlightRecorder::DetailOf(Plain::Ref entry) {
  Detail detail;
  double elements = 0;
  detail.name = entry["profiling_name"].text();
  detail.dtype = Dtype(entry["input_dtypes"]);
  detail.input_sizes = Sizes(entry["input_sizes"], &elements);
  std::string key = detail.name + "|" + detail.dtype + "|" + detail.input_sizes.dump();
  const auto it = detail_index_.find(key);
  if (it != detail_index_.end()) return it->second;
  if (details_.empty()) details_.emplace_back();  // the first stands for what is not told
  if (details_.size() >= kMaxDetails) return 0;
  details_.push_back(std::move(detail));
  return detail_index_[std::move(key)] = static_cast<std::uint32_t>(details_.size() - 1);
}

void FlightRecorder::ReadEntry(Plain::Ref entry, std::int32_t id, bool first,
                               const std::unordered_map<std::string, std::uint32_t>& groups,
                               Rank* rank) {
  // The name of the group; before version 2.1 only its number.
  const Plain::Ref pair = entry["process_group"];
  std::int64_t pg = -1, p2p_seq = 0, record = 0;
  const bool has_pg = entry["pg_id"].Integer(&pg);
  std::string number = std::to_string(pg);
  const std::string_view name = pair.is(Plain::Type::list) ? pair.at(0).text() : number;
  const auto known = groups.find(std::string(name));
  const std::uint32_t group =
      known != groups.end() ? known->second : GroupOf(name, pair.at(1).text(), {});
  if (has_pg) rank->group_of_pg[pg] = group;

  Entered e;
  e.group = group;
  e.rank = id;
  e.done = Done(entry);
  entry["time_created_ns"].Integer(&e.created_ns);
  if (!entry["collective_seq_id"].Integer(&e.seq)) entry["seq_id"].Integer(&e.seq);
  entry["p2p_seq_id"].Integer(&p2p_seq);
  entry["record_id"].Integer(&record);
  const std::uint32_t detail = DetailOf(entry);
  const std::string_view operation = WithoutBackend(entry["profiling_name"].text());
  const bool p2p =
      entry["is_p2p"].AsBool(operation.starts_with("send ") || operation.starts_with("recv "));
  if (record >= rank->last.record)
    rank->last = {group, detail, record, p2p ? p2p_seq : e.seq, e.done, p2p, {}};
  if (p2p) {
    groups_[group].has_p2p = true;
    // It also tells how far the rank came with collectives.
    input_.progress.push_back({group, id, e.seq});
    e.seq = p2p_seq;
    ReadP2p(operation, id, group, detail, e);
    return;
  }
  double elements = 0;
  Sizes(entry["input_sizes"], &elements);
  e.signature = Signature(entry["profiling_name"].text(), Dtype(entry["input_dtypes"]), elements);
  // Coalesced operations share a number: one entry of them all. Of the first in the ring a part may
  // have been overwritten.
  if (!input_.entered.empty()) {
    Entered& before = input_.entered.back();
    if (before.group == group && before.rank == id && before.seq == e.seq) {
      before.done &= e.done;
      // The last one of a coalesced whole carries its name: "ALLGATHER_coalesced".
      if (operation.ends_with("_coalesced")) detail_of_.back() = detail;
      if (before.signature != 0)
        before.signature = base::Hash64("coalesced", before.signature ^ (e.signature << 1)) | 1;
      return;
    }
  }
  e.meets = Synchronises(OperationOf(operation));
  if (first && record > 0 && e.done) e.signature = 0;
  input_.entered.push_back(e);
  detail_of_.push_back(detail);
}

// "send 0->3", "recv 3<-0": places in the group.
void FlightRecorder::ReadP2p(std::string_view name, std::int32_t id, std::uint32_t group,
                             std::uint32_t detail, const Entered& e) {
  const bool receives = name.starts_with("recv");
  const std::size_t arrow = name.find(receives ? "<-" : "->");
  if (arrow == std::string_view::npos) return;
  std::int32_t peer = -1;
  const std::string_view text = name.substr(arrow + 2);
  if (std::from_chars(text.data(), text.data() + text.size(), peer).ec != std::errc() || peer < 0)
    return;
  const auto& members = groups_[group].members;
  if (!members.empty()) {
    if (static_cast<std::size_t>(peer) >= members.size()) return;
    peer = members[static_cast<std::size_t>(peer)];
  }
  Pair& pair = pairs_[receives ? PairKey{group, peer, id} : PairKey{group, id, peer}];
  const int side = receives ? 1 : 0;
  if (e.done) {
    pair.newest_done[side] = std::max(pair.newest_done[side], e.created_ns);
    return;
  }
  if (pair.open[side]++ > 0 && pair.oldest[side] <= e.created_ns) return;
  pair.oldest[side] = e.created_ns;
  pair.seq[side] = e.seq;
  pair.detail[side] = detail;
}

bool LooksFlightRecorder(std::string_view head) {
  if (LooksPickle(head)) return true;
  // Protocols 0 and 1: a dict, a list or an import at once.
  if (head.starts_with("(dp") || head.starts_with("(lp") || head.starts_with("}q") ||
      head.starts_with("cos\n") || head.starts_with("cposix\n"))
    return true;
  const std::size_t at = head.find_first_not_of(" \t\r\n");
  if (at == std::string_view::npos || (head[at] != '{' && head[at] != '[')) return false;
  return head.find("\"pg_config\"") != std::string_view::npos ||
         head.find("\"collective_seq_id\"") != std::string_view::npos ||
         (head.find("\"profiling_name\"") != std::string_view::npos &&
          head.find("\"input_sizes\"") != std::string_view::npos);
}

base::Result<bool> ReadFlightRecorder(const base::InputFile& file, const wire::Context& context,
                                      model::Batch* batch, base::Json* report) {
  FlightRecorder recorder;
  RETURN_IF_ERROR(recorder.Add(file, &batch->refused));
  recorder.Finish(context, batch, report);
  return true;
}

}  // namespace strata::l2_comm
