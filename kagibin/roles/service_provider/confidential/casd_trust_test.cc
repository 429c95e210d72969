// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/confidential/casd_trust.h"

#include <gtest/gtest.h>

#include "tests/support/fixed_rng.h"

namespace kagibin::roles::service_provider {
namespace {

using pki::CertificateKind;

class CasdTrustTest : public ::testing::Test {
 protected:
  static pki::CertificateFields fields(CertificateKind kind) {
    pki::CertificateFields out;
    out.serial = {static_cast<std::uint8_t>(kind)};
    out.issuer = *from_hex("41555448");
    out.subject.fill(0x5E);
    out.kind = kind;
    out.effective = {20260101};
    out.expiration = {20271231};
    out.aids = {*from_hex("A00000015153504341534400")};
    out.platform = std::array<std::uint8_t, 16>{0x50};
    return out;
  }
  Bytes issue(const pki::CertificateFields& of, const crypto::EcPrivateKey& key) {
    return pki::Certificate::issue(of, key.public_key(), root_, rng_)->encoded();
  }
  Errc refusal(const Bytes& octets, pki::CertificateDate today = {20270115}) {
    const auto trust = trust_casd(anchors_, octets, today);
    return trust ? Errc::kIo : trust.error().code;
  }

  test::FixedRng rng_{"casd trust"};
  crypto::EcPrivateKey root_ = crypto::EcPrivateKey::generate(rng_).value();
  crypto::EcPrivateKey agreement_ = crypto::EcPrivateKey::generate(rng_).value();
  crypto::EcPrivateKey signature_ = crypto::EcPrivateKey::generate(rng_).value();
  pki::TrustAnchors anchors_{{root_.public_key()}};
};

TEST_F(CasdTrustTest, BelievesOneCertificateOrTwoOfOneCasd) {
  Bytes octets = issue(fields(CertificateKind::kCasdAgreement), agreement_);
  const auto one = trust_casd(anchors_, octets, {20270115});
  ASSERT_TRUE(one.has_value());
  EXPECT_TRUE(one->agreement == agreement_.public_key());
  EXPECT_FALSE(one->signature.has_value());
  append(octets, issue(fields(CertificateKind::kCasdSignature), signature_));
  const auto two = trust_casd(anchors_, octets, {20270115});
  ASSERT_TRUE(two.has_value());
  EXPECT_TRUE(two->signature == signature_.public_key());
  EXPECT_EQ(two->element.front(), 0x5E);
}

TEST_F(CasdTrustTest, RefusesWhatIsNotTheAuthoritysAndMixtures) {
  const Bytes agreement = issue(fields(CertificateKind::kCasdAgreement), agreement_);
  const Bytes signature = issue(fields(CertificateKind::kCasdSignature), signature_);
  EXPECT_EQ(refusal({}), Errc::kTruncated);
  EXPECT_EQ(refusal(signature), Errc::kUntrusted);
  Bytes twice = agreement;
  append(twice, agreement);
  EXPECT_EQ(refusal(twice), Errc::kUntrusted);
  EXPECT_EQ(refusal(agreement, {20280101}), Errc::kExpired);
  EXPECT_EQ(refusal(agreement, {20251231}), Errc::kNotYetValid);
  auto elsewhere = fields(CertificateKind::kCasdSignature);
  elsewhere.subject.fill(0x5F);
  Bytes mixed = agreement;
  append(mixed, issue(elsewhere, signature_));
  EXPECT_EQ(refusal(mixed), Errc::kUntrusted);
  const auto others = pki::Certificate::issue(fields(CertificateKind::kCasdAgreement),
                                              agreement_.public_key(), signature_, rng_);
  EXPECT_EQ(refusal(others->encoded()), Errc::kUntrusted);
  pki::RevocationList revoked;
  revoked.add(*from_hex("41555448"), Bytes{0x06});
  EXPECT_EQ(trust_casd(anchors_, agreement, {20270115}, revoked).error().code, Errc::kRevoked);
}

}  // namespace
}  // namespace kagibin::roles::service_provider
