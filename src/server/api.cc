// SPDX-License-Identifier: Apache-2.0
// Routing, parameters, the page's files, server-sent events and free SQL.
#include "server/api.h"

#include <charconv>
#include <chrono>
#include <thread>

#include "base/compress.h"
#include "base/file.h"
#include "server/doors.h"
#include "server/page.h"

namespace strata::server {
namespace {

using base::Json;
using base::Result;
using base::ServerAnswer;
using base::ServerRequest;
using base::Status;

ServerAnswer JsonAnswer(const Json& json) {
  ServerAnswer answer;
  answer.body = json.dump();
  answer.body.push_back('\n');
  answer.headers.emplace_back("Cache-Control", "no-store");
  return answer;
}

ServerAnswer JsonAnswer(const Result<Json>& json) {
  return json.ok() ? JsonAnswer(*json) : base::ErrorAnswer(json.status());
}

struct Window {
  std::int64_t from = 0, to = 0;
};

Result<Window> WindowOf(const ServerRequest& request, const Services& s, std::int64_t length) {
  const std::int64_t now = s.clock.now_ns();
  Window w;
  ASSIGN_OR_RETURN(w.to, base::ParseTime(request.param("to", "now"), now));
  const std::string_view from = request.param("from");
  if (from.empty()) {
    w.from = w.to - length;
  } else {
    ASSIGN_OR_RETURN(w.from, base::ParseTime(from, now));
  }
  if (w.from >= w.to)
    return base::Invalid("from (" + base::FormatTime(w.from) + ") must lie before to (" +
                         base::FormatTime(w.to) + "), which is now unless it is given");
  return w;
}

ServerAnswer Answer(const ServerRequest& request, const Services& s) {
  const std::string_view path = std::string_view(request.path).substr(8);  // after /api/v1/
  const std::string_view origin = request.param("origin", "live");
  const std::int64_t now = s.clock.now_ns();
  if (path == "status") return JsonAnswer(StatusAnswer(s));
  if (path == "catalog") return JsonAnswer(CatalogAnswer(s.catalogs));
  if (path == "entities") return JsonAnswer(EntitiesAnswer(s, request.param("type"), origin));
  if (path.starts_with("traces/")) return JsonAnswer(TraceAnswer(s, path.substr(7)));
  if (path == "why") {
    auto at = base::ParseTime(request.param("at", "now"), now);
    if (!at.ok()) return base::ErrorAnswer(at.status());
    return JsonAnswer(WhyOf(s, request.param("symptom"), request.param("entity"), *at, origin));
  }
  auto window = WindowOf(request, s, path == "findings" ? base::kDay : base::kHour);
  if (!window.ok()) return base::ErrorAnswer(window.status());
  if (path == "cost")
    return JsonAnswer(CostOf(s, window->from, window->to, request.param("by"), origin));
  if (path == "findings") return JsonAnswer(FindingsAnswer(s, window->from, window->to, origin));
  if (path == "requests") {
    RequestFilter filter{request.param("model"), request.param("tenant"), request.param("status"),
                         200};
    const std::string_view limit = request.param("limit", "200");
    std::from_chars(limit.data(), limit.data() + limit.size(), filter.limit);
    return JsonAnswer(RequestsAnswer(s, window->from, window->to, filter, origin));
  }
  if (path == "core") {
    if (request.param("entity").empty())
      return base::ErrorAnswer(
          base::Invalid("entity is missing, e.g. entity=gpu:GPU-… or node:NAME"));
    std::int64_t step = 0;
    if (request.has_param("step")) {
      auto parsed = base::ParseDuration(request.param("step"));
      if (!parsed.ok()) return base::ErrorAnswer(parsed.status());
      step = *parsed;
    }
    return JsonAnswer(
        CoreAnswer(s, request.param("entity"), window->from, window->to, step, origin));
  }
  return base::ErrorAnswer(base::NotFound("no such endpoint: /api/v1/" + std::string(path) +
                                          "; docs/reference/interface.md lists them"));
}

ServerAnswer Sql(const ServerRequest& request, const Services& s) {
  if (request.method != "POST")
    return base::ErrorAnswer(405, "invalid", "POST the query as the body");
  s.ingest.Look();
  s.ingest.Flush(3 * base::kSecond);
  const std::string_view format = request.param("format", "JSONCompact");
  auto answer = s.store.Free(request.body, format);
  if (!answer.ok()) return base::ErrorAnswer(answer.status());
  if (answer->status != 200) {
    for (const std::string_view cap :
         {"(TIMEOUT_EXCEEDED)", "(MEMORY_LIMIT_EXCEEDED)", "(TOO_MANY_ROWS_OR_BYTES)"}) {
      if (answer->body.find(cap) != std::string::npos)
        return base::ErrorAnswer(base::Exhausted(std::move(answer->body)));
    }
    return base::ErrorAnswer(400, "invalid", answer->body);
  }
  ServerAnswer out;
  out.content_type = std::string(answer->header("content-type"));
  if (out.content_type.empty()) out.content_type = "application/json";
  out.body = std::move(answer->body);
  return out;
}

ServerAnswer Live(const Services& s) {
  ServerAnswer answer;
  answer.content_type = "text/event-stream";
  answer.headers.emplace_back("Cache-Control", "no-store");
  answer.stream = [&s](const std::function<bool(std::string_view)>& write) {
    for (;;) {
      s.ingest.Look();
      if (!write("event: tick\ndata: " + LiveTick(s).dump() + "\n\n")) return;
      for (int i = 0; i < 8; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(250));
        if (i == 3 && !write(":\n\n")) return;  // a comment keeps the connection's end visible
      }
    }
  };
  return answer;
}

ServerAnswer Page(const ServerRequest& request) {
  const PageFile* file = FindPageFile(request.path == "/" ? "/index.html" : request.path);
  if (file == nullptr) {
    if (request.path == "/") {
      ServerAnswer none;
      none.content_type = "text/plain; charset=utf-8";
      none.body =
          "strata is running; this program was built without its page (make web). The API is at "
          "/api/v1/status\n";
      return none;
    }
    return base::ErrorAnswer(base::NotFound("no such page: " + request.path));
  }
  ServerAnswer answer;
  answer.content_type = std::string(file->content_type);
  answer.headers.emplace_back(
      "Content-Security-Policy",
      "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'");
  answer.headers.emplace_back("X-Content-Type-Options", "nosniff");
  answer.headers.emplace_back("Referrer-Policy", "no-referrer");
  answer.headers.emplace_back("Cache-Control", request.path.starts_with("/assets/")
                                                   ? "max-age=31536000, immutable"
                                                   : "no-cache");
  answer.body = std::string(file->bytes);
  return answer;
}

}  // namespace

namespace {

int ClickHouseStatus(const Status& status) {
  switch (status.code()) {
    case base::Code::denied: return 403;
    case base::Code::not_found: return 404;
    case base::Code::exhausted: return 413;
    case base::Code::unavailable: return 503;
    default: return 400;
  }
}

// What the engine said stands as it is; our own refusals get the number that clients know.
std::string ClickHouseError(const Status& status) {
  if (status.message().starts_with("Code: ")) return status.message();
  switch (status.code()) {
    case base::Code::denied:
      return "Code: 497. DB::Exception: " + status.message() + ". (ACCESS_DENIED)";
    case base::Code::unavailable:
      return "Code: 202. DB::Exception: " + status.message() + ". (TOO_MANY_SIMULTANEOUS_QUERIES)";
    case base::Code::invalid:
    case base::Code::exhausted:
      return "Code: 62. DB::Exception: " + status.message() + ". (SYNTAX_ERROR)";
    default: return "Code: 1001. DB::Exception: " + status.message() + ". (STD_EXCEPTION)";
  }
}

}  // namespace

ServerAnswer ApiDoor(const ServerRequest& request, const Services& s) {
  if (request.path == "/healthz") {
    ServerAnswer answer;
    answer.content_type = "text/plain";
    answer.body = "ok\n";
    return answer;
  }
  if (request.path == "/api/v1/write") return RemoteWrite(request, s.access, s.ingest);
  if (request.path == "/clickhouse" || request.path.starts_with("/clickhouse/"))
    return ClickHouseDoor(request, s);
  auto caller = s.access.Check(request, Scope::read);
  if (!caller.ok()) return base::ErrorAnswer(caller.status());
  if (request.path == "/readyz") {
    const store::EngineFacts engine = s.store.engine();
    ServerAnswer answer;
    answer.status = engine.ready ? 200 : 503;
    answer.content_type = "text/plain";
    answer.body = engine.ready ? "ready\n" : "the engine is not ready: " + engine.detail + "\n";
    return answer;
  }
  if (request.path == "/metrics") {
    ServerAnswer answer;
    answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
    answer.body = MetricsText(s);
    return answer;
  }
  if (request.path == "/api/v1/sql") return Sql(request, s);
  if (request.method != "GET" && request.method != "HEAD")
    return base::ErrorAnswer(405, "invalid", "use GET");
  if (request.path == "/api/v1/live") return Live(s);
  if (request.path.starts_with("/api/v1/")) {
    s.ingest.Look();
    return Answer(request, s);
  }
  return Page(request);
}

ServerAnswer ClickHouseDoor(const ServerRequest& request, const Services& s) {
  const auto text = [](int status, std::string message) {
    ServerAnswer answer;
    answer.status = status;
    answer.content_type = "text/plain; charset=UTF-8";
    answer.body = std::move(message) + "\n";
    return answer;
  };
  if (request.path == "/clickhouse/ping") return text(200, "Ok.");
  auto caller = s.access.Check(request, Scope::read);
  if (!caller.ok())
    return text(403, "Code: 516. DB::Exception: " + caller.status().message() +
                         ". (AUTHENTICATION_FAILED)");
  auto body = base::Decompress(request.header("content-encoding"), request.body);
  if (!body.ok()) return text(400, "Code: 354. DB::Exception: " + body.status().message());
  std::string sql(request.param("query"));
  if (!body->empty()) sql += (sql.empty() ? "" : "\n") + *body;
  if (sql.empty()) return text(200, "Ok.");
  s.ingest.Look();
  s.ingest.Flush(3 * base::kSecond);
  store::Params settings, params;
  std::string_view format, database;
  for (const auto& [key, value] : request.query) {
    if (key == "query") continue;
    if (key == "database")
      database = value;
    else if (key == "default_format")
      format = value;
    else if (key.starts_with("param_"))
      params.emplace_back(key.substr(6), value);
    else
      settings.emplace_back(key, value);
  }
  if (const std::string_view f = request.header("x-clickhouse-format"); !f.empty()) format = f;
  auto answer =
      s.store.Free(sql, format.empty() ? "TabSeparated" : format, settings, params, database);
  if (!answer.ok())
    return text(ClickHouseStatus(answer.status()), ClickHouseError(answer.status()));
  ServerAnswer out;
  out.status = answer->status;
  for (const auto& [key, value] : answer->headers) {
    if (key.starts_with("x-clickhouse-")) out.headers.emplace_back(key, value);
    if (key == "content-type") out.content_type = value;
  }
  out.body = std::move(answer->body);
  return out;
}

}  // namespace strata::server
