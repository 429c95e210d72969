// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/content/sequences/standing.h"

#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

Standing standing_of(const DomainCommand& command) {
  const auto& keys = command.channel.session_keys;
  return {.keys =
              keys ? command.platform.keys.fingerprint(keys->domain, keys->version) : std::nullopt};
}

Result<void> check_standing(const DomainCommand& command, const Standing& standing) {
  if (standing_of(command).keys != standing.keys) {
    return fail(Errc::kPolicy,
                "the keys that opened this session were replaced or deleted since INSTALL began "
                "this: open another session (GPCS 7.3, 9.3.5)");
  }
  return {};
}

void end_sequences_of_deleted(const DomainCommand& command) {
  const Registry& registry = command.platform.registry;
  for (LogicalChannel& channel : command.channels.all) {
    if (channel.load != nullptr && !registry.find(channel.load->security_domain)) {
      channel.load.reset();
    }
    if (channel.personalizing && !registry.find(channel.personalizing->target)) {
      channel.personalizing->over = true;
    }
  }
}

}  // namespace kagibin::se
