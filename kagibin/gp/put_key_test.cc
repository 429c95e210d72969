// SPDX-License-Identifier: Apache-2.0
// PUT KEY in both dialects and formats, with keys of every type.
#include "kagibin/gp/put_key.h"

#include <gtest/gtest.h>

#include "kagibin/crypto/cipher/aes.h"

#include "tests/support/fixed_rng.h"
#include "tests/support/vector_file.h"

namespace kagibin::gp {
namespace {

Bytes hex(std::string_view text) {
  auto out = from_hex(text);
  EXPECT_TRUE(out.has_value()) << text;
  return out.value_or(Bytes{});
}

// A PUT KEY of three AES-128 keys as GlobalPlatformPro writes it (Amendment D, 7.2): 88 11 10 value
// 03 kcv.
constexpr std::string_view kThreeKeys =
    "31"
    "88 11 10 00112233445566778899AABBCCDDEEFF 03 010203"
    "88 11 10 10112233445566778899AABBCCDDEEFF 03 111213"
    "88 11 10 20112233445566778899AABBCCDDEEFF 03 212223";

// The base point of P-256 (SP 800-186, 3.2.1.3), a point that everybody knows.
constexpr std::string_view kPoint =
    "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
    "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5";

KeyData some_key(std::uint8_t type, std::size_t clear_length, bool kcv = true) {
  return encrypted_key(type, Bytes((clear_length + 15) / 16 * 16, 0x5A), clear_length,
                       kcv ? std::optional(KeyCheckValue{1, 2, 3}) : std::nullopt);
}

KeyData public_key(const std::vector<std::pair<std::uint8_t, Bytes>>& parts) {
  KeyData out;
  for (const auto& [type, value] : parts) {
    out.components.push_back({.type = type, .value = value});
  }
  return out;
}

Errc refusal(std::uint8_t p1, std::uint8_t p2, std::string_view data) {
  const auto put = PutKey::decode(p1, p2, hex(data));
  EXPECT_FALSE(put.has_value()) << data;
  return put.has_value() ? Errc::kIo : put.error().code;
}

// Amendment D, 7.2: PUT KEY with AES keys
TEST(PutKeyTest, ReadsAndWritesTheDialectOfAmendmentD) {
  const auto put = PutKey::decode(0x00, 0x81, hex(kThreeKeys));
  ASSERT_TRUE(put.has_value()) << put.error().detail.text();
  EXPECT_EQ(put->old_version, 0);
  EXPECT_FALSE(put->replaces());
  EXPECT_EQ(put->new_version, 0x31);
  EXPECT_EQ(put->first_identifier, 1);
  ASSERT_EQ(put->keys.size(), 3U);
  EXPECT_EQ(put->keys[2].components.at(0).clear_length, 16U);
  EXPECT_EQ(put->keys[2].components.at(0).value[0], 0x20);
  EXPECT_EQ(put->keys[2].kcv, (KeyCheckValue{0x21, 0x22, 0x23}));
  const auto command = put->encode();
  ASSERT_TRUE(command.has_value());
  EXPECT_EQ(command->cla, 0x80);
  EXPECT_EQ(command->ins, 0xD8);
  EXPECT_EQ(command->p1, 0x00);
  EXPECT_EQ(command->p2, 0x81);
  EXPECT_EQ(command->data, hex(kThreeKeys));
}

// GPCS 11.8.2.3: key data of older hosts
TEST(PutKeyTest, ReadsTheDialectWithoutTheClearLength) {
  const auto put =
      PutKey::decode(0x30, 0x01, hex("31 88 10 00112233445566778899AABBCCDDEEFF 03 010203"));
  ASSERT_TRUE(put.has_value());
  EXPECT_TRUE(put->replaces());
  ASSERT_EQ(put->keys.size(), 1U);
  EXPECT_EQ(put->keys[0].components.at(0).clear_length, 16U);
  EXPECT_EQ(put->keys[0].components.at(0).value.size(), 16U);
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
  EXPECT_EQ(put->keys[1].components.at(0).clear_length, 24U);
}

TEST(PutKeyTest, TakesAnAes192KeyUnderEightOctetBlocks) {
  // Under SCP02's Key-DEK 24 octets are whole blocks.
  const auto put = PutKey::decode(
      0, 1, hex("31 88 18 00112233445566778899AABBCCDDEEFF0011223344556677 03 010203"));
  ASSERT_TRUE(put.has_value());
  EXPECT_EQ(put->keys[0].components.at(0).clear_length, 24U);
}

// GPCS 11.1.8, 11.8.2.3: key types
TEST(PutKeyTest, ReadsAndWritesKeysOfEveryType) {
  const std::string des = "80 10 00112233445566778899AABBCCDDEEFF 03 010203";
  const std::string des3 = "82 18 00112233445566778899AABBCCDDEEFF0011223344556677 00";
  const std::string point = "B0 41 " + std::string(kPoint) + " F0 01 00 00";
  const std::string scalar =
      "B1 20 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF F0 01 00 00";
  const std::string rsa = "A1 81 80 " + to_hex(Bytes(128, 0xC1)) + " A0 03 010001 00";
  for (const std::string& key : {des, des3, point, scalar, rsa}) {
    const auto put = PutKey::decode(0x00, 0x01, hex("70" + key));
    ASSERT_TRUE(put.has_value()) << key << put.error().detail.text();
    const auto command = put->encode();
    ASSERT_TRUE(command.has_value());
    EXPECT_EQ(to_hex(command->data), to_hex(hex("70" + key)));
  }
}

// As kaoh/globalplatform sends token keys: with the parameters of P-256 instead of its reference.
// GPCS B.4: curve parameters
TEST(PutKeyTest, TakesTheParametersOfTheCurveForItsReference) {
  const std::string parameters =
      " B2 20 FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF"
      " B3 20 FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC"
      " B4 20 5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B"
      " B5 41 " +
      std::string(kPoint) +
      " B6 20 FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551 00";
  const auto put = PutKey::decode(0x00, 0x01, hex("70 B0 41 " + std::string(kPoint) + parameters));
  ASSERT_TRUE(put.has_value()) << put.error().detail.text();
  std::vector<KeyPart> parts;
  for (const KeyComponentData& component : put->keys[0].components) {
    parts.push_back({component.type, SecretBytes::copy_of(component.value)});
  }
  const auto key = Key::from(std::move(parts));
  ASSERT_TRUE(key.has_value()) << key.error().detail.text();
  EXPECT_EQ(key->curve(), crypto::Curve::kP256);
  EXPECT_EQ(to_hex(key->ec_public_key()->point()), to_hex(hex(kPoint)));
}

// GPCS B.4: other curves
TEST(PutKeyTest, RefusesParametersOfAnotherCurve) {
  const auto with = [](std::uint8_t changed) {
    std::vector<KeyPart> parts;
    const auto add = [&](std::uint8_t type, std::string_view value) {
      Bytes octets = hex(value);
      if (type == changed) {
        octets.back() ^= 0x01;
      }
      parts.push_back({type, SecretBytes::copy_of(octets)});
    };
    add(0xB0, kPoint);
    add(0xB2, "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF");
    add(0xB3, "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC");
    add(0xB4, "5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B");
    add(0xB5, kPoint);
    add(0xB6, "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");
    add(0xB7, "01");
    return Key::from(std::move(parts));
  };
  EXPECT_TRUE(with(0x00).has_value());
  for (std::uint8_t type = 0xB2; type <= 0xB7; ++type) {
    EXPECT_EQ(with(type).error().code, Errc::kNotSupported) << int{type};
  }
  EXPECT_EQ(with(0xB0).error().code, Errc::kValue) << "not on the curve";
}

// GPCS 11.1.5: lengths
TEST(PutKeyTest, TakesALengthOfEightyForAHundredAndTwentyEight) {
  const std::string value = to_hex(Bytes(128, 0xC1));
  const auto put = PutKey::decode(0, 1, hex("70 A1 80 " + value + " A0 03 010001 00"));
  ASSERT_TRUE(put.has_value()) << put.error().detail.text();
  EXPECT_EQ(put->keys[0].components.at(0).value.size(), 128U);
  EXPECT_EQ(put->encode()->data, hex("70 A1 81 80 " + value + " A0 03 010001 00"));
  EXPECT_EQ(refusal(0, 1, "70 A1 81 7F 00"), Errc::kEncoding);
  EXPECT_EQ(refusal(0, 1, "70 A1 82 00FF 00"), Errc::kEncoding);
  EXPECT_EQ(refusal(0, 1, "70 A1 83 000100 00"), Errc::kEncoding);
}

// GPCS 11.8.2.3: the extended format
// GPCS 11.1.9, 11.1.10: key usage and access
TEST(PutKeyTest, ReadsAndWritesTheExtendedFormat) {
  const Bytes data =
      hex("73 FF 88 11 10 00112233445566778899AABBCCDDEEFF 03 010203 01 84 01 01"
          "   FF B0 41 " +
          std::string(kPoint) + " FF F0 01 00 00 02 0080 00");
  const auto put = PutKey::decode(0x00, 0x81, data);
  ASSERT_TRUE(put.has_value()) << put.error().detail.text();
  ASSERT_EQ(put->keys.size(), 2U);
  ASSERT_TRUE(put->keys[0].policy && put->keys[1].policy);
  EXPECT_TRUE(put->keys[0].policy->allows_domain(KeyPolicy::kVerification));
  EXPECT_FALSE(put->keys[0].policy->allows_domain(KeyPolicy::kComputation));
  EXPECT_EQ(put->keys[0].policy->access, KeyPolicy::kDomainOnly);
  EXPECT_TRUE(put->keys[1].policy->allows_agreement());
  EXPECT_FALSE(put->keys[1].policy->says_access);
  EXPECT_EQ(put->encode()->data, data);
  // One format throughout, and nothing of it missing.
  EXPECT_EQ(refusal(0, 1, "73 FF B0 01 04 F0 01 00 00 00 00"), Errc::kValue);
  EXPECT_EQ(refusal(0, 1, "73 FF 88 10 00112233445566778899AABBCCDDEEFF 00 03 808080 00"),
            Errc::kLength);
  EXPECT_EQ(refusal(0, 1, "73 FF 88 10 00112233445566778899AABBCCDDEEFF 00 00 02 0000"),
            Errc::kLength);
  for (std::size_t size = 2; size < 29; ++size) {
    EXPECT_FALSE(PutKey::decode(0x00, 0x81, ByteView(data).first(size)).has_value()) << size;
  }
}

// GPCS 11.8.2.3: key check values
TEST(PutKeyTest, RoundTripsEverySizeAndMissingCheckValues) {
  for (const std::size_t length : {16UZ, 24UZ, 32UZ}) {
    for (const bool kcv : {true, false}) {
      const PutKey put{
          .old_version = 0x30,
          .new_version = 0x7F,
          .first_identifier = 1,
          .keys = {some_key(key_type::kAes, length, kcv), some_key(key_type::kAes, length, !kcv)}};
      const auto command = put.encode();
      ASSERT_TRUE(command.has_value());
      EXPECT_EQ(PutKey::decode(command->p1, command->p2, command->data).value(), put);
    }
  }
  // Numbers of an RSA private key, encrypted: lengths with one, two and three octets before them.
  for (const std::size_t length :
       {1UZ, 63UZ, 64UZ, 121UZ, 127UZ, 128UZ, 200UZ, 255UZ, 256UZ, 257UZ, 300UZ, 511UZ, 512UZ}) {
    const PutKey put{.new_version = 0x71,
                     .first_identifier = 1,
                     .keys = {{.components = {{.type = key_type::kRsaPrivateModulus,
                                               .value = Bytes((length + 15) / 16 * 16, 1),
                                               .clear_length = length},
                                              {.type = key_type::kRsaPrivateExponent,
                                               .value = Bytes((length + 7) / 8 * 8, 2),
                                               .clear_length = length}}}}};
    const auto command = put.encode();
    ASSERT_TRUE(command.has_value()) << length;
    const auto again = PutKey::decode(command->p1, command->p2, command->data);
    ASSERT_TRUE(again.has_value()) << length << again.error().detail.text();
    EXPECT_EQ(*again, put) << length;
  }
}

// GPCS 11.8.2.3: truncation
TEST(PutKeyTest, RefusesEveryTruncationButAtTheEndOfAKey) {
  const Bytes whole = hex(kThreeKeys);
  const std::size_t key_size = (whole.size() - 1) / 3;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const bool whole_keys = size > 1 && (size - 1) % key_size == 0;
    EXPECT_EQ(PutKey::decode(0x00, 0x81, ByteView(whole).first(size)).has_value(), whole_keys)
        << size;
  }
  const Bytes point = hex("70 B0 41 " + std::string(kPoint) + " F0 01 00 00");
  for (std::size_t size = 0; size < point.size(); ++size) {
    EXPECT_FALSE(PutKey::decode(0x00, 0x01, ByteView(point).first(size)).has_value()) << size;
  }
}

// GPCS 11.1.8: key types that are not taken
TEST(PutKeyTest, RefusesOtherKeyTypesByName) {
  for (unsigned type = 0; type <= 0xFE; ++type) {
    if (is_known_key_type(static_cast<std::uint8_t>(type))) {
      continue;
    }
    Bytes data = hex("31 88 11 10 00112233445566778899AABBCCDDEEFF 03 010203");
    data[1] = static_cast<std::uint8_t>(type);
    const auto put = PutKey::decode(0x00, 0x01, data);
    ASSERT_FALSE(put.has_value());
    EXPECT_EQ(put.error().code, Errc::kNotSupported) << type;
  }
}

TEST(PutKeyTest, RefusesComponentsThatMakeNoKey) {
  const std::string exponent = "A0 03 010001";
  const std::string modulus = "A1 81 80 " + to_hex(Bytes(128, 0xC1));
  const std::string point = "B0 41 " + std::string(kPoint);
  EXPECT_EQ(refusal(0, 1, "70" + exponent + "00"), Errc::kValue);
  EXPECT_EQ(refusal(0, 1, "70" + modulus + "00"), Errc::kValue);
  EXPECT_EQ(refusal(0, 1, "70" + modulus + exponent + exponent + "00"), Errc::kValue);
  EXPECT_EQ(refusal(0, 1, "70" + modulus + exponent + point + "00"), Errc::kValue);
  EXPECT_EQ(refusal(0, 1, "70 F0 01 00 00"), Errc::kValue);
  EXPECT_EQ(refusal(0, 1, "70" + point + "F0 01 00 B2 01 01 00"), Errc::kValue);
  EXPECT_EQ(refusal(0, 1, "70" + point + "88 10 00112233445566778899AABBCCDDEEFF 00"),
            Errc::kValue);
  EXPECT_EQ(refusal(0, 1, "70 A0 00 A1 81 80" + to_hex(Bytes(128, 0xC1)) + "00"), Errc::kLength);
}

// GPCS 11.8.2.1, 11.8.2.2, 11.8.2.3: what PUT KEY excludes
TEST(PutKeyTest, RefusesWhatTheSpecificationExcludes) {
  const std::string key = "88 11 10 00112233445566778899AABBCCDDEEFF 03 010203";
  EXPECT_EQ(refusal(0x80, 0x01, "31" + key), Errc::kNotSupported);
  EXPECT_EQ(refusal(0xFF, 0x01, "31" + key), Errc::kNotSupported);
  EXPECT_EQ(refusal(0x00, 0x01, "00" + key), Errc::kValue);
  EXPECT_EQ(refusal(0x00, 0x01, "80" + key), Errc::kValue);
  EXPECT_EQ(refusal(0x00, 0x01, "31" + key + key), Errc::kValue);
  EXPECT_EQ(refusal(0x00, 0xFF, "31" + key + key), Errc::kValue);  // identifiers 7F and 80
  EXPECT_EQ(refusal(0x00, 0x01, "31"), Errc::kValue);
  EXPECT_EQ(refusal(0x00, 0x01, ""), Errc::kTruncated);
  // A clear length that is no key's, one that does not fit the value, a KCV of two octets.
  EXPECT_EQ(refusal(0, 1, "31 88 11 0F 00112233445566778899AABBCCDDEEFF 03 010203"), Errc::kLength);
  EXPECT_EQ(refusal(0, 1, "31 88 11 20 00112233445566778899AABBCCDDEEFF 03 010203"), Errc::kLength);
  EXPECT_EQ(refusal(0, 1, "31 88 11 18 00112233445566778899AABBCCDDEEFF 03 010203"), Errc::kLength);
  EXPECT_EQ(refusal(0, 1, "31 88 11 10 00112233445566778899AABBCCDDEEFF 02 0102"), Errc::kLength);
  EXPECT_EQ(refusal(0, 1, "31 88 08 0011223344556677 03 010203"), Errc::kLength);
  EXPECT_EQ(refusal(0, 1, "31 80 08 0011223344556677 03 010203"), Errc::kLength);
  EXPECT_EQ(refusal(0, 1, "31 88 01 10 03 010203"), Errc::kLength);
  EXPECT_EQ(refusal(0, 1, "31 88 00 03 010203"), Errc::kLength);
  EXPECT_EQ(refusal(0, 1, "31 88 14 10 00112233445566778899AABBCCDDEEFF 000000 00"), Errc::kLength);
}

// GPCS 11.1.5, 11.8.2.3: lengths that are cut
TEST(PutKeyTest, RefusesLengthsThatEndEarly) {
  EXPECT_EQ(refusal(0, 1, "31 88"), Errc::kTruncated);
  EXPECT_EQ(refusal(0, 1, "31 88 81"), Errc::kTruncated);
  EXPECT_EQ(refusal(0, 1, "31 88 82 01"), Errc::kTruncated);
  EXPECT_EQ(refusal(0, 1, "31 88 81 7F"), Errc::kEncoding);
  EXPECT_EQ(refusal(0, 1, "31 88 82 00FF"), Errc::kEncoding);
  EXPECT_EQ(refusal(0, 1, "31 FF"), Errc::kTruncated);
}

TEST(PutKeyTest, DoesNotWriteWhatItWouldNotRead) {
  const PutKey good{
      .new_version = 1, .first_identifier = 1, .keys = {some_key(key_type::kAes, 16)}};
  EXPECT_TRUE(good.encode().has_value());
  PutKey bad = good;
  bad.new_version = 0;
  EXPECT_FALSE(bad.encode().has_value());
  bad = good;
  bad.keys.clear();
  EXPECT_FALSE(bad.encode().has_value());
  bad = good;
  bad.keys[0].components.clear();
  EXPECT_FALSE(bad.encode().has_value());
  bad = good;
  bad.keys[0].components[0].type = 0x81;
  EXPECT_FALSE(bad.encode().has_value());
  bad = good;
  bad.keys[0].components[0].clear_length = 24;
  EXPECT_FALSE(bad.encode().has_value());
  bad = good;
  bad.keys[0] = public_key({{key_type::kRsaPublicModulus, Bytes(128, 0xC1)}});
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
    EXPECT_EQ(pad_key_value(key.expose(), 8).size(), size);
  }
  EXPECT_FALSE(pad_key_value(SecretBytes(17)).has_value());
  EXPECT_FALSE(pad_key_value(SecretBytes()).has_value());
}

TEST(SealKeyTest, EncryptsSecretsAndLeavesPublicPartsAsTheyAre) {
  test::FixedRng rng("seal key");
  const auto own = crypto::CurvePrivateKey::generate(crypto::Curve::kP384, rng).value();
  const SensitiveCipher reversed{.encrypt = [](ByteView clear) -> Result<Bytes> {
    return Bytes(clear.rbegin(), clear.rend());
  }};
  const auto scalar = seal_key(Key::ec_private(own).value(), reversed).value();
  ASSERT_EQ(scalar.components.size(), 2U);
  EXPECT_EQ(scalar.components[0].value,
            Bytes(own.expose_scalar().rbegin(), own.expose_scalar().rend()));
  EXPECT_EQ(scalar.components[0].clear_length, 48U);
  EXPECT_EQ(scalar.components[1].value, Bytes{0x01});
  EXPECT_FALSE(scalar.kcv.has_value());
  const auto aes = seal_key(Key::aes(Bytes(24, 0x11)).value(), reversed).value();
  EXPECT_EQ(aes.components[0].value.size(), 32U);
  EXPECT_EQ(aes.kcv, crypto::aes_kcv(Bytes(24, 0x11)).value());
  const auto des =
      seal_key(Key::des(Bytes(24, 0x11)).value(), {.encrypt = reversed.encrypt, .block_bytes = 8});
  EXPECT_EQ(des->components[0].value.size(), 24U);
  EXPECT_TRUE(des->kcv.has_value());
  const SensitiveCipher broken{
      .encrypt = [](ByteView) -> Result<Bytes> { return fail(Errc::kCrypto, "no"); }};
  EXPECT_EQ(seal_key(Key::aes(Bytes(16, 0x11)).value(), broken).error().code, Errc::kCrypto);
}

// GPCS 11.8.3.1: the answer to PUT KEY
TEST(PutKeyAnswerTest, RoundTripsAndRefusesPartsOfACheckValue) {
  const PutKeyAnswer answer{.version = 0x31, .kcvs = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}};
  const Bytes whole = answer.encode();
  EXPECT_EQ(whole, hex("31 010203 040506 070809"));
  EXPECT_EQ(PutKeyAnswer::decode(whole).value(), answer);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(PutKeyAnswer::decode(ByteView(whole).first(size)).has_value(), size % 3 == 1);
  }
}

}  // namespace
}  // namespace kagibin::gp
