// SPDX-License-Identifier: Apache-2.0
// ATT-2: the manager loads the key delivery application in the field, and the element's CASD says
// which code it is (protocol, section 2; doc/decisions/0014).

#include "tests/system/attestation/attestation_bench.h"

namespace kagibin::test::attestation {
namespace {

using delivery::Verdict;

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
  EXPECT_EQ(statement.level_bitmap, 0x05) << "RL2 takes a CERT.OCE, which no CASD gives";
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

// What a CASD says of code is true for the moment: doc/decisions/0017.
TEST_F(AttestedByCasdTest, AReceiptAnnouncesNoEnrolment) {
  world_.policy.keep_enrolment_minutes = 60;
  install_kda();
  order();
  const Bytes e4 = enrol();
  const Bytes statement = content_of(e4).statement;
  EXPECT_FALSE(must(EnrolmentStatement::decode(statement)).announces_next);
  const Bytes e2 = world_.seal(order_->id, e0_.attempt, e4);
  envelope::Envelope asking = must(envelope::Envelope::decode(e2));
  auto header = must(envelope::EnvelopeHeader::decode(asking.header));
  EXPECT_FALSE(header.next_nonce_a);
  header.next_nonce_a.emplace();
  asking.header = header.encode();
  const auto signing_key = must(world_.keys->signing_key());
  asking.signature = must(signing_key.sign_der({ascii(envelope::kLabelEnvelope), asking.header,
                                                asking.sealed_tlv(), crypto::sha256(statement)},
                                               world_.rng));
  EXPECT_EQ(world_.load(card_, header.handle, asking.encode()).error().sw.value, 0x6A81);
  const Bytes e3 = must(world_.relay(card_, e2));
  EXPECT_FALSE(must(envelope::Receipt::decode(e3)).next_enrolment);
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
}  // namespace kagibin::test::attestation
