// SPDX-License-Identifier: Apache-2.0
// What key usages of key blocks mean, and the modes of use that go with them (ANSI X9.143, 6.3.1
// and 6.3.3, tables 2 and 4). Mode N, "no restriction but the usage's own", goes with all. Numeric
// usages and modes are a maker's own and unknown here. Thread-safety: functions.
//
//   const KeyUsage* usage = find_key_usage("B3");
//   if (usage != nullptr && usage->allows('X')) { ... }
#pragma once

#include <string_view>

namespace kagibin::crypto {

struct KeyUsage {
  std::string_view code;
  std::string_view name;
  std::string_view modes;  // without N

  bool allows(char mode) const { return mode == 'N' || modes.find(mode) != std::string_view::npos; }
};

// Null for a usage that the standard does not name.
const KeyUsage* find_key_usage(std::string_view code);

// "MAC generation and verification"; empty for a mode that the standard does not name.
std::string_view mode_name(char mode);

}  // namespace kagibin::crypto
