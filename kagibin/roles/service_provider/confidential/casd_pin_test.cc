// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/confidential/casd_pin.h"

#include <gtest/gtest.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/sha256.h"

#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::roles::service_provider {
namespace {

using test::must;

class CasdPinTest : public testing::Test {
 protected:
  CasdPinTest() {
    shipped_.seid.octets.fill(0x5E);
    shipped_.iin = {0x42};
    shipped_.cin = {0x45};
    shipped_.casd = {
        .signature_key_sha256 = crypto::sha256(signature_.public_key().point()),
        .agreement_key_sha256 = crypto::sha256(agreement_.public_key().point()),
    };
  }
  pki::CertificateDate today() { return pki::CertificateDate::from_unix(world_.clock.now()); }
  void import(roles::element_maker::ElementMaker& maker) {
    must(world_.shipments.import(must(maker.sign_shipment(std::span(&shipped_, 1))), world_.trust,
                                 today()));
  }
  Errc refusal(CasdKey which, const crypto::EcPrivateKey& key) {
    const auto done = check_casd_pin(world_.shipments, world_.trust, shipped_.seid, which,
                                     key.public_key(), today());
    return done ? Errc::kIo : done.error().code;
  }

  test::Deployment world_{"casd pin"};
  crypto::EcPrivateKey signature_ = must(crypto::EcPrivateKey::generate(world_.rng));
  crypto::EcPrivateKey agreement_ = must(crypto::EcPrivateKey::generate(world_.rng));
  delivery::ShippedElement shipped_;
};

TEST_F(CasdPinTest, EachKeyCountsForItsOwnUseAndNoOther) {
  EXPECT_EQ(refusal(CasdKey::kAgreement, agreement_), Errc::kUntrusted) << "no list yet";
  import(*world_.maker);
  EXPECT_EQ(refusal(CasdKey::kAgreement, agreement_), Errc::kIo);
  EXPECT_EQ(refusal(CasdKey::kSignature, signature_), Errc::kIo);
  EXPECT_EQ(refusal(CasdKey::kAgreement, signature_), Errc::kUntrusted);
  EXPECT_EQ(refusal(CasdKey::kSignature, agreement_), Errc::kUntrusted);
  const auto another = must(crypto::EcPrivateKey::generate(world_.rng));
  EXPECT_EQ(refusal(CasdKey::kAgreement, another), Errc::kUntrusted);
}

TEST_F(CasdPinTest, AListThatNamesNoCasdPinsNone) {
  shipped_.kda_certificate_sha256.emplace().fill(0xCE);
  shipped_.casd.reset();
  import(*world_.maker);
  EXPECT_EQ(refusal(CasdKey::kAgreement, agreement_), Errc::kUntrusted);
}

TEST_F(CasdPinTest, AListIsWorthWhatItsMakerIs) {
  import(*world_.maker);
  const pki::RevocationList before = world_.trust.revoked;
  const pki::Certificate& maker = *world_.maker->identity().certificate;
  world_.trust.revoked.add(maker.fields().issuer, maker.fields().serial);
  EXPECT_EQ(refusal(CasdKey::kAgreement, agreement_), Errc::kRevoked);
  world_.trust.revoked = before;
  world_.clock.advance_seconds(std::int64_t{3700} * 86'400);
  EXPECT_EQ(refusal(CasdKey::kAgreement, agreement_), Errc::kExpired);
}

// What the list of an earlier day says is what a thief of keys of that day would have us believe.
TEST_F(CasdPinTest, AnOlderListOfTheSameMakerIsRefusedWhereItSaysSomethingElse) {
  const auto take = [&](const std::string& list) {
    return world_.shipments.import(list, world_.trust, today());
  };
  const std::string first = must(world_.maker->sign_shipment(std::span(&shipped_, 1)));
  world_.clock.advance_seconds(1);
  const std::string same = must(world_.maker->sign_shipment(std::span(&shipped_, 1)));
  const auto renewed = must(crypto::EcPrivateKey::generate(world_.rng));
  shipped_.casd->agreement_key_sha256 = crypto::sha256(renewed.public_key().point());
  shipped_.own_delivery_sha256.emplace_back().fill(0x0D);
  const std::string other_of_that_second =
      must(world_.maker->sign_shipment(std::span(&shipped_, 1)));
  world_.clock.advance_seconds(1);
  const std::string last = must(world_.maker->sign_shipment(std::span(&shipped_, 1)));

  must(take(same));
  EXPECT_TRUE(take(first)) << "it says the same";
  EXPECT_TRUE(take(other_of_that_second));
  EXPECT_EQ(refusal(CasdKey::kAgreement, renewed), Errc::kIo);
  must(take(last));
  for (const std::string& old : {first, same}) {
    const auto taken = take(old);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code, Errc::kConflict);
    EXPECT_NE(taken.error().text.find(shipped_.seid.hex()), std::string::npos);
  }
  EXPECT_TRUE(take(other_of_that_second)) << "older, and it says the same";
  EXPECT_FALSE(take(first)) << "the latest date stands";
  EXPECT_TRUE(take(last));
  EXPECT_EQ(refusal(CasdKey::kAgreement, renewed), Errc::kIo);
  EXPECT_EQ(refusal(CasdKey::kAgreement, agreement_), Errc::kUntrusted);
  EXPECT_EQ(must(world_.shipments.find(shipped_.seid))->own_deliveries.size(), 1U);
}

TEST_F(CasdPinTest, AnElementOfAJournalWithoutDatesIsTakenFromTheNextList) {
  must(world_.journal.put_record("element", shipped_.seid.view(),
                                 ByteWriter()
                                     .bytes(world_.maker->identity().certificate->fields().subject)
                                     .bytes(Bytes(32, 0xCE))
                                     .bytes(Bytes{1, 0x42, 0x45})
                                     .take()));
  EXPECT_EQ(refusal(CasdKey::kAgreement, agreement_), Errc::kUntrusted);
  import(*world_.maker);
  EXPECT_EQ(refusal(CasdKey::kAgreement, agreement_), Errc::kIo);
}

// After a breach the authority certifies a new key under the maker's name.
TEST_F(CasdPinTest, AListCountsAsLongAsItsMakerHasTheKeyThatSignedIt) {
  import(*world_.maker);
  delivery::ShippedElement another = shipped_;
  another.seid.octets.fill(0x66);
  another.cin = {0x66};
  const std::string old = must(world_.maker->sign_shipment(std::span(&another, 1)));
  world_.clock.advance_seconds(1);
  auto identity = must(roles::element_maker::MakerIdentity::create(
      world_.maker->identity().name_text(), world_.rng));
  const Bytes request = must(identity.request(world_.rng));
  must(identity.adopt(must(world_.authority->certify_maker(
                          must(pki::CertificationRequest::decode(request)), {}, 365)),
                      world_.trust.anchors.roots.front()));
  roles::element_maker::ElementMaker renewed(std::move(identity), world_.clock, world_.rng);
  const Seid ours = shipped_.seid;
  shipped_.seid.octets.fill(0x77);
  shipped_.cin = {0x77};
  import(renewed);
  shipped_.seid = ours;
  EXPECT_EQ(refusal(CasdKey::kAgreement, agreement_), Errc::kUntrusted);
  shipped_.cin = {0x45};
  import(renewed);
  EXPECT_EQ(refusal(CasdKey::kAgreement, agreement_), Errc::kIo);
  must(world_.shipments.import(old, world_.trust, today()));
  EXPECT_EQ(refusal(CasdKey::kAgreement, agreement_), Errc::kIo) << "the key of the latest list";
}

}  // namespace
}  // namespace kagibin::roles::service_provider
