// SPDX-License-Identifier: Apache-2.0
// The schema of the service provider's journal, version by version. For journal_store_sqlite.cc.
//
// A script that was released is never changed; a new version is a new script behind it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace kagibin::store {

inline constexpr std::int32_t kJournalApplicationId = 0x4B424A31;  // "KBJ1"

// 2: finds what is over by its notAfter.
inline constexpr std::array<std::string_view, 2> kJournalMigrations = {R"sql(
CREATE TABLE orders (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  device TEXT NOT NULL,
  seid BLOB NOT NULL,
  target BLOB NOT NULL,
  not_after INTEGER NOT NULL,
  sealed_payload BLOB NOT NULL,
  annotation TEXT NOT NULL,
  seq INTEGER NOT NULL,
  state TEXT NOT NULL,
  current_attempt INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (seid, target, seq)
) STRICT;
CREATE INDEX orders_by_state ON orders(state, position);
CREATE TABLE attempts (
  order_id TEXT NOT NULL REFERENCES orders(id),
  number INTEGER NOT NULL,
  nonce_a BLOB NOT NULL UNIQUE,
  sealed_kem_key BLOB NOT NULL,
  sealed_receipt_key BLOB NOT NULL,
  PRIMARY KEY (order_id, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE entries (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id TEXT NOT NULL REFERENCES orders(id),
  attempt INTEGER NOT NULL,
  step TEXT NOT NULL,
  message BLOB NOT NULL,
  acknowledged INTEGER NOT NULL,
  UNIQUE (order_id, attempt, step)
) STRICT;
CREATE INDEX entries_to_send ON entries(position) WHERE acknowledged = 0;
CREATE TABLE records (
  kind TEXT NOT NULL,
  key BLOB NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
)sql",
                                                                       R"sql(
CREATE INDEX orders_that_wait ON orders(not_after) WHERE state IN ('ordered', 'sealed');
)sql"};

}  // namespace kagibin::store
