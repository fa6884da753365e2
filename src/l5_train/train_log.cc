// SPDX-License-Identifier: Apache-2.0
// The reader of a growing log: lines to steps, steps to samples and events, and the report of the
// whole.
#include <algorithm>
#include <cmath>
#include <vector>

#include "base/hash.h"
#include "l5_train/lines.h"

namespace strata::l5_train {
namespace {

using base::Json;
using std::string_view;

constexpr std::size_t kMaxLine = 1u << 20;
constexpr std::size_t kMaxKept =
    1u << 20;  // step times kept for the median; then every second is forgotten

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

struct Kept {
  std::vector<double> values;
  void push(double v) {
    if (values.size() >= kMaxKept) {
      for (std::size_t i = 0; i * 2 < values.size(); ++i) values[i] = values[i * 2];
      values.resize(values.size() / 2);
    }
    values.push_back(v);
  }
  Json median() const { return values.empty() ? Json() : Json(Median(values)); }
};

}  // namespace

struct TrainLogReader::State {
  LogOptions options;
  std::string tail;
  bool skipping = false;  // the rest of a line that was too long
  LineState lines;
  std::string framework;
  std::uint64_t steps = 0, checkpoints = 0, restarts = 0, skipped = 0, nonfinite_loss = 0,
                nonfinite_grad = 0;
  std::optional<std::int64_t> first_step, last_step, checkpoint_step;
  std::optional<double> first_loss, last_loss, tokens;
  Kept durations, flops, mfu;
  std::int64_t last_ts = 0;

  model::Attributes Labels(const wire::Context& context) const {
    model::Attributes out;
    const string_view job =
        context.resource != nullptr ? context.resource->get("train.job") : string_view();
    out.set("train.job", !options.job.empty() ? string_view(options.job)
                         : !job.empty()       ? job
                                              : "train");
    if (!framework.empty()) out.set("framework", framework);
    return out;
  }

  // The line's own time where it may count, else the clock. Never the same moment twice: a series
  // has one value a moment.
  std::int64_t Time(std::int64_t line_ns, const wire::Context& context) {
    std::int64_t ts =
        options.own_times && line_ns > 0 ? line_ns + context.shift_ns : context.now_ns;
    if (context.max_ahead_ns > 0 && ts > context.now_ns + context.max_ahead_ns) ts = context.now_ns;
    if (ts <= last_ts) ts = last_ts + 1000;
    return last_ts = ts;
  }

  void Put(string_view name, string_view unit, model::Kind kind, double value, std::int64_t ts,
           const model::Attributes& labels, const wire::Context& context, model::Batch* batch) {
    std::uint64_t key = base::Mix(base::Hash64("train-log"), base::Hash64(name));
    key = base::Mix(labels.hash(key), base::Hash64(context.origin));
    if (context.resource != nullptr) key = context.resource->hash(key);
    const auto* targets = context.namer->find(key);
    if (targets == nullptr) {
      model::Attributes resource =
          context.resource != nullptr ? *context.resource : model::Attributes();
      if (!context.origin.empty()) resource.set("strata.origin", context.origin);
      model::RawMetric raw;
      raw.name = name;
      raw.unit = unit;
      raw.kind = kind;
      raw.temporality =
          kind == model::Kind::counter ? model::Temporality::cumulative : model::Temporality::none;
      raw.attributes = &labels;
      raw.resource = &resource;
      raw.source = "l5_train:log";
      targets = &context.namer->Resolve(key, raw, &batch->refused);
      context.namer->take_fresh(&batch->series);
    }
    for (const model::Target& target : *targets) {
      double out = 0;
      if (model::Namer::Apply(target, value, &out, &batch->refused))
        batch->samples.push(target.series, ts, 0, out);
    }
  }

  void Happened(string_view event, std::string message, string_view severity, std::int64_t ts,
                const wire::Context& context, model::Attributes more, model::Batch* batch) {
    model::Event e;
    e.ts = ts;
    e.layer = "l5_train";
    e.event = event;
    e.entity_type = "job";
    e.attributes = Labels(context);
    e.entity = e.attributes.get("train.job");
    for (const auto& [k, v] : more) e.attributes.set(k, v);
    e.severity = severity;
    e.message = std::move(message);
    e.source = "l5_train:log";
    e.origin = context.origin;
    batch->events.push_back(std::move(e));
  }

  void Line(string_view line, const wire::Context& context, model::Batch* batch,
            TrainLogReader* reader) {
    while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (const std::size_t bar = line.rfind('\r'); bar != string_view::npos)
      line.remove_prefix(bar + 1);  // a progress bar
    if (line.empty()) return;
    if (const auto step = ParseStep(line, &lines)) {
      reader->Take(*step, context, batch);
      return;
    }
    std::optional<double> seconds;
    std::optional<std::int64_t> step;
    const Mark mark = ParseMark(line, &seconds, &step);
    if (mark != Mark::none) Marked(mark, seconds, step, context, batch);
  }

  void Marked(Mark mark, std::optional<double> seconds, std::optional<std::int64_t> step,
              const wire::Context& context, model::Batch* batch) {
    const std::int64_t ts = Time(0, context);
    model::Attributes more;
    if (step) more.set("step", std::to_string(*step));
    const bool saved = mark == Mark::checkpoint_saved;
    if (seconds && std::isfinite(*seconds)) {
      Put(saved ? "train.checkpoint.save.duration" : "train.checkpoint.restore.duration", "s",
          model::Kind::gauge, *seconds, ts, Labels(context), context, batch);
    }
    if (saved) {
      if (step && checkpoint_step == step) return;  // announced before it was written
      checkpoint_step = step;
      ++checkpoints;
      Happened("train.checkpoint",
               step ? "checkpoint at step " + std::to_string(*step) : "checkpoint saved", "info",
               ts, context, more, batch);
    } else if (!step || *step > 0) {
      ++restarts;
      last_step.reset();  // the steps that follow may be earlier ones
      Happened("train.restart", "continued from a checkpoint", "warning", ts, context, more, batch);
    }
  }
};

TrainLogReader::TrainLogReader(LogOptions options) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
}
TrainLogReader::~TrainLogReader() = default;
TrainLogReader::TrainLogReader(TrainLogReader&&) noexcept = default;

void TrainLogReader::Feed(string_view chunk, const wire::Context& context, model::Batch* batch) {
  State& s = *state_;
  while (!chunk.empty()) {
    const std::size_t end = chunk.find('\n');
    const string_view part = chunk.substr(0, end);
    chunk.remove_prefix(end == string_view::npos ? chunk.size() : end + 1);
    const bool whole = end != string_view::npos;
    if (s.skipping) {
      s.skipping = !whole;
      continue;
    }
    if (s.tail.size() + part.size() > kMaxLine) {
      batch->refused.add(base::Reason::oversize, 1, "a line of more than 1 MiB");
      s.tail.clear();
      s.skipping = !whole;
      continue;
    }
    if (!whole) {
      s.tail.append(part);
    } else if (s.tail.empty()) {
      s.Line(part, context, batch, this);
    } else {
      s.tail.append(part);
      s.Line(s.tail, context, batch, this);
      s.tail.clear();
    }
  }
}

void TrainLogReader::Finish(const wire::Context& context, model::Batch* batch) {
  const std::string last = std::move(state_->tail);
  state_->tail.clear();
  if (!last.empty()) state_->Line(last, context, batch, this);
}

void TrainLogReader::Take(const Step& step, const wire::Context& context, model::Batch* batch) {
  State& s = *state_;
  if (s.framework.empty()) s.framework = step.framework;
  if (step.step && s.last_step == step.step) return;  // the same step from another rank
  const std::int64_t ts = s.Time(step.ts_ns, context);
  if (step.step && s.last_step && *step.step < *s.last_step) {
    ++s.restarts;
    s.Happened("train.restart",
               "step " + std::to_string(*step.step) + " after step " + std::to_string(*s.last_step),
               "warning", ts, context, {{"step", std::to_string(*step.step)}}, batch);
  }
  const bool first = s.steps++ == 0;
  if (step.step && !s.first_step) s.first_step = step.step;
  if (step.step) s.last_step = step.step;
  const model::Attributes labels = s.Labels(context);
  const auto put = [&](string_view name, string_view unit, const std::optional<double>& value) {
    if (value && std::isfinite(*value))
      s.Put(name, unit, model::Kind::gauge, *value, ts, labels, context, batch);
  };
  const auto count = [&](string_view name, string_view unit, double value,
                         const model::Attributes& with) {
    s.Put(name, unit, model::Kind::counter, value, ts, with, context, batch);
  };
  put("train.step.duration", "s", step.duration_s);
  put("train.loss", "1", step.loss);
  put("train.grad_norm", "1", step.grad_norm);
  put("train.flops", "FLOP/s", step.flops);
  put("train.mfu", "1", step.mfu);
  if (step.duration_s && std::isfinite(*step.duration_s)) s.durations.push(*step.duration_s);
  if (step.flops && std::isfinite(*step.flops)) s.flops.push(*step.flops);
  if (step.mfu && std::isfinite(*step.mfu)) s.mfu.push(*step.mfu);
  if (step.loss) {
    if (!s.first_loss) s.first_loss = step.loss;
    s.last_loss = step.loss;
  }
  if (step.tokens && std::isfinite(*step.tokens)) {
    s.tokens = step.tokens;
    count("train.tokens", "{token}", *step.tokens, labels);
  }
  s.skipped += step.skipped;
  // Counters stand from the first step on, so that their first rise is one.
  if (first || step.skipped > 0)
    count("train.skipped_steps", "{step}", static_cast<double>(s.skipped), labels);
  const std::uint64_t bad_loss = step.nonfinite > 0                        ? step.nonfinite
                                 : step.loss && !std::isfinite(*step.loss) ? 1
                                                                           : 0;
  const std::uint64_t bad_grad = step.grad_norm && !std::isfinite(*step.grad_norm) ? 1 : 0;
  s.nonfinite_loss += bad_loss;
  s.nonfinite_grad += bad_grad;
  for (const auto& [what, more, total] : {std::tuple("loss", bad_loss, s.nonfinite_loss),
                                          std::tuple("grad", bad_grad, s.nonfinite_grad)}) {
    if (!first && more == 0) continue;
    model::Attributes with = labels;
    with.set("what", what);
    count("train.nonfinite", "{event}", static_cast<double>(total), with);
  }
}

std::uint64_t TrainLogReader::steps() const { return state_->steps; }

Json TrainLogReader::report() const {
  const State& s = *state_;
  const auto number = [](const auto& v) { return v ? Json(*v) : Json(); };
  Json out = Json::MakeObject();
  out.set("layer", "l5_train").set("report", "training");
  out.set("framework", s.framework.empty() ? Json() : Json(s.framework)).set("steps", s.steps);
  out.set("first_step", number(s.first_step)).set("last_step", number(s.last_step));
  out.set("first_loss", number(s.first_loss)).set("last_loss", number(s.last_loss));
  out.set("step_s_median", s.durations.median()).set("tokens", number(s.tokens));
  out.set("mfu", s.mfu.median()).set("flops", s.flops.median());
  out.set("nonfinite", s.nonfinite_loss + s.nonfinite_grad).set("skipped_steps", s.skipped);
  out.set("checkpoints", s.checkpoints).set("restarts", s.restarts);
  return out;
}

bool LooksTrainLog(string_view text) {
  if (text.substr(0, 65536).find("\"log_history\"") != string_view::npos) return true;
  LineState state;
  std::size_t looked = 0;
  while (!text.empty() && looked++ < 20'000) {
    const std::size_t end = text.find('\n');
    if (ParseStep(text.substr(0, end), &state)) return true;
    text.remove_prefix(end == string_view::npos ? text.size() : end + 1);
  }
  return false;
}

namespace {

// Python writes NaN and Infinity, which are no JSON: as text they are read like the rest.
std::string QuoteNonFinite(string_view text) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
    string_view word;
    if (!quoted) {
      for (const string_view w : {"-Infinity", "Infinity", "NaN"}) {
        if (text.substr(i).starts_with(w)) {
          word = w;
          break;
        }
      }
    }
    if (word.empty()) {
      out.push_back(text[i]);
      continue;
    }
    out.append("\"").append(word).append("\"");
    i += word.size() - 1;
  }
  return out;
}

// trainer_state.json: the records of log_history that have a loss.
base::Status ReadTrainerState(string_view text, const wire::Context& context, model::Batch* batch,
                              TrainLogReader* reader) {
  ASSIGN_OR_RETURN(const Json state, base::ParseJson(QuoteNonFinite(text)));
  const auto number = [](const Json& v) -> std::optional<double> {
    if (v.is_number()) return v.as_double();
    return v.is_string() ? LeadingNumber(v.as_string()) : std::nullopt;
  };
  for (const Json& record : state["log_history"].array()) {
    if (!number(record["loss"])) continue;
    Step step;
    step.framework = "hf-trainer";
    step.loss = number(record["loss"]);
    step.grad_norm = number(record["grad_norm"]);
    step.tokens = number(record["num_input_tokens_seen"]);
    if (record["step"].is_int()) step.step = record["step"].as_int();
    reader->Take(step, context, batch);
  }
  return base::Status::Ok();
}

}  // namespace

base::Result<bool> ReadTrainLog(const base::InputFile& file, const wire::Context& context,
                                model::Batch* batch, Json* report) {
  std::string job = file.name.substr(file.name.find_last_of("/!") + 1);
  job = job.substr(0, job.find('.'));
  TrainLogReader reader({.job = context.resource != nullptr && context.resource->has("train.job")
                                    ? std::string()
                                    : job});
  const std::size_t at = file.bytes.find_first_not_of(" \t\r\n");
  const bool json = at != std::string::npos && file.bytes[at] == '{' &&
                    file.bytes.find("\"log_history\"") != std::string::npos;
  if (json) {
    if (base::Status status = ReadTrainerState(file.bytes, context, batch, &reader); !status.ok())
      return status.With(file.name);
  } else {
    reader.Feed(file.bytes, context, batch);
    reader.Finish(context, batch);
  }
  if (reader.steps() == 0) return base::Invalid(file.name + ": no line of a training step in it");
  if (report != nullptr) *report = reader.report();
  return true;
}

}  // namespace strata::l5_train
