// SPDX-License-Identifier: Apache-2.0
// Runs every way of a coalition under a scheme, and says whether the delivered key was among the
// keys that it named. Here alone the two are compared. Functions.
//
//   const Cell cell = attack_cell(scheme, coalition);
//   cell.leaks(); to_hex(cell.key->expose());
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/attack/cast/coalition.h"
#include "tests/attack/cast/scheme.h"
#include "tests/attack/ways/way.h"

namespace kagibin::attack {

struct WayTaken {
  std::string_view way;
  std::size_t tried = 0;
  std::string stopped_by{};
  std::string_view found_how{};  // empty: K was not found
};

struct Cell {
  Scheme scheme;
  Coalition coalition;
  std::vector<WayTaken> taken{};
  std::optional<SecretBytes> key{};  // the first of K, as the attacker computed it

  bool leaks() const { return key.has_value(); }
  std::string_view word() const { return leaks() ? "leaks" : "secret"; }
  std::size_t tried() const;
};

// The words of every cell that the scheme has in the models.
std::vector<Coalition> columns_of(const Scheme& scheme);

Cell attack_cell(const Scheme& scheme, const Coalition& coalition);

}  // namespace kagibin::attack
