// SPDX-License-Identifier: Apache-2.0
// What a ledger makes of rows from before its log: they are known by their number, and nothing that
// the log saw from its beginning passes for one of them.
#include "kagibin/roles/key_distribution_operator/audit/order_ledger.h"

#include <gtest/gtest.h>

#include "kagibin/delivery/messages.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

using delivery::AttemptRow;
using delivery::OrderRow;
using delivery::ReceiptRow;
using delivery::State;

struct OrderLedgerTest : testing::Test {
  static delivery::OrderKey key(const char* name) {
    return {.provider = Spid{{0xAA}}, .id = delivery::OrderId::from(name).value()};
  }
  static OrderRow order(const char* name) {
    return {.id = key(name).id,
            .provider = key(name).provider,
            .device = delivery::DeviceId::from("phone").value(),
            .not_after = 1'000,
            .created_at = 5};
  }
  static AttemptRow attempt(const char* name, State state) {
    AttemptRow row{.order = key(name).id,
                   .provider = key(name).provider,
                   .device = delivery::DeviceId::from("phone").value()};
    row.state = state;
    return row;
  }
  static OrderChange made(const OrderRow& row) {
    const delivery::OrderRequest request{.device = row.device, .not_after = row.not_after};
    return {.time = row.created_at,
            .order = row.key(),
            .digest = crypto::sha256(ascii(to_json(request)))};
  }
  std::vector<std::string> found(const std::vector<OrderRow>& orders,
                                 const std::vector<AttemptRow>& attempts,
                                 const std::vector<ReceiptRow>& receipts = {}) {
    Findings findings;
    for (const OrderRow& row : orders) {
      ledger.compare(row, findings);
    }
    for (const AttemptRow& row : attempts) {
      ledger.compare(row, findings);
    }
    for (const ReceiptRow& row : receipts) {
      ledger.compare(row, findings);
    }
    ledger.finish(findings);
    return findings.sentences();
  }
  OrderLedger ledger;
};

TEST_F(OrderLedgerTest, WhatWasThereBeforeTheLogIsKnownByItsNumber) {
  ledger.take(LogBegin{.time = 1, .orders = 1, .attempts = 1});
  EXPECT_TRUE(found({order("old")}, {attempt("old", State::kOrdered)}).empty());
}

// As many rows as there were, but one of an order that the log saw being made.
TEST_F(OrderLedgerTest, AnUnloggedAttemptOfALoggedOrderIsNoneFromBeforeTheLog) {
  ledger.take(LogBegin{.time = 1, .orders = 1, .attempts = 1});
  ledger.take(made(order("new")));
  const auto sentences = found({order("old"), order("new")}, {attempt("new", State::kOrdered)});
  ASSERT_EQ(sentences.size(), 2U);
  EXPECT_NE(sentences[0].find("which saw the order made"), std::string::npos) << sentences[0];
}

// An attempt from before the log whose receipts 2 and later the log saw come.
TEST_F(OrderLedgerTest, AReceiptBehindALoggedOneIsLoggedToo) {
  ledger.take(LogBegin{.time = 1, .orders = 1, .attempts = 1});
  ledger.take(OrderChange{.event = AuditEvent::kReceipt,
                          .order = key("old"),
                          .attempt = 1,
                          .state = State::kReported,
                          .order_state = State::kReported,
                          .revision = 2,
                          .digest = crypto::sha256(Bytes{2})});
  OrderRow row = order("old");
  row.state = State::kReported;
  const auto receipt = [](std::uint32_t revision) {
    return ReceiptRow{.order = key("old"),
                      .revision = revision,
                      .receipt = {static_cast<std::uint8_t>(revision)}};
  };
  const OrderLedger again = ledger;
  EXPECT_TRUE(found({row}, {attempt("old", State::kReported)}, {receipt(1), receipt(2)}).empty());
  ledger = again;
  EXPECT_EQ(
      found({row}, {attempt("old", State::kReported)}, {receipt(1), receipt(2), receipt(3)}).size(),
      1U);
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
