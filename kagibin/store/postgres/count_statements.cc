// SPDX-License-Identifier: Apache-2.0
// Orders counted by state: what a transaction adds goes out behind the changes that it counts, in
// one statement, and is undone with them.
#include <utility>

#include "kagibin/store/orders/order_rows.h"
#include "kagibin/store/postgres/order_statements.h"
#include "kagibin/store/postgres/order_transaction_postgres.h"

namespace kagibin::store {

using delivery::OrderCount;
using delivery::State;

void PostgresOrderTransaction::count(const Write& write, CountChanges& out) {
  if (!write.counted) {
    return;
  }
  const Counted& order = *write.counted;
  if (order.before) {
    --out[{order.provider, delivery::name(*order.before)}];
  }
  ++out[{order.provider, delivery::name(order.after)}];
}

void PostgresOrderTransaction::add_counts(CountChanges& changes) {
  std::vector<ByteView> providers;
  std::vector<std::string_view> states;
  std::vector<std::int64_t> numbers;
  for (const auto& [key, number] : changes) {
    if (number != 0) {
      providers.push_back(key.first.view());
      states.push_back(key.second);
      numbers.push_back(number);
    }
  }
  if (!numbers.empty()) {
    PgParameters parameters;
    parameters.octet_strings(providers).texts(states).integers(numbers);
    add(sql::kCountOrders, std::move(parameters));
  }
  changes.clear();
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
    sum[{row.provider, delivery::name(row.state)}] = static_cast<std::int64_t>(row.count);
  }
  for (const Write& write : writes_) {
    if (write.counted && (!provider || write.counted->provider == *provider)) {
      count(write, sum);
    }
  }
  std::vector<OrderCount> counts;
  for (const auto& [key, number] : sum) {
    const State state = KB_TRY(delivery::state_by_name(key.second));
    if (number > 0) {
      counts.push_back({key.first, state, static_cast<std::uint64_t>(number)});
    }
  }
  return counts;
}

}  // namespace kagibin::store
