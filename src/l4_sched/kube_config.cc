// SPDX-License-Identifier: Apache-2.0
// Field names of a kubeconfig: k8s.io/client-go tools/clientcmd/api/v1.
#include "l4_sched/kube_config.h"

#include <openssl/evp.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "base/file.h"

namespace strata::l4_sched {
namespace {

using base::Result;
using base::Status;

constexpr std::size_t kMaxFile = 4u << 20;

std::string Trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.pop_back();
  return text;
}

Result<std::string> FromBase64(std::string text, const std::string& what) {
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
  std::string out(text.size() / 4 * 3 + 3, '\0');
  const int n = text.size() % 4 != 0 || text.size() > kMaxFile
                    ? -1
                    : EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                      reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()));
  if (n < 0) return base::Invalid(what + " is no base64");
  std::size_t size = static_cast<std::size_t>(n);
  for (std::size_t i = text.size(); i > 0 && text[i - 1] == '=' && size > 0; --i) --size;
  out.resize(size);
  return out;
}

// One entry of users, clusters or contexts with the folder of its file.
struct Entry {
  YAML::Node node;
  std::string folder;
};

std::string Field(const YAML::Node& node, const char* key) {
  if (!node.IsMap() || !node[key] || !node[key].IsScalar()) return {};
  return node[key].Scalar();
}

std::string InFolder(const std::string& folder, const std::string& path) {
  if (path.empty() || path.front() == '/') return path;
  return (std::filesystem::path(folder) / path).string();
}

// NAME-data as text, else NAME as a file.
Status Material(const Entry& entry, const char* name, std::string* pem, std::string* file) {
  if (const std::string data = Field(entry.node, (std::string(name) + "-data").c_str());
      !data.empty()) {
    ASSIGN_OR_RETURN(*pem, FromBase64(data, std::string(name) + "-data"));
    return {};
  }
  *file = InFolder(entry.folder, Field(entry.node, name));
  return {};
}

}  // namespace

struct KubeConfig::Entries {
  std::map<std::string, Entry> clusters, users, contexts;
  std::string current;

  // Adds what the text names and no earlier text did.
  Status Add(std::string_view yaml, const std::string& folder) {
    YAML::Node root;
    try {
      root = YAML::Load(std::string(yaml));
    } catch (const YAML::Exception& e) {
      return base::Invalid(std::string("no YAML: ") + e.what());
    }
    if (!root.IsMap()) return base::Invalid("no kubeconfig");
    if (current.empty()) current = Field(root, "current-context");
    for (auto [list, inner, to] :
         {std::tuple{"clusters", "cluster", &clusters}, std::tuple{"users", "user", &users},
          std::tuple{"contexts", "context", &contexts}}) {
      if (!root[list] || !root[list].IsSequence()) continue;
      for (const YAML::Node& entry : root[list]) {
        const std::string name = Field(entry, "name");
        if (!name.empty() && entry[inner] && entry[inner].IsMap())
          to->try_emplace(name, Entry{entry[inner], folder});
      }
    }
    return {};
  }
};

Result<KubeConfig> KubeConfig::Choose(const Entries& entries, const std::string& asked) {
  const std::string name = asked.empty() ? entries.current : asked;
  const auto context = entries.contexts.find(name);
  if (context == entries.contexts.end())
    return base::Invalid(name.empty() ? "no current-context: name one"
                                      : "no context \"" + name + "\"");
  const std::string cluster_name = Field(context->second.node, "cluster");
  const std::string user_name = Field(context->second.node, "user");
  const auto cluster = entries.clusters.find(cluster_name);
  if (cluster == entries.clusters.end())
    return base::Invalid("context \"" + name + "\": no cluster \"" + cluster_name + "\"");
  KubeConfig config;
  KubeAccess& access = config.access_;
  access.server = Field(cluster->second.node, "server");
  while (!access.server.empty() && access.server.back() == '/') access.server.pop_back();
  if (!access.server.starts_with("https://") && !access.server.starts_with("http://"))
    return base::Invalid("cluster \"" + cluster_name + "\": server is no http(s) address");
  access.verify_peer = Field(cluster->second.node, "insecure-skip-tls-verify") != "true";
  for (const char* key : {"proxy-url", "tls-server-name"}) {
    if (!Field(cluster->second.node, key).empty())
      return base::Unsupported("cluster \"" + cluster_name + "\": " + key + " is not supported");
  }
  RETURN_IF_ERROR(
      Material(cluster->second, "certificate-authority", &access.ca_pem, &config.ca_file_));
  const auto user = entries.users.find(user_name);
  if (user == entries.users.end() && !user_name.empty())
    return base::Invalid("context \"" + name + "\": no user \"" + user_name + "\"");
  if (user != entries.users.end()) {
    for (const char* key : {"exec", "auth-provider", "username", "as"}) {
      if (user->second.node[key])
        return base::Unsupported("user \"" + user_name + "\": " + key +
                                 " is not supported; give a service account's token or a client "
                                 "certificate");
    }
    RETURN_IF_ERROR(
        Material(user->second, "client-certificate", &access.cert_pem, &config.cert_file_));
    RETURN_IF_ERROR(Material(user->second, "client-key", &access.key_pem, &config.key_file_));
    config.token_file_ = InFolder(user->second.folder, Field(user->second.node, "tokenFile"));
    if (config.token_file_.empty()) access.token = Field(user->second.node, "token");
  }
  config.source_ = "kubeconfig context " + name;
  RETURN_IF_ERROR(config.ReadFiles(true));
  return config;
}

Result<KubeConfig> KubeConfig::FromText(std::string_view yaml, const std::string& folder,
                                        const std::string& context) {
  Entries entries;
  RETURN_IF_ERROR(entries.Add(yaml, folder).With("kubeconfig"));
  Result<KubeConfig> config = Choose(entries, context);
  if (!config.ok()) return config.status().With("kubeconfig");
  return config;
}

Result<KubeConfig> KubeConfig::FromFiles(const std::vector<std::string>& paths,
                                         const std::string& context) {
  Entries entries;
  std::string names;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const std::string text, base::ReadFile(path, kMaxFile));
    RETURN_IF_ERROR(
        entries.Add(text, std::filesystem::path(path).parent_path().string()).With(path));
    names += (names.empty() ? "" : ":") + path;
  }
  Result<KubeConfig> config = Choose(entries, context);
  if (!config.ok()) return config.status().With(names);
  config->source_ = "kubeconfig " + names;
  return config;
}

Result<KubeConfig> KubeConfig::InCluster(const std::string& host, const std::string& port,
                                         const std::string& folder) {
  if (host.empty() || port.empty() || !std::filesystem::exists(folder + "/token"))
    return base::NotFound("no service account: this is no pod of a cluster");
  KubeConfig config;
  const bool v6 = host.find(':') != std::string::npos && host.front() != '[';
  config.access_.server = "https://" + (v6 ? "[" + host + "]" : host) + ":" + port;
  config.token_file_ = folder + "/token";
  config.ca_file_ = folder + "/ca.crt";
  config.source_ = "service account";
  RETURN_IF_ERROR(config.ReadFiles(true).With("service account"));
  return config;
}

Result<KubeConfig> KubeConfig::InCluster() {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  return InCluster(host == nullptr ? "" : host, port == nullptr ? "" : port);
}

Status KubeConfig::ReadFiles(bool first) {
  for (auto [file, to, is_token] : {std::tuple{&ca_file_, &access_.ca_pem, false},
                                    std::tuple{&cert_file_, &access_.cert_pem, false},
                                    std::tuple{&key_file_, &access_.key_pem, false},
                                    std::tuple{&token_file_, &access_.token, true}}) {
    if (file->empty()) continue;
    auto text = base::ReadFile(*file, kMaxFile);
    if (text.ok() && !text->empty()) {
      *to = is_token ? Trimmed(std::move(*text)) : std::move(*text);
    } else if (first) {
      return text.ok() ? base::Invalid(*file + " is empty") : text.status();
    }
  }
  return {};
}

const KubeAccess& KubeConfig::access(std::int64_t now_ns) {
  if (now_ns - read_ns_ >= reread_ns || now_ns < read_ns_) {
    read_ns_ = now_ns;
    static_cast<void>(ReadFiles(false));  // what was read last stands
  }
  return access_;
}

}  // namespace strata::l4_sched
