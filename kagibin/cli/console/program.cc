// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/console/program.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "kagibin/cli/console/manual_page.h"
#include "kagibin/cli/console/passphrase.h"

namespace kagibin::cli {

namespace {

std::filesystem::path default_home(const std::string& role) {
  // NOLINTBEGIN(concurrency-mt-unsafe): read once at the start, before any thread
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  // NOLINTEND(concurrency-mt-unsafe)
  if (data != nullptr && *data != '\0') {
    return std::filesystem::path(data) / "kagibin" / role;
  }
  return std::filesystem::path(home != nullptr ? home : ".") / ".local/share/kagibin" / role;
}

}  // namespace

Program::Program(std::string role, const std::string& what)
    : role_(std::move(role)), app_(what, "kagibin-" + role_), home_(default_home(role_)) {
  app_.set_version_flag("--version", std::string("kagibin ") + KAGIBIN_VERSION);
  app_.add_option("--home", home_, "folder of this role's files")->capture_default_str();
  app_.add_flag("--json", json_, "print results as JSON, one object a line");
  app_.require_subcommand(1);
  app_.fallthrough();
  app_.footer(
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 try again (nothing is lost).");
}

void Program::add_passphrase_option() {
  app_.add_option(
      "--passphrase-file", passphrase_file_,
      "file with the passphrase of the key records (mode 0600); without it a systemd credential "
      "\"kagibin-passphrase\" or a prompt is used");
}

Result<SecretBytes> Program::passphrase(bool twice) const {
  return read_passphrase(passphrase_file_, "passphrase of " + home_.string(), twice);
}

void Program::add_second_passphrase_option() {
  app_.add_option("--second-passphrase-file", second_passphrase_file_,
                  "file with the second custodian's passphrase (mode 0600), for keys under dual "
                  "control; without it a systemd credential \"kagibin-second-passphrase\" or a "
                  "prompt is used");
}

Result<SecretBytes> Program::second_passphrase(bool twice) const {
  return read_passphrase(second_passphrase_file_,
                         "passphrase of the second custodian of " + home_.string(), twice,
                         "kagibin-second-passphrase");
}

int Program::run(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--manual-page") {
    fmt::print("{}", manual_page(app_, "kagibin " KAGIBIN_VERSION));
    return kExitOk;
  }
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help, --version
      return app_.exit(error);
    }
    // What the command line says is not in json_ yet: it was not read to its end.
    const bool json =
        std::any_of(argv, argv + argc, [](std::string_view word) { return word == "--json"; });
    return Console(json).failed_usage(error.what());
  }
  return code_;
}

}  // namespace kagibin::cli
