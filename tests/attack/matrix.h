// SPDX-License-Identifier: Apache-2.0
// The expected matrix, and what was proved of it: a row a scheme, a column a coalition, in each
// cell one word. Text in, sentences out; no files. Values.
//
//   const ExpectedMatrix expected = KB_TRY(ExpectedMatrix::parse(text));
//   for (const std::string& problem : expected.differences(cells)) { ... }
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/attack/judge.h"
#include "tests/attack/processes.h"

namespace kagibin::attack {

class ExpectedMatrix {
 public:
  // Lines of a scheme, its model and a word a coalition: secret, leaks, or `.`. kEncoding
  // otherwise, and where schemes or coalitions are not those of the program.
  static Result<ExpectedMatrix> parse(std::string_view text);

  // A sentence for each cell that came out otherwise.
  std::vector<std::string> differences(const std::vector<Cell>& cells) const;
  std::vector<std::string> differences(const std::vector<ProcessCell>& cells) const;
  // The same for each cell whose word is not the first letter of its line in models/expected.txt
  // (S secret, A leaks). Cells to which the prover gave no answer are named in `unproved`.
  std::vector<std::string> disagreements(std::string_view proofs,
                                         std::vector<std::string>& unproved) const;

 private:
  void compare(const std::string& scheme,
               const Coalition& coalition,
               std::string_view word,
               std::vector<std::string>& out) const;

  std::map<std::pair<std::string, std::string>, std::string> words_;  // scheme, coalition
};

}  // namespace kagibin::attack
