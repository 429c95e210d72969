// SPDX-License-Identifier: Apache-2.0
// Every statement that a distributor sends to PostgreSQL in its work; postgres_plan_test looks at
// the plan of each. For order_transaction_postgres.cc.
//
// A statement on many keys walks an array and looks each key up by its index (LATERAL), which also
// locks the rows in the array's order: sorted by the caller, so that distributors wait for each
// other in one order and never in a circle.
#pragma once

#include <array>
#include <string_view>

#include "kagibin/store/orders/audit_columns.h"
#include "kagibin/store/orders/campaign_columns.h"
#include "kagibin/store/orders/figure_columns.h"
#include "kagibin/store/orders/order_rows.h"

namespace kagibin::store::sql {

#define KB_WORK_STATES "('ordered', 'sealed', 'handed_over')"
#define KB_OPEN_STATES "('ordered', 'enrolled', 'sealed', 'handed_over')"

// $1, $2: providers and names, sorted. $3, $4: devices and the sequences behind which they ask.
// Takes the named orders and that of each device's first piece of work.
inline constexpr std::string_view kLockOrders =
    "SELECT o.* FROM (SELECT provider, id FROM unnest($1::bytea[], $2::text[]) n(provider, id) "
    "UNION SELECT w.provider, w.order_id FROM unnest($3::text[], $4::bigint[]) d(device, after) "
    "CROSS JOIN LATERAL (SELECT a.provider, a.order_id FROM attempts a JOIN orders c "
    "ON c.provider = a.provider AND c.id = a.order_id AND c.current_attempt = a.number "
    "WHERE a.device = d.device AND a.sequence > d.after AND a.held = 0 AND a.state "
    "IN " KB_WORK_STATES
    " ORDER BY a.sequence LIMIT 1) w ORDER BY provider, id OFFSET 0) k(provider, id) "
    "CROSS JOIN LATERAL (SELECT " KB_ORDER_COLUMNS
    " FROM orders WHERE orders.provider = k.provider AND orders.id = k.id FOR NO KEY UPDATE) o";
inline constexpr std::string_view kReadOrders =
    "SELECT o.* FROM unnest($1::bytea[], $2::text[]) k(provider, id) "
    "CROSS JOIN LATERAL (SELECT " KB_ORDER_COLUMNS
    " FROM orders WHERE orders.provider = k.provider AND orders.id = k.id) o";
inline constexpr std::string_view kReadAttempts =
    "SELECT " KB_ATTEMPT_COLUMNS
    " FROM unnest($1::bytea[], $2::text[]) k(provider, id) CROSS JOIN LATERAL (SELECT * FROM "
    "attempts WHERE attempts.provider = k.provider AND attempts.order_id = k.id OFFSET 0) a";
inline constexpr std::string_view kReadReceipts =
    "SELECT r.provider, r.order_id, r.number, r.receipt FROM unnest($1::bytea[], $2::text[]) "
    "k(provider, id) CROSS JOIN LATERAL (SELECT * FROM receipts WHERE receipts.provider = "
    "k.provider AND receipts.order_id = k.id ORDER BY receipts.number, receipts.revision) r";

// The first work of one device, past what others hold at this moment.
inline constexpr std::string_view kNextWork =
    "SELECT a.provider, a.order_id, a.number FROM attempts a JOIN orders o ON o.provider = "
    "a.provider AND o.id = a.order_id AND o.current_attempt = a.number WHERE a.device = $1 AND "
    "a.sequence > $2 AND a.held = 0 AND a.state IN " KB_WORK_STATES
    " ORDER BY a.sequence LIMIT 1 FOR NO KEY UPDATE OF o SKIP LOCKED";
inline constexpr std::string_view kListAll =
    "SELECT " KB_ATTEMPT_COLUMNS
    " FROM attempts a WHERE provider = $1 AND change > $2 ORDER BY change LIMIT $3";
inline constexpr std::string_view kListOneState =
    "SELECT " KB_ATTEMPT_COLUMNS
    " FROM attempts a WHERE provider = $1 AND change > $2 AND state = $4 ORDER BY change LIMIT $3";
inline constexpr std::string_view kOverdueAttempts =
    "SELECT a.provider, a.order_id, a.number FROM attempts a JOIN orders o ON o.provider = "
    "a.provider AND o.id = a.order_id WHERE a.not_after < $1 AND a.state IN " KB_OPEN_STATES
    " ORDER BY a.not_after LIMIT $2 FOR NO KEY UPDATE OF o SKIP LOCKED";
inline constexpr std::string_view kOverdueOrders =
    "SELECT " KB_ORDER_COLUMNS
    " FROM orders WHERE current_attempt = 0 AND state = 'ordered' AND not_after < $1 "
    "ORDER BY not_after LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED";
inline constexpr std::string_view kFindInvitation =
    "SELECT token_hash, subject, not_after, request, certificate FROM invitations "
    "WHERE token_hash = $1 FOR NO KEY UPDATE";

// Held until the end of the transaction, so that a provider's numbers follow its commits.
inline constexpr std::string_view kCountChanges =
    "INSERT INTO changes AS c VALUES ($1, $2) ON CONFLICT (provider) DO UPDATE "
    "SET value = c.value + excluded.value RETURNING value";
// $1, $2, $3: providers, states and what is added to their counts; every pair once, sorted.
inline constexpr std::string_view kCountOrders =
    "INSERT INTO order_counts AS c SELECT * FROM unnest($1::bytea[], $2::text[], $3::bigint[]) "
    "ON CONFLICT (provider, state) DO UPDATE SET count = c.count + excluded.count";
inline constexpr std::string_view kOrderCounts =
    "SELECT " KB_COUNT_COLUMNS " FROM order_counts WHERE provider = $1 ORDER BY state";
// Grows with the number of providers, and with nothing else.
inline constexpr std::string_view kAllOrderCounts =
    "SELECT " KB_COUNT_COLUMNS " FROM order_counts ORDER BY provider, state";
inline constexpr std::string_view kInsertOrder =
    "INSERT INTO orders(" KB_ORDER_COLUMNS
    ") VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
inline constexpr std::string_view kUpdateOrder =
    "UPDATE orders SET state = $3, current_attempt = $4, held = $5, touched = $6 "
    "WHERE provider = $1 AND id = $2";
// The last parameter of the two: how many changes of the provider follow in this transaction.
inline constexpr std::string_view kInsertAttempt =
    "INSERT INTO attempts(provider, order_id, number, state, answer, envelope, receipts, verdict, "
    "reason, withdrawal, judged, held, device, kind, opening, not_after, change) VALUES ($1, $2, "
    "$3, "
    "$4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, "
    "(SELECT value FROM changes WHERE provider = $1) - $17) RETURNING sequence";
inline constexpr std::string_view kUpdateAttempt =
    "UPDATE attempts SET state = $4, answer = $5, envelope = $6, receipts = $7, verdict = $8, "
    "reason = $9, withdrawal = $10, judged = $11, held = $12, "
    "change = (SELECT value FROM changes WHERE provider = $1) - $13 "
    "WHERE provider = $1 AND order_id = $2 AND number = $3";
inline constexpr std::string_view kInsertReceipt =
    "INSERT INTO receipts(provider, order_id, number, revision, receipt) "
    "VALUES ($1, $2, $3, $4, $5)";
inline constexpr std::string_view kInsertInvitation =
    "INSERT INTO invitations(token_hash, subject, not_after) VALUES ($1, $2, $3)";
inline constexpr std::string_view kUpdateInvitation =
    "UPDATE invitations SET request = $2, certificate = $3 WHERE token_hash = $1";

// The audit log. One array of entries a transaction, in their order; the ids follow it.
inline constexpr std::string_view kAppendAudit =
    "INSERT INTO audit_waiting(entry) SELECT unnest($1::bytea[])";
// Only committed rows are seen. Whoever changes an order holds its lock from before the ids of its
// entries are given until after its commit, so that an order's entries are seen in their order.
inline constexpr std::string_view kAuditWithoutPlace =
    "SELECT id, entry FROM audit_waiting ORDER BY id LIMIT $1";
inline constexpr std::string_view kTakeAuditHead =
    "SELECT " KB_AUDIT_HEAD " FROM audit_log WHERE only_row = 1 FOR NO KEY UPDATE SKIP LOCKED";
inline constexpr std::string_view kAuditTiles =
    "SELECT t.* FROM unnest($1::bigint[], $2::bigint[]) k(level, number) CROSS JOIN LATERAL "
    "(SELECT " KB_AUDIT_TILE
    " FROM audit_tiles WHERE audit_tiles.level = k.level AND audit_tiles.number = k.number) t";
// $1: ids in their order; $2: the first of the places.
inline constexpr std::string_view kPlaceAudit =
    "WITH taken AS (DELETE FROM audit_waiting w USING unnest($1::bigint[]) k(id) "
    "WHERE w.id = k.id RETURNING w.id, w.entry) INSERT INTO audit_entries(place, entry) "
    "SELECT $2 + row_number() OVER (ORDER BY id) - 1, entry FROM taken";
inline constexpr std::string_view kPutAuditTile =
    "INSERT INTO audit_tiles(level, number, hashes) VALUES ($1, $2, $3) "
    "ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes";
inline constexpr std::string_view kPutAuditHead =
    "UPDATE audit_log SET size = $1, checkpoint = $2, verifier = $3 WHERE only_row = 1";

// Figures for an operator, of a snapshot.
inline constexpr std::string_view kOldestOrders = KB_OLDEST_ORDERS;
inline constexpr std::string_view kAuditFigures =
    "SELECT size, (SELECT count(*) FROM (SELECT 1 FROM audit_waiting ORDER BY id LIMIT $1) w) "
    "FROM audit_log WHERE only_row = 1";

// Limits of tenants. The server's clock, in milliseconds, is the only one.
#define KB_CLOCK "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
#define KB_OPEN_COUNT                                                               \
  "(SELECT coalesce(sum(count), 0)::bigint FROM order_counts c WHERE c.provider = " \
  "t.provider AND c.state IN " KB_OPEN_ORDERS ")"
// $1: providers, sorted.
inline constexpr std::string_view kReadTenants =
    "SELECT t.* FROM unnest($1::bytea[]) k(provider) CROSS JOIN LATERAL (SELECT " KB_TENANT_COLUMNS
    ", " KB_OPEN_COUNT ", " KB_CLOCK " FROM tenants t WHERE t.provider = k.provider) t";
inline constexpr std::string_view kLockTenants =
    "SELECT t.* FROM unnest($1::bytea[]) k(provider) CROSS JOIN LATERAL (SELECT provider FROM "
    "tenants WHERE tenants.provider = k.provider FOR NO KEY UPDATE) t";
// Grows with the number of tenants.
inline constexpr std::string_view kAllTenants = "SELECT " KB_TENANT_COLUMNS ", " KB_OPEN_COUNT
                                                ", " KB_CLOCK " FROM tenants t ORDER BY provider";
inline constexpr std::string_view kStoreClock = "SELECT " KB_CLOCK;
inline constexpr std::string_view kMakeTenant =
    "INSERT INTO tenants(provider, units, filled_at) SELECT k.provider, 0, " KB_CLOCK
    " FROM unnest($1::bytea[]) k(provider) ON CONFLICT (provider) DO NOTHING";
inline constexpr std::string_view kPutTenant =
    "INSERT INTO tenants(" KB_TENANT_COLUMNS
    ") VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT "
    "(provider) DO UPDATE SET max_open = excluded.max_open, per_minute = excluded.per_minute, "
    "burst = excluded.burst, units = excluded.units, filled_at = excluded.filled_at, room = 0";
// $2: the server's clock, which was set back.
inline constexpr std::string_view kSetTenantBack =
    "UPDATE tenants SET filled_at = $2::bigint WHERE provider = $1 AND filled_at > $2::bigint + "
    "1000";
// As delivery::fill(), and then $2 orders less; $3 of them were not open before. A check of the
// table refuses what would pass a limit. The row is locked, and the orders are counted.
inline constexpr std::string_view kSpend =
    "UPDATE tenants t SET units = CASE WHEN per_minute IS NULL THEN 0 ELSE least(burst * 60000, "
    "units + per_minute * least(greatest(n.now - filled_at, 0), 60000000000)) - $2::bigint * 60000 "
    "END, "
    "filled_at = CASE WHEN n.now < filled_at - 1000 THEN n.now ELSE greatest(n.now, filled_at) "
    "END, "
    "room = CASE WHEN $3::bigint = 0 THEN 0 ELSE coalesce(max_open - " KB_OPEN_COUNT
    ", 0) END FROM (SELECT " KB_CLOCK " AS now) n WHERE t.provider = $1";

// Kept answers. By the server's clock, too, in seconds.
#define KB_SECONDS "floor(extract(epoch FROM statement_timestamp()))::bigint"
// $1, $2: owners and keys.
inline constexpr std::string_view kReadAnswers =
    "SELECT a.*, " KB_SECONDS
    " FROM unnest($1::text[], $2::text[]) k(owner, name) CROSS JOIN LATERAL "
    "(SELECT " KB_ANSWER_COLUMNS
    " FROM answers WHERE answers.owner = k.owner AND answers.name = k.name) a";
inline constexpr std::string_view kCountAnswers =
    "SELECT k.owner, coalesce((SELECT number FROM answers a WHERE a.owner = k.owner ORDER BY "
    "number DESC LIMIT 1) - (SELECT number FROM answers a WHERE a.owner = k.owner ORDER BY number "
    "LIMIT 1) + 1, 0) FROM unnest($1::text[]) k(owner)";
// One that is over; one that is not keeps its name, and the insertion fails.
inline constexpr std::string_view kForgetAnswer =
    "DELETE FROM answers WHERE owner = $1 AND name = $2 AND NOT kept_at BETWEEN " KB_SECONDS
    " - 86400 AND " KB_SECONDS " + 86400";
inline constexpr std::string_view kPutAnswer =
    "INSERT INTO answers(" KB_ANSWER_COLUMNS ", number) VALUES ($1, $2, $3, $4, $5, " KB_SECONDS
    ", coalesce((SELECT number FROM answers WHERE owner = $1 ORDER BY number DESC LIMIT 1), 0) + "
    "$6)";
inline constexpr std::string_view kForgetAnswers =
    "DELETE FROM answers USING (SELECT owner, name FROM answers WHERE kept_at < " KB_SECONDS
    " - 86400 ORDER BY kept_at LIMIT $1 FOR UPDATE SKIP LOCKED) old WHERE answers.owner = "
    "old.owner AND answers.name = old.name";
inline constexpr std::string_view kForgetFutureAnswers =
    "DELETE FROM answers USING (SELECT owner, name FROM answers WHERE kept_at > " KB_SECONDS
    " + 86400 ORDER BY kept_at DESC LIMIT $1 FOR UPDATE SKIP LOCKED) old WHERE answers.owner = "
    "old.owner AND answers.name = old.name";

// Campaigns.
inline constexpr std::string_view kFindCampaign =
    "SELECT " KB_CAMPAIGN_COLUMNS " FROM campaigns WHERE provider = $1 AND id = $2";
inline constexpr std::string_view kTakeCampaign =
    "SELECT " KB_CAMPAIGN_COLUMNS
    " FROM campaigns WHERE provider = $1 AND id = $2 FOR NO KEY UPDATE";
inline constexpr std::string_view kListCampaigns =
    "SELECT " KB_CAMPAIGN_COLUMNS
    " FROM campaigns WHERE provider = $1 AND id > $2 ORDER BY id LIMIT $3";
inline constexpr std::string_view kTakeDueCampaign =
    "SELECT " KB_CAMPAIGN_COLUMNS " FROM campaigns WHERE state IN " KB_OPEN_CAMPAIGNS
    " AND due BETWEEN $1 AND $2 ORDER BY due LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED";
inline constexpr std::string_view kInsertCampaign =
    "INSERT INTO campaigns(provider, id, state, reason, changed_at, released, credit, credit_at, "
    "settled_at, due, changed_by, paused_by, terms, created_at) VALUES ($1, $2, $3, $4, $5, $6, "
    "$7, $8, $9, $10, $11, $12, $13, $14)";
inline constexpr std::string_view kUpdateCampaign =
    "UPDATE campaigns SET state = $3, reason = $4, changed_at = $5, released = $6, credit = $7, "
    "credit_at = $8, settled_at = $9, due = $10, changed_by = $11, paused_by = $12 WHERE "
    "provider = $1 AND id = $2";
inline constexpr std::string_view kOpenCampaigns =
    "SELECT count(*) FROM (SELECT 1 FROM campaigns WHERE provider = $1 AND state "
    "IN " KB_OPEN_CAMPAIGNS " LIMIT $2) open";
inline constexpr std::string_view kPhaseCounts =
    "SELECT " KB_CAMPAIGN_COUNT_COLUMNS
    " FROM campaign_counts WHERE provider = $1 AND campaign = $2 ORDER BY grp, phase";
// As kCountOrders.
inline constexpr std::string_view kCountPhases =
    "INSERT INTO campaign_counts AS c SELECT * FROM unnest($1::bytea[], $2::text[], $3::bigint[], "
    "$4::text[], $5::bigint[]) ON CONFLICT (provider, campaign, grp, phase) "
    "DO UPDATE SET count = c.count + excluded.count";
inline constexpr std::string_view kOrdersToRelease =
    "SELECT provider, id FROM orders WHERE provider = $1 AND campaign = $2 AND grp <= $3 AND "
    "held = 1 AND current_attempt > 0 AND state IN ('ordered', 'sealed') ORDER BY grp, id LIMIT $4 "
    "FOR NO KEY UPDATE SKIP LOCKED";
inline constexpr std::string_view kOrdersToCancel =
    "SELECT provider, id FROM orders WHERE provider = $1 AND campaign = $2 AND campaign IS NOT "
    "NULL "
    "AND touched = 0 AND state IN ('ordered', 'enrolled', 'sealed') ORDER BY id LIMIT $3 "
    "FOR NO KEY UPDATE SKIP LOCKED";

// What happened to orders: one statement a transaction. $3 counts what it adds, in its order.
inline constexpr std::string_view kAppendHistory =
    "INSERT INTO order_history(provider, order_id, ordinal, time, event, attempt, state, "
    "order_state, revision) SELECT h.provider, h.order_id, coalesce((SELECT max(o.ordinal) FROM "
    "order_history o WHERE o.provider = h.provider AND o.order_id = h.order_id), 0) + row_number() "
    "OVER (PARTITION BY h.provider, h.order_id ORDER BY h.n), h.time, h.event, h.attempt, h.state, "
    "h.order_state, h.revision FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::bigint[], "
    "$5::text[], $6::bigint[], $7::text[], $8::text[], $9::bigint[]) h(provider, order_id, n, "
    "time, "
    "event, attempt, state, order_state, revision)";
inline constexpr std::string_view kHistoryOf =
    "SELECT " KB_HISTORY_COLUMNS
    " FROM order_history WHERE provider = $1 AND order_id = $2 AND ordinal > $3 "
    "ORDER BY ordinal LIMIT $4";

struct NamedStatement {
  std::string_view name;
  std::string_view text;
};
inline constexpr std::array kReadingStatements = {
    NamedStatement{"lock_orders", kLockOrders},
    NamedStatement{"read_orders", kReadOrders},
    NamedStatement{"read_attempts", kReadAttempts},
    NamedStatement{"read_receipts", kReadReceipts},
    NamedStatement{"next_work", kNextWork},
    NamedStatement{"list_all", kListAll},
    NamedStatement{"list_one_state", kListOneState},
    NamedStatement{"overdue_attempts", kOverdueAttempts},
    NamedStatement{"overdue_orders", kOverdueOrders},
    NamedStatement{"order_counts", kOrderCounts},
    NamedStatement{"find_campaign", kFindCampaign},
    NamedStatement{"take_campaign", kTakeCampaign},
    NamedStatement{"list_campaigns", kListCampaigns},
    NamedStatement{"take_due_campaign", kTakeDueCampaign},
    NamedStatement{"open_campaigns", kOpenCampaigns},
    NamedStatement{"phase_counts", kPhaseCounts},
    NamedStatement{"orders_to_release", kOrdersToRelease},
    NamedStatement{"orders_to_cancel", kOrdersToCancel},
    NamedStatement{"history_of", kHistoryOf},
    NamedStatement{"find_invitation", kFindInvitation},
    NamedStatement{"read_tenants", kReadTenants},
    NamedStatement{"lock_tenants", kLockTenants},
    NamedStatement{"read_answers", kReadAnswers},
    NamedStatement{"count_answers", kCountAnswers},
    NamedStatement{"forget_answers", kForgetAnswers},
    NamedStatement{"forget_future_answers", kForgetFutureAnswers},
    NamedStatement{"audit_without_place", kAuditWithoutPlace},
    NamedStatement{"take_audit_head", kTakeAuditHead},
    NamedStatement{"audit_tiles", kAuditTiles},
    NamedStatement{"oldest_orders", kOldestOrders},
    NamedStatement{"audit_figures", kAuditFigures},
};

}  // namespace kagibin::store::sql
