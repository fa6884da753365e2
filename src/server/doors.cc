// SPDX-License-Identifier: Apache-2.0
// OTLP/HTTP and remote write.
#include "server/doors.h"

#include "base/compress.h"
#include "base/json.h"

namespace strata::server {
namespace {

using base::Code;
using base::ServerAnswer;
using base::ServerRequest;
using base::Status;

bool IsJson(std::string_view content_type) { return content_type.starts_with("application/json"); }

void AppendVarint(std::string* out, std::uint64_t v) {
  while (v >= 0x80) {
    out->push_back(static_cast<char>(v | 0x80));
    v >>= 7;
  }
  out->push_back(static_cast<char>(v));
}

// google.rpc.Status{code=1, message=2}
std::string RpcStatus(int code, std::string_view message) {
  std::string out;
  out.push_back(0x08);
  AppendVarint(&out, static_cast<std::uint64_t>(code));
  out.push_back(0x12);
  AppendVarint(&out, message.size());
  out.append(message);
  return out;
}

int RpcCode(Code code) {
  switch (code) {
    case Code::invalid: return 3;
    case Code::not_found: return 5;
    case Code::denied: return 7;
    case Code::exhausted: return 8;
    case Code::unsupported: return 12;
    default: return 14;
  }
}

int HttpCode(Code code) {
  switch (code) {
    case Code::ok: return 200;
    case Code::invalid: return 400;
    case Code::not_found: return 404;
    case Code::denied: return 403;
    case Code::exhausted: return 413;
    case Code::unsupported: return 415;
    default: return 503;
  }
}

ServerAnswer OtlpFailure(const Status& status, bool json, int http) {
  ServerAnswer answer;
  answer.status = http;
  if (http == 503) answer.headers.emplace_back("Retry-After", "2");
  if (json) {
    base::Json body;
    body.set("code", RpcCode(status.code())).set("message", status.message());
    answer.body = body.dump();
  } else {
    answer.content_type = "application/x-protobuf";
    answer.body = RpcStatus(RpcCode(status.code()), status.message());
  }
  return answer;
}

std::string Sender(const ServerRequest& request) {
  return request.peer_address + " " + std::string(request.header("user-agent"));
}

// What of a failed outcome is worth a retry: a full queue, log or disk is, a wrong body is not.
int IngestHttpCode(const Status& status) {
  return status.code() == Code::exhausted || status.code() == Code::failed
             ? 503
             : HttpCode(status.code());
}

}  // namespace

base::Hash128 BatchId(std::string_view header, std::string_view sender, std::string_view body) {
  if (!header.empty()) return base::HashBytes128(header);
  base::Hash128 h = base::HashBytes128(body);
  h.high ^= base::Hash64(sender);
  return h;
}

std::string RefusalText(const base::Refusals& refused) {
  std::string text;
  for (const auto& [reason, n] : refused.counts()) {
    if (!text.empty()) text += ", ";
    text += std::to_string(n) + " " + std::string(base::reason_name(reason));
  }
  if (!refused.example().empty()) text += " (" + refused.example().substr(0, 200) + ")";
  return text;
}

std::uint64_t Rejected(const Outcome& outcome) {
  return outcome.refused.total() - outcome.refused.count(base::Reason::content_removed);
}

// partial_success=1 {rejected=1, error_message=2}
std::string PartialSuccess(const Outcome& outcome) {
  if (Rejected(outcome) == 0) return {};
  const std::string message = RefusalText(outcome.refused);
  std::string inner;
  inner.push_back(0x08);
  AppendVarint(&inner, Rejected(outcome));
  inner.push_back(0x12);
  AppendVarint(&inner, message.size());
  inner.append(message);
  std::string out;
  out.push_back(0x0A);
  AppendVarint(&out, inner.size());
  return out + inner;
}

ServerAnswer OtlpHttp(const ServerRequest& request, const Access& access, Ingest& ingest) {
  const bool json = IsJson(request.header("content-type"));
  if (request.method != "POST") {
    ServerAnswer answer = OtlpFailure(Status(Code::invalid, "use POST for OTLP"), json, 405);
    answer.headers.emplace_back("Allow", "POST");
    return answer;
  }
  Incoming in;
  if (request.path == "/v1/metrics")
    in.protocol = Protocol::otlp_metrics;
  else if (request.path == "/v1/traces")
    in.protocol = Protocol::otlp_traces;
  else if (request.path == "/v1/logs")
    in.protocol = Protocol::otlp_logs;
  else
    return OtlpFailure(Status(Code::not_found, "OTLP is at /v1/metrics, /v1/traces and /v1/logs"),
                       json, 404);
  if (json) in.protocol = Protocol::otlp_json;
  const std::string_view type = request.header("content-type");
  if (!json && !type.starts_with("application/x-protobuf") &&
      !type.starts_with("application/protobuf")) {
    return OtlpFailure(Status(Code::unsupported,
                              "content type must be application/x-protobuf or application/json"),
                       json, 415);
  }
  auto caller = access.Check(request, Scope::write);
  if (!caller.ok()) return OtlpFailure(caller.status(), json, 403);
  auto body = base::Decompress(request.header("content-encoding"), request.body);
  if (!body.ok()) return OtlpFailure(body.status(), json, HttpCode(body.status().code()));
  in.sender = Sender(request);
  in.batch = BatchId(request.header("x-strata-batch"), in.sender + request.path, *body);
  in.trusted = caller->scope >= Scope::agent;
  in.body = std::move(*body);
  const Outcome outcome = ingest.SubmitAndWait(std::move(in));
  if (!outcome.status.ok())
    return OtlpFailure(outcome.status, json, IngestHttpCode(outcome.status));
  ServerAnswer answer;
  const std::uint64_t rejected = Rejected(outcome);
  if (json) {
    base::Json reply = base::Json::MakeObject();
    if (rejected > 0) {
      const char* key = request.path == "/v1/metrics"  ? "rejectedDataPoints"
                        : request.path == "/v1/traces" ? "rejectedSpans"
                                                       : "rejectedLogRecords";
      base::Json partial;
      partial.set(key, std::to_string(rejected)).set("errorMessage", RefusalText(outcome.refused));
      reply.set("partialSuccess", std::move(partial));
    }
    answer.body = reply.dump();
  } else {
    answer.content_type = "application/x-protobuf";
    answer.body = PartialSuccess(outcome);
  }
  return answer;
}

ServerAnswer RemoteWrite(const ServerRequest& request, const Access& access, Ingest& ingest) {
  const auto text = [](int status, std::string message) {
    ServerAnswer answer;
    answer.status = status;
    answer.content_type = "text/plain; charset=utf-8";
    answer.body = std::move(message) + "\n";
    return answer;
  };
  if (request.method != "POST") return text(405, "use POST for remote write");
  auto caller = access.Check(request, Scope::write);
  if (!caller.ok()) return text(403, caller.status().message());
  const std::string_view type = request.header("content-type");
  const bool second = type.find("io.prometheus.write.v2.Request") != std::string_view::npos;
  if (!type.empty() && !type.starts_with("application/x-protobuf"))
    return text(415, "content type must be application/x-protobuf");
  const std::string_view encoding = request.header("content-encoding");
  auto body = base::Decompress(encoding.empty() ? "snappy" : encoding, request.body);
  if (!body.ok())
    return text(body.status().code() == Code::invalid ? 400 : HttpCode(body.status().code()),
                body.status().message());
  Incoming in;
  in.protocol = second ? Protocol::remote_write2 : Protocol::remote_write1;
  in.sender = Sender(request);
  in.batch = BatchId(request.header("x-strata-batch"), in.sender, *body);
  in.trusted = caller->scope >= Scope::agent;
  in.body = std::move(*body);
  const Outcome outcome = ingest.SubmitAndWait(std::move(in));
  if (!outcome.status.ok()) return text(IngestHttpCode(outcome.status), outcome.status.message());
  ServerAnswer answer = text(outcome.refused.total() > 0 && outcome.accepted == 0 ? 400 : 204,
                             RefusalText(outcome.refused));
  if (answer.status == 204) answer.body.clear();
  if (second) {
    answer.headers.emplace_back("X-Prometheus-Remote-Write-Samples-Written",
                                std::to_string(outcome.accepted));
    answer.headers.emplace_back("X-Prometheus-Remote-Write-Histograms-Written", "0");
    answer.headers.emplace_back("X-Prometheus-Remote-Write-Exemplars-Written", "0");
  }
  return answer;
}

}  // namespace strata::server
