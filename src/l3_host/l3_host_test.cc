// SPDX-License-Identifier: Apache-2.0
#include "l3_host/l3_host.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/file.h"
#include "l3_host/sources.h"

namespace strata::l3_host {
namespace {

const model::Catalog* const kCatalogs[] = {&catalog()};
const std::string kWorlds = std::string(STRATA_SOURCE_DIR) + "/tests/worlds/";
constexpr std::int64_t kNow = 1'764'000'000LL * base::kSecond;

// A collector with its Namer; remembers the series of all rounds.
struct Rig {
  explicit Rig(HostOptions options) : namer(kCatalogs) {
    auto made = HostCollector::Make(std::move(options));
    EXPECT_TRUE(made.ok()) << made.status().message();
    collector = std::move(*made);
  }
  void Round(std::int64_t now) {
    batch.clear();
    collector->Collect(now, namer, &batch);
    for (const model::Series& s : batch.series) series[s.id] = s;
  }
  // signal{attributes without the entity's} of an entity -> value
  std::map<std::string, double> Values() const {
    std::map<std::string, double> out;
    for (std::size_t i = 0; i < batch.samples.size(); ++i) {
      const model::Series& s = series.at(batch.samples.series[i]);
      model::Attributes own;
      for (const auto& [k, v] : s.attributes) {
        if (k != "host.name" && k != "process.pid" && k != "process.executable.name") own.set(k, v);
      }
      std::string key = s.entity + " " + s.signal + (own.empty() ? "" : own.text());
      EXPECT_FALSE(out.contains(key)) << key << " twice";
      out[key] = batch.samples.value[i];
    }
    return out;
  }
  model::Namer namer;
  std::unique_ptr<HostCollector> collector;
  model::Batch batch;
  std::map<model::SeriesId, model::Series> series;
};

HostOptions World(const std::string& name, bool per_core = false) {
  HostOptions options;
  options.root = kWorlds + name;
  options.node = "n";
  options.per_core = per_core;
  return options;
}

void ExpectValues(const std::map<std::string, double>& got,
                  const std::map<std::string, double>& want) {
  for (const auto& [key, value] : want) {
    const auto it = got.find(key);
    if (it == got.end()) {
      ADD_FAILURE() << "no " << key;
    } else {
      EXPECT_NEAR(it->second, value, std::abs(value) * 1e-12) << key;
    }
  }
}

// The numbers are those that node_exporter itself gives for the same tree.
TEST(Host, NodeExportersTree) {
  Rig rig(World("node_exporter", true));
  rig.Round(kNow);
  const auto got = rig.Values();
  ExpectValues(
      got,
      {
          {"n system.cpu.time{cpu.logical_number=\"0\",cpu.mode=\"iowait\"}", 2.2},
          {"n system.cpu.time{cpu.logical_number=\"0\",cpu.mode=\"idle\"}", 10870.69},
          {"n system.cpu.time{cpu.logical_number=\"0\",cpu.mode=\"interrupt\"}", 34.11},
          {"n system.cpu.time{cpu.logical_number=\"7\",cpu.mode=\"nice\"}", 2.68},
          {"n system.cpu.time{cpu.mode=\"user\"}", 3018.54},
          {"n system.cpu.time{cpu.mode=\"iowait\"}", 35.52},
          {"n system.cpu.logical.count", 8},
          {"n system.cpu.load_average.1m", 0.21},
          {"n system.cpu.load_average.15m", 0.39},
          {"n system.memory.limit", 3.831959552e+09},
          {"n system.memory.usage{system.memory.state=\"free\"}", 2.30883328e+08},
          {"n system.memory.usage{system.memory.state=\"buffers\"}", 2.256896e+07},
          {"n system.memory.usage{system.memory.state=\"cached\"}", 9.53229312e+08 + 4.5846528e+07},
          {"n system.paging.usage{system.paging.state=\"free\"}", 3.23108864e+09},
          {"n system.disk.io{disk.io.direction=\"read\",system.device=\"sda\"}", 5.13713216512e+11},
          {"n system.disk.io{disk.io.direction=\"write\",system.device=\"sda\"}",
           2.58916880384e+11},
          {"n system.disk.operations{disk.io.direction=\"read\",system.device=\"sda\"}",
           2.5354637e+07},
          {"n system.disk.operation_time{disk.io.direction=\"write\",system.device=\"sda\"}",
           63877.96},
          {"n system.disk.io_time{system.device=\"sda\"}", 9653.88},
          {"n system.network.tcp.retransmits", 227},
          {"n system.pressure.some{resource=\"cpu\"}", 0},
      });
  EXPECT_FALSE(got.contains("n system.memory.linux.available"))
      << "the tree does not tell it: absent, not zero";
  EXPECT_FALSE(got.contains("n system.disk.io_time{system.device=\"sda1\"}")) << "a partition";
  EXPECT_FALSE(got.contains("n system.disk.io_time{system.device=\"dm-0\"}"))
      << "counted at the disk below";
  EXPECT_TRUE(rig.batch.refused.empty());
}

TEST(Host, ProcfsTree) {
  Rig rig(World("procfs_tree"));
  rig.Round(kNow);
  const auto got = rig.Values();
  ExpectValues(
      got,
      {
          {"n system.network.io{network.interface.name=\"eth0\",network.io.direction=\"receive\"}",
           874354587},
          {"n "
           "system.network.packet.count{network.io.direction=\"transmit\",system.device=\"eth0\"}",
           732147},
          {"n system.memory.usage{system.memory.state=\"cached\"}",
           (12007640.0 + 1738124.0) * 1024},
          {"n system.memory.usage{system.memory.state=\"used\"}",
           (15666184.0 - 440324 - 1020128 - 12007640 - 1738124) * 1024},
          {"n system.pressure.some{resource=\"io\"}", 0.001},
          {"n system.pressure.full{resource=\"io\"}", 0.002},
          {"n/26231 process.memory.usage", 1981 * 4096.0},
          {"n/26231 process.thread.count", 1},
          {"n/26231 process.cpu.time{cpu.mode=\"user\"}", 16.77},
          {"n/26231 process.cpu.time{cpu.mode=\"system\"}", 0.44},
          {"n/26231 process.paging.faults{system.paging.fault.type=\"major\"}", 26},
          {"n/26231 process.disk.io{disk.io.direction=\"read\"}", 1024},
          {"n/27079 process.thread.count", 5},
      });
  EXPECT_FALSE(got.contains(
      "n system.network.io{network.interface.name=\"lo\",network.io.direction=\"receive\"}"));
  bool vim = false, parentheses = false;
  for (const auto& [id, s] : rig.series) {
    vim = vim || (s.entity == "n/26231" && s.attributes.get("process.executable.name") == "vim");
    parentheses = parentheses || s.attributes.get("process.executable.name") == "(a b ) ( c d) ";
    EXPECT_EQ(s.layer, "l3_host") << s.signal << " is in no catalog";
  }
  EXPECT_TRUE(vim);
  EXPECT_TRUE(parentheses);
}

TEST(Host, InfinibandCounters) {
  Rig rig(World("procfs_tree"));
  rig.Round(kNow);
  double received = -1, rate = -1, downed = -1;
  for (std::size_t i = 0; i < rig.batch.samples.size(); ++i) {
    const model::Series& s = rig.series.at(rig.batch.samples.series[i]);
    if (s.attributes.get("system.device") != "mlx4_0" || s.attributes.get("port") != "1") continue;
    const double v = rig.batch.samples.value[i];
    if (s.signal == "system.infiniband.io" && s.attributes.get("network.io.direction") == "receive")
      received = v;
    if (s.signal == "system.infiniband.rate") rate = v;
    if (s.signal == "system.infiniband.link_downed") downed = v;
  }
  EXPECT_EQ(received, 4 * 2221223609.0);
  EXPECT_EQ(rate, 5e9);
  EXPECT_EQ(downed, 0);
}

TEST(Host, SeriesAreNamedOnceAndAgainAfterForget) {
  Rig rig(World("procfs_tree"));
  rig.Round(kNow);
  const std::size_t named = rig.batch.series.size(), samples = rig.batch.samples.size();
  EXPECT_GT(named, 60u);
  rig.Round(kNow + 6 * base::kSecond);
  EXPECT_EQ(rig.batch.series.size(), 0u);
  EXPECT_EQ(rig.batch.samples.size(), samples);
  rig.namer.forget();
  rig.Round(kNow + 12 * base::kSecond);
  EXPECT_EQ(rig.batch.series.size(), named);
}

// A small tree that a test can change.
class Tree : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::temp_directory_path() / ("strata-l3-" + std::to_string(::getpid()));
    std::filesystem::remove_all(root_);
    Write("proc/stat",
          "cpu  100 0 50 1000 10 1 2 0 0 0\ncpu0 100 0 50 1000 10 1 2 0 0 0\nbtime 1000000000\n");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void Write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((root_ / file).parent_path());
    ASSERT_TRUE(base::WriteFile((root_ / file).string(), text).ok());
  }
  HostOptions Options() const {
    HostOptions options;
    options.root = root_.string();
    return options;
  }
  std::filesystem::path root_;
};

TEST_F(Tree, NoProcIsAnErrorThatSaysSo) {
  std::filesystem::remove(root_ / "proc/stat");
  auto made = HostCollector::Make(Options());
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.status().message().find("proc/stat"), std::string::npos);
}

TEST_F(Tree, HostNameOfAForeignRoot) {
  Write("etc/hostname", "from-etc\n");
  EXPECT_EQ((*HostCollector::Make(Options()))->node(), "from-etc");
  Write("proc/sys/kernel/hostname", "from-kernel\n");
  EXPECT_EQ((*HostCollector::Make(Options()))->node(), "from-kernel");
}

TEST_F(Tree, CountersDoNotStepBackButUnpluggedOnesReset) {
  Write("proc/sys/kernel/hostname", "n");
  Rig rig(Options());
  rig.Round(kNow);
  Write("proc/stat", "cpu  100 0 50 1000 8 1 2 0 0 0\n");
  rig.Round(kNow + base::kSecond);
  EXPECT_EQ(rig.Values()["n system.cpu.time{cpu.mode=\"iowait\"}"], 0.10);
  Write("proc/stat", "cpu  1 0 2 3 4 5 6 0 0 0\n");
  rig.Round(kNow + 2 * base::kSecond);
  EXPECT_EQ(rig.Values()["n system.cpu.time{cpu.mode=\"user\"}"], 0.01);
  EXPECT_EQ(rig.Values()["n system.cpu.time{cpu.mode=\"iowait\"}"], 0.04);
}

TEST_F(Tree, DiskTimesRollOverAt32Bits) {
  Write("proc/sys/kernel/hostname", "n");
  Write("proc/diskstats", " 8 0 sda 1 0 8 4294967000 0 0 0 0 0 0 0\n 8 16 sdb 1 0\n");
  Rig rig(Options());
  rig.Round(kNow);
  Write("proc/diskstats", " 8 0 sda 2 0 8 704 0 0 0 0 0 0 0\n");
  rig.Round(kNow + base::kSecond);
  EXPECT_DOUBLE_EQ(
      rig.Values()
          ["n system.disk.operation_time{disk.io.direction=\"read\",system.device=\"sda\"}"],
      4294968.0);
}

TEST_F(Tree, OomKillIsAnEventOnlyWhenItHappens) {
  Write("proc/vmstat", "pgfault 10\npgmajfault 3\noom_kill 4\n");
  Rig rig(Options());
  rig.Round(kNow);
  EXPECT_EQ(rig.batch.events.size(), 0u);
  Write("proc/vmstat", "pgfault 10\npgmajfault 3\noom_kill 6\n");
  rig.Round(kNow + base::kSecond);
  ASSERT_EQ(rig.batch.events.size(), 1u);
  EXPECT_EQ(rig.batch.events[0].event, "host.oom_kill");
  EXPECT_EQ(rig.batch.events[0].attributes.get("count"), "2");
}

std::string StatOf(int pid, const std::string& name, int user_ticks, int start_ticks, int pages) {
  return std::to_string(pid) + " (" + name + ") S 1 1 1 0 -1 0 0 0 0 0 " +
         std::to_string(user_ticks) + " 0 0 0 20 0 3 0 " + std::to_string(start_ticks) + " 1000 " +
         std::to_string(pages) + " 0\n";
}

TEST_F(Tree, AProcessThatEndsOrIsReplacedEndsItsSeries) {
  Write("proc/sys/kernel/hostname", "n");
  Write("proc/7/stat", StatOf(7, "engine", 100, 500, 10));
  Rig rig(Options());
  rig.Round(kNow);
  EXPECT_EQ(rig.Values()["n/7 process.memory.usage"], 40960);
  Write("proc/7/stat", StatOf(7, "other", 1, 900, 20));  // the same number, another process
  rig.Round(kNow + base::kSecond);
  EXPECT_TRUE(model::IsStale(rig.Values()["n/7 process.memory.usage"]));
  rig.Round(kNow + 10 * base::kSecond);
  EXPECT_EQ(rig.Values()["n/7 process.memory.usage"], 81920);
  std::filesystem::remove_all(root_ / "proc/7");
  rig.Round(kNow + 20 * base::kSecond);
  EXPECT_TRUE(model::IsStale(rig.Values()["n/7 process.memory.usage"]));
  rig.Round(kNow + 30 * base::kSecond);
  EXPECT_FALSE(rig.Values().contains("n/7 process.memory.usage"));
}

TEST_F(Tree, TopProcessesAreFollowedWithinTheLimit) {
  Write("proc/sys/kernel/hostname", "n");
  for (int pid = 1; pid <= 60; ++pid)
    Write("proc/" + std::to_string(pid) + "/stat", StatOf(pid, "p", 0, 1, pid));
  HostOptions options = Options();
  Rig rig(options);
  rig.Round(kNow);
  auto got = rig.Values();
  EXPECT_TRUE(got.contains("n/60 process.memory.usage"));
  EXPECT_TRUE(got.contains("n/41 process.memory.usage"));
  EXPECT_FALSE(got.contains("n/40 process.memory.usage"));
  EXPECT_EQ(got["n system.process.count{process.state=\"sleeping\"}"], 60);
  options.max_processes = 5;
  Rig small(options);
  small.Round(kNow);
  int followed = 0;
  for (const auto& [key, value] : small.Values())
    followed += key.find("process.memory.usage") != std::string::npos ? 1 : 0;
  EXPECT_EQ(followed, 5);
}

TEST_F(Tree, CgroupsOfVersionTwo) {
  Write("proc/sys/kernel/hostname", "n");
  Write("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
  Write("sys/fs/cgroup/cpu.stat", "usage_usec 5000000\nuser_usec 1\n");
  Write("sys/fs/cgroup/system.slice/cpu.stat", "usage_usec 2000000\nthrottled_usec 500000\n");
  Write("sys/fs/cgroup/system.slice/memory.current", "4096\n");
  Write("sys/fs/cgroup/system.slice/io.pressure",
        "some avg10=25.00 avg60=0 avg300=0 total=3000000\nfull avg10=5.00 avg60=0 avg300=0 "
        "total=1\n");
  Write("sys/fs/cgroup/boot.mount/cpu.stat", "usage_usec 1\n");
  Rig rig(Options());
  rig.Round(kNow);
  double cpu = -1, memory = -1, some = -1;
  for (std::size_t i = 0; i < rig.batch.samples.size(); ++i) {
    const model::Series& s = rig.series.at(rig.batch.samples.series[i]);
    EXPECT_NE(s.attributes.get("cgroup"), "/boot.mount");
    if (s.attributes.get("cgroup") != "/system.slice") continue;
    const double v = rig.batch.samples.value[i];
    if (s.signal.find("cpu.time") != std::string::npos) cpu = v;
    if (s.signal.find("memory.usage") != std::string::npos) memory = v;
    if (s.signal.ends_with("pressure.some")) some = v;
  }
  EXPECT_EQ(cpu, 2);
  EXPECT_EQ(memory, 4096);
  EXPECT_EQ(some, 0.25);
}

TEST_F(Tree, SourcesSayWhatIsMissingAndWhy) {
  Rig rig(Options());
  rig.Round(kNow);
  std::vector<model::SourceState> sources;
  rig.collector->Sources(kNow, &sources);
  std::map<std::string, std::string> state;
  for (const auto& s : sources) state[s.name] = s.state + ": " + s.detail;
  EXPECT_EQ(state["host /proc/stat"], "live: ");
  EXPECT_EQ(state["host /proc/meminfo"], "absent: No such file or directory");
  EXPECT_EQ(state["host /proc/pressure"], "absent: the kernel was built without CONFIG_PSI");
  EXPECT_EQ(state["host /sys/class/infiniband"], "absent: no InfiniBand adapter");
}

TEST_F(Tree, DamagedFilesCostOnlyThemselves) {
  Write("proc/sys/kernel/hostname", "n");
  Write("proc/meminfo", "MemTotal: many kB\nMemFree: 5 kB\n\n:\n");
  Write("proc/diskstats", "8 0\n\n8 0 sda x y z\n");
  Write("proc/net/dev", "nonsense\n eth0 1 2 3\n eth1: 1 2\n");
  Write("proc/net/snmp", "Tcp: RetransSegs\nUdp: 7\n");
  Write("proc/pressure/cpu", "some avg10= total=-3\nfull\n");
  Write("proc/9/stat", "9 (cut");
  Write("proc/loadavg", "");
  Rig rig(Options());
  rig.Round(kNow);
  const auto got = rig.Values();
  EXPECT_TRUE(got.contains("n system.memory.usage{system.memory.state=\"free\"}"));
  EXPECT_FALSE(got.contains("n system.memory.limit"));
  for (const auto& [key, value] : got)
    EXPECT_FALSE(key.find("disk") != std::string::npos || key.find("pressure") != std::string::npos)
        << key;
}

TEST(Host, ThisMachine) {
  Rig rig({});
  rig.Round(kNow);
  const std::size_t named = rig.batch.series.size();
  EXPECT_GT(named, 40u);
  for (const auto& [id, s] : rig.series)
    EXPECT_EQ(s.layer, "l3_host") << s.signal << " is in no catalog";
  rig.Round(kNow + base::kSecond);
  EXPECT_LT(rig.batch.series.size(), named / 2);
}

TEST(Cgroups, EveryRuntimesSpelling) {
  const std::string id(64, 'a'), other(64, 'b');
  const auto f = [](const std::string& text, const std::string& container, const std::string& pod) {
    const Cgroup got = ParseCgroup(text);
    EXPECT_EQ(got.container, container) << text;
    EXPECT_EQ(got.pod_uid, pod) << text;
  };
  const std::string uid = "0d4f4b2e-8a2f-4d6c-9f0e-0123456789ab";
  f("0::/kubepods.slice/kubepods-burstable.slice/"
    "kubepods-burstable-pod0d4f4b2e_8a2f_4d6c_9f0e_0123456789ab.slice/cri-containerd-" +
        id + ".scope\n",
    id, uid);
  f("0::/kubepods/besteffort/pod" + uid + "/" + id + "\n", id, uid);
  f("0::/system.slice/docker-" + id + ".scope\n", id, "");
  f("0::/docker/" + other +
        "/kubelet.slice/kubelet-kubepods.slice/"
        "kubelet-kubepods-pod0d4f4b2e_8a2f_4d6c_9f0e_0123456789ab.slice/cri-containerd-" +
        id + ".scope",
    id, uid);
  f("0::/kubepods.slice/kubepods-pod0d4f4b2e_8a2f_4d6c_9f0e_0123456789ab.slice/crio-conmon-" + id +
        ".scope",
    "", uid);
  f("12:memory:/docker/" + id + "\n3:cpu,cpuacct:/elsewhere\n0::/\n", id, "");
  f("0::/user.slice/user-1000.slice/session-2.scope\n", "", "");
  f("", "", "");
  f("garbage\n::\n", "", "");
}

}  // namespace
}  // namespace strata::l3_host
