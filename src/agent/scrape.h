// SPDX-License-Identifier: Apache-2.0
// One scrape target: asks, decodes, tells `up` and the scrape's own facts as Prometheus does, ends
// series that vanish with stale markers. A Scraper is used by one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "agent/feed.h"
#include "base/clock.h"
#include "base/http_client.h"

namespace strata::agent {

struct ScrapeTarget {
  std::string job;
  std::string target;  // host:port
  std::int64_t interval_ns = 15 * base::kSecond;
  std::int64_t timeout_ns = 5 * base::kSecond;
  std::string layer;  // "" = by content
  std::string path = "/metrics";
};

class Scraper {
 public:
  // `node` is put on what a target of this machine says.
  Scraper(ScrapeTarget target, const std::string& node, std::unique_ptr<Feed> feed);

  void Scrape(std::int64_t now_ns);  // and ships
  // The target is gone: ends its series, ships.
  void End(std::int64_t now_ns, const std::string& why);

  const ScrapeTarget& target() const { return target_; }
  const std::string& instance() const { return instance_; }
  bool up() const { return up_; }
  int failures() const { return failures_; }  // in a row

 private:
  base::Status Fetch(std::int64_t now_ns, std::uint64_t* samples);
  void Track(std::int64_t now_ns);
  void Fact(std::string_view name, std::string_view unit, double value, std::int64_t now_ns);
  void Say(std::string state, std::string detail, std::int64_t now_ns);

  ScrapeTarget target_;
  std::string instance_;
  std::string url_;
  model::Attributes resource_;
  std::unique_ptr<Feed> feed_;
  base::HttpClient client_;
  std::unordered_map<std::uint64_t, std::uint32_t> seen_;  // series -> round it was last seen in
  std::uint32_t round_ = 0;
  bool up_ = false;
  int failures_ = 0;
  std::string engine_;  // kind, as l6_infer spells it
  std::string said_;    // state and detail as last told
  std::int64_t said_ns_ = 0, last_good_ns_ = 0;
};

// host:port as service.instance.id and as callers spell it.
std::string InstanceOf(std::string_view target);
bool IsLoopback(std::string_view target);

}  // namespace strata::agent
