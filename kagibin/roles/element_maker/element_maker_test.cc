// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/apdu/exchange.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/hpke/ml_kem.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/kda/commands.h"
#include "kagibin/kda/status.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/roles/element_maker/casd_certification.h"
#include "kagibin/roles/element_maker/domain_certification.h"
#include "kagibin/roles/element_maker/maker_folder.h"

#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::roles::element_maker {
namespace {

using test::must;

constexpr crypto::ScryptCost kCheap{.log2_n = 10, .r = 1, .p = 1};

class ElementMakerTest : public testing::Test {
 protected:
  ElementPlan plan() {
    ElementPlan out{.seid = {}, .iin = {0x01}, .cin = {0x02}};
    out.seid.octets[0] = 0x5E;
    return out;
  }
  std::unique_ptr<se::NvmMedium> medium() {
    return std::make_unique<test::CutMedium>(std::make_shared<test::Power>());
  }
  test::Deployment world_{"maker"};
};

TEST_F(ElementMakerTest, MakesAnElementWhoseKdaIsCertifiedForGood) {
  const MadeElement made = must(world_.maker->make(plan(), medium(), world_.modules));
  EXPECT_TRUE(pki::verify_kda_chain(world_.trust.anchors, *made.certificate,
                                    *world_.maker->identity().certificate,
                                    pki::CertificateDate::from_unix(world_.clock.now()), {}));
  EXPECT_EQ(made.shipped.kda_certificate_sha256, made.certificate->fingerprint());
  EXPECT_EQ(made.certificate->fields().attestation, pki::AttestationProfile::kAtt1);
  // Nobody has the maker's domain keys any more, and nobody generates a second key.
  must(apdu::exchange(*made.element, kda::select()));
  EXPECT_NE(must(apdu::exchange(*made.element, kda::generate())).sw.value, 0x9000);
}

TEST_F(ElementMakerTest, AnElementWithACasdIsPinnedByItsKeysWithAKdaOrWithout) {
  const crypto::EcPoint authority = world_.trust.anchors.roots.front().point();
  for (const bool with_kda : {true, false}) {
    ElementPlan planned = plan();
    planned.with_kda = with_kda;
    EXPECT_EQ(world_.maker->make(plan(), medium(), world_.modules)->shipped.casd, std::nullopt);
    if (!with_kda) {
      ElementPlan nobody = plan();
      nobody.with_kda = false;
      EXPECT_EQ(world_.maker->make(std::move(nobody), medium(), world_.modules).error().code,
                Errc::kInvalidArgument);
    }
    planned.profile.casd =
        se::InitialCasd{.authority_key = Bytes(authority.begin(), authority.end())};
    const MadeElement made = must(world_.maker->make(std::move(planned), medium(), world_.modules));
    EXPECT_EQ(made.certificate.has_value(), with_kda);
    EXPECT_EQ(made.shipped.kda_certificate_sha256.has_value(), with_kda);
    const auto requests = must(casd_requests(*made.element, plan().seid));
    const auto agreement = must(pki::CertificationRequest::decode(requests.front()));
    const auto signature = must(pki::CertificationRequest::decode(requests.back()));
    ASSERT_EQ(agreement.kind(), pki::CertificateKind::kCasdAgreement);
    ASSERT_EQ(signature.kind(), pki::CertificateKind::kCasdSignature);
    ASSERT_TRUE(made.shipped.casd.has_value());
    EXPECT_EQ(made.shipped.casd->agreement_key_sha256, crypto::sha256(agreement.key().point()));
    EXPECT_EQ(made.shipped.casd->signature_key_sha256, crypto::sha256(signature.key().point()));
    EXPECT_EQ(shipped_casd(std::span(requests).first(1)).error().code, Errc::kNotFound);
    EXPECT_EQ(shipped_casd(std::span(requests).last(1)).error().code, Errc::kNotFound);
  }
}

// What the key delivery application says that it can do.
std::uint8_t levels_of(se::Element& element) {
  must(apdu::exchange(element, kda::select()));
  const auto answer = must(apdu::exchange(element, kda::capabilities()));
  return must(kda::Capabilities::decode(answer.data)).level_bitmap;
}

TEST_F(ElementMakerTest, ADomainMadeForAProviderProvesItsKeyAndItsAuthorityAloneCertifiesIt) {
  ElementPlan with_domain = plan();
  const Aid aid = *Aid::from_hex("A00000015153504B01");
  Spid owner;
  owner.octets[0] = 0x53;
  with_domain.domains.push_back({.aid = aid, .owner = owner});
  const MadeElement made =
      must(world_.maker->make(std::move(with_domain), medium(), world_.modules));
  ASSERT_EQ(made.domains.size(), 1U);
  const auto request = must(pki::DomainKeyRequest::decode(made.domains[0].request));
  EXPECT_EQ(request.made().element, made.shipped.seid);
  EXPECT_EQ(request.made().domain, aid);

  const auto certificate = must(world_.authority->certify_security_domain(request, 1, 365));
  EXPECT_EQ(certificate.key(), request.made().key);
  EXPECT_EQ(certificate.fields().owner, owner);
  EXPECT_EQ(certificate.fields().subject, made.shipped.seid.octets);
  EXPECT_EQ(certificate.fields().maker_key, world_.maker->identity().certificate->key_hash());
  const std::string& log = world_.issuance_log.text();
  const auto names = [&](const std::string& name, const std::string& value) {
    return log.find('"' + name + "\":\"" + value + '"') != std::string::npos;
  };
  EXPECT_TRUE(names("event", "certify_security_domain"));
  EXPECT_TRUE(names("subject", made.shipped.seid.hex()));
  EXPECT_TRUE(names("maker", to_hex(world_.maker->identity().name)));
  EXPECT_TRUE(names("maker_key", to_hex(*certificate.fields().maker_key)));
  EXPECT_TRUE(names("domain", aid.hex()));
  EXPECT_TRUE(names("owner", owner.hex()));
  must(store_domain_certificate(*made.element, made.domains[0].keys, 0x03, certificate.encoded(),
                                world_.rng));

  test::Deployment elsewhere("another authority");
  EXPECT_EQ(elsewhere.authority->certify_security_domain(request, 1, 365).error().code,
            Errc::kUntrusted);
  EXPECT_EQ(levels_of(*made.element), crypto::has_ml_kem() ? 0x0F : 0x07);
  const MadeElement without = must(world_.maker->make(plan(), medium(), world_.modules));
  EXPECT_EQ(levels_of(*without.element), 0x05) << "RL2 without CERT.OCE";
}

TEST_F(ElementMakerTest, TwoElementsHaveDifferentKeysAndIssuerKeys) {
  const MadeElement one = must(world_.maker->make(plan(), medium(), world_.modules));
  const MadeElement two = must(world_.maker->make(plan(), medium(), world_.modules));
  EXPECT_NE(one.certificate->key(), two.certificate->key());
  EXPECT_FALSE(ct_equal(one.issuer_keys.key_enc.expose(), two.issuer_keys.key_enc.expose()));
}

TEST_F(ElementMakerTest, MakesNothingWithoutACertificateOrWithoutAKdaInRom) {
  ElementMaker uncertified(must(MakerIdentity::create("new", world_.rng)), world_.clock,
                           world_.rng);
  EXPECT_EQ(uncertified.make(plan(), medium(), world_.modules).error().code, Errc::kState);
  EXPECT_EQ(uncertified.sign_shipment({}).error().code, Errc::kState);
  const se::ModuleRegistry empty;
  EXPECT_EQ(world_.maker->make(plan(), medium(), empty).error().code, Errc::kNotFound);
}

TEST_F(ElementMakerTest, RefusesACertificateOfAnotherMakerKeyOrRoot) {
  MakerIdentity mine = must(MakerIdentity::create("mine", world_.rng));
  const Bytes request = must(mine.request(world_.rng));
  const auto decoded = must(pki::CertificationRequest::decode(request));
  const auto certificate = must(world_.authority->certify_maker(decoded, {}, 10));
  const auto root = world_.trust.anchors.roots.front();
  MakerIdentity namesake = must(MakerIdentity::create("mine", world_.rng));
  EXPECT_EQ(namesake.adopt(certificate, root).error().code, Errc::kUntrusted);
  EXPECT_EQ(mine.adopt(certificate, mine.key.public_key()).error().code, Errc::kUntrusted);
  EXPECT_TRUE(mine.adopt(certificate, root));
  EXPECT_EQ(mine.name_text(), "mine");
}

TEST_F(ElementMakerTest, TheShipmentListIsSignedAsItStands) {
  const MadeElement made = must(world_.maker->make(plan(), medium(), world_.modules));
  const std::string file = must(world_.maker->sign_shipment(std::span(&made.shipped, 1)));
  const auto list = must(delivery::signed_shipment_list_from_json(file));
  const auto verify = [&](std::string_view text) {
    return crypto::ecdsa_verify_der(world_.maker->identity().key.public_key(),
                                    {ascii(delivery::kLabelShipment), ascii(text)}, list.signature);
  };
  EXPECT_TRUE(verify(list.list));
  EXPECT_FALSE(verify(list.list + " "));
}

TEST_F(ElementMakerTest, TheFolderKeepsKeyAndCertificateUnderThePassphrase) {
  const test::TemporaryFolder parent;
  const std::filesystem::path path = parent.path() / "maker";
  const SecretBytes passphrase = SecretBytes::copy_of(ascii("pass"));
  const auto root = world_.trust.anchors.roots.front();
  {
    auto folder = must(MakerFolder::create(path, passphrase, "folder", world_.rng, kCheap));
    const auto octets = must(crypto::read_file(MakerFolder::request_file(path)));
    const auto request = must(pki::CertificationRequest::decode(octets.expose()));
    const auto certificate = must(world_.authority->certify_maker(request, {}, 10));
    EXPECT_FALSE(must(folder.identity()).certificate);
    EXPECT_TRUE(folder.install(certificate, root));
  }
  EXPECT_EQ(MakerFolder::create(path, passphrase, "folder", world_.rng, kCheap).error().code,
            Errc::kConflict);
  EXPECT_FALSE(MakerFolder::open(path, SecretBytes::copy_of(ascii("other"))));
  auto folder = must(MakerFolder::open(path, passphrase));
  EXPECT_TRUE(must(folder.identity()).certificate);
  EXPECT_EQ(must(folder.identity()).name_text(), "folder");
}

TEST_F(ElementMakerTest, TheFolderKeepsADomainsKeysUntilItsCertificateIsStored) {
  const test::TemporaryFolder parent;
  const std::filesystem::path path = parent.path() / "maker";
  const SecretBytes passphrase = SecretBytes::copy_of(ascii("pass"));
  auto folder = must(MakerFolder::create(path, passphrase, "ACME", world_.rng, kCheap));
  ElementPlan with_domain = plan();
  const Aid aid = *Aid::from_hex("A00000015153504B01");
  with_domain.domains.push_back({.aid = aid, .owner = {}, .agreement_key_version = 0x04});
  const Seid seid = with_domain.seid;
  const MadeElement made =
      must(world_.maker->make(std::move(with_domain), medium(), world_.modules));
  must(folder.keep_domain(made.domains.front(), world_.rng));

  Seid other = seid;
  other.octets[15] ^= 1U;
  EXPECT_EQ(folder.waiting_domain(other, aid).error().code, Errc::kNotFound);
  const WaitingDomain waiting = must(folder.waiting_domain(seid, aid));
  EXPECT_EQ(waiting.agreement_key_version, 0x04);
  const auto channel = must(apdu::ChannelLink::open(*made.element));
  const auto certificate = must(world_.authority->certify_security_domain(waiting.asked, 1, 365));
  EXPECT_TRUE(waiting.check(certificate).has_value());
  const auto refused = [&](auto change, const crypto::EcPublicKey& key) {
    pki::CertificateFields fields = certificate.fields();
    change(fields);
    const auto changed =
        must(pki::Certificate::issue(fields, key, world_.authority->keys().current, world_.rng));
    return !waiting.check(changed).has_value();
  };
  const auto stranger = must(crypto::EcPrivateKey::generate(world_.rng)).public_key();
  EXPECT_TRUE(refused([](auto&) {}, stranger)) << "another key";
  EXPECT_FALSE(refused([](auto&) {}, certificate.key()));
  EXPECT_TRUE(refused([](auto& f) { f.subject[0] ^= 1; }, certificate.key()));
  EXPECT_TRUE(refused([](auto& f) { f.aids[0].back() ^= 1; }, certificate.key()));
  EXPECT_TRUE(refused([](auto& f) { f.owner->octets[0] ^= 1; }, certificate.key()));
  EXPECT_TRUE(refused([](auto& f) { (*f.maker_key)[0] ^= 1; }, certificate.key()));
  EXPECT_TRUE(
      store_domain_certificate(*channel, waiting.keys, 0x04, certificate.encoded(), world_.rng));
  must(folder.forget_domain(waiting));
  EXPECT_EQ(folder.waiting_domain(seid, aid).error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace kagibin::roles::element_maker
