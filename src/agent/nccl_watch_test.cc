// SPDX-License-Identifier: Apache-2.0
// The RAS dialogue against a small server that speaks recorded answers, and folders of inspector
// files and flight recorder dumps as they appear.
#include "agent/nccl_watch.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "agent/ras_client.h"
#include "agent/receiver.h"
#include "base/file.h"
#include "l2_comm/l2_comm.h"

namespace strata::agent {
namespace {

namespace fs = std::filesystem;

// Speaks as src/ras/client_support.cc of NCCL does: a line, an answer; after STATUS the report, and
// the connection ends. `json`: it knows SET FORMAT.
class FakeRas {
 public:
  explicit FakeRas(bool json) : json_(json) {
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    socklen_t size = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { Serve(); });
  }
  ~FakeRas() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  std::string target() const { return "127.0.0.1:" + std::to_string(port_); }
  void set_answer(std::string text) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(text);
  }
  std::string heard() {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  void Serve() {
    for (int client; (client = ::accept(fd_, nullptr, nullptr)) >= 0; ::close(client)) {
      std::string line;
      for (char c; ::recv(client, &c, 1, 0) == 1;) {
        if (c != '\n') {
          line += c;
          continue;
        }
        const std::lock_guard lock(mutex_);
        heard_ += line + "|";
        std::string say = "OK\n";
        if (line.starts_with("CLIENT PROTOCOL")) say = "SERVER PROTOCOL 2\n";
        if (line.starts_with("SET FORMAT") && !json_) say = "ERROR: Unknown command " + line + "\n";
        const bool status = line.ends_with("STATUS");
        if (status) say = answer_;
        (void)!::send(client, say.data(), say.size(), MSG_NOSIGNAL);
        line.clear();
        if (status) break;
      }
    }
  }

  bool json_;
  int fd_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::string answer_, heard_;
  std::jthread thread_;
};

std::string Counts(int first, int second) {
  const auto rank = [](int r, int n) {
    return R"({"rank":)" + std::to_string(r) + R"(,"host":"h","pid":1,"cuda_dev":0,"nvml_dev":0,)" +
           R"("status":{},"collective_counts":{"AllReduce":)" + std::to_string(n) + "}}";
  };
  return R"({"nccl_version":"2.29.1","communicators_count":1,"communicators":[{"hash":"0xa","size":2,)"
         R"("ranks_count":2,"missing_ranks_count":0,"ranks":[)" +
         rank(0, first) + "," + rank(1, second) + R"(],"missing_ranks":[]}],"ras":{}})";
}

std::string Golden(const std::string& name) {
  return std::string(STRATA_SOURCE_DIR) + "/tests/golden/l2/" + name;
}

TEST(RasClient, AsksAsNcclrasDoes) {
  FakeRas server(true);
  server.set_answer(Counts(1, 1));
  auto answer = AskRas(server.target(), 5 * base::kSecond);
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(*answer, Counts(1, 1));
  EXPECT_EQ(server.heard(), "CLIENT PROTOCOL 2|TIMEOUT 2|SET FORMAT json|STATUS|");
}

TEST(RasClient, TextWhereJsonIsNotKnown) {
  FakeRas server(false);
  server.set_answer("Job summary\n===========\n");
  auto answer = AskRas(server.target(), 5 * base::kSecond);
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_TRUE(l2_comm::LooksRas(*answer));
  EXPECT_TRUE(server.heard().ends_with("|VERBOSE STATUS|"));
}

TEST(RasClient, NobodyThereOrSilent) {
  std::string target;
  {
    FakeRas gone(true);
    target = gone.target();
  }
  EXPECT_FALSE(AskRas(target, base::kSecond).ok());
  // A port that takes connections and says nothing costs its time and no more.
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd, 8), 0);
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  const std::string silent = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  const std::int64_t begin = base::monotonic_ns();
  EXPECT_EQ(AskRas(silent, 300 * base::kMillisecond).status().code(), base::Code::unavailable);
  EXPECT_LT(base::monotonic_ns() - begin, 3 * base::kSecond);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(AskRas(silent, 60 * base::kSecond, stop.get_token()).ok());
  ::close(fd);
}

class NcclWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("strata-nccl-" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    SenderOptions options;
    options.to = receiver_.url();
    options.flush_ns = 20 * base::kMillisecond;
    auto sender = Sender::Start(options);
    ASSERT_TRUE(sender.ok());
    sender_ = std::move(*sender);
  }
  void TearDown() override {
    sender_->Stop();
    fs::remove_all(folder_);
  }
  std::unique_ptr<NcclWatch> Make(NcclWatchOptions options) {
    return std::make_unique<NcclWatch>(
        std::move(options), "n1",
        std::make_unique<Feed>(Catalogs(), model::Attributes{{"strata.agent", "n1"}},
                               sender_.get()));
  }
  std::size_t Events() { return receiver_.Rest().events.size(); }
  bool UntilEvents(std::size_t n) {
    return Until([&] { return Events() >= n; });
  }
  // Time enough for what should not come to come.
  void Settle() { std::this_thread::sleep_for(std::chrono::milliseconds(300)); }

  fs::path folder_;
  Receiver receiver_;
  std::unique_ptr<Sender> sender_;
  std::int64_t now_ = base::Clock::system().now_ns();
};

TEST_F(NcclWatchTest, RasCountsThatStandStill) {
  FakeRas server(true);
  NcclWatchOptions options;
  options.ras = {server.target()};
  options.stuck_after_ns = 30 * base::kSecond;
  const auto watch = Make(options);
  const auto poll = [&](int first, int second, int seconds) {
    server.set_answer(Counts(first, second));
    now_ += seconds * base::kSecond;
    watch->Poll(now_);
  };
  poll(10, 9, 0);
  poll(12, 11, 40);
  poll(12, 11, 20);
  Settle();
  EXPECT_EQ(Events(), 0u);
  poll(12, 11, 20);
  ASSERT_TRUE(UntilEvents(1));
  const model::Batch rest = receiver_.Rest();
  EXPECT_EQ(rest.events[0].event, "comm.hang");
  EXPECT_EQ(rest.events[0].entity, "0xa");
  EXPECT_EQ(rest.events[0].attributes.get("culprits"), "1");
  ASSERT_FALSE(rest.sources.empty());
  EXPECT_EQ(rest.sources.back().name, "nccl-ras " + server.target());
  EXPECT_EQ(rest.sources.back().state, "live");
}

TEST_F(NcclWatchTest, RasThatIsNotThereIsSaid) {
  NcclWatchOptions options;
  {
    FakeRas gone(true);
    options.ras = {gone.target()};
  }
  Make(options)->Poll(now_);
  ASSERT_TRUE(Until([&] { return !receiver_.Rest().sources.empty(); }));
  EXPECT_EQ(receiver_.Rest().sources[0].state, "absent");
}

TEST_F(NcclWatchTest, DumpsAreReadOnceAllIsQuiet) {
  NcclWatchOptions options;
  options.flight_recorder = {folder_.string()};
  auto watch = Make(options);
  watch->Poll(now_);
  // Ranks write one after the other, each in its own time.
  std::vector<base::InputFile> dumps;
  ASSERT_TRUE(base::ForEachInput(Golden("flight-lock_gil_1st.tar.gz"), [&](base::InputFile file) {
                dumps.push_back(std::move(file));
                return base::Status::Ok();
              }).ok());
  ASSERT_EQ(dumps.size(), 17u);
  fs::create_directories(folder_ / "job-7");
  for (const base::InputFile& dump : dumps) {
    std::ofstream(folder_ / "job-7" / dump.name.substr(dump.name.find('!') + 1)) << dump.bytes;
    now_ += base::kSecond;
    watch->Poll(now_);
  }
  now_ += 3 * base::kSecond;
  watch->Poll(now_);
  Settle();
  EXPECT_EQ(Events(), 0u);  // not quiet for long enough
  now_ += 3 * base::kSecond;
  watch->Poll(now_);
  ASSERT_TRUE(UntilEvents(1));
  const model::Event event = receiver_.Rest().events[0];
  EXPECT_EQ(event.event, "comm.hang");
  EXPECT_EQ(event.attributes.get("culprits"), "9,14");
  EXPECT_EQ(event.attributes.get("operation"), "AllToAll");
  EXPECT_EQ(event.severity, "error");
  // Once; also not again by an agent that starts anew.
  now_ += base::kMinute;
  watch->Poll(now_);
  const base::Json offsets = watch->Offsets();
  watch = Make(options);
  watch->Resume(offsets);
  watch->Poll(now_);
  now_ += base::kMinute;
  watch->Poll(now_);
  Settle();
  EXPECT_EQ(Events(), 1u);
  // A dump that tries to run something is no reason to miss the others.
  std::ofstream(folder_ / "job-7" / "_dump_99") << "cos\nsystem\n(S'id'\ntR.";
  watch->Poll(now_);
  now_ += base::kMinute;
  watch->Poll(now_);
  EXPECT_TRUE(UntilEvents(2));
}

TEST_F(NcclWatchTest, FilesOfTheInspectorsFolderAreFollowed) {
  auto text = base::ReadFile(Golden("inspector-readme-samples.jsonl"));
  ASSERT_TRUE(text.ok());
  NcclWatchOptions options;
  options.inspector = {(folder_ / "later").string()};
  const auto watch = Make(options);
  watch->Poll(now_);
  ASSERT_TRUE(Until([&] { return !receiver_.Rest().sources.empty(); }));
  EXPECT_EQ(receiver_.Rest().sources[0].state, "absent");
  fs::create_directories(folder_ / "later");
  std::ofstream(folder_ / "later" / "n1-pid7.log") << *text;
  std::ofstream(folder_ / "later" / "nccl_inspector_metrics_GPU-1.prom") << "nccl_x 1\n";
  watch->Poll(now_);
  ASSERT_TRUE(Until([&] { return receiver_.Rest().collectives.size() == 2; }));
  std::ofstream(folder_ / "later" / "n1-pid7.log", std::ios::app) << *text;
  std::ofstream(folder_ / "later" / "n1-pid8.log") << *text;
  watch->Poll(now_);
  EXPECT_TRUE(Until([&] { return receiver_.Rest().collectives.size() == 6; }));
}

TEST_F(NcclWatchTest, FoldersInWhichNothingHappensAreLive) {
  NcclWatchOptions options;
  options.inspector = options.flight_recorder = {folder_.string()};
  const auto watch = Make(options);
  for (int i = 0; i < 3; ++i, now_ += 5 * base::kMinute) watch->Poll(now_);
  ASSERT_TRUE(Until([&] { return receiver_.Rest().sources.size() == 6; }));
  for (const model::SourceState& source : receiver_.Rest().sources) {
    EXPECT_EQ(source.state, "live") << source.name;
    EXPECT_GT(source.last_ns, now_ - 16 * base::kMinute) << source.name;
  }
  EXPECT_EQ(receiver_.Rest().sources.back().last_ns, now_ - 5 * base::kMinute);
}

}  // namespace
}  // namespace strata::agent
