// SPDX-License-Identifier: Apache-2.0
// A run's figures as text for a person, and as one JSON object for a program.
//
//   fmt::print("{}", text_report(figures));
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "kagibin/cli/fleet/report/run_figures.h"

namespace kagibin::cli::fleet {

std::string text_report(const RunFigures& figures);
boost::json::object json_report(const RunFigures& figures);

}  // namespace kagibin::cli::fleet
