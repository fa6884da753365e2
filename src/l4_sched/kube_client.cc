// SPDX-License-Identifier: Apache-2.0
#include "l4_sched/kube_client.h"

#include <algorithm>
#include <charconv>

#include "base/clock.h"

namespace strata::l4_sched {

std::string KubeResource::path() const {
  return (group.empty() ? "/api/" : "/apis/" + group + "/") + version + "/" + plural;
}
std::string KubeResource::name() const { return group.empty() ? plural : plural + "." + group; }

std::string KubeQuote(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      constexpr char kHex[] = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

std::string KubeErrorText(int status, std::string_view body) {
  std::string out = "HTTP " + std::to_string(status);
  KubeHead head;
  KubeParser parser;
  if (parser.Head(body, &head).ok() && !head.message.empty()) return out + ": " + head.message;
  std::string words(body.substr(0, 120));
  for (char& c : words) c = c < ' ' ? ' ' : c;
  return words.empty() ? out : out + ": " + words;
}

base::HttpRequest KubeClient::Request(const std::string& path, bool metadata_only,
                                      const Limits& limits, const std::stop_token& stop) {
  const KubeAccess& access = config_.access(base::Clock::system().now_ns());
  base::HttpRequest request;
  request.url = access.server + path;
  request.headers = {
      {"User-Agent", "strata"},
      {"Accept", metadata_only ? "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;"
                                 "v=v1,application/json;as=PartialObjectMetadata;"
                                 "g=meta.k8s.io;v=v1,application/json"
                               : "application/json"}};
  if (!access.token.empty())
    request.headers.emplace_back("Authorization", "Bearer " + access.token);
  request.ca_pem = access.ca_pem;
  request.cert_pem = access.cert_pem;
  request.key_pem = access.key_pem;
  request.verify_peer = access.verify_peer;
  request.timeout_ms = limits.timeout_ms;
  request.idle_ms = limits.idle_ms;
  request.max_bytes = limits.max_bytes;
  request.stop = stop;
  return request;
}

KubeAnswer KubeClient::Answer(base::Result<base::HttpAnswer> from) {
  KubeAnswer answer;
  if (!from.ok()) {
    answer.error = from.status().message();
    return answer;
  }
  answer.status = from->status;
  answer.body = std::move(from->body);
  if (answer.status == 401) config_.Reread();
  std::int64_t seconds = 0;
  const std::string_view after = from->header("retry-after");
  if (std::from_chars(after.data(), after.data() + after.size(), seconds).ec == std::errc())
    answer.retry_after_ns = std::clamp<std::int64_t>(seconds, 0, 300) * base::kSecond;
  if (answer.status != 200) answer.error = KubeErrorText(answer.status, answer.body);
  return answer;
}

KubeAnswer KubeClient::Get(const std::string& path, bool metadata_only, const Limits& limits,
                           const std::stop_token& stop) {
  return Answer(http_.Send(Request(path, metadata_only, limits, stop)));
}

KubeAnswer KubeClient::Stream(const std::string& path, bool metadata_only, const Limits& limits,
                              const std::stop_token& stop,
                              const std::function<bool(std::string_view)>& take) {
  return Answer(http_.Stream(Request(path, metadata_only, limits, stop), take));
}

}  // namespace strata::l4_sched
