// SPDX-License-Identifier: Apache-2.0
// Campaigns and histories in a transaction on PostgreSQL. A campaign that is read stays in memory,
// and reading one sends nothing: what was changed before goes out with the commit, so that a batch
// takes no lock of counters on its way. It is
// changed by whoever has its lock: a request of its provider, or the one distributor of
// several that found it due. Histories go out with the commit, in one statement for the batch.
#include <algorithm>
#include <iterator>
#include <utility>

#include "kagibin/store/orders/campaign_columns.h"
#include "kagibin/store/postgres/order_statements.h"
#include "kagibin/store/postgres/order_transaction_postgres.h"

namespace kagibin::store {

using delivery::CampaignKey;
using delivery::CampaignRow;
using delivery::HistoryRow;
using delivery::OrderKey;
using delivery::OrderRow;

namespace {

PgParameters key_of(const CampaignKey& campaign) {
  PgParameters out;
  out.octets(campaign.provider.view()).text(campaign.id.text());
  return out;
}

// Parameters 1 to 12 of kInsertCampaign and kUpdateCampaign.
PgParameters progress_of(const CampaignRow& row) {
  PgParameters out = key_of(row.key());
  out.text(delivery::name(row.state)).text(row.reason).integer(row.changed_at);
  out.integer(static_cast<std::int64_t>(row.released)).integer(row.credit).integer(row.credit_at);
  out.integer(row.settled_at).integer(row.due).text(actor_text(row));
  out.integer(pausers_number(row));
  return out;
}

}  // namespace

Result<std::optional<CampaignRow>> PostgresOrderTransaction::read_first_campaign(
    std::string_view sql, PgParameters parameters) {
  KB_TRY(alive());
  const std::size_t place = add(sql, std::move(parameters));
  const std::vector<PgRows> answers = KB_TRY(run());
  if (answers[place].count() == 0) {
    return std::optional<CampaignRow>();
  }
  CampaignRow row = KB_TRY(read_campaign(answers[place].at(0)));
  return std::optional(std::move(row));
}

Result<std::optional<CampaignRow>> PostgresOrderTransaction::find_campaign(
    const CampaignKey& campaign) {
  KB_TRY(alive());
  const auto known = campaigns_.find(campaign);
  if (known != campaigns_.end()) {
    return known->second;
  }
  std::optional<CampaignRow> row =
      KB_TRY(read_first_campaign(sql::kFindCampaign, key_of(campaign)));
  campaigns_.insert_or_assign(campaign, row);
  return row;
}

Result<std::optional<CampaignRow>> PostgresOrderTransaction::take_campaign(
    const CampaignKey& campaign) {
  KB_TRY(alive());
  if (changed_campaigns_.contains(campaign)) {  // made here, or taken before
    return campaigns_[campaign];
  }
  std::optional<CampaignRow> row =
      KB_TRY(read_first_campaign(sql::kTakeCampaign, key_of(campaign)));
  campaigns_.insert_or_assign(campaign, row);
  return row;
}

Result<std::optional<CampaignRow>> PostgresOrderTransaction::take_due(std::int64_t from,
                                                                      std::int64_t until) {
  KB_TRY(send_writes());  // what is due may have changed here
  std::optional<CampaignRow> row = KB_TRY(
      read_first_campaign(sql::kTakeDueCampaign, PgParameters().integer(from).integer(until)));
  if (row) {
    campaigns_.insert_or_assign(row->key(), row);
  }
  return row;
}

// A name that another one takes meanwhile ends the whole transaction, which is tried again.
Result<void> PostgresOrderTransaction::insert_campaign(const CampaignRow& row) {
  KB_TRY(alive());
  PgParameters parameters = progress_of(row);
  parameters.text(row.terms).integer(row.created_at);
  writes_.push_back({.sql = sql::kInsertCampaign, .parameters = std::move(parameters)});
  campaigns_.insert_or_assign(row.key(), row);
  changed_campaigns_.insert(row.key());
  return {};
}

Result<void> PostgresOrderTransaction::update_campaign(const CampaignRow& row) {
  KB_TRY(alive());
  writes_.push_back({.sql = sql::kUpdateCampaign, .parameters = progress_of(row)});
  campaigns_.insert_or_assign(row.key(), row);
  changed_campaigns_.insert(row.key());
  return {};
}

Result<std::vector<CampaignRow>> PostgresOrderTransaction::list_campaigns(const Spid& provider,
                                                                          std::string_view after,
                                                                          std::uint32_t limit) {
  KB_TRY(alive());
  KB_TRY(send_writes());
  PgParameters parameters;
  parameters.octets(provider.view()).text(after).integer(limit);
  const std::size_t place = add(sql::kListCampaigns, std::move(parameters));
  const std::vector<PgRows> answers = KB_TRY(run());
  std::vector<CampaignRow> rows;
  for (int i = 0; i < answers[place].count(); ++i) {
    CampaignRow row = KB_TRY(read_campaign(answers[place].at(i)));
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::uint32_t> PostgresOrderTransaction::open_campaigns(const Spid& provider,
                                                               std::uint32_t limit) {
  KB_TRY(alive());
  const bool counts = std::ranges::any_of(
      changed_campaigns_, [&](const CampaignKey& one) { return one.provider == provider; });
  if (counts || undoes_sent_) {
    KB_TRY(send_writes());
  }
  PgParameters parameters;
  parameters.octets(provider.view()).integer(limit);
  const std::size_t place = add(sql::kOpenCampaigns, std::move(parameters));
  const std::vector<PgRows> answers = KB_TRY(run());
  return static_cast<std::uint32_t>(answers[place].at(0).integer(0));
}

Result<std::vector<OrderRow>> PostgresOrderTransaction::take_named_orders(std::string_view sql,
                                                                          PgParameters parameters) {
  KB_TRY(alive());
  KB_TRY(send_writes());
  const std::size_t place = add(sql, std::move(parameters));
  const std::vector<PgRows> answers = KB_TRY(run());
  std::vector<OrderKey> keys;
  for (int i = 0; i < answers[place].count(); ++i) {
    const PgRow row = answers[place].at(i);
    const Spid provider = KB_TRY(Spid::from(row.octets(0)));
    const delivery::OrderId id = KB_TRY(delivery::OrderId::from(row.text(1)));
    keys.push_back({.provider = provider, .id = id});
  }
  std::vector<OrderKey> to_load;
  std::ranges::copy_if(keys, std::back_inserter(to_load), [this](const OrderKey& key) {
    return !entries_.contains(key) || !entries_[key].locked;
  });
  if (!to_load.empty()) {
    KB_TRY(load(to_load, true));
  }
  std::vector<OrderRow> rows;
  for (const OrderKey& key : keys) {
    if (entries_[key].order) {
      rows.push_back(*entries_[key].order);
    }
  }
  return rows;
}

Result<std::vector<OrderRow>> PostgresOrderTransaction::orders_to_release(
    const CampaignKey& campaign, std::uint32_t last_group, std::uint32_t limit) {
  PgParameters parameters = key_of(campaign);
  parameters.integer(last_group).integer(limit);
  return take_named_orders(sql::kOrdersToRelease, std::move(parameters));
}

Result<std::vector<OrderRow>> PostgresOrderTransaction::orders_to_cancel(
    const CampaignKey& campaign, std::uint32_t limit) {
  PgParameters parameters = key_of(campaign);
  parameters.integer(limit);
  return take_named_orders(sql::kOrdersToCancel, std::move(parameters));
}

Result<void> PostgresOrderTransaction::append_history(const OrderKey& order,
                                                      const HistoryRow& row) {
  KB_TRY(alive());
  history_.emplace_back(order, row);
  return {};
}

void PostgresOrderTransaction::add_history() {
  if (history_.empty()) {
    return;
  }
  std::vector<ByteView> providers;
  std::vector<std::string_view> orders;
  std::vector<std::int64_t> places;
  std::vector<std::int64_t> times;
  std::vector<std::string_view> events;
  std::vector<std::int64_t> attempts;
  std::vector<std::string_view> states;
  std::vector<std::string_view> order_states;
  std::vector<std::int64_t> revisions;
  for (const auto& [order, row] : history_) {
    providers.push_back(order.provider.view());
    orders.push_back(order.id.text());
    places.push_back(static_cast<std::int64_t>(places.size()));
    times.push_back(row.time);
    events.push_back(row.event);
    attempts.push_back(row.attempt);
    states.push_back(delivery::name(row.state));
    order_states.push_back(delivery::name(row.order_state));
    revisions.push_back(row.revision);
  }
  PgParameters parameters;
  parameters.octet_strings(providers).texts(orders).integers(places).integers(times);
  parameters.texts(events).integers(attempts).texts(states).texts(order_states);
  parameters.integers(revisions);
  add(sql::kAppendHistory, std::move(parameters));
}

// What this transaction adds itself is not there yet.
Result<std::vector<HistoryRow>> PostgresOrderTransaction::history_of(const OrderKey& order,
                                                                     std::uint64_t after,
                                                                     std::uint32_t limit) {
  KB_TRY(alive());
  PgParameters parameters;
  parameters.octets(order.provider.view()).text(order.id.text());
  parameters.integer(static_cast<std::int64_t>(after)).integer(limit);
  const std::size_t place = add(sql::kHistoryOf, std::move(parameters));
  const std::vector<PgRows> answers = KB_TRY(run());
  std::vector<HistoryRow> rows;
  for (int i = 0; i < answers[place].count(); ++i) {
    HistoryRow row = KB_TRY(read_history(answers[place].at(i)));
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace kagibin::store
