// SPDX-License-Identifier: Apache-2.0
// The readers behind the door, one class per family of files. Internal to `l3_host`; all of one
// collector run on its thread. Each has Read(), which emits what it finds, and says whether its
// files were there.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "l3_host/emitter.h"
#include "l3_host/scan.h"
#include "model/batch.h"

namespace strata::l3_host {

// Whether a source could be read in the last round, and why not.
struct Reach {
  std::string name;  // "/proc/stat"
  bool live = false;
  std::string why;
};

Reach ReachOf(const KeptFile& file);  // l3_host.cc

// What all readers of a round share.
struct Host {
  std::string root;  // without a trailing slash
  std::string node;
  model::Attributes resource;  // host.name
  std::uint64_t seed = 0;      // hash of the node
  std::int64_t boot_ns = 0;    // 0 = not told
  std::uint32_t cores = 0;
  double ticks_per_s = 100;
  bool per_core = false;

  Object whole() const { return {seed, &resource, nullptr, boot_ns}; }
  std::string path(std::string_view below) const { return root + "/" + std::string(below); }
};

// /proc/stat, loadavg, uptime, meminfo, vmstat.
class SystemFiles {
 public:
  explicit SystemFiles(const Host& host);
  void Read(Host* host, Emitter* emit);
  void Reaches(std::vector<Reach>* out) const;
  std::uint64_t forks() const { return forks_; }

 private:
  struct Cpu {
    std::uint64_t ticks[8] = {};
    std::uint64_t before[7] = {};  // by mode, of the round before
    std::uint64_t hash = 0;
    model::Attributes own;
    bool seen = false;
  };
  void ReadStat(Host* host, Emitter* emit);
  void ReadCpu(std::string_view line, Cpu* cpu, const Object& object, const Host& host,
               Emitter* emit);
  void PutShares(const std::uint64_t* by_mode, Cpu* cpu, const Object& object, Emitter* emit);
  void ReadLoad(const Host& host, Emitter* emit);
  void ReadMemory(const Host& host, Emitter* emit);
  void ReadVm(const Host& host, Emitter* emit);

  KeptFile stat_, load_, uptime_, memory_, vm_;
  std::string buffer_;
  Cpu whole_;
  std::vector<Cpu> per_core_;
  std::uint64_t forks_ = 0;
  std::uint64_t oom_kills_ = 0;
  bool oom_known_ = false;
};

// /proc/diskstats and /proc/net/{dev,snmp,netstat}.
class DeviceFiles {
 public:
  explicit DeviceFiles(const Host& host);
  void Read(const Host& host, Emitter* emit);
  void Reaches(std::vector<Reach>* out) const;

  static bool IsWholeDisk(std::string_view name);  // no partition, loop, ram or floppy
  static bool IsHostInterface(
      std::string_view name);  // not lo, not the host end of a container's pair

 private:
  // A 32-bit millisecond counter of the kernel, unrolled.
  struct Unrolled {
    std::uint64_t last = 0, base = 0;
    double seconds(std::uint64_t raw_ms);
  };
  struct Disk {
    std::uint64_t hash = 0;
    model::Attributes own;
    bool wanted = false;
    Unrolled read, write, io, weighted;
  };
  struct Interface {
    std::uint64_t hash = 0;
    model::Attributes own, as_device;  // OpenTelemetry names the interface in two ways
    bool wanted = false;
  };
  void ReadDisks(const Host& host, Emitter* emit);
  void ReadInterfaces(const Host& host, Emitter* emit);
  void ReadProtocols(KeptFile* file, const Host& host, Emitter* emit);

  KeptFile disks_, interfaces_, snmp_, netstat_;
  std::string buffer_;
  std::unordered_map<std::uint64_t, Disk> disk_;            // by hash of the name
  std::unordered_map<std::uint64_t, Interface> interface_;  // by hash of the name
};

// /proc/pressure and cgroup version 2: pressure, CPU, memory of the root and its first-level
// groups.
class PressureFiles {
 public:
  explicit PressureFiles(const Host& host);
  void Read(const Host& host, Emitter* emit);
  void Reaches(std::vector<Reach>* out) const;

 private:
  struct Resource {
    KeptFile file;
    std::uint64_t hash = 0;
    model::Attributes own;
  };
  struct Group {
    std::string name;
    Resource pressure[3];
    KeptFile cpu, memory;
    std::uint64_t hash = 0;
    model::Attributes own;
  };
  bool ReadPressure(Resource* resource, const Host& host, Emitter* emit);
  void ReadGroup(Group* group, const Host& host, Emitter* emit);
  void FindGroups(const Host& host);

  std::string buffer_;
  std::vector<Resource> resources_;
  std::string groups_root_;  // "" = no version 2
  std::map<std::string, Group> groups_;
  int rounds_ = 0;
  bool pressure_live_ = false;
  int pressure_errno_ = 0;
};

// EDAC and InfiniBand below /sys. A counter of an adapter may ask its firmware, so they are read at
// most every 5 s.
class FabricFiles {
 public:
  explicit FabricFiles(const Host& host);
  void Read(const Host& host, Emitter* emit);
  void Reaches(std::vector<Reach>* out) const;

 private:
  struct Counter {
    KeptFile file;
    const Def* def = nullptr;
    double scale = 1;
  };
  struct Thing {  // a port of an adapter, or a memory controller
    std::uint64_t hash = 0;
    model::Attributes own;
    std::vector<Counter> counters;
  };
  static void ReadThings(std::vector<Thing>* things, const Host& host, std::string* buffer,
                         Emitter* emit);
  void FindPorts(const Host& host);
  void FindControllers(const Host& host);

  std::string buffer_;
  std::vector<Thing> ports_, controllers_;
  std::int64_t read_ns_ = 0, found_ns_ = 0;
};

// Processes: how many, and those that matter one by one. The list is walked every few seconds; in
// between only the followed ones are read.
class ProcessFiles {
 public:
  ProcessFiles(const Host& host, int max_processes, std::int64_t scan_every_ns);
  ~ProcessFiles();
  ProcessFiles(const ProcessFiles&) = delete;
  ProcessFiles& operator=(const ProcessFiles&) = delete;
  void Read(const Host& host, Emitter* emit);
  void Reaches(std::vector<Reach>* out) const;

 private:
  struct Stat {
    std::string_view name;
    char state = '?';
    std::uint64_t major_faults = 0, user_ticks = 0, system_ticks = 0, threads = 0, start_ticks = 0,
                  rss_pages = 0;
  };
  struct Process {  // what was last seen of any one
    std::uint64_t start_ticks = 0, cpu_ticks = 0, rss_pages = 0;
    std::int64_t seen_ns = 0;      // of cpu_ticks
    std::int64_t mattered_ns = 0;  // last time it was among those that matter
    double cores = 0;              // used between the last two looks; at first since its start
    char state = '?';
    std::uint32_t scan = 0;  // last scan that found it
  };
  struct Followed {  // one that matters: its files stay open
    KeptFile stat, io, schedstat;
    std::uint64_t hash = 0;
    model::Attributes resource;
    std::string name;
    std::uint64_t start_ticks = 0;
    std::int64_t start_ns = 0;
    bool denied = false;
    Object object() const { return {hash, &resource, nullptr, start_ns}; }
  };
  static bool ParseStat(std::string_view text, Stat* stat);
  bool ReadAt(int pid, const char* file);  // into buffer_
  void Scan(const Host& host, Emitter* emit);
  void Look(const Host& host, int pid, std::int64_t now_ns, Process* process);
  void Note(const Host& host, const Stat& stat, std::int64_t now_ns, Process* process);
  void Choose(Emitter* emit);
  void Start(const Host& host, int pid, const Stat& stat, Followed* followed);
  bool Follow(const Host& host, int pid, Followed* followed, Emitter* emit);
  void CountOpenFiles(int pid, const Followed& followed, Emitter* emit);
  static void End(const Followed& followed, Emitter* emit);
  void CountStates(const Host& host, Emitter* emit);

  int max_processes_;
  std::int64_t scan_every_ns_;
  std::int64_t scanned_ns_ = 0;
  std::uint32_t scan_ = 0;
  int proc_fd_ = -1;
  bool real_proc_ = false;  // not a recorded tree
  std::size_t page_bytes_ = 4096;
  std::string buffer_;
  std::unordered_map<int, Process> processes_;
  std::unordered_map<int, Followed> followed_;
  std::vector<std::pair<double, int>> order_;  // scratch
  std::vector<int> pids_;                      // scratch
  std::size_t cursor_ = 0;                     // where the next scan goes on looking
};

}  // namespace strata::l3_host
