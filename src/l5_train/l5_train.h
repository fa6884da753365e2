// SPDX-License-Identifier: Apache-2.0
// The door of L5: how far a training job got with each step, and what held the step up. Reads what
// training programs print: Megatron-LM and Megatron-DeepSpeed, Hugging Face Trainer, torchtitan,
// nanoGPT, modded-nanoGPT, llm.c. A reader is owned by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/json.h"
#include "base/status.h"
#include "l5_train/catalog.gen.h"
#include "model/batch.h"
#include "wire/decode.h"

namespace strata::l5_train {

// One step as a line told it. NaN and infinities stand as they were printed.
struct Step {
  std::string_view framework;
  std::optional<std::int64_t> step;
  std::optional<double> loss, grad_norm;
  std::optional<double> duration_s;          // of one step, mean over the lines' interval
  std::optional<double> tokens;              // since the beginning of the run
  std::optional<double> flops;               // FLOP/s per GPU
  std::optional<double> mfu;                 // 0..1
  std::uint64_t skipped = 0, nonfinite = 0;  // in the interval, as counted by the program
  std::int64_t ts_ns = 0;                    // the line's own time, taken as UTC; 0 = none
};

struct LogOptions {
  std::string job;        // entity; "" = the resource's `train.job`, else "train"
  bool own_times = true;  // use times that stand in lines; a followed log takes the clock instead
};

// Reads a log as it grows. Samples and events go into the batch of each call; context.namer names
// them.
class TrainLogReader {
 public:
  explicit TrainLogReader(LogOptions options);
  ~TrainLogReader();
  TrainLogReader(TrainLogReader&&) noexcept;

  // Any cut of the bytes; a line that is not whole waits (at most 1 MiB, then it is dropped and
  // counted).
  void Feed(std::string_view chunk, const wire::Context& context, model::Batch* batch);
  void Finish(const wire::Context& context,
              model::Batch* batch);  // the last line, without an end of line
  void Take(const Step& step, const wire::Context& context, model::Batch* batch);

  std::uint64_t steps() const;
  // framework, steps (records), first_step, last_step, first_loss, last_loss, step_s_median,
  // tokens, mfu and flops (medians), nonfinite, skipped_steps, checkpoints, restarts. What the log
  // does not tell is null.
  base::Json report() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Give as much of the file as there is: frameworks print pages before their first step.
bool LooksTrainLog(std::string_view text);
// A log, or a trainer_state.json.
base::Result<bool> ReadTrainLog(const base::InputFile& file, const wire::Context& context,
                                model::Batch* batch, base::Json* report);

}  // namespace strata::l5_train
