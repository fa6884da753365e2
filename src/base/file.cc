// SPDX-License-Identifier: Apache-2.0
// Files through POSIX; archives through libarchive.
#include "base/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>

namespace strata::base {
namespace {

struct Fd {
  explicit Fd(int fd) : fd(fd) {}
  ~Fd() {
    if (fd >= 0) ::close(fd);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int fd;
};

bool EndsWith(std::string_view s, std::string_view end) {
  return s.size() >= end.size() && s.substr(s.size() - end.size()) == end;
}

Result<std::string> ReadFd(int fd, std::size_t max_bytes, const std::string& name) {
  std::string out;
  std::size_t used = 0;
  for (;;) {
    if (out.size() - used < 4096) out.resize(std::max<std::size_t>(out.size() * 2, 16384));
    const ssize_t n = ::read(fd, out.data() + used, out.size() - used);
    if (n < 0) {
      if (errno == EINTR) continue;
      return FromErrno(name);
    }
    if (n == 0) break;
    used += static_cast<std::size_t>(n);
    if (used > max_bytes)
      return Exhausted(name + ": larger than " + std::to_string(max_bytes) + " bytes");
  }
  out.resize(used);
  return out;
}

bool IsArchive(std::string_view name) {
  return EndsWith(name, ".tar.gz") || EndsWith(name, ".tgz") || EndsWith(name, ".tar.zst") ||
         EndsWith(name, ".tar");
}

std::string Why(archive* reader) {
  const char* text = archive_error_string(reader);
  return text != nullptr ? text : "damaged archive";
}

Status ForEachMember(const std::string& name, const std::function<Status(InputStream&)>& take) {
  const std::unique_ptr<archive, int (*)(archive*)> reader(archive_read_new(), archive_read_free);
  archive_read_support_filter_all(reader.get());
  archive_read_support_format_tar(reader.get());
  if (archive_read_open_filename(reader.get(), name.c_str(), 1u << 18) != ARCHIVE_OK) {
    return Invalid(name + ": " + Why(reader.get()));
  }
  archive_entry* entry = nullptr;
  for (;;) {
    const int code = archive_read_next_header(reader.get(), &entry);
    if (code == ARCHIVE_EOF) return Status::Ok();
    if (code < ARCHIVE_WARN) return Invalid(name + ": " + Why(reader.get()));
    if (archive_entry_filetype(entry) != AE_IFREG) continue;
    const char* member_name = archive_entry_pathname(entry);
    InputStream member(name + "!" + (member_name != nullptr ? member_name : ""),
                       [&](char* out, std::size_t n) -> Result<std::size_t> {
                         const la_ssize_t got = archive_read_data(reader.get(), out, n);
                         if (got < 0) return Invalid(Why(reader.get()));
                         return static_cast<std::size_t>(got);
                       });
    RETURN_IF_ERROR(take(member));
  }
}

Status TakeFile(const std::string& name, const std::function<Status(InputStream&)>& take) {
  if (IsArchive(name)) return ForEachMember(name, take);
  const int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FromErrno(name);
  ByteReader bytes = FdReader(fd, name);
  if (EndsWith(name, ".gz")) bytes = Decompressing("gzip", std::move(bytes));
  if (EndsWith(name, ".zst")) bytes = Decompressing("zstd", std::move(bytes));
  InputStream stream(name, std::move(bytes));
  return take(stream);
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, std::size_t max_bytes) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.fd < 0) return FromErrno(path);
  return ReadFd(fd.fd, max_bytes, path);
}

bool ReadFileInto(const char* path, std::string* buffer) {
  const Fd fd(::open(path, O_RDONLY | O_CLOEXEC));
  if (fd.fd < 0) return false;
  std::size_t used = 0;
  buffer->resize(buffer->capacity());
  for (;;) {
    if (buffer->size() - used < 1024)
      buffer->resize(std::max<std::size_t>(buffer->size() * 2, 8192));
    const ssize_t n = ::read(fd.fd, buffer->data() + used, buffer->size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) break;
    used += static_cast<std::size_t>(n);
  }
  buffer->resize(used);
  return true;
}

Status WriteFile(const std::string& path, std::string_view bytes) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (fd.fd < 0) return FromErrno(path);
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FromErrno(path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fdatasync(fd.fd) != 0 && errno != EINVAL) return FromErrno(path);
  return Status::Ok();
}

Status ReplaceFile(const std::string& path, std::string_view bytes) {
  const std::string beside = path + ".new";
  RETURN_IF_ERROR(WriteFile(beside, bytes));
  if (::rename(beside.c_str(), path.c_str()) != 0) return FromErrno(path);
  return Status::Ok();
}

Status MakeDirectories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return Failed(path + ": " + error.message());
  return Status::Ok();
}

Status ForEachStream(const std::string& path, const std::function<Status(InputStream&)>& take) {
  if (path == "-") {
    InputStream stream("-", FdReader(::dup(STDIN_FILENO), "standard input"));
    return take(stream);
  }
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return TakeFile(path, take);
  std::vector<std::string> names;
  const auto options = std::filesystem::directory_options::skip_permission_denied;
  for (auto it = std::filesystem::recursive_directory_iterator(path, options, error);
       it != std::filesystem::recursive_directory_iterator() && !error; it.increment(error)) {
    if (it->is_regular_file(error)) names.push_back(it->path().string());
  }
  if (error) return Failed(path + ": " + error.message());
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) RETURN_IF_ERROR(TakeFile(name, take));
  return Status::Ok();
}

Status ForEachInput(const std::string& path, const std::function<Status(InputFile)>& take) {
  return ForEachStream(path, [&](InputStream& stream) -> Status {
    auto bytes = stream.Rest(kMaxInput);
    if (!bytes.ok()) return bytes.status().With(stream.name());
    return take({stream.name(), std::move(*bytes)});
  });
}

std::string SelfPath() {
  char path[4096];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path - 1);
  return n > 0 ? std::string(path, static_cast<std::size_t>(n)) : std::string();
}

}  // namespace strata::base
