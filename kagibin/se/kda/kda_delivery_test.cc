// SPDX-License-Identifier: Apache-2.0
// Whole deliveries through the real element: what arrives, what the receipt says, what it costs.
#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/kda/commands.h"
#include "kagibin/se/kda/kda_bench.h"

namespace kagibin::se {
namespace {

namespace sw = apdu::sw;

TEST(KdaDelivery, AddsAKeySetAndProvesItByRmac) {
  KdaBench bench;
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.add_keys(0x31));
  ASSERT_EQ(bench.run(delivery), Outcome::kDone);
  EXPECT_TRUE(bench.target_holds(0x31, 0x60));
  const ReadReceipt receipt = bench.receipt(delivery);
  EXPECT_EQ(receipt.results(), std::vector<int>{0x00});
  EXPECT_TRUE(receipt.opened.mac_valid);
  EXPECT_EQ(bench.status(delivery.handle()).state, kda::State::kDone);
}

}  // namespace
}  // namespace kagibin::se
