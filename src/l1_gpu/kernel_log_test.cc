// SPDX-License-Identifier: Apache-2.0
#include "l1_gpu/kernel_log.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/clock.h"

namespace strata::l1_gpu {
namespace {

constexpr std::int64_t kNow = 1'795'000'000'000'000'000;  // 2026-11-18T15:06:40Z

struct Read {
  model::Batch batch;
  base::Json report;
  const std::vector<model::Event>& events = batch.events;
};

wire::Context At(std::int64_t now = kNow) {
  wire::Context context;
  context.now_ns = now;
  context.max_ahead_ns = 0;
  return context;
}

void ReadText(const std::string& text, Read* out) {
  const auto read = ReadKernelLog({"t", text}, At(), &out->batch, &out->report);
  ASSERT_TRUE(read.ok()) << read.status().message();
}

void ReadGolden(const std::string& name, Read* out) {
  auto text =
      base::ReadFile(std::string(STRATA_SOURCE_DIR) + "/tests/golden/l1_gpu/kernel/" + name);
  ASSERT_TRUE(text.ok());
  EXPECT_TRUE(LooksKernelLog(*text)) << name;
  ReadText(*text, out);
}

std::string Get(const model::Event& event, std::string_view key) {
  return std::string(event.attributes.get(key));
}

TEST(LogLine, EveryFormatOfDmesgJournalAndKmsg) {
  struct Want {
    std::string line, time;  // time "" = not told
    double boot = -1;
    std::string message = "NVRM: hello", program = "";
  };
  const Want wants[] = {
      {"6,3964,206764307,-;NVRM: hello", "", 206.764307},
      {"6,3964,206764307,-,caller=T12;NVRM: hello", "", 206.764307},
      {"[    0.000000] NVRM: hello", "", 0},
      {"[ 1234.567890] NVRM: hello", "", 1234.56789},
      {"[ 1234.567890][  T812] NVRM: hello", "", 1234.56789},
      {"[ 1234.567890 <    0.000012>] NVRM: hello", "", 1234.56789},
      {"[<    0.000012>] NVRM: hello", ""},
      {"[  +0.000012] NVRM: hello", ""},
      {"[Feb23 16:24] NVRM: hello", "2026-02-23T16:24:00Z"},
      {"[Dec23 16:24] NVRM: hello", "2025-12-23T16:24:00Z"},
      {"[Sun Feb 23 16:24:18 2025] NVRM: hello", "2025-02-23T16:24:18Z"},
      {"[Mon Feb  3 06:04:08 2025] NVRM: hello", "2025-02-03T06:04:08Z"},
      {"[Feb 27 2025 15:10:02] NVRM: hello", "2025-02-27T15:10:02Z"},
      {"<4>[   12.5] NVRM: hello", "", 12.5},
      {"<4>NVRM: hello", ""},
      {"kern  :warn  : [   12.5] NVRM: hello", "", 12.5},
      {"kern  :err   : 2025-01-21T04:41:44,285060+00:00 NVRM: hello",
       "2025-01-21T04:41:44.285060Z"},
      {"2025-01-21T06:41:44,285060+02:00 NVRM: hello", "2025-01-21T04:41:44.285060Z"},
      {"Feb 23 16:24:18 gpu-7 kernel: NVRM: hello", "2026-02-23T16:24:18Z", -1, "NVRM: hello",
       "kernel"},
      {"Feb  3 06:04:08 gpu-7 kernel: [   12.5] NVRM: hello", "2026-02-03T06:04:08Z", 12.5,
       "NVRM: hello", "kernel"},
      {"2025-02-23T16:24:18+0100 gpu-7 kernel: NVRM: hello", "2025-02-23T15:24:18Z", -1,
       "NVRM: hello", "kernel"},
      {"2025-02-23T16:24:18.250000+00:00 gpu-7 kernel: NVRM: hello", "2025-02-23T16:24:18.250Z", -1,
       "NVRM: hello", "kernel"},
      {"Sun 2025-02-23 16:24:18 UTC gpu-7 kernel: NVRM: hello", "2025-02-23T16:24:18Z", -1,
       "NVRM: hello", "kernel"},
      {"1740327858.500000 gpu-7 kernel: NVRM: hello", "2025-02-23T16:24:18.500Z", -1, "NVRM: hello",
       "kernel"},
      {"[   12.500000] gpu-7 kernel: NVRM: hello", "", 12.5, "NVRM: hello", "kernel"},
      {"Feb 23 16:24:18 gpu-7 nv-fabricmanager[812]: NVRM: hello", "2026-02-23T16:24:18Z", -1,
       "NVRM: hello", "nv-fabricmanager"},
      {"[drm] NVRM: hello", "", -1, "[drm] NVRM: hello"},
      {"2025-01-21T04:41:44,285060+00:00 amdgpu 0000:83:00.0: hello", "2025-01-21T04:41:44.285060Z",
       -1, "amdgpu 0000:83:00.0: hello"},
      {"NVRM: hello", ""},
  };
  for (const Want& want : wants) {
    const LogLine line = ParseLogLine(want.line, kNow);
    EXPECT_EQ(line.ts_ns == 0 ? "" : base::FormatTime(line.ts_ns), want.time) << want.line;
    EXPECT_NEAR(std::isnan(line.since_boot_s) ? -1 : line.since_boot_s, want.boot, 1e-6)
        << want.line;
    EXPECT_EQ(line.message, want.message) << want.line;
    EXPECT_EQ(line.program, want.program) << want.line;
  }
  EXPECT_EQ(ParseLogLine("kern  :warn  : [   12.5] x", kNow).level, 4);
  EXPECT_EQ(ParseLogLine("12,1,2,-;x", kNow).facility, 1);
  EXPECT_EQ(ParseLogLine("Feb 23 16:24:18 h kernel: message repeated 3 times: [ boo]", kNow).times,
            3u);
}

TEST(KernelLog, PciAddresses) {
  const auto f = [](std::string_view in, std::string_view want) {
    EXPECT_EQ(PciAddress(in), want) << in;
  };
  f("0000:9b:00", "0000:9b:00.0");
  f("00000000:9B:00.0", "0000:9b:00.0");
  f("0008:06:00.0", "0008:06:00.0");
  f("18:00.0", "0000:18:00.0");
  f("00010000:01:1f.7", "10000:01:1f.7");
  f("", "");
  f("9b", "");
  f("0000:9b:00.9", "");
  f("0000:zz:00", "");
  f("0000:9b:00:00", "");
}

// ---- files of the world, with the facts that their collectors tell of them
TEST(KernelLogGolden, Xid119FiveTimes) {
  Read read;
  ReadGolden("dmesg-xid-119.log", &read);
  ASSERT_EQ(read.events.size(), 5u);
  for (const model::Event& event : read.events) {
    EXPECT_EQ(event.event, "gpu.fault.event");
    EXPECT_EQ(Get(event, "code"), "119");
    EXPECT_EQ(Get(event, "pci.address"), "0000:9b:00.0");
    EXPECT_EQ(event.entity, "GPU-509665ad-b600-ac93-3616-d754b23d636d");
    EXPECT_EQ(Get(event, "action"), "reset_gpu");
    EXPECT_EQ(event.severity, "error");
  }
  EXPECT_EQ(Get(read.events[0], "process.pid"), "2024380");
  EXPECT_EQ(Get(read.events[0], "process.executable.name"), "nvidia-smi");
  EXPECT_EQ(base::FormatTime(read.events[0].ts), "2025-02-23T16:24:18Z");
  EXPECT_TRUE(Get(read.events[0], "text").starts_with("Timeout after 6s of waiting for RPC"));
  EXPECT_EQ(read.report["lines"].as_int(), 43);
  EXPECT_EQ(read.report["xids"]["119"].as_int(), 5);
}

TEST(KernelLogGolden, NoFaultInTheNoiseOfNvswitch) {
  Read read;
  ReadGolden("kmsg-nvswitch.log", &read);
  EXPECT_TRUE(read.events.empty());
  EXPECT_EQ(read.report["lines"].as_int(), 47);
  EXPECT_EQ(read.batch.refused.total(), 0u);
}

TEST(KernelLogGolden, PeermemErrorsAllCounted) {
  Read read;
  ReadGolden("kmsg-peermem-error.log", &read);
  EXPECT_EQ(read.report["lines"].as_int(), 8);
  ASSERT_EQ(read.events.size(), 7u);
  EXPECT_EQ(read.events[0].event, "gpu.driver.error");
  EXPECT_EQ(Get(read.events[0], "code"), "nvidia-peermem");
  EXPECT_EQ(read.events[1].ts - read.events[0].ts, 1000);  // a microsecond
  EXPECT_EQ(read.events[6].ts, kNow);                      // the newest record is of now
}

TEST(KernelLogGolden, CrashInLibnccl) {
  Read read;
  ReadGolden("libnccl-segfault-dmesg.log", &read);
  ASSERT_EQ(read.events.size(), 2u);
  EXPECT_EQ(read.events[0].layer, "l3_host");
  EXPECT_EQ(read.events[0].event, "host.process_crash");
  EXPECT_EQ(Get(read.events[0], "library"), "libnccl.so.2");
  EXPECT_EQ(Get(read.events[0], "process.pid"), "2536443");
  EXPECT_EQ(Get(read.events[0], "process.executable.name"), "pt_main_thread");
  EXPECT_EQ(base::FormatTime(read.events[1].ts), "2025-01-21T04:42:44.285060Z");
}

TEST(KernelLogGolden, FabricManagerSxid) {
  Read read;
  ReadGolden("fabricmanager.log", &read);
  ASSERT_EQ(read.events.size(), 1u);
  const model::Event& event = read.events[0];
  EXPECT_EQ(Get(event, "code"), "12028");
  EXPECT_EQ(Get(event, "nvlink.severity"), "non_fatal");
  EXPECT_EQ(Get(event, "pci.address"), "0000:86:00.0");
  EXPECT_EQ(Get(event, "gpu.link"), "61");
  EXPECT_EQ(event.source, "fabricmanager");
  EXPECT_EQ(event.entity_type, "switch");
  EXPECT_EQ(base::FormatTime(event.ts), "2025-02-27T15:10:02Z");
  EXPECT_EQ(read.report["sxids"]["12028"].as_int(), 1);
}

// ---- forms that no file above holds
TEST(KernelLog, NvlinkWordsDecideWhatToDo) {
  Read read;
  ReadText(
      "[ 10.0] NVRM: Xid (PCI:0018:01:00): 149, NETIR_LINK_EVT Fatal XC0 i0 Link 08 (0x004505c6 "
      "0x00000000 0x00000000 0x00000000 0x00000000 0x00000000)\n"
      "[ 11.0] NVRM: Xid (PCI:0018:01:00): 144, pid=12, name=nccl, SAW_MVB Nonfatal XC0 i1 Link -1 "
      "(0x00000001 0x00000001)\n"
      "[ 12.0] NVRM: Xid (PCI:0018:01:00): 145, NO_SUCH_UNIT Nonfatal XC1 i1 Link 03 (0x1 0x77)\n",
      &read);
  ASSERT_EQ(read.events.size(), 3u);
  EXPECT_EQ(Get(read.events[0], "nvlink.unit"), "NETIR_LINK_EVT");
  EXPECT_EQ(Get(read.events[0], "gpu.link"), "8");
  EXPECT_EQ(Get(read.events[0], "nvlink.subcode"), "4");
  EXPECT_EQ(read.events[0].severity, "error");
  EXPECT_EQ(Get(read.events[1], "action"), "none");
  EXPECT_EQ(Get(read.events[1], "process.executable.name"), "nccl");
  EXPECT_EQ(read.events[1].severity, "warning");
  EXPECT_EQ(Get(read.events[2], "action"), "nvlink5_flow");  // no rule: the code's own
}

TEST(KernelLog, RecoveryActionOfXid154) {
  Read read;
  ReadText(
      "[ 1.0] NVRM: Xid (PCI:0000:18:00): 154, GPU recovery action changed from 0x0 (None) to 0x1 "
      "(GPU Reset Required)\n"
      "[ 2.0] NVRM: Xid (PCI:0000:18:00): 154, GPU recovery action changed from 0x1 (GPU Reset "
      "Required) to 0x0 (None)\n",
      &read);
  ASSERT_EQ(read.events.size(), 2u);
  EXPECT_EQ(Get(read.events[0], "recovery_action"), "gpu_reset");
  EXPECT_EQ(read.events[0].severity, "error");
  EXPECT_EQ(Get(read.events[1], "recovery_action"), "none");
  EXPECT_EQ(read.events[1].severity, "info");
}

TEST(KernelLog, ProcessesAndInstances) {
  Read read;
  ReadText(
      "NVRM: Xid (PCI:0000:18:00): 31, pid='<unknown>', name=<unknown>, Ch 00000008, intr\n"
      "NVRM: Xid (PCI:0000:18:00): 31, pid=\"unknown\", Ch 8\n"
      "NVRM: Xid (0000:03:00): 13, 0003 00000000 0000a0c0\n"
      "NVRM: GPU at PCI:0000:18:00: GPU-0a0b0c0d-0000-0000-0000-000000000001\n"
      "NVRM: Xid (PCI:0000:18:00 GPU-I:05): 94, pid=77, name=python3.11, Contained: SM\n"
      "NVRM: Xid (PCI:0000:18:00): 9999, what\n"
      "NVRM: Xid (PCI:gone): 79\n",
      &read);
  ASSERT_EQ(read.events.size(), 5u);
  EXPECT_FALSE(read.events[0].attributes.has("process.pid"));
  EXPECT_FALSE(read.events[0].attributes.has("process.executable.name"));
  EXPECT_EQ(Get(read.events[0], "text"), "Ch 00000008, intr");
  EXPECT_EQ(read.events[0].entity, "pci:0000:18:00.0");
  EXPECT_EQ(Get(read.events[1], "text"), "Ch 8");
  EXPECT_EQ(Get(read.events[2], "pci.address"), "0000:03:00.0");
  EXPECT_EQ(read.events[3].entity, "GPU-0a0b0c0d-0000-0000-0000-000000000001/5");
  EXPECT_EQ(Get(read.events[3], "process.executable.name"), "python3.11");
  EXPECT_EQ(Get(read.events[4], "action"), "contact_support");
  EXPECT_EQ(read.batch.refused.count(base::Reason::malformed), 1u);
}

TEST(KernelLog, TheSameXidInOneMomentIsThreeEvents) {
  Read read;
  std::string text;
  for (int i = 0; i < 3; ++i)
    text +=
        "[Sun Feb 23 16:24:18 2025] NVRM: Xid (PCI:0000:18:00): 79, pid=1, name=a, GPU has fallen "
        "off the bus.\n";
  ReadText(text, &read);
  ASSERT_EQ(read.events.size(), 3u);
  EXPECT_NE(read.events[0].attributes, read.events[1].attributes);  // told apart when stored
}

TEST(KernelLog, RepeatedByTheLogger) {
  Read read;
  ReadText(
      "Feb 23 16:24:18 n kernel: message repeated 3 times: [ NVRM: Xid (PCI:0000:18:00): 31, Ch "
      "1]\n"
      "Feb 23 16:24:19 n dockerd[12]: NVRM: Xid (PCI:0000:18:00): 31, somebody's copy\n",
      &read);
  ASSERT_EQ(read.events.size(), 3u);
  EXPECT_NE(read.events[0].attributes, read.events[1].attributes);
  EXPECT_EQ(Get(read.events[0], "host.name"), "n");
  EXPECT_EQ(read.report["xids"]["31"].as_int(), 3);
}

TEST(KernelLog, OffTheBusAlsoWhereNoXidWasPrinted) {
  const auto codes = [](const std::string& text) {
    Read read;
    ReadText(text, &read);
    std::string out;
    for (const auto& e : read.events)
      out += Get(e, "code") + (e.attributes.has("implied") ? "i " : " ");
    return out + std::to_string(read.report["off_bus_without_xid"].as_int());
  };
  const std::string sentence = "NVRM: GPU 0000:18:00.0: GPU has fallen off the bus.\n";
  const std::string xid =
      "NVRM: Xid (PCI:0000:18:00): 79, pid=1, name=a, GPU has fallen off the bus.\n";
  EXPECT_EQ(codes("[1.0] " + sentence), "79i 1");
  EXPECT_EQ(codes("[1.0] " + xid + "[1.1] " + sentence), "79 0");
  EXPECT_EQ(codes("[1.0] " + sentence + "[1.1] " + xid), "79i 0");
  EXPECT_EQ(codes("[1.0] " + sentence + "[99.0] " + sentence), "79i 79i 2");
  EXPECT_EQ(codes("[1.0] NVRM: GPU at 0000:18:00.0 has fallen off the bus.\n"), "79i 1");
  EXPECT_EQ(
      codes("[1.0] NVRM: The NVIDIA GPU 0000:8b:00.0\n[1.0] NVRM: (PCI ID: 10de:20b5) installed "
            "in this system has\n[1.0] NVRM: fallen off the bus and is not responding to "
            "commands.\n"),
      "79i 1");
  EXPECT_EQ(
      codes(
          "4,7,1000,-;NVRM: The NVIDIA GPU 0000:8b:00.0\\x0aNVRM: (PCI ID: 10de:20b5) installed in "
          "this system has\\x0aNVRM: fallen off the bus and is not responding to commands.\n"),
      "79i 1");
}

TEST(KernelLog, SxidOfTheSwitchDriver) {
  Read read;
  ReadText(
      "[5.0] nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 24007, Fatal, Link 46 sourcetrack timeout "
      "error (First)\n"
      "[5.0] nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 24007, Severity 1 Engine instance 46 "
      "Sub-engine instance 00\n"
      "[5.0] nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 24007, Data {0x00000002, 0x00000002}\n"
      "[6.0] nvidia-nvswitch0: SXid (PCI:0000:c1:00.0): 11012, Non-fatal, Link 04 ECC\n",
      &read);
  ASSERT_EQ(read.events.size(), 2u);
  EXPECT_EQ(read.events[0].severity, "error");
  EXPECT_EQ(Get(read.events[0], "gpu.link"), "46");
  EXPECT_EQ(Get(read.events[1], "action"), "watch_then_service");
  EXPECT_EQ(read.events[1].severity, "warning");
}

TEST(KernelLog, KillsForMemory) {
  Read read;
  ReadText(
      "[7.0] python invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=1000\n"
      "[7.1] "
      "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=c,mems_allowed=0,oom_memcg=/"
      "kubepods/podx,"
      "task_memcg=/kubepods/podx/abc,task=python,pid=4242,uid=0\n"
      "[7.2] Memory cgroup out of memory: Killed process 4242 (python) total-vm:100kB, "
      "anon-rss:1024kB, file-rss:0kB\n"
      "[7.3] oom_reaper: reaped process 4242 (python), now anon-rss:0kB\n"
      "[9.0] Out of memory: Killed process 99 (java main) total-vm:1kB, anon-rss:2kB\n",
      &read);
  ASSERT_EQ(read.events.size(), 2u);
  EXPECT_EQ(read.events[0].event, "host.oom_kill");
  EXPECT_EQ(read.events[0].layer, "l3_host");
  EXPECT_EQ(Get(read.events[0], "process.pid"), "4242");
  EXPECT_EQ(Get(read.events[0], "cgroup"), "/kubepods/podx/abc");
  EXPECT_EQ(Get(read.events[0], "process.memory.anonymous_bytes"), "1048576");
  EXPECT_EQ(Get(read.events[0], "scope"), "cgroup");
  EXPECT_EQ(Get(read.events[1], "process.executable.name"), "java main");
  EXPECT_EQ(Get(read.events[1], "scope"), "node");
}

TEST(KernelLog, JsonOfDmesgAndOfTheJournal) {
  Read dmesg, journal;
  const std::string d =
      "{\n   \"dmesg\": [\n      {\"pri\":4,\"time\":   10.5,\"msg\":\"NVRM: Xid (PCI:0000:18:00): "
      "31, "
      "pid=1, name=a, b\"},{\"pri\":6,\"time\": 11.5,\"msg\":\"x\"}]}";
  const std::string j =
      "{\"__REALTIME_TIMESTAMP\":\"1740327858000001\",\"MESSAGE\":\"NVRM: Xid (PCI:0000:18:00): "
      "48, "
      "DBE\",\"SYSLOG_IDENTIFIER\":\"kernel\",\"_HOSTNAME\":\"n7\"}\n{broken\n";
  EXPECT_TRUE(LooksKernelLog(d));
  EXPECT_TRUE(LooksKernelLog(j));
  ReadText(d, &dmesg);
  ReadText(j, &journal);
  ASSERT_EQ(dmesg.events.size(), 1u);
  EXPECT_EQ(dmesg.events[0].ts, kNow - base::kSecond);
  ASSERT_EQ(journal.events.size(), 1u);
  EXPECT_EQ(base::FormatTime(journal.events[0].ts), "2025-02-23T16:24:18.000001Z");
  EXPECT_EQ(Get(journal.events[0], "host.name"), "n7");
  EXPECT_EQ(journal.batch.refused.count(base::Reason::malformed), 1u);
}

TEST(KernelLog, DevicesAskedForAndTimesAhead) {
  KernelLogOptions options;
  options.node = "n";
  options.boot_ns = kNow - 100 * base::kSecond;
  options.uuid_of = [](const std::string& pci) { return pci == "0000:18:00.0" ? "GPU-1" : ""; };
  KernelLog log(options);
  model::Batch batch;
  wire::Context context = At();
  context.max_ahead_ns = base::kSecond;
  log.Feed(
      "4,1,50000000,-;NVRM: Xid (PCI:0000:18:00): 31, a\n4,2,900000000,-;NVRM: Xid "
      "(PCI:0000:18:00): 31, a\n"
      "4,3,60000000,-;NVRM: Xid (PCI:0000:19:00): 31, a\n SUBSYSTEM=pci\n12,4,60000000,-;NVRM: Xid "
      "(PCI:0000:19:00): 31, by hand\n",
      context, &batch);
  ASSERT_EQ(batch.events.size(), 3u);
  EXPECT_EQ(batch.events[0].entity, "GPU-1");
  EXPECT_EQ(batch.events[0].ts, kNow - 50 * base::kSecond);
  EXPECT_EQ(Get(batch.events[0], "log.record"), "1");
  EXPECT_EQ(batch.events[1].entity, "n/pci:0000:19:00.0");
  EXPECT_EQ(Get(batch.events[2], "log.facility"), "1");
  EXPECT_EQ(batch.refused.count(base::Reason::future), 1u);
}

TEST(KernelLog, OtherTextIsNoKernelLog) {
  for (const char* text :
       {"", "hello\nworld\n", "# TYPE a gauge\na 1\n", "{\"a\": 1}",
        "[2025-02-23 16:24:18,123] [INFO] [rank 0] step=1\n", " iteration 10/ 100 | lm loss: 1.0\n",
        "<?xml version=\"1.0\"?>\n", "Tue Jul 14 08:12:38 2026\n+----+\n| NVIDIA-SMI 590 |\n"})
    EXPECT_FALSE(LooksKernelLog(text)) << text;
  Read read;
  const auto named = ReadKernelLog({"t", "all:\n\tmake it\n"}, At(), &read.batch, &read.report);
  ASSERT_TRUE(named.ok());
  EXPECT_FALSE(*named);
}

}  // namespace
}  // namespace strata::l1_gpu
