// SPDX-License-Identifier: Apache-2.0
#include "server/page.h"

#include <filesystem>
#include <map>

#include "base/file.h"

namespace strata::server {
namespace {

std::map<std::string, PageFile, std::less<>>& Files() {
  static std::map<std::string, PageFile, std::less<>> files;
  return files;
}

std::string TypeOf(std::string_view path) {
  const std::string_view ending =
      path.substr(path.rfind('.') == std::string_view::npos ? path.size() : path.rfind('.'));
  if (ending == ".html") return "text/html; charset=utf-8";
  if (ending == ".js" || ending == ".mjs") return "text/javascript; charset=utf-8";
  if (ending == ".css") return "text/css; charset=utf-8";
  if (ending == ".svg") return "image/svg+xml";
  if (ending == ".json") return "application/json";
  if (ending == ".png") return "image/png";
  return "application/octet-stream";
}

}  // namespace

bool LoadPage(const std::string& folder) {
  std::error_code error;
  for (auto it = std::filesystem::recursive_directory_iterator(folder, error);
       !error && it != std::filesystem::recursive_directory_iterator(); it.increment(error)) {
    if (!it->is_regular_file(error)) continue;
    auto bytes = base::ReadFile(it->path().string(), 16u << 20);
    if (!bytes.ok()) continue;
    const std::string path = "/" + std::filesystem::relative(it->path(), folder).generic_string();
    Files()[path] = {TypeOf(path), std::move(*bytes)};
  }
  return Files().contains("/index.html");
}

const PageFile* FindPageFile(std::string_view path) {
  const auto it = Files().find(path);
  return it == Files().end() ? nullptr : &it->second;
}

}  // namespace strata::server
