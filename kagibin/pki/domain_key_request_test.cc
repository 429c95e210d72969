// SPDX-License-Identifier: Apache-2.0
#include "kagibin/pki/domain_key_request.h"

#include <gtest/gtest.h>

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/scp/scp11/key_generation.h"

#include "tests/support/fixed_rng.h"

namespace kagibin::pki {
namespace {

class DomainKeyRequestTest : public testing::Test {
 protected:
  DomainKeyRequestTest() {
    made_.element.octets[0] = 0x5E;
    made_.owner.octets[0] = 0x53;
    made_.challenge.fill(0x5C);
    prove();
  }
  // The domain's own answer to GENERATE KEY.
  void prove() {
    const scp::GenerateKey command{
        .key = {.identifier = scp::kKidScp11a, .version = made_.key_version},
        .challenge = Bytes(made_.challenge.begin(), made_.challenge.end())};
    const Bytes answer = command.answer(crypto::CurvePrivateKey::from(domain_), rng_).value();
    ASSERT_EQ(answer.size(), 67U + 66U);
    made_.proof = *to_array<64>(ByteView(answer).last(64));
  }
  Certificate certify(CertificateKind kind) {
    CertificateFields fields;
    fields.serial = {0x01};
    fields.issuer = {0x41};
    fields.subject = {0x4D};
    fields.kind = kind;
    fields.effective = {20260101};
    fields.expiration = {20361231};
    if (kind == CertificateKind::kMaker) {
      fields.platform = std::array<std::uint8_t, 16>{0x50};
    }
    return Certificate::issue(fields, maker_.public_key(), root_, rng_).value();
  }
  Bytes request() {
    return sign_domain_key_request(made_, certify(CertificateKind::kMaker), maker_, rng_).value();
  }

  test::FixedRng rng_{"domain key"};
  crypto::EcPrivateKey root_ = crypto::EcPrivateKey::generate(rng_).value();
  crypto::EcPrivateKey maker_ = crypto::EcPrivateKey::generate(rng_).value();
  crypto::EcPrivateKey domain_ = crypto::EcPrivateKey::generate(rng_).value();
  DomainKey made_{.element = {},
                  .domain = *Aid::from_hex("A00000015153504B01"),
                  .owner = {},
                  .key_version = 0x03,
                  .key = domain_.public_key()};
};

TEST_F(DomainKeyRequestTest, CarriesWhatTheMakerSawAndTheDomainsOwnProof) {
  const Bytes octets = request();
  const auto decoded = DomainKeyRequest::decode(octets);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->made().element, made_.element);
  EXPECT_EQ(decoded->made().domain, made_.domain);
  EXPECT_EQ(decoded->made().owner, made_.owner);
  EXPECT_EQ(decoded->made().key, domain_.public_key());
  EXPECT_EQ(decoded->maker().key(), maker_.public_key());
}

TEST_F(DomainKeyRequestTest, EveryCutAndEveryFlippedBitIsRefused) {
  const Bytes octets = request();
  for (std::size_t size = 0; size < octets.size(); ++size) {
    EXPECT_FALSE(DomainKeyRequest::decode(ByteView(octets).first(size))) << size;
  }
  for (std::size_t at = 0; at < octets.size(); ++at) {
    Bytes changed = octets;
    changed[at] ^= 0x01;
    EXPECT_FALSE(DomainKeyRequest::decode(changed)) << at;
  }
  Bytes longer = octets;
  longer.push_back(0);
  EXPECT_FALSE(DomainKeyRequest::decode(longer));
}

TEST_F(DomainKeyRequestTest, AProofOfAnotherKeyChallengeOrVersionIsNotTaken) {
  const Certificate maker = certify(CertificateKind::kMaker);
  const auto code = [&] {
    const auto made = sign_domain_key_request(made_, maker, maker_, rng_);
    return made ? Errc::kNotFound : made.error().code;
  };
  ASSERT_EQ(code(), Errc::kNotFound);
  made_.key_version = 0x04;
  EXPECT_EQ(code(), Errc::kAuthentication);
  made_.key_version = 0x03;
  made_.challenge[0] ^= 1;
  EXPECT_EQ(code(), Errc::kAuthentication);
  made_.challenge[0] ^= 1;
  made_.key = maker_.public_key();
  EXPECT_EQ(code(), Errc::kAuthentication);
  made_.key_version = 0x00;
  EXPECT_EQ(code(), Errc::kInvalidArgument);
}

// Somebody else's signature, or a certificate that makes nobody a maker.
TEST_F(DomainKeyRequestTest, OnlyTheMakerThatItNamesAsks) {
  const crypto::EcPrivateKey other = crypto::EcPrivateKey::generate(rng_).value();
  const Bytes foreign =
      sign_domain_key_request(made_, certify(CertificateKind::kMaker), other, rng_).value();
  EXPECT_EQ(DomainKeyRequest::decode(foreign).error().code, Errc::kAuthentication);
  const Bytes by_a_host =
      sign_domain_key_request(made_, certify(CertificateKind::kOce), maker_, rng_).value();
  EXPECT_EQ(DomainKeyRequest::decode(by_a_host).error().code, Errc::kValue);
}

}  // namespace
}  // namespace kagibin::pki
