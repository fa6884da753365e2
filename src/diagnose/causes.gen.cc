// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen_causes from src/diagnose/causes.yaml: edit that file. Constant tables, any thread.
#include "diagnose/causes.h"

namespace strata::diagnose {
namespace {

constexpr Rule kRules1[] = {
    {{"engine_minute", "ttft_p95_s", "", "inference.ttft", "s", false, false}, Test::objective, 0.0, 1.0, 0.0, 0.0, 1, "ttft", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"request_minute", "ttft_p95_s", "", "request_minute.ttft_p95_s", "s", false, false}, Test::objective, 0.0, 1.0, 0.0, 0.0, 1, "ttft", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"engine_minute", "ttft_p95_s", "", "inference.ttft", "s", false, false}, Test::up, 0.0, 1.5, 0.1, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"request_minute", "ttft_p95_s", "", "request_minute.ttft_p95_s", "s", false, false}, Test::up, 0.0, 1.5, 0.1, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"engine_minute", "queue_p95_s", "", "inference.queue_wait", "s", false, false}, Test::up, 0.0, 2.0, 0.5, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"engine_minute", "ttft_p95_s", "", "inference.ttft", "s", false, false}, Test::above, 2.0, 1.0, 0.0, 0.0, 1, "", {"engine_minute", "waiting_max", "", "inference.requests_waiting", "{request}", false, false}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"engine_minute", "waiting_mean", "", "inference.requests_waiting", "{request}", false, false}, Test::above, 4.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""}};
constexpr Rule kRules2[] = {
    {{"engine_minute", "tpot_p95_s", "", "inference.tpot", "s", false, false}, Test::objective, 0.0, 1.0, 0.0, 0.0, 1, "tpot", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"request_minute", "tpot_p95_s", "", "request_minute.tpot_p95_s", "s", false, false}, Test::objective, 0.0, 1.0, 0.0, 0.0, 1, "tpot", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"engine_minute", "itl_p50_s", "", "inference.itl", "s", false, false}, Test::up, 0.0, 1.3, 0.005, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"engine_minute", "tpot_p50_s", "", "inference.tpot", "s", false, false}, Test::up, 0.0, 1.3, 0.005, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""}};
constexpr Rule kRules3[] = {
    {{"engine_minute", "ttft_p99_s", "", "inference.ttft", "s", false, false}, Test::up, 0.0, 2.0, 0.2, 0.0, 1, "", {}, 0.0, {"engine_minute", "ttft_p50_s", "", "inference.ttft", "s", false, false}, Role::need, 0, 1.0, {}, "", ""},
    {{"engine_minute", "e2e_p99_s", "", "inference.e2e_latency", "s", false, false}, Test::up, 0.0, 2.0, 0.5, 0.0, 1, "", {}, 0.0, {"engine_minute", "e2e_p50_s", "", "inference.e2e_latency", "s", false, false}, Role::need, 0, 1.0, {}, "", ""},
    {{"engine_minute", "itl_p99_s", "", "inference.itl", "s", false, false}, Test::up, 0.0, 2.0, 0.02, 0.0, 1, "", {}, 0.0, {"engine_minute", "itl_p50_s", "", "inference.itl", "s", false, false}, Role::need, 0, 1.0, {}, "", ""}};
constexpr Rule kRules4[] = {
    {{"engine_minute", "generation_tokens", "", "inference.generation_tokens", "{token}", true, false}, Test::down, 0.0, 1.3, 60.0, 0.0, 1, "", {"engine_minute", "waiting_max", "", "inference.requests_waiting", "{request}", false, false}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""}};
constexpr Rule kRules5[] = {
    {{"request_minute", "errors", "calls", "request_minute.errors", "1", true, true}, Test::above, 0.05, 1.0, 0.0, 20.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"engine_minute", "errors", "", "inference.request_errors", "{request}", true, false}, Test::up, 0.0, 2.0, 3.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""}};
constexpr Rule kRules6[] = {
    {{"gpu_minute", "memory_used_max_bytes", "memory_total_bytes", "gpu.memory.used", "1", false, false}, Test::above, 0.98, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"host_minute", "oom_kills", "", "system.oom_kills", "{event}", true, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""}};
constexpr Rule kRules7[] = {
    {{"gpu_minute", "utilization_ratio", "", "gpu.utilization", "1", false, false}, Test::down, 0.0, 1.5, 0.2, 0.0, 1, "", {"engine_minute", "waiting_max", "", "inference.requests_waiting", "{request}", false, false}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""}};
constexpr Rule kRules8[] = {
    {{"gpu_minute", "tensor_active_ratio", "", "gpu.tensor.active", "1", false, false}, Test::below, 0.1, 1.0, 0.0, 0.0, 5, "", {"gpu_minute", "utilization_ratio", "", "gpu.utilization", "1", false, false}, 0.9, {}, Role::need, 0, 1.0, {}, "", ""}};
constexpr Rule kRules9[] = {
    {{"job_minute", "steps", "", "train.step.duration", "1", true, false}, Test::stopped, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"comm_minute", "hung_s", "", "comm.hang.duration", "s", false, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""}};
constexpr Rule kRules10[] = {
    {{"job_minute", "step_p50_s", "", "train.step.duration", "s", false, false}, Test::up, 0.0, 1.2, 0.01, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"comm_minute", "lateness_mean_s", "", "comm.rank.lateness", "s", false, false}, Test::skew, 0.02, 3.0, 0.0, 0.0, 2, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"comm_minute", "compute_late_ratio", "", "comm.straggler.compute", "1", false, false}, Test::above, 0.05, 1.0, 0.0, 0.0, 2, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"comm_minute", "communication_late_ratio", "", "comm.straggler.communication", "1", false, false}, Test::above, 0.05, 1.0, 0.0, 0.0, 2, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""}};
constexpr Rule kRules11[] = {
    {{"job_minute", "nonfinite", "", "train.nonfinite", "{event}", true, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"job_minute", "grad_norm_max", "", "train.grad_norm", "1", false, false}, Test::up, 0.0, 5.0, 0.5, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""}};
constexpr Rule kRules12[] = {
    {{"event", "gpu.fault.event", "", "gpu.fault.event", "{event}", true, false}, Test::present, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "error", ""}};
constexpr Rule kRules13[] = {
    {{"gpu_minute", "throttle_thermal_s", "", "gpu.throttle.active", "s", true, false}, Test::above, 30.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"gpu_minute", "throttle_hw_thermal_s", "", "gpu.throttle.active", "s", true, false}, Test::above, 30.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"gpu_minute", "throttle_power_brake_s", "", "gpu.throttle.active", "s", true, false}, Test::above, 30.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"gpu_minute", "throttle_hw_slowdown_s", "", "gpu.throttle.active", "s", true, false}, Test::above, 30.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""}};
constexpr Rule kRules14[] = {
    {{"engine_minute", "running_s", "", "inference.requests_running", "s", true, false}, Test::below, 3.0, 1.0, 0.0, 0.0, 2, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"request_minute", "aborted", "calls", "request_minute.aborted", "1", true, true}, Test::above, 0.1, 1.0, 0.0, 12.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""},
    {{"request_minute", "useful_tokens", "output_tokens", "request_minute.useful_tokens", "1", true, true}, Test::below, 0.8, 1.0, 0.0, 2000.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", ""}};
constexpr Rule kRules15[] = {
    {{"gpu_minute", "throttle_thermal_s", "", "gpu.throttle.active", "s", true, false}, Test::above, 3.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "clocks are cut for temperature"},
    {{"gpu_minute", "throttle_hw_thermal_s", "", "gpu.throttle.active", "s", true, false}, Test::above, 3.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "hardware cuts clocks for temperature"},
    {{"gpu_minute", "clock_core_hz", "", "gpu.clock.core", "Hz", false, false}, Test::down, 0.0, 1.05, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "core clock fell"},
    {{"gpu_minute", "temperature_c", "", "gpu.temperature", "Cel", false, false}, Test::above, 83.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "the GPU is hot"}};
constexpr std::string_view kNames16[] = {
    "itl_up",
    "throughput_down",
    "train_slow",
    "energy_per_token_up",
    "gpu_idle",
    "gpu_throttled"};
constexpr std::string_view kNames17[] = {
    "l2.compute_straggler"};
constexpr Rule kRules18[] = {
    {{"gpu_minute", "throttle_power_s", "", "gpu.throttle.active", "s", true, false}, Test::above, 3.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "clocks are held by the power limit"},
    {{"gpu_minute", "throttle_power_brake_s", "", "gpu.throttle.active", "s", true, false}, Test::above, 3.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "the power brake is on"},
    {{"gpu_minute", "clock_core_hz", "", "gpu.clock.core", "Hz", false, false}, Test::down, 0.0, 1.05, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 2, 1.0, {}, "", "core clock fell"},
    {{"gpu_minute", "throttle_power_brake_s", "", "gpu.throttle.active", "s", true, false}, Test::above, 30.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 2, 1.0, {}, "", ""},
    {{"gpu_minute", "power_max_w", "power_limit_w", "gpu.power", "1", false, false}, Test::above, 0.97, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "power stands at its limit"}};
constexpr std::string_view kNames19[] = {
    "itl_up",
    "throughput_down",
    "train_slow",
    "gpu_throttled"};
constexpr std::string_view kNames20[] = {
    "l2.compute_straggler"};
constexpr int kCodes21[] = {
    48,
    94,
    95,
    140,
    171,
    172};
constexpr Rule kRules22[] = {
    {{"gpu_minute", "ecc_uncorrected", "", "gpu.ecc.errors", "{error}", true, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "uncorrectable memory errors"},
    {{"event", "gpu.fault.event", "", "gpu.fault.event", "{event}", true, false}, Test::present, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, kCodes21, "", "the driver reported a memory error"},
    {{"gpu_minute", "row_remap_failed", "", "gpu.row_remap", "{row}", false, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "a row could not be remapped"}};
constexpr std::string_view kNames23[] = {
    "train_crash",
    "error_rate_up",
    "gpu_fault"};
constexpr std::string_view kNames24[] = {
    "l2.hang_desync"};
constexpr int kCodes25[] = {
    79,
    119,
    120,
    62,
    109,
    158};
constexpr Rule kRules26[] = {
    {{"event", "gpu.fault.event", "", "gpu.fault.event", "{event}", true, false}, Test::present, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 2.0, kCodes25, "", "the driver lost the GPU"}};
constexpr std::string_view kNames27[] = {
    "train_crash",
    "train_stall",
    "error_rate_up",
    "gpu_fault"};
constexpr std::string_view kNames28[] = {
    "l2.hang_desync",
    "l6.engine_crash_or_hang"};
constexpr int kCodes29[] = {
    74,
    136,
    137,
    144,
    145,
    146,
    147,
    148,
    149,
    150};
constexpr Rule kRules30[] = {
    {{"gpu_minute", "link_errors", "", "gpu.link.errors", "{error}", true, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "NVLink errors"},
    {{"event", "gpu.fault.event", "", "gpu.fault.event", "{event}", true, false}, Test::present, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, kCodes29, "", "the driver reported a link fault"},
    {{"comm_minute", "transfer_busbw", "", "comm.transfer.busbw", "By/s", false, false}, Test::down, 0.0, 1.2, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "bus bandwidth fell"}};
constexpr std::string_view kNames31[] = {
    "train_slow",
    "train_crash",
    "itl_up",
    "throughput_down",
    "gpu_fault"};
constexpr std::string_view kNames32[] = {
    "train_slow",
    "ttft_up",
    "throughput_down"};
constexpr Rule kRules33[] = {
    {{"gpu_minute", "memory_bandwidth_ratio", "", "gpu.memory.bandwidth.utilization", "1", false, false}, Test::above, 0.7, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 2.0, {}, "", "memory bandwidth is used up"},
    {{"gpu_minute", "tensor_active_ratio", "", "gpu.tensor.active", "1", false, false}, Test::below, 0.2, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", "tensor pipes idle"},
    {{"gpu_minute", "utilization_ratio", "", "gpu.utilization", "1", false, false}, Test::above, 0.9, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "utilisation reads full"}};
constexpr std::string_view kNames34[] = {
    "busy_not_useful",
    "itl_up"};
constexpr Rule kRules35[] = {
    {{"comm_minute", "lateness_mean_s", "", "comm.rank.lateness", "s", false, false}, Test::skew, 0.02, 3.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 3.0, {}, "", "one rank comes late and the others wait for it"},
    {{"comm_minute", "compute_late_ratio", "", "comm.straggler.compute", "1", false, false}, Test::above, 0.01, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 3.0, {}, "", "one rank comes late with its work, again and again"},
    {{"comm_minute", "communication_late_ratio", "", "comm.straggler.communication", "1", false, false}, Test::above, 0.01, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::veto, 0, 1.0, {}, "", "it leaves late: its link, not its work"},
    {{"comm_minute", "wait_mean_s", "", "comm.rank.wait", "s", false, false}, Test::up, 0.0, 1.5, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "waiting in collectives rose"},
    {{"gpu_minute", "clock_core_hz", "", "gpu.clock.core", "Hz", false, false}, Test::skew_low, 0.0, 1.05, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "one GPU's clock is below its peers'"},
    {{"comm_minute", "stragglers", "", "comm.straggler", "1", true, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "straggler events"}};
constexpr std::string_view kNames36[] = {
    "train_slow",
    "train_stall",
    "throughput_down"};
constexpr Rule kRules37[] = {
    {{"comm_minute", "communication_late_ratio", "", "comm.straggler.communication", "1", false, false}, Test::above, 0.01, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 3.0, {}, "", "one rank or two neighbours leave late: their link"},
    {{"comm_minute", "transfer_busbw", "", "comm.transfer.busbw", "By/s", false, false}, Test::down, 0.0, 1.3, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "bus bandwidth without the waiting fell"},
    {{"host_minute", "tcp_retransmits", "tcp_segments", "system.network.tcp.retransmits", "1", true, true}, Test::above, 0.01, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "TCP retransmits"},
    {{"host_minute", "ib_errors", "", "system.infiniband.errors", "{error}", true, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "InfiniBand errors"},
    {{"comm_minute", "compute_late_ratio", "", "comm.straggler.compute", "1", false, false}, Test::above, 0.01, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::veto, 0, 1.0, {}, "", "one rank comes late with its work: a straggler, not a link"}};
constexpr std::string_view kNames38[] = {
    "train_slow",
    "throughput_down"};
constexpr std::string_view kNames39[] = {
    "train_slow",
    "busy_not_useful"};
constexpr Rule kRules40[] = {
    {{"comm_minute", "hung_s", "", "comm.hang.duration", "s", false, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "a collective does not end"},
    {{"comm_minute", "hangs", "", "comm.hang", "1", true, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "a collective does not end"},
    {{"event", "comm.hang", "", "comm.hang", "{event}", true, false}, Test::present, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "a collective does not end"},
    {{"gpu_minute", "utilization_ratio", "", "gpu.utilization", "1", false, false}, Test::above, 0.9, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "waiting kernels keep utilisation high"}};
constexpr std::string_view kNames41[] = {
    "train_stall"};
constexpr std::string_view kNames42[] = {
    "train_crash",
    "train_stall"};
constexpr Rule kRules43[] = {
    {{"host_minute", "pressure_cpu_some_ratio", "", "system.pressure.some", "1", false, false}, Test::above, 0.25, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "tasks wait for a processor"},
    {{"host_minute", "pressure_cpu_some_s", "", "system.pressure.some.time", "s", true, false}, Test::above, 15.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "tasks wait for a processor"},
    {{"host_minute", "load_1m", "cpus", "system.cpu.load_average.1m", "1", false, false}, Test::above, 1.5, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "more runnable threads than processors"},
    {{"gpu_minute", "utilization_ratio", "", "gpu.utilization", "1", false, false}, Test::down, 0.0, 1.2, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "the GPU waits meanwhile"},
    {{"host_minute", "cpu_steal_s", "", "system.cpu.time", "s", true, false}, Test::above, 3.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "the hypervisor takes processor time"},
    {{"engine_minute", "waiting_max", "", "inference.requests_waiting", "{request}", false, false}, Test::above, 4.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::veto, 0, 1.0, {}, "", "a queue of requests explains the load"}};
constexpr std::string_view kNames44[] = {
    "ttft_up",
    "itl_up",
    "gpu_idle",
    "train_slow"};
constexpr std::string_view kNames45[] = {
    "l5.dataloader_wait"};
constexpr Rule kRules46[] = {
    {{"host_minute", "pressure_io_some_ratio", "", "system.pressure.some", "1", false, false}, Test::above, 0.1, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 3.0, {}, "", "tasks wait for input and output"},
    {{"host_minute", "pressure_io_some_s", "", "system.pressure.some.time", "s", true, false}, Test::above, 6.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 3.0, {}, "", "tasks wait for input and output"},
    {{"host_minute", "cpu_iowait_s", "", "system.cpu.time", "s", true, false}, Test::up, 0.0, 2.0, 6.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "processors wait for disks"},
    {{"host_minute", "disk_io_time_s", "", "system.disk.io_time", "s", true, false}, Test::up, 0.0, 1.5, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "disks are busier"},
    {{"host_minute", "processes_blocked_max", "", "system.process.count", "{process}", false, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "processes are blocked"},
    {{"host_minute", "disk_queue_max", "", "system.disk.pending_operations", "{operation}", false, false}, Test::above, 4.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "requests queue at a disk"}};
constexpr std::string_view kNames47[] = {
    "ttft_up",
    "gpu_idle",
    "train_slow",
    "train_stall"};
constexpr std::string_view kNames48[] = {
    "l5.dataloader_wait",
    "l5.checkpoint_stall",
    "l6.queue_overload"};
constexpr Rule kRules49[] = {
    {{"host_minute", "oom_kills", "", "system.oom_kills", "{event}", true, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 3.0, {}, "", "the kernel killed a process for memory"},
    {{"host_minute", "pressure_memory_full_ratio", "", "system.pressure.full", "1", false, false}, Test::above, 0.1, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "everything waits for memory"},
    {{"host_minute", "swap_out", "", "system.paging.operations", "{operation}", true, false}, Test::up, 0.0, 2.0, 1000.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 1.0, {}, "", "pages are swapped out"},
    {{"host_minute", "memory_available_min_bytes", "memory_total_bytes", "system.memory.linux.available", "1", false, false}, Test::below, 0.05, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "hardly any memory is available"}};
constexpr std::string_view kNames50[] = {
    "oom",
    "train_crash",
    "tail_spike",
    "itl_up"};
constexpr std::string_view kNames51[] = {
    "l6.engine_crash_or_hang"};
constexpr Rule kRules52[] = {
    {{"host_minute", "tcp_retransmits", "tcp_segments", "system.network.tcp.retransmits", "1", true, true}, Test::above, 0.01, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 2.0, {}, "", "TCP retransmits"},
    {{"host_minute", "tcp_timeouts", "", "system.network.tcp.timeouts", "{timeout}", true, false}, Test::up, 0.0, 2.0, 5.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "TCP timeouts"},
    {{"host_minute", "net_dropped", "", "system.network.packet.dropped", "{packet}", true, false}, Test::up, 0.0, 2.0, 10.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "packets are dropped"}};
constexpr std::string_view kNames53[] = {
    "tail_spike",
    "error_rate_up",
    "throughput_down"};
constexpr std::string_view kNames54[] = {
    "l2.slow_inter_node_link"};
constexpr std::string_view kNames55[] = {
    "pending"};
constexpr std::string_view kNames56[] = {
    "pending",
    "cost_per_token_up"};
constexpr std::string_view kNames57[] = {
    "itl_up",
    "tail_spike",
    "throughput_down",
    "train_slow"};
constexpr std::string_view kNames58[] = {
    "oom",
    "throughput_down"};
constexpr std::string_view kNames59[] = {
    "train_crash",
    "error_rate_up",
    "cost_per_token_up"};
constexpr std::string_view kNames60[] = {
    "ttft_up",
    "pending",
    "cost_per_token_up"};
constexpr Rule kRules61[] = {
    {{"job_minute", "data_wait_s", "step_mean_s", "train.data_wait.duration", "1", false, false}, Test::above, 0.2, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 3.0, {}, "", "a large part of each step waits for data"},
    {{"job_minute", "data_wait_s", "", "train.data_wait.duration", "s", false, false}, Test::up, 0.0, 1.5, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "the wait for data rose"},
    {{"gpu_minute", "utilization_ratio", "", "gpu.utilization", "1", false, false}, Test::down, 0.0, 1.2, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "GPUs idle meanwhile"}};
constexpr std::string_view kNames62[] = {
    "train_slow",
    "gpu_idle",
    "busy_not_useful"};
constexpr Rule kRules63[] = {
    {{"job_minute", "checkpoint_save_s", "", "train.checkpoint.save.duration", "s", false, false}, Test::above, 10.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 2.0, {}, "", "the job stands still to save a checkpoint"},
    {{"host_minute", "disk_write_bytes", "", "system.disk.io", "By", true, false}, Test::up, 0.0, 1.5, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "disks are written"}};
constexpr std::string_view kNames64[] = {
    "train_stall",
    "train_slow"};
constexpr Rule kRules65[] = {
    {{"job_minute", "nonfinite", "", "train.nonfinite", "{event}", true, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "NaN or Inf in a step"},
    {{"job_minute", "grad_norm_max", "", "train.grad_norm", "1", false, false}, Test::up, 0.0, 5.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "the gradient norm shot up"},
    {{"job_minute", "skipped_steps", "", "train.skipped_steps", "{step}", true, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "steps were skipped"}};
constexpr std::string_view kNames66[] = {
    "bad_numbers",
    "train_crash"};
constexpr std::string_view kNames67[] = {
    "bad_numbers"};
constexpr std::string_view kNames68[] = {
    "bad_numbers"};
constexpr std::string_view kNames69[] = {
    "train_crash"};
constexpr std::string_view kNames70[] = {
    "train_slow"};
constexpr std::string_view kNames71[] = {
    "report_wrong"};
constexpr Rule kRules72[] = {
    {{"engine_minute", "kv_usage_max_ratio", "", "inference.kv_usage_ratio", "1", false, false}, Test::above, 0.9, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 3.0, {}, "", "the KV cache is full"},
    {{"engine_minute", "waiting_max", "", "inference.requests_waiting", "{request}", false, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 1.0, {}, "", "requests wait"},
    {{"engine_minute", "preemptions", "", "inference.preemptions", "{event}", true, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "running requests are preempted and recomputed"},
    {{"engine_minute", "kv_over_90_s", "", "inference.kv_usage_ratio", "s", true, false}, Test::above, 10.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "and stays full"},
    {{"engine_minute", "running_max", "running_limit", "inference.requests_running", "1", false, false}, Test::below, 0.98, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "batch slots are free, memory is not"}};
constexpr std::string_view kNames73[] = {
    "ttft_up",
    "tail_spike",
    "throughput_down"};
constexpr std::string_view kNames74[] = {
    "l6.queue_overload",
    "l6.prefix_cache_drop"};
constexpr Rule kRules75[] = {
    {{"engine_minute", "waiting_max", "", "inference.requests_waiting", "{request}", false, false}, Test::above, 1.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 2.0, {}, "", "requests wait in the queue"},
    {{"request_minute", "calls", "", "request_minute.calls", "{request}", true, false}, Test::up, 0.0, 1.3, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "more calls arrive"},
    {{"engine_minute", "started", "", "inference.requests_started", "{request}", true, false}, Test::up, 0.0, 1.3, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "more requests start"},
    {{"engine_minute", "queue_p95_s", "", "inference.queue_wait", "s", false, false}, Test::above, 0.5, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "the queue takes long"}};
constexpr std::string_view kNames76[] = {
    "ttft_up",
    "error_rate_up",
    "throughput_down"};
constexpr Rule kRules77[] = {
    {{"engine_minute", "running_max", "running_limit", "inference.requests_running", "1", false, false}, Test::above, 0.98, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 2.0, {}, "", "every batch slot is taken"},
    {{"engine_minute", "waiting_max", "", "inference.requests_waiting", "{request}", false, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", "requests wait"},
    {{"engine_minute", "kv_usage_max_ratio", "", "inference.kv_usage_ratio", "1", false, false}, Test::below, 0.8, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", "the KV cache has room"}};
constexpr std::string_view kNames78[] = {
    "ttft_up",
    "throughput_down",
    "cost_per_token_up"};
constexpr std::string_view kNames79[] = {
    "l6.queue_overload"};
constexpr Rule kRules80[] = {
    {{"engine_minute", "prompt_tokens", "finished", "inference.prompt_tokens", "1", true, true}, Test::up, 0.0, 1.5, 0.0, 5.0, 1, "", {}, 0.0, {}, Role::need, 0, 2.0, {}, "", "prompts are longer"},
    {{"engine_minute", "itl_p99_s", "", "inference.itl", "s", false, false}, Test::up, 0.0, 1.5, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 2.0, {}, "", "the slowest tokens are slower"}};
constexpr std::string_view kNames81[] = {
    "itl_up",
    "tail_spike"};
constexpr Rule kRules82[] = {
    {{"engine_minute", "prefix_hits", "prefix_queries", "inference.prefix_cache_hits", "1", true, true}, Test::down, 0.0, 1.3, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 3.0, {}, "", "the prefix cache hits less"},
    {{"engine_minute", "prefix_hit_ratio", "", "inference.prefix_cache_hit_ratio", "1", false, false}, Test::down, 0.0, 1.3, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 3.0, {}, "", "the prefix cache hits less"},
    {{"engine_minute", "cached_tokens", "prompt_tokens", "inference.cached_prompt_tokens", "1", true, true}, Test::down, 0.0, 1.3, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 3.0, {}, "", "fewer prompt tokens come from the cache"},
    {{"engine_minute", "prefill_tokens", "", "inference.prefill_computed_tokens", "{token}", true, false}, Test::up, 0.0, 1.2, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "more prompt tokens are computed"},
    {{"engine_minute", "prompt_tokens", "finished", "inference.prompt_tokens", "1", true, true}, Test::up, 0.0, 1.5, 0.0, 5.0, 1, "", {}, 0.0, {}, Role::veto, 0, 1.0, {}, "", "prompts are longer: other prompts, not a cache that lost them"}};
constexpr std::string_view kNames83[] = {
    "ttft_up",
    "cost_per_token_up",
    "energy_per_token_up"};
constexpr std::string_view kNames84[] = {
    "l6.queue_overload"};
constexpr std::string_view kNames85[] = {
    "itl_up",
    "throughput_down",
    "energy_per_token_up"};
constexpr std::string_view kNames86[] = {
    "ttft_up",
    "error_rate_up"};
constexpr std::string_view kNames87[] = {
    "ttft_up",
    "tail_spike"};
constexpr Rule kRules88[] = {
    {{"gpu_minute", "memory_used_max_bytes", "memory_total_bytes", "gpu.memory.used", "1", false, false}, Test::above, 0.98, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 3.0, {}, "", "device memory is used up"},
    {{"engine_minute", "errors", "", "inference.request_errors", "{request}", true, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "the engine reports errors"},
    {{"job_minute", "memory_allocated_bytes", "", "train.memory.allocated", "By", false, false}, Test::up, 0.0, 1.05, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "the job allocates more"},
    {{"gpu_minute", "memory_used_max_bytes", "", "gpu.memory.used", "By", false, false}, Test::up, 0.0, 1.02, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "device memory grew"}};
constexpr std::string_view kNames89[] = {
    "oom",
    "error_rate_up"};
constexpr Rule kRules90[] = {
    {{"engine_minute", "running_mean", "", "inference.requests_running", "{request}", false, false}, Test::above, 0.5, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 1.0, {}, "", "requests are running"},
    {{"engine_minute", "generation_tokens", "", "inference.generation_tokens", "{token}", true, false}, Test::below, 1.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 0, 3.0, {}, "", "and no token comes out"}};
constexpr std::string_view kNames91[] = {
    "error_rate_up",
    "throughput_down"};
constexpr std::string_view kNames92[] = {
    "error_rate_up",
    "cost_per_token_up",
    "ttft_up"};
constexpr Rule kRules93[] = {
    {{"request_minute", "aborted", "", "request_minute.aborted", "{request}", true, false}, Test::above, 2.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "callers hang up"},
    {{"engine_minute", "aborted", "", "inference.requests_finished", "{request}", true, false}, Test::above, 2.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::need, 1, 2.0, {}, "", "the engine sees requests aborted"},
    {{"request_minute", "aborted", "calls", "request_minute.aborted", "1", true, true}, Test::above, 0.05, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "a notable part of all calls"},
    {{"engine_minute", "aborted", "", "inference.requests_finished", "{request}", true, false}, Test::below, 1.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 0.5, {}, "", "the engine's own counter says nothing of it"}};
constexpr std::string_view kNames94[] = {
    "cost_per_token_up"};
constexpr std::string_view kNames95[] = {
    "ttft_up",
    "tail_spike"};
constexpr std::string_view kNames96[] = {
    "ttft_up",
    "tail_spike",
    "cost_per_token_up"};
constexpr std::string_view kNames97[] = {
    "ttft_up",
    "itl_up",
    "cost_per_token_up",
    "throughput_down"};
constexpr Rule kRules98[] = {
    {{"engine_minute", "running_s", "", "inference.requests_running", "s", true, false}, Test::below, 3.0, 1.0, 0.0, 0.0, 2, "", {}, 0.0, {}, Role::need, 0, 2.0, {}, "", "the engine is held and runs nothing"},
    {{"engine_minute", "generation_tokens", "", "inference.generation_tokens", "{token}", true, false}, Test::below, 1.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "no tokens come out"},
    {{"gpu_minute", "utilization_ratio", "", "gpu.utilization", "1", false, false}, Test::below, 0.05, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "its GPUs idle"}};
constexpr std::string_view kNames99[] = {
    "cost_per_token_up"};
constexpr Rule kRules100[] = {
    {{"request_minute", "useful_tokens", "output_tokens", "request_minute.useful_tokens", "1", true, true}, Test::below, 0.8, 1.0, 0.0, 2000.0, 1, "", {}, 0.0, {}, Role::need, 0, 2.0, {}, "", "a notable part of the tokens is not useful"},
    {{"request_minute", "errors", "", "request_minute.errors", "{request}", true, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "calls fail"},
    {{"request_minute", "aborted", "", "request_minute.aborted", "{request}", true, false}, Test::above, 0.0, 1.0, 0.0, 0.0, 1, "", {}, 0.0, {}, Role::support, 0, 1.0, {}, "", "callers hang up"}};
constexpr std::string_view kNames101[] = {
    "cost_per_token_up",
    "energy_per_token_up"};
constexpr std::string_view kNames102[] = {
    "cost_per_token_up"};
constexpr std::string_view kNames103[] = {
    "report_wrong"};
constexpr std::string_view kNames104[] = {
    "report_wrong"};

constexpr Symptom kSymptoms[] = {
    {"ttft_up", "L6", "time to first token rises", kRules1},
    {"itl_up", "L6", "inter-token latency rises", kRules2},
    {"tail_spike", "L6", "p99 latency spikes while p50 holds", kRules3},
    {"throughput_down", "L6", "tokens/s falls at equal offered load", kRules4},
    {"error_rate_up", "L7", "failed, aborted or timed-out requests rise", kRules5},
    {"oom", "L6", "out of memory (device or host)", kRules6},
    {"gpu_idle", "L1", "GPU activity low while work is waiting", kRules7},
    {"busy_not_useful", "L1", "GPU utilisation high, tensor activity or MFU low", kRules8},
    {"train_stall", "L5", "training makes no progress", kRules9},
    {"train_slow", "L5", "step time rises or MFU falls", kRules10},
    {"train_crash", "L5", "training job dies or restarts", {}},
    {"bad_numbers", "L5", "NaN/Inf, loss spike, gradient norm spike", kRules11},
    {"pending", "L4", "pods or jobs wait for GPUs", {}},
    {"gpu_fault", "L1", "the driver reports a fault of the GPU", kRules12},
    {"gpu_throttled", "L1", "the GPU's clocks are held down for heat or by the power brake", kRules13},
    {"cost_per_token_up", "L8", "cost per (useful) token rises", kRules14},
    {"energy_per_token_up", "L8", "joules per token rise", {}},
    {"report_wrong", "L8", "a headline number is wrong rather than the system", {}},
};

constexpr Cause kCauses[] = {
    {"l1.thermal_throttle", "L1", false, kNames16, "GPU or HBM temperature over its slowdown point, clocks cut",
     kRules15, kNames17, "check fans, inlet air, coolant, thermal interface; move the job off the node; lower the power limit until fixed"},
    {"l1.power_cap", "L1", false, kNames19, "board, rack or software power limit holds clocks down",
     kRules18, kNames20, "raise the limit if the rack allows, spread load, or accept it and re-base the throughput baseline (tokens/J may be better)"},
    {"l1.ecc_uncorrectable", "L1", false, kNames23, "uncorrectable memory error in HBM or SRAM (Xid 48 with 171 or 172; 94 contained; 95 uncontained; 63 remapped; 64 remap failed)",
     kRules22, kNames24, "94 restart the app; 95, 64 or 140 drain and reset the GPU; remap failure or repeats: replace; cordon the node meanwhile"},
    {"l1.gpu_off_bus", "L1", false, kNames27, "GPU fell off the bus (Xid 79) or GPU firmware/GSP hang (Xid 119, 120, 62, 109, 158)",
     kRules26, kNames28, "79: restart the bare-metal host, then support; 119/120/62/109/158: reset the GPU; drain first; check power and PCIe seating"},
    {"l1.nvlink_fault", "L1", false, kNames31, "NVLink or NVSwitch link errors, link down or fabric not ready",
     kRules30, {}, "drain, reset GPU or restart the fabric manager, reseat; keep tensor-parallel groups off the node"},
    {"l1.pcie_degraded", "L1", false, kNames32, "PCIe link trained at lower width or generation, or replaying",
     {}, {}, "reseat or replace riser/cable, reboot to retrain, exclude from KV offload and P/D transfer roles"},
    {"l1.hbm_bandwidth_bound", "L1", false, kNames34, "decode is limited by memory bandwidth; utilisation reads ~100 % while tensor pipes idle (a workload property, not a fault)",
     kRules33, {}, "larger decode batch, quantised weights or KV, speculative decoding, GQA/MLA models, a GPU with more bandwidth"},
    {"l2.compute_straggler", "L2", false, kNames36, "one rank computes slower, all others wait in the collective",
     kRules35, {}, "swap the node out, give it less work, look one layer down for the reason"},
    {"l2.slow_inter_node_link", "L2", false, kNames38, "one NIC, cable or switch path is slow, so collectives crossing it are slow",
     kRules37, {}, "fail over or isolate the NIC/port, replace the cable, topology-aware re-rank"},
    {"l2.comm_bound", "L2", false, kNames39, "communication is not hidden behind compute on ALL ranks alike (parallel layout, small messages, bad algorithm choice)",
     {}, {}, "change TP/PP/DP split, bucket sizes, overlap flags; keep TP inside the NVLink domain"},
    {"l2.hang_desync", "L2", false, kNames41, "ranks disagree about which collective comes next, or one never enters it",
     kRules40, {}, "dump stacks of the minority group, restart without the suspect node, fix rank-dependent control flow"},
    {"l2.nccl_cascade", "L2", true, kNames42, "NCCL watchdog timeout or \"previous CUDA error\" raised by healthy ranks because another rank died first",
     {}, {}, "never report as root cause; show the initiating rank's first error"},
    {"l3.cpu_starvation", "L3", false, kNames44, "host CPU saturated or cgroup-throttled, so kernel launches, tokenising or scheduling lag",
     kRules43, kNames45, "raise CPU limit, pin cores/NUMA, more API or tokenizer workers, CUDA graphs, move noisy pods"},
    {"l3.storage_wait", "L3", false, kNames47, "processes blocked on disk or network file system",
     kRules46, kNames48, "more NFS connections/slots, local NVMe staging, async checkpoint, prefetch, separate checkpoint and data mounts"},
    {"l3.host_memory", "L3", false, kNames50, "host memory exhausted (swap storm or OOM kill), e.g. data-loader workers, pinned buffers, CPU KV offload",
     kRules49, kNames51, "raise limit, fewer workers/prefetch, cap offload size, disable swap on GPU nodes"},
    {"l3.network_loss", "L3", false, kNames53, "packet loss or retransmits between client, gateway, engine or KV store",
     kRules52, kNames54, "find the hop, check MTU/NIC/switch, move traffic"},
    {"l4.gpu_capacity_pending", "L4", false, kNames55, "not enough free GPUs in quota or cluster",
     {}, {}, "add capacity, lower requests, borrow quota, preempt by priority"},
    {"l4.fragmentation", "L4", false, kNames56, "enough GPUs in total but no node, MIG profile or vGPU memory slice fits",
     {}, {}, "bin-pack, gang/topology-aware placement, repartition MIG, defragment by moving small pods"},
    {"l4.noisy_neighbour", "L4", false, kNames57, "another pod on the same physical GPU (time-slice, MPS, HAMi vGPU) takes SMs or bandwidth",
     {}, {}, "core limits, MIG for hard isolation, separate latency-critical pods"},
    {"l4.vgpu_limit", "L4", false, kNames58, "fractional memory or core limit reached although the physical GPU has room",
     {}, {}, "raise gpumem/gpucores, shrink gpu_memory_utilization to the slice"},
    {"l4.evicted_or_preempted", "L4", false, kNames59, "pod preempted, evicted, spot-reclaimed or node drained",
     {}, {}, "priority class, disruption budget, checkpoint on SIGTERM, count the lost steps as badput"},
    {"l4.cold_start", "L4", false, kNames60, "scale-up takes minutes (image pull, weight load, graph capture, warm-up)",
     {}, {}, "image and weight pre-pull, local cache, sleep mode, keep a warm spare, scale on queue not on utilisation"},
    {"l5.dataloader_wait", "L5", false, kNames62, "the step waits for the next batch",
     kRules61, {}, "more workers, prefetch, packed/pre-tokenised data, local cache"},
    {"l5.checkpoint_stall", "L5", false, kNames64, "blocking checkpoint save or slow restore",
     kRules63, {}, "asynchronous and sharded checkpoints, in-memory tier, interval from the failure rate (Young/Daly)"},
    {"l5.nan_overflow", "L5", false, kNames66, "numerical overflow or learning rate too high",
     kRules65, {}, "lower LR, clip, bf16, skip batch, roll back to the last good checkpoint"},
    {"l5.silent_data_corruption", "L5", false, kNames67, "a GPU computes wrong results without an error code",
     {}, {}, "recompute the step, quarantine and test the GPU"},
    {"l5.bad_data", "L5", false, kNames68, "corrupt or out-of-distribution batch",
     {}, {}, "log batch ids with the step, skip and quarantine the shard"},
    {"l5.software_bug", "L5", false, kNames69, "exception, shape or config error, missing file, checkpoint mismatch",
     {}, {}, "do not retry blindly; stop and return the first traceback; roll back code"},
    {"l5.warmup_or_recompile", "L5", false, kNames70, "compile, autotune or graph capture steps counted as normal steps",
     {}, {}, "exclude from the baseline, book as start-up badput, fix dynamic shapes"},
    {"l5.mfu_misreport", "L5", false, kNames71, "wrong peak FLOPS or FLOP convention behind the MFU number",
     {}, {}, "store convention (causal_half|full, recompute counted or not, active params) and peak used beside every MFU"},
    {"l6.kv_saturation", "L6", false, kNames73, "KV blocks used up; requests wait, and running ones are preempted and recomputed",
     kRules72, kNames74, "raise gpu_memory_utilization, lower max_num_seqs or max_model_len, FP8 KV, KV offload, more TP/PP or replicas, admission control"},
    {"l6.queue_overload", "L6", false, kNames76, "offered load above capacity",
     kRules75, {}, "scale out on queue depth, shed or prioritise, rate-limit heavy tenants"},
    {"l6.batch_cap", "L6", false, kNames78, "max_num_seqs / max_num_batched_tokens set too low for the hardware",
     kRules77, kNames79, "raise the cap step by step while TPOT stays inside its SLO"},
    {"l6.prefill_interference", "L6", false, kNames81, "long prompts share steps with decoding requests",
     kRules80, {}, "chunked prefill with a smaller token budget, prefill/decode disaggregation, route long prompts apart"},
    {"l6.prefix_cache_drop", "L6", false, kNames83, "prefix-cache hit ratio falls (template changed, routing lost affinity, eviction)",
     kRules82, kNames84, "stable prefix first in the prompt, cache-aware routing, bigger/offloaded KV tier"},
    {"l6.spec_decode_low_accept", "L6", false, kNames85, "draft tokens rejected; speculation costs more than it saves",
     {}, {}, "shorter draft, better draft model, switch off above a batch size"},
    {"l6.kv_transfer_slow", "L6", false, kNames86, "prefill-to-decode KV transfer or offload tier is slow or failing",
     {}, {}, "check RDMA path and NIC affinity, fewer hops, fall back to local prefill below a prompt length"},
    {"l6.lora_thrash", "L6", false, kNames87, "more active adapters than slots, adapters swap in and out",
     {}, {}, "raise max_loras, group traffic by adapter, adapter-aware routing"},
    {"l6.vram_oom", "L6", false, kNames89, "device memory exhausted: weights + KV + activations + other processes",
     kRules88, {}, "lower gpu_memory_utilization, batch or sequence length; expandable segments; remove the stray process"},
    {"l6.engine_crash_or_hang", "L6", false, kNames91, "engine process dead or its loop stuck while the HTTP server still answers",
     kRules90, {}, "liveness on token progress, dump stacks, restart, check Xid first"},
    {"l7.retry_storm", "L7", false, kNames92, "client or gateway retries multiply load and produce duplicate answers",
     {}, {}, "backoff with jitter, retry budget, longer timeout with cancellation, dedupe"},
    {"l7.client_disconnect", "L7", false, kNames94, "users leave mid-stream; tokens generated after or before the cut are wasted",
     kRules93, {}, "propagate cancellation to the engine, cut TTFT, cap max_tokens"},
    {"l7.gateway_overhead", "L7", false, kNames95, "time lost in gateway, guardrail, tokenizer or proxy, not in the engine",
     {}, {}, "scale the gateway, async guardrails, connection reuse"},
    {"l7.routing_imbalance", "L7", false, kNames96, "some replicas overloaded while others idle",
     {}, {}, "least-load or KV-aware routing, fix sticky sessions, weigh by capacity"},
    {"l7.traffic_mix_shift", "L7", false, kNames97, "users send longer prompts, longer answers or another model (no fault anywhere)",
     {}, {}, "report mix-adjusted figures, re-plan capacity, price by length"},
    {"l8.idle_capacity", "L8", false, kNames99, "paid GPUs with no or little work",
     kRules98, {}, "scale to demand, share (MIG/HAMi), batch jobs at night, sleep mode"},
    {"l8.low_useful_ratio", "L8", false, kNames101, "many tokens computed but not useful (aborted, error, SLO miss, duplicate, recomputed, rejected drafts)",
     kRules100, {}, "follow the largest ledger class to its own cause (l7.client_disconnect, l6.kv_saturation, l6.spec_decode_low_accept, l7.retry_storm)"},
    {"l8.price_change", "L8", false, kNames102, "price per GPU-hour changed (price book, spot to on-demand, commitment ended)",
     {}, {}, "show the row, its source and date; renew commitment"},
    {"l8.misattribution", "L8", false, kNames103, "the split of cost over tokens, tenants or vGPU slices is wrong",
     {}, {}, "run the reconciliation check in CI and at run time, refuse to print a figure that does not reconcile"},
    {"l8.energy_boundary", "L8", false, kNames104, "tokens-per-watt style figures compared across different boundaries (board, node, facility; measured or TDP)",
     {}, {}, "print boundary, measured-or-modelled, and denominators next to the number; use J/token"},
};

}  // namespace

std::span<const Symptom> symptoms() { return kSymptoms; }
std::span<const Cause> causes() { return kCauses; }

}  // namespace strata::diagnose
