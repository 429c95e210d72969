// SPDX-License-Identifier: Apache-2.0
// The rows of the matrix: each is the real system, weakened in the one place that it says. Rows
// that are modelled and not built are refused by name. Values.
//
//   const Scheme scheme = KB_TRY(find_scheme("b1"));
#pragma once

#include <span>
#include <string_view>

#include "kagibin/base/result.h"

namespace kagibin::attack {

struct Scheme {
  enum class RootKnownTo : unsigned char { kNobody, kManager, kEverybody };

  std::string_view name{};
  std::string_view what{};
  std::string_view weakness{};  // where it differs from the real system
  std::string_view model{};     // in models/
  RootKnownTo root = RootKnownTo::kNobody;
  bool is_conventional = false;  // B holds K and pushes it, over a network that all see
  bool is_maker_pinned = true;   // false: A takes the last shipment list that verifies
  bool has_other_maker = false;  // an outsider is another maker, certified like the honest one
  bool by_certificates = false;  // RL2
  // RL2 puts a key set that A alone knows, over the same relay; the delivery is under it, at RL3.
  bool goes_on_at_rl3 = false;
  bool is_own_delivery = false;            // OS: the domain opens the envelope, nothing is relayed
  bool manager_certifies_domains = false;  // the root's key serves C, for CERT.SD alone
  bool is_kda_by_manager = false;          // C's code, attested as the KDA and on A's allow-list
  bool rotates_first = false;              // A's own key set goes first, over the same relay
  bool has_only_outsider = false;          // the model has no other column

  constexpr bool opens_by_key_set() const {
    return !is_own_delivery && (!by_certificates || goes_on_at_rl3);
  }
  constexpr bool opens_by_certificates() const { return by_certificates && !goes_on_at_rl3; }
};

std::span<const Scheme> schemes();
// kNotSupported, with the reason, for a row that is modelled and not built; kValue for any other
// name.
Result<Scheme> find_scheme(std::string_view name);

}  // namespace kagibin::attack
