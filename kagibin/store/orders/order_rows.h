// SPDX-License-Identifier: Apache-2.0
// Orders and attempts as rows of the distributor's store: their columns, read from a query and
// bound to one. For order_transaction.cc; the columns are those of postgres/ as well.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/store/database.h"
#include "kagibin/store/row.h"

// For literals of SQL: statements are kept by their literal.
#define KB_ATTEMPT_COLUMNS                                                                      \
  "a.order_id, a.number, a.provider, a.device, a.kind, a.state, a.opening, a.answer, "          \
  "a.envelope, a.receipts, a.verdict, a.reason, a.withdrawal, a.sequence, a.change, a.judged, " \
  "a.held"
#define KB_ORDER_COLUMNS                                                                 \
  "id, provider, device, not_after, state, current_attempt, created_at, campaign, grp, " \
  "held, touched, attributes"
#define KB_COUNT_COLUMNS "provider, state, count"
#define KB_TENANT_COLUMNS "provider, max_open, per_minute, burst, units, filled_at"
#define KB_ANSWER_COLUMNS "owner, name, request, status, body, kept_at"
// As delivery::is_open().
#define KB_OPEN_ORDERS "('ordered', 'enrolled', 'sealed', 'handed_over', 'reported', 'unknown')"

namespace kagibin::store {

std::string_view name(delivery::Work::Kind kind);

// kStore when a column does not hold what this program writes.
Result<delivery::OrderRow> read_order(const Row& row);
Result<delivery::AttemptRow> read_attempt(const Row& row);
// Columns KB_COUNT_COLUMNS.
Result<delivery::OrderCount> read_order_count(const Row& row);
// Columns KB_TENANT_COLUMNS, and how many orders are open.
Result<delivery::TenantRow> read_tenant(const Row& row);
// Columns KB_ANSWER_COLUMNS.
Result<delivery::AnswerRow> read_answer(const Row& row);
// Columns token_hash, subject, not_after, request, certificate.
Result<delivery::InvitationRow> read_invitation(const Row& row);
// All rows that are left, or the next one.
Result<std::vector<delivery::OrderRow>> read_orders(Query& query);
Result<std::vector<delivery::AttemptRow>> read_attempts(Query& query);
Result<std::vector<delivery::OrderCount>> read_order_counts(Query& query);
Result<std::optional<delivery::AttemptRow>> read_first_attempt(Query& query);

// Parameters 1 and 2.
void bind_key(Query& query, const delivery::OrderKey& order);
// Parameters 4 to 13: the columns that an update may change.
void bind_progress(Query& query, const delivery::AttemptRow& row, std::int64_t change);

}  // namespace kagibin::store
