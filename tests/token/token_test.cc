// SPDX-License-Identifier: Apache-2.0
// Keys in tokens of three makes: what is done in the token is what the same key does in memory.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/kdf/kdf.h"
#include "kagibin/crypto/token/pkcs11_tokens.h"

#include "tests/support/fixed_rng.h"
#include "tests/support/must.h"
#include "tests/support/vector_file.h"
#include "tests/token/soft_token.h"

namespace kagibin::crypto::token {
namespace {

using test::must;
using test::SoftToken;

Result<SecretBytes> right_pin(const TokenUri& /*uri*/) {
  return SecretBytes::copy_of(ascii(SoftToken::pin()));
}

class TokenTest : public testing::TestWithParam<SoftToken::Make> {
 protected:
  void SetUp() override {
    if (!token_.missing().empty()) {
      GTEST_SKIP() << token_.missing();
    }
  }
  bool has_curves() const { return GetParam() != SoftToken::Make::kOpenCryptoki; }

  SoftToken token_{GetParam()};
  Pkcs11Tokens tokens_{right_pin};
  test::FixedRng rng_{"token"};
};

INSTANTIATE_TEST_SUITE_P(Makes,
                         TokenTest,
                         testing::Values(SoftToken::Make::kSoftHsm,
                                         SoftToken::Make::kNss,
                                         SoftToken::Make::kOpenCryptoki),
                         [](const auto& info) {
                           switch (info.param) {
                             case SoftToken::Make::kSoftHsm:
                               return "SoftHsm";
                             case SoftToken::Make::kNss:
                               return "Nss";
                             case SoftToken::Make::kOpenCryptoki:
                               break;
                           }
                           return "OpenCryptoki";
                         });

// PKCS#11 v2.40, 2.3.6: CKM_ECDSA
TEST_P(TokenTest, SignsWithAKeyThatItMadeAndKeeps) {
  if (!has_curves()) {
    GTEST_SKIP() << "no elliptic curves in openCryptoki's soft token of Debian 12";
  }
  const std::string uri = token_.uri("signing");
  const SigningKey made = must(tokens_.generate_signing_key(uri));
  EXPECT_EQ(made.in_memory(), nullptr);
  const Bytes der = must(made.sign_der({ascii("KB1"), ascii("message")}, rng_));
  EXPECT_TRUE(ecdsa_verify_der(made.public_key(), {ascii("KB1message")}, der));
  EXPECT_FALSE(ecdsa_verify_der(made.public_key(), {ascii("KB1messagf")}, der));
  EXPECT_TRUE(token_.is_kept_inside("signing", CKO_PRIVATE_KEY));

  // Another process finds the same key.
  Pkcs11Tokens later(right_pin);
  const SigningKey found = must(later.signing_key(uri));
  EXPECT_EQ(found.public_key(), made.public_key());
  const Bytes raw = must(found.sign_raw({ascii("again")}, rng_));
  EXPECT_TRUE(ecdsa_verify_raw(made.public_key(), {ascii("again")}, raw));
}

// PKCS#11 v2.40, 2.3.8: CKM_ECDH1_DERIVE
TEST_P(TokenTest, AgreesOnTheValueThatThePeerAgreesOn) {
  if (!has_curves()) {
    GTEST_SKIP() << "no elliptic curves in openCryptoki's soft token of Debian 12";
  }
  const AgreementKey key = must(tokens_.generate_agreement_key(token_.uri("kem")));
  for (int i = 0; i < 5; ++i) {
    const EcPrivateKey peer = must(EcPrivateKey::generate(rng_));
    const auto z = must(key.agree(peer.public_key()));
    EXPECT_TRUE(ct_equal(z.expose(), must(ecdh(peer, key.public_key())).expose()));
  }
  EXPECT_TRUE(token_.is_kept_inside("kem", CKO_PRIVATE_KEY));
  const auto signing = tokens_.signing_key(token_.uri("kem"));
  ASSERT_FALSE(signing.has_value());
  EXPECT_EQ(signing.error().code, Errc::kPolicy) << signing.error().detail.text();
}

// The counter mode of SP 800-108r1 (4.1), with the vectors of diversify_cmac
TEST_P(TokenTest, DerivesWhatTheSameMasterKeyDerivesInMemory) {
  int name = 0;
  test::for_each_vector("kagibin/crypto/kdf/testdata/diversify.vec", [&](test::VectorCase& vector) {
    const std::string label = "master" + std::to_string(++name);
    token_.put_aes_key(label, vector.octets("Key"));
    const DerivationKey master = must(tokens_.derivation_key(token_.uri(label)));
    EXPECT_EQ(master.token_uri(), token_.uri(label));
    const Bytes expected = vector.octets("Out");
    const auto derived =
        must(master.diversify(vector.octets("Label"), vector.octets("Context"), expected.size()));
    EXPECT_EQ(to_hex(derived.expose()), to_hex(expected));
  });
  EXPECT_GT(name, 0);
}

TEST_P(TokenTest, DerivesEveryLengthOfContextAndKey) {
  Bytes key(32, 0x5A);
  token_.put_aes_key("master", key);
  const DerivationKey master = must(tokens_.derivation_key(token_.uri("master")));
  for (const std::size_t length : {0U, 1U, 2U, 3U, 4U, 15U, 16U, 17U, 40U}) {
    const Bytes context(length, 0xC3);
    for (const std::size_t size : {1U, 16U, 17U, 24U, 32U, 96U}) {
      const auto derived = must(master.diversify(ascii("KB1-KDV"), context, size));
      const auto expected = must(diversify_cmac(key, ascii("KB1-KDV"), context, size));
      EXPECT_TRUE(ct_equal(derived.expose(), expected.expose())) << length << ' ' << size;
    }
  }
  EXPECT_EQ(master.diversify({}, {}, 0).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(master.diversify({}, {}, 1025).error().code, Errc::kInvalidArgument);
}

TEST_P(TokenTest, MakesAMasterKeyOfEverySizeThatNobodyReads) {
  for (const std::size_t size : {16U, 24U, 32U}) {
    const std::string label = "master" + std::to_string(size);
    const DerivationKey made = must(tokens_.generate_derivation_key(token_.uri(label), size));
    const auto first = must(made.diversify(ascii("L"), ascii("C"), 16));
    EXPECT_TRUE(token_.is_kept_inside(label, CKO_SECRET_KEY));
    Pkcs11Tokens later(right_pin);
    const DerivationKey found = must(later.derivation_key(token_.uri(label)));
    EXPECT_TRUE(
        ct_equal(first.expose(), must(found.diversify(ascii("L"), ascii("C"), 16)).expose()));
  }
  EXPECT_EQ(tokens_.generate_derivation_key(token_.uri("odd"), 20).error().code,
            Errc::kInvalidArgument);
}

TEST_P(TokenTest, LeavesAKeyOfTheSameNameAsItIs) {
  const std::string uri = token_.uri("master");
  const DerivationKey made = must(tokens_.generate_derivation_key(uri, 16));
  EXPECT_EQ(tokens_.generate_derivation_key(uri, 16).error().code, Errc::kConflict);
  EXPECT_EQ(tokens_.generate_signing_key(uri).error().code,
            has_curves() ? Errc::kConflict : Errc::kNotSupported);
}

TEST_P(TokenTest, ErasesAKey) {
  const std::string uri = token_.uri("gone");
  must(tokens_.generate_derivation_key(uri, 16));
  must(tokens_.erase(uri));
  EXPECT_EQ(tokens_.derivation_key(uri).error().code, Errc::kNotFound);
  EXPECT_EQ(tokens_.erase(uri).error().code, Errc::kNotFound);
  must(tokens_.generate_derivation_key(uri, 16));
}

TEST_P(TokenTest, RefusesAKeyThatTheTokenWouldHandOut) {
  token_.put_aes_key("open", Bytes(16, 0x11), false);
  if (token_.is_kept_inside("open", CKO_SECRET_KEY)) {
    GTEST_SKIP() << "this token keeps every key inside, whatever it is asked";
  }
  const auto refused = tokens_.derivation_key(token_.uri("open"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kPolicy) << refused.error().detail.text();
}

TEST_P(TokenTest, RefusesAWrongPinOnceAndDoesNotTryItAgain) {
  int asked = 0;
  Pkcs11Tokens tokens([&](const TokenUri&) -> Result<SecretBytes> {
    ++asked;
    return SecretBytes::copy_of(ascii("161803"));
  });
  for (int i = 0; i < 5; ++i) {
    const auto refused = tokens.derivation_key(token_.uri("master"));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::kAuthentication) << refused.error().detail.text();
    if (i == 0) {
      EXPECT_EQ(asked, 1);
    }
  }
  // A token counts: five tries would have locked most.
  EXPECT_LE(asked, 1);
  must(tokens_.generate_derivation_key(token_.uri("master"), 16));
}

TEST_P(TokenTest, SaysThatThereIsNoSuchTokenKeyOrModule) {
  EXPECT_EQ(tokens_.derivation_key(token_.uri("nothing")).error().code, Errc::kNotFound);
  EXPECT_EQ(tokens_
                .derivation_key("pkcs11:token=nobody;object=x?module-path=" +
                                token_.uri("x").substr(token_.uri("x").rfind("=") + 1))
                .error()
                .code,
            Errc::kNotFound);
  EXPECT_EQ(
      tokens_.derivation_key("pkcs11:token=a;object=x?module-path=/nonexistent.so").error().code,
      Errc::kNotFound);
  EXPECT_EQ(tokens_.derivation_key(token_.token_uri()).error().code, Errc::kValue);
}

TEST_P(TokenTest, ServesManyThreadsWithFewSessions) {
  Pkcs11Tokens tokens(right_pin, 3);
  const DerivationKey master = must(tokens.generate_derivation_key(token_.uri("master"), 32));
  const auto expected = must(master.diversify(ascii("L"), ascii("C"), 32));
  std::atomic<int> good{0};
  {
    std::vector<std::jthread> threads;
    threads.reserve(8);
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 10; ++round) {
          const auto derived = master.diversify(ascii("L"), ascii("C"), 32);
          good += derived && ct_equal(derived->expose(), expected.expose()) ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(good, 80);
}

TEST(OpenCryptokiTest, NamesTheMechanismThatIsMissingAndWhatStillWorks) {
  const SoftToken token(SoftToken::Make::kOpenCryptoki);
  if (!token.missing().empty()) {
    GTEST_SKIP() << token.missing();
  }
  Pkcs11Tokens tokens(right_pin);
  const auto signing = tokens.generate_signing_key(token.uri("signing"));
  ASSERT_FALSE(signing.has_value());
  EXPECT_EQ(signing.error().code, Errc::kNotSupported);
  EXPECT_NE(signing.error().detail.text().find("CKM_EC"), std::string_view::npos);
  const auto opened = tokens.signing_key(token.uri("signing"));
  ASSERT_FALSE(opened.has_value());
  EXPECT_NE(opened.error().detail.text().find("CKM_ECDSA"), std::string_view::npos);
  EXPECT_NE(opened.error().detail.text().find("master keys still work"), std::string_view::npos);
  must(tokens.generate_derivation_key(token.uri("master"), 32));
}

// Attributes of a URI (RFC 7512, 2.3)
TEST(TokenUriTest, RefusesAPinAndWhatItDoesNotKnow) {
  struct {
    std::string_view text;
    Errc code;
  } const kRefused[] = {
      {"pkcs11:token=a;object=b?pin-value=1234", Errc::kPolicy},
      {"pkcs11:token=a;object=b?module-path=/a.so&pin-value=1234", Errc::kPolicy},
      {"pkcs11:object=b", Errc::kValue},
      {"pkcs11:", Errc::kValue},
      {"", Errc::kValue},
      {"http://token", Errc::kValue},
      {"token=a;object=b", Errc::kValue},
      {"pkcs11:token=a;object=%zz", Errc::kValue},
      {"pkcs11:token=a;colour=red", Errc::kValue},
      {"pkcs11:token=a;object=b?module-path=libsofthsm2.so", Errc::kValue},
      {"pkcs11:token=a;object=b?module-name=softhsm", Errc::kValue},
  };
  for (const auto& [text, code] : kRefused) {
    const auto uri = TokenUri::parse(text);
    ASSERT_FALSE(uri.has_value()) << text;
    EXPECT_EQ(uri.error().code, code) << text << ": " << uri.error().detail.text();
  }
  EXPECT_FALSE(TokenUri::parse("pkcs11:token=" + std::string(1024, 'a')).has_value());
}

TEST(TokenUriTest, ReadsNameModuleAndPinSource) {
  const TokenUri uri = must(TokenUri::parse(
      "pkcs11:token=The%20Software;object=key;id=%01%02?module-path=/m.so&pin-source=/etc/pin"));
  EXPECT_TRUE(uri.names_key());
  EXPECT_EQ(to_hex(uri.label()), to_hex(ascii("key")));
  EXPECT_EQ(to_hex(uri.id()), "0102");
  EXPECT_EQ(uri.module_path(), "/m.so");
  EXPECT_EQ(uri.pin_source(), "/etc/pin");
  const TokenUri other =
      must(TokenUri::parse("pkcs11:token=The%20Software;object=other?module-path=/m.so"));
  EXPECT_EQ(uri.token_text(), other.token_text());
}

}  // namespace
}  // namespace kagibin::crypto::token
