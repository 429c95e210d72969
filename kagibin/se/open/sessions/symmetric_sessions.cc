// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/sessions/symmetric_sessions.h"

#include <algorithm>
#include <utility>

#include "kagibin/apdu/status_words.h"
#include "kagibin/scp/scp02/scp02_card.h"
#include "kagibin/scp/scp03/scp03_card.h"
#include "kagibin/se/open/sessions/channel_protocols.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::uint8_t kGlobalPlatformClass = 0x80;
constexpr std::uint8_t kEnc = 0x01;
constexpr std::uint8_t kMac = 0x02;
constexpr std::uint8_t kDek = 0x03;
constexpr StatusWord kNotCounted =
    sw::kMemoryFailure.because("the try or the session could not be counted in the memory");

std::unexpected<StatusWord> no_such_set() {
  return std::unexpected(sw::kReferencedDataNotFound.because(
      "the security domain has no complete key set of this version: see GET DATA 00E0 "
      "(Amendment D, 7.1.1; GPCS E.5.1.7)"));
}

std::unexpected<StatusWord> not_stored(const Error& error) {
  return std::unexpected(error.code == Errc::kLimit
                             ? sw::kConditionsNotSatisfied.because(error.detail)
                             : sw::kMemoryFailure.because(error.detail));
}

// A complete set of 3DES keys.
Result<scp::Scp02KeySet> scp02_key_set(const KeyStore& store,
                                       const Aid& domain,
                                       std::uint8_t version) {
  const auto enc = store.key(domain, {version, kEnc});
  const auto mac = store.key(domain, {version, kMac});
  const auto dek = store.key(domain, {version, kDek});
  if (!enc || !mac || !dek) {
    return fail(Errc::kNotFound, "there is no complete SCP02 key set of this version");
  }
  return scp::Scp02KeySet::create(enc->secret().duplicate(), mac->secret().duplicate(),
                                  dek->secret().duplicate());
}

}  // namespace

// One INITIALIZE UPDATE on its way.
struct SymmetricSessions::Opening {
  LogicalChannel& channel;
  const Aid& selected;
  const Aid& owner;
  std::uint8_t version = 0;
  ByteView host_challenge;
};

void SymmetricSessions::note_tries(const Aid& owner, std::uint8_t version) {
  if (version == 0) {
    return;  // there is no set at all
  }
  platform_.circumstances.about_key(owner, version);
  const std::uint8_t limit = platform_.facts.authentication_failure_limit;
  if (limit != 0) {
    const std::uint8_t used = std::min(limit, platform_.keys.failures(owner, version));
    platform_.circumstances.tries_left = static_cast<std::uint8_t>(limit - used);
  }
}

bool SymmetricSessions::pausing() const {
  return failures_ >= kFreeFailures && platform_.clock.uptime_ms() - last_failure_ms_ < kPauseMs;
}

// 00 when there is no complete set at all.
std::uint8_t SymmetricSessions::version_of(const RegistryEntry& domain,
                                           const RegistryEntry& owner,
                                           std::uint8_t p1) const {
  if (p1 != 0) {
    return p1;
  }
  const bool scp02 = domain.parameter_of(scp::kScp02).has_value();
  const bool scp03 = domain.parameter_of(scp::kScp03).has_value();
  const auto first = platform_.keys.default_version(owner.aid);
  if (scp02 == scp03) {
    return first.value_or(0);
  }
  const ChannelKeys spoken = scp02 ? ChannelKeys::kDes : ChannelKeys::kAes;
  return platform_.keys.default_version(owner.aid, spoken).value_or(first.value_or(0));
}

std::expected<void, StatusWord> SymmetricSessions::admit(const Opening& opening) const {
  const std::uint8_t limit = platform_.facts.authentication_failure_limit;
  if (limit != 0 && platform_.keys.failures(opening.owner, opening.version) >= limit) {
    return std::unexpected(sw::kAuthenticationMethodBlocked.because(
        "this key set is blocked: no try is left of those that the profile allows"));
  }
  if (pausing()) {
    return std::unexpected(sw::kConditionsNotSatisfied.because(
        "too many wrong host cryptograms in a row: wait one second, or reset"));
  }
  return {};
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
  const Opening opening{.channel = channel,
                        .selected = selected,
                        .owner = owner.aid,
                        .version = version_of(domain, owner, command.p1),
                        .host_challenge = command.data};
  const auto kind = platform_.keys.channel_keys(owner.aid, opening.version);
  note_tries(owner.aid, opening.version);
  const auto legacy = domain.parameter_of(scp::kScp02);
  if (kind == ChannelKeys::kDes) {
    if (!legacy) {
      return std::unexpected(sw::kConditionsNotSatisfied.because(kScp02IsOff));
    }
    return open_scp02(opening, static_cast<std::uint8_t>(*legacy));
  }
  const auto i = domain.parameter_of(scp::kScp03);
  if (!i) {
    return kind ? std::unexpected(sw::kConditionsNotSatisfied.because(
                      "this security domain was installed without SCP03, and the key set of this "
                      "version is for that: see GET DATA 0066 (GPCS H.2)"))
                : no_such_set();
  }
  const auto parameter = scp::Scp03Parameter::from(static_cast<std::uint8_t>(*i));
  KB_CHECK(parameter.has_value());
  return open_scp03(opening, *parameter);
}

std::expected<Bytes, StatusWord> SymmetricSessions::open_scp02(const Opening& opening,
                                                               std::uint8_t i) {
  if (opening.host_challenge.size() != scp::kScp02ChallengeSize) {
    return std::unexpected(
        sw::kWrongLength.because("the host challenge of SCP02 has 8 octets (GPCS E.5.1.5)"));
  }
  const auto parameter = scp::Scp02Parameter::from(i);
  KB_CHECK(parameter.has_value());
  const auto keys = scp02_key_set(platform_.keys, opening.owner, opening.version);
  if (!keys) {
    return no_such_set();
  }
  const auto admitted = admit(opening);
  if (!admitted) {
    return std::unexpected(admitted.error());
  }
  const auto counter = platform_.keys.sequence_counter(opening.owner, opening.version);
  if (!counter) {
    return not_stored(counter.error());
  }
  auto session = std::make_unique<scp::Scp02Card>();
  auto answer = session->initialize_update(
      opening.host_challenge, *keys,
      {.parameter = *parameter,
       .key_version_number = opening.version,
       .diversification_data = platform_.facts.diversification_data,
       .sequence_counter =
           static_cast<std::uint16_t>(std::min<std::uint32_t>(*counter, scp::kScp02LastCounter)),
       .aid = opening.selected},
      platform_.rng);
  if (answer) {
    opening.channel.session = std::move(session);
    opening.channel.session_keys = SessionKeys{opening.owner, opening.version};
  }
  return answer;
}

std::expected<Bytes, StatusWord> SymmetricSessions::open_scp03(const Opening& opening,
                                                               scp::Scp03Parameter parameter) {
  if (opening.host_challenge.size() != parameter.mac_size()) {
    return std::unexpected(sw::kWrongLength.because(
        "the host challenge has 8 octets, or 16 where the domain's i says S16 (Amendment D, 5.1)"));
  }
  auto keys = platform_.keys.scp03_key_set(opening.owner, opening.version);
  if (!keys) {
    return no_such_set();
  }
  const auto admitted = admit(opening);
  if (!admitted) {
    return std::unexpected(admitted.error());
  }
  scp::Scp03CardInit init{.parameter = parameter,
                          .key_version_number = opening.version,
                          .diversification_data = platform_.facts.diversification_data,
                          .sequence_counter = 0,
                          .aid = opening.selected};
  if (parameter.pseudo_random()) {
    const auto counter = platform_.keys.take_sequence_counter(opening.owner, opening.version);
    if (!counter) {
      return not_stored(counter.error());
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
  const bool limited = platform_.facts.authentication_failure_limit != 0;
  const std::uint8_t before = limited ? platform_.keys.failures(used.domain, used.version) : 0;
  if (limited && !platform_.keys.set_failures(used.domain, used.version,
                                              static_cast<std::uint8_t>(before + 1))) {
    channel.end_session();
    return kNotCounted;
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
  bool stored = !limited || guessed_wrong ||
                platform_.keys.set_failures(used.domain, used.version, after).has_value();
  if (channel.session->is_counted()) {
    stored = platform_.keys.take_sequence_counter(used.domain, used.version).has_value() && stored;
  }
  if (!sw::is_ok(status) || !stored) {
    channel.end_session();
  }
  note_tries(used.domain, used.version);
  return stored ? status : kNotCounted;
}

}  // namespace kagibin::se
