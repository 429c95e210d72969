// SPDX-License-Identifier: Apache-2.0
// kagibin distributor tenant set|show|list: limits of tenants, in the store itself. Distributors
// heed them from their next transaction on.
//
//   TenantOptions options;
//   add_tenant_commands(program, options);
#pragma once

#include <cstdint>
#include <string>

#include "kagibin/cli/console/program.h"

namespace kagibin::cli {

struct TenantOptions {
  std::string spid;
  std::string max_open;  // a number, or "none"; empty: as it is
  std::string per_minute;
  std::string burst;
  std::string store;
};

// Options outlive the program's run.
void add_tenant_commands(Program& program, TenantOptions& options);

}  // namespace kagibin::cli
