// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/card/card_capability.h"

#include <gtest/gtest.h>

namespace kagibin::gp {
namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

// What an NXP JCOP 4 card answered to GET DATA 0067, as a published trace of it has it.
constexpr std::string_view kJcop4 =
    "6728A00D800103810500102060708201078103E5BEC082031E030083010284010285017B86010C87017B";

// GPCS H.4: card capability information
TEST(CardCapabilityTest, ReadsWhatACardAnsweredAndWritesItBack) {
  const auto card = CardCapability::decode(hex(kJcop4));
  ASSERT_TRUE(card.has_value());
  ASSERT_EQ(card->protocols.size(), 1U);
  EXPECT_EQ(card->protocols[0].scp, 3);
  EXPECT_EQ(to_hex(card->protocols[0].options), "0010206070");
  EXPECT_EQ(card->protocols[0].key_sizes, 7);
  EXPECT_EQ(card->domain_privileges->bits, 0xE5BEC0U);
  EXPECT_EQ(card->application_privileges.bits, 0x1E0300U);
  EXPECT_EQ(to_hex(card->hashes), "02");
  EXPECT_EQ(card->block_ciphers, 2);
  EXPECT_EQ(to_hex(card->token_schemes), "7B");
  EXPECT_EQ(to_hex(card->receipt_schemes), "0C");
  EXPECT_EQ(to_hex(card->dap_schemes), "7B");
  EXPECT_TRUE(card->curves.empty());
  EXPECT_EQ(to_hex(card->encode()), kJcop4);
}

TEST(CardCapabilityTest, RoundTripsAllItsObjects) {
  const CardCapability card{.protocols = {{.scp = 2, .options = {0x15, 0x55}},
                                          {.scp = 3, .options = {0x60}, .key_sizes = 5}},
                            .domain_privileges = Privileges{0xC00000},
                            .application_privileges = Privileges{0x040000},
                            .hashes = {1, 2},
                            .block_ciphers = 0x82,
                            .token_schemes = {0xC0, 0x03},
                            .receipt_schemes = {0x08},
                            .dap_schemes = {0x40},
                            .curves = {0x00, 0x01}};
  EXPECT_EQ(CardCapability::decode(card.encode()).value(), card);
}

TEST(CardCapabilityTest, RefusesEveryTruncation) {
  const Bytes whole = hex(kJcop4);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(CardCapability::decode(ByteView(whole).first(size)).has_value()) << size;
  }
}

TEST(CardCapabilityTest, RefusesWhatIsMissingTwiceOrOfAWrongLength) {
  for (const std::string_view value : {
           "66028200",  // not 67
           "670882030000008301"
           "02",  // no protocol
           "670BA006800103810160"
           "830102",  // no privileges
           "670DA006800103810160"
           "8203000000",  // no hashes
           "6715A006800103810160"
           "8203000000"
           "8203000000"
           "830102",  // twice
           "670FA006800103810160"
           "820200008301"
           "02",  // two octets of privileges
           "6715A006800103810160"
           "8203000000"
           "830102"
           "8503010101",  // three of schemes
           "670DA003800103"
           "8203000000830102",  // a protocol without i
       }) {
    EXPECT_FALSE(CardCapability::decode(hex(value)).has_value()) << value;
  }
}

}  // namespace
}  // namespace kagibin::gp
