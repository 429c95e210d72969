// SPDX-License-Identifier: Apache-2.0
// The question of the matrix asked of real processes: `kagibin demo` delivers with every player as
// a program of its own, gives each party and coalition its stores, logs, captures, held keys and
// the memory of its processes at every step, searches all of that and lets the solver work on it
// (kagibin/cli/demo/knowledge). Here its answers are cells of the matrix.
//
// Knows the columns that a demo has: outsider (the carrier, with TLS removed), B, C, Dp, B+C, C+Dp.
// Schemes: p1, c3, d, o; and a, whose operator has to read the key, or nothing is believed.
// Functions.
//
//   for (const ProcessCell& cell : KB_TRY(attack_processes(folder_of_programs))) { ... }
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/attack/cast/coalition.h"

namespace kagibin::attack {

struct ProcessCell {
  std::string scheme;
  Coalition coalition;
  bool leaks = false;
  std::string how{};  // names of secrets, and where; empty when it is secret
  std::int64_t files = 0;
  std::int64_t memory_looks = 0;
  std::int64_t octets = 0;  // searched
  std::string word() const { return leaks ? "leaks" : "secret"; }
};

// kState when a demo did not deliver, left something unsearched, or the control did not leak; kIo
// when kagibin-demo is not in the folder. Takes a minute or two.
Result<std::vector<ProcessCell>> attack_processes(const std::filesystem::path& programs);

}  // namespace kagibin::attack
