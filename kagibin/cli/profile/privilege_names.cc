// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/profile/privilege_names.h"

#include <array>

namespace kagibin::cli {

namespace {

struct Named {
  std::uint32_t bit;
  std::string_view name;
};
constexpr std::array<Named, 20> kNames{{
    {gp::Privileges::kSecurityDomain, "Security Domain"},
    {gp::Privileges::kDapVerification, "DAP Verification"},
    {gp::Privileges::kDelegatedManagement, "Delegated Management"},
    {gp::Privileges::kCardLock, "Card Lock"},
    {gp::Privileges::kCardTerminate, "Card Terminate"},
    {gp::Privileges::kCardReset, "Card Reset"},
    {gp::Privileges::kCvmManagement, "CVM Management"},
    {gp::Privileges::kMandatedDapVerification, "Mandated DAP Verification"},
    {gp::Privileges::kTrustedPath, "Trusted Path"},
    {gp::Privileges::kAuthorizedManagement, "Authorized Management"},
    {gp::Privileges::kTokenVerification, "Token Verification"},
    {gp::Privileges::kGlobalDelete, "Global Delete"},
    {gp::Privileges::kGlobalLock, "Global Lock"},
    {gp::Privileges::kGlobalRegistry, "Global Registry"},
    {gp::Privileges::kFinalApplication, "Final Application"},
    {gp::Privileges::kGlobalService, "Global Service"},
    {gp::Privileges::kReceiptGeneration, "Receipt Generation"},
    {gp::Privileges::kCipheredLoadFileDataBlock, "Ciphered Load File Data Block"},
    {gp::Privileges::kContactlessActivation, "Contactless Activation"},
    {gp::Privileges::kContactlessSelfActivation, "Contactless Self-Activation"},
}};

}  // namespace

Result<gp::Privileges> privilege_of(std::string_view name) {
  for (const Named& known : kNames) {
    if (known.name == name) {
      return gp::Privileges{known.bit};
    }
  }
  return fail(Errc::kValue,
              "this is not the name of a privilege (GPCS table 6-1), such as Card Lock");
}

std::vector<std::string> names_of(gp::Privileges privileges) {
  std::vector<std::string> out;
  for (const Named& known : kNames) {
    if (privileges.has(known.bit)) {
      out.emplace_back(known.name);
    }
  }
  return out;
}

}  // namespace kagibin::cli
