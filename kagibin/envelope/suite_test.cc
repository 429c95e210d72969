// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/suite.h"

#include <set>
#include <utility>

#include <gtest/gtest.h>

namespace kagibin::envelope {
namespace {

TEST(SuiteTest, SixAreBuiltAndTheOthersAreRefusedByName) {
  const std::set<unsigned> built = {0x01, 0x02, 0x10, 0x11, 0x20, 0x21};
  const std::set<unsigned> defined = {0x03, 0x08};
  ASSERT_EQ(suites().size(), built.size());
  std::set<std::string_view> reasons;
  for (unsigned id = 0; id <= 0xFF; ++id) {
    const Result<SuiteInfo> info = suite_info(static_cast<std::uint8_t>(id));
    ASSERT_EQ(info.has_value(), built.contains(id)) << id;
    if (info) {
      EXPECT_EQ(std::to_underlying(info->suite), id);
      continue;
    }
    EXPECT_EQ(info.error().code, defined.contains(id) ? Errc::kNotSupported : Errc::kValue) << id;
    if (defined.contains(id)) {
      reasons.insert(info.error().detail.text());
    }
  }
  EXPECT_EQ(reasons.size(), defined.size());
}

// Numbers of KEM and AEAD, sizes of keys and encapsulations: RFC 9180, section 7, and the draft of
// the hybrids.
TEST(SuiteTest, TheTableSaysWhatTheRegistrySays) {
  struct Row {
    std::uint8_t suite;
    std::uint16_t kem;
    std::uint16_t aead;
    std::size_t key;
    std::size_t encapsulated;
  };
  for (const Row& row :
       {Row{0x10, 0x0010, 0x0001, 65, 65}, Row{0x11, 0x0020, 0x0001, 32, 32},
        Row{0x20, 0x647A, 0x0002, 1216, 1120}, Row{0x21, 0x0050, 0x0002, 1249, 1153}}) {
    const SuiteInfo info = suite_info(row.suite).value();
    EXPECT_TRUE(info.is_hpke());
    EXPECT_EQ(info.hpke_kem, row.kem);
    EXPECT_EQ(info.enrolment_kem(), row.kem);
    EXPECT_EQ(info.hpke_aead, row.aead);
    EXPECT_EQ(info.enrolment_key_size, row.key);
    EXPECT_EQ(info.encapsulated_size, row.encapsulated);
    EXPECT_EQ(info.sealed_max_size_bytes(), info.payload_max_size_bytes + 16);
    EXPECT_EQ(answer_suite(row.suite), 0x02);
  }
  EXPECT_EQ(suite_info(0x01)->key_size_bytes, 16U);
  EXPECT_EQ(suite_info(0x02)->key_size_bytes, 32U);
  EXPECT_EQ(suite_info(0x02)->sealed_max_size_bytes(), 736U);
  EXPECT_EQ(suite_info(0x01)->enrolment_kem(), 0x0010);
  EXPECT_FALSE(suite_info(0x02)->is_hpke());
  EXPECT_EQ(answer_suite(0x01), 0x01);
  EXPECT_EQ(answer_suite(0x02), 0x02);
}

TEST(SuiteTest, Rl1ToRl4AndOsAreBuiltAndRl0IsRefusedByName) {
  ASSERT_EQ(relay_levels().size(), 5U);
  EXPECT_EQ(relay_level_info(0x01)->name, "RL1");
  EXPECT_EQ(relay_level_info(0x01)->bitmap_bit, 0x01);
  EXPECT_EQ(relay_level_by_name("RL1")->level, RelayLevel::kRl1);
  EXPECT_EQ(relay_level_info(0x02)->bitmap_bit, 0x02);
  EXPECT_EQ(relay_level_by_name("RL2")->level, RelayLevel::kRl2);
  EXPECT_EQ(relay_level_info(0x03)->bitmap_bit, 0x04);
  EXPECT_EQ(relay_level_by_name("RL3")->level, RelayLevel::kRl3);
  EXPECT_EQ(relay_level_info(0x04)->bitmap_bit, 0x08);
  EXPECT_EQ(relay_level_by_name("RL4")->level, RelayLevel::kRl4);
  EXPECT_EQ(relay_level_info(0x05)->bitmap_bit, 0x10);
  EXPECT_EQ(relay_level_by_name("OS")->level, RelayLevel::kOs);
  EXPECT_EQ(relay_level_name(0x05), "OS");
  EXPECT_EQ(relay_level_name(0x04), "RL4");
  for (const char* name : {"RL0"}) {
    const Result<RelayLevelInfo> info = relay_level_by_name(name);
    ASSERT_FALSE(info.has_value());
    EXPECT_EQ(info.error().code, Errc::kNotSupported);
    EXPECT_TRUE(info.error().detail.text().find(name) != std::string_view::npos) << name;
  }
  for (const char* name : {"", "RL", "RL5", "rl1", "RL10", "1", "os", "OS1"}) {
    EXPECT_EQ(relay_level_by_name(name).error().code, Errc::kValue) << name;
  }
  for (unsigned id = 6; id <= 0xFF; ++id) {
    EXPECT_EQ(relay_level_info(static_cast<std::uint8_t>(id)).error().code, Errc::kValue) << id;
  }
}

}  // namespace
}  // namespace kagibin::envelope
