// SPDX-License-Identifier: Apache-2.0
#include "l2_comm/ras.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/hash.h"

namespace strata::l2_comm {
namespace {

namespace dom = simdjson::dom;
using base::Status;

constexpr std::size_t kMaxCommunicators = 1u << 20;

// ---- JSON

std::int64_t Int(const dom::element& object, const char* key, std::int64_t otherwise) {
  std::int64_t value = 0;
  return object[key].get(value) == simdjson::SUCCESS ? value : otherwise;
}
bool Bool(const dom::element& object, const char* key) {
  bool value = false;
  return object[key].get(value) == simdjson::SUCCESS && value;
}
std::string Text(const dom::element& object, const char* key) {
  std::string_view value;
  return object[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

bool RankOf(const dom::element& from, bool missing, RasRank* out) {
  const std::int64_t rank = Int(from, "rank", -1);
  if (rank < 0 || rank >= static_cast<std::int64_t>(kMaxRanks)) return false;
  out->rank = static_cast<std::int32_t>(rank);
  out->host = Text(from, "host");
  out->pid = Int(from, "pid", -1);
  out->gpu = static_cast<std::int32_t>(Int(from, "nvml_dev", Int(from, "cuda_dev", -1)));
  out->missing = missing;
  dom::element status;
  if (from["status"].get(status) == simdjson::SUCCESS) {
    out->init_state = static_cast<std::int32_t>(Int(status, "init_state", 0));
    out->async_error = static_cast<std::int32_t>(Int(status, "async_error", 0));
    out->finalizing = Bool(status, "finalize_called") || Bool(status, "destroy_flag");
    out->aborting = Bool(status, "abort_flag");
    out->unresponsive = Bool(status, "unresponsive");
    out->dead = Bool(status, "considered_dead");
  }
  dom::object counts;
  if (from["collective_counts"].get(counts) != simdjson::SUCCESS) return true;
  for (const auto& [operation, value] : counts) {
    std::uint64_t n = 0;
    if (value.get(n) == simdjson::SUCCESS && out->counts.size() < 64)
      out->counts[std::string(operation)] = n;
  }
  return true;
}

Status RanksOf(const dom::element& comm, const char* key, bool missing, RasCommunicator* out) {
  dom::array ranks;
  if (comm[key].get(ranks) != simdjson::SUCCESS) return Status::Ok();
  if (ranks.size() > kMaxRanks || out->ranks.size() + ranks.size() > kMaxRanks)
    return base::Exhausted("a communicator of more than " + std::to_string(kMaxRanks) + " ranks");
  for (const dom::element element : ranks) {
    RasRank rank;
    if (!RankOf(element, missing, &rank)) return base::Invalid("a rank without its number");
    out->ranks.push_back(std::move(rank));
  }
  return Status::Ok();
}

// Ranks whose counts are below the highest, per operation.
void FindBehind(RasCommunicator* comm) {
  std::map<std::string, std::uint64_t> most;
  for (const RasRank& rank : comm->ranks) {
    for (const auto& [operation, n] : rank.counts) most[operation] = std::max(most[operation], n);
  }
  for (const auto& [operation, n] : most) {
    RasBehind behind{operation, n, {}};
    for (const RasRank& rank : comm->ranks) {
      const auto it = rank.counts.find(operation);
      if (!rank.missing && it != rank.counts.end() && it->second < n)
        behind.ranks.push_back(rank.rank);
    }
    if (!behind.ranks.empty()) comm->behind.push_back(std::move(behind));
  }
}

base::Result<RasAnswer> ParseJson(std::string_view text) {
  dom::parser parser;
  dom::element root;
  if (const auto error = parser.parse(text.data(), text.size()).get(root);
      error != simdjson::SUCCESS)
    return base::Invalid("RAS JSON: " + std::string(simdjson::error_message(error)));
  dom::array comms;
  if (root["communicators"].get(comms) != simdjson::SUCCESS)
    return base::Invalid("RAS JSON without communicators");
  RasAnswer out;
  out.json = true;
  out.nccl_version = Text(root, "nccl_version");
  if (comms.size() > kMaxCommunicators) return base::Exhausted("too many communicators");
  for (const dom::element element : comms) {
    RasCommunicator comm;
    comm.hash = Text(element, "hash");
    comm.size = Int(element, "size", 0);
    comm.missing = Int(element, "missing_ranks_count", 0);
    if (comm.size < 0 || comm.size > static_cast<std::int64_t>(kMaxRanks))
      return base::Exhausted("a communicator of " + std::to_string(comm.size) +
                             " ranks: not believed");
    RETURN_IF_ERROR(RanksOf(element, "ranks", false, &comm));
    RETURN_IF_ERROR(RanksOf(element, "missing_ranks", true, &comm));
    FindBehind(&comm);
    out.comms.push_back(std::move(comm));
  }
  out.communicators = static_cast<std::int64_t>(out.comms.size());
  dom::element ras;
  if (root["ras"].get(ras) == simdjson::SUCCESS) out.timeouts = Int(ras, "timeouts_count", 0);
  return out;
}

// ---- text

class TextReader {
 public:
  base::Result<RasAnswer> Read(std::string_view text) {
    bool known = false;
    while (!text.empty()) {
      std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(text.size(), line.size() + 1));
      const std::size_t from = line.find_first_not_of(" \t");
      if (from == std::string_view::npos) continue;
      const bool inner = from >= 2;
      line.remove_prefix(from);
      while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
      known |= line.starts_with("Job summary") || line.starts_with("Communicators...") ||
               line.starts_with("Group ");
      RETURN_IF_ERROR(Line(line, inner));
    }
    if (!known) return base::Invalid("no answer of NCCL RAS");
    return std::move(out_);
  }

 private:
  // The number at the start, taken off with the blanks after it.
  static bool TakeNumber(std::string_view* line, std::int64_t* out) {
    const auto r = std::from_chars(line->data(), line->data() + line->size(), *out);
    if (r.ec != std::errc()) return false;
    line->remove_prefix(static_cast<std::size_t>(r.ptr - line->data()));
    while (line->starts_with(' ')) line->remove_prefix(1);
    return true;
  }
  static std::int64_t NumberAfter(std::string_view line, std::string_view key) {
    const std::size_t at = line.find(key);
    if (at == std::string_view::npos) return -1;
    line.remove_prefix(at + key.size());
    while (line.starts_with(' ')) line.remove_prefix(1);
    std::int64_t n = -1;
    return TakeNumber(&line, &n) ? n : -1;
  }

  Status Line(std::string_view line, bool inner) {
    if (line.starts_with("NCCL version ")) {
      line.remove_prefix(13);
      out_.nccl_version = line.substr(0, line.find(' '));
    } else if (line.starts_with("Job summary")) {
      section_ = Section::job;
    } else if (line.starts_with("Communicators...")) {
      section_ = Section::table;
    } else if (line == "Errors" || line == "Warnings") {
      section_ = Section::trouble;
    } else if (section_ == Section::job || section_ == Section::table) {
      return Row(line);
    } else if (section_ == Section::trouble) {
      return Trouble(line, inner);
    }
    return Status::Ok();
  }

  // The last number row of the summary has processes and GPUs in all; a table row has how many
  // communicators are in its group.
  Status Row(std::string_view line) {
    std::int64_t numbers[6];
    std::size_t n = 0;
    while (n < 6 && TakeNumber(&line, &numbers[n])) {
      ++n;
      if (line.starts_with('-')) {  // "7-8"
        line.remove_prefix(1);
        if (!TakeNumber(&line, &numbers[n - 1])) break;
      }
    }
    if (section_ == Section::job && (n == 5 || n == 3) && line.empty()) {
      out_.processes = numbers[n - 2];
      out_.gpus = numbers[n - 1];
    }
    if (section_ == Section::table && n == 6) {
      if (numbers[1] < 0 || numbers[4] > static_cast<std::int64_t>(kMaxRanks))
        return base::Exhausted("a communicator of " + std::to_string(numbers[4]) +
                               " ranks: not believed");
      out_.communicators = std::max<std::int64_t>(out_.communicators, 0) + numbers[1];
      sizes_.push_back(numbers[4]);
    }
    return Status::Ok();
  }

  Status Trouble(std::string_view line, bool inner) {
    if (line.starts_with('#')) return Communicator(line);
    if (line == "INCOMPLETE" || line == "DEAD" || line == "TIMEOUT") {
      of_all_ = line;
      comm_ = nullptr;
      return Status::Ok();
    }
    if (!inner) return Status::Ok();
    if (comm_ == nullptr) {
      std::int64_t n = 0;
      if (of_all_ == "DEAD" && TakeNumber(&line, &n)) out_.dead_processes = n;
      if (of_all_ == "INCOMPLETE" && line.starts_with("Missing communicator data from "))
        out_.missing_processes = NumberAfter(line, "data from ");
      if (of_all_ == "TIMEOUT" && line.starts_with("Encountered "))
        out_.timeouts = NumberAfter(line, "Encountered ");
      return Status::Ok();
    }
    if (line.starts_with("Missing communicator data from ")) {
      comm_->missing = NumberAfter(line, "data from ");
    } else if (line.starts_with("The missing rank")) {
      return MissingRanks(line.substr(line.find(':') + 1));
    } else if (line.starts_with("Communicator ranks have different ")) {
      line.remove_prefix(34);
      counting_ = line.find("operation counts") != std::string_view::npos;
      operation_ = line.starts_with("collective ") || !counting_
                       ? std::string()
                       : std::string(line.substr(0, line.find(' ')));
      most_ = 0;
      behind_ = false;
    } else if (line.starts_with("Rank ")) {
      return Rank(line);
    } else {
      Counted(line);
    }
    return Status::Ok();
  }

  // "#0-0 (27a079b828ff1a75) MISMATCH"
  Status Communicator(std::string_view line) {
    const std::size_t open = line.find('('), close = line.find(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open)
      return Status::Ok();
    if (out_.comms.size() >= kMaxCommunicators) return base::Exhausted("too many communicators");
    std::string hash = "0x" + std::string(line.substr(open + 1, close - open - 1));
    std::string_view status = line.substr(close + 1);
    while (status.starts_with(' ')) status.remove_prefix(1);
    const auto known = std::find_if(out_.comms.begin(), out_.comms.end(),
                                    [&](const auto& c) { return c.hash == hash; });
    if (known != out_.comms.end()) {
      comm_ = &*known;
      comm_->status += "," + std::string(status);
      return Status::Ok();
    }
    comm_ = &out_.comms.emplace_back();
    comm_->hash = std::move(hash);
    comm_->status = status;
    const std::int64_t group = NumberAfter(line, "#");
    if (group >= 0 && group < static_cast<std::int64_t>(sizes_.size()))
      comm_->size = sizes_[static_cast<std::size_t>(group)];
    return Status::Ok();
  }

  // "21", "3, 7", "8-15,21"
  Status MissingRanks(std::string_view list) {
    while (!list.empty()) {
      const std::size_t at = list.find_first_of("0123456789");
      if (at == std::string_view::npos) break;
      list.remove_prefix(at);
      std::int64_t first = 0, last = 0;
      TakeNumber(&list, &first);
      last = first;
      if (list.starts_with('-')) {
        list.remove_prefix(1);
        TakeNumber(&list, &last);
      }
      if (first < 0 || last < first || last >= static_cast<std::int64_t>(kMaxRanks))
        return base::Exhausted("ranks that are not believed");
      for (std::int64_t r = first; r <= last; ++r) {
        RasRank rank;
        rank.rank = static_cast<std::int32_t>(r);
        rank.missing = rank.unresponsive = true;
        RETURN_IF_ERROR(Keep(std::move(rank)));
      }
    }
    return Status::Ok();
  }

  Status Keep(RasRank rank) {
    if (comm_->ranks.size() >= kMaxRanks) return base::Exhausted("too many ranks");
    comm_->ranks.push_back(std::move(rank));
    return Status::Ok();
  }

  // "26 ranks have launched up to operation 6650": groups come with the largest first, which is
  // not always the furthest.
  void Counted(std::string_view line) {
    if (!counting_) return;
    const std::int64_t reached = NumberAfter(line, "up to operation ");
    if (reached >= 0) {
      most_ = std::max(most_, static_cast<std::uint64_t>(reached));
      behind_ = static_cast<std::uint64_t>(reached) < most_;
    } else if (line.find("not launched any") != std::string_view::npos) {
      behind_ = true;
    }
  }

  // "Rank 5 -- GPU 5 managed by process 483078 on node 172.16.64.210", and with a count or a
  // status before the dashes.
  Status Rank(std::string_view line) {
    RasRank rank;
    const std::int64_t number = NumberAfter(line, "Rank ");
    if (number < 0 || number >= static_cast<std::int64_t>(kMaxRanks))
      return base::Exhausted("a rank that is not believed");
    rank.rank = static_cast<std::int32_t>(number);
    rank.gpu = static_cast<std::int32_t>(NumberAfter(line, "GPU "));
    rank.pid = NumberAfter(line, "process ");
    if (const std::size_t node = line.find("on node "); node != std::string_view::npos)
      rank.host = line.substr(node + 8);
    rank.missing = rank.unresponsive = comm_->status.ends_with("INCOMPLETE");
    Counted(line);
    if (counting_ && behind_) {
      if (comm_->behind.empty() || comm_->behind.back().operation != operation_)
        comm_->behind.push_back({operation_, most_, {}});
      comm_->behind.back().ranks.push_back(rank.rank);
    }
    return Keep(std::move(rank));
  }

  enum class Section { none, job, table, trouble };
  RasAnswer out_;
  Section section_ = Section::none;
  std::vector<std::int64_t> sizes_;  // ranks of a communicator, by the table's groups
  RasCommunicator* comm_ = nullptr;  // of the trouble being read
  std::string of_all_, operation_;
  bool counting_ = false, behind_ = false;
  std::uint64_t most_ = 0;
};

std::string Listed(const std::vector<std::int32_t>& ranks) {
  std::string out;
  for (std::size_t i = 0; i < std::min<std::size_t>(ranks.size(), 1024); ++i)
    out += (i > 0 ? "," : "") + std::to_string(ranks[i]);
  return ranks.size() > 1024 ? out + ",…" : out;
}

}  // namespace

base::Result<RasAnswer> ParseRas(std::string_view text) {
  const std::size_t at = text.find_first_not_of(" \t\r\n");
  if (at == std::string_view::npos) return base::Invalid("an empty answer of NCCL RAS");
  return text[at] == '{' ? ParseJson(text) : TextReader().Read(text);
}

base::Json RasReport(const RasAnswer& answer) {
  const auto told = [](std::int64_t n) { return n < 0 ? base::Json() : base::Json(n); };
  base::Json missing = base::Json::MakeArray(), behind = base::Json::MakeArray();
  std::int64_t ranks = 0;
  for (const RasCommunicator& comm : answer.comms) {
    ranks += comm.size;
    for (const RasRank& rank : comm.ranks) {
      if (!rank.missing) continue;
      base::Json m;
      m.set("communicator", comm.hash).set("rank", rank.rank);
      m.set("host", rank.host.empty() ? base::Json() : base::Json(rank.host));
      m.set("pid", told(rank.pid)).set("gpu_index", told(rank.gpu)).set("dead", rank.dead);
      missing.push(std::move(m));
    }
    for (const RasBehind& b : comm.behind) {
      base::Json row, list = base::Json::MakeArray();
      for (const std::int32_t rank : b.ranks) list.push(rank);
      row.set("communicator", comm.hash);
      row.set("operation", b.operation.empty() ? base::Json() : base::Json(b.operation));
      behind.push(row.set("most", b.most).set("ranks", std::move(list)));
    }
  }
  base::Json out;
  out.set("layer", "l2_comm").set("report", "nccl_ras");
  out.set("version", answer.nccl_version.empty() ? base::Json() : base::Json(answer.nccl_version));
  out.set("communicators", told(answer.communicators));
  out.set("ranks", answer.json ? base::Json(ranks) : base::Json());
  out.set("processes", told(answer.processes)).set("gpus", told(answer.gpus));
  out.set("missing", std::move(missing)).set("behind", std::move(behind));
  out.set("timeouts", answer.timeouts).set("dead_processes", answer.dead_processes);
  return out;
}

void RasWatch::Take(const RasAnswer& answer, const wire::Context& context, model::Batch* batch) {
  ++round_;
  const auto tell = [&](const RasCommunicator& comm, std::string severity, std::string message,
                        const std::vector<std::int32_t>& culprits) {
    model::Event event;
    event.ts = context.now_ns;
    event.layer = "l2_comm";
    event.event = "comm.hang";
    event.entity_type = "communicator";
    event.entity = comm.hash;
    event.severity = std::move(severity);
    event.message = std::move(message);
    event.attributes = {{"communicator", comm.hash}, {"culprits", Listed(culprits)}};
    if (comm.size > 0) event.attributes.set("nranks", std::to_string(comm.size));
    event.source = "nccl_ras";
    event.origin = context.origin;
    batch->events.push_back(std::move(event));
  };
  for (const RasCommunicator& comm : answer.comms) {
    std::vector<std::int32_t> missing;
    std::string state;
    bool dead = false;
    for (const RasRank& rank : comm.ranks) {
      if (rank.missing && (rank.unresponsive || rank.dead)) missing.push_back(rank.rank);
      dead |= rank.dead;
      for (const auto& [operation, n] : rank.counts) state += std::to_string(n) + ",";
    }
    for (const RasBehind& b : comm.behind)
      state += b.operation + std::to_string(b.most) + ":" + Listed(b.ranks);
    Known& known = known_[comm.hash];
    known.round = round_;
    const std::uint64_t hash = base::Hash64(state);
    if (known.since_ns == 0 || hash != known.state) {
      known.state = hash;
      known.since_ns = context.now_ns;
    }
    std::string say;
    if (!missing.empty()) {
      say = std::string(dead ? "dead " : "missing ") + Listed(missing);
      if (say != known.told) {
        tell(comm, "error",
             "ranks " + Listed(missing) + " of " + comm.hash +
                 (dead ? " are dead to NCCL's RAS network" : " do not answer NCCL's RAS"),
             missing);
      }
    } else if (!comm.behind.empty() && context.now_ns - known.since_ns >= stuck_after_ns_) {
      const RasBehind& b = comm.behind.front();
      say = "behind " + b.operation + Listed(b.ranks);
      if (say != known.told) {
        tell(comm, "error",
             (b.operation.empty() ? "collectives" : b.operation) + " of " + comm.hash +
                 " stand still: ranks " + Listed(b.ranks) + " have not launched operation " +
                 std::to_string(b.most),
             b.ranks);
      }
    }
    known.told = std::move(say);
  }
  std::erase_if(known_, [&](const auto& k) { return k.second.round != round_; });
}

bool LooksRas(std::string_view head) {
  if (head.find("\"missing_ranks_count\"") != std::string_view::npos &&
      head.find("\"communicators\"") != std::string_view::npos)
    return true;
  return head.find("Job summary\n") != std::string_view::npos &&
         head.find("===========") != std::string_view::npos;
}

base::Result<bool> ReadRas(const base::InputFile& file, const wire::Context& context,
                           model::Batch* batch, base::Json* report) {
  auto answer = ParseRas(file.bytes);
  if (!answer.ok()) {
    batch->refused.add(answer.status().code() == base::Code::exhausted ? base::Reason::oversize
                                                                       : base::Reason::malformed,
                       1, answer.status().message());
    return answer.status().With(file.name);
  }
  // One look cannot tell standing still from moving: only ranks that do not answer are told.
  RasWatch(std::numeric_limits<std::int64_t>::max()).Take(*answer, context, batch);
  if (report != nullptr) *report = RasReport(*answer);
  return true;
}

}  // namespace strata::l2_comm
