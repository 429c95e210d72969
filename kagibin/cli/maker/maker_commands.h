// SPDX-License-Identifier: Apache-2.0
// The subcommands of kagibin maker: what main.cc reads from the command line, and what each does
// with it. Every command returns an exit code (console.h) and prints its own result or failure.
//
//   maker_identity.cc       init, install
//   maker_elements.cc       make
//   maker_certification.cc  certify, casd-requests, store-casd, store-domain: cards that are made
//                           already
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kagibin/cli/console/program.h"
#include "kagibin/cli/profile/recipe_files.h"
#include "kagibin/cli/token/token_access.h"
#include "kagibin/roles/element_maker/maker_folder.h"

namespace kagibin::cli {

struct MakerOptions {
  crypto::KeyPlace signing_key;
  std::string name = "KAGIBIN-MAKER";
  std::filesystem::path certificate;
  std::filesystem::path roots;
  std::filesystem::path out;
  std::filesystem::path shipment;
  std::filesystem::path issuer_keys;
  std::filesystem::path manager;
  RecipeFiles files;
  std::string seid;
  std::string iin = "4204B00142";
  std::string i = "70";
  std::string scp11;
  int count = 1;
  int channels = 4;
  int days = 3650;
  bool reserve_basic_channel = false;
  bool casd = false;
  bool without_kda = false;
  bool mandated_dap = false;
  std::string domain;
  std::string owner;
  std::filesystem::path domain_requests;
  bool own_delivery = false;
  std::string reader = "0";
  std::vector<std::filesystem::path> certificates;
  std::filesystem::path domain_keys;
  std::string cin;
  std::string code_hash;
  bool host_certificate = false;
};

class MakerCommands {
 public:
  // All outlive it; a first SEID that is drawn is kept in the options.
  MakerCommands(Program& program, MakerOptions& options, TokenAccess& tokens)
      : program_(program), options_(options), tokens_(tokens), console_(program.console()) {}

  int init();
  int install();
  int make();
  // The key delivery application in a card that somebody else made.
  int certify();
  // The two requests of the controlling authority's domain in a running element.
  int casd_requests();
  int store_casd();
  // CERT.SD into the provider's domain that waits for it.
  int store_domain();

 private:
  using Plan = roles::element_maker::ElementPlan;

  std::filesystem::path signing_certificate() const { return program_.home() / "maker.pem"; }
  Result<delivery::ShippedElement> certify_card();
  // The list that pins the CASD's key of a card in hand.
  Result<void> ship_casd(const Seid& seid, std::span<const Bytes> requests);
  Result<Seid> next_seid(int number);
  Result<Plan> plan_of(const Seid& seid);
  // The serial number is the end of the SEID.
  static Result<Plan> plan_of(const ElementRecipe& recipe,
                              const Seid& seid,
                              ByteView authority_key);
  Result<void> add_domain(Plan& plan) const;
  // The request for CERT.SD, as a file; its key set stays here until CERT.SD is in the domain.
  Result<std::filesystem::path> keep_domain(roles::element_maker::MakerFolder& folder,
                                            const Seid& seid,
                                            const roles::element_maker::MadeDomain& domain);
  // What the controlling authority's own domain believes: the root that the maker was given.
  static Result<Bytes> authority_of(const roles::element_maker::MakerIdentity& identity);
  Result<void> make_all(const std::optional<ElementRecipe>& recipe);

  Program& program_;
  MakerOptions& options_;
  TokenAccess& tokens_;
  Console console_;
  SystemClock clock_;
  crypto::SystemRng rng_;
};

}  // namespace kagibin::cli
