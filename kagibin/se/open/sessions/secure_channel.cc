// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/sessions/secure_channel.h"

#include <utility>

#include "kagibin/apdu/status_words.h"
#include "kagibin/se/scp11/key_store_domain.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::uint8_t kGlobalPlatformClass = 0x80;
constexpr std::uint8_t kSecuredClass = 0x84;

}  // namespace

// 80 50, 84 82 and, with secure messaging as the session has it, 7A and 78 (Amendment D, 7.1).
// EXTERNAL AUTHENTICATE without its secure messaging bit is one, too, so that it is refused as
// such.
bool SecureChannel::is_security_command(const apdu::CommandApdu& command) {
  if (CertificateSessions::is_command(command)) {
    return true;
  }
  if (command.cla != kGlobalPlatformClass && command.cla != kSecuredClass) {
    return false;
  }
  switch (command.ins) {
    case apdu::ins::kInitializeUpdate:
    case apdu::ins::kExternalAuthenticate:
    case apdu::ins::kBeginRMacSession:
    case apdu::ins::kEndRMacSession:
      return true;
    default:
      return false;
  }
}

bool SecureChannel::is_opening_command(const apdu::CommandApdu& command) {
  return command.ins == apdu::ins::kInitializeUpdate || CertificateSessions::is_command(command);
}

RegistryEntry SecureChannel::key_domain(const RegistryEntry& domain) const {
  RegistryEntry at = domain;
  while (!at.is_root() && !has_channel_keys(platform_.keys, at)) {
    const auto parent = platform_.registry.find(at.security_domain);
    KB_CHECK(parent.has_value());
    at = *parent;
  }
  return at;
}

// A locked domain serves nobody, those below it that have no keys neither (GPCS 5.3.2.4).
bool SecureChannel::is_locked(const RegistryEntry& domain) const {
  const Aid owner = key_domain(domain).aid;
  RegistryEntry at = domain;
  while (!at.locked() && at.aid != owner) {
    const auto parent = platform_.registry.find(at.security_domain);
    KB_CHECK(parent.has_value());
    at = *parent;
  }
  return at.locked();
}

apdu::ResponseApdu SecureChannel::process(LogicalChannel& channel,
                                          const Aid& selected,
                                          const RegistryEntry& domain,
                                          const apdu::CommandApdu& command) {
  if (is_opening_command(command) && is_locked(domain)) {
    channel.end_session();
    return {.data = {},
            .sw = sw::kConditionsNotSatisfied.because(
                "the domain whose keys would open the session is locked, or one between: unlock it "
                "from above (GPCS 5.3.2.4)")};
  }
  if (CertificateSessions::is_command(command)) {
    return certificates_.process(channel, domain, key_domain(domain), command);
  }
  if (command.ins == apdu::ins::kExternalAuthenticate) {
    return {.data = {}, .sw = symmetric_.external_authenticate(channel, command)};
  }
  if (command.ins != apdu::ins::kInitializeUpdate) {
    return r_mac_session(channel, command);
  }
  channel.end_session();
  auto data = symmetric_.initialize_update(channel, selected, domain, key_domain(domain), command);
  if (!data) {
    return {.data = {}, .sw = data.error()};
  }
  return {.data = std::move(*data), .sw = sw::kOk};
}

apdu::ResponseApdu SecureChannel::r_mac_session(LogicalChannel& channel,
                                                const apdu::CommandApdu& command) {
  const auto plain = unwrap(channel, command);
  if (!plain) {
    return {.data = {}, .sw = plain.error()};
  }
  const ByteView data = plain->data.expose();
  apdu::CommandApdu opened = command;
  opened.cla = plain->cla;
  opened.data.assign(data.begin(), data.end());
  return wrap(channel, {}, channel.session->r_mac_session(opened));
}

std::expected<scp::CardSession::Unwrapped, StatusWord> SecureChannel::unwrap(
    LogicalChannel& channel, const apdu::CommandApdu& command) {
  if (!channel.in_session()) {
    channel.end_session();
    return std::unexpected(sw::kConditionsNotSatisfied.because(
        "no secure channel session is open on this logical channel: open one (GPCS 10.2)"));
  }
  auto plain = channel.session->unwrap(command);
  if (!channel.in_session()) {
    channel.end_session();
    channel.aborted = true;
  }
  return plain;
}

apdu::ResponseApdu SecureChannel::wrap(LogicalChannel& channel, ByteView data, StatusWord status) {
  if (!channel.in_session()) {
    return {.data = Bytes(data.begin(), data.end()), .sw = status};
  }
  return {.data = channel.session->wrap(data, status), .sw = status};
}

std::expected<SecretBytes, StatusWord> SecureChannel::decrypt_sensitive(
    const LogicalChannel& channel, ByteView value) {
  if (!channel.in_session()) {
    return std::unexpected(sw::kSecurityStatusNotSatisfied.because(
        "sensitive data is taken in a secure channel session alone: open one (GPCS 10.2)"));
  }
  return channel.session->decrypt_sensitive(value);
}

}  // namespace kagibin::se
