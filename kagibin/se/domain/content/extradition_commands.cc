// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/content/extradition_commands.h"

#include "kagibin/gp/content/extradition.h"
#include "kagibin/se/domain/content/management.h"
#include "kagibin/se/open/content.h"
#include "kagibin/se/open/content/authority.h"
#include "kagibin/se/open/content/hierarchy.h"
#include "kagibin/se/open/content/privilege_rules.h"
#include "kagibin/se/scp11/key_store_domain.h"

namespace kagibin::se {

namespace {

// The domain that something comes to, when the one it is with lets it go.
Result<RegistryEntry> new_domain(const DomainCommand& command,
                                 const Aid& from,
                                 const Aid& to,
                                 Content content) {
  const Registry& registry = command.platform.registry;
  KB_TRY(check_within(command, from));
  const auto old_domain = registry.find(from);
  auto out = registry.find(to);
  if (!out || !out->is_security_domain()) {
    return fail(Errc::kNotFound, "there is no such security domain to extradite to (GPCS 9.4.1)");
  }
  if (!out->selectable()) {
    return fail(Errc::kPolicy,
                "the security domain to extradite to is locked or not selectable yet (GPCS 9.4.1)");
  }
  if (!takes_request(registry, *old_domain, command.domain, Request::kExtraditionAway, content)) {
    return fail(Errc::kPolicy,
                "the associated security domain does not let this domain extradite its content (87 "
                "of its parameters; GPCS 9.4.1)");
  }
  return *out;
}

Result<void> check_taken(const DomainCommand& command, const RegistryEntry& to, Content content) {
  if (takes_request(command.platform.registry, to, command.domain, Request::kExtraditionHere,
                    content)) {
    return {};
  }
  return fail(Errc::kPolicy,
              "the security domain to extradite to does not take what this domain sends (82 of its "
              "parameters; GPCS 9.4.1)");
}

Result<void> move_load_file(const DomainCommand& command, LoadFileEntry file, const Aid& to) {
  const RegistryEntry domain =
      KB_TRY(new_domain(command, file.security_domain, to, Content::kLoadFile));
  KB_TRY(check_taken(command, domain, Content::kLoadFile));
  file.security_domain = domain.aid;
  return command.platform.registry.put_load_file(file);
}

Result<void> move_entry(const DomainCommand& command, RegistryEntry entry, const Aid& to) {
  Registry& registry = command.platform.registry;
  if (entry.is_issuer() || command.channels.is_selected(entry.aid)) {
    return fail(
        Errc::kPolicy,
        "the ISD is not extradited, nor what is selected on a logical channel (GPCS 9.4.1)");
  }
  const RegistryEntry domain =
      KB_TRY(new_domain(command, entry.security_domain, to, Content::kApplication));
  const bool to_itself = entry.aid == domain.aid;
  if (to_itself &&
      (!entry.authorized_management() || !has_channel_keys(command.platform.keys, entry))) {
    return fail(Errc::kPolicy,
                "a security domain on top of a hierarchy has Authorized Management and keys of its "
                "own: nobody above serves it any more (GPCS 7.2)");
  }
  if (!to_itself) {
    KB_TRY(check_taken(command, domain, Content::kApplication));
    if (entry.is_security_domain() && is_within(registry, domain.aid, entry.aid)) {
      return fail(Errc::kPolicy,
                  "a security domain is not extradited to one that is associated with it (GPCS "
                  "9.4.1)");
    }
  }
  entry.security_domain = domain.aid;
  KB_TRY(registry.put(entry));
  command.instances.forget(entry.aid);  // it was told its domain when it was made
  KB_TRY(check_privileges(registry, entry.aid, entry.privileges, domain.aid));
  // What is below moves along, and may hold no more than it might be given there.
  const auto below = entry.is_security_domain() ? associated_with(registry, entry.aid)
                                                : std::vector<RegistryEntry>{};
  for (const RegistryEntry& one : below) {
    KB_TRY(check_privileges(registry, one.aid, one.privileges, entry.aid));
  }
  return {};
}

Result<void> move(const DomainCommand& command, const gp::Extradition& request) {
  const Registry& registry = command.platform.registry;
  const auto entry = registry.find(request.object);
  const auto file = registry.find_load_file(request.object);
  if (!entry && !file) {
    return fail(Errc::kNotFound, "there is no such application, security domain or load file");
  }
  return entry ? move_entry(command, *entry, request.security_domain)
               : move_load_file(command, *file, request.security_domain);
}

Aid domain_of(const Registry& registry, const Aid& object, const Aid& fallback) {
  if (const auto entry = registry.find(object)) {
    return entry->security_domain;
  }
  const auto file = registry.find_load_file(object);
  return file ? file->security_domain : fallback;
}

Result<void> change(const DomainCommand& command,
                    const gp::RegistryUpdate& request,
                    const Right& right) {
  if (!request.application) {
    return fail(Errc::kNotSupported,
                "INSTALL [for registry update] names an application here: the card as a whole has "
                "nothing to update (GPCS 11.5.2.3.5)");
  }
  Registry& registry = command.platform.registry;
  auto entry = registry.find(*request.application);
  if (!entry) {
    return fail(Errc::kNotFound, "there is no such application");
  }
  if (entry->is_issuer()) {
    return fail(Errc::kPolicy, "the ISD's registry entry is not updated (GPCS 9.4.2)");
  }
  KB_TRY(check_within(command, entry->security_domain));
  const auto system = KB_TRY(gp::InstallParameters::decode(request.parameters));
  if (request.security_domain && *request.security_domain != entry->security_domain) {
    KB_TRY(move_entry(command, *entry, *request.security_domain));
    entry = registry.find(*request.application);
  }
  return update(
      command.platform, *entry,
      {.privileges = request.privileges, .system = system, .granter = granter_of(command, right)});
}

}  // namespace

apdu::ResponseApdu extradite(const DomainCommand& command) {
  const auto request = gp::Extradition::decode(command.p1, command.p2, command.data);
  if (!request) {
    return answer(status_of(request.error()));
  }
  const auto right =
      right_of(command, apdu::ins::kInstall, request->token, ByteView(request->parameters));
  if (!right) {
    return answer(status_of(right.error()));
  }
  const Aid from = domain_of(command.platform.registry, request->object, command.domain.aid);
  NvmTransaction transaction(command.platform.nvm);
  return conclude(command, transaction, move(command, *request), *right,
                  gp::receipt_for::extradition(from, request->object, request->security_domain));
}

apdu::ResponseApdu update_registry(const DomainCommand& command) {
  const auto request = gp::RegistryUpdate::decode(command.p1, command.p2, command.data);
  if (!request) {
    return answer(status_of(request.error()));
  }
  const auto right =
      right_of(command, apdu::ins::kInstall, request->token, ByteView(request->parameters));
  if (!right) {
    return answer(status_of(right.error()));
  }
  const Aid from = request->application ? domain_of(command.platform.registry,
                                                    *request->application, command.domain.aid)
                                        : command.domain.aid;
  NvmTransaction transaction(command.platform.nvm);
  return conclude(
      command, transaction, change(command, *request, *right), *right,
      gp::receipt_for::registry_update(from, request->application, request->security_domain,
                                       request->privileges, request->parameters));
}

}  // namespace kagibin::se
