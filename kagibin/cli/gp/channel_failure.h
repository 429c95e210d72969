// SPDX-License-Identifier: Apache-2.0
// Why no secure channel was opened, for people: which key version, which keys (by their check
// values, which are public), what the card answered, whether a try was used, what to do.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kagibin/cli/gp/input/key_file.h"

namespace kagibin::cli {

struct ChannelFailure {
  std::string sentence;  // with its full stop
  std::string advice{};  // without
};

// `used`: of the key file `file`; nullptr in SCP11.
ChannelFailure explain_channel_failure(const roles::security_module_manager::ChannelReport& report,
                                       const roles::security_module_manager::CardFacts& facts,
                                       const Error& error,
                                       const KeyFileEntry* used,
                                       const std::string& file);

// The card opened an SCP03 session with the right Key-MAC, and refused the first encrypted command
// by a word that says security, or we could not read its answer: ENC of `used` may be another than
// the card's, and in the second case is. `sw`: what the card answered; empty: it was the answer.
ChannelFailure explain_wrong_encryption(std::string_view command,
                                        std::optional<StatusWord> sw,
                                        const KeyFileEntry& used,
                                        const std::string& file);

}  // namespace kagibin::cli
