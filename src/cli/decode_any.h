// SPDX-License-Identifier: Apache-2.0
// One decoder for everything that a file or a world may hold, by kind or by content. The list of
// kinds is here.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/status.h"
#include "wire/decode.h"

namespace strata::l2_comm {
class KinetoTraces;
}
namespace strata::l5_train {
class TrainLogReader;
}

namespace strata::cli {

// What one file came to.
struct FileFacts {
  std::string kind;
  std::uint64_t samples = 0;  // sample lines or points read; histograms' parts count
  base::Json report;          // whole-file result, null when the kind has none
};

class DecodeAny {
 public:
  DecodeAny();
  ~DecodeAny();
  // A piece of a stream of this kind (worlds, followed files): prom, otlp, otlp-metrics,
  // otlp-traces, otlp-logs, nccl-inspector, train-log, kmsg.
  base::Status Decode(std::string_view kind, std::string_view body, const wire::Context& context,
                      model::Batch* batch);
  // A whole file; kind "" = by content.
  base::Status DecodeFile(std::string_view kind, const base::InputFile& file,
                          const wire::Context& context, model::Batch* batch, FileFacts* facts);
  // Whether this kind is read as a stream, so that it may be larger than what can be held.
  static bool Streams(std::string_view kind, base::InputStream* stream);
  // The same as DecodeFile, of a stream.
  base::Status DecodeStream(std::string_view kind, base::InputStream* stream,
                            const wire::Context& context, model::Batch* batch, FileFacts* facts);
  // After the last file of a path: what only all of them together tell. Its report, or null.
  base::Json Close(const wire::Context& context, model::Batch* batch);
  // The kind that reads this file whole: `kind` itself, or by content; "" = none of those.
  static std::string_view WholeFileKind(std::string_view kind, const base::InputFile& file);
  static const std::vector<std::string>& kinds();

 private:
  std::map<std::string, std::unique_ptr<l5_train::TrainLogReader>> logs_;  // by resource
  std::unique_ptr<l2_comm::KinetoTraces> traces_;
};

}  // namespace strata::cli
