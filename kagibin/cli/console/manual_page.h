// SPDX-License-Identifier: Apache-2.0
// A program's manual page, made of its own command line description, so that the two cannot differ.
//
// PROGRAM --manual-page prints it; the build writes one file a program (share/man/man1).
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace kagibin::cli {

// Section 1, in man(7) macros: name, synopsis, options, one sub-section a command, exit status.
std::string manual_page(const CLI::App& app, const std::string& version);

}  // namespace kagibin::cli
