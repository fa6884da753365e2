// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l2_comm/catalog.yaml: edit that file. Constant tables, any thread.
#include "l2_comm/catalog.gen.h"

namespace strata::l2_comm {
namespace {

using model::Fold;
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
constexpr model::MinuteColumn kMinute4[] = {
    {"comm_minute", "busbw", Fold::mean, 0, {}, ""},
    {"comm_minute", "busbw_max", Fold::max, 0, {}, ""},
};
constexpr model::MinuteColumn kMinute5[] = {
    {"comm_minute", "wait_mean_s", Fold::mean, 0, {}, ""},
    {"comm_minute", "wait_max_s", Fold::max, 0, {}, ""},
};
constexpr model::MinuteColumn kMinute6[] = {
    {"comm_minute", "lateness_mean_s", Fold::mean, 0, {}, ""},
    {"comm_minute", "lateness_max_s", Fold::max, 0, {}, ""},
};
constexpr model::MinuteColumn kMinute7[] = {
    {"gpu_minute", "kernel_p50_s", Fold::p50, 0, {}, ""},
    {"gpu_minute", "kernel_p99_s", Fold::p99, 0, {}, ""},
    {"gpu_minute", "kernel_s", Fold::increase, 0, {}, ""},
    {"gpu_minute", "kernels", Fold::count, 0, {}, ""},
};
constexpr model::MinuteColumn kMinute8[] = {{"comm_minute", "stragglers", Fold::count, 0, {}, ""}};
constexpr model::MinuteColumn kMinute9[] = {{"comm_minute", "hangs", Fold::count, 0, {}, ""}};
constexpr model::Signal kSignals1[] = {
    {"comm.collective.duration", "s", Kind::histogram, "communicator", "", {}, "time of a collective as one rank sees it, waiting included", {}, kMinute1},
    {"comm.collective.bytes", "By", Kind::counter, "communicator", "", {}, "bytes a rank gave to collectives", {}, kMinute2},
    {"comm.collective.algbw", "By/s", Kind::gauge, "communicator", "", {}, "algorithm bandwidth, size of the message / duration", {}, kMinute3},
    {"comm.collective.busbw", "By/s", Kind::gauge, "communicator", "", {}, "bus bandwidth, what the slowest link carried; comparable with the hardware's", {}, kMinute4},
    {"comm.rank.wait", "s", Kind::gauge, "communicator", "", {}, "how long this rank waited for the last one", {}, kMinute5},
    {"comm.rank.lateness", "s", Kind::gauge, "communicator", "", {}, "how long the others waited for this rank", {}, kMinute6},
    {"cuda.kernel.duration", "s", Kind::histogram, "gpu", "", {}, "time of a kernel on the device", {}, kMinute7},
    {"cuda.memcpy.utilization", "1", Kind::gauge, "gpu", "", {}, "share of a window of kernel records in which copies ran, copies that overlap counted each", {}, {}},
    {"cuda.idle", "1", Kind::gauge, "gpu", "", {}, "share of a window of kernel records in which neither a kernel nor a copy of this process ran", {}, {}},
    {"comm.straggler", "{event}", Kind::event, "communicator", "", {}, "one rank came late again and again", {}, kMinute8},
    {"comm.hang", "{event}", Kind::event, "communicator", "", {}, "a collective has not ended; names the ranks that did not come", {}, kMinute9},
};

constexpr model::Catalog kCatalog = {"l2_comm", "Kernels and collectives",
                                     "Which rank held the others back, and how fast did the data move?",
                                     kSignals1, {}};

}  // namespace

const model::Catalog& catalog() { return kCatalog; }

}  // namespace strata::l2_comm
