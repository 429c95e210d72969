// SPDX-License-Identifier: Apache-2.0
// Options that every kagibin program has, and the frame of its main().
//
//   int main(int argc, char** argv) {
//     cli::Program program("authority", "E: the controlling authority");
//     auto* init = program.app().add_subcommand("init", "makes the root key");
//     init->callback([&] { program.finish(run_init(program)); });
//     return program.run(argc, argv);
//   }
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "kagibin/base/secret.h"
#include "kagibin/cli/console/console.h"

namespace kagibin::cli {

class Program {
 public:
  // `role` names the program (kagibin-ROLE) and its default home, $XDG_DATA_HOME/kagibin/ROLE.
  Program(std::string role, const std::string& what);

  CLI::App& app() { return app_; }
  // Adds --passphrase-file; passphrase() may be called afterwards.
  void add_passphrase_option();
  // Adds --second-passphrase-file; second_passphrase() may be called afterwards.
  void add_second_passphrase_option();
  const std::filesystem::path& home() const { return home_; }
  // Not before the command line was read.
  Console console() const { return Console(json_); }
  Result<SecretBytes> passphrase(bool twice) const;
  Result<SecretBytes> second_passphrase(bool twice) const;

  // Called once by the chosen subcommand with its exit code.
  void finish(int code) { code_ = code; }
  // Reads the command line and runs what it says. Exit codes as in console.h.
  int run(int argc, char** argv);

 private:
  std::string role_;
  CLI::App app_;
  std::filesystem::path home_;
  std::optional<std::filesystem::path> passphrase_file_;
  std::optional<std::filesystem::path> second_passphrase_file_;
  bool json_ = false;
  int code_ = kExitUsage;
};

}  // namespace kagibin::cli
