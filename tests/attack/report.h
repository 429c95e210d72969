// SPDX-License-Identifier: Apache-2.0
// How results are shown: for people, and as JSON. Functions; they write to standard output.
#pragma once

#include <string>
#include <vector>

#include "tests/attack/judge.h"
#include "tests/attack/named/named_attack.h"
#include "tests/attack/processes.h"

namespace kagibin::attack {

void print_list();
void print_cell(const Cell& cell);
// A line a cell.
void print_processes(const std::vector<ProcessCell>& cells);
std::string processes_json(const std::vector<ProcessCell>& cells);
// A table, and a line for each key that was read.
void print_matrix(const std::vector<Cell>& cells);

void print_finding(const NamedAttack& attack, const Finding& finding);
std::string finding_json(const NamedAttack& attack, const Finding& finding);
std::string cell_json(const Cell& cell);
std::string matrix_json(const std::vector<Cell>& cells);

}  // namespace kagibin::attack
