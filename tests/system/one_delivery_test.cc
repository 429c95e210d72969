// SPDX-License-Identifier: Apache-2.0
// The paper, steps 1 to 5, in one process: a service provider's key goes into a security domain
// over operators that only ever see E0, E2, E3 and E4.
#include <gtest/gtest.h>

#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::test {
namespace {

using delivery::Verdict;

// Writes down what goes over the link.
class RecordingLink final : public apdu::CardLink {
 public:
  RecordingLink(apdu::CardLink& card, Bytes& out) : card_(card), out_(out) {}
  Result<Bytes> transmit(ByteView command) override {
    append(out_, command);
    Bytes answer = KB_TRY(card_.transmit(command));
    append(out_, answer);
    return answer;
  }

 private:
  apdu::CardLink& card_;
  Bytes& out_;
};

TEST(OneDeliveryTest, TheKeyArrivesAndTheIssuersKeySetIsRefusedAfterwards) {
  Deployment world("one delivery");
  DeployedCard& card = world.add_card("phone-1");
  const auto old_keys = Deployment::channel_keys(card.domain_keys);
  ASSERT_TRUE(world.opens_with(card, Deployment::kDomainKeyVersion, old_keys));

  const auto order = world.open_order("order-1", card);
  const auto judgement = world.deliver(card, order.id);
  EXPECT_EQ(judgement.verdict.verdict, Verdict::kConfirmed) << judgement.verdict.reason;

  const auto new_keys = must(
      world.keys->channel_keys(card.seid, Deployment::domain_aid(), Deployment::kNewKeyVersion));
  ASSERT_TRUE(new_keys);
  EXPECT_TRUE(world.opens_with(card, Deployment::kNewKeyVersion, *new_keys));
  EXPECT_FALSE(world.opens_with(card, Deployment::kDomainKeyVersion, old_keys));
  EXPECT_FALSE(world.opens_with(card, Deployment::kNewKeyVersion, old_keys));
}

// Every message and every APDU of a delivery, in order.
Bytes transcript(std::string_view seed) {
  Deployment world(seed);
  DeployedCard& card = world.add_card("phone-1");
  Bytes out;
  RecordingLink recorder(*card.element, out);
  card.middle = &recorder;
  const auto order = world.open_order("order-1", card);
  const auto e0 = world.request(order.id);
  const Bytes e4 = must(world.enrol(card, e0.message));
  const Bytes e2 = world.seal(order.id, e0.attempt, e4);
  const Bytes e3 = must(world.relay(card, e2));
  EXPECT_EQ(world.judge(order.id, e0.attempt, e3).verdict.verdict, Verdict::kConfirmed);
  for (const Bytes* message : {&e0.message, &e4, &e2, &e3}) {
    append(out, *message);
  }
  return out;
}

TEST(OneDeliveryTest, TheSameSeedGivesTheSameOctetsAndAnotherSeedOthers) {
  const Bytes first = transcript("a seed");
  EXPECT_EQ(first, transcript("a seed"));
  EXPECT_NE(first, transcript("another seed"));
}

TEST(OneDeliveryTest, RekeyingGoesOnFromTheKeysThatWereDelivered) {
  Deployment world("re-key");
  DeployedCard& card = world.add_card("phone-1");
  ASSERT_EQ(world.deliver(card, world.open_order("first", card).id).verdict.verdict,
            Verdict::kConfirmed);
  // The next order opens the channel with the set that the first one delivered, and replaces it.
  const std::string payload =
      R"({"target":"A00000015153504B01","channel":{"key_version":"31"},"actions":[{"put_key":{)"
      R"("replace":"31","key_version":"31","key_identifier":"01","keys":[{"random":16},)"
      R"({"random":16},{"random":16}]}}]})";
  const auto before = must(
      world.keys->channel_keys(card.seid, Deployment::domain_aid(), Deployment::kNewKeyVersion));
  const auto second = world.open_order("second", card, payload);
  EXPECT_EQ(second.seq, 2U);
  EXPECT_EQ(world.deliver(card, second.id).verdict.verdict, Verdict::kConfirmed);
  const auto after = must(
      world.keys->channel_keys(card.seid, Deployment::domain_aid(), Deployment::kNewKeyVersion));
  ASSERT_TRUE(before && after);
  EXPECT_TRUE(world.opens_with(card, Deployment::kNewKeyVersion, *after));
  EXPECT_FALSE(world.opens_with(card, Deployment::kNewKeyVersion, *before));
}

// Somebody on the way held a receipt back and plays it when a later order has replaced the keys.
TEST(OneDeliveryTest, AnOldReceiptDoesNotBringOldKeysBack) {
  Deployment world("old receipt");
  DeployedCard& card = world.add_card("phone-1");
  const auto first = world.open_order("first", card);
  const auto e0 = world.request(first.id);
  const Bytes e2 = world.seal(first.id, e0.attempt, must(world.enrol(card, e0.message)));
  const Bytes old_receipt = must(world.relay(card, e2));
  ASSERT_EQ(world.judge(first.id, e0.attempt, old_receipt).verdict.verdict, Verdict::kConfirmed);
  const std::string payload =
      R"({"target":"A00000015153504B01","channel":{"key_version":"31"},"actions":[{"put_key":{)"
      R"("replace":"31","key_version":"31","key_identifier":"01","keys":[{"random":16},)"
      R"({"random":16},{"random":16}]}}]})";
  ASSERT_EQ(world.deliver(card, world.open_order("second", card, payload).id).verdict.verdict,
            Verdict::kConfirmed);
  must(world.flow->judge(first.id, e0.attempt, old_receipt));
  const auto keys = must(
      world.keys->channel_keys(card.seid, Deployment::domain_aid(), Deployment::kNewKeyVersion));
  ASSERT_TRUE(keys);
  EXPECT_TRUE(world.opens_with(card, Deployment::kNewKeyVersion, *keys));
}

// The later order has a receipt, too, and it says that nothing was installed.
TEST(OneDeliveryTest, AnOrderBehindWhichALaterOneWasRefusedBringsItsKeysAllTheSame) {
  Deployment world("a later one refused");
  DeployedCard& card = world.add_card("phone-1");
  const auto first = world.open_order("first", card);
  // It replaces a key set that the domain does not have.
  const std::string payload =
      R"({"target":"A00000015153504B01","channel":{"key_version":"30"},"actions":[{"put_key":{)"
      R"("replace":"44","key_version":"45","key_identifier":"01","keys":[{"random":16},)"
      R"({"random":16},{"random":16}]}}]})";
  const auto later = world.open_order("later", card, payload);
  ASSERT_GT(later.seq, first.seq);
  ASSERT_EQ(world.deliver(card, later.id).verdict.verdict, Verdict::kRefused);
  ASSERT_EQ(world.deliver(card, first.id).verdict.verdict, Verdict::kConfirmed);
  const auto keys = must(
      world.keys->channel_keys(card.seid, Deployment::domain_aid(), Deployment::kNewKeyVersion));
  ASSERT_TRUE(keys) << "they are in the element, and the provider does not know them";
  EXPECT_TRUE(world.opens_with(card, Deployment::kNewKeyVersion, *keys));
}

TEST(OneDeliveryTest, ElementsOfOneFleetGetDifferentKeys) {
  Deployment world("fleet");
  DeployedCard& one = world.add_card("phone-1");
  DeployedCard& two = world.add_card("phone-2");
  for (DeployedCard* card : {&one, &two}) {
    const auto order = world.open_order(card->device.text(), *card);
    ASSERT_EQ(world.deliver(*card, order.id).verdict.verdict, Verdict::kConfirmed);
  }
  const auto keys = must(
      world.keys->channel_keys(one.seid, Deployment::domain_aid(), Deployment::kNewKeyVersion));
  ASSERT_TRUE(keys);
  EXPECT_TRUE(world.opens_with(one, Deployment::kNewKeyVersion, *keys));
  EXPECT_FALSE(world.opens_with(two, Deployment::kNewKeyVersion, *keys));
}

}  // namespace
}  // namespace kagibin::test
