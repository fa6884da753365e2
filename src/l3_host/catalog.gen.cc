// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l3_host/catalog.yaml: edit that file. Constant tables, any thread.
#include "l3_host/catalog.gen.h"

namespace strata::l3_host {
namespace {

using model::Fold;
using model::Form;
using model::Kind;

constexpr model::SourceName kSources1[] = {
    {"node_exporter", "node_cpu_seconds_total", 1, Form::value, "", {}, {}},
};
constexpr model::AttributeRule kRules1[] = {{"cpu.mode", "user|nice|system|interrupt|irq|softirq|steal"}};
constexpr model::AttributeRule kRules2[] = {{"cpu.mode", "idle"}};
constexpr model::AttributeRule kRules3[] = {{"cpu.mode", "iowait|wait"}};
constexpr model::AttributeRule kRules4[] = {{"cpu.mode", "system"}};
constexpr model::AttributeRule kRules5[] = {{"cpu.mode", "steal"}};
constexpr model::MinuteColumn kMinute1[] = {
    {"host_minute", "cpu_busy_s", Fold::increase, 0, kRules1, ""},
    {"host_minute", "cpu_idle_s", Fold::increase, 0, kRules2, ""},
    {"host_minute", "cpu_iowait_s", Fold::increase, 0, kRules3, ""},
    {"host_minute", "cpu_system_s", Fold::increase, 0, kRules4, ""},
    {"host_minute", "cpu_steal_s", Fold::increase, 0, kRules5, ""},
};
constexpr model::MinuteColumn kMinute2[] = {
    {"host_minute", "cpu_utilization_ratio", Fold::mean, 0, kRules1, "cpu.mode"},
    {"host_minute", "cpu_iowait_ratio", Fold::mean, 0, kRules3, ""},
};
constexpr model::MinuteColumn kMinute3[] = {{"host_minute", "cpus", Fold::last, 0, {}, ""}};
constexpr model::SourceName kSources2[] = {{"node_exporter", "node_load1", 1, Form::value, "", {}, {}}};
constexpr model::MinuteColumn kMinute4[] = {
    {"host_minute", "load_1m", Fold::mean, 0, {}, ""},
    {"host_minute", "load_1m_max", Fold::max, 0, {}, ""},
};
constexpr model::SourceName kSources3[] = {{"node_exporter", "node_load5", 1, Form::value, "", {}, {}}};
constexpr model::SourceName kSources4[] = {{"node_exporter", "node_load15", 1, Form::value, "", {}, {}}};
constexpr model::SourceName kSources5[] = {
    {"node_exporter", "node_context_switches_total", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute5[] = {{"host_minute", "context_switches", Fold::increase, 0, {}, ""}};
constexpr model::AttributeRule kRules6[] = {{"process.state", "running"}};
constexpr model::AttributeRule kRules7[] = {{"process.state", "blocked"}};
constexpr model::SourceName kSources6[] = {
    {"node_exporter", "node_procs_running", 1, Form::value, "", {}, kRules6},
    {"node_exporter", "node_procs_blocked", 1, Form::value, "", {}, kRules7},
    {"otel_hostmetrics", "system.processes.count", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute6[] = {
    {"host_minute", "processes_running_max", Fold::max, 0, kRules6, ""},
    {"host_minute", "processes_blocked_max", Fold::max, 0, kRules7, ""},
};
constexpr model::SourceName kSources7[] = {
    {"node_exporter", "node_forks_total", 1, Form::value, "", {}, {}},
    {"otel_hostmetrics", "system.processes.created", 1, Form::value, "", {}, {}},
};
constexpr model::AttributeRule kRules8[] = {{"system.memory.state", "free"}};
constexpr model::AttributeRule kRules9[] = {{"system.memory.state", "cached"}};
constexpr model::AttributeRule kRules10[] = {{"system.memory.state", "buffers"}};
constexpr model::SourceName kSources8[] = {
    {"node_exporter", "node_memory_MemFree_bytes", 1, Form::value, "", {}, kRules8},
    {"node_exporter", "node_memory_Cached_bytes", 1, Form::value, "", {}, kRules9},
    {"node_exporter", "node_memory_Buffers_bytes", 1, Form::value, "", {}, kRules10},
};
constexpr model::AttributeRule kRules11[] = {{"system.memory.state", "used"}};
constexpr model::MinuteColumn kMinute7[] = {
    {"host_minute", "memory_used_bytes", Fold::mean, 0, kRules11, ""},
    {"host_minute", "memory_free_bytes", Fold::mean, 0, kRules8, ""},
    {"host_minute", "memory_cached_bytes", Fold::mean, 0, kRules9, ""},
};
constexpr model::SourceName kSources9[] = {
    {"node_exporter", "node_memory_MemTotal_bytes", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute8[] = {{"host_minute", "memory_total_bytes", Fold::last, 0, {}, ""}};
constexpr model::SourceName kSources10[] = {
    {"node_exporter", "node_memory_MemAvailable_bytes", 1, Form::value, "", {}, {}},
    {"otel_hostmetrics", "system.linux.memory.available", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute9[] = {
    {"host_minute", "memory_available_bytes", Fold::mean, 0, {}, ""},
    {"host_minute", "memory_available_min_bytes", Fold::min, 0, {}, ""},
};
constexpr model::MinuteColumn kMinute10[] = {
    {"host_minute", "memory_utilization_ratio", Fold::mean, 0, kRules11, ""},
};
constexpr model::AttributeRule kRules12[] = {{"system.paging.state", "free"}};
constexpr model::SourceName kSources11[] = {
    {"node_exporter", "node_memory_SwapFree_bytes", 1, Form::value, "", {}, kRules12},
};
constexpr model::AttributeRule kRules13[] = {{"system.paging.state", "used"}};
constexpr model::MinuteColumn kMinute11[] = {{"host_minute", "swap_used_bytes", Fold::mean, 0, kRules13, ""}};
constexpr model::AttributeRule kRules14[] = {{"system.paging.fault.type", "major"}};
constexpr model::SourceName kSources12[] = {
    {"node_exporter", "node_vmstat_pgmajfault", 1, Form::value, "", {}, kRules14},
};
constexpr model::MinuteColumn kMinute12[] = {{"host_minute", "major_faults", Fold::increase, 0, kRules14, ""}};
constexpr model::AttributeRule kRules15[] = {{"system.paging.direction", "in"}};
constexpr model::AttributeRule kRules16[] = {{"system.paging.direction", "out"}};
constexpr model::SourceName kSources13[] = {
    {"node_exporter", "node_vmstat_pswpin", 1, Form::value, "", {}, kRules15},
    {"node_exporter", "node_vmstat_pswpout", 1, Form::value, "", {}, kRules16},
};
constexpr model::MinuteColumn kMinute13[] = {
    {"host_minute", "swap_in", Fold::increase, 0, kRules15, ""},
    {"host_minute", "swap_out", Fold::increase, 0, kRules16, ""},
};
constexpr model::SourceName kSources14[] = {{"node_exporter", "node_vmstat_oom_kill", 1, Form::value, "", {}, {}}};
constexpr model::MinuteColumn kMinute14[] = {{"host_minute", "oom_kills", Fold::increase, 0, {}, ""}};
constexpr model::AttributeRule kRules17[] = {{"disk.io.direction", "read"}};
constexpr model::AttributeRule kRules18[] = {{"disk.io.direction", "write"}};
constexpr model::SourceName kSources15[] = {
    {"node_exporter", "node_disk_read_bytes_total", 1, Form::value, "", {}, kRules17},
    {"node_exporter", "node_disk_written_bytes_total", 1, Form::value, "", {}, kRules18},
};
constexpr model::MinuteColumn kMinute15[] = {
    {"host_minute", "disk_read_bytes", Fold::increase, 0, kRules17, ""},
    {"host_minute", "disk_write_bytes", Fold::increase, 0, kRules18, ""},
};
constexpr model::SourceName kSources16[] = {
    {"node_exporter", "node_disk_reads_completed_total", 1, Form::value, "", {}, kRules17},
    {"node_exporter", "node_disk_writes_completed_total", 1, Form::value, "", {}, kRules18},
};
constexpr model::MinuteColumn kMinute16[] = {
    {"host_minute", "disk_reads", Fold::increase, 0, kRules17, ""},
    {"host_minute", "disk_writes", Fold::increase, 0, kRules18, ""},
};
constexpr model::SourceName kSources17[] = {
    {"node_exporter", "node_disk_reads_merged_total", 1, Form::value, "", {}, kRules17},
    {"node_exporter", "node_disk_writes_merged_total", 1, Form::value, "", {}, kRules18},
};
constexpr model::SourceName kSources18[] = {
    {"node_exporter", "node_disk_read_time_seconds_total", 1, Form::value, "", {}, kRules17},
    {"node_exporter", "node_disk_write_time_seconds_total", 1, Form::value, "", {}, kRules18},
};
constexpr model::MinuteColumn kMinute17[] = {
    {"host_minute", "disk_read_time_s", Fold::increase, 0, kRules17, ""},
    {"host_minute", "disk_write_time_s", Fold::increase, 0, kRules18, ""},
};
constexpr model::SourceName kSources19[] = {
    {"node_exporter", "node_disk_io_time_seconds_total", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute18[] = {{"host_minute", "disk_io_time_s", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources20[] = {
    {"node_exporter", "node_disk_io_time_weighted_seconds_total", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources21[] = {{"node_exporter", "node_disk_io_now", 1, Form::value, "", {}, {}}};
constexpr model::MinuteColumn kMinute19[] = {{"host_minute", "disk_queue_max", Fold::max, 0, {}, ""}};
constexpr model::AttributeRule kRules19[] = {{"network.io.direction", "transmit"}};
constexpr model::AttributeRule kRules20[] = {{"network.io.direction", "receive"}};
constexpr model::SourceName kSources22[] = {
    {"node_exporter_network", "node_network_transmit_bytes_total", 1, Form::value, "", {}, kRules19},
    {"node_exporter_network", "node_network_receive_bytes_total", 1, Form::value, "", {}, kRules20},
};
constexpr model::MinuteColumn kMinute20[] = {
    {"host_minute", "net_rx_bytes", Fold::increase, 0, kRules20, ""},
    {"host_minute", "net_tx_bytes", Fold::increase, 0, kRules19, ""},
};
constexpr model::SourceName kSources23[] = {
    {"node_exporter_network", "node_network_transmit_packets_total", 1, Form::value, "", {}, kRules19},
    {"node_exporter_network", "node_network_receive_packets_total", 1, Form::value, "", {}, kRules20},
    {"otel_hostmetrics", "system.network.packets", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources24[] = {
    {"node_exporter_network", "node_network_transmit_errs_total", 1, Form::value, "", {}, kRules19},
    {"node_exporter_network", "node_network_receive_errs_total", 1, Form::value, "", {}, kRules20},
};
constexpr model::MinuteColumn kMinute21[] = {{"host_minute", "net_errors", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources25[] = {
    {"node_exporter_network", "node_network_transmit_drop_total", 1, Form::value, "", {}, kRules19},
    {"node_exporter_network", "node_network_receive_drop_total", 1, Form::value, "", {}, kRules20},
    {"otel_hostmetrics", "system.network.dropped", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute22[] = {{"host_minute", "net_dropped", Fold::increase, 0, {}, ""}};
constexpr model::AttributeRule kRules21[] = {
    {"network.connection.state", "established"},
    {"network.transport", "tcp"},
};
constexpr model::SourceName kSources26[] = {
    {"node_exporter", "node_netstat_Tcp_CurrEstab", 1, Form::value, "", {}, kRules21},
    {"otel_hostmetrics", "system.network.connections", 1, Form::value, "", {}, {}},
};
constexpr model::AttributeRule kRules22[] = {{"network.connection.state", "established"}};
constexpr model::MinuteColumn kMinute23[] = {{"host_minute", "connections_max", Fold::max, 0, kRules22, ""}};
constexpr model::SourceName kSources27[] = {
    {"node_exporter", "node_netstat_Tcp_RetransSegs", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute24[] = {{"host_minute", "tcp_retransmits", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources28[] = {
    {"node_exporter", "node_netstat_Tcp_OutSegs", 1, Form::value, "", {}, kRules19},
    {"node_exporter", "node_netstat_Tcp_InSegs", 1, Form::value, "", {}, kRules20},
};
constexpr model::MinuteColumn kMinute25[] = {{"host_minute", "tcp_segments", Fold::increase, 0, kRules19, ""}};
constexpr model::SourceName kSources29[] = {
    {"node_exporter", "node_netstat_Tcp_InErrs", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources30[] = {
    {"node_exporter", "node_netstat_TcpExt_TCPTimeouts", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute26[] = {{"host_minute", "tcp_timeouts", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources31[] = {
    {"node_exporter", "node_netstat_TcpExt_ListenDrops", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute27[] = {{"host_minute", "tcp_listen_drops", Fold::increase, 0, {}, ""}};
constexpr model::AttributeRule kRules23[] = {{"resource", "cpu"}};
constexpr model::AttributeRule kRules24[] = {{"resource", "memory"}};
constexpr model::AttributeRule kRules25[] = {{"resource", "io"}};
constexpr model::MinuteColumn kMinute28[] = {
    {"host_minute", "pressure_cpu_some_ratio", Fold::mean, 0, kRules23, ""},
    {"host_minute", "pressure_cpu_some_max_ratio", Fold::max, 0, kRules23, ""},
    {"host_minute", "pressure_memory_some_ratio", Fold::mean, 0, kRules24, ""},
    {"host_minute", "pressure_memory_some_max_ratio", Fold::max, 0, kRules24, ""},
    {"host_minute", "pressure_io_some_ratio", Fold::mean, 0, kRules25, ""},
    {"host_minute", "pressure_io_some_max_ratio", Fold::max, 0, kRules25, ""},
};
constexpr model::SourceName kSources32[] = {
    {"node_exporter", "node_pressure_cpu_waiting_seconds_total", 1, Form::value, "", {}, kRules23},
    {"node_exporter", "node_pressure_memory_waiting_seconds_total", 1, Form::value, "", {}, kRules24},
    {"node_exporter", "node_pressure_io_waiting_seconds_total", 1, Form::value, "", {}, kRules25},
};
constexpr model::MinuteColumn kMinute29[] = {
    {"host_minute", "pressure_cpu_some_s", Fold::increase, 0, kRules23, ""},
    {"host_minute", "pressure_memory_some_s", Fold::increase, 0, kRules24, ""},
    {"host_minute", "pressure_io_some_s", Fold::increase, 0, kRules25, ""},
};
constexpr model::MinuteColumn kMinute30[] = {
    {"host_minute", "pressure_memory_full_ratio", Fold::mean, 0, kRules24, ""},
    {"host_minute", "pressure_memory_full_max_ratio", Fold::max, 0, kRules24, ""},
    {"host_minute", "pressure_io_full_ratio", Fold::mean, 0, kRules25, ""},
    {"host_minute", "pressure_io_full_max_ratio", Fold::max, 0, kRules25, ""},
};
constexpr model::SourceName kSources33[] = {
    {"node_exporter", "node_pressure_memory_stalled_seconds_total", 1, Form::value, "", {}, kRules24},
    {"node_exporter", "node_pressure_io_stalled_seconds_total", 1, Form::value, "", {}, kRules25},
};
constexpr model::MinuteColumn kMinute31[] = {
    {"host_minute", "pressure_memory_full_s", Fold::increase, 0, kRules24, ""},
    {"host_minute", "pressure_io_full_s", Fold::increase, 0, kRules25, ""},
};
constexpr model::SourceName kSources34[] = {
    {"node_exporter", "node_infiniband_port_data_transmitted_bytes_total", 1, Form::value, "", {}, kRules19},
    {"node_exporter", "node_infiniband_port_data_received_bytes_total", 1, Form::value, "", {}, kRules20},
};
constexpr model::MinuteColumn kMinute32[] = {
    {"host_minute", "ib_rx_bytes", Fold::increase, 0, kRules20, ""},
    {"host_minute", "ib_tx_bytes", Fold::increase, 0, kRules19, ""},
};
constexpr model::SourceName kSources35[] = {
    {"node_exporter", "node_infiniband_port_packets_transmitted_total", 1, Form::value, "", {}, kRules19},
    {"node_exporter", "node_infiniband_port_packets_received_total", 1, Form::value, "", {}, kRules20},
};
constexpr model::AttributeRule kRules26[] = {{"error.type", "receive"}};
constexpr model::AttributeRule kRules27[] = {{"error.type", "transmit_discard"}};
constexpr model::AttributeRule kRules28[] = {{"error.type", "symbol"}};
constexpr model::AttributeRule kRules29[] = {{"error.type", "link_error_recovery"}};
constexpr model::SourceName kSources36[] = {
    {"node_exporter", "node_infiniband_port_errors_received_total", 1, Form::value, "", {}, kRules26},
    {"node_exporter", "node_infiniband_port_discards_transmitted_total", 1, Form::value, "", {}, kRules27},
    {"node_exporter", "node_infiniband_symbol_error_total", 1, Form::value, "", {}, kRules28},
    {"node_exporter", "node_infiniband_link_error_recovery_total", 1, Form::value, "", {}, kRules29},
};
constexpr model::MinuteColumn kMinute33[] = {{"host_minute", "ib_errors", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources37[] = {
    {"node_exporter", "node_infiniband_link_downed_total", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute34[] = {{"host_minute", "ib_link_downed", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources38[] = {
    {"node_exporter", "node_infiniband_port_transmit_wait_total", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute35[] = {{"host_minute", "ib_transmit_wait", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources39[] = {
    {"node_exporter", "node_infiniband_rate_bytes_per_second", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources40[] = {
    {"node_exporter", "node_infiniband_state_id", 1, Form::value, "", {}, {}},
};
constexpr model::AttributeRule kRules30[] = {{"error.type", "corrected"}};
constexpr model::AttributeRule kRules31[] = {{"error.type", "uncorrected"}};
constexpr model::SourceName kSources41[] = {
    {"node_exporter", "node_edac_correctable_errors_total", 1, Form::value, "", {}, kRules30},
    {"node_exporter", "node_edac_uncorrectable_errors_total", 1, Form::value, "", {}, kRules31},
};
constexpr model::MinuteColumn kMinute36[] = {
    {"host_minute", "edac_corrected", Fold::increase, 0, kRules30, ""},
    {"host_minute", "edac_uncorrected", Fold::increase, 0, kRules31, ""},
};
constexpr model::SourceName kSources42[] = {{"otel_hostmetrics", "process.threads", 1, Form::value, "", {}, {}}};
constexpr model::SourceName kSources43[] = {
    {"otel_hostmetrics", "process.open_file_descriptors", 1, Form::value, "", {}, {}},
    {"otel_hostmetrics", "process.open_file_descriptor.count", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute37[] = {{"host_minute", "oom_kill_events", Fold::count, 0, {}, ""}};
constexpr std::string_view kPrefixes1[] = {"node_"};
constexpr model::LabelRule kLabels1[] = {
    {"node", "host.name"},
    {"nodename", "host.name"},
    {"cpu", "cpu.logical_number"},
    {"mode", "cpu.mode"},
    {"device", "system.device"},
    {"controller", "system.device"},
};
constexpr std::string_view kPrefixes2[] = {"node_network_"};
constexpr model::LabelRule kLabels2[] = {
    {"node", "host.name"},
    {"nodename", "host.name"},
    {"device", "network.interface.name"},
};
constexpr model::LabelRule kLabels3[] = {
    {"direction", "network.io.direction"},
    {"device", "network.interface.name"},
    {"state", "network.connection.state"},
    {"status", "process.state"},
    {"protocol", "network.transport"},
};
constexpr model::Signal kSignals1[] = {
    {"system.cpu.time", "s", Kind::counter, "node", "", {}, "processor time by mode (attribute cpu.mode); the whole machine, or one core where cpu.logical_number stands", kSources1, kMinute1, 0, 1000000000000},
    {"system.cpu.utilization", "1", Kind::gauge, "node", "", {}, "share of processor time by mode (attribute cpu.mode)", {}, kMinute2, 0, 1.01, true},
    {"system.cpu.logical.count", "{cpu}", Kind::gauge, "node", "", {}, "logical processors", {}, kMinute3},
    {"system.cpu.load_average.1m", "{thread}", Kind::gauge, "node", "", {}, "threads that run or wait for a processor or a disk, average over 1m", kSources2, kMinute4},
    {"system.cpu.load_average.5m", "{thread}", Kind::gauge, "node", "", {}, "threads that run or wait for a processor or a disk, average over 5m", kSources3, {}},
    {"system.cpu.load_average.15m", "{thread}", Kind::gauge, "node", "", {}, "threads that run or wait for a processor or a disk, average over 15m", kSources4, {}},
    {"system.cpu.context_switches", "{context_switch}", Kind::counter, "node", "", {}, "switches from one thread to another", kSources5, kMinute5, 0, model::kFinite},
    {"system.uptime", "s", Kind::gauge, "node", "", {}, "time since the machine started", {}, {}, 0, 1000000000000},
    {"system.process.count", "{process}", Kind::gauge, "node", "", {}, "processes by state (attribute process.state)", kSources6, kMinute6},
    {"system.process.created", "{process}", Kind::counter, "node", "", {}, "processes started", kSources7, {}, 0, model::kFinite},
    {"system.memory.usage", "By", Kind::gauge, "node", "", {}, "memory by state (attribute system.memory.state = used, free, cached, buffers)", kSources8, kMinute7, 0, 1.8446744073709552e+19},
    {"system.memory.limit", "By", Kind::gauge, "node", "", {}, "memory installed", kSources9, kMinute8, 0, 1.8446744073709552e+19},
    {"system.memory.linux.available", "By", Kind::gauge, "node", "", {}, "memory that programs can get without swapping", kSources10, kMinute9, 0, 1.8446744073709552e+19},
    {"system.memory.utilization", "1", Kind::gauge, "node", "", {}, "share of memory by state (attribute system.memory.state)", {}, kMinute10, 0, 1.01, true},
    {"system.paging.usage", "By", Kind::gauge, "node", "", {}, "swap space by state (attribute system.paging.state = used, free)", kSources11, kMinute11, 0, 1.8446744073709552e+19},
    {"system.paging.faults", "{fault}", Kind::counter, "node", "", {}, "page faults (attribute system.paging.fault.type = major, minor)", kSources12, kMinute12, 0, model::kFinite},
    {"system.paging.operations", "{operation}", Kind::counter, "node", "", {}, "pages moved to and from swap (attribute system.paging.direction = in, out)", kSources13, kMinute13, 0, model::kFinite},
    {"system.oom_kills", "{event}", Kind::counter, "node", "", {}, "processes killed because memory ran out", kSources14, kMinute14, 0, model::kFinite},
    {"system.disk.io", "By", Kind::counter, "node", "", {}, "bytes read and written (attributes system.device, disk.io.direction)", kSources15, kMinute15, 0, 1.8446744073709552e+19},
    {"system.disk.operations", "{operation}", Kind::counter, "node", "", {}, "reads and writes completed", kSources16, kMinute16, 0, model::kFinite},
    {"system.disk.merged", "{operation}", Kind::counter, "node", "", {}, "reads and writes merged with a neighbour", kSources17, {}, 0, model::kFinite},
    {"system.disk.operation_time", "s", Kind::counter, "node", "", {}, "time that reads and writes took, added up", kSources18, kMinute17, 0, 1000000000000},
    {"system.disk.io_time", "s", Kind::counter, "node", "", {}, "time a disk was busy; the disks of a machine add up", kSources19, kMinute18, 0, 1000000000000},
    {"system.disk.weighted_io_time", "s", Kind::counter, "node", "", {}, "time a disk was busy times the operations under way", kSources20, {}, 0, 1000000000000},
    {"system.disk.pending_operations", "{operation}", Kind::gauge, "node", "", {}, "operations under way", kSources21, kMinute19},
    {"system.network.io", "By", Kind::counter, "node", "", {}, "bytes over network interfaces (attributes network.interface.name, network.io.direction)", kSources22, kMinute20, 0, 1.8446744073709552e+19},
    {"system.network.packet.count", "{packet}", Kind::counter, "node", "", {}, "packets over network interfaces", kSources23, {}, 0, model::kFinite},
    {"system.network.errors", "{error}", Kind::counter, "node", "", {}, "packets that came or went damaged", kSources24, kMinute21, 0, model::kFinite},
    {"system.network.packet.dropped", "{packet}", Kind::counter, "node", "", {}, "packets thrown away by the machine", kSources25, kMinute22, 0, model::kFinite},
    {"system.network.connection.count", "{connection}", Kind::gauge, "node", "", {}, "connections by state (attribute network.connection.state)", kSources26, kMinute23},
    {"system.network.tcp.retransmits", "{segment}", Kind::counter, "node", "", {}, "TCP segments sent again: loss on the way", kSources27, kMinute24, 0, model::kFinite},
    {"system.network.tcp.segments", "{segment}", Kind::counter, "node", "", {}, "TCP segments", kSources28, kMinute25, 0, model::kFinite},
    {"system.network.tcp.errors", "{error}", Kind::counter, "node", "", {}, "TCP segments that came damaged", kSources29, {}, 0, model::kFinite},
    {"system.network.tcp.timeouts", "{timeout}", Kind::counter, "node", "", {}, "TCP retransmission timeouts", kSources30, kMinute26, 0, model::kFinite},
    {"system.network.tcp.listen_drops", "{connection}", Kind::counter, "node", "", {}, "connections refused because a listener was full", kSources31, kMinute27, 0, model::kFinite},
    {"system.pressure.some", "1", Kind::gauge, "node", "", {}, "share of the last 10 s in which at least one task waited for a resource (attribute resource = cpu, memory, io)", {}, kMinute28, 0, 1.01, true},
    {"system.pressure.some.time", "s", Kind::counter, "node", "", {}, "time in which at least one task waited for a resource (attribute resource)", kSources32, kMinute29, 0, 1000000000000},
    {"system.pressure.full", "1", Kind::gauge, "node", "", {}, "share of the last 10 s in which all tasks that could run waited for a resource (attribute resource = cpu, memory, io)", {}, kMinute30, 0, 1.01, true},
    {"system.pressure.full.time", "s", Kind::counter, "node", "", {}, "time in which all tasks that could run waited for a resource (attribute resource)", kSources33, kMinute31, 0, 1000000000000},
    {"system.infiniband.io", "By", Kind::counter, "node", "", {}, "bytes over InfiniBand or RoCE ports (attributes system.device, port, network.io.direction)", kSources34, kMinute32, 0, 1.8446744073709552e+19},
    {"system.infiniband.packets", "{packet}", Kind::counter, "node", "", {}, "packets over InfiniBand or RoCE ports", kSources35, {}, 0, model::kFinite},
    {"system.infiniband.errors", "{error}", Kind::counter, "node", "", {}, "errors of InfiniBand or RoCE ports (attribute error.type)", kSources36, kMinute33, 0, model::kFinite},
    {"system.infiniband.link_downed", "{event}", Kind::counter, "node", "", {}, "times a port lost its link", kSources37, kMinute34, 0, model::kFinite},
    {"system.infiniband.transmit_wait", "{tick}", Kind::counter, "node", "", {}, "ticks in which a port had data and could not send: congestion", kSources38, kMinute35, 0, model::kFinite},
    {"system.infiniband.rate", "By/s", Kind::gauge, "node", "", {}, "speed of a port", kSources39, {}, 0, 10000000000000000},
    {"system.infiniband.state", "1", Kind::gauge, "node", "", {}, "state of a port: 4 = active, 1 = down", kSources40, {}},
    {"system.edac.errors", "{error}", Kind::counter, "node", "", {}, "memory errors of the machine (attribute error.type = corrected, uncorrected)", kSources41, kMinute36, 0, model::kFinite},
    {"system.cgroup.cpu.time", "s", Kind::counter, "node", "", {}, "processor time of a control group (attribute cgroup)", {}, {}, 0, 1000000000000},
    {"system.cgroup.cpu.throttled_time", "s", Kind::counter, "node", "", {}, "time a control group was held back by its processor quota", {}, {}, 0, 1000000000000},
    {"system.cgroup.memory.usage", "By", Kind::gauge, "node", "", {}, "memory of a control group", {}, {}, 0, 1.8446744073709552e+19},
    {"system.cgroup.pressure.some", "1", Kind::gauge, "node", "", {}, "as system.pressure.some, of a control group", {}, {}, 0, 1.01, true},
    {"system.cgroup.pressure.some.time", "s", Kind::counter, "node", "", {}, "as system.pressure.some.time, of a control group", {}, {}, 0, 1000000000000},
    {"system.cgroup.pressure.full", "1", Kind::gauge, "node", "", {}, "as system.pressure.full, of a control group", {}, {}, 0, 1.01, true},
    {"system.cgroup.pressure.full.time", "s", Kind::counter, "node", "", {}, "as system.pressure.full.time, of a control group", {}, {}, 0, 1000000000000},
    {"process.cpu.time", "s", Kind::counter, "process", "", {}, "processor time of a process (attribute cpu.mode)", {}, {}, 0, 1000000000000},
    {"process.cpu.wait_time", "s", Kind::counter, "process", "", {}, "time a process could run and got no processor", {}, {}, 0, 1000000000000},
    {"process.memory.usage", "By", Kind::gauge, "process", "", {}, "physical memory of a process", {}, {}, 0, 1.8446744073709552e+19},
    {"process.memory.virtual", "By", Kind::gauge, "process", "", {}, "address space of a process", {}, {}, 0, 1.8446744073709552e+19},
    {"process.thread.count", "{thread}", Kind::gauge, "process", "", {}, "threads of a process", kSources42, {}},
    {"process.disk.io", "By", Kind::counter, "process", "", {}, "bytes a process read and wrote (attribute disk.io.direction)", {}, {}, 0, 1.8446744073709552e+19},
    {"process.paging.faults", "{fault}", Kind::counter, "process", "", {}, "page faults of a process (attribute system.paging.fault.type)", {}, {}, 0, model::kFinite},
    {"process.unix.file_descriptor.count", "{file_descriptor}", Kind::gauge, "process", "", {}, "open files of a process", kSources43, {}},
    {"host.process_crash", "{event}", Kind::event, "node", "", {}, "a process died of a bad memory access, as the kernel's log says (attributes process.pid, process.executable.name, library)", {}, {}},
    {"host.oom_kill", "{event}", Kind::event, "node", "", {}, "the kernel killed a process because memory ran out", {}, kMinute37},
};
constexpr model::Adapter kAdapters1[] = {
    {"node_exporter", kPrefixes1, {}, kLabels1, "", {}},
    {"node_exporter_network", kPrefixes2, {}, kLabels2, "", {}},
    {"otel_hostmetrics", {}, {}, kLabels3, "", {}},
};

constexpr model::Catalog kCatalog = {"l3_host", "Host",
                                     "What did the machine around the GPU do - CPU, memory, disk, network, processes?",
                                     kSignals1, kAdapters1};

}  // namespace

const model::Catalog& catalog() { return kCatalog; }

}  // namespace strata::l3_host
