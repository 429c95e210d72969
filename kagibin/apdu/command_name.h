// SPDX-License-Identifier: Apache-2.0
// What a command is called, by its header, and where it is specified: for people and logs.
//
// Known: the interindustry commands of ISO/IEC 7816-4 and GlobalPlatform's (GPCS chapters 10, 11
// and E, Amendments D and F). An application may give an instruction another meaning: the name is
// what the specifications say. Ownership: views of literals. Thread-safety: values.
//
//   const CommandName name = apdu::command_name(0x80, 0xE6, 0x02, 0x00);
//   name.text == "INSTALL [for load]" && name.clause == "GPCS 11.5";
#pragma once

#include <cstdint>
#include <string_view>

namespace kagibin::apdu {

struct CommandName {
  std::string_view text{};    // empty when the instruction is none that is known
  std::string_view clause{};  // of the command
};

CommandName command_name(std::uint8_t cla, std::uint8_t ins, std::uint8_t p1, std::uint8_t p2);

}  // namespace kagibin::apdu
