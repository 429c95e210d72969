// SPDX-License-Identifier: Apache-2.0
// PUT KEY, DELETE of keys and key information.
#include <gtest/gtest.h>

#include "kagibin/gp/content/delete.h"

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

}  // namespace
}  // namespace kagibin::gp
