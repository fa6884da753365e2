// SPDX-License-Identifier: Apache-2.0
// One HTTP/1.1 server for every door: the API, OTLP/HTTP and the engine child's private socket.
// Beast behind it. Handlers run on the server's own worker threads; a slow one holds only its
// worker.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace strata::base {

struct ServerRequest {
  std::string method;
  std::string target;                                        // as received
  std::string path;                                          // decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;    // decoded, in order
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;          // as received: content-encoding is not undone
  std::string peer_address;  // "127.0.0.1", "" on a Unix socket
  std::uint16_t peer_port = 0;
  std::uint16_t local_port = 0;
  bool tls = false;
  // The user at the other end, -1 until somebody finds out: of the connection, so that it is asked
  // for once. Null where there is no connection (tests).
  std::atomic<int>* peer_uid = nullptr;
  std::string_view header(std::string_view lower_name) const;
  std::string_view param(std::string_view name, std::string_view otherwise = {}) const;
  bool has_param(std::string_view name) const;
};

struct ServerAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // When set, the answer is a stream (chunked): called on a thread of its own with a writer until
  // it returns or the writer says false (the peer is gone or the server stops).
  std::function<void(const std::function<bool(std::string_view)>& write)> stream;
};

using Handler = std::function<ServerAnswer(const ServerRequest&)>;

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;      // 0 = any free one
  std::string unix_socket;     // when set, address and port are not used; mode 0600
  int threads = 2;             // workers that run handlers
  int max_connections = 1024;  // beyond: 503 and close
  int max_streams = 64;
  std::size_t max_body = 16u << 20;  // beyond: 413
  std::size_t max_bodies =
      256u << 20;  // of all requests that are being read or answered; beyond: 503
  std::size_t max_header = 32u << 10;
  std::int64_t idle_timeout_ms = 75'000;
  std::int64_t request_timeout_ms = 30'000;  // from a request's first byte to its last: 408
  std::string tls_cert, tls_key, tls_client_ca;
};

class HttpServer {
 public:
  static Result<std::unique_ptr<HttpServer>> Start(const ServerOptions& options, Handler handler);
  ~HttpServer();  // Stop()
  std::uint16_t port() const;
  void Stop();  // ends streams and connections, joins the threads

 private:
  struct State;
  explicit HttpServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

// {"error": {"code": …, "message": …}} with the status that fits the code.
ServerAnswer ErrorAnswer(const Status& status);
ServerAnswer ErrorAnswer(int http_status, std::string_view code, std::string_view message);

std::string UrlDecode(std::string_view text, bool plus_is_space = true);
std::string UrlEncode(std::string_view text);

}  // namespace strata::base
