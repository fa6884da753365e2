// SPDX-License-Identifier: Apache-2.0
// One line of a training log, by framework. Internal to the room; pure but for what earlier lines
// told.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "l5_train/l5_train.h"

namespace strata::l5_train {

struct LineState {
  double sequence_length = 0;      // from the printed arguments; 0 = not told
  std::optional<double> train_ms;  // modded-nanoGPT: running time at the last train line
  std::optional<std::int64_t> train_ms_step;
};

std::optional<Step> ParseStep(std::string_view line, LineState* state);

enum class Mark { none, checkpoint_saved, checkpoint_loaded };
// A line that tells of a checkpoint; `seconds` and `step` where it tells them.
Mark ParseMark(std::string_view line, std::optional<double>* seconds,
               std::optional<std::int64_t>* step);

// `{'loss': '4.7', 'epoch': 0.1}` of Python as a step; no dictionary of a Trainer: nothing.
std::optional<Step> ParseTrainerDict(std::string_view line);

// Number at the start of the text, also nan and inf in any case, thousands separated by commas.
std::optional<double> LeadingNumber(std::string_view text);

}  // namespace strata::l5_train
