// SPDX-License-Identifier: Apache-2.0
// Whole deliveries through the real element: what arrives, what the receipt says, what it costs.
#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/kda/commands.h"
#include "kagibin/se/applications/built_in_applications.h"
#include "kagibin/se/kda/kda_test_bench.h"

namespace kagibin::se {
namespace {

namespace sw = apdu::sw;
using Results = std::vector<int>;

envelope::Payload payload(const KdaBench& bench, auto... action) {
  std::vector<envelope::Action> actions;
  (actions.emplace_back(std::move(action)), ...);
  return bench.payload_of(std::move(actions));
}

SecretBytes data_group(std::uint16_t id, const SecretBytes& value) {
  const std::array<std::uint8_t, 3> head{static_cast<std::uint8_t>(id >> 8U),
                                         static_cast<std::uint8_t>(id & 0xFFU),
                                         static_cast<std::uint8_t>(value.size())};
  Bytes out(head.begin(), head.end());
  append(out, value.expose());
  return SecretBytes::copy_of(out);
}

envelope::CommandAction set_digital_key(std::uint8_t slot, std::uint8_t seed) {
  const SecretBytes key = key_octets(seed);
  Bytes data(key.expose().begin(), key.expose().end());
  const auto kcv = crypto::aes_kcv(key.expose()).value();
  append(data, kcv);
  Bytes probe{0x80, 0x54, slot, 0x00, 0x03};
  append(probe, kcv);
  return {.header = {0x80, 0x52, slot, 0x00}, .data = SecretBytes::copy_of(data), .probe = probe};
}

TEST(KdaDelivery, AddsAKeySetAndProvesItByRmac) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.add_keys(0x31));
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  EXPECT_TRUE(bench.target_holds(0x31, 0x60));
  EXPECT_TRUE(bench.target_holds(0x20, 0x20));
  const ReadReceipt receipt = bench.receipt(delivery);
  EXPECT_EQ(receipt.results(), Results{0x00});
  EXPECT_TRUE(receipt.opened.mac_valid);
  EXPECT_EQ(receipt.receipt.seq, 1U);
  EXPECT_EQ(receipt.receipt.level, 0x01);
  EXPECT_EQ(bench.status(delivery.handle()).state, kda::State::kDone);
}

TEST(KdaDelivery, ReplacesTheChannelsOwnKeySet) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.replace_keys(0x20, 0x20));
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  EXPECT_TRUE(bench.target_holds(0x20, 0x60));
  EXPECT_FALSE(bench.target_holds(0x20, 0x20));
}

TEST(KdaDelivery, MovesTheChannelsKeySetToAnotherVersion) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.replace_keys(0x20, 0x32));
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  EXPECT_TRUE(bench.target_holds(0x32, 0x60));
  EXPECT_FALSE(bench.target_holds(0x20, 0x20));
}

TEST(KdaDelivery, AddsItsOwnSetAndDeletesTheIssuersInOneSession) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  bench.seal(delivery, payload(bench, KdaBench::put_key(0, 0x31, 0x60),
                               envelope::DeleteKeyAction{.key_version = 0x20}));
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), (Results{0x00, 0x00}));
  EXPECT_TRUE(bench.target_holds(0x31, 0x60));
  EXPECT_FALSE(bench.target_holds(0x20, 0x20));
}

TEST(KdaDelivery, PersonalisesAnApplicationThroughItsDomain) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  envelope::StoreDataAction action{.application = payment_credential_module(),
                                   .under_key_dek = true,
                                   .data = data_group(0x8020, key_octets(0x70)),
                                   .probe = {}};
  bench.seal(delivery, payload(bench, std::move(action)));
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x00});
  EXPECT_TRUE(bench.authenticates(payment_credential_module(), 0x00, 0x70));
}

TEST(KdaDelivery, SetsAKeyByAnApplicationsOwnCommand) {
  KdaBench bench;
  Delivery delivery = bench.enrol({.target = digital_key_module()});
  bench.seal(delivery, payload(bench, set_digital_key(3, 0x71)));
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x00});
  EXPECT_TRUE(bench.authenticates(digital_key_module(), 3, 0x71));
}

TEST(KdaDelivery, CarriesOutSeveralActionsInOrder) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  envelope::StoreDataAction store{.application = payment_credential_module(),
                                  .under_key_dek = true,
                                  .data = data_group(0x8020, key_octets(0x70)),
                                  .probe = {}};
  bench.seal(delivery, payload(bench, KdaBench::put_key(0, 0x31, 0x60), std::move(store),
                               KdaBench::put_key(0, 0x32, 0x68, 32),
                               envelope::DeleteKeyAction{.key_version = 0x20}));
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), (Results{0, 0, 0, 0}));
  EXPECT_TRUE(bench.target_holds(0x31, 0x60));
  EXPECT_FALSE(bench.target_holds(0x20, 0x20));
  EXPECT_TRUE(bench.authenticates(payment_credential_module(), 0x00, 0x70));
}

class EveryParameter : public testing::TestWithParam<std::uint8_t> {};

TEST_P(EveryParameter, DeliversAtTheHighestLevelThatItAllows) {
  for (const std::size_t size : {16U, 24U, 32U}) {
    KdaBench bench({.i = GetParam(), .key_size = size});
    Delivery delivery = bench.enrol();
    bench.seal(delivery, bench.add_keys(0x31));
    ASSERT_EQ(bench.run(delivery), Outcome::kDone);
    EXPECT_TRUE(bench.target_holds(0x31, 0x60));
    const bool has_rmac = (GetParam() & 0x20U) != 0;
    EXPECT_EQ(bench.receipt(delivery).results(), Results{has_rmac ? 0x00 : 0x01});
  }
}

INSTANTIATE_TEST_SUITE_P(
    KdaDelivery,
    EveryParameter,
    testing::Values(0x00, 0x10, 0x20, 0x30, 0x60, 0x70, 0x01, 0x11, 0x21, 0x31, 0x61, 0x71));

TEST(KdaDelivery, WithoutRmacReplacesInPlaceByTheCardCryptogram) {
  KdaBench bench({.i = 0x00});
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.replace_keys(0x20, 0x20));
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x01});
  EXPECT_TRUE(bench.target_holds(0x20, 0x60));
}

TEST(KdaDelivery, WithoutRmacRefusesWhatNoCryptogramProves) {
  KdaBench bench({.i = 0x00});
  Delivery delivery = bench.enrol();
  bench.seal(delivery, payload(bench, KdaBench::put_key(0, 0x31, 0x60),
                               envelope::DeleteKeyAction{.key_version = 0x20}));
  EXPECT_EQ(bench.run(delivery), Outcome::kWait);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x05});
  EXPECT_FALSE(bench.target_holds(0x31, 0x60));
}

TEST(KdaDelivery, ARequiredParameterThatTheTargetLacksLetsNoKeyLeave) {
  for (const std::uint8_t mask : std::array<std::uint8_t, 3>{0x40, 0x41, 0x08}) {
    KdaBench bench({.i = 0x20});
    Delivery delivery = bench.enrol();
    envelope::EnvelopeHeader header = bench.header(delivery);
    header.required_i_mask = mask;
    bench.seal(delivery, header, bench.add_keys(0x31));
    EXPECT_EQ(bench.run(delivery), Outcome::kWait);
    EXPECT_EQ(bench.receipt(delivery).results(), Results{0x05});
    EXPECT_EQ(bench.status(delivery.handle()).sessions_left, 3);
  }
}

TEST(KdaDelivery, TheMaskMayForbidAPseudoRandomChallenge) {
  KdaBench bench({.i = 0x70});
  Delivery delivery = bench.enrol();
  envelope::EnvelopeHeader header = bench.header(delivery);
  header.required_i_mask = 0x80;
  bench.seal(delivery, header, bench.add_keys(0x31));
  EXPECT_EQ(bench.run(delivery), Outcome::kWait);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x05});
}

TEST(KdaDelivery, TheNextEnrolmentTellsWhatWasCommitted) {
  KdaBench bench;
  Delivery first = bench.enrol();
  EXPECT_EQ(first.statement.last_committed_seq, 0U);
  EXPECT_EQ(first.statement.highest_key_version, 0x00);
  EXPECT_EQ(first.statement.enrolment_counter, 1U);
  EXPECT_EQ(first.statement.level_bitmap, 0x05);
  EXPECT_EQ(first.statement.seid, bench.seid);
  EXPECT_TRUE(envelope::verify_statement(first.statement, bench.kda_certificate->key()));
  bench.next_seq = 7;
  bench.seal(first, bench.add_keys(0x31));
  ASSERT_EQ(bench.run(first), Outcome::kDone);
  const Delivery second = bench.enrol();
  EXPECT_EQ(second.statement.last_committed_seq, 7U);
  EXPECT_EQ(second.statement.highest_key_version, 0x31);
  EXPECT_EQ(second.statement.enrolment_counter, 2U);
}

TEST(KdaDelivery, ReceiptCountersRise) {
  KdaBench bench;
  std::uint32_t last = 0;
  for (bench.next_seq = 1; bench.next_seq <= 3; ++bench.next_seq) {
    Delivery delivery = bench.enrol();
    bench.seal(delivery, bench.add_keys(static_cast<std::uint8_t>(0x30 + bench.next_seq)));
    ASSERT_EQ(bench.run(delivery), Outcome::kDone);
    const std::uint32_t counter = bench.receipt(delivery).opened.kda_counter;
    EXPECT_GT(counter, last);
    last = counter;
  }
}

TEST(KdaDelivery, AReceiptStaysUntilItIsAcknowledged) {
  KdaBench bench;
  Delivery first = bench.enrol();
  bench.seal(first, bench.add_keys(0x31));
  ASSERT_EQ(bench.run(first), Outcome::kDone);
  const Bytes e3 = bench.raw_receipt(first.handle())->data;
  const Delivery second = bench.enrol();
  EXPECT_EQ(bench.status(first.handle()).state, kda::State::kSuperseded);
  EXPECT_EQ(bench.raw_receipt(first.handle())->data, e3);
  EXPECT_EQ(bench.pump(first.handle()), Outcome::kDone);
  bench.restart();
  EXPECT_EQ(bench.raw_receipt(first.handle())->data, e3);
  bench.enrol({.acknowledge = crypto::sha256(e3)});
  EXPECT_EQ(bench.raw_receipt(first.handle())->sw, sw::kReferencedDataNotFound);
  EXPECT_EQ(bench.kda(kda::status(first.handle()))->sw, sw::kReferencedDataNotFound);
}

TEST(KdaDelivery, OneActionTakesFewWritesAndFewExchanges) {
  KdaBench bench;
  const auto& nvm = bench.element->nvm();
  const std::uint64_t before = nvm.writes();
  Delivery delivery = bench.enrol();
  const std::uint64_t enrolled = nvm.writes();
  bench.seal(delivery, bench.add_keys(0x31));
  ASSERT_LE(delivery.envelope.size(), 512U);
  bench.kda_exchanges = bench.target_exchanges = bench.octets = 0;
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  ASSERT_TRUE(bench.raw_receipt(delivery.handle()).has_value());
  const std::uint64_t delivered = nvm.writes();
  // One of them is the target's own PUT KEY.
  EXPECT_EQ(enrolled - before, 1U);
  EXPECT_EQ(delivered - enrolled, 4U);
  EXPECT_LE(delivered - before, 10U);
  const std::size_t exchanges = bench.kda_exchanges + bench.target_exchanges;
  EXPECT_LE(exchanges, 13U);
  EXPECT_LE(bench.octets, 2'048U);
  RecordProperty("nvm_transactions", static_cast<int>(delivered - before - 1));
  RecordProperty("apdus_after_enrolment", static_cast<int>(exchanges));
  RecordProperty("octets_after_enrolment", static_cast<int>(bench.octets));
  std::cout << "a delivery: " << delivered - before - 1 << " NVM transactions of the KDA, "
            << exchanges << " APDUs and " << bench.octets << " octets after enrolment, envelope "
            << delivery.envelope.size() << " octets\n";
}

TEST(KdaDelivery, ASecondActionTakesAtMostTwoWritesMore) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  bench.seal(delivery,
             payload(bench, KdaBench::put_key(0, 0x31, 0x60), KdaBench::put_key(0, 0x32, 0x68)));
  const std::uint64_t before = bench.element->nvm().writes();
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  EXPECT_EQ(bench.element->nvm().writes() - before, 6U);  // 2 of them the target's
}

TEST(KdaDelivery, TwoProvidersAndTwoTargetsDoNotMeet) {
  KdaBench bench;
  Delivery mine = bench.enrol();
  Delivery theirs = bench.enrol({.other_provider = true});
  EXPECT_NE(mine.handle(), theirs.handle());
  EXPECT_EQ(theirs.statement.last_committed_seq, 0U);
  bench.seal(mine, bench.add_keys(0x31));
  bench.seal(theirs, bench.add_keys(0x32, 0x68));
  ASSERT_EQ(bench.run(mine), Outcome::kDone);
  ASSERT_EQ(bench.run(theirs), Outcome::kDone);
  EXPECT_EQ(bench.receipt(mine).results(), Results{0x00});
  EXPECT_EQ(bench.receipt(theirs).results(), Results{0x00});
}

TEST(KdaDelivery, AnotherHandlesNextDropsTheOpenSession) {
  KdaBench bench;
  Delivery mine = bench.enrol();
  Delivery theirs = bench.enrol({.other_provider = true});
  bench.seal(mine, bench.add_keys(0x31));
  bench.seal(theirs, bench.add_keys(0x32, 0x68));
  ASSERT_EQ(bench.load(mine), sw::kOk);
  ASSERT_EQ(bench.load(theirs), sw::kOk);
  kda::Pump pump(mine.handle());
  const auto first = bench.kda(pump.start().command);
  ASSERT_TRUE(first && sw::is_ok(first->sw));
  ASSERT_EQ(bench.pump(theirs.handle()), Outcome::kDone);
  ASSERT_EQ(bench.pump(mine.handle()), Outcome::kDone);
  EXPECT_EQ(bench.receipt(mine).results(), Results{0x00});
}

}  // namespace
}  // namespace kagibin::se
