// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/secure_channel.h"

#include <utility>

#include "kagibin/apdu/status_words.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::uint8_t kGlobalPlatformClass = 0x80;
constexpr std::uint8_t kSecuredClass = 0x84;

}  // namespace

// 80 50 and 84 82 (Amendment D, 7.1). EXTERNAL AUTHENTICATE without its secure messaging bit is
// one, too, so that it is refused as such.
bool SecureChannel::is_security_command(const apdu::CommandApdu& command) {
  const bool global_platform = command.cla == kGlobalPlatformClass || command.cla == kSecuredClass;
  return global_platform && (command.ins == apdu::ins::kInitializeUpdate ||
                             command.ins == apdu::ins::kExternalAuthenticate);
}

RegistryEntry SecureChannel::key_domain(const RegistryEntry& domain) const {
  RegistryEntry at = domain;
  while (!at.is_issuer() && !platform_.keys.default_version(at.aid)) {
    const auto parent = platform_.registry.find(at.security_domain);
    KB_CHECK(parent.has_value());
    at = *parent;
  }
  return at;
}

bool SecureChannel::pausing() const {
  return failures_ >= kFreeFailures && platform_.clock.uptime_ms() - last_failure_ms_ < kPauseMs;
}

apdu::ResponseApdu SecureChannel::process(LogicalChannel& channel,
                                          const Aid& selected,
                                          const RegistryEntry& domain,
                                          const apdu::CommandApdu& command) {
  if (command.ins == apdu::ins::kExternalAuthenticate) {
    return {.data = {}, .sw = external_authenticate(channel, command)};
  }
  auto data = initialize_update(channel, selected, domain, command);
  if (!data) {
    return {.data = {}, .sw = data.error()};
  }
  return {.data = std::move(*data), .sw = sw::kOk};
}

std::expected<Bytes, StatusWord> SecureChannel::initialize_update(
    LogicalChannel& channel,
    const Aid& selected,
    const RegistryEntry& domain,
    const apdu::CommandApdu& command) {
  channel.end_session();
  if (command.cla != kGlobalPlatformClass) {
    return std::unexpected(sw::kSecureMessagingNotSupported);
  }
  if (command.p2 != 0) {
    return std::unexpected(sw::kIncorrectP1P2);
  }
  const auto parameter = scp::Scp03Parameter::from(domain.scp03_i);
  KB_CHECK(parameter.has_value());
  if (command.data.size() != parameter->mac_size()) {
    return std::unexpected(sw::kWrongLength);
  }
  const RegistryEntry owner = key_domain(domain);
  const auto first = platform_.keys.default_version(owner.aid);
  const std::uint8_t version = command.p1 == 0 ? first.value_or(0) : command.p1;
  auto keys = platform_.keys.scp03_key_set(owner.aid, version);
  if (!keys) {
    return std::unexpected(sw::kReferencedDataNotFound);
  }
  const std::uint8_t limit = platform_.facts.authentication_failure_limit;
  if (limit != 0 && platform_.keys.failures(owner.aid, version) >= limit) {
    return std::unexpected(sw::kAuthenticationMethodBlocked);
  }
  if (pausing()) {
    return std::unexpected(sw::kConditionsNotSatisfied);
  }
  scp::Scp03CardInit init{.parameter = *parameter,
                          .key_version_number = version,
                          .diversification_data = platform_.facts.diversification_data,
                          .sequence_counter = 0,
                          .aid = selected};
  if (parameter->pseudo_random()) {
    const auto counter = platform_.keys.take_sequence_counter(owner.aid, version);
    if (!counter) {
      return std::unexpected(counter.error().code == Errc::kLimit ? sw::kConditionsNotSatisfied
                                                                  : sw::kMemoryFailure);
    }
    init.sequence_counter = *counter;
  }
  auto answer =
      channel.session.initialize_update(command.data, std::move(*keys), init, platform_.rng);
  if (answer) {
    channel.session_keys = SessionKeys{owner.aid, version};
  }
  return answer;
}

StatusWord SecureChannel::external_authenticate(LogicalChannel& channel,
                                                const apdu::CommandApdu& command) {
  if (!channel.session_keys || channel.session.open()) {
    channel.end_session();
    return sw::kConditionsNotSatisfied;
  }
  const SessionKeys used = *channel.session_keys;
  const bool counted = platform_.facts.authentication_failure_limit != 0;
  const std::uint8_t before = counted ? platform_.keys.failures(used.domain, used.version) : 0;
  if (counted && !platform_.keys.set_failures(used.domain, used.version,
                                              static_cast<std::uint8_t>(before + 1))) {
    channel.end_session();
    return sw::kMemoryFailure;
  }
  const StatusWord status = channel.session.external_authenticate(command);
  const bool guessed_wrong =
      status == sw::kAuthenticationFailed || status == sw::kSecurityStatusNotSatisfied;
  if (guessed_wrong) {
    ++failures_;
    last_failure_ms_ = platform_.clock.uptime_ms();
  } else if (sw::is_ok(status)) {
    failures_ = 0;
  }
  // A command that was malformed gives its try back.
  const std::uint8_t after = sw::is_ok(status) ? 0 : before;
  const bool stored = !counted || guessed_wrong ||
                      platform_.keys.set_failures(used.domain, used.version, after).has_value();
  if (!sw::is_ok(status) || !stored) {
    channel.end_session();
  }
  return stored ? status : sw::kMemoryFailure;
}

std::expected<scp::Scp03Card::Unwrapped, StatusWord> SecureChannel::unwrap(
    LogicalChannel& channel, const apdu::CommandApdu& command) {
  auto plain = channel.session.unwrap(command);
  if (!channel.session.open()) {
    channel.end_session();
  }
  return plain;
}

apdu::ResponseApdu SecureChannel::wrap(LogicalChannel& channel, ByteView data, StatusWord status) {
  return {.data = channel.session.wrap(data, status), .sw = status};
}

}  // namespace kagibin::se
