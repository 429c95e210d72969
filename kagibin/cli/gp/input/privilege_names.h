// SPDX-License-Identifier: Apache-2.0
// Privileges as people write and read them (GPCS 2.3.1, tables 11-7 to 11-9): "security-domain",
// "trusted-path" and so on, several with commas; or one or three octets in hexadecimal digits.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kagibin/gp/registry/privileges.h"

namespace kagibin::cli {

// kInvalidArgument for a word that is none; errors of Privileges::check() for the whole.
Result<gp::Privileges> parse_privileges(const std::string& text);
std::vector<std::string_view> privilege_names(gp::Privileges privileges);

}  // namespace kagibin::cli
