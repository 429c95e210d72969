// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/content_commands.h"

#include <variant>

#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/content/install.h"
#include "kagibin/se/domain/key_commands.h"
#include "kagibin/se/open/content.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::uint8_t kNoConfirmation = 0x00;
constexpr std::uint8_t kRelated = 0x80;  // P2 of DELETE

bool is_install_purpose(std::uint8_t p1) {
  return p1 == 0x04 || p1 == 0x08 || p1 == 0x0C || p1 == 0x20;
}

apdu::ResponseApdu personalize(const DomainCommand& command, const Aid& aid) {
  const auto entry = command.platform.registry.find(aid);
  if (!entry) {
    return answer(sw::kReferencedDataNotFound);
  }
  if (entry->is_security_domain() || !entry->selectable() ||
      entry->security_domain != command.domain.aid) {
    return answer(sw::kConditionsNotSatisfied);
  }
  command.channel.personalizing = aid;
  command.channel.next_block = 0;
  return answer(sw::kOk, Bytes{kNoConfirmation});
}

Result<void> install_new(const DomainCommand& command, const gp::Install& request) {
  if (!request.load_file || !request.module) {
    return fail(Errc::kValue, "INSTALL [for install] names a load file and a module");
  }
  auto parameters = gp::application_parameters(request.parameters);
  if (!parameters && parameters.error().code != Errc::kNotFound) {
    return std::unexpected(parameters.error());
  }
  return install(command.platform, command.instances,
                 {.load_file = *request.load_file,
                  .module = *request.module,
                  .aid = request.application,
                  .privileges = request.privileges,
                  .security_domain = command.domain.aid,
                  .parameters = parameters ? *parameters : ByteView{},
                  .life_cycle = request.makes_selectable() ? gp::kSelectable : gp::kInstalled});
}

Result<void> make_selectable(const DomainCommand& command, const Aid& aid) {
  auto entry = command.platform.registry.find(aid);
  if (!entry) {
    return fail(Errc::kNotFound, "there is no such application");
  }
  const bool own = command.domain.is_issuer() || entry->security_domain == command.domain.aid;
  if (!own || entry->is_issuer() || entry->life_cycle != gp::kInstalled) {
    return fail(Errc::kPolicy, "this application cannot be made selectable here");
  }
  entry->life_cycle = gp::kSelectable;
  return command.platform.registry.put(*entry);
}

Result<void> remove_object(const DomainCommand& command, const RegistryEntry& entry) {
  const bool own = command.domain.is_issuer() || entry.security_domain == command.domain.aid;
  if (!own || entry.aid == command.domain.aid || command.channels.is_selected(entry.aid)) {
    return fail(Errc::kPolicy, "this object cannot be deleted here and now");
  }
  return remove(command.platform, command.instances, entry);
}

apdu::ResponseApdu delete_object(const DomainCommand& command, const gp::DeleteObject& which) {
  if (!command.domain.authorized_management()) {
    return answer(sw::kConditionsNotSatisfied);
  }
  const auto entry = command.platform.registry.find(which.aid);
  if (!entry) {
    // Built-in code cannot go.
    const bool load_file = command.platform.registry.find_load_file(which.aid).has_value();
    return answer(load_file ? sw::kConditionsNotSatisfied : sw::kReferencedDataNotFound);
  }
  NvmTransaction transaction(command.platform.nvm);
  return conclude(transaction, remove_object(command, *entry), Bytes{kNoConfirmation});
}

}  // namespace

apdu::ResponseApdu process_install(const DomainCommand& command) {
  if (!command.authenticated_with_mac()) {
    return answer(sw::kSecurityStatusNotSatisfied);
  }
  if (command.p2 != 0 || !is_install_purpose(command.p1)) {
    return answer(sw::kIncorrectP1P2);
  }
  const auto request = gp::Install::decode(command.p1, command.p2, command.data);
  if (!request || !request->token.empty()) {
    return answer(sw::kWrongData);
  }
  if (request->purpose == gp::InstallFor::kPersonalization) {
    return personalize(command, request->application);
  }
  if (!command.domain.authorized_management()) {
    return answer(sw::kConditionsNotSatisfied);
  }
  NvmTransaction transaction(command.platform.nvm);
  const auto changed = request->installs() ? install_new(command, *request)
                                           : make_selectable(command, request->application);
  apdu::ResponseApdu out = conclude(transaction, changed, Bytes{kNoConfirmation});
  if (!command.platform.registry.find(request->application)) {
    command.instances.forget(request->application);  // it ran, but its installation is undone
  }
  return out;
}

apdu::ResponseApdu process_delete(const DomainCommand& command) {
  if (!command.authenticated_with_mac()) {
    return answer(sw::kSecurityStatusNotSatisfied);
  }
  if (command.p1 != 0 || (command.p2 != 0 && command.p2 != kRelated)) {
    return answer(sw::kIncorrectP1P2);
  }
  const auto request = gp::decode_delete(command.p1, command.p2, command.data);
  if (!request) {
    return answer(sw::kWrongData);
  }
  if (const auto* keys = std::get_if<gp::DeleteKeys>(&*request)) {
    return delete_keys(command, *keys);
  }
  return delete_object(command, std::get<gp::DeleteObject>(*request));
}

}  // namespace kagibin::se
