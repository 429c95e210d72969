// SPDX-License-Identifier: Apache-2.0
// Many orders of one payload as a text: JSON Lines (RFC 8259 in each line), an order a line.
//
//   {"order":"spring-1","device":"phone-1"}
//   {"order":"spring-2","device":"phone-2","attributes":{"site":"lab"}}
//
// `order` is an order id of the writer's choice, no two alike: the same list again is the same
// orders. `attributes` are for the groups of a campaign. Strict: no member more, no empty line, no
// comment; every problem names its line. Limits: 1 to kMaxListedOrders lines of 4,096 octets.
// Ownership: values.
//
//   const std::vector<ListedOrder> list = KB_TRY(parse_order_list(text));
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "kagibin/delivery/campaign.h"
#include "kagibin/delivery/names.h"
#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::roles::service_provider {

inline constexpr std::size_t kMaxListedOrders = 100'000;

struct ListedOrder {
  delivery::OrderId id;
  delivery::DeviceId device;
  delivery::Attributes attributes{};
  friend bool operator==(const ListedOrder&, const ListedOrder&) = default;
};

// In the order of the lines: the first is line 1.
Checked<std::vector<ListedOrder>> parse_order_list(std::string_view text);

}  // namespace kagibin::roles::service_provider
