// SPDX-License-Identifier: Apache-2.0
// Who attacks together: the columns of the matrix (doc/threat_model.md, models/README.md).
// Everybody sees and may change what goes over the network; the relay in the device is seen by
// D-passive and D-active, and changed by D-active. Values.
//
//   const Coalition them = KB_TRY(Coalition::parse("C,D-active"));
//   them.name();                                                     // "C+Da"
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "kagibin/base/result.h"

namespace kagibin::attack {

struct Coalition {
  bool has_operator = false;  // B
  bool has_manager = false;   // C
  bool sees_relay = false;    // Dp, and Da
  bool rules_relay = false;   // Da

  // Names with commas or "+": B, C, D-passive or Dp, D-active or Da; outsider, N or nothing for
  // nobody of them. kValue for another name.
  static Result<Coalition> parse(std::string_view text);
  // outsider, B, C, Dp, Da, B+C, ...
  std::string name() const;
  // As models/ call the column.
  std::string column() const;
  friend bool operator==(const Coalition&, const Coalition&) = default;
};

// In the order of the matrix.
const std::array<Coalition, 10>& coalitions();

}  // namespace kagibin::attack
