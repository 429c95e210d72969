// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/confidential/agreed_keys.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::roles::service_provider {
namespace {

using test::must;

ChannelKeySet set_of(std::uint8_t octet, std::size_t size = 16) {
  SecretBytes key(size);
  std::ranges::fill(key.expose_mutable(), octet);
  return {.i = 0, .enc = key.duplicate(), .mac = key.duplicate(), .dek = key.duplicate()};
}

class AgreedKeysTest : public testing::Test {
 protected:
  AgreedKeysTest() { seid_.octets[0] = 1; }
  AgreedKeys under(std::uint8_t version) {
    return {world_.journal, *world_.keys, {seid_, test::Deployment::domain_aid(), version}};
  }
  std::optional<ChannelKeySet> known(std::uint8_t version) {
    return must(world_.keys->channel_keys(seid_, test::Deployment::domain_aid(), version));
  }

  test::Deployment world_{"agreed keys"};
  Seid seid_;
};

TEST_F(AgreedKeysTest, WaitingSetsStandBesideEachOtherAndNoOrderSeesThem) {
  AgreedKeys agreed = under(0x31);
  EXPECT_TRUE(must(agreed.waiting()).empty());
  must(agreed.keep(set_of(0x11)));
  must(agreed.keep(set_of(0x22)));
  must(agreed.keep(set_of(0x22)));
  must(under(0x32).keep(set_of(0x33)));
  EXPECT_EQ(must(agreed.waiting()).size(), 2U);
  EXPECT_FALSE(known(0x31).has_value());
  EXPECT_FALSE(must(agreed.is_agreed(set_of(0x11))));
}

TEST_F(AgreedKeysTest, AdoptingOneMakesItTheSetAndForgetsTheOthersOfItsName) {
  AgreedKeys agreed = under(0x31);
  must(agreed.keep(set_of(0x11, 32)));
  must(agreed.keep(set_of(0x22, 32)));
  must(under(0x32).keep(set_of(0x33)));
  must(agreed.adopt(set_of(0x22, 32)));
  EXPECT_TRUE(must(agreed.waiting()).empty());
  EXPECT_EQ(must(under(0x32).waiting()).size(), 1U);
  ASSERT_TRUE(known(0x31).has_value());
  EXPECT_TRUE(ct_equal(known(0x31)->dek.expose(), set_of(0x22, 32).dek.expose()));
  EXPECT_TRUE(must(agreed.is_agreed(set_of(0x22, 32))));
  EXPECT_FALSE(must(agreed.is_agreed(set_of(0x11, 32))));
  EXPECT_FALSE(must(under(0x32).is_agreed(set_of(0x22, 32))));
}

TEST_F(AgreedKeysTest, AnExportedSetIsNoAgreedOne) {
  must(world_.keys->put_channel_keys(seid_, test::Deployment::domain_aid(), 0x31, set_of(0x11)));
  EXPECT_FALSE(must(under(0x31).is_agreed(set_of(0x11))));
}

TEST_F(AgreedKeysTest, KeysOfAnotherSizeAreNone) {
  EXPECT_EQ(under(0x31).keep(set_of(0x11, 15)).error().code, Errc::kLength);
  EXPECT_EQ(decode_key_set({}).error().code, Errc::kEncoding);
  EXPECT_EQ(decode_key_set(Bytes(48)).error().code, Errc::kEncoding);
  EXPECT_EQ(decode_key_set(Bytes(46)).error().code, Errc::kEncoding);
  EXPECT_TRUE(decode_key_set(Bytes(49)).has_value());
}

}  // namespace
}  // namespace kagibin::roles::service_provider
