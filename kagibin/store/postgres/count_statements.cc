// SPDX-License-Identifier: Apache-2.0
// Orders counted by state, and by phase in campaigns: what a transaction adds goes out behind the
// changes that it counts, in one statement each, and is undone with them.
#include <utility>

#include "kagibin/store/orders/campaign_columns.h"
#include "kagibin/store/orders/order_rows.h"
#include "kagibin/store/postgres/order_statements.h"
#include "kagibin/store/postgres/order_transaction_postgres.h"

namespace kagibin::store {

using delivery::CampaignKey;
using delivery::OrderCount;
using delivery::OrderRow;
using delivery::PhaseCount;
using delivery::State;

void PostgresOrderTransaction::count(const Write& write, CountChanges& out) {
  if (!write.counted) {
    return;
  }
  const auto add_order = [&](const OrderRow& row, int number) {
    out.orders[{row.provider, delivery::name(row.state)}] += number;
    if (row.membership) {
      const CampaignKey campaign{.provider = row.provider, .id = row.membership->campaign};
      out.phases[{campaign, row.membership->group,
                  delivery::phase_of(row.state, row.membership->held)}] += number;
    }
  };
  if (write.counted->before) {
    add_order(*write.counted->before, -1);
  }
  add_order(write.counted->after, 1);
}

void PostgresOrderTransaction::add_counts(CountChanges& changes) {
  std::erase_if(changes.orders, [](const auto& change) { return change.second == 0; });
  std::erase_if(changes.phases, [](const auto& change) { return change.second == 0; });
  std::vector<ByteView> providers;
  std::vector<std::string_view> names;
  std::vector<std::int64_t> numbers;
  for (const auto& [key, number] : changes.orders) {
    providers.push_back(key.first.view());
    names.push_back(key.second);
    numbers.push_back(number);
  }
  if (!numbers.empty()) {
    PgParameters parameters;
    parameters.octet_strings(providers).texts(names).integers(numbers);
    add(sql::kCountOrders, std::move(parameters));
  }
  providers.clear();
  names.clear();
  numbers.clear();
  std::vector<std::int64_t> groups;
  std::vector<std::string_view> phases;
  for (const auto& [key, number] : changes.phases) {
    const auto& [campaign, group, phase] = key;
    providers.push_back(campaign.provider.view());
    names.push_back(campaign.id.text());
    groups.push_back(group);
    phases.push_back(phase);
    numbers.push_back(number);
  }
  if (!numbers.empty()) {
    PgParameters parameters;
    parameters.octet_strings(providers).texts(names).integers(groups).texts(phases);
    parameters.integers(numbers);
    add(sql::kCountPhases, std::move(parameters));
  }
  changes = {};
}

Result<std::vector<OrderCount>> PostgresOrderTransaction::order_counts(
    const std::optional<Spid>& provider) {
  KB_TRY(alive());
  if (undoes_sent_) {
    KB_TRY(send_writes());
  }
  auto known = read_counts_.find(provider);
  if (known == read_counts_.end()) {
    const std::size_t place = provider
                                  ? add(sql::kOrderCounts, PgParameters().octets(provider->view()))
                                  : add(sql::kAllOrderCounts);
    const std::vector<PgRows> answers = KB_TRY(run());
    std::vector<OrderCount> rows;
    for (int i = 0; i < answers[place].count(); ++i) {
      const OrderCount row = KB_TRY(read_order_count(answers[place].at(i)));
      rows.push_back(row);
    }
    known = read_counts_.emplace(provider, std::move(rows)).first;
  }
  CountChanges sum;
  for (const OrderCount& row : known->second) {
    sum.orders[{row.provider, delivery::name(row.state)}] = static_cast<std::int64_t>(row.count);
  }
  for (const Write& write : writes_) {
    if (write.counted && (!provider || write.counted->after.provider == *provider)) {
      count(write, sum);
    }
  }
  std::vector<OrderCount> counts;
  for (const auto& [key, number] : sum.orders) {
    const State state = KB_TRY(delivery::state_by_name(key.second));
    if (number > 0) {
      counts.push_back({key.first, state, static_cast<std::uint64_t>(number)});
    }
  }
  return counts;
}

Result<std::vector<PhaseCount>> PostgresOrderTransaction::phase_counts(
    const CampaignKey& campaign) {
  KB_TRY(alive());
  if (undoes_sent_) {
    KB_TRY(send_writes());
  }
  auto known = read_phases_.find(campaign);
  if (known == read_phases_.end()) {
    PgParameters parameters;
    parameters.octets(campaign.provider.view()).text(campaign.id.text());
    const std::size_t place = add(sql::kPhaseCounts, std::move(parameters));
    const std::vector<PgRows> answers = KB_TRY(run());
    std::vector<PhaseCount> rows;
    for (int i = 0; i < answers[place].count(); ++i) {
      const delivery::CampaignCount row = KB_TRY(read_campaign_count(answers[place].at(i)));
      rows.push_back(row.of_group);
    }
    known = read_phases_.emplace(campaign, std::move(rows)).first;
  }
  CountChanges sum;
  for (const PhaseCount& row : known->second) {
    sum.phases[{campaign, row.group,
                row.state ? delivery::name(*row.state) : delivery::kHeldPhase}] =
        static_cast<std::int64_t>(row.count);
  }
  for (const Write& write : writes_) {
    count(write, sum);
  }
  std::vector<PhaseCount> counts;
  for (const auto& [key, number] : sum.phases) {
    const auto& [of, group, phase] = key;
    if (of == campaign && number > 0) {
      const std::optional<State> state = KB_TRY(delivery::state_of_phase(phase));
      counts.push_back(
          {.group = group, .state = state, .count = static_cast<std::uint64_t>(number)});
    }
  }
  return counts;
}

}  // namespace kagibin::store
