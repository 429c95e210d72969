// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/scp11/certificate_sessions.h"

#include <algorithm>
#include <utility>

#include "kagibin/apdu/status_words.h"
#include "kagibin/scp/scp11/key_generation.h"
#include "kagibin/se/scp11/key_store_domain.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::uint8_t kGlobalPlatformClass = 0x80;
constexpr std::uint8_t kChained = 0x90;
// Tags of DELETE [key] (GPCS 11.2.2.3).
constexpr std::uint8_t kKeyIdentifier = 0xD0;
constexpr std::uint8_t kKeyVersion = 0xD2;

apdu::ResponseApdu refused(StatusWord word) { return {.data = {}, .sw = word}; }

}  // namespace

bool CertificateSessions::is_command(const apdu::CommandApdu& command) {
  if (command.ins == scp::ins::kPerformSecurityOperation) {
    return command.cla == kGlobalPlatformClass || command.cla == kChained;
  }
  return command.cla == kGlobalPlatformClass &&
         (command.ins == scp::ins::kInternalAuthenticate ||
          (command.ins == scp::ins::kMutualAuthenticate && command.p2 != 0));
}

bool CertificateSessions::takes(const LogicalChannel& channel,
                                std::uint8_t instruction,
                                ByteView data) {
  if (!channel.in_session() || !channel.session->is_replayable()) {
    return true;
  }
  const bool of_keys = instruction == apdu::ins::kPutKey || instruction == scp::ins::kGenerateKey;
  const bool deletes_keys = instruction == apdu::ins::kDelete &&
                            (data.empty() || (data[0] == kKeyIdentifier || data[0] == kKeyVersion));
  return !of_keys && !deletes_keys && instruction != apdu::ins::kSetStatus;
}

bool CertificateSessions::has_replayable_session(const LogicalChannel& beside,
                                                 const Aid& owner) const {
  return std::ranges::any_of(channels_.all, [&](const LogicalChannel& channel) {
    return channel.number != beside.number && channel.in_session() &&
           channel.session->is_replayable() && channel.session_keys &&
           channel.session_keys->domain == owner;
  });
}

apdu::ResponseApdu CertificateSessions::process(LogicalChannel& channel,
                                                const RegistryEntry& domain,
                                                const RegistryEntry& owner,
                                                const apdu::CommandApdu& command) {
  const auto parameter = scp11_parameter_of(domain);
  if (!parameter) {
    return refused(sw::kInstructionNotSupported.because(
        "this security domain does not speak SCP11: see GET DATA 0066 (GPCS H.2)"));
  }
  if (command.ins != scp::ins::kPerformSecurityOperation) {
    return authenticate(channel, domain, owner, *parameter, command);
  }
  if (channel.session != nullptr) {
    channel.end_session();
  }
  const KeyStoreDomain keys(platform_, domain.aid, owner.aid, *parameter);
  return refused(channel.certificates.perform_security_operation(command, keys));
}

apdu::ResponseApdu CertificateSessions::authenticate(LogicalChannel& channel,
                                                     const RegistryEntry& domain,
                                                     const RegistryEntry& owner,
                                                     scp::Scp11Parameter parameter,
                                                     const apdu::CommandApdu& command) {
  const scp::Scp11Card card = std::exchange(channel.certificates, {});
  channel.end_session();
  if (command.p2 == scp::kKidScp11c && has_replayable_session(channel, owner.aid)) {
    return refused(sw::kConditionsNotSatisfied.because(
        "another logical channel has an SCP11c session with this security domain (Amendment F)"));
  }
  const KeyStoreDomain keys(platform_, domain.aid, owner.aid, parameter);
  auto opened = card.authenticate(command, keys, platform_.rng);
  if (!opened) {
    return refused(opened.error());
  }
  channel.session_keys =
      SessionKeys{owner.aid, keys.resolve(opened->key).value_or(opened->key).version};
  channel.session = std::move(opened->session);
  return {.data = std::move(opened->answer), .sw = sw::kOk};
}

}  // namespace kagibin::se
