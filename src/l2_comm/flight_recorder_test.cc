// SPDX-License-Identifier: Apache-2.0
// Real incidents with known culprits, and dumps made up to be hard.
#include "l2_comm/flight_recorder.h"

#include <gtest/gtest.h>

#include <set>

#include "l2_comm/l2_comm.h"

namespace strata::l2_comm {
namespace {

constexpr std::int64_t kNow = 1'795'000'000'000'000'000;

wire::Context Now() {
  wire::Context context;
  context.now_ns = kNow;
  return context;
}

std::string Path(const std::string& name) {
  return std::string(STRATA_SOURCE_DIR) + "/tests/golden/l2/" + name;
}

struct Outcome {
  base::Json report;
  model::Batch batch;
  std::size_t strangers = 0;
};

Outcome ReadPath(const std::string& name) {
  Outcome out;
  FlightRecorder recorder;
  const base::Status status = base::ForEachInput(Path(name), [&](base::InputFile file) {
    if (!LooksFlightRecorder(file.bytes)) {
      ++out.strangers;
    } else {
      const base::Status added = recorder.Add(file, &out.batch.refused);
      EXPECT_TRUE(added.ok()) << added.message();
    }
    return base::Status::Ok();
  });
  EXPECT_TRUE(status.ok()) << status.message();
  recorder.Finish(Now(), &out.batch, &out.report);
  return out;
}

Outcome ReadFiles(const std::vector<std::pair<std::string, std::string>>& files) {
  Outcome out;
  FlightRecorder recorder;
  for (const auto& [name, bytes] : files)
    (void)recorder.Add({name, bytes}, &out.batch.refused).ok();
  recorder.Finish(Now(), &out.batch, &out.report);
  return out;
}

// "9,14", "4027x5120", … of the last line of an expected file: PGID | desc | op | size | dtype |
// ranks
struct Expected {
  std::string pg, desc, op, size, dtype, ranks;
};
Expected ReadExpected(const std::string& name) {
  auto text = base::ReadFile(Path(name));
  EXPECT_TRUE(text.ok());
  std::string_view line = *text;
  line.remove_prefix(line.find('\n') + 1);
  line = line.substr(0, line.find('\n'));
  std::vector<std::string> cells;
  while (true) {
    std::string_view cell = line.substr(0, line.find('|'));
    line.remove_prefix(std::min(line.size(), cell.size() + 1));
    cell = cell.substr(cell.find_first_not_of(' '));
    cells.emplace_back(cell.substr(0, cell.find_last_not_of(' ') + 1));
    if (line.empty()) break;
  }
  EXPECT_EQ(cells.size(), 6u);
  cells.resize(6);
  return {cells[0], cells[1], cells[2], cells[3], cells[4], cells[5]};
}

std::string Join(const base::Json& list, const char* by) {
  std::string out;
  for (const base::Json& v : list.array()) out += (out.empty() ? "" : by) + v.dump();
  return out;
}

TEST(FlightRecorder, IncidentsNameTheirCulprits) {
  const auto f = [](const std::string& name, const std::vector<int>& entries) {
    const Expected want = ReadExpected("flight-" + name + ".expected.txt");
    std::string first;
    for (const char* end : {".tar.gz", ".ndjson.gz"}) {
      Outcome out = ReadPath("flight-" + name + end);
      const base::Json& report = out.report;
      EXPECT_EQ(report["report"].as_string(), "flight_recorder");
      EXPECT_EQ(report["version"].as_string(), "2.9");
      EXPECT_EQ(report["ranks"].as_int(), 16);
      for (std::size_t r = 0; r < entries.size(); ++r)
        EXPECT_EQ(report["entries"][std::to_string(r)].as_int(), entries[r]) << r;
      EXPECT_EQ(report["verdict"].as_string(), "stuck");
      EXPECT_EQ(Join(report["culprits"], ","), want.ranks);
      const base::Json& stuck = report["stuck"].at(0);
      EXPECT_EQ(stuck["process_group"].at(0).as_string(), want.pg);
      EXPECT_EQ(stuck["process_group"].at(1).as_string() + ",0", want.desc);
      EXPECT_EQ(stuck["profiling_name"].as_string(), want.op);
      EXPECT_EQ(stuck["operation"].as_string(), "AllToAll");
      EXPECT_EQ(Join(stuck["input_sizes"].at(0), "x"), want.size);
      EXPECT_EQ(stuck["dtype"].as_string(), want.dtype);
      EXPECT_EQ(Join(stuck["missing_ranks"], ","), want.ranks);
      EXPECT_TRUE(out.batch.refused.empty());
      EXPECT_EQ(out.strangers, end == std::string(".tar.gz") ? 1u : 0u);  // fault_injection.log
      ASSERT_EQ(out.batch.events.size(), 1u);
      EXPECT_EQ(out.batch.events[0].event, "comm.hang");
      EXPECT_EQ(out.batch.events[0].attributes.get("culprits"), want.ranks);
      EXPECT_EQ(out.batch.events[0].severity, "error");
      // Pickle and JSON are the same dumps.
      if (first.empty()) first = report.dump();
      EXPECT_EQ(report.dump(), first);
    }
  };
  f("gpu_error_1st", {20, 20, 20, 20, 8, 8, 8, 8, 19, 19, 19, 19, 27, 16, 43, 15});
  f("lock_gil_1st", {11, 11, 11, 11, 11, 11, 11, 11, 9, 0, 9, 9, 9, 9, 0, 9});
}

// ---- made-up dumps

std::string Entry(const std::string& op, int seq, const std::string& state,
                  const std::string& sizes = "[[4,4]]", const std::string& more = "") {
  return R"({"record_id":)" + std::to_string(seq) +
         R"(,"pg_id":0,"process_group":["0","default_pg"],"collective_seq_id":)" +
         std::to_string(seq) + R"(,"p2p_seq_id":0,"profiling_name":"nccl:)" + op +
         R"(","time_created_ns":)" + std::to_string(1758610505000000000 + seq) +
         R"(,"input_sizes":)" + sizes +
         R"(,"input_dtypes":["Float"],"output_sizes":[[4,4]],"output_dtypes":["Float"],"state":")" +
         state + R"(","retired":false,"is_p2p":false)" + more + "}";
}

std::string Dump(const std::string& entries, const std::string& ranks = "[0, 1, 2]",
                 const std::string& status = "{}") {
  return R"({"version":"2.10","pg_config":{"0":{"name":"0","desc":"default_pg","ranks":")" + ranks +
         R"("}},"pg_status":)" + status + R"(,"entries":[)" + entries + "]}";
}

TEST(FlightRecorder, CompleteAndNoEvent) {
  const std::string dump = Dump(Entry("all_reduce", 1, "completed"));
  Outcome out = ReadFiles({{"d/_dump_0", dump}, {"d/_dump_1", dump}, {"d/_dump_2", dump}});
  EXPECT_EQ(out.report["verdict"].as_string(), "complete");
  EXPECT_EQ(out.report["ranks"].as_int(), 3);
  EXPECT_TRUE(out.batch.events.empty());
}

TEST(FlightRecorder, AnotherOperationOrSizeIsADesync) {
  const std::string a = Dump(Entry("all_reduce", 1, "scheduled"));
  const auto f = [&](const std::string& b, bool desync) {
    Outcome out = ReadFiles({{"_dump_0", a}, {"_dump_1", b}, {"_dump_2", a}});
    EXPECT_EQ(out.report["verdict"].as_string(), desync ? "desync" : "stuck") << b;
    EXPECT_EQ(out.report["culprits"].dump(), desync ? "[1]" : "[]") << b;
    if (!desync) return;
    EXPECT_EQ(out.report["stuck"].at(0)["other"].at(0)["rank"].as_int(), 1);
    EXPECT_EQ(out.batch.events.at(0).attributes.get("verdict"), "desync");
  };
  f(Dump(Entry("all_gather", 1, "scheduled")), true);
  f(Dump(Entry("all_reduce", 1, "scheduled", "[[5,4]]")), true);
  f(Dump(Entry("all_reduce", 1, "scheduled", "[[16]]")), false);  // as many elements
  f(Dump(Entry("all_reduce", 1, "scheduled")), false);
  // What each rank gives to an all-to-all is its own affair.
  const std::string all = Dump(Entry("all_to_all", 1, "scheduled"));
  Outcome out = ReadFiles({{"_dump_0", all},
                           {"_dump_1", Dump(Entry("all_to_all", 1, "scheduled", "[[9,4]]"))},
                           {"_dump_2", all}});
  EXPECT_EQ(out.report["verdict"].as_string(), "stuck");
  EXPECT_EQ(out.report["culprits"].dump(), "[]");
  EXPECT_EQ(out.batch.events.at(0).severity, "warning");  // all came; nobody is named
}

TEST(FlightRecorder, TheCulpritsStackIsTold) {
  const std::string frames =
      R"(,"frames":[{"name":"forward","filename":"model.py","line":42},{"name":"main","filename":"train.py","line":7}])";
  const std::string done = Entry("all_reduce", 1, "completed", "[[4,4]]", frames);
  const std::string waits = Dump(done + "," + Entry("all_reduce", 2, "started"));
  Outcome out = ReadFiles({{"_dump_0", waits}, {"_dump_1", Dump(done)}, {"_dump_2", waits}});
  EXPECT_EQ(out.report["culprits"].dump(), "[1]");
  const base::Json& last = out.report["culprits_last"].at(0);
  EXPECT_EQ(last["rank"].as_int(), 1);
  EXPECT_EQ(last["seq"].as_int(), 1);
  EXPECT_EQ(last["frames"].at(0).as_string(), "forward model.py:42");
}

TEST(FlightRecorder, StatusTellsWhereEntriesAreGone) {
  const std::string waits = Dump(Entry("all_reduce", 9, "scheduled"));
  // Only what is not done is in these dumps: rank 1 is through with 9, rank 2 never came there.
  Outcome out =
      ReadFiles({{"_dump_0", waits},
                 {"_dump_1", Dump("", "[0, 1, 2]", R"({"0":{"last_enqueued_collective":"9"}})")},
                 {"_dump_2", Dump("", "[0, 1, 2]", R"({"0":{"last_enqueued_collective":"8"}})")}});
  EXPECT_EQ(out.report["culprits"].dump(), "[2]");
}

TEST(FlightRecorder, PipelinesWithoutCollectives) {
  const auto p2p = [](int rank, const std::string& op, const std::string& state) {
    return Dump(R"({"record_id":1,"pg_id":0,"process_group":["0","pp"],"collective_seq_id":0,)"
                R"("p2p_seq_id":)" +
                std::to_string(10 + rank) + R"(,"profiling_name":"nccl:)" + op +
                R"(","time_created_ns":5,"input_sizes":[[4]],"input_dtypes":["Float"],"state":")" +
                state + R"(","is_p2p":true})");
  };
  // 0 sends to 1, 1 receives from 2, 2 is nowhere.
  Outcome out = ReadFiles({{"_dump_0", p2p(0, "send 0->1", "scheduled")},
                           {"_dump_1", p2p(1, "recv 1<-2", "scheduled")},
                           {"_dump_2", Dump("")}});
  EXPECT_EQ(out.report["verdict"].as_string(), "stuck");
  EXPECT_EQ(out.report["culprits"].dump(), "[2]");
  Outcome met = ReadFiles({{"_dump_0", p2p(0, "send 0->1", "scheduled")},
                           {"_dump_1", p2p(1, "recv 1<-0", "scheduled")},
                           {"_dump_2", Dump("")}});
  EXPECT_EQ(met.report["verdict"].as_string(), "complete");
}

// What is lost of an incident may hide its culprits; it never makes others.
TEST(FlightRecorder, LostDumpsAccuseNobody) {
  const auto f = [](const std::string& name, const std::set<std::string>& truth, bool cut) {
    std::vector<std::pair<std::string, std::string>> dumps;
    ASSERT_TRUE(base::ForEachInput(Path(name), [&](base::InputFile file) {
                  if (LooksFlightRecorder(file.bytes)) dumps.emplace_back(file.name, file.bytes);
                  return base::Status::Ok();
                }).ok());
    ASSERT_EQ(dumps.size(), 16u);
    for (std::size_t lost = 0; lost < dumps.size(); ++lost) {
      const std::string rank = std::to_string(RankOfName(dumps[lost].first));
      auto some = dumps;
      if (cut)
        some[lost].second.resize(600);
      else
        some.erase(some.begin() + static_cast<std::ptrdiff_t>(lost));
      const Outcome out = ReadFiles(some);
      std::set<std::string> culprits, want = truth;
      want.erase(rank);
      for (const base::Json& c : out.report["culprits"].array()) culprits.insert(c.dump());
      // Without one that it may be waiting for a culprit is only suspected.
      if (!cut && (rank == "0" || rank == "8" || rank == "13")) {
        EXPECT_EQ(out.report["suspects"].at(0).dump(), "12");
        want.clear();
      }
      EXPECT_EQ(culprits, want) << name << " without " << rank;
      for (const base::Json& row : out.report["stuck"].array())
        for (const base::Json& missing : row["missing_ranks"].array())
          EXPECT_NE(missing.dump(), rank);
      EXPECT_TRUE(out.report["incomplete"].as_bool());
      EXPECT_EQ(out.report["unreadable_ranks"].dump(), cut ? "[" + rank + "]" : "[]");
      EXPECT_EQ(out.report["ranks_without_dump"].dump(), cut ? "[]" : "[" + rank + "]");
      const std::string& message = out.batch.events.at(0).message;
      EXPECT_NE(message.find((cut ? "dumps not read: " : "no dump: ") + rank), message.npos)
          << message;
    }
  };
  f("flight-lock_gil_1st.tar.gz", {"9", "14"}, true);
  f("flight-gpu_error_1st.tar.gz", {"12"}, false);
}

TEST(FlightRecorder, ACutFileLeavesTheRestUnknown) {
  std::string lines;
  ASSERT_TRUE(base::ForEachInput(Path("flight-lock_gil_1st.ndjson.gz"), [&](base::InputFile file) {
                lines = file.bytes;
                return base::Status::Ok();
              }).ok());
  Outcome half = ReadFiles({{"all.ndjson", lines.substr(0, lines.size() / 2)}});
  EXPECT_EQ(half.report["culprits"].dump(), "[]");
  EXPECT_TRUE(half.report["incomplete"].as_bool());
  EXPECT_EQ(half.batch.refused.total(), 1u);
  // An archive that ends early: who was not in it may have a dump in the rest.
  const std::string waits = Dump(Entry("all_reduce", 1, "started"));
  FlightRecorder recorder;
  Outcome cut;
  ASSERT_TRUE(recorder.Add({"a.tar!_dump_0", waits}, &cut.batch.refused).ok());
  recorder.AddLost("a.tar");
  recorder.Finish(Now(), &cut.batch, &cut.report);
  EXPECT_EQ(cut.report["cut_inputs"].dump(), R"(["a.tar"])");
  EXPECT_EQ(cut.report["unreadable_ranks"].dump(), "[1,2]");
  EXPECT_EQ(cut.report["ranks_without_dump"].dump(), "[]");
  EXPECT_EQ(cut.report["stuck"].at(0)["unknown_ranks"].dump(), "[1,2]");
  // Nothing waits in what was read: that is not "complete".
  Outcome quiet = ReadFiles(
      {{"_dump_0", Dump(Entry("all_reduce", 1, "completed"))}, {"_dump_1", "{\"pg_config\""}});
  EXPECT_EQ(quiet.report["verdict"].as_string(), "unknown");
}

TEST(FlightRecorder, AStrangerByContentMayBeALostDumpByName) {
  const std::string waits = Dump(Entry("all_reduce", 1, "started"));
  FlightRecorder recorder;
  Outcome out;
  ASSERT_TRUE(recorder.Add({"_dump_0", waits}, &out.batch.refused).ok());
  for (const char* name : {"d/_dump_0", "d/_dump_1", "d/stdout_2.txt", "notes"})
    recorder.AddStranger(name);
  recorder.Finish(Now(), &out.batch, &out.report);
  EXPECT_EQ(out.report["unreadable_ranks"].dump(), "[1]");
  EXPECT_EQ(out.report["ranks_without_dump"].dump(), "[2]");
}

TEST(FlightRecorder, FormsOfJson) {
  const std::string a = Dump(Entry("all_reduce", 1, "completed")),
                    waits = Dump(Entry("all_reduce", 1, "completed") + "," +
                                 Entry("all_reduce", 2, "scheduled"));
  const auto wrap = [](int rank, const std::string& dump) {
    return R"({"rank":)" + std::to_string(rank) + R"(,"dump":)" + dump + "}";
  };
  const auto f = [](const std::string& bytes, std::uint64_t refused) {
    Outcome out = ReadFiles({{"all.json", bytes}});
    EXPECT_EQ(out.report["ranks"].as_int(), 3);
    EXPECT_EQ(out.report["culprits"].dump(), "[1]");
    EXPECT_EQ(out.batch.refused.total(), refused);
  };
  const std::string lines = wrap(0, waits) + "\n" + wrap(1, a) + "\n" + wrap(2, waits) + "\n";
  f(lines, 0);
  f(lines + wrap(2, waits).substr(0, 90), 1);  // cut
  f("[" + wrap(0, waits) + "," + wrap(1, a) + "," + wrap(2, waits) + "]", 0);
}

TEST(FlightRecorder, BareEntriesOfOldVersions) {
  const auto entry = [](int seq, const std::string& state) {
    return R"({"pg_id":0,"seq_id":)" + std::to_string(seq) +
           R"(,"profiling_name":"nccl:all_reduce","input_sizes":[[4]],"state":")" + state + R"("})";
  };
  const std::string waits = "[" + entry(1, "completed") + "," + entry(2, "started") + "]";
  Outcome out =
      ReadFiles({{"_0", waits}, {"_1", "[" + entry(1, "completed") + "]"}, {"_2", waits}});
  EXPECT_EQ(out.report["ranks"].as_int(), 3);
  EXPECT_TRUE(out.report["version"].is_null());
  EXPECT_EQ(out.report["culprits"].dump(), "[1]");
}

TEST(FlightRecorder, CoalescedOperationsAreOne) {
  const auto entry = [](int record, const std::string& op, const std::string& sizes) {
    return Entry(op, 1, "started", sizes, R"(,"x":)" + std::to_string(record));
  };
  const auto dump = [&](const std::string& second) {
    return Dump(entry(0, "_broadcast_oop", "[[4,4]]") + "," + entry(1, "_broadcast_oop", second) +
                    "," + entry(2, "ALLGATHER_coalesced", "[[]]"),
                "[0, 1, 2]");
  };
  Outcome same =
      ReadFiles({{"_0", dump("[[5,5]]")}, {"_1", dump("[[5,5]]")}, {"_2", dump("[[5,5]]")}});
  EXPECT_EQ(same.report["verdict"].as_string(), "stuck");
  EXPECT_EQ(same.report["stuck"].at(0)["operation"].as_string(), "AllGather");
  Outcome other =
      ReadFiles({{"_0", dump("[[5,5]]")}, {"_1", dump("[[4,4]]")}, {"_2", dump("[[5,5]]")}});
  EXPECT_EQ(other.report["verdict"].as_string(), "desync");
  EXPECT_EQ(other.report["culprits"].dump(), "[1]");
}

TEST(FlightRecorder, RanksFromNames) {
  const std::string dump = Dump(Entry("all_reduce", 1, "completed"));
  for (const char* name : {"x.tar.gz!_dump_2", "/tmp/7/rank2.json.gz", "nccl_trace_rank_2",
                           "comm_rank_2_20260101.pkl", "2.pkl", "trace_2"}) {
    EXPECT_EQ(RankOfName(name), 2) << name;
    Outcome out = ReadFiles({{name, dump}});
    ASSERT_EQ(out.report["ranks"].as_int(), 1) << name;
    EXPECT_EQ(out.report["entries"].object().at(0).first, "2") << name;
  }
  // Any other number in a name is none: refused, not guessed. Inside it may be told.
  for (const char* name : {"model-v2.9", "run2024-11-24.pkl", "trace-2", "x", "frank2x", "_dump_",
                           "run_20241124.pkl"}) {
    EXPECT_EQ(RankOfName(name), -1) << name;
    Outcome out = ReadFiles({{name, dump}});
    EXPECT_EQ(out.report["ranks"].as_int(), 0) << name;
    EXPECT_EQ(out.batch.refused.count(base::Reason::malformed), 1u) << name;
    Outcome told = ReadFiles({{name, R"({"rank":2,)" + dump.substr(1)}});
    EXPECT_EQ(told.report["entries"].object().at(0).first, "2") << name;
  }
}

TEST(FlightRecorder, WhatIsNotBelieved) {
  const auto f = [](const std::string& name, const std::string& bytes, base::Reason reason,
                    const std::string& why) {
    Outcome out;
    FlightRecorder recorder;
    const base::Status status = recorder.Add({name, bytes}, &out.batch.refused);
    EXPECT_FALSE(status.ok()) << why;
    EXPECT_NE(status.message().find(why), std::string::npos) << status.message();
    EXPECT_EQ(out.batch.refused.count(reason), 1u) << why;
    EXPECT_EQ(recorder.ranks(), 0u);
  };
  std::string million = "[0";
  for (int i = 1; i < 1'000'000; ++i) million += "," + std::to_string(i);
  f("_dump_0", Dump("", million + "]"), base::Reason::oversize, "not believed");
  f("_dump_0", R"({"pg_config":{"0":{"name":"0","ranks":)" + million + R"(]}},"entries":[]})",
    base::Reason::oversize, "not believed");
  f("x", R"({"rank":1000000,"dump":)" + Dump("") + "}", base::Reason::oversize, "beyond");
  f("_dump_0", "cos\nsystem\n(S'id'\ntR.", base::Reason::unsupported, "os.system");
  f("_dump_0", "{\"pg_config\":", base::Reason::malformed, "JSON");
  f("_dump_0", "{\"a\":1}", base::Reason::malformed, "no flight recorder dump");
  f("_dump_0", "", base::Reason::malformed, "pickle");
  // The second dump that claims them is no better, and a good one beside them is read.
  Outcome mixed = ReadFiles({{"_dump_0", Dump("", million + "]")},
                             {"_dump_1", Dump("", million + "]")},
                             {"_dump_2", Dump("")}});
  EXPECT_EQ(mixed.batch.refused.count(base::Reason::oversize), 2u);
  EXPECT_EQ(mixed.report["ranks"].as_int(), 1);
  // The same rank twice: the first counts.
  Outcome twice = ReadFiles({{"_dump_0", Dump("")}, {"a/_dump_0", Dump("")}});
  EXPECT_EQ(twice.batch.refused.count(base::Reason::duplicate), 1u);
  // Entries of strange shape do not end the dump: they are refused, and their rank is not accused.
  const std::string waits = Dump(Entry("all_reduce", 1, "started"));
  Outcome odd = ReadFiles({{"_dump_0", Dump("7,null,[],{},{\"process_group\":\"x\"}")},
                           {"_dump_1", waits},
                           {"_dump_2", waits}});
  EXPECT_EQ(odd.report["entries"]["0"].as_int(), 0);
  EXPECT_EQ(odd.batch.refused.count(base::Reason::malformed), 5u);
  EXPECT_EQ(odd.report["culprits"].dump(), "[]");
  EXPECT_EQ(odd.report["unreadable_ranks"].dump(), "[0]");
  Outcome nothing = ReadFiles({{"_dump_0", Dump("{}")}});
  EXPECT_TRUE(nothing.batch.events.empty());
}

}  // namespace
}  // namespace strata::l2_comm
