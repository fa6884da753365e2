// SPDX-License-Identifier: Apache-2.0
// The frames are written here by hand from docs/format/nccl-plugin.md, not with the plugin's
// structs.
#include "l2_comm/plugin_stream.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace strata::l2_comm {
namespace {

constexpr std::int64_t kNow = 1'795'000'000'000'000'000;

class Record {
 public:
  Record(std::uint16_t type, std::size_t bytes) : bytes_(bytes, '\0') {
    Put(0, type).Put(2, static_cast<std::uint16_t>(bytes));
  }
  template <typename T>
  Record& Put(std::size_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
    return *this;
  }
  Record& Text(std::size_t at, std::string_view text) {
    std::memcpy(bytes_.data() + at, text.data(), text.size());
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

std::string Frame(const std::vector<Record>& records, std::uint64_t number = 1) {
  std::string frame(24, '\0');
  for (const Record& r : records) frame += r.bytes();
  const auto put = [&](std::size_t at, auto value) {
    std::memcpy(frame.data() + at, &value, sizeof value);
  };
  frame.replace(0, 4, "STNC");
  put(4, std::uint16_t{1}), put(6, static_cast<std::uint16_t>(records.size()));
  put(8, static_cast<std::uint32_t>(frame.size())), put(12, std::uint32_t{77}), put(16, number);
  return frame;
}

Record Communicator(std::uint32_t number = 0, std::int32_t rank = 3, std::int32_t nranks = 8) {
  Record r(2, 192);
  r.Put(4, number).Put(8, std::uint64_t{0x9e7a479f95a66c}).Put(16, rank).Put(20, nranks);
  r.Put(24, std::int32_t{2}).Put(28, std::uint8_t{6}).Put(29, std::uint8_t{1});
  for (std::size_t i = 0; i < 16; ++i) r.Put(32 + i, static_cast<std::uint8_t>(i * 17));
  return r.Text(48, "tensor_parallel");
}

// AllGather of 1000 bfloat16 that took 50 µs on a GPU whose clock is far away.
Record Event(std::uint64_t seq = 5) {
  Record r(3, 240);
  r.Put(4, std::uint8_t{1}).Put(5, std::uint8_t{1}).Put(6, std::uint8_t{1});
  r.Put(16, seq).Put(32, std::uint64_t{1000}).Put(40, kNow - 900'000).Put(48, kNow - 500'000);
  r.Put(56, kNow - 300'000).Put(64, std::uint64_t{7'000'000}).Put(72, std::uint64_t{7'050'000});
  return r.Text(104, "AllGather").Text(144, "ncclBfloat16").Text(168, "RING").Text(208, "LL");
}

class Plugin : public testing::Test {
 protected:
  Plugin() {
    context_.now_ns = kNow;
    context_.resource = &resource_;
  }
  base::Status Decode(std::string_view frame) { return stream_.Decode(frame, context_, &batch_); }
  model::Attributes resource_{{"host.name", "node-1"}};
  wire::Context context_;
  model::Batch batch_;
  PluginStream stream_;
};

TEST_F(Plugin, Row) {
  ASSERT_TRUE(Decode(Frame({Communicator(), Event()})).ok());
  ASSERT_EQ(batch_.collectives.size(), 1u);
  const model::Collective& c = batch_.collectives[0];
  EXPECT_EQ(c.communicator, "0x9e7a479f95a66c");
  EXPECT_EQ(c.seq, 5u);
  EXPECT_EQ(c.operation, "AllGather");
  EXPECT_EQ(c.bytes, 2000u);
  EXPECT_EQ(c.rank, 3);
  EXPECT_EQ(c.nranks, 8);
  EXPECT_EQ(c.gpu, "GPU-00112233-4455-6677-8899-aabbccddeeff");
  EXPECT_EQ(c.node, "node-1");
  EXPECT_TRUE(c.done);
  EXPECT_DOUBLE_EQ(c.duration_s, 50e-6);
  EXPECT_DOUBLE_EQ(c.algbw, 2000 * 8 / 50e-6);
  EXPECT_DOUBLE_EQ(c.busbw, 2000 * 8 / 50e-6 * 7 / 8);
  // The smallest gap seen puts the GPU's end on the host's clock.
  EXPECT_EQ(c.start_ns, kNow - 300'000 - 50'000);
  ASSERT_EQ(batch_.entities.size(), 1u);
  EXPECT_EQ(batch_.entities[0].name, "tensor_parallel");
  EXPECT_EQ(stream_.pid(), 77u);
}

TEST_F(Plugin, GpuClockIsPlacedByTheShortestDelay) {
  ASSERT_TRUE(Decode(Frame({Communicator(), Event(1)})).ok());
  Record later = Event(2);  // 1 ms later on the GPU, told 5 ms later
  later.Put(56, kNow - 300'000 + 5'000'000);
  later.Put(64, std::uint64_t{8'000'000}).Put(72, std::uint64_t{8'050'000});
  ASSERT_TRUE(Decode(Frame({later}, 2)).ok());
  EXPECT_EQ(batch_.collectives[1].start_ns - batch_.collectives[0].start_ns, 1'000'000);
}

TEST_F(Plugin, OpenAndUnseen) {
  Record open = Event(1), unseen = Event(2), unbegun = Event(3);
  open.Put(5, std::uint8_t{0});
  unseen.Put(6, std::uint8_t{0});
  unbegun.Put(5, std::uint8_t{0}).Put(48, std::int64_t{0});
  ASSERT_TRUE(Decode(Frame({Communicator(), open, unseen, unbegun})).ok());
  ASSERT_EQ(batch_.collectives.size(), 3u);
  EXPECT_FALSE(batch_.collectives[0].done);
  EXPECT_EQ(batch_.collectives[0].start_ns, kNow - 500'000);
  EXPECT_TRUE(batch_.collectives[1].done);
  EXPECT_EQ(batch_.collectives[2].start_ns, kNow - 900'000);  // enqueued, not running
  for (const model::Collective& c : batch_.collectives) {
    EXPECT_TRUE(std::isnan(c.duration_s));
    EXPECT_TRUE(std::isnan(c.algbw));
  }
}

TEST_F(Plugin, NotToldIsNotZero) {
  Record event = Event();
  event.Text(144, std::string("Unknown\0\0\0\0\0\0", 12));
  ASSERT_TRUE(Decode(Frame({Communicator(0, 3, -1), event})).ok());
  EXPECT_EQ(batch_.collectives[0].nranks, 0);
  EXPECT_TRUE(std::isnan(batch_.collectives[0].algbw));
}

TEST_F(Plugin, RefusesWholeFrames) {
  const std::string good = Frame({Communicator(), Event()});
  const auto f = [&](std::string frame) {
    PluginStream stream;
    model::Batch batch;
    EXPECT_FALSE(stream.Decode(frame, context_, &batch).ok());
    EXPECT_EQ(batch.refused.total(), 1u);
    EXPECT_TRUE(batch.collectives.empty() && batch.entities.empty());
  };
  f("");
  f("GET / HTTP/1.1\r\n\r\n0123456789");
  for (std::size_t n = 1; n < good.size(); n += 7) f(good.substr(0, n));
  f(good + "12345678");
  const auto with = [&](std::size_t at, char value) {
    std::string frame = good;
    frame[at] = value;
    return frame;
  };
  f(with(4, 2));        // version
  f(with(6, 3));        // records
  f(with(26, 0));       // a record of no bytes
  f(with(26, 7));       // not a multiple of eight
  f(with(27, '\x7f'));  // beyond the frame
  f(std::string(70'000, 'S'));
}

TEST_F(Plugin, RefusesRecordsOneByOne) {
  Record negative = Event(1), later = Event(2), huge = Event(3), nameless = Event(4);
  negative.Put(72, std::uint64_t{6'000'000}).Put(56, kNow - 600'000);  // ends before it begins
  later.Put(48, kNow + 3'600'000'000'000).Put(56, kNow + 3'600'000'000'000);
  huge.Put(32, std::numeric_limits<std::uint64_t>::max());
  nameless.Put(104, '\0');
  Record foreign = Event(5);
  foreign.Put(8, std::uint32_t{9});
  ASSERT_TRUE(Decode(Frame({Record(99, 16), Communicator(), Communicator(1, 9, 8), negative, later,
                            huge, nameless, foreign, Record(3, 64), Event(6)}))
                  .ok());
  ASSERT_EQ(batch_.collectives.size(), 2u);
  EXPECT_TRUE(std::isnan(batch_.collectives[0].duration_s));  // a made-up number it is not
  EXPECT_EQ(batch_.collectives[1].seq, 6u);
  EXPECT_EQ(batch_.refused.total(), 6u) << batch_.refused.example();
}

TEST_F(Plugin, CountsMissingFramesAndLosses) {
  Record counts(5, 72);
  counts.Put(8, std::uint64_t{100}).Put(16, std::uint64_t{7}).Put(24, std::uint64_t{3});
  ASSERT_TRUE(Decode(Frame({Communicator()}, 10)).ok());
  ASSERT_TRUE(Decode(Frame({counts}, 14)).ok());
  EXPECT_EQ(stream_.missing_frames(), 3u);
  EXPECT_EQ(stream_.counts().recorded, 100u);
  EXPECT_EQ(stream_.counts().lost(), 10u);
}

TEST_F(Plugin, AfterTheEndTheNumberIsFree) {
  Record end(4, 16);
  ASSERT_TRUE(Decode(Frame({Communicator(), end, Event()})).ok());
  EXPECT_TRUE(batch_.collectives.empty());
  EXPECT_EQ(batch_.refused.count(base::Reason::unnamed), 1u);
}

}  // namespace
}  // namespace strata::l2_comm
