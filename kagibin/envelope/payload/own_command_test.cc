// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/payload/own_command.h"

#include <gtest/gtest.h>

#include "kagibin/envelope/test_delivery.h"

namespace kagibin::envelope {
namespace {

Bytes hex(std::string_view text) { return *from_hex(text); }

Payload with(Action action) {
  TestDelivery t;
  Payload out = t.payload();
  out.actions.push_back(std::move(action));
  return out;
}

Payload with_command(std::uint8_t cla, std::optional<Bytes> probe = {}) {
  return with(CommandAction{
      .header = {cla, 0x52, 0x01, 0x00}, .data = SecretBytes(16), .probe = std::move(probe)});
}

Payload with_store_data(std::optional<Bytes> probe) {
  return with(StoreDataAction{.application = std::nullopt,
                              .under_key_dek = false,
                              .data = SecretBytes(3),  // DGI 0000, length 00
                              .probe = std::move(probe)});
}

TEST(OwnCommandTest, CommandsAndProbesAreListedInTheirOrder) {
  const Payload payload = with_command(0x80, hex("8054010003112233"));
  const std::vector<OwnCommand> expected{
      {.action = 1, .header = {0x80, 0x52, 0x01, 0x00}, .is_probe = false},
      {.action = 1, .header = {0x80, 0x54, 0x01, 0x00}, .is_probe = true}};
  EXPECT_EQ(own_commands(payload.actions), expected);
  EXPECT_EQ(own_commands(with_store_data(hex("80CA00CF")).actions).size(), 1U);
  EXPECT_TRUE(own_commands(with_store_data(std::nullopt).actions).empty());
}

// Protocol, 6: a command of the target's own "only inside a session that encrypts".
TEST(OwnCommandTest, TheHeaderHasToDemandRmacAndRencForThem) {
  for (unsigned mask = 0; mask <= 0xFF; ++mask) {
    TestDelivery t;
    EnvelopeHeader header = t.header();
    header.required_i_mask = static_cast<std::uint8_t>(mask);
    const bool is_enough = (mask & 0x20U) != 0 && (mask & 0x40U) != 0;
    EXPECT_EQ(check_own_commands(header, with_command(0x80)).has_value(), is_enough) << mask;
    EXPECT_EQ(check_own_commands(header, with_store_data(hex("80CA00CF"))).has_value(), is_enough);
    // What the KDA makes by itself answers nothing of the application's.
    EXPECT_TRUE(check_own_commands(header, t.payload())) << mask;
    EXPECT_TRUE(check_own_commands(header, with_store_data(std::nullopt))) << mask;
  }
}

TEST(OwnCommandTest, TheClassOctetIsWithoutChannelChainingAndSecureMessaging) {
  for (unsigned cla = 0; cla <= 0xFF; ++cla) {
    const auto octet = static_cast<std::uint8_t>(cla);
    EXPECT_EQ(is_plain_class(octet), cla == 0x00 || cla == 0x80) << cla;
    EXPECT_EQ(with_command(octet).check().has_value(), is_plain_class(octet)) << cla;
    Bytes probe = hex("80540100");
    probe[0] = octet;
    EXPECT_EQ(with_command(0x80, probe).check().has_value(), is_plain_class(octet)) << cla;
    EXPECT_EQ(with_store_data(probe).check().has_value(), is_plain_class(octet)) << cla;
  }
}

TEST(OwnCommandTest, AProbeIsAShortCommandWhoseLengthsAgree) {
  for (const char* good :
       {"80540100", "8054010000", "80540100011A", "80540100011A00", "8054010003010203"}) {
    EXPECT_TRUE(check_probe_command(hex(good))) << good;
  }
  for (const char* bad :
       {"", "805401", "805401000001", "80540100021A", "80540100011A0000", "80540100000001AA"}) {
    EXPECT_FALSE(check_probe_command(hex(bad))) << bad;
  }
  Bytes longest = hex("80540100DF");
  longest.resize(5 + 0xDF, 0xAA);
  EXPECT_TRUE(check_probe_command(longest));
  longest.push_back(0x00);
  EXPECT_TRUE(check_probe_command(longest));
  longest.push_back(0x00);
  EXPECT_FALSE(check_probe_command(longest));
}

}  // namespace
}  // namespace kagibin::envelope
