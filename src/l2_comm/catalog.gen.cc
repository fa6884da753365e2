// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l2_comm/catalog.yaml: edit that file. Constant tables, any thread.
#include "l2_comm/catalog.gen.h"

namespace strata::l2_comm {
namespace {

using model::Fold;
using model::Form;
using model::Kind;

constexpr model::MinuteColumn kMinute1[] = {
    {"comm_minute", "duration_p50_s", Fold::p50, 0, {}, ""},
    {"comm_minute", "duration_p95_s", Fold::p95, 0, {}, ""},
    {"comm_minute", "duration_p99_s", Fold::p99, 0, {}, ""},
    {"comm_minute", "duration_s", Fold::increase, 0, {}, ""},
    {"comm_minute", "collectives", Fold::count, 0, {}, ""},
};
constexpr model::MinuteColumn kMinute2[] = {{"comm_minute", "bytes", Fold::increase, 0, {}, ""}};
constexpr model::MinuteColumn kMinute3[] = {{"comm_minute", "algbw", Fold::mean, 0, {}, ""}};
constexpr model::SourceName kSources1[] = {
    {"nccl_inspector", "nccl_bus_bandwidth_gbs", 1000000000, Form::value, "", {}, {}},
    {"nccl_inspector", "nccl_p2p_bus_bandwidth_gbs", 1000000000, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute4[] = {
    {"comm_minute", "busbw", Fold::mean, 0, {}, ""},
    {"comm_minute", "busbw_max", Fold::max, 0, {}, ""},
};
constexpr model::SourceName kSources2[] = {
    {"nccl_inspector", "nccl_collective_exec_time_microseconds", 1e-06, Form::value, "", {}, {}},
    {"nccl_inspector", "nccl_p2p_exec_time_microseconds", 1e-06, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute5[] = {{"comm_minute", "wait_mean_s", Fold::mean, 0, {}, ""}};
constexpr model::MinuteColumn kMinute6[] = {{"comm_minute", "wait_max_s", Fold::max, 0, {}, ""}};
constexpr model::MinuteColumn kMinute7[] = {{"comm_minute", "lateness_mean_s", Fold::mean, 0, {}, ""}};
constexpr model::MinuteColumn kMinute8[] = {{"comm_minute", "lateness_max_s", Fold::max, 0, {}, ""}};
constexpr model::MinuteColumn kMinute9[] = {{"comm_minute", "lateness_deviation", Fold::mean, 0, {}, ""}};
constexpr model::MinuteColumn kMinute10[] = {{"comm_minute", "last_ratio", Fold::mean, 0, {}, ""}};
constexpr model::MinuteColumn kMinute11[] = {{"comm_minute", "lost_s", Fold::max, 0, {}, ""}};
constexpr model::MinuteColumn kMinute12[] = {{"comm_minute", "left_late_mean_s", Fold::mean, 0, {}, ""}};
constexpr model::MinuteColumn kMinute13[] = {{"comm_minute", "compute_late_ratio", Fold::max, 0, {}, ""}};
constexpr model::MinuteColumn kMinute14[] = {{"comm_minute", "communication_late_ratio", Fold::max, 0, {}, ""}};
constexpr model::MinuteColumn kMinute15[] = {{"comm_minute", "clock_offset_s", Fold::mean, 0, {}, ""}};
constexpr model::MinuteColumn kMinute16[] = {{"comm_minute", "clocks_aligned_ratio", Fold::mean, 0, {}, ""}};
constexpr model::MinuteColumn kMinute17[] = {{"comm_minute", "transfer_p50_s", Fold::mean, 0, {}, ""}};
constexpr model::MinuteColumn kMinute18[] = {{"comm_minute", "transfer_algbw", Fold::mean, 0, {}, ""}};
constexpr model::MinuteColumn kMinute19[] = {{"comm_minute", "transfer_busbw", Fold::mean, 0, {}, ""}};
constexpr model::MinuteColumn kMinute20[] = {{"comm_minute", "hung_s", Fold::max, 0, {}, ""}};
constexpr model::MinuteColumn kMinute21[] = {
    {"gpu_minute", "kernel_p50_s", Fold::p50, 0, {}, ""},
    {"gpu_minute", "kernel_p99_s", Fold::p99, 0, {}, ""},
    {"gpu_minute", "kernel_s", Fold::increase, 0, {}, ""},
    {"gpu_minute", "kernels", Fold::count, 0, {}, ""},
};
constexpr model::AttributeRule kRules1[] = {{"state", "open|"}};
constexpr model::MinuteColumn kMinute22[] = {{"comm_minute", "stragglers", Fold::count, 0, kRules1, ""}};
constexpr model::MinuteColumn kMinute23[] = {{"comm_minute", "hangs", Fold::count, 0, kRules1, ""}};
constexpr std::string_view kPrefixes1[] = {"nccl_"};
constexpr model::LabelRule kLabels1[] = {
    {"comm_name", "communicator"},
    {"collective", "operation"},
    {"p2p_operation", "operation"},
    {"node", "host.name"},
    {"slurm_job_id", "slurm.job.id"},
};
constexpr model::Signal kSignals1[] = {
    {"comm.collective.duration", "s", Kind::histogram, "communicator", "", {}, "time of a collective as one rank sees it, waiting included", {}, kMinute1, 0, 1000000000000},
    {"comm.collective.bytes", "By", Kind::counter, "communicator", "", {}, "bytes a rank gave to collectives", {}, kMinute2, 0, 1.8446744073709552e+19},
    {"comm.collective.algbw", "By/s", Kind::gauge, "communicator", "", {}, "algorithm bandwidth, size of the message / duration", {}, kMinute3, 0, 10000000000000000},
    {"comm.collective.busbw", "By/s", Kind::gauge, "communicator", "", {}, "bus bandwidth, what the slowest link carried; comparable with the hardware's", kSources1, kMinute4, 0, 10000000000000000},
    {"comm.collective.exec_time", "s", Kind::gauge, "communicator", "", {}, "mean time of collectives of one size as a source sums them up, waiting included", kSources2, {}, 0, 1000000000000},
    {"comm.rank.wait", "s", Kind::gauge, "communicator", "", {}, "how long this rank waited for the last one", {}, kMinute5, 0, 1000000000000},
    {"comm.rank.wait.max", "s", Kind::gauge, "communicator", "", {}, "the longest that this rank waited for the last one", {}, kMinute6, 0, 1000000000000},
    {"comm.rank.lateness", "s", Kind::gauge, "communicator", "", {}, "how long the others waited for this rank", {}, kMinute7, 0, 1000000000000},
    {"comm.rank.lateness.max", "s", Kind::gauge, "communicator", "", {}, "the longest that the others waited for this rank", {}, kMinute8, 0, 1000000000000},
    {"comm.rank.deviation", "1", Kind::gauge, "communicator", "", {}, "how far this rank's mean lateness lies above its peers', in robust deviations", {}, kMinute9},
    {"comm.rank.last", "1", Kind::gauge, "communicator", "", {}, "share of the collectives to which this rank came last", {}, kMinute10, 0, 1.01, true},
    {"comm.rank.lost", "s", Kind::gauge, "communicator", "", {}, "how much earlier the collectives could have begun without this rank (rank '', without whoever came last)", {}, kMinute11, 0, 1000000000000},
    {"comm.rank.left_late", "s", Kind::gauge, "communicator", "", {}, "how much later than its peers this rank left a collective; absent where its clock cannot tell", {}, kMinute12, 0, 1000000000000},
    {"comm.straggler.compute", "1", Kind::gauge, "communicator", "", {}, "share of the time that was lost to this rank because its work was late; 0 = it is no straggler", {}, kMinute13, 0, 1.01, true},
    {"comm.straggler.communication", "1", Kind::gauge, "communicator", "", {}, "share of the time that was lost to this rank because its link was late; 0 = it is no straggler", {}, kMinute14, 0, 1.01, true},
    {"comm.clock.offset", "s", Kind::gauge, "communicator", "", {}, "how far the clock of this rank's node is ahead of its peers', by the ends of collectives; absent when it cannot be aligned", {}, kMinute15, -1000000000000, 1000000000000},
    {"comm.clock.aligned", "1", Kind::gauge, "communicator", "", {}, "share of arrivals that were judged on aligned clocks, the rest by inverted durations", {}, kMinute16, 0, 1.01, true},
    {"comm.transfer.duration", "s", Kind::gauge, "communicator", "", {}, "time of a collective without the waiting, the shortest over its ranks; of the operation and size that moved most bytes", {}, kMinute17, 0, 1000000000000},
    {"comm.transfer.algbw", "By/s", Kind::gauge, "communicator", "", {}, "algorithm bandwidth without the waiting; of the operation and size that moved most bytes", {}, kMinute18, 0, 10000000000000000},
    {"comm.transfer.busbw", "By/s", Kind::gauge, "communicator", "", {}, "bus bandwidth without the waiting; of the operation and size that moved most bytes", {}, kMinute19, 0, 10000000000000000},
    {"comm.hang.duration", "s", Kind::gauge, "communicator", "", {}, "seconds of this minute in which a collective hung (rank ''), or hung because of this rank", {}, kMinute20, 0, 1000000000000},
    {"cuda.kernel.duration", "s", Kind::histogram, "gpu", "", {}, "time of a kernel on the device", {}, kMinute21, 0, 1000000000000},
    {"cuda.memcpy.utilization", "1", Kind::gauge, "gpu", "", {}, "share of a window of kernel records in which copies ran, copies that overlap counted each", {}, {}, 0, 1000, true},
    {"cuda.idle", "1", Kind::gauge, "gpu", "", {}, "share of a window of kernel records in which neither a kernel nor a copy of this process ran", {}, {}, 0, 1.01, true},
    {"comm.straggler", "{event}", Kind::event, "communicator", "", {}, "one rank came late again and again", {}, kMinute22},
    {"comm.hang", "{event}", Kind::event, "communicator", "", {}, "a collective has not ended; names the ranks that did not come", {}, kMinute23},
};
constexpr model::Adapter kAdapters1[] = {{"nccl_inspector", kPrefixes1, {}, kLabels1, "nvidia", {}}};

constexpr model::Catalog kCatalog = {"l2_comm", "Kernels and collectives",
                                     "Which rank held the others back, and how fast did the data move?",
                                     kSignals1, kAdapters1};

}  // namespace

const model::Catalog& catalog() { return kCatalog; }

}  // namespace strata::l2_comm
