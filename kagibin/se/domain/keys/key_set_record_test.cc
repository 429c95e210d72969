// SPDX-License-Identifier: Apache-2.0
// Records of key sets in both versions, damaged field by field.
#include "kagibin/se/domain/keys/key_set_record.h"

#include <gtest/gtest.h>

namespace kagibin::se {
namespace {

struct Row {
  std::string octets;
  Errc code;
};

void expect_refused(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const auto record = KeySetRecord::decode(from_hex(row.octets).value());
    ASSERT_FALSE(record.has_value()) << row.octets;
    EXPECT_EQ(name(record.error().code), name(row.code)) << row.octets;
  }
}

const std::string kValue(32, '1');  // 16 octets

TEST(KeySetRecordTest, RoundTripsAKeyWithAPolicy) {
  const Bytes octets =
      from_hex("02 0007 01 01 01 18 01 00 01 88 0010" + kValue + "02 00 01 88 0010" + kValue)
          .value();
  const auto record = KeySetRecord::decode(octets);
  ASSERT_TRUE(record.has_value()) << record.error().detail.text();
  EXPECT_EQ(record->order, 7);
  ASSERT_EQ(record->keys.size(), 2U);
  EXPECT_TRUE(record->keys[0].key.policy().has_value());
  EXPECT_FALSE(record->keys[1].key.policy().has_value());
  EXPECT_TRUE(ct_equal(record->encode().expose(), octets));
}

TEST(KeySetRecordTest, RefusesDamagedRecords) {
  expect_refused({
      {"", Errc::kEncoding},
      {"03 0000", Errc::kEncoding},
      {"02", Errc::kTruncated},
      {"02 00", Errc::kTruncated},
      {"02 0000 01", Errc::kTruncated},
      {"02 0000 01 02", Errc::kEncoding},
      {"02 0000 01 01", Errc::kTruncated},
      {"02 0000 01 01 03 000000", Errc::kLength},
      {"02 0000 01 01 00 02 0000", Errc::kLength},
      {"02 0000 01 00", Errc::kTruncated},
      {"02 0000 01 00 01", Errc::kTruncated},
      {"02 0000 01 00 01 88 00", Errc::kTruncated},
      {"02 0000 01 00 01 88 0010 AA", Errc::kTruncated},
      {"02 0000 01 00 00", Errc::kValue},
      {"02 0000 01 00 01 81 0010" + kValue, Errc::kNotSupported},
  });
}

TEST(KeySetRecordTest, ReadsRecordsOfVersion1AndRefusesDamagedOnes) {
  const auto record = KeySetRecord::decode(from_hex("0103 01 88 10" + kValue).value());
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->order, 0x0103);
  ASSERT_EQ(record->keys.size(), 1U);
  EXPECT_EQ(record->keys[0].identifier, 1);
  EXPECT_EQ(record->encode().expose().front(), 0x02) << "written as of version 2";
  expect_refused({
      {"00", Errc::kTruncated},
      {"0000 01", Errc::kTruncated},
      {"0000 01 80 10" + kValue, Errc::kEncoding},
      {"0000 01 88", Errc::kTruncated},
      {"0000 01 88 10 AA", Errc::kTruncated},
      {"0000 01 88 11" + kValue + "22", Errc::kLength},
  });
}

}  // namespace
}  // namespace kagibin::se
