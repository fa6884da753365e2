// SPDX-License-Identifier: Apache-2.0
// What the kernel's log says of devices and of deaths: Xids and SXids, devices off the bus, errors
// of nvidia-peermem, crashes inside a library, kills for memory. Every line that reports one is one
// event; lines that only carry its details are none. A device is known by its PCI address in such
// a log; its UUID is learned from the log or asked for. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/json.h"
#include "base/status.h"
#include "l1_gpu/log_line.h"
#include "wire/decode.h"

namespace strata::l1_gpu {

// "0000:18:00", "00000000:18:00.0", "18:00.0" -> "0000:18:00.0", lower case; "" when it is no PCI
// address.
std::string PciAddress(std::string_view text);

struct KernelLogOptions {
  std::string node;          // host.name of the events; "" = as the log says, else not told
  std::int64_t boot_ns = 0;  // wall time that seconds since boot count from; 0 = not known: the
                             // record is taken to be of now
  std::function<std::string(const std::string& pci)> uuid_of;  // "" = not known
};

struct KernelLogFacts {
  std::uint64_t lines = 0;                   // that are not empty
  std::map<int, std::uint64_t> xids, sxids;  // events by code
  std::uint64_t off_bus = 0;                 // of Xid 79: those where no Xid was printed
  std::uint64_t oom_kills = 0, crashes = 0, driver_errors = 0;
};

class KernelLog {
 public:
  explicit KernelLog(KernelLogOptions options) : options_(std::move(options)) {}

  // Whole lines. Events go to batch->events, with context's shift, origin and limit ahead.
  void Feed(std::string_view lines, const wire::Context& context, model::Batch* batch);
  void TakeLine(const LogLine& line, const wire::Context& context, model::Batch* batch);
  const KernelLogFacts& facts() const { return facts_; }

 private:
  struct Out {  // where the events of one line go
    const LogLine* line;
    const wire::Context* context;
    model::Batch* batch;
    std::int64_t ts = 0;
  };
  struct Loss {
    std::int64_t ts = 0;
    bool by_xid = false;  // else by the sentence alone
  };
  bool TakeXid(std::string_view text, const Out& out);
  // Is this the second report of a loss that is counted already?
  bool SameLoss(const std::string& pci, bool by_xid, std::int64_t ts);
  bool TakeSxid(std::string_view text, const Out& out);
  bool TakeFabricManager(std::string_view text, const Out& out);
  bool TakeOffBus(std::string_view text, const Out& out);
  bool TakePeermem(std::string_view text, const Out& out);
  bool TakeKill(std::string_view text, const Out& out);
  bool TakeCrash(std::string_view text, const Out& out);
  void Learn(std::string_view text);
  void Sxid(int code, bool fatal, std::string_view pci, std::string_view link,
            std::string_view text, const Out& out, std::string_view source = "kmsg");
  void PutOffBus(const std::string& pci, std::string_view text, const Out& out);
  void Device(const std::string& pci, model::Event* event) const;
  void Put(model::Event event, const Out& out);
  std::int64_t TimeOf(const LogLine& line, std::int64_t now_ns) const;

  KernelLogOptions options_;
  KernelLogFacts facts_;
  std::map<std::string, std::string> uuids_;      // by address, as the log told
  std::map<std::string, Loss> lost_;              // devices said to be off the bus
  std::map<std::uint64_t, std::string> cgroups_;  // of processes about to be killed, by pid
  std::string announced_;  // address of "The NVIDIA GPU …", whose sentence ends on another line
  std::uint64_t line_ = 0;
};

// ---- `strata read`: true = read, false = not of this kind
bool LooksKernelLog(std::string_view head);
base::Result<bool> ReadKernelLog(const base::InputFile& file, const wire::Context& context,
                                 model::Batch* batch, base::Json* report);

}  // namespace strata::l1_gpu
