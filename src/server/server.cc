// SPDX-License-Identifier: Apache-2.0
#include "server/server.h"

#include "base/file.h"
#include "base/http_server.h"
#include "l1_gpu/catalog.gen.h"
#include "l2_comm/catalog.gen.h"
#include "l3_host/catalog.gen.h"
#include "l4_sched/catalog.gen.h"
#include "l5_train/catalog.gen.h"
#include "l6_infer/catalog.gen.h"
#include "l7_genai/catalog.gen.h"
#include "l8_cost/catalog.gen.h"
#include "log/log.h"
#include "server/access.h"
#include "server/api.h"
#include "server/comm_watch.h"
#include "server/doors.h"
#include "server/ingest.h"
#include "server/jobs.h"
#include "server/page.h"
#include "server/place.h"
#include "store/store.h"

namespace strata::server {

using base::Result;
using base::Status;

std::span<const model::Catalog* const> Layers() {
  static const model::Catalog* const layers[] = {
      &l1_gpu::catalog(),   &l2_comm::catalog(),  &l3_host::catalog(),  &l4_sched::catalog(),
      &l5_train::catalog(), &l6_infer::catalog(), &l7_genai::catalog(), &l8_cost::catalog(),
  };
  return layers;
}

struct Server::State {
  Config config;
  const base::Clock& clock;
  std::unique_ptr<Access> access;
  std::unique_ptr<log::Log> log;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<CommWatch> comm;
  std::unique_ptr<Place> place;
  std::unique_ptr<Ingest> ingest;
  std::unique_ptr<Jobs> jobs;
  std::unique_ptr<Services> services;
  std::unique_ptr<GrpcDoor> grpc;
  std::unique_ptr<base::HttpServer> otlp;
  std::unique_ptr<base::HttpServer> api;

  State(const Config& c, const base::Clock& k) : config(c), clock(k) {}

  Status OpenStore() {
    RETURN_IF_ERROR(base::MakeDirectories(config.store.path));
    log::Options options;
    options.dir = config.store.path + "/log";
    ASSIGN_OR_RETURN(log, log::Log::Open(options, clock.now_ns()));
    store::Options s;
    s.path = config.store.path;
    s.url = config.store.url;
    s.cluster = config.store.cluster;
    s.user = config.store.user;
    s.password_file = config.store.password_file;
    s.memory_bytes = config.store.memory_bytes;
    s.samples_days = config.retention.samples_days;
    s.spans_days = config.retention.spans_days;
    s.logs_days = config.retention.logs_days;
    s.minutes_days = config.retention.minutes_days;
    s.requests_days = config.retention.requests_days;
    s.ledger_days = config.retention.ledger_days;
    s.catalogs = Layers();
    ASSIGN_OR_RETURN(store, store::Store::Open(s));
    return Status::Ok();
  }

  Status OpenDoors() {
    GrpcDoor::Options g;
    g.address = config.listen;
    g.port = config.ports.otlp_grpc;
    g.tls_cert = config.tls.cert;
    g.tls_key = config.tls.key;
    g.max_message = config.limits.body_bytes;
    ASSIGN_OR_RETURN(grpc, GrpcDoor::Start(g, *access, *ingest));
    base::ServerOptions h;
    h.address = config.listen;
    h.port = static_cast<std::uint16_t>(config.ports.otlp_http);
    h.threads = 8;  // each waits for its request to be durable
    h.max_body = config.limits.body_bytes;
    h.tls_cert = config.tls.cert;
    h.tls_key = config.tls.key;
    h.tls_client_ca = config.tls.client_ca;
    auto otlp_door = base::HttpServer::Start(
        h, [this](const base::ServerRequest& r) { return OtlpHttp(r, *access, *ingest); });
    if (!otlp_door.ok()) return otlp_door.status().With("OTLP/HTTP (ports.otlp_http)");
    otlp = std::move(*otlp_door);
    h.port = static_cast<std::uint16_t>(config.ports.api);
    auto api_door = base::HttpServer::Start(
        h, [this](const base::ServerRequest& r) { return ApiDoor(r, *services); });
    if (!api_door.ok()) return api_door.status().With("API (ports.api)");
    api = std::move(*api_door);
    return Status::Ok();
  }
};

namespace {

// What was held when the last run ended goes on where it is seen again.
Status RestoreHoldings(store::Store& store, Place& place) {
  ASSIGN_OR_RETURN(
      const store::Rows rows,
      store.Query(
          "SELECT *, toUnixTimestamp(received) AS seen FROM holdings WHERE valid_to IS NULL"));
  std::vector<model::Holding> open;
  std::int64_t seen = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto text = [&](std::string_view name) { return std::string(rows.text(i, name)); };
    model::Holding h;
    h.gpu = text("gpu");
    h.node = text("node");
    h.ns = text("namespace");
    h.pod = text("pod");
    h.container = text("container");
    h.workload_kind = text("workload_kind");
    h.workload = text("workload");
    h.team = text("team");
    h.queue = text("queue");
    h.job = text("job");
    h.engine = text("engine");
    h.cluster = text("cluster");
    h.user = text("user");
    h.account = text("account");
    h.partition = text("partition");
    h.share_kind = text("share_kind");
    h.share = rows.f64(i, "share");
    h.source = text("source");
    h.valid_from = rows.i64(i, "valid_from");
    h.origin = text("origin") == "live" ? "" : text("origin");
    seen = std::max(seen, rows.i64(i, "seen") * base::kSecond);
    open.push_back(std::move(h));
  }
  if (!open.empty()) place.Restore(open, seen);
  return Status::Ok();
}

}  // namespace

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Server>> Server::Start(const Config& config, const base::Clock& clock,
                                              const std::string& page) {
  auto state = std::make_unique<State>(config, clock);
  State& s = *state;
  ASSIGN_OR_RETURN(Access access, Access::Make(config));
  s.access = std::make_unique<Access>(std::move(access));
  if (!page.empty()) LoadPage(page);
  RETURN_IF_ERROR(s.OpenStore());
  s.comm = std::make_unique<CommWatch>();
  RETURN_IF_ERROR(s.comm->Restore(*s.store, clock.now_ns()).With("reading collectives"));
  s.place = std::make_unique<Place>(Layers(), s.config, *s.comm);
  RETURN_IF_ERROR(RestoreHoldings(*s.store, *s.place).With("reading holdings"));
  Ingest::Options options;
  options.max_series = config.limits.series;
  options.keep_content = config.keep_content;
  s.ingest = std::make_unique<Ingest>(options, clock, Layers(), *s.log, *s.store, *s.place);
  s.jobs =
      std::make_unique<Jobs>(s.config, clock, Layers(), *s.store, *s.place, *s.ingest, *s.comm);
  s.services = std::make_unique<Services>(Services{s.config, clock, Layers(), *s.access, *s.store,
                                                   *s.ingest, *s.place, *s.jobs, clock.now_ns()});
  auto server = std::unique_ptr<Server>(new Server(std::move(state)));
  RETURN_IF_ERROR(server->state_->jobs->Start());
  RETURN_IF_ERROR(server->state_->OpenDoors());
  return server;
}

void Server::Stop() {
  State& s = *state_;
  s.grpc.reset();
  s.otlp.reset();
  s.api.reset();
  if (s.jobs) s.jobs->Stop();
  if (s.ingest) s.ingest->Stop();
  s.services.reset();
  s.jobs.reset();
  s.ingest.reset();
  s.store.reset();
  s.log.reset();
}

Server::~Server() { Stop(); }

Ports Server::ports() const {
  return {state_->grpc ? state_->grpc->port() : 0, state_->otlp ? state_->otlp->port() : 0,
          state_->api ? state_->api->port() : 0};
}

}  // namespace strata::server
