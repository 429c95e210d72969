// SPDX-License-Identifier: Apache-2.0
// RL3: SCP03 under a key set that the provider alone knows (protocol, section 8). Which sets are
// such sets, what ends that, and the deliveries.
#include "kagibin/roles/service_provider/keys/exclusive_keys.h"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "kagibin/roles/service_provider/confidential/agreed_keys.h"

#include "tests/support/deployment.h"
#include "tests/support/lost_answers.h"
#include "tests/support/must.h"
#include "tests/support/tampering_link.h"

namespace kagibin::test {
namespace {

using delivery::Verdict;
using envelope::ActionResult;
using roles::service_provider::AgreedKeys;
using roles::service_provider::ChannelKeySet;
using roles::service_provider::DomainKeyName;
using roles::service_provider::ExclusiveKeys;
using roles::service_provider::Problem;

constexpr std::uint8_t kAgreed = 0x32;
constexpr std::uint8_t kOwn = Deployment::kNewKeyVersion;

DeploymentOptions options(bool by_certificates) {
  DeploymentOptions out;
  out.by_certificates = by_certificates;
  return out;
}

// The set `version` opens the channel and is replaced by `next`, which is drawn.
std::string replacing(std::string_view version, std::string_view next) {
  std::string out = R"({"target":"A00000015153504B01","channel":{"key_version":")";
  out += version;
  out += R"("},"actions":[{"put_key":{"replace":")";
  out += version;
  out += R"(","key_version":")";
  out += next;
  out += R"(","key_identifier":"01","keys":[)";
  out += R"({"random":16},{"random":16},{"random":16}]}}]})";
  return out;
}

class ExclusiveKeysTest : public testing::Test {
 protected:
  explicit ExclusiveKeysTest(bool by_certificates = true)
      : world_("exclusive keys", options(by_certificates)), card_(world_.add_card("phone-1")) {}

  DomainKeyName name(std::uint8_t version) {
    return {
        .seid = card_.seid, .security_domain = Deployment::domain_aid(), .key_version = version};
  }
  bool holds(std::uint8_t version) {
    return must(ExclusiveKeys(world_.journal, *world_.keys).holds(name(version)));
  }
  void ask_for(std::uint8_t level) {
    world_.policy.minimum_level = level;
    world_.policy.accept_rl1 = level == 1 ? std::optional<std::string>("test") : std::nullopt;
    world_.renew_flow();
  }
  // Puts a set that nobody else knows into the domain, at RL2.
  void deliver_at_rl2() {
    ask_for(2);
    const auto order = world_.open_order("first", card_, Deployment::payload_by_certificates());
    ASSERT_EQ(world_.deliver(card_, order.id).verdict.verdict, Verdict::kConfirmed);
    ASSERT_TRUE(holds(kOwn));
    ask_for(3);
  }
  Bytes sealed(const delivery::OrderId& order) {
    const auto e0 = world_.request(order);
    return world_.seal(order, e0.attempt, must(world_.enrol(card_, e0.message)));
  }
  Problem refusal(const delivery::OrderId& order) {
    const auto e0 = world_.request(order);
    const auto sealing =
        world_.flow->seal(order, e0.attempt, must(world_.enrol(card_, e0.message)));
    EXPECT_FALSE(sealing);
    return sealing ? Problem(Errc::kNotFound, "it was sealed") : sealing.error();
  }
  static envelope::EnvelopeHeader header_of(ByteView envelope) {
    return must(
        envelope::EnvelopeHeader::decode(must(envelope::Envelope::decode(envelope)).header));
  }
  bool opens(std::uint8_t version) {
    const auto keys =
        must(world_.keys->channel_keys(card_.seid, Deployment::domain_aid(), version));
    return keys && world_.opens_with(card_, version, *keys);
  }
  Result<Bytes> relay_through(apdu::CardLink& device, ByteView envelope) {
    card_.middle = &device;
    Result<Bytes> receipt = world_.relay(card_, envelope);
    card_.middle = nullptr;
    return receipt;
  }

  Deployment world_;
  DeployedCard& card_;
};

// --- the delivery ------------------------------------------------------------------------------

TEST_F(ExclusiveKeysTest, ASetThatCameThroughRl2OpensTheChannelOfRl3) {
  deliver_at_rl2();
  const auto order = world_.open_order("second", card_, replacing("31", "33"));
  const Bytes e2 = sealed(order.id);
  EXPECT_EQ(header_of(e2).level, 3);
  EXPECT_EQ(header_of(e2).key_version_number, kOwn);
  const Bytes e3 = must(world_.relay(card_, e2));
  EXPECT_EQ(must(envelope::Receipt::decode(e3)).level, 3);
  EXPECT_EQ(world_.judge(order.id, 1, e3).verdict.verdict, Verdict::kConfirmed);
  EXPECT_TRUE(opens(0x33));
  EXPECT_TRUE(holds(0x33)) << "a set that RL3 put is exclusive as the one that opened the channel";
  EXPECT_FALSE(holds(kOwn));
}

TEST_F(ExclusiveKeysTest, ASetThatWasAgreedOnOpensTheChannelOfRl3) {
  // What a confidential set-up leaves (tests/system/confidential_setup_test.py): C's set in the
  // domain is known to us alone here.
  DeploymentOptions silent;
  silent.manager_exports_keys = false;
  Deployment world("agreed", silent);
  DeployedCard& card = world.add_card("phone-1");
  const ChannelKeySet agreed = Deployment::channel_keys(card.domain_keys);
  AgreedKeys keys(world.journal, *world.keys,
                  {.seid = card.seid,
                   .security_domain = Deployment::domain_aid(),
                   .key_version = Deployment::kDomainKeyVersion});
  must(keys.adopt({.keys = {.i = 0,
                            .enc = agreed.enc.duplicate(),
                            .mac = agreed.mac.duplicate(),
                            .dek = agreed.dek.duplicate()}}));
  world.policy.minimum_level = 3;
  world.policy.accept_rl1.reset();
  const auto order = world.open_order("order-1", card);
  const auto judgement = world.deliver(card, order.id);
  EXPECT_EQ(judgement.verdict.verdict, Verdict::kConfirmed) << judgement.verdict.reason;
}

// RL2 and RL3 are of one height.
TEST_F(ExclusiveKeysTest, BehindRl3TheTargetIsServedAtRl2Again) {
  deliver_at_rl2();
  const auto order = world_.open_order("second", card_, replacing("31", "33"));
  ASSERT_EQ(world_.deliver(card_, order.id).verdict.verdict, Verdict::kConfirmed);
  ask_for(2);
  const auto next = world_.open_order(
      "third", card_,
      R"({"target":"A00000015153504B01","channel":{"key_version":"33","agreement_key_version":"03"},)"
      R"("actions":[{"put_key":{"key_version":"34","key_identifier":"01","keys":[{"random":16}]}}]})");
  EXPECT_EQ(header_of(sealed(next.id)).level, 2);
  EXPECT_EQ(world_.deliver(card_, next.id).verdict.verdict, Verdict::kConfirmed);
}

// After RL2 the set is ours alone: RL3 would be within reach, and the device would have chosen it.
TEST_F(ExclusiveKeysTest, ADeviceThatHidesTheDomainsCertificateMovesNoOrderFromRl2ToRl3) {
  deliver_at_rl2();
  ask_for(2);
  const auto order = world_.open_order(
      "second", card_,
      R"({"target":"A00000015153504B01","channel":{"key_version":"31","agreement_key_version":"03"},)"
      R"("actions":[{"put_key":{"key_version":"34","key_identifier":"01","keys":[{"random":16}]}}]})");
  const auto e0 = world_.request(order.id);
  const Bytes hidden = must(world_.enrol_with(card_, e0.message, {}));
  const auto sealing = world_.flow->seal(order.id, e0.attempt, hidden);
  ASSERT_FALSE(sealing);
  EXPECT_EQ(sealing.error().code, Errc::kPolicy) << sealing.error().text;
  EXPECT_NE(sealing.error().text.find("CERT.SD"), std::string::npos) << sealing.error().text;
  const auto again = must(world_.flow->attempt_after(order.id, e0.attempt));
  const Bytes e2 = world_.seal(order.id, again.attempt, must(world_.enrol(card_, again.message)));
  EXPECT_EQ(header_of(e2).level, 2);
}

// --- what is exclusive -------------------------------------------------------------------------

TEST_F(ExclusiveKeysTest, TheManagersExportIsNotExclusiveAndTheRefusalSaysWhatWouldBe) {
  ask_for(3);
  const auto order = world_.open_order("first", card_);
  const Problem problem = refusal(order.id);
  EXPECT_EQ(problem.code, Errc::kPolicy);
  EXPECT_NE(problem.text.find("agree-keys"), std::string::npos) << problem.text;
  EXPECT_NE(problem.text.find("RL2 or above"), std::string::npos) << problem.text;
  const std::array devices{card_.device};
  const auto payload =
      must(roles::service_provider::PayloadFile::parse(Deployment::payload_text()));
  const auto before = world_.flow->highest_level(payload, devices);
  ASSERT_FALSE(before);
  EXPECT_NE(before.error().text.find("agree-keys"), std::string::npos) << before.error().text;
}

TEST_F(ExclusiveKeysTest, ASetThatWasPutAtRl1IsNotExclusive) {
  ask_for(1);
  const auto first = world_.open_order("first", card_);
  ASSERT_EQ(world_.deliver(card_, first.id).verdict.verdict, Verdict::kConfirmed);
  ASSERT_TRUE(opens(kOwn));
  EXPECT_FALSE(holds(kOwn));
  ask_for(3);
  EXPECT_EQ(refusal(world_.open_order("second", card_, replacing("31", "33")).id).code,
            Errc::kPolicy);
}

// The same derived keys, first in an envelope of RL1 that the device keeps back, then at RL2.
TEST_F(ExclusiveKeysTest, AKeyThatOnceWentOutAtRl1StaysExposed) {
  ask_for(1);
  const auto first = world_.open_order("first", card_);
  static_cast<void>(sealed(first.id));
  ask_for(2);
  const auto again = world_.open_order("again", card_, Deployment::payload_by_certificates());
  ASSERT_EQ(world_.deliver(card_, again.id).verdict.verdict, Verdict::kConfirmed);
  ASSERT_TRUE(opens(kOwn));
  EXPECT_FALSE(holds(kOwn));
}

// One order, whose first attempt was sealed at RL1 and whose second at RL2.
TEST_F(ExclusiveKeysTest, EveryEnvelopeOfTheOrderHasToBeAboveRl1) {
  ask_for(1);
  const auto order = world_.open_order("first", card_, Deployment::payload_by_certificates());
  const auto e0 = world_.request(order.id);
  const Bytes low =
      world_.seal(order.id, e0.attempt, must(world_.enrol_with(card_, e0.message, {})));
  ASSERT_EQ(header_of(low).level, 1);
  const auto second = world_.request(order.id);
  const Bytes e2 = world_.seal(order.id, second.attempt, must(world_.enrol(card_, second.message)));
  ASSERT_EQ(header_of(e2).level, 2);
  const Bytes e3 = must(world_.relay(card_, e2));
  ASSERT_EQ(world_.judge(order.id, second.attempt, e3).verdict.verdict, Verdict::kConfirmed);
  EXPECT_TRUE(opens(kOwn));
  EXPECT_FALSE(holds(kOwn));
}

TEST_F(ExclusiveKeysTest, AKeyOnWhichRl3RestsIsNotSealedAtRl1) {
  const Bytes memory = card_.power->content;
  deliver_at_rl2();
  // The manager has the domain made anew, with its own set, and the same keys are to go there.
  card_.power->content = memory;
  world_.reopen(card_);
  must(world_.keys->put_channel_keys(card_.seid, Deployment::domain_aid(),
                                     Deployment::kDomainKeyVersion,
                                     Deployment::channel_keys(card_.domain_keys)));
  ask_for(1);
  const auto order = world_.open_order("again", card_);
  const Problem problem = refusal(order.id);
  EXPECT_EQ(problem.code, Errc::kPolicy);
  EXPECT_NE(problem.text.find("another master key"), std::string::npos) << problem.text;
  EXPECT_TRUE(holds(kOwn)) << "what was refused was noted all the same";
}

TEST_F(ExclusiveKeysTest, KeysInStoreDataAndCommandsOfRl1AreExposed) {
  const auto key = [](std::uint8_t octet) {
    SecretBytes out(16);
    std::ranges::fill(out.expose_mutable(), octet);
    return out;
  };
  const auto set = [&](std::uint8_t octet) {
    return ChannelKeySet{.i = 0, .enc = key(octet), .mac = key(octet), .dek = key(octet)};
  };
  // DGI 0101 with 16 octets, DGI 0102 with FF 0010 and 16 octets.
  const Bytes data =
      *from_hex("010110111111111111111111111111111111110102FF001022222222222222222222222222222222");
  std::vector<envelope::Action> actions;
  actions.emplace_back(envelope::StoreDataAction{
      .application = std::nullopt, .data = SecretBytes::copy_of(data), .probe = std::nullopt});
  actions.emplace_back(envelope::CommandAction{
      .header = {0x80, 0x52, 0, 0}, .data = key(0x33), .probe = std::nullopt});
  ExclusiveKeys exclusive(world_.journal, *world_.keys);
  ASSERT_TRUE(exclusive.expose(actions));
  for (const std::uint8_t octet : std::array<std::uint8_t, 4>{0x11, 0x22, 0x33, 0x44}) {
    const ChannelKeySet keys = set(octet);
    must(exclusive.note(name(0x40), keys));
    must(world_.keys->put_channel_keys(card_.seid, Deployment::domain_aid(), 0x40, keys));
    EXPECT_EQ(holds(0x40), octet == 0x44) << int{octet};
  }
}

// Two processes work on one journal: one seals a key at RL1, the other learns that a set has it.
TEST_F(ExclusiveKeysTest, NoKeyIsExclusiveAndExposedWhateverAnotherProcessDoesMeanwhile) {
  const auto key = [] {
    SecretBytes out(16);
    std::ranges::fill(out.expose_mutable(), std::uint8_t{0x5A});
    return out;
  };
  const ChannelKeySet set{.i = 0, .enc = key(), .mac = key(), .dek = key()};
  must(world_.keys->put_channel_keys(card_.seid, Deployment::domain_aid(), 0x40, set));
  std::vector<envelope::Action> actions;
  actions.emplace_back(
      envelope::CommandAction{.header = {0x80, 0x52, 0, 0}, .data = key(), .probe = std::nullopt});
  ExclusiveKeys exclusive(world_.journal, *world_.keys);
  const MemoryJournal::State before = world_.journal.state();
  for (std::uint64_t look = 1; look <= 8; ++look) {
    // One exposes, and the other notes before its look; and the other way round.
    bool is_sealed = false;
    world_.journal.meanwhile(look, [&] { must(exclusive.note(name(0x40), set)); });
    is_sealed = exclusive.expose(actions).has_value();
    world_.journal.meanwhile(0, {});
    EXPECT_FALSE(is_sealed && holds(0x40)) << "note at look " << look;
    world_.journal.restore(before);
    is_sealed = false;
    world_.journal.meanwhile(look, [&] { is_sealed = exclusive.expose(actions).has_value(); });
    must(exclusive.note(name(0x40), set));
    world_.journal.meanwhile(0, {});
    EXPECT_FALSE(is_sealed && holds(0x40)) << "expose at look " << look;
    world_.journal.restore(before);
  }
}

TEST_F(ExclusiveKeysTest, WhatReplacesTheSetOfANameEndsItsExclusiveness) {
  deliver_at_rl2();
  const ChannelKeySet other = Deployment::channel_keys(card_.domain_keys);
  must(world_.keys->put_channel_keys(card_.seid, Deployment::domain_aid(), kOwn, other));
  EXPECT_FALSE(holds(kOwn));
  must(world_.keys->forget_channel_keys(card_.seid, Deployment::domain_aid(), kOwn));
  EXPECT_FALSE(holds(kOwn));
}

// The manager exports to us the very keys that we agreed on: then it knows them.
TEST_F(ExclusiveKeysTest, AnExportOfAnAgreedSetEndsItsExclusiveness) {
  const ChannelKeySet set = Deployment::channel_keys(card_.domain_keys);
  AgreedKeys agreed(world_.journal, *world_.keys, name(kAgreed));
  must(agreed.adopt({.keys = {.i = 0,
                              .enc = set.enc.duplicate(),
                              .mac = set.mac.duplicate(),
                              .dek = set.dek.duplicate()}}));
  // The deployment imported this set as the manager's export under 30.
  EXPECT_TRUE(must(agreed.is_agreed(set)));
  EXPECT_FALSE(holds(kAgreed));
}

// A receipt of RL2 that was held back until a later order at RL1 had put another set there.
TEST_F(ExclusiveKeysTest, AnOldReceiptBringsNoExclusiveSetBack) {
  ask_for(2);
  const auto first = world_.open_order("first", card_, Deployment::payload_by_certificates());
  const Bytes held_back = must(world_.relay(card_, sealed(first.id)));
  const auto second = world_.open_order(
      "second", card_,
      R"({"target":"A00000015153504B01","channel":{"key_version":"31","agreement_key_version":"03"},)"
      R"("actions":[{"put_key":{"replace":"31","key_version":"31","key_identifier":"01","keys":[)"
      R"({"random":16},{"random":16},{"random":16}]}}]})");
  ASSERT_EQ(world_.deliver(card_, second.id).verdict.verdict, Verdict::kConfirmed);
  const auto newer = must(world_.keys->channel_keys(card_.seid, Deployment::domain_aid(), kOwn));
  ASSERT_TRUE(newer && holds(kOwn));
  world_.judge(first.id, 1, held_back);
  const auto after = must(world_.keys->channel_keys(card_.seid, Deployment::domain_aid(), kOwn));
  ASSERT_TRUE(after);
  EXPECT_TRUE(equal(after->enc.expose(), newer->enc.expose()));
  EXPECT_TRUE(holds(kOwn));
  EXPECT_TRUE(opens(kOwn));
}

// --- on the way --------------------------------------------------------------------------------

TEST_F(ExclusiveKeysTest, ALevelChangedOnTheWayIsRefusedInBothDirections) {
  deliver_at_rl2();
  const auto order = world_.open_order("second", card_, replacing("31", "33"));
  const Bytes e2 = sealed(order.id);
  const Bytes level{0x84, 0x01, 0x03};
  for (const std::uint8_t other : std::array<std::uint8_t, 4>{0x01, 0x02, 0x04, 0x05}) {
    Bytes changed = e2;
    const auto at = std::ranges::search(changed, level).begin();
    ASSERT_NE(at, changed.end());
    *(at + 2) = other;
    EXPECT_FALSE(world_.load(card_, header_of(e2).handle, changed)) << int{other};
  }
  EXPECT_EQ(world_.judge(order.id, 1, must(world_.relay(card_, e2))).verdict.verdict,
            Verdict::kConfirmed);
}

TEST_F(ExclusiveKeysTest, AnEnvelopeOfRl1IsNotRaisedToRl3OnTheWay) {
  ask_for(1);
  const auto order = world_.open_order("first", card_);
  const Bytes e2 = sealed(order.id);
  Bytes changed = e2;
  const Bytes level{0x84, 0x01, 0x01};
  const auto at = std::ranges::search(changed, level).begin();
  ASSERT_NE(at, changed.end());
  *(at + 2) = 0x03;
  const auto loaded = world_.load(card_, header_of(e2).handle, changed);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().sw.value, 0x6985);
}

TEST_F(ExclusiveKeysTest, EveryLostAnswerEndsInTheKeyInstalledOnce) {
  deliver_at_rl2();
  const auto order = world_.open_order("second", card_, replacing("31", "33"));
  const Bytes e2 = sealed(order.id);
  const std::size_t lost = lose_every_answer(world_, card_, order.id, e2, [&] {
    EXPECT_TRUE(opens(0x33));
    EXPECT_TRUE(holds(0x33));
    EXPECT_FALSE(opens(kOwn));
  });
  EXPECT_GT(lost, 10U);
}

// The set in the domain is another one than ours: nothing leaves, and no try on the card is used.
TEST_F(ExclusiveKeysTest, ADomainThatLostTheSetGetsNoKey) {
  deliver_at_rl2();
  const auto order = world_.open_order("second", card_, replacing("31", "33"));
  const Bytes e2 = sealed(order.id);
  TamperingLink liar(*card_.element, [&](const apdu::CommandApdu& command) {
    return command.ins == 0x50 ? Tamper{.instead = StatusWord{0x6A88}} : Tamper{};
  });
  const Bytes e3 = must(relay_through(liar, e2));
  EXPECT_EQ(must(envelope::Receipt::decode(e3)).results,
            std::vector{ActionResult::kChannelKeysRefused});
  const auto judgement = world_.judge(order.id, 1, e3);
  EXPECT_EQ(judgement.verdict.verdict, Verdict::kRefused);
  EXPECT_NE(judgement.verdict.reason.find("RL3"), std::string::npos) << judgement.verdict.reason;
}

}  // namespace
}  // namespace kagibin::test
