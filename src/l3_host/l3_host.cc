// SPDX-License-Identifier: Apache-2.0
#include "l3_host/l3_host.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/file.h"
#include "l3_host/sources.h"

namespace strata::l3_host {
namespace {

std::string NodeName(const std::string& root) {
  char name[256] = {};
  if (root.empty() && ::gethostname(name, sizeof name - 1) == 0) return name;
  for (const char* file : {"/proc/sys/kernel/hostname", "/etc/hostname"}) {
    auto text = base::ReadFile(root + file, 4096);
    if (!text.ok()) continue;
    if (const std::string_view trimmed = Trimmed(*text); !trimmed.empty())
      return std::string(trimmed);
  }
  return "localhost";
}

Host MakeHost(const HostOptions& options) {
  Host host;
  host.root = options.root;
  while (!host.root.empty() && host.root.back() == '/') host.root.pop_back();
  host.node = options.node.empty() ? NodeName(host.root) : options.node;
  host.resource.set("host.name", host.node);
  host.seed = base::Hash64(host.node, 3);
  if (const long hz = ::sysconf(_SC_CLK_TCK); hz > 0) host.ticks_per_s = static_cast<double>(hz);
  host.per_core = options.per_core;
  return host;
}

}  // namespace

Reach ReachOf(const KeptFile& file) {
  Reach reach{file.path(), file.errno_value() == 0, {}};
  if (!reach.live) reach.why = std::strerror(file.errno_value());
  return reach;
}

struct HostCollector::State {
  explicit State(const HostOptions& options)
      : host(MakeHost(options)),
        system(host),
        devices(host),
        pressure(host),
        fabric(host),
        processes(host, options.max_processes, options.scan_every_ns) {}

  std::vector<Reach> Reaches() const {
    std::vector<Reach> out;
    system.Reaches(&out);
    devices.Reaches(&out);
    pressure.Reaches(&out);
    fabric.Reaches(&out);
    processes.Reaches(&out);
    for (Reach& reach : out) {
      if (!host.root.empty() && reach.name.starts_with(host.root))
        reach.name.erase(0, host.root.size());
    }
    return out;
  }

  Host host;
  SystemFiles system;
  DeviceFiles devices;
  PressureFiles pressure;
  FabricFiles fabric;
  ProcessFiles processes;
};

HostCollector::HostCollector(std::unique_ptr<State> state) : state_(std::move(state)) {}
HostCollector::~HostCollector() = default;

base::Result<std::unique_ptr<HostCollector>> HostCollector::Make(HostOptions options) {
  auto state = std::make_unique<State>(options);
  auto stat = base::ReadFile(state->host.path("proc/stat"));
  if (!stat.ok()) return stat.status().With("host collector: the root must hold proc/ and sys/");
  return std::unique_ptr<HostCollector>(new HostCollector(std::move(state)));
}

base::Result<std::unique_ptr<HostCollector>> HostCollector::Make(const std::string& root) {
  HostOptions options;
  options.root = root;
  return Make(std::move(options));
}

void HostCollector::Collect(std::int64_t now_ns, model::Namer& namer, model::Batch* batch) {
  Emitter emit(now_ns, &namer, batch);
  State& s = *state_;
  s.system.Read(&s.host, &emit);  // first: the boot time is needed by the others
  s.devices.Read(s.host, &emit);
  s.pressure.Read(s.host, &emit);
  s.fabric.Read(s.host, &emit);
  s.processes.Read(s.host, &emit);
  namer.take_fresh(&batch->series);
}

void HostCollector::Sources(std::int64_t now_ns, std::vector<model::SourceState>* out) const {
  for (Reach& reach : state_->Reaches()) {
    model::SourceState source;
    source.name = "host " + reach.name;
    source.layer = "l3_host";
    source.state = reach.live ? "live" : "absent";
    source.detail = std::move(reach.why);
    source.last_ns = reach.live ? now_ns : 0;
    out->push_back(std::move(source));
  }
}

const std::string& HostCollector::node() const { return state_->host.node; }
int HostCollector::cores() const { return static_cast<int>(state_->host.cores); }

base::Status ReadHost(const std::string& root, std::int64_t now_ns, model::Namer& namer,
                      model::Batch* batch, base::Json* report) {
  HostOptions options;
  options.root = root;
  options.per_core = true;
  options.max_processes = 4096;
  ASSIGN_OR_RETURN(const auto collector, HostCollector::Make(options));
  collector->Collect(now_ns, namer, batch);
  std::vector<model::SourceState> sources;
  collector->Sources(now_ns, &sources);
  base::Json read = base::Json::MakeArray(), absent = base::Json::MakeArray();
  for (const model::SourceState& source : sources) {
    if (source.state == "live")
      read.push(source.name.substr(5));
    else
      absent.push(
          base::Json::MakeObject().set("file", source.name.substr(5)).set("why", source.detail));
  }
  report->set("layer", "l3_host")
      .set("report", "host")
      .set("node", collector->node())
      .set("cores", collector->cores());
  report->set("read", std::move(read)).set("absent", std::move(absent));
  return base::Status::Ok();
}

}  // namespace strata::l3_host
