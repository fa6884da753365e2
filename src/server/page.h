// SPDX-License-Identifier: Apache-2.0
// The page's files. They are read from the folder `web` beside the program's build (web/dist) when
// it starts, so that the program and the page build apart.
#pragma once

#include <string>
#include <string_view>

namespace strata::server {

struct PageFile {
  std::string content_type;
  std::string bytes;
};

// Loads every file below the folder once; false when there is none.
bool LoadPage(const std::string& folder);
const PageFile* FindPageFile(std::string_view path);  // "/index.html"

}  // namespace strata::server
