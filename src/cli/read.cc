// SPDX-License-Identifier: Apache-2.0
// strata read: files offline, through the decoders that the server and the agent use.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/decode_any.h"
#include "cli/proc_archive.h"
#include "l2_comm/flight_recorder.h"
#include "l2_comm/l2_comm.h"
#include "l3_host/l3_host.h"
#include "l7_genai/l7_genai.h"
#include "server/server.h"

namespace strata::cli {
namespace {

using base::Json;
using base::Status;

const char* KindName(model::Kind kind) {
  static constexpr const char* kNames[] = {"gauge", "counter", "histogram", "state", "event"};
  return kNames[static_cast<int>(kind)];
}

Json AttributesJson(const model::Attributes& attributes) {
  Json j = Json::MakeObject();
  for (const auto& [k, v] : attributes) j.set(k, v);
  return j;
}

Json EntityJson(const std::string& type, const std::string& id) {
  if (type.empty() && id.empty()) return Json();
  Json j;
  j.set("type", type).set("id", id);
  return j;
}

Json MeasurementJson(const model::Series& s, std::int64_t ts) {
  Json j;
  j.set("layer", s.layer)
      .set("signal", s.signal)
      .set("unit", s.unit)
      .set("kind", KindName(s.kind))
      .set("value", Json());
  j.set("time", base::FormatTime(ts)).set("entity", EntityJson(s.entity_type, s.entity));
  j.set("attributes", AttributesJson(s.attributes)).set("source", s.source);
  return j;
}

Json HistogramJson(const model::Series& s, const model::Histogram& h) {
  Json bounds = Json::MakeArray(), counts = Json::MakeArray();
  for (const double b : h.bounds) bounds.push(b);
  for (const std::uint64_t c : h.counts) counts.push(c);
  Json body;
  body.set("count", h.count)
      .set("sum", h.sum)
      .set("bounds", std::move(bounds))
      .set("counts", std::move(counts));
  if (h.exponential) {
    body.set("scale", h.scale)
        .set("positive_offset", h.positive_offset)
        .set("zero_count", h.zero_count);
  }
  Json j = MeasurementJson(s, h.ts);
  Json out;
  for (const auto& [k, v] : j.object()) {
    if (k == "value") {
      out.set("histogram", std::move(body));
    } else {
      out.set(k, v);
    }
  }
  return out;
}

Json EventJson(const model::Event& e) {
  Json j;
  j.set("layer", e.layer)
      .set("event", e.event)
      .set("time", base::FormatTime(e.ts))
      .set("entity", EntityJson(e.entity_type, e.entity));
  j.set("severity", e.severity)
      .set("message", e.message)
      .set("attributes", AttributesJson(e.attributes))
      .set("source", e.source);
  return j;
}

Json SpanJson(const model::Span& span) {
  Json j;
  const bool call = l7_genai::IsModelCall(span);
  j.set("layer", call ? "l7_genai" : "other")
      .set("span", span.name)
      .set("trace_id", span.trace_id)
      .set("span_id", span.span_id);
  j.set("parent_span_id", span.parent_span_id).set("kind", span.kind).set("service", span.service);
  j.set("time", base::FormatTime(span.start_ns))
      .set("duration_s", static_cast<double>(span.end_ns - span.start_ns) / 1e9);
  j.set("status", span.status).set("attributes", AttributesJson(span.attributes));
  if (!call) return j;
  const l7_genai::Call c = l7_genai::MakeCall(span);
  const auto number = [](const std::optional<double>& v) { return v ? Json(*v) : Json(); };
  Json call_json;
  call_json.set("kind", c.kind)
      .set("model", c.model)
      .set("provider", c.provider)
      .set("operation", c.operation)
      .set("status", c.status);
  call_json.set("finish_reason", c.finish_reason)
      .set("input_tokens", number(c.input_tokens))
      .set("cached_tokens", number(c.cached_tokens));
  call_json.set("output_tokens", number(c.output_tokens))
      .set("reasoning_tokens", number(c.reasoning_tokens));
  call_json.set("ttft_s", number(c.ttft_s)).set("e2e_s", number(c.e2e_s));
  j.set("call", std::move(call_json));
  return j;
}

Json CollectiveJson(const model::Collective& c) {
  Json j;
  j.set("layer", "l2_comm")
      .set("collective", c.operation)
      .set("communicator", c.communicator)
      .set("seq", c.seq)
      .set("rank", c.rank);
  j.set("nranks", c.nranks)
      .set("bytes", c.bytes)
      .set("time", base::FormatTime(c.start_ns))
      .set("duration_s", c.duration_s);
  j.set("busbw", c.busbw).set("state", c.done ? "done" : "open");
  return j;
}

struct Totals {
  std::uint64_t samples = 0, events = 0, spans = 0, collectives = 0;
  base::Refusals refused;
  bool failed = false;
};

class Printer {
 public:
  explicit Printer(bool json) : json_(json) {}

  void Print(const model::Batch& batch) {
    for (const model::Series& s : batch.series) series_[static_cast<std::uint64_t>(s.id)] = s;
    for (std::size_t i = 0; i < batch.samples.size(); ++i) {
      const model::Series& s = series_[static_cast<std::uint64_t>(batch.samples.series[i])];
      if (json_) {
        Json j = MeasurementJson(s, batch.samples.ts[i]);
        j.set("value", batch.samples.value[i]);
        Line(j);
      } else {
        Row(s, Shown(batch.samples.value[i], s.signal, s.unit));
      }
    }
    for (const model::Histogram& h : batch.histograms) {
      const model::Series& s = series_[static_cast<std::uint64_t>(h.series)];
      if (json_) {
        Line(HistogramJson(s, h));
      } else {
        Row(s, std::to_string(h.count) + " observations, mean " +
                   (h.count > 0 ? Shown(h.sum / static_cast<double>(h.count), s.signal, s.unit)
                                : "-"));
      }
    }
    for (const model::Event& e : batch.events) {
      if (json_)
        Line(EventJson(e));
      else
        std::printf("%-9s %-40s %s\n", e.layer.c_str(), e.event.c_str(), e.message.c_str());
    }
    for (const model::Span& span : batch.spans) {
      if (json_)
        Line(SpanJson(span));
      else
        std::printf("%-9s span %-35s %s\n", l7_genai::IsModelCall(span) ? "l7_genai" : "other",
                    span.name.c_str(), span.trace_id.c_str());
    }
    if (json_) {
      for (const model::Collective& c : batch.collectives) Line(CollectiveJson(c));
      for (const model::LogRecord& l : batch.logs) {
        Json j;
        j.set("layer", "other")
            .set("log", l.body)
            .set("time", base::FormatTime(l.ts))
            .set("severity", l.severity_text);
        j.set("attributes", AttributesJson(l.attributes));
        Line(j);
      }
    } else if (!batch.collectives.empty()) {
      std::printf("%-9s %zu collective records\n", "l2_comm", batch.collectives.size());
    }
  }

  void Line(const Json& json) {
    line_.clear();
    json.append_to(&line_);
    line_.push_back('\n');
    std::fwrite(line_.data(), 1, line_.size(), stdout);
  }

 private:
  void Row(const model::Series& s, const std::string& value) {
    std::printf("%-9s %-44s %16s  %s %s\n", s.layer.c_str(), s.signal.c_str(), value.c_str(),
                s.entity.empty() ? "" : (s.entity_type + ":" + s.entity).c_str(),
                Dim(s.attributes.text()).c_str());
  }

  bool json_;
  std::string line_;
  std::unordered_map<std::uint64_t, model::Series> series_;
};

wire::Context ContextOf(model::Namer* namer, std::int64_t now) {
  wire::Context context;
  context.namer = namer;
  context.now_ns = now;
  context.max_ahead_ns = 0;
  context.trusted = true;
  return context;
}

// The flight recorder dumps under one path, a file a rank, are one report. Beside them lie logs and
// notes: what nobody knows is passed over there, and an error elsewhere.
struct Dumps {
  std::unique_ptr<l2_comm::FlightRecorder> recorder;
  std::vector<Status> strangers;
  std::vector<std::string> stranger_names;
  std::vector<Status> bad;
  std::vector<std::string> lost;  // could not be read to their end

  static bool Takes(std::string_view kind, const base::InputFile& file) {
    return DecodeAny::WholeFileKind(kind, file) == "flight-recorder";
  }
  void Take(const base::InputFile& file, base::Refusals* refused) {
    if (!recorder) recorder = std::make_unique<l2_comm::FlightRecorder>();
    if (!l2_comm::LooksFlightRecorder(std::string_view(file.bytes).substr(0, 1u << 20))) {
      Stranger(file.name, base::Unsupported("no flight recorder dump").With(file.name));
    } else if (Status status = recorder->Add(file, refused); !status.ok()) {
      bad.push_back(std::move(status));
    }
  }
  void Stranger(const std::string& name, Status status) {
    strangers.push_back(std::move(status));
    stranger_names.push_back(name);
  }
  // False when nothing could be made of what was there.
  bool Finish(const wire::Context& context, model::Batch* batch, Json* report) {
    const bool read = recorder && recorder->ranks() > 0;
    if (read) {
      for (const std::string& name : lost) recorder->AddLost(name);
      for (const std::string& name : stranger_names) recorder->AddStranger(name);
      recorder->Finish(context, batch, report);
    }
    for (const Status& status : bad) Fail(status);
    for (const Status& status : strangers) {
      if (read)
        std::fprintf(stderr, "strata: %s: passed over\n", status.message().c_str());
      else
        Fail(status);
    }
    const bool ok = read || (bad.empty() && strangers.empty());
    *this = Dumps();
    return ok;
  }
};

bool HoldsProc(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path + "/proc/stat", error);
}

// A word that names no file: a kind with a slip in it, not a path.
bool LooksKind(const std::string& word) {
  std::error_code error;
  return word.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
             std::string::npos &&
         word != "-" && !std::filesystem::exists(word, error);
}

}  // namespace

int Read(const ReadOptions& options) {
  ReadOptions o = options;
  const auto& kinds = DecodeAny::kinds();
  if (o.paths.size() > 1 && std::find(kinds.begin(), kinds.end(), o.paths[0]) != kinds.end()) {
    o.kind = o.paths[0];
    o.paths.erase(o.paths.begin());
  } else if (o.paths.size() > 1 && LooksKind(o.paths[0])) {
    std::string known;
    for (const std::string& kind : kinds) known += (known.empty() ? "" : ", ") + kind;
    Fail(base::Invalid("unknown kind \"" + o.paths[0] + "\"; kinds are " + known));
    return 2;
  }
  std::int64_t now = base::Clock::system().now_ns();
  if (!o.time.empty()) {
    auto time = base::ParseTime(o.time, now);
    if (!time.ok()) return Fail(time.status()), 2;
    now = *time;
  }
  model::Namer namer(server::Layers());
  DecodeAny decode;
  Printer printer(o.json);
  Totals totals;
  const auto finish = [&](model::Batch* batch, const Json& report) {
    namer.take_fresh(&batch->series);
    printer.Print(*batch);
    totals.events += batch->events.size();
    totals.spans += batch->spans.size();
    totals.collectives += batch->collectives.size();
    totals.refused.merge(batch->refused);
    if (!report.is_null()) {
      if (o.json)
        printer.Line(report);
      else
        std::printf("%s\n", report.dump(2).c_str());
    }
  };
  Dumps dumps;
  const auto take = [&](base::InputStream& stream) {
    const wire::Context context = ContextOf(&namer, now);
    model::Batch batch;
    FileFacts facts;
    Status status;
    if (DecodeAny::Streams(o.kind, &stream)) {
      status = decode.DecodeStream(o.kind, &stream, context, &batch, &facts);
    } else if (auto bytes = stream.Rest(base::kMaxInput); !bytes.ok()) {
      status = bytes.status();
      dumps.lost.push_back(stream.name());
    } else {
      const base::InputFile file{stream.name(), std::move(*bytes)};
      if (dumps.Takes(o.kind, file)) {
        dumps.Take(file, &batch.refused);
        finish(&batch, Json());
        return Status::Ok();
      }
      status = decode.DecodeFile(o.kind, file, context, &batch, &facts);
    }
    if (!status.ok() && facts.kind.empty()) {
      dumps.Stranger(stream.name(), status.With(stream.name()));
    } else if (!status.ok()) {
      Fail(status.With(stream.name()));
      totals.failed = true;
    }
    totals.samples += facts.samples;
    finish(&batch, facts.report);
    return Status::Ok();
  };
  for (const std::string& path : o.paths) {
    const auto archived = o.kind == "proc" || o.kind.empty() ? ProcArchive::Find(path) : nullptr;
    if (archived || o.kind == "proc" || (o.kind.empty() && HoldsProc(path))) {
      model::Batch batch;
      Json report;
      Status status = archived ? archived->Unpack() : Status::Ok();
      if (status.ok())
        status = l3_host::ReadHost(archived ? archived->root() : path, now, namer, &batch, &report);
      if (!status.ok()) {
        Fail(status);
        totals.failed = true;
      }
      totals.samples += batch.samples.size();
      finish(&batch, report);
      continue;
    }
    const Status status = base::ForEachStream(path, take);
    if (!status.ok()) {
      Fail(status);
      totals.failed = true;
      dumps.lost.push_back(path);
    }
    const wire::Context context = ContextOf(&namer, now);
    model::Batch rest;
    Json report = decode.Close(context, &rest);
    finish(&rest, report);
    model::Batch dumped;
    report = Json();
    totals.failed |= !dumps.Finish(context, &dumped, &report);
    finish(&dumped, report);
  }
  std::fflush(stdout);
  const std::uint64_t refused =
      totals.refused.total() - totals.refused.count(base::Reason::content_removed);
  std::fprintf(stderr, "%llu samples, %llu events, %llu refused",
               static_cast<unsigned long long>(totals.samples),
               static_cast<unsigned long long>(totals.events),
               static_cast<unsigned long long>(refused));
  if (totals.spans > 0)
    std::fprintf(stderr, ", %llu spans", static_cast<unsigned long long>(totals.spans));
  if (totals.collectives > 0)
    std::fprintf(stderr, ", %llu collectives", static_cast<unsigned long long>(totals.collectives));
  std::fprintf(stderr, "\n");
  for (const auto& [reason, n] : totals.refused.counts()) {
    std::fprintf(stderr, "  %llu %s\n", static_cast<unsigned long long>(n),
                 std::string(base::reason_name(reason)).c_str());
  }
  if (!totals.refused.example().empty())
    std::fprintf(stderr, "  first: %s\n", totals.refused.example().c_str());
  return totals.failed ? 1 : refused > 0 ? 3 : 0;
}

}  // namespace strata::cli
