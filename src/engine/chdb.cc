// SPDX-License-Identifier: Apache-2.0
#include "engine/chdb.h"

#include <dlfcn.h>

namespace strata::engine {

struct Chdb::Functions {
  void** (*connect)(int, char**);
  void (*close)(void**);
  void* (*query)(void*, const char*, std::size_t, const char*, std::size_t);
  void* (*query_with_params)(void*, const char*, std::size_t, const char*, std::size_t,
                             const char* const*, const std::size_t*, const char* const*,
                             const std::size_t*, std::size_t);
  void (*destroy)(void*);
  char* (*buffer)(void*);
  std::size_t (*length)(void*);
  const char* (*error)(void*);
  double (*elapsed)(void*);
  std::uint64_t (*rows_read)(void*);
  std::uint64_t (*bytes_read)(void*);
  void (*signal_handlers)(int);
};

namespace {

template <typename F>
bool Find(void* library, const char* name, F* function) {
  *function = reinterpret_cast<F>(dlsym(library, name));
  return *function != nullptr;
}

}  // namespace

base::Result<std::unique_ptr<Chdb>> Chdb::Load(const std::string& library,
                                               std::vector<std::string> arguments) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = dlerror();
    return base::Failed("cannot load libchdb: " + std::string(why != nullptr ? why : library) +
                        " (make deps fetches it)");
  }
  auto chdb = std::unique_ptr<Chdb>(new Chdb());
  chdb->functions_ = std::make_unique<Functions>();
  Functions& f = *chdb->functions_;
  const bool whole = Find(handle, "chdb_connect", &f.connect) &&
                     Find(handle, "chdb_close_conn", &f.close) &&
                     Find(handle, "chdb_query_n", &f.query) &&
                     Find(handle, "chdb_query_with_params_n", &f.query_with_params) &&
                     Find(handle, "chdb_destroy_query_result", &f.destroy) &&
                     Find(handle, "chdb_result_buffer", &f.buffer) &&
                     Find(handle, "chdb_result_length", &f.length) &&
                     Find(handle, "chdb_result_error", &f.error) &&
                     Find(handle, "chdb_result_elapsed", &f.elapsed) &&
                     Find(handle, "chdb_result_rows_read", &f.rows_read) &&
                     Find(handle, "chdb_result_bytes_read", &f.bytes_read) &&
                     Find(handle, "chdb_set_signal_handlers_enabled", &f.signal_handlers);
  if (!whole)
    return base::Unsupported(library + " is not the libchdb this program was written for (26.5.3)");
  f.signal_handlers(0);
  chdb->arguments_ = std::move(arguments);
  chdb->arguments_.insert(chdb->arguments_.begin(), "clickhouse");
  ASSIGN_OR_RETURN(Connection keeper, chdb->Connect());
  chdb->keeper_ = std::make_unique<Connection>(std::move(keeper));
  return chdb;
}

Chdb::~Chdb() = default;

std::unique_ptr<Chdb::Connection> Chdb::Take(const std::string& setup) const {
  const std::lock_guard lock(mutex_);
  const auto it = kept_.find(setup);
  if (it == kept_.end() || it->second.empty()) return nullptr;
  std::unique_ptr<Connection> connection = std::move(it->second.back());
  it->second.pop_back();
  return connection;
}

void Chdb::Keep(const std::string& setup, std::unique_ptr<Connection> connection) const {
  constexpr std::size_t kSetups = 8, kEach = 2;
  const std::lock_guard lock(mutex_);
  if (kept_.size() >= kSetups && !kept_.contains(setup)) return;
  std::vector<std::unique_ptr<Connection>>& list = kept_[setup];
  if (list.size() < kEach) list.push_back(std::move(connection));
}

base::Result<Chdb::Connection> Chdb::Connect() const {
  std::vector<std::string> copies = arguments_;
  std::vector<char*> argv;
  for (std::string& copy : copies) argv.push_back(copy.data());
  void** raw = functions_->connect(static_cast<int>(argv.size()), argv.data());
  if (raw == nullptr || *raw == nullptr)
    return base::Failed("libchdb could not open its directory (is it in use?)");
  return Connection(this, raw);
}

Chdb::Connection::~Connection() {
  if (raw_ != nullptr) chdb_->functions_->close(static_cast<void**>(raw_));
}

ChdbAnswer Chdb::Connection::Query(std::string_view sql, std::string_view format,
                                   const Params& params) {
  const Functions& f = *chdb_->functions_;
  void* connection = *static_cast<void**>(raw_);
  void* result = nullptr;
  if (params.empty()) {
    result = f.query(connection, sql.data(), sql.size(), format.data(), format.size());
  } else {
    std::vector<const char*> names, values;
    std::vector<std::size_t> name_sizes, value_sizes;
    for (const auto& [name, value] : params) {
      names.push_back(name.data());
      name_sizes.push_back(name.size());
      values.push_back(value.data());
      value_sizes.push_back(value.size());
    }
    result = f.query_with_params(connection, sql.data(), sql.size(), format.data(), format.size(),
                                 names.data(), name_sizes.data(), values.data(), value_sizes.data(),
                                 names.size());
  }
  ChdbAnswer answer;
  if (result == nullptr) {
    answer.error = "Code: 1002. DB::Exception: libchdb gave no result. (UNKNOWN_EXCEPTION)";
    return answer;
  }
  if (const char* error = f.error(result); error != nullptr && *error != 0) {
    answer.error = error;
  } else {
    const std::size_t length = f.length(result);
    if (const char* bytes = f.buffer(result); bytes != nullptr) answer.body.assign(bytes, length);
    answer.rows_read = f.rows_read(result);
    answer.bytes_read = f.bytes_read(result);
    answer.elapsed_s = f.elapsed(result);
  }
  f.destroy(result);
  return answer;
}

}  // namespace strata::engine
