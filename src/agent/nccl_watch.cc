// SPDX-License-Identifier: Apache-2.0
#include "agent/nccl_watch.h"

#include <algorithm>
#include <filesystem>

#include "agent/ras_client.h"
#include "base/file.h"
#include "base/hash.h"
#include "l2_comm/flight_recorder.h"
#include "l2_comm/l2_comm.h"

namespace strata::agent {
namespace {

constexpr std::int64_t kSayEvery = 15 * base::kSecond;
constexpr std::int64_t kRasTimeout = 8 * base::kSecond;
constexpr std::size_t kMaxDumpBytes = 1u << 30;  // of one folder, as they lie there

}  // namespace

NcclWatch::NcclWatch(NcclWatchOptions options, std::string node, std::unique_ptr<Feed> feed)
    : options_(std::move(options)), feed_(std::move(feed)) {
  resource_ = {{"host.name", node}};
  for (const std::string& target : options_.ras)
    sockets_.push_back({target, l2_comm::RasWatch(options_.stuck_after_ns), 0, 0});
  for (const std::string& path : options_.inspector) inspector_.emplace_back().path = path;
  for (const std::string& path : options_.flight_recorder) recorder_.emplace_back().path = path;
}

wire::Context NcclWatch::Context(std::int64_t now_ns) {
  wire::Context context;
  context.namer = &feed_->namer();
  context.now_ns = now_ns;
  context.resource = &resource_;
  return context;
}

void NcclWatch::Say(const std::string& name, bool well, std::string detail, std::int64_t last_ns) {
  feed_->batch().sources.push_back(
      {name, "l2_comm", well ? "live" : "absent", std::move(detail), last_ns, {}});
}

void NcclWatch::Poll(std::int64_t now_ns, const std::stop_token& stop) {
  for (Socket& socket : sockets_) {
    if (now_ns >= socket.due_ns) Ask(&socket, now_ns, stop);
  }
  for (Folder& folder : inspector_) Follow(&folder, now_ns);
  for (Folder& folder : recorder_) LookForDumps(&folder, now_ns);
  feed_->Ship();
}

// ---- RAS

void NcclWatch::Ask(Socket* socket, std::int64_t now_ns, const std::stop_token& stop) {
  socket->due_ns = now_ns + options_.ras_every_ns;
  std::string detail;
  bool well = false;
  if (auto text = AskRas(socket->target, kRasTimeout, stop); !text.ok()) {
    detail = text.status().message() + "; a job with NCCL 2.24 or later must run on this node";
  } else if (auto answer = l2_comm::ParseRas(*text); !answer.ok()) {
    detail = answer.status().message();
    feed_->batch().refused.add(base::Reason::malformed, 1, detail);
  } else {
    well = true;
    socket->last_ns = now_ns;
    if (answer->communicators >= 0)
      detail = std::to_string(answer->communicators) + " communicators";
    model::Batch& batch = feed_->batch();
    socket->watch.Take(*answer, Context(now_ns), &batch);
    for (const l2_comm::RasCommunicator& comm : answer->comms) {
      model::Entity entity{"communicator", comm.hash, comm.hash, {}, now_ns, {}};
      entity.attributes = {{"communicator", comm.hash}};
      if (comm.size > 0) entity.attributes.set("nranks", std::to_string(comm.size));
      batch.entities.push_back(std::move(entity));
    }
  }
  Say("nccl-ras " + socket->target, well, std::move(detail), socket->last_ns);
}

// ---- the inspector's folders

void NcclWatch::Follow(Folder* folder, std::int64_t now_ns) {
  std::error_code error;
  std::size_t left_out = 0;
  std::vector<std::string> there;
  for (auto it = std::filesystem::directory_iterator(folder->path, error);
       it != std::filesystem::directory_iterator() && !error; it.increment(error)) {
    const std::string path = it->path().string();
    if (path.ends_with(".prom") || !it->is_regular_file(error)) continue;
    if (there.size() >= kMaxFiles) {
      ++left_out;
      continue;
    }
    there.push_back(path);
  }
  folder->error = error ? error.message() : std::string();
  std::sort(there.begin(), there.end());
  std::erase_if(folder->tails, [&](const auto& tail) {
    return !std::binary_search(there.begin(), there.end(), tail.first);
  });
  for (const std::string& path : there) {
    auto& tail = folder->tails[path];
    if (!tail) tail = std::make_unique<Tail>(path);
    const bool read = tail->Poll([&](std::string_view lines) {
      // A file without a record in it is counted in refused, and no reason to stop.
      (void)l2_comm::DecodeInspector(lines, Context(now_ns), &feed_->batch()).ok();
    });
    if (read) {
      folder->last_ns = now_ns;
      feed_->Ship();
    }
  }
  if (folder->said_ns != 0 && now_ns - folder->said_ns < kSayEvery) return;
  folder->said_ns = now_ns;
  const bool well = folder->error.empty();
  std::string detail = well ? std::to_string(there.size()) + " files" : folder->error;
  if (well && folder->last_ns > 0) detail += ", last line " + base::FormatTime(folder->last_ns);
  if (left_out > 0) detail += ", " + std::to_string(left_out) + " more are not followed";
  // Jobs may be quiet or none there: a folder that was looked into is live.
  Say("nccl-inspector " + folder->path, well, std::move(detail), well ? now_ns : folder->last_ns);
}

// ---- flight recorder dumps

void NcclWatch::LookForDumps(Folder* folder, std::int64_t now_ns) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::map<std::string, std::vector<std::string>> files;  // by the folder they lie in
  std::size_t seen = 0;
  for (auto it = fs::recursive_directory_iterator(
           folder->path, fs::directory_options::skip_permission_denied, error);
       it != fs::recursive_directory_iterator() && !error && seen < l2_comm::kMaxRanks;
       it.increment(error)) {
    if (it.depth() > 4) it.disable_recursion_pending();
    if (!it->is_regular_file(error)) continue;
    files[it->path().parent_path().string()].push_back(it->path().string());
    ++seen;
  }
  folder->error = error ? error.message() : std::string();
  for (auto& [path, dumps] : dumps_) dumps.there &= !path.starts_with(folder->path);
  for (auto& [path, names] : files) {
    std::sort(names.begin(), names.end());
    std::uint64_t state = 1;
    for (const std::string& name : names) {
      std::error_code gone;
      const auto size = fs::file_size(name, gone);
      const auto time = fs::last_write_time(name, gone).time_since_epoch().count();
      state = base::Hash64(
          name, state ^ static_cast<std::uint64_t>(size) * 31 ^ static_cast<std::uint64_t>(time));
    }
    Dumps& dumps = dumps_[path];
    dumps.there = true;
    if (dumps.state != state) {
      dumps.state = state;
      dumps.since_ns = now_ns;
    }
    if (dumps.read == state || now_ns - dumps.since_ns < options_.quiet_ns) continue;
    dumps.read = state;
    ReadDumps(names, folder, now_ns);
  }
  if (folder->error.empty()) {
    std::erase_if(dumps_, [&](const auto& d) {
      return !d.second.there && d.first.starts_with(folder->path);
    });
  }
  if (folder->said_ns != 0 && now_ns - folder->said_ns < kSayEvery) return;
  folder->said_ns = now_ns;
  const bool well = folder->error.empty();
  std::string detail = folder->error;
  if (well && folder->last_ns > 0) detail = "last dump " + base::FormatTime(folder->last_ns);
  Say("flight-recorder " + folder->path, well, std::move(detail), well ? now_ns : folder->last_ns);
}

void NcclWatch::ReadDumps(const std::vector<std::string>& files, Folder* folder,
                          std::int64_t now_ns) {
  l2_comm::FlightRecorder recorder;
  model::Batch& batch = feed_->batch();
  std::uintmax_t total = 0;
  std::vector<std::string> strangers;
  for (const std::string& name : files) {
    std::error_code gone;
    total += std::filesystem::file_size(name, gone);
    if (gone || total > kMaxDumpBytes) {
      batch.refused.add(base::Reason::oversize, 1, name + ": dumps of more than 1 GiB");
      recorder.AddLost(
          name.substr(0, name.rfind('/')));  // the folder: of any rank that was not read
      break;
    }
    // One that cannot be read does not hide the others; Add counts it itself.
    const base::Status status = base::ForEachInput(name, [&](base::InputFile file) {
      if (l2_comm::LooksFlightRecorder(std::string_view(file.bytes).substr(0, 1u << 20)))
        (void)recorder.Add(file, &batch.refused).ok();
      else
        strangers.push_back(file.name);
      return base::Status::Ok();
    });
    if (status.ok()) continue;
    batch.refused.add(base::Reason::malformed, 1, status.message());
    recorder.AddLost(name);
  }
  if (recorder.ranks() == 0) return;
  for (const std::string& name : strangers) recorder.AddStranger(name);
  folder->last_ns = now_ns;
  recorder.Finish(Context(now_ns), &batch, nullptr);
}

// {FOLDER: hash of what was read, as text: it does not fit a JSON number}
base::Json NcclWatch::Offsets() const {
  base::Json out = base::Json::MakeObject();
  for (const auto& [path, dumps] : dumps_) {
    if (dumps.read != 0) out.set(path, std::to_string(dumps.read));
  }
  return out;
}

void NcclWatch::Resume(const base::Json& offsets) {
  for (const auto& [path, read] : offsets.object())
    dumps_[path].read = std::strtoull(read.as_string().c_str(), nullptr, 10);
}

}  // namespace strata::agent
