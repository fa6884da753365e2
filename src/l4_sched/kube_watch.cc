// SPDX-License-Identifier: Apache-2.0
// Rules of list and watch: Kubernetes API concepts, "Efficient detection of changes". A resource
// version is an opaque text. Pauses follow client-go: 0.8 s, doubling to 30 s, spread by chance so
// that the agents of a fleet do not come back at once.
#include "l4_sched/kube_watch.h"

#include <algorithm>
#include <condition_variable>

#include "base/clock.h"
#include "base/hash.h"

namespace strata::l4_sched {
namespace {

using std::string_view;

// A watch that is open for so long was let in: connecting gives up sooner.
constexpr std::int64_t kOpen = 12 * base::kSecond;
constexpr std::int64_t kShortWatch = 2 * base::kSecond;  // one that ends sooner is a failure

void Sleep(std::int64_t ns, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, std::chrono::nanoseconds(ns), [] { return false; });
}

// The object of a watch frame as it came: the only braces right below the outermost ones.
string_view ObjectOf(string_view frame) {
  int depth = 0;
  bool in_string = false;
  std::size_t from = string_view::npos;
  for (std::size_t i = 0; i < frame.size(); ++i) {
    const char c = frame[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (depth++ == 1 && c == '{') from = i;
    } else if (c == '}' || c == ']') {
      if (--depth == 1 && from != string_view::npos) return frame.substr(from, i + 1 - from);
    }
  }
  return {};
}

std::string Query(const KubeResource& resource) {
  return resource.field_selector.empty() ? ""
                                         : "&fieldSelector=" + KubeQuote(resource.field_selector);
}

}  // namespace

KubeWatch::KubeWatch(KubeResource resource, KubeConfig config, KubeWatchOptions options,
                     KubeSink sink)
    : resource_(std::move(resource)),
      client_(std::move(config)),
      options_(options),
      sink_(std::move(sink)),
      random_(static_cast<std::uint32_t>(base::Hash64(resource_.path()) ^
                                         static_cast<std::uint64_t>(base::monotonic_ns()))) {}

void KubeWatch::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const std::int64_t began = base::monotonic_ns();
    const bool watching = synced_ && !version_.empty();
    Outcome outcome = watching ? Watch(stop) : List(stop);
    if (stop.stop_requested()) return;
    if (watching && outcome.next == Next::go_on && fed_ == 0 &&
        base::monotonic_ns() - began < kShortWatch)
      outcome = {Next::pause, "the server ends watches at once", 0};
    if (watching && (fed_ > 0 || base::monotonic_ns() - began > options_.max_backoff_ns))
      attempts_ = 0;
    if (outcome.next == Next::go_on) {
      if (watching) attempts_ = 0;
      continue;
    }
    if (outcome.next == Next::relist) {
      version_.clear();
      next_.clear();
      listing_ = false;
      const std::lock_guard lock(mutex_);
      ++facts_.gone;
    }
    if (outcome.next == Next::wait_absent) Forget();
    const std::int64_t pause = Pause(outcome);
    if (outcome.next == Next::wait_absent) {
      Say("absent", outcome.why);
    } else {
      Say(synced_ ? "stale" : "failed",
          outcome.why + "; next try in " + base::FormatDuration(pause / 100'000'000 * 100'000'000));
    }
    Sleep(pause, stop);
  }
}

std::int64_t KubeWatch::Pause(const Outcome& outcome) {
  std::uniform_real_distribution<double> spread(0.5, 1.0);
  if (outcome.next == Next::wait_absent)
    return static_cast<std::int64_t>(static_cast<double>(options_.absent_ns) * spread(random_));
  std::int64_t pause = options_.backoff_ns;
  for (int i = 0; i < attempts_ && pause < options_.max_backoff_ns; ++i) pause *= 2;
  ++attempts_;
  pause = std::min(pause, options_.max_backoff_ns);
  const auto chosen = static_cast<std::int64_t>(static_cast<double>(pause) * spread(random_));
  return std::max(chosen, outcome.pause_ns);
}

// What an answer other than 200 means for the next step.
KubeWatch::Outcome KubeWatch::Refused(const KubeAnswer& answer, std::string why) {
  switch (answer.status) {
    case 403: return {Next::wait_absent, "not permitted: " + why, 0};
    case 404: return {Next::wait_absent, "not served by this cluster: " + resource_.name(), 0};
    case 410: return {Next::relist, std::move(why), 0};
    default: return {Next::pause, std::move(why), answer.retry_after_ns};
  }
}

// ---- list
KubeWatch::Outcome KubeWatch::List(const std::stop_token& stop) {
  if (!listing_) {  // else a page failed: the continue token still stands
    listing_ = true;
    next_.clear();
    ++round_;
  }
  do {
    Outcome outcome = Page(stop);
    if (outcome.next != Next::go_on || stop.stop_requested()) return outcome;
  } while (!next_.empty());
  Sweep();
  listing_ = false;
  listed_once_ = true;
  {
    const std::lock_guard lock(mutex_);
    synced_ = true;
    ++facts_.lists;
  }
  Say("live", "");
  return {};
}

KubeWatch::Outcome KubeWatch::Page(const std::stop_token& stop) {
  std::string path =
      resource_.path() + "?limit=" + std::to_string(options_.page) + Query(resource_);
  if (!next_.empty()) path += "&continue=" + KubeQuote(next_);
  KubeFrames frames(KubeFrames::Shape::list, options_.max_object_bytes);
  KubeClient::Limits limits;
  limits.timeout_ms = options_.list_timeout_ms;
  limits.idle_ms = options_.idle_ms;
  limits.max_bytes = std::size_t{4} << 30;  // nothing is kept but the open object
  bool whole = true;
  const KubeAnswer answer =
      client_.Stream(path, resource_.metadata_only, limits, stop, [&](string_view bytes) {
        whole = frames.Push(bytes, [&](string_view json) {
          KubeObject object;
          if (parser_.Object(json, &object).ok()) {
            Apply(std::move(object), listed_once_ ? KubeChange::modified : KubeChange::listed,
                  json);
          } else {
            const std::lock_guard lock(mutex_);
            ++facts_.malformed;
          }
          return true;
        });
        return whole;
      });
  {
    const std::lock_guard lock(mutex_);
    facts_.oversize += frames.oversize();
  }
  if (answer.status != 200 && answer.status != 0)
    return Refused(answer, KubeErrorText(answer.status, frames.head()));
  KubeHead head;
  const bool told = whole && frames.whole() && parser_.Head(frames.head(), &head).ok();
  if (!answer.error.empty() || !told || head.version.empty()) {
    const std::lock_guard lock(mutex_);
    ++facts_.cut;
    return {Next::pause, answer.error.empty() ? "the list is cut short or no list" : answer.error,
            0};
  }
  version_ = head.version;
  next_ = head.next;
  return {};
}

// Objects that the list just made does not name are gone.
void KubeWatch::Sweep() {
  std::vector<std::string> missing;
  for (const auto& [key, kept] : objects_) {
    if (kept.round != round_) missing.push_back(key);
  }
  for (const std::string& key : missing) {
    const KubeObject object = objects_.at(key).object;
    Remove(object, {});
  }
}

// What may not be seen any more is not known any more.
void KubeWatch::Forget() {
  version_.clear();
  listing_ = listed_once_ = false;
  ++round_;
  Sweep();
  const std::lock_guard lock(mutex_);
  synced_ = false;
}

// ---- watch
KubeWatch::Outcome KubeWatch::Watch(const std::stop_token& stop) {
  std::uniform_int_distribution<std::int64_t> spread(options_.watch_s * 4 / 5, options_.watch_s);
  const std::int64_t seconds = std::max<std::int64_t>(spread(random_), 1);
  const std::string path = resource_.path() + "?watch=1&allowWatchBookmarks=true&timeoutSeconds=" +
                           std::to_string(seconds) + "&resourceVersion=" + KubeQuote(version_) +
                           Query(resource_);
  KubeFrames frames(KubeFrames::Shape::stream, options_.max_object_bytes);
  KubeClient::Limits limits;
  // The server ends the watch itself; one that does not is as good as dead.
  limits.timeout_ms = seconds * 1000 + options_.idle_ms;
  limits.idle_ms = limits.timeout_ms;
  limits.max_bytes = SIZE_MAX;
  fed_ = 0;
  {
    const std::lock_guard lock(mutex_);
    ++facts_.watches;
    watching_since_ = base::monotonic_ns();
  }
  Outcome outcome;
  bool whole = true;
  const KubeAnswer answer =
      client_.Stream(path, resource_.metadata_only, limits, stop, [&](string_view bytes) {
        whole = frames.Push(bytes, [&](string_view json) { return TakeFrame(json, &outcome); });
        return whole;
      });
  {
    const std::lock_guard lock(mutex_);
    facts_.oversize += frames.oversize();
    watching_since_ = 0;
  }
  if (answer.status != 200 && answer.status != 0)
    return Refused(answer, outcome.why.empty() ? answer.error : outcome.why);
  if (outcome.next != Next::go_on) return outcome;
  if (!answer.error.empty() || !whole || !frames.whole()) {
    const std::lock_guard lock(mutex_);
    ++facts_.cut;
    return {Next::pause, answer.error.empty() ? "the watch is cut short" : answer.error, 0};
  }
  return {};
}

// False ends the watch.
bool KubeWatch::TakeFrame(string_view json, Outcome* outcome) {
  std::string type;
  KubeObject object;
  KubeHead error;
  if (!parser_.Frame(json, &type, &object, &error).ok()) {
    const std::lock_guard lock(mutex_);
    ++facts_.malformed;
    return true;
  }
  if (type == "ERROR") {
    const bool gone = error.code == 410 || error.reason == "Expired" || error.reason == "Gone";
    *outcome = {gone ? Next::relist : Next::pause,
                "HTTP " + std::to_string(error.code) + ": " + error.message, 0};
    return false;
  }
  ++fed_;
  if (!object.version.empty()) version_ = object.version;
  if (type == "ADDED" || type == "MODIFIED") {
    Apply(std::move(object), type == "ADDED" ? KubeChange::added : KubeChange::modified,
          ObjectOf(json));
  } else if (type == "DELETED") {
    Remove(object, ObjectOf(json));
  }
  const std::lock_guard lock(mutex_);
  said_ = "live";
  last_ns_ = base::Clock::system().now_ns();
  return true;
}

// ---- what is known
void KubeWatch::Apply(KubeObject object, KubeChange change, string_view json) {
  const std::string key = object.key();
  auto it = objects_.find(key);
  if (it != objects_.end() && it->second.object.uid != object.uid) {  // made anew under its name
    const KubeObject old = it->second.object;
    Remove(old, {});
    it = objects_.end();
    change = KubeChange::added;
  }
  if (it == objects_.end() && objects_.size() >= options_.max_objects) {
    const std::lock_guard lock(mutex_);
    ++facts_.beyond;
    return;
  }
  const KubeObject* before = it == objects_.end() ? nullptr : &it->second.object;
  if (before != nullptr && before->version == object.version) {
    it->second.round = round_;  // only this thread reads it
    return;
  }
  if (change == KubeChange::modified && before == nullptr) change = KubeChange::added;
  if (change == KubeChange::added && before != nullptr) change = KubeChange::modified;
  if (sink_) sink_({resource_, change, object, before, json});
  const std::lock_guard lock(mutex_);
  Kept& kept = objects_[key];
  kept.object = std::move(object);
  kept.round = round_;
}

void KubeWatch::Remove(const KubeObject& object, string_view json) {
  const auto it = objects_.find(object.key());
  if (it == objects_.end()) return;
  if (sink_) sink_({resource_, KubeChange::deleted, object, &it->second.object, json});
  const std::lock_guard lock(mutex_);
  objects_.erase(it);
}

// ---- for other threads
bool KubeWatch::Find(const std::string& key, KubeObject* out) const {
  const std::lock_guard lock(mutex_);
  const auto it = objects_.find(key);
  if (it == objects_.end()) return false;
  *out = it->second.object;
  return true;
}

void KubeWatch::ForEach(const std::function<void(const KubeObject&)>& take) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, kept] : objects_) take(kept.object);
}

std::size_t KubeWatch::size() const {
  const std::lock_guard lock(mutex_);
  return objects_.size();
}

bool KubeWatch::synced() const {
  const std::lock_guard lock(mutex_);
  return synced_;
}

KubeWatch::Facts KubeWatch::facts() const {
  const std::lock_guard lock(mutex_);
  return facts_;
}

void KubeWatch::Say(std::string state, std::string detail) {
  const std::lock_guard lock(mutex_);
  if (state == "live") last_ns_ = base::Clock::system().now_ns();
  said_ = std::move(state);
  detail_ = std::move(detail);
}

model::SourceState KubeWatch::state() const {
  const std::lock_guard lock(mutex_);
  const bool open = watching_since_ != 0 && base::monotonic_ns() - watching_since_ > kOpen;
  const bool live = open || said_ == "live";
  std::string detail = live ? std::to_string(objects_.size()) + " objects" : detail_;
  if (facts_.beyond > 0)
    detail += "; " + std::to_string(facts_.beyond) + " beyond the limit are not followed";
  if (facts_.oversize + facts_.malformed > 0)
    detail += "; " + std::to_string(facts_.oversize + facts_.malformed) + " could not be read";
  // While the watch is open, what is known is what is.
  const std::int64_t last = open ? base::Clock::system().now_ns() : last_ns_;
  return {"kubernetes api " + resource_.name(),
          "l4_sched",
          live ? "live" : said_,
          std::move(detail),
          last,
          {}};
}

}  // namespace strata::l4_sched
