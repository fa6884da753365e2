// SPDX-License-Identifier: Apache-2.0
// gRPC in the little that a unary call needs: HTTP/2 by libcurl, five bytes before the message, the
// status in the trailers (gRPC over HTTP2). Why not the gRPC library: docs/decisions.
#include "l4_sched/kube_podresources.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "base/clock.h"
#include "l4_sched/kube_object.h"

namespace strata::l4_sched {
namespace {

using base::Result;
using base::Status;
using std::string_view;
using Reader = protozero::pbf_reader;

constexpr std::size_t kMaxAnswer = 16u << 20;
constexpr std::size_t kMaxContainers = 10'000;
constexpr std::size_t kMaxIds = 100'000;
// An empty answer of a kubelet that gave devices before is a kubelet that has just started: its
// plugins register within seconds.
constexpr std::int64_t kStarting = 60 * base::kSecond;

std::string Frame(string_view message) {
  std::string out(5, '\0');
  for (int i = 0; i < 4; ++i)
    out[static_cast<std::size_t>(1 + i)] = static_cast<char>(message.size() >> (24 - 8 * i));
  out += message;
  return out;
}

Result<std::string> Unframe(string_view body) {
  if (body.size() < 5) return base::Unavailable("the answer is cut short");
  if (body[0] != 0) return base::Unsupported("the answer is compressed");
  std::uint32_t size = 0;
  for (std::size_t i = 1; i < 5; ++i) size = size << 8 | static_cast<unsigned char>(body[i]);
  if (body.size() - 5 != size) return base::Unavailable("the answer is cut short");
  return std::string(body.substr(5));
}

// Status codes of gRPC.
Status FromGrpc(int code, string_view message) {
  const std::string text =
      "gRPC status " + std::to_string(code) + (message.empty() ? "" : ": ") + std::string(message);
  switch (code) {
    case 5: return base::NotFound(text);
    case 7:
    case 16: return base::Denied(text);
    case 8: return base::Exhausted(text);
    case 12: return base::Unsupported(text);
    case 4:
    case 14: return base::Unavailable(text);
    default: return base::Failed(text);
  }
}

void ReadDevices(Reader message, KubeletDevices* out, std::size_t* ids) {
  while (message.next()) {
    switch (message.tag_and_type()) {
      case protozero::tag_and_type(1, protozero::pbf_wire_type::length_delimited):
        out->resource = message.get_string();
        break;
      case protozero::tag_and_type(2, protozero::pbf_wire_type::length_delimited):
        if (++*ids > kMaxIds) return;
        out->ids.push_back(message.get_string());
        break;
      default: message.skip();
    }
  }
}

void ReadClaims(Reader message, std::vector<KubeletClaim>* out) {
  KubeletClaim claim;
  std::vector<KubeletClaim> devices;
  while (message.next()) {
    if (message.wire_type() != protozero::pbf_wire_type::length_delimited) {
      message.skip();
    } else if (message.tag() == 2) {
      claim.claim = message.get_string();
    } else if (message.tag() == 3) {
      claim.claim_ns = message.get_string();
    } else if (message.tag() == 4 && devices.size() < 1024) {
      KubeletClaim& device = devices.emplace_back();
      Reader resource = message.get_message();
      while (resource.next()) {
        if (resource.wire_type() != protozero::pbf_wire_type::length_delimited) {
          resource.skip();
        } else if (resource.tag() == 2) {
          device.driver = resource.get_string();
        } else if (resource.tag() == 3) {
          device.pool = resource.get_string();
        } else if (resource.tag() == 4) {
          device.device = resource.get_string();
        } else if (resource.tag() == 5) {
          device.share_id = resource.get_string();
        } else {
          resource.skip();
        }
      }
    } else {
      message.skip();
    }
  }
  for (KubeletClaim& device : devices) {
    device.claim = claim.claim;
    device.claim_ns = claim.claim_ns;
    out->push_back(std::move(device));
  }
}

void ReadPod(Reader message, std::vector<KubeletContainer>* out, std::size_t* ids) {
  std::string ns, pod;
  const std::size_t first = out->size();
  while (message.next()) {
    if (message.wire_type() != protozero::pbf_wire_type::length_delimited) {
      message.skip();
    } else if (message.tag() == 1) {
      pod = message.get_string();
    } else if (message.tag() == 2) {
      ns = message.get_string();
    } else if (message.tag() == 3 && out->size() < kMaxContainers) {
      KubeletContainer& c = out->emplace_back();
      Reader part = message.get_message();
      while (part.next()) {
        if (part.wire_type() != protozero::pbf_wire_type::length_delimited) {
          part.skip();
        } else if (part.tag() == 1) {
          c.container = part.get_string();
        } else if (part.tag() == 2) {
          ReadDevices(part.get_message(), &c.devices.emplace_back(), ids);
        } else if (part.tag() == 5) {
          ReadClaims(part.get_message(), &c.claims);
        } else {
          part.skip();
        }
      }
    } else {
      message.skip();
    }
  }
  for (std::size_t i = first; i < out->size(); ++i) {
    (*out)[i].ns = ns;
    (*out)[i].pod = pod;
  }
}

// A device of a claim, as one text.
std::string KeyOf(const KubeletClaim& c) {
  return c.claim_ns + "/" + c.claim + "/" + c.driver + "/" + c.pool + "/" + c.device;
}

}  // namespace

Status ParsePodResources(string_view protobuf, std::vector<KubeletContainer>* out) {
  try {
    std::size_t ids = 0;
    Reader message(protobuf.data(), protobuf.size());
    while (message.next()) {
      if (message.tag() == 1 && message.wire_type() == protozero::pbf_wire_type::length_delimited) {
        ReadPod(message.get_message(), out, &ids);
      } else {
        message.skip();
      }
    }
    return {};
  } catch (const protozero::exception& e) {
    return base::Invalid(std::string("pod resources: ") + e.what());
  }
}

Status ParseAllocatable(string_view protobuf, std::vector<KubeletDevices>* out) {
  try {
    std::size_t ids = 0;
    Reader message(protobuf.data(), protobuf.size());
    while (message.next()) {
      if (message.tag() == 1 && message.wire_type() == protozero::pbf_wire_type::length_delimited) {
        ReadDevices(message.get_message(), &out->emplace_back(), &ids);
      } else {
        message.skip();
      }
    }
    return {};
  } catch (const protozero::exception& e) {
    return base::Invalid(std::string("allocatable resources: ") + e.what());
  }
}

// ---- calls
Result<std::string> KubeletClient::Call(const std::string& method, string_view message,
                                        std::int64_t timeout_ms, const std::stop_token& stop) {
  if (call_) return call_(method);
  if (::access(socket_.c_str(), F_OK) != 0) {
    const int error = errno;
    const std::string text = socket_ + ": " + std::strerror(error);
    return error == EACCES ? base::Denied(text) : base::NotFound(text);
  }
  if (::access(socket_.c_str(), W_OK) != 0)
    return base::Denied(socket_ + ": " + std::strerror(errno) + "; the agent needs root");
  const std::string body = Frame(message);
  base::HttpRequest request;
  request.method = "POST";
  request.url = "http://localhost" + method;
  request.unix_socket = socket_;
  request.http2 = true;
  request.headers = {{"Content-Type", "application/grpc"},
                     {"TE", "trailers"},
                     {"User-Agent", "strata"},
                     {"grpc-timeout", std::to_string(timeout_ms) + "m"}};
  request.body = body;
  request.timeout_ms = timeout_ms;
  request.max_bytes = kMaxAnswer;
  request.stop = stop;
  ASSIGN_OR_RETURN(const base::HttpAnswer answer, http_.Send(request));
  if (answer.status != 200)
    return base::Failed(socket_ + ": HTTP " + std::to_string(answer.status) + ": no gRPC server");
  const string_view status = answer.header("grpc-status");
  int code = -1;
  std::from_chars(status.data(), status.data() + status.size(), code);
  if (code < 0) return base::Unavailable(socket_ + ": the answer has no gRPC status");
  if (code != 0) return FromGrpc(code, answer.header("grpc-message")).With(socket_);
  Result<std::string> whole = Unframe(answer.body);
  if (!whole.ok()) return whole.status().With(socket_);
  return whole;
}

Result<std::vector<KubeletContainer>> KubeletClient::List(std::int64_t timeout_ms,
                                                          const std::stop_token& stop) {
  version_ = "v1";
  Result<std::string> answer = Call("/v1.PodResourcesLister/List", {}, timeout_ms, stop);
  if (!answer.ok() && answer.status().code() == base::Code::unsupported) {
    version_ = "v1alpha1";
    answer = Call("/v1alpha1.PodResourcesLister/List", {}, timeout_ms, stop);
  }
  if (!answer.ok()) return answer.status();
  std::vector<KubeletContainer> out;
  RETURN_IF_ERROR(ParsePodResources(*answer, &out));
  return out;
}

Result<std::vector<KubeletDevices>> KubeletClient::Allocatable(std::int64_t timeout_ms,
                                                               const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const std::string answer,
                   Call("/v1.PodResourcesLister/GetAllocatableResources", {}, timeout_ms, stop));
  std::vector<KubeletDevices> out;
  RETURN_IF_ERROR(ParseAllocatable(answer, &out));
  return out;
}

Result<std::vector<KubeletContainer>> KubeletClient::Get(const std::string& ns,
                                                         const std::string& pod,
                                                         std::int64_t timeout_ms,
                                                         const std::stop_token& stop) {
  std::string message;
  protozero::pbf_writer writer(message);
  writer.add_string(1, pod);
  writer.add_string(2, ns);
  ASSIGN_OR_RETURN(const std::string answer,
                   Call("/v1.PodResourcesLister/Get", message, timeout_ms, stop));
  std::vector<KubeletContainer> out;
  RETURN_IF_ERROR(ParsePodResources(answer, &out));
  return out;
}

// ---- ids
// NVIDIA's device plugin: UUID, UUID::N of a replica (time-slicing, MPS); HAMi's: UUID-N.
KubeletDevice DeviceOf(string_view resource, string_view id) {
  const std::size_t replica = id.find("::");
  const string_view bare = id.substr(0, replica);
  if (bare.starts_with("MIG-")) return {"", "mig", "MIG instances whose device is not known"};
  if (bare.starts_with("GPU-")) {
    if (std::ranges::count(bare, '-') > 5)
      return {"", "hami", "virtual ids (the pod's annotation tells the device)"};
    return {std::string(bare), replica == string_view::npos ? "whole" : "timeslice", ""};
  }
  return {"", "whole", "ids of " + std::string(resource) + " whose device is not known"};
}

// ---- sightings
KubeletCollector::KubeletCollector(KubeletOptions options)
    : options_(std::move(options)), client_(options_.socket, options_.call) {
  state_ = {"kubelet", "l4_sched", "absent", "not asked yet", 0, {}};
}

void KubeletCollector::Collect(std::int64_t now_ns, model::Batch* batch,
                               const std::stop_token& stop) {
  const auto say = [&](std::string state, std::string detail) {
    state_.state = std::move(state);
    state_.detail = std::move(detail);
    batch->sources.push_back(state_);
  };
  auto list = client_.List(options_.timeout_ms, stop);
  if (!list.ok()) {
    const base::Code code = list.status().code();
    const bool absent = code == base::Code::not_found || code == base::Code::denied;
    return say(absent                ? "absent"
               : state_.last_ns != 0 ? "stale"
                                     : "failed",
               list.status().message());
  }
  const std::size_t offered = Offered(stop);
  const bool empty = offered == 0 && std::ranges::all_of(*list, [](const KubeletContainer& c) {
                       return c.devices.empty() && c.claims.empty();
                     });
  if (!empty) empty_since_ns_ = 0;
  if (empty && had_devices_) {
    if (empty_since_ns_ == 0) empty_since_ns_ = now_ns;
    if (now_ns - empty_since_ns_ < kStarting)
      return say("stale", "the kubelet has just started: its device plugins are not there yet");
  }
  had_devices_ = !empty;
  unknown_.clear();
  claimants_.clear();
  sighted_ = 0;
  for (const KubeletContainer& container : *list) {
    for (const KubeletClaim& claim : container.claims) ++claimants_[KeyOf(claim)];
  }
  for (const KubeletContainer& container : *list) Sight(container, now_ns, batch);
  state_.last_ns = now_ns;
  std::string detail = std::to_string(sighted_) + " devices held, " + std::to_string(offered) +
                       " offered (" + client_.version() + ")";
  if (!offered_why_.empty()) detail += "; what is offered is not known: " + offered_why_;
  for (const auto& [why, n] : unknown_) detail += "; " + std::to_string(n) + " " + why;
  say("live", std::move(detail));
}

// How many devices the plugins offer. How many replicas a device has is remembered: a plugin that
// died offers nothing, and what it gave is still held.
std::size_t KubeletCollector::Offered(const std::stop_token& stop) {
  std::size_t offered = 0;
  const auto allocatable = client_.Allocatable(options_.timeout_ms, stop);
  offered_why_.clear();
  if (!allocatable.ok()) {
    offered_why_ = allocatable.status().message();
    return 0;
  }
  std::map<std::string, int> replicas;
  for (const KubeletDevices& devices : *allocatable) {
    if (!IsAccelerator(devices.resource)) continue;
    offered += devices.ids.size();
    for (const std::string& id : devices.ids) {
      const KubeletDevice device = DeviceOf(devices.resource, id);
      if (device.share_kind == "timeslice") ++replicas[device.gpu];
    }
  }
  if (replicas_.size() + replicas.size() > kMaxIds) replicas_.clear();
  for (const auto& [gpu, n] : replicas) replicas_[gpu] = n;
  return offered;
}

void KubeletCollector::Sight(const KubeletContainer& c, std::int64_t now_ns, model::Batch* batch) {
  if (c.devices.empty() && c.claims.empty()) return;
  model::Holding h;
  h.node = options_.node;
  h.cluster = options_.cluster;
  h.ns = c.ns;
  h.pod = c.pod;
  h.container = c.container;
  h.source = "kubelet";
  h.valid_from = now_ns;
  if (options_.describe && !options_.describe(c, &h)) return;
  for (const KubeletDevices& devices : c.devices) {
    // Network cards and the like are handed out by plugins too.
    if (!IsAccelerator(devices.resource)) continue;
    for (const std::string& id : devices.ids)
      HoldDevice(h, id, DeviceOf(devices.resource, id), batch);
  }
  for (const KubeletClaim& claim : c.claims) HoldClaim(h, claim, batch);
}

void KubeletCollector::HoldDevice(model::Holding h, string_view id, const KubeletDevice& device,
                                  model::Batch* batch) {
  h.gpu = device.gpu;
  h.share_kind = device.share_kind;
  if (h.gpu.empty() && !(options_.resolve && options_.resolve(id, &h))) {
    ++unknown_[device.why];
    return;
  }
  if (device.share_kind == "timeslice") {
    // Policy: replicas of a device are equal parts of it, as many as the plugin offers.
    const auto it = replicas_.find(device.gpu);
    if (it == replicas_.end()) {
      ++unknown_["replicas of a device whose number is not known"];
      return;
    }
    h.share = 1.0 / it->second;
  }
  Keep(std::move(h), batch);
}

void KubeletCollector::HoldClaim(model::Holding h, const KubeletClaim& claim, model::Batch* batch) {
  h.share_kind = "dra";
  const ClaimIs is = options_.resolve_claim ? options_.resolve_claim(claim, &h) : ClaimIs::unknown;
  if (is == ClaimIs::unknown) ++unknown_["claimed devices that the API does not tell"];
  if (is != ClaimIs::held) return;
  // Policy: a device of a claim that several containers use belongs to them in equal parts.
  h.share /= std::max(1, claimants_[KeyOf(claim)]);
  Keep(std::move(h), batch);
}

// Several parts of one device in one container are one holding.
void KubeletCollector::Keep(model::Holding h, model::Batch* batch) {
  ++sighted_;
  for (auto it = batch->holdings.rbegin(); it != batch->holdings.rend(); ++it) {
    if (it->source != h.source || it->pod != h.pod || it->ns != h.ns) break;
    if (it->gpu != h.gpu || it->container != h.container) continue;
    it->share = std::min(1.0, it->share + h.share);
    return;
  }
  batch->holdings.push_back(std::move(h));
}

}  // namespace strata::l4_sched
