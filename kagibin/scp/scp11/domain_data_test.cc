// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp11/domain_data.h"

#include <gtest/gtest.h>

#include "tests/support/mutations.h"

namespace kagibin::scp {
namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

// Amendment F, 7.8, 7.9, 7.10: STORE DATA objects, against a published tool
TEST(DomainDataTest, IsWrittenAndReadAsPublishedToolsDo) {
  // What GPShell 3 and ykman send, by their sources.
  const std::pair<std::string_view, DomainData> cases[] = {
      {"A604830211"
       "03BF21027F00",
       CertificateStore{.key = {0x11, 0x03}, .certificates = hex("7F00")}},
      {"A60483021103BF2100", CertificateStore{.key = {0x11, 0x03}}},
      {"A60483021020"
       "92021234"
       "700B"
       "9303010203"
       "930410111213",
       AllowList{
           .ca = {0x10, 0x20}, .counter = 0x1234, .serials = {hex("010203"), hex("10111213")}}},
      {"A604830210207000", AllowList{.ca = {0x10, 0x20}}},
      {"A60C800100"
       "4203A1A2A3"
       "83021003",
       CaIdentifier{.identifier = hex("A1A2A3"), .key = {0x10, 0x03}}},
      {"A60C800101"
       "4203A1A2A3"
       "83021103",
       CaIdentifier{.of_cards = true, .identifier = hex("A1A2A3"), .key = {0x11, 0x03}}},
  };
  for (const auto& [octets, data] : cases) {
    EXPECT_EQ(to_hex(encode_domain_data(data)), octets);
    const auto read = decode_domain_data(hex(octets));
    ASSERT_TRUE(read.has_value()) << octets;
    EXPECT_EQ(*read, data) << octets;
    const auto decodes = [](const Bytes& cut) { return decode_domain_data(cut).has_value(); };
    // Cut behind A6 { 83 }, a store or list is nothing; behind A6 { 42 83 } nothing is missing.
    EXPECT_EQ(accepted(test::truncations(hex(octets)), decodes), test::Names()) << octets;
  }
  // Without 80 it is a CA-KLOC's (GPShell 3).
  EXPECT_EQ(decode_domain_data(hex("A609"
                                   "4203A1A2A3"
                                   "83021003"))
                .value(),
            (DomainData{CaIdentifier{.identifier = hex("A1A2A3"), .key = {0x10, 0x03}}}));
}

TEST(DomainDataTest, WrongObjectsAreRefused) {
  const std::pair<std::string_view, Errc> cases[] = {
      {"", Errc::kTruncated},
      {"A7048302110"
       "3BF2100",
       Errc::kUnexpectedTag},
      {"A603830111BF2100", Errc::kLength},
      {"A60483021103BF210000", Errc::kTrailing},
      {"A6058302110300BF2100", Errc::kTrailing},
      {"A60B4203A1A2A383021003"
       "9A00",
       Errc::kTrailing},
      {"A6048302102070009A00", Errc::kTrailing},
      {"A60483021103", Errc::kUnexpectedTag},
      {"A604830210207001"
       "93",
       Errc::kTruncated},
      {"A604830210207002"
       "9300",
       Errc::kLength},
      {"A604830210209201127000", Errc::kLength},
      {"A60C800102"
       "4203A1A2A3"
       "83021003",
       Errc::kValue},
      {"A6068"
       "2"
       "00"
       "83021003",
       Errc::kUnexpectedTag},
  };
  for (const auto& [octets, code] : cases) {
    const auto bytes = from_hex(octets);
    ASSERT_TRUE(bytes.has_value()) << octets;
    const auto read = decode_domain_data(*bytes);
    ASSERT_FALSE(read.has_value()) << octets;
    EXPECT_EQ(read.error().code, code) << octets;
  }
}

// Amendment F, 7.9: allow lists
TEST(DomainDataTest, AnAllowListHasAtMostSixtyFourNumbers) {
  AllowList list{.ca = {0x10, 0x01}, .serials = std::vector<Bytes>(64, Bytes{1})};
  EXPECT_EQ(decode_domain_data(encode_domain_data(list)).value(), DomainData{list});
  list.serials.push_back({2});
  EXPECT_EQ(decode_domain_data(encode_domain_data(list)).error().code, Errc::kLimit);
}

// Amendment F, 7.2, 7.3: queries of GET DATA
TEST(DomainDataTest, QueriesNameAKeyOrAnIdentifier) {
  EXPECT_EQ(decode_store_query(hex("A60483021103")).value(),
            (StoreQuery{KeyReference{0x11, 0x03}}));
  EXPECT_EQ(decode_store_query(hex("A6054203A1A2A3")).value(), (StoreQuery{hex("A1A2A3")}));
  EXPECT_EQ(decode_store_query(hex("A600")).error().code, Errc::kTruncated);
  EXPECT_EQ(decode_store_query(hex("A6024200")).error().code, Errc::kLength);
  EXPECT_EQ(decode_store_query(hex("A606830211039A00")).error().code, Errc::kTrailing);
  EXPECT_EQ(decode_store_query(hex("A60483021103"
                                   "00"))
                .error()
                .code,
            Errc::kTrailing);
  EXPECT_EQ(decode_store_query(hex("A6094203A1A2A383021103")).error().code, Errc::kTrailing);
}

// Amendment F, 7.4: CA identifiers
TEST(DomainDataTest, ListsOfIdentifiersRoundTrip) {
  const std::vector<CaIdentifier> all = {{.identifier = hex("A1A2A3"), .key = {0x10, 0x20}},
                                         {.identifier = Bytes(20, 7), .key = {0x20, 0x01}}};
  const Bytes octets = encode_ca_identifiers(all);
  EXPECT_TRUE(to_hex(octets).starts_with("4203A1A2A383021020"));
  EXPECT_EQ(decode_ca_identifiers(octets, false).value(), all);
  EXPECT_TRUE(decode_ca_identifiers({}, true).value().empty());
  EXPECT_FALSE(decode_ca_identifiers(hex("4203A1A2A3"), false).has_value());
}

TEST(DomainDataTest, SerialNumbersCompareAsNumbers) {
  EXPECT_TRUE(same_serial(hex("0080"), hex("80")));
  EXPECT_TRUE(same_serial(hex("00"), hex("0000")));
  EXPECT_FALSE(same_serial(hex("8000"), hex("80")));
  EXPECT_FALSE(same_serial(hex("01"), {}));
}

}  // namespace
}  // namespace kagibin::scp
