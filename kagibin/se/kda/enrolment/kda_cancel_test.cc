// SPDX-License-Identifier: Apache-2.0
// CANCEL: what it ends, what it says, and which attempt it means.
#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/kda/commands.h"
#include "kagibin/se/kda/kda_test_bench.h"

namespace kagibin::se {
namespace {

namespace sw = apdu::sw;
using Results = std::vector<int>;

TEST(KdaCancel, BeforeTheEnvelopeItSaysSoWithoutAMac) {
  KdaBench bench;
  const Delivery delivery = bench.enrol();
  ASSERT_EQ(bench.kda_sw(kda::cancel(bench.cancellation(delivery).request)), sw::kOk);
  const ReadReceipt receipt = bench.receipt(delivery);
  EXPECT_EQ(receipt.results(), Results{0x06});
  EXPECT_EQ(receipt.receipt.seq, 0U);
  EXPECT_FALSE(receipt.receipt.mac.has_value());
  EXPECT_EQ(bench.status(delivery.handle()).state, kda::State::kCancelled);
}

TEST(KdaCancel, AfterLoadItWipesTheEnvelopeAndSaysSoUnderTheReceiptKey) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.add_keys(0x31));
  ASSERT_EQ(bench.load(delivery), sw::kOk);
  const Delivery cancellation = bench.cancellation(delivery);
  ASSERT_EQ(bench.kda_sw(kda::cancel(cancellation.request)), sw::kOk);
  EXPECT_EQ(bench.kda_sw(kda::cancel(cancellation.request)), sw::kOk);  // its answer was lost
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x06});
  EXPECT_TRUE(bench.receipt(delivery).opened.mac_valid);
  EXPECT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_FALSE(bench.target_holds(0x31, 0x60));
  EXPECT_EQ(bench.load(delivery), sw::kConditionsNotSatisfied);
  for (const std::string& name : bench.element->nvm().names("app/")) {
    EXPECT_EQ(name.find("/envelope/"), std::string::npos) << name;
    EXPECT_EQ(name.find("/key/"), std::string::npos) << name;
  }
}

TEST(KdaCancel, IsRefusedForADoneDeliveryAReplayAndAForeigner) {
  KdaBench bench;
  const Delivery none = bench.request({.cancel = true});
  EXPECT_EQ(bench.kda_sw(kda::cancel(none.request)), sw::kReferencedDataNotFound);
  Delivery delivery = bench.enrol();
  const Delivery early = bench.cancellation(delivery);
  ASSERT_EQ(bench.kda_sw(kda::cancel(early.request)), sw::kOk);
  delivery = bench.enrol();
  EXPECT_EQ(bench.kda_sw(kda::cancel(early.request)), sw::kConditionsNotSatisfied);
  const envelope::Point attempt = delivery.kem_key->public_key().point();
  const auto cancel = [&](KdaBench::RequestOptions chosen) {
    chosen.cancel = true;
    chosen.kem_key = attempt;
    return bench.kda_sw(kda::cancel(bench.request(chosen).request));
  };
  EXPECT_EQ(cancel({.self_signed = true}), sw::kSecurityStatusNotSatisfied);
  EXPECT_EQ(cancel({.other_provider = true}), sw::kReferencedDataNotFound);
  bench.seal(delivery, bench.add_keys(0x31));
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  EXPECT_EQ(bench.kda_sw(kda::cancel(bench.cancellation(delivery).request)),
            sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x00});
}

TEST(KdaCancel, OneThatWasHeldBackDoesNotEndALaterAttempt) {
  KdaBench bench;
  const Delivery old = bench.enrol();
  const Bytes held_back = bench.cancellation(old).request;
  Delivery delivery = bench.enrol();
  const auto is_refused = [&] {
    const std::uint64_t before = bench.element->nvm().writes();
    EXPECT_EQ(bench.kda_sw(kda::cancel(held_back)), sw::kConditionsNotSatisfied);
    EXPECT_EQ(bench.element->nvm().writes(), before);
  };
  is_refused();  // ENROLLED
  bench.seal(delivery, bench.add_keys(0x31));
  ASSERT_EQ(bench.load(delivery), sw::kOk);
  is_refused();  // LOADED
  bool has_put = false;
  bench.tamper = [&](const apdu::CommandApdu& command, apdu::ResponseApdu answer) {
    has_put = has_put || command.ins == apdu::ins::kPutKey;
    return has_put ? apdu::ResponseApdu{{}, StatusWord{0x6F00}} : answer;
  };
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kWait);
  is_refused();  // SENT
  bench.tamper = {};
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{0x01});
}

TEST(KdaCancel, OneThatNamesNoAttemptOfTheSlotIsRefused) {
  KdaBench bench;
  const Delivery delivery = bench.enrol();
  EXPECT_EQ(bench.kda_sw(kda::cancel(bench.request({.cancel = true}).request)),
            sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.status(delivery.handle()).state, kda::State::kEnrolled);
  EXPECT_EQ(bench.kda_sw(kda::cancel(bench.cancellation(delivery).request)), sw::kOk);
}

}  // namespace
}  // namespace kagibin::se
