// SPDX-License-Identifier: Apache-2.0
// Inputs cut at every byte and with seeded bit flips, deletions and repetitions, through every
// decoder under the sanitizers. Deterministic but for how far it gets in its two seconds.
#include "wire/damage.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "base/file.h"

namespace strata::wire {
namespace {

const std::string kGolden = std::string(STRATA_SOURCE_DIR) + "/tests/golden/";

struct Seed {
  unsigned decoder;
  std::string bytes;
};

std::string Read(const std::string& name) {
  auto bytes = base::ReadFile(kGolden + name);
  EXPECT_TRUE(bytes.ok()) << name;
  return bytes.ok() ? *bytes : std::string();
}

// Every JSON example also as the protobuf that our encoder makes of it, and a small remote write of
// both versions.
std::vector<Seed> Seeds() {
  std::vector<Seed> seeds;
  for (const char* name : {"metrics", "trace", "logs", "agent-metrics", "agent-event",
                           "agent-holding", "agent-collective"}) {
    const std::string json = Read(std::string("wire/") + name + ".json");
    seeds.push_back({5, json});
    model::Namer namer{{}};
    model::Batch batch;
    Context context;
    context.namer = &namer;
    context.now_ns = kDamageNow;
    context.trusted = true;
    EXPECT_TRUE(DecodeOtlpJson(json, context, &batch).ok());
    const OtlpEncoder encoder{{}};
    seeds.push_back({2 | 0x80, encoder.Metrics(batch)});
    seeds.push_back({3 | 0x80, encoder.Traces(batch)});
    seeds.push_back({4 | 0x80, encoder.Logs(batch)});
  }
  for (const unsigned decoder : {0u, 1u}) {
    seeds.push_back({decoder, Read("exposition/vllm-v0-opt125m.prom").substr(0, 3000)});
    seeds.push_back({decoder, Read("exposition/sglang-llama3.1-8b-loaded.prom").substr(0, 2500)});
    seeds.push_back({decoder,
                     "# TYPE a counter\na_total{x=\"\\\"}\"} 1 1700000000 # {t=\"u\"} 1\na_created "
                     "5\n{\"q.n\",\"l.l\"=\"v\"} 2\n# EOF\n"});
  }
  seeds.push_back({6, std::string("\x0a\x2c\x0a\x0d\x0a\x08__name__"
                                  "\x12\x01g\x0a\x06\x0a\x01l\x12\x01v\x12\x10\x09\0\0\0\0\0\0\xf0"
                                  "\x3f\x10\x80\xb0\xc1\xd8\xe6\x33",
                                  43)});
  seeds.push_back({7, std::string("\x22\x00\x22\x08__name__"
                                  "\x22\x01g\x2a\x14\x0a\x02\x01\x02\x12\x10\x09\0\0\0\0\0\0\xf0"
                                  "\x3f\x10\x80\xb0\xc1\xd8\xe6\x33",
                                  38)});
  return seeds;
}

TEST(Damage, InputCutAtEveryByte) {
  for (const Seed& seed : Seeds()) {
    const std::size_t step = seed.decoder % kDecoders == 5 ? 7 : 1;  // JSON is long
    for (std::size_t n = 0; n <= seed.bytes.size(); n += step) {
      const std::string cut =
          seed.bytes.substr(0, n);  // its own allocation: reading past the end is seen
      Damage(seed.decoder, cut);
    }
  }
}

TEST(Damage, SeededFlipsDeletionsAndRepetitions) {
  const std::vector<Seed> seeds = Seeds();
  std::mt19937_64 random(20'261'124);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  std::size_t rounds = 0;
  for (; rounds < 100'000 && std::chrono::steady_clock::now() < until; ++rounds) {
    const Seed& seed = seeds[random() % seeds.size()];
    std::string bytes = seed.bytes;
    for (std::uint64_t n = random() % 6 + 1; n > 0 && !bytes.empty(); --n) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0: bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8); break;
        case 1: bytes[at] = static_cast<char>(random()); break;
        case 2: bytes.erase(at, random() % 9 + 1); break;
        default: bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 33));
      }
    }
    const bool other = random() % 16 == 0;  // now and then to the wrong door
    Damage(other ? static_cast<unsigned>(random()) & 0xC7 : seed.decoder, bytes);
  }
  EXPECT_GT(rounds, 200u);
}

}  // namespace
}  // namespace strata::wire
