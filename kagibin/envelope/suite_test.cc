// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/suite.h"

#include <set>

#include <gtest/gtest.h>

namespace kagibin::envelope {
namespace {

TEST(SuiteTest, OnlySuite01IsBuiltAndTheOthersAreRefusedByName) {
  ASSERT_EQ(suites().size(), 1U);
  EXPECT_EQ(suite_info(0x01)->suite, Suite::k01);
  EXPECT_EQ(suite_info(0x01)->key_size_bytes, 16U);
  EXPECT_EQ(suite_info(0x01)->sealed_max_size_bytes(), 736U);
  const std::set<unsigned> defined = {0x02, 0x03, 0x08, 0x10, 0x11, 0x20, 0x21};
  std::set<std::string_view> reasons;
  for (unsigned id = 0; id <= 0xFF; ++id) {
    const Result<SuiteInfo> info = suite_info(static_cast<std::uint8_t>(id));
    if (id == 0x01) {
      continue;
    }
    ASSERT_FALSE(info.has_value());
    EXPECT_EQ(info.error().code, defined.contains(id) ? Errc::kNotSupported : Errc::kValue) << id;
    if (defined.contains(id)) {
      reasons.insert(info.error().detail.text());
    }
  }
  EXPECT_EQ(reasons.size(), defined.size());
}

TEST(SuiteTest, Rl1AndRl2AreBuiltAndTheOthersAreRefusedByName) {
  ASSERT_EQ(relay_levels().size(), 2U);
  EXPECT_EQ(relay_level_info(0x01)->name, "RL1");
  EXPECT_EQ(relay_level_info(0x01)->bitmap_bit, 0x01);
  EXPECT_EQ(relay_level_by_name("RL1")->level, RelayLevel::kRl1);
  EXPECT_EQ(relay_level_info(0x02)->bitmap_bit, 0x02);
  EXPECT_EQ(relay_level_by_name("RL2")->level, RelayLevel::kRl2);
  for (const char* name : {"RL0", "RL3", "RL4"}) {
    const Result<RelayLevelInfo> info = relay_level_by_name(name);
    ASSERT_FALSE(info.has_value());
    EXPECT_EQ(info.error().code, Errc::kNotSupported);
    EXPECT_TRUE(info.error().detail.text().find(name) != std::string_view::npos) << name;
  }
  for (const char* name : {"", "RL", "RL5", "rl1", "RL10", "1"}) {
    EXPECT_EQ(relay_level_by_name(name).error().code, Errc::kValue) << name;
  }
  for (unsigned id = 5; id <= 0xFF; ++id) {
    EXPECT_EQ(relay_level_info(static_cast<std::uint8_t>(id)).error().code, Errc::kValue) << id;
  }
}

}  // namespace
}  // namespace kagibin::envelope
