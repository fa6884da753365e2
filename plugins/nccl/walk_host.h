// SPDX-License-Identifier: Apache-2.0
// Plays NCCL to the plugin: loads it, finds a table, and makes the calls that NCCL makes, in any
// version of the interface. Used by the test (walk.cc) and the benchmark (cost.cc).
#pragma once

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "walk_abi.h"

namespace strata::nccl::walk {

enum : std::uint64_t { kGroup = 1, kColl = 2, kP2p = 4, kProxyOp = 8, kKernelCh = 64, kCe = 4096 };

struct Task {
  const char* func = "AllReduce";
  std::uint8_t func_number = 4;  // v1
  std::uint64_t seq = 0;
  std::size_t count = 1 << 20;
  const char* datatype = "ncclFloat32";
  std::uint8_t datatype_number = 7;
  const char *algo = "RING", *proto = "LL128";
  std::uint8_t algo_number = 1, proto_number = 1;
  int peer = 0;
  std::uint8_t channels = 4;
};
struct Comm {
  const char* name = "tp";
  std::uint64_t hash = 0x9e7a479f95a66c;
  int rank = 3, nranks = 8, nnodes = 1;
};

// One version of the interface.
class Host {
 public:
  virtual ~Host() = default;
  virtual int version() const = 0;
  virtual const char* name() const = 0;
  virtual void* Init(const Comm& comm, int* mask) = 0;
  virtual void* Group(void* context) = 0;
  virtual void* Coll(void* context, void* group, const Comm& comm, const Task& task) = 0;
  virtual void* P2p(void* context, void* group, const Comm& comm, const Task& task) = 0;
  virtual void* Ce(void*, const Task&) { return nullptr; }
  virtual void* Kernel(void* context, void* parent, std::uint8_t channel, std::uint64_t timer) = 0;
  virtual void* Proxy(void* context, void* parent, pid_t pid) = 0;
  virtual void* Other(void* context, std::uint64_t type) = 0;
  virtual void EndKernel(void* handle, std::uint64_t timer) = 0;
  virtual void Stop(void* handle) = 0;
  virtual void Finalize(void* context) = 0;
  virtual int StartNothing(void* context, void** handle) = 0;  // without a descriptor
};

template <int kVersion, typename InitFunction, typename Descr, typename StateArgs>
class HostOf final : public Host {
 public:
  using T = Table<InitFunction, Descr, StateArgs>;
  explicit HostOf(const T* table) : t_(table) {}
  int version() const override { return kVersion; }
  const char* name() const override { return t_->name; }

  void* Init(const Comm& c, int* mask) override {
    void* context = nullptr;
    if constexpr (kVersion < 4) {
      if (t_->init(&context, mask) != 0) std::abort();
    } else if constexpr (kVersion == 4) {
      if (t_->init(&context, mask, c.name, c.hash, c.nnodes, c.nranks, c.rank, nullptr) != 0)
        std::abort();
    } else {
      if (t_->init(&context, c.hash, mask, c.name, c.nnodes, c.nranks, c.rank, nullptr) != 0)
        std::abort();
    }
    return context;
  }
  void* Group(void* context) override { return Other(context, kGroup); }
  void* Other(void* context, std::uint64_t type) override {
    Descr d = Make(type, nullptr);
    return Start(context, &d);
  }
  void* Coll(void* context, void* group, const Comm& comm, const Task& task) override {
    Descr d = Make(kColl, kVersion < 5 ? group : nullptr);
    d.rank = comm.rank;
    auto& x = d.coll;
    x.seq = task.seq;
    x.count = task.count;
    x.root = task.peer;
    if constexpr (requires { x.name; }) x.name = comm.name, x.hash = comm.hash;
    if constexpr (kVersion == 1) {
      x.func = task.func_number, x.datatype = task.datatype_number;
      x.algo = task.algo_number, x.proto = task.proto_number;
    } else {
      x.func = task.func, x.datatype = task.datatype, x.algo = task.algo, x.proto = task.proto;
    }
    if constexpr (requires { x.channels; }) x.channels = task.channels;
    if constexpr (requires { x.max_channels; }) x.max_channels = 32;
    if constexpr (requires { x.group; }) x.group = group;
    if constexpr (requires { x.tag; })
      x.tag = ~std::uint64_t{0}, x.symmetric = true, x.variant = "v";
    return Start(context, &d);
  }
  void* P2p(void* context, void* group, const Comm& comm, const Task& task) override {
    Descr d = Make(kP2p, kVersion < 5 ? group : nullptr);
    d.rank = comm.rank;
    auto& x = d.p2p;
    x.count = task.count;
    x.peer = task.peer;
    if constexpr (requires { x.name; }) x.name = comm.name, x.hash = comm.hash;
    if constexpr (kVersion == 1) {
      x.func = task.func_number, x.datatype = task.datatype_number;
    } else {
      x.func = task.func, x.datatype = task.datatype;
    }
    if constexpr (requires { x.channels; }) x.channels = task.channels;
    if constexpr (requires { x.group; }) x.group = group;
    return Start(context, &d);
  }
  void* Ce(void* context, const Task& task) override {
    if constexpr (requires(Descr d) { d.ce; }) {
      Descr d = Make(kCe, nullptr);
      d.ce.seq = task.seq, d.ce.func = task.func, d.ce.count = task.count, d.ce.root = task.peer;
      d.ce.datatype = task.datatype;
      return Start(context, &d);
    }
    return nullptr;
  }
  void* Kernel(void* context, void* parent, std::uint8_t channel, std::uint64_t timer) override {
    Descr d = Make(kKernelCh, parent);
    d.kernel.channel = channel;
    d.kernel.timer = timer;
    return Start(context, &d);
  }
  void* Proxy(void* context, void* parent, pid_t pid) override {
    Descr d = Make(kProxyOp, parent);
    d.proxy.pid = pid;
    return Start(context, &d);
  }
  void EndKernel(void* handle, std::uint64_t timer) override {
    if constexpr (kVersion >= 4) {
      StateArgs args{};
      args.timer = timer;
      if (t_->record(handle, 22, &args) != 0) std::abort();
    }
    Stop(handle);
  }
  void Stop(void* handle) override {
    if (t_->stop(handle) != 0) std::abort();
  }
  void Finalize(void* context) override {
    if (t_->finalize(context) != 0) std::abort();
  }
  int StartNothing(void* context, void** handle) override {
    return t_->start(context, handle, nullptr);
  }

 private:
  static Descr Make(std::uint64_t type, void* parent) {
    Descr d;
    std::memset(static_cast<void*>(&d), 0, sizeof d);
    d.type = static_cast<decltype(d.type)>(type);
    d.parent = parent;
    return d;
  }
  void* Start(void* context, Descr* d) {
    void* handle = nullptr;
    if (t_->start(context, &handle, d) != 0) std::abort();
    return handle;
  }
  const T* t_;
};

template <int kVersion, typename InitFunction, typename Descr, typename StateArgs>
std::unique_ptr<Host> Find(void* library) {
  using H = HostOf<kVersion, InitFunction, Descr, StateArgs>;
  const std::string symbol = "ncclProfiler_v" + std::to_string(kVersion);
  const auto* table = static_cast<const typename H::T*>(::dlsym(library, symbol.c_str()));
  return table == nullptr ? nullptr : std::make_unique<H>(table);
}

inline std::unique_ptr<Host> HostFor(void* library, int version) {
  switch (version) {
    case 1: return Find<1, InitPlain, Descr1, OldArgs>(library);
    case 2: return Find<2, InitPlain, Descr2, OldArgs>(library);
    case 3: return Find<3, InitPlain, Descr3, OldArgs>(library);
    case 4: return Find<4, Init4, Descr4, Args>(library);
    case 5: return Find<5, Init5, Descr5, Args>(library);
    case 6: return Find<6, Init5, Descr6, Args>(library);
    case 7: return Find<7, Init5, Descr7, Args>(library);
    default: return nullptr;
  }
}

}  // namespace strata::nccl::walk
