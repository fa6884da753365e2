// SPDX-License-Identifier: Apache-2.0
// A recorded host (…/proc/stat and what lies beside it) that came as an archive: unpacked to a
// folder of its own, so that it is read as any other recorded host. The folder goes with the
// object.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace strata::cli {

class ProcArchive {
 public:
  // nullptr where `path` is no archive of a recorded host. Only names are looked at, and no further
  // than the first few members that lie in no /proc or /sys.
  static std::unique_ptr<ProcArchive> Find(const std::string& path);
  ~ProcArchive();
  ProcArchive(const ProcArchive&) = delete;
  ProcArchive& operator=(const ProcArchive&) = delete;

  // At most 200,000 files and 1 GiB; beyond it is Code::exhausted. Members that point outside the
  // folder are passed over.
  base::Status Unpack();
  std::string root() const { return folder_; }  // holds proc/stat once unpacked

 private:
  ProcArchive(std::string path, std::string prefix)
      : path_(std::move(path)), prefix_(std::move(prefix)) {}

  std::string path_, prefix_;  // prefix_: of member names, up to "proc/"
  std::string folder_;
};

}  // namespace strata::cli
