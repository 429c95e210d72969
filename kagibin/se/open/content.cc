// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/content.h"

#include <algorithm>
#include <optional>

#include "kagibin/apdu/status_words.h"
#include "kagibin/se/casd/casd.h"
#include "kagibin/se/domain/data_objects.h"
#include "kagibin/se/open/content/executables.h"
#include "kagibin/se/open/content/memory.h"
#include "kagibin/se/open/content/privilege_rules.h"
#include "kagibin/se/open/sessions/channel_protocols.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace {

constexpr tlv::Tag kProtocol = 0x81;

bool is_in_use(const Registry& registry, const Aid& aid) {
  return registry.find(aid).has_value() || registry.find_load_file(aid).has_value();
}

Result<void> check_module(const Platform& platform, const Aid& load_file, const Aid& module) {
  const auto file = platform.registry.find_load_file(load_file);
  const auto content = file ? executables_of(platform, *file) : std::nullopt;
  if (!content || std::ranges::find(content->modules, module) == content->modules.end()) {
    return fail(Errc::kNotFound,
                "there is no such load file or module: GET STATUS (10) lists them (GPCS 9.3.6)");
  }
  return {};
}

Result<MemoryShare> memory_of(const gp::InstallParameters& system, MemoryShare out) {
  out.reserved_data = system.reserved_data.value_or(out.reserved_data);
  out.reserved_volatile = system.reserved_volatile.value_or(out.reserved_volatile);
  out.data_quota = system.data_octets.value_or(out.data_quota);
  out.volatile_quota = system.volatile_octets.value_or(out.volatile_quota);
  if (out.reserved_data > out.data_quota || out.reserved_volatile > out.volatile_quota) {
    return fail(Errc::kValue,
                "an application reserves (D7, D8) no more than its quota (C7, C8) (GPCS "
                "11.5.2.3.7)");
  }
  return out;
}

// What EF says, into the entry.
Result<void> take_system_parameters(const Platform& platform,
                                    const gp::InstallParameters& system,
                                    RegistryEntry& entry) {
  if (system.global_service) {
    return fail(
        Errc::kNotSupported,
        "CB is refused: applications offer no global services on this element (GPCS 8.1.3)");
  }
  if (system.restricts) {
    return fail(Errc::kNotSupported,
                "D9 is refused: this element restricts nothing by it (GPCS 11.5.2.3.7)");
  }
  entry.memory = KB_TRY(memory_of(system, entry.memory));
  if (!system.implicit_selection) {
    return {};
  }
  const gp::ImplicitSelection selection = *system.implicit_selection;
  if (!selection.on_contact() || selection.channel() >= platform.facts.channel_count) {
    return fail(Errc::kValue,
                "implicit selection (CF) is for the contact interface and a logical channel of "
                "this element (GPCS 11.1.7)");
  }
  const bool taken = std::ranges::any_of(platform.registry.entries(), [&](const auto& other) {
    return other.aid != entry.aid && other.implicit_selection &&
           other.implicit_selection->overlaps(selection);
  });
  if (taken) {
    return fail(Errc::kConflict,
                "another application is selected implicitly on this channel (GPCS 6.4, 11.1.7)");
  }
  entry.implicit_selection = selection;
  return {};
}

// C9 of a security domain: 81 is of its protocols, the rest as gp/content/domain_parameters.h says.
Result<void> take_domain_parameters(ByteView parameters,
                                    const RegistryEntry& parent,
                                    RegistryEntry& entry) {
  tlv::TlvReader in(parameters);
  Bytes protocols;
  Bytes others;
  while (!in.empty()) {
    const tlv::Tlv object = KB_TRY(in.next());
    append(object.tag == kProtocol ? protocols : others, object.encoded);
  }
  entry.protocols = KB_TRY(protocols_of(protocols, parent.protocols));
  const auto said = KB_TRY(gp::DomainParameters::decode(others));
  entry.extradition_here = said.extradition_here;
  entry.extradition_away = said.extradition_away;
  entry.deletion = said.deletion;
  entry.personalized_at_once = said.personalized;
  return {};
}

Result<void> start(Platform& platform,
                   Instances& instances,
                   const RegistryEntry& entry,
                   ByteView parameters) {
  Application* application = instances.get(entry);
  if (application == nullptr) {
    return fail(Errc::kNotFound, "there is no code for this module");
  }
  const StatusWord status = application->install(parameters);
  if (!apdu::sw::is_ok(status)) {
    instances.forget(entry.aid);
    return fail(Errc::kCardStatus, "the application refused its installation", status);
  }
  return check_quota(platform, entry);
}

bool is_domain_code(const Platform& platform, const Installation& installation) {
  return platform.modules.makes_domains(installation.load_file) ||
         (installation.load_file == security_domain_load_file_aid() &&
          installation.module == security_domain_module_aid());
}

}  // namespace

std::uint8_t selectable_state(const RegistryEntry& entry) {
  return entry.personalized_at_once ? gp::kPersonalized : gp::kSelectable;
}

Result<void> install(Platform& platform, Instances& instances, const Installation& installation) {
  Registry& registry = platform.registry;
  KB_TRY(check_module(platform, installation.load_file, installation.module));
  if (is_in_use(registry, installation.aid)) {
    return fail(Errc::kConflict, "this AID is in use (GPCS 9.3.6)");
  }
  const auto domain = registry.find(installation.security_domain);
  if (!domain || !domain->is_security_domain()) {
    return fail(Errc::kNotFound, "there is no such security domain");
  }
  if (domain->locked()) {
    return fail(Errc::kPolicy, "a locked security domain takes no content (GPCS 5.3.2.4)");
  }
  const bool is_domain = is_domain_code(platform, installation);
  if (is_domain != installation.privileges.has(gp::Privileges::kSecurityDomain)) {
    return fail(Errc::kValue,
                "Security Domain is the privilege of what is made from the security domain's "
                "module, and of nothing else (GPCS 6.6.1)");
  }
  KB_TRY(check_privileges(registry, installation.aid, installation.privileges, domain->aid));
  KB_TRY(check_grant(registry, installation.granter, installation.privileges));
  RegistryEntry entry{.aid = installation.aid,
                      .kind = is_domain ? EntryKind::kSecurityDomain : EntryKind::kApplication,
                      .life_cycle = installation.life_cycle,
                      .privileges = installation.privileges,
                      .security_domain = installation.security_domain,
                      .load_file = installation.load_file,
                      .module = installation.module,
                      .protocols = {}};
  KB_TRY(take_system_parameters(platform, installation.system, entry));
  if (is_domain) {
    KB_TRY(take_domain_parameters(installation.parameters, *domain, entry));
    entry.life_cycle =
        entry.life_cycle == gp::kSelectable ? selectable_state(entry) : entry.life_cycle;
  }
  KB_TRY(registry.put(entry));
  if (!is_domain) {
    KB_TRY(start(platform, instances, entry, installation.parameters));
  } else if (platform.modules.makes_domains(entry.load_file)) {
    KB_TRY(start(platform, instances, entry, installation.delivery));
  }
  KB_TRY(settle_single_privileges(registry, {}));
  return check_memory(platform);
}

Result<void> remove(Platform& platform, Instances& instances, const RegistryEntry& entry) {
  const std::vector<RegistryEntry> all = platform.registry.entries();
  const bool has_guests = std::ranges::any_of(all, [&](const RegistryEntry& other) {
    return other.aid != entry.aid && other.security_domain == entry.aid;
  });
  const bool has_files = std::ranges::any_of(
      platform.registry.load_files(),
      [&](const LoadFileEntry& file) { return file.security_domain == entry.aid; });
  if (entry.is_issuer() || has_guests || has_files || is_casd(platform, entry.aid)) {
    return fail(Errc::kPolicy,
                "this security domain is in use: it is the ISD or the CASD, or something is "
                "associated with it "
                "(GPCS 9.5)");
  }
  KB_TRY(platform.registry.erase(entry.aid));
  KB_TRY(platform.keys.erase_domain(entry.aid));
  KB_TRY(erase_data_objects(platform.nvm, entry.aid));
  for (const std::string& name : platform.nvm.names(record_prefix(entry.aid))) {
    KB_TRY(platform.nvm.erase(name));
  }
  instances.forget(entry.aid);
  return settle_single_privileges(platform.registry, entry.privileges);
}

Result<void> add_load_file(Platform& platform, const LoadedFile& file) {
  const gp::CapFile& content = file.content;
  if (is_in_use(platform.registry, content.package.aid)) {
    return fail(Errc::kConflict, "the AID of this load file is in use (GPCS 9.3.5)");
  }
  LoadFileEntry entry{.aid = content.package.aid,
                      .security_domain = file.security_domain,
                      .code_hash = file.code_hash,
                      .loaded = true,
                      .version = content.package.version,
                      .octets = file.octets,
                      .modules = content.applets,
                      .imports = {}};
  for (const gp::CapPackage& import : content.imports) {
    if (platform.registry.find_load_file(import.aid)) {
      entry.imports.push_back(import.aid);
    }
  }
  KB_TRY(platform.registry.put_load_file(entry));
  return check_memory(platform);
}

Result<void> remove_load_file(Platform& platform, const LoadFileEntry& file) {
  if (!file.loaded) {
    return fail(Errc::kPolicy, "this load file is built into the element and cannot go (GPCS 9.5)");
  }
  const bool has_instances =
      std::ranges::any_of(platform.registry.entries(),
                          [&](const RegistryEntry& entry) { return entry.load_file == file.aid; });
  if (has_instances) {
    return fail(Errc::kPolicy,
                "applications were made from this load file: delete them first, or with it (P2 80) "
                "(GPCS 9.5)");
  }
  const bool is_imported =
      std::ranges::any_of(platform.registry.load_files(), [&](const LoadFileEntry& other) {
        return std::ranges::find(other.imports, file.aid) != other.imports.end();
      });
  if (is_imported) {
    return fail(Errc::kPolicy, "another load file imports this one (GPCS 9.5)");
  }
  return platform.registry.erase_load_file(file.aid);
}

Result<void> update(Platform& platform, RegistryEntry entry, const RegistryChange& change) {
  const gp::Privileges before = entry.privileges;
  if (change.privileges) {
    if (entry.is_security_domain() != change.privileges->has(gp::Privileges::kSecurityDomain)) {
      return fail(Errc::kValue,
                  "what is a security domain stays one, and nothing becomes one (GPCS 6.6.1)");
    }
    if (entry.is_root() && !change.privileges->has(gp::Privileges::kAuthorizedManagement)) {
      return fail(Errc::kPolicy,
                  "a security domain on top of a hierarchy keeps Authorized Management (GPCS 7.2)");
    }
    KB_TRY(check_privileges(platform.registry, entry.aid, *change.privileges,
                            entry.is_security_domain() ? entry.aid : entry.security_domain));
    KB_TRY(check_grant(platform.registry, change.granter,
                       gp::Privileges{change.privileges->bits & ~before.bits}));
    entry.privileges = *change.privileges;
  }
  KB_TRY(take_system_parameters(platform, change.system, entry));
  KB_TRY(platform.registry.put(entry));
  KB_TRY(settle_single_privileges(platform.registry, before));
  return check_memory(platform);
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
