// SPDX-License-Identifier: Apache-2.0
#include "cli/decode_any.h"

#include <algorithm>
#include <cctype>

#include "base/hash.h"
#include "l1_gpu/l1_gpu.h"
#include "l2_comm/l2_comm.h"
#include "l4_sched/read.h"
#include "l5_train/l5_train.h"
#include "l7_genai/l7_genai.h"

namespace strata::cli {
namespace {

using base::Json;
using base::Result;
using base::Status;

// A kind that reads whole files: how it is recognised and who reads it.
struct FileKind {
  std::string_view name;
  bool (*looks)(std::string_view head);
  Result<bool> (*read)(const base::InputFile&, const wire::Context&, model::Batch*, Json*);
};

constexpr FileKind kFileKinds[] = {
    {"kmsg", l1_gpu::LooksKernelLog, l1_gpu::ReadKernelLog},
    {"nvidia-smi-xml", l1_gpu::LooksNvidiaSmiXml, l1_gpu::ReadNvidiaSmiXml},
    {"rocm-smi", l1_gpu::LooksRocmSmi, l1_gpu::ReadRocmSmi},
    {"sse", l7_genai::LooksStream, l7_genai::ReadStream},
    {"nccl-inspector", l2_comm::LooksInspector, l2_comm::ReadInspector},
    {"nccl-tests", l2_comm::LooksNcclTests, l2_comm::ReadNcclTests},
    {"flight-recorder", l2_comm::LooksFlightRecorder, l2_comm::ReadFlightRecorder},
    {"nccl-ras", l2_comm::LooksRas, l2_comm::ReadRas},
    {"train-log", l5_train::LooksTrainLog, l5_train::ReadTrainLog},
    // Training logs may hold its table: theirs is the first word.
    {"nvidia-smi", l1_gpu::LooksNvidiaSmi, l1_gpu::ReadNvidiaSmi},
    {"hami", l4_sched::LooksHami, l4_sched::ReadHami},
    {"pod-resources", l4_sched::LooksPodResources, l4_sched::ReadPodResources},
    {"kubelet-summary", l4_sched::LooksSummary, l4_sched::ReadSummary},
    {"kubelet-pods", l4_sched::LooksPods, l4_sched::ReadPods},
    {"slurm", l4_sched::LooksSlurm, l4_sched::ReadSlurm},
};

// Kinds of interface.md that a later issue brings.
constexpr std::string_view kLater[] = {"mllog", "prices"};

bool Contains(std::string_view text, std::string_view what) {
  return text.find(what) != std::string_view::npos;
}

// `name 1`, `name{label="x"} 1`; a number may be NaN or +Inf and a time may follow.
bool LooksSampleLine(std::string_view line) {
  const auto word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':';
  };
  std::size_t i = 0;
  while (i < line.size() && word(line[i])) ++i;
  // The format allows a colon at the end; no exporter has one there, and `rchar: 7` is /proc.
  if (i == 0 || i == line.size() || std::isdigit(static_cast<unsigned char>(line[0])) != 0 ||
      line[i - 1] == ':')
    return false;
  if (line[i] == '{') {
    const std::size_t close = line.rfind('}');
    if (close == std::string_view::npos || line.find("=\"", i) > close) return false;
    i = close + 1;
  }
  const std::size_t value = line.find_first_not_of(" \t", i);
  if (value == std::string_view::npos || value == i) return false;
  const std::string_view rest = line.substr(value);
  const std::string_view first = rest.substr(0, rest.find_first_of(" \t\r"));
  if (first == "NaN" || first == "+Inf" || first == "-Inf" || first == "Inf") return true;
  const std::size_t sign = first[0] == '+' || first[0] == '-' ? 1 : 0;
  return first.size() > sign && first.find_first_not_of("0123456789.eE+-", sign) == first.npos &&
         first.find_first_of("0123456789") != first.npos;
}

// A page that says so, or one whose first twenty lines mostly are samples: one line is no proof.
bool LooksProm(std::string_view text) {
  if (text.starts_with("# HELP ") || text.starts_with("# TYPE ") ||
      Contains(text.substr(0, 4096), "\n# TYPE "))
    return true;
  int lines = 0, samples = 0;
  while (!text.empty() && lines < 20) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty() || line[0] == '#') continue;
    ++lines;
    samples += LooksSampleLine(line) ? 1 : 0;
  }
  return samples * 2 > lines;
}

bool LooksOtlpJson(std::string_view text) {
  const std::string_view head = text.substr(0, 65536);
  for (const std::string_view key :
       {"\"resourceMetrics\"", "\"resourceSpans\"", "\"resourceLogs\"", "\"resource_metrics\"",
        "\"resource_spans\"", "\"resource_logs\""}) {
    if (Contains(head, key)) return true;
  }
  return false;
}

Status DecodeProm(const base::InputFile& file, const wire::Context& context, model::Batch* batch,
                  FileFacts* facts) {
  wire::TextFacts text;
  const bool openmetrics = file.bytes.ends_with("# EOF\n") || file.bytes.ends_with("# EOF");
  RETURN_IF_ERROR(wire::DecodePrometheusText(file.bytes, openmetrics, context, batch, &text));
  facts->samples = text.samples;
  return Status::Ok();
}

std::string_view HeadOf(const base::InputFile& file) {
  return std::string_view(file.bytes).substr(0, 1u << 20);
}

std::uint64_t Kept(const model::Batch& batch) {
  return batch.samples.size() + batch.histograms.size();
}

}  // namespace

DecodeAny::DecodeAny() : traces_(std::make_unique<l2_comm::KinetoTraces>()) {}
DecodeAny::~DecodeAny() = default;

Status DecodeAny::Decode(std::string_view kind, std::string_view body, const wire::Context& context,
                         model::Batch* batch) {
  if (kind == "prom") return wire::DecodePrometheusText(body, false, context, batch);
  if (kind == "otlp" || kind == "otlp-metrics" || kind == "otlp-traces" || kind == "otlp-logs")
    return wire::DecodeOtlpJson(body, context, batch);
  if (kind == "nccl-inspector") return l2_comm::DecodeInspector(body, context, batch);
  if (kind == "kmsg") {
    l1_gpu::KernelLog({}).Feed(body, context, batch);
    return Status::Ok();
  }
  if (kind == "train-log") {
    auto& reader = logs_[context.resource != nullptr ? context.resource->text() : std::string()];
    l5_train::LogOptions options;
    options.own_times = false;
    if (context.resource != nullptr) options.job = context.resource->get("job");
    if (!reader) reader = std::make_unique<l5_train::TrainLogReader>(options);
    reader->Feed(body, context, batch);
    return Status::Ok();
  }
  return base::Unsupported("kind \"" + std::string(kind) + "\"");
}

const std::vector<std::string>& DecodeAny::kinds() {
  static const std::vector<std::string> kinds = {"prom",
                                                 "otlp",
                                                 "nccl-inspector",
                                                 "nccl-tests",
                                                 "kineto",
                                                 "flight-recorder",
                                                 "nccl-ras",
                                                 "train-log",
                                                 "sse",
                                                 "proc",
                                                 "kmsg",
                                                 "nvidia-smi-xml",
                                                 "nvidia-smi",
                                                 "rocm-smi",
                                                 "mllog",
                                                 "kubelet-pods",
                                                 "kubelet-summary",
                                                 "pod-resources",
                                                 "slurm",
                                                 "hami",
                                                 "prices"};
  return kinds;
}

std::string_view DecodeAny::WholeFileKind(std::string_view kind, const base::InputFile& file) {
  for (const FileKind& k : kFileKinds) {
    if (kind == k.name || (kind.empty() && k.looks(HeadOf(file)))) return k.name;
  }
  return {};
}

Status DecodeAny::DecodeFile(std::string_view kind, const base::InputFile& file,
                             const wire::Context& context, model::Batch* batch, FileFacts* facts) {
  const std::uint64_t before = Kept(*batch);
  facts->kind = std::string(kind);
  if (std::find(std::begin(kLater), std::end(kLater), kind) != std::end(kLater)) {
    return base::Unsupported("kind \"" + std::string(kind) + "\" is not read yet");
  }
  const std::string_view head = HeadOf(file), whole = WholeFileKind(kind, file);
  for (const FileKind& k : kFileKinds) {
    if (whole != k.name) continue;
    facts->kind = std::string(k.name);
    auto read = k.read(file, context, batch, &facts->report);
    if (!read.ok()) return read.status();
    if (!*read) return base::Invalid("not of kind " + std::string(k.name));
    facts->samples = Kept(*batch) - before;
    return Status::Ok();
  }
  if (kind == "otlp" || (kind.empty() && LooksOtlpJson(head))) {
    facts->kind = "otlp";
    const Status status = wire::DecodeOtlpJson(file.bytes, context, batch);
    facts->samples = Kept(*batch) - before;
    if (status.ok()) return status;
    // Exports of other tools: ids in base64, enums as names, one span alone.
    if (!l7_genai::LooksSpans(head)) return status;
    return l7_genai::SpansFromJson(file.bytes, context, batch);
  }
  if (kind.empty() && l7_genai::LooksSpans(head)) {
    facts->kind = "otlp";
    return l7_genai::SpansFromJson(file.bytes, context, batch);
  }
  if (kind == "prom" || (kind.empty() && LooksProm(file.bytes))) {
    facts->kind = "prom";
    return DecodeProm(file, context, batch, facts);
  }
  if (!kind.empty())
    return base::Unsupported("kind \"" + std::string(kind) + "\" cannot be read from a file");
  return base::Unsupported("no known kind: say it, e.g. strata read prom FILE");
}

bool DecodeAny::Streams(std::string_view kind, base::InputStream* stream) {
  return kind == "kineto" || (kind.empty() && l2_comm::LooksKineto(stream->Peek(1u << 20)));
}

Status DecodeAny::DecodeStream(std::string_view kind, base::InputStream* stream,
                               const wire::Context& context, model::Batch* batch,
                               FileFacts* facts) {
  if (Streams(kind, stream)) {
    const std::uint64_t before = Kept(*batch);
    facts->kind = "kineto";
    RETURN_IF_ERROR(traces_->Read(stream, context, batch, &facts->report));
    facts->samples = Kept(*batch) - before;
    return Status::Ok();
  }
  base::InputFile file{stream->name(), {}};
  ASSIGN_OR_RETURN(file.bytes, stream->Rest(base::kMaxInput));
  return DecodeFile(kind, file, context, batch, facts);
}

Json DecodeAny::Close(const wire::Context& context, model::Batch* batch) {
  return traces_->Close(context, batch);
}

}  // namespace strata::cli
