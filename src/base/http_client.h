// SPDX-License-Identifier: Apache-2.0
// One HTTP client for everything that asks: scrapes, the engine's socket, a cluster, the command
// line. libcurl behind it. An object keeps its connections and belongs to one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace strata::base {

struct HttpRequest {
  std::string method = "GET";
  std::string url;          // http:// or https://
  std::string unix_socket;  // when set, the connection goes there and the URL's host is only a name
  std::vector<std::pair<std::string, std::string>> headers;
  std::string_view body;  // must live until Send returns
  std::int64_t timeout_ms = 10'000;
  std::size_t max_bytes = 256u << 20;  // of the answer, decompressed
  bool accept_gzip = false;
  std::string ca_file;  // https: certificates that vouch for the peer; "" = the system's
  std::string ca_pem, cert_pem, key_pem;  // the same, and who we are, as text; "" = not told
  bool verify_peer = true;                // false: whoever answers is believed
  bool http2 = false;  // HTTP/2 from the first byte (gRPC without TLS); trailers are in headers
  std::int64_t idle_ms = 0;  // gives up when nothing came for so long (whole seconds); 0 = never
  std::stop_token stop;      // ends the exchange within about a second
};

struct HttpAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string_view header(std::string_view lower_name) const;
};

class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  // An answer of any status is ok; only "no answer" is a failure (unavailable: could not connect or
  // timed out; exhausted: beyond max_bytes).
  Result<HttpAnswer> Send(const HttpRequest& request);
  // The body in pieces as they come (server-sent events, large results); `take` returns false to
  // stop.
  Result<HttpAnswer> Stream(const HttpRequest& request,
                            const std::function<bool(std::string_view)>& take);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::base
