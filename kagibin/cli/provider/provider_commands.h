// SPDX-License-Identifier: Apache-2.0
// The subcommands of kagibin provider: what main.cc reads from the command line, and what each does
// with it. Every function returns an exit code (console.h) and prints its own result or failure.
#pragma once

#include "kagibin/cli/console/program.h"
#include "kagibin/cli/provider/provider_home.h"
#include "kagibin/cli/token/token_access.h"

namespace kagibin::cli {

struct ProviderOptions {
  TokenAccess* tokens = nullptr;  // outlives the command
  crypto::KeyPlace signing_key;
  crypto::KeyPlace exchange_key;
  crypto::KeyPlace master_key;
  crypto::KeyPlace second_half;
  std::string kem_token;
  std::string spid;
  std::string name = "provider";
  std::filesystem::path file;
  std::filesystem::path certificate;
  std::filesystem::path roots;
  std::filesystem::path manager;
  std::filesystem::path policy;  // empty: HOME/policy.json
  std::filesystem::path demo_key_log;
  std::string via;
  std::string key_name;
  int key_size = 16;
  std::string exportability = "N";
  bool dual_control = false;
  std::string reader = "0";
  std::string aid;
  std::string seid;  // empty: any that a shipment list names
  std::string key_version = "31";
  bool keep_old_keys = false;
  bool join_again = false;
  std::vector<std::string> devices;
  std::filesystem::path list;  // of orders, instead of devices
  std::string order;
  std::string campaign;                 // empty: none
  std::vector<std::string> attributes;  // KEY=VALUE
  std::string reason;
  int validity_minutes = 1440;
  std::string suite;  // empty: the policy's first
  int attempts = 4;
  int timeout_seconds = 0;
  int wait_seconds = 20;
  bool until_done = false;
  bool kem_records = false;
  bool dry_run = false;
};

// provider_setup.cc
int provider_init(const Program& program, const ProviderOptions& options);
int provider_install(const Program& program, const ProviderOptions& options);
int provider_join(const Program& program, const ProviderOptions& options);
int provider_accept_shipment(const Program& program, const ProviderOptions& options);
int provider_import_keys(const Program& program, const ProviderOptions& options);
// `import` reads the key from options.file, as hexadecimal digits; otherwise it is random.
int provider_master_key(const Program& program, const ProviderOptions& options, bool import);
int provider_literal_key(const Program& program, const ProviderOptions& options);

// provider_tokens.cc
int provider_kem_keys(const Program& program, const ProviderOptions& options);
int provider_erase_kem_keys(const Program& program, const ProviderOptions& options);

// provider_agreement.cc
int provider_agree_keys(const Program& program, const ProviderOptions& options);

// provider_exposure.cc
int provider_expose_keys(const Program& program, const ProviderOptions& options);
int provider_expose_master_key(const Program& program, const ProviderOptions& options);

// provider_orders.cc
int provider_check(const Program& program, const ProviderOptions& options);
int provider_order(const Program& program, const ProviderOptions& options);
int provider_show(const Program& program, const ProviderOptions& options);
int provider_retry(const Program& program, const ProviderOptions& options);
int provider_cancel(const Program& program, const ProviderOptions& options);

// provider_order_list.cc: of options.list
int provider_order_list(const Program& program, const ProviderOptions& options);

// provider_run.cc
int provider_run(const Program& program, const ProviderOptions& options);

}  // namespace kagibin::cli
