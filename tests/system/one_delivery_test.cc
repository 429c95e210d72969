// SPDX-License-Identifier: Apache-2.0
// The paper, steps 1 to 5, in one process: a service provider's key goes into a security domain
// over operators that only ever see E0, E2, E3 and E4.
#include <gtest/gtest.h>

#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::test {
namespace {

using delivery::Verdict;

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

}  // namespace
}  // namespace kagibin::test
