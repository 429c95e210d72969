// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/content/sequences/personalization.h"

#include "kagibin/se/scp11/key_store_domain.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::uint8_t kNoConfirmation = 0x00;

std::expected<RegistryEntry, StatusWord> check_target(const DomainCommand& command,
                                                      const Aid& target) {
  const auto entry = command.platform.registry.find(target);
  if (!entry) {
    return std::unexpected(sw::kReferencedDataNotFound.because(
        "there is no such application to personalize, or no longer (GPCS 7.3.3)"));
  }
  if (!entry->selectable() || entry->aid == command.domain.aid ||
      entry->security_domain != command.domain.aid) {
    return std::unexpected(sw::kConditionsNotSatisfied.because(
        "a security domain personalizes what is associated with it and selectable (GPCS 7.3.3, "
        "11.5.2.3.6)"));
  }
  if (entry->is_security_domain() && has_channel_keys(command.platform.keys, *entry)) {
    return std::unexpected(sw::kConditionsNotSatisfied.because(
        "a security domain with keys of its own is personalized in a session that they opened, not "
        "through the domain above it (GPCS 7.3)"));
  }
  return *entry;
}

}  // namespace

apdu::ResponseApdu begin_personalization(const DomainCommand& command, const Aid& target) {
  const auto entry = check_target(command, target);
  if (!entry) {
    return answer(entry.error());
  }
  command.channel.personalizing =
      Personalization{.target = entry->aid, .standing = standing_of(command)};
  command.channel.next_block = 0;
  return answer(sw::kOk, Bytes{kNoConfirmation});
}

std::expected<RegistryEntry, StatusWord> personalized(const DomainCommand& command) {
  const Personalization& begun = *command.channel.personalizing;
  if (begun.over) {
    return std::unexpected(sw::kConditionsNotSatisfied.because(
        "the card was locked, or the application deleted, since INSTALL [for personalization]: "
        "begin again (GPCS 7.3.3)"));
  }
  if (const auto stands = check_standing(command, begun.standing); !stands) {
    return std::unexpected(status_of(stands.error()));
  }
  return check_target(command, begun.target);
}

}  // namespace kagibin::se
