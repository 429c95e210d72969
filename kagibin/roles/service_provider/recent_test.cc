// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/recent.h"

#include <gtest/gtest.h>

#include "kagibin/base/byte_io.h"

namespace kagibin::roles::service_provider {
namespace {

crypto::Digest256 name_of(std::uint32_t number) {
  return crypto::sha256(ByteWriter().u32(number).view());
}

TEST(RecentTest, FindsWhatWasKeptUnderThisNameAlone) {
  Recent<int> recent;
  EXPECT_EQ(recent.find(name_of(1)), nullptr);
  recent.keep(name_of(1), 11);
  ASSERT_NE(recent.find(name_of(1)), nullptr);
  EXPECT_EQ(*recent.find(name_of(1)), 11);
  crypto::Digest256 other = name_of(1);
  other.back() ^= 0x01;
  EXPECT_EQ(recent.find(other), nullptr);
}

TEST(RecentTest, TheOldestMakesRoomForTheNext) {
  Recent<std::uint32_t> recent;
  constexpr std::uint32_t kCapacity = Recent<std::uint32_t>::kCapacity;
  for (std::uint32_t i = 0; i < kCapacity + 2; ++i) {
    recent.keep(name_of(i), i);
  }
  EXPECT_EQ(recent.find(name_of(0)), nullptr);
  EXPECT_EQ(recent.find(name_of(1)), nullptr);
  for (std::uint32_t i = 2; i < kCapacity + 2; ++i) {
    ASSERT_NE(recent.find(name_of(i)), nullptr) << i;
    EXPECT_EQ(*recent.find(name_of(i)), i);
  }
}

}  // namespace
}  // namespace kagibin::roles::service_provider
