// SPDX-License-Identifier: Apache-2.0
// What NCCL hands to a profiler plugin, as numbers: event bits, states and, for each version of the
// interface, where the fields of an event descriptor stand (x86-64 and aarch64 lay them out alike).
// Source of the facts: NVIDIA/nccl, src/include/plugin/profiler/profiler_v1.h to v7.h and
// nccl_profiler.h. Declarations of our own; tests/plugins/nccl checks them against whole structs.
#pragma once

#include <cstdint>
#include <cstring>

namespace strata::nccl {

enum Event : std::uint64_t {
  kGroup = 1 << 0,
  kColl = 1 << 1,
  kP2p = 1 << 2,
  kProxyOp = 1 << 3,
  kKernelCh = 1 << 6,
  kCeColl = 1 << 12,
};
constexpr int kKernelChStop = 22;  // recordEventState: the argument holds the GPU's timer at 0

constexpr std::uint16_t kNone = 0xFFFF;

// Offsets into an event descriptor; kNone = this version does not tell it. A `*_number` field is an
// enumerator in one byte, the others are pointers to text.
struct TaskLayout {
  std::uint16_t name, hash;  // of the communicator; later versions tell them to init
  std::uint16_t seq, func, count, peer, datatype;
  std::uint16_t channels;  // exactly as many kernel channels report; an upper bound is not told
  std::uint16_t algo, proto, group;
};
struct Layout {
  int version;
  bool wide_type;     // the type is 8 bytes, else 1
  bool numbers;       // func, datatype, algo, proto are enumerators
  bool kernel_timer;  // kernel channels bring the GPU's timer
  TaskLayout coll, p2p, ce;
};
constexpr std::uint16_t kType = 0, kParent = 8, kRank = 16, kProxyPid = 24, kChannel = 24,
                        kTimer = 32;

constexpr TaskLayout kAbsent{kNone, kNone, kNone, kNone, kNone, kNone,
                             kNone, kNone, kNone, kNone, kNone};
constexpr Layout kLayouts[] = {
    {1,
     false,
     true,
     false,
     {24, 32, 40, 48, 72, 80, 84, kNone, 106, 107, kParent},
     {24, 32, kNone, 40, 64, 72, 56, kNone, kNone, kNone, kParent},
     kAbsent},
    {2,
     false,
     false,
     false,
     {24, 32, 40, 48, 72, 80, 88, kNone, 112, 120, kParent},
     {24, 32, kNone, 40, 64, 72, 56, kNone, kNone, kNone, kParent},
     kAbsent},
    {3,
     false,
     false,
     false,
     {24, 32, 40, 48, 72, 80, 88, kNone, 104, 112, kParent},
     {24, 32, kNone, 40, 64, 72, 56, kNone, kNone, kNone, kParent},
     kAbsent},
    {4,
     false,
     false,
     true,
     {kNone, kNone, 24, 32, 56, 64, 72, 80, 88, 96, kParent},
     {kNone, kNone, kNone, 24, 48, 56, 40, 60, kNone, kNone, kParent},
     kAbsent},
    {5,
     true,
     false,
     true,
     {kNone, kNone, 24, 32, 56, 64, 72, 80, 88, 96, 104},
     {kNone, kNone, kNone, 24, 48, 56, 40, 60, kNone, kNone, 64},
     kAbsent},
    {6,
     true,
     false,
     true,
     {kNone, kNone, 24, 32, 56, 64, 72, 80, 88, 96, 104},
     {kNone, kNone, kNone, 24, 48, 56, 40, 60, kNone, kNone, 64},
     {kNone, kNone, 24, 32, 56, 64, 72, kNone, kNone, kNone, kNone}},
    // v7 appends to these structs (kernel variant, user tag) and adds kernel phases as a new event;
    // two downstream variants of v7 differ beyond what is read here.
    {7,
     true,
     false,
     true,
     {kNone, kNone, 24, 32, 56, 64, 72, 80, 88, 96, 104},
     {kNone, kNone, kNone, 24, 48, 56, 40, 60, kNone, kNone, 64},
     {kNone, kNone, 24, 32, 56, 64, 72, kNone, kNone, kNone, kNone}},
};

// The enumerators of v1 (NCCL 2.23), spelled as later versions spell them.
constexpr const char* kFuncs[] = {"Broadcast", "Reduce",   "AllGather", "ReduceScatter",
                                  "AllReduce", "SendRecv", "Send",      "Recv"};
constexpr const char* kDatatypes[] = {"ncclInt8",    "ncclUint8",   "ncclInt32",   "ncclUint32",
                                      "ncclInt64",   "ncclUint64",  "ncclFloat16", "ncclFloat32",
                                      "ncclFloat64", "ncclBfloat16"};
constexpr const char* kAlgos[] = {"TREE",      "RING", "COLLNET_DIRECT", "COLLNET_CHAIN", "NVLS",
                                  "NVLS_TREE", "PAT"};
constexpr const char* kProtos[] = {"LL", "LL128", "SIMPLE"};

template <typename T>
inline T Get(const void* base, std::uint16_t at) {
  T value;
  std::memcpy(&value, static_cast<const char*>(base) + at, sizeof value);
  return value;
}

}  // namespace strata::nccl
