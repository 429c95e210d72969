// SPDX-License-Identifier: Apache-2.0
// The command line of a program that has no commands; those that have are a Program (program.h).
//
//   CLI::App app("...", "kagibin-demo");
//   if (const std::optional<int> code = cli::read_command_line(app, argc, argv)) { return *code; }
#pragma once

#include <optional>

#include <CLI/CLI.hpp>

namespace kagibin::cli {

// Empty when the program may go on; else its exit code: 0 behind --help, --version and
// --manual-page, 2 for wrong usage, which is told on standard error.
std::optional<int> read_command_line(CLI::App& app, int argc, char** argv);

}  // namespace kagibin::cli
