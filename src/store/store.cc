// SPDX-License-Identifier: Apache-2.0
// One client for child and cluster. Every request goes to the database `strata`; free SQL goes to
// the published one, where nothing but the public names exists.
#include "store/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>

#include "base/file.h"
#include "base/http_server.h"
#include "store/child.h"
#include "store/gate.h"
#include "store/pack.h"
#include "store/schema.h"

namespace strata::store {
namespace {

constexpr int kMaxFree = 3;  // free queries at the same time; one worker stays for us
constexpr std::int64_t kQuerySeconds = 60, kFreeSeconds = 30;
constexpr std::uint64_t kFreeResultBytes = 64ull << 20;
constexpr std::uint64_t kPurgeAboveBytes =
    300ull << 20;  // the engine keeps memory after queries until told
constexpr std::uint64_t kOverBytes = 300ull << 20;  // above store.memory
constexpr std::int64_t kOverTooLongNs = 15 * base::kSecond;

int ExceptionCode(const base::HttpAnswer& answer) {
  const auto text = answer.header("x-clickhouse-exception-code");
  int code = 0;
  std::from_chars(text.data(), text.data() + text.size(), code);
  return code;
}

base::Status ToStatus(const base::HttpAnswer& answer) {
  if (answer.status == 200) return {};
  std::string text = answer.body.substr(0, 2000);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.empty()) text = "HTTP status " + std::to_string(answer.status);
  switch (ExceptionCode(answer)) {
    case 60:
    case 81:
    case 46:
    case 47: return base::NotFound(std::move(text));
    case 62:
    case 43:
    case 53:
    case 72:
    case 456:
    case 457: return base::Invalid(std::move(text));
    case 158:
    case 159:
    case 160:
    case 241:
    case 243:
    case 252:
    case 307:
    case 396: return base::Exhausted(std::move(text));
    case 164:
    case 497:
    case 516: return base::Denied(std::move(text));
    default: break;
  }
  if (text.find("No space left on device") != std::string::npos)
    return base::Exhausted(std::move(text));
  if (answer.status == 503 || answer.status == 502) return base::Unavailable(std::move(text));
  return answer.status == 400 ? base::Invalid(std::move(text)) : base::Failed(std::move(text));
}

// HTTP parameters are in the engine's escaped form.
std::string EscapeParam(std::string_view value) {
  std::string out;
  for (const char c : value) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\0': out += "\\0"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace

struct Store::State {
  Options options;
  std::string published = "default";
  std::unique_ptr<Child> child;
  int lock_fd = -1;
  std::string url, unix_socket, password;
  std::map<std::string, std::string, std::less<>> insert_columns;  // table -> "`a`, `b`"
  std::unique_ptr<Gate> gate;
  std::function<bool(std::string_view)> fault;

  std::mutex mutex;  // the pool and the facts
  std::vector<std::unique_ptr<base::HttpClient>> pool;
  std::string detail;
  std::int64_t over_since = 0, purged_at = 0, started_at = 0;
  std::atomic<std::uint64_t> restarts{0};
  std::atomic<int> free_running{0};
  std::mutex restart_mutex;

  ~State() {
    child.reset();
    if (lock_fd >= 0) ::close(lock_fd);
  }

  bool Faulty(std::string_view point) const { return fault && fault(point); }
  base::Status LockDirectory();
  base::Status StartChild();
  base::Result<base::HttpAnswer> Send(std::string_view sql, const Params& settings,
                                      const Params& params, std::string_view data,
                                      std::string_view database, std::string_view format,
                                      std::int64_t timeout_s);
  base::Result<base::HttpAnswer> SendOrRestart(std::string_view sql, const Params& settings,
                                               const Params& params, std::string_view database,
                                               std::string_view format);
  base::Result<Rows> Typed(std::string_view sql, const Params& settings, const Params& params,
                           std::string_view database);
  Params OwnSettings() const;
  Params FreeSettings(const Params& wanted) const;
  base::Status RestartIfDead();
};

base::Status Store::State::LockDirectory() {
  RETURN_IF_ERROR(base::MakeDirectories(options.path));
  const std::string file = options.path + "/lock";
  lock_fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_fd < 0) return base::FromErrno(file);
  if (::flock(lock_fd, LOCK_EX | LOCK_NB) != 0) {
    return base::Status(base::Code::exists,
                        "the data directory " + options.path +
                            " is in use by another strata; stop it or give another --data");
  }
  return {};
}

base::Status Store::State::StartChild() {
  RETURN_IF_ERROR(LockDirectory());
  Child::Options child_options;
  child_options.binary = options.engine_binary;
  if (child_options.binary.empty()) {
    const char* named = std::getenv("STRATA_ENGINE_BINARY");
    child_options.binary = named != nullptr && *named != 0 ? named : base::SelfPath();
  }
  child_options.library = FindEngineLibrary(options.engine_library);
  if (child_options.library.empty()) {
    return base::NotFound("libchdb.so was not found: run `make deps`, or name it with STRATA_CHDB");
  }
  std::error_code error;
  const std::string path =
      std::filesystem::absolute(options.path, error).lexically_normal().string();
  child_options.path = path + "/engine";
  // The folder of the socket is the engine's own: it may write nowhere else.
  child_options.socket = path + "/engine/engine.sock";
  child_options.memory_bytes = options.memory_bytes;
  url = "http://engine";
  unix_socket = child_options.socket;
  child = std::make_unique<Child>(std::move(child_options));
  RETURN_IF_ERROR(child->Start());
  started_at = base::monotonic_ns();
  return {};
}

base::Result<base::HttpAnswer> Store::State::Send(std::string_view sql, const Params& settings,
                                                  const Params& params, std::string_view data,
                                                  std::string_view database,
                                                  std::string_view format, std::int64_t timeout_s) {
  base::HttpRequest request;
  request.method = "POST";
  request.url = url + "/?database=" + base::UrlEncode(database) +
                "&default_format=" + base::UrlEncode(format);
  request.unix_socket = unix_socket;
  request.timeout_ms = timeout_s * 1000;
  request.max_bytes = 1u << 30;
  for (const auto& [name, value] : settings)
    request.url += "&" + base::UrlEncode(name) + "=" + base::UrlEncode(value);
  for (const auto& [name, value] : params) {
    request.url += "&param_" + base::UrlEncode(name) + "=" + base::UrlEncode(EscapeParam(value));
  }
  if (data.empty()) {
    request.body = sql;
  } else {
    request.url += "&query=" + base::UrlEncode(sql);
    request.body = data;
  }
  if (!options.user.empty()) request.headers.emplace_back("X-ClickHouse-User", options.user);
  if (!password.empty()) request.headers.emplace_back("X-ClickHouse-Key", password);
  std::unique_ptr<base::HttpClient> client;
  {
    const std::lock_guard lock(mutex);
    if (!pool.empty()) {
      client = std::move(pool.back());
      pool.pop_back();
    }
  }
  if (!client) client = std::make_unique<base::HttpClient>();
  auto answer = client->Send(request);
  if (answer.ok()) {
    const std::lock_guard lock(mutex);
    if (pool.size() < 16) pool.push_back(std::move(client));
  }
  return answer;
}

base::Result<base::HttpAnswer> Store::State::SendOrRestart(std::string_view sql,
                                                           const Params& settings,
                                                           const Params& params,
                                                           std::string_view database,
                                                           std::string_view format) {
  auto answer = Send(sql, settings, params, {}, database, format, kQuerySeconds + 60);
  if (answer.ok() || !child || answer.status().code() != base::Code::unavailable || child->alive())
    return answer;
  RETURN_IF_ERROR(RestartIfDead());
  return Send(sql, settings, params, {}, database, format, kQuerySeconds + 60);
}

base::Result<Rows> Store::State::Typed(std::string_view sql, const Params& settings,
                                       const Params& params, std::string_view database) {
  ASSIGN_OR_RETURN(base::HttpAnswer answer,
                   SendOrRestart(sql, settings, params, database, "RowBinaryWithNamesAndTypes"));
  RETURN_IF_ERROR(ToStatus(answer));
  return Rows::Parse(std::move(answer.body));
}

Params Store::State::OwnSettings() const {
  return {{"max_execution_time", std::to_string(kQuerySeconds)},
          {"max_memory_usage", std::to_string(options.memory_bytes / 10 * 7)},
          {"max_bytes_before_external_group_by", std::to_string(options.memory_bytes / 4)},
          {"max_bytes_before_external_sort", std::to_string(options.memory_bytes / 4)}};
}

Params Store::State::FreeSettings(const Params& wanted) const {
  Params out;
  for (const auto& [name, value] : wanted) {
    if (Gate::SettingAllowed(name)) out.emplace_back(name, value);
  }
  const std::string escaped = "\\'" + published + "\\'";
  out.emplace_back("additional_table_filters",
                   "{'system.databases':'name = " + escaped + "','system.tables':'database = " +
                       escaped + "','system.columns':'database = " + escaped + "'}");
  out.emplace_back("max_execution_time", std::to_string(kFreeSeconds));
  out.emplace_back("max_memory_usage", std::to_string(options.memory_bytes / 2));
  out.emplace_back("max_result_bytes", std::to_string(kFreeResultBytes));
  out.emplace_back("result_overflow_mode", "throw");
  out.emplace_back("max_threads", "2");
  out.emplace_back("readonly", "1");
  return out;
}

base::Status Store::State::RestartIfDead() {
  const std::lock_guard lock(restart_mutex);
  if (!child || child->alive()) return {};
  {
    const std::lock_guard facts(mutex);
    pool.clear();
    over_since = 0;
  }
  ++restarts;
  const base::Status started = child->Start();
  const std::lock_guard facts(mutex);
  detail = started.ok() ? "" : started.message();
  started_at = base::monotonic_ns();
  return started;
}

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() = default;

base::Result<std::unique_ptr<Store>> Store::Open(const Options& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  State& s = *state;
  if (options.url.empty()) {
    RETURN_IF_ERROR(s.StartChild());
  } else {
    if (!options.cluster.empty()) {
      return base::Unsupported(
          "store.cluster: tables spread over a cluster are not there yet; store.url of one "
          "ClickHouse server works");
    }
    s.url = options.url;
    while (s.url.ends_with('/')) s.url.pop_back();
    s.published = "strata_public";
    if (!options.password_file.empty()) {
      ASSIGN_OR_RETURN(s.password, base::ReadFile(options.password_file, 4096));
      while (!s.password.empty() && s.password.back() == '\n') s.password.pop_back();
    }
  }
  const SchemaDoor door = {
      [&s](std::string_view sql) -> base::Status {
        ASSIGN_OR_RETURN(
            const base::HttpAnswer answer,
            s.Send(sql, {}, {}, {}, sql.starts_with("CREATE DATABASE") ? "default" : kDatabase,
                   "Null", 120));
        return ToStatus(answer);
      },
      [&s](std::string_view sql) { return s.Typed(sql, {}, {}, kDatabase); }};
  RETURN_IF_ERROR(Migrate(options, s.published, door));
  for (const TableDef& table : MakeTables(options.catalogs)) {
    std::string columns;
    for (const Column& column : table.columns)
      columns += (columns.empty() ? "`" : ", `") + column.name + "`";
    s.insert_columns.emplace(table.name, std::move(columns));
  }
  s.gate = std::make_unique<Gate>(s.published, [&s](std::string_view sql, const Params& params) {
    return s.Typed(sql, {{"max_execution_time", "10"}, {"readonly", "1"}}, params, s.published);
  });
  return std::unique_ptr<Store>(new Store(std::move(state)));
}

base::Status Store::Insert(std::string_view table, std::string_view rowbinary,
                           std::string_view token) {
  State& s = *state_;
  const auto columns = s.insert_columns.find(table);
  if (columns == s.insert_columns.end())
    return base::NotFound("no table " + std::string(table) + " to insert into");
  if (rowbinary.empty()) return {};
  const bool packs = table == table_name(Table::samples);
  std::string packed;
  if (packs) {
    ASSIGN_OR_RETURN(packed, PackSamples(rowbinary));
    rowbinary = packed;
  }
  if (s.Faulty("before_send")) return base::Unavailable("fault: before_send");
  const std::string sql = "INSERT INTO " + std::string(table) + " (" + columns->second +
                          ") FORMAT " + (packs ? "Native" : "RowBinary");
  // One thread, so that a segment becomes the same blocks each time and its token finds them again.
  Params settings = {{"max_threads", "1"},
                     {"max_insert_threads", "1"},
                     {"max_partitions_per_insert_block", "0"},
                     {"async_insert", "0"},
                     {"max_memory_usage", std::to_string(s.options.memory_bytes / 10 * 7)}};
  if (!token.empty()) settings.emplace_back("insert_deduplication_token", token);
  auto answer = s.Send(sql, settings, {}, rowbinary, kDatabase, "Null", 120);
  if (s.Faulty("after_send")) return base::Unavailable("fault: after_send");
  if (!answer.ok()) return answer.status().With("insert into " + std::string(table));
  RETURN_IF_ERROR(ToStatus(*answer).With("insert into " + std::string(table)));
  if (s.Faulty("before_answer")) return base::Unavailable("fault: before_answer");
  return {};
}

base::Result<Rows> Store::Query(std::string_view sql, const Params& params) {
  State& s = *state_;
  if (s.Faulty("before_send")) return base::Unavailable("fault: before_send");
  auto rows = s.Typed(sql, s.OwnSettings(), params, kDatabase);
  if (s.Faulty("before_answer")) return base::Unavailable("fault: before_answer");
  return rows;
}

base::Status Store::Execute(std::string_view sql, const Params& params) {
  State& s = *state_;
  if (s.Faulty("before_send")) return base::Unavailable("fault: before_send");
  ASSIGN_OR_RETURN(const base::HttpAnswer answer,
                   s.Send(sql, s.OwnSettings(), params, {}, kDatabase, "Null", kQuerySeconds + 60));
  if (s.Faulty("before_answer")) return base::Unavailable("fault: before_answer");
  return ToStatus(answer);
}

base::Result<base::HttpAnswer> Store::Free(std::string_view sql, std::string_view format,
                                           const Params& settings, const Params& params,
                                           std::string_view database) {
  State& s = *state_;
  if (!database.empty() && database != "default" && database != s.published &&
      database != kDatabase) {
    return base::NotFound("Code: 81. DB::Exception: Database " + std::string(database) +
                          " does not exist. (UNKNOWN_DATABASE)");
  }
  if (format.empty()) format = "TabSeparated";
  if (!Gate::FormatAllowed(format))
    return base::Denied("the format " + std::string(format) + " is not allowed here");
  struct Ticket {
    std::atomic<int>& running;
    const int before;
    explicit Ticket(std::atomic<int>& n) : running(n), before(n.fetch_add(1)) {}
    ~Ticket() { --running; }
  } ticket(s.free_running);
  if (ticket.before >= kMaxFree)
    return base::Unavailable("too many queries at the same time; try again in a moment");
  ASSIGN_OR_RETURN(const std::string statement, s.gate->Check(sql, params));
  return s.SendOrRestart(statement, s.FreeSettings(settings), params, s.published, format);
}

EngineFacts Store::engine() const {
  State& s = *state_;
  EngineFacts facts;
  facts.restarts = s.restarts;
  {
    const std::lock_guard lock(s.mutex);
    facts.detail = s.detail;
  }
  if (!s.child) {
    facts.ready = true;
    if (facts.detail.empty()) facts.detail = s.url;
    return facts;
  }
  facts.ready = s.child->alive();
  facts.pid = s.child->pid();
  facts.rss_bytes = s.child->rss_bytes();
  return facts;
}

void Store::Supervise() {
  State& s = *state_;
  if (!s.child) return;
  if (!s.child->alive()) {
    if (const base::Status restarted = s.RestartIfDead(); !restarted.ok()) return;
  }
  const std::uint64_t rss = s.child->rss_bytes();
  const std::int64_t now = base::monotonic_ns();
  bool purge = false, restart = false;
  {
    const std::lock_guard lock(s.mutex);
    if (rss <= s.options.memory_bytes + kOverBytes)
      s.over_since = 0;
    else if (s.over_since == 0)
      s.over_since = now;
    restart = s.over_since != 0 && now - s.over_since > kOverTooLongNs;
    purge = rss > kPurgeAboveBytes && now - s.purged_at > 10 * base::kSecond;
    if (purge) s.purged_at = now;
  }
  if (restart) {
    s.child->Stop();
    [[maybe_unused]] const base::Status restarted =
        s.RestartIfDead();  // its failure stands in `detail`
    return;
  }
  if (purge) [[maybe_unused]]
    const base::Status purged = Execute("SYSTEM JEMALLOC PURGE");
}

void Store::set_fault_point(std::function<bool(std::string_view point)> fault) {
  state_->fault = std::move(fault);
}

}  // namespace strata::store
