// SPDX-License-Identifier: Apache-2.0
// Frames in through the socket, OTLP out. The frames are made by hand; plugins/nccl/walk.cc tests
// the plugin's.
#include "agent/nccl_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "agent/agent.h"
#include "agent/receiver.h"

namespace strata::agent {
namespace {

template <typename T>
void Put(std::string* to, std::size_t at, T value) {
  std::memcpy(to->data() + at, &value, sizeof value);
}

// A communicator and `events` done AllReduces from sequence number `first` on.
std::string Frame(std::uint64_t number, std::uint64_t first, int events) {
  std::string frame(24 + 192, '\0');
  frame.replace(0, 4, "STNC");
  Put(&frame, 4, std::uint16_t{1}), Put(&frame, 6, static_cast<std::uint16_t>(events + 1));
  Put(&frame, 12, std::uint32_t{42}), Put(&frame, 16, number);
  Put(&frame, 24, std::uint16_t{2}), Put(&frame, 26, std::uint16_t{192});
  Put(&frame, 24 + 8, std::uint64_t{0xabc}), Put(&frame, 24 + 20, std::int32_t{8});
  const std::int64_t now = base::Clock::system().now_ns();
  for (int i = 0; i < events; ++i) {
    std::string event(240, '\0');
    Put(&event, 0, std::uint16_t{3}), Put(&event, 2, std::uint16_t{240});
    event[4] = event[5] = event[6] = 1;
    Put(&event, 16, first + static_cast<std::uint64_t>(i)), Put(&event, 32, std::uint64_t{256});
    Put(&event, 40, now), Put(&event, 48, now), Put(&event, 56, now + 1000);
    Put(&event, 64, std::uint64_t{1'000'000}), Put(&event, 72, std::uint64_t{3'000'000});
    event.replace(104, 9, "AllReduce").replace(144, 11, "ncclFloat32");
    frame += event;
  }
  Put(&frame, 8, static_cast<std::uint32_t>(frame.size()));
  return frame;
}

int ConnectTo(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

class NcclSocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("strata-nccl-" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    std::filesystem::permissions(folder_, std::filesystem::perms::all);
    path_ = (folder_ / "strata" / "nccl.sock").string();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  base::Result<std::unique_ptr<NcclSocket>> Listen(
      std::optional<std::vector<std::uint32_t>> uids = std::vector<std::uint32_t>{}) const {
    NcclOptions options;
    options.socket = path_;
    options.uids = std::move(uids);
    return NcclSocket::Listen(std::move(options), "n");
  }
  std::unique_ptr<Agent> StartAgent(const std::string& to, NcclOptions nccl) const {
    AgentOptions options;
    options.to = to;
    options.node = "n";
    options.discover_engines = false;
    options.nvml = "";
    options.nccl = std::move(nccl);
    options.nccl.socket = path_;
    auto agent = Agent::Start(options, Catalogs());
    EXPECT_TRUE(agent.ok()) << agent.status().message();
    return std::move(*agent);
  }
  mode_t mode() const {
    struct stat facts {};
    ::stat(path_.c_str(), &facts);
    return facts.st_mode & 0777;
  }
  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(NcclSocketTest, RowsAndStateReachTheOtherSide) {
  Receiver receiver;
  const auto agent = StartAgent(receiver.url(), {});
  const std::string source = "nccl plugin " + path_;
  EXPECT_TRUE(Until([&] { return receiver.LastState(source).starts_with("absent: listens"); }));
  const int fd = ConnectTo(path_);
  ASSERT_GE(fd, 0);
  const std::string frame = Frame(1, 10, 3);
  ASSERT_EQ(::send(fd, frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
  // What is no frame is refused and takes nothing with it.
  ASSERT_EQ(::send(fd, "rubbish", 7, 0), 7);
  const std::string more = Frame(2, 13, 1);
  ASSERT_EQ(::send(fd, more.data(), more.size(), 0), static_cast<ssize_t>(more.size()));
  ASSERT_TRUE(Until([&] { return receiver.Rest().collectives.size() == 4; }));
  const model::Collective row = receiver.Rest().collectives[0];
  EXPECT_EQ(row.communicator, "0xabc");
  EXPECT_EQ(row.node, "n");
  EXPECT_EQ(row.bytes, 1024u);
  EXPECT_DOUBLE_EQ(row.duration_s, 2e-3);
  EXPECT_TRUE(
      Until([&] { return receiver.LastState(source).starts_with("live: 1 processes"); }, 20));
  ::close(fd);
}

TEST_F(NcclSocketTest, ManyBecomeSummaries) {
  Receiver receiver;
  NcclOptions nccl;
  nccl.rows_per_s = 10;
  const auto agent = StartAgent(receiver.url(), nccl);
  const int fd = ConnectTo(path_);
  ASSERT_GE(fd, 0);
  constexpr std::uint64_t kFrames = 40, kEach = 100;
  for (std::uint64_t i = 0; i < kFrames; ++i) {
    const std::string frame = Frame(i + 1, i * kEach, kEach);
    ASSERT_EQ(::send(fd, frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
  }
  ::close(fd);
  const auto total = [&](bool rows) {
    const model::Batch rest = receiver.Rest();
    std::uint64_t n = rows ? rest.collectives.size() : 0;
    if (!rows) {
      for (const model::Histogram& h : rest.histograms) n += h.count;
    }
    return n;
  };
  EXPECT_TRUE(Until([&] { return total(true) + total(false) == kFrames * kEach; }))
      << total(true) << " rows, " << total(false) << " in histograms";
  EXPECT_LT(total(true), 400u);
}

TEST_F(NcclSocketTest, ModeAndOwnership) {
  {
    auto socket = Listen();
    ASSERT_TRUE(socket.ok()) << socket.status().message();
    EXPECT_EQ(mode(), 0600u);
    EXPECT_EQ(Listen().status().code(), base::Code::exists);
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
  ASSERT_TRUE(Listen(std::vector<std::uint32_t>{7}).ok());
  // A socket that nobody answers on is left over; a file is somebody's.
  const int dead = ::socket(AF_UNIX, SOCK_SEQPACKET, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(dead);
  {
    auto socket = Listen(std::nullopt);
    ASSERT_TRUE(socket.ok()) << socket.status().message();
    EXPECT_EQ(mode(), 0666u);
  }
  std::ofstream(path_) << "kept";
  EXPECT_FALSE(Listen().ok());
  EXPECT_EQ(std::filesystem::file_size(path_), 4u);
  NcclOptions far;
  far.socket = "/" + std::string(200, 'x');
  EXPECT_FALSE(NcclSocket::Listen(far, "n").ok());
}

TEST_F(NcclSocketTest, AnotherUserMustBeNamed) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  constexpr uid_t kNobody = 65534;
  Receiver receiver;
  const auto answer = [&](std::optional<std::vector<std::uint32_t>> uids) {
    NcclOptions nccl;
    nccl.uids = std::move(uids);
    const auto agent = StartAgent(receiver.url(), nccl);
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setuid(kNobody) != 0) ::_exit(9);
      const int fd = ConnectTo(path_);
      if (fd < 0) ::_exit(1);
      timeval wait{0, 700'000};
      ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
      char byte = 0;
      ::_exit(::recv(fd, &byte, 1, 0) == 0 ? 2 : 0);  // 2: the agent hung up
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };
  EXPECT_EQ(answer(std::vector<std::uint32_t>{}), 1);      // the socket's mode
  EXPECT_EQ(answer(std::vector<std::uint32_t>{1234}), 2);  // the peer's uid
  EXPECT_EQ(answer(std::vector<std::uint32_t>{kNobody}), 0);
  EXPECT_EQ(answer(std::nullopt), 0);
}

}  // namespace
}  // namespace strata::agent
