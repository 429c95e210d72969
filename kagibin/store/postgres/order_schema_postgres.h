// SPDX-License-Identifier: Apache-2.0
// The schema of the distributors' common store, version by version. For order_store_postgres.cc.
//
// The columns are those of orders/order_schema.h. What differs: a provider's changes are counted in
// a row of its own (doc/decisions), messages are not compressed (they are ciphertext), and names
// compare by their octets. A script that was released is never changed; a new version is a new
// script behind it.
#pragma once

#include <array>
#include <string_view>

namespace kagibin::store {

// 2: the audit log. Its first entry says how many orders were there before it.
// 3: orders are counted by state.
// 4: the oldest order in each state is found.
// 5: limits of tenants, and kept answers. `room` is what the last order left of max_open.
// 6: campaigns, and the history of orders, which begins with this version.
// 7: a provider's open campaigns are counted; who changed a campaign; held orders wait for nobody.
inline constexpr std::array<std::string_view, 7> kPostgresMigrations = {R"sql(
CREATE TABLE orders (
  provider bytea NOT NULL,
  id text COLLATE "C" NOT NULL,
  device text COLLATE "C" NOT NULL,
  not_after bigint NOT NULL,
  state text COLLATE "C" NOT NULL,
  current_attempt bigint NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (provider, id)
) WITH (fillfactor = 80);
CREATE INDEX orders_without_attempt ON orders(not_after)
  WHERE current_attempt = 0 AND state = 'ordered';
CREATE SEQUENCE arrivals AS bigint;
CREATE TABLE attempts (
  sequence bigint NOT NULL DEFAULT nextval('arrivals'),
  provider bytea NOT NULL,
  order_id text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  device text COLLATE "C" NOT NULL,
  not_after bigint NOT NULL,
  kind text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  opening bytea NOT NULL,
  answer bytea,
  envelope bytea,
  receipts bigint NOT NULL DEFAULT 0,
  verdict text COLLATE "C",
  reason text,
  judged bigint,
  withdrawal text,
  change bigint NOT NULL,
  PRIMARY KEY (provider, order_id, number),
  FOREIGN KEY (provider, order_id) REFERENCES orders(provider, id)
);
ALTER TABLE attempts ALTER opening SET STORAGE EXTERNAL, ALTER answer SET STORAGE EXTERNAL,
  ALTER envelope SET STORAGE EXTERNAL;
CREATE INDEX attempts_by_change ON attempts(provider, change);
CREATE INDEX attempts_by_state ON attempts(provider, state, change);
CREATE INDEX attempts_to_do ON attempts(device, sequence)
  WHERE state IN ('ordered', 'sealed', 'handed_over');
CREATE INDEX attempts_that_expire ON attempts(not_after)
  WHERE state IN ('ordered', 'enrolled', 'sealed', 'handed_over');
CREATE TABLE receipts (
  provider bytea NOT NULL,
  order_id text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  revision bigint NOT NULL,
  receipt bytea NOT NULL,
  PRIMARY KEY (provider, order_id, number, revision)
);
CREATE TABLE invitations (
  token_hash bytea NOT NULL PRIMARY KEY,
  subject text NOT NULL,
  not_after bigint NOT NULL,
  request text,
  certificate text
);
CREATE TABLE changes (
  provider bytea NOT NULL PRIMARY KEY,
  value bigint NOT NULL
) WITH (fillfactor = 10);
)sql",
                                                                        R"sql(
CREATE SEQUENCE audit_arrivals AS bigint;
CREATE TABLE audit_waiting (
  id bigint NOT NULL DEFAULT nextval('audit_arrivals') PRIMARY KEY,
  entry bytea NOT NULL
);
CREATE TABLE audit_entries (
  place bigint NOT NULL PRIMARY KEY,
  entry bytea NOT NULL
);
CREATE TABLE audit_tiles (
  level bigint NOT NULL,
  number bigint NOT NULL,
  hashes bytea NOT NULL,
  PRIMARY KEY (level, number)
);
ALTER TABLE audit_tiles ALTER hashes SET STORAGE EXTERNAL;
CREATE TABLE audit_log (
  only_row bigint NOT NULL PRIMARY KEY CHECK (only_row = 1),
  size bigint NOT NULL,
  checkpoint text NOT NULL,
  verifier text NOT NULL
) WITH (fillfactor = 10);
INSERT INTO audit_log VALUES (1, 0, '', '');
INSERT INTO audit_waiting(entry) SELECT convert_to('KBA1 ' || floor(extract(epoch FROM now()))::bigint
  || ' begin ' || (SELECT count(*) FROM orders) || ' ' || (SELECT count(*) FROM attempts), 'UTF8');
)sql",
                                                                        R"sql(
CREATE TABLE order_counts (
  provider bytea NOT NULL,
  state text COLLATE "C" NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (provider, state)
) WITH (fillfactor = 10);
INSERT INTO order_counts SELECT provider, state, count(*) FROM orders GROUP BY provider, state;
)sql",
                                                                        R"sql(
CREATE INDEX orders_that_wait ON orders(state, created_at)
  WHERE state IN ('ordered', 'enrolled', 'sealed', 'handed_over', 'reported', 'unknown');
)sql",
                                                                        R"sql(
CREATE TABLE tenants (
  provider bytea NOT NULL PRIMARY KEY,
  max_open bigint,
  per_minute bigint,
  burst bigint,
  units bigint NOT NULL CHECK (units >= 0),
  filled_at bigint NOT NULL,
  room bigint NOT NULL DEFAULT 0 CHECK (room >= 0)
) WITH (fillfactor = 10);
CREATE TABLE answers (
  owner text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  request bytea NOT NULL,
  status bigint NOT NULL,
  body text NOT NULL,
  kept_at bigint NOT NULL,
  number bigint NOT NULL,
  PRIMARY KEY (owner, name)
);
CREATE INDEX answers_by_number ON answers(owner, number);
CREATE INDEX answers_by_age ON answers(kept_at);
)sql",
                                                                        R"sql(
ALTER TABLE orders ADD COLUMN campaign text COLLATE "C", ADD COLUMN grp bigint,
  ADD COLUMN held bigint NOT NULL DEFAULT 0, ADD COLUMN touched bigint NOT NULL DEFAULT 0,
  ADD COLUMN attributes text;
ALTER TABLE attempts ADD COLUMN held bigint NOT NULL DEFAULT 0;
CREATE INDEX orders_to_release ON orders(provider, campaign, grp, id)
  WHERE held = 1 AND current_attempt > 0 AND state IN ('ordered', 'sealed');
CREATE INDEX orders_to_cancel ON orders(provider, campaign, id)
  WHERE campaign IS NOT NULL AND touched = 0 AND state IN ('ordered', 'enrolled', 'sealed');
DROP INDEX attempts_to_do;
CREATE INDEX attempts_to_do ON attempts(device, sequence)
  WHERE held = 0 AND state IN ('ordered', 'sealed', 'handed_over');
CREATE TABLE campaigns (
  provider bytea NOT NULL,
  id text COLLATE "C" NOT NULL,
  terms text NOT NULL,
  created_at bigint NOT NULL,
  state text COLLATE "C" NOT NULL,
  reason text NOT NULL,
  changed_at bigint NOT NULL,
  released bigint NOT NULL,
  credit bigint NOT NULL,
  credit_at bigint NOT NULL,
  settled_at bigint NOT NULL,
  due bigint NOT NULL,
  PRIMARY KEY (provider, id)
) WITH (fillfactor = 50);
CREATE INDEX campaigns_due ON campaigns(due)
  WHERE state IN ('running', 'paused', 'cancelling', 'aborting', 'expiring');
CREATE TABLE campaign_counts (
  provider bytea NOT NULL,
  campaign text COLLATE "C" NOT NULL,
  grp bigint NOT NULL,
  phase text COLLATE "C" NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (provider, campaign, grp, phase)
) WITH (fillfactor = 10);
CREATE TABLE order_history (
  provider bytea NOT NULL,
  order_id text COLLATE "C" NOT NULL,
  ordinal bigint NOT NULL,
  time bigint NOT NULL,
  event text COLLATE "C" NOT NULL,
  attempt bigint NOT NULL,
  state text COLLATE "C" NOT NULL,
  order_state text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  PRIMARY KEY (provider, order_id, ordinal)
);
)sql",
                                                                        R"sql(
CREATE INDEX campaigns_open ON campaigns(provider)
  WHERE state IN ('running', 'paused', 'cancelling', 'aborting', 'expiring');
ALTER TABLE campaigns ADD COLUMN changed_by text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE campaigns ADD COLUMN paused_by bigint NOT NULL DEFAULT 0;
DROP INDEX orders_that_wait;
CREATE INDEX orders_that_wait ON orders(state, created_at)
  WHERE (state = 'enrolled' OR state = 'handed_over' OR state = 'reported' OR state = 'unknown'
    OR (held = 0 AND (state = 'ordered' OR state = 'sealed')));
)sql"};

}  // namespace kagibin::store
