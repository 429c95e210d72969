// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/applications/built_in_applications.h"

#include "kagibin/se/applications/built_in_sources.h"
#include "kagibin/se/applications/digital_key.h"
#include "kagibin/se/applications/payment_credential.h"

namespace kagibin::se {

namespace {

Aid aid_of(std::string_view hex) {
  const auto aid = Aid::from_hex(hex);
  KB_CHECK(aid.has_value());
  return *aid;
}

}  // namespace

Aid payment_credential_load_file() { return aid_of("F05041594D454E5401"); }
Aid payment_credential_module() { return aid_of("F05041594D454E540101"); }
Aid digital_key_load_file() { return aid_of("F0444947494B455901"); }
Aid digital_key_module() { return aid_of("F0444947494B45590101"); }

Result<void> add_built_in_applications(ModuleRegistry& modules) {
  KB_TRY(modules.add({.file = {.aid = payment_credential_load_file(),
                               .version = {1, 0},
                               .sources = kApplicationSources,
                               .modules = {payment_credential_module()}},
                      .factories = {make_payment_credential}}));
  return modules.add({.file = {.aid = digital_key_load_file(),
                               .version = {1, 0},
                               .sources = kApplicationSources,
                               .modules = {digital_key_module()}},
                      .factories = {make_digital_key}});
}

}  // namespace kagibin::se
