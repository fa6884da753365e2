// SPDX-License-Identifier: Apache-2.0
#include "cli/proc_archive.h"

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "base/file.h"

namespace strata::cli {
namespace {

using base::InputStream;
using base::Status;

constexpr std::size_t kMaxFiles = 200'000, kMaxBytes = 1u << 30;
constexpr int kStrangers = 64;  // notes and logs that may stand before the host's files

// What an archive's input is called inside it; "" = no archive.
std::string_view MemberOf(const std::string& path, const std::string& name) {
  std::string_view member = name;
  if (!member.starts_with(path) || member.size() <= path.size() || member[path.size()] != '!')
    return {};
  member.remove_prefix(path.size() + 1);
  while (member.starts_with("./")) member.remove_prefix(2);
  return member;
}

bool LiesIn(std::string_view member, std::string_view folder) {
  return member.starts_with(folder) ||
         member.find("/" + std::string(folder)) != std::string_view::npos;
}

bool Safe(std::string_view member) {
  return !member.empty() && member[0] != '/' && member.back() != '/' &&
         !member.starts_with("../") && member.find("/../") == std::string_view::npos &&
         !member.ends_with("/..") && member != "..";
}

}  // namespace

std::unique_ptr<ProcArchive> ProcArchive::Find(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return nullptr;
  std::optional<std::string> prefix;
  int strangers = 0;
  // The walk ends with the first failure, and so it does once the answer is known.
  const Status stop = base::Failed("known");
  (void)base::ForEachStream(path, [&](InputStream& stream) -> Status {
    const std::string_view member = MemberOf(path, stream.name());
    if (member.empty()) return stop;
    if (member == "proc/stat" || member.ends_with("/proc/stat")) {
      prefix = std::string(member.substr(0, member.size() - std::string_view("proc/stat").size()));
      return stop;
    }
    if (!LiesIn(member, "proc/") && !LiesIn(member, "sys/") && ++strangers > kStrangers)
      return stop;
    return Status::Ok();
  });
  if (!prefix) return nullptr;
  return std::unique_ptr<ProcArchive>(new ProcArchive(path, std::move(*prefix)));
}

Status ProcArchive::Unpack() {
  std::error_code error;
  std::string pattern =
      (std::filesystem::temp_directory_path(error) / "strata-read-XXXXXX").string();
  if (error || ::mkdtemp(pattern.data()) == nullptr)
    return base::Failed("no temporary folder for " + path_ + ": unpack it and read the folder");
  folder_ = pattern;
  std::size_t files = 0, bytes = 0;
  return base::ForEachStream(path_, [&](InputStream& stream) -> Status {
    std::string_view member = MemberOf(path_, stream.name());
    if (!Safe(member) || !member.starts_with(prefix_)) return Status::Ok();
    member.remove_prefix(prefix_.size());
    if (++files > kMaxFiles) return base::Exhausted(path_ + ": too many files for a recorded host");
    ASSIGN_OR_RETURN(const std::string content, stream.Rest(kMaxBytes - bytes));
    bytes += content.size();
    const std::filesystem::path to = std::filesystem::path(folder_) / std::string(member);
    RETURN_IF_ERROR(base::MakeDirectories(to.parent_path().string()));
    return base::WriteFile(to.string(), content);
  });
}

ProcArchive::~ProcArchive() {
  std::error_code error;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, error);
}

}  // namespace strata::cli
