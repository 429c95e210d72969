// SPDX-License-Identifier: Apache-2.0
// A second maker that the authority certified, or whoever broke into it: it has a key of its own
// certified for a domain of an honest element, and the device hands that certificate in. CERT.SD
// names the maker on whose word it was given, so that it counts nowhere (protocol, sections 3 and
// 5; doc/decisions/0012).
#include <gtest/gtest.h>

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/envelope/delivery_seal.h"
#include "kagibin/envelope/enrolment/answer_seal.h"
#include "kagibin/kda/commands.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/tlv/ber_tlv.h"

#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::test {
namespace {

class SecondMakerTest : public testing::Test {
 protected:
  // CERT.SD as the authority gives it, for a key that lies in no element.
  pki::Certificate certified_elsewhere(const roles::element_maker::MakerIdentity& maker,
                                       const Seid& seid) {
    const pki::CertificateFields& honest = card_.domain_certificate->fields();
    pki::DomainKey made{.element = seid,
                        .domain = Deployment::domain_aid(),
                        .owner = *honest.owner,
                        .key_version = Deployment::kAgreementKeyVersion,
                        .challenge = {},
                        .key = own_.public_key(),
                        .proof = {}};
    tlv::TlvWriter data;
    data.put_u8(0xF0, 0x00).put(0x9A, made.challenge);
    const std::array<std::uint8_t, 3> head{0x00, 0x11, made.key_version};
    const Bytes point = tlv::encode(0xB0, made.key.point());
    const Bytes proof = must(crypto::ecdsa_sign_raw(own_, {head, data.view(), point}, world_.rng));
    made.proof = *to_array<64>(proof);
    const Bytes request =
        must(pki::sign_domain_key_request(made, *maker.certificate, maker.key, world_.rng));
    return must(world_.authority->certify_security_domain(
        must(pki::DomainKeyRequest::decode(request)), 1, 365));
  }

  roles::element_maker::MakerIdentity certified_maker() {
    auto out = must(roles::element_maker::MakerIdentity::create("second-maker", world_.rng));
    const Bytes request = must(out.request(world_.rng));
    auto certificate = must(
        world_.authority->certify_maker(must(pki::CertificationRequest::decode(request)), {}, 365));
    must(out.adopt(std::move(certificate), world_.trust.anchors.roots.front()));
    return out;
  }

  // An answer by a KDA that believes any CERT.SD, its key certified by the element's own maker.
  Bytes answer_of_a_credulous_kda(const pki::Certificate& kda,
                                  const crypto::EcPrivateKey& kda_key,
                                  const roles::service_provider::Outgoing& e0,
                                  const pki::Certificate& domain) {
    const auto request = must(envelope::EnrolmentRequest::decode(e0.message));
    envelope::EnrolmentStatement statement;
    statement.nonce_a = request.nonce_a;
    const crypto::EcPoint point = own_.public_key().point();
    statement.enrolment_key.assign(point.begin(), point.end());
    statement.seid = Seid{kda.fields().subject};
    statement.kda = kda::aid();
    statement.code_hash = *kda.fields().code_hash;
    statement.level_bitmap = 0x03;
    statement.enrolment_counter = 1;
    statement.target = *request.target;
    statement.min_epoch = 1;
    statement.spid = request.spid;
    statement.security_domain_certificate = domain.fingerprint();
    const auto& maker = *world_.maker->identity().certificate;
    return must(envelope::seal_answer(
        {.statement = must(envelope::sign_statement(statement, kda_key, world_.rng)),
         .kda_certificate = kda.encoded(),
         .maker_certificate = maker.encoded(),
         .security_domain_certificate = domain.encoded()},
        0x01, statement.handle, statement.nonce_a,
        must(crypto::EcPublicKey::from_point(request.kem_key)), world_.rng));
  }

  // What ENROL answers to a new order with this certificate.
  StatusWord enrols_with(std::string_view order, const pki::Certificate& domain) {
    const auto opened = world_.open_order(order, card_, Deployment::payload_by_certificates());
    const auto e0 = world_.request(opened.id);
    const auto answer = world_.enrol_with(card_, e0.message, domain.encoded());
    return answer ? StatusWord{0x9000} : answer.error().sw;
  }

  static DeploymentOptions options() {
    DeploymentOptions out;
    out.by_certificates = true;
    out.manager_exports_keys = false;
    return out;
  }

  Deployment world_{"second maker", options()};
  DeployedCard& card_ = world_.add_card("phone-1");
  crypto::EcPrivateKey own_ = must(crypto::EcPrivateKey::generate(world_.rng));
};

TEST_F(SecondMakerTest, ItsWordAboutAnHonestElementCountsForNothingThere) {
  const auto second = certified_maker();
  const pki::Certificate theirs = certified_elsewhere(second, card_.seid);
  must(pki::verify_under_root(world_.trust.anchors, theirs, pki::CertificateKind::kSecurityDomain,
                              pki::CertificateDate::from_unix(world_.clock.now())));
  EXPECT_EQ(enrols_with("order-1", theirs).value, 0x6982);
  EXPECT_NE(world_.issuance_log.text().find(to_hex(second.name)), std::string::npos)
      << "the authority's log does not name the maker whose word it took";
  // The same words of the element's own maker would do: trust in it is what is left (H2).
  const pki::Certificate ours = certified_elsewhere(world_.maker->identity(), card_.seid);
  EXPECT_EQ(enrols_with("order-2", ours).value, 0x9000);
}

TEST_F(SecondMakerTest, TheProviderSealsNothingForItEither) {
  world_.policy.minimum_level = 2;
  const crypto::EcPrivateKey kda_key = must(crypto::EcPrivateKey::generate(world_.rng));
  const auto& maker = world_.maker->identity();
  pki::CertificateFields fields;
  fields.serial = {0x07};
  fields.issuer = Bytes(maker.name.begin(), maker.name.end());
  fields.subject = Seid{{0x5E}}.octets;
  fields.kind = pki::CertificateKind::kKda;
  fields.effective = pki::CertificateDate::from_unix(world_.clock.now());
  fields.expiration = {20301231};
  const Aid name = kda::aid();
  fields.aids = {Bytes(name.view().begin(), name.view().end())};
  fields.code_hash = *world_.policy.kda_code_hashes.begin();
  fields.attestation = pki::AttestationProfile::kAtt1;
  const auto kda =
      must(pki::Certificate::issue(fields, kda_key.public_key(), maker.key, world_.rng));
  const delivery::ShippedElement shipped{.seid = Seid{fields.subject},
                                         .iin = *from_hex("4B414749"),
                                         .cin = Bytes(10, 0x07),
                                         .kda_certificate_sha256 = kda.fingerprint()};
  must(world_.shipments.import(must(world_.maker->sign_shipment(std::span(&shipped, 1))),
                               world_.trust, pki::CertificateDate::from_unix(world_.clock.now())));
  const auto device = must(delivery::DeviceId::from("phone-3"));
  world_.policy.elements.emplace(device.text(), shipped.seid);
  const auto order =
      must(world_.flow->open({.id = must(delivery::OrderId::from("order-3")),
                              .device = device,
                              .payload = must(roles::service_provider::PayloadFile::parse(
                                  Deployment::payload_by_certificates())),
                              .csv = world_.csv,
                              .validity_minutes = Deployment::kValidityMinutes}));
  const auto seal = [&](const pki::Certificate& domain) {
    const auto e0 = world_.request(order.id);
    return world_.flow->seal(order.id, e0.attempt,
                             answer_of_a_credulous_kda(kda, kda_key, e0, domain));
  };
  const auto refused = seal(certified_elsewhere(certified_maker(), shipped.seid));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUntrusted);
  EXPECT_NE(refused.error().text.find("another maker"), std::string::npos) << refused.error().text;
  const auto sealed = seal(certified_elsewhere(maker, shipped.seid));
  EXPECT_TRUE(sealed.has_value()) << sealed.error().text;
}

}  // namespace
}  // namespace kagibin::test
