// SPDX-License-Identifier: Apache-2.0
// Data of an INSERT never enter the query text, where libchdb cuts binary short: they stand in a
// memfd, which the engine reads as a file, and vanish with its descriptor.
#include "engine/http.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <charconv>
#include <cstdio>

namespace strata::engine {
namespace {

// Parameters of the HTTP interface itself; everything else but param_… is a setting.
constexpr std::string_view kOwnParameters[] = {"query",
                                               "database",
                                               "default_format",
                                               "query_id",
                                               "session_id",
                                               "session_timeout",
                                               "session_check",
                                               "user",
                                               "password",
                                               "quota_key",
                                               "compress",
                                               "decompress",
                                               "enable_http_compression",
                                               "wait_end_of_query",
                                               "buffer_size",
                                               "stacktrace",
                                               "send_progress_in_http_headers",
                                               "http_headers_progress_interval_ms",
                                               "client_protocol_version",
                                               "role",
                                               "cancel_http_readonly_queries_on_client_close",
                                               "add_http_cors_header"};

std::string Quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote || c == '\\') out += '\\';
    out += c;
  }
  return out + quote;
}

bool IsName(std::string_view text) {
  return !text.empty() && text.size() < 128 &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

bool SameWord(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view TrimEnd(std::string_view text) {
  while (!text.empty() &&
         (std::isspace(static_cast<unsigned char>(text.back())) || text.back() == ';'))
    text.remove_suffix(1);
  return text;
}

int CodeOf(std::string_view error) {
  const std::size_t at = error.find("Code: ");
  int code = 0;
  if (at != std::string_view::npos)
    std::from_chars(error.data() + at + 6, error.data() + error.size(), code);
  return code;
}

// As ClickHouse's own server answers.
int HttpStatusOf(int code) {
  switch (code) {
    case 46:
    case 47:
    case 60:
    case 81:
    case 115:
    case 73:
    case 50:
    case 56: return 404;  // unknown something
    case 164:
    case 497:
    case 291: return 403;
    case 159: return 408;
    case 48: return 501;
    case 202: return 503;
    case 158:
    case 307:
    case 396: return 413;
    case 6:
    case 26:
    case 27:
    case 33:
    case 36:
    case 38:
    case 41:
    case 42:
    case 43:
    case 53:
    case 62:
    case 69:
    case 70:
    case 72:
    case 130:
    case 131:
    case 167:
    case 168:
    case 184:
    case 215:
    case 386:
    case 440:
    case 456:
    case 457: return 400;
    default: return 500;
  }
}

base::ServerAnswer ErrorOf(const std::string& error, std::string_view query_id) {
  const int code = CodeOf(error);
  base::ServerAnswer answer;
  answer.status = HttpStatusOf(code);
  answer.content_type = "text/plain; charset=UTF-8";
  answer.headers = {{"X-ClickHouse-Exception-Code", std::to_string(code)},
                    {"X-ClickHouse-Query-Id", std::string(query_id)}};
  answer.body = error;
  if (!answer.body.ends_with('\n')) answer.body += '\n';
  return answer;
}

std::string_view ContentType(std::string_view format) {
  if (format.starts_with("JSONEachRow") || format == "NDJSON" || format == "JSONLines")
    return "application/x-ndjson; charset=UTF-8";
  if (format.starts_with("JSON")) return "application/json; charset=UTF-8";
  if (format.starts_with("CSV")) return "text/csv; charset=UTF-8; header=absent";
  if (format.starts_with("TabSeparated") || format.starts_with("TSV"))
    return "text/tab-separated-values; charset=UTF-8";
  if (format == "Native" || format.starts_with("RowBinary") || format == "Parquet" ||
      format.starts_with("Arrow"))
    return "application/octet-stream";
  return "text/plain; charset=UTF-8";
}

// The word after the last FORMAT at the end of a statement, else "".
std::string_view TrailingFormat(std::string_view sql) {
  sql = TrimEnd(sql);
  std::size_t at = sql.size();
  while (at > 0 && (std::isalnum(static_cast<unsigned char>(sql[at - 1])) || sql[at - 1] == '_'))
    --at;
  const std::string_view word = sql.substr(at);
  const std::string_view before = TrimEnd(sql.substr(0, at));
  if (word.empty() || before.size() < 7 || before.size() == at) return {};
  const unsigned char edge = static_cast<unsigned char>(before[before.size() - 7]);
  if (!SameWord(before.substr(before.size() - 6), "FORMAT") || std::isalnum(edge) || edge == '_')
    return {};
  return word;
}

// A file that exists only as a descriptor.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(::memfd_create("insert", MFD_CLOEXEC)) {
    while (fd_ >= 0 && !bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n <= 0) {
        ::close(std::exchange(fd_, -1));
        return;
      }
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  MemoryFile(const MemoryFile&) = delete;
  ~MemoryFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  bool ok() const { return fd_ >= 0; }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

// The one setting that differs from request to request: it is set apart, so that connections can be
// kept.
constexpr std::string_view kEachTime = "insert_deduplication_token";

// Settings first, readonly last: after it nothing can be set any more.
std::string SetStatement(const base::ServerRequest& request) {
  std::string settings, readonly;
  for (const auto& [name, value] : request.query) {
    if (name.starts_with("param_") || name == kEachTime ||
        std::ranges::find(kOwnParameters, name) != std::end(kOwnParameters))
      continue;
    std::string& out = name == "readonly" ? readonly : settings;
    out += (out.empty() ? "SET " : ", ") + name + " = " + Quoted(value, '\'');
  }
  if (readonly.empty()) return settings;
  return settings.empty() ? readonly : settings + ", " + readonly.substr(4);
}

std::string NewQueryId() {
  static std::atomic<std::uint64_t> next{1};
  char text[40];
  std::snprintf(text, sizeof text, "%08x-0000-4000-8000-%012llx", static_cast<unsigned>(::getpid()),
                static_cast<unsigned long long>(next++));
  return text;
}

base::ServerAnswer RunQuery(const Chdb& chdb, const base::ServerRequest& request) {
  std::string query_id(request.param("query_id"));
  if (query_id.empty()) query_id = NewQueryId();
  for (const auto& [name, value] : request.query) {
    if (!IsName(name))
      return ErrorOf("Code: 115. DB::Exception: '" + name + "' is no setting. (UNKNOWN_SETTING)",
                     query_id);
  }
  // Free SQL is readonly: what it does to its session must not be met by anybody else.
  const bool own = !request.has_param("readonly");
  const std::string settings = SetStatement(request);
  const bool token = own && request.has_param(kEachTime);
  const std::string setup =
      std::string(request.param("database")) + (token ? "\nT" : "\n") + settings;
  std::unique_ptr<Chdb::Connection> connection = own ? chdb.Take(setup) : nullptr;
  if (!connection) {
    auto fresh = chdb.Connect();
    if (!fresh.ok())
      return ErrorOf("Code: 202. DB::Exception: " + fresh.status().message(), query_id);
    connection = std::make_unique<Chdb::Connection>(std::move(*fresh));
    if (const auto database = request.param("database"); !database.empty()) {
      const ChdbAnswer used = connection->Query("USE " + Quoted(database, '`'), "Null");
      if (!used.error.empty()) return ErrorOf(used.error, query_id);
    }
    if (!settings.empty()) {
      const ChdbAnswer set = connection->Query(settings, "Null");
      if (!set.error.empty()) return ErrorOf(set.error, query_id);
    }
  }
  if (token) {
    const ChdbAnswer set = connection->Query(
        "SET " + std::string(kEachTime) + " = " + Quoted(request.param(kEachTime), '\''), "Null");
    if (!set.error.empty()) return ErrorOf(set.error, query_id);
  }
  Chdb::Connection::Params params;
  for (const auto& [name, value] : request.query) {
    if (name.starts_with("param_")) params.emplace_back(name.substr(6), value);
  }
  std::string sql(request.param("query"));
  std::unique_ptr<MemoryFile> data;
  InsertHead head;
  if (sql.empty()) {
    sql = request.body;
  } else if (SplitInsert(sql, &head)) {
    if (request.body.empty()) sql.clear();  // nothing to insert
    data = std::make_unique<MemoryFile>(request.body);
    if (!data->ok())
      return ErrorOf(
          "Code: 243. DB::Exception: no memory for the data of an insert. (NOT_ENOUGH_SPACE)",
          query_id);
    if (!sql.empty()) sql = head.into + " FROM INFILE '" + data->path() + "' FORMAT " + head.format;
  } else if (!request.body.empty()) {
    sql += "\n" + request.body;
  }
  std::string_view format = request.param("default_format");
  if (format.empty()) format = request.header("x-clickhouse-format");
  if (format.empty()) format = "TabSeparated";
  const ChdbAnswer result = sql.empty() ? ChdbAnswer{} : connection->Query(sql, format, params);
  if (!result.error.empty()) return ErrorOf(result.error, query_id);
  if (own) chdb.Keep(setup, std::move(connection));
  if (const auto named = TrailingFormat(sql); !named.empty() && !data) format = named;
  base::ServerAnswer answer;
  answer.content_type = ContentType(format);
  char summary[256];
  std::snprintf(
      summary, sizeof summary,
      R"({"read_rows":"%llu","read_bytes":"%llu","written_rows":"0","written_bytes":"0","total_rows_to_read":"0","result_rows":"0","result_bytes":"%zu","elapsed_ns":"%.0f"})",
      static_cast<unsigned long long>(result.rows_read),
      static_cast<unsigned long long>(result.bytes_read), result.body.size(),
      result.elapsed_s * 1e9);
  answer.headers = {{"X-ClickHouse-Query-Id", query_id},
                    {"X-ClickHouse-Format", std::string(format)},
                    {"X-ClickHouse-Server-Display-Name", "strata"},
                    {"X-ClickHouse-Timezone", "UTC"},
                    {"X-ClickHouse-Summary", summary}};
  answer.body = result.body;
  return answer;
}

}  // namespace

bool SplitInsert(std::string_view sql, InsertHead* head) {
  sql = TrimEnd(sql);
  while (!sql.empty() && std::isspace(static_cast<unsigned char>(sql.front())))
    sql.remove_prefix(1);
  if (sql.size() < 12 || !SameWord(sql.substr(0, 6), "INSERT")) return false;
  const std::string_view format = TrailingFormat(sql);
  if (format.empty()) return false;
  const std::string_view before =
      TrimEnd(sql.substr(0, static_cast<std::size_t>(format.data() - sql.data())));
  head->into = std::string(TrimEnd(before.substr(0, before.size() - 6)));
  head->format = std::string(format);
  return true;
}

base::ServerAnswer AnswerRequest(const Chdb& chdb, const base::ServerRequest& request) {
  base::ServerAnswer fine;
  fine.content_type = "text/plain; charset=UTF-8";
  fine.body = "Ok.\n";
  if (request.path == "/ping" || request.path == "/replicas_status") return fine;
  if (request.path != "/")
    return base::ErrorAnswer(404, "not_found", "there is only / and /ping here");
  if (request.method != "GET" && request.method != "POST")
    return base::ErrorAnswer(405, "unsupported", "GET or POST");
  if (!request.has_param("query") && request.body.empty()) return fine;
  return RunQuery(chdb, request);
}

}  // namespace strata::engine
