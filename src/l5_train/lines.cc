// SPDX-License-Identifier: Apache-2.0
// Line profiles. Megatron's key set varies with flags, so its line is read as `key: value` between
// bars; the others have few words. A line is looked at only by profiles whose mark it bears.
#include "l5_train/lines.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "base/clock.h"

namespace strata::l5_train {
namespace {

using std::string_view;

string_view Trim(string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  return text;
}

std::optional<std::int64_t> LeadingInteger(string_view text) {
  text = Trim(text);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < 0) return std::nullopt;
  return value;
}

// What follows `word` in the line; nothing when it does not stand there.
std::optional<string_view> After(string_view line, string_view word) {
  const std::size_t at = line.find(word);
  if (at == string_view::npos) return std::nullopt;
  return line.substr(at + word.size());
}

std::optional<double> NumberAfter(string_view line, string_view word) {
  const auto rest = After(line, word);
  return rest ? LeadingNumber(*rest) : std::nullopt;
}

bool IsDigits(string_view text) {
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return !text.empty();
}

// "2023-11-29 08:50:46" or with T, fractions after '.' or ','; anywhere in the first part of a
// line. As UTC.
std::int64_t LineTime(string_view line) {
  const string_view head = line.substr(0, 80);
  for (std::size_t i = 0; i + 19 <= head.size(); ++i) {
    const string_view t = head.substr(i, 19);
    if (t[4] != '-' || t[7] != '-' || (t[10] != ' ' && t[10] != 'T') || t[13] != ':' ||
        t[16] != ':')
      continue;
    if (!IsDigits(t.substr(0, 4)) || !IsDigits(t.substr(5, 2)) || !IsDigits(t.substr(8, 2)) ||
        !IsDigits(t.substr(11, 2)))
      continue;
    std::string text(t);
    text[10] = 'T';
    std::size_t end = i + 19;
    if (end + 1 < head.size() && (head[end] == '.' || head[end] == ',') &&
        IsDigits(head.substr(end + 1, 1))) {
      std::size_t stop = end + 1;
      while (stop < head.size() && stop < end + 10 && IsDigits(head.substr(stop, 1))) ++stop;
      text += "." + std::string(head.substr(end + 1, stop - end - 1));
    }
    const auto ns = base::ParseTime(text + "Z", 0);
    return ns.ok() && *ns > 0 ? *ns : 0;
  }
  return 0;
}

std::uint64_t Count(double value) {
  return std::isfinite(value) && value > 0 && value < 1e15 ? static_cast<std::uint64_t>(value) : 0;
}

// ` iteration  N/ M | key: value | …`
std::optional<Step> Megatron(string_view line, LineState* state) {
  const auto rest = After(line, "iteration ");
  if (!rest || line.find('|') == string_view::npos) return std::nullopt;
  const std::size_t slash = rest->find('/'), bar = rest->find('|');
  if (slash == string_view::npos || bar == string_view::npos || slash > bar) return std::nullopt;
  Step step;
  step.framework = "megatron";
  step.step = LeadingInteger(rest->substr(0, slash));
  if (!step.step || !LeadingInteger(rest->substr(slash + 1))) return std::nullopt;
  std::optional<double> samples, seqlen;
  bool any = false;
  for (string_view fields = rest->substr(bar + 1); !fields.empty();) {
    const std::size_t end = fields.find('|');
    const string_view field = fields.substr(0, end);
    fields.remove_prefix(end == string_view::npos ? fields.size() : end + 1);
    const std::size_t colon = field.rfind(':');
    if (colon == string_view::npos) continue;
    const string_view key = Trim(field.substr(0, colon));
    const auto value = LeadingNumber(field.substr(colon + 1));
    if (!value) continue;
    any = true;
    if (key.starts_with("elapsed time per iteration"))
      step.duration_s = *value / 1000;
    else if (key == "lm loss" || key == "lm-loss" || key == "loss")
      step.loss = value;
    else if (key == "grad norm")
      step.grad_norm = value;
    else if (key == "number of skipped iterations")
      step.skipped = Count(*value);
    else if (key == "number of nan iterations")
      step.nonfinite = Count(*value);
    else if (key == "consumed tokens")
      step.tokens = value;
    else if (key == "consumed samples")
      samples = value;
    else if (key == "actual seqlen")
      seqlen = value;
    else if (key == "TFLOPs" || key.starts_with("throughput per GPU"))
      step.flops = *value * 1e12;
  }
  if (!any) return std::nullopt;
  if (!seqlen && state->sequence_length > 0) seqlen = state->sequence_length;
  if (!step.tokens && samples && seqlen) step.tokens = *samples * *seqlen;
  return step;
}

// `seq_length ...... 2048` of Megatron's printed arguments.
void Arguments(string_view line, LineState* state) {
  const auto rest = After(line, " seq_length ..");
  if (!rest) return;
  const std::size_t at = rest->find_first_not_of(". ");
  if (at == string_view::npos) return;
  if (const auto value = LeadingNumber(rest->substr(at)); value && *value > 0)
    state->sequence_length = *value;
}

// torchtitan: `step: 10  loss: 7.1  grad_norm: 1.2  memory: …  tps: 1,234  tflops: 12.3 mfu: 1.2%`,
// with colours.
std::optional<Step> Titan(string_view coloured) {
  std::string line;
  for (std::size_t i = 0; i < coloured.size(); ++i) {
    if (coloured[i] != '\x1b') {
      line.push_back(coloured[i]);
      continue;
    }
    while (i < coloured.size() && coloured[i] != 'm') ++i;
  }
  const auto at = After(line, "step: ");
  if (!at || line.find("loss: ") == std::string::npos || line.find("tps: ") == std::string::npos)
    return std::nullopt;
  Step step;
  step.framework = "torchtitan";
  step.step = LeadingInteger(*at);
  if (!step.step) return std::nullopt;
  step.loss = NumberAfter(line, " loss: ");
  step.grad_norm = NumberAfter(line, "grad_norm: ");
  if (const auto tflops = NumberAfter(line, "tflops: ")) step.flops = *tflops * 1e12;
  if (const auto mfu = NumberAfter(line, "mfu: ")) step.mfu = *mfu / 100;
  return step;
}

// nanoGPT: `iter 10: loss 3.21, time 123.45ms, mfu 12.34%`. The first lines say -100 %: not
// measured.
std::optional<Step> NanoGpt(string_view line) {
  if (!line.starts_with("iter ")) return std::nullopt;
  Step step;
  step.framework = "nanogpt";
  step.step = LeadingInteger(line.substr(5));
  step.loss = NumberAfter(line, ": loss ");
  if (!step.step || !step.loss) return std::nullopt;
  if (const auto ms = NumberAfter(line, "time ")) step.duration_s = *ms / 1000;
  if (const auto mfu = NumberAfter(line, "mfu "); mfu && *mfu >= 0) step.mfu = *mfu / 100;
  return step;
}

// modded-nanoGPT: `step:2/5100 train_loss:9.52 train_time:60535ms step_avg:nanms`; a step's time is
// the growth of train_time, which stands still during validation.
std::optional<Step> Modded(string_view line, LineState* state) {
  if (!line.starts_with("step:")) return std::nullopt;
  const auto loss = NumberAfter(line, " train_loss:");
  const auto number = LeadingInteger(line.substr(5));
  if (!loss || !number) return std::nullopt;
  Step step;
  step.framework = "modded-nanogpt";
  step.step = number;
  step.loss = loss;
  const auto ms = NumberAfter(line, " train_time:");
  if (ms && state->train_ms && state->train_ms_step == *number - 1 && *ms >= *state->train_ms) {
    step.duration_s = (*ms - *state->train_ms) / 1000;
  }
  state->train_ms = ms;
  state->train_ms_step = number;
  return step;
}

// llm.c's main.log: `s:0 trl:11.0091 lr:0.000001 norm:15.37`; its output: `step 1/100 | loss 11.0
// (+nanz)| norm 15 … | 12 ms | …`.
std::optional<Step> LlmC(string_view line) {
  Step step;
  step.framework = "llm.c";
  if (line.starts_with("s:")) {
    step.step = LeadingInteger(line.substr(2));
    step.loss = NumberAfter(line, " trl:");
    step.grad_norm = NumberAfter(line, " norm:");
    return step.step && step.loss ? std::optional(step) : std::nullopt;
  }
  if (!line.starts_with("step ") || line.find("| loss ") == string_view::npos) return std::nullopt;
  step.step = LeadingInteger(line.substr(5));
  step.loss = NumberAfter(line, "| loss ");
  step.grad_norm = NumberAfter(line, "| norm ");
  if (!step.step || !step.loss) return std::nullopt;
  for (string_view fields = line; !fields.empty();) {
    const std::size_t end = fields.find('|');
    const string_view field = Trim(fields.substr(0, end));
    fields.remove_prefix(end == string_view::npos ? fields.size() : end + 1);
    const auto value = LeadingNumber(field);
    if (value && field.ends_with(" ms")) step.duration_s = *value / 1000;
    if (value && field.ends_with("MFU") && *value >= 0) step.mfu = *value / 100;
  }
  return step;
}

}  // namespace

std::optional<double> LeadingNumber(string_view text) {
  text = Trim(text);
  std::string digits;
  for (const char c : text) {
    if (c == ',' && !digits.empty() && std::isdigit(static_cast<unsigned char>(digits.back())) &&
        digits.find('.') == std::string::npos)
      continue;
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '+' && c != '-' && c != '.') break;
    digits.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  string_view word = digits;
  const bool minus = word.starts_with('-');
  if (minus || word.starts_with('+')) word.remove_prefix(1);
  if (word.starts_with("nan")) return std::numeric_limits<double>::quiet_NaN();
  if (word.starts_with("inf"))
    return minus ? -std::numeric_limits<double>::infinity()
                 : std::numeric_limits<double>::infinity();
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end == word.data()) return std::nullopt;
  return minus ? -value : value;
}

std::optional<Step> ParseTrainerDict(string_view line) {
  line = Trim(line);
  if (!line.starts_with('{') || !line.ends_with('}') || line.find("'loss'") == string_view::npos)
    return std::nullopt;
  Step step;
  step.framework = "hf-trainer";
  const auto value = [&](string_view key) -> std::optional<double> {
    const auto rest = After(line, "'" + std::string(key) + "':");
    if (!rest) return std::nullopt;
    const string_view text = Trim(*rest);
    return LeadingNumber(text.starts_with('\'') ? text.substr(1) : text);
  };
  step.loss = value("loss");
  if (!step.loss) return std::nullopt;
  step.grad_norm = value("grad_norm");
  step.tokens = value("num_input_tokens_seen");
  if (const auto number = value("step"); number && *number >= 0 && *number < 9e15)
    step.step = static_cast<std::int64_t>(*number);
  return step;
}

std::optional<Step> ParseStep(string_view line, LineState* state) {
  std::optional<Step> step;
  if (line.find("iteration ") != string_view::npos) step = Megatron(line, state);
  if (!step && line.starts_with("step:")) step = Modded(line, state);
  if (!step && (line.starts_with("s:") || line.starts_with("step "))) step = LlmC(line);
  if (!step && line.find("tps: ") != string_view::npos) step = Titan(line);
  if (!step && line.starts_with("iter ")) step = NanoGpt(line);
  if (!step && line.find("{'") != string_view::npos) step = ParseTrainerDict(line);
  if (!step) {
    Arguments(line, state);
    return step;
  }
  step->ts_ns = LineTime(line);
  return step;
}

Mark ParseMark(string_view line, std::optional<double>* seconds,
               std::optional<std::int64_t>* step) {
  // Megatron says "saving" before and "successfully saved" after; older ones only the first, so a
  // reader counts a step once.
  if (const auto rest = After(line, "saving checkpoint at iteration "); rest) {
    *step = LeadingInteger(*rest);
    return Mark::checkpoint_saved;
  }
  if (const auto rest = After(line, "successfully saved checkpoint at iteration "); rest) {
    *step = LeadingInteger(*rest);
    return Mark::checkpoint_saved;
  }
  if (const auto rest = After(line, "Saving model checkpoint to ");
      rest) {  // HF Trainer: …/checkpoint-500
    if (const std::size_t at = rest->rfind("checkpoint-"); at != string_view::npos)
      *step = LeadingInteger(rest->substr(at + 11));
    return Mark::checkpoint_saved;
  }
  if (const auto rest = After(line, "Finished saving the checkpoint"); rest) {  // torchtitan
    *seconds = NumberAfter(*rest, " in ");
    return Mark::checkpoint_saved;
  }
  if (line.find("successfully loaded checkpoint") != string_view::npos) {
    if (const auto rest = After(line, "at iteration "); rest) *step = LeadingInteger(*rest);
    return Mark::checkpoint_loaded;
  }
  if (line.find("Finished loading the checkpoint") != string_view::npos) {
    *seconds = NumberAfter(line, " in ");
    return Mark::checkpoint_loaded;
  }
  return Mark::none;
}

}  // namespace strata::l5_train
