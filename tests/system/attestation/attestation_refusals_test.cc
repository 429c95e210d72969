// SPDX-License-Identifier: Apache-2.0
// ATT-2: code that is another, keys of somebody else and a CASD of somebody else pass for nothing
// (models, i, j and k; doc/decisions/0014).
#include "kagibin/pki/certification_request.h"

#include "tests/support/mutations.h"
#include "tests/system/attestation/attestation_bench.h"

namespace kagibin::test::attestation {
namespace {

class AttestationRefusalTest : public AttestedByCasdTest {};

// Model i: code that the manager loaded, under the name of the key delivery application.
TEST_F(AttestationRefusalTest, OtherCodeUnderTheNameOfTheKdaIsStatedAsWhatItIs) {
  install_kda(kda_cap(9));
  order();
  const Problem problem = refusal(enrol());
  EXPECT_EQ(problem.code, Errc::kPolicy);
  EXPECT_NE(problem.text.find("allow-list"), std::string::npos) << problem.text;
  EXPECT_NE(problem.text.find(to_hex(crypto::sha256(kda_cap(9)))), std::string::npos)
      << problem.text;
}

// It has a key of its own signed by the CASD, which says whose key that is.
TEST_F(AttestationRefusalTest, AnApplicationCannotHaveAKeyOfItsOwnAttestedAsTheKdas) {
  install_kda();
  order();
  const auto honest = content_of(enrol());
  for (const std::string_view name : {"F0000000BB0101", "F04B41474942494E01"}) {
    const bool under_its_name = aid(name) == kda::aid();
    if (under_its_name) {
      ASSERT_EQ(manage(gp::DeleteObject{.aid = aid(kPackage), .related = true}.encode()), kOk);
    }
    ASSERT_EQ(install(aid(kRogueFile), aid(kRogueModule), aid(name), {}), kOk);
    const crypto::Digest256 own_hash = world_.modules.load_file(aid(kRogueFile))->code_hash();
    for (const bool admits : {false, true}) {
      const auto key = must(crypto::EcPrivateKey::generate(world_.rng));
      envelope::AnswerContent forged = honest;
      forged.statement =
          admits ? forged_statement(honest, key, own_hash) : forged_statement(honest, key);
      CodeAttestation by{.kda_key = key.public_key().point(),
                         .certificate = ask_rogue(aid(name), 0x02, {})};
      by.statement = ask_rogue(aid(name), 0x01, attested_digest(by, forged.statement));
      forged.code_attestation = by.encode();
      const Problem problem = refusal(sealed(forged));
      EXPECT_EQ(problem.code, admits && under_its_name ? Errc::kPolicy : Errc::kUntrusted)
          << problem.text;
    }
  }
}

TEST_F(AttestationRefusalTest, AStatementHoldsForItsKeyItsNonceAndItsElementAlone) {
  install_kda();
  order();
  const auto first = content_of(enrol());
  // For a key of somebody else.
  const auto key = must(crypto::EcPrivateKey::generate(world_.rng));
  envelope::AnswerContent forged = first;
  forged.statement = forged_statement(first, key);
  CodeAttestation by = attestation_of(first);
  by.kda_key = key.public_key().point();
  forged.code_attestation = by.encode();
  EXPECT_EQ(refusal(sealed(forged)).code, Errc::kAuthentication);
  forged.code_attestation = first.code_attestation;
  EXPECT_EQ(refusal(sealed(forged)).code, Errc::kAuthentication);
  // For another attempt of the same key.
  const auto attempt = e0_.attempt;
  e0_ = must(world_.flow->attempt_after(order_->id, attempt));
  envelope::AnswerContent second = content_of(enrol());
  EXPECT_EQ(refusal(sealed(second)).text, "");
  second.code_attestation = first.code_attestation;
  EXPECT_EQ(refusal(sealed(second)).code, Errc::kAuthentication);
  second = first;
  EXPECT_EQ(refusal(sealed(second)).code, Errc::kAuthentication) << "an old answer";
}

TEST_F(AttestationRefusalTest, WhatAHostAskedTheCasdPassesForNoAttestation) {
  install_kda();
  order();
  const auto honest = content_of(enrol());
  const auto key = must(crypto::EcPrivateKey::generate(world_.rng));
  envelope::AnswerContent forged = honest;
  forged.statement = forged_statement(honest, key);
  CodeAttestation by = attestation_of(honest);
  by.kda_key = key.public_key().point();
  const auto channel = must(apdu::ChannelLink::open(*card_.element));
  const gp::Select casd{.name = *from_hex("A00000015153504341534400")};
  must(apdu::exchange(*channel, casd.encode()));
  const auto asked = must(apdu::exchange(
      *channel, must(gp::ask_statement(kda::aid(), attested_digest(by, forged.statement)))));
  ASSERT_EQ(asked.sw.value, kOk);
  by.statement = asked.data;
  forged.code_attestation = by.encode();
  EXPECT_NE(refusal(sealed(forged)).text, "");
}

TEST_F(AttestationRefusalTest, EveryFlippedBitOfTheAttestationIsRefused) {
  install_kda();
  order();
  const auto honest = content_of(enrol());
  const Names taken = accepted(bit_flips(*honest.code_attestation), [&](const Bytes& damaged) {
    envelope::AnswerContent forged = honest;
    forged.code_attestation = damaged;
    return forged.check() && refusal(sealed(forged)).text.empty();
  });
  EXPECT_EQ(taken, Names());
}

// Model j: whoever the authority certified for another maker or another element.
TEST_F(AttestationRefusalTest, ACasdThatTheListDoesNotNameIsRefused) {
  install_kda();
  order();
  const DeployedCard& other = world_.add_card("phone-2");
  for (const Seid& seid : {card_.seid, other.seid}) {
    const auto key = must(crypto::EcPrivateKey::generate(world_.rng));
    const Bytes request = must(pki::sign_certification_request(pki::CertificateKind::kCasdSignature,
                                                               seid.octets, key, world_.rng));
    const auto certificate =
        must(world_.authority->certify_casd(must(pki::CertificationRequest::decode(request)),
                                            aid("A00000015153504341534400"), {}, 365));
    const Problem problem = refusal_of_casd(key, certificate);
    EXPECT_EQ(problem.code, Errc::kUntrusted) << problem.text;
    EXPECT_NE(problem.text.find("shipment list"), std::string::npos) << problem.text;
  }
}

TEST_F(AttestationRefusalTest, ACasdThatTheManagerCertifiedIsRefused) {
  install_kda();
  order();
  const auto honest = content_of(enrol());
  auto fields = must(pki::Certificate::decode(attestation_of(honest).certificate)).fields();
  const auto key = must(crypto::EcPrivateKey::generate(world_.rng));
  const auto certificate = must(pki::Certificate::issue(fields, key.public_key(), key, world_.rng));
  const Problem problem = refusal_of_casd(key, certificate);
  EXPECT_EQ(problem.code, Errc::kUntrusted) << problem.text;
  EXPECT_NE(problem.text.find("CASD"), std::string::npos) << problem.text;
}

TEST_F(AttestationRefusalTest, AGenuineAnswerOfAnotherElementIsNotThisOnes) {
  install_kda();
  DeployedCard& other = world_.add_card("phone-2");
  order();
  const Bytes honest = enrol();
  in_hand_ = &other;
  install_kda();
  const Problem problem = refusal(must(world_.enrol(other, e0_.message)));
  EXPECT_EQ(problem.code, Errc::kPolicy) << problem.text;
  EXPECT_EQ(refusal(honest).text, "");
}

TEST_F(AttestationRefusalTest, RevokedOrExpiredCertificatesOfCasdAndMakerAreRefused) {
  install_kda();
  order();
  const Bytes e4 = enrol();
  const auto casd = must(pki::Certificate::decode(attestation_of(content_of(e4)).certificate));
  const auto maker = *world_.maker->identity().certificate;
  for (const pki::Certificate& certificate : {casd, maker}) {
    const auto before = world_.trust.revoked;
    world_.trust.revoked.add(certificate.fields().issuer, certificate.fields().serial);
    world_.renew_flow();
    EXPECT_EQ(refusal(e4).code, Errc::kRevoked);
    world_.trust.revoked = before;
    world_.renew_flow();
  }
  world_.clock.advance_seconds(std::int64_t{3700} * 86'400);
  EXPECT_EQ(refusal(e4).code, Errc::kExpired);
}

// After a breach the authority certifies a new key under the maker's name; what the old one signed
// is no word of the new one.
TEST_F(AttestationRefusalTest, APinCountsAsLongAsTheMakerHasTheKeyThatSignedIt) {
  install_kda();
  order();
  const Bytes e4 = enrol();
  const std::string name = world_.maker->identity().name_text();
  auto identity = must(roles::element_maker::MakerIdentity::create(name, world_.rng));
  const Bytes request = must(identity.request(world_.rng));
  must(identity.adopt(must(world_.authority->certify_maker(
                          must(pki::CertificationRequest::decode(request)), {}, 365)),
                      world_.trust.anchors.roots.front()));
  roles::element_maker::ElementMaker renewed(std::move(identity), world_.clock, world_.rng);
  const auto import = [&](const delivery::ShippedElement& element) {
    must(world_.shipments.import(must(renewed.sign_shipment(std::span(&element, 1))), world_.trust,
                                 pki::CertificateDate::from_unix(world_.clock.now())));
  };
  EXPECT_EQ(refusal(e4).text, "");
  delivery::ShippedElement other = card_.shipped;
  other.seid.octets.fill(0x77);
  other.cin = {0x77};
  import(other);
  const Problem problem = refusal(e4);
  EXPECT_EQ(problem.code, Errc::kUntrusted) << problem.text;
  EXPECT_NE(problem.text.find("another key"), std::string::npos) << problem.text;
  import(card_.shipped);
  EXPECT_EQ(refusal(e4).text, "");
}

TEST_F(AttestationRefusalTest, ACertificateOfAMakerThatSaysAtt2IsNoWordOfACasd) {
  // The maker certifies the key of a KDA of its own making: the list pins no certificate of it, and
  // if it did, the profile in the certificate would not count.
  install_kda();
  order();
  const auto honest = content_of(enrol());
  const auto key = must(crypto::EcPrivateKey::generate(world_.rng));
  const auto& maker = world_.maker->identity();
  pki::CertificateFields fields = maker.certificate->fields();
  fields.kind = pki::CertificateKind::kKda;
  fields.issuer = bytes_of(maker.name);
  fields.subject = card_.seid.octets;
  fields.platform.reset();
  fields.aids = {bytes_of(kda::aid().view())};
  fields.code_hash = crypto::sha256(kda_cap());
  fields.attestation = AttestationProfile::kAtt2;
  const auto certificate =
      must(pki::Certificate::issue(fields, key.public_key(), maker.key, world_.rng));
  delivery::ShippedElement shipped = card_.shipped;
  shipped.kda_certificate_sha256 = certificate.fingerprint();
  must(world_.shipments.import(must(world_.maker->sign_shipment(std::span(&shipped, 1))),
                               world_.trust, pki::CertificateDate::from_unix(world_.clock.now())));
  const envelope::AnswerContent by_maker{.statement = forged_statement(honest, key),
                                         .kda_certificate = certificate.encoded(),
                                         .maker_certificate = maker.certificate->encoded(),
                                         .security_domain_certificate = std::nullopt};
  const Problem problem = refusal(sealed(by_maker));
  EXPECT_EQ(problem.code, Errc::kPolicy) << problem.text;
  EXPECT_NE(problem.text.find("ATT-0"), std::string::npos) << problem.text;
}

}  // namespace
}  // namespace kagibin::test::attestation
