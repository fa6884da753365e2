// SPDX-License-Identifier: Apache-2.0
// The plugin's side of docs/format/nccl-plugin.md: records as structs and the frame they are packed
// into. Little-endian machines only, which all that NCCL runs on are.
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::nccl {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is little-endian");

constexpr std::uint16_t kFormatVersion = 1;
constexpr std::uint32_t kPluginVersion = 1;
constexpr std::size_t kFrameBytes = 32768;

struct FrameHeader {
  char magic[4];
  std::uint16_t version, records;
  std::uint32_t bytes, pid;
  std::uint64_t number;
};
static_assert(sizeof(FrameHeader) == 24);

struct ProcessRecord {
  std::uint16_t type = 1, bytes = sizeof(ProcessRecord);
  std::uint32_t plugin_version = kPluginVersion;
  std::int64_t started_ns = 0, now_ns = 0;
  std::uint32_t pool = 0, mask = 0;
  char host[64] = {};
};
static_assert(sizeof(ProcessRecord) == 96);

struct CommunicatorRecord {
  std::uint16_t type = 2, bytes = sizeof(CommunicatorRecord);
  std::uint32_t number = 0;
  std::uint64_t hash = 0;
  std::int32_t rank = -1, nranks = -1, nnodes = -1;
  std::uint8_t abi = 0, has_gpu = 0, pad[2] = {};
  std::uint8_t uuid[16] = {};
  char name[128] = {};
  std::uint8_t reserved[16] = {};
};
static_assert(sizeof(CommunicatorRecord) == 192 && offsetof(CommunicatorRecord, name) == 48);

enum class Kind : std::uint8_t { collective = 1, p2p = 2, copy_engine = 3 };
enum class Timing : std::uint8_t { none = 0, gpu = 1, host = 2, proxy = 3 };

struct EventRecord {
  std::uint16_t type = 3, bytes = sizeof(EventRecord);
  Kind kind = Kind::collective;
  std::uint8_t done = 0;
  Timing timing = Timing::none;
  std::uint8_t inferred = 0;
  std::uint32_t communicator = 0;
  std::int32_t peer = -1;
  std::uint64_t seq = 0, order = 0, count = 0;
  std::int64_t enqueued_ns = 0, begun_ns = 0, ended_ns = 0;
  std::uint64_t gpu_start = 0, gpu_end = 0, slowest_ns = 0, fastest_ns = 0;
  std::uint16_t channels = 0, begun = 0, ended = 0;
  std::uint8_t slowest = 0, fastest = 0;
  char func[40] = {}, datatype[24] = {}, algo[40] = {}, proto[24] = {};
  std::int64_t now_ns = 0;
};
static_assert(sizeof(EventRecord) == 240 && offsetof(EventRecord, func) == 104 &&
              offsetof(EventRecord, now_ns) == 232);

struct EndRecord {
  std::uint16_t type = 4, bytes = sizeof(EndRecord);
  std::uint32_t number = 0;
  std::int64_t now_ns = 0;
};
static_assert(sizeof(EndRecord) == 16);

struct Counts {  // cumulative
  std::uint64_t recorded = 0, pool_full = 0, unheard = 0, stale = 0, abandoned = 0, homeless = 0,
                inferred = 0;
};
struct CountsRecord {
  std::uint16_t type = 5, bytes = sizeof(CountsRecord);
  std::uint32_t pad = 0;
  Counts counts;
  std::int64_t now_ns = 0;
};
static_assert(sizeof(CountsRecord) == 72);

}  // namespace strata::nccl
