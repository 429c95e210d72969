// SPDX-License-Identifier: Apache-2.0
// The worked example of doc/wire_format.md: one delivery at RL1 in suite 01 from a fixed random
// source, with every private key and every intermediate value. For tests and documents only.
//
// The values are in the order in which they arise; a section heads those that follow it.
// doc/wire_format_check.py recomputes all of them without this project's code.
//
//   for (const ExampleValue& value : worked_example()) { ... }
#pragma once

#include <string>
#include <vector>

#include "kagibin/base/bytes.h"

namespace kagibin::test {

struct ExampleValue {
  std::string section;
  std::string name;  // "E0", "CERT.KDA", "SK.SP.SIG"
  Bytes octets;
};

std::vector<ExampleValue> worked_example();
// The value of this name; KB_CHECK that there is one.
Bytes example_octets(const std::vector<ExampleValue>& values, std::string_view name);
// The text of testdata/worked_example.vec.
std::string as_vector_file(const std::vector<ExampleValue>& values);

}  // namespace kagibin::test
