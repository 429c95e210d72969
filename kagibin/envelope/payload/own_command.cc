// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/payload/own_command.h"

#include <algorithm>
#include <optional>

namespace kagibin::envelope {

namespace {

constexpr std::size_t kHeaderSize = 4;
constexpr std::uint8_t kProprietary = 0x80;

void add_probe(std::vector<OwnCommand>& out, std::size_t index, const std::optional<Bytes>& probe) {
  if (!probe || probe->size() < kHeaderSize) {
    return;
  }
  OwnCommand command{.action = index, .is_probe = true};
  std::ranges::copy(ByteView(*probe).first(kHeaderSize), command.header.begin());
  out.push_back(command);
}

}  // namespace

std::vector<OwnCommand> own_commands(const std::vector<Action>& actions) {
  std::vector<OwnCommand> out;
  for (std::size_t i = 0; i < actions.size(); ++i) {
    if (const auto* command = std::get_if<CommandAction>(&actions[i])) {
      out.push_back({.action = i, .header = command->header, .is_probe = false});
      add_probe(out, i, command->probe);
    } else if (const auto* store = std::get_if<StoreDataAction>(&actions[i])) {
      add_probe(out, i, store->probe);
    }
  }
  return out;
}

bool is_plain_class(std::uint8_t cla) { return (cla & ~unsigned{kProprietary}) == 0; }

Result<void> check_probe_command(ByteView command) {
  if (command.size() < kProbeMinSize || command.size() > kProbeMaxSize) {
    return fail(Errc::kLength, "a probe is a command of 4 to 229 octets");
  }
  if (command.size() > kHeaderSize + 1) {
    const std::size_t data = command[kHeaderSize];
    const std::size_t without_le = kHeaderSize + 1 + data;
    if (data == 0 || (command.size() != without_le && command.size() != without_le + 1)) {
      return fail(Errc::kEncoding, "a probe is a short command; its Lc and its length differ");
    }
  }
  if (!is_plain_class(command[0])) {
    return fail(Errc::kValue, "a probe's class octet is 00 or 80: the secure channel adds its own");
  }
  return {};
}

Result<void> check_own_commands(const EnvelopeHeader& header, const Payload& payload) {
  // An SCP11a session has the level 33 always: A0/85 names its key and no i.
  const bool is_encrypted =
      header.is_by_certificates() ||
      (header.required_i_mask & kAnswersEncryptedMask) == kAnswersEncryptedMask;
  if (!is_encrypted && !own_commands(payload.actions).empty()) {
    return fail(Errc::kPolicy,
                "a command or probe of the target's own needs R-MAC and R-ENC (i mask 60): without "
                "them its answer crosses the relay in the clear");
  }
  return {};
}

}  // namespace kagibin::envelope
