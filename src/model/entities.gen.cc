// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/model/entities.yaml: edit that file. Constant tables, any thread.
#include "model/catalog.h"

namespace strata::model {
namespace {

constexpr std::string_view kKeys1[] = {"hw.id"};
constexpr std::string_view kKeys2[] = {"gpu.mig.id"};
constexpr std::string_view kKeys3[] = {"host.name"};
constexpr std::string_view kKeys4[] = {"host.name", "process.pid"};
constexpr std::string_view kKeys5[] = {"k8s.namespace.name", "k8s.pod.name", "k8s.container.name"};
constexpr std::string_view kKeys6[] = {"k8s.namespace.name", "k8s.pod.name"};
constexpr std::string_view kKeys7[] = {"k8s.namespace.name"};
constexpr std::string_view kKeys8[] = {"k8s.namespace.name", "k8s.workload.name"};
constexpr std::string_view kKeys9[] = {"queue.name"};
constexpr std::string_view kKeys10[] = {"slurm.job.id"};
constexpr std::string_view kKeys11[] = {"train.job"};
constexpr std::string_view kKeys12[] = {"communicator"};
constexpr std::string_view kKeys13[] = {"service.instance.id"};
constexpr std::string_view kKeys14[] = {"service.name"};
constexpr std::string_view kKeys15[] = {"service.namespace"};
constexpr std::string_view kKeys16[] = {"gen_ai.request.model"};
constexpr std::string_view kKeys17[] = {"tenant.id"};
constexpr std::string_view kKeys18[] = {"team"};
constexpr std::string_view kKeys19[] = {"k8s.cluster.name"};
constexpr std::string_view kKeys20[] = {"cloud.region"};
constexpr std::string_view kKeys21[] = {"cloud.availability_zone"};
constexpr std::string_view kKeys22[] = {"rack"};
constexpr std::string_view kKeys23[] = {"switch"};
constexpr std::string_view kKeys24[] = {"user"};
constexpr std::string_view kKeys25[] = {"account"};
constexpr EntityType kTypes1[] = {
    {"gpu", kKeys1, kKeys2},
    {"node", kKeys3, {}},
    {"process", kKeys4, {}},
    {"container", kKeys5, {}},
    {"pod", kKeys6, {}},
    {"namespace", kKeys7, {}},
    {"workload", kKeys8, {}},
    {"queue", kKeys9, {}},
    {"slurm_job", kKeys10, {}},
    {"job", kKeys11, {}},
    {"communicator", kKeys12, {}},
    {"engine", kKeys13, {}},
    {"service", kKeys14, kKeys15},
    {"model", kKeys16, {}},
    {"tenant", kKeys17, {}},
    {"team", kKeys18, {}},
    {"target", kKeys13, {}},
    {"cluster", kKeys19, {}},
    {"region", kKeys20, {}},
    {"zone", kKeys21, {}},
    {"rack", kKeys22, {}},
    {"switch", kKeys23, {}},
    {"user", kKeys24, {}},
    {"account", kKeys25, {}},
};

}  // namespace

std::span<const EntityType> entity_types() { return kTypes1; }

}  // namespace strata::model
