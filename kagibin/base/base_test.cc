// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kagibin/base/aid.h"
#include "kagibin/base/byte_io.h"
#include "kagibin/base/clock.h"
#include "kagibin/base/secret.h"

namespace kagibin {
namespace {

TEST(BytesTest, HexRoundTripsAndTakesBothCasesAndBlanks) {
  EXPECT_EQ(to_hex(*from_hex("a0 00\n00 01 5F")), "A00000015F");
  EXPECT_EQ(from_hex("A0G0"), std::nullopt);
  EXPECT_EQ(from_hex("A00"), std::nullopt);
  EXPECT_EQ(from_hex("")->size(), 0U);
}

TEST(ByteIoTest, ReadsWhatWasWrittenAndRefusesToReadPastTheEnd) {
  const Bytes octets =
      ByteWriter().u8(1).u16(0x0203).u32(0x04050607).u64(0x08090A0B0C0D0E0F).take();
  EXPECT_EQ(to_hex(octets), "0102030405060708090A0B0C0D0E0F");
  ByteReader in(octets);
  EXPECT_EQ(in.u8().value(), 1);
  EXPECT_EQ(in.u16().value(), 0x0203);
  EXPECT_EQ(in.u32().value(), 0x04050607U);
  EXPECT_EQ(in.finish().error().code, Errc::kTrailing);
  EXPECT_EQ(in.bytes(9).error().code, Errc::kTruncated);
  EXPECT_EQ(in.u64().value(), 0x08090A0B0C0D0E0FU);
  EXPECT_TRUE(in.finish().has_value());
  EXPECT_EQ(in.u8().error().code, Errc::kTruncated);
}

TEST(SecretTest, MovingWipesTheSourceAndPrintsNoOctet) {
  SecretBytes first = SecretBytes::copy_of(*from_hex("00112233"));
  const SecretBytes second = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): the emptiness is what is tested
  EXPECT_EQ(to_hex(second.expose()), "00112233");
  EXPECT_EQ(testing::PrintToString(second), "<secret 4 bytes>");
  SecretArray<4> array = *SecretArray<4>::copy_of(second.expose());
  const SecretArray<4> moved = std::move(array);
  // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move): that it is wiped
  EXPECT_EQ(to_hex(array.expose()), "00000000");
  EXPECT_EQ(testing::PrintToString(moved), "<secret 4 bytes>");
  EXPECT_FALSE(SecretArray<4>::copy_of(*from_hex("0011")).has_value());
}

TEST(SecretTest, CannotBeCopiedByAccident) {
  static_assert(!std::is_copy_constructible_v<SecretBytes>);
  static_assert(!std::is_copy_assignable_v<SecretBytes>);
  static_assert(!std::is_copy_constructible_v<SecretArray<16>>);
  static_assert(!std::is_convertible_v<SecretBytes, ByteView>);
}

TEST(SecretTest, ComparesInFullAndByLength) {
  EXPECT_TRUE(ct_equal(*from_hex("0102"), *from_hex("0102")));
  EXPECT_FALSE(ct_equal(*from_hex("0102"), *from_hex("0103")));
  EXPECT_FALSE(ct_equal(*from_hex("0102"), *from_hex("010200")));
}

TEST(SecretTest, ShrinkKeepsThePrefix) {
  SecretBytes secret = SecretBytes::copy_of(*from_hex("00112233"));
  secret.shrink(2);
  EXPECT_EQ(to_hex(secret.expose()), "0011");
  secret.shrink(7);
  EXPECT_EQ(secret.size(), 2U);
}

TEST(AidTest, HasFiveToSixteenOctets) {
  EXPECT_EQ(Aid::from_hex("A0000001").error().code, Errc::kLength);
  EXPECT_EQ(Aid::from_hex("A000000151000000000000000000000000").error().code, Errc::kLength);
  const Aid aid = Aid::from_hex("A000000151000000").value();
  EXPECT_EQ(aid.hex(), "A000000151000000");
  EXPECT_TRUE(aid.starts_with(*from_hex("A000000151")));
  EXPECT_FALSE(aid.starts_with(*from_hex("A00000015100000000")));
  EXPECT_NE(aid, Aid::from_hex("A00000015100000000").value());
}

TEST(ClockTest, ProtocolMinutesClampAtBothEnds) {
  EXPECT_EQ(to_protocol_minutes(0), 0U);
  EXPECT_EQ(to_protocol_minutes(kProtocolEpochSeconds + 119), 1U);
  EXPECT_EQ(to_protocol_minutes(INT64_MAX), UINT32_MAX);
  EXPECT_EQ(from_protocol_minutes(1), kProtocolEpochSeconds + 60);
}

TEST(ResultTest, EveryCodeHasAName) {
  for (int code = 0; code <= static_cast<int>(Errc::kInterrupted); ++code) {
    EXPECT_NE(name(static_cast<Errc>(code)), "unknown") << code;
  }
}

}  // namespace
}  // namespace kagibin
