// SPDX-License-Identifier: Apache-2.0
#include "l1_gpu/xid.h"

#include <gtest/gtest.h>

#include <set>

namespace strata::l1_gpu {
namespace {

TEST(Xid, SaysWhatACodeMeansAndWhatToDo) {
  const auto f = [](int code, std::string_view severity, std::string_view scope,
                    std::string_view action) {
    const XidFact* fact = FindXid(code);
    ASSERT_NE(fact, nullptr) << code;
    EXPECT_EQ(fact->code, code);
    EXPECT_EQ(fact->severity, severity) << code;
    EXPECT_EQ(fact->scope, scope) << code;
    EXPECT_EQ(fact->action, action) << code;
    EXPECT_FALSE(ActionText(fact->action).empty()) << code;
  };
  f(13, "error", "process", "restart_app");
  f(43, "warning", "process", "none");
  f(48, "critical", "gpu", "follow_ecc_flow");
  f(63, "warning", "gpu", "reset_when_idle");
  f(74, "critical", "link", "nvlink_flow");
  f(79, "critical", "gpu", "reboot_node");
  f(94, "error", "process", "restart_app");
  f(149, "depends", "link", "nvlink5_flow");
  EXPECT_EQ(FindXid(0), nullptr);
  EXPECT_EQ(FindXid(-1), nullptr);
  EXPECT_EQ(FindXid(100000), nullptr);
}

TEST(Xid, EveryRowIsFoundAndNamesAnActionThatExists) {
  std::set<int> codes;
  for (const XidFact& fact : xid_facts()) {
    EXPECT_TRUE(codes.insert(fact.code).second) << fact.code;
    EXPECT_EQ(FindXid(fact.code), &fact);
    EXPECT_FALSE(ActionText(fact.action).empty()) << fact.code;
  }
  EXPECT_GT(codes.size(), 170u);
  for (const SxidFact& fact : sxid_facts()) EXPECT_EQ(FindSxid(fact.code), &fact);
  EXPECT_EQ(sxid_facts().size(), 93u);
}

TEST(Xid, Nvlink5IsDecidedByUnitAndStatus) {
  EXPECT_EQ(FindNvlinkRule(145, "RLW_SRC_TRACK", 1)->action, "reset_gpu");
  EXPECT_EQ(FindNvlinkRule(145, "RLW_SRC_TRACK", 2)->action, "none");
  EXPECT_EQ(FindNvlinkRule(149, "NETIR_LINK_DOWN", 0)->severity, "critical");
  EXPECT_FALSE(FindNvlinkRule(149, "NETIR_LINK_EVT", 0)->certain);
  EXPECT_EQ(FindNvlinkRule(145, "RLW_SRC_TRACK", 0x40000000), nullptr);
  EXPECT_EQ(FindNvlinkRule(144, "RLW_SRC_TRACK", 1), nullptr);
}

TEST(Xid, RecoveryActions) {
  EXPECT_EQ(RecoveryAction(0), "none");
  EXPECT_EQ(RecoveryAction(2), "node_reboot");
  EXPECT_EQ(RecoveryAction(77), "");
}

TEST(Xid, DescribesAnEvent) {
  model::Event event;
  DescribeXid(79, "NVIDIA H100 (0000:18:00)", &event);
  EXPECT_EQ(event.layer, "l1_gpu");
  EXPECT_EQ(event.event, "gpu.fault.event");
  EXPECT_EQ(event.severity, "error");
  EXPECT_EQ(event.message,
            "Xid 79 on NVIDIA H100 (0000:18:00): GPU no longer answers on PCIe; cordon, drain, "
            "reboot the bare-metal node");
  EXPECT_EQ(event.attributes.get("code"), "79");
  EXPECT_EQ(event.attributes.get("action"), "reboot_node");
  EXPECT_EQ(event.attributes.get("scope"), "gpu");
  model::Event unknown;
  DescribeXid(4'000'000'000ULL, "", &unknown);
  EXPECT_EQ(unknown.attributes.get("action"), "contact_support");
  EXPECT_EQ(unknown.attributes.get("code"), "4000000000");
  model::Event mild;
  DescribeXid(43, "", &mild);
  EXPECT_EQ(mild.severity, "warning");
}

}  // namespace
}  // namespace strata::l1_gpu
