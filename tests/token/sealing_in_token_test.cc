// SPDX-License-Identifier: Apache-2.0
// Sealing inside a token: what NSS makes of it opens as an envelope's body does, tokens without the
// mechanisms refuse before anything is done, and no call hands a key out.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/crypto/kdf/kdf.h"
#include "kagibin/crypto/token/pkcs11_tokens.h"

#include "tests/support/fixed_rng.h"
#include "tests/support/must.h"
#include "tests/token/faults.h"
#include "tests/token/soft_token.h"

namespace kagibin::crypto::token {
namespace {

using test::must;
using test::SoftToken;

Result<SecretBytes> right_pin(const TokenUri& /*uri*/) {
  return SecretBytes::copy_of(ascii(SoftToken::pin()));
}

class TestContext final : public SealingContext {
 public:
  Digest256 shared_info(const EcPoint& ephemeral) const override {
    return sha256({ascii("context"), ephemeral});
  }
  Bytes authenticated(const EcPoint& ephemeral, ByteView sealed) const override {
    Bytes out = {0xAA, 0xD0};
    append(out, ephemeral);
    append(out, sealed);
    return out;
  }
};

LongCheckValue check_value_of(ByteView key) {
  AesBlock block{};
  block.fill(0x01);
  const AesBlock encrypted = must(aes_encrypt_block(key, block));
  LongCheckValue out{};
  std::copy_n(encrypted.begin(), out.size(), out.begin());
  return out;
}

SecretBytes octets(std::size_t size, std::uint8_t value) {
  SecretBytes out(size);
  std::ranges::fill(out.expose_mutable(), value);
  return out;
}

class SealingInTokenTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!token_.missing().empty()) {
      GTEST_SKIP() << token_.missing();
    }
    faults_.emplace();
  }

  KeyInToken key(std::string_view name, std::size_t size = 16) {
    return {.uri = token_.uri(name), .size_bytes = size};
  }
  Result<SealedInToken> seal(const JoinedPlaintext& plaintext, std::size_t key_size = 16) {
    return tokens_.seal(plaintext, recipient_.public_key(), key_size, TestContext());
  }
  // By the software of suites 01 and 02.
  SecretBytes open(const SealedInToken& sealed, std::size_t key_size = 16) {
    const TestContext context;
    const EcPublicKey ephemeral = must(EcPublicKey::from_point(sealed.ephemeral));
    const SecretArray<32> z = must(ecdh(recipient_, ephemeral));
    const SecretBytes keys =
        must(x963_kdf_sha256(z.expose(), context.shared_info(sealed.ephemeral), 2 * key_size + 16));
    EXPECT_EQ(must(aes_cmac(keys.expose().subspan(key_size, key_size),
                            {context.authenticated(sealed.ephemeral, sealed.sealed)})),
              sealed.mac);
    AesBlock iv{};
    std::ranges::copy(keys.expose().last(16), iv.begin());
    SecretBytes plain = must(aes_cbc_decrypt(keys.expose().first(key_size), iv, sealed.sealed));
    plain.shrink(must(unpad80(plain.expose())));
    return plain;
  }

  SoftToken token_{SoftToken::Make::kNss, true};
  Pkcs11Tokens tokens_{right_pin};
  std::optional<test::Faults> faults_;
  test::FixedRng rng_{"sealing in a token"};
  EcPrivateKey recipient_ = must(EcPrivateKey::generate(rng_));
};

// PKCS#11 v2.40, 2.3.8: what is agreed on, joined and wrapped inside is what was asked for
TEST_F(SealingInTokenTest, SealsWhatTheSoftwareOpensAtEveryLengthAndKeySize) {
  const std::vector<std::size_t> sizes = {16, 24, 32};
  std::vector<SecretBytes> values;
  for (const std::size_t size : sizes) {
    values.push_back(must(random_secret(rng_, size)));
    const std::string uri = token_.uri("k" + std::to_string(size));
    EXPECT_EQ(must(tokens_.put_wrap_only_key(uri, values.back())),
              check_value_of(values.back().expose()));
    EXPECT_TRUE(token_.is_kept_inside("k" + std::to_string(size), CKO_SECRET_KEY));
  }
  for (const std::size_t key_size : {16U, 32U}) {
    for (std::size_t tail = 0; tail <= 17; ++tail) {
      JoinedPlaintext plaintext;
      plaintext.parts.emplace_back(octets(16 + tail % 5, 0xC0));
      Bytes expected(16 + tail % 5, 0xC0);
      for (std::size_t i = 0; i < sizes.size(); ++i) {
        plaintext.parts.emplace_back(key("k" + std::to_string(sizes[i]), sizes[i]));
        append(expected, values[i].expose());
        plaintext.parts.emplace_back(octets(i, 0xA0));
        expected.insert(expected.end(), i, 0xA0);
      }
      plaintext.parts.emplace_back(octets(tail, 0x77));
      expected.insert(expected.end(), tail, 0x77);
      const SealedInToken sealed = must(seal(plaintext, key_size));
      const SecretBytes opened = open(sealed, key_size);
      EXPECT_EQ(to_hex(opened.expose()), to_hex(expected)) << key_size << " " << tail;
    }
  }
}

TEST_F(SealingInTokenTest, EachSealingHasAKeyPairOfItsOwn) {
  must(tokens_.generate_wrap_only_key(token_.uri("k"), 16));
  JoinedPlaintext plaintext;
  plaintext.parts.emplace_back(octets(20, 0xC0));
  plaintext.parts.emplace_back(key("k"));
  const SealedInToken first = must(seal(plaintext));
  const SealedInToken second = must(seal(plaintext));
  EXPECT_NE(first.ephemeral, second.ephemeral);
  EXPECT_NE(first.sealed, second.sealed);
}

TEST_F(SealingInTokenTest, RefusesPlaintextsThatWouldShowAKeyOrHaveNone) {
  must(tokens_.generate_wrap_only_key(token_.uri("k"), 16));
  const auto refused = [&](std::size_t head, bool has_key) {
    JoinedPlaintext plaintext;
    plaintext.parts.emplace_back(octets(head, 0xC0));
    if (has_key) {
      plaintext.parts.emplace_back(key("k"));
    }
    const auto sealed = seal(plaintext);
    return sealed ? Errc::kStore : sealed.error().code;
  };
  EXPECT_EQ(refused(15, true), Errc::kInvalidArgument) << "a key would meet the IV";
  EXPECT_EQ(refused(40, false), Errc::kInvalidArgument);
  JoinedPlaintext key_first;
  key_first.parts.emplace_back(key("k"));
  key_first.parts.emplace_back(octets(40, 0xC0));
  EXPECT_EQ(seal(key_first).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(seal(JoinedPlaintext()).error().code, Errc::kInvalidArgument);
  JoinedPlaintext good;
  good.parts.emplace_back(octets(16, 0xC0));
  good.parts.emplace_back(key("k"));
  EXPECT_EQ(seal(good, 24).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(to_hex(open(must(seal(good))).expose().first(16)), to_hex(Bytes(16, 0xC0)));
}

TEST_F(SealingInTokenTest, RefusesKeysThatTheTokenWouldShowOrNotWrap) {
  const SecretBytes value = must(random_secret(rng_, 16));
  token_.put_aes_key("kept", value.expose());  // CKA_EXTRACTABLE false
  const auto kept = tokens_.check_value(key("kept"));
  ASSERT_FALSE(kept.has_value());
  EXPECT_EQ(kept.error().code, Errc::kPolicy);
  EXPECT_NE(kept.error().detail.text().find("CKA_EXTRACTABLE"), std::string_view::npos);
  ASSERT_FALSE(tokens_.check_value(key("absent")).has_value());
  EXPECT_EQ(tokens_.check_value(key("absent")).error().code, Errc::kNotFound);
  must(tokens_.put_wrap_only_key(token_.uri("good"), value));
  const auto longer = tokens_.check_value(key("good", 32));
  ASSERT_FALSE(longer.has_value());
  EXPECT_EQ(longer.error().code, Errc::kLength);
  // One that it would show, at the key itself and on the way to an envelope.
  faults_->deny_sensitive();
  const auto shown = tokens_.check_value(key("good"));
  ASSERT_FALSE(shown.has_value());
  EXPECT_EQ(shown.error().code, Errc::kPolicy);
  Pkcs11Tokens later(right_pin);  // which has not rehearsed
  const auto on_the_way = later.check_value(key("good"));
  ASSERT_FALSE(on_the_way.has_value());
  EXPECT_EQ(on_the_way.error().code, Errc::kPolicy);
  EXPECT_NE(on_the_way.error().detail.text().find("on the way"), std::string_view::npos);
  JoinedPlaintext plaintext;
  plaintext.parts.emplace_back(octets(20, 0xC0));
  plaintext.parts.emplace_back(key("good"));
  const auto sealed = later.seal(plaintext, recipient_.public_key(), 16, TestContext());
  ASSERT_FALSE(sealed.has_value());
  EXPECT_EQ(sealed.error().code, Errc::kNotSupported)
      << "no reason to refuse an order for good, or to let others wait";
  // One that sealed before looks at the key each time.
  const auto by_now = tokens_.seal(plaintext, recipient_.public_key(), 16, TestContext());
  ASSERT_FALSE(by_now.has_value());
  EXPECT_EQ(by_now.error().code, Errc::kNotSupported);
  EXPECT_NE(by_now.error().detail.text().find("would hand this key out"), std::string_view::npos);
  // What was made, and would be shown, is destroyed again.
  const auto made = tokens_.generate_wrap_only_key(token_.uri("made"), 16);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Errc::kPolicy);
  faults_->clear();
  EXPECT_EQ(tokens_.erase(token_.uri("made")).error().code, Errc::kNotFound);
}

// PKCS#11 v2.40, 2.3.8: a token without one of the mechanisms says which, before anything is made
TEST_F(SealingInTokenTest, NamesTheMechanismThatIsMissingAndMakesNothing) {
  struct Missing {
    CK_MECHANISM_TYPE mechanism;
    const char* name;
  };
  const std::size_t objects = token_.count_objects();
  for (const Missing& missing :
       {Missing{CKM_ECDH1_DERIVE, "CKM_ECDH1_DERIVE"},
        Missing{CKM_EXTRACT_KEY_FROM_KEY, "CKM_EXTRACT_KEY_FROM_KEY"},
        Missing{CKM_XOR_BASE_AND_DATA, "CKM_XOR_BASE_AND_DATA"},
        Missing{CKM_CONCATENATE_BASE_AND_DATA, "CKM_CONCATENATE_BASE_AND_DATA"},
        Missing{CKM_CONCATENATE_BASE_AND_KEY, "CKM_CONCATENATE_BASE_AND_KEY"}}) {
    faults_->hide(missing.mechanism);
    const auto refused = tokens_.generate_wrap_only_key(token_.uri("k"), 16);
    faults_->clear();
    ASSERT_FALSE(refused.has_value()) << missing.name;
    EXPECT_EQ(refused.error().code, Errc::kNotSupported);
    EXPECT_NE(refused.error().detail.text().find(missing.name), std::string_view::npos)
        << refused.error().detail.text();
    EXPECT_EQ(token_.count_objects(), objects) << missing.name;
  }
  struct Refused {
    const char* function;
    const char* name;
  };
  for (const Refused& refused :
       {Refused{"C_GenerateKey", "CKM_AES_KEY_GEN"}, Refused{"C_GenerateKeyPair", "P-256"},
        Refused{"C_EncryptInit", "CKM_AES_CBC"}, Refused{"C_WrapKey", "C_WrapKey"},
        Refused{"C_SignInit", "CKM_AES_CMAC"}}) {
    faults_->fail(refused.function, CKR_MECHANISM_INVALID);
    const auto answer = tokens_.generate_wrap_only_key(token_.uri("k"), 16);
    faults_->clear();
    ASSERT_FALSE(answer.has_value()) << refused.function;
    EXPECT_EQ(answer.error().code, Errc::kNotSupported);
    EXPECT_NE(answer.error().detail.text().find(refused.name), std::string_view::npos)
        << answer.error().detail.text();
    EXPECT_EQ(token_.count_objects(), objects) << refused.function;
  }
  must(tokens_.generate_wrap_only_key(token_.uri("k"), 16));
}

TEST_F(SealingInTokenTest, ATokenThatSealsSomethingElseIsNotBelieved) {
  faults_->spoil_wrapping();
  const auto wrapped = tokens_.generate_wrap_only_key(token_.uri("k"), 16);
  ASSERT_FALSE(wrapped.has_value());
  EXPECT_EQ(wrapped.error().code, Errc::kCrypto) << wrapped.error().detail.text();
  faults_->clear();
  faults_->spoil_signatures();
  EXPECT_EQ(tokens_.generate_wrap_only_key(token_.uri("k"), 16).error().code, Errc::kCrypto);
  faults_->clear();
  must(tokens_.generate_wrap_only_key(token_.uri("k"), 16));
}

// Tokens that cannot: they say so, nothing is made, and what they can they still do.
class NoSealingTest : public testing::TestWithParam<SoftToken::Make> {
 protected:
  SoftToken token_{GetParam()};
  Pkcs11Tokens tokens_{right_pin};
};

INSTANTIATE_TEST_SUITE_P(Makes,
                         NoSealingTest,
                         testing::Values(SoftToken::Make::kSoftHsm, SoftToken::Make::kOpenCryptoki),
                         [](const auto& info) {
                           return info.param == SoftToken::Make::kSoftHsm ? "SoftHsm"
                                                                          : "OpenCryptoki";
                         });

TEST_P(NoSealingTest, NamesWhatIsMissingAndStillDerives) {
  if (!token_.missing().empty()) {
    GTEST_SKIP() << token_.missing();
  }
  const auto refused = tokens_.generate_wrap_only_key(token_.uri("k"), 16);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kNotSupported) << refused.error().detail.text();
  EXPECT_NE(refused.error().detail.text().find("CKM_"), std::string_view::npos)
      << refused.error().detail.text();
  RecordProperty("refusal", std::string(refused.error().detail.text()));
  test::FixedRng rng("no sealing");
  EXPECT_EQ(tokens_.put_wrap_only_key(token_.uri("k"), must(random_secret(rng, 16))).error().code,
            Errc::kNotSupported);
  EXPECT_EQ(tokens_.erase(token_.uri("k")).error().code, Errc::kNotFound) << "nothing was made";
  const DerivationKey master = must(tokens_.generate_derivation_key(token_.uri("master"), 32));
  EXPECT_EQ(must(master.diversify(ascii("L"), ascii("C"), 16)).size(), 16U);
  // A key that such a token does derive would have to be wrapped, too.
  const auto derived =
      tokens_.check_value({.uri = token_.uri("master"), .label = "L", .context = {0x01}});
  EXPECT_EQ(derived.error().code, Errc::kNotSupported);
}

}  // namespace
}  // namespace kagibin::crypto::token
