// SPDX-License-Identifier: Apache-2.0
// For tests of this room only: an API server in this process that lists page by page, watches with
// bookmarks, forgets old versions, and fails as it is told to.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/http_server.h"
#include "l4_sched/kube_config.h"

namespace strata::l4_sched {

inline bool Until(const std::function<bool()>& done, int seconds = 10) {
  for (int i = 0; i < seconds * 100; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

class FakeApi {
 public:
  struct Fault {
    int status = 200;  // 200: the body is cut instead
    int retry_after_s = 0;
    bool watch = false;  // of the next watch, else of the next list page
  };

  FakeApi() {
    base::ServerOptions options;
    options.threads = 4;
    auto made =
        base::HttpServer::Start(options, [this](const base::ServerRequest& r) { return Take(r); });
    EXPECT_TRUE(made.ok()) << made.status().message();
    server_ = std::move(*made);
  }
  ~FakeApi() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_all();
    server_->Stop();
  }

  KubeConfig Config() const {
    const std::string yaml =
        "clusters: [{name: c, cluster: {server: \"http://127.0.0.1:" +
        std::to_string(server_->port()) +
        "\"}}]\nusers: [{name: u, user: {token: secret}}]\n"
        "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n";
    auto config = KubeConfig::FromText(yaml, "/");
    EXPECT_TRUE(config.ok()) << config.status().message();
    return *config;
  }

  // `json` without its braces: an object's fields beside metadata. `path` as /api/v1/pods.
  void Set(const std::string& path, const std::string& ns, const std::string& name,
           const std::string& fields, const std::string& meta = {}, std::string uid = {}) {
    const std::lock_guard lock(mutex_);
    auto& objects = kinds_[path];
    const std::string key = ns + "/" + name;
    const bool known = objects.contains(key);
    ++version_;
    if (uid.empty()) uid = "uid-" + key;
    std::string json = R"({"metadata":{"name":")" + name + "\"";
    if (!ns.empty()) json += R"(,"namespace":")" + ns + "\"";
    json += R"(,"uid":")" + uid + R"(","resourceVersion":")" + std::to_string(version_) + "\"" +
            (meta.empty() ? "" : "," + meta) + "}" + (fields.empty() ? "" : "," + fields) + "}";
    objects[key] = json;
    log_.push_back({version_, path, known ? "MODIFIED" : "ADDED", json});
    wake_.notify_all();
  }
  void Delete(const std::string& path, const std::string& key) {
    const std::lock_guard lock(mutex_);
    ++version_;
    log_.push_back({version_, path, "DELETED", kinds_[path][key]});
    kinds_[path].erase(key);
    wake_.notify_all();
  }
  // Forgets what happened before now: watches from there are 410, in the stream.
  void Compact() {
    const std::lock_guard lock(mutex_);
    log_.clear();
    compacted_ = ++version_;
    ++kick_;
    wake_.notify_all();
  }
  void Kick() {  // ends open watches
    const std::lock_guard lock(mutex_);
    ++kick_;
    wake_.notify_all();
  }
  void Bookmark() {
    const std::lock_guard lock(mutex_);
    ++version_;
    ++bookmarks_;
    wake_.notify_all();
  }
  void Fail(const Fault& fault) {
    const std::lock_guard lock(mutex_);
    faults_.push_back(fault);
  }
  void Forbid(const std::string& path, int status = 403) {
    const std::lock_guard lock(mutex_);
    forbidden_[path] = status;
  }
  void Allow(const std::string& path) {
    const std::lock_guard lock(mutex_);
    forbidden_.erase(path);
  }
  void ServeText(const std::string& path, const std::string& json) {
    const std::lock_guard lock(mutex_);
    texts_[path] = json;
  }
  std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  int watching() const {
    const std::lock_guard lock(mutex_);
    return watching_;
  }

 private:
  struct Entry {
    std::int64_t version;
    std::string path, type, json;
  };

  static base::ServerAnswer Error(int status, const std::string& reason, int retry_after_s = 0) {
    base::ServerAnswer answer;
    answer.status = status;
    answer.body =
        R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":")" +
        reason + R"(","reason":")" + reason + R"(","code":)" + std::to_string(status) + "}";
    if (retry_after_s > 0)
      answer.headers.emplace_back("Retry-After", std::to_string(retry_after_s));
    return answer;
  }

  base::ServerAnswer Take(const base::ServerRequest& request) {
    const std::lock_guard lock(mutex_);
    asked_.push_back(request.target);
    if (request.header("authorization") != "Bearer secret") return Error(401, "Unauthorized");
    const std::string path = request.path;
    if (const auto it = forbidden_.find(path); it != forbidden_.end())
      return Error(it->second, path + " is forbidden");
    if (const auto it = texts_.find(path); it != texts_.end()) {
      base::ServerAnswer answer;
      answer.body = it->second;
      return answer;
    }
    const bool watch = request.param("watch") == "1";
    Fault fault;
    if (!faults_.empty() && faults_.front().watch == watch) {
      fault = faults_.front();
      faults_.pop_front();
      if (fault.status != 200) return Error(fault.status, "told to fail", fault.retry_after_s);
      fault.status = 0;
    }
    if (!kinds_.contains(path)) return Error(404, "no such kind");
    return watch ? Watch(request, fault.status == 0) : List(request, fault.status == 0);
  }

  base::ServerAnswer List(const base::ServerRequest& request, bool cut) {
    const auto& objects = kinds_[request.path];
    const std::string from(request.param("continue"));
    const auto limit =
        static_cast<std::size_t>(std::stoul("0" + std::string(request.param("limit"))));
    auto it = from.empty() ? objects.begin() : objects.lower_bound(from);
    std::string items;
    std::size_t n = 0;
    for (; it != objects.end() && (limit == 0 || n < limit); ++it, ++n)
      items += (items.empty() ? "" : ",\n") + it->second;
    const std::string next = it == objects.end() ? "" : it->first;
    base::ServerAnswer answer;
    answer.body = R"({"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":")" +
                  std::to_string(version_) + R"(","continue":")" + next + R"("},"items":[)" +
                  items + "]}";
    if (cut) answer.body.resize(answer.body.size() * 2 / 3);
    return answer;
  }

  base::ServerAnswer Watch(const base::ServerRequest& request, bool cut) {
    const std::int64_t since = std::stoll("0" + std::string(request.param("resourceVersion")));
    base::ServerAnswer answer;
    answer.stream = [this, since, cut,
                     path = request.path](const std::function<bool(std::string_view)>& write) {
      Feed(since, cut, path, write);
    };
    return answer;
  }

  void Feed(std::int64_t since, bool cut, const std::string& path,
            const std::function<bool(std::string_view)>& write) {
    std::unique_lock lock(mutex_);
    ++watching_;
    const int kick = kick_;
    int bookmarks = bookmarks_;
    const auto send = [&](const std::string& text) {
      lock.unlock();
      const bool open = write(text);
      lock.lock();
      return open;
    };
    bool open = true;
    if (since < compacted_) {
      open = send(
          R"({"type":"ERROR","object":{"kind":"Status","message":"too old resource version","reason":"Expired","code":410}})"
          "\n");
      open = false;
    }
    while (open && !ending_ && kick == kick_) {
      const std::vector<Entry> log = log_;
      for (const Entry& e : log) {
        if (e.version <= since || e.path != path || !open) continue;
        std::string frame = R"({"type":")" + e.type + R"(","object":)" + e.json + "}\n";
        if (cut) frame.resize(frame.size() / 2);
        open = send(frame) && !cut;
        since = e.version;
      }
      if (bookmarks != bookmarks_ && open) {
        bookmarks = bookmarks_;
        since = version_;
        open = send(R"({"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":")" +
                    std::to_string(version_) + "\"}}}\n");
      }
      if (open) wake_.wait_for(lock, std::chrono::milliseconds(20));
    }
    --watching_;
  }

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::int64_t version_ = 100, compacted_ = 0;
  int kick_ = 0, bookmarks_ = 0, watching_ = 0;
  bool ending_ = false;
  std::map<std::string, std::map<std::string, std::string>> kinds_;  // path -> key -> object
  std::map<std::string, int> forbidden_;
  std::map<std::string, std::string> texts_;
  std::deque<Fault> faults_;
  std::vector<Entry> log_;
  std::vector<std::string> asked_;
  std::unique_ptr<base::HttpServer> server_;
};

}  // namespace strata::l4_sched
