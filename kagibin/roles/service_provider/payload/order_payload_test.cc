// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/payload/order_payload.h"

#include <gtest/gtest.h>

#include "tests/support/mutations.h"

namespace kagibin::roles::service_provider {
namespace {

envelope::PutKeyAction::Key key_of(std::uint8_t octet, std::size_t size) {
  envelope::PutKeyAction::Key out;
  out.value = SecretBytes::copy_of(Bytes(size, octet));
  out.kcv = {octet, 0x02, 0x03};
  return out;
}

// DELETE KEY, then PUT KEY of one key that is here and two that are in a token.
OrderPayload payload() {
  envelope::PutKeyAction put{.new_key_version = 0x31, .first_key_identifier = 0x01, .keys = {}};
  put.keys.push_back(key_of(0xA1, 16));
  put.keys.push_back(key_of(0xA2, 0));
  put.keys.push_back(key_of(0xA3, 0));
  OrderPayload out;
  out.actions.emplace_back(envelope::DeleteKeyAction{.key_version = 0x40});
  out.actions.emplace_back(std::move(put));
  out.held.push_back({.action = 1,
                      .key = 1,
                      .value = {.uri = "pkcs11:token=a;object=b",
                                .check_value = crypto::LongCheckValue{0xC1, 2, 3, 4, 5, 6, 7, 8}}});
  out.held.push_back({.action = 1,
                      .key = 2,
                      .value = {.uri = "pkcs11:token=a;object=fleet",
                                .size_bytes = 32,
                                .label = "KB1-KDV",
                                .context = {0x01, 0x02},
                                .check_value = crypto::LongCheckValue{0xC2}}});
  return out;
}

const std::vector<envelope::PutKeyAction::Key>& keys_of(const OrderPayload& payload) {
  return std::get<envelope::PutKeyAction>(payload.actions[1]).keys;
}

TEST(OrderPayloadTest, KeysInATokenComeBackAsPlacesWithoutAValue) {
  OrderPayload before = payload();
  EXPECT_TRUE(before.check());
  const auto octets = before.encode();
  ASSERT_TRUE(octets.has_value());
  EXPECT_TRUE(keys_of(before)[1].value.empty()) << "the stand-ins are taken out again";
  auto after = OrderPayload::decode(octets->expose());
  ASSERT_TRUE(after.has_value()) << after.error().detail.text();
  ASSERT_EQ(after->held.size(), 2U);
  EXPECT_EQ(after->held[0].action, 1U);
  EXPECT_EQ(after->held[0].key, 1U);
  EXPECT_EQ(after->held[0].value.uri, "pkcs11:token=a;object=b");
  EXPECT_EQ(after->held[0].value.size_bytes, 16U);
  EXPECT_FALSE(after->held[0].value.is_derived());
  EXPECT_EQ(after->held[1].value.label, "KB1-KDV");
  EXPECT_EQ(after->held[1].value.context, (Bytes{0x01, 0x02}));
  EXPECT_EQ(after->held[1].value.size_bytes, 32U);
  EXPECT_EQ(after->held[0].value.check_value, before.held[0].value.check_value);
  EXPECT_EQ(after->held[1].value.check_value, before.held[1].value.check_value);
  EXPECT_EQ(keys_of(*after)[0].value.size(), 16U);
  EXPECT_TRUE(keys_of(*after)[1].value.empty());
  EXPECT_TRUE(keys_of(*after)[2].value.empty());
  EXPECT_EQ(keys_of(*after)[2].kcv, keys_of(before)[2].kcv);
  const auto again = after->encode();
  ASSERT_TRUE(again.has_value());
  EXPECT_TRUE(ct_equal(again->expose(), octets->expose()));
}

// What does not know of tokens neither seals nor sends it.
TEST(OrderPayloadTest, NothingElseTakesTheStandInsForKeys) {
  OrderPayload held = payload();
  const auto octets = held.encode();
  ASSERT_TRUE(octets.has_value());
  EXPECT_FALSE(envelope::Payload::decode(octets->expose()));
  envelope::Payload plain;
  plain.actions = std::move(held.actions);
  EXPECT_FALSE(plain.check()) << "a key without a value";
}

TEST(OrderPayloadTest, APayloadWithoutThemIsAsItWas) {
  envelope::Payload plain;
  plain.actions.emplace_back(envelope::DeleteKeyAction{.key_version = 0x40});
  OrderPayload same;
  same.actions.emplace_back(envelope::DeleteKeyAction{.key_version = 0x40});
  EXPECT_TRUE(ct_equal(same.encode()->expose(), plain.encode().expose()));
  EXPECT_FALSE(same.puts_clear_values());
  EXPECT_TRUE(payload().puts_clear_values()) << "its first key is here";
  auto first = payload();
  std::get<envelope::PutKeyAction>(first.actions[1]).keys[0].value = SecretBytes();
  EXPECT_FALSE(first.puts_clear_values());
}

TEST(OrderPayloadTest, RefusesPlacesThatAreNone) {
  for (const auto& [action, key] :
       {std::pair<std::size_t, std::size_t>{0, 0}, {1, 0}, {1, 3}, {2, 0}}) {
    OrderPayload wrong = payload();
    wrong.held[0].action = action;
    wrong.held[0].key = key;
    EXPECT_FALSE(wrong.check()) << action << " " << key;
    EXPECT_FALSE(wrong.encode()) << action << " " << key;
  }
  OrderPayload twice = payload();
  twice.held[1].key = 1;
  EXPECT_FALSE(twice.check());
  OrderPayload unnamed = payload();
  unnamed.held[1].value.check_value.reset();
  EXPECT_EQ(unnamed.encode().error().code, Errc::kInvalidArgument) << "any key would do";
  OrderPayload odd = payload();
  odd.held[0].value.size_bytes = 17;
  EXPECT_FALSE(odd.check());
}

TEST(OrderPayloadTest, NoTruncationDecodesAndNothingMayFollow) {
  const auto octets = payload().encode();
  ASSERT_TRUE(octets.has_value());
  const auto decodes = [](const Bytes& damaged) {
    return OrderPayload::decode(damaged).has_value();
  };
  EXPECT_EQ(accepted(test::truncations(octets->expose()), decodes), test::Names());
  Bytes longer(octets->expose().begin(), octets->expose().end());
  longer.push_back(0x00);
  EXPECT_FALSE(OrderPayload::decode(longer));
}

TEST(OrderPayloadTest, EveryFieldOfAPlaceIsReadStrictly) {
  const auto octets = payload().encode();
  ASSERT_TRUE(octets.has_value());
  // C3 alone as a template, with the same P behind each of its mutations.
  const ByteView all = octets->expose();
  const std::size_t size = 2U + all[1];
  ASSERT_LT(all[1], 0x80);
  const auto decodes = [&](const Bytes& damaged) {
    Bytes whole = damaged;
    append(whole, all.subspan(size));
    auto decoded = OrderPayload::decode(whole);
    return decoded && decoded->encode().has_value();
  };
  EXPECT_EQ(accepted(test::tlv_mutations(all.first(size), {0}), decodes),
            (test::Names{"shorter 83", "longer 83"}))
      << "another name of the key";
}

}  // namespace
}  // namespace kagibin::roles::service_provider
