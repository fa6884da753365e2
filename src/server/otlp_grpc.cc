// SPDX-License-Identifier: Apache-2.0
// OTLP/gRPC through grpc++'s generic byte-buffer service: no generated code, the bytes go to the
// same decoders. One completion-queue thread; the ingest thread finishes the calls.
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <thread>

#include "base/file.h"
#include "server/doors.h"

namespace strata::server {
namespace {

using base::Code;
using base::Result;

grpc::StatusCode GrpcCode(const base::Status& status) {
  switch (status.code()) {
    case Code::ok: return grpc::StatusCode::OK;
    case Code::invalid: return grpc::StatusCode::INVALID_ARGUMENT;
    case Code::not_found: return grpc::StatusCode::NOT_FOUND;
    case Code::denied: return grpc::StatusCode::PERMISSION_DENIED;
    case Code::unsupported: return grpc::StatusCode::UNIMPLEMENTED;
    default: return grpc::StatusCode::UNAVAILABLE;
  }
}

std::string Flatten(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string out;
  if (!buffer.Dump(&slices).ok()) return out;
  for (const grpc::Slice& slice : slices)
    out.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return out;
}

grpc::ByteBuffer Reply(const Outcome& outcome) {
  grpc::Slice slice(PartialSuccess(outcome));
  return grpc::ByteBuffer(&slice, 1);
}

std::string Metadata(const grpc::ServerContext& context, const std::string& key) {
  const auto it = context.client_metadata().find(key);
  return it == context.client_metadata().end() ? std::string()
                                               : std::string(it->second.data(), it->second.size());
}

}  // namespace

struct GrpcDoor::State {
  const Access& access;
  Ingest& ingest;
  grpc::AsyncGenericService service;
  std::unique_ptr<grpc::ServerCompletionQueue> queue;
  std::unique_ptr<grpc::Server> server;
  std::thread thread;
  int port = 0;
  std::atomic<bool> stopping{false};
  std::atomic<int> in_ingest{0};  // calls whose outcome the ingest thread still owes

  State(const Access& a, Ingest& i) : access(a), ingest(i) {}

  // One call from acceptance to answer; deletes itself when finished.
  struct Call {
    State* state;
    grpc::GenericServerContext context;
    grpc::GenericServerAsyncReaderWriter stream;
    grpc::ByteBuffer request;
    enum { accepting, reading, finishing } step = accepting;

    explicit Call(State* s) : state(s), stream(&context) {
      s->service.RequestCall(&context, &stream, s->queue.get(), s->queue.get(), this);
    }

    void Go(bool ok) {
      if (step == finishing || (!ok && step == accepting)) {
        delete this;
        return;
      }
      if (step == accepting) {
        if (!state->stopping) new Call(state);
        step = reading;
        stream.Read(&request, this);
        return;
      }
      if (!ok) {
        Fail(base::Invalid("no message in the call"));
        return;
      }
      Take();
    }

    void Take() {
      Incoming in;
      const std::string method = context.method();
      if (method == "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export")
        in.protocol = Protocol::otlp_metrics;
      else if (method == "/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        in.protocol = Protocol::otlp_traces;
      else if (method == "/opentelemetry.proto.collector.logs.v1.LogsService/Export")
        in.protocol = Protocol::otlp_logs;
      else
        return Fail(base::Unsupported(method + ": only the OTLP Export methods are served here"));
      auto caller = state->access.Check(context.peer(), static_cast<std::uint16_t>(state->port),
                                        Metadata(context, "authorization"), Scope::write);
      if (!caller.ok()) return Fail(caller.status());
      in.body = Flatten(request);
      request.Clear();
      in.sender = context.peer().substr(0, context.peer().rfind(':')) + " " +
                  Metadata(context, "user-agent");
      in.batch = BatchId(Metadata(context, "x-strata-batch"), in.sender + method, in.body);
      in.trusted = caller->scope >= Scope::agent;
      State* owner = state;  // this Call may be gone once it is finished
      ++owner->in_ingest;
      in.done = [this, owner](const Outcome& outcome) {
        if (outcome.status.ok()) {
          step = finishing;
          stream.WriteAndFinish(Reply(outcome), grpc::WriteOptions(), grpc::Status::OK, this);
        } else {
          Fail(outcome.status);
        }
        --owner->in_ingest;
      };
      if (!owner->ingest.Submit(std::move(in))) {
        --owner->in_ingest;
        Fail(base::Unavailable("the server is behind: its queue is full; send again"));
      }
    }

    void Fail(const base::Status& status) {
      step = finishing;
      stream.Finish(grpc::Status(GrpcCode(status), status.message()), this);
    }
  };

  void Run() {
    void* tag = nullptr;
    bool ok = false;
    while (queue->Next(&tag, &ok)) static_cast<Call*>(tag)->Go(ok);
  }
};

GrpcDoor::GrpcDoor(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<GrpcDoor>> GrpcDoor::Start(const Options& options, const Access& access,
                                                  Ingest& ingest) {
  auto state = std::make_unique<State>(access, ingest);
  grpc::ServerBuilder builder;
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  if (!options.tls_cert.empty()) {
    ASSIGN_OR_RETURN(std::string cert, base::ReadFile(options.tls_cert));
    ASSIGN_OR_RETURN(std::string key, base::ReadFile(options.tls_key));
    grpc::SslServerCredentialsOptions ssl;
    ssl.pem_key_cert_pairs.push_back({std::move(key), std::move(cert)});
    credentials = grpc::SslServerCredentials(ssl);
  }
  const bool ipv6 = options.address.find(':') != std::string::npos;
  const std::string address =
      (ipv6 ? "[" + options.address + "]" : options.address) + ":" + std::to_string(options.port);
  builder.AddListeningPort(address, credentials, &state->port);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_message));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.RegisterAsyncGenericService(&state->service);
  state->queue = builder.AddCompletionQueue();
  state->server = builder.BuildAndStart();
  if (state->server == nullptr || state->port == 0) {
    return base::Failed("OTLP/gRPC cannot listen on " + address +
                        ": is another program using the port? (ports.otlp_grpc)");
  }
  new State::Call(state.get());
  state->thread = std::thread([s = state.get()] { s->Run(); });
  return std::unique_ptr<GrpcDoor>(new GrpcDoor(std::move(state)));
}

GrpcDoor::~GrpcDoor() {
  state_->stopping = true;
  state_->server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
  for (int i = 0; i < 1000 && state_->in_ingest > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  state_->queue->Shutdown();
  state_->thread.join();
}

int GrpcDoor::port() const { return state_->port; }

}  // namespace strata::server
