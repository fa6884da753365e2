// SPDX-License-Identifier: Apache-2.0
// Names and amounts of accelerators in Kubernetes. The names are defaults of the plugins named
// beside them; an operator may have renamed them.
#include <charconv>
#include <cmath>
#include <limits>

#include "l4_sched/pods.h"

namespace strata::l4_sched {
namespace {

using std::string_view;

struct Name {
  string_view text;
  ResourceRole role;
  bool prefix = false;
};

using enum ResourceRole;
constexpr Name kNames[] = {
    // NVIDIA device plugin; HAMi's names for shares of it
    {"nvidia.com/gpu", count},
    {"nvidia.com/gpu.shared", count},
    {"nvidia.com/mig-", mig, true},
    {"nvidia.com/gpumem", memory_mib},
    {"nvidia.com/gpumem-percentage", memory_percent},
    {"nvidia.com/gpucores", cores_percent},
    {"nvidia.com/pgpu", count},
    // AMD
    {"amd.com/gpu", count},
    {"amd.com/gpumem", memory_mib},
    {"amd.com/", count, true},  // partitions: amd.com/cpx_nps4
    // Huawei Ascend
    {"huawei.com/npu", count},
    // others, as HAMi and their vendors name them
    {"cambricon.com/mlu", count},
    {"cambricon.com/vmlu", count},
    {"cambricon.com/mlu.smlu.vmemory", memory_mib},
    {"cambricon.com/mlu.smlu.vcore", cores_percent},
    {"hygon.com/dcu", count},
    {"hygon.com/dcunum", count},
    {"hygon.com/dcumem", memory_mib},
    {"hygon.com/dcucores", cores_percent},
    {"metax-tech.com/gpu", count},
    {"metax-tech.com/sgpu", count},
    {"metax-tech.com/vmemory", memory_mib},
    {"metax-tech.com/vcore", cores_percent},
    {"mthreads.com/gpu", count},
    {"mthreads.com/vgpu", count},
    {"mthreads.com/sgpu-memory", memory_mib},
    {"mthreads.com/sgpu-core", cores_percent},
    {"enflame.com/gcu", count},
    {"enflame.com/drs-gcu", count},
    {"enflame.com/shared-gcu", count},
    {"enflame.com/gcu-memory", memory_mib},
    {"enflame.com/gcu-core", cores_percent},
    {"kunlunxin.com/xpu", count},
    {"kunlunxin.com/vxpu", count},
    {"kunlunxin.com/vxpu-memory", memory_mib},
    {"aws.amazon.com/neuron", count},
    {"aws.amazon.com/neurondevice", count},
    {"vastaitech.com/va", count},
    {"birentech.com/gpu", count},
    {"habana.ai/gaudi", count},
    {"google.com/tpu", count},
    {"gpu.intel.com/i915", count},
    {"gpu.intel.com/xe", count},
    {"intel.com/gpu", count},
    {"tencent.com/vcuda-core", cores_percent},
    // Volcano vGPU
    {"volcano.sh/vgpu-number", count},
    {"volcano.sh/vgpu-memory", memory_mib},
    {"volcano.sh/vgpu-memory-percentage", memory_percent},
    {"volcano.sh/vgpu-cores", cores_percent},
};

}  // namespace

ResourceRole RoleOf(string_view resource) {
  for (const Name& n : kNames) {
    if (!n.prefix && resource == n.text) return n.role;
  }
  // huawei.com/Ascend910B3, …-memory, …-core; iluvatar.ai/MR-V100-vgpu, .vMem, .vCore
  if (resource.starts_with("huawei.com/Ascend")) {
    if (resource.ends_with("-memory")) return memory_mib;
    return resource.ends_with("-core") ? cores_percent : count;
  }
  if (resource.starts_with("iluvatar.ai/")) {
    if (resource.ends_with(".vMem")) return memory_mib;
    return resource.ends_with(".vCore") ? cores_percent : count;
  }
  if (resource == "amd.com/gpucores") return none;  // compute units, not percent
  for (const Name& n : kNames) {
    if (n.prefix && resource.starts_with(n.text)) return n.role;
  }
  return none;
}

double ParseQuantity(string_view text) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return kNone;
  const string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  constexpr std::pair<string_view, double> kUnits[] = {{"", 1},
                                                       {"n", 1e-9},
                                                       {"u", 1e-6},
                                                       {"m", 1e-3},
                                                       {"k", 1e3},
                                                       {"M", 1e6},
                                                       {"G", 1e9},
                                                       {"T", 1e12},
                                                       {"P", 1e15},
                                                       {"E", 1e18},
                                                       {"Ki", 1024.0},
                                                       {"Mi", 1048576.0},
                                                       {"Gi", 1073741824.0},
                                                       {"Ti", 1099511627776.0},
                                                       {"Pi", 1125899906842624.0},
                                                       {"Ei", 1152921504606846976.0}};
  for (const auto& [name, factor] : kUnits) {
    if (unit == name) return value * factor;
  }
  return kNone;
}

double GpusOf(const Resources& resources) {
  double sum = 0;
  for (const auto& [name, amount] : resources) {
    const ResourceRole role = RoleOf(name);
    if (role == count || role == mig) sum += amount;
  }
  return sum;
}

}  // namespace strata::l4_sched
