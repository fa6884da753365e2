// SPDX-License-Identifier: Apache-2.0
// What vendors' command line tools print: nvidia-smi (-q -x, -q, its table, --query-gpu, nvlink -s)
// and rocm-smi (JSON). A reader brings the output into one shape, a device with readings by the
// tool's own names; which of them are signals stands in catalog.yaml, the rest is left out. "N/A"
// and its kin are absent, never 0. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/status.h"
#include "wire/decode.h"

namespace strata::l1_gpu {

// "69.85 W", "81559 MiB", "45 %", "(300Mhz)", "No", "Not Active" as a number in the unit of the
// catalog (W, By, 1, Hz, s, …). False when nothing was measured or it is no number.
bool ParseSmiValue(std::string_view text, double* value);

struct SmiProcess {
  std::uint64_t pid = 0;
  std::string name, type, memory;  // as printed
  std::string gpu_instance, compute_instance;
};

struct SmiDevice {
  std::int64_t index = -1;  // -1 = not told
  std::string uuid, model, pci, serial;
  std::string gpu_instance, compute_instance;                 // of a MIG device
  std::vector<std::pair<std::string, std::string>> readings;  // name, text
  std::vector<SmiProcess> processes;
  std::vector<SmiDevice> instances;  // MIG devices
};

struct SmiOutput {
  std::string_view adapter;         // of catalog.yaml
  std::string_view process_memory;  // the catalog's name for what a process holds
  std::int64_t ts_ns = 0;           // 0 = not told
  std::string format, driver, cuda;
  std::int64_t attached = -1;
  std::vector<SmiDevice> devices;
  // Does the catalog have a signal for this name? Others need not be kept.
  static bool Named(std::string_view adapter, std::string_view name);
};

// Samples of everything that has a value.
void PutSmi(const SmiOutput& output, const wire::Context& context, model::Batch* batch);
// {"layer", "report": "nvidia_smi" | "rocm_smi", …} of all outputs of one file.
base::Json SmiReport(std::string_view name, const std::vector<SmiOutput>& outputs);

// ---- `strata read`: true = read, false = not of this kind
bool LooksNvidiaSmiXml(std::string_view head);
base::Result<bool> ReadNvidiaSmiXml(const base::InputFile& file, const wire::Context& context,
                                    model::Batch* batch, base::Json* report);
bool LooksNvidiaSmi(std::string_view head);
base::Result<bool> ReadNvidiaSmi(const base::InputFile& file, const wire::Context& context,
                                 model::Batch* batch, base::Json* report);
bool LooksRocmSmi(std::string_view head);
base::Result<bool> ReadRocmSmi(const base::InputFile& file, const wire::Context& context,
                               model::Batch* batch, base::Json* report);

}  // namespace strata::l1_gpu
