// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/journal_rows.h"

namespace kagibin::store {

using delivery::AttemptNumber;
using delivery::DeviceId;
using delivery::JournalAttempt;
using delivery::JournalEntry;
using delivery::JournalOrder;
using delivery::JournalStep;
using delivery::OrderId;

namespace {

Bytes copy(ByteView octets) { return {octets.begin(), octets.end()}; }

Result<JournalStep> step_by_name(std::string_view text) {
  for (const JournalStep step :
       {JournalStep::kOrder, JournalStep::kRequest, JournalStep::kDelivery, JournalStep::kVerdict,
        JournalStep::kAnswer, JournalStep::kReceipt}) {
    if (delivery::name(step) == text) {
      return step;
    }
  }
  return fail(Errc::kStore, "the journal holds an entry of an unknown step");
}

}  // namespace

Result<JournalOrder> read_journal_order(const Query& row) {
  const OrderId id = KB_TRY(OrderId::from(row.text(0)));
  const DeviceId device = KB_TRY(DeviceId::from(row.text(1)));
  const Seid seid = KB_TRY(Seid::from(row.octets(2)));
  const Aid target = KB_TRY(Aid::from(row.octets(3)));
  JournalOrder order{.id = id, .device = device, .seid = seid, .target = target};
  order.not_after = row.integer(4);
  order.sealed_payload = copy(row.octets(5));
  order.annotation = row.text(6);
  order.seq = static_cast<std::uint32_t>(row.integer(7));
  order.state = KB_TRY(delivery::state_by_name(row.text(8)));
  order.current_attempt = static_cast<AttemptNumber>(row.integer(9));
  order.created_at = row.integer(10);
  return order;
}

Result<JournalAttempt> read_journal_attempt(const Query& row) {
  const OrderId order = KB_TRY(OrderId::from(row.text(0)));
  const Nonce16 nonce = KB_TRY(Nonce16::from(row.octets(2)));
  return JournalAttempt{.order = order,
                        .number = static_cast<AttemptNumber>(row.integer(1)),
                        .nonce_a = nonce,
                        .sealed_kem_key = copy(row.octets(3)),
                        .sealed_receipt_key = copy(row.octets(4))};
}

Result<JournalEntry> read_journal_entry(const Query& row) {
  const OrderId order = KB_TRY(OrderId::from(row.text(0)));
  const JournalStep step = KB_TRY(step_by_name(row.text(2)));
  return JournalEntry{.order = order,
                      .attempt = static_cast<AttemptNumber>(row.integer(1)),
                      .step = step,
                      .message = copy(row.octets(3)),
                      .acknowledged = row.integer(4) != 0};
}

}  // namespace kagibin::store
