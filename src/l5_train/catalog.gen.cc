// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l5_train/catalog.yaml: edit that file. Constant tables, any thread.
#include "l5_train/catalog.gen.h"

namespace strata::l5_train {
namespace {

using model::Fold;
using model::Form;
using model::Kind;

constexpr model::SourceName kSources1[] = {
    {"megatron", "megatron.training.step_duration_ms", 0.001, Form::value, "", {}, {}},
    {"megatron", "megatron_training_step_duration_ms", 0.001, Form::value, "", {}, {}},
    {"megatron", "megatron_training_step_duration_ms_milliseconds", 0.001, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute1[] = {
    {"job_minute", "step_p50_s", Fold::p50, 0, {}, ""},
    {"job_minute", "step_max_s", Fold::max, 0, {}, ""},
    {"job_minute", "step_mean_s", Fold::mean, 0, {}, ""},
    {"job_minute", "steps", Fold::count, 0, {}, ""},
};
constexpr model::SourceName kSources2[] = {
    {"megatron", "megatron.training.loss", 1, Form::value, "", {}, {}},
    {"megatron", "megatron_training_loss", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute2[] = {
    {"job_minute", "loss", Fold::mean, 0, {}, ""},
    {"job_minute", "loss_max", Fold::max, 0, {}, ""},
};
constexpr model::SourceName kSources3[] = {
    {"megatron", "megatron.training.grad_norm", 1, Form::value, "", {}, {}},
    {"megatron", "megatron_training_grad_norm", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute3[] = {
    {"job_minute", "grad_norm", Fold::mean, 0, {}, ""},
    {"job_minute", "grad_norm_max", Fold::max, 0, {}, ""},
};
constexpr model::MinuteColumn kMinute4[] = {{"job_minute", "mfu_ratio", Fold::mean, 0, {}, ""}};
constexpr model::MinuteColumn kMinute5[] = {{"job_minute", "hfu_ratio", Fold::mean, 0, {}, ""}};
constexpr model::SourceName kSources4[] = {
    {"megatron", "megatron.training.throughput_tflops", 1000000000000, Form::value, "", {}, {}},
    {"megatron", "megatron_training_throughput_tflops", 1000000000000, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute6[] = {{"job_minute", "flops", Fold::mean, 0, {}, ""}};
constexpr model::SourceName kSources5[] = {
    {"megatron", "megatron.training.tokens_per_sec", 1, Form::rate, "", {}, {}},
    {"megatron", "megatron_training_tokens_per_sec", 1, Form::rate, "", {}, {}},
};
constexpr model::MinuteColumn kMinute7[] = {{"job_minute", "tokens", Fold::increase, 0, {}, ""}};
constexpr model::SourceName kSources6[] = {
    {"megatron", "megatron.training.learning_rate", 1, Form::value, "", {}, {}},
    {"megatron", "megatron_training_learning_rate", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute8[] = {{"job_minute", "learning_rate", Fold::last, 0, {}, ""}};
constexpr model::SourceName kSources7[] = {
    {"megatron", "megatron.training.memory_allocated_gb", 1000000000, Form::value, "", {}, {}},
    {"megatron", "megatron_training_memory_allocated_gb", 1000000000, Form::value, "", {}, {}},
    {"megatron", "megatron_training_memory_allocated_gb_gigabytes", 1000000000, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute9[] = {{"job_minute", "memory_allocated_bytes", Fold::max, 0, {}, ""}};
constexpr model::MinuteColumn kMinute10[] = {{"job_minute", "nonfinite", Fold::increase, 0, {}, ""}};
constexpr model::MinuteColumn kMinute11[] = {
    {"job_minute", "data_wait_s", Fold::mean, 0, {}, ""},
    {"job_minute", "data_wait_max_s", Fold::max, 0, {}, ""},
};
constexpr model::MinuteColumn kMinute12[] = {{"job_minute", "checkpoint_save_s", Fold::max, 0, {}, ""}};
constexpr model::MinuteColumn kMinute13[] = {{"job_minute", "checkpoint_restore_s", Fold::max, 0, {}, ""}};
constexpr model::SourceName kSources8[] = {
    {"megatron", "megatron.training.skipped_iters", 1, Form::value, "", {}, {}},
    {"megatron", "megatron_training_skipped_iters", 1, Form::value, "", {}, {}},
    {"megatron", "megatron_training_skipped_iters_total", 1, Form::value, "", {}, {}},
};
constexpr model::MinuteColumn kMinute14[] = {{"job_minute", "skipped_steps", Fold::increase, 0, {}, ""}};
constexpr model::MinuteColumn kMinute15[] = {{"job_minute", "checkpoints", Fold::count, 0, {}, ""}};
constexpr model::MinuteColumn kMinute16[] = {{"job_minute", "restarts", Fold::count, 0, {}, ""}};
constexpr std::string_view kPrefixes1[] = {"megatron.training.", "megatron_training_"};
constexpr model::LabelRule kLabels1[] = {
    {"nemo.run.id", "train.job"},
    {"nemo_run_id", "train.job"},
    {"dl.rank", "rank"},
    {"dl_rank", "rank"},
    {"dl.world_size", "world_size"},
    {"dl_world_size", "world_size"},
    {"dl.local_rank", "local_rank"},
    {"dl_local_rank", "local_rank"},
    {"dl.iteration", "train.iteration"},
};
constexpr model::Signal kSignals1[] = {
    {"train.step.duration", "s", Kind::gauge, "job", "", {}, "wall time of a step", kSources1, kMinute1, 0, 1000000000000},
    {"train.loss", "1", Kind::gauge, "job", "", {}, "training loss of a step", kSources2, kMinute2, -model::kUnbounded, model::kUnbounded},
    {"train.grad_norm", "1", Kind::gauge, "job", "", {}, "norm of the gradient of a step; look at it before the loss", kSources3, kMinute3, 0, model::kUnbounded},
    {"train.mfu", "1", Kind::gauge, "job", "", {}, "model FLOPs per second / the device's dense peak; comparable only with the convention and peak named beside it", {}, kMinute4, 0, 100, true},
    {"train.hfu", "1", Kind::gauge, "job", "", {}, "as train.mfu, with recomputed activations counted", {}, kMinute5, 0, 100, true},
    {"train.flops", "FLOP/s", Kind::gauge, "job", "", {}, "model FLOPs per second and GPU, as the framework counts them", kSources4, kMinute6},
    {"train.tokens", "{token}", Kind::counter, "job", "", {}, "tokens trained on", kSources5, kMinute7, 0, model::kFinite},
    {"train.learning_rate", "1", Kind::gauge, "job", "", {}, "learning rate of a step", kSources6, kMinute8},
    {"train.memory.allocated", "By", Kind::gauge, "job", "", {}, "device memory the framework has allocated", kSources7, kMinute9, 0, 1.8446744073709552e+19},
    {"train.nonfinite", "{event}", Kind::counter, "job", "", {}, "steps with NaN or Inf (attribute what = loss, grad)", {}, kMinute10, 0, model::kFinite},
    {"train.data_wait.duration", "s", Kind::gauge, "job", "", {}, "time a step waited for data; the minute holds the mean per step", {}, kMinute11, 0, 1000000000000},
    {"train.checkpoint.save.duration", "s", Kind::gauge, "job", "", {}, "time the job stood still to save a checkpoint", {}, kMinute12, 0, 1000000000000},
    {"train.checkpoint.restore.duration", "s", Kind::gauge, "job", "", {}, "time to load a checkpoint", {}, kMinute13, 0, 1000000000000},
    {"train.skipped_steps", "{step}", Kind::counter, "job", "", {}, "steps whose update was thrown away", kSources8, kMinute14, 0, model::kFinite},
    {"train.checkpoint", "{event}", Kind::event, "job", "", {}, "a checkpoint was saved or loaded", {}, kMinute15},
    {"train.restart", "{event}", Kind::event, "job", "", {}, "a job started again, with the step it went back to", {}, kMinute16},
};
constexpr model::Adapter kAdapters1[] = {{"megatron", kPrefixes1, {}, kLabels1, "", {}}};

constexpr model::Catalog kCatalog = {"l5_train", "Training",
                                     "How far did the job get with each step, and what held the step up?",
                                     kSignals1, kAdapters1};

}  // namespace

const model::Catalog& catalog() { return kCatalog; }

}  // namespace strata::l5_train
