// SPDX-License-Identifier: Apache-2.0
// Whole deliveries of keys that are in a token and are sealed there (policy.token_only), with NSS:
// the element opens them as any other, and the key is in nothing that the token handed out.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/token/pkcs11_tokens.h"
#include "kagibin/delivery/journal_store.h"
#include "kagibin/roles/service_provider/keys/exclusive_keys.h"
#include "kagibin/roles/service_provider/keys/token_element_keys.h"
#include "kagibin/roles/service_provider/order_records.h"

#include "tests/support/deployment.h"
#include "tests/support/must.h"
#include "tests/token/faults.h"
#include "tests/token/soft_token.h"

namespace kagibin::test {
namespace {

namespace provider = roles::service_provider;
using crypto::token::Pkcs11Tokens;
using crypto::token::TokenUri;
using delivery::JournalStep;

bool holds(ByteView haystack, ByteView needle) {
  return !std::ranges::search(haystack, needle).empty();
}

class SealedOrdersTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!token_.missing().empty()) {
      GTEST_SKIP() << token_.missing();
    }
    faults_.emplace();
  }

  DeploymentOptions in_token(bool by_certificates, bool own_delivery = false) {
    DeploymentOptions out{.tokens = &tokens_,
                          .key_uri = [this](std::string_view key) { return token_.uri(key); },
                          .token_uri = token_.token_uri()};
    out.by_certificates = by_certificates;
    out.own_delivery = own_delivery;
    return out;
  }
  static void allow_token_keys_only(Deployment& world) {
    world.policy.token_only = true;
    world.renew_flow();
  }

  // Three keys of the test's own choice as a key set, so that the element's holding them shows.
  void put_keys(Deployment& world, const Seid& seid) {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      values_[i] = must(crypto::random_secret(world.rng, 16));
      const provider::TokenElementKeyPlan plan{
          .name = fmt::format("k{}", i),
          .place = {.uri = token_.uri(fmt::format("k{}", i))},
          .binding = {.seid = seid, .target = Deployment::domain_aid(), .slot = {}}};
      must(put_token_element_key(plan, values_[i], *world.keys));
    }
  }
  provider::ChannelKeySet key_set() const {
    return {.enc = values_[0].duplicate(),
            .mac = values_[1].duplicate(),
            .dek = values_[2].duplicate()};
  }
  static std::string with_literals(std::string payload) {
    const std::string derived = R"({"derive":{"master":"fleet","size":16}})";
    for (int i = 0; i < 3; ++i) {
      const std::size_t at = payload.find(derived);
      KB_CHECK(at != std::string::npos);
      payload.replace(at, derived.size(), fmt::format(R"({{"literal":"k{}"}})", i));
    }
    return payload;
  }
  provider::Checked<void> check(Deployment& world, DeployedCard& card, const std::string& text) {
    const auto payload = must(provider::PayloadFile::parse(text));
    return world.flow->check(payload, world.csv, std::span(&card.device, 1),
                             Deployment::kValidityMinutes, {});
  }
  void expect_no_key_in(ByteView octets, const char* what) {
    for (const SecretBytes& value : values_) {
      EXPECT_FALSE(holds(octets, value.expose())) << what;
    }
  }
  // Enrols, seals and relays; the keys are in nothing that came out of the token or lies with us.
  void deliver_and_look(Deployment& world, DeployedCard& card, const std::string& payload) {
    faults_->clear();  // what was put in was here until then
    const auto objects = token_.count_objects();
    const delivery::JournalOrder order = world.open_order("order-1", card, payload);
    const auto request = world.request(order.id);
    const Bytes answer = must(world.enrol(card, request.message));
    const Bytes envelope = world.seal(order.id, request.attempt, answer);
    expect_no_key_in(faults_->returned(), "what calls of PKCS#11 returned");
    // That it is looked for where it would be: a key that does come out is found.
    const SecretBytes derived = must(must(tokens_.derivation_key(token_.uri("fleet")))
                                         .diversify(ascii("label"), ascii("context"), 16));
    EXPECT_TRUE(holds(faults_->returned(), derived.expose()));
    const SecretBytes kept =
        must(world.keys->unseal(provider::payload_label(order.id), order.sealed_payload));
    expect_no_key_in(kept.expose(), "the order in the journal");
    EXPECT_EQ(token_.count_objects(), objects + 2) << "the KEM key pair of the attempt alone";
    const Bytes receipt = must(world.relay(card, envelope));
    EXPECT_EQ(world.judge(order.id, request.attempt, receipt).verdict.verdict,
              delivery::Verdict::kConfirmed);
    EXPECT_TRUE(world.opens_with(card, Deployment::kNewKeyVersion, key_set()));
  }

  SoftToken token_{SoftToken::Make::kNss, true};
  Pkcs11Tokens tokens_{[](const TokenUri&) -> Result<SecretBytes> {
    return SecretBytes::copy_of(ascii(SoftToken::pin()));
  }};
  std::optional<Faults> faults_;
  std::array<SecretBytes, 3> values_;
};

TEST_F(SealedOrdersTest, AtRl2WithTokenOnlyTheElementGetsKeysThatNeverLeftTheTokenInTheClear) {
  Deployment world("sealed orders", in_token(true));
  allow_token_keys_only(world);
  DeployedCard& card = world.add_card("phone-1");
  put_keys(world, card.seid);
  deliver_and_look(world, card, with_literals(Deployment::payload_by_certificates()));
  EXPECT_FALSE(must(
      world.keys->channel_keys(card.seid, Deployment::domain_aid(), Deployment::kNewKeyVersion)))
      << "we do not have them ourselves";
}

// SP 800-108 in the token, and no derived key here: where the master key was made for it.
TEST_F(SealedOrdersTest, KeysDerivedFromAMasterKeyThatMayBeWrappedAreSealedInside) {
  Deployment world("sealed orders, derived", in_token(true));
  allow_token_keys_only(world);
  DeployedCard& card = world.add_card("phone-1");
  must(world.keys->create_master_key(
      "wrappable", 32,
      {.uri = token_.uri("wrappable"), .is_made_there = true, .may_be_wrapped = true}));
  EXPECT_TRUE(token_.is_kept_inside("wrappable", CKO_SECRET_KEY));
  // The same derivation, let out for the test to know what to look for.
  const crypto::DerivationKey master = must(world.keys->master_key("wrappable"));
  for (std::size_t i = 0; i < values_.size(); ++i) {
    Bytes context(card.seid.octets.begin(), card.seid.octets.end());
    append(context, Deployment::domain_aid().view());
    context.push_back(Deployment::kNewKeyVersion);
    context.push_back(static_cast<std::uint8_t>(i + 1));
    values_.at(i) = must(master.diversify(ascii("KB1-KDV"), context, 16));
  }
  std::string payload = Deployment::payload_by_certificates();
  for (std::size_t at = payload.find("fleet"); at != std::string::npos;
       at = payload.find("fleet")) {
    payload.replace(at, 5, "wrappable");
  }
  must(check(world, card, payload));
  deliver_and_look(world, card, payload);
}

TEST_F(SealedOrdersTest, SoDoesTheTargetsOwnOs) {
  Deployment world("sealed orders at OS", in_token(false, true));
  allow_token_keys_only(world);
  DeployedCard& card = world.add_card("phone-1");
  put_keys(world, card.seid);
  deliver_and_look(world, card, with_literals(Deployment::payload_for_own_delivery()));
}

// The channel keys of RL1 are in the plaintext, and in records of ours.
TEST_F(SealedOrdersTest,
       AtRl1TokenOnlyRefusesForTheChannelKeysAndWithoutItTheTokenSealsAllTheSame) {
  Deployment world("sealed orders at RL1", in_token(false));
  DeployedCard& card = world.add_card("phone-1");
  put_keys(world, card.seid);
  const std::string payload = with_literals(Deployment::payload_text());
  allow_token_keys_only(world);
  const auto refused = check(world, card, payload);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kPolicy);
  EXPECT_NE(refused.error().text.find("At RL2 and OS"), std::string::npos) << refused.error().text;
  world.policy.token_only = false;
  world.renew_flow();
  deliver_and_look(world, card, payload);
}

// Objects of sessions are among those that are counted here.
TEST_F(SealedOrdersTest, WhatATokenDoesNotDestroyIsSeen) {
  Deployment world("sealed orders, not destroyed", in_token(true));
  const DeployedCard& card = world.add_card("phone-1");
  put_keys(world, card.seid);
  const std::size_t objects = token_.count_objects();
  faults_->fail("C_DestroyObject", CKR_GENERAL_ERROR, {.skipped = 0, .times = -1});
  must(find_token_element_key("k0", *world.keys));
  faults_->clear();
  EXPECT_EQ(token_.count_objects(), objects + 1);
}

TEST_F(SealedOrdersTest, ATokenThatFailsInTheMiddleLeavesTheOrderAsItWasAndNothingBehind) {
  Deployment world("sealed orders that fail", in_token(true));
  allow_token_keys_only(world);
  DeployedCard& card = world.add_card("phone-1");
  put_keys(world, card.seid);
  const delivery::OrderId order =
      world.open_order("order-1", card, with_literals(Deployment::payload_by_certificates())).id;
  const auto request = world.request(order);
  const Bytes answer = must(world.enrol(card, request.message));
  const MemoryJournal::State before = world.journal.state();
  const std::size_t objects = token_.count_objects();
  int failures = 0;
  int lasting = 0;
  struct Fault {
    const char* function;
    CK_RV rv;
    Errc code = Errc::kIo;
  };
  for (const Fault& fault :
       {Fault{"C_DeriveKey", CKR_SESSION_HANDLE_INVALID},
        Fault{"C_DeriveKey", CKR_GENERAL_ERROR, Errc::kNotSupported},
        Fault{"C_DeriveKey", CKR_DEVICE_REMOVED}, Fault{"C_GenerateKeyPair", CKR_DEVICE_ERROR},
        Fault{"C_GetAttributeValue", CKR_DEVICE_REMOVED}, Fault{"C_WrapKey", CKR_DEVICE_ERROR},
        Fault{"C_WrapKey", CKR_KEY_UNEXTRACTABLE, Errc::kNotSupported},
        Fault{"C_SignInit", CKR_SESSION_CLOSED},
        Fault{"C_Sign", CKR_GENERAL_ERROR, Errc::kNotSupported}}) {
    for (int skipped = 0; skipped < 40; ++skipped) {
      world.journal.restore(before);
      world.renew_flow();
      faults_->fail(fault.function, fault.rv, {.skipped = skipped, .times = -1});
      const auto sealing = world.flow->seal(order, request.attempt, answer);
      faults_->clear();
      EXPECT_EQ(token_.count_objects(), objects)
          << fault.function << " " << skipped << ": an object of the session is left";
      if (sealing) {
        break;  // it asks no more often than that
      }
      ++failures;
      // Our own keys, for the answer and the signature, are what every order waits for.
      const bool is_joining =
          sealing.error().text.find("so it seals no envelope inside") != std::string::npos;
      lasting += is_joining ? 1 : 0;
      EXPECT_EQ(sealing.error().code, is_joining ? fault.code : Errc::kIo)
          << fault.function << " " << skipped << ": " << sealing.error().text;
      EXPECT_FALSE(must(world.journal.find_entry(order, request.attempt, JournalStep::kDelivery)));
      EXPECT_FALSE(delivery::is_final(must(world.journal.find_order(order))->state));
    }
  }
  EXPECT_GE(failures, 40) << "each of the faults was met, at each step of the joining";
  EXPECT_GE(lasting, 12) << "and those that last are of the order alone";
  world.journal.restore(before);
  world.renew_flow();
  const Bytes receipt = must(world.relay(card, world.seal(order, request.attempt, answer)));
  EXPECT_EQ(world.judge(order, request.attempt, receipt).verdict.verdict,
            delivery::Verdict::kConfirmed);
}

// A token that is pulled once is found again, and what it does then is whole.
TEST_F(SealedOrdersTest, ASessionThatIsLostInTheMiddleOfJoiningIsMadeGoodByTheSameCall) {
  Deployment world("sealed orders, session lost", in_token(true));
  allow_token_keys_only(world);
  DeployedCard& card = world.add_card("phone-1");
  put_keys(world, card.seid);
  const delivery::OrderId order =
      world.open_order("order-1", card, with_literals(Deployment::payload_by_certificates())).id;
  const auto request = world.request(order);
  const Bytes answer = must(world.enrol(card, request.message));
  const MemoryJournal::State before = world.journal.state();
  for (int skipped = 1; skipped < 14; ++skipped) {
    world.journal.restore(before);
    world.renew_flow();
    faults_->fail("C_DeriveKey", CKR_SESSION_HANDLE_INVALID, {.skipped = skipped, .times = 1});
    const auto sealing = world.flow->seal(order, request.attempt, answer);
    faults_->clear();
    ASSERT_TRUE(sealing.has_value()) << skipped << ": " << sealing.error().text;
  }
  const auto sealed =
      *must(world.journal.find_entry(order, request.attempt, JournalStep::kDelivery));
  const Bytes receipt = must(world.relay(card, sealed.message));
  EXPECT_EQ(world.judge(order, request.attempt, receipt).verdict.verdict,
            delivery::Verdict::kConfirmed);
}

TEST_F(SealedOrdersTest, RefusesWhatCannotBeSealedInsideBeforeAnythingIsDone) {
  Deployment world("sealed orders refused", in_token(true));
  allow_token_keys_only(world);
  DeployedCard& card = world.add_card("phone-1");
  DeployedCard& other = world.add_card("phone-2");
  put_keys(world, card.seid);
  const std::string good = with_literals(Deployment::payload_by_certificates());
  must(check(world, card, good));
  const auto refusal = [&](DeployedCard& to, const std::string& text, Errc code) {
    const auto refused = check(world, to, text);
    EXPECT_FALSE(refused.has_value()) << text;
    EXPECT_EQ(refused ? Errc::kStore : refused.error().code, code);
    return refused ? std::string() : refused.error().text;
  };
  EXPECT_NE(refusal(other, good, Errc::kPolicy).find(card.seid.hex()), std::string::npos)
      << "another element's";
  EXPECT_NE(refusal(card, Deployment::payload_by_certificates(), Errc::kNotSupported)
                .find("CKM_SP800_108_COUNTER_KDF with CKA_EXTRACTABLE"),
            std::string::npos)
      << "a master key that may not be wrapped";
  std::string random = good;
  random.replace(random.find(R"({"literal":"k1"})"), 16, R"({"random":16})");
  EXPECT_NE(refusal(card, random, Errc::kPolicy).find("policy.token_only"), std::string::npos);
  world.policy.token_only = false;
  world.renew_flow();
  const std::string stored = fmt::format(
      R"({{"target":"{}","channel":{{"key_version":"30","agreement_key_version":"03"}},"actions":[)"
      R"({{"store_data":{{"under_key_dek":true,"groups":[{{"dgi":"8020","key":{{"literal":"k0"}}}}]}}}}]}})",
      Deployment::domain_aid().hex());
  const auto parsed = must(provider::PayloadFile::parse(stored));
  EXPECT_NE(refusal(card, stored, Errc::kNotSupported).find("into a put_key alone"),
            std::string::npos);
  const auto opened = world.flow->open({.id = must(delivery::OrderId::from("stored")),
                                        .device = card.device,
                                        .payload = parsed,
                                        .csv = world.csv,
                                        .validity_minutes = Deployment::kValidityMinutes});
  ASSERT_FALSE(opened.has_value());
  EXPECT_NE(opened.error().text.find("into a put_key alone"), std::string::npos)
      << opened.error().text;
  EXPECT_FALSE(must(world.journal.find_order(must(delivery::OrderId::from("stored")))));
}

TEST_F(SealedOrdersTest, AKeyServesOneElementAndOneNameAndIsTheOneThatWasPutToUse) {
  Deployment world("sealed orders, one key", in_token(true));
  const DeployedCard& card = world.add_card("phone-1");
  const DeployedCard& other = world.add_card("phone-2");
  const auto plan = [&](const char* name, const char* object, const Seid& seid) {
    return provider::TokenElementKeyPlan{
        .name = name,
        .place = {.uri = token_.uri(object), .is_made_there = true},
        .binding = {.seid = seid, .target = Deployment::domain_aid(), .slot = {}}};
  };
  const auto made = must(create_token_element_key(plan("k", "k", card.seid), 32, *world.keys));
  EXPECT_EQ(made.key.size_bytes, 32U);
  // Its name is taken, here and in the token; nothing is made then.
  EXPECT_EQ(create_token_element_key(plan("k", "k2", card.seid), 32, *world.keys).error().code,
            Errc::kConflict);
  EXPECT_EQ(create_token_element_key(plan("k2", "k", card.seid), 32, *world.keys).error().code,
            Errc::kConflict);
  EXPECT_EQ(tokens_.check_value({.uri = token_.uri("k2"), .size_bytes = 32}).error().code,
            Errc::kNotFound);
  EXPECT_EQ(
      world.keys->add_literal_key("k", must(crypto::random_secret(world.rng, 16))).error().code,
      Errc::kConflict);
  // The same key under another name for another element, and with another length than it has.
  auto again = plan("again", "k", other.seid);
  again.place.is_made_there = false;
  EXPECT_EQ(create_token_element_key(again, 32, *world.keys).error().code, Errc::kPolicy);
  again.binding.seid = card.seid;
  EXPECT_EQ(create_token_element_key(again, 16, *world.keys).error().code, Errc::kLength);
  // Exchanged in the token.
  must(tokens_.erase(token_.uri("k")));
  EXPECT_EQ(find_token_element_key("k", *world.keys).error().code, Errc::kNotFound);
  must(tokens_.generate_wrap_only_key(token_.uri("k"), 32));
  EXPECT_EQ(find_token_element_key("k", *world.keys).error().code, Errc::kUntrusted);
}

// Suite 20 with RL4, and RL2: what the domain opens under it later we have to seal under it.
TEST_F(SealedOrdersTest, AStaticKeyDekStaysInNoToken) {
  Deployment world("sealed orders, static DEK", in_token(true));
  DeployedCard& card = world.add_card("phone-1");
  put_keys(world, card.seid);
  const auto put = [](std::string_view first, std::string_view source) {
    return fmt::format(
        R"({{"target":"{}","channel":{{"key_version":"30","agreement_key_version":"03"}},"actions":[)"
        R"({{"put_key":{{"key_version":"03","key_identifier":"{}","keys":[{}]}}}}]}})",
        Deployment::domain_aid().hex(), first, source);
  };
  const std::string held = R"({"literal":"k0"})";
  const auto refused = check(world, card, put("12", held));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kNotSupported) << refused.error().text;
  EXPECT_NE(refused.error().text.find("static Key-DEK"), std::string::npos);
  const auto second = check(world, card, put("11", R"({"literal":"k1"},)" + held));
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().text.find("static Key-DEK"), std::string::npos) << second.error().text;
  must(check(world, card, put("13", held)));
  allow_token_keys_only(world);
  const auto derived = check(world, card, put("12", R"({"derive":{"master":"fleet","size":16}})"));
  ASSERT_FALSE(derived.has_value());
  EXPECT_NE(derived.error().text.find("static Key-DEK"), std::string::npos) << derived.error().text;
}

// Nobody sees afterwards which keys go out at RL1.
TEST_F(SealedOrdersTest, AKeyThatIsPutIntoATokenOpensNoChannelAtRl3AndTheOtherWayRound) {
  Deployment world("sealed orders, exclusive", in_token(false));
  DeployedCard& card = world.add_card("phone-1");
  put_keys(world, card.seid);
  provider::ExclusiveKeys exclusive(world.journal, *world.keys);
  const provider::DomainKeyName name{
      .seid = card.seid, .security_domain = Deployment::domain_aid(), .key_version = 0x31};
  must(exclusive.note(name, key_set()));
  EXPECT_FALSE(must(exclusive.is_exclusive(name, key_set())));

  std::array<SecretBytes, 3> others;
  for (SecretBytes& value : others) {
    value = must(crypto::random_secret(world.rng, 16));
  }
  const provider::ChannelKeySet set{
      .enc = others[0].duplicate(), .mac = others[1].duplicate(), .dek = others[2].duplicate()};
  must(exclusive.note(name, set));
  ASSERT_TRUE(must(exclusive.is_exclusive(name, set)));
  const auto refused = put_token_element_key(
      {.name = "late",
       .place = {.uri = token_.uri("late")},
       .binding = {.seid = card.seid, .target = Deployment::domain_aid(), .slot = {}}},
      others[1], *world.keys);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kPolicy) << refused.error().text;
  EXPECT_TRUE(must(exclusive.is_exclusive(name, set))) << "it is as it was";
  EXPECT_EQ(tokens_.check_value({.uri = token_.uri("late")}).error().code, Errc::kNotFound)
      << "it is in the token";
}

}  // namespace
}  // namespace kagibin::test
