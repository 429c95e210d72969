// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/enrolment/waiting_enrolments.h"

#include <gtest/gtest.h>

#include "tests/support/deployment.h"
#include "tests/support/memory_journal.h"
#include "tests/support/must.h"

namespace kagibin::roles::service_provider {
namespace {

using test::must;

constexpr crypto::Digest256 kCertificate{0x0C};

class WaitingEnrolmentsTest : public testing::Test {
 protected:
  void keep(std::uint32_t seq, std::uint8_t nonce) {
    must(waiting_.keep(seid_, target_, seq,
                       {.since = 7,
                        .channel_version = 0x31,
                        .nonce_a = Nonce16{{nonce}},
                        .sealed_kem_key = Bytes{1},
                        .answer = Bytes{2}}));
  }
  void ask(std::uint32_t seq) { must(waiting_.ask(seid_, target_, seq, kCertificate)); }
  std::optional<WaitingEnrolment> found() { return must(waiting_.find(seid_, target_)); }
  static PreparedDelivery prepared(std::uint8_t octet) {
    return {.nonce_a = Nonce16{{octet}}, .sealed_kem_key = Bytes{octet}, .envelope = Bytes{0xE2}};
  }

  test::MemoryJournal journal_;
  WaitingEnrolments waiting_{journal_};
  Seid seid_;
  Aid target_ = test::Deployment::domain_aid();
  delivery::OrderId order_ = must(delivery::OrderId::from("order-1"));
};

TEST_F(WaitingEnrolmentsTest, OneWaitsBehindTheOrderThatHasTheSlotUnderItsCertificate) {
  EXPECT_FALSE(must(waiting_.knows(seid_, target_)));
  keep(1, 0x01);
  EXPECT_FALSE(found()) << "nobody asked";
  ask(1);
  EXPECT_TRUE(must(waiting_.knows(seid_, target_)));
  keep(1, 0x01);
  ASSERT_TRUE(found());
  EXPECT_EQ(found()->nonce_a, Nonce16{{0x01}});
  EXPECT_EQ(found()->certificate, kCertificate);
  EXPECT_EQ(found()->since, 7);
  must(waiting_.use(seid_, target_, 2));
  EXPECT_FALSE(found());
  keep(1, 0x01);
  EXPECT_FALSE(found()) << "judged again";
  keep(2, 0x02);
  ASSERT_TRUE(found());
  EXPECT_EQ(found()->certificate, kCertificate) << "the slot's stays";
}

// The slot is whose request came last, not whose SEQ is highest.
TEST_F(WaitingEnrolmentsTest, AnEarlierOrderThatIsAskedAgainTakesTheSlotFromALaterOne) {
  ask(2);
  ask(1);
  keep(2, 0x02);
  EXPECT_FALSE(found());
  ask(2);
  keep(1, 0x01);
  EXPECT_FALSE(found());
}

// Two processes seal the same order at once: one envelope goes out.
TEST_F(WaitingEnrolmentsTest, WhatWasPreparedFirstStands) {
  EXPECT_FALSE(must(waiting_.prepared(order_)));
  EXPECT_EQ(must(waiting_.prepare(order_, prepared(1))).nonce_a, Nonce16{{1}});
  EXPECT_EQ(must(waiting_.prepare(order_, prepared(2))).nonce_a, Nonce16{{1}});
  EXPECT_EQ(must(waiting_.prepared(order_))->sealed_kem_key, Bytes{1});
  must(waiting_.forget_prepared(order_));
  EXPECT_FALSE(must(waiting_.prepared(order_)));
  EXPECT_EQ(waiting_.prepare(order_, prepared(2)).error().code, Errc::kConflict);
}

}  // namespace
}  // namespace kagibin::roles::service_provider
