// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l8_cost/price-book.yaml: edit that file.
#include "l8_cost/price_book.gen.h"

namespace strata::l8_cost {
namespace {

constexpr PriceRow kRows[] = {
    {"aws-a100-40", "aws", "us-east-1", "p4d.24xlarge", "A100-SXM4-40GB", "2.7447", "2026-11-09", "datareceipts public price file (hyperscalers.json / runpod.json), collected from provider price APIs", "high", "instance_share", "on_demand", ""},
    {"aws-a100-80", "aws", "us-east-1", "p4de.24xlarge", "A100-SXM4-80GB", "3.4309", "2026-11-09", "datareceipts public price file (hyperscalers.json / runpod.json), collected from provider price APIs", "high", "instance_share", "on_demand", ""},
    {"aws-h100", "aws", "us-east-1", "p5.48xlarge", "H100-SXM5-80GB", "6.88", "2026-11-09", "datareceipts public price file (hyperscalers.json / runpod.json), collected from provider price APIs", "high", "instance_share", "on_demand", ""},
    {"aws-h200", "aws", "us-east-2", "p5en.48xlarge", "H200-SXM-141GB", "7.912", "", "skypilot-org/skypilot-catalog v8 CSV", "low", "instance_share", "on_demand", ""},
    {"aws-b200", "aws", "us-east-1", "p6-b200.48xlarge", "B200-SXM-180GB", "14.2416", "", "skypilot-org/skypilot-catalog v8 CSV", "low", "instance_share", "on_demand", ""},
    {"aws-b300", "aws", "us-west-2", "p6-b300.48xlarge", "B300-SXM-288GB", "17.802", "", "skypilot-org/skypilot-catalog v8 CSV", "low", "instance_share", "on_demand", ""},
    {"aws-l4", "aws", "us-east-1", "g6.xlarge", "L4-24GB", "0.8048", "", "third-party price aggregation page", "medium", "instance_share", "on_demand", ""},
    {"aws-l40s", "aws", "us-east-1", "g6e.xlarge", "L40S-48GB", "1.861", "", "third-party price aggregation page", "medium", "instance_share", "on_demand", ""},
    {"az-h100", "azure", "eastus", "Standard_ND96isr_H100_v5", "H100-SXM5-80GB", "12.29", "2026-11-09", "datareceipts public price file (hyperscalers.json / runpod.json), collected from provider price APIs", "high", "instance_share", "on_demand", ""},
    {"az-h100nvl", "azure", "eastus", "Standard_NC40ads_H100_v5", "H100-NVL-94GB", "6.98", "2026-11-09", "datareceipts public price file (hyperscalers.json / runpod.json), collected from provider price APIs", "high", "instance_share", "on_demand", ""},
    {"az-a100-80", "azure", "eastus", "Standard_NC24ads_A100_v4", "A100-PCIE-80GB", "3.673", "2026-11-09", "datareceipts public price file (hyperscalers.json / runpod.json), collected from provider price APIs", "high", "instance_share", "on_demand", ""},
    {"az-a100-40", "azure", "eastus", "Standard_ND96asr_A100_v4", "A100-SXM4-40GB", "3.3996", "2026-11-09", "datareceipts public price file (hyperscalers.json / runpod.json), collected from provider price APIs", "high", "instance_share", "on_demand", ""},
    {"gcp-h200", "gcp", "us-central1", "a3-ultragpu-8g", "H200-SXM-141GB", "10.4365", "2026-10-13", "Hugging Face dataset tanod/cloud-gpu-list-prices", "medium", "instance_share", "on_demand", ""},
    {"gcp-h100", "gcp", "us-central1", "a3-highgpu-1g", "H100-SXM5-80GB", "10.9791", "2026-09-26", "silybench public price notes", "medium", "instance_share", "on_demand", ""},
    {"gcp-h100-spot", "gcp", "us-central1", "a3-highgpu-1g", "H100-SXM5-80GB", "6.571", "2026-09-26", "silybench public price notes", "low", "instance_share", "spot", ""},
    {"oci-a100-40", "oci", "", "BM.GPU4.8", "A100-SXM4-40GB", "3.05", "", "skypilot-org/skypilot-catalog v8 CSV", "medium", "instance_share", "on_demand", ""},
    {"oci-a100-80", "oci", "", "BM.GPU.A100-v2.8", "A100-SXM4-80GB", "4.00", "", "skypilot-org/skypilot-catalog v8 CSV", "medium", "instance_share", "on_demand", ""},
    {"oci-a10", "oci", "", "", "A10-24GB", "2.00", "", "skypilot-org/skypilot-catalog v8 CSV", "medium", "instance_share", "on_demand", ""},
    {"oci-h100", "oci", "", "BM.GPU.H100.8", "H100-SXM5-80GB", "10.00", "", "skypilot-org/skypilot-catalog v8 CSV", "medium", "instance_share", "on_demand", ""},
    {"oci-h200", "oci", "", "BM.GPU.H200.8", "H200-SXM-141GB", "10.00", "", "skypilot-org/skypilot-catalog v8 CSV", "medium", "instance_share", "on_demand", ""},
    {"oci-b200", "oci", "", "", "B200", "14.00", "", "skypilot-org/skypilot-catalog v8 CSV", "medium", "instance_share", "on_demand", ""},
    {"oci-b300", "oci", "", "", "B300", "15.00", "", "skypilot-org/skypilot-catalog v8 CSV", "medium", "instance_share", "on_demand", ""},
    {"oci-gb200", "oci", "", "", "GB200", "16.00", "", "skypilot-org/skypilot-catalog v8 CSV", "medium", "instance_share", "on_demand", ""},
    {"oci-gb300", "oci", "", "", "GB300", "18.00", "", "skypilot-org/skypilot-catalog v8 CSV", "medium", "instance_share", "on_demand", ""},
    {"oci-l40s", "oci", "", "", "L40S-48GB", "3.50", "", "skypilot-org/skypilot-catalog v8 CSV", "medium", "instance_share", "on_demand", ""},
    {"oci-rtx6000", "oci", "", "", "RTX-PRO-6000", "4.50", "", "skypilot-org/skypilot-catalog v8 CSV", "medium", "instance_share", "on_demand", ""},
    {"oci-mi300x", "oci", "", "BM.GPU.MI300X.8", "MI300X-192GB", "6.00", "", "skypilot-org/skypilot-catalog v8 CSV", "medium", "instance_share", "on_demand", ""},
    {"oci-mi355x", "oci", "", "", "MI355X-288GB", "8.60", "", "skypilot-org/skypilot-catalog v8 CSV", "medium", "instance_share", "on_demand", ""},
    {"lam-h100x8", "lambda", "", "gpu_8x_h100_sxm5", "H100-SXM5-80GB", "3.99", "2026-09-20", "api-evangelist provider profile", "medium", "instance_share", "on_demand", ""},
    {"lam-h100x1", "lambda", "", "gpu_1x_h100_sxm5", "H100-SXM5-80GB", "4.29", "2026-09-20", "api-evangelist provider profile", "medium", "instance_share", "on_demand", ""},
    {"lam-h100pcie", "lambda", "", "gpu_1x_h100_pcie", "H100-PCIE-80GB", "3.29", "2026-09-20", "api-evangelist provider profile", "medium", "instance_share", "on_demand", ""},
    {"lam-b200x8", "lambda", "", "gpu_8x_b200_sxm6", "B200-SXM-180GB", "6.69", "2026-09-20", "api-evangelist provider profile", "medium", "instance_share", "on_demand", ""},
    {"lam-b200x1", "lambda", "", "gpu_1x_b200_sxm6", "B200-SXM-180GB", "6.99", "2026-09-20", "api-evangelist provider profile", "medium", "instance_share", "on_demand", ""},
    {"lam-a100-80", "lambda", "", "", "A100-SXM4-80GB", "2.79", "2026-09-25", "silybench public price notes", "medium", "instance_share", "on_demand", ""},
    {"lam-a100-40", "lambda", "", "", "A100-SXM4-40GB", "1.99", "2026-09-25", "silybench public price notes", "medium", "instance_share", "on_demand", ""},
    {"rp-h100sxm", "runpod", "", "secure", "H100-SXM5-80GB", "3.99", "2026-11-09", "datareceipts public price file (hyperscalers.json / runpod.json), collected from provider price APIs", "medium", "instance_share", "on_demand", ""},
    {"rp-h100sxm-c", "runpod", "", "community", "H100-SXM5-80GB", "2.69", "2026-11-09", "datareceipts public price file (hyperscalers.json / runpod.json), collected from provider price APIs", "medium", "instance_share", "on_demand", ""},
    {"rp-h100pcie", "runpod", "", "secure", "H100-PCIE-80GB", "2.89", "2026-11-09", "datareceipts public price file (hyperscalers.json / runpod.json), collected from provider price APIs", "medium", "instance_share", "on_demand", ""},
    {"rp-h100nvl", "runpod", "", "secure", "H100-NVL-94GB", "3.19", "2026-11-09", "datareceipts public price file (hyperscalers.json / runpod.json), collected from provider price APIs", "medium", "instance_share", "on_demand", ""},
    {"rp-a100", "runpod", "", "secure", "A100-80GB", "1.79", "2026-11-09", "datareceipts public price file (hyperscalers.json / runpod.json), collected from provider price APIs", "low", "instance_share", "on_demand", ""},
    {"rp-b200", "runpod", "", "secure", "B200-SXM-180GB", "6.79", "2026-08-19", "third-party price aggregation page", "medium", "instance_share", "on_demand", ""},
    {"rp-b300", "runpod", "", "secure", "B300-SXM-288GB", "7.89", "2026-08-19", "third-party price aggregation page", "medium", "instance_share", "on_demand", ""},
    {"neb-h100-3", "nebius", "", "", "H100-SXM5-80GB", "4.50", "2026-10-24", "public posts on Nebius list-price changes", "medium", "instance_share", "on_demand", ""},
    {"neb-h100-2", "nebius", "", "", "H100-SXM5-80GB", "3.85", "2026-09-25", "public posts on Nebius list-price changes", "medium", "instance_share", "on_demand", "neb-h100-3"},
    {"neb-h200-2", "nebius", "", "", "H200-SXM-141GB", "5.40", "2026-10-24", "public posts on Nebius list-price changes", "low", "instance_share", "on_demand", ""},
    {"neb-b200", "nebius", "", "", "B200-SXM-180GB", "5.50", "", "skypilot-org/skypilot-catalog v8 CSV", "low", "instance_share", "on_demand", ""},
    {"neb-l40s", "nebius", "", "", "L40S-48GB", "1.5484", "", "skypilot-org/skypilot-catalog v8 CSV", "low", "instance_share", "on_demand", ""},
    {"hyp-h100", "hyperstack", "", "", "H100-SXM5-80GB", "3.20", "2026-08-26", "third-party price aggregation page", "medium", "instance_share", "on_demand", ""},
    {"hyp-h200", "hyperstack", "", "", "H200-SXM-141GB", "3.99", "2026-08-26", "third-party price aggregation page", "medium", "instance_share", "on_demand", ""},
    {"hyp-b200", "hyperstack", "", "", "B200-SXM-180GB", "6.00", "2026-08-26", "third-party price aggregation page", "medium", "instance_share", "on_demand", ""},
    {"hyp-b300", "hyperstack", "", "", "B300-SXM-288GB", "7.40", "2026-08-26", "third-party price aggregation page", "medium", "instance_share", "on_demand", ""},
    {"cw-h100", "coreweave", "", "", "H100-SXM5-80GB", "6.155", "2026-10-24", "third-party price aggregation page", "low", "instance_share", "on_demand", ""},
    {"cw-h200", "coreweave", "", "", "H200-SXM-141GB", "6.305", "2026-10-24", "third-party price aggregation page", "low", "instance_share", "on_demand", ""},
    {"ps-h100", "paperspace", "", "", "H100-80GB", "5.95", "", "third-party price aggregation page", "low", "instance_share", "on_demand", ""},
};

constexpr GpuAlias kAliases[] = {
    {"a100-sxm-80gb", "A100-SXM4-80GB"},
    {"a100-sxm4-40gb", "A100-SXM4-40GB"},
    {"amd instinct mi300x", "MI300X-192GB"},
    {"amd instinct mi300x oam", "MI300X-192GB"},
    {"amd instinct mi355x", "MI355X-288GB"},
    {"amd instinct mi355x oam", "MI355X-288GB"},
    {"nvidia a10", "A10-24GB"},
    {"nvidia a100 80gb pcie", "A100-PCIE-80GB"},
    {"nvidia a100-sxm-80gb", "A100-SXM4-80GB"},
    {"nvidia a100-sxm4-40gb", "A100-SXM4-40GB"},
    {"nvidia a100-sxm4-80gb", "A100-SXM4-80GB"},
    {"nvidia b200", "B200-SXM-180GB"},
    {"nvidia b200", "B200"},
    {"nvidia b300 sxm6 ac", "B300-SXM-288GB"},
    {"nvidia b300 sxm6 ac", "B300"},
    {"nvidia gb200", "GB200"},
    {"nvidia gb300", "GB300"},
    {"nvidia h100 80gb hbm3", "H100-SXM5-80GB"},
    {"nvidia h100 nvl", "H100-NVL-94GB"},
    {"nvidia h100 pcie", "H100-PCIE-80GB"},
    {"nvidia h200", "H200-SXM-141GB"},
    {"nvidia l4", "L4-24GB"},
    {"nvidia l40s", "L40S-48GB"},
    {"nvidia rtx pro 6000 blackwell server edition", "RTX-PRO-6000"},
};

}  // namespace

std::span<const PriceRow> price_rows() { return kRows; }
std::span<const GpuAlias> gpu_aliases() { return kAliases; }
std::string_view price_book_compiled() { return "2026-11-24"; }
int price_book_stale_after_days() { return 90; }

}  // namespace strata::l8_cost
