// SPDX-License-Identifier: Apache-2.0
// For tests of this room only: an OTLP/HTTP server in this process that decodes what it gets as
// strata's own would, and a page server whose answers a test sets.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/compress.h"
#include "base/http_server.h"
#include "l1_gpu/l1_gpu.h"
#include "l2_comm/l2_comm.h"
#include "l3_host/l3_host.h"
#include "l6_infer/l6_infer.h"
#include "model/namer.h"
#include "wire/decode.h"

namespace strata::agent {

inline std::span<const model::Catalog* const> Catalogs() {
  static const model::Catalog* const catalogs[] = {&l1_gpu::catalog(), &l2_comm::catalog(),
                                                   &l3_host::catalog(), &l6_infer::catalog()};
  return catalogs;
}

inline bool Until(const std::function<bool()>& done, int seconds = 10) {
  for (int i = 0; i < seconds * 50; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

class Receiver {
 public:
  struct Point {
    std::int64_t ts = 0;
    double value = 0;
  };

  explicit Receiver(std::uint16_t port = 0) {
    base::ServerOptions options;
    options.port = port;
    auto made =
        base::HttpServer::Start(options, [this](const base::ServerRequest& r) { return Take(r); });
    EXPECT_TRUE(made.ok()) << made.status().message();
    server_ = std::move(*made);
  }
  std::uint16_t port() const { return server_->port(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }

  // Answers this status to what comes; 200 = takes it.
  void Answer(int status) {
    const std::lock_guard lock(mutex_);
    status_ = status;
  }
  // Points of a signal of an entity, over all its series, in order of arrival.
  std::vector<Point> Points(const std::string& signal, const std::string& entity) const {
    const std::lock_guard lock(mutex_);
    const auto it = points_.find(entity + " " + signal);
    return it == points_.end() ? std::vector<Point>() : it->second;
  }
  std::vector<model::Series> SeriesOf(const std::string& signal) const {
    const std::lock_guard lock(mutex_);
    std::vector<model::Series> out;
    for (const auto& [id, s] : series_) {
      if (s.signal == signal) out.push_back(s);
    }
    return out;
  }
  model::Batch Rest() const {  // everything but samples
    const std::lock_guard lock(mutex_);
    model::Batch copy = rest_;
    return copy;
  }
  std::string LastState(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    for (auto it = rest_.sources.rbegin(); it != rest_.sources.rend(); ++it) {
      if (it->name == name) return it->state + ": " + it->detail;
    }
    return {};
  }
  std::vector<std::string> batches() const {  // ids of all attempts
    const std::lock_guard lock(mutex_);
    return batches_;
  }
  std::set<std::string> encodings() const {
    const std::lock_guard lock(mutex_);
    return encodings_;
  }

 private:
  base::ServerAnswer Take(const base::ServerRequest& request) {
    const std::lock_guard lock(mutex_);
    batches_.emplace_back(request.header("x-strata-batch"));
    base::ServerAnswer answer;
    answer.content_type = "application/x-protobuf";
    if (status_ == 415 && request.header("content-encoding") == "gzip") status_ = 200;
    answer.status = status_;
    if (status_ != 200) return answer;
    encodings_.emplace(request.header("content-encoding"));
    auto body = base::Decompress(request.header("content-encoding"), request.body);
    EXPECT_TRUE(body.ok());
    if (!body.ok()) return answer;
    wire::Context context;
    context.namer = &namer_;
    context.now_ns = base::Clock::system().now_ns();
    context.trusted = true;
    model::Batch batch;
    const base::Status status = request.path == "/v1/metrics"
                                    ? wire::DecodeOtlpMetrics(*body, context, &batch)
                                    : wire::DecodeOtlpLogs(*body, context, &batch);
    EXPECT_TRUE(status.ok()) << status.message();
    EXPECT_TRUE(batch.refused.empty()) << batch.refused.example();
    for (const model::Series& s : batch.series) series_[s.id] = s;
    for (std::size_t i = 0; i < batch.samples.size(); ++i) {
      const model::Series& s = series_.at(batch.samples.series[i]);
      points_[s.entity + " " + s.signal].push_back({batch.samples.ts[i], batch.samples.value[i]});
    }
    const auto append = [](auto& to, auto& from) { to.insert(to.end(), from.begin(), from.end()); };
    append(rest_.collectives, batch.collectives);
    append(rest_.histograms, batch.histograms);
    append(rest_.events, batch.events);
    append(rest_.holdings, batch.holdings);
    append(rest_.entities, batch.entities);
    append(rest_.sources, batch.sources);
    return answer;
  }

  mutable std::mutex mutex_;
  int status_ = 200;
  model::Namer namer_{Catalogs()};
  std::map<model::SeriesId, model::Series> series_;
  std::map<std::string, std::vector<Point>> points_;
  model::Batch rest_;
  std::vector<std::string> batches_;
  std::set<std::string> encodings_;
  std::unique_ptr<base::HttpServer> server_;  // last: ends first
};

class PageServer {
 public:
  PageServer() {
    auto made = base::HttpServer::Start({}, [this](const base::ServerRequest& r) {
      const std::lock_guard lock(mutex_);
      ++asked_;
      accept_ = r.header("accept");
      base::ServerAnswer answer;
      answer.status = status_;
      answer.content_type = type_;
      answer.body = page_;
      if (r.header("accept-encoding").find("gzip") != std::string_view::npos) {
        answer.headers.emplace_back("content-encoding", "gzip");
        answer.body = base::GzipCompress(page_);
      }
      return answer;
    });
    EXPECT_TRUE(made.ok()) << made.status().message();
    server_ = std::move(*made);
  }
  void Set(std::string page, int status = 200, std::string type = "text/plain; version=0.0.4") {
    const std::lock_guard lock(mutex_);
    page_ = std::move(page);
    status_ = status;
    type_ = std::move(type);
  }
  std::string target() const { return "127.0.0.1:" + std::to_string(server_->port()); }
  int asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  std::string accept() const {
    const std::lock_guard lock(mutex_);
    return accept_;
  }

 private:
  mutable std::mutex mutex_;
  std::string page_, type_ = "text/plain; version=0.0.4", accept_;
  int status_ = 200, asked_ = 0;
  std::unique_ptr<base::HttpServer> server_;
};

}  // namespace strata::agent
