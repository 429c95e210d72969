// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/content_commands.h"

#include <variant>

#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/content/extradition.h"
#include "kagibin/gp/content/install.h"
#include "kagibin/gp/content/install_load.h"
#include "kagibin/se/domain/content/delete_commands.h"
#include "kagibin/se/domain/content/extradition_commands.h"
#include "kagibin/se/domain/content/install_commands.h"
#include "kagibin/se/domain/content/sequences/load_commands.h"
#include "kagibin/se/domain/content/sequences/personalization.h"
#include "kagibin/se/domain/keys/key_commands.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::uint8_t kRelated = 0x80;  // P2 of DELETE
constexpr std::uint8_t kCombined = 0x0E;

StatusWord no_session() {
  return sw::kSecurityStatusNotSatisfied.because(
      "content is managed in a secure channel session with C-MAC (GPCS 11.2, 11.5)");
}

bool is_install_purpose(std::uint8_t p1, std::uint8_t p2) {
  switch (p1) {
    case 0x02:
    case 0x04:
    case 0x08:
    case 0x0C:
    case 0x10:
    case 0x20:
    case 0x40:
      return p2 == 0;
    case kCombined:
      return p2 == gp::InstallForLoad::kCombinedBegins || p2 == gp::kCombinedLoadEnds;
    default:
      return false;
  }
}

apdu::ResponseApdu for_application(const DomainCommand& command) {
  const auto request = gp::Install::decode(command.p1, command.p2, command.data);
  if (!request) {
    return answer(status_of(request.error()));
  }
  if (request->purpose == gp::InstallFor::kPersonalization) {
    return begin_personalization(command, request->application);
  }
  return request->installs() ? install_application(command, *request)
                             : make_selectable(command, *request);
}

}  // namespace

bool ends_combined_load(std::uint8_t instruction, std::uint8_t p1, std::uint8_t p2) {
  return instruction == apdu::ins::kInstall && p1 == kCombined && p2 == gp::kCombinedLoadEnds;
}

apdu::ResponseApdu process_install(const DomainCommand& command) {
  if (!command.authenticated_with_mac()) {
    return answer(no_session());
  }
  if (!is_install_purpose(command.p1, command.p2)) {
    return answer(sw::kIncorrectP1P2.because(
        "INSTALL is for load (02), install (04), make selectable (08), both (0C), extradition "
        "(10), personalization (20), registry update (40), or a combined load (0E 01, 0E 03) "
        "(GPCS 11.5.2.1)"));
  }
  if (command.p1 == gp::InstallForLoad::kP1 ||
      (command.p1 == kCombined && command.p2 == gp::InstallForLoad::kCombinedBegins)) {
    return begin_load(command);
  }
  if (command.p1 == gp::Extradition::kP1) {
    return extradite(command);
  }
  if (command.p1 == gp::RegistryUpdate::kP1) {
    return update_registry(command);
  }
  return for_application(command);
}

apdu::ResponseApdu process_delete(const DomainCommand& command) {
  if (!command.authenticated_with_mac()) {
    return answer(no_session());
  }
  if (command.p1 != 0 || (command.p2 != 0 && command.p2 != kRelated)) {
    return answer(sw::kIncorrectP1P2.because(
        "P1 P2 of DELETE is 00 00, or 00 80 with related objects (GPCS 11.2.2)"));
  }
  const auto request = gp::decode_delete(command.p1, command.p2, command.data);
  if (!request) {
    return answer(status_of(request.error()));
  }
  if (const auto* keys = std::get_if<gp::DeleteKeys>(&*request)) {
    return delete_keys(command, *keys);
  }
  return delete_object(command, std::get<gp::DeleteObject>(*request));
}

}  // namespace kagibin::se
