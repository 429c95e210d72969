// SPDX-License-Identifier: Apache-2.0
// The first half of a session with the target: what became of the last action, and the channel.
#include <algorithm>
#include <utility>

#include "kagibin/se/kda/target/target_session.h"

namespace kagibin::se {

namespace {

using envelope::ActionResult;
using kagibin::kda::NextAnswer;

constexpr std::uint8_t kRequiredBits = 0x7F;
constexpr std::uint8_t kNoPseudoRandom = 0x80;
constexpr std::uint8_t kHighestKeyVersion = 0x7F;  // FF is a factory set

std::uint8_t highest_version(const gp::KeyInformation& keys) {
  std::uint8_t highest = 0;
  for (const gp::KeyEntry& key : keys.keys) {
    if (key.version <= kHighestKeyVersion) {
      highest = std::max(highest, key.version);
    }
  }
  return highest;
}

}  // namespace

// --- finding out -------------------------------------------------------------------------------

TargetSession::Next TargetSession::start_probe() {
  close_channel();
  is_absence_proved_ = false;
  return proceed_with(probe_for(action()));
}

TargetSession::Next TargetSession::proceed_with(ProbeKind kind) {
  return kind == ProbeKind::kCardCryptogram ? ask_cryptogram() : open_channel(kind);
}

TargetSession::Next TargetSession::ask_cryptogram() {
  Bytes challenge(is_s16_ ? 16 : 8);
  KB_TRY(or_internal(kda_.rng().fill(challenge)));
  host_challenge_ = std::move(challenge);
  const std::uint8_t version = std::get<envelope::PutKeyAction>(action()).new_key_version;
  return select_and_send(Stage::kProbeUpdate, initialize_update(version, host_challenge_));
}

TargetSession::Next TargetSession::cryptogram_answered(const apdu::ResponseApdu& answer) {
  if (answer.sw == sw::kWrongLength && !is_s16_) {
    is_s16_ = true;
    return ask_cryptogram();
  }
  const std::size_t index = slot_.journal.current_action();
  Finding finding = Finding::kOpen;
  const auto update = scp::InitializeUpdateAnswer::decode(answer.data);
  if (sw::is_ok(answer.sw) && update) {
    finding = judge_cryptogram(delivery_.payload, index, host_challenge_, *update);
  }
  if (finding == Finding::kPresent) {
    return proved(ActionResult::kInstalledByProbe);
  }
  if (finding == Finding::kAbsent) {
    return proved_absent();
  }
  const ProbeKind next = after_open_cryptogram(delivery_.payload, index);
  return next == ProbeKind::kCardCryptogram ? unresolved() : open_channel(next);
}

TargetSession::Next TargetSession::key_list_answered(const apdu::ResponseApdu& answer) {
  const auto list = authenticated(answer);
  if (!list || !sw::is_ok(list->sw)) {
    return unresolved();
  }
  const auto keys = gp::KeyInformation::decode(list->data);
  if (!keys) {
    return unresolved();
  }
  slot_.record.highest_key_version = highest_version(*keys);
  switch (judge_key_list(action(), *keys)) {
    case Finding::kPresent:
      return proved(ActionResult::kInstalledByProbe);
    case Finding::kAbsent:
      return proved_absent();
    case Finding::kOpen:
      break;
  }
  return unresolved();
}

TargetSession::Next TargetSession::probe_answered(const apdu::ResponseApdu& answer) {
  if (is_done(answer)) {
    return proved(ActionResult::kInstalledByProbe);
  }
  return is_channel_open() ? send_action() : unresolved();
}

// --- the channel -------------------------------------------------------------------------------

std::optional<ChannelKeySet> TargetSession::channel_set() const {
  const std::size_t index = slot_.journal.current_action();
  auto before = channel_keys_after(delivery_.payload, index);
  const auto* deletion = std::get_if<envelope::DeleteKeyAction>(&action());
  if (is_sent() && before && deletion != nullptr && deletion->key_version == before->version) {
    // The set that the action deletes may be gone: use the one that is left.
    const auto after = channel_keys_after(delivery_.payload, index + 1);
    return after ? after : before;
  }
  return before;
}

TargetSession::Next TargetSession::open_channel(ProbeKind purpose) {
  close_channel();
  purpose_ = purpose;
  if (delivery_.header.is_by_certificates()) {
    return open_by_certificates();
  }
  const auto set = channel_set();
  if (!set) {
    return blocked();
  }
  auto keys = set->duplicate_set();
  if (!keys) {
    return blocked();
  }
  const bool allow_pseudo_random = (delivery_.header.required_i_mask & kNoPseudoRandom) == 0;
  channel_ = std::make_unique<scp::Scp03Host>(
      std::move(*keys), scp::Scp03HostOptions{.key_version_number = set->version,
                                              .s16 = is_s16_,
                                              .allow_pseudo_random = allow_pseudo_random,
                                              .aid = slot_.record.target});
  apdu::CommandApdu command = KB_TRY(or_internal(channel_->initialize_update(kda_.rng())));
  host_challenge_ = command.data;
  return select_and_send(Stage::kChannelUpdate, std::move(command));
}

bool TargetSession::is_parameter_accepted(scp::Scp03Parameter parameter) const {
  const std::uint8_t required = delivery_.header.required_i_mask & kRequiredBits;
  return (parameter.i & required) == required;
}

TargetSession::Next TargetSession::update_answered(const apdu::ResponseApdu& answer) {
  if (answer.sw == sw::kWrongLength && !is_s16_) {
    is_s16_ = true;
    return open_channel(purpose_);
  }
  const auto update = scp::InitializeUpdateAnswer::decode(answer.data);
  if (!sw::is_ok(answer.sw) || !update || !is_parameter_accepted(update->parameter)) {
    return blocked();
  }
  if (is_sent()) {
    const auto after = channel_keys_after(delivery_.payload, slot_.journal.current_action() + 1);
    const auto before = channel_keys_after(delivery_.payload, slot_.journal.current_action());
    if (after && before && after->version == before->version && after != before &&
        card_holds(*after, host_challenge_, *update)) {
      close_channel();
      return proved(ActionResult::kInstalledByProbe);
    }
  }
  return scp::highest_level(update->parameter).r_mac() ? authenticate(answer)
                                                       : without_rmac(answer);
}

TargetSession::Next TargetSession::without_rmac(const apdu::ResponseApdu& answer) {
  const auto& actions = delivery_.payload.actions;
  const auto first = actions.begin() + static_cast<std::ptrdiff_t>(slot_.journal.current_action());
  if (!std::all_of(first, actions.end(), works_without_rmac)) {
    return blocked();
  }
  if (purpose_ == ProbeKind::kKeyList) {
    // No list is authentic here; the channel's own keys may still prove that the action is not
    // done.
    const auto before = channel_set();
    const auto update = scp::InitializeUpdateAnswer::decode(answer.data);
    if (!before || !update || !is_disproved_by_channel(action(), *before) ||
        !card_holds(*before, host_challenge_, *update)) {
      return unresolved();
    }
    return proved_absent();
  }
  return authenticate(answer);
}

TargetSession::Next TargetSession::authenticate(const apdu::ResponseApdu& answer) {
  const auto update = scp::InitializeUpdateAnswer::decode(answer.data);
  const auto level = update ? scp::highest_level(update->parameter) : scp::SecurityLevel{};
  auto command = channel_->external_authenticate(answer, level);
  if (!command) {
    return blocked();
  }
  stage_ = Stage::kChannelAuth;
  return NextAnswer{.command = std::move(*command)};
}

TargetSession::Next TargetSession::open_by_certificates() {
  auto channel = CertificateChannel::create(kda_.store, slot_.record, delivery_.header);
  if (!channel) {
    return blocked();
  }
  by_certificates_ = std::make_unique<CertificateChannel>(std::move(*channel));
  return select_and_send(Stage::kCardData, CertificateChannel::ask_card_data());
}

TargetSession::Next TargetSession::card_data_answered(const apdu::ResponseApdu& answer) {
  return by_certificates_->take_card_data(answer) ? send_certificate() : blocked();
}

TargetSession::Next TargetSession::certificate_answered(const apdu::ResponseApdu& answer) {
  return sw::is_ok(answer.sw) ? send_certificate() : blocked();
}

TargetSession::Next TargetSession::send_certificate() {
  if (auto block = by_certificates_->next_certificate()) {
    stage_ = Stage::kHostCertificate;
    return NextAnswer{.command = std::move(block)};
  }
  auto command = by_certificates_->authenticate(kda_.rng());
  if (!command) {
    return refuse(internal_failure(command.error().code));
  }
  stage_ = Stage::kAgreement;
  return NextAnswer{.command = std::move(*command)};
}

TargetSession::Next TargetSession::channel_open() {
  if (purpose_ == ProbeKind::kKeyList) {
    return transmit(Stage::kKeyList, get_key_information());
  }
  if (purpose_ == ProbeKind::kCommand) {
    const auto* store = std::get_if<envelope::StoreDataAction>(&action());
    const auto& probe =
        store != nullptr ? store->probe : std::get<envelope::CommandAction>(action()).probe;
    return transmit(Stage::kProbeCommand, probe_command(*probe));
  }
  return send_action();
}

TargetSession::Next TargetSession::dek_list_answered(const apdu::ResponseApdu& answer) {
  const auto list = authenticated(answer);
  if (list && sw::is_ok(list->sw)) {
    const auto keys = gp::KeyInformation::decode(list->data);
    is_dek_listed_ = keys && keys->holds(delivery_.header.key_version_number,
                                         scp::static_dek_identifier(scp::Scp11Variant::kA));
  }
  if (!is_dek_listed_) {
    return is_sent() ? unresolved() : blocked();
  }
  return send_action();
}

}  // namespace kagibin::se
