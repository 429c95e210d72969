// SPDX-License-Identifier: Apache-2.0
// Orders of a provider whose keys are in a token: delivered as others are, and left as they are
// while the token does not answer.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "kagibin/delivery/journal_store.h"
#include "kagibin/roles/service_provider/order_records.h"

#include "tests/support/must.h"
#include "tests/token/keys_in_token.h"

namespace kagibin::test {
namespace {

using delivery::JournalStep;

using OrdersInTokenTest = KeysInTokenTest;

TEST_F(OrdersInTokenTest, ADeliveryIsConfirmedAndTheJournalHoldsNoKemKey) {
  Deployment world("orders in token", in_token());
  DeployedCard& card = world.add_card("phone-1");
  const delivery::OrderId order = world.open_order("order-1", card).id;
  const auto request = world.request(order);
  const Bytes envelope =
      world.seal(order, request.attempt, must(world.enrol(card, request.message)));
  const Bytes receipt = must(world.relay(card, envelope));
  const MemoryJournal::State before = world.journal.state();
  EXPECT_EQ(world.judge(order, request.attempt, receipt).verdict.verdict,
            delivery::Verdict::kConfirmed);
  const auto attempt = *must(world.journal.find_attempt(order, 1));
  const SecretBytes record = must(
      world.keys->unseal(roles::service_provider::kem_label(order, 1), attempt.sealed_kem_key));
  ASSERT_TRUE(crypto::is_place_in_token(record.expose()));
  EXPECT_TRUE(must(world.keys->erase_kem_key_in_token(record.expose())));
  world.journal.restore(before);
  world.renew_flow();
  EXPECT_EQ(world.flow->judge(order, request.attempt, receipt).error().code, Errc::kNotFound)
      << "without its KEM key nothing is said of a receipt";
}

TEST_F(OrdersInTokenTest, KemKeysAreMadeInMemoryAgainAndThoseInTheTokenStillOpen) {
  Deployment world("way back", in_token());
  DeployedCard& card = world.add_card("phone-1");
  const delivery::OrderId order = world.open_order("order-1", card).id;
  const auto request = world.request(order);
  must(world.keys->keep_kem_keys_in_memory());
  must(world.keys->keep_kem_keys_in_memory());
  EXPECT_FALSE(world.keys->makes_kem_keys_in_token());
  const Bytes envelope =
      world.seal(order, request.attempt, must(world.enrol(card, request.message)));
  EXPECT_EQ(world.judge(order, request.attempt, must(world.relay(card, envelope))).verdict.verdict,
            delivery::Verdict::kConfirmed);
  EXPECT_EQ(must(world.keys->make_kem_key(order, 2, 0)).record.size(), crypto::kEcScalarSize);
}

struct Fault {
  const char* function;
  CK_RV rv;
};

// The answer is opened and the envelope signed in the token: each of its answers fails in its turn,
// and all after it.
TEST_F(OrdersInTokenTest, ATokenThatVanishesWhileAnEnvelopeIsSealedLeavesTheOrderAsItWas) {
  Deployment world("vanishing token", in_token());
  DeployedCard& card = world.add_card("phone-1");
  const delivery::OrderId order = world.open_order("order-1", card).id;
  const auto request = world.request(order);
  const Bytes answer = must(world.enrol(card, request.message));
  const MemoryJournal::State before = world.journal.state();
  int failures = 0;
  for (const Fault& fault :
       {Fault{"no slots", CKR_TOKEN_NOT_PRESENT}, Fault{"C_FindObjectsInit", CKR_DEVICE_REMOVED},
        Fault{"C_DeriveKey", CKR_DEVICE_ERROR}, Fault{"C_GetAttributeValue", CKR_DEVICE_REMOVED},
        Fault{"C_SignInit", CKR_SESSION_HANDLE_INVALID}, Fault{"C_Sign", CKR_GENERAL_ERROR},
        Fault{"C_Sign", CKR_FUNCTION_FAILED}, Fault{"C_Login", CKR_DEVICE_REMOVED}}) {
    for (int skipped = 0; skipped < 40; ++skipped) {
      world.journal.restore(before);
      world.renew_flow();
      faults_->close_sessions();
      faults_->fail(fault.function, fault.rv, {.skipped = skipped, .times = -1});
      const auto sealing = world.flow->seal(order, request.attempt, answer);
      faults_->clear();
      if (sealing) {
        break;  // it asks no more often than that
      }
      ++failures;
      EXPECT_EQ(sealing.error().code, Errc::kIo)
          << fault.function << " " << skipped << ": " << sealing.error().text;
      EXPECT_FALSE(must(world.journal.find_entry(order, request.attempt, JournalStep::kDelivery)));
      const auto kept = *must(world.journal.find_order(order));
      EXPECT_FALSE(delivery::is_final(kept.state)) << fault.function << " " << skipped;
    }
  }
  EXPECT_GE(failures, 8) << "each of the faults was met";
  // The token is back: the same order goes on, with the same attempt.
  world.journal.restore(before);
  const Bytes envelope = world.seal(order, request.attempt, answer);
  const Bytes receipt = must(world.relay(card, envelope));
  EXPECT_EQ(world.judge(order, request.attempt, receipt).verdict.verdict,
            delivery::Verdict::kConfirmed);
}

TEST_F(OrdersInTokenTest, AWrongSignatureOfTheTokenNeverLeavesAndRefusesNoOrder) {
  Deployment world("lying token", in_token());
  DeployedCard& card = world.add_card("phone-1");
  const delivery::OrderId order = world.open_order("order-1", card).id;
  const auto request = world.request(order);
  const Bytes answer = must(world.enrol(card, request.message));
  faults_->spoil_signatures();
  const auto sealing = world.flow->seal(order, request.attempt, answer);
  ASSERT_FALSE(sealing.has_value());
  EXPECT_EQ(sealing.error().code, Errc::kCrypto) << sealing.error().text;
  EXPECT_FALSE(must(world.journal.find_entry(order, request.attempt, JournalStep::kDelivery)));
  faults_->clear();
  must(world.relay(card, world.seal(order, request.attempt, answer)));
}

TEST_F(OrdersInTokenTest, NoOrderIsOpenedWhileTheMasterKeyCannotBeUsed) {
  Deployment world("no master key", in_token());
  DeployedCard& card = world.add_card("phone-1");
  faults_->close_sessions();
  faults_->remove_token({.skipped = 0, .times = -1});
  const auto payload =
      must(roles::service_provider::PayloadFile::parse(Deployment::payload_text()));
  const auto refused = world.flow->check(payload, world.csv, std::span(&card.device, 1),
                                         Deployment::kValidityMinutes, {});
  faults_->clear();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kIo) << refused.error().text;
  EXPECT_NE(refused.error().text.find("CKR_TOKEN_NOT_PRESENT"), std::string::npos)
      << refused.error().text;
}

TEST_F(OrdersInTokenTest, TokenOnlyNamesWhatIsNotInAToken) {
  Deployment world("token only", in_token());
  world.policy.token_only = true;
  world.renew_flow();
  DeployedCard& card = world.add_card("phone-1");
  const auto check = [&](const std::string& text) {
    const auto payload = must(roles::service_provider::PayloadFile::parse(text));
    return world.flow->check(payload, world.csv, std::span(&card.device, 1),
                             Deployment::kValidityMinutes, {});
  };
  const auto refused = check(Deployment::payload_text());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kPolicy);
  EXPECT_NE(refused.error().text.find("policy.token_only"), std::string::npos);

  Deployment in_memory("token only, keys in memory");
  in_memory.policy.token_only = true;
  in_memory.renew_flow();
  DeployedCard& other = in_memory.add_card("phone-1");
  const auto payload =
      must(roles::service_provider::PayloadFile::parse(Deployment::payload_text()));
  const auto earlier = in_memory.flow->check(payload, in_memory.csv, std::span(&other.device, 1),
                                             Deployment::kValidityMinutes, {});
  ASSERT_FALSE(earlier.has_value());
  EXPECT_NE(earlier.error().text.find("our signing key is an encrypted record"), std::string::npos)
      << earlier.error().text;
}

}  // namespace
}  // namespace kagibin::test
