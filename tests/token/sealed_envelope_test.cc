// SPDX-License-Identifier: Apache-2.0
// E2 that a token sealed, opened as the element opens any E2: the same plaintext, octet for octet.
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/token/pkcs11_tokens.h"
#include "kagibin/envelope/test_delivery.h"

#include "tests/support/must.h"
#include "tests/token/soft_token.h"

namespace kagibin::test {
namespace {

using crypto::token::Pkcs11Tokens;
using crypto::token::TokenUri;

class SealedEnvelopeTest : public testing::TestWithParam<std::uint8_t> {
 protected:
  void SetUp() override {
    if (!token_.missing().empty()) {
      GTEST_SKIP() << token_.missing();
    }
    t_.in_suite(GetParam());
  }

  // A payload of every kind of action, whose last one puts a key of ours and one of the token's.
  envelope::Payload payload(bool with_value) {
    envelope::Payload out = envelope::payload_with_every_action();
    envelope::PutKeyAction put{.new_key_version = 0x44, .first_key_identifier = 0x05, .keys = {}};
    envelope::PutKeyAction::Key own;
    own.value = SecretBytes::copy_of(Bytes(16, 0x11));
    own.kcv = must(crypto::aes_kcv(own.value.expose()));
    envelope::PutKeyAction::Key held;
    held.value = with_value ? value_.duplicate() : SecretBytes();
    held.kcv = must(crypto::aes_kcv(value_.expose()));
    put.keys.push_back(std::move(own));
    put.keys.push_back(std::move(held));
    out.actions.emplace_back(std::move(put));
    return out;
  }
  std::vector<envelope::HeldKey> held(std::size_t action, std::size_t key = 1) {
    return {{.action = action,
             .key = key,
             .value = {.uri = token_.uri("k"), .size_bytes = value_.size()}}};
  }
  Result<Bytes> seal(envelope::Payload payload, std::span<const envelope::HeldKey> held) {
    return envelope::seal_delivery_in_token(t_.header(), std::move(payload), held, e1_,
                                            t_.own_key().public_key(), t_.provider_key, tokens_,
                                            t_.rng);
  }

  SoftToken token_{SoftToken::Make::kNss};
  Pkcs11Tokens tokens_{[](const TokenUri&) -> Result<SecretBytes> {
    return SecretBytes::copy_of(ascii(SoftToken::pin()));
  }};
  envelope::TestDelivery t_;
  SecretBytes value_ = must(crypto::random_secret(t_.rng, 32));
  Bytes e1_;
};

INSTANTIATE_TEST_SUITE_P(Suites,
                         SealedEnvelopeTest,
                         testing::Values(std::uint8_t{0x01}, std::uint8_t{0x02}),
                         [](const auto& info) { return info.param == 0x01 ? "01" : "02"; });

TEST_P(SealedEnvelopeTest, OpensAsTheSamePayloadThatWasSealedHereWould) {
  must(tokens_.put_wrap_only_key(token_.uri("k"), value_));
  e1_ = t_.e1();
  const std::size_t last = payload(true).actions.size() - 1;
  const Bytes e2 = must(seal(payload(false), held(last)));
  const envelope::Envelope decoded = must(envelope::Envelope::decode(e2));
  EXPECT_EQ(decoded.encode(), e2);
  const crypto::Digest256 statement_hash = crypto::sha256(e1_);
  EXPECT_TRUE(verify_envelope(decoded, statement_hash, t_.provider_key.public_key()));
  const envelope::Payload opened = must(open_delivery(decoded, statement_hash, t_.own_key()));
  EXPECT_TRUE(ct_equal(opened.encode().expose(), payload(true).encode().expose()));
}

TEST_P(SealedEnvelopeTest, RefusesPlacesAndPayloadsThatAreNone) {
  must(tokens_.put_wrap_only_key(token_.uri("k"), value_));
  e1_ = t_.e1();
  const std::size_t last = payload(true).actions.size() - 1;
  const auto code = [](const Result<Bytes>& answer) {
    return answer ? Errc::kStore : answer.error().code;
  };
  EXPECT_EQ(code(seal(payload(false), held(last, 0))), Errc::kInvalidArgument) << "has a value";
  EXPECT_EQ(code(seal(payload(false), held(last, 2))), Errc::kInvalidArgument) << "no such key";
  EXPECT_EQ(code(seal(payload(false), held(last + 1))), Errc::kInvalidArgument);
  EXPECT_EQ(code(seal(payload(true), {})), Errc::kInvalidArgument) << "no key in it";
  EXPECT_EQ(code(seal(payload(false), {})), Errc::kLength) << "a key without a value";
  const envelope::Payload plain = payload(false);
  EXPECT_EQ(code(envelope::seal_delivery(t_.header(), plain, e1_, t_.own_key().public_key(),
                                         t_.provider_key, t_.rng)),
            Errc::kLength)
      << "nothing but the token seals it";
}

TEST(SealedEnvelopeSuiteTest, SuitesOfHpkeAreRefusedBeforeTheTokenIsAsked) {
  envelope::TestDelivery t;
  t.in_suite(0x10);
  const Bytes e1 = t.e1();
  Pkcs11Tokens none(
      [](const TokenUri&) -> Result<SecretBytes> { return fail(Errc::kIo, "nobody is asked"); });
  const auto refused = envelope::seal_delivery_in_token(
      t.header(), t.payload(), {}, e1, t.own_key().public_key(), t.provider_key, none, t.rng);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kNotSupported);
}

}  // namespace
}  // namespace kagibin::test
