// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/orders/campaign_transaction.h"

#include <utility>

#include "kagibin/store/orders/campaign_columns.h"
#include "kagibin/store/orders/order_rows.h"

namespace kagibin::store {

using delivery::CampaignKey;
using delivery::CampaignRow;
using delivery::HistoryRow;
using delivery::OrderKey;
using delivery::OrderRow;
using delivery::PhaseCount;

namespace {

Result<std::optional<CampaignRow>> read_first(Query& query) {
  const bool found = KB_TRY(query.step());
  if (!found) {
    return std::optional<CampaignRow>();
  }
  CampaignRow row = KB_TRY(read_campaign(query));
  return std::optional<CampaignRow>(std::move(row));
}

void bind_campaign(Query& query, const CampaignKey& campaign) {
  query.bind(1, campaign.provider.view());
  query.bind(2, std::string_view(campaign.id.text()));
}

// Parameters 3 to 12.
void bind_progress(Query& query, const CampaignRow& row) {
  query.bind(3, delivery::name(row.state));
  query.bind(4, std::string_view(row.reason));
  query.bind(5, row.changed_at);
  query.bind(6, static_cast<std::int64_t>(row.released));
  query.bind(7, row.credit);
  query.bind(8, row.credit_at);
  query.bind(9, row.settled_at);
  query.bind(10, row.due);
  query.bind(11, actor_text(row));
  query.bind(12, pausers_number(row));
}

}  // namespace

// SQLite ends a transaction by itself after some errors; what followed would commit by itself.
Result<Query> SqliteCampaignRows::query(std::string_view sql) {
  if (!db_.in_transaction()) {
    return fail(Errc::kStore, "the transaction ended with an earlier failure");
  }
  return db_.query(sql);
}

Result<std::optional<CampaignRow>> SqliteCampaignRows::find_campaign(const CampaignKey& campaign) {
  Query query = KB_TRY(
      this->query("SELECT " KB_CAMPAIGN_COLUMNS " FROM campaigns WHERE provider = ?1 AND id = ?2"));
  bind_campaign(query, campaign);
  return read_first(query);
}

Result<std::optional<CampaignRow>> SqliteCampaignRows::take_campaign(const CampaignKey& campaign) {
  return find_campaign(campaign);
}

Result<void> SqliteCampaignRows::insert_campaign(const CampaignRow& row) {
  Query query = KB_TRY(this->query(
      "INSERT INTO campaigns(provider, id, state, reason, changed_at, released, credit, credit_at, "
      "settled_at, due, changed_by, paused_by, terms, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
      "?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"));
  const CampaignKey key = row.key();
  bind_campaign(query, key);
  bind_progress(query, row);
  query.bind(13, std::string_view(row.terms));
  query.bind(14, row.created_at);
  return query.run();
}

Result<void> SqliteCampaignRows::update_campaign(const CampaignRow& row) {
  Query query = KB_TRY(this->query(
      "UPDATE campaigns SET state = ?3, reason = ?4, changed_at = ?5, released = ?6, credit = ?7, "
      "credit_at = ?8, settled_at = ?9, due = ?10, changed_by = ?11, paused_by = ?12 WHERE "
      "provider = ?1 AND id = ?2"));
  const CampaignKey key = row.key();
  bind_campaign(query, key);
  bind_progress(query, row);
  KB_TRY(query.run());
  if (db_.changes() != 1) {
    return fail(Errc::kNotFound, "the store has no row of this name");
  }
  return {};
}

Result<std::vector<CampaignRow>> SqliteCampaignRows::list_campaigns(const Spid& provider,
                                                                    std::string_view after,
                                                                    std::uint32_t limit) {
  Query query =
      KB_TRY(this->query("SELECT " KB_CAMPAIGN_COLUMNS
                         " FROM campaigns WHERE provider = ?1 AND id > ?2 ORDER BY id LIMIT ?3"));
  query.bind(1, provider.view());
  query.bind(2, after);
  query.bind(3, static_cast<std::int64_t>(limit));
  std::vector<CampaignRow> rows;
  for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
    CampaignRow row = KB_TRY(read_campaign(query));
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::optional<CampaignRow>> SqliteCampaignRows::take_due(std::int64_t from,
                                                                std::int64_t until) {
  Query query = KB_TRY(this->query("SELECT " KB_CAMPAIGN_COLUMNS
                                   " FROM campaigns WHERE state IN " KB_OPEN_CAMPAIGNS
                                   " AND due BETWEEN ?1 AND ?2 ORDER BY due LIMIT 1"));
  query.bind(1, from);
  query.bind(2, until);
  return read_first(query);
}

Result<std::uint32_t> SqliteCampaignRows::open_campaigns(const Spid& provider,
                                                         std::uint32_t limit) {
  Query query = KB_TRY(
      this->query("SELECT count(*) FROM (SELECT 1 FROM campaigns WHERE provider = ?1 AND state "
                  "IN " KB_OPEN_CAMPAIGNS " LIMIT ?2)"));
  query.bind(1, provider.view());
  query.bind(2, static_cast<std::int64_t>(limit));
  KB_TRY(query.step());
  return static_cast<std::uint32_t>(query.integer(0));
}

// Triggers of the schema count.
Result<std::vector<PhaseCount>> SqliteCampaignRows::phase_counts(const CampaignKey& campaign) {
  Query query = KB_TRY(
      this->query("SELECT " KB_CAMPAIGN_COUNT_COLUMNS
                  " FROM campaign_counts WHERE provider = ?1 AND campaign = ?2 AND count <> 0"));
  bind_campaign(query, campaign);
  std::vector<PhaseCount> counts;
  for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
    const delivery::CampaignCount row = KB_TRY(read_campaign_count(query));
    counts.push_back(row.of_group);
  }
  return counts;
}

Result<std::vector<OrderRow>> SqliteCampaignRows::orders_to_release(const CampaignKey& campaign,
                                                                    std::uint32_t last_group,
                                                                    std::uint32_t limit) {
  Query query = KB_TRY(this->query(
      "SELECT " KB_ORDER_COLUMNS
      " FROM orders WHERE provider = ?1 AND campaign = ?2 AND grp <= ?3 AND held = 1 AND "
      "current_attempt > 0 AND state IN ('ordered', 'sealed') ORDER BY grp, id LIMIT ?4"));
  bind_campaign(query, campaign);
  query.bind(3, static_cast<std::int64_t>(last_group));
  query.bind(4, static_cast<std::int64_t>(limit));
  return read_orders(query);
}

Result<std::vector<OrderRow>> SqliteCampaignRows::orders_to_cancel(const CampaignKey& campaign,
                                                                   std::uint32_t limit) {
  Query query = KB_TRY(this->query(
      "SELECT " KB_ORDER_COLUMNS
      " FROM orders WHERE provider = ?1 AND campaign = ?2 AND campaign IS NOT NULL AND touched = 0 "
      "AND (state = 'ordered' OR state = 'enrolled' OR state = 'sealed') ORDER BY id LIMIT ?3"));
  bind_campaign(query, campaign);
  query.bind(3, static_cast<std::int64_t>(limit));
  return read_orders(query);
}

Result<void> SqliteCampaignRows::append_history(const OrderKey& order, const HistoryRow& row) {
  Query query = KB_TRY(this->query(
      "INSERT INTO order_history(provider, order_id, ordinal, time, event, attempt, state, "
      "order_state, revision) VALUES (?1, ?2, (SELECT coalesce(max(ordinal), 0) + 1 FROM "
      "order_history WHERE provider = ?1 AND order_id = ?2), ?3, ?4, ?5, ?6, ?7, ?8)"));
  bind_key(query, order);
  query.bind(3, row.time);
  query.bind(4, std::string_view(row.event));
  query.bind(5, static_cast<std::int64_t>(row.attempt));
  query.bind(6, delivery::name(row.state));
  query.bind(7, delivery::name(row.order_state));
  query.bind(8, static_cast<std::int64_t>(row.revision));
  return query.run();
}

Result<std::vector<HistoryRow>> SqliteCampaignRows::history_of(const OrderKey& order,
                                                               std::uint64_t after,
                                                               std::uint32_t limit) {
  Query query = KB_TRY(
      this->query("SELECT " KB_HISTORY_COLUMNS
                  " FROM order_history WHERE provider = ?1 AND order_id = ?2 AND ordinal > ?3 "
                  "ORDER BY ordinal LIMIT ?4"));
  bind_key(query, order);
  query.bind(3, static_cast<std::int64_t>(after));
  query.bind(4, static_cast<std::int64_t>(limit));
  std::vector<HistoryRow> rows;
  for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
    HistoryRow row = KB_TRY(read_history(query));
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace kagibin::store
