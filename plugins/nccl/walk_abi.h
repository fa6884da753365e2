// SPDX-License-Identifier: Apache-2.0
// NCCL's side of the profiler interface, v1 to v7, as whole structs, so that the offsets of abi.h
// are tested against what a compiler makes of the fields. Facts from NVIDIA/nccl
// (src/include/plugin/profiler); declarations of our own, no more than is walked.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace strata::nccl::walk {

struct ProxyOp {
  pid_t pid;
  std::uint8_t channel;
  int peer, steps, chunk, is_send;
};
struct KernelCh {
  std::uint8_t channel;
  std::uint64_t timer;
};

struct Descr1 {
  std::uint8_t type;
  void* parent;
  int rank;
  struct Coll {
    const char* name;
    std::uint64_t hash, seq;
    std::uint8_t func;
    const void* send;
    void* recv;
    std::size_t count;
    int root;
    std::uint8_t datatype;
    std::uint32_t op;
    std::size_t traffic;
    std::uint8_t max_channels, warps, algo, proto;
    int collnet, nvls;
  };
  struct P2p {
    const char* name;
    std::uint64_t hash;
    std::uint8_t func;
    void* buffer;
    std::uint8_t datatype;
    std::size_t count;
    int peer;
  };
  union {
    Coll coll;
    P2p p2p;
    ProxyOp proxy;
    KernelCh kernel;
  };
};
static_assert(sizeof(Descr1) == 120);

struct Descr2 {
  std::uint8_t type;
  void* parent;
  int rank;
  struct Coll {
    const char* name;
    std::uint64_t hash, seq;
    const char* func;
    const void* send;
    void* recv;
    std::size_t count;
    int root;
    const char* datatype;
    std::size_t traffic;
    std::uint8_t max_channels, warps;
    const char *algo, *proto;
  };
  struct P2p {
    const char* name;
    std::uint64_t hash;
    const char* func;
    void* buffer;
    const char* datatype;
    std::size_t count;
    int peer;
  };
  union {
    Coll coll;
    P2p p2p;
    ProxyOp proxy;
    KernelCh kernel;
  };
};
static_assert(sizeof(Descr2) == 128);

struct Descr3 {
  std::uint8_t type;
  void* parent;
  int rank;
  struct Coll {
    const char* name;
    std::uint64_t hash, seq;
    const char* func;
    const void* send;
    void* recv;
    std::size_t count;
    int root;
    const char* datatype;
    std::uint8_t max_channels, warps;
    const char *algo, *proto;
  };
  union {
    Coll coll;
    Descr2::P2p p2p;
    ProxyOp proxy;
    KernelCh kernel;  // v3 tells the channel only
  };
};
static_assert(sizeof(Descr3) == 120);

struct Coll4 {
  std::uint64_t seq;
  const char* func;
  const void* send;
  void* recv;
  std::size_t count;
  int root;
  const char* datatype;
  std::uint8_t channels, warps;
  const char *algo, *proto;
};
struct P2p4 {
  const char* func;
  void* buffer;
  const char* datatype;
  std::size_t count;
  int peer;
  std::uint8_t channels;
};
struct Descr4 {
  std::uint8_t type;
  void* parent;
  int rank;
  union {
    Coll4 coll;
    P2p4 p2p;
    ProxyOp proxy;
    KernelCh kernel;
  };
};
static_assert(sizeof(Descr4) == 104);

struct Coll5 : Coll4 {
  void* group;
};
struct P2p5 : P2p4 {
  void* group;
};
struct Descr5 {
  std::uint64_t type;
  void* parent;
  int rank;
  union {
    Coll5 coll;
    P2p5 p2p;
    ProxyOp proxy;
    KernelCh kernel;
  };
};
static_assert(sizeof(Descr5) == 112);

struct CopyEngine {
  std::uint64_t seq;
  const char* func;
  const void* send;
  void* recv;
  std::size_t count;
  int root;
  const char *datatype, *sync;
  bool intra;
  std::uint32_t batch, batches, number;
  void* stream;
};
struct Descr6 {
  std::uint64_t type;
  void* parent;
  int rank;
  union {
    Coll5 coll;
    P2p5 p2p;
    ProxyOp proxy;
    KernelCh kernel;
    CopyEngine ce;
  };
};
static_assert(sizeof(Descr6) == 112 && offsetof(CopyEngine, stream) == 80);

struct Coll7 : Coll5 {
  const char* variant;
  bool symmetric;
  std::uint64_t tag;
};
struct P2p7 : P2p5 {
  std::uint64_t tag;
};
struct Descr7 {
  std::uint64_t type;
  void* parent;
  int rank;
  union {
    Coll7 coll;
    P2p7 p2p;
    ProxyOp proxy;
    KernelCh kernel;
    CopyEngine ce;
  };
};

struct OldArgs {  // v1 to v3
  std::size_t bytes;
  int steps;
};
union Args {  // v4 and later
  std::size_t bytes;
  void* data;
  std::uint64_t timer;
};
static_assert(sizeof(OldArgs) == 16 && sizeof(Args) == 8);

template <typename Init, typename Descr, typename StateArgs>
struct Table {
  const char* name;
  Init init;
  int (*start)(void*, void**, Descr*);
  int (*stop)(void*);
  int (*record)(void*, int, StateArgs*);
  int (*finalize)(void*);
};
using InitPlain = int (*)(void**, int*);
using Init4 = int (*)(void**, int*, const char*, std::uint64_t, int, int, int, void*);
using Init5 = int (*)(void**, std::uint64_t, int*, const char*, int, int, int, void*);

}  // namespace strata::nccl::walk
