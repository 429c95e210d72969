// SPDX-License-Identifier: Apache-2.0
// DELETE of keys, key information, and PUT KEY in pieces.
#include <gtest/gtest.h>

#include "kagibin/gp/command_pieces.h"
#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/key_information.h"
#include "kagibin/tlv/ber_tlv.h"

#include "tests/support/vector_file.h"

namespace kagibin::gp {
namespace {

Bytes hex(std::string_view text) {
  auto out = from_hex(text);
  EXPECT_TRUE(out.has_value()) << text;
  return out.value_or(Bytes{});
}

// GPCS 11.2.2.3.1: DELETE [card content]
TEST(DeleteTest, RoundTripsObjects) {
  for (const bool related : {false, true}) {
    const DeleteObject object{.aid = Aid::from_hex("A0000000030000").value(), .related = related};
    const auto command = object.encode();
    EXPECT_EQ(command.data, hex("4F 07 A0000000030000"));
    const auto got = decode_delete(command.p1, command.p2, command.data);
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(std::get<DeleteObject>(*got), object);
    for (std::size_t size = 0; size < command.data.size(); ++size) {
      EXPECT_FALSE(
          decode_delete(command.p1, command.p2, ByteView(command.data).first(size)).has_value());
    }
  }
}

// GPCS 11.2.2.3.2: DELETE [key]
TEST(DeleteTest, RoundTripsKeys) {
  for (const DeleteKeys& keys :
       {DeleteKeys{.identifier = 1, .version = 0x31}, DeleteKeys{.identifier = {}, .version = 0x31},
        DeleteKeys{.identifier = 2, .version = {}}}) {
    const auto command = keys.encode();
    const auto got = decode_delete(command.p1, command.p2, command.data);
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(std::get<DeleteKeys>(*got), keys);
  }
  EXPECT_EQ((DeleteKeys{.identifier = 1, .version = 0x31}).encode().data, hex("D0 01 01 D2 01 31"));
}

// GPCS 11.2.2.2: P2 of DELETE [key]; nothing is related to a key, and hosts set b8 nevertheless
TEST(DeleteTest, TakesKeysWhetherP2AsksForRelatedObjectsOrNot) {
  const Delete keys = DeleteKeys{.identifier = {}, .version = 0x31};
  EXPECT_EQ(decode_delete(0, 0x00, hex("D2 01 31")).value(), keys);
  EXPECT_EQ(decode_delete(0, 0x80, hex("D2 01 31")).value(), keys);
}

// GPCS 11.2.2: DELETE with foreign or double fields
TEST(DeleteTest, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(decode_delete(0x80, 0, hex("4F 05 A000000003")).error().code, Errc::kValue);
  EXPECT_EQ(decode_delete(0, 0x40, hex("4F 05 A000000003")).error().code, Errc::kValue);
  EXPECT_EQ(decode_delete(0, 0x40, hex("D2 01 31")).error().code, Errc::kValue);
  EXPECT_EQ(decode_delete(0, 0, {}).error().code, Errc::kTruncated);
  EXPECT_EQ(decode_delete(0, 0, hex("4F 04 A0000000")).error().code, Errc::kLength);
  EXPECT_EQ(decode_delete(0, 0, hex("D2 02 3131")).error().code, Errc::kLength);
  EXPECT_EQ(decode_delete(0, 0, hex("D2 01 31 D0 01 01")).error().code, Errc::kUnexpectedTag);
  EXPECT_EQ(decode_delete(0, 0, hex("4F 05 A000000003 D2 01 31")).error().code,
            Errc::kUnexpectedTag);
}

// GPCS 11.2.2.3.1: a delete token
TEST(DeleteTest, KeepsTheTokenAndItsControlReferenceForWhoVerifiesThem) {
  const auto read = decode_delete(0, 0x80, hex("4F 05 A000000003 B6 02 9300 9E 01 5A"));
  ASSERT_TRUE(read.has_value());
  const auto& object = std::get<DeleteObject>(*read);
  EXPECT_TRUE(object.related);
  EXPECT_EQ(object.control_reference, hex("9300"));
  EXPECT_EQ(object.token, hex("5A"));
  EXPECT_EQ(object.encode().data, hex("4F 05 A000000003 B6 02 9300 9E 01 5A"));
}

// GPCS 11.3.3.1: key information template E0
TEST(KeyInformationTest, RoundTripsAndRefusesEveryTruncation) {
  const Bytes whole = hex("E0 12 C0 04 01 30 88 10 C0 04 02 30 88 10 C0 04 03 30 88 10");
  const auto keys = KeyInformation::decode(whole);
  ASSERT_TRUE(keys.has_value());
  EXPECT_EQ(keys->keys.size(), 3U);
  EXPECT_EQ(keys->keys[1],
            (KeyEntry{.identifier = 2, .version = 0x30, .components = {{0x88, 0x10}}}));
  EXPECT_EQ(keys->encode(), whole);
  EXPECT_TRUE(keys->holds(0x30));
  EXPECT_TRUE(keys->holds(0x30, 3));
  EXPECT_FALSE(keys->holds(0x30, 4));
  EXPECT_FALSE(keys->holds(0x31));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(KeyInformation::decode(ByteView(whole).first(size)).has_value()) << size;
  }
}

// GPCS 11.3.3.1: key information
TEST(KeyInformationTest, RefusesForeignTagsAndWhatIsInBothFormats) {
  EXPECT_TRUE(KeyInformation::decode(hex("E0 00"))->keys.empty());
  EXPECT_EQ(KeyInformation::decode(hex("E1 00")).error().code, Errc::kUnexpectedTag);
  EXPECT_EQ(KeyInformation::decode(hex("E0 06 C1 04 01 30 88 10")).error().code,
            Errc::kUnexpectedTag);
  EXPECT_EQ(KeyInformation::decode(hex("E0 05 C0 03 01 30 88")).error().code, Errc::kLength);
  EXPECT_EQ(KeyInformation::decode(hex("E0 07 C0 05 01 30 88 10 88")).error().code,
            Errc::kTruncated);
  EXPECT_EQ(KeyInformation::decode(hex("E0 08 C0 06 01 30 88 10 FF 88")).error().code,
            Errc::kValue);
  EXPECT_EQ(KeyInformation::decode(hex("E0 0A C0 08 01 30 FF 88 00 10 00 02")).error().code,
            Errc::kLength);
  EXPECT_EQ(KeyInformation::decode(hex("E0 0B C0 09 01 30 FF 88 00 10 00 00 00")).error().code,
            Errc::kTrailing);
  EXPECT_EQ(KeyInformation::decode(hex("E0 00 00")).error().code, Errc::kTrailing);
}

// GPCS 11.3.3.1: fields of a key that end early, and the longest entry
TEST(KeyInformationTest, RefusesFieldsThatEndEarlyAndTooManyComponents) {
  const auto code = [](const std::string& fields) {
    const Bytes entry = hex(fields);
    const auto got = KeyInformation::decode(tlv::encode(0xE0, tlv::encode(0xC0, entry)));
    return got ? Errc::kIo : got.error().code;
  };
  EXPECT_EQ(code("01 30 FF 88"), Errc::kTruncated);
  EXPECT_EQ(code("01 30 FF 88 00"), Errc::kTruncated);
  EXPECT_EQ(code("01 30 FF 88 0010"), Errc::kTruncated);
  EXPECT_EQ(code("01 30 FF 88 0010 FF"), Errc::kTruncated);
  EXPECT_EQ(code("01 30 FF 88 0010 88 10"), Errc::kValue);
  std::string most = "01 30";
  for (int i = 0; i < 100; ++i) {
    most += "88 10";
  }
  EXPECT_EQ(code(most), Errc::kIo) << "a hundred components are taken";
  EXPECT_EQ(code(most + "88 10"), Errc::kLimit);
}

// GPCS 11.3.3.1: key information of published cards
TEST(KeyInformationTest, ReadsWhatCardsAnswered) {
  test::for_each_vector("kagibin/gp/key/testdata/key_information.vec",
                        [](test::VectorCase& vector) {
                          const Bytes answer = vector.octets("Answer");
                          const auto keys = KeyInformation::decode(answer);
                          ASSERT_TRUE(keys.has_value()) << keys.error().detail.text();
                          EXPECT_EQ(keys->keys.size(), vector.number("Keys"));
                          EXPECT_EQ(keys->encode(), answer);
                        });
  test::for_each_vector("kagibin/gp/key/testdata/key_information_invalid.vec",
                        [](test::VectorCase& vector) {
                          EXPECT_FALSE(KeyInformation::decode(vector.octets("Answer")).has_value());
                        });
}

TEST(CommandPiecesTest, CutsLongDataAndLeavesTheRestAlone) {
  apdu::CommandApdu put{.cla = 0x84, .ins = 0xD8, .p1 = 0x70, .p2 = 0x01, .le = 256};
  for (const std::size_t size : {0UZ, 255UZ, 256UZ, 510UZ, 511UZ, 1'000UZ}) {
    put.data = Bytes(size, 0x5A);
    const auto pieces = cut_into_pieces(put);
    ASSERT_EQ(pieces.size(), size <= 255 ? 1 : (size + 254) / 255) << size;
    Bytes joined;
    for (const apdu::CommandApdu& piece : pieces) {
      const bool last = &piece == &pieces.back();
      EXPECT_EQ(piece.p1, last ? 0x70 : 0xF0);
      EXPECT_EQ(piece.le.has_value(), last);
      EXPECT_TRUE(last || piece.data.size() == 255U);
      append(joined, piece.data);
    }
    EXPECT_EQ(joined, put.data);
  }
  const apdu::CommandApdu other{.ins = 0xE2, .data = Bytes(300, 1)};
  EXPECT_EQ(cut_into_pieces(other).size(), 1U);
}

}  // namespace
}  // namespace kagibin::gp
