// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/symmetric_sessions.h"

#include <utility>

#include "kagibin/apdu/status_words.h"
#include "kagibin/scp/scp03_card.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::uint8_t kGlobalPlatformClass = 0x80;

}  // namespace

// One INITIALIZE UPDATE on its way.
struct SymmetricSessions::Opening {
  LogicalChannel& channel;
  const Aid& selected;
  const Aid& owner;
  std::uint8_t version = 0;
  ByteView host_challenge;
  scp::Scp03Parameter parameter{};
};

bool SymmetricSessions::pausing() const {
  return failures_ >= kFreeFailures && platform_.clock.uptime_ms() - last_failure_ms_ < kPauseMs;
}

std::expected<Bytes, StatusWord> SymmetricSessions::initialize_update(
    LogicalChannel& channel,
    const Aid& selected,
    const RegistryEntry& domain,
    const RegistryEntry& owner,
    const apdu::CommandApdu& command) {
  if (command.cla != kGlobalPlatformClass) {
    return std::unexpected(sw::kSecureMessagingNotSupported.because(
        "INITIALIZE UPDATE comes without secure messaging: class 80 (GPCS E.5.1.2)"));
  }
  if (command.p2 != 0) {
    return std::unexpected(sw::kIncorrectP1P2.because(
        "P2 of INITIALIZE UPDATE is 00: the key set is named by P1 (GPCS E.5.1.4)"));
  }
  const auto i = domain.parameter_of(scp::kScp03);
  const auto parameter = scp::Scp03Parameter::from(static_cast<std::uint8_t>(i.value_or(0xFF)));
  KB_CHECK(parameter.has_value());
  if (command.data.size() != parameter->mac_size()) {
    return std::unexpected(sw::kWrongLength.because(
        "the host challenge has 8 octets, or 16 where the domain's i says S16 (Amendment D, 5.1)"));
  }
  const auto first = platform_.keys.default_version(owner.aid);
  return open_scp03({.channel = channel,
                     .selected = selected,
                     .owner = owner.aid,
                     .version = command.p1 == 0 ? first.value_or(0) : command.p1,
                     .host_challenge = command.data,
                     .parameter = *parameter});
}

std::expected<Bytes, StatusWord> SymmetricSessions::open_scp03(const Opening& opening) {
  auto keys = platform_.keys.scp03_key_set(opening.owner, opening.version);
  if (!keys) {
    return std::unexpected(sw::kReferencedDataNotFound.because(
        "the security domain has no complete key set of this version: see GET DATA 00E0 "
        "(Amendment D, 7.1.1)"));
  }
  const std::uint8_t limit = platform_.facts.authentication_failure_limit;
  if (limit != 0 && platform_.keys.failures(opening.owner, opening.version) >= limit) {
    return std::unexpected(sw::kAuthenticationMethodBlocked.because(
        "this key set is blocked: no try is left of those that the profile allows"));
  }
  if (pausing()) {
    return std::unexpected(sw::kConditionsNotSatisfied.because(
        "too many wrong host cryptograms in a row: wait one second, or reset"));
  }
  scp::Scp03CardInit init{.parameter = opening.parameter,
                          .key_version_number = opening.version,
                          .diversification_data = platform_.facts.diversification_data,
                          .sequence_counter = 0,
                          .aid = opening.selected};
  if (opening.parameter.pseudo_random()) {
    const auto counter = platform_.keys.take_sequence_counter(opening.owner, opening.version);
    if (!counter) {
      const Error& error = counter.error();
      return std::unexpected(error.code == Errc::kLimit
                                 ? sw::kConditionsNotSatisfied.because(error.detail)
                                 : sw::kMemoryFailure.because(error.detail));
    }
    init.sequence_counter = *counter;
  }
  auto session = std::make_unique<scp::Scp03Card>();
  auto answer =
      session->initialize_update(opening.host_challenge, std::move(*keys), init, platform_.rng);
  if (answer) {
    opening.channel.session = std::move(session);
    opening.channel.session_keys = SessionKeys{opening.owner, opening.version};
  }
  return answer;
}

StatusWord SymmetricSessions::external_authenticate(LogicalChannel& channel,
                                                    const apdu::CommandApdu& command) {
  if (!channel.session_keys || channel.session == nullptr || channel.session->open()) {
    channel.end_session();
    return sw::kConditionsNotSatisfied.because(
        "EXTERNAL AUTHENTICATE follows INITIALIZE UPDATE (GPCS E.5.2.1)");
  }
  const SessionKeys used = *channel.session_keys;
  const bool counted = platform_.facts.authentication_failure_limit != 0;
  const std::uint8_t before = counted ? platform_.keys.failures(used.domain, used.version) : 0;
  if (counted && !platform_.keys.set_failures(used.domain, used.version,
                                              static_cast<std::uint8_t>(before + 1))) {
    channel.end_session();
    return sw::kMemoryFailure;
  }
  const StatusWord status = channel.session->establish(command).sw;
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

}  // namespace kagibin::se
