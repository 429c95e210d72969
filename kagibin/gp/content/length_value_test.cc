// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/content/length_value.h"

#include <gtest/gtest.h>

namespace kagibin::gp {
namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

// GPCS 11.1.5, 11.5.2.3: lengths of the fields of INSTALL
TEST(LengthValueTest, WritesAndReadsTheShortestForm) {
  struct Row {
    std::size_t length;
    std::string_view head;
  };
  for (const Row& row : {Row{0, "00"}, Row{127, "7F"}, Row{128, "8180"}, Row{255, "81FF"},
                         Row{256, "820100"}, Row{65'535, "82FFFF"}}) {
    ByteWriter out;
    write_field(out, Bytes(row.length, 0x5A));
    const Bytes field = out.take();
    EXPECT_EQ(to_hex(ByteView(field).first(row.head.size() / 2)), row.head);
    EXPECT_EQ(field_size(row.length), field.size());
    ByteReader in(field);
    const auto value = read_field(in);
    ASSERT_TRUE(value.has_value()) << row.length;
    EXPECT_EQ(value->size(), row.length);
    EXPECT_TRUE(in.empty());
  }
}

struct Refused {
  std::string_view octets;
  Errc code;
};

// GPCS 11.1.5: lengths that are none
TEST(LengthValueTest, RefusesEveryOtherForm) {
  for (const Refused& row :
       {Refused{"", Errc::kTruncated}, Refused{"01", Errc::kTruncated},
        Refused{"02AA", Errc::kTruncated}, Refused{"80", Errc::kEncoding},
        Refused{"81", Errc::kTruncated}, Refused{"8100", Errc::kEncoding},
        Refused{"817F", Errc::kEncoding}, Refused{"8180", Errc::kTruncated},
        Refused{"82", Errc::kTruncated}, Refused{"8201", Errc::kTruncated},
        Refused{"8200FF", Errc::kEncoding}, Refused{"820100", Errc::kTruncated},
        Refused{"83010000", Errc::kEncoding}, Refused{"FF", Errc::kEncoding}}) {
    const Bytes octets = hex(row.octets);
    ByteReader in(octets);
    const auto value = read_field(in);
    ASSERT_FALSE(value.has_value()) << row.octets;
    EXPECT_EQ(value.error().code, row.code) << row.octets;
  }
}

// GPCS 11.5.2.3: a field that is an AID or empty
TEST(LengthValueTest, AnAidHasFiveToSixteenOctetsOrNone) {
  const auto read = [](std::string_view text) {
    const Bytes octets = hex(text);
    ByteReader in(octets);
    return read_aid_field(in);
  };
  EXPECT_FALSE(read("00").value().has_value());
  EXPECT_EQ(read("05A000000151").value(), Aid::from_hex("A000000151").value());
  EXPECT_EQ(read("").error().code, Errc::kTruncated);
  EXPECT_EQ(read("05A0000001").error().code, Errc::kTruncated);
  EXPECT_EQ(read("04A0000001").error().code, Errc::kLength);
  EXPECT_EQ(read("11" + to_hex(Bytes(17, 0xA0))).error().code, Errc::kLength);
}

// GPCS 11.5.2.3: a field that is empty for its purpose
TEST(LengthValueTest, AnEmptyFieldIsEmpty) {
  const auto read = [](std::string_view text) {
    const Bytes octets = hex(text);
    ByteReader in(octets);
    return read_empty_field(in);
  };
  EXPECT_TRUE(read("00").has_value());
  EXPECT_EQ(read("01AA").error().code, Errc::kValue);
  EXPECT_EQ(read("").error().code, Errc::kTruncated);
  EXPECT_EQ(read("80").error().code, Errc::kEncoding);
}

TEST(LengthValueTest, NoAidIsAnEmptyField) {
  ByteWriter out;
  write_aid_field(out, std::nullopt);
  write_aid_field(out, Aid::from_hex("A000000151").value());
  EXPECT_EQ(to_hex(out.view()), "0005A000000151");
}

}  // namespace
}  // namespace kagibin::gp
