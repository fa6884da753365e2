// SPDX-License-Identifier: Apache-2.0
// Names of codes, errno as a failure, and the way a bug ends the program.
#include "base/status.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace strata::base {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::ok: return "ok";
    case Code::invalid: return "invalid";
    case Code::not_found: return "not_found";
    case Code::denied: return "denied";
    case Code::unavailable: return "unavailable";
    case Code::exhausted: return "exhausted";
    case Code::unsupported: return "unsupported";
    case Code::exists: return "exists";
    case Code::failed: return "failed";
  }
  return "failed";
}

Status FromErrno(std::string_view what) {
  const int error = errno;
  const Code code = error == ENOENT                      ? Code::not_found
                    : error == EACCES || error == EPERM  ? Code::denied
                    : error == ENOSPC || error == EDQUOT ? Code::exhausted
                                                         : Code::failed;
  return Status(code, std::string(what) + ": " + std::strerror(error));
}

void Bug(const char* file, int line, const char* condition, const char* message) {
  std::fprintf(stderr, "BUG: %s:%d: %s (%s)\n", file, line, message, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace strata::base
