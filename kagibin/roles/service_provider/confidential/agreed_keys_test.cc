// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/confidential/agreed_keys.h"

#include <algorithm>
#include <array>

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

AgreedSet agreed_set(std::uint8_t octet, std::size_t size = 16, bool replaces_all = false) {
  return {.keys = set_of(octet, size), .replaces_all = replaces_all};
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
  must(agreed.keep(agreed_set(0x11)));
  must(agreed.keep(agreed_set(0x22)));
  must(agreed.keep(agreed_set(0x22)));
  must(under(0x32).keep(agreed_set(0x33)));
  EXPECT_EQ(must(agreed.waiting()).size(), 2U);
  EXPECT_FALSE(known(0x31).has_value());
  EXPECT_FALSE(must(agreed.is_agreed(set_of(0x11))));
}

TEST_F(AgreedKeysTest, AdoptingOneMakesItTheSetAndForgetsTheOthersOfItsName) {
  AgreedKeys agreed = under(0x31);
  must(agreed.keep(agreed_set(0x11, 32)));
  must(agreed.keep(agreed_set(0x22, 32)));
  must(under(0x32).keep(agreed_set(0x33)));
  must(agreed.adopt(agreed_set(0x22, 32)));
  EXPECT_TRUE(must(agreed.waiting()).empty());
  EXPECT_EQ(must(under(0x32).waiting()).size(), 1U);
  ASSERT_TRUE(known(0x31).has_value());
  EXPECT_TRUE(ct_equal(known(0x31)->dek.expose(), set_of(0x22, 32).dek.expose()));
  EXPECT_TRUE(must(agreed.is_agreed(set_of(0x22, 32))));
  EXPECT_FALSE(must(agreed.is_agreed(set_of(0x11, 32))));
  EXPECT_FALSE(must(under(0x32).is_agreed(set_of(0x22, 32))));
}

// Amendment A, scenario 3: b1 of the parameters
TEST_F(AgreedKeysTest, ASetThatReplacesAllIsTheOnlyOneOfItsDomain) {
  const auto put = [&](const Seid& seid, const Aid& domain, std::uint8_t version) {
    must(world_.keys->put_channel_keys(seid, domain, version, set_of(version)));
  };
  const auto has = [&](const Seid& seid, const Aid& domain, std::uint8_t version) {
    return must(world_.keys->channel_keys(seid, domain, version)).has_value();
  };
  constexpr auto kVersions = std::to_array<std::uint8_t>({0x30, 0x31, 0x32});
  const Aid domain = test::Deployment::domain_aid();
  const Aid longer = *Aid::from_hex(domain.hex() + "31");
  Seid other = seid_;
  other.octets[0] = 2;
  for (const std::uint8_t version : kVersions) {
    put(seid_, domain, version);
    put(seid_, longer, version);
    put(other, domain, version);
  }
  must(under(0x33).keep(agreed_set(0x33)));
  for (const std::size_t size : {16U, 24U, 32U}) {
    must(under(0x31).keep(agreed_set(0x44, size, true)));
    std::vector<AgreedSet> waiting = must(under(0x31).waiting());
    ASSERT_EQ(waiting.size(), 1U) << size;
    EXPECT_TRUE(waiting[0].replaces_all);
    EXPECT_EQ(waiting[0].keys.mac.size(), size);
    must(under(0x31).adopt(waiting[0]));
    EXPECT_FALSE(has(seid_, domain, 0x30));
    EXPECT_TRUE(has(seid_, domain, 0x31));
    EXPECT_FALSE(has(seid_, domain, 0x32));
  }
  EXPECT_TRUE(must(under(0x31).is_agreed(set_of(0x44, 32))));
  // Other domains, other elements, and what waits under another version stay.
  for (const std::uint8_t version : kVersions) {
    EXPECT_TRUE(has(seid_, longer, version));
    EXPECT_TRUE(has(other, domain, version));
  }
  EXPECT_EQ(must(under(0x33).waiting()).size(), 1U);
}

TEST_F(AgreedKeysTest, ASetBesideTheOthersLeavesThem) {
  must(world_.keys->put_channel_keys(seid_, test::Deployment::domain_aid(), 0x30, set_of(0x30)));
  must(under(0x31).keep(agreed_set(0x11)));
  must(under(0x31).adopt(must(under(0x31).waiting()).at(0)));
  EXPECT_TRUE(known(0x30).has_value());
  EXPECT_TRUE(known(0x31).has_value());
}

TEST_F(AgreedKeysTest, AnExportedSetIsNoAgreedOne) {
  must(world_.keys->put_channel_keys(seid_, test::Deployment::domain_aid(), 0x31, set_of(0x11)));
  EXPECT_FALSE(must(under(0x31).is_agreed(set_of(0x11))));
}

TEST_F(AgreedKeysTest, KeysOfAnotherSizeAreNone) {
  EXPECT_EQ(under(0x31).keep(agreed_set(0x11, 15)).error().code, Errc::kLength);
  EXPECT_EQ(decode_key_set({}).error().code, Errc::kEncoding);
  EXPECT_EQ(decode_key_set(Bytes(48)).error().code, Errc::kEncoding);
  EXPECT_EQ(decode_key_set(Bytes(46)).error().code, Errc::kEncoding);
  EXPECT_TRUE(decode_key_set(Bytes(49)).has_value());
}

}  // namespace
}  // namespace kagibin::roles::service_provider
