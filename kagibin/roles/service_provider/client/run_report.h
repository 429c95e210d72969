// SPDX-License-Identifier: Apache-2.0
// What one run of the service provider's client did, for the person who runs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kagibin/delivery/names.h"
#include "kagibin/delivery/order_state.h"

namespace kagibin::roles::service_provider {

// One thing that happened to one order.
struct RunEvent {
  delivery::OrderId order;
  delivery::AttemptNumber attempt = 0;
  delivery::State state = delivery::State::kOrdered;  // as we see it
  std::string text;                                   // one sentence
  bool trouble = false;                               // needs somebody to look
};

struct RunReport {
  std::vector<RunEvent> events;
  bool news = false;  // the operator listed something that we had not seen
  bool more = false;  // and has more of it: call again at once
  // Orders and further attempts that the operator does not take yet, for it limits us: they are
  // sent again by themselves.
  std::size_t over_limit = 0;
  std::optional<std::uint32_t> retry_after_seconds;
};

}  // namespace kagibin::roles::service_provider
