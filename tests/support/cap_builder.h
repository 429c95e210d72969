// SPDX-License-Identifier: Apache-2.0
// Small CAP files as load file data blocks (kagibin/gp/content/cap_file.h), put together from their
// parts: applets without bytecode worth the name.
//
//   const Bytes block = CapBuilder{.package = "F000000009", .applets = {"F00000000901"}}.build();
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "kagibin/base/bytes.h"

namespace kagibin::test {

struct CapBuilder {
  std::string_view package;                                 // AID, hexadecimal
  std::vector<std::string_view> applets{};                  // AIDs
  std::vector<std::string_view> imports{"A0000000620101"};  // AIDs of packages, version 1.0
  std::array<std::uint8_t, 2> version{1, 0};                // of the package: major, minor
  std::uint8_t format = 1;                                  // minor: 2.1 to 2.3
  std::size_t method_octets = 8;                            // in the Method component

  Bytes build() const;
};

}  // namespace kagibin::test
