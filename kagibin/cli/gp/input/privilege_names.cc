// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/input/privilege_names.h"

#include <algorithm>
#include <array>

namespace kagibin::cli {

namespace {

using gp::Privileges;

struct Name {
  std::string_view text;
  std::uint32_t bit;
};
constexpr std::array<Name, 20> kNames = {{
    {"security-domain", Privileges::kSecurityDomain},
    {"dap-verification", Privileges::kDapVerification},
    {"delegated-management", Privileges::kDelegatedManagement},
    {"card-lock", Privileges::kCardLock},
    {"card-terminate", Privileges::kCardTerminate},
    {"card-reset", Privileges::kCardReset},
    {"cvm-management", Privileges::kCvmManagement},
    {"mandated-dap-verification", Privileges::kMandatedDapVerification},
    {"trusted-path", Privileges::kTrustedPath},
    {"authorized-management", Privileges::kAuthorizedManagement},
    {"token-verification", Privileges::kTokenVerification},
    {"global-delete", Privileges::kGlobalDelete},
    {"global-lock", Privileges::kGlobalLock},
    {"global-registry", Privileges::kGlobalRegistry},
    {"final-application", Privileges::kFinalApplication},
    {"global-service", Privileges::kGlobalService},
    {"receipt-generation", Privileges::kReceiptGeneration},
    {"ciphered-load-file-data-block", Privileges::kCipheredLoadFileDataBlock},
    {"contactless-activation", Privileges::kContactlessActivation},
    {"contactless-self-activation", Privileges::kContactlessSelfActivation},
}};

}  // namespace

Result<gp::Privileges> parse_privileges(const std::string& text) {
  Privileges out;
  if (const auto octets = from_hex(text); octets && (octets->size() == 1 || octets->size() == 3)) {
    out = KB_TRY(Privileges::decode(*octets));
  } else {
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      const std::string_view word = rest.substr(0, comma);
      const auto* name = std::ranges::find(kNames, word, &Name::text);
      if (name == kNames.end()) {
        return fail(Errc::kInvalidArgument,
                    "privileges are words such as security-domain,trusted-path (kagibin gp list "
                    "shows them), or one or three octets in hexadecimal digits");
      }
      out.bits |= name->bit;
      rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    }
  }
  KB_TRY(out.check());
  return out;
}

std::vector<std::string_view> privilege_names(gp::Privileges privileges) {
  std::vector<std::string_view> out;
  for (const Name& name : kNames) {
    if (privileges.has(name.bit)) {
      out.push_back(name.text);
    }
  }
  return out;
}

}  // namespace kagibin::cli
