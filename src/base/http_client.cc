// SPDX-License-Identifier: Apache-2.0
// libcurl's easy interface, one handle per client, kept between requests so that connections live
// on.
#include "base/http_client.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <mutex>

namespace strata::base {
namespace {

constexpr std::size_t kMaxSocketPath = 100;  // sun_path holds 108

void InitOnce() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

// What one exchange collects.
struct Exchange {
  HttpAnswer answer;
  std::size_t max_bytes = 0;
  std::size_t bytes = 0;
  bool too_large = false;
  bool stopped = false;
  const std::function<bool(std::string_view)>* take = nullptr;
};

std::size_t OnBody(char* data, std::size_t size, std::size_t n, void* context) {
  auto* exchange = static_cast<Exchange*>(context);
  const std::size_t bytes = size * n;
  exchange->bytes += bytes;
  if (exchange->bytes > exchange->max_bytes) {
    exchange->too_large = true;
    return 0;
  }
  if (exchange->take == nullptr) {
    exchange->answer.body.append(data, bytes);
  } else if (!(*exchange->take)(std::string_view(data, bytes))) {
    exchange->stopped = true;
    return 0;
  }
  return bytes;
}

// Called at least once a second while an exchange is under way.
int OnProgress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::stop_token*>(context)->stop_requested() ? 1 : 0;
}

curl_blob Blob(const std::string& text) {
  return {const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  return text;
}

std::size_t OnHeader(char* data, std::size_t size, std::size_t n, void* context) {
  auto* exchange = static_cast<Exchange*>(context);
  const std::string_view line(data, size * n);
  if (line.starts_with("HTTP/")) {  // a new answer after 100 Continue
    exchange->answer.headers.clear();
    return line.size();
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || exchange->answer.headers.size() > 1000) return line.size();
  std::string name(Trim(line.substr(0, colon)));
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  exchange->answer.headers.emplace_back(std::move(name), std::string(Trim(line.substr(colon + 1))));
  return line.size();
}

}  // namespace

std::string_view HttpAnswer::header(std::string_view lower_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_name) return value;
  }
  return {};
}

struct HttpClient::State {
  CURL* curl = nullptr;
  char error[CURL_ERROR_SIZE] = {};
  std::string long_socket;  // a socket path too long for sun_path is reached through its folder
  int folder = -1;

  State() {
    InitOnce();
    curl = curl_easy_init();
  }
  State(const State&) = delete;
  ~State() {
    if (curl != nullptr) curl_easy_cleanup(curl);
    if (folder >= 0) ::close(folder);
  }

  std::string SocketPath(const std::string& path) {
    if (path.size() <= kMaxSocketPath) return path;
    const std::filesystem::path whole(path);
    if (long_socket != path) {
      if (folder >= 0) ::close(folder);
      folder = ::open(whole.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
      long_socket = path;
    }
    return "/proc/self/fd/" + std::to_string(folder) + "/" + whole.filename().string();
  }

  // TLS material given as text; it lives as long as the request.
  void Secure(const HttpRequest& request) {
    const auto give = [this](CURLoption option, CURLoption type, const std::string& pem) {
      if (pem.empty()) return;
      curl_blob blob = Blob(pem);
      curl_easy_setopt(curl, option, &blob);
      if (type != option) curl_easy_setopt(curl, type, "PEM");
    };
    give(CURLOPT_CAINFO_BLOB, CURLOPT_CAINFO_BLOB, request.ca_pem);
    if (!request.ca_pem.empty())  // these and no others
      curl_easy_setopt(curl, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    give(CURLOPT_SSLCERT_BLOB, CURLOPT_SSLCERTTYPE, request.cert_pem);
    give(CURLOPT_SSLKEY_BLOB, CURLOPT_SSLKEYTYPE, request.key_pem);
    if (!request.verify_peer) {
      curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
      curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
  }

  Result<HttpAnswer> Run(const HttpRequest& request,
                         const std::function<bool(std::string_view)>* take);
};

Result<HttpAnswer> HttpClient::State::Run(const HttpRequest& request,
                                          const std::function<bool(std::string_view)>* take) {
  if (curl == nullptr) return Failed("HTTP client: libcurl gave no handle");
  Exchange exchange;
  exchange.max_bytes = request.max_bytes;
  exchange.take = take;
  curl_easy_reset(curl);  // connections stay
  error[0] = 0;
  curl_slist* headers = nullptr;
  bool expects = false;
  for (const auto& [name, value] : request.headers) {
    headers =
        curl_slist_append(headers, (value.empty() ? name + ";" : name + ": " + value).c_str());
    expects = expects || name == "Expect" || name == "expect";
  }
  if (!expects) headers = curl_slist_append(headers, "Expect:");  // no round trip before a body
  const auto set = [this](auto option, auto value) { curl_easy_setopt(curl, option, value); };
  set(CURLOPT_ERRORBUFFER, error);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(request.http2 ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
                                                            : CURL_HTTP_VERSION_1_1));
  if (request.http2) {
    // libcurl 7.88 sends nothing on such a connection when it is used again.
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_FORBID_REUSE, 1L);
  }
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout_ms));
  set(CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(std::min<std::int64_t>(request.timeout_ms, 10'000)));
  set(CURLOPT_HTTPHEADER, headers);
  set(CURLOPT_WRITEFUNCTION, &OnBody);
  set(CURLOPT_WRITEDATA, &exchange);
  set(CURLOPT_HEADERFUNCTION, &OnHeader);
  set(CURLOPT_HEADERDATA, &exchange);
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_BUFFERSIZE, 128L << 10);
  if (!request.ca_file.empty()) set(CURLOPT_CAINFO, request.ca_file.c_str());
  Secure(request);
  if (request.idle_ms > 0) {
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME,
        static_cast<long>(std::max<std::int64_t>(request.idle_ms / 1000, 1)));
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_TCP_KEEPIDLE, 30L);
    set(CURLOPT_TCP_KEEPINTVL, 10L);
  }
  if (request.stop.stop_possible()) {
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &OnProgress);
    set(CURLOPT_XFERINFODATA, &request.stop);
  }
  if (request.accept_gzip) set(CURLOPT_ACCEPT_ENCODING, "gzip");
  std::string socket;
  if (!request.unix_socket.empty()) {
    socket = SocketPath(request.unix_socket);
    set(CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
    set(CURLOPT_PROXY, "");
  }
  if (request.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (request.method == "GET" && request.body.empty()) {
    set(CURLOPT_HTTPGET, 1L);
  } else {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    if (request.method != "POST") set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  const CURLcode code = curl_easy_perform(curl);
  curl_slist_free_all(headers);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  exchange.answer.status = static_cast<int>(status);
  const std::string where = request.unix_socket.empty() ? request.url : request.unix_socket;
  if (exchange.too_large) {
    return Exhausted(where + ": the answer is larger than " + std::to_string(request.max_bytes) +
                     " bytes");
  }
  if (code == CURLE_OK || exchange.stopped) return std::move(exchange.answer);
  const char* why = error[0] != 0 ? error : curl_easy_strerror(code);
  return Unavailable(where + ": " + why);
}

HttpClient::HttpClient() : state_(std::make_unique<State>()) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

Result<HttpAnswer> HttpClient::Send(const HttpRequest& request) {
  return state_->Run(request, nullptr);
}

Result<HttpAnswer> HttpClient::Stream(const HttpRequest& request,
                                      const std::function<bool(std::string_view)>& take) {
  return state_->Run(request, &take);
}

}  // namespace strata::base
