// SPDX-License-Identifier: Apache-2.0
// Walks every table of the plugin as NCCL would, without a GPU, and looks at what an agent makes of
// it: the agent's end here is the decoder of l2_comm behind a socket. Runs under ASan and TSan.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "l2_comm/plugin_stream.h"
#include "walk_host.h"

namespace strata::nccl::walk {
namespace {

constexpr std::uint32_t kPool = 512;
#if defined(__SANITIZE_THREAD__)
constexpr bool kThreadsAfterFork = false;  // TSan ends a forked child that starts one
#else
constexpr bool kThreadsAfterFork = true;
#endif
std::string socket_path;
void* library;

std::int64_t NowNs() { return std::chrono::system_clock::now().time_since_epoch().count(); }

// Takes every connection and decodes every frame.
class Agent {
 public:
  Agent() {
    ::unlink(socket_path.c_str());
    listen_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket_path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(listen_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listen_, 16), 0);
    thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
  }
  ~Agent() {
    thread_.request_stop();
    thread_.join();
    for (const auto& [fd, stream] : streams_) ::close(fd);
    ::close(listen_);
    ::unlink(socket_path.c_str());
  }
  std::vector<model::Collective> rows(const std::string& communicator, bool done = true) const {
    const std::lock_guard lock(mutex_);
    std::vector<model::Collective> out;
    for (const model::Collective& row : batch_.collectives) {
      if (row.communicator == communicator && row.done == done) out.push_back(row);
    }
    return out;
  }
  std::vector<model::Entity> entities() const {
    const std::lock_guard lock(mutex_);
    return batch_.entities;
  }
  std::uint64_t refused() const {
    const std::lock_guard lock(mutex_);
    return batch_.refused.total();
  }
  l2_comm::PluginCounts counts(pid_t pid = ::getpid()) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [fd, stream] : streams_) {
      if (stream.pid() == static_cast<std::uint32_t>(pid)) return stream.counts();
    }
    return {};
  }
  std::uint64_t missing() const {
    const std::lock_guard lock(mutex_);
    std::uint64_t n = 0;
    for (const auto& [fd, stream] : streams_) n += stream.missing_frames();
    return n;
  }
  std::size_t connections() const {
    const std::lock_guard lock(mutex_);
    return streams_.size();
  }

 private:
  void Run(const std::stop_token& stop) {
    std::vector<char> frame(l2_comm::PluginStream::kMaxFrame);
    while (!stop.stop_requested()) {
      std::vector<pollfd> fds{{listen_, POLLIN, 0}};
      {
        const std::lock_guard lock(mutex_);
        for (const auto& [fd, stream] : streams_) fds.push_back({fd, POLLIN, 0});
      }
      if (::poll(fds.data(), fds.size(), 20) <= 0) continue;
      const std::lock_guard lock(mutex_);
      if (fds[0].revents != 0) streams_.try_emplace(::accept(listen_, nullptr, nullptr));
      for (std::size_t i = 1; i < fds.size(); ++i) {
        if (fds[i].revents == 0) continue;
        const ssize_t n = ::recv(fds[i].fd, frame.data(), frame.size(), MSG_DONTWAIT);
        if (n <= 0) {
          ::close(fds[i].fd);
          streams_.erase(fds[i].fd);
          continue;
        }
        wire::Context context;
        context.now_ns = NowNs();
        const base::Status status = streams_.at(fds[i].fd).Decode(
            {frame.data(), static_cast<std::size_t>(n)}, context, &batch_);
        EXPECT_TRUE(status.ok()) << status.message();
      }
    }
  }

  int listen_ = -1;
  mutable std::mutex mutex_;
  std::map<int, l2_comm::PluginStream> streams_;
  model::Batch batch_;
  std::jthread thread_;
};

bool Until(const std::function<bool()>& done, int seconds = 10) {
  for (int i = 0; i < seconds * 100; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}
void Pause(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

std::string IdOf(std::uint64_t hash) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(hash));
  return text;
}

// A communicator of one test; each has a hash of its own.
class Walk : public testing::Test {
 protected:
  static std::uint64_t NewHash() {
    static std::uint64_t next = 0x1000;
    return ++next;
  }
  void Open(int version, Comm comm = {}) {
    host_ = HostFor(library, version);
    ASSERT_NE(host_, nullptr);
    comm_ = comm;
    comm_.hash = NewHash();
    mask_ = 0;
    context_ = host_->Init(comm_, &mask_);
    ASSERT_NE(context_, nullptr);
    ASSERT_TRUE(Until([] { return agent_->connections() == 1; }));
  }
  void TearDown() override {
    if (host_ != nullptr) host_->Finalize(context_);
    EXPECT_EQ(agent_->refused(), 0u);
  }
  std::vector<model::Collective> rows(bool done = true) const {
    return agent_->rows(IdOf(comm_.hash), done);
  }
  // All parts of an event, as NCCL's other thread reports them.
  void Run(void* handle, int channels, std::uint64_t start, std::uint64_t took) {
    std::jthread([&] {
      std::vector<void*> parts;
      for (int i = 0; i < channels; ++i) {
        parts.push_back(host_->version() < 3
                            ? host_->Proxy(context_, handle, ::getpid())
                            : host_->Kernel(context_, handle, static_cast<std::uint8_t>(i),
                                            start + static_cast<std::uint64_t>(i) * 1000));
        EXPECT_NE(parts.back(), nullptr);
      }
      if (host_->version() <= 3) Pause(5);
      for (int i = 0; i < channels; ++i)
        host_->EndKernel(parts[static_cast<std::size_t>(i)],
                         start + took - static_cast<std::uint64_t>(channels - 1 - i) * 10'000);
    });
  }

  static void SetUpTestSuite() { agent_ = std::make_unique<Agent>(); }
  static void TearDownTestSuite() { agent_.reset(); }

  inline static std::unique_ptr<Agent> agent_;
  std::unique_ptr<Host> host_;
  Comm comm_;
  void* context_ = nullptr;
  int mask_ = 0;
};

class EveryVersion : public Walk, public testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(V, EveryVersion, testing::Range(1, 8));

TEST_P(EveryVersion, CollectiveAndPeers) {
  Open(GetParam());
  EXPECT_STREQ(host_->name(), "strata");
  EXPECT_EQ(mask_, GetParam() < 3 ? 0x4E : 0x46);
  const std::int64_t before = NowNs();
  void* group = host_->Group(context_);
  EXPECT_NE(group, nullptr);  // or NCCL up to 2.27 tells nothing
  Task task;
  task.seq = 41;
  void* coll = host_->Coll(context_, group, comm_, task);
  ASSERT_NE(coll, nullptr);
  Task send;
  send.func = "Send", send.func_number = 6;
  send.datatype = "ncclBfloat16", send.datatype_number = 9;
  send.count = 1000, send.peer = 7, send.channels = 2;
  void* peer = host_->P2p(context_, group, comm_, send);
  ASSERT_NE(peer, nullptr);
  host_->Stop(coll), host_->Stop(peer), host_->Stop(group);
  Run(coll, 4, 5'000'000'000, 250'000);
  Run(peer, 2, 5'000'300'000, 40'000);
  ASSERT_TRUE(Until([this] { return rows().size() == 2; }));
  auto got = rows();
  if (got[0].operation == "Send") std::swap(got[0], got[1]);
  const model::Collective &c = got[0], &p = got[1];
  EXPECT_EQ(c.operation, "AllReduce");
  EXPECT_EQ(c.seq, 41u);
  EXPECT_EQ(c.bytes, 4u << 20);
  EXPECT_EQ(c.rank, 3);
  EXPECT_EQ(c.nranks, GetParam() < 4 ? 0 : 8);
  EXPECT_EQ(c.algorithm, "RING");
  EXPECT_EQ(c.protocol, "LL128");
  EXPECT_GE(c.start_ns, before - 1'000'000);
  EXPECT_LE(c.start_ns, NowNs());
  if (GetParam() >= 4) {
    EXPECT_DOUBLE_EQ(c.duration_s, 250e-6);  // first start to last end
    EXPECT_DOUBLE_EQ(c.algbw, (4 << 20) / 250e-6);
    EXPECT_DOUBLE_EQ(c.busbw, (4 << 20) / 250e-6 * 2 * 7 / 8);
  } else {
    EXPECT_GE(c.duration_s, 4e-3);  // by the host's clock
    EXPECT_LT(c.duration_s, 5);
  }
  EXPECT_EQ(p.operation, "Send");
  EXPECT_EQ(p.seq, 0u);
  EXPECT_EQ(p.bytes, 2000u);
}

TEST_P(EveryVersion, BadCalls) {
  Open(GetParam());
  void* handle = &handle;
  EXPECT_EQ(host_->StartNothing(context_, &handle), 0);
  EXPECT_EQ(handle, nullptr);
  EXPECT_EQ(host_->StartNothing(context_, nullptr), 0);
  EXPECT_EQ(host_->Coll(nullptr, nullptr, comm_, {}), nullptr);
  for (const std::uint64_t type : {0x10, 0x20, 0x80, 0}) {
    EXPECT_EQ(host_->Other(context_, type), nullptr);
  }
  for (const std::uint64_t bad :
       {std::uint64_t{1}, std::uint64_t{0xFF}, std::uint64_t{0xdeadbeefdeadbe}, ~std::uint64_t{0},
        std::uint64_t{0x7f0012345678}}) {
    void* h = reinterpret_cast<void*>(bad);
    host_->Stop(h);
    host_->EndKernel(h, 1);
    EXPECT_EQ(host_->Kernel(context_, h, 200, 5), nullptr);
    EXPECT_EQ(host_->Proxy(context_, h, ::getpid()), nullptr);
  }
  host_->Stop(nullptr);
  host_->EndKernel(nullptr, 1);
  host_->Finalize(nullptr);
}

TEST_F(Walk, EndIsTheLastPart) {
  Open(5);
  void* coll = host_->Coll(context_, host_->Group(context_), comm_, {});
  // A part may be over before the enqueue is.
  Run(coll, 3, 1'000'000, 90'000);
  host_->Stop(coll);
  Pause(300);
  EXPECT_TRUE(rows().empty());  // the fourth channel has not begun
  void* last = host_->Kernel(context_, coll, 63, 1'200'000);
  Pause(100);
  EXPECT_TRUE(rows().empty());
  host_->EndKernel(last, 1'700'000);
  ASSERT_TRUE(Until([this] { return rows().size() == 1; }));
  EXPECT_DOUBLE_EQ(rows()[0].duration_s, 700e-6);
  // What comes now belongs to nobody, and is not booked on the slot's next event.
  EXPECT_EQ(host_->Kernel(context_, coll, 1, 9), nullptr);
  host_->EndKernel(last, 2'000'000);
  EXPECT_TRUE(Until([] { return agent_->counts().stale >= 2; }));
}

TEST_F(Walk, OpenIsToldWhileItIsOpen) {
  Open(6);
  Task task;
  task.seq = 7;
  void* coll = host_->Coll(context_, host_->Group(context_), comm_, task);
  host_->Stop(coll);
  ASSERT_TRUE(Until([this] { return rows(false).size() >= 2; }));  // and again
  EXPECT_TRUE(std::isnan(rows(false)[0].duration_s));
  EXPECT_EQ(rows(false)[0].seq, 7u);
  EXPECT_TRUE(rows().empty());
  Run(coll, 4, 1'000'000, 50'000);
  ASSERT_TRUE(Until([this] { return rows().size() == 1; }));
}

TEST_F(Walk, LaterLaunchEndsWhatLostAPart) {
  Open(4);
  Task task;
  void* lost = host_->Coll(context_, host_->Group(context_), comm_, task);
  host_->Stop(lost);
  Run(lost, 3, 1'000'000, 50'000);  // one of four
  task.seq = 1;
  void* group = host_->Group(context_);
  void* next = host_->Coll(context_, group, comm_, task);
  task.seq = 2;
  void* hung = host_->Coll(context_, group, comm_, task);  // of the same launch
  host_->Stop(next), host_->Stop(hung);
  Run(next, 4, 2'000'000, 50'000);
  ASSERT_TRUE(Until([this] { return rows().size() == 2; }));
  Pause(1500);
  const auto got = rows();
  ASSERT_EQ(got.size(), 2u);  // what hangs stays open
  EXPECT_EQ(got[1].seq, 0u);
  EXPECT_TRUE(std::isnan(got[1].duration_s));  // three of four channels are not the whole
  EXPECT_GE(agent_->counts().inferred, 1u);
}

TEST_F(Walk, VersionThreeDoesNotKnowHowManyParts) {
  Open(3);
  void* coll = host_->Coll(context_, host_->Group(context_), comm_, {});
  host_->Stop(coll);
  Run(coll, 2, 0, 0);
  ASSERT_TRUE(Until([this] { return rows().size() == 1; }));
  EXPECT_GE(rows()[0].duration_s, 4e-3);
}

TEST_F(Walk, ProxyOfAnotherProcess) {
  Open(2);
  void* coll = host_->Coll(context_, host_->Group(context_), comm_, {});
  EXPECT_EQ(host_->Proxy(context_, coll, ::getpid() + 1), nullptr);
  host_->Stop(coll);
  Run(coll, 1, 0, 0);
  EXPECT_TRUE(Until([this] { return rows().size() == 1; }));
}

TEST_F(Walk, CopyEngineCollective) {
  Open(6);
  Task task;
  task.func = "AllGather", task.seq = 12;
  void* ce = host_->Ce(context_, task);
  ASSERT_NE(ce, nullptr);
  host_->Stop(ce);  // its end cannot be seen: it is told open, and given up with its communicator
  EXPECT_TRUE(Until([this] { return !rows(false).empty(); }));
  EXPECT_EQ(rows(false)[0].algorithm, "COPY_ENGINE");
}

TEST_F(Walk, LongAndMissingNames) {
  const std::string huge(200'000, 'n');
  Comm comm;
  comm.name = huge.c_str();
  Open(5, comm);
  Task task;
  task.func = huge.c_str(), task.algo = nullptr, task.proto = "", task.datatype = nullptr;
  void* coll = host_->Coll(context_, nullptr, comm_, task);
  host_->Stop(coll);
  Run(coll, 4, 1'000, 1'000'000);
  ASSERT_TRUE(Until([this] { return rows().size() == 1; }));
  EXPECT_EQ(rows()[0].operation, std::string(39, 'n'));
  EXPECT_EQ(rows()[0].bytes, 0u);
  EXPECT_TRUE(std::isnan(rows()[0].algbw));
  bool told = false;
  for (const model::Entity& e : agent_->entities())
    told = told || (e.id == IdOf(comm_.hash) && e.name == std::string(127, 'n'));
  EXPECT_TRUE(told);
  Comm unnamed;
  unnamed.name = nullptr;
  int mask = 0;
  host_->Finalize(host_->Init(unnamed, &mask));
}

TEST_F(Walk, PoolIsBounded) {
  Open(5);
  const std::uint64_t before = agent_->counts().pool_full;
  std::vector<void*> open;
  int refused = 0;
  for (std::uint32_t i = 0; i < kPool + 40; ++i) {
    Task task;
    task.seq = i, task.channels = 1;
    void* coll = host_->Coll(context_, nullptr, comm_, task);
    if (coll != nullptr)
      open.push_back(coll);
    else
      ++refused;
  }
  EXPECT_EQ(refused, 40);
  for (void* coll : open) host_->Stop(coll);
  for (void* coll : open) Run(coll, 1, 1'000, 1'000);
  EXPECT_TRUE(Until([&] { return rows().size() == kPool; }));
  EXPECT_TRUE(Until([&] { return agent_->counts().pool_full == before + 40; }));
}

TEST_F(Walk, ManyCommunicatorsAndThreads) {
  constexpr int kComms = 4, kEvents = 400;
  Open(7);
  const std::uint64_t full = agent_->counts().pool_full;
  std::vector<std::uint64_t> hashes;
  for (int i = 0; i < kComms; ++i) hashes.push_back(NewHash());
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kComms; ++i) {
      threads.emplace_back([this, hash = hashes[static_cast<std::size_t>(i)]] {
        Comm comm;
        comm.hash = hash;
        int mask = 0;
        void* context = host_->Init(comm, &mask);
        std::mutex mutex;
        std::vector<void*> started;
        std::atomic<bool> over{false};
        std::jthread proxy([&] {
          while (true) {
            const bool last = over.load();
            std::vector<void*> now;
            {
              const std::lock_guard lock(mutex);
              now.swap(started);
            }
            for (void* coll : now) {
              for (std::uint8_t ch = 0; ch < 4; ++ch)
                host_->EndKernel(host_->Kernel(context, coll, ch, 1'000), 11'000);
            }
            if (last && now.empty()) return;
          }
        });
        for (std::uint64_t n = 0; n < kEvents; ++n) {
          Task task;
          task.seq = n;
          void* group = host_->Group(context);
          void* coll = nullptr;
          while ((coll = host_->Coll(context, group, comm, task)) == nullptr) Pause(5);
          host_->Stop(coll), host_->Stop(group);
          const std::lock_guard lock(mutex);
          started.push_back(coll);
        }
        over.store(true);
        proxy.join();
        Until([&] { return agent_->rows(IdOf(hash)).size() == kEvents; });
        host_->Finalize(context);
      });
    }
  }
  for (const std::uint64_t hash : hashes) {
    const auto got = agent_->rows(IdOf(hash));
    std::set<std::uint64_t> seqs;
    for (const auto& row : got) {
      seqs.insert(row.seq);
      EXPECT_DOUBLE_EQ(row.duration_s, 10e-6);
    }
    EXPECT_EQ(got.size(), kEvents);
    EXPECT_EQ(seqs.size(), kEvents);
  }
  EXPECT_TRUE(agent_->counts().pool_full >= full);
  EXPECT_EQ(agent_->missing(), 0u);
}

TEST_F(Walk, PlacesOfCommunicatorsAreUsedAgain) {
  Open(5);
  int mask = 0;
  std::size_t without = 0;
  for (int i = 0; i < 3000; ++i) {
    void* context = nullptr;
    for (int tries = 0; tries < 200 && context == nullptr; ++tries) {
      context = host_->Init(comm_, &mask);
      if (context == nullptr) Pause(10);
    }
    if (context == nullptr) ++without;
    host_->Finalize(context);
  }
  EXPECT_EQ(without, 0u);
  void* coll = host_->Coll(context_, nullptr, comm_, {});
  host_->Stop(coll);
  Run(coll, 4, 1'000, 1'000'000);
  EXPECT_TRUE(Until([this] { return rows().size() == 1; }));
}

TEST_F(Walk, AgentComesAndGoes) {
  Open(5);
  const auto one = [this](std::uint64_t seq) {
    Task task;
    task.seq = seq;
    void* coll = host_->Coll(context_, host_->Group(context_), comm_, task);
    host_->Stop(coll);
    Run(coll, 4, 1'000, 1'000'000);
  };
  one(1);
  ASSERT_TRUE(Until([this] { return rows().size() == 1; }));
  agent_.reset();
  for (std::uint64_t seq = 2; seq < 12; ++seq) one(seq);
  Pause(200);
  agent_ = std::make_unique<Agent>();
  ASSERT_TRUE(Until([] { return agent_->connections() == 1; }));
  one(12);
  ASSERT_TRUE(Until([this] { return !rows().empty(); }));
  EXPECT_EQ(rows()[0].seq, 12u);
  EXPECT_TRUE(Until([] { return agent_->counts().unheard >= 10; }));  // told, not hidden
}

TEST_F(Walk, Fork) {
  Open(5);
  void* coll = host_->Coll(context_, host_->Group(context_), comm_, {});
  const std::uint64_t child_hash = NewHash();
  const pid_t child = ::fork();
  if (child == 0) {
    // What the parent had is not the child's.
    host_->Stop(coll);
    if (host_->Coll(context_, nullptr, comm_, {}) != nullptr) ::_exit(2);
    if (host_->Kernel(context_, coll, 0, 1) != nullptr) ::_exit(3);
    host_->Finalize(context_);
    if (!kThreadsAfterFork) ::_exit(0);
    Comm comm;
    comm.hash = child_hash;
    int mask = 0;
    void* context = host_->Init(comm, &mask);
    if (context == nullptr) ::_exit(4);
    Task task;
    task.channels = 1;
    void* own = host_->Coll(context, nullptr, comm, task);
    host_->Stop(own);
    host_->EndKernel(host_->Kernel(context, own, 0, 1'000), 5'000);
    ::usleep(200'000);
    host_->Finalize(context);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  if (kThreadsAfterFork) {
    EXPECT_TRUE(Until([&] { return agent_->rows(IdOf(child_hash)).size() == 1; }));
  }
  host_->Stop(coll);
  Run(coll, 4, 1'000, 1'000'000);
  EXPECT_TRUE(Until([this] { return rows().size() == 1; }));
}

TEST_F(Walk, EverythingEndsAndBeginsAgain) {
  for (int i = 0; i < 3; ++i) {
    Open(5);
    void* coll = host_->Coll(context_, nullptr, comm_, {});
    host_->Stop(coll);
    Run(coll, 4, 1'000, 1'000'000);
    host_->Finalize(context_);  // the last one: what has ended is sent before it returns
    host_->Finalize(context_);  // again, which NCCL does not do
    host_.reset();
    EXPECT_TRUE(Until([this] { return rows().size() == 1; }));
    ASSERT_TRUE(Until([] { return agent_->connections() == 0; }));
  }
}

}  // namespace
}  // namespace strata::nccl::walk

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  using namespace strata::nccl::walk;
  char folder[] = "/tmp/strata-nccl-XXXXXX";
  if (::mkdtemp(folder) == nullptr) return 1;
  socket_path = std::string(folder) + "/nccl.sock";
  ::setenv("STRATA_NCCL_SOCKET", socket_path.c_str(), 1);
  ::setenv("STRATA_NCCL_EVENTS", std::to_string(kPool).c_str(), 1);
  ::setenv("STRATA_NCCL_OPEN_MS", "300", 1);
  library = ::dlopen(STRATA_NCCL_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::fprintf(stderr, "%s\n", ::dlerror());
    return 1;
  }
  const int result = RUN_ALL_TESTS();
  ::rmdir(folder);
  return result;
}
