// SPDX-License-Identifier: Apache-2.0
// Privileges by the names that GPCS gives them (2.3.1, 6.6.1, table 6-1), as profiles write them:
// "Security Domain", "Card Lock". Case counts. Thread-safety: functions of their arguments.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/gp/registry/privileges.h"

namespace kagibin::cli {

// kValue for a name that is none.
Result<gp::Privileges> privilege_of(std::string_view name);
// In the order of their bits; reserved bits have no name.
std::vector<std::string> names_of(gp::Privileges privileges);

}  // namespace kagibin::cli
