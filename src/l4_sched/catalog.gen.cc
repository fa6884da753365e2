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
constexpr model::Signal kSignals1[] = {
    {"gpu.holding.share", "1", Kind::state, "gpu", "", {}, "share of the device a holder has (attributes share_kind = whole, mig, vgpu, time_slice; namespace, pod, job)", {}, {}},
    {"k8s.pod.phase", "1", Kind::state, "pod", "", {}, "1 for the phase a pod is in (attribute phase)", kSources1, {}},
    {"k8s.container.restart.count", "{restart}", Kind::counter, "container", "", {}, "times a container was started again", kSources2, {}},
    {"k8s.container.gpu.request", "{gpu}", Kind::gauge, "container", "", {}, "accelerators a container asked for (attribute resource)", kSources3, {}},
    {"k8s.node.gpu.allocatable", "{gpu}", Kind::gauge, "node", "", {}, "accelerators of a node that pods can have (attribute resource)", kSources4, kMinute1},
    {"k8s.node.gpu.capacity", "{gpu}", Kind::gauge, "node", "", {}, "accelerators of a node, healthy or not (attribute resource)", kSources5, kMinute2},
    {"k8s.node.unschedulable", "1", Kind::state, "node", "", {}, "1 while a node takes no new pods", kSources6, {}},
    {"k8s.pod.evicted", "{event}", Kind::event, "pod", "", {}, "a pod was thrown off its node", {}, {}},
    {"k8s.pod.failed_scheduling", "{event}", Kind::event, "pod", "", {}, "no node took a pod (attributes reason = insufficient, taint, cordoned, affinity, anti_affinity, topology_spread, volume, ports, quota, claim, other; resource, nodes)", {}, {}},
    {"k8s.container.oom_killed", "{event}", Kind::event, "container", "", {}, "a container was killed because it wanted more memory than it may have", {}, {}},
    {"holding.dispute", "{event}", Kind::event, "gpu", "", {}, "two sources say different things about who holds a device", {}, {}},
    {"node.cordoned", "{event}", Kind::event, "node", "", {}, "a node was closed to new pods", {}, {}},
    {"change.rollout", "{event}", Kind::event, "workload", "", {}, "a workload was given a new version", {}, {}},
};
constexpr model::Adapter kAdapters1[] = {{"kube_state_metrics", kPrefixes1, {}, kLabels1, "", {}}};

constexpr model::Catalog kCatalog = {"l4_sched", "Scheduling and ownership",
                                     "Whose GPU was it at that moment, and what waited for one?",
                                     kSignals1, kAdapters1};

}  // namespace

const model::Catalog& catalog() { return kCatalog; }

}  // namespace strata::l4_sched
