// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/content.h"

#include <algorithm>
#include <optional>

#include "kagibin/apdu/status_words.h"
#include "kagibin/se/domain/data_objects.h"
#include "kagibin/se/open/channel_protocols.h"

namespace kagibin::se {

namespace {

// Nothing else has code behind it (GPCS 6.6.1).
bool are_given_here(gp::Privileges privileges) {
  constexpr std::uint32_t kGiven = gp::Privileges::kSecurityDomain | gp::Privileges::kTrustedPath |
                                   gp::Privileges::kAuthorizedManagement;
  return (privileges.bits & ~kGiven) == 0;
}

}  // namespace

Result<void> install(Platform& platform, Instances& instances, const Installation& installation) {
  Registry& registry = platform.registry;
  const ApplicationFactory* factory =
      platform.modules.factory(installation.load_file, installation.module);
  if (factory == nullptr || !registry.find_load_file(installation.load_file)) {
    return fail(Errc::kNotFound, "there is no such load file or module");
  }
  if (registry.find(installation.aid) || registry.find_load_file(installation.aid)) {
    return fail(Errc::kConflict, "this AID is in use");
  }
  const auto domain = registry.find(installation.security_domain);
  if (!domain || !domain->is_security_domain()) {
    return fail(Errc::kNotFound, "there is no such security domain");
  }
  const bool is_domain = installation.module == security_domain_module_aid();
  const bool wants_domain = installation.privileges.has(gp::Privileges::kSecurityDomain);
  if (is_domain != wants_domain || !are_given_here(installation.privileges)) {
    return fail(Errc::kInvalidArgument, "these privileges are not given here");
  }
  RegistryEntry entry{.aid = installation.aid,
                      .kind = is_domain ? EntryKind::kSecurityDomain : EntryKind::kApplication,
                      .life_cycle = installation.life_cycle,
                      .privileges = installation.privileges,
                      .security_domain = installation.security_domain,
                      .load_file = installation.load_file,
                      .module = installation.module,
                      .protocols = {}};
  if (is_domain) {
    entry.protocols = KB_TRY(protocols_of(installation.parameters, domain->protocols));
    return registry.put(entry);
  }
  KB_TRY(registry.put(entry));
  Application* application = instances.get(entry);
  if (application == nullptr) {
    return fail(Errc::kNotFound, "there is no code for this module");
  }
  const StatusWord status = application->install(installation.parameters);
  if (!apdu::sw::is_ok(status)) {
    instances.forget(entry.aid);
    return fail(Errc::kCardStatus, "the application refused its installation", status);
  }
  return {};
}

Result<void> remove(Platform& platform, Instances& instances, const RegistryEntry& entry) {
  const std::vector<RegistryEntry> all = platform.registry.entries();
  const bool has_guests = std::ranges::any_of(all, [&](const RegistryEntry& other) {
    return other.aid != entry.aid && other.security_domain == entry.aid;
  });
  if (entry.is_issuer() || has_guests) {
    return fail(Errc::kPolicy, "this security domain is in use");
  }
  KB_TRY(platform.registry.erase(entry.aid));
  KB_TRY(platform.keys.erase_domain(entry.aid));
  KB_TRY(erase_data_objects(platform.nvm, entry.aid));
  for (const std::string& name : platform.nvm.names(record_prefix(entry.aid))) {
    KB_TRY(platform.nvm.erase(name));
  }
  instances.forget(entry.aid);
  return {};
}

Result<void> mark_personalized(Platform& platform, const RegistryEntry& domain) {
  if (domain.is_issuer() || domain.life_cycle != gp::kSelectable ||
      !platform.keys.default_version(domain.aid)) {
    return {};
  }
  RegistryEntry changed = domain;
  changed.life_cycle = gp::kPersonalized;
  return platform.registry.put(changed);
}

}  // namespace kagibin::se
