// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/load/order_board.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kagibin::cli::fleet {

using delivery::State;

void OrderBoard::opened(std::uint32_t number, double due) {
  const std::lock_guard lock(mutex_);
  OrderTimes& order = orders_.at(number);
  order.due = due;
  if (!order.is_open) {
    order.is_open = true;
    count_.opened += number < counted_ ? 1U : 0U;
  }
}

void OrderBoard::moved(std::uint32_t number,
                       State state,
                       delivery::AttemptNumber attempt,
                       double now) {
  const std::lock_guard lock(mutex_);
  OrderTimes& order = orders_.at(number);
  order.attempts = std::max(order.attempts, attempt);
  count_.last_news = now;
  if (order.state == state || delivery::is_final(order.state)) {
    return;
  }
  order.state = state;
  if (delivery::is_final(state) && number < counted_) {
    ++count_.ended;
    count_.confirmed += state == State::kConfirmed ? 1U : 0U;
  }
}

void OrderBoard::verdict_taken(std::uint32_t number, double now) {
  const std::lock_guard lock(mutex_);
  orders_.at(number).verdict = now;
}

void OrderBoard::trouble(std::string sentence) {
  const std::lock_guard lock(mutex_);
  ++count_.troubles;
  if (troubles_.size() < kKeptTroubles) {
    troubles_.push_back(std::move(sentence));
  }
}

OrderBoard::Count OrderBoard::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

OrderTimes OrderBoard::of(std::uint32_t number) const {
  const std::lock_guard lock(mutex_);
  return orders_.at(number);
}

std::vector<OrderTimes> OrderBoard::all() const {
  const std::lock_guard lock(mutex_);
  return {orders_.begin(), orders_.begin() + counted_};
}

std::vector<std::string> OrderBoard::troubles() const {
  const std::lock_guard lock(mutex_);
  return troubles_;
}

std::vector<double> OrderBoard::latencies() const {
  std::vector<double> out;
  for (const OrderTimes& order : all()) {
    if (order.state == State::kConfirmed && order.verdict >= 0) {
      out.push_back(order.verdict - order.due);
    }
  }
  std::ranges::sort(out);
  return out;
}

double quantile(const std::vector<double>& rising, double share) {
  if (rising.empty()) {
    return 0;
  }
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(rising.size())));
  return rising.at(std::clamp<std::size_t>(rank, 1, rising.size()) - 1);
}

}  // namespace kagibin::cli::fleet
