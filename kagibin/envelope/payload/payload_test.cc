// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/payload/payload.h"

#include <gtest/gtest.h>

#include "kagibin/envelope/test_delivery.h"

#include "tests/support/mutations.h"

namespace kagibin::envelope {
namespace {

using test::Names;

SecretBytes secret(std::size_t size) { return SecretBytes::copy_of(Bytes(size, 0x5A)); }

bool decodes(const Bytes& octets) {
  const Result<Payload> payload = Payload::decode(octets);
  EXPECT_TRUE(!payload || equal(payload->encode().expose(), octets));
  return payload.has_value();
}

// P has no tag of its own: a tag around it lets tlv_mutations damage it.
constexpr tlv::Tag kAround = 0x7F22;
bool decodes_inside(const Bytes& octets) {
  const ByteView value = tlv::read_single(octets, kAround)->value;
  return decodes(Bytes(value.begin(), value.end()));
}

Names accepted(const Payload& payload, const std::vector<std::size_t>& path) {
  const Bytes around = tlv::encode(kAround, payload.encode().expose());
  return test::accepted(test::tlv_mutations(around, path), decodes_inside);
}

Errc code_of(const Payload& payload) {
  const Result<void> checked = payload.check();
  const Result<Payload> decoded = Payload::decode(payload.encode().expose());
  KB_CHECK(!checked && !decoded);
  EXPECT_EQ(checked.error().code, decoded.error().code);
  return decoded.error().code;
}

Payload with(Action action) {
  Payload out = payload_with_every_action();
  out.actions.clear();
  out.actions.push_back(std::move(action));
  return out;
}

PutKeyAction put_key(std::size_t keys, std::size_t key_size) {
  PutKeyAction out{
      .old_key_version = 0, .new_key_version = 0x31, .first_key_identifier = 0x01, .keys = {}};
  for (std::size_t i = 0; i < keys; ++i) {
    out.keys.push_back({.type = kKeyTypeAes, .value = secret(key_size), .kcv = {1, 2, 3}});
  }
  return out;
}

TEST(PayloadTest, EveryActionRoundTrips) {
  const Payload payload = payload_with_every_action();
  const SecretBytes octets = payload.encode();
  const Payload read = Payload::decode(octets.expose()).value();
  EXPECT_TRUE(ct_equal(read.encode().expose(), octets.expose()));
  ASSERT_EQ(read.actions.size(), 4U);
  const auto& keys = std::get<PutKeyAction>(read.actions[0]);
  EXPECT_EQ(keys.new_key_version, 0x31);
  ASSERT_EQ(keys.keys.size(), 3U);
  EXPECT_TRUE(ct_equal(keys.keys[2].value.expose(), Bytes(16, 0x43)));
  const auto& data = std::get<StoreDataAction>(read.actions[1]);
  ASSERT_TRUE(data.application && data.probe && read.channel_keys);
  EXPECT_EQ(data.application->hex(), "A0000001510001");
  EXPECT_TRUE(data.under_key_dek);
  EXPECT_EQ(to_hex(*data.probe), "80CA00E000");
  EXPECT_EQ(std::get<DeleteKeyAction>(read.actions[2]).key_version, 0x20);
  EXPECT_EQ(to_hex(std::get<CommandAction>(read.actions[3]).header), "80E20000");
  EXPECT_TRUE(ct_equal(read.channel_keys->dek.expose(), Bytes(32, 0xE3)));
  EXPECT_TRUE(ct_equal(read.receipt_key.expose(), Bytes(16, 0x52)));
}

TEST(PayloadTest, IsReadInOneForm) {
  const Payload payload = payload_with_every_action();
  // C1 is optional to the codec; check_channel_keys asks for it by level.
  EXPECT_EQ(accepted(payload, {}), Names{"drop C1"});
  // Actions may come in any order and number up to eight.
  EXPECT_EQ(accepted(payload, {0}),
            (Names{"drop A1", "double A1", "swap A1", "drop A2", "double A2", "swap A2", "drop A3",
                   "double A3", "swap A3", "drop A4", "double A4"}));
  EXPECT_EQ(accepted(payload, {1}), Names());
}

TEST(PayloadTest, ActionsAreReadInOneForm) {
  const Payload payload = payload_with_every_action();
  EXPECT_EQ(accepted(payload, {0, 0}),
            (Names{"drop A0", "swap A0", "drop A0", "swap A0", "drop A0"}));
  EXPECT_EQ(accepted(payload, {0, 0, 3}), Names());
  EXPECT_EQ(accepted(payload, {0, 1}),
            (Names{"drop 80", "shorter 80", "longer 80", "drop 83", "shorter 83"}));
  EXPECT_EQ(accepted(payload, {0, 2}), Names());
  EXPECT_EQ(accepted(payload, {0, 3}), (Names{"empty 81", "shorter 81", "longer 81"}));
}

TEST(PayloadTest, TruncationAtEveryOctetIsRefused) {
  const SecretBytes octets = payload_with_every_action().encode();
  EXPECT_EQ(test::accepted(test::truncations(octets.expose()), decodes), Names());
}

TEST(PayloadTest, FlippedBitsDecodeToWhatTheyEncodeOrNotAtAll) {
  const SecretBytes octets = payload_with_every_action().encode();
  const Names read = test::accepted(test::bit_flips(octets.expose()), decodes);
  EXPECT_GT(read.size(), 100U);  // bits of keys are free: the MAC protects them
}

TEST(PayloadTest, HoldsOneToEightActions) {
  Payload payload = with(DeleteKeyAction{.key_version = 0x20});
  while (payload.actions.size() < kMaxActions) {
    payload.actions.emplace_back(DeleteKeyAction{.key_version = 0x20});
  }
  EXPECT_TRUE(Payload::decode(payload.encode().expose()).has_value());
  payload.actions.emplace_back(DeleteKeyAction{.key_version = 0x20});
  EXPECT_EQ(code_of(payload), Errc::kLimit);
  payload.actions.clear();
  EXPECT_FALSE(payload.check().has_value());
  EXPECT_FALSE(Payload::decode(payload.encode().expose()).has_value());
}

TEST(PayloadTest, PutKeyHoldsOneToThreeAesKeys) {
  for (const std::size_t keys : {1UZ, 2UZ, 3UZ}) {
    for (const std::size_t size : {16UZ, 24UZ, 32UZ}) {
      EXPECT_TRUE(decodes([&] {
        const SecretBytes octets = with(put_key(keys, size)).encode();
        return Bytes(octets.expose().begin(), octets.expose().end());
      }()));
    }
  }
  EXPECT_EQ(code_of(with(put_key(0, 16))), Errc::kLimit);
  EXPECT_EQ(code_of(with(put_key(4, 16))), Errc::kLimit);
  for (const std::size_t size : {0UZ, 15UZ, 17UZ, 20UZ, 33UZ, 48UZ}) {
    EXPECT_EQ(code_of(with(put_key(1, size))), Errc::kLength) << size;
  }
  for (const unsigned type : {0x80U, 0x85U, 0x90U, 0xB0U, 0x00U}) {
    PutKeyAction action = put_key(1, 16);
    action.keys[0].type = static_cast<std::uint8_t>(type);
    EXPECT_EQ(code_of(with(std::move(action))), Errc::kNotSupported) << type;
  }
}

TEST(PayloadTest, KeyVersionsAndIdentifiersHaveTheirRanges) {
  const auto code = [](auto change) {
    PutKeyAction action = put_key(3, 16);
    change(action);
    return code_of(with(std::move(action)));
  };
  EXPECT_EQ(code([](auto& a) { a.old_key_version = 0x80; }), Errc::kValue);
  EXPECT_EQ(code([](auto& a) { a.new_key_version = 0x00; }), Errc::kValue);
  EXPECT_EQ(code([](auto& a) { a.new_key_version = 0x80; }), Errc::kValue);
  EXPECT_EQ(code([](auto& a) { a.first_key_identifier = 0x00; }), Errc::kValue);
  EXPECT_EQ(code([](auto& a) { a.first_key_identifier = 0x7E; }), Errc::kValue);
  PutKeyAction last = put_key(3, 16);
  last.first_key_identifier = 0x7D;
  last.old_key_version = last.new_key_version = 0x7F;
  EXPECT_TRUE(with(std::move(last)).check().has_value());
  EXPECT_EQ(code_of(with(DeleteKeyAction{.key_version = 0x00})), Errc::kValue);
  EXPECT_EQ(code_of(with(DeleteKeyAction{.key_version = 0x80})), Errc::kValue);
}

TEST(PayloadTest, StoreDataIsAListOfDataGroups) {
  const auto store = [](std::string_view hex) {
    return with(StoreDataAction{.application = std::nullopt,
                                .under_key_dek = false,
                                .data = SecretBytes::copy_of(*from_hex(hex)),
                                .probe = std::nullopt});
  };
  const std::string longest(2 * std::size_t{0xFE}, '5');
  for (const std::string& hex :
       {std::string("8000 00"), std::string("8000 02 0102"), std::string("8000 01 AA 8001 01 BB"),
        "8000 FE" + longest, "8000 FF 00FF" + longest + "55"}) {
    EXPECT_TRUE(store(hex).check().has_value()) << hex;
  }
  for (const std::string& hex :
       {std::string("8000 02 01"), std::string("8000 01 AA 80"), std::string("8000 01 AA 8001"),
        std::string("8000 FF 00"), std::string("8000 FF 0004 010203"),
        std::string("8000 FF 0003 010203"), std::string("8000 FF 0000"), "8000 FF 00FE" + longest,
        "8000 FF 00FF" + longest}) {
    EXPECT_EQ(code_of(store(hex)), Errc::kEncoding) << hex;
  }
  EXPECT_EQ(code_of(store("8000")), Errc::kLength);
  Payload large = store("8000 00");
  auto& data = std::get<StoreDataAction>(large.actions[0]).data;
  data = SecretBytes(kStoreDataMaxSize);  // DGI 0000 of length 00, 300 times
  EXPECT_TRUE(large.check().has_value());
  data = SecretBytes(kStoreDataMaxSize + 3);
  EXPECT_EQ(code_of(large), Errc::kLength);
}

TEST(PayloadTest, StoreDataRefusesOtherFlags) {
  const Payload payload = with(StoreDataAction{.application = std::nullopt,
                                               .under_key_dek = true,
                                               .data = SecretBytes(3),  // DGI 0000, length 00
                                               .probe = std::nullopt});
  const SecretBytes octets = payload.encode();
  const std::string hex = to_hex(octets.expose());
  const std::size_t at = hex.find("8101018203");
  ASSERT_NE(at, std::string::npos);
  for (const char* flags : {"8101028203", "8101038203", "8101808203"}) {
    const Bytes changed = *from_hex(std::string(hex).replace(at, 10, flags));
    EXPECT_EQ(Payload::decode(changed).error().code, Errc::kValue) << flags;
  }
}

// 80 CA 00 00, then Lc, data and Le as far as the size goes.
Bytes probe_of(std::size_t size) {
  Bytes out{0x80, 0xCA, 0x00, 0x00};
  out.resize(size, 0x00);
  if (size > 5) {
    out[4] = static_cast<std::uint8_t>(size - 6);
  }
  return out;
}

TEST(PayloadTest, CommandsAndProbesFitShortCommands) {
  const auto command = [](std::size_t data, std::optional<std::size_t> probe) {
    return with(CommandAction{.header = {0x80, 0x40, 0x00, 0x00},
                              .data = secret(data),
                              .probe = probe ? std::optional(probe_of(*probe)) : std::nullopt});
  };
  EXPECT_TRUE(command(0, std::nullopt).check().has_value());
  EXPECT_TRUE(command(kCommandDataMaxSize, kProbeMaxSize).check().has_value());
  EXPECT_TRUE(command(1, kProbeMinSize).check().has_value());
  EXPECT_EQ(code_of(command(kCommandDataMaxSize + 1, std::nullopt)), Errc::kLength);
  EXPECT_EQ(code_of(command(1, kProbeMinSize - 1)), Errc::kLength);
  EXPECT_EQ(code_of(command(1, kProbeMaxSize + 1)), Errc::kLength);
}

TEST(PayloadTest, ChannelKeysAreThreeOfOneSize) {
  const auto code = [](auto change) {
    Payload payload = payload_with_every_action();
    change(payload.channel_keys.emplace());
    return code_of(payload);
  };
  const auto keys = [](std::size_t enc, std::size_t mac, std::size_t dek, std::uint8_t version) {
    return [=](ChannelKeys& out) {
      out.key_version = version;
      out.enc = secret(enc);
      out.mac = secret(mac);
      out.dek = secret(dek);
    };
  };
  EXPECT_EQ(code(keys(32, 16, 32, 0x30)), Errc::kLength);
  EXPECT_EQ(code(keys(32, 32, 24, 0x30)), Errc::kLength);
  EXPECT_EQ(code(keys(0, 0, 0, 0x30)), Errc::kLength);
  EXPECT_EQ(code(keys(16, 0, 16, 0x30)), Errc::kLength);
  EXPECT_EQ(code(keys(0, 16, 16, 0x30)), Errc::kLength);
  EXPECT_EQ(code(keys(20, 20, 20, 0x30)), Errc::kLength);
  EXPECT_EQ(code(keys(16, 16, 16, 0x00)), Errc::kValue);
  EXPECT_EQ(code(keys(16, 16, 16, 0x80)), Errc::kValue);
}

TEST(PayloadTest, Rl1NeedsTheChannelKeysThatItsHeaderNames) {
  TestDelivery t;
  Payload payload = t.payload();
  EXPECT_TRUE(check_channel_keys(t.header(), payload).has_value());
  ASSERT_TRUE(payload.channel_keys);
  payload.channel_keys->key_version = 0x32;
  EXPECT_EQ(check_channel_keys(t.header(), payload).error().code, Errc::kValue);
  payload.channel_keys.reset();
  EXPECT_EQ(check_channel_keys(t.header(), payload).error().code, Errc::kValue);
}

// Protocol, 6: C1 at RL4 is 80 and 83.
TEST(PayloadTest, AtRl4C1IsKeyDekAloneAndAtNoOtherLevel) {
  TestDelivery t;
  Payload payload = t.payload();
  EnvelopeHeader header = t.header();
  header.level = 0x04;
  header.suite = 0x20;
  header.key_identifier = 0x11;
  header.key_version_number = 0x03;
  header.required_i_mask = 0x00;
  ASSERT_TRUE(header.check());
  EXPECT_EQ(check_channel_keys(header, payload).error().code, Errc::kValue) << "three keys";
  payload.channel_keys = ChannelKeys{.key_version = 0x03, .dek = secret(32)};
  ASSERT_TRUE(payload.check());
  EXPECT_TRUE(check_channel_keys(header, payload));
  const auto read = Payload::decode(payload.encode().expose());
  ASSERT_TRUE(read.has_value());
  EXPECT_TRUE(read->channel_keys->is_dek_alone());
  EXPECT_EQ(read->channel_keys->dek.size(), 32U);
  EXPECT_TRUE(equal(read->encode().expose(), payload.encode().expose()));
  payload.channel_keys->key_version = 0x04;
  EXPECT_EQ(check_channel_keys(header, payload).error().code, Errc::kValue);
  payload.channel_keys->key_version = 0x03;
  for (const std::uint8_t level : {std::uint8_t{1}, std::uint8_t{3}}) {
    EnvelopeHeader other = t.header();
    other.level = level;
    other.key_version_number = 0x03;
    EXPECT_EQ(check_channel_keys(other, payload).error().code, Errc::kValue) << int{level};
  }
  EnvelopeHeader rl2 = header;
  rl2.level = 0x02;
  EXPECT_EQ(check_channel_keys(rl2, payload).error().code, Errc::kValue);
  payload.actions.emplace_back(DeleteKeyAction{.key_version = 0x03});
  EXPECT_EQ(check_channel_keys(header, payload).error().code, Errc::kValue) << "touches the key";
  payload.actions.pop_back();
  payload.channel_keys.reset();
  EXPECT_EQ(check_channel_keys(header, payload).error().code, Errc::kValue) << "no Key-DEK";
  for (const std::uint8_t suite :
       {std::uint8_t{0x01}, std::uint8_t{0x02}, std::uint8_t{0x10}, std::uint8_t{0x11}}) {
    header.suite = suite;
    EXPECT_EQ(header.check().error().code, Errc::kValue) << int{suite};
  }
}

}  // namespace
}  // namespace kagibin::envelope
