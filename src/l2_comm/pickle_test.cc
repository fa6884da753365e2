// SPDX-License-Identifier: Apache-2.0
// The restricted pickle reader: all data opcodes, nothing that acts. The bytes were made with
// CPython's pickle.dumps; hostile ones by hand.
#include "l2_comm/pickle.h"

#include <gtest/gtest.h>

#include <string>

namespace strata::l2_comm {
namespace {

using namespace std::string_literals;

// A tree as Python would show it, near enough.
std::string Show(Plain::Ref v, int depth = 0) {
  if (depth > 10) return "…";
  std::string out;
  std::int64_t n = 0;
  switch (v.type()) {
    case Plain::Type::none: return "None";
    case Plain::Type::boolean: return v.AsBool() ? "True" : "False";
    case Plain::Type::integer: return v.Integer(&n) ? std::to_string(n) : "?";
    case Plain::Type::real: return std::to_string(v.AsReal(0));
    case Plain::Type::text: return "'" + std::string(v.text()) + "'";
    case Plain::Type::list:
      for (std::size_t i = 0; i < v.size(); ++i)
        out += (i > 0 ? ", " : "") + Show(v.at(i), depth + 1);
      return "[" + out + "]";
    case Plain::Type::dict:
      for (std::size_t i = 0; i < v.size(); ++i)
        out += (i > 0 ? ", " : "") + Show(v.key(i), depth + 1) + ": " + Show(v.value(i), depth + 1);
      return "{" + out + "}";
  }
  return out;
}

std::string Read(std::string_view bytes, const PlainLimits& limits = {}) {
  auto tree = ReadPickle(bytes, limits);
  return tree.ok() ? Show(tree->root()) : tree.status().message();
}

std::string FromHex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

TEST(Pickle, AllProtocols) {
  // pickle.dumps({'a': [1, -2, 300, 70000, 2**40, 1.5, None, True, False], 'é': ('x', 'y\n')}, p)
  const std::string want =
      "{'a': [1, -2, 300, 70000, 1099511627776, 1.500000, None, True, False], '\xc3\xa9': ['x', "
      "'y\n']}";
  const char* protocols[] = {
      "286470300a56610a70310a286c70320a49310a61492d320a61493330300a614937303030300a614c"
      "313039393531313632373737364c0a6146312e350a614e614930310a614930300a617356e90a7033"
      "0a2856780a70340a56795c75303030610a70350a7470360a732e",
      "7d71002858010000006171015d7102284b014afeffffff4d2c014a701101004c3130393935313136"
      "32373737364c0a473ff80000000000004e4930310a4930300a655802000000c3a971032858010000"
      "007871045802000000790a7105747106752e",
      "80027d71002858010000006171015d7102284b014afeffffff4d2c014a701101008a060000000000"
      "01473ff80000000000004e8889655802000000c3a9710358010000007871045802000000790a7105"
      "867106752e",
      "80037d71002858010000006171015d7102284b014afeffffff4d2c014a701101008a060000000000"
      "01473ff80000000000004e8889655802000000c3a9710358010000007871045802000000790a7105"
      "867106752e",
      "80049540000000000000007d94288c0161945d94284b014afeffffff4d2c014a701101008a060000"
      "00000001473ff80000000000004e8889658c02c3a9948c0178948c02790a948694752e",
      "80059540000000000000007d94288c0161945d94284b014afeffffff4d2c014a701101008a060000"
      "00000001473ff80000000000004e8889658c02c3a9948c0178948c02790a948694752e",
  };
  for (const char* hex : protocols) EXPECT_EQ(Read(FromHex(hex)), want) << hex;
  // The same with bytes and a set, protocol 4.
  EXPECT_EQ(Read("\x80\x04\x95J\0\0\0\0\0\0\0}\x94(\x8c\x01"
                 "a\x94]\x94(K\x01J\xfe\xff\xff\xffM,\x01Jp\x11\x01\0\x8a\x06\0\0\0\0\0\x01G?"
                 "\xf8\0\0\0\0\0\0N\x88\x89\x65\x8c\x02\xc3\xa9\x94\x8c\x01x\x94\x43\x02yz\x94\x86"
                 "\x94\x8c\x01s\x94\x8f\x94(K\x07\x90u."s),
            "{'a': [1, -2, 300, 70000, 1099511627776, 1.500000, None, True, False], "
            "'\xc3\xa9': ['x', 'yz'], 's': [7]}");
  EXPECT_EQ(Read("\x80\x02}q\0(X\x01\0\0\0aq\x01]q\x02(K\x01K\x02\x65X\x01\0\0\0bq\x03h\x02u."s),
            "{'a': [1, 2], 'b': [1, 2]}");  // the memo gives the same list
  EXPECT_EQ(Read("\x80\x05\x95\x0e\0\0\0\0\0\0\0\x96\x03\0\0\0\0\0\0\0abc\x94."s), "'abc'");
  EXPECT_EQ(Read("(I1\nI2\nd."s), "{1: 2}");
  EXPECT_EQ(Read("(I1\nI2\nl."s), "[1, 2]");
  EXPECT_EQ(Read("S'a\\x41\\n'\n."s), "'aA\n'");
  EXPECT_EQ(Read("\x8a\x01\xff."s), "-1");
  EXPECT_EQ(Read("\x8a\x00."s), "0");
  EXPECT_EQ(Read("\x8a\x09\0\0\0\0\0\0\0\0\x01."s), "18446744073709551616.000000");
  EXPECT_EQ(Read("K\x01(K\x02K\x03\x31."s), "1");  // POP_MARK
  EXPECT_EQ(Read("K\x01K\x02\x30."s), "1");        // POP
  EXPECT_EQ(Read("K\x01\x32\x86."s), "[1, 1]");    // DUP, TUPLE2
}

TEST(Pickle, WhateverActsIsRefusedByName) {
  const auto f = [](const std::string& bytes, const std::string& want) {
    auto tree = ReadPickle(bytes);
    ASSERT_FALSE(tree.ok()) << want;
    EXPECT_EQ(tree.status().code(), base::Code::denied) << tree.status().message();
    EXPECT_NE(tree.status().message().find(want), std::string::npos) << tree.status().message();
  };
  f("cos\nsystem\n(S'echo hacked'\ntR.", "os.system");
  f("\x80\x02"s + "cposix\nsystem\nq\0X\x02\0\0\0idq\x01\x85q\x02Rq\x03."s, "posix.system");
  f("\x80\x04\x95\x1d\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94."s,
    "posix.system");
  f("(S'id'\nios\nsystem\n.", "os.system");
  f("c\x1b[31mx\ny\n.", "?[31mx.y");  // no control bytes into a terminal
  f("K\x01K\x02R.", "calls");
  f("}K\x01\x62.", "builds");
  f("K\x01)\x81.", "calls");
  f("\x82\x01.", "extension");
  f("Pabc\n.", "persistent object abc");
  f("K\x01Q.", "persistent");
}

TEST(Pickle, DamageIsAnError) {
  const std::string good =
      "\x80\x02}q\0(X\x01\0\0\0aq\x01]q\x02(K\x01K\x02\x65X\x01\0\0\0bq\x03h\x02u."s;
  for (std::size_t n = 0; n < good.size(); ++n)
    EXPECT_FALSE(ReadPickle(std::string_view(good).substr(0, n)).ok()) << n;
  for (const std::string& bytes : {"."s,
                                   "(."s,
                                   "K\x01(."s,
                                   "a."s,
                                   "K\x01K\x02\x61."s,
                                   "]K\x01s."s,
                                   "(K\x01\x64."s,
                                   "u."s,
                                   "h\x05."s,
                                   "g9\n."s,
                                   "gx\n."s,
                                   "(q\0."s,
                                   "0."s,
                                   "1."s,
                                   "2."s,
                                   "X\xff\xff\xff\xff."s,
                                   "\x8d\xff\xff\xff\xff\xff"
                                   "\xff\xff\xff."s,
                                   "\x80\x06."s,
                                   "\xfe."s,
                                   "I1x\n."s,
                                   "Fx\n."s,
                                   "Sabc\n."s,
                                   "\x86."s,
                                   "(\x85."s,
                                   "](e"s}) {
    EXPECT_FALSE(ReadPickle(bytes).ok()) << bytes;
  }
}

TEST(Pickle, LimitsHoldWhateverIsClaimed) {
  EXPECT_NE(Read(std::string(200, '(') + "."s).find("nested too deep"), std::string::npos);
  std::string many = "(";
  for (int i = 0; i < 100; ++i) many += "K\x01";
  EXPECT_NE(Read(many + "l.", {50, 10}).find("more than 50"), std::string::npos);
  EXPECT_NE(Read("]" + std::string(100, '2') + "0.", {50, 10}).find("too many"), std::string::npos);
  // A list that holds itself, ten thousand times: no recursion anywhere.
  std::string ring = "]q\0("s;
  for (int i = 0; i < 10'000; ++i) ring += "h\0"s;
  auto tree = ReadPickle(ring + "e.");
  ASSERT_TRUE(tree.ok());
  EXPECT_EQ(tree->root().size(), 10'000u);
  EXPECT_EQ(tree->root().at(7).at(8).size(), 10'000u);
}

TEST(Plain, JsonIsTheSameTree) {
  const std::string text = R"({"a":[1,-2,1.5,null,true,"7",18446744073709551615],"b":{"c":"d"}})";
  auto tree = Plain::FromJson(text);
  ASSERT_TRUE(tree.ok()) << tree.status().message();
  EXPECT_EQ(Show(tree->root()),
            "{'a': [1, -2, 1.500000, None, True, '7', 18446744073709551616.000000], 'b': {'c': "
            "'d'}}");
  std::int64_t n = 0;
  EXPECT_TRUE(tree->root()["a"].at(5).Integer(&n));  // numbers that stand as text
  EXPECT_EQ(n, 7);
  EXPECT_FALSE(tree->root()["b"]["c"].Integer(&n));
  EXPECT_FALSE(Plain::FromJson("[" + text, {}).ok());
  EXPECT_FALSE(Plain::FromJson(text, {3, 100}).ok());
  EXPECT_FALSE(Plain::FromJson(std::string(500, '[') + std::string(500, ']')).ok());
}

}  // namespace
}  // namespace strata::l2_comm
