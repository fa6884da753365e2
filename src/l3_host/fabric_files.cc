// SPDX-License-Identifier: Apache-2.0
// Memory errors (EDAC) and InfiniBand ports, from /sys.
#include <algorithm>
#include <filesystem>
#include <string>

#include "base/clock.h"
#include "l3_host/sources.h"

namespace strata::l3_host {
namespace {

using model::Kind;

constexpr std::string_view kEdac = "l3_host:/sys/devices/system/edac";
constexpr std::string_view kPort = "l3_host:/sys/class/infiniband";
constexpr std::int64_t kReadEvery = 5 * base::kSecond;
constexpr std::int64_t kFindEvery = 5 * base::kMinute;

constexpr Def Port(std::string_view signal, std::string_view unit, std::string_view key = {},
                   std::string_view value = {}) {
  return {signal, unit, Kind::counter, kPort, {key, value}};
}
struct PortFile {
  std::string_view name;
  double scale;
  Def def;
};
// Data counters count words of four bytes, also on links that are not four lanes wide.
constexpr PortFile kPortFiles[] = {
    {"counters/port_rcv_data", 4,
     Port("system.infiniband.io", "By", "network.io.direction", "receive")},
    {"counters/port_xmit_data", 4,
     Port("system.infiniband.io", "By", "network.io.direction", "transmit")},
    {"counters/port_rcv_packets", 1,
     Port("system.infiniband.packets", "{packet}", "network.io.direction", "receive")},
    {"counters/port_xmit_packets", 1,
     Port("system.infiniband.packets", "{packet}", "network.io.direction", "transmit")},
    {"counters/port_rcv_errors", 1,
     Port("system.infiniband.errors", "{error}", "error.type", "receive")},
    {"counters/port_xmit_discards", 1,
     Port("system.infiniband.errors", "{error}", "error.type", "transmit_discard")},
    {"counters/symbol_error", 1,
     Port("system.infiniband.errors", "{error}", "error.type", "symbol")},
    {"counters/link_error_recovery", 1,
     Port("system.infiniband.errors", "{error}", "error.type", "link_error_recovery")},
    {"counters/link_downed", 1, Port("system.infiniband.link_downed", "{event}")},
    {"counters/port_xmit_wait", 1, Port("system.infiniband.transmit_wait", "{tick}")},
    {"hw_counters/out_of_sequence", 1,
     Port("system.infiniband.errors", "{error}", "error.type", "out_of_sequence")},
    {"hw_counters/local_ack_timeout_err", 1,
     Port("system.infiniband.errors", "{error}", "error.type", "ack_timeout")},
};
constexpr Def kRate = {"system.infiniband.rate", "By/s", Kind::gauge, kPort};
constexpr Def kState = {"system.infiniband.state", "1", Kind::gauge, kPort};

constexpr Def kCorrected = {
    "system.edac.errors", "{error}", Kind::counter, kEdac, {"error.type", "corrected"}};
constexpr Def kUncorrected = {
    "system.edac.errors", "{error}", Kind::counter, kEdac, {"error.type", "uncorrected"}};

std::vector<std::string> Names(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

}  // namespace

FabricFiles::FabricFiles(const Host& host) {
  FindPorts(host);
  FindControllers(host);
}

void FabricFiles::FindPorts(const Host& host) {
  ports_.clear();
  const std::string adapters = host.path("sys/class/infiniband");
  for (const std::string& adapter : Names(adapters)) {
    for (const std::string& port : Names(adapters + "/" + adapter + "/ports")) {
      const std::string folder = adapters + "/" + adapter + "/ports/" + port + "/";
      Thing thing;
      thing.hash = base::Mix(host.seed, base::Mix(5, base::Hash64(adapter + "/" + port)));
      thing.own.set("system.device", adapter);
      thing.own.set("port", port);
      for (const PortFile& file : kPortFiles) {
        if (Exists(folder + std::string(file.name))) {
          thing.counters.push_back(
              {KeptFile(folder + std::string(file.name)), &file.def, file.scale});
        }
      }
      if (Exists(folder + "rate"))
        thing.counters.push_back({KeptFile(folder + "rate"), &kRate, 1e9 / 8});  // Gb/sec
      if (Exists(folder + "state"))
        thing.counters.push_back({KeptFile(folder + "state"), &kState, 1});
      ports_.push_back(std::move(thing));
    }
  }
}

void FabricFiles::FindControllers(const Host& host) {
  controllers_.clear();
  const std::string folder = host.path("sys/devices/system/edac/mc");
  for (const std::string& name : Names(folder)) {
    if (!name.starts_with("mc")) continue;
    Thing thing;
    thing.hash = base::Mix(host.seed, base::Mix(6, base::Hash64(name)));
    thing.own.set("system.device", name);
    thing.counters.push_back({KeptFile(folder + "/" + name + "/ce_count"), &kCorrected, 1});
    thing.counters.push_back({KeptFile(folder + "/" + name + "/ue_count"), &kUncorrected, 1});
    controllers_.push_back(std::move(thing));
  }
}

void FabricFiles::Read(const Host& host, Emitter* emit) {
  const std::int64_t now = emit->now_ns();
  if (read_ns_ != 0 && now - read_ns_ < kReadEvery) return;
  read_ns_ = now;
  if (found_ns_ == 0) found_ns_ = now;
  if (now - found_ns_ >= kFindEvery) {
    found_ns_ = now;
    FindPorts(host);
    FindControllers(host);
  }
  ReadThings(&ports_, host, &buffer_, emit);
  ReadThings(&controllers_, host, &buffer_, emit);
}

void FabricFiles::ReadThings(std::vector<Thing>* things, const Host& host, std::string* buffer,
                             Emitter* emit) {
  for (Thing& thing : *things) {
    for (Counter& counter : thing.counters) {
      if (!counter.file.ReadOnce(buffer)) continue;
      // "12345", "4: ACTIVE", "40 Gb/sec (4X QDR)", "N/A (no PMA)"
      std::string_view line = Trimmed(*buffer);
      std::string_view word = NextWord(&line);
      if (word.ends_with(':')) word.remove_suffix(1);
      double value = 0;
      if (!ParseF64(word, &value)) continue;
      emit->Put(*counter.def, {thing.hash, &host.resource, &thing.own, 0}, value * counter.scale);
    }
  }
}

void FabricFiles::Reaches(std::vector<Reach>* out) const {
  out->push_back({"/sys/devices/system/edac", !controllers_.empty(),
                  controllers_.empty() ? "no memory controller reports errors here" : ""});
  out->push_back(
      {"/sys/class/infiniband", !ports_.empty(), ports_.empty() ? "no InfiniBand adapter" : ""});
}

}  // namespace strata::l3_host
