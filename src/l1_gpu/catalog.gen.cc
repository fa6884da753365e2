// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l1_gpu/catalog.yaml: edit that file. Constant tables, any thread.
#include "l1_gpu/catalog.gen.h"

namespace strata::l1_gpu {
namespace {

using model::Fold;
using model::Form;
using model::Kind;

constexpr model::AttributeRule kRules1[] = {{"GPU_UUID", "*"}};
constexpr model::SourceName kSources1[] = {
    {"dcgm_exporter", "DCGM_FI_PROF_GR_ENGINE_ACTIVE", 1, Form::value, "", {}, {}},
    {"dcgm_exporter", "DCGM_FI_PROF_GR_ENGINE_UTIL_RATIO", 1, Form::value, "", {}, {}},
    {"dcgm_exporter", "DCGM_FI_DEV_GPU_UTIL", 0.01, Form::value, "", {}, {}},
    {"dcgm_exporter", "DCGM_FI_DEV_GPU_UTIL_RATIO", 0.01, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_utilization_gpu_ratio", 1, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_gfx_activity", 0.01, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_gfx_busy_instantaneous", 0.01, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_usage", 0.01, Form::value, "", kRules1, {}},
    {"ascend_npu_exporter", "npu_chip_info_overall_utilization", 0.01, Form::value, "", {}, {}},
    {"ascend_npu_exporter", "npu_chip_info_utilization", 0.01, Form::value, "", {}, {}},
    {"cambricon", "mlu_utilization", 0.01, Form::value, "", {}, {}},
    {"hygon", "dcu_utilizationrate", 0.01, Form::value, "", {}, {}},
    {"metax", "mx_gpu_usage", 0.01, Form::value, "", {}, {}},
    {"iluvatar", "ix_gpu_utilization", 0.01, Form::value, "", {}, {}},
    {"mthreads", "mtgpu_gpu_utilization", 0.01, Form::value, "", {}, {}},
    {"kunlunxin", "node_xpu_utilization", 0.01, Form::value, "", {}, {}},
    {"enflame", "enflame_gcu_usage", 0.01, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_gpu_utilization", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_gpu_utilization_ratio", 1, Form::value, "", {}, {}},
    {"hami", "hami_host_gpu_utilization_ratio", 0.01, Form::value, "", {}, {}},
    {"hami", "HostCoreUtilization", 0.01, Form::value, "", {}, {}},
    {"coroot", "node_resources_gpu_utilization_percent_avg", 0.01, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "utilization/gpu_util", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "Utilization/GPU", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "Utilization/Gpu", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/utilization.gpu", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "table/GPU-Util", 1, Form::value, "", {}, {}},
    {"rocm_smi", "GPU use (%)", 0.01, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute1[] = {
    {"gpu_minute", "utilization_ratio", Fold::mean, 0, {}, ""},
    {"gpu_minute", "utilization_max_ratio", Fold::max, 0, {}, ""},
};
constexpr model::AttributeRule kRules2[] = {{"hw.gpu.task", "general"}};
constexpr model::SourceName kSources2[] = {
    {"dcgm_exporter", "DCGM_FI_PROF_SM_ACTIVE", 1, Form::value, "", {}, {}},
    {"dcgm_exporter", "DCGM_FI_PROF_SM_UTIL_RATIO", 1, Form::value, "", {}, {}},
    {"iluvatar", "ix_sm_utilization", 0.01, Form::value, "", {}, {}},
    {"ascend_npu_exporter", "npu_chip_info_utilization", 0.01, Form::value, "", {}, {}},
    {"cambricon", "mlu_core_utilization", 0.01, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute2[] = {{"gpu_minute", "sm_active_ratio", Fold::mean, 0, {}, ""}};
constexpr model::SourceName kSources3[] = {
    {"dcgm_exporter", "DCGM_FI_PROF_SM_OCCUPANCY", 1, Form::value, "", {}, {}},
    {"dcgm_exporter", "DCGM_FI_PROF_SM_OCCUPANCY_RATIO", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute3[] = {{"gpu_minute", "sm_occupancy_ratio", Fold::mean, 0, {}, ""}};
constexpr model::SourceName kSources4[] = {
    {"dcgm_exporter", "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", 1, Form::value, "", {}, {}},
    {"dcgm_exporter", "DCGM_FI_PROF_TENSOR_UTIL_RATIO", 1, Form::value, "", {}, {}},
    {"ascend_npu_exporter", "npu_chip_info_cube_utilization", 0.01, Form::value, "", {}, {}},
    {"cambricon", "mlu_tensor_util", 0.01, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute4[] = {{"gpu_minute", "tensor_active_ratio", Fold::mean, 0, {}, ""}};
constexpr model::AttributeRule kRules3[] = {{"gpu.pipe", "fp32"}};
constexpr model::AttributeRule kRules4[] = {{"gpu.pipe", "fp16"}};
constexpr model::AttributeRule kRules5[] = {{"gpu.pipe", "fp64"}};
constexpr model::AttributeRule kRules6[] = {{"gpu.pipe", "int"}};
constexpr model::SourceName kSources5[] = {
    {"dcgm_exporter", "DCGM_FI_PROF_PIPE_FP32_ACTIVE", 1, Form::value, "", {}, kRules3},
    {"dcgm_exporter", "DCGM_FI_PROF_PIPE_FP16_ACTIVE", 1, Form::value, "", {}, kRules4},
    {"dcgm_exporter", "DCGM_FI_PROF_PIPE_FP64_ACTIVE", 1, Form::value, "", {}, kRules5},
    {"dcgm_exporter", "DCGM_FI_PROF_PIPE_INT_ACTIVE", 1, Form::value, "", {}, kRules6},
    {"ascend_npu_exporter", "npu_chip_info_vector_utilization", 0.01, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources6[] = {
    {"dcgm_exporter", "DCGM_FI_PROF_DRAM_ACTIVE", 1, Form::value, "", {}, {}},
    {"dcgm_exporter", "DCGM_FI_PROF_DRAM_UTIL_RATIO", 1, Form::value, "", {}, {}},
    {"ascend_npu_exporter", "npu_chip_info_hbm_bandwidth_utilization", 0.01, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_memory_bandwidth_utilization", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_memory_bandwidth_utilization_ratio", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute5[] = {{"gpu_minute", "memory_bandwidth_ratio", Fold::mean, 0, {}, ""}};
constexpr model::SourceName kSources7[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_MEM_COPY_UTIL", 0.01, Form::value, "", {}, {}},
    {"dcgm_exporter", "DCGM_FI_DEV_MEM_COPY_UTIL_RATIO", 0.01, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_utilization_memory_ratio", 1, Form::value, "", {}, {}},
    {"hami", "hami_host_gpu_memory_controller_utilization_ratio", 0.01, Form::value, "", {}, {}},
    {"coroot", "node_resources_gpu_memory_utilization_percent_avg", 0.01, Form::value, "", {}, {}},
    {"iluvatar", "ix_mem_utilization", 0.01, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_umc_activity", 0.01, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "utilization/memory_util", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "Utilization/Memory", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/utilization.memory", 1, Form::value, "", {}, {}},
    {"rocm_smi", "GPU Memory Read/Write Activity (%)", 0.01, Form::value, "", {}, {}},
    {"rocm_smi", "GPU memory use (%)", 0.01, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute6[] = {{"gpu_minute", "memory_controller_ratio", Fold::mean, 0, {}, ""}};
constexpr model::AttributeRule kRules7[] = {{"type", "vram"}};
constexpr model::SourceName kSources8[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_FB_USED", 1048576, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_memory_used_bytes", 1, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_used_vram", 1048576, Form::value, "", {}, {}},
    {"ascend_npu_exporter", "npu_chip_info_hbm_used_memory", 1048576, Form::value, "", {}, {}},
    {"ascend_npu_exporter", "npu_chip_info_used_memory", 1048576, Form::value, "", {}, {}},
    {"cambricon", "mlu_memory_used", 1, Form::value, "", {}, {}},
    {"hygon", "dcu_usedmemory_bytes", 1, Form::value, "", {}, {}},
    {"metax", "mx_memory_used", 1024, Form::value, "", kRules7, {}},
    {"iluvatar", "ix_mem_used", 1048576, Form::value, "", {}, {}},
    {"mthreads", "mtgpu_memory_used_bytes", 1, Form::value, "", {}, {}},
    {"kunlunxin", "node_xpu_memused", 1048576, Form::value, "", {}, {}},
    {"enflame", "enflame_gcu_memory_used_bytes", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_memory_usage", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_memory_usage_bytes", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_gpu_memory_usage", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_gpu_memory_usage_bytes", 1, Form::value, "", {}, {}},
    {"hami", "hami_host_gpu_memory_used_bytes", 1, Form::value, "", {}, {}},
    {"hami", "HostGPUMemoryUsage", 1, Form::value, "", {}, {}},
    {"coroot", "node_resources_gpu_memory_used_bytes", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "fb_memory_usage/used", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "FB Memory Usage/Used", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/memory.used", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "table/Memory-Usage:Used", 1, Form::value, "", {}, {}},
    {"rocm_smi", "VRAM Total Used Memory (B)", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute7[] = {
    {"gpu_minute", "memory_used_bytes", Fold::mean, 0, {}, ""},
    {"gpu_minute", "memory_used_max_bytes", Fold::max, 0, {}, ""},
};
constexpr model::SourceName kSources9[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_FB_TOTAL", 1048576, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_memory_total_bytes", 1, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_total_vram", 1048576, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_total_memory", 1000000, Form::value, "", kRules1, {}},
    {"ascend_npu_exporter", "npu_chip_info_hbm_total_memory", 1048576, Form::value, "", {}, {}},
    {"cambricon", "mlu_memory_total", 1, Form::value, "", {}, {}},
    {"hygon", "dcu_memorycap_bytes", 1, Form::value, "", {}, {}},
    {"metax", "mx_memory_total", 1024, Form::value, "", kRules7, {}},
    {"iluvatar", "ix_mem_total", 1048576, Form::value, "", {}, {}},
    {"mthreads", "mtgpu_memory_total_bytes", 1, Form::value, "", {}, {}},
    {"kunlunxin", "node_xpu_memtotal", 1048576, Form::value, "", {}, {}},
    {"enflame", "enflame_gcu_memory_total_bytes", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_memory_size", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_memory_size_bytes", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_gpu_memory_limit", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_gpu_memory_limit_bytes", 1, Form::value, "", {}, {}},
    {"coroot", "node_resources_gpu_memory_total_bytes", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "fb_memory_usage/total", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "FB Memory Usage/Total", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/memory.total", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "table/Memory-Usage:Total", 1, Form::value, "", {}, {}},
    {"rocm_smi", "VRAM Total Memory (B)", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute8[] = {{"gpu_minute", "memory_total_bytes", Fold::last, 0, {}, ""}};
constexpr model::SourceName kSources10[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_FB_FREE", 1048576, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_memory_free_bytes", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "fb_memory_usage/free", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "FB Memory Usage/Free", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/memory.free", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute9[] = {{"gpu_minute", "memory_free_bytes", Fold::mean, 0, {}, ""}};
constexpr model::SourceName kSources11[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_FB_USED_PERCENT", 1, Form::value, "", {}, {}},
    {"dcgm_exporter", "DCGM_FI_DEV_FB_USED_RATIO", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_gpu_memory_utilization", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_gpu_memory_utilization_ratio", 1, Form::value, "", {}, {}},
    {"rocm_smi", "GPU Memory Allocated (VRAM%)", 0.01, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources12[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_FB_RESERVED", 1048576, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_memory_reserved_bytes", 1, Form::value, "", {}, {}},
    {"cambricon", "mlu_memory_reserved", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "fb_memory_usage/reserved", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "FB Memory Usage/Reserved", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/memory.reserved", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute10[] = {{"gpu_minute", "memory_reserved_bytes", Fold::last, 0, {}, ""}};
constexpr model::AttributeRule kRules8[] = {{"network.io.direction", "transmit"}};
constexpr model::AttributeRule kRules9[] = {{"network.io.direction", "receive"}};
constexpr model::AttributeRule kRules10[] = {{"network.io.direction", "both"}};
constexpr model::SourceName kSources13[] = {
    {"dcgm_exporter", "DCGM_FI_PROF_NVLINK_TX_BYTES", 1, Form::rate, "", {}, kRules8},
    {"dcgm_exporter", "DCGM_FI_PROF_NVLINK_RX_BYTES", 1, Form::rate, "", {}, kRules9},
    {"dcgm_exporter", "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", 1024000, Form::rate, "", {}, kRules10},
    {"dcgm_exporter", "DCGM_FI_DEV_NVLINK_THROUGHPUT_TOTAL", 1024000, Form::rate, "", {}, kRules10},
    {"amd_exporter", "gpu_xgmi_link_tx", 1024, Form::value, "", {}, kRules8},
    {"amd_exporter", "gpu_xgmi_link_rx", 1024, Form::value, "", {}, kRules9},
    {"cambricon", "mlu_mlulink_cntr_write_byte_total", 1, Form::value, "", {}, kRules8},
    {"cambricon", "mlu_mlulink_cntr_read_byte_total", 1, Form::value, "", {}, kRules9},
    {"intel_xpumd", "hw_gpu_io_total", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_gpu_io_bytes_total", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute11[] = {
    {"gpu_minute", "link_tx_bytes", Fold::increase, 0, kRules8, ""},
    {"gpu_minute", "link_rx_bytes", Fold::increase, 0, kRules9, ""},
    {"gpu_minute", "link_both_bytes", Fold::increase, 0, kRules10, ""},
};
constexpr model::AttributeRule kRules11[] = {{"hw.gpu.bus", "nvlink"}};
constexpr model::AttributeRule kRules12[] = {{"network.io.direction", "transmit"}, {"gpu.link", "0"}};
constexpr model::AttributeRule kRules13[] = {{"network.io.direction", "transmit"}, {"gpu.link", "1"}};
constexpr model::AttributeRule kRules14[] = {{"network.io.direction", "transmit"}, {"gpu.link", "2"}};
constexpr model::AttributeRule kRules15[] = {{"network.io.direction", "transmit"}, {"gpu.link", "3"}};
constexpr model::AttributeRule kRules16[] = {{"network.io.direction", "transmit"}, {"gpu.link", "4"}};
constexpr model::AttributeRule kRules17[] = {{"network.io.direction", "transmit"}, {"gpu.link", "5"}};
constexpr model::SourceName kSources14[] = {
    {"amd_exporter", "gpu_xgmi_nbr_0_beats_tx", 32, Form::value, "", {}, kRules12},
    {"amd_exporter", "gpu_xgmi_nbr_1_beats_tx", 32, Form::value, "", {}, kRules13},
    {"amd_exporter", "gpu_xgmi_nbr_2_beats_tx", 32, Form::value, "", {}, kRules14},
    {"amd_exporter", "gpu_xgmi_nbr_3_beats_tx", 32, Form::value, "", {}, kRules15},
    {"amd_exporter", "gpu_xgmi_nbr_4_beats_tx", 32, Form::value, "", {}, kRules16},
    {"amd_exporter", "gpu_xgmi_nbr_5_beats_tx", 32, Form::value, "", {}, kRules17},
};
constexpr model::AttributeRule kRules18[] = {
    {"network.io.direction", "transmit"},
    {"gpu.pcie.transaction", "posted"},
};
constexpr model::AttributeRule kRules19[] = {
    {"network.io.direction", "transmit"},
    {"gpu.pcie.transaction", "non_posted"},
};
constexpr model::AttributeRule kRules20[] = {
    {"network.io.direction", "transmit"},
    {"gpu.pcie.transaction", "completion"},
};
constexpr model::AttributeRule kRules21[] = {
    {"network.io.direction", "receive"},
    {"gpu.pcie.transaction", "posted"},
};
constexpr model::AttributeRule kRules22[] = {
    {"network.io.direction", "receive"},
    {"gpu.pcie.transaction", "non_posted"},
};
constexpr model::AttributeRule kRules23[] = {
    {"network.io.direction", "receive"},
    {"gpu.pcie.transaction", "completion"},
};
constexpr model::SourceName kSources15[] = {
    {"dcgm_exporter", "DCGM_FI_PROF_PCIE_TX_BYTES", 1, Form::rate, "", {}, kRules8},
    {"dcgm_exporter", "DCGM_FI_PROF_PCIE_RX_BYTES", 1, Form::rate, "", {}, kRules9},
    {"amd_exporter", "pcie_bandwidth", 125000, Form::rate, "", {}, kRules10},
    {"ascend_npu_exporter", "npu_chip_info_pcie_tx_p_bw", 1000000000, Form::rate, "", {}, kRules18},
    {"ascend_npu_exporter", "npu_chip_info_pcie_tx_np_bw", 1000000000, Form::rate, "", {}, kRules19},
    {"ascend_npu_exporter", "npu_chip_info_pcie_tx_cpl_bw", 1000000000, Form::rate, "", {}, kRules20},
    {"ascend_npu_exporter", "npu_chip_info_pcie_rx_p_bw", 1000000000, Form::rate, "", {}, kRules21},
    {"ascend_npu_exporter", "npu_chip_info_pcie_rx_np_bw", 1000000000, Form::rate, "", {}, kRules22},
    {"ascend_npu_exporter", "npu_chip_info_pcie_rx_cpl_bw", 1000000000, Form::rate, "", {}, kRules23},
    {"cambricon", "mlu_pcie_write_throughput", 50, Form::rate, "", {}, kRules8},
    {"cambricon", "mlu_pcie_read_throughput", 50, Form::rate, "", {}, kRules9},
    {"hygon", "dcu_pciebw_mb", 1048576, Form::rate, "", {}, kRules10},
    {"iluvatar", "ix_pcie_tx_throughput", 1, Form::rate, "", {}, kRules8},
    {"nvidia_smi_xml", "pci/tx_util", 1, Form::rate, "", {}, kRules8},
    {"nvidia_smi_xml", "pci/rx_util", 1, Form::rate, "", {}, kRules9},
    {"nvidia_smi", "PCI/Tx Throughput", 1, Form::rate, "", {}, kRules8},
    {"nvidia_smi", "PCI/Rx Throughput", 1, Form::rate, "", {}, kRules9},
};
constexpr model::MinuteColumn kMinute12[] = {
    {"gpu_minute", "pcie_tx_bytes", Fold::increase, 0, kRules8, ""},
    {"gpu_minute", "pcie_rx_bytes", Fold::increase, 0, kRules9, ""},
    {"gpu_minute", "pcie_both_bytes", Fold::increase, 0, kRules10, ""},
};
constexpr model::AttributeRule kRules24[] = {{"hw.gpu.bus", "pcie"}};
constexpr model::SourceName kSources16[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_PCIE_REPLAY_COUNTER", 1, Form::value, "", {}, {}},
    {"dcgm_exporter", "DCGM_FI_DEV_PCIE_REPLAY_TOTAL", 1, Form::value, "", {}, {}},
    {"amd_exporter", "pcie_replay_count", 1, Form::value, "", {}, {}},
    {"cambricon", "mlu_pcie_replay_count", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "pci/replay_counter", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "PCI/Replays Since Reset", 1, Form::value, "", {}, {}},
    {"rocm_smi", "PCIe Replay Count", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute13[] = {{"gpu_minute", "pcie_replays", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources17[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_PCIE_LINK_GEN", 1, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_pcie_link_gen_gpucurrent", 1, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_pcie_link_gen_current", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "pci/pci_gpu_link_info/pcie_gen/device_current_link_gen", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "pci/pci_gpu_link_info/pcie_gen/current_link_gen", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "PCI/GPU Link Info/PCIe Generation/Device Current", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "PCI/GPU Link Info/PCIe Generation/Current", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/pcie.link.gen.gpucurrent", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/pcie.link.gen.current", 1, Form::value, "", {}, {}},
    {"rocm_smi", "pcie clock level/generation", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute14[] = {{"gpu_minute", "pcie_generation", Fold::max, 0, {}, ""}};
constexpr model::SourceName kSources18[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_PCIE_MAX_LINK_GEN", 1, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_pcie_link_gen_max", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "pci/pci_gpu_link_info/pcie_gen/max_link_gen", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "PCI/GPU Link Info/PCIe Generation/Max", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/pcie.link.gen.max", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute15[] = {{"gpu_minute", "pcie_max_generation", Fold::max, 0, {}, ""}};
constexpr model::SourceName kSources19[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_PCIE_LINK_WIDTH", 1, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_pcie_link_width_current", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "pci/pci_gpu_link_info/link_widths/current_link_width", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "PCI/GPU Link Info/Link Width/Current", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/pcie.link.width.current", 1, Form::value, "", {}, {}},
    {"rocm_smi", "pcie clock level/lanes", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute16[] = {{"gpu_minute", "pcie_lanes", Fold::max, 0, {}, ""}};
constexpr model::SourceName kSources20[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_PCIE_MAX_LINK_WIDTH", 1, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_pcie_link_width_max", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "pci/pci_gpu_link_info/link_widths/max_link_width", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "PCI/GPU Link Info/Link Width/Max", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/pcie.link.width.max", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute17[] = {{"gpu_minute", "pcie_max_lanes", Fold::max, 0, {}, ""}};
constexpr model::SourceName kSources21[] = {
    {"ascend_npu_exporter", "npu_chip_info_bandwidth_tx", 1000000, Form::rate, "", {}, kRules8},
    {"ascend_npu_exporter", "npu_chip_info_bandwidth_rx", 1000000, Form::rate, "", {}, kRules9},
};
constexpr model::SourceName kSources22[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_GPU_TEMP", 1, Form::value, "", {}, {}},
    {"dcgm_exporter", "DCGM_FI_DEV_GPU_TEMP_CELSIUS", 1, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_temperature_gpu", 1, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_junction_temperature", 1, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_edge_temperature", 1, Form::value, "", {}, {}},
    {"ascend_npu_exporter", "npu_chip_info_temperature", 1, Form::value, "", {}, {}},
    {"cambricon", "mlu_chip_temperature", 1, Form::value, "", {}, {}},
    {"cambricon", "mlu_temperature", 1, Form::value, "", {}, {}},
    {"hygon", "dcu_temp", 1, Form::value, "", {}, {}},
    {"metax", "mx_chip_hotspot_temp", 1, Form::value, "", {}, {}},
    {"iluvatar", "ix_temperature", 1, Form::value, "", {}, {}},
    {"iluvatar", "ix_gpu_temperature", 1, Form::value, "", {}, {}},
    {"mthreads", "mtgpu_gpu_temp", 1, Form::value, "", {}, {}},
    {"kunlunxin", "node_xpu_temp", 1, Form::value, "", {}, {}},
    {"enflame", "enflame_gcu_temperatures", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_temperature", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_temperature_celsius", 1, Form::value, "", {}, {}},
    {"coroot", "node_resources_gpu_temperature_celsius", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "temperature/gpu_temp", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "Temperature/GPU Current Temp", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/temperature.gpu", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "table/Temp", 1, Form::value, "", {}, {}},
    {"rocm_smi", "Temperature (Sensor junction) (C)", 1, Form::value, "", {}, {}},
    {"rocm_smi", "Temperature (Sensor edge) (C)", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute18[] = {{"gpu_minute", "temperature_c", Fold::max, 0, {}, ""}};
constexpr model::AttributeRule kRules25[] = {{"hw.type", "gpu"}, {"hw.sensor_location", "core"}};
constexpr double kBlanks1[] = {
    9.223372036854776e+18,
    9.223372036854776e+18,
    9.223372036854776e+18,
    9.223372036854776e+18,
    2147483632,
    2147483633,
    2147483634,
    2147483635,
    140737488355328,
    140737488355329,
    140737488355330,
    140737488355331,
    0,
};
constexpr double kBlanks2[] = {0};
constexpr model::AttributeRule kRules26[] = {{"gpu.memory.stack", "0"}};
constexpr model::AttributeRule kRules27[] = {{"gpu.memory.stack", "1"}};
constexpr model::AttributeRule kRules28[] = {{"gpu.memory.stack", "2"}};
constexpr model::AttributeRule kRules29[] = {{"gpu.memory.stack", "3"}};
constexpr model::SourceName kSources23[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_MEMORY_TEMP", 1, Form::value, "", {}, {}, kBlanks1},
    {"nvidia_gpu_exporter", "nvidia_smi_temperature_memory", 1, Form::value, "", {}, {}, kBlanks2},
    {"amd_exporter", "gpu_memory_temperature", 1, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_hbm_temperature", 1, Form::value, "", {}, {}},
    {"ascend_npu_exporter", "npu_chip_info_hbm_temperature", 1, Form::value, "", {}, {}},
    {"cambricon", "mlu_memory_temperature", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "temperature/memory_temp", 1, Form::value, "", {}, {}, kBlanks2},
    {"nvidia_smi", "Temperature/Memory Current Temp", 1, Form::value, "", {}, {}, kBlanks2},
    {"nvidia_smi", "query/temperature.memory", 1, Form::value, "", {}, {}, kBlanks2},
    {"rocm_smi", "Temperature (Sensor memory) (C)", 1, Form::value, "", {}, {}},
    {"rocm_smi", "Temperature (Sensor HBM 0) (C)", 1, Form::value, "", {}, kRules26},
    {"rocm_smi", "Temperature (Sensor HBM 1) (C)", 1, Form::value, "", {}, kRules27},
    {"rocm_smi", "Temperature (Sensor HBM 2) (C)", 1, Form::value, "", {}, kRules28},
    {"rocm_smi", "Temperature (Sensor HBM 3) (C)", 1, Form::value, "", {}, kRules29},
};
constexpr model::MinuteColumn kMinute19[] = {{"gpu_minute", "memory_temperature_c", Fold::max, 0, {}, ""}};
constexpr model::AttributeRule kRules30[] = {{"hw.type", "gpu"}, {"hw.sensor_location", "memory"}};
constexpr model::SourceName kSources24[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_POWER_USAGE", 1, Form::value, "", {}, {}},
    {"dcgm_exporter", "DCGM_FI_DEV_BOARD_POWER_WATTS", 1, Form::value, "", {}, {}},
    {"dcgm_exporter", "DCGM_FI_DEV_POWER_USAGE_INSTANT", 1, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_power_draw_instant_watts", 1, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_power_draw_average_watts", 1, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_power_draw_watts", 1, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_package_power", 1, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_average_package_power", 1, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_power_usage", 1, Form::value, "", {}, {}},
    {"ascend_npu_exporter", "npu_chip_info_power", 1, Form::value, "", {}, {}},
    {"cambricon", "mlu_power_usage", 1, Form::value, "", {}, {}},
    {"hygon", "dcu_power_usage", 1, Form::value, "", {}, {}},
    {"metax", "mx_board_power", 0.001, Form::value, "", {}, {}},
    {"iluvatar", "ix_power_usage", 1, Form::value, "", {}, {}},
    {"mthreads", "mtgpu_power_usage_milliwatts", 0.001, Form::value, "", {}, {}},
    {"kunlunxin", "node_xpu_powerUsage", 1, Form::value, "", {}, {}},
    {"enflame", "enflame_gcu_power_consumption", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_power", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_power_watts", 1, Form::value, "", {}, {}},
    {"coroot", "node_resources_gpu_power_usage_watts", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "gpu_power_readings/instant_power_draw", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "gpu_power_readings/average_power_draw", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "gpu_power_readings/power_draw", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "power_readings/power_draw", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "GPU Power Readings/Instantaneous Power Draw", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "GPU Power Readings/Average Power Draw", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "GPU Power Readings/Power Draw", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "Power Readings/Power Draw", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/power.draw.instant", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/power.draw.average", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/power.draw", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "table/Pwr:Usage", 1, Form::value, "", {}, {}},
    {"rocm_smi", "Current Socket Graphics Package Power (W)", 1, Form::value, "", {}, {}},
    {"rocm_smi", "Average Graphics Package Power (W)", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute20[] = {
    {"gpu_minute", "power_w", Fold::mean, 0, {}, ""},
    {"gpu_minute", "power_max_w", Fold::max, 0, {}, ""},
};
constexpr model::AttributeRule kRules31[] = {{"hw.type", "gpu"}};
constexpr model::SourceName kSources25[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_POWER_MGMT_LIMIT", 1, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_enforced_power_limit_watts", 1, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_power_limit_watts", 1, Form::value, "", {}, {}},
    {"cambricon", "mlu_power_current_limit", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "gpu_power_readings/current_power_limit", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "power_readings/enforced_power_limit", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "power_readings/power_limit", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "GPU Power Readings/Current Power Limit", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "Power Readings/Enforced Power Limit", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "Power Readings/Power Limit", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/enforced.power.limit", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/power.limit", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "table/Pwr:Cap", 1, Form::value, "", {}, {}},
    {"rocm_smi", "Max Graphics Package Power (W)", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_power_limit", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_power_limit_watts", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute21[] = {{"gpu_minute", "power_limit_w", Fold::last, 0, {}, ""}};
constexpr model::SourceName kSources26[] = {
    {"nvidia_gpu_exporter", "nvidia_smi_power_default_limit_watts", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "gpu_power_readings/default_power_limit", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "power_readings/default_power_limit", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "GPU Power Readings/Default Power Limit", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "Power Readings/Default Power Limit", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/power.default_limit", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources27[] = {
    {"nvidia_gpu_exporter", "nvidia_smi_power_max_limit_watts", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "gpu_power_readings/max_power_limit", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "power_readings/max_power_limit", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "GPU Power Readings/Max Power Limit", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "Power Readings/Max Power Limit", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/power.max_limit", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources28[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", 0.001, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_energy_consumed", 1e-06, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_energy_total", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_energy_joules_total", 1, Form::value, "", {}, {}},
    {"rocm_smi", "Accumulated Energy (uJ)", 1e-06, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute22[] = {{"gpu_minute", "energy_j", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources29[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_SM_CLOCK", 1000000, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_clocks_current_sm_clock_hz", 1, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_clock", 1000000, Form::value, "", {}, {}},
    {"ascend_npu_exporter", "npu_chip_info_aicore_current_freq", 1000000, Form::value, "", {}, {}},
    {"cambricon", "mlu_frequency", 1000000, Form::value, "", {}, {}},
    {"hygon", "dcu_sclk", 1000000, Form::value, "", {}, {}},
    {"metax", "mx_gpu_clock", 1000000, Form::value, "", {}, {}},
    {"iluvatar", "ix_sm_clock", 1000000, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_frequency", 1, Form::value, "", {}, {}},
    {"intel_xpumd", "hw_frequency_hertz", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "clocks/sm_clock", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "Clocks/SM", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/clocks.current.sm", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/clocks.sm", 1, Form::value, "", {}, {}},
    {"rocm_smi", "sclk clock speed:", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute23[] = {
    {"gpu_minute", "clock_core_hz", Fold::mean, 0, {}, ""},
    {"gpu_minute", "clock_core_min_hz", Fold::min, 0, {}, ""},
};
constexpr model::SourceName kSources30[] = {
    {"nvidia_gpu_exporter", "nvidia_smi_clocks_max_sm_clock_hz", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "max_clocks/sm_clock", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "Max Clocks/SM", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/clocks.max.sm", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources31[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_MEM_CLOCK", 1000000, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_clocks_current_memory_clock_hz", 1, Form::value, "", {}, {}},
    {"cambricon", "mlu_ddr_frequency", 1000000, Form::value, "", {}, {}},
    {"iluvatar", "ix_mem_clock", 1000000, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "clocks/mem_clock", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "Clocks/Memory", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/clocks.current.memory", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/clocks.mem", 1, Form::value, "", {}, {}},
    {"rocm_smi", "mclk clock speed:", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute24[] = {{"gpu_minute", "clock_memory_hz", Fold::mean, 0, {}, ""}};
constexpr model::SourceName kSources32[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_ENC_UTIL", 0.01, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_utilization_encoder_ratio", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "utilization/encoder_util", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "Utilization/Encoder", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/utilization.encoder", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources33[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_DEC_UTIL", 0.01, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_utilization_decoder_ratio", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "utilization/decoder_util", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "Utilization/Decoder", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/utilization.decoder", 1, Form::value, "", {}, {}},
};
constexpr model::AttributeRule kRules32[] = {
    {"gpu_idle", "0"},
    {"clocks_setting", "1"},
    {"power_cap", "2"},
    {"hw_slowdown", "3"},
    {"sync_boost", "4"},
    {"sw_thermal", "5"},
    {"hw_thermal", "6"},
    {"hw_power_brake", "7"},
    {"display_clocks", "8"},
};
constexpr model::AttributeRule kRules33[] = {{"reason", "hw_thermal"}};
constexpr model::AttributeRule kRules34[] = {{"reason", "gpu_idle"}};
constexpr model::AttributeRule kRules35[] = {{"reason", "clocks_setting"}};
constexpr model::AttributeRule kRules36[] = {{"reason", "power_cap"}};
constexpr model::AttributeRule kRules37[] = {{"reason", "hw_slowdown"}};
constexpr model::AttributeRule kRules38[] = {{"reason", "hw_power_brake"}};
constexpr model::AttributeRule kRules39[] = {{"reason", "sync_boost"}};
constexpr model::AttributeRule kRules40[] = {{"reason", "sw_thermal"}};
constexpr model::AttributeRule kRules41[] = {{"reason", "display_clocks"}};
constexpr model::SourceName kSources34[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_CLOCKS_EVENT_REASONS", 1, Form::bits, "", {}, kRules32},
    {"dcgm_exporter", "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS", 1, Form::bits, "", {}, kRules32},
    {"nvidia_gpu_exporter", "nvidia_smi_clocks_event_reasons_active", 1, Form::bits, "", {}, kRules32},
    {"cambricon", "mlu_thermal_slow_down", 1, Form::value, "", {}, kRules33},
    {"intel_xpumd", "hw_frequency_throttle_status", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "clocks_event_reasons/clocks_event_reason_gpu_idle", 1, Form::value, "", {}, kRules34},
    {"nvidia_smi_xml", "clocks_throttle_reasons/clocks_throttle_reason_gpu_idle", 1, Form::value, "", {}, kRules34},
    {"nvidia_smi_xml", "clocks_event_reasons/clocks_event_reason_applications_clocks_setting", 1, Form::value, "", {}, kRules35},
    {"nvidia_smi_xml", "clocks_throttle_reasons/clocks_throttle_reason_applications_clocks_setting", 1, Form::value, "", {}, kRules35},
    {"nvidia_smi_xml", "clocks_event_reasons/clocks_event_reason_sw_power_cap", 1, Form::value, "", {}, kRules36},
    {"nvidia_smi_xml", "clocks_throttle_reasons/clocks_throttle_reason_sw_power_cap", 1, Form::value, "", {}, kRules36},
    {"nvidia_smi_xml", "clocks_event_reasons/clocks_event_reason_hw_slowdown", 1, Form::value, "", {}, kRules37},
    {"nvidia_smi_xml", "clocks_throttle_reasons/clocks_throttle_reason_hw_slowdown", 1, Form::value, "", {}, kRules37},
    {"nvidia_smi_xml", "clocks_event_reasons/clocks_event_reason_hw_thermal_slowdown", 1, Form::value, "", {}, kRules33},
    {"nvidia_smi_xml", "clocks_throttle_reasons/clocks_throttle_reason_hw_thermal_slowdown", 1, Form::value, "", {}, kRules33},
    {"nvidia_smi_xml", "clocks_event_reasons/clocks_event_reason_hw_power_brake_slowdown", 1, Form::value, "", {}, kRules38},
    {"nvidia_smi_xml", "clocks_throttle_reasons/clocks_throttle_reason_hw_power_brake_slowdown", 1, Form::value, "", {}, kRules38},
    {"nvidia_smi_xml", "clocks_event_reasons/clocks_event_reason_sync_boost", 1, Form::value, "", {}, kRules39},
    {"nvidia_smi_xml", "clocks_throttle_reasons/clocks_throttle_reason_sync_boost", 1, Form::value, "", {}, kRules39},
    {"nvidia_smi_xml", "clocks_event_reasons/clocks_event_reason_sw_thermal_slowdown", 1, Form::value, "", {}, kRules40},
    {"nvidia_smi_xml", "clocks_throttle_reasons/clocks_throttle_reason_sw_thermal_slowdown", 1, Form::value, "", {}, kRules40},
    {"nvidia_smi_xml", "clocks_event_reasons/clocks_event_reason_display_clocks_setting", 1, Form::value, "", {}, kRules41},
    {"nvidia_smi_xml", "clocks_throttle_reasons/clocks_throttle_reason_display_clocks_setting", 1, Form::value, "", {}, kRules41},
    {"nvidia_smi", "Clocks Event Reasons/Idle", 1, Form::value, "", {}, kRules34},
    {"nvidia_smi", "Clocks Throttle Reasons/Idle", 1, Form::value, "", {}, kRules34},
    {"nvidia_smi", "query/clocks_event_reasons.gpu_idle", 1, Form::value, "", {}, kRules34},
    {"nvidia_smi", "query/clocks_throttle_reasons.gpu_idle", 1, Form::value, "", {}, kRules34},
    {"nvidia_smi", "Clocks Event Reasons/Applications Clocks Setting", 1, Form::value, "", {}, kRules35},
    {"nvidia_smi", "Clocks Throttle Reasons/Applications Clocks Setting", 1, Form::value, "", {}, kRules35},
    {"nvidia_smi", "query/clocks_event_reasons.applications_clocks_setting", 1, Form::value, "", {}, kRules35},
    {"nvidia_smi", "query/clocks_throttle_reasons.applications_clocks_setting", 1, Form::value, "", {}, kRules35},
    {"nvidia_smi", "Clocks Event Reasons/SW Power Cap", 1, Form::value, "", {}, kRules36},
    {"nvidia_smi", "Clocks Throttle Reasons/SW Power Cap", 1, Form::value, "", {}, kRules36},
    {"nvidia_smi", "query/clocks_event_reasons.sw_power_cap", 1, Form::value, "", {}, kRules36},
    {"nvidia_smi", "query/clocks_throttle_reasons.sw_power_cap", 1, Form::value, "", {}, kRules36},
    {"nvidia_smi", "Clocks Event Reasons/HW Slowdown", 1, Form::value, "", {}, kRules37},
    {"nvidia_smi", "Clocks Throttle Reasons/HW Slowdown", 1, Form::value, "", {}, kRules37},
    {"nvidia_smi", "query/clocks_event_reasons.hw_slowdown", 1, Form::value, "", {}, kRules37},
    {"nvidia_smi", "query/clocks_throttle_reasons.hw_slowdown", 1, Form::value, "", {}, kRules37},
    {"nvidia_smi", "Clocks Event Reasons/HW Slowdown/HW Thermal Slowdown", 1, Form::value, "", {}, kRules33},
    {"nvidia_smi", "Clocks Throttle Reasons/HW Slowdown/HW Thermal Slowdown", 1, Form::value, "", {}, kRules33},
    {"nvidia_smi", "query/clocks_event_reasons.hw_thermal_slowdown", 1, Form::value, "", {}, kRules33},
    {"nvidia_smi", "query/clocks_throttle_reasons.hw_thermal_slowdown", 1, Form::value, "", {}, kRules33},
    {"nvidia_smi", "Clocks Event Reasons/HW Slowdown/HW Power Brake Slowdown", 1, Form::value, "", {}, kRules38},
    {"nvidia_smi", "Clocks Throttle Reasons/HW Slowdown/HW Power Brake Slowdown", 1, Form::value, "", {}, kRules38},
    {"nvidia_smi", "query/clocks_event_reasons.hw_power_brake_slowdown", 1, Form::value, "", {}, kRules38},
    {"nvidia_smi", "query/clocks_throttle_reasons.hw_power_brake_slowdown", 1, Form::value, "", {}, kRules38},
    {"nvidia_smi", "Clocks Event Reasons/Sync Boost", 1, Form::value, "", {}, kRules39},
    {"nvidia_smi", "Clocks Throttle Reasons/Sync Boost", 1, Form::value, "", {}, kRules39},
    {"nvidia_smi", "query/clocks_event_reasons.sync_boost", 1, Form::value, "", {}, kRules39},
    {"nvidia_smi", "query/clocks_throttle_reasons.sync_boost", 1, Form::value, "", {}, kRules39},
    {"nvidia_smi", "Clocks Event Reasons/SW Thermal Slowdown", 1, Form::value, "", {}, kRules40},
    {"nvidia_smi", "Clocks Throttle Reasons/SW Thermal Slowdown", 1, Form::value, "", {}, kRules40},
    {"nvidia_smi", "query/clocks_event_reasons.sw_thermal_slowdown", 1, Form::value, "", {}, kRules40},
    {"nvidia_smi", "query/clocks_throttle_reasons.sw_thermal_slowdown", 1, Form::value, "", {}, kRules40},
    {"nvidia_smi", "Clocks Event Reasons/Display Clock Setting", 1, Form::value, "", {}, kRules41},
    {"nvidia_smi", "Clocks Throttle Reasons/Display Clock Setting", 1, Form::value, "", {}, kRules41},
};
constexpr model::MinuteColumn kMinute25[] = {
    {"gpu_minute", "throttle_power_s", Fold::seconds_over, 0, kRules36, ""},
    {"gpu_minute", "throttle_thermal_s", Fold::seconds_over, 0, kRules40, ""},
    {"gpu_minute", "throttle_hw_thermal_s", Fold::seconds_over, 0, kRules33, ""},
    {"gpu_minute", "throttle_hw_slowdown_s", Fold::seconds_over, 0, kRules37, ""},
    {"gpu_minute", "throttle_power_brake_s", Fold::seconds_over, 0, kRules38, ""},
};
constexpr model::SourceName kSources35[] = {
    {"dcgm_exporter", "DCGM_EXP_CLOCK_EVENTS_COUNT", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources36[] = {
    {"cambricon", "mlu_over_temp_under_clock_total", 1, Form::value, "", {}, kRules33},
};
constexpr model::AttributeRule kRules42[] = {{"reason", "thermal"}};
constexpr model::AttributeRule kRules43[] = {{"reason", "board_limit"}};
constexpr model::SourceName kSources37[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_POWER_VIOLATION", 1e-09, Form::value, "", {}, kRules36},
    {"dcgm_exporter", "DCGM_FI_DEV_THERMAL_VIOLATION", 1e-09, Form::value, "", {}, kRules42},
    {"dcgm_exporter", "DCGM_FI_DEV_SYNC_BOOST_VIOLATION", 1e-09, Form::value, "", {}, kRules39},
    {"dcgm_exporter", "DCGM_FI_DEV_BOARD_LIMIT_VIOLATION", 1e-09, Form::value, "", {}, kRules43},
    {"dcgm_exporter", "DCGM_FI_DEV_CLOCKS_EVENT_REASON_SW_POWER_CAP_NS", 1e-09, Form::value, "", {}, kRules36},
    {"dcgm_exporter", "DCGM_FI_DEV_CLOCKS_EVENT_REASON_SYNC_BOOST_NS", 1e-09, Form::value, "", {}, kRules39},
    {"dcgm_exporter", "DCGM_FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN_NS", 1e-09, Form::value, "", {}, kRules40},
    {"dcgm_exporter", "DCGM_FI_DEV_CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN_NS", 1e-09, Form::value, "", {}, kRules33},
    {"dcgm_exporter", "DCGM_FI_DEV_CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN_NS", 1e-09, Form::value, "", {}, kRules38},
    {"nvidia_gpu_exporter", "nvidia_smi_clocks_event_reasons_counters_sw_power_cap_seconds", 1, Form::value, "", {}, kRules36},
    {"nvidia_gpu_exporter", "nvidia_smi_clocks_event_reasons_counters_sw_thermal_slowdown_seconds", 1, Form::value, "", {}, kRules40},
    {"nvidia_gpu_exporter", "nvidia_smi_clocks_event_reasons_counters_hw_thermal_slowdown_seconds", 1, Form::value, "", {}, kRules33},
    {"nvidia_gpu_exporter", "nvidia_smi_clocks_event_reasons_counters_hw_power_brake_slowdown_seconds", 1, Form::value, "", {}, kRules38},
    {"nvidia_gpu_exporter", "nvidia_smi_clocks_event_reasons_counters_sync_boost_seconds", 1, Form::value, "", {}, kRules39},
    {"nvidia_smi_xml", "clocks_event_reasons_counters/clocks_event_reasons_counters_sw_power_cap", 1, Form::value, "", {}, kRules36},
    {"nvidia_smi_xml", "clocks_event_reasons_counters/clocks_event_reasons_counters_sync_boost", 1, Form::value, "", {}, kRules39},
    {"nvidia_smi_xml", "clocks_event_reasons_counters/clocks_event_reasons_counters_sw_therm_slowdown", 1, Form::value, "", {}, kRules40},
    {"nvidia_smi_xml", "clocks_event_reasons_counters/clocks_event_reasons_counters_hw_therm_slowdown", 1, Form::value, "", {}, kRules33},
    {"nvidia_smi_xml", "clocks_event_reasons_counters/clocks_event_reasons_counters_hw_power_brake", 1, Form::value, "", {}, kRules38},
    {"nvidia_smi", "Clocks Event Reasons Counters/SW Power Capping", 1, Form::value, "", {}, kRules36},
    {"nvidia_smi", "query/clocks_event_reasons_counters.sw_power_cap", 1, Form::value, "", {}, kRules36},
    {"nvidia_smi", "Clocks Event Reasons Counters/Sync Boost", 1, Form::value, "", {}, kRules39},
    {"nvidia_smi", "query/clocks_event_reasons_counters.sync_boost", 1, Form::value, "", {}, kRules39},
    {"nvidia_smi", "Clocks Event Reasons Counters/SW Thermal Slowdown", 1, Form::value, "", {}, kRules40},
    {"nvidia_smi", "query/clocks_event_reasons_counters.sw_thermal_slowdown", 1, Form::value, "", {}, kRules40},
    {"nvidia_smi", "Clocks Event Reasons Counters/HW Thermal Slowdown", 1, Form::value, "", {}, kRules33},
    {"nvidia_smi", "query/clocks_event_reasons_counters.hw_thermal_slowdown", 1, Form::value, "", {}, kRules33},
    {"nvidia_smi", "Clocks Event Reasons Counters/HW Power Braking", 1, Form::value, "", {}, kRules38},
    {"nvidia_smi", "query/clocks_event_reasons_counters.hw_power_brake_slowdown", 1, Form::value, "", {}, kRules38},
};
constexpr model::MinuteColumn kMinute26[] = {{"gpu_minute", "throttle_s", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources38[] = {
    {"amd_exporter", "gpu_violation_ppt_residency_percentage", 0.01, Form::value, "", {}, kRules36},
};
constexpr model::AttributeRule kRules44[] = {{"error.type", "corrected"}};
constexpr model::AttributeRule kRules45[] = {{"error.type", "uncorrected"}};
constexpr model::AttributeRule kRules46[] = {{"error.type", "corrected"}, {"gpu.memory.location", "sram"}};
constexpr model::AttributeRule kRules47[] = {{"error.type", "corrected"}, {"gpu.memory.location", "dram"}};
constexpr model::AttributeRule kRules48[] = {{"error.type", "uncorrected"}, {"gpu.memory.location", "sram"}};
constexpr model::AttributeRule kRules49[] = {{"error.type", "uncorrected"}, {"gpu.memory.location", "sram_parity"}};
constexpr model::AttributeRule kRules50[] = {{"error.type", "uncorrected"}, {"gpu.memory.location", "sram_secded"}};
constexpr model::AttributeRule kRules51[] = {{"error.type", "uncorrected"}, {"gpu.memory.location", "dram"}};
constexpr model::SourceName kSources39[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", 1, Form::value, "", {}, kRules44},
    {"dcgm_exporter", "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", 1, Form::value, "", {}, kRules45},
    {"nvidia_gpu_exporter", "nvidia_smi_ecc_errors_corrected_volatile_total", 1, Form::value, "", {}, kRules44},
    {"nvidia_gpu_exporter", "nvidia_smi_ecc_errors_uncorrected_volatile_total", 1, Form::value, "", {}, kRules45},
    {"amd_exporter", "gpu_ecc_correct_total", 1, Form::value, "", {}, kRules44},
    {"amd_exporter", "gpu_ecc_uncorrect_total", 1, Form::value, "", {}, kRules45},
    {"ascend_npu_exporter", "npu_chip_info_hbm_ecc_total_single_bit_error_cnt", 1, Form::value, "", {}, kRules44},
    {"ascend_npu_exporter", "npu_chip_info_hbm_ecc_total_double_bit_error_cnt", 1, Form::value, "", {}, kRules45},
    {"cambricon", "mlu_dram_ecc_sbe_count", 1, Form::value, "", {}, kRules44},
    {"cambricon", "mlu_dram_ecc_dbe_count", 1, Form::value, "", {}, kRules45},
    {"hygon", "dcu_ce_count", 1, Form::value, "", {}, kRules44},
    {"hygon", "dcu_ue_count", 1, Form::value, "", {}, kRules45},
    {"iluvatar", "ix_ecc_sbe_vol_status", 1, Form::value, "", {}, kRules44},
    {"iluvatar", "ix_ecc_dbe_vol_status", 1, Form::value, "", {}, kRules45},
    {"intel_xpumd", "hw_errors_total", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "ecc_errors/volatile/sram_correctable", 1, Form::value, "", {}, kRules46},
    {"nvidia_smi_xml", "ecc_errors/volatile/dram_correctable", 1, Form::value, "", {}, kRules47},
    {"nvidia_smi_xml", "ecc_errors/volatile/sram_uncorrectable", 1, Form::value, "", {}, kRules48},
    {"nvidia_smi_xml", "ecc_errors/volatile/sram_uncorrectable_parity", 1, Form::value, "", {}, kRules49},
    {"nvidia_smi_xml", "ecc_errors/volatile/sram_uncorrectable_secded", 1, Form::value, "", {}, kRules50},
    {"nvidia_smi_xml", "ecc_errors/volatile/dram_uncorrectable", 1, Form::value, "", {}, kRules51},
    {"nvidia_smi_xml", "ecc_errors/volatile/single_bit/total", 1, Form::value, "", {}, kRules44},
    {"nvidia_smi_xml", "ecc_errors/volatile/double_bit/total", 1, Form::value, "", {}, kRules45},
    {"nvidia_smi_xml", "ecc_error_count/volatile_count/sram_uncorrectable", 1, Form::value, "", {}, kRules48},
    {"nvidia_smi", "ECC Errors/Volatile/SRAM Correctable", 1, Form::value, "", {}, kRules46},
    {"nvidia_smi", "ECC Errors/Volatile/DRAM Correctable", 1, Form::value, "", {}, kRules47},
    {"nvidia_smi", "ECC Errors/Volatile/SRAM Uncorrectable", 1, Form::value, "", {}, kRules48},
    {"nvidia_smi", "ECC Errors/Volatile/SRAM Uncorrectable Parity", 1, Form::value, "", {}, kRules49},
    {"nvidia_smi", "ECC Errors/Volatile/SRAM Uncorrectable SEC-DED", 1, Form::value, "", {}, kRules50},
    {"nvidia_smi", "ECC Errors/Volatile/DRAM Uncorrectable", 1, Form::value, "", {}, kRules51},
    {"nvidia_smi", "ECC Errors/Volatile/Single Bit/Total", 1, Form::value, "", {}, kRules44},
    {"nvidia_smi", "ECC Errors/Volatile/Double Bit/Total", 1, Form::value, "", {}, kRules45},
    {"nvidia_smi", "query/ecc.errors.corrected.volatile.total", 1, Form::value, "", {}, kRules44},
    {"nvidia_smi", "query/ecc.errors.uncorrected.volatile.total", 1, Form::value, "", {}, kRules45},
    {"nvidia_smi", "table/Volatile Uncorr. ECC", 1, Form::value, "", {}, kRules45},
};
constexpr model::MinuteColumn kMinute27[] = {
    {"gpu_minute", "ecc_corrected", Fold::increase, 0, kRules44, ""},
    {"gpu_minute", "ecc_uncorrected", Fold::increase, 0, kRules45, ""},
};
constexpr model::AttributeRule kRules52[] = {{"hw.type", "gpu"}, {"error.type", "corrected|uncorrected"}};
constexpr model::SourceName kSources40[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_ECC_SBE_AGG_TOTAL", 1, Form::value, "", {}, kRules44},
    {"dcgm_exporter", "DCGM_FI_DEV_ECC_DBE_AGG_TOTAL", 1, Form::value, "", {}, kRules45},
    {"nvidia_gpu_exporter", "nvidia_smi_ecc_errors_corrected_aggregate_total", 1, Form::value, "", {}, kRules44},
    {"nvidia_gpu_exporter", "nvidia_smi_ecc_errors_uncorrected_aggregate_total", 1, Form::value, "", {}, kRules45},
    {"nvidia_smi_xml", "ecc_errors/aggregate/sram_correctable", 1, Form::value, "", {}, kRules46},
    {"nvidia_smi_xml", "ecc_errors/aggregate/dram_correctable", 1, Form::value, "", {}, kRules47},
    {"nvidia_smi_xml", "ecc_errors/aggregate/sram_uncorrectable", 1, Form::value, "", {}, kRules48},
    {"nvidia_smi_xml", "ecc_errors/aggregate/sram_uncorrectable_parity", 1, Form::value, "", {}, kRules49},
    {"nvidia_smi_xml", "ecc_errors/aggregate/sram_uncorrectable_secded", 1, Form::value, "", {}, kRules50},
    {"nvidia_smi_xml", "ecc_errors/aggregate/dram_uncorrectable", 1, Form::value, "", {}, kRules51},
    {"nvidia_smi_xml", "ecc_errors/aggregate/single_bit/total", 1, Form::value, "", {}, kRules44},
    {"nvidia_smi_xml", "ecc_errors/aggregate/double_bit/total", 1, Form::value, "", {}, kRules45},
    {"nvidia_smi", "ECC Errors/Aggregate/SRAM Correctable", 1, Form::value, "", {}, kRules46},
    {"nvidia_smi", "ECC Errors/Aggregate/DRAM Correctable", 1, Form::value, "", {}, kRules47},
    {"nvidia_smi", "ECC Errors/Aggregate/SRAM Uncorrectable", 1, Form::value, "", {}, kRules48},
    {"nvidia_smi", "ECC Errors/Aggregate/SRAM Uncorrectable Parity", 1, Form::value, "", {}, kRules49},
    {"nvidia_smi", "ECC Errors/Aggregate/SRAM Uncorrectable SEC-DED", 1, Form::value, "", {}, kRules50},
    {"nvidia_smi", "ECC Errors/Aggregate/DRAM Uncorrectable", 1, Form::value, "", {}, kRules51},
    {"nvidia_smi", "ECC Errors/Aggregate/Single Bit/Total", 1, Form::value, "", {}, kRules44},
    {"nvidia_smi", "ECC Errors/Aggregate/Double Bit/Total", 1, Form::value, "", {}, kRules45},
    {"nvidia_smi", "query/ecc.errors.corrected.aggregate.total", 1, Form::value, "", {}, kRules44},
    {"nvidia_smi", "query/ecc.errors.uncorrected.aggregate.total", 1, Form::value, "", {}, kRules45},
};
constexpr model::AttributeRule kRules53[] = {{"kind", "uncorrected"}};
constexpr model::AttributeRule kRules54[] = {{"kind", "corrected"}};
constexpr model::AttributeRule kRules55[] = {{"kind", "failed"}};
constexpr model::AttributeRule kRules56[] = {{"kind", "pending"}};
constexpr model::SourceName kSources41[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", 1, Form::value, "", {}, kRules53},
    {"dcgm_exporter", "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", 1, Form::value, "", {}, kRules54},
    {"dcgm_exporter", "DCGM_FI_DEV_ROW_REMAP_FAILURE", 1, Form::value, "", {}, kRules55},
    {"dcgm_exporter", "DCGM_FI_DEV_ROW_REMAP_PENDING", 1, Form::value, "", {}, kRules56},
    {"dcgm_exporter", "DCGM_FI_DEV_ROW_REMAP_UNCORRECTABLE_TOTAL", 1, Form::value, "", {}, kRules53},
    {"dcgm_exporter", "DCGM_FI_DEV_ROW_REMAP_FAILED", 1, Form::value, "", {}, kRules55},
    {"nvidia_gpu_exporter", "nvidia_smi_remapped_rows_uncorrectable", 1, Form::value, "", {}, kRules53},
    {"nvidia_gpu_exporter", "nvidia_smi_remapped_rows_correctable", 1, Form::value, "", {}, kRules54},
    {"nvidia_gpu_exporter", "nvidia_smi_remapped_rows_pending", 1, Form::value, "", {}, kRules56},
    {"nvidia_gpu_exporter", "nvidia_smi_remapped_rows_failure", 1, Form::value, "", {}, kRules55},
    {"cambricon", "mlu_remapped_correct_rows", 1, Form::value, "", {}, kRules54},
    {"cambricon", "mlu_remapped_uncorrect_rows", 1, Form::value, "", {}, kRules53},
    {"cambricon", "mlu_remapped_pending_rows", 1, Form::value, "", {}, kRules56},
    {"cambricon", "mlu_remapped_failed_rows", 1, Form::value, "", {}, kRules55},
    {"ascend_npu_exporter", "npu_chip_info_hbm_ecc_single_bit_isolated_pages_cnt", 1, Form::value, "", {}, kRules54},
    {"ascend_npu_exporter", "npu_chip_info_hbm_ecc_double_bit_isolated_pages_cnt", 1, Form::value, "", {}, kRules53},
    {"nvidia_smi_xml", "remapped_rows/remapped_row_corr", 1, Form::value, "", {}, kRules54},
    {"nvidia_smi_xml", "remapped_rows/remapped_row_unc", 1, Form::value, "", {}, kRules53},
    {"nvidia_smi_xml", "remapped_rows/remapped_row_pending", 1, Form::value, "", {}, kRules56},
    {"nvidia_smi_xml", "remapped_rows/remapped_row_failure", 1, Form::value, "", {}, kRules55},
    {"nvidia_smi", "Remapped Rows/Correctable Error", 1, Form::value, "", {}, kRules54},
    {"nvidia_smi", "query/remapped_rows.correctable", 1, Form::value, "", {}, kRules54},
    {"nvidia_smi", "Remapped Rows/Uncorrectable Error", 1, Form::value, "", {}, kRules53},
    {"nvidia_smi", "query/remapped_rows.uncorrectable", 1, Form::value, "", {}, kRules53},
    {"nvidia_smi", "Remapped Rows/Pending", 1, Form::value, "", {}, kRules56},
    {"nvidia_smi", "query/remapped_rows.pending", 1, Form::value, "", {}, kRules56},
    {"nvidia_smi", "Remapped Rows/Remapping Failure Occurred", 1, Form::value, "", {}, kRules55},
    {"nvidia_smi", "query/remapped_rows.failure", 1, Form::value, "", {}, kRules55},
};
constexpr model::MinuteColumn kMinute28[] = {
    {"gpu_minute", "row_remap_uncorrected", Fold::last, 0, kRules53, ""},
    {"gpu_minute", "row_remap_pending", Fold::max, 0, kRules56, ""},
    {"gpu_minute", "row_remap_failed", Fold::max, 0, kRules55, ""},
};
constexpr model::AttributeRule kRules57[] = {{"level", "max"}};
constexpr model::AttributeRule kRules58[] = {{"level", "high"}};
constexpr model::AttributeRule kRules59[] = {{"level", "partial"}};
constexpr model::AttributeRule kRules60[] = {{"level", "low"}};
constexpr model::AttributeRule kRules61[] = {{"level", "none"}};
constexpr model::SourceName kSources42[] = {
    {"nvidia_gpu_exporter", "nvidia_smi_remapped_rows_histogram_max", 1, Form::value, "", {}, kRules57},
    {"nvidia_gpu_exporter", "nvidia_smi_remapped_rows_histogram_high", 1, Form::value, "", {}, kRules58},
    {"nvidia_gpu_exporter", "nvidia_smi_remapped_rows_histogram_partial", 1, Form::value, "", {}, kRules59},
    {"nvidia_gpu_exporter", "nvidia_smi_remapped_rows_histogram_low", 1, Form::value, "", {}, kRules60},
    {"nvidia_gpu_exporter", "nvidia_smi_remapped_rows_histogram_none", 1, Form::value, "", {}, kRules61},
    {"nvidia_smi_xml", "remapped_rows/row_remapper_histogram/row_remapper_histogram_max", 1, Form::value, "", {}, kRules57},
    {"nvidia_smi_xml", "remapped_rows/row_remapper_histogram/row_remapper_histogram_high", 1, Form::value, "", {}, kRules58},
    {"nvidia_smi_xml", "remapped_rows/row_remapper_histogram/row_remapper_histogram_partial", 1, Form::value, "", {}, kRules59},
    {"nvidia_smi_xml", "remapped_rows/row_remapper_histogram/row_remapper_histogram_low", 1, Form::value, "", {}, kRules60},
    {"nvidia_smi_xml", "remapped_rows/row_remapper_histogram/row_remapper_histogram_none", 1, Form::value, "", {}, kRules61},
    {"nvidia_smi", "Remapped Rows/Bank Remap Availability Histogram/Max", 1, Form::value, "", {}, kRules57},
    {"nvidia_smi", "query/remapped_rows.histogram.max", 1, Form::value, "", {}, kRules57},
    {"nvidia_smi", "Remapped Rows/Bank Remap Availability Histogram/High", 1, Form::value, "", {}, kRules58},
    {"nvidia_smi", "query/remapped_rows.histogram.high", 1, Form::value, "", {}, kRules58},
    {"nvidia_smi", "Remapped Rows/Bank Remap Availability Histogram/Partial", 1, Form::value, "", {}, kRules59},
    {"nvidia_smi", "query/remapped_rows.histogram.partial", 1, Form::value, "", {}, kRules59},
    {"nvidia_smi", "Remapped Rows/Bank Remap Availability Histogram/Low", 1, Form::value, "", {}, kRules60},
    {"nvidia_smi", "query/remapped_rows.histogram.low", 1, Form::value, "", {}, kRules60},
    {"nvidia_smi", "Remapped Rows/Bank Remap Availability Histogram/None", 1, Form::value, "", {}, kRules61},
    {"nvidia_smi", "query/remapped_rows.histogram.none", 1, Form::value, "", {}, kRules61},
};
constexpr model::SourceName kSources43[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_RETIRED_SBE", 1, Form::value, "", {}, kRules54},
    {"dcgm_exporter", "DCGM_FI_DEV_RETIRED_DBE", 1, Form::value, "", {}, kRules53},
    {"dcgm_exporter", "DCGM_FI_DEV_RETIRED_PENDING", 1, Form::value, "", {}, kRules56},
    {"nvidia_smi_xml", "retired_pages/multiple_single_bit_retirement/retired_count", 1, Form::value, "", {}, kRules54},
    {"nvidia_smi_xml", "retired_pages/double_bit_retirement/retired_count", 1, Form::value, "", {}, kRules53},
    {"nvidia_smi_xml", "retired_pages/pending_retirement", 1, Form::value, "", {}, kRules56},
    {"nvidia_smi", "Retired Pages/Single Bit ECC", 1, Form::value, "", {}, kRules54},
    {"nvidia_smi", "query/retired_pages.single_bit_ecc.count", 1, Form::value, "", {}, kRules54},
    {"nvidia_smi", "Retired Pages/Double Bit ECC", 1, Form::value, "", {}, kRules53},
    {"nvidia_smi", "query/retired_pages.double_bit.count", 1, Form::value, "", {}, kRules53},
    {"nvidia_smi", "Retired Pages/Pending Page Blacklist", 1, Form::value, "", {}, kRules56},
    {"nvidia_smi", "query/retired_pages.pending", 1, Form::value, "", {}, kRules56},
};
constexpr model::MinuteColumn kMinute29[] = {{"gpu_minute", "faults", Fold::count, 0, {}, ""}};
constexpr model::SourceName kSources44[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_XID_ERRORS", 1, Form::value, "", {}, {}},
    {"dcgm_exporter", "DCGM_FI_DEV_XID_ERROR", 1, Form::value, "", {}, {}},
    {"ascend_npu_exporter", "npu_chip_info_error_code", 1, Form::value, "", {}, {}},
    {"cambricon", "mlu_last_xid_error", 1, Form::value, "", {}, {}},
    {"iluvatar", "ix_xid_errors", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute30[] = {{"gpu_minute", "fault_last_code", Fold::last, 0, {}, ""}};
constexpr model::AttributeRule kRules62[] = {{"slot", "1"}};
constexpr model::AttributeRule kRules63[] = {{"slot", "2"}};
constexpr model::AttributeRule kRules64[] = {{"slot", "3"}};
constexpr model::AttributeRule kRules65[] = {{"slot", "4"}};
constexpr model::AttributeRule kRules66[] = {{"slot", "5"}};
constexpr model::AttributeRule kRules67[] = {{"slot", "6"}};
constexpr model::AttributeRule kRules68[] = {{"slot", "7"}};
constexpr model::AttributeRule kRules69[] = {{"slot", "8"}};
constexpr model::AttributeRule kRules70[] = {{"slot", "9"}};
constexpr model::SourceName kSources45[] = {
    {"ascend_npu_exporter", "npu_chip_info_error_code_1", 1, Form::value, "", {}, kRules62},
    {"ascend_npu_exporter", "npu_chip_info_error_code_2", 1, Form::value, "", {}, kRules63},
    {"ascend_npu_exporter", "npu_chip_info_error_code_3", 1, Form::value, "", {}, kRules64},
    {"ascend_npu_exporter", "npu_chip_info_error_code_4", 1, Form::value, "", {}, kRules65},
    {"ascend_npu_exporter", "npu_chip_info_error_code_5", 1, Form::value, "", {}, kRules66},
    {"ascend_npu_exporter", "npu_chip_info_error_code_6", 1, Form::value, "", {}, kRules67},
    {"ascend_npu_exporter", "npu_chip_info_error_code_7", 1, Form::value, "", {}, kRules68},
    {"ascend_npu_exporter", "npu_chip_info_error_code_8", 1, Form::value, "", {}, kRules69},
    {"ascend_npu_exporter", "npu_chip_info_error_code_9", 1, Form::value, "", {}, kRules70},
};
constexpr model::SourceName kSources46[] = {
    {"dcgm_exporter", "DCGM_EXP_XID_ERRORS_COUNT", 1, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_afid_errors", 1, Form::value, "", {}, {}},
    {"cambricon", "mlu_xid_error", 1, Form::value, "", {}, {}},
    {"kunlunxin", "node_xpu_xidCount", 1, Form::value, "", {}, {}},
};
constexpr model::AttributeRule kRules71[] = {{"error.type", "crc_flit"}};
constexpr model::AttributeRule kRules72[] = {{"error.type", "crc_data"}};
constexpr model::AttributeRule kRules73[] = {{"error.type", "replay"}};
constexpr model::AttributeRule kRules74[] = {{"error.type", "recovery"}};
constexpr model::AttributeRule kRules75[] = {{"error.type", "crc"}, {"network.io.direction", "transmit"}};
constexpr model::AttributeRule kRules76[] = {{"error.type", "crc"}, {"network.io.direction", "receive"}};
constexpr model::AttributeRule kRules77[] = {{"error.type", "crc"}, {"gpu.link", "0"}};
constexpr model::AttributeRule kRules78[] = {{"error.type", "crc"}, {"gpu.link", "1"}};
constexpr model::AttributeRule kRules79[] = {{"error.type", "crc"}, {"gpu.link", "2"}};
constexpr model::AttributeRule kRules80[] = {{"error.type", "crc"}, {"gpu.link", "3"}};
constexpr model::AttributeRule kRules81[] = {{"error.type", "crc"}, {"gpu.link", "4"}};
constexpr model::AttributeRule kRules82[] = {{"error.type", "crc"}, {"gpu.link", "5"}};
constexpr model::AttributeRule kRules83[] = {{"error.type", "crc"}, {"gpu.link", "6"}};
constexpr model::AttributeRule kRules84[] = {{"error.type", "crc"}, {"gpu.link", "7"}};
constexpr model::AttributeRule kRules85[] = {{"error.type", "ecc_uncorrected"}};
constexpr model::SourceName kSources47[] = {
    {"dcgm_exporter", "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", 1, Form::value, "", {}, kRules71},
    {"dcgm_exporter", "DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL", 1, Form::value, "", {}, kRules72},
    {"dcgm_exporter", "DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", 1, Form::value, "", {}, kRules73},
    {"dcgm_exporter", "DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL", 1, Form::value, "", {}, kRules74},
    {"ascend_npu_exporter", "npu_chip_info_sio_crc_tx_err_cnt", 1, Form::value, "", {}, kRules75},
    {"ascend_npu_exporter", "npu_chip_info_sio_crc_rx_err_cnt", 1, Form::value, "", {}, kRules76},
    {"ascend_npu_exporter", "npu_chip_info_hccs_statistic_info_crc_err_cnt_0", 1, Form::value, "", {}, kRules77},
    {"ascend_npu_exporter", "npu_chip_info_hccs_statistic_info_crc_err_cnt_1", 1, Form::value, "", {}, kRules78},
    {"ascend_npu_exporter", "npu_chip_info_hccs_statistic_info_crc_err_cnt_2", 1, Form::value, "", {}, kRules79},
    {"ascend_npu_exporter", "npu_chip_info_hccs_statistic_info_crc_err_cnt_3", 1, Form::value, "", {}, kRules80},
    {"ascend_npu_exporter", "npu_chip_info_hccs_statistic_info_crc_err_cnt_4", 1, Form::value, "", {}, kRules81},
    {"ascend_npu_exporter", "npu_chip_info_hccs_statistic_info_crc_err_cnt_5", 1, Form::value, "", {}, kRules82},
    {"ascend_npu_exporter", "npu_chip_info_hccs_statistic_info_crc_err_cnt_6", 1, Form::value, "", {}, kRules83},
    {"ascend_npu_exporter", "npu_chip_info_hccs_statistic_info_crc_err_cnt_7", 1, Form::value, "", {}, kRules84},
    {"cambricon", "mlu_mlulink_err_ecc_double_total", 1, Form::value, "", {}, kRules85},
};
constexpr model::MinuteColumn kMinute31[] = {{"gpu_minute", "link_errors", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources48[] = {{"nvidia_smi", "nvlink/speed", 1, Form::value, "", {}, {}}};
constexpr model::SourceName kSources49[] = {
    {"ascend_npu_exporter", "npu_chip_info_process_info", 1048576, Form::value, "", {}, {}},
    {"cambricon", "mlu_process_physical_memory_used", 1, Form::value, "", {}, {}},
    {"iluvatar", "ix_process_info", 1048576, Form::value, "", {}, {}},
    {"hami", "hami_vgpu_memory_used_bytes", 1, Form::value, "", {}, {}},
    {"hami", "vGPU_device_memory_usage_in_bytes", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "processes/process_info/used_memory", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "Processes/Used GPU Memory", 1, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_compute_app_used_memory_bytes", 1, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources50[] = {
    {"cambricon", "mlu_process_ipu_utilization", 0.01, Form::value, "", {}, {}},
    {"hami", "hami_container_device_utilization_ratio", 0.01, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_process_cu_occupancy", 0.01, Form::value, "", {}, {}},
    {"coroot", "container_resources_gpu_usage_percent", 0.01, Form::value, "", {}, {}},
};
constexpr model::SourceName kSources51[] = {
    {"dcgm_exporter", "DCGM_EXP_GPU_HEALTH_STATUS", 1, Form::value, "", {}, {}},
    {"dcgm_exporter", "DCGM_FI_DEV_GPU_RECOVERY_ACTION", 1, Form::value, "", {}, {}},
    {"nvidia_gpu_exporter", "nvidia_smi_gpu_recovery_action", 1, Form::value, "", {}, {}},
    {"amd_exporter", "gpu_health", 1, Form::value, "", {}, {}},
    {"ascend_npu_exporter", "npu_chip_info_health_status", 1, Form::value, "", {}, {}},
    {"cambricon", "mlu_health", 1, Form::value, "", {}, {}},
    {"enflame", "enflame_gcu_health", 1, Form::value, "", {}, {}},
    {"nvidia_smi_xml", "gpu_recovery_action", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "GPU Recovery Action", 1, Form::value, "", {}, {}},
    {"nvidia_smi", "query/gpu_recovery_action", 1, Form::value, "", {}, {}},
};
constexpr std::string_view kPrefixes1[] = {"DCGM_FI_", "DCGM_EXP_"};
constexpr model::LabelRule kLabels1[] = {
    {"UUID", "hw.id"},
    {"uuid", "hw.id"},
    {"gpu_uuid", "hw.id"},
    {"modelName", "hw.model"},
    {"model_name", "hw.model"},
    {"Hostname", "host.name"},
    {"hostname", "host.name"},
    {"gpu", "gpu.index"},
    {"pci_bus_id", "pci.address"},
    {"GPU_I_ID", "gpu.mig.id"},
    {"GPU_I_PROFILE", "gpu.mig.profile"},
    {"exported_namespace", "k8s.namespace.name"},
    {"namespace", "k8s.namespace.name"},
    {"pod_namespace", "k8s.namespace.name"},
    {"exported_pod", "k8s.pod.name"},
    {"pod", "k8s.pod.name"},
    {"pod_name", "k8s.pod.name"},
    {"exported_container", "k8s.container.name"},
    {"container", "k8s.container.name"},
    {"container_name", "k8s.container.name"},
    {"pod_uid", "k8s.pod.uid"},
    {"DCGM_FI_DRIVER_VERSION", "hw.driver_version"},
    {"nvlink", "gpu.link"},
    {"hpc_job", "slurm.job.id"},
    {"vgpu", "gpu.vgpu"},
    {"clock_event", "reason"},
    {"xid", "code"},
};
constexpr double kBlanks3[] = {
    9.223372036854776e+18,
    9.223372036854776e+18,
    9.223372036854776e+18,
    9.223372036854776e+18,
    2147483632,
    2147483633,
    2147483634,
    2147483635,
    140737488355328,
    140737488355329,
    140737488355330,
    140737488355331,
};
constexpr std::string_view kPrefixes2[] = {"nvidia_smi_"};
constexpr model::LabelRule kLabels2[] = {
    {"uuid", "hw.id"},
    {"pid", "process.pid"},
    {"process_name", "process.executable.name"},
};
constexpr std::string_view kPrefixes3[] = {"gpu_", "pcie_", "amd_gpu_"};
constexpr model::LabelRule kLabels3[] = {
    {"gpu_uuid", "hw.id"},
    {"GPU_UUID", "hw.id"},
    {"card_model", "hw.model"},
    {"card_series", "hw.model"},
    {"hostname", "host.name"},
    {"gpu_id", "gpu.index"},
    {"gpu_partition_id", "gpu.mig.id"},
    {"gpu_compute_partition_type", "gpu.mig.profile"},
    {"serial_number", "hw.serial_number"},
    {"SERIAL_NUMBER", "hw.serial_number"},
    {"namespace", "k8s.namespace.name"},
    {"pod", "k8s.pod.name"},
    {"container", "k8s.container.name"},
    {"pod_uid", "k8s.pod.uid"},
    {"job_id", "slurm.job.id"},
    {"driver_version", "hw.driver_version"},
    {"kfd_process_id", "process.pid"},
};
constexpr model::AttributeRule kRules86[] = {{"amd_gpu_", "gpu_"}, {"amd_pcie_", "pcie_"}};
constexpr std::string_view kPrefixes4[] = {"npu_chip_info_"};
constexpr model::LabelRule kLabels4[] = {
    {"vdie_id", "hw.id"},
    {"id", "gpu.index"},
    {"npuID", "gpu.index"},
    {"model_name", "hw.model"},
    {"pcie_bus_info", "pci.address"},
    {"namespace", "k8s.namespace.name"},
    {"pod_name", "k8s.pod.name"},
    {"container_name", "k8s.container.name"},
    {"process_id", "process.pid"},
};
constexpr std::string_view kPrefixes5[] = {"mlu_"};
constexpr model::LabelRule kLabels5[] = {
    {"uuid", "hw.id"},
    {"mlu", "gpu.index"},
    {"model", "hw.model"},
    {"node", "host.name"},
    {"sn", "hw.serial_number"},
    {"driver", "hw.driver_version"},
    {"pid", "process.pid"},
    {"xid", "code"},
};
constexpr std::string_view kPrefixes6[] = {"dcu_"};
constexpr model::LabelRule kLabels6[] = {
    {"device_id", "hw.id"},
    {"minor_number", "gpu.index"},
    {"dcu_pod_namespace", "k8s.namespace.name"},
    {"dcu_pod_name", "k8s.pod.name"},
    {"container", "k8s.container.name"},
};
constexpr std::string_view kPrefixes7[] = {"mx_"};
constexpr model::LabelRule kLabels7[] = {
    {"uuid", "hw.id"},
    {"deviceId", "gpu.index"},
    {"Hostname", "host.name"},
    {"exported_namespace", "k8s.namespace.name"},
    {"exported_pod", "k8s.pod.name"},
    {"exported_container", "k8s.container.name"},
};
constexpr std::string_view kPrefixes8[] = {"ix_"};
constexpr model::LabelRule kLabels8[] = {
    {"uuid", "hw.id"},
    {"gpu", "gpu.index"},
    {"name", "hw.model"},
    {"node_name", "host.name"},
    {"namespace", "k8s.namespace.name"},
    {"pod", "k8s.pod.name"},
    {"container", "k8s.container.name"},
    {"process_pid", "process.pid"},
};
constexpr std::string_view kPrefixes9[] = {"mtgpu_"};
constexpr std::string_view kPrefixes10[] = {"node_xpu_"};
constexpr std::string_view kPrefixes11[] = {"enflame_gcu_"};
constexpr std::string_view kPrefixes12[] = {"hw_"};
constexpr model::LabelRule kLabels9[] = {
    {"hw_id", "hw.id"},
    {"hw_name", "hw.name"},
    {"hw_type", "hw.type"},
    {"hw_model", "hw.model"},
    {"hw_vendor", "hw.vendor"},
    {"hw_serial_number", "hw.serial_number"},
    {"hw_driver_version", "hw.driver_version"},
    {"hw_parent", "hw.parent"},
    {"hw_sensor_location", "hw.sensor_location"},
    {"hw_gpu_task", "hw.gpu.task"},
    {"error_type", "error.type"},
    {"network_io_direction", "network.io.direction"},
    {"pci_bdf", "pci.address"},
};
constexpr std::string_view kPrefixes13[] = {"hami_"};
constexpr model::LabelRule kLabels10[] = {
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
constexpr std::string_view kPrefixes14[] = {"node_resources_gpu_"};
constexpr model::LabelRule kLabels11[] = {{"gpu_uuid", "hw.id"}, {"gpu", "gpu.index"}};
constexpr model::Signal kSignals1[] = {
    {"gpu.utilization", "1", Kind::gauge, "gpu", "hw.gpu.utilization", kRules2, "share of time at least one kernel was resident; not efficiency", kSources1, kMinute1, 0, 1.01, true},
    {"gpu.sm.active", "1", Kind::gauge, "gpu", "", {}, "average share of SMs that had a warp", kSources2, kMinute2, 0, 1.01, true},
    {"gpu.sm.occupancy", "1", Kind::gauge, "gpu", "", {}, "resident warps / maximum warps", kSources3, kMinute3, 0, 1.01, true},
    {"gpu.tensor.active", "1", Kind::gauge, "gpu", "", {}, "share of cycles the tensor/matrix pipe was busy", kSources4, kMinute4, 0, 1.01, true},
    {"gpu.vector.active", "1", Kind::gauge, "gpu", "", {}, "share of cycles the vector (CUDA core) pipes were busy, by pipe (attribute gpu.pipe = fp64, fp32, fp16, int)", kSources5, {}, 0, 1.01, true},
    {"gpu.memory.bandwidth.utilization", "1", Kind::gauge, "gpu", "", {}, "share of the theoretical device memory bandwidth in use", kSources6, kMinute5, 0, 1.01, true},
    {"gpu.memory.controller.active", "1", Kind::gauge, "gpu", "", {}, "share of time memory was read or written (coarse)", kSources7, kMinute6, 0, 1.01, true},
    {"gpu.memory.used", "By", Kind::gauge, "gpu", "hw.gpu.memory.usage", {}, "device memory in use, without what the driver reserves", kSources8, kMinute7, 0, 1.8446744073709552e+19},
    {"gpu.memory.total", "By", Kind::gauge, "gpu", "hw.gpu.memory.limit", {}, "device memory installed", kSources9, kMinute8, 0, 1.8446744073709552e+19},
    {"gpu.memory.free", "By", Kind::gauge, "gpu", "", {}, "device memory free", kSources10, kMinute9, 0, 1.8446744073709552e+19},
    {"gpu.memory.utilization", "1", Kind::gauge, "gpu", "hw.gpu.memory.utilization", {}, "share of the device memory that is in use", kSources11, {}, 0, 1.01, true},
    {"gpu.memory.reserved", "By", Kind::gauge, "gpu", "", {}, "device memory the driver keeps for itself", kSources12, kMinute10, 0, 1.8446744073709552e+19},
    {"gpu.link.io", "By", Kind::counter, "gpu", "hw.gpu.io", kRules11, "bytes over the links between GPUs (NVLink, xGMI, HCCS, MLU-Link)", kSources13, kMinute11, 0, 1.8446744073709552e+19},
    {"gpu.link.peer.io", "By", Kind::counter, "gpu", "", {}, "bytes sent to one neighbour over xGMI (attribute gpu.link = number of the neighbour)", kSources14, {}, 0, 1.8446744073709552e+19},
    {"gpu.pcie.io", "By", Kind::counter, "gpu", "hw.gpu.io", kRules24, "bytes over PCIe as the device sees them (device to host is transmit)", kSources15, kMinute12, 0, 1.8446744073709552e+19},
    {"gpu.pcie.replays", "{replay}", Kind::counter, "gpu", "", {}, "PCIe packets sent again: a bad slot, riser or cable", kSources16, kMinute13, 0, model::kFinite},
    {"gpu.pcie.link.generation", "{generation}", Kind::gauge, "gpu", "", {}, "PCIe generation the link runs at now (an idle device goes down to save power)", kSources17, kMinute14},
    {"gpu.pcie.link.generation.max", "{generation}", Kind::gauge, "gpu", "", {}, "PCIe generation that device and slot can run at", kSources18, kMinute15},
    {"gpu.pcie.link.width", "{lane}", Kind::gauge, "gpu", "", {}, "PCIe lanes in use", kSources19, kMinute16},
    {"gpu.pcie.link.width.max", "{lane}", Kind::gauge, "gpu", "", {}, "PCIe lanes that device and slot have", kSources20, kMinute17},
    {"gpu.network.io", "By", Kind::counter, "gpu", "", {}, "bytes over the network interface on the package (Ascend RoCE, Gaudi)", kSources21, {}, 0, 1.8446744073709552e+19},
    {"gpu.temperature", "Cel", Kind::gauge, "gpu", "hw.temperature", kRules25, "temperature of the chip", kSources22, kMinute18, -60, 300},
    {"gpu.memory.temperature", "Cel", Kind::gauge, "gpu", "hw.temperature", kRules30, "temperature of the device memory", kSources23, kMinute19, -60, 300},
    {"gpu.power", "W", Kind::gauge, "gpu", "hw.power", kRules31, "electrical power drawn by the board", kSources24, kMinute20, 0, 100000},
    {"gpu.power.limit", "W", Kind::gauge, "gpu", "hw.power.limit", kRules31, "power limit in force", kSources25, kMinute21, 0, 100000},
    {"gpu.power.limit.default", "W", Kind::gauge, "gpu", "", {}, "power limit of the board as it was made", kSources26, {}, 0, 100000},
    {"gpu.power.limit.max", "W", Kind::gauge, "gpu", "", {}, "highest power limit that can be set", kSources27, {}, 0, 100000},
    {"gpu.energy", "J", Kind::counter, "gpu", "hw.energy", kRules31, "energy used since the driver was loaded", kSources28, kMinute22, 0, model::kFinite},
    {"gpu.clock.core", "Hz", Kind::gauge, "gpu", "", {}, "clock of the compute units", kSources29, kMinute23, 0, 100000000000},
    {"gpu.clock.core.max", "Hz", Kind::gauge, "gpu", "", {}, "highest clock of the compute units", kSources30, {}, 0, 100000000000},
    {"gpu.clock.memory", "Hz", Kind::gauge, "gpu", "", {}, "clock of the device memory", kSources31, kMinute24, 0, 100000000000},
    {"gpu.encoder.utilization", "1", Kind::gauge, "gpu", "", {}, "share of time the video encoder was busy", kSources32, {}, 0, 1.01, true},
    {"gpu.decoder.utilization", "1", Kind::gauge, "gpu", "", {}, "share of time the video decoder was busy", kSources33, {}, 0, 1.01, true},
    {"gpu.throttle.active", "1", Kind::gauge, "gpu", "", {}, "1 while a reason holds the clocks down (attribute reason)", kSources34, kMinute25},
    {"gpu.throttle.recent", "{event}", Kind::gauge, "gpu", "", {}, "clock limits within the window the exporter looks back, by reason", kSources35, {}},
    {"gpu.throttle.events", "{event}", Kind::counter, "gpu", "", {}, "how often a limit held the clocks down (attribute reason)", kSources36, {}, 0, model::kFinite},
    {"gpu.throttle.time", "s", Kind::counter, "gpu", "", {}, "time during which a limit held the clocks down (attribute reason; thermal only where sw_thermal and hw_thermal are not told apart)", kSources37, kMinute26, 0, 1000000000000},
    {"gpu.throttle.ratio", "1", Kind::gauge, "gpu", "", {}, "share of time a limit held the clocks down (attribute reason)", kSources38, {}, 0, 1.01, true},
    {"gpu.ecc.errors", "{error}", Kind::counter, "gpu", "hw.errors", kRules52, "memory errors since the driver was loaded (attribute error.type = corrected, uncorrected)", kSources39, kMinute27, 0, model::kFinite},
    {"gpu.ecc.errors.lifetime", "{error}", Kind::counter, "gpu", "", {}, "memory errors over the life of the board (attribute error.type)", kSources40, {}, 0, model::kFinite},
    {"gpu.row_remap", "{row}", Kind::gauge, "gpu", "", {}, "rows of device memory replaced by spare ones (attribute kind = corrected, uncorrected) or 1 while a replacement is pending or has failed", kSources41, kMinute28},
    {"gpu.row_remap.banks", "{bank}", Kind::gauge, "gpu", "", {}, "banks of device memory by how many spare rows are left (attribute level = max, high, partial, low, none)", kSources42, {}},
    {"gpu.retired_pages", "{page}", Kind::gauge, "gpu", "", {}, "pages of device memory taken out of use, before Ampere (attribute kind = corrected, uncorrected), or 1 while some wait for it (pending)", kSources43, {}},
    {"gpu.fault.event", "{event}", Kind::event, "gpu", "", {}, "a fault the vendor gives a code to (NVIDIA Xid, SXid, AMD AFID, Ascend code); attributes code and action", {}, kMinute29},
    {"gpu.driver.error", "{event}", Kind::event, "node", "", {}, "the GPU driver or nvidia-peermem reported an error that names no device (attributes code and action)", {}, {}},
    {"gpu.fault.last_code", "1", Kind::gauge, "gpu", "", {}, "code of the last fault; stays until the next one, so the same fault twice is one", kSources44, kMinute30},
    {"gpu.fault.code", "1", Kind::gauge, "gpu", "", {}, "codes of further faults that stand beside the last one (attribute slot)", kSources45, {}},
    {"gpu.fault.recent", "{event}", Kind::gauge, "gpu", "", {}, "faults within the window the exporter looks back, by code (attribute code)", kSources46, {}},
    {"gpu.link.errors", "{error}", Kind::counter, "gpu", "", {}, "errors on the links between GPUs (attribute error.type)", kSources47, kMinute31, 0, model::kFinite},
    {"gpu.link.active", "{link}", Kind::gauge, "gpu", "", {}, "links between GPUs that are up", {}, {}},
    {"gpu.link.count", "{link}", Kind::gauge, "gpu", "", {}, "links between GPUs that the device has", {}, {}},
    {"gpu.link.speed", "By/s", Kind::gauge, "gpu", "", {}, "what a link between GPUs can carry in one direction (attribute gpu.link)", kSources48, {}, 0, 10000000000000000},
    {"gpu.process.memory", "By", Kind::gauge, "gpu", "", {}, "device memory held by one process or container", kSources49, {}, 0, 1.8446744073709552e+19},
    {"gpu.process.utilization", "1", Kind::gauge, "gpu", "", {}, "share of the device one process or container used", kSources50, {}, 0, 1.01, true},
    {"gpu.health", "1", Kind::gauge, "gpu", "hw.status", kRules31, "the vendor's own verdict; its scale is the vendor's (attribute hw.vendor), NVIDIA: 0 = no recovery action needed", kSources51, {}},
    {"change.driver", "{event}", Kind::event, "gpu", "", {}, "driver or firmware of a device changed", {}, {}},
};
constexpr model::Adapter kAdapters1[] = {
    {"dcgm_exporter", kPrefixes1, {}, kLabels1, "nvidia", kBlanks3},
    {"nvidia_gpu_exporter", kPrefixes2, {}, kLabels2, "nvidia", {}},
    {"nvidia_smi_xml", {}, {}, {}, "nvidia", {}},
    {"nvidia_smi", {}, {}, {}, "nvidia", {}},
    {"rocm_smi", {}, {}, {}, "amd", {}},
    {"amd_exporter", kPrefixes3, kRules86, kLabels3, "amd", {}},
    {"ascend_npu_exporter", kPrefixes4, {}, kLabels4, "huawei", {}},
    {"cambricon", kPrefixes5, {}, kLabels5, "cambricon", {}},
    {"hygon", kPrefixes6, {}, kLabels6, "hygon", {}},
    {"metax", kPrefixes7, {}, kLabels7, "metax", {}},
    {"iluvatar", kPrefixes8, {}, kLabels8, "iluvatar", {}},
    {"mthreads", kPrefixes9, {}, {}, "mthreads", {}},
    {"kunlunxin", kPrefixes10, {}, {}, "kunlunxin", {}},
    {"enflame", kPrefixes11, {}, {}, "enflame", {}},
    {"intel_xpumd", kPrefixes12, {}, kLabels9, "intel", {}},
    {"hami", kPrefixes13, {}, kLabels10, "", {}},
    {"coroot", kPrefixes14, {}, kLabels11, "", {}},
};

constexpr model::Catalog kCatalog = {"l1_gpu", "GPU hardware",
                                     "Is the GPU healthy, and is it computing?",
                                     kSignals1, kAdapters1};

}  // namespace

const model::Catalog& catalog() { return kCatalog; }

}  // namespace strata::l1_gpu
