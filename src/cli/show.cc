// SPDX-License-Identifier: Apache-2.0
// status, cost, why, core, sql, catalog, top, version: ask, then print JSON as it came or a picture
// in text.
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdio>

#include "base/http_client.h"
#include "base/http_server.h"
#include "cli/commands.h"
#include "server/api.h"
#include "server/server.h"

namespace strata::cli {
namespace {

using base::Json;
using base::UrlEncode;

std::string Window(const Ask& ask) {
  std::string q = "origin=" + UrlEncode(ask.origin);
  if (!ask.from.empty()) q += "&from=" + UrlEncode(ask.from);
  if (!ask.to.empty()) q += "&to=" + UrlEncode(ask.to);
  return q;
}

int PrintJson(const Json& json) {
  std::printf("%s\n", json.dump(2).c_str());
  return 0;
}

int StateColour(const std::string& state) {
  return state == "live" ? 32 : state == "replayed" ? 36 : state == "stale" ? 33 : 2;
}

std::string Money(const Json& value, const std::string& currency, double factor = 1) {
  const double v = factor * (value.is_string() ? std::atof(value.as_string().c_str())
                                               : NumberOr(value, std::nan("")));
  if (!std::isfinite(v)) return "not measured";
  char text[64];
  std::snprintf(text, sizeof text,
                std::fabs(v) >= 100              ? "%.0f %s"
                : std::fabs(v) >= 0.01 || v == 0 ? "%.4f %s"
                                                 : "%.4g %s",
                v, currency.c_str());
  return text;
}

// Eight levels, newest to the right.
std::string Sparkline(const Json& points, std::size_t width) {
  static const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const auto& all = points.array();
  if (all.empty()) return {};
  double low = INFINITY, high = -INFINITY;
  const std::size_t first = all.size() > width ? all.size() - width : 0;
  for (std::size_t i = first; i < all.size(); ++i) {
    low = std::min(low, all[i].at(1).as_double());
    high = std::max(high, all[i].at(1).as_double());
  }
  // What differs by rounding only is one value.
  const bool flat = !(high - low > 1e-6 * std::max(std::fabs(high), std::fabs(low))) ||
                    !std::isfinite(high - low);
  std::string out;
  for (std::size_t i = first; i < all.size(); ++i) {
    const double v = all[i].at(1).as_double();
    out += kBars[flat ? 0 : static_cast<int>((v - low) / (high - low) * 7.0)];
  }
  return out;
}

// Behind a sparkline: a value that nobody renews is not the present one.
std::string SparkMark(const Json& spark, double now_s) {
  constexpr double kOld = 60;
  if (spark["origin"].as_string() != "live") return Paint(" replayed", 36);
  const double age = now_s - spark["points"].array().back().at(0).as_double();
  if (!(age > kOld)) return {};
  return Paint(" " + base::FormatDuration(static_cast<std::int64_t>(age) * base::kSecond) + " old",
               33);
}

void PrintStatusTable(const Json& status) {
  std::vector<std::vector<std::string>> rows;
  for (const Json& layer : status["layers"].array()) {
    int measured = 0;
    for (const Json& signal : layer["signals"].array())
      measured += signal["state"].as_string() != "absent" ? 1 : 0;
    const std::string state = layer["state"].as_string();
    std::string detail = layer["why"].as_string();
    if (state == "replayed")
      detail = "recorded world \"" + layer["origin"].as_string() + "\", not this machine";
    for (const Json& source : layer["sources"].array()) {
      if (source["state"].as_string() == "live" && detail.size() < 60)
        detail += (detail.empty() ? "" : ", ") + source["name"].as_string();
    }
    // First, so that a narrow terminal does not hide it.
    if (const std::string& troubled = layer["troubled"].as_string(); !troubled.empty())
      detail = Paint(troubled, 31) + (detail.empty() ? "" : "; live: ") + detail;
    rows.push_back({layer["layer"].as_string(), Paint(state, StateColour(state)),
                    std::to_string(layer["entities"].as_int()),
                    std::to_string(measured) + " of " + std::to_string(layer["signals"].size()),
                    layer["question"].as_string(), detail});
  }
  PrintTable({"LAYER", "STATE", "ENTITIES", "SIGNALS", "QUESTION", "FROM"}, rows);
}

void PrintEvidence(const Json& line) {
  std::printf(
      "      %-9s %s = %s", line["role"].as_string().c_str(), line["signal"].as_string().c_str(),
      line["value"].is_number()
          ? Shown(line["value"].as_double(), line["signal"].as_string(), line["unit"].as_string())
                .c_str()
          : "not measured");
  if (line["baseline"].is_number())
    std::printf(" (usual %s)", Shown(line["baseline"].as_double(), line["signal"].as_string(),
                                     line["unit"].as_string())
                                   .c_str());
  std::printf("  %s%s%s\n", line["entity"].as_string().c_str(),
              line["since"].is_string() ? " since " : "", line["since"].as_string().c_str());
}

}  // namespace

int ShowStatus(const Ask& ask) {
  auto status = Get(ask, "status");
  if (!status.ok()) return Fail(status.status());
  if (ask.json) return PrintJson(*status);
  std::printf("strata %s, cluster %s, up %s\n\n", (*status)["version"].as_string().c_str(),
              (*status)["cluster"].as_string().c_str(),
              base::FormatDuration((*status)["uptime_s"].as_int() * base::kSecond).c_str());
  PrintStatusTable(*status);
  const Json& ingest = (*status)["ingest"];
  std::printf("\ntaken: %lld samples, %lld spans, %lld logs",
              static_cast<long long>(ingest["samples"].as_int()),
              static_cast<long long>(ingest["spans"].as_int()),
              static_cast<long long>(ingest["logs"].as_int()));
  for (const auto& [reason, n] : ingest["refused"].object()) {
    std::printf("; %lld %s", static_cast<long long>(n.as_int()), reason.c_str());
  }
  std::printf("\n");
  return 0;
}

int ShowCost(const Ask& ask) {
  auto answer = Get(ask, "cost?" + Window(ask) + "&by=" + UrlEncode(ask.by));
  if (!answer.ok()) return Fail(answer.status());
  if (ask.json) return PrintJson(*answer);
  const Json& cost = *answer;
  const std::string currency = cost["currency"].as_string();
  std::printf("%s to %s%s\n\n", cost["from"].as_string().c_str(), cost["to"].as_string().c_str(),
              ask.origin == "live" ? "" : ("   replayed: " + ask.origin).c_str());
  const char* bound = cost["useful_bound"].as_string() == "upper" ? "at least " : "";
  const auto headline = [&](const Json& value) {
    const std::string money = Money(value, currency, 1e6);
    return money == "not measured" ? money : bound + money + " per million useful tokens";
  };
  std::printf("%s  %s\n", Bold("cost per useful token").c_str(),
              headline(cost["headline"]).c_str());
  std::printf("fully loaded           %s\n", headline(cost["headline_loaded"]).c_str());
  std::printf("bill                   %s   unallocated %s   unobserved %s   residual %s\n\n",
              Money(cost["bill"]["cost"], currency).c_str(),
              Money(cost["unallocated"]["cost"], currency).c_str(),
              Money(cost["unobserved"]["cost"], currency).c_str(),
              cost["residual"].is_string() ? cost["residual"].as_string().c_str()
                                           : cost["residual"].dump().c_str());
  std::vector<std::string> head;
  std::string by = ask.by;
  while (!by.empty()) {
    const std::size_t comma = by.find(',');
    head.push_back(by.substr(0, comma));
    by = comma == std::string::npos ? "" : by.substr(comma + 1);
  }
  const std::size_t keys = head.size();
  for (const char* name :
       {"COST", "GPU H", "CORE H", "USEFUL", "IDLE", "USEFUL TOKENS", "PER M USEFUL", "POLICY"})
    head.emplace_back(name);
  std::vector<std::vector<std::string>> rows;
  for (const Json& row : cost["rows"].array()) {
    std::vector<std::string> cells;
    for (std::size_t k = 0; k < keys; ++k) {
      const std::string key = row[head[k]].as_string();
      cells.push_back(key.empty() ? "(none)" : key);
    }
    cells.push_back(Money(row["cost"], currency));
    cells.push_back(Short(NumberOr(row["gpu_hours"], NAN), ""));
    cells.push_back(Short(NumberOr(row["core_hours"], NAN), ""));
    cells.push_back(Money(row["classes"]["useful"], currency));
    cells.push_back(Money(row["classes"]["idle_held"], currency));
    cells.push_back(Short(NumberOr(row["tokens"]["useful"], NAN), ""));
    cells.push_back(Money(row["cost_per_million"]["useful"], currency));
    cells.push_back(row["policy"].as_string());
    rows.push_back(std::move(cells));
  }
  PrintTable(head, rows);
  for (const Json& u : cost["unpriced"].array()) {
    std::printf("no price for %s (%s): set prices.overrides\n", u["gpu"].as_string().c_str(),
                u["model"].as_string().c_str());
  }
  return 0;
}

int ShowWhy(const Ask& ask) {
  std::string q = "why?origin=" + UrlEncode(ask.origin) + "&symptom=" + UrlEncode(ask.symptom) +
                  "&entity=" + UrlEncode(ask.entity);
  if (!ask.at.empty()) q += "&at=" + UrlEncode(ask.at);
  auto answer = Get(ask, q);
  if (!answer.ok()) return Fail(answer.status());
  if (ask.json) return PrintJson(*answer);
  const Json& why = *answer;
  for (const Json& s : why["symptoms"].array()) {
    std::printf(
        "%s on %s: %s", Bold(s["symptom"].as_string()).c_str(), s["entity"].as_string().c_str(),
        s["value"].is_number() ? Short(s["value"].as_double(), s["unit"].as_string()).c_str()
                               : "not measured");
    if (s["baseline"].is_number())
      std::printf(" (usual %s)", Short(s["baseline"].as_double(), s["unit"].as_string()).c_str());
    std::printf("%s%s\n", s["since"].is_string() ? " since " : "", s["since"].as_string().c_str());
    if (!s["note"].as_string().empty()) std::printf("  %s\n", s["note"].as_string().c_str());
  }
  const std::string verdict = why["verdict"].as_string();
  std::printf("%s %s\n", Dim("verdict").c_str(),
              Paint(verdict, verdict == "healthy"   ? 32
                             : verdict == "unknown" ? 33
                                                    : 31)
                  .c_str());
  int rank = 0;
  for (const Json& c : why["causes"].array()) {
    std::printf("\n  %d. %s  %s  score %.2f\n     %s\n", ++rank,
                Bold(c["cause"].as_string()).c_str(), c["entity"].as_string().c_str(),
                NumberOr(c["score"], 0), c["text"].as_string().c_str());
    for (const Json& line : c["evidence"].array()) PrintEvidence(line);
    if (!c["remedy"].as_string().empty())
      std::printf("     what to do: %s\n", c["remedy"].as_string().c_str());
    if (rank == 3) break;
  }
  std::string missing;
  for (const Json& n : why["not_assessed"].array())
    missing += (missing.empty() ? "" : ", ") + n["signal"].as_string();
  if (!missing.empty()) std::printf("\n%s %s\n", Dim("not assessed:").c_str(), missing.c_str());
  return 0;
}

int ShowCore(const Ask& ask) {
  std::string q = "core?" + Window(ask) + "&entity=" + UrlEncode(ask.entity);
  if (!ask.step.empty()) q += "&step=" + UrlEncode(ask.step);
  auto answer = Get(ask, q);
  if (!answer.ok()) return Fail(answer.status());
  if (ask.json) return PrintJson(*answer);
  const Json& core = *answer;
  std::printf("%s  %s to %s\n", Bold(core["entity"].as_string()).c_str(),
              core["from"].as_string().c_str(), core["to"].as_string().c_str());
  for (const Json& layer : core["layers"].array()) {
    std::printf("\n%s  %s\n", Bold(layer["layer"].as_string()).c_str(),
                Dim(layer["question"].as_string()).c_str());
    if (!layer["why"].as_string().empty()) std::printf("  %s\n", layer["why"].as_string().c_str());
    for (const Json& signal : layer["signals"].array()) {
      const auto& points = signal["points"].array();
      const double last = points.empty() ? NAN : points.back().at(1).as_double();
      std::string labels;
      for (const auto& [k, v] : signal["attributes"].object()) labels += " " + v.as_string();
      std::printf("  %-34.34s %10s  %s  %s%s\n", signal["signal"].as_string().c_str(),
                  Shown(last, signal["signal"].as_string(), signal["unit"].as_string()).c_str(),
                  Sparkline(signal["points"], 60).c_str(),
                  Dim(signal["entity"].as_string()).c_str(), Dim(labels).c_str());
    }
    for (const Json& e : layer["events"].array()) {
      std::printf("  %s %s %s\n", e["time"].as_string().c_str(), e["event"].as_string().c_str(),
                  e["message"].as_string().c_str());
    }
  }
  return 0;
}

int ShowSql(const Ask& ask, const std::string& sql, const std::string& format) {
  static const std::pair<const char*, const char*> kFormats[] = {
      {"table", "PrettyCompactMonoBlock"},
      {"json", "JSON"},
      {"jsonl", "JSONEachRow"},
      {"csv", "CSVWithNames"},
      {"tsv", "TabSeparatedWithNames"}};
  std::string name = "PrettyCompactMonoBlock";
  for (const auto& [ours, theirs] : kFormats) {
    if (format == ours) name = theirs;
  }
  if (ask.json) name = "JSON";
  base::HttpClient client;
  base::HttpRequest request;
  request.method = "POST";
  request.url = ask.url + "/api/v1/sql?format=" + name;
  request.body = sql;
  request.timeout_ms = 120'000;
  if (!ask.token.empty()) request.headers.emplace_back("Authorization", "Bearer " + ask.token);
  auto answer = client.Send(request);
  if (!answer.ok())
    return Fail(
        base::Unavailable(answer.status().message() + "; is strata running at " + ask.url + "?"));
  if (answer->status != 200) {
    auto json = base::ParseJson(answer->body);
    return Fail(base::Invalid(json.ok() ? (*json)["error"]["message"].as_string() : answer->body));
  }
  std::fwrite(answer->body.data(), 1, answer->body.size(), stdout);
  return 0;
}

int ShowCatalog(const Ask& ask) {
  const Json catalog = server::CatalogAnswer(server::Layers());
  if (ask.json) return PrintJson(catalog);
  for (const Json& layer : catalog["layers"].array()) {
    std::printf("%s  %s\n", Bold(layer["layer"].as_string()).c_str(),
                layer["question"].as_string().c_str());
    for (const Json& signal : layer["signals"].array()) {
      std::printf("  %-40s %-12s %-10s %-8s %s\n", signal["signal"].as_string().c_str(),
                  signal["unit"].as_string().c_str(), signal["kind"].as_string().c_str(),
                  signal["entity"].as_string().c_str(), signal["meaning"].as_string().c_str());
    }
  }
  return 0;
}

int ShowTop(const Ask& ask, bool once) {
  const bool live = !once && ::isatty(STDOUT_FILENO) == 1;
  base::HttpClient client;
  base::HttpRequest request;
  request.url = ask.url + "/api/v1/live";
  request.timeout_ms = 0;
  if (!ask.token.empty()) request.headers.emplace_back("Authorization", "Bearer " + ask.token);
  std::string buffer;
  bool shown = false;
  auto result = client.Stream(request, [&](std::string_view piece) {
    buffer.append(piece);
    std::size_t end;
    while ((end = buffer.find("\n\n")) != std::string::npos) {
      const std::string event = buffer.substr(0, end);
      buffer.erase(0, end + 2);
      const std::size_t data = event.find("data: ");
      if (data == std::string::npos) continue;
      auto tick = base::ParseJson(std::string_view(event).substr(data + 6), 128);
      if (!tick.ok()) continue;
      if (live) std::printf("\033[H\033[2J");
      const auto now = base::ParseTime((*tick)["status"]["now"].as_string(), 0);
      const double now_s = now.ok() ? static_cast<double>(*now) / 1e9 : NAN;
      std::printf("strata %s   %s\n\n", (*tick)["status"]["cluster"].as_string().c_str(),
                  (*tick)["status"]["now"].as_string().c_str());
      PrintStatusTable((*tick)["status"]);
      std::printf("\n");
      for (const Json& layer : (*tick)["layers"].array()) {
        int n = 0;
        for (const Json& spark : layer["sparkline"].array()) {
          if (++n > 4) break;
          const auto& points = spark["points"].array();
          const std::string mark = SparkMark(spark, now_s);
          std::printf("%-9s %-28.28s %10s  %s  %s%s\n", layer["layer"].as_string().c_str(),
                      spark["signal"].as_string().c_str(),
                      Shown(points.back().at(1).as_double(), spark["signal"].as_string(),
                            spark["unit"].as_string())
                          .c_str(),
                      Sparkline(spark["points"], 40).c_str(),
                      Dim(spark["entity"].as_string()).c_str(), mark.c_str());
        }
      }
      std::fflush(stdout);
      shown = true;
      if (!live) return false;
    }
    return true;
  });
  if (shown) return 0;
  if (!result.ok()) {
    return Fail(base::Unavailable(result.status().message() + "; is strata running at " + ask.url +
                                  "? (strata up, or --url)"));
  }
  return Fail(base::Failed("the server answered " + std::to_string(result->status)));
}

int ShowVersion(bool json) {
  if (json) {
    Json j;
    j.set("version", server::kVersion);
    return PrintJson(j);
  }
  std::printf("strata %s\n", std::string(server::kVersion).c_str());
  return 0;
}

int Doctor(const Ask& ask) {
  auto status = Get(ask, "status");
  if (!status.ok()) return Fail(status.status());
  if (ask.json) {
    Json j;
    Json sources = Json::MakeArray();
    for (const Json& layer : (*status)["layers"].array()) {
      for (const Json& source : layer["sources"].array()) {
        Json s = source;
        s.set("layer", layer["layer"]);
        sources.push(std::move(s));
      }
    }
    j.set("sources", std::move(sources))
        .set("engine", (*status)["engine"])
        .set("ingest", (*status)["ingest"]);
    return PrintJson(j);
  }
  std::vector<std::vector<std::string>> rows;
  int bad = 0;
  for (const Json& layer : (*status)["layers"].array()) {
    for (const Json& source : layer["sources"].array()) {
      const std::string state = source["state"].as_string();
      bad += state == "failed" || state == "stale" ? 1 : 0;
      rows.push_back({layer["layer"].as_string(), source["name"].as_string(),
                      Paint(state, StateColour(state)), source["last"].as_string(),
                      source["detail"].as_string()});
    }
    if (layer["sources"].size() == 0)
      rows.push_back({layer["layer"].as_string(), "-", layer["state"].as_string(),
                      layer["last"].as_string(), layer["why"].as_string()});
  }
  PrintTable({"LAYER", "SOURCE", "STATE", "LAST", "DETAIL"}, rows);
  const Json& engine = (*status)["engine"];
  std::printf("\nengine: %s, %lld restarts, %s resident\n",
              engine["ready"].as_bool() ? "ready" : engine["detail"].as_string().c_str(),
              static_cast<long long>(engine["restarts"].as_int()),
              Short(NumberOr(engine["rss_bytes"], NAN), "By").c_str());
  for (const auto& [reason, n] : (*status)["ingest"]["refused"].object()) {
    for (const base::DropFact& fact : base::Drops()) {
      if (fact.name == reason)
        std::printf("%lld %s: %s\n", static_cast<long long>(n.as_int()), reason.c_str(),
                    std::string(fact.advice).c_str());
    }
  }
  return bad == 0 ? 0 : 1;
}

}  // namespace strata::cli
