// SPDX-License-Identifier: Apache-2.0
// What must be true of every order at the end of a run, whatever was done to it: the invariants of
// a delivery (I1, I3, I4, I7), asked of what provider, distributor and element each show.
//
// Pure. A violation is a sentence that names the order and what contradicts what.
//
//   for (const std::string& violation : violations(seen, true)) { ... }
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kagibin/delivery/order_state.h"

namespace kagibin::cli::fleet {

// One order, seen from everywhere.
struct Seen {
  std::uint32_t number = 0;
  bool is_ordered = false;
  delivery::State at_provider = delivery::State::kOrdered;
  bool has_receipt = false;                 // at the provider, with its verdict
  std::uint32_t confirmed_at_operator = 0;  // attempts
  // In the element.
  std::uint32_t installs = 0;  // changes of the domain's key records
  bool has_first_keys = false;
  bool has_new_keys = false;
  bool opens_with_new_keys = false;  // a session under the keys that the provider ordered
};

// `is_over`: the run came to its end, so that no order may be open any more.
std::vector<std::string> violations(const Seen& seen, bool is_over);

}  // namespace kagibin::cli::fleet
