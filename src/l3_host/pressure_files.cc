// SPDX-License-Identifier: Apache-2.0
// Pressure stall information of the machine, and what cgroup version 2 says of its first-level
// groups.
#include <dirent.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "l3_host/sources.h"

namespace strata::l3_host {
namespace {

using model::Kind;

constexpr std::string_view kPressure = "l3_host:/proc/pressure";
constexpr std::string_view kGroups = "l3_host:/sys/fs/cgroup";
constexpr std::string_view kResources[] = {"cpu", "memory", "io", "irq"};
constexpr int kFindGroupsEvery = 30;  // rounds
constexpr std::size_t kMaxGroups = 16;

constexpr Def kSome = {"system.pressure.some", "1", Kind::gauge, kPressure};
constexpr Def kFull = {"system.pressure.full", "1", Kind::gauge, kPressure};
constexpr Def kSomeTime = {"system.pressure.some.time", "s", Kind::counter, kPressure};
constexpr Def kFullTime = {"system.pressure.full.time", "s", Kind::counter, kPressure};

constexpr Def kGroupCpu = {"system.cgroup.cpu.time", "s", Kind::counter, kGroups};
constexpr Def kGroupThrottled = {"system.cgroup.cpu.throttled_time", "s", Kind::counter, kGroups};
constexpr Def kGroupMemory = {"system.cgroup.memory.usage", "By", Kind::gauge, kGroups};
constexpr Def kGroupSome = {"system.cgroup.pressure.some", "1", Kind::gauge, kGroups};
constexpr Def kGroupFull = {"system.cgroup.pressure.full", "1", Kind::gauge, kGroups};
constexpr Def kGroupSomeTime = {"system.cgroup.pressure.some.time", "s", Kind::counter, kGroups};
constexpr Def kGroupFullTime = {"system.cgroup.pressure.full.time", "s", Kind::counter, kGroups};

struct Words {
  const Def& some;
  const Def& full;
  const Def& some_time;
  const Def& full_time;
};
constexpr Words kOfHost{kSome, kFull, kSomeTime, kFullTime};
constexpr Words kOfGroup{kGroupSome, kGroupFull, kGroupSomeTime, kGroupFullTime};

// "some avg10=0.10 avg60=0.00 avg300=0.00 total=14036781": per cent, and microseconds.
void EmitPressure(std::string_view text, const Words& words, const Object& object, Emitter* emit) {
  std::string_view line;
  while (NextLine(&text, &line)) {
    const std::string_view kind = NextWord(&line);
    if (kind != "some" && kind != "full") continue;
    const bool some = kind == "some";
    for (std::string_view word = NextWord(&line); !word.empty(); word = NextWord(&line)) {
      double percent = 0;
      std::uint64_t us = 0;
      if (word.starts_with("avg10=") && ParseF64(word.substr(6), &percent)) {
        emit->Put(some ? words.some : words.full, object, percent / 100);
      } else if (word.starts_with("total=") && ParseU64(word.substr(6), &us)) {
        emit->Put(some ? words.some_time : words.full_time, object, static_cast<double>(us) / 1e6);
      }
    }
  }
}

bool Exists(const std::string& path) {
  std::string unused;
  KeptFile file(path);
  return file.Read(&unused);
}

}  // namespace

PressureFiles::PressureFiles(const Host& host) {
  for (const std::string_view name : kResources) {
    Resource resource;
    resource.file = KeptFile(host.path("proc/pressure/") + std::string(name));
    resource.hash = base::Mix(host.seed, base::Mix(3, base::Hash64(name)));
    resource.own.set("resource", name);
    resources_.push_back(std::move(resource));
  }
  for (const std::string_view at :
       {"sys/fs/cgroup", "sys/fs/cgroup/unified"}) {  // the second: mixed with version 1
    if (groups_root_.empty() && Exists(host.path(at) + "/cgroup.controllers"))
      groups_root_ = host.path(at);
  }
}

bool PressureFiles::ReadPressure(Resource* resource, const Host& host, Emitter* emit) {
  if (!resource->file.Read(&buffer_)) return false;
  EmitPressure(buffer_, kOfHost, {resource->hash, &host.resource, &resource->own, host.boot_ns},
               emit);
  return true;
}

void PressureFiles::Read(const Host& host, Emitter* emit) {
  pressure_live_ = false;
  for (Resource& resource : resources_) {
    if (ReadPressure(&resource, host, emit)) {
      pressure_live_ = true;
    } else if (resource.file.errno_value() != 0) {
      pressure_errno_ = resource.file.errno_value();
    }
  }
  if (groups_root_.empty()) return;
  if (rounds_++ % kFindGroupsEvery == 0) FindGroups(host);
  for (auto& [name, group] : groups_) ReadGroup(&group, host, emit);
}

void PressureFiles::FindGroups(const Host& host) {
  std::map<std::string, Group> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(groups_root_.c_str()), ::closedir);
  if (folder == nullptr) return;
  const auto add = [&](const std::string& name, const std::string& path) {
    if (const auto it = groups_.find(name); it != groups_.end()) {
      found[name] = std::move(it->second);
      return;
    }
    Group& group = found[name];
    group.name = name;
    group.hash = base::Mix(host.seed, base::Mix(4, base::Hash64(name)));
    group.own.set("cgroup", name);
    group.cpu = KeptFile(path + "/cpu.stat");
    group.memory = KeptFile(path + "/memory.current");
    for (int i = 0; i < 3; ++i) {
      Resource& resource = group.pressure[i];
      resource.file = KeptFile(path + "/" + std::string(kResources[i]) + ".pressure");
      resource.hash = base::Mix(group.hash, static_cast<std::uint64_t>(i) + 1);
      resource.own = group.own;
      resource.own.set("resource", kResources[i]);
    }
  };
  add("/", groups_root_);
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (entry->d_type != DT_DIR || name.starts_with('.') || name.ends_with(".mount")) continue;
    if (found.size() >= kMaxGroups) break;
    add(std::string("/") + entry->d_name, groups_root_ + "/" + entry->d_name);
  }
  groups_ = std::move(found);
}

void PressureFiles::ReadGroup(Group* group, const Host& host, Emitter* emit) {
  const Object object{group->hash, &host.resource, &group->own, 0};
  if (group->cpu.Read(&buffer_)) {
    std::string_view text = buffer_, line;
    while (NextLine(&text, &line)) {
      const std::string_view word = NextWord(&line);
      std::uint64_t us = 0;
      if (word != "usage_usec" && word != "throttled_usec") continue;
      if (!ParseU64(NextWord(&line), &us)) continue;
      emit->Put(word == "usage_usec" ? kGroupCpu : kGroupThrottled, object,
                static_cast<double>(us) / 1e6);
    }
  }
  std::uint64_t n = 0;
  if (group->memory.Read(&buffer_) && ParseU64(Trimmed(buffer_), &n))
    emit->Put(kGroupMemory, object, static_cast<double>(n));
  for (Resource& resource : group->pressure) {
    if (!resource.file.Read(&buffer_)) continue;
    EmitPressure(buffer_, kOfGroup, {resource.hash, &host.resource, &resource.own, 0}, emit);
  }
}

void PressureFiles::Reaches(std::vector<Reach>* out) const {
  Reach pressure{"/proc/pressure", pressure_live_, {}};
  if (!pressure_live_) {
    pressure.why = pressure_errno_ == EOPNOTSUPP
                       ? "the kernel was started with psi=0: boot with psi=1"
                   : pressure_errno_ == ENOENT ? "the kernel was built without CONFIG_PSI"
                                               : std::strerror(pressure_errno_);
  }
  out->push_back(std::move(pressure));
  Reach groups{"/sys/fs/cgroup", !groups_root_.empty(), {}};
  if (!groups.live) groups.why = "no cgroup version 2 below sys/fs/cgroup";
  out->push_back(std::move(groups));
}

}  // namespace strata::l3_host
