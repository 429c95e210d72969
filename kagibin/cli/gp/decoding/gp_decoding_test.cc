// SPDX-License-Identifier: Apache-2.0
// What cards tell in octets, in named fields: CPLC, FF21 and the words of 67.
#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

#include "kagibin/base/bytes.h"
#include "kagibin/cli/gp/decoding/capability_words.h"
#include "kagibin/cli/gp/decoding/card_resources.h"
#include "kagibin/cli/gp/decoding/cplc.h"

namespace kagibin::cli {
namespace {

using Words = std::vector<std::string>;

Bytes hex(std::string_view digits) { return from_hex(digits).value(); }

// Every octet its own number, but for the dates.
Bytes numbered_cplc() {
  Bytes out(42);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::uint8_t>(i);
  }
  out[6] = 0x61;  // operating_system_date
  out[7] = 0x23;
  out[10] = 0x00;  // ic_fabrication_date
  out[11] = 0x00;
  out[20] = 0x0A;  // ic_module_date
  out[21] = 0x01;
  return out;
}

TEST(CplcTest, FortyTwoOctetsAreEighteenFields) {
  const auto fields = cplc_fields(numbered_cplc());
  ASSERT_EQ(fields.size(), 18U);
  EXPECT_EQ(fields.front().name, "ic_fabricator");
  EXPECT_EQ(to_hex(fields.front().octets), "0001");
  EXPECT_EQ(fields[6].name, "ic_serial_number");
  EXPECT_EQ(to_hex(fields[6].octets), "0C0D0E0F");
  EXPECT_EQ(fields.back().name, "personalization_equipment");
  EXPECT_EQ(to_hex(fields.back().octets), "26272829");
}

TEST(CplcTest, DatesAreADayOfAYearOfAnUnknownDecade) {
  const auto fields = cplc_fields(numbered_cplc());
  EXPECT_EQ(fields[3].date, (CplcDate{.year_digit = 6, .day = 123}));
  EXPECT_EQ(date_text(fields[3]), "day 123 of a year ending in 6");
  EXPECT_EQ(fields[5].date, std::nullopt);
  EXPECT_EQ(date_text(fields[5]), "not written");
  EXPECT_EQ(fields[9].date, std::nullopt) << "A is no decimal digit";
  EXPECT_EQ(date_text(fields[9]), "no date");
  for (const auto& [octets, valid] :
       {std::pair{"6366", true}, {"6367", false}, {"6001", true}, {"6000", false}}) {
    Bytes value = numbered_cplc();
    std::ranges::copy(hex(octets), value.begin() + 6);
    EXPECT_EQ(cplc_fields(value)[3].date.has_value(), valid) << octets;
  }
}

TEST(CplcTest, AShortValueGivesItsWholeFieldsAndALongOneItsRest) {
  const Bytes whole = numbered_cplc();
  std::size_t last = 0;
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const auto fields = cplc_fields(ByteView(whole).first(size));
    EXPECT_GE(fields.size(), last);
    last = 0;
    std::size_t octets = 0;
    for (const CplcField& field : fields) {
      last += field.name == "more" ? 0U : 1U;
      octets += field.octets.size();
    }
    EXPECT_EQ(octets, size) << "no octet is lost";
  }
  Bytes longer = whole;
  longer.push_back(0xEE);
  EXPECT_EQ(cplc_fields(longer).back().name, "more");
  EXPECT_EQ(to_hex(cplc_fields(longer).back().octets), "EE");
}

// ETSI TS 102 226, 8.2.1.7.2
TEST(CardResourcesTest, AreReadWithTheirTagAndWithout) {
  const CardResources expected{
      .applications = 3, .free_non_volatile_octets = 0x10000, .free_volatile_octets = 0x4000};
  const std::string value =
      "8102000382040001000083"
      "0400004000";
  EXPECT_EQ(CardResources::decode(hex("FF2110" + value)).value(), expected);
  EXPECT_EQ(CardResources::decode(hex(value)).value(), expected);
  EXPECT_EQ(CardResources::decode(hex("83024000810103820400010000"
                                      "9F6500"))
                .value(),
            expected);
  EXPECT_EQ(CardResources::decode({}).value(), CardResources{});
}

TEST(CardResourcesTest, OddOnesAreRefused) {
  const Bytes whole = hex("FF211081020003820400010000830400004000");
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_FALSE(CardResources::decode(ByteView(whole).first(size))) << size;
  }
  EXPECT_EQ(CardResources::decode(hex("810103810103")).error().code, Errc::kUnexpectedTag);
  EXPECT_EQ(CardResources::decode(hex("8100")).error().code, Errc::kLength);
  EXPECT_EQ(CardResources::decode(hex("82050000000001")).error().code, Errc::kLength);
}

// GPCS H.4: bits and numbers in words
TEST(CapabilityWordsTest, EveryBitAndNumberHasAWord) {
  EXPECT_EQ(hash_names(hex("01020304")), (Words{"SHA-1", "SHA-256", "SHA-384", "SHA-512"}));
  EXPECT_EQ(hash_names(hex("0007")), (Words{"hash 00", "hash 07"}));
  EXPECT_EQ(signature_names(hex("C3")),
            (Words{"RSA-1024 SHA-1", "RSASSA-PSS", "ECDSA P-256", "ECDSA P-384"}));
  EXPECT_EQ(signature_names(hex("0803")), (Words{"CMAC AES-128", "ECDSA 512 bits", "ECDSA P-521"}));
  EXPECT_EQ(signature_names(hex("0080")), (Words{"second octet, b8"}));
  EXPECT_EQ(signature_names({}), Words{});
  EXPECT_EQ(curve_names(hex("000109")), (Words{"P-256", "P-384", "curve 09"}));
  EXPECT_EQ(key_size_names(0x07), (Words{"AES-128", "AES-192", "AES-256"}));
  EXPECT_EQ(key_size_names(0x09), (Words{"AES-128", "key size b4"}));
  EXPECT_EQ(block_cipher_names(0x02), (Words{"AES-128"}));
}

}  // namespace
}  // namespace kagibin::cli
