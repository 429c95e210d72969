// SPDX-License-Identifier: Apache-2.0
// What a status word of the KDA means to the agent and its user: what happened, what state things
// are in, what to do. One table, by instruction (protocol, section 9).
//
// A status word has no authenticity: it tells the agent what to try next, never that a key is or is
// not installed. Only the receipt says that, and only to the service provider.
//
//   const StatusMeaning meaning = kda::meaning(kda::ins::kEnrol, sw);
#pragma once

#include <cstdint>
#include <string_view>

#include "kagibin/base/status_word.h"

namespace kagibin::kda {

struct StatusMeaning {
  std::string_view happened;
  std::string_view state;
  std::string_view advice;
  bool retry = false;  // the same command may help later without anybody else doing anything
};

// Total: an unknown status word has a meaning too.
StatusMeaning meaning(std::uint8_t instruction, StatusWord sw);

}  // namespace kagibin::kda
