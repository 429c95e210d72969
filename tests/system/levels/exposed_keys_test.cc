// SPDX-License-Identifier: Apache-2.0
// Master keys and keys of one element that others have, too: what came or went as a key block opens
// no channel at RL3 and is no static Key-DEK of RL4 (doc/relay_levels.md, doc/key_blocks.md).
#include "kagibin/roles/service_provider/keys/exposed_keys.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "kagibin/crypto/key_block/key_block_protection.h"
#include "kagibin/roles/service_provider/keys/blocks/block_keys.h"
#include "kagibin/roles/service_provider/keys/ceremony/key_ceremony.h"
#include "kagibin/roles/service_provider/keys/exclusive_keys.h"
#include "kagibin/roles/service_provider/keys/static_deks.h"

#include "tests/support/deployment.h"
#include "tests/support/failing_rng.h"
#include "tests/support/must.h"

namespace kagibin::test {
namespace {

using delivery::Verdict;
using roles::service_provider::ChannelKeySet;
using roles::service_provider::DomainKeyName;
using roles::service_provider::ExclusiveKeys;
using roles::service_provider::ExposedKeys;
using roles::service_provider::Exposure;
using roles::service_provider::KeyBinding;
using roles::service_provider::KeyCeremony;
using roles::service_provider::KeyOrigin;
using roles::service_provider::KeyPurpose;
using roles::service_provider::KeyStore;
using roles::service_provider::Problem;
using roles::service_provider::StaticDeks;
using roles::service_provider::StoredKey;

constexpr std::uint8_t kOwn = Deployment::kNewKeyVersion;

SecretBytes key_of(std::uint8_t octet, std::size_t size = 32) {
  SecretBytes out(size);
  std::ranges::fill(out.expose_mutable(), octet);
  return out;
}

DeploymentOptions by_certificates() {
  DeploymentOptions out;
  out.by_certificates = true;
  return out;
}

// A key set of this source under `next` in the place of `version`.
std::string putting(std::string_view source,
                    std::string_view version,
                    std::string_view next,
                    bool at_rl2) {
  std::string out = R"({"target":"A00000015153504B01","channel":{"key_version":")";
  out += version;
  out += at_rl2 ? R"(","agreement_key_version":"03"},"actions":[)" : R"("},"actions":[)";
  out += R"({"put_key":{"replace":")";
  out += version;
  out += R"(","key_version":")";
  out += next;
  out += R"(","key_identifier":"01","keys":[)";
  for (const char* comma : {",", ",", ""}) {
    out += source;
    out += comma;
  }
  out += "]}}]}";
  return out;
}

std::string derived(std::string_view master) {
  return R"({"derive":{"master":")" + std::string(master) + R"(","size":16}})";
}

class ExposedKeysTest : public testing::Test {
 protected:
  ExposedKeysTest() {
    must(add_stored_key(
        KeyPurpose::kProtectionKey, "zone",
        {.attributes = {.key_usage = "K1", .mode_of_use = 'B'}, .key = kbpk_.duplicate()}, keys()));
    must(add_stored_key(KeyPurpose::kMasterKey, "shared",
                        {.attributes = {.exportability = 'E'}, .key = key_of(0x31)}, keys()));
  }
  KeyStore& keys() { return *world_.keys; }
  ExposedKeys exposed() { return ExposedKeys(keys()); }
  DomainKeyName name(std::uint8_t version) {
    return {
        .seid = card_.seid, .security_domain = Deployment::domain_aid(), .key_version = version};
  }
  bool holds(std::uint8_t version) {
    return must(ExclusiveKeys(world_.journal, keys()).holds(name(version)));
  }
  void ask_for(std::uint8_t level) {
    world_.policy.minimum_level = level;
    world_.policy.accept_rl1.reset();
    world_.renew_flow();
  }
  void deliver(std::string_view id, std::string_view payload) {
    const auto order = world_.open_order(id, card_, payload);
    const auto judgement = world_.deliver(card_, order.id);
    ASSERT_EQ(judgement.verdict.verdict, Verdict::kConfirmed) << judgement.verdict.reason;
  }
  // A set of this source at RL2, and RL3 is asked for from then on.
  void deliver_at_rl2(std::string_view source) {
    ask_for(2);
    deliver("first", putting(source, "30", "31", true));
    ask_for(3);
  }
  Problem refusal(std::string_view id, std::string_view payload) {
    const auto order = world_.open_order(id, card_, payload);
    const auto e0 = world_.request(order.id);
    const auto sealing =
        world_.flow->seal(order.id, e0.attempt, must(world_.enrol(card_, e0.message)));
    EXPECT_FALSE(sealing);
    return sealing ? Problem(Errc::kNotFound, "it was sealed") : sealing.error();
  }
  Problem refusal() { return refusal("second", putting(R"({"random":16})", "31", "33", false)); }
  Bytes block(const char* usage, const SecretBytes& key) {
    crypto::KeyBlockHeader header;
    header.key_usage = usage;
    header.mode_of_use = std::string_view(usage) == "D0" ? 'B' : 'X';
    header.exportability = 'E';
    return must(must(crypto::protect_key(kbpk_, header, key, world_.rng)).encode());
  }
  void import_master(std::string name) {
    must(import_key_block(block("B3", key_of(0x32)), {std::move(name), "zone"}, keys()));
  }
  void export_shared() {
    must(export_key_block(KeyPurpose::kMasterKey, "shared", "zone", keys(), world_.rng));
  }
  // As a program without marks wrote it.
  void make_older(const std::string& record) {
    const SecretBytes now = must(keys().record(record));
    SecretBytes before = now.duplicate();
    before.expose_mutable()[0] = 0x01;
    must(keys().put_record(record, before));
  }

  Deployment world_{"exposed keys", by_certificates()};
  DeployedCard& card_ = world_.add_card("phone-1");
  SecretBytes kbpk_ = key_of(0x77);
};

TEST_F(ExposedKeysTest, AnExportEndsRl3ForWhatIsDerivedFromTheMasterKeyBeforeAndAfter) {
  deliver_at_rl2(derived("shared"));
  ASSERT_TRUE(holds(kOwn)) << "it may leave, and has not yet";
  export_shared();
  EXPECT_FALSE(holds(kOwn));
  const Problem before = refusal();
  EXPECT_EQ(before.code, Errc::kPolicy);
  for (const char* said : {"\"shared\" went out as a key block", "master-key create"}) {
    EXPECT_NE(before.text.find(said), std::string::npos) << before.text;
  }
  const std::array devices{card_.device};
  const auto payload = must(
      roles::service_provider::PayloadFile::parse(putting(R"({"random":16})", "31", "33", false)));
  const auto checked = world_.flow->highest_level(payload, devices);
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().text.find("\"shared\" went out"), std::string::npos)
      << checked.error().text;
  // A set of it that comes later.
  ask_for(2);
  deliver("third", putting(derived("shared"), "31", "34", true));
  EXPECT_FALSE(holds(0x34));
  // A way out, as the refusal says.
  deliver("fourth", putting(derived("fleet"), "34", "35", true));
  EXPECT_TRUE(holds(0x35));
}

TEST_F(ExposedKeysTest, AMasterKeyThatCameAsABlockOpensNoChannelAtRl3) {
  import_master("partner");
  deliver_at_rl2(derived("partner"));
  EXPECT_FALSE(holds(kOwn));
  EXPECT_NE(refusal().text.find("a key block"), std::string::npos);
  // Nor is it kept from RL1 as a key on which RL3 rests would be.
  const auto set = must(keys().channel_keys(card_.seid, Deployment::domain_aid(), kOwn));
  std::vector<envelope::Action> actions;
  actions.emplace_back(envelope::CommandAction{
      .header = {0x80, 0x52, 0, 0}, .data = set->enc.duplicate(), .probe = std::nullopt});
  EXPECT_TRUE(ExclusiveKeys(world_.journal, keys()).expose(actions));
}

TEST_F(ExposedKeysTest, OtherKeysOfTheSameOrderAndStoreAreNotTouched) {
  import_master("partner");
  export_shared();
  ask_for(2);
  deliver(
      "first",
      R"({"target":"A00000015153504B01","channel":{"key_version":"30","agreement_key_version":"03"},)"
      R"("actions":[{"put_key":{"replace":"30","key_version":"31","key_identifier":"01","keys":[)" +
          derived("fleet") + "," + derived("fleet") + "," + derived("fleet") +
          R"(]}},{"put_key":{"key_version":"40","key_identifier":"01","keys":[)" +
          derived("partner") + "," + derived("shared") + R"(]}}]})");
  ask_for(3);
  EXPECT_TRUE(holds(kOwn));
  deliver("second", putting(R"({"random":16})", "31", "33", false));
  EXPECT_TRUE(holds(0x33));
}

TEST_F(ExposedKeysTest, AnExportThatIsCutBeforeTheBlockIsOutCountsAsOne) {
  deliver_at_rl2(derived("shared"));
  FailingRng broken("cut", 1);
  ASSERT_FALSE(export_key_block(KeyPurpose::kMasterKey, "shared", "zone", keys(), broken));
  EXPECT_EQ(must(exposed().master("shared")), Exposure::kWent);
  EXPECT_FALSE(holds(kOwn));
}

TEST_F(ExposedKeysTest, WhatIsRefusedMarksNothing) {
  EXPECT_FALSE(export_key_block(KeyPurpose::kMasterKey, "fleet", "zone", keys(), world_.rng));
  EXPECT_FALSE(export_key_block(KeyPurpose::kMasterKey, "shared", "none", keys(), world_.rng));
  EXPECT_FALSE(import_key_block(block("B3", key_of(0x32)), {"fleet", "zone"}, keys()));
  EXPECT_EQ(must(exposed().master("fleet")), std::nullopt);
  EXPECT_EQ(must(exposed().master("shared")), std::nullopt);
  // The first mark stays, and a mark needs no key: who takes it is told later.
  must(exposed().add_master("shared", Exposure::kStated));
  export_shared();
  EXPECT_EQ(must(exposed().master("shared")), Exposure::kStated);
}

TEST_F(ExposedKeysTest, AKeyOfOneElementThatCameAsABlockOpensNoChannelAtRl3) {
  const KeyBinding place{
      .seid = card_.seid, .target = Deployment::domain_aid(), .slot = std::nullopt};
  must(import_key_block(block("D0", key_of(0x33, 16)), {"gift", "zone", place}, keys()));
  deliver_at_rl2(R"({"literal":"gift"})");
  EXPECT_FALSE(holds(kOwn));
}

TEST_F(ExposedKeysTest, ASharedCeremonyIsSharedAndTheCustodiansOwnIsNot) {
  for (const bool is_shared : {false, true}) {
    const std::string master = is_shared ? "with-partner" : "ours";
    roles::service_provider::CeremonyPlan plan{.purpose = KeyPurpose::kMasterKey};
    if (is_shared) {
      plan.check_value = to_hex(must(crypto::check_values(key_of(0x33))).cmac);
    }
    KeyCeremony ceremony = must(KeyCeremony::start(master, plan, keys()));
    for (const std::uint8_t number : std::array<std::uint8_t, 2>{1, 2}) {
      const SecretBytes component = key_of(static_cast<std::uint8_t>(0x11 * number));
      must(ceremony.enter(number, component, to_hex(must(crypto::check_values(component)).cmac)));
    }
    must(ceremony.finish());
    EXPECT_EQ(must(exposed().master(master)),
              is_shared ? std::optional(Exposure::kShared) : std::nullopt);
  }
}

TEST_F(ExposedKeysTest, AStaticKeyDekOfAnExposedMasterKeyIsNotExclusive) {
  StaticDeks deks(world_.journal, keys());
  must(deks.learn(name(0x03), key_of(0x41, 16), true, KeyOrigin{"shared"}));
  must(deks.learn(name(0x04), key_of(0x42, 16), true, KeyOrigin{"fleet"}));
  ASSERT_TRUE(must(deks.find(name(0x03)))->is_exclusive);
  export_shared();
  const auto dek = must(deks.find(name(0x03)));
  EXPECT_FALSE(dek->is_exclusive);
  EXPECT_TRUE(ct_equal(dek->key.expose(), key_of(0x41, 16).expose()));
  EXPECT_NE(dek->why_exposed.value_or("").find("\"shared\" went out"), std::string::npos);
  EXPECT_TRUE(must(deks.find(name(0x04)))->is_exclusive);
}

// --- kept by a program that marked nothing -----------------------------------------------------

TEST_F(ExposedKeysTest, AMasterKeyWhoseOldAttributesDoNotSayCountsAsExposed) {
  make_older("attributes.master.shared");
  EXPECT_EQ(must(exposed().master("shared")), Exposure::kUnknown);
  EXPECT_EQ(must(exposed().master("fleet")), std::nullopt) << "made here, and can never leave";
  deliver_at_rl2(derived("shared"));
  EXPECT_FALSE(holds(kOwn));
  EXPECT_TRUE(must(keys().master_key("shared")).diversify(ascii("x"), {}, 16)) << "it still works";
}

TEST_F(ExposedKeysTest, AnOldNoteCountsWhereNoKeyCanHaveComeOrGone) {
  const auto key = [] { return key_of(0x5A, 16); };
  const ChannelKeySet set{.i = 0, .enc = key(), .mac = key(), .dek = key()};
  must(keys().put_channel_keys(card_.seid, Deployment::domain_aid(), 0x40, set));
  must(ExclusiveKeys(world_.journal, keys()).note(name(0x40), set, std::nullopt));
  StaticDeks deks(world_.journal, keys());
  must(deks.learn(name(0x03), key_of(0x41, 16), true, std::nullopt));
  EXPECT_TRUE(holds(0x40));
  EXPECT_TRUE(must(deks.find(name(0x03)))->is_exclusive);
  make_older("attributes.master.shared");
  EXPECT_FALSE(holds(0x40));
  EXPECT_FALSE(must(deks.find(name(0x03)))->is_exclusive);
}

TEST_F(ExposedKeysTest, AnOldBlockKeyOfOneElementIsMarkedWhenItIsOrdered) {
  const StoredKey gift{.attributes = {.key_usage = "D0",
                                      .mode_of_use = 'B',
                                      .exportability = 'E',
                                      .binding = KeyBinding{.seid = card_.seid,
                                                            .target = Deployment::domain_aid(),
                                                            .slot = std::nullopt}},
                       .key = key_of(0x33, 16)};
  must(keys().put_new_record("bound.gift", gift.encode()));
  make_older("bound.gift");
  deliver_at_rl2(R"({"literal":"gift"})");
  EXPECT_FALSE(holds(kOwn));
}

TEST_F(ExposedKeysTest, AnOrderOfAnOlderProgramIsStillTheSameOrder) {
  ask_for(2);
  const std::string text = putting(derived("shared"), "30", "31", true);
  auto order = world_.open_order("template", card_, text);
  const std::size_t at = order.annotation.find(",\"masters\"");
  ASSERT_NE(at, std::string::npos);
  order.annotation = order.annotation.substr(0, at) + "}";
  const SecretBytes actions = must(keys().unseal("payload/template", order.sealed_payload));
  order.sealed_payload = must(keys().seal("payload/older", actions.expose()));
  order.id = must(delivery::OrderId::from("older"));
  must(world_.journal.open_order(order));
  EXPECT_EQ(world_.open_order("older", card_, text).annotation, order.annotation);
  const auto e0 = world_.request(order.id);
  const Bytes e2 = world_.seal(order.id, e0.attempt, must(world_.enrol(card_, e0.message)));
  const Bytes e3 = must(world_.relay(card_, e2));
  ASSERT_EQ(world_.judge(order.id, e0.attempt, e3).verdict.verdict, Verdict::kConfirmed);
  EXPECT_TRUE(holds(kOwn)) << "no key here can have come or gone unnoticed";
  make_older("attributes.master.shared");
  EXPECT_FALSE(holds(kOwn));
}

}  // namespace
}  // namespace kagibin::test
