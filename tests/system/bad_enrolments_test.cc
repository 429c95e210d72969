// SPDX-License-Identifier: Apache-2.0
// Elements, certificates and answers that must not be believed: nothing is sealed, and one sentence
// says why (protocol, section 5; feasibility of goal 1).
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/apdu/exchange.h"
#include "kagibin/envelope/delivery_seal.h"
#include "kagibin/envelope/enrolment/answer_open.h"
#include "kagibin/envelope/enrolment/answer_seal.h"
#include "kagibin/gp/select.h"
#include "kagibin/kda/commands.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/se/kda/key_delivery_application.h"

#include "tests/support/deployment.h"
#include "tests/support/must.h"
#include "tests/support/mutations.h"

namespace kagibin::test {
namespace {

using delivery::Verdict;
using envelope::EnrolmentRequest;
using envelope::EnrolmentStatement;
using roles::service_provider::Problem;

std::uint16_t status_of(const Result<Bytes>& result) {
  if (result) {
    return 0x9000;
  }
  return result.error().code == Errc::kCardStatus ? result.error().sw.value : std::uint16_t{0};
}

class BadEnrolmentsTest : public testing::Test {
 protected:
  // What the provider says to an answer; an empty Problem when it seals.
  Problem refusal(ByteView answer) {
    const auto sealing = world_.flow->seal(order_.id, e0_.attempt, answer);
    const Problem problem = sealing ? Problem(Errc::kConflict, "") : sealing.error();
    if (!sealing) {
      // Whatever was refused is out of the way of the next try.
      world_.journal.restore(before_);
    }
    return problem;
  }

  // An answer to our request made in software by somebody who opened none: with this key, under
  // these certificates, telling what the honest statement tells.
  Bytes forged(const crypto::EcPrivateKey& kda_key,
               const pki::Certificate& kda,
               const pki::Certificate& maker) {
    EnrolmentStatement statement = honest_statement();
    statement.enrolment_key = bytes_of(kda_key.public_key().point());
    const Bytes signed_statement = must(envelope::sign_statement(statement, kda_key, world_.rng));
    const EnrolmentRequest request = must(EnrolmentRequest::decode(e0_.message));
    return must(envelope::seal_answer({.statement = signed_statement,
                                       .kda_certificate = kda.encoded(),
                                       .maker_certificate = maker.encoded(),
                                       .security_domain_certificate = std::nullopt},
                                      0x01, statement.handle, statement.nonce_a,
                                      must(crypto::EcPublicKey::from_point(request.kem_key)),
                                      world_.rng));
  }

  envelope::AnswerContent honest_content() {
    const auto attempt = *must(world_.journal.find_attempt(order_.id, 1));
    const SecretBytes scalar = must(world_.keys->unseal("kem/order-1/1", attempt.sealed_kem_key));
    const auto kem = must(crypto::EcPrivateKey::from_scalar(scalar.expose()));
    return must(envelope::open_answer(must(envelope::EnrolmentAnswer::decode(e4_)), kem));
  }
  EnrolmentStatement honest_statement() {
    return must(EnrolmentStatement::decode(honest_content().statement));
  }
  pki::Certificate honest_kda() {
    return must(pki::Certificate::decode(honest_content().kda_certificate));
  }

  static Bytes bytes_of(ByteView view) { return {view.begin(), view.end()}; }

  pki::Certificate certified_by(const roles::element_maker::MakerIdentity& maker,
                                const crypto::EcPublicKey& key) {
    pki::CertificateFields fields = honest_kda().fields();
    fields.issuer = bytes_of(maker.name);
    return must(pki::Certificate::issue(fields, key, maker.key, world_.rng));
  }

  Deployment world_{"bad enrolments"};
  DeployedCard& card_ = world_.add_card("phone-1", {.certificate_days = 1});
  delivery::JournalOrder order_ = world_.open_order("order-1", card_);
  roles::service_provider::Outgoing e0_ = world_.request(order_.id);
  Bytes e4_ = must(world_.enrol(card_, e0_.message));
  MemoryJournal::State before_ = world_.journal.state();
};

TEST_F(BadEnrolmentsTest, TheHonestAnswerIsSealed) { EXPECT_EQ(refusal(e4_).text, ""); }

TEST_F(BadEnrolmentsTest, EveryFlippedBitOfTheAnswerIsRefused) {
  const Names taken =
      accepted(bit_flips(e4_), [&](const Bytes& damaged) { return refusal(damaged).text.empty(); });
  EXPECT_EQ(taken, Names());
}

TEST_F(BadEnrolmentsTest, EveryFlippedBitOfTheRequestIsRefusedByTheElement) {
  const Bytes memory = card_.power->content;
  const Names taken = accepted(bit_flips(e0_.message), [&](const Bytes& damaged) {
    const std::uint16_t sw = status_of(world_.enrol(card_, damaged));
    return sw != 0x6A80 && sw != 0x6A81 && sw != 0x6982;
  });
  EXPECT_EQ(taken, Names());
  EXPECT_EQ(card_.power->content, memory) << "a refused request changed the element's memory";
}

TEST_F(BadEnrolmentsTest, AKeyThatTheOperatorOrTheManagerCertifiedIsRefused) {
  // B or C makes a maker of its own, certified by nobody but itself.
  auto operators = must(roles::element_maker::MakerIdentity::create("test-maker", world_.rng));
  const auto key = must(crypto::EcPrivateKey::generate(world_.rng));
  pki::CertificateFields fields;
  fields.serial = {0x01};
  fields.issuer = bytes_of(ascii("KAGIBIN-AUTH"));
  fields.subject = operators.name;
  fields.kind = pki::CertificateKind::kMaker;
  fields.platform.emplace();
  fields.effective = pki::CertificateDate::from_unix(world_.clock.now());
  fields.expiration = pki::CertificateDate::from_unix(world_.clock.now() + 86'400 * 365);
  const auto own =
      must(pki::Certificate::issue(fields, operators.key.public_key(), operators.key, world_.rng));
  const Problem problem = refusal(forged(key, certified_by(operators, key.public_key()), own));
  EXPECT_EQ(problem.code, Errc::kUntrusted) << problem.text;
  // The honest maker's certificate beside it does not help.
  const auto honest_maker = must(pki::Certificate::decode(honest_content().maker_certificate));
  EXPECT_EQ(refusal(forged(key, certified_by(operators, key.public_key()), honest_maker)).code,
            Errc::kUntrusted);
  // Nor the honest certificate, for a key that is not in it.
  EXPECT_EQ(refusal(forged(key, honest_kda(), honest_maker)).code, Errc::kAuthentication);
}

TEST_F(BadEnrolmentsTest, AnotherCertifiedMakerUnderAnHonestSeidIsRefused) {
  // Model j: the maker is genuine, the element's list names another one.
  auto other = must(roles::element_maker::MakerIdentity::create("other-maker", world_.rng));
  const Bytes request = must(other.request(world_.rng));
  const auto certificate = must(
      world_.authority->certify_maker(must(pki::CertificationRequest::decode(request)), {}, 365));
  const auto key = must(crypto::EcPrivateKey::generate(world_.rng));
  const Problem problem = refusal(forged(key, certified_by(other, key.public_key()), certificate));
  EXPECT_EQ(problem.code, Errc::kUntrusted) << problem.text;
  EXPECT_NE(problem.text.find("shipment list"), std::string::npos) << problem.text;

  // And its own list cannot take the SEID over.
  must(other.adopt(certificate, world_.trust.anchors.roots.front()));
  roles::element_maker::ElementMaker intruder(std::move(other), world_.clock, world_.rng);
  const std::string list = must(intruder.sign_shipment(std::span(&card_.shipped, 1)));
  const auto imported = world_.shipments.import(
      list, world_.trust, pki::CertificateDate::from_unix(world_.clock.now()));
  ASSERT_FALSE(imported);
  EXPECT_EQ(imported.error().code, Errc::kConflict) << imported.error().text;
}

// An answer that was refused stays in the journal; what its made-up key signs afterwards counts for
// nothing.
TEST_F(BadEnrolmentsTest, ACancellationSignedWithAMadeUpKeyIsNotBelieved) {
  const auto key = must(crypto::EcPrivateKey::generate(world_.rng));
  const auto kda =
      must(pki::Certificate::issue(honest_kda().fields(), key.public_key(), key, world_.rng));
  EnrolmentStatement statement = honest_statement();
  statement.enrolment_key = bytes_of(key.public_key().point());
  const Bytes e1 = must(envelope::sign_statement(statement, key, world_.rng));
  const auto kem =
      must(crypto::EcPublicKey::from_point(must(EnrolmentRequest::decode(e0_.message)).kem_key));
  const Bytes e4 =
      must(envelope::seal_answer({.statement = e1,
                                  .kda_certificate = kda.encoded(),
                                  .maker_certificate = honest_content().maker_certificate,
                                  .security_domain_certificate = std::nullopt},
                                 0x01, statement.handle, statement.nonce_a, kem, world_.rng));
  ASSERT_FALSE(world_.flow->seal(order_.id, e0_.attempt, e4));
  envelope::Receipt cancelled;
  cancelled.handle = statement.handle;
  cancelled.results = {envelope::ActionResult::kCancelled};
  const Bytes e3 = must(envelope::seal_receipt(std::move(cancelled), crypto::sha256(e1), nullptr, 1,
                                               key, kem, world_.rng));
  EXPECT_EQ(world_.judge(order_.id, e0_.attempt, e3).verdict.verdict, Verdict::kUnknown);
}

TEST_F(BadEnrolmentsTest, AKdaThatTheManagerInstalledHasNoCertificateAndDoesNotEnrol) {
  auto channel = must(apdu::ChannelLink::open(*card_.element));
  roles::security_module_manager::CardManager manager(*channel, card_.issuer_keys, world_.rng);
  const Aid own = *Aid::from_hex("F04B41474942494E02");
  const se::LoadFile file = se::key_delivery_load_file();
  must(manager.install_application(card_.issuer_keys,
                                   {.purpose = gp::InstallFor::kInstallAndMakeSelectable,
                                    .load_file = file.aid,
                                    .module = file.modules.front(),
                                    .application = own,
                                    .parameters = gp::with_application_parameters({})}));
  const gp::Select select{.name = bytes_of(own.view())};
  ASSERT_EQ(must(apdu::exchange(*channel, select.encode())).sw.value, 0x9000);
  for (const apdu::CommandApdu& block : kda::enrol(e0_.message)) {
    const auto answer = must(apdu::exchange(*channel, block));
    if (answer.sw.value != 0x9000) {
      EXPECT_EQ(answer.sw.value, 0x6A88);
      return;
    }
  }
  FAIL() << "a KDA without a certificate answered E0";
}

TEST_F(BadEnrolmentsTest, AnExpiredCertificateIsRefusedByOurOwnClock) {
  world_.clock.advance_seconds(3 * 86'400);
  const Problem problem = refusal(e4_);
  EXPECT_EQ(problem.code, Errc::kExpired) << problem.text;
  EXPECT_NE(problem.text.find("certificate"), std::string::npos) << problem.text;
}

TEST_F(BadEnrolmentsTest, ACertificateThatIsNotYetValidIsRefused) {
  world_.clock.set_now(world_.clock.now() - 2 * 86'400);
  const Problem problem = refusal(e4_);
  EXPECT_EQ(problem.code, Errc::kNotYetValid) << problem.text;
}

TEST_F(BadEnrolmentsTest, ARevokedElementIsRefused) {
  world_.trust.revoked.add(honest_kda().fields().issuer, honest_kda().fields().serial);
  world_.renew_flow();
  EXPECT_EQ(refusal(e4_).code, Errc::kRevoked);
}

TEST_F(BadEnrolmentsTest, OurOwnExpiredCertificateIsNoticedBeforeAnythingIsSent) {
  const auto order = world_.open_order("order-2", card_);
  world_.clock.advance_seconds(std::int64_t{400} * 86'400);
  const auto request = world_.flow->attempt_after(order.id, 0);
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().code, Errc::kExpired);
}

TEST_F(BadEnrolmentsTest, TheElementRefusesAProviderCertificateOfAPastEpochOrDate) {
  const auto send = [&](const Bytes& statement) {
    auto channel = must(apdu::ChannelLink::open(*card_.element));
    must(apdu::exchange(*channel, kda::select()));
    return must(apdu::exchange(*channel, kda::statement(statement))).sw.value;
  };
  const Bytes before = card_.power->content;
  const auto order = world_.open_order("order-2", card_);
  const auto fresh = world_.request(order.id);
  ASSERT_EQ(send(must(world_.authority->state_min_epoch(2))), 0x9000);
  EXPECT_EQ(status_of(world_.enrol(card_, fresh.message)), 0x6982);
  card_.power->content = before;
  world_.reopen(card_);
  const auto late = to_protocol_minutes(world_.clock.now() + std::int64_t{400} * 86'400);
  ASSERT_EQ(send(must(world_.authority->state_time(late))), 0x9000);
  EXPECT_EQ(status_of(world_.enrol(card_, fresh.message)), 0x6982);
  // A statement that the authority did not sign moves nothing.
  auto stranger = must(roles::controlling_authority::RootKeys::create("KAGIBIN-AUTH", world_.rng));
  roles::controlling_authority::Authority impostor(std::move(stranger), world_.issuance_log,
                                                   world_.clock, world_.rng);
  EXPECT_EQ(send(must(impostor.state_min_epoch(9))), 0x6982);
}

TEST_F(BadEnrolmentsTest, AnotherGenuineElementIsNotTheUsersOwn) {
  DeployedCard& other = world_.add_card("phone-2");
  const Bytes answer = must(world_.enrol(other, e0_.message));
  const Problem problem = refusal(answer);
  EXPECT_EQ(problem.code, Errc::kPolicy) << problem.text;
  EXPECT_NE(problem.text.find(other.seid.hex()), std::string::npos) << problem.text;
}

TEST_F(BadEnrolmentsTest, AnOldAnswerDoesNotPassForTheNextAttempt) {
  const auto next = must(world_.flow->attempt_after(order_.id, 1));
  const auto sealing = world_.flow->seal(order_.id, next.attempt, e4_);
  ASSERT_FALSE(sealing);
  EXPECT_EQ(sealing.error().code, Errc::kAuthentication) << sealing.error().text;
}

TEST_F(BadEnrolmentsTest, AKdaBuildThatIsNotOnTheListIsRefused) {
  world_.policy.kda_code_hashes = {crypto::Digest256{}};
  const Problem problem = refusal(e4_);
  EXPECT_EQ(problem.code, Errc::kPolicy);
  EXPECT_NE(problem.text.find("allow-list"), std::string::npos) << problem.text;
}

TEST_F(BadEnrolmentsTest, AHigherMinimumLevelIsAskedForBeforeSealing) {
  world_.policy.minimum_level = 2;
  const Problem problem = refusal(e4_);
  EXPECT_EQ(problem.code, Errc::kPolicy);
  EXPECT_NE(problem.text.find("RL2"), std::string::npos) << problem.text;
}

TEST_F(BadEnrolmentsTest, ATargetOutsideOurPrefixesIsRefusedHereAndByTheElement) {
  std::string payload = Deployment::payload_text();
  const std::string first = Deployment::domain_aid().hex();
  payload.replace(payload.find(first), first.size(), "A0000009990001");
  const auto file = must(roles::service_provider::PayloadFile::parse(payload));
  const std::array devices{card_.device};
  const auto checked = world_.flow->check(file, world_.csv, devices, 60);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Errc::kPolicy) << checked.error().text;
  // Signed all the same, with our own key: the element says no.
  EnrolmentRequest request = must(EnrolmentRequest::decode(e0_.message));
  request.target = *Aid::from_hex("A0000009990001");
  request.nonce_a.octets[0] ^= 1;
  const Bytes e0 =
      must(envelope::sign_request(request, must(world_.keys->signing_key()), world_.rng));
  EXPECT_EQ(status_of(world_.enrol(card_, e0)), 0x6982);
}

}  // namespace
}  // namespace kagibin::test
