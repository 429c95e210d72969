// SPDX-License-Identifier: Apache-2.0
// For this folder's tests: orders, attempts and names of them.
#pragma once

#include <gtest/gtest.h>

#include "kagibin/delivery/order_store.h"

namespace kagibin::store {

using delivery::AttemptRow;
using delivery::DeviceId;
using delivery::InvitationRow;
using delivery::OrderId;
using delivery::OrderKey;
using delivery::OrderRow;
using delivery::OrderStore;
using delivery::OrderTransaction;
using delivery::State;
using delivery::Verdict;
using delivery::VerdictMessage;
using delivery::Work;

inline constexpr Spid kProvider{{1}};

inline OrderKey key(std::string_view id, const Spid& provider = kProvider) {
  return {.provider = provider, .id = OrderId::from(id).value()};
}

inline OrderRow an_order(const std::string& id, std::int64_t not_after = 1'000) {
  return {.id = OrderId::from(id).value(),
          .provider = kProvider,
          .device = DeviceId::from("phone").value(),
          .not_after = not_after,
          .created_at = 5};
}

inline AttemptRow an_attempt(const OrderRow& order, delivery::AttemptNumber number, State state) {
  return {.order = order.id,
          .number = number,
          .provider = order.provider,
          .device = order.device,
          .kind = Work::Kind::kEnrol,
          .state = state,
          .opening = {0xE0, 0x00}};
}

// Puts an order with one attempt that is its current one.
inline void put(OrderTransaction& t,
                const std::string& id,
                State state,
                std::int64_t not_after = 1'000) {
  OrderRow order = an_order(id, not_after);
  ASSERT_TRUE(t.insert_order(order).has_value());
  ASSERT_TRUE(t.insert_attempt(an_attempt(order, 1, state)).has_value());
  order.current_attempt = 1;
  ASSERT_TRUE(t.update_order(order).has_value());
}

}  // namespace kagibin::store
