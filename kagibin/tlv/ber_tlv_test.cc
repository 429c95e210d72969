// SPDX-License-Identifier: Apache-2.0
#include "kagibin/tlv/ber_tlv.h"

#include <gtest/gtest.h>

namespace kagibin::tlv {
namespace {

// ISO/IEC 7816-4, 5.2.2.1: tags of one to three octets
TEST(BerTlvTest, ReadsTagsOfOneToThreeOctets) {
  const Bytes octets = *from_hex("8001AA 5F2002BBCC DF810300");
  TlvReader in(octets);
  EXPECT_EQ(in.expect(0x80, 1)->value[0], 0xAA);
  EXPECT_EQ(to_hex(in.expect(0x5F20, 1, 2)->encoded), "5F2002BBCC");
  EXPECT_EQ(to_hex(in.consumed()), "8001AA5F2002BBCC");
  EXPECT_EQ(in.next()->tag, 0xDF8103U);
  EXPECT_TRUE(in.finish().has_value());
}

// ISO/IEC 7816-4, 5.2.2.2: lengths in their shortest form alone
TEST(BerTlvTest, RefusesEveryLengthFormThatIsNotMinimal) {
  for (const char* hex :
       {"80817F" /* 81 below 80 */, "808200FF", "8080", "808300000100", "8084", "80FF"}) {
    const Bytes octets = *from_hex(hex);
    EXPECT_FALSE(TlvReader(octets).next().has_value()) << hex;
  }
}

TEST(BerTlvTest, RefusesTagsThatAreNotMinimalOrTooLong) {
  for (const char* hex : {"1F1E00", "1F8001 00", "1F818101 00", "5F00 00"}) {
    const Bytes octets = *from_hex(hex);
    EXPECT_EQ(TlvReader(octets).next().error().code, Errc::kEncoding) << hex;
  }
}

TEST(BerTlvTest, ExpectNamesTheFault) {
  const Bytes octets = *from_hex("8002AABB");
  EXPECT_EQ(TlvReader(octets).expect(0x81, 2).error().code, Errc::kUnexpectedTag);
  EXPECT_EQ(TlvReader(octets).expect(0x80, 1).error().code, Errc::kLength);
  EXPECT_EQ(TlvReader(ByteView()).expect(0x80, 1).error().code, Errc::kTruncated);
  TlvReader in(octets);
  EXPECT_FALSE(in.optional(0x81, 2)->has_value());
  EXPECT_TRUE(in.optional(0x80, 2)->has_value());
  EXPECT_FALSE(in.optional(0x80, 2)->has_value());
}

TEST(BerTlvTest, TruncationAtEveryOctetIsAnError) {
  const Bytes octets = encode(0x5F20, Bytes(300, 0x11));
  for (std::size_t size = 0; size < octets.size(); ++size) {
    EXPECT_FALSE(TlvReader(ByteView(octets).first(size)).next().has_value()) << size;
  }
  EXPECT_TRUE(read_single(octets, 0x5F20).has_value());
}

// ISO/IEC 7816-4, 5.2.2.2: the boundaries of the length forms
TEST(BerTlvTest, LengthBoundariesRoundTrip) {
  for (const std::size_t size : {0UZ, 1UZ, 127UZ, 128UZ, 255UZ, 256UZ, 65'535UZ}) {
    const Bytes value(size, 0x5A);
    const Bytes octets = encode(0x7F21, value);
    EXPECT_EQ(octets.size(), encoded_size(0x7F21, size));
    EXPECT_TRUE(equal(read_single(octets, 0x7F21)->value, value)) << size;
  }
}

// ISO/IEC 7816-4, 5.2.2.1: tags of one to three octets
TEST(BerTlvTest, TagsOfOneTwoAndThreeOctetsRoundTrip) {
  for (const Tag tag : {Tag{0x80}, Tag{0x5F20}, Tag{0x7F49}, Tag{0xDF8103}}) {
    const Bytes octets = encode(tag, Bytes{0x01, 0x02});
    EXPECT_EQ(octets.size(), encoded_size(tag, 2)) << tag;
    EXPECT_EQ(read_single(octets, tag)->tag, tag);
  }
}

TEST(BerTlvTest, ADamagedObjectIsAnErrorAndNotAbsence) {
  const Bytes cut = *from_hex("8002AA");
  EXPECT_EQ(TlvReader(cut).optional(0x80, 2).error().code, Errc::kTruncated);
  EXPECT_EQ(TlvReader(cut).optional(0x81, 2).error().code, Errc::kTruncated);
  EXPECT_EQ(TlvReader(cut).expect(0x80, 2).error().code, Errc::kTruncated);
  const Bytes octets = *from_hex("8002AABB");
  EXPECT_EQ(TlvReader(octets).optional(0x80, 3).error().code, Errc::kLength);
  EXPECT_EQ(read_single(octets, 0x81).error().code, Errc::kUnexpectedTag);
  for (const char* hex : {"5F", "DF81", "80", "8081", "808201", "80820100"}) {
    EXPECT_EQ(TlvReader(*from_hex(hex)).next().error().code, Errc::kTruncated) << hex;
  }
}

TEST(BerTlvTest, ARefusedObjectIsNotConsumed) {
  const Bytes octets = *from_hex("8002AABB");
  TlvReader in(octets);
  EXPECT_FALSE(in.expect(0x81, 2).has_value());
  EXPECT_FALSE(in.optional(0x80, 3).has_value());
  EXPECT_EQ(in.rest().size(), octets.size());
  EXPECT_TRUE(in.expect(0x80, 2).has_value());
  EXPECT_TRUE(in.finish().has_value());
}

TEST(BerTlvTest, IntegersAreBigEndianAndOfFixedLength) {
  const Bytes octets = TlvWriter().put_u8(0x80, 0xA5).put_u32(0x86, 0x01020304).take();
  EXPECT_EQ(to_hex(octets), "8001A5860401020304");
  TlvReader in(octets);
  EXPECT_EQ(to_u8(*in.next()), 0xA5);
  EXPECT_EQ(to_u32(*in.next()), 0x01020304U);
  EXPECT_EQ(to_hex(TlvWriter().raw(octets).view()), to_hex(octets));
}

TEST(BerTlvTest, SingleRefusesTrailingOctets) {
  EXPECT_EQ(read_single(*from_hex("800100 00"), 0x80).error().code, Errc::kTrailing);
}

}  // namespace
}  // namespace kagibin::tlv
