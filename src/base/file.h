// SPDX-License-Identifier: Apache-2.0
// Whole files, small: reading /proc and recorded trees, inputs by path (also .gz, .zst, .tar.gz and
// folders).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/stream.h"

namespace strata::base {

// Reads to the end (works for /proc, whose sizes are 0). Beyond `max_bytes`: Code::exhausted.
Result<std::string> ReadFile(const std::string& path, std::size_t max_bytes = 256u << 20);
// Into a buffer that is reused: no allocation once it is large enough. False when unreadable.
bool ReadFileInto(const char* path, std::string* buffer);
Status WriteFile(const std::string& path, std::string_view bytes);
// Writes beside and renames over, after fdatasync: the file is either old or new.
Status ReplaceFile(const std::string& path, std::string_view bytes);
Status MakeDirectories(const std::string& path);

// Calls `take` for each input under `path`: a file as it is, .gz and .zst decompressed on the way,
// .tar.gz/.tar.zst/.tar/.tgz member by member, a folder walked in name order; "-" is standard
// input. An input that cannot be opened, and what `take` answers, ends the walk.
Status ForEachStream(const std::string& path, const std::function<Status(InputStream&)>& take);

struct InputFile {
  std::string name;   // path, or path!member for what an archive held
  std::string bytes;  // decompressed
};
inline constexpr std::size_t kMaxInput = 1u << 30;  // bytes of an input that is held whole
// The same with each input whole. One that cannot be read to its end ends the walk with its error.
Status ForEachInput(const std::string& path, const std::function<Status(InputFile)>& take);

// The path of the running program, and a folder below the user's cache.
std::string SelfPath();

}  // namespace strata::base
