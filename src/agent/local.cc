// SPDX-License-Identifier: Apache-2.0
#include "agent/local.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <set>

#include "base/clock.h"
#include "base/file.h"
#include "l3_host/l3_host.h"
#include "l6_infer/l6_infer.h"

namespace strata::agent {
namespace {

constexpr std::uint16_t kKnownPorts[] = {8000, 8080, 18080, 30000, 9400, 9100, 18000};
constexpr std::int64_t kAskAgain = 60 * base::kSecond;  // a known port that said nothing useful
constexpr std::int64_t kAskStrangerAgain = 10 * base::kMinute;
constexpr std::string_view kServing[] = {
    "llama-server",  "vllm",     "sglang",  "text-generation", "tgi",           "trtllm",
    "tritonserv",    "lmdeploy", "dynamo",  "litellm",         "dcgm-exporter", "node_exporter",
    "nvidia_gpu_ex", "python",   "uvicorn", "gunicorn"};
struct Exporter {
  std::string_view prefix, kind;
};
constexpr Exporter kExporters[] = {{"DCGM_FI_", "dcgm_exporter"},
                                   {"nvidia_smi_", "nvidia_gpu_exporter"},
                                   {"node_cpu_", "node_exporter"},
                                   {"npu_chip_info_", "ascend_npu_exporter"},
                                   {"gpu_gfx_activity", "amd_exporter"}};

std::string_view NextLine(std::string_view* text) {
  const std::size_t end = text->find('\n');
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  return line;
}

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  std::size_t at = 0;
  while ((at = line.find_first_not_of(" \t", at)) != std::string_view::npos) {
    const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

template <typename T>
bool Number(std::string_view word, T* value, int base = 10) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), *value, base);
  return error == std::errc() && end == word.data() + word.size();
}

// The kernel prints addresses as 32-bit words of the machine's own byte order.
std::string HostOf(std::string_view hex, bool v6) {
  if (hex.find_first_not_of('0') == std::string_view::npos) return "127.0.0.1";
  if (!v6) {
    std::uint32_t word = 0;
    if (hex.size() != 8 || !Number(hex, &word, 16)) return {};
    std::string host;
    for (int i = 0; i < 4; ++i) host += (i > 0 ? "." : "") + std::to_string(word >> (8 * i) & 255);
    return host;
  }
  if (hex == "00000000000000000000000001000000") return "[::1]";
  if (hex.starts_with("0000000000000000FFFF0000")) return HostOf(hex.substr(24), false);
  return {};  // other IPv6 addresses are left to the configuration
}

// Calls `take` with the target of every link in proc/PID/fd until it says true.
bool AnyOpenFile(const std::string& folder, const std::function<bool(std::string_view)>& take) {
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir(folder.c_str()), ::closedir);
  if (list == nullptr) return false;
  char target[256];
  while (const dirent* entry = ::readdir(list.get())) {
    if (entry->d_name[0] == '.') continue;
    const ssize_t n = ::readlinkat(::dirfd(list.get()), entry->d_name, target, sizeof target);
    if (n > 0 && take(std::string_view(target, static_cast<std::size_t>(n)))) return true;
  }
  return false;
}

bool IsAccelerator(std::string_view device) {
  for (const std::string_view prefix : {"/dev/nvidia", "/dev/kfd", "/dev/davinci",
                                        "/dev/cambricon_dev", "/dev/mtgpu", "/dev/dcu"}) {
    if (device.starts_with(prefix)) return true;
  }
  return false;
}

// "0-3,8" -> 5
double CountCpus(std::string_view list) {
  double count = 0;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view part = list.substr(0, comma);
    const std::size_t dash = part.find('-');
    unsigned first = 0, last = 0;
    if (!Number(part.substr(0, dash), &first)) return 0;
    last = first;
    if (dash != std::string_view::npos && !Number(part.substr(dash + 1), &last)) return 0;
    if (last < first) return 0;
    count += last - first + 1;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return count;
}

}  // namespace

std::vector<Listener> ParseListeners(std::string_view text, bool v6) {
  std::vector<Listener> out;
  NextLine(&text);  // headings
  while (!text.empty()) {
    const std::vector<std::string_view> words = Words(NextLine(&text));
    if (words.size() < 10 || words[3] != "0A") continue;
    const std::size_t colon = words[1].rfind(':');
    if (colon == std::string_view::npos) continue;
    Listener listener;
    listener.host = HostOf(words[1].substr(0, colon), v6);
    if (listener.host.empty() || !Number(words[1].substr(colon + 1), &listener.port, 16)) continue;
    if (!Number(words[9], &listener.inode)) continue;
    out.push_back(std::move(listener));
  }
  return out;
}

bool LooksServing(std::string_view program) {
  std::string lower(program);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  for (const std::string_view name : kServing) {
    if (lower.starts_with(name)) return true;
  }
  return false;
}

std::string KindOfPage(std::string_view page, bool* engine) {
  std::string kind = l6_infer::DetectEngineOfPage(page);
  *engine = !kind.empty();
  if (*engine) return kind;
  for (const Exporter& exporter : kExporters) {
    const std::string line = "\n" + std::string(exporter.prefix);
    if (page.starts_with(exporter.prefix) || page.find(line) != std::string_view::npos)
      return std::string(exporter.kind);
  }
  return {};
}

LocalFinder::LocalFinder(std::string root, std::string node, Probe probe)
    : root_(std::move(root)), node_(std::move(node)), probe_(std::move(probe)) {
  while (root_.ends_with('/')) root_.pop_back();
}

// A device of its own counts, a driver's control node does not: libcuda makes /dev/nvidiactl on
// machines without a GPU too.
bool LocalFinder::has_accelerator() const {
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir(Path("dev").c_str()), ::closedir);
  if (list == nullptr) return false;
  while (const dirent* entry = ::readdir(list.get())) {
    const std::string_view name = entry->d_name;
    if (name == "kfd") return true;  // AMD has one for all its devices
    for (const std::string_view device : {"nvidia", "davinci", "cambricon_dev", "mtgpu.", "dcu"}) {
      int index = 0;
      if (name.starts_with(device) && Number(name.substr(device.size()), &index)) return true;
    }
  }
  return false;
}

// Names and parents of all processes, and the cores of the machine.
void LocalFinder::ReadProcesses() {
  processes_.clear();
  std::string text;
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir(Path("proc").c_str()), ::closedir);
  if (list == nullptr) return;
  while (const dirent* entry = ::readdir(list.get())) {
    int pid = 0;
    if (!Number(std::string_view(entry->d_name), &pid)) continue;
    if (!base::ReadFileInto(Path("proc/" + std::string(entry->d_name) + "/stat").c_str(), &text))
      continue;
    const std::size_t open = text.find('('), close = text.rfind(')');
    if (open == std::string::npos || close == std::string::npos || close < open) continue;
    Process process;
    process.name = text.substr(open + 1, close - open - 1);
    const std::vector<std::string_view> rest = Words(std::string_view(text).substr(close + 1, 64));
    if (rest.size() > 1) Number(rest[1], &process.parent);
    processes_[pid] = std::move(process);
  }
  double cores = 0;
  if (base::ReadFileInto(Path("proc/stat").c_str(), &text)) {
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::string_view line = NextLine(&rest);
      if (line.starts_with("cpu") && line.size() > 3 && line[3] != ' ') ++cores;
    }
  }
  if (cores > 0) node_cores_ = cores;
}

// inode of a listening socket -> process. Those whose name says that they serve are looked at
// first.
std::map<std::uint64_t, int> LocalFinder::OwnersOf(const std::vector<Listener>& listeners) const {
  std::set<std::uint64_t> wanted;
  for (const Listener& l : listeners) wanted.insert(l.inode);
  std::map<std::uint64_t, int> owners;
  for (const bool serving : {true, false}) {
    for (const auto& entry : processes_) {
      const int pid = entry.first;
      const Process& process = entry.second;
      if (wanted.empty()) return owners;
      if (LooksServing(process.name) != serving) continue;
      AnyOpenFile(Path("proc/" + std::to_string(pid) + "/fd"), [&](std::string_view target) {
        std::uint64_t inode = 0;
        if (!target.starts_with("socket:[") ||
            !Number(target.substr(8, target.size() - 9), &inode) || !wanted.contains(inode))
          return false;
        // A socket that was inherited belongs to the oldest holder of it: pids come in order.
        owners.try_emplace(inode, pid);
        wanted.erase(inode);
        return wanted.empty();
      });
    }
  }
  return owners;
}

// What answers there; asked once per listener, and again only after a while.
std::string LocalFinder::KindOf(const Listener& listener, const std::string& target,
                                std::int64_t now_ns) {
  Known& known = known_[target];
  const bool same = known.asked_ns != 0 && known.inode == listener.inode;
  const bool famous = std::find(std::begin(kKnownPorts), std::end(kKnownPorts), listener.port) !=
                      std::end(kKnownPorts);
  if (same &&
      (!known.kind.empty() || now_ns - known.asked_ns < (famous ? kAskAgain : kAskStrangerAgain)))
    return known.kind;
  known = {listener.inode, {}, now_ns};
  if (const auto page = probe_(target); page.ok()) {
    bool engine = false;
    known.kind = KindOfPage(*page, &engine);
  }
  return known.kind;
}

bool LocalFinder::UsesGpu(int pid) const {
  std::vector<int> family = {pid};
  for (std::size_t i = 0; i < family.size() && i < 1024; ++i) {
    if (AnyOpenFile(Path("proc/" + std::to_string(family[i]) + "/fd"), IsAccelerator)) return true;
    for (const auto& [child, process] : processes_) {
      if (process.parent == family[i]) family.push_back(child);
    }
  }
  return false;
}

// The tightest of cpu.max on the way up, and the affinity mask.
double LocalFinder::CoresOf(int pid, std::string_view cgroup_path, bool unified) const {
  double cores = 0;
  const auto limit = [&](double n) {
    if (n > 0 && (cores == 0 || n < cores)) cores = n;
  };
  std::string text;
  if (base::ReadFileInto(Path("proc/" + std::to_string(pid) + "/status").c_str(), &text)) {
    const std::size_t at = text.find("Cpus_allowed_list:");
    if (at != std::string::npos) {
      std::string_view rest = std::string_view(text).substr(at + 18);
      const std::vector<std::string_view> words = Words(NextLine(&rest));
      if (!words.empty()) limit(CountCpus(words[0]));
    }
  }
  const auto quota = [&](std::string_view max, std::string_view period) {
    std::uint64_t q = 0, p = 0;
    if (Number(max, &q) && Number(period, &p) && p > 0)
      limit(static_cast<double>(q) / static_cast<double>(p));
  };
  std::string path(cgroup_path);
  while (!path.empty() && path.find("..") == std::string::npos) {
    if (path == "/") path.clear();
    if (unified) {
      if (base::ReadFileInto(Path("sys/fs/cgroup" + path + "/cpu.max").c_str(), &text)) {
        std::string_view rest = text;
        const std::vector<std::string_view> words = Words(NextLine(&rest));
        if (words.size() == 2) quota(words[0], words[1]);
      }
    } else {
      std::string period;
      const std::string folder = Path("sys/fs/cgroup/cpu" + path);
      if (base::ReadFileInto((folder + "/cpu.cfs_quota_us").c_str(), &text) &&
          base::ReadFileInto((folder + "/cpu.cfs_period_us").c_str(), &period)) {
        std::string_view a = text, b = period;
        quota(NextLine(&a), NextLine(&b));
      }
    }
    if (path.empty()) break;
    path.erase(path.rfind('/'));
  }
  if (node_cores_ > 0 && (cores == 0 || cores > node_cores_)) cores = node_cores_;
  return cores;
}

std::vector<LocalService> LocalFinder::Find(std::int64_t now_ns,
                                            const std::vector<std::uint16_t>& skip) {
  ReadProcesses();
  std::vector<Listener> listeners;
  std::string text;
  for (const bool v6 : {false, true}) {
    if (!base::ReadFileInto(Path(v6 ? "proc/net/tcp6" : "proc/net/tcp").c_str(), &text)) continue;
    for (Listener& l : ParseListeners(text, v6)) {
      if (std::find(skip.begin(), skip.end(), l.port) == skip.end())
        listeners.push_back(std::move(l));
    }
  }
  const std::map<std::uint64_t, int> owners = OwnersOf(listeners);
  std::vector<LocalService> out;
  std::set<std::string> targets;
  for (const Listener& listener : listeners) {
    const auto owner = owners.find(listener.inode);
    const int pid = owner == owners.end() ? 0 : owner->second;
    const std::string name = pid == 0 ? "" : processes_[pid].name;
    const bool famous = std::find(std::begin(kKnownPorts), std::end(kKnownPorts), listener.port) !=
                        std::end(kKnownPorts);
    if (!famous && !LooksServing(name)) continue;
    const std::string target = listener.host + ":" + std::to_string(listener.port);
    if (!targets.insert(target).second) continue;
    LocalService service;
    service.kind = KindOf(listener, target, now_ns);
    if (service.kind.empty()) continue;
    service.engine = std::none_of(std::begin(kExporters), std::end(kExporters),
                                  [&](const Exporter& e) { return e.kind == service.kind; });
    service.target = target;
    service.pid = pid;
    service.name = name;
    if (pid != 0) {
      l3_host::Cgroup cgroup;
      if (base::ReadFileInto(Path("proc/" + std::to_string(pid) + "/cgroup").c_str(), &text))
        cgroup = l3_host::ParseCgroup(text);
      service.container = cgroup.container;
      service.pod_uid = cgroup.pod_uid;
      service.uses_gpu = service.engine && UsesGpu(pid);
      service.cores = CoresOf(pid, cgroup.path, cgroup.unified);
    }
    out.push_back(std::move(service));
  }
  std::erase_if(known_, [&](const auto& k) { return !targets.contains(k.first); });
  return out;
}

model::Holding CpuHolding(const LocalService& service, const std::string& instance,
                          const std::string& node, const std::string& cluster, double node_cores,
                          std::int64_t now_ns) {
  model::Holding holding;
  holding.gpu = "cpu:" + node;
  holding.node = node;
  holding.cluster = cluster;
  holding.engine = instance;
  holding.container = service.container;
  holding.workload_kind = "process";
  holding.workload = service.name;
  holding.share_kind = "process";
  holding.share = node_cores > 0 ? std::min(1.0, service.cores / node_cores) : 0;
  holding.source = "process";
  holding.valid_from = now_ns;
  return holding;
}

}  // namespace strata::agent
