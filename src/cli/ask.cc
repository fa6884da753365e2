// SPDX-License-Identifier: Apache-2.0
// What the commands that ask a server share: the request, and how results look on a terminal.
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <unordered_map>

#include "base/http_client.h"
#include "base/http_server.h"
#include "cli/commands.h"
#include "server/server.h"

namespace strata::cli {

using base::Json;
using base::Result;
using base::Status;

Result<Json> Get(const Ask& ask, const std::string& path_and_query) {
  base::HttpClient client;
  base::HttpRequest request;
  request.url = ask.url + "/api/v1/" + path_and_query;
  request.timeout_ms = 60'000;
  if (!ask.token.empty()) request.headers.emplace_back("Authorization", "Bearer " + ask.token);
  auto answer = client.Send(request);
  if (!answer.ok()) {
    return base::Unavailable(answer.status().message() + "; is strata running at " + ask.url +
                             "? (strata up, or --url)");
  }
  auto json = base::ParseJson(answer->body, 128);
  if (answer->status != 200) {
    const std::string& message = json.ok() ? (*json)["error"]["message"].as_string() : answer->body;
    return Status(
        answer->status == 404   ? base::Code::not_found
        : answer->status == 400 ? base::Code::invalid
                                : base::Code::failed,
        message.empty() ? "the server answered " + std::to_string(answer->status) : message);
  }
  return json;
}

int Fail(const Status& status) {
  std::fprintf(stderr, "strata: %s\n", status.message().c_str());
  return 1;
}

bool UseColour() {
  static const bool use = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  return use;
}

std::string Paint(const std::string& text, int colour) {
  return UseColour() ? "\033[" + std::to_string(colour) + "m" + text + "\033[0m" : text;
}
std::string Bold(const std::string& text) { return Paint(text, 1); }
std::string Dim(const std::string& text) { return Paint(text, 2); }

namespace {

// Columns a text takes on a terminal: UTF-8 code points without colour sequences.
std::size_t Width(const std::string& text) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\033') {
      while (i < text.size() && text[i] != 'm') ++i;
      continue;
    }
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) ++n;
  }
  return n;
}

bool LooksNumeric(const std::string& text) {
  return !text.empty() &&
         (std::isdigit(static_cast<unsigned char>(text[0])) || text[0] == '-' || text[0] == '$') &&
         text.size() < 24;
}

}  // namespace

void PrintTable(const std::vector<std::string>& head,
                const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  std::vector<bool> right;
  for (std::size_t c = 0; c < head.size(); ++c) {
    std::size_t w = Width(head[c]);
    bool numeric = !rows.empty();
    for (const auto& row : rows) {
      if (c < row.size()) w = std::max(w, Width(row[c])), numeric = numeric && LooksNumeric(row[c]);
    }
    widths.push_back(w);
    right.push_back(numeric);
  }
  const auto line = [&](const std::vector<std::string>& cells, bool bold) {
    std::string out;
    for (std::size_t c = 0; c < head.size(); ++c) {
      const std::string cell = c < cells.size() ? cells[c] : "";
      const std::string pad(widths[c] - std::min(widths[c], Width(cell)), ' ');
      if (c > 0) out += "  ";
      const std::string shown = bold ? Bold(cell) : cell;
      out += right[c] ? pad + shown : c + 1 < head.size() ? shown + pad : shown;
    }
    std::printf("%s\n", out.c_str());
  };
  line(head, true);
  for (const auto& row : rows) line(row, false);
}

double NumberOr(const Json& json, double otherwise) {
  return json.is_number() ? json.as_double() : otherwise;
}

std::string Short(double value, const std::string& unit) {
  if (!std::isfinite(value)) return "-";
  char text[48];
  if (unit == "1") {
    std::snprintf(text, sizeof text, "%.1f %%", value * 100);
    return text;
  }
  static constexpr const char* kUp[] = {"", "k", "M", "G", "T", "P"};
  static constexpr const char* kDown[] = {"", "m", "µ", "n"};
  std::string name = unit == "By" ? "B" : unit == "By/s" ? "B/s" : unit == "Cel" ? "°C" : unit;
  if (!name.empty() && name[0] == '{')
    name = name.substr(1, name.find('}') - 1) + name.substr(name.find('}') + 1);
  double v = value;
  int step = 0;
  const bool scaled = unit != "Cel" && unit != "s";
  while (scaled && std::fabs(v) >= 1000 && step < 5) v /= 1000, ++step;
  if (step == 0 && v != 0 && std::fabs(v) < 1 && unit == "s") {
    while (std::fabs(v) < 1 && step < 3) v *= 1000, ++step;
    std::snprintf(text, sizeof text, "%.3g %s%s", v, kDown[step], name.c_str());
    return text;
  }
  std::snprintf(text, sizeof text, std::fabs(v) >= 100 ? "%.0f %s%s" : "%.3g %s%s", v, kUp[step],
                name.c_str());
  std::string out = text;
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string Shown(double value, const std::string& signal, const std::string& unit) {
  if (unit != "1") return Short(value, unit);
  static const auto* const kRatios = [] {
    auto* ratios = new std::unordered_map<std::string_view, bool>;
    for (const model::Catalog* catalog : server::Layers()) {
      for (const model::Signal& s : catalog->signals) (*ratios)[s.id] = s.ratio;
    }
    return ratios;
  }();
  const auto known = kRatios->find(signal);
  // What no catalog knows: by its name, as OpenTelemetry and Prometheus spell a ratio.
  const bool ratio = known != kRatios->end()
                         ? known->second
                         : signal.ends_with("utilization") || signal.ends_with("ratio");
  return Short(value, ratio ? unit : "");
}

Result<server::Config> LoadConfig(const RunOptions& options) {
  server::Config config;
  if (!options.config_file.empty()) {
    ASSIGN_OR_RETURN(config, server::ReadConfig(options.config_file));
  }
  if (!options.data.empty()) config.store.path = options.data;
  if (!options.listen.empty()) config.listen = options.listen;
  config.insecure = options.insecure;
  return config;
}

}  // namespace strata::cli
