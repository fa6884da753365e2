// SPDX-License-Identifier: Apache-2.0
// The server as a whole: opens the log and the store, starts the doors and the jobs, stops them in
// order.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "model/catalog.h"
#include "server/config.h"

namespace strata::server {

struct Ports {
  int otlp_grpc = 0, otlp_http = 0, api = 0;
};

// All layers, L1 to L8; the one list of them that the doors share.
std::span<const model::Catalog* const> Layers();

class Server {
 public:
  // `page` is the folder of the page's files ("" or missing: none).
  static base::Result<std::unique_ptr<Server>> Start(const Config& config, const base::Clock& clock,
                                                     const std::string& page);
  ~Server();  // Stop()
  void Stop();
  Ports ports() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace strata::server
