// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l4_sched/catalog.yaml: edit that file. Constant tables, any thread.
#include "l4_sched/catalog.gen.h"

namespace strata::l4_sched {
namespace {

using model::Fold;
using model::Form;
using model::Kind;

constexpr model::SourceName kSources1[] = {
    {"kube_state_metrics", "kube_pod_status_phase", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources2[] = {
    {"kube_state_metrics", "kube_pod_container_status_restarts_total", 1, Form::value, "", {}, {}},
};
constexpr model::AttributeRule kRules1[] = {{"resource", "nvidia_com_gpu|amd_com_gpu|huawei_com_Ascend910"}};
constexpr model::SourceName kSources3[] = {
    {"kube_state_metrics", "kube_pod_container_resource_requests", 1, Form::value, "", kRules1, {}},
};
constexpr model::SourceName kSources4[] = {
    {"kube_state_metrics", "kube_node_status_allocatable", 1, Form::value, "", kRules1, {}},
};
constexpr model::MinuteColumn kMinute1[] = {{"host_minute", "gpus_allocatable", Fold::last, 0, {}, ""}};
constexpr model::SourceName kSources5[] = {
    {"kube_state_metrics", "kube_node_status_capacity", 1, Form::value, "", kRules1, {}},
};
constexpr model::MinuteColumn kMinute2[] = {{"host_minute", "gpus_capacity", Fold::last, 0, {}, ""}};
constexpr model::SourceName kSources6[] = {
    {"kube_state_metrics", "kube_node_spec_unschedulable", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources7[] = {
    {"hami", "hami_vgpu_memory_limit_bytes", 1, Form::value, "", {}, {}},
    {"hami", "vGPU_device_memory_limit_in_bytes", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources8[] = {
    {"hami", "hami_vgpu_memory_allocated_bytes", 1, Form::value, "", {}, {}},
    {"hami", "vGPUMemoryAllocated", 1, Form::value, "", {}, {}},
    {"hami", "hami_gpu_memory_allocated_bytes", 1, Form::value, "", {}, {}},
    {"hami", "GPUDeviceMemoryAllocated", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources9[] = {
    {"hami", "hami_vgpu_core_allocated_ratio", 0.01, Form::value, "", {}, {}},
    {"hami", "vGPUCoreAllocated", 0.01, Form::value, "", {}, {}},
    {"hami", "hami_gpu_core_allocated_ratio", 0.01, Form::value, "", {}, {}},
    {"hami", "GPUDeviceCoreAllocated", 0.01, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources10[] = {
    {"hami", "hami_gpu_shared_count", 1, Form::value, "", {}, {}},
    {"hami", "GPUDeviceSharedNum", 1, Form::value, "", {}, {}},
};
constexpr std::string_view kPrefixes1[] = {"kube_"};
constexpr model::LabelRule kLabels1[] = {
    {"exported_namespace", "k8s.namespace.name"},
    {"namespace", "k8s.namespace.name"},
    {"exported_pod", "k8s.pod.name"},
    {"pod", "k8s.pod.name"},
    {"exported_container", "k8s.container.name"},
    {"container", "k8s.container.name"},
    {"node", "host.name"},
    {"uid", "k8s.pod.uid"},
    {"phase", "phase"},
};
constexpr std::string_view kPrefixes2[] = {"hami_"};
constexpr model::LabelRule kLabels2[] = {
    {"device_uuid", "hw.id"},
    {"deviceuuid", "hw.id"},
    {"node", "host.name"},
    {"nodeid", "host.name"},
    {"namespace", "k8s.namespace.name"},
    {"podnamespace", "k8s.namespace.name"},
    {"pod", "k8s.pod.name"},
    {"podname", "k8s.pod.name"},
    {"container", "k8s.container.name"},
    {"ctrname", "k8s.container.name"},
};
constexpr model::Signal kSignals1[] = {
    {"gpu.holding.share", "1", Kind::state, "gpu", "", {}, "share of the device a holder has (attributes share_kind = whole, mig, vgpu, time_slice; namespace, pod, job)", {}, {}, 0, 1.01, true},
    {"k8s.pod.phase", "1", Kind::state, "pod", "", {}, "1 for the phase a pod is in (attribute phase)", kSources1, {}},
    {"k8s.container.restart.count", "{restart}", Kind::counter, "container", "", {}, "times a container was started again", kSources2, {}, 0, model::kFinite},
    {"k8s.container.gpu.request", "{gpu}", Kind::gauge, "container", "", {}, "accelerators a container asked for (attribute resource)", kSources3, {}},
    {"k8s.node.gpu.allocatable", "{gpu}", Kind::gauge, "node", "", {}, "accelerators of a node that pods can have (attribute resource)", kSources4, kMinute1},
    {"k8s.node.gpu.capacity", "{gpu}", Kind::gauge, "node", "", {}, "accelerators of a node, healthy or not (attribute resource)", kSources5, kMinute2},
    {"k8s.node.unschedulable", "1", Kind::state, "node", "", {}, "1 while a node takes no new pods", kSources6, {}},
    {"gpu.vgpu.memory.limit", "By", Kind::gauge, "gpu", "", {}, "device memory that a container may use of a shared device", kSources7, {}, 0, 1.8446744073709552e+19},
    {"gpu.vgpu.memory.used", "By", Kind::gauge, "gpu", "", {}, "device memory that the processes of a container use, as the library in the container counts it", {}, {}, 0, 1.8446744073709552e+19},
    {"gpu.vgpu.cores.limit", "1", Kind::gauge, "gpu", "", {}, "share of the device's compute that a container may use", {}, {}, 0, 100, true},
    {"gpu.vgpu.memory.allocated", "By", Kind::gauge, "gpu", "", {}, "device memory that the scheduler gave a container of a shared device", kSources8, {}, 0, 1.8446744073709552e+19},
    {"gpu.vgpu.cores.allocated", "1", Kind::gauge, "gpu", "", {}, "share of the device's compute that the scheduler gave", kSources9, {}, 0, 100, true},
    {"gpu.vgpu.containers", "{container}", Kind::gauge, "gpu", "", {}, "containers that share the device", kSources10, {}},
    {"k8s.node.cpu.usage", "{cpu}", Kind::gauge, "node", "", {}, "cores that a node used, as its kubelet says", {}, {}},
    {"k8s.node.cpu.time", "s", Kind::counter, "node", "", {}, "processor time that a node used", {}, {}, 0, 1000000000000},
    {"k8s.node.memory.usage", "By", Kind::gauge, "node", "", {}, "memory that a node uses, with caches", {}, {}, 0, 1.8446744073709552e+19},
    {"k8s.node.memory.working_set", "By", Kind::gauge, "node", "", {}, "memory of a node that cannot be taken back at once", {}, {}, 0, 1.8446744073709552e+19},
    {"k8s.node.memory.rss", "By", Kind::gauge, "node", "", {}, "anonymous memory of a node", {}, {}, 0, 1.8446744073709552e+19},
    {"k8s.node.memory.available", "By", Kind::gauge, "node", "", {}, "memory that a node may still take", {}, {}, 0, 1.8446744073709552e+19},
    {"k8s.node.network.io", "By", Kind::counter, "node", "", {}, "bytes through the network of a node (attribute network.io.direction)", {}, {}, 0, 1.8446744073709552e+19},
    {"k8s.node.network.errors", "{error}", Kind::counter, "node", "", {}, "network errors of a node (attribute network.io.direction)", {}, {}, 0, model::kFinite},
    {"k8s.node.filesystem.usage", "By", Kind::gauge, "node", "", {}, "bytes on disk that a node uses", {}, {}, 0, 1.8446744073709552e+19},
    {"k8s.node.filesystem.available", "By", Kind::gauge, "node", "", {}, "bytes on disk that a node may still take", {}, {}, 0, 1.8446744073709552e+19},
    {"k8s.node.filesystem.capacity", "By", Kind::gauge, "node", "", {}, "bytes that the disk of a node has", {}, {}, 0, 1.8446744073709552e+19},
    {"k8s.pod.cpu.usage", "{cpu}", Kind::gauge, "pod", "", {}, "cores that a pod used, as its kubelet says", {}, {}},
    {"k8s.pod.cpu.time", "s", Kind::counter, "pod", "", {}, "processor time that a pod used", {}, {}, 0, 1000000000000},
    {"k8s.pod.memory.usage", "By", Kind::gauge, "pod", "", {}, "memory that a pod uses, with caches", {}, {}, 0, 1.8446744073709552e+19},
    {"k8s.pod.memory.working_set", "By", Kind::gauge, "pod", "", {}, "memory of a pod that cannot be taken back at once", {}, {}, 0, 1.8446744073709552e+19},
    {"k8s.pod.memory.rss", "By", Kind::gauge, "pod", "", {}, "anonymous memory of a pod", {}, {}, 0, 1.8446744073709552e+19},
    {"k8s.pod.memory.available", "By", Kind::gauge, "pod", "", {}, "memory that a pod may still take", {}, {}, 0, 1.8446744073709552e+19},
    {"k8s.pod.network.io", "By", Kind::counter, "pod", "", {}, "bytes through the network of a pod (attribute network.io.direction)", {}, {}, 0, 1.8446744073709552e+19},
    {"k8s.pod.network.errors", "{error}", Kind::counter, "pod", "", {}, "network errors of a pod (attribute network.io.direction)", {}, {}, 0, model::kFinite},
    {"k8s.pod.filesystem.usage", "By", Kind::gauge, "pod", "", {}, "bytes on disk that a pod uses", {}, {}, 0, 1.8446744073709552e+19},
    {"k8s.pod.filesystem.available", "By", Kind::gauge, "pod", "", {}, "bytes on disk that a pod may still take", {}, {}, 0, 1.8446744073709552e+19},
    {"k8s.pod.filesystem.capacity", "By", Kind::gauge, "pod", "", {}, "bytes that the disk of a pod has", {}, {}, 0, 1.8446744073709552e+19},
    {"container.cpu.usage", "{cpu}", Kind::gauge, "container", "", {}, "cores that a container used, as its kubelet says", {}, {}},
    {"container.cpu.time", "s", Kind::counter, "container", "", {}, "processor time that a container used", {}, {}, 0, 1000000000000},
    {"container.memory.usage", "By", Kind::gauge, "container", "", {}, "memory that a container uses, with caches", {}, {}, 0, 1.8446744073709552e+19},
    {"container.memory.working_set", "By", Kind::gauge, "container", "", {}, "memory of a container that cannot be taken back at once", {}, {}, 0, 1.8446744073709552e+19},
    {"container.memory.rss", "By", Kind::gauge, "container", "", {}, "anonymous memory of a container", {}, {}, 0, 1.8446744073709552e+19},
    {"container.memory.available", "By", Kind::gauge, "container", "", {}, "memory that a container may still take", {}, {}, 0, 1.8446744073709552e+19},
    {"container.filesystem.usage", "By", Kind::gauge, "container", "", {}, "bytes on disk that a container uses", {}, {}, 0, 1.8446744073709552e+19},
    {"container.filesystem.available", "By", Kind::gauge, "container", "", {}, "bytes on disk that a container may still take", {}, {}, 0, 1.8446744073709552e+19},
    {"container.filesystem.capacity", "By", Kind::gauge, "container", "", {}, "bytes that the disk of a container has", {}, {}, 0, 1.8446744073709552e+19},
    {"slurm.job.gpus", "{gpu}", Kind::gauge, "slurm_job", "", {}, "GPUs that a Slurm job was given, or asks for while it waits (attribute slurm.state)", {}, {}},
    {"slurm.node.gpus", "{gpu}", Kind::gauge, "node", "", {}, "GPUs of a Slurm node", {}, {}},
    {"slurm.node.gpus_used", "{gpu}", Kind::gauge, "node", "", {}, "GPUs of a Slurm node that jobs were given", {}, {}},
    {"k8s.pod.evicted", "{event}", Kind::event, "pod", "", {}, "a pod was thrown off its node", {}, {}},
    {"k8s.pod.failed_scheduling", "{event}", Kind::event, "pod", "", {}, "no node took a pod (attributes reason = insufficient, taint, cordoned, affinity, anti_affinity, topology_spread, volume, ports, quota, claim, other; resource, nodes)", {}, {}},
    {"k8s.container.oom_killed", "{event}", Kind::event, "container", "", {}, "a container was killed because it wanted more memory than it may have", {}, {}},
    {"holding.dispute", "{event}", Kind::event, "gpu", "", {}, "two sources say different things about who holds a device", {}, {}},
    {"node.cordoned", "{event}", Kind::event, "node", "", {}, "a node was closed to new pods", {}, {}},
    {"change.rollout", "{event}", Kind::event, "workload", "", {}, "a workload was given a new version", {}, {}},
};
constexpr model::Adapter kAdapters1[] = {
    {"kube_state_metrics", kPrefixes1, {}, kLabels1, "", {}},
    {"hami", kPrefixes2, {}, kLabels2, "", {}},
};

constexpr model::Catalog kCatalog = {"l4_sched", "Scheduling and ownership",
                                     "Whose GPU was it at that moment, and what waited for one?",
                                     kSignals1, kAdapters1};

}  // namespace

const model::Catalog& catalog() { return kCatalog; }

}  // namespace strata::l4_sched
