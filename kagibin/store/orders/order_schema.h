// SPDX-License-Identifier: Apache-2.0
// The schema of the distributor's store, version by version. For order_store_sqlite.cc.
//
// States stand as their names, so that a reader of the file needs no table of numbers. A script
// that was released is never changed; a new version is a new script behind it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace kagibin::store {

inline constexpr std::int32_t kOrderApplicationId = 0x4B424F31;  // "KBO1"
// Of a file whose orders went to a database server (postgres/order_migration.h).
inline constexpr std::int32_t kMovedApplicationId = 0x4B424F4D;  // "KBOM"

// 2: an order's name is the provider's own; before, it was one name for all of them.
// 3: the audit log. Its first entry says how many orders were there before it.
// 4: orders are counted by state.
// 5: the oldest order in each state is found.
// 6: limits of tenants, and kept answers.
// 7: campaigns, and the history of orders, which begins with this version.
// 8: a provider's open campaigns are counted; who changed a campaign; held orders wait for nobody.
//    Partial indexes with OR: SQLite makes a table of a longer list with IN at every statement.
inline constexpr std::array<std::string_view, 8> kOrderMigrations = {R"sql(
CREATE TABLE orders (
  id TEXT NOT NULL PRIMARY KEY,
  provider BLOB NOT NULL,
  device TEXT NOT NULL,
  not_after INTEGER NOT NULL,
  state TEXT NOT NULL,
  current_attempt INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_without_attempt ON orders(not_after)
  WHERE current_attempt = 0 AND state = 'ordered';
CREATE TABLE attempts (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id TEXT NOT NULL REFERENCES orders(id),
  number INTEGER NOT NULL,
  provider BLOB NOT NULL,
  device TEXT NOT NULL,
  not_after INTEGER NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  opening BLOB NOT NULL,
  answer BLOB,
  envelope BLOB,
  receipts INTEGER NOT NULL DEFAULT 0,
  verdict TEXT,
  reason TEXT,
  judged INTEGER,
  withdrawal TEXT,
  change INTEGER NOT NULL,
  UNIQUE (order_id, number)
) STRICT;
CREATE INDEX attempts_by_change ON attempts(provider, change);
CREATE INDEX attempts_by_state ON attempts(provider, state, change);
CREATE INDEX attempts_to_do ON attempts(device, sequence)
  WHERE state IN ('ordered', 'sealed', 'handed_over');
CREATE INDEX attempts_that_expire ON attempts(not_after)
  WHERE state IN ('ordered', 'enrolled', 'sealed', 'handed_over');
CREATE TABLE receipts (
  order_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  receipt BLOB NOT NULL,
  PRIMARY KEY (order_id, number, revision)
) STRICT, WITHOUT ROWID;
CREATE TABLE invitations (
  token_hash BLOB NOT NULL PRIMARY KEY,
  subject TEXT NOT NULL,
  not_after INTEGER NOT NULL,
  request TEXT,
  certificate TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE counters (
  name TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters VALUES ('change', 0);
)sql",
                                                                     R"sql(
CREATE TABLE new_orders (
  provider BLOB NOT NULL,
  id TEXT NOT NULL,
  device TEXT NOT NULL,
  not_after INTEGER NOT NULL,
  state TEXT NOT NULL,
  current_attempt INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (provider, id)
) STRICT;
INSERT INTO new_orders SELECT provider, id, device, not_after, state, current_attempt, created_at
  FROM orders;
CREATE TABLE new_attempts (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  provider BLOB NOT NULL,
  order_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  device TEXT NOT NULL,
  not_after INTEGER NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  opening BLOB NOT NULL,
  answer BLOB,
  envelope BLOB,
  receipts INTEGER NOT NULL DEFAULT 0,
  verdict TEXT,
  reason TEXT,
  judged INTEGER,
  withdrawal TEXT,
  change INTEGER NOT NULL,
  UNIQUE (provider, order_id, number),
  FOREIGN KEY (provider, order_id) REFERENCES new_orders(provider, id)
) STRICT;
INSERT INTO new_attempts SELECT sequence, provider, order_id, number, device, not_after, kind,
  state, opening, answer, envelope, receipts, verdict, reason, judged, withdrawal, change
  FROM attempts;
CREATE TABLE new_receipts (
  provider BLOB NOT NULL,
  order_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  receipt BLOB NOT NULL,
  PRIMARY KEY (provider, order_id, number, revision)
) STRICT, WITHOUT ROWID;
INSERT INTO new_receipts SELECT orders.provider, order_id, number, revision, receipt
  FROM receipts JOIN orders ON orders.id = order_id;
DROP TABLE receipts;
DROP TABLE attempts;
DROP TABLE orders;
ALTER TABLE new_orders RENAME TO orders;
ALTER TABLE new_attempts RENAME TO attempts;
ALTER TABLE new_receipts RENAME TO receipts;
CREATE INDEX orders_without_attempt ON orders(not_after)
  WHERE current_attempt = 0 AND state = 'ordered';
CREATE INDEX attempts_by_change ON attempts(provider, change);
CREATE INDEX attempts_by_state ON attempts(provider, state, change);
CREATE INDEX attempts_to_do ON attempts(device, sequence)
  WHERE state IN ('ordered', 'sealed', 'handed_over');
CREATE INDEX attempts_that_expire ON attempts(not_after)
  WHERE state IN ('ordered', 'enrolled', 'sealed', 'handed_over');
)sql",
                                                                     R"sql(
CREATE TABLE audit_entries (
  place INTEGER PRIMARY KEY,
  entry BLOB NOT NULL
) STRICT;
CREATE TABLE audit_tiles (
  level INTEGER NOT NULL,
  number INTEGER NOT NULL,
  hashes BLOB NOT NULL,
  PRIMARY KEY (level, number)
) STRICT;
CREATE TABLE audit_log (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  size INTEGER NOT NULL,
  checkpoint TEXT NOT NULL,
  verifier TEXT NOT NULL
) STRICT;
INSERT INTO audit_log VALUES (1, 0, '', '');
INSERT INTO audit_entries SELECT 0, CAST('KBA1 ' || strftime('%s', 'now') || ' begin ' ||
  (SELECT count(*) FROM orders) || ' ' || (SELECT count(*) FROM attempts) AS BLOB);
)sql",
                                                                     R"sql(
CREATE TABLE order_counts (
  provider BLOB NOT NULL,
  state TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (provider, state)
) STRICT, WITHOUT ROWID;
INSERT INTO order_counts SELECT provider, state, count(*) FROM orders GROUP BY provider, state;
CREATE TRIGGER new_order_counts AFTER INSERT ON orders BEGIN
  INSERT INTO order_counts VALUES (new.provider, new.state, 1)
    ON CONFLICT (provider, state) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER changed_order_counts AFTER UPDATE OF state ON orders
WHEN new.state <> old.state BEGIN
  UPDATE order_counts SET count = count - 1 WHERE provider = old.provider AND state = old.state;
  INSERT INTO order_counts VALUES (new.provider, new.state, 1)
    ON CONFLICT (provider, state) DO UPDATE SET count = count + 1;
END;
)sql",
                                                                     R"sql(
CREATE INDEX orders_that_wait ON orders(state, created_at)
  WHERE state IN ('ordered', 'enrolled', 'sealed', 'handed_over', 'reported', 'unknown');
)sql",
                                                                     R"sql(
CREATE TABLE tenants (
  provider BLOB NOT NULL PRIMARY KEY,
  max_open INTEGER,
  per_minute INTEGER,
  burst INTEGER,
  units INTEGER NOT NULL,
  filled_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE answers (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  request BLOB NOT NULL,
  status INTEGER NOT NULL,
  body TEXT NOT NULL,
  kept_at INTEGER NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (owner, name)
) STRICT;
CREATE INDEX answers_by_number ON answers(owner, number);
CREATE INDEX answers_by_age ON answers(kept_at);
)sql",
                                                                     R"sql(
ALTER TABLE orders ADD COLUMN campaign TEXT;
ALTER TABLE orders ADD COLUMN grp INTEGER;
ALTER TABLE orders ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN touched INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN attributes TEXT;
ALTER TABLE attempts ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
CREATE INDEX orders_to_release ON orders(provider, campaign, grp, id)
  WHERE held = 1 AND current_attempt > 0 AND state IN ('ordered', 'sealed');
CREATE INDEX orders_to_cancel ON orders(provider, campaign, id)
  WHERE campaign IS NOT NULL AND touched = 0 AND state IN ('ordered', 'enrolled', 'sealed');
DROP INDEX attempts_to_do;
CREATE INDEX attempts_to_do ON attempts(device, sequence)
  WHERE held = 0 AND state IN ('ordered', 'sealed', 'handed_over');
CREATE TABLE campaigns (
  provider BLOB NOT NULL,
  id TEXT NOT NULL,
  terms TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  changed_at INTEGER NOT NULL,
  released INTEGER NOT NULL,
  credit INTEGER NOT NULL,
  credit_at INTEGER NOT NULL,
  settled_at INTEGER NOT NULL,
  due INTEGER NOT NULL,
  PRIMARY KEY (provider, id)
) STRICT;
CREATE INDEX campaigns_due ON campaigns(due)
  WHERE state IN ('running', 'paused', 'cancelling', 'aborting', 'expiring');
CREATE TABLE campaign_counts (
  provider BLOB NOT NULL,
  campaign TEXT NOT NULL,
  grp INTEGER NOT NULL,
  phase TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (provider, campaign, grp, phase)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER new_campaign_counts AFTER INSERT ON orders WHEN new.campaign IS NOT NULL BEGIN
  INSERT INTO campaign_counts VALUES (new.provider, new.campaign, new.grp,
    CASE WHEN new.held = 1 AND new.state IN ('ordered', 'sealed') THEN 'held' ELSE new.state END, 1)
    ON CONFLICT (provider, campaign, grp, phase) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER changed_campaign_counts AFTER UPDATE OF state, held ON orders
WHEN new.campaign IS NOT NULL AND (new.held <> old.held OR new.state <> old.state) BEGIN
  UPDATE campaign_counts SET count = count - 1 WHERE provider = old.provider
    AND campaign = old.campaign AND grp = old.grp AND phase =
    CASE WHEN old.held = 1 AND old.state IN ('ordered', 'sealed') THEN 'held' ELSE old.state END;
  INSERT INTO campaign_counts VALUES (new.provider, new.campaign, new.grp,
    CASE WHEN new.held = 1 AND new.state IN ('ordered', 'sealed') THEN 'held' ELSE new.state END, 1)
    ON CONFLICT (provider, campaign, grp, phase) DO UPDATE SET count = count + 1;
END;
CREATE TABLE order_history (
  provider BLOB NOT NULL,
  order_id TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  time INTEGER NOT NULL,
  event TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  state TEXT NOT NULL,
  order_state TEXT NOT NULL,
  revision INTEGER NOT NULL,
  PRIMARY KEY (provider, order_id, ordinal)
) STRICT, WITHOUT ROWID;
)sql",
                                                                     R"sql(
CREATE INDEX campaigns_open ON campaigns(provider)
  WHERE state IN ('running', 'paused', 'cancelling', 'aborting', 'expiring');
ALTER TABLE campaigns ADD COLUMN changed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE campaigns ADD COLUMN paused_by INTEGER NOT NULL DEFAULT 0;
DROP INDEX orders_that_wait;
CREATE INDEX orders_that_wait ON orders(state, created_at)
  WHERE (state = 'enrolled' OR state = 'handed_over' OR state = 'reported' OR state = 'unknown'
    OR (held = 0 AND (state = 'ordered' OR state = 'sealed')));
DROP INDEX attempts_to_do;
CREATE INDEX attempts_to_do ON attempts(device, sequence)
  WHERE held = 0 AND (state = 'ordered' OR state = 'sealed' OR state = 'handed_over');
DROP INDEX attempts_that_expire;
CREATE INDEX attempts_that_expire ON attempts(not_after)
  WHERE (state = 'ordered' OR state = 'enrolled' OR state = 'sealed' OR state = 'handed_over');
DROP INDEX orders_to_cancel;
CREATE INDEX orders_to_cancel ON orders(provider, campaign, id)
  WHERE campaign IS NOT NULL AND touched = 0
    AND (state = 'ordered' OR state = 'enrolled' OR state = 'sealed');
)sql"};

}  // namespace kagibin::store
