// SPDX-License-Identifier: Apache-2.0
// ATT-2: the manager loads the key delivery application in the field, the element's CASD says which
// code it is, and code that is another, or keys of somebody else, pass for nothing (protocol,
// section 2; models, i; doc/decisions/0014).
#include <string>

#include <gtest/gtest.h>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/apdu/exchange.h"
#include "kagibin/envelope/enrolment/answer_open.h"
#include "kagibin/envelope/enrolment/answer_seal.h"
#include "kagibin/envelope/enrolment/code_attestation.h"
#include "kagibin/gp/confidential/authority_signature.h"
#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/content/install_load.h"
#include "kagibin/gp/content/load.h"
#include "kagibin/gp/select.h"
#include "kagibin/kda/commands.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/scp/scp03/scp03_link.h"
#include "kagibin/se/kda/key_delivery_application.h"

#include "tests/support/cap_builder.h"
#include "tests/support/deployment.h"
#include "tests/support/must.h"
#include "tests/support/mutations.h"

namespace kagibin::test {
namespace {

using delivery::Verdict;
using envelope::CodeAttestation;
using envelope::EnrolmentStatement;
using pki::AttestationProfile;
using roles::service_provider::Problem;

constexpr std::string_view kPackage = "F04B41474942494943";
constexpr std::string_view kRogueFile = "F0000000BB";
constexpr std::string_view kRogueModule = "F0000000BB01";
constexpr std::uint8_t kAttested = 0x80;
constexpr std::uint16_t kOk = 0x9000;

Bytes bytes_of(ByteView view) { return {view.begin(), view.end()}; }
Aid aid(std::string_view text) { return *Aid::from_hex(text); }

// A load file with the KDA's module. The number of octets of its methods makes builds differ.
Bytes kda_cap(std::size_t method_octets = 8) {
  const std::string module = kda::aid().hex();
  return CapBuilder{.package = kPackage, .applets = {module}, .method_octets = method_octets}
      .build();
}

// Code of somebody else: has what it is given signed by the CASD (80 01), and tells CERT.CASD.AUT
// (80 02).
class RogueApplication final : public se::Application {
 public:
  explicit RogueApplication(const se::ApplicationContext& context) : context_(context) {}
  StatusWord install(ByteView) override { return StatusWord{kOk}; }
  apdu::ResponseApdu process(const apdu::CommandApdu& command) override {
    const se::AuthoritySignatureService& casd = *context_.authority_signature;
    const Bytes answer =
        command.ins == 0x01 ? must(casd.sign(command.data)) : must(casd.certificate());
    return {answer, StatusWord{kOk}};
  }

 private:
  se::ApplicationContext context_;
};

DeploymentOptions attested() {
  DeploymentOptions out;
  out.attested_by_casd = true;
  return out;
}

DeployedCard& card_with_rogue_code(Deployment& world) {
  must(world.modules.add({.file = {.aid = aid(kRogueFile),
                                   .version = {1, 0},
                                   .sources = {0xBB},
                                   .modules = {aid(kRogueModule)}},
                          .factories = {[](const se::ApplicationContext& context) {
                            return std::make_unique<RogueApplication>(context);
                          }}}));
  return world.add_card("phone-1");
}

class AttestedByCasdTest : public testing::Test {
 protected:
  explicit AttestedByCasdTest(const DeploymentOptions& options = attested())
      : world_("attested by casd", options), card_(card_with_rogue_code(world_)) {
    world_.policy.attestation_profiles = {AttestationProfile::kAtt2};
    world_.policy.kda_code_hashes = {crypto::sha256(kda_cap())};
  }

  // The manager's session with the issuer domain of the element in hand.
  std::uint16_t manage(const apdu::CommandApdu& command) { return manage(std::vector{command}); }
  std::uint16_t manage(const std::vector<apdu::CommandApdu>& commands) {
    const auto channel = must(apdu::ChannelLink::open(*in_hand_->element));
    const delivery::KeyExport& keys = in_hand_->issuer_keys;
    const gp::Select select{.name = bytes_of(keys.security_domain.view())};
    must(apdu::exchange(*channel, select.encode()));
    const auto set = must(scp::Scp03KeySet::create(
        keys.key_enc.duplicate(), keys.key_mac.duplicate(), keys.key_dek.duplicate()));
    const auto parameter = scp::Scp03Parameter{keys.i};
    auto session = must(scp::Scp03Link::open(
        *channel, set, {.key_version_number = keys.key_version_number, .s16 = parameter.s16()},
        scp::highest_level(parameter), world_.rng));
    for (const apdu::CommandApdu& command : commands) {
      const auto done = session.send(command);
      if (!done) {
        return done.error().sw.value;
      }
    }
    return kOk;
  }
  std::uint16_t load(const Bytes& cap) {
    return manage({must(gp::InstallForLoad{.load_file = aid(kPackage)}.encode()),
                   gp::Load{.last = true, .block = 0}.encode(gp::encode_load_file({}, cap))});
  }
  std::uint16_t install(const Aid& load_file,
                        const Aid& module,
                        const Aid& instance,
                        const Bytes& parameters) {
    return manage(must(gp::Install{.purpose = gp::InstallFor::kInstallAndMakeSelectable,
                                   .load_file = load_file,
                                   .module = module,
                                   .application = instance,
                                   .parameters = gp::with_application_parameters(parameters)}
                           .encode()));
  }
  // What the manager does in the field.
  void install_kda(const Bytes& cap = kda_cap()) {
    ASSERT_EQ(load(cap), kOk);
    ASSERT_EQ(install(aid(kPackage), kda::aid(), kda::aid(), {kAttested}), kOk);
  }
  void install_kda_anew() {
    ASSERT_EQ(manage(gp::DeleteObject{.aid = aid(kPackage), .related = true}.encode()), kOk);
    install_kda();
  }
  Bytes ask_rogue(const Aid& instance, std::uint8_t instruction, ByteView data) {
    const auto channel = must(apdu::ChannelLink::open(*card_.element));
    const gp::Select select{.name = bytes_of(instance.view())};
    must(apdu::exchange(*channel, select.encode()));
    const auto answer = must(apdu::exchange(
        *channel, {.cla = 0x80, .ins = instruction, .data = bytes_of(data), .le = 256}));
    EXPECT_EQ(answer.sw.value, kOk);
    return answer.data;
  }

  void order() {
    order_ = world_.open_order("order-1", card_);
    e0_ = world_.request(order_->id);
  }
  // E4 of the KDA on the card.
  Bytes enrol() { return must(world_.enrol(card_, e0_.message)); }
  std::uint16_t enrol_status() {
    const auto answer = world_.enrol(card_, e0_.message);
    return answer ? kOk : answer.error().sw.value;
  }
  // What the provider says; an empty Problem when it seals.
  Problem refusal(ByteView answer) {
    const MemoryJournal::State before = world_.journal.state();
    const auto sealing = world_.flow->seal(order_->id, e0_.attempt, answer);
    Problem out = sealing ? Problem(Errc::kConflict, "") : sealing.error();
    world_.journal.restore(before);
    return out;
  }

  envelope::AnswerContent content_of(ByteView e4) {
    const auto attempt = *must(world_.journal.find_attempt(order_->id, e0_.attempt));
    const SecretBytes scalar = must(
        world_.keys->unseal("kem/order-1/" + std::to_string(e0_.attempt), attempt.sealed_kem_key));
    const auto kem = must(crypto::EcPrivateKey::from_scalar(scalar.expose()));
    return must(envelope::open_answer(must(envelope::EnrolmentAnswer::decode(e4)), kem));
  }
  // Sealed to the provider again, whatever it says.
  Bytes sealed(const envelope::AnswerContent& content) {
    const auto statement = must(EnrolmentStatement::decode(content.statement));
    const auto request = must(envelope::EnrolmentRequest::decode(e0_.message));
    return must(envelope::seal_answer(content, 0x01, statement.handle, statement.nonce_a,
                                      must(crypto::EcPublicKey::from_point(request.kem_key)),
                                      world_.rng));
  }
  static CodeAttestation attestation_of(const envelope::AnswerContent& content) {
    return must(CodeAttestation::decode(*content.code_attestation));
  }
  // The honest statement with a recipient of the forger's, under his key.
  Bytes forged_statement(const envelope::AnswerContent& honest,
                         const crypto::EcPrivateKey& key,
                         const std::optional<crypto::Digest256>& code_hash = {}) {
    auto statement = must(EnrolmentStatement::decode(honest.statement));
    statement.enrolment_key = bytes_of(key.public_key().point());
    statement.code_hash = code_hash.value_or(statement.code_hash);
    return must(envelope::sign_statement(statement, key, world_.rng));
  }
  static crypto::Digest256 attested_digest(const CodeAttestation& of, ByteView e1) {
    return crypto::sha256({of.attested_head(), e1});
  }
  // A CASD in software, whose certificate of this element is by `issuer`.
  Problem refusal_of_casd(const crypto::EcPrivateKey& casd_key, const pki::Certificate& casd) {
    const auto honest = content_of(enrol());
    const auto key = must(crypto::EcPrivateKey::generate(world_.rng));
    envelope::AnswerContent forged = honest;
    forged.statement = forged_statement(honest, key);
    CodeAttestation by{.kda_key = key.public_key().point(), .certificate = casd.encoded()};
    by.statement = must(gp::sign_data(
        {.application = kda::aid(),
         .load_file = aid(kPackage),
         .code_hash = crypto::sha256(kda_cap()),
         .security_domain = card_.issuer_keys.security_domain},
        attested_digest(by, forged.statement),
        must(crypto::CurvePrivateKey::from_scalar(crypto::Curve::kP256, casd_key.expose_scalar())),
        world_.rng));
    forged.code_attestation = by.encode();
    return refusal(sealed(forged));
  }

  Deployment world_;
  DeployedCard& card_;
  DeployedCard* in_hand_ = &card_;
  std::optional<delivery::JournalOrder> order_;
  roles::service_provider::Outgoing e0_;
};

TEST_F(AttestedByCasdTest, AKeyArrivesThroughAnApplicationThatWasLoadedInTheField) {
  install_kda();
  const auto order = world_.open_order("order-1", card_);
  const auto judgement = world_.deliver(card_, order.id);
  EXPECT_EQ(judgement.verdict.verdict, Verdict::kConfirmed) << judgement.verdict.reason;
  const auto keys = must(
      world_.keys->channel_keys(card_.seid, Deployment::domain_aid(), Deployment::kNewKeyVersion));
  ASSERT_TRUE(keys.has_value());
  EXPECT_TRUE(world_.opens_with(card_, Deployment::kNewKeyVersion, *keys));
}

TEST_F(AttestedByCasdTest, TheElementsOwnBuildIsInstalledAndAttestedAlike) {
  const se::LoadFile file = se::key_delivery_load_file();
  ASSERT_EQ(install(file.aid, kda::aid(), kda::aid(), {kAttested}), kOk);
  world_.policy.kda_code_hashes = {file.code_hash()};
  order();
  EXPECT_EQ(refusal(enrol()).text, "");
}

TEST_F(AttestedByCasdTest, TheAnswerNamesTheElementAndLastsOverAReset) {
  install_kda();
  order();
  const Bytes e4 = enrol();
  EXPECT_EQ(refusal(e4).text, "");
  world_.reopen(card_);
  EXPECT_EQ(enrol(), e4) << "the same E0 gets the same answer";
  const auto content = content_of(e4);
  EXPECT_TRUE(content.kda_certificate.empty());
  const auto statement = must(EnrolmentStatement::decode(content.statement));
  EXPECT_EQ(statement.seid, card_.seid);
  EXPECT_EQ(statement.code_hash, crypto::sha256(kda_cap()));
  EXPECT_EQ(statement.level_bitmap, 0x01) << "RL2 takes a CERT.OCE, which no CASD gives";
}

TEST_F(AttestedByCasdTest, APolicyOfAtt1AloneSealsNothingAndSaysWhatWouldLiftIt) {
  world_.policy.attestation_profiles = {AttestationProfile::kAtt1};
  install_kda();
  order();
  const Problem problem = refusal(enrol());
  EXPECT_EQ(problem.code, Errc::kPolicy);
  EXPECT_NE(problem.text.find("ATT-2"), std::string::npos) << problem.text;
  EXPECT_NE(problem.text.find("policy.attestation_profiles"), std::string::npos) << problem.text;
}

// Model i: code that the manager loaded, under the name of the key delivery application.
TEST_F(AttestedByCasdTest, OtherCodeUnderTheNameOfTheKdaIsStatedAsWhatItIs) {
  install_kda(kda_cap(9));
  order();
  const Problem problem = refusal(enrol());
  EXPECT_EQ(problem.code, Errc::kPolicy);
  EXPECT_NE(problem.text.find("allow-list"), std::string::npos) << problem.text;
  EXPECT_NE(problem.text.find(to_hex(crypto::sha256(kda_cap(9)))), std::string::npos)
      << problem.text;
}

// It has a key of its own signed by the CASD, which says whose key that is.
TEST_F(AttestedByCasdTest, AnApplicationCannotHaveAKeyOfItsOwnAttestedAsTheKdas) {
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

TEST_F(AttestedByCasdTest, AStatementHoldsForItsKeyItsNonceAndItsElementAlone) {
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

TEST_F(AttestedByCasdTest, WhatAHostAskedTheCasdPassesForNoAttestation) {
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

TEST_F(AttestedByCasdTest, EveryFlippedBitOfTheAttestationIsRefused) {
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
TEST_F(AttestedByCasdTest, ACasdThatTheListDoesNotNameIsRefused) {
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

TEST_F(AttestedByCasdTest, ACasdThatTheManagerCertifiedIsRefused) {
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

TEST_F(AttestedByCasdTest, AGenuineAnswerOfAnotherElementIsNotThisOnes) {
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

TEST_F(AttestedByCasdTest, RevokedOrExpiredCertificatesOfCasdAndMakerAreRefused) {
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
TEST_F(AttestedByCasdTest, APinCountsAsLongAsTheMakerHasTheKeyThatSignedIt) {
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

// A key delivery application that was deleted and installed again knows of no SEQ.
TEST_F(AttestedByCasdTest, AnOrderIsNotSealedAgainForAnApplicationThatWasInstalledAnew) {
  install_kda();
  order();
  world_.seal(order_->id, e0_.attempt, enrol());
  install_kda_anew();
  e0_ = must(world_.flow->attempt_after(order_->id, e0_.attempt));
  const Problem problem = refusal(enrol());
  EXPECT_EQ(problem.code, Errc::kConflict) << problem.text;
  EXPECT_NE(problem.text.find("installed anew"), std::string::npos) << problem.text;
}

TEST_F(AttestedByCasdTest, TheMakersCommandsAreClosedAndItsCertificateIsNotWantedAnyMore) {
  install_kda();
  const auto channel = must(apdu::ChannelLink::open(*card_.element));
  must(apdu::exchange(*channel, kda::select()));
  EXPECT_EQ(must(apdu::exchange(*channel, kda::generate())).sw.value, 0x6985);
  const apdu::CommandApdu update{
      .cla = 0x80, .ins = 0x50, .p1 = 0x30, .data = Bytes(8, 0x01), .le = 256};
  EXPECT_EQ(must(apdu::exchange(*channel, update)).sw.value, 0x6985);
}

TEST_F(AttestedByCasdTest, AnInstallationSaysWhoVouchesAndNothingElse) {
  ASSERT_EQ(load(kda_cap()), kOk);
  for (const std::string_view wrong : {"00", "01", "7F", "81", "8000"}) {
    EXPECT_EQ(install(aid(kPackage), kda::aid(), kda::aid(), *from_hex(wrong)), 0x6A80) << wrong;
  }
  ASSERT_EQ(install(aid(kPackage), kda::aid(), kda::aid(), {}), kOk);
  order();
  EXPECT_EQ(enrol_status(), 0x6A88) << "neither a maker nor a CASD vouches";
}

TEST_F(AttestedByCasdTest, ACertificateOfAMakerThatSaysAtt2IsNoWordOfACasd) {
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

TEST(AttestedByCasd, WithoutACasdNothingIsInstalledAndWithoutItsCertificateNothingEnrols) {
  Deployment plain("no casd");
  DeployedCard& made = plain.add_card("phone-1");
  auto channel = must(apdu::ChannelLink::open(*made.element));
  roles::security_module_manager::CardManager manager(*channel, made.issuer_keys, plain.rng);
  const se::LoadFile file = se::key_delivery_load_file();
  const auto installed = manager.install_application(
      made.issuer_keys, {.purpose = gp::InstallFor::kInstallAndMakeSelectable,
                         .load_file = file.aid,
                         .module = file.modules.front(),
                         .application = aid("F04B41474942494E02"),
                         .parameters = gp::with_application_parameters(Bytes{kAttested})});
  ASSERT_FALSE(installed);
  EXPECT_EQ(installed.error().sw.value, 0x6985);

  Deployment world("casd without certificate", attested());
  DeployedCard& card = world.add_card("phone-1", {.casd_certified = false});
  auto other = must(apdu::ChannelLink::open(*card.element));
  roles::security_module_manager::CardManager at_card(*other, card.issuer_keys, world.rng);
  must(at_card.install_application(
      card.issuer_keys, {.purpose = gp::InstallFor::kInstallAndMakeSelectable,
                         .load_file = file.aid,
                         .module = file.modules.front(),
                         .application = kda::aid(),
                         .parameters = gp::with_application_parameters(Bytes{kAttested})}));
  const auto order = world.open_order("order-1", card);
  const auto answer = world.enrol(card, world.request(order.id).message);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().sw.value, 0x6A88);
}

}  // namespace
}  // namespace kagibin::test
