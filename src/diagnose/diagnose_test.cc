// SPDX-License-Identifier: Apache-2.0
// Ask and answer: each file of tests/golden/diagnose holds facts, questions and what the engine
// must say. Rewrite the answers with STRATA_REWRITE=1, then read the diff.
#include "diagnose/diagnose.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "diagnose/findings.h"
#include "diagnose/read.h"

namespace strata::diagnose {
namespace {

namespace fs = std::filesystem;

std::string TypeOf(const std::string& table) {
  if (table == "gpu_minute") return "gpu";
  if (table == "host_minute") return "node";
  if (table == "job_minute") return "job";
  if (table == "comm_minute") return "communicator";
  return "engine";
}

std::map<std::string, std::string> Pairs(std::istream& in) {
  std::map<std::string, std::string> out;
  std::string word;
  while (in >> word) {
    const std::size_t eq = word.find('=');
    out[word.substr(0, eq)] = eq == std::string::npos ? "" : word.substr(eq + 1);
  }
  return out;
}

std::int64_t TimeOf(const std::string& text) { return base::ParseTime(text, 0).value(); }

// at TIME | objective [model=] ttft= tpot= | link gpu= node= engine= job= [pod= namespace=] | event
// NAME entity_type= entity= ago=SECONDS [severity= code= state= incident=] | cost ENTITY USD | rows
// TABLE ENTITY [member=] [node= model= …] and below it, indented, COLUMN and its values up to the
// minute of `at` ("0.3*57" repeats, "-" is not measured) | ask [symptom=] [entity=]
class Book {
 public:
  Facts facts;
  void Line(const std::string& line) {
    std::istringstream in(line);
    std::string word;
    in >> word;
    if (word == "at") {
      in >> word;
      facts.at_ns = TimeOf(word);
    } else if (word == "objective") {
      auto p = Pairs(in);
      Objective o;
      if (p.contains("model")) o.model = p["model"];
      if (p.contains("ttft")) o.ttft_s = std::stod(p["ttft"]);
      if (p.contains("tpot")) o.tpot_s = std::stod(p["tpot"]);
      facts.objectives.push_back(o);
    } else if (word == "link") {
      auto p = Pairs(in);
      facts.links.push_back(
          {p["gpu"], p["node"], p["namespace"], p["pod"], p["engine"], p["job"], 1, 0});
    } else if (word == "event") {
      in >> word;
      auto p = Pairs(in);
      EventFact e{facts.at_ns - std::stoll(p["ago"]) * base::kSecond,
                  word,
                  p["entity_type"],
                  p["entity"],
                  p["message"],
                  {},
                  p["severity"]};
      for (const char* key : {"code", "state", "incident"}) {
        if (p.contains(key)) e.attributes.set(key, p[key]);
      }
      facts.events.push_back(e);
    } else if (word == "cost") {
      double usd = 0;
      in >> word >> usd;
      facts.cost_per_hour[word] = usd;
    } else if (word == "rows") {
      std::string entity;
      in >> table_ >> entity;
      auto p = Pairs(in);
      std::string member = p["member"];
      p.erase("member");
      model::Attributes keys;
      for (const auto& [k, v] : p) keys.set(k, v);
      facts.columns[table_] = ColumnsOf(table_);
      facts.Add(table_, TypeOf(table_), entity, member, keys);
      track_ = facts.tracks.size() - 1;
    } else {
      Values(word, in);
    }
  }

 private:
  void Values(const std::string& column, std::istream& in) {
    const auto& columns = facts.columns[table_];
    const auto at = std::find(columns.begin(), columns.end(), column);
    ASSERT_NE(at, columns.end()) << table_ << "." << column << " is looked at by no rule";
    std::vector<double> values;
    std::string word;
    while (in >> word) {
      const std::size_t star = word.find('*');
      const double v =
          word[0] == '-' && (word.size() == 1 || word[1] == '*') ? kAbsent : std::stod(word);
      values.insert(values.end(), star == std::string::npos ? 1 : std::stoul(word.substr(star + 1)),
                    v);
    }
    Track& track = facts.tracks[track_];
    const std::int64_t second = facts.at_ns % base::kMinute, running = facts.at_ns - second;
    const std::int64_t last = second > 0 ? running : running - base::kMinute;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::int64_t minute =
          last - static_cast<std::int64_t>(values.size() - 1 - i) * base::kMinute;
      auto row = std::find_if(track.rows.begin(), track.rows.end(),
                              [&](const Row& r) { return r.minute_ns == minute; });
      if (row == track.rows.end()) {
        Row fresh{minute, minute == running ? static_cast<double>(second) / 1e9 : 60,
                  std::vector<double>(columns.size(), kAbsent)};
        row = track.rows.insert(std::find_if(track.rows.begin(), track.rows.end(),
                                             [&](const Row& r) { return r.minute_ns > minute; }),
                                fresh);
      }
      row->values[static_cast<std::size_t>(at - columns.begin())] = values[i];
    }
  }
  std::string table_;
  std::size_t track_ = 0;
};

std::string Short(const base::Json& time) {
  return time.is_null() ? "-" : time.as_string().substr(11, 5);
}
std::string Number(const base::Json& v) {
  if (v.is_null()) return "-";
  std::ostringstream out;
  out.precision(4);
  out << v.as_double();
  return out.str();
}

// The answer in words, made from the JSON that `why --json` prints.
std::string Say(const base::Json& a) {
  std::ostringstream out;
  out << "verdict " << a["verdict"].as_string() << "\n";
  for (const base::Json& s : a["symptoms"].array()) {
    out << "symptom " << s["symptom"].as_string() << " " << s["entity"].as_string() << " since "
        << Short(s["since"]) << " " << Number(s["value"]) << " " << s["unit"].as_string() << " ("
        << Number(s["baseline"]) << ") " << s["fact"].as_string() << "\n";
  }
  for (const base::Json& c : a["causes"].array()) {
    out << "cause " << c["cause"].as_string() << " " << Number(c["score"]) << " "
        << c["entity"].as_string() << " since " << Short(c["since"]) << " for "
        << c["symptom"].as_string();
    if (!c["cost_per_hour"].is_null()) out << " " << Number(c["cost_per_hour"]) << "/h";
    if (c["chain"].size() > 1) {
      out << " chain";
      for (const base::Json& link : c["chain"].array()) out << " " << link.as_string();
    }
    out << "\n";
    for (const char* list : {"evidence", "against"}) {
      for (const base::Json& e : c[list].array()) {
        out << (list[0] == 'e' ? "  + " : "  - ") << e["role"].as_string() << " "
            << e["fact"].as_string() << " " << e["direction"].as_string() << " "
            << e["entity"].as_string() << " " << Number(e["value"]) << " (" << Number(e["baseline"])
            << ") since " << Short(e["since"]);
        if (!e["note"].as_string().empty()) out << " [" << e["note"].as_string() << "]";
        out << "\n";
      }
    }
  }
  std::size_t without_rule = 0;
  for (const base::Json& n : a["not_assessed"].array()) {
    if (n["why"].as_string().starts_with("no rule"))
      ++without_rule;
    else
      out << "not assessed " << n["signal"].as_string() << " " << n["entity"].as_string() << ": "
          << n["why"].as_string() << "\n";
  }
  if (without_rule > 0) out << "not assessed " << without_rule << " causes without a rule\n";
  return out.str();
}

class Golden : public ::testing::TestWithParam<std::string> {};

TEST_P(Golden, SaysWhatTheFileSays) {
  const fs::path path = fs::path(STRATA_SOURCE_DIR) / "tests/golden/diagnose" / GetParam();
  std::ifstream in(path);
  ASSERT_TRUE(in) << path;
  Book book;
  std::string line, rewritten, want, got;
  const auto check = [&] {
    EXPECT_EQ(got, want) << GetParam();
    want.clear();
  };
  bool answering = false;
  while (std::getline(in, line)) {
    if (line.starts_with("> ")) {
      want += line.substr(2) + "\n";
      continue;
    }
    if (answering) check();
    answering = false;
    rewritten += line + "\n";
    if (line.empty() || line[0] == '#') continue;
    if (line.starts_with("ask")) {
      std::istringstream words(line.substr(3));
      auto p = Pairs(words);
      got = Say(WhyAnswer(book.facts, p["symptom"], p["entity"]));
      std::istringstream said(got);
      for (std::string part; std::getline(said, part);) rewritten += "> " + part + "\n";
      answering = true;
    } else {
      book.Line(line);
    }
  }
  if (answering) check();
  if (std::getenv("STRATA_REWRITE") != nullptr) std::ofstream(path) << rewritten;
}

std::vector<std::string> Files() {
  std::vector<std::string> out;
  for (const auto& entry :
       fs::directory_iterator(fs::path(STRATA_SOURCE_DIR) / "tests/golden/diagnose")) {
    if (entry.path().extension() == ".txt") out.push_back(entry.path().filename().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}
INSTANTIATE_TEST_SUITE_P(Diagnose, Golden, ::testing::ValuesIn(Files()), [](const auto& info) {
  std::string name = info.param.substr(0, info.param.find('.'));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

Facts Pressure(std::int64_t at_ns, bool bad) {
  Book book;
  book.facts.at_ns = at_ns;
  book.facts.objectives.push_back({"*", "*", 2, kAbsent, kAbsent});
  book.Line("rows engine_minute E model=m node=n");
  book.Line(std::string("ttft_p95_s 0.3*20 ") + (bad ? "4" : "0.3"));
  book.Line(std::string("kv_usage_max_ratio 0.4*20 ") + (bad ? "0.99" : "0.4"));
  book.Line(std::string("waiting_max 0*20 ") + (bad ? "12" : "0"));
  return book.facts;
}

TEST(Findings, OpenAfterTwoLooksAndCloseAfterThreeQuietMinutes) {
  constexpr std::int64_t kT = 1'764'000'000 * base::kSecond;
  Findings findings("live");
  const auto look = [&](std::int64_t s, bool bad) {
    const Facts facts = Pressure(kT + s * base::kSecond, bad);
    return findings.Update(facts, Diagnose(facts), facts.at_ns);
  };
  EXPECT_TRUE(look(0, true).empty()) << "seen once: not yet";
  const auto opened = look(10, true);
  ASSERT_EQ(opened.size(), 1u);
  EXPECT_EQ(opened[0].symptom, "ttft_up");
  EXPECT_EQ(opened[0].cause, "l6.kv_saturation");
  EXPECT_EQ(opened[0].closed_ns, 0);
  EXPECT_TRUE(look(20, true).empty()) << "nothing new to say";
  EXPECT_EQ(look(75, true).size(), 1u) << "once a minute the figures are kept";
  EXPECT_TRUE(look(100, false).empty());
  EXPECT_TRUE(look(130, true).empty()) << "came back: still the same finding";
  EXPECT_TRUE(look(200, false).empty());
  const auto closed = look(311, false);
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].id, opened[0].id);
  EXPECT_EQ(closed[0].closed_ns, kT + 130 * base::kSecond);
  EXPECT_TRUE(findings.open().empty());
  const base::Json json = ToJson(closed[0]);
  EXPECT_GE(json["evidence"].size(), 2u);
  EXPECT_GT(FindingBytes(closed[0], kT).size(), 100u);
}

TEST(Findings, ARestartKeepsWhatIsOpen) {
  constexpr std::int64_t kT = 1'764'000'000 * base::kSecond;
  Findings first("live"), second("live");
  for (int s = 0; s < 30; s += 10)
    first.Update(Pressure(kT + s * base::kSecond, true),
                 Diagnose(Pressure(kT + s * base::kSecond, true)), kT + s * base::kSecond);
  ASSERT_EQ(first.open().size(), 1u);
  second.Restore(first.open());
  const Facts quiet = Pressure(kT + 400 * base::kSecond, false);
  const auto closed = second.Update(quiet, Diagnose(quiet), quiet.at_ns);
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].id, first.open()[0].id);
}

TEST(Causes, EveryFactIsReadAndEveryCauseHasItsWords) {
  std::size_t with_rules = 0;
  for (const Cause& c : causes()) {
    EXPECT_FALSE(c.text.empty());
    EXPECT_FALSE(c.remedy.empty()) << c.id;
    with_rules += c.evidence.empty() ? 0 : 1;
    bool need = c.evidence.empty();
    for (const Rule& r : c.evidence) need = need || r.role == Role::need;
    EXPECT_TRUE(need) << c.id << " could be offered without any proof";
  }
  EXPECT_GE(causes().size(), 50u);
  EXPECT_GE(with_rules, 20u);
  const auto columns = ColumnsOf("engine_minute");
  EXPECT_NE(std::find(columns.begin(), columns.end(), "kv_usage_max_ratio"), columns.end());
}

TEST(AddRunning, ScalesSumsOfAPartialMinuteAndYieldsToAClosedOne) {
  Facts facts;
  facts.at_ns = 1'764'000'030 * base::kSecond;
  const std::int64_t minute = 1'764'000'000 * base::kSecond;
  AddRunning({{"engine_minute",
               minute,
               {"E", "m", "n", "", ""},
               [](std::string_view c) { return c == "generation_tokens" ? 50 : kAbsent; }}},
             &facts);
  ASSERT_EQ(facts.tracks.size(), 1u);
  EXPECT_EQ(facts.tracks[0].keys.get("node"), "n");
  const FactName tokens{"engine_minute", "generation_tokens", "", "", "", true, false};
  ASSERT_EQ(ValuesOf(facts, facts.tracks[0], tokens).size(), 1u);
  EXPECT_NEAR(ValuesOf(facts, facts.tracks[0], tokens)[0].second, 100, 1e-9);
  AddRunning(
      {{"engine_minute", minute, {"E", "m", "n", "", ""}, [](std::string_view) { return 1; }}},
      &facts);
  EXPECT_EQ(facts.tracks[0].rows.size(), 1u);
}

}  // namespace
}  // namespace strata::diagnose
