// SPDX-License-Identifier: Apache-2.0
// The doors that take data: OTLP over HTTP and gRPC, remote write. They check the caller, undo the
// encoding, hand the body to the ingest thread and answer as the protocol asks.
#pragma once

#include <cstdint>
#include <memory>

#include "base/http_server.h"
#include "base/status.h"
#include "server/access.h"
#include "server/ingest.h"

namespace strata::server {

// POST /v1/metrics, /v1/traces, /v1/logs.
base::ServerAnswer OtlpHttp(const base::ServerRequest& request, const Access& access,
                            Ingest& ingest);
// POST /api/v1/write: 1.0 and 2.0 by content type.
base::ServerAnswer RemoteWrite(const base::ServerRequest& request, const Access& access,
                               Ingest& ingest);

// Batch id of a request: the header when there is one, else sender and body hashed.
base::Hash128 BatchId(std::string_view header, std::string_view sender, std::string_view body);
// The message and counts of an OTLP partial success: "3 not_a_number (gauge x), 1 future".
std::string RefusalText(const base::Refusals& refused);

// Export…ServiceResponse in protobuf: empty, or the partial success that says how many were
// refused.
std::string PartialSuccess(const Outcome& outcome);
// Records not kept; content taken away is not among them.
std::uint64_t Rejected(const Outcome& outcome);

// OTLP/gRPC on its own threads.
class GrpcDoor {
 public:
  struct Options {
    std::string address = "127.0.0.1";
    int port = 4317;  // 0 = any free one
    std::string tls_cert, tls_key;
    std::size_t max_message = 16u << 20;
  };
  static base::Result<std::unique_ptr<GrpcDoor>> Start(const Options& options, const Access& access,
                                                       Ingest& ingest);
  ~GrpcDoor();
  int port() const;

 private:
  struct State;
  explicit GrpcDoor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace strata::server
