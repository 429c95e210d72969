// SPDX-License-Identifier: Apache-2.0
#include "kagibin/apdu/apdu.h"

#include <gtest/gtest.h>

namespace kagibin::apdu {
namespace {

// ISO/IEC 7816-4, 5.2: the seven cases, short and extended
TEST(ApduTest, DecodesTheSevenCasesAndRoundTrips) {
  struct Case {
    const char* hex = "";
    std::size_t lc = 0;
    std::optional<std::uint32_t> le;
    bool extended = false;
  };
  const Case cases[] = {
      {"00A40400", 0, std::nullopt, false},
      {"00A4040000", 0, 256, false},
      {"00A4040010", 0, 16, false},
      {"00A4040002AABB", 2, std::nullopt, false},
      {"00A4040002AABB00", 2, 256, false},
      {"00A40400000000", 0, 65'536, true},
      {"00A40400000101", 0, 257, true},
      {"00A40400000002AABB", 2, std::nullopt, true},
      {"00A40400000002AABB0000", 2, 65'536, true},
  };
  for (const Case& c : cases) {
    const auto command = CommandApdu::decode(*from_hex(c.hex));
    ASSERT_TRUE(command.has_value()) << c.hex;
    EXPECT_EQ(command->data.size(), c.lc) << c.hex;
    EXPECT_EQ(command->le, c.le) << c.hex;
    EXPECT_EQ(command->extended, c.extended) << c.hex;
    EXPECT_EQ(to_hex(command->encode()), c.hex);
  }
}

// ISO/IEC 7816-4, 5.2: octets that are none of the cases
TEST(ApduTest, RefusesWhatIsNoneOfTheCases) {
  for (const char* hex : {"", "00", "00A4", "00A404", "00A4040002AA", "00A4040001AA0000",
                          "00A404000000", "00A40400000000AA", "00A40400000002AA",
                          "00A40400000002AABB00", "00A40400000002AABB000000"}) {
    EXPECT_FALSE(CommandApdu::decode(*from_hex(hex)).has_value()) << hex;
  }
}

// ISO/IEC 7816-4, 5.2: extended length fields
TEST(ApduTest, LongDataAndLongLeForceExtendedLength) {
  const CommandApdu command{.cla = 0, .ins = 1, .p1 = 2, .p2 = 3, .data = Bytes(256, 7), .le = 257};
  const Bytes wire = command.encode();
  EXPECT_EQ(wire.size(), 4U + 3U + 256U + 2U);
  EXPECT_EQ(CommandApdu::decode(wire)->data.size(), 256U);
}

// ISO/IEC 7816-4, 5.6: an R-APDU ends in SW1-SW2
TEST(ApduTest, ResponseNeedsAStatusWord) {
  EXPECT_FALSE(ResponseApdu::decode(*from_hex("90")).has_value());
  const auto response = ResponseApdu::decode(*from_hex("AABB6A82"));
  EXPECT_EQ(response->sw.value, 0x6A82);
  EXPECT_EQ(to_hex(response->encode()), "AABB6A82");
}

// ISO/IEC 7816-4, 5.4.1: the class octet
// GPCS 11.1.4: class of GlobalPlatform commands
TEST(ClassOctetTest, EveryValueThatDecodesEncodesToItself) {
  int decoded = 0;
  for (unsigned cla = 0; cla <= 0xFF; ++cla) {
    const auto octet = ClassOctet::decode(static_cast<std::uint8_t>(cla));
    if (octet) {
      ++decoded;
      EXPECT_EQ(octet->encode(), cla);
    }
  }
  EXPECT_EQ(decoded, 2 * 16 + 2 * 64 - 1);
}

// ISO/IEC 7816-4, 5.4.1: the logical channel in the class octet
TEST(ClassOctetTest, ChangesTheChannelAndNothingElse) {
  EXPECT_EQ(on_channel(0x84, 1).value(), 0x85);
  EXPECT_EQ(on_channel(0x84, 4).value(), 0xE0);
  EXPECT_EQ(on_channel(0x90, 19).value(), 0xDF);
  EXPECT_EQ(on_channel(0x00, 20).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(on_channel(0xFF, 0).error().code, Errc::kValue);
  EXPECT_EQ(on_channel(0x20, 0).error().code, Errc::kValue);
  EXPECT_EQ(on_channel(0x0C, 0).error().code, Errc::kValue);
}

}  // namespace
}  // namespace kagibin::apdu
