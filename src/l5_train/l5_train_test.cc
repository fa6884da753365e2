// SPDX-License-Identifier: Apache-2.0
// Real training logs with the facts of their README, followed in any cut, and what breaks them.
#include "l5_train/l5_train.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "l5_train/lines.h"

namespace strata::l5_train {
namespace {

constexpr std::int64_t kNow = 1'795'600'000'000'000'000;

struct Fixture {
  const model::Catalog* catalogs[1] = {&catalog()};
  model::Namer namer{catalogs};
  model::Batch batch;
  base::Json report;
  wire::Context context;
  Fixture() { context.namer = &namer, context.now_ns = kNow; }

  std::map<std::string, std::vector<double>> values() const {
    std::map<std::uint64_t, std::string> names;
    for (const model::Series& s : batch.series) {
      const std::string_view what = s.attributes.get("what");
      names[static_cast<std::uint64_t>(s.id)] =
          s.signal + (what.empty() ? "" : ":" + std::string(what));
    }
    std::map<std::string, std::vector<double>> out;
    for (std::size_t i = 0; i < batch.samples.size(); ++i) {
      out[names.at(static_cast<std::uint64_t>(batch.samples.series[i]))].push_back(
          batch.samples.value[i]);
    }
    return out;
  }
  std::size_t events(std::string_view event) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        batch.events, [&](const model::Event& e) { return e.event == event; }));
  }
};

void Read(Fixture* run, const std::string& name) {
  const base::Status status = base::ForEachInput(
      std::string(STRATA_SOURCE_DIR) + "/tests/golden/l5/" + name, [&](base::InputFile file) {
        EXPECT_TRUE(LooksTrainLog(file.bytes)) << file.name;
        const auto read = ReadTrainLog(file, run->context, &run->batch, &run->report);
        return read.ok() ? base::Status::Ok() : read.status();
      });
  EXPECT_TRUE(status.ok()) << name << ": " << status.message();
}

TEST(Megatron, DeepSpeedRunOf49Iterations) {
  Fixture run;
  Read(&run, "meg_ds_3d_gpt2_perf_n16-ds-on.out.gz");
  EXPECT_EQ(run.report["framework"].as_string(), "megatron");
  EXPECT_EQ(run.report["steps"].as_int(), 49);
  EXPECT_EQ(run.report["first_step"].as_int(), 1);
  EXPECT_EQ(run.report["last_step"].as_int(), 49);
  EXPECT_NEAR(run.report["first_loss"].as_double(), 12.44238, 1e-9);
  EXPECT_NEAR(run.report["last_loss"].as_double(), 7.74727, 1e-5);
  EXPECT_EQ(run.report["skipped_steps"].as_int(-1), 0);
  EXPECT_EQ(run.report["nonfinite"].as_int(-1), 0);
  EXPECT_EQ(run.report["checkpoints"].as_int(-1), 0);
  EXPECT_TRUE(run.report["mfu"].is_null());
  const auto durations = run.values()["train.step.duration"];
  ASSERT_EQ(durations.size(), 49u);
  EXPECT_NEAR(*std::ranges::min_element(durations), 125.6433, 1e-9);
  EXPECT_NEAR(*std::ranges::max_element(durations), 159.7789, 1e-9);
  double sum = 0;
  for (const double d : durations) sum += d;
  EXPECT_NEAR(sum / 49, 136.946818, 1e-6);
  EXPECT_NEAR(run.values()["train.tokens"].back(), run.values()["train.tokens"].front() * 49, 1);
  // Lines without a time still stand at different moments.
  std::vector<std::int64_t> times(run.batch.samples.ts);
  std::ranges::sort(times);
  EXPECT_EQ(std::unique(times.begin(), times.end()) - times.begin(), 49);
}

TEST(Megatron, SkippedIterationsAndALossThatGrows) {
  Fixture run;
  Read(&run, "meg_gpt2_base_n64_dp1_tp4_pp64-1809655.out.gz");
  EXPECT_EQ(run.report["steps"].as_int(), 6);
  EXPECT_EQ(run.report["first_step"].as_int(), 10);
  EXPECT_EQ(run.report["last_step"].as_int(), 60);
  EXPECT_EQ(run.report["skipped_steps"].as_int(), 19);
  EXPECT_EQ(run.report["nonfinite"].as_int(-1), 0);
  EXPECT_NEAR(run.report["first_loss"].as_double(), 14.12743, 1e-9);
  EXPECT_NEAR(run.report["last_loss"].as_double(), 16.9694, 1e-9);
  EXPECT_EQ(run.values()["train.skipped_steps"].back(), 19);
  EXPECT_EQ(run.values()["train.loss"].size(), 5u);  // the first line tells none: absent, not 0
}

TEST(Megatron, HostPrefixesFlopsAndACheckpoint) {
  Fixture run;
  Read(&run, "superbench_megatron_deepspeed.log.gz");
  EXPECT_EQ(run.report["steps"].as_int(), 5);
  EXPECT_EQ(run.report["checkpoints"].as_int(), 1);
  EXPECT_EQ(run.report["tokens"].as_int(), 20971520);
  EXPECT_NEAR(run.report["flops"].as_double(), 149.11e12, 1e7);
  EXPECT_NEAR(run.report["step_s_median"].as_double(), 75.2496, 1e-9);
  const auto flops = run.values()["train.flops"];
  EXPECT_NEAR(*std::ranges::max_element(flops), 150.62e12, 1e7);
  EXPECT_EQ(run.events("train.checkpoint"), 1u);
  EXPECT_EQ(run.events("train.restart"), 0u);
}

TEST(Others, LlmC) {
  Fixture run;
  Read(&run, "llmc_gpt2_124M_main.log.gz");
  EXPECT_EQ(run.report["framework"].as_string(), "llm.c");
  EXPECT_EQ(run.report["steps"].as_int(), 19560);
  EXPECT_EQ(run.report["first_step"].as_int(-1), 0);
  EXPECT_EQ(run.report["last_step"].as_int(), 19559);
  EXPECT_NEAR(run.report["first_loss"].as_double(), 11.0091, 1e-9);
  EXPECT_NEAR(run.report["last_loss"].as_double(), 3.2217, 1e-9);
  EXPECT_TRUE(run.report["step_s_median"].is_null());
  const auto values = run.values();
  EXPECT_NEAR(*std::ranges::min_element(values.at("train.loss")), 3.1022, 1e-9);
  EXPECT_NEAR(*std::ranges::max_element(values.at("train.grad_norm")), 15.37, 1e-9);
  EXPECT_EQ(values.at("train.grad_norm").front(), 15.37);
}

TEST(Others, ModdedNanoGpt) {
  const auto f = [](const std::string& name, std::int64_t steps, double last_loss,
                    double median_s) {
    Fixture run;
    Read(&run, name);
    EXPECT_EQ(run.report["framework"].as_string(), "modded-nanogpt");
    EXPECT_EQ(run.report["steps"].as_int(), steps) << name;
    EXPECT_EQ(run.report["first_step"].as_int(), 1) << name;
    EXPECT_EQ(run.report["last_step"].as_int(), steps) << name;
    EXPECT_NEAR(run.report["last_loss"].as_double(), last_loss, 1e-9) << name;
    EXPECT_NEAR(run.report["step_s_median"].as_double(), median_s, 0.003) << name;
    EXPECT_EQ(run.report["nonfinite"].as_int(-1), 0) << name;  // "step_avg:nanms" is no loss
  };
  f("2024-10-17_DistributedMuon.log.gz", 5100, 3.2718, 0.153);
  f("2024-12-04_ValueEmbed.log.gz", 1530, 3.2364, 0.174);
}

TEST(Others, HfTrainer) {
  Fixture run;
  Read(&run, "hf-trainer.txt");
  EXPECT_EQ(run.report["framework"].as_string(), "hf-trainer");
  EXPECT_EQ(run.report["steps"].as_int(), 4);  // the summary line is no step
  EXPECT_NEAR(run.report["first_loss"].as_double(), 4.707, 1e-9);
  EXPECT_NEAR(run.report["last_loss"].as_double(), 4.71, 1e-9);
  EXPECT_EQ(run.report["tokens"].as_int(), 5120);
  EXPECT_TRUE(run.report["first_step"].is_null());
}

TEST(Others, TrainerStateWithPythonsNaN) {
  Fixture run;
  const std::string text =
      R"({"epoch": 1.0, "log_history": [{"epoch": 0.1, "grad_norm": 1.5, "loss": 2.5, "step": 10},
          {"epoch": 0.2, "grad_norm": NaN, "loss": 0.0, "step": 20}, {"eval_loss": 2.0, "step": 20},
          {"epoch": 0.3, "grad_norm": Infinity, "loss": NaN, "step": 30}, {"train_loss": 2.2, "step": 30}], "global_step": 30})";
  const auto read =
      ReadTrainLog({"runs/a/trainer_state.json", text}, run.context, &run.batch, &run.report);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(run.report["steps"].as_int(), 3);
  EXPECT_EQ(run.report["first_step"].as_int(), 10);
  EXPECT_EQ(run.report["last_step"].as_int(), 30);
  EXPECT_EQ(run.report["nonfinite"].as_int(), 3);
  auto values = run.values();
  EXPECT_EQ(values["train.nonfinite:grad"], (std::vector<double>{0, 1, 2}));
  EXPECT_EQ(values["train.nonfinite:loss"], (std::vector<double>{0, 1}));
  EXPECT_EQ(values["train.loss"], (std::vector<double>{2.5, 0.0}));
  EXPECT_EQ(run.batch.series.at(0).entity_type, "job");
  EXPECT_EQ(run.batch.series.at(0).entity, "trainer_state");
  EXPECT_EQ(run.batch.series.at(0).layer, "l5_train");
}

TEST(Others, TorchtitanAndNanoGptLines) {
  LineState state;
  const auto titan = ParseStep(
      "[titan] 2026-11-24 10:00:00,500 - root - INFO - \x1b[31mstep: 10  \x1b[32mloss:  7.1234  "
      "\x1b[38mgrad_norm:  1.25  "
      "\x1b[33mmemory:  1.11GiB(1.40%)  \x1b[34mtps: 12,345  \x1b[36mtflops: 98.50  \x1b[35mmfu: "
      "31.50%\x1b[39m",
      &state);
  ASSERT_TRUE(titan.has_value());
  EXPECT_EQ(titan->framework, "torchtitan");
  EXPECT_EQ(titan->step, 10);
  EXPECT_EQ(titan->loss, 7.1234);
  EXPECT_EQ(titan->grad_norm, 1.25);
  EXPECT_NEAR(titan->flops.value(), 98.5e12, 1);
  EXPECT_NEAR(titan->mfu.value(), 0.315, 1e-12);
  EXPECT_EQ(titan->ts_ns, 1795514400500000000);
  const auto nano = ParseStep("iter 30: loss 3.2100, time 123.45ms, mfu 41.20%", &state);
  ASSERT_TRUE(nano.has_value());
  EXPECT_NEAR(nano->duration_s.value(), 0.12345, 1e-12);
  EXPECT_NEAR(nano->mfu.value(), 0.412, 1e-12);
  EXPECT_FALSE(
      ParseStep("iter 0: loss 3.2100, time 1.45ms, mfu -100.00%", &state)->mfu.has_value());
  const auto llmc = ParseStep(
      "step    3/19560 | loss 10.855 (+nanz)| norm 14.84 (+nanz)| lr 2.57e-06 | 233.10 ms | 57.1% "
      "bf16 MFU | 2249 tok/s",
      &state);
  ASSERT_TRUE(llmc.has_value());
  EXPECT_NEAR(llmc->duration_s.value(), 0.2331, 1e-12);
  EXPECT_NEAR(llmc->mfu.value(), 0.571, 1e-12);
}

TEST(Follow, AnyCutGivesTheSame) {
  const std::string log =
      "  seq_length ...................................... 1024\n"
      " iteration        1/     100 | consumed samples:            4 | elapsed time per iteration "
      "(ms): 1000.0 | lm loss: 9.0E+00 | grad norm: 1.0 | number of skipped iterations:   0 | "
      "number of nan iterations:   0 |\n"
      " iteration        2/     100 | consumed samples:            8 | elapsed time per iteration "
      "(ms): 1100.0 | lm loss: NAN | grad norm: inf | number of skipped iterations:   1 | number "
      "of nan iterations:   1 |\n"
      "successfully saved checkpoint at iteration       2 to /x\n"
      "noise\r\n"
      " iteration        1/     100 | consumed samples:            4 | elapsed time per iteration "
      "(ms): 1000.0 | lm loss: 9.0E+00 | number of skipped iterations:   0 | number of nan "
      "iterations:   0 |";
  std::string want;
  for (std::size_t cut = 1; cut <= log.size(); cut += 1 + cut / 7) {
    Fixture run;
    TrainLogReader reader({.job = "j", .own_times = false});
    for (std::size_t at = 0; at < log.size(); at += cut)
      reader.Feed(std::string_view(log).substr(at, cut), run.context, &run.batch);
    EXPECT_EQ(reader.steps(), 2u);
    reader.Finish(run.context, &run.batch);
    const std::string got = reader.report().dump();
    if (want.empty()) want = got;
    EXPECT_EQ(got, want) << cut;
    EXPECT_EQ(run.events("train.checkpoint"), 1u);
    EXPECT_EQ(run.events("train.restart"), 1u);  // the step went back
    EXPECT_EQ(run.values()["train.tokens"].front(), 4096);
  }
  EXPECT_EQ(
      want,
      R"({"layer":"l5_train","report":"training","framework":"megatron","steps":3,"first_step":1,"last_step":1,"first_loss":9,"last_loss":9,"step_s_median":1,"tokens":4096,"mfu":null,"flops":null,"nonfinite":2,"skipped_steps":1,"checkpoints":1,"restarts":1})");
}

TEST(Follow, WhatIsNoLog) {
  const auto f = [](const std::string& text) {
    Fixture run;
    EXPECT_FALSE(LooksTrainLog(text)) << text;
    EXPECT_FALSE(ReadTrainLog({"x.log", text}, run.context, &run.batch, &run.report).ok()) << text;
    EXPECT_EQ(run.batch.samples.size(), 0u);
  };
  f("");
  f("hello\nworld\n");
  f(" iteration  / | a: 1 |\n");
  f("step:abc train_loss:1\n");
  f("iter 5: nothing\n");
  f("{'a': 1}\n");
  Fixture run;
  TrainLogReader reader({});
  reader.Feed(std::string(3u << 20, 'x'), run.context, &run.batch);
  reader.Feed("\niter 1: loss 2.0, time 5ms, mfu 1%\n", run.context, &run.batch);
  EXPECT_EQ(run.batch.refused.count(base::Reason::oversize), 1u);
  EXPECT_EQ(reader.steps(), 1u);
}

}  // namespace
}  // namespace strata::l5_train
