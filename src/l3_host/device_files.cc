// SPDX-License-Identifier: Apache-2.0
// Disks, network interfaces and TCP, from /proc/diskstats and /proc/net.
#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <string>

#include "l3_host/sources.h"

namespace strata::l3_host {
namespace {

using model::Kind;

constexpr std::string_view kDisks = "l3_host:/proc/diskstats";
constexpr std::string_view kNet = "l3_host:/proc/net/dev";
constexpr std::string_view kSnmp = "l3_host:/proc/net/snmp";
constexpr std::string_view kNetstat = "l3_host:/proc/net/netstat";
constexpr double kSectorBytes = 512;  // whatever the device's own sectors are

constexpr Def Disk(std::string_view signal, std::string_view unit, std::string_view direction) {
  return {signal, unit, Kind::counter, kDisks, {"disk.io.direction", direction}};
}
constexpr Def kReads = Disk("system.disk.operations", "{operation}", "read");
constexpr Def kWrites = Disk("system.disk.operations", "{operation}", "write");
constexpr Def kReadMerged = Disk("system.disk.merged", "{operation}", "read");
constexpr Def kWriteMerged = Disk("system.disk.merged", "{operation}", "write");
constexpr Def kReadBytes = Disk("system.disk.io", "By", "read");
constexpr Def kWriteBytes = Disk("system.disk.io", "By", "write");
constexpr Def kReadTime = Disk("system.disk.operation_time", "s", "read");
constexpr Def kWriteTime = Disk("system.disk.operation_time", "s", "write");
constexpr Def kIoTime = {"system.disk.io_time", "s", Kind::counter, kDisks};
constexpr Def kWeighted = {"system.disk.weighted_io_time", "s", Kind::counter, kDisks};
constexpr Def kPending = {"system.disk.pending_operations", "{operation}", Kind::gauge, kDisks};

constexpr Def Net(std::string_view signal, std::string_view unit, std::string_view direction) {
  return {signal, unit, Kind::counter, kNet, {"network.io.direction", direction}};
}
constexpr Def kRxBytes = Net("system.network.io", "By", "receive"),
              kTxBytes = Net("system.network.io", "By", "transmit");
constexpr Def kRxPackets = Net("system.network.packet.count", "{packet}", "receive");
constexpr Def kTxPackets = Net("system.network.packet.count", "{packet}", "transmit");
constexpr Def kRxErrors = Net("system.network.errors", "{error}", "receive");
constexpr Def kTxErrors = Net("system.network.errors", "{error}", "transmit");
constexpr Def kRxDropped = Net("system.network.packet.dropped", "{packet}", "receive");
constexpr Def kTxDropped = Net("system.network.packet.dropped", "{packet}", "transmit");

// A column of /proc/net/snmp or netstat, found by its name.
struct Column {
  std::string_view prefix, name;
  Def def;
};
constexpr Column kColumns[] = {
    {"Tcp:", "RetransSegs", {"system.network.tcp.retransmits", "{segment}", Kind::counter, kSnmp}},
    {"Tcp:",
     "OutSegs",
     {"system.network.tcp.segments",
      "{segment}",
      Kind::counter,
      kSnmp,
      {"network.io.direction", "transmit"}}},
    {"Tcp:",
     "InSegs",
     {"system.network.tcp.segments",
      "{segment}",
      Kind::counter,
      kSnmp,
      {"network.io.direction", "receive"}}},
    {"Tcp:", "InErrs", {"system.network.tcp.errors", "{error}", Kind::counter, kSnmp}},
    {"Tcp:",
     "CurrEstab",
     {"system.network.connection.count",
      "{connection}",
      Kind::gauge,
      kSnmp,
      {"network.connection.state", "established"},
      {"network.transport", "tcp"}}},
    {"TcpExt:",
     "TCPTimeouts",
     {"system.network.tcp.timeouts", "{timeout}", Kind::counter, kNetstat}},
    {"TcpExt:",
     "ListenDrops",
     {"system.network.tcp.listen_drops", "{connection}", Kind::counter, kNetstat}},
};

bool EndsInDigit(std::string_view s) {
  return !s.empty() && std::isdigit(static_cast<unsigned char>(s.back())) != 0;
}

// Host counters stand in the network namespace of process 1, where it may be looked into.
std::string NetFile(const Host& host, std::string_view name) {
  std::string first = host.path("proc/1/net/") + std::string(name);
  if (const int fd = ::open(first.c_str(), O_RDONLY | O_CLOEXEC); fd >= 0) {
    ::close(fd);
    return first;
  }
  return host.path("proc/net/") + std::string(name);
}

}  // namespace

// ram0, loop0, fd0 are no disks; sda1, xvda1, nvme0n1p2, mmcblk0p1 are partitions; what dm-0 and
// md0 do is counted at the disks below them.
bool DeviceFiles::IsWholeDisk(std::string_view name) {
  for (const std::string_view skip : {"ram", "zram", "loop", "fd", "dm-", "md"}) {
    if (name.starts_with(skip) && EndsInDigit(name)) return false;
  }
  std::string_view stem = name;
  while (EndsInDigit(stem)) stem.remove_suffix(1);
  if (stem.size() == name.size()) return true;
  for (const std::string_view disk : {"sd", "hd", "vd", "xvd"}) {
    if (stem.starts_with(disk) && stem.size() > disk.size()) return false;
  }
  if (stem.size() > 1 && stem.back() == 'p' && EndsInDigit(stem.substr(0, stem.size() - 1))) {
    return !(name.starts_with("nvme") || name.starts_with("mmcblk"));
  }
  return true;
}

bool DeviceFiles::IsHostInterface(std::string_view name) {
  if (name == "lo") return false;
  for (const std::string_view skip :
       {"veth", "cali", "lxc", "cilium_", "tunl", "dummy", "ifb", "nodelocaldns", "kube-ipvs"}) {
    if (name.starts_with(skip)) return false;
  }
  return true;
}

double DeviceFiles::Unrolled::seconds(std::uint64_t raw_ms) {
  constexpr std::uint64_t kWrap = 1ULL << 32;
  if (raw_ms < last)
    base = last >= kWrap / 2 && last < kWrap ? base + kWrap : 0;  // rolled over, or a new device
  last = raw_ms;
  return static_cast<double>(base + raw_ms) / 1000;
}

DeviceFiles::DeviceFiles(const Host& host)
    : disks_(host.path("proc/diskstats")),
      interfaces_(NetFile(host, "dev")),
      snmp_(NetFile(host, "snmp")),
      netstat_(NetFile(host, "netstat")) {}

void DeviceFiles::Read(const Host& host, Emitter* emit) {
  ReadDisks(host, emit);
  ReadInterfaces(host, emit);
  ReadProtocols(&snmp_, host, emit);
  ReadProtocols(&netstat_, host, emit);
}

void DeviceFiles::ReadDisks(const Host& host, Emitter* emit) {
  if (!disks_.Read(&buffer_)) return;
  std::string_view text = buffer_, line;
  while (NextLine(&text, &line)) {
    NextWord(&line);
    NextWord(&line);
    const std::string_view name = NextWord(&line);
    if (name.empty()) continue;
    const auto [it, fresh] = disk_.try_emplace(base::Hash64(name));
    Disk& disk = it->second;
    if (fresh) {
      disk.hash = base::Mix(host.seed, base::Mix(1, it->first));
      disk.own.set("system.device", name);
      disk.wanted = IsWholeDisk(name);
    }
    if (!disk.wanted) continue;
    std::uint64_t v[11] = {};
    int n = 0;
    while (n < 11 && ParseU64(NextWord(&line), &v[n])) ++n;
    if (n < 11) continue;  // the four columns of an old kernel's partitions
    const Object object{disk.hash, &host.resource, &disk.own, host.boot_ns};
    emit->Put(kReads, object, static_cast<double>(v[0]));
    emit->Put(kReadMerged, object, static_cast<double>(v[1]));
    emit->Put(kReadBytes, object, static_cast<double>(v[2]) * kSectorBytes);
    emit->Put(kReadTime, object, disk.read.seconds(v[3]));
    emit->Put(kWrites, object, static_cast<double>(v[4]));
    emit->Put(kWriteMerged, object, static_cast<double>(v[5]));
    emit->Put(kWriteBytes, object, static_cast<double>(v[6]) * kSectorBytes);
    emit->Put(kWriteTime, object, disk.write.seconds(v[7]));
    emit->Put(kPending, object, static_cast<double>(v[8]));
    emit->Put(kIoTime, object, disk.io.seconds(v[9]));
    emit->Put(kWeighted, object, disk.weighted.seconds(v[10]));
  }
}

void DeviceFiles::ReadInterfaces(const Host& host, Emitter* emit) {
  if (!interfaces_.Read(&buffer_)) return;
  std::string_view text = buffer_, line;
  while (NextLine(&text, &line)) {
    const std::size_t colon = line.rfind(':');      // "eth0:1:" is one interface with an alias
    if (colon == std::string_view::npos) continue;  // the two lines of headings
    const std::string_view name = Trimmed(line.substr(0, colon));
    line.remove_prefix(colon + 1);
    const auto [it, fresh] = interface_.try_emplace(base::Hash64(name));
    Interface& interface = it->second;
    if (fresh) {
      interface.hash = base::Mix(host.seed, base::Mix(2, it->first));
      interface.own.set("network.interface.name", name);
      interface.as_device.set("system.device", name);
      interface.wanted = IsHostInterface(name);
    }
    if (!interface.wanted) continue;
    std::uint64_t v[16] = {};
    int n = 0;
    while (n < 16 && ParseU64(NextWord(&line), &v[n])) ++n;
    if (n < 12) continue;
    const Object object{interface.hash, &host.resource, &interface.own, host.boot_ns};
    const Object device{interface.hash, &host.resource, &interface.as_device, host.boot_ns};
    emit->Put(kRxBytes, object, static_cast<double>(v[0]));
    emit->Put(kRxPackets, device, static_cast<double>(v[1]));
    emit->Put(kRxErrors, object, static_cast<double>(v[2]));
    emit->Put(kRxDropped, object, static_cast<double>(v[3]));
    emit->Put(kTxBytes, object, static_cast<double>(v[8]));
    emit->Put(kTxPackets, device, static_cast<double>(v[9]));
    emit->Put(kTxErrors, object, static_cast<double>(v[10]));
    emit->Put(kTxDropped, object, static_cast<double>(v[11]));
  }
}

void DeviceFiles::ReadProtocols(KeptFile* file, const Host& host, Emitter* emit) {
  if (!file->Read(&buffer_)) return;
  std::string_view text = buffer_, names, values;
  while (NextLine(&text, &names) && NextLine(&text, &values)) {
    const std::string_view prefix = NextWord(&names);
    if (NextWord(&values) != prefix) return;  // not the two lines that belong together
    if (prefix != "Tcp:" && prefix != "TcpExt:") continue;
    for (std::string_view name = NextWord(&names); !name.empty(); name = NextWord(&names)) {
      const std::string_view value = NextWord(&values);
      for (const Column& column : kColumns) {
        std::int64_t n = 0;
        if (column.prefix != prefix || column.name != name || !ParseI64(value, &n) || n < 0)
          continue;
        emit->Put(column.def, host.whole(), static_cast<double>(n));
      }
    }
  }
}

void DeviceFiles::Reaches(std::vector<Reach>* out) const {
  for (const KeptFile* file : {&disks_, &interfaces_, &snmp_, &netstat_})
    out->push_back(ReachOf(*file));
}

}  // namespace strata::l3_host
