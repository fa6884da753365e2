// SPDX-License-Identifier: Apache-2.0
// Golden windows whose bill is known by heart, and thousands of random minutes against a slow
// reference that shares no code with the ledger.
#include "l8_cost/ledger.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "l8_cost/answer.h"

namespace strata::l8_cost {
namespace {

constexpr std::int64_t kS = base::kSecond, kT = 1'767'225'600 * kS;  // 2026-01-01T00:00:00Z

Money M(std::string_view text) { return Money::Parse(text).value(); }

PriceBook MakeBook(std::string_view h100 = "3.6", std::string_view core = "0.036") {
  PriceBook::Options o;
  o.overrides.push_back({"H100", M(h100), 0, 0, "contract"});
  o.cpu_core_per_hour = M(core);
  return PriceBook(o);
}

MinuteInputs Minute(const PriceBook* book, std::vector<Device> devices) {
  MinuteInputs in;
  in.from_ns = kT;
  in.to_ns = kT + 60 * kS;
  in.prices = book;
  in.devices = std::move(devices);
  return in;
}

Device Gpu(std::string id) {
  Device d;
  d.id = std::move(id), d.kind = "gpu", d.gpu_model = "NVIDIA H100 80GB HBM3", d.node = "n1",
  d.cluster = "c";
  d.measured = true;
  return d;
}

Holder Engine(std::string device, std::string engine, double share = 1,
              std::string kind = "whole") {
  Holder h;
  h.device = std::move(device), h.holder_kind = "engine", h.engine = std::move(engine),
  h.share = share;
  h.share_kind = std::move(kind), h.ns = "chat", h.model = "m";
  return h;
}

EngineFacts Running(std::string engine, double running_s, double prompt = kNotKnown,
                    double output = kNotKnown) {
  EngineFacts f;
  f.engine = std::move(engine), f.model = "m", f.running_s = running_s, f.prompt_tokens = prompt;
  f.generation_tokens = output;
  return f;
}

CallFacts Call(std::string engine, int start_s, int first_s, int end_s, double in, double out,
               std::string status = "ok") {
  CallFacts c;
  c.engine = std::move(engine), c.model = "m", c.tenant = "t", c.status = std::move(status);
  c.start_ns = kT + start_s * kS, c.first_token_ns = kT + first_s * kS, c.end_ns = kT + end_s * kS;
  c.input_tokens = in, c.output_tokens = out;
  c.ttft_s = first_s - start_s, c.e2e_s = end_s - start_s;
  c.tpot_s = out > 1 ? (end_s - first_s) / (out - 1) : kNotKnown;
  return c;
}

Money CostWhere(const Ledger& ledger, std::string_view class_, std::string_view engine = "") {
  Money sum;
  for (const LedgerRow& r : ledger.rows) {
    if (r.class_ == class_ && (engine.empty() || r.engine == engine)) sum += r.cost;
  }
  return sum;
}
double TokensWhere(const Ledger& ledger, std::string_view class_, std::string_view kind) {
  double sum = 0;
  for (const LedgerRow& r : ledger.rows) {
    if (r.class_ == class_ && r.token_kind == kind) sum += r.tokens;
  }
  return sum;
}

TEST(Ledger, IdleGpuIsUnallocatedWithItsReason) {
  const PriceBook book = MakeBook();
  Device d = Gpu("g");
  d.unallocated_reason = "cordoned";
  const Ledger l = Close(Minute(&book, {d}));
  ASSERT_EQ(l.rows.size(), 1u);
  EXPECT_EQ(l.rows[0].class_, kUnallocated);
  EXPECT_EQ(l.rows[0].flags, "cordoned");
  EXPECT_EQ(l.bill.text(), "0.06");
}

TEST(Ledger, SilenceIsUnobservedAndBilled) {
  const PriceBook book = MakeBook();
  Device d = Gpu("g");
  d.measured = false;
  MinuteInputs in = Minute(&book, {d});
  in.holders = {Engine("g", "e")};
  Ledger l = Close(in);
  EXPECT_EQ(CostWhere(l, kUnobserved).text(), "0.06");
  in.engines = {Running("e", 30, 100, 50)};  // the engine itself was heard: that is a measurement
  l = Close(in);
  EXPECT_TRUE(CostWhere(l, kUnobserved).is_zero());
  EXPECT_EQ(CostWhere(l, kIdleHeld).text(), "0.03");
}

TEST(Ledger, NoPriceIsNoMoneyButTime) {
  PriceBook book{PriceBook::Options{}};
  const Ledger l = Close(Minute(&book, {Gpu("g")}));
  EXPECT_TRUE(l.bill.is_zero());
  EXPECT_EQ(l.device_ns, 60 * kS);
  EXPECT_EQ(l.rows[0].price_source, "");
}

TEST(Ledger, FourQuartersOfAGpu) {
  const PriceBook book = MakeBook();
  MinuteInputs in = Minute(&book, {Gpu("g")});
  for (const char* e : {"a", "b", "c", "d"}) {
    in.holders.push_back(Engine("g", e, 0.25, "hami"));
    in.engines.push_back(Running(e, e[0] == 'a' ? 60 : 15, 10, 10));
  }
  const Ledger l = Close(in);
  EXPECT_EQ(CostWhere(l, kUseful, "a").text(), "0.015");
  EXPECT_EQ(CostWhere(l, kUseful, "b").text(), "0.00375");
  EXPECT_EQ(CostWhere(l, kIdleHeld, "b").text(), "0.01125");
  EXPECT_TRUE(CostWhere(l, kUnallocated).is_zero());
}

TEST(Ledger, MigOneAndThreeOfSeven) {
  const PriceBook book = MakeBook("4.2");
  MinuteInputs in = Minute(&book, {Gpu("g")});
  in.holders = {Engine("g", "a", 1.0 / 7, "mig"), Engine("g", "b", 3.0 / 7, "mig")};
  in.engines = {Running("a", 60, 10, 10), Running("b", 60, 10, 10)};
  const Ledger l = Close(in);
  EXPECT_EQ(CostWhere(l, kUseful, "a").text(), "0.01");
  EXPECT_EQ(CostWhere(l, kUseful, "b").text(), "0.03");
  EXPECT_EQ(CostWhere(l, kUnallocated).text(), "0.03");
}

TEST(Ledger, SevenSevenths) {
  const PriceBook book = MakeBook("4.2");
  MinuteInputs in = Minute(&book, {Gpu("g")});
  for (int i = 0; i < 7; ++i)
    in.holders.push_back(Engine("g", std::string(1, static_cast<char>('a' + i)), 1.0 / 7, "mig"));
  for (const LedgerRow& r : Close(in).rows) {
    EXPECT_NE(r.class_, kUnallocated);
    EXPECT_FALSE(HasFlag(r.flags, "scaled"));
  }
}

TEST(Ledger, TwoEnginesWithRivalClaimsPayHalfEach) {
  const PriceBook book = MakeBook();
  MinuteInputs in = Minute(&book, {Gpu("g")});
  in.holders = {Engine("g", "a"), Engine("g", "b")};
  in.engines = {Running("a", 60, 10, 10), Running("b", 0, 0, 0)};
  const Ledger l = Close(in);
  EXPECT_EQ(CostWhere(l, kUseful, "a").text(), "0.03");
  EXPECT_EQ(CostWhere(l, kIdleHeld, "b").text(), "0.03");
  for (const LedgerRow& r : l.rows) EXPECT_TRUE(HasFlag(r.flags, "disputed"));
}

TEST(Ledger, SharesAboveOneAreScaledAndSaySo) {
  const PriceBook book = MakeBook();
  MinuteInputs in = Minute(&book, {Gpu("g")});
  in.holders = {Engine("g", "a", 0.75, "hami"), Engine("g", "b", 0.75, "hami")};
  in.engines = {Running("a", 0), Running("b", 0)};
  const Ledger l = Close(in);
  EXPECT_EQ(CostWhere(l, kIdleHeld, "a").text(), "0.03");
  for (const LedgerRow& r : l.rows) EXPECT_TRUE(HasFlag(r.flags, "scaled"));
}

TEST(Ledger, AHolderOfHalfAMinute) {
  const PriceBook book = MakeBook();
  MinuteInputs in = Minute(&book, {Gpu("g")});
  in.holders = {Engine("g", "a")};
  in.holders[0].from_ns = kT + 40 * kS;
  in.engines = {Running("a", 5, 10, 10)};
  const Ledger l = Close(in);
  EXPECT_EQ(CostWhere(l, kUnallocated).text(), "0.04");
  EXPECT_EQ(CostWhere(l, kUseful).text(), "0.005");
  EXPECT_EQ(CostWhere(l, kIdleHeld).text(), "0.015");
}

TEST(Ledger, AbortsErrorsAndSloMissesHaveTheirPrice) {
  const PriceBook book = MakeBook();
  MinuteInputs in = Minute(&book, {Gpu("g")});
  in.holders = {Engine("g", "e")};
  in.policy = SplitPolicy::Equal();
  in.slos = {{"v1", "*", "*", 2.0, kNotKnown, kNotKnown, 0}};
  EngineFacts f = Running("e", 60, 40, 360);
  f.rejected_draft_tokens = 0, f.preemptions = 0;
  in.engines = {f};
  in.calls = {Call("e", 0, 1, 10, 10, 90), Call("e", 0, 1, 20, 10, 90, "aborted"),
              Call("e", 0, 1, 20, 10, 90, "error"), Call("e", 0, 5, 20, 10, 90)};
  const Ledger l = Close(in);
  for (const std::string_view c : {kUseful, kAborted, kError, kSloMiss}) {
    EXPECT_EQ(CostWhere(l, c).text(), "0.015") << c;
    EXPECT_NEAR(TokensWhere(l, c, "output"), 90, 1e-9);
  }
  CostQuestion q{kT, kT + 60 * kS, {"model"}};
  const base::Json a = CostAnswer(l.rows, q).value();
  EXPECT_EQ(a["useful_bound"].as_string(), "exact");
  EXPECT_NEAR(a["headline"].as_double(), 0.06 / 90, 1e-15);
}

TEST(Ledger, OutputCountsInTheMinuteItWasGenerated) {
  const PriceBook book = MakeBook();
  MinuteInputs in = Minute(&book, {Gpu("g")});
  in.holders = {Engine("g", "e")};
  in.engines = {Running("e", 60, 0, 500)};
  in.calls = {Call("e", -50, -40, 60 + 0, 100,
                   1000)};  // 100 s of output, 60 of them here; the prompt was before
  const Ledger l = Close(in);
  EXPECT_NEAR(TokensWhere(l, kUseful, "output"), 600, 1e-6);
  EXPECT_EQ(TokensWhere(l, kUseful, "input"), 0);
}

TEST(Ledger, CallsInFlightAndTruncated) {
  const PriceBook book = MakeBook();
  MinuteInputs in = Minute(&book, {Gpu("g")});
  in.holders = {Engine("g", "e")};
  in.calls = {Call("e", 0, 1, 20, 10, 90)};
  in.calls[0].finish_reason = "length";
  Ledger l = Close(in);
  EXPECT_NEAR(TokensWhere(l, kUseful, "output"), 90, 1e-9);
  for (const LedgerRow& r : l.rows) {
    if (r.class_ == kUseful) {
      EXPECT_TRUE(HasFlag(r.flags, "truncated"));
    }
  }
  in.truncated_is_waste = true;
  EXPECT_NEAR(TokensWhere(Close(in), kTruncated, "output"), 90, 1e-9);
  in.calls[0].end_ns = 0;
  EXPECT_GT(TokensWhere(Close(in), kInFlight, "output"), 0);
}

TEST(Ledger, WithoutCallsTokensAreAnUpperBound) {
  const PriceBook book = MakeBook();
  MinuteInputs in = Minute(&book, {Gpu("g")});
  in.holders = {Engine("g", "e")};
  in.engines = {Running("e", 30, 1000, 500)};
  in.engines[0].cached_tokens = 400;
  const Ledger l = Close(in);
  EXPECT_NEAR(TokensWhere(l, kUseful, "input"), 600, 1e-9);
  EXPECT_NEAR(TokensWhere(l, kUseful, "cached"), 400, 1e-9);
  EXPECT_NEAR(TokensWhere(l, kUseful, "output"), 500, 1e-9);
  const base::Json a = CostAnswer(l.rows, {kT, kT + 60 * kS, {"engine"}}).value();
  EXPECT_EQ(a["useful_bound"].as_string(), "upper");
  EXPECT_NEAR(a["headline"].as_double(), 0.06 / 500, 1e-15);
  EXPECT_GE(a["rows"].at(0)["not_assessed"].size(), 4u);
}

TEST(Ledger, ShortCallsBetweenTwoScrapesStillWorked) {
  const PriceBook book = MakeBook();
  MinuteInputs in = Minute(&book, {Gpu("g")});
  in.holders = {Engine("g", "e")};
  in.engines = {Running("e", 0, 10, 90)};  // the gauge read 0 each time
  in.calls = {Call("e", 0, 1, 6, 10, 90), Call("e", 3, 4, 12, 10, 90)};
  const Ledger l = Close(in);
  EXPECT_EQ(CostWhere(l, kUseful).text(), "0.012") << "12 s of 60, overlap counted once";
}

TEST(Ledger, TokensOfAnEngineOnManyGpusCountOnce) {
  const PriceBook book = MakeBook();
  MinuteInputs in = Minute(&book, {});
  for (int i = 0; i < 8; ++i) {
    in.devices.push_back(Gpu("g" + std::to_string(i)));
    in.holders.push_back(Engine("g" + std::to_string(i), "e"));
  }
  in.engines = {Running("e", 60, 800, 80)};
  const Ledger l = Close(in);
  EXPECT_NEAR(TokensWhere(l, kUseful, "output"), 80, 1e-9);
  EXPECT_EQ(CostWhere(l, kUseful).text(), "0.48");
}

TEST(Ledger, TrainingAndPodsWithoutAnyMeasureOfWork) {
  const PriceBook book = MakeBook();
  MinuteInputs in = Minute(&book, {Gpu("g"), Gpu("h"), Gpu("i")});
  in.devices[1].utilisation = 0.5;
  Holder job, pod;
  job.device = "g", job.holder_kind = "job", job.job = "j";
  pod.device = "h", pod.holder_kind = "pod", pod.pod = "p";
  in.holders = {job, pod};
  pod.device = "i";
  in.holders.push_back(pod);
  in.jobs = {{"j", 45}};
  const Ledger l = Close(in);
  EXPECT_EQ(CostWhere(l, kGoodput).text(), "0.045");
  EXPECT_EQ(CostWhere(l, "not assessed").text(), "0.03");
  EXPECT_EQ(CostWhere(l, kHeldNotAssessed).text(), "0.06");
  for (const LedgerRow& r : l.rows) {
    if (r.device == "h") {
      EXPECT_TRUE(HasFlag(r.flags, "estimated"));
    }
  }
}

TEST(Ledger, AJobWhoseStepsWereNotMeasuredIsNotAssessed) {
  const PriceBook book = MakeBook();
  MinuteInputs in = Minute(&book, {Gpu("G")});
  Holder job;
  job.device = "G", job.holder_kind = "job", job.job = "j", job.share_kind = "whole";
  in.holders = {job};
  in.jobs = {{"j", kNotKnown}};
  const Ledger l = Close(in);
  EXPECT_TRUE(CostWhere(l, kGoodput).is_zero());
  EXPECT_EQ(CostWhere(l, kHeldNotAssessed), l.bill);
  EXPECT_FALSE(l.bill.is_zero());
}

TEST(Ledger, CpuCoresAreBilledWhileHeld) {
  const PriceBook book = MakeBook();
  MinuteInputs in = Minute(&book, {});
  Holder e = Engine("", "llama"), j;
  j.job = "train", j.holder_kind = "job", j.cpu_s = 30;
  const CoreHolder cores[] = {{e, 1.5}, {j, 0}};
  in.devices = {MakeCpuDevice("n1", 4, cores, &in.holders)};
  in.engines = {Running("llama", 60, 10, 10)};
  EXPECT_EQ(in.devices[0].id, "cpu:n1");
  EXPECT_EQ(in.devices[0].cores, 4) << "at most the node's";
  const Ledger l = Close(in);
  EXPECT_EQ(l.bill.text(), "0.0024");
  EXPECT_EQ(l.device_ns, 4 * 60 * kS) << "core time";
  EXPECT_EQ(CostWhere(l, kUseful).text(), "0.000654545455") << "1.5 of 5.5 claimed, scaled";
  std::vector<Holder> none;
  EXPECT_EQ(MakeCpuDevice("n1", 4, {}, &none).cores, 0);
}

TEST(Ledger, ElectricityOnlyWhereThePriceLeavesItOut) {
  PriceBook::Options o;
  o.overrides.push_back({"H100", M("3.6"), 0, 0, "owned"});
  o.usd_per_kwh = 0.10, o.pue = 1.5;
  const PriceBook with(o);
  o.overrides[0].energy_excluded = true;
  const PriceBook without(o);
  Device d = Gpu("g");
  d.energy_j = 36000;  // 0.01 kWh
  EXPECT_EQ(Close(Minute(&with, {d})).bill.text(), "0.06");
  EXPECT_EQ(Close(Minute(&without, {d})).bill.text(), "0.0615");
  d.energy_j = kNotKnown;
  EXPECT_EQ(Close(Minute(&without, {d})).bill.text(), "0.06");
}

TEST(Ledger, WorkWithoutADeviceIsSaid) {
  const PriceBook book = MakeBook();
  MinuteInputs in = Minute(&book, {});
  in.engines = {Running("lost", 10, 10, 10), Running("asleep", 0, 0, 0)};
  EXPECT_EQ(Close(in).engines_without_device, (std::vector<std::string>{"lost"}));
}

// ---- random minutes

struct Random {
  std::mt19937_64 engine;
  explicit Random(std::uint64_t seed) : engine(seed) {}
  std::uint64_t below(std::uint64_t n) { return engine() % n; }
  double unit() { return static_cast<double>(below(1'000'001)) / 1e6; }
  double maybe(double v) { return below(4) == 0 ? kNotKnown : v; }
};

MinuteInputs RandomMinute(Random& r, const PriceBook* book) {
  MinuteInputs in = Minute(book, {});
  const std::size_t gpus = r.below(4), engines = 1 + r.below(4);
  const char* kinds[] = {"whole", "mig", "hami", "timeslice", "mps", "process"};
  for (std::size_t g = 0; g < gpus; ++g) {
    Device d = Gpu("g" + std::to_string(g));
    if (r.below(5) == 0) d.gpu_model = "unheard of";
    d.measured = r.below(4) != 0;
    if (r.below(6) == 0) d.from_ns = kT + static_cast<std::int64_t>(r.below(80)) * kS;
    if (r.below(6) == 0) d.to_ns = kT + static_cast<std::int64_t>(r.below(80)) * kS;
    d.energy_j = r.maybe(r.unit() * 40000), d.sm_active = r.maybe(r.unit()),
    d.utilisation = r.maybe(r.unit());
    in.devices.push_back(d);
    for (std::size_t h = r.below(4); h > 0; --h) {
      Holder holder = Engine(d.id, "e" + std::to_string(r.below(engines)),
                             r.below(3) == 0 ? 1 : r.unit(), kinds[r.below(6)]);
      if (r.below(3) == 0)
        holder.engine = "", holder.holder_kind = "job",
        holder.job = "j" + std::to_string(r.below(2));
      if (r.below(3) == 0) holder.from_ns = kT + static_cast<std::int64_t>(r.below(60'000'000'000));
      if (r.below(3) == 0) holder.to_ns = kT + static_cast<std::int64_t>(r.below(60'000'000'000));
      holder.sm_share = r.maybe(r.unit());
      in.holders.push_back(holder);
    }
  }
  std::vector<CoreHolder> cores;
  for (std::size_t h = r.below(3); h > 0; --h) {
    cores.push_back({Engine("", "e" + std::to_string(r.below(engines))), r.unit() * 8});
  }
  in.devices.push_back(MakeCpuDevice("n1", 6, cores, &in.holders));
  for (std::size_t e = 0; e < engines; ++e) {
    if (r.below(4) == 0) continue;
    EngineFacts f = Running("e" + std::to_string(e), r.maybe(r.unit() * 60),
                            r.maybe(r.unit() * 1e5), r.maybe(r.unit() * 1e5));
    f.cached_tokens = r.maybe(r.unit() * 1e5),
    f.rejected_draft_tokens = r.maybe(static_cast<double>(r.below(3)));
    in.engines.push_back(f);
  }
  if (r.below(2) == 0) in.jobs.push_back({"j0", r.unit() * 60});
  const char* states[] = {"ok", "ok", "error", "aborted"};
  for (std::size_t c = r.below(8); c > 0; --c) {
    const int start = static_cast<int>(r.below(120)) - 60,
              first = start + static_cast<int>(r.below(20));
    CallFacts call = Call("e" + std::to_string(r.below(engines)), start, first,
                          first + static_cast<int>(r.below(90)), r.maybe(r.unit() * 1000),
                          r.maybe(r.unit() * 1000), states[r.below(4)]);
    if (r.below(5) == 0) call.first_token_ns = 0;
    if (r.below(8) == 0) call.end_ns = 0;
    call.cached_tokens = r.maybe(r.unit() * 500);
    in.calls.push_back(call);
  }
  if (r.below(2) == 0) in.slos = {{"v", "*", "*", 5, 0.5, kNotKnown, 0}};
  if (r.below(2) == 0) in.policy = SplitPolicy::Equal();
  return in;
}

// What each holder is charged, millisecond-blind and slow: the share rule of the design written
// down again.
std::map<std::string, double> ReferenceCharges(const MinuteInputs& in) {
  std::map<std::string, double> out;
  for (const Device& d : in.devices) {
    const double per_ns = d.kind == "cpu" ? 0.036 * std::llround(d.cores * 1000) / 1000.0 / 3.6e12
                          : d.gpu_model == "unheard of" ? 0
                                                        : 3.6 / 3.6e12;
    std::vector<const Holder*> mine;
    bool seen = d.measured;
    const std::int64_t from = std::max(in.from_ns, d.from_ns),
                       to = d.to_ns ? std::min(in.to_ns, d.to_ns) : in.to_ns;
    std::vector<std::int64_t> edges = {from, to};
    for (const Holder& h : in.holders) {
      if (h.device != d.id) continue;
      const std::int64_t a = std::max(from, h.from_ns), b = h.to_ns ? std::min(to, h.to_ns) : to;
      if (a >= b) continue;
      mine.push_back(&h);
      edges.push_back(a), edges.push_back(b);
      for (const EngineFacts& e : in.engines) seen = seen || (h.engine == e.engine && !e.empty());
      for (const JobFacts& j : in.jobs) seen = seen || h.job == j.job;
      seen = seen || !std::isnan(h.sm_share);
    }
    std::sort(edges.begin(), edges.end());
    for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
      const double money = per_ns * static_cast<double>(edges[i + 1] - edges[i]);
      if (edges[i] >= edges[i + 1] || edges[i] < from || edges[i + 1] > to) continue;
      if (!seen) {
        out["unobserved"] += money;
        continue;
      }
      double sum = 0;
      std::vector<std::pair<std::string, double>> live;
      for (const Holder* h : mine) {
        if (std::max(from, h->from_ns) > edges[i] ||
            (h->to_ns ? std::min(to, h->to_ns) : to) < edges[i + 1])
          continue;
        double share = h->share;
        if ((h->share_kind == "timeslice" || h->share_kind == "mps") && !std::isnan(h->sm_share))
          share = h->sm_share;
        live.emplace_back(h->engine.empty() ? "job " + h->job : h->engine, share);
        sum += share;
      }
      for (const auto& [who, share] : live) out[who] += money * share / std::max(1.0, sum);
      out["unallocated"] += money * std::max(0.0, 1 - sum);
    }
  }
  return out;
}

TEST(Ledger, TenThousandRandomMinutesCloseExactlyAndMatchTheReference) {
  const PriceBook book = MakeBook();
  Random random(20261124);
  std::size_t rows = 0, priced = 0;
  for (int round = 0; round < 10'000; ++round) {
    const MinuteInputs in = RandomMinute(random, &book);
    const Ledger l =
        Close(in);  // CHECKs the identity itself; here it is added up once more from outside
    Money holders, unallocated, unobserved;
    std::map<std::string, double> charged;
    for (const LedgerRow& r : l.rows) {
      Money& side = r.class_ == kUnallocated  ? unallocated
                    : r.class_ == kUnobserved ? unobserved
                                              : holders;
      side += r.cost;
      const std::string who = r.class_ == kUnallocated || r.class_ == kUnobserved ? r.class_
                              : r.engine.empty()                                  ? "job " + r.job
                                                                                  : r.engine;
      charged[who] += r.cost.value();
      ASSERT_GE(r.cost.units() >= 0, true);
      ASSERT_GE(r.device_ns, 0);
      ASSERT_FALSE(r.class_.empty());
    }
    ASSERT_TRUE(holders + unallocated + unobserved == l.bill);
    Money expected;  // price x time, computed without the ledger
    for (const Device& d : in.devices) {
      if (d.gpu_model == "unheard of" || (d.kind == "cpu" && d.cores <= 0)) continue;
      const Money per_hour =
          d.kind == "cpu"
              ? Money::FromUnits(Int128{36'000'000'000} * std::llround(d.cores * 1000) / 1000)
              : M("3.6");
      expected += CostOf(per_hour, std::max(in.from_ns, d.from_ns),
                         d.to_ns ? std::min(in.to_ns, d.to_ns) : in.to_ns);
    }
    ASSERT_TRUE(expected == l.bill) << expected.text() << " " << l.bill.text();
    for (const auto& [who, want] : ReferenceCharges(in))
      ASSERT_NEAR(charged[who], want, 1e-9) << who << " round " << round;
    rows += l.rows.size();
    priced += l.bill.is_zero() ? 0 : 1;
  }
  EXPECT_GT(rows, 30'000u);
  EXPECT_GT(priced, 5'000u);
}

TEST(CostAnswer, EveryGroupingAddsUpToTheSameBill) {
  const PriceBook book = MakeBook();
  Random random(5);
  std::vector<LedgerRow> rows;
  Money bill;
  for (int m = 0; m < 200; ++m) {
    const Ledger l = Close(RandomMinute(random, &book));
    rows.insert(rows.end(), l.rows.begin(), l.rows.end());
    bill += l.bill;
  }
  for (const std::string& key : cost_keys()) {
    const base::Json a = CostAnswer(rows, {kT, kT + base::kHour, {key}}).value();
    EXPECT_TRUE(a["residual"].is_int() && a["residual"].as_int() == 0) << key;
    double sum = a["unallocated"]["cost"].as_double() + a["unobserved"]["cost"].as_double();
    for (const base::Json& row : a["rows"].array()) {
      sum += row["cost"].as_double();
      double classes = 0;
      for (const auto& [name, money] : row["classes"].object()) classes += money.as_double();
      EXPECT_NEAR(classes, row["cost"].as_double(), 1e-9);
    }
    EXPECT_NEAR(sum, bill.value(), 1e-9) << key;
    EXPECT_NEAR(a["bill"]["cost"].as_double(), bill.value(), 1e-12);
  }
}

TEST(CostAnswer, LoadedHeadlineCarriesIdleMachines) {
  const PriceBook book = MakeBook();
  MinuteInputs in = Minute(&book, {Gpu("a"), Gpu("b"), Gpu("c")});
  Holder job;
  job.device = "b", job.holder_kind = "job", job.job = "j";
  in.holders = {Engine("a", "e"), job};
  in.engines = {Running("e", 60, 10, 100)};
  const base::Json a = CostAnswer(Close(in).rows, {kT, kT + 60 * kS, {"service"}}).value();
  EXPECT_NEAR(a["headline"].as_double(), 0.06 / 100, 1e-12);
  EXPECT_NEAR(a["headline_loaded"].as_double(), 0.09 / 100, 1e-12)
      << "half of the idle GPU, the job has the other half";
  EXPECT_EQ(a["unallocated"]["reasons"]["unknown"].as_double(), 0.06);
}

TEST(CostAnswer, RefusesUnknownKeysAndAnswersAnEmptyRange) {
  EXPECT_FALSE(CostAnswer({}, {0, 1, {"colour"}}).ok());
  const base::Json a = CostAnswer({}, {0, 60 * kS, {"team"}}).value();
  EXPECT_TRUE(a["headline"].is_null());
  EXPECT_EQ(a["rows"].size(), 0u);
  EXPECT_EQ(a["residual"].as_int(-1), 0);
}

}  // namespace
}  // namespace strata::l8_cost
