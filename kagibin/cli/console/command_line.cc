// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/console/command_line.h"

#include <string_view>

#include <fmt/format.h>

#include "kagibin/cli/console/console.h"
#include "kagibin/cli/console/manual_page.h"

namespace kagibin::cli {

std::optional<int> read_command_line(CLI::App& app, int argc, char** argv) {
  app.set_version_flag("--version", "kagibin " KAGIBIN_VERSION);
  if (argc == 2 && std::string_view(argv[1]) == "--manual-page") {
    fmt::print("{}", manual_page(app, "kagibin " KAGIBIN_VERSION));
    return kExitOk;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return std::nullopt;
}

}  // namespace kagibin::cli
