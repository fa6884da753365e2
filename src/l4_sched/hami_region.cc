// SPDX-License-Identifier: Apache-2.0
// The shared region of HAMi-core, read from a copy of its bytes. Layouts (x86-64 and arm64 glibc)
// are those of the library's header at the releases named; the file's length and its version tell
// them apart. What the container wrote is not trusted: counts are clamped, dead slots skipped.
#include <algorithm>
#include <cstring>

#include "l4_sched/hami.h"

namespace strata::l4_sched {
namespace {

using std::string_view;

constexpr std::int32_t kMagic = 19920718;
constexpr std::size_t kMaxDevices = 16, kMaxProcesses = 1024, kUuidStride = 96, kUuidBytes = 40;

struct Layout {
  string_view version;
  std::size_t device_num, uuids, limit, sm_limit, procs, stride;
  std::size_t used, used_stride, used_total, util, util_stride, util_sm, status, seqlock;
  std::size_t proc_num;
};
constexpr Layout kV1 = {"v1.1", 56, 64,   1600, 1728, 1856, 1960, 8,
                        64,     32, 1160, 48,   16,   1928, 1936, 2008896};
constexpr Layout kMutant = {"v1.1-mutant", 88, 96, 1632, 1760, 1888,   1960, 16, 64, 32,
                            1168,          48, 16, 1936, 0,    2008928};
constexpr std::size_t kV1Size = 2'008'953, kMutantSize = 2'008'985;

template <typename T>
T At(string_view bytes, std::size_t offset) {
  T out{};
  if (offset + sizeof(T) <= bytes.size()) std::memcpy(&out, bytes.data() + offset, sizeof(T));
  return out;
}

void ReadProcesses(string_view bytes, const Layout& l, std::size_t devices, bool seqlocks,
                   Region* out) {
  const std::size_t n = static_cast<std::size_t>(
      std::clamp<std::int32_t>(At<std::int32_t>(bytes, l.proc_num), 0, kMaxProcesses));
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t slot = l.procs + i * l.stride;
    if (slot + l.stride > bytes.size()) break;
    if (At<std::int32_t>(bytes, slot + l.status) == 0) continue;  // dead: its numbers are old
    if (seqlocks && (At<std::uint64_t>(bytes, slot + l.seqlock) & 1) != 0) {
      out->torn = true;
      continue;
    }
    RegionProcess& p = out->processes.emplace_back();
    p.pid = At<std::int32_t>(bytes, slot);
    p.host_pid = At<std::int32_t>(bytes, slot + 4);
    for (std::size_t d = 0; d < devices; ++d) {
      p.used_bytes.push_back(
          At<std::uint64_t>(bytes, slot + l.used + d * l.used_stride + l.used_total));
      p.sm_percent.push_back(static_cast<double>(
          At<std::uint64_t>(bytes, slot + l.util + d * l.util_stride + l.util_sm)));
    }
  }
}

}  // namespace

base::Result<Region> DecodeRegion(string_view bytes) {
  if (bytes.size() < kV1.procs || At<std::int32_t>(bytes, 0) != kMagic)
    return base::Invalid("no region of HAMi-core, or one that is not ready");
  const auto major = At<std::uint32_t>(bytes, 4), minor = At<std::uint32_t>(bytes, 8);
  if (bytes.size() < kV1Size - 1)
    return base::Unsupported("a region of HAMi-core before its version 1");
  if (major != 1 || minor < 1 || minor > 2)
    return base::Unsupported("a region of HAMi-core of version " + std::to_string(major) + "." +
                             std::to_string(minor));
  const bool mutant = minor == 1 && bytes.size() == kMutantSize;
  const Layout& l = mutant ? kMutant : kV1;
  Region out;
  out.version = mutant ? std::string(l.version) : minor == 2 ? "v1.2" : "v1.1";
  const std::uint64_t told = At<std::uint64_t>(bytes, l.device_num);
  const std::size_t devices = std::min<std::uint64_t>(told, kMaxDevices);
  for (std::size_t d = 0; d < devices; ++d) {
    const string_view raw = bytes.substr(l.uuids + d * kUuidStride, kUuidBytes);
    const string_view uuid = raw.substr(0, raw.find('\0'));
    if (uuid.empty()) return base::Unavailable("a region of HAMi-core that is not ready");
    out.devices.push_back({std::string(uuid), At<std::uint64_t>(bytes, l.limit + 8 * d),
                           static_cast<double>(At<std::uint64_t>(bytes, l.sm_limit + 8 * d))});
  }
  ReadProcesses(bytes, l, devices, minor == 2, &out);
  return out;
}

bool SplitRegionFolder(string_view folder, std::string* pod_uid, std::string* container) {
  const std::size_t cut = folder.find('_');
  if (cut == string_view::npos || cut < 32 || cut + 1 >= folder.size()) return false;
  *pod_uid = folder.substr(0, cut);
  *container = folder.substr(cut + 1);
  return true;
}

}  // namespace strata::l4_sched
