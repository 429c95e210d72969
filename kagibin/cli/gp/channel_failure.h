// SPDX-License-Identifier: Apache-2.0
// Why no secure channel was opened, for people: which key version, which keys (by their check
// values, which are public), what the card answered, whether a try was used, what to do.
#pragma once

#include <string>

#include "kagibin/cli/gp/input/key_file.h"

namespace kagibin::cli {

struct ChannelFailure {
  std::string sentence;  // with its full stop
  std::string advice;    // without
};

// `used`: of the key file `file`; nullptr in SCP11.
ChannelFailure explain_channel_failure(const roles::security_module_manager::ChannelReport& report,
                                       const roles::security_module_manager::CardFacts& facts,
                                       const Error& error,
                                       const KeyFileEntry* used,
                                       const std::string& file);

}  // namespace kagibin::cli
