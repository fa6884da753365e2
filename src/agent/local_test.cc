// SPDX-License-Identifier: Apache-2.0
#include "agent/local.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "agent/receiver.h"
#include "base/clock.h"
#include "base/file.h"

namespace strata::agent {
namespace {

constexpr std::int64_t kNow = 1'764'000'000LL * base::kSecond;
constexpr std::string_view kHead =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n";

std::string Socket(const std::string& address, const std::string& state, int inode) {
  return "   0: " + address + " 00000000:0000 " + state +
         " 00000000:00000000 00:00000000 00000000  1000        0 " + std::to_string(inode) +
         " 1 0 100 0 0 10 0\n";
}

TEST(Listeners, AddressesAndStates) {
  const std::string text = std::string(kHead) + Socket("0100007F:1F40", "0A", 11) +
                           Socket("00000000:1F90", "0A", 12) + Socket("0100007F:1F41", "01", 13) +
                           Socket("0A00000A:7530", "0A", 14) + "garbage\n";
  const std::vector<Listener> want = {
      {"127.0.0.1", 8000, 11}, {"127.0.0.1", 8080, 12}, {"10.0.0.10", 30000, 14}};
  EXPECT_EQ(ParseListeners(text, false), want);
  const std::string v6 = std::string(kHead) +
                         Socket("00000000000000000000000000000000:1F40", "0A", 1) +
                         Socket("00000000000000000000000001000000:1F41", "0A", 2) +
                         Socket("0000000000000000FFFF00000100007F:1F42", "0A", 3) +
                         Socket("000080FE00000000FF005450B6AD1DFE:1F43", "0A", 4);
  const std::vector<Listener> want6 = {
      {"127.0.0.1", 8000, 1}, {"[::1]", 8001, 2}, {"127.0.0.1", 8002, 3}};
  EXPECT_EQ(ParseListeners(v6, true), want6);
}

TEST(Listeners, ProgramsThatServe) {
  for (const char* name : {"llama-server", "vllm", "VLLM::EngineCor", "python3", "sglang::schedul",
                           "text-generation", "tritonserver"}) {
    EXPECT_TRUE(LooksServing(name)) << name;
  }
  for (const char* name : {"sshd", "postgres", "nginx", ""})
    EXPECT_FALSE(LooksServing(name)) << name;
}

class Local : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::temp_directory_path() / ("strata-local-" + std::to_string(::getpid()));
    std::filesystem::remove_all(root_);
    Write("proc/stat", "cpu  1 2 3 4\ncpu0 1\ncpu1 1\ncpu2 1\ncpu3 1\nbtime 1\n");
    Write("proc/net/tcp", std::string(kHead) + Socket("0100007F:1F40", "0A", 11) +
                              Socket("00000000:2710", "0A", 12) +
                              Socket("0100007F:0016", "0A", 13));
    Program(100, "llama-server", 1, 11);
    Program(200, "sshd", 1, 13);
    Program(300, "python3", 1, 12);
    pages_["127.0.0.1:8000"] =
        "# TYPE llamacpp:requests_processing gauge\nllamacpp:requests_processing 0\n";
    pages_["127.0.0.1:10000"] = "python_gc_objects_collected_total 3\n";
    pages_["127.0.0.1:22"] = pages_["127.0.0.1:8000"];
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void Write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((root_ / file).parent_path());
    ASSERT_TRUE(base::WriteFile((root_ / file).string(), text).ok());
  }
  void Program(int pid, const std::string& name, int parent, int inode,
               const std::string& device = {}) {
    const std::string folder = "proc/" + std::to_string(pid);
    Write(folder + "/stat",
          std::to_string(pid) + " (" + name + ") S " + std::to_string(parent) + " 1 1 0 -1\n");
    std::filesystem::create_directories(root_ / folder / "fd");
    if (inode != 0)
      std::filesystem::create_symlink("socket:[" + std::to_string(inode) + "]",
                                      root_ / folder / "fd/3");
    if (!device.empty()) std::filesystem::create_symlink(device, root_ / folder / "fd/4");
  }
  LocalFinder Finder() {
    return LocalFinder(root_.string(), "n",
                       [this](const std::string& target) -> base::Result<std::string> {
                         ++asked_[target];
                         const auto it = pages_.find(target);
                         if (it == pages_.end()) return base::Unavailable("refused");
                         return it->second;
                       });
  }
  std::filesystem::path root_;
  std::map<std::string, std::string> pages_;
  std::map<std::string, int> asked_;
};

TEST_F(Local, AnEngineIsFoundWithItsProcessAndShare) {
  const std::string id(64, 'c');
  Write("proc/100/cgroup", "0::/system.slice/docker-" + id + ".scope\n");
  Write("sys/fs/cgroup/system.slice/cpu.max", "max 100000\n");
  Write("sys/fs/cgroup/system.slice/docker-" + id + ".scope/cpu.max", "200000 100000\n");
  LocalFinder finder = Finder();
  const auto found = finder.Find(kNow);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, "llamacpp");
  EXPECT_TRUE(found[0].engine);
  EXPECT_EQ(found[0].target, "127.0.0.1:8000");
  EXPECT_EQ(found[0].pid, 100);
  EXPECT_EQ(found[0].name, "llama-server");
  EXPECT_EQ(found[0].container, id);
  EXPECT_FALSE(found[0].uses_gpu);
  EXPECT_EQ(found[0].cores, 2);
  EXPECT_EQ(finder.node_cores(), 4);
  EXPECT_FALSE(asked_.contains("127.0.0.1:22"))
      << "an unknown program on an unknown port is left alone";
  const model::Holding h =
      CpuHolding(found[0], "127.0.0.1:8000", "n", "lab", finder.node_cores(), kNow);
  EXPECT_EQ(h.gpu, "cpu:n");
  EXPECT_EQ(h.share, 0.5);
  EXPECT_EQ(h.share_kind, "process");
  EXPECT_EQ(h.engine, "127.0.0.1:8000");
}

TEST_F(Local, SharesByAffinityElseAllCores) {
  LocalFinder finder = Finder();
  EXPECT_EQ(finder.Find(kNow)[0].cores, 4);
  Write("proc/100/status", "Name:\tllama-server\nCpus_allowed:\t7\nCpus_allowed_list:\t0,2-3\n");
  EXPECT_EQ(finder.Find(kNow)[0].cores, 3);
}

TEST_F(Local, AChildThatHasTheGpuOpen) {
  Program(101, "VLLM::EngineCor", 100, 0, "/dev/nvidia0");
  LocalFinder finder = Finder();
  EXPECT_TRUE(finder.Find(kNow)[0].uses_gpu);
  EXPECT_FALSE(finder.has_accelerator());
  Write("dev/nvidiactl", "");
  Write("dev/nvidia-uvm", "");
  EXPECT_FALSE(finder.has_accelerator()) << "libcuda makes these without a GPU";
  Write("dev/nvidia3", "");  // a container is given one of several
  EXPECT_TRUE(finder.has_accelerator());
}

TEST_F(Local, AListenerIsAskedOnceAndANewOneAgain) {
  LocalFinder finder = Finder();
  finder.Find(kNow);
  finder.Find(kNow + base::kSecond);
  EXPECT_EQ(asked_["127.0.0.1:8000"], 1);
  EXPECT_EQ(asked_["127.0.0.1:10000"], 1) << "a stranger is not asked every round";
  finder.Find(kNow + 11 * base::kMinute);
  EXPECT_EQ(asked_["127.0.0.1:10000"], 2);
  Write("proc/net/tcp", std::string(kHead) + Socket("0100007F:1F40", "0A", 15));  // restarted
  finder.Find(kNow + 11 * base::kMinute);
  EXPECT_EQ(asked_["127.0.0.1:8000"], 2);
  EXPECT_TRUE(finder.Find(kNow + 12 * base::kMinute, {8000}).empty()) << "our own port";
}

TEST(LocalReal, ThisProcessUnderAnEnginesName) {
  char name[16] = {};
  ::prctl(PR_GET_NAME, name);
  ::prctl(PR_SET_NAME, "vllm");
  const PageServer page;
  LocalFinder finder("/", "n", [&](const std::string& target) -> base::Result<std::string> {
    if (target != page.target()) return base::Unavailable("not asked in a test");
    return std::string("vllm:num_requests_running 1\n");
  });
  const auto found = finder.Find(kNow);
  ::prctl(PR_SET_NAME, name);
  const auto it = std::find_if(found.begin(), found.end(),
                               [&](const LocalService& s) { return s.target == page.target(); });
  ASSERT_NE(it, found.end());
  EXPECT_EQ(it->pid, ::getpid());
  EXPECT_EQ(it->kind, "vllm");
  EXPECT_GT(it->cores, 0);
  EXPECT_LE(it->cores, finder.node_cores());
}

TEST_F(Local, Exporters) {
  bool engine = true;
  EXPECT_EQ(KindOfPage("# HELP x\nDCGM_FI_DEV_GPU_UTIL{gpu=\"0\"} 5\n", &engine), "dcgm_exporter");
  EXPECT_FALSE(engine);
  EXPECT_EQ(KindOfPage("nothing we know 1\n", &engine), "");
  EXPECT_EQ(KindOfPage("vllm:num_requests_running{model_name=\"m\"} 1\n", &engine), "vllm");
  EXPECT_TRUE(engine);
}

}  // namespace
}  // namespace strata::agent
