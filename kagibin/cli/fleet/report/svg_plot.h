// SPDX-License-Identifier: Apache-2.0
// A run as a picture: how many deliveries ended in each part of it, and how the time from order to
// verdict is distributed. An SVG 1.1 document that needs nothing else.
//
//   write_file(path, svg_plot(figures));
#pragma once

#include <string>

#include "kagibin/cli/fleet/report/run_figures.h"

namespace kagibin::cli::fleet {

std::string svg_plot(const RunFigures& figures);

}  // namespace kagibin::cli::fleet
