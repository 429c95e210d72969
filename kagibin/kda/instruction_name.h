// SPDX-License-Identifier: Apache-2.0
// What the KDA's commands are called, for people and logs (protocol, section 9).
//
//   kda::instruction_name(kda::ins::kEnrol) == "ENROL";
#pragma once

#include <cstdint>
#include <string_view>

namespace kagibin::kda {

// Empty for an instruction that the KDA does not have.
std::string_view instruction_name(std::uint8_t instruction);

}  // namespace kagibin::kda
