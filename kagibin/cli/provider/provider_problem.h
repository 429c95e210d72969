// SPDX-License-Identifier: Apache-2.0
// A problem of the service provider for the person who runs the command: what happened, which file
// it is about where it is the journal's, and what to do.
#pragma once

#include <string>
#include <string_view>

#include "kagibin/cli/console/program.h"
#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::cli {

// Whole sentences in one line.
std::string sentences_of(const Program& program, const roles::service_provider::Problem& problem);

// The same on standard error after `what` (and the object with --json); the exit code of the
// problem.
int report_problem(const Program& program,
                   const roles::service_provider::Problem& problem,
                   std::string_view what);

}  // namespace kagibin::cli
