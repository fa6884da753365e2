// SPDX-License-Identifier: Apache-2.0
// strata.yaml as values. An unknown key, a wrong unit or a bad value stops the start with file,
// line, key and what was expected. docs/reference/interface.md lists every key.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace strata::server {

struct ScrapeJob {
  std::string job;
  std::vector<std::string> targets;  // host:port
  std::int64_t interval_ns = 15 * base::kSecond;
  std::int64_t timeout_ns = 5 * base::kSecond;
  std::string layer;  // "" = by content
  std::string path = "/metrics";
};

struct FileSource {  // followed like tail -F
  std::string path;
  std::string kind;  // nccl-inspector | train-log | otlp
  std::string job;
};

struct Slo {
  std::string model = "*", tenant = "*";
  std::optional<double> ttft_s, tpot_s, e2e_s;
  double objective = 0.99;
  std::string from;  // RFC 3339, "" = always
};

struct PriceOverride {
  std::string gpu;           // a book key or a device model name
  std::string usd_per_hour;  // decimal text, exact
  std::string from, source, provider, region;
  bool energy_excluded = false;
};

struct InventoryItem {
  std::string gpu, model, node;
  std::string from, to;  // RFC 3339; "" = open
};

struct Config {
  std::string file;  // where it came from, for messages
  std::string cluster = "local";
  std::string listen = "127.0.0.1";
  bool insecure = false;  // only from the command line

  struct {
    std::string path = "./strata-data", url, cluster, user, password_file;
    std::uint64_t memory_bytes = 1ull << 30;
  } store;
  struct {
    int otlp_grpc = 4317, otlp_http = 4318, api = 4319;  // 0 = any free one
  } ports;
  std::vector<ScrapeJob> scrape;
  std::vector<FileSource> files;
  struct {
    std::string socket = "/run/strata/nccl.sock";  // of the profiler plugin; "" = off
    std::vector<std::uint32_t> uids;               // besides root and our own user
    bool any_uid = false;
    double rows_per_s = 200;
    std::vector<std::string> ras;  // host:port
    std::int64_t ras_every_ns = 10 * base::kSecond, stuck_after_ns = 60 * base::kSecond;
    std::vector<std::string> inspector, flight_recorder;  // folders
    std::int64_t quiet_ns = 5 * base::kSecond;
  } nccl;
  struct {
    bool kubernetes = true, engines = true;  // auto | off
  } discover;
  struct {
    std::string kubeconfig, context, kubelet_socket, node;
    bool cluster = false;
    struct Kind {
      std::string group, version = "v1", plural;
    };
    std::vector<Kind> resources;
  } kubernetes;
  std::vector<Slo> slo;
  struct {
    std::string book = "builtin";  // builtin | none
    std::vector<PriceOverride> overrides;
    std::string cpu_core_usd_per_hour;  // "" = no price
    std::optional<double> usd_per_kwh;
    double pue = 1.0;
  } prices;
  std::vector<InventoryItem> inventory;
  struct {
    std::string label = "team";
    std::map<std::string, std::string> namespaces;
  } teams;
  struct {
    std::int64_t samples_days = 15, spans_days = 15, logs_days = 15, minutes_days = 400,
                 requests_days = 90, ledger_days = 1826;
  } retention;
  struct {
    std::string tokens_file;
  } auth;
  struct {
    std::string cert, key, client_ca;
  } tls;
  struct {
    std::int64_t lateness_ns = 20 * base::kSecond, reopen_ns = 24 * base::kHour;
  } minutes;
  bool truncated_is_waste = false;  // useful: {truncated: waste}
  bool keep_content = false;        // content: keep
  struct {
    std::int64_t interval_ns = 5 * base::kSecond;
    std::uint64_t spool_bytes = 1ull << 30;
    bool kernel_log = true;
  } agent;
  struct {
    std::string library = "libnvidia-ml.so.1";  // a name or a path; "" = off
    std::int64_t interval_ns = 0;               // 0 = the agent's
    std::int64_t deadline_ns = 10 * base::kSecond;
  } nvml;
  struct {
    std::uint64_t series = 1'000'000, body_bytes = 16u << 20;
  } limits;
};

// Reads and checks a file; `text` for tests.
base::Result<Config> ReadConfig(const std::string& path);
base::Result<Config> ParseConfig(const std::string& text, const std::string& file);
// "16MiB", "1GiB", "500MB"; a bare number is bytes.
base::Result<std::uint64_t> ParseSize(std::string_view text);

}  // namespace strata::server
