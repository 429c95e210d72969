// SPDX-License-Identifier: Apache-2.0
// The subcommands of kagibin provider around keys that come from and go to others: key blocks,
// ceremonies by components, and the second custodian (doc/key_blocks.md). What they read from the
// command line; every function returns an exit code and prints its own result or failure.
#pragma once

#include <filesystem>
#include <string>

#include "kagibin/cli/console/program.h"
#include "kagibin/cli/provider/provider_home.h"
#include "kagibin/cli/token/token_access.h"
#include "kagibin/roles/service_provider/keys/blocks/key_attributes.h"

namespace kagibin::cli {

struct KeyOptions {
  TokenAccess* tokens = nullptr;  // outlives the command
  std::string name;
  std::string kind = "master-key";
  std::string kbpk;
  std::filesystem::path file;
  std::filesystem::path out;
  std::string seid;
  std::string target;
  std::string key_version;     // empty: any of the target's
  std::string key_identifier;  // with key_version
  int number = 1;              // of a component
  int components = 2;
  int size = 32;
  std::string check_value;
  std::string exportability = "N";
  bool dual_control = false;
  std::string token_uri;
  crypto::KeyPlace place;
};

// Adds them all; both arguments outlive the program's run.
void add_key_commands(Program& program, KeyOptions& options);

// Keys as a user has them in a file: hexadecimal digits, blanks and newlines between. `what` names
// the place in messages.
provider::Checked<SecretBytes> octets_of_digits(const SecretBytes& text, const std::string& what);
provider::Checked<SecretBytes> hex_key(const std::filesystem::path& path);

// What --seid, --target, --key-version and --key-identifier say together; empty without --seid.
provider::Checked<std::optional<provider::KeyBinding>> binding_of(const KeyOptions& options);

// provider_element_keys.cc
int provider_element_key_create(const Program& program, const KeyOptions& options);
int provider_element_key_import(const Program& program, const KeyOptions& options);

// provider_blocks.cc
int provider_import_key_block(const Program& program, const KeyOptions& options);
int provider_export_key_block(const Program& program, const KeyOptions& options);

// provider_ceremony.cc
int provider_ceremony_draw(const Program& program, const KeyOptions& options);
int provider_ceremony_start(const Program& program, const KeyOptions& options);
int provider_ceremony_component(const Program& program, const KeyOptions& options);
int provider_ceremony_finish(const Program& program, const KeyOptions& options);
int provider_ceremony_show(const Program& program, const KeyOptions& options);
int provider_ceremony_abandon(const Program& program, const KeyOptions& options);
int provider_second_custodian(const Program& program, const KeyOptions& options);

}  // namespace kagibin::cli
