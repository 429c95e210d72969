// SPDX-License-Identifier: Apache-2.0
// PUT KEY, DELETE of keys and key information.
#include <gtest/gtest.h>

#include "kagibin/crypto/aes.h"
#include "kagibin/gp/delete.h"
#include "kagibin/gp/key_information.h"
#include "kagibin/gp/put_key.h"

namespace kagibin::gp {
namespace {

Bytes hex(std::string_view text) {
  auto out = from_hex(text);
  EXPECT_TRUE(out.has_value()) << text;
  return out.value_or(Bytes{});
}

// A PUT KEY of three AES-128 keys as kaoh/globalplatform and GlobalPlatformPro write it (Amendment
// D, 7.2): 88 11 10 value 03 kcv.
constexpr std::string_view kThreeKeys =
    "31"
    "88 11 10 00112233445566778899AABBCCDDEEFF 03 010203"
    "88 11 10 10112233445566778899AABBCCDDEEFF 03 111213"
    "88 11 10 20112233445566778899AABBCCDDEEFF 03 212223";

EncryptedKey some_key(std::size_t clear_length, bool kcv = true) {
  EncryptedKey out{.encrypted_value = Bytes((clear_length + 15) / 16 * 16, 0x5A),
                   .clear_length = clear_length};
  if (kcv) {
    out.kcv = KeyCheckValue{1, 2, 3};
  }
  return out;
}

TEST(PutKeyTest, ReadsAndWritesTheDialectOfAmendmentD) {
  const auto put = PutKey::decode(0x00, 0x81, hex(kThreeKeys));
  ASSERT_TRUE(put.has_value()) << put.error().detail.text();
  EXPECT_EQ(put->old_version, 0);
  EXPECT_FALSE(put->replaces());
  EXPECT_EQ(put->new_version, 0x31);
  EXPECT_EQ(put->first_identifier, 1);
  ASSERT_EQ(put->keys.size(), 3U);
  EXPECT_EQ(put->keys[2].clear_length, 16U);
  EXPECT_EQ(put->keys[2].encrypted_value[0], 0x20);
  EXPECT_EQ(put->keys[2].kcv, (KeyCheckValue{0x21, 0x22, 0x23}));
  const auto command = put->encode();
  ASSERT_TRUE(command.has_value());
  EXPECT_EQ(command->cla, 0x80);
  EXPECT_EQ(command->ins, 0xD8);
  EXPECT_EQ(command->p1, 0x00);
  EXPECT_EQ(command->p2, 0x81);
  EXPECT_EQ(command->data, hex(kThreeKeys));
}

TEST(PutKeyTest, ReadsTheDialectWithoutTheClearLength) {
  const auto put =
      PutKey::decode(0x30, 0x01, hex("31 88 10 00112233445566778899AABBCCDDEEFF 03 010203"));
  ASSERT_TRUE(put.has_value());
  EXPECT_TRUE(put->replaces());
  ASSERT_EQ(put->keys.size(), 1U);
  EXPECT_EQ(put->keys[0].clear_length, 16U);
  EXPECT_EQ(put->keys[0].encrypted_value.size(), 16U);
  // Written again it takes the other dialect and says the same.
  const auto command = put->encode().value();
  EXPECT_EQ(command.data, hex("31 88 11 10 00112233445566778899AABBCCDDEEFF 03 010203"));
  EXPECT_EQ(PutKey::decode(command.p1, command.p2, command.data).value(), *put);
}

TEST(PutKeyTest, ReadsBothDialectsMixed) {
  const auto put = PutKey::decode(
      0x00, 0x81,
      hex("31 88 10 00112233445566778899AABBCCDDEEFF 00 88 21 18 "
          "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF 03 010203"));
  ASSERT_TRUE(put.has_value());
  EXPECT_FALSE(put->keys[0].kcv.has_value());
  EXPECT_EQ(put->keys[1].clear_length, 24U);
}

TEST(PutKeyTest, RoundTripsEverySizeAndMissingCheckValues) {
  for (const std::size_t length : {16UZ, 24UZ, 32UZ}) {
    for (const bool kcv : {true, false}) {
      const PutKey put{.old_version = 0x30,
                       .new_version = 0x7F,
                       .first_identifier = 1,
                       .keys = {some_key(length, kcv), some_key(length, !kcv)}};
      const auto command = put.encode();
      ASSERT_TRUE(command.has_value());
      EXPECT_EQ(PutKey::decode(command->p1, command->p2, command->data).value(), put);
    }
  }
}

TEST(PutKeyTest, RefusesEveryTruncationButAtTheEndOfAKey) {
  const Bytes whole = hex(kThreeKeys);
  const std::size_t key_size = (whole.size() - 1) / 3;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const bool whole_keys = size > 1 && (size - 1) % key_size == 0;
    EXPECT_EQ(PutKey::decode(0x00, 0x81, ByteView(whole).first(size)).has_value(), whole_keys)
        << size;
  }
}

TEST(PutKeyTest, RefusesOtherKeyTypesByName) {
  for (unsigned type = 0; type <= 0xFF; ++type) {
    if (type == kKeyTypeAes) {
      continue;
    }
    Bytes data = hex("31 88 11 10 00112233445566778899AABBCCDDEEFF 03 010203");
    data[1] = static_cast<std::uint8_t>(type);
    const auto put = PutKey::decode(0x00, 0x01, data);
    ASSERT_FALSE(put.has_value());
    EXPECT_EQ(put.error().code, Errc::kNotSupported);
  }
}

TEST(PutKeyTest, RefusesWhatTheSpecificationExcludes) {
  const auto code = [](std::uint8_t p1, std::uint8_t p2, std::string_view data) {
    const auto put = PutKey::decode(p1, p2, hex(data));
    EXPECT_FALSE(put.has_value()) << data;
    return put.has_value() ? Errc::kIo : put.error().code;
  };
  const std::string key = "88 11 10 00112233445566778899AABBCCDDEEFF 03 010203";
  EXPECT_EQ(code(0x80, 0x01, "31" + key), Errc::kNotSupported);
  EXPECT_EQ(code(0xFF, 0x01, "31" + key), Errc::kNotSupported);
  EXPECT_EQ(code(0x00, 0x01, "00" + key), Errc::kValue);
  EXPECT_EQ(code(0x00, 0x01, "80" + key), Errc::kValue);
  EXPECT_EQ(code(0x00, 0x01, "31" + key + key), Errc::kValue);
  EXPECT_EQ(code(0x00, 0xFF, "31" + key + key), Errc::kValue);  // identifiers 7F and 80
  EXPECT_EQ(code(0x00, 0x01, "31"), Errc::kValue);
  EXPECT_EQ(code(0x00, 0x01, ""), Errc::kTruncated);
  // A clear length that is no key's, one that does not fit the value, a KCV of two octets.
  EXPECT_EQ(code(0, 1, "31 88 11 0F 00112233445566778899AABBCCDDEEFF 03 010203"), Errc::kLength);
  EXPECT_EQ(code(0, 1, "31 88 11 20 00112233445566778899AABBCCDDEEFF 03 010203"), Errc::kLength);
  EXPECT_EQ(code(0, 1, "31 88 11 18 00112233445566778899AABBCCDDEEFF 03 010203"), Errc::kLength);
  EXPECT_EQ(code(0, 1, "31 88 11 10 00112233445566778899AABBCCDDEEFF 02 0102"), Errc::kLength);
  EXPECT_EQ(code(0, 1, "31 88 08 0011223344556677 03 010203"), Errc::kLength);
  EXPECT_EQ(code(0, 1, "31 88 01 10 03 010203"), Errc::kLength);
  EXPECT_EQ(code(0, 1, "31 88 00 03 010203"), Errc::kLength);
}

TEST(PutKeyTest, DoesNotWriteWhatItWouldNotRead) {
  const PutKey good{.new_version = 1, .first_identifier = 1, .keys = {some_key(16)}};
  EXPECT_TRUE(good.encode().has_value());
  PutKey bad = good;
  bad.new_version = 0;
  EXPECT_FALSE(bad.encode().has_value());
  bad = good;
  bad.keys.clear();
  EXPECT_FALSE(bad.encode().has_value());
  bad = good;
  bad.keys[0].type = 0x80;
  EXPECT_FALSE(bad.encode().has_value());
  bad = good;
  bad.keys[0].clear_length = 24;
  EXPECT_FALSE(bad.encode().has_value());
  bad = good;
  bad.first_identifier = 0x80;
  EXPECT_FALSE(bad.encode().has_value());
  bad = good;
  bad.old_version = 0x80;
  EXPECT_FALSE(bad.encode().has_value());
}

TEST(PadKeyValueTest, FillsTheLastBlock) {
  for (const std::size_t size : {16UZ, 24UZ, 32UZ}) {
    SecretBytes key(size);
    for (auto& octet : key.expose_mutable()) {
      octet = 0x77;
    }
    const auto padded = pad_key_value(key);
    ASSERT_TRUE(padded.has_value());
    EXPECT_EQ(padded->size(), size == 24 ? 32U : size);
    EXPECT_TRUE(ct_equal(padded->expose().first(size), key.expose()));
  }
  EXPECT_FALSE(pad_key_value(SecretBytes(17)).has_value());
  EXPECT_FALSE(pad_key_value(SecretBytes()).has_value());
}

TEST(PutKeyAnswerTest, RoundTripsAndRefusesPartsOfACheckValue) {
  const PutKeyAnswer answer{.version = 0x31, .kcvs = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}};
  const Bytes whole = answer.encode();
  EXPECT_EQ(whole, hex("31 010203 040506 070809"));
  EXPECT_EQ(PutKeyAnswer::decode(whole).value(), answer);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(PutKeyAnswer::decode(ByteView(whole).first(size)).has_value(), size % 3 == 1);
  }
}

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

TEST(KeyInformationTest, TakesAnEmptyListAndKeysOfSeveralComponents) {
  EXPECT_TRUE(KeyInformation::decode(hex("E0 00"))->keys.empty());
  const auto rsa = KeyInformation::decode(hex("E0 08 C0 06 01 73 A1 80 A0 03"));
  ASSERT_TRUE(rsa.has_value());
  EXPECT_EQ(rsa->keys[0].components.size(), 2U);
  EXPECT_EQ(rsa->encode(), hex("E0 08 C0 06 01 73 A1 80 A0 03"));
}

TEST(KeyInformationTest, RefusesForeignTagsAndTheExtendedForm) {
  EXPECT_EQ(KeyInformation::decode(hex("E1 00")).error().code, Errc::kUnexpectedTag);
  EXPECT_EQ(KeyInformation::decode(hex("E0 06 C1 04 01 30 88 10")).error().code,
            Errc::kUnexpectedTag);
  EXPECT_EQ(KeyInformation::decode(hex("E0 05 C0 03 01 30 88")).error().code, Errc::kLength);
  EXPECT_EQ(KeyInformation::decode(hex("E0 07 C0 05 01 30 88 10 88")).error().code,
            Errc::kTruncated);
  EXPECT_EQ(KeyInformation::decode(hex("E0 0A C0 08 01 30 FF 88 00 10 00 00")).error().code,
            Errc::kNotSupported);
  EXPECT_EQ(KeyInformation::decode(hex("E0 00 00")).error().code, Errc::kTrailing);
}

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

TEST(DeleteTest, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(decode_delete(0x80, 0, hex("4F 05 A000000003")).error().code, Errc::kValue);
  EXPECT_EQ(decode_delete(0, 0x40, hex("4F 05 A000000003")).error().code, Errc::kValue);
  EXPECT_EQ(decode_delete(0, 0x80, hex("D2 01 31")).error().code, Errc::kValue);
  EXPECT_EQ(decode_delete(0, 0, {}).error().code, Errc::kTruncated);
  EXPECT_EQ(decode_delete(0, 0, hex("4F 04 A0000000")).error().code, Errc::kLength);
  EXPECT_EQ(decode_delete(0, 0, hex("D2 02 3131")).error().code, Errc::kLength);
  EXPECT_EQ(decode_delete(0, 0, hex("D2 01 31 D0 01 01")).error().code, Errc::kUnexpectedTag);
  EXPECT_EQ(decode_delete(0, 0, hex("4F 05 A000000003 D2 01 31")).error().code,
            Errc::kUnexpectedTag);
  EXPECT_EQ(decode_delete(0, 0, hex("4F 05 A000000003 9E 01 00")).error().code,
            Errc::kNotSupported);
  EXPECT_EQ(decode_delete(0, 0, hex("4F 05 A000000003 B6 00")).error().code, Errc::kNotSupported);
}

}  // namespace
}  // namespace kagibin::gp
