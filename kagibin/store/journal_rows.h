// SPDX-License-Identifier: Apache-2.0
// Orders, attempts and entries as rows of the service provider's journal: their columns, read from
// a query. For journal_store_sqlite.cc.
#pragma once

#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/delivery/journal_store.h"
#include "kagibin/store/database.h"

// For literals of SQL: statements are kept by their literal.
#define KB_JOURNAL_ORDER_COLUMNS                                                  \
  "id, device, seid, target, not_after, sealed_payload, annotation, seq, state, " \
  "current_attempt, created_at"
#define KB_JOURNAL_ATTEMPT_COLUMNS "order_id, number, nonce_a, sealed_kem_key, sealed_receipt_key"
#define KB_JOURNAL_ENTRY_COLUMNS "order_id, attempt, step, message, acknowledged"

namespace kagibin::store {

// kStore when a column does not hold what this program writes.
Result<delivery::JournalOrder> read_journal_order(const Query& row);
Result<delivery::JournalAttempt> read_journal_attempt(const Query& row);
Result<delivery::JournalEntry> read_journal_entry(const Query& row);

// The row that a reader makes of the query's first one, where there is one; of all of them.
template <typename Row>
Result<std::optional<Row>> first_row(Query& query, Result<Row> (*read)(const Query&)) {
  const bool found = KB_TRY(query.step());
  if (!found) {
    return std::optional<Row>();
  }
  Row row = KB_TRY(read(query));
  return std::optional<Row>(std::move(row));
}
template <typename Row>
Result<std::vector<Row>> all_rows(Query& query, Result<Row> (*read)(const Query&)) {
  std::vector<Row> rows;
  for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
    Row row = KB_TRY(read(query));
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace kagibin::store
